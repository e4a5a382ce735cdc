//! Where everything stands: one answer for drawing, scrolling and the mouse.
//!
//! From about 100 columns and 30 rows the Bridge shows its panes at once; below
//! that one pane at a time stands under a line of tabs. Sizes follow from the
//! size of the terminal alone, so that nothing jumps when data does. It knows
//! no facts.

use ratatui::layout::{Constraint, Layout, Rect};

use crate::panes::environments::CARD_HEIGHT;
use crate::panes::{Pane, PaneId};
use crate::state::State;

/// Which pane an area belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// A pane of the Bridge, by index.
    Pane(usize),
    /// The view in front.
    View,
}

/// The areas of the screen. Those that have no room are empty.
#[derive(Clone, Debug, Default)]
pub struct Areas {
    /// The line at the top.
    pub header: Rect,
    /// The line of tabs, at small sizes.
    pub tabs: Option<Rect>,
    /// One line on every environment, at small sizes.
    pub summary: Option<Rect>,
    /// Frames of the panes that can be seen.
    pub panes: Vec<(Slot, Rect)>,
    /// The line above the footer: what is being typed, running work, toasts.
    pub status: Rect,
    /// The keys that apply now.
    pub footer: Rect,
}

/// From this size on every pane has a place of its own.
const WIDE: (u16, u16) = (180, 36);
/// From so many rows on the graphs stand under the lists.
const CHARTS: u16 = 38;

/// Whether one pane at a time is shown under tabs.
pub fn is_small(size: (u16, u16)) -> bool {
    size.0 < 100 || size.1 < 30
}

/// The areas for the state as it is.
pub fn areas(state: &State) -> Areas {
    let (columns, rows) = state.size;
    let screen = Rect::new(0, 0, columns, rows);
    let small = is_small(state.size);
    // What goes first when rows are few: status, summary, tabs, footer, header.
    let line = |least: u16| Constraint::Length(u16::from(rows >= least));
    let tabbed = small && state.views.is_empty();
    let [header, tabs, summary, body, status, footer] = Layout::vertical([
        line(3),
        if tabbed { line(7) } else { Constraint::Length(0) },
        if tabbed { line(9) } else { Constraint::Length(0) },
        Constraint::Fill(1),
        line(8),
        line(5),
    ])
    .areas(screen);
    let panes = if !state.views.is_empty() {
        vec![(Slot::View, body)]
    } else if small || state.zoomed {
        vec![(Slot::Pane(state.focus), body)]
    } else {
        bridge(state, body)
    };
    let some = |area: Rect| (tabbed && area.height > 0).then_some(area);
    Areas { header, tabs: some(tabs), summary: some(summary), panes, status, footer }
}

/// The panes of the Bridge:
///
/// ```text
/// ┌ card ┐┌ card ┐┌ card ┐      environments
/// ┌ Releases ┐┌ Sync ─────┐     Network or Traffic in its place while it has the focus; Workloads, or one of those, beside them when wide
/// ┌ Pods ────────┐┌ Alerts ┐    Workloads or Nodes, and Backups, in their places; Backups below Alerts when wide
/// ┌ chart ┐┌ chart ┐┌ chart ┐   Metrics, from CHARTS rows on; else in the place of the row above
/// ```
fn bridge(state: &State, body: Rect) -> Vec<(Slot, Rect)> {
    let focused = state.panes.get(state.focus).map(|pane| pane.id());
    // The one that has the focus, else the first of those that share a place.
    let one_of = |sharing: &[PaneId]| {
        let first = sharing.iter().copied().find(|id| state.pane(*id).is_some());
        sharing.iter().copied().find(|id| focused == Some(*id)).or(first)
    };
    let wide = state.size.0 >= WIDE.0 && state.size.1 >= WIDE.1;
    let charted = state.size.1 >= CHARTS && state.pane(PaneId::Metrics).is_some();
    let charts = if charted { (body.height / 5).clamp(7, 12) } else { 0 };
    let lists = body.height.saturating_sub(CARD_HEIGHT + charts);
    let upper = if charted { lists / 2 } else { (lists * 2 / 5).max(8) };
    let [cards, upper, lower, charts] = Layout::vertical([
        Constraint::Length(CARD_HEIGHT),
        Constraint::Length(upper),
        Constraint::Fill(1),
        Constraint::Length(charts),
    ])
    .areas(body);
    let mut places = vec![(PaneId::Environments, cards)];
    if wide {
        places.extend(beside(
            upper,
            &[
                (one_of(&[PaneId::Releases]), 9),
                (one_of(&[PaneId::Sync]), 11),
                (one_of(&[PaneId::Workloads, PaneId::Network, PaneId::Traffic]), 10),
            ],
        ));
        // Pods get what their columns of node, image, CPU and memory need; the rest is enough for the others.
        let [pods, rest] = Layout::horizontal([Constraint::Fill(73), Constraint::Fill(27)]).areas(lower);
        let [alerts, backups] = Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]).areas(rest);
        let left = one_of(&[PaneId::Pods, PaneId::Nodes]).unwrap_or(PaneId::Pods);
        places.extend([(left, pods), (PaneId::Alerts, alerts), (PaneId::Backups, backups)]);
    } else {
        let right: &[PaneId] = if state.pane(PaneId::Sync).is_some() {
            &[PaneId::Sync, PaneId::Network, PaneId::Traffic]
        } else {
            &[PaneId::Workloads, PaneId::Network, PaneId::Traffic]
        };
        places.extend(beside(upper, &[(one_of(&[PaneId::Releases]), 1), (one_of(right), 1)]));
        if !charted && focused == Some(PaneId::Metrics) {
            places.push((PaneId::Metrics, lower));
        } else {
            let left: &[PaneId] = if state.pane(PaneId::Sync).is_some() {
                &[PaneId::Pods, PaneId::Workloads, PaneId::Nodes]
            } else {
                &[PaneId::Pods, PaneId::Nodes]
            };
            let right = one_of(&[PaneId::Alerts, PaneId::Backups]);
            places.extend(beside(lower, &[(one_of(left), 13), (right, 8)]));
        }
    }
    if charted {
        places.push((PaneId::Metrics, charts));
    }
    places.into_iter().filter_map(|(id, place)| Some((Slot::Pane(state.pane(id)?), place))).collect()
}

/// Those of a row that there are, side by side by weight.
fn beside(row: Rect, wanted: &[(Option<PaneId>, u16)]) -> Vec<(PaneId, Rect)> {
    let there: Vec<(PaneId, u16)> =
        wanted.iter().filter_map(|(id, weight)| Some(((*id)?, *weight))).collect();
    let areas = Layout::horizontal(there.iter().map(|(_, weight)| Constraint::Fill(*weight))).split(row);
    there.iter().map(|(id, _)| *id).zip(areas.iter().copied()).collect()
}

/// What a pane may draw in: the inside of its frame, or all when it has none.
pub fn inside(pane: &dyn Pane, frame: Rect) -> Rect {
    if pane.framed() { frame.inner(ratatui::layout::Margin { horizontal: 1, vertical: 1 }) } else { frame }
}

/// Indexes of the panes that tab goes through.
pub fn order_of_tab(state: &State) -> Vec<usize> {
    (0..state.panes.len()).collect()
}

/// The inside of the help dialog, at most so large.
pub fn help_size((columns, rows): (u16, u16)) -> (u16, u16) {
    (columns.saturating_sub(8).min(112), rows.saturating_sub(4).max(1))
}
