//! The Alerts pane: what fires, is pending or is held back in the current environment, worst first. Alerts of one name
//! about one thing are one row (`cart ×3`), however many pods they name.

use std::borrow::Cow;
use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;

use super::filter::Haystack;
use super::list::{Cell, Changes, Column, Rows};
use super::views::alert::AlertView;
use super::{PaneId, words};
use crate::action::Action;
use crate::domain::alert::{Alert, AlertKey, Hearing, Hush, Phase, Severity};
use crate::domain::environment::Environment;
use crate::domain::id::{EnvId, Name, ObjectRef};
use crate::domain::level::Level;
use crate::domain::meta::Labels;
use crate::domain::time::Stamp;
use crate::domain::upstream::Server;
use crate::fleet::alerts::Standing;
use crate::look::Look;
use crate::shared::{Applies, Outcome, Shared, Subject};
use crate::text::{self, age_short};
use crate::theme::Role;

/// The rows.
#[derive(Debug, Default)]
pub struct Alerts {
    seen: Option<(u64, words::ScopeKey)>,
    groups: Vec<Group>,
    places: HashMap<Key, Row>,
}

/// What tells a row from others: name, severity, what it is about, and where.
type Key = (Name, Severity, Name, Vec<EnvId>);

/// A row: its index in [`Alerts::groups`], valid until they change.
type Row = u32;

/// Alerts of one name about one thing.
#[derive(Debug)]
struct Group {
    key: Key,
    level: Level,
    severity_word: Name,
    /// All of them are pending.
    pending: bool,
    /// What holds the worst of them back, when something does.
    hush: Option<Hush>,
    since: Option<Stamp>,
    /// How many there are of the worst.
    count: u32,
    /// The worst one.
    alert: AlertKey,
    namespace: Option<Name>,
    object: Option<ObjectRef>,
    pods: Vec<Name>,
    receivers: Vec<Name>,
    labels: Labels,
    summary: Name,
}

const NAME: usize = 0;
const SINCE: usize = 1;
const WHAT: usize = 2;
const ENVIRONMENT: usize = 3;
const SEVERITY: usize = 4;
const RECEIVERS: usize = 5;
const SUMMARY: usize = 6;

static COLUMNS: [Column; 7] = [
    Column::new("alert", 19).most(44),
    Column::new("since", 5).right(),
    Column::new("what", 20).most(34),
    Column::new("environment", 11).most(24).rank(1),
    Column::new("severity", 8).most(10).rank(2),
    Column::new("receivers", 10).most(24).rank(3),
    Column::new("summary", 24).most(80).rank(4),
];

impl Haystack for Group {
    fn any_text(&self, found: &mut dyn FnMut(&str) -> bool) -> bool {
        found(&self.key.0)
            || found(&self.key.2)
            || found(self.key.1.word())
            || found(&self.severity_word)
            || self.namespace.as_deref().is_some_and(&mut *found)
            || self.pods.iter().any(|pod| found(pod))
            || self.receivers.iter().any(|receiver| found(receiver))
            || found(&self.summary)
    }
    fn labels(&self) -> &Labels {
        &self.labels
    }
}

impl Group {
    fn new(alert: &Alert, key: Key) -> Group {
        let mut group = Group {
            key,
            level: alert.level(),
            severity_word: alert.severity_word.clone(),
            pending: false,
            hush: None,
            since: None,
            count: 0,
            alert: alert.key,
            namespace: alert.about.namespace.clone(),
            object: alert.about.object.clone(),
            pods: Vec::new(),
            receivers: Vec::new(),
            labels: alert.labels.clone(),
            summary: alert.summary().into(),
        };
        group.add(alert);
        group
    }

    /// Takes one more; alerts come worst first.
    fn add(&mut self, alert: &Alert) {
        if alert.level() == self.level {
            self.pending = alert.phase == Phase::Pending;
            self.hush = alert.hushed.first().cloned();
            self.count += 1;
            self.since = match (self.since, alert.since) {
                (Some(known), Some(this)) => Some(known.min(this)),
                (known, this) => known.or(this),
            };
        }
        self.pods.extend(alert.about.pod.clone());
        for receiver in &alert.receivers {
            if !self.receivers.contains(receiver) {
                self.receivers.push(receiver.clone());
            }
        }
    }

    /// Whether it is shown where the person looks.
    fn is_here(&self, shared: &Shared) -> bool {
        let namespaced = match (&shared.namespace, &self.namespace) {
            (Some(wanted), Some(namespace)) => wanted == namespace,
            _ => true,
        };
        namespaced && (shared.all_environments || self.key.3.contains(&shared.current))
    }
}

impl Alerts {
    fn group(&self, row: Row) -> Option<&Group> {
        self.groups.get(usize::try_from(row).ok()?)
    }

