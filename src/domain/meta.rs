//! What objects of every kind have in common: labels, owners, conditions, and
//! the interner that lets thousands of facts share one copy of a text.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::id::{Kind, Name, Uid};
use super::time::Stamp;

/// The labels of an object, sorted by key; shared, since the pods of one
/// ReplicaSet carry the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Labels(pub Arc<[(Name, Name)]>);

impl Labels {
    /// Sorts and keeps the pairs.
    pub fn new(mut pairs: Vec<(Name, Name)>) -> Labels {
        pairs.sort();
        Labels(pairs.into())
    }

    /// The value of one label.
    pub fn get(&self, key: &str) -> Option<&Name> {
        self.0
            .binary_search_by(|(k, _)| (**k).cmp(key))
            .ok()
            .and_then(|at| self.0.get(at))
            .map(|(_, value)| value)
    }
}

impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// The controller that owns an object (`metadata.ownerReferences`, the entry
/// with `controller: true`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its uid.
    pub uid: Uid,
    /// Its kind as written (`ReplicaSet`, or a custom kind that we do not know).
    pub kind: Name,
    /// Its name.
    pub name: Name,
}

/// An entry of `status.conditions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// `Available`, `Progressing`, `Ready`...
    pub kind: Name,
    /// `True`, `False`, `Unknown`.
    pub status: Name,
    /// CamelCase reason; may be empty.
    pub reason: Name,
    /// Words of the controller; may be empty.
    pub message: Name,
    /// `lastTransitionTime`: since when its status holds.
    pub since: Option<Stamp>,
    /// `lastUpdateTime` (Deployments and Rollouts): the last progress, from which the deadline counts.
    pub updated: Option<Stamp>,
}

impl Condition {
    /// Whether `status` is `True`.
    pub fn is_true(&self) -> bool {
        &*self.status == "True"
    }
}

/// A container as the spec names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContainerImage {
    /// Container name.
    pub container: Name,
    /// The image reference as written.
    pub image: Name,
    /// Whether it is an init container (sidecars included).
    pub init: bool,
}

/// CPU and memory: CPU in thousandths of a core, memory in bytes. 0 means none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resources {
    /// Thousandths of a core.
    pub cpu_milli: u64,
    /// Bytes.
    pub memory: u64,
}

impl std::ops::Add for Resources {
    type Output = Resources;
    fn add(self, other: Resources) -> Resources {
        Resources {
            cpu_milli: self.cpu_milli.saturating_add(other.cpu_milli),
            memory: self.memory.saturating_add(other.memory),
        }
    }
}

impl std::ops::Sub for Resources {
    type Output = Resources;
    fn sub(self, other: Resources) -> Resources {
        Resources {
            cpu_milli: self.cpu_milli.saturating_sub(other.cpu_milli),
            memory: self.memory.saturating_sub(other.memory),
        }
    }
}

/// Keeps one copy of every text, label set and image list it is shown.
///
/// Entries that nobody else holds any more are dropped when the table has
/// doubled since the last sweep, so a long run with churn does not grow.
#[derive(Debug, Default)]
pub struct Interner {
    texts: HashMap<Name, ()>,
    labels: HashMap<Labels, ()>,
    images: HashMap<Arc<[ContainerImage]>, ()>,
    owners: HashMap<Uid, Arc<Owner>>,
    sweep_at: usize,
}

impl Interner {
    /// An empty interner.
    pub fn new() -> Interner {
        Interner::default()
    }

    /// The shared copy of a text.
    pub fn text(&mut self, text: &str) -> Name {
        if let Some((known, ())) = self.texts.get_key_value(text) {
            return Arc::clone(known);
        }
        self.sweep();
        let name: Name = Arc::from(text);
        self.texts.insert(Arc::clone(&name), ());
        name
    }

    /// The shared copy of a label set.
    pub fn labels(&mut self, labels: Labels) -> Labels {
        if let Some((known, ())) = self.labels.get_key_value(&labels) {
            return known.clone();
        }
        self.labels.insert(labels.clone(), ());
        labels
    }

    /// The shared copy of a list of containers.
    pub fn images(&mut self, images: Vec<ContainerImage>) -> Arc<[ContainerImage]> {
        if let Some((known, ())) = self.images.get_key_value(images.as_slice()) {
            return Arc::clone(known);
        }
        let shared: Arc<[ContainerImage]> = images.into();
        self.images.insert(Arc::clone(&shared), ());
        shared
    }

    /// The shared copy of an owner. Its uid decides: neither kind nor name of an object ever change.
    pub fn owner(&mut self, uid: Uid, kind: &str, name: &str) -> Arc<Owner> {
        if let Some(known) = self.owners.get(&uid) {
            return Arc::clone(known);
        }
        let owner = Arc::new(Owner { uid, kind: self.text(kind), name: self.text(name) });
        self.owners.insert(uid, Arc::clone(&owner));
        owner
    }

    fn sweep(&mut self) {
        let size = self.texts.len() + self.labels.len() + self.images.len() + self.owners.len();
        if size < self.sweep_at.max(4096) {
            return;
        }
        self.owners.retain(|_, shared| Arc::strong_count(shared) > 1);
        self.images.retain(|shared, ()| Arc::strong_count(shared) > 1);
        self.labels.retain(|shared, ()| Arc::strong_count(&shared.0) > 1);
        self.texts.retain(|shared, ()| Arc::strong_count(shared) > 1);
        self.sweep_at = 2 * (self.texts.len() + self.labels.len() + self.images.len() + self.owners.len());
    }
}

/// The kind named by an owner reference, when it is one that we show.
pub fn owner_kind(owner: &Owner) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| kind.word() == &*owner.kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_share_one_copy() {
        let mut interner = Interner::new();
        let a = interner.text("cart");
        let b = interner.text("cart");
        assert!(Arc::ptr_eq(&a, &b));
    }

    #[test]
    fn texts_nobody_holds_are_swept() {
        let mut interner = Interner::new();
        for n in 0..20_000 {
            interner.text(&format!("pod-{n}"));
        }
        assert!(interner.texts.len() < 10_000, "{} texts kept", interner.texts.len());
    }

    #[test]
    fn labels_are_found_whatever_their_order() {
        let labels = Labels::new(vec![("b".into(), "2".into()), ("a".into(), "1".into())]);
        assert_eq!(labels.get("a").map(|v| &**v), Some("1"));
        assert_eq!(labels.get("c"), None);
    }
}
