//! Argo CD's application controller: compares what Git wants with what is, syncs, heals, and writes it all into the
//! Application, in the order and the words of the real one.
//!
//! It may be asked to look too often, never too rarely. It knows Applications by where they are, so one that a person
//! makes is delivered too. What an Application asks for and how far it has come stands in the Application itself; only
//! what Argo CD keeps in its own memory is kept here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::compare::{self, group_version, resource_of};
use super::files::template_path;
use super::plan::{ARGOCD, IN_CLUSTER};
use super::render::{self, Rendered};
use super::standing::{
    Comparison, View, as_object, compare_all, images_of, left_over, live_of, tracking_name, unresolved,
    wave_of,
};
use super::{Hands, Key, Task, windows};
use crate::demo::controllers::Cluster;
use crate::demo::json::{entry, flag, int, items, name, namespace, set, text, unset};
use crate::demo::world::clusters::SITES;

/// The store's key of Applications.
pub const APPLICATIONS: &str = "applications.argoproj.io";
/// The store's key of projects.
pub const PROJECTS: &str = "appprojects.argoproj.io";
/// Asks for a look at Git; taken away when that was done.
pub const REFRESH: &str = "argocd.argoproj.io/refresh";
/// From the start of an operation to its first step, and between two steps.
const STEP: Duration = Duration::from_millis(2_000);
/// From the end of an operation until sync and health are those after it.
const AFTERWARDS: Duration = Duration::from_millis(100);
/// How often Git is looked at without being asked.
pub const RESYNC: Duration = Duration::from_secs(180);
/// The longest wait between two attempts to heal.
const LONGEST_HEAL: u64 = 300;
/// What an operation says that waits for its window.
const BLOCKED: &str = "Sync operation blocked by sync window";
/// The place of the control plane that keeps resources' health out of the Application, as is usual since 3.0.
const APP_TREE: usize = 0;

/// What is remembered of an Application.
#[derive(Debug, Default)]
struct Memory {
    /// The commit that was current when Git was last looked at.
    seen: String,
    /// When the next step of the running operation is due.
    step: Option<Duration>,
    /// Waves that the running operation has applied.
    applied: BTreeSet<i64>,
    /// Sync and health are not written before.
    hold: Option<Duration>,
    /// Attempts to heal in a row, and when the last one was.
    heals: (u32, Option<Duration>),
}

/// The controller of all control planes.
#[derive(Debug, Default)]
pub struct Argo {
    memory: BTreeMap<Key, Memory>,
    /// What folders were rendered to.
    pub cache: render::Cache,
}

/// Why an Application is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It, or something that it delivers, changed.
    News,
    /// It is time to look at Git, or somebody pushed.
    Git,
}

