//! One stored object: its JSON text as served, and the little that lists, watches and selectors need without parsing
//! it. Made by the store when an object is written; read by lists, watches and tables.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::pool::Pool;

/// An object at one version.
#[derive(Debug)]
pub struct Entry {
    /// Namespace, empty for cluster-scoped objects.
    pub ns: Arc<str>,
    /// Name.
    pub name: Arc<str>,
    /// `metadata.uid`.
    pub uid: Box<str>,
    /// `metadata.resourceVersion`.
    pub version: u64,
    /// Labels, keys shared between objects.
    pub labels: Box<[(Arc<str>, Box<str>)]>,
    /// Values of the field selectors that the kind supports (besides name and namespace).
    pub fields: Box<[(&'static str, Box<str>)]>,
    /// The whole object: `{"kind":..,"apiVersion":..,"metadata":{..},...}`.
    pub bytes: Bytes,
    /// Where `"metadata":` begins: list items of built-in kinds start there.
    body_at: u32,
    /// The value of `metadata` within `bytes`.
    metadata: Range<u32>,
}

impl Entry {
    /// The object as parsed JSON.
    pub fn value(&self) -> Value {
        // The bytes were written by `encode`, so they parse; Null would only say that they did not.
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    /// The metadata's JSON text.
    pub fn metadata(&self) -> &[u8] {
        &self.bytes[self.metadata.start as usize..self.metadata.end as usize]
    }

    /// The object's text without its opening brace, kind and apiVersion (`"metadata":{..},..}`).
    pub fn without_type(&self) -> &[u8] {
        &self.bytes[self.body_at as usize..]
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(k, _)| &**k == key).map(|(_, v)| &**v)
    }
}

/// An entry outside a store, for judging or rendering an object that is not stored.
pub fn lone(resource: &str, object: &Value, version: u64) -> Entry {
    entry(resource, object, version, &Pool::default(), |text| text.into())
}

/// A string at a path of keys, if there is one.
pub fn text_at<'a>(object: &'a Value, path: &[&str]) -> Option<&'a str> {
    path.iter().try_fold(object, |value, key| value.get(key))?.as_str()
}

/// The object's text in the order of a real server (kind, apiVersion, metadata, rest), with the places of its parts.
fn encode(object: &Map<String, Value>, pool: &Pool) -> (Bytes, u32, Range<u32>) {
    let mut out = Vec::with_capacity(1024);
    out.push(b'{');
    for key in ["kind", "apiVersion"] {
        if let Some(value) = object.get(key) {
            member(&mut out, key, value);
            out.push(b',');
        }
    }
    let body_at = out.len();
    out.extend_from_slice(b"\"metadata\":");
    let start = out.len();
    write(&mut out, object.get("metadata").unwrap_or(&Value::Null));
    let end = out.len();
    for (key, value) in object {
        if !matches!(key.as_str(), "kind" | "apiVersion" | "metadata") {
            out.push(b',');
            member(&mut out, key, value);
        }
    }
    out.push(b'}');
    (pool.hold(&out), as_offset(body_at), as_offset(start)..as_offset(end))
}

fn as_offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn member(out: &mut Vec<u8>, key: &str, value: &Value) {
    write(out, &Value::String(key.to_owned()));
    out.push(b':');
    write(out, value);
}

fn write(out: &mut Vec<u8>, value: &Value) {
    // Writing a Value to memory fails for no value: its keys are strings and a Vec takes all bytes.
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.extend_from_slice(b"null");
    }
}

/// Builds an entry from a complete object, its text in memory of the pool. `intern` shares label keys between objects.
pub fn entry(
    resource: &str,
    object: &Value,
    version: u64,
    pool: &Pool,
    mut intern: impl FnMut(&str) -> Arc<str>,
) -> Entry {
    let empty = Map::new();
    let map = object.as_object().unwrap_or(&empty);
    let (bytes, body_at, metadata) = encode(map, pool);
    let labels = object["metadata"]["labels"]
        .as_object()
        .map(|labels| {
            labels.iter().map(|(k, v)| (intern(k), v.as_str().unwrap_or_default().into())).collect()
        })
        .unwrap_or_default();
    let ns = text_at(object, &["metadata", "namespace"]).unwrap_or_default();
    Entry {
        ns: intern(ns),
        name: text_at(object, &["metadata", "name"]).unwrap_or_default().into(),
        uid: text_at(object, &["metadata", "uid"]).unwrap_or_default().into(),
        version,
        labels,
        fields: fields(resource, object),
        bytes,
        body_at,
        metadata,
    }
}

/// The paths besides `metadata.name` and `metadata.namespace` by which a kind can be selected, as the real server has them.
pub fn selectable_fields(resource: &str) -> &'static [&'static str] {
    match resource {
        "pods" => &[
            "spec.nodeName",
            "status.phase",
            "status.podIP",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.nominatedNodeName",
        ],
        "events" => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        "secrets" => &["type"],
        "namespaces" => &["status.phase"],
        "nodes" => &["spec.unschedulable"],
        "replicasets.apps" => &["status.replicas"],
        "jobs.batch" => &["status.successful"],
        _ => &[],
    }
}

fn fields(resource: &str, object: &Value) -> Box<[(&'static str, Box<str>)]> {
    selectable_fields(resource)
        .iter()
        .map(|&path| {
            let keys: Vec<&str> = match path {
                "reportingComponent" => vec!["reportingComponent"],
                "source" => vec!["source", "component"],
                "status.successful" => vec!["status", "succeeded"],
                _ => path.split('.').collect(),
            };
            let value = keys.iter().try_fold(object, |value, key| value.get(key));
            let text: Box<str> = match value {
                Some(Value::String(s)) => s.as_str().into(),
                Some(Value::Number(n)) => n.to_string().into(),
                Some(Value::Bool(b)) => b.to_string().into(),
                _ if matches!(path, "spec.unschedulable" | "spec.hostNetwork") => "false".into(),
                _ if matches!(path, "status.replicas" | "status.successful") => "0".into(),
                _ => "".into(),
            };
            (path, text)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_is_in_the_order_of_a_real_server_and_its_parts_are_found() {
        let object = json!({"apiVersion":"v1","data":{"a":"b"},"kind":"ConfigMap","metadata":{"name":"c","namespace":"n","uid":"u","labels":{"app":"x"}}});
        let e = entry("configmaps", &object, 7, &Pool::default(), |s| s.into());
        let text = String::from_utf8(e.bytes.to_vec()).unwrap();
        assert!(text.starts_with("{\"kind\":\"ConfigMap\",\"apiVersion\":\"v1\",\"metadata\":{"), "{text}");
        assert_eq!(e.value(), object);
        let metadata: Value = serde_json::from_slice(e.metadata()).unwrap();
        assert_eq!(metadata, object["metadata"]);
        let rest: Value =
            serde_json::from_str(&format!("{{{}", std::str::from_utf8(e.without_type()).unwrap())).unwrap();
        assert_eq!(rest["data"], object["data"]);
        assert!(rest.get("kind").is_none());
        assert_eq!(e.label("app"), Some("x"));
    }

    #[test]
    fn fields_of_selectors_are_kept_with_the_defaults_of_the_real_server() {
        let e =
            entry("nodes", &json!({"metadata":{"name":"n"},"spec":{}}), 1, &Pool::default(), |s| s.into());
        assert_eq!(&*e.fields, &[("spec.unschedulable", "false".into())]);
    }
}
