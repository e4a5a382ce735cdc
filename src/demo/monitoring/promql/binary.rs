//! Binary operators: arithmetic, comparisons, set operations; between vectors by their labels (`on`, `ignoring`,
//! `group_left`, `group_right`).

use std::collections::HashMap;

use rusty_promql_parser::ast::{
    BinaryExpr, BinaryModifier, BinaryOp, Expr, GroupSide, VectorMatching, VectorMatchingOp,
};

use super::Refusal;
use super::eval::{Evaluator, Row, Value, merged};
use super::labels::Labels;

/// Evaluates a binary expression.
pub fn eval(cx: &Evaluator<'_>, binary: &BinaryExpr) -> Result<Value, Refusal> {
    if let (BinaryOp::Pow, Expr::Unary(unary)) = (binary.op, &binary.lhs) {
        // The parser binds a sign closer than a power; PromQL does not: -2^2 is -4.
        let power = BinaryExpr { lhs: unary.expr.clone(), ..binary.clone() };
        let signed =
            rusty_promql_parser::ast::UnaryExpr { op: unary.op, expr: Expr::Binary(Box::new(power)) };
        return cx.eval(&Expr::Unary(Box::new(signed)));
    }
    let (left, right) = (cx.eval(&binary.lhs)?, cx.eval(&binary.rhs)?);
    let modifier = binary.modifier.clone().unwrap_or_default();
    match (left, right) {
        (Value::Scalar(a), Value::Scalar(b)) => {
            let both = a.iter().zip(&b);
            Ok(Value::Scalar(both.map(|(a, b)| number(binary.op, *a, *b)).collect()))
        }
        (Value::Vector(rows), Value::Scalar(numbers)) => {
            Ok(Value::Vector(with_scalar(binary.op, &modifier, rows, &numbers, false)))
        }
        (Value::Scalar(numbers), Value::Vector(rows)) => {
            Ok(Value::Vector(with_scalar(binary.op, &modifier, rows, &numbers, true)))
        }
        (Value::Vector(left), Value::Vector(right)) => {
            let rows = match binary.op {
                BinaryOp::And | BinaryOp::Unless => {
                    filter(left, &right, binary.op == BinaryOp::And, &modifier, cx.grid.count)
                }
                BinaryOp::Or => {
                    let rest = filter(right, &left, false, &modifier, cx.grid.count);
                    left.into_iter().chain(rest).collect()
                }
                op => between(cx, op, &modifier, left, right)?,
            };
            merged(rows).map(Value::Vector)
        }
        _ => Err(Refusal::execution("a string cannot be an operand")),
    }
}

/// Arithmetic; comparisons give 1 or 0.
fn number(op: BinaryOp, a: f64, b: f64) -> f64 {
    let truth = |is: bool| f64::from(u8::from(is));
    match op {
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Mul => a * b,
        BinaryOp::Div => a / b,
        BinaryOp::Mod => a % b,
        BinaryOp::Pow => a.powf(b),
        BinaryOp::Atan2 => a.atan2(b),
        BinaryOp::Eq => truth(a == b),
        BinaryOp::Ne => truth(a != b),
        BinaryOp::Lt => truth(a < b),
        BinaryOp::Le => truth(a <= b),
        BinaryOp::Gt => truth(a > b),
        BinaryOp::Ge => truth(a >= b),
        BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => f64::NAN,
    }
}

/// One point: arithmetic, or for a comparison the kept value (1 or 0 with `bool`).
fn point(op: BinaryOp, returns_bool: bool, a: f64, b: f64, kept: f64) -> Option<f64> {
    let result = number(op, a, b);
    if op.is_comparison() && !returns_bool { (result == 1.0).then_some(kept) } else { Some(result) }
}

fn keeps_name(op: BinaryOp, modifier: &BinaryModifier) -> bool {
    op.is_comparison() && !modifier.return_bool
}

fn with_scalar(
    op: BinaryOp,
    modifier: &BinaryModifier,
    rows: Vec<Row>,
    numbers: &[f64],
    scalar_first: bool,
) -> Vec<Row> {
    let apply = |row: Row| {
        let labels = if keeps_name(op, modifier) { row.labels } else { row.labels.nameless() };
        let points: Vec<Option<f64>> = row
            .points
            .iter()
            .zip(numbers)
            .map(|(point_value, number)| {
                let value = (*point_value)?;
                let (a, b) = if scalar_first { (*number, value) } else { (value, *number) };
                point(op, modifier.return_bool, a, b, value)
            })
            .collect();
        points.iter().any(Option::is_some).then_some(Row { labels, points })
    };
    rows.into_iter().filter_map(apply).collect()
}

