//! What the page of an alert says.

use super::{AlertView, Row};
use crate::domain::alert::{Alert, Grouped, Hearing, Hush, Phase, Rule};
use crate::domain::id::{Kind, ObjectRef};
use crate::domain::level::Level;
use crate::domain::meta::Labels;
use crate::domain::pod::Pod;
use crate::domain::upstream::Server;
use crate::panes::metrics::plot::{Around, Find, RANGES, standing, with_chart};
use crate::panes::views::page::PageLine;
use crate::panes::views::painted::Painted;
use crate::panes::views::words::{moment, short_age};
use crate::shared::Shared;
use crate::text;
use crate::theme::Role;
use crate::widgets::chart::Stats;
use crate::world::ClusterWorld;

/// Columns of the names of facts.
const NAMES: usize = 11;
/// Most pods that the page shows.
const PODS: usize = 24;
/// Annotations that stand in the page's own lines.
const TOLD: [&str; 4] = ["summary", "description", "message", "runbook_url"];

type Line = PageLine<Row>;

fn head(words: &str) -> Line {
    Line::text(Painted::role(Role::Strong, words))
}

fn blank() -> Line {
    Line::text(Painted::default())
}

fn fact(name: &str, value: Painted) -> Line {
    let mut line = Painted::role(Role::Muted, &text::cell(name, NAMES));
    line.append(&value);
    Line::text(line).indent(NAMES)
}

/// A text of several lines: the first beside its name, the others below.
fn facts(name: &str, prose: &str) -> Vec<Line> {
    let lines = prose.split('↵').map(str::trim_end).filter(|line| !line.trim().is_empty());
    lines
        .enumerate()
        .map(|(nth, line)| fact(if nth == 0 { name } else { "" }, Painted::plain(line.trim_start())))
        .collect()
}

impl AlertView {
    pub(super) fn lines(&self, shared: &Shared) -> Vec<Line> {
        let Some(alert) = &self.alert else {
            return vec![Line::text(Painted::role(Role::Muted, "This alert is over."))];
        };
        let mut lines = self.verdict(alert, shared);
        lines.extend(hushes(alert, shared));
        lines.push(blank());
        lines.extend(facts("says", alert.summary()));
        for key in ["description", "message"] {
            if let Some(prose) = alert.annotations.get(key).filter(|prose| &***prose != alert.summary()) {
                lines.extend(facts("", prose));
            }
        }
        if let Some(runbook) = alert.runbook() {
            lines.push(fact("runbook", Painted::role(Role::Accent, runbook)));
        }
        lines.push(fact("receivers", receivers(alert, shared)));
        for (nth, group) in alert.groups.iter().enumerate() {
            lines.push(fact(if nth == 0 { "told with" } else { "" }, grouped(group)));
        }
        lines.extend(expression(alert, self.is_measured(shared)));
        lines.extend(self.graph_lines(shared));
        lines.extend(objects(alert, shared));
        lines.extend(others(alert, shared));
        lines.extend(rule_lines(alert));
        lines.push(blank());
        lines.push(head("Labels"));
        lines.extend(pairs(&alert.labels, &[]));
        let rest = pairs(&alert.annotations, &TOLD);
        if !rest.is_empty() {
            lines.push(blank());
            lines.push(head("Annotations"));
            lines.extend(rest);
        }
        lines
    }

    /// Whether the graph says the value.
    fn is_measured(&self, shared: &Shared) -> bool {
        let find: Find<'_> = &|request| shared.graphs.get(request);
        let around = Around { marks: &[], now: shared.now.wall, cursor: None };
        self.plot.as_ref().is_some_and(|plot| {
            with_chart(plot, find, &around, |chart| {
                let first = chart.series.first();
                first.is_some_and(|series| Stats::of(series, chart.from, chart.to).last.is_some())
            })
        })
    }

