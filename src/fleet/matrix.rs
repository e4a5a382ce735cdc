//! The release matrix: apps by environments. It is put together once and then
//! follows the tables' change logs, so that a frame costs what changed: a status
//! that moves has its own cell read again, and only what decides which app a
//! workload is of has everything grouped anew.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::apps::apps;
use super::health::{Health, workload_above};
use super::release::{Cell, Row, Scene, relate, worst};
use super::wanted::Wanted;
use crate::domain::environment::{Environment, Environments, Group};
use crate::domain::id::{ClusterId, EnvId, Kind, Name, Uid};
use crate::domain::level::Level;
use crate::domain::workload::{ReplicaSet, Workload};
use crate::world::{ClusterWorld, World};

/// Apps by environments.
#[derive(Debug, Default)]
pub struct Matrix {
    /// Environments of the promotion order; those of the group `other` where
    /// nothing stands in a stage.
    pub columns: Vec<EnvId>,
    /// Apps with faults first, then by name.
    pub rows: Vec<Row>,
    /// Where each app stands among the rows.
    at: HashMap<Name, usize>,
    environments: Environments,
    /// The settings of which this is the matrix.
    wanted: Option<u64>,
    clusters: Vec<Read>,
    /// For each column the apps of its environment.
    placed: Vec<Placed>,
}

/// What has been read of one cluster.
#[derive(Debug, Default)]
struct Read {
    /// Versions of the workloads, the ReplicaSets, the pods, and how well workloads are.
    versions: [u64; 4],
    /// For each slot of the workloads what places it in an app.
    places: Vec<u64>,
    sets: Sets,
}

/// The apps of an environment.
#[derive(Debug, Default)]
struct Placed {
    /// Slots of the workloads of each app, by kind and name.
    apps: BTreeMap<Name, Vec<u32>>,
    /// The app of each slot.
    of: HashMap<u32, Name>,
    /// The slot of the pod that told the digest of each app, and the other way round.
    told_by: HashMap<Name, u32>,
    told: HashMap<u32, Name>,
}

/// What changed of a cluster that cells may tell: slots of workloads and of pods.
struct Changed {
    workloads: BTreeSet<u32>,
    pods: BTreeSet<u32>,
}

/// The ReplicaSets of a cluster by the workload that owns them.
#[derive(Debug, Default)]
pub struct Sets {
    by_owner: HashMap<Uid, Vec<u32>>,
    owners: Vec<Option<Uid>>,
}

impl Sets {
    fn new(cluster: &ClusterWorld) -> Sets {
        let mut sets = Sets::default();
        for (slot, set) in cluster.replica_sets.iter() {
            sets.note(slot, Some(set));
        }
        sets
    }

    /// The ReplicaSets of a workload, in no order.
    pub fn of<'a>(&'a self, cluster: &'a ClusterWorld, owner: Uid) -> impl Iterator<Item = &'a ReplicaSet> {
        self.by_owner.get(&owner).into_iter().flatten().filter_map(|slot| cluster.replica_sets.at(*slot))
    }

    /// Takes what is in a slot now; returns the owners before and now.
    fn note(&mut self, slot: u32, set: Option<&ReplicaSet>) -> [Option<Uid>; 2] {
        let at = slot as usize;
        if self.owners.len() <= at {
            self.owners.resize(at + 1, None);
        }
        let now = set.and_then(|set| set.owner.as_ref()).map(|owner| owner.uid);
        let before = std::mem::replace(&mut self.owners[at], now);
        if before != now {
            if let Some(uid) = before
                && let Some(slots) = self.by_owner.get_mut(&uid)
            {
                slots.retain(|known| *known != slot);
                if slots.is_empty() {
                    self.by_owner.remove(&uid);
                }
            }
            if let Some(uid) = now {
                self.by_owner.entry(uid).or_default().push(slot);
            }
        }
        [before, now]
    }
}

impl Read {
    fn new(wanted: &Wanted, cluster: &ClusterWorld, health: &Health) -> Read {
        let slots = cluster.workloads.slots();
        let mut read = Read {
            versions: versions(cluster, health),
            places: vec![NOWHERE; slots],
            sets: Sets::new(cluster),
        };
        for (slot, workload) in cluster.workloads.iter() {
            read.places[slot as usize] = place(wanted, Some(workload));
        }
        read
    }

