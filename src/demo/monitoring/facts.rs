//! What kube-state-metrics says of an object: its facts as numbers under their metrics' names. Pure; kept over time by
//! `history`.

use serde_json::Value;

use crate::demo::controllers::pods;
use crate::demo::json::{condition, flag, holds, int, items, map, millis, name, namespace, text};

/// A number about an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// The metric.
    pub metric: &'static str,
    /// Labels besides those of the object itself.
    pub labels: Vec<(&'static str, String)>,
    /// The number.
    pub value: f64,
}

fn fact(metric: &'static str, labels: &[(&'static str, &str)], value: f64) -> Fact {
    Fact { metric, labels: labels.iter().map(|(n, v)| (*n, (*v).to_owned())).collect(), value }
}

fn truth(is: bool) -> f64 {
    f64::from(u8::from(is))
}

/// The kinds that there are facts of.
pub const KINDS: [&str; 8] = [
    "pods",
    "deployments.apps",
    "statefulsets.apps",
    "daemonsets.apps",
    "horizontalpodautoscalers.autoscaling",
    "nodes",
    "resourcequotas",
    "jobs.batch",
];

/// The labels that say which object it is.
pub fn identity(resource: &str, object: &Value) -> Vec<(&'static str, String)> {
    let own = |label: &'static str| {
        vec![("namespace", namespace(object).to_owned()), (label, name(object).to_owned())]
    };
    match resource {
        "pods" => own("pod"),
        "deployments.apps" => own("deployment"),
        "statefulsets.apps" => own("statefulset"),
        "daemonsets.apps" => own("daemonset"),
        "horizontalpodautoscalers.autoscaling" => own("horizontalpodautoscaler"),
        "jobs.batch" => own("job_name"),
        "resourcequotas" => own("resourcequota"),
        _ => vec![("node", name(object).to_owned())],
    }
}

/// All facts of an object.
pub fn facts(resource: &str, object: &Value) -> Vec<Fact> {
    let number = |metric, pointer: &str| fact(metric, &[], int(object, pointer) as f64);
    match resource {
        "pods" => pod(object),
        "deployments.apps" => {
            let replicas = int(object, "/status/replicas");
            let wanted = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
            let available = int(object, "/status/availableReplicas");
            vec![
                fact("kube_deployment_spec_replicas", &[], wanted as f64),
                fact("kube_deployment_status_replicas", &[], replicas as f64),
                fact("kube_deployment_status_replicas_available", &[], available as f64),
                fact(
                    "kube_deployment_status_replicas_unavailable",
                    &[],
                    (replicas.max(wanted) - available).max(0) as f64,
                ),
                number("kube_deployment_status_replicas_ready", "/status/readyReplicas"),
                number("kube_deployment_status_replicas_updated", "/status/updatedReplicas"),
                number("kube_deployment_status_observed_generation", "/status/observedGeneration"),
                number("kube_deployment_metadata_generation", "/metadata/generation"),
                fact(
                    "kube_deployment_status_condition",
                    &[("condition", "Progressing"), ("status", "false")],
                    truth(condition(object, "Progressing").is_some_and(|c| text(c, "/status") == "False")),
                ),
            ]
        }
        "statefulsets.apps" => vec![
            number("kube_statefulset_replicas", "/spec/replicas"),
            number("kube_statefulset_status_replicas", "/status/replicas"),
            number("kube_statefulset_status_replicas_ready", "/status/readyReplicas"),
            number("kube_statefulset_status_replicas_updated", "/status/updatedReplicas"),
        ],
        "daemonsets.apps" => vec![
            number("kube_daemonset_status_desired_number_scheduled", "/status/desiredNumberScheduled"),
            number("kube_daemonset_status_number_ready", "/status/numberReady"),
            number("kube_daemonset_status_number_available", "/status/numberAvailable"),
            number("kube_daemonset_status_updated_number_scheduled", "/status/updatedNumberScheduled"),
        ],
        "horizontalpodautoscalers.autoscaling" => autoscaler(object),
        "jobs.batch" => vec![
            number("kube_job_status_active", "/status/active"),
            number("kube_job_status_succeeded", "/status/succeeded"),
            number("kube_job_status_failed", "/status/failed"),
        ],
        "resourcequotas" => {
            let side = |kind: &'static str, path: &str| -> Vec<Fact> {
                let amounts = map(object, path).into_iter().flatten();
                amounts
                    .map(|(resource, amount)| {
                        let value = millis(amount) as f64 / 1000.0;
                        fact("kube_resourcequota", &[("resource", resource), ("type", kind)], value)
                    })
                    .collect()
            };
            [side("hard", "/status/hard"), side("used", "/status/used")].concat()
        }
        "nodes" => node(object),
        _ => Vec::new(),
    }
}