    /// The graph of what the rule measures, under a row that opens it.
    fn graph_lines(&self, shared: &Shared) -> Vec<Line> {
        let Some(plot) = &self.plot else { return Vec::new() };
        let find: Find<'_> = &|request| shared.graphs.get(request);
        let around = Around { marks: &[], now: shared.now.wall, cursor: None };
        let mut parts: Vec<(Role, String)> = Vec::new();
        with_chart(plot, find, &around, |chart| {
            let scale = chart.scale();
            let unit = |number: f64| match scale.word {
                "" => scale.number(number),
                word => format!("{} {word}", scale.number(number)),
            };
            let stats = chart.series.first().map(|series| Stats::of(series, chart.from, chart.to));
            if let Some(last) = stats.and_then(|stats| stats.last) {
                parts.push((Role::Text, format!("now {}", unit(last))));
            }
            let limits = chart.limits.iter();
            parts.extend(limits.map(|limit| (Role::Threshold, format!("{} {}", limit.word, unit(limit.at)))));
        });
        parts.push((Role::Muted, RANGES[self.range].1.to_owned()));
        let standing = standing(plot, find);
        let mut lines = vec![blank(), {
            let mut line = Painted::role(Role::Muted, &text::cell("measured", NAMES));
            for (nth, (role, words)) in parts.into_iter().enumerate() {
                line.push_plain(if nth > 0 { "  " } else { "" });
                line.push(role, &words);
            }
            Line::row(line, Row::Graph)
        }];
        lines.extend((0..self.graph_rows()).map(|_| Line::picture()));
        if let (Some(since), Some(problem)) = (standing.stale_since, standing.problem) {
            let words = format!("{} old: {problem}", short_age(since, shared));
            lines.push(fact("", Painted::role(Role::Stale, &words)));
        }
        lines.extend(
            standing.warnings.iter().take(2).map(|warning| fact("", Painted::role(Role::Warning, warning))),
        );
        lines.extend(plot.notes.iter().map(|note| fact("", Painted::role(Role::Muted, note))));
        lines
    }

    /// `critical · production · cart · firing 6m (since 14:26:10Z)`
    fn verdict(&self, alert: &Alert, shared: &Shared) -> Vec<Line> {
        let level = if self.over { Level::Unknown } else { alert.level() };
        let role = Role::of_level(level);
        let word = match (&*alert.severity_word, alert.severity.word()) {
            ("", _) => "no severity given".to_owned(),
            (word, own) if word.eq_ignore_ascii_case(own) || own == "unknown" => word.to_owned(),
            (word, own) => format!("{own} ({word})"),
        };
        let mut line = Painted::role(role, &word);
        let places: Vec<&str> = alert
            .environments
            .iter()
            .filter_map(|env| shared.environments.get(*env))
            .map(|env| &*env.name)
            .collect();
        line.push_plain(" · ");
        line.push_plain(&if places.is_empty() {
            "in no environment that is known".to_owned()
        } else {
            places.join(", ")
        });
        if !alert.about.what.is_empty() {
            line.push_plain(&format!(" · {}", alert.about.what));
        }
        line.push_plain(" · ");
        line.push(role, alert.phase.word());
        if let Some(since) = alert.since {
            line.push_plain(&format!(" {}", short_age(since, shared)));
            line.push(Role::Muted, &format!(" (since {})", moment(since, shared.now.wall)));
        }
        if self.over {
            line.push(Role::Warning, "  over: this is how it was");
        }
        let mut lines = vec![Line::text(line).sign(level)];
        if let (Phase::Pending, Some(at)) = (&alert.phase, alert.fires_at) {
            let left = at.0.saturating_sub(shared.now.wall.0);
            let words = match u64::try_from(left) {
                Ok(left) if left > 0 => format!("It fires in {} if it goes on.", text::duration_words(left)),
                _ => "It is about to fire.".to_owned(),
            };
            lines.push(Line::text(Painted::role(Role::Progressing, &words)));
        }
        lines
    }
}

/// What holds it back: who, until when, why.
fn hushes(alert: &Alert, shared: &Shared) -> Vec<Line> {
    let mut lines = Vec::new();
    for hush in &alert.hushed {
        let words = match hush {
            Hush::Silenced { id, silence: None } => format!("silenced by {id}"),
            Hush::Silenced { silence: Some(silence), .. } => {
                let until = silence.ends_at.map(|end| {
                    let left = u64::try_from(end.0.saturating_sub(shared.now.wall.0)).unwrap_or(0);
                    format!(" until {} (for {})", moment(end, shared.now.wall), text::duration_words(left))
                });
                let by = match &*silence.created_by {
                    "" => "silenced".to_owned(),
                    who => format!("silenced by {who}"),
                };
                let why = match &*silence.comment {
                    "" => String::new(),
                    comment => format!(": {comment}"),
                };
                format!("{by}{}{why}", until.unwrap_or_default())
            }
            Hush::Inhibited { by: Some(by), .. } => format!("inhibited by {by}, which fires too"),
            Hush::Inhibited { fingerprint, by: None } => format!("inhibited by the alert {fingerprint}"),
            Hush::Muted { interval } if interval.is_empty() => "muted by its route".to_owned(),
            Hush::Muted { interval } => format!("muted by the time interval {interval}"),
        };
        lines.push(Line::text(Painted::role(Role::Silenced, &words)));
        if let Hush::Silenced { silence: Some(silence), .. } = hush
            && !silence.matchers.is_empty()
        {
            let words = format!("  matches {}", silence.matchers.join(", "));
            lines.push(Line::text(Painted::role(Role::Muted, &words)).indent(4));
        }
    }
    lines
}

