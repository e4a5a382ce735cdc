//! One fault a test.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pilothouse::domain::id::Kind;
use pilothouse::domain::link::{Feed, Link, WATCHED};
use pilothouse::sources::Timing;
use serde_json::json;

use super::bench::{Bench, timing};
use super::script::{Ending, Reply, Seen, Server, added, bookmark, event, events, list, pod, status};

const PODS: &str = "/api/v1/pods";
const TOKEN: &str = "{token: good}";

/// Two pods, and the end of the initial events at version 10.
fn two_pods() -> Vec<serde_json::Value> {
    vec![added(pod("a", "3")), added(pod("b", "7")), bookmark("10", true)]
}

/// A server whose script only sees requests for pods.
async fn pods(mut script: impl FnMut(&Seen) -> Option<Reply> + Send + 'static) -> (Server, Bench) {
    let server = Server::start(move |seen| if seen.path == PODS { script(seen) } else { None }).await;
    let bench = Bench::start(server.kubeconfig(TOKEN));
    (server, bench)
}

#[tokio::test]
async fn lists_are_streamed_and_followed() {
    let (server, mut bench) = pods(|seen| {
        let mut all = two_pods();
        all.push(event("MODIFIED", pod("a", "11")));
        all.push(event("DELETED", pod("b", "12")));
        all.push(added(pod("c", "13")));
        seen.is_streaming_list().then(|| events(&all, Ending::Open))
    })
    .await;
    bench.until("the changes are known", |told| told.pod_names() == ["a", "c"]).await;
    bench
        .until("every kind is live", |told| {
            WATCHED.iter().all(|kind| kind.is_custom() || told.is_live(*kind))
        })
        .await;
    assert_eq!((&*bench.told.version, &*bench.told.uid), ("v1.36.3", "cluster-uid"));
    assert_eq!(bench.told.links, [Link::Connecting, Link::Live]);
    assert_eq!(bench.told.pod_lists, 1);
    assert!(server.queries(PODS)[0].contains("allowWatchBookmarks=true"));
    bench.stop().await;
}

#[tokio::test]
async fn a_cut_watch_goes_on_from_its_version() {
    let (server, mut bench) = pods(|seen| match seen.version() {
        Some("0") => {
            let mut all = two_pods();
            all.push(event("MODIFIED", pod("a", "12")));
            Some(events(&all, Ending::Cut))
        }
        Some("12") => Some(events(&[added(pod("c", "13"))], Ending::Open)),
        _ => None,
    })
    .await;
    bench.until("the pod after the cut is known", |told| told.pod_names() == ["a", "b", "c"]).await;
    assert_eq!(bench.told.pod_lists, 1, "nothing was listed again: {:?}", server.queries(PODS));
}

#[tokio::test]
async fn an_orderly_end_goes_on_too_and_is_no_news() {
    let (_server, mut bench) = pods(|seen| match seen.version() {
        Some("0") => Some(events(&two_pods(), Ending::Clean)),
        Some("10") => Some(events(&[bookmark("15", false)], Ending::Clean)),
        Some("15") => Some(events(&[added(pod("c", "16"))], Ending::Open)),
        _ => None,
    })
    .await;
    bench.until("the pod after two ends is known", |told| told.pod_names() == ["a", "b", "c"]).await;
    assert_eq!(bench.told.feeds[&Kind::Pod], [Feed::Live]);
}

