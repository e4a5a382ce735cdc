//! What is new among alerts: for the bell, and for who was away.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::join::{Joined, ToldAs, voice};
use crate::domain::alert::{Alert, AlertKey, Severity};
use crate::domain::id::Name;
use crate::domain::level::Level;
use crate::domain::time::Stamp;
use crate::domain::upstream::Upstream;
use crate::text::duration_words;

/// An alert that comes back within so many seconds flaps, and is no news.
const FLAPS: u64 = 300;
/// Alerts that a sentence names; the others it counts.
const NAMED: usize = 3;

/// What is known already, so that each alert is news once.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Alerts that fire or fired, as servers tell of them, and when they were seen last.
    fired: HashMap<u64, Stamp>,
    /// Servers that have been heard: what fires at the first answer is no news.
    voices: HashSet<u64>,
    /// Critical ones that are new and have not been told yet, with when they were seen first.
    fresh: Vec<(AlertKey, Stamp)>,
    /// When what fires was looked at last.
    followed: Stamp,
}

impl Known {
    /// Follows a join.
    pub(super) fn follow(&mut self, joined: &[Joined], voices: impl Iterator<Item = u64>, now: Stamp) {
        let first: HashSet<u64> = voices.filter(|voice| self.voices.insert(*voice)).collect();
        for Joined { alert, told_as } in joined.iter().filter(|joined| joined.alert.fires()) {
            let known = told_as.iter().any(|told| self.fired.contains_key(&told.alert));
            let from_the_start = told_as.iter().any(|told| first.contains(&told.voice));
            if !known && !from_the_start && alert.severity == Severity::Critical {
                self.fresh.push((alert.key, now));
            }
            self.fired.extend(told_as.iter().map(|told| (told.alert, now)));
        }
        self.fired.retain(|_, seen| now.since(*seen) <= FLAPS);
        self.followed = now;
    }

    /// What fired when it was looked at last fires still.
    pub(super) fn still(&mut self, now: Stamp) {
        for seen in self.fired.values_mut().filter(|seen| **seen == self.followed) {
            *seen = now;
        }
        self.followed = now;
    }

    /// Critical ones that are new, each once, but for those that are to be told later.
    pub(super) fn take(&mut self, later: impl Fn(AlertKey, Stamp) -> bool) -> Vec<AlertKey> {
        let (later, now) = self.fresh.iter().copied().partition(|(key, since)| later(*key, *since));
        self.fresh = later;
        let now: Vec<(AlertKey, Stamp)> = now;
        now.into_iter().map(|(key, _)| key).collect()
    }
}

/// One sentence on critical alerts that are new: `CartErrorBudgetBurn fires in production: cart (…)`. Empty when there
/// are none.
pub fn sentence(alerts: &[&Alert], place: impl Fn(&Alert) -> String) -> String {
    let Some(first) = alerts.first() else { return String::new() };
    let mut words = format!("{} fires", first.name);
    let place = place(first);
    if !place.is_empty() {
        words.push_str(&format!(" in {place}"));
    }
    let what = if first.summary().is_empty() { &first.about.what } else { first.summary() };
    if !what.is_empty() {
        words.push_str(&format!(": {what}"));
    }
    if alerts.len() > 1 {
        words.push_str(&format!(" (and {} more)", alerts.len() - 1));
    }
    words
}

/// What fired at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot(Vec<Fired>);

/// An alert that fired, and who told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fired {
    key: AlertKey,
    severity: Severity,
    name: Name,
    told_as: Vec<ToldAs>,
}

impl Snapshot {
    pub(super) fn of(alerts: &[Alert], told: &[Vec<ToldAs>]) -> Snapshot {
        let firing = alerts.iter().zip(told);
        let firing = firing.filter(|(alert, _)| alert.fires() && alert.severity > Severity::Info);
        let fired = |(alert, told): (&Alert, &Vec<ToldAs>)| Fired {
            key: alert.key,
            severity: alert.severity,
            name: alert.name.clone(),
            told_as: told.clone(),
        };
        Snapshot(firing.map(fired).collect())
    }

    /// What began and what ended until a later moment. One that another server told of before is the same still: a
    /// Prometheus that is found at another address tells nothing new.
    pub fn until(&self, later: &Snapshot) -> Change {
        self.beside(later, |_| true)
    }

    /// The same of those that one server tells of, or told of.
    pub fn until_by(&self, later: &Snapshot, upstream: &Arc<Upstream>) -> Change {
        let voice = voice(upstream);
        self.beside(later, |fired| fired.told_as.iter().any(|told| told.voice == voice))
    }

    fn beside(&self, later: &Snapshot, of_it: impl Fn(&Fired) -> bool) -> Change {
        let only = |here: &Snapshot, there: &Snapshot| {
            let known: HashSet<u64> = there.told().collect();
            let keys: HashSet<AlertKey> = there.0.iter().map(|fired| fired.key).collect();
            let is_known = |fired: &Fired| {
                keys.contains(&fired.key) || fired.told_as.iter().any(|told| known.contains(&told.alert))
            };
            let only = here.0.iter().filter(|fired| of_it(fired) && !is_known(fired));
            let mut only: Vec<(Severity, Name)> =
                only.map(|fired| (fired.severity, fired.name.clone())).collect();
            only.sort_unstable_by(|a, b| (b.0, &a.1).cmp(&(a.0, &b.1)));
            only
        };
        Change { fired: only(later, self), resolved: only(self, later) }
    }

    fn told(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().flat_map(|fired| &fired.told_as).map(|told| told.alert)
    }
}

/// What happened between two moments, worst first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Began to fire and fires still.
    pub fired: Vec<(Severity, Name)>,
    /// Fires no more.
    pub resolved: Vec<(Severity, Name)>,
}

impl Change {
    /// Whether nothing happened.
    pub fn is_empty(&self) -> bool {
        self.fired.is_empty() && self.resolved.is_empty()
    }

    /// How bad it is to come back to.
    pub fn level(&self) -> Level {
        self.fired.first().map_or(Level::Ok, |(severity, _)| severity.level())
    }

    /// `While you were away (12 m): CartErrorBudgetBurn and 2 more fire; BackupOld is over.`
    pub fn words(&self, away: &str, seconds: u64) -> String {
        let mut parts = Vec::new();
        for (alerts, one, many) in [(&self.fired, "fires", "fire"), (&self.resolved, "is over", "are over")] {
            if !alerts.is_empty() {
                let verb = if alerts.len() == 1 { one } else { many };
                parts.push(format!("{} {verb}", named(alerts)));
            }
        }
        format!("{away} ({}): {}.", duration_words(seconds), parts.join("; "))
    }
}

/// `A, B, C and 4 more`; alerts of one name are counted: `A ×3`.
fn named(alerts: &[(Severity, Name)]) -> String {
    let mut names: Vec<(&Name, usize)> = Vec::new();
    for (_, name) in alerts {
        match names.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => names.push((name, 1)),
        }
    }
    let shown: Vec<String> = names
        .iter()
        .take(NAMED)
        .map(|(name, count)| if *count > 1 { format!("{name} ×{count}") } else { name.to_string() })
        .collect();
    let rest = names.len().saturating_sub(NAMED);
    if rest > 0 { format!("{} and {rest} more", shown.join(", ")) } else { shown.join(", ") }
}
