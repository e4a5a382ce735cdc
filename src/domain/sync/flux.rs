//! What the conditions of a Flux object say, as sync, health and operation.
//!
//! The order in which they count is Flux's own: suspended, stalled, failing and retrying, in progress, ready. What the
//! controllers call `Ready` is the result of the last reconcile, not the health of what runs: a HelmRelease that was
//! rolled back is not ready, and its workload works on the old version.

use super::{Health, Operation, Phase, Sync};
use crate::domain::id::{Kind, Name};
use crate::domain::meta::Condition;

/// What is read from a Flux object's spec and status.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// Its kind.
    pub kind: Kind,
    /// `metadata.generation`
    pub generation: i64,
    /// `status.observedGeneration`; 0 before the first reconcile.
    pub observed: i64,
    /// `status.lastAppliedRevision`, the newest deployed chart, or the artifact's revision.
    pub applied: &'a str,
    /// `status.lastAttemptedRevision`; empty when not told.
    pub attempted: &'a str,
    /// `status.conditions`
    pub conditions: &'a [Condition],
    /// `spec.suspend`
    pub suspended: bool,
    /// A HelmRepository of OCI charts has no status and never gets one.
    pub is_static: bool,
}

/// Sync, health and operation that follow.
pub fn states(said: &Said<'_>) -> (Sync, Health, Option<Operation>) {
    if said.is_static {
        return (Sync::Synced, Health::Healthy, None);
    }
    let condition = |kind: &str| said.conditions.iter().find(|condition| &*condition.kind == kind);
    let holds = |kind: &str| condition(kind).is_some_and(Condition::is_true);
    let ready = condition("Ready");
    let word = ready.map_or("", |ready| &*ready.status);
    let reason = ready.map_or("", |ready| &*ready.reason);
    let retrying = condition("Reconciling")
        .is_some_and(|reconciling| reconciling.is_true() && &*reconciling.reason == "ProgressingWithRetry");
    // A resumed or changed object tells its old state until the controller has seen it.
    let behind = said.generation != 0 && said.observed != said.generation;
    let moving = holds("Reconciling") || behind;
    let operation = |phase, of: Option<&Condition>| {
        let finished = of.filter(|_| phase != Phase::Running).and_then(|of| of.since);
        Some(Operation {
            message: of.map(words).unwrap_or_default(),
            started: of.and_then(|of| of.since),
            finished,
            revision: said.attempted.into(),
            automated: true,
            phase,
            ..Operation::default()
        })
    };
    let same = said.attempted.is_empty() || said.applied == said.attempted;
    let sync = match word {
        _ if holds("Drifted") || holds("ArtifactOutdated") => Sync::OutOfSync,
        "True" if same && !behind => Sync::Synced,
        "True" => Sync::OutOfSync,
        "False" if said.applied.is_empty() && said.attempted.is_empty() => Sync::Unknown,
        "False" => Sync::OutOfSync,
        _ => Sync::Unknown,
    };
    if said.suspended {
        return (sync, Health::Suspended, None);
    }
    if let Some(stalled) = condition("Stalled").filter(|stalled| stalled.is_true()) {
        return (sync, Health::Degraded, operation(Phase::Failed, Some(stalled)));
    }
    let waits = reason == "DependencyNotReady";
    match word {
        // Old workloads go on; only the delivery failed.
        "False" if is_taken_back(reason) => {
            (Sync::OutOfSync, Health::Healthy, operation(Phase::Failed, ready))
        }
        "False" if waits => (sync, Health::Progressing, operation(Phase::Running, ready)),
        "False" if retrying => {
            let failing = operation(Phase::Running, ready).map(|running| {
                let finished = running.started;
                Operation { finished, retries: 1, ..running }
            });
            (sync, Health::Degraded, failing)
        }
        "False" if !moving => (sync, Health::Degraded, operation(Phase::Failed, ready)),
        _ if moving => {
            let of = condition("Reconciling").or(ready);
            (sync, Health::Progressing, operation(Phase::Running, of))
        }
        "True" => (sync, Health::Healthy, operation(Phase::Succeeded, ready)),
        "Unknown" => (sync, Health::Progressing, operation(Phase::Running, ready)),
        _ => (sync, Health::Unknown, None),
    }
}

/// Reasons of a HelmRelease that is not ready since its upgrade was taken back.
fn is_taken_back(reason: &str) -> bool {
    reason == "RollbackSucceeded"
}

fn words(condition: &Condition) -> Name {
    match (&*condition.reason, &*condition.message) {
        (_, "") => condition.reason.clone(),
        ("" | "ReconciliationSucceeded" | "Succeeded" | "Progressing", _) => condition.message.clone(),
        (reason, message) => format!("{reason}: {message}").into(),
    }
}