#[tokio::test]
async fn half_a_line_is_no_harm() {
    let (_server, mut bench) = pods(|seen| match seen.version() {
        Some("0") => {
            let mut pieces: Vec<Vec<u8>> =
                two_pods().iter().map(|event| format!("{event}\n").into_bytes()).collect();
            pieces.push(br#"{"type":"ADDED","object":{"metadata":{"name":"lost","uid":"#.to_vec());
            Some(Reply::Body(pieces, Ending::Cut))
        }
        Some("10") => Some(events(&[added(pod("c", "16"))], Ending::Open)),
        _ => None,
    })
    .await;
    bench.until("what follows is known", |told| told.pod_names() == ["a", "b", "c"]).await;
}

#[tokio::test]
async fn objects_that_cannot_be_read_cost_only_themselves() {
    let (_server, mut bench) = pods(|seen| {
        let mut pieces = vec![
            b"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"no-uid\"}}}\n".to_vec(),
            b"{\"type\":\"ADDED\",\"object\":{\"metadata\":[1,2],\"spec\":\"x\"}}\n".to_vec(),
            b"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":}}}\n".to_vec(),
            b"this is no JSON at all\n".to_vec(),
        ];
        pieces.extend(two_pods().iter().map(|event| format!("{event}\n").into_bytes()));
        seen.is_streaming_list().then_some(Reply::Body(pieces, Ending::Open))
    })
    .await;
    bench.until("the others are known", |told| told.is_live(Kind::Pod)).await;
    assert_eq!(bench.told.pod_names(), ["a", "b"]);
}

#[tokio::test]
async fn a_version_that_is_too_old_means_a_new_list() {
    let (_server, mut bench) = pods(|seen| match (seen.before, seen.version()) {
        (0, _) => Some(events(&two_pods(), Ending::Cut)),
        (1, Some("10")) => {
            Some(events(&[event("ERROR", status(410, "too old resource version"))], Ending::Open))
        }
        (_, Some("0")) => Some(events(&[added(pod("b", "20")), bookmark("20", true)], Ending::Open)),
        _ => None,
    })
    .await;
    bench.until("what went meanwhile is gone", |told| told.pod_names() == ["b"] && told.pod_lists == 2).await;
    assert_eq!(bench.told.feeds[&Kind::Pod], [Feed::Live], "and nobody was alarmed");
}

#[tokio::test]
async fn a_410_at_the_start_and_a_version_from_the_future_mean_a_new_list() {
    for refusal in [Reply::Json as fn(u16, serde_json::Value) -> Reply, |_, _| {
        let mut body = status(504, "Too large resource version");
        body["details"] = json!({"causes": [{"reason": "ResourceVersionTooLarge", "message": "x"}], "retryAfterSeconds": 1});
        Reply::Json(504, body)
    }] {
        let (_server, mut bench) = pods(move |seen| match (seen.before, seen.version()) {
            (0, _) => Some(events(&two_pods(), Ending::Cut)),
            (_, Some("10")) => Some(refusal(410, status(410, "gone"))),
            (_, Some("0")) => Some(events(&[added(pod("b", "20")), bookmark("20", true)], Ending::Open)),
            _ => None,
        })
        .await;
        bench.until("listed again", |told| told.pod_names() == ["b"]).await;
    }
}

#[tokio::test]
async fn busy_and_broken_servers_are_waited_for() {
    let (_server, mut bench) = pods(|seen| match seen.before {
        0 => Some(Reply::Busy(429, 0)),
        1..=3 => Some(Reply::Json(503, status(503, "etcd is away"))),
        4 => Some(Reply::Json(500, json!({"no": "status"}))),
        _ => seen.is_streaming_list().then(|| events(&two_pods(), Ending::Open)),
    })
    .await;
    bench.until("the pods came at last", |told| told.is_live(Kind::Pod)).await;
    assert_eq!(bench.told.pod_names(), ["a", "b"]);
    let failed = |feed: &Feed| matches!(feed, Feed::Failed(words) if words.contains("503"));
    assert!(bench.told.feeds[&Kind::Pod].iter().any(failed), "{:?}", bench.told.feeds);
    assert_eq!(
        bench.told.links,
        [Link::Connecting, Link::Live],
        "one kind's trouble is not the connection's"
    );
}

#[tokio::test]
async fn servers_without_streaming_lists_are_asked_for_pages() {
    let server = Server::start(|seen| {
        if seen.is_streaming_list() {
            return Some(Reply::Json(422, status(422, "sendInitialEvents is forbidden for watch")));
        }
        if seen.path == PODS && !seen.is_watch() {
            let second = seen.query.contains("continue=more");
            return Some(match second {
                false => Reply::Json(200, list(&[pod("a", "3")], "9", "more")),
                true => Reply::Json(200, list(&[pod("b", "4")], "9", "")),
            });
        }
        (seen.path == PODS && seen.version() == Some("9"))
            .then(|| events(&[added(pod("c", "10"))], Ending::Open))
    })
    .await;
    let mut bench = Bench::start(server.kubeconfig(TOKEN));
    bench.until("both pages and what follows are known", |told| told.pod_names() == ["a", "b", "c"]).await;
    bench
        .until("the other kinds too", |told| told.is_live(Kind::Deployment) && told.is_live(Kind::Ingress))
        .await;
}

