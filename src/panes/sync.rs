//! The Sync pane: Argo CD's Applications and Flux's objects in one list, worst first.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::filter::Haystack;
use super::list::{Cell, Changes, Column, Rows};
use super::{PaneId, words};
use crate::action::Action;
use crate::domain::id::{ClusterId, EnvId, Kind, Uid};
use crate::domain::level::Level;
use crate::domain::link::{Feed, Link};
use crate::domain::meta::Labels;
use crate::domain::sync::{Health, Operation, Phase, Standing, Sync, SyncApp, short_revision};
use crate::domain::upstream::Server;
use crate::fleet::Delivery;
use crate::fleet::sync::{named_control_planes, reason};
use crate::look::Look;
use crate::shared::{Shared, Subject};
use crate::theme::Role;

/// All that is delivered to what is looked at.
#[derive(Debug, Default)]
pub struct Syncing {
    seen: Option<(words::ScopeKey, u64)>,
    /// Versions of the servers and of the settings when it was told last where the rows come from.
    told: Option<[u64; 2]>,
    /// Who delivers what is looked at (` · Argo CD, Flux`).
    by: String,
    foot: Option<String>,
}

const NAME: usize = 0;
const ENVIRONMENT: usize = 1;
const SYNC: usize = 2;
const HEALTH: usize = 3;
const REVISION: usize = 4;
const AGE: usize = 5;
const OPERATION: usize = 6;
const AUTO: usize = 7;
const RECONCILED: usize = 8;
const WHY: usize = 9;
const OWNER: usize = 10;
const PLACE: usize = 11;

static COLUMNS: [Column; 12] = [
    Column::new("app", 13).most(34),
    Column::new("environment", 12).most(18).rank(1),
    Column::new("sync", 12),
    Column::new("health", 12),
    Column::new("rev", 7).most(12),
    Column::new("age", 4).right(),
    Column::new("operation", 14).most(18).rank(3),
    Column::new("auto", 10).rank(4),
    Column::new("compared", 8).right().rank(5),
    Column::new("why", 20).most(80).rank(2),
    Column::new("set", 12).most(20).rank(7),
    Column::new("namespace", 12).most(18).rank(6),
];

/// The kinds that tell whether anything is delivered at all.
const KINDS: [Kind; 3] = [Kind::Application, Kind::Kustomization, Kind::HelmRelease];

/// The kinds whose rows may be missing.
const ALL_KINDS: [Kind; 8] = [
    Kind::Application,
    Kind::Kustomization,
    Kind::HelmRelease,
    Kind::GitRepository,
    Kind::OciRepository,
    Kind::HelmRepository,
    Kind::HelmChart,
    Kind::Bucket,
];

/// Where facts come from while no API server of Argo CD is asked: the objects say so themselves. The zoom says it so, too.
pub const BY_KUBERNETES: &str = "by the Kubernetes API alone";

/// A row: its place in [`crate::fleet::Syncs::list`], valid while that is unchanged.
type Row = u32;

impl Haystack for SyncApp {
    fn any_text(&self, found: &mut dyn FnMut(&str) -> bool) -> bool {
        found(&self.name)
            || found(&self.namespace)
            || found(&self.project)
            || found(self.kind.word())
            || found(self.sync.word())
            || found(self.health.word())
            || found(&self.destination.namespace)
            || self.owner.as_ref().is_some_and(|owner| found(&owner.name))
            || self.revisions.iter().any(|revision| found(revision))
            || self
                .sources
                .iter()
                .any(|source| found(&source.repo) || found(&source.path) || found(&source.chart))
    }
    fn labels(&self) -> &Labels {
        &self.labels
    }
}

fn delivery(shared: &Shared, row: Row) -> Option<&Delivery> {
    shared.sync.list.get(usize::try_from(row).ok()?)
}

fn app(shared: &Shared, row: Row) -> Option<(&Delivery, &SyncApp)> {
    let delivery = delivery(shared, row)?;
    Some((delivery, shared.world.find_sync(&delivery.object)?))
}

/// Whether it is delivered to where the person looks.
fn is_here(shared: &Shared, delivery: &Delivery) -> bool {
    let environment = shared.all_environments || delivery.environments.contains(&shared.current);
    let namespace = || match (&shared.namespace, shared.world.find_sync(&delivery.object)) {
        (None, _) => true,
        (Some(wanted), Some(app)) => {
            app.destination.namespace == *wanted
                || app.namespace == *wanted
                || app.namespaces.contains(wanted)
        }
        (Some(_), None) => false,
    };
    environment && namespace()
}

