//! `metrics.k8s.io/v1beta1`: usage of nodes and pods, computed when asked from the world's figures. Nothing is stored
//! and nothing can be watched, as with a metrics-server.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::accept::Accept;
use super::cluster::Cluster;
use super::error::ApiError;
use super::query::Query;
use super::respond::{self, Answer};
use super::selector::Selector;
use super::source::Usage;
use super::store::{Entry, seconds};

const WINDOW: &str = "15s";

fn quantities(usage: Usage) -> Value {
    json!({"cpu": format!("{}n", usage.cpu_nanocores), "memory": format!("{}Ki", usage.memory_bytes / 1024)})
}

/// Answers a path below the group.
pub fn answer(
    cluster: &Cluster,
    version: &str,
    plural: &str,
    ns: Option<&str>,
    name: Option<&str>,
    query: &Query,
    accept: &Accept,
) -> Result<Answer, ApiError> {
    if version != "v1beta1" || !matches!(plural, "nodes" | "pods") {
        return Err(ApiError::no_such_path());
    }
    if query.flag("watch") {
        return Err(ApiError::method_not_allowed());
    }
    if accept.shape().is_none() {
        return Err(ApiError::new(406, "NotAcceptable", "only application/json is served"));
    }
    let of = |entry: &Entry| if plural == "nodes" { node(cluster, entry) } else { pod(cluster, entry) };
    if let Some(name) = name {
        let key = format!("{plural}.metrics.k8s.io");
        let entry = cluster.store().entry(plural, ns.unwrap_or_default(), name);
        let metrics = entry.as_deref().and_then(of);
        return metrics.map(|m| respond::json(200, &m)).ok_or_else(|| ApiError::not_found(&key, name));
    }
    let selector = Selector::parse(plural, query.get("labelSelector"), query.get("fieldSelector"))?;
    let (_, entries) = cluster.store().entries(plural, ns);
    let items: Vec<Value> =
        entries.iter().filter(|entry| selector.matches(entry)).filter_map(|e| of(e)).collect();
    let kind = if plural == "nodes" { "NodeMetricsList" } else { "PodMetricsList" };
    Ok(respond::json(
        200,
        &json!({"kind": kind, "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": items}),
    ))
}

fn metadata(entry: &Entry) -> Value {
    let now = seconds(Timestamp::now());
    let mut metadata = json!({"name": &*entry.name, "creationTimestamp": now});
    if !entry.ns.is_empty() {
        metadata["namespace"] = json!(&*entry.ns);
    }
    if !entry.labels.is_empty() {
        metadata["labels"] = entry.labels.iter().map(|(k, v)| (k.to_string(), json!(&**v))).collect();
    }
    metadata
}

fn node(cluster: &Cluster, entry: &Entry) -> Option<Value> {
    let usage = cluster.setup.usage.node(&entry.value())?;
    Some(json!({
        "kind": "NodeMetrics", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": metadata(entry),
        "timestamp": seconds(Timestamp::now()), "window": WINDOW, "usage": quantities(usage),
    }))
}

fn pod(cluster: &Cluster, entry: &Entry) -> Option<Value> {
    let containers: Vec<Value> = cluster
        .setup
        .usage
        .pod(&entry.value())
        .into_iter()
        .map(|(name, usage)| json!({"name": name, "usage": quantities(usage)}))
        .collect();
    if containers.is_empty() {
        return None;
    }
    Some(json!({
        "kind": "PodMetrics", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": metadata(entry),
        "timestamp": seconds(Timestamp::now()), "window": WINDOW, "containers": containers,
    }))
}
