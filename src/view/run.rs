//! What is being done, step by step to its end, and what an earlier program left without one.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::change::{height_of, plain, width_of};
use crate::action::Action;
use crate::change::execute::StepState;
use crate::change::standing::Stand;
use crate::journal::Outcome;
use crate::look::Look;
use crate::panes::views::painted::Painted;
use crate::state::State;
use crate::state::sheet::Run;
use crate::text::duration_words;
use crate::theme::Role;

/// How something that is being done or was stands, in a few words.
pub(super) fn outcome_of(state: &State, run: &Run) -> (Role, String) {
    let look = &state.look;
    match &run.end {
        None => (Role::Progressing, format!("{} running", look.symbols.running)),
        Some(end) => {
            let (sign, role) = ended(look, end.outcome);
            (role, format!("{sign} {}", end.outcome.word()))
        }
    }
}

/// How an end looks.
fn ended(look: &Look, outcome: Outcome) -> (&'static str, Role) {
    match outcome {
        Outcome::Done => (look.symbols.ok, Role::Ok),
        Outcome::Failed => (look.symbols.critical, Role::Critical),
        Outcome::Unknown => (look.symbols.unknown, Role::Unknown),
        _ => (look.symbols.warning, Role::Warning),
    }
}

/// From so many rows on a guard has room for graphs.
const TALL: u16 = 34;

/// Draws it.
pub(super) fn draw(state: &State, run: &Run, area: Rect, buffer: &mut Buffer) {
    let look = &state.look;
    let mut lines = Vec::new();
    let seconds = state.shared.now.mono.saturating_sub(run.began).as_secs();
    if let Some(guarded) = &run.guard {
        lines.push(Painted::default());
        let mut shown = (**guarded).clone();
        if run.end.is_some() {
            // The end says it too.
            shown.turning.clear();
        }
        lines.extend(super::guard::lines(look, &shown, usize::from(width_of(area)), area.height >= TALL));
        lines.push(Painted::default());
    }
    match &run.end {
        None if run.guard.is_some() => {}
        None if run.watching.is_empty() => {}
        None => lines
            .push(Painted::role(Role::Progressing, look.symbols.running).and(&format!(" {}", run.watching))),
        Some(end) => {
            let (sign, role) = ended(look, end.outcome);
            lines.push(
                Painted::role(role, sign)
                    .with(role, &format!(" {}", end.outcome.word()))
                    .and(&format!(": {}", end.words)),
            );
        }
    }
    if run.guard.is_none() || run.end.is_some() {
        lines.push(Painted::default());
    }
    let mut last = Painted::default();
    match &run.end {
        None => {
            if run.can_turn() {
                last.push(Role::Key, "u");
                last.push_plain(" switches back now   ");
            }
            if run.page().is_some() {
                last.push(Role::Key, "enter");
                last.push_plain(" shows it live   ");
            }
            last.push(Role::Key, "esc");
            last.push_plain(" leaves it running, and ");
            last.push(Role::Key, &state.shared.key(Action::Runs));
            last.push_plain(" shows it again");
        }
        Some(_) => {
            last.push(Role::Key, "esc");
            last.push_plain(" close");
            if run.offers_back() {
                last.push_plain("   ");
                last.push(Role::Key, "u");
                last.push_plain(" the way back");
            }
            if let Some(from) = run.left_behind() {
                last.push_plain("   ");
                last.push(Role::Key, "s");
                last.push_plain(&format!(" scales {from} down"));
            }
        }
    }
    lines.push(last);
    let note = if run.end.is_none() { format!("{seconds} s") } else { String::new() };
    // How it ended, and the keys, are in sight however many steps there are.
    let width = width_of(area);
    let room = area.height.saturating_sub(4).saturating_sub(height_of(&lines, width));
    let mut all = steps(look, run, room, width);
    all.append(&mut lines);
    plain(state, &format!("{} in {}", run.title, run.place), &note, all, area, buffer);
}

