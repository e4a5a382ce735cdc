//! What is told of a small story, and what is not.

use super::*;
use crate::domain::backup::{Backup, Run, Volumes};
use crate::domain::link::Feed;
use crate::domain::node::Autoscaler;
use crate::domain::pod::{LastExit, PodState};
use crate::domain::sync::testing::app;
use crate::domain::sync::{Deployed, Operation};
use crate::domain::workload::Scaled;
use crate::fleet::Backups;
use crate::fleet::environments;
use crate::fleet::testing::{
    deployment, pod, put_pods, put_replica_sets, put_workloads, replica_set, send, uid, world,
};
use crate::fleet::wanted::Wanted;
use crate::msg::{ClusterMsg, Delta, Facts};

const ID: ClusterId = ClusterId(0);

/// cart of shop-prod: a rollout at 1000, a crash at 1100, scaled at 1200; mailer beside it, older.
fn story() -> (World, ObjectRef, ObjectRef) {
    let mut world = world(&[("admin", &["shop-prod"])]);
    let cart = deployment("shop-prod", "cart", "shop/cart:1.31.0", 2);
    let mailer = deployment("shop-prod", "mailer", "shop/mailer:1.9.9", 1);
    let old = replica_set(&cart, 1, "shop/cart:1.30.4", 0, 100);
    let new = replica_set(&cart, 2, "host:5000/shop/cart:1.31.0", 2, 1_000);
    let other = replica_set(&mailer, 1, "shop/mailer:1.9.9", 1, 900);
    let mut crashing = pod(&new, 1, PodState::Failed);
    crashing.restarts = 3;
    crashing.last_exit =
        Some(Box::new(LastExit { reason: "OOMKilled".into(), code: 137, at: Some(Stamp(1_100)) }));
    crashing.node = "node-7".into();
    let mut done = pod(&other, 1, PodState::Done);
    done.last_exit = Some(Box::new(LastExit { reason: "Completed".into(), code: 0, at: Some(Stamp(1_150)) }));
    let object = |kind, name: &str, uid| ObjectRef {
        cluster: ID,
        kind,
        namespace: "shop-prod".into(),
        name: name.into(),
        uid,
    };
    let refs = (object(Kind::Deployment, "cart", cart.uid), object(Kind::Pod, &crashing.name, crashing.uid));
    put_pods(&mut world, ID, vec![crashing, pod(&new, 2, PodState::Ready), done]);
    put_replica_sets(&mut world, ID, vec![old, new, other]);
    put_workloads(&mut world, ID, Kind::Deployment, vec![cart, mailer]);
    let scaler = Autoscaler {
        uid: uid("hpa"),
        namespace: "shop-prod".into(),
        name: "cart".into(),
        target_kind: "Deployment".into(),
        target_name: "cart".into(),
        min: 1,
        max: 9,
        current: 2,
        desired: 2,
        scaled: Some(Stamp(1_200)),
    };
    send(&mut world, ID, ClusterMsg::Facts(Facts::Autoscalers(vec![Delta::Put(scaler)])));
    (world, refs.0, refs.1)
}

fn told(world: &World, scope: Scope<'_>, since: i64) -> Vec<String> {
    let environments = environments(&Wanted::default(), world);
    let mut syncs = Syncs::default();
    syncs.refresh(&Wanted::default(), &environments, world);
    let mut backups = Backups::default();
    backups.refresh(&Wanted::default(), &environments, world, Stamp(1_300));
    let env = environments.list.iter().find(|env| env.scope.contains("shop-prod"));
    let kept = env.and_then(|env| backups.get(env.id));
    marks(&Known { world, syncs: &syncs, kept }, scope, Stamp(since))
        .into_iter()
        .map(|mark| format!("{} {} {} {}", mark.at.0, mark.what.word(), mark.about, mark.detail))
        .collect()
}

