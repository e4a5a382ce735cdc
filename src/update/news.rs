//! News of alerts: the bell and the notification for a critical one that is new, and one line for who was away.

use std::time::Duration;

use crate::domain::alert::Told;
use crate::domain::level::Level;
use crate::domain::time::{Now, Stamp};
use crate::domain::upstream::Upstream;
use crate::effect::Effect;
use crate::fleet::alerts::{Snapshot, sentence};
use crate::msg::Note;
use crate::state::State;

/// Being away for less is not worth a line.
const SHORT: u64 = 30;
/// Without any message for so long, nobody was looking: a second passes between two ticks.
const GAP: u64 = 20;
/// After a gap every server is asked again within this time.
const HEARD_AGAIN: Duration = Duration::from_secs(25);
/// How long the line is shown: long enough for who comes back with a coffee.
const SHOWN: Duration = Duration::from_secs(60);

/// Takes what a server told.
pub fn told(state: &mut State, upstream: &std::sync::Arc<Upstream>, told: Told) -> Vec<Effect> {
    let now = state.shared.now;
    let heard_all = !state.shared.alerts.is_hard_of_hearing();
    let before = heard_all.then(|| state.shared.alerts.snapshot());
    state.shared.alerts.hear(upstream, told, now.wall);
    // News is told at once, also while nothing is drawn: a shell has the terminal, say.
    state.shared.derive_alerts();
    match (before, state.shared.alerts.is_hard_of_hearing()) {
        (Some(before), true) => state.away.deaf = Some((now.wall, before)),
        (_, false) => {
            if let Some((since, before)) = state.away.deaf.take() {
                welcome(state, "While alerts could not be read", since, &before);
            }
        }
        _ => {}
    }
    ring(state)
}

/// Tells of critical alerts that are new.
fn ring(state: &mut State) -> Vec<Effect> {
    let environments = &state.shared.environments;
    let fresh = state.shared.alerts.fresh();
    let place = |alert: &crate::domain::alert::Alert| {
        let env = alert.environments.first().and_then(|env| environments.get(*env));
        env.map(|env| env.name.to_string()).unwrap_or_default()
    };
    let text = sentence(&fresh, place);
    if text.is_empty() {
        return Vec::new();
    }
    let effects = state.shared.tell(&text);
    state.toast(Note { level: Level::Critical, text });
    effects
}

/// Every message says that somebody may be looking; a long gap before it says that nobody was.
pub fn passed(state: &mut State, now: Now) {
    if let Some(seen) = state.away.seen
        && now.wall.since(seen.wall).max(now.mono.saturating_sub(seen.mono).as_secs()) > GAP
    {
        let before = state.shared.alerts.snapshot();
        state.away.gap = Some((seen.wall, before, now.mono + HEARD_AGAIN));
    }
    state.away.seen = Some(now);
    if let Some((since, before, due)) = state.away.gap.take() {
        if now.mono >= due {
            welcome(state, "While you were away", since, &before);
        } else {
            state.away.gap = Some((since, before, due));
        }
    }
}

/// The terminal lost its focus, or has it again.
pub fn focused(state: &mut State, focused: bool) {
    if !focused {
        let left = (state.shared.now.wall, state.shared.alerts.snapshot());
        state.away.unfocused.get_or_insert(left);
    } else if let Some((since, before)) = state.away.unfocused.take() {
        welcome(state, "While you were away", since, &before);
    }
}

fn welcome(state: &mut State, away: &str, since: Stamp, before: &Snapshot) {
    let seconds = state.shared.now.wall.since(since);
    let change = before.until(&state.shared.alerts.snapshot());
    if seconds >= SHORT && !change.is_empty() {
        state.toast_for(Note { level: change.level(), text: change.words(away, seconds) }, SHOWN);
    }
}
