//! The hot paths, without network and terminal: bytes to rows, changes into
//! the world and the order of the list, one frame, a filter being typed.
//!
//! `cargo bench --bench hot`
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use divan::Bencher;
use pilothouse::domain::id::ClusterId;
use pilothouse::domain::link::{Connection, Link};
use pilothouse::domain::meta::Interner;
use pilothouse::domain::pod::Pod;
use pilothouse::domain::time::Now;
use pilothouse::fleet::wanted::Wanted;
use pilothouse::keymap::Keymaps;
use pilothouse::look::Look;
use pilothouse::msg::{ClusterMsg, Delta, Facts, Msg};
use pilothouse::state::{Settings, State};
use pilothouse::theme::{Depth, Themes, UNICODE};
use pilothouse::wire::Wire;
use pilothouse::wire::pod::WirePod;
use pilothouse::world::World;
use pilothouse::{update, view};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Of the terminal.
const SIZE: (u16, u16) = (200, 50);
/// Pods on the screen.
const COUNTS: [usize; 2] = [10_000, 50_000];
/// Changes that come at once.
const CHANGES: usize = 200;

fn main() {
    divan::main();
}

/// A pod as an API server writes it, with what is not shown as well.
fn json(number: usize, restarts: usize) -> Vec<u8> {
    let app = number / 12;
    let name = format!("app-{app}-7d9c5b66-{number:05}");
    let ignored = "x".repeat(3000);
    serde_json::to_vec(&serde_json::json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "shop-prod", "uid": format!("uid-{number}"), "resourceVersion": "7",
            "creationTimestamp": "2026-01-02T03:04:05Z",
            "labels": {"app.kubernetes.io/name": format!("app-{app}"), "pod-template-hash": "7d9c5b66"},
            "managedFields": [{"manager": ignored}]
        },
        "spec": {"nodeName": format!("node-{}", number % 100), "containers": [{
            "name": "main", "image": format!("registry.example/app-{app}:1.2.3"),
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}}
        }]},
        "status": {"phase": "Running", "podIP": "10.0.0.1",
            "conditions": [{"type": "Ready", "status": "True"}, {"type": "Initialized", "status": "True"}],
            "containerStatuses": [{"name": "main", "ready": true, "restartCount": restarts,
                "image": "a", "imageID": "b", "state": {"running": {"startedAt": "2026-01-02T03:04:06Z"}}}]}
    }))
    .unwrap()
}

fn pod(bytes: &[u8], interner: &mut Interner) -> Pod {
    serde_json::from_slice::<WirePod>(bytes).unwrap().row(interner).unwrap()
}

fn tell(state: &mut State, news: ClusterMsg) {
    update::update(state, Msg::Cluster(ClusterId(0), news), Now::default());
}

/// A screen with so many pods, drawn once.
fn screen(pods: usize) -> State {
    let settings = Settings {
        wanted: Wanted::default(),
        read_only: false,
        keymap: Keymaps::new(None).load("default").unwrap(),
        look: Look {
            theme: Themes::new(None).load("dark", Depth::TrueColor, None).unwrap(),
            symbols: &UNICODE,
        },
    };
    let world = World::new(vec![Connection { context: "bench".into(), ..Connection::default() }]);
    let mut state = State::new(world, settings, "bench", SIZE);
    let mut interner = Interner::default();
    let mut deltas = vec![Delta::Begin(None)];
    deltas.extend((0..pods).map(|number| Delta::Put(pod(&json(number, 0), &mut interner))));
    deltas.push(Delta::End(None));
    tell(&mut state, ClusterMsg::Link(Link::Live));
    tell(&mut state, ClusterMsg::Facts(Facts::Pods(deltas)));
    update::settle(&mut state);
    state
}

fn draw(state: &State) -> Buffer {
    let area = Rect::new(0, 0, SIZE.0, SIZE.1);
    let mut buffer = Buffer::empty(area);
    view::draw(state, area, &mut buffer);
    buffer
}

/// 1,000 pods of about 4 KB from bytes to rows.
#[divan::bench]
fn parse_1000_pods(bencher: Bencher) {
    let bytes: Vec<Vec<u8>> = (0..1000).map(|number| json(number, 0)).collect();
    bencher.with_inputs(Interner::default).bench_local_values(|mut interner| {
        bytes.iter().map(|bytes| pod(bytes, &mut interner)).collect::<Vec<Pod>>()
    });
}

/// 200 changes into the world and into the order of the list.
#[divan::bench(args = COUNTS)]
fn changes_to_order(bencher: Bencher, pods: usize) {
    let mut state = screen(pods);
    let mut interner = Interner::default();
    let mut round = 0;
    bencher
        .with_inputs(|| {
            round += 1;
            let number = |at: usize| (at * 37 + round) % pods;
            (0..CHANGES)
                .map(|at| Delta::Put(pod(&json(number(at), round), &mut interner)))
                .collect::<Vec<_>>()
        })
        .bench_local_values(|changes| {
            tell(&mut state, ClusterMsg::Facts(Facts::Pods(changes)));
            update::settle(&mut state);
        });
}

/// One whole frame.
#[divan::bench(args = COUNTS)]
fn frame(bencher: Bencher, pods: usize) {
    let state = screen(pods);
    bencher.bench_local(|| draw(&state));
}

/// A filter typed letter by letter, and cleared.
#[divan::bench(args = COUNTS)]
fn filter(bencher: Bencher, pods: usize) {
    let mut state = screen(pods);
    let press = |state: &mut State, code: KeyCode| {
        let event = Event::Key(KeyEvent::new(code, KeyModifiers::NONE));
        update::update(state, Msg::Input(event), Now::default());
        update::settle(state);
    };
    bencher.bench_local(|| {
        for char in "/app-77".chars() {
            press(&mut state, KeyCode::Char(char));
        }
        press(&mut state, KeyCode::Esc);
    });
}
