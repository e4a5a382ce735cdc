//! Environments and apps as they stand: what `pilothouse status` prints.

use serde::Serialize;

use super::table::Table;
use crate::domain::environment::{Environment, Environments};
use crate::domain::id::EnvId;
use crate::domain::level::Level;
use crate::domain::time::{Now, Stamp};
use crate::fleet::{Basis, Card, Cards, Cell, Freshness, Matrix, Relation, Share, SyncCounts, Syncs};
use crate::text::{age_short, bytes, cpu_milli};
use crate::world::World;

/// How everything stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// Of all environments: `healthy`, `unhealthy` or `unknown`.
    pub health: Health,
    /// The environments in promotion order.
    pub environments: Vec<EnvironmentStatus>,
    /// The apps, faults first.
    pub apps: Vec<AppStatus>,
}

/// The answer that the exit code gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Health {
    /// All connected environments are well, at rest or on their way.
    Healthy,
    /// At least one is degraded or critical.
    Unhealthy,
    /// None is known to be unwell, but not everything is known.
    Unknown,
}

impl Health {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Health::Healthy => "healthy",
            Health::Unhealthy => "unhealthy",
            Health::Unknown => "unknown",
        }
    }
}

/// One environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentStatus {
    /// Its name.
    pub name: String,
    /// The stage it stands in.
    pub stage: Option<String>,
    /// The kubeconfig context.
    pub context: String,
    /// Its namespaces.
    pub namespaces: Vec<String>,
    /// `GKE 1.35`.
    pub platform: Option<String>,
    /// Changes need its name typed.
    pub protected: bool,
    /// Worked out from names.
    pub inferred: bool,
    /// Whether its cluster is connected or meant to be.
    pub connected: bool,
    /// `healthy`, `degraded`, `critical`...
    pub level: &'static str,
    /// Why.
    pub reason: String,
    /// `fresh`, `12 s old`, `login expired`...
    pub freshness: String,
    /// What stands behind that.
    pub detail: String,
    /// Workloads.
    pub workloads: Count,
    /// Pods.
    pub pods: Pods,
    /// Processor, in thousandths of a core.
    pub cpu: Option<ShareStatus>,
    /// Memory, in bytes.
    pub memory: Option<ShareStatus>,
    /// What its pods use now.
    pub usage: Option<Usage>,
    /// What Argo CD and Flux deliver to it; none when they deliver nothing.
    pub sync: Option<SyncStatus>,
    /// Alerts that concern it, when somebody could be asked for them.
    pub alerts: Option<super::alerts::Counts>,
    /// Its recovery point: how old its newest usable backup is; `null` where it cannot be told.
    pub rpo: Option<super::backups::RpoStatus>,
    /// Its recovery time: how long the last restore took; `null` where Velero is not, or not known yet.
    pub rto: Option<super::backups::RtoStatus>,
    /// The recovery point for people.
    pub backup: String,
    /// Kinds that cannot be had.
    pub missing: Vec<Missing>,
}

/// Applications of Argo CD, Kustomizations and HelmReleases of Flux, by how far what is wanted has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SyncStatus {
    /// All.
    pub total: u32,
    /// As wanted, whatever their health.
    pub synced: u32,
    /// Not as wanted.
    pub drift: u32,
    /// On their way.
    pub syncing: u32,
    /// Not to be delivered.
    pub failed: u32,
    /// Not comparable.
    pub unknown: u32,
    /// Suspended by a person.
    pub suspended: u32,
}

/// Workloads that are as they should be, of those that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// As they should be.
    pub ready: u32,
    /// All.
    pub total: u32,
}

/// Pods by state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Pods {
    /// All.
    pub total: u32,
    /// Running and ready.
    pub ready: u32,
    /// Starting or ending.
    pub moving: u32,
    /// Running and not ready.
    pub unready: u32,
    /// Failing.
    pub failed: u32,
    /// Completed.
    pub done: u32,
}

/// A part of a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ShareStatus {
    /// Taken.
    pub used: u64,
    /// There.
    pub hard: u64,
    /// Whole per cent.
    pub percent: u64,
    /// `quota` or `nodes`.
    pub of: &'static str,
}

/// What pods use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Thousandths of a core.
    pub cpu_milli: u64,
    /// Bytes.
    pub memory: u64,
}

/// A kind that cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Its plural name.
    pub kind: &'static str,
    /// Why.
    pub reason: String,
}

