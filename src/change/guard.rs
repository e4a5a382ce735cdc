//! The guard of a switch: what is watched of the new colour for a while, and what is a breach. Pure: each look is handed
//! in with the time since the switch, and what is not known is said and is no breach.

use std::time::Duration;

use serde_json::Value;

use super::Known;
use super::intent::Gauges;
use super::plan::Step;
use crate::domain::id::{Name, ObjectRef};
use crate::domain::traffic::Limits;

/// What is watched after a switch. It was confirmed with the plan, the way back too.
#[derive(Clone, Debug, PartialEq)]
pub struct Guard {
    /// The Service.
    pub service: ObjectRef,
    /// The Service as it was read for the plan: its ports tell which pods can serve.
    pub live: Value,
    /// The label that tells its colours apart.
    pub key: Name,
    /// The colour that was live before.
    pub from: Name,
    /// The colour that is watched.
    pub to: Name,
    /// So many pods of it have to be ready.
    pub needed: u32,
    /// For so long.
    pub window: Duration,
    /// What is a breach.
    pub limits: Limits,
    /// Path of the pods of all colours.
    pub pods: String,
    /// Path of the Service's EndpointSlices.
    pub slices: String,
    /// Slices tell which pods are ready; not so where the Service publishes all of them.
    pub ready_is_told: bool,
    /// Whom to ask how requests fare, or why nobody.
    pub gauges: Known<Gauges>,
    /// The request that leads back.
    pub back: Step,
}

/// How patient a guard is.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Endpoints follow within so long.
    pub follow: Duration,
    /// Some pods may be unready for so long; none at all is a breach at once.
    pub unready: Duration,
}

/// What one look found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sight {
    /// Ready pods of the new and of the old colour.
    pub ready: Option<Known<(u32, u32)>>,
    /// Pods that receive traffic: of the new colour, and others.
    pub receiving: Option<Known<(u32, u32)>>,
    /// How requests fare.
    pub reading: Option<Known<Reading>>,
}

/// How requests fare, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Requests to the new colour that the numbers stand on.
    pub requests: Option<u64>,
    /// The share of them that failed, in millionths.
    pub errors: Told<u64>,
    /// The 99th percentile of their latency, in milliseconds.
    pub latency: Told<u64>,
    /// The share that failed of the old colour's, in millionths.
    pub old_errors: Option<u64>,
}

/// A number, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told<T> {
    /// It is this.
    Is(T),
    /// It is not known, for this reason.
    Unknown(String),
}

impl<T> Default for Told<T> {
    fn default() -> Told<T> {
        Told::Unknown("not asked yet".to_owned())
    }
}

/// What a guard shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guarded {
    /// The colour that is watched.
    pub to: Name,
    /// The one that was live before.
    pub from: Name,
    /// Since the switch.
    pub at: Duration,
    /// Until it ends.
    pub window: Duration,
    /// Ready pods of the new colour, or why they are not known.
    pub ready: Told<u32>,
    /// As many are needed.
    pub needed: u32,
    /// Ready pods of the old colour.
    pub old_ready: Option<u32>,
    /// Pods of the new colour that receive traffic, and others, or why that is not known.
    pub receiving: Told<(u32, u32)>,
    /// After how long all endpoints were of the new colour.
    pub followed: Option<Duration>,
    /// The share of failed requests.
    pub errors: Gauge,
    /// The 99th percentile of the latency.
    pub latency: Gauge,
    /// Why it is led back; empty while nothing is wrong.
    pub breach: Vec<String>,
    /// What is happening about that.
    pub turning: String,
    /// Why it was not led back when a person asked.
    pub stays: String,
}

/// One number that is watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gauge {
    /// As it is: millionths, or milliseconds.
    pub now: Told<u64>,
    /// More is a breach.
    pub limit: u64,
    /// As it was, one for each time of asking.
    pub points: Vec<Option<u64>>,
}

/// Looks at one switch again and again.
#[derive(Clone, Debug)]
pub struct Watcher<'g> {
    guard: &'g Guard,
    patience: Patience,
    shown: Guarded,
    unready_since: Option<Duration>,
    /// What the old colour had just before it lost its traffic.
    before: Option<u64>,
}

