//! What Argo CD and Flux deliver to the stage: one control plane in gke-eu1 for all three environments, and a Flux of
//! its own in k3s-edge.

use pilothouse::domain::id::{ClusterId, Kind};
use pilothouse::domain::meta::Interner;
use pilothouse::msg::{ClusterMsg, Delta, Facts};
use pilothouse::wire::Wire;
use pilothouse::wire::argocd::WireApplication;
use pilothouse::wire::flux::{WireGitRepository, WireHelmRelease, WireKustomization};
use serde_json::{Value, json};

use crate::stage::{NOW, uid};

const EDGE: ClusterId = ClusterId(0);
const GKE: ClusterId = ClusterId(1);

/// An object of a cluster as the row that a watch would bring.
pub fn row<K: Wire>(object: Value) -> K::Row {
    serde_json::from_value::<K>(object).unwrap().row(&mut Interner::new()).unwrap()
}

/// A moment so long ago, as the API writes it.
pub fn time(seconds_ago: i64) -> String {
    jiff::Timestamp::from_second(NOW.wall.0 - seconds_ago).unwrap().to_string()
}

/// An Application that is synced and healthy since two days.
fn application(app: &str, at: usize) -> Value {
    let (short, namespace, server) = [
        ("dev", "shop-dev", "https://k3s-edge.example:6443"),
        ("stg", "shop-staging", "https://k3s-edge.example:6443/"),
        ("prod", "shop-prod", "https://kubernetes.default.svc"),
    ][at];
    let name = format!("{app}-{short}");
    let revision = format!("{:016x}{:016x}deadbeef", uid(&name).0 as u64, uid(&name).0 as u64);
    json!({
        "metadata": {"name": name, "namespace": "argocd", "uid": uid(&name).to_string(), "creationTimestamp": time(40 * 86_400),
            "ownerReferences": [{"uid": "9", "kind": "ApplicationSet", "name": app, "controller": true}]},
        "spec": {"project": "shop", "destination": {"server": server, "namespace": namespace},
            "source": {"repoURL": "https://git.example/shop.git", "path": format!("apps/{namespace}/{app}")},
            "syncPolicy": {"automated": {"selfHeal": at < 2}}},
        "status": {"sync": {"status": "Synced", "revision": revision}, "health": {"status": "Healthy"},
            "reconciledAt": time(70), "controllerNamespace": "argocd",
            "operationState": {"phase": "Succeeded", "startedAt": time(2 * 86_400 + 3), "finishedAt": time(2 * 86_400)},
            "resources": [{"kind": "Service", "namespace": namespace, "name": app, "status": "Synced"},
                {"group": "apps", "kind": "Deployment", "namespace": namespace, "name": app, "status": "Synced"}]},
    })
}

/// Lays one object over another.
fn over(mut object: Value, change: Value) -> Value {
    match (&mut object, change) {
        (Value::Object(object), Value::Object(change)) => {
            for (key, value) in change {
                let old = object.remove(&key).unwrap_or(Value::Null);
                object.insert(key, over(old, value));
            }
        }
        (object, change) => *object = change,
    }
    object
}

/// Everything that is delivered.
pub fn sync(apps: &[&str], send: &mut dyn FnMut(ClusterId, ClusterMsg)) {
    let mut deltas = Vec::new();
    for app in apps {
        for at in 0..3 {
            let object = application(app, at);
            let change = match (*app, at) {
                ("cart", 2) => {
                    json!({"status": {"health": {"status": "Degraded"}, "operationState": {"finishedAt": time(360)}}})
                }
                ("media", 1) => {
                    json!({"operation": {"sync": {}}, "status": {"sync": {"status": "OutOfSync"}, "health": {"status": "Progressing"},
                    "operationState": {"phase": "Running", "startedAt": time(12), "finishedAt": null,
                        "message": "waiting for healthy state of apps/Deployment/media",
                        "syncResult": {"revision": "c0ffee0012345678c0ffee0012345678deadbeef", "resources": [{"status": "Synced"}]}}}})
                }
                ("media", 2) => {
                    json!({"status": {"sync": {"status": "OutOfSync"}, "operationState": {"finishedAt": time(3 * 3_600)},
                    "resources": [{"kind": "Service", "namespace": "shop-prod", "name": "media", "status": "OutOfSync"},
                        {"kind": "ConfigMap", "namespace": "shop-prod", "name": "media", "status": "OutOfSync"}]}})
                }
                ("mailer", 0) => {
                    json!({"status": {"sync": {"status": "Unknown"}, "conditions": [{"type": "ComparisonError",
                    "message": "Failed to load target state: apps/shop-dev/mailer: app path does not exist"}]}})
                }
                _ => json!({}),
            };
            deltas.push(Delta::Put(row::<WireApplication>(over(object, change))));
        }
    }
    send(GKE, ClusterMsg::Facts(Facts::Applications(deltas)));
    let ready = |status: &str, reason: &str, message: &str| json!([{"type": "Ready", "status": status, "reason": reason, "message": message, "lastTransitionTime": time(7_200)}]);
    let revision = "main@sha1:5eed5eed5eed5eed5eed5eed5eed5eed5eed5eed";
    let meta = |name: &str, namespace: &str| {
        json!({"name": name, "namespace": namespace, "uid": uid(&format!("flux {name}")).to_string(), "generation": 1,
            "creationTimestamp": time(90 * 86_400)})
    };
    let kustomization = row::<WireKustomization>(json!({
        "metadata": meta("tools", "flux-system"),
        "spec": {"path": "./tools", "prune": true, "suspend": true, "sourceRef": {"kind": "GitRepository", "name": "fleet"}},
        "status": {"observedGeneration": 1, "lastAppliedRevision": revision, "lastAttemptedRevision": revision,
            "conditions": ready("True", "ReconciliationSucceeded", "Applied revision"),
            "inventory": {"entries": [{"id": "shop-dev_toolbox_apps_Deployment"}]}}}));
    let release = row::<WireHelmRelease>(json!({
        "metadata": meta("redis", "shop-staging"),
        "spec": {"chart": {"spec": {"chart": "redis", "sourceRef": {"kind": "HelmRepository", "name": "charts"}}}},
        "status": {"observedGeneration": 1, "lastAttemptedRevision": "22.1.0", "failures": 3,
            "history": [{"version": 7, "status": "deployed", "chartVersion": "21.9.4", "lastDeployed": time(86_400)}],
            "conditions": ready("False", "UpgradeFailed", "timed out waiting for the condition")}}));
    let source = row::<WireGitRepository>(json!({
        "metadata": meta("fleet", "flux-system"), "spec": {"url": "https://git.example/fleet.git", "ref": {"branch": "main"}},
        "status": {"observedGeneration": 1, "artifact": {"revision": revision, "lastUpdateTime": time(7_200)},
            "conditions": ready("True", "Succeeded", "stored artifact")}}));
    for (kind, row) in
        [(Kind::Kustomization, kustomization), (Kind::HelmRelease, release), (Kind::GitRepository, source)]
    {
        send(EDGE, ClusterMsg::Facts(Facts::Flux(kind, vec![Delta::Put(row)])));
    }
}
