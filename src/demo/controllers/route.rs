//! Who looks at what when an object changes. One table in the form of a function.

use serde_json::Value;

use super::{Cluster, garbage, scheduler};
use crate::demo::json::{
    controller, deleting, holds, map, name, namespace, selects, selects_plain, text, uid,
};

/// Tells the controllers that an object came (no old state), changed, or went (no new state).
pub fn changed(cx: &mut Cluster, resource: &'static str, old: Option<&Value>, new: Option<&Value>) {
    let Some(object) = new.or(old) else { return };
    let (ns, own_name) = (namespace(object).to_owned(), name(object).to_owned());
    if new.is_some() {
        cx.enqueue(resource, &ns, &own_name);
    }
    for state in [old, new].into_iter().flatten() {
        if let Some((kind, owner, _)) = controller(state)
            && let Some(owner_resource) = resource_of_kind(kind)
        {
            cx.enqueue(owner_resource, &ns, owner);
        }
    }
    match resource {
        "pods" => pod_changed(cx, &ns, old, new),
        "nodes" => {
            for set in cx.list("daemonsets.apps", None) {
                cx.enqueue("daemonsets.apps", namespace(&set), name(&set));
            }
            scheduler::retry(cx);
        }
        "endpointslices.discovery.k8s.io" if new.is_none() => {
            let service = map(object, "/metadata/labels")
                .and_then(|l| l.get("kubernetes.io/service-name"))
                .and_then(Value::as_str);
            if let Some(service) = service {
                cx.enqueue("services", &ns, service);
            }
        }
        "resourcequotas" => {
            // What was refused for want of quota is tried again.
            for set in cx.list("replicasets.apps", Some(&ns)) {
                if holds(&set, "ReplicaFailure") {
                    cx.enqueue("replicasets.apps", &ns, name(&set));
                }
            }
        }
        "namespaces" if new.is_none() => garbage::empty_namespace(cx, &own_name),
        _ => {}
    }
    match new {
        None => {
            garbage::owner_gone(cx, &ns, uid(object));
            garbage::waiting_owners(cx, object);
        }
        Some(new) if deleting(new) => garbage::foreground(cx, resource, new),
        Some(_) => {}
    }
}

/// A pod changed: its Services, its quota, its budgets, and those who wait for room.
fn pod_changed(cx: &mut Cluster, ns: &str, old: Option<&Value>, new: Option<&Value>) {
    let ready = |v: Option<&Value>| v.is_some_and(|v| holds(v, "Ready"));
    match new {
        Some(pod) if ready(new) && !ready(old) && !cx.clock.instant => {
            cx.ready_since.insert(uid(pod).to_owned(), cx.clock.now);
        }
        Some(pod) if !ready(new) => {
            cx.ready_since.remove(uid(pod));
        }
        Some(_) => {}
        None => {
            if let Some(pod) = old {
                cx.ready_since.remove(uid(pod));
                cx.kubelet.forget(uid(pod));
            }
        }
    }
    let labels = |v: Option<&Value>| v.and_then(|v| map(v, "/metadata/labels").cloned());
    let states = [labels(old), labels(new)];
    for service in cx.list("services", Some(ns)) {
        let selector = map(&service, "/spec/selector");
        if states.iter().any(|l| selects_plain(selector, l.as_ref())) {
            cx.enqueue("services", ns, name(&service));
        }
    }
    for budget in cx.list("poddisruptionbudgets.policy", Some(ns)) {
        let selector = budget.pointer("/spec/selector");
        if states.iter().any(|l| selects(selector, l.as_ref())) {
            cx.enqueue("poddisruptionbudgets.policy", ns, name(&budget));
        }
    }
    let phase = |v: Option<&Value>| v.map(|v| text(v, "/status/phase").to_owned());
    if old.is_none() || new.is_none() || phase(old) != phase(new) {
        for quota in cx.list("resourcequotas", Some(ns)) {
            cx.enqueue("resourcequotas", ns, name(&quota));
        }
    }
    if new.is_none() {
        scheduler::retry(cx);
    }
}

/// The resource of an owner's kind.
fn resource_of_kind(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "Deployment" => "deployments.apps",
        "ReplicaSet" => "replicasets.apps",
        "StatefulSet" => "statefulsets.apps",
        "DaemonSet" => "daemonsets.apps",
        "Job" => "jobs.batch",
        "CronJob" => "cronjobs.batch",
        "Rollout" => "rollouts.argoproj.io",
        "Service" => "services",
        _ => return None,
    })
}
