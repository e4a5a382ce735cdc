//! `metadata`, as far as any row needs it. Nearly all annotations are stepped over by the parser, and of managed fields
//! all but who used the scale subresource last.

use kube::core::ObjectMeta;
use serde::Deserialize;

use super::lenient::{Fields, Flag, Int, List, Pairs, Text};
use super::{name, stamp};
use crate::domain::id::{Name, Uid};
use crate::domain::meta::{Interner, Labels, Owner};
use crate::domain::time::Stamp;
use crate::domain::workload::Scaled;
use std::sync::Arc;

/// The slim `metadata`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "Raw")]
pub struct Meta {
    /// For the client library, which wants to see the version: holds nothing else.
    pub kube: ObjectMeta,
    /// `metadata.name`
    pub name: Text,
    /// `metadata.namespace`
    pub namespace: Text,
    /// `metadata.generation`
    pub generation: i64,
    /// `metadata.creationTimestamp`
    pub created: Stamp,
    /// `metadata.deletionTimestamp` is set.
    pub deleting: bool,
    uid: Text,
    labels: Pairs<Text>,
    owners: List<Fields<OwnerReference>>,
    notes: Notes,
    scaled: Option<(Stamp, Text)>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Raw {
    name: Text,
    namespace: Text,
    uid: Text,
    resource_version: Text,
    generation: Int,
    creation_timestamp: Text,
    deletion_timestamp: Text,
    labels: Pairs<Text>,
    owner_references: List<Fields<OwnerReference>>,
    annotations: Fields<Notes>,
    managed_fields: List<Fields<Managed>>,
}

/// An entry of `metadata.managedFields`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Managed {
    manager: Text,
    subresource: Text,
    time: Text,
}

/// Who changed the size last through the scale subresource, and when: the API server dates each manager's last change.
fn scaled(managed: List<Fields<Managed>>) -> Option<(Stamp, Text)> {
    let through_scale =
        managed.0.into_iter().map(|entry| entry.0).filter(|entry| &*entry.subresource == "scale");
    through_scale
        .filter_map(|entry| Some((stamp::parse(&entry.time)?, entry.manager)))
        .max_by_key(|(at, _)| *at)
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct OwnerReference {
    uid: Text,
    kind: Text,
    name: Text,
    controller: Flag,
}

/// The annotations that some row shows.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Notes {
    #[serde(rename = "deployment.kubernetes.io/revision")]
    revision: Int,
    #[serde(rename = "rollout.argoproj.io/revision")]
    rollout_revision: Int,
    #[serde(rename = "argocd.argoproj.io/tracking-id")]
    tracking_id: Text,
    #[serde(rename = "argocd.argoproj.io/skip-reconcile")]
    skip_reconcile: Text,
    #[serde(rename = "reconcile.fluxcd.io/requestedAt")]
    requested_at: Text,
    #[serde(rename = "argo-rollouts.argoproj.io/managed-by-rollouts")]
    managed_by_rollouts: Text,
}

impl From<Raw> for Meta {
    fn from(raw: Raw) -> Meta {
        let version = Some(raw.resource_version.0).filter(|version| !version.is_empty());
        Meta {
            kube: ObjectMeta { resource_version: version, ..ObjectMeta::default() },
            name: raw.name,
            namespace: raw.namespace,
            generation: raw.generation.0,
            created: stamp::parse(&raw.creation_timestamp).unwrap_or_default(),
            deleting: !raw.deletion_timestamp.is_empty(),
            uid: raw.uid,
            labels: raw.labels,
            owners: raw.owner_references,
            notes: raw.annotations.0,
            scaled: scaled(raw.managed_fields),
        }
    }
}

impl Meta {
    /// `metadata.uid`; `None` when it is missing.
    pub fn uid(&self) -> Option<Uid> {
        (!self.uid.is_empty()).then(|| Uid::parse(&self.uid))
    }

    /// Whether Argo Rollouts says that it manages the object.
    pub fn is_of_rollouts(&self) -> bool {
        !self.notes.managed_by_rollouts.is_empty()
    }

    /// `metadata.resourceVersion`; empty when it is missing.
    pub fn version(&self) -> &str {
        self.kube.resource_version.as_deref().unwrap_or_default()
    }

    /// `metadata.namespace`, shared.
    pub fn namespace(&self, interner: &mut Interner) -> Name {
        name(interner, &self.namespace)
    }

    /// `metadata.labels`, shared.
    pub fn labels(&self, interner: &mut Interner) -> Labels {
        labels(&self.labels, interner)
    }

