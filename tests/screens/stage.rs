//! A hand-made platform at a fixed time: two clusters, three environments, with
//! `cart` 1.31.0 crashing in production; and the same empty, loading, failing
//! and stale.

use std::sync::Arc;
use std::time::Duration;

use pilothouse::domain::id::{ClusterId, Kind, Name, Uid};
use pilothouse::domain::link::{Connection, Feed, Link, WATCHED};
use pilothouse::domain::meta::{Condition, ContainerImage, Labels, Owner, Resources};
use pilothouse::domain::network::{EndpointSlice, Ingress, IngressRule, Service, ServicePort};
use pilothouse::domain::node::{Namespace, Node, Quota, QuotaItem, Taint};
use pilothouse::domain::pod::{LastExit, Pod, PodState};
use pilothouse::domain::selector::Selector;
use pilothouse::domain::time::{Now, Stamp};
use pilothouse::domain::workload::{CronJobMore, DeploymentMore, JobMore, More, ReplicaSet, Workload};
use pilothouse::look::Look;
use pilothouse::msg::{ClusterMsg, Delta, Facts, Msg, Usage};
use pilothouse::state::{Settings, State};
use pilothouse::theme::{ASCII, Depth, Symbols, Themes, UNICODE};
use pilothouse::update::{settle, update};
use pilothouse::world::World;

/// 2026-03-14 14:32:00 UTC
pub const NOW: Now = Now { wall: Stamp(1_773_498_720), mono: Duration::from_secs(600) };

const EDGE: ClusterId = ClusterId(0);
const GKE: ClusterId = ClusterId(1);
const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

/// The states in which every pane is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    /// Connected; nothing runs.
    Empty,
    /// Connected; the first lists are on their way.
    Loading,
    /// One cluster forbids, the other wants a login, a third is not there.
    Failing,
    /// The story, but production stopped answering.
    Stale,
    /// The story.
    Full,
}

impl Scene {
    pub const ALL: [Scene; 5] = [Scene::Empty, Scene::Loading, Scene::Failing, Scene::Stale, Scene::Full];
}

/// Themes and signs to draw with.
pub fn dark() -> Look {
    look("dark", Depth::TrueColor, &UNICODE)
}

/// Without colours and without Unicode.
pub fn mono() -> Look {
    look("mono", Depth::Mono, &ASCII)
}

fn look(theme: &str, depth: Depth, symbols: &'static Symbols) -> Look {
    Look { theme: Themes::new(None).load(theme, depth, None).unwrap(), symbols }
}

/// The state of a scene, ready to be drawn.
pub fn state(scene: Scene, size: (u16, u16), look: Look) -> State {
    let keymap = pilothouse::keymap::Keymaps::new(None).load("default").unwrap();
    let settings = Settings { wanted: Default::default(), read_only: false, keymap, look };
    let mut state = State::new(world(), settings, "maria", size);
    let mut send = |cluster: ClusterId, news: ClusterMsg| {
        let effects = update(&mut state, Msg::Cluster(cluster, news), NOW);
        assert!(effects.is_empty());
    };
    match scene {
        Scene::Loading => {
            for cluster in [EDGE, GKE] {
                send(cluster, ClusterMsg::Link(Link::Live));
                namespaces(cluster, &mut send);
            }
        }
        Scene::Empty => {
            for cluster in [EDGE, GKE] {
                begin(cluster, &mut send);
            }
        }
        Scene::Failing => failing(&mut send),
        Scene::Full | Scene::Stale => story(&mut send),
    }
    if matches!(scene, Scene::Full | Scene::Stale) {
        super::alerts::serve(GKE, &mut send);
    }
    if scene == Scene::Stale {
        let lost = Link::Unreachable {
            reason: "connection refused".into(),
            retry_at: NOW.mono + Duration::from_secs(8),
            attempt: 4,
        };
        send(GKE, ClusterMsg::Answered(NOW.wall.plus(-72)));
        send(GKE, ClusterMsg::Link(lost));
    }
    if matches!(scene, Scene::Full | Scene::Stale) {
        super::alerts::tell(&mut state, scene == Scene::Stale);
    }
    draw_on(&mut state, scene);
    state
}

/// Brings the screen up to date after something else is looked at: what it asks for then is answered.
pub fn draw_on(state: &mut State, scene: Scene) {
    match scene {
        Scene::Full | Scene::Stale => super::graphs::answer(state, scene == Scene::Stale),
        Scene::Empty | Scene::Loading | Scene::Failing => settle(state),
    }
}

