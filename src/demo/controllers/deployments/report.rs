//! What a Deployment's status says: counts and the conditions Available, Progressing, ReplicaFailure.

use std::time::Duration;

use serde_json::{Value, json};

use super::View;
use crate::demo::controllers::Cluster;
use crate::demo::json::{
    condition, drop_condition, flag, int, name, namespace, set, set_condition_last, text, uid, unset,
};

/// A new ReplicaSet was made.
pub fn created(cx: &mut Cluster, deployment: &Value, set_name: &str) {
    let message = format!("Created new replica set \"{set_name}\"");
    let stamp = cx.clock.stamp();
    cx.update("deployments.apps", namespace(deployment), name(deployment), |d| {
        set_condition_last(
            d,
            "Progressing",
            "True",
            ("NewReplicaSetCreated", &message),
            &stamp,
            &["lastUpdateTime"],
        );
    });
}

/// Writes the status, and sets the timer for the progress deadline.
pub fn write(cx: &mut Cluster, view: &View) {
    let deployment = &view.deployment;
    let (ns, own, id) = (namespace(deployment), name(deployment), uid(deployment).to_owned());
    let sum = |f: fn(&super::Part) -> i64| view.all().map(f).sum::<i64>();
    let present = sum(|p| p.counts.present);
    let ready = sum(|p| p.counts.ready);
    let available = sum(|p| p.counts.available);
    let terminating = sum(|p| p.counts.terminating);
    let updated = view.new.as_ref().map_or(0, |n| n.counts.present);
    let (_, unavailable) = view.bounds();
    let wanted = view.wanted();
    let old_pods = present - updated;
    let complete = updated == wanted && present == wanted && available == wanted;
    let before = |key: &str| int(deployment, &format!("/status/{key}"));
    let was_old = before("replicas") - before("updatedReplicas");
    let advanced = updated > before("updatedReplicas")
        || old_pods < was_old
        || ready > before("readyReplicas")
        || available > before("availableReplicas");
    let reason = condition(deployment, "Progressing").map_or("", |c| text(c, "/reason")).to_owned();
    if advanced {
        cx.note_progress(&id);
    }
    let deadline = deployment
        .pointer("/spec/progressDeadlineSeconds")
        .and_then(Value::as_i64)
        .filter(|d| *d < i64::from(i32::MAX))
        .map(|d| Duration::from_secs(d.unsigned_abs()));
    let last = *cx.progress.entry(id).or_insert(cx.clock.now);
    let late = deadline.is_some_and(|d| cx.clock.now >= last + d);
    let label = view
        .new
        .as_ref()
        .map_or_else(|| format!("Deployment \"{own}\""), |n| format!("ReplicaSet \"{}\"", name(&n.set)));
    let progressing = if flag(deployment, "/spec/paused") {
        Some(("Unknown", "DeploymentPaused", "Deployment is paused".to_owned()))
    } else if reason == "DeploymentPaused" {
        Some(("Unknown", "DeploymentResumed", "Deployment is resumed".to_owned()))
    } else if complete {
        Some(("True", "NewReplicaSetAvailable", format!("{label} has successfully progressed.")))
    } else if reason == "NewReplicaSetAvailable" && old_pods == 0 {
        // A finished rollout stays finished when pods fail later.
        None
    } else if late && !advanced {
        Some(("False", "ProgressDeadlineExceeded", format!("{label} has timed out progressing.")))
    } else if advanced {
        Some(("True", "ReplicaSetUpdated", format!("{label} is progressing.")))
    } else {
        None
    };
    let failure = view.new.iter().chain(&view.old).find_map(|p| {
        condition(&p.set, "ReplicaFailure")
            .map(|c| (text(c, "/reason").to_owned(), text(c, "/message").to_owned()))
    });
    if !complete
        && !late
        && let Some(deadline) = deadline
    {
        let left = (last + deadline).saturating_sub(cx.clock.now) + Duration::from_millis(500);
        cx.again(left, "deployments.apps", ns, own);
    }
    let generation = int(deployment, "/metadata/generation");
    let stamp = cx.clock.stamp();
    cx.update("deployments.apps", ns, own, |d| {
        set(d, &["status", "observedGeneration"], json!(generation));
        set(d, &["status", "terminatingReplicas"], json!(terminating));
        for (key, n) in [
            ("replicas", present),
            ("updatedReplicas", updated),
            ("readyReplicas", ready),
            ("availableReplicas", available),
            ("unavailableReplicas", (view.total().max(wanted) - available).max(0)),
        ] {
            if n == 0 {
                unset(d, &["status", key]);
            } else {
                set(d, &["status", key], json!(n));
            }
        }
        if available >= wanted - unavailable {
            set_condition_last(
                d,
                "Available",
                "True",
                ("MinimumReplicasAvailable", "Deployment has minimum availability."),
                &stamp,
                &["lastUpdateTime"],
            );
        } else {
            set_condition_last(
                d,
                "Available",
                "False",
                ("MinimumReplicasUnavailable", "Deployment does not have minimum availability."),
                &stamp,
                &["lastUpdateTime"],
            );
        }
        if let Some((status, reason, message)) = &progressing {
            set_condition_last(d, "Progressing", status, (reason, message), &stamp, &["lastUpdateTime"]);
        }
        match &failure {
            Some((reason, message)) => {
                set_condition_last(
                    d,
                    "ReplicaFailure",
                    "True",
                    (reason, message),
                    &stamp,
                    &["lastUpdateTime"],
                );
            }
            None => drop_condition(d, "ReplicaFailure"),
        }
    });
}

impl Cluster {
    /// A Deployment moved on: its deadline starts anew.
    pub fn note_progress(&mut self, uid: &str) {
        self.progress.insert(uid.to_owned(), self.clock.now);
    }
}
