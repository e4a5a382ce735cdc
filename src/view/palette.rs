//! The palette: every action by its name, with its key, and why it does not
//! apply when it does not.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{frame, status};
use crate::shared::Applies;
use crate::state::{Palette, State};
use crate::text;
use crate::theme::Role;
use crate::update::actions::verdict;
use crate::widgets::strip::Strip;

/// Draws the palette.
pub fn draw(state: &State, palette: &Palette, area: Rect, buffer: &mut Buffer) {
    let look = &state.look;
    let hits = palette.hits();
    let size = (area.width.saturating_sub(8).min(96), area.height.saturating_sub(6).clamp(3, 20));
    let note = format!("{} actions", hits.len());
    let inside = frame::dialog(look, "Run an action", &note, size, area, buffer);
    let mut strip = Strip::new(buffer, inside);
    strip.put(":", look.style(Role::Key));
    let room = strip.left();
    status::caret_text(look, &palette.input, room, &mut strip);
    let list = Rect { y: inside.y + 1.min(inside.height), height: inside.height.saturating_sub(1), ..inside };
    if hits.is_empty() {
        let words = format!("No action is called {}.", palette.input.value());
        Strip::new(buffer, list).put(&words, look.style(Role::Muted));
        return;
    }
    let at = palette.at.min(hits.len() - 1);
    let first = (at + 1).saturating_sub(usize::from(list.height));
    let scopes = state.scopes();
    for ((nth, action), y) in hits.iter().enumerate().skip(first).zip(list.y..list.bottom()) {
        let line = Rect { y, height: 1, ..list };
        let info = action.info();
        let (role, doc) = match verdict(state, *action) {
            Applies::Yes => (Role::Text, info.doc.to_owned()),
            Applies::No(why) => (Role::Muted, why),
            Applies::Elsewhere => (Role::Muted, format!("Not here. {}", info.doc)),
        };
        let keys = state.keymap.label(&scopes, *action).unwrap_or_default();
        let name = if role == Role::Text { Role::Strong } else { Role::Muted };
        let mut strip = Strip::new(buffer, line);
        strip.put(&text::cell(info.name, 21), look.style(name)).gap(1);
        strip.put(&text::cell(&keys, 10), look.style(Role::Key)).gap(1);
        strip.put(&doc, look.style(role));
        if nth == at {
            buffer.set_style(line, look.style(Role::Selection));
        }
    }
}
