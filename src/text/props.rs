//! Properties that hold for any foreign text: nothing that steers a terminal comes out, whatever went in, and
//! every width is the one the screen takes.

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Paragraph, Row, Table, Widget};
use ratatui::{TerminalOptions, Viewport};
use unicode_segmentation::UnicodeSegmentation;

use super::*;

/// Pieces that attack terminals or that scripts need, mixed with anything else.
fn foreign() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => proptest::sample::select(vec![
            "\x1b[31m", "\x1b[0m", "\x1b[?1049h", "\x1b]52;c;QUJD\x07", "\x1b]8;;http://x\x1b\\", "\x1b]0;open",
            "\x1bPq\x1b\\", "\x1b_x\u{9c}", "\x1b", "\x1b[", "\u{9b}2J", "\u{9d}0;x\u{9c}", "\x1bc", "\x07", "\x08",
            "\r", "\n", "\r\n", "\t", "\0", "\x7f", "\u{85}", "\u{2028}", "\u{202e}", "\u{202c}", "\u{2066}", "\u{2069}",
            "\u{200e}", "\u{200f}", "\u{61c}", "\u{200b}", "\u{200c}", "\u{200d}", "\u{feff}", "\u{ad}", "\u{fe0f}",
            "\u{fe0e}", "\u{e0101}", "\u{e0041}", "\u{e007f}", "\u{301}", "\u{20e3}", "\u{1160}", "\u{3164}",
            "\u{ff9e}", "\u{605}", "\u{17b4}", "\u{180e}", "\u{fffe}", "\u{fffb}",
        ]).prop_map(str::to_owned),
        3 => proptest::sample::select(vec![
            "a", "cart", "é", "م", "ی‌خ", "لا", "क्‍ष", "東京", "👩‍👩‍👧", "❤️", "1️⃣", "🇨🇭", "👍🏽", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "葛󠄀", "ﾊﾞ", "각", " ",
        ]).prop_map(str::to_owned),
        2 => any::<char>().prop_map(String::from),
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Characters that may never reach a terminal.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'
            | '\u{feff}' | '\u{ad}' | '\u{2060}'..='\u{2065}')
}

fn harmless(s: &str) -> Result<(), TestCaseError> {
    prop_assert!(!s.contains(steers), "{s:?}");
    for g in s.graphemes(true) {
        prop_assert!(width(g) > 0, "{g:?} of {s:?} takes no cell");
    }
    Ok(())
}

/// Draws a line the four ways panes draw text, through the real backend, and gives the bytes a terminal gets.
fn terminal_bytes(line: &Line<'_>) -> Vec<u8> {
    let area = Rect::new(0, 0, 60, 4);
    let viewport = Viewport::Fixed(area);
    let mut bytes = Vec::new();
    let mut terminal =
        Terminal::with_options(CrosstermBackend::new(&mut bytes), TerminalOptions { viewport }).unwrap();
    terminal
        .draw(|frame| {
            let row = |y| Rect::new(0, y, 60, 1);
            frame.render_widget(line, row(0));
            frame.render_widget(Paragraph::new(line.clone()), row(1));
            frame.render_widget(
                Table::new([Row::new([line.clone()])], [ratatui::layout::Constraint::Fill(1)]),
                row(2),
            );
            frame.render_widget(Block::bordered().title(line.clone()), row(3));
        })
        .unwrap();
    drop(terminal);
    bytes
}

/// Takes our own sequences (cursor position, colours, cursor visibility) out of the backend's bytes.
fn without_our_sequences(bytes: &[u8]) -> String {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("\x1b[") {
        out.push_str(&rest[..at]);
        let body = &rest[at + 2..];
        let Some(end) = body.find(|c: char| !(c.is_ascii_digit() || ";:?".contains(c))) else {
            break;
        };
        if "Hmlh".contains(&body[end..=end]) {
            rest = &body[end + 1..];
        } else {
            out.push('\x1b');
            rest = body;
        }
    }
    out.push_str(rest);
    out
}

/// The yardstick itself: uncleaned text does reach the terminal through ratatui, and is seen there.
#[test]
fn the_yardstick_sees_what_is_not_cleaned() {
    let seen = without_our_sequences(&terminal_bytes(&Line::from("a\u{202e}b\u{200b}c")));
    assert!(seen.contains('\u{202e}') && seen.contains(steers));
    assert!(without_our_sequences(b"\x1b[1;1Hok\x1b[2Jno").contains('\x1b'));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn clean_text_is_harmless_and_clean_for_good(s in foreign()) {
        let once = clean(&s).into_owned();
        harmless(&once)?;
        prop_assert_eq!(clean(&once), once.as_str());
    }

    #[test]
    fn every_line_is_harmless(s in foreign()) {
        for line in clean_lines(&s) {
            harmless(&line)?;
        }
        let log = log_line(&s);
        for span in &log.spans {
            harmless(&span.content)?;
        }
    }

    #[test]
    fn widths_are_those_the_screen_takes(s in foreign()) {
        let s = clean(&s);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 4_000, 1));
        let (end, _) = buffer.set_stringn(0, 0, &s, 4_000, ratatui::style::Style::new());
        prop_assert_eq!(usize::from(end), width(&s));
        let mut drawn = Buffer::empty(Rect::new(0, 0, 4_000, 1));
        Line::from(s.as_ref()).render(drawn.area, &mut drawn);
        prop_assert_eq!(drawn, buffer);
    }

    #[test]
    fn cuts_fit_and_stay_harmless(s in foreign(), w in 0_usize..40) {
        let s = clean(&s);
        for cut in [fit(&s, w), fit_end(&s, w), fit_middle(&s, w)] {
            harmless(&cut)?;
            prop_assert!(width(&cut) <= w);
            prop_assert!(width(&s) > w || cut == s);
        }
        prop_assert_eq!(width(&cell(&s, w)), w);
        prop_assert_eq!(width(&cell_end(&s, w)), w);
        prop_assert_eq!(width(&pad(&s, w)), width(&s).max(w));
    }

    #[test]
    fn any_string_can_be_measured_and_cut(s in foreign(), w in 0_usize..40) {
        prop_assert!(width(&fit(&s, w)) <= w);
        prop_assert!(width(&fit_middle(&s, w)) <= w);
        prop_assert!(width(&fit_end(&s, w)) <= w);
    }

    #[test]
    fn ascii_screens_show_ascii(s in foreign()) {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 40, 1));
        Line::from(clean(&s)).render(buffer.area, &mut buffer);
        asciify(&mut buffer);
        for cell in &buffer.content {
            prop_assert!(cell.symbol().bytes().all(|b| (0x20..0x7f).contains(&b)), "{:?}", cell.symbol());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn only_our_own_sequences_reach_the_terminal(s in foreign()) {
        for line in [Line::from(clean(&s)), log_line(&s), Line::from(fit_middle(&clean(&s), 20).into_owned())] {
            let bytes = terminal_bytes(&line);
            let text = without_our_sequences(&bytes);
            prop_assert!(!text.contains(steers), "{text:?}");
        }
    }
}
