//! What brings releases into clusters: Argo CD's Applications and Flux's objects, as one slim fact.
//!
//! A [`SyncApp`] holds what a list shows and what its verdict is worked out from; the whole object (resources, history,
//! manifests) is read when somebody opens it. How well one is ([`judge`]) follows from several fields together, since
//! no single one of them tells the truth at every moment. It knows nothing of environments: `fleet` does.

pub mod flux;
pub mod judge;

use std::borrow::Cow;
use std::sync::Arc;

use super::id::{Kind, Name, Uid};
use super::meta::{Condition, Labels, Owner};
use super::time::Stamp;

pub use judge::{Standing, Verdict};

/// The kinds of Flux that are followed.
pub const FLUX: [Kind; 7] = [
    Kind::Kustomization,
    Kind::HelmRelease,
    Kind::GitRepository,
    Kind::OciRepository,
    Kind::HelmRepository,
    Kind::HelmChart,
    Kind::Bucket,
];

/// An Argo CD Application, a Flux Kustomization or HelmRelease, or a Flux source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncApp {
    /// `metadata.uid`
    pub uid: Uid,
    /// [`Kind::Application`] or one of [`FLUX`].
    pub kind: Kind,
    /// `metadata.namespace`
    pub namespace: Name,
    /// `metadata.name`
    pub name: Name,
    /// `metadata.labels`
    pub labels: Labels,
    /// `metadata.creationTimestamp`
    pub created: Stamp,
    /// `metadata.deletionTimestamp` is set.
    pub deleting: bool,
    /// The ApplicationSet that writes its spec.
    pub owner: Option<Arc<Owner>>,
    /// The Application or Flux object that delivers this one (an app of apps).
    pub delivered_by: Option<Name>,
    /// `spec.project` of an Application (`default` when empty); empty for Flux.
    pub project: Name,
    /// Where it delivers to.
    pub destination: Destination,
    /// Where it delivers from, in the order of the spec.
    pub sources: Arc<[Source]>,
    /// Whether what is wanted and what is there are the same.
    pub sync: Sync,
    /// How well what is there is, as the controller says.
    pub health: Health,
    /// Objects that it manages, as far as its status names them.
    pub resources: u32,
    /// Managed objects that are not as wanted.
    pub drift: u32,
    /// The first of them (at most [`DRIFTED_KEPT`]).
    pub drifted: Arc<[Drifted]>,
    /// Namespaces of the managed objects, sorted.
    pub namespaces: Arc<[Name]>,
    /// The revisions that it was compared with last (Argo CD) or that were applied last (Flux), one a source, whole.
    pub revisions: Arc<[Name]>,
    /// The revision that was tried last (Flux `lastAttemptedRevision`); empty for Applications, whose operation tells it.
    pub attempted: Name,
    /// The last full sync that succeeded: the newest of `status.history`.
    pub deployed: Option<Deployed>,
    /// Those before it that are remembered, newest first (`status.history` of an Application or a HelmRelease).
    pub earlier: Arc<[Deployed]>,
    /// An operation was asked for and waits for the controller (`operation` of an Application, a Flux reconcile request
    /// that was not handled yet).
    pub requested: bool,
    /// The present or the last operation.
    pub operation: Option<Operation>,
    /// When it was compared with its source last (`reconciledAt`; Flux: the last change of `Ready`).
    pub reconciled: Option<Stamp>,
    /// What happens by itself.
    pub auto: Auto,
    /// `status.conditions`; those of Argo CD have no status and no reason: that they are there is the fact.
    pub conditions: Arc<[Condition]>,
    /// Namespace of the control plane that owns an Application (`status.controllerNamespace`); empty when not told.
    pub control_plane: Name,
    /// Other objects that must be ready first (Flux `dependsOn`), as `namespace/name`.
    pub depends_on: Arc<[Name]>,
}

/// How many drifted objects are kept by name.
pub const DRIFTED_KEPT: usize = 20;

/// Where an app is delivered to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destination {
    /// URL of the API server (`https://kubernetes.default.svc` is the one that Argo CD runs on); empty when a name is
    /// given, and for Flux.
    pub server: Name,
    /// Argo CD's name of the cluster, or the Secret of a Flux object's `kubeConfig`; empty when a server is given, and
    /// for a Flux object that delivers to its own cluster.
    pub cluster: Name,
    /// The namespace; empty when each manifest names its own.
    pub namespace: Name,
}

