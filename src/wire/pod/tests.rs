//! Pods as JSON, the columns kubectl prints for them, and the row.

use super::*;
use crate::domain::pod::PodState;
use crate::domain::time::Stamp;
use crate::wire::testing::row;
use serde_json::{Value, json};

/// A pod whose status is given; containers and init containers are named by their statuses unless the spec is.
fn pod(spec: Value, status: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "p", "namespace": "n", "uid": "0d3f8a52-19c4-4e58-9f0a-7c1de2b3a405",
                     "creationTimestamp": "2026-11-21T04:53:18Z"},
        "spec": spec, "status": status,
    })
}

fn one(status: Value) -> Value {
    pod(json!({"containers": [{"name": "a"}]}), status)
}

fn app(state: Value, ready: bool, restarts: u32) -> Value {
    json!({"name": "a", "ready": ready, "restartCount": restarts, "state": state})
}

fn with_app(phase: &str, state: Value, ready: bool) -> Value {
    one(json!({"phase": phase, "containerStatuses": [app(state, ready, 0)]}))
}

fn two(first: Value, second: Value, ready_condition: &str) -> Value {
    pod(
        json!({"containers": [{"name": "a"}, {"name": "b"}]}),
        json!({"phase": "Running", "conditions": [{"type": "Ready", "status": ready_condition}],
               "containerStatuses": [first, second]}),
    )
}

fn with_init(init: Value, rest: Value) -> Value {
    let mut status = json!({"phase": "Pending", "initContainerStatuses": init});
    status.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    pod(
        json!({"containers": [{"name": "a"}],
               "initContainers": [{"name": "i"}, {"name": "s", "restartPolicy": "Always"}, {"name": "j"}]}),
        status,
    )
}

fn deleted(mut pod: Value) -> Value {
    pod["metadata"]["deletionTimestamp"] = json!("2026-11-21T05:00:00Z");
    pod
}

fn running() -> Value {
    json!({"running": {"startedAt": "2026-11-21T04:53:18Z"}})
}

fn waiting(reason: &str) -> Value {
    json!({"waiting": {"reason": reason}})
}

fn ended(reason: &str, code: i32) -> Value {
    json!({"terminated": {"reason": reason, "exitCode": code, "finishedAt": "2026-11-21T04:55:00Z"}})
}