/// `pager: 2 others of alertname=CartDown`
fn grouped(group: &Grouped) -> Painted {
    let others = match group.alerts.saturating_sub(1) {
        0 => "no other alert".to_owned(),
        1 => "1 other alert".to_owned(),
        more => format!("{more} other alerts"),
    };
    let pairs: Vec<String> = group.labels.0.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let of = if pairs.is_empty() { String::new() } else { format!(" of the group {}", pairs.join(", ")) };
    Painted::plain(format!("{}: {others}{of}", group.receiver))
}

fn receivers(alert: &Alert, shared: &Shared) -> Painted {
    if !alert.receivers.is_empty() {
        return Painted::plain(alert.receivers.join(", "));
    }
    let words = match (&alert.phase, alert.managed) {
        (Phase::Pending, _) => "nobody before it fires".to_owned(),
        (_, true) => "a receiver that Alertmanager does not name".to_owned(),
        (_, false) => {
            // An alert that fires and that no Alertmanager knows is told to nobody: that is worth knowing.
            let env = alert.environments.first().copied().unwrap_or(shared.current);
            let [_, manager] = shared.alerts.standing(&shared.upstreams, env);
            debug_assert_eq!(manager.server, Server::Alertmanager);
            match (manager.assigned, manager.hearing) {
                (Err(missing), _) => format!("not known: {}", missing.why),
                (Ok(_), Hearing::Well) => {
                    return Painted::role(Role::Warning, "nobody: Alertmanager does not know of it");
                }
                (Ok(_), Hearing::Asking) => "not known yet".to_owned(),
                (Ok(_), Hearing::Failing(why)) => format!("not known: {why}"),
            }
        }
    };
    Painted::role(Role::Muted, &words)
}

/// What its rule says, and whether that can be told at all.
fn expression(alert: &Alert, measured: bool) -> Vec<Line> {
    let Some(rule) = &alert.rule else { return Vec::new() };
    let mut lines = facts("expression", &rule.expr);
    lines.extend(trouble(rule));
    lines.extend(value_line(alert).filter(|_| !measured));
    lines
}

/// Where the rule stands and who evaluates it: for those who want to change it.
fn rule_lines(alert: &Alert) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(rule) = &alert.rule {
        let mut held = Painted::default();
        if rule.hold > 0 {
            held.push_plain(&format!("must hold for {}", text::duration_words(rule.hold)));
        }
        if !rule.group.is_empty() {
            held.push(Role::Muted, &format!("{}group {}", if rule.hold > 0 { "  " } else { "" }, rule.group));
        }
        if !held.text().is_empty() {
            lines.push(fact("rule", held));
        }
    }
    if !alert.generator.is_empty() {
        lines.push(fact("seen at", Painted::role(Role::Muted, &alert.generator)));
    }
    if let Some(ruler) = alert.ruler.as_ref().filter(|_| alert.rule.is_none()) {
        let words = format!("evaluated by {} ({})", ruler.server.word(), ruler.address.words());
        lines.push(fact("rule", Painted::role(Role::Muted, &words)));
    }
    if !lines.is_empty() {
        lines.insert(0, blank());
    }
    lines
}

fn value_line(alert: &Alert) -> Option<Line> {
    let value = alert.value?;
    let words = if value.is_nan() { "not a number".to_owned() } else { number(value) };
    Some(fact("value now", Painted::plain(words)))
}

/// Up to four figures after the point, none for large numbers.
fn number(value: f64) -> String {
    match value.abs() {
        infinite if infinite.is_infinite() => value.to_string(),
        small if small > 0.0 && small < 0.0001 => format!("{value:e}"),
        large if large >= 1e15 => format!("{value:e}"),
        large if large >= 1_000.0 => format!("{value:.0}"),
        _ => format!("{value:.4}").trim_end_matches('0').trim_end_matches('.').to_owned(),
    }
}

fn trouble(rule: &Rule) -> Option<Line> {
    (!rule.error.is_empty()).then(|| {
        fact("", Painted::role(Role::Warning, &format!("The rule could not be evaluated: {}", rule.error)))
    })
}

