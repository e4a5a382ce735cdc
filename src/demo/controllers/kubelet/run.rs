//! Containers start, become ready, do their work.

use serde_json::{Value, json};

use super::{Step, behaviour, chance, image, later, node_address, pod_address};
use crate::demo::controllers::Cluster;
use crate::demo::controllers::events::{self, NORMAL, WARNING};
use crate::demo::controllers::status::{self, INIT, MAIN};
use crate::demo::json::{flag, int, items, name, namespace, set, text, uid};

/// All images are there: init containers run first, one after the other, then the others together.
pub fn begin(cx: &mut Cluster, pod: &Value) {
    let address = pod_address(cx, pod);
    let host = node_address(cx, text(pod, "/spec/nodeName"));
    cx.update("pods", namespace(pod), name(pod), |p| status::addresses(p, &address, &host));
    if items(pod, "/spec/initContainers").is_empty() {
        start_all(cx, pod);
    } else {
        start_init(cx, pod, 0);
    }
}

/// Starts an init container; one that restarts always is a sidecar and lets the next begin at once.
fn start_init(cx: &mut Cluster, pod: &Value, index: usize) {
    let Some(container) = items(pod, "/spec/initContainers").get(index).cloned() else {
        return start_all(cx, pod);
    };
    let stamp = cx.clock.stamp();
    let sidecar = text(&container, "/restartPolicy") == "Always";
    let id = container_id(cx, pod, &container, 0);
    say_started(cx, pod, text(&container, "/name"));
    cx.update("pods", namespace(pod), name(pod), |p| {
        status::container(p, INIT, index, |c| {
            c["state"] = status::running(&stamp);
            c["started"] = json!(sidecar);
            c["ready"] = json!(sidecar);
            c["imageID"] = json!(behaviour::image_id(text(&container, "/image")));
            c["containerID"] = json!(id);
        });
        status::conditions(p, &stamp);
    });
    if sidecar {
        start_init(cx, pod, index + 1);
    } else {
        let wait = chance(cx, pod, "init").nth(index as u64).between(1.5, 3.0);
        later(cx, pod, wait, Step::InitDone(index));
    }
}

/// An init container has ended well.
pub fn init_done(cx: &mut Cluster, pod: &Value, index: usize) {
    let stamp = cx.clock.stamp();
    cx.update("pods", namespace(pod), name(pod), |p| {
        status::container(p, INIT, index, |c| {
            let since = text(c, "/state/running/startedAt").to_owned();
            let id = text(c, "/containerID").to_owned();
            c["state"] = status::terminated(0, "Completed", &since, &stamp, &id);
            c["ready"] = json!(true);
        });
        status::conditions(p, &stamp);
    });
    start_init(cx, pod, index + 1);
}

/// Starts the app containers.
fn start_all(cx: &mut Cluster, pod: &Value) {
    let stamp = cx.clock.stamp();
    let containers = items(pod, "/spec/containers").to_vec();
    let ids: Vec<String> = containers.iter().map(|c| container_id(cx, pod, c, 0)).collect();
    for container in &containers {
        say_started(cx, pod, text(container, "/name"));
    }
    cx.update("pods", namespace(pod), name(pod), |p| {
        set(p, &["status", "phase"], json!("Running"));
        for (i, (container, id)) in containers.iter().zip(&ids).enumerate() {
            status::container(p, MAIN, i, |c| started(c, container, id, &stamp));
        }
        status::conditions(p, &stamp);
    });
    for index in 0..containers.len() {
        watch_over(cx, pod, index, 0);
    }
    if let Some(wait) = behaviour::work_time(pod, chance(cx, pod, "work")) {
        later(cx, pod, wait, Step::Complete);
    }
}

/// The status of a container that has just been started.
pub fn started(status: &mut Value, container: &Value, id: &str, stamp: &str) {
    status["state"] = status::running(stamp);
    status["started"] = json!(true);
    status["ready"] = json!(false);
    status["image"] = container["image"].clone();
    status["imageID"] = json!(behaviour::image_id(text(container, "/image")));
    status["containerID"] = json!(id);
}

/// Sets the timers of a container's run: probes, readiness, death.
pub fn watch_over(cx: &mut Cluster, pod: &Value, index: usize, run: i64) {
    let Some(container) = items(pod, "/spec/containers").get(index) else { return };
    let ready = behaviour::ready_after(container, chance(cx, pod, "ready").nth(index as u64));
    later(cx, pod, ready, Step::Ready(index, run));
    if container.pointer("/readinessProbe").is_some() {
        later(cx, pod, 5.0, Step::Probe(index, run));
    }
    if let Some(death) = behaviour::death(container, run) {
        later(cx, pod, death.after, Step::Die(index, run));
    }
}

/// Whether a container is in that very run of its life.
pub fn in_run(pod: &Value, index: usize, run: i64) -> bool {
    items(pod, "/status/containerStatuses")
        .get(index)
        .is_some_and(|c| int(c, "/restartCount") == run && c.pointer("/state/running").is_some())
}

