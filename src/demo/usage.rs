//! How much CPU and memory containers use: made up, but steady, and fitting the story (storefront gets
//! busy just before its autoscaler acts; the bad cart fills its memory until it is killed).
//!
//! A value is a function of the seed, the container and the quarter of a minute of story time, so asking
//! twice gives the same answer.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::controllers::pods;
use super::json::{holds, items, map, millis, name, namespace, text};
use super::seed::Seed;
use super::source::{Usage, UsageSource};
use super::store::Store;
use super::world::apps;
use super::world::bulk::NODE_PREFIX;

/// Story seconds between which storefront is busy in production.
const BUSY: std::ops::Range<u64> = 236..1080;
/// What storefront's work takes in production, in requests of one container: when calm, when busy.
const CALM_WORK: f64 = 1.65;
const BUSY_WORK: f64 = 2.61;
/// How old a container must be to have been measured.
const MEASURED_AFTER: i64 = 15;

/// The state of usage that all who ask share: the seed and the present story time.
#[derive(Debug, Clone)]
pub struct Load {
    seed: Seed,
    now: Arc<AtomicU64>,
    story: bool,
}

impl Load {
    /// Usage out of a seed; without a story nobody gets busy.
    pub fn new(seed: Seed, story: bool) -> Self {
        Self { seed, now: Arc::new(AtomicU64::new(0)), story }
    }

