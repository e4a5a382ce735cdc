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
    // Why the rest is not read: a cluster that does not answer is not asked for each of them.
    let mut given_up = None;
    for (nth, id) in wanted.iter().enumerate() {
        let Some(path) = id.read_at() else { continue };
        if nth >= MOST && given_up.is_none() {
            given_up = Some(format!("not read: it is one of more than {MOST} objects"));
        }
        let health = match &given_up {
            Some(why) => Lookup::Refused(why.clone()),
            None => match fetch::<Value>(client, &path, limit).await {
                Ok(live) => Lookup::Known(live_health::of_live(live)),
                Err(Fault::NotFound(_)) => Lookup::None,
                Err(fault) => {
                    let words = fault.words().to_owned();
                    if matches!(fault, Fault::Unreachable(_) | Fault::Unauthorized(_)) {
                        given_up = Some(words.clone());
                    }
                    Lookup::Refused(words)
                }
            },
        };
        found.push((id.clone(), health));
    }
    found
}