/// Where an app is delivered from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// Repository URL; for a Flux Kustomization or HelmRelease the source object, as `GitRepository/namespace/name`.
    pub repo: Name,
    /// Folder in it; empty for a chart.
    pub path: Name,
    /// Helm chart; empty for a folder.
    pub chart: Name,
    /// What is asked for: a branch, tag, commit, chart version or range; empty is the default.
    pub target: Name,
    /// Name of one source among several; may be empty.
    pub name: Name,
}

/// A managed object that is not as wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drifted {
    /// API group; empty for core.
    pub group: Name,
    /// Kind as written.
    pub kind: Name,
    /// Namespace; empty for kinds without.
    pub namespace: Name,
    /// Name.
    pub name: Name,
    /// It is no longer wanted and waits to be pruned.
    pub prune: bool,
}

/// Whether what is wanted and what is there are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sync {
    /// The same.
    Synced,
    /// Not the same.
    OutOfSync,
    /// The controller could not compare.
    #[default]
    Unknown,
    /// A word that we do not know.
    Other(Name),
}

/// How well what is there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// Works.
    Healthy,
    /// On its way.
    Progressing,
    /// Paused on purpose.
    Suspended,
    /// Not there.
    Missing,
    /// Broken.
    Degraded,
    /// Not known.
    #[default]
    Unknown,
    /// A word that we do not know.
    Other(Name),
}

/// A sync that came through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deployed {
    /// Its number in the history; 0 where it has none.
    pub id: i64,
    /// The revision, whole.
    pub revision: Name,
    /// When.
    pub at: Option<Stamp>,
}

/// A sync, reconcile or upgrade.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operation {
    /// How far it is.
    pub phase: Phase,
    /// The controller's words; may be empty.
    pub message: Name,
    /// When it began.
    pub started: Option<Stamp>,
    /// When it ended; with [`Phase::Running`] the end of an attempt that is repeated.
    pub finished: Option<Stamp>,
    /// Attempts after the first.
    pub retries: u32,
    /// The revision that it brings, whole; empty when not told.
    pub revision: Name,
    /// Who asked for it; empty when it was the controller itself.
    pub by: Name,
    /// The controller began it by itself.
    pub automated: bool,
    /// It changes nothing.
    pub dry_run: bool,
    /// Only some objects: no hooks, not in the history.
    pub partial: bool,
    /// It mends drift by itself.
    pub heal: bool,
    /// Objects that it is through with.
    pub done: u32,
    /// Objects that it deals with, as far as that is known; 0 when it is not.
    pub total: u32,
    /// Objects that could not be applied.
    pub failed: u32,
}

/// How far an operation is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Under way.
    Running,
    /// Being stopped.
    Terminating,
    /// The mark of a stopped one that nothing takes away before the next sync: nothing runs.
    LeftOver,
    /// Applied, hooks passed. Not yet: works.
    Succeeded,
    /// Something was refused, or a hook or wave failed.
    Failed,
    /// It could not even begin.
    Error,
    /// A word that we do not know; empty when there is none.
    Other(Name),
    /// Nothing is known.
    #[default]
    None,
}

/// What happens by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Auto {
    /// New revisions are brought in.
    pub sync: bool,
    /// Drift is taken back.
    pub self_heal: bool,
    /// What is no longer wanted is deleted.
    pub prune: bool,
    /// A person has suspended it (Flux `suspend`, Argo CD's annotation skip-reconcile): nothing moves, and what it says
    /// is old.
    pub suspended: bool,
}

impl Sync {
    /// Reads Argo CD's word.
    pub fn parse(word: &Name) -> Sync {
        match &**word {
            "Synced" => Sync::Synced,
            "OutOfSync" => Sync::OutOfSync,
            "Unknown" | "" => Sync::Unknown,
            _ => Sync::Other(word.clone()),
        }
    }

    /// In words, lower case.
    pub fn word(&self) -> &str {
        match self {
            Sync::Synced => "synced",
            Sync::OutOfSync => "out of sync",
            Sync::Unknown => "unknown",
            Sync::Other(word) => word,
        }
    }
}

impl Health {
    /// Reads Argo CD's word.
    pub fn parse(word: &Name) -> Health {
        match &**word {
            "Healthy" => Health::Healthy,
            "Progressing" => Health::Progressing,
            "Suspended" => Health::Suspended,
            "Missing" => Health::Missing,
            "Degraded" => Health::Degraded,
            "Unknown" | "" => Health::Unknown,
            _ => Health::Other(word.clone()),
        }
    }

