//! What the page of a node says.

use super::story::story;
use super::{Item, NodeView};
use crate::domain::id::{Kind, Name};
use crate::domain::level::Level;
use crate::domain::link::Feed;
use crate::domain::meta::Condition;
use crate::domain::node::Node;
use crate::domain::pod::Pod;
use crate::fleet::provider::platform;
use crate::panes::nodes::words as node_words;
use crate::panes::views::page::{Bar, PageLine};
use crate::panes::views::painted::Painted;
use crate::panes::views::pod::event_line;
use crate::panes::views::{events, words};
use crate::shared::Shared;
use crate::text;
use crate::theme::Role;
use crate::world::{ClusterWorld, RowId};

/// Columns of the names of facts.
const NAMES: usize = 9;
/// Most events that the page shows.
const EVENTS: usize = 8;
/// Conditions that are well are told one by one up to so many.
const CONDITIONS: usize = 8;
/// Most labels of people's own.
const LABELS: usize = 8;
/// Cells of a bar.
const BAR: usize = 12;

type Line = PageLine<Item>;

fn blank() -> Line {
    Line::text(Painted::default())
}

fn head(words: &str) -> Line {
    Line::text(Painted::role(Role::Strong, words))
}

fn fact(name: &str, value: Painted) -> Line {
    let mut line = Painted::role(Role::Muted, &text::cell(name, NAMES));
    line.append(&value);
    Line::text(line).indent(NAMES)
}

impl NodeView {
    pub(super) fn lines(&self, shared: &Shared) -> Vec<Line> {
        let cluster = shared.world.cluster(self.object.cluster);
        let (Some(node), Some(cluster)) = (&self.node, cluster) else {
            let words = match self.gone {
                true => format!("{} is gone.", words::object(&self.object)),
                false => format!("Nothing is known of {} yet.", words::object(&self.object)),
            };
            let mut lines = vec![Line::row(Painted::role(Role::Muted, &words), Item::Node)];
            if let Feed::Forbidden(message) = cluster.map_or(Feed::Loading, |c| c.feed(Kind::Node)) {
                lines.push(Line::text(Painted::role(Role::Warning, &message)));
            }
            return lines;
        };
        let mut lines = self.told(node, cluster, shared);
        lines.push(blank());
        lines.extend(bars(node, cluster));
        lines.push(blank());
        lines.extend(conditions(node, shared));
        lines.push(blank());
        lines.extend(facts(node, cluster, shared));
        lines.push(blank());
        lines.extend(self.event_lines(shared));
        lines.push(blank());
        lines.extend(self.pods(node, cluster, shared));
        lines
    }

    /// The first lines: how it is, since when, and what becomes of its pods.
    fn told(&self, node: &Node, cluster: &ClusterWorld, shared: &Shared) -> Vec<Line> {
        let mut lines = Vec::new();
        let sentences = story(node, cluster, shared.now.wall);
        for (at, (level, words)) in sentences.into_iter().enumerate() {
            // Sentences that only explain have no sign.
            let told = at == 0 || level != Level::Ok;
            let role = if told { Role::of_level(level) } else { Role::Text };
            let line = Painted::role(role, &words);
            let line = if at == 0 { Line::row(line, Item::Node) } else { Line::text(line) };
            lines.push(if told { line.sign(level) } else { line });
        }
        if self.gone {
            let words = format!("{} is gone; this is how it was.", words::object(&self.object));
            lines.insert(0, Line::text(Painted::role(Role::Warning, &words)).sign(Level::Unknown));
        }
        lines
    }

    fn event_lines(&self, shared: &Shared) -> Vec<Line> {
        let mut lines = Vec::new();
        let title = match self.events.len() {
            0 => "Events".to_owned(),
            total if total > EVENTS => format!("Events, warnings first, {EVENTS} of {total}"),
            _ => "Events, warnings first".to_owned(),
        };
        lines.push(head(&title));
        if let Some(why) = &self.events_feed.failed {
            lines.push(Line::text(Painted::role(Role::Critical, &format!("Cannot be read: {why}"))));
        } else if !self.events_feed.answered {
            lines.push(Line::text(Painted::role(Role::Muted, "Asking…")));
        } else if self.events.is_empty() {
            lines.push(Line::text(Painted::role(Role::Muted, "None in the last hour.")));
        }
        let (bad, good): (Vec<_>, Vec<_>) =
            self.events.iter().partition(|event| events::level(event) == Level::Warning);
        lines.extend(bad.into_iter().chain(good).take(EVENTS).map(|event| event_line(event, shared)));
        lines
    }

