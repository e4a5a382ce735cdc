//! The small controllers that give a cluster life.
//!
//! One [`Cluster`] holds what the controllers of one cluster share: the store, a parsed copy of the
//! objects they watch, a queue of things to look at and a heap of timers in story time. Everything here
//! is synchronous and driven from outside (`story`): [`Cluster::settle`] works until nothing is left to
//! do, [`Cluster::next_due`] says when there will be. A controller is a function that looks at one object
//! and moves the cluster a step towards what the object asks for; it may be called too often, never too
//! rarely. The controllers do not know the story, nor HTTP.

pub mod budgets;
pub mod cronjobs;
pub mod daemonsets;
pub mod deployments;
pub mod endpoints;
pub mod events;
pub mod garbage;
pub mod hpa;
pub mod jobs;
pub mod kubelet;
pub mod nodes;
pub mod pods;
pub mod quota;
pub mod replicasets;
pub mod revisions;
pub mod rollouts;
mod route;
pub mod scheduler;
pub mod statefulsets;
pub mod status;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::broadcast::{self, error::TryRecvError};

use super::clock::Clock;
use super::defaults;
use super::json::{name, namespace};
use super::seed::Seed;
use super::store::{ChangeKind, Deletion, Store};
use super::usage::Load;
use super::velero;

/// The kinds that the controllers read. Everything else passes them by.
pub const WATCHED: [&str; 19] = [
    "namespaces",
    "nodes",
    "pods",
    "services",
    "resourcequotas",
    "deployments.apps",
    "replicasets.apps",
    "statefulsets.apps",
    "daemonsets.apps",
    "controllerrevisions.apps",
    "jobs.batch",
    "cronjobs.batch",
    "endpointslices.discovery.k8s.io",
    "horizontalpodautoscalers.autoscaling",
    "poddisruptionbudgets.policy",
    "rollouts.argoproj.io",
    "backups.velero.io",
    "schedules.velero.io",
    "backupstoragelocations.velero.io",
];

/// What there is to look at: a watched kind and an object of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Work {
    /// Resource key, one of [`WATCHED`].
    pub resource: &'static str,
    /// Namespace, "" for cluster-scoped kinds.
    pub ns: String,
    /// Name.
    pub name: String,
}

/// Something that happens at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Timer {
    /// Look at an object again.
    Again(Work),
    /// The next thing in a pod's life on its node.
    Pod {
        /// Namespace.
        ns: String,
        /// Name.
        name: String,
        /// The very pod: a namesake created later is another.
        uid: String,
        /// What happens.
        step: kubelet::Step,
    },
    /// Old events are forgotten.
    ForgetEvents,
}

#[derive(Debug, PartialEq, Eq)]
struct Due {
    at: Duration,
    order: u64,
    timer: Timer,
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

type Objects = BTreeMap<(String, String), Arc<Value>>;

/// The controllers of one cluster and what they share.
#[derive(Debug)]
pub struct Cluster {
    /// The objects.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// The source of names and of chance in this cluster.
    pub seed: Seed,
    /// Namespaces that are none of the controllers' business (bulk load).
    pub ignored: HashSet<String>,
    /// How busy the apps are, for the autoscalers.
    pub load: Load,
    /// Whether things happen by themselves: schedules fire, autoscalers act.
    pub lively: bool,
    /// The class of new volumes.
    pub storage_class: &'static str,
    /// When the last progress of a Deployment (by uid) was.
    pub progress: HashMap<String, Duration>,
    /// What is known of events that were told.
    pub told: events::Told,
    /// Autoscalers' past recommendations by object uid.
    pub recommendations: HashMap<String, Vec<(Duration, i64)>>,
    /// Nodes whose kubelet is silent.
    pub silent: HashSet<String>,
    /// What the kubelets remember.
    pub kubelet: kubelet::Memory,
    /// Since when a pod (by uid) that became ready after the beginning is ready.
    pub ready_since: HashMap<String, Duration>,
    /// Template hashes by owner's uid, with the generation that they are of.
    hashes: HashMap<String, (i64, String)>,
    changes: broadcast::Receiver<super::store::Change>,
    objects: HashMap<&'static str, Objects>,
    versions: HashMap<&'static str, HashMap<(String, String), u64>>,
    /// What is to be looked at, most basic kinds first (see [`rank`]).
    queues: [VecDeque<Work>; RANKS],
    queued: HashSet<Work>,
    timers: BinaryHeap<Reverse<Due>>,
    order: u64,
    counters: HashMap<String, u64>,
}

impl Cluster {
    /// The controllers of a cluster whose objects are in `store`; they look at what is there already.
    pub fn new(store: Store, seed: Seed, clock: Clock, load: Load) -> Self {
        let changes = store.subscribe();
        let mut cluster = Self {
            store,
            clock,
            seed,
            ignored: HashSet::new(),
            load,
            lively: false,
            storage_class: "standard",
            progress: HashMap::new(),
            told: events::Told::default(),
            recommendations: HashMap::new(),
            silent: HashSet::new(),
            kubelet: kubelet::Memory::default(),
            ready_since: HashMap::new(),
            hashes: HashMap::new(),
            changes,
            objects: HashMap::new(),
            versions: HashMap::new(),
            queues: Default::default(),
            queued: HashSet::new(),
            timers: BinaryHeap::new(),
            order: 0,
            counters: HashMap::new(),
        };
        cluster.look_at_all();
        cluster
    }

