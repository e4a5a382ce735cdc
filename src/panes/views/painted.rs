//! A line of text with its colours by meaning, wrapped and drawn by cells.
//!
//! Colours stand beside the text as ranges of bytes, so that searching, wrapping
//! and copying see plain text. Texts are clean before they come here.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;

use crate::look::Look;
use crate::text;
use crate::theme::Role;

/// The colour of a piece of text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Paint {
    /// By meaning.
    Role(Role),
    /// As a log line asked for itself.
    Own(Style),
}

/// A line of text with its colours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Painted {
    text: String,
    /// Coloured pieces in order; what lies between has the base style.
    pieces: Vec<(Range<usize>, Paint)>,
}

/// Where a line is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// First column.
    pub x: u16,
    /// Row.
    pub y: u16,
    /// Columns that may be used.
    pub width: u16,
    /// Columns of the line that are scrolled away at its left.
    pub skip: usize,
}

impl Painted {
    /// Text in the base style.
    pub fn plain(text: impl Into<String>) -> Painted {
        Painted { text: text.into(), pieces: Vec::new() }
    }

    /// Text of one role.
    pub fn role(role: Role, text: &str) -> Painted {
        let mut line = Painted::default();
        line.push(role, text);
        line
    }

    /// The same line with a piece of a role behind it.
    #[must_use]
    pub fn with(mut self, role: Role, text: &str) -> Painted {
        self.push(role, text);
        self
    }

    /// The same line with plain text behind it.
    #[must_use]
    pub fn and(mut self, text: &str) -> Painted {
        self.text.push_str(text);
        self
    }

    /// Adds a piece of a role.
    pub fn push(&mut self, role: Role, text: &str) {
        self.push_paint(Paint::Role(role), text);
    }

    /// Adds a piece.
    pub fn push_paint(&mut self, paint: Paint, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        if !text.is_empty() {
            self.pieces.push((start..self.text.len(), paint));
        }
    }

