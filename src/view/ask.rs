//! A question before something is done.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tui_input::Input;

use super::{frame, status};
use crate::shared::Ask;
use crate::state::State;
use crate::text;
use crate::theme::Role;
use crate::widgets::strip::Strip;

/// Draws the question with the field for the answer.
pub fn draw(state: &State, ask: &Ask, typed: &Input, area: Rect, buffer: &mut Buffer) {
    let look = &state.look;
    let widest = ask.lines.iter().map(|line| text::width(line)).max().unwrap_or(0).max(48);
    let lines = u16::try_from(ask.lines.len()).unwrap_or(u16::MAX);
    let size = (u16::try_from(widest).unwrap_or(u16::MAX), lines.saturating_add(2));
    let inside = frame::dialog(look, "Are you sure?", "", size, area, buffer);
    let mut left = inside;
    for line in &ask.lines {
        Strip::new(buffer, left).put(line, look.style(Role::Text));
        left = below(left, 1);
    }
    let mut strip = Strip::new(buffer, below(left, 1));
    if ask.word.is_empty() {
        strip.put("y", look.style(Role::Key)).put(" yes   ", look.style(Role::Text));
        strip.put("n", look.style(Role::Key)).put(" no", look.style(Role::Text));
    } else {
        strip.put(&format!("Type {} to go on: ", ask.word), look.style(Role::Text));
        let room = strip.left();
        status::caret_text(look, typed, room, &mut strip);
    }
}

/// An area without its first lines.
fn below(area: Rect, lines: u16) -> Rect {
    let lines = lines.min(area.height);
    Rect { y: area.y + lines, height: area.height - lines, ..area }
}
