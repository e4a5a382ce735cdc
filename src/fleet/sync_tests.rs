use std::time::Duration;

use super::*;

use crate::config::Argocd;
use crate::domain::link::Link;
use crate::domain::sync::testing::app;
use crate::domain::sync::{Destination, Drifted, Operation, Phase};
use crate::fleet::environments;
use crate::fleet::testing::{deployment, put_workloads, send, world};
use crate::fleet::wanted::{WantedEnvironment, WantedStage};
use crate::msg::{ClusterMsg, Delta, Facts};

/// A hub with Argo CD, and two clusters of shops.
fn platform() -> World {
    let mut world = world(&[("hub", &["argocd"]), ("stg", &["shop-staging"]), ("gke", &["shop-prod"])]);
    for (n, context) in ["hub", "stg", "gke"].into_iter().enumerate() {
        let id = ClusterId(u16::try_from(n).unwrap());
        let server = format!("https://{context}.example:443/");
        let context = ClusterMsg::Context {
            cluster_name: format!("{context}-cluster").into(),
            user: "".into(),
            server: server.into(),
        };
        send(&mut world, id, context);
        send(&mut world, id, ClusterMsg::Link(Link::Live));
        for kind in [Kind::Application, Kind::Kustomization, Kind::HelmRelease, Kind::Deployment] {
            send(&mut world, id, ClusterMsg::Feed(kind, Feed::Live));
        }
    }
    world
}

fn to(server: &str, cluster: &str, namespace: &str) -> SyncApp {
    let mut app = app(Kind::Application, &format!("{server}{cluster}{namespace}"));
    app.destination =
        Destination { server: server.into(), cluster: cluster.into(), namespace: namespace.into() };
    app.namespaces = [].into();
    app
}

fn worked_out(wanted: &Wanted, world: &mut World, apps: Vec<SyncApp>) -> (Syncs, Environments) {
    let deltas = apps.into_iter().map(Delta::Put).collect();
    send(world, ClusterId(0), ClusterMsg::Facts(Facts::Applications(deltas)));
    let environments = environments(wanted, world);
    let mut syncs = Syncs::default();
    assert!(syncs.refresh(wanted, &environments, world));
    assert!(!syncs.refresh(wanted, &environments, world), "nothing changed");
    (syncs, environments)
}

fn names(environments: &Environments, delivery: &Delivery) -> Vec<String> {
    delivery
        .environments
        .iter()
        .filter_map(|env| environments.get(*env))
        .map(|env| env.name.to_string())
        .collect()
}

#[test]
fn a_hub_delivers_to_the_connection_that_its_destination_names() {
    let cases = [
        (to("https://kubernetes.default.svc", "", "argocd"), vec!["platform"]),
        (to("https://gke.example", "", "shop-prod"), vec!["production"]),
        (to("HTTPS://GKE.example:443", "", "shop-prod"), vec!["production"]),
        (to("", "stg", "shop-staging"), vec!["staging"]),
        (to("", "gke-cluster", "shop-prod"), vec!["production"]),
        (to("https://gke.example", "", "elsewhere"), vec![]),
        (to("https://10.0.0.9:6443", "", "shop-prod"), vec![]),
        (to("https://kubernetes.default.svc", "", "shop-prod"), vec![]),
    ];
    for (app, wanted) in cases {
        let destination = app.destination.clone();
        let (syncs, environments) = worked_out(&Wanted::default(), &mut platform(), vec![app]);
        let found = names(&environments, &syncs.list[0]);
        let found: Vec<&str> = found.iter().map(|name| name.trim_end_matches(" (hub)")).collect();
        assert_eq!(found.len(), wanted.len(), "{destination:?}: {found:?}");
        for (found, wanted) in found.iter().zip(wanted) {
            assert!(found.starts_with(wanted), "{destination:?}: {found:?}");
        }
    }
}

fn configured(context: Option<&str>) -> Wanted {
    let environment = WantedEnvironment {
        name: "production".into(),
        context: "gke".into(),
        namespaces: vec!["shop-prod".into()],
        argocd: Some(Argocd {
            context: context.map(str::to_owned),
            namespace: "argocd".to_owned(),
            url: None,
            token_file: None,
            headers: Vec::new(),
            ca_file: None,
        }),
        ..WantedEnvironment::default()
    };
    let stage = WantedStage { name: "production".into(), environments: vec![environment] };
    Wanted { stages: vec![stage], ..Wanted::default() }
}