/// What must be equal for two series to match.
fn signature(labels: &Labels, matching: Option<&VectorMatching>) -> Labels {
    match matching {
        Some(m) if m.op == VectorMatchingOp::On => labels.keep(&m.labels),
        Some(m) => labels.nameless().drop(&m.labels),
        None => labels.nameless(),
    }
}

/// The points of `rows` at steps where the other side has a match (`present`), or has none.
fn filter(
    rows: Vec<Row>,
    others: &[Row],
    present: bool,
    modifier: &BinaryModifier,
    steps: usize,
) -> Vec<Row> {
    let matching = modifier.matching.as_ref();
    let mut there: HashMap<Labels, Vec<bool>> = HashMap::new();
    for other in others {
        let at = there.entry(signature(&other.labels, matching)).or_insert_with(|| vec![false; steps]);
        for (n, point) in other.points.iter().enumerate() {
            at[n] |= point.is_some();
        }
    }
    let apply = |row: Row| {
        let at = there.get(&signature(&row.labels, matching));
        let points: Vec<Option<f64>> = row
            .points
            .iter()
            .enumerate()
            .map(|(n, point)| point.filter(|_| at.is_some_and(|at| at[n]) == present))
            .collect();
        points.iter().any(Option::is_some).then_some(Row { labels: row.labels, points })
    };
    rows.into_iter().filter_map(apply).collect()
}

fn between(
    cx: &Evaluator<'_>,
    op: BinaryOp,
    modifier: &BinaryModifier,
    left: Vec<Row>,
    right: Vec<Row>,
) -> Result<Vec<Row>, Refusal> {
    let matching = modifier.matching.as_ref();
    let group = matching.and_then(|m| m.group.as_ref());
    let swapped = group.is_some_and(|g| g.side == GroupSide::Right);
    // `many` is the side that gives the result its labels; `ones` has one series for each signature.
    let (many, ones) = if swapped { (right, left) } else { (left, right) };
    let mut by_signature: HashMap<Labels, Vec<&Row>> = HashMap::new();
    for row in &ones {
        by_signature.entry(signature(&row.labels, matching)).or_default().push(row);
    }
    // Which steps of a signature have a match already, for one-to-one.
    let mut taken: HashMap<Labels, Vec<bool>> = HashMap::new();
    let mut out = Vec::new();
    for row in many {
        let signed = signature(&row.labels, matching);
        let Some(partners) = by_signature.get(&signed) else { continue };
        let taken = taken.entry(signed.clone()).or_insert_with(|| vec![false; cx.grid.count]);
        let mut results: Vec<Row> = Vec::new();
        for (n, taken) in taken.iter_mut().enumerate() {
            let mut there = partners.iter().filter(|p| p.points[n].is_some());
            let Some(partner) = there.next() else { continue };
            if let Some(second) = there.next() {
                let side = if swapped { "left" } else { "right" };
                return Err(Refusal::execution(format!(
                    "found duplicate series for the match group {signed} on the {side} hand-side of the operation: [{}, {}];many-to-many matching not allowed: matching labels must be unique on one side",
                    second.labels, partner.labels
                )));
            }
            let (Some(own), Some(other)) = (row.points[n], partner.points[n]) else { continue };
            if group.is_none() && std::mem::replace(taken, true) {
                return Err(Refusal::execution(
                    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
                ));
            }
            let (a, b) = if swapped { (other, own) } else { (own, other) };
            // A comparison keeps the value of the left side.
            let Some(value) = point(op, modifier.return_bool, a, b, a) else { continue };
            let labels = result_labels(op, modifier, &row.labels, &partner.labels);
            let place = results.iter().position(|r| r.labels == labels).unwrap_or_else(|| {
                results.push(Row { labels, points: vec![None; cx.grid.count] });
                results.len() - 1
            });
            results[place].points[n] = Some(value);
        }
        out.extend(results);
    }
    Ok(out)
}

fn result_labels(op: BinaryOp, modifier: &BinaryModifier, many: &Labels, one: &Labels) -> Labels {
    let labels = if keeps_name(op, modifier) { many.clone() } else { many.nameless() };
    let Some(matching) = &modifier.matching else { return labels };
    match &matching.group {
        Some(group) => group.labels.iter().fold(labels, |labels, name| labels.with(name, one.get(name))),
        None if matching.op == VectorMatchingOp::On => labels.keep(&matching.labels),
        None => labels.drop(&matching.labels),
    }
}
