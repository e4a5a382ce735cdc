//! Graphs of a real Prometheus against what its exporter said.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ground::Cluster;
use ground::exporter::Exporter;
use pilothouse::connect::upstream::{Client, Limits};
use pilothouse::domain::graph::{Graph, GraphProblem, GraphRequest, Survey, SurveyRequest};
use pilothouse::domain::upstream::{Access, Address, Assigned, How, Server, Upstream};
use pilothouse::fleet::promql;
use pilothouse::fleet::queries::{Family, Place, Signal, Target, plan, survey_request, typed};
use pilothouse::msg::Msg;
use pilothouse::sources::Clock;
use pilothouse::sources::graphs::{self, Caller};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

fn assigned(url: &str) -> Assigned {
    let address = Address::Url(url.into());
    let upstream = Arc::new(Upstream { server: Server::Prometheus, address, access: Access::default() });
    Assigned { upstream, matchers: vec![("env".into(), "eu".into())], how: How::Configured }
}

/// The first answer that holds.
async fn until(
    caller: &Caller,
    request: &GraphRequest,
    holds: impl Fn(&Result<Box<Graph>, GraphProblem>) -> bool,
) -> Result<Box<Graph>, GraphProblem> {
    let clock = Clock::from(Instant::now());
    let mut seen = String::new();
    let looked = async {
        loop {
            let (out, mut inbox) = mpsc::channel(1);
            let once = tokio::spawn(graphs::follow(
                caller.clone(),
                Arc::new(request.clone()),
                Duration::ZERO,
                clock,
                out,
            ));
            let Some(Msg::Graph(_, _, answer)) = inbox.recv().await else { panic!("no answer") };
            once.abort();
            if holds(&answer) {
                return answer;
            }
            seen = format!("{answer:?}");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    let came = tokio::time::timeout(Duration::from_secs(60), looked).await;
    came.unwrap_or_else(|_| panic!("{request:?}: {seen}"))
}

fn last(graph: &Graph) -> Option<f64> {
    graph.series.first()?.points.iter().rev().flatten().next().copied()
}

#[tokio::test]
#[ignore = "needs tests/real/build"]
async fn graphs_show_what_the_exporter_said() {
    let cluster = Cluster::start().bare().with_prometheus().await.unwrap();
    let prometheus = cluster.prometheus().unwrap();
    let exporter = Exporter::start().await.unwrap();
    let pod = [("namespace", "shop"), ("pod", "cart-1"), ("env", "eu")];
    let other = [("namespace", "shop"), ("pod", "cart-1"), ("env", "us")];
    exporter.gauge("queue_length", &pod, 7.5);
    exporter.gauge("queue_length", &other, 9.5);
    exporter.gauge("odd", &pod, f64::NAN);
    prometheus.scrape("shop", &exporter.address(), &json!({"honor_labels": true})).await.unwrap();

    let assigned = assigned(&prometheus.url());
    let caller = Caller::new(Client::new(Arc::clone(&assigned.upstream), None, Limits::default()));

    // A typed query holds to its environment.
    let queue = typed(&assigned, "queue_length", 60, 12);
    let graph =
        until(&caller, &queue, |answer| answer.as_ref().is_ok_and(|g| last(g).is_some())).await.unwrap();
    assert_eq!((graph.series.len(), last(&graph)), (1, Some(7.5)));
    assert_eq!(graph.series[0].points.len(), 13);
    assert!(graph.series[0].points[0].is_none(), "before it was scraped is a gap: {graph:?}");

    // NaN is a value and no zero.
    let odd = typed(&assigned, "odd", 60, 12);
    let graph =
        until(&caller, &odd, |answer| answer.as_ref().is_ok_and(|g| last(g).is_some())).await.unwrap();
    assert!(last(&graph).unwrap().is_nan());

    // What is wrong is told with its place, by the server where it cannot be read here.
    let wrong = typed(&assigned, "sum(queue_length", 60, 12);
    let problem = until(&caller, &wrong, Result::is_err).await.unwrap_err();
    assert!(problem.lasting && problem.position.is_some(), "{problem:?}");
    // The place is one in what was typed, and not in what was sent.
    let wrong = typed(&assigned, "rate(queue_length)", 60, 12);
    assert!(wrong.query.contains("env=\"eu\""), "{wrong:?}");
    let problem = until(&caller, &wrong, Result::is_err).await.unwrap_err();
    assert!(problem.lasting && problem.position == Some((1, 6)), "{problem:?}");
    let join = typed(
        &assigned,
        "{__name__=~\"queue_length|odd\"} * on(pod) {__name__=~\"queue_length|odd\"}",
        60,
        12,
    );
    let problem = until(&caller, &join, Result::is_err).await.unwrap_err();
    assert!(problem.words.contains("cannot be evaluated") && !problem.lasting, "{problem:?}");

    // What was not scraped is a gap in the line, and nothing joins its ends.
    exporter.silent(true);
    let up = async |value: &str| prometheus.query("up{job=\"shop\"}").await.unwrap()[0]["value"][1] == value;
    eventually(async || up("0").await).await;
    let line = typed(&assigned, "queue_length", 60, 12);
    // Where it is known, from the left; two steps that are not known are more than one that was missed.
    let known = |graph: &Graph| -> Vec<usize> {
        let points = graph.series.first().map(|series| series.points.as_slice()).unwrap_or_default();
        (0..points.len()).filter(|at| points[*at].is_some()).collect()
    };
    let ended =
        |graph: &Graph| known(graph).last().is_some_and(|last| last + 2 < graph.series[0].points.len());
    until(&caller, &line, |answer| answer.as_ref().is_ok_and(|graph| ended(graph))).await.unwrap();
    exporter.silent(false);
    let broken = |graph: &Graph| known(graph).windows(2).any(|pair| pair[1] > pair[0] + 1);
    until(&caller, &line, |answer| answer.as_ref().is_ok_and(|graph| broken(graph))).await.unwrap();

    // The series of another environment are nowhere.
    let selector = promql::selector(&promql::matchers(&assigned.matchers));
    assert_eq!(selector, "{env=\"eu\"}");
}

/// A real Prometheus reads the queries that join the names of pods, and counts a pod once; so it reads those of latencies
/// in several families.
#[tokio::test]
#[ignore = "needs tests/real/build"]
async fn a_pod_that_two_jobs_name_differently_counts_once() {
    let cluster = Cluster::start().bare().with_prometheus().await.unwrap();
    let prometheus = cluster.prometheus().unwrap();
    let exporter = Exporter::start().await.unwrap();
    let named: [&[(&str, &str)]; 4] = [
        &[
            ("exported_namespace", "shop"),
            ("exported_pod", "cart-1"),
            ("namespace", "monitoring"),
            ("pod", "exporter-0"),
        ],
        &[("namespace", "shop"), ("pod", "cart-1")],
        &[("exported_namespace", "shop"), ("namespace", "monitoring"), ("pod", "cart-2")],
        &[("namespace", "shop"), ("pod", "cart-3")],
    ];
    const FAMILIES: [&str; 3] = ["app_request_latency_seconds", TOOK, "starlette_request_duration_seconds"];
    for labels in named {
        let labels: Vec<(&str, &str)> = labels.iter().copied().chain([("env", "eu")]).collect();
        let container: Vec<(&str, &str)> = labels.iter().copied().chain([("container", "cart")]).collect();
        exporter.gauge("container_memory_working_set_bytes", &container, 10.0);
        let limited: Vec<(&str, &str)> = container.iter().copied().chain([("resource", "memory")]).collect();
        exporter.gauge("kube_pod_container_resource_limits", &limited, 50.0);
        let phase: Vec<(&str, &str)> = labels.iter().copied().chain([("phase", "Running")]).collect();
        exporter.gauge("kube_pod_status_phase", &phase, 1.0);
        for family in FAMILIES {
            exporter.histogram(family, &labels, &[(0.1, 2), (1.0, 5)], 3.5, 6);
        }
    }
    prometheus.scrape("shop", &exporter.address(), &json!({"honor_labels": true})).await.unwrap();
    let assigned = assigned(&prometheus.url());
    let caller = Caller::new(Client::new(Arc::clone(&assigned.upstream), None, Limits::default()));
    let survey = surveyed(&caller, &survey_request(&assigned, &[]), TOOK).await;
    let namespaces = ["shop".into()];
    let place =
        Place { matchers: &assigned.matchers, namespaces: &namespaces, survey: Some(&survey), own: &[] };
    let pod = |name: &str| Target::Pod { namespace: "shop".into(), name: name.into() };
    let wanted =
        [(Target::Environment, [30.0, 150.0]), (pod("cart-1"), [10.0, 50.0]), (pod("cart-2"), [10.0, 50.0])];
    for (target, numbers) in &wanted {
        let chart = plan(Signal::Memory, target, &place, 5).unwrap();
        let requests = chart.requests(&assigned, 60, 12);
        assert_eq!(requests.len(), 2, "{requests:?}");
        for (request, number) in requests.iter().zip(numbers) {
            let holds = |graph: &Graph| graph.series.len() == 1 && last(graph) == Some(*number);
            until(&caller, request, |answer| answer.as_ref().is_ok_and(|graph| holds(graph))).await.unwrap();
        }
    }
    for signal in [Signal::Requests, Signal::Latency] {
        let chart = plan(signal, &Target::Environment, &place, 5).unwrap();
        for request in chart.requests(&assigned, 60, 12) {
            until(&caller, &request, Result::is_ok).await.unwrap();
        }
    }
}

/// Requests that are counted, and how long they took, as classic histograms, as native ones and as both, which count once: the
/// charts have the numbers that the counts make.
#[tokio::test]
#[ignore = "needs tests/real/build"]
async fn charts_have_the_numbers_of_what_was_counted() {
    let cluster = Cluster::start().bare().with_prometheus().await.unwrap();
    let prometheus = cluster.prometheus().unwrap();
    let native = json!({"convert_classic_histograms_to_nhcb": true});
    let both = json!({"convert_classic_histograms_to_nhcb": true, "always_scrape_classic_histograms": true});
    for (env, more) in [("eu", json!({})), ("us", native), ("ap", both)] {
        let exporter = Exporter::start().await.unwrap();
        let mut scraped = json!({"honor_labels": true});
        scraped.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        prometheus.scrape(env, &exporter.address(), &scraped).await.unwrap();
        let _serving = JoinSet::from_iter([serve(exporter, env)]);
        let assigned = Assigned { matchers: vec![("env".into(), env.into())], ..assigned(&prometheus.url()) };
        let caller = Caller::new(Client::new(Arc::clone(&assigned.upstream), None, Limits::default()));
        let survey = surveyed(&caller, &survey_request(&assigned, &[]), TOOK).await;
        let has = |part: &str| survey.has(&format!("{TOOK}{part}"));
        assert_eq!((has("_bucket"), has("")), (env != "us", env != "eu"), "{env}: {survey:?}");
        let place = Place {
            matchers: &assigned.matchers,
            namespaces: &["shop".into()],
            survey: Some(&survey),
            own: &[],
        };
        let shown = async |signal: Signal, at: usize, holds: &dyn Fn(&Graph) -> bool| {
            let chart = plan(signal, &Target::Environment, &place, 5).unwrap();
            let request = chart.requests(&assigned, 60, 12).into_iter().nth(at).unwrap();
            until(&caller, &request, |answer| answer.as_ref().is_ok_and(|graph| holds(graph))).await.unwrap();
        };
        // Two of six are the fastest, three more the middle: the third is a third of the way from 0.1 to 1.
        let median = |graph: &Graph| last(graph).is_some_and(|value| (0.38..=0.42).contains(&value));
        shown(Signal::Latency, 2, &median).await;
        // What is counted for the first time grows in a window of five minutes: by 300 requests in 300 seconds each step.
        let growing = |graph: &Graph| {
            let points = graph.series.first().map(|series| series.points.as_slice()).unwrap_or_default();
            let known: Vec<f64> = points.iter().rev().map_while(|point| *point).take(4).collect();
            known.len() == 4 && known.windows(2).all(|pair| (0.9..=1.1).contains(&(pair[0] - pair[1])))
        };
        shown(Signal::Requests, 0, &growing).await;
    }
}

/// Prometheus counts its own requests in native histograms, with buckets that grow by a factor, as no text says them: they
/// are found by the name that the configuration gives, and drawn.
#[tokio::test]
#[ignore = "needs tests/real/build"]
async fn native_histograms_that_a_client_kept_are_drawn() {
    const OWN: &str = "prometheus_http_request_duration_seconds";
    let cluster = Cluster::start().bare().with_prometheus().await.unwrap();
    let prometheus = cluster.prometheus().unwrap();
    let address = prometheus.url().replace("http://", "");
    let labels = json!({"env": "eu", "namespace": "shop", "pod": "prometheus-0"});
    let own = json!({"static_configs": [{"targets": [address], "labels": labels}]});
    prometheus.scrape("itself", &address, &own).await.unwrap();

    // Sixty requests one after the other; none took longer than the slowest of them as it was seen from here.
    let mut slowest = Duration::ZERO;
    for _ in 0..60 {
        let began = Instant::now();
        prometheus.get("/api/v1/metadata").await.unwrap();
        slowest = slowest.max(began.elapsed());
    }
    let families = [Family { latency: Some(OWN.into()), ..Family::default() }];
    let assigned = assigned(&prometheus.url());
    let caller = Caller::new(Client::new(Arc::clone(&assigned.upstream), None, Limits::default()));
    let survey = surveyed(&caller, &survey_request(&assigned, &families), OWN).await;
    let series = prometheus.query(&format!("{OWN}{{handler=\"/api/v1/metadata\"}}")).await.unwrap();
    let buckets = series[0]["histogram"][1]["buckets"].as_array().map_or(0, Vec::len);
    assert!(buckets > 0 && series[0]["value"].is_null(), "no native histogram: {series}");

    // Their number, typed in, is that of the counter beside it.
    let of = "{handler=\"/api/v1/metadata\"}";
    let counted = typed(&assigned, &format!("histogram_count({OWN}{of})"), 60, 12);
    let all = |graph: &Graph| last(graph) == Some(60.0);
    until(&caller, &counted, |answer| answer.as_ref().is_ok_and(|graph| all(graph))).await.unwrap();

    // By themselves they are no line, and that is said.
    let raw = typed(&assigned, &format!("{OWN}{of}"), 60, 12);
    let graph = until(&caller, &raw, Result::is_ok).await.unwrap();
    let told = graph.warnings.iter().any(|words| words.contains("native histograms"));
    assert!(told && last(&graph).is_none(), "{graph:?}");

    // The chart of latencies finds them.
    let namespaces = ["shop".into()];
    let place = Place {
        matchers: &assigned.matchers,
        namespaces: &namespaces,
        survey: Some(&survey),
        own: &families,
    };
    let chart = plan(Signal::Latency, &Target::Environment, &place, 5).unwrap();
    for request in chart.requests(&assigned, 60, 12) {
        assert!(request.query.contains(OWN) && !request.query.contains("_bucket"), "{request:?}");
        let drawn = |graph: &Graph| last(graph).is_some_and(|value| value > 0.0 && value < 60.0);
        until(&caller, &request, |answer| answer.as_ref().is_ok_and(|graph| drawn(graph))).await.unwrap();
    }
    // A quantile of one handler's lies within what was measured.
    let median = typed(&assigned, &format!("histogram_quantile(0.5, {OWN}{of})"), 60, 12);
    let within =
        |graph: &Graph| last(graph).is_some_and(|value| value > 0.0 && value <= slowest.as_secs_f64());
    until(&caller, &median, |answer| answer.as_ref().is_ok_and(|graph| within(graph))).await.unwrap();
}

const TOOK: &str = "http_request_duration_seconds";

/// Sixty requests a second, by the clock: a third in a tenth of a second, as many and half as many again within one.
async fn serve(exporter: Exporter, env: &str) {
    let pod = [("namespace", "shop"), ("pod", "cart-1"), ("env", env)];
    let began = Instant::now();
    loop {
        let tens = u64::try_from(began.elapsed().as_millis()).unwrap() / 100;
        exporter.histogram(TOOK, &pod, &[(0.1, 2 * tens), (1.0, 5 * tens)], 3.5, 6 * tens);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The first survey that knows a family of that name.
async fn surveyed(caller: &Caller, request: &SurveyRequest, named: &str) -> Survey {
    let clock = Clock::from(Instant::now());
    let looked = async {
        loop {
            let (out, mut inbox) = mpsc::channel(1);
            let once = tokio::spawn(graphs::survey(
                caller.clone(),
                Arc::new(request.clone()),
                Duration::ZERO,
                clock,
                out,
            ));
            let Some(Msg::Survey(_, answer)) = inbox.recv().await else { panic!("no answer") };
            once.abort();
            let survey = answer.unwrap();
            if survey.families.iter().any(|(name, _)| name.starts_with(named)) {
                return survey;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), looked).await.unwrap()
}

/// Waits until this holds.
async fn eventually(mut holds: impl AsyncFnMut() -> bool) {
    let looked = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), looked).await.unwrap();
}

/// The API server stands for any server whose certificate an authority of its own signed.
#[tokio::test]
#[ignore = "needs tests/real/build"]
async fn tls_is_believed_only_with_its_authority() {
    let cluster = super::common::shared().await;
    let ask = async |address: String, ca_file| {
        let access = Access { ca_file, ..Access::default() };
        let address = Address::Url(address.as_str().into());
        let upstream = Upstream { server: Server::Prometheus, address, access };
        Client::new(Arc::new(upstream), None, Limits::default()).get("/version", &[]).await
    };
    let url = cluster.url();
    let reply = ask(url.clone(), Some(cluster.ca_file())).await.unwrap();
    assert_eq!(reply.status, 200, "{:?}", String::from_utf8_lossy(&reply.body));
    let unknown = ask(url.clone(), None).await.unwrap_err();
    assert!(unknown.words().contains("caFile"), "{unknown:?}");
}
