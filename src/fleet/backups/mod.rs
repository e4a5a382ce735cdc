//! What Velero keeps of each environment: which of its backups count, how old the newest usable one is against its
//! target (RPO), how long a restore takes (RTO), and what of it all wants a look.
//!
//! [`Backups::refresh`] looks at Velero's objects only when one of its tables has changed; with the clock only the few
//! things that it moves are judged anew. A frame turns [`Kept`] into text.

mod build;
pub mod meter;
pub mod phase;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod words;

use std::collections::HashMap;
use std::sync::Arc;

pub use build::{Plan, location_of, silent};
pub use meter::{Basis as Aim, Good, Rpo, Rto, Standing, Target};
pub use phase::Phase;

use super::wanted::Wanted;
use crate::cron::Cron;
use crate::domain::environment::Environments;
use crate::domain::id::{ClusterId, EnvId, Kind, Name, Uid};
use crate::domain::level::Level;
use crate::domain::link::{Feed, Link};
use crate::domain::time::Stamp;
use crate::world::{ClusterWorld, World};

/// Velero's kinds.
pub const KINDS: [Kind; 4] = [Kind::Backup, Kind::Schedule, Kind::Restore, Kind::BackupStorageLocation];

/// Seconds between two looks at what moves with the clock alone.
const PULSE: u64 = 5;

/// Where the Velero of an environment is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The connection; `None` when the kubeconfig has no such context.
    pub cluster: Option<ClusterId>,
    /// The kubeconfig context.
    pub context: Name,
    /// Its namespace where the configuration names one; else whatever namespace its objects are in.
    pub namespace: Option<Name>,
}

/// How far Velero's objects can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// They can.
    Here,
    /// The first list has not come.
    #[default]
    Loading,
    /// Its definitions are not installed.
    Absent,
    /// Backups are refused or cannot be read, and none are known from before: what was said.
    Refused(Name),
    /// Its cluster is not connected or does not answer, and nothing is known from before: why.
    Away(String),
}

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// The environment's recovery point.
    Rpo,
    /// The environment's recovery time.
    Rto,
    /// A BackupStorageLocation.
    Location,
    /// A Schedule.
    Schedule,
    /// A Restore.
    Restore,
    /// A Backup.
    Backup,
}

/// One thing to show of an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub what: What,
    /// The object; [`Uid::default`] for the meters.
    pub uid: Uid,
    /// Its slot in its table.
    pub slot: u32,
    /// How well it is.
    pub level: Level,
    /// When it began or was made: newer ones come first.
    pub at: Stamp,
}

/// The meter of one namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfNamespace {
    /// The namespace.
    pub namespace: Name,
    /// Its meter.
    pub rpo: Rpo,
    /// Why it is not taken whole, where backups take parts of it only.
    pub partial: Option<String>,
}

/// A backup that does not count, though it is newer than the one that does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its name.
    pub name: Name,
    /// When it began or was made.
    pub at: Stamp,
    /// Why.
    pub why: String,
}

/// What Velero keeps of an environment.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Which environment.
    pub env: EnvId,
    /// Where its Velero is.
    pub place: Option<Place>,
    /// How far it can be read.
    pub reading: Reading,
    /// Kinds besides backups that cannot be read, with the reason.
    pub gaps: Vec<(Kind, Name)>,
    /// The meter of each of its namespaces.
    pub namespaces: Vec<OfNamespace>,
    /// Newer backups that do not count, newest first; a few.
    pub rejected: Vec<Rejected>,
    /// Its recovery time.
    pub rto: Rto,
    /// Its schedules.
    pub plans: Vec<Plan>,
    /// Everything to show: meters, then the rest in no order.
    pub entries: Vec<Entry>,
    /// The tier's target in seconds, where one is configured.
    pub tier: Option<u64>,
}

/// What is said of an environment where Velero's definitions are not installed.
const ABSENT: &str = "no Velero here";

