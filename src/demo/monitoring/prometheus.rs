//! Prometheus' HTTP API v1 over the cluster's series: queries, names, rules, alerts, metadata. In the envelope and with
//! the error words of Prometheus 3.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::Monitoring;
use super::facts;
use super::promql::Refusal;
use super::promql::eval::{Grid, Value, evaluate, is_range, matchers, matrix};
use super::promql::labels::{Labels, NAME};
use super::promql::matcher::{self, Matcher};
use super::promql::parse::parse;
use super::promql::storage::{Series, Storage};
use super::rules::{self, RULES, shown, stamp};
use super::series::{METRICS, World};
use crate::demo::query::Query;
use rusty_promql_parser::ast::Expr;
use std::sync::Arc;

/// The most points of a series in one answer.
const MOST_POINTS: i64 = 11_000;
/// The version that it says it is.
const VERSION: &str = "3.7.3";

/// A refusal: status code, `errorType`, words.
type Refused = (u16, &'static str, String);
/// An answer: its data, and what to be warned of.
type Answered = Result<(Json, Vec<String>), Refused>;

fn bad(words: impl Into<String>) -> Refused {
    (400, "bad_data", words.into())
}

fn refused(refusal: Refusal) -> Refused {
    match refusal {
        Refusal::BadData(words) => bad(format!("invalid parameter \"query\": {words}")),
        Refusal::Execution(words) => (422, "execution", words),
    }
}

/// Answers a path below the server's root: status code and body, None for a path that is not there.
pub fn answer(monitoring: &Monitoring, path: &str, asked: &Query, now: i64) -> Option<(u16, Body)> {
    match path {
        "-/ready" => return Some((200, Body::Text("Prometheus Server is Ready.\n".to_owned()))),
        "-/healthy" => return Some((200, Body::Text("Prometheus Server is Healthy.\n".to_owned()))),
        _ => {}
    }
    let api = path.strip_prefix("api/v1/")?;
    let answered = match api {
        "query" => instant(monitoring, asked, now),
        "query_range" => range(monitoring, asked, now),
        "format_query" => formatted(asked),
        "series" => series(monitoring, asked, now),
        "labels" => labels(monitoring, asked, now),
        "rules" => groups(monitoring, asked, now),
        "alerts" => Ok((active(monitoring, now), Vec::new())),
        "metadata" => metadata(asked),
        "targets" => Ok((targets(monitoring, asked, now), Vec::new())),
        "alertmanagers" => {
            let url = "http://alertmanager-operated.monitoring.svc:9093/api/v2/alerts";
            Ok((json!({"activeAlertmanagers": [{"url": url}], "droppedAlertmanagers": []}), Vec::new()))
        }
        "status/buildinfo" => Ok((
            json!({"version": VERSION, "revision": "demo", "branch": "HEAD", "buildUser": "pilothouse",
                   "buildDate": "20260101-00:00:00", "goVersion": "none"}),
            Vec::new(),
        )),
        "status/runtimeinfo" => Ok((
            json!({"storageRetention": "31d", "reloadConfigSuccess": true, "serverTime": stamp(now)}),
            Vec::new(),
        )),
        other => match other.strip_prefix("label/").and_then(|rest| rest.strip_suffix("/values")) {
            Some(label) if !label.is_empty() => values(monitoring, label, asked, now),
            _ => return None,
        },
    };
    Some(match answered {
        Ok((data, warnings)) => {
            let mut body = json!({"status": "success", "data": data});
            if !warnings.is_empty() {
                body["warnings"] = json!(warnings);
            }
            (200, Body::Json(body))
        }
        Err((code, kind, words)) => {
            (code, Body::Json(json!({"status": "error", "errorType": kind, "error": words})))
        }
    })
}

/// What is sent.
#[derive(Debug)]
pub enum Body {
    /// Plain words.
    Text(String),
    /// JSON.
    Json(Json),
}

/// A moment of a parameter that may be missing, in milliseconds. Prometheus says so with other words than of one that may
/// not.
fn moment_if(asked: &Query, name: &str) -> Result<Option<i64>, Refused> {
    let text = asked.get(name);
    let words = || {
        bad(format!(
            "invalid parameter {name:?}: invalid time value for '{name}': cannot parse {text:?} to a valid timestamp"
        ))
    };
    moment(asked, name).map_err(|_| words())
}

/// A moment of a parameter in milliseconds: seconds since the epoch, or RFC 3339.
fn moment(asked: &Query, name: &str) -> Result<Option<i64>, Refused> {
    let text = asked.get(name);
    if text.is_empty() {
        return Ok(None);
    }
    if let Ok(secs) = text.parse::<f64>()
        && secs.is_finite()
        && secs.abs() < 1e12
    {
        return Ok(Some((secs * 1000.0).round() as i64));
    }
    let parsed = text.parse::<Timestamp>().map(Timestamp::as_millisecond);
    parsed
        .map(Some)
        .map_err(|_| bad(format!("invalid parameter {name:?}: cannot parse {text:?} to a valid timestamp")))
}

/// A length of a parameter in milliseconds: seconds, or with a unit.
fn length(asked: &Query, name: &str) -> Result<i64, Refused> {
    let text = asked.get(name);
    if let Ok(secs) = text.parse::<f64>()
        && secs.is_finite()
        && secs.abs() < 1e12
    {
        return Ok((secs * 1000.0).round() as i64);
    }
    match rusty_promql_parser::lexer::duration(text) {
        Ok(("", duration)) => Ok(duration.as_millis()),
        _ => Err(bad(format!("invalid parameter {name:?}: cannot parse {text:?} to a valid duration"))),
    }
}

/// How many series are wanted at most, when it is said and is not 0.
fn limit(asked: &Query) -> Result<Option<usize>, Refused> {
    let text = asked.get("limit");
    if text.is_empty() {
        return Ok(None);
    }
    let number = text.parse::<i64>().map_err(|_| {
        bad(format!("invalid parameter \"limit\": strconv.Atoi: parsing {text:?}: invalid syntax"))
    })?;
    let number = usize::try_from(number)
        .map_err(|_| bad("invalid parameter \"limit\": limit must be non-negative"))?;
    Ok((number > 0).then_some(number))
}

/// Refuses what else a query may be sent with, when it is none: the demo is quick enough for any of them.
fn judge_lengths(asked: &Query) -> Result<(), Refused> {
    if !asked.get("timeout").is_empty() {
        length(asked, "timeout")?;
    }
    let delta = asked.get("lookback_delta");
    if !delta.is_empty() && length(asked, "lookback_delta").is_err() {
        return Err(bad(format!(
            "error parsing lookback delta duration: cannot parse {delta:?} to a valid duration"
        )));
    }
    Ok(())
}

/// A value as the API writes it.
fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() }
    } else {
        format!("{value}")
    }
}

