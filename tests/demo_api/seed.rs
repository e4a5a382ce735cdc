//! A handful of objects to serve, as controllers would have made them.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use pilothouse::demo::ClusterSetup;
use pilothouse::demo::source::{LogLine, LogQuery, LogSource, Usage, UsageSource};
use pilothouse::demo::store::Store;
use serde_json::{Value, json};

use crate::client::Api;

/// Log lines that tests write themselves.
#[derive(Default, Clone)]
pub struct Logs(pub Arc<Mutex<Vec<LogLine>>>);

impl Logs {
    pub fn write(&self, text: &str) {
        let line = LogLine { at: Timestamp::now(), text: text.to_owned() };
        self.0.lock().unwrap().push(line);
    }
}

impl LogSource for Logs {
    fn lines(&self, query: &LogQuery<'_>) -> Vec<LogLine> {
        if query.previous {
            let at = "2026-01-01T00:00:00Z".parse().unwrap();
            return vec![LogLine { at, text: "java.lang.OutOfMemoryError".into() }];
        }
        let fits = |l: &&LogLine| query.after.is_none_or(|after| l.at > after) && l.at <= query.until;
        let mut lines: Vec<LogLine> = self.0.lock().unwrap().iter().filter(fits).cloned().collect();
        if let Some(tail) = query.tail {
            lines.drain(..lines.len().saturating_sub(tail));
        }
        lines
    }
}

struct Figures;

impl UsageSource for Figures {
    fn pod(&self, pod: &Value) -> Vec<(String, Usage)> {
        let usage = Usage { cpu_nanocores: 12_000_000, memory_bytes: 64 << 20 };
        let containers = pod["spec"]["containers"].as_array();
        let names = containers.into_iter().flatten().filter_map(|c| c["name"].as_str());
        names.map(|name| (name.to_owned(), usage)).collect()
    }

    fn node(&self, _: &Value) -> Option<Usage> {
        Some(Usage { cpu_nanocores: 1_500_000_000, memory_bytes: 4 << 30 })
    }
}

pub fn pod(ns: &str, name: &str, app: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": ns, "labels": {"app": app}, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"nodeName": "node-1", "restartPolicy": "Always", "terminationGracePeriodSeconds": 30,
            "containers": [{"name": "app", "image": "registry.example/web:1.0.0", "env": [{"name": "MODE", "value": "live"}],
                "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}}}]},
        "status": {"phase": "Running", "podIP": "10.42.0.7", "podIPs": [{"ip": "10.42.0.7"}], "hostIP": "10.0.0.1", "qosClass": "Burstable",
            "startTime": "2026-01-01T00:00:00Z",
            "conditions": [{"type": "Ready", "status": "True"}, {"type": "Initialized", "status": "True"}],
            "containerStatuses": [{"name": "app", "ready": true, "started": true, "restartCount": 1, "image": "registry.example/web:1.0.0",
                "imageID": "registry.example/web@sha256:00", "containerID": "containerd://00",
                "state": {"running": {"startedAt": "2026-01-01T00:05:00Z"}},
                "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:04:59Z"}}}]}
    })
}

fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}})
}

fn deployment(ns: &str, name: &str, replicas: i64) -> Value {
    let template = pod(ns, name, name)["spec"].clone();
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": ns, "labels": {"app": name}, "annotations": {"deployment.kubernetes.io/revision": "1"}},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": template["containers"]}}},
        "status": {"observedGeneration": 1, "replicas": replicas, "updatedReplicas": replicas, "readyReplicas": replicas, "availableReplicas": replicas,
            "conditions": [{"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"},
                           {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]}
    })
}

/// Namespaces that the tests write into.
const NAMESPACES: [&str; 4] = ["default", "kube-system", "shop-prod", "shop-staging"];

/// What the tests leave behind in them, as it is to be removed.
const LEAVINGS: [&str; 11] = [
    "/api/v1/namespaces/NS/pods",
    "/api/v1/namespaces/NS/services",
    "/api/v1/namespaces/NS/configmaps",
    "/api/v1/namespaces/NS/secrets",
    "/api/v1/namespaces/NS/events",
    "/apis/apps/v1/namespaces/NS/deployments",
    "/apis/apps/v1/namespaces/NS/replicasets",
    "/apis/policy/v1/namespaces/NS/poddisruptionbudgets",
    "/apis/argoproj.io/v1alpha1/namespaces/NS/rollouts",
    "/api/v1/nodes",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
];

/// Removes what an earlier test made: a real server is one for all tests.
pub async fn sweep(api: &Api) {
    for path in LEAVINGS {
        let namespaces: &[&str] = if path.contains("NS") { &NAMESPACES } else { &[""] };
        for ns in namespaces {
            let path = path.replace("NS", ns);
            let list = api.get(&path).await;
            if list.code == 404 {
                // A definition that no test has made yet.
                continue;
            }
            for item in list.json()["items"].as_array().unwrap() {
                let name = item["metadata"]["name"].as_str().unwrap();
                let kept = ["kube-root-ca.crt", "kubernetes", "rollouts.argoproj.io"];
                if kept.contains(&name) || name.starts_with("extension-apiserver") {
                    continue;
                }
                let path = format!("{path}/{name}");
                if item["metadata"].get("finalizers").is_some() {
                    // Nobody else removes them: no controllers run.
                    api.change(&path, &json!({"metadata": {"finalizers": null}})).await;
                }
                let gone = api.delete(&format!("{path}?gracePeriodSeconds=0&propagationPolicy=Orphan")).await;
                assert!([200, 404].contains(&gone.code), "{path}: {}", gone.body);
                if api.get(&path).await.code == 200 {
                    let freed = json!({"metadata": {"finalizers": null}});
                    assert!([200, 404].contains(&api.patch("merge-patch+json", &path, &freed).await.code));
                }
            }
        }
    }
}

