//! PodDisruptionBudgets: how many pods of an app may be taken away now.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::deployments::share;
use super::{Cluster, pods};
use crate::demo::json::{controller, deleting, int, map, namespace, selects, set, set_condition};

/// Writes the counts of a budget.
pub fn reconcile(cx: &mut Cluster, ns: &str, own: &str) {
    let Some(budget) = cx.get("poddisruptionbudgets.policy", ns, own) else { return };
    if deleting(&budget) {
        return;
    }
    let selector = budget.pointer("/spec/selector");
    let covered: Vec<_> = cx
        .list("pods", Some(ns))
        .into_iter()
        .filter(|p| selects(selector, map(p, "/metadata/labels")) && !pods::ended(p))
        .collect();
    let healthy = covered.iter().filter(|p| pods::active(p) && pods::ready(p)).count() as i64;
    let mut owners: HashMap<String, i64> = HashMap::new();
    let mut loose = 0;
    for pod in &covered {
        match wanted_by_owner(cx, pod) {
            Some((uid, wanted)) => {
                owners.insert(uid, wanted);
            }
            None => loose += 1,
        }
    }
    let expected = owners.values().sum::<i64>() + loose;
    let desired = match (budget.pointer("/spec/minAvailable"), budget.pointer("/spec/maxUnavailable")) {
        (Some(least), _) => share(least, expected, true),
        (None, Some(most)) => (expected - share(most, expected, true)).max(0),
        (None, None) => 0,
    };
    let allowed = if expected > 0 { (healthy - desired).max(0) } else { 0 };
    let stamp = cx.clock.stamp();
    let generation = int(&budget, "/metadata/generation");
    cx.update("poddisruptionbudgets.policy", ns, own, |b| {
        for (key, n) in [
            ("currentHealthy", healthy),
            ("desiredHealthy", desired),
            ("expectedPods", expected),
            ("disruptionsAllowed", allowed),
            ("observedGeneration", generation),
        ] {
            set(b, &["status", key], json!(n));
        }
        let (status, reason) =
            if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
        set_condition(b, "DisruptionAllowed", status, reason, "", &stamp, &[]);
        for condition in
            b.pointer_mut("/status/conditions").and_then(Value::as_array_mut).into_iter().flatten()
        {
            condition["message"] = json!("");
            condition["observedGeneration"] = json!(generation);
        }
    });
}

/// Who in the end manages a pod, and how many it wants.
fn wanted_by_owner(cx: &Cluster, pod: &Value) -> Option<(String, i64)> {
    let ns = namespace(pod);
    let (kind, own, uid) = controller(pod)?;
    let replicas = |v: &Value| int(v, "/spec/replicas");
    match kind {
        "ReplicaSet" => {
            let set = cx.get("replicasets.apps", ns, own)?;
            match controller(&set) {
                Some(("Deployment", own, uid)) => {
                    Some((uid.to_owned(), replicas(&*cx.get("deployments.apps", ns, own)?)))
                }
                Some(("Rollout", own, uid)) => {
                    Some((uid.to_owned(), replicas(&*cx.get("rollouts.argoproj.io", ns, own)?)))
                }
                _ => Some((uid.to_owned(), replicas(&set))),
            }
        }
        "StatefulSet" => Some((uid.to_owned(), replicas(&*cx.get("statefulsets.apps", ns, own)?))),
        _ => None,
    }
}
