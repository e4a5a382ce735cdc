//! Questions that are answered once: YAML, events.

use std::time::Instant;

use pilothouse::connect::client::client_for;
use pilothouse::domain::id::{ClusterId, Kind, ObjectRef, Uid};
use pilothouse::effect::Question;
use pilothouse::msg::{Answer, Msg, RequestId};
use pilothouse::sources::question::answer_with;
use pilothouse::sources::{Clock, Line};
use serde_json::json;
use tokio::sync::mpsc;

use super::bench::{context, timing};
use super::script::{Reply, Server, pod};

pub async fn ask(server: &Server, question: Question) -> mpsc::Receiver<Msg> {
    let (out, answers) = mpsc::channel(16);
    let access = client_for(&context(server.kubeconfig("{token: good}"))).await.unwrap();
    let clock = Clock::from(Instant::now());
    tokio::spawn(answer_with(Line::from(access), RequestId(9), question, clock, timing(), out));
    answers
}

pub async fn next(answers: &mut mpsc::Receiver<Msg>) -> Option<Answer> {
    let next = tokio::time::timeout(std::time::Duration::from_secs(30), answers.recv()).await;
    match next.expect("an answer in time") {
        Some(Msg::Answer(RequestId(9), answer)) => Some(answer),
        None => None,
        other => panic!("unexpected {other:?}"),
    }
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
