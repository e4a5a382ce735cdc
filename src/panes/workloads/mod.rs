//! The Workloads pane: Deployments, StatefulSets, DaemonSets, Rollouts, CronJobs
//! and Jobs, each unfolding to the ReplicaSets (or Jobs) and pods below it.

mod status;
#[cfg(test)]
mod tests;

pub use status::status as status_words;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashSet;

use super::PaneId;
use super::filter::Haystack;
use super::list::{Cell, Changes, Column, Rows};
use super::words;
use crate::action::Action;
use crate::domain::id::{ClusterId, Kind, ObjectRef, Uid};
use crate::domain::level::Level;
use crate::domain::meta::{ContainerImage, Labels};
use crate::domain::workload::{More, ReplicaSet, Workload};
use crate::look::Look;
use crate::shared::{Applies, Outcome, Shared, Subject};
use crate::world::{ClusterWorld, RowId};

/// All workloads of what is looked at.
#[derive(Debug, Default)]
pub struct Workloads {
    seen: Seen,
    /// Workloads whose ReplicaSets, Jobs and pods are shown.
    unfolded: HashSet<(ClusterId, Uid)>,
    /// The CronJobs that there were when everything was looked at last: Jobs stand below them.
    crons: HashSet<RowId>,
}

/// What the order was made from.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    scope: Option<words::ScopeKey>,
    health: u64,
    workloads: Vec<u64>,
    /// Versions of what stands below; looked at only while something is unfolded.
    below: Vec<(u64, u64)>,
}

/// A row of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Row {
    /// A workload; a Job stands below its CronJob.
    Workload(RowId),
    /// A ReplicaSet below a Deployment or Rollout.
    Set(RowId),
    /// A pod below its owner.
    Pod(RowId),
}

const NAME: usize = 0;
const KIND: usize = 1;
const READY: usize = 2;
const STATUS: usize = 3;
const UPDATED: usize = 4;
const AVAILABLE: usize = 5;
const RELEASE: usize = 6;
const AGE: usize = 7;
const NAMESPACE: usize = 8;
const IMAGES: usize = 9;

static COLUMNS: [Column; 10] = [
    Column::new("workload", 20).most(44),
    Column::new("kind", 6).rank(3),
    Column::new("ready", 5),
    Column::new("status", 20).most(48),
    Column::new("new", 4).right().rank(4),
    Column::new("avail", 5).right().rank(4),
    Column::new("release", 10).most(16).rank(2),
    Column::new("age", 4).right().rank(1),
    Column::new("namespace", 14).rank(5),
    Column::new("images", 40).most(60).rank(6),
];

impl Haystack for Workload {
    fn any_text(&self, found: &mut dyn FnMut(&str) -> bool) -> bool {
        found(&self.name)
            || found(&self.namespace)
            || found(self.kind.word())
            || self.images.iter().any(|image| found(&image.image))
    }
    fn labels(&self) -> &Labels {
        &self.labels
    }
}

/// Nothing to search: rows below a workload are shown when the workload is.
struct Below;

impl Haystack for Below {
    fn any_text(&self, _found: &mut dyn FnMut(&str) -> bool) -> bool {
        false
    }
    fn labels(&self) -> &Labels {
        static NONE: std::sync::LazyLock<Labels> = std::sync::LazyLock::new(Labels::default);
        &NONE
    }
}

impl Row {
    fn id(self) -> RowId {
        match self {
            Row::Workload(id) | Row::Set(id) | Row::Pod(id) => id,
        }
    }

    fn workload(self, shared: &Shared) -> Option<&Workload> {
        match self {
            Row::Workload(id) => shared.world.workload(id),
            Row::Set(_) | Row::Pod(_) => None,
        }
    }

    fn set(self, shared: &Shared) -> Option<&ReplicaSet> {
        match self {
            Row::Set(id) => shared.world.cluster(id.cluster)?.replica_sets.at(id.slot),
            Row::Workload(_) | Row::Pod(_) => None,
        }
    }
}

impl Workloads {
    fn is_unfolded(&self, cluster: ClusterId, uid: Uid) -> bool {
        self.unfolded.contains(&(cluster, uid))
    }

