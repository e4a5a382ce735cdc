//! What the Argo CD API server adds to an Application: its resource tree with health and orphans, who wrote the newest
//! revision, and what Git wants of each object.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::connect::problem::Fault;
use crate::connect::upstream::{Client, Limits};
use crate::domain::id::{Name, ObjectRef};
use crate::domain::sync_detail::{AppDetail, Found, ResourceId, ServerFacts};
use crate::domain::upstream::Upstream;
use crate::wire::argocd_detail::{WireCommit, WireTree};
use crate::wire::lenient::{Fields, List, Text};
use crate::wire::sync_diff;

/// One application on its server.
pub(super) struct Server<'a> {
    client: Client,
    app: &'a ObjectRef,
    project: &'a str,
}

impl<'a> Server<'a> {
    /// Nothing is asked yet. Without its project a missing application is answered as a refusal.
    pub(super) fn new(
        upstream: Arc<Upstream>,
        app: &'a ObjectRef,
        project: &'a str,
        limit: Duration,
    ) -> Server<'a> {
        let limits = Limits { answer: limit, ..Limits::default() };
        Server { client: Client::new(upstream, None, limits), app, project }
    }

    async fn get<T: DeserializeOwned>(&self, below: &str) -> Result<T, Fault> {
        let path = format!("/api/v1/applications/{}/{below}", self.app.name);
        let mut query = vec![("appNamespace", &*self.app.namespace)];
        if !self.project.is_empty() {
            query.push(("project", self.project));
        }
        let reply = self.client.get(&path, &query).await?;
        if reply.is_good() {
            return reply.json();
        }
        let said = reply.json::<Refusal>().map(|refusal| refusal.message.0).unwrap_or_default();
        let words = crate::connect::problem::first_line(&said);
        let words = if words.is_empty() { "no reason given".to_owned() } else { words };
        Err(match reply.status {
            404 => Fault::NotFound(words),
            status => Fault::Server(format!("Argo CD answered {status}: {words}")),
        })
    }

    /// The tree, and who wrote the newest revision.
    ///
    /// # Errors
    /// The tree is not to be had. Without a commit the rest is still worth having.
    pub(super) async fn facts(&self, app: &AppDetail) -> Result<ServerFacts, Fault> {
        let (nodes, orphans) = self.get::<WireTree>("resource-tree").await?.facts();
        let commit = match (app.revisions.as_slice(), app.sources.as_slice()) {
            // Charts have no commits, and several sources each their own.
            ([revision], [source]) if source.chart.is_empty() => {
                match self.get::<WireCommit>(&format!("revisions/{}/metadata", segment(revision))).await {
                    Ok(commit) => Some(commit.fact(revision)),
                    Err(fault) => {
                        tracing::debug!("the commit {revision} is not told: {}", fault.words());
                        None
                    }
                }
            }
            _ => None,
        };
        Ok(ServerFacts { nodes, orphans, commit })
    }

    /// How every object differs from what Git wants.
    ///
    /// # Errors
    /// It is not to be had.
    pub(super) async fn differences(&self) -> Result<HashMap<ResourceId, Found>, Fault> {
        let managed: Managed = self.get("managed-resources").await?;
        Ok(managed.items.0.into_iter().map(|item| item.0.compare()).collect())
    }
}

/// A text as one segment of a path.
fn segment(text: &str) -> String {
    super::object::query_text(text)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    message: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Managed {
    items: List<Fields<Item>>,
}

/// Objects come as JSON in texts; `null` is one that is not there.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Item {
    group: Text,
    kind: Text,
    namespace: Text,
    name: Text,
    normalized_live_state: Text,
    predicted_live_state: Text,
    live_state: Text,
    target_state: Text,
}

impl Item {
    fn compare(&self) -> (ResourceId, Found) {
        let name = |text: &Text| -> Name { crate::text::clean(text).into() };
        let id = ResourceId {
            group: name(&self.group),
            kind: name(&self.kind),
            namespace: name(&self.namespace),
            name: name(&self.name),
        };
        let object = |text: &Text| serde_json::from_str::<Value>(text).ok().filter(|value| value.is_object());
        let either = |one: &Text, other: &Text| object(one).or_else(|| object(other));
        let (target, live) = (object(&self.target_state), object(&self.live_state));
        // An object that is not wanted any more has no prediction worth comparing.
        let wanted = target.and_then(|target| object(&self.predicted_live_state).or(Some(target)));
        let live = live.and_then(|_| either(&self.normalized_live_state, &self.live_state));
        (id, sync_diff::of_server(wanted.as_ref(), live.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn managed_resources_are_compared_as_the_server_predicts() {
        let managed: Managed = serde_json::from_value(json!({"items": [
            {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "cart",
                "targetState": "{\"spec\":{\"replicas\":3}}", "liveState": "{\"spec\":{\"replicas\":5,\"x\":1}}",
                "normalizedLiveState": "{\"spec\":{\"replicas\":5,\"x\":1}}",
                "predictedLiveState": "{\"spec\":{\"replicas\":3,\"x\":1}}"},
            {"kind": "ConfigMap", "name": "new", "targetState": "{}", "liveState": "null"},
            {"kind": "ConfigMap", "name": "old", "targetState": "null", "liveState": "{\"data\":{}}"},
            {"kind": "ConfigMap", "name": "odd", "targetState": 5}]}))
        .unwrap();
        let found: Vec<Found> = managed.items.0.into_iter().map(|item| item.0.compare().1).collect();
        let Found::Git(changes) = &found[0] else { panic!("{found:?}") };
        assert_eq!(changes.len(), 1);
        assert_eq!((changes[0].path.as_str(), changes[0].live.as_deref()), ("spec.replicas", Some("5")));
        assert_eq!(found[1..], [Found::Missing, Found::Extra, Found::Untold]);
    }
}
