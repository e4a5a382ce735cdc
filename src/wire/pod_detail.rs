//! A pod, container by container, for the pod view: read from the whole object of one pod.

use std::collections::HashMap;

use serde::Deserialize;

use super::lenient::{Fields, Flag, Int, List, Maybe, Text};
use super::resources::{Amounts, Needs};
use super::stamp;
use super::workload::WireCondition;
use crate::domain::id::Name;
use crate::domain::meta::{Interner, Resources};
use crate::domain::pod_detail::{ContainerDetail, ContainerRole, ContainerState, PodDetail, Termination};
use crate::text::clean;

/// The whole pod, as far as the view shows it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct WholePod {
    metadata: Fields<Identity>,
    spec: Fields<Spec>,
    status: Fields<Status>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Identity {
    uid: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    service_account_name: Text,
    priority_class_name: Text,
    init_containers: List<Fields<Container>>,
    containers: List<Fields<Container>>,
    ephemeral_containers: List<Fields<Container>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Container {
    name: Text,
    image: Text,
    restart_policy: Text,
    resources: Fields<Needs>,
    ports: List<Fields<Port>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Port {
    name: Text,
    container_port: Int,
    protocol: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    phase: Text,
    reason: Text,
    message: Text,
    #[serde(rename = "podIP")]
    pod_ip: Text,
    #[serde(rename = "hostIP")]
    host_ip: Text,
    qos_class: Text,
    conditions: List<Fields<WireCondition>>,
    init_container_statuses: List<Fields<ContainerStatus>>,
    container_statuses: List<Fields<ContainerStatus>>,
    ephemeral_container_statuses: List<Fields<ContainerStatus>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ContainerStatus {
    name: Text,
    #[serde(rename = "imageID")]
    image_id: Text,
    ready: Flag,
    restart_count: Int,
    state: Fields<State>,
    last_state: Fields<State>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct State {
    waiting: Maybe<Waiting>,
    running: Maybe<Running>,
    terminated: Maybe<Terminated>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Waiting {
    reason: Text,
    message: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Running {
    started_at: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Terminated {
    reason: Text,
    exit_code: Int,
    signal: Int,
    message: Text,
    started_at: Text,
    finished_at: Text,
}

/// What metrics.k8s.io says of one pod.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodMetrics {
    containers: List<Fields<ContainerMetrics>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerMetrics {
    name: Text,
    usage: Fields<Amounts>,
}

impl PodMetrics {
    /// The use of each container, by name.
    pub fn by_container(&self) -> HashMap<&str, Resources> {
        self.containers
            .iter()
            .map(|container| (container.name.as_str(), container.usage.resources()))
            .collect()
    }
}

fn line(text: &str) -> Name {
    clean(text.trim_end()).into()
}

fn words(text: &str) -> String {
    clean(text.trim_end()).into_owned()
}

fn int(n: Int) -> i32 {
    i32::try_from(n.0).unwrap_or(i32::MAX)
}

impl WholePod {
    /// `metadata.uid`, as it came.
    pub fn uid(&self) -> &str {
        &self.metadata.uid
    }

    /// As a fact.
    pub fn detail(&self, usage: &HashMap<&str, Resources>) -> PodDetail {
        let (spec, status) = (&self.spec, &self.status);
        let mut containers = Vec::new();
        for (list, statuses, role) in [
            (&spec.init_containers, &status.init_container_statuses, ContainerRole::Init),
            (&spec.containers, &status.container_statuses, ContainerRole::App),
            (&spec.ephemeral_containers, &status.ephemeral_container_statuses, ContainerRole::Ephemeral),
        ] {
            for container in list.iter() {
                let status = statuses.iter().find(|status| *status.name == *container.name);
                let sidecar = role == ContainerRole::Init && &*container.restart_policy == "Always";
                let role = if sidecar { ContainerRole::Sidecar } else { role };
                containers.push(container.detail(status.map(|s| &s.0), role, usage));
            }
        }
        let conditions = super::workload::conditions(&status.conditions, &mut Interner::new());
        PodDetail {
            phase: line(&status.phase),
            reason: line(&status.reason),
            message: words(&status.message),
            ip: line(&status.pod_ip),
            host_ip: line(&status.host_ip),
            qos: line(&status.qos_class),
            service_account: line(&spec.service_account_name),
            priority_class: line(&spec.priority_class_name),
            conditions: conditions.to_vec(),
            containers,
        }
    }
}

impl Container {
    fn detail(
        &self,
        status: Option<&ContainerStatus>,
        role: ContainerRole,
        usage: &HashMap<&str, Resources>,
    ) -> ContainerDetail {
        let id = status.map(|status| status.image_id.as_str()).unwrap_or_default();
        let digest = id.find("sha256:").map_or("", |at| &id[at..]);
        ContainerDetail {
            name: line(&self.name),
            image: line(&self.image),
            digest: line(digest),
            role,
            state: status.map(|status| status.state.fact()).unwrap_or_default(),
            last: status.and_then(|status| status.last_state.terminated.as_ref().map(Terminated::fact)),
            restarts: status.map_or(0, |status| status.restart_count.count()),
            ready: status.is_some_and(|status| status.ready.is_true()),
            requests: self.resources.requests.resources(),
            limits: self.resources.limits.resources(),
            usage: usage.get(self.name.as_str()).copied(),
            ports: self.ports.iter().map(|port| port.text()).collect::<Vec<_>>().join(", "),
        }
    }
}

impl Port {
    fn text(&self) -> String {
        let protocol = if self.protocol.is_empty() { "TCP" } else { &self.protocol };
        let number = format!("{}/{}", self.container_port.0, clean(protocol));
        if self.name.is_empty() { number } else { format!("{} {number}", clean(&self.name)) }
    }
}

impl State {
    fn fact(&self) -> ContainerState {
        if let Some(running) = self.running.as_ref() {
            return ContainerState::Running { since: stamp::parse(&running.started_at) };
        }
        if let Some(end) = self.terminated.as_ref() {
            return ContainerState::Terminated(end.fact());
        }
        match self.waiting.as_ref() {
            Some(waiting) => {
                ContainerState::Waiting { reason: line(&waiting.reason), message: words(&waiting.message) }
            }
            None => ContainerState::Unknown,
        }
    }
}

impl Terminated {
    fn fact(&self) -> Termination {
        Termination {
            reason: line(&self.reason),
            code: int(self.exit_code),
            signal: int(self.signal),
            message: words(&self.message),
            started: stamp::parse(&self.started_at),
            finished: stamp::parse(&self.finished_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Stamp;
    use serde_json::json;

    #[test]
    fn a_crashing_pod_with_a_sidecar() {
        let pod: WholePod = serde_json::from_value(json!({
            "metadata": {"uid": "u"},
            "spec": {"serviceAccountName": "cart",
                "initContainers": [{"name": "mesh", "restartPolicy": "Always"}, {"name": "migrate"}],
                "containers": [{"name": "cart", "image": "cart:1", "ports": [{"name": "http", "containerPort": 8080}, {"containerPort": 53, "protocol": "UDP"}],
                    "resources": {"limits": {"memory": "128Mi"}}}]},
            "status": {"phase": "Running", "podIP": "10.0.0.1", "qosClass": "Burstable",
                "initContainerStatuses": [{"name": "mesh", "ready": true, "state": {"running": {"startedAt": "1970-01-01T00:00:07Z"}}}],
                "containerStatuses": [{"name": "cart", "restartCount": 6, "imageID": "x@sha256:aa",
                    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s\u{1b}[1m"}},
                    "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "1970-01-01T00:01:00Z"}}}]},
        }))
        .unwrap();
        let usage = HashMap::from([("cart", Resources { cpu_milli: 5, memory: 6 })]);
        let detail = pod.detail(&usage);
        let roles: Vec<_> = detail.containers.iter().map(|c| (&*c.name, c.role)).collect();
        assert_eq!(
            roles,
            [
                ("mesh", ContainerRole::Sidecar),
                ("migrate", ContainerRole::Init),
                ("cart", ContainerRole::App)
            ]
        );
        let cart = &detail.containers[2];
        assert_eq!((&*cart.digest, cart.restarts, &*cart.ports), ("sha256:aa", 6, "http 8080/TCP, 53/UDP"));
        let waiting =
            ContainerState::Waiting { reason: "CrashLoopBackOff".into(), message: "back-off 5m0s".into() };
        assert_eq!(cart.state, waiting);
        assert_eq!(cart.last.as_ref().map(|end| (end.code, end.finished)), Some((137, Some(Stamp(60)))));
        assert_eq!(cart.usage, Some(Resources { cpu_milli: 5, memory: 6 }));
        assert_eq!(detail.containers[0].state, ContainerState::Running { since: Some(Stamp(7)) });
        assert_eq!(detail.containers[1].state, ContainerState::Unknown);
    }
}