    /// Calls `each` with everything below a workload, when it is unfolded.
    fn below(&self, id: ClusterId, cluster: &ClusterWorld, workload: &Workload, each: &mut dyn FnMut(Row)) {
        if !self.is_unfolded(id, workload.uid) {
            return;
        }
        let row = |slot| RowId { cluster: id, slot };
        for slot in cluster.pods_owned_by(workload.uid) {
            each(Row::Pod(row(*slot)));
        }
        match workload.kind {
            Kind::Deployment | Kind::Rollout => {
                let of_it = |set: &&ReplicaSet| set.owner.as_ref().is_some_and(|o| o.uid == workload.uid);
                let sets = || cluster.replica_sets.iter().map(|(_, set)| set).filter(of_it);
                let newest = sets().map(|set| set.revision).max();
                for (slot, set) in cluster.replica_sets.iter().filter(|(_, set)| of_it(set)) {
                    // The old, empty ones are kept for undo and say nothing here.
                    if set.desired == 0 && set.current == 0 && Some(set.revision) != newest {
                        continue;
                    }
                    each(Row::Set(row(slot)));
                    for slot in cluster.pods_owned_by(set.uid) {
                        each(Row::Pod(row(*slot)));
                    }
                }
            }
            Kind::CronJob => {
                for (slot, job) in cluster.jobs_of(workload.uid) {
                    each(Row::Workload(row(slot)));
                    self.below(id, cluster, job, each);
                }
            }
            _ => {}
        }
    }

    /// Whether something can be shown below a row.
    fn unfolds(shared: &Shared, row: Row) -> bool {
        let (Some(workload), Some(cluster)) = (row.workload(shared), shared.world.cluster(row.id().cluster))
        else {
            return false;
        };
        let owned = |owner: &Option<std::sync::Arc<crate::domain::meta::Owner>>| {
            owner.as_ref().is_some_and(|owner| owner.uid == workload.uid)
        };
        match workload.kind {
            Kind::Deployment | Kind::Rollout => cluster.replica_sets.iter().any(|(_, set)| owned(&set.owner)),
            Kind::CronJob => cluster.jobs_of(workload.uid).next().is_some(),
            _ => !cluster.pods_owned_by(workload.uid).is_empty(),
        }
    }

    /// The rows that changed since then, where these can be told one by one: workloads are few beside pods, but a rollout
    /// has many steps.
    fn single(&self, shared: &Shared, before: &Seen) -> Option<Vec<Row>> {
        let plain = self.unfolded.is_empty()
            && before.scope == self.seen.scope
            && before.workloads.len() == self.seen.workloads.len();
        if !plain {
            return None;
        }
        let slot = |cluster: ClusterId, uid| shared.world.cluster(cluster)?.workloads.slot(uid);
        let moved = shared.health.moved_since(before.health)?.iter();
        let moved = moved.filter_map(|(cluster, uid)| Some((*cluster, slot(*cluster, *uid)?)));
        let mut changed: Vec<Row> =
            moved.map(|(cluster, slot)| Row::Workload(RowId { cluster, slot })).collect();
        for ((cluster, facts), version) in shared.world.each().zip(&before.workloads) {
            for slot in facts.workloads.changed_since(*version)? {
                let row = RowId { cluster, slot: *slot };
                // Jobs are rows of their own for as long as nothing that owns them is there.
                let owns = facts.workloads.at(*slot).is_some_and(|one| one.kind == Kind::CronJob);
                if owns || self.crons.contains(&row) {
                    return None;
                }
                changed.push(Row::Workload(row));
            }
        }
        Some(changed)
    }

    fn versions(shared: &Shared, scope: words::ScopeKey, below: bool) -> Seen {
        let clusters = || shared.world.clusters.iter();
        Seen {
            scope: Some(scope),
            health: shared.health.version(),
            workloads: clusters().map(|c| c.workloads.version()).collect(),
            below: if below {
                clusters().map(|c| (c.replica_sets.version(), c.pods.version())).collect()
            } else {
                Vec::new()
            },
        }
    }
}

impl Rows for Workloads {
    type Row = Row;
    type Key = (ClusterId, Uid);

    fn id(&self) -> PaneId {
        PaneId::Workloads
    }

    fn name(&self, shared: &Shared) -> String {
        format!("Workloads {}", words::scope(shared))
    }