#[tokio::test]
async fn a_list_in_pages_begins_with_its_first_page() {
    let refused = Arc::new(AtomicBool::new(true));
    let now = Arc::clone(&refused);
    let server = Server::start(move |seen| {
        if seen.is_streaming_list() {
            return Some(Reply::Json(422, status(422, "sendInitialEvents is forbidden for watch")));
        }
        if seen.path != PODS || seen.is_watch() {
            return None;
        }
        Some(match now.load(Ordering::SeqCst) {
            true => Reply::Json(403, status(403, "no")),
            false if seen.query.contains("continue=more") => {
                Reply::Json(200, list(&[pod("b", "4")], "9", ""))
            }
            false => Reply::Json(200, list(&[pod("a", "3")], "9", "more")),
        })
    })
    .await;
    let mut bench = Bench::start(server.kubeconfig(TOKEN));
    bench.until("refused", |told| matches!(told.feed(Kind::Pod), Some(Feed::Forbidden(_)))).await;
    assert_eq!(bench.told.pod_lists, 0, "a list was begun that never ends");
    refused.store(false, Ordering::SeqCst);
    bench.until("found", |told| told.pod_names() == ["a", "b"] && told.is_live(Kind::Pod)).await;
    assert_eq!(bench.told.pod_lists, 1);
}

#[tokio::test]
async fn a_kind_that_is_not_installed_is_absent_even_where_it_is_refused() {
    const KINDS: &str = "/apis/argoproj.io/v1alpha1";
    let served = Arc::new(AtomicBool::new(false));
    let installed = Arc::clone(&served);
    let server = Server::start(move |seen| match seen.path.as_str() {
        // Rights are asked for before it is looked whether there is such a kind.
        path if path.starts_with(KINDS) && path != KINDS => {
            Some(Reply::Json(403, status(403, "no rollouts")))
        }
        KINDS if installed.load(Ordering::Relaxed) => {
            Some(Reply::Json(200, json!({"resources": [{"name": "rollouts"}]})))
        }
        KINDS => Some(Reply::Json(404, status(404, "the server could not find the requested resource"))),
        _ => None,
    })
    .await;
    let mut bench = Bench::start(server.kubeconfig(TOKEN));
    bench.until("not installed", |told| told.feed(Kind::Rollout) == Some(&Feed::Absent)).await;
    served.store(true, Ordering::Relaxed);
    bench
        .until("installed, and refused", |told| matches!(told.feed(Kind::Rollout), Some(Feed::Forbidden(_))))
        .await;
}

#[tokio::test]
async fn a_refused_kind_costs_that_kind_only() {
    let (_server, mut bench) =
        pods(|_| Some(Reply::Json(403, status(403, "pods is forbidden: User x")))).await;
    bench
        .until("it is said", |told| {
            told.feed(Kind::Pod) == Some(&Feed::Forbidden("pods is forbidden: User x".into()))
        })
        .await;
    bench.until("the others live", |told| told.is_live(Kind::Deployment) && told.is_live(Kind::Node)).await;
    assert_eq!(bench.told.links.last(), Some(&Link::Live));
}

/// Pods are followed in some namespaces and refused in these.
fn partly(refused: &[&str], message: &str) -> Feed {
    Feed::Partly { refused: refused.iter().map(|name| (*name).into()).collect(), message: message.into() }
}

