//! The paper that descriptions are written on: fields in two columns, sections, tables. Cleans what it is given.

use serde_json::Value;

use crate::domain::time::Stamp;
use crate::text::{age, clean, clean_lines, pad, width};
use crate::wire::stamp;

/// Columns of the names at the left.
const NAMES: usize = 20;
/// Annotations that repeat the object or are too long to read.
const LONGEST_NOTE: usize = 140;

/// A description that is being written.
pub(super) struct Sheet {
    now: Stamp,
    lines: Vec<String>,
    depth: usize,
}

/// The value at a JSON pointer; null when there is none.
pub(super) fn at<'a>(object: &'a Value, pointer: &str) -> &'a Value {
    object.pointer(pointer).unwrap_or(&Value::Null)
}

/// A value as one clean line: texts as they are, null as nothing, anything else as JSON.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => clean(text.trim_end()).into_owned(),
        other => clean(&other.to_string()).into_owned(),
    }
}

/// `readinessGates` as `Readiness Gates`.
pub(super) fn title(key: &str) -> String {
    let mut out = String::new();
    for (at, c) in clean(key).chars().enumerate() {
        match (at, c.is_uppercase()) {
            (0, _) => out.extend(c.to_uppercase()),
            (_, true) => out.extend([' ', c]),
            (_, false) => out.push(c),
        }
    }
    out
}

/// The items of a list; none when it is not there.
pub(super) fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

impl Sheet {
    pub(super) fn new(now: Stamp) -> Sheet {
        Sheet { now, lines: Vec::new(), depth: 0 }
    }

    pub(super) fn now(&self) -> Stamp {
        self.now
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines
    }

    fn push(&mut self, line: &str) {
        self.lines.push(format!("{}{line}", "  ".repeat(self.depth)).trim_end().to_owned());
    }

    /// A name and its value on one line; a value of several lines goes on below.
    pub(super) fn field(&mut self, name: &str, value: &str) {
        let width = NAMES.saturating_sub(2 * self.depth);
        let label = pad(&format!("{name}:"), width).into_owned();
        // A long name still stands apart from its value.
        let label = if label.ends_with(':') { format!("{label} ") } else { label };
        let mut lines = value.split('\n');
        self.push(&format!("{label}{}", lines.next().unwrap_or_default()));
        for line in lines {
            self.push(&format!("{}{line}", " ".repeat(width)));
        }
    }

    /// The same, only when there is a value.
    pub(super) fn some(&mut self, name: &str, value: &Value) {
        let value = text(value);
        if !value.is_empty() {
            self.field(name, &value);
        }
    }

    /// A heading; what follows stands below it until [`Sheet::end`].
    pub(super) fn section(&mut self, name: &str) {
        self.push(&format!("{name}:"));
        self.depth += 1;
    }

    /// Ends a section.
    pub(super) fn end(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Writes below the line before.
    pub(super) fn below(&mut self, write: impl FnOnce(&mut Sheet)) {
        self.depth += 1;
        write(self);
        self.depth -= 1;
    }

    /// A time with its age.
    pub(super) fn time(&mut self, name: &str, value: &Value) {
        let words = match stamp::parse(value.as_str().unwrap_or_default()) {
            Some(time) => format!("{} ({} ago)", text(value), age(self.now.0.saturating_sub(time.0))),
            None => "<unknown>".to_owned(),
        };
        self.field(name, &words);
    }

    /// `key=value` pairs, one a line.
    pub(super) fn pairs(&mut self, name: &str, value: &Value) {
        let pairs = value.as_object().into_iter().flatten();
        let lines: Vec<String> =
            pairs.map(|(key, value)| format!("{}={}", clean(key), text(value))).collect();
        self.field(name, &none_or(&lines.join("\n")));
    }

    /// Annotations: copies of the object are left out, long ones cut.
    pub(super) fn annotations(&mut self, value: &Value) {
        let notes = value.as_object().into_iter().flatten();
        let notes = notes.filter(|(key, _)| *key != "kubectl.kubernetes.io/last-applied-configuration");
        let lines: Vec<String> = notes
            .map(|(key, value)| format!("{}: {}", clean(key), crate::text::fit(&text(value), LONGEST_NOTE)))
            .collect();
        self.field("Annotations", &none_or(&lines.join("\n")));
    }

    /// `status.conditions` as a table.
    pub(super) fn conditions(&mut self, value: &Value) {
        let mut rows = vec![["Type", "Status", "Since", "Reason", "Message"].map(str::to_owned).to_vec()];
        for condition in items(value) {
            let since = stamp::parse(condition["lastTransitionTime"].as_str().unwrap_or_default());
            let since = since.map(|since| age(self.now.0.saturating_sub(since.0))).unwrap_or_default();
            let cell = |key: &str| text(&condition[key]);
            rows.push(vec![cell("type"), cell("status"), since, cell("reason"), cell("message")]);
        }
        if rows.len() > 1 {
            self.section("Conditions");
            self.table(rows);
            self.end();
        }
    }

    /// Rows in aligned columns; the first is the heading, the last column runs on.
    pub(super) fn table(&mut self, rows: Vec<Vec<String>>) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max().unwrap_or(0)
            })
            .collect();
        for row in rows {
            let cells: Vec<String> = row
                .iter()
                .enumerate()
                .map(|(at, cell)| match at + 1 == row.len() {
                    true => cell.clone(),
                    false => pad(cell, widths.get(at).copied().unwrap_or(0) + 2).into_owned(),
                })
                .collect();
            self.push(&cells.concat());
        }
    }

    /// Anything, as YAML below a heading.
    pub(super) fn tree(&mut self, name: &str, value: &Value) {
        match value {
            Value::Object(_) | Value::Array(_) => {
                self.section(name);
                let yaml = serde_saphyr::to_string(value).unwrap_or_else(|_| value.to_string());
                let lines: Vec<String> = clean_lines(&yaml).map(|line| line.into_owned()).collect();
                for line in lines {
                    self.push(&line);
                }
                self.end();
            }
            scalar => self.field(name, &text(scalar)),
        }
    }
}

/// kubectl's word for nothing.
pub(super) fn none_or(value: &str) -> String {
    if value.is_empty() { "<none>".to_owned() } else { value.to_owned() }
}
