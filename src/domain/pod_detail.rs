//! A pod, container by container: what the pod view shows and no list needs.
//! It is read one at a time, when asked for.

use super::id::Name;
use super::meta::{Condition, Resources};
use super::time::Stamp;

/// What only the whole object of a pod tells. All texts are clean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodDetail {
    /// `status.phase`
    pub phase: Name,
    /// `status.reason` (`Evicted`, `NodeLost`...); mostly empty.
    pub reason: Name,
    /// `status.message`; mostly empty.
    pub message: String,
    /// `status.podIP`; empty before there is one.
    pub ip: Name,
    /// `status.hostIP`; empty before there is one.
    pub host_ip: Name,
    /// `status.qosClass`
    pub qos: Name,
    /// `spec.serviceAccountName`
    pub service_account: Name,
    /// `spec.priorityClassName`; empty when none.
    pub priority_class: Name,
    /// `status.conditions`
    pub conditions: Vec<Condition>,
    /// Init containers first, then containers, then ephemeral ones, each in the order of the spec.
    pub containers: Vec<ContainerDetail>,
}

/// One container of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerDetail {
    /// Its name.
    pub name: Name,
    /// The image as the spec names it.
    pub image: Name,
    /// `sha256:…` of what runs (from `imageID`); empty when not known.
    pub digest: Name,
    /// What it is for.
    pub role: ContainerRole,
    /// What it does now.
    pub state: ContainerState,
    /// How it ended the last time (`lastState.terminated`).
    pub last: Option<Termination>,
    /// `restartCount`
    pub restarts: u32,
    /// `ready`
    pub ready: bool,
    /// `resources.requests`
    pub requests: Resources,
    /// `resources.limits`
    pub limits: Resources,
    /// What it uses now; `None` when metrics.k8s.io does not say.
    pub usage: Option<Resources>,
    /// Ports as `http 8080/TCP`, joined by commas.
    pub ports: String,
}

/// What a container is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContainerRole {
    /// Runs before the others and ends.
    Init,
    /// An init container that goes on running (`restartPolicy: Always`).
    Sidecar,
    /// What the pod is there for.
    #[default]
    App,
    /// Added for debugging.
    Ephemeral,
}

/// What a container does now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ContainerState {
    /// The kubelet has not said anything about it.
    #[default]
    Unknown,
    /// Does not run yet, or not again.
    Waiting {
        /// `CrashLoopBackOff`, `ImagePullBackOff`, `ContainerCreating`...
        reason: Name,
        /// Words of the kubelet.
        message: String,
    },
    /// Runs.
    Running {
        /// `startedAt`
        since: Option<Stamp>,
    },
    /// Ended.
    Terminated(Termination),
}

/// How a container ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Termination {
    /// `OOMKilled`, `Error`, `Completed`...
    pub reason: Name,
    /// The exit code; 137 is SIGKILL.
    pub code: i32,
    /// The signal, when the runtime tells it; else 0.
    pub signal: i32,
    /// What the container left in its termination message.
    pub message: String,
    /// `startedAt`
    pub started: Option<Stamp>,
    /// `finishedAt`
    pub finished: Option<Stamp>,
}
