//! Builders for the tables of cases of this room.

use std::sync::Arc;

use crate::domain::id::{ClusterId, Kind, Name, Uid};
use crate::domain::link::{Connection, Feed, Link};
use crate::domain::meta::{ContainerImage, Labels, Resources};
use crate::domain::node::{Namespace, Node};
use crate::domain::selector::Selector;
use crate::domain::time::{Now, Stamp};
use crate::domain::workload::{DeploymentMore, More, Workload};
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
        conditions: Arc::from([]),
        images: images(&[image]),
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

pub fn put_workloads(world: &mut World, id: ClusterId, kind: Kind, workloads: Vec<Workload>) {
    let deltas = workloads.into_iter().map(Delta::Put).collect();
    send(world, id, ClusterMsg::Facts(Facts::Workloads(kind, deltas)));
    send(world, id, ClusterMsg::Feed(kind, Feed::Live));
}
