use serde_json::json;

use super::*;
use crate::domain::sync::{Health, Phase, Sync};
use crate::wire::testing::row;

#[test]
fn a_kustomization() {
    let app = row::<WireKustomization>(json!({
        "metadata": {"name": "shop", "namespace": "flux-system", "uid": "1", "generation": 3,
            "annotations": {"reconcile.fluxcd.io/requestedAt": "t2"}},
        "spec": {"path": "./apps", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "fleet"},
            "dependsOn": [{"name": "base"}, {"name": "crds", "namespace": "other"}]},
        "status": {"observedGeneration": 3, "lastAppliedRevision": "main@sha1:9f31c2aa00112233445566778899aabbccddeeff",
            "lastAttemptedRevision": "main@sha1:9f31c2aa00112233445566778899aabbccddeeff", "lastHandledReconcileAt": "t1",
            "conditions": [{"type": "Ready", "status": "True", "reason": "ReconciliationSucceeded",
                "message": "Applied revision", "lastTransitionTime": "2026-01-02T03:04:05Z"}],
            "inventory": {"entries": [{"id": "shop-prod_cart_apps_Deployment", "v": "v1"},
                {"id": "_reader_rbac.authorization.k8s.io_ClusterRole", "v": "v1"}, {"id": "shop-prod_cart__Service"}]}},
    }));
    assert_eq!((&app.sync, &app.health), (&Sync::Synced, &Health::Healthy));
    assert_eq!(&*app.sources[0].repo, "GitRepository/flux-system/fleet");
    assert_eq!(*app.namespaces, ["shop-prod".into()]);
    assert_eq!(app.resources, 3);
    assert_eq!(*app.depends_on, ["flux-system/base".into(), "other/crds".into()]);
    assert!(app.requested && app.auto.prune && app.auto.self_heal);
    assert_eq!(crate::domain::sync::short_revision(app.revision()), "9f31c2a");
    assert_eq!((&*app.destination.server, &*app.destination.cluster), ("", ""), "its own cluster");
}

/// Its condition turns at each look: what was applied when, the history tells.
#[test]
fn a_kustomization_says_when_it_applied_something_new() {
    let entry = |revision: &str, status: &str, first: &str| {
        json!({"metadata": {"revision": revision}, "lastReconciledStatus": status, "firstReconciled": first,
            "lastReconciled": "2026-01-02T03:04:05Z", "digest": "sha256:1", "totalReconciliations": 9})
    };
    let (well, ill) = ("ReconciliationSucceeded", "ReconciliationFailed");
    let app = row::<WireKustomization>(json!({
        "metadata": {"name": "shop", "namespace": "flux-system", "uid": "1", "generation": 3},
        "spec": {"path": "./apps"},
        "status": {"observedGeneration": 3, "lastAppliedRevision": "main@sha1:b",
            "history": [entry("main@sha1:c", ill, "2026-01-02T03:00:00Z"), entry("main@sha1:b", well, "2026-01-01T02:00:00Z"),
                entry("main@sha1:a", well, "2026-01-01T01:00:00Z")],
            "conditions": [{"type": "Ready", "status": "True", "reason": well, "message": "",
                "lastTransitionTime": "2026-01-02T03:04:05Z"}]},
    }));
    let at = |text: &str| crate::wire::stamp::parse(text);
    let now = app.deployed.unwrap();
    assert_eq!((&*now.revision, now.at), ("main@sha1:b", at("2026-01-01T02:00:00Z")));
    let before: Vec<(&str, _)> = app.earlier.iter().map(|one| (&*one.revision, one.at)).collect();
    assert_eq!(before, [("main@sha1:a", at("2026-01-01T01:00:00Z"))]);
}