/// The objects that it is about, worst first.
fn objects(alert: &Alert, shared: &Shared) -> Vec<Line> {
    let Some(object) = &alert.about.object else {
        return alert.about.pod.iter().map(|pod| fact("pod", gone(pod))).collect();
    };
    let mut lines = vec![blank()];
    let Some(cluster) = shared.world.cluster(object.cluster) else { return Vec::new() };
    if object.kind == Kind::Node {
        lines.push(head("Node"));
        let node = cluster.nodes.get(object.uid);
        let ready = node.is_some_and(|node| &*node.ready == "True");
        let words = match node {
            None => "gone",
            Some(_) if ready => "ready",
            Some(_) => "not ready",
        };
        let level = if ready { Level::Ok } else { Level::Critical };
        let line = Painted::plain(format!("{}  ", object.name)).with(Role::of_level(level), words);
        lines.push(Line::row(line, Row::Object(object.clone())).sign(level));
        return lines;
    }
    lines.push(head(&format!("{} {}", object.kind.word(), object.name)));
    let mut pods = pods_of(cluster, object);
    pods.sort_by(|a, b| b.level().cmp(&a.level()).then_with(|| a.name.cmp(&b.name)));
    if let Some(named) = &alert.about.pod
        && !pods.iter().any(|pod| *pod.name == **named)
    {
        lines.push(Line::text(gone(named)).indent(2));
    }
    let widest = pods.iter().take(PODS).map(|pod| text::width(&pod.name)).max().unwrap_or(0).min(60);
    for pod in pods.iter().take(PODS) {
        lines.push(pod_line(pod, object, alert, widest, shared));
    }
    match pods.len() {
        0 => lines.push(Line::text(Painted::role(Role::Muted, "It has no pods now."))),
        n if n > PODS => {
            let words = format!("and {} more", text::count((n - PODS) as u64));
            lines.push(Line::text(Painted::role(Role::Muted, &words)));
        }
        _ => {}
    }
    lines
}

fn gone(pod: &str) -> Painted {
    Painted::plain(pod).with(Role::Muted, "  is not there any more")
}

fn pods_of<'a>(cluster: &'a ClusterWorld, object: &ObjectRef) -> Vec<&'a Pod> {
    if object.kind == Kind::Pod {
        return cluster.pods.get(object.uid).into_iter().collect();
    }
    let Some(workload) = cluster.workloads.get(object.uid) else { return Vec::new() };
    cluster.pods_of(workload).into_iter().filter_map(|slot| cluster.pods.at(slot)).collect()
}

fn pod_line(pod: &Pod, of: &ObjectRef, alert: &Alert, widest: usize, shared: &Shared) -> Line {
    let level = pod.level();
    let named = alert.about.pod.as_deref() == Some(&*pod.name);
    let name = text::cell(&pod.name, widest);
    let mut line = Painted::default();
    line.push(if named { Role::Strong } else { Role::Text }, &name);
    line.push_plain(&format!("  {}/{}  ", pod.ready, pod.total));
    line.push(Role::of_level(level), &pod.status);
    if pod.restarts > 0 {
        let noun = if pod.restarts == 1 { "restart" } else { "restarts" };
        line.push_plain(&format!("  {} {noun}", text::count(pod.restarts.into())));
    }
    if let Some(exit) = pod.last_exit.as_ref().filter(|exit| exit.code != 0) {
        line.push(Role::Muted, &format!(" ({} {})", exit.reason, exit.code));
    }
    line.push(Role::Muted, &format!("  {} old", short_age(pod.created, shared)));
    let row = ObjectRef {
        cluster: of.cluster,
        kind: Kind::Pod,
        namespace: pod.namespace.clone(),
        name: pod.name.as_ref().into(),
        uid: pod.uid,
    };
    Line::row(line, Row::Object(row)).sign(level)
}

/// Other alerts about the same thing.
fn others(alert: &Alert, shared: &Shared) -> Vec<Line> {
    if alert.about.what.is_empty() {
        return Vec::new();
    }
    let same = shared.alerts.list().iter().filter(|other| {
        other.key != alert.key
            && other.about.what == alert.about.what
            && other.about.namespace == alert.about.namespace
            && other.environments == alert.environments
    });
    let mut told: Vec<(&str, Level, u32)> = Vec::new();
    for other in same {
        match told.iter_mut().find(|(name, level, _)| *name == &*other.name && *level == other.level()) {
            Some((.., count)) => *count += 1,
            None => told.push((&other.name, other.level(), 1)),
        }
    }
    let mut lines: Vec<Line> = told
        .into_iter()
        .take(8)
        .map(|(name, level, count)| {
            let count = if count > 1 { format!(" ×{count}") } else { String::new() };
            Line::text(Painted::plain(format!("{name}{count}"))).sign(level)
        })
        .collect();
    if !lines.is_empty() {
        lines.splice(0..0, [blank(), head("Also about it")]);
    }
    lines
}

fn pairs(labels: &Labels, without: &[&str]) -> Vec<Line> {
    let shown = labels.0.iter().filter(|(key, _)| !without.contains(&&**key));
    let widest = shown.clone().map(|(key, _)| text::width(key)).max().unwrap_or(0).clamp(NAMES, 40);
    let mut lines = Vec::new();
    for (key, value) in shown {
        let parts = value.split('↵').filter(|part| !part.trim().is_empty());
        for (nth, part) in parts.enumerate() {
            let name = if nth == 0 { text::cell(key, widest).into_owned() } else { " ".repeat(widest) };
            let line = Painted::role(Role::Muted, &name).and("  ").and(part.trim_end());
            lines.push(Line::text(line).indent(widest + 2));
        }
    }
    lines
}
