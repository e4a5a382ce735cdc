//! Changes on the screen: from the key to the plan, from the plan to its confirmation, and what is told while it is
//! being done. Pure as everything here: what is asked for are effects, and only [`confirm`] makes what may be done.

use std::sync::Arc;

use crossterm::event::{Event, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use super::runs;
use crate::action::Action;
use crate::change::actions::{Kept, named};
use crate::change::confirm::{Answer, Refusal, confirm};
use crate::change::gather::NoPlan;
use crate::change::intent::{Intent, Order};
use crate::change::plan::{Challenge, Plan};
use crate::change::standing::{self, Stand};
use crate::domain::id::Name;
use crate::domain::level::Level;
use crate::domain::link::Link;
use crate::effect::{Effect, Follow};
use crate::journal::{Entry, Reading};
use crate::keymap::Key;
use crate::msg::{Note, RequestId};
use crate::panes::changes as orders;
use crate::shared::{Applies, Begin};
use crate::state::sheet::{Abandoned, Field, Number, Ready, Run, Sheet};
use crate::state::{Overlay, State};

/// A plan that nobody answers is made anew this often by itself.
const REMADE: u8 = 10;
/// Ended changes that are kept to be looked at.
const KEPT: usize = 8;

/// Begins a change.
pub(super) fn begin(state: &mut State, begin: Begin) -> Vec<Effect> {
    let sheet = match begin {
        Begin::Plan(mut order) => {
            if let Some(run) = runs::watched(state, &order) {
                let request = run.request;
                // The way back was confirmed with the way there; whoever asks for another one is shown what runs.
                let wanted = order.intent.with.back
                    && run.way.as_ref().is_some_and(|way| way.with.to == order.intent.with.to);
                state.overlay = Some(Overlay::Change(Box::new(Sheet::Running(request))));
                return if wanted { vec![Effect::TurnBack(request)] } else { Vec::new() };
            }
            // What is let through for a way back is not had by asking for one where there was no way there.
            let told = state.shared.journal.as_ref().and_then(|read| read.as_ref().ok());
            order.intent.with.back &= told.is_some_and(|reading| orders::leads_back(reading, &order));
            return plan(state, order, String::new(), 0);
        }
        Begin::Number { order, replicas, ruled_by } => number(order, replicas, ruled_by),
        Begin::Which { orders } => Sheet::Which { orders, at: 0 },
        Begin::Kept(order) => {
            let request = state.shared.new_request();
            let order = Box::new(order);
            let (reason, remade) = (String::new(), 0);
            let sheet = Sheet::Planning { request, order: order.clone(), reason, remade };
            state.overlay = Some(Overlay::Change(Box::new(sheet)));
            return vec![Effect::Revisions(request, order)];
        }
        Begin::Revision { order, revisions } => Sheet::Revision { order: Box::new(order), revisions, at: 0 },
    };
    state.overlay = Some(Overlay::Change(Box::new(sheet)));
    Vec::new()
}

/// The question how many; where an autoscaler rules, its limits. At no pods it is switched off: a number switches it on
/// again, and the fewest that it would make is the first one offered. One of KEDA, which names it so, is at no pods because
/// KEDA put it there.
fn number(order: Order, replicas: u32, ruled_by: Option<(Name, u32, u32)>) -> Sheet {
    let off = replicas == 0
        && ruled_by.as_ref().is_some_and(|(name, min, _)| *min > 0 && !name.starts_with("keda-hpa-"));
    let (now, wanted) = match &ruled_by {
        Some((_, min, _)) if off => (vec![0], vec![*min]),
        Some((_, min, max)) => (vec![*min, *max], vec![*min, *max]),
        None => (vec![replicas], vec![replicas]),
    };
    let ruled_by = ruled_by.map(|(name, ..)| name);
    Sheet::Number(Box::new(Number { order, wanted, now, at: 0, ruled_by, off, typing: false }))
}

/// Has an order planned, by what is known now: it may have been waiting in a dialog, or in a plan that grew old, since its
/// key was pressed.
pub(super) fn plan(state: &mut State, order: Order, reason: String, remade: u8) -> Vec<Effect> {
    let request = state.shared.new_request();
    let instead_of = order.around.instead_of;
    let mut order = orders::order(&state.shared, order.intent);
    order.around.instead_of = instead_of;
    let sheet = Sheet::Planning { request, order: Box::new(order.clone()), reason, remade };
    state.overlay = Some(Overlay::Change(Box::new(sheet)));
    vec![Effect::Plan(request, Box::new(order))]
}

/// A plan came, or why there is none.
pub(super) fn planned(state: &mut State, request: RequestId, planned: Result<Plan, NoPlan>) {
    let Some(Overlay::Change(sheet)) = &mut state.overlay else { return };
    let Sheet::Planning { request: waited_for, reason, remade, .. } = &mut **sheet else { return };
    if *waited_for != request {
        return;
    }
    **sheet = match planned {
        Ok(plan) => {
            let mut ready = Ready::new(plan, std::mem::take(reason), *remade);
            ready.settings = Some(state.shared.settings_version());
            Sheet::Ready(Box::new(ready))
        }
        Err(why) => Sheet::NoPlan(why.words().to_owned()),
    };
}

/// The revisions came that an order could go back to: which of them, where there is a choice.
pub(super) fn kept(state: &mut State, request: RequestId, kept: Result<Vec<Kept>, NoPlan>) -> Vec<Effect> {
    let Some(Overlay::Change(sheet)) = &mut state.overlay else { return Vec::new() };
    let Sheet::Planning { request: waited_for, order, .. } = &mut **sheet else { return Vec::new() };
    if *waited_for != request {
        return Vec::new();
    }
    match kept {
        Err(why) => **sheet = Sheet::NoPlan(why.words().to_owned()),
        Ok(kept) if kept.len() < 2 => {
            let order = (**order).clone();
            return plan(state, order, String::new(), 0);
        }
        Ok(kept) => {
            let words = |one: &Kept| (one.number, orders::revision_words(&state.shared, one));
            let revisions = kept.iter().map(words).collect();
            **sheet = Sheet::Revision { order: order.clone(), revisions, at: 0 };
        }
    }
    Vec::new()
}

/// A frame is about to be drawn: what is on it can be answered from now on.
pub(super) fn drawn(state: &mut State) {
    match &mut state.overlay {
        Some(Overlay::Change(sheet)) => {
            if let Sheet::Ready(ready) = &mut **sheet {
                ready.drawn = true;
            }
        }
        Some(Overlay::Abandoned { drawn, .. } | Overlay::Ask { drawn, .. }) => *drawn = true,
        _ => {}
    }
}

/// What a switch that is being planned wants to know of a Prometheus.
pub(super) fn follows(state: &State) -> Option<Follow> {
    let Some(Overlay::Change(sheet)) = &state.overlay else { return None };
    let order = match &**sheet {
        Sheet::Planning { order, .. } => &**order,
        Sheet::Ready(ready) => &ready.plan.order,
        _ => return None,
    };
    orders::survey(&state.shared, order).map(Follow::Survey)
}

/// The clock moved on: a plan that has grown old is made anew; what was abandoned is looked at once it can be.
pub(super) fn tick(state: &mut State) -> Vec<Effect> {
    let now = state.shared.now;
    let mut effects = Vec::new();
    if let Some(Overlay::Change(sheet)) = &state.overlay
        && let Sheet::Ready(ready) = &**sheet
        && (ready.plan.good_for(now) == 0 || orders::knows_more(&state.shared, &ready.plan.order))
        && ready.remade < REMADE
        // Under somebody's fingers it stays: it says that it is stale, and is made anew when it is answered.
        && !ready.is_typed()
    {
        let (order, remade) = (ready.plan.order.clone(), ready.remade + 1);
        effects.extend(plan(state, order, String::new(), remade));
    }
    effects.extend(looks(state));
    effects
}

fn looks(state: &mut State) -> Vec<Effect> {
    let State { abandoned, shared, .. } = state;
    let waiting = abandoned.iter_mut().filter(|one| !one.asked);
    waiting
        .filter_map(|one| {
            let named =
                |context: &str| shared.world.clusters.iter().position(|c| *c.connection.context == *context);
            let at = named(&one.entry.intent.context)?;
            let cluster = shared.world.clusters.get(at)?;
            if cluster.connection.link != Link::Live {
                return None;
            }
            one.asked = true;
            let id = crate::domain::id::ClusterId(u16::try_from(at).ok()?);
            one.cluster = Some(id);
            // A context of the same name may lead elsewhere by now: the uids tell, and nothing is changed by looking.
            Some(Effect::Look(id, Box::new(one.entry.intent.clone())))
        })
        .collect()
}

/// The journal was read. The first time what was left without an outcome is brought before the person.
pub(super) fn journal(state: &mut State, read: Result<Reading, String>) -> Vec<Effect> {
    let first = !std::mem::replace(&mut state.looked_back, true);
    let mut effects = Vec::new();
    if first {
        match &read {
            Ok(reading) => {
                let left = reading.entries.iter().filter(|entry| entry.is_abandoned());
                // A shell that a killed program had open is over: there is nothing to go on with.
                let (shells, left): (Vec<_>, Vec<_>) = left.partition(|entry| entry.intent.action == "shell");
                let words = "its program ended without a word, and the shell with it";
                effects.extend(
                    shells.iter().map(|entry| Effect::Close(entry.intent.id.clone(), words.to_owned())),
                );
                state.abandoned = left
                    .into_iter()
                    .map(|entry| Abandoned { entry: entry.clone(), cluster: None, asked: false, stand: None })
                    .collect();
                if let [torn, ..] = reading.torn.as_slice() {
                    let text = format!(
                        "The journal has {} that cannot be read, the first in {torn}.",
                        if reading.torn.len() == 1 { "a line" } else { "lines" }
                    );
                    state.toast(Note { level: Level::Warning, text });
                }
            }
            Err(why) => {
                let text = format!("The journal cannot be read: {why}. Nothing can be changed without it.");
                state.toast(Note { level: Level::Warning, text });
            }
        }
        if !state.abandoned.is_empty() && state.overlay.is_none() {
            state.overlay = Some(Overlay::Abandoned { at: 0, drawn: false });
        }
        effects.extend(looks(state));
    }
    state.shared.journal = Some(read);
    effects
}

/// How something that was abandoned stands.
pub(super) fn stands(state: &mut State, id: &str, stand: Stand) {
    if let Some(one) = state.abandoned.iter_mut().find(|one| one.entry.intent.id == id) {
        one.stand = Some(stand);
    }
}

/// A key while what was abandoned is shown.
pub(super) fn abandoned_key(state: &mut State, event: KeyEvent) -> Vec<Effect> {
    let last = state.abandoned.len().saturating_sub(1);
    let Some(Overlay::Abandoned { at, drawn }) = &mut state.overlay else { return Vec::new() };
    // It comes by itself: a key that was pressed before it was on the screen meant something else.
    if !*drawn {
        return Vec::new();
    }
    let chosen = *at;
    match event.code {
        KeyCode::Down | KeyCode::Char('j') => *at = (*at + 1).min(last),
        KeyCode::Up | KeyCode::Char('k') => *at = at.saturating_sub(1),
        KeyCode::Esc => state.overlay = None,
        KeyCode::Enter => return again(state, chosen, false),
        KeyCode::Char('u') => return again(state, chosen, true),
        KeyCode::Char('d') => {
            if chosen > last || state.abandoned.is_empty() {
                return Vec::new();
            }
            let one = state.abandoned.remove(chosen);
            *at = chosen.min(state.abandoned.len().saturating_sub(1));
            if state.abandoned.is_empty() {
                state.overlay = None;
            }
            let stand =
                one.stand.map_or_else(|| "nobody looked how it stands".to_owned(), |stand| stand.words());
            return vec![Effect::Close(one.entry.intent.id, format!("left as it was found: {stand}"))];
        }
        _ => {}
    }
    Vec::new()
}

/// Whether of several requests for one object the first was done, and no other one sent.
fn begun_alone(entry: &Entry) -> bool {
    let several = entry.intent.requests.len() > 1 && entry.intent.objects.len() == 1;
    let done = entry.steps.iter().any(|step| step.step == 1 && step.outcome == "done");
    several && done && entry.steps.iter().all(|step| step.step == 1)
}

/// Plans an abandoned action again, or the way back from it.
fn again(state: &mut State, at: usize, back: bool) -> Vec<Effect> {
    let Some(one) = state.abandoned.get(at) else { return Vec::new() };
    let intent = &one.entry.intent;
    if state.runs.iter().any(|run| run.goes_on_with(&intent.id)) {
        let key = state.shared.key(Action::Runs);
        return warn(state, format!("It is being gone on with ({key} shows it)."));
    }
    let verb = named(&intent.action);
    // What it was killed before is not gone back from: nothing of the second request was sent.
    let first = verb.filter(|_| back && begun_alone(&one.entry)).and_then(|verb| verb.way_from_first());
    let wanted = match first.as_ref().or(intent.back.as_ref()) {
        Some(way) if back => verb.and_then(|verb| Some((verb.back_by(way)?, way.with.clone()))),
        None if back => None,
        _ => verb.map(|verb| (verb, intent.with.clone())),
    };
    let Some((cluster, (verb, with))) = one.cluster.zip(wanted) else {
        let why = match (back, one.cluster) {
            (_, None) => format!("{} is not connected: it cannot be planned from here yet.", intent.context),
            (true, _) => {
                format!("There is no way back from {} that a plan could lead.", intent.title)
            }
            (false, _) => format!("This version does not know how to {}.", intent.action),
        };
        state.toast(Note { level: Level::Idle, text: crate::text::clean(&why).into_owned() });
        return Vec::new();
    };
    // Of several, back is for those that it came to, and on for the others: they would be refused it.
    let part = match &one.stand {
        Some(Stand::Partly { done, .. }) if back => Some(done),
        Some(Stand::Partly { left, .. }) => Some(left),
        _ => None,
    };
    let all = intent.objects.iter().filter_map(|object| standing::object(cluster, object));
    let objects = all.filter(|object| part.is_none_or(|part| part.contains(object))).collect();
    let instead_of = Some(intent.id.clone());
    let mut order = orders::order(&state.shared, Intent { verb, objects, with });
    order.around.instead_of = instead_of;
    begin(state, Begin::Plan(order))
}

/// A key while a change is in front.
pub(super) fn key(state: &mut State, event: KeyEvent, key: Key) -> Vec<Effect> {
    let Some(Overlay::Change(sheet)) = &mut state.overlay else { return Vec::new() };
    match &mut **sheet {
        Sheet::Number(number) => match number_key(number, event) {
            Then::Stay => Vec::new(),
            Then::Close => close(state),
            Then::Plan => {
                let mut order = number.order.clone();
                order.intent.with = number.with();
                plan(state, order, String::new(), 0)
            }
        },
        Sheet::Revision { order, revisions, at } => match event.code {
            KeyCode::Esc => close(state),
            KeyCode::Down | KeyCode::Char('j') => {
                *at = (*at + 1).min(revisions.len().saturating_sub(1));
                Vec::new()
            }
            KeyCode::Up | KeyCode::Char('k') => {
                *at = at.saturating_sub(1);
                Vec::new()
            }
            KeyCode::Enter => {
                let mut order = (**order).clone();
                order.intent.with.revision = revisions.get(*at).map(|(number, _)| *number);
                plan(state, order, String::new(), 0)
            }
            _ => Vec::new(),
        },
        Sheet::Which { orders, at } => match event.code {
            KeyCode::Esc => close(state),
            KeyCode::Down | KeyCode::Char('j') => {
                *at = (*at + 1).min(orders.len().saturating_sub(1));
                Vec::new()
            }
            KeyCode::Up | KeyCode::Char('k') => {
                *at = at.saturating_sub(1);
                Vec::new()
            }
            KeyCode::Enter => match orders.get(*at).cloned() {
                Some(order) => plan(state, order, String::new(), 0),
                None => close(state),
            },
            _ => Vec::new(),
        },
        Sheet::Planning { request, .. } => match event.code {
            KeyCode::Esc => {
                let request = *request;
                state.overlay = None;
                vec![Effect::Cancel(request)]
            }
            // Whatever is typed before the plan is seen answers nothing.
            _ => Vec::new(),
        },
        Sheet::Ready(_) => ready_key(state, event, key),
        Sheet::NoPlan(_) => match event.code {
            KeyCode::Esc | KeyCode::Enter => close(state),
            _ => Vec::new(),
        },
        Sheet::Running(request) => {
            let request = *request;
            runs::key(state, request, event)
        }
        Sheet::Runs { at } => match event.code {
            KeyCode::Esc => close(state),
            KeyCode::Down | KeyCode::Char('j') => {
                // Behind the last one stands what an earlier program left.
                let rows = state.runs.len() + usize::from(!state.abandoned.is_empty());
                *at = (*at + 1).min(rows.saturating_sub(1));
                Vec::new()
            }
            KeyCode::Up | KeyCode::Char('k') => {
                *at = at.saturating_sub(1);
                Vec::new()
            }
            KeyCode::Enter => match state.runs.iter().rev().nth(*at).map(|run| run.request) {
                Some(request) => runs::show(state, request),
                None if !state.abandoned.is_empty() => runs::show_abandoned(state),
                None => close(state),
            },
            _ => Vec::new(),
        },
    }
}

pub(super) fn close(state: &mut State) -> Vec<Effect> {
    state.overlay = None;
    Vec::new()
}

/// What follows from a key to a number.
enum Then {
    Stay,
    Close,
    Plan,
}

fn number_key(number: &mut Number, event: KeyEvent) -> Then {
    const MOST: u32 = 99_999;
    let fields = number.wanted.len();
    let Some(wanted) = number.wanted.get_mut(number.at) else { return Then::Close };
    let typing = std::mem::take(&mut number.typing);
    match event.code {
        KeyCode::Esc => return Then::Close,
        KeyCode::Enter => return Then::Plan,
        KeyCode::Up | KeyCode::Char('+' | '=' | 'k') => *wanted = wanted.saturating_add(1).min(MOST),
        KeyCode::Down | KeyCode::Char('-' | 'j') => *wanted = wanted.saturating_sub(1),
        KeyCode::Tab | KeyCode::BackTab => number.at = (number.at + 1) % fields.max(1),
        KeyCode::Backspace => {
            *wanted /= 10;
            number.typing = true;
        }
        KeyCode::Char(digit) if digit.is_ascii_digit() => {
            let before = if typing { *wanted } else { 0 };
            *wanted = (before * 10 + digit.to_digit(10).unwrap_or(0)).min(MOST);
            number.typing = true;
        }
        _ => {}
    }
    Then::Stay
}

fn ready_key(state: &mut State, event: KeyEvent, key: Key) -> Vec<Effect> {
    let Some(Overlay::Change(sheet)) = &mut state.overlay else { return Vec::new() };
    let Sheet::Ready(ready) = &mut **sheet else { return Vec::new() };
    match event.code {
        KeyCode::Esc => return close(state),
        KeyCode::Tab => {
            ready.requests = !ready.requests;
            ready.scroll = 0;
            return Vec::new();
        }
        KeyCode::Down => ready.scroll = ready.scroll.saturating_add(1),
        KeyCode::Up => ready.scroll = ready.scroll.saturating_sub(1),
        KeyCode::PageDown => ready.scroll = ready.scroll.saturating_add(10),
        KeyCode::PageUp => ready.scroll = ready.scroll.saturating_sub(10),
        // A key that was pressed before the plan was on the screen cannot be an answer to it.
        _ if !ready.drawn => {}
        _ if ready.is_refused() => {
            if matches!(event.code, KeyCode::Enter | KeyCode::Char('n')) {
                return close(state);
            }
        }
        KeyCode::Enter => match ready.field {
            Field::Reason if ready.reason.value().trim().is_empty() => {
                return warn(state, "Type why it is done all the same, or esc.");
            }
            Field::Reason => {
                ready.field = ready.after_reason();
                if ready.field == Field::None {
                    // A reason is no yes.
                    return Vec::new();
                }
            }
            Field::Name => return confirmed(state, false),
            Field::None => {}
        },
        _ => match ready.field {
            Field::Reason => typed(&mut ready.reason, event),
            Field::Name => typed(&mut ready.name, event),
            Field::None if key.typed() == Some('y') => return confirmed(state, true),
            Field::None if key.typed() == Some('n') => return close(state),
            Field::None => {}
        },
    }
    Vec::new()
}

fn typed(input: &mut Input, event: KeyEvent) {
    input.handle_event(&Event::Key(event));
}

pub(super) fn warn(state: &mut State, text: impl Into<String>) -> Vec<Effect> {
    state.toast(Note { level: Level::Warning, text: text.into() });
    Vec::new()
}

/// The person has answered the plan in front.
fn confirmed(state: &mut State, yes: bool) -> Vec<Effect> {
    let now = state.shared.now;
    let Some(Overlay::Change(sheet)) = &mut state.overlay else { return Vec::new() };
    let Sheet::Ready(ready) = &mut **sheet else { return Vec::new() };
    let place = orders::order(&state.shared, ready.plan.order.intent.clone()).place;
    let settings = state.shared.settings_version();
    if place.read_only != ready.plan.order.place.read_only
        || ready.settings.is_some_and(|old| old != settings)
    {
        // The settings were read anew while it was on the screen: what is protected, and when nothing is to be changed.
        let (order, reason, remade) =
            (ready.plan.order.clone(), ready.reason.value().to_owned(), ready.remade.saturating_add(1));
        let effects = plan(state, order, reason, remade);
        warn(state, "The settings have changed since the plan was made: read it again.");
        return effects;
    }
    let answer = Answer {
        yes,
        name: ready.name.value().to_owned(),
        reason: ready.reason.value().to_owned(),
        flag: false,
    };
    match confirm(ready.plan.clone(), &answer, now) {
        Ok(confirmed) => {
            let request = state.shared.new_request();
            let plan = confirmed.plan();
            let run = Run {
                request,
                order: plan.order.clone(),
                title: plan.title.clone(),
                place: plan.order.place.name().clone(),
                steps: plan.steps.iter().map(|step| (step.title.clone(), None)).collect(),
                watching: String::new(),
                guard: None,
                way: plan.way.clone(),
                back: plan.back.clone(),
                guarded: plan.guard.is_some(),
                end: None,
                began: now.mono,
            };
            while state.runs.len() >= KEPT
                && let Some(ended) = state.runs.iter().position(|run| run.end.is_some())
            {
                state.runs.remove(ended);
            }
            state.runs.push(run);
            runs::tell_watched(state);
            state.overlay = Some(Overlay::Change(Box::new(Sheet::Running(request))));
            // What was marked for this is not marked for the next.
            if let Some((pane, shared)) = state.front_mut()
                && pane.applies(shared, Action::ClearMarks) == Applies::Yes
            {
                pane.act(shared, Action::ClearMarks);
            }
            vec![Effect::Execute(request, Arc::new(confirmed))]
        }
        Err(Refusal::Stale) => {
            let (order, reason, remade) =
                (ready.plan.order.clone(), answer.reason, ready.remade.saturating_add(1));
            let effects = plan(state, order, reason, remade);
            warn(state, Refusal::Stale.words());
            effects
        }
        Err(Refusal::NotConfirmed(_)) => {
            ready.name.reset();
            match ready.plan.challenge() {
                Challenge::Name(name) => {
                    warn(state, format!("That is not {name}. Type it to go on, or esc."))
                }
                Challenge::Yes => Vec::new(),
            }
        }
        Err(refusal) => warn(state, refusal.words()),
    }
}
