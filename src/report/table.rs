//! Text in columns, as kubectl prints it: headings in capitals, two blanks
//! between columns, nothing after the last word of a line.

use crate::text::{pad, pad_start, width};

/// How a column stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Align {
    #[default]
    Left,
    Right,
}

/// Rows in columns.
#[derive(Clone, Debug, Default)]
pub struct Table {
    heads: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings; one that begins with `>` heads a column of
    /// numbers, which aligns right.
    pub fn new<'a>(heads: impl IntoIterator<Item = &'a str>) -> Table {
        let heads = heads.into_iter().map(|head| match head.strip_prefix('>') {
            Some(head) => (head.to_uppercase(), Align::Right),
            None => (head.to_uppercase(), Align::Left),
        });
        Table { heads: heads.collect(), rows: Vec::new() }
    }

    /// Adds a row; missing cells are empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The text, each line with its end. Columns that are empty in every row
    /// are left out.
    pub fn text(&self) -> String {
        let cell = |row: &[String], n: usize| row.get(n).cloned().unwrap_or_default();
        let used: Vec<usize> = (0..self.heads.len())
            .filter(|n| self.rows.is_empty() || self.rows.iter().any(|row| !cell(row, *n).is_empty()))
            .collect();
        let heads: Vec<String> = self.heads.iter().map(|(head, _)| head.clone()).collect();
        let mut text = String::new();
        for row in std::iter::once(&heads).chain(&self.rows) {
            let mut line = String::new();
            for n in &used {
                let widest = self.rows.iter().chain([&heads]).map(|row| width(&cell(row, *n))).max();
                let widest = widest.unwrap_or_default();
                let cell = cell(row, *n);
                match self.heads[*n].1 {
                    Align::Left => line.push_str(&pad(&cell, widest)),
                    Align::Right => line.push_str(&pad_start(&cell, widest)),
                }
                line.push_str("  ");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_empty_ones_go() {
        let mut table = Table::new(["app", ">pods", "note", "why"]);
        table.row(["cart".to_owned(), "3".to_owned(), String::new(), "ok".to_owned()]);
        table.row(["日本".to_owned(), "12".to_owned()]);
        assert_eq!(table.text(), "APP   PODS  WHY\ncart     3  ok\n日本    12\n");
    }

    #[test]
    fn without_rows_the_headings_stay() {
        assert_eq!(Table::new(["a", "b"]).text(), "A  B\n");
    }
}
