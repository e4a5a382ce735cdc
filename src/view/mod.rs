//! The frame: header, tabs, panes in their borders, status, footer, overlays.
//!
//! ```text
//!  header                                   name, cluster, user, counts, time
//!  tabs, summary                            only on small screens
//! ┌─ Title ─────────────────── note ─┐
//! │ panes, each drawn by itself      │
//! └──────────────────────────────────┘
//!  status                                   typing, toasts
//!  footer                                   keys that apply now
//! ```
//!
//! Everything is drawn from shared references; nothing changes here.

mod ask;
mod change;
mod footer;
mod frame;
mod guard;
mod header;
mod help;
mod palette;
mod run;
mod status;
mod tabs;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::layout::{self, Slot};
use crate::state::{Overlay, State};
use crate::theme::Role;

/// Draws everything.
pub fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    let area = area.intersection(buffer.area);
    buffer.set_style(area, state.look.style(Role::Text));
    let areas = layout::areas(state);
    header::draw(state, areas.header.intersection(area), buffer);
    if let Some(line) = areas.tabs {
        tabs::draw(state, line.intersection(area), buffer);
    }
    if let Some(line) = areas.summary {
        tabs::draw_summary(state, line.intersection(area), buffer);
    }
    for (slot, place) in &areas.panes {
        let (pane, focused) = match slot {
            Slot::Pane(at) => (state.panes.get(*at), *at == state.focus),
            Slot::View => (state.views.last(), true),
        };
        if let Some(pane) = pane {
            let focused = focused && state.overlay.is_none();
            frame::draw(state, pane.as_ref(), focused, place.intersection(area), buffer);
        }
    }
    status::draw(state, areas.status.intersection(area), buffer);
    footer::draw(state, areas.footer.intersection(area), buffer);
    match &state.overlay {
        Some(Overlay::Help { scroll }) => help::draw(state, *scroll, area, buffer),
        Some(Overlay::Palette(palette)) => palette::draw(state, palette, area, buffer),
        Some(Overlay::Ask { ask, typed, .. }) => ask::draw(state, ask, typed, area, buffer),
        Some(Overlay::Change(sheet)) => change::draw(state, sheet, area, buffer),
        Some(Overlay::Abandoned { at, .. }) => run::abandoned(state, *at, area, buffer),
        None => {}
    }
    if state.look.symbols.ascii {
        crate::text::asciify(buffer);
    }
}
