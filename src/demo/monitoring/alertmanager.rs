//! Alertmanager's API v2: the firing alerts of the rules with what silences and inhibits them, in groups by their
//! routes; silences; status. One alone makes a cluster of one.

use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

use super::Monitoring;
use super::prometheus::Body;
use super::promql::labels::Labels;
use super::promql::matcher::Matcher;
use super::rules::{Alert, stamp};
use crate::demo::query::Query;
use crate::demo::seed::Seed;
use http::Method;

/// How long an alert is believed without being told again, milliseconds.
const BELIEVED: i64 = 240_000;
/// The version that it says it is.
const VERSION: &str = "0.29.0";
/// Receivers, first the one of alerts that nobody else wants.
const RECEIVERS: [&str; 4] = ["null", "chat-platform", "chat-shop", "pager-web"];
/// Its configuration: what the functions below do.
const CONFIG: &str = "route:
  receiver: \"null\"
  group_by: [namespace, alertname]
  routes:
  - {matchers: ['severity=\"critical\"'], receiver: pager-web}
  - {matchers: ['severity=\"warning\"', 'namespace=~\"shop-.*\"'], receiver: chat-shop}
  - {matchers: ['severity=~\"warning|info\"'], receiver: chat-platform}
inhibit_rules:
- source_matchers: ['severity=\"critical\"']
  target_matchers: ['severity=~\"warning|info\"']
  equal: [namespace, app]
";

/// Where an alert is sent.
fn receiver(labels: &Labels) -> &'static str {
    match labels.get("severity") {
        "critical" => "pager-web",
        "warning" if labels.get("namespace").starts_with("shop-") => "chat-shop",
        "warning" | "info" => "chat-platform",
        _ => "null",
    }
}

/// Whether an alert inhibits another.
fn inhibits(source: &Labels, target: &Labels) -> bool {
    source.get("severity") == "critical"
        && matches!(target.get("severity"), "warning" | "info")
        && ["namespace", "app"].iter().all(|label| source.get(label) == target.get(label))
}

/// The hash by which an alert is known.
fn fingerprint(labels: &Labels) -> String {
    Seed::new(0).of(&labels.to_string()).hex(16)
}

struct Known {
    labels: Labels,
    receiver: &'static str,
    silenced: bool,
    inhibited: bool,
    json: Json,
}

fn known(monitoring: &Monitoring, now: i64) -> Vec<Known> {
    let (alerts, seen): (Vec<Alert>, i64) = {
        let rules = monitoring.rules(now);
        let firing = rules.alerts().iter().filter(|a| a.active() && a.span.firing.is_some());
        (firing.cloned().collect(), rules.seen())
    };
    // What Prometheus adds to all that it sends.
    let sent: Vec<(Alert, Labels)> = alerts
        .into_iter()
        .map(|alert| {
            let labels =
                alert.span.labels.with("prometheus", "monitoring/k8s").with("cluster", monitoring.cluster());
            (alert, labels)
        })
        .collect();
    let silences = monitoring.silences();
    let mut all = Vec::new();
    for (alert, labels) in &sent {
        let silenced: Vec<&str> =
            silences.all().iter().filter(|s| s.hides(labels, now)).map(|s| s.id.as_str()).collect();
        let inhibited: Vec<String> =
            sent.iter().filter(|(_, source)| inhibits(source, labels)).map(|(_, s)| fingerprint(s)).collect();
        let state = if silenced.is_empty() && inhibited.is_empty() { "active" } else { "suppressed" };
        let receiver = receiver(labels);
        let json = json!({
            "labels": labels.json(), "annotations": alert.annotations(), "fingerprint": fingerprint(labels),
            "startsAt": stamp(alert.span.firing.unwrap_or(alert.span.active)), "endsAt": stamp(seen + BELIEVED),
            "updatedAt": stamp(seen),
            "generatorURL": format!("http://prometheus.{}.example/graph?g0.tab=1&g0.expr={}", monitoring.cluster(), alert.span.labels.get("alertname")),
            "receivers": [{"name": receiver}],
            "status": {"state": state, "silencedBy": silenced, "inhibitedBy": inhibited, "mutedBy": []},
        });
        let (silenced, inhibited) = (!silenced.is_empty(), !inhibited.is_empty());
        all.push(Known { labels: labels.clone(), receiver, silenced, inhibited, json });
    }
    all
}

