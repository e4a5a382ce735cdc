//! A page of lines to look at, some of which are rows for the cursor: the pod
//! view and the rollout view are made of it.
//!
//! Lines are always wrapped. The cursor holds an identity, so that it stays on
//! its pod while the page is written anew around it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::painted::{Painted, Place};
use super::scroll::Scroll;
use crate::action::Action;
use crate::domain::level::Level;
use crate::look::Look;
use crate::panes::Pointer;
use crate::theme::Role;

/// A line of a page.
#[derive(Clone, Debug, PartialEq)]
pub struct PageLine<I> {
    /// What it says.
    pub line: Painted,
    /// Columns by which rows after the first are set in, when it wraps.
    pub indent: usize,
    /// What the cursor can stand on here.
    pub row: Option<I>,
    /// The sign in front of it.
    pub sign: Option<Level>,
    /// A bar in its first row.
    pub bar: Option<Bar>,
    /// A row that is left to a picture: the lines of one stand below each other.
    pub picture: bool,
}

/// A bar in a line, over cells that the line leaves blank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Its first column in the line.
    pub column: usize,
    /// Its cells.
    pub width: usize,
    /// The part that is filled...
    pub part: u64,
    /// ...of this.
    pub whole: u64,
}

/// Columns before every line: the sign and a space.
const GUTTER: u16 = 2;

impl<I> PageLine<I> {
    /// A line that the cursor passes over.
    pub fn text(line: Painted) -> PageLine<I> {
        PageLine { line, indent: 2, row: None, sign: None, bar: None, picture: false }
    }

    /// A row of a picture, which the caller draws where [`Page::picture`] says.
    pub fn picture() -> PageLine<I> {
        PageLine { picture: true, ..PageLine::text(Painted::default()) }
    }

    /// The same line with the sign of a level in front.
    #[must_use]
    pub fn sign(mut self, level: Level) -> PageLine<I> {
        self.sign = Some(level);
        self
    }

    /// The same line with its later rows set in so far.
    #[must_use]
    pub fn indent(mut self, indent: usize) -> PageLine<I> {
        self.indent = indent;
        self
    }

    /// A row for the cursor.
    pub fn row(line: Painted, row: I) -> PageLine<I> {
        PageLine { line, indent: 2, row: Some(row), sign: None, bar: None, picture: false }
    }
}

/// A page.
#[derive(Clone, Debug)]
pub struct Page<I> {
    lines: Vec<PageLine<I>>,
    scroll: Scroll,
    selected: Option<I>,
    /// The selected row went; the cursor is on nothing until a key moves it.
    lost: bool,
    /// No key has moved the cursor yet: it stays on the first row, or the first one of these.
    untouched: bool,
    preferred: fn(&I) -> bool,
}

impl<I: Clone + PartialEq> Default for Page<I> {
    fn default() -> Page<I> {
        Page {
            lines: Vec::new(),
            scroll: Scroll::default(),
            selected: None,
            lost: false,
            untouched: true,
            preferred: |_| true,
        }
    }
}

impl<I: Clone + PartialEq> Page<I> {
    /// A page on which the cursor begins on the first of these rows, where there is one.
    pub fn preferring(preferred: fn(&I) -> bool) -> Page<I> {
        Page { preferred, ..Page::default() }
    }

    /// Rows of the window.
    pub fn height(&self) -> usize {
        self.scroll.height
    }

