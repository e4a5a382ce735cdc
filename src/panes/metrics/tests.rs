//! What the pane shows and asks for: the right target, the right requests, and none for what is not seen.

use std::sync::Arc;

use super::*;
use crate::domain::alert::{Rule, Rulebook, Told};
use crate::domain::graph::{Graph, GraphProblem, GraphRequest, GraphSeries, Survey};
use crate::domain::id::{ClusterId, EnvId, Name};
use crate::domain::time::Stamp;
use crate::domain::upstream::Server;
use crate::panes::views::testing::{self, NOW, shared};
use crate::shared::Subject;

/// A pane of some size in production, whose Prometheus the configuration names.
fn stage(size: (u16, u16)) -> (Shared, MetricsPane) {
    let mut shared = shared();
    testing::incident(&mut shared);
    configure(&mut shared);
    let mut pane = MetricsPane::default();
    pane.resize(size.0, size.1);
    pane.refresh(&shared);
    // What the Prometheus has is asked first.
    for follow in pane.follows(&shared) {
        if let Follow::Survey(request) = follow {
            shared.graphs.take_survey(request, Ok(survey()));
        }
    }
    pane.refresh(&shared);
    (shared, pane)
}

/// A Prometheus that has everything.
fn survey() -> Survey {
    let labels: Arc<[Name]> =
        ["container", "le", "namespace", "node", "pod", "status"].map(Name::from).into();
    let mut families: Vec<(Name, Arc<[Name]>)> = [
        "app_requests_total",
        "app_request_latency_seconds",
        "app_request_latency_seconds_bucket",
        "app_request_latency_seconds_count",
        "container_cpu_usage_seconds_total",
        "container_memory_working_set_bytes",
        "container_network_receive_bytes_total",
        "kube_pod_container_resource_limits",
        "kube_pod_container_status_restarts_total",
    ]
    .into_iter()
    .map(|name| (name.into(), labels.clone()))
    .collect();
    families.sort();
    Survey { families, interval: Some(15) }
}

/// Names a Prometheus for production only.
fn configure(shared: &mut Shared) {
    configure_with(shared, "");
}

/// The same, with more in the file.
fn configure_with(shared: &mut Shared, more: &str) {
    let file = "stages:\n  - {name: development, context: gke-eu1, namespaces: [shop-dev]}\n  - {name: production, context: gke-eu1, namespaces: [shop-prod], prometheus: {url: \"http://p:9090\", matchers: {cluster: eu}}}\n";
    let file = format!("{file}{more}");
    let config = crate::config::parse("c".as_ref(), &file, &crate::config::Base::default()).unwrap();
    shared.wanted = crate::fleet::Wanted::of(&config, None);
    shared.upstreams.refresh(&shared.wanted, &shared.environments, &shared.world);
}

fn asked(pane: &MetricsPane, shared: &Shared) -> Vec<Arc<GraphRequest>> {
    let follows = pane.follows(shared).into_iter();
    follows
        .filter_map(|follow| match follow {
            Follow::Graph(request) => Some(request),
            Follow::Survey(_) | Follow::Alerts(_) => None,
        })
        .collect()
}

fn screen(pane: &MetricsPane, shared: &Shared, (width, height): (u16, u16)) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    pane.draw(shared, &testing::look(), true, area, &mut buffer);
    crate::picture::text(&buffer)
}

/// Answers every request with a line that rises and has a gap.
fn answer(shared: &mut Shared, pane: &MetricsPane) {
    for request in asked(pane, shared) {
        let graph = graph_of(&request);
        shared.graphs.take(request, Ok(graph), NOW);
    }
}

/// A line with gaps.
fn graph_of(request: &GraphRequest) -> Graph {
    let count = i64::from(request.range / request.step);
    let start = (NOW.0 / i64::from(request.step) - count) * i64::from(request.step);
    let points = (0..=count).map(|n| (n % 40 > 4).then_some(0.001 * n as f64)).collect();
    Graph {
        series: vec![GraphSeries { points, ..GraphSeries::default() }],
        start: Stamp(start),
        step: request.step,
        answered_at: Some(NOW),
        asked_at: Some(NOW),
        ..Graph::default()
    }
}

#[test]
fn as_many_charts_as_fit_and_only_those_are_asked_for() {
    let count = |size| {
        let (shared, pane) = stage(size);
        (pane.plots.len(), asked(&pane, &shared).len())
    };
    let (three, asked_of_three) = count((120, 7));
    assert_eq!(three, 3);
    assert_eq!(count((200, 9)).0, 5);
    assert_eq!(count((78, 7)).0, 2);
    assert_eq!(count((40, 7)).0, 1);
    assert_eq!(count((80, 18)).0, 4);
    assert!(asked_of_three >= 3 && count((200, 9)).1 > asked_of_three);
}

