//! Scrolling in lines that may take several rows each: what keys and the mouse do in logs, texts and events, and where
//! the window is after lines came or its size changed.
//!
//! The holder tells how many rows a line takes (`rows`), and is asked about the
//! lines near the window only: a log of 100,000 lines is scrolled in by wrapping
//! fifty of them.

#[cfg(test)]
mod tests;

use ratatui::layout::Rect;

use crate::action::Action;
use crate::panes::Pointer;

/// A window on lines, with a cursor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scroll {
    /// The line under the cursor.
    pub cursor: usize,
    /// The first line that is visible, if only in part.
    pub top: usize,
    /// Rows of that line that are above the window.
    pub skip: usize,
    /// Columns that are scrolled away at the left.
    pub x: usize,
    /// Columns of the window.
    pub width: usize,
    /// Rows of the window.
    pub height: usize,
    /// The end is shown as it grows, until something moves the window up.
    following: bool,
    /// The size changed, and the window was not settled since.
    resized: bool,
}

/// A row of the window: a line, and which of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The line.
    pub line: usize,
    /// Which of its rows, from 0.
    pub row: usize,
}

/// A pane's area as that of its text and that of the row below it, which says how things stand; there is none where
/// the pane is too low for both.
pub fn above_status(area: Rect) -> (Rect, Option<Rect>) {
    if area.height <= 2 {
        return (area, None);
    }
    let text = Rect { height: area.height - 1, ..area };
    (text, Some(Rect { y: text.bottom(), height: 1, ..area }))
}

impl Scroll {
    /// A window that follows the end.
    pub fn at_end() -> Scroll {
        Scroll { following: true, ..Scroll::default() }
    }

    /// The window's size.
    pub fn resize(&mut self, width: u16, height: u16) {
        let size = (usize::from(width), usize::from(height));
        self.resized |= size != (self.width, self.height);
        (self.width, self.height) = size;
    }

    /// The window's size in a pane that has a row for its status, see [`above_status`].
    pub fn resize_above_status(&mut self, width: u16, height: u16) {
        let (text, _) = above_status(Rect { x: 0, y: 0, width, height });
        self.resize(text.width, text.height);
    }

    /// Whether the end is followed.
    pub fn is_following(&self) -> bool {
        self.following
    }

    /// Follows the end from now on, or no longer. The window goes there when it is settled.
    pub fn follow(&mut self, following: bool) {
        self.following = following;
    }

    /// Puts the window right after lines came or went, or its size changed: at the end while that is followed, else
    /// where it was, without empty space below the text. The cursor stays in sight when the window shrank.
    pub fn settle(&mut self, len: usize, rows: &dyn Fn(usize) -> usize) {
        let resized = std::mem::take(&mut self.resized);
        if self.following {
            self.to_end(len, rows);
        } else if resized {
            self.reveal(len, rows);
        } else {
            self.clamp(len, rows);
        }
    }

    /// Lines are wrapped from now on, or no longer: the window begins with the whole of its first line.
    pub fn rewrapped(&mut self) {
        self.x = 0;
        self.skip = 0;
    }

    /// Rows by which a page moves: one row of before stays in sight.
    pub fn page(&self) -> isize {
        isize::try_from(self.height.saturating_sub(1).max(1)).unwrap_or(isize::MAX)
    }

    /// Rows by which half a page moves.
    pub fn half_page(&self) -> isize {
        isize::try_from((self.height / 2).max(1)).unwrap_or(isize::MAX)
    }

    /// Moves by a key; false when the action moves nothing up or down.
    pub fn act(&mut self, action: Action, len: usize, rows: &dyn Fn(usize) -> usize) -> bool {
        if len > 0 && matches!(action, Action::Up | Action::HalfPageUp | Action::PageUp | Action::Top) {
            self.following = false;
        }
        match action {
            Action::Up => self.step(-1, len, rows),
            Action::Down => self.step(1, len, rows),
            Action::HalfPageUp => self.shift(-self.half_page(), len, rows),
            Action::HalfPageDown => self.shift(self.half_page(), len, rows),
            Action::PageUp => self.shift(-self.page(), len, rows),
            Action::PageDown => self.shift(self.page(), len, rows),
            Action::Top => self.step(isize::MIN / 2, len, rows),
            Action::Bottom => self.step(isize::MAX / 2, len, rows),
            _ => return false,
        }
        true
    }

    /// Moves by the mouse: the wheel scrolls, a click puts the cursor on a line.
    pub fn mouse(&mut self, event: Pointer, len: usize, rows: &dyn Fn(usize) -> usize) {
        match event {
            Pointer::Wheel(by) => {
                if by < 0 && len > 0 {
                    self.following = false;
                }
                self.shift(isize::from(by), len, rows);
            }
            Pointer::Click(_, row) => {
                if let Some(shown) = self.shown(len, rows).get(usize::from(row)) {
                    self.following = false;
                    self.cursor = shown.line;
                }
            }
        }
    }

    /// Puts the cursor on a line and brings it into sight.
    pub fn go(&mut self, line: usize, len: usize, rows: &dyn Fn(usize) -> usize) {
        self.following = false;
        self.cursor = line;
        self.reveal(len, rows);
    }

