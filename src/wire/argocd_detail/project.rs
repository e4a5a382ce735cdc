//! argoproj.io/v1alpha1 AppProject: what it allows, and when.

use serde::Deserialize;

use super::{Nothing, WholeMeta, WireDestination, address, name, names};
use crate::domain::sync_detail::Project;
use crate::domain::sync_window::SyncWindow;
use crate::text::{clean, go_seconds};
use crate::wire::lenient::{Fields, Flag, List, Maybe, Text};

/// An AppProject as it comes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WholeProject {
    metadata: Fields<WholeMeta>,
    spec: Fields<ProjectSpec>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ProjectSpec {
    description: Text,
    source_repos: List<Text>,
    source_namespaces: List<Text>,
    destinations: List<Fields<WireDestination>>,
    cluster_resource_whitelist: List<Fields<GroupKind>>,
    cluster_resource_blacklist: List<Fields<GroupKind>>,
    namespace_resource_whitelist: Option<List<Fields<GroupKind>>>,
    namespace_resource_blacklist: List<Fields<GroupKind>>,
    orphaned_resources: Maybe<Nothing>,
    sync_windows: List<Fields<WireWindow>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct GroupKind {
    group: Text,
    kind: Text,
    name: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireWindow {
    kind: Text,
    schedule: Text,
    duration: Text,
    time_zone: Text,
    applications: List<Text>,
    namespaces: List<Text>,
    clusters: List<Text>,
    and_operator: Flag,
    manual_sync: Flag,
    sync_overrun: Flag,
    description: Text,
}

impl GroupKind {
    fn words(&self) -> String {
        let kind = match (self.group.is_empty(), self.kind.is_empty()) {
            (true, _) => self.kind.0.clone(),
            (false, true) => self.group.0.clone(),
            (false, false) => format!("{}/{}", self.group.0, self.kind.0),
        };
        let kind = if self.group.0 == "*" && self.kind.0 == "*" { "everything".to_owned() } else { kind };
        let called = if self.name.is_empty() { kind } else { format!("{kind} {}", self.name.0) };
        clean(&called).into_owned()
    }
}

impl WireWindow {
    fn fact(&self) -> SyncWindow {
        SyncWindow {
            deny: &*self.kind == "deny",
            schedule: name(&self.schedule),
            duration: name(&self.duration),
            seconds: go_seconds(&self.duration).and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(0),
            time_zone: name(&self.time_zone),
            applications: names(&self.applications),
            namespaces: names(&self.namespaces),
            clusters: names(&self.clusters),
            and: self.and_operator.is_true(),
            manual: self.manual_sync.is_true(),
            overrun: self.sync_overrun.is_true(),
            description: clean(&self.description).into_owned(),
        }
    }
}

impl WholeProject {
    /// The facts.
    pub fn fact(&self) -> Project {
        let spec = &self.spec;
        let kinds = |list: &List<Fields<GroupKind>>| list.iter().map(|kind| kind.words()).collect();
        Project {
            name: name(&self.metadata.name),
            description: clean(&spec.description).into_owned(),
            source_repos: spec.source_repos.iter().map(address).collect(),
            source_namespaces: names(&spec.source_namespaces),
            destinations: spec.destinations.iter().map(|destination| destination.fact()).collect(),
            cluster_allowed: kinds(&spec.cluster_resource_whitelist),
            cluster_denied: kinds(&spec.cluster_resource_blacklist),
            namespace_allowed: spec.namespace_resource_whitelist.as_ref().map(kinds),
            namespace_denied: kinds(&spec.namespace_resource_blacklist),
            watches_orphans: spec.orphaned_resources.is_some(),
            windows: spec.sync_windows.iter().map(|window| window.fact()).collect(),
        }
    }
}