/// The steps in so many rows: where there is no room for all, how many are done, and then what failed, what is being done,
/// and what is to come.
fn steps(look: &Look, run: &Run, room: u16, width: u16) -> Vec<Painted> {
    let line = |(title, step): &(String, Option<StepState>)| {
        let (sign, role) = match step {
            None => (look.symbols.dot, Role::Muted),
            Some(StepState::Doing) => (look.symbols.running, Role::Progressing),
            Some(StepState::Done) => (look.symbols.ok, Role::Ok),
            Some(StepState::Failed) => (look.symbols.critical, Role::Critical),
        };
        Painted::role(role, sign).and(&format!(" {title}"))
    };
    let all: Vec<Painted> = run.steps.iter().map(line).collect();
    if height_of(&all, width) <= room || all.len() < 2 {
        return all;
    }
    let of = |wanted: Option<StepState>| run.steps.iter().filter(move |(_, state)| *state == wanted);
    let done = of(Some(StepState::Done)).count();
    let mut shown = vec![
        Painted::role(Role::Ok, look.symbols.ok).and(&format!(" {done} of {} steps done", run.steps.len())),
    ];
    if room < 3 {
        shown.truncate(usize::from(room));
        return shown;
    }
    let mut left = run.steps.len() - done;
    let others = of(Some(StepState::Failed)).chain(of(Some(StepState::Doing))).chain(of(None));
    for one in others.map(line) {
        // The last row tells how many more there are.
        let behind = u16::from(left > 1);
        let rows = height_of(&shown, width) + height_of(std::slice::from_ref(&one), width);
        if rows + behind > room {
            break;
        }
        shown.push(one);
        left -= 1;
    }
    if left > 0 {
        shown.push(Painted::role(Role::Muted, &format!("  and {left} more")));
    }
    shown
}

/// Draws what an earlier program began and left without an outcome.
pub(super) fn abandoned(state: &State, at: usize, area: Rect, buffer: &mut Buffer) {
    let look = &state.look;
    let mut lines = vec![
        Painted::plain("Begun from here by a program that ended before it knew the outcome:"),
        Painted::default(),
    ];
    for (nth, one) in state.abandoned.iter().enumerate() {
        let intent = &one.entry.intent;
        let clean = |text: &str| crate::text::clean(text).into_owned();
        let place = if intent.environment.is_empty() { &intent.context } else { &intent.environment };
        let role = if nth == at { Role::Accent } else { Role::Text };
        let sign = if nth == at { look.symbols.arrow } else { " " };
        let begun = intent.at.parse::<jiff::Timestamp>().map(|at| state.shared.now.wall.0 - at.as_second());
        let ago = begun.map_or_else(
            |_| clean(&intent.at),
            |seconds| format!("{} ago", duration_words(u64::try_from(seconds).unwrap_or(0))),
        );
        let by = clean(&intent.who.local.user);
        lines.push(Painted::role(
            role,
            &format!("{sign} {} in {}  {ago} by {by}", clean(&intent.title), clean(place)),
        ));
        let words = match &one.stand {
            // Its guard ended with its program.
            Some(Stand::AsWanted) if intent.action == "switch" => {
                format!("now     {}; nobody watches it any more", Stand::AsWanted.words())
            }
            Some(stand) => format!("now     {}", stand.words()),
            None if one.asked => "now     being looked at …".to_owned(),
            None => format!("now     not known: {} is not connected", clean(&intent.context)),
        };
        lines.push(Painted::role(Role::Muted, &words));
    }
    lines.push(Painted::default());
    let mut keys = Painted::default();
    for (key, words) in [
        ("enter", " plan it again   "),
        ("u", " plan the way back   "),
        ("d", " leave it as it is   "),
        ("esc", " later"),
    ] {
        keys.push(Role::Key, key);
        keys.push_plain(words);
    }
    lines.push(keys);
    plain(state, "Without an outcome", "", lines, area, buffer);
}
