//! Requests, errors and latency: what apps, and what stands in front of them, count.
//!
//! Apps of one environment may count in different families, and one of them in two. Families that tell which pod counted are
//! counted together, each pod in the first one that it is in. What cannot be joined so, and what counts in front of the apps, is
//! asked after them, for where they say nothing.

use super::families::{self, Found};
use super::target::{Key, Selection};
use super::{Asker, Draft, Legend, Role, Signal, Target, bracketed};

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

    /// Families that can be counted together, in the order in which they are asked; those that are found last are left out
    /// where a query of all would be too long.
    fn joints<'b>(&self, mut found: Vec<Found<'b>>) -> Vec<Joint<'b>> {
        found.truncate(self.most);
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

    /// `rate(...)` of the series of a family that are selected.
    fn rate(
        &self,
        found: &Found<'_>,
        more: &str,
        selections: &[Selection],
        key: Key,
        wrap: &dyn Fn(String) -> String,
    ) -> String {
        let asked = [more, families::asked_of(&found.name)];
        let more = asked.into_iter().filter(|one| !one.is_empty()).collect::<Vec<_>>().join(",");
        let rate = |selected| wrap(format!("rate({selected}[{}s])", self.window));
        self.gather(&found.name, &more, selections, key, &rate)
    }

    /// Requests a second, as a vector.
    fn counts(&self, found: &Found<'_>, more: &str, selections: &[Selection], key: Key) -> String {
        let count = |rate| if found.native { format!("histogram_count({rate})") } else { rate };
        self.rate(found, more, selections, key, &count)
    }

    pub(super) fn requests(&self) -> Result<Vec<Draft>, String> {
        let sum = |joint: &Joint<'_>| {
            let count = |found| self.counts(found, "", &self.served(found), joint.key);
            format!("sum({})", joint.union(joint.families.iter().map(|found| joint.part(count(found)))))
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
        let selected: Vec<(&Found<'_>, Vec<Selection>)> =
            joint.families.iter().map(|found| (found, self.served(found))).collect();
        let (key, or) = match selected.as_slice() {
            [(_, selections)] => self.joined(selections, joint.key),
            _ => (joint.key, format!(" or on ({}) ", joint.on)),
        };
        // Series without a status say nothing of errors: they do not count as requests that went well.
        let counts = |found: &Found<'_>, means: &str, selections: &[Selection]| {
            let status = found.status();
            let count = |label: &&str| self.counts(found, &format!("{label}{means}"), selections, key);
            one_of(status.iter().map(count))
        };
        let bad = |found: &Found<'_>, of: &[Selection]| counts(found, "=~\"5..\"", of);
        let all = |found: &Found<'_>, of: &[Selection]| counts(found, "!=\"\"", of);
        // Without a single error there is no series of errors, which is none and not unknown.
        if let [(found, selections)] = selected.as_slice()
            && (selections.len() == 1 || or == " or ")
        {
            let (bad, all) = (bad(found, selections), all(found, selections));
            return format!("(sum({bad}) or sum({all}) * 0) / sum({all})");
        }
        // A pod without errors in the first family that it is in, under the first of its names, has none, whatever a later
        // one says of it.
        let each = || {
            let selected = selected.iter();
            selected.flat_map(|(found, all)| all.iter().map(move |one| (*found, std::slice::from_ref(one))))
        };
        let failed: Vec<String> = each()
            .flat_map(|(found, one)| {
                [bracketed(bad(found, one)), format!("{} * 0", bracketed(all(found, one)))]
            })
            .collect();
        let all: Vec<String> = each().map(|(found, one)| bracketed(all(found, one))).collect();
        format!("sum({}) / sum({})", failed.join(&or), all.join(&or))
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
        // What others measure cannot be added to the first, and is told beside it: a line for each kind that there is.
        for (kind, [word, slowest]) in OTHERS {
            let of_kind = sums.iter().filter(|sum| (sum.native, sum.milliseconds) == kind);
            match of_kind.filter_map(Sum::besides).collect::<Vec<_>>().as_slice() {
                [] => {}
                [one] => curves.push((one.clone(), Legend::Fixed(word), Role::Line)),
                several => curves.push((slowest_of(several), Legend::Fixed(slowest), Role::Line)),
            }
        }
        Ok(curves)
    }

    /// The histograms of a joint, family by family: buckets of different bounds, units or forms cannot be added up.
    fn sums(&self, joint: &Joint<'_>) -> Vec<Sum> {
        let mut before: Vec<String> = Vec::new();
        let mut sums = Vec::new();
        for found in &joint.families {
            let rate = self.rate(found, "", &self.served(found), joint.key, &super::plainly);
            let rate = joint.part(rate);
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

    /// The 99th percentile of those that are in none of the families before, where there is something in those.
    fn besides(&self) -> Option<String> {
        let (sum, before) = self.others.as_ref()?;
        // Counted, for what is before may be of numbers and of native histograms.
        Some(format!("{} and count({before})", self.of("0.99", sum)))
    }
}

/// Kinds of histograms, by whether they are native and count milliseconds, and what the line of those that are in another
/// family than the first is called: of one family, and of the slowest one of several, whose bounds may differ.
const OTHERS: [((bool, bool), [&str; 2]); 4] = [
    ((false, false), ["p99 of others", "max p99 of others"]),
    ((false, true), ["p99 of ms", "max p99 of ms"]),
    ((true, false), ["p99 of native", "max p99 of native"]),
    ((true, true), ["p99 of native ms", "max p99 of native ms"]),
];

/// The largest of single numbers, which have no label by which `or` could tell them apart.
fn slowest_of(numbers: &[String]) -> String {
    let numbered = numbers.iter().enumerate();
    let numbered =
        numbered.map(|(nth, number)| format!("label_replace({number}, \"nth\", \"{nth}\", \"le\", \"\")"));
    format!("max({})", one_of(numbered))
}

/// The first of these that has something to tell.
fn one_of(queries: impl Iterator<Item = String>) -> String {
    queries.collect::<Vec<_>>().join(" or ")
}