fn sample(at: i64, value: f64) -> Json {
    let time = if at % 1000 == 0 { json!(at / 1000) } else { json!(at as f64 / 1000.0) };
    json!([time, number(value)])
}

/// Cuts a result to the wanted number of series.
fn cut(mut rows: Vec<Json>, limit: Option<usize>) -> (Vec<Json>, Vec<String>) {
    match limit {
        Some(limit) if rows.len() > limit => {
            rows.truncate(limit);
            (rows, vec!["results truncated due to limit".to_owned()])
        }
        _ => (rows, Vec::new()),
    }
}

fn instant(monitoring: &Monitoring, asked: &Query, now: i64) -> Answered {
    let limit = limit(asked)?;
    let at = moment_if(asked, "time")?.unwrap_or(now);
    judge_lengths(asked)?;
    let expr = parse(asked.get("query")).map_err(refused)?;
    let world = monitoring.world(now, &expr);
    if let Some(found) = matrix(&world, &expr, at).map_err(refused)? {
        let rows = found.into_iter().map(|(labels, samples)| {
            let values: Vec<Json> = samples.into_iter().map(|(at, value)| sample(at, value)).collect();
            json!({"metric": labels.json(), "values": values})
        });
        let (rows, warnings) = cut(rows.collect(), limit);
        return Ok((json!({"resultType": "matrix", "result": rows}), warnings));
    }
    Ok(match evaluate(&world, &expr, Grid::instant(at)).map_err(refused)? {
        Value::Scalar(numbers) => {
            let value = numbers.first().copied().unwrap_or(f64::NAN);
            (json!({"resultType": "scalar", "result": sample(at, value)}), Vec::new())
        }
        Value::Text(text) => (json!({"resultType": "string", "result": [at / 1000, text]}), Vec::new()),
        Value::Vector(rows) => {
            let rows = rows.iter().filter_map(|row| {
                let value = row.points.first().copied().flatten()?;
                Some(json!({"metric": row.labels.json(), "value": sample(at, value)}))
            });
            let (rows, warnings) = cut(rows.collect(), limit);
            (json!({"resultType": "vector", "result": rows}), warnings)
        }
    })
}

