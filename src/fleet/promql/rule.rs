//! The expression of an alerting rule taken apart: what it measures, and the number that it holds it against.
//!
//! `expr > 0.02` is graphed as `expr` with a line at 0.02. What is left of an alert besides its rule's labels are labels
//! of the series that its expression gave: they narrow the query to the alert's own series, wherever the expression
//! keeps a label on the way from a selector to its result (an aggregation `by` others, say, does not). Pure.

use rusty_promql_parser::ast::{BinaryExpr, BinaryOp, GroupSide, UnaryOp, VectorMatchingOp};
use rusty_promql_parser::{Expr, GroupingAction};

use super::{Matcher, confined, parse, selectors, unit};
use crate::domain::id::Name;
use crate::text::Unit;

/// A rule's expression as it is graphed.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// What is measured, in PromQL; the whole expression when it could not be split.
    pub query: Name,
    /// What it is held against; `None` when it could not be split.
    pub threshold: Option<Threshold>,
    /// The rule wants more than this one comparison.
    pub more: bool,
    /// What the numbers count, as far as the names of its series tell.
    pub unit: Unit,
}

/// What an expression is held against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// As one would read it with the measured side at the left: `>`, `<=`, `==`...
    pub op: &'static str,
    /// The number.
    pub at: f64,
}

/// Takes a rule's expression apart. `own` are labels of the alert's series, `matchers` go into every selector.
///
/// # Errors
/// It cannot be read, in words.
pub fn split(expr: &str, own: &[(Name, Name)], matchers: &[Matcher]) -> Result<Split, String> {
    let whole = parse(expr)?;
    let (mut measured, threshold, more) = match apart(&whole) {
        Some((measured, threshold, more)) => (measured.unwrap_parens().clone(), Some(threshold), more),
        None => (whole, None, false),
    };
    let unit = unit::of(&measured);
    narrow(&mut measured, own);
    Ok(Split { query: confined(measured, matchers)?, threshold, more, unit })
}

