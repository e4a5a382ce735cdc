//! The line above the footer: what is being typed and how many rows match, else
//! keys that wait for more, else what is being changed, and messages.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tui_input::Input;

use crate::action::Action;
use crate::domain::level::Level;
use crate::look::Look;
use crate::state::State;
use crate::text;
use crate::theme::Role;
use crate::widgets::strip::Strip;

/// Draws the status line.
pub fn draw(state: &State, area: Rect, buffer: &mut Buffer) {
    buffer.set_style(area, state.look.style(Role::Footer));
    let look = &state.look;
    let mut strip = Strip::new(buffer, area);
    strip.gap(1);
    if let Some(input) = &state.typing {
        typing(state, input, &mut strip);
        return;
    }
    if !state.pending.is_empty() {
        let keys: Vec<String> = state.pending.iter().map(ToString::to_string).collect();
        strip.put(&format!("{} …", keys.join(" ")), look.style(Role::Key));
        return;
    }
    running(state, &mut strip);
    abandoned(state, &mut strip);
    for (nth, toast) in state.toasts.iter().rev().enumerate() {
        if nth > 0 {
            strip.put(&format!("  {}  ", look.symbols.dot), look.style(Role::Muted));
        }
        // A plain answer to a key carries no sign: nothing is wrong.
        let (sign, role) = match toast.note.level {
            Level::Idle => ("", Role::Text),
            level => (look.symbols.level(level), Role::of_level(level)),
        };
        if !sign.is_empty() {
            strip.put(sign, look.style(role)).gap(1);
        }
        strip.put(&toast.note.text, look.style(if nth == 0 { role } else { Role::Muted }));
    }
}

/// What is being done: as many as there is room for, how many more there are, and the key that shows them.
fn running(state: &State, strip: &mut Strip<'_>) {
    let look = &state.look;
    let running: Vec<String> = state
        .runs
        .iter()
        .filter(|run| run.end.is_none())
        .map(|run| {
            let words = run.now();
            let seconds = state.shared.now.mono.saturating_sub(run.began).as_secs();
            format!("{} in {}: {words} ({seconds} s)", run.title, run.place)
        })
        .collect();
    if running.is_empty() {
        return;
    }
    let key = state.shared.key(Action::Runs);
    let sign = text::width(look.symbols.running) + 1;
    // Behind them stand `+9 more  `, where there can be more, and the key.
    let after = text::width(&key) + if running.len() > 1 { 11 } else { 2 };
    let mut shown = 0;
    for line in &running {
        let left = usize::from(strip.left()).saturating_sub(after);
        let whole = sign + text::width(line) + 2;
        if shown > 0 && whole > left {
            break;
        }
        strip.put(look.symbols.running, look.style(Role::Progressing)).gap(1);
        let fitted = text::fit(line, left.saturating_sub(sign).max(1));
        strip.put(&fitted, look.style(Role::Progressing)).gap(2);
        shown += 1;
    }
    if running.len() > shown {
        strip.put(&format!("+{} more  ", running.len() - shown), look.style(Role::Progressing));
    }
    strip.put(&key, look.style(Role::Key)).gap(2);
}

/// That something was begun by an earlier program and has no outcome, and the key that shows it.
fn abandoned(state: &State, strip: &mut Strip<'_>) {
    let look = &state.look;
    let gone_on = |id: &str| state.runs.iter().any(|run| run.goes_on_with(id));
    let left = state.abandoned.iter().filter(|one| !gone_on(&one.entry.intent.id)).count();
    let words = match left {
        0 => return,
        1 => "1 action without an outcome ".to_owned(),
        n => format!("{n} actions without an outcome "),
    };
    strip.put(look.symbols.unknown, look.style(Role::Unknown)).gap(1);
    strip.put(&words, look.style(Role::Unknown));
    strip.put(&state.shared.key(Action::Runs), look.style(Role::Key)).gap(2);
}

fn typing(state: &State, input: &Input, strip: &mut Strip<'_>) {
    let look = &state.look;
    let told = match &state.typing_error {
        Some(why) => (why.clone(), Role::Warning),
        None => {
            let note = state.front().map(|pane| pane.title(&state.shared).note).unwrap_or_default();
            (note.split(" · ").next().unwrap_or_default().to_owned(), Role::Muted)
        }
    };
    let aside = u16::try_from(text::width(&told.0)).unwrap_or(0).min(strip.left() / 2);
    let room = strip.left().saturating_sub(aside + 4);
    strip.put("/", look.style(Role::Key));
    caret_text(look, input, room, strip);
    strip.gap(3).put(&told.0, look.style(told.1));
}

/// A text being typed with its caret, scrolled so that the caret is seen.
pub fn caret_text(look: &Look, input: &Input, room: u16, strip: &mut Strip<'_>) {
    let value = input.value();
    let at = value.char_indices().nth(input.cursor()).map_or(value.len(), |(at, _)| at);
    let (before, after) = value.split_at(at);
    let before = text::fit_end(before, usize::from(room.saturating_sub(1)).max(1));
    strip.put(&before, look.style(Role::Input));
    strip.put(look.symbols.caret, look.style(Role::Accent));
    let rest = usize::from(room).saturating_sub(text::width(&before) + 1);
    strip.put(&text::fit(after, rest), look.style(Role::Input));
}
