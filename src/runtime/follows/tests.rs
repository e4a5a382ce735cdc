//! Tasks come and go with what is wanted.

use tokio::sync::oneshot;

use super::*;
use crate::domain::graph::{Graph, GraphProblem};
use crate::domain::time::{Now, Stamp};
use crate::domain::upstream::{Access, Address, Server};

const NOW: Stamp = Stamp(1_000_000);

fn upstream(name: &str) -> Arc<Upstream> {
    let address = Address::Url(format!("http://{name}").into());
    Arc::new(Upstream { server: Server::Prometheus, address, access: Access::default() })
}

/// A graph with a step of 15 s; each call makes another request that is equal.
fn request(query: &str) -> Arc<GraphRequest> {
    let request = GraphRequest::new(upstream("p"), query, 900, 60);
    assert_eq!(request.step, 15);
    Arc::new(request)
}

fn graph(query: &str) -> Follow {
    Follow::Graph(request(query))
}

/// A task that works until it is ended; what is given tells of its end.
fn begin(follows: &mut Follows, follow: Follow) -> oneshot::Receiver<()> {
    let (held, ended) = oneshot::channel::<()>();
    let work = async move {
        let _held = held;
        std::future::pending::<()>().await;
    };
    follows.began(follow, tokio::spawn(work).abort_handle());
    ended
}

#[tokio::test]
async fn equal_entries_are_one_task() {
    let mut follows = Follows::default();
    // Three panes show the same graph, and one another one.
    let fresh = follows.reconcile(vec![graph("up"), graph("up"), graph("down"), graph("up")]);
    assert_eq!(fresh.len(), 2, "{fresh:?}");
    let mut running: Vec<_> = fresh.into_iter().map(|follow| begin(&mut follows, follow)).collect();
    assert!(follows.reconcile(vec![graph("down"), graph("up")]).is_empty(), "both run already");
    assert!(running.iter_mut().all(|ended| ended.try_recv() == Err(oneshot::error::TryRecvError::Empty)));
}

#[tokio::test]
async fn an_entry_that_is_gone_has_its_task_ended_and_the_others_go_on() {
    let mut follows = Follows::default();
    for follow in follows.reconcile(vec![graph("up"), graph("down")]) {
        let ended = begin(&mut follows, follow.clone());
        if follow == graph("up") {
            assert!(follows.reconcile(vec![graph("down")]).iter().all(|follow| *follow == graph("down")));
            ended.await.expect_err("the task was dropped before it was done");
        }
    }
    let begun = follows.reconcile(vec![graph("up"), graph("down")]);
    assert!(begun.contains(&graph("up")), "who looks again has a task again: {begun:?}");
}

#[tokio::test]
async fn one_way_to_an_upstream_serves_all_and_is_let_go_with_the_last() {
    let mut follows = Follows::default();
    let alerts = Follow::Alerts(upstream("p"));
    follows.reconcile(vec![graph("up"), alerts.clone()]);
    follows.caller(&upstream("p"));
    follows.caller(&upstream("p"));
    assert_eq!(follows.callers.len(), 1);
    follows.reconcile(vec![alerts]);
    assert_eq!(follows.callers.len(), 1, "alerts are asked for still");
    follows.reconcile(vec![]);
    assert!(follows.callers.is_empty());
}

#[test]
fn who_looks_back_within_a_step_asks_nothing_anew() {
    let mut shared = Shared::default();
    shared.now = Now { wall: NOW, mono: Duration::ZERO };
    let up = request("up");
    assert_eq!(first_wait(&up, &shared), PASSING, "it was never asked");
    let known = Graph { step: 15, asked_at: Some(NOW), answered_at: Some(NOW), ..Graph::default() };
    shared.graphs.take(Arc::clone(&up), Ok(known), NOW);
    for (later, wait) in
        [(0, Duration::from_secs(15)), (4, Duration::from_secs(11)), (15, PASSING), (600, PASSING)]
    {
        shared.now.wall = NOW.plus(later);
        assert_eq!(first_wait(&request("up"), &shared), wait, "{later} s later");
    }
    // Another question is not held back. One that failed is asked again as soon as for one who kept looking.
    shared.now.wall = NOW.plus(1);
    assert_eq!(first_wait(&request("down"), &shared), PASSING);
    let problem = GraphProblem { words: "refused".into(), position: None, lasting: false };
    let long = Arc::new(GraphRequest { step: 7_200, ..(*up).clone() });
    shared.graphs.take(Arc::clone(&long), Err(problem), NOW);
    assert_eq!(first_wait(&long, &shared), Duration::from_secs(59));
    shared.now.wall = NOW.plus(61);
    assert_eq!(first_wait(&long, &shared), PASSING);
}
