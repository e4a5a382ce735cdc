//! Argo Rollouts, as much as a reader needs: the ReplicaSets of a canary that waits at its first pause,
//! and the status that the real controller would write. It does not move by itself; what was promoted
//! (`stableRS`) is scaled as the spec asks.

use std::sync::Arc;

use serde_json::{Value, json};

use super::replicasets::{self, Counts};
use super::{Cluster, pods, revisions};
use crate::demo::json::{deleting, entry, int, items, name, namespace, set, set_condition, text, uid};

/// The number of a ReplicaSet's template, oldest 1.
const REVISION: &str = "rollout.argoproj.io/revision";
/// The label that tells the pods of one template.
const HASH: &str = "rollouts-pod-template-hash";

/// Makes and scales the ReplicaSets of a Rollout and writes its status.
pub fn reconcile(cx: &mut Cluster, ns: &str, own: &str) {
    let Some(rollout) = cx.get("rollouts.argoproj.io", ns, own) else { return };
    if deleting(&rollout) {
        return;
    }
    let template = rollout.pointer("/spec/template").cloned().unwrap_or(Value::Null);
    let hash = cx.template_hash(&rollout);
    let stable = match text(&rollout, "/status/stableRS") {
        "" => hash.clone(),
        stable => stable.to_owned(),
    };
    let wanted = rollout.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1).max(0);
    let weight = items(&rollout, "/spec/strategy/canary/steps")
        .iter()
        .find_map(|s| s.get("setWeight").and_then(Value::as_i64))
        .unwrap_or(100);
    let canary = if hash == stable { 0 } else { (wanted * weight + 99) / 100 };
    let mut sets = cx.owned("replicasets.apps", ns, uid(&rollout));
    if !sets.iter().any(|s| of(s) == hash) {
        make(cx, &rollout, &template, &hash, &sets);
        sets = cx.owned("replicasets.apps", ns, uid(&rollout));
    }
    for object in &sets {
        let size = match of(object) {
            h if h == stable => wanted - canary,
            h if h == hash => canary,
            _ => 0,
        };
        if int(object, "/spec/replicas") != size {
            cx.update("replicasets.apps", ns, name(object), |s| {
                set(s, &["spec", "replicas"], json!(size));
            });
        }
    }
    let counted: Vec<(Arc<Value>, Counts)> = cx
        .owned("replicasets.apps", ns, uid(&rollout))
        .into_iter()
        .map(|s| {
            let counts = replicasets::count(cx, &s);
            (s, counts)
        })
        .collect();
    write_status(cx, &rollout, &hash, &stable, wanted, canary, &counted);
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
    hash: &str,
    stable: &str,
    wanted: i64,
    canary: i64,
    counted: &[(Arc<Value>, Counts)],
) {
    let (ns, own) = (namespace(rollout).to_owned(), name(rollout).to_owned());
    let sum = |f: fn(&Counts) -> i64| counted.iter().map(|(_, c)| f(c)).sum::<i64>();
    let updated = counted.iter().filter(|(s, _)| of(s) == hash).map(|(_, c)| c.present).sum::<i64>();
    let new_ready = counted.iter().filter(|(s, _)| of(s) == hash).map(|(_, c)| c.available).sum::<i64>();
    let steps = items(rollout, "/spec/strategy/canary/steps").len();
    let paused = hash != stable && new_ready >= canary;
    let (phase, message) = if hash != stable && paused {
        ("Paused", "CanaryPauseStep")
    } else if sum(|c| c.available) >= wanted && hash == stable {
        ("Healthy", "")
    } else {
        ("Progressing", "more replicas need to be updated")
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
    cx.update("rollouts.argoproj.io", &ns, &own, |r| {
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
        let step = if hash == stable { steps } else { usize::from(paused) };
        set(r, &["status", "currentStepIndex"], json!(step));
        if message.is_empty() {
            crate::demo::json::unset(r, &["status", "message"]);
        } else {
            set(r, &["status", "message"], json!(message));
        }
        if paused {
            if items(r, "/status/pauseConditions").is_empty() {
                set(
                    r,
                    &["status", "pauseConditions"],
                    json!([{"reason": "CanaryPauseStep", "startTime": stamp}]),
                );
            }
            set(r, &["status", "controllerPause"], json!(true));
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
            crate::demo::json::unset(r, &["status", "pauseConditions"]);
            crate::demo::json::unset(r, &["status", "controllerPause"]);
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
        let available = sum(|c| c.available) >= wanted;
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
