//! Graphs through the service proxy: the library's queries against the demo's Prometheus, which is found by its Service
//! and asked with the rights of the kubeconfig.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::api::ListParams;
use kube::{Api, Client as ClusterClient, Config};
use pilothouse::connect::upstream::{Client, Limits};
use pilothouse::demo::{DemoOptions, start};
use pilothouse::domain::graph::SurveyRequest;
use pilothouse::domain::id::{ClusterId, Kind, Name};
use pilothouse::domain::upstream::{Access, Address, Assigned, How, Server, Upstream};
use pilothouse::fleet::queries::{Aim, Place, Signal, Target, plan, survey_request};
use pilothouse::msg::Msg;
use pilothouse::sources::Clock;
use pilothouse::sources::graphs::{self, Caller};
use tokio::sync::mpsc;

#[tokio::test(flavor = "multi_thread")]
async fn the_librarys_queries_are_answered_through_the_service_proxy() {
    rustls::crypto::ring::default_provider().install_default().ok();
    let options =
        DemoOptions { story: true, speed: 1.0, start_at: Duration::from_secs(90), ..DemoOptions::default() };
    let demo = start(options).await.unwrap();
    let kubeconfig = kube::config::Kubeconfig::read_from(demo.kubeconfig()).unwrap();
    let context = kube::config::KubeConfigOptions {
        context: Some("gke-eu1".to_owned()),
        ..kube::config::KubeConfigOptions::default()
    };
    let config = Config::from_custom_kubeconfig(kubeconfig, &context).await.unwrap();
    let cluster = ClusterClient::try_from(config).unwrap();
    let lister = cluster.clone();
    let services: Api<k8s_openapi::api::core::v1::Service> = Api::all(cluster.clone());
    let services = services.list(&ListParams::default()).await.unwrap();
    let prometheus = services
        .items
        .iter()
        .find(|service| service.metadata.name.as_deref() == Some("prometheus"))
        .expect("the demo has a Prometheus");
    let upstream = Arc::new(Upstream {
        server: Server::Prometheus,
        address: Address::Service {
            cluster: ClusterId(0),
            namespace: prometheus.metadata.namespace.as_deref().unwrap().into(),
            name: "prometheus".into(),
            port: "9090".into(),
            tls: false,
            prefix: "".into(),
        },
        access: Access::default(),
    });
    let assigned = Assigned { upstream: Arc::clone(&upstream), matchers: Vec::new(), how: How::Configured };
    let caller =
        Caller::new(Client::new(upstream, Some(Arc::new(move || Some(cluster.clone()))), Limits::default()));
    let clock = Clock::from(Instant::now());

    let request: Arc<SurveyRequest> = Arc::new(survey_request(&assigned, &[]));
    let (out, mut inbox) = mpsc::channel(4);
    let surveying = tokio::spawn(graphs::survey(caller.clone(), request, Duration::ZERO, clock, out));
    let Some(Msg::Survey(_, survey)) = inbox.recv().await else { panic!("no survey") };
    surveying.abort();
    let survey = survey.unwrap();
    assert!(survey.has("container_cpu_usage_seconds_total"), "{survey:?}");

    let of_apps = services.items.iter().filter_map(|service| service.metadata.namespace.as_deref());
    let mut namespaces: Vec<Name> = of_apps.filter(|name| name.starts_with("shop")).map(Name::from).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    let place = Place { matchers: &[], namespaces: &namespaces, survey: Some(&survey), own: &[] };
    let nodes: Api<k8s_openapi::api::core::v1::Node> = Api::all(lister.clone());
    let node = nodes.list(&ListParams::default()).await.unwrap().items.remove(0).metadata.name.unwrap();
    let sets: Api<k8s_openapi::api::apps::v1::StatefulSet> = Api::all(lister.clone());
    let set = sets.list(&ListParams::default()).await.unwrap().items.remove(0).metadata;
    let daemons: Api<k8s_openapi::api::apps::v1::DaemonSet> = Api::all(lister);
    let daemon = daemons.list(&ListParams::default()).await.unwrap().items.remove(0).metadata;
    let workload = |kind, meta: k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta| {
        let (namespace, name) = (meta.namespace.unwrap().into(), meta.name.unwrap().into());
        Target::Workloads(vec![Aim { kind, namespace, name, autoscaler: None }])
    };
    let (set, daemon) = (workload(Kind::StatefulSet, set), workload(Kind::DaemonSet, daemon));
    let node = Target::Node(node.into());
    for (signal, target) in [
        (Signal::Requests, &Target::Environment),
        (Signal::Errors, &Target::Environment),
        (Signal::Latency, &Target::Environment),
        (Signal::Cpu, &Target::Environment),
        (Signal::Memory, &Target::Environment),
        (Signal::Restarts, &Target::Environment),
        (Signal::Cpu, &node),
        (Signal::Memory, &node),
        (Signal::Restarts, &node),
        (Signal::Replicas, &set),
        (Signal::Replicas, &daemon),
    ] {
        let chart =
            plan(signal, target, &place, 15).unwrap_or_else(|why| panic!("{signal:?} {target:?}: {why}"));
        for request in chart.requests(&assigned, 900, 60) {
            let (out, mut inbox) = mpsc::channel(4);
            let following = tokio::spawn(graphs::follow(
                caller.clone(),
                Arc::clone(&request),
                Duration::ZERO,
                clock,
                out,
            ));
            let Some(Msg::Graph(_, _, answer)) = inbox.recv().await else { panic!("no answer") };
            following.abort();
            let graph = answer.unwrap_or_else(|problem| panic!("{}: {problem:?}", request.query));
            let points = graph.series.iter().flat_map(|series| series.points.iter().flatten()).count();
            assert!(points > 10, "{}: {points} points in {} series", request.query, graph.series.len());
        }
    }
}
