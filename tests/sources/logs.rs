//! Logs through cuts, waits, ends and expired credentials.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use pilothouse::domain::id::ClusterId;
use pilothouse::domain::link::Link;
use pilothouse::domain::selector::Selector;
use pilothouse::effect::{LogPods, LogRequest, Question};
use pilothouse::msg::{Answer, LogMsg, Msg, RequestId};
use pilothouse::sources::Clock;
use pilothouse::sources::question::answer_with;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::bench::{Bench, timing};
use super::questions::{ask, next};
use super::script::{Ending, Reply, Server, added, bookmark, events, list, pod, status};

const LOG: &str = "/api/v1/namespaces/shop/pods/a/log";

/// Takes answers until there are so many lines (or the end); gives lines and reasons of ends.
async fn lines(answers: &mut mpsc::Receiver<Msg>, wanted: usize) -> (Vec<String>, Vec<String>) {
    let (mut lines, mut ends) = (Vec::new(), Vec::new());
    while lines.len() < wanted {
        match next(answers).await {
            Some(Answer::Log(LogMsg::Lines(more))) => {
                lines.extend(more.into_iter().map(|line| line.text.to_string()))
            }
            Some(Answer::Log(LogMsg::Ended { reason, .. })) => ends.push(reason),
            Some(Answer::Log(LogMsg::Joined { .. } | LogMsg::Hindered { .. })) => {}
            None => break,
            other => panic!("unexpected {other:?}"),
        }
    }
    (lines, ends)
}

fn logs(pods: LogPods, follow: bool) -> Question {
    Question::Logs(LogRequest {
        cluster: ClusterId(3),
        namespace: "shop".into(),
        pods,
        container: None,
        previous: false,
        tail: 100,
        follow,
    })
}

fn line(second: u32, text: &str) -> Vec<u8> {
    format!("2026-01-01T00:00:{second:02}.500000000Z {text}\n").into_bytes()
}

#[tokio::test]
async fn a_followed_log_goes_on_after_a_cut_without_loss_or_doubles() {
    let server = Server::start(|seen| match &*seen.path {
        LOG if seen.before == 0 => {
            let half = b"2026-01-01T00:00:03.500000000Z thr".to_vec();
            Some(Reply::Body(vec![line(1, "one"), line(2, "two"), half], Ending::Cut))
        }
        LOG if seen.query.contains("sinceTime=2026-01-01T00:00:02Z") => {
            Some(Reply::Body(vec![line(2, "two"), line(3, "three \u{fffd}")], Ending::Open))
        }
        LOG => Some(Reply::Json(400, status(400, "unexpected"))),
        "/api/v1/namespaces/shop/pods/a" => Some(Reply::Json(200, pod("a", "5"))),
        "/api/v1/namespaces/shop/pods" if !seen.is_watch() => {
            Some(Reply::Json(200, list(&[pod("a", "5")], "5", "")))
        }
        _ => None,
    })
    .await;
    let mut answers = ask(&server, logs(LogPods::One("a".into()), true)).await;
    let (lines, ends) = lines(&mut answers, 3).await;
    assert_eq!((lines, ends.len()), (["one", "two", "three \u{fffd}"].map(str::to_owned).to_vec(), 0));
}

#[tokio::test]
async fn a_container_that_does_not_run_yet_is_waited_for_and_later_pods_join() {
    let server = Server::start(|seen| match &*seen.path {
        LOG if seen.before < 2 => {
            Some(Reply::Json(400, status(400, "container \"app\" is waiting to start: ContainerCreating")))
        }
        LOG => Some(Reply::Body(vec![line(1, "from a")], Ending::Open)),
        "/api/v1/namespaces/shop/pods/b/log" => Some(Reply::Body(
            vec![line(2, "b \u{1b}[31m\n").iter().copied().chain(*b"\xff\n").collect()],
            Ending::Open,
        )),
        "/api/v1/namespaces/shop/pods/a" => Some(Reply::Json(200, pod("a", "5"))),
        "/api/v1/namespaces/shop/pods" if seen.is_watch() => {
            Some(events(&[added(pod("b", "6")), bookmark("7", false)], Ending::Open))
        }
        "/api/v1/namespaces/shop/pods" => Some(Reply::Json(200, list(&[pod("a", "5")], "5", ""))),
        _ => None,
    })
    .await;
    let selector = Selector::parse("app=cart").unwrap();
    let mut answers = ask(&server, logs(LogPods::Selected(selector), true)).await;
    let (mut lines, _) = lines(&mut answers, 4).await;
    lines.sort();
    assert_eq!(lines, ["", "b \u{1b}[31m", "from a", "\u{fffd}"], "raw, with broken UTF-8 replaced");
    assert!(server.queries("/api/v1/namespaces/shop/pods")[0].contains("labelSelector=app%3Dcart"));
}

