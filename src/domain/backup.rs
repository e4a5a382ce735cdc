//! Velero's objects: backups, the schedules that make them, restores, and the stores that they lie in.

use std::sync::Arc;

use super::id::{Name, Uid};
use super::time::Stamp;

/// velero.io/v1 Backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// `metadata.uid`
    pub uid: Uid,
    /// Velero's own namespace.
    pub namespace: Name,
    /// `metadata.name`
    pub name: Name,
    /// `metadata.creationTimestamp`
    pub created: Stamp,
    /// The Schedule that it was made from (label `velero.io/schedule-name`); empty when made by hand.
    pub schedule: Name,
    /// What it takes.
    pub template: Template,
    /// `status`, shared with what a restore has.
    pub run: Run,
    /// `status.queuePosition`; 0 when it does not wait.
    pub queue_position: u32,
    /// `status.expiration`: when it may be deleted.
    pub expires: Option<Stamp>,
    /// Volumes that were to be taken and those that were.
    pub volumes: Volumes,
    /// `status.hookStatus`: attempted and failed.
    pub hooks: (u32, u32),
}

/// How a Backup or a Restore goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// `status.phase`, as written; empty when the server has not looked at it yet.
    pub phase: Name,
    /// `status.startTimestamp`
    pub started: Option<Stamp>,
    /// `status.completionTimestamp`
    pub completed: Option<Stamp>,
    /// Items that are done, and all of them as far as they are counted; `None` before counting.
    pub items: Option<(u32, u32)>,
    /// `status.warnings`
    pub warnings: u32,
    /// `status.errors`
    pub errors: u32,
    /// `status.failureReason`; empty when there is none.
    pub failure: Name,
    /// `status.validationErrors`, one line each.
    pub validation: Arc<[Name]>,
}

/// Volumes of a Backup, whichever way they are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volumes {
    /// `volumeSnapshots*` and `csiVolumeSnapshots*`: to be taken.
    pub attempted: u32,
    /// The same: taken.
    pub completed: u32,
    /// `backupItemOperations*`: data that is moved, to be moved.
    pub operations: u32,
    /// The same: moved.
    pub operations_done: u32,
    /// The same: failed.
    pub operations_failed: u32,
}

/// What a backup takes: a Backup's `spec`, a Schedule's `spec.template`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// `includedNamespaces`; empty or `*` means all.
    pub namespaces: Arc<[Name]>,
    /// `excludedNamespaces`
    pub not_namespaces: Arc<[Name]>,
    /// Resources that it is limited to, old filters and scoped ones; empty or `*` means all.
    pub resources: Arc<[Name]>,
    /// Resources that it leaves out.
    pub not_resources: Arc<[Name]>,
    /// `labelSelector` or `orLabelSelectors` as kubectl writes them; empty means that labels do not matter.
    pub selector: Name,
    /// `includeClusterResources`
    pub cluster_resources: Option<bool>,
    /// `storageLocation`; empty means the default one.
    pub location: Name,
    /// `ttl` as written.
    pub ttl: Name,
    /// `snapshotVolumes`
    pub snapshot_volumes: Option<bool>,
    /// `defaultVolumesToFsBackup`
    pub file_system: bool,
    /// `snapshotMoveData`
    pub move_data: bool,
    /// `hooks.resources`: names of the hooks, with what they run.
    pub hooks: Arc<[Name]>,
    /// `resourcePolicy`: the ConfigMap's name; empty when there is none.
    pub policy: Name,
}

/// velero.io/v1 Schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// `metadata.uid`
    pub uid: Uid,
    /// Velero's own namespace.
    pub namespace: Name,
    /// `metadata.name`
    pub name: Name,
    /// `metadata.creationTimestamp`
    pub created: Stamp,
    /// `spec.schedule` as written.
    pub cron: Name,
    /// `spec.paused`
    pub paused: bool,
    /// `status.phase`, as written.
    pub phase: Name,
    /// `status.lastBackup`: when it made one last, however that went.
    pub last_backup: Option<Stamp>,
    /// `status.lastSkipped`
    pub last_skipped: Option<Stamp>,
    /// `status.validationErrors`, one line each.
    pub validation: Arc<[Name]>,
    /// What its backups take.
    pub template: Template,
}