    /// The window's size.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.scroll.resize(width.saturating_sub(GUTTER), height);
    }

    /// Columns of the window.
    pub fn width(&self) -> usize {
        self.scroll.width
    }

    /// The page is this now. The selected row keeps its place on the screen
    /// unless the page is shown from its top.
    pub fn set(&mut self, lines: Vec<PageLine<I>>) {
        let before = self.scroll.cursor;
        self.lines = lines;
        let found = match &self.selected {
            Some(selected) if !self.untouched => {
                self.lines.iter().position(|line| line.row.as_ref() == Some(selected))
            }
            _ => None,
        };
        match found {
            Some(at) => {
                if self.scroll.top > 0 {
                    self.scroll.top = (self.scroll.top + at).saturating_sub(before);
                }
                self.scroll.cursor = at;
                self.lost = false;
            }
            None if self.untouched => {
                let wanted = |line: &PageLine<I>| line.row.as_ref().is_some_and(self.preferred);
                let first = self.lines.iter().position(wanted);
                let first = first.or_else(|| self.lines.iter().position(|line| line.row.is_some()));
                self.selected = first.and_then(|at| self.lines.get(at)?.row.clone());
                self.scroll.cursor = first.unwrap_or(0);
            }
            None => self.lost = self.selected.is_some(),
        }
        self.moved(|scroll, len, rows| {
            let cursor = scroll.cursor;
            scroll.clamp(len, rows);
            scroll.cursor = cursor.min(len.saturating_sub(1));
        });
    }

    /// The row under the cursor; `None` when it went.
    pub fn selected(&self) -> Option<&I> {
        self.selected.as_ref().filter(|_| !self.lost)
    }

    fn moved(&mut self, how: impl FnOnce(&mut Scroll, usize, &dyn Fn(usize) -> usize)) {
        let Page { lines, scroll, .. } = self;
        let width = scroll.width;
        how(scroll, lines.len(), &|at| rows(lines, width, at));
    }

    fn visible(&self) -> std::ops::RangeInclusive<usize> {
        let shown = self.scroll.shown(self.lines.len(), &|at| rows(&self.lines, self.scroll.width, at));
        let last = shown.last().map_or(self.scroll.top, |shown| shown.line);
        self.scroll.top..=last
    }

    /// Moves the cursor to the next row, or the window by a line where the next
    /// row is not in sight.
    fn step(&mut self, down: bool) {
        let at = self.scroll.cursor;
        let is_row = |at: &usize| self.lines.get(*at).is_some_and(|line| line.row.is_some());
        if self.lost {
            // The row under the cursor went: the nearest one is taken.
            let nearest = (0..self.lines.len()).filter(is_row).min_by_key(|line| line.abs_diff(at));
            return match nearest {
                Some(line) => self.select(line),
                None => self.lost = false,
            };
        }
        let next = if down {
            (at + 1..self.lines.len()).find(is_row)
        } else {
            (0..at.min(self.lines.len())).rev().find(is_row)
        };
        let visible = self.visible();
        let near = |line: &usize| *line + 1 >= *visible.start() && *line <= visible.end() + 1;
        match next.filter(near) {
            Some(line) => self.select(line),
            None => self.moved(|scroll, len, rows| {
                let cursor = scroll.cursor;
                scroll.shift(if down { 1 } else { -1 }, len, rows);
                scroll.cursor = cursor;
            }),
        }
    }

    fn select(&mut self, line: usize) {
        self.untouched = false;
        self.lost = false;
        self.selected = self.lines.get(line).and_then(|line| line.row.clone());
        self.moved(|scroll, len, rows| scroll.go(line, len, rows));
    }

    fn shift(&mut self, by: isize) {
        self.moved(|scroll, len, rows| scroll.shift(by, len, rows));
        // The cursor goes to the row nearest to where the window is now.
        let visible = self.visible();
        let at = self.scroll.cursor;
        let is_row = |at: &usize| self.lines.get(*at).is_some_and(|line| line.row.is_some());
        let nearest = visible.filter(is_row).min_by_key(|line| line.abs_diff(at));
        if let Some(line) = nearest {
            self.untouched = false;
            self.lost = false;
            self.scroll.cursor = line;
            self.selected = self.lines.get(line).and_then(|line| line.row.clone());
        }
    }

    /// Moves by a key; false when the action is none of these.
    pub fn act(&mut self, action: Action) -> bool {
        match action {
            Action::Up => self.step(false),
            Action::Down => self.step(true),
            Action::HalfPageUp => self.shift(-self.scroll.half_page()),
            Action::HalfPageDown => self.shift(self.scroll.half_page()),
            Action::PageUp => self.shift(-self.scroll.page()),
            Action::PageDown => self.shift(self.scroll.page()),
            Action::Top => {
                self.scroll.top = 0;
                self.scroll.skip = 0;
                if let Some(line) = self.lines.iter().position(|line| line.row.is_some()) {
                    self.select(line);
                }
                self.scroll.top = 0;
                self.scroll.skip = 0;
            }
            Action::Bottom => {
                if let Some(line) = self.lines.iter().rposition(|line| line.row.is_some()) {
                    self.select(line);
                }
                let cursor = self.scroll.cursor;
                self.moved(|scroll, len, rows| scroll.to_end(len, rows));
                self.scroll.cursor = cursor;
            }
            _ => return false,
        }
        true
    }

    /// Takes the mouse.
    pub fn mouse(&mut self, event: Pointer) {
        match event {
            Pointer::Wheel(by) => self.shift(isize::from(by)),
            Pointer::Click(_, row) => {
                let shown =
                    self.scroll.shown(self.lines.len(), &|at| rows(&self.lines, self.scroll.width, at));
                let line = shown.get(usize::from(row)).map(|shown| shown.line);
                if let Some(line) =
                    line.filter(|at| self.lines.get(*at).is_some_and(|line| line.row.is_some()))
                {
                    self.select(line);
                }
            }
        }
    }

    /// Where the picture stands in an area, and how many of its rows have been scrolled away above it; `None` when it is
    /// not in sight.
    pub fn picture(&self, area: Rect) -> Option<(Rect, u16)> {
        let text = text_of(area);
        let width = usize::from(text.width);
        let shown = self.scroll.shown(self.lines.len(), &|at| rows(&self.lines, width, at));
        let first = self.lines.iter().position(|line| line.picture)?;
        let here = (area.y..area.bottom())
            .zip(shown)
            .filter(|(_, place)| self.lines.get(place.line).is_some_and(|line| line.picture));
        let (mut top, mut height, mut cut) = (None, 0, 0);
        for (y, place) in here {
            if top.is_none() {
                (top, cut) = (Some(y), place.line.saturating_sub(first));
            }
            height += 1;
        }
        Some((Rect { y: top?, height, ..text }, u16::try_from(cut).unwrap_or(u16::MAX)))
    }

    /// All lines as plain text.
    pub fn plain(&self) -> Vec<String> {
        let lines = self.lines.iter().filter(|line| !line.picture);
        lines.map(|line| line.line.text().trim_end().to_owned()).collect()
    }

    /// Draws what is visible.
    pub fn draw(&self, look: &Look, focused: bool, area: Rect, buffer: &mut Buffer) {
        let text = text_of(area);
        let width = usize::from(text.width);
        let shown = self.scroll.shown(self.lines.len(), &|at| rows(&self.lines, width, at));
        for (y, place) in (area.y..area.bottom()).zip(shown) {
            let Some(line) = self.lines.get(place.line) else { break };
            let Some(part) = line.line.rows(width, line.indent).get(place.row).cloned() else { continue };
            let indent =
                if place.row > 0 { u16::try_from(line.indent).unwrap_or(0).min(text.width) } else { 0 };
            let at = Place { x: text.x + indent, y, width: text.width - indent, skip: 0 };
            line.line.draw(part, &[], look, look.style(Role::Text), at, buffer);
            if place.row == 0 {
                if let Some(level) = line.sign {
                    let at = Place { x: area.x, y, width: area.width.min(1), skip: 0 };
                    Painted::role(Role::of_level(level), look.symbols.level(level)).draw_row(
                        look,
                        look.style(Role::Text),
                        at,
                        buffer,
                    );
                }
                if let Some(bar) = &line.bar {
                    draw_bar(bar, look, Rect { y, height: 1, ..text }, buffer);
                }
            }
            if line.row.is_some() && line.row == self.selected && !self.lost {
                let role = if focused { Role::Selection } else { Role::SelectionIdle };
                buffer.set_style(Rect { y, height: 1, ..area }, look.style(role));
            }
        }
    }
}

