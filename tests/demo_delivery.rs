//! The demo's Git, Argo CD and Flux, through the stores and through jumps of story time.

#![allow(clippy::unwrap_used, reason = "helpers of tests are not seen as tests")]

use std::time::Duration;

use pilothouse::demo::DemoOptions;
use pilothouse::demo::json::{condition, entry, int, items, map, name, set, text, unset};
use pilothouse::demo::store::Store;
use pilothouse::demo::story::{self, StoryHandle};
use serde_json::{Value, json};

const APPLICATIONS: &str = "applications.argoproj.io";
const KUSTOMIZATIONS: &str = "kustomizations.kustomize.toolkit.fluxcd.io";

/// Both clusters and their story, stopped.
struct World {
    edge: Store,
    prod: Store,
    story: StoryHandle,
}

impl World {
    fn new(options: DemoOptions) -> Self {
        let options = DemoOptions { speed: 0.0, ..options };
        let stores = [Store::new(options.seed), Store::new(options.seed + 1)];
        let story = story::begin(&stores, &options);
        let [edge, prod] = stores;
        Self { edge, prod, story }
    }

    /// At rest: no story.
    fn still() -> Self {
        Self::new(DemoOptions { story: false, ..DemoOptions::default() })
    }

    fn at(seconds: u64) -> Self {
        let world = Self::new(DemoOptions::default());
        world.to(seconds as f64);
        world
    }

    /// Goes to a story time.
    fn to(&self, seconds: f64) {
        self.story.advance(Duration::from_secs_f64(seconds).saturating_sub(self.story.now()));
    }

    fn pass(&self, seconds: f64) {
        self.story.advance(Duration::from_secs_f64(seconds));
    }

    /// An Application: those of development are on the k3s cluster, all others on the hub.
    fn app(&self, name: &str) -> Value {
        self.store_of(name).get(APPLICATIONS, "argocd", name).unwrap()
    }

    fn store_of(&self, app: &str) -> &Store {
        if app.ends_with("-dev") { &self.edge } else { &self.prod }
    }

    fn change(&self, app: &str, change: impl FnOnce(&mut Value)) {
        self.store_of(app).update(APPLICATIONS, "argocd", app, change).unwrap();
        self.story.settle();
    }

    fn deployment(&self, ns: &str, name: &str) -> Value {
        let store = if ns == "shop-prod" { &self.prod } else { &self.edge };
        store.get("deployments.apps", ns, name).unwrap()
    }
}

fn sync(app: &Value) -> (&str, &str) {
    (text(app, "/status/sync/status"), text(app, "/status/health/status"))
}

fn image(deployment: &Value) -> &str {
    text(deployment, "/spec/template/spec/containers/0/image")
}

fn conditions(app: &Value) -> Vec<&str> {
    items(app, "/status/conditions").iter().map(|c| text(c, "/type")).collect()
}

fn refresh(app: &mut Value) {
    set(app, &["metadata", "annotations", "argocd.argoproj.io/refresh"], json!("normal"));
}

#[test]
fn at_first_nearly_all_is_synced_and_the_rest_says_why() {
    let world = World::at(0);
    let all: Vec<Value> =
        [&world.edge, &world.prod].iter().flat_map(|s| s.list(APPLICATIONS, None)).collect();
    assert_eq!(all.len(), 33);
    let odd: Vec<(&str, (&str, &str))> =
        all.iter().map(|a| (name(a), sync(a))).filter(|(_, s)| *s != ("Synced", "Healthy")).collect();
    let expected = [
        ("recommendations-dev", ("Unknown", "Healthy")),
        ("catalog-stg", ("OutOfSync", "Healthy")),
        ("media-prod", ("OutOfSync", "Healthy")),
        ("recommendations-prod", ("Synced", "Suspended")),
        ("recommendations-stg", ("Synced", "Healthy")),
    ];
    for found in &odd {
        assert!(expected.contains(found), "{found:?}");
    }
    assert_eq!(odd.len(), 4, "{odd:?}");
    for app in &all {
        assert_eq!(app.get("operation"), None);
        assert_eq!(text(app, "/status/sync/revision").len(), 40, "{}", name(app));
        assert!(!items(app, "/status/resources").is_empty(), "{}", name(app));
        let path = text(app, "/spec/source/path");
        let last = items(app, "/status/history").last().unwrap();
        assert_eq!(text(last, "/source/path"), path);
    }
    let drifted = world.app("media-prod");
    let out: Vec<&str> = items(&drifted, "/status/resources")
        .iter()
        .filter(|r| text(r, "/status") == "OutOfSync")
        .map(|r| text(r, "/kind"))
        .collect();
    assert_eq!(out, ["ConfigMap", "Deployment"]);
    assert!(conditions(&world.app("recommendations-dev")).contains(&"ComparisonError"));
    // Nothing in the Application tells that a window holds it back.
    assert!(conditions(&world.app("catalog-stg")).is_empty());
    // Health of resources is in the Application on the hub, and only there.
    let healthy =
        |app: &str| items(&world.app(app), "/status/resources").iter().any(|r| r.get("health").is_some());
    assert!(healthy("cart-prod") && !healthy("cart-dev"));
    assert_eq!(text(&world.app("cart-dev"), "/status/resourceHealthSource"), "appTree");
    assert_eq!(text(&world.app("cart-stg"), "/spec/destination/name"), "k3s-edge");
}

