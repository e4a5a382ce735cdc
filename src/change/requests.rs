//! One request, its answer, within a time limit: the answer whole, whatever its code. Bodies are never logged.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http_body_util::{BodyExt, Limited};
use kube::Client;
use kube::client::Body;
use kube::core::Status;
use serde_json::Value;
use tokio::time::timeout;

use crate::connect::problem::Fault;

/// What a server answered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reply {
    /// HTTP code.
    pub(super) code: u16,
    /// The body, null when it was no JSON.
    pub(super) body: Value,
    /// Seconds after which the server wants to be asked again.
    pub(super) retry_after: Option<u64>,
}

impl Reply {
    /// Whether it was done.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// Why it was not, in one clean sentence.
    pub(super) fn fault(&self) -> Fault {
        let said: Option<Status> = serde_json::from_value(self.body.clone()).ok();
        Fault::of_status(&said.unwrap_or_else(|| Status::failure("", "")).with_code(self.code))
    }
}

/// Bytes of an answer that is no success which are read, where only the code is wanted.
const MOST: usize = 64 * 1024;

/// Sends a request for its code alone: of a success no body is read, of anything else no more than a Status needs.
///
/// # Errors
/// No answer came.
pub(super) async fn send_for_code(
    client: &Client,
    request: http::Request<Body>,
    limit: Duration,
) -> Result<Reply, Fault> {
    let answer = async {
        let response = client.send(request).await.map_err(|error| Fault::of(&error))?;
        let code = response.status().as_u16();
        let mut body = Value::Null;
        if code >= 400
            && let Ok(read) = Limited::new(response.into_body(), MOST).collect().await
        {
            body = serde_json::from_slice(&read.to_bytes()).unwrap_or_default();
        }
        Ok(Reply { code, body, retry_after: None })
    };
    timeout(limit, answer).await.unwrap_or_else(|_| Err(Fault::timed_out(limit)))
}

/// Sends a request and takes its answer.
///
/// # Errors
/// No whole answer came: whether the request was done is not known.
pub(super) async fn send(
    client: &Client,
    request: http::Request<Body>,
    limit: Duration,
) -> Result<Reply, Fault> {
    let answer = async {
        let response = client.send(request).await.map_err(|error| Fault::of(&error))?;
        let code = response.status().as_u16();
        let retry_after =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let body = response.into_body().collect().await.map_err(|error| Fault::of(&error))?.to_bytes();
        Ok(Reply { code, body: serde_json::from_slice(&body).unwrap_or_default(), retry_after })
    };
    timeout(limit, answer).await.unwrap_or_else(|_| Err(Fault::timed_out(limit)))
}
