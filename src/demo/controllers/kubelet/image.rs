//! Images on nodes: pulled once, or not to be had.

use serde_json::{Value, json};

use super::{Step, behaviour, chance, later};
use crate::demo::controllers::events::{self, NORMAL, WARNING};
use crate::demo::controllers::status::{self, INIT, MAIN};
use crate::demo::controllers::{Cluster, pods};
use crate::demo::json::{items, name, namespace, set_condition, text};

/// The sandbox is there; the images of a pod are pulled. Those that cannot be had stop it here.
pub fn pull(cx: &mut Cluster, pod: &Value, attempt: u32) {
    let stamp = cx.clock.stamp();
    let node = text(pod, "/spec/nodeName").to_owned();
    let mut wait: f64 = 0.2;
    let mut failed = false;
    let wanted: Vec<(String, String)> =
        pods::containers(pod).map(|c| (text(c, "/name").to_owned(), text(c, "/image").to_owned())).collect();
    for (own, image) in wanted {
        let part = part(pod, &own);
        if behaviour::missing(&image) {
            failed = true;
            events::tell(cx, pod, &part, NORMAL, "Pulling", &format!("Pulling image \"{image}\""), "kubelet");
            events::tell(
                cx,
                pod,
                &part,
                WARNING,
                "Failed",
                &format!("Failed to pull image \"{image}\": {}", not_found(&image)),
                "kubelet",
            );
            events::tell(cx, pod, &part, WARNING, "Failed", "Error: ErrImagePull", "kubelet");
            put_waiting(cx, pod, &own, "ErrImagePull", &not_found(&image), &stamp);
        } else if cx.kubelet.images.insert((node.clone(), image.clone())) {
            let took = chance(cx, pod, &own).between(0.7, 1.9);
            let size = 20_000_000 + chance(cx, pod, &image).below(180_000_000);
            wait = wait.max(took);
            events::tell(cx, pod, &part, NORMAL, "Pulling", &format!("Pulling image \"{image}\""), "kubelet");
            let message = format!(
                "Successfully pulled image \"{image}\" in {took:.3}s ({took:.3}s including waiting). Image size: {size} bytes."
            );
            events::tell(cx, pod, &part, NORMAL, "Pulled", &message, "kubelet");
        } else {
            let message = format!("Container image \"{image}\" already present on machine");
            events::tell(cx, pod, &part, NORMAL, "Pulled", &message, "kubelet");
        }
    }
    cx.update("pods", namespace(pod), name(pod), |p| {
        set_condition(p, "PodReadyToStartContainers", "True", "", "", &stamp, &[]);
    });
    if failed {
        later(cx, pod, 3.0, Step::PullBackOff(attempt));
    } else {
        later(cx, pod, wait, Step::Pulled);
    }
}

/// A pull failed: it is tried again after 10, 20, 40... at most 300 seconds.
pub fn back_off(cx: &mut Cluster, pod: &Value, attempt: u32) {
    let stamp = cx.clock.stamp();
    let wanted: Vec<(String, String)> =
        pods::containers(pod).map(|c| (text(c, "/name").to_owned(), text(c, "/image").to_owned())).collect();
    for (own, image) in wanted.into_iter().filter(|(_, i)| behaviour::missing(i)) {
        let part = part(pod, &own);
        let message = format!("Back-off pulling image \"{image}\"");
        events::tell(cx, pod, &part, NORMAL, "BackOff", &message, "kubelet");
        events::tell(cx, pod, &part, WARNING, "Failed", "Error: ImagePullBackOff", "kubelet");
        let message = format!("{message}: ErrImagePull: {}", not_found(&image));
        put_waiting(cx, pod, &own, "ImagePullBackOff", &message, &stamp);
    }
    let wait = f64::from(10u32.saturating_mul(1 << attempt.min(5)).min(300));
    later(cx, pod, wait, Step::Pull(attempt.saturating_add(1)));
}

/// The path of a container as events name it.
pub fn part(pod: &Value, container: &str) -> String {
    let init = items(pod, "/spec/initContainers").iter().any(|c| text(c, "/name") == container);
    let list = if init { "initContainers" } else { "containers" };
    format!("spec.{list}{{{container}}}")
}

fn not_found(image: &str) -> String {
    format!(
        "rpc error: code = NotFound desc = failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": {image}: not found"
    )
}

/// Makes the container of that name wait.
fn put_waiting(cx: &mut Cluster, pod: &Value, own: &str, reason: &str, message: &str, stamp: &str) {
    cx.update("pods", namespace(pod), name(pod), |p| {
        for list in [INIT, MAIN] {
            let at = items(p, &format!("/status/{list}")).iter().position(|c| text(c, "/name") == own);
            if let Some(at) = at {
                status::container(p, list, at, |c| {
                    c["state"] = status::waiting(reason, message);
                    c["ready"] = json!(false);
                });
            }
        }
        status::conditions(p, stamp);
    });
}
