use super::*;
use crate::domain::link::Link;
use crate::domain::node::{Quota, QuotaItem};
use crate::domain::pod::PodState;
use crate::domain::workload::{JobMore, More, Workload};
use crate::fleet::testing::{
    deployment, node, pod, put_pods, put_replica_sets, put_workloads, replica_set, send, uid, world,
};
use crate::fleet::{Wanted, environments};
use crate::msg::{ClusterMsg, Delta, Facts, Usage};

const ID: ClusterId = ClusterId(0);

fn shop() -> World {
    let mut world = world(&[("gke", &["shop-prod", "shop-dev"])]);
    for kind in WATCHED {
        send(&mut world, ID, ClusterMsg::Feed(kind, Feed::Live));
    }
    world
}

/// The card of production.
fn card(world: &World) -> Card {
    let environments = environments(&Wanted::default(), world);
    let mut health = Health::default();
    health.refresh(world);
    let mut cards = Cards::default();
    assert!(cards.refresh(&environments, world, &health));
    assert!(!cards.refresh(&environments, world, &health), "nothing changed");
    assert_eq!(cards.list.len(), environments.list.len());
    let production = environments.list.iter().find(|env| &*env.name == "production").unwrap();
    cards.get(production.id).unwrap().clone()
}

fn job(name: &str, active: u32, completed: bool) -> Workload {
    let mut job = deployment("shop-prod", name, "job:1", 1);
    job.kind = Kind::Job;
    job.more = More::Job(JobMore {
        completions: 1,
        succeeded: u32::from(completed),
        failed: 0,
        active,
        started: None,
        completed: completed.then_some(crate::domain::time::Stamp(1)),
    });
    job
}

#[test]
fn workloads_and_pods_are_counted_in_their_own_environment() {
    let mut world = shop();
    let cart = deployment("shop-prod", "cart", "cart:1", 2);
    let set = replica_set(&cart, 1, "cart:1", 2, 0);
    let mut short = deployment("shop-prod", "media", "media:1", 3);
    short.available = 2;
    put_workloads(
        &mut world,
        ID,
        Kind::Deployment,
        vec![cart, short, deployment("shop-dev", "cart", "cart:2", 1)],
    );
    put_workloads(&mut world, ID, Kind::Job, vec![job("done", 0, true), job("runs", 1, false)]);
    put_replica_sets(&mut world, ID, vec![set.clone()]);
    put_pods(&mut world, ID, vec![pod(&set, 0, PodState::Ready), pod(&set, 1, PodState::Moving)]);
    let card = card(&world);
    assert_eq!((card.ready, card.workloads), (2, 3), "a completed job does not count, a running one is well");
    assert_eq!((card.pods.total, card.pods.ready, card.pods.moving), (2, 1, 1));
    assert_eq!((card.level, card.reason.as_str()), (Level::Warning, "media: 2/3 pods available"));
}

#[test]
fn levels_and_their_reasons() {
    let well = || deployment("shop-prod", "cart", "cart:1", 2);
    let mut world = shop();
    assert_eq!((card(&world).level, card(&world).reason.as_str()), (Level::Idle, "nothing runs here"));

    put_workloads(&mut world, ID, Kind::Deployment, vec![well()]);
    assert_eq!((card(&world).level, card(&world).reason.as_str()), (Level::Ok, ""));

    let mut rolling = well();
    rolling.updated = 1;
    put_workloads(&mut world, ID, Kind::Deployment, vec![rolling]);
    assert_eq!(
        (card(&world).level, card(&world).reason.as_str()),
        (Level::Progressing, "cart: 1/2 pods updated")
    );

    let mut down = well();
    down.available = 0;
    put_workloads(&mut world, ID, Kind::Deployment, vec![down]);
    assert_eq!(
        (card(&world).level, card(&world).reason.as_str()),
        (Level::Critical, "cart: 0/2 pods available")
    );

    put_workloads(&mut world, ID, Kind::Deployment, vec![well()]);
    let set = replica_set(&well(), 1, "cart:1", 1, 0);
    let mut bare = pod(&set, 1, PodState::Failed);
    bare.owner = None;
    put_pods(&mut world, ID, vec![bare]);
    assert_eq!(
        (card(&world).level, card(&world).reason.as_str()),
        (Level::Warning, "1 pod fails that no workload owns")
    );

    send(
        &mut world,
        ID,
        ClusterMsg::Link(Link::Unreachable {
            reason: "refused".into(),
            retry_at: std::time::Duration::ZERO,
            attempt: 1,
        }),
    );
    let lost = card(&world);
    assert_eq!((lost.level, lost.workloads), (Level::Unknown, 1), "the last data stays");
}

#[test]
fn the_worst_workload_gives_the_reason() {
    let mut world = shop();
    let mut a = deployment("shop-prod", "a", "a:1", 2);
    a.available = 1;
    let mut z = deployment("shop-prod", "z", "z:1", 2);
    z.available = 0;
    let mut b = deployment("shop-prod", "b", "b:1", 2);
    b.available = 1;
    put_workloads(&mut world, ID, Kind::Deployment, vec![b.clone(), z, a.clone()]);
    assert_eq!(card(&world).reason, "z: 0/2 pods available");
    let mut world = shop();
    put_workloads(&mut world, ID, Kind::Deployment, vec![b, a]);
    assert_eq!(card(&world).reason, "a: 1/2 pods available");
}

fn quota(namespace: &str, items: &[(&str, u128, u128)]) -> Quota {
    Quota {
        uid: uid(namespace),
        namespace: namespace.into(),
        name: "quota".into(),
        items: items
            .iter()
            .map(|(resource, used, hard)| QuotaItem {
                resource: (*resource).into(),
                hard_milli: *hard,
                used_milli: *used,
            })
            .collect::<Vec<_>>()
            .into(),
    }
}