#[test]
fn a_helm_release_of_the_newest_and_of_an_older_version() {
    let newest = row::<WireHelmRelease>(json!({
        "metadata": {"name": "cart", "namespace": "shop", "uid": "1", "generation": 1},
        "spec": {"chart": {"spec": {"chart": "cart", "version": "1.x", "sourceRef": {"kind": "HelmRepository", "name": "charts"}}},
            "driftDetection": {"mode": "enabled"}, "kubeConfig": {"secretRef": {"name": "prod-kubeconfig"}}},
        "status": {"observedGeneration": 1, "lastAttemptedRevision": "1.5.0", "failures": 2,
            "history": [{"version": 4, "status": "failed", "chartVersion": "1.5.0"},
                {"version": 3, "status": "deployed", "chartVersion": "1.4.0", "lastDeployed": "2026-01-01T00:00:00Z"}],
            "conditions": [{"type": "Ready", "status": "False", "reason": "UpgradeFailed", "message": "no"}]}}));
    assert_eq!((&newest.sync, &newest.health), (&Sync::OutOfSync, &Health::Degraded));
    assert_eq!((&*newest.revisions[0], &*newest.attempted), ("1.4.0", "1.5.0"));
    assert_eq!((&*newest.sources[0].chart, &*newest.sources[0].target), ("cart", "1.x"));
    assert_eq!((&*newest.destination.cluster, &*newest.destination.namespace), ("prod-kubeconfig", "shop"));
    let operation = newest.operation.unwrap();
    assert_eq!((operation.phase, operation.retries), (Phase::Failed, 2));
    let older = row::<WireHelmRelease>(json!({
        "metadata": {"name": "cart", "namespace": "shop", "uid": "1"},
        "spec": {"chartRef": {"kind": "OCIRepository", "name": "cart"}},
        "status": {"lastAppliedRevision": "1.4.0", "lastAttemptedRevision": "1.4.0",
            "conditions": [{"type": "Ready", "status": "True", "reason": "UpgradeSucceeded", "message": "ok"}]}}));
    assert_eq!((&older.sync, &*older.revisions[0]), (&Sync::Synced, "1.4.0"));
    assert_eq!(&*older.sources[0].repo, "OCIRepository/shop/cart");
}

#[test]
fn sources() {
    let git = row::<WireGitRepository>(json!({"metadata": {"name": "fleet", "uid": "1"},
        "spec": {"url": "ssh://git.example/fleet", "ref": {"branch": "main"}, "suspend": true},
        "status": {"artifact": {"revision": "main@sha1:abc", "lastUpdateTime": "2026-01-01T00:00:00Z"}}}));
    assert_eq!((&*git.sources[0].target, git.auto.suspended), ("main", true));
    let chart = row::<WireHelmChart>(json!({"metadata": {"name": "c", "namespace": "n", "uid": "1"},
        "spec": {"chart": "cart", "version": "1.2", "sourceRef": {"kind": "Bucket", "name": "b"}}}));
    assert_eq!((&*chart.sources[0].chart, &*chart.sources[0].repo), ("cart", "Bucket/n/b"));
    // A repository of OCI charts has no status and never gets one.
    let oci = row::<WireHelmRepository>(
        json!({"metadata": {"name": "c", "uid": "1"}, "spec": {"type": "oci", "url": "oci://x"}}),
    );
    assert_eq!((&oci.health, &oci.sync), (&Health::Healthy, &Sync::Synced));
    let bucket = row::<WireBucket>(
        json!({"metadata": {"name": "c", "uid": "1"}, "spec": {"endpoint": "e", "bucketName": "b"}}),
    );
    assert_eq!(&*bucket.sources[0].repo, "e/b");
}

mod any {
    use proptest::prelude::*;

    use super::super::*;
    use crate::wire::testing::json_like;

    const WORDS: [&str; 24] = [
        "metadata",
        "spec",
        "status",
        "conditions",
        "inventory",
        "entries",
        "id",
        "history",
        "artifact",
        "revision",
        "chart",
        "version",
        "sourceRef",
        "chartRef",
        "kubeConfig",
        "secretRef",
        "name",
        "uid",
        "ref",
        "type",
        "suspend",
        "dependsOn",
        "lastAppliedRevision",
        "observedGeneration",
    ];

    fn read<K: Wire<Row = SyncApp>>(text: &str) {
        if let Ok(slim) = serde_json::from_str::<K>(text)
            && let Ok(row) = slim.row(&mut Interner::new())
        {
            let _ = (row.verdict(), row.revision().len(), row.changed());
        }
    }

    proptest! {
        #[test]
        fn json_becomes_a_row_or_a_misfit(object in json_like(&WORDS)) {
            let text = object.to_string();
            read::<WireKustomization>(&text);
            read::<WireHelmRelease>(&text);
            read::<WireGitRepository>(&text);
            read::<WireHelmChart>(&text);
            read::<WireBucket>(&text);
        }
    }
}
