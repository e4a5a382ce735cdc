//! Who delivers what: the Applications of each app and environment, their projects and sets, and what Git was told, by
//! whom, since when. Tables and builders; nothing here looks at a cluster.
//!
//! The production cluster's Argo CD is a hub: it delivers production beside itself and staging on the other cluster. The
//! k3s cluster has one of its own for development, and Flux for two apps.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::files;
use super::git::{BRANCH, Repository};
use crate::demo::clock::{seconds, shift};
use crate::demo::seed::Seed;
use crate::demo::world::apps::{APPS, App, Env, app};
use crate::demo::world::clusters::SITES;
use crate::demo::world::release_age;

/// Says in which order the objects of an app are applied.
pub const WAVE: &str = "argocd.argoproj.io/sync-wave";
/// Where Argo CD lives.
pub const ARGOCD: &str = "argocd";
/// The project of the shop's Applications.
pub const PROJECT: &str = "shop";
/// Argo CD's name for the cluster that it runs in.
pub const IN_CLUSTER: &str = "https://kubernetes.default.svc";
/// How long after a commit it is rolled out, in seconds.
const LEAD: f64 = 4.0;
/// The people who commit.
const PEOPLE: [&str; 4] = ["Maria", "Jonas", "Aisha", "Tomasz"];
/// The Application whose objects somebody changed by hand: Git wants this many replicas.
pub const DRIFTED: (&str, Env, i64) = ("media", Env::Production, 4);
/// How long ago that was, in seconds.
pub const DRIFTED_AGE: f64 = 3.0 * 3600.0;
/// The Application whose new release waits for a window.
pub const HELD: (&str, Env, &str) = ("catalog", Env::Staging, "3.13.0");
/// The Application whose folder does not render.
pub const BROKEN: (&str, Env) = ("recommendations", Env::Development);

/// What brings an app to an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// An Application of Argo CD.
    Argo,
    /// A Kustomization of Flux.
    Kustomization,
    /// A HelmRelease of Flux.
    Helm,
}

/// What brings an app to an environment.
pub fn way(app: &App, env: Env) -> Way {
    match (app.name, env) {
        ("mailer", Env::Development | Env::Staging) => Way::Kustomization,
        ("gateway", Env::Development) => Way::Helm,
        _ => Way::Argo,
    }
}

/// The place in the list of clusters of the Argo CD that delivers to an environment.
pub fn control_plane(env: Env) -> usize {
    match env {
        Env::Development => 0,
        Env::Staging | Env::Production => 1,
    }
}

/// The place in the list of clusters of an environment.
pub fn cluster_of(env: Env) -> usize {
    SITES.iter().position(|site| site.envs.contains(&env)).unwrap_or(0)
}

/// The class of an environment's Ingresses.
pub fn ingress_class(env: Env) -> &'static str {
    SITES[cluster_of(env)].ingress_class
}

/// What an environment's Applications end with.
fn short(env: Env) -> &'static str {
    match env {
        Env::Development => "dev",
        Env::Staging => "stg",
        Env::Production => "prod",
    }
}

/// An Application's name.
pub fn name_of(app: &App, env: Env) -> String {
    format!("{}-{}", app.name, short(env))
}

/// Who committed something, always the same for the same.
pub fn person(seed: Seed, what: &str) -> &'static str {
    seed.of("person").of(what).pick(&PEOPLE).copied().unwrap_or("Maria")
}

/// The message of the commit that brings a release.
pub fn message(app: &App, env: Env, release: &str) -> String {
    format!("{}: {release} in {}", app.name, files::folder_of(env))
}

/// The message of the very first commit.
pub const FIRST: &str = "The shop's manifests";

