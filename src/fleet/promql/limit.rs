//! What an alerting rule says a chart's limit is: rules that hold the share of failed requests, or a quantile of the
//! latency, against a number. A rule is only believed about the very series that a chart shows: every matcher that
//! narrows it must hold for the chart too, and one that says something unknown refuses it. Pure.

use rusty_promql_parser::ast::BinaryOp;
use rusty_promql_parser::{Expr, LabelMatchOp, LabelMatcher, VectorSelector};

use super::parse;
use super::rule::{apart, number};
use crate::domain::id::Name;

/// The limit of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleLimit {
    /// The rule's name.
    pub rule: Name,
    /// What it is about.
    pub of: Limited,
    /// The number that must not be crossed, in the unit of the series.
    pub at: f64,
    series: Name,
    matchers: Vec<LabelMatcher>,
}

/// What a limit is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    /// The share of requests that fail.
    Errors,
    /// The 99th percentile of the latency.
    Latency,
}

/// Reads a rule; `None` when it is of no such form.
pub fn read(rule: &Name, expr: &str) -> Option<RuleLimit> {
    let parsed = parse(expr).ok()?;
    let (measured, threshold, more) = apart(&parsed)?;
    // Of several conditions none alone is a limit.
    if more || !matches!(threshold.op, ">" | ">=") || !threshold.at.is_finite() {
        return None;
    }
    let (of, selector) = match measured.unwrap_parens() {
        Expr::Binary(both) if both.op == BinaryOp::Div => {
            (Limited::Errors, failed_of(counted(&both.lhs)?, counted(&both.rhs)?)?)
        }
        Expr::Call(call) if call.name == "histogram_quantile" => (
            Limited::Latency,
            counted(call.args.get(1)?).filter(|_| call.args.first().and_then(number) == Some(0.99))?,
        ),
        _ => return None,
    };
    Some(RuleLimit {
        rule: rule.clone(),
        of,
        at: threshold.at,
        series: selector.name.as_deref()?.into(),
        matchers: selector.matchers.clone(),
    })
}

/// The selector of `sum by (...) (rate(selector[5m]))`.
fn counted(expr: &Expr) -> Option<&VectorSelector> {
    match expr {
        Expr::Paren(inner) => counted(inner),
        Expr::Aggregation(aggregation) if aggregation.op == "sum" => counted(&aggregation.expr),
        Expr::Call(call) => match (call.name.as_str(), call.args.first()?) {
            ("rate" | "irate" | "increase", Expr::MatrixSelector(matrix)) => {
                let selector = &matrix.selector;
                (selector.offset.is_none() && selector.at.is_none()).then_some(selector)
            }
            _ => None,
        },
        _ => None,
    }
}

/// All requests, when the others are those of them that failed: the same series with a status of 5xx besides.
fn failed_of<'a>(failed: &VectorSelector, all: &'a VectorSelector) -> Option<&'a VectorSelector> {
    let (shared, more): (Vec<_>, Vec<_>) =
        failed.matchers.iter().partition(|matcher| all.matchers.contains(matcher));
    let [status] = more.as_slice() else { return None };
    let bad = matches!(status.op, LabelMatchOp::Equal | LabelMatchOp::RegexMatch)
        && status.value.starts_with('5')
        && !status.value.contains('|');
    (failed.name == all.name && shared.len() == all.matchers.len() && bad).then_some(all)
}

impl RuleLimit {
    /// Whether it is about these series. `values` tells what a label is for all that the chart shows: empty where that
    /// is not known.
    pub fn is_about(&self, of: Limited, series: &str, values: &dyn Fn(&str) -> Vec<Name>) -> bool {
        self.of == of
            && *self.series == *series
            && self.matchers.iter().all(|matcher| {
                let values = values(&matcher.name);
                !values.is_empty() && values.iter().all(|value| holds(matcher, value))
            })
    }
}

