//! Whether a cluster answers, and what it says of itself.

use std::time::Duration;

use http_body_util::BodyExt;
use kube::Client;
use serde::Deserialize;
use tokio::time::timeout;

use crate::connect::client::get;
use crate::connect::problem::Fault;
use crate::text::clean;
use crate::wire::lenient::{Fields, Text};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Version {
    git_version: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Object {
    metadata: Fields<Identity>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Identity {
    uid: Text,
}

/// Asks for `/version`: `gitVersion`, clean.
pub(super) async fn version(client: &Client, limit: Duration) -> Result<String, Fault> {
    let version: Version = fetch(client, "/version", limit).await?;
    Ok(clean(&version.git_version).into_owned())
}

/// The uid of the namespace kube-system, which identifies a cluster.
pub(super) async fn cluster_uid(client: &Client, limit: Duration) -> Result<String, Fault> {
    let object: Object = fetch(client, "/api/v1/namespaces/kube-system", limit).await?;
    Ok(clean(&object.metadata.uid).into_owned())
}

/// Whether anything at all may be read: pods of the whole cluster or of one of these namespaces.
pub(super) async fn may_read(
    client: &Client,
    namespaces: &[crate::domain::id::Name],
    limit: Duration,
) -> bool {
    let mut paths = vec!["/api/v1/pods?limit=1".to_owned()];
    paths.extend(namespaces.iter().map(|namespace| format!("/api/v1/namespaces/{namespace}/pods?limit=1")));
    for path in paths {
        if fetch::<serde::de::IgnoredAny>(client, &path, limit).await.is_ok() {
            return true;
        }
    }
    false
}

/// A small JSON answer within a time limit. The body is never logged.
pub(super) async fn fetch<T: serde::de::DeserializeOwned>(
    client: &Client,
    path: &str,
    limit: Duration,
) -> Result<T, Fault> {
    let body = fetch_bytes(client, path, limit).await?;
    serde_json::from_slice(&body).map_err(|error| Fault::of(&kube::Error::SerdeError(error)))
}

/// The body of a successful answer.
pub(super) async fn fetch_bytes(client: &Client, path: &str, limit: Duration) -> Result<bytes::Bytes, Fault> {
    let request = get(path)?;
    let answer = async {
        let response = client.send(request).await.map_err(|error| Fault::of(&error))?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(|error| Fault::of(&error))?.to_bytes();
        if status.is_success() {
            return Ok(body);
        }
        let said: Option<kube::core::Status> = serde_json::from_slice(&body).ok();
        let said = said.unwrap_or_else(|| {
            let text = String::from_utf8_lossy(&body);
            kube::core::Status::failure(text.lines().next().unwrap_or_default(), "")
        });
        Err(Fault::of_status(&said.with_code(status.as_u16())))
    };
    timeout(limit, answer).await.unwrap_or_else(|_| Err(Fault::timed_out(limit)))
}
