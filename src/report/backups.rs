//! What Velero keeps of each environment: what `pilothouse backups` and `pilothouse rpo` print.

use serde::Serialize;

use super::status::{Health, rfc3339};
use super::table::Table;
use crate::domain::environment::{Environment, Environments};
use crate::domain::id::EnvId;
use crate::domain::level::Level;
use crate::domain::time::Stamp;
use crate::fleet::Backups;
use crate::fleet::backups::meter::short_age;
use crate::fleet::backups::words::shown;
use crate::fleet::backups::{Aim, Kept, Reading, Rpo, Standing};
use crate::world::World;

/// What is kept of everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupReport {
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// Of all environments: `healthy`, `unhealthy` or `unknown`.
    pub health: Health,
    /// The environments in promotion order.
    pub environments: Vec<EnvironmentBackups>,
}

/// What is kept of one environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentBackups {
    /// Its name.
    pub environment: String,
    /// The kubeconfig context of its Velero.
    pub context: String,
    /// `here`, `loading`, `absent`, `forbidden` or `away`.
    pub velero: &'static str,
    /// Why it cannot be read.
    pub reason: String,
    /// Its recovery point; `null` where it cannot be told.
    pub rpo: Option<RpoStatus>,
    /// Its recovery time.
    pub rto: RtoStatus,
    /// The recovery point of each of its namespaces.
    pub namespaces: Vec<RpoStatus>,
    /// The recovery point of each of its schedules.
    pub schedules: Vec<RpoStatus>,
    /// Backups that do not count, though they are newer than the one that does.
    pub rejected: Vec<RejectedStatus>,
    /// Kinds that cannot be read.
    pub missing: Vec<super::status::Missing>,
    /// Schedules, backups, restores and locations, the worst first.
    pub objects: Vec<ObjectStatus>,
}

/// A recovery point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RpoStatus {
    /// The namespace or schedule; of an environment the namespace that is worst off.
    pub name: String,
    /// `kept`, `at risk`, `breached`, `never`, `awaited`, `no target` or `not backed up`.
    pub state: &'static str,
    /// How well that is.
    pub level: &'static str,
    /// In words.
    pub words: String,
    /// Seconds since the newest usable backup began.
    pub age_seconds: Option<u64>,
    /// The oldest that it may be.
    pub target_seconds: Option<u64>,
    /// Where the target comes from: `tier`, or `schedule NAME`.
    pub target_from: Option<String>,
    /// The newest usable backup.
    pub newest: Option<String>,
    /// When it began.
    pub newest_at: Option<String>,
    /// When the target is or was missed.
    pub breach_at: Option<String>,
    /// When the next run is due.
    pub next_run: Option<String>,
}

/// A recovery time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RtoStatus {
    /// `not measured`, `kept`, `missed`, or `no target`.
    pub state: &'static str,
    /// In words.
    pub words: String,
    /// How long the last restore took.
    pub last_seconds: Option<u64>,
    /// The longest that it may take.
    pub target_seconds: Option<u64>,
    /// The restore that measured it.
    pub restore: Option<String>,
    /// When that was over.
    pub restored_at: Option<String>,
}

/// A backup that does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RejectedStatus {
    /// Its name.
    pub name: String,
    /// When it began.
    pub at: String,
    /// Why.
    pub reason: String,
}

/// One of Velero's objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectStatus {
    /// `schedule`, `backup`, `restore` or `location`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// How well it is.
    pub level: &'static str,
    /// How it stands.
    pub status: String,
    /// The age that matters, in seconds.
    pub age_seconds: Option<u64>,
    /// What else there is to know.
    pub detail: String,
}

/// What a report is made from.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The world.
    pub world: &'a World,
    /// The environments.
    pub environments: &'a Environments,
    /// What is kept of them.
    pub backups: &'a Backups,
    /// The present.
    pub now: Stamp,
    /// Only this environment.
    pub only: Option<EnvId>,
}

