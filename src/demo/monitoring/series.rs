//! All series of a cluster, made from a picture of its past: what its apps, kubelets and kube-state-metrics would have
//! been scraped for. Only those whose name is asked for are made.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use super::Faults;
use super::history::Picture;
use super::life::{Container, FactLife, Life, Pod, Run, stamp};
use super::promql::labels::{Labels, NAME};
use super::promql::matcher::{self, Matcher};
use super::promql::storage::{Series, Storage};
use super::scrape::{Scraped, Value};
use super::traffic::{BOUNDS, STATUSES, Traffic, What};
use crate::demo::json::text;
use crate::demo::store::Store;
use crate::demo::usage::Load;

/// How long samples are kept, milliseconds.
const KEPT: i64 = 31 * 86_400_000;

/// Metrics that are not facts of objects: name, type, help.
pub const METRICS: [(&str, &str, &str); 14] = [
    ("up", "gauge", "Whether the last scrape of the target succeeded."),
    ("app_requests_total", "counter", "Requests answered, by status."),
    ("app_request_latency_seconds", "histogram", "How long requests took."),
    ("container_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed in seconds."),
    ("container_memory_working_set_bytes", "gauge", "Current working set in bytes."),
    ("container_network_receive_bytes_total", "counter", "Cumulative count of bytes received."),
    ("container_network_transmit_bytes_total", "counter", "Cumulative count of bytes transmitted."),
    ("container_spec_memory_limit_bytes", "gauge", "Memory limit for the container."),
    ("node_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the node in core-seconds."),
    ("node_memory_working_set_bytes", "gauge", "Current working set of the node in bytes."),
    (
        "velero_backup_last_successful_timestamp",
        "gauge",
        "Last time a backup ran successfully, Unix timestamp in seconds.",
    ),
    ("velero_backup_last_status", "gauge", "Last status of the backup: 1 is successful, 0 is not."),
    ("ALERTS", "gauge", "Pending and firing alerts."),
    ("ALERTS_FOR_STATE", "gauge", "Since when alerts are active, Unix timestamp in seconds."),
];

/// A Velero backup that has ended, as far as metrics go.
#[derive(Debug, Clone, PartialEq)]
struct Backup {
    /// The schedule that made it; empty: a person did.
    schedule: String,
    /// When it ended, milliseconds.
    ended: i64,
    /// Whether it is `Completed`.
    well: bool,
}

/// An alert over time, for `ALERTS` and `ALERTS_FOR_STATE`.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertSpan {
    /// Its labels with `alertname`.
    pub labels: Labels,
    /// Since when its expression holds, milliseconds.
    pub active: i64,
    /// Since when it fires.
    pub firing: Option<i64>,
    /// When it was over.
    pub over: Option<i64>,
}

/// The series of one cluster at one moment.
pub struct World {
    picture: Picture,
    load: Load,
    store: Store,
    alerts: Vec<AlertSpan>,
    known: (i64, i64),
    faults: Faults,
    apps: OnceLock<HashMap<(String, String), App>>,
}

impl World {
    /// Everything that is known up to `now` (milliseconds).
    pub fn new(picture: Picture, load: Load, store: Store, alerts: Vec<AlertSpan>, now: i64) -> Self {
        Self {
            picture,
            load,
            store,
            alerts,
            known: (now - KEPT, now),
            faults: Faults::default(),
            apps: OnceLock::new(),
        }
    }

    /// With made-up faults: load.
    pub fn with_faults(self, faults: Faults) -> Self {
        Self { faults, ..self }
    }

