//! Counts by namespace, kept as pods come and go.

use crate::domain::meta::Resources;
use crate::domain::pod::{Pod, PodState};

/// Counts of the pods of one namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PodTally {
    /// All pods.
    pub total: u32,
    /// Running and ready.
    pub ready: u32,
    /// Completed.
    pub done: u32,
    /// On their way.
    pub moving: u32,
    /// Running but not ready.
    pub unready: u32,
    /// Failed, crashing.
    pub failed: u32,
    /// Requests of all pods that are not over.
    pub requests: Resources,
}

impl PodTally {
    /// Counts a pod in.
    pub fn add(&mut self, pod: &Pod) {
        self.total += 1;
        *self.of(pod.state) += 1;
        if !pod.over {
            self.requests = self.requests + pod.requests;
        }
    }

    /// Counts a pod out.
    pub fn remove(&mut self, pod: &Pod) {
        self.total = self.total.saturating_sub(1);
        let count = self.of(pod.state);
        *count = count.saturating_sub(1);
        if !pod.over {
            self.requests = self.requests - pod.requests;
        }
    }

    fn of(&mut self, state: PodState) -> &mut u32 {
        match state {
            PodState::Ready => &mut self.ready,
            PodState::Done => &mut self.done,
            PodState::Moving => &mut self.moving,
            PodState::Unready => &mut self.unready,
            PodState::Failed => &mut self.failed,
        }
    }
}

impl std::ops::AddAssign for PodTally {
    fn add_assign(&mut self, other: PodTally) {
        self.total += other.total;
        self.ready += other.ready;
        self.done += other.done;
        self.moving += other.moving;
        self.unready += other.unready;
        self.failed += other.failed;
        self.requests = self.requests + other.requests;
    }
}
