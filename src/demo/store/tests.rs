//! Tests of the store alone.

use super::*;

fn pod(name: &str) -> Value {
    json!({"apiVersion":"v1","kind":"Pod","metadata":{"name":name,"namespace":"shop","labels":{"app":"cart"}},
           "spec":{"nodeName":"n1","containers":[]},"status":{"phase":"Running"}})
}

#[test]
fn create_fills_identity_and_keeps_what_is_given() {
    let store = Store::new(1);
    let made = store
        .create("deployments.apps", json!({"kind":"Deployment","metadata":{"generateName":"d-","namespace":"a","creationTimestamp":"2026-01-01T00:00:00Z"}}))
        .unwrap();
    let name = made["metadata"]["name"].as_str().unwrap();
    assert!(name.starts_with("d-") && name.len() == 7, "{name}");
    assert_eq!(made["metadata"]["creationTimestamp"], "2026-01-01T00:00:00Z");
    assert_eq!(made["metadata"]["generation"], 1);
    assert_eq!(made["metadata"]["resourceVersion"], store.version().to_string());
    let twin = Store::new(1)
        .create(
            "deployments.apps",
            json!({"kind":"Deployment","metadata":{"generateName":"d-","namespace":"a"}}),
        )
        .unwrap();
    assert_eq!(twin["metadata"]["name"], made["metadata"]["name"]);
    assert_eq!(twin["metadata"]["uid"], made["metadata"]["uid"]);
}

#[test]
fn update_makes_a_version_only_when_something_changed_and_a_generation_only_for_spec() {
    let store = Store::new(1);
    store.create("pods", pod("a")).unwrap();
    let version = store.version();
    store.update("pods", "shop", "a", |_| {}).unwrap();
    assert_eq!(store.version(), version);
    let status = store.update("pods", "shop", "a", |p| p["status"]["phase"] = json!("Failed")).unwrap();
    assert_eq!((store.version(), &status["metadata"]["generation"]), (version + 1, &json!(1)));
    let spec = store.update("pods", "shop", "a", |p| p["spec"]["priority"] = json!(3)).unwrap();
    assert_eq!(spec["metadata"]["generation"], 2);
    let renamed = store.update("pods", "shop", "a", |p| p["metadata"]["uid"] = json!("x")).unwrap();
    assert_eq!(renamed["metadata"]["uid"], spec["metadata"]["uid"]);
}

#[test]
fn a_running_pod_terminates_before_it_goes() {
    let store = Store::new(1);
    store.create("pods", pod("a")).unwrap();
    let terminating = store.delete("pods", "shop", "a").unwrap().unwrap();
    assert_eq!(terminating["metadata"]["deletionGracePeriodSeconds"], 30);
    let now = Deletion { grace: Some(0), ..Deletion::default() };
    assert!(matches!(store.delete_with("pods", "shop", "a", &now).unwrap(), Deleted::Gone(_)));
    assert!(store.get("pods", "shop", "a").is_none());
    assert_eq!(store.delete("pods", "shop", "a").unwrap_err().code, 404);
}

#[test]
fn finalizers_hold_an_object_until_the_last_is_taken() {
    let store = Store::new(1);
    store
        .create(
            "configmaps",
            json!({"kind":"ConfigMap","metadata":{"name":"c","namespace":"a","finalizers":["x/y"]}}),
        )
        .unwrap();
    assert!(store.delete("configmaps", "a", "c").unwrap().is_some());
    store.update("configmaps", "a", "c", |o| o["metadata"]["finalizers"] = json!([])).unwrap();
    assert!(store.get("configmaps", "a", "c").is_none());
}

#[test]
fn orphaned_dependents_lose_their_reference() {
    let store = Store::new(1);
    let owner = store
        .create("replicasets.apps", json!({"kind":"ReplicaSet","metadata":{"name":"r","namespace":"shop"}}))
        .unwrap();
    let mut child = pod("a");
    child["metadata"]["ownerReferences"] = json!([{"kind":"ReplicaSet","uid":owner["metadata"]["uid"]}]);
    store.create("pods", child).unwrap();
    let how = Deletion { propagation: Propagation::Orphan, ..Deletion::default() };
    store.delete_with("replicasets.apps", "shop", "r", &how).unwrap();
    let orphan = store.get("pods", "shop", "a").unwrap();
    assert!(orphan["metadata"].get("ownerReferences").is_none(), "{orphan}");
}

#[test]
fn the_past_can_be_listed_and_replayed_until_it_is_compacted() {
    let store = Store::new(1);
    store.create("pods", pod("a")).unwrap();
    store.create("pods", pod("b")).unwrap();
    let then = store.version();
    store.update("pods", "shop", "a", |p| p["status"]["phase"] = json!("Failed")).unwrap();
    store.delete_with("pods", "shop", "b", &Deletion { grace: Some(0), ..Deletion::default() }).unwrap();
    store.create("pods", pod("c")).unwrap();
    let past = store.entries_at("pods", Some("shop"), then).unwrap();
    let names: Vec<_> = past.iter().map(|e| e.name.to_string()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(past[0].value()["status"]["phase"], "Running");
    let (to, events) = store.events_since("pods", then).unwrap();
    let kinds: Vec<_> = events.iter().map(|e| e.kind).collect();
    // A pod is changed once more before it is gone.
    let (modified, deleted) = (ChangeKind::Modified, ChangeKind::Deleted);
    assert_eq!(kinds, [modified, modified, deleted, ChangeKind::Added]);
    assert_eq!(to, store.version());
    store.compact();
    assert!(store.events_since("pods", then).is_none());
    assert!(store.entries_at("pods", None, then).is_none());
    assert!(store.events_since("pods", to).is_some());
}

#[test]
fn a_namespace_is_a_range_and_not_a_prefix() {
    let store = Store::new(1);
    for ns in ["shop", "shop-dev", "sho"] {
        let mut p = pod("a");
        p["metadata"]["namespace"] = json!(ns);
        store.create("pods", p).unwrap();
    }
    assert_eq!(store.list("pods", Some("shop")).len(), 1);
    assert_eq!(store.list("pods", None).len(), 3);
}

#[test]
fn preconditions_guard_a_deletion() {
    let store = Store::new(1);
    store.create("pods", pod("a")).unwrap();
    let how = Deletion { uid: Some("other".into()), ..Deletion::default() };
    let refusal = store.delete_with("pods", "shop", "a", &how).unwrap_err();
    assert_eq!((refusal.code, refusal.reason), (409, "Conflict"));
    assert!(refusal.message.contains("the UID in the precondition (other) does not match"), "{refusal}");
}

#[tokio::test]
async fn subscribers_hear_of_every_change() {
    let store = Store::new(1);
    let mut changes = store.subscribe();
    store.create("pods", pod("a")).unwrap();
    let change = changes.recv().await.unwrap();
    assert_eq!((&*change.resource, &*change.name, change.kind), ("pods", "a", ChangeKind::Added));
}

#[test]
fn nulls_are_not_stored() {
    let store = Store::new(1);
    let mut one = pod("a");
    one["spec"]["containers"] = json!([{"name": "x", "env": null}]);
    let made = store.create("pods", one).unwrap();
    assert_eq!(made["spec"]["containers"], json!([{"name": "x"}]));
    let version = store.version();
    store.update("pods", "shop", "a", |p| p["status"]["none"] = Value::Null).unwrap();
    assert_eq!(store.version(), version);
}
