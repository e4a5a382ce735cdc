//! Asks a server behind the service proxy of a cluster's API server.

use http::HeaderMap;
use http_body_util::BodyExt;
use kube::client::Body;

use super::{Limits, Question, Reply, judge};
use crate::connect::problem::Fault;
use crate::domain::upstream::{Address, Upstream};

/// Headers that are the API server's own affair.
const NOT_PASSED_ON: [http::HeaderName; 2] = [http::header::AUTHORIZATION, http::header::USER_AGENT];

pub(super) async fn ask(
    client: &kube::Client,
    upstream: &Upstream,
    limits: &Limits,
    headers: HeaderMap,
    question: Question<'_>,
) -> Result<Reply, Fault> {
    let path = path(&upstream.address, &question);
    let mut request = http::Request::builder()
        .method(question.method)
        .uri(path)
        .body(Body::empty())
        .map_err(|error| Fault::Invalid(format!("no request can be made of this: {error}")))?;
    let passed = headers.into_iter().filter_map(|(name, value)| Some((name?, value)));
    request.headers_mut().extend(passed.filter(|(name, _)| !NOT_PASSED_ON.contains(name)));
    let response = client.send(request).await.map_err(|error| Fault::of(&error))?;
    let (status, date) = (response.status().as_u16(), super::date_of(response.headers()));
    let mut incoming = response.into_body();
    let mut body = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| Fault::of(&error))?;
        let Some(piece) = frame.data_ref() else { continue };
        if body.len() + piece.len() > limits.body {
            return Err(judge::too_large(limits.body));
        }
        body.extend_from_slice(piece);
    }
    judge::proxied(upstream, Reply { status, body: body.into(), date })
}

/// `/api/v1/namespaces/NS/services/[https:]NAME:PORT/proxy/...`
fn path(address: &Address, question: &Question<'_>) -> String {
    let Address::Service { namespace, name, port, tls, prefix, .. } = address else { return String::new() };
    let scheme = if *tls { "https:" } else { "" };
    let mark = if question.query.is_empty() { "" } else { "?" };
    format!(
        "/api/v1/namespaces/{namespace}/services/{scheme}{name}:{port}/proxy{prefix}{}{mark}{}",
        question.path, question.query
    )
}
