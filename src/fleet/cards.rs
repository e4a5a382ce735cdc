//! The card of each environment: what runs it, how well it is and why, counts
//! of workloads and pods, and how much of its quota is used.
//!
//! [`Cards::refresh`] looks at workloads only when a table has changed and never
//! at single pods but when metrics arrive; a frame only turns [`Card`]s into
//! text. What moves with the clock is [`super::Freshness`].

use std::collections::HashMap;

use super::freshness::Freshness;
use super::health::{Health, Standing, why};
use super::provider::{Platform, platform};
use crate::domain::environment::{Environment, Environments, Group};
use crate::domain::id::{ClusterId, EnvId, Kind, Name};
use crate::domain::level::Level;
use crate::domain::link::{Feed, Link, WATCHED};
use crate::domain::meta::Resources;
use crate::domain::time::Now;
use crate::world::{ClusterWorld, PodTally, World};

/// How an environment stands. Of a bare context ([`Group::Context`]) only the
/// freshness says anything: it is drawn dim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Which environment.
    pub env: EnvId,
    /// A context of which nothing more is known.
    pub dim: bool,
    /// Who runs the cluster; `None` before anything answered.
    pub platform: Option<Platform>,
    /// How well it is.
    pub level: Level,
    /// Why, in words: the worst workload, else pods; empty when all is well. The
    /// connection's own words come from [`Freshness`].
    pub reason: String,
    /// Workloads that are as they should be.
    pub ready: u32,
    /// Workloads that count: Jobs only while they run or when they failed, and
    /// never those of a CronJob.
    pub workloads: u32,
    /// Workloads that are broken.
    pub critical: u32,
    /// Workloads that want a look.
    pub warning: u32,
    /// Counts of its pods.
    pub pods: PodTally,
    /// Processor: thousandths of a core.
    pub cpu: Option<Share>,
    /// Memory: bytes.
    pub memory: Option<Share>,
    /// What its pods use now, when metrics are served.
    pub usage: Option<Resources>,
    /// Kinds that cannot be had, with the reason.
    pub missing: Vec<(Kind, Name)>,
}

/// A part of a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Taken.
    pub used: u64,
    /// There.
    pub hard: u64,
    /// What it is a part of.
    pub basis: Basis,
}

/// What a [`Share`] is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The ResourceQuota of the environment's namespaces that is fullest.
    Quota,
    /// What the cluster's nodes can allocate, taken by the requests of all its
    /// pods: what is left is what any environment there can still get.
    Nodes,
}

impl Share {
    /// Whole per cent, rounded down; 0 when there is no whole.
    pub fn percent(self) -> u64 {
        if self.hard == 0 {
            0
        } else {
            u64::try_from(u128::from(self.used) * 100 / u128::from(self.hard)).unwrap_or(u64::MAX)
        }
    }

    /// Whether `self` is the fuller of two.
    fn is_fuller(self, other: Share) -> bool {
        u128::from(self.used) * u128::from(other.hard) > u128::from(other.used) * u128::from(self.hard)
    }
}

/// The cards, kept up to date with the world.
#[derive(Debug, Default)]
pub struct Cards {
    /// One for each environment, in their order.
    pub list: Vec<Card>,
    environments: Environments,
    seen: Vec<Seen>,
    health_version: u64,
    basis: Vec<ClusterBasis>,
}

/// What was looked at of one cluster.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    versions: [u64; 5],
    link: Link,
    feeds: Vec<Feed>,
}

/// What all environments of a cluster share.
#[derive(Debug, Default)]
struct ClusterBasis {
    nodes_version: Option<u64>,
    version_text: Name,
    platform: Option<Platform>,
    allocatable: Resources,
    usage_version: u64,
    usage: HashMap<Name, Resources>,
}

impl Cards {
    /// Follows the world. Returns whether anything may have changed.
    pub fn refresh(&mut self, environments: &Environments, world: &World, health: &Health) -> bool {
        let seen: Vec<Seen> = world.clusters.iter().map(seen).collect();
        let same_environments = self.environments == *environments;
        if same_environments && self.seen == seen && self.health_version == health.version() {
            return false;
        }
        if !same_environments {
            self.environments = environments.clone();
        }
        self.seen = seen;
        self.health_version = health.version();
        self.basis.resize_with(world.clusters.len(), ClusterBasis::default);
        for (basis, cluster) in self.basis.iter_mut().zip(&world.clusters) {
            basis.refresh(cluster);
        }
        let mut counts = count_workloads(environments, world, health);
        self.list = environments
            .list
            .iter()
            .map(|env| {
                let count = counts.remove(&env.id).unwrap_or_default();
                self.card(env, world.cluster(env.cluster), health, count)
            })
            .collect();
        true
    }

