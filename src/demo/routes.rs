//! From a request to the one part that answers it: reads the path, asks whether the user may, and hands over. Knows
//! the shape of paths and verbs, nothing of what is behind them.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::accept::Accept;
use super::access::{User, Wish};
use super::cluster::Cluster;
use super::error::ApiError;
use super::kinds::Kind;
use super::query::{Query, decode};
use super::respond::{self, Answer};
use super::server::Tasks;
use super::{Fault, discovery, list, metrics, openapi, protobuf, subresource, watch, write};

/// Largest body taken, as on a real server.
const MAX_BODY: usize = 3 << 20;

/// What a request asks of a resource.
#[derive(Debug, Clone)]
pub struct Call {
    /// The kind addressed.
    pub kind: Kind,
    /// Namespace; None: all of them, or the kind has none.
    pub ns: Option<String>,
    /// Object; None: the collection.
    pub name: Option<String>,
    /// Subresource path, such as `log`.
    pub sub: Option<String>,
    /// Parameters.
    pub query: Query,
    /// How the answer is wanted.
    pub accept: Accept,
    /// HTTP method.
    pub method: Method,
    /// Content type of the body.
    pub content_type: String,
}

impl Call {
    /// Store key of the kind.
    pub fn resource(&self) -> String {
        self.kind.resource()
    }

    /// Namespace for the store: empty for kinds without.
    pub fn ns(&self) -> &str {
        self.ns.as_deref().unwrap_or_default()
    }

    /// Name, empty for the collection.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// Whether nothing is to be stored.
    pub fn dry_run(&self) -> Result<bool, ApiError> {
        match self.query.get("dryRun") {
            "" => Ok(false),
            "All" => Ok(true),
            other => {
                let options = match self.method {
                    Method::POST => "CreateOptions",
                    Method::PUT => "UpdateOptions",
                    Method::PATCH => "PatchOptions",
                    _ => "DeleteOptions",
                };
                let why = format!("Unsupported value: [\"{other}\"]: supported values: \"All\"");
                Err(ApiError::invalid(options, "meta.k8s.io", "", "dryRun", &why))
            }
        }
    }
}