#[test]
fn the_configuration_says_which_hub_delivers() {
    let app = || vec![to("https://private-endpoint:6443", "", "shop-prod")];
    let (syncs, environments) = worked_out(&configured(Some("hub")), &mut platform(), app());
    assert_eq!(names(&environments, &syncs.list[0]), ["production"]);
    let (syncs, _) = worked_out(&configured(Some("stg")), &mut platform(), app());
    assert!(syncs.list[0].environments.is_empty());
    // An environment whose own cluster delivers takes nothing from a hub.
    let (syncs, _) = worked_out(&configured(None), &mut platform(), vec![to("", "gke", "shop-prod")]);
    assert!(syncs.list[0].environments.is_empty());
}

#[test]
fn counts_are_of_sync_and_not_of_health() {
    let mut apps: Vec<SyncApp> = (0..6).map(|n| to("", "gke", "shop-prod").named(n)).collect();
    apps[0].health = Health::Degraded;
    apps[1].sync = Sync::OutOfSync;
    apps[2].operation = Some(Operation { phase: Phase::Running, ..Operation::default() });
    apps[3].sync = Sync::Unknown;
    apps[4].auto.suspended = true;
    apps[5].operation = Some(Operation { phase: Phase::Error, ..Operation::default() });
    apps[5].sync = Sync::OutOfSync;
    let (syncs, environments) = worked_out(&Wanted::default(), &mut platform(), apps);
    let production = environments.list.iter().find(|env| &*env.name == "production").unwrap();
    let wanted =
        SyncCounts { total: 6, synced: 1, drift: 1, syncing: 1, failed: 1, unknown: 1, suspended: 1 };
    assert_eq!(syncs.counts(production.id), wanted);
}

impl SyncApp {
    fn named(mut self, n: u32) -> SyncApp {
        self.name = format!("app-{n}").into();
        self.uid = Uid(u128::from(n) + 1);
        self
    }
}

#[test]
fn a_workload_that_is_not_there_is_missed_whatever_the_health_says() {
    let mut world = platform();
    let app = || {
        let mut app = to("", "gke", "shop-prod").named(0);
        app.sync = Sync::OutOfSync;
        app.drift = 1;
        app.drifted = [Drifted {
            group: "apps".into(),
            kind: "Deployment".into(),
            namespace: "shop-prod".into(),
            name: "cart".into(),
            prune: false,
        }]
        .into();
        app
    };
    let (mut syncs, environments) = worked_out(&Wanted::default(), &mut world, vec![app()]);
    assert_eq!(syncs.list[0].verdict.level, Level::Critical);
    assert!(syncs.list[0].verdict.why.contains("is not there"), "{:?}", syncs.list[0].verdict);
    put_workloads(
        &mut world,
        ClusterId(2),
        Kind::Deployment,
        vec![deployment("shop-prod", "cart", "x:1", 1)],
    );
    assert!(syncs.refresh(&Wanted::default(), &environments, &world));
    assert_eq!(syncs.list[0].verdict.level, Level::Warning);
}

#[test]
fn a_workload_names_what_delivers_it() {
    let mut world = platform();
    let mut workload = deployment("shop-prod", "web", "x:1", 1);
    workload.delivered_by = Some("app-1".into());
    let apps = vec![
        to("", "gke", "shop-prod").named(0),
        to("", "gke", "shop-prod").named(1),
        to("", "stg", "shop-staging").named(2),
    ];
    let (syncs, _) = worked_out(&Wanted::default(), &mut world, apps);
    let found = |workload: &Workload| {
        syncs.of_workload(ClusterId(2), workload).map(|found| found.object.name.to_string())
    };
    assert_eq!(found(&workload).as_deref(), Some("app-1"));
    workload.delivered_by = Some("argocd_app-0".into());
    assert_eq!(found(&workload).as_deref(), Some("app-0"));
    workload.delivered_by = Some("app-2".into());
    assert_eq!(found(&workload), None, "it delivers to another cluster");
}

#[test]
fn flux_sources_belong_where_they_are_used() {
    let mut world = platform();
    let flux = |kind, name: &str| {
        let mut app = app(kind, name);
        app.namespace = "flux-system".into();
        app.destination = Destination::default();
        app.namespaces = [].into();
        app
    };
    let mut kustomization = flux(Kind::Kustomization, "shop");
    kustomization.namespaces = ["shop-prod".into()].into();
    kustomization.sources = [crate::domain::sync::Source {
        repo: "GitRepository/flux-system/fleet".into(),
        ..Default::default()
    }]
    .into();
    for (kind, app) in
        [(Kind::Kustomization, kustomization), (Kind::GitRepository, flux(Kind::GitRepository, "fleet"))]
    {
        send(&mut world, ClusterId(2), ClusterMsg::Facts(Facts::Flux(kind, vec![Delta::Put(app)])));
    }
    let (syncs, environments) = worked_out(&Wanted::default(), &mut world, vec![]);
    for delivery in &syncs.list {
        assert_eq!(names(&environments, delivery), ["production"], "{:?}", delivery.object);
    }
    let production = environments.list.iter().find(|env| &*env.name == "production").unwrap();
    assert_eq!(syncs.counts(production.id).total, 1, "sources are not counted");
}

