//! One object, whole: read when somebody looks at it, never kept. As YAML that kubectl reads back.

use std::fmt::Write as _;
use std::time::Duration;

use kube::Client;
use serde_json::{Map, Value};

use super::fetch::fetch;
use super::served;
pub(super) use crate::connect::paths::{collection, collection_of, path};
use crate::connect::problem::Fault;
use crate::domain::id::{Kind, ObjectRef, Uid};
use crate::domain::selector::{Operator, Selector};
use crate::msg::Document;
use crate::text::clean_lines;

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A selector as `labelSelector` wants it.
pub(super) fn selector_text(selector: &Selector) -> String {
    let parts: Vec<String> = selector
        .0
        .iter()
        .map(|requirement| {
            let key = &requirement.key;
            match &requirement.is {
                Operator::In(values) if values.len() == 1 => format!("{key}={}", values.join("")),
                Operator::In(values) => format!("{key} in ({})", values.join(",")),
                Operator::NotIn(values) => format!("{key} notin ({})", values.join(",")),
                Operator::Exists => key.to_string(),
                Operator::Absent => format!("!{key}"),
            }
        })
        .collect();
    parts.join(",")
}

/// A text as a part of a URL's query.
pub(super) fn query_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// Reads an object.
///
/// # Errors
/// It is not to be had, or another object has taken its name.
pub(super) async fn read(client: &Client, object: &ObjectRef, limit: Duration) -> Result<Value, Fault> {
    let value: Value = match fetch(client, &path(object), limit).await {
        Err(Fault::NotFound(words)) if !object.kind.older_versions().is_empty() => {
            let version = served::version(client, object.kind, limit).await?;
            let older = version.filter(|version| *version != object.kind.api().1);
            let Some(version) = older else { return Err(Fault::NotFound(words)) };
            let path = format!("{}/{}", collection_of(object.kind, version, &object.namespace), object.name);
            fetch(client, &path, limit).await?
        }
        answer => answer?,
    };
    let uid = value.pointer("/metadata/uid").and_then(Value::as_str).map(Uid::parse);
    if object.uid != Uid::default() && uid.is_some_and(|uid| uid != object.uid) {
        let words =
            format!("this {} is gone; another one has the name {} now", object.kind.word(), object.name);
        return Err(Fault::NotFound(words));
    }
    Ok(value)
}

/// The YAML of an object. Values of a Secret are masked unless `reveal`; managed fields are folded away.
pub(super) fn yaml(kind: Kind, mut object: Value, reveal: bool) -> Result<Document, Fault> {
    let masked = kind == Kind::Secret && !reveal && mask(&mut object);
    let managed = object
        .get_mut("metadata")
        .and_then(Value::as_object_mut)
        .and_then(|metadata| metadata.get_mut("managedFields"))
        .map(Value::take);
    let mut lines = to_lines(&object)?;
    let mut folded = None;
    if let Some(managed) = managed {
        // A null stands where the managed fields were.
        if let Some(at) = lines.iter().position(|line| line == "  managedFields: null") {
            lines.remove(at);
            let mut nested = Map::new();
            nested.insert("managedFields".to_owned(), managed);
            let mut metadata = Map::new();
            metadata.insert("metadata".to_owned(), Value::Object(nested));
            let mut block = to_lines(&Value::Object(metadata))?;
            block.remove(0);
            folded = Some((at, block));
        }
    }
    Ok(Document { lines, folded, masked })
}

fn to_lines(value: &Value) -> Result<Vec<String>, Fault> {
    let text = serde_saphyr::to_string(value)
        .map_err(|error| Fault::Garbled(format!("the object cannot be written as YAML: {error}")))?;
    Ok(clean_lines(&text).map(|line| line.into_owned()).collect())
}

/// Puts lengths in the place of a Secret's values, also where kubectl keeps a copy of them. True when there were any.
fn mask(secret: &mut Value) -> bool {
    let mut any = false;
    for (field, coded) in [("data", true), ("stringData", false)] {
        if let Some(values) = secret.get_mut(field).and_then(Value::as_object_mut) {
            for value in values.values_mut() {
                let length =
                    value.as_str().map_or(0, |text| if coded { decoded_length(text) } else { text.len() });
                *value = Value::String(mark(length));
                any = true;
            }
        }
    }
    let annotation =
        secret.pointer_mut("/metadata/annotations").and_then(|notes| notes.get_mut(LAST_APPLIED));
    if let Some(note) = annotation {
        *note = Value::String(mark(note.as_str().map_or(0, str::len)));
        any = true;
    }
    any
}

fn mark(length: usize) -> String {
    format!("•••••• ({length} {})", if length == 1 { "byte" } else { "bytes" })
}

/// Bytes behind a base64 text.
fn decoded_length(text: &str) -> usize {
    let digits = text.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=').count();
    digits * 3 / 4
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_are_written_as_the_api_reads_them() {
        let text = "app=cart,tier in (web,api),env notin (dev),x,!canary";
        assert_eq!(selector_text(&Selector::parse(text).unwrap()), text);
        assert_eq!(query_text("a in (b,c)"), "a%20in%20%28b%2Cc%29");
    }

    #[test]
    fn managed_fields_are_folded_where_they_stood() {
        let object = json!({"kind": "Pod", "metadata": {
            "labels": {"a": "b"}, "managedFields": [{"manager": "kubectl"}], "name": "x"}, "spec": {"x": "no"}});
        let document = yaml(Kind::Pod, object.clone(), false).unwrap();
        let (at, block) = document.folded.clone().unwrap();
        assert_eq!(document.lines[at], "  name: x");
        assert!(!document.masked);
        let mut whole = document.lines;
        whole.splice(at..at, block);
        let back: Value = serde_saphyr::from_str(&whole.join("\n")).unwrap();
        assert_eq!(back, object);
    }

    #[test]
    fn words_that_yaml_mistakes_are_quoted() {
        let object = json!({"a": "no", "b": "1_000", "c": "0644", "d": "multi\nline\n", "e": "2024-01-01"});
        let lines = yaml(Kind::ConfigMap, object.clone(), false).unwrap().lines;
        let back: Value = serde_saphyr::from_str(&lines.join("\n")).unwrap();
        assert_eq!(back, object, "{lines:?}");
        assert!(lines.iter().any(|line| line == "a: \"no\"" || line == "a: 'no'"), "{lines:?}");
    }

    #[test]
    fn secrets_are_masked_until_asked_for() {
        let secret = json!({"kind": "Secret", "data": {"password": "aHVudGVyMg=="}, "stringData": {"x": "abc"},
            "metadata": {"annotations": {LAST_APPLIED: "{\"data\":{\"password\":\"aHVudGVyMg==\"}}"}}});
        let document = yaml(Kind::Secret, secret.clone(), false).unwrap();
        let text = document.lines.join("\n");
        assert!(document.masked && !text.contains("aHVudGVyMg"), "{text}");
        assert!(text.contains("(7 bytes)") && text.contains("(3 bytes)"), "{text}");
        let document = yaml(Kind::Secret, secret, true).unwrap();
        assert!(!document.masked && document.lines.join("\n").contains("aHVudGVyMg=="));
    }
}