impl Rows for Syncing {
    type Row = Row;
    type Key = (ClusterId, Uid);

    fn id(&self) -> PaneId {
        PaneId::Sync
    }

    fn name(&self, shared: &Shared) -> String {
        format!("Sync {}{}", words::scope(shared), self.by)
    }

    fn columns(&self, shared: &Shared) -> Cow<'_, [Column]> {
        let mut columns = Cow::Borrowed(&COLUMNS[..]);
        if !shared.all_environments
            && let Some(column) = columns.to_mut().get_mut(ENVIRONMENT)
        {
            column.rank = Column::NEVER;
        }
        columns
    }

    fn changes(&mut self, shared: &Shared) -> Changes<Row> {
        let now = Some((words::scope_key(shared), shared.sync.version()));
        let told = Some([shared.upstreams.version(), shared.settings_version()]);
        let changes = if now == self.seen { Changes::Nothing } else { Changes::Everything };
        if matches!(changes, Changes::Everything) || told != self.told {
            (self.by, self.foot) = (engines(shared), foot(shared));
        }
        (self.seen, self.told) = (now, told);
        changes
    }

    fn all(&self, shared: &Shared, each: &mut dyn FnMut(Row)) {
        for (at, delivery) in shared.sync.list.iter().enumerate() {
            if is_here(shared, delivery)
                && let Ok(row) = Row::try_from(at)
            {
                each(row);
            }
        }
    }

    fn shown(&self, shared: &Shared, row: Row) -> bool {
        delivery(shared, row).is_some_and(|delivery| is_here(shared, delivery))
    }

    fn level(&self, shared: &Shared, row: Row) -> Level {
        delivery(shared, row).map_or(Level::Unknown, |delivery| delivery.verdict.level)
    }

    fn compare(&self, shared: &Shared, column: usize, a: Row, b: Row) -> Ordering {
        let (Some((of_x, x)), Some((of_y, y))) = (app(shared, a), app(shared, b)) else { return a.cmp(&b) };
        match column {
            ENVIRONMENT => of_x.environments.cmp(&of_y.environments),
            SYNC => (of_x.standing, y.drift).cmp(&(of_y.standing, x.drift)),
            HEALTH => health_level(&y.health).cmp(&health_level(&x.health)),
            REVISION => x.revision().cmp(y.revision()),
            AGE => y.changed().cmp(&x.changed()),
            OPERATION => operation(x, shared).0.cmp(&operation(y, shared).0),
            AUTO => auto(x).cmp(auto(y)),
            RECONCILED => x.reconciled.cmp(&y.reconciled),
            WHY => of_x.verdict.why.cmp(&of_y.verdict.why),
            OWNER => {
                x.owner.as_ref().map(|owner| &owner.name).cmp(&y.owner.as_ref().map(|owner| &owner.name))
            }
            PLACE => x.namespace.cmp(&y.namespace),
            _ => (&x.name, x.kind, &x.namespace).cmp(&(&y.name, y.kind, &y.namespace)),
        }
    }

    fn key(&self, shared: &Shared, row: Row) -> Option<Self::Key> {
        delivery(shared, row).map(|delivery| (delivery.object.cluster, delivery.object.uid))
    }

    fn find(&self, shared: &Shared, key: &Self::Key) -> Option<Row> {
        Row::try_from(shared.sync.at(key.0, key.1)?).ok()
    }

    fn search(&self, shared: &Shared, row: Row, look: &mut dyn FnMut(&dyn Haystack) -> bool) -> bool {
        app(shared, row).is_some_and(|(_, app)| look(app))
    }

    fn cell<'a>(&self, shared: &'a Shared, row: Row, column: usize, look: &Look) -> Cell<'a> {
        let Some((delivery, app)) = app(shared, row) else { return Cell::muted("") };
        match column {
            NAME => Cell::text(name(app)),
            ENVIRONMENT => Cell::muted(environments(shared, delivery)),
            SYNC => sync(look, delivery, app),
            HEALTH => health(look, delivery, app),
            REVISION => Cell::muted(short_revision(app.revision())),
            AGE => Cell::muted(words::age(app.changed(), shared.now)),
            OPERATION => {
                let (words, level) = operation(app, shared);
                Cell::level(level, words)
            }
            AUTO => Cell::muted(auto(app)),
            RECONCILED => {
                Cell::muted(app.reconciled.map(|at| words::age(at, shared.now)).unwrap_or_default())
            }
            WHY => why(shared, delivery, app),
            OWNER => Cell::muted(app.owner.as_ref().map_or("", |owner| &*owner.name)),
            PLACE => Cell::muted(&*app.namespace),
            _ => Cell::muted(""),
        }
    }

    fn subject(&self, shared: &Shared, row: Row) -> Option<Subject> {
        delivery(shared, row).map(|delivery| Subject::Object(delivery.object.clone()))
    }

    fn empty(&self, shared: &Shared) -> Vec<String> {
        let clusters = control_planes(shared);
        let mut lines = words::not_readable(shared, &KINDS);
        if lines.is_empty() {
            let own = words::clusters(shared);
            let others = clusters.iter().copied().filter(|id| !own.contains(id)).collect();
            lines = words::not_readable_in(shared, others, &KINDS);
        }
        if !lines.is_empty() {
            return lines;
        }
        let feeds = || {
            clusters
                .iter()
                .filter_map(|id| shared.world.cluster(*id))
                .flat_map(|c| KINDS.map(|kind| c.feed(kind)))
        };
        lines.extend(words::removed_in(shared, &clusters, &ALL_KINDS));
        if feeds().any(|feed| feed == Feed::Loading) {
            lines.push("Loading what Argo CD and Flux deliver…".to_owned());
        } else if feeds().all(|feed| feed == Feed::Absent) {
            let contexts: Vec<&str> = clusters
                .iter()
                .filter_map(|id| shared.world.cluster(*id))
                .map(|cluster| &*cluster.connection.context)
                .collect();
            lines.push("No Argo CD and no Flux here: their definitions are not installed".to_owned());
            lines.push(format!("in {}.", contexts.join(", ")));
            lines.push("Does another cluster deliver to it? Connect its context, or name it:".to_owned());
            lines.push("`argocd: {context: ...}` of the environment, in the configuration.".to_owned());
        } else {
            lines.push(format!("Nothing is delivered to {} by Argo CD or Flux.", words::scope(shared)));
            let elsewhere = shared.sync.list.iter().filter(|delivery| !is_here(shared, delivery)).count();
            if elsewhere > 0 && !shared.all_environments {
                let key = shared.key(Action::ToggleAllEnvironments);
                let noun = if elsewhere == 1 { "object delivers" } else { "objects deliver" };
                lines.push(format!("{elsewhere} {noun} elsewhere: {key} shows all environments."));
            }
        }
        lines
    }

    fn stale(&self, shared: &Shared) -> Option<String> {
        words::stale(shared)
    }

    fn loading(&self, shared: &Shared) -> bool {
        let clusters = control_planes(shared);
        clusters
            .into_iter()
            .filter_map(|id| shared.world.cluster(id))
            .filter(|cluster| cluster.connection.link == Link::Live)
            .any(|cluster| KINDS.iter().any(|kind| cluster.feed(*kind) == Feed::Loading))
    }

    fn gaps(&self, shared: &Shared) -> Option<String> {
        words::gaps_in(shared, &control_planes(shared), &ALL_KINDS)
    }

    fn foot(&self, _shared: &Shared) -> Option<String> {
        self.foot.clone()
    }

    fn entered(&mut self, shared: &mut Shared, row: Row) {
        let of_it = || {
            let (delivery, app) = app(shared, row)?;
            let environment = delivery.environments.first()?;
            app_of(shared, delivery, app, *environment)
        };
        if let Some(app) = of_it() {
            shared.app = Some(app);
        }
    }
}

