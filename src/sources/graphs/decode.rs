//! Bytes of Prometheus's HTTP API to points on a grid, and its refusals to words. Pure.
//!
//! The envelope is our own: the result types of the client library at hand drop warnings and fail as a whole on one
//! native histogram. Series are taken one at a time and only the best are kept, so that thousands cost no memory.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};

use crate::connect::problem::{Fault, first_line};
use crate::connect::upstream::Reply;
use crate::domain::graph::{Graph, GraphProblem, GraphSeries, MOST_SERIES};
use crate::domain::id::Name;
use crate::domain::time::Stamp;
use crate::text::clean;

/// Characters of a label's value that are kept, and of its name.
const LONGEST: usize = 120;
/// Labels of a series that are kept.
const MOST_LABELS: usize = 40;
/// Warnings that are kept.
const MOST_WARNINGS: usize = 8;

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// What sort it is.
    pub(crate) sort: Sort,
    /// In words, clean.
    pub(crate) text: String,
    /// Line and column in the query, from 1, where the server told it.
    pub(crate) at: Option<(u32, u32)>,
}

/// Sorts of trouble, by what can be done about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// The query is wrong (400).
    Query,
    /// The query asks for too much, or cannot be evaluated (422).
    Evaluation,
    /// The server gave up in time or is overloaded (503), or nothing came in time.
    Slow,
    /// Credentials are missing or refused.
    Refused,
    /// There is no way to the server.
    Unreachable,
    /// The answer is none of a Prometheus.
    Garbled,
    /// The answer is longer than what is read of one: the query asks for too much.
    TooLarge,
}

impl Sort {
    /// Whether the question itself is wrong: asked again, it has no other answer.
    pub(crate) fn is_lasting(self) -> bool {
        matches!(self, Sort::Query | Sort::TooLarge)
    }
}

impl From<Trouble> for GraphProblem {
    fn from(Trouble { sort, text, at }: Trouble) -> GraphProblem {
        GraphProblem { words: text, position: at, lasting: sort.is_lasting() }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound = "T: Deserialize<'de>")]
struct Envelope<T> {
    #[serde(default)]
    status: String,
    #[serde(default = "Option::default")]
    data: Option<T>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
    #[serde(default)]
    infos: Option<Vec<String>>,
    #[serde(default)]
    error_type: Option<String>,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    result: Option<Kept>,
}

/// The best series of a result.
#[derive(Default)]
struct Kept {
    series: Vec<Raw>,
    all: usize,
    histograms: usize,
}

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    metric: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    values: Vec<(f64, Number)>,
    #[serde(default)]
    histograms: Vec<IgnoredAny>,
}

impl Raw {
    fn last(&self) -> f64 {
        let numbers = self.values.iter().rev().map(|(_, Number(value))| *value);
        numbers.into_iter().find(|value| !value.is_nan()).unwrap_or(f64::NEG_INFINITY)
    }
}

/// A number in a string: `"1"`, `"NaN"`, `"+Inf"`.
#[derive(Clone, Copy)]
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number in a string")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Number, E> {
                text.parse().map(Number).map_err(|_| E::custom("no number"))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Kept, D::Error> {
        struct Result_;
        impl<'de> Visitor<'de> for Result_ {
            type Value = Kept;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("series")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Kept, A::Error> {
                let mut kept = Kept::default();
                while let Some(series) = all.next_element::<Raw>()? {
                    kept.all += 1;
                    kept.histograms += usize::from(!series.histograms.is_empty());
                    if !series.values.is_empty() || series.histograms.is_empty() {
                        kept.series.push(series);
                    }
                    if kept.series.len() >= 2 * MOST_SERIES {
                        kept.best();
                    }
                }
                kept.best();
                Ok(kept)
            }
        }
        deserializer.deserialize_seq(Result_)
    }
}

impl Kept {
    fn best(&mut self) {
        self.series.sort_by(|a, b| b.last().total_cmp(&a.last()).then_with(|| a.metric.cmp(&b.metric)));
        self.series.truncate(MOST_SERIES);
    }
}

