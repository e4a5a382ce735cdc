//! One served cluster: its store, its users, its faults, and what it asks the world for. Shared by all connections to
//! it; every route takes it.

use std::sync::Arc;

use tokio::sync::watch;

use super::Fault;
use super::access::{Role, User};
use super::kinds::Kinds;
use super::monitoring::Monitoring;
use super::source::{LogSource, UsageSource};
use super::store::Store;

/// What a cluster is served from.
#[derive(Clone)]
pub struct ClusterSetup {
    /// Name of its context in the kubeconfig.
    pub name: String,
    /// What `/version` says, such as `v1.36.3+k3s1`.
    pub version: String,
    /// Its objects.
    pub store: Store,
    /// Its log lines.
    pub logs: Arc<dyn LogSource>,
    /// Its usage figures.
    pub usage: Arc<dyn UsageSource>,
    /// Its Prometheus and Alertmanager, if it has them.
    pub monitoring: Option<Arc<Monitoring>>,
}

/// How a cluster is unwell at present, and how often its connections and watches were broken.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults {
    /// The lasting fault.
    pub present: Option<Fault>,
    /// Counts `Fault::CutWatches`.
    pub cuts: u64,
    /// Counts `Fault::Gone`.
    pub gones: u64,
}

/// A served cluster.
pub struct Cluster {
    /// What it is served from.
    pub setup: ClusterSetup,
    /// The kinds it serves.
    pub kinds: Kinds,
    /// Administrator and viewer.
    pub users: [User; 2],
    /// Its faults; connections and watches look at every change.
    pub faults: watch::Sender<Faults>,
}

impl Cluster {
    /// A well cluster with fresh tokens.
    pub fn new(setup: ClusterSetup) -> Self {
        let kinds = Kinds::new(setup.store.clone());
        let user = |name: &str, role| User { name: name.to_owned(), token: token(), role };
        let users = [user("demo-admin", Role::Admin), user("demo-viewer", Role::Viewer)];
        Self { setup, kinds, users, faults: watch::channel(Faults::default()).0 }
    }

    /// Its objects.
    pub fn store(&self) -> &Store {
        &self.setup.store
    }

    /// The user of a bearer token.
    pub fn user(&self, token: &str) -> Option<&User> {
        self.users.iter().find(|user| user.token == token)
    }

    /// Makes it unwell, or well again. One-time faults happen at once and leave the lasting one as it is.
    pub fn set_fault(&self, fault: Option<Fault>) {
        match fault {
            Some(Fault::Gone) => {
                self.store().compact();
                self.faults.send_modify(|faults| faults.gones += 1);
            }
            Some(Fault::CutWatches) => self.faults.send_modify(|faults| faults.cuts += 1),
            lasting => {
                self.faults.send_modify(|faults| faults.present = lasting);
            }
        }
    }
}

/// 128 bits from the operating system, by way of the keys of the standard library's hash maps.
fn token() -> String {
    use std::hash::{BuildHasher, RandomState};
    let part = |n: u8| RandomState::new().hash_one(n);
    format!("{:016x}{:016x}", part(0), part(1))
}