    /// The scraped pods by namespace and app, with what manages them.
    fn apps(&self) -> &HashMap<(String, String), App> {
        self.apps.get_or_init(|| {
            let mut apps: HashMap<(String, String), App> = HashMap::new();
            let mut owners: HashMap<&str, Vec<&Arc<Life>>> = HashMap::new();
            for life in &self.picture.lives {
                match &life.pod {
                    Some(pod) if pod.scraped.is_some() => {
                        let key = (life.ns.clone(), pod.app().to_owned());
                        apps.entry(key).or_default().pods.push(life.clone());
                    }
                    None if life.resource.ends_with(".apps") => {
                        owners.entry(&life.ns).or_default().push(life)
                    }
                    _ => {}
                }
            }
            for ((ns, app), lives) in &mut apps {
                let prefix = format!("{app}-");
                let of = |life: &&&Arc<Life>| life.name == *app || life.name.starts_with(&prefix);
                let all = owners.get(ns.as_str()).into_iter().flatten();
                lives.owners = all.filter(of).map(|life| (*life).clone()).collect();
            }
            apps
        })
    }

    fn traffic_of(&self, life: &Life, pod: &Pod) -> Option<Arc<Traffic>> {
        let app = self.apps().get(&(life.ns.clone(), pod.app().to_owned()))?;
        let make = || {
            let seed = self.load.seed();
            Arc::new(Traffic::new(seed, &life.ns, pod.app(), &self.picture, &app.pods, &app.owners))
        };
        Some(app.traffic.get_or_init(make).clone())
    }
}

/// The lives that an app's traffic follows from.
#[derive(Default)]
struct App {
    pods: Vec<Arc<Life>>,
    owners: Vec<Arc<Life>>,
    traffic: OnceLock<Arc<Traffic>>,
}

/// Collects series whose labels pass.
struct Hand<'a> {
    matchers: &'a [Matcher],
    known: (i64, i64),
    /// The window that will be asked for.
    asked: (i64, i64),
    out: Vec<Arc<dyn Series>>,
}

impl Hand<'_> {
    /// Whether a metric of this name may be wanted.
    fn wants(&self, metric: &str) -> bool {
        self.matchers.iter().filter(|m| m.name == NAME).all(|m| m.accepts(metric))
    }

    /// Whether anything of this value of a label may be wanted.
    fn may(&self, label: &str, value: &str) -> bool {
        self.matchers.iter().filter(|m| m.name == label).all(|m| m.accepts(value))
    }

    /// Whether an object was there within the window.
    fn overlaps(&self, life: &Life) -> bool {
        // A scrape or two later its end is still told.
        life.created <= self.asked.1 && life.gone.is_none_or(|gone| gone + 60_000 > self.asked.0)
    }

    fn put(&mut self, metric: &str, target: &str, labels: &[(&str, &str)], value: Value) {
        let labels = Labels::new(labels.iter().copied().chain([(NAME, metric)]));
        if matcher::all(self.matchers, &labels) {
            self.out.push(Arc::new(Scraped::new(labels, target, self.known, value)));
        }
    }
}

impl Storage for World {
    fn select(&self, matchers: &[Matcher], after: i64, until: i64) -> Vec<Arc<dyn Series>> {
        let mut hand = Hand { matchers, known: self.known, asked: (after, until), out: Vec::new() };
        for life in &self.picture.lives {
            if !hand.overlaps(life) || (life.resource != "nodes" && !hand.may("namespace", &life.ns)) {
                continue;
            }
            self.facts(life, &mut hand);
            if let Some(pod) = &life.pod
                && hand.may("pod", &life.name)
            {
                self.app(life, pod, &mut hand);
                self.containers(life, pod, &mut hand);
            } else if life.resource == "nodes" {
                self.node(life, &mut hand);
            }
        }
        self.backups(&mut hand);
        self.alerts(&mut hand);
        self.faults(&mut hand);
        hand.out
    }
}

impl World {
    /// What kube-state-metrics says.
    fn facts(&self, life: &Arc<Life>, hand: &mut Hand<'_>) {
        for (n, (metric, labels, _)) in life.facts.iter().enumerate() {
            if !hand.wants(metric) {
                continue;
            }
            let mut all: Vec<(&str, &str)> =
                life.identity.iter().chain(labels).map(|(n, v)| (*n, v.as_str())).collect();
            all.extend([("job", "kube-state-metrics"), ("instance", "kube-state-metrics:8080")]);
            let life = life.clone();
            let value = move |at: i64| {
                let steps = life.facts.get(n).map(|f| &f.2)?;
                if life.there(at) { steps.at(at).copied().flatten() } else { None }
            };
            hand.put(metric, "kube-state-metrics", &all, Arc::new(value));
        }
    }

