use std::sync::Arc;

use super::*;
use crate::config::{Address, Monitoring};
use crate::domain::alert::{Grouped, Kept, Managed, Phase, Rule, Rulebook, Ruled, Silence, Told};
use crate::domain::graph::{Graph, GraphSeries};
use crate::domain::id::{EnvId, Kind, Name};
use crate::domain::meta::Labels;
use crate::domain::time::Stamp;
use crate::domain::upstream::Server;
use crate::fleet::wanted::{WantedEnvironment, WantedStage};
use crate::panes::views::testing::{self, NOW, incident, screen, shared, survives_all_sizes};

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::new(pairs.iter().map(|(key, value)| (Name::from(*key), Name::from(*value))).collect())
}

const BURN: &[(&str, &str)] = &[
    ("alertname", "CartErrorBudgetBurn"),
    ("app", "cart"),
    ("namespace", "shop-prod"),
    ("severity", "page"),
];
const LOOPING: &[(&str, &str)] = &[
    ("alertname", "KubePodCrashLooping"),
    ("namespace", "shop-prod"),
    ("pod", "cart-7d9c-m8rzq"),
    ("severity", "warning"),
];

/// The incident, with a Prometheus and an Alertmanager for production.
fn room(silenced: bool) -> Shared {
    let mut shared = shared();
    incident(&mut shared);
    let at = |url: &str| {
        Some(Monitoring {
            at: Some(Address::Url(url.to_owned())),
            matchers: Vec::new(),
            headers: Vec::new(),
            bearer_token_file: None,
            basic_auth: None,
            ca_file: None,
            tenant: None,
        })
    };
    let environment = WantedEnvironment {
        prometheus: at("http://prometheus.example:9090"),
        alertmanager: at("http://alerts.example"),
        ..WantedEnvironment::default()
    };
    let stage = |environments| WantedStage { environments, ..WantedStage::default() };
    shared.wanted.stages = vec![stage(vec![WantedEnvironment::default()]), stage(vec![environment])];
    shared.upstreams.refresh(&shared.wanted, &shared.environments, &shared.world);
    let rule = |expr: &str, hold| {
        let (health, labels) = ("ok".into(), Some(labels(&[("severity", "page")])));
        Some(Arc::new(Rule {
            expr: expr.into(),
            hold,
            group: "shop".into(),
            health,
            labels,
            ..Rule::default()
        }))
    };
    let burn = Ruled {
        rule: rule(
            "sum by (namespace, app) (rate(errors_total[5m]))↵/ sum by (namespace, app) (rate(requests_total[5m])) > 0.02",
            120,
        ),
        labels: labels(BURN),
        annotations: labels(&[
            ("summary", "9.1 % of cart's requests fail"),
            ("description", "The budget of a month is gone in 7 h.↵Look at the newest release first."),
            ("runbook_url", "https://runbooks.example/burn"),
            ("team", "shop"),
        ]),
        phase: Phase::Firing,
        active_at: Some(NOW.plus(-480)),
        value: Some(0.0912),
    };
    let looping = Ruled {
        rule: rule("max_over_time(waiting[5m]) >= 1", 900),
        labels: labels(LOOPING),
        annotations: Labels::default(),
        phase: Phase::Pending,
        active_at: Some(NOW.plus(-300)),
        value: Some(1.0),
    };
    let kept = Kept {
        fingerprint: "f1".into(),
        labels: labels(&[BURN, &[("cluster", "gke-eu1")]].concat()),
        starts_at: Some(NOW.plus(-360)),
        state: "active".into(),
        silenced_by: silenced.then(|| "s1".into()).into_iter().collect(),
        receivers: vec!["pager".into(), "shop-chat".into()],
        groups: vec![
            Grouped { labels: labels(&[("alertname", "CartDown")]), receiver: "pager".into(), alerts: 3 },
            Grouped { receiver: "shop-chat".into(), alerts: 12, ..Grouped::default() },
        ],
        ..Kept::default()
    };
    let silence = Silence {
        id: "s1".into(),
        matchers: vec!["app=\"cart\"".into()],
        ends_at: Some(NOW.plus(5_281)),
        created_by: "ann".into(),
        comment: "known, fix is on its way".into(),
    };
    let book = Rulebook { alerts: vec![burn, looping], rules: Some(42), ..Rulebook::default() };
    let managed = Managed { alerts: vec![kept], silences: vec![silence], ..Managed::default() };
    hear(&mut shared, Server::Prometheus, Told::Rules(Ok(book)));
    hear(&mut shared, Server::Alertmanager, Told::Managed(Ok(managed)));
    shared
}

