//! Argo Rollouts before its real controller: each action is one request (judged by the audit log), to the status and not
//! to the spec where it belongs there, and what the controller makes of it is what the program says.

use std::path::PathBuf;
use std::process::Output;

use ground::Cluster;
use ground::audit::Request;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::changing::command;
use super::common::folder;

/// What a person needs to steer Rollouts, and no more.
fn steersman() -> Value {
    json!([
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["argoproj.io"], "resources": ["rollouts", "rollouts/status", "rollouts/scale"], "verbs": ["patch"]},
    ])
}

/// The cluster of all tests with Rollouts: two nodes, and a controller for each namespace that wants one. It ends with
/// this process.
pub async fn shared() -> &'static Cluster {
    static SHARED: OnceCell<Cluster> = OnceCell::const_new();
    let start = || async {
        let cluster = Cluster::start().with_rollouts().await.unwrap();
        cluster.nodes(2).await.unwrap();
        cluster
    };
    SHARED.get_or_init(start).await
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
    async fn set() -> Stage {
        Stage::set_for(&steersman()).await
    }

    /// With a person who may do this, and no more.
    async fn set_for(rights: &Value) -> Stage {
        let cluster = shared().await;
        let namespace = cluster.namespace("dev-shop").await.unwrap();
        cluster.rollouts_in(&namespace).await.unwrap();
        let maria = format!("maria-of-{namespace}");
        let kubeconfig = cluster.user(&maria, &[&namespace], rights).unwrap();
        let home = folder(cluster, "home");
        Stage { cluster, namespace, maria, kubeconfig, home }
    }

    /// A Rollout of two pods with this strategy, at its first release.
    async fn rollout(&self, name: &str, strategy: Value) {
        let labels = json!({"app": name});
        let rollout = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "strategy": strategy,
                "template": {"metadata": {"labels": labels},
                    "spec": {"containers": [{"name": name, "image": format!("registry.example/{name}:1")}]}}},
        });
        self.cluster.apply(&rollout).unwrap();
        self.becomes(name, "/status/phase", "Healthy").await;
    }

    /// Another release comes, by somebody else, and waits.
    async fn release(&self, name: &str, version: u32) {
        self.sends(name, version);
        self.becomes(name, "/status/phase", "Paused").await;
    }

    fn sends(&self, name: &str, version: u32) {
        let image = format!("registry.example/{name}:{version}");
        let containers = json!([{"name": name, "image": image}]);
        self.patches(name, &json!({"spec": {"template": {"spec": {"containers": containers}}}}), &[]);
    }

    /// Somebody else changes a Rollout.
    fn patches(&self, name: &str, patch: &Value, more: &[&str]) {
        let patch = patch.to_string();
        let words =
            ["-n", &self.namespace, "patch", "rollouts.argoproj.io", name, "--type=merge", "-p", &patch];
        self.cluster.kubectl(&[&words, more].concat()).unwrap();
    }

    /// A field of a Rollout, by its JSON pointer.
    fn field(&self, name: &str, pointer: &str) -> String {
        let rollout = format!("argoproj.io/v1alpha1/rollouts/{name}");
        self.cluster.field(&self.namespace, &rollout, pointer).unwrap()
    }

    async fn becomes(&self, name: &str, pointer: &str, wanted: &str) {
        let what = format!("{name} {pointer} {wanted}");
        self.cluster.until(&what, || self.field(name, pointer) == wanted).await.unwrap();
    }

    /// Runs the program as maria.
    fn run(&self, args: &[&str]) -> (Option<i32>, String) {
        let Output { status, stdout, stderr } =
            command(&self.home, &self.kubeconfig).args(args).args(["-n", &self.namespace]).output().unwrap();
        (status.code(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
    }

    /// Does it, which works, and returns the one request that changed something.
    fn one(&self, args: &[&str]) -> (Request, String) {
        let (mine, told) = self.all(args);
        let [request] = mine.try_into().unwrap_or_else(|all| panic!("{args:?}: {all:?}"));
        (request, told)
    }

    /// Does it by two requests: of which resource each, and what it said of spec or status.
    fn two(&self, args: &[&str]) -> ([(String, Value); 2], String) {
        let (mine, told) = self.all(args);
        assert!(mine.iter().all(|one| one.body["metadata"]["resourceVersion"].is_string()), "{mine:?}");
        let said = |one: &Request| {
            let of = if one.resource.ends_with("/status") { "status" } else { "spec" };
            (one.resource.clone(), one.body[of].clone())
        };
        let said: Vec<(String, Value)> = mine.iter().map(said).collect();
        (said.try_into().unwrap_or_else(|all| panic!("{args:?}: {all:?}")), told)
    }

    /// Does it, which works, and returns the requests that changed something; those that met a newer version are left
    /// out.
    fn all(&self, args: &[&str]) -> (Vec<Request>, String) {
        let mark = self.cluster.audit().mark().unwrap();
        let (code, told) = self.run(&[args, &["--yes", "--wait"]].concat());
        assert_eq!(code, Some(0), "{args:?}: {told}");
        let requests = self.cluster.audit().since(mark).unwrap();
        let mine: Vec<Request> = requests
            .into_iter()
            .filter(|request| request.user.ends_with(&self.maria) && request.changes())
            .filter(|request| !request.uri.contains("dryRun=All") && request.code < 300)
            .collect();
        (mine, told)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_canary_is_promoted_aborted_retried_and_sent_through() {
    let stage = Stage::set().await;
    let steps = json!([{"setWeight": 50}, {"pause": {}}, {"setWeight": 100}, {"pause": {}}]);
    stage.rollout("cart", json!({"canary": {"steps": steps}})).await;
    let (code, told) = stage.run(&["promote-step", "rollout/cart", "--yes"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("nothing on its way"), "{told}");
    stage.release("cart", 2).await;

    let (request, told) = stage.one(&["promote-step", "rollout/cart"]);
    assert_eq!((request.verb.as_str(), request.resource.as_str()), ("patch", "rollouts/status"));
    assert_eq!(request.body["status"], json!({"pauseConditions": null}));
    assert!(request.body["metadata"]["resourceVersion"].is_string(), "{}", request.body);
    assert!(told.contains("it went on"), "{told}");
    stage.becomes("cart", "/status/currentStepIndex", "3").await;

    let (request, told) = stage.one(&["abort", "rollout/cart"]);
    assert_eq!(request.body["status"], json!({"abort": true}));
    assert!(told.contains("back on what was stable"), "{told}");
    assert_eq!(stage.field("cart", "/status/phase"), "Degraded");
    let (code, told) = stage.run(&["promote-full", "rollout/cart", "--yes"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("Retry it first"), "{told}");

    let (request, _) = stage.one(&["retry", "rollout/cart"]);
    assert_eq!(request.body["status"], json!({"abort": false}));
    stage.becomes("cart", "/status/currentStepIndex", "1").await;
    stage.becomes("cart", "/status/phase", "Paused").await;

    let (request, _) = stage.one(&["pause", "rollout/cart"]);
    assert_eq!((request.resource.as_str(), &request.body["spec"]), ("rollouts", &json!({"paused": true})));
    let (_, told) = stage.one(&["resume", "rollout/cart"]);
    assert!(told.contains("it waits"), "{told}");

    let (request, told) = stage.one(&["promote-full", "rollout/cart"]);
    assert_eq!(request.body["status"], json!({"promoteFull": true}));
    assert!(told.contains("runs everywhere"), "{told}");
    assert_eq!(stage.field("cart", "/status/phase"), "Healthy");

    let (request, told) = stage.one(&["scale", "rollout/cart", "--replicas", "3"]);
    assert_eq!(request.resource, "rollouts/scale");
    assert!(told.contains("3 of 3 pods ready"), "{told}");
    let (request, _) = stage.one(&["restart", "rollout/cart"]);
    assert_eq!(request.body["spec"]["restartAt"], stage.field("cart", "/status/restartedAt"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_blue_green_pair_is_switched_and_gone_back_from() {
    let stage = Stage::set().await;
    for name in ["cart", "cart-preview"] {
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": stage.namespace},
            "spec": {"selector": {"app": "cart"}, "ports": [{"port": 80}]}});
        stage.cluster.apply(&service).unwrap();
    }
    let strategy = json!({"blueGreen": {"activeService": "cart", "previewService": "cart-preview",
        "autoPromotionEnabled": false, "scaleDownDelaySeconds": 600}});
    stage.rollout("cart", strategy).await;
    // Which ReplicaSet is the older one is told by whole seconds.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    stage.release("cart", 2).await;
    // A person pauses it besides: the traffic stays, and an abort takes the preview away all the same.
    stage.one(&["pause", "rollout/cart"]);
    stage.becomes("cart", "/status/message", "manually paused").await;
    let (request, told) = stage.one(&["abort", "rollout/cart"]);
    assert_eq!(request.body["status"], json!({"abort": true}));
    assert!(told.contains("back on what was stable"), "{told}");
    let hash = stage.field("cart", "/status/currentPodHash");
    let preview = format!("apps/v1/replicasets/cart-{hash}");
    let deadline =
        || stage.cluster.field(&stage.namespace, &preview, "/metadata/annotations/scale-down-deadline");
    stage.cluster.until("the end of the preview", || !deadline().unwrap().is_empty()).await.unwrap();
    let (requests, _) = stage.two(&["retry", "rollout/cart"]);
    assert_eq!(requests, [paused_ended(), status(json!({"abort": false}))]);
    stage.becomes("cart", "/status/message", "BlueGreenPause").await;

    stage.one(&["pause", "rollout/cart"]);
    stage.becomes("cart", "/status/message", "manually paused").await;
    let (requests, told) = stage.two(&["promote-step", "rollout/cart"]);
    assert_eq!(requests, [paused_ended(), status(json!({"pauseConditions": null}))]);
    assert!(told.contains("the new pods have the traffic"), "{told}");
    let live = stage.field("cart", "/status/blueGreen/activeSelector");
    assert_eq!(live, stage.field("cart", "/status/currentPodHash"));

    // Its old pods still run: the plan says that the way back needs no promotion, and it needs none.
    let (code, told) = stage.run(&["undo", "rollout/cart", "--plan"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("at once, without a pause"), "{told}");
    let (request, _) = stage.one(&["undo", "rollout/cart"]);
    assert_eq!((request.verb.as_str(), request.resource.as_str()), ("patch", "rollouts"));
    assert_eq!(stage.field("cart", "/spec/template/spec/containers/0/image"), "registry.example/cart:1");
    assert_ne!(stage.field("cart", "/status/blueGreen/activeSelector"), live);
    let sets = ["-n", &stage.namespace, "get", "rs", "-o", "name"];
    assert_eq!(
        stage.cluster.kubectl(&sets).unwrap().lines().count(),
        2,
        "the old template, and no third one"
    );
}

/// A body that ends a pause by hand, or says this of the status.
fn paused_ended() -> (String, Value) {
    ("rollouts".to_owned(), json!({"paused": null}))
}

fn status(said: Value) -> (String, Value) {
    ("rollouts/status".to_owned(), said)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_canary_that_was_paused_by_hand_is_promoted_through_it() {
    let stage = Stage::set().await;
    let steps = json!([{"setWeight": 50}, {"pause": {}}, {"setWeight": 100}, {"pause": {}}]);
    stage.rollout("cart", json!({"canary": {"steps": steps}})).await;
    stage.release("cart", 2).await;
    stage.one(&["pause", "rollout/cart"]);
    stage.becomes("cart", "/status/message", "manually paused").await;
    let (code, told) = stage.run(&["promote-step", "rollout/cart", "--plan"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("that is ended first"), "{told}");
    let (requests, told) = stage.two(&["promote-step", "rollout/cart"]);
    assert_eq!(requests, [paused_ended(), status(json!({"pauseConditions": null}))]);
    assert!(told.contains("it went on"), "{told}");
    stage.becomes("cart", "/status/currentStepIndex", "3").await;
    stage.becomes("cart", "/status/phase", "Paused").await;
    assert_eq!(stage.field("cart", "/spec/paused"), "");

    stage.one(&["pause", "rollout/cart"]);
    stage.becomes("cart", "/status/message", "manually paused").await;
    let (requests, told) = stage.two(&["promote-full", "rollout/cart"]);
    assert_eq!(requests, [paused_ended(), status(json!({"promoteFull": true}))]);
    assert!(told.contains("runs everywhere"), "{told}");
    assert_eq!(stage.field("cart", "/status/phase"), "Healthy");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn an_abort_of_a_canary_that_was_paused_by_hand_takes_its_pods_away() {
    let stage = Stage::set().await;
    let steps = json!([{"setWeight": 50}, {"pause": {}}]);
    stage.rollout("cart", json!({"canary": {"steps": steps}})).await;
    stage.release("cart", 2).await;
    let hash = stage.field("cart", "/status/currentPodHash");
    let label = format!("rollouts-pod-template-hash={hash}");
    let pods = || stage.cluster.kubectl(&["-n", &stage.namespace, "get", "pods", "-o", "name", "-l", &label]);
    assert!(!pods().unwrap().is_empty());
    stage.one(&["pause", "rollout/cart"]);
    stage.becomes("cart", "/status/message", "manually paused").await;
    let (requests, told) = stage.two(&["abort", "rollout/cart"]);
    assert_eq!(requests, [status(json!({"abort": true})), paused_ended()]);
    assert!(told.contains("back on what was stable"), "{told}");
    stage.cluster.until("no pod of the canary", || pods().unwrap().is_empty()).await.unwrap();
    let state = ["/status/phase", "/status/abort", "/spec/paused"].map(|field| stage.field("cart", field));
    assert_eq!(state, ["Degraded", "true", ""]);
    // It is degraded from before: that is no failure of a restart, nor of the end of another pause.
    let (request, told) = stage.one(&["restart", "rollout/cart"]);
    assert_eq!(request.body["spec"]["restartAt"], stage.field("cart", "/status/restartedAt"));
    assert!(told.contains("its pods were made anew"), "{told}");
    stage.one(&["pause", "rollout/cart"]);
    let (code, told) = stage.run(&["resume", "rollout/cart", "--plan"]);
    assert!(code == Some(0) && told.contains("it stays aborted"), "{told}");
    let (_, told) = stage.one(&["resume", "rollout/cart"]);
    assert!(told.contains("stands as it was set"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn an_abort_needs_no_right_but_that_of_the_status() {
    let stage = Stage::set_for(&json!([
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["argoproj.io"], "resources": ["rollouts/status"], "verbs": ["patch"]},
    ]))
    .await;
    stage.rollout("cart", json!({"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}})).await;
    stage.release("cart", 2).await;
    stage.patches("cart", &json!({"spec": {"paused": true}}), &[]);
    stage.becomes("cart", "/status/message", "manually paused").await;
    let (request, told) = stage.one(&["abort", "rollout/cart"]);
    assert_eq!(request.body["status"], json!({"abort": true}));
    assert!(told.contains("its new pods stay until it is resumed"), "{told}");
    assert_eq!(stage.field("cart", "/status/abort"), "true");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn what_was_promoted_in_full_under_a_pause_by_hand_takes_no_step_and_is_restarted_all_the_same() {
    let stage = Stage::set().await;
    let steps = json!([{"setWeight": 50}, {"pause": {}}, {"setWeight": 75}, {"pause": {}}]);
    stage.rollout("cart", json!({"canary": {"steps": steps}})).await;
    stage.release("cart", 2).await;
    stage.one(&["pause", "rollout/cart"]);
    stage.becomes("cart", "/status/message", "manually paused").await;
    let (request, told) = stage.one(&["restart", "rollout/cart"]);
    assert_eq!(request.body["spec"]["restartAt"], stage.field("cart", "/status/restartedAt"));
    assert!(told.contains("its pods were made anew"), "{told}");
    stage.patches("cart", &json!({"status": {"promoteFull": true}}), &["--subresource=status"]);
    let (code, told) = stage.run(&["promote-step", "rollout/cart", "--yes"]);
    assert!(code == Some(1) && told.contains("goes as soon as it is resumed"), "{told}");
    let (code, told) = stage.run(&["resume", "rollout/cart", "--plan"]);
    assert!(code == Some(0) && told.contains("without its further steps"), "{told}");
    stage.one(&["resume", "rollout/cart"]);
    stage.becomes("cart", "/status/phase", "Healthy").await;
    assert_eq!(stage.field("cart", "/status/stableRS"), stage.field("cart", "/status/currentPodHash"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn an_analysis_that_runs_is_passed_by_the_index_of_its_step() {
    let stage = Stage::set().await;
    // It measures nothing before the test is over.
    let metric = json!({"name": "late", "initialDelay": "1h", "successCondition": "true",
        "provider": {"prometheus": {"address": "http://127.0.0.1:1", "query": "up"}}});
    let template = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate",
        "metadata": {"name": "late", "namespace": stage.namespace}, "spec": {"metrics": [metric]}});
    stage.cluster.apply(&template).unwrap();
    let analysis = json!({"analysis": {"templates": [{"templateName": "late"}]}});
    let steps = json!([{"setWeight": 50}, analysis, {"pause": {}}]);
    stage.rollout("cart", json!({"canary": {"steps": steps}})).await;
    stage.sends("cart", 2);
    stage.becomes("cart", "/status/canary/currentStepAnalysisRunStatus/status", "Running").await;
    let run = stage.field("cart", "/status/canary/currentStepAnalysisRunStatus/name");
    let (code, told) = stage.run(&["promote-step", "rollout/cart", "--plan"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains(&format!("{run} is ended, and counts as passed")), "{told}");
    let (request, told) = stage.one(&["promote-step", "rollout/cart"]);
    assert_eq!(request.resource, "rollouts/status");
    assert_eq!(
        request.body["status"],
        json!({"pauseConditions": null, "currentStepIndex": 2, "observedGeneration": null})
    );
    assert!(told.contains("it went on"), "{told}");
    stage.becomes("cart", "/status/phase", "Paused").await;
    assert_eq!(stage.field("cart", "/status/currentStepIndex"), "2");
    let run = format!("argoproj.io/v1alpha1/analysisruns/{run}");
    let phase = || stage.cluster.field(&stage.namespace, &run, "/status/phase").unwrap();
    stage.cluster.until("the run is over", || phase() == "Successful").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_step_that_waits_for_pods_is_left_for_one_that_waits_too() {
    let stage = Stage::set().await;
    let steps = json!([{"setWeight": 50}, {"setWeight": 100}, {"pause": {}}]);
    stage.rollout("cart", json!({"canary": {"steps": steps}})).await;
    let nowhere = json!({"nodeSelector": {"nobody": "has-this"}});
    stage.patches("cart", &json!({"spec": {"template": {"spec": nowhere}}}), &[]);
    stage.becomes("cart", "/status/updatedReplicas", "1").await;
    let (request, told) = stage.one(&["promote-step", "rollout/cart"]);
    assert_eq!(
        request.body["status"],
        json!({"pauseConditions": null, "currentStepIndex": 1, "observedGeneration": null})
    );
    assert!(told.contains("it went on"), "{told}");
    // Nothing else is different: no pod more can be made while these are not ready.
    let state =
        ["currentStepIndex", "updatedReplicas"].map(|of| stage.field("cart", &format!("/status/{of}")));
    assert_eq!(state, ["1", "1"]);
}

/// A Prometheus that has one answer: 1.
async fn prometheus() -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = [0; 8192];
            let _ = stream.read(&mut asked).await;
            let vector =
                json!({"resultType": "vector", "result": [{"metric": {}, "value": [1_795_271_520, "1"]}]});
            let body = json!({"status": "success", "data": vector}).to_string();
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
            let _ = stream
                .write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes())
                .await;
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn an_analysis_without_a_verdict_is_passed_and_not_run_again() {
    let stage = Stage::set().await;
    let metric = json!({"name": "neither", "successCondition": "result[0] > 5", "failureCondition": "result[0] < 0",
        "provider": {"prometheus": {"address": prometheus().await, "query": "up"}}});
    let template = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate",
        "metadata": {"name": "neither", "namespace": stage.namespace}, "spec": {"metrics": [metric]}});
    stage.cluster.apply(&template).unwrap();
    let analysis = json!({"analysis": {"templates": [{"templateName": "neither"}]}});
    let steps = json!([{"setWeight": 50}, analysis, {"setWeight": 75}, {"pause": {}}]);
    stage.rollout("cart", json!({"canary": {"steps": steps}})).await;
    stage.sends("cart", 2);
    stage.becomes("cart", "/status/message", "InconclusiveAnalysisRun").await;
    // A person pauses it besides.
    stage.one(&["pause", "rollout/cart"]);
    stage.becomes("cart", "/status/message", "manually paused").await;
    let (requests, told) = stage.two(&["promote-step", "rollout/cart"]);
    let passed = json!({"pauseConditions": null, "controllerPause": false, "currentStepIndex": 2,
        "observedGeneration": null});
    assert_eq!(requests, [paused_ended(), status(passed)]);
    assert!(told.contains("it went on"), "{told}");
    stage.becomes("cart", "/status/message", "CanaryPauseStep").await;
    assert_eq!(stage.field("cart", "/status/currentStepIndex"), "3");
    let runs = stage.cluster.kubectl(&["-n", &stage.namespace, "get", "analysisruns", "-o", "name"]).unwrap();
    assert_eq!(runs.lines().count(), 1, "{runs}");
}
