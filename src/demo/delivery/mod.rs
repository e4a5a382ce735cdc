//! How the shop comes to its clusters: a Git repository, Argo CD, Flux.
//!
//! The story commits; nobody but these controllers brings what was committed to the stores, where the workloads'
//! controllers roll it out. `git` keeps the repository, `files` and `render` know what its files mean, `compare` holds
//! them against the live objects, `argocd` (with `standing`) and `flux` are the controllers, `plan` says what there is.
//!
//! Like the controllers of a cluster all of it is driven from outside: [`Delivery::settle`] works until nothing is left
//! to do at this instant, [`Delivery::next_due`] says when there will be.

mod argocd;
mod compare;
mod definitions;
mod files;
mod flux;
pub mod git;
mod plan;
pub mod render;
mod standing;
mod windows;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::broadcast::{self, error::TryRecvError};

use self::argocd::{APPLICATIONS, Argo, PROJECTS, Why};
use self::compare::{TRACKING, resource_of};
use self::git::Repository;
use self::plan::Way;
use super::clock::{Clock, shift};
use super::controllers::{Cluster, pods};
use super::json::{name, namespace, set, text};
use super::kinds::DEFINITIONS;
use super::seed::Seed;
use super::store::Change;
use super::world::apps::{APPS, App, Env};
use super::world::clusters::SITES;

/// From a commit until Git's host has told Argo CD.
const WEBHOOK: Duration = Duration::from_secs(2);
/// The store's key of ApplicationSets.
const SETS: &str = "applicationsets.argoproj.io";

/// An Application: the cluster of its control plane, its namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Place in the list of clusters.
    pub cluster: usize,
    /// Namespace.
    pub ns: String,
    /// Name.
    pub name: String,
}

/// Something to do at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Task {
    /// Look at an Application.
    Look(Key),
    /// Look at Git for an Application, and again after a while.
    Resync(Key),
    /// Git's host tells of a push.
    Webhook,
    /// Flux looks at Git.
    FluxSource,
    /// A Kustomization is applied.
    FluxApply(String),
    /// Whether what was applied is well; until when that is waited for.
    FluxCheck(String, Duration),
    /// A Kustomization's interval is over.
    FluxInterval(String),
}

#[derive(Debug, PartialEq, Eq)]
struct Due {
    at: Duration,
    order: u64,
    task: Task,
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Times and what is to be done then, in order.
#[derive(Debug, Default)]
struct Timers {
    heap: BinaryHeap<Reverse<Due>>,
    order: u64,
}

/// Which Application a delivered object belongs to, by cluster, resource, namespace and name.
type Index = HashMap<(usize, &'static str, String, String), BTreeSet<Key>>;

/// What a controller works with.
struct Hands<'a> {
    clusters: &'a mut [Cluster],
    repository: &'a mut Repository,
    timers: &'a mut Timers,
    index: &'a mut Index,
    now: Duration,
}

impl Hands<'_> {
    fn after(&mut self, wait: Duration, task: Task) {
        self.timers.order += 1;
        let order = self.timers.order;
        self.timers.heap.push(Reverse(Due { at: self.now + wait, order, task }));
    }

    fn stamp(&self, cluster: usize) -> String {
        self.clusters[cluster].clock.stamp()
    }

    /// Changes an Application.
    fn change(&mut self, key: &Key, change: impl FnOnce(&mut Value)) {
        self.clusters[key.cluster].update(APPLICATIONS, &key.ns, &key.name, change);
    }

    /// Looks whether somebody pushed; the others hear of it as from a webhook.
    fn poll(&mut self) {
        if self.repository.poll() {
            self.after(WEBHOOK, Task::Webhook);
        }
    }

    /// Remembers whose an object is, from an entry of `status.resources`.
    fn index(&mut self, to: usize, resource: &Value, key: &Key) {
        let group = text(resource, "/group");
        let api = if group.is_empty() { String::new() } else { format!("{group}/v1") };
        let object = json!({"apiVersion": api, "kind": text(resource, "/kind")});
        if let Some(kind) = resource_of(&object) {
            let place =
                (to, kind, text(resource, "/namespace").to_owned(), text(resource, "/name").to_owned());
            self.index.entry(place).or_default().insert(key.clone());
        }
    }
}