    /// The card of an environment.
    pub fn get(&self, id: EnvId) -> Option<&Card> {
        self.list.get(usize::from(id.0))
    }

    fn card(
        &self,
        env: &Environment,
        cluster: Option<&ClusterWorld>,
        health: &Health,
        count: Count<'_>,
    ) -> Card {
        let mut card = Card {
            env: env.id,
            dim: env.group == Group::Context,
            platform: None,
            level: Level::Unknown,
            reason: String::new(),
            ready: count.ready,
            workloads: count.total,
            critical: count.critical,
            warning: count.warning,
            pods: PodTally::default(),
            cpu: None,
            memory: None,
            usage: None,
            missing: Vec::new(),
        };
        let basis = self.basis.get(usize::from(env.cluster.0));
        if let (Some(cluster), Some(basis)) = (cluster, basis) {
            card.platform = basis.platform.clone();
            card.missing = missing(env, cluster);
            for namespace in env.scope.namespaces() {
                card.pods += cluster.tally(namespace);
                if let Some(used) = basis.usage.get(namespace) {
                    card.usage = Some(card.usage.unwrap_or_default() + *used);
                }
            }
            if !card.dim {
                (card.cpu, card.memory) = shares(env, cluster, basis);
            }
        }
        (card.level, card.reason) = judge(env, cluster, health, &count, &card.pods);
        card
    }
}

fn seen(cluster: &ClusterWorld) -> Seen {
    Seen {
        versions: [
            cluster.pods.version(),
            cluster.workloads.version(),
            cluster.nodes.version(),
            cluster.quotas.version(),
            cluster.usage_version(),
        ],
        link: cluster.connection.link.clone(),
        feeds: WATCHED.into_iter().map(|kind| cluster.feed(kind)).collect(),
    }
}

impl ClusterBasis {
    fn refresh(&mut self, cluster: &ClusterWorld) {
        let version = &cluster.connection.version;
        if self.nodes_version != Some(cluster.nodes.version()) || self.version_text != *version {
            self.nodes_version = Some(cluster.nodes.version());
            self.version_text = version.clone();
            let nodes = || cluster.nodes.iter().map(|(_, node)| node);
            let known = !version.is_empty() || !cluster.nodes.is_empty();
            self.platform = known.then(|| platform(version, nodes()));
            self.allocatable = nodes()
                .filter(|node| &*node.ready == "True" && !node.cordoned)
                .fold(Resources::default(), |sum, node| sum + node.allocatable);
        }
        if self.usage_version != cluster.usage_version() {
            self.usage_version = cluster.usage_version();
            self.usage.clear();
            for (slot, pod) in cluster.pods.iter() {
                if let Some(used) = cluster.pod_usage(slot) {
                    let sum = self.usage.entry(pod.namespace.clone()).or_default();
                    *sum = *sum + used;
                }
            }
        }
    }
}

fn missing(env: &Environment, cluster: &ClusterWorld) -> Vec<(Kind, Name)> {
    WATCHED
        .into_iter()
        .filter_map(|kind| match cluster.feed(kind).within(env.scope.namespaces()) {
            Feed::Forbidden(message) | Feed::Failed(message) => Some((kind, message)),
            Feed::Partly { refused, message } => {
                Some((kind, format!("forbidden in {}: {message}", refused.join(", ")).into()))
            }
            Feed::Loading | Feed::Live | Feed::Absent => None,
        })
        .collect()
}

/// The workloads of one environment.
#[derive(Default)]
struct Count<'a> {
    ready: u32,
    total: u32,
    critical: u32,
    warning: u32,
    worst: Option<(Level, &'a crate::domain::workload::Workload, Standing)>,
}