fn world() -> World {
    let context = |name: &str, link: Link| Connection {
        context: name.into(),
        cluster_name: name.into(),
        user: "maria".into(),
        server: format!("https://{name}.example:6443").into(),
        link,
        ..Connection::default()
    };
    World::new(vec![
        context("k3s-edge", Link::Connecting),
        context("gke-eu1", Link::Connecting),
        context("eks-old", Link::Dim),
    ])
}

type Send<'a> = &'a mut dyn FnMut(ClusterId, ClusterMsg);

fn namespaces(cluster: ClusterId, send: Send<'_>) {
    let names: &[&str] = if cluster == EDGE { &["shop-dev", "shop-staging"] } else { &["shop-prod"] };
    let mut deltas = vec![Delta::Begin(None)];
    deltas.extend(names.iter().map(|name| {
        Delta::Put(Namespace {
            uid: uid(&format!("namespace {name}")),
            name: (*name).into(),
            labels: Labels::default(),
            terminating: false,
            created: ago(90 * DAY),
        })
    }));
    deltas.push(Delta::End(None));
    send(cluster, ClusterMsg::Facts(Facts::Namespaces(deltas)));
    send(cluster, ClusterMsg::Feed(Kind::Namespace, Feed::Live));
}

fn begin(cluster: ClusterId, send: Send<'_>) {
    let version = if cluster == EDGE { "v1.36.1+k3s1" } else { "v1.35.2-gke.1100" };
    send(cluster, ClusterMsg::Link(Link::Live));
    send(
        cluster,
        ClusterMsg::Identity { version: version.into(), cluster_uid: format!("uid {}", cluster.0).into() },
    );
    for kind in WATCHED {
        send(cluster, ClusterMsg::Feed(kind, Feed::Live));
    }
    namespaces(cluster, send);
    let nodes = (1..=3).map(|n| {
        Delta::Put(Node {
            uid: uid(&format!("node {} {n}", cluster.0)),
            name: format!("{}-{n}", if cluster == EDGE { "edge" } else { "gke-pool-a" }).into(),
            labels: Labels::default(),
            provider_id: if cluster == EDGE { "k3s://edge" } else { "gce://shop/eu1/a" }.into(),
            version: version.into(),
            ready: if n == 3 && cluster == GKE { "Unknown" } else { "True" }.into(),
            cordoned: n == 2 && cluster == GKE,
            taints: taints(cluster, n),
            conditions: node_conditions(cluster, n),
            allocatable: Resources { cpu_milli: 4_000, memory: 16 << 30 },
            max_pods: 110,
            created: ago(90 * DAY),
        })
    });
    send(cluster, ClusterMsg::Facts(Facts::Nodes(nodes.collect())));
}

/// The third node of GKE is not heard from; the second of the edge is short of memory.
fn node_conditions(cluster: ClusterId, n: i32) -> Arc<[Condition]> {
    let condition = |kind: &str, status: &str, reason: &str, message: &str, since: i64| Condition {
        kind: kind.into(),
        status: status.into(),
        reason: reason.into(),
        message: message.into(),
        since: Some(ago(since)),
        updated: None,
    };
    match (cluster, n) {
        (GKE, 3) => ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"]
            .map(|kind| {
                let said = "Kubelet stopped posting node status.";
                condition(kind, "Unknown", "NodeStatusUnknown", said, 12 * MINUTE)
            })
            .into(),
        (EDGE, 2) => Arc::from([
            condition(
                "MemoryPressure",
                "True",
                "KubeletHasInsufficientMemory",
                "kubelet has insufficient memory available",
                3 * MINUTE,
            ),
            condition("Ready", "True", "KubeletReady", "kubelet is posting ready status", 90 * DAY),
        ]),
        _ => Arc::from([
            condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "", 90 * DAY),
            condition("Ready", "True", "KubeletReady", "kubelet is posting ready status", 90 * DAY),
        ]),
    }
}

fn taints(cluster: ClusterId, n: i32) -> Arc<[Taint]> {
    let taint = |key: &str, value: &str, effect: &str, since: Option<i64>| Taint {
        key: key.into(),
        value: value.into(),
        effect: effect.into(),
        since: since.map(ago),
    };
    match (cluster, n) {
        (GKE, 1) => Arc::from([taint("shop.example/dedicated", "web", "PreferNoSchedule", None)]),
        (GKE, 2) => {
            let since = Some(2 * 60 * MINUTE);
            Arc::from([taint("node.kubernetes.io/unschedulable", "", "NoSchedule", since)])
        }
        (GKE, 3) => {
            let since = Some(12 * MINUTE);
            Arc::from([taint("node.kubernetes.io/unreachable", "", "NoExecute", since)])
        }
        _ => Arc::from([]),
    }
}

