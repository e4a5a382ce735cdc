//! Graphs of a real Prometheus against what its exporter said.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ground::Cluster;
use ground::exporter::Exporter;
use pilothouse::connect::upstream::{Client, Limits};
use pilothouse::domain::graph::{Graph, GraphProblem, GraphRequest, SurveyRequest};
use pilothouse::domain::upstream::{Access, Address, Assigned, How, Server, Upstream};
use pilothouse::fleet::promql;
use pilothouse::fleet::queries::{Place, Signal, Target, plan, survey_request, typed};
use pilothouse::msg::Msg;
use pilothouse::sources::Clock;
use pilothouse::sources::graphs::{self, Caller};
use serde_json::json;
use tokio::sync::mpsc;

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
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), looked).await.unwrap()
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
    let took = "http_request_duration_seconds";
    exporter.histogram(took, &pod, &[(0.1, 2), (1.0, 5)], 3.5, 6);
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
    let wrong = typed(&assigned, "rate(queue_length)", 60, 12);
    let problem = until(&caller, &wrong, Result::is_err).await.unwrap_err();
    assert!(problem.lasting && problem.position.is_some(), "{problem:?}");
    let join = typed(
        &assigned,
        "{__name__=~\"queue_length|odd\"} * on(pod) {__name__=~\"queue_length|odd\"}",
        60,
        12,
    );
    let problem = until(&caller, &join, Result::is_err).await.unwrap_err();
    assert!(problem.words.contains("cannot be evaluated") && !problem.lasting, "{problem:?}");

    // Native histograms (as the exporter's is taken) are surveyed, and their quantiles are a line.
    let request: SurveyRequest = survey_request(&assigned, &[]);
    let (out, mut inbox) = mpsc::channel(1);
    let clock = Clock::from(Instant::now());
    let survey = loop {
        let once =
            tokio::spawn(graphs::survey(caller.clone(), Arc::new(request.clone()), clock, out.clone()));
        let Some(Msg::Survey(_, answer)) = inbox.recv().await else { panic!("no answer") };
        once.abort();
        let survey = answer.unwrap();
        if survey.families.iter().any(|(name, _)| name.starts_with(took)) {
            break survey;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    let place =
        Place { matchers: &assigned.matchers, namespaces: &["shop".into()], survey: Some(&survey), own: &[] };
    // The counts grow while we look.
    let growing = tokio::spawn(async move {
        for n in 1.. {
            exporter.histogram(took, &pod, &[(0.1, 2 * n), (1.0, 5 * n)], 3.5, 6 * n);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    let chart = plan(Signal::Latency, &Target::Environment, &place, 5).unwrap();
    let requests = chart.requests(&assigned, 60, 12);
    let number = |answer: &Result<Box<Graph>, GraphProblem>| {
        answer.as_ref().is_ok_and(|graph| last(graph).is_some_and(|value| !value.is_nan()))
    };
    let p50 = until(&caller, &requests[2], number).await.unwrap();
    let value = last(&p50).unwrap();
    assert!((0.1..=1.0).contains(&value), "the median lies in the second bucket: {value}");
    let rate = plan(Signal::Requests, &Target::Environment, &place, 5).unwrap();
    let rate = until(&caller, &rate.requests(&assigned, 60, 12)[0], number).await.unwrap();
    assert!(last(&rate).unwrap() > 0.0, "{rate:?}");
    growing.abort();

    // The series of another environment are nowhere.
    let selector = promql::selector(&promql::matchers(&assigned.matchers));
    assert_eq!(selector, "{env=\"eu\"}");
}
