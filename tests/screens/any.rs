//! What holds at any size and for any text from outside.

use pilothouse::domain::id::{ClusterId, Kind};
use pilothouse::domain::link::Link;
use pilothouse::msg::{ClusterMsg, Delta, Facts, Msg};
use pilothouse::panes::PaneId;
use pilothouse::state::State;
use pilothouse::update::{settle, update};
use proptest::prelude::*;

use super::stage::{self, NOW, Scene};
use super::{buffer, press};

fn scene() -> impl Strategy<Value = Scene> {
    (0..Scene::ALL.len()).prop_map(|at| Scene::ALL[at])
}

/// Texts that have surprised terminals.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9-]{1,80}",
        "[\u{4e00}-\u{4eff}\u{3040}-\u{30ff}]{1,40}",
        "[\u{0627}-\u{064a} ]{1,40}",
        Just("👩‍👩‍👧‍👦🏳️‍🌈🇨🇭e\u{301}\u{301}".repeat(4)),
        "\\PC{0,60}",
    ]
}

/// A frame's right border stands in one column on all its lines: every line of
/// the zoomed pane ends in the border.
fn right_border_is_straight(state: &State) {
    let buffer = buffer(state);
    let (columns, rows) = state.size;
    let areas = pilothouse::layout::areas(state);
    for (_, frame) in &areas.panes {
        assert!(frame.right() <= columns && frame.bottom() <= rows);
        if frame.width < 2 || frame.height < 2 {
            continue;
        }
        for y in frame.y + 1..frame.bottom() - 1 {
            let symbol = buffer[(frame.right() - 1, y)].symbol();
            assert!(["│", "┃", "|", "#"].contains(&symbol), "{symbol:?} ends line {y}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_size_can_be_drawn(scene in scene(), columns in 1u16..500, rows in 1u16..200, pane in 0usize..5, zoomed: bool) {
        let mut state = stage::state(scene, (columns, rows), stage::dark());
        state.focus = pane;
        state.zoomed = zoomed;
        settle(&mut state);
        buffer(&state);
        press(&mut state, "j right G ? esc : esc / a");
        buffer(&state);
    }

    #[test]
    fn small_sizes_can_be_drawn(scene in scene(), columns in 1u16..40, rows in 1u16..14, pane in 0usize..5) {
        let mut state = stage::state(scene, (columns, rows), stage::mono());
        state.focus = pane;
        settle(&mut state);
        buffer(&state);
        press(&mut state, "j right enter G esc ?");
        buffer(&state);
    }

    #[test]
    fn foreign_text_leaves_frames_straight(name in text(), status in text(), columns in 20u16..160) {
        let mut state = stage::state(Scene::Full, (columns, 30), stage::dark());
        let gke = ClusterId(1);
        let mut pod = state.shared.world.clusters[1].pods.iter().next().unwrap().1.clone();
        pod.name = pilothouse::text::clean(&name).as_ref().into();
        pod.status = pilothouse::text::clean(&status).as_ref().into();
        pod.state = pilothouse::domain::pod::PodState::Failed;
        let mut workload = state.shared.world.clusters[1].workloads.iter().next().unwrap().1.clone();
        workload.name = pilothouse::text::clean(&name).as_ref().into();
        let reason = pilothouse::text::clean(&status).as_ref().into();
        let news = [
            ClusterMsg::Facts(Facts::Pods(vec![Delta::Put(pod)])),
            ClusterMsg::Facts(Facts::Workloads(Kind::Deployment, vec![Delta::Put(workload)])),
            ClusterMsg::Link(Link::Unreachable { reason, retry_at: NOW.mono, attempt: 1 }),
        ];
        for news in news {
            update(&mut state, Msg::Cluster(gke, news), NOW);
        }
        for id in [PaneId::Environments, PaneId::Pods, PaneId::Workloads, PaneId::Releases] {
            state.focus = state.pane(id).unwrap();
            settle(&mut state);
            if id == PaneId::Environments {
                buffer(&state);
            } else {
                state.zoomed = true;
                settle(&mut state);
                right_border_is_straight(&state);
            }
        }
    }
}
