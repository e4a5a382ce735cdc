//! Alerts as they stand: what `pilothouse alerts` prints, and what `status` counts.

use serde::Serialize;

use super::Table;
use super::status::Status;
use crate::domain::alert::{Alert, Hearing, Hush, Phase, Severity, Tally};
use crate::domain::environment::Environments;
use crate::domain::id::EnvId;
use crate::domain::time::{Now, Stamp};
use crate::domain::upstream::Server;
use crate::fleet::Upstreams;
use crate::fleet::alerts::Alerts;
use crate::text::{age_short, duration_words};

/// All alerts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertsReport {
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// `critical`, `quiet` (nothing critical fires) or `unknown`.
    pub verdict: Verdict,
    /// How many there are, each once.
    pub counts: Counts,
    /// The alerts, worst first.
    pub alerts: Vec<AlertReport>,
    /// Who was asked, and how that ended.
    pub servers: Vec<ServerReport>,
}

/// The answer that the exit code gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// At least one critical alert fires and is not held back.
    Critical,
    /// None does, and every server that there is answered.
    Quiet,
    /// None is known to, but not every server answered, or there is none.
    Unknown,
}

/// How many alerts there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Fire, critical.
    pub critical: u32,
    /// Fire, warning.
    pub warning: u32,
    /// Fire, to be known only.
    pub info: u32,
    /// Fire, of a severity that is not known.
    pub unknown: u32,
    /// Pending.
    pub pending: u32,
    /// Silenced, inhibited or muted.
    pub held_back: u32,
}

impl From<Tally> for Counts {
    fn from(tally: Tally) -> Counts {
        let Tally { critical, warning, unknown, info, pending, hushed, always: _ } = tally;
        Counts { critical, warning, info, unknown, pending, held_back: hushed }
    }
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertReport {
    /// `alertname`.
    pub name: String,
    /// `critical`, `warning`, `info`, `unknown` or `none`.
    pub severity: &'static str,
    /// The platform's own word.
    pub severity_label: String,
    /// `firing`, `pending`...
    pub state: String,
    /// Environments that it concerns.
    pub environments: Vec<String>,
    /// The namespace that its labels name.
    pub namespace: Option<String>,
    /// The workload, pod, node or app that it is about.
    pub about: String,
    /// RFC 3339 in UTC.
    pub since: Option<String>,
    /// What holds it back, in words.
    pub held_back: Vec<String>,
    /// Who is told.
    pub receivers: Vec<String>,
    /// What it says of itself.
    pub summary: String,
    /// Where to read on.
    pub runbook: Option<String>,
    /// The rule's expression.
    pub expression: Option<String>,
    /// The expression's value; none where it is no finite number.
    pub value: Option<f64>,
    /// Its labels.
    pub labels: std::collections::BTreeMap<String, String>,
    #[serde(skip)]
    age: Option<u64>,
}

/// One server of one environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerReport {
    /// The environment.
    pub environment: String,
    /// `Prometheus` or `Alertmanager`.
    pub server: &'static str,
    /// Where it answers.
    pub address: Option<String>,
    /// Why it tells nothing; none when it answered.
    pub trouble: Option<String>,
    /// Members of its cluster that do not answer, each with why; another one answered for all.
    pub silent_members: Vec<String>,
    /// Why it is not known who silenced what; none when it is.
    pub silences_unknown: Option<String>,
}

/// What a report is made from.
#[derive(Clone, Copy, Debug)]
pub struct AlertFacts<'a> {
    /// The alerts.
    pub alerts: &'a Alerts,
    /// Who can be asked.
    pub upstreams: &'a Upstreams,
    /// The environments.
    pub environments: &'a Environments,
    /// The present.
    pub now: Now,
    /// Only this environment.
    pub only: Option<EnvId>,
}

impl AlertsReport {
    /// Puts everything together.
    pub fn of(facts: AlertFacts<'_>) -> AlertsReport {
        let wanted = |env: EnvId| facts.only.is_none_or(|only| only == env);
        let mut tally = Tally::default();
        let mut alerts = Vec::new();
        for alert in facts.alerts.list().iter().filter(|alert| alert.severity != Severity::None) {
            if facts.only.is_none() || alert.environments.iter().any(|env| wanted(*env)) {
                tally.add(alert);
                alerts.push(one(alert, facts));
            }
        }
        let mut servers = Vec::new();
        for env in facts.environments.counted().filter(|env| wanted(env.id)) {
            for standing in facts.alerts.standing(facts.upstreams, env.id) {
                let trouble = match (&standing.assigned, &standing.hearing) {
                    (Err(missing), _) => Some(missing.why.clone()),
                    (Ok(_), Hearing::Well) => None,
                    (Ok(_), Hearing::Asking) => Some("no answer in time".to_owned()),
                    (Ok(_), Hearing::Failing(why)) => Some(why.clone()),
                };
                let silent = match standing.server {
                    Server::Alertmanager => facts.alerts.silent_members(facts.upstreams, env.id),
                    _ => &[],
                };
                let silences = match standing.server {
                    Server::Alertmanager => facts.alerts.silences_unknown(facts.upstreams, env.id),
                    _ => None,
                };
                servers.push(ServerReport {
                    environment: env.name.to_string(),
                    server: standing.server.word(),
                    address: standing.assigned.ok().map(|assigned| assigned.upstream.address.words()),
                    trouble,
                    silent_members: silent.iter().map(ToString::to_string).collect(),
                    silences_unknown: silences.map(str::to_owned),
                });
            }
        }
        // An environment without one of the two is watched by the other; one that has a silent server is not known.
        let heard = servers.iter().any(|server| server.trouble.is_none());
        let silent = servers.iter().any(|server| server.address.is_some() && server.trouble.is_some());
        let verdict = match (tally.critical > 0, heard && !silent) {
            (true, _) => Verdict::Critical,
            (false, true) => Verdict::Quiet,
            (false, false) => Verdict::Unknown,
        };
        AlertsReport { at: rfc3339(facts.now.wall), verdict, counts: tally.into(), alerts, servers }
    }

