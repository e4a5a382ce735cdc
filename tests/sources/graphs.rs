//! Graphs through the service proxy: the library's queries against the demo's Prometheus, which is found by its Service
//! and asked with the rights of the kubeconfig.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::api::ListParams;
use kube::{Api, Client as ClusterClient, Config};
use pilothouse::connect::upstream::{Client, Limits};
use pilothouse::demo::monitoring::promql::eval::{Grid, Value, evaluate};
use pilothouse::demo::monitoring::promql::labels::Labels;
use pilothouse::demo::monitoring::promql::matcher::{self, Matcher};
use pilothouse::demo::monitoring::promql::parse::parse;
use pilothouse::demo::monitoring::promql::storage::{Sample, Series, Storage};
use pilothouse::demo::{DemoOptions, start};
use pilothouse::domain::graph::{Survey, SurveyRequest};
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

struct Counter(Labels, f64);

impl Series for Counter {
    fn labels(&self) -> &Labels {
        &self.0
    }

    fn samples(&self, after: i64, until: i64) -> Vec<Sample> {
        // Every ten seconds, since long ago.
        let all = (0..60).map(|n| (n * 10_000, 1_000.0 + self.1 * 10.0 * n as f64));
        all.filter(|sample| sample.0 > after && sample.0 <= until).collect()
    }
}

struct Shelf(Vec<Arc<Counter>>);

impl Storage for Shelf {
    fn select(&self, matchers: &[Matcher], _: i64, _: i64) -> Vec<Arc<dyn Series>> {
        let fits = self.0.iter().filter(|one| matcher::all(matchers, &one.0));
        fits.map(|one| Arc::clone(one) as Arc<dyn Series>).collect()
    }
}

impl Shelf {
    /// A counter that grows by so much a second.
    fn put(&mut self, name: &str, labels: &[(&str, &str)], rate: f64) {
        let labels = Labels::new(labels.iter().copied().chain([("__name__", name)]));
        self.0.push(Arc::new(Counter(labels, rate)));
    }

    /// What a survey would say of it.
    fn survey(&self) -> Survey {
        let mut families: std::collections::BTreeMap<&str, std::collections::BTreeSet<&str>> =
            std::collections::BTreeMap::new();
        for one in &self.0 {
            let labels = one.0.iter().filter(|(name, _)| *name != "__name__").map(|(name, _)| name);
            families.entry(one.0.get("__name__")).or_default().extend(labels);
        }
        let families = families.into_iter().map(|(name, labels)| {
            (Name::from(name), labels.into_iter().map(Name::from).collect::<Vec<_>>().into())
        });
        Survey { families: families.collect(), interval: Some(10) }
    }

    /// The number of each curve of a chart of the environment `shop`, as far as it has one.
    fn chart(&self, signal: Signal) -> Vec<Option<f64>> {
        let survey = self.survey();
        let place = Place { matchers: &[], namespaces: &["shop".into()], survey: Some(&survey), own: &[] };
        let chart = plan(signal, &Target::Environment, &place, 15).unwrap();
        let number = |query: &str| match evaluate(self, &parse(query).unwrap(), Grid::instant(590_000)) {
            Ok(Value::Vector(rows)) => {
                assert!(rows.len() < 2, "{query}: {rows:?}");
                rows.first().and_then(|row| row.points[0]).map(|value| (value * 1e6).round() / 1e6)
            }
            other => panic!("{query}: {other:?}"),
        };
        chart.curves.iter().map(|curve| number(&curve.query)).collect()
    }
}

#[test]
fn families_are_counted_together_and_each_pod_once() {
    let mut shelf = Shelf(Vec::new());
    let pod = |name: &'static str, code: &'static str| [("namespace", "shop"), ("pod", name), ("code", code)];
    // One app in a family of its own, which its framework counts too, and otherwise.
    shelf.put("app_requests_total", &pod("cart", "200"), 10.0);
    shelf.put("http_requests_total", &pod("cart", "200"), 11.0);
    shelf.put("http_requests_total", &pod("cart", "500"), 3.0);
    // Another by its framework alone; and one whose job names the pods otherwise.
    shelf.put("http_requests_total", &pod("mail", "200"), 6.0);
    shelf.put("http_requests_total", &pod("mail", "500"), 2.0);
    let exported = [
        ("exported_namespace", "shop"),
        ("exported_pod", "jobs"),
        ("namespace", "tools"),
        ("pod", "collector"),
        ("code", "503"),
    ];
    shelf.put("http_requests_total", &exported, 2.0);
    // Other namespaces, and what stands in front of all.
    shelf.put("http_requests_total", &[("namespace", "till"), ("pod", "cart"), ("code", "200")], 50.0);
    let front = [("namespace", "shop"), ("ingress", "all"), ("status", "200")];
    shelf.put("nginx_ingress_controller_requests", &front, 90.0);
    assert_eq!(shelf.chart(Signal::Requests), [Some(20.0)]);
    assert_eq!(shelf.chart(Signal::Errors), [Some(0.2)]);

    // Where the apps say nothing the front does.
    shelf.0.retain(|one| one.0.get("__name__").starts_with("nginx") || one.0.get("namespace") == "till");
    assert_eq!(shelf.chart(Signal::Requests), [Some(90.0)]);
    assert_eq!(shelf.chart(Signal::Errors), [Some(0.0)]);
}

#[test]
fn latencies_of_families_are_told_beside_one_another() {
    let mut shelf = Shelf(Vec::new());
    let mut histogram = |name: &str, pod: &str, buckets: &[(&str, f64)]| {
        for (le, rate) in buckets {
            shelf.put(&format!("{name}_bucket"), &[("namespace", "shop"), ("pod", pod), ("le", le)], *rate);
        }
    };
    histogram("app_request_latency_seconds", "cart", &[("0.1", 2.0), ("1.0", 2.0), ("+Inf", 2.0)]);
    // The framework's count of the same pod, which would double it.
    histogram("http_request_duration_seconds", "cart", &[("0.1", 2.0), ("1.0", 2.0), ("+Inf", 2.0)]);
    // Of other bounds, as another library has them.
    histogram("http_request_duration_seconds", "mail", &[("0.25", 0.0), ("0.5", 2.0), ("+Inf", 2.0)]);
    histogram("http_server_duration_milliseconds", "old", &[("500", 0.0), ("1000", 1.0), ("+Inf", 1.0)]);
    // The first family's quantiles; of the others the p99 of what is not in it, those in milliseconds apart.
    assert_eq!(
        shelf.chart(Signal::Latency),
        [Some(0.099), Some(0.09), Some(0.05), Some(0.4975), Some(0.995)]
    );
}
