//! Builders for the tables of cases of this room.

use std::sync::Arc;

use crate::domain::id::{ClusterId, Kind, Name, Uid};
use crate::domain::link::{Connection, Feed, Link};
use crate::domain::meta::{Condition, ContainerImage, Labels, Owner, Resources};
use crate::domain::node::{Namespace, Node};
use crate::domain::pod::{Pod, PodState};
use crate::domain::selector::Selector;
use crate::domain::time::{Now, Stamp};
use crate::domain::workload::{DeploymentMore, More, ReplicaSet, Workload};
use crate::msg::{ClusterMsg, Delta, Facts};
use crate::world::World;

pub fn uid(text: &str) -> Uid {
    Uid::parse(&format!("uid of {text}"))
}

pub fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::new(pairs.iter().map(|(k, v)| (Name::from(*k), Name::from(*v))).collect())
}

pub fn node(name: &str, pairs: &[(&str, &str)]) -> Node {
    Node {
        uid: uid(name),
        name: name.into(),
        labels: labels(pairs),
        provider_id: "".into(),
        version: "v1.36.0".into(),
        ready: "True".into(),
        cordoned: false,
        taints: Arc::from([]),
        conditions: Arc::from([]),
        allocatable: Resources { cpu_milli: 4_000, memory: 16 << 30 },
        max_pods: 110,
        created: Stamp(0),
    }
}

pub fn namespace(name: &str, pairs: &[(&str, &str)]) -> Namespace {
    Namespace {
        uid: uid(name),
        name: name.into(),
        labels: labels(pairs),
        terminating: false,
        created: Stamp(0),
    }
}

/// A connected cluster of the world: its context and its namespaces.
pub fn world(contexts: &[(&str, &[&str])]) -> World {
    let mut world = dim_world(&contexts.iter().map(|(context, _)| *context).collect::<Vec<_>>());
    for (n, (_, namespaces)) in contexts.iter().enumerate() {
        let id = ClusterId(u16::try_from(n).unwrap());
        send(&mut world, id, ClusterMsg::Link(Link::Live));
        let mut deltas = vec![Delta::Begin(None)];
        deltas.extend(namespaces.iter().map(|name| Delta::Put(namespace(name, &[]))));
        deltas.push(Delta::End(None));
        send(&mut world, id, ClusterMsg::Facts(Facts::Namespaces(deltas)));
        send(&mut world, id, ClusterMsg::Feed(Kind::Namespace, Feed::Live));
    }
    world
}

pub fn dim_world(contexts: &[&str]) -> World {
    World::new(
        contexts
            .iter()
            .map(|context| Connection { context: (*context).into(), ..Connection::default() })
            .collect(),
    )
}

pub fn send(world: &mut World, id: ClusterId, news: ClusterMsg) {
    world.apply(id, news, Now::default());
}

pub fn images(references: &[&str]) -> Arc<[ContainerImage]> {
    references
        .iter()
        .enumerate()
        .map(|(n, image)| ContainerImage {
            container: if n == 0 { "app".into() } else { format!("side-{n}").into() },
            image: (*image).into(),
            init: false,
        })
        .collect()
}

pub fn condition(kind: &str, status: &str, reason: &str) -> Condition {
    Condition {
        kind: kind.into(),
        status: status.into(),
        reason: reason.into(),
        message: "".into(),
        since: None,
        updated: None,
    }
}

/// A Deployment whose rollout is over and whose pods are all available.
pub fn deployment(namespace: &str, name: &str, image: &str, replicas: u32) -> Workload {
    let app = labels(&[("app", name)]);
    Workload {
        uid: uid(&format!("{namespace}/{name}")),
        kind: Kind::Deployment,
        namespace: namespace.into(),
        name: name.into(),
        labels: labels(&[]),
        pod_labels: app.clone(),
        selector: Some(Selector::equal(app.0.iter().cloned())),
        created: Stamp(0),
        generation: 1,
        observed: 1,
        desired: replicas,
        current: replicas,
        updated: replicas,
        ready: replicas,
        available: replicas,
        paused: false,
        conditions: Arc::from([condition("Progressing", "True", "NewReplicaSetAvailable")]),
        images: images(&[image]),
        scaled: None,
        owner: None,
        delivered_by: None,
        more: More::Deployment(DeploymentMore {
            strategy: "RollingUpdate".into(),
            max_surge: "25%".into(),
            max_unavailable: "25%".into(),
            deadline_seconds: 600,
            revision: 1,
        }),
    }
}

/// A ReplicaSet of a Deployment.
pub fn replica_set(owner: &Workload, revision: u64, image: &str, replicas: u32, created: i64) -> ReplicaSet {
    let name = format!("{}-{revision}", owner.name);
    ReplicaSet {
        uid: uid(&format!("{}/{name}", owner.namespace)),
        namespace: owner.namespace.clone(),
        name: name.into(),
        owner: Some(Arc::new(Owner {
            uid: owner.uid,
            kind: owner.kind.word().into(),
            name: owner.name.clone(),
        })),
        created: Stamp(created),
        desired: replicas,
        current: replicas,
        ready: replicas,
        available: replicas,
        revision,
        images: images(&[image]),
        hash: format!("hash{revision}").into(),
    }
}

/// A pod of a ReplicaSet.
pub fn pod(set: &ReplicaSet, n: u32, state: PodState) -> Pod {
    let name = format!("{}-{n}", set.name);
    Pod {
        uid: uid(&format!("{}/{name}", set.namespace)),
        name: name.into(),
        namespace: set.namespace.clone(),
        node: "node-1".into(),
        status: if state == PodState::Failed { "CrashLoopBackOff".into() } else { "Running".into() },
        state,
        over: state == PodState::Done,
        ready: u16::from(state == PodState::Ready),
        total: 1,
        restarts: 0,
        last_exit: None,
        created: set.created,
        deleting: false,
        owner: Some(Arc::new(Owner {
            uid: set.uid,
            kind: "ReplicaSet".into(),
            name: set.name.as_ref().into(),
        })),
        labels: Labels::default(),
        images: set.images.clone(),
        digest: format!("sha256:{:0>64x}", set.revision).into(),
        requests: Resources { cpu_milli: 100, memory: 128 << 20 },
        limits: Resources::default(),
    }
}

pub fn put_workloads(world: &mut World, id: ClusterId, kind: Kind, workloads: Vec<Workload>) {
    let deltas = workloads.into_iter().map(Delta::Put).collect();
    send(world, id, ClusterMsg::Facts(Facts::Workloads(kind, deltas)));
    send(world, id, ClusterMsg::Feed(kind, Feed::Live));
}

pub fn put_replica_sets(world: &mut World, id: ClusterId, sets: Vec<ReplicaSet>) {
    send(world, id, ClusterMsg::Facts(Facts::ReplicaSets(sets.into_iter().map(Delta::Put).collect())));
    send(world, id, ClusterMsg::Feed(Kind::ReplicaSet, Feed::Live));
}

pub fn put_pods(world: &mut World, id: ClusterId, pods: Vec<Pod>) {
    send(world, id, ClusterMsg::Facts(Facts::Pods(pods.into_iter().map(Delta::Put).collect())));
    send(world, id, ClusterMsg::Feed(Kind::Pod, Feed::Live));
}
