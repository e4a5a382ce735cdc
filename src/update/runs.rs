//! What is being done, and what has been: told as it comes, shown again when somebody asks for it, led back.

use crossterm::event::{KeyCode, KeyEvent};

use super::changes::{begin, close, warn};
use crate::action::Action;
use crate::change::execute::{Progress, StepState};
use crate::change::intent::{Intent, Order, Way};
use crate::domain::id::ObjectRef;
use crate::domain::level::Level;
use crate::effect::Effect;
use crate::journal::Outcome;
use crate::msg::{Note, RequestId};
use crate::panes::changes as orders;
use crate::panes::objects;
use crate::shared::{Applies, Begin, Subject};
use crate::state::sheet::{Run, Sheet};
use crate::state::{Overlay, State};

/// Whether there is anything to show.
pub(super) fn applies(state: &State) -> Applies {
    match state.runs.is_empty() && state.abandoned.is_empty() {
        true => Applies::No("Nothing was changed from here since the start.".to_owned()),
        false => Applies::Yes,
    }
}

/// Shows what is being done and what was, and what an earlier program left without an outcome: the only one at once, of
/// several a list.
pub(super) fn open(state: &mut State) -> Vec<Effect> {
    match state.runs.as_slice() {
        [] if state.abandoned.is_empty() => Vec::new(),
        [] => show_abandoned(state),
        [only] if state.abandoned.is_empty() => {
            let request = only.request;
            show(state, request)
        }
        _ => {
            state.overlay = Some(Overlay::Change(Box::new(Sheet::Runs { at: 0 })));
            Vec::new()
        }
    }
}

/// Shows what an earlier program left.
pub(super) fn show_abandoned(state: &mut State) -> Vec<Effect> {
    state.overlay = Some(Overlay::Abandoned { at: 0, drawn: false });
    Vec::new()
}

/// Shows one of them.
pub(super) fn show(state: &mut State, request: RequestId) -> Vec<Effect> {
    state.overlay = Some(Overlay::Change(Box::new(Sheet::Running(request))));
    Vec::new()
}

/// A key while one of them is in front.
pub(super) fn key(state: &mut State, request: RequestId, event: KeyEvent) -> Vec<Effect> {
    let run = state.runs.iter().find(|run| run.request == request);
    let ended = run.is_none_or(|run| run.end.is_some());
    let guarded = run.is_some_and(Run::can_turn);
    match event.code {
        KeyCode::Esc => close(state),
        KeyCode::Enter if ended => close(state),
        KeyCode::Enter => page(state, request),
        KeyCode::Char('u') if ended => back(state, request),
        // What leads back was confirmed with what leads there.
        KeyCode::Char('u') if guarded => vec![Effect::TurnBack(request)],
        KeyCode::Char('s') => standby(state, request),
        _ => Vec::new(),
    }
}

/// Opens the page of what is being changed, where it is seen how it comes: the rollout, the pods of the node. The line above
/// the footer goes on telling.
fn page(state: &mut State, request: RequestId) -> Vec<Effect> {
    let run = state.runs.iter().find(|run| run.request == request);
    let Some(object) = run.and_then(Run::page).cloned() else { return Vec::new() };
    state.overlay = None;
    let outcome = objects::act(&mut state.shared, &Subject::Object(object), Action::Open);
    super::follow(state, outcome)
}

/// Asks how many pods of the colour that a switch led away from are still wanted.
fn standby(state: &mut State, request: RequestId) -> Vec<Effect> {
    let run = state.runs.iter().find(|run| run.request == request);
    let Some((run, from)) = run.and_then(|run| Some((run, run.left_behind()?))) else { return Vec::new() };
    let service = run.order.intent.objects.first();
    let Some(begun) = service.map(|service| orders::scale_down(&state.shared, service, from)) else {
        return Vec::new();
    };
    match begun {
        Ok(asked) => {
            let asks = matches!(asked, Begin::Number { .. });
            let effects = begin(state, asked);
            // Nobody scales it down to as many as it has.
            if let (true, Some(Overlay::Change(sheet))) = (asks, &mut state.overlay)
                && let Sheet::Number(number) = &mut **sheet
            {
                number.wanted.fill(0);
            }
            effects
        }
        Err(why) => warn(state, why),
    }
}

/// Tells the panes which switches are watched.
pub(super) fn tell_watched(state: &mut State) {
    let State { runs, shared, .. } = state;
    let watched = runs.iter().filter(|run| run.can_turn());
    let led = watched.filter_map(|run| {
        let to = run.way.as_ref()?.with.to.as_deref()?;
        Some((run.order.intent.objects.first()?.clone(), to.into()))
    });
    shared.watched = led.collect();
}

/// The switch of the same Service whose guard still watches.
pub(super) fn watched<'s>(state: &'s State, order: &Order) -> Option<&'s Run> {
    let same = |run: &&Run| {
        run.end.is_none()
            && run.guarded
            && run.order.intent.verb == order.intent.verb
            && run.order.intent.objects == order.intent.objects
            && run.order.place.cluster == order.place.cluster
    };
    state.runs.iter().find(same)
}

