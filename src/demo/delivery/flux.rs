//! Flux: its source controller takes commits from Git, its kustomize controller brings them; of its helm controller only
//! the finished work is there.
//!
//! What is asked for and how far it has come stands in the objects themselves, in the words of the real controllers.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::compare::{self, group_version, resource_of};
use super::git::{BRANCH, Repository};
use super::plan::{self, Way};
use super::{Hands, Task, files, render};
use crate::demo::clock::{seconds, shift};
use crate::demo::controllers::Cluster;
use crate::demo::json::{
    condition, drop_condition, entry, flag, int, name, namespace, set, set_condition, text,
};
use crate::demo::seed::Seed;
use crate::demo::world::apps::{APPS, App, Env};
use crate::demo::world::release_age;

/// Where Flux lives.
pub const NAMESPACE: &str = "flux-system";
/// The store's keys.
pub const GIT: &str = "gitrepositories.source.toolkit.fluxcd.io";
/// See [`GIT`].
pub const KUSTOMIZATIONS: &str = "kustomizations.kustomize.toolkit.fluxcd.io";
const RELEASES: &str = "helmreleases.helm.toolkit.fluxcd.io";
const CHARTS: &str = "helmcharts.source.toolkit.fluxcd.io";
const CHART_SOURCES: &str = "helmrepositories.source.toolkit.fluxcd.io";
/// The place of the cluster that has it.
pub const CLUSTER: usize = 0;
/// The source of both Kustomizations.
const SOURCE: &str = "shop";
/// Asks for a reconciliation; `status.lastHandledReconcileAt` says when it was done.
const REQUESTED: &str = "reconcile.fluxcd.io/requestedAt";
/// How often Git is looked at, and how often what runs is held against it.
const INTERVALS: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(600)];
/// From a new artifact until it is applied.
const BUILD: Duration = Duration::from_secs(1);
/// Between two looks at what was applied.
const CHECK: Duration = Duration::from_secs(2);
/// How long health is waited for.
const TIMEOUT: Duration = Duration::from_secs(180);

/// Makes Flux' objects as they stand when the story begins.
pub fn begin(cluster: &mut Cluster, repository: &Repository, seed: Seed, zero: Timestamp) {
    let stamp = seconds(shift(zero, -17.0 * 86_400.0));
    let old = |object: Value| {
        let mut object = object;
        object["metadata"]["creationTimestamp"] = json!(stamp);
        object
    };
    let source = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": SOURCE, "namespace": NAMESPACE, "generation": 1},
        "spec": {"url": repository.url(), "interval": "1m0s", "timeout": "60s", "ref": {"branch": BRANCH}},
    });
    cluster.create(GIT, old(source));
    let at = repository.commit_of(repository.head()).map_or(zero, |c| shift(c.at, 20.0));
    fetched(cluster, repository, &seconds(at), None);
    for env in Env::ALL {
        for app in &APPS {
            let age = release_age(seed, app, env, app.history[env.index()].len().saturating_sub(1)) as f64;
            let applied = seconds(shift(zero, -age));
            match plan::way(app, env) {
                Way::Kustomization => {
                    cluster.create(KUSTOMIZATIONS, old(kustomization(app, env)));
                    let revision = revision(repository);
                    let inventory = wanted(repository, app, env).unwrap_or_default();
                    let own = plan::name_of(app, env);
                    for object in &inventory {
                        own_by(cluster, object, &own);
                    }
                    ready(cluster, &own, &revision, &inventory, &applied, None);
                }
                Way::Helm => {
                    let inventory = wanted(repository, app, env).unwrap_or_default();
                    for object in helm(app, env, &inventory, &applied, &seconds(zero)) {
                        let resource = match text(&object, "/kind") {
                            "HelmRepository" => CHART_SOURCES,
                            "HelmChart" => CHARTS,
                            _ => RELEASES,
                        };
                        cluster.create(resource, old(object));
                    }
                    for object in &inventory {
                        let Some(resource) = resource_of(object) else { continue };
                        cluster.update(resource, namespace(object), name(object), |o| {
                            set(o, &["metadata", "labels", "helm.toolkit.fluxcd.io/name"], json!(app.name));
                            set(
                                o,
                                &["metadata", "labels", "helm.toolkit.fluxcd.io/namespace"],
                                json!(env.namespace()),
                            );
                            set(
                                o,
                                &["metadata", "annotations", "meta.helm.sh/release-name"],
                                json!(app.name),
                            );
                            set(
                                o,
                                &["metadata", "annotations", "meta.helm.sh/release-namespace"],
                                json!(env.namespace()),
                            );
                        });
                    }
                }
                Way::Argo => {}
            }
        }
    }
}