/// Tells Git the past: when each release was promoted, by whom. `seeds` are those of the clusters.
pub fn past(repository: &mut Repository, seed: Seed, seeds: &[Seed], zero: Timestamp) {
    let all = APPS.iter().flat_map(|app| Env::ALL.into_iter().map(move |env| (app, env)));
    let first = all.clone().flat_map(|(app, env)| files::first(app, env)).collect();
    repository.add("Tomasz", shift(zero, -95.0 * 86_400.0), FIRST, first);
    enum Deed {
        Release(&'static App, Env, &'static str),
        Broken,
    }
    let mut deeds: Vec<(f64, Deed)> = Vec::new();
    for (app, env) in all {
        for (n, (release, _)) in app.history[env.index()].iter().enumerate().skip(1) {
            let age = release_age(seeds[cluster_of(env)], app, env, n) as f64;
            deeds.push((age + LEAD, Deed::Release(app, env, release)));
        }
    }
    if let Some(held) = app(HELD.0) {
        deeds.push((1_810.0, Deed::Release(held, HELD.1, HELD.2)));
    }
    deeds.push((7_300.0, Deed::Broken));
    deeds.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (age, deed) in deeds {
        let at = shift(zero, -age);
        match deed {
            Deed::Release(app, env, release) => {
                let current = repository.file(&files::kustomization_path(app, env));
                let message = message(app, env, release);
                let changes = files::release(app, env, release, current.as_ref());
                repository.add(person(seed, &message), at, &message, changes);
            }
            Deed::Broken => {
                let Some(app) = app(BROKEN.0) else { continue };
                let path = files::kustomization_path(app, BROKEN.1);
                let Some(current) = repository.file(&path) else { continue };
                let changed: Arc<str> =
                    current.replace("resources:\n", "resources:\n  - analysis.yaml\n").into();
                let message = "recommendations: an analysis for the canary";
                repository.add(person(seed, message), at, message, vec![(path, Some(changed))]);
            }
        }
    }
    repository.write();
}

/// The commit that brought an environment the release of an app that runs there when the story begins.
pub fn deployed<'a>(repository: &'a Repository, app: &App, env: Env) -> &'a str {
    brought(repository, app, env, app.history[env.index()].len().saturating_sub(1))
}

/// The commit that brought an app's n-th release to an environment.
fn brought<'a>(repository: &'a Repository, app: &App, env: Env, n: usize) -> &'a str {
    let release = app.history[env.index()].get(n).map_or("", |(release, _)| release);
    let message = if n == 0 { FIRST.to_owned() } else { message(app, env, release) };
    repository.commit_named(&message).map_or("", |c| &c.sha)
}

/// The projects of a control plane.
pub fn projects(control_plane: usize, url: &str, zero: Timestamp) -> Vec<Value> {
    let envs: Vec<Env> =
        Env::ALL.into_iter().filter(|env| self::control_plane(*env) == control_plane).collect();
    let destinations: Vec<Value> = envs.iter().map(|env| destination(*env)).collect();
    let mut shop = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
        "metadata": {"name": PROJECT, "namespace": ARGOCD},
        "spec": {
            "description": "The shop",
            "sourceRepos": [url],
            "destinations": destinations,
            "clusterResourceWhitelist": [{"group": "", "kind": "Namespace"}],
            "namespaceResourceBlacklist": [{"group": "", "kind": "ResourceQuota"}],
            "orphanedResources": {"warn": false},
            "roles": [{"name": "release", "description": "May sync", "groups": ["shop-release"],
                       "policies": [format!("p, proj:{PROJECT}:release, applications, sync, {PROJECT}/*, allow")]}],
        },
    });
    if control_plane == self::control_plane(HELD.1) {
        let held = app(HELD.0).map(|app| name_of(app, HELD.1)).unwrap_or_default();
        // It began three hours before the story, so that it is closed whenever the demo is started.
        let zone = TimeZone::get("Europe/Berlin").unwrap_or(TimeZone::UTC);
        let hour = shift(zero, -3.0 * 3600.0).to_zoned(zone).hour();
        shop["spec"]["syncWindows"] = json!([
            {"kind": "allow", "schedule": "0 9 * * 1-5", "duration": "8h", "timeZone": "Europe/Berlin",
             "applications": ["payments-prod"], "manualSync": true,
             "description": "Payments are released in office hours"},
            {"kind": "deny", "schedule": format!("0 {hour} * * *"), "duration": "9h", "timeZone": "Europe/Berlin",
             "applications": [held], "description": "Load tests want the catalog to stay as it is"},
        ]);
    }
    let default = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
        "metadata": {"name": "default", "namespace": ARGOCD},
        "spec": {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}],
                 "clusterResourceWhitelist": [{"group": "*", "kind": "*"}]},
    });
    vec![default, shop]
}

/// Where an environment's objects go, as its control plane names it.
fn destination(env: Env) -> Value {
    if control_plane(env) == cluster_of(env) {
        json!({"server": IN_CLUSTER, "namespace": env.namespace()})
    } else {
        json!({"name": SITES[cluster_of(env)].name, "namespace": env.namespace()})
    }
}

/// The Secret by which the hub knows the other cluster.
pub fn cluster_secret() -> Value {
    let edge = &SITES[0];
    let coded = |text: &str| json!(crate::demo::world::objects::base64(text.as_bytes()));
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": format!("cluster-{}", edge.name), "namespace": ARGOCD,
                     "labels": {"argocd.argoproj.io/secret-type": "cluster"}},
        "data": {"name": coded(edge.name), "server": coded("https://192.168.20.11:6443"), "config": coded("{}")},
    })
}

