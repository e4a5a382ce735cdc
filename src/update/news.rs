//! News of alerts: the bell and the notification for a critical one that is new, and one line for who was away.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use crate::domain::alert::Told;
use crate::domain::environment::Environment;
use crate::domain::level::Level;
use crate::domain::time::{Now, Stamp};
use crate::domain::upstream::Upstream;
use crate::effect::Effect;
use crate::fleet::alerts::{Change, sentence};
use crate::msg::Note;
use crate::shared::Shared;
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
pub fn told(state: &mut State, upstream: &Arc<Upstream>, told: Told) -> Vec<Effect> {
    let now = state.shared.now;
    let since = match told.is_good() {
        true => state.away.deaf.remove(upstream),
        false => {
            state.away.deaf.entry(Arc::clone(upstream)).or_insert(now.wall);
            None
        }
    };
    // What fires when a server is heard for the first time may fire for days already.
    let since = since.filter(|_| state.shared.alerts.has_heard(upstream));
    let before = since.map(|since| (since, state.shared.alerts.snapshot()));
    state.shared.alerts.hear(upstream, told, now.wall);
    // News is told at once, also while nothing is drawn: a shell has the terminal, say.
    state.shared.derive_alerts();
    if let Some((since, before)) = before {
        // It kept what it told last: what this answer says otherwise happened in between. What others told of
        // meanwhile is no news, and what they miss is their own.
        let change = before.until_by(&state.shared.alerts.snapshot(), upstream);
        let away = format!("While alerts{} could not be read", places(&state.shared, upstream));
        welcome(state, &away, since, &change);
    }
    ring(state)
}

/// ` of production`: the environments that a server is assigned to; empty where it is to none any more.
fn places(shared: &Shared, upstream: &Arc<Upstream>) -> String {
    let of_it = |env: &&Environment| {
        shared.upstreams.of(upstream.server, env.id).is_ok_and(|assigned| assigned.upstream == *upstream)
    };
    let mut names = shared.environments.list.iter().filter(of_it).map(|env| &env.name);
    let Some(first) = names.next() else { return String::new() };
    match names.count() {
        0 => format!(" of {first}"),
        more => format!(" of {first} and {more} more"),
    }
}

/// Tells of critical alerts that are new.
fn ring(state: &mut State) -> Vec<Effect> {
    let Shared { environments, alerts, upstreams, now, .. } = &mut state.shared;
    let fresh = alerts.fresh(upstreams, now.wall);
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
            let change = before.until(&state.shared.alerts.snapshot());
            welcome(state, "While you were away", since, &change);
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
        let change = before.until(&state.shared.alerts.snapshot());
        welcome(state, "While you were away", since, &change);
    }
}

fn welcome(state: &mut State, away: &str, since: Stamp, change: &Change) {
    let seconds = state.shared.now.wall.since(since);
    if seconds >= SHORT && !change.is_empty() {
        state.toast_for(Note { level: change.level(), text: change.words(away, seconds) }, SHOWN);
    }
}