/// A filter as written: `name="x"`, `!=`, `=~`, `!~`; quotes may be missing.
fn filter(text: &str) -> Result<Matcher, String> {
    let bad = || format!("bad matcher format: {text}");
    let at = text.find(['=', '!']).ok_or_else(bad)?;
    let (name, rest) = text.split_at(at);
    let op = ["=~", "!~", "!=", "="].into_iter().find(|op| rest.starts_with(op)).ok_or_else(bad)?;
    let value = rest[op.len()..].trim();
    let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
    Matcher::new(name.trim().trim_matches('"'), op, &value.replace("\\\"", "\"").replace("\\\\", "\\"))
}

fn filters(asked: &Query) -> Result<Vec<Matcher>, String> {
    asked.all("filter").iter().map(|text| filter(text)).collect()
}

/// The alerts that the parameters ask for. Flags are on unless they are off.
fn chosen(monitoring: &Monitoring, asked: &Query, now: i64) -> Result<Vec<Known>, String> {
    let on = |flag: &str| asked.get(flag) != "false";
    let filters = filters(asked)?;
    let wanted = asked.get("receiver");
    let to = if wanted.is_empty() {
        None
    } else {
        Some(
            Matcher::new("receiver", "=~", wanted)
                .map_err(|why| format!("failed to parse receiver param: {why}"))?,
        )
    };
    let mut all = known(monitoring, now);
    all.retain(|alert| {
        let state = if alert.silenced || alert.inhibited {
            (!alert.silenced || on("silenced")) && (!alert.inhibited || on("inhibited"))
        } else {
            on("active")
        };
        state
            && filters.iter().all(|f| f.matches(&alert.labels))
            && to.as_ref().is_none_or(|to| to.accepts(alert.receiver))
    });
    Ok(all)
}

/// Answers a path below the server's root.
pub fn answer(
    monitoring: &Monitoring,
    method: &Method,
    path: &str,
    asked: &Query,
    body: &[u8],
    now: i64,
) -> (u16, Body) {
    if matches!(path, "-/ready" | "-/healthy") {
        return (200, Body::Text("OK".to_owned()));
    }
    let Some(api) = path.strip_prefix("api/v2/") else { return elsewhere(path) };
    let filtered = |answer: Result<Json, String>| match answer {
        Ok(body) => (200, Body::Json(body)),
        Err(words) => refused((400, words)),
    };
    match (api, method) {
        ("alerts", &Method::GET) => {
            filtered(chosen(monitoring, asked, now).map(|all| all.into_iter().map(|a| a.json).collect()))
        }
        ("alerts/groups", &Method::GET) => filtered(chosen(monitoring, asked, now).map(groups)),
        ("receivers", &Method::GET) => {
            (200, Body::Json(RECEIVERS.iter().map(|name| json!({"name": name})).collect()))
        }
        ("status", &Method::GET) => (200, Body::Json(status(monitoring))),
        ("silences", &Method::GET) => filtered(filters(asked).map(|filters| {
            monitoring.silences().listed(&filters, now).iter().map(|s| s.json(now)).collect()
        })),
        ("silences", &Method::POST) => match put(monitoring, body, now) {
            Ok(id) => (200, Body::Json(json!({"silenceID": id}))),
            Err(why) => refused(why),
        },
        ("alerts" | "alerts/groups" | "receivers" | "status", method) => not_allowed(method, "GET"),
        ("silences", method) => not_allowed(method, "GET,POST"),
        (api, method) => match api.strip_prefix("silence/") {
            Some(id) if *method == Method::GET || *method == Method::DELETE => {
                of_silence(monitoring, method, id, now)
            }
            Some(_) => not_allowed(method, "DELETE,GET"),
            None => not_found(path),
        },
    }
}

/// Problems of a body's form are objects, what Alertmanager itself says is a text.
fn refused((code, words): (u16, String)) -> (u16, Body) {
    let form = match code {
        422 if words.ends_with("at least 1 items") => Some(612),
        422 if words.starts_with("silenceID in path") => Some(601),
        422 => Some(602),
        400 if words.starts_with("parsing silence body") => Some(400),
        _ => None,
    };
    (code, Body::Json(form.map_or_else(|| json!(words), |form| json!({"code": form, "message": words}))))
}