    /// One label as it came.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(Text::as_str)
    }

    /// The owner that controls it, shared.
    pub fn owner(&self, interner: &mut Interner) -> Option<Arc<Owner>> {
        let owner = self.owners.iter().find(|owner| owner.controller.is_true() && !owner.uid.is_empty())?;
        let (kind, name) = (crate::text::clean(&owner.kind), crate::text::clean(&owner.name));
        Some(interner.owner(Uid::parse(&owner.uid), &kind, &name))
    }

    /// The revision of a Deployment, a Rollout or one of their ReplicaSets; 0 when absent.
    pub fn revision(&self) -> u64 {
        let revision = match self.notes.revision.0 {
            0 => self.notes.rollout_revision.0,
            revision => revision,
        };
        u64::try_from(revision).unwrap_or(0)
    }

    /// The last change of size through the scale subresource (kubectl, an autoscaler, this program).
    pub fn scaled(&self, interner: &mut Interner) -> Option<Scaled> {
        let (at, by) = self.scaled.as_ref()?;
        Some(Scaled { at: *at, by: name(interner, by) })
    }

    /// Whether Argo CD leaves an Application alone since somebody said so.
    pub fn skips_reconcile(&self) -> bool {
        &*self.notes.skip_reconcile == "true"
    }

    /// The token of the last reconcile that was asked of Flux; empty when none was.
    pub fn reconcile_requested(&self) -> &str {
        &self.notes.requested_at
    }

    /// The Argo CD Application, Flux Kustomization or HelmRelease that delivers it.
    pub fn delivered_by(&self, interner: &mut Interner) -> Option<Name> {
        // `application:group/kind:namespace/name`
        let tracked = self.notes.tracking_id.split_once(':').map(|(application, _)| application);
        let flux = || {
            self.label("kustomize.toolkit.fluxcd.io/name")
                .or_else(|| self.label("helm.toolkit.fluxcd.io/name"))
        };
        let by = tracked.or_else(flux).filter(|by| !by.is_empty())?;
        Some(name(interner, by))
    }
}

/// Labels as they came, shared.
pub fn labels(pairs: &Pairs<Text>, interner: &mut Interner) -> Labels {
    let pairs = pairs.0.iter().map(|(key, value)| (name(interner, key), name(interner, value))).collect();
    interner.labels(Labels::new(pairs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(value: serde_json::Value) -> Meta {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_delivering_tool_is_found() {
        let mut interner = Interner::new();
        let argo = meta(serde_json::json!({"annotations": {
            "argocd.argoproj.io/tracking-id": "cart-prod:apps/Deployment:shop/cart", "other": "x".repeat(9)}}));
        assert_eq!(argo.delivered_by(&mut interner).as_deref(), Some("cart-prod"));
        let flux = meta(serde_json::json!({"labels": {"helm.toolkit.fluxcd.io/name": "cart"}}));
        assert_eq!(flux.delivered_by(&mut interner).as_deref(), Some("cart"));
        assert_eq!(meta(serde_json::json!({})).delivered_by(&mut interner), None);
    }

    #[test]
    fn only_the_controller_owns() {
        let mut interner = Interner::new();
        let meta = meta(serde_json::json!({"ownerReferences": [
            {"uid": "1", "kind": "Backup", "name": "b"},
            {"uid": "2", "kind": "ReplicaSet", "name": "rs", "controller": true}]}));
        assert_eq!(&*meta.owner(&mut interner).unwrap().name, "rs");
    }

    #[test]
    fn who_scaled_last_and_when() {
        let mut interner = Interner::new();
        let entry = |manager: &str, subresource: &str, time: &str| {
            serde_json::json!({"manager": manager, "operation": "Update", "apiVersion": "apps/v1", "time": time,
                "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:replicas": {}}}, "subresource": subresource})
        };
        let scaled = meta(serde_json::json!({"managedFields": [
            entry("kubectl", "scale", "2026-11-21T14:00:00Z"),
            entry("pilothouse", "scale", "2026-11-21T14:00:05Z"),
            entry("kube-controller-manager", "status", "2026-11-21T15:00:00Z"),
            entry("undated", "scale", "nonsense")]}));
        let last = scaled.scaled(&mut interner).unwrap();
        assert_eq!((&*last.by, last.at), ("pilothouse", stamp::parse("2026-11-21T14:00:05Z").unwrap()));
        assert_eq!(meta(serde_json::json!({"managedFields": "none"})).scaled(&mut interner), None);
    }

    #[test]
    fn names_are_cleaned_where_they_enter() {
        let mut interner = Interner::new();
        let meta = meta(serde_json::json!({"labels": {"a": "x\u{1b}[31my\u{202e}"}}));
        let labels = meta.labels(&mut interner);
        let value = labels.get("a").unwrap();
        assert!(!value.contains(|c: char| c.is_control() || c == '\u{202e}'), "{value:?}");
    }
}
