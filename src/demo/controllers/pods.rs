//! How pods are made from templates: what a real API server and its admission add to one (token volume,
//! default tolerations, default fields), and what the controllers ask of pods later.

use serde_json::{Value, json};

use super::Cluster;
use crate::demo::json::{
    controller, deleting, entry, flag, holds, int, items, map, millis, name, set, text, uid,
};

/// Makes a pod of a template, owned by `owner`, with extra labels. It is not stored.
pub fn from_template(
    cx: &mut Cluster,
    template: &Value,
    owner: &Value,
    pod_name: &str,
    generate: Option<&str>,
    extra: &[(&str, String)],
) -> Value {
    let ns = text(owner, "/metadata/namespace").to_owned();
    let mut labels = template.pointer("/metadata/labels").cloned().unwrap_or(json!({}));
    for (key, value) in extra {
        labels[*key] = json!(value);
    }
    let mut metadata = json!({
        "name": pod_name, "namespace": ns, "labels": labels,
        "ownerReferences": [reference(owner)],
    });
    if let Some(prefix) = generate {
        metadata["generateName"] = json!(prefix);
    }
    if let Some(annotations) = template.pointer("/metadata/annotations")
        && annotations.as_object().is_some_and(|a| !a.is_empty())
    {
        metadata["annotations"] = annotations.clone();
    }
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata,
        "spec": template.get("spec").cloned().unwrap_or(json!({})),
        "status": {"phase": "Pending"},
    });
    let token = cx.seed.of("token").of(pod_name).suffix(5);
    complete(&mut pod, &token);
    let (qos, manager) = (qos_class(&pod), manager_of(text(owner, "/kind")));
    pod["status"]["qosClass"] = json!(qos);
    pod["metadata"]["managedFields"] = managed_fields(&pod, manager, &cx.clock.stamp());
    pod
}

/// The owner reference of a managing owner.
pub fn reference(owner: &Value) -> Value {
    json!({"apiVersion": text(owner, "/apiVersion"), "kind": text(owner, "/kind"), "name": name(owner),
           "uid": uid(owner), "controller": true, "blockOwnerDeletion": true})
}

