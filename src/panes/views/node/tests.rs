//! The page of a node over a small world.

use std::sync::Arc;

use super::*;
use crate::domain::link::Feed as Watch;
use crate::domain::meta::{Condition, Resources};
use crate::domain::node::Taint;
use crate::domain::pod::{Pod, PodState};
use crate::msg::{ClusterMsg, Delta, Facts, Usage};
use crate::panes::objects;
use crate::panes::views::testing::{
    NOW, answer, condition, opened, pod, put_pods, reference, screen, shared, survives_all_sizes, tell,
};

const NODE: &str = "gke-eu1-pool-2";

fn node() -> Node {
    let ready = Condition {
        since: Some(NOW.plus(-86_400 * 23)),
        ..condition("Ready", "True", "KubeletReady", "kubelet is posting ready status")
    };
    Node {
        uid: Uid(70),
        name: NODE.into(),
        version: "v1.35.4-gke.12".into(),
        provider_id: "gce://shop/europe-west1-b/gke-eu1-pool-2".into(),
        labels: crate::domain::meta::Labels::new(vec![
            ("team".into(), "shop".into()),
            ("topology.kubernetes.io/zone".into(), "europe-west1-b".into()),
        ]),
        ready: "True".into(),
        conditions: Arc::from([
            ready,
            condition("MemoryPressure", "False", "KubeletHasSufficientMemory", ""),
        ]),
        allocatable: Resources { cpu_milli: 4_000, memory: 16 << 30 },
        max_pods: 110,
        created: NOW.plus(-86_400 * 23),
        ..Node::default()
    }
}

fn silent() -> Node {
    let gone = |kind| condition(kind, "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.");
    Node { ready: "Unknown".into(), conditions: Arc::from([gone("MemoryPressure"), gone("Ready")]), ..node() }
}

fn put(shared: &mut Shared, node: Node) {
    tell(shared, ClusterMsg::Facts(Facts::Nodes(vec![Delta::Put(node)])));
}

fn open(shared: &mut Shared) -> (Box<dyn Pane>, Vec<RequestId>) {
    let object = ObjectRef { namespace: "".into(), ..reference(Kind::Node, NODE, 70) };
    opened(objects::act(shared, &Subject::Object(object), Action::Open))
}

fn page(shared: &mut Shared) -> String {
    let (mut view, _) = open(shared);
    screen(&mut *view, shared, 120, 60)
}

/// A pod of the ReplicaSet `cart`, on a node, made so many seconds ago.
fn cart(uid: u128, node: &str, ago: i64) -> Pod {
    let mut pod = pod(uid, &format!("cart-{uid}"), (Uid(9), "ReplicaSet", "cart"));
    pod.node = node.into();
    pod.created = NOW.plus(-ago);
    pod
}

fn leaving(mut pod: Pod) -> Pod {
    pod.deleting = true;
    pod.status = "Terminating".into();
    pod.state = PodState::Moving;
    pod
}

#[test]
fn a_node_that_is_well_and_how_full_it_is() {
    let mut shared = shared();
    put(&mut shared, node());
    let mut ended = cart(3, NODE, 900);
    (ended.over, ended.state, ended.status) = (true, PodState::Done, "Completed".into());
    let mut big = cart(2, NODE, 900);
    big.requests = Resources { cpu_milli: 1_900, memory: 4 << 30 };
    put_pods(&mut shared, vec![cart(1, NODE, 900), big, ended, cart(4, "another", 900)]);
    let used = vec![(NODE.into(), Resources { cpu_milli: 400, memory: 8 << 30 })];
    tell(
        &mut shared,
        ClusterMsg::Usage(Usage { feed: Watch::Live, node_feed: Watch::Live, pods: vec![], nodes: used }),
    );
    let page = page(&mut shared);
    for wanted in [
        "[Node gke-eu1-pool-2 (gke-eu1) | Ready | ]",
        "● Ready for 23 d.",
        "50%  2 of 4",
        "10%  400m of 4",
        "50%  8Gi of 16Gi",
        "2 of 110",
        "● Ready           True     23d  KubeletReady",
        "v1.35.4-gke.12  23d old",
        "GKE  gce://shop/europe-west1-b/gke-eu1-pool-2",
        "zone europe-west1-b",
        "team=shop",
        "2 pods, and 1 that ended and hold nothing",
    ] {
        assert!(page.contains(wanted), "{wanted}:\n{page}");
    }
    let rows: Vec<&str> = page
        .lines()
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with("cart-")))
        .collect();
    assert_eq!(rows, ["cart-2", "cart-1", "cart-3"], "what takes most room first, the ended last:\n{page}");
    assert!(!page.contains("cart-4"), "{page}");
}

