//! Where everything stands: one answer for drawing, scrolling and the mouse.
//!
//! From about 100 columns and 30 rows the Bridge shows its panes at once; below
//! that one pane at a time stands under a line of tabs.

use ratatui::layout::{Constraint, Layout, Rect};

use crate::state::State;

/// Which pane an area belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// A pane of the Bridge, by index.
    Pane(usize),
    /// The view in front.
    View,
}

/// The areas of the screen.
#[derive(Clone, Debug, Default)]
pub struct Areas {
    /// The line at the top.
    pub header: Rect,
    /// The line of tabs, at small sizes.
    pub tabs: Option<Rect>,
    /// Frames of the panes that can be seen.
    pub panes: Vec<(Slot, Rect)>,
    /// The line above the footer: what is being typed, running work, toasts.
    pub status: Rect,
    /// The keys that apply now.
    pub footer: Rect,
}

/// Whether one pane at a time is shown under tabs.
pub fn is_small(size: (u16, u16)) -> bool {
    size.0 < 100 || size.1 < 30
}

/// The areas for the state as it is.
pub fn areas(state: &State) -> Areas {
    let screen = Rect::new(0, 0, state.size.0, state.size.1);
    let [header, tabs, body, status, footer] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(u16::from(is_small(state.size))),
        Constraint::Fill(1),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(screen);
    let panes = if !state.views.is_empty() {
        vec![(Slot::View, body)]
    } else {
        vec![(Slot::Pane(state.focus), body)]
    };
    Areas { header, tabs: is_small(state.size).then_some(tabs), panes, status, footer }
}

/// The inside of a frame.
pub fn inside(frame: Rect) -> Rect {
    frame.inner(ratatui::layout::Margin { horizontal: 1, vertical: 1 })
}

/// Indexes of the panes that tab goes through.
pub fn order_of_tab(state: &State) -> Vec<usize> {
    (0..state.panes.len()).collect()
}
