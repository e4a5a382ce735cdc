//! The guard of a switch as it happens: how long still, who is ready and receives traffic, each number with its limit.

use crate::change::guard::{Gauge, Guarded, Told, percent};
use crate::domain::level::Level;
use crate::look::Look;
use crate::panes::views::painted::Painted;
use crate::theme::Role;
use crate::widgets::bar;

/// Where values begin.
const HEADS: usize = 8;
/// How a number is written.
type Words<'w> = &'w dyn Fn(u64) -> String;

/// Columns of the bar.
const BAR: u16 = 20;

fn head(word: &str) -> Painted {
    let mut line = Painted::role(Role::Muted, word);
    line.pad_to(HEADS);
    line
}

/// The lines of a guard, at most so wide; `tall`: there is room for graphs.
pub(super) fn lines(look: &Look, guarded: &Guarded, width: usize, tall: bool) -> Vec<Painted> {
    let mut lines = Vec::new();
    let Guarded { to, from, needed, .. } = guarded;
    let mut live = head("watched");
    live.push(Role::Strong, to);
    match &guarded.ready {
        Told::Is(ready) => {
            let role = if ready < needed { Role::Critical } else { Role::Text };
            live.push(role, &format!("  {ready} ready, {needed} needed"));
        }
        Told::Unknown(_) => live.push(Role::Unknown, "  ready ?"),
    }
    match (&guarded.receiving, guarded.followed) {
        (Told::Is((new, _)), Some(after)) => {
            live.push(Role::Muted, &format!("   endpoints {new}, moved in {:.1} s", after.as_secs_f64()));
        }
        (Told::Is((new, others)), None) => {
            live.push(Role::Progressing, &format!("   endpoints {new} of {}", new + others));
        }
        (Told::Unknown(_), _) => live.push(Role::Unknown, "   endpoints ?"),
    }
    lines.push(live);
    let mut standby = head("before");
    standby.push(Role::Strong, from);
    match guarded.old_ready {
        Some(0) => standby.push(Role::Warning, "  none ready: there is no way back"),
        Some(ready) => standby.push_plain(&format!("  {ready} ready, kept warm until the guard ends")),
        None => standby.push(Role::Unknown, "  ready ?"),
    }
    lines.push(standby);
    if tall {
        lines.push(Painted::default());
    }
    let (at, window) = (guarded.at.min(guarded.window), guarded.window);
    let mut line = head("guard");
    let whole = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
    let full = usize::from(bar::filled(u64::try_from(at.as_millis()).unwrap_or(0), whole, BAR));
    let role = if guarded.breach.is_empty() { Role::Bar } else { Role::BarHigh };
    line.push(role, &look.symbols.bar.repeat(full));
    line.push(Role::BarEmpty, &look.symbols.bar_empty.repeat(usize::from(BAR) - full));
    line.push_plain(&format!("  {} s of {} s", at.as_secs(), window.as_secs()));
    lines.push(line);
    let gauges: [(&str, &Gauge, Words<'_>); 2] = [
        ("errors", &guarded.errors, &percent),
        ("p99", &guarded.latency, &|milliseconds| format!("{milliseconds} ms")),
    ];
    for (name, gauge, words) in gauges {
        lines.push(number(look, name, gauge, words));
        if gauge.points.iter().any(Option::is_some) {
            let rows = if tall { TALL } else { SMALL };
            lines.extend(graph(look, gauge, words, width.saturating_sub(HEADS + 12), rows));
        }
    }
    for words in &guarded.breach {
        lines.push(
            head("breach")
                .with(Role::Critical, look.symbols.level(Level::Critical))
                .and(&format!(" {words}")),
        );
    }
    if guarded.turning.is_empty() && !guarded.stays.is_empty() {
        lines.push(head("back").with(Role::Warning, &guarded.stays));
    }
    if !guarded.turning.is_empty() {
        lines.push(head("back").with(Role::Warning, &guarded.turning));
    }
    lines
}

/// A number with its limit.
fn number(look: &Look, name: &str, gauge: &Gauge, words: Words<'_>) -> Painted {
    let mut line = head(name);
    match &gauge.now {
        Told::Is(now) => {
            let role = if *now > gauge.limit { Role::Critical } else { Role::Strong };
            line.push(role, &format!("{:<9}", words(*now)));
            line.push(Role::Muted, &format!("limit {:<9}", words(gauge.limit)));
        }
        Told::Unknown(why) => {
            line.push(Role::Unknown, look.symbols.unknown);
            line.push(Role::Muted, &format!(" not known: {why}"));
        }
    }
    line
}

fn colour(gauge: &Gauge, value: u64) -> Role {
    if value > gauge.limit { Role::Critical } else { Role::Ok }
}

/// Rows of a graph, where there is room.
const TALL: u64 = 4;
/// Rows of a graph on a small screen.
const SMALL: u64 = 2;

/// The course of a number in so many rows, with a dotted line at its limit; what is above it is in the colour of a fault.
fn graph(look: &Look, gauge: &Gauge, words: Words<'_>, room: usize, rows: u64) -> Vec<Painted> {
    let most = gauge.points.iter().flatten().copied().max().unwrap_or(0);
    // The limit is always in the picture, with a little above it.
    let top = most.max(gauge.limit.saturating_add(gauge.limit / 5)).max(1);
    let first = gauge.points.len().saturating_sub(room);
    let dotted = if look.symbols.ascii { "-" } else { "┄" };
    let row = |nth: u64| {
        let (low, high) = (top.saturating_mul(nth) / rows, top.saturating_mul(nth + 1) / rows);
        let at_limit = low < gauge.limit && gauge.limit <= high;
        let label = match at_limit {
            true => words(gauge.limit),
            false if nth == 0 => "0".to_owned(),
            false => String::new(),
        };
        let mut line = Painted::default();
        line.push(Role::Muted, &format!("{label:>width$} ", width = HEADS + 2));
        for point in gauge.points.iter().skip(first) {
            match point {
                Some(value) if *value > low => {
                    line.push(colour(gauge, *value), block(look, value.min(&high) - low, high - low));
                }
                _ if at_limit => line.push(Role::Muted, dotted),
                _ => line.push_plain(" "),
            }
        }
        if at_limit {
            let left = room.saturating_sub(gauge.points.len() - first).min(20);
            line.push(Role::Muted, &dotted.repeat(left));
        }
        line
    };
    (0..rows).rev().map(row).collect()
}

/// How high something is, in eighths of the limit.
fn block(look: &Look, value: u64, limit: u64) -> &'static str {
    const UNICODE: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    const ASCII: [&str; 8] = ["_", ".", ",", "-", "=", "+", "*", "#"];
    let eighths = value.saturating_mul(8).checked_div(limit).unwrap_or(8);
    let at = usize::try_from(eighths).unwrap_or(7).min(7);
    if look.symbols.ascii { ASCII[at] } else { UNICODE[at] }
}
