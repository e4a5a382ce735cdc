//! A chart of lines over time: braille dots (one sign a line where only ASCII is shown), numbers and times that
//! people read, limits as dotted lines with their words, events under the time axis, a cursor with its values.
//!
//! ```text
//! 500 ┤            ⢀⡠⠔⠒⠉     numbers are round; zero is always there
//!     │┄┄┄┄┄┄┄┄┄┄┄┄⡜┄┄ limit
//!   0 └⣀⣀⣀⣀⣀⣀⣀⣀⣀⡠⠊
//!      14:20   14:25   14:30  with three rows or more
//!              ▲deploy 14:26  with five rows or more
//! ```
//!
//! - Lines share cells and never erase each other; a shared cell has the colour of the line listed first.
//! - A gap is a gap: nothing is drawn across it. What is no number (NaN) is a gap too, never zero, and the legend says
//!   so. Infinity is an arrow at the edge.
//! - One point alone is drawn large enough to be seen; a flat line lies where its number says.
//!
//! It knows no facts: lines are slices of numbers, words come from the caller.

mod canvas;
mod legend;
#[cfg(test)]
mod tests;
mod ticks;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::canvas::Canvas;
pub use self::legend::{Stats, legend, legend_line};
pub use self::ticks::moment;
use crate::look::Look;
use crate::text::{self, Scale, Unit};
use crate::theme::Role;

/// One line: numbers at even distances in time.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    /// Its name in the legend.
    pub name: &'a str,
    /// When its first point is: seconds since the epoch.
    pub start: i64,
    /// Seconds from point to point; nothing is drawn when it is not positive.
    pub step: i64,
    /// The points; `None` where there is none.
    pub points: &'a [Option<f64>],
}

/// A number that must not be crossed.
#[derive(Clone, Copy, Debug)]
pub struct Limit<'a> {
    /// In the unit of the chart.
    pub at: f64,
    /// Its word: `limit`, `request`.
    pub word: &'a str,
}

/// An event on the time axis.
#[derive(Clone, Copy, Debug)]
pub struct Mark<'a> {
    /// Seconds since the epoch.
    pub at: i64,
    /// Its word: `deploy`.
    pub word: &'a str,
    /// How it is drawn.
    pub role: Role,
    /// It gives way to others.
    pub routine: bool,
}

/// A chart, ready to be drawn.
#[derive(Clone, Copy, Debug)]
pub struct Chart<'a> {
    /// The lines, the one that matters most first.
    pub series: &'a [Series<'a>],
    /// The left end: seconds since the epoch.
    pub from: i64,
    /// The right end.
    pub to: i64,
    /// What the numbers count.
    pub unit: Unit,
    /// Dotted lines.
    pub limits: &'a [Limit<'a>],
    /// Events under the time axis, in any order.
    pub marks: &'a [Mark<'a>],
    /// The time that the cursor is on.
    pub cursor: Option<i64>,
    /// What is said in the middle instead of lines (loading, no data, a problem), one line each.
    pub said: &'a [(&'a str, Role)],
}

/// The signs of lines in ASCII; after the sixth they begin again, as the colours do.
const ASCII_LINES: [char; 6] = ['*', '+', 'o', 'x', '#', '@'];
/// A limit further above the lines than so many times their height would flatten them: it is written, not drawn.
const FAR: f64 = 4.0;

