//! Nodes: cordons become taints; a node whose kubelet falls silent is marked, its pods are no longer
//! ready, and after the time that they tolerate they are evicted. Heartbeats and leases are renewed.

use std::time::Duration;

use serde_json::{Value, json};

use super::events::{self, NORMAL};
use super::{Cluster, kubelet, pods};
use crate::demo::json::{deleting, flag, holds, items, name, namespace, set, set_condition, text, uid};

/// Time between two heartbeats of a node (a real one writes its status this often when nothing changes).
const HEARTBEAT: Duration = Duration::from_secs(300);
/// The taint of a node that does not answer.
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
/// The taint of a cordoned node.
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// Looks at one node.
pub fn reconcile(cx: &mut Cluster, own: &str) {
    let Some(mut node) = cx.get("nodes", "", own) else { return };
    if items(&node, "/status/conditions").is_empty() {
        let Some(joined) = join(cx, own) else { return };
        node = joined;
    }
    mirror_cordon(cx, &node);
    evict(cx, own);
    heartbeat(cx, &node);
}

/// A node that somebody made has a kubelet, which answers at once.
fn join(cx: &mut Cluster, own: &str) -> Option<std::sync::Arc<Value>> {
    let stamp = cx.clock.stamp();
    let node = cx.update("nodes", "", own, |n| {
        for (kind, status, reason, message) in healthy() {
            set_condition(n, kind, status, reason, message, &stamp, &["lastHeartbeatTime"]);
        }
        // The older names of two labels, which the node controller keeps.
        for label in ["arch", "os"] {
            let value = n["metadata"]["labels"][format!("kubernetes.io/{label}")].clone();
            if !value.is_null() {
                set(n, &["metadata", "labels", &format!("beta.kubernetes.io/{label}")], value);
            }
        }
    })?;
    let message = format!("Node {own} event: Registered Node {own} in Controller");
    events::tell(cx, &node, "", NORMAL, "RegisteredNode", &message, "node-controller");
    Some(node)
}

/// The kubelet of a node falls silent, and the node is found not to answer.
pub fn fail(cx: &mut Cluster, own: &str) {
    if cx.get("nodes", "", own).is_none() || !cx.silent.insert(own.to_owned()) {
        return;
    }
    let stamp = cx.clock.stamp();
    let updated = cx.update("nodes", "", own, |n| {
        for kind in ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"] {
            set_condition(
                n,
                kind,
                "Unknown",
                "NodeStatusUnknown",
                "Kubelet stopped posting node status.",
                &stamp,
                &["lastHeartbeatTime"],
            );
        }
        add_taint(n, UNREACHABLE, "NoSchedule", Some(&stamp));
        add_taint(n, UNREACHABLE, "NoExecute", Some(&stamp));
    });
    let Some(node) = updated else { return };
    let message = format!("Node {own} status is now: NodeNotReady");
    events::tell(cx, &node, "", NORMAL, "NodeNotReady", &message, "node-controller");
    for pod in on_node(cx, own) {
        cx.update("pods", namespace(&pod), name(&pod), |p| {
            set_condition(p, "Ready", "False", "", "", &stamp, &[]);
        });
        events::tell(cx, &pod, "", events::WARNING, "NodeNotReady", "Node is not ready", "node-controller");
    }
    cx.progress.insert(format!("unreachable {own}"), cx.clock.now);
    evict(cx, own);
}

/// The kubelet of a node is back.
pub fn recover(cx: &mut Cluster, own: &str) {
    if !cx.silent.remove(own) {
        return;
    }
    let stamp = cx.clock.stamp();
    cx.progress.remove(&format!("unreachable {own}"));
    let updated = cx.update("nodes", "", own, |n| {
        for (kind, status, reason, message) in healthy() {
            set_condition(n, kind, status, reason, message, &stamp, &["lastHeartbeatTime"]);
        }
        drop_taint(n, UNREACHABLE);
    });
    if let Some(node) = updated {
        let message = format!("Node {own} status is now: NodeReady");
        events::tell(cx, &node, "", NORMAL, "NodeReady", &message, "kubelet");
    }
    kubelet::node_back(cx, own);
}

/// The conditions of a node that is well.
pub fn healthy() -> [(&'static str, &'static str, &'static str, &'static str); 5] {
    [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ("NetworkUnavailable", "False", "RouteCreated", "RouteController created a route"),
    ]
}