/// The graph of an answer to `query_range`, on the grid of `count` points from `start`.
///
/// # Errors
/// What the server refused, or that this is no answer of a Prometheus.
pub(super) fn graph(reply: &Reply, start: i64, step: u32, count: usize) -> Result<Graph, Trouble> {
    if !reply.is_good() {
        return Err(refusal(reply));
    }
    let envelope: Envelope<Data> = read(reply)?;
    let mut warnings: Vec<Name> = Vec::new();
    let said = envelope.warnings.into_iter().chain(envelope.infos).flatten();
    warnings.extend(said.take(MOST_WARNINGS).map(|text| Name::from(first_line(&text))));
    let kept = envelope.data.and_then(|data| data.result).unwrap_or_default();
    if kept.histograms > 0 {
        warnings.push(
            format!(
                "{} of {} series hold native histograms, which are no line: use histogram_quantile, histogram_count \
                 or histogram_avg",
                kept.histograms, kept.all
            )
            .into(),
        );
    }
    let drawn = kept.all - kept.histograms.min(kept.all);
    let left_out = u32::try_from(drawn.saturating_sub(kept.series.len())).unwrap_or(u32::MAX);
    if left_out > 0 {
        warnings.push(
            format!("{drawn} series; the {} with the largest last values are kept", kept.series.len()).into(),
        );
    }
    let series = kept.series.into_iter().map(|raw| on_grid(raw, start, step, count)).collect();
    Ok(Graph { series, left_out, start: Stamp(start), step, warnings, ..Graph::default() })
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "times of this millennium, places within the grid"
)]
fn on_grid(raw: Raw, start: i64, step: u32, count: usize) -> GraphSeries {
    let mut points = vec![None; count];
    for (at, Number(value)) in raw.values {
        let place = ((at - start as f64) / f64::from(step)).round();
        if place >= 0.0
            && let Some(point) = points.get_mut(place as usize)
        {
            *point = Some(value);
        }
    }
    let short = |text: &str| Name::from(cut(text));
    let metric = short(raw.metric.get("__name__").map_or("", String::as_str));
    let labels = raw.metric.iter().filter(|(name, _)| *name != "__name__").take(MOST_LABELS);
    let labels = labels.map(|(name, value)| (short(name), short(value))).collect();
    GraphSeries { labels, metric, points }
}

fn cut(text: &str) -> String {
    // Cleaning takes away, it never adds: what is far beyond the cut need not be looked at.
    let head: String = text.chars().take(LONGEST * 4).collect();
    let clean = clean(&head);
    if clean.chars().count() <= LONGEST {
        return clean.into_owned();
    }
    clean.chars().take(LONGEST - 1).chain(['…']).collect()
}

/// A list of names.
///
/// # Errors
/// As [`graph`].
pub(super) fn names(reply: &Reply) -> Result<Vec<Name>, Trouble> {
    if !reply.is_good() {
        return Err(refusal(reply));
    }
    let envelope: Envelope<Vec<String>> = read(reply)?;
    Ok(envelope.data.unwrap_or_default().iter().take(5_000).map(|name| Name::from(cut(name))).collect())
}

/// The values of an instant query, with what this label says of each; none where it is no such answer.
pub(super) fn values_by(label: &str, reply: &Reply) -> Vec<(String, f64)> {
    #[derive(Deserialize)]
    struct Instant {
        result: Vec<One>,
    }
    #[derive(Deserialize)]
    struct One {
        #[serde(default)]
        metric: BTreeMap<String, String>,
        value: (f64, Number),
    }
    let envelope: Option<Envelope<Instant>> = reply.json().ok().filter(|_| reply.is_good());
    let found = envelope.and_then(|envelope| envelope.data).map(|data| data.result).unwrap_or_default();
    found.into_iter().map(|mut one| (one.metric.remove(label).unwrap_or_default(), one.value.1.0)).collect()
}

