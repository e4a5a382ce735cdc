//! The line at the top: where the person is and as whom, how fresh everything
//! is, what is broken, and the time.
//!
//! ```text
//!  pilothouse ▸ production   gke-eu1 · maria · rw     3 environments, fresh     ✖ 1 critical ▲ 2 degraded   14:32Z
//! ```
//!
//! The counts are of alerts that fire, each once, in all environments. Broken workloads are counted beside them when no
//! critical alert tells of trouble, and in their place where nobody can be asked for alerts.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::time::Stamp;
use crate::fleet::Freshness;
use crate::look::Look;
use crate::shared::Shared;
use crate::state::State;
use crate::theme::Role;
use crate::widgets::strip::{Parts, Strip};

/// Draws the header: the longest wording that fits.
pub fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let (shared, look) = (&state.shared, &state.look);
    buffer.set_style(area, look.style(Role::Header));
    for (long_left, long_right) in [(3, 3), (3, 2), (3, 1), (2, 1), (2, 0), (1, 0)] {
        let (left, right) = (left(shared, look, long_left), right(shared, look, long_right));
        if left.width() + right.width() + 5 <= area.width {
            put(&left, Some(&right), area, buffer);
            return;
        }
    }
    put(&left(shared, look, 0), None, area, buffer);
}

fn put(left: &Parts, right: Option<&Parts>, area: Rect, buffer: &mut Buffer) {
    let mut strip = Strip::new(buffer, area);
    strip.gap(1);
    left.put(&mut strip);
    if let Some(right) = right {
        strip.go_to(area.right().saturating_sub(right.width() + 1));
        right.put(&mut strip);
    }
}

/// Where the person is, in four lengths.
fn left(shared: &Shared, look: &Look, length: u8) -> Parts {
    let mut parts = Parts::default();
    let muted = look.style(Role::Muted);
    if length >= 3 {
        parts.add("pilothouse", look.style(Role::Strong)).add(format!(" {} ", look.symbols.crumb), muted);
    }
    let Some(env) = shared.environment() else {
        parts.add("no environment", muted);
        return parts;
    };
    parts.add(&*env.name, look.style(Role::Accent));
    if env.protected {
        parts.add(format!(" {}", look.symbols.protected), look.style(Role::Protected));
    }
    let mode = if shared.options.read_only || env.read_only { "ro" } else { "rw" };
    if length >= 1 {
        if let Some(cluster) = shared.world.cluster(env.cluster).filter(|_| length >= 2) {
            let gap = if length >= 3 { "   ".to_owned() } else { format!(" {} ", look.symbols.crumb) };
            parts.add(format!("{gap}{}", cluster.connection.context), look.style(Role::Header));
        }
        if !shared.options.user.is_empty() && length >= 2 {
            parts.add(format!(" {} {}", look.symbols.dot, shared.options.user), muted);
        }
        parts.add(format!(" {} {mode}", look.symbols.dot), muted);
    }
    parts
}

/// How fresh, what is broken, what time; in four lengths.
fn right(shared: &Shared, look: &Look, length: u8) -> Parts {
    let mut parts = Parts::default();
    let gap = if length >= 2 { "     " } else { "  " };
    if length >= 1 {
        let (words, fresh) = freshness(shared, length >= 2);
        parts
            .add(words, look.style(if fresh { Role::Muted } else { Role::Stale }))
            .add(gap, look.style(Role::Header));
    }
    faults(shared, look, length, &mut parts);
    parts.add(clock(shared.now.wall), look.style(Role::Muted));
    parts
}

fn faults(shared: &Shared, look: &Look, length: u8, parts: &mut Parts) {
    let critical: u32 = shared.cards.list.iter().map(|card| card.critical).sum();
    let warning: u32 = shared.cards.list.iter().map(|card| card.warning).sum();
    let total = shared.alerts.total();
    let told = shared.environments.list.iter().any(|env| {
        shared.alerts.standing(&shared.upstreams, env.id).iter().any(|standing| standing.at.is_some())
    });
    if told {
        let counts = [
            (total.critical, look.symbols.critical, "critical", Role::Critical),
            (total.warning, look.symbols.warning, "warning", Role::Warning),
        ];
        for (count, sign, word, role) in counts.into_iter().filter(|(count, ..)| *count > 0) {
            match length {
                0 | 1 => parts.add(format!("{sign}{count} "), look.style(role)),
                _ => parts.add(format!("{sign} {count} {word}  "), look.style(role)),
            };
        }
        if total.critical == 0 && critical > 0 {
            let noun = if critical == 1 { "workload" } else { "workloads" };
            let sign = look.symbols.critical;
            match length {
                0 | 1 => parts.add(format!("{sign}{critical} {noun} "), look.style(Role::Critical)),
                _ => parts.add(format!("{sign} {critical} {noun} critical  "), look.style(Role::Critical)),
            };
        }
        parts.add(" ", look.style(Role::Header));
        return;
    }
    let counts = [
        (critical, look.symbols.critical, "critical", Role::Critical),
        (warning, look.symbols.warning, "degraded", Role::Warning),
    ];
    for (count, sign, word, role) in counts.into_iter().filter(|(count, ..)| *count > 0) {
        match length {
            0 | 1 => parts.add(format!("{sign}{count} "), look.style(role)),
            2 => parts.add(format!("{sign} {count} {word}  "), look.style(role)),
            _ => {
                let noun = if count == 1 { "workload" } else { "workloads" };
                parts.add(format!("{sign} {count} {noun} {word}  "), look.style(role))
            }
        };
    }
    parts.add(" ", look.style(Role::Header));
}

/// How fresh everything is that is connected: in words, and whether it is.
fn freshness(shared: &Shared, long: bool) -> (String, bool) {
    let mut connected = 0;
    let mut worst: Option<&str> = None;
    let mut stale = 0;
    for env in shared.environments.counted() {
        let fresh = Freshness::of(shared.world.cluster(env.cluster), env.scope.namespaces(), shared.now);
        if fresh == Freshness::Dim {
            continue;
        }
        connected += 1;
        if !fresh.is_fresh() {
            stale += 1;
            worst = Some(match worst {
                Some(known) if known != word(&fresh) => "not fresh",
                _ => word(&fresh),
            });
        }
    }
    let words = match worst {
        None if connected == 0 => return ("nothing connected".to_owned(), false),
        None => "fresh".to_owned(),
        Some(words) if stale == connected => words.to_owned(),
        Some(words) => format!("{stale} {words}"),
    };
    let fresh = stale == 0;
    if long {
        let noun = if connected == 1 { "environment" } else { "environments" };
        (format!("{connected} {noun}, {words}"), fresh)
    } else {
        (words, fresh)
    }
}

/// One word on a connection: the countdown and the reason belong to its card.
fn word(fresh: &Freshness) -> &'static str {
    match fresh {
        Freshness::Fresh => "fresh",
        Freshness::Old(_) => "silent",
        Freshness::Missing | Freshness::Broken(_) => "broken",
        Freshness::Dim => "not connected",
        Freshness::Connecting => "connecting",
        Freshness::Loading(_) => "loading",
        Freshness::LoginNeeded { .. } => "login needed",
        Freshness::Forbidden { .. } => "forbidden",
        Freshness::Partly { .. } => "partly forbidden",
        Freshness::Failing { .. } => "failing",
        Freshness::Unreachable { .. } => "unreachable",
    }
}

/// `14:32Z`
fn clock(now: Stamp) -> String {
    let minutes = now.0.rem_euclid(86_400) / 60;
    format!("{:02}:{:02}Z", minutes / 60, minutes % 60)
}