fn hear(shared: &mut Shared, server: Server, answer: Told) {
    let upstream = Arc::clone(&shared.upstreams.of(server, EnvId(1)).unwrap().upstream);
    shared.alerts.hear(&upstream, answer, NOW);
    shared.derive_alerts();
}

fn view(shared: &Shared, name: &str) -> AlertView {
    let key = shared.alerts.list().iter().find(|alert| &*alert.name == name).unwrap().key;
    AlertView::new(shared, key)
}

#[test]
fn a_firing_alert() {
    let shared = room(false);
    let mut view = view(&shared, "CartErrorBudgetBurn");
    insta::assert_snapshot!(screen(&mut view, &shared, 100, 40));
    survives_all_sizes(&mut view, &shared);
}

#[test]
fn a_silenced_one_says_who_until_when_and_why() {
    let shared = room(true);
    let text = screen(&mut view(&shared, "CartErrorBudgetBurn"), &shared, 100, 12);
    insta::assert_snapshot!(text);
}

#[test]
fn a_pending_one_says_when_it_fires() {
    let shared = room(false);
    insta::assert_snapshot!(screen(&mut view(&shared, "KubePodCrashLooping"), &shared, 100, 30));
}

#[test]
fn a_pod_under_the_cursor_opens() {
    let mut shared = room(false);
    let mut view = view(&shared, "CartErrorBudgetBurn");
    screen(&mut view, &shared, 100, 40);
    assert_eq!(view.applies(&shared, Action::Open), Applies::Yes);
    let (pod, _) = testing::opened(view.act(&mut shared, Action::Open));
    assert_eq!(pod.title(&shared).name, "Pod cart-7d9c-m8rzq");
    let Some(Subject::Object(object)) = view.subject(&shared) else { panic!("no object") };
    assert_eq!(object.kind, Kind::Pod);
}

#[test]
fn one_that_is_over_stays_as_it_was() {
    let mut shared = room(false);
    let mut view = view(&shared, "CartErrorBudgetBurn");
    let before = screen(&mut view, &shared, 100, 40);
    hear(&mut shared, Server::Prometheus, Told::Rules(Ok(Rulebook::default())));
    hear(&mut shared, Server::Alertmanager, Told::Managed(Ok(Managed::default())));
    let after = screen(&mut view, &shared, 100, 40);
    assert!(after.starts_with("[Alert CartErrorBudgetBurn | over: this is how it was"), "{after}");
    assert!(
        before.contains("9.1 % of cart's requests fail") && after.contains("9.1 % of cart's requests fail")
    );
}

#[test]
fn one_whose_rule_comes_later_or_goes_is_the_same() {
    let mut shared = room(false);
    let book = Rulebook {
        alerts: vec![Ruled {
            rule: None,
            labels: labels(BURN),
            annotations: Labels::default(),
            phase: Phase::Firing,
            active_at: Some(NOW.plus(-480)),
            value: None,
        }],
        ..Rulebook::default()
    };
    let title = |view: &mut AlertView, shared: &Shared| {
        screen(view, shared, 100, 40).lines().next().unwrap().to_owned()
    };
    let mut view = view(&shared, "CartErrorBudgetBurn");
    let before = title(&mut view, &shared);
    // Alertmanager's labels are more than the rule's, and the fingerprint stays.
    hear(&mut shared, Server::Prometheus, Told::Rules(Ok(Rulebook::default())));
    assert_eq!(title(&mut view, &shared), before);
    hear(&mut shared, Server::Prometheus, Told::Rules(Ok(book)));
    assert_eq!(title(&mut view, &shared), before);
    hear(&mut shared, Server::Alertmanager, Told::Managed(Ok(Managed::default())));
    assert_eq!(title(&mut view, &shared), before, "its rule still fires");
    hear(&mut shared, Server::Prometheus, Told::Rules(Ok(Rulebook::default())));
    assert!(title(&mut view, &shared).contains("over: this is how it was"));
}

#[test]
fn an_alert_that_alertmanager_does_not_know_is_told_to_nobody() {
    let mut shared = room(false);
    hear(&mut shared, Server::Alertmanager, Told::Managed(Ok(Managed::default())));
    let text = screen(&mut view(&shared, "CartErrorBudgetBurn"), &shared, 100, 20);
    assert!(text.contains("nobody: Alertmanager does not know of it"), "{text}");
}

