//! Changes before a real API server, judged by its audit log (exactly one request that changes something, by the right
//! person, with the right body) and by what the cluster is afterwards.

use std::path::{Path, PathBuf};
use std::process::Output;

use ground::Cluster;
use ground::audit::{Mark, Request};
use serde_json::{Value, json};

use super::common::{folder, quick, reader};
use super::person::{Desk, Person};

/// What a person needs to scale, restart and undo, and no more.
fn operator() -> Value {
    json!([
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["apps"], "resources": ["deployments", "deployments/scale"], "verbs": ["patch"]},
        {"apiGroups": ["autoscaling"], "resources": ["horizontalpodautoscalers"], "verbs": ["patch"]},
    ])
}

struct Stage {
    cluster: Cluster,
    namespace: String,
    kubeconfig: PathBuf,
    home: PathBuf,
}

impl Stage {
    /// A cluster with nodes, a namespace that is taken for development, a Deployment of two ready pods.
    async fn set(rules: &Value) -> Stage {
        let cluster = Cluster::start().with_kwok().await.unwrap();
        cluster.nodes(2).await.unwrap();
        let namespace = cluster.namespace("dev-shop").await.unwrap();
        let kubeconfig = cluster.user("maria", &[&namespace], rules).unwrap();
        let home = folder(&cluster, "home");
        let stage = Stage { cluster, namespace, kubeconfig, home };
        stage.release("1.30.4");
        stage.ready(2).await;
        stage
    }

    fn release(&self, version: &str) {
        let labels = json!({"app": "cart"});
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "cart", "namespace": self.namespace},
            "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "cart", "image": format!("registry.example/cart:{version}")}]}}},
        });
        self.cluster.apply(&deployment).unwrap();
    }

    fn field(&self, path: &str) -> String {
        let output = format!("jsonpath={{{path}}}");
        self.cluster.kubectl(&["-n", &self.namespace, "get", "deploy", "cart", "-o", &output]).unwrap()
    }

    async fn ready(&self, count: u32) {
        let wanted = count.to_string();
        let what = format!("{count} pods ready");
        self.cluster
            .until(&what, || {
                self.field(".status.readyReplicas") == wanted
                    && self.field(".status.updatedReplicas") == wanted
            })
            .await
            .unwrap();
    }

    fn mark(&self) -> Mark {
        self.cluster.audit().mark().unwrap()
    }

    /// What maria had changed since then; what was only tried is left out.
    fn changes(&self, mark: Mark) -> Vec<Request> {
        let requests = self.cluster.audit().since(mark).unwrap();
        requests
            .into_iter()
            .filter(|request| request.user.contains("maria") && request.changes())
            .filter(|request| !request.uri.contains("dryRun=All"))
            .collect()
    }

    /// Runs the program as maria.
    fn run(&self, args: &[&str]) -> (Option<i32>, String) {
        let Output { status, stdout, stderr } =
            command(&self.home, &self.kubeconfig).args(args).args(["-n", &self.namespace]).output().unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        (status.code(), text)
    }
}

