//! Everything about one environment: health and why, the connection, what it
//! consists of, quotas, nodes, and what cannot be read.

use crate::action::Action;
use crate::domain::environment::{Environment, Scope};
use crate::domain::id::{ClusterId, Kind, Name};
use crate::domain::level::Level;
use crate::domain::link::{Feed, WATCHED};
use crate::domain::meta::Resources;
use crate::domain::node::QuotaItem;
use crate::fleet::{Basis, Card, Freshness, Share};
use crate::panes::Title;
use crate::panes::sheet::{Line, Sheet};
use crate::shared::{Shared, Subject};
use crate::text;
use crate::theme::Role;
use crate::world::ClusterWorld;

/// Everything about one environment.
#[derive(Debug)]
pub struct Detail {
    cluster: ClusterId,
    name: Name,
}

impl Detail {
    /// Of this environment, by identity.
    pub fn new(env: &Environment) -> Detail {
        Detail { cluster: env.cluster, name: env.name.clone() }
    }

    fn environment<'a>(&self, shared: &'a Shared) -> Option<&'a Environment> {
        shared.environments.list.iter().find(|env| env.cluster == self.cluster && env.name == self.name)
    }
}

impl Sheet for Detail {
    fn title(&self, shared: &Shared) -> Title {
        let namespaces = self.environment(shared).map_or(&[][..], |env| env.scope.namespaces());
        let fresh = Freshness::of(shared.world.cluster(self.cluster), namespaces, shared.now);
        Title {
            name: format!("Environment {}", self.name),
            note: String::new(),
            stale: (!fresh.is_fresh()).then(|| fresh.words(shared.now, &shared.key(Action::Connect))),
        }
    }

    fn lines(&self, shared: &Shared) -> Vec<Line> {
        let Some(env) = self.environment(shared) else {
            return vec![Line(vec![(format!("{} is gone.", self.name), Role::Warning)])];
        };
        let Some(cluster) = shared.world.cluster(env.cluster) else { return Vec::new() };
        let mut lines = Vec::new();
        if let Some(card) = shared.cards.get(env.id) {
            health(card, &mut lines);
        }
        connection(shared, env, cluster, &mut lines);
        namespaces(shared, env, cluster, &mut lines);
        quotas(env, cluster, &mut lines);
        nodes(cluster, &mut lines);
        feeds(env, cluster, &mut lines);
        lines
    }

    fn subject(&self, shared: &Shared) -> Option<Subject> {
        self.environment(shared).map(|env| Subject::Environment(env.id))
    }
}

fn health(card: &Card, lines: &mut Vec<Line>) {
    lines.push(Line::heading("Health"));
    lines.push(Line::entry("state", card.level.word(), Role::of_level(card.level)));
    if !card.reason.is_empty() {
        lines.push(Line::entry("why", &*card.reason, Role::of_level(card.level)));
    }
    lines.push(Line::entry("workloads", format!("{} of {} well", card.ready, card.workloads), Role::Text));
    let pods = &card.pods;
    let mut line = Line::entry("pods", text::count(u64::from(pods.total)), Role::Text);
    for (count, word, level) in [
        (pods.failed, "failed", Level::Critical),
        (pods.unready, "not ready", Level::Warning),
        (pods.moving, "on their way", Level::Progressing),
        (pods.ready, "ready", Level::Ok),
        (pods.done, "completed", Level::Idle),
    ] {
        if count > 0 {
            line = line.and(format!(", {count} {word}"), Role::of_level(level));
        }
    }
    lines.push(line);
    for (name, share, unit) in
        [("cpu", card.cpu, text::cpu_milli as fn(u64) -> String), ("memory", card.memory, text::bytes)]
    {
        if let Some(share) = share {
            lines.push(Line::entry(name, share_words(share, unit), Role::Text));
        }
    }
    if let Some(used) = card.usage {
        let words = format!("{} cpu, {} memory", text::cpu_milli(used.cpu_milli), text::bytes(used.memory));
        lines.push(Line::entry("used now", words, Role::Text));
    }
}

fn share_words(share: Share, unit: fn(u64) -> String) -> String {
    let basis = match share.basis {
        Basis::Quota => "of the fullest quota",
        Basis::Nodes => "of what the cluster's nodes can give, by requests of all its pods",
    };
    format!("{}% ({} of {}) {basis}", share.percent(), unit(share.used), unit(share.hard))
}