    /// In words, lower case.
    pub fn word(&self) -> &str {
        match self {
            Health::Healthy => "healthy",
            Health::Progressing => "progressing",
            Health::Suspended => "suspended",
            Health::Missing => "missing",
            Health::Degraded => "degraded",
            Health::Unknown => "unknown",
            Health::Other(word) => word,
        }
    }
}

impl Phase {
    /// Reads Argo CD's word.
    pub fn parse(word: &Name) -> Phase {
        match &**word {
            "Running" => Phase::Running,
            "Terminating" => Phase::Terminating,
            "Succeeded" => Phase::Succeeded,
            "Failed" => Phase::Failed,
            "Error" => Phase::Error,
            "" => Phase::None,
            _ => Phase::Other(word.clone()),
        }
    }

    /// In words, lower case; empty when there is none.
    pub fn word(&self) -> &str {
        match self {
            Phase::Running => "running",
            Phase::Terminating => "stopping",
            Phase::LeftOver => "left over",
            Phase::Succeeded => "succeeded",
            Phase::Failed => "failed",
            Phase::Error => "error",
            Phase::Other(word) => word,
            Phase::None => "",
        }
    }
}

impl SyncApp {
    /// One condition by its type.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| &*condition.kind == kind)
    }

    /// Whether it is one of Argo CD's.
    pub fn is_argo(&self) -> bool {
        self.kind == Kind::Application
    }

    /// What its objects carry as a mark: its name; outside of its control plane's namespace that namespace too.
    pub fn mark(&self) -> Cow<'_, str> {
        let own = !self.is_argo() || self.control_plane.is_empty() || self.control_plane == self.namespace;
        if own { (&*self.name).into() } else { format!("{}_{}", self.namespace, self.name).into() }
    }

    /// Whether it only fetches (a Flux source), and something else delivers.
    pub fn is_source(&self) -> bool {
        matches!(
            self.kind,
            Kind::GitRepository | Kind::OciRepository | Kind::HelmRepository | Kind::HelmChart | Kind::Bucket
        )
    }

    /// The revision that people ask for: of the operation under way, else what it was compared with last. Of several
    /// sources the first.
    pub fn revision(&self) -> &str {
        let running = self.operation.as_ref().filter(|operation| operation.is_under_way());
        running
            .map(|operation| &*operation.revision)
            .filter(|revision| !revision.is_empty())
            .or_else(|| {
                self.revisions.iter().map(|revision| &**revision).find(|revision| !revision.is_empty())
            })
            .unwrap_or(&self.attempted)
    }

    /// When something last changed here: the operation's end or beginning, else the last deployment, else its creation.
    pub fn changed(&self) -> Stamp {
        let operation =
            self.operation.as_ref().and_then(|operation| operation.finished.or(operation.started));
        let deployed = self.deployed.as_ref().and_then(|deployed| deployed.at);
        operation.or(deployed).unwrap_or(self.created)
    }
}

/// Argo CD's name for the API server that it runs on.
pub const IN_CLUSTER: &str = "https://kubernetes.default.svc";

impl Operation {
    /// Whether it goes on (an attempt that is repeated later does too).
    pub fn is_under_way(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Terminating)
    }

    /// Whether an attempt failed and the next one is awaited.
    pub fn is_retrying(&self) -> bool {
        self.phase == Phase::Running && self.finished.is_some()
    }

    /// Whether it says that a sync window holds it back. Even a permitted one says so for its first moment.
    pub fn says_blocked(&self) -> bool {
        self.phase == Phase::Running && &*self.message == "Sync operation blocked by sync window"
    }
}

/// A revision as people write it: the first seven digits of a commit, the tag of an OCI artifact, anything else whole.
///
/// Forms of Flux: `main@sha1:<sha>`, `v1.2@sha1:<sha>`, `<tag>@sha256:<digest>`, `sha1:<sha>`.
pub fn short_revision(revision: &str) -> &str {
    let is_hex = |text: &str| text.len() >= 12 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let short = |text| -> &str {
        let text: &str = text;
        if is_hex(text) { text.get(..7).unwrap_or(text) } else { text }
    };
    match revision.split_once('@') {
        Some((_, digest)) if digest.starts_with("sha1:") => short(digest.trim_start_matches("sha1:")),
        Some((tag, _)) if !tag.is_empty() && revision.contains("@sha256:") => tag,
        _ => short(revision.trim_start_matches("sha1:").trim_start_matches("sha256:")),
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
