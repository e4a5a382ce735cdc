//! How well an app is and why: what several fields together say, where each of them alone misleads.
//!
//! - Sync and health are independent, and both are those of the last comparison: an operation that has just succeeded
//!   leaves the old health standing for a moment. Well is only what is synced and healthy with nothing under way.
//! - `Healthy` beside `Unknown` or an error of comparison says nothing: the manifests do not even render.
//! - A failed operation stays until the next one, and auto-sync does not repeat it.
//! - An app that is suspended tells an old state.

use super::{Health, Operation, Phase, Sync, SyncApp};
use crate::domain::level::Level;
use crate::domain::meta::Condition;

/// How well an app is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How well.
    pub level: Level,
    /// Why, in words; empty when all is well.
    pub why: String,
}

/// How far what is wanted has come, whatever the health of what runs: what a count of apps is made of. Worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// It cannot be delivered.
    Failed,
    /// Delivered, and not as wanted.
    Drift,
    /// Could not be compared.
    Unknown,
    /// On its way.
    Syncing,
    /// Suspended by a person.
    Suspended,
    /// As wanted.
    Synced,
}

impl Verdict {
    fn new(level: Level, why: impl Into<String>) -> Verdict {
        Verdict { level, why: why.into() }
    }
}

impl SyncApp {
    /// How well it is, and why.
    pub fn verdict(&self) -> Verdict {
        if self.auto.suspended {
            return Verdict::new(Level::Idle, "suspended: nothing is reconciled, and what it says is old");
        }
        let found = [
            self.judge_conditions(),
            self.judge_operation(),
            self.judge_health(),
            self.judge_sync(),
            self.deleting.then(|| Verdict::new(Level::Progressing, "is being deleted")),
        ];
        // Of equally bad ones the first says most.
        let worst = found.into_iter().flatten().reduce(
            |worst, other| {
                if other.level > worst.level { other } else { worst }
            },
        );
        worst.unwrap_or(match self.health {
            Health::Suspended => Verdict::new(Level::Idle, "paused"),
            _ => Verdict::new(Level::Ok, ""),
        })
    }

    /// How far what is wanted has come.
    pub fn standing(&self) -> Standing {
        let failed = |found: Option<Verdict>| found.is_some_and(|verdict| verdict.level == Level::Critical);
        if self.auto.suspended {
            return Standing::Suspended;
        }
        if failed(self.judge_conditions()) || failed(self.judge_operation()) {
            return Standing::Failed;
        }
        let operation = self.operation.as_ref();
        if operation.is_some_and(Operation::is_retrying) {
            return Standing::Failed;
        }
        if self.requested || operation.is_some_and(Operation::is_under_way) {
            return Standing::Syncing;
        }
        match self.sync {
            Sync::Synced => Standing::Synced,
            Sync::OutOfSync => Standing::Drift,
            Sync::Unknown | Sync::Other(_) => Standing::Unknown,
        }
    }

    /// The worst condition that says something.
    fn judge_conditions(&self) -> Option<Verdict> {
        if !self.is_argo() {
            return None;
        }
        let worst =
            self.conditions.iter().filter_map(|condition| Some((condition_level(condition)?, condition)));
        let (level, condition) =
            worst.reduce(|worst, other| if other.0 > worst.0 { other } else { worst })?;
        Some(Verdict::new(level, condition.message.to_string()))
    }

