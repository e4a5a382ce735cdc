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
        let time = |key: &str| {
            let parsed = sent[key].as_str().unwrap_or_default().parse::<Timestamp>();
            parsed
                .map(Timestamp::as_millisecond)
                .map_err(|_| (422, format!("{key} in body must be of type date-time")))
        };
        let words = |key: &str| {
            let word = sent[key].as_str().map(str::to_owned);
            word.ok_or_else(|| (422, format!("{key} in body is required")))
        };
        let (starts, ends) = (time("startsAt")?, time("endsAt")?);
        let (author, comment) = (words("createdBy")?, words("comment")?);
        let mut written = Vec::new();
        for matcher in sent["matchers"].as_array().into_iter().flatten() {
            written.push(Written {
                name: matcher["name"].as_str().unwrap_or_default().to_owned(),
                value: matcher["value"].as_str().unwrap_or_default().to_owned(),
                regex: matcher["isRegex"].as_bool().unwrap_or(false),
                equal: matcher["isEqual"].as_bool().unwrap_or(true),
            });
        }
        if written.is_empty() {
            return Err((422, "matchers in body should have at least 1 items".to_owned()));
        }
        if starts > ends {
            return Err(bad("Failed to create silence: start time must be before end time".to_owned()));
        }
        if ends < now {
            return Err(bad("Failed to create silence: end time can't be in the past".to_owned()));
        }
        let compiled: Result<Vec<Matcher>, String> = written.iter().map(Written::compiled).collect();
        let matchers =
            compiled.map_err(|why| bad(format!("invalid silence: invalid label matcher: {why}")))?;
        if matchers.iter().all(|m| m.accepts("")) {
            return Err(bad(
                "invalid silence: at least one matcher must not match the empty string".to_owned()
            ));
        }
        let starts = starts.max(now);
        let mut silence =
            Silence { id: String::new(), written, matchers, starts, ends, updated: now, author, comment };
        let id = sent["id"].as_str().unwrap_or_default();
        if !id.is_empty() {
            let known = self.all.iter_mut().find(|s| s.id == id);
            let known = known.ok_or_else(|| (404, format!("silence {id} not found")))?;
            let same = known.written == silence.written && known.state(now) != "expired";
            if same {
                silence.id = known.id.clone();
                silence.starts = known.starts.min(now).max(known.starts);
                *known = silence;
                return Ok(id.to_owned());
            }
            known.ends = known.ends.min(now);
        }
        silence.id = self.fresh_id();
        let id = silence.id.clone();
        self.all.push(silence);
        Ok(id)
    }

    /// Ends one now; false when there is none of that id.
    pub fn expire(&mut self, id: &str, now: i64) -> bool {
        let known = self.all.iter_mut().find(|s| s.id == id);
        known.map(|s| (s.ends, s.updated) = (s.ends.min(now), now)).is_some()
    }
}
