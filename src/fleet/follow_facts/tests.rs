//! What counts as a revision on its way, from what objects say to the answer.

use serde_json::{Value, json};

use super::*;
use crate::domain::sync_detail::{About, Artifact, FluxSource};
use crate::fleet::follow::Follow;
use crate::fleet::sync_truth;
use crate::fleet::testing::*;
use crate::wire::argocd_detail::WholeApp;
use crate::wire::flux_detail::WholeFlux;

const ID: ClusterId = ClusterId(0);
const NOW: Stamp = Stamp(1_795_271_519);

fn ago(seconds: i64) -> Stamp {
    NOW.plus(-seconds)
}

fn time(seconds: i64) -> String {
    jiff::Timestamp::from_second(ago(seconds).0).unwrap().to_string()
}

/// The Deployment `shop/cart` in a rollout whose ReplicaSet was made then.
fn rolling(made: i64) -> World {
    let cart = Workload {
        generation: 2,
        observed: 2,
        updated: 1,
        ready: 2,
        available: 2,
        conditions: [condition("Progressing", "True", "ReplicaSetUpdated")].into(),
        ..deployment("shop", "cart", "cart:2", 3)
    };
    let mut world = world(&[("gke", &["shop"])]);
    let sets = vec![
        replica_set(&cart, 2, "cart:2", 1, ago(made).0),
        replica_set(&cart, 1, "cart:1", 2, ago(900_000).0),
    ];
    put_workloads(&mut world, ID, Kind::Deployment, vec![cart]);
    put_replica_sets(&mut world, ID, sets);
    world
}

fn in_flight(facts: &Facts) -> bool {
    let mut follow = Follow::default();
    follow.observe(facts, NOW);
    follow.in_flight()
}

/// Whether an Application without self-heal has a revision in flight, one that never is as Git wants it: `new` was applied
/// by a sync that ended five minutes ago.
fn drifting(world: &World, change: impl FnOnce(&mut Value)) -> bool {
    let mut app = json!({"metadata": {"name": "cart", "namespace": "argocd", "uid": "u"},
        "spec": {"syncPolicy": {"automated": {}}},
        "status": {"sync": {"status": "OutOfSync", "revision": "new"}, "health": {"status": "Progressing"},
            "reconciledAt": time(60),
            "history": [{"id": 1, "revision": "old", "deployStartedAt": time(90_010), "deployedAt": time(90_000)},
                {"id": 2, "revision": "new", "deployStartedAt": time(310), "deployedAt": time(300)}],
            "operationState": {"phase": "Succeeded", "startedAt": time(310), "finishedAt": time(300),
                "syncResult": {"revision": "new"}},
            "resources": [{"kind": "ConfigMap", "namespace": "shop", "name": "cart", "status": "OutOfSync"},
                {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "cart", "status": "OutOfSync"}]}});
    change(&mut app);
    let About::Argo(app) = serde_json::from_value::<WholeApp>(app).unwrap().detail().about else { panic!() };
    let findings = sync_truth::findings(&app, &[], None, NOW);
    in_flight(&of_app(&app, world, Some(ID), &findings, None, NOW))
}

#[test]
fn a_new_revision_counts_although_there_is_drift_that_never_ends() {
    // Its ReplicaSet came with the sync, or it is as Git wants it; the drift is of something else.
    assert!(drifting(&rolling(305), |_| ()));
    let as_wanted = |app: &mut Value| app["status"]["resources"][1]["status"] = "Synced".into();
    assert!(drifting(&rolling(400_000), as_wanted), "a template of before, wanted again");
    // Somebody changed it long after, or went back to a template of before.
    assert!(!drifting(&rolling(30), |_| ()));
    assert!(!drifting(&rolling(400_000), |_| ()));
    // Nothing rolls out: drift alone.
    let mut still = world(&[("gke", &["shop"])]);
    put_workloads(&mut still, ID, Kind::Deployment, vec![deployment("shop", "cart", "cart:2", 3)]);
    assert!(!drifting(&still, |_| ()));
    // A sync that ends before the next comparison is one all the same: what is said of drift is from before it.
    let not_compared = |app: &mut Value| app["status"]["reconciledAt"] = time(320).into();
    assert!(drifting(&rolling(305), not_compared));
}

#[test]
fn what_was_not_applied_brings_nothing() {
    // The newest commit changes nothing of it and is not synced; an autoscaler makes more pods of what is as wanted.
    let newer = |app: &mut Value| {
        app["status"]["sync"]["revision"] = "newer".into();
        app["status"]["resources"][1]["status"] = "Synced".into();
    };
    assert!(!drifting(&rolling(400_000), newer));
    assert!(!drifting(&rolling(305), newer));
}

