//! What Argo CD and Flux deliver, by environment: to which environments each Application or Flux object belongs, how
//! well it is as far as the target cluster tells more than the object itself, and counts for the cards.
//!
//! An object stands in one cluster (the control plane's) and may deliver to another: its destination is looked for
//! among the connections by server URL and by name. Nothing is guessed: what fits no connection and no configuration
//! belongs to no environment, and is shown where all of them are looked at.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::cards::homes;
use super::destination::connections;
use super::health::{Health as Workloads, why};
use super::wanted::{Wanted, WantedEnvironment};
use crate::domain::environment::{Environment, Environments, NO_CLUSTER};
use crate::domain::id::{ClusterId, EnvId, Kind, Name, ObjectRef, Uid};
use crate::domain::level::Level;
use crate::domain::link::{Feed, Link};
use crate::domain::sync::{Destination, FLUX, Health, Standing, Sync, SyncApp, Verdict};
use crate::domain::workload::Workload;
use crate::world::{ClusterWorld, World};

/// One Application or Flux object, with what follows for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The object, in the cluster of its control plane.
    pub object: ObjectRef,
    /// The connections to the cluster that it delivers to; empty when there is none.
    pub targets: Vec<ClusterId>,
    /// The environments that it belongs to; empty when none is known.
    pub environments: Vec<EnvId>,
    /// How well it is, and why.
    pub verdict: Verdict,
    /// How far what is wanted has come.
    pub standing: Standing,
    /// It only fetches (a Flux source).
    pub source: bool,
}

/// How the apps of an environment stand. Flux's sources are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncCounts {
    /// All of them.
    pub total: u32,
    /// As wanted, whatever their health.
    pub synced: u32,
    /// Not as wanted.
    pub drift: u32,
    /// On their way.
    pub syncing: u32,
    /// Not to be delivered.
    pub failed: u32,
    /// Not comparable.
    pub unknown: u32,
    /// Suspended.
    pub suspended: u32,
}

/// All that is delivered, kept up to date with the world.
#[derive(Debug, Default)]
pub struct Syncs {
    /// Every Application and Flux object, by cluster.
    pub list: Vec<Delivery>,
    counts: Vec<SyncCounts>,
    by_uid: HashMap<(ClusterId, Uid), u32>,
    /// By the cluster that it delivers to and its name, which objects there carry as a mark.
    by_mark: HashMap<(ClusterId, Name), Vec<u32>>,
    version: u64,
    seen: Option<u64>,
    environments: Environments,
    /// Some verdict depends on whether a workload is there.
    looks_at_workloads: bool,
}

impl SyncCounts {
    fn add(&mut self, standing: Standing) {
        self.total += 1;
        let count = match standing {
            Standing::Failed => &mut self.failed,
            Standing::Drift => &mut self.drift,
            Standing::Unknown => &mut self.unknown,
            Standing::Syncing => &mut self.syncing,
            Standing::Suspended => &mut self.suspended,
            Standing::Synced => &mut self.synced,
        };
        *count += 1;
    }
}

impl Syncs {
    /// Follows the world. Returns whether anything may have changed.
    pub fn refresh(&mut self, wanted: &Wanted, environments: &Environments, world: &World) -> bool {
        if self.seen == Some(self.fingerprint(wanted, world)) && self.environments == *environments {
            return false;
        }
        if self.environments != *environments {
            self.environments = environments.clone();
        }
        self.list.clear();
        self.work_out(wanted, environments, world);
        self.version += 1;
        // Only now it is known whether workloads are looked at.
        self.seen = Some(self.fingerprint(wanted, world));
        true
    }

    /// What the deliveries follow from, but for the environments.
    fn fingerprint(&self, wanted: &Wanted, world: &World) -> u64 {
        let mut hasher = DefaultHasher::new();
        wanted.hash(&mut hasher);
        for cluster in &world.clusters {
            let connection = &cluster.connection;
            (cluster.applications.version(), cluster.flux.version()).hash(&mut hasher);
            (&connection.server, &connection.context, &connection.cluster_uid).hash(&mut hasher);
            connection.same_as.hash(&mut hasher);
            (connection.link == Link::Dim).hash(&mut hasher);
            if self.looks_at_workloads {
                let whole = [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet]
                    .map(|kind| cluster.feed(kind) == Feed::Live);
                (cluster.workloads.version(), whole).hash(&mut hasher);
            }
        }
        hasher.finish()
    }