/// Where the texts of lines stand.
fn text_of(area: Rect) -> Rect {
    Rect {
        x: area.x.saturating_add(GUTTER).min(area.right()),
        width: area.width.saturating_sub(GUTTER),
        ..area
    }
}

fn draw_bar(bar: &Bar, look: &Look, area: Rect, buffer: &mut Buffer) {
    let whole = u128::from(bar.whole.max(1));
    let part = u128::from(bar.part.min(bar.whole));
    let filled = usize::try_from((part * bar.width as u128).div_ceil(whole)).unwrap_or(bar.width);
    let high = part * 10 >= whole * 9;
    for cell in 0..bar.width {
        let Ok(x) = u16::try_from(bar.column + cell) else { return };
        if x >= area.width {
            return;
        }
        let (sign, role) = if cell < filled {
            (look.symbols.bar, if high { Role::BarHigh } else { Role::Bar })
        } else {
            (look.symbols.bar_empty, Role::BarEmpty)
        };
        buffer.set_string(area.x + x, area.y, sign, look.style(role));
    }
}

fn rows<I>(lines: &[PageLine<I>], width: usize, at: usize) -> usize {
    lines.get(at).map_or(1, |line| line.line.rows(width, line.indent).len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(height: u16, rows: &[Option<char>]) -> Page<char> {
        let mut page = Page::default();
        page.resize(20, height);
        page.set(lines(rows));
        page
    }

    fn lines(rows: &[Option<char>]) -> Vec<PageLine<char>> {
        rows.iter()
            .map(|row| match row {
                Some(c) => PageLine::row(Painted::plain(c.to_string()), *c),
                None => PageLine::text(Painted::plain("text")),
            })
            .collect()
    }

    #[test]
    fn the_cursor_goes_from_row_to_row_and_text_between_is_not_jumped_over() {
        let mut rows = vec![None, Some('a')];
        rows.extend([None; 6]);
        rows.push(Some('b'));
        let mut page = page(4, &rows);
        assert_eq!(page.selected(), Some(&'a'));
        page.act(Action::Down);
        assert_eq!((page.selected(), page.scroll.top), (Some(&'a'), 1), "b is not in sight");
        for _ in 0..3 {
            page.act(Action::Down);
        }
        page.act(Action::Down);
        assert_eq!(page.selected(), Some(&'b'));
        page.act(Action::Top);
        assert_eq!((page.selected(), page.scroll.top), (Some(&'a'), 0));
    }

    #[test]
    fn the_cursor_stays_on_its_row_while_the_page_changes() {
        let mut page = page(3, &[None, Some('a'), Some('b'), Some('c'), Some('d')]);
        page.act(Action::Down);
        page.act(Action::Down);
        assert_eq!((page.selected(), page.scroll.top), (Some(&'c'), 1));
        page.set(lines(&[None, None, None, Some('a'), Some('b'), Some('c'), Some('d')]));
        assert_eq!((page.selected(), page.scroll.top, page.scroll.cursor), (Some(&'c'), 3, 5));
        page.set(lines(&[None, Some('a'), Some('d')]));
        assert_eq!(page.selected(), None, "c is gone");
        page.act(Action::Down);
        assert!(page.selected().is_some());
    }

    #[test]
    fn a_page_without_rows_scrolls() {
        let mut page = page(2, &[None; 5]);
        page.act(Action::Down);
        assert_eq!(page.scroll.top, 1);
        page.act(Action::Bottom);
        assert_eq!(page.scroll.top, 3);
    }
}
