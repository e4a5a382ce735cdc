//! The demo's Velero: its definitions, what it has kept so far, and (`run`) what it goes on to do.
//!
//! Production's newest backup was cut short by a volume that could not be taken, so that its recovery point is missed;
//! its copy outside the cloud has a store that nobody can reach, and the ledger's schedule was paused and forgotten.
//! Development and staging are kept as they should be, and a restore was rehearsed there.

mod definitions;
mod run;

use std::time::Duration;

use cronexpr::{FallbackTimezoneOption, MakeTimestamp, ParseOptions};
use jiff::Timestamp;
use serde_json::{Value, json};

pub use definitions::definitions;
pub use run::{backup_changed, location_changed, schedule_changed};

use super::clock::{Clock, seconds, shift};
use super::controllers::Cluster;
use super::seed::Seed;
use super::world::clusters::Site;

/// The namespace that Velero is in.
pub const NAMESPACE: &str = "velero";
/// Resource keys.
pub const BACKUPS: &str = "backups.velero.io";
const SCHEDULES: &str = "schedules.velero.io";
const RESTORES: &str = "restores.velero.io";
const LOCATIONS: &str = "backupstoragelocations.velero.io";

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A schedule and its past.
struct Planned {
    name: &'static str,
    cron: &'static str,
    namespace: &'static str,
    location: &'static str,
    ttl: &'static str,
    paused: bool,
    /// Seconds before the story at which its backups began, newest first.
    past: &'static [u64],
    /// How many more were kept before those, at the distance of the first two.
    more: u64,
    /// What became of the newest one.
    newest: Outcome,
    /// Objects in it, and volumes.
    size: (u64, u64),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Completed,
    /// One volume could not be taken.
    Partial,
}

const EDGE: [Planned; 2] = [
    Planned {
        name: "shop-dev-daily",
        cron: "@every 24h",
        namespace: "shop-dev",
        location: "default",
        ttl: "168h0m0s",
        paused: false,
        past: &[172 * MINUTE, 172 * MINUTE + DAY],
        more: 5,
        newest: Outcome::Completed,
        size: (214, 3),
    },
    Planned {
        name: "shop-staging",
        cron: "@every 2h",
        namespace: "shop-staging",
        location: "default",
        ttl: "24h0m0s",
        paused: false,
        past: &[4 * MINUTE, 4 * MINUTE + 2 * HOUR],
        more: 9,
        newest: Outcome::Completed,
        size: (231, 3),
    },
];

const PROD: [Planned; 3] = [
    Planned {
        name: "shop-half-hourly",
        cron: "@every 30m",
        namespace: "shop-prod",
        location: "default",
        ttl: "24h0m0s",
        paused: false,
        past: &[3 * MINUTE, 33 * MINUTE],
        more: 45,
        newest: Outcome::Partial,
        size: (318, 5),
    },
    Planned {
        name: "shop-offsite",
        cron: "CRON_TZ=Europe/Berlin 0 3 * * 1",
        namespace: "shop-prod",
        location: "offsite",
        ttl: "720h0m0s",
        paused: false,
        // Counted back from the schedule's own last time.
        past: &[0, 7 * DAY],
        more: 2,
        newest: Outcome::Completed,
        size: (318, 5),
    },
    Planned {
        name: "payments-ledger",
        cron: "0 */6 * * *",
        namespace: "shop-prod",
        location: "default",
        ttl: "240h0m0s",
        paused: true,
        past: &[2 * DAY + 3 * HOUR, 2 * DAY + 9 * HOUR],
        more: 2,
        newest: Outcome::Completed,
        size: (12, 1),
    },
];

/// Writes what Velero has kept of a cluster up to the story.
pub fn past(cx: &mut Cluster, site: &Site, zero: Timestamp) {
    let before = |secs: u64| shift(zero, -(secs as f64));
    cx.clock = Clock::past(before(site.node_days * DAY));
    let now = seconds(before(20));
    let store = if site.is_k3s() { "edge-backups" } else { "shop-backups" };
    cx.create(LOCATIONS, location("default", store, &now, None));
    if !site.is_k3s() {
        let why =
            "rpc error: code = Unknown desc = AccessDenied: the bucket's key was rotated, status code: 403";
        cx.create(LOCATIONS, location("offsite", "shop-offsite", &now, Some(why)));
    }
    let plans: &[Planned] = if site.is_k3s() { &EDGE } else { &PROD };
    for plan in plans {
        let starts = starts(plan, zero);
        for start in starts.iter().skip(1).rev() {
            make(cx, plan, *start, Outcome::Completed);
        }
        if let Some(newest) = starts.first() {
            make(cx, plan, *newest, plan.newest);
        }
        cx.clock = Clock::past(before(site.node_days * DAY));
        cx.create(SCHEDULES, schedule(plan, starts.first().copied()));
    }
    let (name, of, into, days, took) = if site.is_k3s() {
        ("drill-shop-staging", "shop-staging", json!({"shop-staging": "shop-drill"}), 3, 12 * MINUTE)
    } else {
        ("cart-config-back", "shop-half-hourly", json!({}), 9, 3 * MINUTE)
    };
    let begun = before(days * DAY);
    cx.clock = Clock::past(begun);
    cx.create(RESTORES, restore(name, of, &into, begun, took));
    cx.settle();
}

