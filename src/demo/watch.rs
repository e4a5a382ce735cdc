//! Watching: the changes of a kind from a version on, as lines of JSON, with bookmarks when it is quiet. Reads the
//! store's past by version, so that a watch that stops and comes back misses nothing, or is told 410.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::json;
use tokio::time::Instant;

use super::Fault;
use super::accept::Shape;
use super::cluster::{Cluster, Faults};
use super::error::ApiError;
use super::list;
use super::respond::{self, Answer};
use super::routes::Call;
use super::selector::Selector;
use super::store::entry::lone;
use super::store::{ChangeKind, Entry, Event};
use super::table::{self, Tabler};

/// A bookmark is sent after so long without an event.
const QUIET: Duration = Duration::from_secs(10);
/// A watch that ends by its own time is told the newest version this long before.
const LAST_BOOKMARK: Duration = Duration::from_secs(2);
/// How long a watch lives that does not say: a real server picks 30 to 60 minutes.
const LIFE: Duration = Duration::from_secs(45 * 60);
/// Pieces of the initial events are gathered to about this size.
const PIECE: usize = 64 << 10;

/// `GET` of a collection with `watch=true` (or of one object, by name in the path).
pub fn answer(cluster: &Arc<Cluster>, call: &Call) -> Result<Answer, ApiError> {
    let shape = list::shape(call)?;
    let selector = list::selector(call)?;
    let resource = call.resource();
    let query = &call.query;
    let bookmarks = query.flag("allowWatchBookmarks");
    let streaming = query.flag("sendInitialEvents");
    if !query.get("sendInitialEvents").is_empty() {
        let refused = cluster.faults.borrow().present == Some(Fault::NoWatchList);
        check_streaming(call, refused)?;
    }
    let asked = list::asked_version(call)?.filter(|&version| version > 0);
    let store = cluster.store();
    // Subscribed before anything is read, so that no change falls between.
    let wake = store.wake(&resource);
    let faults = cluster.faults.subscribe();
    let everything = streaming || (asked.is_none() && query.get("sendInitialEvents").is_empty());
    let (cursor, initial) = if everything {
        store.entries(&resource, call.ns.as_deref())
    } else {
        (asked.unwrap_or_else(|| store.version()), Vec::new())
    };
    let life = query.number("timeoutSeconds").filter(|&s| s > 0);
    let life = life.and_then(|s| u64::try_from(s).ok()).map_or(LIFE, Duration::from_secs);
    let seen = faults.borrow().clone();
    let watch = Watch {
        seen,
        cluster: cluster.clone(),
        resource,
        ns: call.ns.clone(),
        name: call.name.clone(),
        selector,
        shape,
        tabler: Tabler::new(&call.kind, table::include(query)?, Timestamp::now()),
        bookmarks,
        end_mark: streaming && bookmarks,
        heading: true,
        cursor,
        initial: initial.into(),
        wake,
        faults,
        deadline: Instant::now() + life,
        last_bookmark: (life > LAST_BOOKMARK).then(|| Instant::now() + life - LAST_BOOKMARK),
        kind: (call.kind.kind.clone(), call.kind.api_version()),
        quiet: false,
        over: false,
    };
    let pieces = futures::stream::unfold(watch, |mut watch| async move {
        let piece = watch.next().await?;
        Some((piece, watch))
    });
    Ok(respond::stream("application/json", pieces))
}