    fn columns(&self, shared: &Shared) -> Cow<'_, [Column]> {
        words::with_namespaces(shared, &COLUMNS, NAMESPACE)
    }

    fn changes(&mut self, shared: &Shared) -> Changes<Row> {
        let now = Workloads::versions(shared, words::scope_key(shared), !self.unfolded.is_empty());
        if now == self.seen {
            return Changes::Nothing;
        }
        let before = std::mem::replace(&mut self.seen, now);
        match self.single(shared, &before) {
            Some(changed) => Changes::These(changed),
            None => {
                let all = shared.world.each();
                let crons = all.flat_map(|(cluster, facts)| {
                    let crons = facts.workloads.iter().filter(|(_, one)| one.kind == Kind::CronJob);
                    crons.map(move |(slot, _)| RowId { cluster, slot })
                });
                self.crons = crons.collect();
                Changes::Everything
            }
        }
    }

    fn all(&self, shared: &Shared, each: &mut dyn FnMut(Row)) {
        for (id, cluster) in shared.world.each() {
            for (slot, workload) in cluster.workloads.iter() {
                let row = Row::Workload(RowId { cluster: id, slot });
                if shared.shows(id, &workload.namespace) && self.parent(shared, row).is_none() {
                    each(row);
                    self.below(id, cluster, workload, each);
                }
            }
        }
    }

    fn total(&self, shared: &Shared) -> usize {
        let mut total = 0;
        self.all(shared, &mut |row| total += usize::from(self.parent(shared, row).is_none()));
        total
    }

    fn shown(&self, shared: &Shared, row: Row) -> bool {
        match row {
            Row::Workload(id) => {
                let Some(workload) = row.workload(shared) else { return false };
                let open = match self.parent(shared, row).and_then(|parent| self.key(shared, parent)) {
                    Some((cluster, uid)) => self.is_unfolded(cluster, uid),
                    None => true,
                };
                open && shared.shows(id.cluster, &workload.namespace)
            }
            Row::Set(_) => row.set(shared).is_some(),
            Row::Pod(id) => shared.world.pod(id).is_some(),
        }
    }

    fn level(&self, shared: &Shared, row: Row) -> Level {
        match row {
            Row::Workload(id) => {
                row.workload(shared).map_or(Level::Unknown, |w| shared.health.of(id.cluster, w).level)
            }
            Row::Set(_) => row.set(shared).map_or(Level::Unknown, |set| {
                if set.desired == 0 && set.current == 0 {
                    Level::Idle
                } else if set.available >= set.desired && set.current == set.desired {
                    Level::Ok
                } else {
                    Level::Progressing
                }
            }),
            Row::Pod(id) => shared.world.pod(id).map_or(Level::Unknown, |pod| pod.level()),
        }
    }

    fn compare(&self, shared: &Shared, column: usize, a: Row, b: Row) -> Ordering {
        if let (Some(x), Some(y)) = (row_workload(shared, a), row_workload(shared, b)) {
            return compare_workloads(shared, column, (a, x), (b, y));
        }
        if let (Some(x), Some(y)) = (a.set(shared), b.set(shared)) {
            return y.revision.cmp(&x.revision);
        }
        if let (Row::Pod(x), Row::Pod(y)) = (a, b) {
            let (x, y) = (shared.world.pod(x), shared.world.pod(y));
            return match column {
                AGE => y.map(|pod| pod.created).cmp(&x.map(|pod| pod.created)),
                STATUS => x.map(|pod| &pod.status).cmp(&y.map(|pod| &pod.status)),
                _ => x.map(|pod| &pod.name).cmp(&y.map(|pod| &pod.name)),
            };
        }
        a.cmp(&b)
    }

    fn key(&self, shared: &Shared, row: Row) -> Option<Self::Key> {
        let uid = match row {
            Row::Workload(_) => row.workload(shared)?.uid,
            Row::Set(_) => row.set(shared)?.uid,
            Row::Pod(id) => shared.world.pod(id)?.uid,
        };
        Some((row.id().cluster, uid))
    }

    fn find(&self, shared: &Shared, (cluster, uid): &Self::Key) -> Option<Row> {
        let facts = shared.world.cluster(*cluster)?;
        let row = |slot| RowId { cluster: *cluster, slot };
        let workload = || facts.workloads.slot(*uid).map(|slot| Row::Workload(row(slot)));
        let set = || facts.replica_sets.slot(*uid).map(|slot| Row::Set(row(slot)));
        let pod = || facts.pods.slot(*uid).map(|slot| Row::Pod(row(slot)));
        workload().or_else(set).or_else(pod)
    }

    fn search(&self, shared: &Shared, row: Row, look: &mut dyn FnMut(&dyn Haystack) -> bool) -> bool {
        match row.workload(shared) {
            Some(workload) => look(workload),
            None => look(&Below),
        }
    }

    fn cell<'a>(&self, shared: &'a Shared, row: Row, column: usize, _look: &Look) -> Cell<'a> {
        match row {
            Row::Workload(id) => match shared.world.workload(id) {
                Some(workload) => workload_cell(shared, id, workload, column),
                None => Cell::muted(""),
            },
            Row::Set(id) => match shared.world.cluster(id.cluster).and_then(|c| c.replica_sets.at(id.slot)) {
                Some(set) => set_cell(shared, set, column),
                None => Cell::muted(""),
            },
            Row::Pod(id) => pod_cell(shared, id, column),
        }
    }

    fn subject(&self, shared: &Shared, row: Row) -> Option<Subject> {
        let object = match row {
            Row::Workload(id) => shared.world.workload_ref(id)?,
            Row::Pod(id) => shared.world.pod_ref(id)?,
            Row::Set(id) => {
                let set = row.set(shared)?;
                ObjectRef {
                    cluster: id.cluster,
                    kind: Kind::ReplicaSet,
                    namespace: set.namespace.clone(),
                    name: set.name.as_ref().into(),
                    uid: set.uid,
                }
            }
        };
        Some(Subject::Object(object))
    }

    fn empty(&self, shared: &Shared) -> Vec<String> {
        words::empty(shared, &KINDS, "workloads")
    }

    fn stale(&self, shared: &Shared) -> Option<String> {
        words::stale(shared)
    }

    fn loading(&self, shared: &Shared) -> bool {
        words::loading(shared, &KINDS)
    }

    fn gaps(&self, shared: &Shared) -> Option<String> {
        words::gaps(shared, &KINDS)
    }

    fn parent(&self, shared: &Shared, row: Row) -> Option<Row> {
        let cluster = shared.world.cluster(row.id().cluster)?;
        let at = |slot| RowId { slot, ..row.id() };
        let workload = |uid| cluster.workloads.slot(uid).map(|slot| Row::Workload(at(slot)));
        match row {
            Row::Workload(_) => {
                let job = row.workload(shared).filter(|workload| workload.kind == Kind::Job)?;
                workload(job.owner.as_ref()?.uid)
            }
            Row::Set(_) => workload(row.set(shared)?.owner.as_ref()?.uid),
            Row::Pod(id) => {
                let owner = shared.world.pod(id)?.owner.as_ref()?.uid;
                cluster.replica_sets.slot(owner).map(|slot| Row::Set(at(slot))).or_else(|| workload(owner))
            }
        }
    }

    fn applies(&self, shared: &Shared, row: Option<Row>, action: Action) -> Applies {
        let Some(row) = row else { return Applies::Elsewhere };
        let unfolded = self.key(shared, row).is_some_and(|key| self.unfolded.contains(&key));
        match action {
            Action::Right if unfolded => {
                Applies::No("It is unfolded; go down to what stands below.".to_owned())
            }
            Action::Right if Workloads::unfolds(shared, row) => Applies::Yes,
            Action::Right => Applies::No("Nothing stands below this row.".to_owned()),
            Action::Left if unfolded => Applies::Yes,
            _ => Applies::Elsewhere,
        }
    }

    fn act(&mut self, shared: &mut Shared, row: Option<Row>, action: Action) -> Outcome {
        if let Some(key) = row.and_then(|row| self.key(shared, row)) {
            match action {
                Action::Right => {
                    self.unfolded.insert(key);
                }
                Action::Left => {
                    self.unfolded.remove(&key);
                }
                _ => {}
            }
        }
        Outcome::none()
    }

    fn entered(&mut self, shared: &mut Shared, row: Row) {
        let mut top = row;
        while let Some(parent) = self.parent(shared, top) {
            top = parent;
        }
        if let Some(app) = self.key(shared, top).and_then(|(cluster, uid)| shared.app_of(cluster, uid)) {
            shared.app = Some(app);
        }
    }
}

