//! The zoom of an Application or Flux object: what it hangs on may be refused, its API server may be anything.

use std::sync::Arc;

use pilothouse::domain::id::{ClusterId, Kind, ObjectRef, Uid};
use pilothouse::domain::sync_detail::{About, AppDetail, Found, Lookup, ResourceId, SyncDetail};
use pilothouse::domain::upstream::{Access, Address, Upstream};
use pilothouse::effect::{DriftRequest, Question};
use pilothouse::msg::Answer;
use serde_json::{Value, json};

use super::questions::{ask, next};
use super::script::{Ending, Reply, Seen, Server, status};

const APPLICATION: &str = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/cart-prod";
const PROJECT: &str = "/apis/argoproj.io/v1alpha1/namespaces/argocd/appprojects/shop";
const TREE: &str = "/argo/api/v1/applications/cart-prod/resource-tree";
const MANAGED: &str = "/argo/api/v1/applications/cart-prod/managed-resources";
const COMMIT: &str = "/argo/api/v1/applications/cart-prod/revisions/9f31c2/metadata";

fn application() -> Value {
    json!({"metadata": {"name": "cart-prod", "namespace": "argocd", "uid": "uid-1"},
        "spec": {"project": "shop", "source": {"repoURL": "https://git.example/shop", "path": "cart"}},
        "status": {"sync": {"status": "OutOfSync", "revision": "9f31c2"}, "controllerNamespace": "argocd"}})
}

fn object(kind: Kind, name: &str) -> ObjectRef {
    let namespace = if kind == Kind::Application { "argocd" } else { "flux-system" };
    ObjectRef {
        cluster: ClusterId(3),
        kind,
        namespace: namespace.into(),
        name: name.into(),
        uid: Uid::default(),
    }
}

/// The API server at `/argo` of the same address, with a token.
fn argo(server: &Server) -> Option<Arc<Upstream>> {
    let file = server.folder().join("argo-token");
    std::fs::write(&file, "argo-token\n").unwrap();
    let access = Access { bearer_token_file: Some(file), ..Access::default() };
    let address = Address::Url(format!("{}/argo", server.url).into());
    Some(Arc::new(Upstream { server: pilothouse::domain::upstream::Server::Argocd, address, access }))
}

async fn detail(server: &Server, object: ObjectRef, upstream: Option<Arc<Upstream>>) -> SyncDetail {
    let mut answers = ask(server, Question::Sync { object, server: upstream }).await;
    match next(&mut answers).await {
        Some(Answer::Sync(detail)) => *detail,
        other => panic!("{other:?}"),
    }
}

