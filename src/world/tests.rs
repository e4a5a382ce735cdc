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

fn workload(n: u128, kind: Kind, owner: Option<u128>) -> Workload {
    let uid = Uid(n);
    let owner = owner.map(|uid| Owner { uid: Uid(uid), kind: "CronJob".into(), name: "nightly".into() });
    let job = crate::fleet::testing::deployment("a", "some", "some:1", 1);
    Workload { uid, kind, owner: owner.map(Arc::new), ..job }
}

fn put(world: &mut World, kind: Kind, deltas: Vec<Delta<Workload>>) {
    world.apply(ClusterId(0), ClusterMsg::Facts(Facts::Workloads(kind, deltas)), Now::default());
}

#[test]
fn jobs_are_found_by_their_cron_job() {
    let mut world = world();
    let of = |world: &World, cron| {
        let mut jobs: Vec<u128> = world.clusters[0].jobs_of(Uid(cron)).map(|(_, job)| job.uid.0).collect();
        jobs.sort_unstable();
        jobs
    };
    let job = |n, owner| Delta::Put(workload(n, Kind::Job, owner));
    put(&mut world, Kind::Deployment, vec![Delta::Put(workload(9, Kind::Deployment, Some(100)))]);
    put(&mut world, Kind::Job, vec![job(1, Some(100)), job(2, Some(100)), job(3, Some(200)), job(4, None)]);
    assert_eq!((of(&world, 100), of(&world, 200)), (vec![1, 2], vec![3]));
    // A slot that is free is another one's.
    put(&mut world, Kind::Job, vec![Delta::Gone(Uid(1)), job(5, Some(200)), job(4, Some(200))]);
    assert_eq!((of(&world, 100), of(&world, 200)), (vec![2], vec![3, 4, 5]));
    put(&mut world, Kind::Job, vec![Delta::Begin(None), job(2, Some(100)), Delta::End(None)]);
    assert_eq!((of(&world, 100), of(&world, 200)), (vec![2], vec![]));
}

#[test]
fn templates_are_remembered_without_pods_and_forgotten_with_their_controller() {
    let mut world = world();
    let of = |world: &World, n| world.clusters[0].revisions_of(Uid(n)).len();
    let of_set = |n, controller, hash: &str| {
        let owner = Owner { uid: Uid(controller), kind: "StatefulSet".into(), name: "db".into() };
        let labels = Labels::new(vec![("controller-revision-hash".into(), hash.into())]);
        Delta::Put(Pod { owner: Some(Arc::new(owner)), labels, ..pod(n, "a", PodState::Ready) })
    };
    let set = |n| Delta::Put(workload(n, Kind::StatefulSet, None));
    // Pods may come before their controllers, and these may not be listed at all.
    send(
        &mut world,
        vec![of_set(1, 100, "x"), of_set(2, 100, "y"), of_set(3, 200, "x"), of_set(4, 300, "x")],
    );
    put(&mut world, Kind::StatefulSet, vec![set(100), set(200)]);
    assert_eq!((of(&world, 100), of(&world, 200), of(&world, 300)), (2, 1, 1));
    send(&mut world, [1, 2, 4].map(|n| Delta::Gone(Uid(n))).into());
    assert_eq!((of(&world, 100), of(&world, 300)), (2, 0), "scaled to nothing; gone for all that is known");
    put(&mut world, Kind::StatefulSet, vec![Delta::Gone(Uid(100)), Delta::Begin(None), Delta::End(None)]);
    assert_eq!(
        (of(&world, 100), of(&world, 200)),
        (0, 1),
        "deleted; not listed any more, and its pod is there"
    );
    put(&mut world, Kind::StatefulSet, vec![set(200)]);
    send(&mut world, vec![Delta::Gone(Uid(3))]);
    assert_eq!(of(&world, 200), 1, "it was listed again");
    send(&mut world, vec![of_set(3, 200, "x")]);
    put(&mut world, Kind::StatefulSet, vec![Delta::Begin(None), Delta::End(None)]);
    send(&mut world, vec![Delta::Gone(Uid(3))]);
    assert_eq!(of(&world, 200), 0, "its last pod goes after it");
    // A pod that is still to be told of goes too.
    send(&mut world, vec![of_set(5, 100, "y")]);
    send(&mut world, vec![Delta::Gone(Uid(5))]);
    assert_eq!(of(&world, 100), 0);
}
