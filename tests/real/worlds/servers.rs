//! Nodes and pods that live, die, log and take commands.

use ground::Cluster;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn pods_run_crash_log_and_take_commands() {
    let cluster = Cluster::start().with_kwok().await.unwrap();
    cluster.nodes(2).await.unwrap();
    let shop = cluster.namespace("shop").await.unwrap();
    let pod = |name: &str, behavior: Value| {
        json!({"apiVersion": "v1", "kind": "Pod",
               "metadata": {"name": name, "namespace": shop, "annotations": behavior},
               "spec": {"containers": [{"name": "main", "image": "cart:1.30.0"}]}})
    };
    let crash = json!({"pilothouse.test/behavior": "crash", "pilothouse.test/crash-reason": "OOMKilled",
        "pilothouse.test/crash-exit-code": "137", "pilothouse.test/crash-after": "1s"});
    cluster.apply(&pod("well", json!({}))).unwrap();
    cluster.apply(&pod("ill", crash)).unwrap();
    cluster.apply(&pod("absent", json!({"pilothouse.test/behavior": "pull"}))).unwrap();
    let logs = cluster.logs(&shop, "well", &["main"]).unwrap();
    logs.say("hello from a container").unwrap();
    let ask = |words: &[&str]| cluster.kubectl(&[&["-n", &shop], words].concat());
    ask(&["wait", "--for=condition=Ready", "pod/well", "--timeout=60s"]).unwrap();
    assert_eq!(ask(&["logs", "well"]).unwrap(), "hello from a container\n");
    assert_eq!(ask(&["exec", "well", "--", "echo", "hi"]).unwrap(), "hi\n");
    cluster
        .until("an image that is not there", || ask(&["get", "pods"]).unwrap().contains("ImagePull"))
        .await
        .unwrap();
    cluster
        .until("killed for memory", || ask(&["get", "pods"]).unwrap().contains("CrashLoopBackOff"))
        .await
        .unwrap();
    assert!(ask(&["get", "pod", "ill", "-o", "json"]).unwrap().contains("OOMKilled"));
}
