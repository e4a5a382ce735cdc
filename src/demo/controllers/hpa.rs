//! HorizontalPodAutoscalers by CPU: every fifteen seconds the wanted number of pods, with the tolerance
//! and the stabilization of the real one.

use std::time::Duration;

use serde_json::{Value, json};

use super::events::{self, NORMAL, WARNING};
use super::{Cluster, pods};
use crate::demo::json::{deleting, int, items, map, millis, name, selects, set, set_condition, text, uid};

/// Time between two looks.
const PERIOD: Duration = Duration::from_secs(15);
/// How long the highest recommendation holds against scaling down.
const STABLE: Duration = Duration::from_secs(300);
/// Who speaks in events.
const COMPONENT: &str = "horizontal-pod-autoscaler";

/// Judges an autoscaler when its time has come, and sets the next time.
pub fn reconcile(cx: &mut Cluster, ns: &str, own: &str) {
    let Some(hpa) = cx.get("horizontalpodautoscalers.autoscaling", ns, own) else { return };
    if deleting(&hpa) {
        return;
    }
    let alarm = format!("hpa {}", uid(&hpa));
    let due = cx.progress.get(&alarm).copied();
    if due.is_some_and(|at| at > cx.clock.now)
        && int(&hpa, "/status/observedGeneration") == int(&hpa, "/metadata/generation")
    {
        return;
    }
    // The looks of all autoscalers fall on full quarters of a minute.
    let next = PERIOD * (cx.clock.now.as_secs() / PERIOD.as_secs() + 1) as u32;
    if due.is_none_or(|at| at <= cx.clock.now) {
        cx.progress.insert(alarm, next);
        cx.again(next - cx.clock.now, "horizontalpodautoscalers.autoscaling", ns, own);
    }
    judge(cx, &hpa);
}

/// The resource of a scale target's kind, if pods can be counted for it.
fn target_resource(kind: &str) -> Option<&'static str> {
    match kind {
        "Deployment" => Some("deployments.apps"),
        "StatefulSet" => Some("statefulsets.apps"),
        "ReplicaSet" => Some("replicasets.apps"),
        "Rollout" => Some("rollouts.argoproj.io"),
        _ => None,
    }
}

