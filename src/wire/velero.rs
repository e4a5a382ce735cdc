//! velero.io/v1: Backup, Schedule, Restore and BackupStorageLocation.

use std::sync::Arc;

use serde::Deserialize;

use super::lenient::{Fields, Flag, Int, List, MaybeInt, Pairs, Text};
use super::meta::Meta;
use super::workload::WireSelector;
use super::{Misfit, Wire, identity, name, resource, stamp};
use crate::domain::backup::{Backup, Location, Restore, Run, Schedule, Template, Volumes};
use crate::domain::id::{Kind, Name};
use crate::domain::meta::Interner;
use crate::msg::{Delta, Facts};

/// Texts of a list that are kept at most, and characters of each: what a server says of itself is not bounded.
const KEPT: usize = 64;
const LENGTH: usize = 1_000;

/// A Backup as it comes from the wire.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WireBackup {
    metadata: Meta,
    spec: Fields<BackupSpec>,
    status: Fields<Status>,
}
resource!(WireBackup, Kind::Backup);

/// A Schedule as it comes from the wire.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WireSchedule {
    metadata: Meta,
    spec: Fields<ScheduleSpec>,
    status: Fields<ScheduleStatus>,
}
resource!(WireSchedule, Kind::Schedule);

/// A Restore as it comes from the wire.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WireRestore {
    metadata: Meta,
    spec: Fields<RestoreSpec>,
    status: Fields<Status>,
}
resource!(WireRestore, Kind::Restore);