/// Git, Argo CD and Flux of all clusters.
#[derive(Debug)]
pub struct Delivery {
    repository: Repository,
    seed: Seed,
    argo: Argo,
    timers: Timers,
    index: Index,
    news: Vec<broadcast::Receiver<Change>>,
    dirty: BTreeSet<Key>,
    dirty_flux: BTreeSet<String>,
    /// Whether Flux' source was changed.
    dirty_source: bool,
}

/// Makes the repository and its past, and all objects of Argo CD and Flux, as they stand when the story begins. The
/// clusters' own past has been made. `folder`: where the repository is to be on disk.
pub fn begin(clusters: &mut [Cluster], seed: Seed, zero: Timestamp, folder: Option<&Path>) -> Delivery {
    let mut repository = Repository::new(seed.of("git"), folder);
    let seeds: Vec<Seed> = clusters.iter().map(|c| c.seed).collect();
    plan::past(&mut repository, seed, &seeds, zero);
    let mut argo = Argo::default();
    for place in 0..clusters.len() {
        platform(clusters, place, &repository, &seeds, zero);
    }
    for (place, cluster) in clusters.iter_mut().enumerate() {
        cluster.clock = Clock::past(shift(zero, -20.0 * 3600.0));
        adopt(cluster, place, &repository, &mut argo.cache);
        if place == flux::CLUSTER {
            flux::begin(cluster, &repository, seeds[place], zero);
        }
        if place == plan::cluster_of(plan::DRIFTED.1) {
            drift(cluster, zero);
        }
        cluster.settle();
        cluster.clock = Clock::past(zero);
    }
    let news = clusters.iter().map(|c| c.store.subscribe()).collect();
    let mut delivery = Delivery {
        repository,
        seed,
        argo,
        timers: Timers::default(),
        index: Index::new(),
        news,
        dirty: BTreeSet::new(),
        dirty_flux: BTreeSet::new(),
        dirty_source: false,
    };
    delivery.look_at_all(clusters);
    delivery.with(clusters, flux::timers);
    delivery.settle(clusters);
    delivery.age(clusters, zero);
    delivery
}

/// Definitions, projects, sets and Applications of a cluster.
fn platform(
    clusters: &mut [Cluster],
    place: usize,
    repository: &Repository,
    seeds: &[Seed],
    zero: Timestamp,
) {
    let cluster = &mut clusters[place];
    cluster.clock = Clock::past(shift(zero, -22.0 * 86_400.0));
    for definition in definitions::argo() {
        cluster.create(DEFINITIONS, definition);
    }
    if place == flux::CLUSTER {
        for definition in definitions::flux() {
            cluster.create(DEFINITIONS, definition);
        }
        cluster.create("namespaces", super::world::objects::namespace(flux::NAMESPACE, json!({})));
    }
    for project in plan::projects(place, repository.url(), zero) {
        cluster.create(PROJECTS, project);
    }
    if place == plan::control_plane(Env::Staging) {
        cluster.create("secrets", plan::cluster_secret());
    }
    let stamp = cluster.clock.stamp();
    for env in Env::ALL.into_iter().filter(|env| plan::control_plane(*env) == place) {
        let set = cluster.create(SETS, plan::application_set(env, repository.url(), &stamp));
        for app in APPS.iter().filter(|app| plan::way(app, env) == Way::Argo) {
            let mut object = plan::application(app, env, repository, seeds, zero);
            if let Some(set) = set.as_ref().filter(|_| plan::owned(app, env)) {
                object["metadata"]["ownerReferences"] = json!([pods::reference(set)]);
            }
            cluster.create(APPLICATIONS, object);
        }
    }
}