/// One app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AppStatus {
    /// Its name.
    pub name: String,
    /// The worst of where it runs.
    pub level: &'static str,
    /// Where it runs.
    pub environments: Vec<ReleaseStatus>,
}

/// An app in an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseStatus {
    /// The environment's name.
    pub environment: String,
    /// Tag, or short digest.
    pub release: String,
    /// The image as written.
    pub image: String,
    /// The digest that runs; empty when not known.
    pub digest: String,
    /// How well it is.
    pub level: &'static str,
    /// To the stage before: `first`, `same`, `behind`, `ahead` or `differs`.
    pub relation: &'static str,
    /// By how many releases, where that can be told.
    pub by: Option<u32>,
    /// For how many seconds it has been this release.
    pub age_seconds: Option<u64>,
    /// A rollout on its way: pods of the new template.
    pub updated: Option<u32>,
    /// A rollout on its way: pods wanted.
    pub desired: Option<u32>,
    /// Other releases that its workloads name.
    pub mixed: Vec<String>,
}

/// What a status is made from.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The world.
    pub world: &'a World,
    /// The environments.
    pub environments: &'a Environments,
    /// Their cards.
    pub cards: &'a Cards,
    /// The releases.
    pub matrix: &'a Matrix,
    /// What Argo CD and Flux deliver.
    pub sync: &'a Syncs,
    /// What Velero keeps of them.
    pub backups: &'a crate::fleet::Backups,
    /// The present.
    pub now: Now,
    /// Only this environment.
    pub only: Option<EnvId>,
}

impl Status {
    /// Puts everything together.
    pub fn of(facts: Facts<'_>) -> Status {
        let shown: Vec<&Environment> = facts
            .environments
            .list
            .iter()
            .filter(|env| facts.only.is_none_or(|only| only == env.id))
            .collect();
        let environments: Vec<(Level, EnvironmentStatus)> = shown
            .iter()
            .filter_map(|env| Some((env, facts.cards.get(env.id)?)))
            .map(|(env, card)| (card.level, environment(facts, env, card)))
            .collect();
        // A bare context is nobody's environment yet, unless it was asked for.
        let counted = environments.iter().filter(|(_, env)| env.connected || facts.only.is_some());
        Status {
            at: rfc3339(facts.now.wall),
            health: health(counted.map(|(level, env)| (*level, env.connected))),
            environments: environments.into_iter().map(|(_, env)| env).collect(),
            apps: apps(facts, &shown),
        }
    }

    /// As JSON, indented.
    ///
    /// # Errors
    /// Never in practice: everything here has a JSON form.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// As tables.
    pub fn text(&self) -> String {
        let mut text = self.environments_table().text();
        if !self.apps.is_empty() {
            text.push('\n');
            text.push_str(&self.apps_table().text());
        }
        let notes: Vec<String> = self.environments.iter().flat_map(notes).collect();
        if !notes.is_empty() {
            text.push('\n');
            for note in notes {
                text.push_str(&note);
                text.push('\n');
            }
        }
        text
    }

    fn environments_table(&self) -> Table {
        let mut table = Table::new([
            "environment",
            "context",
            "cluster",
            "health",
            ">work",
            ">pods",
            ">failing",
            "sync",
            ">cpu",
            ">mem",
            "backup",
            "alerts",
            "freshness",
            "reason",
        ]);
        for env in &self.environments {
            let mark = if env.protected && env.connected { " (protected)" } else { "" };
            let counts = env.workloads.total > 0 || env.pods.total > 0;
            let share =
                |share: Option<ShareStatus>| share.map(|s| format!("{}%", s.percent)).unwrap_or_default();
            table.row([
                format!("{}{mark}", env.name),
                env.context.clone(),
                env.platform.clone().unwrap_or_default(),
                env.level.to_owned(),
                if counts {
                    format!("{}/{}", env.workloads.ready, env.workloads.total)
                } else {
                    String::new()
                },
                if counts {
                    format!("{}/{}", env.pods.ready, env.pods.total - env.pods.done)
                } else {
                    String::new()
                },
                if env.pods.failed > 0 { env.pods.failed.to_string() } else { String::new() },
                env.sync.map(sync_words).unwrap_or_default(),
                share(env.cpu),
                share(env.memory),
                env.backup.clone(),
                env.alerts.map(alert_words).unwrap_or_default(),
                env.freshness.clone(),
                env.reason.clone(),
            ]);
        }
        table
    }

