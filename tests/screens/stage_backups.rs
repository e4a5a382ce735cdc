//! What Velero keeps of the stage: development once a day, staging every two hours, production every half hour, whose
//! newest backup failed in part, so that its recovery point is breached.

use pilothouse::domain::id::{ClusterId, Kind};
use pilothouse::msg::{ClusterMsg, Delta, Facts};
use pilothouse::wire::velero::{WireBackup, WireLocation, WireRestore, WireSchedule};
use serde_json::{Value, json};

use crate::stage::uid;
use crate::stage_sync::{row, time};

const EDGE: ClusterId = ClusterId(0);
const GKE: ClusterId = ClusterId(1);
const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

fn meta(kind: Kind, name: &str, since: i64) -> Value {
    json!({"name": name, "namespace": "velero", "uid": uid(&format!("{} {name}", kind.word())).to_string(),
        "creationTimestamp": time(since)})
}

fn schedule(name: &str, cron: &str, namespace: &str, last: i64) -> Value {
    json!({"metadata": meta(Kind::Schedule, name, 90 * DAY),
        "spec": {"schedule": cron, "template": {"includedNamespaces": [namespace]}},
        "status": {"phase": "Enabled", "lastBackup": time(last)}})
}

/// A backup that began so many seconds ago and took one minute.
fn backup(schedule: &str, namespace: &str, phase: &str, began: i64, errors: u32) -> Value {
    let mut meta = meta(Kind::Backup, &format!("{schedule}-{}", began / MINUTE), began);
    meta["labels"] = json!({"velero.io/schedule-name": schedule});
    json!({"metadata": meta, "spec": {"includedNamespaces": [namespace]},
        "status": {"phase": phase, "startTimestamp": time(began), "completionTimestamp": time(began - MINUTE),
            "expiration": time(began - 30 * DAY), "errors": errors,
            "progress": {"totalItems": 118, "itemsBackedUp": 118}}})
}

fn location(name: &str, default: bool, phase: &str, message: &str) -> Value {
    json!({"metadata": meta(Kind::BackupStorageLocation, name, 90 * DAY),
        "spec": {"provider": "aws", "default": default, "objectStorage": {"bucket": format!("shop-{name}")}},
        "status": {"phase": phase, "message": message, "lastSyncedTime": time(40), "lastValidationTime": time(20)}})
}

/// Everything that is kept.
pub fn backups(send: &mut dyn FnMut(ClusterId, ClusterMsg)) {
    let hour = 60 * MINUTE;
    let schedules = [
        (EDGE, schedule("shop-dev", "32 11 * * *", "shop-dev", 3 * hour)),
        (EDGE, schedule("shop-staging", "20 */2 * * *", "shop-staging", 12 * MINUTE)),
        (GKE, schedule("shop-prod", "21,51 * * * *", "shop-prod", 11 * MINUTE)),
    ];
    for (cluster, object) in schedules {
        let facts = Facts::Schedules(vec![Delta::Put(row::<WireSchedule>(object))]);
        send(cluster, ClusterMsg::Facts(facts));
    }
    let backups = [
        (EDGE, backup("shop-dev", "shop-dev", "Completed", 3 * hour, 0)),
        (EDGE, backup("shop-staging", "shop-staging", "Completed", 12 * MINUTE, 0)),
        (GKE, backup("shop-prod", "shop-prod", "PartiallyFailed", 11 * MINUTE, 2)),
        (GKE, backup("shop-prod", "shop-prod", "Completed", 41 * MINUTE, 0)),
        (GKE, backup("shop-prod", "shop-prod", "Completed", 71 * MINUTE, 0)),
    ];
    for (cluster, object) in backups {
        send(cluster, ClusterMsg::Facts(Facts::Backups(vec![Delta::Put(row::<WireBackup>(object))])));
    }
    let drill = json!({"metadata": meta(Kind::Restore, "drill", 9 * DAY), "spec": {"backupName": "shop-prod-71"},
        "status": {"phase": "Completed", "startTimestamp": time(9 * DAY),
            "completionTimestamp": time(9 * DAY - 14 * MINUTE),
            "progress": {"totalItems": 118, "itemsRestored": 118}}});
    send(GKE, ClusterMsg::Facts(Facts::Restores(vec![Delta::Put(row::<WireRestore>(drill))])));
    for (cluster, object) in [
        (EDGE, location("edge", true, "Available", "")),
        (GKE, location("eu1", true, "Available", "")),
        (GKE, location("off-site", false, "Unavailable", "bucket does not exist")),
    ] {
        send(cluster, ClusterMsg::Facts(Facts::Locations(vec![Delta::Put(row::<WireLocation>(object))])));
    }
}
