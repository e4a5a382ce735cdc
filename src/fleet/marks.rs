//! What happened, and when: rollouts, scalings, restarts, syncs and backups, as the cluster's objects remember them, for
//! the time axis of graphs.
//!
//! Pure. Only what an object dates itself is told: a ReplicaSet's creation is a rollout, and so is that of the oldest pod
//! of a StatefulSet's or DaemonSet's template; an autoscaler's last change of
//! size or the last use of the scale subresource a scaling, a container's last end a restart, the deployments that an
//! Application or a Flux object remembers and its last operation a sync, a backup's start a backup. What nothing dates
//! (a rollback to a ReplicaSet or template that was there already, scalings and restarts before the last one) is not
//! guessed. And only what concerns the scope: the app that delivers its workloads, backups that take
//! its namespaces.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::domain::backup::Template;
use crate::domain::environment::Environment;
use crate::domain::id::{ClusterId, Kind, Name, ObjectRef, Uid};
use crate::domain::level::Level;
use crate::domain::pod::Pod;
use crate::domain::sync::{Phase, short_revision};
use crate::domain::time::Stamp;
use crate::domain::workload::{ReplicaSet, Workload};
use crate::fleet::backups::Kept;
use crate::fleet::image::ImageRef;
use crate::fleet::sync::{Delivery, Syncs};
use crate::world::{ClusterWorld, World};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: Stamp,
    /// What.
    pub what: What,
    /// To what: the name of a workload or of a pod.
    pub about: Name,
    /// More: the release (`1.31.0`), the size (`4 pods`) or who set it (`by kubectl`), how a container ended (`OOMKilled 137`), the revision
    /// (`9f31c2e`), how a backup went. May be empty.
    pub detail: String,
    /// How much it wants a look.
    pub level: Level,
}

/// Sorts of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// A new pod template came.
    Rollout,
    /// An autoscaler, a person or a program changed the number of pods.
    Scaling,
    /// A container ended and was started again, or waits for it.
    Restart,
    /// Argo CD or Flux brought a revision in, or tried to.
    Sync,
    /// Velero began a backup.
    Backup,
}

impl What {
    /// Its word on the time axis.
    pub fn word(self) -> &'static str {
        match self {
            What::Rollout => "deploy",
            What::Scaling => "scale",
            What::Restart => "restart",
            What::Sync => "sync",
            What::Backup => "backup",
        }
    }

    /// Whether it comes again and again and says little: others go before it where room is small.
    pub fn is_routine(self) -> bool {
        self == What::Backup
    }
}

