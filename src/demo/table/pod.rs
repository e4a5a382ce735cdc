//! The cells of a pod, with the STATUS that kubectl shows. Read by a slim type straight from the stored text: parsing
//! whole pods would make a Table of 50,000 take seconds.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::format::human_duration;

/// Columns of pods.
pub const HEADINGS: &str = "Name|Ready|Status|Restarts|Age|IP*|Node*|Nominated Node*|Readiness Gates*";

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Pod {
    metadata: Metadata,
    spec: Spec,
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    name: String,
    creation_timestamp: Option<Timestamp>,
    deletion_timestamp: Option<Timestamp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    node_name: String,
    containers: Vec<Container>,
    init_containers: Vec<Container>,
    readiness_gates: Vec<Gate>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Container {
    name: String,
    restart_policy: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Gate {
    condition_type: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    phase: String,
    reason: String,
    nominated_node_name: String,
    conditions: Vec<Condition>,
    init_container_statuses: Vec<ContainerStatus>,
    container_statuses: Vec<ContainerStatus>,
    #[serde(rename = "podIPs")]
    pod_ips: Vec<PodIp>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PodIp {
    ip: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    reason: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ContainerStatus {
    name: String,
    ready: bool,
    started: Option<bool>,
    restart_count: i64,
    state: State,
    last_state: State,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct State {
    waiting: Option<Waiting>,
    running: Option<Running>,
    terminated: Option<Terminated>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Waiting {
    reason: String,
}

#[derive(Debug, Default, Deserialize)]
struct Running {}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Terminated {
    exit_code: i64,
    signal: i64,
    reason: String,
    finished_at: Option<Timestamp>,
}

impl Terminated {
    fn why(&self) -> String {
        if !self.reason.is_empty() {
            self.reason.clone()
        } else if self.signal != 0 {
            format!("Signal:{}", self.signal)
        } else {
            format!("ExitCode:{}", self.exit_code)
        }
    }
}

impl Status {
    fn is_true(&self, kind: &str) -> bool {
        self.conditions.iter().any(|c| c.kind == kind && c.status == "True")
    }
}

/// Restarts so far and the time of the last.
#[derive(Default)]
struct Restarts(i64, Option<Timestamp>);

impl Restarts {
    fn add(&mut self, status: &ContainerStatus) {
        self.0 += status.restart_count;
        if let Some(ended) = &status.last_state.terminated {
            self.1 = self.1.max(ended.finished_at);
        }
    }

    fn show(&self, now: Timestamp) -> String {
        match self {
            Self(count @ 1.., Some(at)) => {
                format!("{count} ({} ago)", human_duration(now.duration_since(*at)))
            }
            Self(count, _) => count.to_string(),
        }
    }
}

/// READY, STATUS and RESTARTS of a pod.
fn judge(pod: &Pod) -> (i64, usize, String, Restarts) {
    let status = &pod.status;
    let sidecar =
        |name: &str| pod.spec.init_containers.iter().any(|c| c.name == name && c.restart_policy == "Always");
    let sidecars = pod.spec.init_containers.iter().filter(|c| c.restart_policy == "Always").count();
    let total = pod.spec.containers.len() + sidecars;
    let gated = |c: &&Condition| c.kind == "PodScheduled" && c.reason == "SchedulingGated";
    let mut reason = if let Some(condition) = status.conditions.iter().find(gated) {
        condition.reason.clone()
    } else if status.reason.is_empty() {
        status.phase.clone()
    } else {
        status.reason.clone()
    };
    let (mut all, mut of_sidecars, mut ready) = (Restarts::default(), Restarts::default(), 0);
    let mut initializing = false;
    for (at, container) in status.init_container_statuses.iter().enumerate() {
        all.add(container);
        let is_sidecar = sidecar(&container.name);
        if is_sidecar {
            of_sidecars.add(container);
        }
        let waiting = container.state.waiting.as_ref().map(|w| w.reason.as_str()).unwrap_or_default();
        match &container.state.terminated {
            Some(ended) if ended.exit_code == 0 => continue,
            _ if is_sidecar && container.started == Some(true) => {
                ready += i64::from(container.ready);
                continue;
            }
            Some(ended) => reason = format!("Init:{}", ended.why()),
            None if !waiting.is_empty() && waiting != "PodInitializing" => {
                reason = format!("Init:{waiting}");
            }
            None => reason = format!("Init:{at}/{}", pod.spec.init_containers.len()),
        }
        initializing = true;
        break;
    }
    if !initializing || status.is_true("Initialized") {
        all = of_sidecars;
        let (mut runs, mut error) = (false, String::new());
        for container in status.container_statuses.iter().rev() {
            all.add(container);
            let state = &container.state;
            if let Some(waiting) = state.waiting.as_ref().filter(|w| !w.reason.is_empty()) {
                reason.clone_from(&waiting.reason);
            } else if let Some(ended) = &state.terminated {
                reason = ended.why();
                if ended.exit_code != 0 {
                    error.clone_from(&reason);
                }
            } else if container.ready && state.running.is_some() {
                runs = true;
                ready += 1;
            }
        }
        if reason == "Completed" {
            if runs && status.is_true("Ready") {
                "Running".clone_into(&mut reason);
            } else if !error.is_empty() {
                reason = error;
            } else if runs {
                "NotReady".clone_into(&mut reason);
            }
        }
    }
    if pod.metadata.deletion_timestamp.is_some() {
        if status.reason == "NodeLost" {
            "Unknown".clone_into(&mut reason);
        } else if !matches!(status.phase.as_str(), "Succeeded" | "Failed") {
            "Terminating".clone_into(&mut reason);
        }
    }
    (ready, total, reason, all)
}

/// The cells of a pod, from its JSON text.
pub fn cells(text: &[u8], now: Timestamp) -> Vec<Value> {
    // A stored pod of a shape that cannot be read shows as an empty row rather than break the list.
    let pod: Pod = serde_json::from_slice(text).unwrap_or_default();
    let (ready, total, status, restarts) = judge(&pod);
    let or_none = |text: &str| if text.is_empty() { "<none>".to_owned() } else { text.to_owned() };
    let gates = &pod.spec.readiness_gates;
    let open = gates.iter().filter(|g| pod.status.is_true(&g.condition_type)).count();
    let age = pod.metadata.creation_timestamp.map(|at| human_duration(now.duration_since(at)));
    vec![
        json!(pod.metadata.name),
        json!(format!("{ready}/{total}")),
        json!(status),
        json!(restarts.show(now)),
        json!(age.unwrap_or_else(|| "<unknown>".into())),
        json!(or_none(pod.status.pod_ips.first().map(|p| p.ip.as_str()).unwrap_or_default())),
        json!(or_none(&pod.spec.node_name)),
        json!(or_none(&pod.status.nominated_node_name)),
        json!(if gates.is_empty() { "<none>".into() } else { format!("{open}/{}", gates.len()) }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(spec: Value, status: Value, deleted: bool) -> Vec<String> {
        let mut pod = json!({"metadata":{"name":"p","creationTimestamp":"2026-01-01T00:00:00Z"},"spec":spec,"status":status});
        if deleted {
            pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:30Z");
        }
        let now: Timestamp = "2026-01-01T00:10:00Z".parse().unwrap();
        let cells = cells(pod.to_string().as_bytes(), now);
        cells[1..4].iter().map(|c| c.as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn status_as_kubectl_computes_it() {
        let one = json!({"containers":[{"name":"a"}]});
        let running = json!({"phase":"Running","containerStatuses":[{"name":"a","ready":true,"restartCount":0,"state":{"running":{}}}]});
        assert_eq!(shown(one.clone(), running.clone(), false), ["1/1", "Running", "0"]);
        assert_eq!(shown(one.clone(), running, true), ["1/1", "Terminating", "0"]);
        let crash = json!({"phase":"Running","containerStatuses":[{"name":"a","ready":false,"restartCount":4,
            "state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"exitCode":137,"reason":"OOMKilled","finishedAt":"2026-01-01T00:09:00Z"}}}]});
        assert_eq!(shown(one.clone(), crash, false), ["0/1", "CrashLoopBackOff", "4 (60s ago)"]);
        let done = json!({"phase":"Succeeded","containerStatuses":[{"name":"a","ready":false,"state":{"terminated":{"exitCode":0,"reason":"Completed"}}}]});
        assert_eq!(shown(one, done, false), ["0/1", "Completed", "0"]);
        let init = json!({"containers":[{"name":"a"}],"initContainers":[{"name":"i"},{"name":"s","restartPolicy":"Always"}]});
        let at_init = json!({"phase":"Pending","initContainerStatuses":[{"name":"i","state":{"running":{}}}],"containerStatuses":[{"name":"a","state":{"waiting":{"reason":"PodInitializing"}}}]});
        assert_eq!(shown(init.clone(), at_init, false), ["0/2", "Init:0/2", "0"]);
        let failing = json!({"phase":"Pending","initContainerStatuses":[{"name":"i","restartCount":2,"state":{"terminated":{"exitCode":1}}}]});
        assert_eq!(shown(init, failing, false), ["0/2", "Init:ExitCode:1", "2"]);
    }
}
