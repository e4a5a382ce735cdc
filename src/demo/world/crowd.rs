//! Load beside the pods: many Applications of Argo CD, one in fifteen of them broken, and many Backups of Velero. For
//! measuring; they look like real ones, stand in the namespaces of the load, and nobody's controllers touch them.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::demo::clock::{seconds, shift};
use crate::demo::seed::Seed;
use crate::demo::store::Store;

/// The namespace of the load's backups.
pub const BACKUPS: &str = "load-velero";
/// Resources that an Application of the load manages.
const MANAGED: u64 = 12;
const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// How many of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Crowd {
    /// Applications.
    pub applications: usize,
    /// Backups.
    pub backups: usize,
}

/// Stores it all; `namespaces` are those of the load's pods.
pub fn fill(store: &Store, seed: Seed, crowd: Crowd, namespaces: &[String]) {
    let now = Timestamp::now();
    let put = |resource: &str, object: Value| {
        if let Err(error) = store.create(resource, object) {
            tracing::warn!(%error, "the load could not be filled in");
        }
    };
    if crowd.applications > 0 {
        define(store, "argoproj.io", "v1alpha1", "Application", "applications");
        for n in 0..crowd.applications as u64 {
            let Some(ns) = namespaces.get(n as usize % namespaces.len().max(1)) else { return };
            put("applications.argoproj.io", application(seed.of("application").nth(n), n, ns, now));
        }
    }
    if crowd.backups > 0 {
        define(store, "velero.io", "v1", "Backup", "backups");
        put("namespaces", super::objects::namespace(BACKUPS, json!({"team": "load"})));
        for n in 0..crowd.backups as u64 {
            put("backups.velero.io", backup(seed.of("backup").nth(n), n, namespaces, now));
        }
    }
}

/// Defines a kind unless the world has it.
fn define(store: &Store, group: &str, version: &str, kind: &str, plural: &str) {
    let name = format!("{plural}.{group}");
    if store.entry(DEFINITIONS, "", &name).is_some() {
        return;
    }
    let names = json!({"kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": kind.to_lowercase()});
    let object = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [{"name": version, "served": true,
            "storage": true, "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]},
        "status": {"acceptedNames": names, "storedVersions": [version], "conditions": [
            {"type": "Established", "status": "True", "reason": "InitialNamesAccepted", "message": ""}]},
    });
    if let Err(error) = store.create(DEFINITIONS, object) {
        tracing::warn!(%error, "the load's kinds could not be defined");
    }
}

fn application(seed: Seed, n: u64, ns: &str, now: Timestamp) -> Value {
    let words = ["api", "worker", "web", "sync", "index", "batch", "feed", "auth"];
    let own = format!("{}-{}", seed.pick(&words).copied().unwrap_or("api"), seed.of("name").suffix(4));
    let ago = |secs: f64| seconds(shift(now, -secs));
    let (revision, since) =
        (seed.of("revision").hex(40), 600.0 + seed.of("since").between(0.0, 9.0 * 86_400.0));
    // One in fifteen is broken, each in another way.
    let (sync, health, phase, words) = match (n % 15, n / 15 % 4) {
        (0, 0) => ("OutOfSync", "Healthy", "Succeeded", "successfully synced (all tasks run)"),
        (0, 1) => ("Synced", "Degraded", "Succeeded", "successfully synced (all tasks run)"),
        (0, 2) => ("OutOfSync", "Missing", "Failed", "one or more objects failed to apply"),
        (0, _) => ("Unknown", "Unknown", "Error", "ComparisonError: failed to generate manifest"),
        _ => ("Synced", "Healthy", "Succeeded", "successfully synced (all tasks run)"),
    };
    let kinds =
        [("apps", "Deployment"), ("", "Service"), ("", "ConfigMap"), ("networking.k8s.io", "Ingress")];
    let resources: Vec<Value> = (0..MANAGED)
        .map(|r| {
            let (group, kind) = kinds[(r % 4) as usize];
            let drifted = sync == "OutOfSync" && r == 0;
            json!({"group": group, "version": "v1", "kind": kind, "namespace": ns, "name": format!("{own}-{r}"),
                   "status": if drifted { "OutOfSync" } else { "Synced" }, "health": {"status": health}})
        })
        .collect();
    let source = json!({"repoURL": "https://git.example/load/deployments.git", "path": format!("apps/{ns}/{own}"), "targetRevision": "main"});
    let history: Vec<Value> = (0..8)
        .map(|h| {
            json!({"id": h, "revision": seed.of("past").nth(h).hex(40), "source": source,
                   "deployedAt": ago(since + (8 - h) as f64 * 90_000.0), "deployStartedAt": ago(since + (8 - h) as f64 * 90_000.0 + 9.0)})
        })
        .collect();
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": own, "namespace": ns, "uid": seed.uid(), "creationTimestamp": ago(40.0 * 86_400.0),
                     "labels": {"app.kubernetes.io/name": own, "team": ns.split('-').next()}},
        "spec": {"project": "default", "source": source,
                 "destination": {"server": "https://kubernetes.default.svc", "namespace": ns},
                 "syncPolicy": {"automated": {"prune": true, "selfHeal": n.is_multiple_of(3)}}},
        "status": {
            "sync": {"status": sync, "revision": revision, "comparedTo": {"source": source}},
            "health": {"status": health, "lastTransitionTime": ago(since)},
            "reconciledAt": ago(30.0 + seed.of("seen").between(0.0, 150.0)),
            "operationState": {"phase": phase, "message": words, "startedAt": ago(since + 9.0), "finishedAt": ago(since),
                               "operation": {"initiatedBy": {"automated": true}, "sync": {"revision": revision}},
                               "syncResult": {"revision": revision, "source": source}},
            "resources": resources, "history": history, "sourceType": "Kustomize",
            "summary": {"images": [format!("registry.example/load/{own}:1.{}.{}", seed.nth(1).below(30), seed.nth(2).below(12))]},
        },
    })
}