    /// Tells the present story time.
    pub fn set_now(&self, now: Duration) {
        self.now.store(now.as_secs(), Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    /// The number that everything made up here derives from.
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// Whether storefront is busy now.
    pub fn busy(&self) -> bool {
        self.story && BUSY.contains(&self.now())
    }

    /// Whether a container's work is shared by the pods of its app: more pods, less for each.
    pub fn shares_work(&self, ns: &str, image: &str) -> bool {
        let app = apps::app_of_image(image);
        app.is_some_and(|app| app.name == "storefront" && ns == apps::Env::Production.namespace())
    }

    /// Thousandths of a core that shared work takes in all, when calm and when busy, by the request of one container.
    pub fn work(&self, request: f64) -> (f64, f64) {
        (request * CALM_WORK, request * BUSY_WORK)
    }

    /// Which share of its request a container uses, whose work is its own.
    pub fn cpu_share(&self, ns: &str, image: &str, container: &str) -> f64 {
        match apps::app_of_image(image) {
            Some(app) => self.seed.of("cpu").of(ns).of(app.name).between(0.25, 0.7),
            None => self.seed.of("cpu").of(container).between(0.1, 0.5),
        }
    }

    /// Bytes that a container (namespace, pod, name) wants `age` seconds after its start, by its image and its request
    /// and limit in bytes.
    pub fn memory_wanted(
        &self,
        (ns, pod, container): (&str, &str, &str),
        image: &str,
        (request, limit): (f64, Option<f64>),
        age: f64,
    ) -> f64 {
        let mib = 1024.0 * 1024.0;
        let cart = apps::app_of_image(image).is_some_and(|a| a.name == "cart");
        if cart && apps::tag(image) == apps::BAD_CART {
            // It wants about 220 MiB and gets there in half a minute.
            let wanted = (60.0 + 160.0 * (age / 36.0).clamp(0.0, 1.0)) * mib;
            return wanted.min(limit.unwrap_or(wanted) * 0.995);
        }
        let seed = self.seed.of("memory").of(ns).of(pod).of(container);
        request * seed.between(0.55, 0.85)
    }

    /// Thousandths of a core that a container uses. `peers` is how many pods share the work of its app.
    pub fn cpu(&self, pod: &Value, container: &Value, peers: usize) -> i64 {
        let request = container.pointer("/resources/requests/cpu").map_or(50, millis).max(5) as f64;
        let (ns, own) = (namespace(pod), name(pod));
        let pod_seed = self.seed.of(ns).of(own).of(text(container, "/name"));
        let noise = pod_seed.nth(self.now() / 15).between(0.97, 1.03);
        let image = text(container, "/image");
        let share = if self.shares_work(ns, image) {
            (if self.busy() { BUSY_WORK } else { CALM_WORK }) / peers.max(1) as f64
        } else {
            self.cpu_share(ns, image, text(container, "/name"))
        };
        (request * share * noise).round().max(1.0) as i64
    }

    /// Bytes that a container uses, `age` seconds after its start.
    pub fn memory(&self, pod: &Value, container: &Value, age: f64) -> i64 {
        let mib = 1024.0 * 1024.0;
        let of = |kind: &str| {
            container.pointer(&format!("/resources/{kind}/memory")).map(|q| millis(q) as f64 / 1000.0)
        };
        let request = of("requests").unwrap_or(64.0 * mib);
        let (ns, own, part) = (namespace(pod), name(pod), text(container, "/name"));
        let seed = self.seed.of("memory").of(ns).of(own).of(part);
        let noise = seed.nth(self.now() / 15).between(0.99, 1.01);
        let wanted =
            self.memory_wanted((ns, own, part), text(container, "/image"), (request, of("limits")), age);
        (wanted * noise) as i64
    }
}

/// Usage of the pods and nodes of one cluster, for its metrics API.
#[derive(Debug, Clone)]
pub struct ClusterUsage {
    load: Load,
    store: Store,
}

impl ClusterUsage {
    /// Usage of what is in a store.
    pub fn new(load: Load, store: Store) -> Self {
        Self { load, store }
    }

    fn peers(&self, pod: &Value) -> usize {
        let app = map(pod, "/metadata/labels")
            .and_then(|l| l.get("app.kubernetes.io/name"))
            .and_then(Value::as_str);
        if app != Some("storefront") {
            return 1;
        }
        let (_, entries) = self.store.entries("pods", Some(namespace(pod)));
        entries
            .iter()
            .filter(|e| e.label("app.kubernetes.io/name") == Some("storefront"))
            .filter(|e| pods::ready(&e.value()))
            .count()
    }
}

impl UsageSource for ClusterUsage {
    fn pod(&self, pod: &Value) -> Vec<(String, Usage)> {
        let now = Timestamp::now();
        let statuses: HashMap<&str, &Value> =
            items(pod, "/status/containerStatuses").iter().map(|s| (text(s, "/name"), s)).collect();
        let peers = self.peers(pod);
        let mut usage = Vec::new();
        for container in items(pod, "/spec/containers") {
            let own = text(container, "/name");
            let since = statuses.get(own).map_or("", |s| text(s, "/state/running/startedAt"));
            let Ok(since) = since.parse::<Timestamp>() else { continue };
            let age = now.duration_since(since).as_secs();
            if age < MEASURED_AFTER {
                continue;
            }
            let cpu = self.load.cpu(pod, container, peers).unsigned_abs();
            let memory = self.load.memory(pod, container, age as f64).unsigned_abs();
            usage.push((own.to_owned(), Usage { cpu_nanocores: cpu * 1_000_000, memory_bytes: memory }));
        }
        usage
    }

    fn node(&self, node: &Value) -> Option<Usage> {
        if !holds(node, "Ready") {
            return None;
        }
        if name(node).starts_with(NODE_PREFIX) {
            // A hundred pods of the load, not counted one by one.
            let share = self.load.seed.of("node").of(name(node)).between(0.3, 0.8);
            return Some(Usage {
                cpu_nanocores: (share * 31e9) as u64,
                memory_bytes: (share * 126e9) as u64,
            });
        }
        // What the system itself takes, and what its pods take.
        let mut sum = Usage { cpu_nanocores: 120_000_000, memory_bytes: 900 << 20 };
        let (_, entries) = self.store.entries("pods", None);
        for entry in entries {
            if entry.fields.iter().any(|(k, v)| *k == "spec.nodeName" && **v == *name(node)) {
                for (_, usage) in self.pod(&entry.value()) {
                    sum.cpu_nanocores += usage.cpu_nanocores;
                    sum.memory_bytes += usage.memory_bytes;
                }
            }
        }
        Some(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn storefront_gets_busy_in_the_story_and_more_pods_share_the_work() {
        let load = Load::new(Seed::new(1), true);
        let pod = json!({"metadata": {"name": "storefront-1-a", "namespace": "shop-prod"}});
        let container = json!({"name": "storefront", "image": "registry.example/storefront:2.7.1",
                               "resources": {"requests": {"cpu": "200m"}}});
        let calm = load.cpu(&pod, &container, 3);
        load.set_now(Duration::from_secs(240));
        let busy = load.cpu(&pod, &container, 3);
        let shared = load.cpu(&pod, &container, 4);
        assert!(calm < 140 && busy > 154 && shared < 140, "{calm} {busy} {shared}");
    }

    #[test]
    fn the_bad_cart_fills_its_limit() {
        let load = Load::new(Seed::new(1), true);
        let pod = json!({"metadata": {"name": "cart-1-a", "namespace": "shop-prod"}});
        let container = json!({"name": "cart", "image": "registry.example/cart:1.31.0",
                               "resources": {"limits": {"memory": "128Mi"}, "requests": {"memory": "96Mi"}}});
        assert!(load.memory(&pod, &container, 1.0) < 70 << 20);
        let full = load.memory(&pod, &container, 40.0);
        assert!(full > 125 << 20 && full < 129 << 20, "{full}");
    }
}
