//! What is remembered of one object: when it was there, its facts over time, and of pods what their containers did.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::facts::{self, Fact};
use super::steps::Steps;
use crate::demo::json::{controller, holds, int, items, map, millis, name, namespace, text};

/// A run of a container, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// When it started.
    pub since: i64,
    /// When it ended; None: it runs.
    pub until: Option<i64>,
}

/// A container of a pod.
#[derive(Debug, Clone)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// CPU request in thousandths of a core.
    pub cpu: f64,
    /// Memory request in bytes.
    pub memory: f64,
    /// Memory limit in bytes.
    pub limit: Option<f64>,
    /// Its runs, oldest first.
    pub runs: Vec<Run>,
}

impl Container {
    /// The run at a moment.
    pub fn run_at(&self, at: i64) -> Option<Run> {
        self.runs.iter().rev().find(|r| r.since <= at).filter(|r| r.until.is_none_or(|u| at < u)).copied()
    }
}

/// What is special about a pod.
#[derive(Debug, Clone)]
pub struct Pod {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The node that it is on.
    pub node: String,
    /// Its address.
    pub ip: String,
    /// Its uid.
    pub uid: String,
    /// Kind and name of what manages it.
    pub owner: (String, String),
    /// The port that its metrics are scraped from, if they are.
    pub scraped: Option<String>,
    /// Its containers.
    pub containers: Vec<Container>,
    /// Whether it is ready.
    pub ready: Steps<bool>,
}

impl Pod {
    /// The app that it belongs to, by its label.
    pub fn app(&self) -> &str {
        self.labels.get("app.kubernetes.io/name").map_or("", String::as_str)
    }
}

/// A fact over time: metric, labels, values; None while there is none under these labels.
pub type FactLife = (&'static str, Vec<(&'static str, String)>, Steps<Option<f64>>);

