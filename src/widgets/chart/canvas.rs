//! Dots for lines: eight in a cell (braille), or one where the terminal shows ASCII only.
//!
//! Lines share cells: the dots of all of them are kept. A cell has one colour, though: that of the line that was
//! drawn first, so callers draw the line that matters most first. It knows neither units nor times.

/// A plane of dots, row 0 at the top.
#[derive(Clone, Debug)]
pub struct Canvas {
    width: usize,
    height: usize,
    braille: bool,
    cells: Vec<Dots>,
}

/// What stands in a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Dots {
    /// The dots in the order of Unicode's braille patterns.
    mask: u8,
    /// The line that came first, counted from 0.
    owner: u8,
}

/// The bits of a braille cell, by row and column.
const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

impl Canvas {
    /// An empty plane of so many cells.
    pub fn new(width: u16, height: u16, braille: bool) -> Canvas {
        let (width, height) = (usize::from(width), usize::from(height));
        Canvas { width, height, braille, cells: vec![Dots::default(); width * height] }
    }

    /// Dots across and down.
    pub fn dots(&self) -> (usize, usize) {
        if self.braille { (self.width * 2, self.height * 4) } else { (self.width, self.height) }
    }

    /// Sets one dot; one outside is left out.
    pub fn dot(&mut self, x: usize, y: usize, line: u8) {
        let (across, down) = self.dots();
        if x >= across || y >= down {
            return;
        }
        let (column, row, bit) = if self.braille { (x / 2, y / 4, BITS[y % 4][x % 2]) } else { (x, y, 1) };
        if let Some(cell) = self.cells.get_mut(row * self.width + column) {
            if cell.mask == 0 {
                cell.owner = line;
            }
            cell.mask |= bit;
        }
    }

    /// A straight line of dots between two dots, both of them set.
    pub fn line(&mut self, from: (usize, usize), to: (usize, usize), line: u8) {
        let across = from.0.abs_diff(to.0);
        let down = from.1.abs_diff(to.1);
        let steps = across.max(down);
        let between = |a: usize, b: usize, step: usize| {
            let moved = (a.abs_diff(b) * step + steps / 2) / steps.max(1);
            if b >= a { a + moved } else { a - moved }
        };
        for step in 0..=steps {
            self.dot(between(from.0, to.0, step), between(from.1, to.1, step), line);
        }
    }

    /// A dot that stands alone: as large as its cell lets it be, so that it is seen.
    pub fn lone(&mut self, x: usize, y: usize, line: u8) {
        if self.braille {
            let (x, y) = (x - x % 2, y - y % 2);
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                self.dot(x + dx, y + dy, line);
            }
        } else {
            self.dot(x, y, line);
        }
    }

    /// What stands in a cell: its sign (`None`: ASCII, the line's own) and its line.
    pub fn cell(&self, column: u16, row: u16) -> Option<(Option<char>, u8)> {
        let cell = self.cells.get(usize::from(row) * self.width + usize::from(column))?;
        if cell.mask == 0 || usize::from(column) >= self.width {
            return None;
        }
        let sign = if self.braille { char::from_u32(0x2800 + u32::from(cell.mask)) } else { None };
        Some((sign, cell.owner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(canvas: &Canvas, width: u16, row: u16) -> String {
        (0..width)
            .map(|column| canvas.cell(column, row).map_or(' ', |(sign, _)| sign.unwrap_or('*')))
            .collect()
    }

    #[test]
    fn lines_that_share_a_cell_keep_their_dots_and_the_first_gives_the_colour() {
        let mut canvas = Canvas::new(2, 1, true);
        canvas.line((0, 0), (3, 0), 0);
        canvas.line((0, 3), (1, 3), 1);
        assert_eq!(row(&canvas, 2, 0), "⣉⠉");
        assert_eq!(canvas.cell(0, 0).map(|(_, line)| line), Some(0));
        let mut canvas = Canvas::new(1, 1, true);
        canvas.dot(0, 0, 1);
        canvas.dot(0, 0, 0);
        assert_eq!(canvas.cell(0, 0), Some((Some('⠁'), 1)));
    }

    #[test]
    fn lines_are_whole_in_every_direction() {
        for (from, to) in
            [((0, 0), (9, 3)), ((9, 3), (0, 0)), ((5, 0), (5, 11)), ((0, 11), (2, 0)), ((4, 4), (4, 4))]
        {
            let mut canvas = Canvas::new(10, 12, false);
            canvas.line(from, to, 0);
            let set = |x: usize, y: usize| canvas.cells[y * 10 + x].mask != 0;
            assert!(set(from.0, from.1) && set(to.0, to.1), "{from:?} {to:?}");
            let count = canvas.cells.iter().filter(|cell| cell.mask != 0).count();
            assert_eq!(count, from.0.abs_diff(to.0).max(from.1.abs_diff(to.1)) + 1, "{from:?} {to:?}");
        }
    }

    #[test]
    fn a_dot_outside_is_left_out_and_a_lone_one_is_seen() {
        let mut canvas = Canvas::new(1, 1, true);
        canvas.dot(2, 0, 0);
        canvas.dot(0, 4, 0);
        assert_eq!(canvas.cell(0, 0), None);
        canvas.lone(1, 3, 0);
        assert_eq!(row(&canvas, 1, 0), "⣤");
        let mut nothing = Canvas::new(0, 0, true);
        nothing.lone(0, 0, 0);
        assert_eq!(nothing.cell(0, 0), None);
    }
}
