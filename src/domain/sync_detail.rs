//! One Argo CD Application or Flux object, whole: what its zoom shows and no list needs.
//! It is read one at a time, while somebody looks at it.

use super::id::{Kind, Name, Uid};
use super::meta::Condition;
use super::sync_window::SyncWindow;
use super::time::Stamp;

/// What was read for the zoom of one object. All texts are clean.
#[derive(Clone, Debug, PartialEq)]
pub struct SyncDetail {
    /// `metadata.uid`
    pub uid: Uid,
    /// `metadata.resourceVersion`: equal versions are the same object.
    pub version: Name,
    /// `metadata.creationTimestamp`
    pub created: Stamp,
    /// `metadata.deletionTimestamp` is set.
    pub deleting: bool,
    /// What it is.
    pub about: About,
}

/// What the object is.
#[derive(Clone, Debug, PartialEq)]
pub enum About {
    /// An Argo CD Application.
    Argo(Box<AppDetail>),
    /// A Flux object.
    Flux(Box<FluxDetail>),
}

/// Something that was asked for besides the object itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Lookup<T> {
    /// There is nothing to ask, or nobody to be asked.
    #[default]
    None,
    /// The answer.
    Known(T),
    /// Could not be had, in words that are fit for the screen.
    Refused(String),
}

impl<T> Lookup<T> {
    /// The answer, when there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Lookup::Known(value) => Some(value),
            _ => None,
        }
    }
}

/// An Application.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AppDetail {
    /// `spec.project`; `default` when empty.
    pub project: Name,
    /// `spec.sources`, or the one `spec.source`.
    pub sources: Vec<Source>,
    /// `spec.destination`
    pub destination: Destination,
    /// `spec.syncPolicy.automated`; `None` when absent or `enabled: false`.
    pub automated: Option<Automated>,
    /// `spec.syncPolicy.syncOptions`
    pub sync_options: Vec<Name>,
    /// The ApplicationSet that owns it.
    pub owner: Option<Name>,
    /// The Application that delivers it (tracking-id on itself).
    pub parent: Option<Name>,
    /// Annotation `argocd.argoproj.io/refresh`: a comparison was asked for and has not come.
    pub refresh: Option<Name>,
    /// Annotation `argocd.argoproj.io/skip-reconcile`: everything in the status is frozen.
    pub skips: bool,
    /// `status.sync.status`: `Synced`, `OutOfSync`, `Unknown`; empty before the first comparison.
    pub sync: Name,
    /// `status.sync.revision(s)`: what it was compared with.
    pub revisions: Vec<Name>,
    /// `status.health.status`
    pub health: Name,
    /// `status.health.lastTransitionTime`
    pub health_since: Option<Stamp>,
    /// `status.resourceHealthSource` is `appTree`: the health of single resources is not in the object.
    pub health_elsewhere: bool,
    /// `status.reconciledAt`: the last comparison with Git.
    pub reconciled: Option<Stamp>,
    /// `status.controllerNamespace`
    pub controller_namespace: Name,
    /// `operation`: asked for, and not finished.
    pub requested: Option<Request>,
    /// `status.operationState`
    pub operation: Option<Operation>,
    /// `status.resources`
    pub resources: Vec<Resource>,
    /// `status.history`, oldest first.
    pub history: Vec<Deployed>,
    /// `status.conditions`; `reason` and `status` are empty, presence is the fact.
    pub conditions: Vec<Condition>,
    /// `status.summary.images`: of what is live, old and new.
    pub images: Vec<Name>,
    /// `status.summary.externalURLs`
    pub urls: Vec<Name>,
    /// `status.sourceHydrator.currentOperation`
    pub hydration: Option<Hydration>,
    /// Its AppProject.
    pub project_facts: Lookup<Project>,
    /// What the Argo CD API server adds; `None` when none is configured.
    pub server: Lookup<ServerFacts>,
}

impl AppDetail {
    /// Whether all that is wanted is there and works.
    #[must_use]
    pub fn is_well(&self) -> bool {
        &*self.sync == "Synced" && &*self.health == "Healthy"
    }
}

/// A place that manifests come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// `repoURL`, without credentials.
    pub repo: Name,
    /// `path`; empty for a chart.
    pub path: Name,
    /// `chart`; empty for a path.
    pub chart: Name,
    /// `targetRevision`; empty means HEAD.
    pub target: Name,
    /// `ref`: other sources take values from it.
    pub reference: Name,
}

