use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::config::Argocd;
use crate::domain::id::Uid;
use crate::domain::level::Level;
use crate::domain::meta::Labels;
use crate::domain::network::{EndpointSlice, Service};
use crate::domain::selector::Selector;
use crate::domain::sync_detail::{FieldChange, FieldOwner, Found, ObjectDiff, Project, ResourceId};
use crate::effect::Question;
use crate::fleet::{WantedEnvironment, WantedStage};
use crate::msg::{ClusterMsg, Delta, Facts};
use crate::panes::views::testing::*;

fn reference_of(kind: Kind, name: &str) -> ObjectRef {
    ObjectRef {
        cluster: ClusterId(0),
        kind,
        namespace: "argocd".into(),
        name: name.into(),
        uid: Uid::default(),
    }
}

/// `cart-prod`, its newest revision on its way; changed as a test wants.
fn cart_json() -> serde_json::Value {
    json!({
        "metadata": {"name": "cart-prod", "namespace": "argocd", "uid": "1", "resourceVersion": "7",
            "ownerReferences": [{"kind": "ApplicationSet", "name": "shop"}]},
        "spec": {"project": "shop", "source": {"repoURL": "https://git.example/shop.git", "path": "apps/cart",
                "targetRevision": "main"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop-prod"},
            "syncPolicy": {"automated": {"prune": true, "selfHeal": true}}},
        "status": {"sync": {"status": "Synced", "revision": "9f31c2aa00bb11cc22dd33ee44ff5566778899aa"},
            "health": {"status": "Progressing", "lastTransitionTime": "2026-11-21T14:26:02Z"},
            "resourceHealthSource": "appTree", "reconciledAt": "2026-11-21T14:31:40Z",
            "controllerNamespace": "argocd",
            "operationState": {"phase": "Succeeded", "message": "successfully synced (all tasks run)",
                "startedAt": "2026-11-21T14:25:40Z", "finishedAt": "2026-11-21T14:25:44Z",
                "operation": {"initiatedBy": {"automated": true}, "retry": {"limit": 5}},
                "syncResult": {"revision": "9f31c2aa00bb11cc22dd33ee44ff5566778899aa", "resources": [
                    {"group": "batch", "kind": "Job", "namespace": "shop-prod", "name": "migrate", "hookType": "PreSync",
                        "hookPhase": "Succeeded", "syncPhase": "PreSync", "message": "Reached expected number of succeeded pods"},
                    {"group": "apps", "kind": "Deployment", "namespace": "shop-prod", "name": "cart", "status": "Synced",
                        "hookPhase": "Running", "syncPhase": "Sync", "message": "deployment.apps/cart configured"}]}},
            "resources": [
                {"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "shop-prod", "name": "cart",
                    "status": "Synced", "syncWave": 1},
                {"version": "v1", "kind": "Service", "namespace": "shop-prod", "name": "cart", "status": "Synced"},
                {"version": "v1", "kind": "ConfigMap", "namespace": "shop-prod", "name": "cart-config", "status": "OutOfSync"},
                {"version": "v1", "kind": "ConfigMap", "namespace": "shop-prod", "name": "cart-old", "status": "OutOfSync",
                    "requiresPruning": true}],
            "history": [
                {"id": 6, "revision": "71ab0900bb11cc22dd33ee44ff5566778899aabb", "deployStartedAt": "2026-11-20T09:00:00Z",
                    "deployedAt": "2026-11-20T09:00:04Z", "initiatedBy": {"username": "maria"}},
                {"id": 7, "revision": "9f31c2aa00bb11cc22dd33ee44ff5566778899aa", "deployStartedAt": "2026-11-21T14:25:40Z",
                    "deployedAt": "2026-11-21T14:25:44Z", "initiatedBy": {"automated": true}}],
            "conditions": [{"type": "OrphanedResourceWarning", "message": "Application has 1 orphaned resources",
                "lastTransitionTime": "2026-11-21T13:00:00Z"}],
            "summary": {"images": ["registry.example/shop/cart:1.30.4", "registry.example/shop/cart:1.31.0"]}}
    })
}

fn app(value: serde_json::Value) -> Answer {
    let mut detail = serde_json::from_value::<crate::wire::argocd_detail::WholeApp>(value).unwrap().detail();
    if let About::Argo(app) = &mut detail.about {
        app.project_facts = Lookup::Known(project());
    }
    Answer::Sync(Box::new(detail))
}

fn project() -> Project {
    let project = json!({"metadata": {"name": "shop"}, "spec": {"description": "All of the shop",
        "sourceRepos": ["https://git.example/shop.git"], "destinations": [{"namespace": "shop-*", "server": "*"}],
        "clusterResourceWhitelist": [{"group": "", "kind": "Namespace"}], "orphanedResources": {"warn": true},
        "syncWindows": [
            {"kind": "deny", "schedule": "0 14 * * 6", "duration": "48h", "applications": ["*-prod"], "manualSync": true,
                "timeZone": "Europe/Zurich", "description": "weekend"},
            {"kind": "allow", "schedule": "0 8 * * 1-5", "duration": "9h", "applications": ["media-*"]}]}});
    serde_json::from_value::<crate::wire::argocd_detail::WholeProject>(project).unwrap().fact()
}

/// The incident's world with a Service in front of it.
fn world() -> Shared {
    let mut shared = shared();
    incident(&mut shared);
    let service = Service {
        uid: Uid(40),
        namespace: "shop-prod".into(),
        name: "cart".into(),
        labels: Labels::default(),
        selector: Some(Selector::equal([("app".into(), "cart".into())])),
        service_type: "ClusterIP".into(),
        cluster_ip: "10.0.0.9".into(),
        external: Arc::from([]),
        ports: Arc::from([]),
        of_rollouts: false,
        created: NOW,
    };
    let slice = EndpointSlice {
        uid: Uid(41),
        namespace: "shop-prod".into(),
        service: "cart".into(),
        ready: 1,
        unready: 3,
        terminating: 0,
        targets: Arc::from([]),
    };
    tell(&mut shared, ClusterMsg::Facts(Facts::Services(vec![Delta::Put(service)])));
    tell(&mut shared, ClusterMsg::Facts(Facts::EndpointSlices(vec![Delta::Put(slice)])));
    shared
}

fn opened_with(shared: &mut Shared, kind: Kind, first: Answer) -> Box<dyn Pane> {
    let (mut view, requests) = opened(open(shared, &reference_of(kind, "cart-prod")));
    assert_eq!(requests.len(), 1);
    assert!(answer(&mut *view, requests[0], first));
    view.resize(78, 24);
    view.refresh(shared);
    view
}

fn turn(view: &mut dyn Pane, shared: &mut Shared, by: usize) -> Outcome {
    let mut last = Outcome::none();
    for _ in 0..by {
        last = view.act(shared, Action::Right);
    }
    last
}

#[test]
fn a_revision_in_flight_opens_on_its_way() {
    let mut shared = world();
    let mut view = opened_with(&mut shared, Kind::Application, app(cart_json()));
    insta::assert_snapshot!("follow_80", screen(&mut *view, &shared, 78, 22));
    insta::assert_snapshot!("follow_120", screen(&mut *view, &shared, 118, 24));
}

#[test]
fn plain_drift_opens_the_overview_and_is_read_at_leisure() {
    let mut shared = shared();
    let mut value = cart_json();
    value["status"]["sync"]["status"] = "OutOfSync".into();
    value["status"]["health"]["status"] = "Healthy".into();
    let mut view = opened_with(&mut shared, Kind::Application, app(value.clone()));
    let shown = screen(&mut *view, &shared, 118, 30);
    assert!(shown.contains("destination") && !shown.contains("rolling out"), "{shown}");
    shared.now.mono += FAST * 2;
    assert!(view.tick(&mut shared).is_empty(), "nothing is on its way");
    turn(&mut *view, &mut shared, 1);
    assert!(
        screen(&mut *view, &shared, 118, 30).contains("Nothing happens now."),
        "the timeline is a key away"
    );

    // The same with a newer revision that was not brought in yet is one in flight.
    value["status"]["sync"]["revision"] = "c0ffee0012345678c0ffee0012345678deadbeef".into();
    let mut view = opened_with(&mut shared, Kind::Application, app(value));
    assert!(screen(&mut *view, &shared, 118, 30).contains("rolling out"));
    shared.now.mono += FAST * 2;
    assert_eq!(view.tick(&mut shared).len(), 1);
}

#[test]
fn a_revision_that_comes_later_turns_no_page_under_the_reader() {
    let mut shared = shared();
    let mut value = cart_json();
    value["status"]["health"]["status"] = "Healthy".into();
    let mut view = opened_with(&mut shared, Kind::Application, app(value.clone()));
    assert!(screen(&mut *view, &shared, 118, 30).contains("destination"));
    value["status"]["sync"] =
        json!({"status": "OutOfSync", "revision": "c0ffee0012345678c0ffee0012345678deadbeef"});
    shared.now.mono += SLOW * 2;
    let effects = view.tick(&mut shared);
    let Some(Effect::Ask(request, Question::Sync { .. })) = effects.first() else { panic!("{effects:?}") };
    assert!(answer(&mut *view, *request, app(value)));
    let shown = screen(&mut *view, &shared, 118, 30);
    assert!(shown.contains("destination") && shown.contains("c0ffee0"), "{shown}");
    shared.now.mono += FAST * 2;
    assert_eq!(view.tick(&mut shared).len(), 1, "it is in flight all the same");
    turn(&mut *view, &mut shared, 1);
    assert!(screen(&mut *view, &shared, 118, 30).contains("rolling out"));
}

#[test]
fn the_parts_at_80_columns() {
    let mut shared = world();
    let mut view = opened_with(&mut shared, Kind::Application, app(cart_json()));
    for name in ["resources", "operation", "history", "drift", "project", "overview"] {
        let outcome = turn(&mut *view, &mut shared, 1);
        if name == "drift" {
            let Some(Effect::Ask(request, Question::Drift(asked))) = outcome.effects.first() else {
                panic!("{outcome:?}")
            };
            assert_eq!(asked.objects.len(), 2, "what is out of sync");
            let id = |name: &str| ResourceId {
                kind: "ConfigMap".into(),
                namespace: "shop-prod".into(),
                name: name.into(),
                ..ResourceId::default()
            };
            let change = |path: &str, wanted: Option<&str>, live: Option<&str>| FieldChange {
                path: path.into(),
                wanted: wanted.map(str::to_owned),
                live: live.map(str::to_owned),
            };
            let owner = FieldOwner {
                manager: "kubectl-edit".into(),
                operation: "Update".into(),
                at: Some(NOW.plus(-700)),
                fields: vec!["data.LOG_LEVEL".into()],
            };
            let found = vec![
                ObjectDiff {
                    id: id("cart-config"),
                    found: Found::LastApplied(vec![
                        change("data.LOG_LEVEL", Some("info"), Some("debug")),
                        change("data.CACHE", Some("on"), None),
                    ]),
                },
                ObjectDiff { id: id("cart-old"), found: Found::Owners(vec![owner]) },
                ObjectDiff { id: id("cart-more"), found: Found::LastApplied(Vec::new()) },
                ObjectDiff { id: id("gone"), found: Found::Missing },
                ObjectDiff { id: id("secret"), found: Found::Refused("configmaps is forbidden".into()) },
            ];
            let found = Differences { of: found.len(), objects: found, without_server: None };
            assert!(answer(&mut *view, *request, Answer::Drift(found)));
        }
        insta::assert_snapshot!(format!("{name}_80"), screen(&mut *view, &shared, 78, 22));
    }
}

#[test]
fn the_parts_on_a_wide_screen() {
    let mut shared = world();
    let mut view = opened_with(&mut shared, Kind::Application, app(cart_json()));
    turn(&mut *view, &mut shared, 1);
    insta::assert_snapshot!("resources_200", screen(&mut *view, &shared, 198, 30));
    turn(&mut *view, &mut shared, 1);
    insta::assert_snapshot!("operation_120", screen(&mut *view, &shared, 118, 20));
}

#[test]
fn a_flux_object_that_was_rolled_back() {
    let mut shared = world();
    let release = json!({"metadata": {"name": "cart-prod", "namespace": "shop-prod", "uid": "1", "generation": 2},
        "spec": {"interval": "10m", "chart": {"spec": {"chart": "cart", "version": "1.x",
            "sourceRef": {"kind": "HelmRepository", "name": "charts"}}}, "driftDetection": {"mode": "warn"}},
        "status": {"observedGeneration": 2, "failures": 1, "upgradeFailures": 1, "lastAttemptedRevision": "1.31.0",
            "inventory": {"entries": [{"id": "shop-prod_cart_apps_Deployment"}, {"id": "shop-prod_cart__Service"}]},
            "conditions": [{"type": "Ready", "status": "False", "reason": "RollbackSucceeded",
                "message": "Helm rollback to previous release shop-prod/cart.v3 succeeded",
                "lastTransitionTime": "2026-11-21T14:27:00Z"},
                {"type": "Remediated", "status": "True", "reason": "RollbackSucceeded"}],
            "history": [{"version": 5, "chartName": "cart", "chartVersion": "1.30.4", "status": "deployed",
                "action": "rollback", "lastDeployed": "2026-11-21T14:27:00Z"},
                {"version": 4, "chartName": "cart", "chartVersion": "1.31.0", "status": "failed", "action": "upgrade",
                "lastDeployed": "2026-11-21T14:26:00Z"}]}});
    let mut detail = serde_json::from_value::<crate::wire::flux_detail::WholeFlux>(release)
        .unwrap()
        .detail(Kind::HelmRelease);
    if let About::Flux(flux) = &mut detail.about {
        flux.source_facts = Lookup::Refused("helmrepositories is forbidden".into());
    }
    let mut view = opened_with(&mut shared, Kind::HelmRelease, Answer::Sync(Box::new(detail)));
    insta::assert_snapshot!("flux_follow", screen(&mut *view, &shared, 78, 22));
    view.act(&mut shared, Action::Left);
    insta::assert_snapshot!("flux_overview", screen(&mut *view, &shared, 78, 26));
    turn(&mut *view, &mut shared, 3);
    insta::assert_snapshot!("flux_history", screen(&mut *view, &shared, 78, 12));
}

#[test]
fn loading_refused_and_gone_are_said() {
    let mut shared = world();
    let (mut view, requests) = opened(open(&mut shared, &reference_of(Kind::Application, "cart-prod")));
    assert!(screen(&mut *view, &shared, 78, 8).contains("Asking…"));
    answer(&mut *view, requests[0], Answer::Failed("applications is forbidden".into()));
    assert!(screen(&mut *view, &shared, 78, 8).contains("Cannot be read: applications is forbidden"));
    let mut view = opened_with(&mut shared, Kind::Application, app(cart_json()));
    shared.now.mono += SLOW * 2;
    let effects = view.tick(&mut shared);
    let Some(Effect::Ask(request, _)) = effects.first() else { panic!("{effects:?}") };
    answer(&mut *view, *request, Answer::Failed("cart-prod not found".into()));
    assert!(screen(&mut *view, &shared, 78, 20).contains("Could not be read again: cart-prod not found"));
    // The list has it no more.
    let object = ObjectRef { uid: Uid(77), ..reference_of(Kind::Application, "cart-prod") };
    let (mut view, requests) = opened(open(&mut shared, &object));
    answer(&mut *view, requests[0], app(cart_json()));
    assert!(screen(&mut *view, &shared, 78, 20).contains("is gone; this is how it was."));
    assert!(view.tick(&mut shared).is_empty(), "nothing is asked of what is gone");
}

#[test]
fn a_destination_that_no_context_leads_to_is_said() {
    let mut shared = world();
    let mut value = cart_json();
    value["spec"]["destination"]["server"] = "https://elsewhere:6443".into();
    let mut view = opened_with(&mut shared, Kind::Application, app(value));
    let follow = screen(&mut *view, &shared, 118, 30);
    assert!(follow.contains("no workload that is seen here"), "{follow}");
    turn(&mut *view, &mut shared, 1);
    let resources = screen(&mut *view, &shared, 118, 30);
    assert!(resources.contains("so what lives is not seen"), "{resources}");
}

/// The test's cluster at an address.
fn lead(shared: &mut Shared, server: &str) {
    let context = ClusterMsg::Context { cluster_name: "gke".into(), user: "".into(), server: server.into() };
    tell(shared, context);
}

#[test]
fn a_destination_that_is_written_otherwise_leads_to_its_context_all_the_same() {
    let mut shared = world();
    lead(&mut shared, "https://gke-eu1.example");
    for server in ["HTTPS://GKE-eu1.example:443/", "https://gke-eu1.example/"] {
        let mut value = cart_json();
        value["spec"]["destination"]["server"] = server.into();
        let mut view = opened_with(&mut shared, Kind::Application, app(value));
        turn(&mut *view, &mut shared, 6);
        let overview = screen(&mut *view, &shared, 118, 30);
        assert!(overview.contains("(context gke-eu1)"), "{overview}");
        assert!(!overview.contains("no context of the kubeconfig"), "{overview}");
    }
}

/// Argo CD stands in `gke-eu1` and delivers `cart-prod` to a cluster at a private address that the configuration calls
/// production: in `context`, with an Argo CD API server.
fn hub(context: &str) -> (Shared, ObjectRef, serde_json::Value) {
    let mut shared = world();
    lead(&mut shared, "https://gke-eu1.example");
    let production = WantedEnvironment {
        context: context.into(),
        namespaces: vec!["shop-prod".into()],
        argocd: Some(Argocd {
            context: Some("gke-eu1".into()),
            namespace: "argocd".into(),
            url: Some("https://argocd.example".into()),
            token_file: None,
            headers: Vec::new(),
            ca_file: None,
        }),
        ..WantedEnvironment::default()
    };
    shared.wanted.stages = vec![WantedStage { name: "production".into(), environments: vec![production] }];
    let mut value = cart_json();
    value["spec"]["destination"]["server"] = "https://10.0.0.9:6443".into();
    let mut listed = crate::domain::sync::testing::app(Kind::Application, "cart-prod");
    listed.destination = crate::domain::sync::Destination {
        server: "https://10.0.0.9:6443".into(),
        cluster: "".into(),
        namespace: "shop-prod".into(),
    };
    let object = ObjectRef { uid: listed.uid, ..reference_of(Kind::Application, "cart-prod") };
    tell(&mut shared, ClusterMsg::Facts(Facts::Applications(vec![Delta::Put(listed)])));
    shared.derive();
    (shared, object, value)
}

fn asked_drift(outcome: Outcome) -> (RequestId, crate::effect::DriftRequest) {
    match outcome.effects.into_iter().next() {
        Some(Effect::Ask(request, Question::Drift(asked))) => (request, asked),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_row_that_the_configuration_places_opens_a_zoom_that_knows_the_place() {
    let (mut shared, object, value) = hub("gke-eu1");
    let (mut view, requests) = opened(open(&mut shared, &object));
    assert!(answer(&mut *view, requests[0], app(value)));
    view.resize(118, 30);
    view.refresh(&shared);
    turn(&mut *view, &mut shared, 6);
    let overview = screen(&mut *view, &shared, 118, 30);
    assert!(overview.contains("(context gke-eu1)"), "{overview}");
}

#[test]
fn the_list_says_whether_an_api_server_stands_beside_the_objects() {
    use crate::panes::list::Rows;
    let foot = |shared: &Shared| {
        let mut rows = crate::panes::sync::Syncing::default();
        rows.changes(shared);
        rows.foot(shared)
    };
    let (mut shared, object, _) = hub("gke-eu1");
    shared.current = shared.sync.get(object.cluster, object.uid).unwrap().environments[0];
    assert_eq!(foot(&shared).as_deref(), Some("by the Kubernetes API + Argo CD API"));
    let mut rows = crate::panes::sync::Syncing::default();
    rows.changes(&shared);
    let drawn = (rows.name(&shared), rows.foot(&shared));
    assert!(drawn.0.ends_with(" · Argo CD"), "{drawn:?}");
    shared.wanted.stages[0].environments[0].argocd.as_mut().unwrap().url = None;
    shared.derive();
    // Drawing works nothing out; the next refresh does.
    assert_eq!((rows.name(&shared), rows.foot(&shared)), drawn);
    rows.changes(&shared);
    assert_eq!(rows.foot(&shared).as_deref(), Some(BY_KUBERNETES));
    assert_eq!(foot(&shared).as_deref(), Some(BY_KUBERNETES));
    assert_eq!(foot(&world()), None, "nothing is delivered");
}

#[test]
fn the_health_of_what_is_not_watched_is_asked_for_and_shown() {
    let mut shared = world();
    let mut value = cart_json();
    let resources = value["status"]["resources"].as_array_mut().unwrap();
    resources.push(json!({"version": "v1", "kind": "PersistentVolumeClaim", "namespace": "shop-prod", "name": "carts", "status": "Synced"}));
    resources.push(json!({"group": "autoscaling", "version": "v2", "kind": "HorizontalPodAutoscaler", "namespace": "shop-prod",
        "name": "cart", "status": "Synced", "health": {"status": "Healthy"}}));
    let mut view = opened_with(&mut shared, Kind::Application, app(value));
    let effects = view.tick(&mut shared);
    let Some(Effect::Ask(request, Question::Healths { objects, .. })) = effects.last() else {
        panic!("{effects:?}")
    };
    assert_eq!(
        objects.iter().map(|id| &*id.name).collect::<Vec<_>>(),
        ["carts"],
        "the object tells the other's"
    );
    let lost = LiveHealth { health: "Degraded".into(), note: "its volume is lost".to_owned() };
    let found = vec![(objects[0].clone(), Lookup::Known(lost))];
    assert!(answer(&mut *view, *request, Answer::Healths(found)));
    turn(&mut *view, &mut shared, 1);
    let shown = screen(&mut *view, &shared, 118, 30);
    let line = shown.lines().find(|line| line.contains("carts")).unwrap();
    assert!(line.contains("Degraded") && line.contains("its volume is lost"), "{shown}");
}

#[test]
fn a_hub_is_asked_for_differences_where_no_context_leads() {
    let (mut shared, object, value) = hub("far-away");
    let (mut view, requests) = opened(open(&mut shared, &object));
    assert!(answer(&mut *view, requests[0], app(value)));
    view.resize(118, 30);
    view.refresh(&shared);
    turn(&mut *view, &mut shared, 3);
    let (request, asked) = asked_drift(turn(&mut *view, &mut shared, 1));
    assert_eq!(asked.cluster, None, "no context leads there");
    let server = asked.server.expect("the server of the hub");
    assert_eq!(server.address.words(), "https://argocd.example");
    assert!(screen(&mut *view, &shared, 118, 30).contains("Asking…"));
    let found = ObjectDiff { id: asked.objects[0].0.clone(), found: Found::Extra };
    let found = Differences { objects: vec![found], of: 1, without_server: None };
    assert!(answer(&mut *view, request, Answer::Drift(found)));
    let shown = screen(&mut *view, &shared, 118, 30);
    assert!(shown.contains("is not in Git any more"), "{shown}");
}

#[test]
fn differences_say_why_the_api_server_did_not_tell_and_how_many_were_left_out() {
    let mut shared = world();
    let mut view = opened_with(&mut shared, Kind::Application, app(cart_json()));
    turn(&mut *view, &mut shared, 3);
    let (request, asked) = asked_drift(turn(&mut *view, &mut shared, 1));
    let one = ObjectDiff { id: asked.objects[0].0.clone(), found: Found::LastApplied(Vec::new()) };
    let found = Differences {
        objects: vec![one; 40],
        of: 300,
        without_server: Some("Argo CD answered 500: redis is down".into()),
    };
    assert!(answer(&mut *view, request, Answer::Drift(found)));
    let shown = screen(&mut *view, &shared, 118, 20);
    assert!(shown.contains("The first 40 of 300 objects; the others were not compared."), "{shown}");
    let words = "since the Argo CD API does not tell: Argo CD answered 500: redis is down";
    assert!(shown.contains(words), "{shown}");
    assert!(shown.contains("not what Git says now"), "{shown}");
}

#[test]
fn pods_of_the_tree_are_one_key_away() {
    let mut shared = world();
    let mut view = opened_with(&mut shared, Kind::Application, app(cart_json()));
    turn(&mut *view, &mut shared, 1);
    screen(&mut *view, &shared, 78, 40);
    let mut kinds = Vec::new();
    for _ in 0..12 {
        if let Some(Subject::Object(object)) = view.subject(&shared) {
            kinds.push(object.kind);
        }
        view.act(&mut shared, Action::Down);
    }
    for kind in [Kind::Deployment, Kind::ReplicaSet, Kind::Pod, Kind::Service, Kind::ConfigMap] {
        assert!(kinds.contains(&kind), "{kind:?} of {kinds:?}");
    }
}

#[test]
fn tabs_turn_by_keys_and_by_the_mouse() {
    let mut shared = world();
    let mut view = opened_with(&mut shared, Kind::Application, app(cart_json()));
    let first = screen(&mut *view, &shared, 78, 22);
    view.act(&mut shared, Action::Right);
    view.act(&mut shared, Action::Left);
    assert_eq!(screen(&mut *view, &shared, 78, 22), first);
    view.mouse(&mut shared, Pointer::Click(3, 0));
    assert!(screen(&mut *view, &shared, 78, 22).contains("destination"));
    assert_eq!(view.applies(&shared, Action::Right), Applies::Yes);
    assert!(matches!(view.applies(&shared, Action::Open), Applies::No(_)));
}

#[test]
fn nothing_breaks_at_any_size() {
    let mut shared = world();
    let mut view = opened_with(&mut shared, Kind::Application, app(cart_json()));
    for _ in 0..7 {
        survives_all_sizes(&mut *view, &shared);
        view.resize(78, 24);
        view.act(&mut shared, Action::Right);
    }
}

/// Findings on an application that is changed a little, with nothing live but the incident.
fn findings(change: impl FnOnce(&mut serde_json::Value)) -> Vec<(Level, String)> {
    let shared = world();
    let mut value = cart_json();
    value["status"]["health"]["status"] = "Healthy".into();
    value["status"]["resources"] = json!([]);
    change(&mut value);
    let detail = serde_json::from_value::<crate::wire::argocd_detail::WholeApp>(value).unwrap().detail();
    let About::Argo(app) = detail.about else { panic!() };
    let nodes = sync_tree::tree(&shared.world, Some(ClusterId(0)), &app.resources, None, &[]);
    let judgement = windows::judge(&project().windows, "cart-prod", &app.destination, NOW);
    let found = sync_truth::findings(&app, &nodes, Some(&judgement), NOW);
    found.into_iter().map(|finding| (finding.level, finding.says)).collect()
}

fn says(found: &[(Level, String)], words: &str) -> bool {
    found.iter().any(|(_, says)| says.contains(words))
}

#[test]
fn what_misleads_is_said_straight() {
    assert_eq!(findings(|_| {}), []);
    let found = findings(|app| app["status"]["sync"]["status"] = "Unknown".into());
    assert!(says(&found, "Healthy says nothing"), "{found:?}");
    let found = findings(|app| {
        app["status"]["resources"] = json!([{"group": "apps", "kind": "Deployment", "namespace": "shop-prod", "name": "absent", "status": "OutOfSync"}]);
    });
    assert!(says(&found, "Argo CD says Healthy, but Deployment absent does not exist"), "{found:?}");
    let found = findings(|app| {
        app["status"]["sync"]["status"] = "OutOfSync".into();
        app["status"]["reconciledAt"] = "2026-11-21T14:25:41Z".into();
    });
    assert!(says(&found, "still those from before"), "{found:?}");
    // A window that leaves no trace: the weekend's deny is active since 13:00Z.
    let found = findings(|app| app["status"]["sync"]["status"] = "OutOfSync".into());
    assert!(says(&found, "held back by a sync window (a deny window is active)"), "{found:?}");
    let found = findings(|app| {
        app["status"]["sync"]["status"] = "OutOfSync".into();
        app["status"]["operationState"]["phase"] = "Running".into();
        app["status"]["operationState"]["finishedAt"] = json!(null);
        app["status"]["operationState"]["message"] = sync_truth::BLOCKED.into();
    });
    assert!(says(&found, "stands at a closed sync window"), "{found:?}");
    let found = findings(|app| {
        app["status"]["operationState"]["phase"] = "Running".into();
        app["status"]["operationState"]["retryCount"] = 1.into();
    });
    assert!(says(&found, "Attempt 2 failed; it waits to try again (2 of 5)"), "{found:?}");
    let found = findings(|app| {
        app["status"]["operationState"]["phase"] = "Running".into();
        app["status"]["operationState"]["finishedAt"] = json!(null);
    });
    assert!(says(&found, "but the operation still runs"), "{found:?}");
    let found = findings(|app| {
        app["status"]["operationState"]["operation"]["sync"] = json!({"resources": [{"kind": "X"}]});
        app["status"]["operationState"]["syncResult"]["resources"] = json!([]);
    });
    assert!(says(&found, "without doing anything"), "{found:?}");
    let found = findings(|app| {
        app["status"]["operationState"]["operation"]["sync"] = json!({"autoHealAttemptsCount": 2});
    });
    assert!(says(&found, "self-heal (attempt 2)"), "{found:?}");
    let found = findings(|app| {
        app["status"]["operationState"]["phase"] = "Failed".into();
        app["status"]["operationState"]["message"] = "one or more objects failed to apply".into();
    });
    assert!(says(&found, "auto-sync does not try a revision twice. one or more objects"), "{found:?}");
    let found = findings(|app| {
        app["metadata"]["annotations"] = json!({"argocd.argoproj.io/skip-reconcile": "true"});
    });
    assert!(says(&found, "frozen"), "{found:?}");
    let found = findings(|app| {
        app["status"]["operationState"]["phase"] = "Terminating".into();
    });
    assert!(says(&found, "left over"), "{found:?}");
}

#[test]
fn what_holds_an_application_back_besides_windows() {
    let by = |auto: serde_json::Value, change: fn(&mut serde_json::Value)| {
        findings(|app| {
            // Not of the project's windows.
            app["spec"]["syncPolicy"]["automated"] = auto;
            app["status"]["sync"]["status"] = "OutOfSync".into();
            change(app);
        })
    };
    let found = by(json!(null), |_| {});
    assert!(says(&found, "auto-sync is off"), "{found:?}");
    // Rolled back by hand: the newest entry is an older revision.
    let found = by(json!(null), |app| {
        app["status"]["history"] = json!([{"id": 1, "revision": "old"},
            {"id": 2, "revision": "9f31c2aa00bb11cc22dd33ee44ff5566778899aa"}, {"id": 3, "revision": "old"}]);
    });
    assert!(says(&found, "out of sync by design"), "{found:?}");
    let found = by(json!({"selfHeal": false}), |app| {
        app["status"]["operationState"]["operation"]["sync"] = json!({"dryRun": true});
    });
    assert!(says(&found, "a dry run, which counts as an attempt"), "{found:?}");
}