/// The query as Prometheus would write it, on one line.
fn formatted(asked: &Query) -> Answered {
    let expr = parse(asked.get("query")).map_err(refused)?;
    Ok((json!(expr.to_string()), Vec::new()))
}

fn range(monitoring: &Monitoring, asked: &Query, now: i64) -> Answered {
    let limit = limit(asked)?;
    let needed = |name: &str| {
        moment(asked, name)?
            .ok_or_else(|| bad(format!("invalid parameter {name:?}: cannot parse \"\" to a valid timestamp")))
    };
    let (start, end) = (needed("start")?, needed("end")?);
    if end < start {
        return Err(bad("invalid parameter \"end\": end timestamp must not be before start time"));
    }
    let step = length(asked, "step")?;
    if step <= 0 {
        return Err(bad(
            "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer",
        ));
    }
    if (end - start) / step > MOST_POINTS {
        return Err(bad(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ));
    }
    judge_lengths(asked)?;
    let query = asked.get("query");
    let expr = parse(query).map_err(refused)?;
    if is_range(query, &expr) {
        return Err(bad(
            "invalid parameter \"query\": invalid expression type \"range vector\" for range query, must be Scalar or instant Vector",
        ));
    }
    let grid = Grid { start, step, count: usize::try_from((end - start) / step + 1).unwrap_or(1) };
    let world = monitoring.world(now, &expr);
    let points = |labels: Json, points: &mut dyn Iterator<Item = (usize, f64)>| {
        let values: Vec<Json> = points.map(|(n, value)| sample(grid.at(n), value)).collect();
        json!({"metric": labels, "values": values})
    };
    let rows = match evaluate(&world, &expr, grid).map_err(refused)? {
        Value::Scalar(numbers) => vec![points(json!({}), &mut numbers.into_iter().enumerate())],
        Value::Text(_) => {
            return Err(bad(
                "invalid parameter \"query\": invalid expression type \"string\" for range query, must be Scalar or instant Vector",
            ));
        }
        Value::Vector(mut rows) => {
            rows.sort_by(|a, b| a.labels.cmp(&b.labels));
            rows.iter()
                .filter(|row| row.points.iter().any(Option::is_some))
                .map(|row| {
                    let mut there = row.points.iter().enumerate().filter_map(|(n, p)| Some((n, (*p)?)));
                    points(row.labels.json(), &mut there)
                })
                .collect()
        }
    };
    let (rows, warnings) = cut(rows, limit);
    Ok((json!({"resultType": "matrix", "result": rows}), warnings))
}

/// A selector as `match[]` takes it, or why it is none.
fn selector(text: &str) -> Result<Vec<Matcher>, String> {
    let inside = text.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    if inside.is_some_and(|inside| inside.trim().is_empty()) {
        return Err("match[] must contain at least one non-empty matcher".to_owned());
    }
    let words = |refusal| match refusal {
        Refusal::BadData(words) | Refusal::Execution(words) => words,
    };
    match parse(text).map_err(words)? {
        Expr::VectorSelector(selector) => matchers(&selector).map_err(words),
        _ => Err(format!("1:1: parse error: {text:?} is no selector")),
    }
}

/// The selectors of `match[]`, and the time that they are meant for.
fn chosen(asked: &Query, now: i64) -> Result<(Vec<Vec<Matcher>>, i64, i64), Refused> {
    let selectors = asked.all("match[]");
    let after = moment_if(asked, "start")?;
    let until = moment_if(asked, "end")?.unwrap_or(now).min(now);
    let after = after.unwrap_or(until - 3_600_000);
    let all: Vec<Vec<Matcher>> = selectors
        .iter()
        .map(|text| selector(text).map_err(|words| bad(format!("invalid parameter \"match[]\": {words}"))))
        .collect::<Result<_, _>>()?;
    Ok((all, after, until))
}