#[tokio::test]
async fn what_is_refused_on_the_cluster_is_tried_in_the_namespaces() {
    let server = Server::start(|seen| match &*seen.path {
        "/api/v1/pods" | "/api/v1/nodes" => Some(Reply::Json(403, status(403, "not on the cluster"))),
        "/api/v1/namespaces/shop/pods" if seen.is_streaming_list() => Some(events(&two_pods(), Ending::Open)),
        "/api/v1/namespaces/other/pods" => Some(Reply::Json(403, status(403, "not there either"))),
        _ => None,
    })
    .await;
    let mut bench = Bench::with(server.kubeconfig(TOKEN), &["shop", "other"], timing());
    bench
        .until("the allowed namespace's pods are there", |told| {
            told.pod_names() == ["a", "b"]
                && told.feed(Kind::Pod) == Some(&partly(&["other"], "not there either"))
        })
        .await;
    bench
        .until("nodes have no namespace", |told| matches!(told.feed(Kind::Node), Some(Feed::Forbidden(_))))
        .await;
}

#[tokio::test]
async fn what_is_kept_in_a_named_namespace_is_looked_for_there_and_missed_nowhere_else() {
    const APPLICATIONS: &str = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications";
    let none = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {
        "resourceVersion": "5", "annotations": {"k8s.io/initial-events-end": "true"}}});
    let server = Server::start(move |seen| match &*seen.path {
        APPLICATIONS if seen.is_streaming_list() => {
            Some(events(&[json!({"type": "BOOKMARK", "object": none})], Ending::Open))
        }
        path if path.starts_with("/apis/argoproj.io") => Some(Reply::Json(403, status(403, "not here"))),
        _ => None,
    })
    .await;
    let kept = vec![("argocd".into(), &[Kind::Application][..])];
    let mut bench = Bench::planned(server.kubeconfig(TOKEN), &["shop"], kept, timing());
    bench.until("its Applications are read", |told| told.is_live(Kind::Application)).await;
    let refused = |told: &crate::bench::Told| matches!(told.feed(Kind::Rollout), Some(Feed::Forbidden(_)));
    bench.until("other kinds of the group are not looked for there", refused).await;
}

/// Pods may be listed in `shop` (two pods); whether in `other` (pod c) and on the whole cluster (pod d too) is asked
/// of these.
async fn granting(other: &Arc<AtomicBool>, whole: &Arc<AtomicBool>) -> Server {
    let (other, whole) = (Arc::clone(other), Arc::clone(whole));
    let mut third = pod("c", "8");
    third["metadata"]["namespace"] = json!("other");
    Server::start(move |seen| {
        let (allowed, pods) = match &*seen.path {
            PODS => (whole.load(Ordering::SeqCst), vec![pod("a", "3"), third.clone(), pod("d", "9")]),
            "/api/v1/namespaces/other/pods" => (other.load(Ordering::SeqCst), vec![third.clone()]),
            "/api/v1/namespaces/shop/pods" => (true, vec![pod("a", "3"), pod("b", "7")]),
            _ => return None,
        };
        if !allowed {
            return Some(Reply::Json(403, status(403, "no")));
        }
        let all = pods.into_iter().map(added).chain([bookmark("10", true)]).collect::<Vec<_>>();
        seen.is_streaming_list().then(|| events(&all, Ending::Open))
    })
    .await
}

#[tokio::test]
async fn a_namespace_that_is_granted_later_is_found_while_another_lives() {
    let (other, whole) = (Arc::default(), Arc::default());
    let server = granting(&other, &whole).await;
    let mut bench = Bench::with(server.kubeconfig(TOKEN), &["shop", "other"], timing());
    let refused = partly(&["other"], "no");
    bench.until("one is refused", |told| told.feed(Kind::Pod) == Some(&refused)).await;
    other.store(true, Ordering::SeqCst);
    bench.until("found", |told| told.pod_names() == ["a", "b", "c"] && told.is_live(Kind::Pod)).await;
    // And taken away again: what may not be read is not shown as if it were the present.
    other.store(false, Ordering::SeqCst);
    server.cut_all();
    bench.until("refused again", |told| told.feed(Kind::Pod) == Some(&refused)).await;
    bench.until("its pods are gone", |told| told.pod_names() == ["a", "b"]).await;
}