/// (what it is, the pod, STATUS, READY, RESTARTS, class)
type Case = (&'static str, Value, &'static str, &'static str, u32, PodState);

fn cases() -> Vec<Case> {
    use PodState::{Done, Failed, Moving, Ready, Unready};
    let crashing = |state: Value, ready: bool| {
        let mut app = app(state, ready, 6);
        app["lastState"] = ended("OOMKilled", 137);
        one(json!({"phase": "Running", "containerStatuses": [app]}))
    };
    let sidecar = |started: bool, ready: bool| json!({"name": "s", "ready": ready, "started": started, "restartCount": 2, "state": running()});
    let done = json!({"name": "i", "restartCount": 1, "state": ended("Completed", 0)});
    let sidecar_last = json!({"name": "j", "restartCount": 0, "state": ended("Completed", 0)});
    vec![
        ("runs", with_app("Running", running(), true), "Running", "1/1", 0, Ready),
        ("runs, not ready", with_app("Running", running(), false), "Running", "0/1", 0, Unready),
        ("no status yet", one(json!({})), "", "0/1", 0, Moving),
        ("not scheduled", one(json!({"phase": "Pending"})), "Pending", "0/1", 0, Moving),
        (
            "cannot be scheduled",
            one(
                json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}),
            ),
            "Pending",
            "0/1",
            0,
            Unready,
        ),
        (
            "gated",
            one(
                json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]}),
            ),
            "SchedulingGated",
            "0/1",
            0,
            Moving,
        ),
        (
            "being made",
            with_app("Pending", waiting("ContainerCreating"), false),
            "ContainerCreating",
            "0/1",
            0,
            Moving,
        ),
        (
            "waits for init",
            with_app("Pending", waiting("PodInitializing"), false),
            "PodInitializing",
            "0/1",
            0,
            Moving,
        ),
        ("pull fails", with_app("Pending", waiting("ErrImagePull"), false), "ErrImagePull", "0/1", 0, Failed),
        (
            "pull backs off",
            with_app("Pending", waiting("ImagePullBackOff"), false),
            "ImagePullBackOff",
            "0/1",
            0,
            Failed,
        ),
        (
            "bad image name",
            with_app("Pending", waiting("InvalidImageName"), false),
            "InvalidImageName",
            "0/1",
            0,
            Failed,
        ),
        (
            "missing config map",
            with_app("Pending", waiting("CreateContainerConfigError"), false),
            "CreateContainerConfigError",
            "0/1",
            0,
            Failed,
        ),
        (
            "waits without a reason",
            with_app("Pending", json!({"waiting": {}}), false),
            "Pending",
            "0/1",
            0,
            Moving,
        ),
        (
            "crash loop hides OOM",
            crashing(waiting("CrashLoopBackOff"), false),
            "CrashLoopBackOff",
            "0/1",
            6,
            Failed,
        ),
        ("up between two crashes", crashing(running(), false), "Running", "0/1", 6, Failed),
        ("recovered after crashes", crashing(running(), true), "Running", "1/1", 6, Ready),
        (
            "killed for memory",
            with_app("Running", ended("OOMKilled", 137), false),
            "OOMKilled",
            "0/1",
            0,
            Failed,
        ),
        ("ended with an error", with_app("Running", ended("Error", 1), false), "Error", "0/1", 0, Failed),
        ("ended without a word", with_app("Running", ended("", 3), false), "ExitCode:3", "0/1", 0, Failed),
        (
            "ended by a signal",
            with_app("Running", json!({"terminated": {"exitCode": 137, "signal": 9}}), false),
            "Signal:9",
            "0/1",
            0,
            Failed,
        ),
        (
            "a Job's pod, done",
            with_app("Succeeded", ended("Completed", 0), false),
            "Completed",
            "0/1",
            0,
            Done,
        ),
        ("a Job's pod, failed", with_app("Failed", ended("Error", 2), false), "Error", "0/1", 0, Failed),
        ("evicted", one(json!({"phase": "Failed", "reason": "Evicted"})), "Evicted", "0/1", 0, Failed),
        (
            "an unknown word stays a word",
            with_app("Pending", waiting("FluxCapacitorCharging"), false),
            "FluxCapacitorCharging",
            "0/1",
            0,
            Moving,
        ),
        ("being deleted", deleted(with_app("Running", running(), true)), "Terminating", "1/1", 0, Moving),
        (
            "deleted when done",
            deleted(with_app("Succeeded", ended("Completed", 0), false)),
            "Completed",
            "0/1",
            0,
            Done,
        ),
        (
            "deleted on a lost node",
            deleted(one(
                json!({"phase": "Running", "reason": "NodeLost", "containerStatuses": [app(running(), true, 0)]}),
            )),
            "Unknown",
            "1/1",
            0,
            Failed,
        ),
        (
            "one done, one runs, ready",
            two(app(ended("Completed", 0), false, 0), app(running(), true, 1), "True"),
            "Running",
            "1/2",
            1,
            Unready,
        ),
        (
            "one done, one runs, not ready",
            two(app(ended("Completed", 0), false, 0), app(running(), true, 1), "False"),
            "NotReady",
            "1/2",
            1,
            Unready,
        ),
        (
            "the first container's word stays",
            two(
                app(waiting("CrashLoopBackOff"), false, 3),
                app(waiting("ImagePullBackOff"), false, 0),
                "False",
            ),
            "CrashLoopBackOff",
            "0/2",
            3,
            Failed,
        ),
        (
            "ready containers, but a readiness gate holds it back",
            one(
                json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "False", "reason": "ReadinessGatesNotReady"}],
                       "containerStatuses": [app(running(), true, 0)]}),
            ),
            "Running",
            "1/1",
            0,
            Unready,
        ),
        (
            "startup probe not passed yet",
            one(json!({"phase": "Running", "containerStatuses": [
                {"name": "a", "ready": false, "started": false, "restartCount": 0, "state": running()}]})),
            "Running",
            "0/1",
            0,
            Moving,
        ),
        (
            "init waits",
            with_init(json!([{"name": "i", "state": {"waiting": {}}}]), json!({})),
            "Init:0/3",
            "0/2",
            0,
            Moving,
        ),
        (
            "first init runs",
            with_init(json!([{"name": "i", "state": running()}]), json!({})),
            "Init:0/3",
            "0/2",
            0,
            Moving,
        ),
        (
            "init fails",
            with_init(json!([{"name": "i", "restartCount": 4, "state": ended("Error", 1)}]), json!({})),
            "Init:Error",
            "0/2",
            4,
            Failed,
        ),
        (
            "init ends by a signal",
            with_init(
                json!([{"name": "i", "state": {"terminated": {"exitCode": 137, "signal": 9}}}]),
                json!({}),
            ),
            "Init:Signal:9",
            "0/2",
            0,
            Failed,
        ),
        (
            "init ends without a word",
            with_init(json!([{"name": "i", "state": {"terminated": {"exitCode": 7}}}]), json!({})),
            "Init:ExitCode:7",
            "0/2",
            0,
            Failed,
        ),
        (
            "init crash loop",
            with_init(
                json!([{"name": "i", "restartCount": 5, "state": waiting("CrashLoopBackOff")}]),
                json!({}),
            ),
            "Init:CrashLoopBackOff",
            "0/2",
            5,
            Failed,
        ),
        (
            "sidecar starts",
            with_init(json!([done, sidecar(false, false)]), json!({})),
            "Init:1/3",
            "0/2",
            3,
            Moving,
        ),
        (
            "sidecar ready, next init waits",
            with_init(
                json!([done, sidecar(true, true), {"name": "j", "state": waiting("PodInitializing")}]),
                json!({}),
            ),
            "Init:2/3",
            "1/2",
            3,
            Moving,
        ),
        (
            "sidecar and app run",
            with_init(
                json!([done, sidecar(true, true), sidecar_last]),
                json!({"phase": "Running", "containerStatuses": [app(running(), true, 1)]}),
            ),
            "Running",
            "2/2",
            3,
            Ready,
        ),
        (
            "sidecar not ready, app runs",
            with_init(
                json!([done, sidecar(true, false), sidecar_last]),
                json!({"phase": "Running", "containerStatuses": [app(running(), true, 1)]}),
            ),
            "Running",
            "1/2",
            3,
            Unready,
        ),
        (
            "initialized before: a sidecar that crashes later does not hide the app",
            with_init(
                json!([done, {"name": "s", "restartCount": 2, "state": waiting("CrashLoopBackOff")}]),
                json!({"phase": "Running", "conditions": [{"type": "Initialized", "status": "True"}],
                       "containerStatuses": [app(running(), true, 1)]}),
            ),
            "Init:CrashLoopBackOff",
            "1/2",
            3,
            Failed,
        ),
    ]
}