/// Gives a live object the labels of the Kustomization that brings it.
fn own_by(cluster: &mut Cluster, object: &Value, own: &str) {
    let Some(resource) = resource_of(object) else { return };
    cluster.update(resource, namespace(object), name(object), |o| {
        for (key, value) in labels(own) {
            set(o, &["metadata", "labels", key], json!(value));
        }
    });
}

fn labels(own: &str) -> [(&'static str, &str); 2] {
    [("kustomize.toolkit.fluxcd.io/name", own), ("kustomize.toolkit.fluxcd.io/namespace", NAMESPACE)]
}

fn kustomization(app: &App, env: Env) -> Value {
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": plan::name_of(app, env), "namespace": NAMESPACE, "generation": 1,
                     "finalizers": ["finalizers.fluxcd.io"]},
        "spec": {
            "interval": "10m0s", "timeout": "3m0s", "prune": true, "wait": true, "force": false,
            "path": format!("./{}", files::path(app, env)), "targetNamespace": env.namespace(),
            "sourceRef": {"kind": "GitRepository", "name": SOURCE},
            // Somebody stopped it in staging and did not come back.
            "suspend": env == Env::Staging,
        },
    })
}

/// A chart's repository, the chart taken from it, and its release.
fn helm(app: &App, env: Env, inventory: &[Value], applied: &str, now: &str) -> [Value; 3] {
    let release = app.release(env);
    let (host, ns) = ("https://charts.shop.example/platform", env.namespace());
    let chart = format!("{NAMESPACE}-{}", app.name);
    let digest = crate::demo::seed::image_digest(&format!("{chart}:{release}"));
    let good = |message: String, reason: &str, at: &str| {
        json!([{"type": "Ready", "status": "True", "reason": reason, "message": message, "observedGeneration": 1,
                "lastTransitionTime": at}])
    };
    let entries: Vec<Value> = inventory.iter().map(inventory_entry).collect();
    [
        json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "HelmRepository",
            "metadata": {"name": "platform", "namespace": NAMESPACE, "generation": 1},
            "spec": {"url": host, "interval": "30m0s"},
            "status": {"observedGeneration": 1, "url": format!("{host}/index.yaml"),
                       "artifact": {"revision": digest, "digest": digest, "lastUpdateTime": now, "size": 41_208,
                                    "path": "helmrepository/flux-system/platform/index.yaml", "url": "http://source-controller.flux-system.svc.cluster.local./helmrepository/flux-system/platform/index.yaml"},
                       "conditions": good(format!("stored artifact: revision '{digest}'"), "Succeeded", applied)},
        }),
        json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "HelmChart",
            "metadata": {"name": format!("{ns}-{}", app.name), "namespace": NAMESPACE, "generation": 1},
            "spec": {"chart": app.name, "version": release, "interval": "30m0s", "reconcileStrategy": "ChartVersion",
                     "sourceRef": {"kind": "HelmRepository", "name": "platform"}},
            "status": {"observedGeneration": 1, "observedChartName": app.name, "observedSourceArtifactRevision": digest,
                       "artifact": {"revision": release, "digest": digest, "lastUpdateTime": applied, "size": 18_012,
                                    "path": format!("helmchart/flux-system/{ns}-{}/{release}.tgz", app.name),
                                    "url": format!("http://source-controller.flux-system.svc.cluster.local./helmchart/flux-system/{ns}-{}/{release}.tgz", app.name)},
                       "conditions": good(format!("pulled '{}' chart with version '{release}'", app.name), "ChartPullSucceeded", applied)},
        }),
        json!({
            "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
            "metadata": {"name": app.name, "namespace": ns, "generation": 1, "finalizers": ["finalizers.fluxcd.io"]},
            "spec": {"interval": "30m0s", "releaseName": app.name, "driftDetection": {"mode": "warn"},
                     "chart": {"spec": {"chart": app.name, "version": release, "interval": "30m0s",
                                        "sourceRef": {"kind": "HelmRepository", "name": "platform", "namespace": NAMESPACE}}},
                     "values": {"image": {"tag": release}}},
            "status": {
                "observedGeneration": 1, "helmChart": format!("{NAMESPACE}/{ns}-{}", app.name), "storageNamespace": ns,
                "lastAttemptedGeneration": 1, "lastAttemptedRevision": release, "lastAttemptedReleaseAction": "install",
                "lastAttemptedConfigDigest": digest, "inventory": {"entries": entries},
                "history": [{"name": app.name, "namespace": ns, "version": 1, "status": "deployed", "chartName": app.name,
                             "chartVersion": release, "appVersion": release, "configDigest": digest, "digest": digest,
                             "firstDeployed": applied, "lastDeployed": applied}],
                "conditions": [
                    {"type": "Ready", "status": "True", "reason": "InstallSucceeded", "observedGeneration": 1, "lastTransitionTime": applied,
                     "message": format!("Helm install succeeded for release {ns}/{}.v1 with chart {}@{release}", app.name, app.name)},
                    {"type": "Released", "status": "True", "reason": "InstallSucceeded", "observedGeneration": 1, "lastTransitionTime": applied,
                     "message": format!("Helm install succeeded for release {ns}/{}.v1 with chart {}@{release}", app.name, app.name)}],
            },
        }),
    ]
}

