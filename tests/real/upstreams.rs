//! What runs beside the control plane: each does here the least that makes it worth starting.

use ground::exporter::Exporter;
use ground::git::Repository;
use ground::{Cluster, argocd, rollouts, velero};
use serde_json::{Value, json};

use super::worlds::syncing;

/// Where the API server has it.
const DEPLOYMENT: &str = "apps/v1/deployments/cart";

fn deployment(image: &str) -> String {
    let labels = json!({"app": "cart"});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "cart"},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels}, "spec": {"containers": [{"name": "cart", "image": image}]}}},
    })
    .to_string()
}

/// One field of an object, empty when it is not there.
fn field(cluster: &Cluster, namespace: &str, object: &str, pointer: &str) -> String {
    cluster.field(namespace, object, pointer).unwrap()
}

async fn becomes(cluster: &Cluster, namespace: &str, object: &str, pointer: &str, value: &str) {
    let mut last = String::new();
    let holds = || {
        last = field(cluster, namespace, object, pointer);
        last == value
    };
    if cluster.until("a field's value", holds).await.is_err() {
        panic!("{object}: {pointer} is {last:?}, never {value:?}");
    }
}

#[tokio::test]
#[ignore = "needs tests/real/build"]
async fn argocd_syncs_what_is_pushed_and_mends_what_is_changed() {
    let cluster = &syncing::shared().await.cluster;
    let shop = cluster.namespace("shop").await.unwrap();
    let repository: Repository = cluster.repository("mended").unwrap();
    let first =
        repository.commit("cart", "Cart 1", &[("cart.yaml", &deployment("cart:1")), ("README", "")]).unwrap();
    let mut cart = argocd::application(&shop, "cart", &repository, "cart");
    cart["spec"]["syncPolicy"] = json!({"automated": {"selfHeal": true}});
    cluster.apply(&cart).unwrap();
    let application = "argoproj.io/v1alpha1/applications/cart";
    becomes(cluster, &shop, application, "/status/sync/status", "Synced").await;
    becomes(cluster, &shop, application, "/status/health/status", "Healthy").await;
    assert_eq!(field(cluster, &shop, application, "/status/sync/revision"), first);

    let image = "/spec/template/spec/containers/0/image";
    let second = repository.commit("cart", "Cart 2", &[("cart.yaml", &deployment("cart:2"))]).unwrap();
    cluster.refresh(&shop, "cart").unwrap();
    becomes(cluster, &shop, application, "/status/sync/revision", &second).await;
    becomes(cluster, &shop, DEPLOYMENT, image, "cart:2").await;

    cluster.kubectl(&["-n", &shop, "set", "image", "deployment/cart", "cart=cart:3"]).unwrap();
    becomes(cluster, &shop, DEPLOYMENT, image, "cart:2").await;
}

#[tokio::test]
#[ignore = "needs tests/real/build"]
async fn argocds_further_servers_answer() {
    let cluster = &syncing::shared().await.cluster;
    let shop = cluster.namespace("shop").await.unwrap();
    let repository = cluster.repository("carts").unwrap();
    repository.commit("main", "Cart", &[("cart.yaml", &deployment("cart:1"))]).unwrap();
    let mut template = argocd::application(&shop, "{{.name}}", &repository, "main");
    let namespace = argocd::NAMESPACE;
    template["metadata"]["namespace"] = json!(namespace);
    cluster
        .apply(&json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet",
            "metadata": {"name": "carts", "namespace": namespace},
            "spec": {
                "goTemplate": true,
                "generators": [{"list": {"elements": [{"name": "cart-a"}, {"name": "cart-b"}]}}],
                "template": {"metadata": {"name": "{{.name}}"}, "spec": template["spec"]},
            },
        }))
        .unwrap();
    let made = || {
        let all = cluster.get(namespace, "argoproj.io/v1alpha1/applications").unwrap();
        let names =
            all["items"].as_array().unwrap().iter().map(|one| one["metadata"]["name"].as_str().unwrap());
        names.filter(|name| ["cart-a", "cart-b"].contains(name)).count() == 2
    };
    cluster.until("two Applications of the set", made).await.unwrap();
    let server = cluster.argocd().unwrap().url().unwrap();
    let server = kube::Client::try_from(kube::Config::new(server.parse().unwrap())).unwrap();
    let ask = http::Request::get("/api/version").body(Vec::new()).unwrap();
    let version: Value = server.request(ask).await.unwrap();
    assert!(version["Version"].as_str().unwrap().starts_with("v3."), "{version}");
}

