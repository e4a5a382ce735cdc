//! What is wanted, as plain data: an action, the objects, and where they stand. Nothing here was read from a cluster
//! for the purpose of judging; that is [`super::gather`]'s.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::Known;
use super::actions::Act;
use crate::domain::freeze::Freeze;
use crate::domain::id::{ClusterId, Name, ObjectRef};
use crate::domain::traffic::Switching;
use crate::domain::upstream::Upstream;
pub use crate::journal::{Way, With};

/// An action of the registry ([`super::actions::ALL`]).
#[derive(Clone, Copy)]
pub struct Verb(pub(super) &'static dyn Act);

impl Deref for Verb {
    type Target = dyn Act;

    fn deref(&self) -> &Self::Target {
        self.0
    }
}

impl Verb {
    /// The action that leads this way back from this one; `None` when this version does not know it.
    #[must_use]
    pub fn back_by(self, way: &Way) -> Option<Verb> {
        if way.action.is_empty() { Some(self) } else { super::actions::named(&way.action) }
    }
}

impl fmt::Debug for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl PartialEq for Verb {
    fn eq(&self, other: &Verb) -> bool {
        self.0.name() == other.0.name()
    }
}

impl Eq for Verb {}

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The action.
    pub verb: Verb,
    /// What it is done to; all of one cluster. A uid of zero means "whichever has the name now".
    pub objects: Vec<ObjectRef>,
    /// How.
    pub with: With,
}

/// An intent with what the settings and the screen know of the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What is wanted.
    pub intent: Intent,
    /// Where.
    pub place: Place,
    /// What else is known there.
    pub around: Around,
}

/// Where something is to be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The connection. What is planned on it is done on it alone.
    pub cluster: ClusterId,
    /// The kubeconfig context.
    pub context: Name,
    /// The API server's URL.
    pub server: Name,
    /// The environment; empty when the namespace belongs to none.
    pub environment: Name,
    /// All environments that it may matter to, where there are several: those of a node's cluster.
    pub others: Vec<Name>,
    /// Its name has to be typed.
    pub protected: bool,
    /// Why nothing may be changed here, where that is so.
    pub read_only: Option<String>,
}

/// A server's URL without its path.
#[must_use]
pub fn host(server: &str) -> &str {
    let begins = server.find("://").map_or(0, |at| at + 3);
    match server.get(begins..).and_then(|rest| rest.find('/')) {
        Some(at) => &server[..begins + at],
        None => server,
    }
}

impl Place {
    /// The API server without a path, which on some platforms is as good as a password.
    #[must_use]
    pub fn host(&self) -> &str {
        host(&self.server)
    }

    /// The environment, or the context where there is none.
    #[must_use]
    pub fn name(&self) -> &Name {
        if self.environment.is_empty() { &self.context } else { &self.environment }
    }

    /// The names of all environments that a change here may matter to.
    #[must_use]
    pub fn names(&self) -> &[Name] {
        if self.others.is_empty() { std::slice::from_ref(self.name()) } else { &self.others }
    }
}

/// What the screen knows that bears on a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Around {
    /// Names of the critical alerts that fire in the environment.
    pub alerts: Known<Vec<String>>,
    /// How old the newest good backup is and how old it may be, in seconds.
    pub backup: Known<(u64, u64)>,
    /// What the nodes that take any pod have room for, by the requests of the pods on them.
    pub room: Known<Vec<Free>>,
    /// For each object, what delivers it, where the screen knows: an Application or a Flux object.
    pub delivery: Vec<Option<ObjectRef>>,
    /// When nothing is to be changed there.
    pub freezes: Vec<Freeze>,
    /// Whether a failed gate may be overridden at all.
    pub overriding: bool,
    /// For a switch: how pairs are recognised and watched, and whom to ask how requests fare.
    pub switched: Option<Box<Switched>>,
    /// The action in the journal that an earlier program began and left without an outcome, where this is planned on it.
    pub instead_of: Option<String>,
}

/// What a node has room for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Free {
    /// The node.
    pub node: Name,
    /// Millicores.
    pub cpu: u64,
    /// Bytes.
    pub memory: u64,
    /// Pods.
    pub pods: u32,
}

/// What the settings and the screen know for a switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switched {
    /// How pairs are recognised, judged and watched.
    pub settings: Switching,
    /// Whom to ask how requests to each colour fare, or why nobody.
    pub gauges: Known<Gauges>,
}

/// Whom to ask how requests to each colour of a pair fare, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gauges {
    /// A Prometheus.
    pub upstream: Arc<Upstream>,
    /// Seconds that its rates look back.
    pub window: u32,
    /// What to ask about each colour.
    pub colours: Vec<(Name, Questions)>,
}

/// What to ask about one colour: PromQL, a number each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Questions {
    /// Requests a second.
    pub requests: Name,
    /// The share that fails, or why it cannot be asked for.
    pub errors: Known<Name>,
    /// The 99th percentile of the latency in seconds, or why it cannot be asked for.
    pub latency: Known<Name>,
}

impl Default for Around {
    fn default() -> Around {
        Around {
            alerts: Err("no server of alerts is known here".to_owned()),
            backup: Err("no backups are known here".to_owned()),
            room: Err("nothing is known of the nodes here".to_owned()),
            delivery: Vec::new(),
            freezes: Vec::new(),
            overriding: true,
            switched: None,
            instead_of: None,
        }
    }
}