    fn work_out(&mut self, wanted: &Wanted, environments: &Environments, world: &World) {
        let mut scene = Scene::new(wanted, environments, world);
        for (id, cluster) in world.each() {
            // Two contexts to one cluster are one.
            if cluster.connection.same_as.is_some() && !first_is_dim(world, cluster) {
                continue;
            }
            for app in apps_of(cluster) {
                let delivery = scene.delivery(id, cluster, app);
                self.list.push(delivery);
            }
        }
        scene.place_sources(&mut self.list, world);
        self.looks_at_workloads = scene.looks_at_workloads;
        self.counts = vec![SyncCounts::default(); environments.list.len()];
        self.by_uid.clear();
        self.by_mark.clear();
        for (at, delivery) in self.list.iter().enumerate() {
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            self.by_uid.insert((delivery.object.cluster, delivery.object.uid), at);
            if delivery.source {
                continue;
            }
            for env in &delivery.environments {
                if let Some(counts) = self.counts.get_mut(usize::from(env.0)) {
                    counts.add(delivery.standing);
                }
            }
            for target in &delivery.targets {
                // Objects of an Application outside of its control plane's namespace carry both names.
                let object = &delivery.object;
                let long = format!("{}_{}", object.namespace, object.name);
                self.by_mark.entry((*target, object.name.clone())).or_default().push(at);
                self.by_mark.entry((*target, long.into())).or_default().push(at);
            }
        }
    }

    /// Rises whenever something is otherwise.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Counts of an environment.
    pub fn counts(&self, env: EnvId) -> SyncCounts {
        self.counts.get(usize::from(env.0)).copied().unwrap_or_default()
    }

    /// One of them by identity.
    pub fn get(&self, cluster: ClusterId, uid: Uid) -> Option<&Delivery> {
        self.list.get(self.at(cluster, uid)?)
    }

    /// The place in the list of one of them.
    pub fn at(&self, cluster: ClusterId, uid: Uid) -> Option<usize> {
        self.by_uid.get(&(cluster, uid)).and_then(|at| usize::try_from(*at).ok())
    }

    /// What delivers a workload: the mark that it carries names it; an older Argo CD marks with the instance label.
    pub fn of_workload(&self, cluster: ClusterId, workload: &Workload) -> Option<&Delivery> {
        let instance = || workload.labels.get("app.kubernetes.io/instance");
        let mark = workload.delivered_by.as_ref().or_else(instance)?;
        let found = self.by_mark.get(&(cluster, mark.clone()))?;
        let mut found = found.iter().filter_map(|at| self.list.get(usize::try_from(*at).ok()?));
        let first = found.next()?;
        // Two of one name in different namespaces: the one whose environment the workload stands in.
        let here = |delivery: &&Delivery| {
            let of_it = |env: &Environment| env.cluster == cluster && env.scope.contains(&workload.namespace);
            delivery.environments.iter().filter_map(|env| self.environments.get(*env)).any(of_it)
        };
        Some(if here(&first) { first } else { found.find(here).unwrap_or(first) })
    }

    /// Why no app is shown for an environment, in a few words; `None` when there are some, or none is needed.
    pub fn absence(&self, wanted: &Wanted, world: &World, env: &Environment) -> Option<String> {
        if self.counts(env.id).total > 0 {
            return None;
        }
        // It is said who delivers: what others have not says nothing.
        let mut named = named_control_planes(wanted, &self.environments, world, env);
        if let Some(away) = named.find_map(|id| world.cluster(id).filter(|c| c.connection.link != Link::Live))
        {
            let (context, link) = (&away.connection.context, &away.connection.link);
            return Some(match link {
                Link::Connecting => "loading".to_owned(),
                Link::Dim => format!("not known: {context} is not connected"),
                _ => format!("not known: {context} does not answer"),
            });
        }
        let clusters: Vec<&ClusterWorld> = control_planes(world, env).collect();
        let kinds = || std::iter::once(Kind::Application).chain(FLUX.into_iter().take(2));
        let feeds = || clusters.iter().flat_map(|cluster| kinds().map(|kind| cluster.feed(kind)));
        let any = |wanted: fn(&Feed) -> bool| feeds().any(|feed| wanted(&feed));
        Some(
            if any(|feed| matches!(feed, Feed::Forbidden(_) | Feed::Partly { .. })) {
                "not readable"
            } else if any(|feed| matches!(feed, Feed::Failed(_))) {
                "cannot be read"
            } else if any(|feed| *feed == Feed::Loading) {
                "loading"
            } else if any(|feed| *feed == Feed::Live) {
                "nothing is delivered here"
            } else if world.cluster(env.cluster).is_some_and(|own| own.connection.link == Link::Live) {
                "no Argo CD, no Flux"
            } else {
                // Its cluster does not answer: what is not there was not seen.
                "not known"
            }
            .to_owned(),
        )
    }
}

