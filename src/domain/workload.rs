//! Workloads: what owns pods, and the ReplicaSets between them.

use std::sync::Arc;

use super::id::{Kind, Name, Uid};
use super::level::Level;
use super::meta::{Condition, ContainerImage, Labels, Owner};
use super::selector::Selector;
use super::time::Stamp;

/// A Deployment, StatefulSet, DaemonSet, Job, CronJob or Argo Rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// `metadata.uid`
    pub uid: Uid,
    /// Its kind; [`Kind::is_workload`] holds.
    pub kind: Kind,
    /// `metadata.namespace`
    pub namespace: Name,
    /// `metadata.name`
    pub name: Name,
    /// `metadata.labels`
    pub labels: Labels,
    /// `spec.template.metadata.labels`, which Services select by.
    pub pod_labels: Labels,
    /// `spec.selector`; `None` when it selects nothing of its own (CronJob).
    pub selector: Option<Selector>,
    /// `metadata.creationTimestamp`
    pub created: Stamp,
    /// `metadata.generation`
    pub generation: i64,
    /// `status.observedGeneration`; 0 before the first reconcile. Argo Rollouts
    /// writes it as a string.
    pub observed: i64,
    /// Replicas wanted; for a DaemonSet `desiredNumberScheduled`, for a Job its
    /// parallelism, for a CronJob 0.
    pub desired: u32,
    /// Pods there are, old and new (`status.replicas`, `currentNumberScheduled`).
    pub current: u32,
    /// Pods of the newest template.
    pub updated: u32,
    /// Ready pods.
    pub ready: u32,
    /// Available pods (ready for minReadySeconds).
    pub available: u32,
    /// `spec.paused` (Deployment, Rollout) or `spec.suspend` (Job, CronJob).
    pub paused: bool,
    /// `status.conditions`
    pub conditions: Arc<[Condition]>,
    /// Containers of the pod template.
    pub images: Arc<[ContainerImage]>,
    /// The last change of size through the scale subresource.
    pub scaled: Option<Scaled>,
    /// The controller that owns it (a Job's CronJob).
    pub owner: Option<Arc<Owner>>,
    /// `argocd.argoproj.io/tracking-id`'s application name, or the name in the
    /// Flux labels `kustomize.toolkit.fluxcd.io/name`, `helm.toolkit.fluxcd.io/name`.
    pub delivered_by: Option<Name>,
    /// What only some kinds have.
    pub more: More,
}

/// A change of size through the scale subresource, as the API server dates it in `metadata.managedFields`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scaled {
    /// When.
    pub at: Stamp,
    /// By what: the field manager's name (`kubectl`, `kube-controller-manager`).
    pub by: Name,
}

/// What only some kinds of workload have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum More {
    /// Whatever needs nothing else.
    Plain,
    /// How a StatefulSet or a DaemonSet brings in a new template.
    Update(UpdateMore),
    /// A Deployment's strategy.
    Deployment(DeploymentMore),
    /// A Job's counts.
    Job(JobMore),
    /// A CronJob's schedule.
    CronJob(CronJobMore),
    /// An Argo Rollout's progress.
    Rollout(Box<RolloutMore>),
}

/// `spec.strategy` and `spec.progressDeadlineSeconds` of a Deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentMore {
    /// `RollingUpdate` or `Recreate`.
    pub strategy: Name,
    /// `maxSurge` as written (`25%`, `1`); empty when Recreate.
    pub max_surge: Name,
    /// `maxUnavailable` as written; empty when Recreate.
    pub max_unavailable: Name,
    /// Seconds until a rollout without progress counts as failed.
    pub deadline_seconds: u32,
    /// `deployment.kubernetes.io/revision`
    pub revision: u64,
}

/// `spec.updateStrategy` of a StatefulSet or DaemonSet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateMore {
    /// `RollingUpdate` or `OnDelete`.
    pub strategy: Name,
    /// `rollingUpdate.partition` of a StatefulSet: pods of a lower ordinal keep the old template.
    pub partition: u32,
    /// `rollingUpdate.maxUnavailable` as written; empty when absent.
    pub max_unavailable: Name,
    /// `rollingUpdate.maxSurge` of a DaemonSet as written; empty when absent.
    pub max_surge: Name,
    /// `status.updateRevision` of a StatefulSet, the value of the label
    /// `controller-revision-hash` of its new pods; empty for a DaemonSet.
    pub update_revision: Name,
}

/// The counts of a Job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobMore {
    /// `spec.completions` (1 when absent).
    pub completions: u32,
    /// `status.succeeded`
    pub succeeded: u32,
    /// `status.failed`
    pub failed: u32,
    /// `status.active`
    pub active: u32,
    /// `status.startTime`
    pub started: Option<Stamp>,
    /// `status.completionTime`
    pub completed: Option<Stamp>,
}

/// The schedule of a CronJob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronJobMore {
    /// `spec.schedule`
    pub schedule: Name,
    /// `spec.timeZone`; empty means the controller's.
    pub time_zone: Name,
    /// Number of `status.active` Jobs.
    pub active: u32,
    /// `status.lastScheduleTime`
    pub last_schedule: Option<Stamp>,
    /// `status.lastSuccessfulTime`
    pub last_success: Option<Stamp>,
}