    fn pods(&self, node: &Node, cluster: &ClusterWorld, shared: &Shared) -> Vec<Line> {
        let row = |slot: &u32| Some((*slot, cluster.pods.at(*slot)?));
        let mut pods: Vec<(u32, &Pod)> = cluster.pods_on(&node.name).iter().filter_map(row).collect();
        // Worst first, then what takes most room.
        pods.sort_by(|(_, a), (_, b)| {
            (a.over.cmp(&b.over))
                .then(b.level().cmp(&a.level()))
                .then(b.requests.cpu_milli.cmp(&a.requests.cpu_milli))
                .then_with(|| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)))
        });
        let ended = pods.iter().filter(|(_, pod)| pod.over).count();
        let width = self.page.width();
        let mut lines = Vec::new();
        let title = words::counted(pods.len() - ended, "pod");
        let mut title = Painted::role(Role::Strong, &title);
        if ended > 0 {
            title.push(Role::Muted, &format!(", and {ended} that ended and hold nothing"));
        }
        lines.push(Line::text(title));
        match cluster.feed(Kind::Pod) {
            Feed::Live => {}
            Feed::Loading => lines.push(Line::text(Painted::role(Role::Muted, "Loading pods…"))),
            Feed::Absent => {}
            Feed::Forbidden(why) | Feed::Failed(why) | Feed::Partly { message: why, .. } => {
                let words = format!("Not all pods can be listed: {why}");
                lines.push(Line::text(Painted::role(Role::Warning, &words)));
            }
        }
        if !pods.is_empty() {
            let mut header = Painted::role(Role::Muted, &text::cell("pod", name_width(width)));
            header.push(Role::Muted, &format!("  {}{}", text::cell("ready", 7), text::cell("status", 18)));
            header.push(Role::Muted, &text::cell_end("age", 5));
            for title in amount_titles(width) {
                header.push(Role::Muted, &text::cell_end(title, AMOUNT));
            }
            if width >= WIDE {
                header.push(Role::Muted, "  namespace");
            }
            lines.push(Line::text(header));
        }
        for (slot, pod) in pods {
            let row = RowId { cluster: self.object.cluster, slot };
            let mut line = pod_line(pod, row, width, shared);
            // Nobody looks after it: it goes on saying what was so last.
            if !node.is_ready() && pod.level() == Level::Ok {
                line = line.sign(Level::Unknown);
            }
            lines.push(line);
        }
        lines
    }
}

/// From so many columns on a pod's use and its namespace have columns of their own.
const WIDE: usize = 100;
/// Columns of an amount.
const AMOUNT: usize = 8;

fn name_width(width: usize) -> usize {
    let amounts = amount_titles(width).len() * AMOUNT;
    let namespace = if width >= WIDE { 16 } else { 0 };
    width.saturating_sub(32 + amounts + namespace).clamp(16, 52)
}

fn amount_titles(width: usize) -> &'static [&'static str] {
    if width >= WIDE { &["cpu use", "cpu req", "mem use", "mem req"] } else { &["cpu req", "mem req"] }
}

