//! What Velero does by itself: schedules make backups, backups run through their phases, locations are looked at.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{BACKUPS, LOCATIONS, SCHEDULES, backup, expiration, next_time};
use crate::demo::controllers::Cluster;
use crate::demo::json::{deleting, flag, int, items, name, set, text, uid};
use crate::demo::seed::Seed;

/// When the past has been played and time begins to pass.
const BEGINNING: Duration = Duration::from_millis(1);
/// Between two looks at a location.
const VALIDATED_EVERY: Duration = Duration::from_secs(60);
/// Until a new backup begins.
const BEGINS: Duration = Duration::from_secs(1);
/// Between two steps of one that runs.
const STEP: Duration = Duration::from_secs(6);
/// Steps of one that runs.
const STEPS: i64 = 6;
/// What is left to do when all items are in.
const FINALIZES: Duration = Duration::from_secs(2);
/// Until one that waits for another looks again.
const WAITS: Duration = Duration::from_secs(5);

/// Waits for a schedule's time, and makes a backup then.
pub fn schedule_changed(cx: &mut Cluster, ns: &str, own: &str) {
    let Some(schedule) = cx.get(SCHEDULES, ns, own) else { return };
    if cx.clock.instant {
        return cx.again(BEGINNING, SCHEDULES, ns, own);
    }
    if deleting(&schedule) || !cx.lively {
        return;
    }
    let cron = text(&schedule, "/spec/schedule").to_owned();
    let last = [text(&schedule, "/status/lastBackup"), text(&schedule, "/metadata/creationTimestamp")]
        .iter()
        .find_map(|stamp| stamp.parse::<Timestamp>().ok());
    let Some(due) = last.and_then(|last| next_time(&cron, last)) else {
        if text(&schedule, "/status/phase") != "FailedValidation" {
            cx.update(SCHEDULES, ns, own, |s| {
                let why = format!("invalid schedule: {cron}");
                s["status"] = json!({"phase": "FailedValidation", "validationErrors": [why]});
            });
        }
        return;
    };
    if text(&schedule, "/status/phase").is_empty() && !flag(&schedule, "/spec/paused") {
        cx.update(SCHEDULES, ns, own, |s| set(s, &["status", "phase"], json!("Enabled")));
    }
    if flag(&schedule, "/spec/paused") {
        return;
    }
    // Story time is reckoned once for each wait, so that the story may run at another speed than the clock.
    let key = format!("velero {} {cron} {due}", uid(&schedule));
    let at = match cx.progress.get(&key) {
        Some(at) => *at,
        None => {
            let wait = (due.as_millisecond() - cx.clock.timestamp().as_millisecond()).max(0);
            let wait = Duration::from_millis(wait.unsigned_abs());
            cx.again(wait, SCHEDULES, ns, own);
            let at = cx.clock.now + wait;
            cx.progress.insert(key.clone(), at);
            at
        }
    };
    if at <= cx.clock.now {
        cx.progress.remove(&key);
        fire(cx, &schedule);
    }
}

fn fire(cx: &mut Cluster, schedule: &Value) {
    let (ns, own) = (super::NAMESPACE, name(schedule).to_owned());
    let now = cx.clock.timestamp();
    let template = schedule.pointer("/spec/template").cloned().unwrap_or(json!({}));
    cx.create(BACKUPS, backup(&own, &template, now));
    let stamp = cx.clock.stamp();
    cx.update(SCHEDULES, ns, &own, |s| set(s, &["status", "lastBackup"], json!(stamp)));
    // What has expired goes, as the server's garbage collection has it.
    let of_it = |b: &Value| {
        b.pointer("/metadata/labels/velero.io~1schedule-name").and_then(Value::as_str) == Some(&own)
    };
    for old in cx.list(BACKUPS, Some(ns)) {
        let expired = text(&old, "/status/expiration").parse::<Timestamp>().is_ok_and(|at| at < now);
        if of_it(&old) && expired {
            cx.delete(BACKUPS, ns, name(&old));
        }
    }
}