/// Streaming lists have conditions, which a real server words like this.
fn check_streaming(call: &Call, refused: bool) -> Result<(), ApiError> {
    let invalid =
        |why: &str| Err(ApiError::invalid("ListOptions", "meta.k8s.io", "", "sendInitialEvents", why));
    if refused {
        return invalid(
            "Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled",
        );
    }
    if call.query.get("resourceVersionMatch") != "NotOlderThan" {
        return Err(ApiError::invalid(
            "ListOptions",
            "meta.k8s.io",
            "",
            "resourceVersionMatch",
            "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ));
    }
    Ok(())
}

struct Watch {
    cluster: Arc<Cluster>,
    resource: String,
    ns: Option<String>,
    name: Option<String>,
    selector: Selector,
    shape: Shape,
    tabler: Tabler,
    bookmarks: bool,
    /// Whether the bookmark that ends the initial events is still to come.
    end_mark: bool,
    /// Whether the next Table carries the column definitions.
    heading: bool,
    /// All up to this version has been looked at.
    cursor: u64,
    initial: VecDeque<Arc<Entry>>,
    wake: tokio::sync::watch::Receiver<u64>,
    faults: tokio::sync::watch::Receiver<Faults>,
    seen: Faults,
    deadline: Instant,
    /// When the bookmark before the end is due, until it was sent.
    last_bookmark: Option<Instant>,
    kind: (String, String),
    /// Nothing happened for `QUIET`.
    quiet: bool,
    over: bool,
}

/// Why a watch woke up.
enum Woken {
    Change,
    Faults,
    Quiet,
    /// Little time is left.
    Last,
    End,
}

impl Watch {
    /// The next piece of the body; None at its end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.over || self.wait_out_hang().await.is_none() {
                return None;
            }
            let faults = self.faults.borrow().clone();
            if faults.cuts != self.seen.cuts {
                return None;
            }
            if faults.gones != self.seen.gones {
                return Some(self.expire());
            }
            if !self.initial.is_empty() {
                let piece = self.initial_events();
                if !piece.is_empty() {
                    return Some(Bytes::from(piece));
                }
            }
            if std::mem::take(&mut self.end_mark) {
                return Some(self.bookmark(true));
            }
            self.wake.mark_unchanged();
            let Some((to, events)) = self.cluster.store().events_since(&self.resource, self.cursor) else {
                return Some(self.expire());
            };
            self.cursor = self.cursor.max(to);
            self.tabler.now = Timestamp::now();
            let mut piece = Vec::new();
            for event in &events {
                self.event(event, &mut piece);
            }
            if !piece.is_empty() {
                self.quiet = false;
                return Some(Bytes::from(piece));
            }
            if std::mem::take(&mut self.quiet) && self.bookmarks {
                return Some(self.bookmark(false));
            }
            let last = self.last_bookmark;
            let woken = tokio::select! {
                changed = self.wake.changed() => if changed.is_ok() { Woken::Change } else { Woken::End },
                changed = self.faults.changed() => if changed.is_ok() { Woken::Faults } else { Woken::End },
                () = tokio::time::sleep(QUIET) => Woken::Quiet,
                () = tokio::time::sleep_until(last.unwrap_or(self.deadline)), if last.is_some() => Woken::Last,
                () = tokio::time::sleep_until(self.deadline) => Woken::End,
            };
            match woken {
                Woken::Change | Woken::Faults => {}
                // Looks once more first, so that the bookmark's version is the newest.
                Woken::Quiet => self.quiet = true,
                Woken::Last => (self.quiet, self.last_bookmark) = (true, None),
                Woken::End => return None,
            }
        }
    }

    /// Says nothing while the cluster hangs; None when the cluster is no more.
    async fn wait_out_hang(&mut self) -> Option<()> {
        let calm = |faults: &Faults| faults.present != Some(Fault::Hang);
        self.faults.wait_for(calm).await.ok().map(drop)
    }

    fn expire(&mut self) -> Bytes {
        self.over = true;
        let error = ApiError::expired(format!(
            "too old resource version: {} ({})",
            self.cursor,
            self.cluster.store().oldest_version(&self.resource)
        ));
        line("ERROR", error.status().to_string().as_bytes())
    }

    fn wanted(&self, entry: &Entry) -> bool {
        self.ns.as_deref().is_none_or(|ns| ns == &*entry.ns)
            && self.name.as_deref().is_none_or(|name| name == &*entry.name)
            && self.selector.matches(entry)
    }

    fn initial_events(&mut self) -> Vec<u8> {
        let mut piece = Vec::new();
        while piece.len() < PIECE {
            let Some(entry) = self.initial.pop_front() else { break };
            if self.wanted(&entry) {
                self.emit("ADDED", &entry, &mut piece);
            }
        }
        piece
    }

    /// An event as this watch sees it: what its selector does not show is not there.
    fn event(&mut self, event: &Event, out: &mut Vec<u8>) {
        let now = event.kind != ChangeKind::Deleted && self.wanted(&event.entry);
        let before = event.before.as_deref().is_some_and(|entry| self.wanted(entry));
        match (before, now) {
            (false, true) => self.emit("ADDED", &event.entry, out),
            (true, true) => self.emit("MODIFIED", &event.entry, out),
            (true, false) => self.emit("DELETED", &event.entry, out),
            (false, false) => {}
        }
    }

    fn emit(&mut self, kind: &str, entry: &Entry, out: &mut Vec<u8>) {
        let heading = std::mem::take(&mut self.heading);
        let object = list::render(entry, self.shape, &self.tabler, heading);
        out.extend_from_slice(&line(kind, &object));
    }

    fn bookmark(&mut self, initial_end: bool) -> Bytes {
        let mut metadata = json!({"resourceVersion": self.cursor.to_string(), "creationTimestamp": null});
        if initial_end {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let (kind, version) = &self.kind;
        let partial =
            json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata});
        let object = match self.shape {
            Shape::Object => json!({"kind": kind, "apiVersion": version, "metadata": metadata}),
            Shape::Partial | Shape::Partials => partial,
            // A bookmark is a row of an object without anything, as a real server sends it.
            Shape::Table => {
                let empty = lone(&self.resource, &json!({"metadata": metadata}), self.cursor);
                let heading = std::mem::take(&mut self.heading);
                return line("BOOKMARK", &list::render(&empty, self.shape, &self.tabler, heading));
            }
        };
        line("BOOKMARK", object.to_string().as_bytes())
    }
}

fn line(kind: &str, object: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(object.len() + 40);
    out.extend_from_slice(b"{\"type\":\"");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\",\"object\":");
    out.extend_from_slice(object);
    out.extend_from_slice(b"}\n");
    Bytes::from(out)
}
