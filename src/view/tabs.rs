//! On small screens: a line of tabs, and a line on every environment.
//!
//! ```text
//!  1 Envs · Releases   3 [Pods] · Workloads   Network
//!  ● development 31   ▲ staging 33/34   [✖ production 55/58]
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::action::{Action, Scope};
use crate::domain::level::Level;
use crate::panes::PaneId;
use crate::state::State;
use crate::theme::Role;
use crate::widgets::strip::{Parts, Strip};

/// Panes with their names, and the action whose key goes to them.
type Tabs = (Option<Action>, &'static [(PaneId, &'static str)]);

/// The tabs: panes that share a key stand together.
const TABS: [Tabs; 9] = [
    (Some(Action::PaneEnvironments), &[(PaneId::Environments, "Envs"), (PaneId::Releases, "Releases")]),
    (Some(Action::PaneSync), &[(PaneId::Sync, "Sync")]),
    (Some(Action::PanePods), &[(PaneId::Pods, "Pods"), (PaneId::Workloads, "Workloads")]),
    (Some(Action::PaneMetrics), &[(PaneId::Metrics, "Metrics")]),
    (Some(Action::PaneAlerts), &[(PaneId::Alerts, "Alerts")]),
    (Some(Action::PaneTraffic), &[(PaneId::Traffic, "Traffic")]),
    (Some(Action::PaneBackups), &[(PaneId::Backups, "Backups")]),
    (Some(Action::PaneNodes), &[(PaneId::Nodes, "Nodes")]),
    (None, &[(PaneId::Network, "Network")]),
];

/// Draws the tabs: the one that has the focus in brackets and always in sight.
pub fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let look = &state.look;
    let focused = state.panes.get(state.focus).map(|pane| pane.id());
    let mut entries: Vec<(bool, Parts)> = Vec::new();
    for (action, panes) in TABS {
        if panes.iter().all(|(id, _)| state.pane(*id).is_none()) {
            continue;
        }
        let mut parts = Parts::default();
        let key = action.and_then(|action| state.keymap.label(&[Scope::Global], action));
        if let Some(key) = key {
            parts.add(key, look.style(Role::Key)).add(" ", look.style(Role::Tab));
        }
        for (nth, (id, name)) in panes.iter().filter(|(id, _)| state.pane(*id).is_some()).enumerate() {
            if nth > 0 {
                parts.add(format!(" {} ", look.symbols.dot), look.style(Role::Muted));
            }
            if focused == Some(*id) {
                parts.add(format!("[{name}]"), look.style(Role::TabActive));
            } else {
                parts.add(*name, look.style(Role::Tab));
            }
        }
        entries.push((panes.iter().any(|(id, _)| focused == Some(*id)), parts));
    }
    draw_from(state, &entries, area, buffer);
}

/// Draws entries side by side, from the first one on with which the marked one can be seen whole.
fn draw_from(state: &State, entries: &[(bool, Parts)], area: Rect, buffer: &mut Buffer) {
    let look = &state.look;
    let at = entries.iter().position(|(marked, _)| *marked).unwrap_or(0);
    let first = first_shown(entries, at, area.width.saturating_sub(2));
    let mut strip = Strip::new(buffer, area);
    strip.gap(1);
    if first > 0 {
        strip.put(look.symbols.ellipsis, look.style(Role::Muted)).gap(1);
    }
    for (_, parts) in entries.iter().skip(first) {
        parts.put(&mut strip);
        strip.gap(3);
    }
}

/// Draws the line on every environment: the current one in brackets and always
/// in sight.
pub fn draw_summary(state: &State, area: Rect, buffer: &mut Buffer) {
    let shared = &state.shared;
    let look = &state.look;
    let entries: Vec<(bool, Parts)> = shared
        .environments
        .list
        .iter()
        .map(|env| {
            let current = env.id == shared.current && !shared.all_environments;
            let mut parts = Parts::default();
            let card = shared.cards.get(env.id);
            let level = card.map(|card| card.level).unwrap_or_default();
            if current {
                parts.add("[", look.style(Role::TabActive));
            }
            parts.add(format!("{} ", look.symbols.level(level)), look.style(Role::of_level(level)));
            let name = match card {
                Some(card) if card.dim => Role::Muted,
                _ if current => Role::TabActive,
                _ => Role::Tab,
            };
            parts.add(&*env.name, look.style(name));
            if let Some(card) = card.filter(|card| card.pods.total > 0) {
                let (well, all) = (card.pods.ready + card.pods.done, card.pods.total);
                let count = if well == all { format!(" {all}") } else { format!(" {well}/{all}") };
                parts.add(count, look.style(if well == all { Role::Muted } else { Role::of_level(level) }));
            }
            let kept = shared.backups.get(env.id).and_then(|kept| kept.card(shared.now.wall));
            if kept.is_some_and(|(level, ..)| level == Level::Critical) {
                parts.add(" RPO!", look.style(Role::Critical));
            }
            if current {
                parts.add("]", look.style(Role::TabActive));
            }
            (current, parts)
        })
        .collect();
    draw_from(state, &entries, area, buffer);
}

/// The first entry to show so that the one at `at` can be seen whole.
fn first_shown(entries: &[(bool, Parts)], at: usize, width: u16) -> usize {
    let mut used = 2;
    let mut first = at;
    for (nth, (_, parts)) in entries.iter().enumerate().take(at + 1).rev() {
        used += parts.width() + 3;
        if used > width {
            break;
        }
        first = nth;
    }
    first
}
