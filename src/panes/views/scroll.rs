//! Scrolling in lines that may take several rows each.
//!
//! The holder tells how many rows a line takes (`rows`), and is asked about the
//! lines near the window only: a log of 100,000 lines is scrolled in by wrapping
//! fifty of them.

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
}

/// A row of the window: a line, and which of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The line.
    pub line: usize,
    /// Which of its rows, from 0.
    pub row: usize,
}

impl Scroll {
    /// The window's size.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.width = usize::from(width);
        self.height = usize::from(height);
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn window(height: usize) -> Scroll {
        Scroll { width: 10, height, ..Scroll::default() }
    }

    #[test]
    fn the_cursor_pulls_the_window_along_and_no_further() {
        let rows = |_: usize| 1;
        let mut scroll = window(4);
        scroll.step(3, 10, &rows);
        assert_eq!((scroll.cursor, scroll.top), (3, 0));
        scroll.step(1, 10, &rows);
        assert_eq!((scroll.cursor, scroll.top), (4, 1));
        scroll.step(-2, 10, &rows);
        assert_eq!((scroll.cursor, scroll.top), (2, 1));
        scroll.step(isize::MAX, 10, &rows);
        assert_eq!((scroll.cursor, scroll.top), (9, 6));
    }

    #[test]
    fn a_line_taller_than_the_window_is_read_row_by_row() {
        let rows = |line: usize| if line == 1 { 6 } else { 1 };
        let mut scroll = window(4);
        scroll.step(1, 3, &rows);
        assert_eq!((scroll.top, scroll.skip), (1, 0));
        scroll.step(1, 3, &rows);
        scroll.step(1, 3, &rows);
        assert_eq!((scroll.cursor, scroll.skip), (1, 2));
        scroll.step(1, 3, &rows);
        assert_eq!((scroll.cursor, scroll.top, scroll.skip), (2, 1, 3));
        scroll.step(-1, 3, &rows);
        scroll.step(-1, 3, &rows);
        assert_eq!((scroll.cursor, scroll.top, scroll.skip), (1, 1, 2));
    }

    proptest! {
        #[test]
        fn whatever_is_pressed_the_window_is_full_and_holds_the_cursor(
            heights in proptest::collection::vec(1usize..9, 1..40),
            height in 0usize..12,
            moves in proptest::collection::vec((0u8..5, -20isize..20), 0..40),
        ) {
            let rows = |line: usize| heights[line];
            let total: usize = heights.iter().sum();
            let mut scroll = window(height);
            for (what, by) in moves {
                match what {
                    0 => scroll.step(by, heights.len(), &rows),
                    1 => scroll.step(by.signum(), heights.len(), &rows),
                    2 => scroll.shift(by, heights.len(), &rows),
                    3 => scroll.to_end(heights.len(), &rows),
                    _ => { scroll.height = usize::try_from(by.abs()).unwrap(); scroll.reveal(heights.len(), &rows); }
                }
                let shown = scroll.shown(heights.len(), &rows);
                prop_assert_eq!(shown.len(), total.min(scroll.height));
                if scroll.height > 0 {
                    prop_assert!(shown.iter().any(|s| s.line == scroll.cursor), "{:?} {:?}", scroll, shown);
                }
            }
        }
    }
}