/// Where the objects go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destination {
    /// `server`: an API server's URL.
    pub server: Name,
    /// `name`: a cluster's name in Argo CD.
    pub name: Name,
    /// `namespace`
    pub namespace: Name,
}

/// `spec.syncPolicy.automated`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Automated {
    /// Objects that left Git are deleted.
    pub prune: bool,
    /// Drift is put back.
    pub self_heal: bool,
    /// Even the last object may be deleted.
    pub allow_empty: bool,
}

/// What was asked of Argo CD (`operation`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// `initiatedBy.username`; empty for the controller.
    pub by: Name,
    /// `initiatedBy.automated`
    pub automated: bool,
    /// `sync.revision(s)`; empty means the newest.
    pub revisions: Vec<Name>,
    /// `sync.dryRun`
    pub dry_run: bool,
    /// `sync.prune`
    pub prune: bool,
    /// Length of `sync.resources`: only these; 0 means everything.
    pub selected: usize,
    /// `sync.autoHealAttemptsCount`
    pub heal_attempts: u32,
    /// `retry.limit`; negative means for ever.
    pub retry_limit: i64,
}

/// `status.operationState`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operation {
    /// `Running`, `Terminating`, `Succeeded`, `Failed`, `Error`, or any other text.
    pub phase: Name,
    /// Words of the controller.
    pub message: String,
    /// `startedAt`
    pub started: Option<Stamp>,
    /// `finishedAt`; set together with `Running`, a failed attempt waits for its next one.
    pub finished: Option<Stamp>,
    /// `retryCount`
    pub retries: u32,
    /// Echo of what was asked.
    pub request: Request,
    /// `syncResult.revision(s)`
    pub revisions: Vec<Name>,
    /// `syncResult.resources`
    pub results: Vec<ResourceResult>,
}

impl Operation {
    /// Whether it is under way: running, waiting for a retry, or being ended.
    pub fn is_running(&self) -> bool {
        matches!(&*self.phase, "Running" | "Terminating")
    }

    /// Whether a failed attempt waits for its next one.
    pub fn waits_for_retry(&self) -> bool {
        &*self.phase == "Running" && self.finished.is_some()
    }
}

/// An object as group, kind, namespace and name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceId {
    /// Empty for core.
    pub group: Name,
    /// The kind as written.
    pub kind: Name,
    /// Empty for objects of the whole cluster.
    pub namespace: Name,
    /// The name.
    pub name: Name,
}

impl ResourceId {
    /// The kind, when it is one that we show.
    pub fn known_kind(&self) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == &*self.kind && kind.api().0 == &*self.group)
    }

    /// Where an object is read whose health no watch tells: the path of the API. `None` for all other kinds.
    pub fn read_at(&self) -> Option<String> {
        let ResourceId { namespace, name, .. } = self;
        Some(match (&*self.group, &*self.kind) {
            ("", "PersistentVolumeClaim") => {
                format!("/api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}")
            }
            ("autoscaling", "HorizontalPodAutoscaler") => {
                format!("/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers/{name}")
            }
            ("apiregistration.k8s.io", "APIService") => {
                format!("/apis/apiregistration.k8s.io/v1/apiservices/{name}")
            }
            _ => return None,
        })
    }

    /// `Deployment cart`
    pub fn words(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }
}

/// How well a live object is by its own status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveHealth {
    /// `Healthy`, `Progressing`, `Degraded`, `Unknown`.
    pub health: Name,
    /// Why, or how far; may be empty.
    pub note: String,
}

/// What an operation did with one object (`syncResult.resources[]`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceResult {
    /// Which.
    pub id: ResourceId,
    /// `Synced`, `SyncFailed`, `Pruned`, `PruneSkipped`; empty for hooks that run.
    pub status: Name,
    /// `PreSync`, `Sync`, `PostSync`, `SyncFail`
    pub sync_phase: Name,
    /// Empty for ordinary objects.
    pub hook_type: Name,
    /// An operation's phase.
    pub hook_phase: Name,
    /// Words of the controller.
    pub message: String,
    /// The images that it brought (3.1 and newer).
    pub images: Vec<Name>,
}

/// An entry of `status.resources`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// Which.
    pub id: ResourceId,
    /// API version.
    pub version: Name,
    /// `Synced`, `OutOfSync`; empty for running hooks and for copies in other namespaces.
    pub status: Name,
    /// `health.status`; empty where the object does not say.
    pub health: Name,
    /// `health.message`
    pub health_message: String,
    /// It is a hook.
    pub hook: bool,
    /// It left Git and would be deleted.
    pub prune: bool,
    /// It would be deleted, but only after a confirmation.
    pub confirm: bool,
    /// `syncWave`
    pub wave: i64,
}

