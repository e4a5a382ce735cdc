//! What happens in a cluster, as the real controllers make it happen, and what the screen says of it.
//!
//! Each test has a namespace of its own in one cluster that all share ([`shared`]), and a person who may read that
//! namespace alone ([`Scene`]); only where nodes fall a test has a cluster of its own. `kubectl` is the judge: what it
//! lists, the screen must list, by name.

mod crashes;
mod logs;
mod looks;
mod nodes;
mod reading;
mod rollouts;
mod servers;
mod shells;
mod statuses;
pub mod syncing;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use ground::Cluster;
use pilothouse::panes::PaneId;
use pilothouse::runtime::Driver;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::common::LOST;
use super::person::{Desk, Person};

/// How long the world may take to be as it is wanted, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The cluster of all tests of this file's folder: three nodes, and whatever their namespaces hold. It ends with
/// this process.
pub async fn shared() -> &'static Cluster {
    static SHARED: OnceCell<Cluster> = OnceCell::const_new();
    let start = || async {
        let cluster = Cluster::start().with_kwok().await.unwrap();
        cluster.nodes(3).await.unwrap();
        cluster
    };
    SHARED.get_or_init(start).await
}

/// What a person may do who looks at namespaces: everything that is read, and a shell.
pub fn reader() -> Value {
    json!([
        {"apiGroups": ["", "apps", "batch", "autoscaling", "discovery.k8s.io", "networking.k8s.io", "policy",
            "events.k8s.io", "metrics.k8s.io", "argoproj.io", "kustomize.toolkit.fluxcd.io",
            "helm.toolkit.fluxcd.io", "source.toolkit.fluxcd.io"],
         "resources": ["*"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["get", "create"]},
    ])
}

/// A namespace, and a person before a screen that shows it and nothing else.
pub struct Scene<'a> {
    pub cluster: &'a Cluster,
    pub namespace: String,
    pub person: Person,
}