/// What is remembered of an object.
#[derive(Debug, Clone)]
pub struct Life {
    /// Its kind, as a resource key.
    pub resource: &'static str,
    /// Its namespace.
    pub ns: String,
    /// Its name.
    pub name: String,
    /// The labels that name it.
    pub identity: Vec<(&'static str, String)>,
    /// Since when it is there, milliseconds.
    pub created: i64,
    /// Since when it is gone.
    pub gone: Option<i64>,
    /// Its facts.
    pub facts: Vec<FactLife>,
    /// Of pods only.
    pub pod: Option<Pod>,
}

/// A time of the Kubernetes API in milliseconds.
pub fn stamp(value: &Value, pointer: &str) -> Option<i64> {
    text(value, pointer).parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

impl Life {
    /// An object seen for the first time, at a moment. What it says of its own past is believed.
    pub fn new(resource: &'static str, object: &Value, at: i64) -> Self {
        let created = stamp(object, "/metadata/creationTimestamp").unwrap_or(at).min(at);
        let mut life = Self {
            resource,
            ns: namespace(object).to_owned(),
            name: name(object).to_owned(),
            identity: facts::identity(resource, object),
            created,
            gone: None,
            facts: Vec::new(),
            pod: (resource == "pods").then(|| pod(object, created)),
        };
        life.facts(facts::facts(resource, object), created);
        if resource == "pods" {
            life.past_restarts(object);
        }
        life
    }

    /// The object as it is from a moment on.
    pub fn see(&mut self, object: &Value, at: i64) {
        self.gone = None;
        self.facts(facts::facts(self.resource, object), at);
        let Some(pod) = &mut self.pod else { return };
        pod.node = text(object, "/spec/nodeName").to_owned();
        pod.ip = text(object, "/status/podIP").to_owned();
        pod.labels = labels(object);
        pod.ready.push(at, holds(object, "Ready"));
        for status in items(object, "/status/containerStatuses") {
            let own = text(status, "/name");
            let Some(container) = pod.containers.iter_mut().find(|c| c.name == own) else { continue };
            let since = stamp(status, "/state/running/startedAt");
            let same = container.runs.last().is_some_and(|r| r.until.is_none() && Some(r.since) == since);
            if same {
                continue;
            }
            if let Some(open) = container.runs.last_mut().filter(|r| r.until.is_none()) {
                open.until = Some(at.max(open.since));
            }
            if since.is_some() {
                container.runs.push(Run { since: at, until: None });
                // The object knows whole seconds only; the next look must find the same run.
                if let (Some(run), Some(since)) = (container.runs.last_mut(), since) {
                    run.since = since;
                }
            }
        }
    }

    /// It is gone from a moment on.
    pub fn end(&mut self, at: i64) {
        self.gone = Some(at);
        let Some(pod) = &mut self.pod else { return };
        pod.ready.push(at, false);
        for run in pod.containers.iter_mut().filter_map(|c| c.runs.last_mut()) {
            run.until.get_or_insert(at);
        }
    }

    /// Whether it was there at a moment.
    pub fn there(&self, at: i64) -> bool {
        self.created <= at && self.gone.is_none_or(|gone| at < gone)
    }

    fn facts(&mut self, now: Vec<Fact>, at: i64) {
        for (metric, labels, steps) in &mut self.facts {
            if !now.iter().any(|f| f.metric == *metric && f.labels == *labels) {
                steps.push(at, None);
            }
        }
        for fact in now {
            let known = self.facts.iter_mut().find(|(m, l, _)| *m == fact.metric && *l == fact.labels);
            if let Some((_, _, steps)) = known {
                steps.push(at, Some(fact.value));
            } else {
                let mut steps = Steps::default();
                steps.push(at, Some(fact.value));
                self.facts.push((fact.metric, fact.labels, steps));
            }
        }
    }

    /// Restarts from before we looked happened when the last state ended.
    fn past_restarts(&mut self, object: &Value) {
        for status in items(object, "/status/containerStatuses") {
            let count = int(status, "/restartCount");
            let Some(back) = stamp(status, "/state/running/startedAt").filter(|_| count > 0) else {
                continue;
            };
            let own = text(status, "/name");
            let of_container = |f: &&mut FactLife| {
                f.0 == "kube_pod_container_status_restarts_total" && f.1.iter().any(|(_, v)| v == own)
            };
            if let Some((_, _, steps)) = self.facts.iter_mut().find(of_container) {
                let mut told = Steps::default();
                told.push(self.created, Some(0.0));
                told.push(back.max(self.created + 1), Some(count as f64));
                *steps = told;
            }
        }
    }
}

fn labels(object: &Value) -> BTreeMap<String, String> {
    let all = map(object, "/metadata/labels").into_iter().flatten();
    all.filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect()
}

fn pod(object: &Value, created: i64) -> Pod {
    let owner =
        controller(object).map_or_else(Default::default, |(kind, own, _)| (kind.to_owned(), own.to_owned()));
    let annotations = map(object, "/metadata/annotations");
    let annotation =
        |key: &str| annotations.and_then(|a| a.get(key)).and_then(Value::as_str).unwrap_or_default();
    let mut ready = Steps::default();
    ready.push(created, false);
    if let Some(condition) = crate::demo::json::condition(object, "Ready") {
        let since = stamp(condition, "/lastTransitionTime").unwrap_or(created);
        ready.push(since.max(created + 1), text(condition, "/status") == "True");
    }
    let containers = items(object, "/spec/containers").iter().map(|spec| container(object, spec)).collect();
    Pod {
        labels: labels(object),
        node: text(object, "/spec/nodeName").to_owned(),
        ip: text(object, "/status/podIP").to_owned(),
        uid: text(object, "/metadata/uid").to_owned(),
        owner,
        scraped: (annotation("prometheus.io/scrape") == "true")
            .then(|| annotation("prometheus.io/port").to_owned()),
        containers,
        ready,
    }
}

/// A container of a pod, with the runs that its status knows of.
pub fn container(pod: &Value, spec: &Value) -> Container {
    let own = text(spec, "/name");
    let status = items(pod, "/status/containerStatuses").iter().find(|s| text(s, "/name") == own);
    let mut runs = Vec::new();
    if let Some(status) = status {
        for (state, ended) in
            [("/lastState/terminated", true), ("/state/terminated", true), ("/state/running", false)]
        {
            let Some(since) = stamp(status, &format!("{state}/startedAt")) else { continue };
            let until = stamp(status, &format!("{state}/finishedAt")).filter(|_| ended);
            runs.push(Run { since, until });
        }
    }
    let amount = |path: &str| spec.pointer(path).map(|q| millis(q) as f64);
    Container {
        name: own.to_owned(),
        image: text(spec, "/image").to_owned(),
        cpu: amount("/resources/requests/cpu").unwrap_or(50.0),
        memory: amount("/resources/requests/memory").map_or((64 << 20) as f64, |m| m / 1000.0),
        limit: amount("/resources/limits/memory").map(|m| m / 1000.0),
        runs,
    }
}