    /// As JSON, indented.
    ///
    /// # Errors
    /// Never in practice: everything here has a JSON form.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// As a table, with what could not be asked below.
    pub fn text(&self) -> String {
        let mut table =
            Table::new(["severity", "alert", ">since", "about", "environment", "state", "summary"]);
        for alert in &self.alerts {
            let state = match alert.held_back.first() {
                Some(why) => why.clone(),
                None if alert.state == "firing" => String::new(),
                None => alert.state.clone(),
            };
            let age = |age: u64| age_short(i64::try_from(age).unwrap_or(i64::MAX));
            table.row([
                if alert.severity == "unknown" {
                    alert.severity_label.clone()
                } else {
                    alert.severity.to_owned()
                },
                alert.name.clone(),
                alert.age.map(age).unwrap_or_default(),
                alert.about.clone(),
                alert.environments.join(","),
                state,
                alert.summary.clone(),
            ]);
        }
        let mut text = if self.alerts.is_empty() { String::new() } else { table.text() + "\n" };
        let Counts { critical, warning, info, unknown, pending, held_back } = self.counts;
        let firing = critical + warning + info + unknown;
        text.push_str(&format!(
            "{firing} firing ({critical} critical, {warning} warning), {pending} pending, {held_back} held back\n"
        ));
        for server in &self.servers {
            for member in &server.silent_members {
                text.push_str(&format!(
                    "{}: {}: a member is silent: {member}\n",
                    server.environment, server.server
                ));
            }
            if let Some(why) = &server.silences_unknown {
                text.push_str(&format!(
                    "{}: {}: silences are not known: {why}\n",
                    server.environment, server.server
                ));
            }
            if let Some(trouble) = &server.trouble {
                text.push_str(&format!("{}: {}: {trouble}\n", server.environment, server.server));
            }
        }
        text
    }
}

impl Status {
    /// Adds the counts of alerts to the environments that somebody can be asked about.
    pub fn add_alerts(&mut self, facts: AlertFacts<'_>) {
        for env in &mut self.environments {
            let known = facts
                .environments
                .list
                .iter()
                .find(|known| *known.name == *env.name && *known.context == *env.context);
            let Some(known) = known else { continue };
            let standing = facts.alerts.standing(facts.upstreams, known.id);
            if standing.iter().any(|standing| standing.at.is_some()) {
                env.alerts = Some(facts.alerts.tally(known.id).into());
            }
        }
    }
}

fn one(alert: &Alert, facts: AlertFacts<'_>) -> AlertReport {
    let name = |id: &EnvId| facts.environments.get(*id).map(|env| env.name.to_string());
    AlertReport {
        name: alert.name.to_string(),
        severity: alert.severity.word(),
        severity_label: alert.severity_word.to_string(),
        state: alert.phase.word().to_owned(),
        environments: alert.environments.iter().filter_map(name).collect(),
        namespace: alert.about.namespace.as_ref().map(ToString::to_string),
        about: alert.about.what.to_string(),
        since: alert.since.map(rfc3339),
        held_back: alert.hushed.iter().map(|hush| held_back(hush, facts.now.wall)).collect(),
        receivers: if alert.phase == Phase::Pending {
            Vec::new()
        } else {
            alert.receivers.iter().map(ToString::to_string).collect()
        },
        summary: alert.summary().to_owned(),
        runbook: alert.runbook().map(ToString::to_string),
        expression: alert.rule.as_ref().map(|rule| rule.expr.to_string()).filter(|expr| !expr.is_empty()),
        value: alert.value.filter(|value| value.is_finite()),
        labels: alert.labels.0.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect(),
        age: alert.since.map(|since| facts.now.wall.since(since)),
    }
}

fn held_back(hush: &Hush, now: Stamp) -> String {
    match hush {
        Hush::Silenced { silence: Some(silence), .. } => {
            let left = silence.ends_at.map(|end| format!(" for {}", duration_words(end.since(now))));
            let by = if silence.created_by.is_empty() {
                String::new()
            } else {
                format!(" by {}", silence.created_by)
            };
            format!("silenced{by}{}", left.unwrap_or_default())
        }
        Hush::Silenced { id, silence: None } => format!("silenced ({id})"),
        Hush::Inhibited { by: Some(by), .. } => format!("inhibited by {by}"),
        Hush::Inhibited { fingerprint, by: None } => format!("inhibited by {fingerprint}"),
        Hush::Muted { interval } if interval.is_empty() => "muted".to_owned(),
        Hush::Muted { interval } => format!("muted by {interval}"),
    }
}

fn rfc3339(at: Stamp) -> String {
    jiff::Timestamp::from_second(at.0).map(|at| at.to_string()).unwrap_or_default()
}
