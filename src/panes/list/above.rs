//! Faults that came in above the window of a list: where faults stand first and the selected row keeps its line, new
//! ones come where nobody looks. Knows rows by their identities only.

use std::collections::HashSet;
use std::hash::Hash;

/// Which faults stand at the head of the list, and which of them nobody has seen.
#[derive(Debug)]
pub struct Above<K> {
    /// Were in the window, or stood above it when the person moved it.
    known: HashSet<K>,
    unseen: HashSet<K>,
}

impl<K> Default for Above<K> {
    fn default() -> Above<K> {
        Above { known: HashSet::new(), unseen: HashSet::new() }
    }
}

impl<K: Eq + Hash> Above<K> {
    /// Takes the faults down to the end of the window, each with whether it is in the window. Whatever the person moved
    /// past is known; what came without that is not, until it is in the window.
    pub fn look(&mut self, faults: impl Iterator<Item = (K, bool)>, moved: bool) {
        let before = std::mem::take(self);
        for (fault, in_window) in faults {
            let passed = moved && !before.unseen.contains(&fault);
            if in_window || passed || before.known.contains(&fault) {
                self.known.insert(fault);
            } else {
                self.unseen.insert(fault);
            }
        }
    }

    /// How many nobody has seen.
    pub fn unseen(&self) -> usize {
        self.unseen.len()
    }
}
