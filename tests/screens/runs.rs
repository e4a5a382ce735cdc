//! What is being changed is shown again, what has been is led back, what an earlier program left is gone on with.

use crossterm::event::{Event, KeyCode, KeyEvent};
use pilothouse::change::execute::{Progress, StepState};
use pilothouse::change::standing::Stand;
use pilothouse::domain::id::{Kind, ObjectRef};
use pilothouse::effect::Effect;
use pilothouse::journal::{End, Entry, Intention, Object, Outcome, Reading, StepDone, Way, With};
use pilothouse::keymap::Keys;
use pilothouse::msg::{Msg, RequestId};
use pilothouse::panes::PaneId;
use pilothouse::state::sheet::{Run, Sheet};
use pilothouse::state::{Overlay, State};
use pilothouse::update::{settle, update};

use super::plans::{come, plan, well};
use super::stage::{self, NOW, Scene, uid};
use super::{focus, picture, press};

fn key(state: &mut State, code: char) -> Vec<Effect> {
    let effects = update(state, Msg::Input(Event::Key(KeyEvent::from(KeyCode::Char(code)))), NOW);
    settle(state);
    effects
}

/// Two scales that run, and nothing in front of them.
fn two(size: (u16, u16)) -> (State, [RequestId; 2]) {
    let mut state = stage::state(Scene::Full, size, stage::dark());
    let runs = ["scale deploy/cart 3 → 5", "scale deploy/checkout 4 → 8"].map(|title| {
        let request = state.shared.new_request();
        let plan = plan(false, well());
        state.runs.push(Run {
            request,
            title: title.to_owned(),
            place: "production".into(),
            steps: vec![(format!("{title}: done"), None)],
            watching: "3 of 5 pods ready".to_owned(),
            guard: None,
            way: plan.way.clone(),
            back: plan.back.clone(),
            guarded: false,
            order: plan.order,
            end: None,
            began: NOW.mono,
        });
        request
    });
    settle(&mut state);
    (state, runs)
}

fn shown(state: &State) -> Option<RequestId> {
    match &state.overlay {
        Some(Overlay::Change(sheet)) => match **sheet {
            Sheet::Running(request) => Some(request),
            _ => None,
        },
        _ => None,
    }
}

#[test]
fn what_runs_is_shown_again_by_a_key() {
    let (mut state, [first, second]) = two((120, 40));
    key(&mut state, 'W');
    insta::assert_snapshot!("runs", picture(&state));
    press(&mut state, "j enter");
    assert_eq!(shown(&state), Some(first), "the newest stands first");
    assert!(picture(&state).contains("enter shows it live"), "{}", picture(&state));
    press(&mut state, "enter");
    assert!(state.overlay.is_none() && state.views.len() == 1, "{}", picture(&state));
    assert!(picture(&state).contains("scale deploy/cart 3 → 5"), "it is told of still: {}", picture(&state));
    press(&mut state, "esc");
    assert!(state.views.is_empty());
    key(&mut state, 'W');
    press(&mut state, "j enter esc");
    assert!(state.overlay.is_none());
    state.runs.remove(0);
    key(&mut state, 'W');
    assert_eq!(shown(&state), Some(second), "the only one is shown at once");
    press(&mut state, "esc");
    state.runs.clear();
    key(&mut state, 'W');
    assert!(
        picture(&state).contains("Nothing was changed from here since the start."),
        "{}",
        picture(&state)
    );
}

#[test]
fn a_status_line_that_is_too_short_says_how_many_more_run() {
    let status = |size| {
        let (state, _) = two(size);
        let frame = picture(&state);
        frame.lines().find(|line| line.contains("scale deploy/cart 3")).unwrap().trim_end().to_owned()
    };
    let narrow = status((80, 24));
    assert!(narrow.ends_with("+1 more  W"), "{narrow}");
    let wide = status((200, 50));
    assert!(wide.contains("scale deploy/checkout 4 → 8") && wide.ends_with("  W"), "{wide}");
}

