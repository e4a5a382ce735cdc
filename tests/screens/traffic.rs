//! Blue/green pairs, and the guard of a switch, at three sizes.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use pilothouse::change::actions::named;
use pilothouse::change::execute::{Progress, StepState};
use pilothouse::change::guard::{Gauge, Guarded, Told};
use pilothouse::change::intent::{Around, Intent, Order, Place, Way, With};
use pilothouse::domain::id::{ClusterId, Kind, ObjectRef};
use pilothouse::domain::meta::Labels;
use pilothouse::domain::network::Service;
use pilothouse::domain::selector::Selector;
use pilothouse::effect::Effect;
use pilothouse::journal::{Closing, End, Entry, Intention, Object, Outcome, Reading};
use pilothouse::msg::{ClusterMsg, Delta, Facts, Msg, RequestId};
use pilothouse::panes::PaneId;

use pilothouse::state::sheet::{Run, Sheet};
use pilothouse::state::{Overlay, State};
use pilothouse::update::{settle, update};

use super::stage::{self, NOW, Scene, uid};
use super::{SIZES, focus, picture, press};

const GKE: ClusterId = ClusterId(1);

fn pair(state: &mut State) {
    pair_at(state, "blue");
}

/// A pair whose Service leads to this colour.
fn pair_at(state: &mut State, live: &str) {
    let labels =
        |colour: &str| Labels::new(vec![("app".into(), "checkout".into()), ("color".into(), colour.into())]);
    let selector = Selector::equal([("app".into(), "checkout".into()), ("color".into(), live.into())]);
    let service = Service {
        uid: uid("service checkout"),
        namespace: "shop-prod".into(),
        name: "checkout".into(),
        labels: Labels::default(),
        selector: Some(selector),
        service_type: "ClusterIP".into(),
        cluster_ip: "10.0.3.9".into(),
        external: Arc::from([]),
        ports: Arc::from([]),
        of_rollouts: false,
        created: NOW.wall,
    };
    let workload = |colour: &str, release: &str| {
        let mut one = stage::deployment("shop-prod", &format!("checkout-{colour}"), release, 4);
        one.pod_labels = labels(colour);
        Delta::Put(one)
    };
    let both = vec![workload("blue", "3.4.2"), workload("green", "3.5.0")];
    for facts in [Facts::Services(vec![Delta::Put(service)]), Facts::Workloads(Kind::Deployment, both)] {
        update(state, Msg::Cluster(GKE, ClusterMsg::Facts(facts)), NOW);
    }
}

#[test]
fn pairs_and_what_is_said_without_one() {
    for size in SIZES {
        let mut all = String::new();
        for scene in Scene::ALL {
            let mut state = stage::state(scene, size, stage::dark());
            focus(&mut state, PaneId::Traffic);
            state.zoomed = true;
            if matches!(scene, Scene::Full | Scene::Stale) {
                settle(&mut state);
                writeln!(all, "{scene:?}, no pair\n{}", picture(&state)).unwrap();
                pair(&mut state);
            }
            settle(&mut state);
            writeln!(all, "{scene:?}\n{}", picture(&state)).unwrap();
        }
        insta::assert_snapshot!(format!("traffic-{}x{}", size.0, size.1), all);
    }
}

fn order(back: bool) -> Order {
    let object = ObjectRef {
        cluster: GKE,
        kind: Kind::Service,
        namespace: "shop-prod".into(),
        name: "checkout".into(),
        uid: uid("service checkout"),
    };
    let to = if back { "blue" } else { "green" };
    Order {
        intent: Intent {
            verb: named("switch").unwrap(),
            objects: vec![object],
            with: With { to: Some(to.to_owned()), back, ..With::default() },
        },
        place: Place { cluster: GKE, environment: "production".into(), ..Place::default() },
        around: Around::default(),
    }
}

fn guarded(bad: bool) -> Guarded {
    let errors = [900, 1_200, 800, 24_000, 61_000, if bad { 240_000 } else { 4_000 }];
    let last = *errors.last().unwrap();
    Guarded {
        stays: String::new(),
        to: "green".into(),
        from: "blue".into(),
        at: Duration::from_secs(72),
        window: Duration::from_secs(120),
        ready: Told::Is(4),
        needed: 4,
        old_ready: Some(4),
        receiving: Told::Is((4, 0)),
        followed: Some(Duration::from_millis(1_800)),
        errors: Gauge { now: Told::Is(last), limit: 50_000, points: errors.map(Some).to_vec() },
        latency: Gauge {
            now: Told::Unknown("Prometheus has no such series of it yet".to_owned()),
            limit: 2_000,
            points: vec![None],
        },
        breach: if bad {
            vec!["errors of green are 24 % (limit 5 %, blue had 0.1 %)".to_owned()]
        } else {
            Vec::new()
        },
        turning: if bad { "breach after 72 s: leading back to blue".to_owned() } else { String::new() },
    }
}

/// What the journal has of it.
fn switched() -> Entry {
    let with = |to: &str, back| With { to: Some(to.to_owned()), back, ..With::default() };
    let intent = Intention {
        action: "switch".to_owned(),
        objects: vec![Object { uid: uid("service checkout").to_string(), ..Object::default() }],
        with: with("green", false),
        back: Some(Way::same(with("blue", true))),
        ..Intention::default()
    };
    let end = Closing { outcome: Outcome::Failed, ..Closing::default() };
    Entry { intent, steps: Vec::new(), end: Some(end), running: false }
}

