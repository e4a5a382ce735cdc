//! The meters: how old the newest usable backup is and when that is too old (RPO), how long the last restore took (RTO).
//! Pure arithmetic over stamps: whoever fills them in decides which backups are usable.

use crate::domain::id::Name;
use crate::domain::level::Level;
use crate::domain::time::Stamp;
use crate::text::{age_short, duration_words};

/// Seconds that a run may begin late: Velero looks at its schedules once a minute.
pub const LATE: u64 = 60;
/// Seconds that a run may wait behind another one: the queue is looked at once a minute.
pub const QUEUE: u64 = 60;

/// What a meter is held against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Seconds.
    pub seconds: u64,
    /// Seconds on top before it counts as missed: what a run that goes well takes. 0 for a tier's target.
    pub grace: u64,
    /// Where it comes from.
    pub basis: Basis,
}

/// Where a target comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The tier that the configuration names.
    Tier,
    /// The longest pause of this schedule.
    Schedule(Name),
}

/// A usable backup, as far as meters need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Good {
    /// `startTimestamp`: how old its data is.
    pub started: Stamp,
    /// Its name.
    pub name: Name,
}

/// How old the newest usable backup of something is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rpo {
    /// The newest usable backup.
    pub newest: Option<Good>,
    /// What it is held against.
    pub target: Option<Target>,
    /// Since when there should have been one, when there is none: a schedule's creation.
    pub awaited: Option<Stamp>,
    /// When the next run is due that renews it; `None` when none will by itself.
    pub due: Option<Stamp>,
    /// How long such a run takes, in seconds.
    pub usual: u64,
    /// One that would renew it is on its way.
    pub running: bool,
}

/// How a meter stands now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Kept, until then if nothing happens.
    Kept(Stamp),
    /// Kept still, but it will be missed then: no run comes in time.
    Soon(Stamp),
    /// Missed since then.
    Breached(Stamp),
    /// There is no usable backup at all.
    Never,
    /// There is none yet, and the first is not due before then.
    Awaited(Stamp),
    /// There is a backup, and nothing that it is held against.
    Aimless,
    /// Neither a backup nor a target: nobody means to keep this.
    Unkept,
}

impl Rpo {
    /// How it stands.
    pub fn standing(&self, now: Stamp) -> Standing {
        let plus = |at: Stamp, seconds: u64| at.plus(i64::try_from(seconds).unwrap_or(i64::MAX));
        let Some(target) = &self.target else {
            return if self.newest.is_some() { Standing::Aimless } else { Standing::Unkept };
        };
        let limit = target.seconds.saturating_add(target.grace);
        let Some(newest) = &self.newest else {
            return match self.awaited.map(|since| plus(since, limit)) {
                Some(until) if until > now && target.basis != Basis::Tier => Standing::Awaited(until),
                _ => Standing::Never,
            };
        };
        // A server whose clock is ahead of ours has not made a backup of the future.
        let at = plus(newest.started.min(now), limit);
        let in_time = self.running || self.due.is_some_and(|due| plus(due.max(now), self.usual) <= at);
        if at < now {
            Standing::Breached(plus(newest.started, limit))
        } else if in_time {
            Standing::Kept(at)
        } else {
            Standing::Soon(at)
        }
    }

    /// Seconds since the newest usable backup began.
    pub fn age(&self, now: Stamp) -> Option<u64> {
        Some(now.since(self.newest.as_ref()?.started))
    }

    /// `41m / 30m`, `none / 30m`, `41m`.
    pub fn short(&self, now: Stamp) -> String {
        let age = self.age(now).map_or_else(|| "none".to_owned(), short_age);
        match &self.target {
            Some(target) => format!("{age} / {}", short_age(target.seconds)),
            None => age,
        }
    }
}

