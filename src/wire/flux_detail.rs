//! Flux objects (Kustomization, HelmRelease, and the sources), whole, for the zoom. One shape reads them all: fields
//! that a kind does not have are absent.

use serde::Deserialize;

use super::argocd_detail::{WholeMeta, address, name};
use super::lenient::{Fields, Flag, Int, List, Maybe, Text};
use super::stamp;
use super::workload::{WireCondition, conditions};
use crate::domain::id::{Kind, Name};
use crate::domain::meta::Interner;
use crate::domain::sync_detail::{
    About, Artifact, FluxDetail, FluxRelease, FluxSource, FluxSourceRef, Lookup, ResourceId, SyncDetail,
};
use crate::text::clean;

/// A Flux object as it comes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WholeFlux {
    metadata: Fields<WholeMeta>,
    spec: Fields<Spec>,
    status: Fields<Status>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    suspend: Flag,
    interval: Text,
    path: Text,
    prune: Flag,
    target_namespace: Text,
    kube_config: Maybe<Nothing>,
    depends_on: List<Fields<Reference>>,
    source_ref: Maybe<Reference>,
    chart_ref: Maybe<Reference>,
    chart: ChartField,
    version: Text,
    drift_detection: Fields<DriftDetection>,
    url: Text,
    endpoint: Text,
    bucket_name: Text,
    #[serde(rename = "ref")]
    wants: Fields<Wants>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Nothing {}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Reference {
    kind: Text,
    namespace: Text,
    name: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct DriftDetection {
    mode: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Wants {
    branch: Text,
    tag: Text,
    semver: Text,
    name: Text,
    commit: Text,
    digest: Text,
}

/// `spec.chart`: an object in a HelmRelease, a name in a HelmChart.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "serde_json::Value")]
struct ChartField {
    name: String,
    version: String,
    source: Option<Reference>,
}

impl From<serde_json::Value> for ChartField {
    fn from(value: serde_json::Value) -> ChartField {
        if let serde_json::Value::String(name) = value {
            return ChartField { name, ..ChartField::default() };
        }
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Inner {
            chart: Text,
            version: Text,
            source_ref: Maybe<Reference>,
        }
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Outer {
            spec: Fields<Inner>,
        }
        let inner = serde_json::from_value::<Fields<Outer>>(value).unwrap_or_default().0.spec.0;
        ChartField { name: inner.chart.0, version: inner.version.0, source: inner.source_ref.0 }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    observed_generation: Int,
    last_handled_reconcile_at: Text,
    last_applied_revision: Text,
    last_attempted_revision: Text,
    last_applied_origin_revision: Text,
    conditions: List<Fields<WireCondition>>,
    inventory: Fields<Inventory>,
    history: List<Fields<WireRelease>>,
    artifact: Maybe<WireArtifact>,
    failures: Int,
    install_failures: Int,
    upgrade_failures: Int,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Inventory {
    entries: List<Fields<Entry>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    id: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireArtifact {
    revision: Text,
    digest: Text,
    last_update_time: Text,
}

/// An entry of `status.history`: of a HelmRelease, or (2.7 and newer) of a Kustomization.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireRelease {
    version: Int,
    chart_name: Text,
    chart_version: Text,
    app_version: Text,
    status: Text,
    action: Text,
    first_deployed: Text,
    last_deployed: Text,
    digest: Text,
    first_reconciled: Text,
    last_reconciled: Text,
    last_reconciled_status: Text,
    total_reconciliations: Int,
    metadata: Fields<ReleaseMeta>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ReleaseMeta {
    revision: Text,
}

impl Wants {
    fn words(&self) -> String {
        let all = [
            ("branch", &self.branch),
            ("tag", &self.tag),
            ("semver", &self.semver),
            ("ref", &self.name),
            ("commit", &self.commit),
            ("digest", &self.digest),
        ];
        let parts: Vec<String> = all
            .iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(word, text)| format!("{word} {}", clean(text)))
            .collect();
        parts.join(", ")
    }
}

impl WireArtifact {
    fn fact(&self) -> Artifact {
        Artifact {
            revision: name(&self.revision),
            digest: name(&self.digest),
            updated: stamp::parse(&self.last_update_time),
        }
    }
}

impl WireRelease {
    fn fact(&self) -> FluxRelease {
        let first = |a: &Text, b: &Text| stamp::parse(a).or_else(|| stamp::parse(b));
        let what = if self.chart_name.is_empty() && self.chart_version.is_empty() {
            let revision =
                if self.metadata.revision.is_empty() { &self.digest } else { &self.metadata.revision };
            clean(revision).into_owned()
        } else {
            let app = match self.app_version.is_empty() {
                true => String::new(),
                false => format!(" (app {})", self.app_version.0),
            };
            clean(&format!("{} {}{app}", self.chart_name.0, self.chart_version.0)).trim().to_owned()
        };
        FluxRelease {
            number: self.version.count(),
            what,
            status: name(if self.status.is_empty() { &self.last_reconciled_status } else { &self.status }),
            action: name(&self.action),
            first: first(&self.first_deployed, &self.first_reconciled),
            last: first(&self.last_deployed, &self.last_reconciled),
            times: self.total_reconciliations.count(),
        }
    }
}

/// `<namespace>_<name>_<group>_<kind>`; a name's `:` is written `__`, a core kind has an empty group.
pub fn inventory_id(id: &str) -> Option<ResourceId> {
    let id = clean(id);
    let (namespace, rest) = id.split_once('_')?;
    let (rest, kind) = rest.rsplit_once('_')?;
    let (called, group) = rest.rsplit_once('_')?;
    if called.is_empty() || kind.is_empty() {
        return None;
    }
    Some(ResourceId {
        group: group.into(),
        kind: kind.into(),
        namespace: namespace.into(),
        name: called.replace("__", ":").into(),
    })
}

impl WholeFlux {
    /// The facts; the source's part is to be filled in.
    pub fn detail(&self, kind: Kind) -> SyncDetail {
        let (meta, spec, status) = (&self.metadata, &self.spec, &self.status);
        let requested = meta
            .note("reconcile.fluxcd.io/requestedAt")
            .filter(|token| **token != *clean(&status.last_handled_reconcile_at));
        let newest = status.history.first().filter(|_| kind == Kind::HelmRelease);
        let applied = match newest {
            Some(release) => name(&release.chart_version),
            None => name(&status.last_applied_revision),
        };
        let chart = match (spec.chart.name.is_empty(), spec.chart.version.is_empty()) {
            (true, _) => String::new(),
            (false, true) => spec.chart.name.clone(),
            (false, false) => format!("{} {}", spec.chart.name, spec.chart.version),
        };
        let target = if spec.target_namespace.is_empty() { &meta.namespace } else { &spec.target_namespace };
        let flux = FluxDetail {
            kind,
            suspended: spec.suspend.is_true(),
            generation: meta.generation.0,
            observed: status.observed_generation.0,
            interval: name(&spec.interval),
            requested,
            source: self.source(),
            path: if chart.is_empty() { name(&spec.path) } else { clean(&chart).into() },
            prune: spec.prune.is_true(),
            drift_detection: name(&spec.drift_detection.mode),
            target_namespace: name(target),
            remote: spec.kube_config.is_some(),
            depends_on: spec
                .depends_on
                .iter()
                .map(|on| {
                    let namespace = if on.namespace.is_empty() { &meta.namespace } else { &on.namespace };
                    Name::from(clean(&format!("{}/{}", namespace.0, on.name.0)))
                })
                .collect(),
            conditions: self.conditions(),
            applied,
            attempted: name(&status.last_attempted_revision),
            origin: name(&status.last_applied_origin_revision),
            artifact: status.artifact.as_ref().map(WireArtifact::fact),
            inventory: status.inventory.entries.iter().filter_map(|entry| inventory_id(&entry.id)).collect(),
            history: status.history.iter().map(|release| release.fact()).collect(),
            failures: [status.failures, status.install_failures, status.upgrade_failures].map(Int::count),
            source_facts: Lookup::None,
        };
        meta.detail(About::Flux(Box::new(flux)))
    }

    fn conditions(&self) -> Vec<crate::domain::meta::Condition> {
        conditions(&self.status.conditions, &mut Interner::new()).to_vec()
    }

    fn source(&self) -> FluxSourceRef {
        let spec = &self.spec;
        let reference = spec.source_ref.as_ref().or(spec.chart_ref.as_ref()).or(spec.chart.source.as_ref());
        let (kind, namespace, called) = match reference {
            Some(reference) => {
                let namespace = if reference.namespace.is_empty() {
                    &self.metadata.namespace
                } else {
                    &reference.namespace
                };
                (name(&reference.kind), name(namespace), name(&reference.name))
            }
            None => Default::default(),
        };
        let bucket = || match spec.endpoint.is_empty() {
            true => Name::default(),
            false => clean(&format!("{}/{}", spec.endpoint.0, spec.bucket_name.0)).into(),
        };
        FluxSourceRef {
            kind,
            namespace,
            name: called,
            url: if spec.url.is_empty() { bucket() } else { address(&spec.url) },
            wants: match spec.wants.words() {
                words if words.is_empty() && !spec.version.is_empty() => {
                    format!("version {}", clean(&spec.version)).into()
                }
                words => words.into(),
            },
        }
    }

    /// The same object as the source of another one.
    pub fn as_source(&self) -> FluxSource {
        FluxSource {
            suspended: self.spec.suspend.is_true(),
            url: self.source().url,
            artifact: self.status.artifact.as_ref().map(WireArtifact::fact),
            conditions: self.conditions(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::argocd_detail::tests::any_json;
    use proptest::prelude::*;
    use serde_json::json;

    fn flux(kind: Kind, value: serde_json::Value) -> FluxDetail {
        let detail = serde_json::from_value::<WholeFlux>(value).unwrap().detail(kind);
        let About::Flux(flux) = detail.about else { panic!() };
        *flux
    }

    #[test]
    fn a_kustomization() {
        let flux = flux(
            Kind::Kustomization,
            json!({"metadata": {"name": "shop", "namespace": "flux-system", "generation": 3,
                    "annotations": {"reconcile.fluxcd.io/requestedAt": "2"}},
                "spec": {"path": "./apps", "interval": "10m", "prune": true, "dependsOn": [{"name": "infra"}],
                    "sourceRef": {"kind": "GitRepository", "name": "fleet"}},
                "status": {"observedGeneration": 3, "lastHandledReconcileAt": "1",
                    "lastAppliedRevision": "main@sha1:71ab09", "lastAttemptedRevision": "main@sha1:9f31c2",
                    "inventory": {"entries": [{"id": "shop_cart_apps_Deployment", "v": "v1"},
                        {"id": "_system__reader_rbac.authorization.k8s.io_ClusterRole", "v": "v1"},
                        {"id": "shop_cart__Service", "v": "v1"}, {"id": "x"}]},
                    "conditions": [{"type": "Ready", "status": "False", "reason": "BuildFailed", "message": "no"}],
                    "history": [{"digest": "sha256:1", "lastReconciledStatus": "ReconciliationSucceeded",
                        "totalReconciliations": 12, "metadata": {"revision": "main@sha1:71ab09"}}]}}),
        );
        assert_eq!(flux.requested.as_deref(), Some("2"));
        assert_eq!(flux.depends_on[0].as_ref(), "flux-system/infra");
        assert_eq!(
            (&*flux.source.kind, &*flux.source.namespace, &*flux.source.name),
            ("GitRepository", "flux-system", "fleet")
        );
        let ids: Vec<String> = flux
            .inventory
            .iter()
            .map(|id| format!("{}|{}|{}|{}", id.group, id.kind, id.namespace, id.name))
            .collect();
        assert_eq!(
            ids,
            [
                "apps|Deployment|shop|cart",
                "rbac.authorization.k8s.io|ClusterRole||system:reader",
                "|Service|shop|cart"
            ]
        );
        assert_eq!((flux.history[0].what.as_str(), flux.history[0].times), ("main@sha1:71ab09", 12));
    }

    #[test]
    fn a_helm_release_and_its_chart() {
        let release = flux(
            Kind::HelmRelease,
            json!({"metadata": {"name": "mailer", "namespace": "shop"},
                "spec": {"suspend": true, "chart": {"spec": {"chart": "mailer", "version": "1.x",
                    "sourceRef": {"kind": "HelmRepository", "name": "charts"}}}, "driftDetection": {"mode": "warn"}},
                "status": {"failures": 3, "history": [{"version": 4, "chartName": "mailer", "chartVersion": "1.9.9",
                    "appVersion": "1.9", "status": "deployed", "action": "upgrade", "lastDeployed": "2026-11-21T14:00:00Z"}]}}),
        );
        assert_eq!((&*release.path, &*release.applied), ("mailer 1.x", "1.9.9"));
        assert_eq!(release.history[0].what, "mailer 1.9.9 (app 1.9)");
        assert!(release.suspended && release.failures[0] == 3);
        let chart = flux(
            Kind::HelmChart,
            json!({"metadata": {"name": "x"}, "spec": {"chart": "mailer", "version": "1.x"}}),
        );
        assert_eq!((&*chart.path, &*chart.source.wants), ("mailer", "version 1.x"));
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read(value in any_json()) {
            prop_assume!(value.is_object());
            let whole: WholeFlux = serde_json::from_value(value).unwrap();
            for kind in [Kind::Kustomization, Kind::HelmRelease, Kind::GitRepository] {
                whole.detail(kind);
            }
            whole.as_source();
        }

        #[test]
        fn inventory_ids_come_back(namespace in "[a-z-]{0,8}", called in "[a-z0-9.:-]{1,12}", group in "[a-z.]{0,12}", kind in "[A-Z][a-zA-Z]{0,12}") {
            prop_assume!(!called.ends_with(':') && !called.starts_with(':'));
            let id = format!("{namespace}_{}_{group}_{kind}", called.replace(':', "__"));
            let back = inventory_id(&id).unwrap();
            prop_assert_eq!((&*back.namespace, &*back.name, &*back.group, &*back.kind), (&*namespace, &*called, &*group, &*kind));
        }

        #[test]
        fn inventory_ids_never_break(id in ".{0,24}") {
            inventory_id(&id);
        }
    }
}
