//! The two clusters: their nodes, and what each cluster has that no app brought.

use serde_json::{Value, json};

use super::apps::Env;
use crate::demo::controllers::nodes::healthy;
use crate::demo::json::set_condition;
use crate::demo::seed::{Seed, image_digest};

/// One cluster of the demo.
#[derive(Debug)]
pub struct Site {
    /// The context's name.
    pub name: &'static str,
    /// The version that its API server and its kubelets report.
    pub version: &'static str,
    /// The environments in it.
    pub envs: &'static [Env],
    /// What the names of its nodes begin with.
    node_prefix: &'static str,
    /// Days since its nodes joined.
    pub node_days: u64,
    /// The first two numbers of its pods' addresses.
    pods_net: &'static str,
    /// The first two numbers of its Services' addresses.
    pub services_net: &'static str,
    /// The class of its Ingresses.
    pub ingress_class: &'static str,
    /// The address that its Ingresses are reached by.
    pub ingress_address: &'static str,
    /// The class of its volumes.
    pub storage_class: &'static str,
}

/// The clusters, in the order of the demo's list.
pub const SITES: [Site; 2] = [
    Site {
        name: "k3s-edge",
        version: "v1.36.3+k3s1",
        envs: &[Env::Development, Env::Staging],
        node_prefix: "edge",
        node_days: 61,
        pods_net: "10.42",
        services_net: "10.43",
        ingress_class: "traefik",
        ingress_address: "192.168.20.11",
        storage_class: "local-path",
    },
    Site {
        name: "gke-eu1",
        version: "v1.35.4-gke.1250000",
        envs: &[Env::Production],
        node_prefix: "gke-eu1-pool-1-3f7a91c2",
        node_days: 23,
        pods_net: "10.96",
        services_net: "34.118",
        ingress_class: "gce",
        ingress_address: "203.0.113.40",
        storage_class: "standard-rwo",
    },
];

/// The node of the k3s cluster that falls silent in the story.
pub const FAILING_NODE: &str = "edge-3";

impl Site {
    /// Whether it is a K3s cluster.
    pub fn is_k3s(&self) -> bool {
        self.version.contains("k3s")
    }

    /// Its three nodes.
    pub fn nodes(&self, seed: Seed, stamp: &str, now: &str) -> Vec<Value> {
        (1..=3u64).map(|n| self.node(seed, n, stamp, now)).collect()
    }

