//! From Velero's tables to what is kept of one environment.

use std::collections::HashMap;
use std::sync::Arc;

use super::meter::{Basis, Good, LATE, QUEUE, Rpo, Rto, Target};
use super::phase::{self, Phase};
use super::{Entry, KINDS, Kept, OfNamespace, Place, Read, Reading, Rejected, What, feed, reading};
use crate::domain::backup::{Backup, Location, Restore, Schedule, takes};
use crate::domain::environment::Environment;
use crate::domain::id::{Kind, Name, Uid};
use crate::domain::level::Level;
use crate::domain::link::Feed;
use crate::domain::time::Stamp;
use crate::world::{ClusterWorld, World};

/// Most backups that are named as not counting.
const REJECTED: usize = 8;
/// Seconds without a validation after which Velero itself is in doubt, whatever the location's phase says.
const SILENT: u64 = 600;

/// A Schedule and what follows from it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The Schedule.
    pub uid: Uid,
    /// Velero's namespace.
    pub velero: Name,
    /// Its name.
    pub name: Name,
    /// Its text as read.
    pub read: Arc<Read>,
    /// Its own meter: its newest usable backup against the tier's target, else against its longest pause.
    pub rpo: Rpo,
    /// When it is due next, or was and is late; `None` when it is paused or cannot be read.
    pub due: Option<Stamp>,
    /// It is paused.
    pub paused: bool,
    /// Velero refuses it, or its text cannot be read.
    pub invalid: Option<String>,
    /// Its newest backup that is over did not go well: what it says.
    pub failed: Option<String>,
}

impl Plan {
    /// Whether it makes backups at all.
    pub fn is_active(&self) -> bool {
        !self.paused && self.invalid.is_none()
    }

    /// Seconds that it is late by; Velero looks at its schedules once a minute, and another backup may be before it.
    pub fn late(&self, now: Stamp) -> Option<u64> {
        let late = now.since(self.due?);
        (late > LATE + QUEUE + self.rpo.usual && !self.rpo.running).then_some(late)
    }

    fn level(&self, schedule: &Schedule, now: Stamp) -> Level {
        if self.invalid.is_some() {
            return Level::Critical;
        }
        if !matches!(&*schedule.phase, "" | "New" | "Enabled") {
            return Level::Unknown;
        }
        let missed = matches!(self.rpo.standing(now).level(), Level::Critical);
        if self.paused || missed || self.failed.is_some() || self.late(now).is_some() {
            return Level::Warning;
        }
        match self.rpo.newest {
            None => Level::Progressing,
            Some(_) => Level::Ok,
        }
    }
}

/// One of the backups of a place.
struct Judged {
    slot: u32,
    uid: Uid,
    /// When it began, or was made.
    at: Stamp,
    /// Whether it counts, else why not.
    good: Result<Stamp, String>,
}

