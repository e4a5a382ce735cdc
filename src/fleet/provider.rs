//! Who runs a cluster, worked out from what its nodes and its version say.

use std::fmt;

use crate::domain::node::Node;

/// Who runs a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provider {
    /// Google Kubernetes Engine
    Gke,
    /// Amazon Elastic Kubernetes Service
    Eks,
    /// Azure Kubernetes Service
    Aks,
    /// Red Hat OpenShift
    OpenShift,
    /// K3s
    K3s,
    /// RKE2
    Rke2,
    /// kind
    Kind,
    /// minikube
    Minikube,
    /// MicroK8s
    MicroK8s,
    /// DigitalOcean Kubernetes
    DigitalOcean,
    /// Linode Kubernetes Engine
    Linode,
    /// Oracle Kubernetes Engine
    Oke,
    /// Talos Linux
    Talos,
    /// Docker Desktop
    DockerDesktop,
    /// Nodes that KWOK pretends.
    Kwok,
    /// Nobody says.
    Plain,
}

impl Provider {
    /// Its name as people write it; `Kubernetes` when nobody says who runs it.
    pub fn word(self) -> &'static str {
        match self {
            Provider::Gke => "GKE",
            Provider::Eks => "EKS",
            Provider::Aks => "AKS",
            Provider::OpenShift => "OpenShift",
            Provider::K3s => "k3s",
            Provider::Rke2 => "RKE2",
            Provider::Kind => "kind",
            Provider::Minikube => "minikube",
            Provider::MicroK8s => "MicroK8s",
            Provider::DigitalOcean => "DOKS",
            Provider::Linode => "LKE",
            Provider::Oke => "OKE",
            Provider::Talos => "Talos",
            Provider::DockerDesktop => "Docker Desktop",
            Provider::Kwok => "KWOK",
            Provider::Plain => "Kubernetes",
        }
    }
}

/// A provider with the control plane's version, `GKE 1.35`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    /// Who runs it.
    pub provider: Provider,
    /// `1.35`; empty when not known.
    pub version: String,
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.provider.word())?;
        if !self.version.is_empty() {
            write!(f, " {}", self.version)?;
        }
        Ok(())
    }
}

/// Works out the provider from the nodes and from `/version`'s `gitVersion`
/// (empty when not known; then the newest kubelet's version stands in).
///
/// The version's suffix decides first where it names a distribution, since
/// K3s on a cloud's machines is K3s; then labels and ids of the nodes.
pub fn platform<'a>(git_version: &str, nodes: impl Iterator<Item = &'a Node>) -> Platform {
    let mut newest: Option<(u64, u64)> = None;
    let mut by_node = None;
    let mut suffix = by_version(git_version);
    for node in nodes {
        newest = newest.max(major_minor(&node.version));
        if by_node.is_none() {
            by_node = by_labels(node).or_else(|| by_provider_id(&node.provider_id));
        }
        if suffix.is_none() {
            suffix = by_version(&node.version);
        }
    }
    let version = major_minor(git_version).or(newest);
    Platform {
        provider: match (suffix, by_node) {
            // What runs on nodes that do not exist is of no provider.
            (_, Some(Provider::Kwok)) => Provider::Kwok,
            (Some(named), _) => named,
            (None, found) => found.unwrap_or(Provider::Plain),
        },
        version: version.map(|(major, minor)| format!("{major}.{minor}")).unwrap_or_default(),
    }
}

