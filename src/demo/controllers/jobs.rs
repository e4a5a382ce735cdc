//! Jobs: pods that end. Counts what succeeded and what failed until the Job is complete or has failed.

use std::time::Duration;

use serde_json::{Value, json};

use super::events::{self, NORMAL, WARNING};
use super::{Cluster, pods};
use crate::demo::json::{deleting, flag, holds, name, namespace, set, set_condition, text, uid, unset};

/// Who speaks in events.
const COMPONENT: &str = "job-controller";

/// Makes the pods that are missing and writes how the Job stands.
pub fn reconcile(cx: &mut Cluster, ns: &str, own: &str) {
    let Some(job) = cx.get("jobs.batch", ns, own) else { return };
    if deleting(&job) {
        return;
    }
    if holds(&job, "Complete") || holds(&job, "Failed") {
        return expire(cx, &job);
    }
    let Some(job) = defaulted(cx, &job) else { return };
    let mine = cx.owned("pods", ns, uid(&job));
    let phase = |wanted: &str| mine.iter().filter(|p| text(p, "/status/phase") == wanted).count() as i64;
    let (succeeded, failed) = (phase("Succeeded"), phase("Failed"));
    let active = mine.iter().filter(|p| pods::active(p)).count() as i64;
    let completions = job.pointer("/spec/completions").and_then(Value::as_i64).unwrap_or(1);
    let parallel = job.pointer("/spec/parallelism").and_then(Value::as_i64).unwrap_or(1);
    let limit = job.pointer("/spec/backoffLimit").and_then(Value::as_i64).unwrap_or(6);
    let over = failed > limit;
    let done = succeeded >= completions;
    let mut made = 0;
    if !over && !done && !flag(&job, "/spec/suspend") {
        made = (completions - succeeded).min(parallel) - active;
        for _ in 0..made {
            make(cx, &job);
        }
    }
    let stamp = cx.clock.stamp();
    let finished = mine
        .iter()
        .map(|p| text(p, "/status/containerStatuses/0/state/terminated/finishedAt").to_owned())
        .max()
        .filter(|t| !t.is_empty())
        .unwrap_or_else(|| stamp.clone());
    cx.update("jobs.batch", ns, own, |j| {
        if j.pointer("/status/startTime").is_none() {
            set(j, &["status", "startTime"], json!(stamp));
        }
        let active = if over || done { 0 } else { active + made.max(0) };
        for (key, n) in [("active", active), ("succeeded", succeeded), ("failed", failed), ("ready", active)]
        {
            if n == 0 && key != "ready" {
                unset(j, &["status", key]);
            } else {
                set(j, &["status", key], json!(n));
            }
        }
        set(j, &["status", "terminating"], json!(0));
        set(j, &["status", "uncountedTerminatedPods"], json!({}));
        if done {
            let message = "Reached expected number of succeeded pods";
            set_condition(
                j,
                "SuccessCriteriaMet",
                "True",
                "CompletionsReached",
                message,
                &finished,
                &["lastProbeTime"],
            );
            set_condition(
                j,
                "Complete",
                "True",
                "CompletionsReached",
                message,
                &finished,
                &["lastProbeTime"],
            );
            set(j, &["status", "completionTime"], json!(finished));
        } else if over {
            let message = "Job has reached the specified backoff limit";
            set_condition(
                j,
                "FailureTarget",
                "True",
                "BackoffLimitExceeded",
                message,
                &finished,
                &["lastProbeTime"],
            );
            set_condition(
                j,
                "Failed",
                "True",
                "BackoffLimitExceeded",
                message,
                &finished,
                &["lastProbeTime"],
            );
        }
    });
    if done {
        events::tell(cx, &job, "", NORMAL, "Completed", "Job completed", COMPONENT);
    } else if over {
        let message = "Job has reached the specified backoff limit";
        events::tell(cx, &job, "", WARNING, "BackoffLimitExceeded", message, COMPONENT);
    }
}

/// What an API server fills in a new Job: the selector and the labels that it selects by.
fn defaulted(cx: &mut Cluster, job: &Value) -> Option<std::sync::Arc<Value>> {
    let (own, id) = (name(job).to_owned(), uid(job).to_owned());
    cx.update("jobs.batch", namespace(job), &own, |j| {
        if j.pointer("/spec/selector").is_some() {
            return;
        }
        set(j, &["spec", "selector"], json!({"matchLabels": {"batch.kubernetes.io/controller-uid": id}}));
        for (key, value) in [
            ("batch.kubernetes.io/controller-uid", &id),
            ("batch.kubernetes.io/job-name", &own),
            ("controller-uid", &id),
            ("job-name", &own),
        ] {
            set(j, &["spec", "template", "metadata", "labels", key], json!(value));
        }
        for (key, value) in [
            ("completions", json!(1)),
            ("parallelism", json!(1)),
            ("backoffLimit", json!(6)),
            ("completionMode", json!("NonIndexed")),
            ("suspend", json!(false)),
        ] {
            if j["spec"].get(key).is_none() {
                set(j, &["spec", key], value);
            }
        }
    })
}

fn make(cx: &mut Cluster, job: &Value) {
    let ns = namespace(job).to_owned();
    let prefix = format!("{}-", name(job));
    let pod_name = cx.fresh_name("pods", &ns, &prefix);
    let template = job.pointer("/spec/template").cloned().unwrap_or(json!({}));
    let pod = pods::from_template(cx, &template, job, &pod_name, Some(&prefix), &[]);
    if cx.create("pods", pod).is_some() {
        let message = format!("Created pod: {pod_name}");
        events::tell(cx, job, "", NORMAL, "SuccessfulCreate", &message, COMPONENT);
    }
}

/// A Job that ended goes after the time that it asks for.
fn expire(cx: &mut Cluster, job: &Value) {
    let Some(keep) = job.pointer("/spec/ttlSecondsAfterFinished").and_then(Value::as_i64) else { return };
    let key = format!("ttl {}", uid(job));
    let ended = *cx.progress.entry(key).or_insert(cx.clock.now);
    let until = ended + Duration::from_secs(keep.unsigned_abs());
    if cx.clock.now >= until {
        cx.delete("jobs.batch", namespace(job), name(job));
    } else {
        cx.again(until - cx.clock.now, "jobs.batch", namespace(job), name(job));
    }
}

/// When a Job ended, if it did.
pub fn finished(job: &Value) -> bool {
    holds(job, "Complete") || holds(job, "Failed")
}