/// Gives the live objects the marks of who brought them, as if each had been applied from Git.
fn adopt(cluster: &mut Cluster, place: usize, repository: &Repository, cache: &mut render::Cache) {
    for env in Env::ALL.into_iter().filter(|env| plan::cluster_of(*env) == place) {
        for app in APPS.iter().filter(|app| plan::way(app, env) == Way::Argo) {
            // As it was when it came; Git may have gone on since.
            let sha = plan::deployed(repository, app, env);
            let wanted = cache.rendered(repository, sha, &files::path(app, env));
            let tracked = plan::name_of(app, env);
            for object in wanted.iter().flatten() {
                let Some(resource) = resource_of(object) else { continue };
                let marked = compare::marked(object, &[(TRACKING, compare::tracking(&tracked, object))]);
                let annotations = marked["metadata"]["annotations"].clone();
                cluster.update(resource, namespace(object), name(object), |live| {
                    for (key, value) in annotations.as_object().into_iter().flatten() {
                        set(live, &["metadata", "annotations", key], value.clone());
                    }
                });
            }
        }
    }
}

/// Somebody changes two objects by hand.
fn drift(cluster: &mut Cluster, zero: Timestamp) {
    let (app, env, _) = plan::DRIFTED;
    cluster.clock = Clock::past(shift(zero, -plan::DRIFTED_AGE));
    cluster.update("configmaps", env.namespace(), &format!("{app}-config"), |map| {
        set(map, &["data", "LOG_LEVEL"], json!("debug"));
    });
}

impl Delivery {
    /// Where the repository is on disk.
    pub fn folder(&self) -> Option<&Path> {
        self.repository.folder()
    }

    /// Why it is not on disk although it was to be.
    pub fn problem(&self) -> Option<&str> {
        self.repository.problem()
    }

    /// A person brings a release to Git.
    pub fn promote(&mut self, clusters: &mut [Cluster], app: &App, env: Env, release: &str) {
        self.with(clusters, |hands| {
            hands.poll();
            let current = hands.repository.file(&files::kustomization_path(app, env));
            let changes = files::release(app, env, release, current.as_ref());
            let message = plan::message(app, env, release);
            let at = hands.clusters.first().map_or_else(Timestamp::now, |c| c.clock.timestamp());
            let author = if app.name == "cart" { "Maria" } else { "Jonas" };
            hands.repository.add(author, at, &message, changes);
            hands.repository.write();
            hands.after(WEBHOOK, Task::Webhook);
        });
    }

    /// Looks whether somebody pushed.
    pub fn poll(&mut self, clusters: &mut [Cluster]) {
        self.with(clusters, |hands| hands.poll());
    }

    /// When there is something to do, in story time.
    pub fn next_due(&self) -> Option<Duration> {
        self.timers.heap.peek().map(|Reverse(due)| due.at)
    }

    /// Works until nothing is left to do at this instant. True when something was done.
    pub fn settle(&mut self, clusters: &mut [Cluster]) -> bool {
        let mut worked = false;
        loop {
            self.hear(clusters);
            if let Some(key) = self.dirty.pop_first() {
                self.with_argo(clusters, |argo, hands| argo.look(hands, &key, Why::News));
            } else if std::mem::take(&mut self.dirty_source) {
                self.with(clusters, |hands| flux::look_at_source(hands, false));
            } else if let Some(own) = self.dirty_flux.pop_first() {
                self.with(clusters, |hands| flux::look_at(hands, &own));
            } else if let Some(now) = clusters.first().map(|c| c.clock.now)
                && self.next_due().is_some_and(|at| at <= now)
                && let Some(Reverse(due)) = self.timers.heap.pop()
            {
                self.ring(clusters, due.task);
            } else {
                return worked;
            }
            worked = true;
        }
    }

