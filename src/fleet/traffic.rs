//! Blue/green pairs as they stand: which colour is live, which stands by, what each runs, which pods of it are ready
//! and which really receive traffic. The rules are [`crate::domain::traffic`]'s.

use std::collections::{BTreeSet, HashMap};

use super::apps::own_image;
use super::image::short_digest;
use super::release::worst;
use super::wanted::Wanted;
use crate::domain::id::{ClusterId, Kind, Name, ObjectRef, Uid};
use crate::domain::level::Level;
use crate::domain::link::Feed;
use crate::domain::meta::Labels;
use crate::domain::network::{Service, Target};
use crate::domain::traffic::Recognised;
use crate::domain::workload::Workload;
use crate::world::{ClusterWorld, World};

/// A pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The Service.
    pub service: ObjectRef,
    /// The label that tells its colours apart.
    pub key: Name,
    /// Its colours, the live one first, then by name.
    pub colours: Vec<Colour>,
    /// How well it is.
    pub level: Level,
}

/// One colour of a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Colour {
    /// `blue`
    pub name: Name,
    /// The Service selects it.
    pub live: bool,
    /// Its workloads, by name.
    pub workloads: Vec<ObjectRef>,
    /// What they run: a tag, or a short digest.
    pub release: String,
    /// Ready pods.
    pub ready: u32,
    /// Pods wanted.
    pub desired: u32,
    /// Pods that receive traffic; `None` when EndpointSlices cannot be read.
    pub receiving: Option<u32>,
    /// Pods that are on their way out of the Service.
    pub leaving: u32,
    /// Other Services that lead to it, such as one to look at the new release before it is live.
    pub beside: Vec<Name>,
    /// How well it is.
    pub level: Level,
    /// Why, when it is not well.
    pub reason: &'static str,
}

impl Pair {
    /// The colour that the Service selects.
    #[must_use]
    pub fn live(&self) -> Option<&Colour> {
        self.colours.iter().find(|colour| colour.live)
    }

    /// The colours that stand by.
    pub fn standing_by(&self) -> impl Iterator<Item = &Colour> {
        self.colours.iter().filter(|colour| !colour.live)
    }
}

/// Kinds that can be one colour of a pair. Argo Rollouts switches by itself.
const KINDS: [Kind; 3] = [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet];

/// All pairs where `shows` wants them, by namespace and name.
pub fn pairs(wanted: &Wanted, world: &World, shows: impl Fn(ClusterId, &str) -> bool) -> Vec<Pair> {
    let mut found: Vec<Pair> = world
        .each()
        .flat_map(|(id, cluster)| of_cluster(wanted, id, cluster, &|namespace| shows(id, namespace)))
        .collect();
    found.sort_by(|a, b| {
        let key =
            |pair: &Pair| (pair.service.namespace.clone(), pair.service.name.clone(), pair.service.cluster);
        key(a).cmp(&key(b))
    });
    found
}

/// The pair that an object is, or is a workload of.
pub fn pair_of(wanted: &Wanted, world: &World, object: &ObjectRef) -> Option<Pair> {
    let cluster = world.cluster(object.cluster)?;
    let own = |pair: &Pair| {
        let named = |one: &ObjectRef| {
            one.kind == object.kind
                && one.name == object.name
                && (object.uid == Uid::default() || one.uid == object.uid)
        };
        named(&pair.service) || pair.colours.iter().flat_map(|colour| &colour.workloads).any(named)
    };
    let here = |namespace: &str| *namespace == *object.namespace;
    let all = of_cluster(wanted, object.cluster, cluster, &here);
    let found = all.into_iter().find(own);
    // A Service that leads beside a pair is one by the same rules, for whoever means it.
    found.or_else(|| {
        let named = |service: &&Service| {
            service.namespace == object.namespace
                && service.name == object.name
                && (object.uid == Uid::default() || service.uid == object.uid)
        };
        let mut services = cluster.services.iter().map(|(_, service)| service);
        let service = services.find(named).filter(|_| object.kind == Kind::Service)?;
        let recognised = recognise(wanted, service, &workloads(cluster, &here))?;
        Some(pair(wanted, object.cluster, cluster, service, &recognised, Vec::new()))
    })
}