    /// What an app says of itself, and whether it could be asked.
    fn app(&self, life: &Arc<Life>, pod: &Pod, hand: &mut Hand<'_>) {
        let Some(port) = &pod.scraped else { return };
        let metrics = [
            "up",
            "app_requests_total",
            "app_request_latency_seconds_bucket",
            "app_request_latency_seconds_sum",
            "app_request_latency_seconds_count",
        ];
        let app = pod.app().to_owned();
        if !metrics.iter().any(|m| hand.wants(m)) || !hand.may("app", &app) {
            return;
        }
        let own = pod.containers.first().map_or("", |c| c.name.as_str()).to_owned();
        let instance = format!("{}:{port}", pod.ip);
        let job = format!("{}/{app}", life.ns);
        let target: Vec<(&str, &str)> = vec![
            ("app", &app),
            ("namespace", &life.ns),
            ("pod", &life.name),
            ("container", &own),
            ("job", &job),
            ("instance", &instance),
        ];
        if hand.wants("up") {
            let life = life.clone();
            let value =
                move |at: i64| life.there(at).then(|| f64::from(u8::from(main_run(&life, at).is_some())));
            hand.put("up", &life_target(&target), &target, Arc::new(value));
        }
        let Some(traffic) = self.traffic_of(life, pod) else { return };
        let count = |what: What| -> Value {
            let (life, traffic) = (life.clone(), traffic.clone());
            Arc::new(move |at| {
                let run = main_run(&life, at).filter(|_| life.there(at))?;
                let amount = traffic.counted(life.pod.as_ref()?, run.since, at, what);
                Some(if what == What::Seconds { amount } else { amount.floor() })
            })
        };
        let scraped = life_target(&target);
        if hand.wants("app_requests_total") {
            for (n, (status, _, _)) in STATUSES.iter().enumerate() {
                let labels = [target.as_slice(), &[("status", status)]].concat();
                hand.put("app_requests_total", &scraped, &labels, count(What::Status(n)));
            }
        }
        if hand.wants("app_request_latency_seconds_bucket") {
            for bound in BOUNDS {
                let le = if bound.is_infinite() { "+Inf".to_owned() } else { format!("{bound:?}") };
                let labels = [target.as_slice(), &[("le", le.as_str())]].concat();
                hand.put("app_request_latency_seconds_bucket", &scraped, &labels, count(What::Within(bound)));
            }
        }
        hand_over(hand, "app_request_latency_seconds_sum", &scraped, &target, || count(What::Seconds));
        hand_over(hand, "app_request_latency_seconds_count", &scraped, &target, || count(What::All));
    }

