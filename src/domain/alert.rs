//! Alerts: what Prometheus' rules say, what Alertmanager makes of it, and both joined.
//!
//! [`Rulebook`] and [`Managed`] are what the two APIs told, as `wire::alerts` decodes them. `fleet::alerts` joins them
//! to [`Alert`]s. Nothing here judges; words of a platform (states, severities) stay words.

use std::sync::Arc;

use super::id::{EnvId, Name, ObjectRef};
use super::level::Level;
use super::meta::Labels;
use super::time::Stamp;

/// How bad its rule says an alert is, harmless first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Says that alerting works (`Watchdog`), or serves other alerts: nobody has to look.
    None,
    /// To be known.
    Info,
    /// A word that nobody has told us the meaning of, or none at all.
    #[default]
    Unknown,
    /// Wants a look.
    Warning,
    /// Wants a person now.
    Critical,
}

impl Severity {
    /// The word of our own scale.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Severity::None => "none",
            Severity::Info => "info",
            Severity::Unknown => "unknown",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }

    /// The level that an alert of it has while it fires.
    #[must_use]
    pub fn level(self) -> Level {
        match self {
            Severity::None | Severity::Info => Level::Idle,
            Severity::Unknown => Level::Unknown,
            Severity::Warning => Level::Warning,
            Severity::Critical => Level::Critical,
        }
    }
}

/// How far an alert is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Its expression holds, but not for long enough yet.
    Pending,
    /// It fires.
    Firing,
    /// A word that we do not know; taken as serious as firing.
    Other(Name),
}

impl Phase {
    /// The word.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Phase::Pending => "pending",
            Phase::Firing => "firing",
            Phase::Other(word) => word,
        }
    }
}

/// An alerting rule with alerts, or with trouble of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// The name of its alerts.
    pub name: Name,
    /// Its group.
    pub group: Name,
    /// The expression that holds while there is something to tell (PromQL).
    pub expr: Name,
    /// `for`: seconds that it must hold before the alert fires.
    pub hold: u64,
    /// `health`: `ok`, `err`, `unknown`.
    pub health: Name,
    /// Why it could not be evaluated; empty when it could.
    pub error: Name,
    /// Labels that it gives its alerts, over those of the series that its expression gave; `None` when not told.
    pub labels: Option<Labels>,
}

/// An active alert as its rule knows it: without the labels that Prometheus adds for Alertmanager.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruled {
    /// Its rule; `None` where the server tells alerts alone.
    pub rule: Option<Arc<Rule>>,
    /// Its labels, `alertname` among them.
    pub labels: Labels,
    /// Its annotations, templates filled in.
    pub annotations: Labels,
    /// How far it is.
    pub phase: Phase,
    /// Since when its expression holds.
    pub active_at: Option<Stamp>,
    /// The value of the expression when it was evaluated last.
    pub value: Option<f64>,
}

/// What a rules API told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rulebook {
    /// Active alerts.
    pub alerts: Vec<Ruled>,
    /// Rules that could not be evaluated: whether they should fire is not known.
    pub failing: Vec<Arc<Rule>>,
    /// Rules that hold shares or quantiles against a number, whether they have alerts or not: charts of the same series
    /// draw that number.
    pub limiting: Vec<Arc<Rule>>,
    /// How many alerting rules there are; `None` where the server tells alerts alone.
    pub rules: Option<usize>,
    /// Words of the server beside a good answer (a partial one, say).
    pub warnings: Vec<Name>,
}

