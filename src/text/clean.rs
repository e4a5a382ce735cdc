//! Foreign text made harmless: names, labels, annotations, messages, files.
//!
//! What is cut: whole escape sequences. What becomes a visible sign: control characters (as control pictures),
//! line ends (`↵`), bidirectional marks, overrides and isolates and every other character that shows nothing (as
//! U+FFFD). What stays: joiners and variation selectors where a script or an emoji needs them, so that Arabic,
//! Indic, CJK and emoji look as their writers meant. Nothing is allocated when nothing has to change.
//! Guarantees of the result: no control character, no bidi control, no grapheme of width 0.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

use super::escape::{self, Sequence};
use super::measure::grapheme_width;

/// Stands for a character that would show nothing or disturb its neighbours.
const HIDDEN_SIGN: char = '\u{fffd}';
/// Stands for a line end inside a single line.
const NEWLINE_SIGN: char = '↵';
/// Carries a combining mark that has no letter to stand on, as Unicode recommends.
const MARK_CARRIER: char = '◌';
/// Columns between tab stops. Four keeps stack traces readable in narrow panes.
const TAB_STOP: usize = 4;
/// Longest grapheme we let through, in characters. A family emoji with skin tones has 11; beyond this come only
/// stacks of combining marks that run over the neighbouring rows.
const GRAPHEME_LIMIT: usize = 16;

/// One line of foreign text, harmless to draw. Line ends inside it are shown as `↵`.
#[must_use]
pub fn clean(s: &str) -> Cow<'_, str> {
    if s.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return Cow::Borrowed(s);
    }
    // First by character (sequences, controls), then by grapheme (joiners, marks), for a joiner can only be
    // judged by what really stands beside it in the end.
    match without_controls(s) {
        Cow::Borrowed(s) => without_hidden(s),
        Cow::Owned(s) => match without_hidden(&s) {
            Cow::Borrowed(_) => Cow::Owned(s),
            Cow::Owned(t) => Cow::Owned(t),
        },
    }
}

/// Text of several lines (YAML, descriptions, messages): each line of it cleaned, line ends dropped.
pub fn clean_lines(s: &str) -> impl Iterator<Item = Cow<'_, str>> {
    s.lines().map(clean)
}

/// Cuts escape sequences, expands tabs, shows controls.
fn without_controls(s: &str) -> Cow<'_, str> {
    let Some(first) = s.find(char::is_control) else {
        return Cow::Borrowed(s);
    };
    let mut out = String::with_capacity(s.len() + 8);
    out.push_str(&s[..first]);
    let mut rest = &s[first..];
    while let Some(c) = rest.chars().next() {
        let sequence = if c.is_control() { escape::at_start(rest) } else { Sequence::None };
        let used = match sequence {
            Sequence::Whole { bytes, .. } => bytes,
            Sequence::Unfinished(bytes) => {
                out.push(control_sign(c));
                bytes
            }
            Sequence::None => {
                let crlf = rest.starts_with("\r\n");
                match c {
                    '\t' => {
                        let column: usize = out.graphemes(true).map(grapheme_width).sum();
                        let spaces = TAB_STOP - column % TAB_STOP;
                        out.extend(std::iter::repeat_n(' ', spaces));
                    }
                    '\n' => out.push(NEWLINE_SIGN),
                    '\r' if crlf => out.push(NEWLINE_SIGN),
                    c if c.is_control() => out.push(control_sign(c)),
                    c => out.push(c),
                }
                c.len_utf8() + usize::from(crlf)
            }
        };
        rest = &rest[used..];
    }
    Cow::Owned(out)
}

/// The control picture of a control character; the eight-bit controls have none.
fn control_sign(c: char) -> char {
    match c {
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(HIDDEN_SIGN),
        '\x7f' => '␡',
        _ => HIDDEN_SIGN,
    }
}

/// Shows characters that would show nothing. Expects text without controls.
fn without_hidden(s: &str) -> Cow<'_, str> {
    let mut out: Option<String> = None;
    for (at, grapheme) in s.grapheme_indices(true) {
        match (clean_grapheme(grapheme), &mut out) {
            (None, None) => {}
            (None, Some(out)) => out.push_str(grapheme),
            (Some(new), Some(out)) => out.push_str(&new),
            (Some(new), None) => {
                let mut text = String::with_capacity(s.len() + 8);
                text.push_str(&s[..at]);
                text.push_str(&new);
                out = Some(text);
            }
        }
    }
    out.map_or(Cow::Borrowed(s), Cow::Owned)
}

