//! From files to objects: as much of kustomize as the demo's files and a person's changes to them need. What it does not
//! know it says, in the way in which Argo CD says that a manifest could not be generated.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use serde_json::{Value, json};

use super::files::template_path;
use super::git::{Repository, Tree};
use crate::demo::json::{items, name, set, text};

/// How deep one kustomization may lead to others.
const DEEPEST: usize = 8;
/// What a kustomization may hold here.
const KNOWN: [&str; 10] = [
    "apiVersion",
    "kind",
    "metadata",
    "namespace",
    "resources",
    "images",
    "replicas",
    "labels",
    "replacements",
    "commonAnnotations",
];

/// What a folder was rendered to.
pub type Rendered = Arc<Result<Vec<Value>, String>>;

/// What was rendered before: a folder that a commit left alone is not rendered again.
#[derive(Debug, Default)]
pub struct Cache {
    trees: HashMap<String, Arc<Tree>>,
    known: HashMap<(String, u64), Rendered>,
}

impl Cache {
    /// The objects of a folder at a commit.
    pub fn rendered(&mut self, repository: &Repository, sha: &str, folder: &str) -> Rendered {
        if self.known.len() > 400 || self.trees.len() > 100 {
            *self = Self::default();
        }
        let tree = match self.trees.get(sha) {
            Some(tree) => tree.clone(),
            None => {
                let tree = Arc::new(repository.tree(sha).unwrap_or_default());
                self.trees.insert(sha.to_owned(), tree.clone());
                tree
            }
        };
        let place = (folder.to_owned(), state(&tree, sha, folder));
        let made = self.known.entry(place).or_insert_with(|| Arc::new(render(&tree, folder)));
        made.clone()
    }
}

