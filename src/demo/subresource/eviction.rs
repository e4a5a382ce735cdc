//! Eviction: deleting a pod unless a PodDisruptionBudget forbids it. The budget is judged from the pods as they are at
//! the moment, not from its status, so that two evictions in a row cannot both slip through.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::demo::cluster::Cluster;
use crate::demo::error::ApiError;
use crate::demo::respond::Answer;
use crate::demo::routes::Call;
use crate::demo::selector::{Selector, from_label_selector};
use crate::demo::store::{Store, entry, seconds};
use crate::demo::write::deletion;

/// `POST .../eviction`.
pub fn evict(cluster: &Cluster, call: &Call, eviction: &Value) -> Result<Answer, ApiError> {
    let store = cluster.store();
    let (ns, name) = (call.ns(), call.name());
    let pod = store.get("pods", ns, name).ok_or_else(|| ApiError::not_found("pods", name))?;
    let how = deletion(call, &eviction["deleteOptions"])?;
    let ended = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed" | "Pending"));
    if !ended && pod["metadata"]["deletionTimestamp"].is_null() {
        check_budget(store, ns, &pod)?;
    }
    if !how.dry_run {
        store.update("pods", ns, name, mark)?;
    }
    store.delete_with("pods", ns, name, &how)?;
    Ok(super::success(201))
}

/// Says on the pod why it goes.
fn mark(pod: &mut Value) {
    let now = seconds(jiff::Timestamp::now());
    let condition = json!({
        "type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting", "lastProbeTime": null, "lastTransitionTime": now,
    });
    match pod["status"]["conditions"].as_array_mut() {
        Some(list) => {
            list.retain(|c| c["type"] != "DisruptionTarget");
            list.push(condition);
        }
        None => pod["status"]["conditions"] = json!([condition]),
    }
}

fn ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    pod["metadata"]["deletionTimestamp"].is_null()
        && conditions.is_some_and(|l| l.iter().any(|c| c["type"] == "Ready" && c["status"] == "True"))
}

/// A count or a percentage of `of`, rounded up.
fn amount(value: &Value, of: i64) -> Option<i64> {
    match value {
        Value::Number(n) => n.as_i64(),
        Value::String(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().ok()?;
            Some((of * percent + 99) / 100)
        }
        _ => None,
    }
}

fn check_budget(store: &Store, ns: &str, pod: &Value) -> Result<(), ApiError> {
    let own = entry::lone("pods", pod, 0);
    let mut matching = Vec::new();
    for budget in store.list("poddisruptionbudgets.policy", Some(ns)) {
        let selector = Selector::labels(&from_label_selector(&budget["spec"]["selector"]))?;
        if selector.matches(&own) {
            matching.push((budget, selector));
        }
    }
    let (budget, selector) = match matching.as_slice() {
        [] => return Ok(()),
        [one] => one,
        _ => {
            return Err(ApiError::new(
                500,
                "",
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
            ));
        }
    };
    let (_, entries) = store.entries("pods", Some(ns));
    let pods: Vec<Value> = entries.iter().filter(|e| selector.matches(e)).map(|e| e.value()).collect();
    let healthy = i64::try_from(pods.iter().filter(|p| ready(p)).count()).unwrap_or(i64::MAX);
    let expected = expected(store, ns, &pods);
    let spec = &budget["spec"];
    let desired = match amount(&spec["minAvailable"], expected) {
        Some(least) => least,
        None => expected - amount(&spec["maxUnavailable"], expected).unwrap_or(1),
    }
    .max(0);
    let allowed = if ready(pod) {
        healthy > desired
    } else {
        spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow" || healthy >= desired
    };
    if allowed {
        return Ok(());
    }
    let name = budget["metadata"]["name"].as_str().unwrap_or_default();
    let message =
        format!("The disruption budget {name} needs {desired} healthy pods and has {healthy} currently");
    let refusal = "Cannot evict pod as it would violate the pod's disruption budget.";
    Err(ApiError::new(429, "TooManyRequests", refusal)
        .with_details(json!({"causes": [{"reason": "DisruptionBudget", "message": message}]})))
}

/// How many pods the controllers of these pods want.
fn expected(store: &Store, ns: &str, pods: &[Value]) -> i64 {
    let (mut owners, mut bare) = (BTreeSet::new(), 0);
    for pod in pods {
        let owner = pod["metadata"]["ownerReferences"]
            .as_array()
            .and_then(|list| list.iter().find(|o| o["controller"] == true));
        let resource = match owner.and_then(|o| o["kind"].as_str()) {
            Some("ReplicaSet") => "replicasets.apps",
            Some("StatefulSet") => "statefulsets.apps",
            _ => "",
        };
        match owner.and_then(|o| o["name"].as_str()).filter(|_| !resource.is_empty()) {
            Some(name) => drop(owners.insert((resource, name.to_owned()))),
            None => bare += 1,
        }
    }
    let wanted = owners
        .iter()
        .filter_map(|(resource, name)| store.get(resource, ns, name)?["spec"]["replicas"].as_i64());
    bare + wanted.sum::<i64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_counts_or_percentages_rounded_up() {
        assert_eq!(amount(&json!(2), 5), Some(2));
        assert_eq!(amount(&json!("50%"), 5), Some(3));
        assert_eq!(amount(&Value::Null, 5), None);
    }
}