    fn ring(&mut self, clusters: &mut [Cluster], task: Task) {
        match task {
            Task::Look(key) => self.with_argo(clusters, |argo, hands| argo.look(hands, &key, Why::News)),
            Task::Resync(key) => self.with_argo(clusters, |argo, hands| {
                argo.look(hands, &key, Why::Git);
                if argo.keys().any(|known| *known == key) {
                    hands.after(argocd::RESYNC, Task::Resync(key));
                }
            }),
            Task::Webhook => {
                let keys: Vec<Key> = self.argo.keys().cloned().collect();
                for key in keys {
                    self.with_argo(clusters, |argo, hands| argo.look(hands, &key, Why::Git));
                }
            }
            Task::FluxSource => self.with(clusters, |hands| flux::look_at_source(hands, true)),
            Task::FluxApply(own) => self.with(clusters, |hands| flux::apply(hands, &own)),
            Task::FluxCheck(own, end) => self.with(clusters, |hands| flux::check(hands, &own, end)),
            Task::FluxInterval(own) => self.with(clusters, |hands| flux::interval(hands, &own)),
        }
    }

    fn with(&mut self, clusters: &mut [Cluster], act: impl FnOnce(&mut Hands<'_>)) {
        self.with_argo(clusters, |_, hands| act(hands));
    }

    fn with_argo(&mut self, clusters: &mut [Cluster], act: impl FnOnce(&mut Argo, &mut Hands<'_>)) {
        let now = clusters.first().map(|c| c.clock.now).unwrap_or_default();
        let mut hands = Hands {
            clusters,
            repository: &mut self.repository,
            timers: &mut self.timers,
            index: &mut self.index,
            now,
        };
        act(&mut self.argo, &mut hands);
    }

    /// Takes the news of the stores.
    fn hear(&mut self, clusters: &[Cluster]) {
        for place in 0..self.news.len() {
            loop {
                match self.news[place].try_recv() {
                    Ok(change) => self.heard(place, &change),
                    Err(TryRecvError::Lagged(_)) => {
                        self.news[place] = clusters[place].store.subscribe();
                        self.look_at_all(clusters);
                    }
                    Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                }
            }
        }
    }

    fn heard(&mut self, place: usize, change: &Change) {
        match &*change.resource {
            APPLICATIONS => {
                self.dirty.insert(Key {
                    cluster: place,
                    ns: change.ns.to_string(),
                    name: change.name.to_string(),
                });
            }
            PROJECTS => self.dirty.extend(self.argo.keys().filter(|k| k.cluster == place).cloned()),
            flux::GIT if place == flux::CLUSTER => self.dirty_source = true,
            flux::KUSTOMIZATIONS if place == flux::CLUSTER && *change.ns == *flux::NAMESPACE => {
                self.dirty_flux.insert(change.name.to_string());
            }
            other => {
                if let Some(kind) = compare::delivered(other) {
                    let at = (place, kind, change.ns.to_string(), change.name.to_string());
                    self.dirty.extend(self.index.get(&at).into_iter().flatten().cloned());
                }
            }
        }
    }

    fn look_at_all(&mut self, clusters: &[Cluster]) {
        for (place, cluster) in clusters.iter().enumerate() {
            let keys = cluster.store.keys(APPLICATIONS);
            self.dirty.extend(keys.into_iter().map(|(ns, name)| Key { cluster: place, ns, name }));
        }
        self.dirty_source = true;
    }

    /// When all was looked at for the first time: some of it has been so for a while.
    fn age(&mut self, clusters: &mut [Cluster], zero: Timestamp) {
        for (place, cluster) in clusters.iter_mut().enumerate() {
            for (ns, own) in cluster.store.keys(APPLICATIONS) {
                let since = self.seed.of("reconciled").of(SITES[place].name).of(&own).between(1.0, 175.0);
                cluster.clock = Clock::past(shift(zero, -since));
                let stamp = cluster.clock.stamp();
                cluster.update(APPLICATIONS, &ns, &own, |a| {
                    set(a, &["status", "reconciledAt"], json!(stamp));
                    let deployed = text(a, "/status/operationState/finishedAt").to_owned();
                    if text(a, "/status/health/status") != "Healthy" && !deployed.is_empty() {
                        set(a, &["status", "health", "lastTransitionTime"], json!(deployed));
                    }
                });
            }
            cluster.clock = Clock::past(zero);
        }
    }
}
