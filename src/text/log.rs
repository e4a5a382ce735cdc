//! One line of a container's log: colours kept, everything else made harmless.
//!
//! Only "select graphic rendition" sequences reach the ANSI parser (`ansi-to-tui`, from the makers of ratatui);
//! all others are cut before, since the parser ends an operating-system command at BEL only and would swallow
//! text. Blinking and hidden text are refused: a log must neither distract nor conceal.

use ansi_to_tui::IntoText as _;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::clean::clean;
use super::escape::{self, Sequence};

/// A log line ready to draw. Its spans carry only what the line itself asked for, so the caller's style shows
/// through elsewhere; `clean` of the same line gives the plain text for searching.
#[must_use]
pub fn log_line(s: &str) -> Line<'_> {
    if !s.contains('\x1b') {
        return Line::from(clean(s));
    }
    let coloured = keep_colours(s);
    let Ok(text) = coloured.as_str().into_text() else {
        return Line::from(clean(s));
    };
    let mut spans: Vec<Span<'static>> = Vec::new();
    for span in text.lines.into_iter().flat_map(|line| line.spans) {
        let content = clean(&span.content).into_owned();
        if !content.is_empty() {
            spans.push(Span::styled(content, polite(span.style)));
        }
    }
    Line::from(spans)
}

/// The line with colour sequences as they are and every other sequence cut. Line ends become their sign here
/// already, for the ANSI parser would make several lines of them.
fn keep_colours(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    let mut rest = s;
    while let Some(at) = rest.find(['\x1b', '\n', '\r']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let used = match escape::at_start(rest) {
            Sequence::Whole { bytes, sgr } => {
                if sgr {
                    out.push_str(&rest[..bytes]);
                }
                bytes
            }
            Sequence::Unfinished(bytes) => {
                out.push('␛');
                bytes
            }
            Sequence::None => {
                let bytes = if rest.starts_with("\r\n") { 2 } else { 1 };
                out.push_str(&clean(&rest[..bytes]));
                bytes
            }
        };
        rest = &rest[used..];
    }
    out.push_str(rest);
    out
}

/// A style without what a log line may not do: reset our colours, blink, hide its text.
fn polite(style: Style) -> Style {
    let given = |c: Option<Color>| c.filter(|c| *c != Color::Reset);
    let (mut fg, mut bg) = (given(style.fg), given(style.bg));
    if fg.is_some() && fg == bg {
        (fg, bg) = (None, None);
    }
    let refused = Modifier::HIDDEN | Modifier::SLOW_BLINK | Modifier::RAPID_BLINK;
    Style {
        fg,
        bg,
        underline_color: None,
        add_modifier: style.add_modifier - refused,
        sub_modifier: Modifier::empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(s: &str) -> Vec<(String, Style)> {
        log_line(s).spans.into_iter().map(|s| (s.content.into_owned(), s.style)).collect()
    }

    #[test]
    fn colours_stay_and_end() {
        assert_eq!(
            parts("\x1b[31mERROR\x1b[0m upstream"),
            [("ERROR".into(), Style::new().fg(Color::Red)), (" upstream".into(), Style::new())]
        );
    }

    #[test]
    fn links_and_titles_go_and_text_stays() {
        let line = parts("a\x1b]8;;http://x\x1b\\b\x1b]0;t\x07c\x1b[2Jd");
        let text: String = line.into_iter().map(|(t, _)| t).collect();
        assert_eq!(text, "abcd");
    }

    #[test]
    fn hidden_and_blinking_text_is_shown() {
        assert_eq!(
            parts("\x1b[8mpassword\x1b[5m!"),
            [("password".into(), Style::new()), ("!".into(), Style::new())]
        );
        assert_eq!(parts("\x1b[31;41mred on red"), [("red on red".into(), Style::new())]);
    }

    #[test]
    fn bad_sequences_lose_no_text() {
        for bad in
            ["\x1b[999m", "\x1b[38;5m", "\x1b[38:2::1:2:3m", "\x1b[38;99999999999999999999;1m", "\x1b[;;;m"]
        {
            let text: String = parts(&format!("a{bad}b\nc")).into_iter().map(|(t, _)| t).collect();
            assert_eq!(text, "ab↵c", "after {bad:?}");
        }
    }
}
