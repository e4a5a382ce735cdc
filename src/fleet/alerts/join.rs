//! What rules and Alertmanagers tell, joined: one [`Alert`] for each, however many servers tell of it.
//!
//! A rules API knows the expression, pending alerts and values; an Alertmanager knows who is told and what holds an
//! alert back. Prometheus adds its external labels on the way to Alertmanager, and a pair of replicas tells everything
//! twice: so an alert of Alertmanager is the one of a rule whose labels it has all.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::place::{self, Directory};
use super::severity::WantedAlerts;
use crate::domain::alert::{Alert, AlertKey, Hush, Kept, Managed, Phase, Rulebook, Ruled, Silence};
use crate::domain::environment::Environments;
use crate::domain::id::{ClusterId, EnvId, Name};
use crate::domain::meta::Labels;
use crate::domain::upstream::Upstream;
use crate::world::World;

/// Labels that tell replicas of one Prometheus apart, and nothing about an alert.
const REPLICA: [&str; 6] = [
    "prometheus_replica",
    "replica",
    "__replica__",
    "receive_replica",
    "thanos_ruler_replica",
    "monitor_replica",
];

/// The environments that a server is assigned to, with the labels of each.
pub type SpeaksFor<'a> = Vec<(EnvId, &'a [(Name, Name)])>;

/// A server, whom it speaks for, and what it told.
#[derive(Debug)]
pub struct Voice<'a, T> {
    /// The server.
    pub upstream: &'a Arc<Upstream>,
    /// The environments that it is assigned to.
    pub speaks_for: SpeaksFor<'a>,
    /// What it told.
    pub told: &'a T,
}

/// All that alerts are joined from.
#[derive(Debug)]
pub struct Input<'a> {
    /// The environments.
    pub environments: &'a Environments,
    /// The clusters.
    pub world: &'a World,
    /// What the settings say.
    pub wanted: &'a WantedAlerts,
    /// Who evaluates rules.
    pub rulers: Vec<Voice<'a, Rulebook>>,
    /// Who tells people.
    pub managers: Vec<Voice<'a, Managed>>,
}

/// An alert with what tells it apart for as long as it lasts, by each server that tells of it.
#[derive(Debug)]
pub struct Joined {
    /// The alert.
    pub alert: Alert,
    /// One for each server that tells of it.
    pub told_as: Vec<ToldAs>,
}

/// How one server tells of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToldAs {
    /// The server.
    pub voice: u64,
    /// The server and the labels that the alert has there.
    pub alert: u64,
}

/// Joins everything.
pub fn join(input: &Input<'_>) -> Vec<Joined> {
    let mut drafts = Drafts { input, list: Vec::new(), by_name: HashMap::new() };
    for voice in &input.rulers {
        for ruled in &voice.told.alerts {
            drafts.add_ruled(voice, ruled);
        }
    }
    for voice in &input.managers {
        let silences: HashMap<&Name, &Silence> = voice.told.silences.iter().map(|s| (&s.id, s)).collect();
        let names: HashMap<&Name, &Name> = voice
            .told
            .alerts
            .iter()
            .filter_map(|kept| Some((&kept.fingerprint, kept.labels.get("alertname")?)))
            .collect();
        for kept in &voice.told.alerts {
            drafts.add_kept(voice, kept, hushed(kept, &silences, &names));
        }
    }
    let mut list = drafts.list;
    let directory = Directory::of(input.world, list.iter().map(|joined| &joined.alert.labels));
    let everywhere: Vec<ClusterId> = input.world.each().map(|(id, _)| id).collect();
    for Joined { alert, .. } in &mut list {
        let mut clusters: Vec<ClusterId> = alert
            .environments
            .iter()
            .filter_map(|env| input.environments.get(*env))
            .map(|env| env.cluster)
            .collect();
        clusters.dedup();
        // Labels of rules and of Alertmanager are the same but for external ones, which say nothing of objects.
        let clusters = if clusters.is_empty() { &everywhere } else { &clusters };
        alert.about = directory.about(input.world, clusters, &alert.labels);
    }
    list.sort_by(|a, b| {
        let (a, b) = (&a.alert, &b.alert);
        (b.level(), b.severity, b.since)
            .cmp(&(a.level(), a.severity, a.since))
            .then_with(|| a.name.cmp(&b.name))
    });
    list
}

