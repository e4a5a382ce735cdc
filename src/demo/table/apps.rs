//! Cells of workloads: apps, batch and autoscaling.

use jiff::Timestamp;
use serde_json::Value;

use super::Cells;
use super::format::{
    age, condition, containers, human_duration, items, name, number, scalar, selector, since, text_or, time,
};

/// Headings and cells of a kind, if this file prints it.
pub fn printer(resource: &str) -> Option<(&'static str, Cells)> {
    Some(match resource {
        "deployments.apps" => {
            ("Name|Ready|Up-to-date|Available|Age|Containers*|Images*|Selector*", deployment)
        }
        "replicasets.apps" | "replicationcontrollers" => (
            "Name|Desired:integer|Current:integer|Ready:integer|Age|Containers*|Images*|Selector*",
            replica_set,
        ),
        "statefulsets.apps" => ("Name|Ready|Age|Containers*|Images*", stateful_set),
        "daemonsets.apps" => (
            "Name|Desired:integer|Current:integer|Ready:integer|Up-to-date:integer|Available:integer|Node Selector|Age|Containers*|Images*|Selector*",
            daemon_set,
        ),
        "controllerrevisions.apps" => ("Name|Controller|Revision|Age", revision),
        "jobs.batch" => ("Name|Status|Completions|Duration|Age|Containers*|Images*|Selector*", job),
        "cronjobs.batch" => (
            "Name|Schedule|Timezone|Suspend:boolean|Active:integer|Last Schedule|Age|Containers*|Images*|Selector*",
            cron_job,
        ),
        "horizontalpodautoscalers.autoscaling" => {
            ("Name|Reference|Targets|MinPods|MaxPods|Replicas|Age", autoscaler)
        }
        _ => return None,
    })
}

/// Adds containers, images and selector of a pod template, the columns of `-o wide`.
fn wide(mut row: Vec<Value>, spec: &Value, with_selector: bool) -> Vec<Value> {
    row.extend(containers(&spec["template"]["spec"]));
    if with_selector {
        row.push(selector(&spec["selector"]).into());
    }
    row
}

fn count(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

fn deployment(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let row = vec![
        name(object),
        format!("{}/{}", count(&status["readyReplicas"]), count(&spec["replicas"])).into(),
        number(&status["updatedReplicas"]),
        number(&status["availableReplicas"]),
        age(object, now),
    ];
    wide(row, spec, true)
}

fn replica_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let row = vec![
        name(object),
        number(&spec["replicas"]),
        number(&status["replicas"]),
        number(&status["readyReplicas"]),
        age(object, now),
    ];
    wide(row, spec, true)
}

fn stateful_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let ready = format!("{}/{}", count(&status["readyReplicas"]), count(&spec["replicas"]));
    wide(vec![name(object), ready.into(), age(object, now)], spec, false)
}

fn daemon_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let row = vec![
        name(object),
        number(&status["desiredNumberScheduled"]),
        number(&status["currentNumberScheduled"]),
        number(&status["numberReady"]),
        number(&status["updatedNumberScheduled"]),
        number(&status["numberAvailable"]),
        super::format::labels(&spec["template"]["spec"]["nodeSelector"]).into(),
        age(object, now),
    ];
    wide(row, spec, true)
}

fn revision(object: &Value, now: Timestamp) -> Vec<Value> {
    let owner = items(&object["metadata"]["ownerReferences"]).iter().find(|o| o["controller"] == true);
    let owner = owner.map_or_else(
        || "<none>".to_owned(),
        |owner| {
            let group = owner["apiVersion"].as_str().and_then(|v| v.split_once('/')).map(|(g, _)| g);
            let kind = text_or(&owner["kind"], "").to_lowercase();
            let title = text_or(&owner["name"], "");
            match group {
                Some(group) => format!("{kind}.{group}/{title}"),
                None => format!("{kind}/{title}"),
            }
        },
    );
    vec![name(object), owner.into(), number(&object["revision"]), age(object, now)]
}

