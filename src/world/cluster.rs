//! One cluster's facts and the indexes that follow them.

use std::collections::{HashMap, HashSet};

use super::nodes::{NodeLoad, Nodes};
use super::owned::Owned;
use super::revisions::{Revision, Revisions};
use super::table::{Fact, Table};
use super::tally::PodTally;
use crate::domain::backup::{Backup, Location, Restore, Schedule};
use crate::domain::id::{Kind, Name, Uid};
use crate::domain::link::{Connection, Feed, Link};
use crate::domain::meta::Resources;
use crate::domain::network::{EndpointSlice, Ingress, Service};
use crate::domain::node::{Autoscaler, Namespace, Node, Quota};
use crate::domain::pod::Pod;
use crate::domain::sync::SyncApp;
use crate::domain::time::Now;
use crate::domain::upstream::Operated;
use crate::domain::workload::{ReplicaSet, Workload};
use crate::msg::{ClusterMsg, Delta, Facts, Usage};

macro_rules! facts {
    ($($fact:ty: $namespace:expr),* $(,)?) => {$(
        impl Fact for $fact {
            fn uid(&self) -> Uid {
                self.uid
            }
            fn namespace(&self) -> &str {
                let namespace: fn(&$fact) -> &str = $namespace;
                namespace(self)
            }
        }
    )*};
}

facts! {
    Pod: |f| &f.namespace,
    Workload: |f| &f.namespace,
    ReplicaSet: |f| &f.namespace,
    Service: |f| &f.namespace,
    Ingress: |f| &f.namespace,
    EndpointSlice: |f| &f.namespace,
    Quota: |f| &f.namespace,
    Autoscaler: |f| &f.namespace,
    Backup: |f| &f.namespace,
    Schedule: |f| &f.namespace,
    Restore: |f| &f.namespace,
    Location: |f| &f.namespace,
    Operated: |f| &f.namespace,
    Node: |_| "",
    Namespace: |_| "",
}

impl Fact for SyncApp {
    fn uid(&self) -> Uid {
        self.uid
    }
    fn namespace(&self) -> &str {
        &self.namespace
    }
    /// Argo CD writes the time of each comparison, three minutes apart for each Application: it alone is an age.
    fn is_news(&self, before: &SyncApp) -> bool {
        self.reconciled.is_some() != before.reconciled.is_some()
            || SyncApp { reconciled: before.reconciled, ..self.clone() } != *before
    }
}

/// One cluster's facts.
#[derive(Debug, Default)]
pub struct ClusterWorld {
    /// The connection, its state and its freshness.
    pub connection: Connection,
    /// Pods.
    pub pods: Table<Pod>,
    /// Workloads of all kinds; `workload_feeds` tells how each kind's watch stands.
    pub workloads: Table<Workload>,
    /// ReplicaSets.
    pub replica_sets: Table<ReplicaSet>,
    /// Services.
    pub services: Table<Service>,
    /// Ingresses.
    pub ingresses: Table<Ingress>,
    /// EndpointSlices.
    pub endpoint_slices: Table<EndpointSlice>,
    /// Nodes.
    pub nodes: Table<Node>,
    /// Namespaces.
    pub namespaces: Table<Namespace>,
    /// ResourceQuotas.
    pub quotas: Table<Quota>,
    /// HorizontalPodAutoscalers.
    pub autoscalers: Table<Autoscaler>,
    /// Applications of Argo CD.
    pub applications: Table<SyncApp>,
    /// Objects of Flux of all kinds; [`ClusterWorld::feed`] tells how each kind's watch stands.
    pub flux: Table<SyncApp>,
    /// Velero's Backups.
    pub backups: Table<Backup>,
    /// Velero's Schedules.
    pub schedules: Table<Schedule>,
    /// Velero's Restores.
    pub restores: Table<Restore>,
    /// Velero's BackupStorageLocations.
    pub locations: Table<Location>,
    /// Prometheus and Alertmanager as the Prometheus Operator runs them; [`ClusterWorld::feed`] tells how each kind's
    /// watch stands.
    pub operated: Table<Operated>,
    /// How the watch of each kind stands.
    feeds: HashMap<Kind, Feed>,
    /// The kinds that were once followed here.
    followed: HashSet<Kind>,
    /// How metrics.k8s.io stands.
    pub usage_feed: Feed,
    /// How its list of nodes stands.
    pub node_usage_feed: Feed,
    /// Use of each pod, by slot.
    usage: Vec<Option<Resources>>,
    /// Use of each node, by name.
    node_usage: HashMap<Name, Resources>,
    usage_version: u64,
    pods_by_owner: Owned,
    jobs_by_owner: Owned,
    pods_by_node: Nodes,
    revisions: Revisions,
    tallies: HashMap<Name, PodTally>,
    listing: Listing,
    flux_listing: Listing,
    operated_listing: Listing,
}

