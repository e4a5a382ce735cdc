//! argoproj.io/v1alpha1 Application (Argo CD).
//!
//! The status subresource does not exist and nothing keeps people from writing any word anywhere, so every word stays
//! a word. Managed objects are counted here and only those that drift are kept by name; the zoom reads the whole.

use serde::Deserialize;

use super::lenient::{Fields, Flag, Int, List, Maybe, Text};
use super::meta::Meta;
use super::{Misfit, Wire, identity, name, resource, stamp, workload};
use crate::domain::id::{Kind, Name};
use crate::domain::meta::Interner;
use crate::domain::sync::{
    Auto, DRIFTED_KEPT, Deployed, Destination, Drifted, Health, Operation, Phase, Source, Sync, SyncApp,
};
use crate::msg::{Delta, Facts};

/// An Application as it comes from the wire.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WireApplication {
    metadata: Meta,
    spec: Fields<Spec>,
    status: Fields<Status>,
    operation: Maybe<WireRequest>,
}
resource!(WireApplication, Kind::Application);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    project: Text,
    destination: Fields<WireDestination>,
    source: Fields<WireSource>,
    sources: List<Fields<WireSource>>,
    source_hydrator: Maybe<Hydrator>,
    sync_policy: Fields<SyncPolicy>,
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
struct WireSource {
    #[serde(rename = "repoURL")]
    repo_url: Text,
    path: Text,
    chart: Text,
    target_revision: Text,
    name: Text,
    #[serde(rename = "ref")]
    reference: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Hydrator {
    dry_source: Fields<WireSource>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct SyncPolicy {
    automated: Maybe<Automated>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Automated {
    prune: Flag,
    self_heal: Flag,
    enabled: Flag,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    sync: Fields<WireSync>,
    health: Fields<WireHealth>,
    operation_state: Maybe<OperationState>,
    resources: List<Fields<WireResource>>,
    history: List<Fields<WireHistory>>,
    conditions: List<Fields<workload::WireCondition>>,
    reconciled_at: Text,
    controller_namespace: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct WireSync {
    status: Text,
    revision: Text,
    revisions: List<Text>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct WireHealth {
    status: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct OperationState {
    phase: Text,
    message: Text,
    started_at: Text,
    finished_at: Text,
    retry_count: Int,
    operation: Fields<WireRequest>,
    sync_result: Fields<SyncResult>,
}

/// What was asked for: the top-level `operation`, and its echo in the state.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireRequest {
    initiated_by: Fields<InitiatedBy>,
    sync: Fields<RequestedSync>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct InitiatedBy {
    username: Text,
    automated: Flag,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RequestedSync {
    revision: Text,
    revisions: List<Text>,
    dry_run: Flag,
    resources: List<Nothing>,
    auto_heal_attempts_count: Int,
}

/// Something that only counts by being there.
#[derive(Clone, Copy, Debug, Default)]
struct Nothing;

impl<'de> Deserialize<'de> for Nothing {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(from).map(|_| Nothing)
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct SyncResult {
    revision: Text,
    revisions: List<Text>,
    resources: List<Fields<ResultEntry>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ResultEntry {
    status: Text,
    hook_type: Text,
    hook_phase: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireResource {
    group: Text,
    kind: Text,
    namespace: Text,
    name: Text,
    status: Text,
    hook: Flag,
    requires_pruning: Flag,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireHistory {
    id: Int,
    revision: Text,
    revisions: List<Text>,
    deployed_at: Text,
}

impl WireHistory {
    fn deployed(&self, interner: &mut Interner) -> Deployed {
        Deployed {
            id: self.id.0,
            revision: first(&self.revision, &self.revisions, interner),
            at: stamp::parse(&self.deployed_at),
        }
    }
}

impl Wire for WireApplication {
    const KIND: Kind = Kind::Application;
    type Row = SyncApp;

    fn slim_meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, interner: &mut Interner) -> Result<SyncApp, Misfit> {
        let (meta, spec, status) = (&self.metadata, &self.spec, &self.status);
        let uid = identity(Kind::Application, meta)?;
        let mut operation = status.operation_state.as_ref().map(|state| operation(state, status, interner));
        // The controller takes the operation away when it ends it.
        if let Some(state) = operation.as_mut().filter(|state| state.phase == Phase::Terminating)
            && self.operation.is_none()
        {
            state.phase = Phase::LeftOver;
        }
        let under_way = operation.as_ref().is_some_and(Operation::is_under_way);
        let drifting = || status.resources.iter().filter(|resource| resource.drifts());
        let project = if spec.project.is_empty() { "default" } else { &spec.project };
        Ok(SyncApp {
            uid,
            kind: Kind::Application,
            namespace: meta.namespace(interner),
            name: name(interner, &meta.name),
            labels: meta.labels(interner),
            created: meta.created,
            deleting: meta.deleting,
            owner: meta.owner(interner),
            delivered_by: meta.delivered_by(interner),
            project: name(interner, project),
            destination: Destination {
                server: name(interner, &spec.destination.server),
                cluster: name(interner, &spec.destination.name),
                namespace: name(interner, &spec.destination.namespace),
            },
            sources: sources(spec, interner),
            sync: Sync::parse(&name(interner, &status.sync.status)),
            health: Health::parse(&name(interner, &status.health.status)),
            resources: count(status.resources.iter().filter(|resource| !resource.hook.is_true()).count()),
            drift: count(drifting().count()),
            drifted: drifting().take(DRIFTED_KEPT).map(|resource| resource.drifted(interner)).collect(),
            namespaces: namespaces(status, interner),
            revisions: revisions(&status.sync.revision, &status.sync.revisions, interner),
            attempted: interner.text(""),
            deployed: status.history.last().map(|entry| entry.deployed(interner)),
            earlier: status.history.iter().rev().skip(1).map(|entry| entry.deployed(interner)).collect(),
            requested: self.operation.is_some() && !under_way,
            operation,
            reconciled: stamp::parse(&status.reconciled_at),
            auto: auto(spec, meta),
            conditions: workload::conditions(&status.conditions, interner),
            control_plane: name(interner, &status.controller_namespace),
            depends_on: [].into(),
        })
    }

    fn facts(deltas: Vec<Delta<SyncApp>>) -> Facts {
        Facts::Applications(deltas)
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// With several sources the one beside them counts for nothing.
fn sources(spec: &Spec, interner: &mut Interner) -> std::sync::Arc<[Source]> {
    let mut source = |source: &WireSource| Source {
        repo: name(interner, &source.repo_url),
        path: name(interner, &source.path),
        chart: name(interner, &source.chart),
        target: name(interner, &source.target_revision),
        name: name(interner, if source.name.is_empty() { &source.reference } else { &source.name }),
    };
    if !spec.sources.is_empty() {
        return spec.sources.iter().map(|one| source(one)).collect();
    }
    match spec.source_hydrator.as_ref() {
        Some(hydrator) => [source(&hydrator.dry_source)].into(),
        None if spec.source.repo_url.is_empty() => [].into(),
        None => [source(&spec.source)].into(),
    }
}

fn revisions(one: &str, several: &[Text], interner: &mut Interner) -> std::sync::Arc<[Name]> {
    if several.is_empty() && !one.is_empty() {
        return [name(interner, one)].into();
    }
    several.iter().map(|revision| name(interner, revision)).collect()
}

/// The revision of the first source.
fn first(one: &str, several: &[Text], interner: &mut Interner) -> Name {
    let several = several.iter().map(Text::as_str).find(|revision| !revision.is_empty());
    name(interner, several.unwrap_or(one))
}

fn auto(spec: &Spec, meta: &Meta) -> Auto {
    let automated =
        spec.sync_policy.automated.as_ref().filter(|automated| automated.enabled.0 != Some(false));
    Auto {
        sync: automated.is_some(),
        self_heal: automated.is_some_and(|automated| automated.self_heal.is_true()),
        prune: automated.is_some_and(|automated| automated.prune.is_true()),
        suspended: meta.skips_reconcile(),
    }
}

fn namespaces(status: &Status, interner: &mut Interner) -> std::sync::Arc<[Name]> {
    // Objects that merely carry a copied mark have no sync status.
    let managed = status.resources.iter().filter(|resource| !resource.status.is_empty());
    let mut names: Vec<&str> = managed
        .map(|resource| resource.namespace.as_str())
        .filter(|namespace| !namespace.is_empty())
        .collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|namespace| name(interner, namespace)).collect()
}

impl WireResource {
    /// A hook that runs has no sync status, and may say that it will be pruned.
    fn drifts(&self) -> bool {
        !self.hook.is_true() && !matches!(self.status.as_str(), "" | "Synced")
    }

    fn drifted(&self, interner: &mut Interner) -> Drifted {
        Drifted {
            group: name(interner, &self.group),
            kind: name(interner, &self.kind),
            namespace: name(interner, &self.namespace),
            name: name(interner, &self.name),
            prune: self.requires_pruning.is_true(),
        }
    }
}

impl ResultEntry {
    /// The phase of ordinary objects means nothing: it stays `Running` after a sync that came through.
    fn is_done(&self) -> bool {
        let runs = !self.hook_type.is_empty() && matches!(self.hook_phase.as_str(), "Running" | "");
        !runs && !self.is_failed() && !self.status.is_empty()
    }

    fn is_failed(&self) -> bool {
        &*self.status == "SyncFailed" || matches!(self.hook_phase.as_str(), "Failed" | "Error")
    }
}

fn operation(state: &OperationState, status: &Status, interner: &mut Interner) -> Operation {
    let (asked, result) = (&state.operation.sync, &state.sync_result);
    let entries = &result.resources;
    let selected = asked.resources.len();
    let managed = status.resources.iter().filter(|resource| !resource.hook.is_true()).count();
    let total = if selected > 0 { selected } else { managed };
    let told = first(&result.revision, &result.revisions, interner);
    let revision = if told.is_empty() { first(&asked.revision, &asked.revisions, interner) } else { told };
    Operation {
        phase: Phase::parse(&name(interner, &state.phase)),
        message: name(interner, &state.message),
        started: stamp::parse(&state.started_at),
        finished: stamp::parse(&state.finished_at),
        retries: state.retry_count.count(),
        revision,
        by: name(interner, &state.operation.initiated_by.username),
        automated: state.operation.initiated_by.automated.is_true(),
        dry_run: asked.dry_run.is_true(),
        partial: selected > 0,
        heal: asked.auto_heal_attempts_count.0 > 0,
        done: count(entries.iter().filter(|entry| entry.is_done()).count()),
        total: count(total.max(entries.len())),
        failed: count(entries.iter().filter(|entry| entry.is_failed()).count()),
    }
}

#[cfg(test)]
#[path = "argocd_tests.rs"]
mod tests;
