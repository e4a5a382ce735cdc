//! Objects of Velero for tests.

use std::sync::Arc;

use super::*;
use crate::domain::backup::{Backup, Location, Restore, Run, Schedule, Template, Volumes};
use crate::fleet::testing::uid;

/// Saturday 2026-11-21T14:31:59Z.
pub const NOW: Stamp = Stamp(1_795_271_519);
pub const MINUTE: i64 = 60;

pub fn names(names: &[&str]) -> Arc<[Name]> {
    names.iter().map(|name| Name::from(*name)).collect()
}

/// A backup that began so many minutes ago.
pub fn backup(schedule: &str, namespaces: &[&str], phase: &str, minutes: i64) -> Backup {
    let name = format!("{}-{minutes}", if schedule.is_empty() { "hand" } else { schedule });
    let started = NOW.plus(-minutes * MINUTE);
    Backup {
        uid: uid(&name),
        namespace: "velero".into(),
        name: name.into(),
        created: started,
        schedule: schedule.into(),
        template: Template { namespaces: names(namespaces), ..Template::default() },
        run: Run {
            phase: phase.into(),
            started: Some(started),
            completed: Phase::of(phase)
                .is_on_its_way()
                .then_some(())
                .map_or(Some(started.plus(30)), |()| None),
            ..Run::default()
        },
        queue_position: 0,
        expires: Some(NOW.plus(30 * 86_400)),
        volumes: Volumes::default(),
        hooks: (0, 0),
    }
}

pub fn schedule(name: &str, cron: &str, namespaces: &[&str]) -> Schedule {
    Schedule {
        uid: uid(&format!("schedule {name}")),
        namespace: "velero".into(),
        name: name.into(),
        created: NOW.plus(-90 * 86_400),
        cron: cron.into(),
        paused: false,
        phase: "Enabled".into(),
        last_backup: None,
        last_skipped: None,
        validation: names(&[]),
        template: Template { namespaces: names(namespaces), ..Template::default() },
    }
}

pub fn location(name: &str, phase: &str) -> Location {
    Location {
        uid: uid(&format!("location {name}")),
        namespace: "velero".into(),
        name: name.into(),
        created: NOW.plus(-90 * 86_400),
        provider: "aws".into(),
        store: "bucket".into(),
        default: name == "default",
        read_only: false,
        phase: phase.into(),
        message: "".into(),
        synced: None,
        validated: Some(NOW.plus(-20)),
        validated_every: None,
    }
}

pub fn restore(name: &str, backup: &str, phase: &str, minutes: i64, took: i64) -> Restore {
    let started = NOW.plus(-minutes * MINUTE);
    Restore {
        uid: uid(&format!("restore {name}")),
        namespace: "velero".into(),
        name: name.into(),
        created: started,
        backup: backup.into(),
        schedule: "".into(),
        namespaces: names(&[]),
        not_namespaces: names(&[]),
        mapping: Arc::from([]),
        existing: "".into(),
        run: Run {
            phase: phase.into(),
            started: Some(started),
            completed: Some(started.plus(took)),
            items: Some((5, 5)),
            ..Run::default()
        },
    }
}
