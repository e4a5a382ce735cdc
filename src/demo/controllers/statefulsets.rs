//! StatefulSets: pods with numbers and volumes, made in order, let go from the highest, changed from the
//! highest.

use std::sync::Arc;

use serde_json::{Value, json};

use super::events::{self, NORMAL};
use super::{Cluster, pods, revisions};
use crate::demo::json::{deleting, int, items, name, namespace, set, text, uid, unset};

/// Who speaks in events.
const COMPONENT: &str = "statefulset-controller";

/// Makes, lets go or changes at most one pod when order is asked for.
pub fn reconcile(cx: &mut Cluster, ns: &str, own: &str) {
    let Some(object) = cx.get("statefulsets.apps", ns, own) else { return };
    if deleting(&object) {
        return;
    }
    // Its pods are labelled with the whole name of the revision, those of a DaemonSet with the hash alone.
    let revision = format!("{own}-{}", revisions::ensure(cx, &object));
    let wanted = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1).max(0);
    let parallel = text(&object, "/spec/podManagementPolicy") == "Parallel";
    let mut mine: Vec<(i64, Arc<Value>)> = cx
        .owned("pods", ns, uid(&object))
        .into_iter()
        .filter_map(|p| ordinal(own, name(&p)).map(|n| (n, p)))
        .collect();
    mine.sort_by_key(|(n, _)| *n);
    move_on(cx, &object, &revision, wanted, parallel, &mine);
    write_status(cx, &object, &revision, wanted);
}

fn ordinal(own: &str, pod: &str) -> Option<i64> {
    pod.strip_prefix(own)?.strip_prefix('-')?.parse().ok()
}

fn well(pod: &Value) -> bool {
    pods::active(pod) && pods::ready(pod)
}

fn move_on(
    cx: &mut Cluster,
    object: &Value,
    revision: &str,
    wanted: i64,
    parallel: bool,
    mine: &[(i64, Arc<Value>)],
) {
    let ns = namespace(object).to_owned();
    for n in 0..wanted {
        match mine.iter().find(|(m, _)| *m == n) {
            None => {
                make(cx, object, revision, n);
                if !parallel && !cx.clock.instant {
                    return;
                }
            }
            Some((_, pod)) if pods::ended(pod) => {
                cx.delete("pods", &ns, name(pod));
                return;
            }
            Some((_, pod)) if !well(pod) && !parallel && !cx.clock.instant => {
                // A pod of an older template that never got well is replaced all the same.
                if pods::active(pod) && revisions::of_pod(pod) != revision && !pods::ready(pod) {
                    let_go(cx, object, pod);
                }
                return;
            }
            Some(_) => {}
        }
    }
    for (_, pod) in mine.iter().rev().filter(|(n, _)| *n >= wanted) {
        if pods::active(pod) {
            let_go(cx, object, pod);
        }
        if !parallel {
            return;
        }
    }
    if text(object, "/spec/updateStrategy/type") == "OnDelete" {
        return;
    }
    let first = int(object, "/spec/updateStrategy/rollingUpdate/partition");
    for (_, pod) in mine.iter().rev().filter(|(n, _)| *n >= first && *n < wanted) {
        if revisions::of_pod(pod) != revision {
            if pods::active(pod) {
                let_go(cx, object, pod);
            }
            return;
        }
        if !well(pod) {
            return;
        }
    }
}

fn let_go(cx: &mut Cluster, object: &Value, pod: &Value) {
    cx.delete("pods", namespace(pod), name(pod));
    let message = format!("Delete Pod {} in StatefulSet {} successful", name(pod), name(object));
    events::tell(cx, object, "", NORMAL, "SuccessfulDelete", &message, COMPONENT);
}

