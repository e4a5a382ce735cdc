//! What Git wants held against what is: whether an object differs, how it is changed, and how well it is.
//!
//! Pure. Only fields that somebody applied are compared (those of Git, and those of the last apply that Git no longer
//! has), as Argo CD compares; what servers and autoscalers fill in is theirs.

use serde_json::{Map, Value, json};

use crate::demo::json::{condition, entry, flag, holds, int, items, name, namespace, text};

/// Which object was applied last, as JSON.
pub const LAST: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Whose an object is.
pub const TRACKING: &str = "argocd.argoproj.io/tracking-id";

/// The kinds that are delivered: group, kind, the store's key; in the order in which they are applied.
const KINDS: [(&str, &str, &str); 15] = [
    ("", "Namespace", "namespaces"),
    ("", "ServiceAccount", "serviceaccounts"),
    ("", "Secret", "secrets"),
    ("", "ConfigMap", "configmaps"),
    ("", "PersistentVolumeClaim", "persistentvolumeclaims"),
    ("", "Service", "services"),
    ("apps", "DaemonSet", "daemonsets.apps"),
    ("apps", "Deployment", "deployments.apps"),
    ("apps", "StatefulSet", "statefulsets.apps"),
    ("autoscaling", "HorizontalPodAutoscaler", "horizontalpodautoscalers.autoscaling"),
    ("batch", "Job", "jobs.batch"),
    ("batch", "CronJob", "cronjobs.batch"),
    ("networking.k8s.io", "Ingress", "ingresses.networking.k8s.io"),
    ("policy", "PodDisruptionBudget", "poddisruptionbudgets.policy"),
    ("argoproj.io", "Rollout", "rollouts.argoproj.io"),
];

/// Group and version of an `apiVersion`.
pub fn group_version(object: &Value) -> (&str, &str) {
    let api = text(object, "/apiVersion");
    api.split_once('/').unwrap_or(("", api))
}

/// The store's key of an object's kind; None for kinds that the demo does not deliver.
pub fn resource_of(object: &Value) -> Option<&'static str> {
    let (group, kind) = (group_version(object).0, text(object, "/kind"));
    KINDS.iter().find(|(g, k, _)| *g == group && *k == kind).map(|(.., resource)| *resource)
}

/// The same key, for as long as the program runs; None when the kind is none that is delivered.
pub fn delivered(resource: &str) -> Option<&'static str> {
    KINDS.iter().map(|(.., known)| *known).find(|known| *known == resource)
}

/// The place of a kind in the order in which objects of one wave are applied.
pub fn order_of(object: &Value) -> usize {
    let kind = text(object, "/kind");
    KINDS.iter().position(|(_, k, _)| *k == kind).unwrap_or(KINDS.len())
}

/// What was applied to an object last.
pub fn last_applied(live: &Value) -> Value {
    serde_json::from_str(entry(live, "/metadata/annotations", LAST)).unwrap_or(Value::Null)
}

/// Whether something that Git has is otherwise in the live object, or something that Git no longer has is still there.
pub fn differs(wanted: &Value, live: &Value) -> bool {
    !covers(wanted, live) || leftovers(&last_applied(live), wanted, live)
}

fn covers(wanted: &Value, live: &Value) -> bool {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => {
            wanted.iter().all(|(key, value)| covers(value, live.get(key).unwrap_or(&Value::Null)))
        }
        (Value::Array(wanted), Value::Array(live)) => {
            wanted.len() == live.len() && wanted.iter().zip(live).all(|(w, l)| covers(w, l))
        }
        (Value::Object(wanted), Value::Null) => wanted.values().all(|value| covers(value, &Value::Null)),
        (Value::Array(wanted), Value::Null) => wanted.is_empty(),
        (Value::Null, _) => true,
        (wanted, live) => wanted == live,
    }
}

fn leftovers(last: &Value, wanted: &Value, live: &Value) -> bool {
    let (Some(last), Some(live)) = (last.as_object(), live.as_object()) else { return false };
    let none = Map::new();
    let wanted = wanted.as_object().unwrap_or(&none);
    last.iter().any(|(key, value)| match (wanted.get(key), live.get(key)) {
        // Whose it is was added when it was applied.
        (None, Some(live)) if value.is_object() => leftovers(value, &Value::Null, live),
        (None, Some(_)) => !matches!(key.as_str(), LAST | TRACKING),
        (Some(wanted), Some(live)) => leftovers(value, wanted, live),
        _ => false,
    })
}

/// Changes a live object to what Git wants; what nobody applied stays as it is.
pub fn apply(live: &mut Value, wanted: &Value) {
    let last = last_applied(live);
    merge(live, &last, wanted);
}