fn read<T: serde::de::DeserializeOwned>(reply: &Reply) -> Result<Envelope<T>, Trouble> {
    let envelope: Envelope<T> = reply.json().map_err(|fault| trouble(&fault))?;
    match envelope.status.as_str() {
        "success" => Ok(envelope),
        "error" => Err(refusal(reply)),
        _ => Err(garbled("the answer is none of a Prometheus".to_owned())),
    }
}

/// What an answer that is no success says.
pub(super) fn refusal(reply: &Reply) -> Trouble {
    let envelope: Option<Envelope<IgnoredAny>> = serde_json::from_slice(&reply.body).ok();
    let envelope = envelope.filter(|envelope| envelope.error.is_some() || envelope.error_type.is_some());
    let status = reply.status;
    let Some(Envelope { error_type, error, .. }) = envelope else {
        let said = first_line(&String::from_utf8_lossy(&reply.body));
        let said = if said.is_empty() { said } else { format!(": {said}") };
        return match status {
            404 => garbled(format!(
                "nothing of a Prometheus is at this address (404{said}): a path such as /prometheus may be missing"
            )),
            400 | 422 => Trouble { sort: Sort::Query, text: format!("{status}{said}"), at: None },
            429 | 503 | 504 => Trouble {
                sort: Sort::Slow,
                text: format!("the server is overloaded ({status}{said})"),
                at: None,
            },
            _ => garbled(format!("the server answered {status}{said}")),
        };
    };
    let message = first_line(&error.unwrap_or_default());
    let (sort, text) = match (error_type.as_deref().unwrap_or_default(), status) {
        ("bad_data", _) | (_, 400) => (Sort::Query, message.replace("invalid parameter \"query\": ", "")),
        ("execution", _) | (_, 422) => {
            (Sort::Evaluation, format!("the query cannot be evaluated: {message}"))
        }
        ("timeout" | "canceled", _) => (Sort::Slow, format!("the server gave the query up: {message}")),
        ("unavailable" | "too_many_requests", _) | (_, 429 | 503 | 504) => {
            (Sort::Slow, format!("the server is overloaded or not ready: {message}"))
        }
        _ => (Sort::Garbled, format!("the server failed ({status}): {message}")),
    };
    let at = (sort == Sort::Query).then(|| position(&text)).flatten();
    Trouble { sort, text, at }
}

/// `1:5: parse error: ...`
pub(super) fn position(message: &str) -> Option<(u32, u32)> {
    // As servers say it, or as we do ourselves.
    let (place, _) =
        message.split_once(": parse error").or_else(|| message.split_once(": not understood from here"))?;
    let mut parts = place.rsplit(|c: char| !c.is_ascii_digit() && c != ':').next()?.split(':');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn garbled(text: String) -> Trouble {
    Trouble { sort: Sort::Garbled, text, at: None }
}

/// What is wrong with the way to the server for a graph: with what makes one that is too large smaller.
pub(super) fn trouble_of_graph(fault: &Fault, points: usize) -> Trouble {
    let trouble = trouble(fault);
    if trouble.sort != Sort::TooLarge {
        return trouble;
    }
    let text = format!(
        "too many series for one graph ({}; {points} points each): ask for fewer, with topk(20, …), sum by (…) (…) or \
         more labels, or for a shorter range",
        trouble.text
    );
    Trouble { text, ..trouble }
}

/// What is wrong with the way to the server.
pub(super) fn trouble(fault: &Fault) -> Trouble {
    let sort = match fault {
        Fault::Unauthorized(_) | Fault::Forbidden(_) => Sort::Refused,
        Fault::Unreachable(_) | Fault::Broken(_) | Fault::NotFound(_) => Sort::Unreachable,
        Fault::Throttled { .. } | Fault::Server(_) => Sort::Slow,
        Fault::Invalid(_) => Sort::Query,
        Fault::Expired(_) | Fault::Garbled(_) => Sort::Garbled,
        Fault::TooLarge(_) => Sort::TooLarge,
    };
    Trouble { sort, text: fault.words().to_owned(), at: None }
}