#[test]
fn the_story_of_a_node_that_is_not_heard_from() {
    let mut shared = shared();
    put(&mut shared, silent());
    let mut proxy = pod(5, "proxy-1", (Uid(8), "DaemonSet", "proxy"));
    proxy.node = NODE.into();
    put_pods(
        &mut shared,
        vec![
            leaving(cart(1, NODE, 9_000)),
            leaving(cart(2, NODE, 9_000)),
            cart(3, NODE, 9_000),
            proxy,
            // Made before it fell: none of those that take the place of others.
            cart(10, "pool-1", 9_000),
            cart(11, "pool-1", 60),
            cart(12, "pool-3", 60),
            cart(13, "", 60),
        ],
    );
    let told = page(&mut shared);
    for wanted in [
        "✖ Not ready for 6 m (since 14:25:59Z): NodeStatusUnknown: Kubelet stopped posting node status.",
        "Its kubelet is not heard from",
        "◐ 2 pods are given up; 1 pod stays until its time to tolerate this is over (5 m by default); 1 of DaemonSets",
        "◐ Made anew since: 1 on pool-1, 1 on pool-3, 1 waits for a node.",
    ] {
        assert!(told.contains(wanted), "{wanted}:\n{told}");
    }
    let said = told.matches("Kubelet stopped posting node status.").count();
    assert_eq!(said, 2, "once at the top, once among the conditions:\n{told}");
    // The pods that are given up stand first.
    let pods: Vec<&str> = told.lines().filter(|line| line.contains("Terminating")).collect();
    assert_eq!(pods.len(), 2, "{told}");

    // All are made anew: nothing to wait for.
    let gone = [Delta::Gone(Uid(1)), Delta::Gone(Uid(2)), Delta::Gone(Uid(3)), Delta::Gone(Uid(5))];
    tell(&mut shared, ClusterMsg::Facts(Facts::Pods(gone.into())));
    assert!(page(&mut shared).contains("No pod is left here."));
}

#[test]
fn none_made_anew_is_told_too() {
    let mut shared = shared();
    put(&mut shared, silent());
    put_pods(&mut shared, vec![leaving(cart(1, NODE, 9_000))]);
    assert!(page(&mut shared).contains("None of them has been made anew elsewhere yet."));
}

#[test]
fn a_pressure_says_what_it_does_and_whom_it_hit() {
    let mut shared = shared();
    let mut node = node();
    node.conditions = Arc::from([
        condition("Ready", "True", "KubeletReady", ""),
        condition(
            "MemoryPressure",
            "True",
            "KubeletHasInsufficientMemory",
            "kubelet has insufficient memory available",
        ),
    ]);
    put(&mut shared, node);
    let mut evicted = cart(1, NODE, 600);
    (evicted.over, evicted.state, evicted.status) = (true, PodState::Failed, "Evicted".into());
    put_pods(&mut shared, vec![evicted, cart(2, NODE, 600)]);
    let told = page(&mut shared);
    for wanted in [
        "▲ MemoryPressure for 6 m (since 14:25:59Z): KubeletHasInsufficientMemory: kubelet has insufficient memory",
        "The kubelet ends pods until memory is free",
        "▲ 1 pod was evicted here: cart-1.",
        "1 pod, and 1 that ended and hold nothing",
    ] {
        assert!(told.contains(wanted), "{wanted}:\n{told}");
    }
}