fn running(state: &mut State) -> RequestId {
    let request = state.shared.new_request();
    state.runs.push(Run {
        request,
        order: order(false),
        title: "switch svc/checkout blue → green".to_owned(),
        place: "production".into(),
        steps: vec![("lead svc/checkout to green: done".to_owned(), Some(StepState::Done))],
        watching: String::new(),
        guard: None,
        way: Some(Way::same(With { to: Some("blue".to_owned()), back: true, ..With::default() })),
        back: "u switches back".to_owned(),
        guarded: true,
        end: None,
        began: NOW.mono.saturating_sub(Duration::from_secs(73)),
    });
    state.overlay = Some(Overlay::Change(Box::new(Sheet::Running(request))));
    request
}

#[test]
fn a_guard_as_it_happens() {
    for size in SIZES {
        let mut all = String::new();
        for bad in [false, true] {
            let mut state = stage::state(Scene::Full, size, stage::dark());
            let request = running(&mut state);
            update(&mut state, Msg::Progress(request, Progress::Guard(Box::new(guarded(bad)))), NOW);
            settle(&mut state);
            writeln!(all, "{}\n{}", if bad { "a breach" } else { "so far well" }, picture(&state)).unwrap();
        }
        insta::assert_snapshot!(format!("guard-{}x{}", size.0, size.1), all);
    }
}

#[test]
fn it_is_led_back_by_one_key_without_a_question_while_it_is_watched() {
    let mut state = stage::state(Scene::Full, (120, 40), stage::dark());
    let request = running(&mut state);
    let key = |state: &mut State| -> Vec<Effect> {
        let event = crossterm::event::KeyEvent::from(crossterm::event::KeyCode::Char('u'));
        update(state, Msg::Input(crossterm::event::Event::Key(event)), NOW)
    };
    assert_eq!(
        key(&mut state),
        [Effect::TurnBack(request)],
        "heard before it has arrived: it is led back then"
    );
    update(&mut state, Msg::Progress(request, Progress::Guard(Box::new(guarded(false)))), NOW);
    settle(&mut state);
    assert_eq!(key(&mut state), [Effect::TurnBack(request)]);
    update(&mut state, Msg::Progress(request, Progress::Guard(Box::new(guarded(true)))), NOW);
    assert!(key(&mut state).is_empty(), "it is being led back already");
    let end = End { outcome: Outcome::Failed, words: "breach".to_owned() };
    update(&mut state, Msg::Progress(request, Progress::Ended(end)), NOW);
    update(&mut state, Msg::Journal(Ok(Reading { entries: vec![switched()], torn: Vec::new() })), NOW);
    settle(&mut state);
    let effects = key(&mut state);
    let [Effect::Plan(_, order)] = effects.as_slice() else { panic!("{effects:?}") };
    assert!(order.intent.with.back && order.intent.with.to.as_deref() == Some("blue"), "{order:?}");
}

#[test]
fn who_asks_for_the_same_switch_again_is_shown_its_guard() {
    let mut state = stage::state(Scene::Full, (120, 40), stage::dark());
    pair(&mut state);
    focus(&mut state, PaneId::Traffic);
    settle(&mut state);
    let request = running(&mut state);
    update(&mut state, Msg::Progress(request, Progress::Guard(Box::new(guarded(false)))), NOW);
    state.overlay = None;
    settle(&mut state);
    press(&mut state, "w");
    let shown = |state: &State| matches!(&state.overlay, Some(Overlay::Change(sheet)) if matches!(**sheet, Sheet::Running(seen) if seen == request));
    assert!(shown(&state), "{}", picture(&state));
}

#[test]
fn the_colour_that_a_switch_left_is_scaled_down_by_a_key() {
    let mut state = stage::state(Scene::Full, (120, 40), stage::dark());
    pair_at(&mut state, "green");
    let request = running(&mut state);
    update(&mut state, Msg::Progress(request, Progress::Guard(Box::new(guarded(false)))), NOW);
    press(&mut state, "s");
    assert!(
        matches!(&state.overlay, Some(Overlay::Change(sheet)) if matches!(**sheet, Sheet::Running(_))),
        "it is needed still"
    );
    let end = End { outcome: Outcome::Done, words: "green is live: no breach in 120 s".to_owned() };
    update(&mut state, Msg::Progress(request, Progress::Ended(end)), NOW);
    settle(&mut state);
    assert!(picture(&state).contains("s scales blue down"), "{}", picture(&state));
    press(&mut state, "s");
    settle(&mut state);
    assert!(picture(&state).contains("Scale checkout-blue in production"), "{}", picture(&state));
    assert!(picture(&state).contains("4 → 0"), "{}", picture(&state));
    // Somebody leads back to blue, by whatever means: it is not the one that nothing needs any more.
    state.overlay = Some(Overlay::Change(Box::new(Sheet::Running(request))));
    pair_at(&mut state, "blue");
    settle(&mut state);
    press(&mut state, "s");
    assert!(picture(&state).contains("blue has the traffic of checkout again"), "{}", picture(&state));
}
