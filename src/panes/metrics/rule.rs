//! The graph of an alert: what its rule measures, with the number that the rule holds it against as a dotted line. Pure.

use std::sync::Arc;

use super::plan::upstream;
use super::plot::{At, Legend, LimitLine, Line, POINTS, Plot, RANGES};
use crate::domain::alert::Alert;
use crate::domain::graph::GraphRequest;
use crate::domain::id::Name;
use crate::domain::upstream::Assigned;
use crate::fleet::promql::{self, Matcher, Split, split};
use crate::shared::Shared;

/// The shortest time in which the beginning of an alert is in sight, with what was before it: an index into
/// [`RANGES`].
pub fn range_of(alert: &Alert, shared: &Shared) -> usize {
    let age = alert.since.map_or(0, |since| shared.now.wall.since(since));
    // A rule that must hold for a while was crossed that long before it fired.
    let wanted = age.saturating_add(alert.rule.as_ref().map_or(0, |rule| rule.hold)).saturating_mul(5) / 4;
    RANGES.iter().position(|(range, _)| u64::from(*range) >= wanted).unwrap_or(RANGES.len() - 1)
}

/// The graph of an alert; `None` where no rules API told of its rule, so that nothing is known to graph.
pub fn alert_plot(shared: &Shared, alert: &Alert, range: u32) -> Option<Plot> {
    let rule = alert.rule.as_ref().filter(|rule| !rule.expr.is_empty())?;
    let mut plot = Plot { about: alert.name.to_string(), range, ..Plot::default() };
    let env = alert.environments.first().copied().unwrap_or(shared.current);
    let assigned = upstream(shared, env, &mut plot);
    // Who evaluates the rule has its series. It may serve other environments than the first one.
    let Some(upstream) = alert.ruler.clone().or_else(|| Some(Arc::clone(&assigned?.upstream))) else {
        return Some(plot);
    };
    plot.missing.clear();
    let matchers = assigned.filter(|assigned| assigned.upstream == upstream);
    let matchers = matchers.map(|assigned| told(assigned, alert)).unwrap_or_default();
    // Foreign text comes in one line; an expression may be written in several.
    let expr = rule.expr.replace('↵', "\n");
    let query = match split(&expr, &own_labels(alert), &matchers) {
        Ok(Split { query, threshold, more, unit }) => {
            plot.unit = unit;
            match threshold {
                Some(threshold) => plot.limits.push(LimitLine {
                    word: format!("threshold {}", threshold.op).into(),
                    at: At::Fixed(threshold.at),
                }),
                None => plot.notes.push(WHOLE.to_owned()),
            }
            if more {
                plot.notes.push("The rule has more conditions than this one.".to_owned());
            }
            query
        }
        Err(why) if matchers.is_empty() => {
            plot.notes.push(format!("The expression is not understood here ({why}): it is graphed whole."));
            expr.trim().into()
        }
        Err(why) => {
            plot.missing = vec![format!("The expression is not understood here ({why}).")];
            return Some(plot);
        }
    };
    let request = Arc::new(GraphRequest::new(upstream, query, range, POINTS));
    // What could not be narrowed in the query is told apart by what its series are called.
    plot.lines.push(Line { request, legend: Legend::Whole, only: Some(alert.labels.clone()) });
    Some(plot)
}

/// What is said where there is no number to hold the graph against.
const WHOLE: &str =
    "It has no single threshold: the whole expression is graphed, with gaps where it does not hold.";

/// The labels that tell an environment's series from others', as far as the alert bears them out: a rule is evaluated
/// without them.
fn told(assigned: &Assigned, alert: &Alert) -> Vec<Matcher> {
    let borne_out = |(label, value): &&(Name, Name)| alert.labels.get(label) == Some(value);
    promql::matchers(&assigned.matchers.iter().filter(borne_out).cloned().collect::<Vec<_>>())
}

/// The labels of the series that gave the alert; none where the rule's own labels are not told.
fn own_labels(alert: &Alert) -> Vec<(Name, Name)> {
    let Some(given) = alert.rule.as_ref().and_then(|rule| rule.labels.as_ref()) else { return Vec::new() };
    let of_series = |(label, value): &&(Name, Name)| {
        &**label != "alertname" && !label.starts_with("__") && !value.is_empty() && given.get(label).is_none()
    };
    alert.own.0.iter().filter(of_series).cloned().collect()
}
