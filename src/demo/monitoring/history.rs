//! The past of a cluster as its monitoring has seen it: every object's life. The story tells it after each step that
//! the controllers have settled; queries take a picture of it. Nothing is sampled: what is kept are changes, and the
//! series are worked out from them when asked.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::broadcast::{self, error::TryRecvError};

use super::facts::KINDS;
use super::life::{Life, Run, container, stamp};
use super::steps::Steps;
use crate::demo::json::{int, items, map, name, namespace, text, uid};
use crate::demo::seed::Seed;
use crate::demo::store::{Change, Store};

/// How long the dead are remembered, milliseconds.
const MEMORY: i64 = 31 * 86_400_000;

type Key = (&'static str, String, String);
/// The selectors of Services over time, by namespace and name.
pub type Selectors = HashMap<(String, String), Steps<BTreeMap<String, String>>>;

/// What stands in a picture of the past.
#[derive(Debug, Clone, Default)]
pub struct Picture {
    /// All lives, of the dead too.
    pub lives: Vec<Arc<Life>>,
    /// Which pods the Service of a name (by namespace and name) sends traffic to, over time: its selector.
    pub services: Arc<Selectors>,
    /// When storefront was busy.
    pub busy: Arc<Steps<bool>>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    changes: broadcast::Receiver<Change>,
    ignored: HashSet<String>,
    living: HashMap<Key, Arc<Life>>,
    dead: Vec<Arc<Life>>,
    services: Arc<Selectors>,
    busy: Arc<Steps<bool>>,
    /// The moment up to which it has seen.
    seen: i64,
}

/// A cluster's past. Cheap to clone.
#[derive(Debug, Clone)]
pub struct History(Arc<Mutex<Inner>>);

impl History {
    /// The past of what is in a store, at a moment (milliseconds). The pods of earlier releases, of which only
    /// ReplicaSets are left, are thought up: `seed` names them.
    pub fn begin(store: Store, seed: Seed, at: i64) -> Self {
        let changes = store.subscribe();
        let mut inner = Inner {
            store,
            changes,
            ignored: HashSet::new(),
            living: HashMap::new(),
            dead: Vec::new(),
            services: Arc::default(),
            busy: Arc::default(),
            seen: at,
        };
        inner.look_at_all(at);
        inner.dead = ghosts(&inner.store, seed);
        Self(Arc::new(Mutex::new(inner)))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what has changed since the last time.
    pub fn observe(&self, at: i64, busy: bool) {
        self.inner().observe(at, busy);
    }

    /// Namespaces of which nothing is remembered.
    pub fn ignore(&self, namespaces: impl IntoIterator<Item = String>) {
        self.inner().ignored.extend(namespaces);
    }

    /// What is remembered; and of the namespaces that nothing is remembered of, what is there now, if `wanted`.
    pub fn picture(&self, wanted: impl Fn(&str) -> bool) -> Picture {
        let inner = self.inner();
        let mut lives: Vec<Arc<Life>> = inner.living.values().chain(&inner.dead).cloned().collect();
        let ignored: Vec<String> = inner.ignored.iter().filter(|ns| wanted(ns)).cloned().collect();
        let (services, busy, store, seen) =
            (inner.services.clone(), inner.busy.clone(), inner.store.clone(), inner.seen);
        drop(inner);
        for ns in ignored {
            for resource in KINDS {
                let now = store.list(resource, Some(&ns));
                lives.extend(now.iter().map(|object| Arc::new(Life::new(resource, object, seen))));
            }
        }
        Picture { lives, services, busy }
    }
}

impl Inner {
    fn observe(&mut self, at: i64, busy: bool) {
        self.seen = at;
        if self.busy.last().is_none_or(|last| *last != busy) {
            Arc::make_mut(&mut self.busy).push(at, busy);
        }
        let mut changed: HashSet<(Arc<str>, Arc<str>, Arc<str>)> = HashSet::new();
        loop {
            match self.changes.try_recv() {
                Ok(change) => {
                    let kept = KINDS.contains(&&*change.resource) || &*change.resource == "services";
                    if kept && !self.ignored.contains(&*change.ns) {
                        changed.insert((change.resource, change.ns, change.name));
                    }
                }
                Err(TryRecvError::Lagged(_)) => return self.look_at_all(at),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        for (resource, ns, own) in changed {
            let object = self.store.get(&resource, &ns, &own);
            if &*resource == "services" {
                if let Some(service) = &object {
                    self.service(service, at);
                }
            } else if let Some(kind) = KINDS.iter().find(|k| ***k == *resource) {
                match &object {
                    Some(object) => self.see(kind, object, at),
                    None => self.end(&(kind, ns.to_string(), own.to_string()), at),
                }
            }
        }
    }

    /// Looks at everything: at the beginning, and after more has changed than was told.
    fn look_at_all(&mut self, at: i64) {
        let mut there: HashSet<Key> = HashSet::new();
        for kind in KINDS {
            for (ns, own) in self.store.keys(kind) {
                if self.ignored.contains(&ns) {
                    continue;
                }
                if let Some(object) = self.store.get(kind, &ns, &own) {
                    self.see(kind, &object, at);
                    there.insert((kind, ns, own));
                }
            }
        }
        let gone: Vec<Key> = self.living.keys().filter(|key| !there.contains(*key)).cloned().collect();
        for key in gone {
            self.end(&key, at);
        }
        for service in self.store.list("services", None) {
            self.service(&service, at);
        }
    }

    fn see(&mut self, kind: &'static str, object: &Value, at: i64) {
        let key = (kind, namespace(object).to_owned(), name(object).to_owned());
        let another = |life: &Arc<Life>| life.pod.as_ref().is_some_and(|p| p.uid != uid(object));
        if self.living.get(&key).is_some_and(another) {
            self.end(&key, at);
        }
        match self.living.get_mut(&key) {
            Some(life) => Arc::make_mut(life).see(object, at),
            None => {
                self.living.insert(key, Arc::new(Life::new(kind, object, at)));
            }
        }
    }

    fn end(&mut self, key: &Key, at: i64) {
        let Some(mut life) = self.living.remove(key) else { return };
        Arc::make_mut(&mut life).end(at);
        self.dead.push(life);
        self.dead.retain(|life| life.gone.is_none_or(|gone| at - gone < MEMORY));
    }

    fn service(&mut self, service: &Value, at: i64) {
        let key = (namespace(service).to_owned(), name(service).to_owned());
        let selector: BTreeMap<String, String> = map(service, "/spec/selector")
            .into_iter()
            .flatten()
            .filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())))
            .collect();
        let known = self.services.get(&key).and_then(Steps::last);
        if known == Some(&selector) {
            return;
        }
        let since = if known.is_none() { i64::MIN } else { at };
        Arc::make_mut(&mut self.services).entry(key).or_default().push(since, selector);
    }
}

/// Pods of earlier releases: for each ReplicaSet that was followed by another, as many as its owner has now, from its
/// creation until that of the next.
fn ghosts(store: &Store, seed: Seed) -> Vec<Arc<Life>> {
    let sets = store.list("replicasets.apps", None);
    let mut by_owner: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for set in &sets {
        if let Some((_, _, owner)) = crate::demo::json::controller(set) {
            by_owner.entry(owner.to_owned()).or_default().push(set);
        }
    }
    let mut all = Vec::new();
    for siblings in by_owner.values_mut() {
        siblings.sort_by_key(|set| stamp(set, "/metadata/creationTimestamp"));
        let wanted = siblings.iter().map(|set| int(set, "/spec/replicas")).max().unwrap_or(0);
        for pair in siblings.windows(2) {
            let [set, next] = pair else { continue };
            let born = stamp(set, "/metadata/creationTimestamp");
            let (Some(from), Some(until)) = (born, stamp(next, "/metadata/creationTimestamp")) else {
                continue;
            };
            if int(set, "/spec/replicas") > 0 {
                continue;
            }
            for n in 0..wanted.unsigned_abs() {
                all.push(Arc::new(ghost(set, &seed.of(name(set)).nth(n).suffix(5), from, until)));
            }
        }
    }
    all
}

fn ghost(set: &Value, suffix: &str, from: i64, until: i64) -> Life {
    let mut object = set.pointer("/spec/template").cloned().unwrap_or_default();
    object["metadata"]["name"] = format!("{}-{suffix}", name(set)).into();
    object["metadata"]["namespace"] = namespace(set).into();
    object["metadata"]["creationTimestamp"] = text(set, "/metadata/creationTimestamp").into();
    object["status"]["phase"] = "Running".into();
    let mut life = Life::new("pods", &object, from);
    if let Some(pod) = &mut life.pod {
        pod.owner = ("ReplicaSet".to_owned(), name(set).to_owned());
        pod.containers = items(&object, "/spec/containers")
            .iter()
            .map(|spec| {
                let mut container = container(&object, spec);
                container.runs = vec![Run { since: from, until: None }];
                container
            })
            .collect();
        pod.ready.push(from + 20_000, true);
    }
    life.end(until);
    life
}
