//! Which graphs there are of a target, and what they ask: signals to PromQL, with the environment's namespaces and
//! matchers in every selector. Pure.

use std::sync::Arc;

use super::plot::{At, Legend, LimitLine, Line, POINTS, Plot};
use super::target::Target;
use crate::domain::graph::GraphRequest;
use crate::domain::id::{EnvId, Kind, Name, ObjectRef};
use crate::domain::upstream::{Assigned, Missing, Server};
use crate::shared::Shared;
use crate::text::Unit;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Requests a second.
    Requests,
    /// The share of requests that failed.
    Errors,
    /// How long requests take.
    Latency,
    /// Processor time.
    Cpu,
    /// Memory.
    Memory,
    /// Containers that were started again.
    Restarts,
    /// Bytes received and sent.
    Network,
    /// Pods wanted and ready.
    Replicas,
}

/// What is measured of a target, most asked for first.
pub fn signals(target: &Target) -> Vec<Signal> {
    use Signal::{Cpu, Errors, Latency, Memory, Network, Replicas, Requests, Restarts};
    match target {
        Target::Node(..) => vec![Cpu, Memory, Network, Restarts],
        Target::Pod(..) => vec![Requests, Errors, Latency, Cpu, Memory, Restarts, Network],
        _ => vec![Requests, Errors, Latency, Cpu, Memory, Restarts, Network, Replicas],
    }
}

/// Names of metrics that count requests: (counter, its label of the answer's status).
const REQUESTS: [(&str, &str); 3] = [
    ("app_requests_total", "status"),
    ("http_requests_total", "code"),
    ("http_server_request_duration_seconds_count", "http_response_status_code"),
];
/// Names of histograms of how long requests take, in seconds.
const LATENCY: [&str; 3] = [
    "app_request_latency_seconds_bucket",
    "http_request_duration_seconds_bucket",
    "http_server_request_duration_seconds_bucket",
];

/// The graph of a signal.
pub fn signal_plot(shared: &Shared, target: &Target, signal: Signal, range: u32) -> Plot {
    let serving = match signal {
        Signal::Requests | Signal::Errors | Signal::Latency => target.serving(shared),
        _ => target.clone(),
    };
    let mut plot = Plot { about: serving.name(shared), range, ..Plot::default() };
    let assigned = match upstream(shared, target.env(), &mut plot) {
        Some(assigned) => assigned,
        None => {
            (plot.name, plot.unit) = called(signal);
            return plot;
        }
    };
    (plot.name, plot.unit) = called(signal);
    let ask = Ask { shared, assigned, target: &serving, range };
    ask.fill(signal, &mut plot);
    plot
}

/// The graph of a query that somebody wrote.
pub fn own_query(shared: &Shared, env: EnvId, name: &str, query: &str, unit: Unit, range: u32) -> Plot {
    let about = if name.is_empty() { query } else { name };
    let mut plot = Plot { about: crate::text::fit(about, 60).into_owned(), unit, range, ..Plot::default() };
    let Some(assigned) = upstream(shared, env, &mut plot) else { return plot };
    let request = GraphRequest::new(assigned.upstream.clone(), query, range, POINTS);
    plot.lines.push(Line { request: Arc::new(request), legend: Legend::Whole });
    plot
}

/// How a signal is called, and what it counts.
fn called(signal: Signal) -> (String, Unit) {
    let (name, unit) = match signal {
        Signal::Requests => ("", Unit::Requests),
        Signal::Errors => ("errors", Unit::Ratio),
        Signal::Latency => ("p99", Unit::Seconds),
        Signal::Cpu => ("cpu", Unit::Cores),
        Signal::Memory => ("memory", Unit::Bytes),
        Signal::Restarts => ("restarts", Unit::Count),
        Signal::Network => ("network", Unit::ByteRate),
        Signal::Replicas => ("pods", Unit::Count),
    };
    (name.to_owned(), unit)
}