    fn rows_high(&self) -> usize {
        self.height.max(1)
    }

    /// Puts a line's last row on the last row of the window, or begins at the first line.
    fn with_at_end(&self, line: usize, rows: &dyn Fn(usize) -> usize) -> (usize, usize) {
        let mut filled = 0;
        let mut at = line;
        loop {
            filled += rows(at).max(1);
            if filled >= self.rows_high() {
                return (at, filled - self.rows_high());
            }
            match at.checked_sub(1) {
                Some(before) => at = before,
                None => return (0, 0),
            }
        }
    }

    /// Keeps the window on the text: no empty space below the end.
    pub fn clamp(&mut self, len: usize, rows: &dyn Fn(usize) -> usize) {
        if len == 0 {
            (self.cursor, self.top, self.skip) = (0, 0, 0);
            return;
        }
        self.cursor = self.cursor.min(len - 1);
        let end = self.with_at_end(len - 1, rows);
        if (self.top, self.skip) > end {
            (self.top, self.skip) = end;
        }
        self.skip = self.skip.min(rows(self.top).max(1) - 1);
    }

    /// Moves the window as little as shows the cursor's line.
    pub fn reveal(&mut self, len: usize, rows: &dyn Fn(usize) -> usize) {
        self.clamp(len, rows);
        if len == 0 {
            return;
        }
        let tall = rows(self.cursor).max(1) > self.rows_high();
        if self.cursor < self.top || (self.cursor == self.top && self.skip > 0 && !tall) {
            (self.top, self.skip) = (self.cursor, 0);
        } else if tall {
            if self.cursor != self.top {
                (self.top, self.skip) = (self.cursor, 0);
            }
        } else if self.cursor > self.top {
            let far = self.cursor - self.top >= self.rows_high();
            let end = self.with_at_end(self.cursor, rows);
            if far || (self.top, self.skip) < end {
                (self.top, self.skip) = end;
            }
        }
    }

    /// Goes to the end.
    pub fn to_end(&mut self, len: usize, rows: &dyn Fn(usize) -> usize) {
        self.cursor = len.saturating_sub(1);
        if len > 0 {
            (self.top, self.skip) = self.with_at_end(len - 1, rows);
        }
        self.clamp(len, rows);
    }

    /// Moves the cursor by lines. A line that is taller than the window is
    /// scrolled through row by row first.
    pub fn step(&mut self, by: isize, len: usize, rows: &dyn Fn(usize) -> usize) {
        if len == 0 {
            return;
        }
        let high = rows(self.cursor.min(len - 1)).max(1);
        let tall = high > self.rows_high() && self.cursor == self.top;
        if by == 1 && tall && self.skip + self.rows_high() < high {
            self.skip += 1;
            return;
        }
        if by == -1 && tall && self.skip > 0 {
            self.skip -= 1;
            return;
        }
        self.cursor = self.cursor.saturating_add_signed(by).min(len - 1);
        if by == -1 {
            let high = rows(self.cursor).max(1);
            if high > self.rows_high() && self.cursor < self.top {
                (self.top, self.skip) = (self.cursor, high - self.rows_high());
                return;
            }
        }
        self.reveal(len, rows);
    }

    /// Moves the window by rows and takes the cursor along where it would leave it.
    pub fn shift(&mut self, by: isize, len: usize, rows: &dyn Fn(usize) -> usize) {
        if len == 0 {
            return;
        }
        for _ in 0..by.unsigned_abs().min(10 * self.rows_high()) {
            if by > 0 {
                if self.skip + 1 < rows(self.top).max(1) {
                    self.skip += 1;
                } else if self.top + 1 < len {
                    (self.top, self.skip) = (self.top + 1, 0);
                }
            } else if self.skip > 0 {
                self.skip -= 1;
            } else if self.top > 0 {
                self.top -= 1;
                self.skip = rows(self.top).max(1) - 1;
            }
        }
        self.clamp(len, rows);
        let shown = self.shown(len, rows);
        let whole = |line: usize| shown.iter().filter(|s| s.line == line).count() == rows(line).max(1);
        let first = shown.iter().map(|s| s.line).find(|line| whole(*line)).unwrap_or(self.top);
        let last = shown.iter().rev().map(|s| s.line).find(|line| whole(*line)).unwrap_or(self.top);
        self.cursor = self.cursor.clamp(first, last.max(first));
    }

    /// Scrolls sideways by half a window.
    pub fn sideways(&mut self, right: bool) {
        let by = (self.width / 2).max(1);
        self.x = if right { self.x.saturating_add(by) } else { self.x.saturating_sub(by) };
    }

    /// The rows of the window from its top, as many as there are.
    pub fn shown(&self, len: usize, rows: &dyn Fn(usize) -> usize) -> Vec<Shown> {
        let mut shown = Vec::with_capacity(self.height);
        let mut skip = self.skip;
        for line in self.top..len {
            for row in skip..rows(line).max(1) {
                if shown.len() >= self.height {
                    return shown;
                }
                shown.push(Shown { line, row });
            }
            skip = 0;
        }
        shown
    }
}