/// Whose events.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// All of an environment's workloads.
    Environment(&'a Environment),
    /// These workloads: an app's, or one.
    Workloads(&'a [ObjectRef]),
    /// One pod, with the rollouts of its workload.
    Pod(&'a ObjectRef),
    /// The pods of a node.
    Node(ClusterId, &'a str),
}

/// More than so many of a sort are not told: the newest ones are.
const MOST: usize = 100;

/// An end of a sync and the entry in the history that it makes are about as far apart, in seconds.
const SAME: u64 = 30;

/// The field manager of Kubernetes' own autoscaler.
const AUTOSCALER: &str = "kube-controller-manager";

/// All that is known.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The clusters.
    pub world: &'a World,
    /// What is delivered.
    pub syncs: &'a Syncs,
    /// What is kept of the environment.
    pub kept: Option<&'a Kept>,
}

/// What happened since then, newest first.
pub fn marks(known: &Known<'_>, scope: Scope<'_>, since: Stamp) -> Vec<Mark> {
    let world = known.world;
    let mut marks = Vec::new();
    match scope {
        Scope::Environment(env) => {
            for delivery in known.syncs.list.iter().filter(|one| one.environments.contains(&env.id)) {
                syncs(world, delivery, since, &mut marks);
            }
            backups(
                known,
                since,
                |template| env.scope.namespaces().iter().any(|namespace| template.takes(namespace)),
                &mut marks,
            );
            if let Some(cluster) = world.cluster(env.cluster) {
                let here = |namespace: &str| env.scope.contains(namespace);
                rollouts(cluster, since, |set| here(&set.namespace), &mut marks);
                restarts(
                    cluster.pods.iter().map(|(_, pod)| pod).filter(|pod| here(&pod.namespace)),
                    since,
                    &mut marks,
                );
                for (_, workload) in
                    cluster.workloads.iter().filter(|(_, workload)| here(&workload.namespace))
                {
                    templates(cluster, workload, since, &mut marks);
                    scalings(cluster, workload, since, &mut marks);
                }
            }
        }
        Scope::Workloads(objects) => {
            for object in objects {
                if let Some((cluster, workload)) =
                    world.cluster(object.cluster).zip(world.find_workload(object))
                {
                    of_workload(known, object.cluster, cluster, workload, since, &mut marks);
                    let slots = cluster.pods_of(workload);
                    restarts(slots.iter().filter_map(|slot| cluster.pods.at(*slot)), since, &mut marks);
                }
            }
        }
        Scope::Pod(object) => {
            if let Some((cluster, pod)) = world.cluster(object.cluster).zip(world.find_pod(object)) {
                restarts(std::iter::once(pod), since, &mut marks);
                let workload = owner(pod).and_then(|set| workload_of(cluster, set));
                if let Some(workload) = workload {
                    of_workload(known, object.cluster, cluster, workload, since, &mut marks);
                }
            }
        }
        Scope::Node(id, node) => {
            if let Some(cluster) = world.cluster(id) {
                restarts(
                    cluster.pods.iter().map(|(_, pod)| pod).filter(|pod| *pod.node == *node),
                    since,
                    &mut marks,
                );
            }
        }
    }
    marks.sort_by(|a, b| {
        b.at.cmp(&a.at).then_with(|| a.what.cmp(&b.what)).then_with(|| a.about.cmp(&b.about))
    });
    // Several workloads may have one app and one backup.
    marks.dedup();
    let mut told = HashMap::new();
    marks.retain(|mark| {
        let count: &mut usize = told.entry(mark.what).or_default();
        *count += 1;
        *count <= MOST
    });
    marks
}

fn of_workload(
    known: &Known<'_>,
    id: ClusterId,
    cluster: &ClusterWorld,
    workload: &Workload,
    since: Stamp,
    marks: &mut Vec<Mark>,
) {
    rollouts(cluster, since, |set| owned_by(set, workload.uid), marks);
    templates(cluster, workload, since, marks);
    scalings(cluster, workload, since, marks);
    if let Some(delivery) = known.syncs.of_workload(id, workload) {
        syncs(known.world, delivery, since, marks);
    }
    backups(known, since, |template| template.takes(&workload.namespace), marks);
}

/// The deployments that are remembered, and the last operation where that was another one.
fn syncs(world: &World, delivery: &Delivery, since: Stamp, marks: &mut Vec<Mark>) {
    if delivery.source {
        return;
    }
    let object = &delivery.object;
    let Some(cluster) = world.cluster(object.cluster) else { return };
    let table = if object.kind == Kind::Application { &cluster.applications } else { &cluster.flux };
    let Some(app) = table.get(object.uid) else { return };
    let mut mark = |at: Option<Stamp>, revision: &str, word: &str, level| {
        if let Some(at) = at.filter(|at| *at >= since) {
            let parts = [short_revision(revision), word].into_iter().filter(|part| !part.is_empty());
            let detail = parts.collect::<Vec<_>>().join(" ");
            marks.push(Mark { at, what: What::Sync, about: app.name.clone(), detail, level });
        }
    };
    let deployed = app.deployed.as_ref();
    if let Some(deployed) = deployed {
        mark(deployed.at, &deployed.revision, "", Level::Idle);
    }
    for deployed in app.earlier.iter() {
        mark(deployed.at, &deployed.revision, "", Level::Idle);
    }
    let Some(operation) = app.operation.as_ref().filter(|operation| !operation.dry_run) else { return };
    let at = if operation.is_under_way() { operation.started } else { operation.finished };
    let same =
        |at: Stamp| deployed.and_then(|one| one.at).is_some_and(|other| other.0.abs_diff(at.0) <= SAME);
    match operation.phase {
        Phase::Running | Phase::Terminating => mark(at, &operation.revision, "begun", Level::Progressing),
        Phase::Failed | Phase::Error => mark(at, &operation.revision, "failed", Level::Warning),
        Phase::Succeeded if !at.is_some_and(same) => {
            let word = match (operation.heal, operation.partial) {
                (true, _) => "drift taken back",
                (_, true) => "in part",
                _ => "",
            };
            mark(at, &operation.revision, word, Level::Idle);
        }
        Phase::Succeeded | Phase::LeftOver | Phase::Other(_) | Phase::None => {}
    }
}

/// Backups that take what is wanted.
fn backups(known: &Known<'_>, since: Stamp, taken: impl Fn(&Template) -> bool, marks: &mut Vec<Mark>) {
    let Some(place) = known.kept.and_then(|kept| kept.place.as_ref()) else { return };
    let Some(cluster) = place.cluster.and_then(|id| known.world.cluster(id)) else { return };
    for (_, backup) in cluster.backups.iter() {
        let here = place.namespace.as_ref().is_none_or(|namespace| *namespace == backup.namespace);
        let Some(at) = backup.run.started.filter(|at| *at >= since) else { continue };
        if !here || !taken(&backup.template) {
            continue;
        }
        let failed = matches!(&*backup.run.phase, "Failed" | "PartiallyFailed" | "FailedValidation");
        let level = if failed { Level::Warning } else { Level::Idle };
        let detail = backup.run.phase.to_string();
        marks.push(Mark { at, what: What::Backup, about: backup.name.clone(), detail, level });
    }
}

fn owner(pod: &Pod) -> Option<Uid> {
    pod.owner.as_ref().map(|owner| owner.uid)
}

fn owned_by(set: &ReplicaSet, workload: Uid) -> bool {
    set.owner.as_ref().is_some_and(|owner| owner.uid == workload)
}

/// The workload that owns a pod's controller, or is it.
fn workload_of(cluster: &ClusterWorld, controller: Uid) -> Option<&Workload> {
    let through =
        cluster.replica_sets.get(controller).and_then(|set| set.owner.as_ref()).map(|owner| owner.uid);
    cluster.workloads.get(through.unwrap_or(controller))
}

/// The templates of a StatefulSet or DaemonSet that came after another one that we know. When the first of them came is
/// not known, unless it came with its workload: its pods may have been made again since.
fn templates(cluster: &ClusterWorld, workload: &Workload, since: Stamp, marks: &mut Vec<Mark>) {
    let known = cluster.revisions_of(workload.uid);
    let first = known.iter().map(|revision| revision.since).min();
    for revision in known {
        // One that was never changed came with its workload; pods of new nodes are younger.
        let is_first = Some(revision.since) == first;
        let at = if workload.generation == 1 { workload.created } else { revision.since };
        if at >= since && (!is_first || workload.generation == 1) {
            let detail = ImageRef::parse(&revision.image).tag;
            marks.push(Mark {
                at,
                what: What::Rollout,
                about: workload.name.clone(),
                detail,
                level: Level::Idle,
            });
        }
    }
}

fn rollouts(
    cluster: &ClusterWorld,
    since: Stamp,
    wanted: impl Fn(&ReplicaSet) -> bool,
    marks: &mut Vec<Mark>,
) {
    for (_, set) in cluster.replica_sets.iter().filter(|(_, set)| set.created >= since && wanted(set)) {
        // A ReplicaSet that somebody made by hand rolls nothing out.
        let Some(owner) = &set.owner else { continue };
        let image = set.images.iter().find(|image| !image.init).map(|image| ImageRef::parse(&image.image));
        let detail = image.map(|image| image.tag).unwrap_or_default();
        let about = owner.name.clone();
        marks.push(Mark { at: set.created, what: What::Rollout, about, detail, level: Level::Idle });
    }
}

fn scalings(cluster: &ClusterWorld, workload: &Workload, since: Stamp, marks: &mut Vec<Mark>) {
    let scales =
        matches!(workload.kind, Kind::Deployment | Kind::StatefulSet | Kind::Rollout | Kind::ReplicaSet);
    let autoscaler = scales.then(|| cluster.autoscaler_of(workload)).flatten();
    let mut mark = |at, detail| {
        let about = workload.name.clone();
        marks.push(Mark { at, what: What::Scaling, about, detail, level: Level::Idle });
    };
    if let Some(autoscaler) = autoscaler
        && let Some(at) = autoscaler.scaled.filter(|at| *at >= since)
    {
        let detail = match autoscaler.desired {
            1 => "1 pod".to_owned(),
            pods => format!("{pods} pods"),
        };
        mark(at, detail);
    }
    // An autoscaler uses the scale subresource too, and tells more of it itself.
    let of_its_own = |by: &str| autoscaler.is_some() && by == AUTOSCALER;
    if let Some(scaled) =
        workload.scaled.as_ref().filter(|scaled| scaled.at >= since && !of_its_own(&scaled.by))
    {
        mark(scaled.at, format!("by {}", scaled.by));
    }
}

fn restarts<'a>(pods: impl Iterator<Item = &'a Pod>, since: Stamp, marks: &mut Vec<Mark>) {
    for pod in pods {
        // One that has ended for good (a Job's) was not started again.
        let Some(end) = pod.last_exit.as_ref().filter(|_| pod.restarts > 0) else { continue };
        if let Some(at) = end.at.filter(|at| *at >= since) {
            let detail = format!("{} {}", end.reason, end.code);
            let about = pod.name.as_ref().into();
            marks.push(Mark { at, what: What::Restart, about, detail, level: Level::Warning });
        }
    }
}
