//! The harness: what it starts is there, and what it says is true. That nothing outlives it is tried beside it
//! (`harness/tests/ends.rs`).

use std::time::Duration;

use ground::Cluster;
use ground::people::Credentials;
use serde_json::json;

use super::common::shared;

#[tokio::test]
#[ignore = "needs tests/real/build"]
async fn people_rights_and_the_audit_log() {
    let cluster = shared().await;
    let namespace = cluster.namespace("shop").await.unwrap();
    let rules = json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "create"]}]);
    let bob = cluster.user("bob", &[&namespace], &rules).unwrap();
    let mark = cluster.audit().mark().unwrap();
    let ask = |words: &[&str]| cluster.kubectl_with(&bob, words, None);
    ask(&["create", "configmap", "hello", "--from-literal=a=b"]).unwrap();
    let refused = ask(&["get", "pods"]).unwrap_err().to_string();
    assert!(refused.contains("forbidden"), "{refused}");

    let requests = cluster.audit().since(mark).unwrap();
    let requests: Vec<_> = requests.iter().filter(|request| request.user.ends_with(":bob")).collect();
    let changes: Vec<_> = requests.iter().filter(|request| request.changes()).collect();
    assert_eq!(changes.len(), 1, "{changes:#?}");
    let change = changes[0];
    assert_eq!((change.verb.as_str(), change.resource.as_str(), change.code), ("create", "configmaps", 201));
    assert_eq!(change.user, "system:serviceaccount:people:bob");
    assert_eq!(change.body["data"]["a"], "b");
    let refused = requests.iter().find(|request| request.resource == "pods").unwrap();
    assert_eq!((refused.code, refused.namespace.as_str()), (403, namespace.as_str()));

    // A certificate is a person too, and a token may be over.
    let (certificate, key) = cluster.authority().certificate("carol", &["team"]).unwrap();
    let carol = cluster.kubeconfig("carol", None, &Credentials::Certificate(certificate, key)).unwrap();
    let who = cluster.kubectl_with(&carol, &["auth", "whoami"], None).unwrap();
    assert!(who.contains("carol") && who.contains("team"), "{who}");
    let uid = cluster.person("dave").unwrap();
    let over = cluster.authority().token("people", "dave", &uid, Duration::ZERO).unwrap();
    let dave = cluster.kubeconfig("dave", None, &Credentials::Token(over)).unwrap();
    let refused = cluster.kubectl_with(&dave, &["auth", "whoami"], None).unwrap_err().to_string();
    assert!(refused.to_lowercase().contains("unauthorized") || refused.contains("logged in"), "{refused}");
}

#[tokio::test]
#[ignore = "needs tests/real/build"]
async fn an_api_server_dies_and_comes_back_with_what_it_had() {
    let cluster = Cluster::start().bare().await.unwrap();
    let namespace = cluster.namespace("kept").await.unwrap();
    cluster.kill_api_server().await.unwrap();
    assert!(cluster.kubectl(&["get", "namespace", &namespace]).is_err());
    cluster.start_api_server().await.unwrap();
    cluster.kubectl(&["get", "namespace", &namespace]).unwrap();
    cluster.compact().await.unwrap();
}
