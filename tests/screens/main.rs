//! The screen as pictures: every pane and the whole Bridge at three sizes,
//! empty, loading, failing, stale and full; and what must hold at any size and
//! for any text.
#![allow(clippy::unwrap_used)] // helpers of tests may unwrap: a failure is the test's

mod alerts;
mod any;
mod changes;
mod graphs;
mod plans;
mod runs;
mod stage;
mod stage_backups;
mod stage_sync;
mod traffic;

use std::fmt::Write;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use pilothouse::msg::Msg;
use pilothouse::panes::PaneId;
use pilothouse::state::State;
use pilothouse::update::{settle, update};
use pilothouse::view;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use stage::{NOW, Scene};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 50)];

/// Draws a state, as text.
pub fn picture(state: &State) -> String {
    let buffer = buffer(state);
    let mut text = String::new();
    let mut last: Option<(String, usize)> = None;
    for y in 0..buffer.area.height {
        let line = line(&buffer, y);
        match &mut last {
            Some((known, times)) if *known == line => *times += 1,
            _ => {
                flush(&mut text, last.take());
                last = Some((line, 1));
            }
        }
    }
    flush(&mut text, last);
    text
}

/// Lines that repeat are told once, so that pictures stay readable.
fn flush(text: &mut String, line: Option<(String, usize)>) {
    match line {
        Some((line, times)) if times > 2 => writeln!(text, "{line}  ×{times}").unwrap(),
        Some((line, times)) => (0..times).for_each(|_| writeln!(text, "{line}").unwrap()),
        None => {}
    }
}

/// The screen of a state.
pub fn buffer(state: &State) -> Buffer {
    let area = Rect::new(0, 0, state.size.0, state.size.1);
    let mut buffer = Buffer::empty(area);
    view::draw(state, area, &mut buffer);
    buffer
}

fn line(buffer: &Buffer, y: u16) -> String {
    let mut line = String::new();
    let mut skip = 0;
    for x in 0..buffer.area.width {
        if skip > 0 {
            skip -= 1;
            continue;
        }
        let symbol = buffer[(x, y)].symbol();
        skip = pilothouse::text::width(symbol).saturating_sub(1);
        line.push_str(symbol);
    }
    line.trim_end().to_owned()
}

/// Presses keys: characters, or names in angle brackets.
pub fn press(state: &mut State, keys: &str) {
    for key in keys.split_whitespace() {
        let code = match key {
            "enter" => KeyCode::Enter,
            "esc" => KeyCode::Esc,
            "tab" => KeyCode::Tab,
            "right" => KeyCode::Right,
            "left" => KeyCode::Left,
            "down" => KeyCode::Down,
            "space" => KeyCode::Char(' '),
            other => KeyCode::Char(other.chars().next().unwrap()),
        };
        update(state, Msg::Input(Event::Key(KeyEvent::new(code, KeyModifiers::NONE))), NOW);
        settle(state);
    }
}

fn focus(state: &mut State, id: PaneId) {
    state.focus = state.pane(id).unwrap();
}

#[test]
fn bridge() {
    for size in SIZES {
        for scene in Scene::ALL {
            let state = stage::state(scene, size, stage::dark());
            if scene == Scene::Full && size != (80, 24) {
                let shown = picture(&state);
                for waiting in ["Looking for", "not backed up", "not known", "Loading", "Asking"] {
                    assert!(!shown.contains(waiting), "every part is live:\n{shown}");
                }
            }
            insta::assert_snapshot!(format!("bridge-{}x{}-{scene:?}", size.0, size.1), picture(&state));
        }
    }
}

/// Every pane on the whole screen. Traffic has a file of its own, with the pairs that it wants.
#[test]
fn panes() {
    const PANES: [(PaneId, &str); 10] = [
        (PaneId::Environments, "environments"),
        (PaneId::Releases, "releases"),
        (PaneId::Sync, "sync"),
        (PaneId::Workloads, "workloads"),
        (PaneId::Pods, "pods"),
        (PaneId::Network, "network"),
        (PaneId::Alerts, "alerts"),
        (PaneId::Nodes, "nodes"),
        (PaneId::Metrics, "metrics"),
        (PaneId::Backups, "backups"),
    ];
    for pane in pilothouse::panes::bridge() {
        let id = pane.id();
        assert!(id == PaneId::Traffic || PANES.iter().any(|(known, _)| *known == id), "{id:?} has no frames");
    }
    for (id, name) in PANES {
        for size in SIZES {
            let mut all = String::new();
            for scene in Scene::ALL {
                let mut state = stage::state(scene, size, stage::dark());
                focus(&mut state, id);
                state.zoomed = true;
                if matches!(scene, Scene::Full | Scene::Stale) {
                    state.shared.app = Some("cart".into());
                }
                stage::draw_on(&mut state, scene);
                writeln!(all, "{scene:?}\n{}", picture(&state)).unwrap();
            }
            insta::assert_snapshot!(format!("{name}-{}x{}", size.0, size.1), all);
        }
    }
}

/// The line of an app in the matrix, within its frame.
fn app_of_matrix(shown: &str, app: &str) -> String {
    let line = shown.lines().find(|line| line.contains(&format!(" {app} "))).unwrap();
    line.split(['│', '┃']).nth(1).unwrap_or_default().to_owned()
}