    /// Adds text in the base style.
    pub fn push_plain(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds another line behind this one.
    pub fn append(&mut self, other: &Painted) {
        let start = self.text.len();
        self.text.push_str(&other.text);
        let moved = |(range, paint): &(Range<usize>, Paint)| (range.start + start..range.end + start, *paint);
        self.pieces.extend(other.pieces.iter().map(moved));
    }

    /// Fills up with spaces to a column.
    pub fn pad_to(&mut self, column: usize) {
        let used = text::width(&self.text);
        self.text.extend(std::iter::repeat_n(' ', column.saturating_sub(used)));
    }

    /// The plain text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Cells that it takes.
    pub fn width(&self) -> usize {
        text::width(&self.text)
    }

    /// The rows that it takes when wrapped; rows after the first are `indent`
    /// columns narrower. There is always at least one.
    pub fn rows(&self, width: usize, indent: usize) -> Vec<Range<usize>> {
        wrapped(&self.text, width, indent)
    }

    /// Draws a part of the text. `hits` are ranges of the whole text that a search found.
    pub fn draw(
        &self,
        part: Range<usize>,
        hits: &[Range<usize>],
        look: &Look,
        base: Style,
        place: Place,
        buffer: &mut Buffer,
    ) {
        let mut pen = Pen { x: place.x, end: place.x.saturating_add(place.width), skip: place.skip };
        let mut at = part.start;
        while at < part.end && pen.x < pen.end {
            let (mut end, mut style) = (part.end, base);
            let next = self.pieces.partition_point(|(range, _)| range.end <= at);
            if let Some((range, paint)) = self.pieces.get(next) {
                if range.start <= at {
                    end = end.min(range.end);
                    style = style.patch(match paint {
                        Paint::Role(role) => look.style(*role),
                        Paint::Own(own) => *own,
                    });
                } else {
                    end = end.min(range.start);
                }
            }
            let next = hits.partition_point(|range| range.end <= at);
            if let Some(range) = hits.get(next) {
                if range.start <= at {
                    end = end.min(range.end);
                    style = style.patch(look.style(Role::Match));
                } else {
                    end = end.min(range.start);
                }
            }
            let Some(piece) = self.text.get(at..end) else { return };
            pen.put(piece, style, place.y, buffer);
            at = end;
        }
    }

    /// Draws as much as fits in one row.
    pub fn draw_row(&self, look: &Look, base: Style, place: Place, buffer: &mut Buffer) {
        self.draw(0..self.text.len(), &[], look, base, place, buffer);
    }
}

/// The rows of a text wrapped at cells; rows after the first are `indent` columns narrower.
pub fn wrapped(content: &str, width: usize, indent: usize) -> Vec<Range<usize>> {
    let first = width.max(1);
    let later = width.saturating_sub(indent).max(1);
    if content.len() <= first {
        return std::iter::once(0..content.len()).collect();
    }
    let mut rows = Vec::new();
    let (mut start, mut used, mut room) = (0, 0, first);
    for (at, grapheme) in content.grapheme_indices(true) {
        let cells = text::width(grapheme);
        if used + cells > room && at > start && grapheme == " " && used <= room {
            // A space at the edge hangs over it unseen, rather than begin the next row.
            rows.push(start..at + 1);
            (start, used, room) = (at + 1, 0, later);
            continue;
        }
        if used + cells > room && at > start {
            // Rather break at a space, when there is one in the row's second half.
            let row = content.get(start..at).unwrap_or_default();
            let cut = match row.rfind(' ') {
                Some(space) if space > row.len() / 2 && grapheme != " " => start + space + 1,
                _ => at,
            };
            rows.push(start..cut);
            used = text::width(content.get(cut..at).unwrap_or_default());
            start = cut;
            room = later;
        }
        used += cells;
    }
    if start < content.len() || rows.is_empty() {
        rows.push(start..content.len());
    }
    rows
}

/// Puts pieces one after the other, leaving out what is scrolled away.
struct Pen {
    x: u16,
    end: u16,
    skip: usize,
}

impl Pen {
    fn put(&mut self, mut piece: &str, style: Style, y: u16, buffer: &mut Buffer) {
        if self.skip > 0 {
            let mut cut = piece.len();
            for (at, grapheme) in piece.grapheme_indices(true) {
                if self.skip == 0 {
                    cut = at;
                    break;
                }
                let cells = text::width(grapheme);
                if cells > self.skip {
                    // Half of a wide character is scrolled away: the other half is blank.
                    self.x = self.x.saturating_add(u16::try_from(cells - self.skip).unwrap_or(0));
                    self.skip = 0;
                } else {
                    self.skip -= cells;
                }
            }
            piece = piece.get(cut..).unwrap_or_default();
        }
        if self.x >= self.end || piece.is_empty() {
            return;
        }
        let (x, _) = buffer.set_stringn(self.x, y, piece, usize::from(self.end - self.x), style);
        // A wide character that does not fit into the last cell ends the row.
        let whole = usize::from(x - self.x) == text::width(piece);
        self.x = if whole { x } else { self.end };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;

    fn rows(content: &str, width: usize, indent: usize) -> Vec<&str> {
        wrapped(content, width, indent).into_iter().map(|row| &content[row]).collect()
    }

    #[test]
    fn wrapping_prefers_spaces_and_never_splits_a_wide_character() {
        assert_eq!(rows("", 5, 0), [""]);
        assert_eq!(rows("abcdefgh", 3, 0), ["abc", "def", "gh"]);
        assert_eq!(rows("abcdefgh", 4, 2), ["abcd", "ef", "gh"]);
        assert_eq!(rows("one two three", 8, 0), ["one two ", "three"]);
        assert_eq!(rows("one two three", 7, 0), ["one two ", "three"], "the space hangs over the edge");
        assert_eq!(rows("abc ", 3, 0), ["abc "]);
        assert_eq!(rows("東京東京", 3, 0), ["東", "京", "東", "京"]);
        assert_eq!(rows("東", 1, 0), ["東"], "there is always progress");
        assert_eq!(rows("abc", 0, 9), ["a", "b", "c"]);
    }

    #[test]
    fn wrapping_loses_nothing() {
        let text = "kubelet  Back-off restarting failed container 東京 in pod 👩‍👩‍👧‍👦 متجر";
        for width in 1..60 {
            for indent in [0, 3, 70] {
                assert_eq!(rows(text, width, indent).concat(), text, "{width} {indent}");
            }
        }
    }

    #[test]
    fn scrolled_text_keeps_its_columns() {
        let look = crate::panes::views::testing::look();
        let found = [(0..2), (2..5)];
        let line = Painted::plain("ab").with(Role::Warning, "東京").and("cd");
        for (skip, shown) in
            [(0, "ab東京cd  "), (1, "b東京cd   "), (3, " 京cd     "), (7, "d         "), (99, "          ")]
        {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 10, 1));
            let place = Place { x: 0, y: 0, width: 10, skip };
            line.draw(0..line.text().len(), &found, &look, Style::new(), place, &mut buffer);
            let drawn: Vec<&str> = buffer.content.iter().map(|cell| cell.symbol()).collect();
            let mut expected = Buffer::empty(Rect::new(0, 0, 10, 1));
            expected.set_string(0, 0, shown, Style::new());
            let expected: Vec<&str> = expected.content.iter().map(|cell| cell.symbol()).collect();
            assert_eq!(drawn, expected, "skip {skip}");
        }
    }

    #[test]
    fn drawing_stays_inside_of_its_place() {
        let look = crate::panes::views::testing::look();
        let mut buffer = Buffer::with_lines([".........."]);
        let place = Place { x: 2, y: 0, width: 3, skip: 0 };
        Painted::plain("東京東京").draw_row(&look, Style::new(), place, &mut buffer);
        assert_eq!(buffer.content[5].symbol(), ".");
    }
}
