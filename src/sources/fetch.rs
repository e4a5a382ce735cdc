//! One request, one answer, within a time limit. Bodies are never logged: they may be Secrets.

use std::time::Duration;

use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use tokio::time::timeout;

use crate::connect::client::get;
use crate::connect::problem::Fault;

/// A small JSON answer.
pub(super) async fn fetch<T: serde::de::DeserializeOwned>(
    client: &Client,
    path: &str,
    limit: Duration,
) -> Result<T, Fault> {
    let body = fetch_bytes(client, path, limit).await?;
    serde_json::from_slice(&body).map_err(|error| Fault::of(&kube::Error::SerdeError(error)))
}

/// A list of which only the metadata is sent, by servers that can do so.
pub(super) async fn fetch_metadata<T: serde::de::DeserializeOwned>(
    client: &Client,
    path: &str,
    limit: Duration,
) -> Result<T, Fault> {
    let mut request = get(path)?;
    let accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json";
    request.headers_mut().insert(http::header::ACCEPT, http::HeaderValue::from_static(accept));
    let body = send(client, request, limit).await?;
    serde_json::from_slice(&body).map_err(|error| Fault::of(&kube::Error::SerdeError(error)))
}

/// The body of a successful answer.
pub(super) async fn fetch_bytes(client: &Client, path: &str, limit: Duration) -> Result<Vec<u8>, Fault> {
    send(client, get(path)?, limit).await
}

async fn send(client: &Client, request: http::Request<Body>, limit: Duration) -> Result<Vec<u8>, Fault> {
    let answer = async {
        let response = client.send(request).await.map_err(|error| Fault::of(&error))?;
        if !response.status().is_success() {
            return Err(refusal(response, limit).await);
        }
        whole(response.into_body()).await
    };
    timeout(limit, answer).await.unwrap_or_else(|_| Err(Fault::timed_out(limit)))
}

/// Hands the body of a successful answer on as it comes in, part by part.
pub(super) async fn fetch_parts(
    client: &Client,
    path: &str,
    limit: Duration,
    mut take: impl FnMut(&[u8]) -> Result<(), serde_json::Error>,
) -> Result<(), Fault> {
    let answer = async {
        let response = client.send(get(path)?).await.map_err(|error| Fault::of(&error))?;
        if !response.status().is_success() {
            return Err(refusal(response, limit).await);
        }
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.map_err(|error| Fault::of(&error))?.into_data() {
                take(&data).map_err(|error| Fault::of(&kube::Error::SerdeError(error)))?;
            }
        }
        Ok(())
    };
    timeout(limit, answer).await.unwrap_or_else(|_| Err(Fault::timed_out(limit)))
}

/// A body in one piece. Part by part: collected first and joined then, it would be held twice.
async fn whole(mut body: Body) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|error| Fault::of(&error))?.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes)
}

/// What an answer that is no success says.
pub(super) async fn refusal(response: http::Response<Body>, limit: Duration) -> Fault {
    let code = response.status().as_u16();
    let body = match timeout(limit, response.into_body().collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) => return Fault::of(&error),
        Err(_) => return Fault::timed_out(limit),
    };
    let said: Option<kube::core::Status> = serde_json::from_slice(&body).ok();
    let said = said.unwrap_or_else(|| {
        let text = String::from_utf8_lossy(&body);
        kube::core::Status::failure(text.lines().next().unwrap_or_default(), "")
    });
    Fault::of_status(&said.with_code(code))
}
