//! The objects that an Application or Flux object delivers, as they are: each with the health that its source tells or,
//! where the source tells none, that we work out from the live object; ReplicaSets and pods below workloads.

use std::cmp::Reverse;

use super::network::Endpoints;
use crate::domain::id::{ClusterId, Kind, Name, ObjectRef, Uid};
use crate::domain::level::Level;
use crate::domain::link::Feed;
use crate::domain::pod::{Pod, PodState};
use crate::domain::sync_detail::{LiveHealth, Lookup, Resource, ResourceId, ServerFacts};
use crate::domain::workload::{More, ReplicaSet, UpdateMore, Workload};
use crate::world::{ClusterWorld, World};

/// Who says how well an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Teller {
    /// The Application's own status.
    Object,
    /// The Argo CD API server.
    Server,
    /// We, from the live object.
    Live,
    /// Nobody: its kind has no health, or it cannot be seen.
    Nobody,
}

/// One line of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// 0 for what is delivered, 1 and 2 for what follows from it.
    pub depth: u8,
    /// Which.
    pub id: ResourceId,
    /// The live object, when it is one that we know.
    pub object: Option<ObjectRef>,
    /// `Synced`, `OutOfSync`; empty where nobody says.
    pub sync: Name,
    /// `Healthy`, `Degraded`...; empty when there is none.
    pub health: Name,
    /// How well it is, from sync and health together.
    pub level: Level,
    /// Who says so.
    pub teller: Teller,
    /// Why, or how far: `2/3 ready`.
    pub note: String,
    /// `syncWave`; 0 mostly.
    pub wave: i64,
    /// It is a hook.
    pub hook: bool,
    /// It would be deleted by a sync with pruning.
    pub prune: bool,
    /// Its deletion waits for a confirmation.
    pub confirm: bool,
    /// It belongs to nobody.
    pub orphan: bool,
    /// It should be there and is not, as far as we can see.
    pub missing: bool,
}

/// Health of objects that were read for it, as their kinds are not watched.
pub type Healths = [(ResourceId, Lookup<LiveHealth>)];

/// The tree. `cluster` is where the objects are; `None` when no connection leads there.
pub fn tree(
    world: &World,
    cluster: Option<ClusterId>,
    resources: &[Resource],
    server: Option<&ServerFacts>,
    healths: &Healths,
) -> Vec<Node> {
    let live = cluster.and_then(|id| Some((id, world.cluster(id)?)));
    let grow = |resource| grow(live, resource, server, healths);
    let mut groups: Vec<Vec<Node>> = resources.iter().map(grow).collect();
    if let Some(server) = server {
        groups.extend(server.orphans.iter().map(|id| vec![orphan(live, id)]));
    }
    // Worst first; among equals what is synced first.
    groups.sort_by_cached_key(|group| key(group));
    groups.into_iter().flatten().collect()
}

fn key(group: &[Node]) -> (bool, Reverse<Level>, i64, Name, Name, Name) {
    let worst = group.iter().map(|node| node.level).max().unwrap_or_default();
    let head = group.first();
    let of = |f: fn(&Node) -> Name| head.map(f).unwrap_or_default();
    (
        head.is_some_and(|node| node.orphan),
        Reverse(worst),
        head.map_or(0, |node| node.wave),
        of(|node| node.id.kind.clone()),
        of(|node| node.id.namespace.clone()),
        of(|node| node.id.name.clone()),
    )
}

fn orphan(live: Option<(ClusterId, &ClusterWorld)>, id: &ResourceId) -> Node {
    let resource = Resource { id: id.clone(), ..Resource::default() };
    Node { orphan: true, level: Level::Warning, ..bare(live, &resource) }
}

