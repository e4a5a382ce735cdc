//! Events of an object, and for a workload also those of what it made: ReplicaSets, Jobs and pods.

use std::collections::HashSet;
use std::time::Duration;

use kube::Client;
use serde::Deserialize;

use super::fetch::{fetch, fetch_metadata};
use super::object::{collection, query_text};
use crate::connect::problem::Fault;
use crate::domain::id::{Kind, ObjectRef, Uid};
use crate::msg::EventFact;
use crate::wire::event::{WireEvent, WireEvents};
use crate::wire::lenient::{Fields, Flag, List, Text};

/// Events of a namespace that are looked through for a workload's, at most.
const MOST: usize = 5_000;

/// Reads the events, newest last.
///
/// # Errors
/// They are not to be had.
pub(super) async fn read(
    client: &Client,
    object: &ObjectRef,
    limit: Duration,
) -> Result<Vec<EventFact>, Fault> {
    let found = if object.kind.is_workload() {
        let family = family(client, object, limit).await?;
        let all = pages(client, &format!("/api/v1/namespaces/{}/events", object.namespace), limit).await?;
        all.into_iter().filter(|event| family.has(event)).collect()
    } else {
        // Kubelets write a node's events with its name as uid, and those of a static pod with a hash: both are found
        // by name.
        let fields = match object.kind {
            Kind::Node | Kind::Pod => {
                format!("involvedObject.kind={},involvedObject.name={}", object.kind.word(), object.name)
            }
            _ => format!("involvedObject.uid={}", object.uid),
        };
        let base = match object.kind.namespaced() {
            true => format!("/api/v1/namespaces/{}/events", object.namespace),
            false => "/api/v1/events".to_owned(),
        };
        let found = pages(client, &format!("{base}?fieldSelector={}", query_text(&fields)), limit).await?;
        found
            .into_iter()
            .filter(|event| object.kind != Kind::Pod || is_of_pod(event, object))
            .collect::<Vec<_>>()
    };
    let mut facts: Vec<EventFact> = found.into_iter().map(WireEvent::fact).collect();
    facts.sort_by_key(|fact| (fact.last, fact.first));
    Ok(facts)
}

/// Whether an event is about this very pod, and not about one before it that had the same name.
fn is_of_pod(event: &WireEvent, pod: &ObjectRef) -> bool {
    let (_, _, uid) = event.about();
    Uid::parse(uid) == pod.uid || !uid.contains('-')
}

async fn pages(client: &Client, path: &str, limit: Duration) -> Result<Vec<WireEvent>, Fault> {
    let mark = if path.contains('?') { '&' } else { '?' };
    let mut found = Vec::new();
    let mut next = String::new();
    loop {
        let page: WireEvents = fetch(client, &format!("{path}{mark}limit=500{next}"), limit).await?;
        let token = page.next().to_owned();
        found.extend(page.into_items());
        if token.is_empty() || found.len() >= MOST {
            return Ok(found);
        }
        next = format!("&continue={}", query_text(&token));
    }
}

/// What belongs to a workload: itself, and all that it owns, by uid; pods also by the names that ReplicaSets and
/// Jobs give them, since events outlive their pods.
struct Family {
    uids: HashSet<String>,
    pod_prefixes: Vec<String>,
}

impl Family {
    fn has(&self, event: &WireEvent) -> bool {
        let (kind, name, uid) = event.about();
        self.uids.contains(uid)
            || (kind == "Pod" && self.pod_prefixes.iter().any(|prefix| name.starts_with(prefix)))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Owned {
    items: List<Fields<OwnedItem>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OwnedItem {
    metadata: Fields<OwnedMeta>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct OwnedMeta {
    name: Text,
    uid: Text,
    owner_references: List<Fields<Owner>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Owner {
    uid: Text,
    controller: Flag,
}

async fn family(client: &Client, object: &ObjectRef, limit: Duration) -> Result<Family, Fault> {
    let own = object.uid.to_string();
    let mut family = Family { uids: HashSet::from([own]), pod_prefixes: Vec::new() };
    let between = match object.kind {
        Kind::Deployment | Kind::Rollout => Some(Kind::ReplicaSet),
        Kind::CronJob => Some(Kind::Job),
        _ => None,
    };
    if let Some(between) = between {
        for name in family.adopt(client, between, object, limit).await? {
            family.pod_prefixes.push(format!("{name}-"));
        }
    } else {
        family.adopt(client, Kind::Pod, object, limit).await?;
    }
    Ok(family)
}

impl Family {
    /// Adds the objects of a kind that the family owns; gives their names.
    async fn adopt(
        &mut self,
        client: &Client,
        kind: Kind,
        object: &ObjectRef,
        limit: Duration,
    ) -> Result<Vec<String>, Fault> {
        let owned: Owned = fetch_metadata(client, &collection(kind, &object.namespace), limit).await?;
        let mut names = Vec::new();
        for item in owned.items.0 {
            let meta = item.0.metadata.0;
            let ours =
                |owner: &Fields<Owner>| owner.controller.is_true() && self.uids.contains(owner.uid.as_str());
            if meta.owner_references.iter().any(ours) {
                self.uids.insert(meta.uid.0);
                names.push(meta.name.0);
            }
        }
        Ok(names)
    }
}
