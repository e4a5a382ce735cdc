//! core/v1 Node, Namespace and ResourceQuota; autoscaling/v2 HorizontalPodAutoscaler.

use serde::Deserialize;

use super::lenient::{Fields, Flag, Int, List, MaybeInt, Pairs, Text};
use super::meta::Meta;
use super::workload::{WireCondition, conditions};
use super::{Misfit, Wire, identity, name, quantity, resource, stamp};
use crate::domain::id::Kind;
use crate::domain::meta::Interner;
use crate::domain::node::{Autoscaler, Namespace, Node, Quota, QuotaItem, Taint};
use crate::msg::{Delta, Facts};

/// A Node as it comes from the wire.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WireNode {
    metadata: Meta,
    spec: Fields<NodeSpec>,
    status: Fields<NodeStatus>,
}
resource!(WireNode, Kind::Node);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct NodeSpec {
    #[serde(rename = "providerID")]
    provider_id: Text,
    unschedulable: Flag,
    taints: List<Fields<WireTaint>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireTaint {
    key: Text,
    value: Text,
    effect: Text,
    time_added: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NodeStatus {
    node_info: Fields<NodeInfo>,
    conditions: List<Fields<WireCondition>>,
    allocatable: Fields<Allocatable>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NodeInfo {
    kubelet_version: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Allocatable {
    cpu: Text,
    memory: Text,
    pods: Text,
}

impl Wire for WireNode {
    const KIND: Kind = Kind::Node;
    type Row = Node;

    fn slim_meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, interner: &mut Interner) -> Result<Node, Misfit> {
        let (meta, status) = (&self.metadata, &self.status);
        let conditions = conditions(&status.conditions, interner);
        let ready = conditions.iter().find(|condition| &*condition.kind == "Ready");
        let ready =
            ready.map(|condition| condition.status.clone()).unwrap_or_else(|| interner.text("Unknown"));
        let allocatable = &status.allocatable;
        let pods = quantity::milli(&allocatable.pods).unwrap_or(0) / 1000;
        let mut taint = |taint: &WireTaint| Taint {
            key: name(interner, &taint.key),
            value: name(interner, &taint.value),
            effect: name(interner, &taint.effect),
            since: stamp::parse(&taint.time_added),
        };
        let taints = self.spec.taints.iter().map(|known| taint(known)).collect();
        Ok(Node {
            uid: identity(Kind::Node, meta)?,
            name: name(interner, &meta.name),
            labels: meta.labels(interner),
            provider_id: name(interner, &self.spec.provider_id),
            version: name(interner, &status.node_info.kubelet_version),
            ready,
            cordoned: self.spec.unschedulable.is_true(),
            taints,
            conditions,
            allocatable: quantity::resources(Some(&allocatable.cpu), Some(&allocatable.memory)),
            max_pods: u32::try_from(pods).unwrap_or(u32::MAX),
            created: meta.created,
        })
    }

    fn facts(deltas: Vec<Delta<Node>>) -> Facts {
        Facts::Nodes(deltas)
    }
}

/// A Namespace as it comes from the wire.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WireNamespace {
    metadata: Meta,
    status: Fields<Phase>,
}
resource!(WireNamespace, Kind::Namespace);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Phase {
    phase: Text,
}

impl Wire for WireNamespace {
    const KIND: Kind = Kind::Namespace;
    type Row = Namespace;

    fn slim_meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, interner: &mut Interner) -> Result<Namespace, Misfit> {
        let meta = &self.metadata;
        Ok(Namespace {
            uid: identity(Kind::Namespace, meta)?,
            name: name(interner, &meta.name),
            labels: meta.labels(interner),
            terminating: &*self.status.phase == "Terminating",
            created: meta.created,
        })
    }

    fn facts(deltas: Vec<Delta<Namespace>>) -> Facts {
        Facts::Namespaces(deltas)
    }
}

/// A ResourceQuota as it comes from the wire.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WireQuota {
    metadata: Meta,
    status: Fields<QuotaStatus>,
}
resource!(WireQuota, Kind::ResourceQuota);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct QuotaStatus {
    hard: Pairs<Text>,
    used: Pairs<Text>,
}

impl Wire for WireQuota {
    const KIND: Kind = Kind::ResourceQuota;
    type Row = Quota;

    fn slim_meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, interner: &mut Interner) -> Result<Quota, Misfit> {
        let (meta, status) = (&self.metadata, &self.status);
        let items = status.hard.0.iter().map(|(resource, hard)| QuotaItem {
            resource: name(interner, resource),
            hard_milli: quantity::milli(hard).unwrap_or(0),
            used_milli: status.used.get(resource).and_then(|used| quantity::milli(used)).unwrap_or(0),
        });
        let items = items.collect();
        Ok(Quota {
            uid: identity(Kind::ResourceQuota, meta)?,
            namespace: meta.namespace(interner),
            name: name(interner, &meta.name),
            items,
        })
    }

    fn facts(deltas: Vec<Delta<Quota>>) -> Facts {
        Facts::Quotas(deltas)
    }
}