async fn app(server: &Server, upstream: Option<Arc<Upstream>>) -> AppDetail {
    match detail(server, object(Kind::Application, "cart-prod"), upstream).await.about {
        About::Argo(app) => *app,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_project_that_may_not_be_read_does_not_cost_the_application() {
    let server = Server::start(|seen: &Seen| match seen.path.as_str() {
        APPLICATION => Some(Reply::Json(200, application())),
        PROJECT => Some(Reply::Json(403, status(403, "appprojects \"shop\" is forbidden"))),
        _ => None,
    })
    .await;
    let app = app(&server, None).await;
    assert_eq!(&*app.sync, "OutOfSync");
    assert_eq!(app.project_facts, Lookup::Refused("appprojects \"shop\" is forbidden".to_owned()));
    assert_eq!(app.server, Lookup::None, "nobody is asked who is not configured");
}

#[tokio::test]
async fn the_api_server_adds_tree_commit_and_differences() {
    let server = Server::start(|seen: &Seen| {
        Some(Reply::Json(
            200,
            match seen.path.as_str() {
                APPLICATION => application(),
                PROJECT => json!({"metadata": {"name": "shop"}, "spec": {"sourceRepos": ["*"]}}),
                TREE => json!({"nodes": [{"kind": "ConfigMap", "name": "cart", "health": {"status": "Healthy"}}],
                    "orphanedNodes": [{"kind": "ConfigMap", "name": "old"}]}),
                COMMIT => json!({"author": "maria <m@x>", "date": "2026-11-21T14:25:00Z", "message": "cart 1.31.0\n\nmore"}),
                MANAGED => json!({"items": [{"kind": "ConfigMap", "name": "cart", "namespace": "shop",
                    "targetState": "{\"data\":{\"a\":\"1\"}}", "liveState": "{\"data\":{\"a\":\"2\"}}",
                    "normalizedLiveState": "{\"data\":{\"a\":\"2\"}}", "predictedLiveState": "{\"data\":{\"a\":\"1\"}}"}]}),
                _ => return None,
            },
        ))
    })
    .await;
    let app = app(&server, argo(&server)).await;
    let Lookup::Known(facts) = &app.server else { panic!("{:?}", app.server) };
    assert_eq!((facts.nodes.len(), facts.orphans.len()), (1, 1));
    assert_eq!(facts.commit.as_ref().unwrap().message, "cart 1.31.0");
    assert!(server.has_seen_token("argo-token"));
    assert_eq!(server.queries(TREE), ["appNamespace=argocd&project=shop"]);

    let id = ResourceId {
        kind: "ConfigMap".into(),
        namespace: "shop".into(),
        name: "cart".into(),
        ..Default::default()
    };
    let request = DriftRequest {
        cluster: Some(ClusterId(3)),
        app: object(Kind::Application, "cart-prod"),
        objects: vec![(id, "v1".into())],
        server: argo(&server),
    };
    let mut answers = ask(&server, Question::Drift(request)).await;
    let Some(Answer::Drift(found)) = next(&mut answers).await else { panic!() };
    let Found::Git(changes) = &found.objects[0].found else { panic!("{found:?}") };
    assert_eq!((changes[0].path.as_str(), changes[0].live.as_deref()), ("data.a", Some("2")));
    assert_eq!((found.of, &found.without_server), (1, &None));
}

#[tokio::test]
async fn the_api_server_tells_of_more_objects_than_are_read_and_of_those_that_no_context_leads_to() {
    let server = Server::start(|seen: &Seen| match seen.path.as_str() {
        MANAGED => Some(Reply::Json(200, json!({"items": []}))),
        _ => None,
    })
    .await;
    let id = |n: usize| ResourceId {
        kind: "ConfigMap".into(),
        name: format!("c{n}").into(),
        ..Default::default()
    };
    let request = DriftRequest {
        cluster: None,
        app: object(Kind::Application, "cart-prod"),
        objects: (0..60).map(|n| (id(n), "v1".into())).collect(),
        server: argo(&server),
    };
    let mut answers = ask(&server, Question::Drift(request)).await;
    let Some(Answer::Drift(found)) = next(&mut answers).await else { panic!() };
    assert_eq!((found.objects.len(), found.of), (60, 60));

    // It fails, and there is no other way.
    let server = Server::start(|seen: &Seen| match seen.path.as_str() {
        MANAGED => Some(Reply::Json(500, json!({"message": "redis is down"}))),
        _ => None,
    })
    .await;
    let request = DriftRequest {
        cluster: None,
        app: object(Kind::Application, "cart-prod"),
        objects: vec![(id(1), "v1".into())],
        server: argo(&server),
    };
    let mut answers = ask(&server, Question::Drift(request)).await;
    let Some(Answer::Failed(why)) = next(&mut answers).await else { panic!() };
    assert!(why.contains("Argo CD answered 500: redis is down"), "{why}");
}

#[tokio::test]
async fn an_api_server_that_refuses_or_is_none_is_said_beside_the_application() {
    let page = || vec![b"<!DOCTYPE html><title>Sign in</title>".to_vec()];
    for (reply, words) in [
        (1, "refuses these credentials (403)"),
        (2, "a login page perhaps"),
        (3, "Argo CD answered 500: no reason given"),
    ] {
        let server = Server::start(move |seen: &Seen| match (seen.path.as_str(), reply) {
            (APPLICATION, _) => Some(Reply::Json(200, application())),
            (TREE, 1) => Some(Reply::Json(403, json!({"code": 7, "message": "permission denied"}))),
            (TREE, 2) => Some(Reply::Body(page(), Ending::Clean)),
            (TREE, _) => Some(Reply::Json(500, json!({}))),
            _ => None,
        })
        .await;
        let app = app(&server, argo(&server)).await;
        let Lookup::Refused(said) = &app.server else { panic!("{:?}", app.server) };
        assert!(said.contains(words), "{said}");
        assert!(!said.contains("argo-token"));
    }
}

#[tokio::test]
async fn without_its_server_objects_tell_what_was_applied() {
    let live = json!({"kind": "Widget", "metadata": {"annotations": {
        "kubectl.kubernetes.io/last-applied-configuration": "{\"spec\":{\"size\":1}}"}}, "spec": {"size": 2}});
    let server = Server::start(move |seen: &Seen| {
        Some(match seen.path.as_str() {
            // A kind that is not ours: discovery tells its version and plural.
            "/apis/acme.example" => Reply::Json(200, json!({"preferredVersion": {"version": "v2"}})),
            "/apis/acme.example/v2" => Reply::Json(
                200,
                json!({"resources": [
                {"name": "widgets/status", "kind": "Widget", "namespaced": true},
                {"name": "widgets", "kind": "Widget", "namespaced": true}]}),
            ),
            "/apis/acme.example/v2/namespaces/shop/widgets/a" => Reply::Json(200, live.clone()),
            "/apis/acme.example/v2/namespaces/shop/widgets/b" => Reply::Json(404, status(404, "not found")),
            MANAGED => Reply::Json(401, json!({"message": "no session"})),
            _ => return None,
        })
    })
    .await;
    let id = |name: &str| ResourceId {
        group: "acme.example".into(),
        kind: "Widget".into(),
        namespace: "shop".into(),
        name: name.into(),
    };
    let request = DriftRequest {
        cluster: Some(ClusterId(3)),
        app: object(Kind::Application, "cart-prod"),
        objects: vec![(id("a"), "".into()), (id("b"), "v2".into())],
        server: argo(&server),
    };
    let mut answers = ask(&server, Question::Drift(request)).await;
    let Some(Answer::Drift(found)) = next(&mut answers).await else { panic!() };
    let why = found.without_server.as_deref().unwrap_or_default();
    assert!(why.contains("401"), "the fallback has its reason: {found:?}");
    let Found::LastApplied(changes) = &found.objects[0].found else { panic!("{found:?}") };
    assert_eq!((changes[0].wanted.as_deref(), changes[0].live.as_deref()), (Some("1"), Some("2")));
    assert_eq!(found.objects[1].found, Found::Missing);
}

#[tokio::test]
async fn health_is_read_of_what_is_not_watched_and_a_refusal_is_told_in_its_place() {
    let server = Server::start(|seen: &Seen| {
        Some(match seen.path.as_str() {
            "/api/v1/namespaces/shop/persistentvolumeclaims/data-0" => {
                Reply::Json(200, json!({"kind": "PersistentVolumeClaim", "status": {"phase": "Pending"}}))
            }
            "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/cart" => {
                Reply::Json(403, status(403, "horizontalpodautoscalers.autoscaling \"cart\" is forbidden"))
            }
            "/apis/apiregistration.k8s.io/v1/apiservices/v1.x.example" => {
                Reply::Json(404, status(404, "not found"))
            }
            _ => return None,
        })
    })
    .await;
    let id = |group: &str, kind: &str, namespace: &str, name: &str| ResourceId {
        group: group.into(),
        kind: kind.into(),
        namespace: namespace.into(),
        name: name.into(),
    };
    let objects = vec![
        id("", "PersistentVolumeClaim", "shop", "data-0"),
        id("autoscaling", "HorizontalPodAutoscaler", "shop", "cart"),
        id("apiregistration.k8s.io", "APIService", "", "v1.x.example"),
        id("", "ConfigMap", "shop", "has-no-health"),
    ];
    let mut answers = ask(&server, Question::Healths { cluster: ClusterId(3), objects }).await;
    let Some(Answer::Healths(found)) = next(&mut answers).await else { panic!() };
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(found[0].1.known().map(|health| &*health.health), Some("Progressing"));
    let Lookup::Refused(why) = &found[1].1 else { panic!("{found:?}") };
    assert!(why.contains("is forbidden"), "{why}");
    assert_eq!(found[2].1, Lookup::None, "it is not there");
}

#[tokio::test]
async fn a_kustomization_with_its_source() {
    let server = Server::start(|seen: &Seen| {
        Some(Reply::Json(
            200,
            match seen.path.as_str() {
                "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/shop" => {
                    json!({"metadata": {"name": "shop", "namespace": "flux-system", "uid": "u"},
                        "spec": {"sourceRef": {"kind": "GitRepository", "name": "fleet"}}})
                }
                "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/gitrepositories/fleet" => {
                    json!({"metadata": {"name": "fleet"}, "spec": {"url": "https://bot:pw@git.example/fleet"},
                        "status": {"artifact": {"revision": "main@sha1:9f31c2"}}})
                }
                _ => return None,
            },
        ))
    })
    .await;
    let About::Flux(flux) = detail(&server, object(Kind::Kustomization, "shop"), None).await.about else {
        panic!()
    };
    let Lookup::Known(source) = &flux.source_facts else { panic!("{:?}", flux.source_facts) };
    assert_eq!(&*source.url, "https://git.example/fleet");
    assert_eq!(&*source.artifact.as_ref().unwrap().revision, "main@sha1:9f31c2");
}
