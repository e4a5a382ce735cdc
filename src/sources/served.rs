//! Which version of a kind's API a server serves, of those that we can read.
//!
//! Asked only when the newest one is not found: what is served everywhere costs nothing.

use std::time::Duration;

use kube::Client;
use serde::Deserialize;

use super::fetch::fetch;
use crate::connect::problem::Fault;
use crate::domain::id::Kind;
use crate::wire::lenient::{Fields, List, Text};

/// What a server says of the versions of a group.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Group {
    versions: List<Fields<GroupVersion>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct GroupVersion {
    version: Text,
}

/// What a server says of the kinds of one version of a group.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Resources {
    resources: List<Fields<Resource>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resource {
    name: Text,
}

/// The newest version of a kind that is served and that we can read; `None` when there is none.
///
/// # Errors
/// The server does not tell.
pub(super) async fn version(
    client: &Client,
    kind: Kind,
    limit: Duration,
) -> Result<Option<&'static str>, Fault> {
    let (group, newest, plural) = kind.api();
    let mut versions = vec![newest];
    if !kind.older_versions().is_empty() {
        let served = match fetch::<Group>(client, &format!("/apis/{group}"), limit).await {
            Ok(served) => served,
            Err(Fault::NotFound(_)) => return Ok(None),
            Err(fault) => return Err(fault),
        };
        versions.extend(kind.older_versions());
        versions.retain(|version| served.versions.iter().any(|entry| *entry.version == **version));
    }
    for version in versions {
        // A version of the group need not have every kind of it.
        match fetch::<Resources>(client, &format!("/apis/{group}/{version}"), limit).await {
            Ok(kinds) if kinds.resources.iter().any(|resource| *resource.name == *plural) => {
                return Ok(Some(version));
            }
            Ok(_) | Err(Fault::NotFound(_)) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(None)
}
