//! CronJobs: a Job at each time of the schedule. The schedule is read on the demo's own calendar, which
//! begins 3 minutes 30 before a full five minutes, so that a story has the same beats whenever it is
//! started.

use std::time::Duration;

use cronexpr::{FallbackTimezoneOption, MakeTimestamp, ParseOptions};
use serde_json::{Value, json};

use super::events::{self, NORMAL, WARNING};
use super::{Cluster, jobs, pods};
use crate::demo::json::{deleting, flag, holds, name, namespace, set, text, uid};

/// Who speaks in events.
const COMPONENT: &str = "cronjob-controller";
/// Story time zero on the demo's calendar, in Unix seconds.
const ZERO: i64 = 1_763_712_210;

/// Starts a Job when it is time, tidies old ones, writes the status, and sets the next alarm.
pub fn reconcile(cx: &mut Cluster, ns: &str, own: &str) {
    let Some(cron) = cx.get("cronjobs.batch", ns, own) else { return };
    if deleting(&cron) {
        return;
    }
    let due = format!("cron {} {}", uid(&cron), text(&cron, "/spec/schedule"));
    let Some(next) = next_after(&cron, cx.clock.now) else {
        let message = format!("unparseable schedule: {:?}", text(&cron, "/spec/schedule"));
        events::tell(cx, &cron, "", WARNING, "UnparseableSchedule", &message, COMPONENT);
        return;
    };
    match cx.progress.get(&due).copied() {
        Some(at) if at <= cx.clock.now => {
            cx.progress.insert(due, next);
            cx.again(next - cx.clock.now, "cronjobs.batch", ns, own);
            if cx.lively && !flag(&cron, "/spec/suspend") {
                start(cx, &cron, at);
            }
        }
        Some(_) => {}
        None => {
            cx.progress.insert(due, next);
            cx.again(next - cx.clock.now, "cronjobs.batch", ns, own);
        }
    }
    tidy(cx, &cron);
}

/// The next time of the schedule, in story time.
fn next_after(cron: &Value, now: Duration) -> Option<Duration> {
    let mut options = ParseOptions::default();
    options.fallback_timezone_option = FallbackTimezoneOption::UTC;
    let schedule = cronexpr::parse_crontab_with(text(cron, "/spec/schedule"), options).ok()?;
    let from = MakeTimestamp::from_millisecond(ZERO * 1000 + i64::try_from(now.as_millis()).ok()?).ok()?;
    let next = schedule.find_next(from).ok()?.timestamp().as_second();
    u64::try_from(next - ZERO).ok().map(Duration::from_secs)
}

/// Starts the Job of a time.
fn start(cx: &mut Cluster, cron: &Value, at: Duration) {
    let mine = cx.owned("jobs.batch", namespace(cron), uid(cron));
    let busy: Vec<_> = mine.iter().filter(|j| !jobs::finished(j)).collect();
    if !busy.is_empty() {
        match text(cron, "/spec/concurrencyPolicy") {
            "Forbid" => {
                let message =
                    "Not starting job because prior execution is running and concurrency policy is Forbid";
                return events::tell(cx, cron, "", NORMAL, "JobAlreadyActive", message, COMPONENT);
            }
            "Replace" => {
                for job in busy {
                    cx.delete("jobs.batch", namespace(cron), name(job));
                }
            }
            _ => {}
        }
    }
    make(cx, cron, i64::try_from(at.as_secs()).unwrap_or(i64::MAX));
}

/// Makes the Job of a time (story seconds; negative: before the story), named after the minutes of the
/// demo's calendar.
pub fn make(cx: &mut Cluster, cron: &Value, at: i64) {
    let (ns, own) = (namespace(cron).to_owned(), name(cron).to_owned());
    make_named(cx, cron, &format!("{own}-{}", (ZERO + at) / 60));
    let stamp = cx.clock.stamp();
    cx.update("cronjobs.batch", &ns, &own, |c| {
        set(c, &["status", "lastScheduleTime"], json!(stamp));
    });
}

