//! Tables as the server prints them for `kubectl get`: column definitions and a row for an object, kind by kind. Takes
//! stored objects, gives JSON text; pods are read by a slim type since there are many of them.

mod apps;
mod core;
mod custom;
mod format;
mod pod;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::accept::Include;
use super::error::ApiError;
use super::kinds::Kind;
use super::query::Query;
use super::store::Entry;

/// Which part of objects the rows of a Table carry, by the parameter `includeObject`.
pub fn include(query: &Query) -> Result<Include, ApiError> {
    match query.get("includeObject") {
        "" | "Metadata" => Ok(Include::Metadata),
        "Object" => Ok(Include::Object),
        "None" => Ok(Include::None),
        other => Err(ApiError::bad_request(format!("unrecognized includeObject value: \"{other}\""))),
    }
}

/// A column: heading, type, format, priority.
type Heading = (String, &'static str, &'static str, i64);
/// What makes the cells of a row.
type Cells = fn(&Value, Timestamp) -> Vec<Value>;

enum Maker {
    Pod,
    Kind(Cells),
    Custom(Box<Kind>),
}

/// Prints objects of one kind.
pub struct Tabler {
    headings: Vec<Heading>,
    maker: Maker,
    include: Include,
    /// Ages are counted up to here.
    pub now: Timestamp,
}

/// Reads `Name|Ready|Age|IP*|Count:integer`: `*` marks columns of `-o wide`.
fn headings(spec: &str) -> Vec<Heading> {
    spec.split('|')
        .map(|part| {
            let wide = part.ends_with('*');
            let part = part.trim_end_matches('*');
            let (name, kind) = part.split_once(':').unwrap_or((part, "string"));
            let kind = match kind {
                "integer" => "integer",
                "boolean" => "boolean",
                "date" => "date",
                _ => "string",
            };
            (name.to_owned(), kind, if name == "Name" { "name" } else { "" }, i64::from(wide))
        })
        .collect()
}

impl Tabler {
    /// A printer for a kind.
    pub fn new(kind: &Kind, include: Include, now: Timestamp) -> Self {
        let resource = kind.resource();
        let known = core::printer(&resource).or_else(|| apps::printer(&resource));
        let (headings, maker) = match known {
            _ if resource == "pods" => (headings(pod::HEADINGS), Maker::Pod),
            Some((spec, cells)) => (headings(spec), Maker::Kind(cells)),
            None if kind.builtin => (headings("Name|Age"), Maker::Kind(core::name_and_age)),
            None => (custom::headings(kind), Maker::Custom(Box::new(kind.clone()))),
        };
        Self { headings, maker, include, now }
    }

    /// The column definitions.
    pub fn columns(&self) -> Value {
        let columns = self.headings.iter().map(|(name, kind, format, priority)| {
            json!({"name": name, "type": kind, "format": format, "description": "", "priority": priority})
        });
        columns.collect()
    }

    /// Writes one row.
    pub fn row(&self, entry: &Entry, out: &mut Vec<u8>) {
        let cells: Vec<Value> = match &self.maker {
            Maker::Pod => pod::cells(&entry.bytes, self.now),
            Maker::Kind(cells) => cells(&entry.value(), self.now),
            Maker::Custom(kind) => custom::cells(kind, &entry.value(), self.now),
        };
        out.extend_from_slice(b"{\"cells\":");
        out.extend_from_slice(Value::Array(cells).to_string().as_bytes());
        match self.include {
            Include::None => out.extend_from_slice(b",\"object\":null"),
            Include::Object => {
                out.extend_from_slice(b",\"object\":");
                out.extend_from_slice(&entry.bytes);
            }
            Include::Metadata => {
                out.extend_from_slice(b",\"object\":");
                out.extend(super::list::partial(entry));
            }
        }
        out.push(b'}');
    }
}