fn autoscaler(object: &Value) -> Vec<Fact> {
    let number = |metric, pointer: &str| fact(metric, &[], int(object, pointer) as f64);
    let least = object.pointer("/spec/minReplicas").and_then(Value::as_i64).unwrap_or(1);
    let mut all = vec![
        fact("kube_horizontalpodautoscaler_spec_min_replicas", &[], least as f64),
        number("kube_horizontalpodautoscaler_spec_max_replicas", "/spec/maxReplicas"),
        number("kube_horizontalpodautoscaler_status_current_replicas", "/status/currentReplicas"),
        number("kube_horizontalpodautoscaler_status_desired_replicas", "/status/desiredReplicas"),
        fact(
            "kube_horizontalpodautoscaler_info",
            &[
                ("scaletargetref_kind", text(object, "/spec/scaleTargetRef/kind")),
                ("scaletargetref_name", text(object, "/spec/scaleTargetRef/name")),
            ],
            1.0,
        ),
    ];
    for metric in items(object, "/spec/metrics") {
        let resource = text(metric, "/resource/name");
        let labels = [("metric_name", resource), ("metric_target_type", "utilization")];
        let wanted = int(metric, "/resource/target/averageUtilization") as f64;
        all.push(fact("kube_horizontalpodautoscaler_spec_target_metric", &labels, wanted));
    }
    for metric in items(object, "/status/currentMetrics") {
        let labels = [("metric_name", text(metric, "/resource/name")), ("metric_target_type", "utilization")];
        let found = int(metric, "/resource/current/averageUtilization") as f64;
        all.push(fact("kube_horizontalpodautoscaler_status_target_metric", &labels, found));
    }
    all
}

fn node(object: &Value) -> Vec<Fact> {
    let mut all = vec![
        fact("kube_node_info", &[("kubelet_version", text(object, "/status/nodeInfo/kubeletVersion"))], 1.0),
        fact("kube_node_spec_unschedulable", &[], truth(flag(object, "/spec/unschedulable"))),
    ];
    for condition in items(object, "/status/conditions") {
        for (status, word) in [("True", "true"), ("False", "false"), ("Unknown", "unknown")] {
            let labels = [("condition", text(condition, "/type")), ("status", word)];
            let is = truth(text(condition, "/status") == status);
            all.push(fact("kube_node_status_condition", &labels, is));
        }
    }
    for (metric, path) in [
        ("kube_node_status_allocatable", "/status/allocatable"),
        ("kube_node_status_capacity", "/status/capacity"),
    ] {
        for (resource, unit) in [("cpu", "core"), ("memory", "byte"), ("pods", "integer")] {
            let Some(amount) = map(object, path).and_then(|m| m.get(resource)) else { continue };
            let labels = [("resource", resource), ("unit", unit)];
            all.push(fact(metric, &labels, millis(amount) as f64 / 1000.0));
        }
    }
    all
}

