//! The functions that the program's own queries use, and their near relations. All others are refused by name.

use std::collections::HashMap;

use regex::Regex;
use rusty_promql_parser::ast::{Call, Expr};

use super::eval::{Evaluator, OnWindow, Row, Value, inner, matchers, merged};
use super::labels::Labels;
use super::storage::Sample;
use super::{Refusal, histogram, rate};

/// A quantile of values, interpolated.
pub fn quantile(q: f64, mut values: Vec<f64>) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    values.sort_by(f64::total_cmp);
    let rank = q * (values.len() - 1) as f64;
    let low = rank.floor() as usize;
    let high = (low + 1).min(values.len() - 1);
    let weight = rank - rank.floor();
    values[low] * (1.0 - weight) + values[high] * weight
}

/// Evaluates a call.
pub fn eval(cx: &Evaluator<'_>, call: &Call) -> Result<Value, Refusal> {
    let args = call.args.as_slice();
    let windows = |apply: &OnWindow<'_>, range: &Expr| {
        let rows = cx.windows(range, apply)?;
        merged(rows.into_iter().map(|row| Row { labels: row.labels.nameless(), ..row }).collect())
            .map(Value::Vector)
    };
    let fold = |combine: fn(&[Sample]) -> f64, range: &Expr| windows(&|s, _, _, _| Some(combine(s)), range);
    match (call.name.as_str(), args) {
        ("rate", [range]) => windows(
            &|s, end, range, _| Some(rate::extrapolated(s, end, range, true)? / (range as f64 / 1000.0)),
            range,
        ),
        ("increase", [range]) => windows(&|s, end, range, _| rate::extrapolated(s, end, range, true), range),
        ("delta", [range]) => windows(&|s, end, range, _| rate::extrapolated(s, end, range, false), range),
        ("irate", [range]) => windows(&|s, _, _, _| rate::instant(s, true, true), range),
        ("idelta", [range]) => windows(&|s, _, _, _| rate::instant(s, false, false), range),
        ("changes", [range]) => fold(|s| s.windows(2).filter(|w| w[0].1 != w[1].1).count() as f64, range),
        ("resets", [range]) => fold(|s| s.windows(2).filter(|w| w[1].1 < w[0].1).count() as f64, range),
        ("avg_over_time", [range]) => fold(|s| s.iter().map(|s| s.1).sum::<f64>() / s.len() as f64, range),
        ("sum_over_time", [range]) => fold(|s| s.iter().map(|s| s.1).sum(), range),
        ("count_over_time", [range]) => fold(|s| s.len() as f64, range),
        ("min_over_time", [range]) => fold(|s| s.iter().map(|s| s.1).fold(f64::NAN, f64::min), range),
        ("max_over_time", [range]) => fold(|s| s.iter().map(|s| s.1).fold(f64::NAN, f64::max), range),
        ("present_over_time", [range]) => fold(|_| 1.0, range),
        ("last_over_time", [range]) => {
            let rows = cx.windows(range, &|s, _, _, _| s.last().map(|s| s.1))?;
            Ok(Value::Vector(rows))
        }
        ("quantile_over_time", [q, range]) => {
            let q = cx.scalar(q)?;
            windows(&|s, _, _, n| Some(quantile(q[n], s.iter().map(|s| s.1).collect())), range)
        }
        ("histogram_quantile", [q, buckets]) => {
            histograms(&cx.scalar(q)?, cx.vector(buckets)?, cx.grid.count).map(Value::Vector)
        }
        // Of native histograms, which nothing here is: numbers are passed over.
        ("histogram_count" | "histogram_sum" | "histogram_avg", [vector]) => {
            cx.vector(vector)?;
            Ok(Value::Vector(Vec::new()))
        }
        ("time", []) => {
            Ok(Value::Scalar((0..cx.grid.count).map(|n| cx.grid.at(n) as f64 / 1000.0).collect()))
        }
        ("vector", [number]) => {
            let points = cx.scalar(number)?.into_iter().map(Some).collect();
            Ok(Value::Vector(vec![Row { labels: Labels::default(), points }]))
        }
        ("scalar", [vector]) => {
            let rows = cx.vector(vector)?;
            let only = |n: usize| {
                let mut there = rows.iter().filter_map(|r| r.points[n]);
                match (there.next(), there.next()) {
                    (Some(value), None) => value,
                    _ => f64::NAN,
                }
            };
            Ok(Value::Scalar((0..cx.grid.count).map(only).collect()))
        }
        ("absent", [vector]) => {
            let rows = cx.vector(vector)?;
            Ok(Value::Vector(absent(cx, vector, &rows)?))
        }
        ("absent_over_time", [range]) => {
            let rows = cx.windows(range, &|_, _, _, _| Some(1.0))?;
            Ok(Value::Vector(absent(cx, range, &rows)?))
        }
        ("sort" | "sort_desc", [vector]) => {
            let mut rows = cx.vector(vector)?;
            let value = |row: &Row| row.points.first().copied().flatten().unwrap_or(f64::NAN);
            if cx.grid.count == 1 {
                rows.sort_by(|a, b| value(a).total_cmp(&value(b)));
                if call.name == "sort_desc" {
                    rows.reverse();
                }
            }
            Ok(Value::Vector(rows))
        }
        ("clamp", [vector, low, high]) => {
            let (low, high) = (cx.scalar(low)?, cx.scalar(high)?);
            each(cx, vector, |n, v| (low[n] <= high[n]).then(|| v.max(low[n]).min(high[n])))
        }
        ("clamp_min", [vector, low]) => {
            let low = cx.scalar(low)?;
            each(cx, vector, |n, v| Some(v.max(low[n])))
        }
        ("clamp_max", [vector, high]) => {
            let high = cx.scalar(high)?;
            each(cx, vector, |n, v| Some(v.min(high[n])))
        }
        ("round", [vector]) => each(cx, vector, |_, v| Some((v + 0.5).floor())),
        ("round", [vector, to]) => {
            let to = cx.scalar(to)?;
            each(cx, vector, |n, v| Some((v / to[n] + 0.5).floor() * to[n]))
        }
        ("abs", [vector]) => each(cx, vector, |_, v| Some(v.abs())),
        ("ceil", [vector]) => each(cx, vector, |_, v| Some(v.ceil())),
        ("floor", [vector]) => each(cx, vector, |_, v| Some(v.floor())),
        ("sqrt", [vector]) => each(cx, vector, |_, v| Some(v.sqrt())),
        ("exp", [vector]) => each(cx, vector, |_, v| Some(v.exp())),
        ("ln", [vector]) => each(cx, vector, |_, v| Some(v.ln())),
        ("log2", [vector]) => each(cx, vector, |_, v| Some(v.log2())),
        ("log10", [vector]) => each(cx, vector, |_, v| Some(v.log10())),
        ("sgn", [vector]) => {
            each(cx, vector, |_, v| Some(if v == 0.0 || v.is_nan() { v } else { v.signum() }))
        }
        ("label_replace", [vector, to, with, from, pattern]) => {
            let (to, with) = (cx.text(to)?, cx.text(with)?);
            let (from, pattern) = (cx.text(from)?, cx.text(pattern)?);
            let regex = Regex::new(&format!("^(?s:{pattern})$")).map_err(|_| {
                Refusal::execution(format!("invalid regular expression in label_replace(): {pattern}"))
            })?;
            relabelled(cx.vector(vector)?, |labels| {
                let Some(found) = regex.captures(labels.get(&from)) else { return labels.clone() };
                let mut value = String::new();
                found.expand(&with, &mut value);
                labels.with(&to, &value)
            })
        }
        ("label_join", [vector, to, between, sources @ ..]) => {
            let (to, between) = (cx.text(to)?, cx.text(between)?);
            let sources: Vec<String> = sources.iter().map(|s| cx.text(s)).collect::<Result<_, _>>()?;
            relabelled(cx.vector(vector)?, |labels| {
                let values: Vec<&str> = sources.iter().map(|s| labels.get(s)).collect();
                labels.with(&to, &values.join(&between))
            })
        }
        (other, _) => Err(Refusal::unsupported(&format!("the function {other}() with these arguments"))),
    }
}