/// The kinds of this pane.
const KINDS: [Kind; 6] =
    [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::Job, Kind::CronJob, Kind::Rollout];

fn row_workload(shared: &Shared, row: Row) -> Option<&Workload> {
    row.workload(shared)
}

fn compare_workloads(
    shared: &Shared,
    column: usize,
    (a, x): (Row, &Workload),
    (b, y): (Row, &Workload),
) -> Ordering {
    let level = |row: Row, workload: &Workload| shared.health.of(row.id().cluster, workload).level;
    match column {
        KIND => x.kind.word().cmp(y.kind.word()),
        READY => (x.ready, x.desired).cmp(&(y.ready, y.desired)),
        STATUS => level(b, y).cmp(&level(a, x)),
        UPDATED => x.updated.cmp(&y.updated),
        AVAILABLE => x.available.cmp(&y.available),
        RELEASE => status::release(x).cmp(status::release(y)),
        AGE => y.created.cmp(&x.created),
        NAMESPACE => x.namespace.cmp(&y.namespace),
        IMAGES => x.images.first().map(|i| &i.image).cmp(&y.images.first().map(|i| &i.image)),
        // Runs of one CronJob: newest first.
        _ if x.owner.is_some() && y.owner.is_some() => y.created.cmp(&x.created),
        _ => x.name.cmp(&y.name),
    }
}

