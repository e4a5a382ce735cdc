//! Alerts of all environments: what every rules API and every Alertmanager told, joined, counted and compared with
//! what was known before.
//!
//! [`Alerts`] is fed with answers ([`Alerts::hear`]) and brought up to date by [`Alerts::refresh`]; panes, the header,
//! cards and `report` read it. It keeps what a silent server told last, and says how old that is. No clock but the one
//! handed in.

mod join;
mod news;
mod place;
mod severity;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use self::join::{Input, Joined, SpeaksFor, ToldAs, Voice, join, voice};
use self::news::Known;
pub use self::news::{Change, Snapshot, sentence};
pub use self::severity::WantedAlerts;
use super::promql::{self, Limited, RuleLimit};
use super::upstreams::Upstreams;
use crate::domain::alert::{Alert, AlertKey, Hearing, Managed, Rule, Rulebook, Tally, Told};
use crate::domain::environment::Environments;
use crate::domain::id::{EnvId, Kind, Name};
use crate::domain::link::Feed;
use crate::domain::time::Stamp;
use crate::domain::upstream::{Assigned, Missing, Server, Upstream};
use crate::world::World;

/// The servers that tell of alerts.
pub const SERVERS: [Server; 2] = [Server::Prometheus, Server::Alertmanager];

/// Seconds for which the bell waits for an Alertmanager: a little more than from one look at it to the next.
const PATIENCE: u64 = 30;

/// What one server told last, and how the questions to it stand.
#[derive(Clone, Debug, Default)]
pub struct Heard<T> {
    /// The last good answer.
    pub told: Option<T>,
    /// When it came.
    pub at: Option<Stamp>,
    /// How the last question ended.
    pub hearing: Hearing,
}

impl<T: PartialEq> Heard<T> {
    /// Takes an answer; tells whether it says anything else than the one before.
    fn hear(&mut self, answer: Result<T, String>, now: Stamp) -> bool {
        match answer {
            Ok(told) => {
                let told = Some(told);
                let other = self.told != told || self.hearing != Hearing::Well;
                self.told = told;
                self.at = Some(now);
                self.hearing = Hearing::Well;
                other
            }
            Err(why) => {
                let hearing = Hearing::Failing(why);
                let other = self.hearing != hearing;
                self.hearing = hearing;
                other
            }
        }
    }
}

/// How the server of an environment stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing<'a> {
    /// Which.
    pub server: Server,
    /// Where it answers, or why there is none.
    pub assigned: Result<&'a Assigned, &'a Missing>,
    /// How the last question ended.
    pub hearing: Hearing,
    /// When the last good answer came.
    pub at: Option<Stamp>,
}

/// All alerts.
#[derive(Debug, Default)]
pub struct Alerts {
    rulers: BTreeMap<Arc<Upstream>, Heard<Rulebook>>,
    managers: BTreeMap<Arc<Upstream>, Heard<Managed>>,
    list: Vec<Alert>,
    /// Who tells of each, in the order of the list.
    told: Vec<Vec<ToldAs>>,
    tallies: Vec<Tally>,
    total: Tally,
    version: u64,
    /// What the list was joined from.
    seen: Option<Seen>,
    heard: u64,
    known: Known,
    /// What the rules say of limits, by expression: rules come again with every answer and stay the same.
    limits: HashMap<Name, Option<RuleLimit>>,
}

/// What a join follows, beside the answers.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    heard: u64,
    upstreams: u64,
    environments: Environments,
    wanted: WantedAlerts,
    /// Pods and workloads that arrive give alerts their objects; each single change of one does not matter.
    feeds: Vec<[Feed; 3]>,
}

impl Alerts {
    /// Takes an answer.
    pub fn hear(&mut self, upstream: &Arc<Upstream>, answer: Told, now: Stamp) {
        if let Told::Rules(Ok(book)) = &answer {
            for rule in &book.limiting {
                if !self.limits.contains_key(&rule.expr) {
                    let limit = promql::read_limit(&rule.name, &rule.expr.replace('↵', "\n"));
                    self.limits.insert(rule.expr.clone(), limit);
                }
            }
        }
        let other = match answer {
            Told::Rules(answer) => self.rulers.entry(Arc::clone(upstream)).or_default().hear(answer, now),
            Told::Managed(answer) => self.managers.entry(Arc::clone(upstream)).or_default().hear(answer, now),
        };
        match other {
            true => self.heard += 1,
            // Most answers: nothing is joined anew.
            false => self.known.still(now),
        }
    }

