//! Requests that change nothing: reads, reviews (answered and not stored), and `dryRun=All`.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use super::json::{flag, text};
use super::plan::{Method, Right, Step};
use super::requests::send;
use super::{Known, execute};
use crate::connect::client;
use crate::connect::problem::Fault;
use crate::text::clean;

/// Reads one path.
///
/// # Errors
/// It cannot be read; 404 is [`Fault::NotFound`].
pub(super) async fn read(client: &Client, path: &str, limit: Duration) -> Result<Value, Fault> {
    let reply = send(client, client::get(path)?, limit).await?;
    if reply.is_success() { Ok(reply.body) } else { Err(reply.fault()) }
}

/// The items of a list.
///
/// # Errors
/// They cannot be read.
pub(super) async fn items(client: &Client, path: &str, limit: Duration) -> Result<Vec<Value>, Fault> {
    let mut list = read(client, path, limit).await?;
    match list.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => Ok(items),
        Some(Value::Null) | None => Ok(Vec::new()),
        Some(_) => Err(Fault::Garbled("the answer is no list".to_owned())),
    }
}

/// Asks a review.
async fn review(client: &Client, path: &str, body: &Value, limit: Duration) -> Result<Value, Fault> {
    let request = http::Request::post(path)
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string().into_bytes()))
        .map_err(|error| Fault::Invalid(clean(&error.to_string()).into_owned()))?;
    let reply = send(client, request, limit).await?;
    if reply.is_success() { Ok(reply.body) } else { Err(reply.fault()) }
}

/// Who we are there; `None` when the server does not tell (before 1.28).
pub(super) async fn who(client: &Client, limit: Duration) -> Option<String> {
    let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let answer = review(client, "/apis/authentication.k8s.io/v1/selfsubjectreviews", &body, limit).await;
    let answer = answer.ok()?;
    let name = clean(text(&answer, "/status/userInfo/username")).into_owned();
    (!name.is_empty()).then_some(name)
}

/// Whether we may; `Err` when the server does not tell.
pub(super) async fn may(client: &Client, right: &Right, limit: Duration) -> Known<bool> {
    let body = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {
            "namespace": &*right.namespace, "verb": right.verb, "group": right.group,
            "resource": right.resource, "subresource": right.subresource, "name": &*right.name,
        }},
    });
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    match review(client, path, &body, limit).await {
        Ok(answer) => Ok(flag(&answer, "/status/allowed")),
        Err(fault) => Err(fault.words().to_owned()),
    }
}

/// How a request would end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DryRun {
    /// The server would do it.
    Passed,
    /// It would not, for this reason.
    Refused(String),
    /// Not yet, but it may be asked again: what it waits for.
    Waits(String),
    /// It does not tell.
    Unknown(String),
}

/// Has the server try a step without storing anything.
pub(super) async fn dry_run(client: &Client, step: &Step, limit: Duration) -> DryRun {
    let mut rehearsal = step.clone();
    // Whoever writes a status in between is nobody's reason to say no: versions are held when it is done.
    rehearsal.versioned = false;
    let join = if rehearsal.request.path.contains('?') { '&' } else { '?' };
    rehearsal.request.path.push(join);
    rehearsal.request.path.push_str("dryRun=All");
    if step.request.method == Method::Delete {
        // Where a deletion has a body, servers do not look at the query.
        rehearsal.request.body["dryRun"] = json!(["All"]);
    }
    let request = match execute::request(&rehearsal, "") {
        Ok(request) => request,
        Err(fault) => return DryRun::Unknown(fault.words().to_owned()),
    };
    match send(client, request, limit).await {
        Ok(reply) if reply.is_success() => DryRun::Passed,
        Ok(reply) if reply.code == 429 && step.request.method == Method::Evict => {
            DryRun::Waits(format!("{} waits: {}", step.object.name, execute::held_up(&reply)))
        }
        Ok(reply) if reply.code == 429 || reply.code >= 500 => {
            DryRun::Unknown(reply.fault().words().to_owned())
        }
        Ok(reply) => DryRun::Refused(reply.fault().words().to_owned()),
        Err(fault) => DryRun::Unknown(fault.words().to_owned()),
    }
}
