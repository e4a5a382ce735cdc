//! The Bridge before real servers, all at once: sync by Argo CD, pods by KWOK, graphs and alerts by Prometheus and
//! Alertmanager, backups by Velero. What a part has lost, or never had, is said where it would be.

use std::time::Duration;

use ground::exporter::Exporter;
use ground::{Cluster, argocd, velero};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::common::{pod, quick, reader, shared};
use super::person::{Desk, Person};

/// As in the drawing.
const SIZE: (u16, u16) = (120, 40);

/// A Deployment of two pods behind a Service, as Git has it.
fn cart() -> [(&'static str, String); 2] {
    let labels = json!({"app": "cart"});
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "cart"},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "cart", "image": "registry.example/cart:1.30.4"}]}}},
    });
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "cart"},
        "spec": {"selector": labels, "ports": [{"port": 80}]}});
    [("deployment.yaml", deployment.to_string()), ("service.yaml", service.to_string())]
}

/// Requests that the pods have served, growing until the test is over: forty a second each, one of them in vain.
async fn serve(exporter: Exporter, namespace: String, pods: Vec<String>) {
    let namespace = namespace.as_str();
    for turn in 1_u32.. {
        for pod in &pods {
            let of = |code| [("namespace", namespace), ("pod", pod.as_str()), ("code", code)];
            exporter.counter("http_requests_total", &of("200"), f64::from(turn * 39));
            exporter.counter("http_requests_total", &of("500"), f64::from(turn));
            let (most, all) = (u64::from(turn * 30), u64::from(turn * 40));
            let of = [("namespace", namespace), ("pod", pod.as_str())];
            let buckets = [(0.1, most), (0.5, all)];
            exporter.histogram("http_request_duration_seconds", &of, &buckets, f64::from(turn * 4), all);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// The number in the title of a chart that is named with these words, `151` in `─ cart · req/s ───── 151 ─┐`.
fn number(picture: &str, named: &str) -> Option<f64> {
    let (_, rest) = picture.lines().find_map(|line| line.split_once(named))?;
    let title = rest.split(['┐', '┓']).next()?;
    title.trim_matches([' ', '─', '━']).parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn every_part_is_live_and_says_what_it_has_lost() {
    let cluster = Cluster::start().with_argocd().with_velero().with_prometheus().await.unwrap();
    cluster.nodes(2).await.unwrap();
    let shop = cluster.namespace("shop").await.unwrap();
    let repository = cluster.repository("shop").unwrap();
    let files = cart();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let commit = repository.commit("cart", "Cart 1.30.4", &files).unwrap();
    let mut application = argocd::application(&shop, "cart", &repository, "cart");
    application["spec"]["syncPolicy"] = json!({"automated": {}});
    cluster.apply(&application).unwrap();
    let deployment = "apps/v1/deployments/cart";
    let ready = || cluster.field(&shop, deployment, "/status/readyReplicas").is_ok_and(|ready| ready == "2");
    cluster.until("two pods of what Git has", ready).await.unwrap();
    let pods = cluster.get(&shop, "v1/pods?labelSelector=app%3Dcart").unwrap();
    let name = |pod: &Value| pod["metadata"]["name"].as_str().unwrap().to_owned();
    let pods: Vec<String> = pods["items"].as_array().unwrap().iter().map(name).collect();

    let exporter = Exporter::start().await.unwrap();
    let prometheus = cluster.prometheus().unwrap();
    exporter.gauge("queue_length", &[("namespace", &shop), ("pod", &pods[0])], 7.5);
    prometheus.scrape("shop", &exporter.address(), &json!({"honor_labels": true})).await.unwrap();
    let long = json!([{"alert": "QueueLong", "expr": "queue_length > 5", "labels": {"severity": "critical"},
        "annotations": {"summary": "{{ $value }} wait"}}]);
    prometheus.rules("shop", &long).await.unwrap();
    let _serving = JoinSet::from_iter([serve(exporter, shop.clone(), pods.clone())]);
    let counted = async || prometheus.query("rate(http_requests_total[5s])").await.unwrap()[0].is_object();
    let looked = async {
        while !counted().await {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), looked).await.unwrap();
    cluster.apply(&velero::backup("nightly", &shop)).unwrap();
    assert_eq!(cluster.velero_phase("backup", "nightly").await.unwrap(), "Completed");

    let config = format!(
        "stages:\n- name: production\n  namespaces: [{shop}]\n  tier: standard\n  \
         prometheus: {{url: \"{}\"}}\n  alertmanager: {{url: \"{}\"}}\n",
        prometheus.url(),
        prometheus.alertmanager_url()
    );
    let mut desk = quick();
    desk.timing.alerts = Duration::from_millis(400);
    let mut person = Person::sits_down(cluster.admin(), &Desk { size: SIZE, config, ..desk });
    person.wait_for_data().await;
    // The card.
    person.see("work 1/1   pods 2 ● 2").await;
    person.see("sync 1 ✓").await;
    person.see_row("backup", "/ 30m").await;
    person.see("✖ 1 alert").await;
    // The panes.
    person.see_row("● cart", "1.30.4").await;
    person.see_title("Sync production", "Argo CD").await;
    person.see_row("cart", "✓ synced").await;
    person.see_row("cart", "● healthy").await;
    person.see_row("cart", &commit[..7]).await;
    for pod in &pods {
        person.see_row(pod, "Running").await;
    }
    person.see_row("QueueLong", "cart").await;
    // The charts have the exporter's numbers, and not only some.
    let live = |picture: &str| {
        let within = |named, least, most| {
            number(picture, named).is_some_and(|number| (least..=most).contains(&number))
        };
        within("cart · req/s", 60.0, 90.0)
            && within("cart · errors %", 1.0, 5.0)
            && within("cart · p99 ms", 400.0, 500.0)
    };
    person.see_that("charts with the exporter's numbers", live).await;

    // Prometheus and Alertmanager end: their parts say so, and no other does.
    cluster.end_server("prometheus").await.unwrap();
    // The title names the one that is silent for longer.
    person.see_title("Alerts production", "old · Prometheus").await;
    cluster.end_server("alertmanager").await.unwrap();
    for chart in ["cart · req/s", "cart · errors %", "cart · p99 ms"] {
        person.see_title(chart, "stale").await;
    }
    person.see("1 environment, fresh").await;
    person.see_row("cart", "✓ synced").await;
    // Then the API server: what was known stays, with its age.
    cluster.kill_api_server().await.unwrap();
    person.see_title("Pods production", "unreachable").await;
    person.see_row(&pods[0], "Running").await;
    person.see_row("cart", "✓ synced").await;
    person.see_row("sync", "1 ✓").await;
    person.see_no("no Argo CD").await;
    cluster.start_api_server().await.unwrap();
    person.see("1 environment, fresh").await;
}

/// A way to a port of this machine by its own address, since the API server reaches nothing on a loopback address for a
/// Service; it never leaves the machine.
async fn relay(to: String) -> (std::net::SocketAddr, JoinSet<()>) {
    // Nothing is sent: it is only looked up from which address something would be.
    let way = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    way.connect("192.0.2.1:9")
        .unwrap_or_else(|error| panic!("this machine has no address besides the loopback ones: {error}"));
    let listener = TcpListener::bind((way.local_addr().unwrap().ip(), 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = async move {
        let mut connections = JoinSet::new();
        while let Ok((mut near, _)) = listener.accept().await {
            let to = to.clone();
            connections.spawn(async move {
                let Ok(mut far) = TcpStream::connect(to).await else { return };
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    };
    (address, JoinSet::from_iter([serving]))
}

/// Nothing is configured: Prometheus is found by its Service, and asked through the API server with the rights of who asks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_prometheus_that_is_found_is_asked_through_the_api_server() {
    let cluster = Cluster::start().bare().with_prometheus().await.unwrap();
    let shop = cluster.namespace("shop").await.unwrap();
    let monitoring = cluster.namespace("monitoring").await.unwrap();
    pod(&cluster, &shop, "cart-0");
    let prometheus = cluster.prometheus().unwrap();
    let exporter = Exporter::start().await.unwrap();
    prometheus.scrape("shop", &exporter.address(), &json!({"honor_labels": true})).await.unwrap();
    let _serving = JoinSet::from_iter([serve(exporter, shop.clone(), vec!["cart-0".to_owned()])]);

    // A survey before that would find nothing, for a minute.
    let counted = async || prometheus.query("rate(http_requests_total[5s])").await.unwrap()[0].is_object();
    let looked = async {
        while !counted().await {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), looked).await.unwrap();
    let (address, _relay) = relay(prometheus.url().replace("http://", "")).await;
    let named = json!({"name": "prometheus-operated", "namespace": monitoring,
        "labels": {"app.kubernetes.io/name": "prometheus"}});
    let (ip, port) = (address.ip().to_string(), address.port());
    // The API server goes to pods alone: there is one that has the relay's address.
    pod(&cluster, &monitoring, "prometheus-0");
    let status = json!({"status": {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}]}}).to_string();
    let patch = ["-n", &monitoring, "patch", "pod", "prometheus-0", "--subresource=status", "-p", &status];
    cluster.kubectl(&patch).unwrap();
    let target = json!({"kind": "Pod", "namespace": monitoring, "name": "prometheus-0"});
    let mut slice = named.clone();
    slice["labels"]["kubernetes.io/service-name"] = json!("prometheus-operated");
    cluster
        .apply(&json!({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "Service", "metadata": named,
             "spec": {"ports": [{"name": "web", "port": 9090, "targetPort": port}]}},
            // No controller makes the one of the other here.
            {"apiVersion": "v1", "kind": "Endpoints", "metadata": named,
             "subsets": [{"addresses": [{"ip": ip, "targetRef": target}], "ports": [{"name": "web", "port": port}]}]},
            {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": slice, "addressType": "IPv4",
             "endpoints": [{"addresses": [ip], "conditions": {"ready": true}, "targetRef": target}], "ports": [{"name": "web", "port": port}]},
        ]}))
        .unwrap();

    let config = format!("stages:\n- name: production\n  namespaces: [{shop}]\n");
    let mut person =
        Person::sits_down(cluster.admin(), &Desk { size: SIZE, config: config.clone(), ..quick() });
    person.wait_for_data().await;
    let live = |picture: &str| number(picture, "cart-0 · req/s").is_some_and(|n| (30.0..=45.0).contains(&n));
    person.see_that("a chart with the exporter's numbers", live).await;

    // Who sees the Service and may not go through it is told so, and has everything else.
    let core = ["pods", "services", "namespaces", "nodes", "resourcequotas", "events"];
    let rules = json!([
        {"apiGroups": [""], "resources": core, "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["apps", "batch", "autoscaling", "policy", "discovery.k8s.io", "networking.k8s.io"],
         "resources": ["*"], "verbs": ["get", "list", "watch"]},
    ]);
    let anna = cluster.user(&format!("anna-{shop}"), &[], &rules).unwrap();
    let mut anna = Person::sits_down(&anna, &Desk { size: SIZE, config, ..quick() });
    anna.wait_for_data().await;
    anna.see("services/proxy").await;
    anna.see_row("cart-0", "Pending").await;
    assert!(number(&anna.picture(), "cart-0 · req/s").is_none(), "{}", anna.picture());
}

/// Of what is not installed each part says so, where it would be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn what_is_not_there_is_explained_where_it_would_be() {
    let cluster = shared().await;
    let shop = cluster.namespace("shop").await.unwrap();
    let anna = cluster.user(&format!("anna-{shop}"), &[], &reader()).unwrap();
    let config = format!("stages:\n- name: production\n  namespaces: [{shop}]\n  tier: standard\n");
    let mut person = Person::sits_down(&anna, &Desk { size: SIZE, config, ..quick() });
    person.wait_for_data().await;
    person.see_row("sync", "no Argo CD, no Flux").await;
    person.see_row("backup", "no Velero here").await;
    person.see("No Argo CD and no Flux here: their definitions are not").await;
    person.see("No pods in production.").await;
    person.see_row("No Service of", "looks like").await;
    person.see("Write prometheus.url or prometheus.service").await;
    person.see("alertmanager.service for production.").await;
    person.see_title("production · req/s", "").await;
}