/// An alert as Alertmanager keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// What Alertmanager calls it: a hash of its labels.
    pub fingerprint: Name,
    /// Its labels, with those that its Prometheus added.
    pub labels: Labels,
    /// Its annotations.
    pub annotations: Labels,
    /// Since when it fires.
    pub starts_at: Option<Stamp>,
    /// `active`, `suppressed`, `unprocessed`.
    pub state: Name,
    /// Silences that hold it back, by id.
    pub silenced_by: Vec<Name>,
    /// Fingerprints of the alerts that inhibit it.
    pub inhibited_by: Vec<Name>,
    /// Names of the time intervals that mute it.
    pub muted_by: Vec<Name>,
    /// Who is told.
    pub receivers: Vec<Name>,
    /// The groups that it is told in, one for each route that takes it.
    pub groups: Vec<Grouped>,
    /// `generatorURL`: where the expression can be seen.
    pub generator: Name,
}

/// Alerts that one receiver is told of together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grouped {
    /// The labels that they have in common by the route's `group_by`; none when all of its alerts are one group.
    pub labels: Labels,
    /// Who is told.
    pub receiver: Name,
    /// How many alerts it holds.
    pub alerts: u32,
}

/// A silence that is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Silence {
    /// Its id.
    pub id: Name,
    /// Its matchers as Alertmanager writes them: `alertname="X"`, `pod=~"cart-.*"`.
    pub matchers: Vec<Name>,
    /// Until when it holds.
    pub ends_at: Option<Stamp>,
    /// Who made it.
    pub created_by: Name,
    /// Why.
    pub comment: Name,
}

/// What an Alertmanager told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Managed {
    /// Its alerts, each once.
    pub alerts: Vec<Kept>,
    /// Silences in force that hold some of them back.
    pub silences: Vec<Silence>,
    /// Why the silences are not known; empty when they are, or none was asked about.
    pub silences_unknown: String,
    /// Members of its cluster that do not answer, each with why: one that does answers for all.
    pub silent_members: Vec<Name>,
}

/// Why nobody is told of an alert that fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hush {
    /// A person silenced it.
    Silenced {
        /// Its id.
        id: Name,
        /// What Alertmanager says of it; `None` where that is not known.
        silence: Option<Silence>,
    },
    /// Another alert inhibits it.
    Inhibited {
        /// The other's fingerprint.
        fingerprint: Name,
        /// The other's name, when it is known.
        by: Option<Name>,
    },
    /// It is outside of the hours of its route.
    Muted {
        /// The time interval's name.
        interval: Name,
    },
}

/// What an alert is about, as its labels say and the clusters confirm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// One or two words for a list: the workload, else the pod, node, app or namespace; empty when it says nothing.
    pub what: Name,
    /// The namespace that its labels name.
    pub namespace: Option<Name>,
    /// The object of a cluster that `what` means, when it is there.
    pub object: Option<ObjectRef>,
    /// The pod that its labels name.
    pub pod: Option<Name>,
    /// The pod, when it is there.
    pub pod_object: Option<ObjectRef>,
}

/// One alert, whatever number of servers tell of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Stays the same while it lasts.
    pub key: AlertKey,
    /// `alertname`.
    pub name: Name,
    /// How bad it is.
    pub severity: Severity,
    /// The platform's own word for that; empty when its labels have none.
    pub severity_word: Name,
    /// How far it is.
    pub phase: Phase,
    /// Why nobody is told; empty when its receivers are.
    pub hushed: Vec<Hush>,
    /// All labels that are known of it.
    pub labels: Labels,
    /// Labels that its rule and its series give it, without those that are added on the way to Alertmanager; empty where
    /// no rules API told of it.
    pub own: Labels,
    /// Its annotations.
    pub annotations: Labels,
    /// Since when it fires; of a pending one since when its expression holds.
    pub since: Option<Stamp>,
    /// When a pending one will fire, if its expression goes on to hold.
    pub fires_at: Option<Stamp>,
    /// The expression's value.
    pub value: Option<f64>,
    /// Its rule, where a rules API told of it.
    pub rule: Option<Arc<Rule>>,
    /// The upstream that evaluates its rule.
    pub ruler: Option<Arc<super::upstream::Upstream>>,
    /// Who is told, by Alertmanager.
    pub receivers: Vec<Name>,
    /// The groups that they are told in.
    pub groups: Vec<Grouped>,
    /// An Alertmanager knows it.
    pub managed: bool,
    /// Where the expression can be seen; empty when not known.
    pub generator: Name,
    /// What Alertmanager calls it; empty when it knows nothing of it.
    pub fingerprint: Name,
    /// Environments that it concerns, in their order; empty when none of them is known to.
    pub environments: Vec<EnvId>,
    /// What it is about.
    pub about: About,
}