/// Answers the graphs of a view: nothing, then a rise at the time when the alert began; and another series.
fn answer(shared: &mut Shared, view: &AlertView) {
    for follow in view.follows(shared) {
        let Follow::Graph(request) = follow else { continue };
        let count = i64::from(request.range / request.step);
        let start = (NOW.0 / i64::from(request.step) - count) * i64::from(request.step);
        let of = |pairs: &[(&str, &str)], points: Vec<Option<f64>>| GraphSeries {
            labels: labels(pairs).0.to_vec(),
            points,
            ..GraphSeries::default()
        };
        let points = (0..=count).map(|n| Some(if n < count - 48 { 0.001 } else { 0.0912 })).collect();
        let graph = Graph {
            series: vec![
                of(&[("app", "mailer"), ("namespace", "shop-prod")], vec![Some(0.5)]),
                of(&[("app", "cart"), ("namespace", "shop-prod")], points),
            ],
            start: Stamp(start),
            step: request.step,
            answered_at: Some(NOW),
            asked_at: Some(NOW),
            ..Graph::default()
        };
        shared.graphs.take(request, Ok(graph), NOW);
    }
}

fn queries(view: &AlertView, shared: &Shared) -> Vec<String> {
    let follows = view.follows(shared).into_iter();
    follows
        .filter_map(|follow| match follow {
            Follow::Graph(request) => Some(request.query.to_string()),
            _ => None,
        })
        .collect()
}

#[test]
fn what_its_rule_measures_is_graphed_with_the_threshold() {
    let mut shared = room(false);
    let mut view = view(&shared, "CartErrorBudgetBurn");
    // The rule's own labels (severity) are none of the series'.
    assert_eq!(
        queries(&view, &shared),
        [
            r#"sum by (namespace, app) (rate(errors_total{app="cart",namespace="shop-prod"}[5m])) / sum by (namespace, app) (rate(requests_total{app="cart",namespace="shop-prod"}[5m]))"#
        ]
    );
    answer(&mut shared, &view);
    insta::assert_snapshot!(screen(&mut view, &shared, 100, 40));
    survives_all_sizes(&mut view, &shared);
}

#[test]
fn its_beginning_is_in_sight_however_long_ago_it_was() {
    let shared = room(false);
    let mut alert = view(&shared, "CartErrorBudgetBurn").alert.unwrap();
    for (age, range) in
        [(0, "15 m"), (600, "15 m"), (700, "1 h"), (3_000, "3 h"), (90_000, "2 d"), (9_999_999, "30 d")]
    {
        alert.since = Some(NOW.plus(-age));
        assert_eq!(RANGES[range_of(&alert, &shared)].1, range, "{age}");
    }
}

#[test]
fn the_graph_opens_on_the_whole_screen() {
    let mut shared = room(false);
    let mut view = view(&shared, "CartErrorBudgetBurn");
    answer(&mut shared, &view);
    screen(&mut view, &shared, 100, 40);
    view.act(&mut shared, Action::Up);
    assert_eq!(view.page.selected(), Some(&Row::Graph));
    assert_eq!(view.applies(&shared, Action::Open), Applies::Yes);
    let (mut graph, _) = testing::opened(view.act(&mut shared, Action::Open));
    let text = screen(&mut *graph, &shared, 100, 24);
    assert!(text.contains("threshold > 2"), "{text}");
}

#[test]
fn an_expression_without_a_threshold_is_graphed_whole_and_says_so() {
    let mut shared = room(false);
    let mut burn = shared.alerts.list().iter().find(|alert| alert.rule.is_some()).unwrap().clone();
    let with = |expr: &str| Some(Arc::new(Rule { expr: expr.into(), ..Rule::default() }));
    burn.rule = with("absent(up{job=\"x\"})");
    let plot = alert_plot(&shared, &burn, 900).unwrap();
    assert_eq!(&*plot.lines[0].request.query, "absent(up{job=\"x\"})");
    assert!(
        plot.limits.is_empty() && plot.notes[0].contains("graphed whole")
            || plot.notes[0].contains("no single threshold"),
        "{:?}",
        plot.notes
    );
    burn.rule = with("some ] nonsense");
    let plot = alert_plot(&shared, &burn, 900).unwrap();
    assert_eq!(&*plot.lines[0].request.query, "some ] nonsense", "the server may know better");
    assert!(plot.notes[0].contains("not understood here"), "{:?}", plot.notes);
    burn.rule = None;
    assert_eq!(alert_plot(&shared, &burn, 900), None);
    // The rule's own labels are not told: nothing is narrowed, and the answer is told apart.
    burn.rule = with("a > 1");
    burn.ruler = None;
    let plot = alert_plot(&shared, &burn, 900).unwrap();
    assert_eq!(&*plot.lines[0].request.query, "a");
    assert_eq!(plot.lines[0].only.as_ref(), Some(&burn.labels));
    shared.upstreams = Default::default();
    assert!(
        !alert_plot(&shared, &burn, 900).unwrap().missing.is_empty(),
        "and without a Prometheus it says why"
    );
}