struct Drafts<'a> {
    input: &'a Input<'a>,
    list: Vec<Joined>,
    by_name: HashMap<Name, Vec<usize>>,
}

impl Drafts<'_> {
    fn add_ruled(&mut self, voice: &Voice<'_, Rulebook>, ruled: &Ruled) {
        let Input { environments, world, wanted, .. } = *self.input;
        let places = place::environments(environments, world, &voice.speaks_for, &ruled.labels);
        let key = key(&ruled.labels, &places, environments);
        let told_as = told_as(voice.upstream, &ruled.labels);
        let name = ruled.labels.get("alertname").cloned().unwrap_or_else(|| "(no name)".into());
        // A second replica, or a second way to the same server.
        let second = self.named(&name).find(|at| self.list[*at].alert.key == key);
        if let Some(known) = second {
            let known = &mut self.list[known];
            known.told_as.push(told_as);
            if known.alert.phase == Phase::Pending && ruled.phase != Phase::Pending {
                known.alert.phase = ruled.phase.clone();
                known.alert.since = since(ruled);
                known.alert.fires_at = None;
            }
            return;
        }
        let (severity, severity_word) = wanted.severity(&name, &ruled.labels);
        let hold = ruled.rule.as_ref().map_or(0, |rule| rule.hold);
        let pending = ruled.phase == Phase::Pending;
        let alert = Alert {
            key,
            name,
            severity,
            severity_word,
            phase: ruled.phase.clone(),
            hushed: Vec::new(),
            labels: ruled.labels.clone(),
            own: ruled.labels.clone(),
            annotations: ruled.annotations.clone(),
            since: since(ruled),
            fires_at: ruled.active_at.filter(|_| pending).map(|at| at.plus(i64::try_from(hold).unwrap_or(0))),
            value: ruled.value,
            rule: ruled.rule.clone(),
            ruler: Some(Arc::clone(voice.upstream)),
            receivers: Vec::new(),
            groups: Vec::new(),
            managed: false,
            generator: Name::default(),
            fingerprint: Name::default(),
            environments: places,
            about: Default::default(),
        };
        self.push(Joined { alert, told_as: vec![told_as] });
    }

    fn add_kept(&mut self, voice: &Voice<'_, Managed>, kept: &Kept, hushed: Vec<Hush>) {
        let Input { environments, world, wanted, .. } = *self.input;
        let places = place::environments(environments, world, &voice.speaks_for, &kept.labels);
        let told_as = told_as(voice.upstream, &kept.labels);
        let name = kept.labels.get("alertname").cloned().unwrap_or_else(|| "(no name)".into());
        if let Some(at) = self.same(&name, kept, &places) {
            let Joined { alert, told_as: names } = &mut self.list[at];
            names.push(told_as);
            // Held back by one Alertmanager and told by another is told.
            alert.hushed = if alert.managed && alert.hushed.is_empty() { Vec::new() } else { hushed };
            alert.managed = true;
            alert.fingerprint = kept.fingerprint.clone();
            if alert.generator.is_empty() {
                alert.generator = kept.generator.clone();
            }
            if alert.phase != Phase::Pending && kept.starts_at.is_some() {
                alert.since = kept.starts_at;
            }
            if alert.labels.0.len() < kept.labels.0.len() {
                alert.labels = kept.labels.clone();
                let (severity, word) = wanted.severity(&alert.name, &alert.labels);
                (alert.severity, alert.severity_word) = (severity, word);
            }
            if alert.annotations.0.is_empty() {
                alert.annotations = kept.annotations.clone();
            }
            for group in &kept.groups {
                if !alert.groups.contains(group) {
                    alert.groups.push(group.clone());
                }
            }
            for receiver in &kept.receivers {
                if !alert.receivers.contains(receiver) {
                    alert.receivers.push(receiver.clone());
                }
            }
            return;
        }
        let (severity, severity_word) = wanted.severity(&name, &kept.labels);
        let alert = Alert {
            key: key(&kept.labels, &places, environments),
            name,
            severity,
            severity_word,
            phase: Phase::Firing,
            hushed,
            labels: kept.labels.clone(),
            own: Labels::default(),
            annotations: kept.annotations.clone(),
            since: kept.starts_at,
            fires_at: None,
            value: None,
            rule: None,
            ruler: None,
            receivers: kept.receivers.clone(),
            groups: kept.groups.clone(),
            managed: true,
            generator: kept.generator.clone(),
            fingerprint: kept.fingerprint.clone(),
            environments: places,
            about: Default::default(),
        };
        self.push(Joined { alert, told_as: vec![told_as] });
    }

    fn push(&mut self, joined: Joined) {
        self.by_name.entry(joined.alert.name.clone()).or_default().push(self.list.len());
        self.list.push(joined);
    }

    fn named(&self, name: &Name) -> impl Iterator<Item = usize> + '_ {
        self.by_name.get(name).into_iter().flatten().copied()
    }

    /// The alert that Alertmanager means: all of its labels are there, it concerns the same environments, and of several
    /// the one with the most labels in common that Alertmanager has not named by another fingerprint.
    fn same(&self, name: &Name, kept: &Kept, places: &[EnvId]) -> Option<usize> {
        self.named(name)
            .filter(|at| {
                let alert = &self.list[*at].alert;
                let open = alert.fingerprint.is_empty() || alert.fingerprint == kept.fingerprint;
                let here = alert.environments.is_empty()
                    || places.is_empty()
                    || alert.environments.iter().any(|env| places.contains(env));
                open && here && has_all(&kept.labels, &alert.labels)
            })
            .max_by_key(|at| {
                let alert = &self.list[*at].alert;
                (alert.fingerprint == kept.fingerprint, alert.labels.0.len(), std::cmp::Reverse(*at))
            })
    }
}

