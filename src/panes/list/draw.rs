//! Draws a list: the header, the visible rows with their marks, signs and branches, the cursor; or why there are no
//! rows. Formats visible rows only; knows nothing of keys.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::rows::{Column, Rows, fitting};
use super::{ListPane, words};
use crate::look::Look;
use crate::shared::Shared;
use crate::text;
use crate::theme::Role;

/// Cells before the first column: the mark, the level's symbol, a space.
const GUTTER: u16 = 3;
/// Cells after the last column.
const MARGIN: u16 = 1;
/// A column of so many cells keeps what stands at its right end apart from the next one.
const ROOMY: u16 = 20;

impl<R: Rows> ListPane<R> {
    /// Draws the list.
    pub(super) fn paint(&self, shared: &Shared, look: &Look, focused: bool, area: Rect, buffer: &mut Buffer) {
        if area.width <= GUTTER + MARGIN || area.height == 0 {
            return;
        }
        if self.order.rows().is_empty() {
            self.draw_empty(shared, look, area, buffer);
            return;
        }
        let all = self.rows.columns(shared);
        let columns = fitting(&all, area.width - GUTTER - MARGIN);
        self.draw_header(look, &all, &columns, area, buffer);
        for (line, at) in self.cursor.visible().enumerate() {
            let y = area.y + 1 + u16::try_from(line).unwrap_or(u16::MAX);
            if y >= area.bottom() {
                break;
            }
            let Some(row) = self.order.rows().get(at).copied() else { break };
            let line = Rect { y, height: 1, ..area };
            self.draw_row(shared, look, (at, row), (&all, &columns), line, buffer);
            if at == self.cursor.at() && !self.cursor.is_lost() {
                self.draw_cursor(look, focused, &columns, line, buffer);
            }
        }
    }

    fn draw_empty(&self, shared: &Shared, look: &Look, area: Rect, buffer: &mut Buffer) {
        let mut lines = self.rows.empty(shared);
        if self.total > 0 {
            lines = vec![format!(
                "{} rows are hidden by {}.",
                text::count(self.total as u64),
                if self.filter.is_empty() {
                    "faults only".to_owned()
                } else {
                    format!("the filter /{}", self.filter.text())
                }
            )];
        }
        let width = usize::from(area.width - 2);
        let wrapped = lines.iter().flat_map(|line| words::wrap(line, width));
        for (line, y) in wrapped.zip(area.y..area.bottom()) {
            buffer.set_string(area.x + 1, y, text::fit(&line, width), look.style(Role::Muted));
        }
    }

    fn draw_header(
        &self,
        look: &Look,
        all: &[Column],
        columns: &[(usize, u16)],
        area: Rect,
        buffer: &mut Buffer,
    ) {
        let mut x = area.x + GUTTER;
        for (at, width) in columns {
            let Some(column) = all.get(*at) else { continue };
            let sorted = self.sort == Some(*at);
            let style = look.style(if sorted { Role::Accent } else { Role::Muted });
            let title = if sorted {
                let turn = if self.descending { look.symbols.down } else { look.symbols.up };
                Cow::Owned(format!("{}{turn}", column.title))
            } else {
                Cow::Borrowed(column.title.as_ref())
            };
            put(buffer, clip(x, area.y, *width, area), column.right, &title, style);
            x += width + 1;
        }
    }

    fn draw_row(
        &self,
        shared: &Shared,
        look: &Look,
        (at, row): (usize, R::Row),
        (all, columns): (&[Column], &[(usize, u16)]),
        area: Rect,
        buffer: &mut Buffer,
    ) {
        let level = self.rows.level(shared, row);
        if self.rows.key(shared, row).is_some_and(|key| self.marks.contains(&key)) {
            buffer.set_string(area.x, area.y, look.symbols.mark, look.style(Role::Marked));
        }
        let sign = self.rows.sign(shared, row, look);
        let (sign, role) = sign.unwrap_or((look.symbols.level(level), Role::of_level(level)));
        buffer.set_string(area.x + 1, area.y, sign, look.style(role));
        let mut x = area.x + GUTTER;
        for (nth, (column, width)) in columns.iter().enumerate() {
            let Some(info) = all.get(*column) else { continue };
            let mut place = clip(x, area.y, *width, area);
            if nth == 0 {
                let branches = self.branches(shared, look, at, row);
                let (after, _) = buffer.set_stringn(
                    place.x,
                    place.y,
                    &branches,
                    usize::from(place.width),
                    look.style(Role::Muted),
                );
                place = Rect { x: after, width: place.right().saturating_sub(after), ..place };
            }
            let within = Rect { width: place.width - u16::from(*width >= ROOMY && place.width > 0), ..place };
            let (cell, aside) = self.rows.fitted(shared, row, *column, usize::from(within.width), look);
            put(buffer, place, info.right, &cell.text, look.style(cell.role));
            if let Some(aside) = aside {
                put(buffer, within, true, &aside, look.style(Role::Muted));
            }
            x += width + 1;
        }
    }

    /// The lines that lead from a row's parents to it.
    fn branches(&self, shared: &Shared, look: &Look, at: usize, row: R::Row) -> Cow<'static, str> {
        let depth = self.depth(shared, row);
        if depth == 0 {
            return Cow::Borrowed("");
        }
        let below = self.order.rows().get(at + 1..).unwrap_or_default();
        // Whether a sibling of the row's ancestor at this depth comes further down.
        let goes_on = |level: usize| {
            below.iter().map(|next| self.depth(shared, *next)).find(|next| *next <= level) == Some(level)
        };
        let mut lines = String::new();
        for level in 1..depth {
            lines.push_str(if goes_on(level) { look.symbols.trunk } else { "   " });
        }
        lines.push_str(if goes_on(depth) { look.symbols.branch } else { look.symbols.last_branch });
        Cow::Owned(lines)
    }

    fn draw_cursor(
        &self,
        look: &Look,
        focused: bool,
        columns: &[(usize, u16)],
        line: Rect,
        buffer: &mut Buffer,
    ) {
        let Some(cell) = self.rows.cell_cursor() else {
            if focused {
                buffer.set_style(line, look.style(Role::Selection));
            }
            return;
        };
        if !focused {
            return;
        }
        buffer.set_style(line, look.style(Role::SelectionIdle));
        let mut x = line.x + GUTTER;
        for (at, width) in columns {
            if *at == cell {
                buffer.set_style(clip(x, line.y, *width, line), look.style(Role::Selection));
            }
            x += width + 1;
        }
    }
}

/// A cell of a row, cut at the row's end.
fn clip(x: u16, y: u16, width: u16, row: Rect) -> Rect {
    Rect { x, y, width, height: 1 }.intersection(row)
}

fn put(buffer: &mut Buffer, place: Rect, right: bool, content: &str, style: Style) {
    let width = usize::from(place.width);
    let fitted = text::fit(content, width);
    let indent = if right { width.saturating_sub(text::width(&fitted)) } else { 0 };
    let x = place.x + u16::try_from(indent).unwrap_or(0);
    buffer.set_stringn(x, place.y, &fitted, width - indent, style);
}