fn failing(send: Send<'_>) {
    begin(EDGE, send);
    for kind in [Kind::Pod, Kind::Deployment, Kind::Service] {
        let message =
            format!("User \"maria\" cannot list resource \"{}\" at the cluster scope", kind.api().2);
        send(EDGE, ClusterMsg::Feed(kind, Feed::Forbidden(message.into())));
    }
    let login = Link::LoginNeeded {
        command: "gcloud auth login".into(),
        message: "The credential plugin says: token expired.".into(),
    };
    send(GKE, ClusterMsg::Link(login));
    let lost = Link::Unreachable {
        reason: "no route to host".into(),
        retry_at: NOW.mono + Duration::from_secs(31),
        attempt: 2,
    };
    send(ClusterId(2), ClusterMsg::Link(lost));
}

/// (app, release in development, staging, production)
const APPS: [(&str, [&str; 3]); 6] = [
    ("cart", ["1.31.0", "1.31.0", "1.31.0"]),
    ("mailer", ["1.9.9", "1.9.9", "1.9.9"]),
    ("media", ["4.4.0", "4.3.1", "4.3.0"]),
    ("payments", ["5.2.0-rc1", "5.1.9", "5.1.9"]),
    ("search", ["0.18.2", "0.18.2", "0.18.2"]),
    ("storefront", ["2.9.0", "2.8.3", "2.7.1"]),
];

fn story(send: Send<'_>) {
    begin(EDGE, send);
    begin(GKE, send);
    for (at, (cluster, namespace)) in
        [(EDGE, "shop-dev"), (EDGE, "shop-staging"), (GKE, "shop-prod")].into_iter().enumerate()
    {
        for (app, releases) in APPS {
            run(cluster, namespace, app, releases[at], send);
        }
        batch(cluster, namespace, send);
    }
    traffic(send);
    quota(send);
    crate::stage_sync::sync(&APPS.map(|(app, _)| app), send);
    crate::stage_backups::backups(send);
    let used = |pod: &str, cpu_milli: u64, memory: u64| {
        ("shop-prod".into(), pod.into(), Resources { cpu_milli, memory: memory << 20 })
    };
    let usage = Usage {
        feed: Feed::Live,
        node_feed: Feed::Live,
        pods: vec![used("storefront-66fd-00001", 41, 120), used("storefront-66fd-00002", 38, 97)],
        nodes: vec![("gke-pool-a-1".into(), Resources { cpu_milli: 2_100, memory: 9 << 30 })],
    };
    send(GKE, ClusterMsg::Usage(usage));
}

/// One app in one environment.
fn run(cluster: ClusterId, namespace: &str, app: &str, release: &str, send: Send<'_>) {
    let production = namespace == "shop-prod";
    let replicas: u32 = if production { 3 } else { 2 };
    let crashing = production && app == "cart";
    let rolling = namespace == "shop-staging" && app == "media";
    let mut deployment = deployment(namespace, app, release, replicas);
    if crashing {
        deployment.current = 4;
        deployment.ready = 1;
        deployment.available = 1;
        deployment.conditions =
            Arc::from([condition("Progressing", "True", "ReplicaSetUpdated", 6 * MINUTE)]);
    }
    if rolling {
        deployment.updated = 1;
        deployment.current = 3;
        deployment.conditions = Arc::from([condition("Progressing", "True", "ReplicaSetUpdated", 12)]);
    }
    let mut sets = Vec::new();
    let mut pods = Vec::new();
    if crashing {
        let new = set(&deployment, "7d9c", 5, release, 3, 0, 6 * MINUTE);
        let old = set(&deployment, "5b66", 4, "1.30.4", 1, 1, 2 * DAY);
        for n in 1..=3 {
            pods.push(crash(pod(&new, n, 6 * MINUTE), n));
        }
        pods.push(pod(&old, 1, 2 * DAY));
        sets.extend([new, old]);
    } else if rolling {
        let new = set(&deployment, "c0ff", 3, release, 1, 0, 12);
        let old = set(&deployment, "71ab", 2, "4.3.0", 2, 2, 9 * DAY);
        let mut starting = pod(&new, 1, 12);
        starting.status = "ContainerCreating".into();
        starting.state = PodState::Moving;
        starting.ready = 0;
        pods.extend([starting, pod(&old, 1, 9 * DAY), pod(&old, 2, 9 * DAY)]);
        sets.extend([new, old]);
    } else {
        let only = set(&deployment, "66fd", 2, release, replicas, replicas, 2 * DAY);
        pods.extend((1..=replicas).map(|n| pod(&only, n, 2 * DAY)));
        sets.push(only);
    }
    let deltas = vec![Delta::Put(deployment)];
    send(cluster, ClusterMsg::Facts(Facts::Workloads(Kind::Deployment, deltas)));
    send(cluster, ClusterMsg::Facts(Facts::ReplicaSets(sets.into_iter().map(Delta::Put).collect())));
    send(cluster, ClusterMsg::Facts(Facts::Pods(pods.into_iter().map(Delta::Put).collect())));
}