/// The measured side of the comparison on top, what it is held against, and whether there are more conditions. Of
/// `a > 1 and b < 2` it is the left one, whose value is that of the alert.
pub(super) fn apart(expr: &Expr) -> Option<(&Expr, Threshold, bool)> {
    match expr.unwrap_parens() {
        Expr::Binary(both) if matches!(both.op, BinaryOp::And | BinaryOp::Unless) => {
            apart(&both.lhs).map(|(measured, threshold, _)| (measured, threshold, true))
        }
        Expr::Binary(both) if both.op.is_comparison() => {
            // With `bool` every series is there at all times, as 0 or 1.
            if both.modifier.as_ref().is_some_and(|modifier| modifier.return_bool) {
                return None;
            }
            match (number(&both.lhs), number(&both.rhs)) {
                (None, Some(at)) => Some((&both.lhs, Threshold { op: both.op.as_str(), at }, false)),
                (Some(at), None) => Some((&both.rhs, Threshold { op: turned(both.op), at }, false)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The comparison as it reads from the other side.
fn turned(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Lt => ">",
        BinaryOp::Le => ">=",
        BinaryOp::Gt => "<",
        BinaryOp::Ge => "<=",
        op => op.as_str(),
    }
}

/// The value of an expression of numbers alone: `14.4 * 0.001`, `-(1 - 0.999)`.
pub(super) fn number(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Number(number) => Some(*number),
        Expr::Paren(inner) => number(inner),
        Expr::Unary(unary) => {
            let value = number(&unary.expr)?;
            Some(if unary.op == UnaryOp::Minus { -value } else { value })
        }
        Expr::Binary(both) => {
            let (a, b) = (number(&both.lhs)?, number(&both.rhs)?);
            Some(match both.op {
                BinaryOp::Add => a + b,
                BinaryOp::Sub => a - b,
                BinaryOp::Mul => a * b,
                BinaryOp::Div => a / b,
                BinaryOp::Mod => a % b,
                BinaryOp::Pow => a.powf(b),
                _ => return None,
            })
        }
        _ => None,
    }
}

/// Labels with their values.
type Pairs = Vec<(Name, Name)>;

/// Adds labels of the result to the selectors that they must have come from.
fn narrow(expr: &mut Expr, labels: &[(Name, Name)]) {
    match expr {
        Expr::Number(_) | Expr::String(_) => {}
        Expr::VectorSelector(_) | Expr::MatrixSelector(_) => selectors(expr, &mut |selector| {
            for (label, value) in labels {
                let wanted = Matcher::Is(label.clone(), value.clone()).parsed();
                if !selector.matchers.contains(&wanted) {
                    selector.matchers.push(wanted);
                }
            }
        }),
        Expr::Paren(inner) => narrow(inner, labels),
        Expr::Unary(unary) => narrow(&mut unary.expr, labels),
        Expr::Subquery(subquery) => narrow(&mut subquery.expr, labels),
        Expr::Call(call) => {
            let made = |nth: usize| match call.args.get(nth) {
                Some(Expr::String(label)) => Some(label.clone()),
                _ => None,
            };
            let kept: Pairs = match call.name.as_str() {
                // These make labels, or say that there is nothing: what they are given has others.
                "absent" | "absent_over_time" | "scalar" | "vector" | "info" => return,
                "label_replace" | "label_join" => match made(1) {
                    Some(made) => without(labels, &[made]),
                    None => return,
                },
                _ => labels.to_vec(),
            };
            call.args.iter_mut().for_each(|arg| narrow(arg, &kept));
        }
        Expr::Aggregation(aggregation) => {
            let kept = match (&aggregation.grouping, aggregation.op.as_str()) {
                (None, _) => return,
                (Some(grouping), op) => {
                    let kept = match grouping.action {
                        GroupingAction::By => only(labels, &grouping.labels),
                        GroupingAction::Without => without(labels, &grouping.labels),
                    };
                    match (op, &aggregation.param) {
                        ("count_values", Some(Expr::String(made))) => {
                            without(&kept, std::slice::from_ref(made))
                        }
                        _ => kept,
                    }
                }
            };
            narrow(&mut aggregation.expr, &kept);
        }
        Expr::Binary(both) => {
            let (left, right) = sides(both, labels);
            narrow(&mut both.lhs, &left);
            narrow(&mut both.rhs, &right);
        }
    }
}

/// What each side of an operator must have had.
fn sides(both: &BinaryExpr, labels: &[(Name, Name)]) -> (Pairs, Pairs) {
    let all = || labels.to_vec();
    let Some(matching) = both.modifier.as_ref().and_then(|modifier| modifier.matching.as_ref()) else {
        return (all(), all());
    };
    let shared = match matching.op {
        VectorMatchingOp::On => only(labels, &matching.labels),
        VectorMatchingOp::Ignoring => without(labels, &matching.labels),
    };
    let Some(group) = &matching.group else {
        // `and` and `unless` keep the left side as it is; what `or` gives may come from either.
        let left = matches!(both.op, BinaryOp::And | BinaryOp::Unless);
        return (if left { all() } else { shared.clone() }, shared);
    };
    // The many have the labels of the result, but for those that come from the one.
    let many = without(labels, &group.labels);
    let one = without(&shared, &group.labels);
    match group.side {
        GroupSide::Left => (many, one),
        GroupSide::Right => (one, many),
    }
}

fn only(labels: &[(Name, Name)], names: &[String]) -> Pairs {
    labels.iter().filter(|(label, _)| names.iter().any(|name| **name == **label)).cloned().collect()
}

fn without(labels: &[(Name, Name)], names: &[String]) -> Pairs {
    labels.iter().filter(|(label, _)| !names.iter().any(|name| **name == **label)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Pairs {
        pairs.iter().map(|(label, value)| (Name::from(*label), Name::from(*value))).collect()
    }

    fn told(expr: &str, own: &[(&str, &str)]) -> (String, String, bool) {
        let split = split(expr, &pairs(own), &[]).unwrap();
        let threshold = split.threshold.map(|threshold| format!("{} {}", threshold.op, threshold.at));
        (split.query.to_string(), threshold.unwrap_or_default(), split.more)
    }

    #[test]
    fn the_measured_side_and_the_number() {
        let cases = [
            ("a > 1", "a", "> 1", false),
            ("(a >= 1)", "a", ">= 1", false),
            ("0.5 < (a / b)", "a / b", "> 0.5", false),
            ("3 == a", "a", "== 3", false),
            (
                "sum(rate(e[5m])) / sum(rate(r[5m])) > (2 * 0.01)",
                "sum(rate(e[5m])) / sum(rate(r[5m]))",
                "> 0.02",
                false,
            ),
            ("a < -(1 - 0.5)", "a", "< -0.5", false),
            ("time() - max by (s) (t) > 60 * 30", "time() - max by (s) (t)", "> 1800", false),
            // More conditions: the left one is the alert's value.
            ("a > 1 and b < 2", "a", "> 1", true),
            ("(a > 1 and b < 2) unless on (x) c", "a", "> 1", true),
            // No single number.
            ("a > b", "a > b", "", false),
            ("a > bool 1", "a > bool 1", "", false),
            ("a > 1 or b > 1", "a > 1 or b > 1", "", false),
            ("a and b > 1", "a and b > 1", "", false),
            ("absent(up{job=\"x\"})", "absent(up{job=\"x\"})", "", false),
            ("vector(1)", "vector(1)", "", false),
            ("1 > 2", "1 > 2", "", false),
        ];
        for (expr, query, threshold, more) in cases {
            assert_eq!(told(expr, &[]), (query.to_owned(), threshold.to_owned(), more), "{expr}");
        }
        assert!(split("a >", &[], &[]).is_err());
    }

    #[test]
    fn an_alerts_labels_narrow_where_the_expression_keeps_them() {
        let own = [("app", "cart"), ("ns", "p")];
        let cases = [
            ("a > 1", r#"a{app="cart",ns="p"}"#),
            ("a{ns=\"p\"} > 1", r#"a{ns="p",app="cart"}"#),
            ("max_over_time(a[5m]) > 1", r#"max_over_time(a{app="cart",ns="p"}[5m])"#),
            ("sum by (ns) (a) > 1", r#"sum by (ns) (a{ns="p"})"#),
            ("sum without (pod, app) (a) > 1", r#"sum without (pod, app) (a{ns="p"})"#),
            ("sum(a) > 1", "sum(a)"),
            (
                "histogram_quantile(0.9, sum by (le, app) (rate(b[5m]))) > 1",
                r#"histogram_quantile(0.9, sum by (le, app) (rate(b{app="cart"}[5m])))"#,
            ),
            ("a / b > 1", r#"a{app="cart",ns="p"} / b{app="cart",ns="p"}"#),
            ("a / on (ns) b > 1", r#"a{ns="p"} / on (ns) b{ns="p"}"#),
            ("a / ignoring (app) b > 1", r#"a{ns="p"} / ignoring (app) b{ns="p"}"#),
            ("a * on (ns) group_left (app) b > 1", r#"a{ns="p"} * on (ns) group_left (app) b{ns="p"}"#),
            (
                "a * ignoring (app) group_right () b > 1",
                r#"a{ns="p"} * ignoring (app) group_right b{app="cart",ns="p"}"#,
            ),
            ("(a and on (ns) b) > 1", r#"a{app="cart",ns="p"} and on (ns) b{ns="p"}"#),
            (
                "label_replace(a, \"app\", \"$1\", \"x\", \"(.*)\") > 1",
                r#"label_replace(a{ns="p"}, "app", "$1", "x", "(.*)")"#,
            ),
            ("count_values by (ns) (\"app\", a) > 1", r#"count_values by (ns) ("app", a{ns="p"})"#),
            ("absent(a) == 1", "absent(a)"),
            ("1 - avg by (ns) (a) > 0.5", r#"1 - avg by (ns) (a{ns="p"})"#),
        ];
        for (expr, query) in cases {
            assert_eq!(told(expr, &own).0, query, "{expr}");
        }
        let both = split("sum(a) > 1", &pairs(&own), &[Matcher::Is("cluster".into(), "eu".into())]).unwrap();
        assert_eq!(&*both.query, r#"sum(a{cluster="eu"})"#, "what tells environments apart goes everywhere");
    }
}
