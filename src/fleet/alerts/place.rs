//! Where an alert belongs: which environments it concerns, and what of theirs it is about.
//!
//! Labels tell both, and no two platforms use the same. What is certain decides first: labels that an environment's
//! matchers contradict, then the namespace, then words that name the environment or its cluster. What is not known is
//! never guessed into one environment: an alert of a whole cluster concerns all of its environments.

use std::collections::{HashMap, HashSet};

use crate::domain::alert::About;
use crate::domain::environment::{Environment, Environments};
use crate::domain::id::{ClusterId, EnvId, Kind, Name, ObjectRef};
use crate::domain::meta::Labels;
use crate::world::{ClusterWorld, RowId, World};

/// Labels that name the namespace; those that a scrape moved aside hold the real one.
const NAMESPACE: [&str; 3] = ["exported_namespace", "namespace", "kubernetes_namespace"];
/// Labels that name the pod.
const POD: [&str; 3] = ["exported_pod", "pod", "kubernetes_pod_name"];
/// Labels that name a workload, with its kind.
const WORKLOAD: [(&str, Kind); 6] = [
    ("deployment", Kind::Deployment),
    ("statefulset", Kind::StatefulSet),
    ("daemonset", Kind::DaemonSet),
    ("rollout", Kind::Rollout),
    ("cronjob", Kind::CronJob),
    ("job_name", Kind::Job),
];
/// Labels that name an app or a workload of any kind.
const APP: [&str; 8] = [
    "app",
    "app_kubernetes_io_name",
    "label_app_kubernetes_io_name",
    "label_app",
    "workload",
    "application",
    "service_name",
    "service",
];
/// Labels that name what is no object of ours, most telling first.
const OTHER: [&str; 6] = [
    "persistentvolumeclaim",
    "horizontalpodautoscaler",
    "schedule",
    "ingress",
    "resourcequota",
    "poddisruptionbudget",
];
/// Labels that name the node.
const NODE: [&str; 3] = ["node", "kubernetes_node", "nodename"];
/// Labels that may name an environment, its stage, its context or its cluster.
const WHERE: [&str; 7] = ["environment", "env", "stage", "tier", "cluster", "kube_cluster", "context"];

/// The first of some labels that is there.
fn first<'a>(labels: &'a Labels, keys: &[&str]) -> Option<&'a Name> {
    keys.iter().find_map(|key| labels.get(key)).filter(|value| !value.is_empty())
}

/// The environments that an alert concerns. `speaks_for` are those that are served by the server which told of it,
/// each with the labels that tell its series from others'.
pub fn environments(
    all: &Environments,
    world: &World,
    speaks_for: &[(EnvId, &[(Name, Name)])],
    labels: &Labels,
) -> Vec<EnvId> {
    let contradicted = |matchers: &[(Name, Name)]| {
        matchers.iter().any(|(key, wanted)| labels.get(key).is_some_and(|value| value != wanted))
    };
    let named = |matchers: &[(Name, Name)]| {
        !matchers.is_empty() && matchers.iter().all(|(key, wanted)| labels.get(key) == Some(wanted))
    };
    let mut possible: Vec<(EnvId, bool)> = speaks_for
        .iter()
        .filter(|(_, matchers)| !contradicted(matchers))
        .map(|(env, matchers)| (*env, named(matchers)))
        .collect();
    // Who is named by all of its own labels is meant before those that just do not contradict.
    if possible.iter().any(|(_, named)| *named) {
        possible.retain(|(_, named)| *named);
    }
    let mut possible: Vec<&Environment> = possible.iter().filter_map(|(env, _)| all.get(*env)).collect();
    let said: Vec<&Environment> =
        possible.iter().copied().filter(|env| says(all, world, env, labels)).collect();
    if !said.is_empty() {
        possible = said;
    }
    let Some(namespace) = first(labels, &NAMESPACE) else { return ids(possible.into_iter()) };
    let holds = |env: &&Environment| env.scope.contains(namespace);
    let hit = ids(possible.iter().copied().filter(holds));
    if !hit.is_empty() {
        return hit;
    }
    // An environment beside them on the same clusters: the platform's own, say.
    let clusters: HashSet<ClusterId> = possible.iter().map(|env| env.cluster).collect();
    let beside = ids(all.list.iter().filter(|env| clusters.contains(&env.cluster)).filter(holds));
    if !beside.is_empty() {
        return beside;
    }
    // Which namespaces an environment has may not be known yet, or never.
    ids(possible.into_iter().filter(|env| env.scope.namespaces().is_empty()))
}