impl Kept {
    /// The meter that speaks for the environment: that of the namespace which is worst off. `None` without
    /// namespaces, or when Velero cannot be read.
    pub fn rpo(&self, now: Stamp) -> Option<&OfNamespace> {
        self.namespaces.iter().rev().max_by_key(|one| one.rpo.standing(now).badness())
    }

    /// How well the environment is kept, with the meter in short and what is to be said of it: the card's line.
    /// `None` without namespaces, of which nothing could be kept.
    pub fn card(&self, now: Stamp) -> Option<(Level, String, String)> {
        match (&self.reading, self.tier) {
            (Reading::Here, _) => {
                let rpo = &self.rpo(now)?.rpo;
                let standing = rpo.standing(now);
                let short = if standing == Standing::Unkept { String::new() } else { rpo.short(now) };
                Some((standing.level(), short, standing.note(now)))
            }
            (Reading::Loading, _) => Some((Level::Progressing, "…".to_owned(), String::new())),
            // Nobody asked for one: that is no fault, and is said all the same.
            (Reading::Absent, None) => Some((Level::Idle, String::new(), ABSENT.to_owned())),
            (reading, tier) => {
                let target = tier.map(|tier| format!(" / {}", meter::short_age(tier))).unwrap_or_default();
                let why = match reading {
                    Reading::Absent => ABSENT,
                    Reading::Refused(_) => "may not be read",
                    _ => "not known",
                };
                Some((Level::Unknown, format!("?{target}"), why.to_owned()))
            }
        }
    }

    /// The schedule with this identity.
    pub fn plan(&self, uid: Uid) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.uid == uid)
    }
}

/// What is kept of every environment, kept up to date with the world.
#[derive(Debug, Default)]
pub struct Backups {
    list: Vec<Kept>,
    seen: Option<Seen>,
    version: u64,
    judged: Stamp,
    crons: HashMap<Name, Arc<Read>>,
}

/// A schedule's text as read, once for all who carry it.
#[derive(Debug)]
pub struct Read {
    /// The schedule, or what is wrong with it.
    pub cron: Result<Cron, String>,
    /// Its longest pause in seconds.
    pub pause: Option<u64>,
}

/// What everything was worked out from.
#[derive(Debug, PartialEq)]
struct Seen {
    environments: Environments,
    places: Vec<Place>,
    clusters: Vec<(Link, [(u64, Feed); 4])>,
}

impl Backups {
    /// Follows the world and the clock. Returns whether anything may have changed.
    pub fn refresh(
        &mut self,
        wanted: &Wanted,
        environments: &Environments,
        world: &World,
        now: Stamp,
    ) -> bool {
        let places = places(wanted, environments, world);
        let clusters: Vec<_> = world.clusters.iter().map(seen).collect();
        let same = self.seen.as_ref().is_some_and(|seen| {
            seen.clusters == clusters && seen.places == places && seen.environments == *environments
        });
        if same && now.since(self.judged) < PULSE && now >= self.judged {
            return false;
        }
        self.judged = now;
        if same {
            let changed = self.list.iter_mut().map(|kept| kept.judge(world, now)).fold(false, |a, b| a | b);
            self.version += u64::from(changed);
            return changed;
        }
        self.read_schedules(world, now);
        let mut builder = build::Builder::new(world, &self.crons);
        let built = environments.list.iter().zip(&places).map(|(env, place)| builder.build(env, place, now));
        self.list = built.collect();
        for kept in &mut self.list {
            kept.judge(world, now);
        }
        self.seen = Some(Seen { environments: environments.clone(), places, clusters });
        self.version += 1;
        true
    }