    /// Follows answers, assignments and environments. Tells whether alerts may have changed.
    pub fn refresh(
        &mut self,
        environments: &Environments,
        world: &World,
        upstreams: &Upstreams,
        wanted: &WantedAlerts,
        now: Stamp,
    ) -> bool {
        let kinds = [Kind::Pod, Kind::Deployment, Kind::Node];
        let feeds = world.clusters.iter().map(|cluster| kinds.map(|kind| cluster.feed(kind))).collect();
        if let Some(seen) = &self.seen
            && (seen.heard, seen.upstreams) == (self.heard, upstreams.version())
            && seen.environments == *environments
            && seen.wanted == *wanted
            && seen.feeds == feeds
        {
            return false;
        }
        self.seen = Some(Seen {
            heard: self.heard,
            upstreams: upstreams.version(),
            environments: environments.clone(),
            wanted: wanted.clone(),
            feeds,
        });
        let assigned = |server| Voices::of(server, environments, upstreams);
        let (rulers, managers) = (assigned(Server::Prometheus), assigned(Server::Alertmanager));
        // What nobody is assigned to any more is forgotten.
        self.rulers.retain(|upstream, _| rulers.has(upstream));
        self.managers.retain(|upstream, _| managers.has(upstream));
        let told = self.rulers.values().filter_map(|heard| heard.told.as_ref());
        let read: HashSet<&Name> = told.flat_map(|book| &book.limiting).map(|rule| &rule.expr).collect();
        self.limits.retain(|expr, _| read.contains(expr));
        let input = Input {
            environments,
            world,
            wanted,
            rulers: rulers.voices(&self.rulers),
            managers: managers.voices(&self.managers),
        };
        let joined = join(&input);
        let heard = input.rulers.iter().map(|heard| voice(heard.upstream));
        let heard = heard.chain(input.managers.iter().map(|heard| voice(heard.upstream)));
        self.known.follow(&joined, heard, now);
        self.tallies = vec![Tally::default(); environments.list.len()];
        self.total = Tally::default();
        for Joined { alert, .. } in &joined {
            self.total.add(alert);
            for env in &alert.environments {
                if let Some(tally) = self.tallies.get_mut(usize::from(env.0)) {
                    tally.add(alert);
                }
            }
        }
        (self.list, self.told) = joined.into_iter().map(|joined| (joined.alert, joined.told_as)).unzip();
        self.version += 1;
        true
    }

    /// All alerts, worst first.
    pub fn list(&self) -> &[Alert] {
        &self.list
    }

    /// An alert by what tells it apart.
    pub fn get(&self, key: AlertKey) -> Option<&Alert> {
        self.list.iter().find(|alert| alert.key == key)
    }

    /// What an alert that was known before is now. Its key is of the labels that its rule gives it, and of those that
    /// Alertmanager knows where no rule is known: when a Prometheus begins or ends to tell of its rules the key is
    /// another, and Alertmanager's fingerprint the same.
    pub fn again(&self, before: &Alert) -> Option<&Alert> {
        self.get(before.key).or_else(|| {
            let is_it = |alert: &&Alert| alert.fingerprint == before.fingerprint && alert.name == before.name;
            self.list.iter().find(is_it).filter(|_| !before.fingerprint.is_empty())
        })
    }

    /// Rises whenever the list may have changed.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How many concern an environment; one that concerns several counts in each.
    pub fn tally(&self, env: EnvId) -> Tally {
        self.tallies.get(usize::from(env.0)).copied().unwrap_or_default()
    }

    /// How many there are, each once.
    pub fn total(&self) -> Tally {
        self.total
    }

