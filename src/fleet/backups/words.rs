//! One thing of an environment's backups in a row's words: the same for the pane and for the commands.

use super::build::silent;
use super::meter::short_age;
use super::phase;
use super::{Entry, Kept, Plan, Standing, What};
use crate::domain::backup::{Backup, Location, Restore, Template};
use crate::domain::id::Name;
use crate::domain::time::Stamp;
use crate::text::duration_words;
use crate::world::ClusterWorld;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The object's name; of a meter the environment's.
    pub name: String,
    /// `rpo`, `rto`, `schedule`, `backup`, `restore`, `location`.
    pub kind: &'static str,
    /// How it stands, in a few words.
    pub status: String,
    /// The age that matters, in seconds: of the newest usable backup, of the last restore, of the last look.
    pub age: Option<u64>,
    /// What else there is to know, the most important first.
    pub detail: String,
}

impl What {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            What::Rpo => "rpo",
            What::Rto => "rto",
            What::Location => "location",
            What::Schedule => "schedule",
            What::Restore => "restore",
            What::Backup => "backup",
        }
    }
}

/// The row of an entry; `None` when its object is gone.
pub fn shown(
    cluster: &ClusterWorld,
    environment: &Name,
    kept: &Kept,
    entry: &Entry,
    now: Stamp,
) -> Option<Shown> {
    let kind = entry.what.word();
    let row = |name: &Name, status: String, age: Option<u64>, detail: Vec<String>| Shown {
        name: name.to_string(),
        kind,
        status,
        age,
        detail: detail.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · "),
    };
    Some(match entry.what {
        What::Rpo => {
            let (status, detail) = recovery_point(kept, now);
            row(environment, status, kept.rpo(now).and_then(|one| one.rpo.age(now)), detail)
        }
        What::Rto => {
            let last = kept.rto.last.as_ref();
            let of = last.map(|(name, _, _)| format!("restore {name}")).unwrap_or_default();
            row(environment, kept.rto.words(), last.map(|(_, over, _)| now.since(*over)), vec![of])
        }
        What::Schedule => {
            let plan = kept.plan(entry.uid)?;
            let status = &cluster.schedules.at(entry.slot)?.phase;
            row(&plan.name, plan_status(plan, status, now), plan.rpo.age(now), plan_detail(plan, now))
        }
        What::Backup => {
            let backup = cluster.backups.at(entry.slot)?;
            let status = phase::words(&backup.run, backup.queue_position);
            row(&backup.name, status, Some(now.since(entry.at)), backup_detail(backup, now))
        }
        What::Restore => {
            let restore = cluster.restores.at(entry.slot)?;
            let status = phase::words(&restore.run, 0);
            row(&restore.name, status, Some(now.since(entry.at)), restore_detail(restore, now))
        }
        What::Location => {
            let location = cluster.locations.at(entry.slot)?;
            let age = location.validated.map(|at| now.since(at));
            row(&location.name, location_status(location, now), age, location_detail(location))
        }
    })
}

fn recovery_point(kept: &Kept, now: Stamp) -> (String, Vec<String>) {
    let Some(worst) = kept.rpo(now) else { return ("no namespace".to_owned(), Vec::new()) };
    let standing = worst.rpo.standing(now);
    let mut detail = vec![standing.words(now)];
    if kept.namespaces.len() > 1 {
        detail.push(format!("worst of {} namespaces: {}", kept.namespaces.len(), worst.namespace));
    }
    if let Some(partial) = &worst.partial {
        detail.push(format!("backups take {partial}"));
    }
    if let Some(rejected) = kept.rejected.first() {
        detail.push(format!("{} does not count: {}", rejected.name, rejected.why));
    }
    let status = match standing {
        // There is no number to show.
        Standing::Unkept => standing.word().to_owned(),
        _ => format!("{} {}", worst.rpo.short(now), standing.word()),
    };
    (status, detail)
}

/// `enabled`, `paused`, `late 12 m`, `not valid`.
fn plan_status(plan: &Plan, phase: &str, now: Stamp) -> String {
    match (&plan.invalid, plan.late(now)) {
        (Some(_), _) => "not valid".to_owned(),
        _ if plan.paused => "paused".to_owned(),
        (_, Some(late)) => format!("late by {}", short_age(late)),
        _ => match phase {
            "" | "New" => "new".to_owned(),
            "Enabled" => "enabled".to_owned(),
            other => format!("phase {other}"),
        },
    }
}