/// Pods leave a node that does not answer after the time that they tolerate it.
fn evict(cx: &mut Cluster, own: &str) {
    let Some(since) = cx.progress.get(&format!("unreachable {own}")).copied() else { return };
    let Some(node) = cx.get("nodes", "", own) else { return };
    let Some(taint) = items(&node, "/spec/taints")
        .iter()
        .find(|t| text(t, "/key") == UNREACHABLE && text(t, "/effect") == "NoExecute")
        .cloned()
    else {
        return;
    };
    let mut soonest: Option<Duration> = None;
    for pod in on_node(cx, own) {
        if deleting(&pod) || pods::ended(&pod) {
            continue;
        }
        let at = match pods::tolerates(&pod, &taint) {
            Some(None) => continue,
            Some(Some(secs)) => since + Duration::from_secs(secs.max(0).unsigned_abs()),
            None => since,
        };
        if at > cx.clock.now {
            soonest = Some(soonest.map_or(at, |s| s.min(at)));
            continue;
        }
        let (ns, pod_name, stamp) = (namespace(&pod).to_owned(), name(&pod).to_owned(), cx.clock.stamp());
        cx.update("pods", &ns, &pod_name, |p| {
            set_condition(
                p,
                "DisruptionTarget",
                "True",
                "DeletionByTaintManager",
                "Taint manager: deleting due to NoExecute taint",
                &stamp,
                &[],
            );
        });
        let message = format!("Marking for deletion Pod {ns}/{pod_name}");
        events::tell(cx, &pod, "", NORMAL, "TaintManagerEviction", &message, "taint-eviction-controller");
        cx.delete("pods", &ns, &pod_name);
    }
    if let Some(at) = soonest {
        cx.again(at - cx.clock.now, "nodes", "", own);
    }
}

fn on_node(cx: &Cluster, own: &str) -> Vec<std::sync::Arc<Value>> {
    cx.list("pods", None).into_iter().filter(|p| text(p, "/spec/nodeName") == own).collect()
}

/// A cordon is a field for people and a taint for the scheduler.
fn mirror_cordon(cx: &mut Cluster, node: &Value) {
    let cordoned = flag(node, "/spec/unschedulable");
    let tainted = items(node, "/spec/taints").iter().any(|t| text(t, "/key") == UNSCHEDULABLE);
    if cordoned == tainted {
        return;
    }
    let stamp = cx.clock.stamp();
    cx.update("nodes", "", name(node), |n| {
        if cordoned {
            add_taint(n, UNSCHEDULABLE, "NoSchedule", Some(&stamp));
        } else {
            drop_taint(n, UNSCHEDULABLE);
        }
    });
    let reason = if cordoned { "NodeNotSchedulable" } else { "NodeSchedulable" };
    let message = format!("Node {} status is now: {reason}", name(node));
    events::tell(cx, node, "", NORMAL, reason, &message, "kubelet");
}

fn add_taint(node: &mut Value, key: &str, effect: &str, since: Option<&str>) {
    let mut taints = items(node, "/spec/taints").to_vec();
    if !taints.iter().any(|t| text(t, "/key") == key && text(t, "/effect") == effect) {
        let mut taint = json!({"key": key, "effect": effect});
        if let Some(since) = since {
            taint["timeAdded"] = json!(since);
        }
        taints.push(taint);
        set(node, &["spec", "taints"], json!(taints));
    }
}

fn drop_taint(node: &mut Value, key: &str) {
    let mut taints = items(node, "/spec/taints").to_vec();
    taints.retain(|t| text(t, "/key") != key);
    if taints.is_empty() {
        crate::demo::json::unset(node, &["spec", "taints"]);
    } else {
        set(node, &["spec", "taints"], json!(taints));
    }
}

/// A node that answers says so every five minutes.
fn heartbeat(cx: &mut Cluster, node: &Value) {
    let alarm = format!("heartbeat {}", uid(node));
    match cx.progress.get(&alarm).copied() {
        Some(at) if at > cx.clock.now => return,
        Some(_) if holds(node, "Ready") && !cx.silent.contains(name(node)) => {
            let stamp = cx.clock.stamp();
            cx.update("nodes", "", name(node), |n| {
                let conditions = n.pointer_mut("/status/conditions").and_then(Value::as_array_mut);
                for condition in conditions.into_iter().flatten() {
                    condition["lastHeartbeatTime"] = json!(stamp);
                }
            });
        }
        _ => {}
    }
    cx.progress.insert(alarm, cx.clock.now + HEARTBEAT);
    cx.again(HEARTBEAT, "nodes", "", name(node));
}