    /// What the kubelet says of a pod's containers.
    fn containers(&self, life: &Arc<Life>, pod: &Pod, hand: &mut Hand<'_>) {
        let names = [
            "container_cpu_usage_seconds_total",
            "container_memory_working_set_bytes",
            "container_spec_memory_limit_bytes",
            "container_network_receive_bytes_total",
            "container_network_transmit_bytes_total",
        ];
        if !names.iter().any(|m| hand.wants(m)) || pod.node.is_empty() && life.gone.is_none() {
            return;
        }
        let instance = format!("{}:10250", pod.node);
        let about = |more: &[(&'static str, &str)]| -> Vec<(String, String)> {
            let common = [
                ("namespace", life.ns.as_str()),
                ("pod", &life.name),
                ("node", &pod.node),
                ("instance", &instance),
                ("job", "kubelet"),
                ("metrics_path", "/metrics/cadvisor"),
            ];
            common.iter().chain(more).map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
        };
        let put = |hand: &mut Hand<'_>, metric: &str, labels: Vec<(String, String)>, value: Value| {
            let labels: Vec<(&str, &str)> = labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            hand.put(metric, &pod.node, &labels, value);
        };
        for (n, container) in pod.containers.iter().enumerate() {
            if !hand.may("container", &container.name) && !hand.may("container", "") {
                continue;
            }
            let labels = || about(&[("container", &container.name), ("image", &container.image)]);
            if hand.wants(names[0]) {
                put(hand, names[0], labels(), self.cpu(life, n));
            }
            if hand.wants(names[1]) {
                put(hand, names[1], labels(), self.memory(life, n));
            }
            if hand.wants(names[2]) {
                let (life, limit) = (life.clone(), container.limit.unwrap_or(0.0));
                put(hand, names[2], labels(), Arc::new(move |at| run(&life, n, at).map(|_| limit)));
            }
        }
        // The pod as a whole, as cAdvisor has it beside its containers.
        if hand.may("container", "") {
            for (metric, of) in
                [(names[0], Self::cpu as fn(&Self, &Arc<Life>, usize) -> Value), (names[1], Self::memory)]
            {
                if !hand.wants(metric) {
                    continue;
                }
                let parts: Vec<Value> = (0..pod.containers.len()).map(|n| of(self, life, n)).collect();
                let sum = move |at| {
                    let there: Vec<f64> = parts.iter().filter_map(|p| p(at)).collect();
                    (!there.is_empty()).then(|| there.iter().sum())
                };
                put(hand, metric, about(&[("id", &format!("/kubepods/pod{}", pod.uid))]), Arc::new(sum));
            }
            for (metric, each) in [(names[3], 900.0), (names[4], 6_400.0)] {
                if hand.wants(metric) {
                    put(hand, metric, about(&[("interface", "eth0")]), self.network(life, pod, each));
                }
            }
        }
    }

    /// Seconds of CPU that a container has used in its present run.
    fn cpu(&self, life: &Arc<Life>, n: usize) -> Value {
        let Some((pod, container)) = parts(life, n) else { return Arc::new(|_| None) };
        let (life_now, load) = (life.clone(), self.load.clone());
        if load.shares_work(&life.ns, &container.image)
            && let Some(traffic) = self.traffic_of(life, pod)
        {
            let (calm, busy) = load.work(container.cpu);
            return Arc::new(move |at| {
                let pod = life_now.pod.as_ref()?;
                let run = run(&life_now, n, at)?;
                Some(traffic.counted(pod, run.since, at, What::Work(calm, busy)) / 1000.0)
            });
        }
        let cores = load.cpu_share(&life.ns, &container.image, &container.name) * container.cpu / 1000.0;
        let seed = load.seed().of("ripple").of(&life.name).of(&container.name);
        let phase = seed.between(0.0, std::f64::consts::TAU);
        let period = seed.nth(1).between(400.0, 900.0);
        Arc::new(move |at| {
            let run = run(&life_now, n, at)?;
            Some(cores * rippled(run.since, at, period, phase))
        })
    }

    /// Bytes in the working set of a container.
    fn memory(&self, life: &Arc<Life>, n: usize) -> Value {
        let Some((_, container)) = parts(life, n) else { return Arc::new(|_| None) };
        let (life_now, load, container) = (life.clone(), self.load.clone(), container.clone());
        let phase =
            load.seed().of("breath").of(&life.name).of(&container.name).between(0.0, std::f64::consts::TAU);
        Arc::new(move |at| {
            let run = run(&life_now, n, at)?;
            let age = (at - run.since) as f64 / 1000.0;
            let noise = 1.0 + 0.01 * (at as f64 / 170_000.0 + phase).sin();
            let wanted = load.memory_wanted(
                (&life_now.ns, &life_now.name, &container.name),
                &container.image,
                (container.memory, container.limit),
                age,
            );
            Some((wanted * noise).floor())
        })
    }

