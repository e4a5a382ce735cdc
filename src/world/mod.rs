//! All facts, by cluster and identity, each kind with its feed's state.
//!
//! The world takes watch steps ([`crate::msg::Facts`]) and keeps what follows
//! from them up to date as it goes: pods by owner and by node, counts by namespace. It
//! knows nothing of panes, filters or environments; those read it.

mod cluster;
mod nodes;
mod owned;
mod revisions;
mod table;
mod tally;

use std::collections::HashMap;

pub use cluster::ClusterWorld;
pub use nodes::NodeLoad;
pub use revisions::Revision;
pub use table::{Fact, Table};
pub use tally::PodTally;

use crate::domain::id::{ClusterId, Kind, ObjectRef, Uid};
use crate::domain::link::Connection;
use crate::domain::meta::Resources;
use crate::domain::node::Node;
use crate::domain::pod::Pod;
use crate::domain::sync::SyncApp;
use crate::domain::time::Now;
use crate::domain::workload::{ReplicaSet, Workload};
use crate::msg::ClusterMsg;

/// Facts of all clusters; `clusters[n]` belongs to `ClusterId(n)`.
#[derive(Debug, Default)]
pub struct World {
    /// One entry for each kubeconfig context.
    pub clusters: Vec<ClusterWorld>,
}

/// A row of a table: which cluster and which slot. Valid until the object goes;
/// hold an [`ObjectRef`] or a uid for anything that outlives a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId {
    /// The cluster.
    pub cluster: ClusterId,
    /// The slot in the table of the kind that the holder knows.
    pub slot: u32,
}

impl World {
    /// A world of connections that have not answered yet.
    pub fn new(connections: Vec<Connection>) -> World {
        World { clusters: connections.into_iter().map(ClusterWorld::new).collect() }
    }

    /// One cluster.
    pub fn cluster(&self, id: ClusterId) -> Option<&ClusterWorld> {
        self.clusters.get(usize::from(id.0))
    }

    /// One cluster, to be changed.
    pub fn cluster_mut(&mut self, id: ClusterId) -> Option<&mut ClusterWorld> {
        self.clusters.get_mut(usize::from(id.0))
    }

    /// Every cluster with its identity.
    pub fn each(&self) -> impl Iterator<Item = (ClusterId, &ClusterWorld)> {
        self.clusters
            .iter()
            .enumerate()
            .map(|(n, cluster)| (ClusterId(u16::try_from(n).unwrap_or(u16::MAX)), cluster))
    }

    /// Takes news of one cluster.
    pub fn apply(&mut self, id: ClusterId, news: ClusterMsg, now: Now) -> bool {
        let identified = matches!(news, ClusterMsg::Identity { .. });
        let changed = self.cluster_mut(id).is_some_and(|cluster| cluster.apply(news, now));
        if identified {
            self.find_twins();
        }
        changed
    }

    /// The pod of a row.
    pub fn pod(&self, row: RowId) -> Option<&Pod> {
        self.cluster(row.cluster)?.pods.at(row.slot)
    }

    /// The workload of a row.
    pub fn workload(&self, row: RowId) -> Option<&Workload> {
        self.cluster(row.cluster)?.workloads.at(row.slot)
    }

    /// The node of a row.
    pub fn node(&self, row: RowId) -> Option<&Node> {
        self.cluster(row.cluster)?.nodes.at(row.slot)
    }

    /// What a pod uses now; `None` when metrics are not served or not there yet.
    pub fn usage(&self, row: RowId) -> Option<Resources> {
        self.cluster(row.cluster)?.pod_usage(row.slot)
    }

    /// The pod that a reference names, if it is still there.
    pub fn find_pod(&self, object: &ObjectRef) -> Option<&Pod> {
        self.cluster(object.cluster)?.pods.get(object.uid)
    }

    /// The Application or Flux object that a reference names, if it is still there.
    pub fn find_sync(&self, object: &ObjectRef) -> Option<&SyncApp> {
        let cluster = self.cluster(object.cluster)?;
        match object.kind {
            Kind::Application => cluster.applications.get(object.uid),
            _ => cluster.flux.get(object.uid),
        }
    }

    /// The workload that a reference names, if it is still there.
    pub fn find_workload(&self, object: &ObjectRef) -> Option<&Workload> {
        self.cluster(object.cluster)?.workloads.get(object.uid)
    }

    /// Reference to a pod's row.
    pub fn pod_ref(&self, row: RowId) -> Option<ObjectRef> {
        let pod = self.pod(row)?;
        Some(ObjectRef {
            cluster: row.cluster,
            kind: Kind::Pod,
            namespace: pod.namespace.clone(),
            name: pod.name.as_ref().into(),
            uid: pod.uid,
        })
    }

    /// The node that a reference names, if it is still there; one that a person named has no uid to be known by.
    pub fn find_node(&self, object: &ObjectRef) -> Option<&Node> {
        let nodes = &self.cluster(object.cluster)?.nodes;
        match object.uid == Uid::default() {
            true => nodes.iter().map(|(_, node)| node).find(|node| node.name == object.name),
            false => nodes.get(object.uid),
        }
    }

    /// Reference to a node's row.
    pub fn node_ref(&self, row: RowId) -> Option<ObjectRef> {
        let node = self.node(row)?;
        Some(ObjectRef {
            cluster: row.cluster,
            kind: Kind::Node,
            namespace: "".into(),
            name: node.name.clone(),
            uid: node.uid,
        })
    }

    /// Reference to a workload's row.
    pub fn workload_ref(&self, row: RowId) -> Option<ObjectRef> {
        let workload = self.workload(row)?;
        Some(ObjectRef {
            cluster: row.cluster,
            kind: workload.kind,
            namespace: workload.namespace.clone(),
            name: workload.name.clone(),
            uid: workload.uid,
        })
    }

    /// ReplicaSets of a workload, newest revision first.
    pub fn replica_sets_of(&self, object: &ObjectRef) -> Vec<&ReplicaSet> {
        let Some(cluster) = self.cluster(object.cluster) else { return Vec::new() };
        let mut sets: Vec<&ReplicaSet> = cluster
            .replica_sets
            .iter()
            .map(|(_, set)| set)
            .filter(|set| set.owner.as_ref().is_some_and(|owner| owner.uid == object.uid))
            .collect();
        sets.sort_by(|a, b| b.revision.cmp(&a.revision).then(b.created.cmp(&a.created)));
        sets
    }

    /// Contexts that lead to the same cluster (the same uid of kube-system) are
    /// one: the later ones name the first, and are not shown as environments.
    fn find_twins(&mut self) {
        let mut first: HashMap<crate::domain::id::Name, crate::domain::id::Name> = HashMap::new();
        for cluster in &mut self.clusters {
            let connection = &mut cluster.connection;
            if connection.cluster_uid.is_empty() {
                continue;
            }
            match first.get(&connection.cluster_uid) {
                Some(context) => connection.same_as = Some(context.clone()),
                None => {
                    connection.same_as = None;
                    first.insert(connection.cluster_uid.clone(), connection.context.clone());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
