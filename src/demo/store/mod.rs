//! One cluster's objects, like etcd: resourceVersions from one counter, optimistic writes, a bounded past, and news of
//! every change. Objects are kept as JSON text with a small index (see `entry`), never as parsed values, so that
//! 50,000 pods fit in about their own size; they are parsed to be read or changed by controllers only. Knows nothing
//! of HTTP nor of what the kinds mean, but for the grace of pods. Written by the API and by the controllers; read by
//! lists, watches and tables.

pub mod entry;
mod history;
mod identity;
pub mod pool;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use tokio::sync::{broadcast, watch};

pub use self::entry::Entry;
pub use self::history::Event;
use self::history::History;
use self::identity::Identities;
use self::pool::Pool;
use super::error::{ApiError, split_resource};

/// How many changes a subscriber may fall behind before it is told that it missed some.
const SUBSCRIBER_LAG: usize = 32_768;

/// What a write did to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It was there and differs.
    Modified,
    /// It is gone.
    Deleted,
}

/// News for controllers: what changed, not how.
#[derive(Debug, Clone)]
pub struct Change {
    /// Resource key, such as `deployments.apps`.
    pub resource: Arc<str>,
    /// Namespace, empty for cluster-scoped objects.
    pub ns: Arc<str>,
    /// Name.
    pub name: Arc<str>,
    /// What happened.
    pub kind: ChangeKind,
}

/// What becomes of the objects owned by a deleted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Propagation {
    /// They go after it (a controller's work).
    #[default]
    Background,
    /// They go before it: it waits with the finalizer `foregroundDeletion`, which the collecting controller removes.
    Foreground,
    /// They stay, without their reference to it.
    Orphan,
}

/// How to delete.
#[derive(Debug, Clone, Default)]
pub struct Deletion {
    /// Seconds of grace; None: the kind's own (pods: their terminationGracePeriodSeconds, all else none).
    pub grace: Option<i64>,
    /// What becomes of dependents.
    pub propagation: Propagation,
    /// Delete only the object with this uid.
    pub uid: Option<String>,
    /// Delete only at this version.
    pub version: Option<String>,
    /// Judge, do not delete.
    pub dry_run: bool,
}

/// What a deletion came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Deleted {
    /// The object is gone; its last state.
    Gone(Value),
    /// It is being deleted: grace or finalizers are left.
    Terminating(Value),
}

type Key = (Arc<str>, Arc<str>);
type Table = BTreeMap<Key, Arc<Entry>>;

#[derive(Debug, Default)]
struct State {
    version: u64,
    tables: HashMap<Arc<str>, Table>,
    history: History,
    words: HashSet<Arc<str>>,
}

impl State {
    fn intern(&mut self, text: &str) -> Arc<str> {
        if let Some(word) = self.words.get(text) {
            return word.clone();
        }
        let word: Arc<str> = text.into();
        self.words.insert(word.clone());
        word
    }
}

#[derive(Debug)]
struct Inner {
    state: RwLock<State>,
    /// Held during a whole write, so that a change closure may read the store; also the source of identities.
    writer: Mutex<Identities>,
    changes: broadcast::Sender<Change>,
    wakes: Mutex<HashMap<Arc<str>, watch::Sender<u64>>>,
    pool: Pool,
}

/// One cluster's objects; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

