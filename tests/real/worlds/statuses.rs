//! A zoo of pods: our STATUS, READY and RESTARTS are kubectl's, for every one of them.

use pilothouse::panes::PaneId;
use serde_json::{Value, json};

use super::{Scene, pod};

/// A pod that no scheduler and no kubelet looks after; its status is what a test writes.
fn stuffed(name: &str, spec: &Value) -> Value {
    let mut pod = pod(name, &json!({}));
    pod["spec"]["schedulerName"] = json!("nobody");
    for (key, value) in spec.as_object().into_iter().flatten() {
        pod["spec"][key] = value.clone();
    }
    pod
}

fn waiting(reason: &str) -> Value {
    json!({"waiting": {"reason": reason}})
}

fn ended(code: i32, reason: &str) -> Value {
    json!({"terminated": {"exitCode": code, "reason": reason, "finishedAt": "2026-01-01T00:00:00Z"}})
}

fn signalled(signal: i32) -> Value {
    json!({"terminated": {"exitCode": 0, "signal": signal, "finishedAt": "2026-01-01T00:00:00Z"}})
}

fn running() -> Value {
    json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}})
}

fn container(name: &str, ready: bool, restarts: u32, state: Value) -> Value {
    let started = state.get("running").is_some();
    json!({"name": name, "image": "cart:1.30.0", "imageID": "", "ready": ready, "started": started,
           "restartCount": restarts, "state": state})
}

