//! Keys, pastes, clicks and sizes.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use tui_input::backend::crossterm::EventHandler;

use super::actions;
use super::follow;
use crate::domain::level::Level;
use crate::effect::Effect;
use crate::keymap::{Key, Resolution};
use crate::layout;
use crate::msg::Note;
use crate::panes::Pointer;
use crate::state::{Overlay, State};

/// Takes an event of the terminal.
pub fn input(state: &mut State, event: Event) -> Vec<Effect> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => pressed(state, key),
        Event::Resize(columns, rows) => {
            state.size = (columns, rows);
            Vec::new()
        }
        Event::FocusLost => {
            super::news::focused(state, false);
            Vec::new()
        }
        Event::FocusGained => {
            super::news::focused(state, true);
            Vec::new()
        }
        Event::Mouse(mouse) => clicked(state, mouse),
        Event::Paste(text) => {
            paste(state, &text);
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn pressed(state: &mut State, event: KeyEvent) -> Vec<Effect> {
    let Some(key) = Key::from_event(&event) else { return Vec::new() };
    // ctrl-c, ctrl-z and ctrl-r keep their meaning while something is typed.
    let always = matches!(event.code, KeyCode::Char('c' | 'z' | 'r'))
        && event.modifiers.contains(crossterm::event::KeyModifiers::CONTROL);
    if !always {
        if state.overlay.is_some() {
            return overlay_key(state, event, key);
        }
        if state.typing.is_some() {
            return typing_key(state, event);
        }
    }
    let scopes = state.scopes();
    match state.keymap.resolve(&scopes, &state.pending, key) {
        Resolution::Action(action) => {
            state.pending.clear();
            actions::perform(state, action)
        }
        Resolution::Pending => {
            state.pending.push(key);
            Vec::new()
        }
        Resolution::None => {
            let typed: Vec<String> = state.pending.iter().chain([&key]).map(ToString::to_string).collect();
            state.pending.clear();
            state.toast(Note {
                level: Level::Idle,
                text: format!("{} does nothing here; ? shows the keys.", typed.join(" ")),
            });
            Vec::new()
        }
    }
}

/// A filter or search is being typed: every key narrows what is shown.
fn typing_key(state: &mut State, event: KeyEvent) -> Vec<Effect> {
    let Some(input) = state.typing.as_mut() else { return Vec::new() };
    let text = match event.code {
        KeyCode::Enter => {
            let typed = state.typing.take().map(|input| input.value().to_owned()).unwrap_or_default();
            if let Some(why) = state.typing_error.take() {
                state.toast(Note { level: Level::Warning, text: why });
            }
            let outcome = state.front_mut().map(|(pane, shared)| pane.submit(shared, &typed));
            return outcome.map(|outcome| follow(state, outcome)).unwrap_or_default();
        }
        KeyCode::Up | KeyCode::Down => {
            let by = if event.code == KeyCode::Up { -1 } else { 1 };
            let recalled = state.front_mut().and_then(|(pane, shared)| pane.recall(shared, by));
            let Some(text) = recalled else { return Vec::new() };
            state.typing = Some(tui_input::Input::new(text.clone()));
            text
        }
        KeyCode::Esc => {
            state.typing = None;
            String::new()
        }
        _ => {
            input.handle_event(&Event::Key(event));
            input.value().to_owned()
        }
    };
    set_filter(state, &text);
    Vec::new()
}

fn set_filter(state: &mut State, text: &str) {
    let result = match state.front_mut() {
        Some((pane, shared)) => pane.set_filter(shared, text),
        None => return,
    };
    // While it is typed, a selector that is not complete yet is said in the
    // status line; the rows stay until it can be read.
    state.typing_error = match result {
        Err(why) if state.typing.is_none() => {
            state.toast(Note { level: Level::Warning, text: why });
            None
        }
        Err(why) => Some(why),
        Ok(()) => None,
    };
}

fn paste(state: &mut State, text: &str) {
    // A paste only ever fills a text field: it never runs actions and never
    // answers a question.
    let line: String = text.chars().filter(|c| !c.is_control()).collect();
    if let Some(Overlay::Palette(palette)) = &mut state.overlay {
        for c in line.chars() {
            palette.input.handle(tui_input::InputRequest::InsertChar(c));
        }
    } else if state.overlay.is_none()
        && let Some(input) = state.typing.as_mut()
    {
        for c in line.chars() {
            input.handle(tui_input::InputRequest::InsertChar(c));
        }
        let text = input.value().to_owned();
        set_filter(state, &text);
    }
}

fn overlay_key(state: &mut State, event: KeyEvent, key: Key) -> Vec<Effect> {
    let last_of_help = match &state.overlay {
        Some(Overlay::Help { .. }) => {
            let lines = u16::try_from(super::help::lines(state).len()).unwrap_or(u16::MAX);
            lines.saturating_sub(layout::help_size(state.size).1)
        }
        _ => 0,
    };
    let Some(overlay) = state.overlay.as_mut() else { return Vec::new() };
    match overlay {
        Overlay::Help { scroll } => {
            *scroll = (*scroll).min(last_of_help);
            match event.code {
                KeyCode::End | KeyCode::Char('G') => *scroll = last_of_help,
                KeyCode::Down | KeyCode::Char('j') => *scroll = scroll.saturating_add(1),
                KeyCode::Up | KeyCode::Char('k') => *scroll = scroll.saturating_sub(1),
                KeyCode::PageDown | KeyCode::Char(' ') => *scroll = scroll.saturating_add(10),
                KeyCode::PageUp => *scroll = scroll.saturating_sub(10),
                KeyCode::Home | KeyCode::Char('g') => *scroll = 0,
                _ => state.overlay = None,
            }
            Vec::new()
        }
        Overlay::Palette(palette) => {
            match event.code {
                KeyCode::Esc => state.overlay = None,
                KeyCode::Down | KeyCode::Tab => {
                    palette.at = (palette.at + 1).min(palette.hits().len().saturating_sub(1));
                }
                KeyCode::Up | KeyCode::BackTab => palette.at = palette.at.saturating_sub(1),
                KeyCode::Enter => {
                    let chosen = palette.selected();
                    let typed = palette.input.value().to_owned();
                    state.overlay = None;
                    if let Some(effects) = actions::open_named(state, &typed) {
                        return effects;
                    }
                    if let Some(action) = chosen {
                        return actions::perform(state, action);
                    }
                }
                _ => {
                    palette.input.handle_event(&Event::Key(event));
                    palette.at = 0;
                }
            }
            Vec::new()
        }
        Overlay::Change(_) => super::changes::key(state, event, key),
        Overlay::Abandoned { .. } => super::changes::abandoned_key(state, event),
        Overlay::Ask { ask, typed, drawn } => {
            // A key that was pressed before the question was on the screen cannot be an answer to it; no is one always.
            if !*drawn {
                if event.code == KeyCode::Esc {
                    state.overlay = None;
                }
                return Vec::new();
            }
            let answered = if ask.word.is_empty() {
                key.typed() == Some('y')
            } else if event.code == KeyCode::Enter {
                typed.value() == &*ask.word
            } else {
                false
            };
            if answered {
                let then = std::mem::take(&mut ask.then);
                state.overlay = None;
                return then;
            }
            match event.code {
                KeyCode::Esc => state.overlay = None,
                KeyCode::Enter | KeyCode::Char('n') if ask.word.is_empty() => state.overlay = None,
                KeyCode::Enter => {
                    typed.reset();
                    let word = ask.word.clone();
                    state.toast(Note {
                        level: Level::Warning,
                        text: format!("That is not {word}. Type it to go on, or esc."),
                    });
                }
                _ if !ask.word.is_empty() => {
                    typed.handle_event(&Event::Key(event));
                }
                _ => {}
            }
            Vec::new()
        }
    }
}

fn clicked(state: &mut State, mouse: MouseEvent) -> Vec<Effect> {
    if state.overlay.is_some() {
        return Vec::new();
    }
    let areas = layout::areas(state);
    let place = ratatui::layout::Position { x: mouse.column, y: mouse.row };
    let Some((slot, area)) = areas.panes.iter().find(|(_, area)| area.contains(place)).copied() else {
        return Vec::new();
    };
    let target = match slot {
        layout::Slot::Pane(at) => state.panes.get(at),
        layout::Slot::View => state.views.last(),
    };
    let Some(inside) = target.map(|pane| layout::inside(pane.as_ref(), area)) else { return Vec::new() };
    let pointer = match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) if inside.contains(place) => {
            Some(Pointer::Click(place.x - inside.x, place.y - inside.y))
        }
        MouseEventKind::ScrollDown => Some(Pointer::Wheel(3)),
        MouseEventKind::ScrollUp => Some(Pointer::Wheel(-3)),
        _ => None,
    };
    if let MouseEventKind::Down(_) = mouse.kind {
        // What is typed next must not go to another pane than what was typed before.
        state.typing = None;
        state.typing_error = None;
    }
    if let (layout::Slot::Pane(at), MouseEventKind::Down(MouseButton::Left)) = (slot, mouse.kind) {
        super::actions::focus(state, at);
    }
    let Some(pointer) = pointer else { return Vec::new() };
    let State { panes, views, shared, .. } = state;
    let pane = match slot {
        layout::Slot::Pane(at) => panes.get_mut(at),
        layout::Slot::View => views.last_mut(),
    };
    let outcome = pane.map(|pane| pane.mouse(shared, pointer));
    outcome.map(|outcome| follow(state, outcome)).unwrap_or_default()
}