/// A readiness probe: until the container answers it is told to be unhealthy.
pub fn probe(cx: &mut Cluster, pod: &Value, index: usize, run: i64) {
    let Some(status) = items(pod, "/status/containerStatuses").get(index) else { return };
    if !in_run(pod, index, run) || flag(status, "/ready") {
        return;
    }
    let part = image::part(pod, text(status, "/name"));
    let message = "Readiness probe failed: HTTP probe failed with statuscode: 503";
    events::tell(cx, pod, &part, WARNING, "Unhealthy", message, "kubelet");
    later(cx, pod, 5.0, Step::Probe(index, run));
}

/// A container answers its readiness probe.
pub fn ready(cx: &mut Cluster, pod: &Value, index: usize, run: i64) {
    if !in_run(pod, index, run) {
        return;
    }
    let stamp = cx.clock.stamp();
    cx.update("pods", namespace(pod), name(pod), |p| {
        status::container(p, MAIN, index, |c| c["ready"] = json!(true));
        status::conditions(p, &stamp);
    });
}

/// A pod with an end has reached it.
pub fn complete(cx: &mut Cluster, pod: &Value) {
    let running =
        items(pod, "/status/containerStatuses").iter().all(|c| c.pointer("/state/running").is_some());
    if !running {
        return;
    }
    let stamp = cx.clock.stamp();
    cx.update("pods", namespace(pod), name(pod), |p| {
        let count = items(p, "/status/containerStatuses").len();
        for index in 0..count {
            status::container(p, MAIN, index, |c| {
                let since = text(c, "/state/running/startedAt").to_owned();
                let id = text(c, "/containerID").to_owned();
                c["state"] = status::terminated(0, "Completed", &since, &stamp, &id);
                c["ready"] = json!(false);
                c["started"] = json!(false);
            });
        }
        set(p, &["status", "phase"], json!("Succeeded"));
        status::conditions(p, &stamp);
    });
}

/// The past is being made: the pod is up (or has done its work) in one stroke, with the times that each
/// thing would have had.
pub fn up_at_once(cx: &mut Cluster, pod: &Value) {
    let address = pod_address(cx, pod);
    let node = text(pod, "/spec/nodeName").to_owned();
    let host = node_address(cx, &node);
    let init = items(pod, "/spec/initContainers").to_vec();
    let main = items(pod, "/spec/containers").to_vec();
    let ids = |list: &[Value]| -> Vec<String> { list.iter().map(|c| container_id(cx, pod, c, 0)).collect() };
    let (init_ids, main_ids) = (ids(&init), ids(&main));
    let begun = 2.0 + 2.5 * init.len() as f64;
    let slowest =
        main.iter().map(|c| behaviour::ready_after(c, chance(cx, pod, "ready"))).fold(0.0, f64::max);
    let work = behaviour::work_time(pod, chance(cx, pod, "work"));
    let (taken, start) = (cx.clock.stamp(), cx.clock.stamp_in(begun));
    let ready = cx.clock.stamp_in(begun + slowest);
    let done = work.map(|w| cx.clock.stamp_in(begun + w));
    for container in init.iter().chain(&main) {
        let image = text(container, "/image").to_owned();
        cx.kubelet.images.insert((node.clone(), image));
    }
    cx.update("pods", namespace(pod), name(pod), |p| {
        set(p, &["spec", "nodeName"], json!(node));
        super::admitted(p, &taken, &host);
        status::addresses(p, &address, &host);
        for (i, (container, id)) in init.iter().zip(&init_ids).enumerate() {
            status::container(p, INIT, i, |c| {
                c["imageID"] = json!(behaviour::image_id(text(container, "/image")));
                c["containerID"] = json!(id);
                c["ready"] = json!(true);
                c["state"] = status::terminated(0, "Completed", &taken, &start, id);
            });
        }
        for (i, (container, id)) in main.iter().zip(&main_ids).enumerate() {
            status::container(p, MAIN, i, |c| {
                started(c, container, id, &start);
                c["ready"] = json!(done.is_none());
                if let Some(done) = &done {
                    c["started"] = json!(false);
                    c["state"] = status::terminated(0, "Completed", &start, done, id);
                }
            });
        }
        let phase = if done.is_some() { "Succeeded" } else { "Running" };
        set(p, &["status", "phase"], json!(phase));
        status::conditions(p, done.as_ref().unwrap_or(&ready));
    });
}

/// The runtime's name for a run of a container.
pub fn container_id(cx: &Cluster, pod: &Value, container: &Value, run: i64) -> String {
    let seed = cx.seed.of(uid(pod)).of(text(container, "/name"));
    format!("containerd://{}", seed.nth(run as u64).hex(64))
}

/// Tells that a container was made and started.
pub fn say_started(cx: &mut Cluster, pod: &Value, own: &str) {
    let part = image::part(pod, own);
    events::tell(cx, pod, &part, NORMAL, "Created", &format!("Created container: {own}"), "kubelet");
    events::tell(cx, pod, &part, NORMAL, "Started", &format!("Started container {own}"), "kubelet");
}
