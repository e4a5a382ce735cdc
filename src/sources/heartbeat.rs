//! Whether a cluster answers, and what it says of itself.

use std::time::Duration;

use kube::Client;
use serde::Deserialize;

use super::fetch::fetch;
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
