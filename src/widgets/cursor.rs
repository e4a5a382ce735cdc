//! A cursor on a list that changes under it.
//!
//! The cursor holds an identity, never a row number. When rows move, the row
//! under the cursor keeps its line on the screen and the list moves around it;
//! when it goes, the cursor stays where it was, on nothing, until a key moves it.
//! Only a list in which no key has moved yet stays at its top, where the worst
//! rows arrive.

/// A cursor on rows that are identified by `K`.
#[derive(Debug, Clone)]
pub struct Cursor<K> {
    key: Option<K>,
    at: usize,
    offset: usize,
    height: usize,
    len: usize,
    lost: bool,
    touched: bool,
}

impl<K> Default for Cursor<K> {
    fn default() -> Cursor<K> {
        Cursor { key: None, at: 0, offset: 0, height: 1, len: 0, lost: false, touched: false }
    }
}

impl<K: Clone + PartialEq> Cursor<K> {
    /// The identity of the selected row; `None` when there is none or it is gone.
    pub fn selected(&self) -> Option<&K> {
        if self.lost { None } else { self.key.as_ref() }
    }

    /// Whether the row that was selected is gone from the list.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// Whether a key has moved it since it was reset.
    pub fn is_touched(&self) -> bool {
        self.touched
    }

    /// The selected row's index.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Index of the first visible row.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// How many rows are visible.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Indexes of the visible rows.
    pub fn visible(&self) -> std::ops::Range<usize> {
        self.offset..(self.offset + self.height).min(self.len)
    }

    /// Sets how many rows are visible.
    pub fn resize(&mut self, height: usize) {
        let height = height.max(1);
        // Room that is gained shows what stands above as well.
        self.offset = self.offset.saturating_sub(height.saturating_sub(self.height));
        self.height = height;
        self.scroll_to_cursor();
    }

    /// The rows changed: finds the selected one again and keeps its line.
    /// `key_at` gives the identity of a row, `find` the row of an identity.
    pub fn follow(
        &mut self,
        len: usize,
        key_at: impl Fn(usize) -> Option<K>,
        find: impl FnOnce(&K) -> Option<usize>,
    ) {
        let line = self.at.saturating_sub(self.offset);
        self.len = len;
        match self.key.as_ref().map(find) {
            Some(Some(found)) if !self.touched && found >= self.height => {
                self.at = 0;
                self.offset = 0;
                self.lost = false;
                self.key = key_at(0);
            }
            Some(Some(found)) if !self.touched => {
                self.at = found;
                self.offset = 0;
                self.lost = false;
            }
            Some(Some(found)) => {
                self.at = found;
                self.lost = false;
                self.offset = found.saturating_sub(line);
            }
            Some(None) => {
                self.lost = true;
                self.at = self.at.min(len.saturating_sub(1));
            }
            None => {
                self.at = self.at.min(len.saturating_sub(1));
                self.key = key_at(self.at);
            }
        }
        self.scroll_to_cursor();
    }

    /// Selects a row.
    pub fn select(&mut self, at: usize, key_at: impl Fn(usize) -> Option<K>) {
        self.touched = true;
        self.at = at.min(self.len.saturating_sub(1));
        self.key = key_at(self.at);
        self.lost = false;
        self.scroll_to_cursor();
    }

    /// Moves by some rows.
    pub fn step(&mut self, by: isize, key_at: impl Fn(usize) -> Option<K>) {
        self.select(self.at.saturating_add_signed(by), key_at);
    }

    /// Forgets the selection: a new list is about to be shown from its top.
    pub fn reset(&mut self) {
        self.key = None;
        self.lost = false;
        self.touched = false;
        self.at = 0;
        self.offset = 0;
    }

    /// Scrolls without moving the selection off the screen.
    fn scroll_to_cursor(&mut self) {
        if self.at < self.offset {
            self.offset = self.at;
        } else if self.at >= self.offset + self.height {
            self.offset = self.at + 1 - self.height;
        }
        self.offset = self.offset.min(self.len.saturating_sub(self.height));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(cursor: &mut Cursor<char>, rows: &str) {
        let rows: Vec<char> = rows.chars().collect();
        cursor.follow(rows.len(), |at| rows.get(at).copied(), |key| rows.iter().position(|r| r == key));
    }

    fn step(cursor: &mut Cursor<char>, by: isize, rows: &str) {
        cursor.step(by, |at| rows.chars().nth(at));
    }

    #[test]
    fn rows_that_come_before_do_not_move_the_selected_line() {
        let mut cursor = Cursor::default();
        follow(&mut cursor, "abcdefgh");
        cursor.resize(4);
        step(&mut cursor, 5, "abcdefgh");
        assert_eq!((cursor.selected(), cursor.at() - cursor.offset()), (Some(&'f'), 3));
        follow(&mut cursor, "xyzabcdefgh");
        assert_eq!((cursor.selected(), cursor.at() - cursor.offset()), (Some(&'f'), 3));
    }

    #[test]
    fn a_selected_row_that_goes_selects_nothing_until_a_key_moves() {
        let mut cursor = Cursor::default();
        follow(&mut cursor, "abc");
        step(&mut cursor, 1, "abc");
        follow(&mut cursor, "ac");
        assert_eq!(cursor.selected(), None);
        assert!(cursor.is_lost());
        follow(&mut cursor, "abc");
        assert_eq!(cursor.selected(), Some(&'b'), "it came back");
        follow(&mut cursor, "ac");
        step(&mut cursor, 1, "ac");
        assert_eq!(cursor.selected(), Some(&'c'));
    }

    #[test]
    fn a_list_where_no_key_has_moved_stays_at_its_top() {
        let mut cursor = Cursor::default();
        follow(&mut cursor, "m");
        cursor.resize(2);
        follow(&mut cursor, "cm");
        assert_eq!((cursor.offset(), cursor.selected()), (0, Some(&'m')));
        follow(&mut cursor, "abcm");
        assert_eq!((cursor.offset(), cursor.selected()), (0, Some(&'a')));
    }

    #[test]
    fn a_list_that_grows_shows_what_stands_above() {
        let mut cursor = Cursor::default();
        follow(&mut cursor, "abcdefgh");
        cursor.resize(1);
        step(&mut cursor, 5, "abcdefgh");
        assert_eq!(cursor.visible(), 5..6);
        cursor.resize(4);
        assert_eq!((cursor.visible(), cursor.selected()), (2..6, Some(&'f')));
    }

    #[test]
    fn an_empty_list_has_no_selection_and_takes_the_first_row_later() {
        let mut cursor = Cursor::default();
        follow(&mut cursor, "");
        assert_eq!(cursor.selected(), None);
        follow(&mut cursor, "ab");
        assert_eq!(cursor.selected(), Some(&'a'));
    }
}