impl BackupReport {
    /// Puts everything together. `meters_only` judges by recovery points alone.
    pub fn of(facts: Facts<'_>, meters_only: bool) -> BackupReport {
        let shown = facts.environments.list.iter();
        let shown = shown.filter(|env| facts.only.is_none_or(|only| only == env.id));
        let kept: Vec<(&Environment, &Kept)> =
            shown.filter_map(|env| Some((env, facts.backups.get(env.id)?))).collect();
        BackupReport {
            at: rfc3339(facts.now),
            health: health(&kept, facts, meters_only),
            environments: kept.into_iter().map(|(env, kept)| environment(facts, env, kept)).collect(),
        }
    }

    /// As JSON, indented.
    ///
    /// # Errors
    /// Never in practice: everything here has a JSON form.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// The recovery points as a table, with notes on what cannot be read.
    pub fn meters(&self) -> String {
        let mut table = Table::new([
            "environment",
            ">age",
            ">target",
            "state",
            "newest usable",
            "next run",
            "recovery time",
        ]);
        for env in &self.environments {
            let age = |seconds: Option<u64>| seconds.map(short_age).unwrap_or_default();
            let rpo = env.rpo.as_ref();
            table.row([
                env.environment.clone(),
                rpo.map(|rpo| age(rpo.age_seconds)).unwrap_or_default(),
                rpo.map(|rpo| age(rpo.target_seconds)).unwrap_or_default(),
                rpo.map_or_else(|| env.reason.clone(), |rpo| rpo.words.clone()),
                rpo.and_then(|rpo| rpo.newest.clone()).unwrap_or_default(),
                rpo.and_then(|rpo| rpo.next_run.clone()).unwrap_or_default(),
                if env.velero == "here" { env.rto.words.clone() } else { String::new() },
            ]);
        }
        let mut text = table.text();
        for env in &self.environments {
            for one in &env.rejected {
                text.push_str(&format!("{}: {} does not count: {}\n", env.environment, one.name, one.reason));
            }
            for one in &env.missing {
                text.push_str(&format!("{}: {}: {}\n", env.environment, one.kind, one.reason));
            }
        }
        text
    }

    /// The recovery points, and below them every object.
    pub fn text(&self) -> String {
        let mut table = Table::new(["environment", "kind", "name", "health", "status", ">age", "detail"]);
        let mut any = false;
        for env in &self.environments {
            for object in &env.objects {
                any = true;
                table.row([
                    env.environment.clone(),
                    object.kind.to_owned(),
                    object.name.clone(),
                    object.level.to_owned(),
                    object.status.clone(),
                    object.age_seconds.map(short_age).unwrap_or_default(),
                    object.detail.clone(),
                ]);
            }
        }
        let meters = self.meters();
        if any { format!("{meters}\n{}", table.text()) } else { meters }
    }
}

/// What is missed speaks before what is not known.
fn health(kept: &[(&Environment, &Kept)], facts: Facts<'_>, meters_only: bool) -> Health {
    let bad = |kept: &Kept| {
        kept.entries.iter().any(|entry| match entry.level {
            Level::Critical | Level::Warning if !meters_only => true,
            Level::Critical => entry.what == crate::fleet::backups::What::Rpo,
            _ => false,
        })
    };
    if kept.iter().any(|(_, kept)| bad(kept)) {
        return Health::Unhealthy;
    }
    let known = |kept: &Kept| matches!(kept.reading, Reading::Here);
    // Where nobody asks for a recovery point and there is no Velero, nothing is to be known.
    let asked = |kept: &Kept| kept.tier.is_some() || facts.only.is_some();
    let unknown = kept.iter().any(|(_, kept)| match kept.reading {
        Reading::Here => false,
        Reading::Absent => asked(kept),
        Reading::Away(_) => asked(kept),
        Reading::Loading | Reading::Refused(_) => true,
    });
    if unknown || !kept.iter().any(|(_, kept)| known(kept)) { Health::Unknown } else { Health::Healthy }
}