fn bare(live: Option<(ClusterId, &ClusterWorld)>, resource: &Resource) -> Node {
    let object = live.and_then(|(cluster, world)| {
        let kind = resource.id.known_kind()?;
        let uid = find(world, kind, &resource.id).unwrap_or_default();
        Some(ObjectRef {
            cluster,
            kind,
            namespace: resource.id.namespace.clone(),
            name: resource.id.name.clone(),
            uid,
        })
    });
    Node {
        depth: 0,
        id: resource.id.clone(),
        object,
        sync: resource.status.clone(),
        health: Name::default(),
        level: Level::Ok,
        teller: Teller::Nobody,
        note: String::new(),
        wave: resource.wave,
        hook: resource.hook,
        prune: resource.prune,
        confirm: resource.confirm,
        orphan: false,
        missing: false,
    }
}

fn grow(
    live: Option<(ClusterId, &ClusterWorld)>,
    resource: &Resource,
    server: Option<&ServerFacts>,
    healths: &Healths,
) -> Vec<Node> {
    let mut head = bare(live, resource);
    let read = healths.iter().find(|(id, _)| *id == resource.id).map(|(_, health)| health);
    let found = live.and_then(|(_, world)| look(world, &resource.id, read));
    let by_server = server.and_then(|facts| facts.nodes.iter().find(|node| node.id == resource.id));
    head.missing = matches!(found, Some(Seen::Missing)) && !resource.hook && !resource.prune;
    let seen = match &found {
        Some(Seen::Health(health, level, note)) => Some((health.clone(), *level, note.clone())),
        _ => None,
    };
    if !resource.health.is_empty() {
        head.health = resource.health.clone();
        head.teller = Teller::Object;
        head.note = resource.health_message.clone();
        head.level = health_level(&resource.health);
    } else if let Some(node) = by_server.filter(|node| !node.health.is_empty()) {
        head.health = node.health.clone();
        head.teller = Teller::Server;
        head.note = node.message.clone();
        head.level = health_level(&node.health);
    }
    if let Some((health, level, note)) = seen {
        if head.teller == Teller::Nobody {
            head.health = health;
            head.teller = Teller::Live;
            head.level = level;
        }
        // How far it is says more than a repeated word.
        if head.note.is_empty() {
            head.note = note;
        }
    }
    // A workload has a health; when nobody tells it, that is no good sign.
    if head.teller == Teller::Nobody
        && resource.id.known_kind().is_some_and(Kind::is_workload)
        && !resource.hook
    {
        head.level = Level::Unknown;
        head.note = "not seen".to_owned();
    }
    // What may not be read cannot be judged, and says so.
    if let (Teller::Nobody, Some(Seen::Refused(why))) = (head.teller, found) {
        head.level = Level::Unknown;
        head.note = format!("cannot be read: {why}");
    }
    if head.missing {
        head.health = "Missing".into();
        head.teller = Teller::Live;
        head.level = Level::Critical;
        head.note = "is not in the cluster".to_owned();
    }
    if &*resource.status == "OutOfSync" {
        head.level = head.level.max(Level::Warning);
    }
    let mut group = vec![head];
    if let Some((id, world)) = live
        && let Some(kind) = resource.id.known_kind().filter(|kind| kind.is_workload())
        && let Some(workload) = workload(world, kind, &resource.id)
    {
        below(id, world, workload, &mut group);
    }
    group
}

/// What is to be seen of an object.
enum Seen {
    /// The health, how bad that is, and how far it is.
    Health(Name, Level, String),
    /// Its kind is followed whole, or it was read for itself, and it is not there.
    Missing,
    /// It may not be read, or could not be; why.
    Refused(String),
    /// It is there, and its kind has no health.
    There,
}

fn workload<'a>(world: &'a ClusterWorld, kind: Kind, id: &ResourceId) -> Option<&'a Workload> {
    world
        .workloads
        .iter()
        .map(|(_, workload)| workload)
        .find(|w| w.kind == kind && w.namespace == id.namespace && w.name == id.name)
}