fn pod(object: &Value) -> Vec<Fact> {
    let node = text(object, "/spec/nodeName");
    let owner = crate::demo::json::controller(object).unwrap_or(("", "", ""));
    let info = [
        ("node", node),
        ("pod_ip", text(object, "/status/podIP")),
        ("uid", text(object, "/metadata/uid")),
        ("created_by_kind", owner.0),
        ("created_by_name", owner.1),
    ];
    let mut all = vec![fact("kube_pod_info", &info, 1.0)];
    for phase in ["Pending", "Running", "Succeeded", "Failed", "Unknown"] {
        let is = truth(text(object, "/status/phase") == phase);
        all.push(fact("kube_pod_status_phase", &[("phase", phase)], is));
    }
    let ready = holds(object, "Ready");
    all.push(fact("kube_pod_status_ready", &[("condition", "true")], truth(ready)));
    all.push(fact("kube_pod_status_ready", &[("condition", "false")], truth(!ready)));
    for status in items(object, "/status/containerStatuses") {
        let own = ("container", text(status, "/name"));
        all.push(fact(
            "kube_pod_container_status_restarts_total",
            &[own],
            int(status, "/restartCount") as f64,
        ));
        all.push(fact("kube_pod_container_status_ready", &[own], truth(flag(status, "/ready"))));
        let running = status.pointer("/state/running").is_some();
        all.push(fact("kube_pod_container_status_running", &[own], truth(running)));
        let reason = text(status, "/state/waiting/reason");
        if !reason.is_empty() {
            all.push(fact("kube_pod_container_status_waiting_reason", &[own, ("reason", reason)], 1.0));
        }
        let last = text(status, "/lastState/terminated/reason");
        if !last.is_empty() {
            all.push(fact("kube_pod_container_status_last_terminated_reason", &[own, ("reason", last)], 1.0));
        }
    }
    if !pods::ended(object) {
        for container in items(object, "/spec/containers") {
            for (metric, path) in [
                ("kube_pod_container_resource_requests", "/resources/requests"),
                ("kube_pod_container_resource_limits", "/resources/limits"),
            ] {
                for (resource, unit) in [("cpu", "core"), ("memory", "byte")] {
                    let Some(amount) = map(container, path).and_then(|m| m.get(resource)) else { continue };
                    let labels = [
                        ("container", text(container, "/name")),
                        ("node", node),
                        ("resource", resource),
                        ("unit", unit),
                    ];
                    all.push(fact(metric, &labels, millis(amount) as f64 / 1000.0));
                }
            }
        }
    }
    all
}

/// The metrics of facts, with their types.
pub const NAMES: [(&str, &str); 43] = [
    ("kube_daemonset_status_desired_number_scheduled", "gauge"),
    ("kube_daemonset_status_number_available", "gauge"),
    ("kube_daemonset_status_number_ready", "gauge"),
    ("kube_daemonset_status_updated_number_scheduled", "gauge"),
    ("kube_deployment_metadata_generation", "gauge"),
    ("kube_deployment_spec_replicas", "gauge"),
    ("kube_deployment_status_condition", "gauge"),
    ("kube_deployment_status_observed_generation", "gauge"),
    ("kube_deployment_status_replicas", "gauge"),
    ("kube_deployment_status_replicas_available", "gauge"),
    ("kube_deployment_status_replicas_ready", "gauge"),
    ("kube_deployment_status_replicas_unavailable", "gauge"),
    ("kube_deployment_status_replicas_updated", "gauge"),
    ("kube_horizontalpodautoscaler_info", "gauge"),
    ("kube_horizontalpodautoscaler_spec_max_replicas", "gauge"),
    ("kube_horizontalpodautoscaler_spec_min_replicas", "gauge"),
    ("kube_horizontalpodautoscaler_spec_target_metric", "gauge"),
    ("kube_horizontalpodautoscaler_status_current_replicas", "gauge"),
    ("kube_horizontalpodautoscaler_status_desired_replicas", "gauge"),
    ("kube_horizontalpodautoscaler_status_target_metric", "gauge"),
    ("kube_job_status_active", "gauge"),
    ("kube_job_status_failed", "gauge"),
    ("kube_job_status_succeeded", "gauge"),
    ("kube_node_info", "gauge"),
    ("kube_node_spec_unschedulable", "gauge"),
    ("kube_node_status_allocatable", "gauge"),
    ("kube_node_status_capacity", "gauge"),
    ("kube_node_status_condition", "gauge"),
    ("kube_pod_container_resource_limits", "gauge"),
    ("kube_pod_container_resource_requests", "gauge"),
    ("kube_pod_container_status_last_terminated_reason", "gauge"),
    ("kube_pod_container_status_ready", "gauge"),
    ("kube_pod_container_status_restarts_total", "counter"),
    ("kube_pod_container_status_running", "gauge"),
    ("kube_pod_container_status_waiting_reason", "gauge"),
    ("kube_pod_info", "gauge"),
    ("kube_pod_status_phase", "gauge"),
    ("kube_pod_status_ready", "gauge"),
    ("kube_resourcequota", "gauge"),
    ("kube_statefulset_replicas", "gauge"),
    ("kube_statefulset_status_replicas", "gauge"),
    ("kube_statefulset_status_replicas_ready", "gauge"),
    ("kube_statefulset_status_replicas_updated", "gauge"),
];
