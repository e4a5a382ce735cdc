//! The library of queries: what to ask a Prometheus so that a chart shows how an environment, an app, a pod or a node
//! is doing.
//!
//! Pure: a [`Signal`] and a [`Target`] in, a [`ChartPlan`] with its PromQL out, confined to the environment
//! ([`super::promql`]). Which families a Prometheus has is learnt by a [`SurveyRequest`]; before it is answered the
//! common names are taken for there.
//!
//! Queries use no more of PromQL than this:
//!
//! | what | which |
//! | --- | --- |
//! | selectors | `=`, `=~`, `!=`, `!~`, ranges `[240s]` |
//! | aggregations | `sum`, `max`, `count`, with and without `by (...)` |
//! | functions | `rate`, `increase`, `histogram_quantile`, `histogram_count` (native histograms only), `label_replace` |
//! | operators | `/`, `*`, `or`, `and` between vectors with equal or no labels, and with numbers; `* on (...) group_left`, `or on (...)`, `or on ()`, `unless on (...)` |
//!
//! A survey asks `/api/v1/label/__name__/values` and `/api/v1/labels` with `match[]`, and
//! `max by (job) (count_over_time(up{...}[10m]))`, `[1m]` and `[10s]`, through `/api/v1/query`.

#[cfg(test)]
mod evaluated;
mod families;
mod gauges;
mod replicas;
mod served;
mod target;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use families::Family;
pub use gauges::{Gauges, gauges};
pub use target::{Aim, Target, aims, names_app, names_namespace};

use super::promql::{self, Matcher, confine};
use crate::domain::graph::{GraphRequest, Survey, SurveyRequest};
use crate::domain::id::Name;
use crate::domain::upstream::Assigned;
use crate::text::Unit;
use target::{Key, Selection};

/// What a chart shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// Requests a second.
    Requests,
    /// The part of requests that failed.
    Errors,
    /// Latency at the 50th, 90th and 99th percentile.
    Latency,
    /// CPU against requests and limits.
    Cpu,
    /// Memory against requests and limits.
    Memory,
    /// Restarts of containers.
    Restarts,
    /// Bytes in and out.
    Network,
    /// Replicas, of an autoscaler with its bounds.
    Replicas,
}

impl Signal {
    /// All, in the order in which they are shown.
    pub const ALL: [Signal; 8] = [
        Signal::Requests,
        Signal::Errors,
        Signal::Latency,
        Signal::Cpu,
        Signal::Memory,
        Signal::Restarts,
        Signal::Network,
        Signal::Replicas,
    ];

    /// Its word as a title.
    pub fn word(self) -> &'static str {
        match self {
            Signal::Requests => "Requests",
            Signal::Errors => "Errors",
            Signal::Latency => "Latency",
            Signal::Cpu => "CPU",
            Signal::Memory => "Memory",
            Signal::Restarts => "Restarts",
            Signal::Network => "Network",
            Signal::Replicas => "Replicas",
        }
    }

    /// What its numbers count.
    pub fn unit(self) -> Unit {
        match self {
            Signal::Requests => Unit::Requests,
            Signal::Errors => Unit::Ratio,
            Signal::Latency => Unit::Seconds,
            Signal::Cpu => Unit::Cores,
            Signal::Memory => Unit::Bytes,
            Signal::Restarts | Signal::Replicas => Unit::Count,
            Signal::Network => Unit::ByteRate,
        }
    }
}

/// Where queries look: an environment's share of a Prometheus.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The environment's own matchers ([`Assigned::matchers`]).
    pub matchers: &'a [(Name, Name)],
    /// Its namespaces.
    pub namespaces: &'a [Name],
    /// What its Prometheus has; `None` while it is not known.
    pub survey: Option<&'a Survey>,
    /// Families that the configuration names.
    pub own: &'a [Family],
}

/// A chart to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartPlan {
    /// What it shows.
    pub signal: Signal,
    /// Its questions.
    pub curves: Vec<Curve>,
    /// The series that requests are counted in, of signals about requests.
    pub counted: Option<Counted>,
}

/// The series that a chart of requests is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The name that is selected.
    pub series: Name,
    /// Its latencies are in milliseconds.
    pub milliseconds: bool,
    /// The label with the status code.
    pub status: Option<Name>,
    /// The label with the app's name, where the configuration names one.
    pub app: Option<Name>,
}

/// One question of a chart. Its answer may have several series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Curve {
    /// PromQL, confined to the environment.
    pub query: Name,
    /// What its series are called.
    pub legend: Legend,
    /// How it is drawn.
    pub role: Role,
}

/// What series are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Legend {
    /// This.
    Fixed(&'static str),
    /// The value of this label.
    Label(Name),
}

