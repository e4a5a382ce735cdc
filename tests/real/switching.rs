//! A guarded switch before a real API server with KWOK's pods: EndpointSlices are the real controller's, the audit log
//! says what was sent, and a colour whose pods are not ready is left by itself.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use ground::Cluster;
use ground::audit::{Mark, Request};
use serde_json::{Value, json};

use super::common::folder;

/// What a person needs to switch, and no more.
fn operator() -> Value {
    json!([
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["services"], "verbs": ["patch"]},
    ])
}

struct Stage {
    cluster: Cluster,
    namespace: String,
    kubeconfig: PathBuf,
    home: PathBuf,
}

impl Stage {
    /// Two colours of two ready pods each, a Service that leads to blue, a guard of so many seconds.
    async fn set(window: u32) -> Stage {
        let cluster = Cluster::start().with_kwok().await.unwrap();
        cluster.nodes(2).await.unwrap();
        let namespace = cluster.namespace("dev-shop").await.unwrap();
        let kubeconfig = cluster.user("maria", &[&namespace], &operator()).unwrap();
        let home = folder(&cluster, "home");
        let config = format!("traffic:\n  guard: {{window: {window}s}}\n");
        std::fs::write(home.join("config.yaml"), config).unwrap();
        let stage = Stage { cluster, namespace, kubeconfig, home };
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
            let name = format!("web-{colour}");
            let ready = ["get", "deploy", &name, "-o", "jsonpath={.status.readyReplicas}"];
            stage
                .cluster
                .until(&format!("2 pods of {colour}"), || stage.kubectl(&ready) == "2")
                .await
                .unwrap();
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

    fn sorted(text: &str) -> Vec<String> {
        let mut names: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        names.sort();
        names
    }

    /// Pods that the slices say are ready.
    fn receives(&self) -> Vec<String> {
        let path = "jsonpath={.items[*].endpoints[?(@.conditions.ready==true)].targetRef.name}";
        let slices = ["get", "endpointslices", "-l", "kubernetes.io/service-name=web", "-o", path];
        Stage::sorted(&self.kubectl(&slices))
    }

    fn pods(&self, colour: &str) -> Vec<String> {
        let of = format!("app=web,color={colour}");
        Stage::sorted(&self.kubectl(&["get", "pods", "-l", &of, "-o", "jsonpath={.items[*].metadata.name}"]))
    }

    fn colour(&self) -> String {
        self.kubectl(&["get", "service", "web", "-o", "jsonpath={.spec.selector.color}"])
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
