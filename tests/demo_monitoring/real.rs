//! Real servers that know what the demo's know: its rules, its routes, one of its targets. One pair for all tests of this
//! program, one test at a time.

use std::time::Duration;

use ground::Cluster;
use ground::exporter::Exporter;
use ground::prometheus::Prometheus;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use super::client::Servers;

static SERVERS: OnceCell<Cluster> = OnceCell::const_new();
static TURN: Mutex<()> = Mutex::const_new(());

/// The servers for one test.
pub struct Turn {
    prometheus: &'static Prometheus,
    _turn: MutexGuard<'static, ()>,
}

impl Turn {
    /// Of the Prometheus and of the Alertmanager.
    pub fn urls(&self) -> (String, String) {
        (self.prometheus.url(), self.prometheus.alertmanager_url())
    }
}

/// Waits for its turn.
pub async fn turn() -> Turn {
    let turn = TURN.lock().await;
    let cluster = SERVERS.get_or_init(start).await;
    Turn { prometheus: cluster.prometheus().unwrap(), _turn: turn }
}

async fn start() -> Cluster {
    let cluster = Cluster::start().bare().with_prometheus().await.unwrap();
    let prometheus = cluster.prometheus().unwrap();
    as_the_demo_is(prometheus).await;
    prometheus.scrape("cart", &cart(), &json!({"honor_labels": true})).await.unwrap();
    let ready = async {
        loop {
            let scraped = prometheus.query("count(app_requests_total)").await.unwrap();
            let told = prometheus.get_of_alertmanager("/api/v2/alerts").await.unwrap();
            if scraped[0]["value"][1] == "5" && told.as_array().is_some_and(|all| !all.is_empty()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), ready).await.unwrap();
    cluster
}

/// The address of a pod of cart as it is scraped. It has a thread of its own: a test's tasks end with the test.
fn cart() -> String {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let exporter = Exporter::start().await.unwrap();
            let labels =
                [("app", "cart"), ("container", "cart"), ("namespace", "shop-prod"), ("pod", "cart-1")];
            for status in ["200", "201", "404", "500", "503"] {
                let labels: Vec<(&str, &str)> = labels.into_iter().chain([("status", status)]).collect();
                exporter.counter("app_requests_total", &labels, 7.0);
            }
            tell.send(exporter.address()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    told.recv().unwrap()
}

/// Takes the demo's rules and routes from the demo.
async fn as_the_demo_is(prometheus: &Prometheus) {
    let demo = Servers::demo().await;
    for group in demo.ask("rules").await["groups"].as_array().unwrap() {
        let rules: Vec<Value> = group["rules"].as_array().unwrap().iter().map(rule).collect();
        prometheus.rules(group["name"].as_str().unwrap(), &json!(rules)).await.unwrap();
    }
    let status = demo.told("status").await;
    let mut config: Value = serde_yaml::from_str(status["config"]["original"].as_str().unwrap()).unwrap();
    config["receivers"] = demo.told("receivers").await;
    config["route"]["group_wait"] = json!("1s");
    config["route"]["group_interval"] = json!("1s");
    prometheus.configure_alertmanager(&config).await.unwrap();
}

/// A rule as it is written, from how it is told.
fn rule(told: &Value) -> Value {
    json!({"alert": told["name"], "expr": told["query"], "for": format!("{}s", told["duration"]),
           "labels": told["labels"], "annotations": told["annotations"]})
}
