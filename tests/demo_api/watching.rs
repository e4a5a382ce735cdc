//! Watches.

use serde_json::json;

use crate::client::{Demo, PARTIAL, PODS};
use crate::seed::pod;

#[tokio::test]
async fn changes_from_a_version_on() {
    let demo = Demo::start().await;
    let version = demo.get(PODS).await.json()["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    demo.store().create("pods", pod("shop-prod", "early", "web")).unwrap();
    let mut watch = demo.watch(&format!("{PODS}?watch=true&resourceVersion={version}")).await;
    assert_eq!(watch.named().await, ("ADDED".into(), "early".into()));
    demo.store().create("pods", pod("default", "elsewhere", "web")).unwrap();
    demo.store().update("pods", "shop-prod", "early", |p| p["status"]["phase"] = json!("Failed")).unwrap();
    let (kind, object) = watch.event().await;
    assert_eq!(
        (kind.as_str(), &object["kind"], &object["status"]["phase"]),
        ("MODIFIED", &json!("Pod"), &json!("Failed"))
    );
    demo.store().delete("pods", "shop-prod", "early").unwrap();
    let (kind, object) = watch.event().await;
    assert_eq!((kind.as_str(), &object["metadata"]["name"]), ("DELETED", &json!("early")));
    assert_eq!(object["metadata"]["resourceVersion"], demo.store().version().to_string());
}

#[tokio::test]
async fn without_a_version_all_is_told_first() {
    let demo = Demo::start().await;
    let mut watch = demo.watch("/api/v1/nodes?watch=true").await;
    assert_eq!(watch.named().await, ("ADDED".into(), "node-1".into()));
    let mut partial = demo.open(PARTIAL, "/api/v1/nodes?watch=true").await;
    let (_, object) = partial.event().await;
    assert_eq!((&object["kind"], object.get("status")), (&json!("PartialObjectMetadata"), None));
}

#[tokio::test]
async fn what_leaves_a_selector_is_deleted_for_the_watch() {
    let demo = Demo::start().await;
    let from = demo.store().version();
    let mut watch =
        demo.watch(&format!("/api/v1/pods?watch=true&resourceVersion={from}&labelSelector=tier%3Dweb")).await;
    let label =
        |value: serde_json::Value| move |p: &mut serde_json::Value| p["metadata"]["labels"]["tier"] = value;
    demo.store().update("pods", "kube-system", "coredns-1", label(json!("web"))).unwrap();
    assert_eq!(watch.named().await, ("ADDED".into(), "coredns-1".into()));
    demo.store().update("pods", "kube-system", "coredns-1", |p| p["status"]["x"] = json!(1)).unwrap();
    assert_eq!(watch.named().await.0, "MODIFIED");
    demo.store().update("pods", "kube-system", "coredns-1", label(json!("dns"))).unwrap();
    assert_eq!(watch.named().await, ("DELETED".into(), "coredns-1".into()));
}

#[tokio::test]
async fn a_streaming_list_ends_with_its_bookmark() {
    let demo = Demo::start().await;
    let query =
        "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let mut watch = demo.watch(&format!("{PODS}?{query}")).await;
    for _ in 0..3 {
        assert_eq!(watch.event().await.0, "ADDED");
    }
    let (kind, object) = watch.event().await;
    assert_eq!((kind.as_str(), &object["kind"]), ("BOOKMARK", &json!("Pod")));
    assert_eq!(object["metadata"]["annotations"], json!({"k8s.io/initial-events-end": "true"}));
    assert_eq!(object["metadata"]["resourceVersion"], demo.store().version().to_string());
    demo.store().create("pods", pod("shop-prod", "new", "web")).unwrap();
    assert_eq!(watch.named().await, ("ADDED".into(), "new".into()));
    demo.get(&format!("{PODS}?watch=true&sendInitialEvents=true")).await.refused(422, "Invalid");
}

#[tokio::test]
async fn bookmarks_when_it_is_quiet_carry_the_newest_version() {
    let demo = Demo::start().await;
    let from = demo.store().version();
    let mut watch =
        demo.watch(&format!("{PODS}?watch=true&resourceVersion={from}&allowWatchBookmarks=true")).await;
    demo.store().update("nodes", "", "node-1", |n| n["status"]["x"] = json!(1)).unwrap();
    let (kind, object) = watch.event().await;
    assert_eq!(kind, "BOOKMARK");
    assert_eq!(object["metadata"]["resourceVersion"], demo.store().version().to_string());
    assert_eq!(object["metadata"].get("annotations"), None);
}

#[tokio::test]
async fn a_watch_ends_when_its_time_is_up() {
    let demo = Demo::start().await;
    let from = demo.store().version();
    let mut watch = demo.watch(&format!("{PODS}?watch=true&resourceVersion={from}&timeoutSeconds=1")).await;
    assert_eq!(watch.line().await, None);
}

#[tokio::test]
async fn a_version_too_old_is_gone_within_the_stream() {
    let demo = Demo::start().await;
    let from = demo.store().version() - 1;
    demo.store().compact();
    let mut watch = demo.watch(&format!("{PODS}?watch=true&resourceVersion={from}")).await;
    let (kind, status) = watch.event().await;
    assert_eq!(
        (kind.as_str(), &status["code"], &status["reason"]),
        ("ERROR", &json!(410), &json!("Expired"))
    );
    assert!(status["message"].as_str().unwrap().starts_with("too old resource version"));
    assert_eq!(watch.line().await, None);
}

#[tokio::test]
async fn many_watches_see_every_one_of_many_changes() {
    let demo = Demo::start().await;
    let from = demo.store().version();
    let path = format!("{PODS}?watch=true&resourceVersion={from}");
    let mut watches = Vec::new();
    for _ in 0..20 {
        watches.push(demo.watch(&path).await);
    }
    let store = demo.store().clone();
    let writer = tokio::task::spawn_blocking(move || {
        for n in 0..500 {
            store
                .update("pods", "shop-prod", "web-5d8f7c6b9d-aaaaa", |p| p["status"]["n"] = json!(n))
                .unwrap();
        }
    });
    for watch in &mut watches {
        for n in 0..500 {
            assert_eq!(watch.event().await.1["status"]["n"], n);
        }
    }
    writer.await.unwrap();
}
