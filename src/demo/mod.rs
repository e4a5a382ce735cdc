//! The embedded demo: clusters that speak the Kubernetes API over HTTP on a loopback port, for people without a
//! cluster and for tests. It shares no code with the client side and imports no other room, so that agreement between
//! the two means something. `store` holds a cluster's objects; the API serves them; the world and its controllers give
//! them life.

pub mod error;
pub mod source;
pub mod store;

use std::path::PathBuf;
use std::time::Duration;

/// What a demo is started with.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// Names, ages, digests and usage derive from it: two runs with one seed look alike.
    pub seed: u64,
    /// How many times faster than the clock the story runs.
    pub speed: f64,
    /// Extra pods on the first cluster, for load.
    pub pods: Option<usize>,
    /// Changes of such pods a second.
    pub churn: f64,
    /// Whether the story unfolds; without it the world rests.
    pub story: bool,
    /// Story time already elapsed at the start.
    pub start_at: Duration,
    /// Where the kubeconfigs go; a temporary folder when None.
    pub dir: Option<PathBuf>,
}

impl Default for DemoOptions {
    fn default() -> Self {
        Self { seed: 1, speed: 1.0, pods: None, churn: 0.0, story: true, start_at: Duration::ZERO, dir: None }
    }
}

/// A way for a cluster to be unwell, for tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Connections are closed at once, open ones are cut.
    Down,
    /// Requests are taken and never answered.
    Hang,
    /// Every request is answered with this code; 429 and 503 with `Retry-After: 1`.
    Status(u16),
    /// 401 for all.
    Unauthorized,
    /// 403 on get, list and watch of one resource (`pods`, `deployments.apps`).
    Forbidden {
        /// Resource key.
        resource: String,
    },
    /// Every open watch is told 410, and so is the next watch from a version before now.
    Gone,
    /// Answers come this much later.
    Slow(Duration),
    /// All watch connections end, once.
    CutWatches,
    /// `sendInitialEvents` is refused with 422, as by a server without streaming lists.
    NoWatchList,
}
