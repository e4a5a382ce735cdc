//! Pods as a change sees them: who makes them again, whether they can be evicted, which of them are asked for. Pure.

use serde_json::Value;

use super::gather::{controller_of, uid_of};
use super::json::{flag, list, note, text};
use crate::connect::paths;
use crate::domain::id::{ClusterId, Kind, ObjectRef, Uid};

/// The labels by which a controller of this kind tells its pods: it gives them itself, and what loses its one is no longer its
/// own. Of any other label nobody can say whether all pods of a controller have it.
const GIVEN: [(&str, &str); 3] = [
    ("ReplicaSet", "pod-template-hash"),
    ("ReplicaSet", "rollouts-pod-template-hash"),
    ("Job", "batch.kubernetes.io/controller-uid"),
];

/// What a drain makes of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It stays: a DaemonSet would make it again on the same node, or the kubelet itself runs it.
    Stays,
    /// It is evicted, and made again elsewhere.
    Goes,
    /// It is evicted, and nobody makes it again.
    Lost,
    /// It is evicted, with what it keeps in an emptyDir.
    Empties,
}

/// What a drain makes of a pod.
pub(super) fn fate(pod: &Value) -> Fate {
    let controller = controller_of(pod);
    if is_mirror(pod) || controller.as_ref().is_some_and(|owner| owner.kind == "DaemonSet") {
        return Fate::Stays;
    }
    if has_ended(pod) {
        return Fate::Goes;
    }
    if controller.is_none() {
        return Fate::Lost;
    }
    match list(pod, "/spec/volumes").any(|volume| volume.get("emptyDir").is_some()) {
        true => Fate::Empties,
        false => Fate::Goes,
    }
}

/// Whether its containers have ended for good.
pub(super) fn has_ended(pod: &Value) -> bool {
    matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
}

/// Whether it is on its way out.
pub(super) fn is_ending(pod: &Value) -> bool {
    !text(pod, "/metadata/deletionTimestamp").is_empty()
}

/// Whether it is ready, and stays.
pub(super) fn is_ready(pod: &Value) -> bool {
    let ready = |one: &Value| text(one, "/type") == "Ready" && text(one, "/status") == "True";
    !is_ending(pod) && list(pod, "/status/conditions").any(ready)
}

/// Since when it has been ready, in seconds since the Unix epoch; `None` when it is not, or does not tell.
pub(super) fn ready_since(pod: &Value) -> Option<i64> {
    let ready = |one: &&Value| text(one, "/type") == "Ready" && text(one, "/status") == "True";
    let condition = list(pod, "/status/conditions").find(ready).filter(|_| !is_ending(pod))?;
    let at: jiff::Timestamp = text(condition, "/lastTransitionTime").parse().ok()?;
    Some(at.as_second())
}

/// Ready pods of a controller, without one of them.
pub(super) fn ready_of(pods: &[Value], controller: Uid, without: Uid) -> usize {
    let own = pods.iter().filter(|pod| controller_of(pod).is_some_and(|owner| owner.uid == controller));
    own.filter(|pod| is_ready(pod) && uid_of(pod) != without).count()
}

/// The pod, by identity.
pub(super) fn reference(cluster: ClusterId, pod: &Value) -> ObjectRef {
    ObjectRef {
        cluster,
        kind: Kind::Pod,
        namespace: text(pod, "/metadata/namespace").into(),
        name: text(pod, "/metadata/name").into(),
        uid: uid_of(pod),
    }
}

/// The path of the pods that are asked for: of a node those on it; of a pod those of its namespace, fewer where its controller
/// tells them by a label. Whose they are is told by their owners.
pub(super) fn path(object: &ObjectRef, live: &Value) -> String {
    if object.kind == Kind::Node {
        return format!("{}?fieldSelector=spec.nodeName%3D{}", paths::collection(Kind::Pod, ""), object.name);
    }
    let path = paths::collection(Kind::Pod, &object.namespace);
    let kind = controller_of(live).map(|owner| owner.kind).unwrap_or_default();
    let mut given = GIVEN.iter().filter(|(of, _)| *of == kind);
    // Keys and values of labels have no characters that mean anything in a query but the slash, which is none there.
    match given.find_map(|(_, key)| Some((key, note(live, "labels", key)?))) {
        Some((key, value)) => format!("{path}?labelSelector={key}%3D{value}"),
        None => path,
    }
}

/// How long it may take to end, in seconds.
pub(super) fn grace(pod: &Value) -> u64 {
    super::json::count(pod, "/spec/terminationGracePeriodSeconds").unwrap_or(30)
}

/// Whether a pod is the kubelet's own, which the API server only mirrors.
pub(super) fn is_mirror(pod: &Value) -> bool {
    note(pod, "annotations", "kubernetes.io/config.mirror").is_some()
}

/// Whether a node takes no new pods.
pub(super) fn is_cordoned(node: &Value) -> bool {
    flag(node, "/spec/unschedulable")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::testing::pod;
    use serde_json::json;

    #[test]
    fn a_drain_knows_which_pods_stay_and_which_are_lost() {
        assert_eq!(fate(&pod("a", Some("ReplicaSet"))), Fate::Goes);
        assert_eq!(fate(&pod("a", Some("DaemonSet"))), Fate::Stays);
        assert_eq!(fate(&pod("a", None)), Fate::Lost);
        let mut mirror = pod("a", None);
        mirror["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "x"});
        assert_eq!(fate(&mirror), Fate::Stays);
        let mut keeps = pod("a", Some("ReplicaSet"));
        keeps["spec"]["volumes"] = json!([{"name": "cache", "emptyDir": {}}]);
        assert_eq!(fate(&keeps), Fate::Empties);
        let mut ended = pod("a", None);
        ended["status"]["phase"] = json!("Succeeded");
        assert_eq!(fate(&ended), Fate::Goes);
    }

    #[test]
    fn pods_beside_a_pod_are_asked_for_by_no_label_that_it_may_have_alone() {
        // The one that leads, and one that somebody looks into.
        let mut live = pod("cart-0", Some("StatefulSet"));
        live["metadata"]["labels"] =
            json!({"app.kubernetes.io/name": "cart", "role": "master", "debug": "1"});
        let object = reference(ClusterId(0), &live);
        assert_eq!(path(&object, &live), "/api/v1/namespaces/shop/pods");
        live["metadata"]["ownerReferences"][0]["kind"] = json!("ReplicaSet");
        live["metadata"]["labels"]["pod-template-hash"] = json!("7d9c");
        assert_eq!(
            path(&object, &live),
            "/api/v1/namespaces/shop/pods?labelSelector=pod-template-hash%3D7d9c"
        );
    }
}
