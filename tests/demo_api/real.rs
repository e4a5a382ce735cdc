//! The real API server behind the tests, and the way to it: etcd and the API server alone, so that nobody but the test
//! moves anything. One for all tests of this program, one test at a time, each of which begins with the same objects.

use ground::Cluster;
use ground::proxy::Proxy;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

/// What the server calls the person who may read two namespaces.
pub const VIEWER: &str = "system:serviceaccount:people:demo-viewer";

static SERVER: OnceCell<(Cluster, [String; 2])> = OnceCell::const_new();
static TURN: Mutex<()> = Mutex::const_new(());

/// The way to the server for one test: plain HTTP, as the tests speak it.
pub struct Front {
    proxy: Proxy,
    cluster: &'static Cluster,
    _turn: MutexGuard<'static, ()>,
}

impl Front {
    pub fn url(&self) -> String {
        self.proxy.url()
    }

    /// etcd forgets the past, and the API server what it remembers of it.
    pub async fn compact(&self) {
        self.cluster.compact().await.unwrap();
        self.cluster.kill_api_server().await.unwrap();
        self.cluster.start_api_server().await.unwrap();
    }
}

/// Waits for its turn, and gives the tokens of the administrator and of the viewer too.
pub async fn front() -> (Front, [String; 2]) {
    let turn = TURN.lock().await;
    let (cluster, tokens) = SERVER.get_or_init(start).await;
    let proxy = Proxy::start(cluster).await.unwrap();
    (Front { proxy, cluster, _turn: turn }, tokens.clone())
}

async fn start() -> (Cluster, [String; 2]) {
    let cluster = Cluster::start().bare().await.unwrap();
    for ns in ["shop-prod", "shop-staging"] {
        cluster.kubectl(&["create", "namespace", ns]).unwrap();
    }
    let groups = ["", "apps", "batch", "autoscaling", "policy", "networking.k8s.io", "argoproj.io"];
    let rules = json!([
        {"apiGroups": groups[1..], "resources": ["*"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [groups[0]], "verbs": ["get", "list", "watch"],
         "resources": ["pods", "pods/log", "configmaps", "services", "events", "serviceaccounts"]},
    ]);
    let viewer = cluster.user("demo-viewer", &["shop-prod", "shop-staging"], &rules).unwrap();
    let tokens = [cluster.admin(), &viewer].map(|file| {
        let config: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        config["users"][0]["user"]["token"].as_str().unwrap().to_owned()
    });
    (cluster, tokens)
}