#[test]
fn every_status_is_the_one_that_kubectl_prints() {
    for (what, object, status, ready, restarts, state) in cases() {
        let pod = row::<WirePod>(object);
        let seen = (&*pod.status, format!("{}/{}", pod.ready, pod.total), pod.restarts, pod.state);
        assert_eq!(seen, (status, ready.to_owned(), restarts, state), "{what}");
    }
}

#[test]
fn a_whole_pod_becomes_a_row() {
    let pod = row::<WirePod>(json!({
        "metadata": {
            "name": "cart-7d9c-x2kfp", "namespace": "shop", "uid": "0d3f8a52-19c4-4e58-9f0a-7c1de2b3a405",
            "creationTimestamp": "2026-11-21T04:53:18Z", "resourceVersion": "77",
            "labels": {"app": "cart", "a": "b"}, "managedFields": [{"manager": "x"}],
            "ownerReferences": [{"kind": "ReplicaSet", "name": "cart-7d9c", "uid": "u", "controller": true}],
        },
        "spec": {
            "nodeName": "node-1",
            "containers": [
                {"name": "cart", "image": "registry.example/cart:1.31.0", "resources": {"requests": {"cpu": "250m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}}},
                {"name": "proxy", "image": "proxy:1", "resources": {"requests": {"cpu": "0.1"}}},
            ],
            "initContainers": [{"name": "migrate", "image": "migrate:1", "resources": {"requests": {"cpu": "2", "memory": "1Mi"}}}],
        },
        "status": {"phase": "Running", "containerStatuses": [
            {"name": "proxy", "imageID": "docker-pullable://proxy@sha256:bbb", "ready": true, "state": {"running": {}}},
            {"name": "cart", "imageID": "registry.example/cart@sha256:aaa", "restartCount": 6,
             "state": {"waiting": {"reason": "CrashLoopBackOff"}},
             "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "2026-11-21T05:00:00Z"}}},
        ]},
    }));
    assert_eq!((&*pod.name, &*pod.namespace, &*pod.node), ("cart-7d9c-x2kfp", "shop", "node-1"));
    assert_eq!(pod.created, Stamp(1_795_236_798));
    assert_eq!(&*pod.owner.as_ref().unwrap().name, "cart-7d9c");
    assert_eq!(pod.labels.get("app").map(|v| &**v), Some("cart"));
    assert_eq!(&*pod.digest, "sha256:aaa", "the first container of the spec, not of the status");
    let exit = pod.last_exit.as_ref().unwrap();
    assert_eq!((&*exit.reason, exit.code), ("OOMKilled", 137));
    assert_eq!(pod.images.len(), 3);
    assert!(pod.images[2].init);
    assert_eq!(
        pod.requests,
        Resources { cpu_milli: 2000, memory: 64 << 20 },
        "the init container's peak counts"
    );
    assert_eq!(pod.limits, Resources { cpu_milli: 0, memory: 128 << 20 });
}

#[test]
fn sums_follow_describe_node() {
    let sums = |spec: Value| {
        let pod = row::<WirePod>(pod(spec, json!({})));
        (pod.requests.cpu_milli, pod.limits.cpu_milli)
    };
    let container = |requests: &str| json!({"name": requests, "resources": {"requests": {"cpu": requests}, "limits": {"cpu": requests}}});
    let sidecar = |requests: &str| {
        let mut it = container(requests);
        it["restartPolicy"] = json!("Always");
        it
    };
    assert_eq!(sums(json!({"containers": [container("100m"), container("200m")]})), (300, 300));
    assert_eq!(
        sums(
            json!({"containers": [container("100m")], "initContainers": [sidecar("50m"), container("500m"), sidecar("30m")]})
        ),
        (550, 550),
        "an init container with the sidecars before it"
    );
    assert_eq!(
        sums(
            json!({"containers": [container("100m")], "overhead": {"cpu": "10m"}, "resources": {"requests": {"cpu": "1"}}})
        ),
        (1010, 110),
        "pod-level requests override, overhead is added"
    );
}

#[test]
fn an_object_without_identity_is_a_misfit() {
    let slim: WirePod = serde_json::from_value(json!({"metadata": {"name": "x"}})).unwrap();
    assert_eq!(slim.row(&mut Interner::new()).unwrap_err().to_string(), "a Pod without a uid");
    let slim: WirePod =
        serde_json::from_value(json!({"metadata": {"uid": "x"}, "spec": 3, "status": []})).unwrap();
    assert_eq!(slim.row(&mut Interner::new()).unwrap_err().to_string(), "a Pod without a name");
}
