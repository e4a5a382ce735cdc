//! Argo Rollouts: the ReplicaSets of a canary that goes through its steps, waits in its pauses and does what its status
//! is told to do (a pause ended, `promoteFull`, `abort`), as the real controller was seen to do it. Canaries without a
//! router only: no analyses, and no blue/green.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::replicasets::{self, Counts};
use super::{Cluster, pods, revisions};
use crate::demo::json::{
    deleting, entry, flag, holds, int, items, name, namespace, set, set_condition, text, uid,
};

/// The number of a ReplicaSet's template, oldest 1.
const REVISION: &str = "rollout.argoproj.io/revision";
/// The label that tells the pods of one template.
const HASH: &str = "rollouts-pod-template-hash";

/// Where a Rollout is on its way.
struct Course {
    hash: String,
    stable: String,
    steps: Vec<Value>,
    step: usize,
    /// Since when it waits in the pause of its step.
    paused: Option<String>,
    held: bool,
    aborted: Option<String>,
    full: bool,
    /// Pods of the new template.
    canary: i64,
    wanted: i64,
}

impl Course {
    fn is_over(&self) -> bool {
        self.hash == self.stable
    }
}

/// Makes and scales the ReplicaSets of a Rollout and writes its status.
pub fn reconcile(cx: &mut Cluster, ns: &str, own: &str) {
    let Some(rollout) = cx.get("rollouts.argoproj.io", ns, own) else { return };
    if deleting(&rollout) {
        return;
    }
    let template = rollout.pointer("/spec/template").cloned().unwrap_or(Value::Null);
    let hash = cx.template_hash(&rollout);
    let mut sets = cx.owned("replicasets.apps", ns, uid(&rollout));
    if !sets.iter().any(|s| of(s) == hash) {
        make(cx, &rollout, &template, &hash, &sets);
        sets = cx.owned("replicasets.apps", ns, uid(&rollout));
    }
    let ready: i64 = sets.iter().filter(|s| of(s) == hash).map(|s| replicasets::count(cx, s).available).sum();
    let course = course(cx, &rollout, &hash, ready);
    let sizes = |object: &Value| match of(object) {
        h if h == course.hash && course.is_over() => course.wanted,
        h if h == course.hash => course.canary,
        h if h == course.stable => course.wanted - course.canary,
        _ => 0,
    };
    for object in &sets {
        let size = sizes(object);
        if !course.held && int(object, "/spec/replicas") != size {
            cx.update("replicasets.apps", ns, name(object), |s| {
                set(s, &["spec", "replicas"], json!(size));
            });
        }
    }
    let restarting = restart(cx, &rollout, &sets);
    let counted: Vec<(Arc<Value>, Counts)> = cx
        .owned("replicasets.apps", ns, uid(&rollout))
        .into_iter()
        .map(|s| {
            let counts = replicasets::count(cx, &s);
            (s, counts)
        })
        .collect();
    write_status(cx, &rollout, &course, restarting, &counted);
}

