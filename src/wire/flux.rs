//! Flux: Kustomization, HelmRelease and the sources, in every version that we can read.
//!
//! One slim type serves all seven kinds: their fields do not contradict each other, and each kind's row takes its own.
//! The older versions (v1beta1 and v1beta2 of Kustomizations and sources, v2beta1 and v2beta2 of HelmReleases) name
//! what is read here as the newest ones do, but for the HelmRelease's `lastAppliedRevision`, which the newest has not.

use std::sync::Arc;

use serde::Deserialize;

use super::lenient::{Fields, Flag, Int, List, Text};
use super::meta::Meta;
use super::{Misfit, Wire, identity, name, resource, stamp, workload};
use crate::domain::id::{Kind, Name};
use crate::domain::meta::{Condition, Interner};
use crate::domain::sync::{Auto, Deployed, Destination, Source, SyncApp, flux};
use crate::msg::{Delta, Facts};

/// What the kinds carry.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    metadata: Meta,
    spec: Fields<Spec>,
    status: Fields<Status>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    suspend: Flag,
    prune: Flag,
    path: Text,
    target_namespace: Text,
    kube_config: Fields<KubeConfig>,
    depends_on: List<Fields<Reference>>,
    source_ref: Fields<Reference>,
    chart_ref: Fields<Reference>,
    chart: Chart,
    url: Text,
    endpoint: Text,
    bucket_name: Text,
    #[serde(rename = "type")]
    kind: Text,
    #[serde(rename = "ref")]
    reference: Fields<GitReference>,
    version: Text,
    drift_detection: Fields<DriftDetection>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct KubeConfig {
    secret_ref: Fields<Reference>,
    config_map_ref: Fields<Reference>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Reference {
    kind: Text,
    name: Text,
    namespace: Text,
}

/// A HelmRelease's chart is an object, a HelmChart's its name.
#[derive(Clone, Debug, Default)]
enum Chart {
    #[default]
    None,
    Named(Text),
    Of(ChartSpec),
}

impl<'de> Deserialize<'de> for Chart {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Object(Template),
            Other(Text),
        }
        #[derive(Deserialize)]
        struct Template {
            spec: Fields<ChartSpec>,
        }
        Ok(match Either::deserialize(from)? {
            Either::Object(template) => Chart::Of(template.spec.0),
            Either::Other(text) if text.is_empty() => Chart::None,
            Either::Other(text) => Chart::Named(text),
        })
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ChartSpec {
    chart: Text,
    version: Text,
    source_ref: Fields<Reference>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct GitReference {
    branch: Text,
    tag: Text,
    semver: Text,
    commit: Text,
    digest: Text,
    name: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct DriftDetection {
    mode: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    observed_generation: Int,
    conditions: List<Fields<workload::WireCondition>>,
    last_applied_revision: Text,
    last_attempted_revision: Text,
    last_handled_reconcile_at: Text,
    artifact: Fields<Artifact>,
    inventory: Fields<Inventory>,
    history: List<Fields<HistoryEntry>>,
    failures: Int,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Artifact {
    revision: Text,
    last_update_time: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Inventory {
    entries: List<Fields<InventoryEntry>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct InventoryEntry {
    id: Text,
}

/// Of a HelmRelease: a release of Helm, newest first. Of a Kustomization (since Flux 2.7): what it applied, each content with
/// each outcome once.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct HistoryEntry {
    version: Int,
    status: Text,
    chart_version: Text,
    last_deployed: Text,
    first_reconciled: Text,
    last_reconciled_status: Text,
    metadata: Fields<EntryMeta>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct EntryMeta {
    revision: Text,
}

macro_rules! flux_kinds {
    ($($type:ident, $kind:expr, $doc:literal;)*) => {
        $(
            #[doc = $doc]
            #[derive(Clone, Debug, Default, Deserialize)]
            #[serde(from = "Body")]
            pub struct $type {
                metadata: Meta,
                spec: Spec,
                status: Status,
            }
            resource!($type, $kind);
            impl From<Body> for $type {
                fn from(body: Body) -> $type {
                    $type { metadata: body.metadata, spec: body.spec.0, status: body.status.0 }
                }
            }
            impl Wire for $type {
                const KIND: Kind = $kind;
                type Row = SyncApp;
                fn slim_meta(&self) -> &Meta {
                    &self.metadata
                }
                fn row(self, interner: &mut Interner) -> Result<SyncApp, Misfit> {
                    row($kind, &self.metadata, &self.spec, &self.status, interner)
                }
                fn facts(deltas: Vec<Delta<SyncApp>>) -> Facts {
                    Facts::Flux($kind, deltas)
                }
            }
        )*
    };
}
flux_kinds! {
    WireKustomization, Kind::Kustomization, "kustomize.toolkit.fluxcd.io Kustomization.";
    WireHelmRelease, Kind::HelmRelease, "helm.toolkit.fluxcd.io HelmRelease.";
    WireGitRepository, Kind::GitRepository, "source.toolkit.fluxcd.io GitRepository.";
    WireOciRepository, Kind::OciRepository, "source.toolkit.fluxcd.io OCIRepository.";
    WireHelmRepository, Kind::HelmRepository, "source.toolkit.fluxcd.io HelmRepository.";
    WireHelmChart, Kind::HelmChart, "source.toolkit.fluxcd.io HelmChart.";
    WireBucket, Kind::Bucket, "source.toolkit.fluxcd.io Bucket.";
}

fn row(
    kind: Kind,
    meta: &Meta,
    spec: &Spec,
    status: &Status,
    interner: &mut Interner,
) -> Result<SyncApp, Misfit> {
    let uid = identity(kind, meta)?;
    let conditions = workload::conditions(&status.conditions, interner);
    let newest = status.history.iter().find(|entry| &*entry.status == "deployed");
    let applied: &str = match kind {
        Kind::Kustomization => &status.last_applied_revision,
        Kind::HelmRelease => newest.map_or(&*status.last_applied_revision, |entry| &entry.chart_version),
        _ => &status.artifact.revision,
    };
    let suspended = spec.suspend.is_true();
    let said = flux::Said {
        kind,
        generation: meta.generation,
        observed: status.observed_generation.0,
        applied,
        attempted: &status.last_attempted_revision,
        conditions: &conditions,
        suspended,
        is_static: kind == Kind::HelmRepository && &*spec.kind == "oci",
    };
    let (sync, health, mut operation) = flux::states(&said);
    if let Some(operation) = &mut operation {
        operation.message = name(interner, &operation.message);
        operation.revision = name(interner, &operation.revision);
        operation.retries = operation.retries.max(status.failures.count());
    }
    let ready = conditions.iter().find(|condition| &*condition.kind == "Ready");
    let reconciled = ready.and_then(|ready: &Condition| ready.since);
    let (inventory, resources) = inventory(status, interner);
    let delivers = matches!(kind, Kind::Kustomization | Kind::HelmRelease);
    Ok(SyncApp {
        uid,
        kind,
        namespace: meta.namespace(interner),
        name: name(interner, &meta.name),
        labels: meta.labels(interner),
        created: meta.created,
        deleting: meta.deleting,
        owner: meta.owner(interner),
        delivered_by: meta.delivered_by(interner),
        project: interner.text(""),
        destination: destination(kind, meta, spec, interner),
        sources: [source(kind, meta, spec, interner)].into(),
        sync,
        health,
        resources,
        drift: 0,
        drifted: [].into(),
        namespaces: inventory,
        revisions: if applied.is_empty() { [].into() } else { [name(interner, applied)].into() },
        attempted: name(interner, &status.last_attempted_revision),
        deployed: deployed(kind, status, ready, interner),
        earlier: earlier(kind, status, interner),
        requested: {
            let asked = meta.reconcile_requested();
            !asked.is_empty() && !suspended && *asked != *status.last_handled_reconcile_at
        },
        operation,
        reconciled,
        auto: Auto {
            sync: delivers,
            // A Kustomization takes drift back at each interval; a HelmRelease only where it is told to.
            self_heal: kind == Kind::Kustomization
                || kind == Kind::HelmRelease && &*spec.drift_detection.mode == "enabled",
            prune: spec.prune.is_true(),
            suspended,
        },
        conditions,
        control_plane: interner.text(""),
        depends_on: spec.depends_on.iter().map(|other| other.path(meta, interner)).collect(),
    })
}

impl Reference {
    /// `namespace/name`
    fn path(&self, meta: &Meta, interner: &mut Interner) -> Name {
        let namespace = if self.namespace.is_empty() { &meta.namespace } else { &self.namespace };
        name(interner, &format!("{}/{}", namespace.as_str(), self.name.as_str()))
    }

    /// `Kind/namespace/name`; empty when it names nothing.
    fn object(&self, meta: &Meta, interner: &mut Interner) -> Name {
        if self.name.is_empty() {
            return interner.text("");
        }
        let path = self.path(meta, interner);
        name(interner, &format!("{}/{path}", self.kind.as_str()))
    }
}

fn destination(kind: Kind, meta: &Meta, spec: &Spec, interner: &mut Interner) -> Destination {
    let remote = [&spec.kube_config.secret_ref.name, &spec.kube_config.config_map_ref.name];
    let cluster = remote.into_iter().find(|name| !name.is_empty()).map_or("", |name| name.as_str());
    // Helm installs beside the HelmRelease unless it is told otherwise; a Kustomization's manifests name their own.
    let namespace: &str = match kind {
        Kind::HelmRelease if spec.target_namespace.is_empty() => &meta.namespace,
        _ => &spec.target_namespace,
    };
    Destination {
        server: interner.text(""),
        cluster: name(interner, cluster),
        namespace: name(interner, namespace),
    }
}

fn source(kind: Kind, meta: &Meta, spec: &Spec, interner: &mut Interner) -> Source {
    let empty = interner.text("");
    let mut source = Source { path: name(interner, &spec.path), target: empty.clone(), ..Source::default() };
    match (kind, &spec.chart) {
        (Kind::Kustomization, _) => source.repo = spec.source_ref.object(meta, interner),
        (Kind::HelmRelease, Chart::Of(chart)) => {
            source.repo = chart.source_ref.object(meta, interner);
            source.chart = name(interner, &chart.chart);
            source.target = name(interner, &chart.version);
        }
        (Kind::HelmRelease, _) => source.repo = spec.chart_ref.object(meta, interner),
        (Kind::HelmChart, chart) => {
            source.repo = spec.source_ref.object(meta, interner);
            if let Chart::Named(chart) = chart {
                source.chart = name(interner, chart);
            }
            source.target = name(interner, &spec.version);
        }
        (Kind::Bucket, _) => {
            source.repo =
                name(interner, &format!("{}/{}", spec.endpoint.as_str(), spec.bucket_name.as_str()));
        }
        _ => {
            let wanted = &spec.reference;
            let words =
                [&wanted.commit, &wanted.digest, &wanted.name, &wanted.semver, &wanted.tag, &wanted.branch];
            source.repo = name(interner, &spec.url);
            source.target =
                words.into_iter().find(|word| !word.is_empty()).map_or(empty, |word| name(interner, word));
        }
    }
    source
}

/// Namespaces of what a Kustomization or HelmRelease manages, and how many objects that are.
///
/// An entry is `<namespace>_<name>_<group>_<Kind>`; those without a namespace begin with `_`.
fn inventory(status: &Status, interner: &mut Interner) -> (Arc<[Name]>, u32) {
    let entries = &status.inventory.entries;
    let mut names: Vec<&str> = entries.iter().filter_map(|entry| entry.id.split('_').next()).collect();
    names.retain(|namespace| !namespace.is_empty());
    names.sort_unstable();
    names.dedup();
    let names = names.into_iter().map(|namespace| name(interner, namespace)).collect();
    (names, u32::try_from(entries.len()).unwrap_or(u32::MAX))
}

impl HistoryEntry {
    /// A content that a Kustomization applied well: when it did so first, under its newest revision.
    fn applied(&self, interner: &mut Interner) -> Option<Deployed> {
        let well = &*self.last_reconciled_status == "ReconciliationSucceeded";
        (well && !self.metadata.0.revision.is_empty()).then(|| Deployed {
            id: 0,
            revision: name(interner, &self.metadata.0.revision),
            at: stamp::parse(&self.first_reconciled),
        })
    }

    fn deployed(&self, interner: &mut Interner) -> Deployed {
        Deployed {
            id: self.version.0,
            revision: name(interner, &self.chart_version),
            at: stamp::parse(&self.last_deployed),
        }
    }
}

/// Releases of Helm that were deployed once and are not the present one, newest first; of a Kustomization what it applied
/// before.
fn earlier(kind: Kind, status: &Status, interner: &mut Interner) -> std::sync::Arc<[Deployed]> {
    if kind == Kind::Kustomization {
        let mut applied: Vec<Deployed> =
            status.history.iter().filter_map(|entry| entry.applied(interner)).collect();
        applied.retain(|one| *one.revision != *status.last_applied_revision);
        return applied.into();
    }
    if kind != Kind::HelmRelease {
        return [].into();
    }
    let superseded = status.history.iter().filter(|entry| &*entry.status == "superseded");
    superseded.map(|entry| entry.deployed(interner)).collect()
}

fn deployed(
    kind: Kind,
    status: &Status,
    ready: Option<&Condition>,
    interner: &mut Interner,
) -> Option<Deployed> {
    match kind {
        Kind::HelmRelease => status
            .history
            .iter()
            .find(|entry| &*entry.status == "deployed")
            .map(|entry| entry.deployed(interner)),
        Kind::Kustomization if !status.last_applied_revision.is_empty() => Some(Deployed {
            id: 0,
            revision: name(interner, &status.last_applied_revision),
            // It turns not ready and ready again at each look: only its history tells when it applied something new.
            at: status
                .history
                .iter()
                .filter_map(|entry| entry.applied(interner))
                .find(|one| *one.revision == *status.last_applied_revision)
                .map_or_else(
                    || ready.filter(|ready| ready.is_true()).and_then(|ready| ready.since),
                    |one| one.at,
                ),
        }),
        Kind::Kustomization => None,
        _ if !status.artifact.revision.is_empty() => Some(Deployed {
            id: 0,
            revision: name(interner, &status.artifact.revision),
            at: stamp::parse(&status.artifact.last_update_time),
        }),
        _ => None,
    }
}

#[cfg(test)]
#[path = "flux_tests.rs"]
mod tests;
