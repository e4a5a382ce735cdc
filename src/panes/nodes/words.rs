//! How a node is, in the words of its row and of its page.

use crate::domain::id::Kind;
use crate::domain::link::Feed;
use crate::domain::node::{Node, Taint};
use crate::domain::time::{Now, Stamp};
use crate::panes::words::age;
use crate::world::ClusterWorld;

/// `NotReady 6m, MemoryPressure 8m`, `SchedulingDisabled`, `Ready`: worst first, with since when.
pub fn state(node: &Node, now: Now) -> String {
    let aged = |word: &str, since: Option<Stamp>| match since {
        Some(since) => format!("{word} {}", age(since, now)),
        None => word.to_owned(),
    };
    let mut words = Vec::new();
    if !node.is_ready() {
        words.push(aged("NotReady", node.ready_since()));
    }
    words.extend(node.faults().map(|fault| aged(&fault.kind, fault.since)));
    if node.cordoned {
        words.push("SchedulingDisabled".to_owned());
    }
    if words.is_empty() {
        words.push("Ready".to_owned());
    }
    words.join(", ")
}

/// `dedicated=db:NoSchedule`.
pub fn taint(taint: &Taint) -> String {
    let value = if taint.value.is_empty() { String::new() } else { format!("={}", taint.value) };
    format!("{}{value}:{}", taint.key, taint.effect)
}

/// Taints that say more than the node's state does, without the domains of their keys.
pub fn taints(node: &Node) -> String {
    let own = node.taints.iter().filter(|taint| !taint.is_echo());
    let short = own.map(|known| {
        let words = taint(known);
        let end = words.find(['=', ':']).unwrap_or(words.len());
        match words[..end].rfind('/') {
            Some(slash) => words[slash + 1..].to_owned(),
            None => words,
        }
    });
    short.collect::<Vec<_>>().join(", ")
}

/// What people call its part in the cluster: the ends of its `node-role` labels.
pub fn roles(node: &Node) -> String {
    let keys = node.labels.0.iter().filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/"));
    keys.filter(|role| !role.is_empty()).collect::<Vec<_>>().join(", ")
}

/// Whether what the pods of a cluster's nodes ask for is known.
pub fn loads_known(cluster: &ClusterWorld) -> bool {
    cluster.pods.has_data()
}

/// Why nothing is known of what nodes use; `None` while it is known, or may be soon.
pub fn no_use(cluster: &ClusterWorld) -> Option<&'static str> {
    match cluster.node_usage_feed {
        Feed::Live | Feed::Partly { .. } | Feed::Loading => None,
        Feed::Absent => Some("not served"),
        Feed::Forbidden(_) => Some("forbidden"),
        Feed::Failed(_) => Some("failed"),
    }
}

/// What keeps the numbers of some clusters from being whole, for a title; each reason once.
pub fn gaps<'a>(clusters: impl Iterator<Item = &'a ClusterWorld>) -> Vec<String> {
    let mut gaps = Vec::new();
    for cluster in clusters {
        if let Some(why) = no_use(cluster) {
            let words = format!("use: {why}");
            if !gaps.contains(&words) {
                gaps.push(words);
            }
        }
        // Who may not see all namespaces may not see all pods.
        if matches!(cluster.feed(Kind::Namespace), Feed::Forbidden(_)) && loads_known(cluster) {
            let words = "requests of the pods you may see".to_owned();
            if !gaps.contains(&words) {
                gaps.push(words);
            }
        }
    }
    gaps
}