/// How a curve is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// As lines.
    Line,
    /// As a threshold: what is asked for (requests, the least number of replicas).
    Request,
    /// As a threshold that must not be crossed (limits, the largest number of replicas).
    Limit,
}

impl ChartPlan {
    /// The questions of all its curves.
    pub fn requests(&self, assigned: &Assigned, range: u32, points: u32) -> Vec<Arc<GraphRequest>> {
        let upstream = &assigned.upstream;
        let new = |curve: &Curve| GraphRequest::new(Arc::clone(upstream), curve.query.clone(), range, points);
        self.curves.iter().map(|curve| Arc::new(new(curve))).collect()
    }
}

/// What a Prometheus is asked to learn which families it has for an environment.
pub fn survey_request(assigned: &Assigned, own: &[Family]) -> SurveyRequest {
    SurveyRequest {
        upstream: Arc::clone(&assigned.upstream),
        selector: promql::selector(&promql::matchers(&assigned.matchers)).into(),
        names: families::names(own),
    }
}

/// A query that a person typed, as a request: confined to the environment's own matchers. What cannot be read here is
/// left to the server to explain, and asks for no data.
pub fn typed(assigned: &Assigned, query: &str, range: u32, points: u32) -> GraphRequest {
    let upstream = Arc::clone(&assigned.upstream);
    match confine(query, &promql::matchers(&assigned.matchers)) {
        Ok(confined) => {
            let typed = Some(Name::from(query)).filter(|typed| *typed != confined);
            GraphRequest { typed, ..GraphRequest::new(upstream, confined, range, points) }
        }
        Err(why) => GraphRequest {
            unread: Some(why.into()),
            ..GraphRequest::new(upstream, query.trim(), range, points)
        },
    }
}

/// The chart of a signal for a target. `step` is that of the graph, in seconds.
///
/// # Errors
/// Why there can be none: a sentence for its place.
pub fn plan(signal: Signal, target: &Target, place: &Place<'_>, step: u32) -> Result<ChartPlan, String> {
    let own = promql::matchers(place.matchers);
    let confined = |(query, legend, role): Draft| Ok(Curve { query: confine(&query, &own)?, legend, role });
    let curves = Asker::new(target, place, step).fitting(|asker| {
        let drafts = match signal {
            Signal::Cpu => asker.resource("cpu")?,
            Signal::Memory => asker.resource("memory")?,
            Signal::Restarts => asker.restarts(step)?,
            Signal::Network => asker.network()?,
            Signal::Replicas => asker.replicas()?,
            Signal::Requests => asker.requests()?,
            Signal::Errors => asker.errors()?,
            Signal::Latency => asker.latency()?,
        };
        drafts.into_iter().map(confined).collect::<Result<Vec<_>, String>>()
    })?;
    let about_requests = matches!(signal, Signal::Requests | Signal::Errors | Signal::Latency);
    let counted = about_requests
        .then(|| families::find(place, signal))
        .and_then(|found| found.into_iter().next())
        .map(|found| Counted {
            series: found.name.as_str().into(),
            milliseconds: found.milliseconds,
            status: found.status().first().map(|label| Name::from(*label)),
            app: found.app().map(Name::from),
        });
    Ok(ChartPlan { signal, curves, counted })
}

/// Seconds that a rate looks back: four scrapes, since a range of fewer may hold less than two of them, and at least a
/// step, so that nothing between two points is passed over.
fn window(survey: Option<&Survey>, step: u32) -> u32 {
    let interval = survey.and_then(|survey| survey.interval);
    interval.map_or(300, |interval| (4 * interval).max(20)).max(step)
}

/// A query before it is confined.
type Draft = (String, Legend, Role);

#[derive(Clone, Copy)]
struct Asker<'a> {
    target: &'a Target,
    place: &'a Place<'a>,
    window: u32,
    /// Only what tells workloads apart is asked.
    apart: bool,
    /// So many families of requests are asked at most.
    most: usize,
}

impl<'a> Asker<'a> {
    fn new(target: &'a Target, place: &'a Place<'a>, step: u32) -> Asker<'a> {
        let window = window(place.survey, step);
        Asker { target, place, window, apart: false, most: families::MOST }
    }

    /// What is asked for, of as many families as a query has room for: of long lists of namespaces or pods, which stand in
    /// every selector, those that are found first, and at least one.
    fn fitting<T>(self, ask: impl Fn(&Self) -> Result<T, String>) -> Result<T, String> {
        let fewer = (1..families::MOST).rev().map(|most| Asker { most, ..self });
        let too_long = |told: &Result<T, String>| matches!(told, Err(why) if *why == promql::too_long());
        let first = ask(&self);
        fewer.fold(first, |told, asker| if too_long(&told) { ask(&asker) } else { told })
    }
}

impl Asker<'_> {
    fn labels(&self, name: &str) -> Option<&[Name]> {
        self.place.survey.and_then(|survey| survey.labels(name))
    }