/// Builds one environment after the other; what environments with the same Velero share is worked out once.
pub(super) struct Builder<'a> {
    world: &'a World,
    crons: &'a HashMap<Name, Arc<Read>>,
    judged: HashMap<Place, Arc<Vec<Judged>>>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(world: &'a World, crons: &'a HashMap<Name, Arc<Read>>) -> Builder<'a> {
        Builder { world, crons, judged: HashMap::new() }
    }

    pub(super) fn build(&mut self, env: &Environment, place: &Place, now: Stamp) -> Kept {
        let mut kept = Kept {
            env: env.id,
            reading: reading(self.world, place),
            place: Some(place.clone()),
            tier: env.targets.map(|targets| targets.rpo.as_secs()),
            rto: Rto { last: None, target: env.targets.map(|targets| targets.rto.as_secs()) },
            ..Kept::default()
        };
        let cluster = place.cluster.and_then(|id| self.world.cluster(id));
        let (Reading::Here, Some(cluster)) = (&kept.reading, cluster) else { return kept };
        let judged = Arc::clone(
            self.judged.entry(place.clone()).or_insert_with(|| Arc::new(judge_backups(cluster, place))),
        );
        let namespaces = env.scope.namespaces();
        kept.gaps = gaps(cluster, place);
        kept.plans = self.plans(cluster, place, env, &judged, now);
        let mine: Vec<&Judged> = judged
            .iter()
            .filter(|one| cluster.backups.at(one.slot).is_some_and(|backup| touches(backup, namespaces)))
            .collect();
        kept.namespaces = namespaces
            .iter()
            .map(|namespace| of_namespace(namespace, cluster, &mine, &kept.plans, kept.tier))
            .collect();
        kept.rejected = rejected(cluster, &mine, &kept.namespaces);
        kept.entries =
            vec![entry(What::Rpo, Uid::default(), 0, now), entry(What::Rto, Uid::default(), 0, now)];
        kept.entries.extend(mine.iter().map(|one| entry(What::Backup, one.uid, one.slot, one.at)));
        for plan in &kept.plans {
            if let Some((slot, schedule)) = slot_of(&cluster.schedules, plan.uid) {
                kept.entries.push(entry(What::Schedule, plan.uid, slot, schedule.created));
            }
        }
        for (slot, restore) in cluster.restores.iter().filter(|(_, one)| place.has(&one.namespace)) {
            if !restores_into(cluster, restore, namespaces) {
                continue;
            }
            let at = restore.run.started.unwrap_or(restore.created);
            kept.entries.push(entry(What::Restore, restore.uid, slot, at));
            if let Some(measured) = measured(restore)
                && kept.rto.last.as_ref().is_none_or(|(_, over, _)| *over < measured.1)
            {
                kept.rto.last = Some(measured);
            }
        }
        for (slot, location) in cluster.locations.iter().filter(|(_, one)| place.has(&one.namespace)) {
            kept.entries.push(entry(What::Location, location.uid, slot, location.created));
        }
        kept
    }

    fn plans(
        &self,
        cluster: &ClusterWorld,
        place: &Place,
        env: &Environment,
        judged: &[Judged],
        now: Stamp,
    ) -> Vec<Plan> {
        let tier = env.targets.map(|targets| targets.rpo.as_secs());
        let namespaces = env.scope.namespaces();
        let schedules = cluster.schedules.iter().map(|(_, schedule)| schedule);
        let mut plans: Vec<Plan> = schedules
            .filter(|one| place.has(&one.namespace))
            .filter(|one| namespaces.iter().any(|namespace| one.template.takes(namespace)))
            .filter_map(|schedule| {
                let read = self.crons.get(&schedule.cron)?;
                Some(plan(schedule, read, tier, cluster, judged, now))
            })
            .collect();
        plans.sort_by(|a, b| a.name.cmp(&b.name));
        plans
    }
}

impl Place {
    /// Whether objects of a namespace are this Velero's.
    pub fn has(&self, namespace: &Name) -> bool {
        self.namespace.as_ref().is_none_or(|wanted| wanted == namespace)
    }
}