/// How far a Rollout is, and what its status was told meanwhile.
fn course(cx: &mut Cluster, rollout: &Value, hash: &str, ready: i64) -> Course {
    let told = |field: &str| text(rollout, &format!("/status/{field}")).to_owned();
    let stable =
        Some(told("stableRS")).filter(|stable| !stable.is_empty()).unwrap_or_else(|| hash.to_owned());
    let another = told("currentPodHash") != hash;
    let over = stable == hash;
    let abort = flag(rollout, "/status/abort") && !another && !over;
    let steps = items(rollout, "/spec/strategy/canary/steps").to_vec();
    let mut course = Course {
        step: match (over, another || abort || !told("abortedAt").is_empty()) {
            (true, _) => steps.len(),
            // A template that is new, an abort, and what is tried again after one: from the first step.
            (false, true) => 0,
            (false, false) => usize::try_from(int(rollout, "/status/currentStepIndex")).unwrap_or(0),
        },
        paused: items(rollout, "/status/pauseConditions")
            .first()
            .map(|pause| text(pause, "/startTime").to_owned())
            .filter(|_| !another && !abort && !over),
        held: flag(rollout, "/spec/paused"),
        aborted: abort
            .then(|| Some(told("abortedAt")).filter(|at| !at.is_empty()).unwrap_or_else(|| cx.clock.stamp())),
        full: flag(rollout, "/status/promoteFull") && !over && !abort,
        canary: 0,
        wanted: rollout.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1).max(0),
        hash: hash.to_owned(),
        stable,
        steps,
    };
    // It waited, and somebody took the pause away.
    let sent_on = flag(rollout, "/status/controllerPause") && course.paused.is_none() && !another;
    if course.held || course.aborted.is_some() || course.is_over() {
        course.canary = match course.aborted {
            Some(_) => 0,
            None => canary(&course),
        };
        return course;
    }
    if course.full {
        course.step = course.steps.len();
        course.paused = None;
    } else {
        go_on(cx, rollout, &mut course, sent_on, ready);
    }
    course.canary = canary(&course);
    if course.step == course.steps.len() && ready >= course.wanted {
        course.stable = course.hash.clone();
        course.full = false;
    }
    course
}

/// Takes steps until one has to be waited for.
fn go_on(cx: &mut Cluster, rollout: &Value, course: &mut Course, mut sent_on: bool, ready: i64) {
    while let Some(step) = course.steps.get(course.step).cloned() {
        let Some(pause) = step.get("pause") else {
            if ready < canary(course) {
                return;
            }
            course.step += 1;
            continue;
        };
        if std::mem::take(&mut sent_on) {
            course.step += 1;
            continue;
        }
        let since = course.paused.get_or_insert_with(|| cx.clock.stamp()).clone();
        let Some(lasts) = pause.get("duration").and_then(seconds) else { return };
        let began = since.parse::<jiff::Timestamp>().unwrap_or_else(|_| cx.clock.timestamp());
        let left = lasts - (cx.clock.timestamp().as_second() - began.as_second());
        if left > 0 {
            let wait = Duration::from_secs(u64::try_from(left).unwrap_or(0));
            cx.again(wait, "rollouts.argoproj.io", namespace(rollout), name(rollout));
            return;
        }
        course.paused = None;
        course.step += 1;
    }
    course.paused = None;
}

/// The length of a pause: a number of seconds, or `30s`, `5m`, `1h`.
fn seconds(value: &Value) -> Option<i64> {
    if let Some(number) = value.as_i64() {
        return Some(number);
    }
    let text = value.as_str()?;
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let by = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    Some(number.parse::<i64>().ok()? * by)
}

/// How many pods of the new template the steps up to the present one ask for.
fn canary(course: &Course) -> i64 {
    let taken = course.steps.iter().take(course.step + 1);
    let weight = match course.step >= course.steps.len() {
        true => 100,
        false => taken.rev().find_map(|s| s.get("setWeight").and_then(Value::as_i64)).unwrap_or(0),
    };
    if course.is_over() { 0 } else { (course.wanted * weight + 99) / 100 }
}

/// Replaces the pods that are older than `spec.restartAt`, one while all others are there; tells whether any are left.
fn restart(cx: &mut Cluster, rollout: &Value, sets: &[Arc<Value>]) -> bool {
    let at = text(rollout, "/spec/restartAt");
    if at.is_empty() || at == text(rollout, "/status/restartedAt") {
        return false;
    }
    let ns = namespace(rollout).to_owned();
    let pods: Vec<Arc<Value>> = sets.iter().flat_map(|s| cx.owned("pods", &ns, uid(s))).collect();
    let old = |pod: &&Arc<Value>| text(pod, "/metadata/creationTimestamp") < at;
    let Some(next) = pods.iter().filter(|pod| !deleting(pod)).find(old) else {
        return pods.iter().any(|pod| !holds(pod, "Ready") || deleting(pod));
    };
    if pods.iter().all(|pod| holds(pod, "Ready") && !deleting(pod)) {
        cx.delete("pods", &ns, name(next));
    }
    true
}