/// The Application of an app in a namespace.
fn delivered_by(namespace: &str, app: &str) -> Name {
    let stage = match namespace {
        "shop-dev" => "dev",
        "shop-staging" => "stg",
        _ => "prod",
    };
    format!("{app}-{stage}").into()
}

pub fn deployment(namespace: &str, app: &str, release: &str, replicas: u32) -> Workload {
    let labels = Labels::new(vec![("app".into(), app.into())]);
    Workload {
        uid: uid(&format!("{namespace}/{app}")),
        kind: Kind::Deployment,
        namespace: namespace.into(),
        name: app.into(),
        labels: labels.clone(),
        pod_labels: labels.clone(),
        selector: Some(Selector::equal(labels.0.iter().cloned())),
        created: ago(40 * DAY),
        generation: 5,
        observed: 5,
        desired: replicas,
        current: replicas,
        updated: replicas,
        ready: replicas,
        available: replicas,
        paused: false,
        conditions: Arc::from([condition("Progressing", "True", "NewReplicaSetAvailable", 2 * DAY)]),
        images: images(app, release),
        scaled: None,
        owner: None,
        delivered_by: Some(delivered_by(namespace, app)),
        more: More::Deployment(DeploymentMore {
            strategy: "RollingUpdate".into(),
            max_surge: "25%".into(),
            max_unavailable: "25%".into(),
            deadline_seconds: 600,
            revision: 5,
        }),
    }
}

fn set(
    owner: &Workload,
    hash: &str,
    revision: u64,
    release: &str,
    replicas: u32,
    ready: u32,
    age: i64,
) -> ReplicaSet {
    let name = format!("{}-{hash}", owner.name);
    ReplicaSet {
        uid: uid(&format!("{}/{name}", owner.namespace)),
        namespace: owner.namespace.clone(),
        name: name.into(),
        owner: Some(owned_by(owner.uid, owner.kind, &owner.name)),
        created: ago(age),
        desired: replicas,
        current: replicas,
        ready,
        available: ready,
        revision,
        images: images(&owner.name, release),
        hash: hash.into(),
    }
}

fn pod(set: &ReplicaSet, n: u32, age: i64) -> Pod {
    let name = format!("{}-{n:05}", set.name);
    Pod {
        uid: uid(&format!("{}/{name}", set.namespace)),
        name: name.into(),
        namespace: set.namespace.clone(),
        node: "gke-pool-a-1".into(),
        status: "Running".into(),
        state: PodState::Ready,
        over: false,
        ready: 1,
        total: 1,
        restarts: 0,
        last_exit: None,
        created: ago(age),
        deleting: false,
        owner: Some(owned_by(set.uid, Kind::ReplicaSet, &set.name)),
        labels: Labels::new(vec![("app".into(), "x".into())]),
        images: set.images.clone(),
        digest: format!("sha256:{:0>64x}", uid(&set.images[0].image).0).into(),
        requests: Resources { cpu_milli: 100, memory: 128 << 20 },
        limits: Resources { cpu_milli: 0, memory: 256 << 20 },
    }
}

fn crash(mut pod: Pod, n: u32) -> Pod {
    pod.status = if n == 3 { "Running" } else { "CrashLoopBackOff" }.into();
    pod.state = PodState::Failed;
    pod.ready = 0;
    pod.restarts = 6;
    pod.last_exit = Some(Box::new(LastExit { reason: "OOMKilled".into(), code: 137, at: Some(ago(MINUTE)) }));
    pod
}