#[tokio::test]
async fn a_log_that_is_not_followed_ends() {
    let server = Server::start(|seen| match &*seen.path {
        LOG => Some(Reply::Body(
            vec![line(1, "one"), b"2026-01-01T00:00:02Z last without end".to_vec()],
            Ending::Clean,
        )),
        "/api/v1/namespaces/shop/pods" => Some(Reply::Json(200, list(&[pod("a", "5")], "5", ""))),
        _ => None,
    })
    .await;
    let mut answers = ask(&server, logs(LogPods::One("a".into()), false)).await;
    let (lines, ends) = lines(&mut answers, usize::MAX).await;
    assert_eq!((lines, ends), (vec!["one".to_owned(), "last without end".to_owned()], vec![String::new()]));
    assert!(server.queries(LOG)[0].contains("tailLines=100"));
}

#[tokio::test]
async fn a_finished_pod_ends_its_followed_log_with_a_reason() {
    let mut done = pod("a", "5");
    done["status"] = json!({"phase": "Failed", "containerStatuses": [
        {"name": "app", "state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}]});
    let server = Server::start(move |seen| match &*seen.path {
        LOG => Some(Reply::Body(vec![line(1, "one")], Ending::Clean)),
        "/api/v1/namespaces/shop/pods/a" => Some(Reply::Json(200, done.clone())),
        "/api/v1/namespaces/shop/pods" if !seen.is_watch() => {
            Some(Reply::Json(200, list(&[done.clone()], "5", "")))
        }
        _ => None,
    })
    .await;
    let mut answers = ask(&server, logs(LogPods::One("a".into()), true)).await;
    let ended = loop {
        if let Some(Answer::Log(LogMsg::Ended { reason, .. })) = next(&mut answers).await {
            break reason;
        }
    };
    assert_eq!(ended, "OOMKilled, exit code 137");
}

/// A pod whose container has ended for good.
fn ended(name: &str) -> Value {
    let mut done = pod(name, "5");
    done["status"] = json!({"phase": "Failed", "containerStatuses": [
        {"name": "app", "state": {"terminated": {"reason": "Error", "exitCode": 1}}}]});
    done
}

#[tokio::test]
async fn ended_streams_make_room_for_others() {
    // As many as are read at once, and one that comes when they have ended.
    let old: Vec<Value> = (0..64).map(|n| ended(&format!("old-{n}"))).collect();
    let all_ended = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&all_ended);
    let server = Server::start(move |seen| match &*seen.path {
        "/api/v1/namespaces/shop/pods" if !seen.is_watch() => Some(Reply::Json(200, list(&old, "5", ""))),
        "/api/v1/namespaces/shop/pods" if now.load(Ordering::SeqCst) => {
            Some(events(&[added(pod("late", "6"))], Ending::Open))
        }
        "/api/v1/namespaces/shop/pods" => Some(Reply::Json(503, status(503, "not yet"))),
        "/api/v1/namespaces/shop/pods/late/log" => Some(Reply::Body(vec![line(9, "late")], Ending::Open)),
        path if path.ends_with("/log") => Some(Reply::Body(vec![line(1, "old")], Ending::Clean)),
        path => path
            .rsplit('/')
            .next()
            .filter(|name| name.starts_with("old-"))
            .map(|name| Reply::Json(200, ended(name))),
    })
    .await;
    let selector = Selector::parse("app=cart").unwrap();
    let mut answers = ask(&server, logs(LogPods::Selected(selector), true)).await;
    let mut ends = 0;
    while ends < 64 {
        if let Some(Answer::Log(LogMsg::Ended { reason, .. })) = next(&mut answers).await {
            assert_eq!(reason, "Error, exit code 1");
            ends += 1;
        }
    }
    all_ended.store(true, Ordering::SeqCst);
    let (lines, ends) = lines(&mut answers, 1).await;
    assert_eq!((lines, ends), (vec!["late".to_owned()], Vec::new()));
    for n in 0..64 {
        let asked = server.queries(&format!("/api/v1/namespaces/shop/pods/old-{n}/log"));
        assert_eq!(asked.len(), 1, "what has ended is not asked again: {asked:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_followed_log_outlives_its_credentials() {
    // The credentials expire once the first stream stands; the next run of the plugin gives others.
    // Nobody else notices before the log does, which so has to say it.
    let (mut expired, mut noticed) = (false, false);
    let server = Server::start(move |seen| {
        let old = seen.token == "token1";
        noticed |= old && expired && seen.path == LOG;
        if old && (noticed || expired && seen.path.starts_with("/api/v1/namespaces/shop/pods")) {
            return Some(Reply::Json(401, status(401, "Unauthorized")));
        }
        match &*seen.path {
            LOG if old => {
                expired = true;
                Some(Reply::Body(vec![line(1, "one"), line(2, "two")], Ending::Clean))
            }
            LOG if seen.query.contains("sinceTime=2026-01-01T00:00:02Z") => {
                Some(Reply::Body(vec![line(2, "two"), line(3, "three")], Ending::Open))
            }
            LOG => Some(Reply::Json(400, status(400, "unexpected"))),
            "/api/v1/namespaces/shop/pods/b/log" => Some(Reply::Body(vec![line(4, "from b")], Ending::Open)),
            "/api/v1/namespaces/shop/pods/a" => Some(Reply::Json(200, pod("a", "5"))),
            "/api/v1/namespaces/shop/pods" if !seen.is_watch() => {
                Some(Reply::Json(200, list(&[pod("a", "5")], "5", "")))
            }
            // A watch that stands would outlive the credentials too.
            "/api/v1/namespaces/shop/pods" if old => Some(events(&[], Ending::Clean)),
            "/api/v1/namespaces/shop/pods" => Some(events(&[added(pod("b", "6"))], Ending::Open)),
            _ => None,
        }
    })
    .await;
    let mut bench = Bench::start(server.kubeconfig(&server.counting_plugin()));
    bench.until("live", |told| told.links.last() == Some(&Link::Live)).await;
    let (out, mut answers) = mpsc::channel(16);
    let selector = Selector::parse("app=cart").unwrap();
    let question = logs(LogPods::Selected(selector), true);
    let clock = Clock::from(Instant::now());
    tokio::spawn(answer_with(bench.line.clone(), RequestId(9), question, clock, timing(), out));
    let (mut read, mut hindered) = (Vec::new(), Vec::new());
    let reading = async {
        while read.len() < 4 || hindered.last().is_none_or(|(_, reason)| !String::is_empty(reason)) {
            match next(&mut answers).await {
                Some(Answer::Log(LogMsg::Lines(more))) => {
                    read.extend(more.into_iter().map(|line| line.text.to_string()));
                }
                Some(Answer::Log(LogMsg::Hindered { source, reason })) => hindered.push((source, reason)),
                Some(Answer::Log(LogMsg::Joined { .. })) => {}
                other => panic!("unexpected {other:?} after {read:?}"),
            }
        }
    };
    tokio::select! {
        () = reading => {}
        () = bench.until("the log is read", |_| false) => {}
    }
    let of_a: Vec<&str> = read.iter().map(String::as_str).filter(|line| *line != "from b").collect();
    assert_eq!((of_a, read.len()), (vec!["one", "two", "three"], 4), "{read:?}");
    let said = |(source, reason): &(Option<u16>, String)| {
        *source == Some(0) && reason.starts_with("waiting for renewed credentials: ")
    };
    assert!(hindered.iter().any(said), "{hindered:?}");
    assert!(
        !bench.told.links.iter().any(|link| matches!(link, Link::LoginNeeded { .. })),
        "{:?}",
        bench.told.links
    );
}

#[tokio::test]
async fn a_log_that_is_refused_for_good_ends_with_the_servers_words() {
    let server = Server::start(|seen| match &*seen.path {
        LOG => Some(Reply::Json(401, status(401, "no log for you"))),
        "/api/v1/namespaces/shop/pods/a" => Some(Reply::Json(200, pod("a", "5"))),
        "/api/v1/namespaces/shop/pods" if !seen.is_watch() => {
            Some(Reply::Json(200, list(&[pod("a", "5")], "5", "")))
        }
        _ => None,
    })
    .await;
    let mut answers = ask(&server, logs(LogPods::One("a".into()), true)).await;
    let ended = loop {
        if let Some(Answer::Log(LogMsg::Ended { reason, .. })) = next(&mut answers).await {
            break reason;
        }
    };
    assert_eq!((&*ended, server.queries(LOG).len()), ("no log for you", 9));
}