impl<'g> Watcher<'g> {
    /// Just after the switch.
    #[must_use]
    pub fn new(guard: &'g Guard, patience: Patience) -> Watcher<'g> {
        let shown = Guarded {
            to: guard.to.clone(),
            from: guard.from.clone(),
            window: guard.window,
            needed: guard.needed,
            ..Guarded::default()
        };
        Watcher { guard, patience, shown, unready_since: None, before: None }
    }

    /// What is shown.
    #[must_use]
    pub fn shown(&self) -> &Guarded {
        &self.shown
    }

    /// Takes one look. What was not looked at is as it was.
    pub fn look(&mut self, at: Duration, sight: &Sight) {
        let to = &self.guard.to;
        self.shown.at = at;
        let mut breach = Vec::new();
        match &sight.ready {
            Some(Ok((new, old))) => {
                self.shown.ready = Told::Is(*new);
                self.shown.old_ready = Some(*old);
            }
            Some(Err(why)) => {
                self.shown.ready = Told::Unknown(why.clone());
                self.shown.old_ready = None;
            }
            None => {}
        }
        match &sight.receiving {
            Some(Ok((new, others))) => {
                self.shown.receiving = Told::Is((*new, *others));
                if *new >= self.guard.needed && *others == 0 && self.shown.followed.is_none() {
                    self.shown.followed = Some(at);
                }
            }
            Some(Err(why)) => self.shown.receiving = Told::Unknown(why.clone()),
            None => {}
        }
        // Until the endpoints have followed they are few because of the way, and not because pods are unready.
        let follows = self.guard.ready_is_told && self.shown.followed.is_some();
        let ready = match (&self.shown.ready, &self.shown.receiving) {
            (Told::Is(ready), Told::Is((receiving, _))) if follows => Some(*ready.min(receiving)),
            (Told::Is(ready), _) => Some(*ready),
            (_, Told::Is((receiving, _))) if follows => Some(*receiving),
            _ => None,
        };
        let needed = self.guard.needed;
        match ready {
            Some(ready) if ready < needed => {
                let since = *self.unready_since.get_or_insert(at);
                if ready == 0 || at.saturating_sub(since) >= self.patience.unready {
                    breach.push(format!("{ready} of {needed} pods of {to} are ready"));
                }
            }
            _ => self.unready_since = None,
        }
        let follow = self.patience.follow.min(self.guard.window);
        if let (Told::Is((new, others)), None) = (&self.shown.receiving, self.shown.followed)
            && at >= follow
            && breach.is_empty()
        {
            let left = if *others > 0 { format!(", {others} of others are left") } else { String::new() };
            breach.push(format!(
                "the endpoints did not follow within {} s: {new} of {to}{left}",
                follow.as_secs()
            ));
        }
        if let Some(reading) = &sight.reading {
            self.read(reading);
        }
        self.shown.errors.limit = self.error_limit();
        self.shown.latency.limit = u64::try_from(self.guard.limits.latency.as_millis()).unwrap_or(u64::MAX);
        let Guarded { errors, latency, .. } = &self.shown;
        if let Told::Is(now) = errors.now
            && now > errors.limit
        {
            let of_old = match self.before {
                Some(before) => format!(", {} had {}", self.guard.from, percent(before)),
                None => format!(", what {} had is not known", self.guard.from),
            };
            breach.push(format!(
                "errors of {to} are {} (limit {}{of_old})",
                percent(now),
                percent(errors.limit)
            ));
        }
        if let Told::Is(now) = latency.now
            && now > latency.limit
        {
            breach.push(format!("p99 of {to} is {now} ms (limit {} ms)", latency.limit));
        }
        self.shown.breach = breach;
    }

    /// More than this share of errors is a breach: that of the settings, and so many times what the old colour had.
    fn error_limit(&self) -> u64 {
        let limits = &self.guard.limits;
        let times = self.before.map_or(0, |before| before.saturating_mul(u64::from(limits.times)) / 100);
        u64::from(limits.errors).max(times)
    }

    fn read(&mut self, reading: &Known<Reading>) {
        let unknown = |why: &str| (Told::Unknown(why.to_owned()), Told::Unknown(why.to_owned()));
        let (errors, latency) = match reading {
            Err(why) => unknown(why),
            Ok(reading) => {
                // What the old colour has when it gets next to nothing any more says nothing.
                if self.before.is_none() {
                    self.before = reading.old_errors;
                }
                let least = u64::from(self.guard.limits.requests);
                match reading.requests {
                    None => unknown("how many requests it gets is not known"),
                    Some(requests) if requests < least => {
                        unknown(&format!("{requests} of {least} requests that are needed to judge"))
                    }
                    Some(_) => (reading.errors.clone(), reading.latency.clone()),
                }
            }
        };
        for (gauge, now) in [(&mut self.shown.errors, errors), (&mut self.shown.latency, latency)] {
            gauge.points.push(match &now {
                Told::Is(number) => Some(*number),
                Told::Unknown(_) => None,
            });
            gauge.now = now;
        }
    }

    /// It was asked for that it be led back, and it could not be, for this reason.
    pub fn stays(&mut self, why: String) {
        self.shown.stays = why;
    }

    /// Whether the window is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.shown.at >= self.guard.window
    }
}

/// Millionths in per cent.
#[must_use]
pub fn percent(millionths: u64) -> String {
    let share = millionths as f64 / 1e6;
    crate::text::Unit::Ratio.scale(share).words(share)
}

impl Guarded {
    /// How far it is, in one line.
    #[must_use]
    pub fn words(&self) -> String {
        if !self.turning.is_empty() {
            return self.turning.clone();
        }
        let ready = match &self.ready {
            Told::Is(ready) => format!("ready {ready} of {}", self.needed),
            Told::Unknown(_) => "ready ?".to_owned(),
        };
        let errors = match &self.errors.now {
            Told::Is(now) => format!("errors {}", percent(*now)),
            Told::Unknown(_) => "errors ?".to_owned(),
        };
        let latency = match &self.latency.now {
            Told::Is(now) => format!("p99 {now} ms"),
            Told::Unknown(_) => "p99 ?".to_owned(),
        };
        let stays = if self.stays.is_empty() { String::new() } else { format!("; {}", self.stays) };
        format!(
            "guard of {}: {} of {} s, {ready}, {errors}, {latency}{stays}",
            self.to,
            self.at.as_secs().min(self.window.as_secs()),
            self.window.as_secs()
        )
    }

    /// What was not known, each with its reason.
    #[must_use]
    pub fn unknown(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut say = |what: &str, why: &str| found.push(format!("{what} not known: {why}"));
        if let Told::Unknown(why) = &self.ready {
            say("ready pods", why);
        }
        if let Told::Unknown(why) = &self.receiving {
            say("endpoints", why);
        }
        match (&self.errors.now, &self.latency.now) {
            (Told::Unknown(one), Told::Unknown(other)) if one == other => say("errors and p99", one),
            (errors, latency) => {
                if let Told::Unknown(why) = errors {
                    say("errors", why);
                }
                if let Told::Unknown(why) = latency {
                    say("p99", why);
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests;