/// The present revision as Flux writes it.
fn revision(repository: &Repository) -> String {
    format!("{BRANCH}@sha1:{}", repository.head())
}

fn wanted(repository: &Repository, app: &App, env: Env) -> Result<Vec<Value>, String> {
    render::render(&repository.tree(repository.head()).unwrap_or_default(), &files::path(app, env))
}

fn inventory_entry(object: &Value) -> Value {
    let (group, version) = group_version(object);
    json!({"id": format!("{}_{}_{group}_{}", namespace(object), name(object), text(object, "/kind")), "v": version})
}

/// The artifact of the present commit is there.
fn fetched(cluster: &mut Cluster, repository: &Repository, stamp: &str, asked: Option<&str>) {
    let revision = revision(repository);
    let digest = crate::demo::seed::image_digest(&revision);
    let path = format!("gitrepository/{NAMESPACE}/{SOURCE}/{}.tar.gz", repository.head());
    cluster.update(GIT, NAMESPACE, SOURCE, |g| {
        let generation = int(g, "/metadata/generation").max(1);
        set(g, &["status", "observedGeneration"], json!(generation));
        if let Some(asked) = asked {
            set(g, &["status", "lastHandledReconcileAt"], json!(asked));
        }
        if text(g, "/status/artifact/revision") != revision {
            let base = "http://source-controller.flux-system.svc.cluster.local.";
            set(
                g,
                &["status", "artifact"],
                json!({"revision": revision, "digest": digest, "lastUpdateTime": stamp,
                "size": 61_440, "path": path, "url": format!("{base}/{path}")}),
            );
        }
        let message = format!("stored artifact for revision '{revision}'");
        for kind in ["Ready", "ArtifactInStorage"] {
            set_condition(g, kind, "True", "Succeeded", &message, stamp, &[]);
            observed(g, kind, generation);
        }
    });
}

/// Flux' conditions say of which generation they are.
fn observed(object: &mut Value, kind: &str, generation: i64) {
    let list = object.pointer_mut("/status/conditions").and_then(Value::as_array_mut);
    for found in list.into_iter().flatten().filter(|c| text(c, "/type") == kind) {
        found["observedGeneration"] = json!(generation);
    }
}

/// A Kustomization has applied a revision and all is well.
fn ready(
    cluster: &mut Cluster,
    own: &str,
    revision: &str,
    inventory: &[Value],
    stamp: &str,
    asked: Option<&str>,
) {
    let entries: Vec<Value> = inventory.iter().map(inventory_entry).collect();
    cluster.update(KUSTOMIZATIONS, NAMESPACE, own, |k| {
        let generation = int(k, "/metadata/generation").max(1);
        set(k, &["status", "observedGeneration"], json!(generation));
        set(k, &["status", "lastAppliedRevision"], json!(revision));
        set(k, &["status", "lastAttemptedRevision"], json!(revision));
        set(k, &["status", "inventory"], json!({"entries": entries}));
        if let Some(asked) = asked {
            set(k, &["status", "lastHandledReconcileAt"], json!(asked));
        }
        drop_condition(k, "Reconciling");
        let message = format!("Applied revision: {revision}");
        set_condition(k, "Ready", "True", "ReconciliationSucceeded", &message, stamp, &[]);
        set_condition(k, "Healthy", "True", "Succeeded", "Health check passed", stamp, &[]);
        for kind in ["Ready", "Healthy"] {
            observed(k, kind, generation);
        }
    });
}