/// An entry of `status.history`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deployed {
    /// Its number.
    pub id: i64,
    /// What was deployed.
    pub revisions: Vec<Name>,
    /// `deployStartedAt`
    pub started: Option<Stamp>,
    /// `deployedAt`
    pub deployed: Option<Stamp>,
    /// `initiatedBy.username`
    pub by: Name,
    /// `initiatedBy.automated`
    pub automated: bool,
}

/// `status.sourceHydrator.currentOperation`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hydration {
    /// `Hydrating`, `Failed`, `Hydrated`
    pub phase: Name,
    /// Words of the controller.
    pub message: String,
    /// `drySHA`
    pub dry: Name,
    /// `hydratedSHA`
    pub hydrated: Name,
}

/// An AppProject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Project {
    /// Its name.
    pub name: Name,
    /// `spec.description`
    pub description: String,
    /// `spec.sourceRepos`
    pub source_repos: Vec<Name>,
    /// `spec.sourceNamespaces`
    pub source_namespaces: Vec<Name>,
    /// `spec.destinations`
    pub destinations: Vec<Destination>,
    /// `spec.clusterResourceWhitelist` as `group/kind`.
    pub cluster_allowed: Vec<String>,
    /// `spec.clusterResourceBlacklist`
    pub cluster_denied: Vec<String>,
    /// `spec.namespaceResourceWhitelist`; `None` when absent: everything.
    pub namespace_allowed: Option<Vec<String>>,
    /// `spec.namespaceResourceBlacklist`
    pub namespace_denied: Vec<String>,
    /// `spec.orphanedResources` is set: what belongs to nobody is watched for.
    pub watches_orphans: bool,
    /// `spec.syncWindows`
    pub windows: Vec<SyncWindow>,
}

/// What the Argo CD API server adds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerFacts {
    /// `resource-tree` nodes.
    pub nodes: Vec<ServerNode>,
    /// `orphanedNodes`: in its namespaces and nobody's.
    pub orphans: Vec<ResourceId>,
    /// What is known of the newest revision.
    pub commit: Option<Commit>,
}

/// A node of the API server's resource tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerNode {
    /// Which.
    pub id: ResourceId,
    /// The first of its parents.
    pub parent: Option<ResourceId>,
    /// Its health; empty when it has none.
    pub health: Name,
    /// Words on it.
    pub message: String,
}

/// What is known of a revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// The revision that was asked about.
    pub revision: Name,
    /// Who wrote it.
    pub author: Name,
    /// When.
    pub date: Option<Stamp>,
    /// Its first line.
    pub message: String,
}

/// A Flux object.
#[derive(Clone, Debug, PartialEq)]
pub struct FluxDetail {
    /// Kustomization, HelmRelease, or one of the sources.
    pub kind: Kind,
    /// `spec.suspend`
    pub suspended: bool,
    /// `metadata.generation`
    pub generation: i64,
    /// `status.observedGeneration`; 0 when absent.
    pub observed: i64,
    /// `spec.interval` as written.
    pub interval: Name,
    /// Annotation `reconcile.fluxcd.io/requestedAt` that has not been handled.
    pub requested: Option<Name>,
    /// Where manifests or the chart come from; a source's own address.
    pub source: FluxSourceRef,
    /// `spec.path` of a Kustomization; the chart of a HelmRelease.
    pub path: Name,
    /// `spec.prune`
    pub prune: bool,
    /// `spec.driftDetection.mode` of a HelmRelease.
    pub drift_detection: Name,
    /// `spec.targetNamespace`, or the object's own.
    pub target_namespace: Name,
    /// It is applied to another cluster (`spec.kubeConfig`).
    pub remote: bool,
    /// `spec.dependsOn` as `namespace/name`.
    pub depends_on: Vec<Name>,
    /// `status.conditions`
    pub conditions: Vec<Condition>,
    /// `status.lastAppliedRevision`; for a HelmRelease the newest deployed chart version.
    pub applied: Name,
    /// `status.lastAttemptedRevision`
    pub attempted: Name,
    /// `status.lastAppliedOriginRevision`: the commit behind an OCI artifact.
    pub origin: Name,
    /// `status.artifact` of a source.
    pub artifact: Option<Artifact>,
    /// `status.inventory`
    pub inventory: Vec<ResourceId>,
    /// `status.history`, newest first.
    pub history: Vec<FluxRelease>,
    /// `status.failures`, `installFailures`, `upgradeFailures`.
    pub failures: [u32; 3],
    /// The source that it is made from.
    pub source_facts: Lookup<FluxSource>,
}

