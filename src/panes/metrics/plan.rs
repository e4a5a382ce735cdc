//! Which graphs there are of a target, and what they ask: from the cursor's [`Target`] to the library of queries
//! ([`crate::fleet::queries`]) and on to a [`Plot`]. Pure.

use std::sync::Arc;

use super::plot::{At, Legend, LimitLine, Line, POINTS, Plot};
use super::target::Target;
use crate::domain::graph::{GraphRequest, step};
use crate::domain::id::{EnvId, Name};
use crate::domain::upstream::{Assigned, Missing, Server};
use crate::fleet::promql::Limited;
use crate::fleet::queries::{self, Place, aims, survey_request};
use crate::fleet::wanted::limits;
use crate::shared::Shared;
use crate::text::Unit;

pub use crate::fleet::queries::Signal;

/// What is measured of a target, most asked for first.
pub fn signals(target: &Target) -> Vec<Signal> {
    let measured = |signal: &Signal| match target {
        Target::Node(..) => {
            matches!(signal, Signal::Cpu | Signal::Memory | Signal::Network | Signal::Restarts)
        }
        // Of a whole environment or of one pod a number of replicas says nothing.
        Target::Pod(..) | Target::Environment(_) => *signal != Signal::Replicas,
        Target::App(..) | Target::Workload(..) => true,
    };
    Signal::ALL.into_iter().filter(measured).collect()
}

/// The graph of a signal, of so many points at most.
pub fn signal_plot(shared: &Shared, target: &Target, signal: Signal, range: u32, points: u32) -> Plot {
    let serving = match signal {
        Signal::Requests | Signal::Errors | Signal::Latency => target.serving(shared),
        _ => target.clone(),
    };
    let mut plot = Plot {
        about: serving.name(shared),
        name: called(signal).to_owned(),
        unit: signal.unit(),
        range,
        ..Plot::default()
    };
    let Some(assigned) = upstream(shared, target.env(), &mut plot) else { return plot };
    let own = &shared.wanted.families;
    let request = Arc::new(survey_request(assigned, own));
    let surveyed = shared.graphs.survey(&request);
    let survey = surveyed.and_then(|surveyed| surveyed.survey.as_deref());
    let why = surveyed.and_then(|surveyed| surveyed.problem.as_ref()).map(|problem| problem.words.clone());
    let env = shared.environments.get(target.env());
    let place = Place {
        matchers: &assigned.matchers,
        namespaces: env.map(|env| env.scope.namespaces()).unwrap_or_default(),
        survey,
        own,
    };
    plot.survey = Some(request);
    let asked = asked(shared, &serving);
    match queries::plan(signal, &asked, &place, step(range, points)) {
        Ok(plan) => {
            fill(&mut plot, &plan, assigned, points);
            limit(&mut plot, shared, &serving, &asked, &plan, assigned);
        }
        // Nothing is known of the server while it cannot be asked: that is what is wrong then.
        Err(words) => plot.missing = vec![why.filter(|_| survey.is_none()).unwrap_or(words)],
    }
    plot
}

/// The graph of a query that somebody wrote.
pub fn own_query(shared: &Shared, env: EnvId, name: &str, query: &str, unit: Unit, range: u32) -> Plot {
    let about = if name.is_empty() { query } else { name };
    let mut plot = Plot { about: crate::text::fit(about, 60).into_owned(), unit, range, ..Plot::default() };
    let Some(assigned) = upstream(shared, env, &mut plot) else { return plot };
    let request = queries::typed(assigned, query, range, POINTS);
    plot.lines.push(Line { request: Arc::new(request), legend: Legend::Whole, only: None });
    plot
}

/// Lines and dotted lines of a plan.
fn fill(plot: &mut Plot, plan: &queries::ChartPlan, assigned: &Assigned, points: u32) {
    let requests: Vec<Arc<GraphRequest>> = plan.requests(assigned, plot.range, points);
    for (curve, request) in plan.curves.iter().zip(requests) {
        match (&curve.role, &curve.legend) {
            (queries::Role::Line, queries::Legend::Fixed(word)) => {
                plot.lines.push(Line { request, legend: Legend::Word((*word).into()), only: None });
            }
            (queries::Role::Line, queries::Legend::Label(label)) => {
                plot.lines.push(Line { request, legend: Legend::Label(label.clone()), only: None });
            }
            (_, queries::Legend::Fixed(word)) => {
                plot.limits.push(LimitLine { word: (*word).into(), at: At::Newest(request) });
            }
            (role, queries::Legend::Label(_)) => {
                let word = if *role == queries::Role::Request { "request" } else { "limit" };
                plot.limits.push(LimitLine { word: word.into(), at: At::Newest(request) });
            }
        }
    }
}

