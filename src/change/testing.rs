//! Objects and orders for the tests of this room.

use serde_json::{Value, json};

use super::actions::named;
use super::gather::{Facts, uid_of};
use super::intent::{Around, Free, Intent, Order, Place, Switched, With};
use crate::domain::id::{ClusterId, Kind, ObjectRef, Uid};
use crate::domain::time::{Now, Stamp};
use crate::domain::traffic::Switching;

/// 2026-11-21 14:32:00 UTC.
pub(super) const NOW: Now = Now { wall: Stamp(1_795_271_520), mono: std::time::Duration::from_secs(100) };

/// A Deployment of three pods at revision 4.
pub(super) fn deployment() -> Value {
    json!({
        "kind": "Deployment", "apiVersion": "apps/v1",
        "metadata": {
            "name": "cart", "namespace": "shop", "uid": "0d3f8a52-19c4-4e58-9f0a-7c1de2b3a405",
            "resourceVersion": "77", "generation": 4, "annotations": {"deployment.kubernetes.io/revision": "4"},
        },
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "cart"}}, "template": template("1.31.0")},
        "status": {"observedGeneration": 4, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3},
    })
}

/// A template of this release.
pub(super) fn template(release: &str) -> Value {
    json!({"metadata": {"labels": {"app": "cart"}}, "spec": {"containers": [{
        "name": "cart", "image": format!("registry.example/cart:{release}"),
        "resources": {"requests": {"cpu": "250m", "memory": "64Mi"}}}]}})
}

/// A ReplicaSet of this revision and release.
pub(super) fn replica_set(revision: u64, release: &str) -> Value {
    let mut template = template(release);
    template["metadata"]["labels"]["pod-template-hash"] = json!("7d9c");
    json!({"metadata": {"name": format!("cart-{revision}"),
        "annotations": {"deployment.kubernetes.io/revision": revision.to_string()}},
        "spec": {"template": template}})
}

/// An autoscaler of the Deployment.
pub(super) fn autoscaler(name: &str, min: u32, max: u32) -> Value {
    json!({"metadata": {"name": name, "uid": "1d3f8a52-19c4-4e58-9f0a-7c1de2b3a405", "resourceVersion": "5"},
        "spec": {"minReplicas": min, "maxReplicas": max, "scaleTargetRef": {"kind": "Deployment", "name": "cart"}}})
}

/// What is known of the Deployment.
pub(super) fn facts() -> Facts {
    let live = deployment();
    Facts {
        object: ObjectRef {
            cluster: ClusterId(0),
            kind: Kind::Deployment,
            namespace: "shop".into(),
            name: "cart".into(),
            uid: uid_of(&live),
        },
        live,
        autoscalers: Ok(Vec::new()),
        scaled_objects: Ok(Vec::new()),
        replica_sets: Ok(Vec::new()),
        budgets: Ok(Vec::new()),
        quotas: Ok(Vec::new()),
        pods: Ok(Vec::new()),
        slices: Ok(Vec::new()),
        unpausing: Ok(()),
        switched: None,
        smoke: None,
        deliverers: Vec::new(),
        scaler_deliverers: Vec::new(),
        now: NOW,
    }
}

/// A CronJob.
pub(super) fn cron_job() -> Value {
    json!({
        "kind": "CronJob", "apiVersion": "batch/v1",
        "metadata": {"name": "cart", "namespace": "shop", "uid": "2d3f8a52-19c4-4e58-9f0a-7c1de2b3a405"},
        "spec": {"schedule": "*/5 * * * *", "suspend": false, "jobTemplate": {
            "metadata": {"labels": {"app": "cart"}, "annotations": {"team": "shop"}},
            "spec": {"template": template("1.31.0")}}},
    })
}

/// A ready pod, and what controls it.
pub(super) fn pod(name: &str, controller: Option<&str>) -> Value {
    let mut pod = json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {"name": name, "namespace": "shop", "uid": Uid::parse(name).to_string(), "labels": {"app": "cart"}},
        "spec": {"nodeName": "worker-1", "terminationGracePeriodSeconds": 30, "containers": [{"name": "cart"}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    });
    if let Some(kind) = controller {
        pod["metadata"]["ownerReferences"] = json!([{"kind": kind, "name": "cart-7d9c", "uid": "4d3f8a52-19c4-4e58-9f0a-7c1de2b3a405", "controller": true}]);
    }
    pod
}

/// A node.
pub(super) fn node() -> Value {
    json!({
        "kind": "Node", "apiVersion": "v1",
        "metadata": {"name": "worker-1", "uid": "3d3f8a52-19c4-4e58-9f0a-7c1de2b3a405"},
        "spec": {}, "status": {},
    })
}

/// What is known of another object.
pub(super) fn facts_of(kind: Kind, live: Value) -> Facts {
    let text = |pointer: &str| live.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let object = ObjectRef {
        cluster: ClusterId(0),
        kind,
        namespace: text("/metadata/namespace").into(),
        name: text("/metadata/name").into(),
        uid: uid_of(&live),
    };
    Facts { object, live, ..facts() }
}

/// The wish to scale it.
pub(super) fn order(replicas: u32) -> Order {
    let with = With { replicas: Some(replicas), ..With::default() };
    Order {
        intent: Intent { verb: named("scale").unwrap(), objects: vec![facts().object], with },
        place: Place {
            context: "gke-eu1".into(),
            server: "https://127.0.0.1:6443".into(),
            environment: "staging".into(),
            ..Place::default()
        },
        around: Around {
            alerts: Ok(Vec::new()),
            backup: Ok((60, 3600)),
            room: Ok(vec![Free { node: "worker-1".into(), cpu: 4_000, memory: 8 << 30, pods: 100 }]),
            ..Around::default()
        },
    }
}

/// A Service of a pair that leads to a colour.
pub(super) fn service(live: &str) -> Value {
    json!({
        "kind": "Service", "apiVersion": "v1",
        "metadata": {"name": "cart", "namespace": "shop", "uid": "5d3f8a52-19c4-4e58-9f0a-7c1de2b3a405"},
        "spec": {"selector": {"app": "cart", "color": live}, "ports": [{"port": 80, "targetPort": "http"}]},
    })
}

/// Ready pods of blue and of green.
pub(super) fn colours(blue: u32, green: u32) -> Vec<Value> {
    let of = |colour: &str, n: u32| {
        let mut one = pod(&format!("cart-{colour}-{n}"), Some("ReplicaSet"));
        one["metadata"]["labels"]["color"] = json!(colour);
        one["spec"]["containers"][0]["ports"] = json!([{"name": "http", "containerPort": 8080}]);
        one
    };
    (0..blue).map(|n| of("blue", n)).chain((0..green).map(|n| of("green", n))).collect()
}

/// The settings of a switch, without anybody to ask.
pub(super) fn switched() -> Switched {
    Switched { settings: Switching::default(), gauges: Err("no Prometheus".to_owned()) }
}
