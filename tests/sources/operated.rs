//! Servers that the Prometheus Operator runs, from the object in the API to the answer behind its prefix.

use pilothouse::domain::id::Kind;
use pilothouse::wire::Wire;
use pilothouse::wire::operated::{WireAlertmanager, WirePrometheus};
use serde_json::{Value, json};

use super::script::{Reply, Seen, Server, status};

const OBJECTS: &str = "/apis/monitoring.coreos.com/v1/prometheuses";
const PROXY: &str = "/api/v1/namespaces/monitoring/services/";

fn list(items: &Value) -> Reply {
    Reply::Json(200, json!({"metadata": {"resourceVersion": "5"}, "items": items}))
}

/// A cluster with a Prometheus that answers below `/prom` alone.
fn cluster(seen: &Seen) -> Option<Reply> {
    let meta = |name: &str, namespace: &str| json!({"name": name, "namespace": namespace, "uid": name});
    Some(match seen.path.as_str() {
        "/api/v1/namespaces" => list(&json!([{"metadata": meta("shop-prod", "")}])),
        "/api/v1/services" => list(&json!([{
            "metadata": {"name": "prometheus-operated", "namespace": "monitoring", "uid": "s",
                "labels": {"operated-prometheus": "true"}},
            "spec": {"clusterIP": "None", "type": "ClusterIP",
                "selector": {"app.kubernetes.io/name": "prometheus", "app.kubernetes.io/managed-by": "prometheus-operator"},
                "ports": [{"name": "web", "port": 9090, "targetPort": "web", "protocol": "TCP"}]},
        }])),
        OBJECTS => list(&json!([{"metadata": meta("k8s", "monitoring"),
            "spec": {"routePrefix": "/prom", "externalUrl": "https://example.org/elsewhere"}}])),
        path if path.starts_with("/apis/monitoring.coreos.com/") => {
            Reply::Json(404, status(404, "not found"))
        }
        path => match path.strip_prefix(PROXY)?.strip_prefix("prometheus-operated:9090/proxy") {
            Some("/prom/api/v1/query") => Reply::Json(
                200,
                json!({"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [0, "1"]}]}}),
            ),
            _ => Reply::Json(404, json!("404 page not found")),
        },
    })
}

#[tokio::test]
async fn doctor_finds_a_prometheus_by_its_object_and_asks_below_its_prefix() {
    let server = Server::start(cluster).await;
    let kubeconfig = server.kubeconfig("{token: t}");
    let home = tempfile::tempdir().unwrap();
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_pilothouse"))
        .arg("doctor")
        .env_clear()
        .env("HOME", home.path())
        .env("KUBECONFIG", &kubeconfig)
        .env("LANG", "C.UTF-8")
        .output()
        .await
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let found = "monitoring/prometheus-operated:9090/prom, found by the Prometheus object monitoring/k8s of the \
                 Prometheus Operator, for production";
    let words = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(found), "{told}");
    assert!(!words.contains(&format!("{found}:")), "and it answers there: {told}");
    assert_eq!(server.queries(OBJECTS).len(), 1);
}

/// The watch asks for these kinds as for all others; where the definitions are absent it costs one answer.
#[test]
fn both_kinds_are_watched() {
    use pilothouse::domain::link::WATCHED;
    for kind in [WirePrometheus::KIND, WireAlertmanager::KIND] {
        assert!(WATCHED.contains(&kind) && kind.is_custom() && kind.namespaced());
    }
    assert_eq!(Kind::Prometheus.api(), ("monitoring.coreos.com", "v1", "prometheuses"));
}
