//! A pod, as one row: about 450 bytes with its share of the interned texts, so
//! that 50,000 of them fit in a small process.

use std::sync::Arc;

use super::id::{Name, Uid};
use super::level::Level;
use super::meta::{ContainerImage, Labels, Owner, Resources};
use super::time::Stamp;

/// The state under which the environment cards count a pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PodState {
    /// Running and ready.
    #[default]
    Ready,
    /// Completed (phase Succeeded).
    Done,
    /// Pending, starting, terminating: on its way.
    Moving,
    /// Running but not ready for no stated reason.
    Unready,
    /// Crash loop, failed pull, OOM, evicted, failed.
    Failed,
}

impl PodState {
    /// How well a pod in this state is.
    pub fn level(self) -> Level {
        match self {
            PodState::Ready => Level::Ok,
            PodState::Done => Level::Idle,
            PodState::Moving => Level::Progressing,
            PodState::Unready => Level::Warning,
            PodState::Failed => Level::Critical,
        }
    }
}

/// How a container ended the last time (`lastState.terminated`, or
/// `state.terminated` when it has not been started again).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastExit {
    /// `OOMKilled`, `Error`, `Completed`...
    pub reason: Name,
    /// The exit code; 137 is SIGKILL.
    pub code: i32,
    /// `finishedAt`
    pub at: Option<Stamp>,
}

/// One pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    /// `metadata.uid`
    pub uid: Uid,
    /// `metadata.name`
    pub name: Box<str>,
    /// `metadata.namespace`
    pub namespace: Name,
    /// `spec.nodeName`; empty when not scheduled.
    pub node: Name,
    /// The STATUS column exactly as kubectl computes it.
    pub status: Name,
    /// The class that `status` and readiness fall into.
    pub state: PodState,
    /// Its phase is Succeeded or Failed: it has ended for good and holds nothing of its node any more.
    pub over: bool,
    /// Ready containers, started sidecars included.
    pub ready: u16,
    /// Containers plus sidecars.
    pub total: u16,
    /// Restarts, as kubectl counts them.
    pub restarts: u32,
    /// The newest end of a container, shown beside the restarts: it tells
    /// `OOMKilled` where the status only says `CrashLoopBackOff`.
    pub last_exit: Option<Box<LastExit>>,
    /// `metadata.creationTimestamp`
    pub created: Stamp,
    /// `metadata.deletionTimestamp` is set.
    pub deleting: bool,
    /// The controller that owns it.
    pub owner: Option<Arc<Owner>>,
    /// `metadata.labels`
    pub labels: Labels,
    /// Containers and their images as the spec names them.
    pub images: Arc<[ContainerImage]>,
    /// The digest of the first app container's running image
    /// (`status.containerStatuses[].imageID`), empty when not known.
    pub digest: Name,
    /// Sum of the requests, by the rules of `kubectl describe node`.
    pub requests: Resources,
    /// Sum of the limits; a resource that one container leaves unlimited counts
    /// what the others name.
    pub limits: Resources,
}

impl Pod {
    /// How well it is.
    pub fn level(&self) -> Level {
        self.state.level()
    }
}
