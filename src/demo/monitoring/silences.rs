//! Alertmanager's silences: who may not be heard, until when, by whose word. Kept in memory, as the API changes them.

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::promql::labels::Labels;
use super::promql::matcher::Matcher;
use super::rules::stamp;

/// A matcher as written in a silence.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Written {
    name: String,
    value: String,
    regex: bool,
    equal: bool,
}

impl Written {
    fn compiled(&self) -> Result<Matcher, String> {
        let op = match (self.regex, self.equal) {
            (false, true) => "=",
            (false, false) => "!=",
            (true, true) => "=~",
            (true, false) => "!~",
        };
        Matcher::new(&self.name, op, &self.value)
    }
}

/// One silence.
#[derive(Debug, Clone)]
pub struct Silence {
    /// Its id.
    pub id: String,
    written: Vec<Written>,
    matchers: Vec<Matcher>,
    /// From when on, milliseconds.
    pub starts: i64,
    /// Until when.
    pub ends: i64,
    updated: i64,
    author: String,
    comment: String,
}

impl Silence {
    /// `pending`, `active` or `expired`.
    pub fn state(&self, now: i64) -> &'static str {
        if now >= self.ends {
            "expired"
        } else if now >= self.starts {
            "active"
        } else {
            "pending"
        }
    }

    /// Whether it silences an alert now.
    pub fn hides(&self, labels: &Labels, now: i64) -> bool {
        self.state(now) == "active" && self.matchers.iter().all(|m| m.matches(labels))
    }

    /// Ends it now; what had not begun ends as it begins.
    fn end(&mut self, now: i64) {
        self.starts = self.starts.min(now);
        (self.ends, self.updated) = (self.ends.min(now), now);
    }

    /// As the API writes it.
    pub fn json(&self, now: i64) -> Json {
        let matchers: Vec<Json> = self
            .written
            .iter()
            .map(|m| json!({"name": m.name, "value": m.value, "isRegex": m.regex, "isEqual": m.equal}))
            .collect();
        json!({
            "id": self.id, "status": {"state": self.state(now)}, "updatedAt": stamp(self.updated),
            "comment": self.comment, "createdBy": self.author, "startsAt": stamp(self.starts),
            "endsAt": stamp(self.ends), "matchers": matchers,
        })
    }
}

/// Why a silence is not taken: status code and words.
pub type Refused = (u16, String);

/// All silences.
#[derive(Debug, Default)]
pub struct Silences {
    all: Vec<Silence>,
    made: u64,
}

impl Silences {
    /// A silence that stands from the beginning.
    pub fn preset(&mut self, alertname: &str, (starts, ends): (i64, i64), author: &str, comment: &str) {
        let written = vec![Written {
            name: "alertname".to_owned(),
            value: alertname.to_owned(),
            regex: false,
            equal: true,
        }];
        let matchers = vec![Matcher::equal("alertname", alertname)];
        let id = self.fresh_id();
        let (author, comment) = (author.to_owned(), comment.to_owned());
        self.all.push(Silence { id, written, matchers, starts, ends, updated: starts, author, comment });
    }

    fn fresh_id(&mut self) -> String {
        self.made += 1;
        crate::demo::seed::Seed::new(self.made).of("silence").uid()
    }

    /// Those whose matchers, taken for labels, pass the filters: the active ones by their end, then the pending ones by
    /// their beginning, then the expired ones, the latest first.
    pub fn listed(&self, filters: &[Matcher], now: i64) -> Vec<&Silence> {
        let passes = |silence: &&Silence| {
            let labels = silence.written.iter().map(|one| (one.name.as_str(), one.value.as_str()));
            super::promql::matcher::all(filters, &Labels::new(labels))
        };
        let mut listed: Vec<&Silence> = self.all.iter().filter(passes).collect();
        listed.sort_by_key(|silence| match silence.state(now) {
            "active" => (0, silence.ends),
            "pending" => (1, silence.starts),
            _ => (2, -silence.ends),
        });
        listed
    }

    /// All of them, the expired too.
    pub fn all(&self) -> &[Silence] {
        &self.all
    }

    /// The one of an id.
    pub fn get(&self, id: &str) -> Option<&Silence> {
        self.all.iter().find(|s| s.id == id)
    }