    fn regroup(&mut self, shared: &Shared) {
        self.groups.clear();
        self.places.clear();
        for alert in shared.alerts.list().iter().filter(|alert| alert.severity != Severity::None) {
            let key: Key =
                (alert.name.clone(), alert.severity, alert.about.what.clone(), alert.environments.clone());
            match self.places.get(&key).and_then(|row| self.groups.get_mut(usize::try_from(*row).ok()?)) {
                Some(group) => group.add(alert),
                None => {
                    self.places.insert(key.clone(), Row::try_from(self.groups.len()).unwrap_or(Row::MAX));
                    self.groups.push(Group::new(alert, key));
                }
            }
        }
    }
}

impl Rows for Alerts {
    type Row = Row;
    type Key = Key;

    fn id(&self) -> PaneId {
        PaneId::Alerts
    }

    fn name(&self, shared: &Shared) -> String {
        format!("Alerts {}", words::scope(shared))
    }

    fn columns(&self, shared: &Shared) -> Cow<'_, [Column]> {
        let mut columns = Cow::Borrowed(&COLUMNS[..]);
        if !shared.all_environments
            && let Some(column) = columns.to_mut().get_mut(ENVIRONMENT)
        {
            column.rank = Column::NEVER;
        }
        columns
    }

    fn changes(&mut self, shared: &Shared) -> Changes<Row> {
        let now = Some((shared.alerts.version(), words::scope_key(shared)));
        if now == self.seen {
            return Changes::Nothing;
        }
        self.seen = now;
        self.regroup(shared);
        Changes::Everything
    }

    fn all(&self, shared: &Shared, each: &mut dyn FnMut(Row)) {
        let here = self.groups.iter().enumerate().filter(|(_, group)| group.is_here(shared));
        here.filter_map(|(at, _)| Row::try_from(at).ok()).for_each(each);
    }

    fn shown(&self, shared: &Shared, row: Row) -> bool {
        self.group(row).is_some_and(|group| group.is_here(shared))
    }

    fn level(&self, _shared: &Shared, row: Row) -> Level {
        self.group(row).map_or(Level::Unknown, |group| group.level)
    }

    fn sign(&self, _shared: &Shared, row: Row, look: &Look) -> Option<(&'static str, Role)> {
        self.group(row)?.hush.as_ref()?;
        Some((look.symbols.silenced, Role::Silenced))
    }

    fn counted(&self, shared: &Shared) -> Option<String> {
        Some(counts(shared))
    }

    fn compare(&self, _shared: &Shared, column: usize, a: Row, b: Row) -> Ordering {
        let (Some(x), Some(y)) = (self.group(a), self.group(b)) else { return Ordering::Equal };
        let newest_first = || Reverse(x.since).cmp(&Reverse(y.since));
        match column {
            // Their own order: what is worse at heart, then what is new, then by name.
            NAME => {
                let heart = (Reverse(x.key.1), x.hush.is_some()).cmp(&(Reverse(y.key.1), y.hush.is_some()));
                heart.then_with(newest_first).then_with(|| x.key.cmp(&y.key))
            }
            SINCE => newest_first(),
            WHAT => x.key.2.cmp(&y.key.2),
            ENVIRONMENT => x.key.3.cmp(&y.key.3),
            SEVERITY => y.key.1.cmp(&x.key.1),
            RECEIVERS => x.receivers.cmp(&y.receivers),
            SUMMARY => x.summary.cmp(&y.summary),
            _ => Ordering::Equal,
        }
    }

    fn key(&self, _shared: &Shared, row: Row) -> Option<Key> {
        self.group(row).map(|group| group.key.clone())
    }

    fn find(&self, _shared: &Shared, key: &Key) -> Option<Row> {
        self.places.get(key).copied()
    }

    fn search(&self, _shared: &Shared, row: Row, look: &mut dyn FnMut(&dyn Haystack) -> bool) -> bool {
        self.group(row).is_some_and(|group| look(group))
    }

    fn cell<'a>(&self, shared: &'a Shared, row: Row, column: usize, look: &Look) -> Cell<'a> {
        let Some(group) = self.group(row) else { return Cell::muted("") };
        let rest = if group.hush.is_some() || group.pending { Role::Muted } else { Role::Text };
        let cell = |text: String, role| Cell { text: text.into(), role };
        match column {
            NAME => cell(group.key.0.to_string(), rest),
            SINCE => Cell::muted(group.since.map(|at| age(at, shared)).unwrap_or_default()),
            WHAT => cell(what(group, shared, look), rest),
            ENVIRONMENT => Cell::muted(environments(shared, &group.key.3)),
            SEVERITY => {
                let word = if group.severity_word.is_empty() { "none given" } else { &*group.severity_word };
                cell(word.to_owned(), Role::of_level(group.level))
            }
            RECEIVERS => Cell::muted(group.receivers.join(", ")),
            SUMMARY => Cell::muted(group.summary.to_string()),
            _ => Cell::muted(""),
        }
    }

    fn subject(&self, _shared: &Shared, row: Row) -> Option<Subject> {
        self.group(row)?.object.clone().map(Subject::Object)
    }

    fn applies(&self, shared: &Shared, row: Option<Row>, action: Action) -> Applies {
        match (action, row.and_then(|row| self.group(row))) {
            (Action::Open | Action::Triage, Some(_)) => Applies::Yes,
            (Action::Copy, Some(_)) => Applies::Yes,
            (Action::Triage, None) => Applies::No("No alert is selected.".to_owned()),
            (_, Some(group)) if group.object.is_none() && super::objects::knows(action) => {
                let about = match &*group.key.2 {
                    "" => "It names no object of a cluster".to_owned(),
                    what => format!("No object called {what} is known"),
                };
                Applies::No(format!("{about}: {} shows the alert itself.", shared.key(Action::Open)))
            }
            _ => Applies::Elsewhere,
        }
    }

    fn act(&mut self, shared: &mut Shared, row: Option<Row>, action: Action) -> Outcome {
        let Some(group) = row.and_then(|row| self.group(row)) else { return Outcome::none() };
        match action {
            Action::Copy => Outcome::effect(crate::effect::Effect::Copy(group.key.0.to_string())),
            _ => AlertView::open(shared, group.alert),
        }
    }

    fn entered(&mut self, shared: &mut Shared, row: Row) {
        // The graphs follow what the alert is about.
        let object = self.group(row).and_then(|group| group.object.clone());
        if let Some(app) = object.and_then(|object| shared.app_of(object.cluster, object.uid)) {
            shared.app = Some(app);
        }
    }

    fn empty(&self, shared: &Shared) -> Vec<String> {
        let mut lines = Vec::new();
        let here = here(shared);
        if here.is_empty() {
            return vec!["No environment yet.".to_owned()];
        }
        for env in &here {
            for standing in shared.alerts.standing(&shared.upstreams, env.id) {
                for line in why_silent(&standing) {
                    if !lines.contains(&line) {
                        lines.push(line);
                    }
                }
            }
        }
        let heard = here.iter().any(|env| {
            shared.alerts.standing(&shared.upstreams, env.id).iter().any(|standing| standing.at.is_some())
        });
        if heard {
            let mut words = format!("No alert in {}.", words::scope(shared));
            let rules: usize = here
                .iter()
                .filter_map(|env| shared.alerts.rules(&shared.upstreams, env.id))
                .max()
                .unwrap_or(0);
            if rules > 0 {
                words.push_str(&format!(" {} rules watch.", text::count(rules as u64)));
            }
            lines.insert(0, words);
        }
        lines
    }

    fn stale(&self, shared: &Shared) -> Option<String> {
        let standings =
            here(shared).into_iter().flat_map(|env| shared.alerts.standing(&shared.upstreams, env.id));
        let silent = standings.filter(|standing| matches!(standing.hearing, Hearing::Failing(_)));
        silent
            .filter_map(|standing| Some((standing.at?, standing.server)))
            .min_by_key(|(at, _)| *at)
            .map(|(at, server)| format!("{} old · {} does not answer", age(at, shared), server.word()))
    }

    fn loading(&self, shared: &Shared) -> bool {
        here(shared).into_iter().any(|env| {
            let [rules, managed] = shared.alerts.standing(&shared.upstreams, env.id);
            [rules, managed].iter().all(|standing| standing.at.is_none())
        })
    }

    fn gaps(&self, shared: &Shared) -> Option<String> {
        let mut gaps: Vec<String> = Vec::new();
        for env in here(shared) {
            for standing in shared.alerts.standing(&shared.upstreams, env.id) {
                let word = match (&standing.assigned, &standing.hearing, standing.at) {
                    (Err(missing), ..) if missing.pending => continue,
                    (Err(_), ..) if standing.server == Server::Prometheus => {
                        "pending and rules: no Prometheus"
                    }
                    (Err(_), ..) => "silences: no Alertmanager",
                    (Ok(_), Hearing::Failing(_), None) if standing.server == Server::Prometheus => {
                        "Prometheus: no answer"
                    }
                    (Ok(_), Hearing::Failing(_), None) => "Alertmanager: no answer",
                    _ => continue,
                };
                if !gaps.iter().any(|known| known == word) {
                    gaps.push(word.to_owned());
                }
            }
            let silent = shared.alerts.silent_members(&shared.upstreams, env.id).len();
            if silent > 0 {
                let noun = if silent == 1 { "member is" } else { "members are" };
                let words = format!("{silent} {noun} silent of Alertmanager");
                if !gaps.contains(&words) {
                    gaps.push(words);
                }
            }
            let unknown = "silences are not known".to_owned();
            if shared.alerts.silences_unknown(&shared.upstreams, env.id).is_some() && !gaps.contains(&unknown)
            {
                gaps.push(unknown);
            }
            let failing = shared.alerts.failing_rules(&shared.upstreams, env.id).len();
            if failing > 0 {
                let noun = if failing == 1 { "rule fails" } else { "rules fail" };
                let words = format!("{failing} {noun}");
                if !gaps.contains(&words) {
                    gaps.push(words);
                }
            }
        }
        if !shared.all_environments {
            let nowhere = self.groups.iter().filter(|group| group.key.3.is_empty()).count();
            if nowhere > 0 {
                gaps.push(format!(
                    "+{nowhere} of no environment ({})",
                    shared.key(Action::ToggleAllEnvironments)
                ));
            }
        }
        (!gaps.is_empty()).then(|| gaps.join(" · "))
    }
}