/// ` · Argo CD, Flux`: who delivers what is looked at; empty where nobody does.
fn engines(shared: &Shared) -> String {
    let here = || shared.sync.list.iter().filter(|delivery| is_here(shared, delivery));
    let argo = here().any(|delivery| delivery.object.kind == Kind::Application);
    let flux = here().any(|delivery| delivery.object.kind != Kind::Application);
    match (argo, flux) {
        (true, true) => " · Argo CD, Flux",
        (true, false) => " · Argo CD",
        (false, true) => " · Flux",
        (false, false) => "",
    }
    .to_owned()
}

/// Where the rows come from: they are the objects' own, as the Kubernetes API has them; the API server of Argo CD, where
/// one is configured, adds to the zoom of an Application.
fn foot(shared: &Shared) -> Option<String> {
    let here = || shared.sync.list.iter().filter(|delivery| is_here(shared, delivery));
    here().next()?;
    let argo = here().filter(|delivery| delivery.object.kind == Kind::Application);
    let mut of: Vec<EnvId> = argo.flat_map(|delivery| delivery.environments.iter().copied()).collect();
    of.retain(|env| shared.all_environments || *env == shared.current);
    of.sort_unstable();
    of.dedup();
    let (with, without): (Vec<EnvId>, Vec<EnvId>) =
        of.into_iter().partition(|env| shared.upstreams.of(Server::Argocd, *env).is_ok());
    let names = |of: &[EnvId]| {
        let names = of.iter().filter_map(|env| shared.environments.get(*env)).map(|env| &*env.name);
        names.collect::<Vec<_>>().join(", ")
    };
    Some(match (with.is_empty(), without.is_empty()) {
        (true, _) => BY_KUBERNETES.to_owned(),
        (false, true) => "by the Kubernetes API + Argo CD API".to_owned(),
        (false, false) => format!("by the Kubernetes API + Argo CD API for {}", names(&with)),
    })
}

