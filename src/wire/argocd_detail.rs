//! argoproj.io/v1alpha1 Application and AppProject ([`WholeProject`]), whole, for the zoom; and what the Argo CD API server
//! answers about an application's tree. What lists need is decoded elsewhere.

mod project;

use serde::Deserialize;

pub use self::project::WholeProject;
use super::lenient::{Fields, Flag, Int, List, Maybe, MaybeInt, Pairs, Text};
use super::stamp;
use crate::domain::id::{Name, Uid};
use crate::domain::meta::Condition;
use crate::domain::sync_detail::{
    About, AppDetail, Automated, Commit, Deployed, Destination, Hydration, Lookup, Operation, Request,
    Resource, ResourceId, ResourceResult, ServerNode, Source, SyncDetail,
};
use crate::text::clean;

/// An Application as it comes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WholeApp {
    pub(super) metadata: Fields<WholeMeta>,
    spec: Fields<Spec>,
    status: Fields<Status>,
    operation: Maybe<WireRequest>,
}

/// `metadata` of an object that is read whole.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct WholeMeta {
    pub(super) name: Text,
    pub(super) namespace: Text,
    pub(super) uid: Text,
    pub(super) resource_version: Text,
    pub(super) generation: Int,
    pub(super) creation_timestamp: Text,
    pub(super) deletion_timestamp: Text,
    pub(super) annotations: Pairs<Text>,
    owner_references: List<Fields<OwnerReference>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct OwnerReference {
    kind: Text,
    name: Text,
}

impl WholeMeta {
    /// The detail's frame around what it is about.
    pub(super) fn detail(&self, about: About) -> SyncDetail {
        SyncDetail {
            uid: Uid::parse(&self.uid),
            version: name(&self.resource_version),
            created: stamp::parse(&self.creation_timestamp).unwrap_or_default(),
            deleting: !self.deletion_timestamp.is_empty(),
            about,
        }
    }