fn plan_detail(plan: &Plan, now: Stamp) -> Vec<String> {
    let when = plan.read.cron.as_ref().map(|cron| cron.words()).unwrap_or_default();
    let next = match plan.due {
        Some(due) if due > now => format!("next in {}", duration_words(due.since(now))),
        Some(_) => "due now".to_owned(),
        None => String::new(),
    };
    let success = match &plan.rpo.newest {
        Some(good) => format!("last success {} ago", duration_words(now.since(good.started))),
        None => "no success yet".to_owned(),
    };
    vec![
        plan.invalid.clone().unwrap_or_default(),
        when,
        plan.failed.as_ref().map(|why| format!("last run: {why}")).unwrap_or_default(),
        next,
        success,
    ]
}

fn backup_detail(backup: &Backup, now: Stamp) -> Vec<String> {
    let volumes = &backup.volumes;
    vec![
        phase::trouble(&backup.run),
        match backup.run.items {
            Some((_, all)) if phase::Phase::of(&backup.run.phase) == phase::Phase::Completed => {
                format!("{all} items")
            }
            Some((done, all)) => format!("{done}/{all} items"),
            None => String::new(),
        },
        match (volumes.attempted, volumes.operations) {
            (0, 0) => String::new(),
            (all, 0) => format!("{}/{all} volumes", volumes.completed),
            (_, all) => format!("{}/{all} volumes moved", volumes.operations_done),
        },
        phase::duration(&backup.run, now),
        scope(&backup.template),
        expiry(backup, now),
    ]
}

/// `expires in 12 d`, `expired 3 h ago`.
pub fn expiry(backup: &Backup, now: Stamp) -> String {
    match backup.expires {
        Some(at) if at > now => format!("expires in {}", duration_words(at.since(now))),
        Some(at) => format!("expired {} ago, about to be deleted", duration_words(now.since(at))),
        None => String::new(),
    }
}

/// What a backup takes: `shop, pay`, `all namespaces but kube-*`, `all namespaces, only objects with app=cart`.
pub fn scope(template: &Template) -> String {
    let list = |names: &[Name]| names.iter().map(|name| &**name).collect::<Vec<_>>().join(", ");
    let all = template.namespaces.is_empty() || template.namespaces.iter().any(|name| &**name == "*");
    let mut words = if all { "all namespaces".to_owned() } else { list(&template.namespaces) };
    if !template.not_namespaces.is_empty() {
        words.push_str(&format!(" but {}", list(&template.not_namespaces)));
    }
    if let Some(partial) = template.partial() {
        words.push_str(&format!(", {partial}"));
    }
    words
}

fn restore_detail(restore: &Restore, now: Stamp) -> Vec<String> {
    let nothing = restore.run.items.is_some_and(|(done, _)| done == 0)
        && phase::Phase::of(&restore.run.phase) == phase::Phase::Completed;
    let mapping = restore.mapping.iter().map(|(from, into)| format!("{from} into {into}"));
    vec![
        if nothing { "brought nothing back".to_owned() } else { String::new() },
        phase::trouble(&restore.run),
        phase::duration(&restore.run, now),
        if restore.backup.is_empty() {
            format!("newest of schedule {}", restore.schedule)
        } else {
            format!("of {}", restore.backup)
        },
        mapping.collect::<Vec<_>>().join(", "),
    ]
}

/// `available`, `unavailable`, `silent for 2 h`.
fn location_status(location: &Location, now: Stamp) -> String {
    match (&*location.phase, silent(location, now)) {
        ("Available", Some(silent)) => format!("silent for {}", short_age(silent)),
        ("Available", None) => "available".to_owned(),
        ("Unavailable", _) => "unavailable".to_owned(),
        ("", _) => "not looked at".to_owned(),
        (other, _) => format!("phase {other}"),
    }
}

fn location_detail(location: &Location) -> Vec<String> {
    vec![
        location.message.to_string(),
        format!("{} {}", location.provider, location.store),
        if location.default { "default".to_owned() } else { String::new() },
        if location.read_only { "read-only".to_owned() } else { String::new() },
    ]
}