    /// An object of a watched kind.
    pub fn get(&self, resource: &str, ns: &str, name: &str) -> Option<Arc<Value>> {
        self.objects.get(resource)?.get(&(ns.to_owned(), name.to_owned())).cloned()
    }

    /// The objects of a watched kind in a namespace (all namespaces: None), by namespace and name.
    pub fn list(&self, resource: &str, ns: Option<&str>) -> Vec<Arc<Value>> {
        let Some(objects) = self.objects.get(resource) else {
            return Vec::new();
        };
        match ns {
            None => objects.values().cloned().collect(),
            Some(ns) => objects
                .range((ns.to_owned(), String::new())..)
                .take_while(|((n, _), _)| n == ns)
                .map(|(_, v)| v.clone())
                .collect(),
        }
    }

    /// The objects of a kind that the owner of this uid manages.
    pub fn owned(&self, resource: &str, ns: &str, owner: &str) -> Vec<Arc<Value>> {
        self.list(resource, Some(ns))
            .into_iter()
            .filter(|o| super::json::controller(o).is_some_and(|(_, _, uid)| uid == owner))
            .collect()
    }

    /// Creates an object. The creation is stamped with the demo's present. An object of that name is left
    /// as it is (None).
    pub fn create(&mut self, resource: &'static str, mut object: Value) -> Option<Arc<Value>> {
        if matches!(
            resource,
            "deployments.apps" | "statefulsets.apps" | "daemonsets.apps" | "cronjobs.batch" | "services"
        ) {
            defaults::apply(resource, &mut object);
        }
        if object["metadata"]["creationTimestamp"].is_null() {
            object["metadata"]["creationTimestamp"] = self.clock.stamp().into();
        }
        match self.store.create(resource, object) {
            Ok(made) => Some(self.seen(resource, made)),
            Err(error) => {
                tracing::debug!(%error, resource, "the demo could not create an object");
                None
            }
        }
    }

    /// Changes an object as it stands in the store. None when it is gone.
    pub fn update(
        &mut self,
        resource: &'static str,
        ns: &str,
        name: &str,
        change: impl FnOnce(&mut Value),
    ) -> Option<Arc<Value>> {
        match self.store.update(resource, ns, name, change) {
            Ok(made) => Some(self.seen(resource, made)),
            Err(error) => {
                tracing::debug!(%error, resource, ns, name, "the demo could not change an object");
                None
            }
        }
    }

    /// Deletes an object; pods get their grace, which their kubelet ends.
    pub fn delete(&mut self, resource: &'static str, ns: &str, name: &str) {
        if self.clock.instant {
            return self.delete_now(resource, ns, name);
        }
        self.delete_with(resource, ns, name, &Deletion::default());
    }

    /// Deletes an object without grace.
    pub fn delete_now(&mut self, resource: &'static str, ns: &str, name: &str) {
        let now = Deletion { grace: Some(0), ..Deletion::default() };
        self.delete_with(resource, ns, name, &now);
    }