/// `v1.35.4-gke.1250000` is (1, 35).
pub fn major_minor(version: &str) -> Option<(u64, u64)> {
    let mut parts = version.trim_start_matches('v').split(['.', '-', '+']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn by_version(version: &str) -> Option<Provider> {
    let has = |part: &str| version.contains(part);
    if has("-gke.") {
        Some(Provider::Gke)
    } else if has("-eks-") {
        Some(Provider::Eks)
    } else if has("+k3s") {
        Some(Provider::K3s)
    } else if has("+rke2") {
        Some(Provider::Rke2)
    } else {
        None
    }
}

fn by_labels(node: &Node) -> Option<Provider> {
    let has = |key: &str| node.labels.get(key).is_some();
    let begins = |prefix: &str| node.labels.0.iter().any(|(key, _)| key.starts_with(prefix));
    if node.labels.get("type").is_some_and(|kind| &**kind == "kwok") {
        Some(Provider::Kwok)
    } else if begins("node.openshift.io/") {
        Some(Provider::OpenShift)
    } else if has("cloud.google.com/gke-nodepool") {
        Some(Provider::Gke)
    } else if begins("kubernetes.azure.com/") {
        Some(Provider::Aks)
    } else if begins("eks.amazonaws.com/") || has("alpha.eksctl.io/cluster-name") {
        Some(Provider::Eks)
    } else if begins("minikube.k8s.io/") {
        Some(Provider::Minikube)
    } else if has("microk8s.io/cluster") {
        Some(Provider::MicroK8s)
    } else if begins("doks.digitalocean.com/") {
        Some(Provider::DigitalOcean)
    } else if begins("lke.linode.com/") {
        Some(Provider::Linode)
    } else if begins("oke.oraclecloud.com/") {
        Some(Provider::Oke)
    } else if begins("extensions.talos.dev/") {
        Some(Provider::Talos)
    } else if &*node.name == "docker-desktop" {
        Some(Provider::DockerDesktop)
    } else {
        None
    }
}

fn by_provider_id(id: &str) -> Option<Provider> {
    match id.split_once("://")?.0 {
        "gce" => Some(Provider::Gke),
        "azure" => Some(Provider::Aks),
        "k3s" => Some(Provider::K3s),
        "rke2" => Some(Provider::Rke2),
        "kind" => Some(Provider::Kind),
        "kwok" => Some(Provider::Kwok),
        "digitalocean" => Some(Provider::DigitalOcean),
        "linode" => Some(Provider::Linode),
        // An EC2 machine may run anything: EKS says so in the version.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::testing::node;

    #[test]
    fn nodes_and_version_tell_the_provider() {
        for (version, id, labels, words) in [
            ("v1.35.4-gke.1250000", "gce://p/z/n", &[("cloud.google.com/gke-nodepool", "a")][..], "GKE 1.35"),
            ("v1.34.1", "gce://p/z/n", &[], "GKE 1.34"),
            ("v1.33.2-eks-1-33-7", "aws:///eu-west-1a/i-1", &[], "EKS 1.33"),
            ("v1.33.2", "aws:///eu-west-1a/i-1", &[], "Kubernetes 1.33"),
            ("v1.32.0", "azure:///subscriptions/1", &[("kubernetes.azure.com/cluster", "x")], "AKS 1.32"),
            ("v1.36.3+k3s1", "k3s://edge-1", &[], "k3s 1.36"),
            ("v1.36.3+k3s1", "aws:///eu-west-1a/i-1", &[], "k3s 1.36"),
            ("v1.31.4+rke2r1", "rke2://n", &[], "RKE2 1.31"),
            ("v1.36.0", "kind://docker/kind/n", &[], "kind 1.36"),
            ("v1.36.0", "", &[("minikube.k8s.io/name", "minikube")], "minikube 1.36"),
            ("v1.29.8+f10c92d", "", &[("node.openshift.io/os_id", "rhcos")], "OpenShift 1.29"),
            ("v1.36.0", "", &[("type", "kwok")], "KWOK 1.36"),
            ("v1.36.0", "", &[], "Kubernetes 1.36"),
            ("weird", "", &[], "Kubernetes"),
            ("", "", &[], "Kubernetes"),
        ] {
            let mut node = node("n", labels);
            node.provider_id = id.into();
            node.version = version.into();
            assert_eq!(platform(version, [&node].into_iter()).to_string(), words, "{version} {id}");
        }
    }

    #[test]
    fn the_newest_kubelet_stands_in_for_an_unknown_version() {
        let mut old = node("a", &[]);
        old.version = "v1.9.9".into();
        let mut new = node("b", &[]);
        new.version = "v1.36.3+k3s1".into();
        assert_eq!(platform("", [&old, &new].into_iter()).to_string(), "k3s 1.36");
        assert_eq!(platform("", std::iter::empty()).to_string(), "Kubernetes");
    }
}
