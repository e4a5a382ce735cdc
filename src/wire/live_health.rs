//! How well a live object is by its own status, for kinds that are read one at a time and not watched: in Argo CD's
//! words, by the rules that it has built in for them.

use serde::Deserialize;
use serde_json::Value;

use super::lenient::{Fields, List, Text};
use crate::domain::sync_detail::LiveHealth;
use crate::text::clean;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Live {
    kind: Text,
    metadata: Fields<Meta>,
    status: Fields<Status>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Meta {
    deletion_timestamp: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    phase: Text,
    conditions: List<Fields<Condition>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Condition {
    #[serde(rename = "type")]
    kind: Text,
    status: Text,
    reason: Text,
    message: Text,
}

/// What an object says of itself. A kind that has no health is of unknown health.
pub fn of_live(live: Value) -> LiveHealth {
    let live = serde_json::from_value::<Live>(live).unwrap_or_default();
    if !live.metadata.deletion_timestamp.is_empty() {
        return said("Progressing", "is being deleted");
    }
    match &*live.kind {
        "PersistentVolumeClaim" => claim(&live.status.phase),
        "HorizontalPodAutoscaler" => autoscaler(&live.status),
        "APIService" => api_service(&live.status),
        _ => said("Unknown", ""),
    }
}

fn said(health: &str, note: &str) -> LiveHealth {
    LiveHealth { health: health.into(), note: clean(note).into_owned() }
}

fn claim(phase: &str) -> LiveHealth {
    match phase {
        "Bound" => said("Healthy", ""),
        "Pending" => said("Progressing", "waits for a volume"),
        "Lost" => said("Degraded", "its volume is lost"),
        "" => said("Unknown", "has no phase yet"),
        other => said("Unknown", other),
    }
}

/// Reasons for which Argo CD takes an autoscaler for broken.
const BROKEN: [(&str, &str); 4] = [
    ("AbleToScale", "FailedGetScale"),
    ("AbleToScale", "FailedUpdateScale"),
    ("ScalingActive", "FailedGetResourceMetric"),
    ("ScalingActive", "InvalidSelector"),
];

/// The first condition that says something decides: one that can scale and has no metrics is well, and says so.
fn autoscaler(status: &Status) -> LiveHealth {
    for condition in status.conditions.iter() {
        if BROKEN.contains(&(&*condition.kind, &*condition.reason)) {
            return said("Degraded", &words(condition));
        }
        if matches!(&*condition.kind, "AbleToScale" | "ScalingLimited") && &*condition.status == "True" {
            return said("Healthy", &limits(status));
        }
    }
    said("Progressing", "has not scaled yet")
}

/// What keeps an autoscaler from scaling as it would, if anything does.
fn limits(status: &Status) -> String {
    let is = |kind: &str, of: &str| status.conditions.iter().find(|c| &*c.kind == kind && &*c.status == of);
    let idle = is("ScalingActive", "False").map(|idle| words(idle));
    idle.or_else(|| is("ScalingLimited", "True").map(|limited| limited.message.to_string()))
        .unwrap_or_default()
}

fn api_service(status: &Status) -> LiveHealth {
    match status.conditions.iter().find(|c| &*c.kind == "Available") {
        Some(available) if &*available.status == "True" => said("Healthy", ""),
        Some(available) => said("Progressing", &words(available)),
        None => said("Progressing", "was not looked at yet"),
    }
}

fn words(condition: &Condition) -> String {
    match condition.message.is_empty() {
        true => condition.reason.to_string(),
        false => format!("{}: {}", &*condition.reason, &*condition.message),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn health(live: Value) -> (String, String) {
        let health = of_live(live);
        (health.health.to_string(), health.note)
    }

    #[test]
    fn a_claim_is_as_well_as_its_phase() {
        let claim = |phase: &str| {
            health(json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "metadata": {"name": "data-postgres-0", "namespace": "shop-prod"},
                "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "standard"}, "status": {"phase": phase}}))
            .0
        };
        for (phase, health) in [
            ("Bound", "Healthy"),
            ("Pending", "Progressing"),
            ("Lost", "Degraded"),
            ("", "Unknown"),
            ("New", "Unknown"),
        ] {
            assert_eq!(claim(phase), health, "{phase}");
        }
    }

    #[test]
    fn an_autoscaler_is_as_well_as_its_conditions() {
        let scaler = |conditions: Value| {
            health(json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
                "metadata": {"name": "cart"}, "spec": {"maxReplicas": 9},
                "status": {"currentReplicas": 3, "desiredReplicas": 3, "conditions": conditions}}))
        };
        let able = json!({"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale", "message": "recommended size matches"});
        let within = json!({"type": "ScalingLimited", "status": "False", "reason": "DesiredWithinRange", "message": "within"});
        let no_metrics = json!({"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric",
            "message": "the HPA was unable to compute the replica count"});
        assert_eq!(scaler(json!([able, within])), ("Healthy".into(), String::new()));
        let limited = json!({"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas", "message": "at the maximum"});
        assert_eq!(scaler(json!([able, limited])), ("Healthy".into(), "at the maximum".into()));
        // It can scale, and that stands first.
        let (health, note) = scaler(json!([able, no_metrics]));
        assert_eq!(
            (&*health, note.contains("FailedGetResourceMetric: the HPA was")),
            ("Healthy", true),
            "{note}"
        );
        assert_eq!(scaler(json!([no_metrics, able])).0, "Degraded");
        let no_target = json!({"type": "AbleToScale", "status": "False", "reason": "FailedGetScale",
            "message": "deployments.apps \"cart\" not found"});
        assert_eq!(scaler(json!([no_target])).0, "Degraded");
        assert_eq!(scaler(json!([])).0, "Progressing");
        assert_eq!(scaler(json!(null)).0, "Progressing");
    }

    #[test]
    fn an_api_service_is_well_when_it_is_available() {
        let service = |conditions: Value| {
            health(json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
                "metadata": {"name": "v1beta1.metrics.k8s.io"}, "status": {"conditions": conditions}}))
        };
        let available = |status: &str, reason: &str| json!([{"type": "Available", "status": status, "reason": reason, "message": ""}]);
        assert_eq!(service(available("True", "Passed")), ("Healthy".into(), String::new()));
        assert_eq!(
            service(available("False", "MissingEndpoints")),
            ("Progressing".into(), "MissingEndpoints".into())
        );
        assert_eq!(service(json!([])).0, "Progressing");
    }

    #[test]
    fn what_is_being_deleted_is_on_its_way() {
        let live = json!({"kind": "PersistentVolumeClaim", "metadata": {"deletionTimestamp": "2026-11-21T14:26:02Z"},
            "status": {"phase": "Bound"}});
        assert_eq!(health(live), ("Progressing".into(), "is being deleted".into()));
        assert_eq!(health(json!({"kind": "Widget"})).0, "Unknown");
        assert_eq!(health(json!("nonsense")).0, "Unknown");
    }
}