    /// `name{matchers,more}` of a family that is labelled by pods, put into words by `wrap`: as often as its series say in
    /// different ways whose they are.
    fn select(&self, name: &str, more: &str, wrap: &dyn Fn(String) -> String) -> String {
        self.gather(name, more, &self.selections(name), Key::default(), wrap)
    }

    fn selections(&self, name: &str) -> Vec<Selection> {
        self.target.selections(self.labels(name), self.place.namespaces)
    }

    /// The series of a family that are selected in one way or in several, each put into words by `wrap` and brought to the
    /// labels of `key`. A pod that several find, since two jobs name it differently, is that of the first alone. So are
    /// series without a pod's label, which are all alike to what joins them: those of a later way are lost where an earlier
    /// one has such series too.
    fn gather(
        &self,
        name: &str,
        more: &str,
        selections: &[Selection],
        key: Key,
        wrap: &dyn Fn(String) -> String,
    ) -> String {
        let (key, or) = self.joined(selections, key);
        let one = |one: &Selection| key.named(&one.way, wrap(with(name, &one.matchers, more)));
        selections.iter().map(one).collect::<Vec<_>>().join(&or)
    }

    /// The labels that selections are brought to so that they have those of `key` and can be joined, and the operator that
    /// joins them: by pod wherever all of them name it.
    fn joined(&self, selections: &[Selection], key: Key) -> (Key, String) {
        let own = Key::of(selections.iter().map(|one| &one.way));
        if own.labels().is_empty() {
            return (key, " or ".to_owned());
        }
        let on = self.target.differing(key.or(own), self.place.namespaces);
        (key.or(on), format!(" or on ({}) ", on.labels()))
    }

    /// The same with the label by which lines are told apart.
    fn select_split(&self, name: &str, more: &str, wrap: &dyn Fn(String) -> String) -> (String, Name) {
        let selections = self.selections(name);
        let key = Key::of(selections.iter().map(|one| &one.way)).split(self.target);
        (self.gather(name, more, &selections, key, wrap), self.target.split(self.labels(name), key))
    }

    fn there(&self, name: &str) -> Result<(), String> {
        match self.place.survey {
            Some(survey) if !survey.has(name) => {
                Err(format!("This Prometheus has no {name} for the environment."))
            }
            _ => Ok(()),
        }
    }

    fn resource(&self, resource: &str) -> Result<Vec<Draft>, String> {
        let (cpu, window) = (resource == "cpu", self.window);
        let used =
            if cpu { "container_cpu_usage_seconds_total" } else { "container_memory_working_set_bytes" };
        self.there(used)?;
        let now = |selected| if cpu { format!("rate({selected}[{window}s])") } else { selected };
        let (used_now, split) = self.select_split(used, "container!=\"\"", &now);
        let mut curves = vec![(format!("sum by ({split}) ({used_now})"), Legend::Label(split), Role::Line)];
        if let Target::Node(_) = self.target {
            let more = format!("resource=\"{resource}\"");
            const ASKED: &str = "kube_pod_container_resource_requests";
            if self.there(ASKED).is_ok() && self.names_node(ASKED) != Some(false) {
                let asked = format!("sum({})", self.of_pods_that_run(ASKED, &more).0);
                curves.push((asked, Legend::Fixed("requests"), Role::Request));
            }
            let all = self.select("kube_node_status_allocatable", &more, &plainly);
            curves.push((format!("sum({all})"), Legend::Fixed("allocatable"), Role::Limit));
            return Ok(curves);
        }
        let what = [
            ("kube_pod_container_resource_requests", "request", Role::Request),
            ("kube_pod_container_resource_limits", "limit", Role::Limit),
        ];
        for (family, word, role) in what {
            if self.there(family).is_err() {
                continue;
            }
            // Lines are of single pods: so are their limits.
            let (selected, split) = self.of_pods_that_run(family, &format!("resource=\"{resource}\""));
            let query = match self.target {
                Target::Workloads(_) => format!("max(sum by ({split}) ({selected}))"),
                Target::Environment if self.place.namespaces.len() > 1 => {
                    format!("max(sum by ({split}) ({selected}))")
                }
                _ => format!("sum({selected})"),
            };
            curves.push((query, Legend::Fixed(word), role));
        }
        Ok(curves)
    }