/// The present template becomes the stable one: what remains of an earlier release goes.
pub fn promote(cx: &mut Cluster, ns: &str, own: &str) {
    let Some(rollout) = cx.get("rollouts.argoproj.io", ns, own) else { return };
    let hash = revisions::hash(rollout.pointer("/spec/template").unwrap_or(&Value::Null));
    cx.update("rollouts.argoproj.io", ns, own, |r| set(r, &["status", "stableRS"], json!(hash)));
}

fn of(object: &Value) -> &str {
    entry(object, "/metadata/labels", HASH)
}

fn make(cx: &mut Cluster, rollout: &Value, template: &Value, hash: &str, sets: &[Arc<Value>]) {
    let ns = namespace(rollout).to_owned();
    let mut template = template.clone();
    set(&mut template, &["metadata", "labels", HASH], json!(hash));
    let mut selector = rollout.pointer("/spec/selector").cloned().unwrap_or(json!({}));
    set(&mut selector, &["matchLabels", HASH], json!(hash));
    let newest = sets
        .iter()
        .filter_map(|s| entry(s, "/metadata/annotations", REVISION).parse::<i64>().ok())
        .max()
        .unwrap_or(0);
    let revision = (newest + 1).to_string();
    cx.create("replicasets.apps", json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": format!("{}-{hash}", name(rollout)), "namespace": ns, "labels": template["metadata"]["labels"],
                     "annotations": {REVISION: revision,
                                     "rollout.argoproj.io/desired-replicas": int(rollout, "/spec/replicas").to_string()},
                     "ownerReferences": [pods::reference(rollout)]},
        "spec": {"replicas": 0, "selector": selector, "template": template}, "status": {"replicas": 0},
    }));
    cx.update("rollouts.argoproj.io", &ns, name(rollout), |r| {
        set(r, &["metadata", "annotations", REVISION], json!(revision));
    });
}

