//! Cases of pairs and what is told of them.

use std::sync::Arc;

use super::*;
use crate::domain::network::EndpointSlice;
use crate::domain::pod::PodState;
use crate::domain::selector::Selector;
use crate::domain::time::Stamp;
use crate::fleet::testing::{
    deployment, labels, pod, put_pods, put_replica_sets, put_workloads, replica_set, send, uid, world,
};
use crate::msg::{ClusterMsg, Delta, Facts};

const ID: ClusterId = ClusterId(0);

fn service(name: &str, selector: &str) -> Service {
    Service {
        uid: uid(&format!("svc {name}")),
        namespace: "prod".into(),
        name: name.into(),
        labels: labels(&[]),
        selector: Some(Selector::parse(selector).unwrap()),
        service_type: "ClusterIP".into(),
        cluster_ip: "10.0.0.1".into(),
        external: Arc::from([]),
        ports: Arc::from([]),
        of_rollouts: false,
        created: Stamp(0),
    }
}

/// Two colours of cart of two pods each; the live one's pods are behind the Service.
fn scene(services: Vec<Service>, live: &str, feed: Feed) -> World {
    let mut world = world(&[("gke", &["prod"])]);
    let (mut workloads, mut sets, mut pods) = (Vec::new(), Vec::new(), Vec::new());
    let mut targets = Vec::new();
    for (colour, image) in [("blue", "r.example/cart:1.0"), ("green", "r.example/cart:2.0")] {
        let mut workload = deployment("prod", &format!("cart-{colour}"), image, 2);
        workload.pod_labels = labels(&[("app", "cart"), ("color", colour)]);
        let set = replica_set(&workload, 1, image, 2, 0);
        for n in 0..2 {
            let mut one = pod(&set, n, PodState::Ready);
            one.labels = workload.pod_labels.clone();
            if colour == live {
                targets.push(Target { pod: one.uid, ready: n == 0, serving: true, terminating: n == 1 });
            }
            pods.push(one);
        }
        workloads.push(workload);
        sets.push(set);
    }
    put_workloads(&mut world, ID, Kind::Deployment, workloads);
    put_replica_sets(&mut world, ID, sets);
    put_pods(&mut world, ID, pods);
    let slice = |name: &str| EndpointSlice {
        uid: uid(name),
        namespace: "prod".into(),
        service: "cart".into(),
        ready: 1,
        unready: 1,
        terminating: 1,
        targets: targets.clone().into(),
    };
    // One for each family of addresses.
    let slices = vec![Delta::Put(slice("v4")), Delta::Put(slice("v6"))];
    send(&mut world, ID, ClusterMsg::Facts(Facts::EndpointSlices(slices)));
    send(&mut world, ID, ClusterMsg::Feed(Kind::EndpointSlice, feed));
    let services = services.into_iter().map(Delta::Put).collect();
    send(&mut world, ID, ClusterMsg::Facts(Facts::Services(services)));
    world
}

fn told(world: &World) -> Vec<String> {
    let found = pairs(&Wanted::default(), world, |_, _| true);
    found
        .iter()
        .flat_map(|pair| {
            pair.colours.iter().map(move |colour| {
                let live = if colour.live { " live" } else { "" };
                format!(
                    "{} {}{live} {} {}/{} {:?} leaving {} beside {:?}",
                    pair.service.name,
                    colour.name,
                    colour.release,
                    colour.ready,
                    colour.desired,
                    colour.receiving,
                    colour.leaving,
                    colour.beside
                )
            })
        })
        .collect()
}

#[test]
fn a_pair_says_who_is_live_and_who_receives() {
    let services = vec![
        service("cart", "app=cart,color=blue"),
        service("cart-preview", "app=cart,color=green"),
        service("plain", "app=cart"),
    ];
    let world = scene(services, "blue", Feed::Live);
    assert_eq!(
        told(&world),
        [
            "cart blue live 1.0 2/2 Some(1) leaving 1 beside []",
            "cart green 2.0 2/2 Some(0) leaving 0 beside [\"cart-preview\"]",
        ]
    );
}

#[test]
fn a_selector_that_selects_nothing_is_critical() {
    let world = scene(vec![service("cart", "app=cart,color=red")], "blue", Feed::Live);
    let found = pairs(&Wanted::default(), &world, |_, _| true);
    assert_eq!(found[0].level, Level::Critical);
    let live = found[0].live().unwrap();
    assert_eq!((&*live.name, live.reason), ("red", "no workload has this colour"));
    assert_eq!(found[0].standing_by().count(), 2);
}

#[test]
fn what_cannot_be_read_is_not_known() {
    let world = scene(vec![service("cart", "app=cart,color=blue")], "blue", Feed::Forbidden("no".into()));
    let found = pairs(&Wanted::default(), &world, |_, _| true);
    assert_eq!((found[0].level, found[0].colours[0].receiving), (Level::Unknown, None));
}

#[test]
fn argo_rollouts_keeps_its_own() {
    let mut owned = service("cart", "app=cart,color=blue");
    owned.of_rollouts = true;
    let hashed = service("web", "app=cart,color=blue,rollouts-pod-template-hash=7d9c");
    assert!(told(&scene(vec![owned, hashed], "blue", Feed::Live)).is_empty());
}

#[test]
fn a_pair_is_found_by_its_service_and_by_its_workloads() {
    let services =
        vec![service("cart", "app=cart,color=blue"), service("cart-preview", "app=cart,color=green")];
    let world = scene(services, "blue", Feed::Live);
    let wanted = Wanted::default();
    let of = |kind: Kind, name: &str, id: Uid| {
        let object = ObjectRef { cluster: ID, kind, namespace: "prod".into(), name: name.into(), uid: id };
        pair_of(&wanted, &world, &object).map(|pair| pair.service.name.to_string())
    };
    assert_eq!(of(Kind::Deployment, "cart-green", uid("prod/cart-green")).as_deref(), Some("cart"));
    assert_eq!(of(Kind::Service, "cart", Uid::default()).as_deref(), Some("cart"));
    assert_eq!(of(Kind::Service, "cart-preview", Uid::default()).as_deref(), Some("cart-preview"));
    assert_eq!(of(Kind::Deployment, "cart", Uid::default()), None);
}
