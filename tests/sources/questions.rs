//! Questions: logs through cuts and waits, YAML, events.

use std::time::Instant;

use pilothouse::connect::client::client_for;
use pilothouse::domain::id::{ClusterId, Kind, ObjectRef, Uid};
use pilothouse::domain::selector::Selector;
use pilothouse::effect::{LogPods, LogRequest, Question};
use pilothouse::msg::{Answer, LogMsg, Msg, RequestId};
use pilothouse::sources::Clock;
use pilothouse::sources::question::answer_with;
use serde_json::json;
use tokio::sync::mpsc;

use super::bench::{context, timing};
use super::script::{Ending, Reply, Server, added, bookmark, events, list, pod, status};

const LOG: &str = "/api/v1/namespaces/shop/pods/a/log";

async fn ask(server: &Server, question: Question) -> mpsc::Receiver<Msg> {
    let (out, answers) = mpsc::channel(16);
    let access = client_for(&context(server.kubeconfig("{token: good}"))).await.unwrap();
    let clock = Clock::from(Instant::now());
    tokio::spawn(answer_with(access.client, RequestId(9), question, clock, timing(), out));
    answers
}

async fn next(answers: &mut mpsc::Receiver<Msg>) -> Option<Answer> {
    let next = tokio::time::timeout(std::time::Duration::from_secs(30), answers.recv()).await;
    match next.expect("an answer in time") {
        Some(Msg::Answer(RequestId(9), answer)) => Some(answer),
        None => None,
        other => panic!("unexpected {other:?}"),
    }
}

/// Takes answers until there are so many lines (or the end); gives lines and reasons of ends.
async fn lines(answers: &mut mpsc::Receiver<Msg>, wanted: usize) -> (Vec<String>, Vec<String>) {
    let (mut lines, mut ends) = (Vec::new(), Vec::new());
    while lines.len() < wanted {
        match next(answers).await {
            Some(Answer::Log(LogMsg::Lines(more))) => {
                lines.extend(more.into_iter().map(|line| line.text.to_string()))
            }
            Some(Answer::Log(LogMsg::Ended { reason, .. })) => ends.push(reason),
            Some(Answer::Log(LogMsg::Joined { .. })) => {}
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

fn object(kind: Kind, name: &str) -> ObjectRef {
    let uid = Uid::parse(&format!("uid-{name}"));
    ObjectRef { cluster: ClusterId(3), kind, namespace: "shop".into(), name: name.into(), uid }
}

#[tokio::test]
async fn an_object_that_took_a_name_over_is_not_shown_as_the_one_before() {
    let mut other = pod("a", "9");
    other["metadata"]["uid"] = json!("another");
    let server = Server::start(move |seen| {
        (seen.path == "/api/v1/namespaces/shop/pods/a").then(|| Reply::Json(200, other.clone()))
    })
    .await;
    let mut answers = ask(&server, Question::Yaml { object: object(Kind::Pod, "a"), reveal: false }).await;
    let Some(Answer::Failed(words)) = next(&mut answers).await else { panic!("not refused") };
    assert!(words.contains("is gone"), "{words}");
}

#[tokio::test]
async fn a_workloads_events_are_those_of_its_family() {
    let event = |kind: &str, name: &str, uid: &str, second: u32| {
        json!({"type": "Warning", "reason": "R", "message": name, "lastTimestamp": format!("2026-01-01T00:00:{second:02}Z"),
            "involvedObject": {"kind": kind, "name": name, "uid": uid}})
    };
    let own = object(Kind::Deployment, "cart");
    let uid = own.uid.to_string();
    let all = [
        event("Pod", "cart-1-x", "p", 5),
        event("Pod", "other-1", "q", 6),
        event("ReplicaSet", "cart-1", "rs", 7),
        event("Deployment", "cart", &uid, 3),
    ];
    let sets = json!({"items": [{"metadata": {"name": "cart-1", "uid": "rs", "ownerReferences": [{"uid": uid, "controller": true}]}}]});
    let server = Server::start(move |seen| match &*seen.path {
        "/api/v1/namespaces/shop/events" => Some(Reply::Json(200, json!({"items": all}))),
        "/apis/apps/v1/namespaces/shop/replicasets" => Some(Reply::Json(200, sets.clone())),
        _ => None,
    })
    .await;
    let mut answers = ask(&server, Question::Events(own)).await;
    let Some(Answer::Events(events)) = next(&mut answers).await else { panic!("no events") };
    let about: Vec<&str> = events.iter().map(|event| &*event.about).collect();
    assert_eq!(about, ["deployment/cart", "pod/cart-1-x", "replicaset/cart-1"], "newest last");
}
