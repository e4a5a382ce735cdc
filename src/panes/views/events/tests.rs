use super::*;
use crate::effect::Question;
use crate::panes::views::testing::{self, NOW, answer, reference, screen, shared, survives_all_sizes};
use std::time::Duration;

fn event(kind: &str, reason: &str, about: &str, message: &str, count: u32, ago: i64) -> EventFact {
    EventFact {
        event_type: kind.into(),
        reason: reason.into(),
        about: about.into(),
        message: message.into(),
        count,
        first: NOW.plus(-360),
        last: NOW.plus(-ago),
    }
}

fn facts() -> Vec<EventFact> {
    vec![
        event(
            "Normal",
            "ScalingReplicaSet",
            "deployment/cart",
            "Scaled up replica set cart-7d9c from 0 to 1",
            1,
            360,
        ),
        event(
            "Normal",
            "Scheduled",
            "pod/cart-7d9c-x2kfp",
            "Successfully assigned shop-prod/cart-7d9c-x2kfp to gke-eu1-pool-2",
            1,
            359,
        ),
        event(
            "Warning",
            "Unhealthy",
            "pod/cart-7d9c-x2kfp",
            "Readiness probe failed: HTTP probe failed with statuscode: 503",
            9,
            40,
        ),
        event(
            "Warning",
            "BackOff",
            "pod/cart-7d9c-x2kfp",
            "Back-off restarting failed container app in pod cart-7d9c-x2kfp_shop-prod(0d3f8a52-19c4-4e58-9f0a-7c1de2b3a405)",
            1_418,
            5,
        ),
    ]
}

fn view(shared: &mut Shared) -> EventsView {
    let (mut view, effects) = EventsView::new(shared, reference(Kind::Deployment, "cart", 1));
    assert_eq!(effects.len(), 1);
    view.resize(78, 18);
    view
}

fn give(view: &mut EventsView, events: Vec<EventFact>) {
    let request = view.requests()[0];
    assert!(answer(view, request, Answer::Events(events)));
}

#[test]
fn newest_come_first_and_the_cursor_stays_on_its_event() {
    let mut shared = shared();
    let mut view = view(&mut shared);
    give(&mut view, facts());
    assert_eq!(&*view.current().unwrap().reason, "BackOff");
    view.act(&mut shared, Action::Down);
    assert_eq!(&*view.current().unwrap().reason, "Unhealthy");
    shared.now.mono += Duration::from_secs(10);
    assert_eq!(view.tick(&mut shared).len(), 1);
    let mut more = facts();
    more.push(event("Warning", "Killing", "pod/cart-7d9c-x2kfp", "Stopping container app", 1, 1));
    give(&mut view, more);
    assert_eq!(&*view.current().unwrap().reason, "Unhealthy");
    assert_eq!(view.scroll.cursor, 2);
}

#[test]
fn events_are_asked_again_every_ten_seconds_and_never_twice_at_once() {
    let mut shared = shared();
    let mut view = view(&mut shared);
    let first = view.requests()[0];
    shared.now.mono += Duration::from_secs(60);
    assert!(view.tick(&mut shared).is_empty(), "the first question still waits");
    give(&mut view, facts());
    let asked = view.tick(&mut shared);
    assert!(matches!(asked.as_slice(), [Effect::Ask(_, Question::Events(_))]), "{asked:?}");
    assert!(!answer(&mut view, first, Answer::Events(Vec::new())), "late answers are ignored");
    assert_eq!(view.events.len(), 4);
    give(&mut view, facts());
    shared.now.mono += Duration::from_secs(9);
    assert!(view.tick(&mut shared).is_empty());
    shared.now.mono += Duration::from_secs(1);
    assert_eq!(view.tick(&mut shared).len(), 1);
}

#[test]
fn a_failed_question_keeps_what_was_known_and_says_so() {
    let mut shared = shared();
    let mut view = view(&mut shared);
    give(&mut view, facts());
    shared.now.mono += Duration::from_secs(10);
    view.tick(&mut shared);
    let request = view.requests()[0];
    answer(&mut view, request, Answer::Failed("the server does not answer".into()));
    let text = screen(&mut view, &shared, 78, 18);
    assert!(
        text.contains("BackOff") && text.contains("cannot be read now: the server does not answer"),
        "{text}"
    );
}

#[test]
fn warnings_only_and_search() {
    let mut shared = shared();
    let mut view = view(&mut shared);
    give(&mut view, facts());
    view.act(&mut shared, Action::FaultsOnly);
    assert_eq!(view.shown.len(), 2);
    view.set_filter(&shared, "readiness").unwrap();
    assert_eq!(view.shown.len(), 1);
    view.act(&mut shared, Action::Back);
    view.act(&mut shared, Action::FaultsOnly);
    assert_eq!(view.shown.len(), 4);
}

#[test]
fn the_subject_is_the_pod_that_the_event_is_about() {
    let mut shared = shared();
    testing::incident(&mut shared);
    let mut view = view(&mut shared);
    give(&mut view, facts());
    let Some(Subject::Object(object)) = view.subject(&shared) else { panic!("no subject") };
    assert_eq!((object.kind, &*object.name), (Kind::Pod, "cart-7d9c-x2kfp"));
    view.act(&mut shared, Action::Bottom);
    assert_eq!(view.subject(&shared), Some(Subject::Object(view.object.clone())));
}

fn snapshots(name: &str, view: &mut EventsView, shared: &Shared) {
    for (width, height) in [(80, 24), (120, 40), (200, 50)] {
        let text = screen(view, shared, width - 2, height - 6);
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), text);
    }
    survives_all_sizes(view, shared);
}

#[test]
fn what_it_looks_like() {
    let mut shared = shared();
    testing::incident(&mut shared);
    let mut asking = view(&mut shared);
    snapshots("loading", &mut asking, &shared);
    let mut empty = view(&mut shared);
    give(&mut empty, Vec::new());
    snapshots("empty", &mut empty, &shared);
    let mut failing = view(&mut shared);
    let request = failing.requests()[0];
    answer(
        &mut failing,
        request,
        Answer::Failed("events is forbidden: User \"maria\" cannot list events".into()),
    );
    snapshots("failing", &mut failing, &shared);
    let mut full = view(&mut shared);
    give(&mut full, facts());
    full.act(&mut shared, Action::Down);
    snapshots("full", &mut full, &shared);
}
