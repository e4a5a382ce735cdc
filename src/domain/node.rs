//! Nodes, namespaces and quotas: what the environments stand on.

use std::sync::Arc;

use super::id::{Name, Uid};
use super::meta::{Condition, Labels, Resources};
use super::time::Stamp;

/// core/v1 Node.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// `status.conditions`
    pub conditions: Arc<[Condition]>,
    /// `status.allocatable`, CPU and memory.
    pub allocatable: Resources,
    /// `status.allocatable.pods`
    pub max_pods: u32,
    /// `metadata.creationTimestamp`
    pub created: Stamp,
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
