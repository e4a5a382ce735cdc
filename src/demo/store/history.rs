//! The recent past of a store: bounded, so that watches by resourceVersion and pages of a list can look back, and
//! those who ask for more are told 410. Filled by the store's writes; read by watches and by lists at a version.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::ChangeKind;
use super::entry::Entry;

/// Events kept at most.
const MAX_EVENTS: usize = 20_000;
/// Bytes of superseded objects kept at most, so that the past of large objects does not outgrow the present.
const MAX_BYTES: usize = 64 << 20;

/// One write.
#[derive(Debug, Clone)]
pub struct Event {
    /// The version that the write made.
    pub version: u64,
    /// Resource key, such as `deployments.apps`.
    pub resource: Arc<str>,
    /// What it was.
    pub kind: ChangeKind,
    /// The object after the write; for a deletion its last state, with the version of the deletion.
    pub entry: Arc<Entry>,
    /// The object before the write.
    pub before: Option<Arc<Entry>>,
}

impl Event {
    fn weight(&self) -> usize {
        self.before.as_ref().map_or(0, |entry| entry.bytes.len())
    }
}

/// Writes in order of version.
#[derive(Debug, Default)]
pub struct History {
    events: VecDeque<Event>,
    bytes: usize,
    /// The newest forgotten write of each resource: changes of pods do not end the watches of quiet kinds.
    floors: HashMap<Arc<str>, u64>,
    /// Up to here all is forgotten.
    compacted: u64,
}

impl History {
    /// Adds the newest write and forgets the oldest beyond the bounds.
    pub fn push(&mut self, event: Event) {
        self.bytes += event.weight();
        self.events.push_back(event);
        while self.events.len() > MAX_EVENTS || self.bytes > MAX_BYTES {
            let Some(oldest) = self.events.pop_front() else {
                break;
            };
            self.bytes -= oldest.weight();
            self.floors.insert(oldest.resource, oldest.version);
        }
    }

    /// Forgets all, as a compaction at `version` does.
    pub fn forget(&mut self, version: u64) {
        self.events.clear();
        self.bytes = 0;
        self.compacted = version;
    }

    /// The version up to which writes of a resource are forgotten.
    pub fn floor(&self, resource: &str) -> u64 {
        self.floors.get(resource).copied().unwrap_or_default().max(self.compacted)
    }

    /// Writes to a resource after `version`, oldest first; None when some of them are forgotten.
    pub fn since<'a>(
        &'a self,
        resource: &'a str,
        version: u64,
    ) -> Option<impl DoubleEndedIterator<Item = &'a Event>> {
        if version < self.floor(resource) {
            return None;
        }
        let from = self.events.partition_point(|event| event.version <= version);
        Some(self.events.range(from..).filter(move |event| &*event.resource == resource))
    }
}