impl Kept {
    /// How well everything is now. Returns whether something is otherwise than before.
    pub(super) fn judge(&mut self, world: &World, now: Stamp) -> bool {
        let Some(cluster) = self.place.as_ref().and_then(|place| world.cluster(place.cluster?)) else {
            return false;
        };
        let rpo = self.rpo(now).map_or(Level::Idle, |one| one.rpo.standing(now).level());
        let newest =
            self.namespaces.iter().filter_map(|one| one.rpo.newest.as_ref()).map(|good| good.started).max();
        let mut changed = false;
        let Kept { entries, plans, rto, .. } = self;
        for entry in entries {
            let level = match entry.what {
                What::Rpo => rpo,
                What::Rto => rto.level(),
                What::Schedule => cluster.schedules.at(entry.slot).map_or(Level::Unknown, |schedule| {
                    let plan = plans.iter().find(|plan| plan.uid == entry.uid);
                    plan.map_or(Level::Unknown, |plan| plan.level(schedule, now))
                }),
                What::Backup => cluster.backups.at(entry.slot).map_or(Level::Unknown, |backup| {
                    let newer = if backup.schedule.is_empty() {
                        newest
                    } else {
                        let of =
                            |plan: &&Plan| plan.name == backup.schedule && plan.velero == backup.namespace;
                        plans
                            .iter()
                            .find(of)
                            .map_or(newest, |plan| plan.rpo.newest.as_ref().map(|good| good.started))
                    };
                    let superseded = newer.is_some_and(|newer| newer > entry.at);
                    phase::level(&backup.run, backup.created, superseded, now)
                }),
                What::Restore => cluster.restores.at(entry.slot).map_or(Level::Unknown, |restore| {
                    let superseded = rto.last.as_ref().is_some_and(|(_, over, _)| *over > entry.at);
                    phase::level(&restore.run, restore.created, superseded, now)
                }),
                What::Location => cluster.locations.at(entry.slot).map_or(Level::Unknown, |location| {
                    let used = plans.iter().filter(|plan| plan.is_active()).any(|plan| {
                        cluster.schedules.get(plan.uid).is_some_and(|schedule| {
                            location_of(cluster, &schedule.namespace, &schedule.template.location)
                                .is_some_and(|used| used.uid == location.uid)
                        })
                    });
                    location_level(location, used, now)
                }),
            };
            changed |= level != entry.level;
            entry.level = level;
        }
        changed
    }
}

/// How well a location is; `used` when a schedule writes to it.
fn location_level(location: &Location, used: bool, now: Stamp) -> Level {
    match &*location.phase {
        "Available" if silent(location, now).is_some() => Level::Warning,
        "Available" => Level::Ok,
        "" if now.since(location.created) < SILENT => Level::Progressing,
        "" | "Unavailable" if used || location.default => Level::Critical,
        "" | "Unavailable" => Level::Warning,
        _ => Level::Unknown,
    }
}

/// Seconds for which nobody has looked at a location, when that is too long: then Velero itself does not run.
pub fn silent(location: &Location, now: Stamp) -> Option<u64> {
    let every = location.validated_every.unwrap_or(60);
    let since = now.since(location.validated?);
    (every > 0 && since > SILENT.max(every.saturating_mul(3))).then_some(since)
}

fn entry(what: What, uid: Uid, slot: u32, at: Stamp) -> Entry {
    Entry { what, uid, slot, level: Level::Unknown, at }
}

fn slot_of<T: crate::world::Fact>(table: &crate::world::Table<T>, uid: Uid) -> Option<(u32, &T)> {
    let slot = table.slot(uid)?;
    Some((slot, table.at(slot)?))
}

fn gaps(cluster: &ClusterWorld, place: &Place) -> Vec<(Kind, Name)> {
    KINDS
        .into_iter()
        .filter_map(|kind| match feed(cluster, kind, place) {
            Feed::Forbidden(message) | Feed::Failed(message) => Some((kind, message)),
            Feed::Absent => Some((kind, "its definition is gone".into())),
            Feed::Live | Feed::Loading | Feed::Partly { .. } => None,
        })
        .collect()
}

/// The location that a template names, or the default one.
pub fn location_of<'a>(cluster: &'a ClusterWorld, velero: &str, name: &str) -> Option<&'a Location> {
    let mut locations = cluster.locations.iter().map(|(_, location)| location);
    locations.find(|location| {
        *location.namespace == *velero
            && if name.is_empty() { location.default } else { *location.name == *name }
    })
}

