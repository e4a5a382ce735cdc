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
//! | aggregations | `sum`, `max`, `avg`, with and without `by (...)` |
//! | functions | `rate`, `increase`, `histogram_quantile`, `histogram_count` (native histograms only) |
//! | operators | `/`, `*`, `or`, between vectors with equal or no labels, and with numbers; `* on (...) group_left` |
//!
//! A survey asks `/api/v1/label/__name__/values` and `/api/v1/labels` with `match[]`, and
//! `max by (job) (count_over_time(up{...}[10m]))`, `[1m]` and `[10s]`, through `/api/v1/query`.

mod families;
mod gauges;
mod replicas;
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
use families::Found;

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
    let asker = Asker { target, place, window: window(place.survey, step), apart: false };
    let curves = match signal {
        Signal::Cpu => asker.resource("cpu")?,
        Signal::Memory => asker.resource("memory")?,
        Signal::Restarts => asker.restarts(step)?,
        Signal::Network => asker.network()?,
        Signal::Replicas => asker.replicas()?,
        Signal::Requests => asker.requests()?,
        Signal::Errors => asker.errors()?,
        Signal::Latency => asker.latency()?,
    };
    let own = promql::matchers(place.matchers);
    let confined = |(query, legend, role): Draft| Ok(Curve { query: confine(&query, &own)?, legend, role });
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
    let curves = curves.into_iter().map(confined).collect::<Result<_, String>>()?;
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

struct Asker<'a> {
    target: &'a Target,
    place: &'a Place<'a>,
    window: u32,
    /// Only what tells workloads apart is asked.
    apart: bool,
}

