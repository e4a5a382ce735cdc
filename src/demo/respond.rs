//! Answers: JSON bodies, errors as Status, and bodies that are written while they are sent. Used by every route.

use std::convert::Infallible;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use serde_json::Value;

use super::error::ApiError;

/// The body of an answer.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;
/// An answer.
pub type Answer = Response<Body>;

/// JSON text with a status code.
pub fn bytes(code: u16, content_type: &str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body).boxed_unsync());
    *answer.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    content(&mut answer, content_type);
    answer
}

fn content(answer: &mut Answer, content_type: &str) {
    if let Ok(value) = HeaderValue::from_str(content_type) {
        answer.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
}

/// A JSON value with a status code.
pub fn json(code: u16, value: &Value) -> Answer {
    bytes(code, "application/json", Bytes::from(value.to_string()))
}

/// Plain text.
pub fn text(code: u16, body: impl Into<String>) -> Answer {
    bytes(code, "text/plain; charset=utf-8", Bytes::from(body.into()))
}

/// A refusal.
pub fn error(error: &ApiError) -> Answer {
    let mut answer = json(error.code, &error.status());
    if let Some(seconds) = error.retry_after {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

/// A body made of pieces that are asked for as the connection takes them.
pub fn stream(content_type: &str, pieces: impl Stream<Item = Bytes> + Send + 'static) -> Answer {
    let frames = pieces.map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
    let mut answer = Response::new(StreamBody::new(frames).boxed_unsync());
    content(&mut answer, content_type);
    answer
}
