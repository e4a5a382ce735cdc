//! Load: many more pods than anybody wrote, and a steady stream of changes to them.
//!
//! For measuring clients and the server. The pods look like real ones (about 6 KB of JSON each) and belong
//! to Deployments and ReplicaSets in sixty namespaces, on nodes of their own; the controllers leave all
//! of it alone. What changes is said by [`churn`].

use std::time::Duration;

use serde_json::{Value, json};

use crate::demo::clock::{seconds, shift};
use crate::demo::controllers::kubelet::image_id;
use crate::demo::controllers::{pods, status};
use crate::demo::json::{int, set};
use crate::demo::seed::Seed;
use crate::demo::store::{Deletion, Store};

/// Namespaces of the load.
const NAMESPACES: u64 = 60;
/// Apps, each with an image of its own.
const APPS: u64 = 900;
/// What the names of its nodes begin with.
pub const NODE_PREFIX: &str = "load-";
/// Pods on a node.
const PER_NODE: u64 = 100;

/// What was filled into a store.
#[derive(Debug, Clone)]
pub struct Bulk {
    seed: Seed,
    store: Store,
    pods: u64,
    nodes: u64,
    /// Its namespaces.
    pub namespaces: Vec<String>,
}

/// One app of the load.
struct Owner {
    ns: String,
    name: String,
    hash: String,
    image: String,
}

impl Bulk {
    /// What `pods` pods would be; nothing is stored yet.
    pub fn plan(store: Store, seed: Seed, pods: usize) -> Self {
        let teams = [
            "orders",
            "billing",
            "fleet",
            "mobile",
            "partner",
            "insight",
            "identity",
            "content",
            "pricing",
            "risk",
            "support",
            "growth",
            "ledger",
            "routing",
            "catalogue",
            "stock",
            "returns",
            "media",
            "search",
            "ads",
        ];
        let namespaces = (0..NAMESPACES as usize)
            .map(|n| format!("{}-{}", teams[n / 3 % teams.len()], ["prod", "staging", "dev"][n % 3]))
            .collect();
        let pods = pods as u64;
        Self { seed: seed.of("bulk"), store, pods, nodes: pods.div_ceil(PER_NODE).max(1), namespaces }
    }

    fn owner(&self, n: u64) -> Owner {
        let seed = self.seed.of("app").nth(n);
        let words = [
            "api", "worker", "web", "sync", "index", "batch", "feed", "auth", "proxy", "store", "mail",
            "graph",
        ];
        let word = seed.pick(&words).copied().unwrap_or("api");
        let name = format!("{word}-{}", seed.of("name").suffix(4));
        let (a, b, c) = (seed.nth(1).below(6), seed.nth(2).below(30), seed.nth(3).below(12));
        Owner {
            ns: self.namespaces[(n % NAMESPACES) as usize].clone(),
            image: format!("registry.example/load/{name}:{a}.{b}.{c}"),
            hash: seed.of("hash").suffix(9),
            name,
        }
    }

