//! The health that is worked out from live objects.

use std::sync::Arc;

use super::*;
use crate::domain::meta::Owner;
use crate::domain::time::Stamp;
use crate::domain::workload::{CronJobMore, JobMore, RolloutMore};
use crate::fleet::testing::{
    condition, deployment, pod, put_pods, put_replica_sets, put_workloads, replica_set, send, world,
};
use crate::msg::ClusterMsg;

const ID: ClusterId = ClusterId(0);

fn id(group: &str, kind: &str, name: &str) -> ResourceId {
    ResourceId { group: group.into(), kind: kind.into(), namespace: "shop-prod".into(), name: name.into() }
}

/// Health, how bad it is, and the note of the first line of an object's tree.
fn told(world: &World, id: &ResourceId, healths: &Healths) -> (String, Level, String) {
    let resource = Resource { id: id.clone(), status: "Synced".into(), ..Resource::default() };
    let nodes = tree(world, Some(ID), &[resource], None, healths);
    (nodes[0].health.to_string(), nodes[0].level, nodes[0].note.clone())
}

/// The health of one workload.
fn workload(workload: Workload) -> (String, Level) {
    let mut world = world(&[("gke", &["shop-prod"])]);
    let id = id(workload.kind.api().0, workload.kind.word(), &workload.name);
    put_workloads(&mut world, ID, workload.kind, vec![workload]);
    let (health, level, _) = told(&world, &id, &[]);
    (health, level)
}

fn of(health: &str, level: Level) -> (String, Level) {
    (health.to_owned(), level)
}

#[test]
fn deployments_and_rollouts() {
    let cart = || deployment("shop-prod", "cart", "cart:1", 3);
    assert_eq!(workload(cart()), of("Healthy", Level::Ok));
    assert_eq!(workload(Workload { updated: 1, ..cart() }), of("Progressing", Level::Progressing));
    let late = Arc::from([condition("Progressing", "False", "ProgressDeadlineExceeded")]);
    assert_eq!(
        workload(Workload { available: 1, conditions: late, ..cart() }),
        of("Degraded", Level::Critical)
    );
    assert_eq!(workload(Workload { paused: true, ..cart() }), of("Suspended", Level::Ok));
    assert_eq!(
        workload(Workload { desired: 0, current: 0, updated: 0, ..cart() }),
        of("Healthy", Level::Idle)
    );
    let rollout = |phase: &str| Workload {
        kind: Kind::Rollout,
        more: More::Rollout(Box::new(RolloutMore {
            strategy: "canary".into(),
            phase: phase.into(),
            message: "".into(),
            step: Some((1, 4)),
            stable_hash: "a".into(),
            current_hash: "b".into(),
            active_hash: "".into(),
            aborted: false,
            weights: None,
            analyses: Vec::new(),
        })),
        ..cart()
    };
    for (phase, health) in [
        ("Healthy", "Healthy"),
        ("Progressing", "Progressing"),
        ("Paused", "Suspended"),
        ("Degraded", "Degraded"),
        ("", "Progressing"),
    ] {
        assert_eq!(workload(rollout(phase)).0, health, "{phase}");
    }
}

#[test]
fn sets_that_keep_pods_of_the_template_before_by_their_strategy_are_healthy() {
    let set = |kind, strategy: &str, partition, updated, available| Workload {
        kind,
        conditions: Arc::from([]),
        updated,
        available,
        ready: available,
        more: More::Update(UpdateMore { strategy: strategy.into(), partition, ..UpdateMore::default() }),
        ..deployment("shop-prod", "db", "db:2", 5)
    };
    let (stateful, daemon) = (Kind::StatefulSet, Kind::DaemonSet);
    assert_eq!(workload(set(stateful, "RollingUpdate", 0, 5, 5)), of("Healthy", Level::Ok));
    assert_eq!(workload(set(stateful, "RollingUpdate", 0, 2, 5)).0, "Progressing");
    assert_eq!(workload(set(stateful, "RollingUpdate", 3, 2, 5)), of("Healthy", Level::Ok));
    assert_eq!(workload(set(stateful, "RollingUpdate", 3, 1, 5)).0, "Progressing");
    assert_eq!(workload(set(stateful, "OnDelete", 0, 0, 5)), of("Healthy", Level::Ok));
    assert_eq!(workload(set(daemon, "OnDelete", 0, 1, 5)), of("Healthy", Level::Ok));
    assert_eq!(workload(set(daemon, "RollingUpdate", 0, 1, 5)).0, "Progressing");
}

fn job(failed: u32, conditions: &[&str], paused: bool) -> Workload {
    let more = JobMore { completions: 1, succeeded: 0, failed, active: 1, started: None, completed: None };
    let conditions = conditions.iter().map(|kind| condition(kind, "True", "")).collect();
    Workload {
        kind: Kind::Job,
        conditions,
        paused,
        more: More::Job(more),
        ..deployment("shop-prod", "migrate", "cart:1", 1)
    }
}