fn found(world: &World, chosen: &[Vec<Matcher>], after: i64, until: i64) -> Vec<Arc<dyn Series>> {
    if chosen.is_empty() {
        return world.select(&[], after, until);
    }
    chosen.iter().flat_map(|matchers| world.select(matchers, after, until)).collect()
}

fn series(monitoring: &Monitoring, asked: &Query, now: i64) -> Answered {
    let limit = limit(asked)?;
    if asked.all("match[]").is_empty() {
        return Err(bad("no match[] parameter provided"));
    }
    let (chosen, after, until) = chosen(asked, now)?;
    let world = monitoring.named_world(now, &chosen);
    let all: BTreeSet<_> = found(&world, &chosen, after, until).iter().map(|s| s.labels().clone()).collect();
    let (rows, warnings) = cut(all.iter().map(super::promql::labels::Labels::json).collect(), limit);
    Ok((json!(rows), warnings))
}

fn labels(monitoring: &Monitoring, asked: &Query, now: i64) -> Answered {
    let limit = limit(asked)?;
    let (chosen, after, until) = chosen(asked, now)?;
    let world = monitoring.named_world(now, &chosen);
    let mut names: BTreeSet<String> = BTreeSet::new();
    for series in found(&world, &chosen, after, until) {
        for (name, _) in series.labels().iter() {
            if !names.contains(name) {
                names.insert(name.to_owned());
            }
        }
    }
    let (rows, warnings) = cut(names.into_iter().map(Json::from).collect(), limit);
    Ok((json!(rows), warnings))
}

fn values(monitoring: &Monitoring, label: &str, asked: &Query, now: i64) -> Answered {
    // Prometheus 3 takes every name that is UTF-8.
    let limit = limit(asked)?;
    let (chosen, after, until) = chosen(asked, now)?;
    let world = monitoring.named_world(now, &chosen);
    let all = found(&world, &chosen, after, until);
    let values: BTreeSet<&str> =
        all.iter().map(|s| s.labels().get(label)).filter(|v| !v.is_empty()).collect();
    let (rows, warnings) = cut(values.into_iter().map(Json::from).collect(), limit);
    Ok((json!(rows), warnings))
}

/// The type and help of metrics: those of the world, and facts of objects, which are gauges but for counts of restarts.
fn metadata(asked: &Query) -> Answered {
    let most = match asked.get("limit") {
        "" => usize::MAX,
        text => {
            let number: i64 = text.parse().map_err(|_| bad("limit must be a number"))?;
            // Less than nothing is everything.
            usize::try_from(number).unwrap_or(usize::MAX)
        }
    };
    let wanted = asked.get("metric");
    let mut all = Map::new();
    let mut put = |name: &str, kind: &str, help: &str| {
        if (wanted.is_empty() || wanted == name) && all.len() < most {
            all.insert(name.to_owned(), json!([{"type": kind, "help": help, "unit": ""}]));
        }
    };
    for (name, kind, help) in METRICS.iter().filter(|m| !m.0.starts_with("ALERTS")) {
        put(name, kind, help);
    }
    for (name, kind) in facts::NAMES {
        put(name, kind, "A fact about an object of the cluster.");
    }
    Ok((Json::Object(all), Vec::new()))
}