impl Chart<'_> {
    /// The smallest and the largest finite number in sight, limits that are near included; `None` when no line has
    /// one.
    fn span(&self) -> Option<(f64, f64)> {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for series in self.series {
            for (_, point) in series.between(self.from, self.to) {
                if point.is_finite() {
                    low = low.min(point);
                    high = high.max(point);
                }
            }
        }
        if low > high {
            return None;
        }
        let lines = high.abs().max(low.abs());
        for limit in self.limits {
            if limit.at.is_finite() && (lines == 0.0 || limit.at.abs() <= FAR * lines) {
                low = low.min(limit.at);
                high = high.max(limit.at);
            }
        }
        Some((low, high))
    }

    /// The scale of its numbers: titles and legends name the same unit as the axis.
    pub fn scale(&self) -> Scale {
        self.unit.scale(self.span().map_or(0.0, |(low, high)| low.abs().max(high.abs())))
    }

    /// Draws it.
    pub fn draw(&self, look: &Look, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        if area.is_empty() {
            return;
        }
        let scale = self.scale();
        let rows = Rows::of(area);
        let (low, high) = self.span().unwrap_or((0.0, 0.0));
        let most = u32::from((rows.plot.height / 2).clamp(1, 6));
        let axis = ticks::numbers(low / scale.divisor, high / scale.divisor, most);
        let labels: Vec<(f64, String)> = match self.span() {
            Some(_) => axis.numbers().map(|number| (number, axis.label(number))).collect(),
            None => Vec::new(),
        };
        let wide = labels.iter().map(|(_, label)| label.len()).max().unwrap_or(0).max(3);
        // The numbers give way where they would take half of the width.
        let wide = u16::try_from(wide).unwrap_or(u16::MAX).saturating_add(2);
        let left = if wide > area.width / 2 { 0 } else { wide };
        let plot = Rect { x: rows.plot.x + left, width: rows.plot.width - left, ..rows.plot };
        let frame = Frame { chart: self, look, scale, low: axis.low, high: axis.high(), plot };
        if left > 0 {
            frame.numbers(&labels, buffer);
        }
        frame.cursor(buffer);
        frame.limits(buffer);
        frame.lines(buffer);
        frame.limit_words(buffer);
        frame.far_words(buffer);
        frame.said(buffer);
        frame.times(rows.times, rows.marks.is_none(), buffer);
        if let Some(row) = rows.marks {
            frame.marks(Rect { x: plot.x, width: plot.width, ..row }, &mut Vec::new(), buffer);
        }
    }
}

impl Series<'_> {
    /// Points with their times, those that are there between two times. NaN and infinities are among them.
    pub fn between(&self, from: i64, to: i64) -> impl Iterator<Item = (i64, f64)> + '_ {
        self.all(from, to).filter_map(|(at, point)| Some((at, point?)))
    }

    /// Points with their times between two times, gaps too.
    fn all(&self, from: i64, to: i64) -> impl Iterator<Item = (i64, Option<f64>)> + '_ {
        let step = self.step;
        let count = if step > 0 { self.points.len() } else { 0 };
        // What lies before the left end is not walked through one by one.
        let skip = if step > 0 { from.saturating_sub(self.start).max(0) / step } else { 0 };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(count);
        self.points[..count]
            .iter()
            .enumerate()
            .skip(skip)
            .map(move |(n, point)| {
                let n = i64::try_from(n).unwrap_or(i64::MAX);
                (self.start.saturating_add(n.saturating_mul(step)), *point)
            })
            .skip_while(move |(at, _)| *at < from)
            .take_while(move |(at, _)| *at <= to)
    }

    /// The point that is nearest to a time, at most a step away.
    pub fn near(&self, at: i64) -> Option<f64> {
        if self.step <= 0 {
            return None;
        }
        let n = at.saturating_sub(self.start).saturating_add(self.step / 2).div_euclid(self.step);
        self.points.get(usize::try_from(n).ok()?).copied().flatten()
    }
}

/// The rows of a chart.
struct Rows {
    plot: Rect,
    times: Option<Rect>,
    marks: Option<Rect>,
}

impl Rows {
    fn of(area: Rect) -> Rows {
        let under = match area.height {
            ..3 => 0,
            3 | 4 => 1,
            _ => 2,
        };
        let plot = Rect { height: area.height - under, ..area };
        let row = |n: u16| (n < under).then(|| Rect { y: plot.bottom() + n, height: 1, ..area });
        Rows { plot, times: row(0), marks: row(1) }
    }
}

/// A chart with its axes fixed.
struct Frame<'a> {
    chart: &'a Chart<'a>,
    look: &'a Look,
    scale: Scale,
    /// The ends of the axis of numbers, in the unit that is shown.
    low: f64,
    high: f64,
    /// Where lines are drawn.
    plot: Rect,
}