/// Tells alerts apart: a hash of the labels that its rule gives it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertKey(pub u64);

impl Alert {
    /// Whether a person, another alert or the hours hold it back.
    #[must_use]
    pub fn is_hushed(&self) -> bool {
        !self.hushed.is_empty()
    }

    /// Whether it counts as firing: told or to be told to somebody.
    #[must_use]
    pub fn fires(&self) -> bool {
        self.phase != Phase::Pending && !self.is_hushed() && self.severity != Severity::None
    }

    /// How bad it is now: one that is held back is at rest, a pending one on its way.
    #[must_use]
    pub fn level(&self) -> Level {
        match &self.phase {
            _ if self.is_hushed() => Level::Idle,
            Phase::Pending if self.severity > Severity::Info => Level::Progressing,
            Phase::Pending => Level::Idle,
            _ => self.severity.level(),
        }
    }

    /// `runbook_url`, or what people write in its place; `None` when its annotations name none.
    #[must_use]
    pub fn runbook(&self) -> Option<&Name> {
        ["runbook_url", "runbook", "runbookUrl", "runbook_uri", "playbook"]
            .iter()
            .find_map(|key| self.annotations.get(key))
            .filter(|url| !url.is_empty())
    }

    /// What it says of itself: `summary`, else the other texts that people write; empty when there is none.
    #[must_use]
    pub fn summary(&self) -> &str {
        ["summary", "title", "message", "description"]
            .iter()
            .find_map(|key| self.annotations.get(key))
            .map_or("", |text| text)
    }
}

/// How many alerts there are, by how bad they are. One that is held back counts in `hushed` alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Fire, critical.
    pub critical: u32,
    /// Fire, warning.
    pub warning: u32,
    /// Fire, of a severity that is not known.
    pub unknown: u32,
    /// Fire, to be known only.
    pub info: u32,
    /// Pending, of any severity.
    pub pending: u32,
    /// Silenced, inhibited or muted.
    pub hushed: u32,
    /// Always fire, to say that alerting works.
    pub always: u32,
}

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, alert: &Alert) {
        let counter = match (alert.severity, &alert.phase) {
            (Severity::None, _) => &mut self.always,
            _ if alert.is_hushed() => &mut self.hushed,
            (_, Phase::Pending) => &mut self.pending,
            (Severity::Critical, _) => &mut self.critical,
            (Severity::Warning, _) => &mut self.warning,
            (Severity::Unknown, _) => &mut self.unknown,
            (Severity::Info, _) => &mut self.info,
        };
        *counter += 1;
    }

    /// Those that fire and are told to somebody.
    #[must_use]
    pub fn firing(&self) -> u32 {
        self.critical + self.warning + self.unknown + self.info
    }
}

/// What one server told, or why it did not.
#[derive(Debug)]
pub enum Told {
    /// A rules API.
    Rules(Result<Rulebook, String>),
    /// An Alertmanager.
    Managed(Result<Managed, String>),
}

impl Told {
    /// Whether it told anything.
    #[must_use]
    pub fn is_good(&self) -> bool {
        match self {
            Told::Rules(told) => told.is_ok(),
            Told::Managed(told) => told.is_ok(),
        }
    }
}

/// How the questions to one server stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Hearing {
    /// Not answered yet.
    #[default]
    Asking,
    /// The last question was answered.
    Well,
    /// The last question was not, for this reason: a sentence. What was heard before is shown, with its age.
    Failing(String),
}
