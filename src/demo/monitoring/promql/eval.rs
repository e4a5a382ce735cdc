//! Evaluation on a grid of steps: each part of the query's tree becomes rows of points, one point a step, in one pass.
//! Windows leave out their left edge, and an instant looks back five minutes, as in Prometheus 3.

use std::cell::Cell;

use rusty_promql_parser::ast::{Expr, UnaryOp};
use rusty_promql_parser::parser::function::ValueType;
use rusty_promql_parser::{LabelMatchOp, MatrixSelector, VectorSelector};

use super::labels::{Labels, NAME};
use super::matcher::Matcher;
use super::storage::{Sample, Storage, is_stale};
use super::{Refusal, aggregate, binary, functions, parse};

/// How far an instant looks back for a sample, milliseconds.
pub const LOOKBACK: i64 = 300_000;
/// The most samples that one query may load.
const MOST_SAMPLES: usize = 20_000_000;
/// The most steps of a subquery.
const MOST_INNER_STEPS: i64 = 100_000;
/// The step of subqueries that name none: Prometheus' default evaluation interval here.
const INNER_STEP: i64 = 15_000;

/// The steps of an evaluation, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// The first step.
    pub start: i64,
    /// Between two steps; not 0.
    pub step: i64,
    /// How many.
    pub count: usize,
}

impl Grid {
    /// One step.
    pub fn instant(at: i64) -> Self {
        Self { start: at, step: 1, count: 1 }
    }

    /// The time of a step.
    pub fn at(&self, n: usize) -> i64 {
        self.start + self.step * n as i64
    }

    /// The time of the last step.
    pub fn end(&self) -> i64 {
        self.at(self.count.saturating_sub(1))
    }
}

/// A series of a result: a point or nothing for each step.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its labels.
    pub labels: Labels,
    /// One entry a step.
    pub points: Vec<Option<f64>>,
}

/// What an expression came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number a step.
    Scalar(Vec<f64>),
    /// Series.
    Vector(Vec<Row>),
    /// A text.
    Text(String),
}

/// Series with their samples.
pub type Matrix = Vec<(Labels, Vec<Sample>)>;
/// What a function makes of a window: its samples, its end and its length in milliseconds, the step.
pub type OnWindow<'a> = dyn Fn(&[Sample], i64, i64, usize) -> Option<f64> + 'a;

/// An evaluation under way.
pub struct Evaluator<'a> {
    storage: &'a dyn Storage,
    /// The steps.
    pub grid: Grid,
    loaded: &'a Cell<usize>,
}

/// Evaluates a query that `parse` let pass.
pub fn evaluate(storage: &dyn Storage, expr: &Expr, grid: Grid) -> Result<Value, Refusal> {
    let loaded = Cell::new(0);
    let value = Evaluator { storage, grid, loaded: &loaded }.eval(expr)?;
    if let Value::Vector(rows) = &value {
        distinct(rows)?;
    }
    Ok(value)
}

/// The samples of a range vector asked for as such.
pub fn matrix(storage: &dyn Storage, expr: &Expr, at: i64) -> Result<Option<Matrix>, Refusal> {
    let Expr::MatrixSelector(matrix) = inner(expr) else { return Ok(None) };
    let loaded = Cell::new(0);
    let evaluator = Evaluator { storage, grid: Grid::instant(at), loaded: &loaded };
    let (matchers, offset) = evaluator.asked(&matrix.selector)?;
    let (after, until) = (at - offset - matrix.range.as_millis(), at - offset);
    let found = storage.select(&matchers, after, until).into_iter().map(|series| {
        let mut samples = series.samples(after, until);
        samples.retain(|s| !is_stale(s.1));
        (series.labels().clone(), samples)
    });
    Ok(Some(found.filter(|(_, samples)| !samples.is_empty()).collect()))
}

/// Without parentheses.
pub fn inner(expr: &Expr) -> &Expr {
    expr.unwrap_parens()
}

/// One labelset must be one series at each step.
fn distinct(rows: &[Row]) -> Result<(), Refusal> {
    let mut seen: std::collections::HashMap<&Labels, Vec<&Row>> = std::collections::HashMap::new();
    for row in rows {
        let twins = seen.entry(&row.labels).or_default();
        let clash =
            |twin: &&Row| twin.points.iter().zip(&row.points).any(|(a, b)| a.is_some() && b.is_some());
        if twins.iter().any(clash) {
            return Err(Refusal::execution("vector cannot contain metrics with the same labelset"));
        }
        twins.push(row);
    }
    Ok(())
}