/// Something that is being done came further.
pub(super) fn progress(state: &mut State, request: RequestId, progress: Progress) {
    let Some(run) = state.runs.iter_mut().find(|run| run.request == request) else { return };
    match progress {
        Progress::Step(at, step, words) => {
            if let Some((title, known)) = run.steps.get_mut(at) {
                *known = Some(step);
                // Of what waits too: for which budget.
                *title = words;
            }
        }
        Progress::Watching(words) => run.watching = words,
        Progress::Guard(guarded) => run.guard = Some(guarded),
        Progress::Ended(end) => {
            let watched = matches!(&state.overlay, Some(Overlay::Change(sheet)) if matches!(**sheet, Sheet::Running(seen) if seen == request));
            let level = level(end.outcome);
            let mut text = format!("{} in {}: {}: {}", run.title, run.place, end.outcome.word(), end.words);
            let ill = end.outcome != Outcome::Done;
            if end.outcome != Outcome::Refused
                && let Some(old) = &run.order.around.instead_of
            {
                // What was begun by another program was closed in the journal with this one's end.
                state.abandoned.retain(|one| one.entry.intent.id != *old);
                if state.abandoned.is_empty() && matches!(state.overlay, Some(Overlay::Abandoned { .. })) {
                    state.overlay = None;
                }
            }
            run.end = Some(end);
            if ill {
                let also = if run.offers_back() { " and leads back" } else { "" };
                let key = state.shared.key(Action::Runs);
                text = format!("{} ({key} shows it{also})", text.trim_end_matches('.'));
            }
            if !watched {
                state.toast_for(Note { level, text }, std::time::Duration::from_secs(20));
            }
        }
    }
    tell_watched(state);
}

/// How an end looks.
fn level(outcome: Outcome) -> Level {
    match outcome {
        Outcome::Done => Level::Ok,
        Outcome::Failed => Level::Critical,
        Outcome::Refused | Outcome::TimedOut | Outcome::Superseded => Level::Warning,
        Outcome::Unknown => Level::Unknown,
    }
}

/// The way back from what has ended, as its plan promised it.
fn back(state: &mut State, request: RequestId) -> Vec<Effect> {
    let Some(run) = state.runs.iter().find(|run| run.request == request) else { return Vec::new() };
    if !run.leads_back() {
        let words = match &run.end {
            Some(end) if end.outcome == Outcome::Refused => {
                "Nothing was changed: there is nothing to go back from.".to_owned()
            }
            _ => format!("No key leads back from this. {}", sentence(&run.back)),
        };
        return warn(state, words);
    }
    let way = way_from_first(run).or_else(|| run.way.clone());
    let led = way.and_then(|way| Some((run.order.intent.verb.back_by(&way)?, way.with)));
    let Some((verb, with)) = led else { return Vec::new() };
    let objects = changed(run);
    let order = orders::order(&state.shared, Intent { verb, objects, with });
    // As by its key: what is watched is shown, and what is no way back any more is planned as what it is.
    begin(state, Begin::Plan(order))
}

/// The way back from a run of which no more than the first step was done, where it has one of its own.
fn way_from_first(run: &Run) -> Option<Way> {
    let unknown = run.end.as_ref().is_none_or(|end| end.outcome == Outcome::Unknown);
    let (first, others) = run.steps.split_first()?;
    let done = |step: &(String, Option<StepState>)| step.1 == Some(StepState::Done);
    let alone = done(first) && !others.is_empty() && !others.iter().any(done) && !unknown;
    alone.then(|| run.order.intent.verb.way_from_first()).flatten()
}

/// The objects that a run has changed, or may have: of several with a step each those whose step was done, where some were.
/// What it never came to needs no way back, and would be refused one.
fn changed(run: &Run) -> Vec<ObjectRef> {
    let objects = &run.order.intent.objects;
    let unknown = run.end.as_ref().is_some_and(|end| end.outcome == Outcome::Unknown);
    let done = |state: &Option<StepState>| match state {
        Some(StepState::Done) => true,
        Some(StepState::Failed) => unknown,
        Some(StepState::Doing) | None => false,
    };
    let some = run.steps.iter().any(|(_, state)| done(state));
    match run.steps.len() == objects.len() && some {
        true => {
            let pairs = objects.iter().zip(&run.steps);
            pairs.filter(|(_, (_, state))| done(state)).map(|(object, _)| object.clone()).collect()
        }
        false => objects.clone(),
    }
}

/// `There is none.`
fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::actions::named;
    use crate::change::intent::{Around, Place, With};
    use crate::journal::End;

    #[test]
    fn what_only_ended_a_pause_by_hand_is_led_back_by_a_pause() {
        let run = |verb: &str, second: StepState, outcome: Outcome| Run {
            request: RequestId(1),
            order: Order {
                intent: Intent { verb: named(verb).unwrap(), objects: Vec::new(), with: With::default() },
                place: Place::default(),
                around: Around::default(),
            },
            title: String::new(),
            place: "dev".into(),
            steps: vec![(String::new(), Some(StepState::Done)), (String::new(), Some(second))],
            watching: String::new(),
            guard: None,
            way: Some(Way::by("abort")),
            back: String::new(),
            guarded: false,
            end: Some(End { outcome, words: String::new() }),
            began: std::time::Duration::ZERO,
        };
        let way =
            |verb: &str, second, outcome| way_from_first(&run(verb, second, outcome)).map(|way| way.action);
        let pause = Some("pause".to_owned());
        assert_eq!(way("promote-step", StepState::Failed, Outcome::Failed), pause);
        assert_eq!(way("retry", StepState::Failed, Outcome::Failed), pause);
        assert_eq!(way("promote-full", StepState::Failed, Outcome::Unknown), None, "it may have arrived");
        assert_eq!(way("promote-full", StepState::Done, Outcome::TimedOut), None);
        assert_eq!(way("abort", StepState::Failed, Outcome::Failed), None, "its first step is the abort");
    }
}
