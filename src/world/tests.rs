use std::sync::Arc;

use super::*;
use crate::domain::id::{Name, Uid};
use crate::domain::link::Feed;
use crate::domain::meta::{Labels, Owner};
use crate::domain::pod::PodState;
use crate::domain::time::Stamp;
use crate::msg::{Delta, Facts, Usage};

pub(super) fn pod(n: u128, namespace: &str, state: PodState) -> Pod {
    Pod {
        uid: Uid(n),
        name: format!("pod-{n}").into(),
        namespace: namespace.into(),
        node: "node-1".into(),
        status: "Running".into(),
        state,
        over: state == PodState::Done,
        ready: 1,
        total: 1,
        restarts: 0,
        last_exit: None,
        created: Stamp(0),
        deleting: false,
        owner: Some(Arc::new(Owner {
            uid: Uid(1_000_000 + n % 2),
            kind: "ReplicaSet".into(),
            name: "rs".into(),
        })),
        labels: Labels::default(),
        images: Arc::from([]),
        digest: "".into(),
        requests: Resources { cpu_milli: 100, memory: 1 << 20 },
        limits: Resources::default(),
    }
}

fn world() -> World {
    World::new(vec![Connection { context: "one".into(), ..Connection::default() }])
}

fn send(world: &mut World, deltas: Vec<Delta<Pod>>) {
    world.apply(ClusterId(0), ClusterMsg::Facts(Facts::Pods(deltas)), Now::default());
}

fn names(world: &World) -> Vec<u128> {
    let mut uids: Vec<u128> = world.clusters[0].pods.iter().map(|(_, p)| p.uid.0).collect();
    uids.sort_unstable();
    uids
}

#[test]
fn a_relist_removes_only_what_it_no_longer_names_and_only_at_its_end() {
    let mut world = world();
    let first: Vec<_> = (0..4).map(|n| Delta::Put(pod(n, "a", PodState::Ready))).collect();
    send(&mut world, vec![Delta::Begin(None)]);
    send(&mut world, first);
    send(&mut world, vec![Delta::End(None)]);
    assert_eq!(names(&world), [0, 1, 2, 3]);

    send(&mut world, vec![Delta::Begin(None), Delta::Put(pod(1, "a", PodState::Failed))]);
    assert_eq!(names(&world), [0, 1, 2, 3], "nothing goes before the list is whole");
    send(&mut world, vec![Delta::Put(pod(9, "a", PodState::Ready)), Delta::End(None)]);
    assert_eq!(names(&world), [1, 9]);
    assert_eq!(world.clusters[0].tally("a").failed, 1);
    assert_eq!(world.clusters[0].tally("a").total, 2);
}

#[test]
fn a_list_of_one_namespace_leaves_the_others_alone() {
    let mut world = world();
    send(
        &mut world,
        vec![Delta::Put(pod(1, "a", PodState::Ready)), Delta::Put(pod(2, "b", PodState::Ready))],
    );
    let b: Name = "b".into();
    send(&mut world, vec![Delta::Begin(Some(b.clone())), Delta::End(Some(b))]);
    assert_eq!(names(&world), [1]);
}

#[test]
fn a_list_that_was_cut_and_begun_again_sweeps_once() {
    let mut world = world();
    send(&mut world, vec![Delta::Put(pod(1, "a", PodState::Ready))]);
    send(&mut world, vec![Delta::Begin(None), Delta::Put(pod(2, "a", PodState::Ready))]);
    send(&mut world, vec![Delta::Begin(None), Delta::Put(pod(1, "a", PodState::Ready)), Delta::End(None)]);
    assert_eq!(names(&world), [1]);
}

