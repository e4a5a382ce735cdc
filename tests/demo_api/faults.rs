//! The ways in which a cluster can be made unwell.

use std::time::Duration;

use pilothouse::demo::Fault;
use serde_json::json;

use crate::client::{Demo, PODS, names};

async fn watch(demo: &Demo) -> crate::client::Lines {
    let from = demo.store().version();
    demo.watch(&format!("{PODS}?watch=true&resourceVersion={from}")).await
}

#[tokio::test]
async fn down_cuts_connections_and_takes_no_new_ones() {
    let demo = Demo::start().await;
    let mut open = watch(&demo).await;
    demo.fault(Fault::Down);
    assert_eq!(open.line().await, None);
    assert!(demo.send("GET", "/version", &[], "").await.is_err());
    demo.fault(None);
    assert_eq!(demo.get("/version").await.code, 200);
}

#[tokio::test]
async fn hang_says_nothing_until_it_is_over() {
    let demo = Demo::start().await;
    let mut open = watch(&demo).await;
    demo.fault(Fault::Hang);
    demo.store()
        .update("pods", "shop-prod", "web-5d8f7c6b9d-aaaaa", |p| p["status"]["x"] = json!(1))
        .unwrap();
    let quiet = Duration::from_millis(300);
    assert!(tokio::time::timeout(quiet, demo.get("/version")).await.is_err());
    assert!(tokio::time::timeout(quiet, open.line()).await.is_err());
    demo.fault(None);
    assert_eq!(open.named().await.0, "MODIFIED");
    assert_eq!(demo.get("/version").await.code, 200);
}

#[tokio::test]
async fn codes() {
    let demo = Demo::start().await;
    demo.fault(Fault::Status(503));
    let answer = demo.get("/api").await;
    answer.refused(503, "ServiceUnavailable");
    assert_eq!(answer.headers["retry-after"], "1");
    demo.fault(Fault::Status(429));
    demo.get("/api").await.refused(429, "TooManyRequests");
    demo.fault(Fault::Unauthorized);
    demo.get("/api").await.refused(401, "Unauthorized");
    demo.fault(None);
    assert_eq!(demo.get("/api").await.code, 200);
}

#[tokio::test]
async fn one_forbidden_kind_costs_that_kind_only() {
    let demo = Demo::start().await;
    demo.fault(Fault::Forbidden { resource: "pods".into() });
    demo.get(PODS).await.refused(403, "Forbidden");
    demo.get(&format!("{PODS}?watch=true")).await.refused(403, "Forbidden");
    assert_eq!(demo.get("/api/v1/nodes").await.code, 200);
    assert_eq!(demo.get("/apis/apps/v1/deployments").await.code, 200);
}

#[tokio::test]
async fn gone_tells_every_watch_410_once() {
    let demo = Demo::start().await;
    let mut open = watch(&demo).await;
    let before = demo.store().version() - 1;
    demo.fault(Fault::Gone);
    let (kind, status) = open.event().await;
    assert_eq!((kind.as_str(), &status["code"]), ("ERROR", &json!(410)));
    assert_eq!(open.line().await, None);
    let (kind, _) = demo.watch(&format!("{PODS}?watch=true&resourceVersion={before}")).await.event().await;
    assert_eq!(kind, "ERROR");
    let mut fresh = watch(&demo).await;
    demo.store()
        .update("pods", "shop-prod", "web-5d8f7c6b9d-aaaaa", |p| p["status"]["x"] = json!(1))
        .unwrap();
    assert_eq!(fresh.named().await.0, "MODIFIED");
}

#[tokio::test]
async fn cut_watches_end_and_can_be_resumed() {
    let demo = Demo::start().await;
    let from = demo.store().version();
    let mut open = watch(&demo).await;
    demo.fault(Fault::CutWatches);
    assert_eq!(open.line().await, None);
    demo.store()
        .update("pods", "shop-prod", "web-5d8f7c6b9d-aaaaa", |p| p["status"]["x"] = json!(1))
        .unwrap();
    let mut resumed = demo.watch(&format!("{PODS}?watch=true&resourceVersion={from}")).await;
    assert_eq!(resumed.named().await.0, "MODIFIED");
}

#[tokio::test]
async fn no_streaming_lists() {
    let demo = Demo::start().await;
    demo.fault(Fault::NoWatchList);
    let query =
        "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    demo.get(&format!("{PODS}?{query}")).await.refused(422, "Invalid");
    assert_eq!(names(&demo.get(PODS).await.json()).len(), 3);
}

#[tokio::test]
async fn slow_answers_come_late_but_come() {
    let demo = Demo::start().await;
    demo.fault(Fault::Slow(Duration::from_millis(300)));
    assert!(tokio::time::timeout(Duration::from_millis(100), demo.get("/version")).await.is_err());
    assert_eq!(demo.get("/version").await.code, 200);
}