/// Fills a server through its API, in the way of people and controllers.
pub async fn fill(api: &Api) {
    for ns in NAMESPACES {
        if api.get(&format!("/api/v1/namespaces/{ns}")).await.code == 404 {
            api.make("/api/v1/namespaces", &namespace(ns)).await;
        }
    }
    let shop = |of: &str| of.replace("NS", "shop-prod");
    api.make(
        "/api/v1/nodes",
        &json!({"apiVersion": "v1", "kind": "Node",
        "metadata": {"name": "node-1", "labels": {"node-role.kubernetes.io/worker": "", "kubernetes.io/hostname": "node-1"}},
        "spec": {"providerID": "k3s://node-1"},
        "status": {"capacity": {"cpu": "4", "memory": "16Gi", "pods": "110"}, "allocatable": {"cpu": "3800m", "memory": "15Gi", "pods": "110"},
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
            "nodeInfo": {"kubeletVersion": "v1.36.3", "osImage": "Demo Linux 1", "kernelVersion": "6.12.0", "containerRuntimeVersion": "containerd://2.1.0", "architecture": "amd64"}}}),
    ).await;
    let web =
        api.make(&shop("/apis/apps/v1/namespaces/NS/deployments"), &deployment("shop-prod", "web", 3)).await;
    let mut set = deployment("shop-prod", "web-5d8f7c6b9d", 3);
    set["kind"] = json!("ReplicaSet");
    for path in ["/spec/selector/matchLabels", "/spec/template/metadata/labels", "/metadata/labels"] {
        *set.pointer_mut(path).unwrap() = json!({"app": "web", "pod-template-hash": "5d8f7c6b9d"});
    }
    set["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": web["metadata"]["uid"], "controller": true}]);
    set["status"] =
        json!({"replicas": 3, "readyReplicas": 3, "availableReplicas": 3, "observedGeneration": 1});
    let set = api.make(&shop("/apis/apps/v1/namespaces/NS/replicasets"), &set).await;
    for name in ["web-5d8f7c6b9d-aaaaa", "web-5d8f7c6b9d-bbbbb", "web-5d8f7c6b9d-ccccc"] {
        let mut one = pod("shop-prod", name, "web");
        one["metadata"]["labels"]["pod-template-hash"] = json!("5d8f7c6b9d");
        one["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d8f7c6b9d", "uid": set["metadata"]["uid"], "controller": true}]);
        api.make(crate::client::PODS, &one).await;
    }
    api.make("/api/v1/namespaces/kube-system/pods", &pod("kube-system", "coredns-1", "coredns")).await;
    api.make(
        &shop("/api/v1/namespaces/NS/services"),
        &json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop-prod"},
        "spec": {"type": "ClusterIP", "clusterIP": "10.96.0.10", "clusterIPs": ["10.96.0.10"], "selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}]}, "status": {"loadBalancer": {}}}),
    ).await;
    api.make(
        &shop("/apis/policy/v1/namespaces/NS/poddisruptionbudgets"),
        &json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web", "namespace": "shop-prod"},
        "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}}, "status": {"observedGeneration": 1, "disruptionsAllowed": 1, "currentHealthy": 3, "desiredHealthy": 2, "expectedPods": 3}}),
    ).await;
    api.make(
        &shop("/api/v1/namespaces/NS/configmaps"),
        &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop-prod"}, "data": {"a": "1"}}),
    ).await;
    api.make(
        &shop("/api/v1/namespaces/NS/secrets"),
        &json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key", "namespace": "shop-prod"}, "type": "Opaque", "data": {"k": "dg=="}}),
    ).await;
    api.make(
        &shop("/api/v1/namespaces/NS/events"),
        &json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "web.1", "namespace": "shop-prod"},
        "involvedObject": {"kind": "Pod", "namespace": "shop-prod", "name": "web-5d8f7c6b9d-aaaaa", "uid": "u"}, "type": "Warning", "reason": "BackOff",
        "message": "Back-off restarting failed container", "count": 3, "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:05:00Z", "source": {"component": "kubelet", "host": "node-1"}}),
    ).await;
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "rollouts.argoproj.io"},
        "spec": {"group": "argoproj.io", "scope": "Namespaced", "names": {"kind": "Rollout", "plural": "rollouts", "singular": "rollout", "listKind": "RolloutList", "shortNames": ["ro"]},
            "versions": [{"name": "v1alpha1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
                "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.HPAReplicas", "labelSelectorPath": ".status.selector"}},
                "additionalPrinterColumns": [{"name": "Desired", "type": "integer", "jsonPath": ".spec.replicas"}, {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}]}]}});
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let rollouts = shop("/apis/argoproj.io/v1alpha1/namespaces/NS/rollouts");
    if api.get(&rollouts).await.code == 404 {
        api.make(definitions, &definition).await;
        api.until("the definition is served", async || api.get(&rollouts).await.code == 200).await;
    }
    api.make(
        &shop("/apis/argoproj.io/v1alpha1/namespaces/NS/rollouts"),
        &json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "pricing", "namespace": "shop-prod"},
        "spec": {"replicas": 2, "list": [1, 2]}, "status": {"HPAReplicas": 2, "selector": "app=pricing"}}),
    ).await;
}

/// An empty cluster.
pub fn setup(name: &str, logs: &Logs) -> ClusterSetup {
    ClusterSetup {
        name: name.into(),
        version: "v1.36.3+k3s1".into(),
        store: Store::new(7),
        logs: Arc::new(logs.clone()),
        usage: Arc::new(Figures),
        monitoring: None,
    }
}