fn connection(shared: &Shared, env: &Environment, cluster: &ClusterWorld, lines: &mut Vec<Line>) {
    let connection = &cluster.connection;
    let fresh = Freshness::of(Some(cluster), env.scope.namespaces(), shared.now);
    lines.push(Line::blank());
    lines.push(Line::heading("Connection"));
    let role = if fresh.is_fresh() { Role::Ok } else { Role::Stale };
    lines.push(Line::entry("state", fresh.words(shared.now, &shared.key(Action::Connect)), role));
    let detail = fresh.detail(shared.now);
    if !detail.is_empty() {
        lines.push(Line::entry("", detail, Role::Stale));
    }
    for (name, value) in [
        ("context", &connection.context),
        ("cluster", &connection.cluster_name),
        ("user", &connection.user),
        ("server", &connection.server),
        ("version", &connection.version),
    ] {
        if !value.is_empty() {
            lines.push(Line::entry(name, &**value, Role::Text));
        }
    }
    let guard = match (env.protected, env.read_only || shared.options.read_only) {
        (_, true) => "read-only: nothing can be changed",
        (true, false) => "protected: changes need its name typed",
        (false, false) => "changes are confirmed with y",
    };
    lines.push(Line::entry("changes", guard, Role::Text));
    let origin = if env.inferred { "inferred from names" } else { "configured" };
    lines.push(Line::entry("origin", origin, Role::Muted));
    if let Some(targets) = env.targets {
        let words = format!(
            "RPO {}, RTO {}",
            text::duration_words(targets.rpo.as_secs()),
            text::duration_words(targets.rto.as_secs())
        );
        lines.push(Line::entry("recovery", words, Role::Text));
    }
    // How long the last restore took, where Velero is.
    if let Some(kept) = shared.backups.get(env.id).filter(|kept| kept.card(shared.now.wall).is_some()) {
        lines.push(Line::entry("restore", kept.rto.words(), Role::of_level(kept.rto.level())));
    }
}

fn namespaces(shared: &Shared, env: &Environment, cluster: &ClusterWorld, lines: &mut Vec<Line>) {
    lines.push(Line::blank());
    let names = env.scope.namespaces();
    let how = match &env.scope {
        Scope::Selector { .. } => ", by labels",
        Scope::Namespaces(_) => "",
    };
    lines.push(Line::heading(format!("Namespaces ({}{how})", names.len())));
    for name in names {
        let tally = cluster.tally(name);
        let level = if tally.failed > 0 {
            Level::Critical
        } else if tally.unready > 0 {
            Level::Warning
        } else {
            Level::Ok
        };
        let words = format!("{} of {} pods well", tally.ready + tally.done, tally.total);
        let mut line = Line::entry(name, words, Role::of_level(level));
        let strays = shared.health.strays(env.cluster, name);
        if strays > 0 {
            line = line.and(format!(", {strays} failing without a workload"), Role::Warning);
        }
        lines.push(line);
    }
}

fn quotas(env: &Environment, cluster: &ClusterWorld, lines: &mut Vec<Line>) {
    let here = || cluster.quotas.iter().map(|(_, quota)| quota).filter(|q| env.scope.contains(&q.namespace));
    lines.push(Line::blank());
    lines.push(Line::heading("Quotas"));
    if here().next().is_none() {
        let words = match cluster.feed(Kind::ResourceQuota).within(env.scope.namespaces()) {
            Feed::Partly { refused, .. } => format!("forbidden in {}", refused.join(", ")),
            Feed::Forbidden(message) => format!("forbidden: {message}"),
            Feed::Failed(message) => format!("failed: {message}"),
            Feed::Loading => "loading".to_owned(),
            Feed::Live | Feed::Absent => "none".to_owned(),
        };
        lines.push(Line::entry("", words, Role::Muted));
    }
    for quota in here() {
        lines.push(Line::entry(&quota.namespace, &*quota.name, Role::Muted));
        for item in quota.items.iter() {
            let part = (item.used_milli * 100).checked_div(item.hard_milli).unwrap_or(0);
            let role = if part >= 85 { Role::Warning } else { Role::Text };
            let words = format!("  {} {:>4}%  {}", text::cell(&item.resource, 28), part, amounts(item));
            lines.push(Line(vec![(words, role)]));
        }
    }
}

