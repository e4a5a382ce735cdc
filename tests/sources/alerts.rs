//! Alerts from servers that fail in every way that theirs fail, tell too much, or are members of a cluster of which one
//! is dead.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pilothouse::connect::client::client_for;
use pilothouse::connect::upstream::{Client, Limits};
use pilothouse::domain::alert::{Alert, Managed, Told};
use pilothouse::domain::id::ClusterId;
use pilothouse::domain::upstream::{Access, Address, Server as Kind, Upstream};
use pilothouse::msg::Msg;
use pilothouse::sources::graphs::Caller;
use pilothouse::sources::{Line, Timing, alerts};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::bench::{context, timing};
use super::person::{Desk, Person};
use super::script::{Ending, Reply, Seen, Server, added, bookmark, events, pod, status};

const RULES: &str = "/prom/api/v1/rules";
const GROUPS: &str = "/am/api/v2/alerts/groups";
const SILENCES: &str = "/am/api/v2/silences";

/// What a rules API says of alerts that fire: their labels and annotations.
fn rules(alerts: &[(Value, Value)]) -> Reply {
    let alerts: Vec<Value> = alerts
        .iter()
        .map(|(labels, annotations)| {
            json!({"labels": labels, "annotations": annotations, "state": "firing", "value": "1e+00",
                   "activeAt": "2026-01-01T00:00:00Z"})
        })
        .collect();
    let rule = json!({"type": "alerting", "name": "QueueLong", "query": "queue > 5", "duration": 0, "health": "ok",
                      "alerts": alerts});
    Reply::Json(200, json!({"status": "success", "data": {"groups": [{"name": "g", "rules": [rule]}]}}))
}

/// One alert that fires, about this pod.
fn one(name: &str, pod: &str) -> (Value, Value) {
    (json!({"alertname": name, "severity": "critical", "namespace": "shop", "pod": pod}), json!({}))
}

/// What an Alertmanager says of alerts: their labels, with a receiver.
fn groups(alerts: &[Value]) -> Reply {
    let alerts: Vec<Value> = alerts
        .iter()
        .enumerate()
        .map(|(n, labels)| {
            json!({"labels": labels, "annotations": {}, "fingerprint": format!("f{n}"),
                   "startsAt": "2026-01-01T00:00:00Z", "receivers": [{"name": "pager"}],
                   "status": {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []}})
        })
        .collect();
    Reply::Json(200, json!([{"labels": {}, "receiver": {"name": "pager"}, "alerts": alerts}]))
}

fn well(kind: Kind) -> Reply {
    match kind {
        Kind::Alertmanager => groups(&[one("QueueLong", "a").0]),
        _ => rules(&[one("QueueLong", "a")]),
    }
}