    /// A clean annotation; `None` when it is absent or empty.
    pub(super) fn note(&self, key: &str) -> Option<Name> {
        self.annotations.get(key).filter(|text| !text.is_empty()).map(name)
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    project: Text,
    source: Maybe<WireSource>,
    sources: List<Fields<WireSource>>,
    source_hydrator: Maybe<WireHydrator>,
    destination: Fields<WireDestination>,
    sync_policy: Fields<SyncPolicy>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireHydrator {
    dry_source: Fields<WireSource>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireSource {
    #[serde(rename = "repoURL")]
    repo_url: Text,
    path: Text,
    chart: Text,
    target_revision: Text,
    #[serde(rename = "ref")]
    reference: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct WireDestination {
    server: Text,
    name: Text,
    namespace: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SyncPolicy {
    automated: Maybe<WireAutomated>,
    sync_options: List<Text>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireAutomated {
    enabled: Flag,
    prune: Flag,
    self_heal: Flag,
    allow_empty: Flag,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    sync: Fields<SyncStatus>,
    health: Fields<Health>,
    resource_health_source: Text,
    reconciled_at: Text,
    controller_namespace: Text,
    operation_state: Maybe<WireOperation>,
    resources: List<Fields<WireResource>>,
    history: List<Fields<WireHistory>>,
    conditions: List<Fields<WireCondition>>,
    summary: Fields<Summary>,
    source_hydrator: Fields<HydratorStatus>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct SyncStatus {
    status: Text,
    revision: Text,
    revisions: List<Text>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Health {
    status: Text,
    message: Text,
    last_transition_time: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireCondition {
    #[serde(rename = "type")]
    kind: Text,
    message: Text,
    last_transition_time: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Summary {
    images: List<Text>,
    #[serde(rename = "externalURLs")]
    external_urls: List<Text>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct HydratorStatus {
    current_operation: Maybe<WireHydration>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct WireHydration {
    phase: Text,
    message: Text,
    #[serde(rename = "drySHA")]
    dry: Text,
    #[serde(rename = "hydratedSHA")]
    hydrated: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireRequest {
    initiated_by: Fields<InitiatedBy>,
    sync: Fields<WireSync>,
    retry: Fields<Retry>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct InitiatedBy {
    username: Text,
    automated: Flag,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireSync {
    revision: Text,
    revisions: List<Text>,
    dry_run: Flag,
    prune: Flag,
    resources: List<Fields<Nothing>>,
    auto_heal_attempts_count: MaybeInt,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Nothing {}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Retry {
    limit: Int,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireOperation {
    phase: Text,
    message: Text,
    started_at: Text,
    finished_at: Text,
    retry_count: MaybeInt,
    operation: Fields<WireRequest>,
    sync_result: Fields<SyncResult>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct SyncResult {
    revision: Text,
    revisions: List<Text>,
    resources: List<Fields<WireResult>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct WireId {
    group: Text,
    kind: Text,
    namespace: Text,
    name: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireResult {
    group: Text,
    kind: Text,
    namespace: Text,
    name: Text,
    status: Text,
    sync_phase: Text,
    hook_type: Text,
    hook_phase: Text,
    message: Text,
    images: List<Text>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireResource {
    group: Text,
    version: Text,
    kind: Text,
    namespace: Text,
    name: Text,
    status: Text,
    health: Fields<Health>,
    hook: Flag,
    requires_pruning: Flag,
    requires_deletion_confirmation: Flag,
    sync_wave: Int,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireHistory {
    id: Int,
    revision: Text,
    revisions: List<Text>,
    deploy_started_at: Text,
    deployed_at: Text,
    initiated_by: Fields<InitiatedBy>,
}

/// A clean, owned copy of a foreign text.
pub(super) fn name(text: &Text) -> Name {
    clean(text).into()
}

pub(super) fn names(list: &List<Text>) -> Vec<Name> {
    list.iter().filter(|text| !text.is_empty()).map(name).collect()
}

/// `revisions` where there are several sources (then `revision` is empty or a dummy), else the one `revision`.
fn revisions(one: &Text, many: &List<Text>) -> Vec<Name> {
    let many = names(many);
    if many.is_empty() && !one.is_empty() { vec![name(one)] } else { many }
}

/// An address without the `user:password@` that it may carry.
pub(super) fn address(url: &Text) -> Name {
    let shown = match url.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            format!("{scheme}://{host}{path}")
        }
        None => url.0.clone(),
    };
    clean(&shown).into()
}

impl WireSource {
    fn fact(&self) -> Source {
        Source {
            repo: address(&self.repo_url),
            path: name(&self.path),
            chart: name(&self.chart),
            target: name(&self.target_revision),
            reference: name(&self.reference),
        }
    }
}

impl WireDestination {
    fn fact(&self) -> Destination {
        Destination { server: name(&self.server), name: name(&self.name), namespace: name(&self.namespace) }
    }
}

impl WireRequest {
    fn fact(&self) -> Request {
        let sync = &self.sync;
        Request {
            by: name(&self.initiated_by.username),
            automated: self.initiated_by.automated.is_true(),
            revisions: revisions(&sync.revision, &sync.revisions),
            dry_run: sync.dry_run.is_true(),
            prune: sync.prune.is_true(),
            selected: sync.resources.len(),
            heal_attempts: sync.auto_heal_attempts_count.count_or(0),
            retry_limit: self.retry.limit.0,
        }
    }
}

impl WireOperation {
    fn fact(&self) -> Operation {
        let result = &self.sync_result;
        Operation {
            phase: name(&self.phase),
            message: clean(&self.message).into_owned(),
            started: stamp::parse(&self.started_at),
            finished: stamp::parse(&self.finished_at),
            retries: self.retry_count.count_or(0),
            request: self.operation.fact(),
            revisions: revisions(&result.revision, &result.revisions),
            results: result
                .resources
                .iter()
                .map(|r| ResourceResult {
                    id: id(&r.group, &r.kind, &r.namespace, &r.name),
                    status: name(&r.status),
                    sync_phase: name(&r.sync_phase),
                    hook_type: name(&r.hook_type),
                    hook_phase: name(&r.hook_phase),
                    message: clean(&r.message).into_owned(),
                    images: names(&r.images),
                })
                .collect(),
        }
    }
}

fn id(group: &Text, kind: &Text, namespace: &Text, called: &Text) -> ResourceId {
    ResourceId { group: name(group), kind: name(kind), namespace: name(namespace), name: name(called) }
}

impl WholeApp {
    /// The facts; the project and the API server's part are to be filled in.
    pub fn detail(&self) -> SyncDetail {
        let (meta, spec, status) = (&self.metadata, &self.spec, &self.status);
        let sources = match (spec.sources.is_empty(), &spec.source.0, &spec.source_hydrator.0) {
            (false, ..) => spec.sources.iter().map(|source| source.fact()).collect(),
            (true, Some(source), _) => vec![source.fact()],
            (true, None, Some(hydrator)) => vec![hydrator.dry_source.fact()],
            (true, None, None) => Vec::new(),
        };
        let automated = spec.sync_policy.automated.as_ref().filter(|auto| auto.enabled.0 != Some(false));
        let owner = meta.owner_references.iter().find(|owner| &*owner.kind == "ApplicationSet");
        let app = AppDetail {
            project: if spec.project.is_empty() { "default".into() } else { name(&spec.project) },
            sources,
            destination: spec.destination.fact(),
            automated: automated.map(|auto| Automated {
                prune: auto.prune.is_true(),
                self_heal: auto.self_heal.is_true(),
                allow_empty: auto.allow_empty.is_true(),
            }),
            sync_options: names(&spec.sync_policy.sync_options),
            owner: owner.map(|owner| name(&owner.name)),
            parent: meta
                .note("argocd.argoproj.io/tracking-id")
                .and_then(|id| id.split_once(':').map(|(parent, _)| Name::from(parent))),
            refresh: meta.note("argocd.argoproj.io/refresh"),
            skips: meta.note("argocd.argoproj.io/skip-reconcile").as_deref() == Some("true"),
            sync: name(&status.sync.status),
            revisions: revisions(&status.sync.revision, &status.sync.revisions),
            health: name(&status.health.status),
            health_since: stamp::parse(&status.health.last_transition_time),
            health_elsewhere: &*status.resource_health_source == "appTree",
            reconciled: stamp::parse(&status.reconciled_at),
            controller_namespace: name(&status.controller_namespace),
            requested: self.operation.as_ref().map(WireRequest::fact),
            operation: status.operation_state.as_ref().map(WireOperation::fact),
            resources: status.resources.iter().map(|resource| resource.fact()).collect(),
            history: status.history.iter().map(|entry| entry.fact()).collect(),
            conditions: status.conditions.iter().map(|condition| condition.fact()).collect(),
            images: names(&status.summary.images),
            urls: names(&status.summary.external_urls),
            hydration: status.source_hydrator.current_operation.as_ref().map(|now| Hydration {
                phase: name(&now.phase),
                message: clean(&now.message).into_owned(),
                dry: name(&now.dry),
                hydrated: name(&now.hydrated),
            }),
            project_facts: Lookup::None,
            server: Lookup::None,
        };
        meta.detail(About::Argo(Box::new(app)))
    }
}

impl WireCondition {
    fn fact(&self) -> Condition {
        Condition {
            kind: name(&self.kind),
            status: "".into(),
            reason: "".into(),
            message: name(&self.message),
            since: stamp::parse(&self.last_transition_time),
            updated: None,
        }
    }
}

impl WireResource {
    fn fact(&self) -> Resource {
        Resource {
            id: id(&self.group, &self.kind, &self.namespace, &self.name),
            version: name(&self.version),
            status: name(&self.status),
            health: name(&self.health.status),
            health_message: clean(&self.health.message).into_owned(),
            hook: self.hook.is_true(),
            // A running PreSync hook says so too, and is not to be pruned.
            prune: self.requires_pruning.is_true() && !self.hook.is_true(),
            confirm: self.requires_deletion_confirmation.is_true(),
            wave: self.sync_wave.0,
        }
    }
}

impl WireHistory {
    fn fact(&self) -> Deployed {
        Deployed {
            id: self.id.0,
            revisions: revisions(&self.revision, &self.revisions),
            started: stamp::parse(&self.deploy_started_at),
            deployed: stamp::parse(&self.deployed_at),
            by: name(&self.initiated_by.username),
            automated: self.initiated_by.automated.is_true(),
        }
    }
}

/// `resource-tree` of the API server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WireTree {
    nodes: List<Fields<WireNode>>,
    orphaned_nodes: List<Fields<WireId>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireNode {
    group: Text,
    kind: Text,
    namespace: Text,
    name: Text,
    parent_refs: List<Fields<WireId>>,
    health: Fields<Health>,
}

impl WireTree {
    /// Nodes and orphans.
    pub fn facts(&self) -> (Vec<ServerNode>, Vec<ResourceId>) {
        let of = |w: &WireId| id(&w.group, &w.kind, &w.namespace, &w.name);
        let nodes = self.nodes.iter().map(|node| ServerNode {
            id: id(&node.group, &node.kind, &node.namespace, &node.name),
            parent: node.parent_refs.first().map(|parent| of(parent)),
            health: name(&node.health.status),
            message: clean(&node.health.message).into_owned(),
        });
        (nodes.collect(), self.orphaned_nodes.iter().map(|node| of(node)).collect())
    }
}

/// `revisions/{revision}/metadata` of the API server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WireCommit {
    author: Text,
    date: Text,
    message: Text,
}

impl WireCommit {
    /// The facts.
    pub fn fact(&self, revision: &Name) -> Commit {
        Commit {
            revision: revision.clone(),
            author: name(&self.author),
            date: stamp::parse(&self.date),
            message: clean(self.message.lines().next().unwrap_or_default()).into_owned(),
        }
    }
}

#[cfg(test)]
pub(in crate::wire) mod tests;