    fn apps_table(&self) -> Table {
        let columns: Vec<&str> = self
            .environments
            .iter()
            .map(|env| env.name.as_str())
            .filter(|name| {
                self.apps.iter().any(|app| app.environments.iter().any(|r| r.environment == *name))
            })
            .collect();
        let mut table = Table::new(std::iter::once("app").chain(columns.iter().copied()));
        for app in &self.apps {
            let cells = columns.iter().map(|column| {
                let found = app.environments.iter().find(|release| release.environment == *column);
                found.map_or_else(|| "-".to_owned(), release_words)
            });
            table.row(std::iter::once(app.name.clone()).chain(cells));
        }
        table
    }
}

/// Unhealthy speaks before unknown: it is known that somebody must look.
fn health(levels: impl Iterator<Item = (Level, bool)>) -> Health {
    let mut health = None;
    for (level, connected) in levels {
        let this = match level {
            Level::Critical | Level::Warning => Health::Unhealthy,
            Level::Unknown => Health::Unknown,
            Level::Ok | Level::Idle | Level::Progressing if connected => Health::Healthy,
            Level::Ok | Level::Idle | Level::Progressing => Health::Unknown,
        };
        health = match (health, this) {
            (Some(Health::Unhealthy), _) | (_, Health::Unhealthy) => Some(Health::Unhealthy),
            (Some(Health::Unknown), _) | (_, Health::Unknown) => Some(Health::Unknown),
            _ => Some(Health::Healthy),
        };
    }
    health.unwrap_or(Health::Unknown)
}

fn environment(facts: Facts<'_>, env: &Environment, card: &Card) -> EnvironmentStatus {
    let cluster = facts.world.cluster(env.cluster);
    let freshness = Freshness::of(cluster, env.scope.namespaces(), facts.now);
    let (kept, now) = (facts.backups.get(env.id), facts.now.wall);
    let stage = env.stage.and_then(|stage| facts.environments.stages.get(usize::from(stage)));
    EnvironmentStatus {
        name: env.name.to_string(),
        stage: stage.map(|stage| stage.to_string()),
        context: env.context.to_string(),
        namespaces: env.scope.namespaces().iter().map(|name| name.to_string()).collect(),
        platform: card.platform.as_ref().map(|platform| platform.to_string()),
        protected: env.protected,
        inferred: env.inferred,
        connected: freshness != Freshness::Dim,
        level: if freshness == Freshness::Dim { "not connected" } else { card.level.word() },
        reason: card.reason.clone(),
        freshness: freshness.words(facts.now, ""),
        detail: freshness.detail(facts.now),
        workloads: Count { ready: card.ready, total: card.workloads },
        pods: Pods {
            total: card.pods.total,
            ready: card.pods.ready,
            moving: card.pods.moving,
            unready: card.pods.unready,
            failed: card.pods.failed,
            done: card.pods.done,
        },
        cpu: card.cpu.map(share),
        memory: card.memory.map(share),
        usage: card.usage.map(|used| Usage { cpu_milli: used.cpu_milli, memory: used.memory }),
        sync: sync(facts.sync.counts(env.id)),
        alerts: None,
        rpo: kept
            .and_then(|kept| kept.rpo(now))
            .map(|one| super::backups::rpo(&one.namespace, &one.rpo, now)),
        rto: kept.map(super::backups::rto),
        backup: kept.map(|kept| super::backups::column(kept, now)).unwrap_or_default(),
        missing: card
            .missing
            .iter()
            .map(|(kind, reason)| Missing { kind: kind.api().2, reason: reason.to_string() })
            .collect(),
    }
}

fn sync(counts: SyncCounts) -> Option<SyncStatus> {
    let SyncCounts { total, synced, drift, syncing, failed, unknown, suspended } = counts;
    (total > 0).then_some(SyncStatus { total, synced, drift, syncing, failed, unknown, suspended })
}

/// `11/12, 1 drift`
fn sync_words(sync: SyncStatus) -> String {
    let mut words = format!("{}/{}", sync.synced, sync.total);
    for (count, word) in [
        (sync.failed, "failed"),
        (sync.drift, "drift"),
        (sync.unknown, "unknown"),
        (sync.syncing, "syncing"),
        (sync.suspended, "suspended"),
    ] {
        if count > 0 {
            words.push_str(&format!(", {count} {word}"));
        }
    }
    words
}