fn environment(facts: Facts<'_>, env: &Environment, kept: &Kept) -> EnvironmentBackups {
    let (velero, reason) = match &kept.reading {
        Reading::Here => ("here", String::new()),
        Reading::Loading => ("loading", "loading".to_owned()),
        Reading::Absent => ("absent", "no Velero: its definitions are not installed".to_owned()),
        Reading::Refused(message) => ("forbidden", message.to_string()),
        Reading::Away(why) => ("away", why.clone()),
    };
    let now = facts.now;
    EnvironmentBackups {
        environment: env.name.to_string(),
        context: kept.place.as_ref().map(|place| place.context.to_string()).unwrap_or_default(),
        velero,
        reason,
        rpo: kept.rpo(now).map(|one| rpo(&one.namespace, &one.rpo, now)),
        rto: rto(kept),
        namespaces: kept.namespaces.iter().map(|one| rpo(&one.namespace, &one.rpo, now)).collect(),
        schedules: kept.plans.iter().map(|plan| rpo(&plan.name, &plan.rpo, now)).collect(),
        rejected: kept
            .rejected
            .iter()
            .map(|one| RejectedStatus {
                name: one.name.to_string(),
                at: rfc3339(one.at),
                reason: one.why.clone(),
            })
            .collect(),
        missing: kept
            .gaps
            .iter()
            .map(|(kind, why)| super::status::Missing { kind: kind.api().2, reason: why.to_string() })
            .collect(),
        objects: objects(facts, env, kept),
    }
}

/// A recovery point as it stands.
pub(super) fn rpo(name: &str, rpo: &Rpo, now: Stamp) -> RpoStatus {
    let standing = rpo.standing(now);
    RpoStatus {
        name: name.to_owned(),
        state: standing.word(),
        level: standing.level().word(),
        words: standing.words(now),
        age_seconds: rpo.age(now),
        target_seconds: rpo.target.as_ref().map(|target| target.seconds),
        target_from: rpo.target.as_ref().map(|target| match &target.basis {
            Aim::Tier => "tier".to_owned(),
            Aim::Schedule(name) => format!("schedule {name}"),
        }),
        newest: rpo.newest.as_ref().map(|good| good.name.to_string()),
        newest_at: rpo.newest.as_ref().map(|good| rfc3339(good.started)),
        breach_at: standing.breach_at().filter(|_| standing != Standing::Never).map(rfc3339),
        next_run: rpo.due.map(rfc3339),
    }
}

pub(super) fn rto(kept: &Kept) -> RtoStatus {
    let last = kept.rto.last.as_ref();
    RtoStatus {
        state: match (last, kept.rto.target) {
            (None, _) => "not measured",
            (Some(_), None) => "no target",
            (Some((_, _, took)), Some(target)) if *took > target => "missed",
            (Some(_), Some(_)) => "kept",
        },
        words: match last {
            Some((name, _, _)) => format!("{}, by {name}", kept.rto.words()),
            None => kept.rto.words(),
        },
        last_seconds: last.map(|(_, _, took)| *took),
        target_seconds: kept.rto.target,
        restore: last.map(|(name, _, _)| name.to_string()),
        restored_at: last.map(|(_, over, _)| rfc3339(*over)),
    }
}

fn objects(facts: Facts<'_>, env: &Environment, kept: &Kept) -> Vec<ObjectStatus> {
    let cluster = kept.place.as_ref().and_then(|place| facts.world.cluster(place.cluster?));
    let Some(cluster) = cluster else { return Vec::new() };
    let mut entries: Vec<_> =
        kept.entries.iter().filter(|entry| entry.uid != crate::domain::id::Uid::default()).collect();
    entries.sort_by(|a, b| {
        b.level.cmp(&a.level).then(a.what.cmp(&b.what)).then(b.at.cmp(&a.at)).then(a.uid.cmp(&b.uid))
    });
    let rows = entries.into_iter().filter_map(|entry| {
        let words = shown(cluster, &env.name, kept, entry, facts.now)?;
        Some(ObjectStatus {
            kind: words.kind,
            name: words.name,
            level: entry.level.word(),
            status: words.status,
            age_seconds: words.age,
            detail: words.detail,
        })
    });
    rows.collect()
}

/// A recovery point for a narrow column: `41m / 30m breached`; empty where there is nothing to say.
pub(super) fn column(kept: &Kept, now: Stamp) -> String {
    let Some((_, short, note)) = kept.card(now) else { return String::new() };
    [short, note].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}
