//! What the shop's apps look like in Git: a folder for each environment and app, with manifests and a
//! kustomization.yaml that names the image's tag. Text only; `render` reads it again, as a person's kustomize does.

use std::sync::Arc;

use serde_json::{Value, json};

use super::git::Change;
use crate::demo::json::{name, set, text, unset};
use crate::demo::world::apps::{App, Env, Shape};
use crate::demo::world::objects;

/// The label that follows the image's tag.
const VERSION: &str = "app.kubernetes.io/version";
/// What an image's name begins with.
const REGISTRY: &str = "registry.example/";

/// The folder of an environment.
pub fn folder_of(env: Env) -> &'static str {
    match env {
        Env::Development => "development",
        Env::Staging => "staging",
        Env::Production => "production",
    }
}

/// The folder of an app in an environment.
pub fn path(app: &App, env: Env) -> String {
    format!("environments/{}/{}", folder_of(env), app.name)
}

/// The file whose tag a promotion changes.
pub fn kustomization_path(app: &App, env: Env) -> String {
    format!("{}/kustomization.yaml", path(app, env))
}

/// An app's files when it came to an environment, with the first release that ran there.
pub fn first(app: &App, env: Env) -> Vec<Change> {
    let folder = path(app, env);
    let release = app.history[env.index()].first().map_or("", |(r, _)| r);
    let manifests: Vec<(String, Value)> =
        manifests(app, env, release).into_iter().map(|m| (file_name(&m), m)).collect();
    let names: Vec<&str> = manifests.iter().map(|(file, _)| file.as_str()).collect();
    let mut files =
        vec![(format!("{folder}/kustomization.yaml"), Some(kustomization(app, env, release, &names)))];
    for (file, manifest) in &manifests {
        files.push((format!("{folder}/{file}"), Some(yaml(manifest))));
    }
    files
}

/// The change that brings a release: the tag, or, of a blue/green pair, the green half and the Service's colour.
pub fn release(app: &App, env: Env, release: &str, current: Option<&Arc<str>>) -> Vec<Change> {
    if app.shape == Shape::BlueGreen {
        let folder = path(app, env);
        let green = strip(objects::deployment(app, env, release, Some("green")), false);
        let mut files = vec![(format!("{folder}/{}", file_name(&green)), Some(yaml(&green)))];
        let names = [
            "serviceaccount.yaml",
            "configmap.yaml",
            "service.yaml",
            "service-preview.yaml",
            "deployment-blue.yaml",
            "deployment-green.yaml",
            "poddisruptionbudget.yaml",
        ];
        files.push((kustomization_path(app, env), Some(kustomization(app, env, release, &names))));
        return files;
    }
    let Some(current) = current else { return Vec::new() };
    let retagged: String = current
        .lines()
        .map(|line| match line.trim_start().strip_prefix("newTag:") {
            Some(_) => format!("{}newTag: \"{release}\"\n", &line[..line.len() - line.trim_start().len()]),
            None => format!("{line}\n"),
        })
        .collect();
    vec![(kustomization_path(app, env), Some(retagged.into()))]
}

/// An object as YAML.
pub fn yaml(object: &Value) -> Arc<str> {
    serde_saphyr::to_string(object).unwrap_or_else(|_| object.to_string()).into()
}

/// The manifests of an app, as `kustomize` will read them: no namespace, no tag, nothing that servers fill in.
fn manifests(app: &App, env: Env, release: &str) -> Vec<Value> {
    let mut all = vec![objects::service_account(app, env, release), objects::config_map(app, env, release)];
    if app.port != 0 {
        let live =
            (app.shape == Shape::BlueGreen).then_some(if env == Env::Production { "blue" } else { "green" });
        all.push(objects::service(app, env, release, app.name, live, false, ""));
        if app.shape == Shape::StatefulSet {
            all.push(objects::service(app, env, release, &format!("{}-headless", app.name), None, true, ""));
        }
        if let Some(live) = live {
            let standby = if live == "blue" { "green" } else { "blue" };
            let own = format!("{}-preview", app.name);
            all.push(objects::service(app, env, release, &own, Some(standby), false, ""));
        }
    }
    let pair = app.shape == Shape::BlueGreen;
    let mut all: Vec<Value> = all.into_iter().map(|m| strip(m, true)).collect();
    all.push(match app.shape {
        Shape::Deployment => {
            let mut object = objects::deployment(app, env, release, None);
            if env == Env::Production && app.autoscaled.is_some() {
                unset(&mut object, &["spec", "replicas"]);
            }
            let (drifted, in_env, replicas) = super::plan::DRIFTED;
            if (app.name, env) == (drifted, in_env) {
                set(&mut object, &["spec", "replicas"], json!(replicas));
            }
            strip(object, true)
        }
        Shape::BlueGreen => strip(objects::deployment(app, env, release, Some("blue")), false),
        Shape::StatefulSet => strip(objects::stateful_set(app, env, release), true),
        Shape::DaemonSet => strip(objects::daemon_set(app, env, release), true),
        Shape::CronJob => strip(objects::cron_job(app, env, release), true),
        Shape::Rollout => strip(objects::rollout(app, env, release), true),
    });
    let mut last = Vec::new();
    if app.guarded {
        last.push(objects::disruption_budget(app, env, release));
    }
    if let Some((max, target)) = app.autoscaled
        && env == Env::Production
    {
        last.push(objects::autoscaler(app, env, release, max, target));
    }
    if app.public {
        let mut ingress = objects::ingress(app, env, release, super::plan::ingress_class(env), "");
        // It is opened when the pods behind it are well.
        set(&mut ingress, &["metadata", "annotations", super::plan::WAVE], json!("1"));
        last.push(ingress);
    }
    all.extend(last.into_iter().map(|m| strip(m, true)));
    if pair {
        // The first commit knows one half; the second comes with its release.
        all.retain(|m| name(m) != format!("{}-green", app.name));
    }
    all
}