/// The progress of an Argo Rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutMore {
    /// `blueGreen`, `canary` or empty.
    pub strategy: Name,
    /// `status.phase`; empty before the first reconcile.
    pub phase: Name,
    /// `status.message`; empty when healthy.
    pub message: Name,
    /// `status.currentStepIndex` and the number of steps, for canaries.
    pub step: Option<(u32, u32)>,
    /// `status.stableRS`
    pub stable_hash: Name,
    /// `status.currentPodHash`
    pub current_hash: Name,
    /// The hash that the active Service of a blue/green Rollout selects (`status.blueGreen.activeSelector`); else empty.
    pub active_hash: Name,
    /// `status.abort`
    pub aborted: bool,
    /// Per cent of the traffic of the canary and of the stable release, where a router divides it
    /// (`status.canary.weights`).
    pub weights: Option<(u32, u32)>,
    /// AnalysisRuns as its status names them; a failed one of a canary is in the message alone.
    pub analyses: Vec<Analysis>,
}

/// An AnalysisRun that a Rollout waits for, or has waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Analysis {
    /// What it judges: `step`, `background`, `before` or `after` the switch.
    pub of: &'static str,
    /// Its name.
    pub run: Name,
    /// `Pending`, `Running`, `Successful`, `Failed`, `Error`, `Inconclusive`.
    pub phase: Name,
    /// Why.
    pub message: Name,
}

impl Analysis {
    /// How it stands. One that is `Successful` may have been ended by hand ("Run Terminated"): its message says so.
    #[must_use]
    pub fn level(&self) -> Level {
        match &*self.phase {
            "Successful" => Level::Ok,
            "Failed" | "Error" => Level::Critical,
            "Inconclusive" => Level::Warning,
            "Pending" | "Running" => Level::Progressing,
            _ => Level::Unknown,
        }
    }
}

impl Workload {
    /// One condition by its type.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|c| &*c.kind == kind)
    }

    /// Whether a change of its template or size is on its way. Rules:
    /// `kubectl rollout status` for Deployment, StatefulSet and DaemonSet;
    /// `status.phase` for Rollouts; active pods for Jobs.
    pub fn is_rolling(&self) -> bool {
        match &self.more {
            More::Job(job) => job.active > 0 && job.completed.is_none(),
            More::CronJob(_) => false,
            More::Rollout(rollout) => matches!(&*rollout.phase, "Progressing" | "" | "Paused"),
            _ => {
                self.observed < self.generation
                    || self.updated < self.desired
                    || self.current > self.updated
                    || self.available < self.updated
            }
        }
    }

    /// How well it is.
    pub fn level(&self) -> Level {
        match &self.more {
            More::Job(job) => self.job_level(job),
            More::CronJob(cron) => match (self.paused, cron.active) {
                (true, _) | (false, 0) => Level::Idle,
                _ => Level::Progressing,
            },
            More::Rollout(rollout) => match &*rollout.phase {
                "Healthy" => Level::Ok,
                "Progressing" | "Paused" => Level::Progressing,
                "Degraded" => Level::Critical,
                _ => Level::Unknown,
            },
            _ => self.replicas_level(),
        }
    }

    fn job_level(&self, job: &JobMore) -> Level {
        if self.condition("Failed").is_some_and(Condition::is_true) {
            Level::Critical
        } else if job.completed.is_some()
            || self.condition("Complete").is_some_and(Condition::is_true)
            || self.paused
        {
            Level::Idle
        } else if job.failed > 0 {
            Level::Warning
        } else {
            Level::Progressing
        }
    }

    fn replicas_level(&self) -> Level {
        if self.desired == 0 && self.current == 0 {
            return Level::Idle;
        }
        let stuck = self.condition("Progressing").is_some_and(|c| &*c.reason == "ProgressDeadlineExceeded");
        let cannot_create = self.condition("ReplicaFailure").is_some_and(Condition::is_true);
        if stuck || cannot_create {
            return Level::Critical;
        }
        if self.observed < self.generation
            || self.updated < self.desired
            || self.current != self.updated
            || !self.rollout_has_settled()
        {
            return Level::Progressing;
        }
        match (self.available, self.desired) {
            (available, desired) if available >= desired => Level::Ok,
            (0, _) => Level::Critical,
            _ => Level::Warning,
        }
    }

    /// Whether the last rollout is over, so that missing pods are a fault and
    /// not a beginning. A Deployment says so; the other kinds have no such word
    /// and count as settled once every pod of the newest template exists.
    fn rollout_has_settled(&self) -> bool {
        match self.condition("Progressing") {
            Some(condition) => &*condition.reason == "NewReplicaSetAvailable",
            None => self.available >= self.desired || self.kind != Kind::Deployment,
        }
    }
}

/// A ReplicaSet, which stands between a Deployment or Rollout and its pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaSet {
    /// `metadata.uid`
    pub uid: Uid,
    /// `metadata.namespace`
    pub namespace: Name,
    /// `metadata.name`
    pub name: Box<str>,
    /// The Deployment or Rollout.
    pub owner: Option<Arc<Owner>>,
    /// `metadata.creationTimestamp`
    pub created: Stamp,
    /// `spec.replicas`
    pub desired: u32,
    /// `status.replicas`
    pub current: u32,
    /// `status.readyReplicas`
    pub ready: u32,
    /// `status.availableReplicas`
    pub available: u32,
    /// `deployment.kubernetes.io/revision` or `rollout.argoproj.io/revision`; 0 when absent.
    pub revision: u64,
    /// Containers of its pod template.
    pub images: Arc<[ContainerImage]>,
    /// `pod-template-hash` or `rollouts-pod-template-hash`.
    pub hash: Name,
}