#[tokio::test]
async fn a_person_who_says_so_has_refused_namespaces_asked_at_once() {
    let (other, whole) = (Arc::default(), Arc::default());
    let server = granting(&other, &whole).await;
    let never = Timing { forbidden: Duration::from_secs(86_400), ..timing() };
    let mut bench = Bench::with(server.kubeconfig(TOKEN), &["shop", "other"], never);
    let refused = partly(&["other"], "no");
    bench.until("one is refused", |told| told.feed(Kind::Pod) == Some(&refused)).await;
    other.store(true, Ordering::SeqCst);
    bench.retry().await;
    bench.until("found", |told| told.pod_names() == ["a", "b", "c"] && told.is_live(Kind::Pod)).await;
    whole.store(true, Ordering::SeqCst);
    bench.retry().await;
    bench.until("all of it", |told| told.pod_names() == ["a", "c", "d"] && told.is_live(Kind::Pod)).await;
}

#[tokio::test]
async fn the_whole_cluster_is_followed_as_soon_as_it_may_be() {
    let (other, whole) = (Arc::default(), Arc::default());
    let server = granting(&other, &whole).await;
    let mut bench = Bench::with(server.kubeconfig(TOKEN), &["shop"], timing());
    bench.until("the namespace", |told| told.pod_names() == ["a", "b"] && told.is_live(Kind::Pod)).await;
    whole.store(true, Ordering::SeqCst);
    bench.until("all of it", |told| told.pod_names() == ["a", "c", "d"] && told.is_live(Kind::Pod)).await;
    whole.store(false, Ordering::SeqCst);
    server.cut_all();
    bench
        .until("the namespace again", |told| told.pod_names() == ["a", "b"] && told.is_live(Kind::Pod))
        .await;
}

#[tokio::test]
async fn a_right_that_is_granted_later_is_found() {
    let granted = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&granted);
    let (_server, mut bench) = pods(move |seen| {
        if !now.load(Ordering::SeqCst) {
            return Some(Reply::Json(403, status(403, "no")));
        }
        seen.is_streaming_list().then(|| events(&two_pods(), Ending::Open))
    })
    .await;
    bench.until("refused", |told| matches!(told.feed(Kind::Pod), Some(Feed::Forbidden(_)))).await;
    granted.store(true, Ordering::SeqCst);
    bench.until("found", |told| told.pod_names() == ["a", "b"] && told.is_live(Kind::Pod)).await;
}

#[tokio::test]
async fn a_kind_comes_and_goes_with_its_definition() {
    let installed = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&installed);
    let server = Server::start(move |seen| {
        if !seen.path.ends_with("/rollouts") {
            return None;
        }
        Some(match (now.load(Ordering::SeqCst), seen.is_streaming_list()) {
            (false, _) => Reply::Json(404, status(404, "the server could not find the requested resource")),
            (true, true) => {
                let rollout = json!({"metadata": {"name": "cart", "namespace": "shop", "uid": "r", "resourceVersion": "4"}});
                events(&[added(rollout), bookmark("9", true)], Ending::Open)
            }
            (true, false) => events(&[], Ending::Open),
        })
    })
    .await;
    let mut bench = Bench::start(server.kubeconfig(TOKEN));
    bench.until("not served", |told| told.feed(Kind::Rollout) == Some(&Feed::Absent)).await;
    installed.store(true, Ordering::SeqCst);
    bench.until("served", |told| told.is_live(Kind::Rollout) && told.workloads == 1).await;
    installed.store(false, Ordering::SeqCst);
    server.cut_all();
    bench.until("gone again", |told| told.feed(Kind::Rollout) == Some(&Feed::Absent)).await;
}

#[tokio::test]
async fn a_silent_connection_is_taken_for_dead() {
    let (server, mut bench) = pods(|seen| match seen.version() {
        Some("0") => Some(events(&two_pods(), Ending::Open)),
        Some("10") if seen.before > 1 => Some(events(&[added(pod("c", "11"))], Ending::Open)),
        _ => Some(Reply::Hang),
    })
    .await;
    bench.until("a new connection brought news", |told| told.pod_names() == ["a", "b", "c"]).await;
    assert_eq!(bench.told.pod_lists, 1, "{:?}", server.queries(PODS));
}

