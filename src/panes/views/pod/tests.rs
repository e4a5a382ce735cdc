use super::*;
use crate::domain::id::Kind;
use crate::domain::meta::Resources;
use crate::domain::pod_detail::{ContainerDetail, ContainerRole, ContainerState, Termination};
use crate::msg::ClusterMsg;
use crate::panes::views::testing::{
    self, NOW, answer, condition, reference, screen, shared, survives_all_sizes,
};

fn view(shared: &mut Shared) -> PodView {
    let (mut view, effects) = PodView::new(shared, reference(Kind::Pod, "cart-7d9c-x2kfp", 21));
    assert!(
        matches!(effects.as_slice(), [Effect::Ask(_, Question::Pod(_)), Effect::Ask(_, Question::Events(_))]),
        "{effects:?}"
    );
    view.resize(78, 18);
    view
}

fn detail() -> PodDetail {
    PodDetail {
        phase: "Running".into(),
        ip: "10.4.2.17".into(),
        host_ip: "10.0.0.3".into(),
        qos: "Burstable".into(),
        service_account: "cart".into(),
        conditions: vec![
            condition("Initialized", "True", "", ""),
            condition("PodScheduled", "True", "", ""),
            condition("Ready", "False", "ContainersNotReady", "containers with unready status: [app]"),
        ],
        containers: vec![
            ContainerDetail {
                name: "migrate".into(),
                image: "registry.example/shop/migrate:4".into(),
                role: ContainerRole::Init,
                state: ContainerState::Terminated(Termination {
                    reason: "Completed".into(),
                    started: Some(NOW.plus(-379)),
                    finished: Some(NOW.plus(-377)),
                    ..Termination::default()
                }),
                ..ContainerDetail::default()
            },
            ContainerDetail {
                name: "app".into(),
                image: "registry.example/shop/cart:1.31.0".into(),
                digest: "sha256:4be1f00d4be1f00d4be1f00d".into(),
                state: ContainerState::Waiting {
                    reason: "CrashLoopBackOff".into(),
                    message: "back-off 2m40s restarting failed container=app pod=cart-7d9c-x2kfp_shop-prod"
                        .into(),
                },
                last: Some(Termination {
                    reason: "OOMKilled".into(),
                    code: 137,
                    started: Some(NOW.plus(-43)),
                    finished: Some(NOW.plus(-31)),
                    ..Termination::default()
                }),
                restarts: 6,
                requests: Resources { cpu_milli: 100, memory: 64 << 20 },
                limits: Resources { cpu_milli: 0, memory: 128 << 20 },
                usage: Some(Resources { cpu_milli: 12, memory: 121 << 20 }),
                ports: "http 8080/TCP".into(),
                ..ContainerDetail::default()
            },
            ContainerDetail {
                name: "proxy".into(),
                image: "registry.example/mesh/proxy:2.1".into(),
                role: ContainerRole::Sidecar,
                state: ContainerState::Running { since: Some(NOW.plus(-376)) },
                ready: true,
                ..ContainerDetail::default()
            },
        ],
        ..PodDetail::default()
    }
}

fn events() -> Vec<EventFact> {
    vec![
        EventFact {
            event_type: "Warning".into(),
            reason: "BackOff".into(),
            about: "pod/cart-7d9c-x2kfp".into(),
            message: "Back-off restarting failed container app in pod cart-7d9c-x2kfp_shop-prod".into(),
            count: 18,
            first: NOW.plus(-300),
            last: NOW.plus(-5),
        },
        EventFact {
            event_type: "Normal".into(),
            reason: "Pulled".into(),
            about: "pod/cart-7d9c-x2kfp".into(),
            message: "Container image \"registry.example/shop/cart:1.31.0\" already present on machine"
                .into(),
            count: 7,
            first: NOW.plus(-378),
            last: NOW.plus(-43),
        },
    ]
}

fn give(view: &mut PodView) {
    let requests = view.requests();
    assert!(answer(view, requests[0], Answer::Pod(Box::new(detail()))));
    assert!(answer(view, requests[1], Answer::Events(events())));
}

#[test]
fn a_pod_that_changes_is_asked_for_again_at_once() {
    let mut shared = shared();
    testing::incident(&mut shared);
    let mut view = view(&mut shared);
    give(&mut view);
    assert!(view.tick(&mut shared).is_empty());
    let mut pod = shared.world.find_pod(&view.object).unwrap().clone();
    pod.restarts += 1;
    testing::put_pods(&mut shared, vec![pod]);
    let asked = view.tick(&mut shared);
    assert!(matches!(asked.as_slice(), [Effect::Ask(_, Question::Pod(_))]), "{asked:?}");
    assert!(view.tick(&mut shared).is_empty(), "it waits for the answer");
}

#[test]
fn late_answers_are_ignored_and_a_pod_that_went_is_kept_as_it_was() {
    let mut shared = shared();
    testing::incident(&mut shared);
    let mut view = view(&mut shared);
    let requests = view.requests();
    give(&mut view);
    for request in requests {
        assert!(!answer(&mut view, request, Answer::Failed("late".into())));
    }
    let gone = crate::msg::Delta::Gone(view.object.uid);
    testing::tell(&mut shared, ClusterMsg::Facts(crate::msg::Facts::Pods(vec![gone])));
    let text = screen(&mut view, &shared, 100, 30);
    assert!(text.contains("gone: this is how it was") && text.contains("OOMKilled"), "{text}");
    shared.now.mono += std::time::Duration::from_secs(60);
    assert!(view.tick(&mut shared).is_empty(), "nothing is asked of it any more");
}

#[test]
fn the_cursor_goes_over_containers_and_logs_are_those_of_the_selected_one() {
    let mut shared = shared();
    testing::incident(&mut shared);
    let mut view = view(&mut shared);
    give(&mut view);
    view.refresh(&shared);
    assert_eq!(view.container().map(|name| &**name), Some("app"));
    for _ in 0..12 {
        view.act(&mut shared, Action::Down);
    }
    assert_eq!(view.container().map(|name| &**name), Some("proxy"));
    assert_eq!(view.applies(&shared, Action::Logs), Applies::Yes);
    let outcome = view.act(&mut shared, Action::Logs);
    let Effect::Ask(_, Question::Logs(request)) = &outcome.effects[0] else { panic!("{outcome:?}") };
    assert_eq!(request.container.as_deref(), Some("proxy"));
}

fn snapshots(name: &str, view: &mut PodView, shared: &Shared) {
    for (width, height) in [(80, 24), (120, 40), (200, 50)] {
        let text = screen(view, shared, width - 2, height - 6);
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), text);
    }
    survives_all_sizes(view, shared);
}

#[test]
fn what_it_looks_like() {
    let mut loading = testing::loading();
    let mut unknown = view(&mut loading);
    snapshots("unknown", &mut unknown, &loading);
    let mut shared = shared();
    let mut gone = view(&mut shared);
    snapshots("gone", &mut gone, &shared);

    testing::incident(&mut shared);
    let mut asking = view(&mut shared);
    snapshots("loading", &mut asking, &shared);

    let mut failing = view(&mut shared);
    for request in failing.requests() {
        answer(&mut failing, request, Answer::Failed("User \"maria\" cannot get pods".into()));
    }
    snapshots("failing", &mut failing, &shared);

    let mut full = view(&mut shared);
    give(&mut full);
    snapshots("full", &mut full, &shared);
}
