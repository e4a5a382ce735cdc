//! What a pod asks for and may use, by the rules of `kubectl describe node`.

use serde::Deserialize;

use super::lenient::{Fields, List, Text};
use super::quantity;
use crate::domain::meta::Resources;

/// `resources` of a container or a pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Needs {
    /// What is set aside.
    pub requests: Fields<Amounts>,
    /// What may be used.
    pub limits: Fields<Amounts>,
}

/// A map of resources, as far as it concerns us.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Amounts {
    cpu: Text,
    memory: Text,
}

impl Amounts {
    /// As numbers.
    pub fn resources(&self) -> Resources {
        quantity::resources(Some(&self.cpu), Some(&self.memory))
    }
}

/// A container's spec, as far as it concerns resources and images.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Container {
    /// Its name.
    pub name: Text,
    /// Its image.
    pub image: Text,
    /// `Always` makes an init container a sidecar.
    pub restart_policy: Text,
    /// Its requests and limits.
    pub resources: Fields<Needs>,
}

impl Container {
    /// Whether this init container goes on running beside the others.
    pub fn is_sidecar(&self) -> bool {
        &*self.restart_policy == "Always"
    }
}

/// The sum for a pod. `of` picks a container's amount.
///
/// The greater of what runs in the end (containers and sidecars) and what each init container needs together with
/// the sidecars that started before it.
pub fn total(
    containers: &List<Fields<Container>>,
    init: &List<Fields<Container>>,
    of: impl Fn(&Container) -> Resources,
) -> Resources {
    let mut running = containers.iter().fold(Resources::default(), |sum, container| sum + of(container));
    let mut sidecars = Resources::default();
    let mut peak = Resources::default();
    for container in init.iter() {
        let amount = of(container);
        if container.is_sidecar() {
            sidecars = sidecars + amount;
            running = running + amount;
            peak = greater(peak, sidecars);
        } else {
            peak = greater(peak, sidecars + amount);
        }
    }
    greater(running, peak)
}

/// The greater of each resource.
pub fn greater(a: Resources, b: Resources) -> Resources {
    Resources { cpu_milli: a.cpu_milli.max(b.cpu_milli), memory: a.memory.max(b.memory) }
}

/// Where `over` sets a resource, it counts instead.
pub fn overridden(sum: Resources, over: Resources) -> Resources {
    let pick = |sum: u64, over: u64| if over > 0 { over } else { sum };
    Resources { cpu_milli: pick(sum.cpu_milli, over.cpu_milli), memory: pick(sum.memory, over.memory) }
}
