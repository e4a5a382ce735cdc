//! The facts of one kind in one cluster: slots that stay put while an object
//! lives, found by uid, with a log of what changed so that orders and indexes
//! can follow without looking at everything again.

use std::collections::HashMap;

use crate::domain::id::{Name, Uid};
use crate::domain::link::Feed;
use crate::msg::Delta;

/// What a table needs to know of a fact.
pub trait Fact: PartialEq {
    /// `metadata.uid`
    fn uid(&self) -> Uid;
    /// `metadata.namespace`; empty for kinds without.
    fn namespace(&self) -> &str;
    /// Whether it says anything else than before. Many objects are written again and again with nothing new that is
    /// shown (a node's heartbeat, the time of a comparison): nobody has to look at those.
    fn is_news(&self, before: &Self) -> bool {
        self != before
    }
}

/// The facts of one kind.
#[derive(Debug)]
pub struct Table<T> {
    slots: Vec<Option<T>>,
    /// For each slot the list (epoch) in which it was last put.
    epochs: Vec<u32>,
    free: Vec<u32>,
    by_uid: HashMap<Uid, u32>,
    epoch: u32,
    lists: Vec<(Option<Name>, u32)>,
    version: u64,
    touched: u64,
    log: Vec<u32>,
    log_base: u64,
    /// How the watch stands.
    pub feed: Feed,
}

impl<T> Default for Table<T> {
    fn default() -> Table<T> {
        Table {
            slots: Vec::new(),
            epochs: Vec::new(),
            free: Vec::new(),
            by_uid: HashMap::new(),
            epoch: 0,
            lists: Vec::new(),
            version: 0,
            touched: 0,
            log: Vec::new(),
            log_base: 0,
            feed: Feed::Loading,
        }
    }
}

/// The log is dropped when it is longer than this and than a quarter of the table.
const LOG_MIN: usize = 1024;

impl<T: Fact> Table<T> {
    /// Takes a watch step and tells `changed` the slot, what was there and what
    /// is there now.
    pub fn apply(&mut self, delta: Delta<T>, mut changed: impl FnMut(u32, Option<&T>, Option<&T>)) {
        match delta {
            Delta::Begin(namespace) => {
                self.epoch = self.epoch.wrapping_add(1);
                self.lists.retain(|(known, _)| *known != namespace);
                self.lists.push((namespace, self.epoch));
            }
            Delta::Put(fact) => self.put(fact, &mut changed),
            Delta::Gone(uid) => {
                if let Some(slot) = self.by_uid.get(&uid).copied() {
                    self.remove(slot, &mut changed);
                }
            }
            Delta::End(namespace) => self.sweep(namespace, &mut changed),
        }
    }

    fn put(&mut self, fact: T, changed: &mut impl FnMut(u32, Option<&T>, Option<&T>)) {
        let uid = fact.uid();
        let slot = match self.by_uid.get(&uid).copied() {
            Some(slot) => slot,
            None => {
                let slot = self.free.pop().unwrap_or_else(|| {
                    self.slots.push(None);
                    self.epochs.push(0);
                    u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
                });
                self.by_uid.insert(uid, slot);
                slot
            }
        };
        let at = slot as usize;
        self.epochs[at] = self.epoch;
        self.touched += 1;
        let news = self.slots[at].as_ref().is_none_or(|before| fact.is_news(before));
        let old = self.slots[at].replace(fact);
        if news {
            changed(slot, old.as_ref(), self.slots[at].as_ref());
            self.note(slot);
        }
    }

    fn remove(&mut self, slot: u32, changed: &mut impl FnMut(u32, Option<&T>, Option<&T>)) {
        if let Some(old) = self.slots[slot as usize].take() {
            self.by_uid.remove(&old.uid());
            self.free.push(slot);
            self.touched += 1;
            changed(slot, Some(&old), None);
            self.note(slot);
        }
    }

    fn sweep(&mut self, namespace: Option<Name>, changed: &mut impl FnMut(u32, Option<&T>, Option<&T>)) {
        let Some(at) = self.lists.iter().position(|(known, _)| *known == namespace) else { return };
        let (_, begun) = self.lists.swap_remove(at);
        let stale: Vec<u32> = self
            .iter()
            .filter(|(slot, fact)| {
                self.epochs[*slot as usize] < begun
                    && namespace.as_deref().is_none_or(|wanted| fact.namespace() == wanted)
            })
            .map(|(slot, _)| slot)
            .collect();
        for slot in stale {
            self.remove(slot, changed);
        }
    }

    fn note(&mut self, slot: u32) {
        if self.log.len() >= LOG_MIN.max(self.slots.len() / 4) {
            self.log.clear();
            self.log_base = self.version;
        }
        self.log.push(slot);
        self.version += 1;
    }

    /// A fact by identity.
    pub fn get(&self, uid: Uid) -> Option<&T> {
        self.at(self.slot(uid)?)
    }
}

impl<T> Table<T> {
    /// The fact in a slot.
    pub fn at(&self, slot: u32) -> Option<&T> {
        self.slots.get(slot as usize)?.as_ref()
    }

    /// The slot of an object.
    pub fn slot(&self, uid: Uid) -> Option<u32> {
        self.by_uid.get(&uid).copied()
    }

    /// Every fact with its slot.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.slots
            .iter()
            .enumerate()
            .filter_map(|(at, fact)| fact.as_ref().map(|fact| (u32::try_from(at).unwrap_or(u32::MAX), fact)))
    }

    /// How many facts there are.
    pub fn len(&self) -> usize {
        self.by_uid.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_uid.is_empty()
    }

    /// Slots ever used: every slot is below it.
    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    /// Rises with every change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Rises whenever the server tells of an object, also where nothing that is kept here changed: what is read besides
    /// may have.
    pub fn touched(&self) -> u64 {
        self.touched
    }

    /// The slots that changed since a version (some may be named twice);
    /// `None` when that is too long ago, and everything has to be looked at.
    pub fn changed_since(&self, version: u64) -> Option<&[u32]> {
        let from = usize::try_from(version.checked_sub(self.log_base)?).ok()?;
        self.log.get(from..)
    }

    /// Whether a first list is whole, or was.
    pub fn has_data(&self) -> bool {
        matches!(self.feed, Feed::Live | Feed::Partly { .. }) || !self.is_empty()
    }
}
