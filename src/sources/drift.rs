//! How delivered objects differ from what they should be: each is read live, of whatever kind it is.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use serde::Deserialize;
use serde_json::Value;

use super::argocd_server::Server;
use super::fetch::fetch;
use super::object;
use crate::connect::problem::Fault;
use crate::domain::id::Name;
use crate::domain::sync_detail::{Differences, Found, ObjectDiff, ResourceId};
use crate::effect::DriftRequest;
use crate::wire::sync_diff;

/// Most objects that are read for one question; the API server tells of all at once.
const MOST: usize = 40;

/// Compares. An object that cannot be read says so in its place.
///
/// # Errors
/// The API server tells nothing, and no connection leads to the objects.
pub(super) async fn read(
    client: &Client,
    wanted: &DriftRequest,
    limit: Duration,
) -> Result<Differences, Fault> {
    let of = wanted.objects.len();
    // The server knows what Git wants; without it each object tells what was applied.
    let without_server = match &wanted.server {
        Some(upstream) => {
            match Server::new(Arc::clone(upstream), &wanted.app, "", limit).differences().await {
                Ok(found) => {
                    let told = |id: &ResourceId| found.get(id).cloned().unwrap_or(Found::Unlisted);
                    let objects = wanted.objects.iter();
                    let objects =
                        objects.map(|(id, _)| ObjectDiff { id: id.clone(), found: told(id) }).collect();
                    return Ok(Differences { objects, of, without_server: None });
                }
                Err(fault) if wanted.cluster.is_none() => return Err(fault),
                Err(fault) => Some(fault.words().to_owned()),
            }
        }
        None => None,
    };
    let mut plurals = Plurals::default();
    let mut objects = Vec::new();
    for (id, version) in wanted.objects.iter().take(MOST) {
        let found = match plurals.path(client, id, version, limit).await {
            Ok(path) => match fetch::<Value>(client, &path, limit).await {
                Ok(live) => sync_diff::of_live(&live),
                Err(Fault::NotFound(_)) => Found::Missing,
                Err(fault) => Found::Refused(fault.words().to_owned()),
            },
            Err(fault) => Found::Refused(fault.words().to_owned()),
        };
        objects.push(ObjectDiff { id: id.clone(), found });
    }
    Ok(Differences { objects, of, without_server })
}

/// The plurals of kinds that are not ours, asked of discovery once a group and version.
#[derive(Default)]
struct Plurals {
    known: HashMap<(Name, String), Vec<ApiResource>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct ApiResources {
    #[serde(default)]
    resources: Vec<ApiResource>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ApiResource {
    name: String,
    kind: String,
    namespaced: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ApiGroup {
    preferred_version: GroupVersion,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct GroupVersion {
    version: String,
}

impl Plurals {
    /// The path of an object of any kind.
    async fn path(
        &mut self,
        client: &Client,
        id: &ResourceId,
        version: &Name,
        limit: Duration,
    ) -> Result<String, Fault> {
        if let Some(kind) = id.known_kind() {
            return Ok(format!("{}/{}", object::collection(kind, &id.namespace), id.name));
        }
        let version = match (version.is_empty(), id.group.is_empty()) {
            (false, _) => version.to_string(),
            (true, true) => "v1".to_owned(),
            (true, false) => {
                fetch::<ApiGroup>(client, &format!("/apis/{}", id.group), limit)
                    .await?
                    .preferred_version
                    .version
            }
        };
        let base = match id.group.is_empty() {
            true => format!("/api/{version}"),
            false => format!("/apis/{}/{version}", id.group),
        };
        let key = (id.group.clone(), version);
        if !self.known.contains_key(&key) {
            let found = fetch::<ApiResources>(client, &base, limit).await?;
            self.known.insert(key.clone(), found.resources);
        }
        let resources = self.known.get(&key).map(Vec::as_slice).unwrap_or_default();
        let found = resources.iter().find(|found| *found.kind == *id.kind && !found.name.contains('/'));
        let found = found.ok_or_else(|| {
            Fault::NotFound(format!("the server does not serve {} of {}", id.kind, group_words(&id.group)))
        })?;
        Ok(match found.namespaced && !id.namespace.is_empty() {
            true => format!("{base}/namespaces/{}/{}/{}", id.namespace, found.name, id.name),
            false => format!("{base}/{}/{}", found.name, id.name),
        })
    }
}

fn group_words(group: &str) -> &str {
    if group.is_empty() { "the core API" } else { group }
}
