//! Widths in terminal cells, measured as the screen buffer takes them, and cutting and padding by them.
//!
//! The buffer places text grapheme by grapheme (`ratatui::buffer::CellWidth`), so a string is as wide as its
//! graphemes together; measuring the string at once can differ (Arabic ligatures). Cutting never splits a grapheme.

use std::borrow::Cow;

use ratatui::buffer::{Buffer, CellWidth};
use unicode_segmentation::UnicodeSegmentation;

/// Stands where text was cut away, one cell wide. [`asciify`] turns it into `~`.
const ELLIPSIS: &str = "…";

/// Cells that this text takes on the screen. Control characters take none: the buffer drops them.
#[must_use]
pub fn width(s: &str) -> usize {
    if s.is_ascii() {
        return s.bytes().filter(|b| !b.is_ascii_control()).count();
    }
    s.graphemes(true).map(grapheme_width).sum()
}

/// Cells of one grapheme.
pub(super) fn grapheme_width(g: &str) -> usize {
    if g.contains(char::is_control) { 0 } else { usize::from(g.cell_width()) }
}

/// At most `w` cells of `s`; when something is cut away at the end, the last cell is `…`.
#[must_use]
pub fn fit(s: &str, w: usize) -> Cow<'_, str> {
    if fits(s, w) {
        return Cow::Borrowed(s);
    }
    match w {
        0 => Cow::Borrowed(""),
        _ => Cow::Owned([&s[..head(s, w - 1)], ELLIPSIS].concat()),
    }
}

/// At most `w` cells of `s`, keeping its end: `…-x2kfp`.
#[must_use]
pub fn fit_end(s: &str, w: usize) -> Cow<'_, str> {
    if fits(s, w) {
        return Cow::Borrowed(s);
    }
    match w {
        0 => Cow::Borrowed(""),
        _ => Cow::Owned([ELLIPSIS, &s[tail(s, w - 1)..]].concat()),
    }
}

/// At most `w` cells of `s`, keeping both ends: `storefront…2xw4v`. Pod names tell most at their ends.
#[must_use]
pub fn fit_middle(s: &str, w: usize) -> Cow<'_, str> {
    if fits(s, w) {
        return Cow::Borrowed(s);
    }
    if w < 3 {
        return fit(s, w);
    }
    let front = (w - 1).div_ceil(2);
    let (a, b) = (head(s, front), tail(s, w - 1 - front));
    Cow::Owned([&s[..a], ELLIPSIS, &s[b..]].concat())
}

/// `s` followed by spaces up to `w` cells; a longer one is returned as it is.
#[must_use]
pub fn pad(s: &str, w: usize) -> Cow<'_, str> {
    match w.saturating_sub(width(s)) {
        0 => Cow::Borrowed(s),
        n => Cow::Owned([s, &" ".repeat(n)].concat()),
    }
}

/// `s` after spaces up to `w` cells (numbers align right); a longer one is returned as it is.
#[must_use]
pub fn pad_start(s: &str, w: usize) -> Cow<'_, str> {
    match w.saturating_sub(width(s)) {
        0 => Cow::Borrowed(s),
        n => Cow::Owned([&" ".repeat(n), s].concat()),
    }
}

/// Exactly `w` cells, text at the left: [`fit`] and [`pad`] in one.
#[must_use]
pub fn cell(s: &str, w: usize) -> Cow<'_, str> {
    match fit(s, w) {
        Cow::Borrowed(s) => pad(s, w),
        Cow::Owned(s) => Cow::Owned(pad(&s, w).into_owned()),
    }
}

/// Exactly `w` cells, text at the right: [`fit`] and [`pad_start`] in one.
#[must_use]
pub fn cell_end(s: &str, w: usize) -> Cow<'_, str> {
    match fit(s, w) {
        Cow::Borrowed(s) => pad_start(s, w),
        Cow::Owned(s) => Cow::Owned(pad_start(&s, w).into_owned()),
    }
}

/// Rewrites a drawn screen for a terminal that shows ASCII only: `…` becomes `~`, any other foreign grapheme
/// becomes `?` in each of its cells, so that columns stay where they are. Call it last, once per frame.
pub fn asciify(buffer: &mut Buffer) {
    let columns = usize::from(buffer.area.width).max(1);
    for row in buffer.content.chunks_mut(columns) {
        let mut rest_of_wide = 0;
        for cell in row {
            if rest_of_wide > 0 {
                rest_of_wide -= 1;
                cell.set_symbol("?");
                continue;
            }
            if cell.symbol().is_ascii() {
                continue;
            }
            rest_of_wide = grapheme_width(cell.symbol()).saturating_sub(1);
            cell.set_symbol(match cell.symbol() {
                ELLIPSIS => "~",
                "\u{a0}" | "\u{3000}" => " ",
                "↵" => "$",
                "─" | "━" => "-",
                "│" | "┃" => "|",
                "·" => "-",
                "→" | "▸" => ">",
                "↑" => "^",
                "↓" => "v",
                "×" => "x",
                _ => "?",
            });
        }
    }
}

/// Whether `s` takes no more than `w` cells. No byte of UTF-8 takes more than one cell, but for the two half-width
/// sound marks whose three bytes take one: short strings need no measuring.
fn fits(s: &str, w: usize) -> bool {
    s.len() <= w || width(s) <= w
}

/// Length in bytes of the longest head of `s` within `w` cells.
fn head(s: &str, w: usize) -> usize {
    let mut used = 0;
    for (at, g) in s.grapheme_indices(true) {
        used += grapheme_width(g);
        if used > w {
            return at;
        }
    }
    s.len()
}

/// Start in bytes of the longest tail of `s` within `w` cells.
fn tail(s: &str, w: usize) -> usize {
    let mut used = 0;
    let mut start = s.len();
    for (at, g) in s.grapheme_indices(true).rev() {
        used += grapheme_width(g);
        if used > w {
            break;
        }
        start = at;
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;

    #[test]
    fn widths() {
        assert_eq!(width("cart"), 4);
        assert_eq!(width("東京"), 4);
        assert_eq!(width("👩‍👩‍👧‍👦"), 2);
        assert_eq!(width("e\u{301}"), 1);
        assert_eq!(width(""), 0);
    }

    #[test]
    fn cuts() {
        assert_eq!(fit("storefront", 10), "storefront");
        assert_eq!(fit("storefront", 6), "store…");
        assert_eq!(fit("東京都", 4), "東…");
        assert_eq!(fit("ab", 0), "");
        assert_eq!(fit_end("storefront", 6), "…front");
        assert_eq!(fit_middle("storefront-66fd-2xw4v", 11), "store…2xw4v");
        assert_eq!(fit_middle("storefront", 2), "s…");
        assert!(matches!(fit("short", 9), Cow::Borrowed(_)));
    }

    #[test]
    fn pads() {
        assert_eq!(pad("東", 4), "東  ");
        assert_eq!(pad_start("7", 3), "  7");
        assert_eq!(cell("storefront", 4), "sto…");
        assert_eq!(cell("東京都", 4), "東… ", "a half cut wide one leaves a space");
        assert_eq!(cell_end("12", 4), "  12");
    }

    #[test]
    fn ascii_screens_keep_their_columns() {
        let mut buffer = Buffer::with_lines(["東b…é│x↑↓"]);
        asciify(&mut buffer);
        assert_eq!(buffer, Buffer::with_lines(["??b~?|x^v"]));
        let mut none = Buffer::empty(Rect::ZERO);
        asciify(&mut none);
    }
}