#[test]
fn absence_is_told_in_words() {
    let mut world = platform();
    let (syncs, environments) = worked_out(&Wanted::default(), &mut world, vec![]);
    let production = environments.list.iter().find(|env| &*env.name == "production").unwrap();
    let words = |world: &World| syncs.absence(&Wanted::default(), world, production).unwrap();
    assert_eq!(words(&world), "nothing is delivered here");
    let mut all = |feed: Feed| {
        for n in 0..3 {
            for kind in [Kind::Application, Kind::Kustomization, Kind::HelmRelease] {
                send(&mut world, ClusterId(n), ClusterMsg::Feed(kind, feed.clone()));
            }
        }
        syncs.absence(&Wanted::default(), &world, production).unwrap()
    };
    assert_eq!(all(Feed::Absent), "no Argo CD, no Flux");
    assert_eq!(all(Feed::Loading), "loading");
    assert_eq!(all(Feed::Forbidden("no".into())), "not readable");
    assert_eq!(all(Feed::Absent), "no Argo CD, no Flux");
    for n in 0..3 {
        let lost = Link::Unreachable { reason: "refused".into(), retry_at: Duration::ZERO, attempt: 1 };
        send(&mut world, ClusterId(n), ClusterMsg::Link(lost));
    }
    assert_eq!(syncs.absence(&Wanted::default(), &world, production).unwrap(), "not known");
}

#[test]
fn where_another_cluster_is_said_to_deliver_its_own_state_is_told() {
    let mut world = platform();
    let argocd = crate::config::Argocd {
        context: Some("hub".into()),
        namespace: "argocd".into(),
        url: None,
        token_file: None,
        headers: Vec::new(),
        ca_file: None,
    };
    let production = WantedEnvironment {
        context: "gke".into(),
        namespaces: vec!["shop-prod".into()],
        argocd: Some(argocd),
        ..WantedEnvironment::default()
    };
    let stage = WantedStage { name: "production".into(), environments: vec![production] };
    let wanted = Wanted { stages: vec![stage], ..Wanted::default() };
    let (syncs, environments) = worked_out(&wanted, &mut world, vec![]);
    let production = environments.list.iter().find(|env| &*env.name == "production").unwrap();
    // Its own cluster has none, and that says nothing.
    for kind in [Kind::Application, Kind::Kustomization, Kind::HelmRelease] {
        send(&mut world, ClusterId(2), ClusterMsg::Feed(kind, Feed::Absent));
    }
    assert_eq!(syncs.absence(&wanted, &world, production).unwrap(), "nothing is delivered here");
    let lost = Link::Unreachable { reason: "refused".into(), retry_at: Duration::ZERO, attempt: 1 };
    for (link, words) in [
        (lost, "not known: hub does not answer"),
        (Link::Connecting, "loading"),
        (Link::Dim, "not known: hub is not connected"),
    ] {
        send(&mut world, ClusterId(0), ClusterMsg::Link(link));
        assert_eq!(syncs.absence(&wanted, &world, production).unwrap(), words);
    }
}

#[test]
fn the_reason_is_that_of_its_own_workloads_also_outside_of_the_control_planes_namespace() {
    let mut world = platform();
    let workload = |namespace: &str, mark: &str, ready: u32| {
        let mut workload = deployment(namespace, mark, "cart:1", 3);
        (workload.ready, workload.available) = (ready, ready);
        workload.delivered_by = Some(mark.into());
        workload
    };
    let workloads = vec![workload("shop-prod", "team_cart", 1), workload("shop-prod", "cart", 3)];
    put_workloads(&mut world, ClusterId(2), Kind::Deployment, workloads);
    let mut own = to("https://gke.example", "", "shop-prod");
    own.name = "cart".into();
    let mut team = SyncApp { uid: Uid::parse("team"), namespace: "team".into(), ..own.clone() };
    team.control_plane = "argocd".into();
    let (syncs, _) = worked_out(&Wanted::default(), &mut world, vec![own, team]);
    let mut health = Workloads::default();
    health.refresh(&world);
    let why = |namespace: &str| {
        let of_it = syncs.list.iter().find(|delivery| &*delivery.object.namespace == namespace).unwrap();
        reason(&world, &health, of_it)
    };
    assert_eq!(why("argocd"), None, "its workload is well");
    assert!(why("team").is_some(), "one of three is ready");
}
