//! What the numbers of an expression count, as far as the names of its series tell: by the units that Prometheus'
//! conventions put at the end of a name. A guess that is not certain is none: plain numbers are never wrong.

use rusty_promql_parser::Expr;
use rusty_promql_parser::ast::{BinaryOp, Call};

use super::rule::number;
use crate::text::Unit;

/// What an expression counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    Unknown,
    Seconds,
    /// Seconds since 1970.
    Moment,
    Bytes,
    ByteRate,
    /// Seconds in a second, of processors.
    Cores,
    /// Seconds in a second, of anything.
    SecondRate,
    /// Requests in a second.
    Requests,
    /// Something countable in a second.
    Events,
    Count,
    Ratio,
}

/// The unit in which an expression is shown.
pub(super) fn of(expr: &Expr) -> Unit {
    match measure(expr) {
        Measure::Seconds => Unit::Seconds,
        Measure::Bytes => Unit::Bytes,
        Measure::ByteRate => Unit::ByteRate,
        Measure::Cores => Unit::Cores,
        Measure::Requests => Unit::Requests,
        Measure::Count => Unit::Count,
        Measure::Ratio => Unit::Ratio,
        Measure::Unknown | Measure::Moment | Measure::SecondRate | Measure::Events => Unit::Plain,
    }
}

fn measure(expr: &Expr) -> Measure {
    match expr {
        Expr::Number(_) | Expr::String(_) => Measure::Unknown,
        Expr::VectorSelector(selector) => named(selector.name.as_deref().unwrap_or_default()),
        Expr::MatrixSelector(matrix) => named(matrix.selector.name.as_deref().unwrap_or_default()),
        Expr::Paren(inner) => measure(inner),
        Expr::Unary(unary) => measure(&unary.expr),
        Expr::Subquery(subquery) => measure(&subquery.expr),
        Expr::Call(call) => called(call),
        Expr::Aggregation(aggregation) => match aggregation.op.as_str() {
            "count" | "count_values" | "group" => Measure::Count,
            "stdvar" => Measure::Unknown,
            _ => measure(&aggregation.expr),
        },
        Expr::Binary(both) => {
            let (left, right) = (measure(&both.lhs), measure(&both.rhs));
            let (a, b) = (number(&both.lhs), number(&both.rhs));
            match both.op {
                BinaryOp::Div => divided(left, right, b),
                BinaryOp::Mul if a == Some(1.0) => right,
                BinaryOp::Mul if b == Some(1.0) => left,
                BinaryOp::Sub if left == Measure::Moment && right == Measure::Moment => Measure::Seconds,
                BinaryOp::Add | BinaryOp::Sub => match (left, right) {
                    (left, right) if left == right => left,
                    (Measure::Unknown, right) if a.is_some() && right != Measure::Moment => right,
                    (left, Measure::Unknown) if b.is_some() => left,
                    _ => Measure::Unknown,
                },
                op if op.is_comparison() => left,
                BinaryOp::And | BinaryOp::Unless => left,
                BinaryOp::Or if left == right || right == Measure::Unknown => left,
                _ => Measure::Unknown,
            }
        }
    }
}

fn divided(left: Measure, right: Measure, by: Option<f64>) -> Measure {
    match (left, right) {
        (left, Measure::Unknown) if by == Some(1.0) => left,
        (Measure::Unknown | Measure::Moment, _) | (_, Measure::Unknown | Measure::Moment) => Measure::Unknown,
        (left, right) if left == right => Measure::Ratio,
        (Measure::Requests | Measure::Events, Measure::Requests | Measure::Events) => Measure::Ratio,
        // The mean: seconds in a second through requests in a second.
        (Measure::SecondRate, Measure::Requests | Measure::Events) => Measure::Seconds,
        _ => Measure::Unknown,
    }
}

/// A series by its name.
fn named(name: &str) -> Measure {
    let ends = |words: &[&str]| words.iter().any(|word| name.ends_with(word));
    if name.contains("timestamp") || ends(&["_time_seconds", "_created"]) {
        Measure::Moment
    } else if ends(&["_seconds"]) {
        Measure::Seconds
    } else if ends(&["_bytes"]) {
        Measure::Bytes
    } else if ends(&["_ratio"]) {
        Measure::Ratio
    } else {
        Measure::Unknown
    }
}

