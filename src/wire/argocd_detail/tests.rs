use super::*;
use crate::domain::time::Stamp;
use proptest::prelude::*;
use serde_json::json;

fn app(value: serde_json::Value) -> (SyncDetail, AppDetail) {
    let detail = serde_json::from_value::<WholeApp>(value).unwrap().detail();
    let About::Argo(app) = detail.about.clone() else { panic!("{detail:?}") };
    (detail, *app)
}

#[test]
fn an_application_is_read_whole() {
    let (detail, app) = app(json!({
        "metadata": {"name": "cart-prod", "namespace": "argocd", "uid": "1", "resourceVersion": "77",
            "creationTimestamp": "2026-11-01T00:00:00Z",
            "annotations": {"argocd.argoproj.io/tracking-id": "root:argoproj.io/Application:argocd/cart-prod"},
            "ownerReferences": [{"kind": "ApplicationSet", "name": "shop"}]},
        "spec": {"project": "shop", "source": {"repoURL": "https://bot:s3cret@git.example/shop.git", "path": "apps/cart",
                "targetRevision": "main"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop-prod"},
            "syncPolicy": {"automated": {"selfHeal": true}, "syncOptions": ["ServerSideApply=true"]}},
        "operation": {"initiatedBy": {"automated": true}, "sync": {"revision": "9f31c2"}, "retry": {"limit": 5}},
        "status": {"sync": {"status": "OutOfSync", "revision": "9f31c2"},
            "health": {"status": "Healthy", "lastTransitionTime": "2026-11-21T14:00:00Z"},
            "resourceHealthSource": "appTree", "reconciledAt": "2026-11-21T14:31:00Z", "controllerNamespace": "argocd",
            "operationState": {"phase": "Running", "message": "waiting for healthy state of apps/Deployment/cart",
                "startedAt": "2026-11-21T14:31:01Z", "retryCount": 2,
                "operation": {"initiatedBy": {"username": "maria"}, "sync": {"resources": [{"kind": "Deployment"}],
                    "autoHealAttemptsCount": 3}},
                "syncResult": {"revision": "9f31c2", "resources": [
                    {"kind": "Job", "group": "batch", "namespace": "shop-prod", "name": "migrate", "hookType": "PreSync",
                        "hookPhase": "Running", "syncPhase": "PreSync", "message": "job is running"}]}},
            "resources": [
                {"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "shop-prod", "name": "cart",
                    "status": "OutOfSync", "syncWave": 2, "requiresPruning": true},
                {"kind": "Job", "group": "batch", "name": "migrate", "hook": true, "requiresPruning": true}],
            "history": [{"id": 7, "revision": "71ab09", "deployedAt": "2026-11-20T09:00:00Z",
                "initiatedBy": {"automated": true}}],
            "conditions": [{"type": "SyncError", "message": "Failed last sync attempt",
                "lastTransitionTime": "2026-11-21T14:30:00Z"}],
            "summary": {"images": ["registry.example/cart:1.31.0"]}}
    }));
    assert_eq!((&*detail.version, detail.uid), ("77", Uid::parse("1")));
    assert_eq!(&*app.sources[0].repo, "https://git.example/shop.git", "no password is kept");
    assert_eq!((app.owner.as_deref(), app.parent.as_deref()), (Some("shop"), Some("root")));
    assert!(app.automated.unwrap().self_heal && app.health_elsewhere);
    assert_eq!(app.reconciled, Some(Stamp(1_795_271_460)));
    assert!(app.requested.as_ref().unwrap().automated);
    let operation = app.operation.unwrap();
    assert!(operation.is_running() && !operation.waits_for_retry());
    assert_eq!((operation.retries, operation.request.selected, operation.request.heal_attempts), (2, 1, 3));
    assert_eq!(&*operation.results[0].hook_type, "PreSync");
    assert!(app.resources[0].prune && !app.resources[1].prune, "a running PreSync hook is not to be pruned");
    assert_eq!((app.resources[0].wave, app.history[0].id), (2, 7));
}

#[test]
fn several_sources_and_their_dummies() {
    let (_, app) =
        app(json!({"spec": {"source": {"repoURL": "x"}, "sources": [{"repoURL": "a", "ref": "values"},
            {"repoURL": "b", "chart": "cart"}], "syncPolicy": {"automated": {"enabled": false}}},
        "status": {"history": [{"revision": "", "revisions": ["1", "2"], "source": {"repoURL": ""}}],
            "sync": {"revisions": ["1", "2"]}}}));
    assert_eq!(app.sources.len(), 2);
    assert_eq!(&*app.project, "default");
    assert!(app.automated.is_none(), "switched off by enabled: false");
    assert_eq!(app.history[0].revisions, app.revisions);
}

#[test]
fn a_project_with_its_windows_and_limits() {
    let project: WholeProject = serde_json::from_value(json!({"metadata": {"name": "shop"}, "spec": {
        "sourceRepos": ["*"], "destinations": [{"namespace": "shop-*", "server": "*"}],
        "clusterResourceWhitelist": [{"group": "*", "kind": "*"}, {"group": "", "kind": "Namespace"}],
        "namespaceResourceBlacklist": [{"group": "rbac.authorization.k8s.io", "kind": "Role"}],
        "syncWindows": [{"kind": "deny", "schedule": "0 18 * * 5", "duration": "62h", "applications": ["*"],
            "manualSync": true, "timeZone": "Europe/Zurich", "andOperator": true},
            {"schedule": 5, "duration": ["x"]}]}}))
    .unwrap();
    let project = project.fact();
    assert_eq!(project.cluster_allowed, ["everything", "Namespace"]);
    assert_eq!(project.namespace_denied, ["rbac.authorization.k8s.io/Role"]);
    assert_eq!(project.namespace_allowed, None);
    let window = &project.windows[0];
    assert!(window.deny && window.manual && window.and);
    assert_eq!((window.seconds, project.windows[1].seconds), (62 * 3600, 0));
}

#[test]
fn the_tree_of_the_api_server() {
    let tree: WireTree = serde_json::from_value(json!({"nodes": [{"kind": "Pod", "name": "a",
        "parentRefs": [{"group": "apps", "kind": "ReplicaSet", "name": "rs"}], "health": {"status": "Degraded",
        "message": "back-off"}}], "orphanedNodes": [{"kind": "ConfigMap", "name": "old"}]}))
    .unwrap();
    let (nodes, orphans) = tree.facts();
    assert_eq!(&*nodes[0].parent.as_ref().unwrap().name, "rs");
    assert_eq!(orphans[0].words(), "ConfigMap old");
}

/// Any JSON at all, with the words that the decoder looks for strewn in.
pub(in crate::wire) fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let key = prop_oneof![
        prop::sample::select(vec![
            "metadata",
            "spec",
            "status",
            "operation",
            "operationState",
            "syncResult",
            "resources",
            "history",
            "conditions",
            "sync",
            "health",
            "sources",
            "source",
            "destination",
            "syncPolicy",
            "automated",
            "syncWindows",
            "inventory",
            "entries",
            "artifact",
            "sourceRef",
            "revisions",
            "name",
            "id",
            "uid",
        ])
        .prop_map(str::to_owned),
        "[a-z]{0,3}",
    ];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        // Not all numbers there are: the last bit of a long one may be read otherwise than it was written.
        any::<i16>().prop_map(|number| (f64::from(number) / 8.0).into()),
        ".{0,12}".prop_map(Into::into),
        Just("2026-11-21T14:31:59Z".into()),
        Just("ns_name_apps_Deployment".into()),
    ];
    leaf.prop_recursive(6, 60, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::Array),
            prop::collection::vec((key.clone(), inner), 0..8)
                .prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_comes_is_read_and_clean(value in any_json()) {
        // Only a body that is no object at all is refused.
        prop_assume!(value.is_object());
        let detail = serde_json::from_value::<WholeApp>(value.clone()).unwrap().detail();
        let About::Argo(app) = detail.about else { panic!() };
        for text in app.conditions.iter().map(|c| &c.message).chain(&app.revisions).chain([&app.sync, &app.health]) {
            prop_assert!(!text.contains(char::is_control));
        }
        serde_json::from_value::<WholeProject>(value.clone()).unwrap().fact();
        serde_json::from_value::<WireTree>(value.clone()).unwrap().facts();
        serde_json::from_value::<WireCommit>(value).unwrap().fact(&"x".into());
    }
}
