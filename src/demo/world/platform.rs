//! What a cluster runs besides the shop: DNS, metrics, delivery, monitoring, backups.

use serde_json::{Value, json};

/// How a platform workload is managed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A Deployment.
    Deployment,
    /// A DaemonSet.
    DaemonSet,
    /// A StatefulSet.
    StatefulSet,
}

/// One workload of the platform.
#[derive(Debug)]
pub struct Part {
    /// Its namespace.
    pub ns: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What manages it.
    pub kind: Kind,
    /// Pods wanted (not of a DaemonSet).
    replicas: u32,
    /// Its image, without the registry.
    image: &'static str,
    /// CPU request in thousandths of a core and memory request in MiB.
    needs: (u32, u32),
    /// The port of its Service; 0: it has none.
    pub port: u16,
}

const fn part(
    ns: &'static str,
    name: &'static str,
    kind: Kind,
    replicas: u32,
    image: &'static str,
    needs: (u32, u32),
    port: u16,
) -> Part {
    Part { ns, name, kind, replicas, image, needs, port }
}

/// What the k3s cluster runs.
pub const K3S: [Part; 10] = [
    part("kube-system", "coredns", Kind::Deployment, 1, "coredns:1.12.3", (100, 70), 53),
    part(
        "kube-system",
        "local-path-provisioner",
        Kind::Deployment,
        1,
        "local-path-provisioner:v0.0.32",
        (20, 32),
        0,
    ),
    part("kube-system", "metrics-server", Kind::Deployment, 1, "metrics-server:v0.8.0", (100, 70), 443),
    part("kube-system", "traefik", Kind::Deployment, 1, "traefik:3.5.1", (100, 96), 80),
    part("kube-system", "svclb-traefik", Kind::DaemonSet, 0, "klipper-lb:v0.4.13", (10, 16), 0),
    part("argocd", "argocd-application-controller", Kind::StatefulSet, 1, "argocd:v3.3.0", (250, 512), 0),
    part("monitoring", "prometheus-edge", Kind::StatefulSet, 1, "prometheus:v3.7.3", (200, 768), 9090),
    part("monitoring", "alertmanager", Kind::StatefulSet, 1, "alertmanager:v0.29.0", (20, 48), 9093),
    part("monitoring", "node-exporter", Kind::DaemonSet, 0, "node-exporter:v1.10.2", (20, 32), 0),
    part("velero", "velero", Kind::Deployment, 1, "velero:v1.17.1", (100, 128), 0),
];

/// What the GKE cluster runs.
pub const GKE: [Part; 11] = [
    part("kube-system", "kube-dns", Kind::Deployment, 2, "kube-dns:1.24.2", (100, 70), 53),
    part("kube-system", "metrics-server", Kind::Deployment, 1, "metrics-server:v0.8.0", (100, 70), 443),
    part("kube-system", "fluentbit-gke", Kind::DaemonSet, 0, "fluent-bit:v3.2.10", (50, 100), 0),
    part("argocd", "argocd-application-controller", Kind::StatefulSet, 1, "argocd:v3.3.0", (250, 512), 0),
    part("argocd", "argocd-server", Kind::Deployment, 1, "argocd:v3.3.0", (50, 128), 80),
    part("argocd", "argocd-repo-server", Kind::Deployment, 1, "argocd:v3.3.0", (100, 256), 8081),
    part("argocd", "argocd-redis", Kind::Deployment, 1, "redis:8.2.2", (50, 64), 6379),
    part("monitoring", "prometheus", Kind::StatefulSet, 1, "prometheus:v3.7.3", (500, 2048), 9090),
    part("monitoring", "alertmanager", Kind::StatefulSet, 1, "alertmanager:v0.29.0", (50, 64), 9093),
    part("monitoring", "grafana", Kind::Deployment, 1, "grafana:12.3.0", (100, 192), 3000),
    part("velero", "velero", Kind::Deployment, 1, "velero:v1.17.1", (100, 128), 0),
];

/// The namespaces of the platform.
pub const NAMESPACES: [&str; 7] =
    ["default", "kube-system", "kube-public", "kube-node-lease", "argocd", "monitoring", "velero"];