fn make(cx: &mut Cluster, object: &Value, revision: &str, n: i64) {
    let pod_name = format!("{}-{n}", name(object));
    let mut template = object.pointer("/spec/template").cloned().unwrap_or(json!({}));
    set(&mut template, &["spec", "hostname"], json!(pod_name));
    set(&mut template, &["spec", "subdomain"], object["spec"]["serviceName"].clone());
    for claim in items(object, "/spec/volumeClaimTemplates") {
        let claim_name = format!("{}-{pod_name}", name(claim));
        if let Some(volumes) = template["spec"]["volumes"].as_array_mut() {
            volumes.push(json!({"name": name(claim), "persistentVolumeClaim": {"claimName": claim_name}}));
        }
        bind_claim(cx, object, claim, &claim_name);
    }
    let extra = [
        ("controller-revision-hash", revision.to_owned()),
        ("statefulset.kubernetes.io/pod-name", pod_name.clone()),
        ("apps.kubernetes.io/pod-index", n.to_string()),
    ];
    let mut pod = pods::from_template(cx, &template, object, &pod_name, None, &extra);
    pod["metadata"]["generateName"] = json!(format!("{}-", name(object)));
    if cx.create("pods", pod).is_some() {
        let message = format!("Create Pod {pod_name} in StatefulSet {} successful", name(object));
        events::tell(cx, object, "", NORMAL, "SuccessfulCreate", &message, COMPONENT);
    }
}

/// The volume of a pod: a claim that is bound to a volume at once. Both stay when the pod goes.
fn bind_claim(cx: &mut Cluster, object: &Value, claim: &Value, claim_name: &str) {
    let ns = namespace(object).to_owned();
    if cx.store.entry("persistentvolumeclaims", &ns, claim_name).is_some() {
        return;
    }
    let volume = format!("pvc-{}", cx.seed.of(&ns).of(claim_name).uid());
    let size = claim.pointer("/spec/resources/requests/storage").cloned().unwrap_or(json!("1Gi"));
    let modes = claim.pointer("/spec/accessModes").cloned().unwrap_or(json!(["ReadWriteOnce"]));
    let class = cx.storage_class;
    let mut spec = claim.get("spec").cloned().unwrap_or(json!({}));
    spec["volumeName"] = json!(volume);
    spec["storageClassName"] = json!(class);
    cx.create("persistentvolumeclaims", json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": claim_name, "namespace": ns, "labels": object["spec"]["selector"]["matchLabels"],
                     "finalizers": ["kubernetes.io/pvc-protection"]},
        "spec": spec,
        "status": {"phase": "Bound", "accessModes": modes, "capacity": {"storage": size}},
    }));
    cx.create("persistentvolumes", json!({
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": volume, "finalizers": ["kubernetes.io/pv-protection"]},
        "spec": {"accessModes": modes, "capacity": {"storage": size}, "storageClassName": class,
                 "persistentVolumeReclaimPolicy": "Delete", "volumeMode": "Filesystem",
                 "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": claim_name, "namespace": ns},
                 "csi": {"driver": "disk.csi.example", "volumeHandle": volume}},
        "status": {"phase": "Bound"},
    }));
}

fn write_status(cx: &mut Cluster, object: &Value, revision: &str, wanted: i64) {
    let (ns, own) = (namespace(object).to_owned(), name(object).to_owned());
    let mine = cx.owned("pods", &ns, uid(object));
    let present = mine.iter().filter(|p| !pods::ended(p)).count();
    let ready = mine.iter().filter(|p| !pods::ended(p) && pods::ready(p)).count();
    let updated = mine.iter().filter(|p| !pods::ended(p) && revisions::of_pod(p) == revision).count();
    let update = revision.to_owned();
    let whole = updated as i64 >= wanted && ready as i64 >= wanted;
    let generation = int(object, "/metadata/generation");
    cx.update("statefulsets.apps", &ns, &own, |s| {
        let current = text(s, "/status/currentRevision").to_owned();
        let current = if whole || current.is_empty() { update.clone() } else { current };
        let with_current = if current == update { updated } else { present - updated.min(present) };
        set(s, &["status", "observedGeneration"], json!(generation));
        set(s, &["status", "replicas"], json!(present));
        set(s, &["status", "availableReplicas"], json!(ready));
        set(s, &["status", "collisionCount"], json!(0));
        set(s, &["status", "currentRevision"], json!(current));
        set(s, &["status", "updateRevision"], json!(update));
        for (key, n) in
            [("readyReplicas", ready), ("updatedReplicas", updated), ("currentReplicas", with_current)]
        {
            if n == 0 {
                unset(s, &["status", key]);
            } else {
                set(s, &["status", key], json!(n));
            }
        }
    });
}
