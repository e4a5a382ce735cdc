//! Ten thousand pods, and changes without end among them: nothing is lost, nothing doubled, whatever happens to the
//! server meanwhile.

use ground::Cluster;
use ground::seed::{Churn, Seed};

use super::common::person;
use super::ledger::agrees;

/// Changes a second.
const RATE: u32 = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn ten_thousand_pods_in_churn_and_a_server_that_dies() {
    let cluster = Cluster::start().bare().await.unwrap();
    let seed = Seed::of(10_000);
    seed.plant(&cluster).await.unwrap();
    let mut person = person(cluster.admin()).await;
    person.keys("a");
    person.see_title("Pods", "10,000").await;
    agrees(&mut person, &cluster, None).await;

    let churn = Churn::start(&cluster, seed, RATE).await.unwrap();
    changes(&mut person, 1_000).await;
    let taken = churn.stop().await.unwrap();
    agrees(&mut person, &cluster, None).await;
    person.see("fresh").await;

    let churn = Churn::start(&cluster, seed, RATE).await.unwrap();
    changes(&mut person, 300).await;
    cluster.kill_api_server().await.unwrap();
    person.see_title("Pods", "unreachable").await;
    person.see_title("Pods", "10,000").await;
    cluster.start_api_server().await.unwrap();
    person.see_no("unreachable").await;
    changes(&mut person, 300).await;
    let after = churn.stop().await.unwrap();
    // A pod that is replaced is one change to the churn and three to the client.
    assert!(taken >= 500 && after >= 300, "{taken} and {after} changes");
    agrees(&mut person, &cluster, None).await;
}

/// Waits until the client was told of so many more changes of pods.
async fn changes(person: &mut super::person::Person, wanted: u64) {
    let version = |world: &pilothouse::world::World| world.clusters[0].pods.version();
    let began = version(&person.driver().state.shared.world);
    let seen = person.wait_until(|world| version(world) >= began + wanted).await;
    assert!(seen, "no changes come:\n{}", person.picture());
}