#[tokio::test]
#[ignore = "needs tests/real/build"]
async fn velero_backs_up_restores_and_hands_out_logs() {
    let cluster = Cluster::start().with_velero().await.unwrap();
    cluster.nodes(1).await.unwrap();
    let shop = cluster.namespace("shop").await.unwrap();
    cluster.kubectl(&["-n", &shop, "create", "deployment", "cart", "--image=cart:1"]).unwrap();
    becomes(&cluster, &shop, DEPLOYMENT, "/status/availableReplicas", "1").await;

    cluster.apply(&velero::backup("nightly", &shop)).unwrap();
    assert_eq!(cluster.velero_phase("backup", "nightly").await.unwrap(), "Completed");
    let log = cluster.velero_download("BackupLog", "nightly").await.unwrap();
    assert!(log.contains("deployments.apps") && log.contains("nightly"), "{log}");

    let copy = format!("{shop}-copy");
    cluster
        .apply(&json!({
            "apiVersion": "velero.io/v1", "kind": "Restore",
            "metadata": {"name": "again", "namespace": velero::NAMESPACE},
            "spec": {"backupName": "nightly", "namespaceMapping": {shop: copy}},
        }))
        .unwrap();
    assert_eq!(cluster.velero_phase("restore", "again").await.unwrap(), "Completed");
    becomes(&cluster, &copy, DEPLOYMENT, "/status/availableReplicas", "1").await;
    let results = cluster.velero_download("RestoreResults", "again").await.unwrap();
    let results: Value = serde_json::from_str(&results).unwrap();
    assert_eq!(results["errors"], json!({}), "{results}");
}

#[tokio::test]
#[ignore = "needs tests/real/build"]
async fn prometheus_shows_what_it_scrapes_and_alerts_until_silenced() {
    let cluster = Cluster::start().bare().with_prometheus().await.unwrap();
    let prometheus = cluster.prometheus().unwrap();
    let exporter = Exporter::start().await.unwrap();
    exporter.gauge("queue_length", &[("app", "cart")], 7.5);
    exporter.histogram("took_seconds", &[("app", "cart")], &[(0.1, 2), (1.0, 5)], 3.5, 6);
    let native = json!({"convert_classic_histograms_to_nhcb": true});
    prometheus.scrape("shop", &exporter.address(), &native).await.unwrap();
    let long = json!([{"alert": "QueueLong", "expr": "queue_length > 5", "for": "2s",
        "labels": {"severity": "page"}, "annotations": {"summary": "{{ $value }} wait"}}]);
    prometheus.rules("shop", &long).await.unwrap();

    let value = eventually(async || prometheus.query("queue_length").await.unwrap()[0].clone()).await;
    assert_eq!((&value["metric"]["app"], &value["value"][1]), (&json!("cart"), &json!("7.5")));
    let native = eventually(async || prometheus.query("took_seconds").await.unwrap()[0].clone()).await;
    assert_eq!(native["histogram"][1]["count"], "6", "{native}");

    // Pending before it fires: each state as it is first seen.
    let mut states: Vec<String> = Vec::new();
    eventually(async || {
        let alerts = prometheus.get("/api/v1/alerts").await.unwrap();
        if let Some(state) = alerts["data"]["alerts"][0]["state"].as_str()
            && states.last().is_none_or(|last| last != state)
        {
            states.push(state.to_owned());
        }
        json!(states.last().is_some_and(|state| state == "firing").then_some(true))
    })
    .await;
    assert_eq!(states, ["pending", "firing"]);
    let told = async || prometheus.get_of_alertmanager("/api/v2/alerts").await.unwrap()[0].clone();
    let alert = eventually(&told).await;
    assert_eq!(alert["labels"]["alertname"], "QueueLong", "{alert}");
    assert_eq!(alert["annotations"]["summary"], "7.5 wait");

    let silence =
        ["silence", "add", "alertname=QueueLong", "--comment=known", "--author=ann", "--duration=1h"];
    let id = prometheus.amtool(&silence).unwrap();
    let silenced = eventually(async || {
        let alert = told().await;
        if alert["status"]["state"] == "suppressed" { alert } else { Value::Null }
    })
    .await;
    assert_eq!(silenced["status"]["silencedBy"], json!([id.trim()]));

    exporter.silent(true);
    let down = async || {
        let up = prometheus.query("up").await.unwrap();
        if up[0]["value"][1] == "0" { up } else { Value::Null }
    };
    eventually(down).await;
    assert_eq!(prometheus.query("queue_length").await.unwrap(), json!([]), "a gap");
    assert!(prometheus.scrape("bad", "x", &json!({"scrape_interval": "soon"})).await.is_err());
}