fn share(share: Share) -> ShareStatus {
    ShareStatus {
        used: share.used,
        hard: share.hard,
        percent: share.percent(),
        of: match share.basis {
            Basis::Quota => "quota",
            Basis::Nodes => "nodes",
        },
    }
}

fn apps(facts: Facts<'_>, shown: &[&Environment]) -> Vec<AppStatus> {
    let mut apps = Vec::new();
    for row in &facts.matrix.rows {
        let environments: Vec<(Level, ReleaseStatus)> = facts
            .matrix
            .columns
            .iter()
            .zip(&row.cells)
            .filter_map(|(id, cell)| {
                let env = shown.iter().find(|env| env.id == *id)?;
                let cell = cell.as_ref()?;
                Some((cell.level, release(&env.name, cell, facts.now.wall)))
            })
            .collect();
        if !environments.is_empty() {
            apps.push(AppStatus {
                name: row.app.to_string(),
                level: crate::fleet::worst(environments.iter().map(|(level, _)| *level)).word(),
                environments: environments.into_iter().map(|(_, release)| release).collect(),
            });
        }
    }
    apps
}

fn release(environment: &str, cell: &Cell, now: Stamp) -> ReleaseStatus {
    let (relation, by) = match cell.relation {
        Relation::First => ("first", None),
        Relation::Same => ("same", None),
        Relation::Behind(by) => ("behind", by),
        Relation::Ahead(by) => ("ahead", by),
        Relation::Differs => ("differs", None),
    };
    ReleaseStatus {
        environment: environment.to_owned(),
        release: cell.release.to_string(),
        image: cell.image.to_string(),
        digest: cell.digest.to_string(),
        level: cell.level.word(),
        relation,
        by,
        age_seconds: cell.since.map(|since| now.since(since)),
        updated: cell.rolling.map(|rolling| rolling.updated),
        desired: cell.rolling.map(|rolling| rolling.desired),
        mixed: cell.mixed.iter().map(|release| release.to_string()).collect(),
    }
}

/// `2.8.3, 2 behind`, `1.31.0, critical, 6m`, `4.3.1, 2/3 updated`.
fn release_words(release: &ReleaseStatus) -> String {
    let mut words = vec![release.release.clone()];
    if !release.mixed.is_empty() {
        words[0] = format!("{}+{}", release.release, release.mixed.join("+"));
    }
    match (release.relation, release.by) {
        ("behind" | "ahead", Some(by)) => words.push(format!("{by} {}", release.relation)),
        ("behind" | "ahead" | "differs", None) => words.push(release.relation.to_owned()),
        _ => {}
    }
    if let (Some(updated), Some(desired)) = (release.updated, release.desired) {
        words.push(format!("{updated}/{desired} updated"));
    }
    if matches!(release.level, "critical" | "degraded" | "unknown") {
        words.push(release.level.to_owned());
        if let Some(age) = release.age_seconds {
            words.push(age_short(i64::try_from(age).unwrap_or(i64::MAX)));
        }
    }
    words.join(", ")
}

/// What no column has room for.
fn notes(env: &EnvironmentStatus) -> Vec<String> {
    let mut notes = Vec::new();
    if !env.detail.is_empty() && !env.missing.iter().any(|missing| missing.reason == env.detail) {
        notes.push(format!("{}: {}", env.name, env.detail));
    }
    if let Some(first) = env.missing.first() {
        let kinds: Vec<&str> = env.missing.iter().map(|missing| missing.kind).collect();
        notes.push(format!("{}: cannot read {} ({})", env.name, kinds.join(", "), first.reason));
    }
    if let Some(usage) = env.usage {
        notes.push(format!(
            "{}: uses {} cpu and {} memory",
            env.name,
            cpu_milli(usage.cpu_milli),
            bytes(usage.memory)
        ));
    }
    notes
}

/// `1 critical, 2 warning`; `none` when nothing of them fires.
fn alert_words(counts: super::alerts::Counts) -> String {
    let parts = [(counts.critical, "critical"), (counts.warning, "warning")];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

pub(super) fn rfc3339(at: Stamp) -> String {
    jiff::Timestamp::from_second(at.0).map(|at| at.to_string()).unwrap_or_default()
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
