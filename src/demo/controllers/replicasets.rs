//! ReplicaSets keep as many pods as they are asked for, and count those that are ready.

use std::time::Duration;

use serde_json::{Value, json};

use super::events::{self, NORMAL, WARNING};
use super::{Cluster, pods, quota};
use crate::demo::json::{
    condition, controller, deleting, drop_condition, int, map, name, selects, set, set_condition, text, uid,
};

/// Who speaks in events.
const COMPONENT: &str = "replicaset-controller";
/// How long a set waits after a refusal before it tries again.
const RETRY: Duration = Duration::from_secs(20);

/// Makes or lets go pods, then writes the counts.
pub fn reconcile(cx: &mut Cluster, ns: &str, own: &str) {
    let Some(set_object) = cx.get("replicasets.apps", ns, own) else { return };
    if deleting(&set_object) {
        return;
    }
    release(cx, &set_object);
    let wanted = int(&set_object, "/spec/replicas").max(0) as usize;
    let mut mine = cx.owned("pods", ns, uid(&set_object));
    mine.retain(|p| pods::active(p));
    let mut refused = None;
    let wait = format!("refused {}", uid(&set_object));
    let waits = cx.progress.get(&wait).is_some_and(|until| *until > cx.clock.now);
    if mine.len() < wanted && waits {
        let why = condition(&set_object, "ReplicaFailure").map(|c| text(c, "/message"));
        return write_status(cx, &set_object, why);
    }
    if mine.len() < wanted {
        for _ in mine.len()..wanted {
            if let Err(why) = make(cx, &set_object) {
                refused = Some(why);
                break;
            }
        }
    } else {
        mine.sort_by_key(|p| pods::deletion_rank(p));
        let extra = mine.len() - wanted;
        for pod in mine.iter().take(extra) {
            cx.delete("pods", ns, name(pod));
            let message = format!("Deleted pod: {}", name(pod));
            events::tell(cx, &set_object, "", NORMAL, "SuccessfulDelete", &message, COMPONENT);
        }
    }
    if let Some(why) = &refused {
        let message = format!("Error creating: {why}");
        events::tell(cx, &set_object, "", WARNING, "FailedCreate", &message, COMPONENT);
        cx.progress.insert(wait, cx.clock.now + RETRY);
        cx.again(RETRY, "replicasets.apps", ns, own);
    }
    write_status(cx, &set_object, refused.as_deref());
}

/// Makes one pod; the refusal's words if the quota does not allow it.
fn make(cx: &mut Cluster, set_object: &Value) -> Result<(), String> {
    let template = set_object.pointer("/spec/template").cloned().unwrap_or(Value::Null);
    let ns = text(set_object, "/metadata/namespace").to_owned();
    let prefix = format!("{}-", name(set_object));
    let pod_name = cx.fresh_name("pods", &ns, &prefix);
    let pod = pods::from_template(cx, &template, set_object, &pod_name, Some(&prefix), &[]);
    if let Some(why) = quota::refusal(cx, &pod) {
        return Err(why);
    }
    cx.create("pods", pod);
    let message = format!("Created pod: {pod_name}");
    events::tell(cx, set_object, "", NORMAL, "SuccessfulCreate", &message, COMPONENT);
    Ok(())
}

/// A pod whose labels were changed so that the set no longer selects it is let loose; a loose pod that it
/// selects is taken in.
fn release(cx: &mut Cluster, set_object: &Value) {
    let ns = text(set_object, "/metadata/namespace").to_owned();
    let selector = set_object.pointer("/spec/selector");
    let own = uid(set_object);
    for pod in cx.list("pods", Some(&ns)) {
        let selected = selects(selector, map(&pod, "/metadata/labels"));
        match controller(&pod) {
            Some((_, _, owner)) if owner == own && !selected => {
                cx.update("pods", &ns, name(&pod), |p| {
                    crate::demo::json::unset(p, &["metadata", "ownerReferences"]);
                });
            }
            None if selected && pods::active(&pod) => {
                let reference = pods::reference(set_object);
                cx.update("pods", &ns, name(&pod), |p| {
                    set(p, &["metadata", "ownerReferences"], json!([reference]));
                });
            }
            _ => {}
        }
    }
}

fn write_status(cx: &mut Cluster, set_object: &Value, refused: Option<&str>) {
    let (ns, own) = (text(set_object, "/metadata/namespace").to_owned(), name(set_object).to_owned());
    let counts = count(cx, set_object);
    let stamp = cx.clock.stamp();
    let generation = int(set_object, "/metadata/generation");
    cx.update("replicasets.apps", &ns, &own, |s| {
        set(s, &["status", "replicas"], json!(counts.present));
        set(s, &["status", "observedGeneration"], json!(generation));
        set(s, &["status", "terminatingReplicas"], json!(counts.terminating));
        for (key, n) in [
            ("fullyLabeledReplicas", counts.present),
            ("readyReplicas", counts.ready),
            ("availableReplicas", counts.available),
        ] {
            if n == 0 {
                crate::demo::json::unset(s, &["status", key]);
            } else {
                set(s, &["status", key], json!(n));
            }
        }
        match refused {
            Some(why) => set_condition(s, "ReplicaFailure", "True", "FailedCreate", why, &stamp, &[]),
            None if condition(s, "ReplicaFailure").is_some()
                && counts.present >= int(s, "/spec/replicas") =>
            {
                drop_condition(s, "ReplicaFailure");
            }
            None => {}
        }
    });
}

/// The pods of a ReplicaSet by what they are good for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Neither ended nor going.
    pub present: i64,
    /// Of these, ready.
    pub ready: i64,
    /// Of these, ready for as long as asked.
    pub available: i64,
    /// Going.
    pub terminating: i64,
}

/// Counts a ReplicaSet's pods; asks for another look when one will become available by waiting.
pub fn count(cx: &mut Cluster, set_object: &Value) -> Counts {
    let ns = text(set_object, "/metadata/namespace").to_owned();
    let least = int(set_object, "/spec/minReadySeconds");
    let mut counts = Counts::default();
    let mut soonest: Option<i64> = None;
    for pod in cx.owned("pods", &ns, uid(set_object)) {
        if deleting(&pod) {
            counts.terminating += 1;
        }
        if !pods::active(&pod) {
            continue;
        }
        counts.present += 1;
        if !pods::ready(&pod) {
            continue;
        }
        counts.ready += 1;
        let since = cx.ready_for(&pod);
        if since >= least {
            counts.available += 1;
        } else {
            let left = least - since;
            soonest = Some(soonest.map_or(left, |s| s.min(left)));
        }
    }
    if let Some(left) = soonest {
        cx.again(Duration::from_secs(left.unsigned_abs().max(1)), "replicasets.apps", &ns, name(set_object));
    }
    counts
}

impl Cluster {
    /// Seconds that a pod has been ready, by its condition; what happened in a jump of time counts whole.
    pub fn ready_for(&self, pod: &Value) -> i64 {
        self.ready_since
            .get(uid(pod))
            .map_or(i64::MAX, |since| self.clock.now.saturating_sub(*since).as_secs() as i64)
    }
}