/// What only a kubelet in trouble writes, and what STATUS comes of it.
fn statuses() -> Vec<(&'static str, Value, Value)> {
    let two = json!({"containers": [{"name": "main", "image": "a"}, {"name": "side", "image": "b"}]});
    let inits = json!({"initContainers": [{"name": "one", "image": "a"}, {"name": "two", "image": "b"}]});
    let sidecar = json!({"initContainers": [{"name": "mesh", "image": "a", "restartPolicy": "Always"}]});
    let main =
        |state: Value| json!({"phase": "Running", "containerStatuses": [container("main", false, 0, state)]});
    let init = |one: Value, two: Value| {
        json!({"phase": "Pending",
               "initContainerStatuses": [container("one", true, 1, one), container("two", false, 2, two)],
               "containerStatuses": [container("main", false, 0, waiting("PodInitializing"))]})
    };
    let done = || ended(0, "Completed");
    let ready = |status: &str| json!([{"type": "Ready", "status": status}]);
    vec![
        (
            "creating",
            json!({}),
            json!({"phase": "Pending", "containerStatuses": [container("main", false, 0, waiting("ContainerCreating"))]}),
        ),
        ("config", json!({}), main(waiting("CreateContainerConfigError"))),
        ("err-pull", json!({}), main(waiting("ErrImagePull"))),
        ("bad-name", json!({}), main(waiting("InvalidImageName"))),
        ("exit-5", json!({}), main(ended(5, ""))),
        ("signal-9", json!({}), main(signalled(9))),
        ("contained", json!({}), main(ended(128, "ContainerCannotRun"))),
        (
            "back-off",
            json!({}),
            json!({"phase": "Running", "containerStatuses": [{
            "name": "main", "image": "a", "imageID": "", "ready": false, "restartCount": 7,
            "state": waiting("CrashLoopBackOff"), "lastState": ended(137, "OOMKilled")}]}),
        ),
        (
            "half-done",
            two.clone(),
            json!({"phase": "Running", "conditions": ready("False"), "containerStatuses": [
            container("main", false, 0, done()), container("side", true, 3, running())]}),
        ),
        (
            "half-done-ready",
            two.clone(),
            json!({"phase": "Running", "conditions": ready("True"), "containerStatuses": [
            container("main", false, 0, done()), container("side", true, 3, running())]}),
        ),
        (
            "half-failed",
            two,
            json!({"phase": "Running", "conditions": ready("False"), "containerStatuses": [
            container("main", false, 0, ended(1, "Error")), container("side", true, 1, running())]}),
        ),
        ("init-0", inits.clone(), init(running(), waiting("PodInitializing"))),
        ("init-1", inits.clone(), init(done(), running())),
        ("init-loop", inits.clone(), init(done(), waiting("CrashLoopBackOff"))),
        ("init-pull", inits.clone(), init(waiting("ImagePullBackOff"), waiting("PodInitializing"))),
        ("init-error", inits.clone(), init(done(), ended(1, "Error"))),
        ("init-exit", inits.clone(), init(done(), ended(3, ""))),
        ("init-signal", inits.clone(), init(done(), json!({"terminated": {"exitCode": 137, "signal": 9}}))),
        ("init-done", inits, init(done(), done())),
        (
            "mesh-starts",
            sidecar.clone(),
            json!({"phase": "Pending",
            "initContainerStatuses": [container("mesh", false, 0, waiting("PodInitializing"))],
            "containerStatuses": [container("main", false, 0, waiting("PodInitializing"))]}),
        ),
        (
            "mesh-runs",
            sidecar.clone(),
            json!({"phase": "Running",
            "conditions": [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "True"}],
            "initContainerStatuses": [container("mesh", true, 2, running())],
            "containerStatuses": [container("main", true, 1, running())]}),
        ),
        (
            "mesh-crashes",
            sidecar.clone(),
            json!({"phase": "Running",
            "conditions": [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "False"}],
            "initContainerStatuses": [container("mesh", false, 9, waiting("CrashLoopBackOff"))],
            "containerStatuses": [container("main", true, 1, running())]}),
        ),
        (
            "mesh-crashes-first",
            sidecar,
            json!({"phase": "Pending",
            "initContainerStatuses": [container("mesh", false, 4, waiting("CrashLoopBackOff"))],
            "containerStatuses": [container("main", false, 0, waiting("PodInitializing"))]}),
        ),
        (
            "evicted",
            json!({}),
            json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}),
        ),
        (
            "lost",
            json!({}),
            json!({"phase": "Running", "reason": "NodeLost",
            "containerStatuses": [container("main", true, 0, running())]}),
        ),
        ("affinity", json!({}), json!({"phase": "Failed", "reason": "NodeAffinity"})),
        ("unknown", json!({}), json!({"phase": "Unknown"})),
        ("strange", json!({}), json!({"phase": "Running", "reason": "SomethingNew"})),
        (
            "succeeded",
            json!({}),
            json!({"phase": "Succeeded", "containerStatuses": [container("main", false, 0, done())]}),
        ),
        ("no-word", json!({}), json!({"phase": "Running"})),
        ("no-reason", json!({}), main(json!({"waiting": {}}))),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn every_pod_has_the_status_that_kubectl_gives_it() {
    let mut scene = Scene::set_at("zoo", (200, 80)).await;
    let crash = |more: Value| {
        let mut all = json!({"pilothouse.test/behavior": "crash", "pilothouse.test/crash-after": "1s",
            "pilothouse.test/backoff": "1h"});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let mut list = Vec::new();
    let mut add = |mut pod: Value, spec: Value| {
        for (key, value) in spec.as_object().into_iter().flatten() {
            pod["spec"][key] = value.clone();
        }
        pod["metadata"]["namespace"] = json!(scene.namespace);
        list.push(pod);
    };
    let two = json!({"containers": [{"name": "main", "image": "a"}, {"name": "side", "image": "b"}]});
    // Those that real controllers and KWOK's kubelet make.
    add(pod("runs", &json!({})), two.clone());
    add(pod("starts", &json!({"pilothouse.test/ready-after": "1h"})), json!({}));
    add(pod("nowhere", &json!({})), json!({"nodeSelector": {"disk": "none"}}));
    add(pod("gated", &json!({})), json!({"schedulingGates": [{"name": "pilothouse.test/wait"}]}));
    add(pod("pulls", &json!({"pilothouse.test/behavior": "pull"})), json!({}));
    add(pod("loops", &crash(json!({}))), json!({}));
    add(pod("loops-alone", &crash(json!({"pilothouse.test/crash-container": "side"}))), two);
    let error = json!({"pilothouse.test/crash-reason": "Error", "pilothouse.test/crash-exit-code": "1"});
    add(pod("fails", &crash(error)), json!({"restartPolicy": "Never"}));
    add(pod("killed", &crash(json!({}))), json!({"restartPolicy": "Never"}));
    add(
        pod("leaves", &json!({"pilothouse.test/terminate-after": "1h"})),
        json!({"terminationGracePeriodSeconds": 3600}),
    );
    for (name, spec, _) in statuses() {
        add(stuffed(name, &spec), json!({}));
    }
    // One that ended, one whose node was lost, and one that runs, all to be deleted while something holds them.
    for name in ["held", "held-lost", "held-done"] {
        let mut pod = stuffed(name, &json!({}));
        pod["metadata"]["finalizers"] = json!(["pilothouse.test/holds"]);
        add(pod, json!({}));
    }
    scene.cluster.apply(&json!({"apiVersion": "v1", "kind": "List", "items": list})).unwrap();
    for (name, _, status) in statuses() {
        scene.write_status(&format!("pod/{name}"), &status);
    }
    let runs = json!([container("main", true, 0, running())]);
    scene.write_status("pod/held", &json!({"phase": "Running", "containerStatuses": runs}));
    scene.write_status(
        "pod/held-lost",
        &json!({"phase": "Running", "reason": "NodeLost", "containerStatuses": runs}),
    );
    let over = json!([container("main", false, 0, ended(0, "Completed"))]);
    scene.write_status("pod/held-done", &json!({"phase": "Succeeded", "containerStatuses": over}));
    scene.kubectl(&["wait", "--for=condition=Ready", "pod/leaves", "pod/runs", "--timeout=60s"]);
    scene.kubectl(&["delete", "--wait=false", "pod/leaves", "pod/held", "pod/held-lost", "pod/held-done"]);
    let settled = |table: &str| {
        let of = |name: &str, status: &str| {
            table.lines().any(|line| line.starts_with(&format!("{name} ")) && line.contains(status))
        };
        of("pulls", "ImagePullBackOff")
            && of("loops", "CrashLoopBackOff")
            && of("loops-alone", "CrashLoopBackOff")
            && of("fails", "Error")
            && of("killed", "OOMKilled")
            && of("gated", "SchedulingGated")
            && of("nowhere", "Pending")
            && of("leaves", "Terminating")
            && of("starts", "Running")
    };
    scene.until(&["get", "pods", "--no-headers"], settled).await;
    let pods = scene.same_pods_as_kubectl().await;
    assert_eq!(pods.len(), 13 + statuses().len(), "{pods:#?}");

    // The screen has them all, each in a row of its own.
    scene.goes_to(PaneId::Pods);
    scene.person.keys("enter");
    for (name, row) in &pods {
        let [ready, status, _] = row.split(' ').collect::<Vec<_>>()[..] else { panic!("{row}") };
        scene.person.see_row(&format!(" {name} "), &format!(" {ready} ")).await;
        scene.person.see_row(&format!(" {name} "), &status[..status.len().min(22)]).await;
    }
    for name in ["held", "held-lost", "held-done"] {
        scene.kubectl(&["patch", "pod", name, "--type=merge", "-p", r#"{"metadata":{"finalizers":null}}"#]);
    }
    scene.kubectl(&["delete", "pods", "--all", "--force", "--grace-period=0", "--wait=false"]);
    scene.same_pods_as_kubectl().await;
    scene.person.see_no_row(" runs ", "Running").await;
}
