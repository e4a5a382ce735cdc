//! Real Argo CD controllers that deliver a repository of the harness, and Flux' definitions with a status written by
//! hand: what the screen says of each moment of it.
//!
//! One control plane for all of them. Each test has a namespace, a branch of its name, and a person who may read that
//! namespace alone (and the projects of Argo CD). Argo CD looks at Git once a minute by itself: a test that pushes asks
//! it to look, as a webhook would.

mod arriving;
mod drifting;
mod flux;
mod held;
mod removed;
mod server;
mod zoom;

use ground::Cluster;
use ground::argocd::{NAMESPACE, application};
use ground::git::Repository;
use pilothouse::panes::PaneId;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::{Desk, Scene, workload};

/// Wide enough for every column.
const SIZE: (u16, u16) = (240, 60);

/// A control plane with Argo CD, and what is delivered.
pub struct World {
    pub cluster: Cluster,
    repository: Repository,
}

/// The control plane of all tests with Argo CD. It ends with this process.
pub async fn shared() -> &'static World {
    static SHARED: OnceCell<World> = OnceCell::const_new();
    let start = || async {
        let start = Cluster::start().with_applicationsets().with_argocd_server().with_flux_definitions();
        let cluster = start.argocd_resync(std::time::Duration::from_secs(60)).await.unwrap();
        cluster.nodes(2).await.unwrap();
        let repository = cluster.repository("shop").unwrap();
        World { cluster, repository }
    };
    SHARED.get_or_init(start).await
}

/// A scene with a branch of its own.
struct Play {
    scene: Scene<'static>,
    world: &'static World,
}

impl Play {
    async fn begin(name: &str) -> Play {
        Play::at(name, false, |_, _| Desk { size: SIZE, ..Desk::default() }).await
    }

    /// The same at a desk that is made for the namespace, before that namespace or the whole cluster.
    async fn at(name: &str, all: bool, desk: impl FnOnce(&str, &std::path::Path) -> Desk) -> Play {
        let world = shared().await;
        let scene = Scene::at(&world.cluster, name, all, desk).await;
        let projects =
            json!([{"apiGroups": ["argoproj.io"], "resources": ["appprojects"], "verbs": ["get"]}]);
        if !all {
            world.cluster.grant(&scene.namespace, &[NAMESPACE], &projects).unwrap();
        }
        Play { scene, world }
    }

    fn namespace(&self) -> &str {
        &self.scene.namespace
    }

    /// Commits these objects, a file each, and returns the commit's id.
    fn push(&self, message: &str, files: &[(&str, Value)]) -> String {
        let texts: Vec<(&str, String)> = files.iter().map(|(path, file)| (*path, file.to_string())).collect();
        let files: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (*path, text.as_str())).collect();
        self.world.repository.commit(self.namespace(), message, &files).unwrap()
    }

    /// Makes an Application of the branch, with this laid over its spec.
    fn deliver(&self, name: &str, spec: &Value) {
        let mut app = application(self.namespace(), name, &self.world.repository, self.namespace());
        for (key, value) in spec.as_object().into_iter().flatten() {
            app["spec"][key] = value.clone();
        }
        self.world.cluster.apply(&app).unwrap();
    }

    /// Argo CD looks at the branch and the cluster now.
    fn refresh(&self, name: &str) {
        self.world.cluster.refresh(self.namespace(), name).unwrap();
    }

    /// Goes to the list of all that is delivered, with all its columns.
    fn lists(&mut self) {
        self.scene.goes_to(PaneId::Sync);
        self.scene.person.keys("enter");
        assert!(self.scene.person.driver().state.zoomed, "{}", self.scene.person.picture());
    }

    /// Opens the page of what is delivered by that name, and waits until it was read.
    async fn opens(&mut self, name: &str) {
        self.scene.goes_to(PaneId::Sync);
        self.scene.person.keys("/");
        self.scene.person.types(name);
        self.scene.person.keys("enter");
        self.scene.person.wait_for_cursor(&format!("\"{name}\"")).await.unwrap();
        self.scene.person.keys("enter enter");
        assert!(!self.scene.person.driver().state.views.is_empty(), "{}", self.scene.person.picture());
        self.scene.person.see_no("Asking…").await;
    }

    /// Turns the parts of the page until this is on it.
    fn turns_to(&mut self, mark: &str) {
        for _ in 0..8 {
            if self.scene.person.picture().contains(mark) {
                return;
            }
            self.scene.person.keys("right");
        }
        panic!("no part has {mark:?}:\n{}", self.scene.person.picture());
    }

    async fn see(&mut self, text: &str) {
        self.scene.person.see(text).await;
    }

    async fn see_row(&mut self, first: &str, second: &str) {
        self.scene.person.see_row(first, second).await;
    }

    async fn see_no_row(&mut self, first: &str, second: &str) {
        self.scene.person.see_no_row(first, second).await;
    }

    /// What Argo CD says of an Application, by a JSON pointer into it.
    fn told(&self, name: &str, pointer: &str) -> String {
        let application = format!("argoproj.io/v1alpha1/applications/{name}");
        self.world.cluster.field(self.namespace(), &application, pointer).unwrap()
    }
}

/// What a step of the timeline says.
#[derive(Debug)]
struct Step {
    sign: String,
    /// `00:58:12`; empty when it has none.
    time: String,
    /// The step's own words.
    note: String,
}

/// The steps of the timeline on the screen, as far as it names them.
fn step(picture: &str, word: &str) -> Step {
    let row = picture.lines().map(|line| line.trim_matches(['┃', '│', ' '])).find(|line| {
        let bare = line.trim_start_matches(|c: char| !c.is_alphabetic());
        bare.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with("  "))
    });
    let row = row.unwrap_or_else(|| panic!("there is no step {word}:\n{picture}"));
    let (sign, rest) = row.split_once(word).unwrap();
    let time = |text: &str| {
        let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        let parts: Vec<&str> = text.strip_suffix('Z').unwrap_or_default().split(':').collect();
        parts.len() == 3 && parts.iter().all(|part| digits(part))
    };
    let words: Vec<&str> = rest.split_whitespace().collect();
    let at = words.iter().position(|text| time(text));
    let note = words[at.map_or(0, |at| at + 1)..].join(" ");
    let time = at.map(|at| words[at].trim_end_matches('Z').to_owned()).unwrap_or_default();
    Step { sign: sign.trim().to_owned(), time, note }
}

/// A Deployment whose pods have these annotations.
fn deployment(name: &str, image: &str, annotations: &Value, spec: &Value) -> Value {
    workload("Deployment", name, image, annotations, spec)
}

/// The Service of a Deployment.
fn service(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
           "spec": {"selector": {"app": name}, "ports": [{"port": 80}]}})
}

/// A ConfigMap.
fn config_map(name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}

/// New commits are brought in by themselves.
fn auto() -> Value {
    json!({"syncPolicy": {"automated": {}}})
}
