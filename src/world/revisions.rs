//! When the templates of StatefulSets and DaemonSets came, as their pods tell it: nothing else that is watched dates
//! them. The oldest pod of a template was made when it came; it is remembered after it is gone, so that a pod that is
//! made again later moves nothing.

use std::collections::HashMap;

use crate::domain::id::{Name, Uid};
use crate::domain::pod::Pod;
use crate::domain::time::Stamp;

/// The label by which these controllers tell pods of one template from those of another.
const REVISION: &str = "controller-revision-hash";
/// More templates of one controller are not remembered: the newest ones are.
const MOST: usize = 10;

/// A template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The value of the label.
    pub hash: Name,
    /// When its oldest pod that we saw was made.
    pub since: Stamp,
    /// The image of its first container; empty when there is none.
    pub image: Name,
}

/// The templates by controller.
#[derive(Debug, Default)]
pub(super) struct Revisions {
    of: HashMap<Uid, Vec<Revision>>,
}

impl Revisions {
    /// Takes a pod as it is now.
    pub(super) fn take(&mut self, pod: &Pod) {
        let Some(owner) =
            pod.owner.as_ref().filter(|owner| matches!(&*owner.kind, "StatefulSet" | "DaemonSet"))
        else {
            return;
        };
        let Some(hash) = pod.labels.get(REVISION) else { return };
        let known = self.of.entry(owner.uid).or_default();
        if let Some(revision) = known.iter_mut().find(|revision| revision.hash == *hash) {
            revision.since = revision.since.min(pod.created);
            return;
        }
        let image = pod.images.iter().find(|image| !image.init).map(|image| image.image.clone());
        known.push(Revision { hash: hash.clone(), since: pod.created, image: image.unwrap_or_default() });
        if known.len() > MOST {
            known.sort_by_key(|revision| revision.since);
            known.remove(0);
        }
    }

    /// Forgets those of a controller that is gone with its pods.
    pub(super) fn forget(&mut self, controller: Uid) {
        self.of.remove(&controller);
    }

    /// Those of a controller, in no order.
    pub(super) fn of(&self, controller: Uid) -> &[Revision] {
        self.of.get(&controller).map_or(&[], Vec::as_slice)
    }
}