#[test]
fn the_matrix_tells_what_is_synced_and_at_which_revision() {
    let mut state = stage::state(Scene::Full, (120, 40), stage::dark());
    focus(&mut state, PaneId::Releases);
    stage::draw_on(&mut state, Scene::Full);
    press(&mut state, "j j");
    let shown = picture(&state);
    // Synced, not as wanted, delivered by nobody.
    assert_eq!(app_of_matrix(&shown, "search").matches('✓').count(), 3, "{shown}");
    assert!(app_of_matrix(&shown, "media").contains("4.3.0↑1 ≠d37d"), "{shown}");
    assert!(!app_of_matrix(&shown, "postgres").contains('✓'), "{shown}");
    // The revision stands beside in every row, as far as there is room: ages and counts give way to it.
    for (app, words) in [("search", "0.18.2 ✓9005"), ("cart", "1.31.0✖ ✓938c"), ("media", "4.3.1↑↻ c0ffe")]
    {
        assert!(app_of_matrix(&shown, app).contains(words), "{app} {words}\n{shown}");
    }
    assert!(app_of_matrix(&shown, "payments").contains("5.2.0-rc1 ✓ "), "no room for more: {shown}");
    let mut small = stage::state(Scene::Full, (80, 24), stage::dark());
    focus(&mut small, PaneId::Releases);
    settle(&mut small);
    let small = picture(&small);
    assert!(app_of_matrix(&small, "cart").contains("7ccfaef"), "{small}");
    assert!(app_of_matrix(&small, "search").contains("36b26c8"), "{small}");
    // Zoomed there is room for those of all rows.
    let mut wide = stage::state(Scene::Full, (200, 50), stage::dark());
    focus(&mut wide, PaneId::Releases);
    wide.zoomed = true;
    settle(&mut wide);
    let wide = picture(&wide);
    for (app, words) in [("search", "36b26c8"), ("cart", "938c50d"), ("media", "d37d0fd")] {
        assert!(app_of_matrix(&wide, app).contains(words), "{wide}");
    }
}

#[test]
fn without_colours_and_without_unicode() {
    for size in [(80, 24), (120, 40)] {
        let state = stage::state(Scene::Full, size, stage::mono());
        let picture = picture(&state).replace('×', "x");
        assert!(picture.is_ascii(), "{picture}");
        insta::assert_snapshot!(format!("ascii-{}x{}", size.0, size.1), picture);
    }
}

#[test]
fn views_of_an_environment_and_of_an_app() {
    let mut state = stage::state(Scene::Full, (120, 60), stage::dark());
    focus(&mut state, PaneId::Environments);
    press(&mut state, "enter");
    insta::assert_snapshot!("view-environment", picture(&state));
    press(&mut state, "esc");
    focus(&mut state, PaneId::Releases);
    press(&mut state, "enter enter");
    insta::assert_snapshot!("view-app", picture(&state));
}

#[test]
fn views_of_nodes() {
    for size in SIZES {
        let mut all = String::new();
        for (environment, node) in [("production", "gke-pool-a-3"), ("staging", "edge-2")] {
            let mut state = stage::state(Scene::Full, size, stage::dark());
            let named = |env: &&pilothouse::domain::environment::Environment| &*env.name == environment;
            state.shared.current = state.shared.environments.list.iter().find(named).unwrap().id;
            focus(&mut state, PaneId::Nodes);
            state.zoomed = true;
            settle(&mut state);
            // The worst stands first.
            press(&mut state, "enter");
            writeln!(all, "{node}\n{}", picture(&state)).unwrap();
        }
        insta::assert_snapshot!(format!("view-node-{}x{}", size.0, size.1), all);
    }
}

#[test]
fn workloads_unfold_to_their_pods() {
    let mut state = stage::state(Scene::Full, (120, 40), stage::dark());
    focus(&mut state, PaneId::Workloads);
    state.zoomed = true;
    settle(&mut state);
    press(&mut state, "right j j j");
    insta::assert_snapshot!("workloads-unfolded", picture(&state));
    press(&mut state, "left left left");
    let folded = picture(&state);
    assert!(!folded.contains("cart-7d9c"), "{folded}");
    assert_eq!(state.shared.app.as_deref(), Some("cart"));
}

#[test]
fn help_palette_and_filter() {
    let mut state = stage::state(Scene::Full, (100, 40), stage::dark());
    press(&mut state, "?");
    insta::assert_snapshot!("help", picture(&state));
    press(&mut state, "esc");
    press(&mut state, ": e n v");
    insta::assert_snapshot!("palette", picture(&state));
    press(&mut state, "esc");
    press(&mut state, "/ - l space a p p space i n");
    insta::assert_snapshot!("filter-unfinished", picture(&state));
    press(&mut state, "esc");
    press(&mut state, "/ c a r t");
    insta::assert_snapshot!("filter", picture(&state));
}

#[test]
fn a_question_in_a_protected_environment() {
    let mut state = stage::state(Scene::Full, (80, 24), stage::dark());
    let ask = pilothouse::shared::Ask {
        lines: vec![
            "Open a shell in cart-7d9c-00001 (container cart)?".to_owned(),
            "production is protected.".to_owned(),
        ],
        word: "production".into(),
        then: Vec::new(),
    };
    state.overlay = Some(pilothouse::state::Overlay::Ask {
        ask,
        typed: tui_input::Input::new("prod".into()),
        drawn: true,
    });
    insta::assert_snapshot!("ask", picture(&state));
}

#[test]
fn the_network_pane_takes_the_place_of_workloads_when_it_is_chosen() {
    let mut state = stage::state(Scene::Full, (120, 40), stage::dark());
    focus(&mut state, PaneId::Network);
    settle(&mut state);
    insta::assert_snapshot!("bridge-network", picture(&state));
}