/// Whether a backup counts: it went well, and where it lies can be read. Where locations cannot be read it is believed.
fn good(cluster: &ClusterWorld, backup: &Backup) -> Result<Stamp, String> {
    let started = phase::good(backup)?;
    if cluster.locations.feed != Feed::Live && cluster.locations.is_empty() {
        return Ok(started);
    }
    let named =
        |name: &str| if name.is_empty() { "its location".to_owned() } else { format!("its location {name}") };
    match location_of(cluster, &backup.namespace, &backup.template.location) {
        Some(location) if location.is_available() => Ok(started),
        Some(location) if location.phase.is_empty() => {
            Err(format!("{} was not looked at yet", named(&location.name)))
        }
        Some(location) => Err(format!("{} is {}", named(&location.name), location.phase.to_lowercase())),
        None => Err(format!("{} is gone", named(&backup.template.location))),
    }
}

/// The backups of a place, newest first.
fn judge_backups(cluster: &ClusterWorld, place: &Place) -> Vec<Judged> {
    let backups = cluster.backups.iter().filter(|(_, backup)| place.has(&backup.namespace));
    let mut judged: Vec<Judged> = backups
        .map(|(slot, backup)| Judged {
            slot,
            uid: backup.uid,
            at: backup.run.started.unwrap_or(backup.created),
            good: good(cluster, backup),
        })
        .collect();
    judged.sort_by(|a, b| b.at.cmp(&a.at).then(a.uid.cmp(&b.uid)));
    judged
}

fn touches(backup: &Backup, namespaces: &[Name]) -> bool {
    namespaces.iter().any(|namespace| backup.template.takes(namespace))
}

/// Seconds that a run takes that goes well, as the newest one tells.
fn usual(backup: Option<&Backup>) -> u64 {
    backup.and_then(|backup| backup.run.took()).unwrap_or(0)
}

/// The target that a tier sets: what the configuration names goes before what schedules happen to promise.
fn of_tier(tier: Option<u64>) -> Option<Target> {
    Some(Target { seconds: tier?, grace: 0, basis: Basis::Tier })
}

fn plan(
    schedule: &Schedule,
    read: &Arc<Read>,
    tier: Option<u64>,
    cluster: &ClusterWorld,
    judged: &[Judged],
    now: Stamp,
) -> Plan {
    let of_it = |backup: &Backup| backup.schedule == schedule.name && backup.namespace == schedule.namespace;
    let mine = || {
        judged
            .iter()
            .filter_map(|one| Some((one, cluster.backups.at(one.slot)?)))
            .filter(|(_, backup)| of_it(backup))
    };
    let newest = mine().find(|(one, _)| one.good.is_ok());
    let over = mine().find(|(_, backup)| !Phase::of(&backup.run.phase).is_on_its_way());
    let invalid = match (&*schedule.phase, schedule.validation.first(), &read.cron) {
        (_, _, Err(why)) => Some(format!("`{}` is no schedule: {why}", schedule.cron)),
        ("FailedValidation", first, _) => {
            Some(first.map_or_else(|| "Velero refuses it".to_owned(), |first| first.to_string()))
        }
        _ => None,
    };
    let usual = usual(newest.map(|(_, backup)| backup));
    let from =
        schedule.last_backup.unwrap_or(schedule.created).max(schedule.last_skipped.unwrap_or_default());
    let due = match (&read.cron, schedule.paused || invalid.is_some()) {
        (Ok(cron), false) => cron.next(from.min(now)),
        _ => None,
    };
    let newest = newest.map(|(one, backup)| Good { started: one.at, name: backup.name.clone() });
    Plan {
        uid: schedule.uid,
        velero: schedule.namespace.clone(),
        name: schedule.name.clone(),
        rpo: Rpo {
            target: of_tier(tier).or_else(|| {
                let basis = Basis::Schedule(schedule.name.clone());
                read.pause.map(|seconds| Target { seconds, grace: LATE + QUEUE + usual, basis })
            }),
            awaited: Some(schedule.created),
            due,
            usual,
            running: mine().any(|(_, backup)| Phase::of(&backup.run.phase).is_on_its_way()),
            newest,
        },
        read: Arc::clone(read),
        due,
        paused: schedule.paused,
        invalid,
        failed: over.and_then(|(one, _)| one.good.as_ref().err().cloned()),
    }
}

