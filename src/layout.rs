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

/// From this size on Network has a place of its own.
const WIDE: (u16, u16) = (180, 36);

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
/// ┌ Releases ┐┌ Workloads ┐     and Network beside them when wide
/// ┌ Pods ─────────────────┐
/// ```
fn bridge(state: &State, body: Rect) -> Vec<(Slot, Rect)> {
    let wide = state.size.0 >= WIDE.0 && state.size.1 >= WIDE.1;
    let middle = (body.height.saturating_sub(CARD_HEIGHT) * 2 / 5).clamp(8, 18);
    let [cards, middle, pods] =
        Layout::vertical([Constraint::Length(CARD_HEIGHT), Constraint::Length(middle), Constraint::Fill(1)])
            .areas(body);
    let mut places = vec![(PaneId::Environments, cards)];
    if wide {
        let [releases, workloads, network] =
            Layout::horizontal([Constraint::Fill(9), Constraint::Fill(10), Constraint::Fill(8)])
                .areas(middle);
        places.extend([
            (PaneId::Releases, releases),
            (PaneId::Workloads, workloads),
            (PaneId::Pods, pods),
            (PaneId::Network, network),
        ]);
    } else {
        let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(middle);
        let focused = state.panes.get(state.focus).map(|pane| pane.id());
        let beside = if focused == Some(PaneId::Network) { PaneId::Network } else { PaneId::Workloads };
        places.extend([(PaneId::Releases, left), (beside, right), (PaneId::Pods, pods)]);
    }
    places.into_iter().filter_map(|(id, place)| Some((Slot::Pane(state.pane(id)?), place))).collect()
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
