use serde_json::json;

use super::*;
use crate::domain::sync::short_revision;
use crate::wire::testing::row;

#[test]
fn an_application_half_way_through_a_sync() {
    let app = row::<WireApplication>(json!({
        "metadata": {"name": "cart-prod", "namespace": "argocd", "uid": "1", "creationTimestamp": "2026-01-01T00:00:00Z",
            "ownerReferences": [{"uid": "9", "kind": "ApplicationSet", "name": "carts", "controller": true}]},
        "spec": {"project": "", "destination": {"name": "gke-eu1", "namespace": "shop-prod"},
            "source": {"repoURL": "https://git.example/shop.git", "path": "apps/cart", "targetRevision": "main"},
            "syncPolicy": {"automated": {"selfHeal": true, "prune": false}}},
        "operation": {"sync": {"revision": "bbbb"}},
        "status": {"sync": {"status": "OutOfSync", "revision": "9f31c2aa00112233445566778899aabbccddeeff"},
            "health": {"status": "Progressing"}, "reconciledAt": "2026-01-02T03:04:05Z", "controllerNamespace": "argocd",
            "operationState": {"phase": "Running", "message": "waiting for healthy state of apps/Deployment/cart",
                "startedAt": "2026-01-02T03:04:00Z",
                "operation": {"initiatedBy": {"automated": true}, "sync": {"revision": "bbbb", "autoHealAttemptsCount": 1}},
                "syncResult": {"revision": "cccc", "resources": [
                    {"status": "Synced", "hookPhase": "Running"},
                    {"hookType": "PreSync", "hookPhase": "Running"},
                    {"status": "SyncFailed", "hookPhase": "Failed"}]}},
            "resources": [
                {"group": "apps", "kind": "Deployment", "namespace": "shop-prod", "name": "cart", "status": "OutOfSync"},
                {"kind": "ConfigMap", "namespace": "shop-prod", "name": "old", "status": "OutOfSync", "requiresPruning": true},
                {"kind": "Service", "namespace": "shop-prod", "name": "cart", "status": "Synced"},
                {"kind": "Job", "namespace": "shop-prod", "name": "pre", "hook": true, "requiresPruning": true},
                {"kind": "ConfigMap", "namespace": "elsewhere", "name": "copied"}],
            "history": [{"id": 1, "revision": "aaaa", "deployedAt": "2026-01-01T01:00:00Z"},
                {"id": 2, "revision": "", "source": {"repoURL": ""}, "revisions": ["bbbb", "cccc"]}]},
    }));
    assert_eq!(&*app.project, "default");
    assert_eq!(
        (app.resources, app.drift),
        (4, 2),
        "neither the hook nor what only carries a copied mark drifts"
    );
    assert_eq!((&*app.drifted[0].kind, app.drifted[1].prune), ("Deployment", true));
    assert_eq!(*app.namespaces, ["shop-prod".into()]);
    assert_eq!(app.owner.as_ref().map(|owner| &*owner.name), Some("carts"));
    assert!(app.auto.sync && app.auto.self_heal && !app.auto.prune);
    assert!(!app.requested, "the operation that runs is the one that was asked for");
    let operation = app.operation.as_ref().unwrap();
    assert_eq!((operation.done, operation.total, operation.failed), (1, 4, 1));
    assert_eq!((&*operation.revision, operation.heal, operation.automated), ("cccc", true, true));
    assert_eq!(app.revision(), "cccc", "what is under way comes first");
    assert_eq!(short_revision(&app.revisions[0]), "9f31c2a");
    let deployed = app.deployed.unwrap();
    assert_eq!((deployed.id, &*deployed.revision), (2, "bbbb"));
}

#[test]
fn automated_may_be_off_while_it_is_there() {
    for (policy, on) in [
        (json!({}), false),
        (json!({"automated": null}), false),
        (json!({"automated": {}}), true),
        (json!({"automated": {"enabled": null}}), true),
        (json!({"automated": {"enabled": false, "selfHeal": true}}), false),
    ] {
        let app = row::<WireApplication>(
            json!({"metadata": {"name": "a", "uid": "1"}, "spec": {"syncPolicy": policy}}),
        );
        assert_eq!(app.auto.sync, on, "{policy}");
    }
}

#[test]
fn with_several_sources_the_single_one_counts_for_nothing() {
    let app = row::<WireApplication>(json!({"metadata": {"name": "a", "uid": "1"},
        "spec": {"source": {"repoURL": "dummy"}, "sources": [
            {"repoURL": "https://charts.example", "chart": "cart", "targetRevision": "1.2.3"},
            {"repoURL": "https://git.example/values.git", "ref": "values"}]},
        "status": {"sync": {"status": "Synced", "revisions": ["1.2.3", "abc"]}}}));
    let sources: Vec<(&str, &str)> =
        app.sources.iter().map(|source| (&*source.chart, &*source.name)).collect();
    assert_eq!(sources, [("cart", ""), ("", "values")]);
    assert_eq!(app.revisions.len(), 2);
}

#[test]
fn an_operation_that_nobody_has_begun_is_a_request() {
    let app = row::<WireApplication>(json!({"metadata": {"name": "a", "uid": "1",
            "annotations": {"argocd.argoproj.io/skip-reconcile": "true"}},
        "operation": {"sync": {}}, "status": {"operationState": {"phase": "Succeeded"}}}));
    assert!(app.requested && app.auto.suspended);
}

#[test]
fn a_stop_without_an_operation_is_left_over() {
    let phase = |operation: serde_json::Value| {
        let app =
            row::<WireApplication>(json!({"metadata": {"name": "a", "uid": "1"}, "operation": operation,
            "status": {"operationState": {"phase": "Terminating"}}}));
        app.operation.unwrap().phase
    };
    assert_eq!(phase(json!({"sync": {}})), Phase::Terminating);
    assert_eq!(phase(json!(null)), Phase::LeftOver);
}

mod any {
    use proptest::prelude::*;

    use super::super::*;
    use crate::wire::testing::json_like;

    proptest! {
        #[test]
        fn json_becomes_a_row_or_a_misfit(object in json_like(&[
            "metadata", "spec", "status", "operation", "operationState", "sync", "health", "resources", "history",
            "conditions", "syncResult", "revision", "revisions", "source", "sources", "destination", "automated",
            "syncPolicy", "phase", "name", "uid", "status", "initiatedBy", "annotations", "labels", "ownerReferences",
        ])) {
            if let Ok(slim) = serde_json::from_str::<WireApplication>(&object.to_string())
                && let Ok(row) = slim.row(&mut Interner::new())
            {
                let _ = (row.verdict(), row.revision().len(), row.changed());
                for text in [&row.name, &row.namespace, &row.project] {
                    prop_assert!(!text.contains(char::is_control), "{text:?}");
                }
            }
        }
    }
}