    /// Creates one, or changes the one whose `id` is given. Gives its id, which is another when the matchers or the
    /// start of an active one change.
    pub fn put(&mut self, sent: &Json, now: i64) -> Result<String, Refused> {
        let bad = |words: String| (400, words);
        // A time that is none cannot be read at all, whatever else is missing.
        for key in ["startsAt", "endsAt"] {
            if sent[key].is_string() {
                time(sent, key)?;
            }
        }
        let (starts, ends) = (time(sent, "startsAt")?, time(sent, "endsAt")?);
        let (author, comment) = (words(sent, "createdBy")?, words(sent, "comment")?);
        let written = written(sent)?;
        if starts >= ends {
            return Err(bad("Failed to create silence: start time must be before end time".to_owned()));
        }
        if ends < now {
            return Err(bad("Failed to create silence: end time can't be in the past".to_owned()));
        }
        let compiled: Result<Vec<Matcher>, String> = written
            .iter()
            .enumerate()
            .map(|(n, one)| one.compiled().map_err(|why| format!("{n}: {why}")))
            .collect();
        let matchers =
            compiled.map_err(|why| bad(format!("invalid silence: invalid label matcher {why}")))?;
        if matchers.iter().all(|m| m.accepts("")) {
            return Err(bad(
                "invalid silence: at least one matcher must not match the empty string".to_owned()
            ));
        }
        let mut silence =
            Silence { id: String::new(), written, matchers, starts, ends, updated: now, author, comment };
        let id = sent["id"].as_str().unwrap_or_default();
        if !id.is_empty() {
            let known = self.all.iter_mut().find(|s| s.id == id);
            let known = known.ok_or_else(|| (404, "silence not found".to_owned()))?;
            // An active one has begun when it has, by whole seconds; one that has not begun may begin at any time to come.
            let may_begin = match known.state(now) {
                "active" => starts.div_euclid(1000) == known.starts.div_euclid(1000),
                "pending" => starts >= now,
                _ => false,
            };
            if may_begin && known.written == silence.written {
                silence.id = known.id.clone();
                *known = silence;
                return Ok(id.to_owned());
            }
            if known.state(now) != "expired" {
                known.end(now);
            }
        }
        silence.starts = silence.starts.max(now);
        silence.id = self.fresh_id();
        let id = silence.id.clone();
        self.all.push(silence);
        Ok(id)
    }

    /// Ends one now; false when there is none of that id.
    pub fn expire(&mut self, id: &str, now: i64) -> bool {
        let known = self.all.iter_mut().find(|s| s.id == id);
        known.map(|silence| silence.end(now)).is_some()
    }
}

/// A moment that a silence has to have.
fn time(sent: &Json, key: &str) -> Result<i64, Refused> {
    let Some(text) = sent[key].as_str() else { return Err((422, format!("{key} in body is required"))) };
    let parsed = text.parse::<Timestamp>().map(Timestamp::as_millisecond);
    parsed.map_err(|_| (400, format!("parsing silence body from \"\" failed, because {text:?} is no time")))
}

/// A text that a silence has to have; it may be empty.
fn words(sent: &Json, key: &str) -> Result<String, Refused> {
    sent[key].as_str().map(str::to_owned).ok_or_else(|| (422, format!("{key} in body is required")))
}

/// The matchers of a silence as they are sent.
fn written(sent: &Json) -> Result<Vec<Written>, Refused> {
    let Some(matchers) = sent["matchers"].as_array() else {
        return Err((422, "matchers in body is required".to_owned()));
    };
    if matchers.is_empty() {
        return Err((422, "matchers in body should have at least 1 items".to_owned()));
    }
    let read = |(n, matcher): (usize, &Json)| {
        let required = |key: &str| (422, format!("matchers.{n}.{key} in body is required"));
        Ok(Written {
            regex: matcher["isRegex"].as_bool().ok_or_else(|| required("isRegex"))?,
            name: matcher["name"].as_str().ok_or_else(|| required("name"))?.to_owned(),
            value: matcher["value"].as_str().ok_or_else(|| required("value"))?.to_owned(),
            equal: matcher["isEqual"].as_bool().unwrap_or(true),
        })
    };
    matchers.iter().enumerate().map(read).collect()
}
