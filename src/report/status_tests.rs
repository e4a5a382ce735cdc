use super::*;
use crate::domain::id::{ClusterId, Kind};
use crate::domain::link::{Feed, Link, WATCHED};
use crate::domain::pod::PodState;
use crate::fleet::testing::{
    deployment, dim_world, node, pod, put_pods, put_replica_sets, put_workloads, replica_set, send, world,
};
use crate::fleet::{Cards, Health as Standings, Matrix, Wanted, environments};
use crate::msg::{ClusterMsg, Delta, Facts as News};

const NOW: Now = Now { wall: Stamp(1_000), mono: std::time::Duration::from_secs(60) };

fn status(world: &World, only: Option<&str>) -> Status {
    let environments = environments(&Wanted::default(), world);
    let mut health = Standings::default();
    health.refresh(world);
    let (mut cards, mut matrix) = (Cards::default(), Matrix::default());
    cards.refresh(&environments, world, &health);
    matrix.refresh(&Wanted::default(), &environments, world, &health);
    let only = only.map(|name| environments.list.iter().find(|env| &*env.name == name).unwrap().id);
    let mut sync = Syncs::default();
    sync.refresh(&Wanted::default(), &environments, world);
    let mut backups = crate::fleet::Backups::default();
    backups.refresh(&Wanted::default(), &environments, world, NOW.wall);
    Status::of(Facts {
        world,
        environments: &environments,
        cards: &cards,
        matrix: &matrix,
        sync: &sync,
        backups: &backups,
        now: NOW,
        only,
    })
}

/// Staging and production; cart's rollout fails in production.
fn shop() -> World {
    let mut world = world(&[("k3s", &["shop-staging"]), ("gke", &["shop-prod"])]);
    for (n, namespace) in ["shop-staging", "shop-prod"].into_iter().enumerate() {
        let id = ClusterId(u16::try_from(n).unwrap());
        for kind in WATCHED {
            send(&mut world, id, ClusterMsg::Feed(kind, Feed::Live));
        }
        world.clusters[n].connection.last_answer = Some(Stamp(995));
        send(&mut world, id, ClusterMsg::Facts(News::Nodes(vec![Delta::Put(node(namespace, &[]))])));
        let media =
            deployment(namespace, "media", if n == 0 { "r.io/media:4.3.1" } else { "r.io/media:4.3.0" }, 2);
        let mut cart = deployment(namespace, "cart", "r.io/cart:1.31.0", 3);
        let set = replica_set(&cart, 2, "r.io/cart:1.31.0", 3, 640);
        let state = if n == 0 { PodState::Ready } else { PodState::Failed };
        put_pods(&mut world, id, (0..3).map(|i| pod(&set, i, state)).collect());
        if n == 1 {
            cart.updated = 2;
        }
        put_replica_sets(&mut world, id, vec![set, replica_set(&media, 1, "r.io/media:4.3.0", 2, 100)]);
        put_workloads(&mut world, id, Kind::Deployment, vec![cart, media]);
    }
    world
}

#[test]
fn the_tables() {
    insta::assert_snapshot!("status_tables", status(&shop(), None).text());
}

#[test]
fn the_json_of_one_environment() {
    insta::assert_snapshot!("status_json", status(&shop(), Some("production")).json().unwrap());
}

#[test]
fn health_is_the_worst_that_is_known() {
    let mut world = shop();
    assert_eq!(status(&world, None).health, Health::Unhealthy);
    assert_eq!(status(&world, Some("staging")).health, Health::Healthy);
    let lost = Link::Unreachable { reason: "refused".into(), retry_at: NOW.mono, attempt: 1 };
    send(&mut world, ClusterId(0), ClusterMsg::Link(lost.clone()));
    assert_eq!(status(&world, None).health, Health::Unhealthy, "it is known that production is unwell");
    assert_eq!(status(&world, Some("staging")).health, Health::Unknown);
    send(&mut world, ClusterId(1), ClusterMsg::Link(lost));
    assert_eq!(status(&world, None).health, Health::Unknown);
}

#[test]
fn bare_contexts_do_not_count_unless_asked_for() {
    let dim = dim_world(&["one"]);
    assert_eq!(status(&dim, None).health, Health::Unknown, "nothing is connected at all");
    assert_eq!(status(&dim, Some("one")).health, Health::Unknown);
    let told = status(&dim, None);
    assert_eq!((told.environments[0].level, told.environments[0].connected), ("not connected", false));
}

#[test]
fn kinds_that_cannot_be_read_are_named_in_one_line() {
    let mut world = shop();
    for kind in [Kind::Node, Kind::Pod] {
        send(
            &mut world,
            ClusterId(1),
            ClusterMsg::Feed(kind, Feed::Forbidden(format!("no {kind:?}").into())),
        );
    }
    let text = status(&world, Some("production")).text();
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("production: ")).collect();
    assert_eq!(lines, ["production: cannot read pods, nodes (no Pod)"], "{text}");
}