    /// Stores it all.
    pub fn fill(&self) {
        let now = jiff::Timestamp::now();
        for ns in &self.namespaces {
            let mut object = super::objects::namespace(ns, json!({"team": ns.split('-').next()}));
            object["metadata"]["creationTimestamp"] = json!(seconds(shift(now, -40.0 * 86_400.0)));
            self.put("namespaces", object);
        }
        for n in 0..self.nodes {
            self.put("nodes", self.node(n, &seconds(shift(now, -30.0 * 86_400.0))));
        }
        let per_app = self.pods.div_ceil(APPS);
        for n in 0..APPS.min(self.pods) {
            let owner = self.owner(n);
            let labels =
                json!({"app.kubernetes.io/name": owner.name, "app.kubernetes.io/instance": owner.name});
            let template = json!({"metadata": {"labels": labels},
                "spec": {"containers": [{"name": owner.name, "image": owner.image}]}});
            let count = json!(per_app);
            let stamp = seconds(shift(now, -20.0 * 86_400.0));
            let (uid, set_uid) = (self.uid(n, "deployment"), self.uid(n, "set"));
            self.put("deployments.apps", json!({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": owner.name, "namespace": owner.ns, "uid": uid, "labels": labels, "creationTimestamp": stamp,
                             "annotations": {"deployment.kubernetes.io/revision": "1"}},
                "spec": {"replicas": per_app, "selector": {"matchLabels": labels}, "template": template,
                         "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}},
                "status": {"observedGeneration": 1, "replicas": count, "readyReplicas": count, "availableReplicas": count,
                           "updatedReplicas": count,
                           "conditions": [{"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable",
                                           "lastTransitionTime": stamp, "lastUpdateTime": stamp}]},
            }));
            let mut with_hash = labels.clone();
            with_hash["pod-template-hash"] = json!(owner.hash);
            self.put("replicasets.apps", json!({
                "apiVersion": "apps/v1", "kind": "ReplicaSet",
                "metadata": {"name": format!("{}-{}", owner.name, owner.hash), "namespace": owner.ns, "uid": set_uid,
                             "labels": with_hash, "creationTimestamp": stamp,
                             "annotations": {"deployment.kubernetes.io/revision": "1"},
                             "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": owner.name, "uid": uid,
                                                  "controller": true, "blockOwnerDeletion": true}]},
                "spec": {"replicas": per_app, "selector": {"matchLabels": with_hash}, "template": template},
                "status": {"observedGeneration": 1, "replicas": count, "readyReplicas": count, "availableReplicas": count,
                           "fullyLabeledReplicas": count},
            }));
        }
        for n in 0..self.pods {
            let age = 600.0 + self.seed.of("age").nth(n).between(0.0, 19.0 * 86_400.0);
            self.put("pods", self.pod(n, 0, &seconds(shift(now, -age)), true));
        }
    }

    fn put(&self, resource: &str, object: Value) {
        if let Err(error) = self.store.create(resource, object) {
            tracing::warn!(%error, "the load could not be filled in");
        }
    }

    fn uid(&self, n: u64, what: &str) -> String {
        self.seed.of(what).nth(n).uid()
    }

    fn node_name(&self, n: u64) -> String {
        format!("{NODE_PREFIX}{:04}", n % self.nodes)
    }

    fn node(&self, n: u64, stamp: &str) -> Value {
        let own = self.node_name(n);
        let address = format!("172.20.{}.{}", n / 250, 2 + n % 250);
        let mut node = json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": own, "creationTimestamp": stamp,
                "labels": {"kubernetes.io/hostname": own, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", "pool": "load"}},
            "spec": {"podCIDR": format!("10.{}.{}.0/24", 100 + n / 250, n % 250),
                     "taints": [{"key": "load", "value": "true", "effect": "NoSchedule"}]},
            "status": {
                "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": own}],
                "capacity": {"cpu": "32", "memory": "131072Mi", "pods": "250"},
                "allocatable": {"cpu": "31", "memory": "126000Mi", "pods": "250"},
                "nodeInfo": {"kubeletVersion": "v1.36.3+k3s1", "osImage": "Debian GNU/Linux 13 (trixie)", "architecture": "amd64",
                             "operatingSystem": "linux", "kernelVersion": "6.12.48-amd64", "containerRuntimeVersion": "containerd://2.1.5-k3s1"}},
        });
        for (kind, status, reason, message) in crate::demo::controllers::nodes::healthy() {
            crate::demo::json::set_condition(
                &mut node,
                kind,
                status,
                reason,
                message,
                stamp,
                &["lastHeartbeatTime"],
            );
        }
        node
    }

    /// The name of the n-th pod in its `life`-th life.
    fn pod_name(&self, owner: &Owner, n: u64, life: u64) -> String {
        let suffix = self.seed.of("pod").nth(n).nth(life).suffix(5);
        format!("{}-{}-{suffix}", owner.name, owner.hash)
    }

    /// The n-th pod.
    fn pod(&self, n: u64, life: u64, stamp: &str, ready: bool) -> Value {
        let owner = self.owner(n % APPS.min(self.pods).max(1));
        let seed = self.seed.of("pod").nth(n).nth(life);
        let own = self.pod_name(&owner, n, life);
        let node = self.node_name(seed.below(self.nodes));
        let set_name = format!("{}-{}", owner.name, owner.hash);
        let sidecar = "registry.example/mesh/proxy:2.14.3";
        let mut env: Vec<Value> = [
            "LOG_LEVEL",
            "HTTP_PORT",
            "DATABASE_HOST",
            "CACHE_HOST",
            "FEATURE_FLAGS",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "REGION",
        ]
        .iter()
        .map(|key| json!({"name": key, "value": format!("{}-{}", key.to_lowercase(), seed.of(key).hex(12))}))
        .collect();
        env.push(json!({"name": "POD_IP", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}}));
        let probe = |path: &str| {
            json!({"httpGet": {"path": path, "port": "http", "scheme": "HTTP"}, "periodSeconds": 10,
                                       "timeoutSeconds": 1, "successThreshold": 1, "failureThreshold": 3})
        };
        let mut pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": own, "generateName": format!("{set_name}-"), "namespace": owner.ns, "uid": seed.uid(), "creationTimestamp": stamp,
                "labels": {"app.kubernetes.io/name": owner.name, "app.kubernetes.io/instance": owner.name,
                           "app.kubernetes.io/part-of": owner.ns.split('-').next(), "pod-template-hash": owner.hash,
                           "team": owner.ns.split('-').next(), "tier": seed.pick(&["front", "back", "data"])},
                "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "8080", "prometheus.io/path": "/metrics",
                                "checksum/config": seed.of("config").hex(64), "mesh.example/injected": "true"},
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": set_name,
                                     "uid": self.uid(n % APPS.min(self.pods).max(1), "set"), "controller": true, "blockOwnerDeletion": true}],
            },
            "spec": {
                "nodeName": node, "serviceAccountName": owner.name, "terminationGracePeriodSeconds": 30,
                "containers": [
                    {"name": owner.name, "image": owner.image, "env": env,
                     "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
                     "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "500m", "memory": "512Mi"}},
                     "readinessProbe": probe("/ready"), "livenessProbe": probe("/live"),
                     "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}},
                     "volumeMounts": [{"name": "config", "mountPath": "/etc/config", "readOnly": true}, {"name": "tmp", "mountPath": "/tmp"}]},
                    {"name": "mesh-proxy", "image": sidecar, "args": ["run"],
                     "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}}}],
                "volumes": [{"name": "config", "configMap": {"name": format!("{}-config", owner.name), "defaultMode": 420}},
                            {"name": "tmp", "emptyDir": {}}],
            },
        });
        pods::complete(&mut pod, &seed.of("token").suffix(5));
        let ip = format!("10.{}.{}.{}", 100 + n / 62_500, n / 250 % 250, 2 + n % 250);
        let host = format!("172.20.{}.{}", n / 250 % 250, 2 + n % 250);
        let mut statuses = Vec::new();
        for container in crate::demo::json::items(&pod, "/spec/containers") {
            let image = crate::demo::json::text(container, "/image");
            statuses.push(json!({
                "name": container["name"], "image": image, "imageID": image_id(image),
                "containerID": format!("containerd://{}", seed.of(image).hex(64)), "ready": ready, "started": true,
                "restartCount": if seed.below(12) == 0 { seed.below(5) } else { 0 }, "lastState": {},
                "state": status::running(stamp),
            }));
        }
        pod["status"] = json!({"phase": "Running", "qosClass": "Burstable", "startTime": stamp, "containerStatuses": statuses});
        status::addresses(&mut pod, &ip, &host);
        crate::demo::json::set_condition(&mut pod, "PodScheduled", "True", "", "", stamp, &[]);
        status::conditions(&mut pod, stamp);
        pod["metadata"]["managedFields"] = managed_fields(stamp);
        pod
    }

    /// The n-th change: a container restarts, a pod becomes unready or ready again, a pod is replaced.
    fn change(&self, n: u64, lives: &mut std::collections::HashMap<u64, u64>) {
        let seed = self.seed.of("churn").nth(n);
        let pod = seed.of("which").below(self.pods);
        let owner = self.owner(pod % APPS.min(self.pods).max(1));
        let life = lives.get(&pod).copied().unwrap_or(0);
        let own = self.pod_name(&owner, pod, life);
        let stamp = seconds(jiff::Timestamp::now());
        let done = match seed.of("what").below(10) {
            0 => {
                let now = Deletion { grace: Some(0), ..Deletion::default() };
                lives.insert(pod, life + 1);
                self.store
                    .delete_with("pods", &owner.ns, &own, &now)
                    .and_then(|_| self.store.create("pods", self.pod(pod, life + 1, &stamp, true)))
                    .map(|_| ())
            }
            1..=4 => self
                .store
                .update("pods", &owner.ns, &own, |p| {
                    status::container(p, status::MAIN, 0, |c| {
                        let since = crate::demo::json::text(c, "/state/running/startedAt").to_owned();
                        let id = crate::demo::json::text(c, "/containerID").to_owned();
                        c["restartCount"] = json!(int(c, "/restartCount") + 1);
                        c["lastState"] = status::terminated(1, "Error", &since, &stamp, &id);
                        c["state"] = status::running(&stamp);
                    });
                    status::conditions(p, &stamp);
                })
                .map(|_| ()),
            _ => self
                .store
                .update("pods", &owner.ns, &own, |p| {
                    status::container(p, status::MAIN, 0, |c| {
                        let ready = crate::demo::json::flag(c, "/ready");
                        c["ready"] = json!(!ready);
                    });
                    status::conditions(p, &stamp);
                    set(p, &["status", "observedGeneration"], json!(1));
                })
                .map(|_| ()),
        };
        if let Err(error) = done {
            // Somebody deleted the pod by the API; the next change finds another.
            tracing::debug!(%error, "a change of the load found nothing to change");
        }
    }
}