impl Standing {
    /// How bad it is.
    pub fn level(self) -> Level {
        match self {
            Standing::Kept(_) | Standing::Aimless => Level::Ok,
            Standing::Soon(_) => Level::Warning,
            Standing::Breached(_) | Standing::Never => Level::Critical,
            Standing::Awaited(_) => Level::Progressing,
            Standing::Unkept => Level::Idle,
        }
    }

    /// For `-o json` and narrow columns: one word.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Kept(_) => "kept",
            Standing::Soon(_) => "at risk",
            Standing::Breached(_) => "breached",
            Standing::Never => "never",
            Standing::Awaited(_) => "awaited",
            Standing::Aimless => "no target",
            Standing::Unkept => "not backed up",
        }
    }

    /// For a card, behind the age: empty while all is well.
    pub fn note(self, now: Stamp) -> String {
        match self {
            Standing::Kept(_) | Standing::Aimless => String::new(),
            Standing::Soon(at) => format!("RPO missed in {}", short_age(at.since(now))),
            Standing::Breached(_) => "RPO breached".to_owned(),
            Standing::Never => "no usable backup".to_owned(),
            Standing::Awaited(_) => "first one awaited".to_owned(),
            Standing::Unkept => "not backed up".to_owned(),
        }
    }

    /// In a sentence's part.
    pub fn words(self, now: Stamp) -> String {
        match self {
            Standing::Kept(at) => format!("kept for {} more", duration_words(at.since(now))),
            Standing::Soon(at) => {
                format!("missed in {} unless a backup is made", duration_words(at.since(now)))
            }
            Standing::Breached(since) => format!("breached {} ago", duration_words(now.since(since))),
            Standing::Never => "no usable backup".to_owned(),
            Standing::Awaited(until) => {
                format!("the first backup is awaited, for {} at most", duration_words(until.since(now)))
            }
            Standing::Aimless => "no target: no tier and no schedule".to_owned(),
            Standing::Unkept => "no schedule and no backup takes it".to_owned(),
        }
    }

    /// When it is missed, past or to come.
    pub fn breach_at(self) -> Option<Stamp> {
        match self {
            Standing::Kept(at) | Standing::Soon(at) | Standing::Breached(at) | Standing::Awaited(at) => {
                Some(at)
            }
            Standing::Never | Standing::Aimless | Standing::Unkept => None,
        }
    }

    /// The order of badness, the worst last.
    pub(super) fn badness(self) -> (u8, i64) {
        match self {
            Standing::Unkept => (0, 0),
            Standing::Aimless => (1, 0),
            Standing::Kept(at) => (2, -at.0),
            Standing::Awaited(at) => (3, -at.0),
            Standing::Soon(at) => (4, -at.0),
            Standing::Breached(at) => (5, -at.0),
            Standing::Never => (6, 0),
        }
    }
}

/// How long the last restore took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rto {
    /// The last one that was measured: its name, when it was over, how many seconds it took.
    pub last: Option<(Name, Stamp, u64)>,
    /// The tier's target in seconds.
    pub target: Option<u64>,
}

impl Rto {
    /// How it stands: a restore that took too long is a warning, for nobody is hurt by it yet.
    pub fn level(&self) -> Level {
        match (&self.last, self.target) {
            (Some((_, _, took)), Some(target)) if *took > target => Level::Warning,
            (Some(_), _) => Level::Ok,
            (None, _) => Level::Idle,
        }
    }

    /// `12m/30m`, `?/30m` while none was measured.
    pub fn short(&self) -> String {
        let took = self.last.as_ref().map_or_else(|| "?".to_owned(), |(_, _, took)| short_age(*took));
        match self.target {
            Some(target) => format!("{took}/{}", short_age(target)),
            None => took,
        }
    }

    /// `12 m of 30 m`, `not measured`.
    pub fn words(&self) -> String {
        let target = self.target.map(duration_words);
        match (&self.last, target) {
            (Some((_, _, took)), Some(target)) => format!("{} of {target}", duration_words(*took)),
            (Some((_, _, took)), None) => duration_words(*took),
            (None, Some(target)) => format!("not measured, {target} allowed"),
            (None, None) => "not measured".to_owned(),
        }
    }
}