fn pod_line(pod: &Pod, row: RowId, width: usize, shared: &Shared) -> Line {
    let level = pod.level();
    let name = name_width(width);
    let plain = if pod.over { Role::Muted } else { Role::Text };
    let mut line = Painted::role(plain, &text::cell(&text::fit_middle(&pod.name, name), name));
    line.push_plain(&format!("  {}", text::cell(&format!("{}/{}", pod.ready, pod.total), 7)));
    line.push(Role::of_level(level), &text::cell(&pod.status, 18));
    line.push(Role::Muted, &text::cell_end(&words::short_age(pod.created, shared), 5));
    let used = shared.world.usage(row);
    let amounts = [
        used.map(|used| text::cpu_milli(used.cpu_milli)),
        Some(text::cpu_milli(pod.requests.cpu_milli)).filter(|_| pod.requests.cpu_milli > 0),
        used.map(|used| text::bytes(used.memory)),
        Some(text::bytes(pod.requests.memory)).filter(|_| pod.requests.memory > 0),
    ];
    for (title, amount) in ["cpu use", "cpu req", "mem use", "mem req"].iter().zip(amounts) {
        if !amount_titles(width).contains(title) {
            continue;
        }
        match amount.filter(|_| !pod.over) {
            Some(amount) => line.push_plain(&text::cell_end(&amount, AMOUNT)),
            None => line.push(Role::Muted, &text::cell_end("-", AMOUNT)),
        }
    }
    if width >= WIDE {
        line.push(Role::Muted, &format!("  {}", pod.namespace));
    }
    let item = Item::Pod(pod.uid, pod.namespace.clone(), pod.name.as_ref().into());
    PageLine::row(line, item).sign(level)
}

/// A bar with its percentage and its amounts.
fn bar(name: &str, word: &str, part: u64, whole: u64, amounts: &str) -> Line {
    let mut value = Painted::role(Role::Muted, &text::cell(word, 9));
    let column = NAMES + value.width();
    value.pad_to(value.width() + BAR);
    let percent = text::percent(part, whole).unwrap_or_else(|| "?".to_owned());
    value.push_plain(&text::cell_end(&percent, 6));
    value.push(Role::Muted, &format!("  {amounts}"));
    let mut line = fact(name, value);
    line.bar = Some(Bar { column, width: BAR, part, whole });
    line
}

fn unknown(name: &str, word: &str, why: &str) -> Line {
    fact(name, Painted::role(Role::Muted, &text::cell(word, 9)).with(Role::Muted, why))
}

/// What its pods ask for and use of what it can give.
fn bars(node: &Node, cluster: &ClusterWorld) -> Vec<Line> {
    let load = cluster.node_load(&node.name);
    let used = cluster.node_usage(&node.name);
    let known = node_words::loads_known(cluster);
    let no_use = match &cluster.node_usage_feed {
        Feed::Absent => "not known: this cluster does not serve metrics.k8s.io".to_owned(),
        Feed::Forbidden(why) | Feed::Failed(why) => format!("not known: {why}"),
        Feed::Loading => "asking…".to_owned(),
        Feed::Live | Feed::Partly { .. } => "not known: nothing is measured of it".to_owned(),
    };
    let mut lines = Vec::new();
    let sums = [
        (
            "cpu",
            load.requests.cpu_milli,
            load.limits.cpu_milli,
            used.map(|used| used.cpu_milli),
            node.allocatable.cpu_milli,
            text::cpu_milli as fn(u64) -> String,
        ),
        (
            "memory",
            load.requests.memory,
            load.limits.memory,
            used.map(|used| used.memory),
            node.allocatable.memory,
            text::bytes,
        ),
    ];
    for (name, requests, limits, used, whole, unit) in sums {
        lines.push(match known {
            true => {
                let limits = text::percent(limits, whole).unwrap_or_else(|| "?".to_owned());
                let amounts = format!("{} of {}  limits {limits}", unit(requests), unit(whole));
                bar(name, "requests", requests, whole, &amounts)
            }
            false => unknown(name, "requests", "not known: pods cannot be listed"),
        });
        lines.push(match used {
            Some(used) => bar("", "use", used, whole, &format!("{} of {}", unit(used), unit(whole))),
            None => unknown("", "use", &no_use),
        });
    }
    if known {
        let amounts = format!("{} of {}", load.pods, node.max_pods);
        lines.push(bar("pods", "", load.pods.into(), node.max_pods.into(), &amounts));
    }
    lines
}

