//! Small parts of pod status: container states, and the conditions that follow from them.

use serde_json::{Value, json};

use crate::demo::json::{deleting, flag, items, set, set_condition, text};

/// Where the statuses of init and of app containers are.
pub const INIT: &str = "initContainerStatuses";
/// See [`INIT`].
pub const MAIN: &str = "containerStatuses";

/// A container that waits for a reason.
pub fn waiting(reason: &str, message: &str) -> Value {
    let mut state = json!({"waiting": {"reason": reason}});
    if !message.is_empty() {
        state["waiting"]["message"] = json!(message);
    }
    state
}

/// A container that runs since a time.
pub fn running(since: &str) -> Value {
    json!({"running": {"startedAt": since}})
}

/// A container that ended.
pub fn terminated(code: i64, reason: &str, started: &str, finished: &str, container_id: &str) -> Value {
    json!({"terminated": {"exitCode": code, "reason": reason, "startedAt": started, "finishedAt": finished,
                          "containerID": container_id}})
}

/// The status of a container that has not started yet.
pub fn blank(container: &Value, reason: &str) -> Value {
    json!({
        "name": text(container, "/name"), "image": text(container, "/image"), "imageID": "",
        "ready": false, "started": false, "restartCount": 0, "lastState": {},
        "state": waiting(reason, ""),
    })
}

/// Changes one container's status.
pub fn container(pod: &mut Value, list: &str, index: usize, change: impl FnOnce(&mut Value)) {
    if let Some(status) = pod.get_mut("status").and_then(|s| s.get_mut(list)).and_then(|l| l.get_mut(index)) {
        change(status);
    }
}

/// Works out the conditions of a pod from its container statuses.
pub fn conditions(pod: &mut Value, stamp: &str) {
    let unready: Vec<String> = items(pod, "/status/containerStatuses")
        .iter()
        .filter(|c| !flag(c, "/ready"))
        .map(|c| text(c, "/name").to_owned())
        .collect();
    let initialised = items(pod, "/status/initContainerStatuses").iter().all(|c| {
        c.pointer("/state/terminated/exitCode").and_then(Value::as_i64) == Some(0)
            || (flag(c, "/started") && c.pointer("/state/running").is_some())
    });
    let none = items(pod, "/status/containerStatuses").is_empty();
    let phase = text(pod, "/status/phase").to_owned();
    let waiting: Vec<String> = items(pod, "/status/initContainerStatuses")
        .iter()
        .filter(|c| c.pointer("/state/terminated").is_none())
        .map(|c| text(c, "/name").to_owned())
        .collect();
    let mut put = |kind: &str, holds: bool, reason: &str, message: &str| {
        let status = if holds { "True" } else { "False" };
        let (reason, message) = if holds && reason != "PodCompleted" { ("", "") } else { (reason, message) };
        set_condition(pod, kind, status, reason, message, stamp, &[]);
    };
    put("PodReadyToStartContainers", phase != "Succeeded" && phase != "Failed", "", "");
    let incomplete = format!("containers with incomplete status: [{}]", waiting.join(" "));
    put(
        "Initialized",
        initialised,
        if phase == "Succeeded" { "PodCompleted" } else { "ContainersNotInitialized" },
        &incomplete,
    );
    if phase == "Succeeded" {
        put("Ready", false, "PodCompleted", "");
        put("ContainersReady", false, "PodCompleted", "");
    } else {
        let ready = unready.is_empty() && !none && phase == "Running";
        let reason = if phase == "Failed" { "PodFailed" } else { "ContainersNotReady" };
        let message = format!("containers with unready status: [{}]", unready.join(" "));
        put("Ready", ready, reason, &message);
        put("ContainersReady", ready, reason, &message);
    }
    if text(pod, "/status/phase") == "Succeeded" {
        set_condition(pod, "Initialized", "True", "PodCompleted", "", stamp, &[]);
    }
    // In the kubelet's order, what others wrote first.
    const ORDER: [&str; 5] =
        ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];
    if let Some(list) = pod.pointer_mut("/status/conditions").and_then(Value::as_array_mut) {
        list.sort_by_key(|c| ORDER.iter().position(|kind| *kind == text(c, "/type")));
    }
}

/// Makes no container of a pod ready: it is being ended, or its node is silent.
pub fn unready(pod: &mut Value, stamp: &str) {
    if let Some(list) = pod.pointer_mut("/status/containerStatuses").and_then(Value::as_array_mut) {
        for status in list {
            status["ready"] = json!(false);
        }
    }
    conditions(pod, stamp);
}

/// Where a pod serves: whether it takes new work, whether it still answers, whether it is going.
pub fn serving(pod: &Value) -> (bool, bool, bool) {
    let ready = crate::demo::json::holds(pod, "Ready");
    let going = deleting(pod);
    (ready && !going, ready, going)
}

/// Gives a pod its addresses.
pub fn addresses(pod: &mut Value, pod_ip: &str, host_ip: &str) {
    set(pod, &["status", "hostIP"], json!(host_ip));
    set(pod, &["status", "hostIPs"], json!([{"ip": host_ip}]));
    set(pod, &["status", "podIP"], json!(pod_ip));
    set(pod, &["status", "podIPs"], json!([{"ip": pod_ip}]));
}