/// A HorizontalPodAutoscaler as it comes from the wire.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WireAutoscaler {
    metadata: Meta,
    spec: Fields<ScaleSpec>,
    status: Fields<ScaleStatus>,
}
resource!(WireAutoscaler, Kind::HorizontalPodAutoscaler);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ScaleSpec {
    scale_target_ref: Fields<Target>,
    min_replicas: MaybeInt,
    max_replicas: Int,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Target {
    kind: Text,
    name: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ScaleStatus {
    current_replicas: Int,
    desired_replicas: Int,
    last_scale_time: Text,
}

impl Wire for WireAutoscaler {
    const KIND: Kind = Kind::HorizontalPodAutoscaler;
    type Row = Autoscaler;

    fn slim_meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, interner: &mut Interner) -> Result<Autoscaler, Misfit> {
        let (meta, spec) = (&self.metadata, &self.spec);
        Ok(Autoscaler {
            uid: identity(Kind::HorizontalPodAutoscaler, meta)?,
            namespace: meta.namespace(interner),
            name: name(interner, &meta.name),
            target_kind: name(interner, &spec.scale_target_ref.kind),
            target_name: name(interner, &spec.scale_target_ref.name),
            min: spec.min_replicas.count_or(1),
            max: spec.max_replicas.count(),
            current: self.status.current_replicas.count(),
            desired: self.status.desired_replicas.count(),
            scaled: stamp::parse(&self.status.last_scale_time),
        })
    }

    fn facts(deltas: Vec<Delta<Autoscaler>>) -> Facts {
        Facts::Autoscalers(deltas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::meta::Resources;
    use crate::wire::testing::row;
    use serde_json::json;

    #[test]
    fn a_node() {
        let row = row::<WireNode>(json!({
            "metadata": {"name": "n1", "uid": "1", "labels": {"node-role.kubernetes.io/worker": ""}},
            "spec": {"providerID": "gce://p/z/n1", "unschedulable": true, "taints": [
                {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": "1970-01-01T00:01:00Z"},
                {"key": "team", "value": "shop", "effect": "NoExecute"}]},
            "status": {"nodeInfo": {"kubeletVersion": "v1.35.4-gke.1"}, "allocatable": {"cpu": "3920m", "memory": "12Gi", "pods": "110"},
                "conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": "True"}]},
        }));
        assert_eq!((&*row.ready, row.cordoned, row.max_pods), ("True", true, 110));
        assert_eq!(row.allocatable, Resources { cpu_milli: 3920, memory: 12 << 30 });
        assert_eq!((&*row.provider_id, &*row.version), ("gce://p/z/n1", "v1.35.4-gke.1"));
        assert_eq!((row.taints.len(), row.cordoned_since()), (2, Some(crate::domain::time::Stamp(60))));
        let own: Vec<&str> =
            row.taints.iter().filter(|taint| !taint.is_echo()).map(|taint| &*taint.value).collect();
        assert_eq!(own, ["shop"]);
        assert_eq!(row.level(), crate::domain::level::Level::Progressing);
    }

    #[test]
    fn what_is_wrong_with_a_node_decides_how_well_it_is() {
        use crate::domain::level::Level;
        let level = |conditions: &[(&str, &str)]| {
            let conditions: Vec<_> =
                conditions.iter().map(|(kind, status)| json!({"type": kind, "status": status})).collect();
            let node = json!({"metadata": {"name": "n", "uid": "1"}, "status": {"conditions": conditions}});
            row::<WireNode>(node).level()
        };
        assert_eq!(level(&[("Ready", "True"), ("DiskPressure", "False")]), Level::Ok);
        assert_eq!(level(&[("Ready", "True"), ("EtcdIsVoter", "True")]), Level::Ok);
        assert_eq!(level(&[("Ready", "True"), ("DiskPressure", "True")]), Level::Warning);
        assert_eq!(level(&[("Ready", "False")]), Level::Critical);
        assert_eq!(level(&[("Ready", "Unknown"), ("DiskPressure", "Unknown")]), Level::Critical);
    }

    #[test]
    fn a_node_that_says_nothing_is_not_called_ready() {
        assert_eq!(&*row::<WireNode>(json!({"metadata": {"name": "n1", "uid": "1"}})).ready, "Unknown");
    }

    #[test]
    fn a_namespace() {
        let row = row::<WireNamespace>(
            json!({"metadata": {"name": "shop", "uid": "1"}, "status": {"phase": "Terminating"}}),
        );
        assert_eq!((&*row.name, row.terminating), ("shop", true));
    }

    #[test]
    fn a_quota() {
        let row = row::<WireQuota>(json!({
            "metadata": {"name": "q", "namespace": "shop", "uid": "1"},
            "status": {"hard": {"requests.cpu": "2", "limits.memory": "1Gi", "pods": "10"}, "used": {"requests.cpu": "1500m", "pods": "3"}},
        }));
        let item = |name: &str| row.items.iter().find(|item| &*item.resource == name).unwrap();
        assert_eq!((item("requests.cpu").hard_milli, item("requests.cpu").used_milli), (2000, 1500));
        assert_eq!(
            (item("limits.memory").hard_milli, item("limits.memory").used_milli),
            (1_073_741_824_000, 0)
        );
        assert_eq!((item("pods").hard_milli, item("pods").used_milli), (10_000, 3_000));
    }

    #[test]
    fn an_autoscaler() {
        let row = row::<WireAutoscaler>(json!({
            "metadata": {"name": "h", "namespace": "shop", "uid": "1"},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "cart"}, "maxReplicas": 8},
            "status": {"currentReplicas": 3, "desiredReplicas": 4, "lastScaleTime": "1970-01-01T00:01:00Z"},
        }));
        assert_eq!((row.min, row.max, row.current, row.desired), (1, 8, 3, 4));
        assert_eq!(row.scaled, Some(crate::domain::time::Stamp(60)));
        assert_eq!((&*row.target_kind, &*row.target_name), ("Deployment", "cart"));
    }
}