impl Argo {
    /// The known Applications.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.memory.keys()
    }

    /// Looks at an Application, moves it a step on, and writes how it stands.
    pub fn look(&mut self, hands: &mut Hands<'_>, key: &Key, why: Why) {
        let Some(app) = hands.clusters[key.cluster].store.get(APPLICATIONS, &key.ns, &key.name) else {
            self.memory.remove(key);
            return;
        };
        if crate::demo::json::deleting(&app) {
            return self.release(hands, key);
        }
        let asked = !entry(&app, "/metadata/annotations", REFRESH).is_empty();
        let new = !self.memory.contains_key(key);
        if asked {
            hands.poll();
        }
        let memory = self.memory.entry(key.clone()).or_default();
        let git = asked || new || why == Why::Git;
        if git {
            memory.seen = hands.repository.head().to_owned();
        }
        if new {
            let wait = hands.clusters[key.cluster]
                .seed
                .of("resync")
                .of(&key.name)
                .between(5.0, RESYNC.as_secs_f64());
            hands.after(crate::demo::clock::secs(wait), Task::Resync(key.clone()));
        }
        let seen = memory.seen.clone();
        let view = self.view(hands, key, &app, &seen);
        if !self.operate(hands, &view) {
            return;
        }
        let now = hands.now;
        let held = self.memory.get(key).and_then(|m| m.hold).filter(|until| now < *until);
        if held.is_some() && !git {
            return;
        }
        let mut comparison = compare_all(hands, &view);
        if let Some(failed) = self.failed_before(hands, &view, &comparison) {
            comparison.conditions.push(("SyncError", failed));
        }
        self.write(hands, &view, &comparison, git);
        self.automate(hands, &view, &comparison);
    }

    /// What Git wants of an Application.
    fn view<'a>(&mut self, hands: &Hands<'_>, key: &'a Key, app: &'a Value, seen: &str) -> View<'a> {
        let source = source_of(app);
        let revision = text(source, "/targetRevision");
        let bare = |url: &str| url.trim_end_matches('/').trim_end_matches(".git").to_owned();
        let sha = match revision {
            "" | "HEAD" | super::git::BRANCH => Some(seen.to_owned()),
            other => hands.repository.resolve(other).map(str::to_owned),
        };
        let failed = |said: String| -> Rendered { Arc::new(Err(said)) };
        let (sha, wanted) = if bare(text(source, "/repoURL")) != bare(hands.repository.url()) {
            let said = "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = failed to list refs: repository not found";
            (String::new(), failed(said.to_owned()))
        } else if let Some(sha) = sha {
            let wanted = self.rendered(hands, &sha, text(source, "/path"));
            (sha, wanted)
        } else {
            (String::new(), failed(unresolved(revision)))
        };
        let mut before = Vec::new();
        if wanted.is_err() && items(app, "/status/resources").is_empty() {
            let last = items(app, "/status/history").last().map_or("", |h| text(h, "/revision")).to_owned();
            before = self.rendered(hands, &last, text(source, "/path")).as_ref().clone().unwrap_or_default();
        }
        View { key, app, sha, to: destination(key, app), wanted, before }
    }

    fn rendered(&mut self, hands: &Hands<'_>, sha: &str, path: &str) -> Rendered {
        self.cache.rendered(hands.repository, sha, path)
    }

    /// Starts what was asked for and moves what runs. False when the Application was written and will be looked at again.
    fn operate(&mut self, hands: &mut Hands<'_>, view: &View<'_>) -> bool {
        let (app, key) = (view.app, view.key);
        let phase = text(app, "/status/operationState/phase");
        let running = matches!(phase, "Running" | "Terminating");
        if !running {
            let Some(operation) = app.get("operation").filter(|o| o.is_object()) else { return true };
            let stamp = hands.stamp(key.cluster);
            let state = json!({"operation": operation, "phase": "Running", "startedAt": stamp,
                               "message": "waiting for sync to start"});
            hands.change(key, |a| {
                set(a, &["status", "operationState"], state);
                unset(a, &["status", "operationState", "message"]);
            });
            if let Some(memory) = self.memory.get_mut(key) {
                memory.applied.clear();
                memory.step = Some(hands.now + STEP);
            }
            hands.after(STEP, Task::Look(key.clone()));
            return false;
        }
        if phase == "Terminating" {
            self.finish(hands, view, "Failed", "Operation terminated", Vec::new());
            return false;
        }
        let manual = !flag(app, "/status/operationState/operation/initiatedBy/automated");
        if self.closed(hands, view, manual) {
            let said = text(app, "/status/operationState/message") == BLOCKED;
            if !said {
                hands.change(key, |a| set(a, &["status", "operationState", "message"], json!(BLOCKED)));
            }
            return said;
        }
        let now = hands.now;
        let memory = self.memory.entry(key.clone()).or_default();
        let due = *memory.step.get_or_insert(now + STEP);
        if due > now {
            hands.after(due - now, Task::Look(key.clone()));
            return true;
        }
        memory.step = Some(now + STEP);
        hands.after(STEP, Task::Look(key.clone()));
        self.step(hands, view);
        false
    }

    /// Whether a window holds a sync back.
    fn closed(&self, hands: &Hands<'_>, view: &View<'_>, manual: bool) -> bool {
        let own = &hands.clusters[view.key.cluster];
        let project = Some(text(view.app, "/spec/project")).filter(|p| !p.is_empty()).unwrap_or("default");
        let Some(project) = own.store.get(PROJECTS, ARGOCD, project) else { return false };
        let to = view.app.pointer("/spec/destination").unwrap_or(&Value::Null);
        windows::blocked(&project, &view.key.name, to, manual, own.clock.timestamp())
    }

    /// Applies the next wave of the running operation, or ends it.
    fn step(&mut self, hands: &mut Hands<'_>, view: &View<'_>) {
        let sync = view.app.pointer("/status/operationState/operation/sync").cloned().unwrap_or_default();
        let wanted = match self.target(hands, view, &sync) {
            Ok(wanted) => wanted,
            Err(said) => {
                return self.finish(hands, view, "Error", &format!("ComparisonError: {said}"), Vec::new());
            }
        };
        let Some(to) = view.to else {
            let said = "ComparisonError: application destination can't be resolved";
            return self.finish(hands, view, "Error", said, Vec::new());
        };
        let chosen = items(&sync, "/resources");
        let fits = |o: &&Value| {
            chosen.is_empty()
                || chosen.iter().any(|c| {
                    text(c, "/kind") == text(o, "/kind")
                        && text(c, "/name") == name(o)
                        && text(c, "/group") == group_version(o).0
                })
        };
        let mut plan: Vec<&Value> = wanted.iter().filter(fits).collect();
        plan.sort_by_key(|o| (wave_of(o), compare::order_of(o)));
        let mut results = items(view.app, "/status/operationState/syncResult/resources").to_vec();
        let applied = self.memory.get(view.key).map(|m| m.applied.clone()).unwrap_or_default();
        let dry = flag(&sync, "/dryRun");
        // The wave that was applied last must be well before the next begins.
        let before = plan.iter().filter(|o| applied.contains(&wave_of(o)));
        for object in before.filter(|_| !dry) {
            let live = live_of(&hands.clusters[to], object);
            match live.as_ref().and_then(compare::health) {
                Some(("Degraded", why)) => {
                    let said = "one or more synchronization tasks completed unsuccessfully";
                    mark(&mut results, object, |r| r["hookPhase"] = json!("Failed"));
                    let said =
                        if why.is_empty() { said.to_owned() } else { format!("{said}, reason: {why}") };
                    return self.finish(hands, view, "Failed", &said, results);
                }
                Some(("Progressing" | "Missing", _)) => {
                    let waits = waits_for(object);
                    let message = format!("waiting for healthy state of {waits}");
                    return self.progress(hands, view, &message, results);
                }
                _ => mark(&mut results, object, |r| r["hookPhase"] = json!("Succeeded")),
            }
        }
        let Some(wave) = plan.iter().map(|o| wave_of(o)).find(|w| !applied.contains(w)) else {
            return self.finish(hands, view, "Succeeded", "successfully synced (all tasks run)", results);
        };
        let mut refused = Vec::new();
        for object in plan.iter().filter(|o| wave_of(o) == wave) {
            let outcome = bring(&mut hands.clusters[to], &tracking_name(view.key), object, dry);
            if let Err(why) = &outcome {
                refused.push(why.clone());
            }
            results.push(result_of(object, outcome, dry));
        }
        if !refused.is_empty() {
            let why = format!("one or more objects failed to apply, reason: {}", refused.join(","));
            return self.finish(hands, view, "Failed", &why, results);
        }
        if let Some(memory) = self.memory.get_mut(view.key) {
            memory.applied.insert(wave);
        }
        let last = plan.iter().all(|o| wave_of(o) <= wave);
        if last {
            if chosen.is_empty() {
                prune(hands, view, to, &wanted, &sync, &mut results);
            }
            let message = if plan.is_empty() {
                "successfully synced (no more tasks)"
            } else {
                "successfully synced (all tasks run)"
            };
            self.finish(hands, view, "Succeeded", message, results);
        } else {
            let first = plan.iter().find(|o| wave_of(o) == wave && template_path(text(o, "/kind")).is_some());
            let waits = first.map_or_else(|| "more tasks".to_owned(), |o| waits_for(o));
            self.progress(hands, view, &format!("waiting for healthy state of {waits}"), results);
        }
    }

    /// The objects that the running operation is to bring.
    fn target(&mut self, hands: &Hands<'_>, view: &View<'_>, sync: &Value) -> Result<Vec<Value>, String> {
        let revision = text(sync, "/revision");
        let wanted = match revision {
            "" => view.wanted.clone(),
            asked => match hands.repository.resolve(asked).map(str::to_owned) {
                Some(sha) => {
                    let source =
                        sync.get("source").filter(|s| s.is_object()).unwrap_or_else(|| source_of(view.app));
                    self.rendered(hands, &sha, text(source, "/path"))
                }
                None => return Err(unresolved(asked)),
            },
        };
        match &*wanted {
            Ok(objects) => Ok(objects.clone()),
            Err(said) => Err(said.clone()),
        }
    }

    fn progress(&mut self, hands: &mut Hands<'_>, view: &View<'_>, message: &str, results: Vec<Value>) {
        let result = self.result(hands, view, results);
        hands.change(view.key, |a| {
            set(a, &["status", "operationState", "message"], json!(message));
            set(a, &["status", "operationState", "syncResult"], result);
        });
    }

    fn result(&self, hands: &Hands<'_>, view: &View<'_>, results: Vec<Value>) -> Value {
        let sync = view.app.pointer("/status/operationState/operation/sync").unwrap_or(&Value::Null);
        let asked = Some(text(sync, "/revision")).filter(|r| !r.is_empty());
        let revision = asked.and_then(|r| hands.repository.resolve(r)).unwrap_or(&view.sha);
        json!({"revision": revision, "source": source_of(view.app), "resources": results})
    }

    /// Ends the running operation.
    fn finish(
        &mut self,
        hands: &mut Hands<'_>,
        view: &View<'_>,
        phase: &str,
        message: &str,
        results: Vec<Value>,
    ) {
        let result = self.result(hands, view, results);
        let stamp = hands.stamp(view.key.cluster);
        let sync = view.app.pointer("/status/operationState/operation/sync").cloned().unwrap_or_default();
        let full = phase == "Succeeded" && !flag(&sync, "/dryRun") && items(&sync, "/resources").is_empty();
        let by =
            view.app.pointer("/status/operationState/operation/initiatedBy").cloned().unwrap_or(json!({}));
        let limit =
            view.app.pointer("/spec/revisionHistoryLimit").and_then(Value::as_u64).unwrap_or(10) as usize;
        hands.change(view.key, |a| {
            if full {
                let mut history = items(a, "/status/history").to_vec();
                let id = history.iter().map(|h| int(h, "/id") + 1).max().unwrap_or(0);
                history.push(json!({
                    "id": id, "revision": result["revision"], "source": result["source"], "initiatedBy": by,
                    "deployStartedAt": a["status"]["operationState"]["startedAt"], "deployedAt": stamp}));
                let old = history.len().saturating_sub(limit);
                history.drain(..old);
                set(a, &["status", "history"], json!(history));
            }
            unset(a, &["operation"]);
            set(a, &["status", "operationState", "phase"], json!(phase));
            set(a, &["status", "operationState", "message"], json!(message));
            set(a, &["status", "operationState", "finishedAt"], json!(stamp));
            set(a, &["status", "operationState", "syncResult"], result);
        });
        if let Some(memory) = self.memory.get_mut(view.key) {
            memory.step = None;
            memory.applied.clear();
            memory.hold = Some(hands.now + AFTERWARDS);
        }
        hands.after(AFTERWARDS, Task::Look(view.key.clone()));
    }

    /// Writes how an Application stands.
    fn write(&mut self, hands: &mut Hands<'_>, view: &View<'_>, found: &Comparison, git: bool) {
        let stamp = hands.stamp(view.key.cluster);
        let app_tree = view.key.cluster == APP_TREE;
        let mut resources = found.resources.clone();
        for resource in resources.iter_mut().filter(|_| app_tree) {
            unset(resource, &["health"]);
        }
        let source = source_of(view.app).clone();
        let to = view.app.pointer("/spec/destination").cloned().unwrap_or_default();
        let sha = view.sha.clone();
        hands.change(view.key, |a| {
            unset(a, &["metadata", "annotations", REFRESH]);
            set(a, &["status", "controllerNamespace"], json!(ARGOCD));
            set(a, &["status", "sourceType"], json!("Kustomize"));
            set(
                a,
                &["status", "sync"],
                json!({"status": found.sync, "comparedTo": {"source": source, "destination": to}}),
            );
            if !sha.is_empty() {
                set(a, &["status", "sync", "revision"], json!(sha));
            }
            if text(a, "/status/health/status") != found.health {
                set(a, &["status", "health"], json!({"status": found.health, "lastTransitionTime": stamp}));
            }
            set(a, &["status", "resources"], json!(resources));
            if app_tree {
                set(a, &["status", "resourceHealthSource"], json!("appTree"));
            }
            let mut summary = json!({});
            if !found.images.is_empty() {
                summary["images"] = json!(found.images);
            }
            if !found.urls.is_empty() {
                summary["externalURLs"] = json!(found.urls);
            }
            set(a, &["status", "summary"], summary);
            let old = items(a, "/status/conditions").to_vec();
            let new: Vec<Value> = found
                .conditions
                .iter()
                .map(|(kind, message)| {
                    let known =
                        old.iter().find(|c| text(c, "/type") == *kind && text(c, "/message") == message);
                    known.cloned().unwrap_or_else(
                        || json!({"type": kind, "message": message, "lastTransitionTime": stamp}),
                    )
                })
                .collect();
            if new.is_empty() {
                unset(a, &["status", "conditions"]);
            } else {
                set(a, &["status", "conditions"], json!(new));
            }
            if git {
                set(a, &["status", "reconciledAt"], json!(stamp));
            }
        });
        if let Some(to) = view.to {
            for resource in &found.resources {
                hands.index(to, resource, view.key);
            }
        }
    }

    /// Starts a sync by itself where the policy and the windows let it.
    fn automate(&mut self, hands: &mut Hands<'_>, view: &View<'_>, found: &Comparison) {
        let Some(policy) = view.app.pointer("/spec/syncPolicy/automated").filter(|p| p.is_object()) else {
            return;
        };
        let state = view.app.pointer("/status/operationState").unwrap_or(&Value::Null);
        let busy = view.app.get("operation").is_some_and(Value::is_object)
            || matches!(text(state, "/phase"), "Running" | "Terminating");
        if policy.get("enabled") == Some(&json!(false)) || busy || found.sync != "OutOfSync" {
            if found.sync == "Synced"
                && let Some(memory) = self.memory.get_mut(view.key)
                && memory.heals.1.is_some_and(|at| hands.now > at + Duration::from_secs(LONGEST_HEAL))
            {
                memory.heals = (0, None);
            }
            return;
        }
        if found.only_prune && !flag(policy, "/prune") {
            return;
        }
        let same = self.attempted(hands, view);
        if same && text(state, "/phase") != "Succeeded" {
            return;
        }
        if (same && !flag(policy, "/selfHeal")) || self.closed(hands, view, false) {
            return;
        }
        let mut sync = json!({"revision": view.sha});
        if flag(policy, "/prune") {
            sync["prune"] = json!(true);
        }
        if let Some(options) = view.app.pointer("/spec/syncPolicy/syncOptions") {
            sync["syncOptions"] = options.clone();
        }
        if same {
            let Some(attempt) = self.heal_now(hands, view.key) else { return };
            sync["autoHealAttemptsCount"] = json!(attempt);
            sync["resources"] = json!(found.differing);
        }
        let operation = json!({"initiatedBy": {"automated": true}, "retry": {"limit": 5}, "sync": sync});
        hands.change(view.key, |a| {
            set(a, &["operation"], operation);
            unset(a, &["status", "operationState"]);
        });
        // It is started in a write of its own.
        hands.after(Duration::from_millis(20), Task::Look(view.key.clone()));
    }

    /// Whether the last operation was about what Git wants now.
    fn attempted(&mut self, hands: &Hands<'_>, view: &View<'_>) -> bool {
        let attempted = text(view.app, "/status/operationState/syncResult/revision").to_owned();
        let path = text(source_of(view.app), "/path").to_owned();
        attempted == view.sha
            || (!attempted.is_empty() && *self.rendered(hands, &attempted, &path) == *view.wanted)
    }

    /// Why what differs is not synced by itself although the policy lets it: the last attempt failed.
    fn failed_before(&mut self, hands: &Hands<'_>, view: &View<'_>, found: &Comparison) -> Option<String> {
        let state = view.app.pointer("/status/operationState")?;
        let automated = view.app.pointer("/spec/syncPolicy/automated").is_some_and(Value::is_object);
        let failed = matches!(text(state, "/phase"), "Failed" | "Error");
        if !automated || !failed || found.sync != "OutOfSync" || !self.attempted(hands, view) {
            return None;
        }
        let revision = text(state, "/syncResult/revision");
        Some(format!("Failed last sync attempt to [{revision}]: {}", text(state, "/message")))
    }

    /// The number of the attempt to heal, if it may be made now; else it is tried again when it may.
    fn heal_now(&mut self, hands: &mut Hands<'_>, key: &Key) -> Option<u32> {
        let memory = self.memory.get_mut(key)?;
        let (attempts, last) = memory.heals;
        let wait = 2 * 3u64.saturating_pow(attempts.saturating_sub(1)).min(LONGEST_HEAL);
        let due = last.map_or(hands.now, |at| at + Duration::from_secs(wait));
        if due > hands.now {
            hands.after(due - hands.now, Task::Look(key.clone()));
            return None;
        }
        memory.heals = (attempts + 1, Some(hands.now));
        Some(attempts + 1)
    }

    /// An Application is being deleted: with the finalizer what it brought goes too.
    fn release(&mut self, hands: &mut Hands<'_>, key: &Key) {
        let cascade = "resources-finalizer.argocd.argoproj.io";
        let Some(app) = hands.clusters[key.cluster].store.get(APPLICATIONS, &key.ns, &key.name) else {
            return;
        };
        if !items(&app, "/metadata/finalizers").iter().any(|f| f == cascade) {
            return;
        }
        if let Some(to) = destination(key, &app) {
            for resource in items(&app, "/status/resources") {
                let live = live_of(&hands.clusters[to], resource);
                if let (Some(live), Some(kind)) = (live, resource_of(&as_object(resource))) {
                    hands.clusters[to].delete(kind, namespace(&live), name(&live));
                }
            }
        }
        hands.change(key, |a| unset(a, &["metadata", "finalizers"]));
        self.memory.remove(key);
    }
}