/// The same number for the same files: commits share the texts that they do not change.
fn state(tree: &Tree, sha: &str, folder: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    let prefix = format!("{}/", tidy(folder).unwrap_or_default());
    let files = tree.range(prefix.clone()..).take_while(|(path, _)| path.starts_with(&prefix));
    for (path, text) in files {
        (path, Arc::as_ptr(text).cast::<u8>() as usize).hash(&mut hasher);
        if path.ends_with("/kustomization.yaml") && text.contains("..") {
            // It leads elsewhere, so everything counts.
            sha.hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// The objects of a folder; else what Argo CD would say.
pub fn render(tree: &Tree, folder: &str) -> Result<Vec<Value>, String> {
    let folder = tidy(folder).ok_or_else(|| format!("{folder}: app path is outside the repository"))?;
    let prefix = format!("{folder}/");
    if !folder.is_empty() && !tree.keys().any(|path| path.starts_with(&prefix)) {
        return Err(failed(&format!("{folder}: app path does not exist")));
    }
    match built(tree, &folder, 0) {
        Ok(objects) => Ok(objects),
        Err(said) => Err(failed(&format!(
            "`kustomize build <path to cached source>/{folder}` failed exit status 1: Error: {said}"
        ))),
    }
}

fn failed(said: &str) -> String {
    format!(
        "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = {said}"
    )
}

/// A path without `.` and `..`; None when it leads out.
fn tidy(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn built(tree: &Tree, folder: &str, depth: usize) -> Result<Vec<Value>, String> {
    if depth > DEEPEST {
        return Err(format!("'{folder}' is reached by a circle of resources"));
    }
    let at = format!("{folder}/kustomization.yaml");
    let Some(source) = tree.get(&at) else {
        return Err(format!(
            "unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '<path to cached source>/{folder}'"
        ));
    };
    let parsed: Value = parse(source)
        .map_err(|e| format!("invalid Kustomization: {e}"))?
        .into_iter()
        .next()
        .unwrap_or_default();
    let unknown = parsed.as_object().and_then(|m| m.keys().find(|k| !KNOWN.contains(&k.as_str())));
    if let Some(key) = unknown {
        return Err(format!(
            "the demo's kustomize does not know `{key}` (it knows {})",
            KNOWN[3..].join(", ")
        ));
    }
    let mut objects = Vec::new();
    for resource in items(&parsed, "/resources") {
        let named = resource.as_str().unwrap_or_default();
        let path = tidy(&format!("{folder}/{named}")).unwrap_or_default();
        let whole = format!("<path to cached source>/{path}");
        if let Some(text) = tree.get(&path) {
            let found = parse(text).map_err(|e| {
                format!(
                    "accumulating resources: accumulation err='accumulating resources from '{named}': {e}'"
                )
            })?;
            for object in found {
                if name(&object).is_empty() || text_of(&object, "kind").is_empty() {
                    return Err(format!(
                        "accumulating resources: accumulating resources from '{named}': missing metadata.name or kind in object"
                    ));
                }
                objects.push(object);
            }
        } else if tree.keys().any(|k| k.starts_with(&format!("{path}/"))) {
            objects.extend(built(tree, &path, depth + 1)?);
        } else {
            return Err(format!(
                "accumulating resources: accumulation err='accumulating resources from '{named}': open {whole}: no such file or directory': \
                 must build at directory: not a valid directory: evalsymlink failure on '{whole}' : lstat {whole}: no such file or directory"
            ));
        }
    }
    transform(&parsed, &mut objects)?;
    Ok(objects)
}

fn text_of<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn parse(text: &str) -> Result<Vec<Value>, String> {
    let all: Vec<Value> = serde_saphyr::from_multiple(text)
        .map_err(|e| e.to_string().lines().next().unwrap_or_default().to_owned())?;
    Ok(all.into_iter().filter(|v| !v.is_null()).collect())
}

fn transform(parsed: &Value, objects: &mut [Value]) -> Result<(), String> {
    let namespace = text_of(parsed, "namespace");
    for object in objects.iter_mut() {
        if !namespace.is_empty() && namespaced(text_of(object, "kind")) {
            set(object, &["metadata", "namespace"], json!(namespace));
        }
        for entry in items(parsed, "/labels") {
            for (key, value) in entry.get("pairs").and_then(Value::as_object).into_iter().flatten() {
                set(object, &["metadata", "labels", key], value.clone());
                let template = template_path(text_of(object, "kind"));
                if let Some(template) = template.filter(|_| entry["includeTemplates"] == true) {
                    let mut path = template.to_vec();
                    path.extend(["metadata", "labels", key]);
                    set(object, &path, value.clone());
                }
            }
        }
        for (key, value) in parsed.get("commonAnnotations").and_then(Value::as_object).into_iter().flatten() {
            set(object, &["metadata", "annotations", key], value.clone());
        }
        for entry in items(parsed, "/replicas") {
            let scalable = matches!(text_of(object, "kind"), "Deployment" | "StatefulSet" | "ReplicaSet");
            if scalable && text_of(entry, "name") == name(object) {
                set(object, &["spec", "replicas"], entry["count"].clone());
            }
        }
        for container in containers(object) {
            let image = text_of(container, "image").to_owned();
            container["image"] = json!(retag(items(parsed, "/images"), &image));
        }
    }
    for replacement in items(parsed, "/replacements") {
        replace(replacement, objects)?;
    }
    Ok(())
}

fn namespaced(kind: &str) -> bool {
    !matches!(
        kind,
        "Namespace"
            | "ClusterRole"
            | "ClusterRoleBinding"
            | "PersistentVolume"
            | "StorageClass"
            | "CustomResourceDefinition"
    )
}

fn containers(object: &mut Value) -> Vec<&mut Value> {
    let Some(template) = template_path(text_of(object, "kind")) else { return Vec::new() };
    let Some(spec) =
        object.pointer_mut(&format!("/{}/spec", template.join("/"))).and_then(Value::as_object_mut)
    else {
        return Vec::new();
    };
    spec.iter_mut()
        .filter(|(key, _)| matches!(key.as_str(), "containers" | "initContainers"))
        .filter_map(|(_, list)| list.as_array_mut())
        .flatten()
        .collect()
}

/// An image with the name, tag or digest that the kustomization gives it.
fn retag(images: &[Value], image: &str) -> String {
    let (bare, digest) = image.split_once('@').map_or((image, None), |(bare, digest)| (bare, Some(digest)));
    let (bare, tag) = match bare.rsplit_once(':') {
        Some((bare, tag)) if !tag.contains('/') => (bare, Some(tag)),
        _ => (bare, None),
    };
    let Some(entry) = images.iter().find(|i| text_of(i, "name") == bare) else { return image.to_owned() };
    let word = |key: &str| match entry.get(key) {
        Some(Value::String(s)) => s.clone(),
        Some(Value::Number(n)) => n.to_string(),
        _ => String::new(),
    };
    let new_name = Some(word("newName")).filter(|n| !n.is_empty()).unwrap_or_else(|| bare.to_owned());
    match (word("digest"), word("newTag")) {
        (digest, _) if !digest.is_empty() => format!("{new_name}@{digest}"),
        (_, tag) if !tag.is_empty() => format!("{new_name}:{tag}"),
        _ => match (digest, tag) {
            (Some(digest), _) => format!("{new_name}@{digest}"),
            (None, Some(tag)) => format!("{new_name}:{tag}"),
            (None, None) => new_name,
        },
    }
}

/// A field of one object into fields of others.
fn replace(replacement: &Value, objects: &mut [Value]) -> Result<(), String> {
    let source = &replacement["source"];
    let chosen = |object: &Value, by: &Value| {
        let fits = |key: &str, value: &str| text_of(by, key).is_empty() || text_of(by, key) == value;
        fits("kind", text_of(object, "kind")) && fits("name", name(object))
    };
    let Some(from) = objects.iter().find(|o| chosen(o, source)) else {
        return Err(format!(
            "nothing selected by {}.[noVer].[noGrp]/{}.[noNs]",
            text_of(source, "kind"),
            text_of(source, "name")
        ));
    };
    let path = Some(text_of(source, "fieldPath")).filter(|p| !p.is_empty()).unwrap_or("metadata.name");
    let found = steps(path).iter().try_fold(from, |value, step| step.of(value));
    let Some(found) = found.cloned() else {
        return Err(format!("fieldPath `{path}` is missing for replacement source {}", name(from)));
    };
    let whole = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
    let value = match text(source, "/options/delimiter") {
        "" => found,
        delimiter => {
            let index = source.pointer("/options/index").and_then(Value::as_u64).unwrap_or(0) as usize;
            json!(whole.split(delimiter).nth(index).unwrap_or_default())
        }
    };
    for target in items(replacement, "/targets") {
        let create = target.pointer("/options/create") == Some(&Value::Bool(true));
        for object in objects.iter_mut().filter(|o| chosen(o, &target["select"])) {
            for path in items(target, "/fieldPaths").iter().filter_map(Value::as_str) {
                let steps = steps(path);
                let keys: Vec<&str> = steps.iter().filter_map(Step::key).collect();
                let there = steps.iter().try_fold(&*object, |value, step| step.of(value)).is_some();
                if keys.len() != steps.len() {
                    return Err(format!("the demo's kustomize cannot write to `{path}`"));
                }
                if !there && !create {
                    return Err(format!("unable to find field \"{path}\" in replacement target"));
                }
                set(object, &keys, value.clone());
            }
        }
    }
    Ok(())
}

/// One step of a field path: a key, or the element of a list that has a field of a value.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Element(String, String),
}

impl Step {
    fn of<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        match self {
            Step::Key(key) => match value {
                Value::Array(list) => list.get(key.parse::<usize>().ok()?),
                value => value.get(key),
            },
            Step::Element(field, wanted) => value.as_array()?.iter().find(|v| text_of(v, field) == wanted),
        }
    }

    fn key(&self) -> Option<&str> {
        match self {
            Step::Key(key) => Some(key),
            Step::Element(..) => None,
        }
    }
}

/// `spec.containers.[name=cart].image`, `metadata.labels.[app.kubernetes.io/version]`.
fn steps(path: &str) -> Vec<Step> {
    let (mut all, mut rest) = (Vec::new(), path);
    while !rest.is_empty() {
        let (step, tail) = match rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            Some((inner, tail)) => (
                inner
                    .split_once('=')
                    .map_or_else(|| Step::Key(inner.into()), |(k, v)| Step::Element(k.into(), v.into())),
                tail,
            ),
            None => {
                let (key, tail) = rest.split_once('.').unwrap_or((rest, ""));
                (Step::Key(key.into()), tail)
            }
        };
        all.push(step);
        rest = tail.trim_start_matches('.');
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::delivery::files;
    use crate::demo::world::apps::{APPS, Env, app};

    fn shop() -> Tree {
        let all = APPS.iter().flat_map(|app| Env::ALL.into_iter().flat_map(|env| files::first(app, env)));
        all.filter_map(|(path, text)| text.map(|text| (path, text))).collect()
    }

    fn workload(tree: &Tree, folder: &str, kind: &str) -> Value {
        let all = render(tree, folder).unwrap();
        all.into_iter().find(|o| text_of(o, "kind") == kind).unwrap()
    }

    #[test]
    fn every_folder_of_the_shop_can_be_rendered_and_has_its_release() {
        let tree = shop();
        for app in &APPS {
            for env in Env::ALL {
                let objects = render(&tree, &files::path(app, env)).unwrap();
                assert!(objects.len() >= 3, "{}", app.name);
                assert!(objects.iter().all(|o| text(o, "/metadata/namespace") == env.namespace()));
                let release = app.history[env.index()][0].0;
                let all = serde_json::to_string(&objects).unwrap();
                assert!(all.contains(&app.image(release)), "{} {release}", app.name);
                assert!(
                    all.contains(&format!("\"app.kubernetes.io/version\":\"{release}\"")),
                    "{}",
                    app.name
                );
            }
        }
    }

    #[test]
    fn a_new_tag_reaches_the_image_the_migration_and_the_label() {
        let mut tree = shop();
        let catalog = app("catalog").unwrap();
        let path = files::kustomization_path(catalog, Env::Staging);
        for (path, text) in files::release(catalog, Env::Staging, "3.13.0", tree.get(&path)) {
            tree.insert(path, text.unwrap());
        }
        let deployment = workload(&tree, "environments/staging/catalog", "Deployment");
        let spec = &deployment["spec"]["template"];
        assert_eq!(text(spec, "/spec/containers/0/image"), "registry.example/catalog:3.13.0");
        assert_eq!(text(spec, "/spec/initContainers/0/image"), "registry.example/catalog-migrate:3.13.0");
        assert_eq!(spec["metadata"]["labels"]["app.kubernetes.io/version"], "3.13.0");
        assert_eq!(deployment["metadata"]["labels"]["app.kubernetes.io/version"], "3.13.0");
    }

    #[test]
    fn what_is_missing_or_unknown_is_said() {
        let mut tree = shop();
        let said = render(&tree, "environments/production/nothing").unwrap_err();
        assert!(said.ends_with("environments/production/nothing: app path does not exist"), "{said}");
        let at = "environments/production/cart/kustomization.yaml".to_owned();
        let whole = tree[&at].to_string();
        tree.insert(at.clone(), whole.replace("  - service.yaml", "  - services.yaml").as_str().into());
        let said = render(&tree, "environments/production/cart").unwrap_err();
        assert!(said.contains("production/cart/services.yaml: no such file or directory"), "{said}");
        tree.insert(at.clone(), format!("{whole}patches:\n  - path: more.yaml\n").as_str().into());
        let said = render(&tree, "environments/production/cart").unwrap_err();
        assert!(said.contains("does not know `patches`"), "{said}");
        tree.insert(at, "resources: [".into());
        assert!(render(&tree, "environments/production/cart").unwrap_err().contains("invalid Kustomization"));
        assert!(render(&tree, "../../etc").is_err());
    }

    #[test]
    fn names_tags_and_digests_are_changed_as_kustomize_does() {
        let images = [
            json!({"name": "r.example/a", "newTag": "2"}),
            json!({"name": "b", "newName": "r.example/b", "digest": "sha256:1"}),
            json!({"name": "r.example:5000/c", "newName": "d"}),
        ];
        for (before, after) in [
            ("r.example/a", "r.example/a:2"),
            ("r.example/a:1", "r.example/a:2"),
            ("b:1", "r.example/b@sha256:1"),
            ("r.example:5000/c:7", "d:7"),
            ("other:1", "other:1"),
        ] {
            assert_eq!(retag(&images, before), after);
        }
    }
}