/// A CronJob with a finished run, and a StatefulSet without ReplicaSets.
fn batch(cluster: ClusterId, namespace: &str, send: Send<'_>) {
    let mut cron = deployment(namespace, "report", "3.1.0", 0);
    cron.kind = Kind::CronJob;
    cron.more = More::CronJob(CronJobMore {
        schedule: "*/5 * * * *".into(),
        time_zone: "".into(),
        active: 0,
        last_schedule: Some(ago(3 * MINUTE)),
        last_success: Some(ago(2 * MINUTE)),
    });
    let mut job = deployment(namespace, "report-29391", "3.1.0", 1);
    job.kind = Kind::Job;
    job.owner = Some(owned_by(cron.uid, Kind::CronJob, "report"));
    job.created = ago(3 * MINUTE);
    job.more = More::Job(JobMore {
        completions: 1,
        succeeded: 1,
        failed: 0,
        active: 0,
        started: Some(ago(3 * MINUTE)),
        completed: Some(ago(2 * MINUTE)),
    });
    let mut database = deployment(namespace, "postgres", "17.2", 1);
    database.kind = Kind::StatefulSet;
    database.more = More::Plain;
    for (kind, workload) in [(Kind::CronJob, cron), (Kind::Job, job), (Kind::StatefulSet, database)] {
        send(cluster, ClusterMsg::Facts(Facts::Workloads(kind, vec![Delta::Put(workload)])));
    }
}

fn traffic(send: Send<'_>) {
    let service = Service {
        uid: uid("service cart"),
        namespace: "shop-prod".into(),
        name: "cart".into(),
        labels: Labels::default(),
        selector: Some(Selector::equal([("app".into(), "cart".into())])),
        service_type: "ClusterIP".into(),
        cluster_ip: "10.0.3.7".into(),
        external: Arc::from([]),
        ports: Arc::from([ServicePort {
            name: "http".into(),
            port: 80,
            node_port: 0,
            target: "8080".into(),
            protocol: "TCP".into(),
        }]),
        of_rollouts: false,
        created: ago(40 * DAY),
    };
    let slice = EndpointSlice {
        uid: uid("slice cart"),
        namespace: "shop-prod".into(),
        service: "cart".into(),
        ready: 1,
        unready: 3,
        terminating: 1,
        targets: Arc::from([]),
    };
    let ingress = Ingress {
        uid: uid("ingress shop"),
        namespace: "shop-prod".into(),
        name: "shop".into(),
        class: "nginx".into(),
        rules: Arc::from([IngressRule {
            host: "shop.example".into(),
            path: "/cart".into(),
            service: "cart".into(),
            port: "80".into(),
        }]),
        tls_hosts: Arc::from([Name::from("shop.example")]),
        addresses: Arc::from([]),
        created: ago(40 * DAY),
    };
    send(GKE, ClusterMsg::Facts(Facts::Services(vec![Delta::Put(service)])));
    send(GKE, ClusterMsg::Facts(Facts::EndpointSlices(vec![Delta::Put(slice)])));
    send(GKE, ClusterMsg::Facts(Facts::Ingresses(vec![Delta::Put(ingress)])));
}

fn quota(send: Send<'_>) {
    let item = |resource: &str, used_milli, hard_milli| QuotaItem {
        resource: resource.into(),
        hard_milli,
        used_milli,
    };
    let quota = Quota {
        uid: uid("quota"),
        namespace: "shop-prod".into(),
        name: "shop".into(),
        items: Arc::from([
            item("pods", 22_000, 50_000),
            item("requests.cpu", 7_400, 10_000),
            item("requests.memory", (27 << 30) * 1_000, (32 << 30) * 1_000),
        ]),
    };
    send(GKE, ClusterMsg::Facts(Facts::Quotas(vec![Delta::Put(quota)])));
}

fn images(app: &str, release: &str) -> Arc<[ContainerImage]> {
    Arc::from([ContainerImage {
        container: app.into(),
        image: format!("registry.example/{app}:{release}").into(),
        init: false,
    }])
}

fn condition(kind: &str, status: &str, reason: &str, age: i64) -> Condition {
    Condition {
        kind: kind.into(),
        status: status.into(),
        reason: reason.into(),
        message: "".into(),
        since: Some(ago(age)),
        updated: Some(ago(age)),
    }
}

fn owned_by(uid: Uid, kind: Kind, name: &str) -> Arc<Owner> {
    Arc::new(Owner { uid, kind: kind.word().into(), name: name.into() })
}

pub fn uid(text: &str) -> Uid {
    Uid::parse(&format!("uid of {text}"))
}

fn ago(seconds: i64) -> Stamp {
    NOW.wall.plus(-seconds)
}
