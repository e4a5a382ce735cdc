//! The scheduler: a node for each pod that has none. Filters like the real one (readiness, cordons,
//! taints, node selectors, room), then spreads pods of one owner and fills the emptiest node.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::events::{self, NORMAL, WARNING};
use super::{Cluster, kubelet, pods};
use crate::demo::json::{
    controller, flag, holds, items, map, millis, name, namespace, set, set_condition, text,
};

/// Finds a node for a pod and writes it down. False when there is none: the pod says so and waits.
pub fn bind(cx: &mut Cluster, pod: &Value) -> bool {
    let (ns, own) = (namespace(pod).to_owned(), name(pod).to_owned());
    let stamp = cx.clock.stamp();
    match choose(cx, pod) {
        Ok(node) => {
            // While the past is made, the kubelet writes it down with all the rest.
            if cx.clock.instant {
                let mut bound = pod.clone();
                set(&mut bound, &["spec", "nodeName"], json!(node));
                kubelet::up_at_once(cx, &bound);
            } else {
                cx.update("pods", &ns, &own, |p| {
                    set(p, &["spec", "nodeName"], json!(node));
                    set_condition(p, "PodScheduled", "True", "", "", &stamp, &[]);
                });
            }
            let message = format!("Successfully assigned {ns}/{own} to {node}");
            events::tell(cx, pod, "", NORMAL, "Scheduled", &message, "default-scheduler");
            true
        }
        Err(message) => {
            let changed = cx.update("pods", &ns, &own, |p| {
                set_condition(p, "PodScheduled", "False", "Unschedulable", &message, &stamp, &[]);
            });
            if changed.is_some() {
                events::tell(cx, pod, "", WARNING, "FailedScheduling", &message, "default-scheduler");
            }
            false
        }
    }
}

/// Room may have come: the pods that wait for a node are looked at again.
pub fn retry(cx: &mut Cluster) {
    for pod in cx.list("pods", None) {
        let waits =
            crate::demo::json::condition(&pod, "PodScheduled").is_some_and(|c| text(c, "/status") == "False");
        if waits && text(&pod, "/spec/nodeName").is_empty() {
            cx.enqueue("pods", namespace(&pod), name(&pod));
        }
    }
}

/// The best node, or why none fits in the scheduler's words.
fn choose(cx: &Cluster, pod: &Value) -> Result<String, String> {
    let nodes = cx.list("nodes", None);
    let used = usage(cx);
    let (cpu, memory) = pods::requests(pod);
    let mut refusals: BTreeMap<String, usize> = BTreeMap::new();
    let mut fitting: Vec<(i64, i64, u64, String)> = Vec::new();
    let owner = controller(pod).map(|(_, _, uid)| uid.to_owned());
    for node in &nodes {
        let node_name = name(node);
        match refusal(pod, node, used.get(node_name), cpu, memory) {
            Some(why) => *refusals.entry(why).or_insert(0) += 1,
            None => {
                let siblings = cx
                    .list("pods", Some(namespace(pod)))
                    .iter()
                    .filter(|p| {
                        text(p, "/spec/nodeName") == node_name
                            && pods::active(p)
                            && controller(p).map(|(_, _, uid)| uid.to_owned()) == owner
                    })
                    .count() as i64;
                let (taken, _, _) = used.get(node_name).copied().unwrap_or_default();
                let share = taken * 100 / node.pointer("/status/allocatable/cpu").map_or(1, millis).max(1);
                let chance = cx.seed.of(name(pod)).of(node_name).number();
                fitting.push((siblings, share, chance, node_name.to_owned()));
            }
        }
    }
    fitting.sort();
    if let Some((_, _, _, node)) = fitting.into_iter().next() {
        return Ok(node);
    }
    let reasons: Vec<String> = refusals.iter().map(|(why, n)| format!("{n} {why}")).collect();
    Err(format!(
        "0/{} nodes are available: {}. preemption: 0/{} nodes are available: {} Preemption is not helpful for scheduling.",
        nodes.len(),
        reasons.join(", "),
        nodes.len(),
        nodes.len()
    ))
}

/// What is taken on each node: thousandths of a core, bytes, pods.
fn usage(cx: &Cluster) -> BTreeMap<String, (i64, i64, i64)> {
    let mut used: BTreeMap<String, (i64, i64, i64)> = BTreeMap::new();
    for pod in cx.list("pods", None) {
        let node = text(&pod, "/spec/nodeName");
        if !node.is_empty() && !pods::ended(&pod) {
            let (cpu, memory) = pods::requests(&pod);
            let sum = used.entry(node.to_owned()).or_default();
            *sum = (sum.0 + cpu, sum.1 + memory, sum.2 + 1);
        }
    }
    used
}

/// Why a node does not take a pod, in the scheduler's words.
fn refusal(
    pod: &Value,
    node: &Arc<Value>,
    used: Option<&(i64, i64, i64)>,
    cpu: i64,
    memory: i64,
) -> Option<String> {
    if flag(node, "/spec/unschedulable") && !pods::of_daemon(pod) {
        return Some("node(s) were unschedulable".into());
    }
    let taint = items(node, "/spec/taints")
        .iter()
        .find(|t| text(t, "/effect") != "PreferNoSchedule" && pods::tolerates(pod, t).is_none());
    if let Some(taint) = taint {
        let (key, value) = (text(taint, "/key"), text(taint, "/value"));
        return Some(format!("node(s) had untolerated taint(s) {{{key}: {value}}}"));
    }
    if !holds(node, "Ready") && !pods::of_daemon(pod) {
        return Some("node(s) were not ready".into());
    }
    if !selected(pod, node) {
        return Some("node(s) didn't match Pod's node affinity/selector".into());
    }
    let (taken_cpu, taken_memory, count) = used.copied().unwrap_or_default();
    let room = |r: &str| node.pointer(&format!("/status/allocatable/{r}")).map_or(0, millis);
    if count + 1 > room("pods") / 1000 {
        return Some("Too many pods".into());
    }
    if taken_cpu + cpu > room("cpu") {
        return Some("Insufficient cpu".into());
    }
    if taken_memory + memory > room("memory") / 1000 {
        return Some("Insufficient memory".into());
    }
    None
}

/// Whether a node is one that a pod asks for by selector or by a required node affinity.
pub fn selected(pod: &Value, node: &Value) -> bool {
    let labels = map(node, "/metadata/labels");
    let plain = map(pod, "/spec/nodeSelector")
        .is_none_or(|s| s.iter().all(|(k, v)| labels.and_then(|l| l.get(k)) == Some(v)));
    let terms = items(
        pod,
        "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms",
    );
    plain
        && (terms.is_empty()
            || terms.iter().any(|term| {
                let fields = items(term, "/matchFields").iter().all(|f| {
                    text(f, "/key") != "metadata.name"
                        || items(f, "/values").iter().any(|v| v.as_str() == Some(name(node)))
                });
                fields && crate::demo::json::selects(Some(term), labels)
            }))
}
