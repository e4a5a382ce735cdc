//! The demo's world as it stands when the story begins.
//!
//! Nothing in it has a made-up status: [`build`] plays the past. From the oldest change to the newest it
//! writes what a person would have written (`objects`, `platform`), with the clock set to that day, and
//! lets the controllers do what they do; so owners, hashes, revisions, counts, endpoints and quotas fit
//! together because the same code keeps them fitting later.

pub mod apps;
pub mod bulk;
pub mod clusters;
pub mod crowd;
pub mod objects;
pub mod platform;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::apps::{APPS, App, Env, Shape};
use self::clusters::Site;
use super::access;
use super::clock::{Clock, seconds, shift};
use super::controllers::{Cluster, cronjobs, pods, rollouts};
use super::json::{int, millis, name, set};
use super::seed::Seed;
use super::store::Store;
use super::usage::Load;
use super::velero;

/// Seconds in a minute and a day.
const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;
/// CPU and memory that an environment's requests take of its quota, in percent, in promotion order.
const QUOTA_USE: [(i64, i64); 3] = [(61, 44), (35, 50), (74, 80)];

/// Something that was done to a cluster once.
struct Deed {
    /// Seconds before the story.
    age: u64,
    what: What,
}

enum What {
    /// An app came to an environment, or was rolled to its n-th release.
    Release(&'static App, Env, usize),
    /// A Job of a CronJob ran.
    Job(&'static App, Env),
}

/// Fills a cluster's store with its past. `zero` is the wall-clock time of story time zero. Gives the
/// controllers that go on from there.
pub fn build(site: &'static Site, store: Store, seed: Seed, zero: Timestamp, load: Load) -> Cluster {
    let mut cx = Cluster::new(store, seed, Clock::past(zero), load);
    cx.storage_class = site.storage_class;
    ground(&mut cx, site, zero);
    let mut deeds = Vec::new();
    for env in site.envs {
        for app in &APPS {
            let history = app.history[env.index()];
            for n in 0..history.len() {
                deeds.push(Deed { age: release_age(seed, app, *env, n), what: What::Release(app, *env, n) });
            }
            if app.shape == Shape::CronJob {
                deeds.extend([810, 510, 210].map(|age| Deed { age, what: What::Job(app, *env) }));
            }
        }
    }
    deeds.sort_by_key(|d| std::cmp::Reverse(d.age));
    for deed in deeds {
        cx.clock = Clock::past(shift(zero, -(deed.age as f64)));
        match deed.what {
            What::Release(app, env, n) => release(&mut cx, site, app, env, n),
            What::Job(app, env) => {
                if let Some(cron) = cx.get("cronjobs.batch", env.namespace(), app.name) {
                    cronjobs::make(&mut cx, &cron, -(deed.age as i64));
                }
            }
        }
        cx.settle();
    }
    cx.clock = Clock::past(shift(zero, -((site.node_days * DAY) as f64)));
    for env in site.envs {
        limit(&mut cx, *env);
    }
    cx.settle();
    scars(&mut cx, site, zero);
    velero::past(&mut cx, site, zero);
    cx
}

/// How many seconds before the story an app's n-th release came to an environment; `seed` is its cluster's.
pub fn release_age(seed: Seed, app: &App, env: Env, n: usize) -> u64 {
    let minutes = app.history[env.index()].get(n).map_or(0, |(_, minutes)| *minutes);
    // Nobody rolls out on the full hour.
    let odd = seed.of(app.name).of(env.short()).nth(n as u64).below(50 * MINUTE);
    let odd = if minutes > 600 { odd } else { odd % 50 };
    u64::from(minutes) * MINUTE + odd
}

/// Nodes, namespaces, and what the platform runs.
fn ground(cx: &mut Cluster, site: &Site, zero: Timestamp) {
    let day = |days: u64| shift(zero, -((days * DAY) as f64));
    cx.clock = Clock::past(day(site.node_days + 30));
    for ns in platform::NAMESPACES {
        cx.create("namespaces", objects::namespace(ns, json!({})));
    }
    for env in site.envs {
        let labels = json!({"app.kubernetes.io/part-of": "shop", "environment": env.short()});
        cx.create("namespaces", objects::namespace(env.namespace(), labels));
    }
    cx.create("customresourcedefinitions.apiextensions.k8s.io", clusters::rollout_definition());
    for role in access::cluster_roles() {
        cx.create("clusterroles.rbac.authorization.k8s.io", role);
    }
    for definition in velero::definitions() {
        cx.create("customresourcedefinitions.apiextensions.k8s.io", definition);
    }
    cx.create("storageclasses.storage.k8s.io", json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "disk.csi.example",
        "metadata": {"name": site.storage_class, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "reclaimPolicy": "Delete", "volumeBindingMode": "WaitForFirstConsumer", "allowVolumeExpansion": true}));
    cx.create("ingressclasses.networking.k8s.io", json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": site.ingress_class},
        "spec": {"controller": format!("ingress.example/{}", site.ingress_class)}}));
    cx.create(
        "priorityclasses.scheduling.k8s.io",
        json!({
        "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "value": 2_000_001_000,
        "preemptionPolicy": "PreemptLowerPriority", "metadata": {"name": "system-node-critical"},
        "description": "Used for system critical pods that must not be moved from their current node."}),
    );
    let (service, slice) = platform::api_service(&format!("{}.0.1", site.services_net), "192.168.20.2");
    cx.create("services", service);
    cx.create("endpointslices.discovery.k8s.io", slice);
    cx.clock = Clock::past(day(site.node_days));
    let (stamp, now) = (cx.clock.stamp(), seconds(zero));
    for node in site.nodes(cx.seed, &stamp, &now) {
        cx.create("nodes", node);
    }
    cx.settle();
    let parts: &'static [platform::Part] = if site.is_k3s() { &platform::K3S } else { &platform::GKE };
    for part in parts {
        let days = 2 + cx.seed.of(part.name).below(site.node_days - 3);
        cx.clock = Clock::past(day(days));
        cx.create(part.resource(), part.workload());
        let ip = service_ip(cx, site, part.ns, part.name);
        for service in part.service(&ip).into_iter().chain(part.operated()) {
            cx.create("services", service);
        }
        cx.settle();
    }
    if site.is_k3s() {
        cx.clock = Clock::past(day(6));
        let mut pod = platform::toolbox();
        pods::complete(&mut pod, &cx.seed.of("toolbox").suffix(5));
        cx.create("pods", pod);
        cx.settle();
    }
}