#[tokio::test]
async fn a_lost_cluster_comes_back_by_itself_with_its_data_kept() {
    let (server, mut bench) = pods(|seen| match seen.version() {
        Some("0") => Some(events(&two_pods(), Ending::Open)),
        Some("10") => Some(events(&[added(pod("c", "11"))], Ending::Open)),
        _ => None,
    })
    .await;
    bench.until("live", |told| told.is_live(Kind::Pod)).await;
    server.go_down();
    bench
        .until(
            "lost",
            |told| matches!(told.links.last(), Some(Link::Unreachable { attempt, .. }) if *attempt >= 3),
        )
        .await;
    assert_eq!(bench.told.pod_names(), ["a", "b"], "nothing is taken back");
    server.come_back();
    bench
        .until("back, and the watch goes on", |told| {
            told.links.last() == Some(&Link::Live) && told.pod_names() == ["a", "b", "c"]
        })
        .await;
    assert_eq!(bench.told.pod_lists, 1, "{:?}", server.queries(PODS));
}

#[tokio::test]
async fn a_server_that_says_nothing_is_unreachable() {
    let hangs = Arc::new(AtomicBool::new(true));
    let now = Arc::clone(&hangs);
    let server = Server::start(move |_| now.load(Ordering::SeqCst).then_some(Reply::Hang)).await;
    let mut bench = Bench::start(server.kubeconfig(TOKEN));
    let silent =
        |link: &Link| matches!(link, Link::Unreachable { reason, .. } if reason.contains("no answer"));
    bench.until("said", |told| told.links.last().is_some_and(silent)).await;
    hangs.store(false, Ordering::SeqCst);
    bench.until("live", |told| told.links.last() == Some(&Link::Live)).await;
}

#[tokio::test]
async fn credentials_that_are_not_accepted_need_a_person() {
    let accepted = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&accepted);
    let server = Server::start(move |_| {
        (!now.load(Ordering::SeqCst)).then(|| Reply::Json(401, status(401, "Unauthorized")))
    })
    .await;
    let mut bench = Bench::start(server.kubeconfig(TOKEN));
    bench.until("login needed", |told| matches!(told.links.last(), Some(Link::LoginNeeded { .. }))).await;
    accepted.store(true, Ordering::SeqCst);
    bench.retry().await;
    bench.until("live", |told| told.links.last() == Some(&Link::Live)).await;
}

#[cfg(unix)]
#[tokio::test]
async fn expired_credentials_are_renewed_once_by_their_plugin() {
    let old = Arc::new(AtomicBool::new(true));
    let now = Arc::clone(&old);
    let server = Server::start(move |seen| {
        let wanted = if now.load(Ordering::SeqCst) { "token1" } else { "token2" };
        (seen.token != wanted).then(|| Reply::Json(401, status(401, "Unauthorized")))
    })
    .await;
    let mut bench = Bench::start(server.kubeconfig(&server.counting_plugin()));
    let count = server.plugin_runs();
    bench.until("live with the first", |told| told.links.last() == Some(&Link::Live)).await;
    old.store(false, Ordering::SeqCst);
    server.cut_all();
    let runs = || std::fs::read_to_string(&count).unwrap().lines().count();
    bench.until("asked a second time", |_| runs() == 2).await;
    assert!(
        !bench.told.links.iter().any(|link| matches!(link, Link::LoginNeeded { .. })),
        "{:?}",
        bench.told.links
    );
    old.store(true, Ordering::SeqCst);
    bench
        .until("a third does not help: a person must", |told| {
            matches!(told.links.last(), Some(Link::LoginNeeded { .. }))
        })
        .await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_plugin_that_fails_ahead_of_time_costs_nothing_while_the_token_is_good() {
    let over = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&over);
    let server = Server::start(move |seen| {
        let wanted = if now.load(Ordering::SeqCst) { "token3" } else { "token1" };
        (seen.token != wanted).then(|| Reply::Json(401, status(401, "Unauthorized")))
    })
    .await;
    let count = server.plugin_runs();
    let script = count.with_extension("sh");
    // Its first token ends within the time in which the next is asked for; its second run fails.
    let ends = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(40);
    let text = format!(
        "echo x >> {0}; n=$(wc -l < {0}); [ $((n)) = 2 ] && exit 1\n\
         echo '{{\"status\": {{\"token\": \"token'$((n))'\", \"expirationTimestamp\": \"{ends:.0}\"}}}}'",
        count.display()
    );
    std::fs::write(&script, text).unwrap();
    let user = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: [\"{}\"]}}}}",
        script.display()
    );
    let mut bench = Bench::start(server.kubeconfig(&user));
    bench.until("live with the first", |told| told.links.last() == Some(&Link::Live)).await;
    let runs = || std::fs::read_to_string(&count).unwrap().lines().count();
    bench.until("asked ahead of time, in vain", |_| runs() == 2).await;
    let beats = || server.queries("/version").len();
    let before = beats();
    bench.until("the first still serves", |_| beats() > before + 2).await;
    over.store(true, Ordering::SeqCst);
    server.cut_all();
    bench.until("asked again once it was refused", |_| server.has_seen_token("token3")).await;
    let person = |link: &Link| matches!(link, Link::LoginNeeded { .. });
    assert!(!bench.told.links.iter().any(person), "{:?}", bench.told.links);
}

