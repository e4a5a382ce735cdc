//! A guarded switch before a real API server with KWOK's pods: EndpointSlices are the real controller's, the audit log
//! says what was sent, and a colour whose pods are not ready is left by itself.

use std::convert::Infallible;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use ground::Cluster;
use ground::audit::{Mark, Request};
use ground::people;
use ground::proxy::{Fault, Proxy, Rule};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

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
        Stage::with(&format!("guard: {{window: {window}s}}"), 8080).await
    }

    /// The same with these settings, and pods that say that they listen on this port.
    async fn with(settings: &str, port: u16) -> Stage {
        let cluster = worlds::shared().await;
        let namespace = cluster.namespace("dev-shop").await.unwrap();
        let maria = format!("maria-of-{namespace}");
        let kubeconfig = cluster.user(&maria, &[&namespace], &operator()).unwrap();
        let home = folder(cluster, "home");
        let config = format!("traffic:\n  {settings}\n");
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
                        "ports": [{"name": "http", "containerPort": port}]}]}}},
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
        self.command_by(&self.home, &self.kubeconfig, args)
    }

    fn command_by(&self, home: &Path, kubeconfig: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pilothouse"));
        command
            .env_clear()
            .env("HOME", home)
            .env("XDG_STATE_HOME", home.join("state"))
            .env("LANG", "C.UTF-8")
            .env("USER", "maria")
            .arg("--kubeconfig")
            .arg(kubeconfig)
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

/// What answers for the pods of a colour: KWOK's pods are nobody, so they are given the address of this machine, since the
/// API server reaches no pod on a loopback address. It never leaves the machine.
struct Page {
    address: IpAddr,
    port: u16,
    /// What it answers.
    code: Arc<Mutex<u16>>,
    /// What it was asked for.
    asked: Arc<Mutex<Vec<String>>>,
    _serving: JoinSet<()>,
}

impl Page {
    async fn opens(code: u16) -> Page {
        // Nothing is sent: it is only looked up from which address something would be.
        let way = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
        way.connect("192.0.2.1:9")
            .unwrap_or_else(|error| panic!("this machine has no address besides the loopback ones: {error}"));
        let address = way.local_addr().unwrap().ip();
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (code, asked) = (Arc::new(Mutex::new(code)), Arc::new(Mutex::new(Vec::new())));
        let (answered, noted) = (Arc::clone(&code), Arc::clone(&asked));
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (answered, noted) = (Arc::clone(&answered), Arc::clone(&noted));
                let answer = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                    noted.lock().unwrap().push(format!("{} {}", request.method(), request.uri().path()));
                    let answer = http::Response::builder().status(*answered.lock().unwrap());
                    std::future::ready(Ok::<_, Infallible>(answer.body(Full::new(Bytes::new())).unwrap()))
                });
                connections.spawn(async move {
                    let serving = hyper::server::conn::http1::Builder::new();
                    let _ = serving.serve_connection(TokioIo::new(stream), answer).await;
                });
            }
        });
        Page { address, port, code, asked, _serving: serving }
    }

    /// What was asked since the last time.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn what_the_new_pods_answer_through_the_api_server_decides() {
    let page = Page::opens(503).await;
    let stage = Stage::with("guard: {window: 5s}\n  smoke: /healthz", page.port).await;
    let address = page.address.to_string();
    let status = json!({"status": {"podIP": address, "podIPs": [{"ip": address}]}}).to_string();
    for pod in stage.pods("green") {
        stage.kubectl(&["patch", "pod", &pod, "--subresource=status", "--type=merge", "-p", &status]);
    }
    let mark = stage.mark();
    let output = stage.command(&["switch", "web", "--yes"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    assert!(told(&output).contains("503"), "{}", told(&output));
    assert_eq!(page.asked(), ["GET /healthz"; 2], "each ready pod of green once");
    assert!(stage.changes(mark).is_empty() && stage.colour() == "blue");

    *page.code.lock().unwrap() = 200;
    let output = stage.command(&["switch", "web", "--yes"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert_eq!(page.asked(), ["GET /healthz"; 2]);
    let [switch] = stage.changes(mark).try_into().unwrap_or_else(|all| panic!("{all:?}"));
    assert_eq!((switch.verb.as_str(), switch.resource.as_str(), switch.code), ("patch", "services", 200));
    assert_eq!(stage.colour(), "green");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn of_two_switches_at_once_one_wins_and_the_other_is_told() {
    let stage = Stage::set(5).await;
    // A second person, whose switch has been looked at and is on its way while the first one's arrives.
    let proxy = Proxy::start(stage.cluster).await.unwrap();
    let patch = "services/web?fieldManager";
    let tried = Rule::on("dryRun=All", Fault::Slow(std::time::Duration::ZERO));
    proxy.rules(vec![tried, Rule::on(patch, Fault::Held)]);
    let anna = format!("anna-of-{}", stage.namespace);
    let written = stage.cluster.user(&anna, &[&stage.namespace], &operator()).unwrap();
    let mut kubeconfig: Value = serde_json::from_slice(&std::fs::read(written).unwrap()).unwrap();
    kubeconfig["clusters"][0]["cluster"] = json!({"server": proxy.url()});
    let home = folder(stage.cluster, "annas");
    let far = home.join("kubeconfig");
    people::write(&far, &kubeconfig).unwrap();
    let switch = ["switch", "web", "--to", "green", "--yes"];
    let mut late = stage.command_by(&home, &far, &switch);
    let late = late.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let sent = |one: &String| one.contains(patch) && !one.contains("dryRun");
    stage.cluster.until("her patch is on its way", || proxy.requests().iter().any(sent)).await.unwrap();

    let mark = stage.mark();
    let first = stage.command(&switch).output().unwrap();
    assert_eq!(first.status.code(), Some(0), "{}", told(&first));
    proxy.lets_go();
    let late = late.wait_with_output().unwrap();
    assert_eq!(late.status.code(), Some(4), "{}", told(&late));
    assert!(told(&late).contains("selector of web has changed since the plan"), "{}", told(&late));
    let requests = stage.cluster.audit().since(mark).unwrap();
    let of = |who: &str| {
        let mine = |one: &&Request| one.user.ends_with(who) && one.changes();
        let real = requests.iter().filter(mine).filter(|one| !one.uri.contains("dryRun=All"));
        real.map(|one| (one.verb.clone(), one.code)).collect::<Vec<_>>()
    };
    assert_eq!(of(&stage.maria), [("patch".to_owned(), 200)]);
    assert_eq!(of(&anna), [("patch".to_owned(), 422)], "sent once, and not again");
    assert_eq!(stage.colour(), "green");

    let journal = stage.command_by(&home, &far, &["journal", "-o", "json"]).output().unwrap();
    let journal: Value = serde_json::from_slice(&journal.stdout).unwrap();
    let told = journal.to_string();
    assert!(told.contains("has changed since the plan") && told.contains("refused"), "{told}");
}