fn job(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let succeeded = count(&status["succeeded"]);
    let completions = match (spec["completions"].as_i64(), count(&spec["parallelism"])) {
        (Some(wanted), _) => format!("{succeeded}/{wanted}"),
        (None, parallel @ 2..) => format!("{succeeded}/1 of {parallel}"),
        _ => format!("{succeeded}/1"),
    };
    let duration = time(&status["startTime"]).map_or_else(String::new, |start| {
        human_duration(time(&status["completionTime"]).unwrap_or(now).duration_since(start))
    });
    let state = if condition(object, "Complete") {
        "Complete"
    } else if condition(object, "Failed") {
        "Failed"
    } else if !object["metadata"]["deletionTimestamp"].is_null() {
        "Terminating"
    } else if condition(object, "Suspended") {
        "Suspended"
    } else if condition(object, "FailureTarget") {
        "FailureTarget"
    } else if condition(object, "SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    };
    let row = vec![name(object), state.into(), completions.into(), duration.into(), age(object, now)];
    wide(row, spec, true)
}

fn cron_job(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let last = &status["lastScheduleTime"];
    let last = if last.is_null() { "<none>".to_owned() } else { since(last, now) };
    let row = vec![
        name(object),
        text_or(&spec["schedule"], "").into(),
        text_or(&spec["timeZone"], "<none>").into(),
        // The real column is of type boolean, and its cell a text.
        (if spec["suspend"] == true { "True" } else { "False" }).into(),
        items(&status["active"]).len().into(),
        last.into(),
        age(object, now),
    ];
    wide(row, &spec["jobTemplate"]["spec"], true)
}

/// One metric of an autoscaler: current over target.
fn target(metric: &Value, current: &Value) -> String {
    let kind = metric["type"].as_str().unwrap_or_default();
    let key = match kind {
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        "Pods" => "pods",
        "Object" => "object",
        "External" => "external",
        _ => return "<unknown type>".to_owned(),
    };
    let (wanted, found) = (&metric[key]["target"], &current[key]["current"]);
    let of_resource = key.to_lowercase().ends_with("resource");
    let (shown, wanted, suffix) = if !wanted["averageValue"].is_null() {
        let suffix = if matches!(key, "object" | "external") { " (avg)" } else { "" };
        (scalar(&found["averageValue"], "<unknown>"), scalar(&wanted["averageValue"], ""), suffix)
    } else if of_resource {
        let percent = |value: &Value, missing: &str| match value.as_i64() {
            Some(n) => format!("{n}%"),
            None => missing.to_owned(),
        };
        let shown = percent(&found["averageUtilization"], "<unknown>");
        (shown, percent(&wanted["averageUtilization"], "<auto>"), "")
    } else {
        (scalar(&found["value"], "<unknown>"), scalar(&wanted["value"], ""), "")
    };
    let prefix = if of_resource {
        format!("{}: ", metric[key]["name"].as_str().unwrap_or_default())
    } else {
        String::new()
    };
    format!("{prefix}{shown}/{wanted}{suffix}")
}

fn autoscaler(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let reference = &spec["scaleTargetRef"];
    let current = items(&status["currentMetrics"]);
    let metrics: Vec<String> = items(&spec["metrics"])
        .iter()
        .enumerate()
        .map(|(at, metric)| target(metric, current.get(at).unwrap_or(&Value::Null)))
        .collect();
    let targets = match metrics.len() {
        0 => "<none>".to_owned(),
        1 | 2 => metrics.join(", "),
        more => format!("{} + {} more...", metrics[..2].join(", "), more - 2),
    };
    vec![
        name(object),
        format!("{}/{}", text_or(&reference["kind"], ""), text_or(&reference["name"], "")).into(),
        targets.into(),
        scalar(&spec["minReplicas"], "<unset>").into(),
        number(&spec["maxReplicas"]),
        number(&status["currentReplicas"]),
        age(object, now),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn targets_of_autoscalers() {
        let cpu = json!({"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":70}}});
        let current = json!({"type":"Resource","resource":{"name":"cpu","current":{"averageUtilization":42,"averageValue":"210m"}}});
        assert_eq!(target(&cpu, &current), "cpu: 42%/70%");
        assert_eq!(target(&cpu, &Value::Null), "cpu: <unknown>/70%");
        let pods = json!({"type":"Pods","pods":{"metric":{"name":"rps"},"target":{"averageValue":"100"}}});
        assert_eq!(target(&pods, &Value::Null), "<unknown>/100");
    }

    #[test]
    fn a_job_that_runs() {
        let now: Timestamp = "2026-01-01T00:05:00Z".parse().unwrap();
        let job_object = json!({"metadata":{"name":"j","creationTimestamp":"2026-01-01T00:00:00Z"},
            "spec":{"completions":3,"template":{"spec":{"containers":[{"name":"a","image":"i"}]}}},
            "status":{"startTime":"2026-01-01T00:04:00Z","succeeded":1}});
        let cells = job(&job_object, now);
        assert_eq!(cells[..5], [json!("j"), json!("Running"), json!("1/3"), json!("60s"), json!("5m")]);
    }
}
