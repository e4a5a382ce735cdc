//! The kubelets of all nodes: what becomes of a pod once it has a node, and how long each thing takes.
//!
//! A pod's life is a chain of [`Step`]s, each a timer in story time: sandbox, images, init containers,
//! start, readiness, perhaps death and a growing back-off, at last the end of its grace. The object in the
//! store is the only memory of where a pod stands; a step that no longer fits is dropped. What a
//! container does follows from its image and its memory limit (`behaviour`), never from the story.

mod behaviour;
mod crash;
mod image;
mod run;

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::events::{self, NORMAL};
use super::{Cluster, Timer, pods, scheduler, status};
use crate::demo::clock::secs;
use crate::demo::json::{deleting, items, map, name, namespace, set, set_condition, text, uid};
use crate::demo::seed::Seed;

pub use behaviour::image_id;

/// The next thing in a pod's life. `run` is the restart count that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The scheduler looks at it.
    Bind,
    /// Its sandbox is there: images are pulled (the n-th try).
    Pull(u32),
    /// A pull that failed is not tried again for a while (after the n-th try).
    PullBackOff(u32),
    /// The images are there.
    Pulled,
    /// An init container has ended.
    InitDone(usize),
    /// A readiness probe is due.
    Probe(usize, i64),
    /// A container answers its readiness probe.
    Ready(usize, i64),
    /// A container dies.
    Die(usize, i64),
    /// A dead container waits to be started again.
    BackOff(usize, i64),
    /// It still waits.
    StillBackingOff(usize, i64),
    /// It is started again.
    Restart(usize, i64),
    /// All containers have done their work.
    Complete,
    /// The grace is over or everything has ended.
    Gone,
}

/// What the kubelets remember besides the objects.
#[derive(Debug, Default)]
pub struct Memory {
    /// Pods (by uid) whose next step is on its way, or that are up.
    pub known: HashSet<String>,
    /// Pods that are being ended.
    pub ending: HashSet<String>,
    /// Images that a node has.
    pub images: HashSet<(String, String)>,
    /// The next free address of a node.
    addresses: HashMap<String, u64>,
}

impl Memory {
    /// A pod is gone.
    pub fn forget(&mut self, uid: &str) {
        self.known.remove(uid);
        self.known.remove(&format!("bind {uid}"));
        self.ending.remove(uid);
    }
}

/// Looks at a pod: one without a node goes to the scheduler, one with a node is started, one that is
/// being deleted is ended.
pub fn reconcile(cx: &mut Cluster, ns: &str, own: &str) {
    let Some(pod) = cx.get("pods", ns, own) else { return };
    let id = uid(&pod).to_owned();
    if deleting(&pod) {
        return end(cx, &pod);
    }
    if pods::ended(&pod) {
        return;
    }
    if text(&pod, "/spec/nodeName").is_empty() {
        if cx.clock.instant {
            scheduler::bind(cx, &pod);
        } else if cx.kubelet.known.insert(format!("bind {id}")) {
            let wait = chance(cx, &pod, "bind").between(0.05, 0.2);
            later(cx, &pod, wait, Step::Bind);
        } else if crate::demo::json::condition(&pod, "PodScheduled").is_some() {
            scheduler::bind(cx, &pod);
        }
        return;
    }
    if cx.silent.contains(text(&pod, "/spec/nodeName")) {
        return;
    }
    if cx.kubelet.known.insert(id) {
        if cx.clock.instant {
            up_at_once(cx, &pod);
        } else {
            admit(cx, &pod);
        }
    }
}

/// The past is being made: a pod with a node is up in one stroke.
pub fn up_at_once(cx: &mut Cluster, pod: &Value) {
    cx.kubelet.known.insert(uid(pod).to_owned());
    run::up_at_once(cx, pod);
}

/// Does the next thing in a pod's life, if it is still the same pod.
pub fn step(cx: &mut Cluster, ns: &str, own: &str, id: &str, step: Step) {
    let Some(pod) = cx.get("pods", ns, own) else { return };
    if uid(&pod) != id {
        return;
    }
    if cx.silent.contains(text(&pod, "/spec/nodeName")) {
        // Nobody is there to do it. When the node is back, it is done a little later.
        return later(cx, &pod, 2.0, step);
    }
    if deleting(&pod) && step != Step::Gone {
        return;
    }
    match step {
        Step::Bind => {
            if text(&pod, "/spec/nodeName").is_empty() {
                scheduler::bind(cx, &pod);
            }
        }
        Step::Pull(n) => image::pull(cx, &pod, n),
        Step::PullBackOff(n) => image::back_off(cx, &pod, n),
        Step::Pulled => run::begin(cx, &pod),
        Step::InitDone(i) => run::init_done(cx, &pod, i),
        Step::Probe(i, n) => run::probe(cx, &pod, i, n),
        Step::Ready(i, n) => run::ready(cx, &pod, i, n),
        Step::Die(i, n) => crash::die(cx, &pod, i, n),
        Step::BackOff(i, n) => crash::back_off(cx, &pod, i, n),
        Step::StillBackingOff(i, n) => crash::still_backing_off(cx, &pod, i, n),
        Step::Restart(i, n) => crash::restart(cx, &pod, i, n),
        Step::Complete => run::complete(cx, &pod),
        Step::Gone => {
            if deleting(&pod) {
                cx.kubelet.ending.remove(id);
                cx.delete_now("pods", ns, own);
            }
        }
    }
}