/// The replacement of one grapheme, or `None` when it may stay as it is.
fn clean_grapheme(g: &str) -> Option<String> {
    if g.len() == 1 {
        return None;
    }
    let flag_tags = is_tagged_flag(g);
    let mut out = String::with_capacity(g.len());
    let mut changed = false;
    let mut chars = g.chars().peekable();
    let mut before = None;
    let mut kept = 0;
    while let Some(c) = chars.next() {
        let after = chars.peek().copied();
        let fine = match c {
            '\u{200c}' | '\u{200d}' => joins(before, c, after),
            '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => selects(before, c),
            '\u{180b}'..='\u{180d}' | '\u{180f}' => {
                matches!(before, Some('\u{1820}'..='\u{18aa}'))
            }
            '\u{e0020}'..='\u{e007f}' => flag_tags,
            c => !is_hidden(c),
        };
        if kept == GRAPHEME_LIMIT {
            changed = true;
            break;
        }
        kept += 1;
        changed |= !fine;
        out.push(if fine { c } else { HIDDEN_SIGN });
        before = Some(c);
    }
    if !changed && grapheme_width(g) > 0 {
        return None;
    }
    // What is left may have fallen apart into several graphemes; none of them may have width 0.
    let mut whole = String::with_capacity(out.len() + 4);
    for part in out.graphemes(true) {
        if grapheme_width(part) > 0 {
            whole.push_str(part);
            continue;
        }
        let carried = format!("{MARK_CARRIER}{part}");
        if carried.graphemes(true).count() == 1 && grapheme_width(&carried) == 1 {
            whole.push_str(&carried);
        } else {
            whole.push(HIDDEN_SIGN);
        }
    }
    Some(whole)
}

/// A flag of a region (Scotland's): a black flag, tag letters, and the tag that ends them, nothing else. Tags anywhere
/// else would be a place to hide data.
fn is_tagged_flag(g: &str) -> bool {
    let tags = g.strip_prefix('\u{1f3f4}').and_then(|rest| rest.strip_suffix('\u{e007f}'));
    tags.is_some_and(|tags| tags.chars().all(|c| ('\u{e0020}'..='\u{e007e}').contains(&c)))
}

/// Whether a joiner (U+200D) or non-joiner (U+200C) does its work between these two.
fn joins(before: Option<char>, joiner: char, after: Option<char>) -> bool {
    let Some(before) = before else { return false };
    if joins_letters(before) {
        return true;
    }
    // Inside one grapheme an emoji joiner is followed by a pictograph. Letters of one cell never are joined so.
    let pictograph = |c: char| {
        !c.is_ascii() && !is_hidden(c) && !('\u{1f3fb}'..='\u{1f3ff}').contains(&c) && {
            let mut buf = [0; 4];
            grapheme_width(c.encode_utf8(&mut buf)) > 0
        }
    };
    let emoji_before =
        before == '\u{fe0f}' || ('\u{1f3fb}'..='\u{1f3ff}').contains(&before) || pictograph(before);
    joiner == '\u{200d}' && emoji_before && after.is_some_and(pictograph)
}

