//! DaemonSets: one pod on each node that wants them, changed one node after the other.

use std::sync::Arc;

use serde_json::{Value, json};

use super::deployments::share;
use super::events::{self, NORMAL};
use super::{Cluster, pods, revisions, scheduler};
use crate::demo::json::{deleting, int, items, name, namespace, set, text, uid};

/// Who speaks in events.
const COMPONENT: &str = "daemonset-controller";

/// Makes missing pods, lets go superfluous and outdated ones, writes the counts.
pub fn reconcile(cx: &mut Cluster, ns: &str, own: &str) {
    let Some(object) = cx.get("daemonsets.apps", ns, own) else { return };
    if deleting(&object) {
        return;
    }
    let hash = revisions::ensure(cx, &object);
    let nodes: Vec<Arc<Value>> = cx.list("nodes", None).into_iter().filter(|n| wants(&object, n)).collect();
    let mine = cx.owned("pods", ns, uid(&object));
    for node in &nodes {
        if !mine.iter().any(|p| aimed_at(p) == name(node)) {
            make(cx, &object, &hash, name(node));
        }
    }
    for pod in &mine {
        let there = nodes.iter().any(|n| name(n) == aimed_at(pod));
        if pods::active(pod) && !there || pods::ended(pod) {
            cx.delete("pods", ns, name(pod));
        }
    }
    if text(&object, "/spec/updateStrategy/type") != "OnDelete" {
        roll(cx, &object, &hash, &mine, nodes.len());
    }
    write_status(cx, &object, &hash, nodes.len());
}

/// Old pods go while no more are missing than may be.
fn roll(cx: &mut Cluster, object: &Value, hash: &str, mine: &[Arc<Value>], nodes: usize) {
    let most = object
        .pointer("/spec/updateStrategy/rollingUpdate/maxUnavailable")
        .map_or(1, |v| share(v, nodes as i64, true))
        .max(1) as usize;
    let well = mine.iter().filter(|p| pods::active(p) && pods::ready(p)).count();
    let mut may_go = most.saturating_sub(nodes.saturating_sub(well));
    for pod in mine.iter().filter(|p| pods::active(p) && revisions::of_pod(p) != hash) {
        let unwell = !pods::ready(pod);
        if !unwell {
            if may_go == 0 {
                continue;
            }
            may_go -= 1;
        }
        cx.delete("pods", namespace(pod), name(pod));
        let message = format!("Deleted pod: {}", name(pod));
        events::tell(cx, object, "", NORMAL, "SuccessfulDelete", &message, COMPONENT);
    }
}

/// Whether a node is to run a pod of the set.
fn wants(object: &Value, node: &Value) -> bool {
    let Some(template) = object.pointer("/spec/template") else { return false };
    let taints = items(node, "/spec/taints").iter().all(|t| {
        // Sickness of a node does not end its daemons.
        text(t, "/key").starts_with("node.kubernetes.io/")
            || text(t, "/effect") == "PreferNoSchedule"
            || pods::tolerates(template, t).is_some()
    });
    taints && scheduler::selected(template, node)
}

/// The node that a daemon pod is for.
fn aimed_at(pod: &Value) -> &str {
    let node = text(pod, "/spec/nodeName");
    if node.is_empty() {
        text(
            pod,
            "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/0/matchFields/0/values/0",
        )
    } else {
        node
    }
}

fn make(cx: &mut Cluster, object: &Value, hash: &str, node: &str) {
    let ns = namespace(object).to_owned();
    let prefix = format!("{}-", name(object));
    let pod_name = cx.fresh_name("pods", &ns, &prefix);
    let mut template = object.pointer("/spec/template").cloned().unwrap_or(json!({}));
    let terms = json!([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}]);
    set(
        &mut template,
        &[
            "spec",
            "affinity",
            "nodeAffinity",
            "requiredDuringSchedulingIgnoredDuringExecution",
            "nodeSelectorTerms",
        ],
        terms,
    );
    let mut tolerations = items(&template, "/spec/tolerations").to_vec();
    for (key, effect) in [
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
    ] {
        tolerations.push(
            json!({"key": format!("node.kubernetes.io/{key}"), "operator": "Exists", "effect": effect}),
        );
    }
    set(&mut template, &["spec", "tolerations"], json!(tolerations));
    let generation = int(object, "/metadata/generation").to_string();
    let extra = [("controller-revision-hash", hash.to_owned()), ("pod-template-generation", generation)];
    let pod = pods::from_template(cx, &template, object, &pod_name, Some(&prefix), &extra);
    if cx.create("pods", pod).is_some() {
        let message = format!("Created pod: {pod_name}");
        events::tell(cx, object, "", NORMAL, "SuccessfulCreate", &message, COMPONENT);
    }
}

fn write_status(cx: &mut Cluster, object: &Value, hash: &str, wanted: usize) {
    let (ns, own) = (namespace(object).to_owned(), name(object).to_owned());
    let mut mine = cx.owned("pods", &ns, uid(object));
    mine.retain(|p| pods::active(p));
    let ready = mine.iter().filter(|p| pods::ready(p)).count();
    let updated = mine.iter().filter(|p| revisions::of_pod(p) == hash).count();
    let generation = int(object, "/metadata/generation");
    cx.update("daemonsets.apps", &ns, &own, |s| {
        for (key, n) in [
            ("currentNumberScheduled", mine.len().min(wanted)),
            ("desiredNumberScheduled", wanted),
            ("numberReady", ready),
            ("numberMisscheduled", 0),
            ("numberAvailable", ready),
            ("updatedNumberScheduled", updated),
            ("numberUnavailable", wanted.saturating_sub(ready)),
        ] {
            let optional = matches!(key, "numberAvailable" | "updatedNumberScheduled" | "numberUnavailable");
            if n == 0 && optional {
                crate::demo::json::unset(s, &["status", key]);
            } else {
                set(s, &["status", key], json!(n));
            }
        }
        set(s, &["status", "observedGeneration"], json!(generation));
    });
}
