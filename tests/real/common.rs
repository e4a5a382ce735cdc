//! What several tests begin with: one control plane for all that leave it alive, patience for a busy machine, people.

use std::path::PathBuf;
use std::time::Duration;

use ground::Cluster;
use pilothouse::sources::Timing;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::person::{Desk, Person};

/// The control plane of all tests that neither kill nor freeze nor compact it: bare, so pods stay as they are written.
/// The harness ends it when this process is gone.
pub async fn shared() -> &'static Cluster {
    static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
    CLUSTER.get_or_init(async || Cluster::start().bare().await.unwrap()).await
}

/// How a test says that something was lost, doubled or wrong, and not only late: `.ci/run` looks for it, and has such a
/// test pass three times.
pub const LOST: &str = "LOST OR DOUBLED";

/// Everything may be read, nothing changed.
pub fn reader() -> Value {
    json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}])
}

/// A person who does not wait long until the next try, on a machine that may be busy.
pub fn quick() -> Desk {
    let timing = Timing {
        heartbeat: Duration::from_millis(500),
        heartbeat_limit: Duration::from_secs(3),
        answer_limit: Duration::from_secs(10),
        backoff_first: Duration::from_millis(100),
        backoff_last: Duration::from_secs(1),
        forbidden: Duration::from_secs(2),
        ..Timing::default()
    };
    Desk { patience: Duration::from_secs(60), timing, ..Desk::default() }
}

/// Sits down before a kubeconfig and waits until everything is there.
pub async fn person(kubeconfig: &std::path::Path) -> Person {
    let mut person = Person::sits_down(kubeconfig, &quick());
    person.wait_for_data().await;
    person
}

/// A pod that nobody starts, made at once.
pub fn pod(cluster: &Cluster, namespace: &str, name: &str) {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace},
                     "spec": {"containers": [{"name": "main", "image": "cart:1.30.0"}]}});
    cluster.apply(&pod).unwrap();
}

/// Pods `cart-0` and up, enough for a list that is longer than a piece of the wire.
pub fn pods(cluster: &Cluster, namespace: &str, count: usize) {
    let pod = |at: usize| {
        json!({"apiVersion": "v1", "kind": "Pod",
               "metadata": {"name": format!("cart-{at}"), "namespace": namespace},
               "spec": {"containers": [{"name": "main", "image": "cart:1.30.0"}]}})
    };
    let pods: Vec<Value> = (0..count).map(pod).collect();
    cluster.apply(&json!({"apiVersion": "v1", "kind": "List", "items": pods})).unwrap();
}

/// Deletes a pod at once.
pub fn delete_pod(cluster: &Cluster, namespace: &str, name: &str) {
    cluster.kubectl(&["-n", namespace, "delete", "pod", name, "--now"]).unwrap();
}

/// A person of that name who may read these namespaces: the kubeconfig, and a token that ends after so long.
pub fn token_of(cluster: &Cluster, name: &str, namespaces: &[&str], good_for: Duration) -> String {
    let uid = cluster.person(name).unwrap();
    cluster.grant(name, namespaces, &reader()).unwrap();
    cluster.authority().token("people", name, &uid, good_for).unwrap()
}

/// A folder of the test's own; it goes with the cluster.
pub fn folder(cluster: &Cluster, name: &str) -> PathBuf {
    let folder = cluster.folder().join(cluster.fresh(name));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs a command of the program that answers in JSON, as somebody with this configuration: its exit code and answer.
pub fn command(cluster: &Cluster, config: &str, arguments: &[&str]) -> (Option<i32>, Value) {
    let home = folder(cluster, "home");
    let file = home.join("config.yaml");
    std::fs::write(&file, config).unwrap();
    let output = assert_cmd::Command::cargo_bin("pilothouse")
        .unwrap()
        .arg("--kubeconfig")
        .arg(cluster.admin())
        .arg("--config")
        .arg(&file)
        .args(arguments)
        .env_clear()
        .env("HOME", &home)
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let answer = serde_json::from_str(&told);
    let answer = answer.unwrap_or_else(|_| panic!("{told}{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), answer)
}

/// A day.
pub const DAY: Duration = Duration::from_secs(86_400);