/// A BackupStorageLocation as it comes from the wire.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WireLocation {
    metadata: Meta,
    spec: Fields<LocationSpec>,
    status: Fields<LocationStatus>,
}
resource!(WireLocation, Kind::BackupStorageLocation);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct BackupSpec {
    included_namespaces: List<Text>,
    excluded_namespaces: List<Text>,
    included_resources: List<Text>,
    excluded_resources: List<Text>,
    included_cluster_scoped_resources: List<Text>,
    included_namespace_scoped_resources: List<Text>,
    excluded_cluster_scoped_resources: List<Text>,
    excluded_namespace_scoped_resources: List<Text>,
    label_selector: Fields<WireSelector>,
    or_label_selectors: List<Fields<WireSelector>>,
    include_cluster_resources: Flag,
    storage_location: Text,
    ttl: Text,
    snapshot_volumes: Flag,
    default_volumes_to_fs_backup: Flag,
    snapshot_move_data: Flag,
    hooks: Fields<Hooks>,
    resource_policy: Fields<Reference>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Reference {
    name: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Hooks {
    resources: List<Fields<Hook>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Hook {
    name: Text,
    pre: List<Fields<HookStep>>,
    post: List<Fields<HookStep>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct HookStep {
    exec: Fields<Exec>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Exec {
    container: Text,
    command: List<Text>,
}

/// `status` of a Backup and of a Restore: their fields do not contradict each other.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    phase: Text,
    start_timestamp: Text,
    completion_timestamp: Text,
    expiration: Text,
    queue_position: Int,
    progress: Fields<Progress>,
    warnings: Int,
    errors: Int,
    failure_reason: Text,
    validation_errors: List<Text>,
    volume_snapshots_attempted: Int,
    volume_snapshots_completed: Int,
    csi_volume_snapshots_attempted: Int,
    csi_volume_snapshots_completed: Int,
    backup_item_operations_attempted: Int,
    backup_item_operations_completed: Int,
    backup_item_operations_failed: Int,
    hook_status: Fields<HookStatus>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Progress {
    total_items: MaybeInt,
    items_backed_up: Int,
    items_restored: Int,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct HookStatus {
    hooks_attempted: Int,
    hooks_failed: Int,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ScheduleSpec {
    schedule: Text,
    paused: Flag,
    template: Fields<BackupSpec>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ScheduleStatus {
    phase: Text,
    last_backup: Text,
    last_skipped: Text,
    validation_errors: List<Text>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RestoreSpec {
    backup_name: Text,
    schedule_name: Text,
    included_namespaces: List<Text>,
    excluded_namespaces: List<Text>,
    namespace_mapping: Pairs<Text>,
    existing_resource_policy: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct LocationSpec {
    provider: Text,
    object_storage: Fields<ObjectStorage>,
    default: Flag,
    access_mode: Text,
    validation_frequency: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ObjectStorage {
    bucket: Text,
    prefix: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct LocationStatus {
    phase: Text,
    message: Text,
    last_synced_time: Text,
    last_validation_time: Text,
}

/// A text of a server in one line, not longer than anybody reads.
fn line(interner: &mut Interner, text: &str) -> Name {
    match text.char_indices().nth(LENGTH) {
        Some((end, _)) => name(interner, &format!("{}…", &text[..end])),
        None => name(interner, text),
    }
}

fn names<'a>(texts: impl IntoIterator<Item = &'a Text>, interner: &mut Interner) -> Arc<[Name]> {
    texts.into_iter().take(KEPT).map(|text| line(interner, text)).collect()
}

impl BackupSpec {
    fn template(&self, interner: &mut Interner) -> Template {
        let selectors: Vec<String> = std::iter::once(&*self.label_selector)
            .chain(self.or_label_selectors.iter().take(KEPT).map(|selector| &**selector))
            .map(WireSelector::words)
            .filter(|words| !words.is_empty())
            .collect();
        // The scoped filters limit one scope each; `*` there says nothing of the other.
        let limits = self.included_resources.iter().chain(
            self.included_namespace_scoped_resources.iter().chain(
                self.included_cluster_scoped_resources
                    .iter()
                    .filter(|_| !self.included_namespace_scoped_resources.is_empty()),
            ),
        );
        let left_out = self
            .excluded_resources
            .iter()
            .chain(self.excluded_namespace_scoped_resources.iter())
            .chain(self.excluded_cluster_scoped_resources.iter());
        Template {
            namespaces: names(self.included_namespaces.iter(), interner),
            not_namespaces: names(self.excluded_namespaces.iter(), interner),
            resources: names(limits, interner),
            not_resources: names(left_out, interner),
            selector: line(interner, &selectors.join(" or ")),
            cluster_resources: self.include_cluster_resources.0,
            location: line(interner, &self.storage_location),
            ttl: line(interner, &self.ttl),
            snapshot_volumes: self.snapshot_volumes.0,
            file_system: self.default_volumes_to_fs_backup.is_true(),
            move_data: self.snapshot_move_data.is_true(),
            hooks: self.hooks.resources.iter().take(KEPT).map(|hook| hook_words(hook, interner)).collect(),
            policy: line(interner, &self.resource_policy.name),
        }
    }
}

/// `freeze-db: before: psql -c CHECKPOINT in db`.
fn hook_words(hook: &Hook, interner: &mut Interner) -> Name {
    let mut words = hook.name.0.clone();
    for (when, steps) in [("before", &hook.pre), ("after", &hook.post)] {
        for step in steps.iter().take(KEPT) {
            let command: Vec<&str> = step.exec.command.iter().map(Text::as_str).collect();
            words.push_str(&format!(": {when}: {}", command.join(" ")));
            if !step.exec.container.is_empty() {
                words.push_str(&format!(" in {}", &*step.exec.container));
            }
        }
    }
    line(interner, &words)
}

impl Status {
    fn run(&self, done: Int, interner: &mut Interner) -> Run {
        let total = self.progress.total_items.0.map(|total| Int(total).count());
        Run {
            phase: line(interner, &self.phase),
            started: stamp::parse(&self.start_timestamp),
            completed: stamp::parse(&self.completion_timestamp),
            items: total.map(|total| (done.count(), total)),
            warnings: self.warnings.count(),
            errors: self.errors.count(),
            failure: line(interner, &self.failure_reason),
            validation: names(self.validation_errors.iter(), interner),
        }
    }
}

impl Wire for WireBackup {
    const KIND: Kind = Kind::Backup;
    type Row = Backup;

    fn slim_meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, interner: &mut Interner) -> Result<Backup, Misfit> {
        let (meta, status) = (&self.metadata, &self.status);
        let sum = |a: Int, b: Int| a.count().saturating_add(b.count());
        Ok(Backup {
            uid: identity(Kind::Backup, meta)?,
            namespace: meta.namespace(interner),
            name: name(interner, &meta.name),
            created: meta.created,
            schedule: line(interner, meta.label("velero.io/schedule-name").unwrap_or_default()),
            template: self.spec.template(interner),
            run: status.run(status.progress.items_backed_up, interner),
            queue_position: status.queue_position.count(),
            expires: stamp::parse(&status.expiration),
            volumes: Volumes {
                attempted: sum(status.volume_snapshots_attempted, status.csi_volume_snapshots_attempted),
                completed: sum(status.volume_snapshots_completed, status.csi_volume_snapshots_completed),
                operations: status.backup_item_operations_attempted.count(),
                operations_done: status.backup_item_operations_completed.count(),
                operations_failed: status.backup_item_operations_failed.count(),
            },
            hooks: (status.hook_status.hooks_attempted.count(), status.hook_status.hooks_failed.count()),
        })
    }

    fn facts(deltas: Vec<Delta<Backup>>) -> Facts {
        Facts::Backups(deltas)
    }
}

impl Wire for WireSchedule {
    const KIND: Kind = Kind::Schedule;
    type Row = Schedule;

    fn slim_meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, interner: &mut Interner) -> Result<Schedule, Misfit> {
        let (meta, spec, status) = (&self.metadata, &self.spec, &self.status);
        Ok(Schedule {
            uid: identity(Kind::Schedule, meta)?,
            namespace: meta.namespace(interner),
            name: name(interner, &meta.name),
            created: meta.created,
            cron: line(interner, &spec.schedule),
            paused: spec.paused.is_true(),
            phase: line(interner, &status.phase),
            last_backup: stamp::parse(&status.last_backup),
            last_skipped: stamp::parse(&status.last_skipped),
            validation: names(status.validation_errors.iter(), interner),
            template: spec.template.template(interner),
        })
    }

    fn facts(deltas: Vec<Delta<Schedule>>) -> Facts {
        Facts::Schedules(deltas)
    }
}

impl Wire for WireRestore {
    const KIND: Kind = Kind::Restore;
    type Row = Restore;

    fn slim_meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, interner: &mut Interner) -> Result<Restore, Misfit> {
        let (meta, spec, status) = (&self.metadata, &self.spec, &self.status);
        let mapping = spec.namespace_mapping.0.iter().take(KEPT);
        Ok(Restore {
            uid: identity(Kind::Restore, meta)?,
            namespace: meta.namespace(interner),
            name: name(interner, &meta.name),
            created: meta.created,
            backup: line(interner, &spec.backup_name),
            schedule: line(interner, &spec.schedule_name),
            namespaces: names(spec.included_namespaces.iter(), interner),
            not_namespaces: names(spec.excluded_namespaces.iter(), interner),
            mapping: mapping.map(|(from, to)| (line(interner, from), line(interner, to))).collect(),
            existing: line(interner, &spec.existing_resource_policy),
            run: status.run(status.progress.items_restored, interner),
        })
    }

    fn facts(deltas: Vec<Delta<Restore>>) -> Facts {
        Facts::Restores(deltas)
    }
}

impl Wire for WireLocation {
    const KIND: Kind = Kind::BackupStorageLocation;
    type Row = Location;

    fn slim_meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, interner: &mut Interner) -> Result<Location, Misfit> {
        let (meta, spec, status) = (&self.metadata, &self.spec, &self.status);
        let storage = &spec.object_storage;
        let store = match storage.prefix.is_empty() {
            true => storage.bucket.0.clone(),
            false => format!("{}/{}", &*storage.bucket, &*storage.prefix),
        };
        Ok(Location {
            uid: identity(Kind::BackupStorageLocation, meta)?,
            namespace: meta.namespace(interner),
            name: name(interner, &meta.name),
            created: meta.created,
            provider: line(interner, &spec.provider),
            store: line(interner, &store),
            default: spec.default.is_true(),
            read_only: &*spec.access_mode == "ReadOnly",
            phase: line(interner, &status.phase),
            message: line(interner, &status.message),
            synced: stamp::parse(&status.last_synced_time),
            validated: stamp::parse(&status.last_validation_time),
            validated_every: crate::text::go_seconds(&spec.validation_frequency),
        })
    }

    fn facts(deltas: Vec<Delta<Location>>) -> Facts {
        Facts::Locations(deltas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Stamp;
    use crate::wire::testing::row;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn text(names: &[Name]) -> Vec<&str> {
        names.iter().map(|name| &**name).collect()
    }

    #[test]
    fn a_backup_of_a_schedule() {
        let row = row::<WireBackup>(json!({
            "metadata": {"name": "shop-20261121143000", "namespace": "velero", "uid": "1",
                "labels": {"velero.io/schedule-name": "shop"}, "creationTimestamp": "2026-11-21T14:30:00Z"},
            "spec": {"includedNamespaces": ["shop"], "excludedResources": ["events"], "storageLocation": "default",
                "ttl": "720h0m0s", "snapshotVolumes": true, "labelSelector": {"matchLabels": {"app": "cart"},
                "matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["cache", "tmp"]}]},
                "hooks": {"resources": [{"name": "freeze", "pre": [{"exec": {"container": "db", "command": ["sync", "-f"]}}]}]}},
            "status": {"phase": "PartiallyFailed", "startTimestamp": "2026-11-21T14:30:02Z",
                "completionTimestamp": "2026-11-21T14:31:02Z", "expiration": "2026-12-21T14:30:02Z",
                "progress": {"totalItems": 37, "itemsBackedUp": 36}, "warnings": 2, "errors": 1,
                "csiVolumeSnapshotsAttempted": 2, "csiVolumeSnapshotsCompleted": 1, "volumeSnapshotsAttempted": 1,
                "hookStatus": {"hooksAttempted": 1}},
        }));
        assert_eq!(
            (&*row.schedule, &*row.run.phase, row.run.items),
            ("shop", "PartiallyFailed", Some((36, 37)))
        );
        assert_eq!((row.run.warnings, row.run.errors, row.run.took()), (2, 1, Some(60)));
        assert_eq!((row.volumes.attempted, row.volumes.completed, row.hooks), (3, 1, (1, 0)));
        assert_eq!(&*row.template.selector, "app=cart,tier notin (cache,tmp)");
        assert_eq!(text(&row.template.hooks), ["freeze: before: sync -f in db"]);
        assert_eq!(row.expires, stamp::parse("2026-12-21T14:30:02Z"));
    }

    #[test]
    fn a_backup_that_waits_or_failed_before_it_began() {
        let queued = row::<WireBackup>(json!({
            "metadata": {"name": "b", "namespace": "velero", "uid": "1"}, "status": {"phase": "Queued", "queuePosition": 2}}));
        assert_eq!((&*queued.run.phase, queued.queue_position, queued.run.items), ("Queued", 2, None));
        let failed = row::<WireBackup>(json!({
            "metadata": {"name": "b", "namespace": "velero", "uid": "1"}, "spec": {},
            "status": {"phase": "FailedValidation", "progress": {}, "validationErrors": ["no such\nlocation", "\u{1b}[31mred"]}}));
        assert_eq!(failed.run.started, None);
        assert!(text(&failed.run.validation).iter().all(|line| !line.contains(['\n', '\u{1b}'])));
    }

    #[test]
    fn a_schedule_a_restore_and_a_location() {
        let schedule = row::<WireSchedule>(json!({
            "metadata": {"name": "shop", "namespace": "velero", "uid": "1"},
            "spec": {"schedule": "@every 6h", "paused": true, "template": {"includedNamespaces": ["*"], "orLabelSelectors":
                [{"matchLabels": {"a": "1"}}, {"matchLabels": {"b": "2"}}]}},
            "status": {"phase": "Enabled", "lastBackup": "2026-11-21T14:30:00Z"}}));
        assert_eq!(
            (&*schedule.cron, schedule.paused, &*schedule.template.selector),
            ("@every 6h", true, "a=1 or b=2")
        );
        let restore = row::<WireRestore>(json!({
            "metadata": {"name": "drill", "namespace": "velero", "uid": "1"},
            "spec": {"backupName": "b", "namespaceMapping": {"shop": "drill"}, "existingResourcePolicy": "update"},
            "status": {"phase": "Completed", "progress": {"totalItems": 5, "itemsRestored": 5},
                "startTimestamp": "2026-11-21T14:30:00Z", "completionTimestamp": "2026-11-21T14:42:00Z"}}));
        assert_eq!((restore.run.took(), restore.run.items), (Some(720), Some((5, 5))));
        assert_eq!(*restore.mapping, [("shop".into(), "drill".into())]);
        let location = row::<WireLocation>(json!({
            "metadata": {"name": "default", "namespace": "velero", "uid": "1"},
            "spec": {"provider": "aws", "objectStorage": {"bucket": "b", "prefix": "p"}, "default": true,
                "accessMode": "ReadOnly", "validationFrequency": "1m30s"},
            "status": {"phase": "Unavailable", "message": "AccessDenied", "lastValidationTime": "1970-01-01T00:01:00Z"}}));
        assert_eq!((&*location.store, location.default, location.read_only), ("b/p", true, true));
        assert_eq!((location.is_available(), location.validated), (false, Some(Stamp(60))));
        assert_eq!(location.validated_every, Some(90));
    }

    #[test]
    fn endless_texts_are_cut() {
        let long = "x".repeat(50_000);
        let row = row::<WireBackup>(json!({
            "metadata": {"name": "b", "uid": "1"},
            "status": {"failureReason": long, "validationErrors": vec!["no"; 5_000]}}));
        assert!(row.run.failure.len() < 1_100 && row.run.validation.len() <= KEPT);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-zA-Z]{1,8}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_stands_in_the_fields_it_is_a_row(
            fields in prop::collection::vec((prop::sample::select(&[
                "includedNamespaces", "labelSelector", "orLabelSelectors", "hooks", "ttl", "template", "schedule",
                "namespaceMapping", "objectStorage", "validationFrequency", "phase", "progress", "startTimestamp",
                "validationErrors", "warnings", "hookStatus", "queuePosition", "message", "lastBackup",
            ][..]), any_json()), 0..8)
        ) {
            let fields: serde_json::Map<String, Value> = fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
            let object = json!({"metadata": {"name": "n", "namespace": "velero", "uid": "1"},
                "spec": fields.clone(), "status": fields});
            row::<WireBackup>(object.clone());
            row::<WireSchedule>(object.clone());
            row::<WireRestore>(object.clone());
            row::<WireLocation>(object);
        }
    }
}
