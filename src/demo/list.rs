//! Reading: one object, or a list of them as objects, metadata or Table, whole or page by page. Lists are written from
//! the stored text while they are sent. Watches are next door.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::accept::Shape;
use super::cluster::Cluster;
use super::error::ApiError;
use super::respond::{self, Answer};
use super::routes::Call;
use super::selector::Selector;
use super::store::{Entry, Store};
use super::table::{self, Tabler};

/// Pieces of a body are gathered to about this size.
const PIECE: usize = 64 << 10;
/// How long a list waits for a version from the future.
const PATIENCE: Duration = Duration::from_secs(3);

/// The form an answer is to have; 406 when none is possible.
pub fn shape(call: &Call) -> Result<Shape, ApiError> {
    call.accept.shape().ok_or_else(|| {
        not_acceptable("406: Not Acceptable\n\nAvailable representations: application/json".to_owned())
    })
}

fn not_acceptable(message: String) -> ApiError {
    ApiError::new(406, "NotAcceptable", message).with_details(json!({}))
}

/// The selector of a call, and the name in the path if it is one.
pub fn selector(call: &Call) -> Result<Selector, ApiError> {
    let query = &call.query;
    Selector::parse(&call.resource(), query.get("labelSelector"), query.get("fieldSelector"))
}

