//! One line that is written from left to right and never past its end.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::text;

/// A line being written.
pub struct Strip<'a> {
    buffer: &'a mut Buffer,
    x: u16,
    end: u16,
    y: u16,
}

impl<'a> Strip<'a> {
    /// The first line of an area; an empty area takes nothing.
    pub fn new(buffer: &'a mut Buffer, area: Rect) -> Strip<'a> {
        let area = area.intersection(buffer.area);
        let end = if area.height == 0 { area.x } else { area.right() };
        Strip { buffer, x: area.x, end, y: area.y }
    }

    /// Cells that are left.
    pub fn left(&self) -> u16 {
        self.end.saturating_sub(self.x)
    }

    /// Writes a text, cut with an ellipsis when it does not fit.
    pub fn put(&mut self, content: &str, style: Style) -> &mut Strip<'a> {
        if self.left() > 0 {
            let fitted = text::fit(content, usize::from(self.left()));
            (self.x, _) = self.buffer.set_stringn(self.x, self.y, &fitted, usize::from(self.left()), style);
        }
        self
    }

    /// Writes a text only when all of it fits.
    pub fn put_whole(&mut self, content: &str, style: Style) -> bool {
        let fits = text::width(content) <= usize::from(self.left());
        if fits {
            self.put(content, style);
        }
        fits
    }

    /// Leaves some cells free.
    pub fn gap(&mut self, cells: u16) -> &mut Strip<'a> {
        self.x = self.x.saturating_add(cells).min(self.end);
        self
    }

    /// Goes on at a column, counted from the left of the screen.
    pub fn go_to(&mut self, x: u16) -> &mut Strip<'a> {
        self.x = x.max(self.x).min(self.end);
        self
    }

    /// Keeps some cells at the end free.
    pub fn keep(&mut self, cells: u16) -> &mut Strip<'a> {
        self.end = self.end.saturating_sub(cells).max(self.x);
        self
    }
}

/// Texts with their styles, and how wide they are together.
#[derive(Debug, Default, Clone)]
pub struct Parts(pub Vec<(String, Style)>);

impl Parts {
    /// Adds a text.
    pub fn add(&mut self, content: impl Into<String>, style: Style) -> &mut Parts {
        self.0.push((content.into(), style));
        self
    }

    /// Cells of all texts.
    pub fn width(&self) -> u16 {
        let cells: usize = self.0.iter().map(|(content, _)| text::width(content)).sum();
        u16::try_from(cells).unwrap_or(u16::MAX)
    }

    /// Writes them.
    pub fn put(&self, strip: &mut Strip<'_>) {
        for (content, style) in &self.0 {
            strip.put(content, *style);
        }
    }
}