fn command(home: &Path, kubeconfig: &Path) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pilothouse"));
    command
        .env_clear()
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_STATE_HOME", home.join("state"))
        .env("LANG", "C.UTF-8")
        .env("USER", "maria")
        .arg("--kubeconfig")
        .arg(kubeconfig);
    command
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn scale_restart_and_undo_are_one_request_each() {
    let stage = Stage::set(&operator()).await;

    let mark = stage.mark();
    let (code, told) = stage.run(&["scale", "deploy/cart", "--replicas", "4", "--yes", "--wait"]);
    assert_eq!(code, Some(0), "{told}");
    let [scale] = stage.changes(mark).try_into().unwrap_or_else(|all| panic!("{all:?}"));
    assert_eq!(
        (scale.verb.as_str(), scale.resource.as_str(), scale.code),
        ("patch", "deployments/scale", 200)
    );
    assert_eq!(scale.body["spec"], json!({"replicas": 4}));
    assert!(
        scale.agent.starts_with("pilothouse/") && scale.uri.contains("fieldManager=pilothouse"),
        "{scale:?}"
    );
    assert_eq!(
        (stage.field(".spec.replicas"), stage.field(".status.readyReplicas")),
        ("4".into(), "4".into())
    );

    let mark = stage.mark();
    let (code, told) = stage.run(&["restart", "deploy/cart", "--yes", "--wait"]);
    assert_eq!(code, Some(0), "{told}");
    let [restart] = stage.changes(mark).try_into().unwrap_or_else(|all| panic!("{all:?}"));
    assert_eq!((restart.verb.as_str(), restart.resource.as_str()), ("patch", "deployments"));
    let at = stage.field(r".spec.template.metadata.annotations.kubectl\.kubernetes\.io/restartedAt");
    let wanted =
        json!({"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": at}}}});
    assert_eq!(restart.body["spec"], wanted);

    stage.release("1.31.0");
    stage.ready(2).await;
    let mark = stage.mark();
    let (code, told) = stage.run(&["undo", "deploy/cart", "--yes", "--wait"]);
    assert_eq!(code, Some(0), "{told}");
    let [undo] = stage.changes(mark).try_into().unwrap_or_else(|all| panic!("{all:?}"));
    assert_eq!(undo.verb, "patch");
    let operations: Vec<&str> =
        undo.body.as_array().unwrap().iter().filter_map(|op| op["op"].as_str()).collect();
    assert_eq!(operations, ["test", "test", "replace"]);
    assert_eq!(stage.field(".spec.template.spec.containers[0].image"), "registry.example/cart:1.30.4");
    // The same template is the same ReplicaSet: the hash of the controller was left out.
    let sets = stage.cluster.kubectl(&["-n", &stage.namespace, "get", "rs", "-o", "name"]).unwrap();
    assert_eq!(sets.lines().count(), 3, "first, restarted, 1.31.0: {sets}");

    let (code, journal) = stage.run(&["journal"]);
    assert_eq!(code, Some(0));
    assert_eq!(journal.matches("maria").count() / 2, 3, "{journal}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn somebody_without_the_right_is_told_before_anything_is_sent() {
    let stage = Stage::set(&reader()).await;
    let mark = stage.mark();
    let (code, told) = stage.run(&["scale", "deploy/cart", "--replicas", "4", "--yes"]);
    assert_eq!(code, Some(4), "{told}");
    assert!(told.contains("you may not patch deployments/scale (apps)"), "{told}");
    assert!(stage.changes(mark).is_empty());
    assert_eq!(stage.field(".spec.replicas"), "2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_read_only_session_changes_nothing_whatever_the_key() {
    let stage = Stage::set(&operator()).await;
    let mark = stage.mark();
    let desk = Desk { read_only: true, ..quick() };
    let mut person = Person::sits_down(&stage.kubeconfig, &desk);
    person.wait_for_data().await;
    let bound: Vec<pilothouse::keymap::Key> = {
        let keymap = &person.driver().state.keymap;
        keymap.bindings().iter().filter(|binding| binding.keys.0.len() == 1).map(|b| b.keys.0[0]).collect()
    };
    assert!(bound.len() > 40, "{}", bound.len());
    // Every key that is bound at all, each followed by everything that could confirm.
    for key in bound {
        person.press(&key);
        person.keys("enter y esc");
    }
    let everything = stage.cluster.audit().since(mark).unwrap();
    let changes: Vec<_> = everything.iter().filter(|r| r.user.contains("maria") && r.changes()).collect();
    assert!(changes.is_empty(), "not even tried: {changes:?}");
    assert_eq!(stage.field(".spec.replicas"), "2");
    let (code, told) = stage.run(&["scale", "deploy/cart", "--replicas", "4", "--yes", "--read-only"]);
    assert_eq!(code, Some(4), "{told}");
    assert!(stage.changes(mark).is_empty());
}
