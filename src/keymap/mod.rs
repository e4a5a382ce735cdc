//! Keymaps: from keys to actions, by files that people can read and change.
//!
//! A pressed key becomes a [`Key`]; [`Keymap::resolve`] says which [`Action`] it means where the person is (a list of
//! scopes, innermost first). The same table, read backwards, gives the footer, the help and the palette their key
//! names, so no key exists in code alone. This room knows the table of actions and nothing of panes; whether an
//! action applies now is for them to say.

mod file;
mod key;

use std::path::PathBuf;

pub use key::{Code, Key, Keys, Named};

use crate::action::{Action, Scope};
use crate::error::Problems;
use crate::yaml::{Entry, Shelf};

/// The keymaps embedded in the binary; `default` is also the manual.
const EMBEDDED: &[(&str, &str)] = &[
    ("default", include_str!("../../keymaps/default.yaml")),
    ("k9s", include_str!("../../keymaps/k9s.yaml")),
    ("vim", include_str!("../../keymaps/vim.yaml")),
];

/// One line of a keymap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Where it holds.
    pub scope: Scope,
    /// The keys, one after another.
    pub keys: Keys,
    /// What they ask for.
    pub action: Action,
}

/// A keymap ready to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    /// Its name.
    pub name: String,
    /// What its file says about it.
    pub doc: String,
    bindings: Vec<Binding>,
}

/// What a key means after those pressed before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// This action.
    Action(Action),
    /// The beginning of a longer sequence: keep the keys and wait for the next.
    Pending,
    /// Nothing: forget the keys pressed before.
    None,
}

impl Keymap {
    /// What `key` means after `pending`, in these scopes, innermost first. An inner scope hides what an outer one
    /// binds to the same keys or to longer ones that begin with them.
    #[must_use]
    pub fn resolve(&self, scopes: &[Scope], pending: &[Key], key: Key) -> Resolution {
        let pressed = || pending.iter().chain(std::iter::once(&key));
        let length = pending.len() + 1;
        for scope in scopes {
            let mut longer = false;
            for binding in self.bindings.iter().filter(|b| b.scope == *scope) {
                let keys = &binding.keys.0;
                if keys.len() < length || !keys.iter().zip(pressed()).all(|(a, b)| a == b) {
                    continue;
                }
                if keys.len() == length {
                    return Resolution::Action(binding.action);
                }
                longer = true;
            }
            if longer {
                return Resolution::Pending;
            }
        }
        Resolution::None
    }

    /// The keys that really lead to an action in these scopes, in the order of the file.
    pub fn keys<'a>(&'a self, scopes: &'a [Scope], action: Action) -> impl Iterator<Item = &'a Keys> {
        self.bindings
            .iter()
            .filter(move |b| b.action == action && scopes.contains(&b.scope))
            .map(|b| &b.keys)
            .filter(move |keys| self.reaches(scopes, keys, action))
    }

    /// The first key of an action, for the footer.
    #[must_use]
    pub fn label(&self, scopes: &[Scope], action: Action) -> Option<String> {
        self.keys(scopes, action).next().map(ToString::to_string)
    }

    /// Every binding, in the order of the files.
    #[must_use]
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    fn reaches(&self, scopes: &[Scope], keys: &Keys, action: Action) -> bool {
        keys.0.iter().enumerate().all(|(i, key)| {
            let last = i + 1 == keys.0.len();
            let wanted = if last { Resolution::Action(action) } else { Resolution::Pending };
            self.resolve(scopes, &keys.0[..i], *key) == wanted
        })
    }
}

/// All keymaps that can be named.
#[derive(Debug, Clone)]
pub struct Keymaps {
    shelf: Shelf,
}

impl Keymaps {
    /// The embedded ones, and those of the user's folder (`keymaps/` beside the configuration).
    #[must_use]
    pub fn new(folder: Option<PathBuf>) -> Self {
        Keymaps { shelf: Shelf { noun: "keymap", embedded: EMBEDDED, folder } }
    }

    /// Their names and files.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.shelf.entries()
    }

    /// Reads and checks one.
    ///
    /// # Errors
    /// No such keymap, or a file that is wrong (unknown actions, keys that are none, keys bound twice, nothing bound
    /// to quit): every problem with its place.
    pub fn load(&self, name: &str) -> Result<Keymap, Problems> {
        file::read(&self.shelf, name)
    }
}

#[cfg(test)]
mod tests;