/// The meter of one namespace: its newest usable backup against the tier's target, else against the shortest of the
/// schedules that take it whole.
fn of_namespace(
    namespace: &Name,
    cluster: &ClusterWorld,
    mine: &[&Judged],
    plans: &[Plan],
    tier: Option<u64>,
) -> OfNamespace {
    let taking = || {
        let backups = mine.iter().filter_map(|one| Some((*one, cluster.backups.at(one.slot)?)));
        backups.filter(|(_, backup)| backup.template.takes(namespace))
    };
    let newest = taking().find(|(one, backup)| one.good.is_ok() && backup.template.partial().is_none());
    let whole = || {
        plans.iter().filter(|plan| {
            cluster.schedules.get(plan.uid).is_some_and(|schedule| {
                schedule.template.takes(namespace) && schedule.template.partial().is_none()
            })
        })
    };
    // One that is paused still says what was meant, where nothing else does.
    let aims = |active: bool| {
        let plans = whole().filter(move |plan| plan.is_active() || !active);
        plans.filter_map(|plan| plan.rpo.target.clone()).min_by_key(|target| target.seconds)
    };
    let target = of_tier(tier).or_else(|| aims(true)).or_else(|| aims(false));
    let partial = match newest {
        Some(_) => None,
        None => {
            taking().find_map(|(one, backup)| one.good.is_ok().then(|| backup.template.partial()).flatten())
        }
    };
    OfNamespace {
        namespace: namespace.clone(),
        partial,
        rpo: Rpo {
            // A schedule that is made now takes nothing away from one that has failed for days.
            awaited: whole().filter_map(|plan| plan.rpo.awaited).min(),
            due: whole().filter_map(|plan| plan.due).min(),
            usual: usual(newest.map(|(_, backup)| backup)),
            running: taking().any(|(_, backup)| {
                Phase::of(&backup.run.phase).is_on_its_way() && backup.template.partial().is_none()
            }),
            newest: newest.map(|(one, backup)| Good { started: one.at, name: backup.name.clone() }),
            target,
        },
    }
}

/// Backups that are newer than what counts and do not count themselves.
fn rejected(cluster: &ClusterWorld, mine: &[&Judged], namespaces: &[OfNamespace]) -> Vec<Rejected> {
    let counts = namespaces.iter().filter_map(|one| one.rpo.newest.as_ref()).map(|good| good.started).min();
    mine.iter()
        .take_while(|one| counts.is_none_or(|counts| one.at > counts))
        .filter_map(|one| {
            let backup = cluster.backups.at(one.slot)?;
            let why = match &one.good {
                Err(why) => why.clone(),
                Ok(_) => backup.template.partial()?,
            };
            Some(Rejected { name: backup.name.clone(), at: one.at, why })
        })
        .take(REJECTED)
        .collect()
}

/// Whether a restore brings back something of these namespaces, or into them.
fn restores_into(cluster: &ClusterWorld, restore: &Restore, namespaces: &[Name]) -> bool {
    let backups = || cluster.backups.iter().map(|(_, backup)| backup);
    let backup = backups().find(|one| one.namespace == restore.namespace && one.name == restore.backup);
    let from = |namespace: &Name| {
        takes(&restore.namespaces, &restore.not_namespaces, namespace)
            && backup.is_none_or(|backup| backup.template.takes(namespace))
    };
    namespaces.iter().any(from) || restore.mapping.iter().any(|(_, into)| namespaces.contains(into))
}

/// What a restore measures. One that says `Completed` and brought nothing back measures nothing.
fn measured(restore: &Restore) -> Option<(Name, Stamp, u64)> {
    let something = restore.run.items.is_none_or(|(done, _)| done > 0);
    let good = Phase::of(&restore.run.phase) == Phase::Completed && something;
    Some((restore.name.clone(), restore.run.completed.filter(|_| good)?, restore.run.took()?))
}
