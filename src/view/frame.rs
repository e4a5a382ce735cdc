//! A pane in its frame: `┌─ Pods production · stale ──── 58 · faults first ─┐`.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, Widget};

use crate::layout;
use crate::look::Look;
use crate::panes::{Pane, Title};
use crate::state::State;
use crate::text;
use crate::theme::Role;
use crate::widgets::strip::Strip;

/// Draws a pane with its frame, or without when it has none.
pub fn draw(state: &State, pane: &dyn Pane, focused: bool, place: Rect, buffer: &mut Buffer) {
    if place.is_empty() {
        return;
    }
    if pane.framed() {
        border(&state.look, focused, place, buffer);
        title(&state.look, &pane.title(&state.shared), focused, place, buffer);
        if let Some(words) = pane.foot(&state.shared) {
            foot(&state.look, &words, place, buffer);
        }
    }
    let inside = layout::inside(pane, place);
    if !inside.is_empty() {
        pane.draw(&state.shared, &state.look, focused, inside, buffer);
    }
}

/// A frame; the focused one is thick.
pub fn border(look: &Look, focused: bool, place: Rect, buffer: &mut Buffer) {
    let (set, role) = if focused {
        (look.symbols.border_focused, Role::BorderFocused)
    } else {
        (look.symbols.border, Role::Border)
    };
    Block::bordered().border_set(set).border_style(look.style(role)).render(place, buffer);
}

/// The title on the upper line: name and staleness at the left, the note at the
/// right. The note gives way first.
fn title(look: &Look, title: &Title, focused: bool, place: Rect, buffer: &mut Buffer) {
    if place.width < 8 {
        return;
    }
    let line = Rect { x: place.x + 2, width: place.width - 4, height: 1, ..place };
    let role = if focused { Role::TitleFocused } else { Role::Title };
    let mut strip = Strip::new(buffer, line);
    let needed =
        text::width(&title.name) + title.stale.as_ref().map_or(0, |stale| text::width(stale) + 3) + 2;
    // A note that leaves no room for the name and the staleness is cut.
    let room = usize::from(line.width).saturating_sub(needed + 3);
    let note = if title.note.is_empty() || room < 5 {
        String::new()
    } else {
        format!(" {} ", shorten(&title.note, room))
    };
    let note_width = u16::try_from(text::width(&note)).unwrap_or(u16::MAX);
    if !note.is_empty() {
        strip.keep(note_width + 1);
    }
    strip.put(" ", look.style(role)).put(&title.name, look.style(role));
    if let Some(stale) = &title.stale {
        strip.put(&format!(" {} {stale}", look.symbols.dot), look.style(Role::Stale));
    }
    strip.put(" ", look.style(role));
    if !note.is_empty() {
        let right = Rect { x: line.right().saturating_sub(note_width), width: note_width, ..line };
        Strip::new(buffer, right).put(&note, look.style(Role::Muted));
    }
}

/// Words at the right end of the lower line: whole, or not at all.
fn foot(look: &Look, words: &str, place: Rect, buffer: &mut Buffer) {
    let words = format!(" {words} ");
    let width = u16::try_from(text::width(&words)).unwrap_or(u16::MAX);
    if place.height < 2 || width > place.width.saturating_sub(4) {
        return;
    }
    let line = Rect { x: place.right() - 2 - width, y: place.bottom() - 1, width, height: 1 };
    Strip::new(buffer, line).put(&words, look.style(Role::Muted));
}

/// A note without its last parts, as many as it takes to fit. One that says what is missing (`jobs: forbidden`) is
/// cut, never left out whole, unless it will come by itself.
fn shorten(note: &str, room: usize) -> std::borrow::Cow<'_, str> {
    let mut rest = note;
    while text::width(rest) > room {
        match rest.rfind(" · ") {
            Some(at) if rest[at..].contains(": ") && !rest.ends_with(": loading") => {
                return text::fit(rest, room);
            }
            Some(at) => rest = &rest[..at],
            None => return text::fit(rest, room),
        }
    }
    rest.into()
}

/// A dialog in the middle of the screen: clears, frames and names it, and gives
/// its inside. Width and height are of the inside.
pub fn dialog(
    look: &Look,
    name: &str,
    note: &str,
    (width, height): (u16, u16),
    area: Rect,
    buffer: &mut Buffer,
) -> Rect {
    let place = centred(area, width.saturating_add(4), height.saturating_add(2));
    ratatui::widgets::Clear.render(place, buffer);
    buffer.set_style(place, look.style(Role::Overlay));
    border(look, true, place, buffer);
    let about = Title { name: name.to_owned(), note: note.to_owned(), stale: None };
    title(look, &about, true, place, buffer);
    place.inner(ratatui::layout::Margin { horizontal: 2, vertical: 1 })
}

/// A place of at most this size in the middle of an area.
pub fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

#[cfg(test)]
mod tests {
    use super::shorten;

    #[test]
    fn what_is_missing_is_cut_where_the_rest_is_left_out() {
        let note = "12 · jobs, rollouts: forbidden · faults first";
        assert_eq!(shorten(note, 45), note);
        assert_eq!(shorten(note, 44), "12 · jobs, rollouts: forbidden");
        assert_eq!(shorten(note, 20), "12 · jobs, rollouts…");
        assert_eq!(shorten("12 · faults first", 10), "12");
        assert_eq!(shorten("0 · jobs, rollouts: loading", 20), "0");
    }
}
