//! The Nodes pane: one row a node of the clusters that are looked at, worst first: how it is, what its pods ask for and
//! what they use of what it can give.

#[cfg(test)]
mod tests;
pub mod words;

use std::borrow::Cow;
use std::cmp::Ordering;

use super::PaneId;
use super::filter::Haystack;
use super::list::{Cell, Changes, Column, Rows};
use super::words as common;
use crate::action::Action;
use crate::domain::id::{ClusterId, Kind, Uid};
use crate::domain::level::Level;
use crate::domain::link::{Feed, Link};
use crate::domain::meta::Labels;
use crate::domain::node::Node;
use crate::look::Look;
use crate::shared::{Shared, Subject};
use crate::text;
use crate::widgets::bar;
use crate::world::{ClusterWorld, RowId};

/// All nodes of what is looked at.
#[derive(Debug, Default)]
pub struct Nodes {
    seen: Option<Seen>,
    /// The clusters that are looked at.
    clusters: Vec<ClusterId>,
    /// Cells that the longest name takes, within bounds: where names are long the columns of use go first.
    name_width: u16,
}

/// What the order was made from.
#[derive(Debug, PartialEq)]
struct Seen {
    scope: common::ScopeKey,
    clusters: Vec<ClusterId>,
    /// For each cluster: its nodes, what their pods ask for, what they use.
    versions: Vec<[u64; 3]>,
}

const NAME: usize = 0;
const STATE: usize = 1;
const CPU_ASKED: usize = 2;
const CPU_USED: usize = 3;
const MEMORY_ASKED: usize = 4;
const MEMORY_USED: usize = 5;
const PODS: usize = 6;
const AGE: usize = 7;
const VERSION: usize = 8;
const TAINTS: usize = 9;
const CLUSTER: usize = 10;

/// Cells of a bar, and of a bar with its percentage.
const BAR: u16 = 4;
const SHARE: u16 = BAR + 5;
/// The longest name that is shown whole.
const LONGEST: usize = 30;

static COLUMNS: [Column; 11] = [
    Column::new("node", 10),
    Column::new("state", 13).most(40),
    Column::new("cpu req", SHARE),
    Column::new("cpu use", SHARE).rank(2),
    Column::new("mem req", SHARE),
    Column::new("mem use", SHARE).rank(2),
    Column::new("pods", 7).right(),
    Column::new("age", 4).right().rank(4),
    Column::new("version", 14).most(20).rank(5),
    Column::new("taints", 12).most(30).rank(6),
    Column::new("cluster", 12).most(20).rank(3),
];

impl Haystack for Node {
    fn any_text(&self, found: &mut dyn FnMut(&str) -> bool) -> bool {
        found(&self.name)
            || found(&self.version)
            || found(&words::state(self, Default::default()))
            || self.taints.iter().any(|taint| found(&words::taint(taint)))
    }
    fn labels(&self) -> &Labels {
        &self.labels
    }
}

/// A part of what a node can give, from 0; without a whole, nothing is known.
type Share = Option<(u64, u64)>;

fn share(cluster: &ClusterWorld, node: &Node, column: usize) -> Share {
    let load = || words::loads_known(cluster).then(|| cluster.node_load(&node.name));
    let used = || cluster.node_usage(&node.name);
    let (part, whole) = match column {
        CPU_ASKED => (load()?.requests.cpu_milli, node.allocatable.cpu_milli),
        CPU_USED => (used()?.cpu_milli, node.allocatable.cpu_milli),
        MEMORY_ASKED => (load()?.requests.memory, node.allocatable.memory),
        MEMORY_USED => (used()?.memory, node.allocatable.memory),
        PODS => (u64::from(load()?.pods), u64::from(node.max_pods)),
        _ => return None,
    };
    (whole > 0).then_some((part, whole))
}

