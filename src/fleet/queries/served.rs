//! Requests, errors and latency: what apps, and what stands in front of them, count.
//!
//! Apps of one environment may count in different families, and one of them in two. Families that tell which pod counted are
//! counted together, each pod in the first one that it is in. What cannot be joined so, and what counts in front of the apps, is
//! asked after them, for where they say nothing.

use super::families::{self, Found};
use super::target::{Key, Selection};
use super::{Asker, Draft, Legend, Role, Signal, Target, bracketed, gather};

/// Families that are counted together.
struct Joint<'a> {
    families: Vec<Found<'a>>,
    key: Key,
    /// The labels by which a series of one family is told to be counted in another; empty for a single family.
    on: String,
}

impl Joint<'_> {
    /// A vector of one of its families as a part of their union: all its parts are joined with those of the others.
    fn part(&self, vector: String) -> String {
        if self.families.len() > 1 { bracketed(vector) } else { vector }
    }

    /// Vectors of its families as one, each without what is in those before it.
    fn union(&self, vectors: impl Iterator<Item = String>) -> String {
        vectors.collect::<Vec<_>>().join(&format!(" or on ({}) ", self.on))
    }
}

impl Asker<'_> {
    /// The families to ask, those before others that say more of the apps; never none.
    fn families(&self, signal: Signal) -> Result<Vec<Found<'_>>, String> {
        if matches!(self.target, Target::Node(_)) {
            return Err(format!("{} are shown of environments, apps and pods.", signal.word()));
        }
        let mut found = families::find(self.place, signal);
        if let (Target::Pod { .. }, Some(first)) = (self.target, found.first()) {
            let why = format!("{} does not tell which pod was asked.", first.name);
            found.retain(|found| !families::is_front(&found.name));
            if found.is_empty() {
                return Err(why);
            }
        }
        if let (true, Some(first)) = (self.apart, found.first()) {
            let why = format!("{} has no label of the pod: it does not tell colours apart.", first.name);
            found.retain(Found::tells_apart);
            return if found.is_empty() { Err(why) } else { Ok(found) };
        }
        match (found.is_empty(), self.place.survey) {
            (false, _) => Ok(found),
            (true, None) => Err("Looking for what this Prometheus has.".to_owned()),
            (true, Some(_)) => Err(format!(
                "No family of {} that is known is in this Prometheus (http_requests_total and its like); type \
                 a query of your own, or name your families in the configuration under metrics.families.",
                signal.word().to_lowercase()
            )),
        }
    }

    /// Families that can be counted together, in the order in which they are asked.
    fn joints<'b>(&self, found: Vec<Found<'b>>) -> Vec<Joint<'b>> {
        let alone =
            |found: Found<'b>| Joint { families: vec![found], key: Key::default(), on: String::new() };
        // One pod is one program: the first family that it is in tells all. Of an app by a label of its own nothing says
        // which pods counted; neither does it where the labels are not known, or none of them is the namespace: what is
        // everybody's is nothing to add to the count of one environment.
        let is_single = matches!(self.target, Target::Pod { .. });
        let tells = |found: &Found<'_>| {
            let ways = self.served(found);
            let by_pod = !self.key(std::iter::once(found)).labels().is_empty();
            by_pod && ways.iter().all(|one| one.way.namespace.is_some())
        };
        let (pods, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| {
            !is_single
                && !families::is_front(&found.name)
                && found.app().is_none()
                && self.labels(&found.name).is_some()
                && tells(found)
        });
        // Those of the configuration go first.
        let (own, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|found| found.is_own());
        let mut joints: Vec<Joint<'b>> = own.into_iter().map(alone).collect();
        if !pods.is_empty() {
            let key = self.key(pods.iter());
            joints.push(Joint { key, on: key.labels(), families: pods });
        }
        joints.extend(others.into_iter().map(alone));
        for joint in &mut joints {
            // A family alone is brought to no labels but its own.
            if joint.families.len() == 1 {
                joint.key = Key::default();
            }
        }
        joints
    }

    /// What the series of some families can be joined by.
    fn key<'b, 'c: 'b>(&self, found: impl Iterator<Item = &'b Found<'c>>) -> Key {
        let selections: Vec<Selection> = found.flat_map(|found| self.served(found)).collect();
        Key::of(selections.iter().map(|one| &one.way))
    }

    fn served(&self, found: &Found<'_>) -> Vec<Selection> {
        let front = families::is_front(&found.name);
        self.target.served(self.labels(&found.name), self.place.namespaces, found.app(), front)
    }

    /// `rate(...)` of a family, as often as its series have different ways to say whose they are.
    fn rate(&self, found: &Found<'_>, more: &str, key: Key, wrap: &dyn Fn(String) -> String) -> String {
        let asked = [more, families::asked_of(&found.name)];
        let more = asked.into_iter().filter(|one| !one.is_empty()).collect::<Vec<_>>().join(",");
        let rate = |selected| wrap(format!("rate({selected}[{}s])", self.window));
        gather(&found.name, &more, &self.served(found), key, &rate)
    }

    /// Requests a second, as a vector.
    fn counts(&self, found: &Found<'_>, more: &str, key: Key) -> String {
        let count = |rate| if found.native { format!("histogram_count({rate})") } else { rate };
        self.rate(found, more, key, &count)
    }

    pub(super) fn requests(&self) -> Result<Vec<Draft>, String> {
        let sum = |joint: &Joint<'_>| {
            let counts = joint.families.iter().map(|found| joint.part(self.counts(found, "", joint.key)));
            format!("sum({})", joint.union(counts))
        };
        let joints = self.joints(self.families(Signal::Requests)?);
        Ok(vec![(one_of(joints.iter().map(sum)), Legend::Fixed("requests"), Role::Line)])
    }

    pub(super) fn errors(&self) -> Result<Vec<Draft>, String> {
        let mut found = self.families(Signal::Errors)?;
        let first = found.first().map(|first| first.name.clone()).unwrap_or_default();
        found.retain(|found| !found.status().is_empty());
        let shares: Vec<String> =
            self.joints(found).iter().map(|joint| self.share_of_errors(joint)).collect();
        let query = match shares.as_slice() {
            [] => return Err(format!("{first} has no label that tells errors from successes.")),
            [one] => one.clone(),
            several => one_of(several.iter().map(|share| format!("({share})"))),
        };
        Ok(vec![(query, Legend::Fixed("errors"), Role::Line)])
    }

    /// The share of requests that failed.
    fn share_of_errors(&self, joint: &Joint<'_>) -> String {
        // Series without a status say nothing of errors: they do not count as requests that went well.
        let counts = |found: &Found<'_>, means: &str| {
            let status = found.status();
            let rates = status.iter().map(|label| self.counts(found, &format!("{label}{means}"), joint.key));
            one_of(rates)
        };
        let bad = |found| counts(found, "=~\"5..\"");
        let all = |found| counts(found, "!=\"\"");
        // Without a single error there is no series of errors, which is none and not unknown.
        if let [one] = joint.families.as_slice() {
            let (bad, all) = (bad(one), all(one));
            return format!("(sum({bad}) or sum({all}) * 0) / sum({all})");
        }
        // A pod without errors in its first family has none, whatever a later one says of it.
        let failed = joint.families.iter().flat_map(|found| {
            let all = bracketed(all(found));
            [bracketed(bad(found)), format!("{all} * 0")]
        });
        let all = joint.families.iter().map(|found| bracketed(all(found)));
        format!("sum({}) / sum({})", joint.union(failed), joint.union(all))
    }

    pub(super) fn latency(&self) -> Result<Vec<Draft>, String> {
        let joints = self.joints(self.families(Signal::Latency)?);
        let sums: Vec<Sum> = joints.iter().flat_map(|joint| self.sums(joint)).collect();
        let mut curves: Vec<Draft> = [("0.99", "p99"), ("0.9", "p90"), ("0.5", "p50")]
            .into_iter()
            .map(|(part, word)| {
                let query = one_of(sums.iter().map(|sum| sum.quantile(part)));
                (query, Legend::Fixed(word), Role::Line)
            })
            .collect();
        // What others measure cannot be added to the first, and is told beside it: a line for each name that there is.
        for (query, word) in sums.iter().filter_map(Sum::besides) {
            if curves.iter().all(|(_, legend, _)| *legend != Legend::Fixed(word)) {
                curves.push((query, Legend::Fixed(word), Role::Line));
            }
        }
        Ok(curves)
    }

    /// The histograms of a joint, family by family: buckets of different bounds, units or forms cannot be added up.
    fn sums(&self, joint: &Joint<'_>) -> Vec<Sum> {
        let mut before: Vec<String> = Vec::new();
        let mut sums = Vec::new();
        for found in &joint.families {
            let rate = joint.part(self.rate(found, "", joint.key, &super::plainly));
            let by = if found.native { "sum" } else { "sum by (le) " };
            let others = (!before.is_empty()).then(|| {
                let first = joint.union(before.iter().cloned());
                (format!("{by}({} unless on ({}) ({first}))", bracketed(rate.clone()), joint.on), first)
            });
            let (native, milliseconds) = (found.native, found.milliseconds);
            sums.push(Sum { native, milliseconds, of_all: format!("{by}({rate})"), others });
            before.push(rate);
        }
        sums
    }
}

/// Histograms of a family that are added up.
struct Sum {
    native: bool,
    milliseconds: bool,
    /// Of all that are in the family.
    of_all: String,
    /// Of those that are in none of the families before, and what is in those.
    others: Option<(String, String)>,
}

impl Sum {
    fn of(&self, part: &str, sum: &str) -> String {
        let scale = if self.milliseconds { " / 1000" } else { "" };
        format!("histogram_quantile({part}, {sum}){scale}")
    }

    fn quantile(&self, part: &str) -> String {
        self.of(part, &self.of_all)
    }

    /// The line of those that are in none of the families before, where there is something in those.
    fn besides(&self) -> Option<(String, &'static str)> {
        let (sum, before) = self.others.as_ref()?;
        let word = match (self.native, self.milliseconds) {
            (true, true) => "p99 of native ms",
            (true, false) => "p99 of native",
            (false, true) => "p99 of ms",
            (false, false) => "p99 of others",
        };
        // Counted, for what is before may be of numbers and of native histograms.
        Some((format!("{} and count({before})", self.of("0.99", sum)), word))
    }
}

/// The first of these that has something to tell.
fn one_of(queries: impl Iterator<Item = String>) -> String {
    queries.collect::<Vec<_>>().join(" or ")
}
