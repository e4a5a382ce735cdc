//! An alert's life before a real Prometheus and Alertmanager: pending, firing, told to somebody, silenced, inhibited,
//! over; and what the screen and the command say of it.

use std::time::Duration;

use ground::Cluster;
use ground::exporter::Exporter;
use ground::prometheus::Prometheus;
use pilothouse::domain::alert::{Alert, Phase};
use serde_json::{Value, json};

use super::common::{command, pod, quick};
use super::person::{Desk, Person};

/// The alerts of that name, as the state has them.
fn named(person: &mut Person, name: &str) -> Vec<Alert> {
    let list = person.driver().state.shared.alerts.list();
    list.iter().filter(|alert| &*alert.name == name).cloned().collect()
}

/// Waits until the one alert of that name is so.
async fn until(person: &mut Person, name: &str, what: &str, holds: impl Fn(&Alert) -> bool) -> Alert {
    let limit = Duration::from_secs(60);
    let is = |driver: &mut pilothouse::runtime::Driver| {
        let list = driver.state.shared.alerts.list();
        list.iter().any(|alert| &*alert.name == name && holds(alert))
    };
    if !person.driver().run_until(limit, is).await {
        panic!("{name} never is {what}: {:#?}\n{}", named(person, name), person.picture());
    }
    let mut alerts = named(person, name);
    assert_eq!(alerts.len(), 1, "once, though two servers tell of it: {alerts:#?}");
    alerts.remove(0)
}

/// Both servers told what to do: rules that tell of a long queue and of a node that is down, which explains the queue.
async fn told_what_to_do(prometheus: &Prometheus, namespace: &str) {
    // Labels that its Prometheus adds on the way to Alertmanager, where replicas and regions are told apart by them.
    let global = json!({"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s",
                        "external_labels": {"region": "eu", "prometheus_replica": "p-0"}});
    prometheus.configure(&json!({"global": global})).await.unwrap();
    prometheus
        .rules(
            "shop",
            &json!([
                {"alert": "QueueLong", "expr": "queue_length > 5", "for": "4s", "labels": {"severity": "critical"},
                 "annotations": {"summary": "{{ $value }} wait in {{ $labels.pod }}",
                                 "runbook_url": "https://runbooks.example/queue"}},
                {"alert": "NodeDown", "expr": "node_down > 0", "labels": {"severity": "p1", "namespace": namespace}},
            ]),
        )
        .await
        .unwrap();
    prometheus
        .configure_alertmanager(&json!({
            "route": {"receiver": "nobody", "group_by": ["alertname"], "group_wait": "1s", "group_interval": "1s",
                "routes": [{"receiver": "pager-shop", "matchers": [format!("namespace=\"{namespace}\"")],
                            "group_by": ["namespace", "alertname"]}]},
            "receivers": [{"name": "nobody"}, {"name": "pager-shop"}],
            "inhibit_rules": [{"source_matchers": ["alertname=\"NodeDown\""],
                               "target_matchers": ["alertname=\"QueueLong\""], "equal": ["namespace"]}],
        }))
        .await
        .unwrap();
}