fn amounts(item: &QuotaItem) -> String {
    let whole = |milli: u128| u64::try_from(milli / 1_000).unwrap_or(u64::MAX);
    let resource = &*item.resource;
    let unit = |milli: u128| {
        if resource.ends_with("cpu") {
            text::cpu_milli(u64::try_from(milli).unwrap_or(u64::MAX))
        } else if resource.ends_with("memory") || resource.ends_with("storage") {
            text::bytes(whole(milli))
        } else {
            text::count(whole(milli))
        }
    };
    format!("{} of {}", unit(item.used_milli), unit(item.hard_milli))
}

fn nodes(cluster: &ClusterWorld, lines: &mut Vec<Line>) {
    lines.push(Line::blank());
    lines.push(Line::heading(format!("Nodes of the cluster ({})", cluster.nodes.len())));
    let mut total = Resources::default();
    let (mut ready, mut cordoned) = (0, 0);
    for (_, node) in cluster.nodes.iter() {
        total = total + node.allocatable;
        ready += usize::from(&*node.ready == "True");
        cordoned += usize::from(node.cordoned);
    }
    if cluster.nodes.is_empty() {
        let words = match cluster.feed(Kind::Node) {
            Feed::Forbidden(message) | Feed::Partly { message, .. } => format!("forbidden: {message}"),
            Feed::Failed(message) => format!("failed: {message}"),
            Feed::Loading => "loading".to_owned(),
            Feed::Live | Feed::Absent => "none".to_owned(),
        };
        lines.push(Line::entry("", words, Role::Muted));
        return;
    }
    let role = if ready < cluster.nodes.len() { Role::Warning } else { Role::Text };
    lines.push(Line::entry("ready", format!("{ready} of {}", cluster.nodes.len()), role));
    if cordoned > 0 {
        lines.push(Line::entry("cordoned", cordoned.to_string(), Role::Warning));
    }
    let words = format!("{} cpu, {} memory", text::cpu_milli(total.cpu_milli), text::bytes(total.memory));
    lines.push(Line::entry("allocatable", words, Role::Text));
    for (_, node) in cluster.nodes.iter() {
        let mut words = match &*node.ready {
            "True" => ("ready".to_owned(), Role::Ok),
            "False" => ("not ready".to_owned(), Role::Critical),
            _ => ("not heard from".to_owned(), Role::Unknown),
        };
        if node.cordoned {
            words.0.push_str(", cordoned");
        }
        let mut line = Line(vec![(format!("  {} ", text::cell(&node.name, 40)), Role::Text), words]);
        if let Some(used) = cluster.node_usage(&node.name) {
            let cpu = text::percent(used.cpu_milli, node.allocatable.cpu_milli).unwrap_or_default();
            let memory = text::percent(used.memory, node.allocatable.memory).unwrap_or_default();
            line = line.and(format!("  cpu {cpu}  mem {memory}"), Role::Muted);
        }
        lines.push(line.and(format!("  {}", node.version), Role::Muted));
    }
}

fn feeds(env: &Environment, cluster: &ClusterWorld, lines: &mut Vec<Line>) {
    let mut heading = true;
    for kind in WATCHED {
        let (word, message, role) = match cluster.feed(kind).within(env.scope.namespaces()) {
            Feed::Live => continue,
            Feed::Loading => ("loading".to_owned(), Name::from(""), Role::Muted),
            Feed::Absent => ("not served by this cluster".to_owned(), Name::from(""), Role::Muted),
            Feed::Partly { refused, message } => {
                (format!("forbidden in {}", refused.join(", ")), message, Role::Warning)
            }
            Feed::Forbidden(message) => ("forbidden".to_owned(), message, Role::Warning),
            Feed::Failed(message) => ("failed".to_owned(), message, Role::Warning),
        };
        if heading {
            lines.push(Line::blank());
            lines.push(Line::heading("Not readable"));
            heading = false;
        }
        let words = if message.is_empty() { word } else { format!("{word}: {message}") };
        lines.push(Line::entry(kind.api().2, words, role));
    }
}