/// What the worst workload that it delivers says of itself, in words; `None` where all are well or none is known.
pub fn reason(world: &World, health: &Workloads, delivery: &Delivery) -> Option<String> {
    let target = *delivery.targets.first()?;
    let cluster = world.cluster(target)?;
    let mark = world.find_sync(&delivery.object)?.mark();
    let of_it = |workload: &&Workload| workload.delivered_by.as_deref() == Some(&*mark);
    let all = cluster.workloads.iter().map(|(_, workload)| workload).filter(of_it);
    let worst = all
        .map(|workload| (health.of(target, workload), workload))
        .filter(|(standing, _)| !matches!(standing.level, Level::Ok | Level::Idle))
        .max_by_key(|(standing, _)| standing.level)?;
    Some(why(cluster, worst.1, worst.0))
}

/// The clusters that the configuration names for an environment's Argo CD and Flux, besides its own.
pub fn named_control_planes<'a>(
    wanted: &'a Wanted,
    environments: &Environments,
    world: &'a World,
    env: &Environment,
) -> impl Iterator<Item = ClusterId> + use<'a> {
    let (written, own) = (super::upstreams::configured(env, environments, wanted), env.cluster);
    let argocd = written.and_then(|written| written.argocd.as_ref()?.context.as_deref());
    let flux = written.and_then(|written| written.flux.as_ref()?.context.as_deref());
    let named = move |cluster: &ClusterWorld| [argocd, flux].contains(&Some(&*cluster.connection.context));
    world.each().filter(move |(id, cluster)| *id != own && named(cluster)).map(|(id, _)| id)
}

/// The connected clusters from which an environment may be delivered to: its own first.
pub fn control_planes<'a>(world: &'a World, env: &Environment) -> impl Iterator<Item = &'a ClusterWorld> {
    let live = |cluster: &&ClusterWorld| cluster.connection.link == Link::Live;
    let own = env.cluster;
    world
        .cluster(own)
        .filter(live)
        .into_iter()
        .chain(world.each().filter(move |(id, _)| *id != own).map(|(_, cluster)| cluster).filter(live))
}

fn apps_of(cluster: &ClusterWorld) -> impl Iterator<Item = &SyncApp> {
    cluster.applications.iter().chain(cluster.flux.iter()).map(|(_, app)| app)
}

/// The context that this one repeats is not connected, so that this one is the only way to the cluster.
fn first_is_dim(world: &World, cluster: &ClusterWorld) -> bool {
    let first = cluster.connection.same_as.as_ref();
    let first = world.clusters.iter().find(|other| Some(&other.connection.context) == first);
    first.is_none_or(|first| first.connection.link == Link::Dim)
}

/// What one pass looks things up in.
struct Scene<'a> {
    environments: &'a Environments,
    world: &'a World,
    /// What the configuration says of each environment.
    wanted: HashMap<EnvId, &'a WantedEnvironment>,
    /// The environments of each namespace, by cluster.
    homes: HashMap<ClusterId, HashMap<Name, Vec<EnvId>>>,
    /// Namespaces of control planes that Applications name, by cluster.
    control_planes: HashMap<ClusterId, BTreeSet<Name>>,
    /// The workloads that there are, by cluster; made when somebody asks.
    workloads: HashMap<ClusterId, HashSet<(&'static str, Name, Name)>>,
    looks_at_workloads: bool,
}