/// The row of the release matrix whose workloads it delivers, where that is one alone.
fn app_of(
    shared: &Shared,
    delivery: &Delivery,
    app: &SyncApp,
    env: EnvId,
) -> Option<crate::domain::id::Name> {
    let column = shared.matrix.columns.iter().position(|id| *id == env)?;
    let mut found = shared.matrix.rows.iter().filter(|row| {
        let cell = row.cells.get(column).and_then(Option::as_ref);
        let workload = cell.and_then(|cell| cell.workloads.first());
        let workload = workload.and_then(|object| shared.world.find_workload(object));
        workload.is_some_and(|workload| workload.delivered_by.as_deref() == Some(&*app.mark()))
            && delivery.targets.iter().any(|target| cell.is_some_and(|c| c.workloads[0].cluster == *target))
    });
    let first = found.next()?;
    found.next().is_none().then(|| first.app.clone())
}

/// The clusters from which what is looked at may be delivered.
fn control_planes(shared: &Shared) -> Vec<ClusterId> {
    let own = shared.environment().map(|env| env.cluster);
    let removed = |cluster: &crate::world::ClusterWorld| KINDS.iter().any(|kind| cluster.is_removed(*kind));
    let here = shared.sync.list.iter().filter(|delivery| is_here(shared, delivery));
    let mut clusters: Vec<ClusterId> = here.map(|delivery| delivery.object.cluster).collect();
    if shared.all_environments || clusters.is_empty() {
        let live = |id: &ClusterId| {
            shared.world.cluster(*id).is_some_and(|cluster| cluster.connection.link == Link::Live)
        };
        clusters.extend(shared.world.each().map(|(id, _)| id).filter(live));
    }
    clusters.extend(own);
    let seen = shared.environments.list.iter();
    let seen = seen.filter(|env| shared.all_environments || env.id == shared.current);
    clusters.extend(
        seen.flat_map(|env| named_control_planes(&shared.wanted, &shared.environments, &shared.world, env)),
    );
    // Nothing is left of what such a one delivered.
    clusters.extend(shared.world.each().filter(|(_, cluster)| removed(cluster)).map(|(id, _)| id));
    clusters.sort_unstable();
    clusters.dedup();
    clusters
}

/// `cart-prod`, `ks/shop`, `hr/cart`
fn name(app: &SyncApp) -> Cow<'_, str> {
    if app.is_argo() { (&*app.name).into() } else { format!("{}/{}", app.kind.short(), app.name).into() }
}

fn environments(shared: &Shared, delivery: &Delivery) -> String {
    let names: Vec<&str> = delivery
        .environments
        .iter()
        .filter_map(|env| shared.environments.get(*env))
        .map(|env| &*env.name)
        .collect();
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}

/// The sign of a standing with its colour; also for the release matrix and the cards.
pub fn sign(look: &Look, standing: Standing) -> (&'static str, Role) {
    let symbols = look.symbols;
    match standing {
        Standing::Failed => (symbols.critical, Role::Critical),
        Standing::Drift => (symbols.differs, Role::Differs),
        Standing::Unknown => (symbols.unknown, Role::Unknown),
        Standing::Syncing => (symbols.running, Role::Progressing),
        Standing::Suspended => (symbols.idle, Role::Muted),
        Standing::Synced => (symbols.check, Role::Text),
    }
}

/// How far what is wanted has come, in a word or two.
pub fn standing_words(standing: Standing, app: &SyncApp) -> String {
    match standing {
        Standing::Failed => "failed".to_owned(),
        Standing::Drift if app.drift > 0 => format!("{} drift", app.drift),
        Standing::Drift => "differs".to_owned(),
        Standing::Syncing if app.requested => "requested".to_owned(),
        Standing::Syncing => "syncing".to_owned(),
        Standing::Suspended => "suspended".to_owned(),
        Standing::Synced => "synced".to_owned(),
        Standing::Unknown => match &app.sync {
            Sync::Other(word) => word.to_string(),
            _ => "unknown".to_owned(),
        },
    }
}

