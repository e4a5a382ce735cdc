//! The health of delivered objects whose kinds are not watched, or of which the watch keeps too little: each is read.

use std::time::Duration;

use kube::Client;
use serde_json::Value;

use super::fetch::fetch;
use crate::connect::problem::Fault;
use crate::domain::sync_detail::{LiveHealth, Lookup, ResourceId};
use crate::wire::live_health;

/// Most objects that are read for one question.
const MOST: usize = 60;

/// Reads them. One that cannot be read says so in its place; one that is not there has no health.
pub(super) async fn read(
    client: &Client,
    wanted: &[ResourceId],
    limit: Duration,
) -> Vec<(ResourceId, Lookup<LiveHealth>)> {
    let mut found = Vec::new();
    for id in wanted.iter().take(MOST) {
        let Some(path) = id.read_at() else { continue };
        let health = match fetch::<Value>(client, &path, limit).await {
            Ok(live) => Lookup::Known(live_health::of_live(live)),
            Err(Fault::NotFound(_)) => Lookup::None,
            Err(fault) => Lookup::Refused(fault.words().to_owned()),
        };
        found.push((id.clone(), health));
    }
    found
}
