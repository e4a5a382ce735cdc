//! The library's queries asked of series that are known, by the evaluator that the demo has: what they count, and how often.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::*;
use crate::demo::monitoring::promql::eval::{Grid, Value, evaluate};
use crate::demo::monitoring::promql::labels::{Labels, NAME};
use crate::demo::monitoring::promql::matcher::{self, Matcher as Asked};
use crate::demo::monitoring::promql::parse::parse;
use crate::demo::monitoring::promql::storage::{Sample, Series, Storage};
use crate::domain::id::Kind;

/// A series that grows by so much a second, or stands still.
struct Stored {
    labels: Labels,
    first: f64,
    growth: f64,
}

impl Series for Stored {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn samples(&self, after: i64, until: i64) -> Vec<Sample> {
        let times = (0..=40i64).map(|n| n * 15_000).filter(|at| *at > after && *at <= until);
        times.map(|at| (at, self.first + self.growth * at as f64 / 1000.0)).collect()
    }
}

#[derive(Default)]
struct Shelf(Vec<Arc<Stored>>);

impl Storage for Shelf {
    fn select(&self, matchers: &[Asked], _: i64, _: i64) -> Vec<Arc<dyn Series>> {
        let found = self.0.iter().filter(|series| matcher::all(matchers, &series.labels));
        found.map(|series| Arc::clone(series) as Arc<dyn Series>).collect()
    }
}

impl Shelf {
    /// `a=b,c=d` are labels.
    fn put(&mut self, name: &str, labels: &str, first: f64, growth: f64) {
        let pairs = labels.split(',').filter_map(|pair| pair.split_once('='));
        let labels = Labels::new(pairs.chain([(NAME, name)]));
        self.0.push(Arc::new(Stored { labels, first, growth }));
    }

    /// All requests of a pod take as long as the bound, ten of them a second.
    fn histogram(&mut self, family: &str, pod: &str, bound: f64) {
        for le in ["0.1", "1", "5", "+Inf"] {
            let growth = if le == "+Inf" || le.parse::<f64>().unwrap() >= bound { 10.0 } else { 0.0 };
            self.put(&format!("{family}_bucket"), &format!("namespace=shop,pod={pod},le={le}"), 0.0, growth);
        }
        self.put(&format!("{family}_count"), &format!("namespace=shop,pod={pod}"), 0.0, 10.0);
    }

    /// What a Prometheus would tell of its families.
    fn survey(&self) -> Survey {
        let mut families: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for series in &self.0 {
            let names = series.labels.iter().map(|(name, _)| name).filter(|name| *name != NAME);
            families.entry(series.labels.get(NAME)).or_default().extend(names);
        }
        let named = |(name, labels): (&str, BTreeSet<&str>)| {
            (Name::from(name), labels.into_iter().map(Name::from).collect())
        };
        Survey { families: families.into_iter().map(named).collect(), interval: Some(15) }
    }

    /// The numbers of a chart's curves after ten minutes, each with what tells its lines apart.
    fn shown(&self, signal: Signal, target: &Target, namespaces: &[&str]) -> Vec<String> {
        let namespaces: Vec<Name> = namespaces.iter().copied().map(Name::from).collect();
        let survey = self.survey();
        let place = Place { matchers: &[], namespaces: &namespaces, survey: Some(&survey), own: &[] };
        let chart = plan(signal, target, &place, 15).unwrap();
        let numbers = chart.curves.iter().flat_map(|curve| {
            let asked = parse(&curve.query).unwrap_or_else(|why| panic!("{}: {why:?}", curve.query));
            let Value::Vector(rows) = evaluate(self, &asked, Grid::instant(600_000)).unwrap() else {
                panic!()
            };
            rows.into_iter().filter_map(|row| {
                let value = (row.points[0]? * 1e6).round() / 1e6;
                Some(match &curve.legend {
                    Legend::Fixed(word) => format!("{word} {value}"),
                    Legend::Label(label) => format!("{} {value}", row.labels.get(label)),
                })
            })
        });
        let mut numbers: Vec<String> = numbers.collect();
        numbers.sort();
        numbers
    }
}

fn cart(namespaces: &[&str]) -> Target {
    let aim = |namespace: &&str| Aim {
        kind: Kind::Deployment,
        namespace: (*namespace).into(),
        name: "cart".into(),
        autoscaler: None,
    };
    Target::Workloads(namespaces.iter().map(aim).collect())
}

/// Three pods: one that two jobs know under different labels, one whose exporter tells its namespace and not the pod, and
/// one that is scraped plainly.
const NAMED: [&str; 4] = [
    "exported_namespace=shop,exported_pod=cart-1a-aaaaa,namespace=monitoring,pod=exporter-0",
    "namespace=shop,pod=cart-1a-aaaaa",
    "exported_namespace=shop,namespace=monitoring,pod=cart-1a-bbbbb",
    "namespace=shop,pod=cart-1a-ccccc",
];