impl Asker<'_> {
    /// `name{matchers,more}` for a family that is labelled by pods.
    fn select(&self, name: &str, more: &str) -> String {
        let labels = self.place.survey.and_then(|survey| survey.labels(name));
        with(name, &self.target.matchers(labels, self.place.namespaces), more)
    }

    /// The label by which lines are told apart, as the family has it.
    fn split(&self, name: &str) -> Name {
        let labels = self.place.survey.and_then(|survey| survey.labels(name));
        self.target.split(labels)
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
        let selected = self.select(used, "container!=\"\"");
        let used_now = if cpu { format!("rate({selected}[{window}s])") } else { selected };
        let split = self.split(used);
        let mut curves = vec![(format!("sum by ({split}) ({used_now})"), Legend::Label(split), Role::Line)];
        if let Target::Node(_) = self.target {
            let more = format!("resource=\"{resource}\"");
            const ASKED: &str = "kube_pod_container_resource_requests";
            if self.there(ASKED).is_ok() && self.names_node(ASKED) != Some(false) {
                let asked = format!("sum({})", self.of_pods_that_run(ASKED, &more));
                curves.push((asked, Legend::Fixed("requests"), Role::Request));
            }
            let all = self.select("kube_node_status_allocatable", &more);
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
            let selected = self.of_pods_that_run(family, &format!("resource=\"{resource}\""));
            // Lines are of single pods: so are their limits.
            let split = self.split(family);
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
    /// deleted, and nothing is kept for them any more.
    fn of_pods_that_run(&self, name: &str, more: &str) -> String {
        const PHASE: &str = "kube_pod_status_phase";
        let selected = self.select(name, more);
        let known = self.place.survey.filter(|survey| survey.has(PHASE));
        let Some(survey) = known.filter(|_| !matches!(self.target, Target::Pod { .. })) else {
            return selected;
        };
        let labels = survey.labels(PHASE);
        let (namespace, pod) = (target::namespace_label(labels), target::pod_label(labels).unwrap_or("pod"));
        // The phase that a pod is in is 1, and every other one 0. Its series do not name the node.
        let phase = "phase=~\"Pending|Running\"";
        let phases = match self.target {
            Target::Node(_) => with(PHASE, &[], phase),
            _ => self.select(PHASE, phase),
        };
        format!("{selected} * on ({namespace}, {pod}) group_left max by ({namespace}, {pod}) ({phases})")
    }

    fn restarts(&self, step: u32) -> Result<Vec<Draft>, String> {
        const FAMILY: &str = "kube_pod_container_status_restarts_total";
        self.there(FAMILY)?;
        let window = self.window.max(step).max(300);
        if let Target::Node(_) = self.target {
            return self.restarts_of_node(FAMILY, window);
        }
        let split = self.split(FAMILY);
        let query = format!("sum by ({split}) (increase({}[{window}s]))", self.select(FAMILY, ""));
        Ok(vec![(query, Legend::Label(split), Role::Line)])
    }

    /// kube-state-metrics tells of restarts without the node, but for each pod on which one it is.
    fn restarts_of_node(&self, family: &str, window: u32) -> Result<Vec<Draft>, String> {
        const PODS: &str = "kube_pod_info";
        let query = if self.names_node(family) == Some(true) {
            format!("sum(increase({}[{window}s]))", self.select(family, ""))
        } else if self.there(PODS).is_ok() && self.names_node(PODS) != Some(false) {
            let labels = self.place.survey.and_then(|survey| survey.labels(family));
            let (namespace, pod) =
                (target::namespace_label(labels), target::pod_label(labels).unwrap_or("pod"));
            let here = format!("max by ({namespace}, {pod}) ({})", self.select(PODS, ""));
            format!("sum(increase({family}[{window}s]) * on ({namespace}, {pod}) group_left {here})")
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
            let selected = self.select(family, "");
            (format!("sum(rate({selected}[{}s]))", self.window), Legend::Fixed(word), Role::Line)
        };
        Ok(both.into_iter().map(curve).collect())
    }

    fn replicas(&self) -> Result<Vec<Draft>, String> {
        let Target::Workloads(aims) = self.target else {
            return Err("Replicas are shown of an app or a workload.".to_owned());
        };
        let scaled: Vec<&Aim> = aims.iter().filter(|aim| aim.autoscaler.is_some()).collect();
        let one = |family: &str, label: &str, names: Vec<Name>| {
            let labels = self.place.survey.and_then(|survey| survey.labels(family));
            let mut matchers = vec![target::namespace_matcher(labels, target::namespaces_of(aims))];
            matchers.push(Matcher::Among(label.into(), names));
            format!("sum({})", with(family, &matchers, ""))
        };
        if scaled.is_empty() {
            return self.counted(aims, &one);
        }
        let family = "kube_horizontalpodautoscaler_status_current_replicas";
        self.there(family)?;
        let names: Vec<Name> = scaled.iter().filter_map(|aim| aim.autoscaler.clone()).collect();
        let label = "horizontalpodautoscaler";
        let curve = |family: &str, word, role| (one(family, label, names.clone()), Legend::Fixed(word), role);
        Ok(vec![
            curve(family, "current", Role::Line),
            curve("kube_horizontalpodautoscaler_status_desired_replicas", "target", Role::Line),
            curve("kube_horizontalpodautoscaler_spec_min_replicas", "min", Role::Request),
            curve("kube_horizontalpodautoscaler_spec_max_replicas", "max", Role::Limit),
        ])
    }

    /// The families to ask one after the other; never none.
    fn families(&self, signal: Signal) -> Result<Vec<Found<'_>>, String> {
        if matches!(self.target, Target::Node(_)) {
            return Err(format!("{} are shown of environments, apps and pods.", signal.word()));
        }
        let mut found = families::find(self.place, signal);
        if let (Target::Pod { .. }, Some(first)) = (self.target, found.first()) {
            let why = format!("{} does not tell which pod was asked.", first.name);
            found.retain(|found| !families::is_front(&found.name));
            if found.is_empty() {
                return Err(why);
            }
        }
        if let (true, Some(first)) = (self.apart, found.first()) {
            let why = format!("{} has no label of the pod: it does not tell colours apart.", first.name);
            found.retain(Found::tells_apart);
            return if found.is_empty() { Err(why) } else { Ok(found) };
        }
        match (found.is_empty(), self.place.survey) {
            (false, _) => Ok(found),
            (true, None) => Err("Looking for what this Prometheus has.".to_owned()),
            (true, Some(_)) => Err(format!(
                "No family of {} that is known is in this Prometheus (http_requests_total and its like); type \
                 a query of your own, or name your families in the configuration under metrics.families.",
                signal.word().to_lowercase()
            )),
        }
    }

    /// `rate(...)` of the requests of a family, as a vector of counts a second.
    fn rate(&self, found: &Found<'_>, name: &str, more: &str) -> String {
        let labels = self.place.survey.and_then(|survey| survey.labels(name));
        let front = families::is_front(name);
        let matchers = self.target.served(labels, self.place.namespaces, found.app(), front);
        let more =
            [more, families::asked_of(name)].into_iter().filter(|one| !one.is_empty()).collect::<Vec<_>>();
        let rate = format!("rate({}[{}s])", with(name, &matchers, &more.join(",")), self.window);
        if found.native { format!("histogram_count({rate})") } else { rate }
    }

    fn requests(&self) -> Result<Vec<Draft>, String> {
        let found = self.families(Signal::Requests)?;
        let query = one_of(found.iter().map(|found| format!("sum({})", self.rate(found, &found.name, ""))));
        Ok(vec![(query, Legend::Fixed("requests"), Role::Line)])
    }

    fn errors(&self) -> Result<Vec<Draft>, String> {
        let found = self.families(Signal::Errors)?;
        let shares: Vec<String> = found.iter().filter_map(|found| self.share_of_errors(found)).collect();
        match (&shares[..], found.first()) {
            ([], Some(first)) => {
                Err(format!("{} has no label that tells errors from successes.", first.name))
            }
            ([one], _) => Ok(vec![(one.clone(), Legend::Fixed("errors"), Role::Line)]),
            _ => {
                let query = one_of(shares.iter().map(|share| format!("({share})")));
                Ok(vec![(query, Legend::Fixed("errors"), Role::Line)])
            }
        }
    }

    /// The share of requests that failed; `None` when nothing tells them from the others.
    fn share_of_errors(&self, found: &Found<'_>) -> Option<String> {
        let status = found.status();
        // Series without such a label say nothing of errors: they do not count as requests that went well.
        let rates = |means: &str| {
            one_of(status.iter().map(|label| self.rate(found, &found.name, &format!("{label}{means}"))))
        };
        let (bad, all) = (rates("=~\"5..\""), rates("!=\"\""));
        // Without a single error there is no series of errors, which is none and not unknown.
        (!status.is_empty()).then(|| format!("(sum({bad}) or sum({all}) * 0) / sum({all})"))
    }

    fn latency(&self) -> Result<Vec<Draft>, String> {
        let found = self.families(Signal::Latency)?;
        let of = |found: &Found<'_>| {
            let labels = self.place.survey.and_then(|survey| survey.labels(&found.name));
            let front = families::is_front(&found.name);
            let matchers = self.target.served(labels, self.place.namespaces, found.app(), front);
            let selected = with(&found.name, &matchers, families::asked_of(&found.name));
            let rate = format!("rate({selected}[{}s])", self.window);
            let sum = if found.native { format!("sum({rate})") } else { format!("sum by (le) ({rate})") };
            (sum, if found.milliseconds { " / 1000" } else { "" })
        };
        let sums: Vec<(String, &str)> = found.iter().map(of).collect();
        let curve = |(part, word): (&str, &'static str)| {
            let of = |(sum, scale): &(String, &str)| format!("histogram_quantile({part}, {sum}){scale}");
            (one_of(sums.iter().map(of)), Legend::Fixed(word), Role::Line)
        };
        Ok([("0.99", "p99"), ("0.9", "p90"), ("0.5", "p50")].into_iter().map(curve).collect())
    }
}

/// The first of these that has something to tell: what one job counts in one family, another one counts in another.
fn one_of(queries: impl Iterator<Item = String>) -> String {
    queries.collect::<Vec<_>>().join(" or ")
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