#[test]
fn what_was_delivered_says_by_whom() {
    let world = World::at(0);
    let cart = world.deployment("shop-prod", "cart");
    let id = entry(&cart, "/metadata/annotations", "argocd.argoproj.io/tracking-id");
    assert_eq!(id, "cart-prod:apps/Deployment:shop-prod/cart");
    let mailer = world.deployment("shop-dev", "mailer");
    assert_eq!(entry(&mailer, "/metadata/labels", "kustomize.toolkit.fluxcd.io/name"), "mailer-dev");
    let owner = &world.app("cart-prod")["metadata"]["ownerReferences"][0];
    assert_eq!((text(owner, "/kind"), text(owner, "/name")), ("ApplicationSet", "shop-production"));
}

#[test]
fn a_promotion_goes_from_git_to_the_pods() {
    let world = World::at(35);
    let before = world.app("media-stg");
    let old = text(&before, "/status/sync/revision").to_owned();
    world.to(37.0);
    assert_eq!(text(&world.app("media-stg"), "/status/sync/revision"), old, "Git's host has not told yet");
    world.to(38.5);
    let app = world.app("media-stg");
    let revision = text(&app, "/status/sync/revision").to_owned();
    assert_ne!(revision, old);
    assert_eq!(sync(&app), ("OutOfSync", "Healthy"));
    assert_eq!(text(&app, "/operation/sync/revision"), revision);
    assert_eq!(text(&app, "/status/operationState/phase"), "Running");
    assert_eq!(app.pointer("/status/operationState/operation/initiatedBy/automated"), Some(&json!(true)));
    assert!(image(&world.deployment("shop-staging", "media")).ends_with(":4.3.0"));
    world.to(45.0);
    let app = world.app("media-stg");
    assert!(image(&world.deployment("shop-staging", "media")).ends_with(":4.3.1"));
    assert_eq!(sync(&app), ("Synced", "Progressing"));
    assert_eq!(
        text(&app, "/status/operationState/phase"),
        "Running",
        "the Ingress comes when the pods are well"
    );
    assert_eq!(
        text(&app, "/status/operationState/message"),
        "waiting for healthy state of apps/Deployment/media"
    );
    let images: Vec<&str> = items(&app, "/status/summary/images").iter().filter_map(Value::as_str).collect();
    assert_eq!(images, ["registry.example/media:4.3.0", "registry.example/media:4.3.1"]);
    world.to(115.0);
    let app = world.app("media-stg");
    assert_eq!(sync(&app), ("Synced", "Healthy"));
    assert_eq!(app.get("operation"), None);
    let state = &app["status"]["operationState"];
    assert_eq!(
        (text(state, "/phase"), text(state, "/message")),
        ("Succeeded", "successfully synced (all tasks run)")
    );
    assert_eq!(text(state, "/syncResult/revision"), revision);
    let result = |kind: &str| {
        let all = items(state, "/syncResult/resources");
        all.iter().find(|r| text(r, "/kind") == kind).map(|r| text(r, "/message").to_owned())
    };
    assert_eq!(result("Deployment").as_deref(), Some("deployment.apps/media configured"));
    assert_eq!(result("ConfigMap").as_deref(), Some("configmap/media-config unchanged"));
    let history = items(&app, "/status/history");
    assert_eq!(history.len(), 3);
    assert_eq!(text(&history[2], "/revision"), revision);
    assert_eq!(items(&app, "/status/summary/images").len(), 1);
}

#[test]
fn the_bad_cart_is_synced_and_in_the_end_degraded() {
    let world = World::at(130);
    let app = world.app("cart-prod");
    assert_eq!(sync(&app), ("Synced", "Progressing"));
    assert_eq!(text(&app, "/status/operationState/phase"), "Succeeded");
    world.to(400.0);
    let app = world.app("cart-prod");
    assert_eq!(sync(&app), ("Synced", "Degraded"));
    let deployment =
        items(&app, "/status/resources").iter().find(|r| text(r, "/kind") == "Deployment").cloned().unwrap();
    assert_eq!(text(&deployment, "/health/message"), "Deployment \"cart\" exceeded its progress deadline");
    assert!(conditions(&app).is_empty());
}