impl Frame<'_> {
    /// The dot from the left of so many at which a time lies; `None` outside.
    fn across(&self, at: i64, dots: usize) -> Option<usize> {
        let Chart { from, to, .. } = *self.chart;
        if dots == 0 || at < from || at > to || to <= from {
            return None;
        }
        let part = i128::from(at) - i128::from(from);
        let whole = i128::from(to) - i128::from(from);
        let last = dots as i128 - 1;
        usize::try_from((part * last + whole / 2) / whole).ok()
    }

    /// The dot from the top of so many at which an amount lies.
    fn down(&self, amount: f64, dots: usize) -> Option<usize> {
        let share = (amount / self.scale.divisor - self.low) / (self.high - self.low);
        let last = dots.checked_sub(1)? as f64;
        let from_below = (share * last).round();
        (0.0..=last).contains(&from_below).then_some((last - from_below) as usize)
    }

    fn column(&self, at: i64) -> Option<u16> {
        let column = u16::try_from(self.across(at, usize::from(self.plot.width) * 2)? / 2).ok()?;
        Some(self.plot.x + column)
    }

    fn row(&self, amount: f64) -> Option<u16> {
        let row = u16::try_from(self.down(amount, usize::from(self.plot.height) * 4)? / 4).ok()?;
        Some(self.plot.y + row)
    }

    /// The axis of numbers, left of the plot.
    fn numbers(&self, labels: &[(f64, String)], buffer: &mut Buffer) {
        let ascii = self.look.symbols.ascii;
        let (bar, tick, corner) = if ascii { ("|", "+", "+") } else { ("│", "┤", "└") };
        let style = self.look.style(Role::Axis);
        let (x, bottom) = (self.plot.x - 1, self.plot.bottom() - 1);
        for y in self.plot.y..=bottom {
            buffer.set_string(x, y, if y == bottom { corner } else { bar }, style);
        }
        // From the ends inwards: those are the ones that must be read.
        let inner = labels.get(1..labels.len().saturating_sub(1)).unwrap_or_default();
        let mut taken: Vec<u16> = Vec::with_capacity(labels.len());
        for (number, label) in labels.first().into_iter().chain(labels.last()).chain(inner) {
            let Some(y) = self.row(*number * self.scale.divisor) else { continue };
            if taken.contains(&y) {
                continue;
            }
            taken.push(y);
            let width = u16::try_from(label.len()).unwrap_or(u16::MAX).min(x.saturating_sub(1));
            buffer.set_stringn(x.saturating_sub(width + 1), y, label, usize::from(width), style);
            if y != bottom {
                buffer.set_string(x, y, tick, style);
            }
        }
    }

    /// A column through the plot at the cursor's time.
    fn cursor(&self, buffer: &mut Buffer) {
        let Some(x) = self.chart.cursor.and_then(|at| self.column(at)) else { return };
        let sign = if self.look.symbols.ascii { "|" } else { "│" };
        for y in self.plot.y..self.plot.bottom() {
            buffer.set_string(x, y, sign, self.look.style(Role::Accent));
        }
    }

    /// Dotted lines.
    fn limits(&self, buffer: &mut Buffer) {
        let style = self.look.style(Role::Threshold);
        for y in self.limit_rows().map(|(y, _)| y) {
            for x in self.plot.x..self.plot.right() {
                buffer.set_string(x, y, self.look.symbols.dash, style);
            }
        }
    }

    fn limit_rows(&self) -> impl Iterator<Item = (u16, &Limit<'_>)> {
        let finite = self.chart.limits.iter().filter(|limit| limit.at.is_finite());
        finite.filter_map(|limit| Some((self.row(limit.at)?, limit)))
    }

    /// The word of each dotted line, as far to the right as no line of the chart passes.
    fn limit_words(&self, buffer: &mut Buffer) {
        let dash = self.look.symbols.dash;
        for (y, limit) in self.limit_rows() {
            let word = format!(" {} {} ", limit.word, self.scale.number(limit.at));
            let wide = u16::try_from(text::width(&word)).unwrap_or(u16::MAX);
            if wide > self.plot.width / 2 {
                continue;
            }
            let dotted = |from: &u16| {
                (*from..*from + wide).all(|x| buffer.cell((x, y)).is_some_and(|cell| cell.symbol() == dash))
            };
            let place = (self.plot.x..=self.plot.right() - wide).rev().find(dotted);
            if let Some(x) = place {
                buffer.set_string(x, y, &word, self.look.style(Role::Threshold));
            }
        }
    }

    /// What lies too far above the lines to be drawn is written at the top, where nothing else stands: `limit 512↑`.
    fn far_words(&self, buffer: &mut Buffer) {
        let chart = self.chart;
        let far = chart.limits.iter().filter(|limit| limit.at.is_finite() && limit.at > self.high);
        for limit in far.filter(|_| chart.said.is_empty() && !chart.series.is_empty()) {
            let word = format!(" {} {}{} ", limit.word, self.scale.number(limit.at), self.look.symbols.up);
            let wide = u16::try_from(text::width(&word)).unwrap_or(u16::MAX);
            if wide > self.plot.width / 2 {
                continue;
            }
            let empty = |(x, y): &(u16, u16)| {
                (*x..*x + wide).all(|x| buffer.cell((x, *y)).is_some_and(|cell| cell.symbol() == " "))
            };
            let rows = self.plot.y..self.plot.bottom().min(self.plot.y + 2);
            let places =
                rows.flat_map(|y| (self.plot.x..=self.plot.right() - wide).rev().map(move |x| (x, y)));
            if let Some(place) = { places }.find(empty) {
                buffer.set_string(place.0, place.1, &word, self.look.style(Role::Threshold));
            }
        }
    }

    /// The lines, and an arrow at the edge where a number is infinite.
    fn lines(&self, buffer: &mut Buffer) {
        let chart = self.chart;
        if !chart.said.is_empty() {
            return;
        }
        let mut canvas = Canvas::new(self.plot.width, self.plot.height, self.look.symbols.braille);
        let (across, down) = canvas.dots();
        for (nth, series) in chart.series.iter().enumerate() {
            let line = u8::try_from(nth).unwrap_or(u8::MAX);
            // The last point when the one before this is on the grid too, and whether it stands alone so far.
            let mut before: Option<((usize, usize), bool)> = None;
            for (at, point) in series.all(chart.from, chart.to) {
                let place = point
                    .filter(|point| point.is_finite())
                    .and_then(|point| Some((self.across(at, across)?, self.down(point, down)?)));
                match (before, place) {
                    (Some((from, _)), Some(to)) => canvas.line(from, to, line),
                    (Some((alone, true)), None) => canvas.lone(alone.0, alone.1, line),
                    _ => {}
                }
                before = place.map(|place| (place, before.is_none()));
            }
            if let Some((alone, true)) = before {
                canvas.lone(alone.0, alone.1, line);
            }
        }
        for row in 0..self.plot.height {
            for column in 0..self.plot.width {
                let Some((sign, line)) = canvas.cell(column, row) else { continue };
                let sign = sign.unwrap_or(ASCII_LINES[usize::from(line) % ASCII_LINES.len()]);
                let place = (self.plot.x + column, self.plot.y + row);
                if let Some(cell) = buffer.cell_mut(place) {
                    cell.set_char(sign).set_style(self.look.style(Role::series(usize::from(line))));
                }
            }
        }
        self.infinities(buffer);
    }

    fn infinities(&self, buffer: &mut Buffer) {
        let chart = self.chart;
        for (nth, series) in chart.series.iter().enumerate() {
            for (at, point) in series.between(chart.from, chart.to).filter(|(_, point)| point.is_infinite()) {
                let Some(x) = self.column(at) else { continue };
                let (y, sign) = if point > 0.0 {
                    (self.plot.y, self.look.symbols.up)
                } else {
                    (self.plot.bottom() - 1, self.look.symbols.down)
                };
                buffer.set_string(x, y, sign, self.look.style(Role::series(nth)));
            }
        }
    }

    /// What is said in the middle.
    fn said(&self, buffer: &mut Buffer) {
        let lines = self.chart.said;
        let room = usize::from(self.plot.height);
        let above = room.saturating_sub(lines.len()) / 2;
        for ((line, role), y) in
            lines.iter().zip(self.plot.y + u16::try_from(above).unwrap_or(0)..self.plot.bottom())
        {
            let fitted = text::fit(line, usize::from(self.plot.width));
            let wide = u16::try_from(text::width(&fitted)).unwrap_or(self.plot.width).min(self.plot.width);
            let x = self.plot.x + (self.plot.width - wide) / 2;
            buffer.set_stringn(x, y, &fitted, usize::from(self.plot.right() - x), self.look.style(*role));
        }
    }

    /// Round times under the plot, with the marks between them where they have no row of their own, and the time of
    /// the cursor before all of them.
    fn times(&self, row: Option<Rect>, with_marks: bool, buffer: &mut Buffer) {
        let Some(row) = row else { return };
        let row = Rect { x: self.plot.x, width: self.plot.width, ..row };
        let mut taken: Vec<(u16, u16)> = Vec::new();
        if let Some(at) = self.chart.cursor.filter(|at| self.column(*at).is_some()) {
            let words = moment(at, self.chart.to.saturating_sub(self.chart.from));
            self.label(row, at, &words, Role::Accent, &mut taken, buffer);
        }
        if with_marks {
            self.marks(row, &mut taken, buffer);
        }
        for time in ticks::times(self.chart.from, self.chart.to, row.width) {
            self.label(row, time.at, &time.label, Role::Axis, &mut taken, buffer);
        }
    }

    /// A word whose middle stands under its time, moved inwards at the ends; left out where another one stands.
    fn label(
        &self,
        row: Rect,
        at: i64,
        words: &str,
        role: Role,
        taken: &mut Vec<(u16, u16)>,
        buffer: &mut Buffer,
    ) {
        let Some(x) = self.column(at) else { return };
        let wide = u16::try_from(text::width(words)).unwrap_or(u16::MAX);
        if wide > row.width {
            return;
        }
        let from = x.saturating_sub(wide / 2).clamp(row.x, row.right() - wide);
        if free(taken, from, wide) {
            buffer.set_string(from, row.y, words, self.look.style(role));
            taken.push((from, from + wide));
        }
    }

    /// Events: a sign at its time and, where there is room, its word and time beside it. Newest first, since those
    /// are asked about most, and routine ones last; several of one sort in one cell are counted, of several sorts each
    /// is named.
    fn marks(&self, row: Rect, taken: &mut Vec<(u16, u16)>, buffer: &mut Buffer) {
        let mut marks: Vec<(u16, &Mark<'_>)> =
            self.chart.marks.iter().filter_map(|mark| Some((self.column(mark.at)?, mark))).collect();
        marks.sort_by_key(|(_, mark)| (mark.routine, std::cmp::Reverse(mark.at)));
        let columns: Vec<(u16, bool)> = marks.iter().map(|(x, mark)| (*x, mark.routine)).collect();
        let span = self.chart.to.saturating_sub(self.chart.from);
        let sign = self.look.symbols.event;
        let mut drawn: Vec<u16> = Vec::new();
        for (x, mark) in &marks {
            let x = *x;
            if drawn.contains(&x) {
                continue;
            }
            drawn.push(x);
            let style = self.look.style(mark.role);
            if free(taken, x, 1) {
                buffer.set_string(x, row.y, sign, style);
            }
            // What is routine is not named beside what is not.
            let here = marks.iter().filter(|(at, other)| *at == x && other.routine == mark.routine);
            let mut words: Vec<&str> = Vec::new();
            let mut count = 0;
            for (_, other) in here {
                count += 1;
                if !words.contains(&other.word) {
                    words.push(other.word);
                }
            }
            let word = match (words.len(), count) {
                (1, 2..) => format!("{}{count} {}", self.look.symbols.times, mark.word),
                _ => words.join("+"),
            };
            let full = format!("{word} {}", moment(mark.at, span));
            // A routine one's sign may be covered by the words of what is not.
            let others = |from: u16, to: u16| {
                columns
                    .iter()
                    .any(|(c, routine)| *c != x && (mark.routine || !routine) && (from..to).contains(c))
            };
            for words in [&full, &word] {
                let wide = u16::try_from(text::width(words)).unwrap_or(u16::MAX);
                let (right, left) = (x + 1, x.saturating_sub(wide));
                let fits = |from: u16| {
                    from >= row.x
                        && u32::from(from) + u32::from(wide) <= u32::from(row.right())
                        && free(taken, from, wide)
                        && !others(from, from + wide)
                };
                let Some(from) = [right, left].into_iter().find(|from| fits(*from)) else { continue };
                buffer.set_string(from, row.y, words, style);
                taken.push((from, from + wide));
                break;
            }
            taken.push((x, x + 1));
        }
    }
}

/// Whether nothing stands there yet, with a cell of air on both sides.
fn free(taken: &[(u16, u16)], from: u16, wide: u16) -> bool {
    let to = u32::from(from) + u32::from(wide) + 1;
    taken.iter().all(|(a, b)| to <= u32::from(*a) || u32::from(*b) < u32::from(from))
}