/// Looks at Git for its GitRepository; Kustomizations hear of a new artifact.
pub fn look_at_source(hands: &mut Hands<'_>, due: bool) {
    let Some(source) = hands.clusters[CLUSTER].store.get(GIT, NAMESPACE, SOURCE) else { return };
    let asked = entry(&source, "/metadata/annotations", REQUESTED).to_owned();
    let handled = text(&source, "/status/lastHandledReconcileAt");
    let requested = !asked.is_empty() && asked != handled;
    if due {
        hands.after(INTERVALS[0], Task::FluxSource);
    }
    if flag(&source, "/spec/suspend") || !(due || requested) {
        return;
    }
    if requested {
        hands.poll();
    }
    let before = text(&source, "/status/artifact/revision").to_owned();
    let stamp = hands.stamp(CLUSTER);
    fetched(&mut hands.clusters[CLUSTER], hands.repository, &stamp, requested.then_some(asked.as_str()));
    if before != revision(hands.repository) {
        for own in kustomizations(hands) {
            hands.after(BUILD, Task::FluxApply(own));
        }
    }
}

/// The names of the Kustomizations.
pub fn kustomizations(hands: &Hands<'_>) -> Vec<String> {
    let all = hands.clusters[CLUSTER].store.keys(KUSTOMIZATIONS);
    all.into_iter().filter(|(ns, _)| ns == NAMESPACE).map(|(_, own)| own).collect()
}

/// A Kustomization was changed or asked to look.
pub fn look_at(hands: &mut Hands<'_>, own: &str) {
    let Some(object) = hands.clusters[CLUSTER].store.get(KUSTOMIZATIONS, NAMESPACE, own) else { return };
    if crate::demo::json::deleting(&object) {
        hands.clusters[CLUSTER].update(KUSTOMIZATIONS, NAMESPACE, own, |k| {
            crate::demo::json::unset(k, &["metadata", "finalizers"]);
        });
        return;
    }
    let asked = entry(&object, "/metadata/annotations", REQUESTED);
    let requested = !asked.is_empty() && asked != text(&object, "/status/lastHandledReconcileAt");
    let changed = int(&object, "/metadata/generation") != int(&object, "/status/observedGeneration");
    let busy = condition(&object, "Reconciling").is_some();
    if flag(&object, "/spec/suspend") || busy || !(requested || changed) {
        return;
    }
    hands.after(BUILD, Task::FluxApply(own.to_owned()));
    let stamp = hands.stamp(CLUSTER);
    let revision = source_revision(hands);
    waiting(
        hands,
        own,
        &format!("Fetching manifests for revision {revision} with a timeout of 3m0s"),
        &stamp,
    );
}

/// The revision of the artifact that is there, and its commit.
fn source_revision(hands: &Hands<'_>) -> String {
    let source = hands.clusters[CLUSTER].store.get(GIT, NAMESPACE, SOURCE).unwrap_or_default();
    text(&source, "/status/artifact/revision").to_owned()
}

fn waiting(hands: &mut Hands<'_>, own: &str, message: &str, stamp: &str) {
    hands.clusters[CLUSTER].update(KUSTOMIZATIONS, NAMESPACE, own, |k| {
        let generation = int(k, "/metadata/generation").max(1);
        set_condition(k, "Reconciling", "True", "Progressing", message, stamp, &[]);
        set_condition(k, "Ready", "Unknown", "Progressing", "Reconciliation in progress", stamp, &[]);
        for kind in ["Reconciling", "Ready"] {
            observed(k, kind, generation);
        }
    });
}

fn failed(hands: &mut Hands<'_>, own: &str, reason: &str, message: &str, revision: &str) {
    let stamp = hands.stamp(CLUSTER);
    hands.clusters[CLUSTER].update(KUSTOMIZATIONS, NAMESPACE, own, |k| {
        let generation = int(k, "/metadata/generation").max(1);
        set(k, &["status", "observedGeneration"], json!(generation));
        set(k, &["status", "lastAttemptedRevision"], json!(revision));
        let asked = entry(k, "/metadata/annotations", REQUESTED).to_owned();
        if !asked.is_empty() {
            set(k, &["status", "lastHandledReconcileAt"], json!(asked));
        }
        set_condition(k, "Reconciling", "True", "ProgressingWithRetry", message, &stamp, &[]);
        set_condition(k, "Ready", "False", reason, message, &stamp, &[]);
        for kind in ["Reconciling", "Ready"] {
            observed(k, kind, generation);
        }
    });
}

