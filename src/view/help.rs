//! Help: the keys that apply here, and why the others do not.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::frame;
use crate::layout;
use crate::state::State;
use crate::text;
use crate::theme::Role;
use crate::update::help::{HelpLine, lines};
use crate::widgets::strip::Strip;

/// Draws help, scrolled by so many lines.
pub fn draw(state: &State, scroll: u16, area: Rect, buffer: &mut Buffer) {
    let look = &state.look;
    let all = lines(state);
    let (width, height) = layout::help_size(state.size);
    let first = usize::from(scroll).min(all.len().saturating_sub(usize::from(height)));
    let last = (first + usize::from(height)).min(all.len());
    let note = format!("{} · lines {}-{last} of {}", state.keymap.name, first + 1, all.len());
    let inside = frame::dialog(look, "Help", &note, (width, height), area, buffer);
    // Keys of the longest action, without pushing its sentence off the screen.
    let keys_width = if inside.width >= 90 { 20 } else { 13 };
    for (line, y) in all.iter().skip(first).zip(inside.y..inside.bottom()) {
        let mut strip = Strip::new(buffer, Rect { y, height: 1, ..inside });
        match line {
            HelpLine::Blank => {}
            HelpLine::Section(words) => {
                strip.put(words, look.style(Role::Strong));
            }
            HelpLine::Action { keys, name, doc, why_not } => {
                let (key, name_role, rest) = match why_not {
                    None => (Role::Key, Role::Text, (*doc).to_owned()),
                    Some(why) if why.is_empty() => (Role::Muted, Role::Muted, (*doc).to_owned()),
                    Some(why) => (Role::Muted, Role::Muted, why.clone()),
                };
                strip.put(&text::cell(keys, keys_width), look.style(key)).gap(1);
                strip.put(&text::cell(name, 21), look.style(name_role)).gap(1);
                strip.put(&rest, look.style(name_role));
            }
        }
    }
}
