//! Cells of kinds that a definition gives: its printer columns, read by the simple JSONPaths that such columns use
//! (`.spec.replicas`, `.status.conditions[?(@.type=="Ready")].status`).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Heading;
use super::format::{age, name, since};
use crate::demo::kinds::Kind;

/// Headings: the name, then the definition's columns; without any, the age.
pub fn headings(kind: &Kind) -> Vec<Heading> {
    let mut all: Vec<Heading> = vec![("Name".to_owned(), "string", "name", 0)];
    for column in &kind.columns {
        let kind = match column.kind.as_str() {
            "integer" => "integer",
            "number" => "number",
            "boolean" => "boolean",
            "date" => "date",
            _ => "string",
        };
        all.push((column.name.clone(), kind, "", column.priority));
    }
    if kind.columns.is_empty() {
        all.push(("Age".to_owned(), "date", "", 0));
    }
    all
}

/// The cells of an object.
pub fn cells(kind: &Kind, object: &Value, now: Timestamp) -> Vec<Value> {
    let mut row = vec![name(object)];
    for column in &kind.columns {
        let found = at_path(object, &column.path);
        row.push(match (column.kind.as_str(), found) {
            ("date", Some(value)) => json!(since(value, now)),
            ("string", Some(value)) if !value.is_string() => json!(value.to_string()),
            (_, Some(value)) => value.clone(),
            (_, None) => Value::Null,
        });
    }
    if kind.columns.is_empty() {
        row.push(age(object, now));
    }
    row
}

/// Splits a path at dots outside brackets.
fn steps(path: &str) -> Vec<&str> {
    let (mut out, mut depth, mut from) = (Vec::new(), 0usize, 0);
    for (at, c) in path.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            '.' if depth == 0 => {
                out.push(&path[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    out.push(&path[from..]);
    out.retain(|step| !step.is_empty());
    out
}

fn at_path<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    steps(path).into_iter().try_fold(object, |value, step| {
        let (key, index) = match step.split_once('[') {
            Some((key, index)) => (key, Some(index.trim_end_matches(']'))),
            None => (step, None),
        };
        let value = if key.is_empty() { value } else { value.get(key)? };
        let Some(index) = index else { return Some(value) };
        let list = value.as_array()?;
        if let Ok(at) = index.parse::<usize>() {
            return list.get(at);
        }
        let condition = index.strip_prefix("?(@.")?.strip_suffix(')')?;
        let (field, wanted) = condition.split_once("==")?;
        let wanted = wanted.trim().trim_matches(['"', '\'']);
        list.iter().find(|item| item.get(field.trim()).is_some_and(|v| v == wanted))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_printer_columns() {
        let object = json!({"spec":{"replicas":3},"status":{"conditions":[{"type":"Ready","status":"True"}],"list":["a","b"]}});
        assert_eq!(at_path(&object, ".spec.replicas"), Some(&json!(3)));
        assert_eq!(at_path(&object, ".status.conditions[?(@.type==\"Ready\")].status"), Some(&json!("True")));
        assert_eq!(at_path(&object, ".status.list[1]"), Some(&json!("b")));
        assert_eq!(at_path(&object, ".status.none.x"), None);
    }
}