/// The first answer that is not null.
async fn eventually<F: AsyncFnMut() -> Value>(mut ask: F) -> Value {
    let patience = std::time::Duration::from_secs(120);
    let answer = tokio::time::timeout(patience, async {
        loop {
            match ask().await {
                Value::Null => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
                answer => return answer,
            }
        }
    });
    answer.await.unwrap()
}

#[tokio::test]
#[ignore = "needs tests/real/build"]
async fn a_canary_pauses_at_its_first_step_and_goes_on_when_promoted() {
    let cluster = super::promoting::shared().await;
    let own = cluster.namespace("shop").await.unwrap();
    cluster.rollouts_in(&own).await.unwrap();
    for namespace in [rollouts::NAMESPACE, &own] {
        let labels = json!({"app": "cart"});
        cluster
            .apply(&json!({
                "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
                "metadata": {"name": "cart", "namespace": namespace},
                "spec": {
                    "replicas": 2, "selector": {"matchLabels": labels},
                    "strategy": {"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}},
                    "template": {"metadata": {"labels": labels},
                                 "spec": {"containers": [{"name": "cart", "image": "cart:1"}]}},
                },
            }))
            .unwrap();
        let patch = |patch: &str, more: &[&str]| {
            let words =
                ["-n", namespace, "patch", "rollouts.argoproj.io", "cart", "--type=merge", "-p", patch];
            cluster.kubectl(&[&words, more].concat()).unwrap();
        };
        let rollout = "argoproj.io/v1alpha1/rollouts/cart";
        becomes(cluster, namespace, rollout, "/status/phase", "Healthy").await;
        let image =
            json!({"spec": {"template": {"spec": {"containers": [{"name": "cart", "image": "cart:2"}]}}}});
        patch(&image.to_string(), &[]);
        becomes(cluster, namespace, rollout, "/status/pauseConditions/0/reason", "CanaryPauseStep").await;
        becomes(cluster, namespace, rollout, "/status/phase", "Paused").await;
        becomes(cluster, namespace, rollout, "/status/updatedReplicas", "1").await;
        assert_eq!(field(cluster, namespace, rollout, "/status/currentStepIndex"), "1");
        patch(r#"{"status":{"pauseConditions":null}}"#, &["--subresource=status"]);
        becomes(cluster, namespace, rollout, "/status/phase", "Healthy").await;
        becomes(cluster, namespace, rollout, "/status/updatedReplicas", "2").await;
    }
}

#[tokio::test]
#[ignore = "needs tests/real/build"]
async fn fluxs_definitions_serve_what_is_written() {
    let cluster = &syncing::shared().await.cluster;
    let shop = cluster.namespace("shop").await.unwrap();
    let object = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": "cart", "namespace": shop},
        "spec": {"interval": "10m", "path": "./cart", "prune": true,
                 "sourceRef": {"kind": "GitRepository", "name": "shop"}},
    });
    cluster.apply(&object).unwrap();
    let status = json!({"status": {
        "lastAppliedRevision": "main@sha1:0f1e2d",
        "conditions": [{"type": "Ready", "status": "True", "reason": "ReconciliationSucceeded",
            "message": "Applied revision: main@sha1:0f1e2d", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
    }});
    let status = status.to_string();
    let words = ["-n", &shop, "patch", "kustomization", "cart", "--subresource=status", "--type=merge", "-p"];
    cluster.kubectl(&[&words[..], &[&status]].concat()).unwrap();
    let table = cluster.kubectl(&["-n", &shop, "get", "kustomization", "cart"]).unwrap();
    assert!(table.contains("True") && table.contains("Applied revision: main@sha1:0f1e2d"), "{table}");
    let unknown = json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": "bad", "namespace": shop}, "spec": {"interval": "soon"}});
    assert!(cluster.apply(&unknown).is_err(), "the definitions are Flux' own");
}
