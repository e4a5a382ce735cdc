//! A cluster with Argo CD, and the repository that it delivers.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use pilothouse::demo::{self, DemoOptions, DemoServer};
use serde_json::{Value, json};

use super::real::{self, Turn};

/// Where Applications are.
const ARGOCD: &str = "argocd";
/// Where they deliver to.
pub const SHOP: &str = "shop-prod";
/// For everything that takes a controller some time.
const SOON: Duration = Duration::from_secs(90);

/// Who keeps it running.
enum Judge {
    Demo { _server: DemoServer },
    Real { _turn: Turn },
}

pub struct Place {
    client: kube::Client,
    /// A clone of the repository.
    clone: tempfile::TempDir,
    /// The repository's URL, as Applications name it.
    pub url: String,
    _judge: Judge,
}

/// A resource by its group, version, kind and plural.
fn resource(group: &str, version: &str, kind: &str, plural: &str) -> ApiResource {
    let gvk = kube::core::GroupVersionKind::gvk(group, version, kind);
    ApiResource::from_gvk_with_plural(&gvk, plural)
}

impl Place {
    /// Production of the demo, at rest, thirty times as fast as the clock.
    pub async fn demo() -> Place {
        let scratch = tempfile::tempdir().unwrap();
        let repository = scratch.path().join("shop.git");
        let options = DemoOptions {
            story: false,
            speed: 30.0,
            repository: Some(repository.clone()),
            dir: Some(scratch.path().join("demo")),
            ..DemoOptions::default()
        };
        let server = demo::start(options).await.unwrap();
        let client = ground::cluster::client(server.kubeconfig()).await.unwrap();
        Place::at(client, scratch, &repository, Judge::Demo { _server: server })
    }

    pub async fn real() -> Place {
        let turn = real::turn().await;
        let client = turn.client().await;
        let repository = turn.repository();
        let place = Place::at(client, tempfile::tempdir().unwrap(), &repository, Judge::Real { _turn: turn });
        place.tidied().await;
        place
    }

    fn at(client: kube::Client, clone: tempfile::TempDir, repository: &Path, judge: Judge) -> Place {
        git(clone.path(), &["clone", "--quiet", repository.to_str().unwrap(), "work"]);
        let url = format!("file://{}", repository.display());
        Place { client, clone, url, _judge: judge }
    }

    /// As every test finds it: nothing in the way, nobody's visitors, all as Git wants it.
    async fn tidied(&self) {
        for visitor in ["visitor", "nowhere"] {
            self.gone(visitor).await;
        }
        self.windows(&json!([])).await;
        for app in ["mailer-prod", "accounts-prod"] {
            self.sync(app, &json!({"initiatedBy": {"username": "nobody"}, "sync": {"prune": true}})).await;
            self.until(app, "at rest", |app| rests(app) && phase(app) == "Succeeded").await;
        }
    }

