//! The Pods pane: one row a pod, faults first.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::PaneId;
use super::filter::Haystack;
use super::list::{Cell, Changes, Column, Rows};
use super::words;
use crate::domain::id::{ClusterId, Kind, Name, Uid};
use crate::domain::level::Level;
use crate::domain::meta::Labels;
use crate::domain::pod::Pod;
use crate::fleet::health::workload_above;
use crate::look::Look;
use crate::shared::{Shared, Subject};
use crate::text;
use crate::theme::Role;
use crate::world::{ClusterWorld, RowId};

/// All pods of what is looked at.
#[derive(Debug, Default)]
pub struct Pods {
    seen: Seen,
}

/// What the order was made from.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    scope: Option<words::ScopeKey>,
    versions: Vec<u64>,
    usage: Vec<u64>,
}

const NAME: usize = 0;
const READY: usize = 1;
const STATUS: usize = 2;
const RESTARTS: usize = 3;
const AGE: usize = 4;
const NAMESPACE: usize = 5;
const NODE: usize = 6;
const IMAGE: usize = 7;
const CPU: usize = 8;
const MEMORY: usize = 9;

static COLUMNS: [Column; 10] = [
    Column::new("pod", 26).most(44),
    Column::new("ready", 5),
    Column::new("status", 17).most(24),
    Column::new("restarts", 11),
    Column::new("age", 5).right().rank(1),
    Column::new("namespace", 16).rank(3),
    Column::new("node", 18).most(34).rank(5),
    Column::new("image", 22).most(40).rank(4),
    Column::new("cpu/request", 13).right().rank(2),
    Column::new("memory/limit", 15).right().rank(2),
];

impl Haystack for Pod {
    fn any_text(&self, found: &mut dyn FnMut(&str) -> bool) -> bool {
        found(&self.name)
            || found(&self.status)
            || found(&self.namespace)
            || found(&self.node)
            || self.images.iter().any(|image| found(&image.image))
    }
    fn labels(&self) -> &Labels {
        &self.labels
    }
}

impl Rows for Pods {
    type Row = RowId;
    type Key = (ClusterId, Uid);

    fn id(&self) -> PaneId {
        PaneId::Pods
    }

    fn name(&self, shared: &Shared) -> String {
        format!("Pods {}", words::scope(shared))
    }