/// The ApplicationSet of an environment.
pub fn application_set(env: Env, url: &str, stamp: &str) -> Value {
    let apps: Vec<Value> = APPS
        .iter()
        .filter(|app| way(app, env) == Way::Argo && owned(app, env))
        .map(|app| json!({"app": app.name}))
        .collect();
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet",
        "metadata": {"name": set_name(env), "namespace": ARGOCD},
        "spec": {
            "goTemplate": true, "goTemplateOptions": ["missingkey=error"],
            "generators": [{"list": {"elements": apps}}],
            "template": {
                "metadata": {"name": format!("{{{{.app}}}}-{}", short(env))},
                "spec": {
                    "project": PROJECT, "destination": destination(env),
                    "source": {"repoURL": url, "targetRevision": BRANCH,
                               "path": format!("environments/{}/{{{{.app}}}}", files::folder_of(env))},
                    "syncPolicy": {"automated": {"prune": true}},
                },
            },
        },
        "status": {"conditions": [
            {"type": "ErrorOccurred", "status": "False", "reason": "ApplicationSetUpToDate", "lastTransitionTime": stamp,
             "message": "All applications have been generated successfully"},
            {"type": "ParametersGenerated", "status": "True", "reason": "ParametersGenerated", "lastTransitionTime": stamp,
             "message": "Successfully generated parameters for all Applications"},
            {"type": "ResourcesUpToDate", "status": "True", "reason": "ApplicationSetUpToDate", "lastTransitionTime": stamp,
             "message": "All applications have been generated successfully"}]},
    })
}

/// An ApplicationSet's name.
pub fn set_name(env: Env) -> String {
    format!("shop-{}", files::folder_of(env))
}

/// Whether an ApplicationSet made it; one was made by hand.
pub fn owned(app: &App, env: Env) -> bool {
    !(app.name == "checkout" && env == Env::Production)
}

/// An Application as its set, or a person, wrote it, with the history of what it brought.
pub fn application(app: &App, env: Env, repository: &Repository, seeds: &[Seed], zero: Timestamp) -> Value {
    let source =
        json!({"repoURL": repository.url(), "targetRevision": BRANCH, "path": files::path(app, env)});
    let mut policy = json!({"automated": {"prune": true}, "syncOptions": ["CreateNamespace=false"]});
    match (app.name, env) {
        ("checkout", Env::Production) => policy["automated"] = Value::Null,
        ("accounts", _) | ("search", Env::Development) => policy["automated"]["selfHeal"] = json!(true),
        _ => {}
    }
    let history = app.history[env.index()];
    let entry = |n: usize| {
        let age = release_age(seeds[cluster_of(env)], app, env, n) as f64;
        json!({
            "id": n, "revision": brought(repository, app, env, n), "source": source,
            "deployStartedAt": seconds(shift(zero, -age - 2.0)), "deployedAt": seconds(shift(zero, -age)),
            "initiatedBy": {"automated": true},
        })
    };
    let entries: Vec<Value> = (0..history.len()).map(entry).collect();
    let last = entries.last().cloned().unwrap_or_default();
    let age = release_age(seeds[cluster_of(env)], app, env, history.len().saturating_sub(1)) as f64;
    let annotations = json!({"argocd.argoproj.io/manifest-generate-paths": "."});
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {
            "name": name_of(app, env), "namespace": ARGOCD, "annotations": annotations,
            "labels": {"app.kubernetes.io/part-of": "shop", "environment": env.short()},
            "finalizers": ["resources-finalizer.argocd.argoproj.io"],
        },
        "spec": {"project": PROJECT, "source": source, "destination": destination(env), "syncPolicy": policy},
        "status": {
            "history": entries,
            "health": {"status": "Healthy", "lastTransitionTime": seconds(shift(zero, -age + 40.0))},
            "operationState": {
                "phase": "Succeeded", "message": "successfully synced (all tasks run)",
                "startedAt": last["deployStartedAt"], "finishedAt": last["deployedAt"],
                "operation": {"initiatedBy": {"automated": true}, "retry": {"limit": 5},
                              "sync": {"prune": true, "revision": last["revision"], "syncOptions": ["CreateNamespace=false"]}},
                "syncResult": {"revision": last["revision"], "source": source, "resources": []},
            },
        },
    })
}