#[test]
fn indexes_follow_pods_that_come_change_and_go() {
    let mut world = world();
    send(&mut world, (0..6).map(|n| Delta::Put(pod(n, "a", PodState::Moving))).collect());
    let cluster = &world.clusters[0];
    assert_eq!(cluster.pods_owned_by(Uid(1_000_000)).len(), 3);
    assert_eq!(cluster.tally("a").requests.cpu_milli, 600);
    send(&mut world, vec![Delta::Gone(Uid(0)), Delta::Put(pod(2, "a", PodState::Done))]);
    let cluster = &world.clusters[0];
    assert_eq!(cluster.pods_owned_by(Uid(1_000_000)).len(), 2);
    assert_eq!(
        cluster.tally("a"),
        PodTally {
            total: 5,
            moving: 4,
            done: 1,
            requests: Resources { cpu_milli: 400, memory: 4 << 20 },
            ..PodTally::default()
        }
    );
}

#[test]
fn the_log_names_what_changed_or_says_that_it_forgot() {
    let mut world = world();
    send(&mut world, (0..10).map(|n| Delta::Put(pod(n, "a", PodState::Ready))).collect());
    let version = world.clusters[0].pods.version();
    send(&mut world, vec![Delta::Put(pod(3, "a", PodState::Failed))]);
    let pods = &world.clusters[0].pods;
    let slot = pods.slot(Uid(3)).unwrap();
    assert_eq!(pods.changed_since(version), Some(&[slot][..]));
    for n in 0..2_000 {
        let state = if n % 2 == 0 { PodState::Failed } else { PodState::Ready };
        send(&mut world, vec![Delta::Put(pod(4, "a", state))]);
    }
    assert_eq!(world.clusters[0].pods.changed_since(version), None);
}

#[test]
fn what_says_nothing_new_is_no_change_but_was_touched() {
    let mut world = world();
    send(&mut world, (0..3).map(|n| Delta::Put(pod(n, "a", PodState::Ready))).collect());
    let (version, touched) = (world.clusters[0].pods.version(), world.clusters[0].pods.touched());
    let again = vec![Delta::Begin(None), Delta::Put(pod(1, "a", PodState::Ready)), Delta::End(None)];
    let news = ClusterMsg::Facts(Facts::Pods(again));
    assert!(world.apply(ClusterId(0), news, Now::default()), "a list without them: two are gone");
    assert_eq!(world.clusters[0].pods.version(), version + 2);
    let news = ClusterMsg::Facts(Facts::Pods(vec![Delta::Put(pod(1, "a", PodState::Ready))]));
    assert!(!world.apply(ClusterId(0), news, Now::default()));
    assert_eq!(world.clusters[0].pods.version(), version + 2);
    assert_eq!(world.clusters[0].pods.touched(), touched + 4);
    let news = ClusterMsg::Answered(Stamp(9));
    assert!(!world.apply(ClusterId(0), news, Now::default()), "an age");
}

#[test]
fn usage_belongs_to_the_pod_and_not_to_the_slot() {
    let mut world = world();
    send(&mut world, vec![Delta::Put(pod(1, "a", PodState::Ready))]);
    let used = Resources { cpu_milli: 42, memory: 7 };
    let usage = Usage {
        feed: Feed::Live,
        node_feed: Feed::Live,
        pods: vec![("a".into(), "pod-1".into(), used)],
        nodes: vec![],
    };
    world.apply(ClusterId(0), ClusterMsg::Usage(usage), Now::default());
    let row = RowId { cluster: ClusterId(0), slot: 0 };
    assert_eq!(world.usage(row), Some(used));
    send(&mut world, vec![Delta::Gone(Uid(1)), Delta::Put(pod(2, "a", PodState::Ready))]);
    assert_eq!(world.usage(row), None);
}

#[test]
fn two_contexts_to_one_cluster_are_one() {
    let mut world = World::new(vec![
        Connection { context: "one".into(), ..Connection::default() },
        Connection { context: "two".into(), ..Connection::default() },
    ]);
    for n in 0..2 {
        let identity = ClusterMsg::Identity { version: "v1.36.3".into(), cluster_uid: "same".into() };
        world.apply(ClusterId(n), identity, Now::default());
    }
    assert_eq!(world.clusters[0].connection.same_as, None);
    assert_eq!(world.clusters[1].connection.same_as.as_deref(), Some("one"));
}