/// A counter by its name, as so much in a second.
fn rate_of(name: &str) -> Measure {
    let base = ["_total", "_sum"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    if base.ends_with("_seconds") {
        if base.contains("cpu") { Measure::Cores } else { Measure::SecondRate }
    } else if base.ends_with("_bytes") {
        Measure::ByteRate
    } else if name.ends_with("_bucket") || !name.ends_with("_total") && !name.ends_with("_count") {
        Measure::Unknown
    } else if name.contains("request") {
        Measure::Requests
    } else {
        Measure::Events
    }
}

/// The name of the series that an expression is made of, when it is one.
fn series(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::VectorSelector(selector) => selector.name.as_deref(),
        Expr::MatrixSelector(matrix) => matrix.selector.name.as_deref(),
        Expr::Paren(inner) => series(inner),
        Expr::Aggregation(aggregation) => series(&aggregation.expr),
        Expr::Call(call) => call.args.iter().find_map(series),
        _ => None,
    }
}

fn called(call: &Call) -> Measure {
    match call.name.as_str() {
        "rate" | "irate" => call.args.first().and_then(series).map_or(Measure::Unknown, rate_of),
        "increase" => match call.args.first().and_then(series).map_or(Measure::Unknown, rate_of) {
            Measure::Requests | Measure::Events => Measure::Count,
            Measure::ByteRate => Measure::Bytes,
            Measure::SecondRate | Measure::Cores => Measure::Seconds,
            _ => Measure::Unknown,
        },
        "histogram_quantile" => {
            let name = call.args.get(1).and_then(series).unwrap_or_default();
            named(name.strip_suffix("_bucket").unwrap_or(name))
        }
        "time" | "timestamp" => Measure::Moment,
        "changes" | "resets" | "count_over_time" => Measure::Count,
        "max_over_time" | "min_over_time" | "avg_over_time" | "last_over_time" | "abs" | "ceil" | "floor"
        | "round" | "sort" | "sort_desc" | "label_replace" | "label_join" | "clamp" | "clamp_min"
        | "clamp_max" | "delta" | "idelta" | "scalar" => call.args.first().map_or(Measure::Unknown, measure),
        "quantile_over_time" => call.args.get(1).map_or(Measure::Unknown, measure),
        _ => Measure::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_units() {
        let cases = [
            (
                "sum(rate(app_requests_total{s=~\"5..\"}[5m])) / sum(rate(app_requests_total[5m]))",
                Unit::Ratio,
            ),
            ("rate(errors_total[5m]) / rate(http_requests_total[5m])", Unit::Ratio),
            ("1 - sum(rate(a_total[5m])) / sum(rate(b_total[5m]))", Unit::Ratio),
            (
                "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))",
                Unit::Seconds,
            ),
            ("histogram_quantile(0.99, rate(x_milliseconds_bucket[5m]))", Unit::Plain),
            ("rate(x_seconds_sum[5m]) / rate(x_seconds_count[5m])", Unit::Seconds),
            ("time() - max by (s) (velero_backup_last_successful_timestamp)", Unit::Seconds),
            ("cert_expiration_timestamp_seconds - time()", Unit::Seconds),
            ("cert_expiration_timestamp_seconds", Unit::Plain),
            ("sum(container_memory_working_set_bytes)", Unit::Bytes),
            ("a_bytes / b_bytes", Unit::Ratio),
            ("100 * a_bytes / b_bytes", Unit::Plain),
            ("a_bytes / 1024", Unit::Plain),
            ("sum(rate(container_cpu_usage_seconds_total[5m]))", Unit::Cores),
            ("rate(node_network_receive_bytes_total[5m])", Unit::ByteRate),
            ("rate(http_requests_total[5m])", Unit::Requests),
            ("rate(messages_total[5m])", Unit::Plain),
            ("increase(restarts_total[1h])", Unit::Count),
            ("count by (job) (up)", Unit::Count),
            ("sum(up == bool 0) / count(up)", Unit::Plain),
            ("max_over_time(kube_pod_container_status_waiting_reason[5m])", Unit::Plain),
            ("process_resident_memory_bytes or vector(0)", Unit::Bytes),
            ("a_seconds + b_bytes", Unit::Plain),
            ("rate(x_seconds_bucket[5m])", Unit::Plain),
        ];
        for (query, unit) in cases {
            assert_eq!(of(&super::super::parse(query).unwrap()), unit, "{query}");
        }
    }
}