/// Conditions, the bad ones first and with their messages.
fn conditions(node: &Node, shared: &Shared) -> Vec<Line> {
    let mut lines = vec![head("Conditions")];
    let mut all: Vec<(Option<Level>, &Condition)> =
        node.conditions.iter().map(|condition| (Node::judge(condition), condition)).collect();
    all.sort_by_key(|(level, _)| std::cmp::Reverse(level.map_or(Level::Ok, |level| level)));
    let name = all.iter().map(|(_, condition)| text::width(&condition.kind)).max().unwrap_or(0).min(26);
    let mut folded = Vec::new();
    let mut told: Vec<&Name> = Vec::new();
    for (at, (level, condition)) in all.iter().enumerate() {
        let bad = level.is_some_and(Level::is_fault);
        if !bad && at >= CONDITIONS {
            folded.push(format!("{} {}", condition.kind, condition.status));
            continue;
        }
        let role = level.filter(|_| bad).map_or(Role::Text, Role::of_level);
        let mut line = Painted::role(role, &text::cell(&condition.kind, name));
        line.push_plain(&format!("  {}", text::cell(&condition.status, 8)));
        let since = condition.since.map(|at| words::short_age(at, shared)).unwrap_or_default();
        line.push(Role::Muted, &text::cell_end(&since, 4));
        line.push(Role::Muted, &format!("  {}", condition.reason));
        // A kubelet that is not heard from leaves the same words in all of them.
        let said = told.contains(&&condition.message);
        if bad && !condition.message.is_empty() && !said {
            told.push(&condition.message);
            line.push_plain(&format!(": {}", condition.message));
        }
        let line = Line::text(line).indent(name + 2);
        lines.push(match level {
            Some(level) => line.sign(*level),
            None => line,
        });
    }
    if !folded.is_empty() {
        lines.push(Line::text(Painted::role(Role::Muted, &folded.join(", "))));
    }
    if node.conditions.is_empty() {
        lines.push(Line::text(Painted::role(Role::Muted, "None: its kubelet has not said anything.")));
    }
    lines
}

/// Labels that say where a machine stands and what it is, with what to call them.
const PLACES: [(&str, &str); 9] = [
    ("topology.kubernetes.io/zone", "zone"),
    ("node.kubernetes.io/instance-type", "type"),
    ("kubernetes.io/arch", "arch"),
    ("cloud.google.com/gke-nodepool", "pool"),
    ("eks.amazonaws.com/nodegroup", "group"),
    ("kubernetes.azure.com/agentpool", "pool"),
    ("karpenter.sh/nodepool", "pool"),
    ("karpenter.sh/capacity-type", "capacity"),
    ("eks.amazonaws.com/capacityType", "capacity"),
];

fn facts(node: &Node, cluster: &ClusterWorld, shared: &Shared) -> Vec<Line> {
    let mut lines = Vec::new();
    let provider = platform(&cluster.connection.version, std::iter::once(node)).provider;
    let mut value = Painted::plain(&*node.version);
    value.push(Role::Muted, &format!("  {} old", words::short_age(node.created, shared)));
    lines.push(fact("kubelet", value));
    let mut value = Painted::plain(provider.word());
    if !node.provider_id.is_empty() {
        value.push(Role::Muted, &format!("  {}", node.provider_id));
    }
    lines.push(fact("provider", value));
    let mut place: Vec<String> = Vec::new();
    let roles = node_words::roles(node);
    if !roles.is_empty() {
        place.push(roles);
    }
    let known = |(key, word): &(&str, &str)| Some(format!("{word} {}", node.labels.get(key)?));
    place.extend(PLACES.iter().filter_map(known));
    if !place.is_empty() {
        lines.push(fact("is", Painted::plain(place.join(" · "))));
    }
    for (at, taint) in node.taints.iter().enumerate() {
        let mut value = Painted::plain(node_words::taint(taint));
        if let Some(since) = taint.since {
            value.push(Role::Muted, &format!("  {}", words::short_age(since, shared)));
        }
        lines.push(fact(if at == 0 { "taints" } else { "" }, value));
    }
    // Labels of people's own: those of the cluster and of clouds have domains.
    let own = node.labels.0.iter().filter(|(key, _)| !key.contains('/'));
    let own: Vec<String> = own.map(|(key, value)| format!("{key}={value}")).collect();
    if !own.is_empty() {
        let more = own.len().saturating_sub(LABELS);
        let mut words = own.iter().take(LABELS).cloned().collect::<Vec<_>>().join(", ");
        if more > 0 {
            words.push_str(&format!(" and {more} more"));
        }
        lines.push(fact("labels", Painted::plain(words)));
    }
    lines
}
