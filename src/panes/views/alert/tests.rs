use std::sync::Arc;

use super::*;
use crate::config::{Address, Monitoring};
use crate::domain::alert::{Kept, Managed, Phase, Rule, Rulebook, Ruled, Silence, Told};
use crate::domain::id::{EnvId, Kind, Name};
use crate::domain::meta::Labels;
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
        let health = "ok".into();
        Some(Arc::new(Rule { expr: expr.into(), hold, group: "shop".into(), health, ..Rule::default() }))
    };
    let burn = Ruled {
        rule: rule("sum(rate(errors[5m])) / sum(rate(requests[5m])) > 0.02", 120),
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
fn an_alert_that_alertmanager_does_not_know_is_told_to_nobody() {
    let mut shared = room(false);
    hear(&mut shared, Server::Alertmanager, Told::Managed(Ok(Managed::default())));
    let text = screen(&mut view(&shared, "CartErrorBudgetBurn"), &shared, 100, 20);
    assert!(text.contains("nobody: Alertmanager does not know of it"), "{text}");
}