impl<'a> Scene<'a> {
    /// A namespace of the shared cluster, and somebody who sits down before it.
    pub async fn set(name: &str) -> Scene<'static> {
        Scene::set_at(name, (160, 50)).await
    }

    /// The same at a screen of so many columns and rows.
    pub async fn set_at(name: &str, size: (u16, u16)) -> Scene<'static> {
        Scene::before(shared().await, name, size, false).await
    }

    /// A namespace of a cluster, and somebody who sits down before it and may read it, or all of the
    /// cluster.
    pub async fn before(cluster: &'a Cluster, name: &str, size: (u16, u16), all: bool) -> Scene<'a> {
        let mut scene = Scene::at(cluster, name, all, |_, _| Desk { size, ..Desk::default() }).await;
        if all {
            scene.chooses_other();
        }
        scene
    }

    /// The same at a desk that is made for that namespace and the kubeconfig.
    pub async fn at(
        cluster: &'a Cluster,
        name: &str,
        all: bool,
        desk: impl FnOnce(&str, &Path) -> Desk,
    ) -> Scene<'a> {
        let namespace = cluster.namespace(name).await.unwrap();
        let namespaces = [namespace.as_str()];
        let kubeconfig = cluster.user(&namespace, if all { &[] } else { &namespaces }, &reader()).unwrap();
        let desk = Desk { patience: PATIENCE, ..desk(&namespace, &kubeconfig) };
        let mut person = Person::sits_down(&kubeconfig, &desk);
        person.wait_for_data().await;
        Scene { cluster, namespace, person }
    }

    /// kubectl in this namespace, by the administrator.
    pub fn kubectl(&self, words: &[&str]) -> String {
        self.cluster.kubectl(&[&["-n", &self.namespace], words].concat()).unwrap()
    }

    /// Applies an object of this namespace.
    pub fn apply(&self, mut object: Value) {
        object["metadata"]["namespace"] = json!(self.namespace);
        self.cluster.apply(&object).unwrap();
    }

    /// Writes an object's status as its controller would.
    pub fn write_status(&self, object: &str, status: &Value) {
        let patch = json!({"status": status}).to_string();
        self.kubectl(&["patch", object, "--subresource=status", "--type=merge", "-p", &patch]);
    }

    /// Waits until kubectl says of an object what is wanted of it.
    pub async fn until(&mut self, words: &[&str], wanted: impl Fn(&str) -> bool) {
        let began = Instant::now();
        loop {
            let said = self.kubectl(words);
            if wanted(&said) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "never came, kubectl {words:?}: {said}");
            self.pass().await;
        }
    }

    /// Lets the program take what comes while the world goes on.
    pub async fn pass(&mut self) {
        self.person.driver().run_until(Duration::from_millis(200), |_| false).await;
    }

    /// Leaves whatever is open, and any filter, for a list.
    pub fn goes_to(&mut self, pane: PaneId) {
        for _ in 0..20 {
            let state = &self.person.driver().state;
            let here = state.front().filter(|front| front.id() == pane);
            let filtered = here.is_some_and(|pane| pane.filter().is_some_and(|text| !text.is_empty()));
            let open = !state.views.is_empty() || state.zoomed || filtered;
            if here.is_some() && !open {
                return;
            }
            self.person.keys(if open { "esc" } else { "tab" });
        }
        panic!("no way to {pane:?}:\n{}", self.person.picture());
    }

    /// Opens the page of the environment that the screen is about.
    pub fn opens_environment(&mut self) {
        self.goes_to(PaneId::Environments);
        for _ in 0..2 {
            if !self.person.driver().state.zoomed {
                self.person.keys("enter");
            }
        }
    }

    /// Makes the environment `other` the one that the screen is about: where a test's namespace is.
    pub fn chooses_other(&mut self) {
        self.goes_to(PaneId::Pods);
        for _ in 0..4 {
            let chosen = self.person.driver().state.shared.environment();
            if chosen.is_some_and(|environment| &*environment.name == "other") {
                return;
            }
            self.person.keys("]");
        }
        panic!("there is no other:\n{}", self.person.picture());
    }

    /// Opens a workload's rollout from the list of workloads.
    pub async fn opens_rollout(&mut self, name: &str) {
        self.goes_to(PaneId::Workloads);
        self.person.keys("/");
        self.person.types(name);
        self.person.keys("enter");
        self.person.wait_for_cursor(&format!("\"{name}\"")).await.unwrap();
        self.person.keys("r");
    }

    /// Opens a page of a pod from the list of pods: `enter enter`, `l`, `d`, `y`, `e`.
    pub async fn opens_pod(&mut self, name: &str, key: &str) {
        self.goes_to(PaneId::Pods);
        self.person.keys("/");
        self.person.types(name);
        self.person.keys("enter");
        self.person.wait_for_cursor(name).await.unwrap();
        self.person.keys(key);
    }

    /// Waits until the program lists what kubectl lists: the same pods with the same READY, STATUS and RESTARTS.
    pub async fn same_pods_as_kubectl(&mut self) -> BTreeMap<String, String> {
        let began = Instant::now();
        loop {
            let theirs = kubectl_pods(&self.kubectl(&["get", "pods", "--no-headers"]));
            let driver = self.person.driver();
            let same = |driver: &mut Driver| our_pods(driver, &self.namespace) == theirs;
            if driver.run_until(Duration::from_secs(2), same).await {
                return theirs;
            }
            let ours = our_pods(self.person.driver(), &self.namespace);
            assert!(began.elapsed() < PATIENCE, "{LOST}: kubectl: {theirs:#?}\nours: {ours:#?}");
        }
    }
}

/// The rows of `kubectl get pods --no-headers`, by name: `1/2 CrashLoopBackOff 3`.
pub fn kubectl_pods(table: &str) -> BTreeMap<String, String> {
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        (words[0].to_owned(), words[1..4].join(" "))
    };
    table.lines().map(row).collect()
}

/// What the program knows of a namespace's pods, by name, in the same form. A pod listed twice is a fault of its own.
pub fn our_pods(driver: &mut Driver, namespace: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (_, pod) in driver.state.shared.world.clusters[0].pods.iter() {
        if &*pod.namespace == namespace {
            let row = format!("{}/{} {} {}", pod.ready, pod.total, pod.status, pod.restarts);
            assert_eq!(found.insert(pod.name.to_string(), row), None, "{LOST}: {} is listed twice", pod.name);
        }
    }
    found
}

/// A pod of one container.
pub fn pod(name: &str, annotations: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "annotations": annotations},
           "spec": {"containers": [{"name": "main", "image": "cart:1.30.0"}], "terminationGracePeriodSeconds": 0}})
}

/// What runs a pod, with its spec; its pods have the label `app` and these annotations.
pub fn workload(kind: &str, name: &str, image: &str, annotations: &Value, spec: &Value) -> Value {
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": annotations},
                "spec": {"containers": [{"name": "main", "image": image}], "terminationGracePeriodSeconds": 0},
            },
        },
    });
    for (key, value) in spec.as_object().into_iter().flatten() {
        object["spec"][key] = value.clone();
    }
    object
}
