//! Servers that die, freeze and forget, and wires that are slow, cut, or say nothing: what the screen says meanwhile,
//! and that nothing is lost or doubled afterwards.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use ground::Cluster;
use ground::people::{self, Credentials};
use ground::proxy::{Fault, Rule};

use super::common::{DAY, delete_pod, folder, person, pod, pods, quick, shared, token_of};
use super::ledger::{agrees, agrees_of};
use super::person::Person;
use super::wire::Wire;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_killed_server_comes_back_by_itself_and_the_other_cluster_does_not_notice() {
    let (alive, lost) = (shared().await, Cluster::start().bare().await.unwrap());
    let (here, there) = (alive.namespace("here").await.unwrap(), lost.namespace("there").await.unwrap());
    pod(alive, &here, "steady");
    pods(&lost, &there, 5);
    let ours = token_of(alive, "ida", &[&here], DAY);
    let theirs = token_of(&lost, "ida", &[&there], DAY);
    let mut both = lost.kubeconfig_with("lost", Some(&there), &Credentials::Token(theirs));
    let other = alive.kubeconfig_with("alive", Some(&here), &Credentials::Token(ours));
    for list in ["clusters", "users", "contexts"] {
        let more = other[list].as_array().unwrap().clone();
        both[list].as_array_mut().unwrap().extend(more);
    }
    let file = folder(alive, "both").join("kubeconfig");
    people::write(&file, &both).unwrap();
    let mut person = person(&file).await;
    person.see_row("steady", "Pending").await;
    person.keys("]");
    person.see_row("cart-4", "Pending").await;

    lost.kill_api_server().await.unwrap();
    person.see_title("Pods", "unreachable").await;
    person.see_title("Pods", "old").await;
    person.see("lost does not answer: connection refused").await;
    person.see_row("cart-4", "Pending").await;
    person.keys("[");
    person.see_row("steady", "Pending").await;
    pod(alive, &here, "unhurt");
    person.see_row("unhurt", "Pending").await;
    agrees_of(&mut person, 1, alive, Some(&here)).await;

    person.keys("]");
    person.see_row("cart-4", "Pending").await;
    // Somebody comes to work in the middle of it.
    let mut late = Person::sits_down(lost.admin(), &quick());
    late.see("admin does not answer: connection refused: nothing listens there").await;
    lost.start_api_server().await.unwrap();
    delete_pod(&lost, &there, "cart-1");
    pod(&lost, &there, "after");
    person.see_row("after", "Pending").await;
    person.see_no("unreachable").await;
    agrees_of(&mut person, 0, &lost, Some(&there)).await;
    late.keys("a");
    late.see_row("after", "Pending").await;
    agrees(&mut late, &lost, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_frozen_server_is_told_from_a_quiet_one() {
    let cluster = Cluster::start().bare().await.unwrap();
    let shop = cluster.namespace("shop").await.unwrap();
    pods(&cluster, &shop, 5);
    let mut person = person(cluster.admin()).await;
    person.keys("a");
    person.see_row("cart-4", "Pending").await;

    cluster.freeze_api_server().await.unwrap();
    person.see("no answer within 3 s").await;
    person.see_title("Pods", "unreachable").await;
    person.see_title("Pods", "old").await;
    person.see_row("cart-4", "Pending").await;
    cluster.thaw_api_server().await.unwrap();
    delete_pod(&cluster, &shop, "cart-0");
    pod(&cluster, &shop, "after");
    person.see_row("after", "Pending").await;
    person.see_no("unreachable").await;
    agrees(&mut person, &cluster, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn what_was_forgotten_by_the_server_is_listed_anew() {
    let cluster = Cluster::start().bare().await.unwrap();
    let shop = cluster.namespace("shop").await.unwrap();
    pods(&cluster, &shop, 5);
    let wire = Wire::before(&cluster, "otto", &shop).await;
    let mut person = wire.person(&quick()).await;
    person.see_row("cart-4", "Pending").await;
    let lists = || {
        let requests = wire.proxy.requests();
        requests.iter().filter(|uri| uri.contains(&wire.pods()) && uri.contains("sendInitialEvents")).count()
    };
    let listed = lists();

    wire.proxy.rules(vec![Rule::on("", Fault::Cut)]);
    wire.proxy.cut_all();
    person.see_title("Pods", "unreachable").await;
    // All of it happens while nobody can tell: one goes, one comes, one goes and comes under its old name.
    delete_pod(&cluster, &shop, "cart-0");
    delete_pod(&cluster, &shop, "cart-1");
    pod(&cluster, &shop, "cart-1");
    pod(&cluster, &shop, "after");
    cluster.compact().await.unwrap();
    // Its own memory of the past would bridge the gap.
    cluster.kill_api_server().await.unwrap();
    cluster.start_api_server().await.unwrap();
    // The new list stops half way: until one is whole, what was there stays.
    let half = Rule::on(&wire.pods(), Fault::Freeze(2_500)).and("sendInitialEvents").times(1);
    let met = wire.proxy.met() + 1;
    wire.proxy.rules(vec![half]);
    assert!(person.wait_until(|_| wire.proxy.met() == met).await, "{:#?}", wire.proxy.requests());
    person.see_no("unreachable").await;
    for name in ["cart-0", "cart-1", "cart-2", "cart-3", "cart-4"] {
        person.see_row(name, "Pending").await;
    }
    wire.proxy.cut_all();
    person.see_row("after", "Pending").await;
    agrees(&mut person, &cluster, Some(&shop)).await;
    assert!(lists() > listed, "the watch was resumed from a version that is gone");
}

/// A namespace of its own with some pods, and the wire to it.
async fn wire(name: &str) -> (&'static Cluster, Wire) {
    let cluster = shared().await;
    let namespace = cluster.namespace("shop").await.unwrap();
    pods(cluster, &namespace, 12);
    let wire = Wire::before(cluster, name, &namespace).await;
    (cluster, wire)
}

/// One goes and one comes, which is seen, and the rest is as it was.
async fn goes_on(person: &mut Person, cluster: &Cluster, wire: &Wire) {
    delete_pod(cluster, &wire.namespace, "cart-0");
    pod(cluster, &wire.namespace, "after");
    person.see_row("after", "Pending").await;
    person.see("fresh").await;
    person.see_no("fail").await;
    agrees(person, cluster, Some(&wire.namespace)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_slow_wire_is_only_slow() {
    let (cluster, wire) = wire("slow").await;
    wire.proxy.rules(vec![Rule::on("", Fault::Slow(Duration::from_millis(400)))]);
    let mut person = Person::sits_down(&wire.kubeconfig, &quick());
    // What every frame on the way says, not only the last.
    let away = Cell::new(false);
    let beats = || wire.proxy.requests().iter().filter(|uri| uri.starts_with("/version")).count();
    let shows = |frame: &str, row: &str| {
        away.set(away.get() || frame.contains("unreachable") || frame.contains("does not answer"));
        frame.contains(row)
    };
    person.see_that("the pods", |frame| shows(frame, "cart-11")).await;
    person.wait_for_data().await;
    pod(cluster, &wire.namespace, "anew");
    person.see_that("what came meanwhile", |frame| shows(frame, "anew")).await;
    let asked = beats() + 5;
    person.see_that("five heartbeats more", |frame| shows(frame, "anew") && beats() >= asked).await;
    assert!(!away.get(), "slow is not away\n{}", person.picture());
    assert!(wire.proxy.met() >= asked, "it was not slow");
    goes_on(&mut person, cluster, &wire).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn lists_that_are_cut_or_truncated_are_begun_anew() {
    let (cluster, wire) = wire("cut-lists").await;
    wire.proxy.rules(vec![
        Rule::on(&wire.pods(), Fault::CutAfter(9_000)).times(1),
        Rule::on(&wire.pods(), Fault::Truncate(9_000)).times(1),
        // In the middle of the first object.
        Rule::on(&wire.pods(), Fault::Truncate(100)).times(1),
        Rule::on(&wire.pods(), Fault::CutAfter(0)).times(1),
    ]);
    let mut person = wire.person(&quick()).await;
    person.see_row("cart-11", "Pending").await;
    assert_eq!(wire.proxy.met(), 4, "{:#?}", wire.proxy.requests());
    goes_on(&mut person, cluster, &wire).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn events_that_are_cut_in_the_middle_come_whole_the_next_time() {
    let (cluster, wire) = wire("cut-events").await;
    let mut person = wire.person(&quick()).await;
    person.see_row("cart-11", "Pending").await;
    // The watches that follow go on from where they were, and break in the middle of their first event.
    wire.proxy.rules(vec![
        Rule::on(&wire.pods(), Fault::CutAfter(200)).times(1),
        Rule::on(&wire.pods(), Fault::Truncate(200)).times(1),
    ]);
    wire.proxy.cut_all();
    person.see("fresh").await;
    goes_on(&mut person, cluster, &wire).await;
    assert_eq!(wire.proxy.met(), 2, "{:#?}", wire.proxy.requests());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_list_that_stops_half_way_is_given_up() {
    let (cluster, wire) = wire("stops").await;
    wire.proxy.rules(vec![
        Rule::on(&wire.pods(), Fault::Freeze(9_000)).times(1),
        Rule::on(&wire.pods(), Fault::Freeze(0)).times(1),
    ]);
    let mut desk = quick();
    desk.timing.answer_limit = Duration::from_secs(2);
    let mut person = Person::sits_down(&wire.kubeconfig, &desk);
    person.see("Loading pods of stops").await;
    person.see_row("cart-11", "Pending").await;
    person.wait_for_data().await;
    assert_eq!(wire.proxy.met(), 2, "{:#?}", wire.proxy.requests());
    goes_on(&mut person, cluster, &wire).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_watch_that_is_open_and_dead_is_given_up() {
    let (cluster, wire) = wire("dead").await;
    let mut desk = quick();
    desk.timing.silence = Duration::from_secs(2);
    let mut person = wire.person(&desk).await;
    person.see_row("cart-11", "Pending").await;
    wire.proxy.rules(vec![Rule::on(&wire.pods(), Fault::Freeze(0)).times(1)]);
    wire.proxy.cut_all();
    goes_on(&mut person, cluster, &wire).await;
    assert_eq!(wire.proxy.met(), 1, "{:#?}", wire.proxy.requests());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_half_open_connection_is_noticed_and_left() {
    let (cluster, wire) = wire("half-open").await;
    let mut person = wire.person(&quick()).await;
    person.see_row("cart-11", "Pending").await;
    wire.proxy.rules(vec![Rule::on("", Fault::Silent)]);
    wire.proxy.cut_all();
    person.see("no answer within 3 s").await;
    person.see_title("Pods", "unreachable").await;
    person.see_row("cart-11", "Pending").await;
    let mut late = Person::sits_down(&wire.kubeconfig, &quick());
    late.see("half-open does not answer: no answer within 3 s").await;
    wire.proxy.rules(Vec::new());
    person.see_no("unreachable").await;
    goes_on(&mut person, cluster, &wire).await;
    late.see_row("after", "Pending").await;
    agrees(&mut late, cluster, Some(&wire.namespace)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_server_that_is_busy_is_not_pressed() {
    let (cluster, wire) = wire("busy").await;
    let watch = |fault| Rule::on(&wire.pods(), fault).and("watch=");
    wire.proxy.rules(vec![watch(Fault::Answer(429, Some(2))).times(2)]);
    let mut person = wire.person(&quick()).await;
    person.see("Too Many Requests").await;
    person.see_title("Pods", "pods: failed").await;
    person.see_row("cart-11", "Pending").await;
    assert_eq!(wire.proxy.met(), 2, "{:#?}", wire.proxy.requests());
    let first = pauses(&wire, 0);
    let of_pods: Vec<Duration> =
        first.iter().filter(|(path, _)| path.ends_with("/pods")).map(|(_, pause)| *pause).take(2).collect();
    assert!(
        of_pods.len() == 2 && of_pods.iter().all(|pause| *pause >= secs(2) - Duration::from_millis(20)),
        "{first:#?}"
    );
    goes_on(&mut person, cluster, &wire).await;

    // Busy with everything: that is not away, what is there stays, and nobody asks again before the time that was named.
    wire.proxy.rules(vec![Rule::on("", Fault::Answer(429, Some(1)))]);
    let before = wire.proxy.requests().len();
    wire.proxy.cut_all();
    let watches = |least: usize| {
        pauses(&wire, before).iter().filter(|(path, _)| path.ends_with("/pods")).count() >= least
    };
    assert!(person.wait_until(|_| watches(3)).await, "{:#?}", wire.proxy.requests());
    let picture = person.picture();
    assert!(!picture.contains("unreachable"), "{picture}");
    person.see_row("cart-11", "Pending").await;
    // The proxy's watch is another one than the client's, and begins a moment later.
    let least = secs(1) - Duration::from_millis(20);
    let pressed: Vec<_> = pauses(&wire, before).into_iter().filter(|(_, pause)| *pause < least).collect();
    assert!(pressed.is_empty(), "asked too soon: {pressed:#?}");
    wire.proxy.rules(Vec::new());
    pod(cluster, &wire.namespace, "again");
    person.see_row("again", "Pending").await;
    person.see("fresh").await;
    person.see_no("fail").await;
    agrees(&mut person, cluster, Some(&wire.namespace)).await;
}

/// How long each path was left alone between two of its watches, since the request of that number.
fn pauses(wire: &Wire, since: usize) -> Vec<(String, Duration)> {
    let mut last = BTreeMap::new();
    let requests = wire.proxy.timed_requests();
    let watches = requests.into_iter().skip(since).filter(|(_, uri)| uri.contains("watch="));
    let pauses = watches.filter_map(|(at, uri)| {
        let path = uri.split('?').next().unwrap_or_default().to_owned();
        let before = last.insert(path.clone(), at);
        before.map(|before| (path, at - before))
    });
    pauses.collect()
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_server_that_answers_503_is_said_to_do_so() {
    let (cluster, wire) = wire("ill").await;
    let mut person = wire.person(&quick()).await;
    person.see_row("cart-11", "Pending").await;
    wire.proxy.rules(vec![Rule::on(&wire.pods(), Fault::Answer(503, None))]);
    wire.proxy.cut_all();
    person.see_title("Pods", "pods: failed").await;
    person.see_row("cart-11", "Pending").await;
    wire.proxy.rules(vec![Rule::on("", Fault::Answer(503, Some(1)))]);
    wire.proxy.cut_all();
    person.see("the server answered 503 Service").await;
    person.see_title("Pods", "unreachable").await;
    person.see_row("cart-11", "Pending").await;
    wire.proxy.rules(Vec::new());
    person.see_no("unreachable").await;
    goes_on(&mut person, cluster, &wire).await;
}