#[tokio::test]
async fn usage_is_polled_and_its_absence_said() {
    let served = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&served);
    let server = Server::start(move |seen| {
        let item = json!({"metadata": {"name": "a", "namespace": "shop"}, "usage": {"cpu": "1"},
            "containers": [{"name": "x", "usage": {"cpu": "5m", "memory": "1Mi"}}]});
        let here = now.load(Ordering::SeqCst) && seen.path.starts_with("/apis/metrics.k8s.io");
        here.then(|| Reply::Json(200, json!({"items": [item]})))
    })
    .await;
    let mut bench = Bench::start(server.kubeconfig(TOKEN));
    bench.until("absent", |told| told.usage.as_ref().is_some_and(|usage| usage.feed == Feed::Absent)).await;
    served.store(true, Ordering::SeqCst);
    bench.until("there", |told| told.usage.as_ref().is_some_and(|usage| usage.feed == Feed::Live)).await;
    let usage = bench.told.usage.as_ref().unwrap();
    assert_eq!((usage.pods[0].2.cpu_milli, usage.nodes[0].1.cpu_milli), (5, 1000));
}

/// Definitions of some years ago, taken away while they are followed, and there again as the newest ones.
#[tokio::test]
async fn a_kind_is_followed_in_the_version_that_is_served() {
    const GROUP: &str = "/apis/kustomize.toolkit.fluxcd.io";
    let served = Arc::new(Mutex::new(vec!["v1beta2"]));
    let versions = Arc::clone(&served);
    let server = Server::start(move |seen| {
        let rest = seen.path.strip_prefix(GROUP)?;
        let versions = versions.lock().unwrap();
        let absent =
            || Some(Reply::Json(404, status(404, "the server could not find the requested resource")));
        let Some(rest) = rest.strip_prefix('/') else {
            let told: Vec<_> = versions.iter().map(|version| json!({"version": version})).collect();
            return if told.is_empty() {
                absent()
            } else {
                Some(Reply::Json(200, json!({"versions": told})))
            };
        };
        let (version, kind) = rest.split_once('/').unwrap_or((rest, ""));
        match kind {
            _ if !versions.contains(&version) => absent(),
            "" => Some(Reply::Json(200, json!({"resources": [{"name": "kustomizations"}]}))),
            _ => None,
        }
    })
    .await;
    let mut bench = Bench::start(server.kubeconfig(TOKEN));
    bench.until("followed in the older version", |told| told.is_live(Kind::Kustomization)).await;
    assert!(!server.queries(&format!("{GROUP}/v1beta2/kustomizations")).is_empty());
    assert_eq!(server.queries(GROUP).len(), 1, "the group is asked once");
    served.lock().unwrap().clear();
    server.cut_all();
    bench.until("gone", |told| told.feed(Kind::Kustomization) == Some(&Feed::Absent)).await;
    served.lock().unwrap().push("v1");
    bench.until("there again", |told| told.is_live(Kind::Kustomization)).await;
    assert!(server.queries(&format!("{GROUP}/v1/kustomizations")).len() > 1);
    bench.stop().await;
}
