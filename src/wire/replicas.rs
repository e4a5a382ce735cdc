//! apps/v1 ReplicaSet.

use serde::Deserialize;

use super::lenient::{Fields, Int, MaybeInt};
use super::meta::Meta;
use super::workload::Template;
use super::{Misfit, Wire, identity, name, resource};
use crate::domain::id::Kind;
use crate::domain::meta::Interner;
use crate::domain::workload::ReplicaSet;
use crate::msg::{Delta, Facts};

/// A ReplicaSet as it comes from the wire.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WireReplicaSet {
    metadata: Meta,
    spec: Fields<Spec>,
    status: Fields<Status>,
}
resource!(WireReplicaSet, Kind::ReplicaSet);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    replicas: MaybeInt,
    template: Fields<Template>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    replicas: Int,
    ready_replicas: Int,
    available_replicas: Int,
}

impl Wire for WireReplicaSet {
    const KIND: Kind = Kind::ReplicaSet;
    type Row = ReplicaSet;

    fn slim_meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, interner: &mut Interner) -> Result<ReplicaSet, Misfit> {
        let meta = &self.metadata;
        let hash = meta.label("pod-template-hash").or_else(|| meta.label("rollouts-pod-template-hash"));
        Ok(ReplicaSet {
            uid: identity(Kind::ReplicaSet, meta)?,
            namespace: meta.namespace(interner),
            name: crate::text::clean(&meta.name).into(),
            owner: meta.owner(interner),
            created: meta.created,
            desired: self.spec.replicas.count_or(1),
            current: self.status.replicas.count(),
            ready: self.status.ready_replicas.count(),
            available: self.status.available_replicas.count(),
            revision: meta.revision(),
            images: self.spec.template.images(interner),
            hash: name(interner, hash.unwrap_or_default()),
        })
    }

    fn facts(deltas: Vec<Delta<ReplicaSet>>) -> Facts {
        Facts::ReplicaSets(deltas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_replica_set() {
        let row = crate::wire::testing::row::<WireReplicaSet>(json!({
            "metadata": {"name": "cart-7d9c", "namespace": "shop", "uid": "1",
                "labels": {"rollouts-pod-template-hash": "7d9c"}, "annotations": {"rollout.argoproj.io/revision": "3"},
                "ownerReferences": [{"kind": "Rollout", "name": "cart", "uid": "2", "controller": true}]},
            "spec": {"replicas": 0, "template": {"spec": {"containers": [{"name": "c", "image": "cart:1"}]}}},
            "status": {"replicas": 2, "readyReplicas": 1},
        }));
        assert_eq!((row.desired, row.current, row.ready, row.available), (0, 2, 1, 0));
        assert_eq!((row.revision, &*row.hash), (3, "7d9c"));
        assert_eq!(&*row.owner.unwrap().kind, "Rollout");
    }
}
