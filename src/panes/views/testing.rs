//! A small world and helpers for the tests of the views.

use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::action::Action;
use crate::domain::environment::{Environment, Environments, Group, Scope};
use crate::domain::id::{ClusterId, EnvId, Kind, Name, ObjectRef, Uid};
use crate::domain::link::{Connection, Feed, Link};
use crate::domain::meta::{Condition, ContainerImage, Labels, Owner, Resources};
use crate::domain::pod::{LastExit, Pod, PodState};
use crate::domain::selector::Selector;
use crate::domain::time::{Now, Stamp};
use crate::domain::workload::{DeploymentMore, More, ReplicaSet, Workload};
use crate::look::Look;
use crate::msg::{Answer, ClusterMsg, Delta, Facts, RequestId};
use crate::panes::Pane;
use crate::shared::{Outcome, Shared, Turn};
use crate::theme::{Depth, Themes, UNICODE};
use crate::world::World;

/// 2026-11-21T14:31:59Z, the moment of all these tests.
pub const NOW: Stamp = Stamp(1_795_271_519);

/// The dark theme with Unicode signs.
pub fn look() -> Look {
    let theme = Themes::new(None).load("dark", Depth::TrueColor, None).unwrap();
    Look { theme, symbols: &UNICODE }
}

/// One connected cluster with production (protected) and development.
pub fn shared() -> Shared {
    let connection = Connection {
        context: "gke-eu1".into(),
        link: Link::Live,
        last_answer: Some(NOW),
        ..Connection::default()
    };
    let env = |id: u16, name: &str, namespace: &str, protected: bool| Environment {
        id: EnvId(id),
        name: name.into(),
        stage: Some(id),
        group: Group::Stage,
        cluster: ClusterId(0),
        context: "gke-eu1".into(),
        scope: Scope::Namespaces(vec![namespace.into()]),
        protected,
        read_only: false,
        inferred: false,
        targets: None,
    };
    let list = vec![env(0, "development", "shop-dev", false), env(1, "production", "shop-prod", true)];
    let mut shared = Shared::new(World::new(vec![connection]), Default::default(), Default::default());
    shared.environments = Environments { stages: vec!["development".into(), "production".into()], list };
    shared.current = EnvId(1);
    shared.now = Now { wall: NOW, mono: Duration::from_secs(100) };
    for (action, key) in [
        (Action::Filter, "/"),
        (Action::Bottom, "G"),
        (Action::Pause, "p"),
        (Action::Follow, "f"),
        (Action::Reveal, "v"),
        (Action::ManagedFields, "M"),
        (Action::Connect, "c"),
    ] {
        shared.keys.insert(action, Arc::from(key));
    }
    for kind in Kind::ALL {
        tell(&mut shared, ClusterMsg::Feed(kind, Feed::Live));
    }
    shared
}

/// The same while its first lists are awaited.
pub fn loading() -> Shared {
    let mut shared = shared();
    for kind in Kind::ALL {
        tell(&mut shared, ClusterMsg::Feed(kind, Feed::Loading));
    }
    shared
}

/// News of the cluster.
pub fn tell(shared: &mut Shared, news: ClusterMsg) {
    let now = shared.now;
    shared.world.apply(ClusterId(0), news, now);
}

/// A reference to an object of production.
pub fn reference(kind: Kind, name: &str, uid: u128) -> ObjectRef {
    ObjectRef { cluster: ClusterId(0), kind, namespace: "shop-prod".into(), name: name.into(), uid: Uid(uid) }
}

/// Containers `app` of an image.
pub fn images(image: &str) -> Arc<[ContainerImage]> {
    Arc::from([ContainerImage { container: "app".into(), image: image.into(), init: false }])
}