#[test]
fn a_refresh_is_honoured_and_taken_away() {
    let world = World::still();
    let before = text(&world.app("cart-prod"), "/status/reconciledAt").to_owned();
    world.change("cart-prod", refresh);
    let app = world.app("cart-prod");
    assert_eq!(map(&app, "/metadata/annotations").unwrap().get("argocd.argoproj.io/refresh"), None);
    assert_ne!(text(&app, "/status/reconciledAt"), before);
}

#[test]
fn what_is_changed_by_hand_is_put_back_where_that_is_wanted() {
    let world = World::still();
    for (store, ns) in [(&world.prod, "shop-prod"), (&world.prod, "shop-prod")] {
        store.update("deployments.apps", ns, "accounts", |d| d["spec"]["replicas"] = json!(1)).unwrap();
        world.pass(30.0);
        assert_eq!(int(&world.deployment(ns, "accounts"), "/spec/replicas"), 6);
        let state = &world.app("accounts-prod")["status"]["operationState"];
        assert_eq!(text(state, "/phase"), "Succeeded");
        assert!(int(state, "/operation/sync/autoHealAttemptsCount") >= 1);
        assert_eq!(text(state, "/operation/sync/resources/0/name"), "accounts");
    }
    assert_eq!(
        items(&world.app("accounts-prod"), "/status/history").len(),
        2,
        "a partial sync is no history"
    );
    // Where it is not wanted the difference is shown, and stays.
    world
        .prod
        .update("deployments.apps", "shop-prod", "payments", |d| d["spec"]["replicas"] = json!(2))
        .unwrap();
    world.pass(400.0);
    assert_eq!(int(&world.deployment("shop-prod", "payments"), "/spec/replicas"), 2);
    assert_eq!(sync(&world.app("payments-prod")).0, "OutOfSync");
}

#[test]
fn a_sync_that_a_person_asks_for() {
    let world = World::still();
    let operation = json!({"initiatedBy": {"username": "maria"}, "info": [{"name": "request", "value": "1"}],
                           "sync": {"syncStrategy": {"hook": {}}}});
    world.change("media-prod", |a| {
        a["operation"] = operation.clone();
        unset(a, &["status", "operationState"]);
    });
    let app = world.app("media-prod");
    assert_eq!(text(&app, "/status/operationState/phase"), "Running");
    assert_eq!(app["status"]["operationState"]["operation"], operation);
    world.pass(30.0);
    let app = world.app("media-prod");
    assert_eq!(sync(&app), ("Synced", "Healthy"));
    assert_eq!(int(&world.deployment("shop-prod", "media"), "/spec/replicas"), 4);
    assert_eq!(text(items(&app, "/status/history").last().unwrap(), "/initiatedBy/username"), "maria");
}

#[test]
fn an_operation_against_the_window_waits_and_can_be_ended() {
    let world = World::still();
    world.change("catalog-stg", |a| {
        a["operation"] = json!({"initiatedBy": {"username": "maria"}, "sync": {}})
    });
    world.pass(10.0);
    let app = world.app("catalog-stg");
    let state = &app["status"]["operationState"];
    assert_eq!(
        (text(state, "/phase"), text(state, "/message")),
        ("Running", "Sync operation blocked by sync window")
    );
    assert!(image(&world.deployment("shop-staging", "catalog")).ends_with(":3.12.0"));
    world.change("catalog-stg", |a| a["status"]["operationState"]["phase"] = json!("Terminating"));
    let app = world.app("catalog-stg");
    let state = &app["status"]["operationState"];
    assert_eq!((text(state, "/phase"), text(state, "/message")), ("Failed", "Operation terminated"));
    assert_eq!(app.get("operation"), None);
    // Without the window it goes on by itself.
    world
        .prod
        .update("appprojects.argoproj.io", "argocd", "shop", |p| unset(p, &["spec", "syncWindows"]))
        .unwrap();
    world.pass(120.0);
    let app = world.app("catalog-stg");
    assert_eq!(
        text(&app, "/status/sync/status"),
        "OutOfSync",
        "a failed attempt at a revision is not repeated"
    );
    assert!(conditions(&app).contains(&"SyncError"));
    world.change("catalog-stg", |a| unset(a, &["status", "operationState"]));
    world.pass(120.0);
    assert_eq!(sync(&world.app("catalog-stg")), ("Synced", "Healthy"));
    assert!(image(&world.deployment("shop-staging", "catalog")).ends_with(":3.13.0"));
}