fn write_status(
    cx: &mut Cluster,
    rollout: &Value,
    course: &Course,
    restarting: bool,
    counted: &[(Arc<Value>, Counts)],
) {
    let (ns, own) = (namespace(rollout).to_owned(), name(rollout).to_owned());
    let Course { hash, stable, wanted, .. } = course;
    let sum = |f: fn(&Counts) -> i64| counted.iter().map(|(_, c)| f(c)).sum::<i64>();
    let updated = counted.iter().filter(|(s, _)| of(s) == hash).map(|(_, c)| c.present).sum::<i64>();
    let paused = course.paused.is_some() || course.held && !course.is_over();
    let revision = entry(rollout, "/metadata/annotations", REVISION);
    let (phase, message) = if course.aborted.is_some() {
        ("Degraded", format!("RolloutAborted: Rollout aborted update to revision {revision}"))
    } else if course.held && !course.is_over() {
        ("Paused", "manually paused".to_owned())
    } else if course.paused.is_some() {
        ("Paused", "CanaryPauseStep".to_owned())
    } else if restarting {
        ("Progressing", "rollout is restarting".to_owned())
    } else if sum(|c| c.available) >= *wanted && course.is_over() {
        ("Healthy", String::new())
    } else {
        ("Progressing", "more replicas need to be updated".to_owned())
    };
    let stamp = cx.clock.stamp();
    let labels = rollout
        .pointer("/spec/selector/matchLabels")
        .and_then(Value::as_object)
        .map(|l| {
            l.iter().map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or(""))).collect::<Vec<_>>().join(",")
        })
        .unwrap_or_default();
    let generation = int(rollout, "/metadata/generation").to_string();
    // What somebody told its status meanwhile is not written over: that change is looked at next.
    let told = |object: &Value| {
        ["pauseConditions", "abort", "promoteFull", "currentStepIndex"]
            .map(|field| object.pointer(&format!("/status/{field}")).cloned())
    };
    let read = told(rollout);
    cx.update("rollouts.argoproj.io", &ns, &own, |r| {
        if told(r) != read {
            return;
        }
        for (key, n) in [
            ("replicas", sum(|c| c.present)),
            ("HPAReplicas", sum(|c| c.present)),
            ("readyReplicas", sum(|c| c.ready)),
            ("availableReplicas", sum(|c| c.available)),
            ("updatedReplicas", updated),
        ] {
            set(r, &["status", key], json!(n));
        }
        set(r, &["status", "currentPodHash"], json!(hash));
        set(r, &["status", "stableRS"], json!(stable));
        set(r, &["status", "observedGeneration"], json!(generation));
        set(r, &["status", "selector"], json!(labels));
        set(r, &["status", "phase"], json!(phase));
        set(r, &["status", "blueGreen"], json!({}));
        set(r, &["status", "canary"], json!({}));
        let step = if hash == stable { course.steps.len() } else { course.step };
        set(r, &["status", "currentStepIndex"], json!(step));
        match &course.aborted {
            Some(at) => {
                set(r, &["status", "abort"], json!(true));
                set(r, &["status", "abortedAt"], json!(at));
            }
            None => {
                crate::demo::json::unset(r, &["status", "abort"]);
                crate::demo::json::unset(r, &["status", "abortedAt"]);
            }
        }
        match course.full {
            true => set(r, &["status", "promoteFull"], json!(true)),
            false => crate::demo::json::unset(r, &["status", "promoteFull"]),
        }
        if phase == "Healthy" {
            match text(r, "/spec/restartAt").to_owned() {
                at if at.is_empty() => crate::demo::json::unset(r, &["status", "restartedAt"]),
                at => set(r, &["status", "restartedAt"], json!(at)),
            }
        }
        if message.is_empty() {
            crate::demo::json::unset(r, &["status", "message"]);
        } else {
            set(r, &["status", "message"], json!(message));
        }
        match &course.paused {
            Some(since) => {
                let pause = json!([{"reason": "CanaryPauseStep", "startTime": since}]);
                set(r, &["status", "pauseConditions"], pause);
                set(r, &["status", "controllerPause"], json!(true));
            }
            None => {
                crate::demo::json::unset(r, &["status", "pauseConditions"]);
                crate::demo::json::unset(r, &["status", "controllerPause"]);
            }
        }
        if paused {
            set_condition(
                r,
                "Paused",
                "True",
                "RolloutPaused",
                "Rollout is paused",
                &stamp,
                &["lastUpdateTime"],
            );
            set_condition(
                r,
                "Progressing",
                "Unknown",
                "RolloutPaused",
                "Rollout is paused",
                &stamp,
                &["lastUpdateTime"],
            );
        } else {
            set_condition(
                r,
                "Paused",
                "False",
                "RolloutPaused",
                "Rollout is not paused",
                &stamp,
                &["lastUpdateTime"],
            );
            let done = phase == "Healthy";
            let reason = if done { "NewReplicaSetAvailable" } else { "ReplicaSetUpdated" };
            let end = if done { "has successfully progressed." } else { "is progressing." };
            let message = format!("ReplicaSet \"{own}-{hash}\" {end}");
            set_condition(r, "Progressing", "True", reason, &message, &stamp, &["lastUpdateTime"]);
        }
        let truth = |b: bool| if b { "True" } else { "False" };
        let available = sum(|c| c.available) >= *wanted;
        set_condition(
            r,
            "Available",
            truth(available),
            "AvailableReason",
            "Rollout has minimum availability",
            &stamp,
            &["lastUpdateTime"],
        );
        let healthy = phase == "Healthy";
        set_condition(
            r,
            "Healthy",
            truth(healthy),
            if healthy { "RolloutHealthy" } else { "RolloutNotHealthy" },
            if healthy { "Rollout is healthy" } else { "Rollout is not healthy" },
            &stamp,
            &["lastUpdateTime"],
        );
        set_condition(
            r,
            "Completed",
            truth(hash == stable),
            "RolloutCompleted",
            if hash == stable {
                "RolloutCompleted"
            } else {
                "Rollout not completed, started update to a new revision"
            },
            &stamp,
            &["lastUpdateTime"],
        );
    });
}