/// The environments that are looked at.
fn here(shared: &Shared) -> Vec<&Environment> {
    match shared.all_environments {
        true => shared.environments.list.iter().collect(),
        false => shared.environment().into_iter().collect(),
    }
}

/// `3 firing · 1 pending · 1 silenced`: alerts, not rows.
fn counts(shared: &Shared) -> String {
    let tally = match shared.all_environments {
        true => shared.alerts.total(),
        false => shared.alerts.tally(shared.current),
    };
    let mut words = format!("{} firing", text::count(u64::from(tally.firing())));
    for (count, word) in [(tally.pending, "pending"), (tally.hushed, "held back")] {
        if count > 0 {
            words.push_str(&format!(" · {} {word}", text::count(u64::from(count))));
        }
    }
    words
}

/// Why nothing is heard of a server; nothing when it answers.
fn why_silent(standing: &Standing<'_>) -> Vec<String> {
    let word = standing.server.word();
    match (&standing.assigned, &standing.hearing) {
        (Err(missing), _) => {
            [missing.why.clone(), missing.mend.clone()].into_iter().filter(|line| !line.is_empty()).collect()
        }
        (Ok(_), Hearing::Well) => Vec::new(),
        (Ok(assigned), Hearing::Asking) => {
            vec![format!("Asking {word} at {}…", assigned.upstream.address.words())]
        }
        (Ok(assigned), Hearing::Failing(why)) => {
            vec![format!("{word} at {} gives no alerts: {why}", assigned.upstream.address.words())]
        }
    }
}