impl Store {
    /// An empty store. Uids and generated names derive from `seed` and the order of creation.
    pub fn new(seed: u64) -> Self {
        let state = State { version: 1000, ..State::default() };
        Self(Arc::new(Inner {
            state: RwLock::new(state),
            writer: Mutex::new(Identities::new(seed)),
            changes: broadcast::channel(SUBSCRIBER_LAG).0,
            wakes: Mutex::new(HashMap::new()),
            pool: Pool::default(),
        }))
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> MutexGuard<'_, Identities> {
        self.0.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The version of the newest write.
    pub fn version(&self) -> u64 {
        self.read().version
    }

    /// The version up to which the past of a kind is forgotten.
    pub fn oldest_version(&self, resource: &str) -> u64 {
        self.read().history.floor(resource)
    }

    /// Forgets the past, as etcd's compaction does: watches and pages from before are told 410.
    pub fn compact(&self) {
        let mut state = self.write();
        let version = state.version;
        state.history.forget(version);
    }

    /// An object as stored.
    pub fn entry(&self, resource: &str, ns: &str, name: &str) -> Option<Arc<Entry>> {
        self.read().tables.get(resource)?.get(&(Arc::from(ns), Arc::from(name))).cloned()
    }

    /// An object, parsed. `ns` is empty for cluster-scoped kinds.
    pub fn get(&self, resource: &str, ns: &str, name: &str) -> Option<Value> {
        self.entry(resource, ns, name).map(|entry| entry.value())
    }

    /// All objects of a kind in one namespace or in all, by namespace and name, with the version of that picture.
    pub fn entries(&self, resource: &str, ns: Option<&str>) -> (u64, Vec<Arc<Entry>>) {
        let state = self.read();
        let found = state.tables.get(resource).map(|table| select(table, ns).cloned().collect());
        (state.version, found.unwrap_or_default())
    }

    /// All objects of a kind, parsed. For controllers; lists are served from `entries`.
    pub fn list(&self, resource: &str, ns: Option<&str>) -> Vec<Value> {
        let (_, entries) = self.entries(resource, ns);
        entries.iter().map(|entry| entry.value()).collect()
    }

    /// Namespaces and names of a kind.
    pub fn keys(&self, resource: &str) -> Vec<(String, String)> {
        let state = self.read();
        let table = state.tables.get(resource);
        table
            .map(|t| t.keys().map(|(ns, name)| (ns.to_string(), name.to_string())).collect())
            .unwrap_or_default()
    }

    /// How many objects of a kind there are.
    pub fn count(&self, resource: &str) -> usize {
        self.read().tables.get(resource).map_or(0, BTreeMap::len)
    }

    /// The resource keys that have objects.
    pub fn resources(&self) -> Vec<Arc<str>> {
        self.read().tables.iter().filter(|(_, t)| !t.is_empty()).map(|(r, _)| r.clone()).collect()
    }

    /// All objects of a kind as they were at `version`; None when that is too long ago.
    pub fn entries_at(&self, resource: &str, ns: Option<&str>, version: u64) -> Option<Vec<Arc<Entry>>> {
        let state = self.read();
        let mut undone: HashMap<Key, Option<Arc<Entry>>> = HashMap::new();
        for event in state.history.since(resource, version)?.rev() {
            let key = (event.entry.ns.clone(), event.entry.name.clone());
            undone.insert(key, event.before.clone());
        }
        let mut past = Vec::new();
        for entry in state.tables.get(resource).into_iter().flat_map(|table| select(table, ns)) {
            let key = (entry.ns.clone(), entry.name.clone());
            match undone.remove(&key) {
                None => past.push(entry.clone()),
                Some(Some(before)) => past.push(before),
                Some(None) => {}
            }
        }
        let gone = undone.into_values().flatten().filter(|e| ns.is_none_or(|ns| &*e.ns == ns));
        past.extend(gone);
        past.sort_by(|a, b| (&a.ns, &a.name).cmp(&(&b.ns, &b.name)));
        Some(past)
    }

    /// The writes to a kind after `version`, and the version up to which they go; None when some are forgotten.
    pub fn events_since(&self, resource: &str, version: u64) -> Option<(u64, Vec<Event>)> {
        let state = self.read();
        let events = state.history.since(resource, version)?;
        Some((state.version, events.cloned().collect()))
    }

    /// Changes its value with each write to a kind.
    pub fn wake(&self, resource: &str) -> watch::Receiver<u64> {
        let mut wakes = self.0.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        wakes.entry(resource.into()).or_insert_with(|| watch::channel(0).0).subscribe()
    }

    /// News of every change from now on. A subscriber that falls far behind is told so (`Lagged`) and must look anew.
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.0.changes.subscribe()
    }

    /// A uid that no object has.
    pub fn fresh_uid(&self) -> String {
        self.writer().uid()
    }

    /// A free name that begins with `prefix`.
    pub fn fresh_name(&self, resource: &str, ns: &str, prefix: &str) -> String {
        self.free_name(&mut self.writer(), resource, ns, prefix)
    }

    fn free_name(&self, ids: &mut Identities, resource: &str, ns: &str, prefix: &str) -> String {
        loop {
            let name = format!("{prefix}{}", ids.suffix());
            if self.entry(resource, ns, &name).is_none() {
                return name;
            }
        }
    }