/// Whether one set of labels holds all of another, but for the names of replicas.
fn has_all(more: &Labels, labels: &Labels) -> bool {
    labels.0.iter().all(|(key, value)| REPLICA.contains(&&**key) || more.get(key) == Some(value))
}

/// Since when it fires; of a pending one since when its expression holds.
fn since(ruled: &Ruled) -> Option<crate::domain::time::Stamp> {
    let hold = ruled.rule.as_ref().map_or(0, |rule| rule.hold);
    match ruled.phase {
        Phase::Pending => ruled.active_at,
        _ => ruled.active_at.map(|at| at.plus(i64::try_from(hold).unwrap_or(0))),
    }
}

fn hushed(kept: &Kept, silences: &HashMap<&Name, &Silence>, names: &HashMap<&Name, &Name>) -> Vec<Hush> {
    let silenced = kept.silenced_by.iter().map(|id| Hush::Silenced {
        id: id.clone(),
        silence: silences.get(id).map(|silence| (*silence).clone()),
    });
    let inhibited = kept.inhibited_by.iter().map(|fingerprint| Hush::Inhibited {
        fingerprint: fingerprint.clone(),
        by: names.get(fingerprint).map(|name| (*name).clone()),
    });
    let muted = kept.muted_by.iter().map(|interval| Hush::Muted { interval: interval.clone() });
    let mut hushed: Vec<Hush> = silenced.chain(inhibited).chain(muted).collect();
    // Older ones say that it is held back by a time interval, and not by which.
    if hushed.is_empty() && &*kept.state == "suppressed" {
        hushed.push(Hush::Muted { interval: Name::default() });
    }
    hushed
}

/// Labels and environments by name: the same labels in another environment are another alert.
fn key(labels: &Labels, places: &[EnvId], environments: &Environments) -> AlertKey {
    let mut hasher = DefaultHasher::new();
    hash_labels(labels, &mut hasher);
    for env in places.iter().filter_map(|env| environments.get(*env)) {
        (&env.name, &env.context).hash(&mut hasher);
    }
    AlertKey(hasher.finish())
}

fn told_as(upstream: &Arc<Upstream>, labels: &Labels) -> ToldAs {
    let mut hasher = DefaultHasher::new();
    upstream.hash(&mut hasher);
    let voice = hasher.finish();
    hash_labels(labels, &mut hasher);
    ToldAs { voice, alert: hasher.finish() }
}

/// A server as [`ToldAs`] names it.
pub fn voice(upstream: &Arc<Upstream>) -> u64 {
    told_as(upstream, &Labels::default()).voice
}

fn hash_labels(labels: &Labels, hasher: &mut DefaultHasher) {
    for pair in labels.0.iter().filter(|(key, _)| !REPLICA.contains(&&**key)) {
        pair.hash(hasher);
    }
}