impl ClusterWorld {
    /// A cluster that has not answered yet.
    pub fn new(connection: Connection) -> ClusterWorld {
        ClusterWorld { connection, ..ClusterWorld::default() }
    }

    /// Takes news; tells whether anything but ages is otherwise now.
    pub fn apply(&mut self, news: ClusterMsg, now: Now) -> bool {
        match news {
            ClusterMsg::Link(link) => {
                if link == Link::Live {
                    self.connection.last_answer = Some(now.wall);
                }
                self.connection.link = link;
            }
            ClusterMsg::Context { cluster_name, user, server } => {
                self.connection.cluster_name = cluster_name;
                self.connection.user = user;
                self.connection.server = server;
            }
            ClusterMsg::Answered(at) => {
                self.connection.last_answer = Some(at);
                return false;
            }
            ClusterMsg::Identity { version, cluster_uid } => {
                self.connection.version = version;
                self.connection.cluster_uid = cluster_uid;
            }
            ClusterMsg::Feed(kind, feed) => self.set_feed(kind, feed),
            ClusterMsg::Facts(facts) => {
                let before = self.version();
                self.take(facts);
                return self.version() != before;
            }
            ClusterMsg::Usage(usage) => self.take_usage(usage),
        }
        true
    }

    /// Rises with every change of any object.
    fn version(&self) -> u64 {
        [
            self.pods.version(),
            self.workloads.version(),
            self.replica_sets.version(),
            self.services.version(),
            self.ingresses.version(),
            self.endpoint_slices.version(),
            self.nodes.version(),
            self.namespaces.version(),
            self.quotas.version(),
            self.autoscalers.version(),
            self.applications.version(),
            self.flux.version(),
            self.backups.version(),
            self.schedules.version(),
            self.restores.version(),
            self.locations.version(),
            self.operated.version(),
        ]
        .iter()
        .sum()
    }

    fn set_feed(&mut self, kind: Kind, feed: Feed) {
        match kind {
            Kind::Pod => self.pods.feed = feed.clone(),
            Kind::ReplicaSet => self.replica_sets.feed = feed.clone(),
            Kind::Service => self.services.feed = feed.clone(),
            Kind::Ingress => self.ingresses.feed = feed.clone(),
            Kind::EndpointSlice => self.endpoint_slices.feed = feed.clone(),
            Kind::Node => self.nodes.feed = feed.clone(),
            Kind::Namespace => self.namespaces.feed = feed.clone(),
            Kind::ResourceQuota => self.quotas.feed = feed.clone(),
            Kind::HorizontalPodAutoscaler => self.autoscalers.feed = feed.clone(),
            Kind::Application => self.applications.feed = feed.clone(),
            Kind::Backup => self.backups.feed = feed.clone(),
            Kind::Schedule => self.schedules.feed = feed.clone(),
            Kind::Restore => self.restores.feed = feed.clone(),
            Kind::BackupStorageLocation => self.locations.feed = feed.clone(),
            // Several kinds in one table, or in none.
            _ => {}
        }
        match feed {
            Feed::Live | Feed::Partly { .. } => drop(self.followed.insert(kind)),
            // Begun anew, perhaps before another cluster.
            Feed::Loading => drop(self.followed.remove(&kind)),
            Feed::Forbidden(_) | Feed::Absent | Feed::Failed(_) => {}
        }
        self.feeds.insert(kind, feed);
    }

    /// How the watch of a kind stands.
    pub fn feed(&self, kind: Kind) -> Feed {
        self.feeds.get(&kind).cloned().unwrap_or_default()
    }