/// The fuller one first; what is not known last.
fn fuller(a: Share, b: Share) -> Ordering {
    match (a, b) {
        (Some((p, whole_p)), Some((q, whole_q))) => {
            (u128::from(q) * u128::from(whole_p)).cmp(&(u128::from(p) * u128::from(whole_q)))
        }
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

fn share_cell(look: &Look, share: Share) -> Cell<'static> {
    let Some((part, whole)) = share else { return Cell::muted("-") };
    let percent = text::percent(part, whole).unwrap_or_default();
    let text = format!("{}{percent:>5}", bar::text(look, part, whole, BAR));
    Cell { text: text.into(), role: bar::role(part, whole) }
}

impl Nodes {
    fn world<'a>(&self, shared: &'a Shared) -> impl Iterator<Item = (ClusterId, &'a ClusterWorld)> {
        let clusters: Vec<ClusterId> = self.clusters.clone();
        clusters.into_iter().filter_map(|id| Some((id, shared.world.cluster(id)?)))
    }

    fn each_node<'a>(&self, shared: &'a Shared) -> impl Iterator<Item = &'a Node> {
        self.world(shared).flat_map(|(_, cluster)| cluster.nodes.iter().map(|(_, node)| node))
    }
}

impl Rows for Nodes {
    type Row = RowId;
    type Key = (ClusterId, Uid);

    fn id(&self) -> PaneId {
        PaneId::Nodes
    }

    fn name(&self, shared: &Shared) -> String {
        // Nodes are a cluster's, and a namespace narrows none of them.
        match shared.environment() {
            _ if shared.all_environments => "Nodes all environments".to_owned(),
            Some(env) => {
                let context = shared.world.cluster(env.cluster).map_or("", |c| &*c.connection.context);
                match *env.name == *context {
                    true => format!("Nodes {}", env.name),
                    false => format!("Nodes {} ({context})", env.name),
                }
            }
            None => "Nodes".to_owned(),
        }
    }