/// The Prometheus of an environment; says in the plot why there is none.
fn upstream<'a>(shared: &'a Shared, env: EnvId, plot: &mut Plot) -> Option<&'a Assigned> {
    match shared.upstreams.of(Server::Prometheus, env) {
        Ok(assigned) => Some(assigned),
        Err(Missing { why, mend, .. }) => {
            let lines = [why, mend].into_iter().filter(|line| !line.is_empty());
            plot.missing = lines.flat_map(|line| crate::panes::words::wrap(line, 34)).collect();
            if plot.missing.is_empty() {
                plot.missing.push("looking for a Prometheus".to_owned());
            }
            None
        }
    }
}

/// What is asked for one graph.
struct Ask<'a> {
    shared: &'a Shared,
    assigned: &'a Assigned,
    target: &'a Target,
    range: u32,
}

impl Ask<'_> {
    fn fill(&self, signal: Signal, plot: &mut Plot) {
        let window = self.window();
        let pods = self.selector(&[]);
        let containers = self.selector(&[("container", "!=", "")]);
        match signal {
            Signal::Requests => {
                let rates = REQUESTS.map(|(name, _)| format!("rate({name}{pods}[{window}])"));
                self.line(plot, format!("sum({})", rates.join(" or ")), "req/s");
            }
            Signal::Errors => {
                let failed = REQUESTS.map(|(name, label)| {
                    format!("rate({name}{}[{window}])", self.selector(&[(label, "=~", "5..")]))
                });
                let all = REQUESTS.map(|(name, _)| format!("rate({name}{pods}[{window}])")).join(" or ");
                let failed = failed.join(" or ");
                // No failure at all is a share of nothing, as long as there are requests.
                self.line(plot, format!("(sum({failed}) or 0 * sum({all})) / sum({all})"), "errors");
            }
            Signal::Latency => {
                let rates = LATENCY.map(|name| format!("rate({name}{pods}[{window}])")).join(" or ");
                for (quantile, word) in [("0.99", "p99"), ("0.9", "p90"), ("0.5", "p50")] {
                    self.line(plot, format!("histogram_quantile({quantile}, sum by (le) ({rates}))"), word);
                }
            }
            Signal::Cpu => {
                self.line(
                    plot,
                    format!("sum(rate(container_cpu_usage_seconds_total{containers}[{window}]))"),
                    "used",
                );
                self.resource_limits(plot, "cpu");
            }
            Signal::Memory => {
                self.line(plot, format!("sum(container_memory_working_set_bytes{containers})"), "used");
                self.resource_limits(plot, "memory");
            }
            Signal::Restarts => {
                let restarts = "kube_pod_container_status_restarts_total";
                self.line(plot, format!("sum(increase({restarts}{pods}[{window}]))"), "restarts");
            }
            Signal::Network => {
                for (name, word) in [
                    ("container_network_receive_bytes_total", "received"),
                    ("container_network_transmit_bytes_total", "sent"),
                ] {
                    self.line(plot, format!("sum(rate({name}{pods}[{window}]))"), word);
                }
            }
            Signal::Replicas => {
                let named = self.workload_selector();
                for (names, word) in [
                    (
                        [
                            "kube_deployment_status_replicas_available",
                            "kube_statefulset_status_replicas_ready",
                        ],
                        "ready",
                    ),
                    (["kube_deployment_spec_replicas", "kube_statefulset_replicas"], "wanted"),
                ] {
                    let of = |name: &str, label: &str| format!("{name}{}", self.named(label, &named));
                    let both = [of(names[0], "deployment"), of(names[1], "statefulset")].join(" or ");
                    self.line(plot, format!("sum({both})"), word);
                }
            }
        }
    }

    fn request(&self, query: String) -> Arc<GraphRequest> {
        Arc::new(GraphRequest::new(self.assigned.upstream.clone(), query, self.range, POINTS))
    }

    fn line(&self, plot: &mut Plot, query: String, word: &str) {
        plot.lines.push(Line { request: self.request(query), legend: Legend::Word(word.into()) });
    }

    /// What pods may use and what is kept for them, as dotted lines.
    fn resource_limits(&self, plot: &mut Plot, resource: &str) {
        let selector = self.selector(&[("resource", "=", resource)]);
        for (name, word) in [
            ("kube_pod_container_resource_limits", "limit"),
            ("kube_pod_container_resource_requests", "request"),
        ] {
            let at = At::Newest(self.request(format!("sum({name}{selector})")));
            plot.limits.push(LimitLine { word: word.into(), at });
        }
    }

    /// The time that a rate looks over: at least four scrapes, and no point between two steps is left out.
    fn window(&self) -> String {
        let step = crate::domain::graph::step(self.range, POINTS);
        format!("{}s", step.max(300))
    }

    /// `{cluster="eu", namespace=~"a|b", pod=~"cart-.*"}`
    fn selector(&self, more: &[(&str, &str, &str)]) -> String {
        let mut parts = self.matchers();
        match self.target {
            Target::Environment(_) => {}
            Target::Pod(_, pod) => parts.push(format!("pod={}", quoted(&pod.name))),
            Target::Node(_, node) => parts.push(format!("node={}", quoted(&node.name))),
            Target::App(..) | Target::Workload(..) => {
                let pods: Vec<String> = self.workloads().iter().map(pods_of).collect();
                parts.push(format!("pod=~{}", quoted(&pods.join("|"))));
            }
        }
        parts.extend(
            more.iter().map(|(label, operator, value)| format!("{label}{operator}{}", quoted(value))),
        );
        format!("{{{}}}", parts.join(","))
    }

    /// The environment's own matchers and its namespaces.
    fn matchers(&self) -> Vec<String> {
        let own = self.assigned.matchers.iter();
        let mut parts: Vec<String> = own.map(|(label, value)| format!("{label}={}", quoted(value))).collect();
        if matches!(self.target, Target::Node(..)) {
            return parts;
        }
        let mut namespaces: Vec<Name> = match self.target {
            Target::Environment(env) => {
                let env = self.shared.environments.get(*env);
                env.map(|env| env.scope.namespaces().to_vec()).unwrap_or_default()
            }
            Target::Pod(_, object) => vec![object.namespace.clone()],
            _ => self.workloads().into_iter().map(|object| object.namespace).collect(),
        };
        namespaces.sort_unstable();
        namespaces.dedup();
        match namespaces.as_slice() {
            [] => {}
            [one] => parts.push(format!("namespace={}", quoted(one))),
            several => parts.push(format!("namespace=~{}", quoted(&several.join("|")))),
        }
        parts
    }

    /// The workloads of the target.
    fn workloads(&self) -> Vec<ObjectRef> {
        match self.target {
            Target::Workload(_, object) => vec![object.clone()],
            Target::App(env, app) => {
                let matrix = &self.shared.matrix;
                let at = matrix.columns.iter().position(|column| column == env);
                let cell = at.and_then(|at| matrix.row(app)?.cells.get(at)?.as_ref());
                cell.map(|cell| cell.workloads.clone()).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    /// Names of the target's workloads as an alternation; empty for all.
    fn workload_selector(&self) -> String {
        let names: Vec<String> = self.workloads().iter().map(|object| escaped(&object.name)).collect();
        names.join("|")
    }

    fn named(&self, label: &str, names: &str) -> String {
        let mut parts = self.matchers();
        if !names.is_empty() {
            parts.push(format!("{label}=~{}", quoted(names)));
        }
        format!("{{{}}}", parts.join(","))
    }
}

/// How the names of a workload's pods look, those of earlier ReplicaSets too.
fn pods_of(workload: &ObjectRef) -> String {
    let name = escaped(&workload.name);
    match workload.kind {
        Kind::Deployment | Kind::Rollout => format!("{name}-[a-z0-9]+-[a-z0-9]+"),
        Kind::StatefulSet => format!("{name}-[0-9]+"),
        Kind::CronJob => format!("{name}-[0-9]+-[a-z0-9]+"),
        _ => format!("{name}-[a-z0-9]+"),
    }
}

/// A name within a regular expression: dots stand for themselves.
fn escaped(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() && c != '-' && c != '_' {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A value within a selector.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