/// Applies the artifact that is there.
pub fn apply(hands: &mut Hands<'_>, own: &str) {
    let Some(object) = hands.clusters[CLUSTER].store.get(KUSTOMIZATIONS, NAMESPACE, own) else { return };
    if flag(&object, "/spec/suspend") || crate::demo::json::deleting(&object) {
        return;
    }
    let revision = source_revision(hands);
    let sha = revision.rsplit_once(':').map_or("", |(_, sha)| sha).to_owned();
    let tree = hands.repository.tree(&sha).unwrap_or_default();
    let wanted = match render::render(&tree, text(&object, "/spec/path")) {
        Ok(wanted) => wanted,
        Err(said) => {
            let said = said.rsplit_once("Error: ").map_or(said.as_str(), |(_, tail)| tail).to_owned();
            return failed(hands, own, "BuildFailed", &format!("kustomize build failed: {said}"), &revision);
        }
    };
    let to = text(&object, "/spec/targetNamespace").to_owned();
    let cluster = &mut hands.clusters[CLUSTER];
    for object in &wanted {
        let Some(resource) = resource_of(object) else { continue };
        let mut object = object.clone();
        if !to.is_empty() {
            set(&mut object, &["metadata", "namespace"], json!(to));
        }
        for (key, value) in labels(own) {
            set(&mut object, &["metadata", "labels", key], json!(value));
        }
        match cluster.store.get(resource, namespace(&object), name(&object)) {
            None => {
                cluster.create(resource, object);
            }
            Some(live) if compare::differs(&object, &live) => {
                let (ns, own) = (namespace(&object).to_owned(), name(&object).to_owned());
                cluster.update(resource, &ns, &own, |live| compare::apply(live, &object));
            }
            Some(_) => {}
        }
    }
    let stamp = hands.stamp(CLUSTER);
    waiting(
        hands,
        own,
        &format!("Running health checks for revision {revision} with a timeout of 2m30s"),
        &stamp,
    );
    let end = hands.now + TIMEOUT;
    hands.after(Duration::from_millis(100), Task::FluxCheck(own.to_owned(), end));
}

/// Looks whether what was applied is well.
pub fn check(hands: &mut Hands<'_>, own: &str, end: Duration) {
    let Some(object) = hands.clusters[CLUSTER].store.get(KUSTOMIZATIONS, NAMESPACE, own) else { return };
    let revision = source_revision(hands);
    let sha = revision.rsplit_once(':').map_or("", |(_, sha)| sha).to_owned();
    let tree = hands.repository.tree(&sha).unwrap_or_default();
    let Ok(wanted) = render::render(&tree, text(&object, "/spec/path")) else { return };
    let cluster = &hands.clusters[CLUSTER];
    let ill = wanted.iter().find(|object| {
        let live = resource_of(object).and_then(|r| cluster.store.get(r, namespace(object), name(object)));
        live.as_ref()
            .and_then(compare::health)
            .is_some_and(|(health, _)| matches!(health, "Progressing" | "Degraded"))
    });
    if let Some(ill) = ill {
        if hands.now >= end {
            let said = format!(
                "health check failed after 3m0s: timeout waiting for: [{}/{}/{} status: 'InProgress']",
                text(ill, "/kind"),
                namespace(ill),
                name(ill)
            );
            return failed(hands, own, "HealthCheckFailed", &said, &revision);
        }
        return hands.after(CHECK, Task::FluxCheck(own.to_owned(), end));
    }
    let stamp = hands.stamp(CLUSTER);
    let asked = entry(&object, "/metadata/annotations", REQUESTED).to_owned();
    let asked = Some(asked).filter(|a| !a.is_empty());
    ready(&mut hands.clusters[CLUSTER], own, &revision, &wanted, &stamp, asked.as_deref());
}

/// The timers that Flux begins with.
pub fn timers(hands: &mut Hands<'_>) {
    hands.after(INTERVALS[0] / 2, Task::FluxSource);
    for own in kustomizations(hands) {
        hands.after(INTERVALS[1], Task::FluxInterval(own));
    }
}

/// It is time to hold what runs against Git.
pub fn interval(hands: &mut Hands<'_>, own: &str) {
    hands.after(INTERVALS[1], Task::FluxInterval(own.to_owned()));
    apply(hands, own);
}
