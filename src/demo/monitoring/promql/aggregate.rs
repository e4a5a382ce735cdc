//! Aggregations: `sum`, `avg`, `min`, `max`, `count`, `group`, `stddev`, `stdvar`, `quantile`, `topk`, `bottomk`, by or
//! without labels.

use std::cmp::Ordering;
use std::collections::HashMap;

use rusty_promql_parser::GroupingAction;
use rusty_promql_parser::ast::Aggregation;

use super::Refusal;
use super::eval::{Evaluator, Row};
use super::functions::quantile;
use super::labels::Labels;

/// Evaluates an aggregation.
pub fn eval(cx: &Evaluator<'_>, aggregation: &Aggregation) -> Result<Vec<Row>, Refusal> {
    let op = aggregation.op.as_str();
    let param = aggregation.param.as_ref();
    let numbers = match op {
        "topk" | "bottomk" | "quantile" => param.map(|p| cx.scalar(p)).transpose()?.unwrap_or_default(),
        "sum" | "avg" | "min" | "max" | "count" | "group" | "stddev" | "stdvar" => Vec::new(),
        other => return Err(Refusal::unsupported(&format!("the aggregation {other:?}"))),
    };
    let rows = cx.vector(&aggregation.expr)?;
    let group_of = |labels: &Labels| match &aggregation.grouping {
        Some(grouping) if grouping.action == GroupingAction::By => labels.keep(&grouping.labels),
        Some(grouping) => labels.nameless().drop(&grouping.labels),
        None => Labels::default(),
    };
    let mut order: Vec<Labels> = Vec::new();
    let mut groups: HashMap<Labels, Vec<Row>> = HashMap::new();
    for row in rows {
        let group = group_of(&row.labels);
        groups
            .entry(group.clone())
            .or_insert_with(|| {
                order.push(group);
                Vec::new()
            })
            .push(row);
    }
    let mut out = Vec::new();
    for labels in order {
        let members = groups.remove(&labels).unwrap_or_default();
        if matches!(op, "topk" | "bottomk") {
            out.extend(best(members, op == "topk", &numbers));
            continue;
        }
        let points = (0..cx.grid.count)
            .map(|n| {
                let values: Vec<f64> = members.iter().filter_map(|m| m.points[n]).collect();
                (!values.is_empty()).then(|| combine(op, values, numbers.get(n).copied()))
            })
            .collect();
        out.push(Row { labels, points });
    }
    Ok(out)
}

fn combine(op: &str, values: Vec<f64>, param: Option<f64>) -> f64 {
    let count = values.len() as f64;
    let mean = || values.iter().sum::<f64>() / count;
    let variance = || {
        let mean = mean();
        values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count
    };
    match op {
        "sum" => values.iter().sum(),
        "avg" => mean(),
        // f64's own min and max pass over NaN, as Prometheus does unless there is nothing else.
        "min" => values.iter().copied().fold(f64::NAN, f64::min),
        "max" => values.iter().copied().fold(f64::NAN, f64::max),
        "count" => count,
        "group" => 1.0,
        "stdvar" => variance(),
        "stddev" => variance().sqrt(),
        _ => quantile(param.unwrap_or(f64::NAN), values),
    }
}

/// Keeps the k highest (or lowest) members of a group at each step, with their own labels. NaN is the worst of all.
fn best(mut members: Vec<Row>, highest: bool, k: &[f64]) -> Vec<Row> {
    for (n, k) in k.iter().enumerate() {
        let mut order: Vec<usize> = (0..members.len()).filter(|m| members[*m].points[n].is_some()).collect();
        let value = |m: usize| members[m].points[n].unwrap_or(f64::NAN);
        order.sort_by(|a, b| {
            let (a, b) = (value(*a), value(*b));
            match (a.is_nan(), b.is_nan()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                _ if highest => b.total_cmp(&a),
                _ => a.total_cmp(&b),
            }
        });
        let keep = if *k >= 1.0 { *k as usize } else { 0 };
        for loser in order.into_iter().skip(keep) {
            members[loser].points[n] = None;
        }
    }
    members.retain(|m| m.points.iter().any(Option::is_some));
    if let [only] = k {
        // An instant answer is sorted.
        let _ = only;
        let value = |row: &Row| row.points.first().copied().flatten().unwrap_or(f64::NAN);
        members.sort_by(
            |a, b| {
                if highest { value(b).total_cmp(&value(a)) } else { value(a).total_cmp(&value(b)) }
            },
        );
    }
    members
}