/// `41m`, of so many seconds.
pub fn short_age(seconds: u64) -> String {
    age_short(i64::try_from(seconds).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Stamp = Stamp(100_000);

    fn rpo(age: i64, target: u64, grace: u64, due: Option<i64>) -> Rpo {
        Rpo {
            newest: Some(Good { started: NOW.plus(-age), name: "b".into() }),
            target: Some(Target {
                seconds: target,
                grace,
                basis: if grace == 0 { Basis::Tier } else { Basis::Schedule("s".into()) },
            }),
            due: due.map(|due| NOW.plus(due)),
            usual: 30,
            ..Rpo::default()
        }
    }

    #[test]
    fn meters_stand_as_the_clock_says() {
        for (meter, standing, level) in [
            (rpo(600, 1_800, 0, Some(300)), Standing::Kept(NOW.plus(1_200)), Level::Ok),
            (rpo(600, 1_800, 0, Some(1_180)), Standing::Soon(NOW.plus(1_200)), Level::Warning),
            (rpo(600, 1_800, 0, None), Standing::Soon(NOW.plus(1_200)), Level::Warning),
            (Rpo { running: true, ..rpo(600, 1_800, 0, None) }, Standing::Kept(NOW.plus(1_200)), Level::Ok),
            (rpo(1_800, 1_800, 0, Some(-5)), Standing::Soon(NOW), Level::Warning),
            (rpo(2_460, 1_800, 0, Some(60)), Standing::Breached(NOW.plus(-660)), Level::Critical),
            (rpo(3_660, 3_600, 150, Some(-60)), Standing::Kept(NOW.plus(90)), Level::Ok),
            (rpo(-120, 1_800, 0, Some(60)), Standing::Kept(NOW.plus(1_800)), Level::Ok),
            (Rpo { newest: None, ..rpo(0, 1_800, 0, None) }, Standing::Never, Level::Critical),
            (
                Rpo { newest: None, awaited: Some(NOW.plus(-600)), ..rpo(0, 3_600, 150, None) },
                Standing::Awaited(NOW.plus(3_150)),
                Level::Progressing,
            ),
            (
                Rpo { newest: None, awaited: Some(NOW.plus(-9_000)), ..rpo(0, 3_600, 150, None) },
                Standing::Never,
                Level::Critical,
            ),
            (Rpo { target: None, ..rpo(600, 0, 0, None) }, Standing::Aimless, Level::Ok),
            (Rpo::default(), Standing::Unkept, Level::Idle),
        ] {
            assert_eq!(meter.standing(NOW), standing);
            assert_eq!(meter.standing(NOW).level(), level, "{standing:?}");
        }
    }

    #[test]
    fn meters_in_words() {
        assert_eq!(rpo(2_460, 1_800, 0, None).short(NOW), "41m / 30m");
        assert_eq!(Rpo { newest: None, ..rpo(0, 1_800, 0, None) }.short(NOW), "none / 30m");
        assert_eq!(rpo(2_460, 1_800, 0, None).standing(NOW).words(NOW), "breached 11 m ago");
        assert_eq!(rpo(600, 1_800, 0, Some(0)).standing(NOW).words(NOW), "kept for 20 m more");
        let rto = |took: Option<u64>, target| Rto { last: took.map(|took| ("r".into(), NOW, took)), target };
        assert_eq!(
            (rto(Some(720), Some(1_800)).words(), rto(Some(720), Some(600)).level()),
            ("12 m of 30 m".into(), Level::Warning)
        );
        assert_eq!(
            (rto(None, Some(1_800)).words(), rto(None, None).level()),
            ("not measured, 30 m allowed".into(), Level::Idle)
        );
    }
}