#[test]
fn a_pod_that_two_jobs_name_differently_counts_once_and_none_is_lost() {
    let mut shelf = Shelf::default();
    for labels in NAMED {
        for container in ["web", "proxy"] {
            let labels = format!("{labels},container={container}");
            shelf.put("container_memory_working_set_bytes", &labels, 10.0, 0.0);
            shelf.put("kube_pod_container_resource_limits", &format!("{labels},resource=memory"), 50.0, 0.0);
        }
        shelf.put("kube_pod_status_phase", &format!("{labels},phase=Running"), 1.0, 0.0);
        shelf.put("container_network_receive_bytes_total", labels, 0.0, 7.0);
    }
    // The same name in another namespace is another pod.
    shelf.put(
        "container_memory_working_set_bytes",
        "namespace=blog,pod=cart-1a-aaaaa,container=web",
        3.0,
        0.0,
    );
    let memory = |target: &Target, namespaces: &[&str]| shelf.shown(Signal::Memory, target, namespaces);
    assert_eq!(memory(&Target::Environment, &["shop"]), ["limit 300", "shop 60"]);
    assert_eq!(memory(&Target::Environment, &["blog", "shop"]), ["blog 3", "limit 300", "shop 60"]);
    let pods = ["cart-1a-aaaaa 20", "cart-1a-bbbbb 20", "cart-1a-ccccc 20", "limit 100"];
    assert_eq!(memory(&cart(&["shop"]), &["shop"]), pods);
    // Lines of an app in two namespaces are told apart by the pod alone: what is of one name is added up.
    let both = ["cart-1a-aaaaa 23", "cart-1a-bbbbb 20", "cart-1a-ccccc 20", "limit 100"];
    assert_eq!(memory(&cart(&["blog", "shop"]), &["blog", "shop"]), both);
    let pod = |name: &str| Target::Pod { namespace: "shop".into(), name: name.into() };
    for name in ["cart-1a-aaaaa", "cart-1a-bbbbb", "cart-1a-ccccc"] {
        assert_eq!(memory(&pod(name), &["shop"]), ["limit 100", "proxy 10", "web 10"], "{name}");
    }
    assert_eq!(shelf.shown(Signal::Network, &Target::Environment, &["shop"]), ["in 21"]);
}

#[test]
fn a_pod_of_a_node_that_two_jobs_name_differently_counts_once() {
    // The first pod by a job that does not honour labels and by one that does, one pod by each alone, and one whose
    // exporter tells its namespace and not the pod. The exporter itself runs elsewhere.
    let named = [
        "exported_namespace=shop,exported_pod=cart-1a-aaaaa,namespace=monitoring,pod=exporter-0",
        "namespace=shop,pod=cart-1a-aaaaa",
        "exported_namespace=shop,exported_pod=cart-1a-bbbbb,namespace=monitoring,pod=exporter-0",
        "namespace=shop,pod=cart-1a-ccccc",
        "exported_namespace=shop,namespace=monitoring,pod=cart-1a-ddddd",
    ];
    let mut shelf = Shelf::default();
    shelf.put("container_memory_working_set_bytes", "node=n1,namespace=shop,pod=cart-1a-aaaaa", 10.0, 0.0);
    for labels in named {
        let asked = format!("{labels},node=n1,resource=memory");
        shelf.put("kube_pod_container_resource_requests", &asked, 50.0, 0.0);
        shelf.put("kube_pod_status_phase", &format!("{labels},phase=Running"), 1.0, 0.0);
        shelf.put("kube_pod_container_status_restarts_total", labels, 0.0, 0.01);
        shelf.put("kube_pod_info", &format!("{labels},node=n1"), 1.0, 0.0);
    }
    let node = Target::Node("n1".into());
    let memory = shelf.shown(Signal::Memory, &node, &["shop"]);
    assert!(memory.contains(&"requests 200".to_owned()), "{memory:?}");
    // Four pods, a restart in a hundred seconds each.
    assert_eq!(shelf.shown(Signal::Restarts, &node, &["shop"]), ["restarts 12"]);
}

#[test]
fn what_two_jobs_say_of_one_pod_is_requested_and_fails_once() {
    let mut shelf = Shelf::default();
    for (nth, labels) in NAMED.iter().enumerate() {
        shelf.put("http_requests_total", &format!("{labels},code=200"), 0.0, 9.0);
        // As the job of the exporter had it, nothing failed yet.
        if nth > 0 {
            shelf.put("http_requests_total", &format!("{labels},code=500"), 0.0, 1.0);
        }
    }
    // Of the first pod 9, of the others 10 each.
    for target in [Target::Environment, cart(&["shop"])] {
        assert_eq!(shelf.shown(Signal::Requests, &target, &["shop"]), ["requests 29"]);
        assert_eq!(shelf.shown(Signal::Errors, &target, &["shop"]), ["errors 0.068966"]);
    }
    let pod = Target::Pod { namespace: "shop".into(), name: "cart-1a-aaaaa".into() };
    assert_eq!(shelf.shown(Signal::Errors, &pod, &["shop"]), ["errors 0"]);
    // Another family's pods are added, and those that it shares are not.
    for pod in ["cart-1a-aaaaa", "cart-1a-ddddd"] {
        shelf.put("http_server_requests_total", &format!("namespace=shop,pod={pod},status=500"), 0.0, 100.0);
    }
    assert_eq!(shelf.shown(Signal::Requests, &Target::Environment, &["shop"]), ["requests 129"]);
    assert_eq!(shelf.shown(Signal::Errors, &Target::Environment, &["shop"]), ["errors 0.790698"]);
}

#[test]
fn all_other_families_of_one_kind_have_a_line_together() {
    let mut shelf = Shelf::default();
    shelf.histogram("app_request_latency_seconds", "a", 0.1);
    shelf.histogram("http_request_duration_seconds", "b", 1.0);
    let two = ["p50 0.05", "p90 0.09", "p99 0.099", "p99 of others 0.991"];
    assert_eq!(shelf.shown(Signal::Latency, &Target::Environment, &["shop"]), two);
    shelf.histogram("request_duration_seconds", "c", 5.0);
    // What is in the first is of no other.
    shelf.histogram("starlette_request_duration_seconds", "a", 5.0);
    let three = ["max p99 of others 4.96", "p50 0.05", "p90 0.09", "p99 0.099"];
    assert_eq!(shelf.shown(Signal::Latency, &Target::Environment, &["shop"]), three);
}