    fn columns(&self, shared: &Shared) -> Cow<'_, [Column]> {
        words::with_namespaces(shared, &COLUMNS, NAMESPACE)
    }

    fn changes(&mut self, shared: &Shared) -> Changes<RowId> {
        let scope = Some(words::scope_key(shared));
        let versions: Vec<u64> = shared.world.clusters.iter().map(|c| c.pods.version()).collect();
        // New numbers move every row of an order by use.
        let usage: Vec<u64> = shared.world.clusters.iter().map(ClusterWorld::usage_version).collect();
        if scope != self.seen.scope || usage != self.seen.usage || versions.len() != self.seen.versions.len()
        {
            self.seen = Seen { scope, versions, usage };
            return Changes::Everything;
        }
        if versions == self.seen.versions {
            return Changes::Nothing;
        }
        let mut changed = Vec::new();
        for ((cluster, facts), version) in shared.world.each().zip(&self.seen.versions) {
            match facts.pods.changed_since(*version) {
                Some(slots) => changed.extend(slots.iter().map(|slot| RowId { cluster, slot: *slot })),
                None => {
                    self.seen.versions = versions;
                    return Changes::Everything;
                }
            }
        }
        self.seen.versions = versions;
        Changes::These(changed)
    }

    fn all(&self, shared: &Shared, each: &mut dyn FnMut(RowId)) {
        for (cluster, facts) in shared.world.each() {
            for (slot, pod) in facts.pods.iter() {
                if shared.shows(cluster, &pod.namespace) {
                    each(RowId { cluster, slot });
                }
            }
        }
    }

    fn total(&self, shared: &Shared) -> usize {
        let clusters = shared.world.each();
        clusters.map(|(id, facts)| facts.count_pods(|namespace| shared.shows(id, namespace))).sum()
    }

    fn shown(&self, shared: &Shared, row: RowId) -> bool {
        shared.world.pod(row).is_some_and(|pod| shared.shows(row.cluster, &pod.namespace))
    }

    fn level(&self, shared: &Shared, row: RowId) -> Level {
        shared.world.pod(row).map_or(Level::Unknown, Pod::level)
    }

    fn compare(&self, shared: &Shared, column: usize, a: RowId, b: RowId) -> Ordering {
        let (Some(x), Some(y)) = (shared.world.pod(a), shared.world.pod(b)) else { return Ordering::Equal };
        match column {
            READY => (x.ready, x.total).cmp(&(y.ready, y.total)),
            STATUS => x.status.cmp(&y.status),
            RESTARTS => y.restarts.cmp(&x.restarts),
            AGE => y.created.cmp(&x.created),
            NAMESPACE => x.namespace.cmp(&y.namespace),
            NODE => x.node.cmp(&y.node),
            IMAGE => image(x).cmp(image(y)),
            CPU => {
                shared.world.usage(b).map(|u| u.cpu_milli).cmp(&shared.world.usage(a).map(|u| u.cpu_milli))
            }
            MEMORY => shared.world.usage(b).map(|u| u.memory).cmp(&shared.world.usage(a).map(|u| u.memory)),
            _ => x.name.cmp(&y.name),
        }
    }

    fn key(&self, shared: &Shared, row: RowId) -> Option<Self::Key> {
        Some((row.cluster, shared.world.pod(row)?.uid))
    }

    fn find(&self, shared: &Shared, key: &Self::Key) -> Option<RowId> {
        let slot = shared.world.cluster(key.0)?.pods.slot(key.1)?;
        Some(RowId { cluster: key.0, slot })
    }

    fn search(&self, shared: &Shared, row: RowId, look: &mut dyn FnMut(&dyn Haystack) -> bool) -> bool {
        shared.world.pod(row).is_some_and(|pod| look(pod))
    }

    fn cell<'a>(&self, shared: &'a Shared, row: RowId, column: usize, _look: &Look) -> Cell<'a> {
        let Some(pod) = shared.world.pod(row) else { return Cell::muted("") };
        match column {
            NAME => Cell::text(&*pod.name),
            READY => Cell::text(format!("{}/{}", pod.ready, pod.total)),
            STATUS => Cell { text: (&*pod.status).into(), role: Role::of_level(pod.level()) },
            RESTARTS => restarts(pod),
            AGE => Cell::muted(words::age(pod.created, shared.now)),
            NAMESPACE => Cell::muted(&*pod.namespace),
            NODE => Cell::muted(&*pod.node),
            IMAGE => Cell::muted(words::short_image(image(pod))),
            CPU => usage(
                shared.world.usage(row).map(|u| text::cpu_milli(u.cpu_milli)),
                pod.requests.cpu_milli,
                text::cpu_milli,
            ),
            MEMORY => {
                usage(shared.world.usage(row).map(|u| text::bytes(u.memory)), pod.limits.memory, text::bytes)
            }
            _ => Cell::muted(""),
        }
    }

    fn subject(&self, shared: &Shared, row: RowId) -> Option<Subject> {
        shared.world.pod_ref(row).map(Subject::Object)
    }

    fn entered(&mut self, shared: &mut Shared, row: RowId) {
        let workload = || {
            let owner = shared.world.pod(row)?.owner.as_ref()?.uid;
            let above = workload_above(shared.world.cluster(row.cluster)?, owner)?;
            shared.app_of(row.cluster, above.uid)
        };
        if let Some(app) = workload() {
            shared.app = Some(app);
        }
    }

    fn empty(&self, shared: &Shared) -> Vec<String> {
        words::empty(shared, &[Kind::Pod], "pods")
    }

    fn stale(&self, shared: &Shared) -> Option<String> {
        words::stale(shared)
    }

    fn loading(&self, shared: &Shared) -> bool {
        words::loading(shared, &[Kind::Pod])
    }

    fn gaps(&self, shared: &Shared) -> Option<String> {
        words::gaps(shared, &[Kind::Pod])
    }
}

fn image(pod: &Pod) -> &Name {
    static NONE: std::sync::LazyLock<Name> = std::sync::LazyLock::new(|| "".into());
    pod.images.iter().find(|image| !image.init).map_or(&NONE, |image| &image.image)
}

fn restarts(pod: &Pod) -> Cell<'_> {
    match &pod.last_exit {
        Some(exit) if pod.restarts > 0 || exit.code != 0 => {
            let reason = match &*exit.reason {
                "OOMKilled" => "OOM",
                "Error" | "" => "exit",
                other => other,
            };
            let level = if exit.code == 0 { Level::Idle } else { Level::Warning };
            Cell::level(level, format!("{} ({reason} {})", pod.restarts, exit.code))
        }
        _ if pod.restarts > 0 => Cell::text(pod.restarts.to_string()),
        _ => Cell::muted("0"),
    }
}

fn usage(used: Option<String>, bound: u64, unit: fn(u64) -> String) -> Cell<'static> {
    match (used, bound) {
        (Some(used), 0) => Cell::text(format!("{used}/-")),
        (Some(used), bound) => Cell::text(format!("{used}/{}", unit(bound))),
        (None, 0) => Cell::muted("-"),
        (None, bound) => Cell::muted(format!("-/{}", unit(bound))),
    }
}
