//! What owns pods.

use serde_json::Value;

use super::pod;
use super::sheet::{Sheet, at, items, none_or, text};
use crate::domain::id::Kind;

pub(super) fn describe(sheet: &mut Sheet, kind: Kind, object: &Value) {
    sheet.field("Selector", &none_or(&selector(at(object, "/spec/selector"))));
    let number = |pointer: &str| at(object, pointer).as_u64().unwrap_or(0);
    let wanted = |pointer: &str| at(object, pointer).as_u64().unwrap_or(1);
    match kind {
        Kind::Deployment | Kind::Rollout => {
            let replicas = format!(
                "{} desired | {} updated | {} total | {} available | {} unavailable",
                wanted("/spec/replicas"),
                number("/status/updatedReplicas"),
                number("/status/replicas"),
                number("/status/availableReplicas"),
                number("/status/unavailableReplicas")
            );
            sheet.field("Replicas", &replicas);
            strategy(sheet, object);
            sheet.some("Min Ready Seconds", at(object, "/spec/minReadySeconds"));
            sheet.some("Deadline Seconds", at(object, "/spec/progressDeadlineSeconds"));
            sheet.some("Paused", at(object, "/spec/paused"));
            sheet.some("Phase", at(object, "/status/phase"));
            sheet.some("Message", at(object, "/status/message"));
        }
        Kind::StatefulSet => {
            sheet.field(
                "Replicas",
                &format!("{} desired | {} total", wanted("/spec/replicas"), number("/status/replicas")),
            );
            sheet.some("Update Strategy", at(object, "/spec/updateStrategy/type"));
            sheet.some("Partition", at(object, "/spec/updateStrategy/rollingUpdate/partition"));
            sheet.some("Service Name", at(object, "/spec/serviceName"));
        }
        Kind::DaemonSet => {
            sheet.field("Desired Nodes", &number("/status/desiredNumberScheduled").to_string());
            sheet.field("Current Nodes", &number("/status/currentNumberScheduled").to_string());
            sheet.field("Up-to-date Nodes", &number("/status/updatedNumberScheduled").to_string());
            sheet.field("Available Nodes", &number("/status/numberAvailable").to_string());
            sheet.field("Misscheduled", &number("/status/numberMisscheduled").to_string());
        }
        Kind::ReplicaSet => {
            let replicas =
                format!("{} current / {} desired", number("/status/replicas"), wanted("/spec/replicas"));
            sheet.field("Replicas", &replicas);
        }
        Kind::Job => job(sheet, object),
        Kind::CronJob => cron_job(sheet, object),
        _ => {}
    }
    let template = if kind == Kind::CronJob { "/spec/jobTemplate/spec/template" } else { "/spec/template" };
    pod::template(sheet, at(object, template));
    for claim in items(at(object, "/spec/volumeClaimTemplates")) {
        let size = text(at(claim, "/spec/resources/requests/storage"));
        let class = none_or(&text(at(claim, "/spec/storageClassName")));
        sheet.field("Volume Claim", &format!("{} {size} class {class}", text(at(claim, "/metadata/name"))));
    }
    sheet.conditions(at(object, "/status/conditions"));
}

fn strategy(sheet: &mut Sheet, object: &Value) {
    let strategy = at(object, "/spec/strategy");
    sheet.some("Strategy", &strategy["type"]);
    let rolling = &strategy["rollingUpdate"];
    if rolling.is_object() {
        let words = format!(
            "{} max unavailable, {} max surge",
            text(&rolling["maxUnavailable"]),
            text(&rolling["maxSurge"])
        );
        sheet.field("Rolling Update", &words);
    }
    for (name, key) in [("Canary", "canary"), ("Blue-Green", "blueGreen")] {
        if strategy[key].is_object() {
            sheet.tree(name, &strategy[key]);
        }
    }
}

fn job(sheet: &mut Sheet, object: &Value) {
    sheet.some("Parallelism", at(object, "/spec/parallelism"));
    sheet.some("Completions", at(object, "/spec/completions"));
    sheet.some("Backoff Limit", at(object, "/spec/backoffLimit"));
    sheet.some("Deadline Seconds", at(object, "/spec/activeDeadlineSeconds"));
    sheet.some("Suspend", at(object, "/spec/suspend"));
    for (name, pointer) in [("Start Time", "/status/startTime"), ("Completed At", "/status/completionTime")] {
        if at(object, pointer).is_string() {
            sheet.time(name, at(object, pointer));
        }
    }
    let number = |pointer: &str| at(object, pointer).as_u64().unwrap_or(0);
    let statuses = format!(
        "{} active / {} succeeded / {} failed",
        number("/status/active"),
        number("/status/succeeded"),
        number("/status/failed")
    );
    sheet.field("Pods Statuses", &statuses);
}

fn cron_job(sheet: &mut Sheet, object: &Value) {
    sheet.some("Schedule", at(object, "/spec/schedule"));
    sheet.some("Time Zone", at(object, "/spec/timeZone"));
    sheet.some("Concurrency Policy", at(object, "/spec/concurrencyPolicy"));
    sheet.some("Suspend", at(object, "/spec/suspend"));
    sheet.some("History", at(object, "/spec/successfulJobsHistoryLimit"));
    for (name, pointer) in
        [("Last Schedule", "/status/lastScheduleTime"), ("Last Success", "/status/lastSuccessfulTime")]
    {
        if at(object, pointer).is_string() {
            sheet.time(name, at(object, pointer));
        }
    }
    let active: Vec<String> = items(at(object, "/status/active")).map(|job| text(&job["name"])).collect();
    sheet.field("Active Jobs", &none_or(&active.join(", ")));
}

/// A selector as kubectl prints it.
pub(super) fn selector(selector: &Value) -> String {
    let equal = selector["matchLabels"].as_object().into_iter().flatten();
    let mut parts: Vec<String> =
        equal.map(|(key, value)| format!("{}={}", crate::text::clean(key), text(value))).collect();
    for expression in items(&selector["matchExpressions"]) {
        let values: Vec<String> = items(&expression["values"]).map(text).collect();
        let key = text(&expression["key"]);
        parts.push(match expression["operator"].as_str() {
            Some("In") => format!("{key} in ({})", values.join(",")),
            Some("NotIn") => format!("{key} notin ({})", values.join(",")),
            Some("Exists") => key,
            Some("DoesNotExist") => format!("!{key}"),
            _ => format!("{key} {} ({})", text(&expression["operator"]), values.join(",")),
        });
    }
    parts.join(",")
}