/// Fills what the API server and its admission fill in a pod.
pub fn complete(pod: &mut Value, token: &str) {
    let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    let defaults = [
        ("restartPolicy", json!("Always")),
        ("terminationGracePeriodSeconds", json!(30)),
        ("dnsPolicy", json!("ClusterFirst")),
        ("schedulerName", json!("default-scheduler")),
        ("serviceAccountName", json!("default")),
        ("enableServiceLinks", json!(true)),
        ("preemptionPolicy", json!("PreemptLowerPriority")),
        ("securityContext", json!({})),
        ("priority", json!(0)),
    ];
    for (key, value) in defaults {
        spec.entry(key).or_insert(value);
    }
    if spec.get("priorityClassName").and_then(Value::as_str) == Some("system-node-critical") {
        spec.insert("priority".into(), json!(2_000_001_000));
    }
    let account = spec.get("serviceAccountName").cloned().unwrap_or(Value::Null);
    spec.insert("serviceAccount".into(), account);
    let volume = format!("kube-api-access-{token}");
    let volumes = spec.entry("volumes").or_insert(json!([]));
    if let Some(volumes) = volumes.as_array_mut() {
        volumes.push(json!({"name": volume, "projected": {"defaultMode": 420, "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{"path": "namespace",
                "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}}]}}));
    }
    for list in ["initContainers", "containers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let Some(container) = container.as_object_mut() else { continue };
            for (key, value) in [
                ("terminationMessagePath", json!("/dev/termination-log")),
                ("terminationMessagePolicy", json!("File")),
                ("imagePullPolicy", json!("IfNotPresent")),
                ("resources", json!({})),
            ] {
                container.entry(key).or_insert(value);
            }
            let mounts = container.entry("volumeMounts").or_insert(json!([]));
            if let Some(mounts) = mounts.as_array_mut() {
                mounts.push(json!({"name": volume, "readOnly": true,
                                   "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}));
            }
        }
    }
    let tolerations = spec.entry("tolerations").or_insert(json!([]));
    if let Some(list) = tolerations.as_array_mut() {
        for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
            let known = list.iter().any(|t| {
                text(t, "/key") == key || (text(t, "/key").is_empty() && text(t, "/operator") == "Exists")
            });
            if !known {
                list.push(json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}));
            }
        }
    }
}

/// The quality of service of a pod, as the kubelet works it out.
pub fn qos_class(pod: &Value) -> &'static str {
    let mut any = false;
    let mut guaranteed = true;
    for container in containers(pod) {
        for resource in ["cpu", "memory"] {
            let request = container.pointer(&format!("/resources/requests/{resource}"));
            let limit = container.pointer(&format!("/resources/limits/{resource}"));
            any |= request.is_some() || limit.is_some();
            let same = match (request, limit) {
                (Some(r), Some(l)) => millis(r) == millis(l),
                (None, Some(_)) => true,
                _ => false,
            };
            guaranteed &= same;
        }
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

/// Init and app containers.
pub fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    items(pod, "/spec/initContainers").iter().chain(items(pod, "/spec/containers"))
}

/// What a pod asks of a node: thousandths of a core and bytes, as the scheduler counts them (the app
/// containers together, or the largest init container).
pub fn requests(pod: &Value) -> (i64, i64) {
    let of = |c: &Value| {
        let get = |r: &str| c.pointer(&format!("/resources/requests/{r}")).map_or(0, millis);
        (get("cpu"), get("memory") / 1000)
    };
    let sum = items(pod, "/spec/containers").iter().map(of).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    items(pod, "/spec/initContainers").iter().map(of).fold(sum, |a, b| (a.0.max(b.0), a.1.max(b.1)))
}

/// Whether a pod has ended for good.
pub fn ended(pod: &Value) -> bool {
    matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
}

/// Whether a pod counts for its owner: neither ended nor being deleted.
pub fn active(pod: &Value) -> bool {
    !ended(pod) && !deleting(pod)
}

/// Whether a pod is ready.
pub fn ready(pod: &Value) -> bool {
    holds(pod, "Ready")
}

/// Whether a DaemonSet manages a pod.
pub fn of_daemon(pod: &Value) -> bool {
    controller(pod).is_some_and(|(kind, _, _)| kind == "DaemonSet")
}

/// The order in which pods of one owner are let go: the least useful first.
pub fn deletion_rank(pod: &Value) -> (bool, u8, bool, i64, std::cmp::Reverse<i64>) {
    let phase = match text(pod, "/status/phase") {
        "Pending" | "" => 0,
        "Unknown" => 1,
        _ => 2,
    };
    let cost = entry(pod, "/metadata/annotations", "controller.kubernetes.io/pod-deletion-cost");
    let created =
        text(pod, "/metadata/creationTimestamp").parse::<jiff::Timestamp>().map_or(0, |t| t.as_second());
    (
        !text(pod, "/spec/nodeName").is_empty(),
        phase,
        ready(pod),
        cost.parse().unwrap_or(0),
        std::cmp::Reverse(created),
    )
}

/// Whether a pod tolerates a taint; for how many seconds if not for ever.
pub fn tolerates(pod: &Value, taint: &Value) -> Option<Option<i64>> {
    items(pod, "/spec/tolerations").iter().find_map(|t| {
        let effect = text(t, "/effect");
        let key = text(t, "/key");
        let fits = (effect.is_empty() || effect == text(taint, "/effect"))
            && match text(t, "/operator") {
                "Exists" => key.is_empty() || key == text(taint, "/key"),
                _ => key == text(taint, "/key") && text(t, "/value") == text(taint, "/value"),
            };
        fits.then(|| t.get("tolerationSeconds").and_then(Value::as_i64))
    })
}

/// Whether a pod tolerates all taints of a node that keep pods away.
pub fn tolerates_node(pod: &Value, node: &Value) -> bool {
    items(node, "/spec/taints")
        .iter()
        .filter(|t| text(t, "/effect") != "PreferNoSchedule")
        .all(|t| tolerates(pod, t).is_some())
}

/// Whether a node wants pods at all.
pub fn schedulable(node: &Value) -> bool {
    !flag(node, "/spec/unschedulable") && holds(node, "Ready")
}

/// The restarts of all containers of a pod.
pub fn restarts(pod: &Value) -> i64 {
    items(pod, "/status/containerStatuses").iter().map(|c| int(c, "/restartCount")).sum()
}

/// The manager that a real server would name for the pods of an owner.
fn manager_of(kind: &str) -> &'static str {
    match kind {
        "Rollout" => "rollouts-controller",
        _ => "kube-controller-manager",
    }
}

/// The field ownership that a real server would show, for one writer.
fn managed_fields(pod: &Value, manager: &str, stamp: &str) -> Value {
    let mut labels = json!({".": {}});
    for key in map(pod, "/metadata/labels").into_iter().flat_map(|l| l.keys()) {
        labels[format!("f:{key}")] = json!({});
    }
    let mut all = json!({});
    for container in items(pod, "/spec/containers") {
        let mut fields = json!({".": {}});
        for key in container.as_object().into_iter().flat_map(|c| c.keys()) {
            fields[format!("f:{key}")] = json!({});
        }
        all[format!("k:{{\"name\":\"{}\"}}", text(container, "/name"))] = fields;
    }
    let mut spec = json!({});
    for key in map(pod, "/spec").into_iter().flat_map(|s| s.keys()) {
        set(&mut spec, &[&format!("f:{key}")], json!({}));
    }
    spec["f:containers"] = all;
    json!([{"manager": manager, "operation": "Update", "apiVersion": "v1", "time": stamp,
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:metadata": {"f:generateName": {}, "f:labels": labels, "f:ownerReferences": {".": {}}},
                         "f:spec": spec}}])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quality_of_service_is_worked_out_from_requests_and_limits() {
        let pod = |resources: Value| json!({"spec": {"containers": [{"resources": resources}]}});
        assert_eq!(qos_class(&pod(json!({}))), "BestEffort");
        assert_eq!(qos_class(&pod(json!({"requests": {"cpu": "1"}}))), "Burstable");
        let both = json!({"cpu": "1", "memory": "1Gi"});
        assert_eq!(qos_class(&pod(json!({"requests": both, "limits": both}))), "Guaranteed");
    }

    #[test]
    fn tolerations_know_time_and_operators() {
        let pod = json!({"spec": {"tolerations": [
            {"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30},
            {"key": "b", "operator": "Equal", "value": "x", "effect": "NoSchedule"}]}});
        assert_eq!(tolerates(&pod, &json!({"key": "a", "effect": "NoExecute"})), Some(Some(30)));
        assert_eq!(tolerates(&pod, &json!({"key": "a", "effect": "NoSchedule"})), None);
        assert_eq!(tolerates(&pod, &json!({"key": "b", "value": "x", "effect": "NoSchedule"})), Some(None));
        assert_eq!(tolerates(&pod, &json!({"key": "b", "value": "y", "effect": "NoSchedule"})), None);
    }
}