/// Answers a request of a known user to a path of the API, come through a door (the token in the URL, or nothing).
pub async fn answer(
    cluster: &Arc<Cluster>,
    user: &User,
    (door, path): (&str, &str),
    request: Request<Incoming>,
    tasks: &Tasks,
) -> Result<Answer, ApiError> {
    let parts: Vec<String> = path.split('/').filter(|p| !p.is_empty()).map(|p| decode(p, false)).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let accept = Accept::parse(&header_text(request.headers(), header::ACCEPT));
    match parts.as_slice() {
        ["healthz" | "livez" | "readyz", ..] => Ok(respond::text(200, "ok")),
        ["version"] => Ok(respond::json(200, &discovery::version(&cluster.setup.version))),
        ["openapi", rest @ ..] => openapi::answer(cluster, door, rest, request.headers()),
        ["api"] => Ok(discovery::core(cluster, &accept, &header_text(request.headers(), header::HOST))),
        ["apis"] => Ok(discovery::groups(cluster, &accept)),
        ["apis", group] => discovery::group(cluster, group).or_else(unknown),
        ["api", version] => discovery::resources(cluster, "", version).or_else(unknown),
        ["apis", group, version] => discovery::resources(cluster, group, version).or_else(unknown),
        ["api", version, rest @ ..] => {
            resource(cluster, user, request, ("", version), rest, accept, tasks).await
        }
        ["apis", group, version, rest @ ..] => {
            resource(cluster, user, request, (group, version), rest, accept, tasks).await
        }
        [] => Ok(respond::json(
            200,
            &json!({"paths": ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"]}),
        )),
        _ => Ok(no_page()),
    }
}

/// What a real server says of a path that no group of its has: plain words, no Status.
fn no_page() -> Answer {
    respond::text(404, "404 page not found\n")
}

fn unknown(error: ApiError) -> Result<Answer, ApiError> {
    if error.code == 404 { Ok(no_page()) } else { Err(error) }
}

fn header_text(headers: &HeaderMap, name: header::HeaderName) -> String {
    headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
}

/// The namespace and the rest of the path.
fn place<'a>(parts: &'a [&'a str]) -> (Option<&'a str>, &'a [&'a str]) {
    match parts {
        ["namespaces", _] | ["namespaces", _, "status" | "finalize"] => (None, parts),
        ["namespaces", ns, rest @ ..] => (Some(ns), rest),
        _ => (None, parts),
    }
}

async fn resource(
    cluster: &Arc<Cluster>,
    user: &User,
    mut request: Request<Incoming>,
    (group, version): (&str, &str),
    parts: &[&str],
    accept: Accept,
    tasks: &Tasks,
) -> Result<Answer, ApiError> {
    let (ns, rest) = place(parts);
    let (plural, name, sub) = match rest {
        [plural] => (*plural, None, None),
        [plural, name] => (*plural, Some((*name).to_owned()), None),
        [plural, name, sub @ ..] => (*plural, Some((*name).to_owned()), Some(sub.join("/"))),
        [] => return Err(ApiError::no_such_path()),
    };
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let method = request.method().clone();
    let mut wish = Wish {
        verb: verb(&method, name.is_some(), sub.as_deref(), &query).to_owned(),
        group: group.to_owned(),
        resource: plural.to_owned(),
        // What is behind a proxy is not the API server's to judge.
        subresource: match sub.as_deref() {
            Some(path) if path.starts_with("proxy/") => "proxy".to_owned(),
            other => other.unwrap_or_default().to_owned(),
        },
        ns: ns.unwrap_or_default().to_owned(),
        name: name.clone().unwrap_or_default(),
    };
    if plural == "namespaces" && group.is_empty() {
        wish.ns.clone_from(&wish.name);
    }
    if let Some(kind) = discovery::review_kind(group, version, plural) {
        if method != Method::POST {
            return Err(ApiError::method_not_allowed());
        }
        let body = read_body(request.body_mut()).await?;
        return Ok(respond::json(201, &user.review(kind, parse_object(&body)?)?));
    }
    user.check(&wish)?;
    if group == "metrics.k8s.io" {
        return metrics::answer(cluster, version, plural, ns, name.as_deref(), &query, &accept);
    }
    let Some(kind) = cluster.kinds.find(group, version, plural) else {
        // A real server words an unknown resource of a group it serves otherwise than a path it does not know.
        if discovery::resources(cluster, group, version).is_ok() {
            return Err(ApiError::no_such_path());
        }
        return Ok(no_page());
    };
    if matches!(&cluster.faults.borrow().present, Some(Fault::Forbidden { resource }) if *resource == kind.resource())
        && matches!(wish.verb.as_str(), "get" | "list" | "watch")
    {
        return Err(user.refusal(&wish));
    }
    let call = Call {
        ns: ns.map(str::to_owned),
        name,
        sub,
        query,
        accept,
        method: method.clone(),
        content_type: header_text(request.headers(), header::CONTENT_TYPE),
        kind,
    };
    if call.sub.is_some() {
        return subresource::answer(cluster, &call, request, tasks).await;
    }
    if wish.verb == "watch" {
        return watch::answer(cluster, &call);
    }
    match (&method, call.name.is_some()) {
        (&Method::GET, false) => list::list(cluster, &call).await,
        (&Method::GET, true) => list::get(cluster, &call),
        (&Method::POST, false) => {
            write::create(cluster, &call, parse_object(&read_body(request.body_mut()).await?)?)
        }
        (&Method::PUT, true) => {
            write::replace(cluster, &call, parse_object(&read_body(request.body_mut()).await?)?)
        }
        (&Method::PATCH, true) => write::patch(cluster, &call, &read_body(request.body_mut()).await?),
        (&Method::DELETE, _) => {
            let body = read_body(request.body_mut()).await?;
            let options = if body.is_empty() { Value::Null } else { parse_object(&body)? };
            write::delete(cluster, &call, &options)
        }
        _ => Err(ApiError::method_not_allowed()),
    }
}

/// The verb under which a request is authorized.
fn verb(method: &Method, named: bool, sub: Option<&str>, query: &Query) -> &'static str {
    match *method {
        Method::GET if matches!(sub, Some("exec" | "attach" | "portforward")) => "create",
        Method::GET | Method::HEAD if query.flag("watch") && sub.is_none() => "watch",
        Method::GET | Method::HEAD if named => "get",
        Method::GET | Method::HEAD => "list",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if named => "delete",
        _ => "deletecollection",
    }
}

/// Reads a whole body, within bounds.
pub async fn read_body(body: &mut Incoming) -> Result<Bytes, ApiError> {
    let limited = Limited::new(body, MAX_BODY);
    let read = limited.collect().await.map_err(|error| {
        ApiError::new(
            413,
            "RequestEntityTooLarge",
            format!("Request entity too large: limit is {MAX_BODY} ({error})"),
        )
    })?;
    Ok(read.to_bytes())
}

/// A body as an object: JSON, protobuf, or YAML for those who send that.
pub fn parse_object(body: &[u8]) -> Result<Value, ApiError> {
    if body.starts_with(protobuf::MAGIC) {
        return protobuf::object(body);
    }
    serde_json::from_slice(body).or_else(|as_json| {
        let value: Result<Value, _> = serde_yaml::from_slice(body);
        value.ok().filter(Value::is_object).ok_or_else(|| {
            ApiError::bad_request(format!("couldn't get version/kind; json parse error: {as_json}"))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_namespaces() {
        assert_eq!(place(&["pods"]), (None, &["pods"][..]));
        assert_eq!(place(&["namespaces", "a"]), (None, &["namespaces", "a"][..]));
        assert_eq!(place(&["namespaces", "a", "status"]).0, None);
        assert_eq!(place(&["namespaces", "a", "pods", "x"]), (Some("a"), &["pods", "x"][..]));
    }

    #[test]
    fn verbs() {
        let quiet = Query::default();
        assert_eq!(verb(&Method::GET, false, None, &quiet), "list");
        assert_eq!(verb(&Method::GET, false, None, &Query::parse("watch=true")), "watch");
        assert_eq!(verb(&Method::GET, true, Some("log"), &quiet), "get");
        assert_eq!(verb(&Method::GET, true, Some("exec"), &quiet), "create");
        assert_eq!(verb(&Method::DELETE, false, None, &quiet), "deletecollection");
    }
}