    fn judge_operation(&self) -> Option<Verdict> {
        let under_way = self.operation.as_ref().is_some_and(Operation::is_under_way);
        if self.requested && !under_way {
            return Some(Verdict::new(Level::Progressing, "asked for, not begun"));
        }
        let operation = self.operation.as_ref()?;
        let message = &*operation.message;
        let words =
            |what: &str| if message.is_empty() { what.to_owned() } else { format!("{what}: {message}") };
        Some(match &operation.phase {
            Phase::Running if operation.says_blocked() => {
                Verdict::new(Level::Progressing, "waits for its sync window")
            }
            Phase::Running if operation.is_retrying() => {
                let level = if self.is_argo() { Level::Warning } else { Level::Critical };
                Verdict::new(level, words("fails and is tried again"))
            }
            Phase::Running if operation.failed > 0 => {
                Verdict::new(Level::Warning, words(&format!("{} objects fail", operation.failed)))
            }
            Phase::Running => Verdict::new(Level::Progressing, words("syncing")),
            Phase::Terminating => Verdict::new(Level::Progressing, "is being stopped"),
            Phase::LeftOver => Verdict::new(
                Level::Warning,
                "says that a sync is being stopped, and nothing runs: sync it anew",
            ),
            Phase::Failed if message == "Operation terminated" => {
                Verdict::new(Level::Warning, "the last sync was stopped")
            }
            // What runs is as wanted and works all the same.
            Phase::Failed | Phase::Error if self.is_well() || self.works_as_before() => {
                Verdict::new(Level::Warning, words("the last sync failed"))
            }
            Phase::Failed => Verdict::new(Level::Critical, words("sync failed")),
            Phase::Error => Verdict::new(Level::Critical, words("sync could not begin")),
            Phase::Succeeded if operation.dry_run && self.is_stalled_by_dry_run() => Verdict::new(
                Level::Warning,
                "a dry run counts as tried: auto-sync does nothing before the next commit",
            ),
            Phase::Succeeded | Phase::None => return None,
            Phase::Other(word) => Verdict::new(Level::Unknown, format!("operation {word}")),
        })
    }

    fn judge_health(&self) -> Option<Verdict> {
        let under_way = self.operation.as_ref().is_some_and(Operation::is_under_way);
        Some(match &self.health {
            Health::Healthy | Health::Suspended => return None,
            Health::Progressing => Verdict::new(Level::Progressing, "rolling out"),
            Health::Degraded => Verdict::new(Level::Critical, "degraded"),
            Health::Missing if under_way => Verdict::new(Level::Progressing, "not there yet"),
            Health::Missing if self.deployed.is_none() => Verdict::new(Level::Warning, "was never deployed"),
            Health::Missing => Verdict::new(Level::Critical, "its objects are missing"),
            Health::Unknown => Verdict::new(Level::Unknown, "health is not known"),
            Health::Other(word) => Verdict::new(Level::Unknown, format!("health {word}")),
        })
    }

    fn judge_sync(&self) -> Option<Verdict> {
        let under_way = self.operation.as_ref().is_some_and(Operation::is_under_way);
        Some(match &self.sync {
            Sync::Synced => return None,
            Sync::OutOfSync if under_way => Verdict::new(Level::Progressing, "out of sync"),
            Sync::OutOfSync => Verdict::new(Level::Warning, self.drift_words()),
            // What was never applied has nothing to be compared with: that it is on its way says more.
            Sync::Unknown if under_way && !self.is_argo() => {
                Verdict::new(Level::Progressing, "was not applied yet")
            }
            Sync::Unknown => Verdict::new(Level::Unknown, "could not be compared with its source"),
            Sync::Other(word) => Verdict::new(Level::Unknown, format!("sync {word}")),
        })
    }

    /// What drifts: `Deployment cart and 2 more differ`.
    pub fn drift_words(&self) -> String {
        let Some(first) = self.drifted.first() else { return "out of sync".to_owned() };
        let waits = if self.drifted.iter().all(|drifted| drifted.prune) {
            "no longer wanted"
        } else {
            "not as wanted"
        };
        match self.drift {
            0 | 1 => format!("{} {} is {waits}", first.kind, first.name),
            more => format!("{} {} and {} more are {waits}", first.kind, first.name, more - 1),
        }
    }

    /// Synced and healthy.
    fn is_well(&self) -> bool {
        self.sync == Sync::Synced && self.health == Health::Healthy
    }

    /// A Flux object says so itself when the old version goes on; the health that Argo CD tells beside a failed sync
    /// leaves out what could not be made.
    fn works_as_before(&self) -> bool {
        !self.is_argo() && self.health == Health::Healthy
    }

    /// A dry run counts as "this revision was tried": without self-heal nothing happens before the next commit, and
    /// nothing in the object says so.
    fn is_stalled_by_dry_run(&self) -> bool {
        self.sync == Sync::OutOfSync && self.auto.sync && !self.auto.self_heal
    }
}

/// How bad it is that a condition of an Application is there; `None` for those that only inform.
fn condition_level(condition: &Condition) -> Option<Level> {
    match &*condition.kind {
        "OrphanedResourceWarning" | "ExcludedResourceWarning" => None,
        kind if kind.ends_with("Error") => Some(Level::Critical),
        _ => Some(Level::Warning),
    }
}