    /// What changed since the last time; `None` when that cannot be said, or when a workload came, went or may belong to
    /// another app.
    fn follow(
        &mut self,
        wanted: &Wanted,
        id: ClusterId,
        cluster: &ClusterWorld,
        health: &Health,
    ) -> Option<Changed> {
        let now = versions(cluster, health);
        let [workloads, sets, pods, standing] = std::mem::replace(&mut self.versions, now);
        let mut changed = BTreeSet::new();
        for slot in cluster.workloads.changed_since(workloads)? {
            let known = self.places.get(*slot as usize).copied().unwrap_or(NOWHERE);
            if place(wanted, cluster.workloads.at(*slot)) != known {
                return None;
            }
            changed.insert(*slot);
        }
        for slot in cluster.replica_sets.changed_since(sets)? {
            let owners = self.sets.note(*slot, cluster.replica_sets.at(*slot));
            changed.extend(owners.into_iter().flatten().filter_map(|uid| cluster.workloads.slot(uid)));
        }
        // Pods tell the digest, and may come after what their workload said of them.
        let pods: BTreeSet<u32> = cluster.pods.changed_since(pods)?.iter().copied().collect();
        for slot in &pods {
            let owner = cluster.pods.at(*slot).and_then(|pod| pod.owner.as_ref());
            let workload = owner.and_then(|owner| workload_above(cluster, owner.uid));
            changed.extend(workload.and_then(|workload| cluster.workloads.slot(workload.uid)));
        }
        match health.moved_since(standing) {
            Some(moved) => {
                let here = moved.iter().filter(|(cluster, _)| *cluster == id);
                changed.extend(here.filter_map(|(_, uid)| cluster.workloads.slot(*uid)));
            }
            None => changed.extend(cluster.workloads.iter().map(|(slot, _)| slot)),
        }
        Some(Changed { workloads: changed, pods })
    }
}

fn versions(cluster: &ClusterWorld, health: &Health) -> [u64; 4] {
    [cluster.workloads.version(), cluster.replica_sets.version(), cluster.pods.version(), health.version()]
}

/// The place of what is in no app.
const NOWHERE: u64 = 0;

/// A number for all that decides which app a workload is of, whether it gives the app's image, and which Services lead
/// to it: whoever follows the matrix to an app's network has to look again then.
fn place(wanted: &Wanted, workload: Option<&Workload>) -> u64 {
    let Some(workload) = workload else { return NOWHERE };
    // Jobs come and go all the time and are in no app unless the settings name them.
    if workload.kind == Kind::Job && !wanted.apps.iter().any(|app| app.is_of(workload)) {
        return NOWHERE;
    }
    let mut hasher = DefaultHasher::new();
    let Workload { uid, kind, namespace, name, labels, pod_labels, delivered_by, images, .. } = workload;
    (uid, kind, namespace, name, &labels.0, &pod_labels.0, delivered_by).hash(&mut hasher);
    for image in images.iter() {
        (&image.container, &image.image, image.init).hash(&mut hasher);
    }
    hasher.finish()
}

impl Matrix {
    /// Follows the world. Looks at nothing unless workloads, ReplicaSets, pods,
    /// the standing of workloads, the environments or the settings changed.
    /// Returns whether anything is otherwise than before.
    pub fn refresh(
        &mut self,
        wanted: &Wanted,
        environments: &Environments,
        world: &World,
        health: &Health,
    ) -> bool {
        let mut hasher = DefaultHasher::new();
        wanted.hash(&mut hasher);
        let settings = Some(hasher.finish());
        let same = self.wanted == settings
            && self.environments == *environments
            && self.clusters.len() == world.clusters.len();
        if same {
            let mut read = self.clusters.iter().zip(&world.clusters);
            if read.all(|(read, cluster)| read.versions == versions(cluster, health)) {
                return false;
            }
            if let Some(changed) = self.follow(wanted, world, health)
                && let Some(otherwise) = self.mend(&changed, wanted, world, health)
            {
                return otherwise;
            }
        }
        self.wanted = settings;
        if self.environments != *environments {
            self.environments = environments.clone();
        }
        self.build(wanted, world, health);
        true
    }

    /// The row of an app.
    pub fn row(&self, app: &str) -> Option<&Row> {
        self.rows.get(*self.at.get(app)?)
    }

    /// The cell of an app in an environment.
    pub fn cell(&self, app: &str, env: EnvId) -> Option<&Cell> {
        let column = self.columns.iter().position(|id| *id == env)?;
        self.row(app)?.cells.get(column)?.as_ref()
    }

    /// What changed, by cluster.
    fn follow(&mut self, wanted: &Wanted, world: &World, health: &Health) -> Option<Vec<Changed>> {
        self.clusters
            .iter_mut()
            .zip(world.each())
            .map(|(read, (id, cluster))| read.follow(wanted, id, cluster, health))
            .collect()
    }