/// A pod of production, ready and well, six minutes old.
pub fn pod(uid: u128, name: &str, owner: (Uid, &str, &str)) -> Pod {
    Pod {
        uid: Uid(uid),
        name: name.into(),
        namespace: "shop-prod".into(),
        node: "gke-eu1-pool-2".into(),
        status: "Running".into(),
        state: PodState::Ready,
        over: false,
        ready: 1,
        total: 1,
        restarts: 0,
        last_exit: None,
        created: NOW.plus(-380),
        deleting: false,
        owner: Some(Arc::new(Owner { uid: owner.0, kind: owner.1.into(), name: owner.2.into() })),
        labels: Labels::new(vec![("app".into(), "cart".into())]),
        images: images("registry.example/shop/cart:1.31.0"),
        digest: "sha256:4be1f00d".into(),
        requests: Resources { cpu_milli: 100, memory: 64 << 20 },
        limits: Resources { cpu_milli: 0, memory: 128 << 20 },
    }
}

/// The same pod, killed for memory again and again.
pub fn crashing(mut pod: Pod) -> Pod {
    pod.status = "CrashLoopBackOff".into();
    pod.state = PodState::Failed;
    pod.ready = 0;
    pod.restarts = 6;
    pod.last_exit =
        Some(Box::new(LastExit { reason: "OOMKilled".into(), code: 137, at: Some(NOW.plus(-31)) }));
    pod
}

/// A ReplicaSet of the Deployment `cart` (uid 1).
pub fn replica_set(uid: u128, name: &str, revision: u64, image: &str, counts: (u32, u32)) -> ReplicaSet {
    ReplicaSet {
        uid: Uid(uid),
        namespace: "shop-prod".into(),
        name: name.into(),
        owner: Some(Arc::new(Owner { uid: Uid(1), kind: "Deployment".into(), name: "cart".into() })),
        created: NOW.plus(-380 - i64::try_from(100 - revision).unwrap() * 86_400),
        desired: counts.0,
        current: counts.0,
        ready: counts.1,
        available: counts.1,
        revision,
        images: images(image),
        hash: name.rsplit('-').next().unwrap().into(),
    }
}

/// A condition that came six minutes ago.
pub fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Condition {
    Condition {
        kind: kind.into(),
        status: status.into(),
        reason: reason.into(),
        message: message.into(),
        since: Some(NOW.plus(-360)),
        updated: Some(NOW.plus(-348)),
    }
}

/// The Deployment `cart` (uid 1): three pods, 1.31.0, settled.
pub fn cart() -> Workload {
    Workload {
        uid: Uid(1),
        kind: Kind::Deployment,
        namespace: "shop-prod".into(),
        name: "cart".into(),
        labels: Labels::default(),
        pod_labels: Labels::new(vec![("app".into(), "cart".into())]),
        selector: Some(Selector::equal([(Name::from("app"), Name::from("cart"))])),
        created: NOW.plus(-86_400 * 30),
        generation: 12,
        observed: 12,
        desired: 3,
        current: 3,
        updated: 3,
        ready: 3,
        available: 3,
        paused: false,
        conditions: Arc::from([
            condition(
                "Available",
                "True",
                "MinimumReplicasAvailable",
                "Deployment has minimum availability.",
            ),
            condition("Progressing", "True", "NewReplicaSetAvailable", ""),
        ]),
        images: images("registry.example/shop/cart:1.31.0"),
        scaled: None,
        owner: None,
        delivered_by: None,
        more: More::Deployment(DeploymentMore {
            strategy: "RollingUpdate".into(),
            max_surge: "25%".into(),
            max_unavailable: "25%".into(),
            deadline_seconds: 600,
            revision: 12,
        }),
    }
}

/// Puts pods into the world.
pub fn put_pods(shared: &mut Shared, pods: Vec<Pod>) {
    tell(shared, ClusterMsg::Facts(Facts::Pods(pods.into_iter().map(Delta::Put).collect())));
}

/// Puts a workload into the world.
pub fn put_workload(shared: &mut Shared, workload: Workload) {
    let kind = workload.kind;
    tell(shared, ClusterMsg::Facts(Facts::Workloads(kind, vec![Delta::Put(workload)])));
}

