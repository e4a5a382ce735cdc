//! The ways in which a cluster can be made unwell.

use std::time::Duration;

use pilothouse::demo::Fault;
use serde_json::json;

use crate::client::{Api, PODS, names};

async fn watch(api: &Api) -> crate::client::Lines {
    let from = api.version().await;
    api.watch(&format!("{PODS}?watch=true&resourceVersion={from}")).await
}

#[tokio::test]
async fn down_cuts_connections_and_takes_no_new_ones() {
    let api = &Api::demo().await;
    let mut open = watch(api).await;
    api.fault(Fault::Down);
    assert_eq!(open.line().await, None);
    assert!(api.send("GET", "/version", &[], "").await.is_err());
    api.fault(None);
    assert_eq!(api.get("/version").await.code, 200);
}

#[tokio::test]
async fn hang_says_nothing_until_it_is_over() {
    let api = &Api::demo().await;
    let mut open = watch(api).await;
    api.fault(Fault::Hang);
    api.store().update("pods", "shop-prod", "web-5d8f7c6b9d-aaaaa", |p| p["status"]["x"] = json!(1)).unwrap();
    let quiet = Duration::from_millis(300);
    assert!(tokio::time::timeout(quiet, api.get("/version")).await.is_err());
    assert!(tokio::time::timeout(quiet, open.line()).await.is_err());
    api.fault(None);
    assert_eq!(open.named().await.0, "MODIFIED");
    assert_eq!(api.get("/version").await.code, 200);
}

#[tokio::test]
async fn codes() {
    let api = &Api::demo().await;
    api.fault(Fault::Status(503));
    let answer = api.get("/api").await;
    answer.refused(503, "ServiceUnavailable");
    assert_eq!(answer.headers["retry-after"], "1");
    api.fault(Fault::Status(429));
    api.get("/api").await.refused(429, "TooManyRequests");
    api.fault(Fault::Unauthorized);
    api.get("/api").await.refused(401, "Unauthorized");
    api.fault(None);
    assert_eq!(api.get("/api").await.code, 200);
}

#[tokio::test]
async fn one_forbidden_kind_costs_that_kind_only() {
    let api = &Api::demo().await;
    api.fault(Fault::Forbidden { resource: "pods".into() });
    api.get(PODS).await.refused(403, "Forbidden");
    api.get(&format!("{PODS}?watch=true")).await.refused(403, "Forbidden");
    assert_eq!(api.get("/api/v1/nodes").await.code, 200);
    assert_eq!(api.get("/apis/apps/v1/deployments").await.code, 200);
}

#[tokio::test]
async fn gone_tells_every_watch_410_once() {
    let api = &Api::demo().await;
    let mut open = watch(api).await;
    let before = api.version().await - 1;
    api.fault(Fault::Gone);
    let (kind, status) = open.event().await;
    assert_eq!((kind.as_str(), &status["code"]), ("ERROR", &json!(410)));
    assert_eq!(open.line().await, None);
    let (kind, _) = api.watch(&format!("{PODS}?watch=true&resourceVersion={before}")).await.event().await;
    assert_eq!(kind, "ERROR");
    let mut fresh = watch(api).await;
    api.store().update("pods", "shop-prod", "web-5d8f7c6b9d-aaaaa", |p| p["status"]["x"] = json!(1)).unwrap();
    assert_eq!(fresh.named().await.0, "MODIFIED");
}

#[tokio::test]
async fn cut_watches_end_and_can_be_resumed() {
    let api = &Api::demo().await;
    let from = api.version().await;
    let mut open = watch(api).await;
    api.fault(Fault::CutWatches);
    assert_eq!(open.line().await, None);
    api.store().update("pods", "shop-prod", "web-5d8f7c6b9d-aaaaa", |p| p["status"]["x"] = json!(1)).unwrap();
    let mut resumed = api.watch(&format!("{PODS}?watch=true&resourceVersion={from}")).await;
    assert_eq!(resumed.named().await.0, "MODIFIED");
}

#[tokio::test]
async fn no_streaming_lists() {
    let api = &Api::demo().await;
    api.fault(Fault::NoWatchList);
    let query =
        "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    api.get(&format!("{PODS}?{query}")).await.refused(422, "Invalid");
    assert_eq!(names(&api.get(PODS).await.json()).len(), 3);
}

#[tokio::test]
async fn slow_answers_come_late_but_come() {
    let api = &Api::demo().await;
    api.fault(Fault::Slow(Duration::from_millis(300)));
    assert!(tokio::time::timeout(Duration::from_millis(100), api.get("/version")).await.is_err());
    assert_eq!(api.get("/version").await.code, 200);
}
