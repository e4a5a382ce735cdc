//! The demo's world on real control planes: for each of its clusters one with KWOK that holds the copy of what the demo
//! shows at [`MOMENT`], and before each a proxy that can make it unwell. One world for all tests of a program, one test at
//! a time; a test that changes it puts it back.
//!
//! Shared by the tests that have two judges: the journeys and those of the sources.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ground::proxy::{Fault as Wire, Proxy, Rule};
use ground::{Cluster, people};
use pilothouse::demo::{self, DemoOptions, Fault};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

/// The moment of the demo's story that was copied.
pub const MOMENT: Duration = Duration::from_secs(330);

static WORLD: OnceCell<Vec<Copied>> = OnceCell::const_new();
static TURN: Mutex<()> = Mutex::const_new(());

/// One cluster of the demo, made anew.
struct Copied {
    /// The context's name.
    name: String,
    cluster: Cluster,
    /// Tokens of the administrator and of who may read two namespaces.
    tokens: [String; 2],
}

/// The way to the world for one test.
pub struct Front {
    doors: Vec<(&'static Copied, Proxy)>,
    folder: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Front {
    /// Waits for its turn. The world has those of the demo's clusters that the first caller named; the last is current.
    pub async fn open(clusters: &[&str]) -> Front {
        let turn = TURN.lock().await;
        let mut doors = Vec::new();
        for copied in WORLD.get_or_init(|| begin(clusters)).await {
            doors.push((copied, Proxy::start(&copied.cluster).await.unwrap()));
        }
        let front = Front { doors, folder: tempfile::tempdir().unwrap(), _turn: turn };
        for (user, file) in ["admin", "restricted"].into_iter().enumerate() {
            people::write(&front.kubeconfig(file), &front.contexts(user)).unwrap();
        }
        front
    }

    /// The kubeconfig of `admin` or `restricted`, with the demo's contexts.
    pub fn kubeconfig(&self, user: &str) -> PathBuf {
        self.folder.path().join(user)
    }

    /// A cluster itself, without the proxy before it.
    pub fn cluster(&self, name: &str) -> &'static Cluster {
        &self.doors.iter().find(|(copied, _)| copied.name == name).unwrap().0.cluster
    }

    fn contexts(&self, user: usize) -> Value {
        let list = |of: fn(&Copied, &Proxy, usize) -> Value| -> Value {
            self.doors.iter().map(|(copied, proxy)| of(copied, proxy, user)).collect()
        };
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": self.doors.last().unwrap().0.name,
            "clusters": list(|c, proxy, _| json!({"name": c.name, "cluster": {"server": proxy.url()}})),
            "users": list(|c, _, user| json!({"name": c.name, "user": {"token": c.tokens[user]}})),
            "contexts": list(|c, _, _| json!({"name": c.name, "context": {"cluster": c.name, "user": c.name}})),
        })
    }

    /// Makes a cluster unwell, or well again.
    pub async fn fault(&self, cluster: &str, fault: Option<&Fault>) -> Result<(), String> {
        let found = self.doors.iter().find(|(copied, _)| copied.name == cluster);
        let (copied, proxy) = found.ok_or_else(|| format!("there is no {cluster}"))?;
        let rule = match fault {
            None | Some(Fault::CutWatches) => None,
            Some(Fault::Down) => Some(Rule::on("", Wire::Cut)),
            Some(Fault::Hang) => Some(Rule::on("", Wire::Silent)),
            Some(Fault::Unauthorized) => Some(Rule::on("", Wire::Answer(401, None))),
            Some(Fault::Status(code)) => Some(Rule::on("", Wire::Answer(*code, Some(1)))),
            Some(Fault::Forbidden { resource }) => {
                let plural = resource.split('.').next().unwrap_or_default();
                Some(Rule::on(&format!("/{plural}"), Wire::Answer(403, None)))
            }
            Some(Fault::Gone) => {
                // etcd forgets, and so does the API server when it starts anew.
                copied.cluster.compact().await.map_err(|error| error.to_string())?;
                copied.cluster.kill_api_server().await.map_err(|error| error.to_string())?;
                copied.cluster.start_api_server().await.map_err(|error| error.to_string())?;
                None
            }
            Some(Fault::NoWatchList) => Some(Rule::on("sendInitialEvents=true", Wire::Answer(422, None))),
            Some(other) => return Err(format!("a real server has no {other:?}")),
        };
        let begins = fault.is_some();
        proxy.rules(rule.into_iter().collect());
        if begins {
            proxy.cut_all();
        }
        Ok(())
    }
}

/// Starts the clusters and copies the demo into them.
async fn begin(clusters: &[&str]) -> Vec<Copied> {
    let options = DemoOptions { seed: 1, speed: 0.0, start_at: MOMENT, ..DemoOptions::default() };
    let demo = demo::start(options).await.unwrap();
    let kubeconfig = demo.kubeconfig().to_owned();
    let made = clusters.iter().map(|cluster| copied(cluster, &kubeconfig));
    futures::future::join_all(made).await
}

async fn copied(name: &str, kubeconfig: &Path) -> Copied {
    let cluster = Cluster::start().with_kwok().await.unwrap();
    cluster.copy(kubeconfig, name).await.unwrap_or_else(|error| panic!("{error:#}"));
    let read = ["get", "list", "watch"];
    let rules = json!([
        {"apiGroups": ["apps", "batch", "autoscaling", "policy", "networking.k8s.io", "argoproj.io"],
         "resources": ["*"], "verbs": read},
        {"apiGroups": [""], "verbs": read,
         "resources": ["pods", "pods/log", "configmaps", "services", "events", "resourcequotas"]},
    ]);
    let namespaces = ["shop-prod", "shop-staging"];
    let there = |ns: &&&str| cluster.kubectl(&["get", "namespace", ns]).is_ok();
    let namespaces: Vec<&str> = namespaces.iter().filter(there).copied().collect();
    let restricted = cluster.user("demo-viewer", &namespaces, &rules).unwrap();
    let tokens = [cluster.admin(), &restricted].map(|file| {
        let config: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        config["users"][0]["user"]["token"].as_str().unwrap().to_owned()
    });
    Copied { name: name.to_owned(), cluster, tokens }
}