fn judge(cx: &mut Cluster, hpa: &Value) {
    let (ns, own) = (text(hpa, "/metadata/namespace").to_owned(), name(hpa).to_owned());
    let stamp = cx.clock.stamp();
    let kind = text(hpa, "/spec/scaleTargetRef/kind");
    let target_name = text(hpa, "/spec/scaleTargetRef/name").to_owned();
    let target = target_resource(kind).and_then(|r| cx.get(r, &ns, &target_name).map(|t| (r, t)));
    let Some((resource, target)) = target else {
        let message = format!(
            "the HPA controller was unable to get the target's current scale: {kind} \"{target_name}\" not found"
        );
        events::tell(cx, hpa, "", WARNING, "FailedGetScale", &message, COMPONENT);
        cx.update("horizontalpodautoscalers.autoscaling", &ns, &own, |h| {
            set_condition(h, "AbleToScale", "False", "FailedGetScale", &message, &stamp, &[]);
        });
        return;
    };
    let current = target.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let (least, most) = (
        hpa.pointer("/spec/minReplicas").and_then(Value::as_i64).unwrap_or(1),
        int(hpa, "/spec/maxReplicas"),
    );
    let selector = target.pointer("/spec/selector").cloned();
    let counted: Vec<_> = cx
        .list("pods", Some(&ns))
        .into_iter()
        .filter(|p| {
            selects(selector.as_ref(), map(p, "/metadata/labels")) && pods::active(p) && pods::ready(p)
        })
        .collect();
    let Some(target_percent) = items(hpa, "/spec/metrics")
        .iter()
        .find(|m| text(m, "/resource/name") == "cpu")
        .and_then(|m| m.pointer("/resource/target/averageUtilization"))
        .and_then(Value::as_i64)
        .filter(|p| *p > 0)
    else {
        return;
    };
    let (mut used, mut asked) = (0, 0);
    for pod in &counted {
        for container in items(pod, "/spec/containers") {
            used += cx.load.cpu(pod, container, counted.len());
            asked += container.pointer("/resources/requests/cpu").map_or(0, millis);
        }
    }
    if counted.is_empty() || asked == 0 {
        let message = "the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API";
        cx.update("horizontalpodautoscalers.autoscaling", &ns, &own, |h| {
            set_condition(h, "ScalingActive", "False", "FailedGetResourceMetric", message, &stamp, &[]);
        });
        return;
    }
    let percent = used * 100 / asked;
    let ratio = used as f64 / asked as f64 * 100.0 / target_percent as f64;
    let proposed =
        if (ratio - 1.0).abs() <= 0.1 { current } else { (counted.len() as f64 * ratio).ceil() as i64 };
    let (wanted, steady) = stabilize(cx, uid(hpa), proposed, current);
    let bounded = wanted.clamp(least, most.max(least));
    let lively = cx.lively;
    let moves = lively && current != 0 && bounded != current;
    if moves {
        cx.update(resource, &ns, &target_name, |t| set(t, &["spec", "replicas"], json!(bounded)));
        let why = if bounded > current {
            "cpu resource utilization (percentage of request) above target"
        } else {
            "All metrics below target"
        };
        let message = format!("New size: {bounded}; reason: {why}");
        events::tell(cx, hpa, "", NORMAL, "SuccessfulRescale", &message, COMPONENT);
    }
    let limited = match wanted {
        w if w < least => {
            ("True", "TooFewReplicas", "the desired replica count is less than the minimum replica count")
        }
        w if w > most => {
            ("True", "TooManyReplicas", "the desired replica count is more than the maximum replica count")
        }
        _ => ("False", "DesiredWithinRange", "the desired count is within the acceptable range"),
    };
    let able = if moves {
        ("SucceededRescale", format!("the HPA controller was able to update the target scale to {bounded}"))
    } else if steady {
        (
            "ScaleDownStabilized",
            "recent recommendations were higher than current one, applying the highest recent recommendation"
                .to_owned(),
        )
    } else {
        ("ReadyForNewScale", "recommended size matches current size".to_owned())
    };
    let generation = int(hpa, "/metadata/generation");
    let average = used / counted.len().max(1) as i64;
    cx.update("horizontalpodautoscalers.autoscaling", &ns, &own, |h| {
        if generation > 0 {
            set(h, &["status", "observedGeneration"], json!(generation));
        }
        set(h, &["status", "currentReplicas"], json!(current));
        set(h, &["status", "desiredReplicas"], json!(bounded));
        if moves {
            set(h, &["status", "lastScaleTime"], json!(stamp));
        }
        set(h, &["status", "currentMetrics"], json!([{"type": "Resource", "resource": {"name": "cpu",
            "current": {"averageUtilization": percent, "averageValue": crate::demo::json::cpu_text(average)}}}]));
        set_condition(h, "AbleToScale", "True", able.0, &able.1, &stamp, &[]);
        set_condition(h, "ScalingActive", "True", "ValidMetricFound",
            "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)", &stamp, &[]);
        set_condition(h, "ScalingLimited", limited.0, limited.1, limited.2, &stamp, &[]);
    });
}

/// Scaling down follows the highest recommendation of the last five minutes.
fn stabilize(cx: &mut Cluster, hpa: &str, proposed: i64, current: i64) -> (i64, bool) {
    let now = cx.clock.now;
    let past = cx.recommendations.entry(hpa.to_owned()).or_insert_with(|| vec![(now, current)]);
    past.retain(|(at, _)| now.saturating_sub(*at) < STABLE);
    past.push((now, proposed));
    let highest = past.iter().map(|(_, n)| *n).max().unwrap_or(proposed);
    if proposed < current {
        let wanted = highest.min(current);
        (wanted, wanted > proposed)
    } else {
        (proposed, false)
    }
}