/// The pods of a StatefulSet tell when its template came.
#[test]
fn a_stateful_set_that_always_differs_rolls_a_new_revision_out() {
    let flight = |updated: u32, current: u32, made: Option<i64>| {
        let db = Workload {
            kind: Kind::StatefulSet,
            generation: 2,
            observed: 2,
            updated,
            current,
            more: crate::domain::workload::More::Update(crate::domain::workload::UpdateMore {
                strategy: "RollingUpdate".into(),
                ..Default::default()
            }),
            ..deployment("shop", "cart", "cart:2", 3)
        };
        let pod = |n: u32, hash: &str, created: i64| {
            let owner =
                crate::domain::meta::Owner { uid: db.uid, kind: "StatefulSet".into(), name: db.name.clone() };
            Pod {
                owner: Some(std::sync::Arc::new(owner)),
                labels: labels(&[("controller-revision-hash", hash)]),
                created: ago(created),
                ..pod(&replica_set(&db, 1, "cart:2", 3, 0), n, crate::domain::pod::PodState::Ready)
            }
        };
        let mut world = world(&[("gke", &["shop"])]);
        let mut pods = vec![pod(0, "a", 90_000), pod(1, "a", 90_000)];
        pods.extend(made.map(|made| pod(2, "b", made)));
        put_pods(&mut world, ID, pods);
        put_workloads(&mut world, ID, Kind::StatefulSet, vec![db]);
        drifting(&world, |app| app["status"]["resources"][1]["kind"] = "StatefulSet".into())
    };
    assert!(flight(1, 3, Some(240)));
    assert!(!flight(1, 3, Some(30)));
    assert!(flight(0, 3, None), "the first pod of before takes its time to end");
    assert!(!flight(2, 2, None), "an autoscaler makes more of the same");
}

fn flux(kind: Kind, world: &World, status: Value, newest: &str) -> bool {
    let artifact = Artifact { revision: newest.into(), ..Artifact::default() };
    fed(kind, world, status, FluxSource { artifact: Some(artifact), ..FluxSource::default() })
}

fn fed(kind: Kind, world: &World, status: Value, source: FluxSource) -> bool {
    let object = json!({"metadata": {"name": "shop", "namespace": "flux-system", "uid": "u", "generation": 1},
        "spec": {}, "status": status});
    let detail = serde_json::from_value::<WholeFlux>(object).unwrap().detail(kind);
    let About::Flux(mut flux) = detail.about else { panic!() };
    flux.source_facts = Lookup::Known(source);
    in_flight(&of_flux(&flux, world, Some(ID)))
}

#[test]
fn what_flux_reconciles_once_more_is_no_revision_in_flight() {
    let conditions = |message: &str| {
        json!([{"type": "Ready", "status": "Unknown", "reason": "Progressing", "message": message},
            {"type": "Reconciling", "status": "True", "reason": "Progressing", "message": message}])
    };
    let settled = world(&[("gke", &["shop"])]);
    let applied = |revision: &str| {
        json!({"observedGeneration": 1, "lastAppliedRevision": revision, "lastAttemptedRevision": "main@sha1:a",
            "inventory": {"entries": [{"id": "shop_cart_apps_Deployment", "v": "v1"}]},
            "conditions": conditions("Reconciliation in progress")})
    };
    let at = |world: &World, revision: &str, newest: &str| {
        flux(Kind::Kustomization, world, applied(revision), newest)
    };
    assert!(!at(&settled, "main@sha1:a", "main@sha1:a"), "a routine");
    assert!(at(&settled, "main@sha1:a", "main@sha1:b"), "fetched, and not tried yet");
    assert!(at(&settled, "main@sha1:before", "main@sha1:a"), "tried, and not applied yet");
    // A newer one that cannot be fetched is not hidden by a routine.
    let failed = FluxSource {
        artifact: Some(Artifact { revision: "main@sha1:a".into(), ..Artifact::default() }),
        conditions: [condition("Ready", "False", "GitOperationFailed")].into(),
        ..FluxSource::default()
    };
    assert!(fed(Kind::Kustomization, &settled, applied("main@sha1:a"), failed));
    // What the revision began goes on through a routine.
    assert!(at(&rolling(30), "main@sha1:a", "main@sha1:a"));
    // A release of the same chart may bring other values.
    let release = |message: &str| {
        json!({"observedGeneration": 1, "lastAttemptedRevision": "1.2.3", "conditions": conditions(message),
            "history": [{"version": 4, "chartVersion": "1.2.3", "status": "deployed"}]})
    };
    let helm = |message: &str| flux(Kind::HelmRelease, &settled, release(message), "sha256:1");
    assert!(!helm("Fulfilling prerequisites"));
    assert!(helm("Running 'upgrade' action with timeout of 5m0s"));
}