    /// Bytes that a pod has received or sent since it was created: so many with each request, and a trickle.
    fn network(&self, life: &Arc<Life>, pod: &Pod, each: f64) -> Value {
        let traffic = self.traffic_of(life, pod);
        let life = life.clone();
        let trickle = self.load.seed().of("trickle").of(&life.name).between(300.0, 2500.0);
        Arc::new(move |at| {
            let pod = life.pod.as_ref().filter(|_| life.there(at))?;
            let since = life.created.max(at - KEPT);
            let requests = traffic.as_ref().map_or(0.0, |t| t.counted(pod, since, at, What::All));
            let secs = (at - since) as f64 / 1000.0;
            Some((requests * each + trickle * secs).floor())
        })
    }

    /// What the kubelet says of its node: what the system takes, and what the pods on it take.
    fn node(&self, life: &Arc<Life>, hand: &mut Hand<'_>) {
        let names = ["node_cpu_usage_seconds_total", "node_memory_working_set_bytes"];
        let instance = format!("{}:10250", life.name);
        let labels = [
            ("node", life.name.as_str()),
            ("instance", &instance),
            ("job", "kubelet"),
            ("metrics_path", "/metrics/resource"),
        ];
        if !names.iter().any(|m| hand.wants(m)) || !hand.may("node", &life.name) {
            return;
        }
        let here: Vec<&Arc<Life>> = self
            .picture
            .lives
            .iter()
            .filter(|l| l.pod.as_ref().is_some_and(|p| p.node == life.name) && hand.overlaps(l))
            .collect();
        let ready = |life: &Life, at: i64| {
            let holds = |f: &&FactLife| {
                f.0 == "kube_node_status_condition"
                    && f.1.iter().any(|(_, v)| v == "Ready")
                    && f.1.iter().any(|(_, v)| v == "true")
            };
            let fact = life.facts.iter().find(holds);
            fact.is_none_or(|f| f.2.at(at).copied().flatten() == Some(1.0))
        };
        // CPU of a node is a counter, so what dead pods have used must stay in it: it is counted by rates here, from
        // the pods that are there, over the time that is kept.
        let own = (0.12, (900 << 20) as f64);
        for (n, metric) in names.iter().enumerate() {
            if !hand.wants(metric) {
                continue;
            }
            let parts: Vec<(Arc<Life>, Value)> = here
                .iter()
                .flat_map(|l| {
                    let count = l.pod.as_ref().map_or(0, |p| p.containers.len());
                    (0..count).map(move |c| {
                        let value = if n == 0 { self.used(l, c) } else { self.memory(l, c) };
                        ((*l).clone(), value)
                    })
                })
                .collect();
            let life = life.clone();
            let value = move |at: i64| {
                if !life.there(at) || !ready(&life, at) {
                    return None;
                }
                let base = if n == 0 { own.0 * (at - life.created) as f64 / 1000.0 } else { own.1 };
                Some(base + parts.iter().filter_map(|(_, value)| value(at)).sum::<f64>())
            };
            hand.put(metric, &instance, &labels, Arc::new(value));
        }
    }

    /// Seconds of CPU that a container has used in all its runs up to a moment, also when it is gone.
    fn used(&self, life: &Arc<Life>, n: usize) -> Value {
        let now = self.cpu(life, n);
        let life = life.clone();
        Arc::new(move |at| {
            let (_, container) = parts(&life, n)?;
            let runs = container.runs.iter().filter(|r| r.since <= at);
            // The value just before the end of each run, and of the present one.
            Some(runs.filter_map(|r| now(r.until.map_or(at, |u| (u - 1).min(at)))).sum())
        })
    }