#[test]
fn a_cordoned_node_says_whether_it_is_empty() {
    let mut shared = shared();
    let since = Some(NOW.plus(-7_200));
    let key = "node.kubernetes.io/unschedulable".into();
    let taint = Taint { key, value: "".into(), effect: "NoSchedule".into(), since };
    put(&mut shared, Node { cordoned: true, taints: Arc::from([taint]), ..node() });
    let mut proxy = pod(5, "proxy-1", (Uid(8), "DaemonSet", "proxy"));
    proxy.node = NODE.into();
    put_pods(&mut shared, vec![cart(1, NODE, 600), proxy]);
    let told = page(&mut shared);
    assert!(told.contains("◐ SchedulingDisabled for 2 h: no new pods come. 1 pod is still here."), "{told}");
    assert!(told.contains("node.kubernetes.io/unschedulable:NoSchedule  2h"), "{told}");
    tell(&mut shared, ClusterMsg::Facts(Facts::Pods(vec![Delta::Gone(Uid(1))])));
    assert!(page(&mut shared).contains("It is empty but for what belongs to the node: drained."));
}

#[test]
fn use_that_is_not_served_and_pods_that_are_refused_are_said() {
    let mut shared = shared();
    put(&mut shared, node());
    let usage = Usage { feed: Watch::Absent, node_feed: Watch::Absent, pods: vec![], nodes: vec![] };
    tell(&mut shared, ClusterMsg::Usage(usage));
    tell(&mut shared, ClusterMsg::Feed(Kind::Pod, Watch::Forbidden("maria cannot list pods".into())));
    let told = page(&mut shared);
    for wanted in [
        "this cluster does not serve metrics.k8s.io",
        "requests not known: pods cannot be listed",
        "Not all pods can be listed: maria cannot list pods",
    ] {
        assert!(told.contains(wanted), "{wanted}:\n{told}");
    }
}

#[test]
fn keys_are_the_nodes_until_the_cursor_goes_to_a_pod() {
    let mut shared = shared();
    put(&mut shared, node());
    put_pods(&mut shared, vec![cart(1, NODE, 600)]);
    let (mut view, _) = open(&mut shared);
    screen(&mut *view, &shared, 120, 60);
    let subject = |view: &dyn Pane| match view.subject(&shared) {
        Some(Subject::Object(object)) => (object.kind, object.name.to_string(), object.namespace.to_string()),
        other => panic!("{other:?}"),
    };
    assert_eq!(subject(&*view), (Kind::Node, NODE.to_owned(), String::new()));
    assert!(matches!(view.applies(&shared, Action::Open), Applies::No(_)));
    let mut mine = crate::panes::views::testing::shared();
    view.act(&mut mine, Action::Down);
    assert_eq!(subject(&*view), (Kind::Pod, "cart-1".to_owned(), "shop-prod".to_owned()));
    assert_eq!(view.applies(&shared, Action::Open), Applies::Elsewhere);
}

#[test]
fn events_are_asked_for_and_a_refusal_is_said() {
    let mut shared = shared();
    put(&mut shared, node());
    let (mut view, requests) = open(&mut shared);
    assert!(screen(&mut *view, &shared, 120, 60).contains("Asking…"));
    assert!(answer(&mut *view, requests[0], Answer::Failed("forbidden: events".into())));
    let told = screen(&mut *view, &shared, 120, 60);
    assert!(told.contains("Cannot be read: forbidden: events"), "{told}");
}

#[test]
fn a_node_that_goes_is_shown_as_it_was() {
    let mut shared = shared();
    put(&mut shared, node());
    let (mut view, _) = open(&mut shared);
    screen(&mut *view, &shared, 120, 60);
    tell(&mut shared, ClusterMsg::Facts(Facts::Nodes(vec![Delta::Gone(Uid(70))])));
    let told = screen(&mut *view, &shared, 120, 60);
    assert!(told.contains("no/gke-eu1-pool-2 is gone; this is how it was."), "{told}");
    assert!(told.contains("| gone |"), "{told}");
    assert!(told.contains("zone europe-west1-b"), "{told}");
    survives_all_sizes(&mut *view, &shared);
}
