//! Which objects of a table an owner has, so that nobody looks for them among all.

use std::collections::HashMap;

use crate::domain::id::Uid;

/// Slots by owner.
#[derive(Debug, Default)]
pub(super) struct Owned {
    of: HashMap<Uid, Vec<u32>>,
}

impl Owned {
    /// Takes whose the object in a slot was, and whose it is now; `None` where nothing is there, or nothing owns it.
    pub(super) fn take(&mut self, slot: u32, before: Option<Uid>, now: Option<Uid>) {
        if before == now {
            return;
        }
        if let Some(owner) = before
            && let Some(slots) = self.of.get_mut(&owner)
        {
            slots.retain(|known| *known != slot);
            if slots.is_empty() {
                self.of.remove(&owner);
            }
        }
        if let Some(owner) = now {
            self.of.entry(owner).or_default().push(slot);
        }
    }

    /// Those of an owner.
    pub(super) fn slots(&self, owner: Uid) -> &[u32] {
        self.of.get(&owner).map_or(&[], Vec::as_slice)
    }
}