/// One object's text in a form.
pub fn render(entry: &Entry, shape: Shape, tabler: &Tabler, heading: bool) -> Bytes {
    match shape {
        Shape::Object => entry.bytes.clone(),
        Shape::Partial | Shape::Partials => Bytes::from(partial(entry)),
        Shape::Table => {
            let columns = if heading { tabler.columns().to_string() } else { "null".to_owned() };
            let mut out = format!(
                "{{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":{{\"resourceVersion\":\"{}\"}},\"columnDefinitions\":{columns},\"rows\":[",
                entry.version
            )
            .into_bytes();
            tabler.row(entry, &mut out);
            out.extend_from_slice(b"]}");
            Bytes::from(out)
        }
    }
}

/// The PartialObjectMetadata of an object.
pub fn partial(entry: &Entry) -> Vec<u8> {
    let mut out =
        b"{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":".to_vec();
    out.extend_from_slice(entry.metadata());
    out.push(b'}');
    out
}

/// `GET` of one object.
pub fn get(cluster: &Cluster, call: &Call) -> Result<Answer, ApiError> {
    let shape = shape(call)?;
    if shape == Shape::Partials {
        let kind = &call.kind.kind;
        return Err(not_acceptable(format!(
            "you requested PartialObjectMetadataList, but the requested object is not a list (*{kind})"
        )));
    }
    let resource = call.resource();
    let entry = cluster
        .store()
        .entry(&resource, call.ns(), call.name())
        .ok_or_else(|| ApiError::not_found(&resource, call.name()))?;
    let tabler = Tabler::new(&call.kind, table::include(&call.query)?, Timestamp::now());
    Ok(respond::bytes(200, "application/json", render(&entry, shape, &tabler, true)))
}

/// Where a list goes on: the version of its first page, and the last object of the page before.
struct Continue {
    /// 0: any version, for an inconsistent rest after 410.
    version: u64,
    after: (String, String),
}

impl Continue {
    fn token(&self) -> String {
        let text = json!([self.version, self.after.0, self.after.1]).to_string();
        text.bytes().map(|b| format!("{b:02x}")).collect()
    }

    fn parse(token: &str) -> Result<Self, ApiError> {
        let bad = || ApiError::bad_request("invalid continue token: continue key is not valid");
        let bytes: Option<Vec<u8>> = (0..token.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(token.get(at..at + 2)?, 16).ok())
            .collect();
        let (version, ns, name) = serde_json::from_slice(&bytes.ok_or_else(bad)?).map_err(|_| bad())?;
        Ok(Self { version, after: (ns, name) })
    }
}

/// The version that a call asks for, if it names one.
pub fn asked_version(call: &Call) -> Result<Option<u64>, ApiError> {
    match call.query.get("resourceVersion") {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| {
            ApiError::bad_request(format!(
                "invalid resource version: resourceVersion: Invalid value: \"{text}\": invalid syntax"
            ))
        }),
    }
}

/// Waits a while for a version that is not there yet; then 504 as a real server says it.
async fn reach(store: &Store, resource: &str, version: u64) -> Result<(), ApiError> {
    let mut wake = store.wake(resource);
    let reached = async {
        while store.version() < version {
            if wake.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::time::timeout(PATIENCE, reached).await.map_err(|_| {
        let message = format!("Too large resource version: {version}, current: {}", store.version());
        ApiError::new(504, "Timeout", format!("Timeout: {message}")).with_details(json!({
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1,
        }))
    })
}

/// `GET` of a collection.
pub async fn list(cluster: &Arc<Cluster>, call: &Call) -> Result<Answer, ApiError> {
    let shape = shape(call)?;
    if shape == Shape::Partial {
        let message = "you requested PartialObjectMetadata, but the requested object is a list";
        return Err(not_acceptable(message.to_owned()));
    }
    let selector = selector(call)?;
    let store = cluster.store();
    let (resource, ns) = (call.resource(), call.ns.as_deref());
    let token = match call.query.get("continue") {
        "" => None,
        token => Some(Continue::parse(token)?),
    };
    let asked = asked_version(call)?;
    if let Some(version) = asked {
        reach(store, &resource, version).await?;
    }
    let exact = call.query.get("resourceVersionMatch") == "Exact";
    let (version, mut entries) = match (&token, asked) {
        (Some(token), _) if token.version != 0 => {
            let entries = store.entries_at(&resource, ns, token.version).ok_or_else(|| {
                let mut error = ApiError::expired(
                    "The provided continue parameter is too old to display a consistent list result. You can start \
                     a new list without the continue parameter, or use the continue token in this response to \
                     retrieve the remainder of the results. Continuing with the provided token results in an \
                     inconsistent list - objects that were created, modified, or deleted between the time the first \
                     chunk was returned and now may show up in the list.",
                );
                let rest = Continue { version: 0, after: token.after.clone() };
                error.continue_token = Some(rest.token());
                error
            })?;
            (token.version, entries)
        }
        (None, Some(version)) if exact && version > 0 => {
            let entries = store
                .entries_at(&resource, ns, version)
                .ok_or_else(|| ApiError::expired("The resourceVersion for the provided list is too old."))?;
            (version, entries)
        }
        _ => store.entries(&resource, ns),
    };
    if let Some(token) = &token {
        let after = (token.after.0.as_str(), token.after.1.as_str());
        let from = entries.partition_point(|e| (&*e.ns, &*e.name) <= after);
        entries.drain(..from);
    }
    if !selector.is_empty() {
        entries.retain(|entry| selector.matches(entry));
    }
    // From the watch cache (resourceVersion=0) a real server gives all, whatever the limit.
    let limit = call.query.number("limit").filter(|&n| n > 0 && (asked != Some(0) || exact));
    let limit = limit.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
    let mut metadata = json!({"resourceVersion": version.to_string()});
    if entries.len() > limit {
        let rest = entries.len() - limit;
        entries.truncate(limit);
        if let Some(last) = entries.last() {
            let after = (last.ns.to_string(), last.name.to_string());
            metadata["continue"] = json!(Continue { version, after }.token());
        }
        if selector.is_empty() {
            metadata["remainingItemCount"] = json!(rest);
        }
    }
    let tabler = Tabler::new(&call.kind, table::include(&call.query)?, Timestamp::now());
    Ok(body(call, shape, tabler, &metadata, entries))
}

fn body(call: &Call, shape: Shape, tabler: Tabler, metadata: &Value, entries: Vec<Arc<Entry>>) -> Answer {
    let head = match shape {
        Shape::Object => format!(
            "{{\"kind\":\"{}\",\"apiVersion\":\"{}\",\"metadata\":{metadata},\"items\":[",
            call.kind.list_kind(),
            call.kind.api_version()
        ),
        Shape::Partial | Shape::Partials => format!(
            "{{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":{metadata},\"items\":["
        ),
        Shape::Table => format!(
            "{{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":{metadata},\"columnDefinitions\":{},\"rows\":[",
            tabler.columns()
        ),
    };
    let builtin = call.kind.builtin;
    let mut entries = entries.into_iter();
    let (mut first, mut done, mut head) = (true, false, Some(head));
    let pieces = std::iter::from_fn(move || {
        if done {
            return None;
        }
        let mut piece = head.take().map(String::into_bytes).unwrap_or_default();
        while piece.len() < PIECE {
            let Some(entry) = entries.next() else {
                done = true;
                piece.extend_from_slice(b"]}\n");
                break;
            };
            if !std::mem::take(&mut first) {
                piece.push(b',');
            }
            match shape {
                // Items of built-in kinds carry no kind and apiVersion, as on a real server.
                Shape::Object if builtin => {
                    piece.push(b'{');
                    piece.extend_from_slice(entry.without_type());
                }
                Shape::Object => piece.extend_from_slice(&entry.bytes),
                Shape::Partial | Shape::Partials => piece.extend(partial(&entry)),
                Shape::Table => tabler.row(&entry, &mut piece),
            }
        }
        Some(Bytes::from(piece))
    });
    respond::stream("application/json", futures::stream::iter(pieces))
}