    /// Reads the cells again that may tell of what changed; `None` when a cell came or went.
    fn mend(&mut self, changed: &[Changed], wanted: &Wanted, world: &World, health: &Health) -> Option<bool> {
        let columns = columns(&self.environments);
        let mut touched = BTreeSet::new();
        for (n, (env, placed)) in columns.iter().zip(&mut self.placed).enumerate() {
            let of_cluster = usize::from(env.cluster.0);
            let (Some(cluster), Some(changed)) = (world.cluster(env.cluster), changed.get(of_cluster)) else {
                continue;
            };
            let scene = Scene { wanted, env, cluster, sets: &self.clusters[of_cluster].sets, health };
            let by_workload = changed.workloads.iter().filter_map(|slot| placed.of.get(slot));
            let by_pod = changed.pods.iter().filter_map(|slot| placed.told.get(slot));
            let apps: BTreeSet<Name> = by_workload.chain(by_pod).cloned().collect();
            for app in &apps {
                let cell = placed.cell(&scene, app);
                let Some(at) = self.at.get(app).copied() else {
                    match cell {
                        None => continue,
                        Some(_) => return None,
                    }
                };
                match (self.rows[at].cells[n].as_mut(), cell) {
                    (None, None) => {}
                    (Some(known), Some(cell)) => {
                        let mut cell = cell;
                        cell.relation = known.relation;
                        if *known != cell {
                            *known = cell;
                            touched.insert(at);
                        }
                    }
                    _ => return None,
                }
            }
        }
        let mut moved = false;
        for at in &touched {
            let row = &mut self.rows[*at];
            relate(&columns, &mut row.cells);
            let before = fault(row);
            row.level = level(row);
            moved |= before != fault(row);
        }
        if moved {
            self.sort();
        }
        Some(!touched.is_empty())
    }

    fn build(&mut self, wanted: &Wanted, world: &World, health: &Health) {
        self.clusters = world.each().map(|(_, cluster)| Read::new(wanted, cluster, health)).collect();
        let columns = columns(&self.environments);
        self.columns = columns.iter().map(|env| env.id).collect();
        self.placed.clear();
        let mut by_app: BTreeMap<Name, Vec<Option<Cell>>> = BTreeMap::new();
        for (n, env) in columns.iter().enumerate() {
            let read = self.clusters.get(usize::from(env.cluster.0));
            let (Some(cluster), Some(read)) = (world.cluster(env.cluster), read) else {
                self.placed.push(Placed::default());
                continue;
            };
            let mut placed = Placed::new(wanted, &self.environments, env, cluster);
            let scene = Scene { wanted, env, cluster, sets: &read.sets, health };
            let names: Vec<Name> = placed.apps.keys().cloned().collect();
            for app in names {
                if let Some(cell) = placed.cell(&scene, &app) {
                    by_app.entry(app).or_insert_with(|| vec![None; columns.len()])[n] = Some(cell);
                }
            }
            self.placed.push(placed);
        }
        self.rows = by_app
            .into_iter()
            .map(|(app, mut cells)| {
                relate(&columns, &mut cells);
                let mut row = Row { app, level: Level::Unknown, cells };
                row.level = level(&row);
                row
            })
            .collect();
        self.sort();
    }

    fn sort(&mut self) {
        self.rows.sort_by(|a, b| fault(b).cmp(&fault(a)).then_with(|| a.app.cmp(&b.app)));
        self.at = self.rows.iter().enumerate().map(|(at, row)| (row.app.clone(), at)).collect();
    }
}

impl Placed {
    fn new(
        wanted: &Wanted,
        environments: &Environments,
        env: &Environment,
        cluster: &ClusterWorld,
    ) -> Placed {
        let slots = |workloads: Vec<&Workload>| {
            workloads.iter().filter_map(|workload| cluster.workloads.slot(workload.uid)).collect()
        };
        let grouped = apps(wanted, environments, env, cluster);
        let apps: BTreeMap<Name, Vec<u32>> =
            grouped.into_iter().map(|(app, workloads)| (app, slots(workloads))).collect();
        let of = apps.iter().flat_map(|(app, slots)| slots.iter().map(|slot| (*slot, app.clone()))).collect();
        Placed { apps, of, ..Placed::default() }
    }

    /// Reads the cell of an app.
    fn cell(&mut self, scene: &Scene<'_>, app: &Name) -> Option<Cell> {
        let slots = self.apps.get(app)?;
        let workloads: Vec<&Workload> =
            slots.iter().filter_map(|slot| scene.cluster.workloads.at(*slot)).collect();
        let (cell, told_by) = scene.cell(app, &workloads)?;
        let before = match told_by {
            Some(pod) => self.told_by.insert(app.clone(), pod),
            None => self.told_by.remove(app),
        };
        if before != told_by {
            // The slot may be another app's by now.
            if let Some(pod) = before.filter(|pod| self.told.get(pod) == Some(app)) {
                self.told.remove(&pod);
            }
            if let Some(pod) = told_by {
                self.told.insert(pod, app.clone());
            }
        }
        Some(cell)
    }
}

/// Only faults move a row up: a rollout must not make the list dance.
fn fault(row: &Row) -> Level {
    if row.level.is_fault() { row.level } else { Level::Ok }
}

fn level(row: &Row) -> Level {
    worst(row.cells.iter().flatten().map(|cell| cell.level))
}

fn columns(environments: &Environments) -> Vec<&Environment> {
    let staged: Vec<&Environment> = environments.staged().collect();
    if !staged.is_empty() {
        return staged;
    }
    environments.list.iter().filter(|env| env.group == Group::Other).collect()
}

#[cfg(test)]
#[path = "matrix_tests.rs"]
mod tests;