/// The source of an Application; the first of several.
fn source_of(app: &Value) -> &Value {
    app.pointer("/spec/sources/0").or_else(|| app.pointer("/spec/source")).unwrap_or(&Value::Null)
}

/// The place of the cluster that an Application delivers to.
fn destination(key: &Key, app: &Value) -> Option<usize> {
    match (text(app, "/spec/destination/server"), text(app, "/spec/destination/name")) {
        (IN_CLUSTER, _) | ("", "in-cluster") => Some(key.cluster),
        (_, other) => SITES.iter().position(|site| site.name == other),
    }
}

fn waits_for(object: &Value) -> String {
    format!("{}/{}/{}", group_version(object).0, text(object, "/kind"), name(object))
}

/// Applies an object; gives what was done to it, or why it could not be.
fn bring(cluster: &mut Cluster, app: &str, wanted: &Value, dry: bool) -> Result<&'static str, String> {
    let Some(resource) = resource_of(wanted) else {
        let (group, kind) = (group_version(wanted).0, text(wanted, "/kind"));
        return Err(format!(
            "The Kubernetes API could not find {group}/{kind} for requested resource {}/{}. Make sure the \"{kind}\" CRD is installed on the destination cluster.",
            namespace(wanted),
            name(wanted)
        ));
    };
    let marked = compare::marked(wanted, &[(compare::TRACKING, compare::tracking(app, wanted))]);
    let live = live_of(cluster, wanted);
    let Some(live) = live else {
        if !dry {
            let made = cluster.create(resource, marked);
            made.ok_or_else(|| format!("{} could not be created", compare::spoken(wanted)))?;
        }
        return Ok("created");
    };
    if !compare::differs(wanted, &live) {
        return Ok("unchanged");
    }
    if !dry {
        let changed = cluster
            .update(resource, namespace(wanted), name(wanted), |object| compare::apply(object, &marked));
        changed.ok_or_else(|| format!("{} could not be changed", compare::spoken(wanted)))?;
    }
    Ok("configured")
}