    /// Whether a kind was followed and is not served any more: its definition was taken away.
    pub fn is_removed(&self, kind: Kind) -> bool {
        self.followed.contains(&kind) && self.feeds.get(&kind) == Some(&Feed::Absent)
    }

    fn take(&mut self, facts: Facts) {
        match facts {
            Facts::Pods(deltas) => self.take_pods(deltas),
            Facts::Workloads(kind, deltas) => self.take_workloads(kind, deltas),
            Facts::ReplicaSets(deltas) => take_plain(&mut self.replica_sets, deltas),
            Facts::Services(deltas) => take_plain(&mut self.services, deltas),
            Facts::Ingresses(deltas) => take_plain(&mut self.ingresses, deltas),
            Facts::EndpointSlices(deltas) => take_plain(&mut self.endpoint_slices, deltas),
            Facts::Nodes(deltas) => take_plain(&mut self.nodes, deltas),
            Facts::Namespaces(deltas) => take_plain(&mut self.namespaces, deltas),
            Facts::Quotas(deltas) => take_plain(&mut self.quotas, deltas),
            Facts::Autoscalers(deltas) => take_plain(&mut self.autoscalers, deltas),
            Facts::Applications(deltas) => take_plain(&mut self.applications, deltas),
            Facts::Flux(kind, deltas) => {
                take_kind(&mut self.flux, &mut self.flux_listing, kind, deltas, |_, _, _| {});
            }
            Facts::Backups(deltas) => take_plain(&mut self.backups, deltas),
            Facts::Schedules(deltas) => take_plain(&mut self.schedules, deltas),
            Facts::Restores(deltas) => take_plain(&mut self.restores, deltas),
            Facts::Locations(deltas) => take_plain(&mut self.locations, deltas),
            Facts::Operated(kind, deltas) => {
                take_kind(&mut self.operated, &mut self.operated_listing, kind, deltas, |_, _, _| {});
            }
        }
    }

    fn take_pods(&mut self, deltas: Vec<Delta<Pod>>) {
        let ClusterWorld { pods, workloads, pods_by_owner, pods_by_node, revisions, tallies, usage, .. } =
            self;
        let owner = |pod: Option<&Pod>| pod.and_then(|pod| pod.owner.as_ref()).map(|owner| owner.uid);
        for delta in deltas {
            pods.apply(delta, |slot, old, new| {
                pods_by_node.take(slot, old, new);
                pods_by_owner.take(slot, owner(old), owner(new));
                if let Some(old) = old
                    && let Some(tally) = tallies.get_mut(&old.namespace)
                {
                    tally.remove(old);
                }
                if let Some(new) = new {
                    if old.is_none() {
                        revisions.take(new);
                    }
                    match tallies.get_mut(&new.namespace) {
                        Some(tally) => tally.add(new),
                        None => tallies.entry(new.namespace.clone()).or_default().add(new),
                    }
                } else {
                    if let Some(used) = usage.get_mut(slot as usize) {
                        *used = None;
                    }
                    // The last one of a controller that is gone, or that nobody may list.
                    if let Some(owner) = owner(old)
                        && pods_by_owner.slots(owner).is_empty()
                        && workloads.get(owner).is_none()
                    {
                        revisions.forget(owner);
                    }
                }
            });
        }
    }

    fn take_workloads(&mut self, kind: Kind, deltas: Vec<Delta<Workload>>) {
        let ClusterWorld { workloads, listing, jobs_by_owner, pods_by_owner, revisions, .. } = self;
        let owner = |workload: Option<&Workload>| {
            let job = workload.filter(|workload| workload.kind == Kind::Job);
            job.and_then(|job| job.owner.as_ref()).map(|owner| owner.uid)
        };
        take_kind(workloads, listing, kind, deltas, |slot, old, new| {
            jobs_by_owner.take(slot, owner(old), owner(new));
            // It may only be that nobody may list it any more: while it has pods, the last of them tells.
            if let (Some(old), None) = (old, new)
                && pods_by_owner.slots(old.uid).is_empty()
            {
                revisions.forget(old.uid);
            }
        });
    }