/// When the backups of a plan began, newest first.
fn starts(plan: &Planned, zero: Timestamp) -> Vec<Timestamp> {
    let before = |at: Timestamp, secs: u64| shift(at, -(secs as f64));
    let from = match plan.past {
        [0, ..] => last_time(plan.cron, zero).unwrap_or(zero),
        _ => zero,
    };
    let step = plan.past.get(1).zip(plan.past.first()).map_or(HOUR, |(older, newer)| older - newer);
    let oldest = plan.past.last().copied().unwrap_or(0);
    let more = (1..=plan.more).map(|n| oldest + n * step);
    plan.past.iter().copied().chain(more).map(|secs| before(from, secs)).collect()
}

/// A finished backup of a plan.
fn make(cx: &mut Cluster, plan: &Planned, start: Timestamp, outcome: Outcome) {
    cx.clock = Clock::past(start);
    let mut backup = backup(plan.name, &template(plan), start);
    let (items, volumes) = plan.size;
    // The number of objects moves a little from day to day.
    let odd = Seed::new(start.as_second().unsigned_abs()).of(plan.name).below(5);
    let (items, took) = (items - odd, 34 + odd * 2);
    let over = seconds(shift(start, took as f64));
    let partial = outcome == Outcome::Partial;
    backup["status"] = json!({
        "version": 1, "formatVersion": "1.1.0", "phase": if partial { "PartiallyFailed" } else { "Completed" },
        "startTimestamp": seconds(start), "completionTimestamp": over,
        "expiration": expiration(plan.ttl, start),
        "progress": {"totalItems": items, "itemsBackedUp": items},
        "csiVolumeSnapshotsAttempted": volumes,
        "csiVolumeSnapshotsCompleted": volumes - u64::from(partial),
        "hookStatus": {},
    });
    if partial {
        backup["status"]["errors"] = json!(1);
        backup["status"]["warnings"] = json!(2);
    }
    cx.create(BACKUPS, backup);
}

/// A Backup that nobody has looked at yet.
fn backup(schedule: &str, template: &Value, at: Timestamp) -> Value {
    let name = format!("{schedule}-{}", at.strftime("%Y%m%d%H%M%S"));
    json!({
        "apiVersion": "velero.io/v1", "kind": "Backup",
        "metadata": {"name": name, "namespace": NAMESPACE,
                     "labels": {"velero.io/schedule-name": schedule, "velero.io/storage-location": template["storageLocation"]},
                     "annotations": {"velero.io/source-cluster-k8s-gitversion": "v1.36.3"}},
        "spec": template, "status": {},
    })
}

fn template(plan: &Planned) -> Value {
    json!({
        "includedNamespaces": [plan.namespace], "storageLocation": plan.location, "ttl": plan.ttl,
        "excludedResources": ["events", "events.events.k8s.io"], "snapshotMoveData": false,
        "csiSnapshotTimeout": "10m0s", "itemOperationTimeout": "4h0m0s", "metadata": {}, "hooks": hooks(plan),
    })
}

fn hooks(plan: &Planned) -> Value {
    if plan.name != "payments-ledger" {
        return json!({});
    }
    json!({"resources": [{"name": "flush-ledger", "includedNamespaces": [plan.namespace],
        "pre": [{"exec": {"container": "payments", "command": ["/bin/ledger", "flush"], "onError": "Fail", "timeout": "30s"}}]}]})
}

fn schedule(plan: &Planned, last: Option<Timestamp>) -> Value {
    let mut schedule = json!({
        "apiVersion": "velero.io/v1", "kind": "Schedule",
        "metadata": {"name": plan.name, "namespace": NAMESPACE},
        "spec": {"schedule": plan.cron, "paused": plan.paused, "template": template(plan), "useOwnerReferencesInBackup": false},
        "status": {"phase": "Enabled"},
    });
    if let Some(last) = last {
        schedule["status"]["lastBackup"] = json!(seconds(last));
    }
    schedule
}

