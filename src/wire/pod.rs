//! core/v1 Pod.

use serde::Deserialize;

use super::lenient::{Fields, Flag, Int, List, Maybe, Text};
use super::meta::Meta;
use super::pod_status;
use super::resources::{Amounts, Container, Needs, greater, overridden, total};
use super::{Misfit, Wire, identity, name, resource, stamp};
use crate::domain::id::{Kind, Name, Uid};
use crate::domain::meta::{ContainerImage, Interner, Resources};
use crate::domain::pod::{LastExit, Pod};
use crate::msg::{Delta, Facts};

/// A pod as it comes from the wire.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WirePod {
    pub(super) metadata: Meta,
    pub(super) spec: Fields<Spec>,
    pub(super) status: Fields<Status>,
}
resource!(WirePod, Kind::Pod);
/// A shell can be opened in it.
impl kube::api::Execute for WirePod {}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Spec {
    node_name: Text,
    pub(super) containers: List<Fields<Container>>,
    pub(super) init_containers: List<Fields<Container>>,
    overhead: Fields<Amounts>,
    resources: Fields<Needs>,
    restart_policy: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Status {
    pub(super) phase: Text,
    pub(super) reason: Text,
    pub(super) conditions: List<Fields<PodCondition>>,
    pub(super) container_statuses: List<Fields<ContainerStatus>>,
    pub(super) init_container_statuses: List<Fields<ContainerStatus>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PodCondition {
    #[serde(rename = "type")]
    pub(super) kind: Text,
    pub(super) status: Text,
    pub(super) reason: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ContainerStatus {
    pub(super) name: Text,
    pub(super) ready: Flag,
    pub(super) started: Flag,
    pub(super) restart_count: Int,
    #[serde(rename = "imageID")]
    image_id: Text,
    pub(super) state: Fields<ContainerState>,
    pub(super) last_state: Fields<ContainerState>,
    resources: Fields<Needs>,
    allocated_resources: Fields<Amounts>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ContainerState {
    pub(super) waiting: Maybe<Waiting>,
    pub(super) running: Maybe<Running>,
    pub(super) terminated: Maybe<Terminated>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Waiting {
    pub(super) reason: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Running {}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Terminated {
    pub(super) reason: Text,
    pub(super) exit_code: Int,
    pub(super) signal: Int,
    finished_at: Text,
}

impl Wire for WirePod {
    const KIND: Kind = Kind::Pod;
    type Row = Pod;

    fn slim_meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, interner: &mut Interner) -> Result<Pod, Misfit> {
        let uid = identity(Kind::Pod, &self.metadata)?;
        let reading = pod_status::read(&self);
        Ok(Pod {
            uid,
            name: crate::text::clean(&self.metadata.name).into(),
            namespace: self.metadata.namespace(interner),
            node: name(interner, &self.spec.node_name),
            status: name(interner, &reading.status),
            state: reading.state,
            over: matches!(&*self.status.phase, "Succeeded" | "Failed"),
            ready: reading.ready,
            total: reading.total,
            restarts: reading.restarts,
            last_exit: self.last_exit(interner),
            created: self.metadata.created,
            deleting: self.metadata.deleting,
            owner: self.metadata.owner(interner),
            labels: self.metadata.labels(interner),
            images: images(&self.spec.containers, &self.spec.init_containers, interner),
            digest: self.digest(interner),
            requests: self.requests(),
            limits: self.limits(),
        })
    }

    fn facts(deltas: Vec<Delta<Pod>>) -> Facts {
        Facts::Pods(deltas)
    }
}

/// Whether a container can still write to its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerPhase {
    /// It runs, waits, or may be started again.
    Open,
    /// It has ended for good; how, as it came.
    Over(String),
}

impl WirePod {
    /// `metadata.name`, as it came.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// `metadata.uid`
    pub fn uid(&self) -> Option<Uid> {
        self.metadata.uid()
    }

    /// The names of its containers as they came: init containers first.
    pub fn container_names(&self) -> impl Iterator<Item = String> {
        self.spec
            .init_containers
            .iter()
            .chain(self.spec.containers.iter())
            .map(|container| container.name.0.clone())
    }

    /// Whether a container can still write to its log.
    pub fn container_phase(&self, container: &str) -> ContainerPhase {
        let named = |status: &&Fields<ContainerStatus>| &*status.name == container;
        let init = self.spec.init_containers.iter().find(|spec| &*spec.name == container);
        let status = self.status.container_statuses.iter().find(named);
        let status = status.or_else(|| self.status.init_container_statuses.iter().find(named));
        let end = status.and_then(|status| status.state.terminated.as_ref());
        let finished = matches!(&*self.status.phase, "Succeeded" | "Failed");
        let Some(end) = end else {
            return if finished {
                ContainerPhase::Over("the pod has ended".to_owned())
            } else {
                ContainerPhase::Open
            };
        };
        let stays = finished
            || &*self.spec.restart_policy == "Never"
            || (end.exit_code.0 == 0
                && (init.is_some_and(|spec| !spec.is_sidecar())
                    || &*self.spec.restart_policy == "OnFailure"));
        if !stays {
            return ContainerPhase::Open;
        }
        let word = if end.reason.is_empty() { "ended" } else { &end.reason };
        ContainerPhase::Over(format!("{word}, exit code {}", end.exit_code.0))
    }

    /// The newest end of a container. Init containers end as a matter of course: of these only failures count.
    fn last_exit(&self, interner: &mut Interner) -> Option<Box<LastExit>> {
        let ends = |statuses: &List<Fields<ContainerStatus>>| {
            statuses
                .iter()
                .flat_map(|status| {
                    [status.state.terminated.0.clone(), status.last_state.terminated.0.clone()]
                })
                .flatten()
                .collect::<Vec<_>>()
        };
        let init = ends(&self.status.init_container_statuses).into_iter().filter(|end| end.exit_code.0 != 0);
        let newest = ends(&self.status.container_statuses)
            .into_iter()
            .chain(init)
            .max_by_key(|end| (stamp::parse(&end.finished_at), end.exit_code.0 != 0))?;
        Some(Box::new(LastExit {
            reason: name(interner, &newest.reason),
            code: i32::try_from(newest.exit_code.0).unwrap_or(i32::MAX),
            at: stamp::parse(&newest.finished_at),
        }))
    }

    fn digest(&self, interner: &mut Interner) -> Name {
        let first = self.spec.containers.first().map(|container| container.name.as_str()).unwrap_or_default();
        let id = self.status.container_statuses.iter().find(|status| &*status.name == first);
        let id = id.map(|status| status.image_id.as_str()).unwrap_or_default();
        // `registry/image@sha256:…`, `docker-pullable://…@sha256:…` or `sha256:…`
        let digest = match id.rsplit_once('@') {
            Some((_, digest)) => digest,
            None => id.find("sha256:").map_or("", |at| &id[at..]),
        };
        name(interner, digest)
    }

    fn status_of(&self, container: &Container) -> Option<&ContainerStatus> {
        let named = |status: &&Fields<ContainerStatus>| *status.name == *container.name;
        let app = self.status.container_statuses.iter().find(named);
        app.or_else(|| self.status.init_container_statuses.iter().find(named)).map(|status| &status.0)
    }

    /// While a resize in place is on its way, the greater of wanted and given counts.
    fn requests(&self) -> Resources {
        let sum = total(&self.spec.containers, &self.spec.init_containers, |container| {
            let wanted = container.resources.requests.resources();
            match self.status_of(container) {
                Some(status) => greater(
                    wanted,
                    greater(status.resources.requests.resources(), status.allocated_resources.resources()),
                ),
                None => wanted,
            }
        });
        overridden(sum, self.spec.resources.requests.resources()) + self.spec.overhead.resources()
    }

    fn limits(&self) -> Resources {
        let sum = total(&self.spec.containers, &self.spec.init_containers, |container| {
            let wanted = container.resources.limits.resources();
            match self.status_of(container) {
                Some(status) => greater(wanted, status.resources.limits.resources()),
                None => wanted,
            }
        });
        let sum = overridden(sum, self.spec.resources.limits.resources());
        let overhead = self.spec.overhead.resources();
        // Overhead counts only where there is a limit at all.
        Resources {
            cpu_milli: if sum.cpu_milli > 0 { sum.cpu_milli.saturating_add(overhead.cpu_milli) } else { 0 },
            memory: if sum.memory > 0 { sum.memory.saturating_add(overhead.memory) } else { 0 },
        }
    }
}

/// Containers and init containers with their images, shared.
pub(super) fn images(
    containers: &List<Fields<Container>>,
    init: &List<Fields<Container>>,
    interner: &mut Interner,
) -> std::sync::Arc<[ContainerImage]> {
    let all = containers.iter().map(|c| (c, false)).chain(init.iter().map(|c| (c, true)));
    let list = all
        .map(|(container, init)| ContainerImage {
            container: name(interner, &container.name),
            image: name(interner, &container.image),
            init,
        })
        .collect();
    interner.images(list)
}

#[cfg(test)]
mod tests;
