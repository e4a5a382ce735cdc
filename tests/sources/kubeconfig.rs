//! A kubeconfig that is rewritten while a connection to one of its contexts is wanted.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pilothouse::domain::id::Kind;
use pilothouse::domain::link::Link;

use super::bench::{Bench, Told};
use super::script::{Ending, Reply, Seen, Server, added, bookmark, events, pod, status};

const OLD: &str = "{token: old}";
const NEW: &str = "{token: new}";

fn unauthorized() -> Option<Reply> {
    Some(Reply::Json(401, status(401, "Unauthorized")))
}

/// What a login is asked for with; `None` when none is needed.
fn login(told: &Told) -> Option<&str> {
    match told.links.last() {
        Some(Link::LoginNeeded { message, .. }) => Some(message),
        _ => None,
    }
}

/// Half of what the file holds, as a tool leaves it that is about to write the rest.
fn tear(file: &Path) {
    let text = std::fs::read_to_string(file).unwrap();
    let half = text.find("users:").unwrap() + "users:\n- name: u\n  user: {tok".len();
    std::fs::write(file, &text[..half]).unwrap();
}

#[tokio::test]
async fn a_login_that_rewrites_the_kubeconfig_is_seen_by_the_retry_key() {
    let server = Server::start(|seen| if seen.token == "new" { None } else { unauthorized() }).await;
    let mut bench = Bench::start(server.kubeconfig(OLD));
    bench.until("login needed", |told| login(told).is_some()).await;
    server.kubeconfig(NEW);
    bench.retry().await;
    bench.until("live", |told| told.links.last() == Some(&Link::Live)).await;
}

#[tokio::test]
async fn a_login_that_came_in_time_needs_no_key_at_all() {
    let expired = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&expired);
    let server = Server::start(move |seen| {
        let wanted = if now.load(Ordering::SeqCst) { "new" } else { "old" };
        if seen.token == wanted { None } else { unauthorized() }
    })
    .await;
    let mut bench = Bench::start(server.kubeconfig(OLD));
    bench.until("live", |told| told.links.last() == Some(&Link::Live)).await;
    server.kubeconfig(NEW);
    expired.store(true, Ordering::SeqCst);
    bench.until("asked with the new token", |_| server.has_seen_token("new")).await;
    bench
        .told
        .links
        .iter()
        .for_each(|link| assert!(matches!(link, Link::Connecting | Link::Live), "{link:?}"));
}

#[tokio::test]
async fn a_torn_kubeconfig_leaves_the_earlier_copy_and_is_named() {
    let accepted = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&accepted);
    let server =
        Server::start(
            move |seen| {
                if seen.token == "old" && now.load(Ordering::SeqCst) { None } else { unauthorized() }
            },
        )
        .await;
    let file = server.kubeconfig(OLD);
    let mut bench = Bench::start(file.clone());
    bench
        .until("login needed", |told| {
            login(told) == Some("the server does not accept these credentials (401)")
        })
        .await;
    tear(&file);
    bench.retry().await;
    let named = |told: &Told| {
        login(told).is_some_and(|words| {
            words.contains("(401); an earlier copy of the kubeconfig is used: ") && words.contains("config)")
        })
    };
    bench.until("the torn file is named", named).await;
    accepted.store(true, Ordering::SeqCst);
    bench.retry().await;
    bench.until("live with the earlier copy", |told| told.links.last() == Some(&Link::Live)).await;
}

/// A server with a pod of this name.
fn with(name: &'static str) -> impl FnMut(&Seen) -> Option<Reply> + Send {
    move |seen| match (&*seen.path, seen.version()) {
        ("/api/v1/pods", Some("0")) => {
            Some(events(&[added(pod(name, "700")), bookmark("700", true)], Ending::Open))
        }
        // Versions of one cluster mean nothing to the other.
        ("/api/v1/pods", Some(_)) if seen.is_watch() => Some(events(&[], Ending::Open)),
        _ => None,
    }
}

#[tokio::test]
async fn a_context_that_leads_elsewhere_brings_nothing_along() {
    let (first, second) = (Server::start(with("first")).await, Server::start(with("second")).await);
    let file = first.kubeconfig(OLD);
    let mut bench = Bench::start(file.clone());
    bench.until("the first one's pod", |told| told.pod_names() == ["first"]).await;
    std::fs::copy(second.kubeconfig(OLD), &file).unwrap();
    first.go_down();
    bench.until("lost", |told| matches!(told.links.last(), Some(Link::Unreachable { .. }))).await;
    assert_eq!(bench.told.pod_names(), ["first"], "what is merely lost stays");
    bench.retry().await;
    bench.until("the second one's pod alone", |told| told.pod_names() == ["second"]).await;
    assert_eq!((&*bench.told.server, bench.told.links.last()), (&*second.url, Some(&Link::Live)));
}

#[tokio::test]
async fn rows_of_one_server_never_look_like_those_of_the_next() {
    let (first, second) = (Server::start(with("first")).await, Server::start(with("second")).await);
    let file = first.kubeconfig(OLD);
    let mut bench = Bench::start(file.clone());
    bench.until("the first one's pod", |told| told.is_live(Kind::Pod)).await;
    std::fs::copy(second.kubeconfig(OLD), &file).unwrap();
    let before = bench.told.links.len();
    bench.retry().await;
    let answered = |told: &Told| told.links.len() > before && told.links.last() == Some(&Link::Live);
    bench.until("the second one's answer", answered).await;
    assert!(!bench.told.is_live(Kind::Pod), "its pods have not come");
    bench.until("the second one's pod alone", |told| told.pod_names() == ["second"]).await;
}