fn location(name: &str, bucket: &str, validated: &str, trouble: Option<&str>) -> Value {
    let mut location = json!({
        "apiVersion": "velero.io/v1", "kind": "BackupStorageLocation",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"component": "velero"}},
        "spec": {"provider": "aws", "default": name == "default", "accessMode": "ReadWrite",
                 "objectStorage": {"bucket": bucket, "prefix": "velero"}, "config": {"region": "eu1"}},
        "status": {"phase": if trouble.is_some() { "Unavailable" } else { "Available" }, "lastValidationTime": validated},
    });
    match trouble {
        Some(why) => location["status"]["message"] = json!(why),
        None => location["status"]["lastSyncedTime"] = json!(validated),
    }
    location
}

fn restore(name: &str, schedule: &str, mapping: &Value, begun: Timestamp, took: u64) -> Value {
    json!({
        "apiVersion": "velero.io/v1", "kind": "Restore",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"backupName": format!("{schedule}-{}", shift(begun, -3_600.0).strftime("%Y%m%d%H%M%S")),
                 "namespaceMapping": mapping, "includedNamespaces": [if schedule == "shop-staging" { "shop-staging" } else { "shop-prod" }],
                 "excludedResources": ["nodes", "events", "events.events.k8s.io", "backups.velero.io", "restores.velero.io"],
                 "itemOperationTimeout": "4h0m0s", "hooks": {}},
        "status": {"phase": "Completed", "startTimestamp": seconds(begun), "completionTimestamp": seconds(shift(begun, took as f64)),
                   "progress": {"totalItems": 231, "itemsRestored": 231}, "warnings": 1, "hookStatus": {}},
    })
}

/// When a backup of that age may be deleted.
fn expiration(ttl: &str, start: Timestamp) -> String {
    let hours: u64 = ttl.split('h').next().and_then(|hours| hours.parse().ok()).unwrap_or(720);
    seconds(shift(start, (hours * HOUR) as f64))
}

/// Hours and minutes of `@every`, the one duration that schedules of the demo are written with.
fn every(cron: &str) -> Option<Duration> {
    let text = cron.strip_prefix("@every ")?;
    let (number, unit) = text.split_at(text.len().checked_sub(1)?);
    let unit = match unit {
        "h" => HOUR,
        "m" => MINUTE,
        "s" => 1,
        _ => return None,
    };
    number.parse::<u64>().ok().filter(|n| *n > 0).map(|n| Duration::from_secs(n * unit))
}

/// When a schedule is due after a time; `None` when it cannot be read or never is.
fn next_time(cron: &str, after: Timestamp) -> Option<Timestamp> {
    if let Some(every) = every(cron) {
        return Some(shift(after, every.as_secs_f64()));
    }
    let mut options = ParseOptions::default();
    options.fallback_timezone_option = FallbackTimezoneOption::UTC;
    let fields = match cron.strip_prefix("CRON_TZ=").and_then(|rest| rest.split_once(' ')) {
        Some((zone, fields)) => format!("{fields} {zone}"),
        None => cron.to_owned(),
    };
    let table = cronexpr::parse_crontab_with(&fields, options).ok()?;
    Some(table.find_next(MakeTimestamp(after)).ok()?.timestamp())
}

/// When a schedule that fires every week or oftener was last due before a time.
fn last_time(cron: &str, before: Timestamp) -> Option<Timestamp> {
    let mut last = None;
    let mut at = shift(before, -((8 * DAY) as f64));
    while let Some(next) = next_time(cron, at).filter(|next| *next < before) {
        last = Some(next);
        at = next;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_schedules() {
        let at: Timestamp = "2026-11-21T14:31:59Z".parse().unwrap();
        let told = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
        assert_eq!(told(next_time("@every 30m", at)), "2026-11-21T15:01:59Z");
        assert_eq!(told(next_time("CRON_TZ=Europe/Berlin 0 3 * * 1", at)), "2026-11-23T02:00:00Z");
        assert_eq!(told(last_time("CRON_TZ=Europe/Berlin 0 3 * * 1", at)), "2026-11-16T02:00:00Z");
        assert_eq!(told(next_time("0 */6 * * *", at)), "2026-11-21T18:00:00Z");
        assert_eq!(next_time("now and then", at), None);
        assert_eq!(expiration("24h0m0s", at), "2026-11-22T14:31:59Z");
    }
}