fn relabelled(rows: Vec<Row>, relabel: impl Fn(&Labels) -> Labels) -> Result<Value, Refusal> {
    let rows = rows.into_iter().map(|row| Row { labels: relabel(&row.labels), ..row }).collect();
    merged(rows).map(Value::Vector)
}

fn each(
    cx: &Evaluator<'_>,
    vector: &Expr,
    apply: impl Fn(usize, f64) -> Option<f64>,
) -> Result<Value, Refusal> {
    let rows = cx.vector(vector)?.into_iter().map(|row| Row {
        labels: row.labels.nameless(),
        points: row.points.iter().enumerate().map(|(n, p)| p.and_then(|v| apply(n, v))).collect(),
    });
    merged(rows.collect()).map(Value::Vector)
}

/// 1 at steps where there is nothing, labelled by the selector's plain matchers.
fn absent(cx: &Evaluator<'_>, expr: &Expr, rows: &[Row]) -> Result<Vec<Row>, Refusal> {
    let points: Vec<Option<f64>> =
        (0..cx.grid.count).map(|n| rows.iter().all(|r| r.points[n].is_none()).then_some(1.0)).collect();
    if points.iter().all(Option::is_none) {
        return Ok(Vec::new());
    }
    let selector = match inner(expr) {
        Expr::VectorSelector(selector) => Some(selector),
        Expr::MatrixSelector(matrix) => Some(&matrix.selector),
        _ => None,
    };
    let known = selector.map(matchers).transpose()?.unwrap_or_default();
    let plain = known.iter().filter_map(|m| Some((m.name.as_str(), m.only_value()?)));
    Ok(vec![Row { labels: Labels::new(plain).nameless(), points }])
}

/// Classic histograms: the rows of one label set without `le` are the buckets. Rows without a bound are passed over.
fn histograms(q: &[f64], rows: Vec<Row>, steps: usize) -> Result<Vec<Row>, Refusal> {
    let mut order: Vec<Labels> = Vec::new();
    let mut groups: HashMap<Labels, Vec<(f64, Row)>> = HashMap::new();
    for row in rows {
        let Ok(bound) = row.labels.get("le").parse::<f64>() else { continue };
        let group = row.labels.nameless().with("le", "");
        groups
            .entry(group.clone())
            .or_insert_with(|| {
                order.push(group);
                Vec::new()
            })
            .push((bound, row));
    }
    let mut out = Vec::new();
    for labels in order {
        let buckets = groups.remove(&labels).unwrap_or_default();
        let points: Vec<Option<f64>> = (0..steps)
            .map(|n| {
                let there: Vec<(f64, f64)> =
                    buckets.iter().filter_map(|(bound, row)| Some((*bound, row.points[n]?))).collect();
                (!there.is_empty()).then(|| histogram::quantile(q[n], there))
            })
            .collect();
        out.push(Row { labels, points });
    }
    Ok(out)
}
