//! What a click or a number from the cluster changes on a screen that stands.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use pilothouse::domain::id::ClusterId;
use pilothouse::domain::link::{Feed, Link};
use pilothouse::domain::meta::Resources;
use pilothouse::layout::{self, Slot};
use pilothouse::msg::{ClusterMsg, Delta, Facts, Msg, Urgency, Usage};
use pilothouse::panes::PaneId;
use pilothouse::panes::metrics::target::Target;
use pilothouse::state::{Overlay, State};
use pilothouse::update::{settle, update};

use super::stage::{self, NOW, Scene};
use super::{focus, picture, press};

/// Clicks into the middle of a pane.
fn click(state: &mut State, id: PaneId) {
    let at = state.pane(id).unwrap();
    let areas = layout::areas(state);
    let (_, area) = areas.panes.iter().find(|(slot, _)| *slot == Slot::Pane(at)).unwrap();
    let mouse = MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column: area.x + area.width / 2,
        row: area.y + area.height / 2,
        modifiers: KeyModifiers::NONE,
    };
    update(state, Msg::Input(Event::Mouse(mouse)), NOW);
    settle(state);
}

/// The line of a pane's title.
fn title(state: &State, name: &str) -> String {
    let picture = picture(state);
    picture.lines().find(|line| line.contains(name)).unwrap().to_owned()
}

#[test]
fn a_click_ends_what_is_being_typed() {
    let mut state = stage::state(Scene::Full, (120, 40), stage::dark());
    focus(&mut state, PaneId::Pods);
    settle(&mut state);
    press(&mut state, "/ c a");
    assert!(state.typing.is_some());
    assert!(title(&state, "Pods").contains("ca"), "{}", title(&state, "Pods"));

    click(&mut state, PaneId::Releases);
    assert_eq!(state.focus, state.pane(PaneId::Releases).unwrap());
    assert!(state.typing.is_none());
    press(&mut state, "j");
    assert!(!title(&state, "Releases").contains("caj"), "the rest of the filter went to another pane");
    assert!(title(&state, "Pods").contains("ca"), "what was typed stays where it was typed");
}

#[test]
fn a_selector_that_was_not_finished_is_not_complained_about_after_a_click() {
    let mut state = stage::state(Scene::Full, (120, 40), stage::dark());
    focus(&mut state, PaneId::Pods);
    settle(&mut state);
    press(&mut state, "/ - l space a p p space i n");
    assert!(state.typing_error.is_some());
    click(&mut state, PaneId::Releases);
    assert_eq!(state.typing_error, None);
}

#[test]
fn a_click_beside_the_palette_changes_nothing() {
    let mut state = stage::state(Scene::Full, (120, 40), stage::dark());
    focus(&mut state, PaneId::Pods);
    press(&mut state, ": e n");
    click(&mut state, PaneId::Releases);
    press(&mut state, "v");
    assert_eq!(state.focus, state.pane(PaneId::Pods).unwrap());
    let Some(Overlay::Palette(palette)) = &state.overlay else { panic!("the palette was closed") };
    assert_eq!(palette.input.value(), "env");
}

#[test]
fn an_order_by_use_follows_new_numbers() {
    let mut state = stage::state(Scene::Full, (200, 50), stage::dark());
    focus(&mut state, PaneId::Pods);
    state.zoomed = true;
    settle(&mut state);
    let by_use = (0..12).any(|_| {
        press(&mut state, "o");
        title(&state, "Pods").to_lowercase().contains("cpu")
    });
    assert!(by_use, "{}", picture(&state));
    let order = |state: &State| -> Vec<String> {
        let picture = picture(state);
        let rows = picture.lines().filter(|line| line.contains("storefront-66fd-"));
        rows.map(|line| line.split_whitespace().find(|word| word.contains("66fd")).unwrap().to_owned())
            .collect()
    };
    let names = |numbers: [u32; 3]| numbers.map(|n| format!("storefront-66fd-{n:05}"));
    assert_eq!(order(&state), names([1, 2, 3]), "{}", picture(&state));

    let used = |n: u32, cpu_milli: u64| {
        let pod = format!("storefront-66fd-{n:05}").into();
        ("shop-prod".into(), pod, Resources { cpu_milli, memory: 1 << 20 })
    };
    let pods = vec![used(1, 5), used(2, 70), used(3, 900)];
    let usage = Usage { feed: Feed::Live, node_feed: Feed::Live, pods, nodes: Vec::new() };
    update(&mut state, Msg::Cluster(ClusterId(1), ClusterMsg::Usage(usage)), NOW);
    settle(&mut state);
    assert_eq!(order(&state), names([3, 2, 1]), "{}", picture(&state));
}

#[test]
fn graphs_are_not_of_a_pod_that_is_gone() {
    let mut state = stage::state(Scene::Full, (120, 40), stage::dark());
    focus(&mut state, PaneId::Pods);
    settle(&mut state);
    assert!(matches!(Target::of(&state.shared), Target::Pod(..)), "{:?}", Target::of(&state.shared));

    let none = Facts::Pods(vec![Delta::Begin(None), Delta::End(None)]);
    update(&mut state, Msg::Cluster(ClusterId(1), ClusterMsg::Facts(none)), NOW);
    settle(&mut state);
    assert!(!matches!(Target::of(&state.shared), Target::Pod(..)), "{}", picture(&state));
}

#[test]
fn graphs_are_of_the_environment_that_is_shown() {
    let mut state = stage::state(Scene::Full, (120, 40), stage::dark());
    focus(&mut state, PaneId::Pods);
    settle(&mut state);
    let none = Facts::Pods(vec![Delta::Begin(None), Delta::End(None)]);
    update(&mut state, Msg::Cluster(ClusterId(0), ClusterMsg::Facts(none)), NOW);
    settle(&mut state);
    assert!(matches!(Target::of(&state.shared), Target::Pod(..)), "{}", picture(&state));

    press(&mut state, "[");
    settle(&mut state);
    assert_eq!(Target::of(&state.shared).env(), state.shared.current, "{}", picture(&state));
}

#[test]
fn keys_of_one_burst_act_on_what_those_before_them_made() {
    let mut state = stage::state(Scene::Full, (120, 40), stage::dark());
    focus(&mut state, PaneId::Pods);
    settle(&mut state);
    // A filter and `describe`, all before the next frame.
    let keys = "/payments".chars().map(KeyCode::Char).chain([KeyCode::Enter, KeyCode::Char('d')]);
    for key in keys {
        update(&mut state, Msg::Input(Event::Key(KeyEvent::new(key, KeyModifiers::NONE))), NOW);
    }
    settle(&mut state);
    assert!(title(&state, "Describe").contains("payments-"), "{}", picture(&state));
}

#[test]
fn what_a_frame_has_shown_makes_no_further_one_due() {
    let mut state = stage::state(Scene::Full, (120, 40), stage::dark());
    update(&mut state, Msg::Tick, NOW);
    settle(&mut state);
    assert_eq!(state.due, Urgency::Age, "the tick was drawn");
    let heartbeat = ClusterMsg::Answered(NOW.wall);
    update(&mut state, Msg::Cluster(ClusterId(0), heartbeat), NOW);
    assert_eq!(state.due, Urgency::Age, "a heartbeat alone changes ages");
    let link = ClusterMsg::Link(Link::Live);
    update(&mut state, Msg::Cluster(ClusterId(0), link), NOW);
    assert_eq!(state.due, Urgency::Next);
}