/// The line that errors and latency must not cross: as the settings name it for the app, the environment or all, else
/// as an alerting rule about the same series does.
fn limit(
    plot: &mut Plot,
    shared: &Shared,
    target: &Target,
    asked: &queries::Target,
    plan: &queries::ChartPlan,
    assigned: &Assigned,
) {
    let of = match plan.signal {
        Signal::Errors => Limited::Errors,
        Signal::Latency => Limited::Latency,
        _ => return,
    };
    let app = target.app(shared);
    let written = limits(&shared.wanted, &shared.environments, target.env(), app.as_deref());
    let written = match of {
        Limited::Errors => written.errors.map(|millionths| f64::from(millionths) / 1e6),
        Limited::Latency => written.latency.map(|limit| limit.as_secs_f64()),
    };
    let line = |at| LimitLine { word: "limit".into(), at: At::Fixed(at) };
    if let Some(at) = written {
        plot.limits.push(line(at));
        return;
    }
    let Some(counted) = &plan.counted else { return };
    // Of an environment as a whole no rule tells.
    let queries::Target::Workloads(aims) = asked else { return };
    let values = |label: &str| -> Vec<Name> {
        if let Some((_, value)) = assigned.matchers.iter().find(|(known, _)| **known == *label) {
            return vec![value.clone()];
        }
        let is_app = counted.app.as_deref() == Some(label) || queries::names_app(label);
        match (queries::names_namespace(label), is_app) {
            (true, _) => aims.iter().map(|aim| aim.namespace.clone()).collect(),
            (false, true) => aims.iter().map(|aim| aim.name.clone()).collect(),
            (false, false) => Vec::new(),
        }
    };
    if let Some(limit) = shared.alerts.limit(&assigned.upstream, of, &counted.series, &values) {
        let scale = if counted.milliseconds && of == Limited::Latency { 1e-3 } else { 1.0 };
        plot.limits.push(line(limit.at * scale));
        plot.notes.push(format!("The limit is that of the alerting rule {}.", limit.rule));
    }
}

/// How a signal is called before its unit; empty where the unit says it all.
fn called(signal: Signal) -> &'static str {
    match signal {
        Signal::Requests => "",
        Signal::Errors => "errors",
        Signal::Latency => "p99",
        Signal::Cpu => "cpu",
        Signal::Memory => "memory",
        Signal::Restarts => "restarts",
        Signal::Network => "network",
        Signal::Replicas => "replicas",
    }
}

/// The Prometheus of an environment; says in the plot why there is none.
pub(super) fn upstream<'a>(shared: &'a Shared, env: EnvId, plot: &mut Plot) -> Option<&'a Assigned> {
    match shared.upstreams.of(Server::Prometheus, env) {
        Ok(assigned) => Some(assigned),
        Err(Missing { why, mend, .. }) => {
            plot.missing = [why, mend].into_iter().filter(|line| !line.is_empty()).cloned().collect();
            if plot.missing.is_empty() {
                plot.missing.push("Looking for a Prometheus.".to_owned());
            }
            None
        }
    }
}

/// The same target for the library.
pub(super) fn asked(shared: &Shared, target: &Target) -> queries::Target {
    match target {
        Target::Environment(_) => queries::Target::Environment,
        Target::App(env, app) => {
            let matrix = &shared.matrix;
            let at = matrix.columns.iter().position(|column| column == env);
            let cell = at.and_then(|at| matrix.row(app)?.cells.get(at)?.as_ref());
            queries::Target::Workloads(aims(&shared.world, cell.map_or(&[], |cell| &cell.workloads)))
        }
        Target::Workload(_, object) => {
            queries::Target::Workloads(aims(&shared.world, std::slice::from_ref(object)))
        }
        Target::Pod(_, object) => {
            queries::Target::Pod { namespace: object.namespace.clone(), name: object.name.clone() }
        }
        Target::Node(_, object) => queries::Target::Node(object.name.clone()),
    }
}