fn service_ip(cx: &Cluster, site: &Site, ns: &str, own: &str) -> String {
    let seed = cx.seed.of("service").of(ns).of(own);
    let (a, b) = (seed.nth(0).below(250), 2 + seed.nth(1).below(250));
    format!("{}.{a}.{b}", site.services_net)
}

/// An app comes to an environment with its first release, or is rolled to a later one.
fn release(cx: &mut Cluster, site: &Site, app: &'static App, env: Env, n: usize) {
    let history = app.history[env.index()];
    let (release, _) = history[n];
    let ns = env.namespace();
    if n == 0 {
        surroundings(cx, site, app, env, release);
    }
    match app.shape {
        Shape::BlueGreen => {
            let color = if n == 0 { "blue" } else { "green" };
            cx.create("deployments.apps", objects::deployment(app, env, release, Some(color)));
        }
        Shape::Deployment => {
            let mut object = objects::deployment(app, env, release, None);
            if n + 1 < history.len() {
                // Of an earlier release only the ReplicaSet is left; its pods need not be made.
                object["spec"]["replicas"] = json!(0);
            }
            put(cx, "deployments.apps", object);
        }
        Shape::StatefulSet => put(cx, "statefulsets.apps", objects::stateful_set(app, env, release)),
        Shape::DaemonSet => put(cx, "daemonsets.apps", objects::daemon_set(app, env, release)),
        Shape::CronJob => put(cx, "cronjobs.batch", objects::cron_job(app, env, release)),
        Shape::Rollout => {
            put(cx, "rollouts.argoproj.io", objects::rollout(app, env, release));
            cx.settle();
            // In production the newest release still waits as a canary.
            if env != Env::Production || n + 1 < history.len() {
                rollouts::promote(cx, ns, app.name);
            }
        }
    }
    if app.guarded && n + 1 == history.len() {
        cx.create("poddisruptionbudgets.policy", objects::disruption_budget(app, env, release));
    }
    if let Some((max, target)) = app.autoscaled
        && env == Env::Production
        && n + 1 == history.len()
    {
        let hpa = objects::autoscaler(app, env, release, max, target);
        cx.create("horizontalpodautoscalers.autoscaling", hpa);
    }
}