    fn take_usage(&mut self, usage: Usage) {
        self.usage_feed = usage.feed;
        self.node_usage_feed = usage.node_feed;
        self.usage_version += 1;
        let by_name: HashMap<(&str, &str), Resources> = usage
            .pods
            .iter()
            .map(|(namespace, pod, used)| ((namespace.as_ref(), pod.as_ref()), *used))
            .collect();
        self.usage.clear();
        if !by_name.is_empty() {
            self.usage.resize(self.pods.slots(), None);
            for (slot, pod) in self.pods.iter() {
                self.usage[slot as usize] =
                    by_name.get(&(pod.namespace.as_ref(), pod.name.as_ref())).copied();
            }
        }
        self.node_usage = usage.nodes.into_iter().collect();
    }

    /// What the pod of a slot uses.
    pub fn pod_usage(&self, slot: u32) -> Option<Resources> {
        self.usage.get(slot as usize).copied().flatten()
    }

    /// What a node uses.
    pub fn node_usage(&self, node: &str) -> Option<Resources> {
        self.node_usage.get(node).copied()
    }

    /// What the pods of a node ask for.
    pub fn node_load(&self, node: &str) -> NodeLoad {
        self.pods_by_node.load(node)
    }

    /// Slots of the pods of a node, those that have ended too.
    pub fn pods_on(&self, node: &str) -> &[u32] {
        self.pods_by_node.slots(node)
    }

    /// Rises whenever what the pods of a node ask for changes.
    pub fn node_loads_version(&self) -> u64 {
        self.pods_by_node.version()
    }

    /// Rises with every answer of metrics.k8s.io.
    pub fn usage_version(&self) -> u64 {
        self.usage_version
    }

    /// Slots of the pods that a controller owns directly.
    pub fn pods_owned_by(&self, owner: Uid) -> &[u32] {
        self.pods_by_owner.slots(owner)
    }

    /// The Jobs of a CronJob, with their slots, in no order.
    pub fn jobs_of(&self, cron: Uid) -> impl Iterator<Item = (u32, &Workload)> {
        let slots = self.jobs_by_owner.slots(cron).iter();
        slots.filter_map(|slot| Some((*slot, self.workloads.at(*slot)?)))
    }

    /// The templates of a StatefulSet or DaemonSet whose pods were seen, in no order.
    pub fn revisions_of(&self, controller: Uid) -> &[Revision] {
        self.revisions.of(controller)
    }

    /// Slots of a workload's pods, through its ReplicaSets or Jobs too.
    pub fn pods_of(&self, workload: &Workload) -> Vec<u32> {
        let mut slots = self.pods_owned_by(workload.uid).to_vec();
        match workload.kind {
            Kind::Deployment | Kind::Rollout => {
                for (_, set) in self.replica_sets.iter() {
                    if set.owner.as_ref().is_some_and(|owner| owner.uid == workload.uid) {
                        slots.extend_from_slice(self.pods_owned_by(set.uid));
                    }
                }
            }
            Kind::CronJob => {
                for (_, job) in self.jobs_of(workload.uid) {
                    slots.extend_from_slice(self.pods_owned_by(job.uid));
                }
            }
            _ => {}
        }
        slots
    }

    /// The HorizontalPodAutoscaler that sets a workload's replicas.
    pub fn autoscaler_of(&self, workload: &Workload) -> Option<&Autoscaler> {
        self.autoscalers.iter().map(|(_, autoscaler)| autoscaler).find(|autoscaler| {
            autoscaler.namespace == workload.namespace
                && autoscaler.target_name == workload.name
                && *autoscaler.target_kind == *workload.kind.word()
        })
    }

    /// Counts of a namespace's pods.
    pub fn tally(&self, namespace: &str) -> PodTally {
        self.tallies.get(namespace).copied().unwrap_or_default()
    }

    /// How many pods there are in the namespaces that `wanted` names.
    pub fn count_pods(&self, wanted: impl Fn(&str) -> bool) -> usize {
        self.tallies
            .iter()
            .filter(|(namespace, _)| wanted(namespace))
            .map(|(_, tally)| tally.total as usize)
            .sum()
    }

