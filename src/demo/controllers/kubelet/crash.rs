//! Containers that die, and the growing time they wait to be started again: at once after the first
//! death, then 10, 20, 40... at most 300 seconds.

use serde_json::{Value, json};

use super::{Step, behaviour, image, later, run};
use crate::demo::controllers::Cluster;
use crate::demo::controllers::events::{self, NORMAL, WARNING};
use crate::demo::controllers::status::{self, MAIN};
use crate::demo::json::{int, items, name, namespace, set, text, uid};

/// How often a waiting container is told of, in seconds.
const REPEAT: f64 = 13.0;

/// A container dies.
pub fn die(cx: &mut Cluster, pod: &Value, index: usize, n: i64) {
    let Some(container) = items(pod, "/spec/containers").get(index) else { return };
    let Some(death) = behaviour::death(container, n) else { return };
    if !run::in_run(pod, index, n) {
        return;
    }
    let stamp = cx.clock.stamp();
    let for_good = text(pod, "/spec/restartPolicy") == "Never";
    cx.update("pods", namespace(pod), name(pod), |p| {
        status::container(p, MAIN, index, |c| {
            let since = text(c, "/state/running/startedAt").to_owned();
            let id = text(c, "/containerID").to_owned();
            c["state"] = status::terminated(death.code, death.reason, &since, &stamp, &id);
            c["ready"] = json!(false);
            c["started"] = json!(false);
        });
        if for_good {
            set(p, &["status", "phase"], json!("Failed"));
        }
        status::conditions(p, &stamp);
    });
    if for_good {
        return;
    }
    if n == 0 {
        later(cx, pod, 1.0, Step::Restart(index, n));
    } else {
        later(cx, pod, 1.0, Step::BackOff(index, n));
    }
}

/// Seconds that a container waits after its n-th restart's death.
fn wait_after(n: i64) -> i64 {
    10i64.saturating_mul(1 << (n - 1).clamp(0, 5)).min(300)
}

/// Whether a container has died in its n-th run and was not started since.
fn dead(pod: &Value, index: usize, n: i64) -> bool {
    items(pod, "/status/containerStatuses")
        .get(index)
        .is_some_and(|c| int(c, "/restartCount") == n && c.pointer("/state/running").is_none())
}

/// A dead container waits.
pub fn back_off(cx: &mut Cluster, pod: &Value, index: usize, n: i64) {
    if !dead(pod, index, n) {
        return;
    }
    let stamp = cx.clock.stamp();
    let wait = wait_after(n);
    let minutes = if wait >= 60 { format!("{}m{}s", wait / 60, wait % 60) } else { format!("{wait}s") };
    let whole = format!("{}_{}({})", name(pod), namespace(pod), uid(pod));
    cx.update("pods", namespace(pod), name(pod), |p| {
        status::container(p, MAIN, index, |c| {
            let own = text(c, "/name").to_owned();
            let last = c["state"].clone();
            c["lastState"] = last;
            c["state"] = status::waiting(
                "CrashLoopBackOff",
                &format!("back-off {minutes} restarting failed container={own} pod={whole}"),
            );
        });
        status::conditions(p, &stamp);
    });
    say_backing_off(cx, pod, index);
    later(cx, pod, wait as f64, Step::Restart(index, n));
    if wait as f64 > REPEAT {
        later(cx, pod, REPEAT, Step::StillBackingOff(index, n));
    }
}

/// A container still waits: it is said again.
pub fn still_backing_off(cx: &mut Cluster, pod: &Value, index: usize, n: i64) {
    if dead(pod, index, n) {
        say_backing_off(cx, pod, index);
        later(cx, pod, REPEAT, Step::StillBackingOff(index, n));
    }
}

fn say_backing_off(cx: &mut Cluster, pod: &Value, index: usize) {
    let Some(status) = items(pod, "/status/containerStatuses").get(index) else { return };
    let own = text(status, "/name");
    let message = format!(
        "Back-off restarting failed container {own} in pod {}_{}({})",
        name(pod),
        namespace(pod),
        uid(pod)
    );
    events::tell(cx, pod, &image::part(pod, own), WARNING, "BackOff", &message, "kubelet");
}

/// A dead container is started again.
pub fn restart(cx: &mut Cluster, pod: &Value, index: usize, n: i64) {
    let Some(container) = items(pod, "/spec/containers").get(index).cloned() else { return };
    if !dead(pod, index, n) {
        return;
    }
    let stamp = cx.clock.stamp();
    let id = run::container_id(cx, pod, &container, n + 1);
    let part = image::part(pod, text(&container, "/name"));
    let present = format!("Container image \"{}\" already present on machine", text(&container, "/image"));
    events::tell(cx, pod, &part, NORMAL, "Pulled", &present, "kubelet");
    run::say_started(cx, pod, text(&container, "/name"));
    cx.update("pods", namespace(pod), name(pod), |p| {
        status::container(p, MAIN, index, |c| {
            if c.pointer("/state/terminated").is_some() {
                let last = c["state"].clone();
                c["lastState"] = last;
            }
            run::started(c, &container, &id, &stamp);
            c["restartCount"] = json!(n + 1);
        });
        status::conditions(p, &stamp);
    });
    run::watch_over(cx, pod, index, n + 1);
}

#[cfg(test)]
mod tests {
    use super::wait_after;

    #[test]
    fn the_back_off_doubles_up_to_five_minutes() {
        let waits: Vec<i64> = (1..8).map(wait_after).collect();
        assert_eq!(waits, [10, 20, 40, 80, 160, 300, 300]);
    }
}