impl Part {
    /// Its resource key.
    pub fn resource(&self) -> &'static str {
        match self.kind {
            Kind::Deployment => "deployments.apps",
            Kind::DaemonSet => "daemonsets.apps",
            Kind::StatefulSet => "statefulsets.apps",
        }
    }

    /// The workload.
    pub fn workload(&self) -> Value {
        let labels = json!({"app.kubernetes.io/name": self.name, "app.kubernetes.io/instance": self.name});
        let version = self.image.rsplit_once(':').map_or("", |(_, v)| v);
        let mut container = json!({
            "name": self.name, "image": format!("registry.example/platform/{}", self.image),
            "resources": {"requests": {"cpu": crate::demo::json::cpu_text(i64::from(self.needs.0)), "memory": crate::demo::json::bytes_text(i64::from(self.needs.1) << 20)},
                          "limits": {"memory": crate::demo::json::bytes_text(i64::from(self.needs.1) << 21)}},
        });
        if self.port != 0 {
            container["ports"] = json!([{"name": "main", "containerPort": self.port, "protocol": "TCP"}]);
        }
        let mut spec = json!({"containers": [container]});
        if self.ns == "kube-system" {
            spec["priorityClassName"] = json!("system-node-critical");
        }
        if self.kind == Kind::DaemonSet {
            spec["hostNetwork"] = json!(true);
            spec["tolerations"] = json!([{"operator": "Exists"}]);
        }
        let mut all = labels.clone();
        all["app.kubernetes.io/version"] = json!(version.trim_start_matches('v'));
        let kind = match self.kind {
            Kind::Deployment => "Deployment",
            Kind::DaemonSet => "DaemonSet",
            Kind::StatefulSet => "StatefulSet",
        };
        let mut object = json!({
            "apiVersion": "apps/v1", "kind": kind,
            "metadata": {"name": self.name, "namespace": self.ns, "labels": all, "annotations": {}},
            "spec": {"selector": {"matchLabels": labels}, "revisionHistoryLimit": 10,
                     "template": {"metadata": {"labels": all}, "spec": spec}},
        });
        match self.kind {
            Kind::Deployment => {
                object["spec"]["replicas"] = json!(self.replicas);
                object["spec"]["progressDeadlineSeconds"] = json!(600);
                object["spec"]["strategy"] = json!({"type": "RollingUpdate",
                    "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}});
            }
            Kind::StatefulSet => {
                object["spec"]["replicas"] = json!(self.replicas);
                object["spec"]["serviceName"] = json!(self.name);
                object["spec"]["podManagementPolicy"] = json!("OrderedReady");
                object["spec"]["updateStrategy"] = json!({"type": "RollingUpdate"});
            }
            Kind::DaemonSet => {
                object["spec"]["updateStrategy"] = json!({"type": "RollingUpdate",
                    "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}});
            }
        }
        object
    }

    /// Its Service, if it has one.
    pub fn service(&self, ip: &str) -> Option<Value> {
        (self.port != 0).then(|| {
            json!({
                "apiVersion": "v1", "kind": "Service",
                "metadata": {"name": self.name, "namespace": self.ns, "labels": {"app.kubernetes.io/name": self.name}},
                "spec": {"type": "ClusterIP", "clusterIP": ip, "clusterIPs": [ip], "sessionAffinity": "None",
                         "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster",
                         "selector": {"app.kubernetes.io/name": self.name},
                         "ports": [{"name": "main", "port": self.port, "targetPort": "main",
                                    "protocol": if self.port == 53 { "UDP" } else { "TCP" }}]},
                "status": {"loadBalancer": {}},
            })
        })
    }
}

impl Part {
    /// The headless Service that Prometheus Operator makes for what it runs, if this is such.
    pub fn operated(&self) -> Option<Value> {
        let (name, port, label) = match self.image.split(':').next() {
            Some("prometheus") => ("prometheus-operated", 9090, "operated-prometheus"),
            Some("alertmanager") => ("alertmanager-operated", 9093, "operated-alertmanager"),
            _ => return None,
        };
        Some(json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": name, "namespace": self.ns, "labels": {label: "true", "managed-by": "prometheus-operator"}},
            "spec": {"type": "ClusterIP", "clusterIP": "None", "clusterIPs": ["None"], "sessionAffinity": "None",
                     "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster",
                     "selector": {"app.kubernetes.io/name": self.name},
                     "ports": [{"name": "web", "port": port, "targetPort": "main", "protocol": "TCP"}]},
            "status": {"loadBalancer": {}},
        }))
    }
}

/// A pod that nobody manages: somebody left it in `default`.
pub fn toolbox() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "toolbox", "namespace": "default", "labels": {"run": "toolbox"}},
        "spec": {"containers": [{"name": "toolbox", "image": "registry.example/platform/toolbox:2026.10",
                                 "command": ["sleep", "infinity"],
                                 "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}}}]},
        "status": {"phase": "Pending"},
    })
}

/// The Service by which pods reach the API server, and its slice.
pub fn api_service(ip: &str, address: &str) -> (Value, Value) {
    (
        json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "kubernetes", "namespace": "default",
                         "labels": {"component": "apiserver", "provider": "kubernetes"}},
            "spec": {"type": "ClusterIP", "clusterIP": ip, "clusterIPs": [ip], "sessionAffinity": "None",
                     "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster",
                     "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}]},
            "status": {"loadBalancer": {}}}),
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": "kubernetes", "namespace": "default",
                         "labels": {"kubernetes.io/service-name": "kubernetes"}},
            "addressType": "IPv4", "endpoints": [{"addresses": [address], "conditions": {"ready": true}}],
            "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}]}),
    )
}