/// Takes away what is not written by hand; `tagless`: the version is kustomize's business.
fn strip(mut object: Value, tagless: bool) -> Value {
    for path in [&["status"][..], &["metadata", "namespace"], &["spec", "clusterIPs"]] {
        unset(&mut object, path);
    }
    if text(&object, "/spec/clusterIP") != "None" {
        unset(&mut object, &["spec", "clusterIP"]);
    }
    if object
        .pointer("/metadata/annotations")
        .and_then(Value::as_object)
        .is_some_and(serde_json::Map::is_empty)
    {
        unset(&mut object, &["metadata", "annotations"]);
    }
    let workload = template_path(text(&object, "/kind")).is_some();
    if tagless || !workload {
        unset(&mut object, &["metadata", "labels", VERSION]);
    }
    if let Some(template) = template_path(text(&object, "/kind")).filter(|_| tagless) {
        if template.len() > 2 {
            unset(&mut object, &["spec", "jobTemplate", "metadata", "labels", VERSION]);
        }
        let mut labels = template.to_vec();
        labels.extend(["metadata", "labels", VERSION]);
        unset(&mut object, &labels);
        let pointer = format!("/{}/spec", template.join("/"));
        for list in ["containers", "initContainers"] {
            let found = object.pointer_mut(&format!("{pointer}/{list}")).and_then(Value::as_array_mut);
            for container in found.into_iter().flatten() {
                let image = text(container, "/image").to_owned();
                if let Some((bare, _)) = image.rsplit_once(':').filter(|(bare, _)| follows_the_tag(bare)) {
                    container["image"] = json!(bare);
                }
            }
        }
    }
    object
}

/// Whether an image is built with the app; what is injected has a version of its own.
fn follows_the_tag(image: &str) -> bool {
    image.strip_prefix(REGISTRY).is_some_and(|rest| !rest.contains('/'))
}

/// Where a kind has its pod template.
pub fn template_path(kind: &str) -> Option<&'static [&'static str]> {
    match kind {
        "Deployment" | "StatefulSet" | "DaemonSet" | "Rollout" | "ReplicaSet" | "Job" => {
            Some(&["spec", "template"])
        }
        "CronJob" => Some(&["spec", "jobTemplate", "spec", "template"]),
        _ => None,
    }
}

fn file_name(manifest: &Value) -> String {
    let kind = text(manifest, "/kind").to_lowercase();
    match name(manifest).rsplit_once('-').map(|(_, tail)| tail) {
        Some(tail @ ("headless" | "preview" | "blue" | "green")) => format!("{kind}-{tail}.yaml"),
        _ => format!("{kind}.yaml"),
    }
}

/// A kustomization.yaml as a person writes it.
fn kustomization(app: &App, env: Env, release: &str, files: &[&str]) -> Arc<str> {
    let mut out = format!(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: {}\nresources:\n",
        env.namespace()
    );
    for file in files {
        out.push_str(&format!("  - {file}\n"));
    }
    if app.shape == Shape::BlueGreen {
        return out.into();
    }
    out.push_str("images:\n");
    let mut images = vec![format!("{REGISTRY}{}", app.name)];
    if app.migrates {
        images.push(format!("{REGISTRY}{}-migrate", app.name));
    }
    for image in images {
        out.push_str(&format!("  - name: {image}\n    newTag: \"{release}\"\n"));
    }
    let kind = match app.shape {
        Shape::StatefulSet => "StatefulSet",
        Shape::DaemonSet => "DaemonSet",
        Shape::CronJob => "CronJob",
        Shape::Rollout => "Rollout",
        Shape::Deployment | Shape::BlueGreen => "Deployment",
    };
    let template = template_path(kind).unwrap_or_default().join(".");
    out.push_str(&format!(
        "replacements:\n  # The version label is the tag.\n  - source:\n      kind: {kind}\n      name: {name}\n      \
         fieldPath: {template}.spec.containers.[name={name}].image\n      options:\n        delimiter: \":\"\n        index: 1\n    \
         targets:\n      - select:\n          kind: {kind}\n          name: {name}\n        fieldPaths:\n          \
         - metadata.labels.[{VERSION}]\n          - {template}.metadata.labels.[{VERSION}]\n",
        name = app.name
    ));
    if kind == "CronJob" {
        out.push_str(&format!("          - spec.jobTemplate.metadata.labels.[{VERSION}]\n"));
    }
    out.push_str("        options:\n          create: true\n");
    out.into()
}