    /// How the two servers of an environment stand.
    pub fn standing<'a>(&self, upstreams: &'a Upstreams, env: EnvId) -> [Standing<'a>; 2] {
        SERVERS.map(|server| {
            let assigned = upstreams.of(server, env);
            let (hearing, at) = match (server, assigned) {
                (Server::Prometheus, Ok(assigned)) => stands(self.rulers.get(&assigned.upstream)),
                (_, Ok(assigned)) => stands(self.managers.get(&assigned.upstream)),
                (_, Err(_)) => (Hearing::Asking, None),
            };
            Standing { server, assigned, hearing, at }
        })
    }

    /// How many alerting rules watch an environment; `None` when that is not known.
    pub fn rules(&self, upstreams: &Upstreams, env: EnvId) -> Option<usize> {
        self.book(upstreams, env)?.rules
    }

    /// Rules of an environment's server that cannot be evaluated.
    pub fn failing_rules(&self, upstreams: &Upstreams, env: EnvId) -> &[Arc<Rule>] {
        self.book(upstreams, env).map_or(&[], |book| &book.failing)
    }

    /// Words of an environment's server beside its last good answer.
    pub fn warnings(&self, upstreams: &Upstreams, env: EnvId) -> &[Name] {
        self.book(upstreams, env).map_or(&[], |book| &book.warnings)
    }

    /// Members of an environment's Alertmanager that do not answer, while another one does.
    pub fn silent_members(&self, upstreams: &Upstreams, env: EnvId) -> &[Name] {
        self.managed(upstreams, env).map_or(&[], |told| &told.silent_members)
    }

    /// Why it is not known who silenced what in an environment, and until when; `None` when it is.
    pub fn silences_unknown(&self, upstreams: &Upstreams, env: EnvId) -> Option<&str> {
        let why = &self.managed(upstreams, env)?.silences_unknown;
        (!why.is_empty()).then_some(why)
    }

    /// What an environment's Alertmanager told, while it answers.
    fn managed(&self, upstreams: &Upstreams, env: EnvId) -> Option<&Managed> {
        let assigned = upstreams.of(Server::Alertmanager, env).ok()?;
        let heard = self.managers.get(&assigned.upstream)?;
        heard.told.as_ref().filter(|_| heard.hearing == Hearing::Well)
    }

    /// The lowest limit that the rules of a server set to what a chart shows ([`RuleLimit::is_about`]).
    pub fn limit(
        &self,
        upstream: &Arc<Upstream>,
        of: Limited,
        series: &str,
        values: &dyn Fn(&str) -> Vec<Name>,
    ) -> Option<&RuleLimit> {
        let book = self.rulers.get(upstream)?.told.as_ref()?;
        let limits = book.limiting.iter().filter_map(|rule| self.limits.get(&rule.expr)?.as_ref());
        limits.filter(|limit| limit.is_about(of, series, values)).min_by(|a, b| a.at.total_cmp(&b.at))
    }

    fn book(&self, upstreams: &Upstreams, env: EnvId) -> Option<&Rulebook> {
        let assigned = upstreams.of(Server::Prometheus, env).ok()?;
        self.rulers.get(&assigned.upstream)?.told.as_ref()
    }

    /// Whether a server that is assigned to some environment told anything yet.
    pub fn has_heard(&self, upstream: &Arc<Upstream>) -> bool {
        match upstream.server {
            Server::Alertmanager => self.managers.get(upstream).is_some_and(|heard| heard.at.is_some()),
            _ => self.rulers.get(upstream).is_some_and(|heard| heard.at.is_some()),
        }
    }

    /// Critical alerts that began to fire since this was asked last; not what fired when its server was first heard, nor
    /// what is held back. Rules are often heard first: whether a silence holds an alert back only its Alertmanager knows,
    /// whose next answer is waited for.
    pub fn fresh(&mut self, upstreams: &Upstreams, now: Stamp) -> Vec<&Alert> {
        let Alerts { known, list, managers, .. } = self;
        let answers_later = |env: &EnvId, since: Stamp| {
            let heard =
                upstreams.of(Server::Alertmanager, *env).ok().and_then(|at| managers.get(&at.upstream));
            heard
                .is_some_and(|heard| heard.hearing == Hearing::Well && heard.at.is_some_and(|at| at <= since))
        };
        let later = |key: AlertKey, since: Stamp| {
            let alert = list.iter().find(|alert| alert.key == key).filter(|alert| !alert.managed);
            now.since(since) < PATIENCE
                && alert.is_some_and(|alert| alert.environments.iter().any(|env| answers_later(env, since)))
        };
        let fresh = known.take(later);
        list.iter().filter(|alert| alert.fires() && fresh.contains(&alert.key)).collect()
    }

    /// What fires now, to be compared with later.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.list, &self.told)
    }
}

fn stands<T>(heard: Option<&Heard<T>>) -> (Hearing, Option<Stamp>) {
    heard.map_or((Hearing::Asking, None), |heard| (heard.hearing.clone(), heard.at))
}

/// Which server speaks for which environments.
struct Voices<'a>(BTreeMap<&'a Arc<Upstream>, SpeaksFor<'a>>);

impl<'a> Voices<'a> {
    fn of(server: Server, environments: &Environments, upstreams: &'a Upstreams) -> Voices<'a> {
        let mut voices: BTreeMap<&Arc<Upstream>, SpeaksFor<'_>> = BTreeMap::new();
        for env in &environments.list {
            if let Ok(assigned) = upstreams.of(server, env.id) {
                voices.entry(&assigned.upstream).or_default().push((env.id, &assigned.matchers));
            }
        }
        Voices(voices)
    }

    fn has(&self, upstream: &Arc<Upstream>) -> bool {
        self.0.contains_key(upstream)
    }

    fn voices<'b, T>(&self, heard: &'b BTreeMap<Arc<Upstream>, Heard<T>>) -> Vec<Voice<'b, T>>
    where
        'a: 'b,
    {
        let told = heard.iter().filter_map(|(upstream, heard)| Some((upstream, heard.told.as_ref()?)));
        told.map(|(upstream, told)| Voice {
            upstream,
            speaks_for: self.0.get(upstream).cloned().unwrap_or_default(),
            told,
        })
        .collect()
    }
}