fn make_named(cx: &mut Cluster, cron: &Value, job_name: &str) {
    let template = cron.pointer("/spec/jobTemplate").cloned().unwrap_or(json!({}));
    let stamp = cx.clock.stamp();
    let mut annotations = template.pointer("/metadata/annotations").cloned().unwrap_or(json!({}));
    annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"] = json!(stamp);
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": job_name, "namespace": namespace(cron), "annotations": annotations,
                     "labels": template.pointer("/metadata/labels").cloned().unwrap_or(json!({})),
                     "ownerReferences": [pods::reference(cron)]},
        "spec": template.get("spec").cloned().unwrap_or(json!({})),
        "status": {},
    });
    if cx.create("jobs.batch", job).is_some() {
        let message = format!("Created job {job_name}");
        events::tell(cx, cron, "", NORMAL, "SuccessfulCreate", &message, COMPONENT);
    }
}

/// Keeps as many ended Jobs as asked for and writes which work.
fn tidy(cx: &mut Cluster, cron: &Value) {
    let (ns, own) = (namespace(cron).to_owned(), name(cron).to_owned());
    let mut mine = cx.owned("jobs.batch", &ns, uid(cron));
    mine.sort_by_key(|j| text(j, "/metadata/creationTimestamp").to_owned());
    for (kind, key, default) in
        [("Complete", "successfulJobsHistoryLimit", 3), ("Failed", "failedJobsHistoryLimit", 1)]
    {
        let keep = cron.pointer(&format!("/spec/{key}")).and_then(Value::as_u64).unwrap_or(default) as usize;
        let ended: Vec<_> = mine.iter().filter(|j| holds(j, kind)).collect();
        for job in ended.iter().take(ended.len().saturating_sub(keep)) {
            cx.delete("jobs.batch", &ns, name(job));
            let message = format!("Deleted job {}", name(job));
            events::tell(cx, cron, "", NORMAL, "SuccessfulDelete", &message, COMPONENT);
        }
    }
    let active: Vec<Value> = mine
        .iter()
        .filter(|j| !jobs::finished(j))
        .map(|j| {
            json!({"apiVersion": "batch/v1", "kind": "Job", "name": name(j), "namespace": ns, "uid": uid(j),
                        "resourceVersion": text(j, "/metadata/resourceVersion")})
        })
        .collect();
    let was: Vec<String> =
        crate::demo::json::items(cron, "/status/active").iter().map(|j| text(j, "/uid").to_owned()).collect();
    for job in mine.iter().filter(|j| jobs::finished(j) && was.iter().any(|u| u == uid(j))) {
        let end = if holds(job, "Complete") { "Complete" } else { "Failed" };
        let message = format!("Saw completed job: {}, condition: {end}", name(job));
        events::tell(cx, cron, "", NORMAL, "SawCompletedJob", &message, COMPONENT);
    }
    let success = mine
        .iter()
        .filter(|j| holds(j, "Complete"))
        .map(|j| text(j, "/status/completionTime").to_owned())
        .max();
    cx.update("cronjobs.batch", &ns, &own, |c| {
        let same =
            active.len() == was.len() && active.iter().all(|a| was.iter().any(|u| u == text(a, "/uid")));
        if active.is_empty() {
            crate::demo::json::unset(c, &["status", "active"]);
        } else if !same {
            set(c, &["status", "active"], json!(active));
        }
        if let Some(success) = &success {
            set(c, &["status", "lastSuccessfulTime"], json!(success));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demos_calendar_begins_so_that_five_minute_jobs_fire_at_90_seconds() {
        let cron = json!({"spec": {"schedule": "*/5 * * * *"}});
        let at = |s| next_after(&cron, Duration::from_secs(s)).map(|d| d.as_secs());
        assert_eq!(at(0), Some(90));
        assert_eq!(at(90), Some(390));
        assert_eq!(next_after(&json!({"spec": {"schedule": "never"}}), Duration::ZERO), None);
    }
}