fn find(world: &ClusterWorld, kind: Kind, id: &ResourceId) -> Option<Uid> {
    let same = |namespace: &Name, name: &str| *namespace == id.namespace && name == &*id.name;
    match kind {
        kind if kind.is_workload() => workload(world, kind, id).map(|w| w.uid),
        Kind::Pod => world.pods.iter().find(|(_, p)| same(&p.namespace, &p.name)).map(|(_, p)| p.uid),
        Kind::Service => world.services.iter().find(|(_, s)| same(&s.namespace, &s.name)).map(|(_, s)| s.uid),
        Kind::Ingress => {
            world.ingresses.iter().find(|(_, i)| same(&i.namespace, &i.name)).map(|(_, i)| i.uid)
        }
        Kind::ReplicaSet => {
            world.replica_sets.iter().find(|(_, s)| same(&s.namespace, &s.name)).map(|(_, s)| s.uid)
        }
        Kind::Namespace => world.namespaces.iter().find(|(_, n)| *n.name == *id.name).map(|(_, n)| n.uid),
        _ => None,
    }
}

fn look(world: &ClusterWorld, id: &ResourceId, read: Option<&Lookup<LiveHealth>>) -> Option<Seen> {
    if id.read_at().is_some() {
        return Some(match read? {
            Lookup::None => Seen::Missing,
            Lookup::Refused(why) => Seen::Refused(why.clone()),
            Lookup::Known(found) => {
                Seen::Health(found.health.clone(), health_level(&found.health), found.note.clone())
            }
        });
    }
    let kind = id.known_kind()?;
    let followed = kind.is_workload()
        || matches!(kind, Kind::Pod | Kind::Service | Kind::Ingress | Kind::ReplicaSet | Kind::Namespace);
    if !followed {
        return None;
    }
    let feed = world.feed(kind).within(std::slice::from_ref(&id.namespace));
    let Some(uid) = find(world, kind, id) else {
        return match feed {
            Feed::Live => Some(Seen::Missing),
            // A Namespace has no health that would be missing.
            Feed::Forbidden(why) if kind != Kind::Namespace => Some(Seen::Refused(why.to_string())),
            _ => None,
        };
    };
    Some(match kind {
        Kind::Pod => {
            let pod = world.pods.get(uid)?;
            let health =
                if pod.state == PodState::Done { "Healthy".into() } else { level_health(pod.level()) };
            Seen::Health(health, pod.level(), pod_note(pod))
        }
        Kind::Service => {
            let service = world.services.get(uid)?;
            let waits = &*service.service_type == "LoadBalancer" && service.external.is_empty();
            let ends = endpoints(world, &id.namespace, &id.name);
            let mut note = match ends {
                Some(ends) => format!("{} endpoints ready", ends.words()),
                None => String::new(),
            };
            if waits {
                note = "waits for its load balancer".to_owned();
            }
            let empty = service.selector.is_some() && ends.is_some_and(|ends| ends.ready == 0);
            let level = match (waits, empty) {
                (true, _) => Level::Progressing,
                (_, true) => Level::Warning,
                _ => Level::Ok,
            };
            let health = if waits { "Progressing" } else { "Healthy" };
            Seen::Health(health.into(), level, note)
        }
        Kind::Ingress => {
            let ingress = world.ingresses.get(uid)?;
            match ingress.addresses.is_empty() {
                true => {
                    Seen::Health("Progressing".into(), Level::Progressing, "has no address yet".to_owned())
                }
                false => Seen::Health("Healthy".into(), Level::Ok, String::new()),
            }
        }
        kind if kind.is_workload() => {
            let workload = world.workloads.get(uid)?;
            let (health, level) = workload_health(world, workload);
            Seen::Health(health, level, workload_note(workload))
        }
        Kind::ReplicaSet => {
            let set = world.replica_sets.get(uid)?;
            let well = set.available >= set.desired;
            let level = if well { Level::Ok } else { Level::Progressing };
            Seen::Health(level_health(level), level, format!("{}/{} ready", set.ready, set.desired))
        }
        _ => Seen::There,
    })
}

/// Endpoints of a Service by its slices; `None` when they may not be read.
pub fn endpoints(world: &ClusterWorld, namespace: &Name, service: &str) -> Option<Endpoints> {
    if world.feed(Kind::EndpointSlice).within(std::slice::from_ref(namespace)) != Feed::Live {
        return None;
    }
    let mut ends = Endpoints::default();
    let slices = world.endpoint_slices.iter().map(|(_, slice)| slice);
    for slice in slices.filter(|slice| slice.namespace == *namespace && *slice.service == *service) {
        ends.ready += slice.ready;
        ends.unready += slice.unready;
        ends.terminating += slice.terminating;
    }
    Some(ends)
}