    /// Reads schedules that were not read before, and forgets those that nobody carries.
    fn read_schedules(&mut self, world: &World, now: Stamp) {
        let texts = world.clusters.iter().flat_map(|cluster| cluster.schedules.iter());
        let mut crons = HashMap::new();
        for (_, schedule) in texts {
            if crons.contains_key(&schedule.cron) {
                continue;
            }
            let read = self.crons.remove(&schedule.cron).unwrap_or_else(|| {
                let cron = Cron::read(&schedule.cron, "");
                let pause = cron.as_ref().ok().and_then(|cron| cron.longest_pause(now));
                Arc::new(Read { cron, pause })
            });
            crons.insert(schedule.cron.clone(), read);
        }
        self.crons = crons;
    }

    /// What is kept of an environment.
    pub fn get(&self, env: EnvId) -> Option<&Kept> {
        self.list.get(usize::from(env.0))
    }

    /// Rises whenever something may be otherwise than before.
    pub fn version(&self) -> u64 {
        self.version
    }
}

fn seen(cluster: &ClusterWorld) -> (Link, [(u64, Feed); 4]) {
    let versions = [
        cluster.backups.version(),
        cluster.schedules.version(),
        cluster.restores.version(),
        cluster.locations.version(),
    ];
    let mut feeds = KINDS.map(|kind| cluster.feed(kind)).into_iter();
    (cluster.connection.link.clone(), versions.map(|version| (version, feeds.next().unwrap_or_default())))
}

/// Where the Velero of each environment is: as configured, else in its own cluster.
fn places(wanted: &Wanted, environments: &Environments, world: &World) -> Vec<Place> {
    let configured = |name: &Name| {
        wanted
            .stages
            .iter()
            .flat_map(|stage| stage.environments.iter().map(move |env| (stage, env)))
            .find(|(stage, env)| if env.name.is_empty() { stage.name == *name } else { env.name == *name })
            .and_then(|(_, env)| env.velero.clone())
    };
    let place = |env: &crate::domain::environment::Environment| {
        let own = || Place { cluster: Some(env.cluster), context: env.context.clone(), namespace: None };
        let Some(velero) = Some(env).filter(|env| !env.inferred).and_then(|env| configured(&env.name)) else {
            return own();
        };
        let namespace = Some(Name::from(velero.namespace.as_str()));
        let Some(context) = velero.context.filter(|context| **context != *env.context) else {
            return Place { namespace, ..own() };
        };
        let found = world.each().find(|(_, cluster)| *cluster.connection.context == *context);
        Place { cluster: found.map(|(id, _)| id), context: context.into(), namespace }
    };
    environments.list.iter().map(place).collect()
}

/// How far Velero's objects can be read at a place.
fn reading(world: &World, place: &Place) -> Reading {
    let Some(cluster) = place.cluster.and_then(|id| world.cluster(id)) else {
        return Reading::Away(format!("the kubeconfig has no context {}", place.context));
    };
    if !cluster.backups.is_empty() {
        return Reading::Here;
    }
    let away = |words: &str| Reading::Away(format!("{} {words}", place.context));
    match &cluster.connection.link {
        Link::Live => match feed(cluster, Kind::Backup, place) {
            Feed::Live => Reading::Here,
            Feed::Loading => Reading::Loading,
            Feed::Absent => Reading::Absent,
            Feed::Forbidden(message) | Feed::Failed(message) => Reading::Refused(message),
            // Nobody says in which namespace Velero is, so it may well be in one of the others.
            Feed::Partly { .. } => Reading::Here,
        },
        Link::Connecting => Reading::Loading,
        Link::Dim => away("is not connected"),
        Link::LoginNeeded { .. } => away("needs a login"),
        Link::Forbidden { .. } => away("refuses everything"),
        Link::Unreachable { .. } => away("does not answer"),
        Link::Broken { .. } => away("cannot be connected to"),
    }
}

/// How the watch of a kind stands where an environment's Velero is.
fn feed(cluster: &ClusterWorld, kind: Kind, place: &Place) -> Feed {
    match &place.namespace {
        Some(namespace) => cluster.feed(kind).within(std::slice::from_ref(namespace)),
        None => cluster.feed(kind),
    }
}
