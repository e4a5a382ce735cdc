//! Watches.

use serde_json::{Value, json};

use crate::client::{Api, PARTIAL, POD, PODS};
use crate::seed::pod;

/// More than a server keeps for a watch that does not read.
const CHANGES: usize = 300;

fn version_of(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
}

async fn changes_from_a_version_on(api: &Api) {
    let version = api.get(PODS).await.json()["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let early = api.post(PODS, &pod("shop-prod", "early", "web")).await;
    assert_eq!(early.code, 201, "{}", early.body);
    let mut watch = api.watch(&format!("{PODS}?watch=true&resourceVersion={version}")).await;
    assert_eq!(watch.named().await, ("ADDED".into(), "early".into()));
    api.make("/api/v1/namespaces/default/pods", &pod("default", "elsewhere", "web")).await;
    api.change(&format!("{PODS}/early/status"), &json!({"status": {"phase": "Failed"}})).await;
    let (kind, object) = watch.event().await;
    assert_eq!(
        (kind.as_str(), &object["kind"], &object["status"]["phase"]),
        ("MODIFIED", &json!("Pod"), &json!("Failed"))
    );
    let before = api.version().await;
    api.remove(&format!("{PODS}/early")).await;
    let (kind, object) = watch.event().await;
    assert_eq!((kind.as_str(), &object["metadata"]["deletionGracePeriodSeconds"]), ("MODIFIED", &json!(0)));
    let (kind, object) = watch.event().await;
    assert_eq!((kind.as_str(), &object["metadata"]["name"]), ("DELETED", &json!("early")));
    assert!(version_of(&object) > before, "it carries the version of its end");
}

async fn without_a_version_all_is_told_first(api: &Api) {
    let mut watch = api.watch("/api/v1/nodes?watch=true").await;
    assert_eq!(watch.named().await, ("ADDED".into(), "node-1".into()));
    let mut partial = api.open(PARTIAL, "/api/v1/nodes?watch=true").await;
    let (_, object) = partial.event().await;
    assert_eq!((&object["kind"], object.get("status")), (&json!("PartialObjectMetadata"), None));
}

async fn what_leaves_a_selector_is_deleted_for_the_watch(api: &Api) {
    let from = api.version().await;
    let mut watch =
        api.watch(&format!("/api/v1/pods?watch=true&resourceVersion={from}&labelSelector=tier%3Dweb")).await;
    let coredns = "/api/v1/namespaces/kube-system/pods/coredns-1";
    let label = |value: &str| json!({"metadata": {"labels": {"tier": value}}});
    api.change(coredns, &label("web")).await;
    assert_eq!(watch.named().await, ("ADDED".into(), "coredns-1".into()));
    api.change(&format!("{coredns}/status"), &json!({"status": {"message": "hello"}})).await;
    assert_eq!(watch.named().await.0, "MODIFIED");
    api.change(coredns, &label("dns")).await;
    assert_eq!(watch.named().await, ("DELETED".into(), "coredns-1".into()));
}

async fn a_streaming_list_ends_with_its_bookmark(api: &Api) {
    let query =
        "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let before = api.version().await;
    let mut watch = api.watch(&format!("{PODS}?{query}")).await;
    for _ in 0..3 {
        assert_eq!(watch.event().await.0, "ADDED");
    }
    let (kind, object) = watch.event().await;
    assert_eq!((kind.as_str(), &object["kind"]), ("BOOKMARK", &json!("Pod")));
    assert_eq!(object["metadata"]["annotations"], json!({"k8s.io/initial-events-end": "true"}));
    assert!(version_of(&object) >= before, "{object}");
    assert_eq!(api.post(PODS, &pod("shop-prod", "new", "web")).await.code, 201);
    assert_eq!(watch.named().await, ("ADDED".into(), "new".into()));
    api.get(&format!("{PODS}?watch=true&sendInitialEvents=true")).await.refused(422, "Invalid");
}

async fn bookmarks_carry_the_newest_version_before_a_watch_ends(api: &Api) {
    let from = api.version().await;
    let mut watch = api
        .watch(&format!("{PODS}?watch=true&resourceVersion={from}&allowWatchBookmarks=true&timeoutSeconds=8"))
        .await;
    // A change of something else, which this watch is not told of.
    api.change("/api/v1/nodes/node-1", &json!({"metadata": {"annotations": {"a": "b"}}})).await;
    let changed = api.version().await;
    // A list that has to be up to date makes a real server look how far its own watch of etcd is.
    api.get(PODS).await;
    let mut told = from;
    while told < changed {
        let (kind, object) = watch.event().await;
        assert_eq!((kind.as_str(), &object["kind"]), ("BOOKMARK", &json!("Pod")));
        assert_eq!(object["metadata"].get("annotations"), None);
        told = version_of(&object);
    }
}

async fn a_watch_ends_when_its_time_is_up(api: &Api) {
    let from = api.version().await;
    let mut watch = api.watch(&format!("{PODS}?watch=true&resourceVersion={from}&timeoutSeconds=1")).await;
    assert_eq!(watch.line().await, None);
}

async fn a_version_too_old_is_gone_within_the_stream(api: &Api) {
    let from = api.forgotten_version().await;
    let mut watch = api.watch(&format!("{PODS}?watch=true&resourceVersion={from}")).await;
    let (kind, status) = watch.event().await;
    assert_eq!(
        (kind.as_str(), &status["code"], &status["reason"]),
        ("ERROR", &json!(410), &json!("Expired"))
    );
    assert!(status["message"].as_str().unwrap().starts_with("too old resource version"));
    assert_eq!(watch.line().await, None);
}

async fn many_watches_see_every_one_of_many_changes(api: &Api) {
    let from = api.version().await;
    let path = format!("{PODS}?watch=true&resourceVersion={from}");
    let mut watches = Vec::new();
    for _ in 0..20 {
        watches.push(api.watch(&path).await);
    }
    let changes = async {
        for n in 0..CHANGES {
            let status = json!({"status": {"message": n.to_string()}});
            api.change(&format!("{POD}/status"), &status).await;
        }
    };
    let told = async {
        for watch in &mut watches {
            for n in 0..CHANGES {
                assert_eq!(watch.event().await.1["status"]["message"], n.to_string());
            }
        }
    };
    tokio::join!(changes, told);
}

judged! {
    changes_from_a_version_on,
    without_a_version_all_is_told_first,
    what_leaves_a_selector_is_deleted_for_the_watch,
    a_streaming_list_ends_with_its_bookmark,
    bookmarks_carry_the_newest_version_before_a_watch_ends,
    a_watch_ends_when_its_time_is_up,
    a_version_too_old_is_gone_within_the_stream,
    many_watches_see_every_one_of_many_changes,
}