    fn delete_with(&mut self, resource: &'static str, ns: &str, name: &str, how: &Deletion) {
        if let Err(error) = self.store.delete_with(resource, ns, name, how) {
            tracing::debug!(%error, resource, ns, name, "the demo could not delete an object");
        }
        self.refresh(resource, ns, name);
    }

    /// Asks for a look at an object.
    pub fn enqueue(&mut self, resource: &'static str, ns: &str, name: &str) {
        let work = Work { resource, ns: ns.to_owned(), name: name.to_owned() };
        if self.queued.insert(work.clone()) {
            self.queues[rank(resource)].push_back(work);
        }
    }

    /// Sets a timer so much story time from now.
    pub fn after(&mut self, wait: Duration, timer: Timer) {
        self.order += 1;
        self.timers.push(Reverse(Due { at: self.clock.now + wait, order: self.order, timer }));
    }

    /// Asks for another look at an object after a while.
    pub fn again(&mut self, wait: Duration, resource: &'static str, ns: &str, name: &str) {
        let work = Work { resource, ns: ns.to_owned(), name: name.to_owned() };
        self.after(wait, Timer::Again(work));
    }

    /// The next number of a series: 0, 1, 2...
    pub fn count(&mut self, series: &str) -> u64 {
        let counter = self.counters.entry(series.to_owned()).or_insert(0);
        *counter += 1;
        *counter - 1
    }

    /// A name that nobody has yet: the prefix and five generated letters.
    pub fn fresh_name(&mut self, resource: &str, ns: &str, prefix: &str) -> String {
        loop {
            let n = self.count(&format!("{resource}/{ns}/{prefix}"));
            let suffix = self.seed.of(resource).of(ns).of(prefix).nth(n).suffix(5);
            let name = format!("{prefix}{suffix}");
            if self.store.entry(resource, ns, &name).is_none() {
                return name;
            }
        }
    }

    /// When the next timer is due, in story time.
    pub fn next_due(&self) -> Option<Duration> {
        self.timers.peek().map(|Reverse(due)| due.at)
    }

    /// Works until nothing is left to do at this instant: news from outside, the queue, due timers.
    pub fn settle(&mut self) {
        loop {
            self.hear();
            if let Some(work) = self.queues.iter_mut().find_map(VecDeque::pop_front) {
                self.queued.remove(&work);
                self.look_at(&work);
            } else if self.next_due().is_some_and(|at| at <= self.clock.now) {
                if let Some(Reverse(due)) = self.timers.pop() {
                    self.ring(due.timer);
                }
            } else {
                return;
            }
        }
    }

    fn ring(&mut self, timer: Timer) {
        match timer {
            Timer::Again(work) => self.look_at(&work),
            Timer::Pod { ns, name, uid, step } => kubelet::step(self, &ns, &name, &uid, step),
            Timer::ForgetEvents => events::forget(self),
        }
    }

    fn look_at(&mut self, work: &Work) {
        let (ns, name) = (work.ns.as_str(), work.name.as_str());
        match work.resource {
            "deployments.apps" => deployments::reconcile(self, ns, name),
            "replicasets.apps" => replicasets::reconcile(self, ns, name),
            "statefulsets.apps" => statefulsets::reconcile(self, ns, name),
            "daemonsets.apps" => daemonsets::reconcile(self, ns, name),
            "jobs.batch" => jobs::reconcile(self, ns, name),
            "cronjobs.batch" => cronjobs::reconcile(self, ns, name),
            "pods" => kubelet::reconcile(self, ns, name),
            "services" => endpoints::reconcile(self, ns, name),
            "horizontalpodautoscalers.autoscaling" => hpa::reconcile(self, ns, name),
            "nodes" => nodes::reconcile(self, name),
            "resourcequotas" => quota::reconcile(self, ns, name),
            "poddisruptionbudgets.policy" => budgets::reconcile(self, ns, name),
            "rollouts.argoproj.io" => rollouts::reconcile(self, ns, name),
            "backups.velero.io" => velero::backup_changed(self, ns, name),
            "schedules.velero.io" => velero::schedule_changed(self, ns, name),
            "backupstoragelocations.velero.io" => velero::location_changed(self, ns, name),
            "namespaces" => garbage::namespace_made(self, name),
            _ => {}
        }
    }