/// Letters and marks of the scripts that are written with joiners: Hebrew to N'Ko and Mandaic, the Arabic blocks,
/// Indic, Tibetan, Myanmar, Khmer, Mongolian, Balinese and Javanese.
fn joins_letters(c: char) -> bool {
    matches!(c,
        '\u{05d0}'..='\u{05ea}' | '\u{0620}'..='\u{06d3}' | '\u{06fa}'..='\u{086a}' | '\u{0870}'..='\u{0887}'
        | '\u{08a0}'..='\u{08c9}' | '\u{0900}'..='\u{0dff}' | '\u{0f00}'..='\u{109f}' | '\u{1780}'..='\u{17b3}'
        | '\u{17b6}'..='\u{17d3}' | '\u{1820}'..='\u{18aa}' | '\u{1b00}'..='\u{1b4b}' | '\u{a8e0}'..='\u{a9df}'
        | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{11000}'..='\u{1157f}')
}

/// Whether a variation selector says something about the character before it: text or emoji style of a symbol,
/// a glyph variant of an ideograph. After anything else it is an invisible place to hide data.
fn selects(before: Option<char>, selector: char) -> bool {
    let Some(before) = before else { return false };
    let ideograph = matches!(before,
        '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}');
    match selector {
        '\u{fe0e}' | '\u{fe0f}' => {
            let mut styled = String::from(before);
            let plain = grapheme_width(&styled);
            styled.push('\u{fe0f}');
            let styled = grapheme_width(&styled);
            matches!(before, '0'..='9' | '#' | '*')
                || !ideograph && plain > 0 && styled == 2 && !before.is_alphabetic()
        }
        _ => ideograph,
    }
}

/// Characters that show nothing of their own, or steer their neighbours: Default_Ignorable_Code_Point, the bidi
/// controls (which it contains), line separators, interlinear marks, noncharacters.
/// Source: Unicode 16, DerivedCoreProperties.txt and PropList.txt.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
        || c.is_control()
        || u32::from(c) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_lent_back() {
        for s in [
            "cart-7d9c-x2kfp",
            "registry.example/cart:1.31.0",
            "Zürich",
            "متجر الكتب",
            "می‌خواهم",
            "क्‍ष",
            "東京のポッド",
            "👩‍👩‍👧‍👦 family",
            "❤️ 1️⃣ 🏴󠁧󠁢󠁳󠁣󠁴󠁿 🇨🇭 👍🏽 👩🏽‍💻",
            "葛󠄀城",
        ] {
            assert!(matches!(clean(s), Cow::Borrowed(_)), "{s:?} became {:?}", clean(s));
        }
    }

    #[test]
    fn sequences_are_cut_whole() {
        assert_eq!(clean("\x1b[31mred\x1b[0m"), "red");
        assert_eq!(clean("a\x1b]52;c;AAAA\x07b"), "ab");
        assert_eq!(clean("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ end"), "link end");
        assert_eq!(clean("a\u{9b}2Jb"), "ab");
        assert_eq!(clean("a\x1bcb"), "ab");
        assert_eq!(clean("a\x1b]0;open title"), "a␛0;open title", "an unclosed one hides nothing");
        assert_eq!(clean("\x1b[\x1b[31m31mx"), "31mx", "cutting never makes a new one");
    }

    #[test]
    fn controls_are_shown() {
        assert_eq!(clean("a\0b\x07c\x7fd\u{85}e"), "a␀b␇c␡d\u{fffd}e");
        assert_eq!(clean("one\ntwo\r\nthree\rfour"), "one↵two↵three␍four");
        assert_eq!(clean("a\tb"), "a   b");
        assert_eq!(clean("東\tb"), "東  b");
        assert_eq!(clean("abcd\te"), "abcd    e");
    }

    #[test]
    fn what_hides_is_shown() {
        assert_eq!(clean("\u{202e}gnp.exe\u{202c}"), "\u{fffd}gnp.exe\u{fffd}");
        assert_eq!(clean("ad\u{200b}min\u{feff}\u{2066}"), "ad\u{fffd}min\u{fffd}\u{fffd}");
        assert_eq!(clean("ad\u{200d}min"), "ad\u{fffd}min", "a joiner between Latin letters");
        assert_eq!(clean("👍\u{200d}"), "👍\u{fffd}", "a joiner that joins nothing");
        assert_eq!(clean("a\u{fe0f}b\u{e0101}"), "a\u{fffd}b\u{fffd}", "selectors that select nothing");
        assert_eq!(clean("x\u{e0041}\u{e0042}"), "x\u{fffd}\u{fffd}");
        assert_eq!(clean("a\u{2028}b"), "a\u{fffd}b");
    }

    #[test]
    fn tags_stay_in_whole_flags_only() {
        let flag = "\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}";
        assert_eq!(clean(flag), flag);
        let more = clean(&format!("{flag}\u{200c}\u{e007f}")).into_owned();
        assert!(!more.contains('\u{e0067}'), "{more:?}");
    }

    #[test]
    fn a_mark_without_a_letter_gets_a_carrier() {
        assert_eq!(clean("\u{301}a"), "◌\u{301}a");
        assert_eq!(clean("e\u{301}"), "e\u{301}");
    }

    #[test]
    fn towers_of_marks_are_capped() {
        let tower = format!("a{}", "\u{300}".repeat(500));
        assert_eq!(clean(&tower).chars().count(), GRAPHEME_LIMIT);
    }

    #[test]
    fn lines_are_cleaned_one_by_one() {
        let lines: Vec<_> = clean_lines("a: 1\r\n\tb: \x1b[1m2\n\nc").collect();
        assert_eq!(lines, ["a: 1", "    b: 2", "", "c"]);
    }
}