#[test]
fn an_apps_events_newest_first() {
    let (world, cart, pod) = story();
    let all = ["1200 scale cart 2 pods", "1100 restart cart-2-1 OOMKilled 137", "1000 deploy cart 1.31.0"];
    assert_eq!(told(&world, Scope::Workloads(std::slice::from_ref(&cart)), 500), all);
    assert_eq!(told(&world, Scope::Pod(&pod), 500), all);
    assert_eq!(
        told(&world, Scope::Workloads(std::slice::from_ref(&cart)), 0).last().map(String::as_str),
        Some("100 deploy cart 1.30.4")
    );
    assert_eq!(told(&world, Scope::Node(ID, "node-7"), 0), ["1100 restart cart-2-1 OOMKilled 137"]);
    assert_eq!(told(&world, Scope::Node(ID, "node-8"), 0), [] as [&str; 0]);
}

#[test]
fn who_scaled_is_told_once() {
    let with = |by: &str, at| {
        let (mut world, cart, _) = story();
        let mut all: Vec<Workload> = world.clusters[0].workloads.iter().map(|(_, one)| one.clone()).collect();
        let scaled = Some(Scaled { at: Stamp(at), by: by.into() });
        all.iter_mut().filter(|one| one.uid == cart.uid).for_each(|one| one.scaled = scaled.clone());
        put_workloads(&mut world, ID, Kind::Deployment, all);
        let mut lines = told(&world, Scope::Workloads(std::slice::from_ref(&cart)), 500);
        lines.retain(|line| line.contains("scale"));
        lines
    };
    assert_eq!(with("kubectl", 1_250), ["1250 scale cart by kubectl", "1200 scale cart 2 pods"]);
    assert_eq!(with("kubectl", 400), ["1200 scale cart 2 pods"], "before the time that is drawn");
    assert_eq!(with("kube-controller-manager", 1_200), ["1200 scale cart 2 pods"], "the autoscaler's own");
}

#[test]
fn an_environments_events_are_those_of_its_namespaces() {
    let (world, ..) = story();
    let environments = environments(&Wanted::default(), &world);
    let env = environments.list.iter().find(|env| env.scope.contains("shop-prod")).unwrap();
    assert_eq!(
        told(&world, Scope::Environment(env), 500),
        [
            "1200 scale cart 2 pods",
            "1100 restart cart-2-1 OOMKilled 137",
            "1000 deploy cart 1.31.0",
            "900 deploy mailer 1.9.9"
        ],
        "a pod that is done has not restarted"
    );
    let mut elsewhere = env.clone();
    elsewhere.scope = crate::domain::environment::Scope::Namespaces(vec!["shop-dev".into()]);
    assert_eq!(told(&world, Scope::Environment(&elsewhere), 0), [] as [&str; 0]);
}

fn told_in(world: &World, env: &Environment) -> Vec<String> {
    told(world, Scope::Environment(env), 500)
}

/// A pod of a StatefulSet's or DaemonSet's template.
fn pod_of(workload: &Workload, n: u32, hash: &str, image: &str, created: i64) -> Pod {
    let mut pod = pod(&replica_set(workload, 1, image, 1, created), n, PodState::Ready);
    pod.uid = uid(&format!("{} {n} {created}", workload.name));
    pod.labels = crate::fleet::testing::labels(&[("controller-revision-hash", hash)]);
    let kind = workload.kind.word().into();
    let owner = crate::domain::meta::Owner { uid: workload.uid, kind, name: workload.name.clone() };
    pod.owner = Some(std::sync::Arc::new(owner));
    pod
}