/// velero.io/v1 Restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restore {
    /// `metadata.uid`
    pub uid: Uid,
    /// Velero's own namespace.
    pub namespace: Name,
    /// `metadata.name`
    pub name: Name,
    /// `metadata.creationTimestamp`
    pub created: Stamp,
    /// `spec.backupName`; empty when a schedule was named.
    pub backup: Name,
    /// `spec.scheduleName`: the newest good backup of it.
    pub schedule: Name,
    /// `spec.includedNamespaces`; empty or `*` means all of the backup.
    pub namespaces: Arc<[Name]>,
    /// `spec.excludedNamespaces`
    pub not_namespaces: Arc<[Name]>,
    /// `spec.namespaceMapping`: from, to.
    pub mapping: Arc<[(Name, Name)]>,
    /// `spec.existingResourcePolicy`; empty means that what is there stays.
    pub existing: Name,
    /// `status`
    pub run: Run,
}

/// velero.io/v1 BackupStorageLocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// `metadata.uid`
    pub uid: Uid,
    /// Velero's own namespace.
    pub namespace: Name,
    /// `metadata.name`
    pub name: Name,
    /// `metadata.creationTimestamp`
    pub created: Stamp,
    /// `spec.provider`
    pub provider: Name,
    /// `bucket/prefix`
    pub store: Name,
    /// `spec.default`
    pub default: bool,
    /// `spec.accessMode` is `ReadOnly`.
    pub read_only: bool,
    /// `status.phase`, as written; empty before the first look.
    pub phase: Name,
    /// `status.message`
    pub message: Name,
    /// `status.lastSyncedTime`
    pub synced: Option<Stamp>,
    /// `status.lastValidationTime`
    pub validated: Option<Stamp>,
    /// `spec.validationFrequency` in seconds; `None` means the server's, a minute. 0 means never.
    pub validated_every: Option<u64>,
}

impl Run {
    /// How long it took, in seconds; `None` before it is over.
    pub fn took(&self) -> Option<u64> {
        Some(self.completed?.since(self.started?))
    }
}

impl Location {
    /// Whether it can be read.
    pub fn is_available(&self) -> bool {
        &*self.phase == "Available"
    }
}

/// Whether a namespace is taken by such a filter: `*` stands for any text, no inclusion for all.
pub fn takes(included: &[Name], excluded: &[Name], namespace: &str) -> bool {
    let named = |list: &[Name]| list.iter().any(|pattern| matches(pattern, namespace));
    (included.is_empty() || named(included)) && !named(excluded)
}

/// A pattern in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == text };
    let Some(rest) = text.strip_prefix(head) else { return false };
    if tail.is_empty() {
        return true;
    }
    (0..=rest.len()).filter_map(|at| rest.get(at..)).any(|rest| matches(tail, rest))
}

impl Template {
    /// Whether it takes a namespace, whole or in part.
    pub fn takes(&self, namespace: &str) -> bool {
        takes(&self.namespaces, &self.not_namespaces, namespace)
    }

    /// Why it does not take the whole of a namespace; `None` when it does.
    pub fn partial(&self) -> Option<String> {
        let all = self.resources.is_empty() || self.resources.iter().any(|resource| &**resource == "*");
        match (self.selector.is_empty(), all) {
            (false, _) => Some(format!("only objects with {}", self.selector)),
            (true, false) => Some(format!("only {}", self.resources.join(", "))),
            (true, true) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Arc<[Name]> {
        names.iter().map(|name| Name::from(*name)).collect()
    }

    #[test]
    fn filters_of_namespaces() {
        for (included, excluded, namespace, taken) in [
            (&[][..], &[][..], "shop", true),
            (&["*"], &[], "shop", true),
            (&["shop"], &[], "shop", true),
            (&["shop"], &[], "shop-2", false),
            (&["shop-*"], &[], "shop-prod", true),
            (&["*-prod"], &[], "shop-prod", true),
            (&["*-prod"], &[], "shop-prod-2", false),
            (&["a*b*c"], &[], "axxbyyc", true),
            (&[], &["kube-*"], "kube-system", false),
            (&["*"], &["shop"], "shop", false),
        ] {
            assert_eq!(
                takes(&names(included), &names(excluded), namespace),
                taken,
                "{included:?} {namespace}"
            );
        }
    }

    #[test]
    fn selectors_and_resources_make_it_partial() {
        let whole = Template { not_resources: names(&["events"]), ..Template::default() };
        assert_eq!(whole.partial(), None);
        let labels = Template { selector: "app=cart".into(), ..Template::default() };
        assert_eq!(labels.partial().as_deref(), Some("only objects with app=cart"));
        let kinds = Template { resources: names(&["configmaps"]), ..Template::default() };
        assert_eq!(kinds.partial().as_deref(), Some("only configmaps"));
    }
}