    fn api(&self, resource: &ApiResource, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), namespace, resource)
    }

    fn apps(&self) -> Api<DynamicObject> {
        self.api(&resource("argoproj.io", "v1alpha1", "Application", "applications"), ARGOCD)
    }

    fn deployments(&self) -> Api<DynamicObject> {
        self.api(&resource("apps", "v1", "Deployment", "deployments"), SHOP)
    }

    /// An Application as it is now; Null when there is none.
    pub async fn app(&self, name: &str) -> Value {
        read(&self.apps(), name).await
    }

    pub async fn deployment(&self, name: &str) -> Value {
        read(&self.deployments(), name).await
    }

    pub async fn config_map(&self, name: &str) -> Value {
        read(&self.api(&resource("", "v1", "ConfigMap", "configmaps"), SHOP), name).await
    }

    /// Merges this into an Application.
    pub async fn patch(&self, app: &str, merge: &Value) {
        self.apps().patch(app, &PatchParams::default(), &Patch::Merge(merge)).await.unwrap();
    }

    /// Argo CD looks at Git and the cluster now.
    pub async fn refresh(&self, app: &str) {
        let asked = json!({"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}});
        self.patch(app, &asked).await;
    }

    /// An operation that is asked for, as clients do: what was before is taken away.
    pub async fn sync(&self, app: &str, operation: &Value) {
        let running = |app: &Value| app.get("operation").is_some() || phase(app) == "Running";
        self.until(app, "without an operation", |app| !running(app)).await;
        self.patch(app, &json!({"operation": operation, "status": {"operationState": null}})).await;
    }

    pub async fn create(&self, application: &Value) {
        let object: DynamicObject = serde_json::from_value(application.clone()).unwrap();
        self.apps().create(&PostParams::default(), &object).await.unwrap();
    }

    /// Deletes an Application and waits until it is gone.
    pub async fn gone(&self, app: &str) {
        if self.app(app).await.is_null() {
            return;
        }
        self.apps().delete(app, &DeleteParams::default()).await.unwrap();
        self.until(app, "gone", Value::is_null).await;
    }

    pub async fn scale(&self, deployment: &str, replicas: u32) {
        let merge = json!({"spec": {"replicas": replicas}});
        self.deployments().patch(deployment, &PatchParams::default(), &Patch::Merge(&merge)).await.unwrap();
    }

    /// The sync windows of the project.
    pub async fn windows(&self, windows: &Value) {
        let projects = self.api(&resource("argoproj.io", "v1alpha1", "AppProject", "appprojects"), ARGOCD);
        let merge = json!({"spec": {"syncWindows": windows}});
        projects.patch("shop", &PatchParams::default(), &Patch::Merge(&merge)).await.unwrap();
    }

    /// Waits until an Application is so, and returns it.
    pub async fn until(&self, app: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let began = tokio::time::Instant::now();
        loop {
            let found = self.app(app).await;
            if holds(&found) {
                return found;
            }
            assert!(began.elapsed() < SOON, "{app} never is {what}: {found:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn work(&self) -> PathBuf {
        self.clone.path().join("work")
    }

    /// Writes these files (no text: takes them away), pushes them, and returns the commit.
    pub fn push(&self, message: &str, files: &[(&str, Option<&str>)]) -> String {
        let work = self.work();
        git(&work, &["pull", "--quiet", "--ff-only"]);
        for (path, text) in files {
            let path = work.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            match text {
                Some(text) => std::fs::write(path, text).unwrap(),
                None => std::fs::remove_file(path).unwrap(),
            }
        }
        git(&work, &["add", "--all"]);
        git(&work, &["commit", "--quiet", "--allow-empty", "-m", message]);
        git(&work, &["push", "--quiet", "origin", "HEAD:main"]);
        git(&work, &["rev-parse", "HEAD"])
    }

    /// A file of the repository.
    pub fn file(&self, path: &str) -> String {
        std::fs::read_to_string(self.work().join(path)).unwrap()
    }
}

async fn read(api: &Api<DynamicObject>, name: &str) -> Value {
    match api.get_opt(name).await.unwrap() {
        Some(object) => serde_json::to_value(object).unwrap(),
        None => Value::Null,
    }
}

/// Runs git as a person does.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .envs([("GIT_AUTHOR_NAME", "Ola"), ("GIT_AUTHOR_EMAIL", "ola@shop.example")])
        .envs([("GIT_COMMITTER_NAME", "Ola"), ("GIT_COMMITTER_EMAIL", "ola@shop.example")])
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A text by its place in an object; empty when it is not there.
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A list by its place in an object.
pub fn items<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Sync and health.
pub fn sync(app: &Value) -> (&str, &str) {
    (text(app, "/status/sync/status"), text(app, "/status/health/status"))
}

/// Of the last operation.
pub fn phase(app: &Value) -> &str {
    text(app, "/status/operationState/phase")
}

/// Synced and healthy, and no operation is asked for.
pub fn rests(app: &Value) -> bool {
    sync(app) == ("Synced", "Healthy") && app.get("operation").is_none()
}

/// The number of its newest delivery: Argo CD keeps ten of them, and counts on.
pub fn delivery(app: &Value) -> i64 {
    items(app, "/status/history").last().and_then(|last| last["id"].as_i64()).unwrap_or(-1)
}

/// The types of its conditions.
pub fn conditions(app: &Value) -> Vec<&str> {
    items(app, "/status/conditions").iter().map(|one| text(one, "/type")).collect()
}

/// What an operation said of a resource.
pub fn said<'a>(app: &'a Value, kind: &str) -> &'a str {
    let all = items(app, "/status/operationState/syncResult/resources");
    all.iter().find(|one| text(one, "/kind") == kind).map_or("", |one| text(one, "/message"))
}

/// Kinds of resources that are not as Git wants them.
pub fn out_of_sync(app: &Value) -> Vec<&str> {
    let all = items(app, "/status/resources").iter();
    all.filter(|one| text(one, "/status") != "Synced").map(|one| text(one, "/kind")).collect()
}