/// How bad a health is.
pub fn health_level(health: &str) -> Level {
    match health {
        "Healthy" => Level::Ok,
        "Suspended" => Level::Idle,
        "Progressing" => Level::Progressing,
        "Missing" => Level::Warning,
        "Degraded" => Level::Critical,
        _ => Level::Unknown,
    }
}

/// Our level in Argo CD's words.
fn level_health(level: Level) -> Name {
    match level {
        Level::Ok => "Healthy",
        Level::Idle => "Suspended",
        Level::Progressing => "Progressing",
        Level::Warning | Level::Critical => "Degraded",
        Level::Unknown => "Unknown",
    }
    .into()
}

/// The health of a workload, and how bad that is.
fn workload_health(world: &ClusterWorld, workload: &Workload) -> (Name, Level) {
    let level = workload.level();
    let healthy = |level| ("Healthy".into(), level);
    match &workload.more {
        // A person or a step holds it.
        More::Rollout(rollout) if &*rollout.phase == "Paused" => ("Suspended".into(), level),
        More::Rollout(rollout) if rollout.phase.is_empty() => ("Progressing".into(), Level::Progressing),
        More::Deployment(_) if workload.paused => ("Suspended".into(), level),
        // Until it has failed for good it tries again.
        More::Job(_) if level == Level::Warning => ("Progressing".into(), level),
        // A run is no change of it.
        More::CronJob(_) if !workload.paused => match newest_job(world, workload).map(Workload::level) {
            Some(Level::Critical) => ("Degraded".into(), Level::Warning),
            _ if matches!(level, Level::Idle | Level::Progressing) => healthy(Level::Ok),
            _ => (level_health(level), level),
        },
        More::Update(update) if has_come_as_far_as_meant(workload, update) => healthy(Level::Ok),
        // Scaled to zero or done, by intent.
        _ if level == Level::Idle && !workload.paused => healthy(level),
        // A pod that is missing is on its way; only a rollout that missed its deadline is given up.
        More::Deployment(_) | More::Update(_) if level == Level::Warning => ("Progressing".into(), level),
        _ => (level_health(level), level),
    }
}

/// Whether a workload has all that its strategy brings by itself, also where pods of a template before are left.
pub fn rests_by_strategy(workload: &Workload) -> bool {
    matches!(&workload.more, More::Update(update) if has_come_as_far_as_meant(workload, update))
}

/// Whether a StatefulSet or DaemonSet has all that its strategy brings by itself: pods of the template before are meant
/// to stay below a partition, and until somebody deletes them.
fn has_come_as_far_as_meant(workload: &Workload, update: &UpdateMore) -> bool {
    let new = match &*update.strategy {
        "OnDelete" => 0,
        _ => workload.desired.saturating_sub(update.partition),
    };
    let seen = workload.observed >= workload.generation && workload.observed > 0;
    let keeps = &*update.strategy == "OnDelete" || update.partition > 0;
    keeps && seen && workload.desired > 0 && workload.available >= workload.desired && workload.updated >= new
}

/// The Job of a CronJob that was begun last.
fn newest_job<'a>(world: &'a ClusterWorld, cron: &Workload) -> Option<&'a Workload> {
    world.jobs_of(cron.uid).map(|(_, job)| job).max_by_key(|job| job.created)
}

/// `2/3 ready, 1 of before`.
pub fn workload_note(workload: &Workload) -> String {
    match workload.kind {
        Kind::CronJob => String::new(),
        Kind::Job => format!("{} pods at work", workload.current),
        _ => {
            let old = workload.current.saturating_sub(workload.updated);
            let mut note = format!("{}/{} ready", workload.ready, workload.desired);
            if workload.updated < workload.desired {
                note.push_str(&format!(", {} new", workload.updated));
            }
            if old > 0 && workload.desired > 0 {
                note.push_str(&format!(", {old} of before"));
            }
            note
        }
    }
}