fn not_allowed(method: &Method, but: &str) -> (u16, Body) {
    (
        405,
        Body::Json(
            json!({"code": 405, "message": format!("method {method} is not allowed, but [{but}] are")}),
        ),
    )
}

/// A silence by its id: what it is, or its end.
fn of_silence(monitoring: &Monitoring, method: &Method, id: &str, now: i64) -> (u16, Body) {
    if !is_uuid(id) {
        return refused((422, format!("silenceID in path must be of type uuid: {id:?}")));
    }
    let mut silences = monitoring.silences();
    let found = match *method {
        Method::GET => silences.get(id).map(|silence| Body::Json(silence.json(now))),
        _ => silences.expire(id, now).then(|| Body::Text(String::new())),
    };
    found.map_or_else(|| (404, Body::Text(String::new())), |body| (200, body))
}

fn is_uuid(id: &str) -> bool {
    let groups: Vec<&str> = id.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.chars().all(|c| c.is_ascii_hexdigit()))
}

/// Takes a silence as it is sent. Gives its id.
fn put(monitoring: &Monitoring, body: &[u8], now: i64) -> Result<String, super::silences::Refused> {
    if body.trim_ascii().is_empty() {
        return Err((422, "silence in body is required".to_owned()));
    }
    let unread = |why: String| (400, format!("parsing silence body from \"\" failed, because {why}"));
    let sent: Json = serde_json::from_slice(body).map_err(|error| unread(error.to_string()))?;
    if !sent.is_object() {
        return Err(unread("it is no object".to_owned()));
    }
    monitoring.silences().put(&sent, now)
}

fn not_found(path: &str) -> (u16, Body) {
    (404, Body::Json(json!({"code": 404, "message": format!("path /{path} was not found")})))
}

/// What is not of its API: the one before is told of.
fn elsewhere(path: &str) -> (u16, Body) {
    if !path.starts_with("api/v1/") {
        return (404, Body::Text("404 page not found\n".to_owned()));
    }
    let words = "The Alertmanager v1 API was deprecated in version 0.16.0 and is removed as of version 0.27.0 - please use the equivalent route in the v2 API";
    (410, Body::Json(json!({"status": "deprecated", "error": words})))
}

/// Alerts by receiver, namespace and name.
fn groups(all: Vec<Known>) -> Json {
    let mut groups: BTreeMap<(String, String, &str), Vec<Json>> = BTreeMap::new();
    for alert in all {
        let label = |name: &str| alert.labels.get(name).to_owned();
        groups.entry((label("namespace"), label("alertname"), alert.receiver)).or_default().push(alert.json);
    }
    let shown = groups.into_iter().map(|((namespace, alertname, receiver), alerts)| {
        let labels = Labels::new([("namespace", namespace.as_str()), ("alertname", &alertname)]);
        json!({"labels": labels.json(), "receiver": {"name": receiver}, "alerts": alerts})
    });
    shown.collect()
}

fn status(monitoring: &Monitoring) -> Json {
    let name = Seed::new(1).of(monitoring.cluster()).hex(26).to_uppercase();
    let mut versions = Map::new();
    for (key, value) in [
        ("branch", "HEAD"),
        ("buildDate", "20260101-00:00:00"),
        ("buildUser", "pilothouse"),
        ("goVersion", "none"),
        ("revision", "demo"),
        ("version", VERSION),
    ] {
        versions.insert(key.to_owned(), value.into());
    }
    json!({
        "cluster": {"name": name, "status": "ready", "peers": [{"name": name, "address": "10.42.1.17:9094"}]},
        "versionInfo": versions, "config": {"original": CONFIG}, "uptime": stamp(monitoring.since()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read_as_written() {
        let labels = Labels::new([("alertname", "A"), ("namespace", "shop-prod")]);
        let passes = |text: &str| filter(text).map(|m| m.matches(&labels));
        assert_eq!(passes("alertname=\"A\""), Ok(true));
        assert_eq!(passes("alertname!=A"), Ok(false));
        assert_eq!(passes("namespace=~\"shop-.*\""), Ok(true));
        assert_eq!(passes("namespace!~\"shop-.*\""), Ok(false));
        assert!(passes("nothing").is_err());
    }
}