#[test]
fn quotas_come_before_nodes() {
    let mut world = shop();
    send(&mut world, ID, ClusterMsg::Facts(Facts::Nodes(vec![Delta::Put(node("n", &[]))])));
    let cart = deployment("shop-prod", "cart", "cart:1", 2);
    let set = replica_set(&cart, 1, "cart:1", 2, 0);
    put_pods(&mut world, ID, (0..10).map(|n| pod(&set, n, PodState::Ready)).collect());
    let first = card(&world);
    let cpu = first.cpu.unwrap();
    assert_eq!((cpu.used, cpu.hard, cpu.basis, cpu.percent()), (1_000, 4_000, Basis::Nodes, 25));
    assert_eq!(first.memory.unwrap().percent(), 7);
    assert_eq!(first.platform.unwrap().to_string(), "Kubernetes 1.36");
    assert_eq!(first.usage, None);

    let quotas = vec![
        Delta::Put(quota(
            "shop-prod",
            &[
                ("requests.cpu", 1_000, 4_000),
                ("limits.cpu", 6_000, 8_000),
                ("requests.memory", 1_000 << 30, 2_000 << 30),
                ("pods", 9_000, 10_000),
                ("cpu", 5, 0),
            ],
        )),
        Delta::Put(quota("shop-dev", &[("requests.cpu", 99, 100)])),
    ];
    send(&mut world, ID, ClusterMsg::Facts(Facts::Quotas(quotas)));
    let second = card(&world);
    let (cpu, memory) = (second.cpu.unwrap(), second.memory.unwrap());
    assert_eq!((cpu.used, cpu.hard, cpu.basis, cpu.percent()), (6_000, 8_000, Basis::Quota, 75));
    assert_eq!((memory.used, memory.hard, memory.percent()), (1 << 30, 2 << 30, 50));
}

#[test]
fn usage_is_summed_when_it_is_served() {
    let mut world = shop();
    let cart = deployment("shop-prod", "cart", "cart:1", 2);
    let set = replica_set(&cart, 1, "cart:1", 2, 0);
    put_pods(&mut world, ID, (0..2).map(|n| pod(&set, n, PodState::Ready)).collect());
    let used = Resources { cpu_milli: 40, memory: 1 << 20 };
    let pods = (0..2).map(|n| (Name::from("shop-prod"), format!("cart-1-{n}").into(), used)).collect();
    send(
        &mut world,
        ID,
        ClusterMsg::Usage(Usage { feed: Feed::Live, node_feed: Feed::Live, pods, nodes: vec![] }),
    );
    assert_eq!(card(&world).usage, Some(used + used));
}

#[test]
fn kinds_that_cannot_be_had_are_named() {
    let mut world = shop();
    send(&mut world, ID, ClusterMsg::Feed(Kind::Node, Feed::Forbidden("no nodes".into())));
    let card = card(&world);
    assert_eq!(card.missing, [(Kind::Node, Name::from("no nodes"))]);
    assert_eq!(card.level, Level::Idle, "nodes do not decide");
}

#[test]
fn an_environment_of_which_a_part_is_refused_is_not_called_well() {
    let refused = |names: &[&str]| Feed::Partly {
        refused: names.iter().map(|name| Name::from(*name)).collect(),
        message: "no pods".into(),
    };
    let mut world = world(&[("gke", &["shop-prod", "pay-prod"])]);
    for kind in WATCHED {
        send(&mut world, ID, ClusterMsg::Feed(kind, Feed::Live));
    }
    send(&mut world, ID, ClusterMsg::Feed(Kind::Pod, refused(&["elsewhere"])));
    assert_eq!((card(&world).level, card(&world).missing), (Level::Idle, vec![]));
    send(&mut world, ID, ClusterMsg::Feed(Kind::Pod, refused(&["shop-prod"])));
    let card = card(&world);
    assert_eq!(card.level, Level::Unknown);
    assert_eq!(card.missing, [(Kind::Pod, Name::from("forbidden in shop-prod: no pods"))]);
}

#[test]
fn an_environment_that_cannot_be_seen_is_neither_well_nor_empty() {
    let mut world = shop();
    let with = |world: &mut World, feed: Feed| {
        send(world, ID, ClusterMsg::Feed(Kind::Deployment, feed));
        let card = card(world);
        (card.level, card.reason)
    };
    let unknown = (Level::Unknown, String::new());
    assert_eq!(with(&mut world, Feed::Live), (Level::Idle, "nothing runs here".to_owned()));
    assert_eq!(with(&mut world, Feed::Failed("500".into())), unknown);
    assert_eq!(with(&mut world, Feed::Forbidden("no".into())), unknown);
    put_workloads(&mut world, ID, Kind::Deployment, vec![deployment("shop-prod", "cart", "cart:1", 2)]);
    assert_eq!(with(&mut world, Feed::Live).0, Level::Ok);
    assert_eq!(with(&mut world, Feed::Forbidden("no".into())).0, Level::Ok);
    assert_eq!(with(&mut world, Feed::Failed("500".into())), unknown, "it was well when it was seen last");
}

#[test]
fn bare_contexts_have_dim_cards() {
    let world = crate::fleet::testing::dim_world(&["a", "b"]);
    let environments = environments(&Wanted::default(), &world);
    let mut cards = Cards::default();
    cards.refresh(&environments, &world, &Health::default());
    assert!(cards.list.iter().all(|card| card.dim && card.level == Level::Idle && card.platform.is_none()));
    assert_eq!(cards.list.len(), 2);
}