#[test]
fn rollouts_of_stateful_sets_and_daemon_sets_begin_with_the_oldest_pod_of_a_template() {
    for kind in [Kind::StatefulSet, Kind::DaemonSet] {
        let mut world = world(&[("admin", &["shop-prod"])]);
        let db = Workload { kind, generation: 4, ..deployment("shop-prod", "db", "shop/db:17.2", 3) };
        let object =
            ObjectRef { cluster: ID, kind, namespace: "shop-prod".into(), name: "db".into(), uid: db.uid };
        put_workloads(&mut world, ID, kind, vec![db.clone()]);
        let told = |world: &World, since| told(world, Scope::Workloads(std::slice::from_ref(&object)), since);
        let old = |n| pod_of(&db, n, "db-5b", "shop/db:17.1", 100);
        let new = |n, created| pod_of(&db, n, "db-6f", "shop/db:17.2", created);
        put_pods(&mut world, ID, vec![old(1), old(2), new(3, 1_000)]);
        assert_eq!(told(&world, 50), ["1000 deploy db 17.2"], "on its way; nobody knows of the one before");
        put_pods(&mut world, ID, vec![new(2, 1_010), new(1, 1_020)]);
        assert_eq!(told(&world, 500), ["1000 deploy db 17.2"]);
        let environments = environments(&Wanted::default(), &world);
        let env = environments.list.iter().find(|env| env.scope.contains("shop-prod")).unwrap();
        assert_eq!(told_in(&world, env), ["1000 deploy db 17.2"]);
        // A pod that is made again, also the oldest, is no rollout.
        let gone = new(3, 1_000).uid;
        send(
            &mut world,
            ID,
            ClusterMsg::Facts(Facts::Pods(vec![Delta::Gone(gone), Delta::Put(new(3, 1_200))])),
        );
        assert_eq!(told(&world, 500), ["1000 deploy db 17.2"]);
    }
}

#[test]
fn a_daemon_set_that_was_never_changed_came_when_it_was_made() {
    let mut world = world(&[("admin", &["shop-prod"])]);
    let kind = Kind::DaemonSet;
    let agent =
        Workload { kind, created: Stamp(60), ..deployment("shop-prod", "agent", "shop/agent:2.0", 1) };
    let object =
        ObjectRef { cluster: ID, kind, namespace: "shop-prod".into(), name: "agent".into(), uid: agent.uid };
    put_workloads(&mut world, ID, kind, vec![agent.clone()]);
    // Of a node that came later.
    put_pods(&mut world, ID, vec![pod_of(&agent, 1, "7c", "shop/agent:2.0", 1_000)]);
    let scope = Scope::Workloads(std::slice::from_ref(&object));
    assert_eq!(told(&world, scope, 500), [] as [&str; 0]);
    assert_eq!(told(&world, scope, 50), ["60 deploy agent 2.0"]);
}

#[test]
fn what_is_gone_has_no_events() {
    let (world, mut cart, _) = story();
    cart.uid = uid("another");
    assert_eq!(told(&world, Scope::Workloads(&[cart]), 0), [] as [&str; 0]);
    assert_eq!(told(&world, Scope::Node(ClusterId(9), "node-7"), 0), [] as [&str; 0]);
}

/// cart's Application in Argo CD, and Velero's backups.
fn delivered(world: &mut World, operation: Option<Operation>) {
    let mut app = app(Kind::Application, "cart");
    app.namespaces = ["shop-prod".into()].into();
    app.destination.namespace = "shop-prod".into();
    app.deployed = Some(Deployed {
        id: 7,
        revision: "9f31c2aa00112233445566778899aabbccddeeff".into(),
        at: Some(Stamp(1_010)),
    });
    let before = Deployed { id: 6, revision: "c4f3babe".into(), at: Some(Stamp(700)) };
    let long_before = Deployed { id: 5, revision: "0ddba11".into(), at: Some(Stamp(90)) };
    app.earlier = [before, long_before].into();
    app.operation = operation;
    let backup = |name: &str, namespace: &str, at, phase: &str| Backup {
        uid: uid(name),
        namespace: "velero".into(),
        name: name.into(),
        created: Stamp(at),
        schedule: "".into(),
        template: Template { namespaces: [namespace.into()].into(), ..Template::default() },
        run: Run { phase: phase.into(), started: Some(Stamp(at)), ..Run::default() },
        queue_position: 0,
        expires: None,
        volumes: Volumes::default(),
        hooks: (0, 0),
    };
    let backups = vec![
        Delta::Put(backup("prod-1", "shop-prod", 1_050, "Completed")),
        Delta::Put(backup("prod-2", "shop-*", 1_060, "PartiallyFailed")),
        Delta::Put(backup("dev-1", "shop-dev", 1_070, "Completed")),
    ];
    for kind in crate::fleet::backups::KINDS {
        send(world, ID, ClusterMsg::Feed(kind, Feed::Live));
    }
    send(world, ID, ClusterMsg::Facts(Facts::Applications(vec![Delta::Put(app)])));
    send(world, ID, ClusterMsg::Facts(Facts::Backups(backups)));
}

