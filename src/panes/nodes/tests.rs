//! The Nodes pane over a small world.

use std::sync::Arc;

use super::*;
use crate::domain::meta::{Condition, Resources};
use crate::domain::node::Taint;
use crate::domain::pod::PodState;
use crate::msg::{ClusterMsg, Delta, Facts, Usage};
use crate::panes::Pane;
use crate::panes::list::ListPane;
use crate::panes::views::testing::{
    NOW, condition, loading, pod, put_pods, screen, shared, survives_all_sizes, tell,
};

const GIB: u64 = 1 << 30;

fn ready(since: i64) -> Condition {
    Condition { since: Some(NOW.plus(-since)), ..condition("Ready", "True", "KubeletReady", "") }
}

fn node(n: u128, name: &str) -> Node {
    Node {
        uid: Uid(n),
        name: name.into(),
        version: "v1.35.4-gke.12".into(),
        ready: "True".into(),
        conditions: Arc::from([ready(86_400)]),
        allocatable: Resources { cpu_milli: 4_000, memory: 16 * GIB },
        max_pods: 110,
        created: NOW.plus(-86_400 * 23),
        ..Node::default()
    }
}

fn put(shared: &mut Shared, nodes: Vec<Node>) {
    tell(shared, ClusterMsg::Facts(Facts::Nodes(nodes.into_iter().map(Delta::Put).collect())));
}

fn use_of(shared: &mut Shared, feed: Feed, nodes: Vec<(crate::domain::id::Name, Resources)>) {
    tell(shared, ClusterMsg::Usage(Usage { feed: Feed::Live, node_feed: feed, pods: vec![], nodes }));
}

/// Four nodes, each with another story, and five pods, two of which have ended.
fn world() -> Shared {
    let mut shared = shared();
    let mut silent = node(1, "pool-silent");
    silent.ready = "Unknown".into();
    silent.conditions =
        Arc::from([condition("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting.")]);
    silent.cordoned = true;
    let mut short = node(2, "pool-short");
    short.conditions =
        Arc::from([ready(9), condition("MemoryPressure", "True", "KubeletHasInsufficientMemory", "")]);
    let mut held = node(3, "pool-held");
    held.cordoned = true;
    let taint = |key: &str, value: &str| Taint {
        key: key.into(),
        value: value.into(),
        effect: "NoSchedule".into(),
        since: None,
    };
    held.taints =
        Arc::from([taint("node.kubernetes.io/unschedulable", ""), taint("shop.example/dedicated", "db")]);
    put(&mut shared, vec![node(4, "pool-well"), held, short, silent]);
    let mut pods: Vec<_> = (1..=5_u128)
        .map(|n| {
            let mut pod = pod(n, &format!("cart-{n}"), (Uid(9), "ReplicaSet", "cart"));
            pod.node = "pool-well".into();
            pod.requests = Resources { cpu_milli: 1_200, memory: GIB };
            pod
        })
        .collect();
    pods[4].state = PodState::Done;
    pods[4].over = true;
    pods[3].state = PodState::Failed;
    pods[3].status = "Evicted".into();
    pods[3].over = true;
    put_pods(&mut shared, pods);
    let used = Resources { cpu_milli: 1_000, memory: 2 * GIB };
    use_of(&mut shared, Feed::Live, vec![("pool-well".into(), used)]);
    shared
}

fn list() -> ListPane<Nodes> {
    ListPane::new(Nodes::default())
}

fn row<'a>(picture: &'a str, name: &str) -> &'a str {
    picture.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("no {name}:\n{picture}"))
}

#[test]
fn worst_first_each_with_its_word_and_its_bars() {
    let shared = world();
    let picture = screen(&mut list(), &shared, 190, 8);
    let names: Vec<&str> =
        picture.lines().skip(2).filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(names, ["pool-silent", "pool-short", "pool-held", "pool-well"], "{picture}");
    assert!(row(&picture, "pool-silent").contains("✖ pool-silent"), "{picture}");
    assert!(row(&picture, "pool-silent").contains("NotReady 6m, SchedulingDisabled"), "{picture}");
    assert!(row(&picture, "pool-short").contains("MemoryPressure 6m"), "{picture}");
    assert!(row(&picture, "pool-held").contains("SchedulingDisabled"), "{picture}");
    assert!(row(&picture, "pool-held").contains("dedicated=db:NoSchedule"), "{picture}");
    assert!(!row(&picture, "pool-held").contains("unschedulable"), "its state says that: {picture}");
    // Three of five pods count: 3.6 of 4 cores, 3 of 16 GiB.
    let well = row(&picture, "pool-well");
    for part in
        ["Ready", "▇▇▇▁  90%", "▇▁▁▁  25%", "▇▁▁▁  18%", "▇▁▁▁  12%", "3/110", "23d", "v1.35.4-gke.12"]
    {
        assert!(well.contains(part), "{part}: {well}");
    }
    assert!(
        picture.starts_with("[Nodes production (gke-eu1) | 4 · 1 not ready · 2 cordoned · faults first | ]"),
        "{picture}"
    );
}

#[test]
fn any_column_orders_and_what_is_full_comes_first() {
    let mut shared = world();
    let mut list = list();
    screen(&mut list, &shared, 150, 8);
    let first = |list: &mut ListPane<Nodes>, shared: &Shared| {
        let picture = screen(list, shared, 150, 8);
        picture.lines().nth(2).unwrap().split_whitespace().nth(1).unwrap().to_owned()
    };
    let wanted = [
        "pool-held",   // node
        "pool-silent", // state
        "pool-well",   // cpu req
        "pool-well",   // cpu use
        "pool-well",   // mem req
        "pool-well",   // mem use
        "pool-well",   // pods
        "pool-held",   // age: all the same, so by name
        "pool-held",   // version
        "pool-held",   // taints
    ];
    for (at, wanted) in wanted.iter().enumerate() {
        list.act(&mut shared, Action::SortColumn);
        assert_eq!(first(&mut list, &shared), *wanted, "column {at}");
    }
}