#[test]
fn graphs_follow_the_cursor() {
    let (mut shared, mut pane) = stage((120, 7));
    assert_eq!(pane.target, Some(Target::Environment(EnvId(1))), "nothing is looked at: the environment");
    shared.app = Some("cart".into());
    pane.refresh(&shared);
    assert_eq!(pane.target, Some(Target::App(EnvId(1), "cart".into())));
    shared.looked_at = Some(Subject::Environment(EnvId(0)));
    pane.refresh(&shared);
    assert_eq!(pane.target, Some(Target::Environment(EnvId(0))));
    let pod = shared.world.cluster(ClusterId(0)).unwrap().pods.iter().next().unwrap().0;
    let pod = shared.world.pod_ref(crate::world::RowId { cluster: ClusterId(0), slot: pod }).unwrap();
    shared.looked_at = Some(Subject::Object(pod.clone()));
    pane.refresh(&shared);
    assert_eq!(pane.target, Some(Target::Pod(EnvId(1), pod.clone())));
    assert_eq!(pane.plots[0].about, "cart", "requests are those of the pod's workload");
    assert!(asked(&pane, &shared).iter().all(|request| request.query.contains("cluster=\"eu\"")), "matchers");
}

#[test]
fn an_environment_without_prometheus_says_so_and_asks_nothing() {
    let (mut shared, mut pane) = stage((120, 7));
    shared.looked_at = Some(Subject::Environment(EnvId(0)));
    pane.refresh(&shared);
    assert_eq!(asked(&pane, &shared), []);
    assert!(pane.plots.iter().all(|plot| !plot.missing.is_empty()), "{:?}", pane.plots);
}

#[test]
fn a_chart_is_loading_then_drawn_then_stale() {
    let (mut shared, pane) = stage((120, 9));
    let before = screen(&pane, &shared, (120, 9));
    assert_eq!(before.matches("loading").count(), 3, "{before}");
    answer(&mut shared, &pane);
    insta::assert_snapshot!(screen(&pane, &shared, (120, 9)));
    let problem = GraphProblem { words: "timed out".into(), position: None, lasting: false };
    for request in asked(&pane, &shared) {
        shared.graphs.take(request, Err(problem.clone()), NOW);
    }
    shared.now.wall = NOW.plus(120);
    let stale = screen(&pane, &shared, (120, 9));
    assert!(stale.contains("stale 2m"), "{stale}");
}

/// What a server warns of stands at the value that it is about, here as a sign and on the chart alone in words.
#[test]
fn a_servers_warning_is_shown() {
    let (mut shared, pane) = stage((120, 9));
    answer(&mut shared, &pane);
    let calm = screen(&pane, &shared, (120, 9));
    let sign = testing::look().symbols.warning.to_owned();
    for request in asked(&pane, &shared) {
        let mut graph = graph_of(&request);
        graph.warnings.push("PromQL info: metric might not be a counter".into());
        shared.graphs.take(request, Ok(graph), NOW);
    }
    let warned = screen(&pane, &shared, (120, 9));
    // Events have signs of their own below.
    let signs = |screen: &str| screen.matches(&sign).count();
    assert_eq!(signs(&warned), signs(&calm) + 3, "{warned}");
}

#[test]
fn a_failed_question_without_lines_says_why_in_place() {
    let (mut shared, pane) = stage((120, 9));
    let problem = GraphProblem { words: "HTTP 503".into(), position: None, lasting: false };
    for request in asked(&pane, &shared) {
        shared.graphs.take(request, Err(problem.clone()), NOW);
    }
    let told = screen(&pane, &shared, (120, 9));
    assert!(told.contains("HTTP 503"), "{told}");
}

#[test]
fn any_size_is_drawn() {
    for size in [(0, 0), (1, 1), (3, 3), (31, 5), (32, 6), (500, 200)] {
        let (mut shared, pane) = stage(size);
        answer(&mut shared, &pane);
        let _ = screen(&pane, &shared, size);
    }
}

/// The plots of cart with these settings.
fn of_cart(shared: &mut Shared, more: &str) -> MetricsPane {
    configure_with(shared, more);
    shared.derive();
    shared.looked_at = None;
    shared.app = Some("cart".into());
    let mut pane = MetricsPane::default();
    pane.resize(200, 9);
    pane.refresh(shared);
    for follow in pane.follows(shared) {
        if let Follow::Survey(request) = follow {
            shared.graphs.take_survey(request, Ok(survey()));
        }
    }
    pane.refresh(shared);
    pane
}