/// The story with a Deployment that says who delivers it.
fn delivered_story(operation: Option<Operation>) -> (World, ObjectRef) {
    let (mut world, cart, _) = story();
    let mut all: Vec<Workload> = world.clusters[0].workloads.iter().map(|(_, one)| one.clone()).collect();
    all.iter_mut().filter(|one| one.uid == cart.uid).for_each(|one| one.delivered_by = Some("cart".into()));
    put_workloads(&mut world, ID, Kind::Deployment, all);
    delivered(&mut world, operation);
    (world, cart)
}

#[test]
fn syncs_and_backups_that_concern_it() {
    let (world, cart) = delivered_story(None);
    let all = [
        "1200 scale cart 2 pods",
        "1100 restart cart-2-1 OOMKilled 137",
        "1060 backup prod-2 PartiallyFailed",
        "1050 backup prod-1 Completed",
        "1010 sync cart 9f31c2a",
        "1000 deploy cart 1.31.0",
        "700 sync cart c4f3babe",
    ];
    assert_eq!(told(&world, Scope::Workloads(std::slice::from_ref(&cart)), 500), all);
    let mailer = world.clusters[0].workloads.iter().find(|(_, one)| &*one.name == "mailer").unwrap().1;
    let mailer = ObjectRef { name: mailer.name.clone(), uid: mailer.uid, ..cart };
    assert_eq!(
        told(&world, Scope::Workloads(&[mailer]), 500),
        ["1060 backup prod-2 PartiallyFailed", "1050 backup prod-1 Completed", "900 deploy mailer 1.9.9"],
        "another app's sync is none of its own"
    );
}

#[test]
fn an_operation_that_made_no_history_is_told_too() {
    let operation = |phase, started, finished| Operation {
        phase,
        started: Some(Stamp(started)),
        finished,
        revision: "c0ffee00112233445566778899aabbccddeeff00".into(),
        ..Operation::default()
    };
    let syncs = |operation| {
        let (world, cart) = delivered_story(Some(operation));
        let all = told(&world, Scope::Workloads(&[cart]), 1_005);
        all.into_iter().filter(|line| line.contains("sync")).collect::<Vec<_>>()
    };
    let known = "1010 sync cart 9f31c2a".to_owned();
    assert_eq!(
        syncs(operation(Phase::Failed, 1_150, Some(Stamp(1_170)))),
        ["1170 sync cart c0ffee0 failed".to_owned(), known.clone()]
    );
    assert_eq!(
        syncs(operation(Phase::Running, 1_150, None)),
        ["1150 sync cart c0ffee0 begun".to_owned(), known.clone()]
    );
    assert_eq!(
        syncs(operation(Phase::Succeeded, 1_000, Some(Stamp(1_011)))),
        std::slice::from_ref(&known),
        "it is the same"
    );
    let dry = Operation { dry_run: true, ..operation(Phase::Succeeded, 1_150, Some(Stamp(1_160))) };
    assert_eq!(syncs(dry), [known]);
}