#[test]
fn sums_follow_pods_that_move() {
    let mut shared = world();
    let mut list = list();
    assert!(row(&screen(&mut list, &shared, 150, 8), "pool-well").contains(" 90%"));
    let mut moved = pod(1, "cart-1", (Uid(9), "ReplicaSet", "cart"));
    moved.node = "pool-held".into();
    moved.requests = Resources { cpu_milli: 4_000, memory: GIB };
    put_pods(&mut shared, vec![moved]);
    let picture = screen(&mut list, &shared, 150, 8);
    assert!(row(&picture, "pool-well").contains(" 60%"), "{picture}");
    assert!(row(&picture, "pool-held").contains("▇▇▇▇ 100%"), "{picture}");
    assert!(row(&picture, "pool-held").contains("1/110"), "{picture}");
}

#[test]
fn a_filter_finds_states_versions_and_taints() {
    let shared = world();
    let mut list = list();
    for (filter, wanted) in [
        ("notready", vec!["pool-silent"]),
        ("dedicated", vec!["pool-held"]),
        ("schedulingdisabled", vec!["pool-silent", "pool-held"]),
        ("gke.12", vec!["pool-silent", "pool-short", "pool-held", "pool-well"]),
    ] {
        screen(&mut list, &shared, 150, 8);
        list.set_filter(&shared, filter).unwrap();
        let picture = screen(&mut list, &shared, 150, 8);
        let names: Vec<&str> =
            picture.lines().skip(2).filter_map(|line| line.split_whitespace().nth(1)).collect();
        assert_eq!(names, wanted, "{filter}: {picture}");
    }
}

#[test]
fn a_namespace_narrows_pods_but_not_nodes() {
    let mut shared = world();
    shared.namespace = Some("shop-dev".into());
    let picture = screen(&mut list(), &shared, 150, 8);
    assert!(picture.starts_with("[Nodes production (gke-eu1) | 4 ·"), "{picture}");
    assert!(row(&picture, "pool-well").contains("3/110"), "{picture}");
}

#[test]
fn what_is_not_known_is_said_and_not_drawn_as_nothing() {
    let mut shared = world();
    for (feed, word) in [
        (Feed::Absent, "use: not served"),
        (Feed::Forbidden("no".into()), "use: forbidden"),
        (Feed::Failed("503".into()), "use: failed"),
    ] {
        use_of(&mut shared, feed, vec![]);
        let picture = screen(&mut list(), &shared, 150, 8);
        assert!(picture.lines().next().unwrap().contains(word), "{picture}");
        assert!(!row(&picture, "pool-well").contains("25%"), "{picture}");
    }
    // Without pods nothing is known of what they ask for.
    let mut shared = crate::panes::views::testing::shared();
    put(&mut shared, vec![node(4, "pool-well")]);
    tell(&mut shared, ClusterMsg::Feed(Kind::Pod, Feed::Forbidden("no pods".into())));
    let picture = screen(&mut list(), &shared, 150, 8);
    assert!(row(&picture, "pool-well").contains("-/110"), "{picture}");
    assert!(!row(&picture, "pool-well").contains('%'), "{picture}");
    assert!(picture.lines().next().unwrap().contains("pods: forbidden"), "{picture}");
    // Whoever may not list namespaces may see some pods only: the sums are theirs.
    tell(&mut shared, ClusterMsg::Feed(Kind::Pod, Feed::Live));
    tell(&mut shared, ClusterMsg::Feed(Kind::Namespace, Feed::Forbidden("no".into())));
    let picture = screen(&mut list(), &shared, 150, 8);
    assert!(picture.lines().next().unwrap().contains("requests of the pods you may see"), "{picture}");
}

#[test]
fn why_there_are_no_rows_and_what_is_lost() {
    let mut shared = loading();
    let picture = screen(&mut list(), &shared, 80, 8);
    assert!(picture.contains("Loading nodes of gke-eu1…"), "{picture}");
    tell(&mut shared, ClusterMsg::Feed(Kind::Node, Feed::Forbidden("maria cannot list nodes".into())));
    let picture = screen(&mut list(), &shared, 80, 12);
    assert!(picture.contains("gke-eu1 does not let you list nodes: maria cannot list nodes"), "{picture}");
    assert!(picture.contains("Lost with it"), "{picture}");
    assert!(picture.contains("Pods still name their nodes"), "{picture}");
    tell(&mut shared, ClusterMsg::Feed(Kind::Node, Feed::Live));
    assert!(screen(&mut list(), &shared, 80, 8).contains("The cluster has no node"));
}

#[test]
fn long_names_keep_both_ends_and_use_makes_room_for_them() {
    let mut shared = shared();
    put(&mut shared, vec![node(1, "gke-prod-cluster-default-pool-3f7a91c2-cr6c"), node(2, "short")]);
    let picture = screen(&mut list(), &shared, 78, 8);
    assert!(picture.contains("gke-prod-clust") && picture.contains("3f7a91c2-cr6c"), "{picture}");
    assert!(!picture.contains("cpu use"), "{picture}");
    put(&mut shared, vec![node(1, "edge-1")]);
    let picture = screen(&mut list(), &shared, 78, 8);
    assert!(picture.contains("cpu use") && picture.contains("mem use"), "{picture}");
}

#[test]
fn nothing_breaks_at_any_size() {
    survives_all_sizes(&mut list(), &world());
}