fn ids<'a>(environments: impl Iterator<Item = &'a Environment>) -> Vec<EnvId> {
    let mut ids: Vec<EnvId> = environments.map(|env| env.id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Whether a label names this environment.
fn says(all: &Environments, world: &World, env: &Environment, labels: &Labels) -> bool {
    let stage = env.stage.and_then(|stage| all.stages.get(usize::from(stage)));
    let cluster = world.cluster(env.cluster).map(|cluster| &cluster.connection.cluster_name);
    WHERE.iter().filter_map(|key| labels.get(key)).any(|value| {
        [Some(&env.name), Some(&env.context), stage, cluster]
            .into_iter()
            .flatten()
            .any(|known| !known.is_empty() && known.eq_ignore_ascii_case(value))
    })
}

/// What the clusters have under the names that alerts use, looked up once for many alerts.
#[derive(Debug, Default)]
pub struct Directory {
    pods: HashMap<(ClusterId, Name, Name), u32>,
    workloads: HashMap<(ClusterId, Name, Name), Vec<u32>>,
    nodes: HashMap<(ClusterId, Name), u32>,
}

impl Directory {
    /// Looks up all that these alerts name.
    pub fn of<'a>(world: &World, alerts: impl Iterator<Item = &'a Labels>) -> Directory {
        let mut wanted: HashMap<&str, HashSet<&str>> = HashMap::new();
        for labels in alerts {
            if let (Some(namespace), Some(pod)) = (first(labels, &NAMESPACE), first(labels, &POD)) {
                wanted.entry(namespace).or_default().insert(pod);
            }
        }
        let mut directory = Directory::default();
        for (id, cluster) in world.each() {
            if !wanted.is_empty() {
                for (slot, pod) in cluster.pods.iter() {
                    if wanted.get(&*pod.namespace).is_some_and(|names| names.contains(&*pod.name)) {
                        directory.pods.insert((id, pod.namespace.clone(), pod.name.as_ref().into()), slot);
                    }
                }
            }
            for (slot, workload) in cluster.workloads.iter() {
                let key = (id, workload.namespace.clone(), workload.name.clone());
                directory.workloads.entry(key).or_default().push(slot);
            }
            for (slot, node) in cluster.nodes.iter() {
                directory.nodes.insert((id, node.name.clone()), slot);
            }
        }
        directory
    }

    /// What an alert is about. `clusters` are those of the environments that it concerns.
    pub fn about(&self, world: &World, clusters: &[ClusterId], labels: &Labels) -> About {
        let namespace = first(labels, &NAMESPACE).cloned();
        let mut about = About { namespace: namespace.clone(), ..About::default() };
        let within = namespace.clone().unwrap_or_default();
        if let Some(pod) = first(labels, &POD).filter(|_| !about_itself(labels)) {
            about.pod = Some(pod.clone());
            about.what = pod.clone();
            let found = clusters.iter().find_map(|cluster| {
                let slot = self.pods.get(&(*cluster, within.clone(), pod.clone()))?;
                Some(RowId { cluster: *cluster, slot: *slot })
            });
            about.pod_object = found.and_then(|row| world.pod_ref(row));
            let owner = match found {
                Some(row) => owner(world, row),
                None => self.owner_by_name(world, clusters, &within, pod),
            };
            if let Some(owner) = owner {
                about.what = owner.name.clone();
                about.object = Some(owner);
            } else {
                about.object = about.pod_object.clone();
            }
            return about;
        }
        for (key, kind) in WORKLOAD {
            if let Some(name) = labels.get(key).filter(|name| !name.is_empty()) {
                about.what = name.clone();
                about.object = self.workload(world, clusters, &within, name, Some(kind));
                return about;
            }
        }
        if let Some(name) = first(labels, &OTHER) {
            about.what = name.clone();
            return about;
        }
        if let Some(node) = first(labels, &NODE) {
            about.what = node.clone();
            about.object = self.node(world, clusters, node);
            return about;
        }
        // What scrapes or is scraped is not what the alert is about, unless a workload is called so.
        for key in APP {
            let Some(name) = labels.get(key).filter(|name| !name.is_empty() && !about_itself_name(name))
            else {
                continue;
            };
            let object = self.workload(world, clusters, &within, name, None);
            if object.is_some() || !key.starts_with("service") {
                about.what = name.clone();
                about.object = object;
                return about;
            }
        }
        if let Some(instance) = labels.get("instance") {
            let host = instance.rsplit_once(':').map_or(&**instance, |(host, _)| host);
            if let Some(node) = self.node(world, clusters, host) {
                about.what = node.name.clone();
                about.object = Some(node);
                return about;
            }
        }
        about.what = namespace.or_else(|| first(labels, &["instance", "job"]).cloned()).unwrap_or_default();
        about
    }

    fn node(&self, world: &World, clusters: &[ClusterId], name: &str) -> Option<ObjectRef> {
        clusters.iter().find_map(|id| {
            let slot = self.nodes.get(&(*id, name.into()))?;
            let node = world.cluster(*id)?.nodes.at(*slot)?;
            Some(ObjectRef {
                cluster: *id,
                kind: Kind::Node,
                namespace: Name::default(),
                name: node.name.clone(),
                uid: node.uid,
            })
        })
    }

    fn workload(
        &self,
        world: &World,
        clusters: &[ClusterId],
        namespace: &Name,
        name: &Name,
        kind: Option<Kind>,
    ) -> Option<ObjectRef> {
        clusters.iter().find_map(|id| {
            let slots = self.workloads.get(&(*id, namespace.clone(), name.clone()))?;
            let fits = |slot: &&u32| {
                let workload = world.cluster(*id).and_then(|cluster| cluster.workloads.at(**slot));
                workload.is_some_and(|workload| kind.is_none_or(|kind| workload.kind == kind))
            };
            world.workload_ref(RowId { cluster: *id, slot: *slots.iter().find(fits)? })
        })
    }

    /// The workload of a pod that is gone, by the names that controllers give: `cart-7d9c-x2kfp`, `postgres-0`.
    fn owner_by_name(
        &self,
        world: &World,
        clusters: &[ClusterId],
        namespace: &Name,
        pod: &str,
    ) -> Option<ObjectRef> {
        let mut name = pod;
        for _ in 0..2 {
            (name, _) = name.rsplit_once('-')?;
            if let Some(found) = self.workload(world, clusters, namespace, &name.into(), None) {
                return Some(found);
            }
        }
        None
    }
}

/// Whether the labels name the exporter itself: nobody told the scrape to keep the labels of what it tells about.
fn about_itself(labels: &Labels) -> bool {
    first(labels, &POD).is_some_and(|pod| about_itself_name(pod))
        && WORKLOAD.iter().any(|(key, _)| labels.get(key).is_some())
}

fn about_itself_name(name: &str) -> bool {
    ["kube-state-metrics", "node-exporter", "prometheus-node-exporter", "blackbox-exporter"].iter().any(
        |exporter| name == *exporter || name.contains(&format!("{exporter}-")) || name.ends_with(exporter),
    )
}

/// The workload that a pod belongs to.
fn owner(world: &World, row: RowId) -> Option<ObjectRef> {
    let cluster: &ClusterWorld = world.cluster(row.cluster)?;
    let pod = cluster.pods.at(row.slot)?;
    let mut uid = pod.owner.as_ref()?.uid;
    if let Some(set) = cluster.replica_sets.get(uid) {
        uid = set.owner.as_ref()?.uid;
    }
    if let Some(above) = cluster.workloads.get(uid).and_then(|workload| workload.owner.as_ref())
        && cluster.workloads.get(above.uid).is_some()
    {
        uid = above.uid;
    }
    world.workload_ref(RowId { cluster: row.cluster, slot: cluster.workloads.slot(uid)? })
}