#[test]
fn what_fails_unseen_names_the_key_that_shows_it_and_leads_back() {
    let (mut state, [first, second]) = two((120, 40));
    let end = |outcome| End { outcome, words: "its deadline has passed: 1 of 5 pods new.".to_owned() };
    update(&mut state, Msg::Progress(first, Progress::Ended(end(Outcome::Failed))), NOW);
    settle(&mut state);
    let toasts: Vec<&str> = state.toasts.iter().map(|toast| toast.note.text.as_str()).collect();
    assert!(toasts.iter().any(|text| text.ends_with("pods new (W shows it and leads back)")), "{toasts:?}");
    key(&mut state, 'W');
    press(&mut state, "j enter");
    let effects = key(&mut state, 'u');
    let [Effect::Plan(_, order)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((order.intent.verb.name(), order.intent.with.replicas), ("scale", Some(3)));
    update(&mut state, Msg::Progress(second, Progress::Ended(end(Outcome::Done))), NOW);
    let last = &state.toasts.last().unwrap().note.text;
    assert!(!last.contains("shows it"), "{last}");
}

#[test]
fn what_stopped_half_way_is_led_back_as_far_as_it_came() {
    for (outcome, back) in [(Outcome::Failed, 1), (Outcome::Unknown, 2)] {
        let (mut state, [first, _]) = two((120, 40));
        let run = &mut state.runs[0];
        let one = run.order.intent.objects[0].clone();
        let named = |name: &str| ObjectRef { name: name.into(), ..one.clone() };
        run.order.intent.objects = vec![named("a"), named("b"), named("c")];
        let steps = [Some(StepState::Done), Some(StepState::Failed), None];
        run.steps = steps.map(|state| ("pause".to_owned(), state)).to_vec();
        run.end = Some(End { outcome, words: "b was refused".to_owned() });
        state.overlay = Some(Overlay::Change(Box::new(Sheet::Running(first))));
        let effects = key(&mut state, 'u');
        let [Effect::Plan(_, order)] = effects.as_slice() else { panic!("{effects:?}") };
        let names: Vec<&str> = order.intent.objects.iter().map(|object| &*object.name).collect();
        assert_eq!(names, ["a", "b"][..back]);
    }
}

fn left(action: &str, title: &str, back: Option<Way>) -> Entry {
    let object = Object {
        kind: "Deployment".to_owned(),
        namespace: "shop-prod".to_owned(),
        name: "cart".to_owned(),
        uid: uid("cart").to_string(),
        ..Object::default()
    };
    let intent = Intention {
        id: format!("id of {action}"),
        at: "2026-11-21T14:00:00Z".to_owned(),
        action: action.to_owned(),
        title: title.to_owned(),
        environment: "production".to_owned(),
        context: "gke-eu1".to_owned(),
        objects: vec![object],
        back,
        ..Intention::default()
    };
    Entry { intent, steps: Vec::new(), end: None, running: false }
}

#[test]
fn of_many_steps_what_matters_is_in_sight() {
    let (mut state, [first, _]) = two((80, 24));
    let run = &mut state.runs[0];
    run.watching.clear();
    run.steps = (0..40).map(|nth| (format!("evict shop-prod/cart-{nth}"), None)).collect();
    for at in 0..17 {
        let done = Progress::Step(at, StepState::Done, format!("evict shop-prod/cart-{at}: done"));
        update(&mut state, Msg::Progress(first, done), NOW);
    }
    let waits = "evict shop-prod/cart-17: waits: The disruption budget cart needs 3 healthy pods";
    update(&mut state, Msg::Progress(first, Progress::Step(17, StepState::Doing, waits.to_owned())), NOW);
    settle(&mut state);
    // The line above the footer names the budget too.
    let wide = picture(&state);
    assert!(wide.contains("17/40 done, evict"), "{wide}");
    state.overlay = Some(Overlay::Change(Box::new(Sheet::Running(first))));
    settle(&mut state);
    insta::assert_snapshot!("many_steps", picture(&state));
    let end =
        End { outcome: Outcome::TimedOut, words: "shop-prod/cart-17 still waits after 600 s.".to_owned() };
    update(&mut state, Msg::Progress(first, Progress::Ended(end)), NOW);
    settle(&mut state);
    let ended = picture(&state);
    assert!(ended.contains("still waits after 600 s.") && ended.contains("esc close"), "{ended}");
}

#[test]
fn what_was_left_can_be_put_off_and_is_found_again() {
    let pause = || vec![left("pause", "pause deploy/cart", Some(Way::by("resume")))];
    let mut state = found(pause());
    press(&mut state, "esc");
    let frame = picture(&state);
    assert!(state.overlay.is_none() && frame.contains("1 action without an outcome W"), "{frame}");
    key(&mut state, 'W');
    assert!(picture(&state).contains("Begun from here by a program"), "{}", picture(&state));
    // Beside what was changed from here it stands last.
    press(&mut state, "esc");
    state.runs = two((120, 40)).0.runs;
    key(&mut state, 'W');
    press(&mut state, "j j enter");
    assert!(picture(&state).contains("Begun from here by a program"), "{}", picture(&state));

    // What is being gone on with is not planned a second time, and not counted.
    state.runs[0].order.around.instead_of = Some("id of pause".to_owned());
    assert!(press_enter(&mut state).is_empty(), "{}", picture(&state));
    press(&mut state, "esc");
    let frame = picture(&state);
    assert!(frame.contains("It is being gone on with") && !frame.contains("without an outcome"), "{frame}");

    // What comes by itself takes no key that was meant for something else.
    let mut state = stage::state(Scene::Full, (120, 40), stage::dark());
    update(&mut state, Msg::Journal(Ok(Reading { entries: pause(), torn: Vec::new() })), NOW);
    assert!(key_unseen(&mut state, 'd').is_empty() && state.abandoned.len() == 1);
    settle(&mut state);
    let effects = key(&mut state, 'd');
    assert!(matches!(effects.as_slice(), [Effect::Close(..)]), "{effects:?}");
}

fn press_enter(state: &mut State) -> Vec<Effect> {
    settle(state);
    update(state, Msg::Input(Event::Key(KeyEvent::from(KeyCode::Enter))), NOW)
}

/// A key before the next frame.
fn key_unseen(state: &mut State, code: char) -> Vec<Effect> {
    update(state, Msg::Input(Event::Key(KeyEvent::from(KeyCode::Char(code)))), NOW)
}

/// The screen of a program that finds these in the journal.
fn found(entries: Vec<Entry>) -> State {
    let mut state = stage::state(Scene::Full, (120, 40), stage::dark());
    let effects = update(&mut state, Msg::Journal(Ok(Reading { entries, torn: Vec::new() })), NOW);
    assert!(effects.iter().all(|effect| matches!(effect, Effect::Look(..))), "{effects:?}");
    settle(&mut state);
    state
}

#[test]
fn what_was_left_by_an_earlier_program_is_led_back_by_its_own_way() {
    for (action, back, leads, revision) in [
        ("pause", Way::by("resume"), "resume", None),
        ("scale", Way::same(With { replicas: Some(3), ..With::default() }), "scale", None),
        (
            "restart",
            Way { action: "undo".to_owned(), with: With { revision: Some(7), ..With::default() } },
            "undo",
            Some(7),
        ),
    ] {
        let mut state = found(vec![left(action, &format!("{action} deploy/cart"), Some(back))]);
        let effects = key(&mut state, 'u');
        let [Effect::Plan(_, order)] = effects.as_slice() else { panic!("{effects:?}\n{}", picture(&state)) };
        assert_eq!((order.intent.verb.name(), order.intent.with.revision), (leads, revision));
        assert_eq!(order.around.instead_of.as_deref(), Some(format!("id of {action}").as_str()));
    }
    // Killed between two requests: what ended the pause by hand is taken back, and not the whole release.
    let request = |step, outcome: &str| StepDone { step, outcome: outcome.to_owned(), ..StepDone::default() };
    for (steps, leads) in [
        (vec![request(1, "sent"), request(1, "done")], "pause"),
        (vec![request(1, "done"), request(2, "sent")], "abort"),
    ] {
        let mut promoted = left("promote-step", "promote ro/cart", Some(Way::by("abort")));
        promoted.intent.objects[0].kind = "Rollout".to_owned();
        promoted.intent.requests = vec![Default::default(), Default::default()];
        promoted.steps = steps;
        let mut state = found(vec![promoted]);
        let effects = key(&mut state, 'u');
        let [Effect::Plan(_, order)] = effects.as_slice() else { panic!("{effects:?}\n{}", picture(&state)) };
        assert_eq!(order.intent.verb.name(), leads);
    }
    let mut state = found(vec![left("delete", "delete pod/cart-a", None)]);
    assert!(key(&mut state, 'u').is_empty());
    assert!(picture(&state).contains("There is no way back from delete pod/cart-a"), "{}", picture(&state));
}

#[test]
fn what_is_planned_on_is_no_longer_without_an_outcome_once_it_is_done() {
    let mut state = found(vec![left("pause", "pause deploy/cart", Some(Way::by("resume")))]);
    let mut on = plan(false, well());
    on.order.around.instead_of = Some("id of pause".to_owned());
    state.overlay = come(on, (120, 40)).overlay;
    settle(&mut state);
    assert_eq!(state.abandoned.len(), 1, "a plan alone ends nothing");
    let effects = key(&mut state, 'y');
    let [Effect::Execute(request, _)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(state.abandoned.len(), 1, "nothing is done yet");
    let mut ended = |outcome| {
        let end = End { outcome, words: "so it is.".to_owned() };
        update(&mut state, Msg::Progress(*request, Progress::Ended(end)), NOW);
        state.abandoned.len()
    };
    assert_eq!(ended(Outcome::Refused), 1, "nothing was done");
    assert_eq!(ended(Outcome::Done), 0);
}

#[test]
fn of_several_that_were_left_half_way_back_and_on_are_for_what_they_concern() {
    for (pressed, verb, of) in [("u", "resume", "cart"), ("enter", "pause", "web")] {
        let mut entry = left("pause", "pause 2 objects", Some(Way::by("resume")));
        let other =
            Object { name: "web".to_owned(), uid: uid("web").to_string(), ..entry.intent.objects[0].clone() };
        entry.intent.objects.push(other);
        let mut state = found(vec![entry]);
        // Those that its cluster was asked about.
        let Some(cluster) = state.abandoned[0].cluster else { panic!("{}", picture(&state)) };
        let object = |name: &str| ObjectRef {
            cluster,
            kind: Kind::Deployment,
            namespace: "shop-prod".into(),
            name: name.into(),
            uid: uid(name),
        };
        let stand = Stand::Partly { done: vec![object("cart")], left: vec![object("web")] };
        update(&mut state, Msg::Stands("id of pause".to_owned(), stand), NOW);
        settle(&mut state);
        let words = "partly done: deploy/cart as wanted, deploy/web as before";
        assert!(picture(&state).contains(words), "{}", picture(&state));
        let keys = Keys::parse(pressed).unwrap();
        let effects = update(&mut state, Msg::Input(Event::Key(keys.0[0].event())), NOW);
        let [Effect::Plan(_, order)] = effects.as_slice() else { panic!("{effects:?}") };
        let names: Vec<&str> = order.intent.objects.iter().map(|object| &*object.name).collect();
        assert_eq!((order.intent.verb.name(), names.as_slice()), (verb, [of].as_slice()));
    }
}

#[test]
fn a_switch_that_was_left_unwatched_says_so() {
    let mut state = found(vec![left("switch", "switch svc/checkout blue → green", None)]);
    update(&mut state, Msg::Stands("id of switch".to_owned(), Stand::AsWanted), NOW);
    settle(&mut state);
    assert!(picture(&state).contains("nobody watches it any more"), "{}", picture(&state));
}

#[test]
fn the_journal_is_filtered_by_what_is_typed() {
    let mut state = stage::state(Scene::Full, (120, 40), stage::dark());
    focus(&mut state, PaneId::Pods);
    press(&mut state, "0");
    let mut shell = left("shell", "shell in pod/web-1", None);
    shell.running = true;
    let entries = vec![left("pause", "pause deploy/cart", None), shell];
    state.looked_back = true;
    update(&mut state, Msg::Journal(Ok(Reading { entries, torn: Vec::new() })), NOW);
    settle(&mut state);
    press(&mut state, "/ p a u s e enter");
    settle(&mut state);
    let frame = picture(&state);
    assert!(frame.contains("pause deploy/cart") && !frame.contains("shell in pod/web-1"), "{frame}");
    assert!(frame.contains("1 of 2"), "{frame}");
    press(&mut state, "/ x x x enter");
    settle(&mut state);
    assert!(picture(&state).contains("Nothing of 2 matches pausexxx."), "{}", picture(&state));
    press(&mut state, "esc");
    settle(&mut state);
    assert!(picture(&state).contains("shell in pod/web-1"), "{}", picture(&state));
}