fn count_workloads<'a>(
    environments: &Environments,
    world: &'a World,
    health: &Health,
) -> HashMap<EnvId, Count<'a>> {
    let mut counts: HashMap<EnvId, Count<'a>> = HashMap::new();
    for (id, cluster) in world.each() {
        let homes = homes(environments, id);
        for (_, workload) in cluster.workloads.iter() {
            let Some(envs) = homes.get(&workload.namespace) else { continue };
            if workload.kind == Kind::Job && workload.owner.is_some() {
                continue;
            }
            let standing = health.of(id, workload);
            if workload.kind == Kind::Job && standing.level == Level::Idle {
                continue;
            }
            let well = matches!(standing.level, Level::Ok | Level::Idle)
                || matches!(workload.kind, Kind::Job | Kind::CronJob) && standing.level == Level::Progressing;
            for env in envs {
                let count = counts.entry(*env).or_default();
                count.total += 1;
                count.ready += u32::from(well);
                count.critical += u32::from(standing.level == Level::Critical);
                count.warning += u32::from(standing.level == Level::Warning);
                let worse = count
                    .worst
                    .as_ref()
                    .is_none_or(|(level, known, _)| (standing.level, &known.name) > (*level, &workload.name));
                if !well && worse {
                    count.worst = Some((standing.level, workload, standing));
                }
            }
        }
    }
    counts
}

/// The environments that each namespace of a cluster belongs to.
pub(super) fn homes(environments: &Environments, cluster: ClusterId) -> HashMap<Name, Vec<EnvId>> {
    let mut homes: HashMap<Name, Vec<EnvId>> = HashMap::new();
    for env in environments.list.iter().filter(|env| env.cluster == cluster) {
        for namespace in env.scope.namespaces() {
            homes.entry(namespace.clone()).or_default().push(env.id);
        }
    }
    homes
}

/// How well an environment is and why.
fn judge(
    env: &Environment,
    cluster: Option<&ClusterWorld>,
    health: &Health,
    count: &Count<'_>,
    pods: &PodTally,
) -> (Level, String) {
    // Without a clock only the connection's state speaks; silence is no fault.
    let fresh = Freshness::of(cluster, env.scope.namespaces(), Now::default());
    if let Some(level) = fresh.level() {
        return (level, String::new());
    }
    let Some(cluster) = cluster else { return (Level::Unknown, String::new()) };
    if let Some((level, workload, standing)) = &count.worst {
        return (*level, why(cluster, workload, *standing));
    }
    let strays: u32 =
        env.scope.namespaces().iter().map(|namespace| health.strays(env.cluster, namespace)).sum();
    if strays > 0 {
        let plural = if strays == 1 { "pod fails" } else { "pods fail" };
        return (Level::Warning, format!("{strays} {plural} that no workload owns"));
    }
    let nothing = count.total == 0 && pods.total == 0;
    // Well as far as can be seen is not well, nor is what was well when it was seen last.
    let unseen = match fresh {
        Freshness::Partly { .. } | Freshness::Failing { .. } => true,
        Freshness::Forbidden { .. } => nothing,
        _ => false,
    };
    if unseen {
        return (Level::Unknown, String::new());
    }
    if nothing {
        return (Level::Idle, "nothing runs here".to_owned());
    }
    (Level::Ok, String::new())
}

/// How full the quotas of an environment are, else its cluster.
fn shares(env: &Environment, cluster: &ClusterWorld, basis: &ClusterBasis) -> (Option<Share>, Option<Share>) {
    let mut cpu: Option<Share> = None;
    let mut memory: Option<Share> = None;
    for (_, quota) in cluster.quotas.iter().filter(|(_, quota)| env.scope.contains(&quota.namespace)) {
        for item in quota.items.iter() {
            let (kept, unit) = match &*item.resource {
                "cpu" | "requests.cpu" | "limits.cpu" => (&mut cpu, 1),
                "memory" | "requests.memory" | "limits.memory" => (&mut memory, 1_000),
                _ => continue,
            };
            let share = Share {
                used: u64::try_from(item.used_milli / unit).unwrap_or(u64::MAX),
                hard: u64::try_from(item.hard_milli / unit).unwrap_or(u64::MAX),
                basis: Basis::Quota,
            };
            if share.hard > 0 && kept.is_none_or(|known| share.is_fuller(known)) {
                *kept = Some(share);
            }
        }
    }
    let requests = cluster.total_tally().requests;
    let of_nodes = |used, hard| (hard > 0).then_some(Share { used, hard, basis: Basis::Nodes });
    (
        cpu.or_else(|| of_nodes(requests.cpu_milli, basis.allocatable.cpu_milli)),
        memory.or_else(|| of_nodes(requests.memory, basis.allocatable.memory)),
    )
}

#[cfg(test)]
#[path = "cards_tests.rs"]
mod tests;