fn pod_note(pod: &Pod) -> String {
    let mut note = pod.status.to_string();
    if pod.restarts > 0 {
        note.push_str(&format!(", {} restarts", pod.restarts));
    }
    match &pod.last_exit {
        Some(exit) if exit.code != 0 && pod.level().is_fault() => {
            note.push_str(&format!(" ({} {})", exit.reason, exit.code));
        }
        _ => {}
    }
    note
}

/// Pods of one set that are listed one by one.
const PODS: usize = 8;

/// ReplicaSets that have pods, newest first, and pods.
fn below(cluster: ClusterId, world: &ClusterWorld, workload: &Workload, out: &mut Vec<Node>) {
    if matches!(workload.kind, Kind::Deployment | Kind::Rollout) {
        let mut sets: Vec<&ReplicaSet> = world
            .replica_sets
            .iter()
            .map(|(_, set)| set)
            .filter(|set| set.owner.as_ref().is_some_and(|owner| owner.uid == workload.uid))
            .filter(|set| set.current > 0 || set.desired > 0)
            .collect();
        sets.sort_by_key(|set| Reverse((set.revision, set.created)));
        for set in sets {
            let level = match (set.ready >= set.desired, set.desired) {
                (_, 0) => Level::Idle,
                (true, _) => Level::Ok,
                (false, _) => Level::Progressing,
            };
            let image = set.images.iter().find(|image| !image.init).map_or("", |image| &*image.image);
            let image = image.rsplit('/').next().unwrap_or(image);
            let note = format!("{}/{} ready  {image}", set.ready, set.desired);
            out.push(child(cluster, 1, Kind::ReplicaSet, &set.namespace, &set.name, set.uid, level, note));
            pods(cluster, world, set.uid, 2, out);
        }
        return;
    }
    if workload.kind == Kind::CronJob {
        let mut jobs: Vec<&Workload> = world.jobs_of(workload.uid).map(|(_, job)| job).collect();
        jobs.sort_by_key(|job| Reverse(job.created));
        for job in jobs.into_iter().take(3) {
            let note = workload_note(job);
            out.push(child(cluster, 1, Kind::Job, &job.namespace, &job.name, job.uid, job.level(), note));
        }
        return;
    }
    pods(cluster, world, workload.uid, 1, out);
}

fn pods(cluster: ClusterId, world: &ClusterWorld, owner: Uid, depth: u8, out: &mut Vec<Node>) {
    let slots = world.pods_owned_by(owner);
    let mut pods: Vec<&Pod> = slots.iter().filter_map(|slot| world.pods.at(*slot)).collect();
    pods.sort_by(|a, b| b.level().cmp(&a.level()).then_with(|| a.name.cmp(&b.name)));
    let more = pods.len().saturating_sub(PODS);
    for pod in pods.into_iter().take(PODS) {
        out.push(child(
            cluster,
            depth,
            Kind::Pod,
            &pod.namespace,
            &pod.name,
            pod.uid,
            pod.level(),
            pod_note(pod),
        ));
    }
    if more > 0
        && let Some(last) = out.last_mut()
    {
        last.note.push_str(&format!("  (and {more} more pods)"));
    }
}

#[expect(clippy::too_many_arguments, reason = "the fields of one node, in their order")]
fn child(
    cluster: ClusterId,
    depth: u8,
    kind: Kind,
    namespace: &Name,
    name: &str,
    uid: Uid,
    level: Level,
    note: String,
) -> Node {
    let name: Name = name.into();
    let id = ResourceId {
        group: kind.api().0.into(),
        kind: kind.word().into(),
        namespace: namespace.clone(),
        name: name.clone(),
    };
    Node {
        depth,
        object: Some(ObjectRef { cluster, kind, namespace: namespace.clone(), name, uid }),
        id,
        sync: Name::default(),
        health: level_health(level),
        level,
        teller: Teller::Live,
        note,
        wave: 0,
        hook: false,
        prune: false,
        confirm: false,
        orphan: false,
        missing: false,
    }
}

#[cfg(test)]
#[path = "sync_tree_tests.rs"]
mod tests;