/// Rows of one labelset made one.
pub fn merged(rows: Vec<Row>) -> Result<Vec<Row>, Refusal> {
    distinct(&rows)?;
    let mut places: std::collections::HashMap<Labels, usize> = std::collections::HashMap::new();
    let mut out: Vec<Row> = Vec::with_capacity(rows.len());
    for row in rows {
        match places.get(&row.labels) {
            Some(&at) => {
                for (into, from) in out[at].points.iter_mut().zip(row.points) {
                    *into = into.or(from);
                }
            }
            None => {
                places.insert(row.labels.clone(), out.len());
                out.push(row);
            }
        }
    }
    Ok(out)
}

impl Evaluator<'_> {
    /// Evaluates an expression.
    pub fn eval(&self, expr: &Expr) -> Result<Value, Refusal> {
        match expr {
            Expr::Number(n) => Ok(Value::Scalar(vec![*n; self.grid.count])),
            Expr::String(text) => Ok(Value::Text(text.clone())),
            Expr::Paren(inner) => self.eval(inner),
            Expr::VectorSelector(selector) => self.selector(selector).map(Value::Vector),
            Expr::MatrixSelector(_) | Expr::Subquery(_) => Err(Refusal::execution(
                "a range vector cannot be graphed; wrap it in rate(), increase() or another function",
            )),
            Expr::Unary(unary) => {
                let value = self.eval(&unary.expr)?;
                Ok(if unary.op == UnaryOp::Minus { negated(value) } else { value })
            }
            Expr::Binary(binary) => binary::eval(self, binary),
            Expr::Aggregation(aggregation) => aggregate::eval(self, aggregation).map(Value::Vector),
            Expr::Call(call) => functions::eval(self, call),
        }
    }

    /// An expression that yields series.
    pub fn vector(&self, expr: &Expr) -> Result<Vec<Row>, Refusal> {
        match self.eval(expr)? {
            Value::Vector(rows) => Ok(rows),
            _ => Err(Refusal::execution("expected type instant vector")),
        }
    }

    /// An expression that yields a number a step.
    pub fn scalar(&self, expr: &Expr) -> Result<Vec<f64>, Refusal> {
        match self.eval(expr)? {
            Value::Scalar(numbers) => Ok(numbers),
            _ => Err(Refusal::execution("expected type scalar")),
        }
    }

    /// An expression that is a text.
    pub fn text(&self, expr: &Expr) -> Result<String, Refusal> {
        match self.eval(expr)? {
            Value::Text(text) => Ok(text),
            _ => Err(Refusal::execution("expected type string")),
        }
    }

    fn load(&self, samples: usize) -> Result<(), Refusal> {
        let all = self.loaded.get() + samples;
        self.loaded.set(all);
        if all > MOST_SAMPLES {
            return Err(Refusal::execution(
                "query processing would load too many samples into memory in query execution",
            ));
        }
        Ok(())
    }

    /// The matchers of a selector, and its offset in milliseconds.
    fn asked(&self, selector: &VectorSelector) -> Result<(Vec<Matcher>, i64), Refusal> {
        if selector.at.is_some() {
            return Err(Refusal::unsupported("the @ modifier"));
        }
        Ok((matchers(selector)?, selector.offset.as_ref().map_or(0, |d| d.as_millis())))
    }

    fn selector(&self, selector: &VectorSelector) -> Result<Vec<Row>, Refusal> {
        let (matchers, offset) = self.asked(selector)?;
        let (first, last) = (self.grid.start - offset - LOOKBACK, self.grid.end() - offset);
        let mut rows = Vec::new();
        for series in self.storage.select(&matchers, first, last) {
            self.load(self.grid.count)?;
            let points: Vec<Option<f64>> = (0..self.grid.count)
                .map(|n| {
                    let at = self.grid.at(n) - offset;
                    series.last(at - LOOKBACK, at).map(|s| s.1).filter(|v| !is_stale(*v))
                })
                .collect();
            if points.iter().any(Option::is_some) {
                rows.push(Row { labels: series.labels().clone(), points });
            }
        }
        Ok(rows)
    }

    /// Applies a function to each step's window of a range vector: samples, the window's end, its length.
    pub fn windows(&self, expr: &Expr, apply: &OnWindow<'_>) -> Result<Vec<Row>, Refusal> {
        match inner(expr) {
            Expr::MatrixSelector(matrix) => self.stored_windows(matrix, apply),
            Expr::Subquery(sub) => {
                if sub.at.is_some() {
                    return Err(Refusal::unsupported("the @ modifier"));
                }
                let range = sub.range.as_millis();
                let step = sub.step.as_ref().map_or(INNER_STEP, |d| d.as_millis()).max(1);
                let offset = sub.offset.as_ref().map_or(0, |d| d.as_millis());
                // The inner steps are multiples of the step, as in Prometheus.
                let start = (self.grid.start - offset - range).div_euclid(step) * step + step;
                let count = (self.grid.end() - offset - start).div_euclid(step) + 1;
                if count > MOST_INNER_STEPS {
                    return Err(Refusal::execution("the subquery has more steps than the demo evaluates"));
                }
                let grid = Grid { start, step, count: usize::try_from(count).unwrap_or(0) };
                let inner = Evaluator { storage: self.storage, grid, loaded: self.loaded };
                let mut rows = Vec::new();
                for row in inner.vector(&sub.expr)? {
                    self.load(row.points.len())?;
                    let samples: Vec<Sample> = row
                        .points
                        .iter()
                        .enumerate()
                        .filter_map(|(n, p)| p.map(|v| (grid.at(n), v)))
                        .collect();
                    rows.extend(self.slide(row.labels, &samples, range, offset, apply));
                }
                Ok(rows)
            }
            _ => Err(Refusal::execution("expected type range vector")),
        }
    }

    fn stored_windows(&self, matrix: &MatrixSelector, apply: &OnWindow<'_>) -> Result<Vec<Row>, Refusal> {
        let (matchers, offset) = self.asked(&matrix.selector)?;
        let range = matrix.range.as_millis();
        let (first, last) = (self.grid.start - offset - range, self.grid.end() - offset);
        let mut rows = Vec::new();
        for series in self.storage.select(&matchers, first, last) {
            let labels = series.labels().clone();
            if self.grid.step < range {
                // Windows overlap: every sample is asked for once.
                let mut samples = series.samples(first, last);
                samples.retain(|s| !is_stale(s.1));
                self.load(samples.len())?;
                rows.extend(self.slide(labels, &samples, range, offset, apply));
                continue;
            }
            let mut points = Vec::with_capacity(self.grid.count);
            for n in 0..self.grid.count {
                let end = self.grid.at(n) - offset;
                let mut samples = series.samples(end - range, end);
                samples.retain(|s| !is_stale(s.1));
                self.load(samples.len())?;
                points.push(if samples.is_empty() { None } else { apply(&samples, end, range, n) });
            }
            rows.extend(points.iter().any(Option::is_some).then_some(Row { labels, points }));
        }
        Ok(rows)
    }

    fn slide(
        &self,
        labels: Labels,
        samples: &[Sample],
        range: i64,
        offset: i64,
        apply: &OnWindow<'_>,
    ) -> Option<Row> {
        let points: Vec<Option<f64>> = (0..self.grid.count)
            .map(|n| {
                let end = self.grid.at(n) - offset;
                let from = samples.partition_point(|s| s.0 <= end - range);
                let to = samples.partition_point(|s| s.0 <= end);
                let window = samples.get(from..to).filter(|w| !w.is_empty())?;
                apply(window, end, range, n)
            })
            .collect();
        points.iter().any(Option::is_some).then_some(Row { labels, points })
    }
}

