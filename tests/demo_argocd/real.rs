//! Real controllers that deliver the demo's repository. One control plane for all tests of this program, one test at a
//! time.

use std::path::PathBuf;

use ground::Cluster;
use pilothouse::demo::{self, DemoOptions};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
static TURN: Mutex<()> = Mutex::const_new(());

/// The control plane for one test.
pub struct Turn {
    cluster: &'static Cluster,
    _turn: MutexGuard<'static, ()>,
}

impl Turn {
    pub async fn client(&self) -> kube::Client {
        self.cluster.client().await.unwrap()
    }

    pub fn repository(&self) -> PathBuf {
        repository(self.cluster)
    }
}

/// Waits for its turn.
pub async fn turn() -> Turn {
    let turn = TURN.lock().await;
    let cluster = CLUSTER.get_or_init(start).await;
    Turn { cluster, _turn: turn }
}

fn repository(cluster: &Cluster) -> PathBuf {
    cluster.folder().join("shop.git")
}

async fn start() -> Cluster {
    // By itself it would look for changes before a test could tell that it was asked to.
    let rarely = std::time::Duration::from_secs(3600);
    let cluster = Cluster::start().with_argocd().argocd_resync(rarely).await.unwrap();
    cluster.nodes(3).await.unwrap();
    cluster.kubectl(&["create", "namespace", super::place::SHOP]).unwrap();
    // The repository, the project and the Applications are the demo's, which ends here.
    let options = DemoOptions {
        story: false,
        speed: 0.0,
        repository: Some(repository(&cluster)),
        ..DemoOptions::default()
    };
    let demo = demo::start(options).await.unwrap();
    let store = &demo.clusters()[1].store;
    let mut project = store.get("appprojects.argoproj.io", "argocd", "shop").unwrap();
    project["spec"]["syncWindows"] = json!([]);
    cluster.apply(&bare(&project)).unwrap();
    for name in ["mailer-prod", "accounts-prod"] {
        cluster.apply(&bare(&store.get("applications.argoproj.io", "argocd", name).unwrap())).unwrap();
    }
    cluster
}

/// An object as somebody would write it.
fn bare(object: &Value) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": object["kind"], "spec": object["spec"],
        "metadata": {"name": object["metadata"]["name"], "namespace": object["metadata"]["namespace"]},
    })
}
