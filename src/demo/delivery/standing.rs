//! How an Application stands: its objects in Git held against the live ones. Reads stores, writes nothing.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::compare::{self, group_version, resource_of};
use super::files::template_path;
use super::plan::{ARGOCD, WAVE};
use super::render::Rendered;
use super::{Hands, Key};
use crate::demo::controllers::Cluster;
use crate::demo::json::{entry, int, items, name, namespace, text, uid};

/// How an Application stands.
pub struct Comparison {
    pub sync: &'static str,
    pub health: &'static str,
    pub resources: Vec<Value>,
    pub images: Vec<String>,
    pub urls: Vec<String>,
    /// Type and message of conditions.
    pub conditions: Vec<(&'static str, String)>,
    /// Differing objects as an operation names them.
    pub differing: Vec<Value>,
    /// Whether all that differs is to be pruned.
    pub only_prune: bool,
}

/// One look's view of an Application.
pub struct View<'a> {
    pub key: &'a Key,
    pub app: &'a Value,
    pub sha: String,
    /// Place of the destination; None when it is not known.
    pub to: Option<usize>,
    pub wanted: Rendered,
    /// What it brought last, while what Git wants cannot be told and nothing else is known.
    pub before: Vec<Value>,
}

/// How an Application is named in tracking ids.
pub fn tracking_name(key: &Key) -> String {
    if key.ns == ARGOCD { key.name.clone() } else { format!("{}_{}", key.ns, key.name) }
}

pub fn wave_of(object: &Value) -> i64 {
    entry(object, "/metadata/annotations", WAVE).parse().unwrap_or(0)
}

/// An entry of `status.resources` in the form of an object.
pub fn as_object(resource: &Value) -> Value {
    let (group, version) = (text(resource, "/group"), text(resource, "/version"));
    let api = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    json!({"apiVersion": api, "kind": text(resource, "/kind"),
           "metadata": {"name": text(resource, "/name"), "namespace": text(resource, "/namespace")}})
}

/// The live object of one of Git's, or of an entry of `status.resources`.
pub fn live_of(cluster: &Cluster, wanted: &Value) -> Option<Value> {
    let wanted = if wanted.get("metadata").is_some() { wanted.clone() } else { as_object(wanted) };
    let mut live = cluster.store.get(resource_of(&wanted)?, namespace(&wanted), name(&wanted))?;
    for key in ["apiVersion", "kind"] {
        if live.get(key).is_none() {
            live[key] = wanted[key].clone();
        }
    }
    Some(live)
}

/// Holds all objects of an Application against what is.
pub fn compare_all(hands: &Hands<'_>, view: &View<'_>) -> Comparison {
    let mut found = Comparison {
        sync: "Synced",
        health: "Healthy",
        resources: Vec::new(),
        images: Vec::new(),
        urls: Vec::new(),
        conditions: Vec::new(),
        differing: Vec::new(),
        only_prune: true,
    };
    let Some(to) = view.to else {
        let to = text(view.app, "/spec/destination/name");
        let to = if to.is_empty() { text(view.app, "/spec/destination/server") } else { to };
        let said =
            format!("application destination can't be resolved: there are no clusters with this name: {to}");
        found.conditions.push(("InvalidSpecError", said));
        (found.sync, found.health) = ("Unknown", "Unknown");
        return found;
    };
    let cluster = &hands.clusters[to];
    let objects: Vec<(Value, Option<Value>)> = match &*view.wanted {
        Ok(wanted) => wanted.iter().map(|w| (w.clone(), live_of(cluster, w))).collect(),
        Err(said) => {
            found.sync = "Unknown";
            found.conditions.push(("ComparisonError", said.clone()));
            let known = items(view.app, "/status/resources").iter().map(as_object);
            known
                .chain(view.before.iter().cloned())
                .map(|o| {
                    let live = live_of(cluster, &o);
                    (o, live)
                })
                .collect()
        }
    };
    let (mut healths, mut images, mut missing) = (Vec::new(), BTreeSet::new(), 0);
    for (wanted, live) in &objects {
        let status = match live {
            _ if found.sync == "Unknown" => "Unknown",
            Some(live) if !compare::differs(wanted, live) => "Synced",
            _ => "OutOfSync",
        };
        let health = live.as_ref().map_or(Some(("Missing", String::new())), compare::health);
        match &health {
            Some(("Missing", _)) => missing += 1,
            Some((health, _)) => healths.push(*health),
            None => {}
        }
        let mut resource = entry_of(wanted, status);
        if let Some((health, message)) = health {
            resource["health"] = json!({"status": health});
            if !message.is_empty() {
                resource["health"]["message"] = json!(message);
            }
        }
        if status == "OutOfSync" {
            found.only_prune = false;
            found.differing.push(json!({"group": group_version(wanted).0, "kind": text(wanted, "/kind"),
                                        "name": name(wanted), "namespace": namespace(wanted)}));
        }
        if let Some(live) = live {
            images.extend(running_images(cluster, live));
            found
                .urls
                .extend(items(live, "/spec/rules").iter().map(|r| format!("https://{}/", text(r, "/host"))));
        }
        found.resources.push(resource);
    }
    if let Ok(wanted) = &*view.wanted {
        for mut resource in left_over(cluster, view, wanted) {
            resource["status"] = json!("OutOfSync");
            resource["requiresPruning"] = json!(true);
            found.resources.push(resource);
        }
    }
    if found.resources.iter().any(|r| text(r, "/status") == "OutOfSync") {
        found.sync = "OutOfSync";
    }
    found.resources.sort_by_key(|r| {
        (text(r, "/group").to_owned(), text(r, "/kind").to_owned(), text(r, "/name").to_owned())
    });
    found.health =
        if missing > 0 && missing == objects.len() { "Missing" } else { compare::worst(healths.into_iter()) };
    found.images = images.into_iter().collect();
    found
}

