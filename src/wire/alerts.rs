//! Alerts on the wire: the rules API of Prometheus (as Thanos, Mimir and vmalert serve it too) and Alertmanager's v2.
//!
//! The same leniency as everywhere in this room: a field of a wrong shape is absent, a word nobody knows stays a word.
//! Texts are cleaned and cut to a length that a screen can use, for nothing limits an annotation.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::lenient::{Fields, Flag, List, Pairs, Text};
use super::stamp;
use crate::domain::alert::{Grouped, Kept, Managed, Phase, Rule, Rulebook, Ruled, Silence};
use crate::domain::id::Name;
use crate::domain::meta::{Interner, Labels};
use crate::text::clean;

/// Bytes of a label's value that are kept.
const LABEL: usize = 512;
/// Bytes of an annotation or an expression that are kept.
const PROSE: usize = 4_096;
/// Rules without alerts that are kept for their limits, and bytes of the expression of each.
const LIMITING: (usize, usize) = (500, 1_000);

/// The envelope of Prometheus' answers.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Envelope {
    status: Text,
    error_type: Text,
    error: Text,
    warnings: List<Text>,
    data: Fields<Data>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Data {
    groups: List<Fields<Group>>,
    alerts: List<Fields<Active>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Group {
    name: Text,
    rules: List<Fields<WireRule>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireRule {
    #[serde(rename = "type")]
    rule_type: Text,
    name: Text,
    query: Text,
    /// Seconds, perhaps with a fraction.
    duration: Text,
    health: Text,
    last_error: Text,
    labels: Option<Pairs<Text>>,
    alerts: List<Fields<Active>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Active {
    labels: Pairs<Text>,
    annotations: Pairs<Text>,
    state: Text,
    active_at: Text,
    value: Text,
    /// vmalert names the rule's expression at each alert.
    expression: Text,
    /// vmalert names the alert apart from its labels.
    name: Text,
}

/// What `/api/v1/rules?type=alert` answered, or `/api/v1/alerts`.
///
/// # Errors
/// A sentence: the body is no JSON, or the server says why it has no answer.
pub fn rules(body: &[u8], interner: &mut Interner) -> Result<Rulebook, String> {
    let envelope: Envelope = parse(body)?;
    if &*envelope.status != "success" {
        return Err(refusal(&envelope));
    }
    let mut book = Rulebook {
        warnings: envelope.warnings.iter().map(|text| prose(interner, text)).collect(),
        ..Rulebook::default()
    };
    let groups = &envelope.data.groups;
    let mut count = 0;
    for group in groups.iter() {
        let named = name(interner, &group.name);
        for wire in group.rules.iter().filter(|rule| matches!(&*rule.rule_type, "alerting" | "")) {
            count += 1;
            let failing = !matches!(wire.health.to_ascii_lowercase().as_str(), "ok" | "unknown" | "");
            let active: Vec<&Fields<Active>> =
                wire.alerts.iter().filter(|a| phase(&a.state).is_some()).collect();
            let limiting = book.limiting.len() < LIMITING.0 && limits(&wire.query);
            if active.is_empty() && !failing && !limiting {
                continue;
            }
            let rule = Arc::new(Rule {
                name: name(interner, &wire.name),
                group: named.clone(),
                expr: prose(interner, &wire.query),
                hold: seconds(&wire.duration),
                health: name(interner, &wire.health),
                error: prose(interner, &wire.last_error),
                labels: wire.labels.as_ref().map(|given| {
                    let labels = Labels::new(pairs(given, LABEL, interner));
                    interner.labels(labels)
                }),
            });
            if limiting {
                book.limiting.push(Arc::clone(&rule));
            }
            book.alerts.extend(active.into_iter().filter_map(|alert| ruled(alert, Some(&rule), interner)));
            if failing {
                book.failing.push(rule);
            }
        }
    }
    if groups.is_empty() && !envelope.data.alerts.is_empty() {
        book.alerts.extend(envelope.data.alerts.iter().filter_map(|alert| ruled(alert, None, interner)));
    } else {
        book.rules = Some(count);
    }
    Ok(book)
}

/// Whether an expression may hold a share of requests or a latency against a number; `fleet` reads it to be sure.
fn limits(query: &str) -> bool {
    query.len() <= LIMITING.1
        && query.contains(['>', '<'])
        && query.contains("rate(")
        && (query.contains('/') || query.contains("histogram_quantile("))
}

fn ruled(alert: &Active, rule: Option<&Arc<Rule>>, interner: &mut Interner) -> Option<Ruled> {
    let phase = match phase(&alert.state)? {
        Phase::Other(word) => Phase::Other(name(interner, &word)),
        known => known,
    };
    let mut pairs = pairs(&alert.labels, LABEL, interner);
    let named = rule.map_or(&*alert.name, |rule| &*rule.name);
    if !named.is_empty() && !pairs.iter().any(|(key, _)| &**key == "alertname") {
        pairs.push((interner.text("alertname"), name(interner, named)));
    }
    let rule = match rule {
        Some(rule) => Some(Arc::clone(rule)),
        None if !alert.expression.is_empty() => {
            let expr = prose(interner, &alert.expression);
            Some(Arc::new(Rule { name: name(interner, named), expr, ..Rule::default() }))
        }
        None => None,
    };
    let labels = Labels::new(pairs);
    Some(Ruled {
        rule,
        labels: interner.labels(labels),
        annotations: Labels::new(self::pairs(&alert.annotations, PROSE, interner)),
        phase,
        active_at: moment(&alert.active_at),
        value: number(&alert.value),
    })
}

/// The state of an alert; `None` when it is over.
fn phase(word: &str) -> Option<Phase> {
    match word.to_ascii_lowercase().as_str() {
        "inactive" | "normal" | "resolved" => None,
        "pending" => Some(Phase::Pending),
        "firing" | "alerting" => Some(Phase::Firing),
        _ => Some(Phase::Other(word.into())),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireGroup {
    labels: Pairs<Text>,
    receiver: Fields<Named>,
    alerts: List<Fields<WireKept>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireKept {
    labels: Pairs<Text>,
    annotations: Pairs<Text>,
    fingerprint: Text,
    starts_at: Text,
    #[serde(rename = "generatorURL")]
    generator_url: Text,
    receivers: List<Fields<Named>>,
    status: Fields<KeptStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    name: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct KeptStatus {
    state: Text,
    silenced_by: List<Text>,
    inhibited_by: List<Text>,
    muted_by: List<Text>,
}

/// What `/api/v2/alerts/groups` answered: each alert once, though several groups may hold it.
///
/// # Errors
/// A sentence: the body is no list.
pub fn groups(body: &[u8], interner: &mut Interner) -> Result<Vec<Kept>, String> {
    let groups: List<Fields<WireGroup>> = list(body)?;
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut alerts: Vec<Kept> = Vec::new();
    for group in groups.iter() {
        let labels = Labels::new(pairs(&group.labels, LABEL, interner));
        let grouped = Grouped {
            labels: interner.labels(labels),
            receiver: name(interner, &group.receiver.name),
            alerts: u32::try_from(group.alerts.len()).unwrap_or(u32::MAX),
        };
        for alert in group.alerts.iter() {
            let told: &str = &alert.fingerprint;
            let known = if told.is_empty() { None } else { seen.get(told).copied() };
            match known.and_then(|known| alerts.get_mut(known)) {
                Some(known) => known.groups.push(grouped.clone()),
                None => {
                    seen.insert(told, alerts.len());
                    alerts.push(Kept { groups: vec![grouped.clone()], ..kept(alert, interner) });
                }
            }
        }
    }
    Ok(alerts)
}

/// What `/api/v2/alerts` answered.
///
/// # Errors
/// A sentence: the body is no list.
pub fn alerts(body: &[u8], interner: &mut Interner) -> Result<Vec<Kept>, String> {
    let alerts: List<Fields<WireKept>> = list(body)?;
    Ok(alerts.iter().map(|alert| kept(alert, interner)).collect())
}

fn kept(alert: &WireKept, interner: &mut Interner) -> Kept {
    let labels = Labels::new(pairs(&alert.labels, LABEL, interner));
    let names =
        |list: &List<Text>, interner: &mut Interner| list.iter().map(|text| name(interner, text)).collect();
    Kept {
        fingerprint: name(interner, &alert.fingerprint),
        labels: interner.labels(labels),
        annotations: Labels::new(pairs(&alert.annotations, PROSE, interner)),
        starts_at: moment(&alert.starts_at),
        state: name(interner, &alert.status.state),
        silenced_by: names(&alert.status.silenced_by, interner),
        inhibited_by: names(&alert.status.inhibited_by, interner),
        muted_by: names(&alert.status.muted_by, interner),
        receivers: alert.receivers.iter().map(|receiver| name(interner, &receiver.name)).collect(),
        groups: Vec::new(),
        generator: prose(interner, &alert.generator_url),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WireSilence {
    id: Text,
    status: Fields<SilenceStatus>,
    matchers: List<Fields<Matcher>>,
    ends_at: Text,
    created_by: Text,
    comment: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SilenceStatus {
    state: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Matcher {
    name: Text,
    value: Text,
    is_regex: Flag,
    is_equal: Flag,
}

/// What `/api/v2/silences` answered, those of it that `wanted` names: the list keeps what is over for days.
///
/// # Errors
/// A sentence: the body is no list.
pub fn silences(
    body: &[u8],
    wanted: &HashSet<Name>,
    interner: &mut Interner,
) -> Result<Vec<Silence>, String> {
    let silences: List<Fields<WireSilence>> = list(body)?;
    let held = silences.iter().filter(|silence| &*silence.status.state != "expired");
    Ok(held
        .filter(|silence| wanted.contains(&*clean(&silence.id)))
        .map(|silence| Silence {
            id: name(interner, &silence.id),
            matchers: silence.matchers.iter().map(|m| prose(interner, &matcher(m))).collect(),
            ends_at: moment(&silence.ends_at),
            created_by: name(interner, &silence.created_by),
            comment: prose(interner, &silence.comment),
        })
        .collect())
}

/// Ids of the silences that hold some of these alerts back.
pub fn silences_of(alerts: &[Kept]) -> HashSet<Name> {
    alerts.iter().flat_map(|alert| alert.silenced_by.iter().cloned()).collect()
}

/// Puts the two halves of an Alertmanager's answer together.
pub fn managed(alerts: Vec<Kept>, silences: Result<Vec<Silence>, String>) -> Managed {
    match silences {
        Ok(silences) => Managed { alerts, silences, ..Managed::default() },
        Err(why) => Managed { alerts, silences_unknown: why, ..Managed::default() },
    }
}

fn matcher(matcher: &Matcher) -> String {
    // `isEqual` is true where it is not written.
    let sign = match (matcher.is_equal.0 != Some(false), matcher.is_regex.is_true()) {
        (true, false) => "=",
        (false, false) => "!=",
        (true, true) => "=~",
        (false, true) => "!~",
    };
    format!("{}{sign}\"{}\"", &*matcher.name, &*matcher.value)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body)
        .map_err(|error| format!("The answer is no JSON that is known here: {error}."))
}

/// A list at the top: what is none is no answer, unlike inside of one.
fn list<T: DeserializeOwned>(body: &[u8]) -> Result<List<T>, String> {
    let start = body.iter().find(|byte| !byte.is_ascii_whitespace());
    match start {
        Some(b'[') => parse(body),
        Some(b'{') => {
            let envelope: Envelope = parse(body)?;
            Err(refusal(&envelope))
        }
        _ => parse::<serde::de::IgnoredAny>(body).and(Err("The answer is no list of alerts.".to_owned())),
    }
}

/// What a server says instead of an answer.
fn refusal(envelope: &Envelope) -> String {
    match (envelope.error_type.as_str(), envelope.error.as_str()) {
        ("", "") => "The answer is none of an alerts API.".to_owned(),
        (kind, "") => format!("The server says: {}.", clean(kind)),
        ("", error) => format!("The server says: {}", clean(cut(error, PROSE))),
        (kind, error) => format!("The server says: {} ({}).", clean(cut(error, PROSE)), clean(kind)),
    }
}

fn pairs(pairs: &Pairs<Text>, most: usize, interner: &mut Interner) -> Vec<(Name, Name)> {
    let mut kept: Vec<(Name, Name)> = Vec::with_capacity(pairs.0.len());
    for (key, value) in &pairs.0 {
        let key = name(interner, key);
        // One copy a text pays off for labels; prose is nearly always another.
        let value =
            if most == LABEL { name(interner, value) } else { clean(cut(value, most)).as_ref().into() };
        kept.push((key, value));
    }
    kept.sort();
    kept.dedup_by(|later, earlier| later.0 == earlier.0);
    kept
}

fn name(interner: &mut Interner, text: &str) -> Name {
    interner.text(&clean(cut(text, LABEL)))
}

fn prose(interner: &mut Interner, text: &str) -> Name {
    interner.text(&clean(cut(text.trim(), PROSE)))
}

/// The first bytes of a text, whole characters of it.
fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or(0)).unwrap_or(text)
}

/// A time, but for the zero of Go's clock that stands where there is none.
fn moment(text: &str) -> Option<crate::domain::time::Stamp> {
    stamp::parse(text).filter(|stamp| stamp.0 > 0)
}

fn number(text: &str) -> Option<f64> {
    match text.trim() {
        "+Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        text => text.parse().ok(),
    }
}

/// Whole seconds of a number that may have a fraction.
fn seconds(text: &str) -> u64 {
    let value = number(text).filter(|value| value.is_finite() && *value > 0.0);
    // A year is longer than any rule holds.
    value.map_or(0, |value| value.min(31_536_000.0).round() as u64)
}

#[cfg(test)]
#[path = "alerts_tests.rs"]
mod tests;
