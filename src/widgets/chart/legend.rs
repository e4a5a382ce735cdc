//! The legend of a chart: a table of its lines with last, least and largest number and the one under the cursor, or
//! one line of names and last numbers.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{ASCII_LINES, Chart, Series};
use crate::look::Look;
use crate::text;
use crate::theme::Role;
use crate::widgets::strip::Strip;

/// What a line says in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stats {
    /// The newest number; NaN and infinities too, since they are what the server said.
    pub last: Option<f64>,
    /// The least, infinities too; what is no number is neither small nor large.
    pub min: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
}

impl Stats {
    /// Of what a line shows between two times.
    pub fn of(series: &Series<'_>, from: i64, to: i64) -> Stats {
        let mut stats = Stats::default();
        for (_, point) in series.between(from, to) {
            stats.last = Some(point);
            if !point.is_nan() {
                stats.min = Some(stats.min.map_or(point, |least| least.min(point)));
                stats.max = Some(stats.max.map_or(point, |most| most.max(point)));
            }
        }
        stats
    }
}

/// The sign of a line: what it is drawn with in ASCII, else a stroke in its colour.
fn sign(look: &Look, nth: usize) -> String {
    if look.symbols.braille { "━".to_owned() } else { ASCII_LINES[nth % ASCII_LINES.len()].to_string() }
}

/// A table, as many lines as there are rows for: sign, name, last, min, max and, with a cursor, the number there.
/// The last row says how many lines have none. Returns the rows used.
pub fn legend(chart: &Chart<'_>, look: &Look, area: Rect, buffer: &mut Buffer) -> u16 {
    let area = area.intersection(buffer.area);
    if area.height < 2 || area.width < 16 {
        return 0;
    }
    let scale = chart.scale();
    let written = |number: Option<f64>| number.map_or_else(|| "-".to_owned(), |number| scale.number(number));
    let mut heads = vec!["last", "min", "max"];
    let moment = chart.cursor.map(|at| super::moment(at, chart.to.saturating_sub(chart.from)));
    heads.extend(moment.as_deref());
    let room = usize::from(area.height - 1);
    let shown = if chart.series.len() > room { room.saturating_sub(1) } else { chart.series.len() };
    let rows: Vec<Vec<String>> = chart.series[..shown]
        .iter()
        .map(|series| {
            let stats = Stats::of(series, chart.from, chart.to);
            let mut cells = vec![written(stats.last), written(stats.min), written(stats.max)];
            cells.extend(chart.cursor.map(|at| written(series.near(at))));
            cells
        })
        .collect();
    let columns: Vec<usize> = heads
        .iter()
        .enumerate()
        .map(|(n, head)| {
            rows.iter().map(|row| text::width(&row[n])).max().unwrap_or(0).max(text::width(head))
        })
        .collect();
    let numbers: usize = columns.iter().map(|wide| wide + 2).sum();
    let longest = chart.series.iter().map(|series| text::width(series.name)).max().unwrap_or(0);
    let unit = if scale.word.is_empty() { String::new() } else { format!("in {}", scale.word) };
    let name =
        longest.max(text::width(&unit)).min(usize::from(area.width).saturating_sub(numbers + 2)).max(8);
    let line = |y: u16| Rect { y, height: 1, ..area };
    let mut strip = Strip::new(buffer, line(area.y));
    strip.gap(2).put(&text::cell(&unit, name), look.style(Role::Muted));
    for (head, wide) in heads.iter().zip(&columns) {
        strip.gap(2).put(&text::pad_start(head, *wide), look.style(Role::Muted));
    }
    for (nth, (series, cells)) in chart.series.iter().zip(&rows).enumerate() {
        let y = area.y + 1 + u16::try_from(nth).unwrap_or(u16::MAX - area.y - 1);
        let mut strip = Strip::new(buffer, line(y));
        strip.put(&sign(look, nth), look.style(Role::series(nth))).gap(1);
        strip.put(&text::cell(series.name, name), look.style(Role::Text));
        for (cell, wide) in cells.iter().zip(&columns) {
            strip.gap(2).put(&text::pad_start(cell, *wide), look.style(Role::Text));
        }
    }
    let mut used = 1 + u16::try_from(shown).unwrap_or(u16::MAX - 1);
    if shown < chart.series.len() && used < area.height {
        let words = format!("and {} more", chart.series.len() - shown);
        Strip::new(buffer, line(area.y + used)).gap(2).put(&words, look.style(Role::Muted));
        used += 1;
    }
    used
}

/// One line: every name with its last number, as many as fit whole.
pub fn legend_line(chart: &Chart<'_>, look: &Look, area: Rect, buffer: &mut Buffer) {
    let scale = chart.scale();
    let mut strip = Strip::new(buffer, Rect { height: area.height.min(1), ..area });
    for (nth, series) in chart.series.iter().enumerate() {
        let last = Stats::of(series, chart.from, chart.to).last;
        let number = last.map_or_else(|| "-".to_owned(), |number| scale.number(number));
        let needed = text::width(series.name) + text::width(&number) + 3;
        if needed > usize::from(strip.left()) {
            strip.put(look.symbols.ellipsis, look.style(Role::Muted));
            return;
        }
        strip.put(&sign(look, nth), look.style(Role::series(nth))).gap(1);
        strip.put(series.name, look.style(Role::Muted)).gap(1).put(&number, look.style(Role::Text)).gap(2);
    }
}