fn merge(live: &mut Value, last: &Value, wanted: &Value) {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => {
            for key in last.as_object().into_iter().flat_map(Map::keys) {
                if !wanted.contains_key(key) && !matches!(key.as_str(), LAST | TRACKING) {
                    live.remove(key);
                }
            }
            for (key, value) in wanted {
                let before = last.get(key).unwrap_or(&Value::Null);
                merge(live.entry(key).or_insert(Value::Null), before, value);
            }
        }
        (Value::Array(live), Value::Array(wanted)) => {
            let old = std::mem::take(live);
            let same = |(at, new): (usize, &Value)| match new.get("name") {
                Some(own) => old.iter().find(|o| o.get("name") == Some(own)),
                None => old.get(at).filter(|_| old.len() == wanted.len()),
            };
            let befores = last.as_array().map(Vec::as_slice).unwrap_or_default();
            for (at, new) in wanted.iter().enumerate() {
                let before = match new.get("name") {
                    Some(own) => befores.iter().find(|b| b.get("name") == Some(own)),
                    None => befores.get(at),
                };
                let mut value = same((at, new)).cloned().unwrap_or(Value::Null);
                merge(&mut value, before.unwrap_or(&Value::Null), new);
                live.push(value);
            }
        }
        (live, wanted) => *live = wanted.clone(),
    }
}

/// An object's health and why, as Argo CD judges it; None for kinds of which it judges none.
pub fn health(live: &Value) -> Option<(&'static str, String)> {
    if live.pointer("/metadata/deletionTimestamp").is_some() {
        return Some(("Progressing", "Pending deletion".to_owned()));
    }
    let said = |health, message: &str| Some((health, message.to_owned()));
    let well = || said("Healthy", "");
    match text(live, "/kind") {
        "Deployment" => deployment(live),
        "StatefulSet" => stateful_set(live),
        "DaemonSet" => {
            let (wanted, updated, available) = (
                int(live, "/status/desiredNumberScheduled"),
                int(live, "/status/updatedNumberScheduled"),
                int(live, "/status/numberAvailable"),
            );
            if updated < wanted {
                let own = name(live);
                return said(
                    "Progressing",
                    &format!(
                        "Waiting for daemon set \"{own}\" rollout to finish: {updated} out of {wanted} new pods have been updated..."
                    ),
                );
            }
            if available < wanted {
                let own = name(live);
                return said(
                    "Progressing",
                    &format!(
                        "Waiting for daemon set \"{own}\" rollout to finish: {available} of {wanted} updated pods are available..."
                    ),
                );
            }
            well()
        }
        "Rollout" => match text(live, "/status/phase") {
            "Healthy" => well(),
            "Paused" => said("Suspended", "CanaryPauseStep"),
            "Degraded" => said("Degraded", text(live, "/status/message")),
            _ => said("Progressing", text(live, "/status/message")),
        },
        "Job" => {
            if holds(live, "Failed") {
                let why = condition(live, "Failed").map_or("", |c| text(c, "/message"));
                return said("Degraded", why);
            }
            if holds(live, "Complete") { well() } else { said("Progressing", "") }
        }
        "Ingress" => {
            if items(live, "/status/loadBalancer/ingress").is_empty() {
                said("Progressing", "")
            } else {
                well()
            }
        }
        "Service" => {
            let waits = text(live, "/spec/type") == "LoadBalancer"
                && items(live, "/status/loadBalancer/ingress").is_empty();
            if waits { said("Progressing", "") } else { well() }
        }
        "HorizontalPodAutoscaler" => {
            let message = condition(live, "AbleToScale").map_or("", |c| text(c, "/message"));
            said("Healthy", message)
        }
        "PersistentVolumeClaim" => match text(live, "/status/phase") {
            "Bound" => well(),
            "Lost" => said("Degraded", ""),
            _ => said("Progressing", ""),
        },
        _ => None,
    }
}

fn deployment(live: &Value) -> Option<(&'static str, String)> {
    if flag(live, "/spec/paused") {
        return Some(("Suspended", "Deployment is paused".to_owned()));
    }
    if int(live, "/metadata/generation") > int(live, "/status/observedGeneration") {
        let why =
            "Waiting for rollout to finish: observed deployment generation less than desired generation";
        return Some(("Progressing", why.to_owned()));
    }
    let why = condition(live, "Progressing").map_or("", |c| text(c, "/reason"));
    if why == "ProgressDeadlineExceeded" {
        return Some(("Degraded", format!("Deployment \"{}\" exceeded its progress deadline", name(live))));
    }
    let wanted = live.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let (updated, all, available) = (
        int(live, "/status/updatedReplicas"),
        int(live, "/status/replicas"),
        int(live, "/status/availableReplicas"),
    );
    let waits = if updated < wanted {
        format!("{updated} out of {wanted} new replicas have been updated...")
    } else if all > updated {
        format!("{} old replicas are pending termination...", all - updated)
    } else if available < updated {
        format!("{available} of {updated} updated replicas are available...")
    } else {
        return Some(("Healthy", String::new()));
    };
    Some(("Progressing", format!("Waiting for rollout to finish: {waits}")))
}

