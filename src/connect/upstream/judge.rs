//! Tells an answer of a server's own API from what others put in its place: login pages, gateways, the API server.

use kube::core::Status;

use super::Reply;
use crate::connect::problem::{Fault, first_line};
use crate::domain::upstream::{Server, Upstream};

/// An answer that came straight from the URL.
pub(super) fn direct(server: Server, reply: Reply) -> Result<Reply, Fault> {
    let key = server.key();
    match reply.status {
        401 => Err(Fault::Unauthorized(format!(
            "it asks for credentials (401){}: see {key}.bearerTokenFile, basicAuth and headers",
            said(&reply)
        ))),
        403 => Err(Fault::Forbidden(format!("it refuses these credentials (403){}", said(&reply)))),
        _ => no_page(server, reply),
    }
}

/// An answer that came through the service proxy: the API server's own refusals are a Status.
pub(super) fn proxied(upstream: &Upstream, reply: Reply) -> Result<Reply, Fault> {
    let at = upstream.address.words();
    if reply.is_good() {
        return no_page(upstream.server, reply);
    }
    if (300..400).contains(&reply.status) {
        return Err(Fault::Unauthorized(format!(
            "the Service {at} redirects, to a login page perhaps; write {}.url with its credentials",
            upstream.server.key()
        )));
    }
    let Some(status) = status_of(&reply) else {
        return match reply.status {
            401 | 403 => Err(Fault::Unauthorized(format!(
                "the Service {at} asks for credentials of its own ({}), which the API server's proxy does not pass \
                 on; write {}.url with bearerTokenFile or basicAuth",
                reply.status,
                upstream.server.key()
            ))),
            _ => no_page(upstream.server, reply),
        };
    };
    Err(match Fault::of_status(&status.with_code(reply.status)) {
        Fault::Forbidden(message) => Fault::Forbidden(format!(
            "{message}; the right `get` on `services/proxy` is needed, or {}.url",
            upstream.server.key()
        )),
        Fault::NotFound(message) => Fault::NotFound(message),
        Fault::Server(message) => {
            Fault::Server(format!("the API server cannot reach the Service {at}: {message}"))
        }
        other => other,
    })
}

fn status_of(reply: &Reply) -> Option<Status> {
    #[derive(serde::Deserialize)]
    struct Kind {
        kind: String,
    }
    let kind: Kind = serde_json::from_slice(&reply.body).ok()?;
    (kind.kind == "Status").then(|| serde_json::from_slice(&reply.body).ok()).flatten()
}

fn no_page(server: Server, reply: Reply) -> Result<Reply, Fault> {
    if !is_page(&reply.body) {
        return Ok(reply);
    }
    if reply.is_good() {
        return Err(Fault::Garbled(format!(
            "a web page came instead of an answer of {}: a login page perhaps, or the URL lacks a path",
            server.word()
        )));
    }
    Err(Fault::Server(format!("{} (a web page, of a gateway perhaps)", status_words(reply.status))))
}

/// Whether a body is HTML, by how it begins.
fn is_page(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    body.trim_ascii_start().first() == Some(&b'<')
}

/// `502 Bad Gateway`
pub(super) fn status_words(status: u16) -> String {
    let reason = http::StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason());
    reason.map_or_else(|| format!("status {status}"), |reason| format!("{status} {reason}"))
}

pub(super) fn too_large(most: usize) -> Fault {
    Fault::TooLarge(format!("the answer is larger than {} MiB, which is not read", most >> 20))
}

/// The first line of a short plain answer, in front of which a colon stands.
fn said(reply: &Reply) -> String {
    if is_page(&reply.body) || reply.body.len() > 400 {
        return String::new();
    }
    match first_line(&String::from_utf8_lossy(&reply.body)) {
        text if text.is_empty() => text,
        text => format!(": {text}"),
    }
}