/// Changes pods of the load at `rate` a second until the task is dropped.
pub async fn churn(bulk: Bulk, rate: f64) {
    if rate <= 0.0 || bulk.pods == 0 {
        return;
    }
    let begun = tokio::time::Instant::now();
    let mut lives = std::collections::HashMap::new();
    let mut done = 0u64;
    let mut ticks = tokio::time::interval(Duration::from_secs_f64((1.0 / rate).max(0.02)));
    loop {
        ticks.tick().await;
        let due = (begun.elapsed().as_secs_f64() * rate) as u64;
        // After a long pause of the machine the lost changes are not made up for.
        done = done.max(due.saturating_sub(rate.ceil() as u64 * 2));
        while done < due {
            bulk.change(done, &mut lives);
            done += 1;
        }
    }
}

/// Field ownership as a real server shows it, from the API's writers of a pod.
fn managed_fields(stamp: &str) -> Value {
    let fields = |keys: &[&str]| {
        let mut all = json!({});
        for key in keys {
            all[format!("f:{key}")] = json!({});
        }
        all
    };
    json!([
        {"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1", "time": stamp, "fieldsType": "FieldsV1",
         "fieldsV1": {"f:metadata": fields(&["generateName", "labels", "annotations", "ownerReferences"]),
                      "f:spec": fields(&["containers", "dnsPolicy", "enableServiceLinks", "restartPolicy", "schedulerName",
                                          "securityContext", "serviceAccount", "terminationGracePeriodSeconds", "volumes"])}},
        {"manager": "kubelet", "operation": "Update", "apiVersion": "v1", "time": stamp, "fieldsType": "FieldsV1", "subresource": "status",
         "fieldsV1": {"f:status": fields(&["conditions", "containerStatuses", "hostIP", "hostIPs", "phase", "podIP", "podIPs", "startTime"])}}])
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;
    use crate::demo::json::{controller, items, name, namespace, text};

    #[test]
    fn the_load_looks_like_a_real_cluster_and_keeps_its_size_under_churn() {
        let store = Store::new(1);
        let bulk = Bulk::plan(store.clone(), Seed::new(1), 1000);
        bulk.fill();
        let pods = store.list("pods", None);
        assert_eq!(pods.len(), 1000);
        let spaces: HashSet<&str> = pods.iter().map(namespace).collect();
        assert_eq!(spaces.len(), 60);
        assert!(
            spaces.iter().all(|s| s.ends_with("-prod") || s.ends_with("-staging") || s.ends_with("-dev"))
        );
        let images: HashSet<&str> = pods.iter().map(|p| text(p, "/spec/containers/0/image")).collect();
        assert_eq!(images.len(), 900);
        let mut sum = 0;
        for pod in &pods {
            let owner =
                controller(pod).and_then(|(_, own, _)| store.get("replicasets.apps", namespace(pod), own));
            assert!(owner.is_some(), "{}", name(pod));
            assert!(store.get("nodes", "", text(pod, "/spec/nodeName")).is_some());
            sum += pod.to_string().len();
        }
        assert!((5_000..7_000).contains(&(sum / pods.len())), "{}", sum / pods.len());
        let before = store.version();
        let mut lives = HashMap::new();
        for n in 0..300 {
            bulk.change(n, &mut lives);
        }
        assert!(store.version() >= before + 300);
        let now = store.list("pods", None);
        assert_eq!(now.len(), 1000);
        assert!(!lives.is_empty(), "some pods were replaced");
        let restarted = |p: &Value| {
            items(p, "/status/containerStatuses")
                .iter()
                .any(|c| !text(c, "/lastState/terminated/reason").is_empty())
        };
        assert!(now.iter().filter(|p| restarted(p)).count() > 50);
    }
}