    /// `name{matchers,more}` without what pods asked for that have ended: kube-state-metrics tells of a Job's until it is
    /// deleted, and nothing is kept for them any more. With the label by which lines are told apart.
    fn of_pods_that_run(&self, name: &str, more: &str) -> (String, Name) {
        const PHASE: &str = "kube_pod_status_phase";
        let known = self.place.survey.filter(|survey| survey.has(PHASE));
        let Some(survey) = known.filter(|_| !matches!(self.target, Target::Pod { .. })) else {
            return self.select_split(name, more, &plainly);
        };
        let namespaces = self.place.namespaces;
        let asked = self.target.selections_of_pods(self.labels(name), namespaces);
        // The phase that a pod is in is 1, and every other one 0. Its series do not name the node.
        let phases = match self.target {
            Target::Node(_) => target::selections_of_all(survey.labels(PHASE)),
            _ => self.target.selections(survey.labels(PHASE), namespaces),
        };
        let key = Key::of(asked.iter().chain(&phases).map(|one| &one.way));
        let phases = self.gather(PHASE, "phase=~\"Pending|Running\"", &phases, key, &plainly);
        let asked = bracketed(self.gather(name, more, &asked, key, &plainly));
        let on = key.labels();
        let running = format!("{asked} * on ({on}) group_left max by ({on}) ({phases})");
        (running, self.target.split(self.labels(name), key))
    }

    fn restarts(&self, step: u32) -> Result<Vec<Draft>, String> {
        const FAMILY: &str = "kube_pod_container_status_restarts_total";
        self.there(FAMILY)?;
        let window = self.window.max(step).max(300);
        if let Target::Node(_) = self.target {
            return self.restarts_of_node(FAMILY, window);
        }
        let increase = |selected| format!("increase({selected}[{window}s])");
        let (increases, split) = self.select_split(FAMILY, "", &increase);
        let query = format!("sum by ({split}) ({increases})");
        Ok(vec![(query, Legend::Label(split), Role::Line)])
    }

    /// kube-state-metrics tells of restarts without the node, but for each pod on which one it is.
    fn restarts_of_node(&self, family: &str, window: u32) -> Result<Vec<Draft>, String> {
        const PODS: &str = "kube_pod_info";
        let increase = |selected| format!("increase({selected}[{window}s])");
        let query = if self.names_node(family) == Some(true) {
            format!("sum({})", self.select(family, "", &increase))
        } else if self.there(PODS).is_ok() && self.names_node(PODS) != Some(false) {
            let all = target::selections_of_all(self.labels(family));
            let pods = self.target.selections_of_pods(self.labels(PODS), self.place.namespaces);
            let key = Key::of(all.iter().chain(&pods).map(|one| &one.way));
            let increases = bracketed(self.gather(family, "", &all, key, &increase));
            let (pods, on) = (self.gather(PODS, "", &pods, key, &plainly), key.labels());
            format!("sum({increases} * on ({on}) group_left max by ({on}) ({pods}))")
        } else {
            return Err(format!(
                "Restarts are counted without their node here, and {PODS} does not tell which pods are on it."
            ));
        };
        Ok(vec![(query, Legend::Fixed("restarts"), Role::Line)])
    }

    /// Whether the series of a family say on which node their pod is; `None` when that is not known.
    fn names_node(&self, family: &str) -> Option<bool> {
        let labels = self.place.survey.and_then(|survey| survey.labels(family))?;
        Some(labels.iter().any(|label| target::NODES.contains(&&**label)))
    }

    fn network(&self) -> Result<Vec<Draft>, String> {
        let both = [
            ("container_network_receive_bytes_total", "in"),
            ("container_network_transmit_bytes_total", "out"),
        ];
        self.there(both[0].0)?;
        let curve = |(family, word): (&str, &'static str)| {
            let rate = |selected| format!("rate({selected}[{}s])", self.window);
            (format!("sum({})", self.select(family, "", &rate)), Legend::Fixed(word), Role::Line)
        };
        Ok(both.into_iter().map(curve).collect())
    }
}

/// As it is.
fn plainly(selected: String) -> String {
    selected
}

/// In brackets where it is of several parts.
fn bracketed(vector: String) -> String {
    if vector.contains(" or ") { format!("({vector})") } else { vector }
}

/// `name{matchers,more}`
fn with(name: &str, matchers: &[Matcher], more: &str) -> String {
    let selector = promql::selector(matchers);
    let inner = selector.trim_start_matches('{').trim_end_matches('}');
    // A value may end in a bracket too, but then a quote stands behind it.
    match (inner.is_empty(), more.is_empty()) {
        (true, true) => name.to_owned(),
        (true, false) => format!("{name}{{{more}}}"),
        (false, true) => format!("{name}{{{inner}}}"),
        (false, false) => format!("{name}{{{inner},{more}}}"),
    }
}
