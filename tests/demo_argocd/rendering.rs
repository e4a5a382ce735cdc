//! The demo knows a part of kustomize: every folder of its repository before kustomize itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use pilothouse::demo::delivery::git::Tree;
use pilothouse::demo::delivery::render::render;
use pilothouse::demo::{self, DemoOptions};
use serde::Deserialize as _;
use serde_json::Value;

/// All files below a folder.
fn files(below: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true if path.ends_with(".git") => {}
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

/// Objects by kind and name, since neither promises an order.
fn by_name(objects: impl IntoIterator<Item = Value>) -> BTreeMap<(String, String), Value> {
    let key = |object: &Value| (object["kind"].to_string(), object["metadata"]["name"].to_string());
    objects.into_iter().map(|object| (key(&object), object)).collect()
}

/// What kustomize itself makes of a folder; None when it refuses.
fn kustomized(folder: &Path) -> Option<Vec<Value>> {
    let kustomize = ground::built("kustomize").unwrap().join("kustomize");
    let output = Command::new(kustomize).arg("build").arg(folder).output().unwrap();
    output.status.success().then(|| {
        let text = String::from_utf8(output.stdout).unwrap();
        serde_yaml::Deserializer::from_str(&text).map(|one| Value::deserialize(one).unwrap()).collect()
    })
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs tests/real/build"]
async fn every_folder_is_rendered_as_kustomize_renders_it() {
    let scratch = tempfile::tempdir().unwrap();
    let bare = scratch.path().join("shop.git");
    let options =
        DemoOptions { story: false, speed: 0.0, repository: Some(bare.clone()), ..DemoOptions::default() };
    let _demo = demo::start(options).await.unwrap();
    let work = scratch.path().join("work");
    let cloned = Command::new("git").arg("clone").arg("--quiet").arg(&bare).arg(&work).status().unwrap();
    assert!(cloned.success());

    let all = files(&work);
    let path = |file: &PathBuf| file.strip_prefix(&work).unwrap().to_str().unwrap().to_owned();
    let read = |file: &PathBuf| Arc::from(std::fs::read_to_string(file).unwrap());
    let tree: Tree = all.iter().map(|file| (path(file), read(file))).collect();
    let mut refused = Vec::new();
    let folders: Vec<String> =
        tree.keys().filter_map(|path| path.strip_suffix("/kustomization.yaml")).map(str::to_owned).collect();
    assert!(folders.len() > 30, "{folders:?}");
    for folder in folders {
        match (kustomized(&work.join(&folder)), render(&tree, &folder)) {
            (Some(theirs), Ok(ours)) => assert_eq!(by_name(ours), by_name(theirs), "{folder}"),
            (None, Err(_)) => refused.push(folder),
            (theirs, ours) => panic!("{folder}: kustomize {theirs:?}, the demo {ours:?}"),
        }
    }
    // A mistake of the story's.
    assert_eq!(refused, ["environments/development/recommendations"]);
}