#[test]
fn a_dry_run_and_a_revision_that_is_not_there() {
    let world = World::still();
    world.change("media-prod", |a| a["operation"] = json!({"sync": {"dryRun": true}}));
    world.pass(10.0);
    let app = world.app("media-prod");
    let state = &app["status"]["operationState"];
    assert_eq!(text(state, "/phase"), "Succeeded");
    let said: Vec<&str> = items(state, "/syncResult/resources").iter().map(|r| text(r, "/message")).collect();
    assert!(said.contains(&"deployment.apps/media configured (dry run)"), "{said:?}");
    assert_eq!(int(&world.deployment("shop-prod", "media"), "/spec/replicas"), 5);
    world.change("checkout-prod", |a| a["operation"] = json!({"sync": {"revision": "0123456789"}}));
    world.pass(10.0);
    let state = &world.app("checkout-prod")["status"]["operationState"];
    assert_eq!(text(state, "/phase"), "Error");
    assert!(text(state, "/message").contains("couldn't find remote ref 0123456789"));
}

#[test]
fn an_application_that_a_person_makes_is_delivered_and_goes_with_what_it_brought() {
    let world = World::still();
    let like = world.app("mailer-prod");
    world.edge.create("namespaces", json!({"metadata": {"name": "elsewhere"}})).unwrap();
    let app = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "gateway-stg-2", "namespace": "argocd", "finalizers": ["resources-finalizer.argocd.argoproj.io"]},
        "spec": {"project": "default", "source": like["spec"]["source"], "syncPolicy": {"automated": {}},
                 "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop-prod"}},
    });
    let mut nowhere = app.clone();
    nowhere["metadata"]["name"] = json!("nowhere");
    nowhere["spec"]["destination"] = json!({"name": "atlantis"});
    world.prod.create(APPLICATIONS, app).unwrap();
    world.prod.create(APPLICATIONS, nowhere).unwrap();
    world.pass(30.0);
    let found = world.app("gateway-stg-2");
    assert_eq!(text(&found, "/status/sync/status"), "Synced");
    assert_eq!(sync(&world.app("nowhere")), ("Unknown", "Unknown"));
    assert_eq!(conditions(&world.app("nowhere")), ["InvalidSpecError"]);
    world.prod.delete(APPLICATIONS, "argocd", "gateway-stg-2").unwrap();
    world.pass(60.0);
    assert!(world.prod.get(APPLICATIONS, "argocd", "gateway-stg-2").is_none());
    assert!(world.prod.get("configmaps", "shop-prod", "mailer-config").is_none());
}

#[test]
fn flux_brings_what_git_wants_and_puts_back_what_was_changed() {
    let world = World::still();
    let git = world.edge.list("gitrepositories.source.toolkit.fluxcd.io", None);
    let revision = text(&git[0], "/status/artifact/revision");
    assert!(revision.starts_with("main@sha1:"), "{revision}");
    let get = |own: &str| world.edge.get(KUSTOMIZATIONS, "flux-system", own).unwrap();
    assert_eq!(text(&get("mailer-dev"), "/status/lastAppliedRevision"), revision);
    assert_eq!(text(condition(&get("mailer-dev"), "Ready").unwrap(), "/reason"), "ReconciliationSucceeded");
    assert_eq!(get("mailer-staging".replace("staging", "stg").as_str())["spec"]["suspend"], true);
    let scale =
        |ns: &str| world.edge.update("deployments.apps", ns, "mailer", |d| d["spec"]["replicas"] = json!(4));
    scale("shop-dev").unwrap();
    scale("shop-staging").unwrap();
    world
        .edge
        .update(KUSTOMIZATIONS, "flux-system", "mailer-dev", |k| {
            set(k, &["metadata", "annotations", "reconcile.fluxcd.io/requestedAt"], json!("now"));
        })
        .unwrap();
    world.story.settle();
    assert_eq!(text(condition(&get("mailer-dev"), "Ready").unwrap(), "/status"), "Unknown");
    world.pass(60.0);
    let done = get("mailer-dev");
    assert_eq!(text(&done, "/status/lastHandledReconcileAt"), "now");
    assert_eq!(text(condition(&done, "Ready").unwrap(), "/status"), "True");
    assert_eq!(condition(&done, "Reconciling"), None);
    assert_eq!(int(&world.deployment("shop-dev", "mailer"), "/spec/replicas"), 2);
    assert_eq!(int(&world.deployment("shop-staging", "mailer"), "/spec/replicas"), 4, "it is suspended");
}