/// Moves a backup on.
pub fn backup_changed(cx: &mut Cluster, ns: &str, own: &str) {
    let Some(backup) = cx.get(BACKUPS, ns, own) else { return };
    let phase = text(&backup, "/status/phase");
    if deleting(&backup) || cx.clock.instant || !matches!(phase, "" | "New" | "InProgress" | "Finalizing") {
        return;
    }
    // Looked at again before its time: by its own last step.
    let key = format!("backup {} {phase} {}", uid(&backup), int(&backup, "/status/progress/itemsBackedUp"));
    let wait = match phase {
        "" => Duration::ZERO,
        "New" => BEGINS,
        "Finalizing" => FINALIZES,
        _ => STEP,
    };
    match cx.progress.get(&key).copied() {
        Some(at) if at > cx.clock.now => return,
        Some(_) => {}
        None if wait.is_zero() => {}
        None => {
            cx.progress.insert(key, cx.clock.now + wait);
            return cx.again(wait, BACKUPS, ns, own);
        }
    }
    if phase == "New" && cx.list(BACKUPS, Some(ns)).iter().any(|b| text(b, "/status/phase") == "InProgress") {
        cx.progress.insert(key, cx.clock.now + WAITS);
        return cx.again(WAITS, BACKUPS, ns, own);
    }
    cx.progress.remove(&key);
    let status = match phase {
        "" => begin(cx, ns, &backup),
        "New" => json!({
            "phase": "InProgress", "version": 1, "formatVersion": "1.1.0", "startTimestamp": cx.clock.stamp(),
            "expiration": expiration(text(&backup, "/spec/ttl"), cx.clock.timestamp()),
            "progress": {"totalItems": total(cx, &backup), "itemsBackedUp": 0},
        }),
        "InProgress" => advanced(&backup),
        _ => finished(&backup, cx.clock.stamp()),
    };
    cx.update(BACKUPS, ns, own, |b| b["status"] = status);
}

/// What becomes of a new backup: it waits for its turn, unless there is nowhere to put it.
fn begin(cx: &Cluster, ns: &str, backup: &Value) -> Value {
    let wanted = text(backup, "/spec/storageLocation");
    let wanted = if wanted.is_empty() { "default" } else { wanted };
    let trouble = match cx.get(LOCATIONS, ns, wanted) {
        None => format!("an existing backup storage location was not specified: {wanted}"),
        Some(location) if text(&location, "/status/phase") != "Available" => {
            format!("backup can't be created because BackupStorageLocation {wanted} is in Unavailable status")
        }
        Some(_) => return json!({"phase": "New"}),
    };
    let expiration = expiration(text(backup, "/spec/ttl"), cx.clock.timestamp());
    json!({"phase": "FailedValidation", "validationErrors": [trouble], "expiration": expiration,
           "version": 1, "formatVersion": "1.1.0"})
}

/// How many objects a backup takes: those of its namespaces, and a few of the cluster.
fn total(cx: &Cluster, backup: &Value) -> i64 {
    let kinds =
        ["pods", "services", "replicasets.apps", "deployments.apps", "statefulsets.apps", "jobs.batch"];
    let included = items(backup, "/spec/includedNamespaces");
    let objects = included
        .iter()
        .filter_map(Value::as_str)
        .flat_map(|ns| kinds.map(|kind| cx.list(kind, Some(ns)).len()))
        .sum::<usize>();
    let odd = Seed::new(0).of(uid(backup)).below(40);
    i64::try_from(objects).unwrap_or(0) + 60 + i64::try_from(odd).unwrap_or(0)
}

fn advanced(backup: &Value) -> Value {
    let mut status = backup["status"].clone();
    let (total, done) =
        (int(backup, "/status/progress/totalItems"), int(backup, "/status/progress/itemsBackedUp"));
    let done = (done + (total / STEPS).max(1)).min(total);
    status["progress"]["itemsBackedUp"] = json!(done);
    if done == total {
        status["phase"] = json!("Finalizing");
    }
    status
}

fn finished(backup: &Value, stamp: String) -> Value {
    let mut status = backup["status"].clone();
    status["phase"] = json!("Completed");
    status["completionTimestamp"] = json!(stamp);
    status["csiVolumeSnapshotsAttempted"] = json!(3);
    status["csiVolumeSnapshotsCompleted"] = json!(3);
    status["hookStatus"] = json!({});
    status
}

/// Looks at a location once a minute: those that can be reached are found as they were.
pub fn location_changed(cx: &mut Cluster, ns: &str, own: &str) {
    let Some(location) = cx.get(LOCATIONS, ns, own) else { return };
    if cx.clock.instant {
        return cx.again(BEGINNING, LOCATIONS, ns, own);
    }
    if deleting(&location) || !cx.lively {
        return;
    }
    let key = format!("location {}", uid(&location));
    match cx.progress.get(&key).copied() {
        Some(at) if at > cx.clock.now => {}
        known => {
            cx.progress.insert(key, cx.clock.now + VALIDATED_EVERY);
            cx.again(VALIDATED_EVERY, LOCATIONS, ns, own);
            if known.is_some() {
                let stamp = cx.clock.stamp();
                cx.update(LOCATIONS, ns, own, |l| {
                    set(l, &["status", "lastValidationTime"], json!(stamp));
                    if text(l, "/status/phase") == "Available" {
                        set(l, &["status", "lastSyncedTime"], json!(stamp));
                    }
                });
            }
        }
    }
}