impl<'a> Scene<'a> {
    fn new(wanted: &'a Wanted, environments: &'a Environments, world: &'a World) -> Scene<'a> {
        let configured =
            wanted.stages.iter().flat_map(|stage| stage.environments.iter().map(move |env| (stage, env)));
        let by_name: HashMap<&Name, &WantedEnvironment> = configured
            .map(|(stage, env)| (if env.name.is_empty() { &stage.name } else { &env.name }, env))
            .collect();
        let named = |env: &Environment| Some((env.id, *by_name.get(&env.name)?));
        Scene {
            environments,
            world,
            wanted: environments.list.iter().filter(|env| !env.inferred).filter_map(named).collect(),
            homes: world.each().map(|(id, _)| (id, homes(environments, id))).collect(),
            control_planes: world
                .each()
                .map(|(id, cluster)| {
                    let apps = cluster.applications.iter().map(|(_, app)| app);
                    (id, apps.map(|app| app.control_plane.clone()).collect())
                })
                .collect(),
            workloads: HashMap::new(),
            looks_at_workloads: false,
        }
    }

    fn delivery(&mut self, host: ClusterId, cluster: &ClusterWorld, app: &SyncApp) -> Delivery {
        let Destination { server, cluster: name, .. } = &app.destination;
        let mut targets = connections(self.world, host, server, name);
        let mut environments = self.environments_of(host, cluster, app, &targets);
        environments.sort_unstable();
        environments.dedup();
        if targets.is_empty() {
            // The configuration said where it delivers: there its objects are, unless its destination has another name.
            let places = environments.iter().filter_map(|env| self.environments.get(*env));
            let meant = |env: &&Environment| name.is_empty() || *name == env.name || *name == env.context;
            targets = places.filter(meant).map(|env| env.cluster).filter(|id| *id != NO_CLUSTER).collect();
            targets.sort_unstable();
            targets.dedup();
        }
        Delivery {
            object: ObjectRef {
                cluster: host,
                kind: app.kind,
                namespace: app.namespace.clone(),
                name: app.name.clone(),
                uid: app.uid,
            },
            verdict: self.verdict(app, &targets),
            standing: app.standing(),
            source: app.is_source(),
            targets,
            environments,
        }
    }

    fn environments_of(
        &self,
        host: ClusterId,
        cluster: &ClusterWorld,
        app: &SyncApp,
        targets: &[ClusterId],
    ) -> Vec<EnvId> {
        let may = |env: &EnvId| self.is_controlled_from(*env, host, cluster, app);
        let place = &app.destination.namespace;
        if targets.is_empty() {
            return self.by_configuration(cluster, app);
        }
        let at = |namespace: &Name| {
            let found = targets.iter().filter_map(|target| self.homes.get(target)?.get(namespace));
            found.flatten().copied().filter(may).collect::<Vec<EnvId>>()
        };
        let direct = if place.is_empty() { Vec::new() } else { at(place) };
        if !direct.is_empty() {
            return direct;
        }
        let through: Vec<EnvId> = app.namespaces.iter().flat_map(at).collect();
        // What delivers nothing yet, or sources, stand where they stand.
        if through.is_empty() && place.is_empty() { at(&app.namespace) } else { through }
    }

    /// Whether the configuration of an environment lets this control plane deliver to it.
    fn is_controlled_from(&self, env: EnvId, host: ClusterId, cluster: &ClusterWorld, app: &SyncApp) -> bool {
        let Some(wanted) = self.wanted.get(&env) else { return true };
        let Some((context, namespace)) = control(wanted, app) else { return true };
        let own = || self.environments.get(env).map(|env| &*env.context);
        if context.or_else(own) != Some(&*cluster.connection.context) {
            return false;
        }
        // The namespace says which of several control planes; where none of that name is, it is a mere default.
        let known = self.control_planes.get(&host).is_some_and(|known| known.contains(namespace));
        !app.is_argo() || !known || *app.control_plane == *namespace
    }

    /// A destination that is no connection of ours: an environment that the configuration says is delivered to from
    /// here, if it alone has the namespace, or bears the destination's name.
    fn by_configuration(&self, cluster: &ClusterWorld, app: &SyncApp) -> Vec<EnvId> {
        let context = &*cluster.connection.context;
        let from_here = |env: &&Environment| {
            // Another context is named, or the destination would be the cluster that it stands in itself.
            let named = self.wanted.get(&env.id).and_then(|wanted| control(wanted, app)?.0);
            named == Some(context)
        };
        let has = |env: &&Environment| env.scope.contains(&app.destination.namespace);
        let found: Vec<&Environment> = self.environments.list.iter().filter(from_here).filter(has).collect();
        let named = &app.destination.cluster;
        let by_name =
            found.iter().filter(|env| !named.is_empty() && (env.name == *named || env.context == *named));
        let by_name: Vec<EnvId> = by_name.map(|env| env.id).collect();
        match (by_name.is_empty(), found.as_slice()) {
            (false, _) => by_name,
            (true, [one]) => vec![one.id],
            (true, _) => Vec::new(),
        }
    }

    /// What the object says, but for a workload that it calls out of sync and healthy while it is not even there.
    fn verdict(&mut self, app: &SyncApp, targets: &[ClusterId]) -> Verdict {
        let verdict = app.verdict();
        let claims =
            app.sync == Sync::OutOfSync && matches!(app.health, Health::Healthy | Health::Progressing);
        if !claims || verdict.level >= Level::Critical || verdict.level == Level::Progressing {
            return verdict;
        }
        let Some(target) = targets.first() else { return verdict };
        let Some(cluster) = self.world.cluster(*target) else { return verdict };
        for drifted in app.drifted.iter().filter(|drifted| !drifted.prune) {
            let kinds = [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet];
            self.looks_at_workloads = true;
            let Some(kind) = kinds.into_iter().find(|kind| kind.word() == &*drifted.kind) else { continue };
            if cluster.feed(kind) != Feed::Live {
                continue;
            }
            let there = self.workloads.entry(*target).or_insert_with(|| {
                let all = cluster.workloads.iter().map(|(_, workload)| workload);
                all.map(|w| (w.kind.word(), w.namespace.clone(), w.name.clone())).collect()
            });
            if !there.contains(&(kind.word(), drifted.namespace.clone(), drifted.name.clone())) {
                let why = format!("{} {} is not there, whatever the health says", drifted.kind, drifted.name);
                return Verdict { level: Level::Critical, why };
            }
        }
        verdict
    }

    /// Sources belong where what uses them belongs.
    fn place_sources(&self, list: &mut [Delivery], world: &World) {
        let mut users: HashMap<(ClusterId, String), BTreeSet<EnvId>> = HashMap::new();
        for delivery in
            list.iter().filter(|delivery| !delivery.source && delivery.object.kind != Kind::Application)
        {
            let Some(app) = world.find_sync(&delivery.object) else { continue };
            for source in app.sources.iter().filter(|source| !source.repo.is_empty()) {
                let mut used = |name: String| {
                    users.entry((delivery.object.cluster, name)).or_default().extend(&delivery.environments);
                };
                used(source.repo.to_string());
                // The chart that Flux makes for a HelmRelease stands beside its repository.
                if let Some(namespace) = source.repo.split('/').nth(1) {
                    used(format!("HelmChart/{namespace}/{}-{}", app.namespace, app.name));
                }
            }
        }
        for delivery in list.iter_mut().filter(|delivery| delivery.source) {
            let object = &delivery.object;
            let name = format!("{}/{}/{}", object.kind.word(), object.namespace, object.name);
            if let Some(envs) = users.get(&(object.cluster, name))
                && !envs.is_empty()
            {
                delivery.environments = envs.iter().copied().collect();
            }
        }
    }
}

/// The context and the namespace of what the configuration lets deliver to an environment.
fn control<'a>(wanted: &'a WantedEnvironment, app: &SyncApp) -> Option<(Option<&'a str>, &'a str)> {
    if app.is_argo() {
        wanted.argocd.as_ref().map(|argocd| (argocd.context.as_deref(), argocd.namespace.as_str()))
    } else {
        wanted.flux.as_ref().map(|flux| (flux.context.as_deref(), flux.namespace.as_str()))
    }
}

#[cfg(test)]
#[path = "sync_tests.rs"]
mod tests;