/// `cart ×3`, `cart · pending`, `media · until 16:00Z`.
fn what(group: &Group, shared: &Shared, look: &Look) -> String {
    let mut words = group.key.2.to_string();
    if group.count > 1 {
        words.push_str(&format!(" {}{}", look.symbols.times, text::count(u64::from(group.count))));
    }
    let held = match &group.hush {
        Some(hush) => Some(hush_words(hush, shared.now.wall)),
        None if group.pending => Some("pending".to_owned()),
        None => None,
    };
    if let Some(held) = held {
        if !words.is_empty() {
            words.push_str(&format!(" {} ", look.symbols.dot));
        }
        words.push_str(&held);
    }
    words
}

/// `until 16:00Z`, `by NodeDown`, `muted`.
fn hush_words(hush: &Hush, now: Stamp) -> String {
    match hush {
        Hush::Silenced { silence: Some(silence), .. } => match silence.ends_at {
            Some(end) => format!("until {}", moment(end, now)),
            None => "silenced".to_owned(),
        },
        Hush::Silenced { silence: None, .. } => "silenced".to_owned(),
        Hush::Inhibited { by: Some(by), .. } => format!("by {by}"),
        Hush::Inhibited { by: None, .. } => "inhibited".to_owned(),
        Hush::Muted { .. } => "muted".to_owned(),
    }
}

/// `16:00Z`; on another day `Mar 15 16:00Z`.
pub fn moment(at: Stamp, now: Stamp) -> String {
    let time = jiff::Timestamp::from_second(at.0).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC);
    let same_day = at.0.div_euclid(86_400) == now.0.div_euclid(86_400);
    time.strftime(if same_day { "%H:%MZ" } else { "%b %-d %H:%MZ" }).to_string()
}

fn environments(shared: &Shared, ids: &[EnvId]) -> String {
    let names: Vec<&str> =
        ids.iter().filter_map(|id| shared.environments.get(*id)).map(|env| &*env.name).collect();
    match names.as_slice() {
        [] => "none".to_owned(),
        [one] => (*one).to_owned(),
        [first, rest @ ..] => format!("{first} +{}", rest.len()),
    }
}

fn age(at: Stamp, shared: &Shared) -> String {
    age_short(i64::try_from(shared.now.wall.since(at)).unwrap_or(i64::MAX))
}