fn result_of(object: &Value, outcome: Result<&'static str, String>, dry: bool) -> Value {
    let (group, version) = group_version(object);
    let mut result = json!({"version": version, "kind": text(object, "/kind"), "namespace": namespace(object),
                            "name": name(object), "syncPhase": "Sync"});
    if !group.is_empty() {
        result["group"] = json!(group);
    }
    match outcome {
        Ok(done) => {
            let tail = if dry { " (dry run)" } else { "" };
            result["status"] = json!("Synced");
            result["hookPhase"] = json!("Running");
            result["message"] = json!(format!("{} {done}{tail}", compare::spoken(object)));
            let images = images_of(object);
            if !images.is_empty() {
                result["images"] = json!(images);
            }
        }
        Err(why) => {
            result["status"] = json!("SyncFailed");
            result["hookPhase"] = json!("Failed");
            result["message"] = json!(why);
        }
    }
    result
}

fn mark(results: &mut [Value], object: &Value, change: impl FnOnce(&mut Value)) {
    let found = results
        .iter_mut()
        .find(|r| text(r, "/kind") == text(object, "/kind") && text(r, "/name") == name(object));
    if let Some(result) = found {
        change(result);
    }
}

/// Takes away what Git no longer has, or says that it was left.
fn prune(
    hands: &mut Hands<'_>,
    view: &View<'_>,
    to: usize,
    wanted: &[Value],
    sync: &Value,
    results: &mut Vec<Value>,
) {
    for resource in left_over(&hands.clusters[to], view, wanted) {
        let object = as_object(&resource);
        let Some(kind) = resource_of(&object) else { continue };
        let pruned = flag(sync, "/prune");
        if pruned && !flag(sync, "/dryRun") {
            hands.clusters[to].delete(kind, namespace(&object), name(&object));
        }
        let mut result = result_of(&object, Ok(if pruned { "pruned" } else { "" }), flag(sync, "/dryRun"));
        result["status"] = json!(if pruned { "Pruned" } else { "PruneSkipped" });
        result["message"] = json!(if pruned { "pruned" } else { "ignored (requires pruning)" });
        results.push(result);
    }
}
