//! Changes before a real API server, judged by its audit log (exactly one request that changes something, by the right
//! person, with the right body) and by what the cluster is afterwards.

use std::path::{Path, PathBuf};
use std::process::Output;

use ground::Cluster;
use ground::audit::{Mark, Request};
use serde_json::{Value, json};

use super::common::{folder, quick, reader};
use super::person::{Desk, Person};
use super::worlds;

/// What a person needs to scale, restart and undo, and no more.
fn operator() -> Value {
    json!([
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["apps"], "resources": ["deployments", "deployments/scale"], "verbs": ["patch"]},
        {"apiGroups": ["autoscaling"], "resources": ["horizontalpodautoscalers"], "verbs": ["patch"]},
    ])
}

struct Stage<'a> {
    cluster: &'a Cluster,
    namespace: String,
    /// Who acts, as the cluster names her: one for each namespace.
    maria: String,
    kubeconfig: PathBuf,
    home: PathBuf,
}

impl<'a> Stage<'a> {
    /// In the cluster with nodes that others use too.
    async fn set(rules: &Value) -> Stage<'static> {
        Stage::set_in(worlds::shared().await, rules).await
    }

    /// A namespace that is taken for development, with a Deployment of two ready pods.
    async fn set_in(cluster: &'a Cluster, rules: &Value) -> Stage<'a> {
        let namespace = cluster.namespace("dev-shop").await.unwrap();
        let maria = format!("maria-of-{namespace}");
        let kubeconfig = cluster.user(&maria, &[&namespace], rules).unwrap();
        let home = folder(cluster, "home");
        let stage = Stage { cluster, namespace, maria, kubeconfig, home };
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

    /// A field of the Deployment, by its JSON pointer.
    fn field(&self, pointer: &str) -> String {
        self.cluster.field(&self.namespace, "apps/v1/deployments/cart", pointer).unwrap()
    }

    async fn ready(&self, count: u32) {
        let wanted = count.to_string();
        let what = format!("{count} pods ready");
        self.cluster
            .until(&what, || {
                self.field("/status/readyReplicas") == wanted
                    && self.field("/status/updatedReplicas") == wanted
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
            .filter(|request| request.user.ends_with(&self.maria) && request.changes())
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

pub fn command(home: &Path, kubeconfig: &Path) -> std::process::Command {
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
        (stage.field("/spec/replicas"), stage.field("/status/readyReplicas")),
        ("4".into(), "4".into())
    );

    let mark = stage.mark();
    let (code, told) = stage.run(&["restart", "deploy/cart", "--yes", "--wait"]);
    assert_eq!(code, Some(0), "{told}");
    let [restart] = stage.changes(mark).try_into().unwrap_or_else(|all| panic!("{all:?}"));
    assert_eq!((restart.verb.as_str(), restart.resource.as_str()), ("patch", "deployments"));
    let at = stage.field("/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt");
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
    assert_eq!(stage.field("/spec/template/spec/containers/0/image"), "registry.example/cart:1.30.4");
    // The same template is the same ReplicaSet: the hash of the controller was left out.
    let sets = stage.cluster.kubectl(&["-n", &stage.namespace, "get", "rs", "-o", "name"]).unwrap();
    assert_eq!(sets.lines().count(), 3, "first, restarted, 1.31.0: {sets}");

    let (code, journal) = stage.run(&["journal", "-o", "json"]);
    assert_eq!(code, Some(0));
    let named = format!("\"kube\": \"system:serviceaccount:people:{}\"", stage.maria);
    assert_eq!(journal.matches(&named).count(), 3, "as the cluster names her: {journal}");
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
    assert_eq!(stage.field("/spec/replicas"), "2");
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
    let changes: Vec<_> =
        everything.iter().filter(|r| r.user.ends_with(&stage.maria) && r.changes()).collect();
    assert!(changes.is_empty(), "not even tried: {changes:?}");
    assert_eq!(stage.field("/spec/replicas"), "2");
    let (code, told) = stage.run(&["scale", "deploy/cart", "--replicas", "4", "--yes", "--read-only"]);
    assert_eq!(code, Some(4), "{told}");
    assert!(stage.changes(mark).is_empty());
}

/// What a person needs for the rest of the actions.
fn keeper() -> Value {
    json!([
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"]},
        {"apiGroups": ["batch"], "resources": ["cronjobs"], "verbs": ["patch"]},
        {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]},
    ])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn pause_resume_delete_suspend_and_trigger_are_one_request_each() {
    let stage = Stage::set(&keeper()).await;
    let cron = json!({
        "apiVersion": "batch/v1", "kind": "CronJob",
        "metadata": {"name": "report", "namespace": stage.namespace},
        "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "x", "image": "registry.example/report:1"}]}}}}},
    });
    stage.cluster.apply(&cron).unwrap();
    let one = |args: &[&str]| {
        let mark = stage.mark();
        let (code, told) = stage.run(args);
        assert_eq!(code, Some(0), "{args:?}: {told}");
        let [request] = stage.changes(mark).try_into().unwrap_or_else(|all| panic!("{args:?}: {all:?}"));
        request
    };

    let pause = one(&["pause", "deploy/cart", "--yes", "--wait"]);
    assert_eq!((pause.verb.as_str(), &pause.body["spec"]), ("patch", &json!({"paused": true})));
    assert_eq!(stage.field("/spec/paused"), "true");
    let resume = one(&["resume", "deploy/cart", "--yes", "--wait"]);
    assert_eq!(resume.body["spec"], json!({"paused": null}));
    assert_eq!(stage.field("/spec/paused"), "");

    let suspend = one(&["suspend", "report", "--yes", "--wait"]);
    assert_eq!((suspend.verb.as_str(), suspend.resource.as_str()), ("patch", "cronjobs"));
    assert_eq!(suspend.body["spec"], json!({"suspend": true}));
    one(&["resume", "cj/report", "--yes", "--wait"]);
    let trigger = one(&["trigger", "report", "--yes", "--wait"]);
    assert_eq!((trigger.verb.as_str(), trigger.resource.as_str()), ("create", "jobs"));
    assert_eq!(trigger.body["metadata"]["annotations"]["cronjob.kubernetes.io/instantiate"], "manual");

    let names =
        ["-n", &stage.namespace, "get", "pods", "-l", "app=cart", "-o", "jsonpath={.items[0].metadata.name}"];
    let pod = stage.cluster.kubectl(&names).unwrap();
    let delete = one(&["delete", &pod, "--yes", "--wait"]);
    assert_eq!((delete.verb.as_str(), delete.resource.as_str()), ("delete", "pods"));
    assert!(delete.body["preconditions"]["uid"].is_string(), "{}", delete.body);
    stage.ready(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_drain_waits_for_the_budget_and_leaves_no_pod() {
    // Nodes are the cluster's: nobody else may have pods on them, and whoever drains them has more than a namespace.
    let cluster = Cluster::start().with_kwok().await.unwrap();
    cluster.nodes(2).await.unwrap();
    let stage = Stage::set_in(&cluster, &reader()).await;
    let keeper = json!([
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["patch"]},
        {"apiGroups": [""], "resources": ["pods/eviction"], "verbs": ["create"]},
    ]);
    let kubeconfig = stage.cluster.user("keeper", &[], &keeper).unwrap();
    let run = |args: &[&str]| {
        let Output { status, stdout, stderr } =
            command(&stage.home, &kubeconfig).args(args).output().unwrap();
        (status.code(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
    };
    let node = stage
        .cluster
        .kubectl(&[
            "-n",
            &stage.namespace,
            "get",
            "pods",
            "-l",
            "app=cart",
            "-o",
            "jsonpath={.items[0].spec.nodeName}",
        ])
        .unwrap();
    let budget = |most: u32| {
        json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": {"name": "cart", "namespace": stage.namespace},
            "spec": {"maxUnavailable": most, "selector": {"matchLabels": {"app": "cart"}}}})
    };
    // For a while it lets no pod go, and is waited for; then one after the other.
    stage.cluster.apply(&budget(0)).unwrap();
    let names_budget = || {
        stage.cluster.field(&stage.namespace, "policy/v1/poddisruptionbudgets/cart", "/status/expectedPods")
    };
    stage
        .cluster
        .until("a budget that knows its pods", || names_budget().is_ok_and(|n| n == "2"))
        .await
        .unwrap();
    let mark = stage.mark();
    let drain = std::thread::scope(|scope| {
        let draining = scope.spawn(|| run(&["drain", &node, "--yes", "--wait"]));
        let began = std::time::Instant::now();
        // What the plan tries is held up too, and is no eviction.
        let waits = || {
            let requests = stage.cluster.audit().since(mark).unwrap();
            requests.iter().any(|one| {
                one.resource == "pods/eviction" && one.code == 429 && !one.uri.contains("dryRun=All")
            })
        };
        while !waits() && !draining.is_finished() && began.elapsed() < std::time::Duration::from_secs(60) {
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        let waited = waits();
        stage.cluster.apply(&budget(1)).unwrap();
        (waited, draining.join().unwrap())
    });
    let (waited, (code, told)) = drain;
    assert_eq!(code, Some(0), "{told}");
    assert!(waited, "nothing was held up: {told}");
    assert!(told.contains("waits: The disruption budget cart"), "{told}");
    let on = ["get", "pods", "-A", "-o", "name", &format!("--field-selector=spec.nodeName={node}")];
    assert_eq!(stage.cluster.kubectl(&on).unwrap().trim(), "");
    let requests = stage.cluster.audit().since(mark).unwrap();
    let mine: Vec<_> = requests
        .iter()
        .filter(|one| one.user.contains("keeper") && one.changes() && !one.uri.contains("dryRun=All"))
        .filter(|one| one.code < 400)
        .map(|one| (one.verb.as_str(), one.resource.as_str()))
        .collect();
    assert_eq!(mine[0], ("patch", "nodes"), "{mine:?}");
    assert!(mine.len() > 1 && mine[1..].iter().all(|one| *one == ("create", "pods/eviction")), "{mine:?}");
    let (code, told) = run(&["uncordon", &node, "--yes"]);
    assert_eq!(code, Some(0), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_restart_whose_pods_never_come_fails_by_its_deadline() {
    let stage = Stage::set(&operator()).await;
    let labels = json!({"app": "stuck"});
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "stuck", "namespace": stage.namespace},
        "spec": {"replicas": 1, "progressDeadlineSeconds": 4, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels, "annotations": {"pilothouse.test/behavior": "pull"}},
            "spec": {"containers": [{"name": "main", "image": "registry.example/stuck:1"}]}}},
    });
    stage.cluster.apply(&deployment).unwrap();
    let Output { status, stdout, stderr } = command(&stage.home, &stage.kubeconfig)
        .args(["restart", "deploy/stuck", "-n", &stage.namespace, "--yes", "--wait"])
        .output()
        .unwrap();
    let told = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert_eq!(status.code(), Some(1), "{told}");
    assert!(told.contains("failed: its deadline has passed: "), "{told}");
}

/// What a person needs for what a StatefulSet, a DaemonSet or an autoscaler keeps.
fn curator() -> Value {
    json!([
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["apps"], "resources": ["statefulsets", "daemonsets"], "verbs": ["patch"]},
        {"apiGroups": ["autoscaling"], "resources": ["horizontalpodautoscalers"], "verbs": ["patch"]},
    ])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn what_is_kept_in_controller_revisions_is_gone_back_to_by_one_patch() {
    let stage = Stage::set(&curator()).await;
    for (kind, plural, new) in [
        ("StatefulSet", "statefulsets", "updatedReplicas"),
        ("DaemonSet", "daemonsets", "updatedNumberScheduled"),
    ] {
        let name = format!("kept-{}", kind.to_lowercase());
        let written = format!("apps/v1/{plural}/{name}");
        let field = |pointer: &str| stage.cluster.field(&stage.namespace, &written, pointer).unwrap();
        let ready = if kind == "DaemonSet" { "numberReady" } else { "readyReplicas" };
        let release = async |version: u32| {
            let labels = json!({"app": name});
            let mut object = json!({
                "apiVersion": "apps/v1", "kind": kind,
                "metadata": {"name": name, "namespace": stage.namespace},
                "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "main", "image": format!("registry.example/kept:{version}")}]}}},
            });
            if kind == "StatefulSet" {
                object["spec"]["replicas"] = json!(2);
                object["spec"]["serviceName"] = json!(name);
            }
            stage.cluster.apply(&object).unwrap();
            let runs = || {
                let wanted = match kind {
                    "DaemonSet" => field("/status/desiredNumberScheduled"),
                    _ => "2".to_owned(),
                };
                field("/status/observedGeneration") == field("/metadata/generation")
                    && [field(&format!("/status/{new}")), field(&format!("/status/{ready}"))]
                        == [wanted.clone(), wanted]
            };
            stage.cluster.until(&format!("{kind} of release {version}"), runs).await.unwrap();
        };
        release(1).await;
        release(2).await;
        let mark = stage.mark();
        let object = format!("{}/{name}", kind.to_lowercase());
        let (code, told) = stage.run(&["undo", &object, "--to-revision", "1", "--yes", "--wait"]);
        assert_eq!(code, Some(0), "{told}");
        let [undo] = stage.changes(mark).try_into().unwrap_or_else(|all| panic!("{kind}: {all:?}"));
        assert_eq!((undo.verb.as_str(), undo.resource.as_str(), undo.code), ("patch", plural, 200));
        let operations = undo.body.as_array().unwrap();
        let said: Vec<&str> = operations.iter().filter_map(|one| one["op"].as_str()).collect();
        assert_eq!(said, ["test", "test", "replace"], "{kind}");
        assert_eq!(field("/spec/template/spec/containers/0/image"), "registry.example/kept:1");
        let kept = stage.cluster.get(&stage.namespace, "apps/v1/controllerrevisions").unwrap();
        let of_it = |one: &&Value| one["metadata"]["ownerReferences"][0]["name"] == name.as_str();
        let kept: Vec<&Value> = kept["items"].as_array().unwrap().iter().filter(of_it).collect();
        assert_eq!(
            kept.len(),
            2,
            "{kind}: the same template is the same revision, and no third one: {kept:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn an_earlier_release_of_a_stateful_set_is_chosen_on_the_screen() {
    let stage = Stage::set(&curator()).await;
    let written = "apps/v1/statefulsets/kept";
    let field = |pointer: &str| stage.cluster.field(&stage.namespace, written, pointer).unwrap();
    for version in 1..=3 {
        let labels = json!({"app": "kept"});
        stage
            .cluster
            .apply(&json!({
                "apiVersion": "apps/v1", "kind": "StatefulSet",
                "metadata": {"name": "kept", "namespace": stage.namespace},
                "spec": {"replicas": 1, "serviceName": "kept", "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": labels}, "spec": {"containers": [
                        {"name": "main", "image": format!("registry.example/kept:{version}")}]}}},
            }))
            .unwrap();
        let runs = || {
            field("/status/observedGeneration") == field("/metadata/generation")
                && field("/status/updatedReplicas") == "1"
                && field("/status/readyReplicas") == "1"
                && field("/status/currentRevision") == field("/status/updateRevision")
        };
        stage.cluster.until(&format!("release {version}"), runs).await.unwrap();
    }
    let config = format!("stages:\n- name: development\n  namespaces: [{}]\n", stage.namespace);
    let mut person = Person::sits_down(&stage.kubeconfig, &Desk { config, size: (140, 45), ..quick() });
    person.wait_for_data().await;
    person.keys("v /");
    person.types("kept");
    person.keys("enter");
    person.see_row("kept", "1/1").await;
    person.keys("u");
    person.see("Back to which revision of kept?").await;
    person.see("revision 2    kept:2 · made ").await;
    person.see("revision 1    kept:1 · made ").await;
    let mark = stage.mark();
    person.keys("j enter");
    person.see("Plan: undo sts/kept to revision 1").await;
    person.see("main 3 → 1").await;
    person.keys("y");
    person.see("1 of 1 pods new, 1 ready").await;
    let [undo] = stage.changes(mark).try_into().unwrap_or_else(|all| panic!("{all:?}"));
    assert_eq!((undo.verb.as_str(), undo.resource.as_str(), undo.code), ("patch", "statefulsets", 200));
    assert_eq!(field("/spec/template/spec/containers/0/image"), "registry.example/kept:1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn where_an_autoscaler_rules_its_limits_are_changed_by_one_patch() {
    let stage = Stage::set(&operator()).await;
    stage
        .cluster
        .apply(&json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "cart", "namespace": stage.namespace},
            "spec": {"minReplicas": 2, "maxReplicas": 5,
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"}},
        }))
        .unwrap();
    let mark = stage.mark();
    let (code, told) = stage.run(&["scale", "deploy/cart", "--replicas", "4", "--yes"]);
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("hpa/cart keeps 2 to 5 pods") && told.contains("--min, --max"), "{told}");
    let (code, told) = stage.run(&["scale", "deploy/cart", "--replicas", "0", "--plan"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("0 disables hpa/cart"), "{told}");
    assert!(stage.changes(mark).is_empty());

    let (code, told) = stage.run(&["scale", "deploy/cart", "--min", "3", "--max", "6", "--yes", "--wait"]);
    assert_eq!(code, Some(0), "{told}");
    let [limits] = stage.changes(mark).try_into().unwrap_or_else(|all| panic!("{all:?}"));
    assert_eq!(
        (limits.verb.as_str(), limits.resource.as_str(), limits.code),
        ("patch", "horizontalpodautoscalers", 200)
    );
    assert_eq!(limits.body["spec"], json!({"minReplicas": 3, "maxReplicas": 6}));
    // The real autoscaler takes them up: it measures nothing here, but never keeps fewer than its least.
    stage.ready(3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_plan_a_yes_and_it_is_done_by_keys() {
    let stage = Stage::set(&operator()).await;
    let config = format!("stages:\n- name: development\n  namespaces: [{}]\n", stage.namespace);
    let mut person = Person::sits_down(&stage.kubeconfig, &Desk { config, size: (140, 45), ..quick() });
    person.wait_for_data().await;
    person.keys("v /");
    person.types("cart");
    person.keys("enter");
    person.see_row("cart", "2/2").await;
    let mark = stage.mark();
    person.keys("s");
    person.see("Scale cart in development").await;
    person.keys("+ enter");
    person.see("Plan: scale deploy/cart 2 → 3 in development").await;
    person.see("you may patch deployments/scale").await;
    person.see(&stage.maria).await;
    assert!(stage.changes(mark).is_empty(), "a plan changes nothing");
    person.keys("y");
    person.see("3 of 3 pods ready").await;
    let [scale] = stage.changes(mark).try_into().unwrap_or_else(|all| panic!("{all:?}"));
    assert_eq!(
        (scale.verb.as_str(), scale.resource.as_str(), scale.code),
        ("patch", "deployments/scale", 200)
    );
    assert_eq!(stage.field("/status/readyReplicas"), "3");
    let told = person.journal().read(None).unwrap().entries;
    let [entry] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(entry.end.as_ref().map(|end| end.outcome), Some(pilothouse::journal::Outcome::Done));
    // Back by the key that its sheet offers.
    person.see("way back").await;
    person.keys("u");
    person.see("Plan: scale deploy/cart 3 → 2 in development").await;
    person.keys("y");
    person.see("2 of 2 pods ready").await;
    stage.ready(2).await;
    assert_eq!(stage.changes(mark).len(), 2);
}