    fn node(&self, seed: Seed, n: u64, stamp: &str, now: &str) -> Value {
        let seed = seed.of("node").nth(n);
        let own = if self.is_k3s() {
            format!("{}-{n}", self.node_prefix)
        } else {
            format!("{}-{}", self.node_prefix, seed.suffix(4))
        };
        let zone_letter = ["b", "c", "d"][(n as usize - 1) % 3];
        let (zone, region) = if self.is_k3s() {
            (format!("edge-{}", ["a", "b", "c"][(n as usize - 1) % 3]), "edge".to_owned())
        } else {
            (format!("europe-west1-{zone_letter}"), "europe-west1".to_owned())
        };
        let instance = if self.is_k3s() { "k3s" } else { "e2-standard-8" };
        let mut labels = json!({
            "beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux",
            "kubernetes.io/hostname": own,
            "node.kubernetes.io/instance-type": instance,
            "topology.kubernetes.io/zone": zone, "topology.kubernetes.io/region": region,
        });
        if self.is_k3s() && n == 1 {
            labels["node-role.kubernetes.io/control-plane"] = json!("true");
        }
        if !self.is_k3s() {
            labels["cloud.google.com/gke-nodepool"] = json!("pool-1");
            labels["cloud.google.com/machine-family"] = json!("e2");
            labels["cloud.google.com/gke-os-distribution"] = json!("cos");
        }
        let provider =
            if self.is_k3s() { format!("k3s://{own}") } else { format!("gce://shop-platform/{zone}/{own}") };
        let internal =
            if self.is_k3s() { format!("192.168.20.{}", 10 + n) } else { format!("10.132.0.{}", 20 + n) };
        let mut addresses = vec![json!({"type": "InternalIP", "address": internal})];
        if !self.is_k3s() {
            addresses.push(json!({"type": "ExternalIP", "address": format!("203.0.113.{}", 10 + n)}));
        }
        addresses.push(json!({"type": "Hostname", "address": own}));
        let range = format!("{}.{n}.0/24", self.pods_net);
        let (os, kernel, runtime) = if self.is_k3s() {
            ("Debian GNU/Linux 13 (trixie)", "6.12.48-amd64", "containerd://2.1.5-k3s1")
        } else {
            ("Container-Optimized OS from Google", "6.6.105+", "containerd://2.0.7")
        };
        let images: Vec<Value> = ["registry.example/storefront:2.7.1", "registry.example/mesh/proxy:2.14.3"]
            .iter()
            .map(|image| {
                let repository = image.rsplit_once(':').map_or(*image, |(r, _)| r);
                json!({"names": [format!("{repository}@{}", image_digest(image)), image],
                       "sizeBytes": 40_000_000 + seed.of(image).below(90_000_000)})
            })
            .collect();
        let mut node = json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": own, "labels": labels, "creationTimestamp": stamp,
                         "annotations": {"node.alpha.kubernetes.io/ttl": "0",
                                         "volumes.kubernetes.io/controller-managed-attach-detach": "true"}},
            "spec": {"podCIDR": range, "podCIDRs": [range], "providerID": provider},
            "status": {
                "addresses": addresses,
                "capacity": {"cpu": "8", "memory": "32863412Ki", "pods": "110", "ephemeral-storage": "101430960Ki",
                             "hugepages-1Gi": "0", "hugepages-2Mi": "0"},
                "allocatable": {"cpu": "7910m", "memory": "30012596Ki", "pods": "110", "ephemeral-storage": "93478772700",
                                "hugepages-1Gi": "0", "hugepages-2Mi": "0"},
                "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
                "images": images,
                "nodeInfo": {
                    "architecture": "amd64", "operatingSystem": "linux", "osImage": os, "kernelVersion": kernel,
                    "containerRuntimeVersion": runtime, "kubeletVersion": self.version, "kubeProxyVersion": "",
                    "machineID": seed.of("machine").hex(32), "systemUUID": seed.of("system").uid(),
                    "bootID": seed.of("boot").uid()},
            },
        });
        for (kind, status, reason, message) in healthy() {
            set_condition(&mut node, kind, status, reason, message, stamp, &[]);
            if let Some(last) = node
                .pointer_mut("/status/conditions")
                .and_then(Value::as_array_mut)
                .and_then(|c| c.last_mut())
            {
                last["lastHeartbeatTime"] = json!(now);
            }
        }
        node
    }
}

/// The definition of Argo Rollouts' Rollout.
pub fn rollout_definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "rollouts.argoproj.io"},
        "spec": {
            "group": "argoproj.io", "scope": "Namespaced",
            "names": {"kind": "Rollout", "listKind": "RolloutList", "plural": "rollouts", "singular": "rollout", "shortNames": ["ro"]},
            "conversion": {"strategy": "None"},
            "versions": [{
                "name": "v1alpha1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
                "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.replicas",
                    "statusReplicasPath": ".status.HPAReplicas", "labelSelectorPath": ".status.selector"}},
                "additionalPrinterColumns": [
                    {"name": "Desired", "type": "integer", "jsonPath": ".spec.replicas", "description": "Number of desired pods"},
                    {"name": "Current", "type": "integer", "jsonPath": ".status.replicas", "description": "Total number of non-terminated pods targeted by this rollout"},
                    {"name": "Up-to-date", "type": "integer", "jsonPath": ".status.updatedReplicas", "description": "Total number of non-terminated pods targeted by this rollout that have the desired template spec"},
                    {"name": "Available", "type": "integer", "jsonPath": ".status.availableReplicas", "description": "Total number of available pods (ready for at least minReadySeconds) targeted by this rollout"},
                    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp", "description": "Time since resource was created"}],
            }],
        },
        "status": {
            "acceptedNames": {"kind": "Rollout", "listKind": "RolloutList", "plural": "rollouts", "singular": "rollout", "shortNames": ["ro"]},
            "storedVersions": ["v1alpha1"],
            "conditions": [{"type": "NamesAccepted", "status": "True", "reason": "NoConflicts", "message": "no conflicts found"},
                           {"type": "Established", "status": "True", "reason": "InitialNamesAccepted", "message": "the initial names have been accepted"}],
        },
    })
}