/// Puts ReplicaSets into the world.
pub fn put_sets(shared: &mut Shared, sets: Vec<ReplicaSet>) {
    tell(shared, ClusterMsg::Facts(Facts::ReplicaSets(sets.into_iter().map(Delta::Put).collect())));
}

/// The demo's incident: cart 1.31.0 rolls out and is killed for memory.
pub fn incident(shared: &mut Shared) {
    let mut cart = cart();
    cart.current = 4;
    cart.updated = 3;
    cart.ready = 1;
    cart.available = 1;
    cart.conditions = Arc::from([
        condition(
            "Available",
            "False",
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
        ),
        condition("Progressing", "True", "ReplicaSetUpdated", "ReplicaSet \"cart-7d9c\" is progressing."),
    ]);
    put_workload(shared, cart);
    put_sets(
        shared,
        vec![
            replica_set(10, "cart-7d9c", 12, "registry.example/shop/cart:1.31.0", (3, 0)),
            replica_set(11, "cart-5b66", 11, "registry.example/shop/cart:1.30.4", (1, 1)),
            replica_set(12, "cart-44aa", 10, "registry.example/shop/cart:1.30.3", (0, 0)),
        ],
    );
    let new = (Uid(10), "ReplicaSet", "cart-7d9c");
    let mut restarting = crashing(pod(23, "cart-7d9c-p0vtl", new));
    restarting.status = "Running".into();
    restarting.state = PodState::Unready;
    restarting.restarts = 5;
    put_pods(
        shared,
        vec![
            crashing(pod(21, "cart-7d9c-x2kfp", new)),
            crashing(pod(22, "cart-7d9c-m8rzq", new)),
            restarting,
            pod(24, "cart-5b66-kk2p9", (Uid(11), "ReplicaSet", "cart-5b66")),
        ],
    );
}

/// The view that an outcome opens, and the numbers of its questions.
pub fn opened(outcome: Outcome) -> (Box<dyn Pane>, Vec<RequestId>) {
    match outcome.turn {
        Some(Turn::Open(view)) => {
            let requests = view.requests();
            (view, requests)
        }
        other => panic!("no view opened: {other:?}"),
    }
}

/// Answers a view; true when it took the answer for its own.
pub fn answer(view: &mut dyn Pane, request: RequestId, answer: Answer) -> bool {
    view.answer(request, &mut Some(answer))
}

/// What a view shows at a size, with its title above.
pub fn screen(view: &mut dyn Pane, shared: &Shared, width: u16, height: u16) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    view.resize(width, height);
    view.refresh(shared);
    view.draw(shared, &look(), true, area, &mut buffer);
    let title = view.title(shared);
    let mut text = format!("[{} | {} | {}]\n", title.name, title.note, title.stale.unwrap_or_default());
    for row in buffer.content.chunks(usize::from(width).max(1)) {
        let mut line = String::new();
        let mut rest_of_wide = 0;
        for cell in row {
            if rest_of_wide > 0 {
                rest_of_wide -= 1;
                continue;
            }
            line.push_str(cell.symbol());
            rest_of_wide = crate::text::width(cell.symbol()).saturating_sub(1);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Draws at every small size and at some large ones: nothing may break.
pub fn survives_all_sizes(view: &mut dyn Pane, shared: &Shared) {
    for width in [0, 1, 2, 3, 5, 9, 20, 80, 300] {
        for height in [0, 1, 2, 3, 4, 10, 100] {
            screen(view, shared, width, height);
        }
    }
    for action in
        [Action::Down, Action::PageDown, Action::Bottom, Action::Up, Action::HalfPageUp, Action::Top]
    {
        let mut shared = crate::panes::views::testing::shared();
        view.resize(1, 1);
        view.act(&mut shared, action);
        screen(view, &shared, 1, 1);
    }
}