    /// Stores a new object: fills uid, creationTimestamp (kept if given), resourceVersion, generation, and the name
    /// from generateName. 409 when the name is taken.
    pub fn create(&self, resource: &str, object: Value) -> Result<Value, ApiError> {
        self.create_with(resource, object, false)
    }

    /// Like `create`; with `dry_run` nothing is stored.
    pub fn create_with(&self, resource: &str, mut object: Value, dry_run: bool) -> Result<Value, ApiError> {
        let mut ids = self.writer();
        let now = Timestamp::now();
        if !object["metadata"].is_object() {
            object["metadata"] = json!({});
        }
        drop_nulls(&mut object);
        let ns = text(&object, "namespace");
        if text(&object, "name").is_empty() {
            let prefix = text(&object, "generateName");
            if prefix.is_empty() {
                return Err(ApiError::invalid(
                    object["kind"].as_str().unwrap_or_default(),
                    split_resource(resource).1,
                    "",
                    "metadata.name",
                    "Required value: name or generateName is required",
                ));
            }
            let name = self.free_name(&mut ids, resource, &ns, &prefix);
            object["metadata"]["name"] = json!(name);
        }
        let name = text(&object, "name");
        if self.entry(resource, &ns, &name).is_some() {
            return Err(ApiError::already_exists(resource, &name));
        }
        let metadata = &mut object["metadata"];
        if metadata["uid"].as_str().is_none_or(str::is_empty) {
            metadata["uid"] = json!(ids.uid());
        }
        if metadata["creationTimestamp"].is_null() {
            metadata["creationTimestamp"] = json!(seconds(now));
        }
        if has_generation(resource) && metadata["generation"].is_null() {
            metadata["generation"] = json!(1);
        }
        if dry_run {
            if let Some(map) = metadata.as_object_mut() {
                map.remove("resourceVersion");
            }
            return Ok(object);
        }
        Ok(self.commit(resource, ChangeKind::Added, object))
    }

    /// Changes an object; no new version when nothing changed, generation + 1 when anything but metadata and status
    /// did. An object being deleted goes when its last finalizer does. Identity cannot be changed. The closure may
    /// read this store but must not write to it.
    pub fn update(
        &self,
        resource: &str,
        ns: &str,
        name: &str,
        change: impl FnOnce(&mut Value),
    ) -> Result<Value, ApiError> {
        self.try_update(resource, ns, name, false, |object| {
            change(object);
            Ok(())
        })
    }

    /// Like `update` with a change that may refuse; with `dry_run` nothing is stored.
    pub fn try_update(
        &self,
        resource: &str,
        ns: &str,
        name: &str,
        dry_run: bool,
        change: impl FnOnce(&mut Value) -> Result<(), ApiError>,
    ) -> Result<Value, ApiError> {
        let _writing = self.writer();
        let before = self.get(resource, ns, name).ok_or_else(|| ApiError::not_found(resource, name))?;
        let mut after = before.clone();
        change(&mut after)?;
        drop_nulls(&mut after);
        for key in ["name", "namespace", "uid", "creationTimestamp", "resourceVersion", "deletionTimestamp"] {
            match &before["metadata"][key] {
                Value::Null => {
                    if let Some(map) = after["metadata"].as_object_mut() {
                        map.remove(key);
                    }
                }
                kept => after["metadata"][key] = kept.clone(),
            }
        }
        if has_generation(resource) {
            let generation = before["metadata"]["generation"].as_i64().unwrap_or(1);
            let step = i64::from(spec_differs(&before, &after));
            after["metadata"]["generation"] = json!(generation + step);
        }
        if after == before || dry_run {
            return Ok(after);
        }
        if !after["metadata"]["deletionTimestamp"].is_null()
            && finalizers(&after).is_empty()
            && !finalizers(&before).is_empty()
            && (resource != "pods" || after["metadata"]["deletionGracePeriodSeconds"] == 0)
        {
            return Ok(self.commit(resource, ChangeKind::Deleted, after));
        }
        Ok(self.commit(resource, ChangeKind::Modified, after))
    }

    /// Deletes an object with the kind's own grace: None when it is gone, the object while it terminates.
    pub fn delete(&self, resource: &str, ns: &str, name: &str) -> Result<Option<Value>, ApiError> {
        match self.delete_with(resource, ns, name, &Deletion::default())? {
            Deleted::Gone(_) => Ok(None),
            Deleted::Terminating(object) => Ok(Some(object)),
        }
    }

