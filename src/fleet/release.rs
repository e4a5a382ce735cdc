//! A cell of the release matrix: what runs of an app in an environment, since
//! when, and what is ahead of what.

use std::collections::BTreeSet;

use super::apps::{OwnImage, own_image};
use super::health::Health;
use super::image::{Compared, ImageRef, compare, patches_between};
use super::matrix::Sets;
use super::wanted::Wanted;
use crate::domain::environment::Environment;
use crate::domain::id::{Kind, Name, ObjectRef};
use crate::domain::level::Level;
use crate::domain::time::Stamp;
use crate::domain::workload::{More, ReplicaSet, Workload};
use crate::world::ClusterWorld;

/// One app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub app: Name,
    /// The worst of its cells.
    pub level: Level,
    /// One for each column; `None` where it does not run.
    pub cells: Vec<Option<Cell>>,
}

/// An app in an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// What its template says.
    pub image: ImageRef,
    /// The tag; the short digest where there is no tag.
    pub release: Name,
    /// The digest that runs, as far as it is known.
    pub digest: Name,
    /// The worst of its workloads.
    pub level: Level,
    /// How it stands to the stage before.
    pub relation: Relation,
    /// Since when it is this release; `None` when that cannot be read.
    pub since: Option<Stamp>,
    /// A change is on its way.
    pub rolling: Option<Rolling>,
    /// Other releases of the same image that its workloads name.
    pub mixed: Vec<Name>,
    /// Its workloads, the one that gives the release first.
    pub workloads: Vec<ObjectRef>,
    /// Tags of its own image that its ReplicaSets remember, this one included.
    history: BTreeSet<Name>,
}

/// How far a rollout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rolling {
    /// Pods of the new template.
    pub updated: u32,
    /// Pods wanted.
    pub desired: u32,
}

/// How a cell stands to the nearest earlier stage in which the app runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// No earlier stage has it.
    First,
    /// The same release.
    Same,
    /// The stage before has something newer: by so many releases, where that
    /// can be told.
    Behind(Option<u32>),
    /// It has something newer than the stage before.
    Ahead(Option<u32>),
    /// Not the same, and which is newer cannot be told.
    Differs,
}

impl Relation {
    /// In words; empty when there is nothing to say.
    pub fn words(self) -> String {
        match self {
            Relation::First | Relation::Same => String::new(),
            Relation::Behind(Some(n)) => format!("{n} behind"),
            Relation::Behind(None) => "behind".to_owned(),
            Relation::Ahead(Some(n)) => format!("{n} ahead"),
            Relation::Ahead(None) => "ahead".to_owned(),
            Relation::Differs => "differs".to_owned(),
        }
    }
}

/// The worst of several levels. What rests beside what works is no reason to
/// call the whole idle.
pub fn worst(levels: impl Iterator<Item = Level>) -> Level {
    let mut any_ok = false;
    let mut worst: Option<Level> = None;
    for level in levels {
        any_ok |= level == Level::Ok;
        worst = worst.max(Some(level));
    }
    match worst {
        Some(Level::Idle) if any_ok => Level::Ok,
        Some(level) => level,
        None => Level::Unknown,
    }
}

/// What one cell is read from.
pub(super) struct Scene<'a> {
    /// The settings.
    pub wanted: &'a Wanted,
    /// Its environment.
    pub env: &'a Environment,
    /// The environment's cluster.
    pub cluster: &'a ClusterWorld,
    /// The cluster's ReplicaSets.
    pub sets: &'a Sets,
    /// How well workloads are.
    pub health: &'a Health,
}