fn negated(value: Value) -> Value {
    match value {
        Value::Scalar(numbers) => Value::Scalar(numbers.into_iter().map(|n| -n).collect()),
        Value::Vector(rows) => Value::Vector(
            rows.into_iter()
                .map(|row| Row {
                    labels: row.labels.nameless(),
                    points: row.points.into_iter().map(|p| p.map(|v| -v)).collect(),
                })
                .collect(),
        ),
        text => text,
    }
}

/// The matchers of a selector, its name among them.
pub fn matchers(selector: &VectorSelector) -> Result<Vec<Matcher>, Refusal> {
    let mut all: Vec<Matcher> = selector.name.iter().map(|name| Matcher::equal(NAME, name)).collect();
    for matcher in &selector.matchers {
        let op = match matcher.op {
            LabelMatchOp::Equal => "=",
            LabelMatchOp::NotEqual => "!=",
            LabelMatchOp::RegexMatch => "=~",
            LabelMatchOp::RegexNotMatch => "!~",
        };
        // The parser gives no position within the braces.
        all.push(
            Matcher::new(&matcher.name, op, &matcher.value)
                .map_err(|why| Refusal::BadData(format!("1:1: parse error: {why}")))?,
        );
    }
    Ok(all)
}

/// Whether an expression yields a range vector.
pub fn is_range(query: &str, expr: &Expr) -> bool {
    matches!(parse::kind(query, expr), Ok(ValueType::Matrix))
}