    /// Deletes an object. Finalizers hold it; a running pod first gets a deletionTimestamp (its kubelet ends it with
    /// grace 0). Dependents are left to the collecting controller, but for `Orphan`.
    pub fn delete_with(
        &self,
        resource: &str,
        ns: &str,
        name: &str,
        how: &Deletion,
    ) -> Result<Deleted, ApiError> {
        let _writing = self.writer();
        let mut object = self.get(resource, ns, name).ok_or_else(|| ApiError::not_found(resource, name))?;
        check_preconditions(resource, &object, how)?;
        let grace = grace_of(resource, &object, how.grace);
        let mut held = finalizers(&object);
        if how.propagation == Propagation::Foreground && resource != "pods" {
            held.push("foregroundDeletion".to_owned());
            held.dedup();
        }
        if grace == 0 && held.is_empty() {
            if how.dry_run {
                return Ok(Deleted::Gone(object));
            }
            if how.propagation == Propagation::Orphan {
                self.orphan_dependents(&text(&object, "uid"));
            }
            if resource == "pods" {
                // The one kind with a grace of its own: watches are told of its end before the end.
                terminate(&mut object, 0);
                object = self.commit(resource, ChangeKind::Modified, object);
            }
            return Ok(Deleted::Gone(self.commit(resource, ChangeKind::Deleted, object)));
        }
        let before = object.clone();
        let metadata = &mut object["metadata"];
        if !held.is_empty() {
            metadata["finalizers"] = json!(held);
        }
        terminate(&mut object, grace);
        if how.dry_run || object == before {
            return Ok(Deleted::Terminating(object));
        }
        Ok(Deleted::Terminating(self.commit(resource, ChangeKind::Modified, object)))
    }

    /// Takes references to a deleted owner out of what it owned. Called while the writer's lock is held.
    fn orphan_dependents(&self, uid: &str) {
        for resource in self.resources() {
            for entry in self.entries(&resource, None).1 {
                let text = std::str::from_utf8(entry.metadata()).unwrap_or_default();
                if &*entry.uid == uid || !text.contains(uid) {
                    continue;
                }
                let mut object = entry.value();
                if let Some(owners) = object["metadata"]["ownerReferences"].as_array_mut() {
                    owners.retain(|owner| owner["uid"] != uid);
                    if owners.is_empty()
                        && let Some(metadata) = object["metadata"].as_object_mut()
                    {
                        metadata.remove("ownerReferences");
                    }
                }
                self.commit(&resource, ChangeKind::Modified, object);
            }
        }
    }

    /// Gives the object the next version, stores it and tells everybody. Called while the writer's lock is held.
    fn commit(&self, resource: &str, kind: ChangeKind, mut object: Value) -> Value {
        let mut state = self.write();
        state.version += 1;
        let version = state.version;
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        let pool = &self.0.pool;
        let entry = entry::entry(resource, &object, version, pool, |text| state.intern(text));
        let entry = Arc::new(entry);
        let resource = state.intern(resource);
        let table = state.tables.entry(resource.clone()).or_default();
        let key = (entry.ns.clone(), entry.name.clone());
        let before = match kind {
            ChangeKind::Deleted => table.remove(&key),
            ChangeKind::Added | ChangeKind::Modified => table.insert(key, entry.clone()),
        };
        let change =
            Change { resource: resource.clone(), ns: entry.ns.clone(), name: entry.name.clone(), kind };
        state.history.push(Event { version, resource: resource.clone(), kind, entry, before });
        drop(state);
        let wakes = self.0.wakes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wake) = wakes.get(&resource) {
            wake.send_replace(version);
        }
        drop(wakes);
        // An error only says that no controller listens.
        drop(self.0.changes.send(change));
        object
    }
}

fn select<'a>(table: &'a Table, ns: Option<&str>) -> Box<dyn Iterator<Item = &'a Arc<Entry>> + 'a> {
    match ns {
        None => Box::new(table.values()),
        Some(ns) => {
            let ns: Arc<str> = ns.into();
            let from = (ns.clone(), Arc::from(""));
            Box::new(table.range(from..).map(|(_, e)| e).take_while(move |e| e.ns == ns))
        }
    }
}

