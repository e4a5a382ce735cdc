//! Nodes, namespaces and quotas: what the environments stand on.

use std::sync::Arc;

use super::id::{Name, Uid};
use super::level::Level;
use super::meta::{Condition, Labels, Resources};
use super::time::Stamp;

/// core/v1 Node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// `metadata.uid`
    pub uid: Uid,
    /// `metadata.name`
    pub name: Name,
    /// `metadata.labels`
    pub labels: Labels,
    /// `spec.providerID`, which tells the provider (`gce://`, `azure://`, `aws://`, `k3s://`, `kind://`).
    pub provider_id: Name,
    /// `status.nodeInfo.kubeletVersion`
    pub version: Name,
    /// The Ready condition's status: `True`, `False`, `Unknown`.
    pub ready: Name,
    /// `spec.unschedulable`
    pub cordoned: bool,
    /// `spec.taints`
    pub taints: Arc<[Taint]>,
    /// `status.conditions`
    pub conditions: Arc<[Condition]>,
    /// `status.allocatable`, CPU and memory.
    pub allocatable: Resources,
    /// `status.allocatable.pods`
    pub max_pods: u32,
    /// `metadata.creationTimestamp`
    pub created: Stamp,
}

/// What keeps pods away from a node that do not tolerate it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taint {
    /// `key`
    pub key: Name,
    /// `value`; most have none.
    pub value: Name,
    /// `NoSchedule`, `PreferNoSchedule`, `NoExecute`.
    pub effect: Name,
    /// `timeAdded`, which the cluster's own taints have.
    pub since: Option<Stamp>,
}

/// Taints that repeat what a condition or `spec.unschedulable` says. kube's well-known taints.
const ECHOES: [&str; 7] = [
    "not-ready",
    "unreachable",
    "unschedulable",
    "memory-pressure",
    "disk-pressure",
    "pid-pressure",
    "network-unavailable",
];

impl Taint {
    /// Whether it says what a condition, or the cordon, says already.
    pub fn is_echo(&self) -> bool {
        self.key.strip_prefix("node.kubernetes.io/").is_some_and(|key| ECHOES.contains(&key))
    }
}

/// Conditions that are well while they are not true: the kubelet's and the cloud's, then those of
/// node-problem-detector. What others add may mean anything (K3s says `EtcdIsVoter`), and is shown but not judged.
const FAULTS: [&str; 13] = [
    "MemoryPressure",
    "DiskPressure",
    "PIDPressure",
    "NetworkUnavailable",
    "KernelDeadlock",
    "ReadonlyFilesystem",
    "CorruptDockerOverlay2",
    "FrequentKubeletRestart",
    "FrequentDockerRestart",
    "FrequentContainerdRestart",
    "FrequentUnregisterNetDevice",
    "KubeletProblem",
    "ContainerRuntimeProblem",
];

impl Node {
    /// A condition by its type.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| &*condition.kind == kind)
    }

    /// Whether its kubelet says that it is ready.
    pub fn is_ready(&self) -> bool {
        &*self.ready == "True"
    }

    /// Since when it is ready, or is not.
    pub fn ready_since(&self) -> Option<Stamp> {
        self.condition("Ready")?.since
    }

    /// Conditions that say that something is wrong, besides Ready: pressure, no network.
    pub fn faults(&self) -> impl Iterator<Item = &Condition> {
        self.conditions.iter().filter(|condition| condition.is_true() && FAULTS.contains(&&*condition.kind))
    }

    /// How well a condition of it is: `None` where true and false mean nothing that is known here.
    pub fn judge(condition: &Condition) -> Option<Level> {
        let wanted = match &*condition.kind {
            "Ready" => "True",
            kind if FAULTS.contains(&kind) => "False",
            _ => return None,
        };
        Some(match (&*condition.kind, &*condition.status) {
            (_, status) if status == wanted => Level::Ok,
            ("Ready", _) => Level::Critical,
            (_, "Unknown") => Level::Unknown,
            _ => Level::Warning,
        })
    }

    /// Since when no new pods come to it, where the cluster wrote it down.
    pub fn cordoned_since(&self) -> Option<Stamp> {
        self.taints.iter().find(|taint| &*taint.key == "node.kubernetes.io/unschedulable")?.since
    }

    /// How well it is.
    pub fn level(&self) -> Level {
        if !self.is_ready() {
            Level::Critical
        } else if self.faults().next().is_some() {
            Level::Warning
        } else if self.cordoned {
            // Somebody is at work on it.
            Level::Progressing
        } else {
            Level::Ok
        }
    }
}

/// core/v1 Namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// `metadata.uid`
    pub uid: Uid,
    /// `metadata.name`
    pub name: Name,
    /// `metadata.labels`
    pub labels: Labels,
    /// `status.phase` is `Terminating`.
    pub terminating: bool,
    /// `metadata.creationTimestamp`
    pub created: Stamp,
}

/// core/v1 ResourceQuota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// `metadata.uid`
    pub uid: Uid,
    /// `metadata.namespace`
    pub namespace: Name,
    /// `metadata.name`
    pub name: Name,
    /// Each resource of `status.hard` with what `status.used` says.
    pub items: Arc<[QuotaItem]>,
}

/// One resource of a quota. Amounts are thousandths (of a core, of a byte, of
/// an object), the finest unit in which quantities are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaItem {
    /// `requests.cpu`, `limits.memory`, `pods`...
    pub resource: Name,
    /// Thousandths allowed.
    pub hard_milli: u128,
    /// Thousandths used.
    pub used_milli: u128,
}

/// autoscaling/v2 HorizontalPodAutoscaler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Autoscaler {
    /// `metadata.uid`
    pub uid: Uid,
    /// `metadata.namespace`
    pub namespace: Name,
    /// `metadata.name`
    pub name: Name,
    /// `spec.scaleTargetRef.kind`
    pub target_kind: Name,
    /// `spec.scaleTargetRef.name`
    pub target_name: Name,
    /// `spec.minReplicas` (1 when absent).
    pub min: u32,
    /// `spec.maxReplicas`
    pub max: u32,
    /// `status.currentReplicas`
    pub current: u32,
    /// `status.desiredReplicas`
    pub desired: u32,
    /// `status.lastScaleTime`: when it changed the number of pods the last time.
    pub scaled: Option<Stamp>,
}
