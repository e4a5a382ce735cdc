//! The frame: header, tabs, panes in their borders, status, footer, overlays.
//!
//! ```text
//!  header                                   name, cluster, user, counts, time
//!  tabs                                     only on small screens
//! ┌─ Title ─────────────────── note ─┐
//! │ panes, each drawn by itself      │
//! └──────────────────────────────────┘
//!  status                                   typing, toasts
//!  footer                                   keys that apply now
//! ```
//!
//! Everything is drawn from shared references; nothing changes here.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, Widget};

use crate::layout::{self, Slot};
use crate::panes::Pane;
use crate::state::State;
use crate::theme::Role;

/// Draws everything.
pub fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    buffer.set_style(area, state.look.style(Role::Text));
    let areas = layout::areas(state);
    for (slot, frame) in &areas.panes {
        let pane = match slot {
            Slot::Pane(at) => state.panes.get(*at),
            Slot::View => state.views.last(),
        };
        if let Some(pane) = pane {
            draw_pane(state, pane.as_ref(), *frame, buffer);
        }
    }
    if state.look.symbols.ascii {
        crate::text::asciify(buffer);
    }
}

fn draw_pane(state: &State, pane: &dyn Pane, frame: Rect, buffer: &mut Buffer) {
    let focused = true;
    let title = pane.title(&state.shared);
    Block::bordered()
        .border_set(state.look.symbols.border)
        .title_top(format!(" {} ", title.name))
        .render(frame, buffer);
    pane.draw(&state.shared, &state.look, focused, layout::inside(frame), buffer);
}