/// What Alertmanager itself says of an alert.
async fn kept(prometheus: &Prometheus, name: &str) -> Value {
    let all = prometheus.get_of_alertmanager("/api/v2/alerts").await.unwrap();
    let all = all.as_array().unwrap();
    all.iter().find(|alert| alert["labels"]["alertname"] == name).cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn an_alert_from_pending_to_over() {
    let cluster = Cluster::start().bare().with_prometheus().await.unwrap();
    let prometheus = cluster.prometheus().unwrap();
    let shop = cluster.namespace("shop").await.unwrap();
    pod(&cluster, &shop, "cart-1");
    let exporter = Exporter::start().await.unwrap();
    let queue = [("namespace", shop.as_str()), ("pod", "cart-1")];
    exporter.gauge("queue_length", &queue, 1.0);
    prometheus.scrape("shop", &exporter.address(), &json!({"honor_labels": true})).await.unwrap();
    told_what_to_do(prometheus, &shop).await;

    // Alertmanager is a cluster of two, the first of which is dead: its port is held, and nobody listens there.
    let dead = ground::ports::Port::take().unwrap();
    let config = format!(
        "stages:\n- name: production\n  namespaces: [{shop}]\n  prometheus: {{url: \"{}\"}}\n  \
         alertmanager: {{url: [\"{}\", \"{}\"]}}\n",
        prometheus.url(),
        dead.http(),
        prometheus.alertmanager_url()
    );
    let mut desk = quick();
    desk.timing.alerts = Duration::from_millis(400);
    let mut person =
        Person::sits_down(cluster.admin(), &Desk { size: (200, 50), config: config.clone(), ..desk });
    person.wait_for_data().await;
    person.see("No alert in production.").await;
    person.keys("5 enter");
    person.see_title("Alerts", "1 member is silent of Alertmanager").await;

    // Pending: its rule alone knows of it, and says when it fires.
    exporter.gauge("queue_length", &queue, 7.5);
    let pending = until(&mut person, "QueueLong", "pending", |alert| alert.phase == Phase::Pending).await;
    assert!(!pending.managed && pending.receivers.is_empty(), "{pending:?}");
    assert_eq!(pending.fires_at, pending.since.map(|at| at.plus(4)), "{pending:?}");
    assert_eq!(pending.value, Some(7.5));
    person.see_row("QueueLong", "pending").await;
    person.see_no("1 critical").await;

    // Firing: both know of it, and it is one.
    let firing = until(&mut person, "QueueLong", "firing and told to somebody", |alert| {
        alert.managed && alert.phase == Phase::Firing
    })
    .await;
    assert_eq!((&firing.phase, firing.severity.word()), (&Phase::Firing, "critical"));
    assert_eq!(firing.receivers, ["pager-shop".into()]);
    assert_eq!(firing.labels.get("region").map(|region| &**region), Some("eu"), "{firing:?}");
    assert_eq!(firing.about.pod.as_deref(), Some("cart-1"));
    assert!(firing.about.pod_object.is_some(), "{firing:?}");
    assert_eq!(firing.summary(), "7.5 wait in cart-1");
    let theirs = kept(prometheus, "QueueLong").await;
    let begun: jiff::Timestamp = theirs["startsAt"].as_str().unwrap().parse().unwrap();
    assert_eq!(firing.since.map(|at| at.0), Some(begun.as_second()), "{theirs}");
    assert_eq!(theirs["fingerprint"], json!(&*firing.fingerprint));
    person.see_row("QueueLong", "cart-1").await;
    person.see("1 critical").await;
    person.keys("esc");
    person.see("✖ 1 alert").await;
    person.keys("enter");

    // The command says the same, once.
    let (code, told) = command(&cluster, &config, &["alerts", "-o", "json"]);
    assert_eq!((code, &told["verdict"]), (Some(1), &json!("critical")), "{told:#}");
    assert_eq!((&told["counts"]["critical"], &told["counts"]["heldBack"]), (&json!(1), &json!(0)));
    assert_eq!(told["alerts"].as_array().unwrap().len(), 1, "{told:#}");
    let one = &told["alerts"][0];
    assert_eq!(one["since"], json!(jiff::Timestamp::from_second(begun.as_second()).unwrap().to_string()));
    assert_eq!(one["receivers"], json!(["pager-shop"]));
    assert_eq!(one["environments"], json!(["production"]));
    assert_eq!((&one["state"], &one["expression"]), (&json!("firing"), &json!("queue_length > 5")));
    assert_eq!(one["labels"]["pod"], "cart-1");
    let manager =
        told["servers"].as_array().unwrap().iter().find(|one| one["server"] == "Alertmanager").unwrap();
    assert_eq!(manager["trouble"], Value::Null);
    let silent = manager["silentMembers"][0].as_str().unwrap();
    assert!(silent.starts_with(&dead.http()) && silent.contains("connection refused"), "{silent}");

    silenced_inhibited_and_over(&mut person, prometheus, &exporter, &queue, (&cluster, &config)).await;
}

async fn silenced_inhibited_and_over(
    person: &mut Person,
    prometheus: &Prometheus,
    exporter: &Exporter,
    queue: &[(&str, &str)],
    (cluster, config): (&Cluster, &str),
) {
    // Silenced by a person: by whom, until when and why is on the screen, and nothing fires any more.
    let silence =
        ["silence", "add", "alertname=QueueLong", "--comment=known", "--author=ann", "--duration=1h"];
    let id = prometheus.amtool(&silence).unwrap();
    until(person, "QueueLong", "silenced", Alert::is_hushed).await;
    person.see_no("1 critical").await;
    person.see_row("QueueLong", "until ").await;
    let (code, told) = command(cluster, config, &["alerts", "-o", "json"]);
    assert_eq!((code, &told["counts"]["heldBack"]), (Some(0), &json!(1)), "{told:#}");
    let held = told["alerts"][0]["heldBack"][0].as_str().unwrap();
    // What is left of an hour: all of it, or a few seconds less.
    assert!(
        held.starts_with("silenced by ann for 59 m") || held.starts_with("silenced by ann for 1 h"),
        "{held}"
    );
    person.keys("enter");
    person.see("silenced by ann until ").await;
    person.see(": known").await;
    person.see("matches alertname=\"QueueLong\"").await;
    person.keys("esc");

    // The silence ends: it fires again.
    prometheus.amtool(&["silence", "expire", id.trim()]).unwrap();
    until(person, "QueueLong", "firing again", |alert| !alert.is_hushed()).await;
    person.see("1 critical").await;

    // Inhibited by what explains it, which has a severity word of the platform's own.
    exporter.gauge("node_down", &[], 1.0);
    let node = until(person, "NodeDown", "firing", |alert| alert.managed).await;
    assert_eq!((node.severity.word(), &*node.severity_word), ("critical", "p1"));
    until(person, "QueueLong", "inhibited", Alert::is_hushed).await;
    person.see_row("QueueLong", "by NodeDown").await;
    let (_, told) = command(cluster, config, &["alerts", "-o", "json"]);
    let alerts = told["alerts"].as_array().unwrap();
    let of = |name: &str| alerts.iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(of("QueueLong")["heldBack"], json!(["inhibited by NodeDown"]), "{told:#}");
    assert_eq!((&told["counts"]["critical"], &told["counts"]["heldBack"]), (&json!(1), &json!(1)));

    // Over: both go away, and the screen says that somebody watches.
    exporter.gauge("node_down", &[], 0.0);
    exporter.gauge("queue_length", queue, 1.0);
    person.see_no("QueueLong").await;
    person.see("No alert in production.").await;
    person.see_no("1 critical").await;
    let (code, told) = command(cluster, config, &["alerts", "-o", "json"]);
    assert_eq!((code, &told["alerts"], &told["verdict"]), (Some(0), &json!([]), &json!("quiet")), "{told:#}");
}
