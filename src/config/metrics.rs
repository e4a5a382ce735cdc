//! Graphs: queries that a person keeps, families of series that are nobody else's, limits that charts draw.
//!
//! Names of series and labels are checked against Prometheus' own rules, since they are written into queries.

use std::time::Duration;

use super::raw::{items, unique};
use crate::text::Unit;
use crate::yaml::{Cursor, Fields};

/// `metrics`, as typed and as meant: nothing in it has a default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metrics {
    /// `favourites`
    pub favourites: Vec<Favourite>,
    /// `families`, the ones to look for first.
    pub families: Vec<Family>,
    /// `limits` of everything that has none of its own.
    pub limits: Limits,
}

/// A query that a person keeps.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Favourite {
    /// What it is called.
    pub name: String,
    /// PromQL; the environment's matchers are added when it is asked.
    pub query: String,
    /// What its numbers count.
    pub unit: Unit,
}

/// Series in which apps count their requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Family {
    /// The counter of requests; absent: the latency's histogram counts them.
    pub requests: Option<String>,
    /// The histogram of latencies, without `_bucket`.
    pub latency: Option<String>,
    /// The label with the status code; absent: the usual ones are looked for.
    pub status: Option<String>,
    /// The label with the app's or the workload's name; absent: the label of the pod, or the usual ones.
    pub app: Option<String>,
}

/// Numbers that charts draw as a dotted line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Limits {
    /// The share of requests that may fail, in millionths.
    pub errors: Option<u32>,
    /// What the 99th percentile of the latency may be.
    pub latency: Option<Duration>,
}

impl Metrics {
    /// Reads `metrics`.
    pub(super) fn read(c: &Cursor<'_>) -> Option<Metrics> {
        let f = c.fields()?;
        let mut used = Vec::new();
        let metrics = Metrics {
            favourites: items(&f, "favourites")
                .iter()
                .filter_map(|c| Favourite::read(c, &mut used))
                .collect(),
            families: items(&f, "families").iter().filter_map(Family::read).collect(),
            limits: Limits::read(&f),
        };
        f.finish();
        Some(metrics)
    }
}

/// Names of units in the file, with what they count.
const UNITS: [(&str, Unit); 8] = [
    ("cores", Unit::Cores),
    ("bytes", Unit::Bytes),
    ("bytes/s", Unit::ByteRate),
    ("req/s", Unit::Requests),
    ("seconds", Unit::Seconds),
    ("ratio", Unit::Ratio),
    ("count", Unit::Count),
    ("none", Unit::Plain),
];

impl Favourite {
    fn read(c: &Cursor<'_>, used: &mut Vec<(String, usize)>) -> Option<Favourite> {
        let f = c.fields()?;
        let name = f.need("name", "name what the query shows: checkout latency").and_then(|c| {
            let name = c.text()?;
            unique(&c, "favourite", &name, used);
            Some(name)
        });
        let query = f.need("query", "write PromQL").and_then(|c| c.text());
        let unit = f.take("unit").and_then(|c| c.choice(&UNITS)).unwrap_or_default();
        f.finish();
        Some(Favourite { name: name?, query: query?, unit })
    }
}

impl Family {
    fn read(c: &Cursor<'_>) -> Option<Family> {
        let f = c.fields()?;
        let (requests, latency) = (f.take("requests"), f.take("latency"));
        if requests.is_none() && latency.is_none() {
            c.wrong(
                "a family without series",
                "write `requests` (a counter), `latency` (a histogram), or both",
            );
        }
        let family = Family {
            requests: requests.and_then(|c| series(&c, COUNTER)),
            latency: latency.and_then(|c| series(&c, HISTOGRAM)),
            status: f.take("status").and_then(|c| label(&c)),
            app: f.take("app").and_then(|c| label(&c)),
        };
        f.finish();
        Some(family)
    }
}

/// What a name of a series must not end in, and what to write.
type Ends = (&'static [&'static str], &'static str);
const COUNTER: Ends = (
    &["_bucket", "_sum"],
    "name the counter of requests, or leave it out and name the histogram as `latency`",
);
const HISTOGRAM: Ends =
    (&["_bucket", "_count", "_sum"], "name the histogram without _bucket, _count or _sum");

/// The name of a series.
fn series(c: &Cursor<'_>, (ends, mend): Ends) -> Option<String> {
    let name = c.text()?;
    if !is_name(&name, true) {
        c.wrong(
            format!("`{name}` is not the name of a series"),
            "write a name alone, such as http_requests_total: letters, digits, _ and :",
        );
        return None;
    }
    if let Some(end) = ends.iter().find(|end| name.ends_with(**end)) {
        c.wrong(format!("`{name}` is a part of a histogram ({end})"), mend);
        return None;
    }
    Some(name)
}

/// The name of a label.
fn label(c: &Cursor<'_>) -> Option<String> {
    let name = c.text()?;
    if !is_name(&name, false) {
        c.wrong(
            format!("`{name}` is not the name of a label"),
            "write a name such as code: letters, digits and _",
        );
        return None;
    }
    Some(name)
}

fn is_name(name: &str, series: bool) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_' || series && c == ':';
    name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit())
}

impl Limits {
    /// Reads `limits` of the settings, of an environment or of an app.
    pub(super) fn read(f: &Fields<'_>) -> Limits {
        let Some(f) = f.take("limits").and_then(|c| c.fields()) else { return Limits::default() };
        let limits = Limits {
            errors: f.take("errors").and_then(|c| share(&c)),
            latency: f.take("latency").and_then(|c| c.duration()),
        };
        f.finish();
        limits
    }

    /// These, and where they say nothing the others.
    #[must_use]
    pub fn or(self, others: Limits) -> Limits {
        Limits { errors: self.errors.or(others.errors), latency: self.latency.or(others.latency) }
    }
}

/// A share, `2%` or `0.02`, in millionths.
pub(super) fn share(c: &Cursor<'_>) -> Option<u32> {
    let text = c.text()?;
    let number = match text.trim().strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|percent| percent / 100.0),
        None => text.trim().parse::<f64>(),
    };
    match number {
        Ok(share) if share > 0.0 && share <= 1.0 => Some((share * 1e6).round() as u32),
        _ => {
            c.wrong(
                format!("`{text}` is not a share of requests"),
                "write it in per cent, such as 2%, or as 0.02",
            );
            None
        }
    }
}