/// A node's kubelet is back after a silence: it says again how its pods are, and ends those it missed.
pub fn node_back(cx: &mut Cluster, node: &str) {
    let stamp = cx.clock.stamp();
    for pod in cx.list("pods", None) {
        if text(&pod, "/spec/nodeName") != node {
            continue;
        }
        if !deleting(&pod) && !pods::ended(&pod) {
            cx.update("pods", namespace(&pod), name(&pod), |p| status::conditions(p, &stamp));
        }
        cx.enqueue("pods", namespace(&pod), name(&pod));
    }
}

/// A node took the pod: its containers are being made.
fn admit(cx: &mut Cluster, pod: &Value) {
    let stamp = cx.clock.stamp();
    let host = node_address(cx, text(pod, "/spec/nodeName"));
    cx.update("pods", namespace(pod), name(pod), |p| {
        admitted(p, &stamp, &host);
    });
    let wait = chance(cx, pod, "sandbox").between(0.6, 1.4);
    later(cx, pod, wait, Step::Pull(0));
}

/// The status of a pod that a node has just taken.
fn admitted(pod: &mut Value, stamp: &str, host: &str) {
    let init: Vec<Value> =
        items(pod, "/spec/initContainers").iter().map(|c| status::blank(c, "PodInitializing")).collect();
    let reason = if init.is_empty() { "ContainerCreating" } else { "PodInitializing" };
    let main: Vec<Value> = items(pod, "/spec/containers").iter().map(|c| status::blank(c, reason)).collect();
    set(pod, &["status", "phase"], json!("Pending"));
    set(pod, &["status", "startTime"], json!(stamp));
    set(pod, &["status", "hostIP"], json!(host));
    set(pod, &["status", "hostIPs"], json!([{"ip": host}]));
    set(pod, &["status", "qosClass"], json!(pods::qos_class(pod)));
    if !init.is_empty() {
        set(pod, &["status", status::INIT], json!(init));
    }
    set(pod, &["status", status::MAIN], json!(main));
    set_condition(pod, "PodScheduled", "True", "", "", stamp, &[]);
    status::conditions(pod, stamp);
    set_condition(pod, "PodReadyToStartContainers", "False", "", "", stamp, &[]);
}

/// A pod is being deleted: its containers are told to stop, and it goes when they have.
fn end(cx: &mut Cluster, pod: &Value) {
    let id = uid(pod).to_owned();
    if text(pod, "/spec/nodeName").is_empty() {
        return cx.delete_now("pods", namespace(pod), name(pod));
    }
    if cx.silent.contains(text(pod, "/spec/nodeName")) || !cx.kubelet.ending.insert(id) {
        return;
    }
    for container in items(pod, "/spec/containers") {
        let own = text(container, "/name");
        let message = format!("Stopping container {own}");
        let part = format!("spec.containers{{{own}}}");
        events::tell(cx, pod, &part, NORMAL, "Killing", &message, "kubelet");
    }
    let grace = crate::demo::json::int(pod, "/metadata/deletionGracePeriodSeconds").max(0) as f64;
    let wait = chance(cx, pod, "end").between(1.2, 3.5).min(grace);
    later(cx, pod, wait, Step::Gone);
}

/// Sets the timer for a pod's next step.
fn later(cx: &mut Cluster, pod: &Value, wait: f64, step: Step) {
    let timer = Timer::Pod {
        ns: namespace(pod).to_owned(),
        name: name(pod).to_owned(),
        uid: uid(pod).to_owned(),
        step,
    };
    cx.after(secs(wait), timer);
}

/// Chance for one matter of one pod.
fn chance(cx: &Cluster, pod: &Value, matter: &str) -> Seed {
    cx.seed.of(namespace(pod)).of(name(pod)).of(matter)
}

/// The InternalIP of a node.
fn node_address(cx: &Cluster, node: &str) -> String {
    cx.get("nodes", "", node)
        .and_then(|n| {
            items(&n, "/status/addresses")
                .iter()
                .find(|a| text(a, "/type") == "InternalIP")
                .map(|a| text(a, "/address").to_owned())
        })
        .unwrap_or_default()
}

/// A free address of a node's pod range.
fn pod_address(cx: &mut Cluster, pod: &Value) -> String {
    let node_name = text(pod, "/spec/nodeName").to_owned();
    if crate::demo::json::flag(pod, "/spec/hostNetwork") {
        return node_address(cx, &node_name);
    }
    let range =
        cx.get("nodes", "", &node_name).map(|n| text(&n, "/spec/podCIDR").to_owned()).unwrap_or_default();
    let prefix = range.rsplit_once('.').map_or("10.244.0", |(p, _)| p).to_owned();
    let taken: HashSet<String> = cx
        .list("pods", None)
        .iter()
        .filter(|p| text(p, "/spec/nodeName") == node_name)
        .map(|p| text(p, "/status/podIP").to_owned())
        .collect();
    let next = cx.kubelet.addresses.entry(node_name).or_insert(0);
    for _ in 0..250 {
        *next += 1;
        let address = format!("{prefix}.{}", 3 + *next % 250);
        if !taken.contains(&address) {
            return address;
        }
    }
    format!("{prefix}.254")
}

/// The annotation that chooses the container shown first, if a pod has one.
pub fn default_container(pod: &Value) -> Option<&str> {
    map(pod, "/metadata/annotations")?.get("kubectl.kubernetes.io/default-container")?.as_str()
}

/// Whether a container is of the kind that dies.
pub fn dies(container: &Value) -> bool {
    behaviour::death(container, 0).is_some()
}