fn sync(look: &Look, delivery: &Delivery, app: &SyncApp) -> Cell<'static> {
    let (sign, role) = sign(look, delivery.standing);
    Cell { text: format!("{sign} {}", standing_words(delivery.standing, app)).into(), role }
}

fn health_level(health: &Health) -> Level {
    match health {
        Health::Healthy => Level::Ok,
        Health::Progressing => Level::Progressing,
        Health::Suspended => Level::Idle,
        Health::Missing | Health::Degraded => Level::Critical,
        Health::Unknown | Health::Other(_) => Level::Unknown,
    }
}

/// The health, where it may be believed: beside a comparison that failed it says nothing, and an object that calls itself
/// healthy without its workload is not.
fn health(look: &Look, delivery: &Delivery, app: &SyncApp) -> Cell<'static> {
    let claims = matches!(app.health, Health::Healthy);
    let (level, word) = match &app.health {
        Health::Healthy if app.sync == Sync::Unknown => (Level::Unknown, "not known"),
        Health::Progressing => (Level::Progressing, "progress"),
        _ if claims
            && app.sync == Sync::OutOfSync
            && delivery.verdict.level == Level::Critical
            && delivery.standing == Standing::Drift =>
        {
            (Level::Critical, "missing")
        }
        health => (health_level(health), health.word()),
    };
    let role = if level == Level::Ok { Role::Text } else { Role::of_level(level) };
    Cell { text: format!("{} {word}", look.symbols.level(level)).into(), role }
}

/// Why it is as it is: where the object only says how its workloads are, what these say themselves.
fn why<'a>(shared: &'a Shared, delivery: &'a Delivery, app: &SyncApp) -> Cell<'a> {
    let role = Role::of_level(delivery.verdict.level);
    let rolls = matches!(app.health, Health::Degraded | Health::Progressing) && app.is_argo();
    let under_way = app.operation.as_ref().is_some_and(Operation::is_under_way);
    let told = (rolls && delivery.standing == Standing::Synced && !under_way)
        .then(|| reason(&shared.world, &shared.health, delivery))
        .flatten();
    Cell { text: told.map_or_else(|| (&*delivery.verdict.why).into(), Into::into), role }
}

/// What is under way, or how the last operation ended, in a few words.
pub fn operation(app: &SyncApp, shared: &Shared) -> (String, Level) {
    let Some(operation) = &app.operation else { return (String::new(), Level::Idle) };
    let progress = |operation: &Operation| match (operation.done, operation.total) {
        (_, 0) => String::new(),
        (done, total) => format!(" {done}/{total}"),
    };
    match &operation.phase {
        // Even a permitted one says so for its first moment.
        Phase::Running if operation.says_blocked() => {
            let long = operation.started.is_some_and(|at| shared.now.wall.since(at) > 3);
            (if long { "window closed" } else { "syncing" }.to_owned(), Level::Progressing)
        }
        Phase::Running if operation.is_retrying() => {
            (format!("retry {}", operation.retries + 1), Level::Warning)
        }
        Phase::Running => {
            let level = if operation.failed > 0 { Level::Warning } else { Level::Progressing };
            (format!("running{}", progress(operation)), level)
        }
        Phase::Terminating => ("stopping".to_owned(), Level::Progressing),
        Phase::LeftOver => ("left over".to_owned(), Level::Warning),
        Phase::Succeeded if operation.dry_run => ("dry run ok".to_owned(), Level::Idle),
        Phase::Succeeded if operation.heal => ("self-healed".to_owned(), Level::Idle),
        Phase::Succeeded if operation.partial => ("partial sync".to_owned(), Level::Idle),
        // What the other columns say already.
        Phase::Succeeded => (String::new(), Level::Idle),
        Phase::Failed | Phase::Error => {
            let level = if delivery_is_well(app) { Level::Warning } else { Level::Critical };
            (operation.phase.word().to_owned(), level)
        }
        Phase::Other(word) => (word.to_string(), Level::Unknown),
        Phase::None => (String::new(), Level::Idle),
    }
}

fn delivery_is_well(app: &SyncApp) -> bool {
    app.sync == Sync::Synced && app.health == Health::Healthy
}

/// `auto heal`: what happens by itself; `manual` where nothing does.
fn auto(app: &SyncApp) -> &'static str {
    match (app.auto.suspended, app.auto.sync, app.auto.self_heal) {
        (true, ..) => "suspended",
        _ if app.is_source() => "",
        (_, true, true) => "auto heal",
        (_, true, false) => "auto",
        (_, false, _) => "manual",
    }
}