    /// Takes the news of the store.
    fn hear(&mut self) {
        loop {
            match self.changes.try_recv() {
                Ok(change) => {
                    let Some(resource) = watched(&change.resource) else {
                        continue;
                    };
                    if self.ignores(resource, &change.ns, &change.name) {
                        continue;
                    }
                    let known = self.version_of(resource, &change.ns, &change.name);
                    let current = self.store.entry(resource, &change.ns, &change.name);
                    let fresh = match (&current, change.kind) {
                        (Some(entry), _) => known == Some(entry.version),
                        (None, ChangeKind::Deleted) | (None, _) => known.is_none(),
                    };
                    if !fresh {
                        self.refresh(resource, &change.ns, &change.name);
                    }
                }
                Err(TryRecvError::Lagged(_)) => {
                    // What is still queued is older than the look: without it the queue, full as it is, would be
                    // overrun again by the next change, and all be read once more.
                    self.changes = self.store.subscribe();
                    self.look_at_all();
                }
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    /// Whether an object is part of the bulk load.
    fn ignores(&self, resource: &str, ns: &str, name: &str) -> bool {
        if self.ignored.is_empty() {
            return false;
        }
        match resource {
            "namespaces" => self.ignored.contains(name),
            "nodes" => name.starts_with(super::world::bulk::NODE_PREFIX),
            _ => self.ignored.contains(ns),
        }
    }

    fn version_of(&self, resource: &str, ns: &str, name: &str) -> Option<u64> {
        self.versions.get(resource)?.get(&(ns.to_owned(), name.to_owned())).copied()
    }

    /// Reads everything anew: at the start, and after having missed news.
    fn look_at_all(&mut self) {
        for resource in WATCHED {
            let mut keys: HashSet<(String, String)> = self.store.keys(resource).into_iter().collect();
            if let Some(objects) = self.objects.get(resource) {
                keys.extend(objects.keys().cloned());
            }
            let mut keys: Vec<_> =
                keys.into_iter().filter(|(ns, name)| !self.ignores(resource, ns, name)).collect();
            keys.sort();
            for (ns, name) in keys {
                self.refresh(resource, &ns, &name);
            }
        }
    }

    /// Takes an object as the store has it now.
    fn refresh(&mut self, resource: &'static str, ns: &str, name: &str) {
        match self.store.get(resource, ns, name) {
            Some(object) => {
                self.seen(resource, object);
            }
            None => {
                let key = (ns.to_owned(), name.to_owned());
                if let Some(versions) = self.versions.get_mut(resource) {
                    versions.remove(&key);
                }
                let old = self.objects.get_mut(resource).and_then(|o| o.remove(&key));
                if let Some(old) = old {
                    route::changed(self, resource, Some(&old), None);
                }
            }
        }
    }

    /// Remembers an object's new state and sees to it that those who care look at it.
    fn seen(&mut self, resource: &'static str, object: Value) -> Arc<Value> {
        let object = Arc::new(object);
        if watched(resource).is_none() || self.ignores(resource, namespace(&object), name(&object)) {
            return object;
        }
        let key = (namespace(&object).to_owned(), name(&object).to_owned());
        let version = super::json::text(&object, "/metadata/resourceVersion").parse().unwrap_or(0);
        let known = self.versions.entry(resource).or_default().insert(key.clone(), version);
        let old = self.objects.entry(resource).or_default().insert(key, object.clone());
        if known != Some(version) {
            route::changed(self, resource, old.as_deref(), Some(&object));
        }
        object
    }
}

/// How many ranks there are.
const RANKS: usize = 4;

/// When a kind is looked at among others that wait: pods first, then those who own them, then those who own these,
/// last those who only count. So a sum is written once, not once for each of its parts.
fn rank(resource: &str) -> usize {
    match resource {
        "pods" | "nodes" | "namespaces" => 0,
        "replicasets.apps" | "statefulsets.apps" | "daemonsets.apps" | "jobs.batch" => 1,
        "services" | "resourcequotas" | "poddisruptionbudgets.policy" => 3,
        _ => 2,
    }
}

/// The key of a watched kind, for as long as the program runs.
pub fn watched(resource: &str) -> Option<&'static str> {
    WATCHED.into_iter().find(|w| *w == resource)
}