fn stateful_set(live: &Value) -> Option<(&'static str, String)> {
    let wanted = live.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let (ready, updated) = (int(live, "/status/readyReplicas"), int(live, "/status/updatedReplicas"));
    if int(live, "/metadata/generation") > int(live, "/status/observedGeneration") {
        return Some(("Progressing", "Waiting for statefulset spec update to be observed...".to_owned()));
    }
    if ready < wanted {
        return Some(("Progressing", format!("Waiting for {} pods to be ready...", wanted - ready)));
    }
    if text(live, "/status/updateRevision") != text(live, "/status/currentRevision") {
        let why = format!(
            "waiting for statefulset rolling update to complete {updated} pods at revision {}...",
            text(live, "/status/updateRevision")
        );
        return Some(("Progressing", why));
    }
    let why = format!(
        "statefulset rolling update complete {ready} pods at revision {}...",
        text(live, "/status/currentRevision")
    );
    Some(("Healthy", why))
}

/// From best to worst; what is not there is worst of all.
const HEALTHS: [&str; 6] = ["Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown"];

/// The worst of several healths; without any all is well.
pub fn worst<'a>(all: impl Iterator<Item = &'a str>) -> &'static str {
    let place = |h: &str| HEALTHS.iter().position(|known| *known == h).unwrap_or(HEALTHS.len() - 1);
    all.map(place).max().map_or(HEALTHS[0], |at| HEALTHS[at])
}

/// How an object is named in `operationState`: `deployment.apps/cart`, `service/cart`.
pub fn spoken(object: &Value) -> String {
    let (group, kind) = (group_version(object).0, text(object, "/kind").to_lowercase());
    let dot = if group.is_empty() { "" } else { "." };
    format!("{kind}{dot}{group}/{}", name(object))
}

/// The tracking id that an Application gives an object.
pub fn tracking(app: &str, object: &Value) -> String {
    let (group, kind) = (group_version(object).0, text(object, "/kind"));
    format!("{app}:{group}/{kind}:{}/{}", namespace(object), name(object))
}

/// What is applied: the object of Git, with whose it is and, within that, itself.
pub fn marked(wanted: &Value, marks: &[(&str, String)]) -> Value {
    let mut object = wanted.clone();
    for (key, value) in marks {
        crate::demo::json::set(&mut object, &["metadata", "annotations", key], json!(value));
    }
    let whole = format!("{object}\n");
    crate::demo::json::set(&mut object, &["metadata", "annotations", LAST], json!(whole));
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_fill_in_is_no_difference_and_what_git_gave_up_is() {
        let wanted = json!({"spec": {"replicas": 2, "list": [{"name": "a", "image": "x"}], "none": {}}});
        let mut live = json!({"metadata": {}, "spec": {"replicas": 2, "more": true,
            "list": [{"name": "a", "image": "x", "policy": "Always"}]}});
        assert!(!differs(&wanted, &live));
        live["spec"]["replicas"] = json!(3);
        assert!(differs(&wanted, &live));
        live["spec"]["replicas"] = json!(2);
        let last = json!({"spec": {"replicas": 2, "more": true}}).to_string();
        live["metadata"] = json!({"annotations": {LAST: last}});
        assert!(differs(&wanted, &live), "`more` was applied once and is no longer in Git");
        apply(&mut live, &wanted);
        assert!(!differs(&wanted, &live));
        assert_eq!(live["spec"].get("more"), None);
        assert_eq!(live["spec"]["list"][0]["policy"], "Always");
    }

    #[test]
    fn lists_are_merged_by_name() {
        let mut live = json!({"list": [{"name": "a", "own": 1}, {"name": "gone", "own": 2}]});
        let wanted = json!({"list": [{"name": "b", "image": "y"}, {"name": "a", "image": "x"}]});
        apply(&mut live, &wanted);
        assert_eq!(
            live,
            json!({"list": [{"name": "b", "image": "y"}, {"name": "a", "own": 1, "image": "x"}]})
        );
    }

    #[test]
    fn a_deployment_is_judged_as_argo_cd_judges_it() {
        let mut live = json!({"kind": "Deployment", "metadata": {"name": "cart", "generation": 2}, "spec": {"replicas": 3},
                              "status": {"observedGeneration": 1}});
        assert_eq!(health(&live).unwrap().0, "Progressing");
        live["status"] =
            json!({"observedGeneration": 2, "replicas": 4, "updatedReplicas": 3, "availableReplicas": 1});
        assert_eq!(
            health(&live).unwrap().1,
            "Waiting for rollout to finish: 1 old replicas are pending termination..."
        );
        live["status"]["conditions"] = json!([{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]);
        assert_eq!(
            health(&live),
            Some(("Degraded", "Deployment \"cart\" exceeded its progress deadline".into()))
        );
        live["status"] =
            json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3});
        assert_eq!(health(&live).unwrap().0, "Healthy");
        assert_eq!(worst(["Healthy", "Suspended", "Progressing"].into_iter()), "Progressing");
        assert_eq!(worst([].into_iter()), "Healthy");
    }
}