fn workload_cell<'a>(shared: &'a Shared, id: RowId, workload: &'a Workload, column: usize) -> Cell<'a> {
    let replicas = !matches!(workload.more, More::Job(_) | More::CronJob(_));
    match column {
        NAME => Cell::text(&*workload.name),
        KIND => Cell::muted(workload.kind.short()),
        READY => match &workload.more {
            More::Job(job) => Cell::text(format!("{}/{}", job.succeeded, job.completions)),
            More::CronJob(_) => Cell::muted("-"),
            _ => Cell::text(format!("{}/{}", workload.ready, workload.desired)),
        },
        STATUS => {
            let standing = shared.health.of(id.cluster, workload);
            let Some(cluster) = shared.world.cluster(id.cluster) else { return Cell::muted("") };
            Cell::level(standing.level, status::status(cluster, workload, standing, shared.now))
        }
        UPDATED if replicas => Cell::text(workload.updated.to_string()),
        AVAILABLE if replicas => Cell::text(workload.available.to_string()),
        UPDATED | AVAILABLE => Cell::muted("-"),
        RELEASE => Cell::text(status::release(workload)),
        AGE => Cell::muted(words::age(workload.created, shared.now)),
        NAMESPACE => Cell::muted(&*workload.namespace),
        IMAGES => Cell::muted(images(&workload.images)),
        _ => Cell::muted(""),
    }
}

fn set_cell<'a>(shared: &'a Shared, set: &'a ReplicaSet, column: usize) -> Cell<'a> {
    match column {
        NAME => Cell::text(&*set.name),
        KIND => Cell::muted("rs"),
        READY => Cell::text(format!("{}/{}", set.ready, set.desired)),
        STATUS => Cell::muted(format!("revision {}", set.revision)),
        AVAILABLE => Cell::text(set.available.to_string()),
        RELEASE => Cell::muted(set.images.iter().find(|i| !i.init).map_or("", |i| status::tag(&i.image))),
        AGE => Cell::muted(words::age(set.created, shared.now)),
        NAMESPACE => Cell::muted(&*set.namespace),
        IMAGES => Cell::muted(images(&set.images)),
        _ => Cell::muted(""),
    }
}

fn pod_cell(shared: &Shared, id: RowId, column: usize) -> Cell<'_> {
    let Some(pod) = shared.world.pod(id) else { return Cell::muted("") };
    match column {
        NAME => Cell::text(&*pod.name),
        KIND => Cell::muted("po"),
        READY => Cell::text(format!("{}/{}", pod.ready, pod.total)),
        STATUS if pod.restarts > 0 => {
            Cell::level(pod.level(), format!("{}, {} restarts", pod.status, pod.restarts))
        }
        STATUS => Cell::level(pod.level(), &*pod.status),
        AGE => Cell::muted(words::age(pod.created, shared.now)),
        NAMESPACE => Cell::muted(&*pod.namespace),
        IMAGES => Cell::muted(images(&pod.images)),
        _ => Cell::muted(""),
    }
}

fn images(images: &[ContainerImage]) -> String {
    let names: Vec<&str> =
        images.iter().filter(|image| !image.init).map(|image| words::short_image(&image.image)).collect();
    names.join(", ")
}