fn limits_of(pane: &MetricsPane) -> Vec<(String, plot::At)> {
    let plots = pane.plots.iter().filter(|plot| ["errors", "p99"].contains(&plot.name.as_str()));
    plots.flat_map(|plot| plot.limits.iter().map(|limit| (plot.name.clone(), limit.at.clone()))).collect()
}

#[test]
fn limits_are_those_of_the_app_else_the_environment_else_all() {
    let at = |name: &str, at| (name.to_owned(), plot::At::Fixed(at));
    let (mut shared, _) = stage((200, 9));
    assert_eq!(limits_of(&of_cart(&mut shared, "")), [], "nobody names one");
    let all = "metrics: {limits: {errors: 2%, latency: 500ms}}\n";
    assert_eq!(limits_of(&of_cart(&mut shared, all)), [at("errors", 0.02), at("p99", 0.5)]);
    let app = format!("{all}apps: [{{name: cart, workloads: [cart], limits: {{latency: 250ms}}}}]\n");
    assert_eq!(limits_of(&of_cart(&mut shared, &app)), [at("errors", 0.02), at("p99", 0.25)]);
}

#[test]
fn an_alerting_rule_about_the_same_series_is_the_limit_where_none_is_written() {
    let (mut shared, _) = stage((200, 9));
    let rule =
        |name: &str, expr: &str| Arc::new(Rule { name: name.into(), expr: expr.into(), ..Rule::default() });
    let share = |matchers: &str| {
        format!(
            "sum(rate(app_requests_total{{{matchers}status=~\"5..\"}}[5m])) / sum(rate(app_requests_total{{{matchers}}}[5m]))"
        )
    };
    let book = Rulebook {
        limiting: vec![
            rule("Wide", &format!("{} > 0.05", share("namespace=\"shop-prod\", "))),
            rule("Burn", &format!("{} > 0.02", share("app=\"cart\", "))),
            rule("Elsewhere", &format!("{} > 0.001", share("namespace=\"shop-dev\", "))),
            rule(
                "Slow",
                "histogram_quantile(0.99, sum by (le) (rate(app_request_latency_seconds_bucket{cluster=\"eu\"}[5m]))) > 0.5",
            ),
            rule(
                "Slow elsewhere",
                "histogram_quantile(0.99, sum by (le) (rate(app_request_latency_seconds_bucket{cluster=\"us\"}[5m]))) > 0.1",
            ),
        ],
        ..Rulebook::default()
    };
    let upstream = Arc::clone(&shared.upstreams.of(Server::Prometheus, EnvId(1)).unwrap().upstream);
    shared.alerts.hear(&upstream, Told::Rules(Ok(book)), NOW);
    let pane = of_cart(&mut shared, "");
    let at = |name: &str, at| (name.to_owned(), plot::At::Fixed(at));
    assert_eq!(limits_of(&pane), [at("errors", 0.02), at("p99", 0.5)]);
    let errors = pane.plots.iter().find(|plot| plot.name == "errors").unwrap();
    assert_eq!(errors.notes, ["The limit is that of the alerting rule Burn."]);
    let written = of_cart(&mut shared, "metrics: {limits: {errors: 10%}}\n");
    assert_eq!(limits_of(&written), [at("errors", 0.1), at("p99", 0.5)], "what is written goes first");
}

#[test]
fn families_of_the_configuration_are_looked_for_and_asked() {
    let (mut shared, _) = stage((200, 9));
    let more = "metrics:\n  families:\n  - {requests: shop_calls_total, status: outcome, app: component}\n";
    configure_with(&mut shared, more);
    shared.derive();
    shared.app = Some("cart".into());
    let mut pane = MetricsPane::default();
    pane.resize(200, 9);
    pane.refresh(&shared);
    let surveys = pane.follows(&shared).into_iter().filter_map(|follow| match follow {
        Follow::Survey(request) => Some(request),
        _ => None,
    });
    for request in surveys {
        assert!(request.names.contains(&"shop_calls_total".into()));
        let labels: Arc<[Name]> = ["component", "namespace", "outcome"].map(Name::from).into();
        let known = Survey { families: vec![("shop_calls_total".into(), labels)], interval: Some(15) };
        shared.graphs.take_survey(request, Ok(known));
    }
    pane.refresh(&shared);
    let errors = pane.plots.iter().find(|plot| plot.name == "errors").unwrap();
    assert_eq!(
        &*errors.lines[0].request.query,
        r#"(sum(rate(shop_calls_total{namespace="shop-prod",component=~"cart",outcome=~"5..",cluster="eu"}[1m])) or sum(rate(shop_calls_total{namespace="shop-prod",component=~"cart",outcome!="",cluster="eu"}[1m])) * 0) / sum(rate(shop_calls_total{namespace="shop-prod",component=~"cart",outcome!="",cluster="eu"}[1m]))"#
    );
}