/// An entry of `status.resources`.
pub fn entry_of(object: &Value, status: &str) -> Value {
    let (group, version) = group_version(object);
    let mut resource = json!({"version": version, "kind": text(object, "/kind"), "namespace": namespace(object),
                              "name": name(object), "status": status});
    if !group.is_empty() {
        resource["group"] = json!(group);
    }
    let wave = wave_of(object);
    if wave != 0 {
        resource["syncWave"] = json!(wave);
    }
    resource
}

/// The images of a workload's pods: while it rolls out those of before too.
pub fn running_images(cluster: &Cluster, live: &Value) -> Vec<String> {
    let mut all = images_of(live);
    if matches!(text(live, "/kind"), "Deployment" | "Rollout") {
        let sets = cluster.owned("replicasets.apps", namespace(live), uid(live));
        for set in sets.iter().filter(|s| int(s, "/status/replicas") > 0) {
            let list = items(set, "/spec/template/spec/containers");
            all.extend(list.iter().map(|c| text(c, "/image").to_owned()));
        }
    }
    all
}
/// Entries of what the Application once brought and Git no longer has, that are still there.
pub fn left_over(cluster: &Cluster, view: &View<'_>, wanted: &[Value]) -> Vec<Value> {
    let app = tracking_name(view.key);
    items(view.app, "/status/resources")
        .iter()
        .filter(|r| {
            !wanted.iter().any(|w| text(w, "/kind") == text(r, "/kind") && name(w) == text(r, "/name"))
        })
        .filter(|r| {
            live_of(cluster, r).is_some_and(|live| {
                entry(&live, "/metadata/annotations", compare::TRACKING) == compare::tracking(&app, &live)
            })
        })
        .cloned()
        .collect()
}

pub fn images_of(object: &Value) -> Vec<String> {
    let Some(template) = template_path(text(object, "/kind")) else { return Vec::new() };
    let pointer = format!("/{}/spec", template.join("/"));
    let lists = ["initContainers", "containers"].map(|list| format!("{pointer}/{list}"));
    lists.iter().flat_map(|l| items(object, l)).map(|c| text(c, "/image").to_owned()).collect()
}

/// What is said of a revision that the repository does not have. One that may be the beginning of a commit's id is asked
/// for as it is written.
pub fn unresolved(revision: &str) -> String {
    let is_id = (7..=40).contains(&revision.len()) && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
    let why = if is_id {
        format!(
            "failed to initialize repository resources: rpc error: code = Internal desc = Failed to checkout revision {revision}: `git fetch origin {revision} --tags --force --prune` failed exit status 128: fatal: couldn't find remote ref {revision}"
        )
    } else {
        format!("unable to resolve '{revision}' to a commit SHA")
    };
    format!(
        "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = {why}"
    )
}