fn holds(matcher: &LabelMatcher, value: &str) -> bool {
    let matches = || {
        let pattern = format!("^(?s:{})$", matcher.value);
        regex::RegexBuilder::new(&pattern)
            .size_limit(1 << 16)
            .build()
            .is_ok_and(|regex| regex.is_match(value))
    };
    match matcher.op {
        LabelMatchOp::Equal => matcher.value == value,
        LabelMatchOp::NotEqual => matcher.value != value,
        LabelMatchOp::RegexMatch => matches(),
        LabelMatchOp::RegexNotMatch => !matches(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(expr: &str) -> Option<(Limited, f64)> {
        read(&"Rule".into(), expr).map(|limit| (limit.of, limit.at))
    }

    #[test]
    fn rules_that_limit_a_share_or_a_quantile() {
        let cases = [
            (
                "sum by (namespace, app) (rate(r_total{app=\"cart\", status=~\"5..\"}[5m])) / sum by (namespace, app) (rate(r_total{app=\"cart\"}[5m])) > 0.02",
                Some((Limited::Errors, 0.02)),
            ),
            (
                "(sum(rate(r{code=\"500\"}[5m])) / sum(rate(r[5m]))) >= (1 - 0.99)",
                Some((Limited::Errors, 1.0 - 0.99)),
            ),
            (
                "0.5 < histogram_quantile(0.99, sum by (le) (rate(l_bucket[5m])))",
                Some((Limited::Latency, 0.5)),
            ),
            ("histogram_quantile(0.99, rate(l[5m])) > 1", Some((Limited::Latency, 1.0))),
            // Other quantiles, other shares, less than, more than one condition.
            ("histogram_quantile(0.5, sum by (le) (rate(l_bucket[5m]))) > 0.5", None),
            ("sum(rate(r{code=~\"4..|5..\"}[5m])) / sum(rate(r[5m])) > 0.02", None),
            ("sum(rate(e[5m])) / sum(rate(r[5m])) > 0.02", None),
            ("sum(rate(r{code=~\"5..\"}[5m])) / sum(rate(r{app=\"x\"}[5m])) > 0.02", None),
            ("sum(rate(r{code=~\"5..\"}[5m])) / sum(rate(r[5m])) < 0.02", None),
            ("sum(rate(r{code=~\"5..\"}[5m])) / sum(rate(r[5m])) > 0.02 and sum(rate(r[5m])) > 1", None),
            ("sum(rate(r{code=~\"5..\"}[5m] offset 1d)) / sum(rate(r[5m])) > 0.02", None),
            ("up == 0", None),
            ("not promql", None),
        ];
        for (expr, limit) in cases {
            assert_eq!(told(expr), limit, "{expr}");
        }
    }

    #[test]
    fn a_limit_holds_for_what_its_matchers_hold_for() {
        let of = |matchers: &str| {
            let expr = format!("histogram_quantile(0.99, rate(l_bucket{{{matchers}}}[5m])) > 1");
            read(&"Rule".into(), &expr).unwrap()
        };
        let values = |label: &str| -> Vec<Name> {
            match label {
                "namespace" => vec!["shop-prod".into()],
                "app" => vec!["cart".into(), "cart-worker".into()],
                _ => Vec::new(),
            }
        };
        let about = |matchers: &str| of(matchers).is_about(Limited::Latency, "l_bucket", &values);
        assert!(
            about("")
                && about("namespace=\"shop-prod\"")
                && about("app=~\"cart.*\"")
                && about("app!=\"mailer\"")
        );
        assert!(!about("namespace=\"shop-dev\"") && !about("namespace=~\"shop\""));
        assert!(!about("app=\"cart\""), "it is about one of the two alone");
        assert!(!about("path=\"/checkout\""), "what the chart does not narrow");
        assert!(!about("app=~\"(\""), "what cannot be read holds for nothing");
        assert!(!of("").is_about(Limited::Errors, "l_bucket", &values));
        assert!(!of("").is_about(Limited::Latency, "other_bucket", &values));
    }
}
