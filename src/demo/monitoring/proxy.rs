//! The API server's service proxy, as far as it leads to the demo's own servers: finds the Service, its port and a
//! ready pod behind it, and hands the request to what that pod runs. Refuses in the API server's words otherwise.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, header};
use jiff::Timestamp;
use serde_json::Value;

use super::prometheus::Body;
use super::{Monitoring, alertmanager, prometheus};
use crate::demo::controllers::pods;
use crate::demo::error::ApiError;
use crate::demo::json::{int, items, map, selects_plain, text};
use crate::demo::query::Query;
use crate::demo::respond::{self, Answer};
use crate::demo::store::Store;

/// What a pod of the platform speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// Prometheus.
    Prometheus,
    /// Alertmanager.
    Alertmanager,
}

/// A request to a server behind the proxy.
#[derive(Debug)]
pub struct Asked {
    /// The method.
    pub method: Method,
    /// The path below the server's root, without a slash before it.
    pub path: String,
    /// The parameters of the URL.
    pub query: Query,
    /// Whether the body is a form.
    pub form: bool,
    /// The body.
    pub body: Bytes,
}

/// Which server a Service leads to. `name` is as in the path: `[scheme:]service[:port]`.
pub fn find(store: &Store, ns: &str, name: &str) -> Result<Server, ApiError> {
    let parts: Vec<&str> = name.split(':').collect();
    let (scheme, service, port) = match parts.as_slice() {
        [service] => ("", *service, ""),
        [service, port] => ("", *service, *port),
        [scheme, service, port] => (*scheme, *service, *port),
        _ => return Err(ApiError::bad_request(format!("invalid service request {name:?}"))),
    };
    let object =
        store.get("services", ns, service).ok_or_else(|| ApiError::not_found("services", service))?;
    let unavailable = |words: String| ApiError::new(503, "ServiceUnavailable", words);
    let ports = items(&object, "/spec/ports");
    let fits = |p: &&Value| match port {
        "" => ports.len() == 1,
        port => text(p, "/name") == port || int(p, "/port").to_string() == port,
    };
    if !ports.iter().any(|p| fits(&p)) {
        return Err(unavailable(format!("no service port {port:?} found for service {service:?}")));
    }
    let selector = map(&object, "/spec/selector");
    let behind = store.list("pods", Some(ns)).into_iter().find(|pod| {
        selector.is_some() && selects_plain(selector, map(pod, "/metadata/labels")) && pods::ready(pod)
    });
    let pod = behind.ok_or_else(|| unavailable(format!("no endpoints available for service {name:?}")))?;
    let unreachable = |why: &str| unavailable(format!("error trying to reach service: {why}"));
    if scheme == "https" {
        return Err(unreachable("tls: first record does not look like a TLS handshake"));
    }
    let image = text(&pod, "/spec/containers/0/image").to_owned();
    if image.contains("/prometheus:") {
        Ok(Server::Prometheus)
    } else if image.contains("/alertmanager:") {
        Ok(Server::Alertmanager)
    } else {
        Err(unreachable(&format!("dial tcp {}: connect: connection refused", text(&pod, "/status/podIP"))))
    }
}

/// Answers as the server does.
pub async fn answer(monitoring: Arc<Monitoring>, server: Server, asked: Asked) -> Answer {
    // Queries compute; connections do not wait for them.
    let answered = tokio::task::spawn_blocking(move || serve(&monitoring, server, &asked)).await;
    answered.unwrap_or_else(|error| respond::text(500, error.to_string()))
}

fn serve(monitoring: &Monitoring, server: Server, asked: &Asked) -> Answer {
    let now = Timestamp::now().as_millisecond();
    let path = asked.path.trim_end_matches('/');
    match server {
        Server::Alertmanager => {
            let (method, query) = (&asked.method, &asked.query);
            match alertmanager::answer(monitoring, method, path, query, &asked.body, now) {
                (code, Body::Json(body)) => respond::json(code, &body),
                (code, Body::Text(body)) => respond::text(code, body),
            }
        }
        Server::Prometheus => {
            if !matches!(asked.method, Method::GET | Method::POST | Method::HEAD) {
                let mut answer = respond::text(405, "Method Not Allowed\n");
                answer
                    .headers_mut()
                    .insert(header::ALLOW, header::HeaderValue::from_static("GET, OPTIONS, POST"));
                return answer;
            }
            let form =
                if asked.form { String::from_utf8_lossy(&asked.body).into_owned() } else { String::new() };
            let query = asked.query.clone().and(Query::parse(&form));
            match prometheus::answer(monitoring, path, &query, now) {
                Some((code, Body::Json(body))) => respond::json(code, &body),
                Some((code, Body::Text(body))) => respond::text(code, body),
                None => respond::text(404, "404 page not found\n"),
            }
        }
    }
}