fn targets(monitoring: &Monitoring, asked: &Query, now: i64) -> Json {
    let mut active: BTreeMap<String, Json> = BTreeMap::new();
    if asked.get("state").eq_ignore_ascii_case("dropped") {
        return json!({"activeTargets": [], "droppedTargets": [], "droppedTargetCounts": {}});
    }
    let world = monitoring.named_world(now, &[]);
    for series in world.select(&[Matcher::equal(NAME, "up")], now - 60_000, now) {
        let Some((at, value)) = series.last(now - 60_000, now) else { continue };
        let labels = series.labels().nameless();
        let (pool, instance) = (labels.get("job").to_owned(), labels.get("instance").to_owned());
        let up = value == 1.0;
        active.insert(format!("{pool} {instance}"), json!({
            "discoveredLabels": {}, "labels": labels.json(), "scrapePool": pool,
            "scrapeUrl": format!("http://{instance}/metrics"), "globalUrl": format!("http://{instance}/metrics"),
            "lastError": if up { "" } else { "connect: connection refused" }, "lastScrape": stamp(at),
            "lastScrapeDuration": 0.004, "health": if up { "up" } else { "down" },
            "scrapeInterval": "15s", "scrapeTimeout": "10s",
        }));
    }
    json!({"activeTargets": active.into_values().collect::<Vec<_>>(), "droppedTargets": [], "droppedTargetCounts": {}})
}

fn active(monitoring: &Monitoring, now: i64) -> Json {
    let rules = monitoring.rules(now);
    json!({"alerts": rules.alerts().iter().filter(|a| a.active()).map(shown).collect::<Vec<_>>()})
}

fn groups(monitoring: &Monitoring, asked: &Query, now: i64) -> Answered {
    let bare = match asked.get("exclude_alerts") {
        "" | "0" | "f" | "F" | "false" | "False" | "FALSE" => false,
        "1" | "t" | "T" | "true" | "True" | "TRUE" => true,
        other => {
            return Err(bad(format!(
                "invalid parameter \"exclude_alerts\": error converting exclude_alerts: strconv.ParseBool: parsing {other:?}: invalid syntax"
            )));
        }
    };
    let selectors: Vec<Vec<Matcher>> =
        asked.all("match[]").iter().map(|text| selector(text).map_err(bad)).collect::<Result<_, _>>()?;
    match asked.get("type").to_ascii_lowercase().as_str() {
        "" | "alert" => {}
        "record" => return Ok((json!({"groups": []}), Vec::new())),
        _ => {
            let words = format!("invalid parameter \"type\": not supported value {:?}", asked.get("type"));
            return Err(bad(words));
        }
    }
    let (named, grouped) = (asked.all("rule_name[]"), asked.all("rule_group[]"));
    let wanted = |list: &[String], name: &str| list.is_empty() || list.iter().any(|one| one == name);
    let rules = monitoring.rules(now);
    let mut groups: Vec<Json> = Vec::new();
    for (n, rule) in RULES.iter().enumerate() {
        let labels = Labels::new(rule.labels.iter().copied());
        let chosen = selectors.is_empty() || selectors.iter().any(|one| matcher::all(one, &labels));
        if !wanted(&named, rule.name) || !wanted(&grouped, rule.group) || !chosen {
            continue;
        }
        let own: Vec<&rules::Alert> = rules.alerts().iter().filter(|a| a.rule == n && a.active()).collect();
        let state = if own.iter().any(|a| a.span.firing.is_some()) {
            "firing"
        } else if own.is_empty() {
            "inactive"
        } else {
            "pending"
        };
        let texts = |pairs: &[(&str, &str)]| -> Map<String, Json> {
            pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).into())).collect()
        };
        let mut shown_rule = json!({
            "type": "alerting", "name": rule.name, "query": rule.expr, "duration": rule.pause, "keepFiringFor": 0,
            "labels": texts(rule.labels), "annotations": texts(rule.annotations), "state": state, "health": "ok",
            "lastEvaluation": stamp(rules.seen()), "evaluationTime": 0.0012, "alerts": null,
        });
        if !bare {
            shown_rule["alerts"] = json!(own.iter().map(|a| shown(a)).collect::<Vec<_>>());
        }
        match groups.iter_mut().find(|g| g["name"] == rule.group) {
            Some(group) => {
                if let Some(list) = group["rules"].as_array_mut() {
                    list.push(shown_rule);
                }
            }
            None => groups.push(json!({
                "name": rule.group, "file": format!("/etc/prometheus/rules/{}.yaml", rule.group), "interval": 15,
                "limit": 0, "lastEvaluation": stamp(rules.seen()), "evaluationTime": 0.002, "rules": [shown_rule],
            })),
        }
    }
    Ok((json!({"groups": groups}), Vec::new()))
}