/// A member that is null is as good as none; a real server does not store it either. It has no way to leave out the time of
/// a condition's probe, though.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, member| !member.is_null() || key == "lastProbeTime");
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn text(object: &Value, key: &str) -> String {
    object["metadata"][key].as_str().unwrap_or_default().to_owned()
}

/// A time as Kubernetes writes it: UTC, whole seconds.
pub fn seconds(at: Timestamp) -> String {
    let whole = Timestamp::from_second(at.as_second()).unwrap_or(at);
    whole.to_string()
}

fn finalizers(object: &Value) -> Vec<String> {
    let list = object["metadata"]["finalizers"].as_array();
    list.map(|l| l.iter().filter_map(|f| f.as_str().map(str::to_owned)).collect()).unwrap_or_default()
}

/// Whether the kind counts generations (the others have no such field on a real server either).
fn has_generation(resource: &str) -> bool {
    match split_resource(resource).1 {
        "" => matches!(resource, "pods" | "replicationcontrollers"),
        "autoscaling" | "rbac.authorization.k8s.io" | "storage.k8s.io" | "coordination.k8s.io" => false,
        "apps" => !resource.starts_with("controllerrevisions"),
        "node.k8s.io" => false,
        _ => true,
    }
}

fn spec_differs(before: &Value, after: &Value) -> bool {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else {
        return before != after;
    };
    // A pod that is bound to its node is not changed by it.
    let bound = |object: &Map<String, Value>| {
        let mut spec = object.get("spec").cloned();
        if let Some(spec) = spec.as_mut().and_then(Value::as_object_mut) {
            spec.remove("nodeName");
        }
        spec
    };
    let counted = |key: &&String| !matches!(key.as_str(), "metadata" | "status");
    before
        .keys()
        .chain(after.keys())
        .filter(counted)
        .any(|key| before.get(key) != after.get(key) && !(key == "spec" && bound(before) == bound(after)))
}

/// Begins an object's end, or brings it nearer.
fn terminate(object: &mut Value, grace: i64) {
    let metadata = &mut object["metadata"];
    let shorter = metadata["deletionGracePeriodSeconds"].as_i64().is_none_or(|old| grace < old);
    if metadata["deletionTimestamp"].is_null() || shorter {
        let end = Timestamp::now().saturating_add(SignedDuration::from_secs(grace));
        metadata["deletionTimestamp"] = json!(seconds(end.unwrap_or(Timestamp::MAX)));
        metadata["deletionGracePeriodSeconds"] = json!(grace);
        if let Some(generation) = metadata["generation"].as_i64() {
            metadata["generation"] = json!(generation + 1);
        }
    }
}

fn check_preconditions(resource: &str, object: &Value, how: &Deletion) -> Result<(), ApiError> {
    let name = text(object, "name");
    let (uid, version) = (text(object, "uid"), text(object, "resourceVersion"));
    // The real server names the kind here, where other conflicts name the resource.
    let kind = object["kind"].as_str().unwrap_or(resource);
    let differs = |what: &str, wanted: &str, found: &str, since: &str| {
        let why = format!(
            "the {what} in the precondition ({wanted}) does not match the {what} in record ({found}). \
             The object might have been {since}"
        );
        ApiError::conflict(kind, &name, &why)
    };
    match (&how.uid, &how.version) {
        (Some(wanted), _) if *wanted != uid => {
            Err(differs("UID", wanted, &uid, "deleted and then recreated"))
        }
        (_, Some(wanted)) if *wanted != version => {
            Err(differs("ResourceVersion", wanted, &version, "modified"))
        }
        _ => Ok(()),
    }
}

/// Seconds a deletion waits: pods that run have a grace, nothing else does.
fn grace_of(resource: &str, object: &Value, asked: Option<i64>) -> i64 {
    if resource != "pods" {
        return 0;
    }
    let unscheduled = object["spec"]["nodeName"].as_str().is_none_or(str::is_empty);
    let ended = matches!(object["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    if unscheduled || ended {
        return 0;
    }
    asked
        .or_else(|| object["metadata"]["deletionGracePeriodSeconds"].as_i64())
        .or_else(|| object["spec"]["terminationGracePeriodSeconds"].as_i64())
        .unwrap_or(30)
        .max(0)
}

#[cfg(test)]
mod tests;