fn backup(seed: Seed, n: u64, namespaces: &[String], now: Timestamp) -> Value {
    let ns = namespaces.get(n as usize % namespaces.len().max(1)).map_or("default", String::as_str);
    let start =
        900.0 + (n / namespaces.len().max(1) as u64) as f64 * 3600.0 + seed.of("minute").between(0.0, 60.0);
    let took = seed.of("took").between(20.0, 240.0);
    let stamp = |secs: f64| seconds(shift(now, -secs));
    let (phase, errors, warnings) = match n % 40 {
        7 => ("PartiallyFailed", 2, 1),
        23 => ("Failed", 1, 0),
        _ => ("Completed", 0, 0),
    };
    let items = 120 + seed.of("items").below(900);
    let schedule = format!("{ns}-hourly");
    json!({
        "apiVersion": "velero.io/v1", "kind": "Backup",
        "metadata": {"name": format!("{schedule}-{n:05}"), "namespace": BACKUPS, "uid": seed.uid(),
                     "creationTimestamp": stamp(start),
                     "labels": {"velero.io/schedule-name": schedule, "velero.io/storage-location": "default"}},
        "spec": {"includedNamespaces": [ns], "storageLocation": "default", "ttl": "720h0m0s", "snapshotVolumes": true},
        "status": {"version": 1, "formatVersion": "1.1.0", "phase": phase, "errors": errors, "warnings": warnings,
                   "startTimestamp": stamp(start), "completionTimestamp": stamp(start - took),
                   "expiration": stamp(start - 30.0 * 86_400.0),
                   "progress": {"totalItems": items, "itemsBackedUp": items},
                   "volumeSnapshotsAttempted": 2, "volumeSnapshotsCompleted": 2},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crowd_is_as_large_as_asked_for_and_one_in_fifteen_is_broken() {
        let store = Store::new(1);
        let namespaces = ["orders-prod".to_owned(), "orders-dev".to_owned()];
        fill(&store, Seed::new(1), Crowd { applications: 300, backups: 1000 }, &namespaces);
        let applications = store.list("applications.argoproj.io", None);
        assert_eq!((applications.len(), store.count("backups.velero.io")), (300, 1000));
        let broken = applications
            .iter()
            .filter(|a| {
                a["status"]["sync"]["status"] != "Synced" || a["status"]["health"]["status"] != "Healthy"
            })
            .count();
        assert_eq!(broken, 20);
        assert!(store.entry(DEFINITIONS, "", "backups.velero.io").is_some());
    }
}