    fn columns(&self, _shared: &Shared) -> Cow<'_, [Column]> {
        let mut columns = COLUMNS.to_vec();
        if let Some(name) = columns.get_mut(NAME) {
            name.width = name.width.max(self.name_width);
            name.most = name.width;
        }
        if self.clusters.len() < 2
            && let Some(cluster) = columns.get_mut(CLUSTER)
        {
            cluster.rank = Column::NEVER;
        }
        Cow::Owned(columns)
    }

    fn changes(&mut self, shared: &Shared) -> Changes<RowId> {
        let clusters = common::clusters(shared);
        let versions = clusters.iter().filter_map(|id| shared.world.cluster(*id));
        let versions =
            versions.map(|c| [c.nodes.version(), c.node_loads_version(), c.usage_version()]).collect();
        let seen = Some(Seen { scope: common::scope_key(shared), clusters, versions });
        if seen == self.seen {
            return Changes::Nothing;
        }
        self.clusters = seen.as_ref().map(|seen| seen.clusters.clone()).unwrap_or_default();
        self.seen = seen;
        let longest = self.each_node(shared).map(|node| text::width(&node.name)).max().unwrap_or(0);
        self.name_width = u16::try_from(longest.min(LONGEST)).unwrap_or(0);
        // Nodes are few beside pods, and any of their numbers may be what they are ordered by.
        Changes::Everything
    }

    fn all(&self, shared: &Shared, each: &mut dyn FnMut(RowId)) {
        for (cluster, facts) in self.world(shared) {
            facts.nodes.iter().for_each(|(slot, _)| each(RowId { cluster, slot }));
        }
    }

    fn shown(&self, shared: &Shared, row: RowId) -> bool {
        self.clusters.contains(&row.cluster) && shared.world.node(row).is_some()
    }

    fn level(&self, shared: &Shared, row: RowId) -> Level {
        shared.world.node(row).map_or(Level::Unknown, Node::level)
    }

    fn counted(&self, shared: &Shared) -> Option<String> {
        let nodes = || self.each_node(shared);
        let mut words = text::count(nodes().count() as u64);
        let cordoned = nodes().filter(|node| node.cordoned).count();
        let unready = nodes().filter(|node| !node.is_ready()).count();
        for (count, word) in [(unready, "not ready"), (cordoned, "cordoned")] {
            if count > 0 {
                words.push_str(&format!(" · {} {word}", text::count(count as u64)));
            }
        }
        Some(words)
    }

    fn compare(&self, shared: &Shared, column: usize, a: RowId, b: RowId) -> Ordering {
        let node = |row: RowId| Some((shared.world.cluster(row.cluster)?, shared.world.node(row)?));
        let (Some((here, x)), Some((there, y))) = (node(a), node(b)) else { return Ordering::Equal };
        match column {
            STATE => y
                .level()
                .cmp(&x.level())
                .then_with(|| words::state(x, shared.now).cmp(&words::state(y, shared.now))),
            CPU_ASKED | CPU_USED | MEMORY_ASKED | MEMORY_USED | PODS => {
                fuller(share(here, x, column), share(there, y, column))
            }
            AGE => y.created.cmp(&x.created),
            VERSION => x.version.cmp(&y.version),
            // Those with taints first.
            TAINTS => {
                let (x, y) = (words::taints(x), words::taints(y));
                x.is_empty().cmp(&y.is_empty()).then(x.cmp(&y))
            }
            CLUSTER => here.connection.context.cmp(&there.connection.context),
            _ => x.name.cmp(&y.name).then(a.cluster.cmp(&b.cluster)),
        }
    }

    fn key(&self, shared: &Shared, row: RowId) -> Option<Self::Key> {
        Some((row.cluster, shared.world.node(row)?.uid))
    }

    fn find(&self, shared: &Shared, key: &Self::Key) -> Option<RowId> {
        let slot = shared.world.cluster(key.0)?.nodes.slot(key.1)?;
        Some(RowId { cluster: key.0, slot })
    }

    fn search(&self, shared: &Shared, row: RowId, look: &mut dyn FnMut(&dyn Haystack) -> bool) -> bool {
        shared.world.node(row).is_some_and(|node| look(node))
    }

    fn cell<'a>(&self, shared: &'a Shared, row: RowId, column: usize, look: &Look) -> Cell<'a> {
        let (Some(node), Some(cluster)) = (shared.world.node(row), shared.world.cluster(row.cluster)) else {
            return Cell::muted("");
        };
        match column {
            NAME => Cell::text(text::fit_middle(&node.name, LONGEST)),
            STATE => Cell::level(node.level(), words::state(node, shared.now)),
            CPU_ASKED | CPU_USED | MEMORY_ASKED | MEMORY_USED => {
                share_cell(look, share(cluster, node, column))
            }
            PODS => match share(cluster, node, column) {
                Some((pods, most)) => Cell::text(format!("{pods}/{most}")),
                None => Cell::muted(format!("-/{}", node.max_pods)),
            },
            AGE => Cell::muted(common::age(node.created, shared.now)),
            VERSION => Cell::muted(&*node.version),
            TAINTS => Cell::text(words::taints(node)),
            CLUSTER => Cell::muted(&*cluster.connection.context),
            _ => Cell::muted(""),
        }
    }

    fn subject(&self, shared: &Shared, row: RowId) -> Option<Subject> {
        shared.world.node_ref(row).map(Subject::Object)
    }

    fn empty(&self, shared: &Shared) -> Vec<String> {
        let mut lines = common::not_readable(shared, &[Kind::Node]);
        let refused = self.world(shared).any(|(_, cluster)| {
            cluster.connection.link == Link::Live && matches!(cluster.feed(Kind::Node), Feed::Forbidden(_))
        });
        if refused {
            lines.push(
                "Lost with it: what nodes can give and how much of it is taken, their conditions, cordon and drain \
                 from here."
                    .to_owned(),
            );
            lines.push(format!("Pods still name their nodes ({}).", shared.key(Action::PanePods)));
        }
        if lines.is_empty() {
            lines.push(match shared.environment() {
                None if !shared.all_environments => "No environment yet.".to_owned(),
                _ => "The cluster has no node: nothing can run on it.".to_owned(),
            });
        }
        lines
    }

    fn stale(&self, shared: &Shared) -> Option<String> {
        common::stale(shared)
    }

    fn loading(&self, shared: &Shared) -> bool {
        common::loading(shared, &[Kind::Node])
    }

    fn gaps(&self, shared: &Shared) -> Option<String> {
        // Pods of all namespaces make up what is asked of a node.
        let mut gaps: Vec<String> =
            common::gaps_in(shared, &self.clusters, &[Kind::Node, Kind::Pod]).into_iter().collect();
        let live = self.world(shared).map(|(_, cluster)| cluster);
        let live = live.filter(|cluster| cluster.connection.link == Link::Live && !cluster.nodes.is_empty());
        gaps.extend(words::gaps(live));
        (!gaps.is_empty()).then(|| gaps.join(" · "))
    }
}
