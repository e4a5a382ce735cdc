//! A guarded switch before a real API server with KWOK's pods: EndpointSlices are the real controller's, the audit log
//! says what was sent, and a colour whose pods are not ready is left by itself.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use ground::Cluster;
use ground::audit::{Mark, Request};
use serde_json::{Value, json};

use super::common::folder;
use super::worlds;

/// What a person needs to switch, and no more.
fn operator() -> Value {
    json!([
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["services"], "verbs": ["patch"]},
    ])
}

struct Stage {
    cluster: &'static Cluster,
    namespace: String,
    /// Who acts, as the cluster names her: one for each namespace.
    maria: String,
    kubeconfig: PathBuf,
    home: PathBuf,
}

impl Stage {
    /// Two colours of two ready pods each, a Service that leads to blue, a guard of so many seconds.
    async fn set(window: u32) -> Stage {
        let cluster = worlds::shared().await;
        let namespace = cluster.namespace("dev-shop").await.unwrap();
        let maria = format!("maria-of-{namespace}");
        let kubeconfig = cluster.user(&maria, &[&namespace], &operator()).unwrap();
        let home = folder(cluster, "home");
        let config = format!("traffic:\n  guard: {{window: {window}s}}\n");
        std::fs::write(home.join("config.yaml"), config).unwrap();
        let stage = Stage { cluster, namespace, maria, kubeconfig, home };
        for colour in ["blue", "green"] {
            let labels = json!({"app": "web", "color": colour});
            stage.apply(json!({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": format!("web-{colour}"), "namespace": stage.namespace},
                "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "web", "image": format!("registry.example/web:{colour}-1"),
                        "ports": [{"name": "http", "containerPort": 8080}]}]}}},
            }));
        }
        stage.apply(json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": stage.namespace},
            "spec": {"selector": {"app": "web", "color": "blue"}, "ports": [{"port": 80, "targetPort": "http"}]},
        }));
        for colour in ["blue", "green"] {
            let deployment = format!("apps/v1/deployments/web-{colour}");
            let ready = || stage.field(&deployment, "/status/readyReplicas") == "2";
            stage.cluster.until(&format!("2 pods of {colour}"), ready).await.unwrap();
        }
        stage.cluster.until("endpoints of blue", || stage.receives() == stage.pods("blue")).await.unwrap();
        stage
    }

    fn apply(&self, object: Value) {
        self.cluster.apply(&object).unwrap();
    }

    fn kubectl(&self, args: &[&str]) -> String {
        let args = [&["-n", &self.namespace], args].concat();
        self.cluster.kubectl(&args).unwrap().trim().to_owned()
    }

    fn field(&self, object: &str, pointer: &str) -> String {
        self.cluster.field(&self.namespace, object, pointer).unwrap()
    }

    fn items(&self, written: &str) -> Vec<Value> {
        let list = self.cluster.get(&self.namespace, written).unwrap();
        list["items"].as_array().unwrap().clone()
    }

    fn sorted<'a>(names: impl Iterator<Item = &'a Value>) -> Vec<String> {
        let mut names: Vec<String> = names.map(|name| name.as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    /// Pods that the slices say are ready.
    fn receives(&self) -> Vec<String> {
        let of = "discovery.k8s.io/v1/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dweb";
        let slices = self.items(of);
        let endpoints = slices.iter().filter_map(|slice| slice["endpoints"].as_array()).flatten();
        let ready = endpoints.filter(|endpoint| endpoint["conditions"]["ready"] == true);
        Stage::sorted(ready.map(|endpoint| &endpoint["targetRef"]["name"]))
    }

    fn pods(&self, colour: &str) -> Vec<String> {
        let pods = self.items(&format!("v1/pods?labelSelector=app%3Dweb%2Ccolor%3D{colour}"));
        Stage::sorted(pods.iter().map(|pod| &pod["metadata"]["name"]))
    }

    fn colour(&self) -> String {
        self.field("v1/services/web", "/spec/selector/color")
    }

    fn mark(&self) -> Mark {
        self.cluster.audit().mark().unwrap()
    }

    /// What maria had changed since then; what was only tried is left out.
    fn changes(&self, mark: Mark) -> Vec<Request> {
        let requests = self.cluster.audit().since(mark).unwrap();
        requests
            .into_iter()
            .filter(|request| request.user.ends_with(&self.maria) && request.changes())
            .filter(|request| !request.uri.contains("dryRun=All"))
            .collect()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pilothouse"));
        command
            .env_clear()
            .env("HOME", &self.home)
            .env("XDG_STATE_HOME", self.home.join("state"))
            .env("LANG", "C.UTF-8")
            .env("USER", "maria")
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .arg("--config")
            .arg(self.home.join("config.yaml"))
            .args(args)
            .args(["-n", &self.namespace]);
        command
    }

    fn begin(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_switch_is_exactly_one_patch_and_the_slices_follow() {
    let stage = Stage::set(6).await;
    let mark = stage.mark();
    let plan = stage.command(&["switch", "service/web", "--plan"]).output().unwrap();
    assert_eq!(plan.status.code(), Some(0), "{}", told(&plan));
    assert!(told(&plan).contains("2 pods of green are ready, 2 of blue serve"), "{}", told(&plan));
    assert!(stage.changes(stage.mark()).is_empty() && stage.colour() == "blue");

    let output = stage.command(&["switch", "web", "--yes"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(told(&output).contains("green is live: no breach in 6 s, 2 pods ready"), "{}", told(&output));
    let [switch] = stage.changes(mark).try_into().unwrap_or_else(|all| panic!("{all:?}"));
    assert_eq!((switch.verb.as_str(), switch.resource.as_str(), switch.code), ("patch", "services", 200));
    let operations = switch.body.as_array().unwrap();
    let said: Vec<_> =
        operations.iter().map(|one| (one["op"].as_str().unwrap(), one["path"].as_str().unwrap())).collect();
    assert_eq!(said, [("test", "/metadata/uid"), ("test", "/spec/selector"), ("replace", "/spec/selector")]);
    assert_eq!(operations[1]["value"], json!({"app": "web", "color": "blue"}));
    assert_eq!(operations[2]["value"], json!({"app": "web", "color": "green"}));
    assert_eq!(stage.colour(), "green");
    assert_eq!(stage.receives(), stage.pods("green"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_colour_that_is_not_ready_is_left_by_itself() {
    let stage = Stage::set(120).await;
    let mark = stage.mark();
    let child = stage.begin(&["switch", "web", "--yes"]);
    stage.cluster.until("endpoints of green", || stage.receives() == stage.pods("green")).await.unwrap();
    let unready = r#"{"status":{"conditions":[{"type":"Ready","status":"False"}]}}"#;
    for pod in stage.pods("green") {
        stage.kubectl(&["patch", "pod", &pod, "--subresource=status", "--type=strategic", "-p", unready]);
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(told(&output).contains("pods of green are ready"), "{}", told(&output));
    assert!(told(&output).contains("Led back to blue"), "{}", told(&output));
    assert_eq!(stage.colour(), "blue");
    stage.cluster.until("endpoints of blue", || stage.receives() == stage.pods("blue")).await.unwrap();
    let changes = stage.changes(mark);
    let sent: Vec<_> =
        changes.iter().map(|one| (one.verb.as_str(), one.resource.as_str(), one.code)).collect();
    assert_eq!(sent, [("patch", "services", 200); 2], "there and back, once");

    let journal = stage.command(&["journal"]).output().unwrap();
    let journal = told(&journal);
    assert!(journal.contains("blue → green") && journal.contains("green → blue"), "{journal}");
}