/// What a source that follows this upstream tells.
struct Listener {
    inbox: mpsc::Receiver<Msg>,
    task: JoinHandle<()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Listener {
    fn of(upstream: Upstream, line: Option<Line>) -> Listener {
        Listener::within(Duration::from_secs(20), upstream, line)
    }

    /// One whose questions may take so long.
    fn within(answer: Duration, upstream: Upstream, line: Option<Line>) -> Listener {
        let upstream = Arc::new(upstream);
        let limits = Limits { answer, ..Limits::default() };
        let way = line.map(|line| Arc::new(move || line.client()) as _);
        let caller = Caller::new(Client::new(Arc::clone(&upstream), way, limits));
        let (out, inbox) = mpsc::channel(1);
        Listener { inbox, task: tokio::spawn(alerts::follow(caller, upstream, timing(), out)) }
    }

    async fn told(&mut self) -> Told {
        match tokio::time::timeout(Duration::from_secs(30), self.inbox.recv()).await {
            Ok(Some(Msg::Alerts(_, told))) => told,
            other => panic!("{other:?}"),
        }
    }

    /// Names of the alerts that it tells, or why it tells none.
    async fn names(&mut self) -> Result<Vec<String>, String> {
        let named = |labels: &pilothouse::domain::meta::Labels| labels.get("alertname").unwrap().to_string();
        match self.told().await {
            Told::Rules(told) => told.map(|book| book.alerts.iter().map(|one| named(&one.labels)).collect()),
            Told::Managed(told) => {
                told.map(|told| told.alerts.iter().map(|one| named(&one.labels)).collect())
            }
        }
    }

    /// The first answer of an Alertmanager for which this holds.
    async fn until(&mut self, what: &str, holds: impl Fn(&Managed) -> bool) -> Managed {
        let mut last = None;
        for _ in 0..200 {
            match self.told().await {
                Told::Managed(Ok(told)) if holds(&told) => return told,
                other => last = Some(other),
            }
        }
        panic!("never: {what}; last {last:?}");
    }
}

fn upstream(kind: Kind, address: Address) -> Upstream {
    Upstream { server: kind, address, access: Access::default() }
}

fn raw(status: u16, body: &str) -> Reply {
    Reply::Raw(status, Vec::new(), body.as_bytes().to_vec())
}

fn page(status: u16) -> Reply {
    raw(status, "<!DOCTYPE html>\n<title>Sign in</title><form action=/login>")
}

type Fault = fn() -> Reply;

/// Every way not to answer, and what is said of it.
const FAULTS: [(Fault, &str); 16] = [
    (|| raw(401, "no"), "it asks for credentials (401): no"),
    (|| Reply::Json(403, json!({"message": "no"})), "it refuses these credentials (403)"),
    (|| page(403), "it refuses these credentials (403)"),
    (|| page(200), "a login page perhaps"),
    (|| page(502), "502 Bad Gateway (a web page"),
    (|| raw(500, "boom"), "it answers with an error (500)"),
    (|| raw(503, ""), "it answers with an error (503)"),
    (|| raw(404, "404 page not found"), "it serves no alerts (404)"),
    (
        || {
            Reply::Json(
                503,
                json!({"status": "error", "errorType": "timeout", "error": "too\u{1b}[31m slow"}),
            )
        },
        "The server says: too",
    ),
    (|| Reply::Json(500, json!({"code": 500, "message": "boom"})), "none of an alerts API"),
    (|| raw(200, r#"{"status":"success","data":{"groups":[{"na"#), "no JSON that is known here"),
    (|| raw(200, r#"[{"alerts":[{"labels":{"alertname":"Queue"#), ""),
    (|| Reply::Body(vec![b"[{\"alerts\": [".to_vec()], Ending::Cut), "the answer broke off"),
    (|| Reply::Json(200, json!("hello")), ""),
    (|| raw(200, ""), ""),
    (|| Reply::Hang, "no answer within 1 s"),
];

#[tokio::test]
async fn whatever_is_no_answer_is_said_in_words_and_asked_again() {
    for kind in [Kind::Prometheus, Kind::Alertmanager] {
        for (fault, words) in FAULTS {
            let mended = Arc::new(AtomicUsize::new(0));
            let asked = Arc::clone(&mended);
            let server = Server::start(move |seen| match seen.path.as_str() {
                // The paths that are asked where others are not served.
                "/api/v1/alerts" | "/api/v2/alerts" => Some(raw(404, "404 page not found")),
                _ if asked.load(Ordering::SeqCst) == 0 => Some(fault()),
                _ => Some(well(kind)),
            })
            .await;
            // Only what never answers is not waited for.
            let limit = Duration::from_millis(if words.contains("no answer within") { 700 } else { 20_000 });
            let at = upstream(kind, Address::Url(server.url.as_str().into()));
            let mut listener = Listener::within(limit, at, None);
            let why = listener.names().await.unwrap_err();
            assert!(why.contains(words) && !why.is_empty(), "{kind:?}: {why:?}, wanted {words:?}");
            assert!(!why.contains('\u{1b}') && why.len() < 400, "{why:?}");
            assert!(!why.contains("127.0.0.1"), "{why}");
            mended.store(1, Ordering::SeqCst);
            let mut again = listener.names().await;
            for _ in 0..50 {
                // One that was on its way when it was mended may still fail.
                if again.is_err() {
                    again = listener.names().await;
                }
            }
            assert_eq!(again.as_deref(), Ok(&["QueueLong".to_owned()][..]), "{kind:?} after {words:?}");
        }
    }
}

#[tokio::test]
async fn a_redirect_away_is_not_followed_and_nothing_secret_goes_there() {
    let other = Server::start(|_| Some(raw(200, "{}"))).await;
    let away = format!("{}/take?all=1", other.url);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, "s3cret\n").unwrap();
    for kind in [Kind::Prometheus, Kind::Alertmanager] {
        let away = away.clone();
        let server =
            Server::start(move |_| Some(Reply::Raw(302, vec![("location", away.clone())], Vec::new()))).await;
        let access = Access { bearer_token_file: Some(file.clone()), ..Access::default() };
        let address = Address::Url(server.url.as_str().into());
        let mut listener = Listener::of(Upstream { server: kind, address, access }, None);
        let why = listener.names().await.unwrap_err();
        assert!(why.contains("which is not followed") && !why.contains("s3cret"), "{why}");
        assert!(server.has_seen_token("s3cret"), "the server itself is shown it");
    }
    assert_eq!(other.queries("/take"), Vec::<String>::new(), "the other host was asked");
    assert!(!other.has_seen_token("s3cret"));
}

/// An Alertmanager whose answers name it.
async fn member(name: &'static str) -> Server {
    Server::start(move |seen| match &*seen.path {
        "/api/v2/alerts/groups" => Some(groups(&[one(name, "a").0])),
        "/api/v2/status" => Some(Reply::Json(200, json!({"cluster": {"status": "ready"}}))),
        _ => None,
    })
    .await
}

fn told_by(told: &Managed) -> &str {
    told.alerts[0].labels.get("alertname").unwrap()
}

#[tokio::test]
async fn of_a_cluster_the_live_member_answers_and_the_dead_one_is_named() {
    let (first, second) = (member("First").await, member("Second").await);
    let both = Address::Members(vec![first.url.as_str().into(), second.url.as_str().into()]);
    let mut listener = Listener::of(upstream(Kind::Alertmanager, both), None);
    let told = listener.until("both answer", |told| told.silent_members.is_empty()).await;
    assert_eq!(told_by(&told), "First");

    // One that is only looked at.
    second.go_down();
    let told = listener.until("the second is missed", |told| !told.silent_members.is_empty()).await;
    assert_eq!((told_by(&told), told.silent_members.len()), ("First", 1));
    assert!(told.silent_members[0].starts_with(&format!("{}: ", second.url)), "{told:?}");
    second.come_back();
    listener.until("the second is back", |told| told.silent_members.is_empty()).await;

    // The one that answered so far.
    first.go_down();
    let told = listener.until("the second answers", |told| told_by(told) == "Second").await;
    assert!(told.silent_members[0].starts_with(&format!("{}: ", first.url)), "{told:?}");
    assert_eq!(told.silent_members.len(), 1, "once, though it was asked and looked at: {told:?}");

    second.go_down();
    let why = loop {
        if let Told::Managed(Err(why)) = listener.told().await {
            break why;
        }
    };
    assert!(why.starts_with("none of 2 members answers (") && why.contains(&second.url), "{why}");
    first.come_back();
    listener.until("the first answers again", |told| told_by(told) == "First").await;
}

#[tokio::test]
async fn a_member_that_hangs_holds_nobody_up_for_long() {
    let dead = Server::start(|_| Some(Reply::Hang)).await;
    let live = member("Live").await;
    let both = Address::Members(vec![live.url.as_str().into(), dead.url.as_str().into()]);
    let mut listener = Listener::of(upstream(Kind::Alertmanager, both), None);
    let Told::Managed(Ok(told)) = listener.told().await else { panic!("no answer") };
    assert_eq!(told_by(&told), "Live");
    assert_eq!(&*told.silent_members[0], format!("{}: no answer within 2 s", dead.url));
}

#[tokio::test]
async fn behind_a_service_the_api_servers_choice_may_be_a_dead_member() {
    const PROXY: &str = "/api/v1/namespaces/monitoring/services/alertmanager:9093/proxy/api/v2/alerts/groups";
    // Every second choice is the dead one, until it is replaced.
    let server = Server::start(|seen| {
        (seen.path == PROXY).then(|| match seen.before {
            0 | 2 | 4 => Reply::Json(503, status(503, "dial tcp 10.0.0.7:9093: connect: connection refused")),
            _ => groups(&[one("Live", "a").0]),
        })
    })
    .await;
    let access = client_for(&context(server.kubeconfig("{token: good}"))).await.unwrap();
    let address = Address::Service {
        cluster: ClusterId(0),
        namespace: "monitoring".into(),
        name: "alertmanager".into(),
        port: "9093".into(),
        tls: false,
        prefix: "".into(),
    };
    let mut listener = Listener::of(upstream(Kind::Alertmanager, address), Some(Line::from(access)));
    let Told::Managed(Ok(told)) = listener.told().await else { panic!("no answer") };
    assert_eq!(told_by(&told), "Live");
    let said = &told.silent_members[0];
    assert!(said.starts_with("one behind monitoring/alertmanager:9093: "), "{said}");
    assert!(said.contains("connection refused"), "{said}");
    // That it was chance is remembered for a while, and not for ever.
    listener.until("all answer again", |told| told.silent_members.is_empty()).await;
    assert!(server.queries(PROXY).len() > 10, "{:?}", server.queries(PROXY).len());
}

/// The kinds of a cluster that has two pods.
fn cluster(seen: &Seen) -> Option<Reply> {
    let all = [added(pod("a", "3")), added(pod("b", "7")), bookmark("10", true)];
    (seen.path == "/api/v1/pods" && seen.is_streaming_list()).then(|| events(&all, Ending::Open))
}

/// As patient as a person's program is, but for alerts, which come at once.
fn patient() -> Timing {
    let Timing { alerts, backoff_first, backoff_last, .. } = timing();
    Timing { alerts, backoff_first, backoff_last, ..Timing::default() }
}

/// A person before a server that is a cluster, a Prometheus and an Alertmanager at once.
async fn person(script: impl FnMut(&Seen) -> Option<Reply> + Send + 'static) -> (Server, Person) {
    let mut script = script;
    let server = Server::start(move |seen| cluster(seen).or_else(|| script(seen))).await;
    let url = &server.url;
    let config = format!(
        "stages:\n- name: production\n  context: test\n  namespaces: [shop]\n  \
         prometheus: {{url: \"{url}/prom\"}}\n  alertmanager: {{url: [\"{url}/am\"]}}\n"
    );
    let desk = Desk { size: (200, 50), timing: patient(), config, ..Desk::default() };
    let mut person = Person::sits_down(&server.kubeconfig("{token: good}"), &desk);
    person.wait_for_data().await;
    (server, person)
}

/// The alerts as the state has them.
fn known(person: &mut Person) -> Vec<Alert> {
    person.driver().state.shared.alerts.list().to_vec()
}

/// Waits until so many alerts are known.
async fn count(person: &mut Person, wanted: usize) -> Vec<Alert> {
    let limit = Duration::from_secs(30);
    let there = person.driver().run_until(limit, |d| d.state.shared.alerts.list().len() == wanted).await;
    assert!(there, "{} alerts\n{}", known(person).len(), person.picture());
    known(person)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fails_costs_its_pane_and_what_it_told_stays_with_its_age() {
    let broken = Arc::new(AtomicUsize::new(0));
    let state = Arc::clone(&broken);
    let (server, mut person) = person(move |seen| match &*seen.path {
        RULES if state.load(Ordering::SeqCst) == 1 => Some(raw(500, "boom")),
        RULES => Some(rules(&[one("QueueLong", "a")])),
        // It never answers at all.
        path if path.starts_with("/am/") => Some(Reply::Hang),
        _ => None,
    })
    .await;
    person.see_row("QueueLong", "a").await;
    person.see_row("a", "Running").await;
    assert!(!server.queries(GROUPS).is_empty(), "Alertmanager was asked");
    broken.store(1, Ordering::SeqCst);
    // It is said where there is room for it; the pods beside it go on.
    person.keys("5 enter");
    person.see_title("Alerts", "Prometheus does not answer").await;
    person.see_title("Alerts", "old").await;
    person.see_row("QueueLong", "a").await;
    person.see("1 critical").await;
    broken.store(0, Ordering::SeqCst);
    person.see_no("does not answer").await;
    person.keys("esc");
    person.see_row("b", "Running").await;
}

/// What a chart needs never comes: the charts say so, alerts and pods go on, and it is drawn when it comes after all.
#[tokio::test(flavor = "multi_thread")]
async fn a_prometheus_too_slow_for_its_charts_costs_the_charts() {
    let slow = Arc::new(AtomicUsize::new(1));
    let state = Arc::clone(&slow);
    let (_server, mut person) = person(move |seen| match &*seen.path {
        RULES => Some(rules(&[one("QueueLong", "a")])),
        path if path.starts_with("/prom/") && state.load(Ordering::SeqCst) == 1 => Some(Reply::Hang),
        path if path.starts_with("/prom/api/v1/query_range") => {
            let now = jiff::Timestamp::now().as_second();
            let values: Vec<Value> = (0..400).map(|n| json!([now - 2 * n, "7"])).rev().collect();
            let series = json!([{"metric": {}, "values": values}]);
            Some(Reply::Json(
                200,
                json!({"status": "success", "data": {"resultType": "matrix", "result": series}}),
            ))
        }
        path if path.starts_with("/prom/api/v1/") => {
            let family =
                json!([{"__name__": "http_requests_total", "namespace": "shop", "pod": "a", "code": "200"}]);
            Some(Reply::Json(200, json!({"status": "success", "data": family})))
        }
        _ => None,
    })
    .await;
    person.see("no answer within").await;
    person.see_row("QueueLong", "a").await;
    person.see_row("a", "Running").await;
    slow.store(0, Ordering::SeqCst);
    person.see_no("no answer within").await;
    person.see_row("b", "Running").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_member_is_said_in_the_title() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let server = Server::start(|seen| match &*seen.path {
        GROUPS => Some(groups(&[one("QueueLong", "a").0])),
        "/am/api/v2/status" => Some(Reply::Json(200, json!({}))),
        _ => cluster(seen),
    })
    .await;
    let config = format!(
        "stages:\n- name: production\n  context: test\n  namespaces: [shop]\n  \
         alertmanager: {{url: [\"http://{closed}\", \"{}/am\"]}}\n",
        server.url
    );
    let desk = Desk { size: (200, 50), timing: patient(), config, ..Desk::default() };
    let mut person = Person::sits_down(&server.kubeconfig("{token: good}"), &desk);
    person.wait_for_data().await;
    person.see_row("QueueLong", "a").await;
    person.keys("5 enter");
    person.see_title("Alerts", "1 member is silent of Alertmanager").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_of_alerts_are_cleaned_and_cut() {
    let long = "x".repeat(300_000);
    let hostile = "a\u{1b}]0;owned\u{7}\u{1b}[31mred\u{202e}txet\r\nnext\u{0}";
    let labels = json!({"alertname": hostile, "severity": "critical", "namespace": "shop", "pod": "a",
                        "huge": long, "odd\u{1b}[2Jkey": hostile});
    let annotations = json!({"summary": hostile, "description": long, "runbook_url": hostile});
    let silence = json!({"id": "s1", "status": {"state": "active"}, "createdBy": hostile, "comment": long,
        "endsAt": "2099-01-01T00:00:00Z", "matchers": [{"name": "a", "value": hostile, "isRegex": false}]});
    let kept = labels.clone();
    let (_server, mut person) = person(move |seen| match &*seen.path {
        RULES => Some(rules(&[(labels.clone(), annotations.clone())])),
        GROUPS => Some(Reply::Json(
            200,
            json!([{"alerts": [{"labels": kept, "fingerprint": hostile,
            "startsAt": "2026-01-01T00:00:00Z", "receivers": [{"name": hostile}],
            "status": {"state": "suppressed", "silencedBy": ["s1"]}}]}]),
        )),
        SILENCES => Some(Reply::Json(200, json!([silence]))),
        _ => None,
    })
    .await;
    let alerts = loop {
        let alerts = count(&mut person, 1).await;
        if alerts[0].is_hushed() {
            break alerts;
        }
        person
            .driver()
            .run_until(Duration::from_secs(5), |d| d.state.shared.alerts.list()[0].is_hushed())
            .await;
    };
    let words = format!("{:?}", alerts[0]);
    assert!(
        !words.contains("\\u{1b}") && !words.contains("\\u{7}") && !words.contains("\\u{202e}"),
        "{words:.2000}"
    );
    assert!(words.len() < 40_000, "{} bytes are kept of one alert", words.len());
    person.keys("5 enter enter");
    person.see("silenced by").await;
    let frame = person.picture();
    assert!(!frame.chars().any(|c| c.is_control() && c != '\n'), "{frame:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_alerts_of_every_severity_and_of_a_clock_ahead_of_ours() {
    let severities = ["critical", "warning", "info", "purple"];
    let all: Vec<(Value, Value)> = (0..500)
        .map(|n| {
            let labels = json!({"alertname": format!("Fault{n:03}"), "severity": severities[n % 4],
                "namespace": "shop", "pod": format!("p{n}")});
            (labels, json!({"summary": "s"}))
        })
        .collect();
    let labels: Vec<Value> = all.iter().map(|(labels, _)| labels.clone()).collect();
    let (_server, mut person) = person(move |seen| match &*seen.path {
        RULES => Some(rules(&all)),
        GROUPS => {
            let Reply::Json(_, mut told) = groups(&labels) else { unreachable!() };
            // Alertmanager's clock is a day ahead of ours.
            let ahead = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
            for alert in told[0]["alerts"].as_array_mut().unwrap() {
                alert["startsAt"] = json!(ahead.to_string());
            }
            Some(Reply::Json(200, told))
        }
        _ => None,
    })
    .await;
    let alerts = count(&mut person, 500).await;
    let names: BTreeSet<&str> = alerts.iter().map(|alert| &*alert.name).collect();
    assert_eq!(names.len(), 500, "each once, though two servers tell of it");
    let limit = Duration::from_secs(30);
    let joined =
        |d: &mut pilothouse::runtime::Driver| d.state.shared.alerts.list().iter().all(|one| one.managed);
    assert!(person.driver().run_until(limit, joined).await, "{}", person.picture());
    let total = person.driver().state.shared.alerts.total();
    assert_eq!((total.critical, total.warning, total.info, total.unknown), (125, 125, 125, 125));
    person.see("125 critical").await;
    person.keys("5 enter");
    // What begins tomorrow by another clock began just now.
    person.see_row("Fault000", "0s").await;
    person.keys("/");
    person.types("purple");
    person.keys("enter");
    person.see_row("Fault003", "p3").await;
    person.see_no("Fault000").await;
}