/// `spec.sourceRef`, `spec.chartRef`, or a source's own address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FluxSourceRef {
    /// The kind as written; empty for a source.
    pub kind: Name,
    /// Its namespace.
    pub namespace: Name,
    /// Its name.
    pub name: Name,
    /// A source's URL, without credentials.
    pub url: Name,
    /// A source's branch, tag, commit or version, in words.
    pub wants: Name,
}

/// The source of a Kustomization or HelmRelease.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FluxSource {
    /// `spec.suspend`
    pub suspended: bool,
    /// Its URL, without credentials.
    pub url: Name,
    /// What it has fetched.
    pub artifact: Option<Artifact>,
    /// `status.conditions`
    pub conditions: Vec<Condition>,
}

/// `status.artifact`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Artifact {
    /// `main@sha1:…`, `1.2.0@sha256:…`
    pub revision: Name,
    /// `digest`
    pub digest: Name,
    /// `lastUpdateTime`
    pub updated: Option<Stamp>,
}

/// An entry of `status.history`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FluxRelease {
    /// A HelmRelease's release number; 0 for a Kustomization.
    pub number: u32,
    /// Chart and version, or the revision.
    pub what: String,
    /// `deployed`, `superseded`, `failed`, `ReconciliationSucceeded`...
    pub status: Name,
    /// `install`, `upgrade`, `rollback`; empty when not told.
    pub action: Name,
    /// When first.
    pub first: Option<Stamp>,
    /// When last.
    pub last: Option<Stamp>,
    /// How often.
    pub times: u32,
}

/// How one object differs from what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectDiff {
    /// Which.
    pub id: ResourceId,
    /// What was compared, and what came of it.
    pub found: Found,
}

/// How objects differ from what they should be, and how far that was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// The objects that were compared.
    pub objects: Vec<ObjectDiff>,
    /// How many there are to compare: of too many only the first are read.
    pub of: usize,
    /// Why the Argo CD API server, which is configured, could not tell what Git wants; `None` when it told, or none is.
    pub without_server: Option<String>,
}

/// What a comparison found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The API server's own comparison: wanted by Git against live.
    Git(Vec<FieldChange>),
    /// `kubectl.kubernetes.io/last-applied-configuration` against live.
    LastApplied(Vec<FieldChange>),
    /// Applied by the server: there is no copy of what was wanted, only who owns which field. These fields were
    /// written by somebody else.
    Owners(Vec<FieldOwner>),
    /// It does not exist.
    Missing,
    /// It exists and is wanted nowhere any more.
    Extra,
    /// Nothing says what was wanted.
    Untold,
    /// The API server does not list it among the objects that it compares.
    Unlisted,
    /// Could not be read.
    Refused(String),
}

/// One field that differs. Values are short texts; those of a Secret are masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// `spec.template.spec.containers[cart].image`
    pub path: String,
    /// As wanted; `None`: not wanted there.
    pub wanted: Option<String>,
    /// As it is; `None`: not there.
    pub live: Option<String>,
}

/// Fields that somebody else than the delivering controller wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldOwner {
    /// The field manager's name.
    pub manager: Name,
    /// `Apply` or `Update`.
    pub operation: Name,
    /// When last.
    pub at: Option<Stamp>,
    /// Paths, sorted.
    pub fields: Vec<String>,
}

/// Revisions as people name them: a commit's first seven digits, a tag whole, several with commas.
pub fn short_revision(revisions: &[Name]) -> String {
    let short = |revision: &Name| {
        // Flux writes `main@sha1:…` and `1.2.0@sha256:…`.
        let (before, digest) = match revision.rsplit_once("sha1:").or_else(|| revision.rsplit_once("sha256:"))
        {
            Some((before, digest)) => (before.trim_end_matches('@'), digest),
            None => ("", &**revision),
        };
        let hex = digest.len() >= 20 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        let digest = if hex { digest.get(..7).unwrap_or(digest) } else { digest };
        if before.is_empty() { digest.to_owned() } else { format!("{before}@{digest}") }
    };
    revisions.iter().map(short).collect::<Vec<_>>().join(", ")
}