type ByNamespace<'a> = HashMap<&'a str, Vec<(&'a Labels, &'a Workload)>>;

fn workloads<'a>(cluster: &'a ClusterWorld, here: &dyn Fn(&str) -> bool) -> ByNamespace<'a> {
    let mut found: ByNamespace<'a> = HashMap::new();
    for (_, workload) in cluster.workloads.iter() {
        if KINDS.contains(&workload.kind) && here(&workload.namespace) {
            found.entry(&workload.namespace).or_default().push((&workload.pod_labels, workload));
        }
    }
    found
}

fn recognise<'a>(
    wanted: &Wanted,
    service: &Service,
    by_namespace: &ByNamespace<'a>,
) -> Option<Recognised<&'a Workload>> {
    let selector = service.selector.as_ref().filter(|_| !service.of_rollouts)?.pairs();
    let here = by_namespace.get(&*service.namespace).map_or(&[][..], Vec::as_slice);
    wanted.traffic.rules.recognise(&service.namespace, &service.name, &selector, here)
}

fn of_cluster(
    wanted: &Wanted,
    id: ClusterId,
    cluster: &ClusterWorld,
    here: &dyn Fn(&str) -> bool,
) -> Vec<Pair> {
    // Most Services have no such label: their workloads are not looked at.
    let may_be = |service: &&Service| {
        if !here(&service.namespace) {
            return false;
        }
        let selector = service.selector.as_ref().map(|selector| selector.pairs()).unwrap_or_default();
        let keys = wanted.traffic.rules.keys_of(&service.namespace, &service.name, &selector);
        !keys.0.is_empty()
    };
    let services: Vec<&Service> = cluster.services.iter().map(|(_, one)| one).filter(may_be).collect();
    if services.is_empty() {
        return Vec::new();
    }
    let of_them = |namespace: &str| services.iter().any(|service| *service.namespace == *namespace);
    let by_namespace = workloads(cluster, &of_them);
    let mut found: Vec<(&Service, Recognised<&Workload>)> = services
        .into_iter()
        .filter_map(|service| Some((service, recognise(wanted, service, &by_namespace)?)))
        .collect();
    // `checkout` before `checkout-preview`, which only leads to the other colour of the same workloads.
    found.sort_by(|(a, _), (b, _)| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    let leads_beside = |service: &Service, recognised: &Recognised<&Workload>| {
        found.iter().find(|(other, pair)| {
            other.namespace == service.namespace
                && service.name.strip_prefix(&*other.name).is_some_and(|rest| rest.starts_with('-'))
                && pair.key == recognised.key
                && pair.colours == recognised.colours
        })
    };
    let of_its_own = found.iter().filter(|(service, recognised)| leads_beside(service, recognised).is_none());
    of_its_own
        .map(|(service, recognised)| {
            let beside = found.iter().filter(|(other, of_other)| {
                leads_beside(other, of_other).is_some_and(|(main, _)| main.uid == service.uid)
            });
            let beside =
                beside.map(|(other, of_other)| (other.name.clone(), of_other.live.clone())).collect();
            pair(wanted, id, cluster, service, recognised, beside)
        })
        .collect()
}

fn pair(
    wanted: &Wanted,
    id: ClusterId,
    cluster: &ClusterWorld,
    service: &Service,
    recognised: &Recognised<&Workload>,
    beside: Vec<(Name, Name)>,
) -> Pair {
    let targets = targets(cluster, service);
    let mut names: BTreeSet<&Name> = recognised.colours.keys().collect();
    names.insert(&recognised.live);
    let mut colours: Vec<Colour> = names
        .into_iter()
        .map(|name| {
            let workloads = recognised.colours.get(name).map_or(&[][..], Vec::as_slice);
            let of_it = targets.as_ref().map(|targets| {
                let has = |target: &&Target| {
                    let pod = cluster.pods.get(target.pod);
                    pod.and_then(|pod| pod.labels.get(&recognised.key)) == Some(name)
                };
                targets.iter().filter(has).copied().collect::<Vec<_>>()
            });
            let mut colour = Colour {
                name: name.clone(),
                live: *name == recognised.live,
                workloads: workloads.iter().map(|workload| reference(id, workload)).collect(),
                release: release(wanted, service, workloads),
                ready: workloads.iter().map(|workload| workload.ready).sum(),
                desired: workloads.iter().map(|workload| workload.desired).sum(),
                receiving: of_it.as_deref().map(receiving),
                leaving: of_it.as_deref().map_or(0, |of_it| count(of_it, |target| target.terminating)),
                beside: beside.iter().filter(|(_, to)| to == name).map(|(name, _)| name.clone()).collect(),
                level: Level::Ok,
                reason: "",
            };
            (colour.level, colour.reason) = judge(&colour);
            colour
        })
        .collect();
    colours.sort_by_key(|colour| !colour.live);
    Pair {
        service: ObjectRef {
            cluster: id,
            kind: Kind::Service,
            namespace: service.namespace.clone(),
            name: service.name.clone(),
            uid: service.uid,
        },
        key: recognised.key.clone(),
        level: worst(colours.iter().map(|colour| colour.level)),
        colours,
    }
}

fn reference(cluster: ClusterId, workload: &Workload) -> ObjectRef {
    ObjectRef {
        cluster,
        kind: workload.kind,
        namespace: workload.namespace.clone(),
        name: workload.name.clone(),
        uid: workload.uid,
    }
}

fn release(wanted: &Wanted, service: &Service, workloads: &[&Workload]) -> String {
    let mut found: Vec<String> = workloads
        .iter()
        .filter_map(|workload| own_image(wanted, &service.name, workload))
        .map(|own| match own.image.tag.is_empty() {
            true => short_digest(&own.image.digest).to_owned(),
            false => own.image.tag.to_string(),
        })
        .collect();
    found.sort();
    found.dedup();
    found.join(", ")
}

/// The pods behind a Service over all its slices, each once (two families of addresses have a slice each).
fn targets(cluster: &ClusterWorld, service: &Service) -> Option<Vec<Target>> {
    let here = cluster.feed(Kind::EndpointSlice).within(std::slice::from_ref(&service.namespace));
    if here != Feed::Live {
        return None;
    }
    let mut found: HashMap<Uid, Target> = HashMap::new();
    for (_, slice) in cluster.endpoint_slices.iter() {
        if slice.namespace == service.namespace && slice.service == service.name {
            found.extend(slice.targets.iter().map(|target| (target.pod, *target)));
        }
    }
    Some(found.into_values().collect())
}

fn count(targets: &[Target], wanted: impl Fn(&Target) -> bool) -> u32 {
    u32::try_from(targets.iter().filter(|target| wanted(target)).count()).unwrap_or(u32::MAX)
}

/// Those that are ready; where none is, those that still answer on their way out, as kube-proxy has it.
fn receiving(targets: &[Target]) -> u32 {
    match count(targets, |target| target.ready) {
        0 => count(targets, |target| target.serving && target.terminating),
        ready => ready,
    }
}

fn judge(colour: &Colour) -> (Level, &'static str) {
    match (colour.live, colour.receiving) {
        (true, None) => return (Level::Unknown, "endpoints are not known"),
        (true, Some(0)) if colour.workloads.is_empty() => {
            return (Level::Critical, "no workload has this colour");
        }
        (true, Some(0)) if colour.desired == 0 => return (Level::Critical, "live, and scaled to zero"),
        (true, Some(0)) => return (Level::Critical, "no endpoint is ready"),
        _ => {}
    }
    match (colour.ready, colour.desired) {
        (_, 0) => (Level::Idle, "scaled to zero"),
        (ready, desired) if ready < desired => (Level::Warning, "pods are not ready"),
        _ => (Level::Ok, ""),
    }
}

#[cfg(test)]
mod tests;
