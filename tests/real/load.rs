//! Ten thousand pods, and changes without end among them: nothing is lost, nothing doubled, whatever happens to the
//! server and to the wire meanwhile.

use ground::Cluster;
use ground::people::{self, Credentials};
use ground::proxy::{Fault, Proxy, Rule};
use ground::seed::{Churn, Seed};

use super::common::{DAY, LOST, folder, person, quick, token_of};
use super::ledger::agrees;
use super::person::Person;

/// Changes a second.
const RATE: u32 = 200;

/// Pods that may be deleted and not yet made anew at any moment.
const BETWEEN: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn ten_thousand_pods_in_churn_and_a_server_that_dies() {
    let cluster = Cluster::start().bare().await.unwrap();
    let seed = Seed::of(10_000);
    seed.plant(&cluster).await.unwrap();
    let mut person = person(cluster.admin()).await;
    person.keys("a");
    // The whole screen, so that the title has room for all that it says.
    person.keys("enter");
    agrees(&mut person, &cluster, None).await;
    person.see_title("Pods", " 10,000 · ").await;

    // Somebody far away, whose list breaks twice before it is whole, and whose connections do not last.
    let proxy = Proxy::start(&cluster).await.unwrap();
    let list = |fault| Rule::on("/api/v1/pods?", fault).times(1);
    proxy.rules(vec![list(Fault::CutAfter(4_000_000)), list(Fault::Truncate(9_000_000))]);
    let token = Credentials::Token(token_of(&cluster, "lena", &[], DAY));
    let file = folder(&cluster, "far").join("kubeconfig");
    people::write(&file, &people::kubeconfig("far", &proxy.url(), None, None, &token)).unwrap();
    let mut far = Person::sits_down(&file, &quick());
    far.wait_for_data().await;
    far.keys("a");
    agrees(&mut far, &cluster, None).await;
    assert_eq!(proxy.met(), 2, "{:#?}", proxy.requests());

    old_server(&cluster).await;

    let churn = Churn::start(&cluster, seed, RATE).await.unwrap();
    for _ in 0..4 {
        changes(&mut person, 250).await;
        proxy.cut_all();
        // Whoever is not looked at for a while holds the sources back, and loses nothing by it.
        changes(&mut far, 100).await;
    }
    let taken = churn.stop().await.unwrap();
    for person in [&mut person, &mut far] {
        agrees(person, &cluster, None).await;
        person.see("fresh").await;
    }

    let churn = Churn::start(&cluster, seed, RATE).await.unwrap();
    changes(&mut person, 300).await;
    cluster.kill_api_server().await.unwrap();
    person.see_title("Pods", "unreachable").await;
    // Those that were being replaced when it died are gone, and nobody could make the next ones.
    let kept = person.wait_until(|world| world.clusters[0].pods.len() + BETWEEN >= 10_000).await;
    assert!(kept, "{LOST}: rows went with their server:\n{}", person.picture());
    cluster.start_api_server().await.unwrap();
    person.see_no("unreachable").await;
    changes(&mut person, 300).await;
    let after = churn.stop().await.unwrap();
    // A pod that is replaced is one change to the churn and three to the client.
    assert!(taken >= 500 && after >= 300, "{taken} and {after} changes");
    for person in [&mut person, &mut far] {
        agrees(person, &cluster, None).await;
    }
}

/// Somebody before a server that knows no streaming lists, as those of some years ago: everything comes in pages.
async fn old_server(cluster: &Cluster) {
    let proxy = Proxy::start(cluster).await.unwrap();
    proxy.rules(vec![Rule::on("sendInitialEvents=true", Fault::Answer(422, None))]);
    let token = Credentials::Token(token_of(cluster, "olga", &[], DAY));
    let file = folder(cluster, "old").join("kubeconfig");
    people::write(&file, &people::kubeconfig("old", &proxy.url(), None, None, &token)).unwrap();
    let mut person = Person::sits_down(&file, &quick());
    person.wait_for_data().await;
    person.keys("a");
    agrees(&mut person, cluster, None).await;
    person.see("fresh").await;
    let pages = proxy.requests();
    let pages =
        pages.iter().filter(|uri| uri.starts_with("/api/v1/pods?") && uri.contains("continue=")).count();
    assert!((19..40).contains(&pages), "{pages} further pages of 500: {:#?}", proxy.requests());
}

/// Waits until the client was told of so many more changes of pods.
async fn changes(person: &mut Person, wanted: u64) {
    let version = |world: &pilothouse::world::World| world.clusters[0].pods.version();
    let began = version(&person.driver().state.shared.world);
    let seen = person.wait_until(|world| version(world) >= began + wanted).await;
    assert!(seen, "no changes come:\n{}", person.picture());
}