#[test]
fn jobs_and_cron_jobs() {
    assert_eq!(workload(job(0, &[], false)).0, "Progressing");
    assert_eq!(workload(job(2, &[], false)), of("Progressing", Level::Warning), "it tries again");
    assert_eq!(workload(job(3, &["Failed"], false)).0, "Degraded");
    assert_eq!(workload(job(0, &["Complete"], false)).0, "Healthy");
    assert_eq!(workload(job(0, &["Suspended"], true)).0, "Suspended");

    let cron = |paused| Workload {
        kind: Kind::CronJob,
        paused,
        more: More::CronJob(CronJobMore {
            schedule: "0 2 * * *".into(),
            time_zone: "".into(),
            active: 0,
            last_schedule: None,
            last_success: None,
        }),
        ..deployment("shop-prod", "nightly", "report:3", 0)
    };
    assert_eq!(workload(cron(false)).0, "Healthy");
    assert_eq!(workload(cron(true)).0, "Suspended");
    // Its newest Job tells.
    let of_cron = |name: &str, created, conditions: &[&str]| {
        let cron = cron(false);
        let owner = Owner { uid: cron.uid, kind: "CronJob".into(), name: cron.name };
        let uid = crate::fleet::testing::uid(name);
        Workload {
            uid,
            name: name.into(),
            created: Stamp(created),
            owner: Some(Arc::new(owner)),
            ..job(0, conditions, false)
        }
    };
    let mut world = world(&[("gke", &["shop-prod"])]);
    put_workloads(&mut world, ID, Kind::CronJob, vec![cron(false)]);
    put_workloads(
        &mut world,
        ID,
        Kind::Job,
        vec![of_cron("one", 10, &["Complete"]), of_cron("two", 20, &["Failed"])],
    );
    let id = id("batch", "CronJob", "nightly");
    assert_eq!(told(&world, &id, &[]).0, "Degraded");
    put_workloads(&mut world, ID, Kind::Job, vec![of_cron("three", 30, &["Complete"])]);
    assert_eq!(told(&world, &id, &[]).0, "Healthy");
}

#[test]
fn pods_and_replica_sets_of_their_own() {
    let mut world = world(&[("gke", &["shop-prod"])]);
    let cart = deployment("shop-prod", "cart", "cart:1", 2);
    let set = replica_set(&cart, 1, "cart:1", 2, 10);
    let few = ReplicaSet { ready: 1, available: 1, ..replica_set(&cart, 2, "cart:1", 2, 10) };
    let pods = [(1, PodState::Ready), (2, PodState::Done), (3, PodState::Failed), (4, PodState::Moving)];
    put_pods(&mut world, ID, pods.into_iter().map(|(n, state)| pod(&set, n, state)).collect());
    put_replica_sets(&mut world, ID, vec![set, few]);
    for (n, health) in [(1, "Healthy"), (2, "Healthy"), (3, "Degraded"), (4, "Progressing")] {
        assert_eq!(told(&world, &id("", "Pod", &format!("cart-1-{n}")), &[]).0, health, "{n}");
    }
    assert_eq!(
        told(&world, &id("apps", "ReplicaSet", "cart-1"), &[]),
        ("Healthy".into(), Level::Ok, "2/2 ready".into())
    );
    assert_eq!(
        told(&world, &id("apps", "ReplicaSet", "cart-2"), &[]),
        ("Progressing".into(), Level::Progressing, "1/2 ready".into())
    );
}

#[test]
fn what_was_read_for_it_and_what_may_not_be_read() {
    let mut world = world(&[("gke", &["shop-prod"])]);
    let claim = id("", "PersistentVolumeClaim", "data-0");
    let scaler = id("autoscaling", "HorizontalPodAutoscaler", "cart");
    assert_eq!(told(&world, &claim, &[]), (String::new(), Level::Ok, String::new()), "not read yet");
    let known =
        |health: &str, note: &str| Lookup::Known(LiveHealth { health: health.into(), note: note.to_owned() });
    let healths = [
        (claim.clone(), known("Progressing", "waits for a volume")),
        (scaler.clone(), known("Degraded", "FailedGetScale: no such target")),
    ];
    assert_eq!(
        told(&world, &claim, &healths),
        ("Progressing".into(), Level::Progressing, "waits for a volume".into())
    );
    assert_eq!(told(&world, &scaler, &healths).1, Level::Critical);
    assert_eq!(told(&world, &claim, &[(claim.clone(), Lookup::None)]).0, "Missing");
    let refused = [(claim.clone(), Lookup::Refused("claims are forbidden (403)".to_owned()))];
    assert_eq!(
        told(&world, &claim, &refused),
        (String::new(), Level::Unknown, "cannot be read: claims are forbidden (403)".into())
    );
    // A kind that is watched and refused says so, too.
    send(
        &mut world,
        ID,
        ClusterMsg::Feed(Kind::Deployment, Feed::Forbidden("deployments is forbidden".into())),
    );
    assert_eq!(
        told(&world, &id("apps", "Deployment", "cart"), &[]),
        (String::new(), Level::Unknown, "cannot be read: deployments is forbidden".into())
    );
}