    fn backups(&self, hand: &mut Hand<'_>) {
        let names = ["velero_backup_last_successful_timestamp", "velero_backup_last_status"];
        if !names.iter().any(|m| hand.wants(m)) {
            return;
        }
        let mut schedules: BTreeMap<String, Vec<Backup>> = BTreeMap::new();
        for backup in self.store.list("backups.velero.io", None).iter().filter_map(ended) {
            schedules.entry(backup.schedule.clone()).or_default().push(backup);
        }
        for (schedule, mut backups) in schedules {
            backups.sort_by_key(|b| b.ended);
            let backups: Arc<[Backup]> = backups.into();
            let labels = [
                ("schedule", schedule.as_str()),
                ("namespace", "velero"),
                ("job", "velero"),
                ("instance", "velero:8085"),
            ];
            let past = backups.clone();
            let success = move |at: i64| {
                past.iter().rev().find(|b| b.well && b.ended <= at).map(|b| (b.ended / 1000) as f64)
            };
            hand_over(hand, names[0], "velero", &labels, || Arc::new(success));
            let status = move |at: i64| {
                backups.iter().rev().find(|b| b.ended <= at).map(|b| f64::from(u8::from(b.well)))
            };
            hand_over(hand, names[1], "velero", &labels, || Arc::new(status));
        }
    }

    /// Faults of the load, if there is any.
    fn faults(&self, hand: &mut Hand<'_>) {
        if !hand.wants("load_fault") {
            return;
        }
        for (ns, pod) in self.faults.iter() {
            let labels =
                [("namespace", ns.as_str()), ("pod", pod), ("job", "load"), ("instance", "load:8080")];
            hand.put("load_fault", "load", &labels, Arc::new(|_| Some(1.0)));
        }
    }

    fn alerts(&self, hand: &mut Hand<'_>) {
        for span in &self.alerts {
            let own: Vec<(&str, &str)> = span.labels.iter().collect();
            let until = span.over.unwrap_or(i64::MAX);
            let firing = span.firing.unwrap_or(until);
            for (state, from, to) in [("pending", span.active, firing), ("firing", firing, until)] {
                if from >= to || !hand.wants("ALERTS") {
                    continue;
                }
                let labels = [own.as_slice(), &[("alertstate", state)]].concat();
                hand.put(
                    "ALERTS",
                    "rules",
                    &labels,
                    Arc::new(move |at| (from <= at && at < to).then_some(1.0)),
                );
            }
            let active = span.active;
            hand_over(hand, "ALERTS_FOR_STATE", "rules", &own, || {
                Arc::new(move |at| (active <= at && at < until).then_some((active / 1000) as f64))
            });
        }
    }
}

/// A backup of Velero that has ended.
fn ended(backup: &serde_json::Value) -> Option<Backup> {
    let ended = stamp(backup, "/status/completionTimestamp")?;
    // The label's name has a slash in it, which `text` takes for a step.
    let schedule = backup.pointer("/metadata/labels/velero.io~1schedule-name");
    let schedule = schedule.and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    Some(Backup { schedule, ended, well: text(backup, "/status/phase") == "Completed" })
}

fn hand_over(
    hand: &mut Hand<'_>,
    metric: &str,
    target: &str,
    labels: &[(&str, &str)],
    value: impl FnOnce() -> Value,
) {
    if hand.wants(metric) {
        hand.put(metric, target, labels, value());
    }
}

fn life_target(labels: &[(&str, &str)]) -> String {
    labels.iter().map(|(_, v)| *v).collect()
}

fn parts(life: &Life, n: usize) -> Option<(&Pod, &Container)> {
    let pod = life.pod.as_ref()?;
    Some((pod, pod.containers.get(n)?))
}

/// The run of the n-th container at a moment.
fn run(life: &Life, n: usize, at: i64) -> Option<Run> {
    parts(life, n)?.1.run_at(at)
}

fn main_run(life: &Life, at: i64) -> Option<Run> {
    run(life, 0, at)
}

/// Seconds between two moments, a little more or less by a wave of three percent.
fn rippled(from: i64, until: i64, period: f64, phase: f64) -> f64 {
    let (a, b) = (from as f64 / 1000.0, until as f64 / 1000.0);
    let turn = std::f64::consts::TAU / period;
    (b - a) + 0.03 / turn * ((turn * a + phase).cos() - (turn * b + phase).cos())
}