impl Scene<'_> {
    /// The cell of an app, without its relation, and the slot of the pod that told its digest; `workloads` by kind and
    /// name.
    pub fn cell(&self, app: &str, workloads: &[&Workload]) -> Option<(Cell, Option<u32>)> {
        let mut own: Vec<(OwnImage, &Workload)> = workloads
            .iter()
            .filter_map(|workload| Some((own_image(self.wanted, app, workload)?, *workload)))
            .collect();
        // Stable: among equally sure ones the order of kinds and names stays.
        own.sort_by_key(|(image, _)| image.own);
        let (main, primary) = own.first()?;
        let alike: Vec<&(OwnImage, &Workload)> = own
            .iter()
            .filter(|(image, _)| image.own == main.own && image.image.same_repository(&main.image))
            .collect();
        let newest = self.newest_set(primary);
        let (digest, told_by) = self.digest(main, primary, newest);
        let release = release_words(&main.image, &digest);
        let mut mixed: Vec<Name> = alike
            .iter()
            .map(|(image, _)| release_words(&image.image, &image.image.digest))
            .filter(|other| *other != release)
            .collect();
        mixed.sort_unstable();
        mixed.dedup();
        let level = worst(workloads.iter().map(|workload| self.health.of(self.env.cluster, workload).level));
        let refs = std::iter::once(*primary)
            .chain(workloads.iter().copied().filter(|workload| workload.uid != primary.uid))
            .map(|workload| ObjectRef {
                cluster: self.env.cluster,
                kind: workload.kind,
                namespace: workload.namespace.clone(),
                name: workload.name.clone(),
                uid: workload.uid,
            })
            .collect();
        let cell = Cell {
            history: self.history(main, &alike),
            since: self.since(primary, newest),
            rolling: alike.iter().find_map(|(_, workload)| rolling(workload)),
            image: main.image.clone(),
            release,
            digest: digest.into(),
            level,
            relation: Relation::First,
            mixed,
            workloads: refs,
        };
        Some((cell, told_by))
    }

    /// The ReplicaSet of the present template: the one with the highest revision.
    fn newest_set(&self, workload: &Workload) -> Option<&ReplicaSet> {
        self.sets.of(self.cluster, workload.uid).max_by_key(|set| (set.revision, set.created, set.uid))
    }

    /// The digest that the reference pins, else the one that a pod of the
    /// present template runs, with that pod's slot.
    fn digest(
        &self,
        main: &OwnImage,
        primary: &Workload,
        newest: Option<&ReplicaSet>,
    ) -> (String, Option<u32>) {
        if !main.image.digest.is_empty() || !main.first {
            return (main.image.digest.clone(), None);
        }
        let owner = newest.map_or(primary.uid, |set| set.uid);
        self.cluster
            .pods_owned_by(owner)
            .iter()
            .filter_map(|slot| Some((*slot, &self.cluster.pods.at(*slot)?.digest)))
            .find(|(_, digest)| !digest.is_empty())
            .map_or_else(Default::default, |(slot, digest)| (digest.to_string(), Some(slot)))
    }

    /// When the present release began: its ReplicaSet's creation. After a
    /// rollback that ReplicaSet is older than the one it replaced; then the time
    /// at which the Deployment last progressed. Kinds without ReplicaSets tell it
    /// only while they have never been changed.
    fn since(&self, primary: &Workload, newest: Option<&ReplicaSet>) -> Option<Stamp> {
        let Some(newest) = newest else {
            return (primary.generation <= 1).then_some(primary.created);
        };
        let latest = self.sets.of(self.cluster, primary.uid).map(|set| set.created).max();
        if latest.is_some_and(|latest| latest > newest.created) {
            let progressed = primary.condition("Progressing").and_then(|c| c.updated.or(c.since));
            return progressed.or(Some(newest.created));
        }
        Some(newest.created)
    }

    fn history(&self, main: &OwnImage, alike: &[&(OwnImage, &Workload)]) -> BTreeSet<Name> {
        let mut tags = BTreeSet::from([Name::from(main.image.tag.as_str())]);
        for (image, workload) in alike {
            for set in self.sets.of(self.cluster, workload.uid) {
                let past = set.images.iter().find(|c| c.container == image.container && !c.init);
                tags.extend(past.map(|c| Name::from(ImageRef::parse(&c.image).tag)));
            }
        }
        tags.retain(|tag| !tag.is_empty());
        tags
    }
}

fn release_words(image: &ImageRef, digest: &str) -> Name {
    match (image.tag.as_str(), super::image::short_digest(digest)) {
        ("", "") => "latest".into(),
        ("", digest) => digest.into(),
        (tag, _) => tag.into(),
    }
}

/// A change of the template that has not reached all pods. That pods are not
/// ready is a matter of health and not of the rollout.
fn rolling(workload: &Workload) -> Option<Rolling> {
    let on_its_way = match &workload.more {
        More::Job(_) | More::CronJob(_) => false,
        More::Rollout(rollout) => matches!(&*rollout.phase, "Progressing" | "Paused" | ""),
        _ if workload.desired == 0 => false,
        _ => {
            workload.observed < workload.generation
                || workload.updated < workload.desired
                || workload.kind == Kind::Deployment && workload.current > workload.updated
        }
    };
    on_its_way.then_some(Rolling { updated: workload.updated, desired: workload.desired })
}

/// Sets each cell's relation to the nearest earlier stage that has the app;
/// among peers there, to the newest.
pub(super) fn relate(columns: &[&Environment], cells: &mut [Option<Cell>]) {
    for n in 0..cells.len() {
        let Some(cell) = &cells[n] else { continue };
        let stage_of = |at: usize| columns.get(at).and_then(|env| env.stage);
        let nearest = (0..n)
            .filter(|at| cells[*at].is_some() && stage_of(*at) < stage_of(n))
            .map(stage_of)
            .max()
            .flatten();
        let before = (0..n)
            .filter(|at| nearest.is_some() && stage_of(*at) == nearest)
            .filter_map(|at| cells[at].as_ref())
            .reduce(|best, other| match compare(&best.image.tag, &other.image.tag) {
                Compared::Older => other,
                _ => best,
            });
        let relation = before.map_or(Relation::First, |before| relation(cell, before));
        if let Some(cell) = &mut cells[n] {
            cell.relation = relation;
        }
    }
}

fn relation(cell: &Cell, before: &Cell) -> Relation {
    let differ = !cell.digest.is_empty() && !before.digest.is_empty() && cell.digest != before.digest;
    match compare(&cell.image.tag, &before.image.tag) {
        // A tag that was pushed twice.
        Compared::Same if differ => Relation::Differs,
        Compared::Same => Relation::Same,
        Compared::Older => Relation::Behind(releases_between(cell, before)),
        Compared::Newer => Relation::Ahead(releases_between(before, cell)),
        Compared::Differs => Relation::Differs,
    }
}

/// How many releases the newer of two cells is on from the older: known when
/// the newer one's ReplicaSets still remember the older's release, and when
/// only the patch differs.
fn releases_between(older: &Cell, newer: &Cell) -> Option<u32> {
    let is = |a: &str, b: &str| compare(a, b) == Compared::Same;
    if newer.history.iter().any(|tag| is(tag, &older.image.tag)) {
        let between = newer
            .history
            .iter()
            .filter(|tag| compare(tag, &older.image.tag) == Compared::Newer)
            .filter(|tag| compare(tag, &newer.image.tag) != Compared::Newer)
            .count();
        return u32::try_from(between).ok();
    }
    patches_between(&older.image.tag, &newer.image.tag)
}

#[cfg(test)]
#[path = "release_tests.rs"]
mod tests;