/// Creates an object, or gives an existing one the new spec and labels.
fn put(cx: &mut Cluster, resource: &'static str, mut object: Value) {
    super::defaults::apply(resource, &mut object);
    let (ns, own) = (super::json::namespace(&object).to_owned(), name(&object).to_owned());
    if cx.get(resource, &ns, &own).is_none() {
        cx.create(resource, object);
        return;
    }
    cx.update(resource, &ns, &own, |old| {
        old["spec"] = object["spec"].clone();
        old["metadata"]["labels"] = object["metadata"]["labels"].clone();
    });
}

/// What stands around an app: accounts, configuration, Services, Ingress.
fn surroundings(cx: &mut Cluster, site: &Site, app: &App, env: Env, release: &str) {
    let ns = env.namespace();
    cx.create("serviceaccounts", objects::service_account(app, env, release));
    cx.create("configmaps", objects::config_map(app, env, release));
    if app.secret {
        let password = cx.seed.of("password").of(ns).of(app.name).suffix(20);
        cx.create("secrets", objects::secret(app, env, release, &password));
    }
    if app.port == 0 {
        return;
    }
    let live =
        (app.shape == Shape::BlueGreen).then_some(if env == Env::Production { "blue" } else { "green" });
    let ip = service_ip(cx, site, ns, app.name);
    cx.create("services", objects::service(app, env, release, app.name, live, false, &ip));
    if app.shape == Shape::StatefulSet {
        let own = format!("{}-headless", app.name);
        cx.create("services", objects::service(app, env, release, &own, None, true, ""));
    }
    if let Some(live) = live {
        let standby = if live == "blue" { "green" } else { "blue" };
        let own = format!("{}-preview", app.name);
        let ip = service_ip(cx, site, ns, &own);
        cx.create("services", objects::service(app, env, release, &own, Some(standby), false, &ip));
    }
    if app.public {
        let ingress = objects::ingress(app, env, release, site.ingress_class, site.ingress_address);
        cx.create("ingresses.networking.k8s.io", ingress);
    }
}

/// Gives an environment a quota that its requests fill as far as the story wants.
fn limit(cx: &mut Cluster, env: Env) {
    let (mut cpu, mut memory, mut limits) = (0, 0, 0);
    for pod in cx.list("pods", Some(env.namespace())) {
        if !pods::ended(&pod) {
            let (c, m) = pods::requests(&pod);
            cpu += c;
            memory += m;
            limits += super::json::items(&pod, "/spec/containers")
                .iter()
                .filter_map(|c| c.pointer("/resources/limits/memory"))
                .map(|q| millis(q) / 1000)
                .sum::<i64>();
        }
    }
    let (cpu_percent, memory_percent) = QUOTA_USE[env.index()];
    let mib = 1024 * 1024;
    let cores = (cpu * 100 / cpu_percent + 50) / 100 * 100;
    let memory = (memory / mib * 100 / memory_percent + 128) / 256 * 256;
    let limits = (limits / mib * 2 + 512) / 1024;
    let hard = json!({
        "requests.cpu": super::json::cpu_text(cores), "requests.memory": format!("{memory}Mi"),
        "limits.memory": format!("{limits}Gi"), "pods": "120", "services": "40",
    });
    cx.create("resourcequotas", objects::quota(env.namespace(), hard));
}

/// Old scars: containers that were restarted once, long ago.
fn scars(cx: &mut Cluster, site: &Site, zero: Timestamp) {
    let chosen: &[(&str, &str, i64, f64)] = if site.is_k3s() {
        &[("shop-dev", "search-1", 1, 4.2), ("shop-staging", "search-0", 2, 9.5)]
    } else {
        &[("shop-prod", "search-2", 1, 5.7), ("monitoring", "prometheus-0", 1, 1.1)]
    };
    for (ns, pod, restarts, days) in chosen {
        let at = |extra: f64| seconds(shift(zero, -days * DAY as f64 + extra));
        let (died, back) = (at(0.0), at(2.0));
        cx.update("pods", ns, pod, |p| {
            super::controllers::status::container(p, "containerStatuses", 0, |c| {
                let started = super::json::text(c, "/state/running/startedAt").to_owned();
                // A pod that is younger than the scar keeps clean.
                if started > died {
                    return;
                }
                let id = super::json::text(c, "/containerID").to_owned();
                c["lastState"] = super::controllers::status::terminated(143, "Error", &started, &died, &id);
                c["state"] = super::controllers::status::running(&back);
                c["restartCount"] = json!(int(c, "/restartCount") + restarts);
            });
            set(p, &["status", "observedGeneration"], json!(1));
        });
    }
    cx.settle();
}