    /// Counts of all pods.
    pub fn total_tally(&self) -> PodTally {
        let mut total = PodTally::default();
        for tally in self.tallies.values() {
            total += *tally;
        }
        total
    }

    /// Names of all namespaces that are known: listed, or seen on an object
    /// where namespaces may not be listed. Sorted.
    pub fn namespace_names(&self) -> Vec<Name> {
        let mut names: Vec<Name> = if self.namespaces.has_data() {
            self.namespaces.iter().map(|(_, namespace)| namespace.name.clone()).collect()
        } else {
            self.tallies
                .keys()
                .cloned()
                .chain(self.workloads.iter().map(|(_, w)| w.namespace.clone()))
                .collect()
        };
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// The open lists of the kinds that share one table: what each has named so far, since each kind sweeps its own.
type Listing = HashMap<(Kind, Option<Name>), Vec<Uid>>;

/// A fact of a table that several kinds share.
trait OfKind: Fact {
    fn kind(&self) -> Kind;
}

impl OfKind for Workload {
    fn kind(&self) -> Kind {
        self.kind
    }
}

impl OfKind for SyncApp {
    fn kind(&self) -> Kind {
        self.kind
    }
}

impl OfKind for Operated {
    fn kind(&self) -> Kind {
        self.kind
    }
}

/// Takes the steps of one kind's watch into the table that it shares, and tells `changed` as the table does.
fn take_kind<T: OfKind>(
    table: &mut Table<T>,
    listing: &mut Listing,
    kind: Kind,
    deltas: Vec<Delta<T>>,
    mut changed: impl FnMut(u32, Option<&T>, Option<&T>),
) {
    let within =
        |namespace: &Option<Name>, fact: &T| namespace.as_ref().is_none_or(|n| **n == *fact.namespace());
    for delta in deltas {
        match delta {
            Delta::Begin(namespace) => {
                // A kind is followed as a whole or by namespaces. A list of the other sort was cut off for good;
                // left open it would take note of every change for ever.
                listing.retain(|(listed, open), _| *listed != kind || open.is_some() == namespace.is_some());
                listing.insert((kind, namespace), Vec::new());
            }
            Delta::End(namespace) => {
                let Some(mut seen) = listing.remove(&(kind, namespace.clone())) else { continue };
                seen.sort_unstable();
                let gone: Vec<Uid> = table
                    .iter()
                    .map(|(_, fact)| fact)
                    .filter(|fact| fact.kind() == kind && within(&namespace, fact))
                    .map(Fact::uid)
                    .filter(|uid| seen.binary_search(uid).is_err())
                    .collect();
                for uid in gone {
                    table.apply(Delta::Gone(uid), &mut changed);
                }
            }
            Delta::Put(fact) => {
                for ((listed, namespace), seen) in listing.iter_mut() {
                    if *listed == kind && within(namespace, &fact) {
                        seen.push(fact.uid());
                    }
                }
                table.apply(Delta::Put(fact), &mut changed);
            }
            Delta::Gone(uid) => table.apply(Delta::Gone(uid), &mut changed),
        }
    }
}

fn take_plain<T: Fact>(table: &mut Table<T>, deltas: Vec<Delta<T>>) {
    for delta in deltas {
        table.apply(delta, |_, _, _| {});
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_was_cut_off_for_good_does_not_stay_open() {
        let mut cluster = ClusterWorld::default();
        let mut send = |deltas| {
            cluster.apply(ClusterMsg::Facts(Facts::Workloads(Kind::Job, deltas)), Now::default());
            let mut open: Vec<_> = cluster.listing.keys().map(|(_, namespace)| namespace.clone()).collect();
            open.sort_unstable();
            open
        };
        let [a, b] = ["a", "b"].map(|name| Some(Name::from(name)));
        assert_eq!(send(vec![Delta::Begin(None)]), [None]);
        assert_eq!(send(vec![Delta::Begin(a.clone()), Delta::Begin(b.clone())]), [a, b.clone()]);
        assert_eq!(send(vec![Delta::End(Some("a".into()))]), [b]);
        assert_eq!(send(vec![Delta::Begin(None)]), [None]);
        assert_eq!(send(vec![Delta::End(None)]), []);
    }
}
