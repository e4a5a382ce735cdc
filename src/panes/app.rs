//! The App view: one app in all environments: its release and what it is ahead
//! or behind of, its workloads and how they are, and how traffic reaches it.

use super::Title;
use super::network::{address, endpoints};
use super::sheet::{Line, Sheet, SheetPane};
use super::words;
use crate::domain::environment::Environment;
use crate::domain::id::{Kind, Name};
use crate::domain::level::Level;
use crate::domain::sync::short_revision;
use crate::fleet::network::network;
use crate::fleet::{Cell, Freshness};
use crate::shared::{Shared, Subject};
use crate::text;
use crate::theme::Role;

/// One app in all environments.
#[derive(Debug)]
pub struct App {
    name: Name,
}

/// The view of an app.
pub fn view(name: Name) -> SheetPane<App> {
    SheetPane::new(App { name })
}

impl Sheet for App {
    fn title(&self, shared: &Shared) -> Title {
        Title {
            name: format!("App {}", self.name),
            note: String::new(),
            stale: words::stale_everywhere(shared),
        }
    }

    fn lines(&self, shared: &Shared) -> Vec<Line> {
        let Some(row) = shared.matrix.row(&self.name) else {
            return vec![Line(vec![(format!("{} runs in no stage any more.", self.name), Role::Warning)])];
        };
        let mut lines = Vec::new();
        for (env, cell) in shared.matrix.columns.iter().zip(&row.cells) {
            let Some(env) = shared.environments.get(*env) else { continue };
            if !lines.is_empty() {
                lines.push(Line::blank());
            }
            heading(shared, env, cell.as_ref(), &mut lines);
            if let Some(cell) = cell {
                release(shared, cell, &mut lines);
                delivery(shared, cell, &mut lines);
                workloads(shared, cell, &mut lines);
                traffic(shared, cell, &mut lines);
            }
        }
        lines
    }

    fn subject(&self, _shared: &Shared) -> Option<Subject> {
        Some(Subject::App(self.name.clone(), None))
    }
}

fn heading(shared: &Shared, env: &Environment, cell: Option<&Cell>, lines: &mut Vec<Line>) {
    let fresh = Freshness::of(shared.world.cluster(env.cluster), env.scope.namespaces(), shared.now);
    let mut line = Line(vec![(text::cell(&env.name, 18).into_owned(), Role::Strong)]);
    line = match cell {
        Some(cell) => line.and(cell.level.word(), Role::of_level(cell.level)),
        None => line.and("does not run here", Role::Muted),
    };
    if !fresh.is_fresh() {
        line = line.and(format!("  {}", fresh.words(shared.now, "")), Role::Stale);
    }
    lines.push(line);
}

fn release(shared: &Shared, cell: &Cell, lines: &mut Vec<Line>) {
    let mut line = Line::entry("release", &*cell.release, Role::Strong);
    if let Some(since) = cell.since {
        line = line.and(format!("  since {}", words::age(since, shared.now)), Role::Muted);
    }
    let relation = cell.relation.words();
    if !relation.is_empty() {
        line = line.and(format!("  {relation} (compared with the stage before)"), Role::Differs);
    }
    lines.push(line);
    if let Some(rolling) = cell.rolling {
        let words = format!("{} of {} pods are of the new release", rolling.updated, rolling.desired);
        lines.push(Line::entry("rolling out", words, Role::Progressing));
    }
    if !cell.mixed.is_empty() {
        let others: Vec<&str> = cell.mixed.iter().map(|name| &**name).collect();
        lines.push(Line::entry("also runs", others.join(", "), Role::Warning));
    }
    let image = &cell.image;
    let registry = if image.registry.is_empty() { String::new() } else { format!("{}/", image.registry) };
    lines.push(Line::entry("image", format!("{registry}{}", image.repository), Role::Text));
    if !cell.digest.is_empty() {
        lines.push(Line::entry("digest", &*cell.digest, Role::Muted));
    }
}

/// What delivers it, how far that is, which revision.
fn delivery(shared: &Shared, cell: &Cell, lines: &mut Vec<Line>) {
    let Some(delivery) = shared.delivery_of(cell) else { return };
    let Some(app) = shared.world.find_sync(&delivery.object) else { return };
    let words = format!("{} {}/{}", app.kind.word(), app.namespace, app.name);
    let standing = super::sync::standing_words(delivery.standing, app);
    let mut line = Line::entry("delivered by", words, Role::Text)
        .and(format!("  {standing}"), Role::of_level(delivery.verdict.level));
    let revision = short_revision(app.revision());
    if !revision.is_empty() {
        line = line.and(format!("  revision {revision}"), Role::Muted);
    }
    if let Some(at) = app.reconciled {
        line = line.and(format!("  compared {} ago", words::age(at, shared.now)), Role::Muted);
    }
    lines.push(line);
    if !delivery.verdict.why.is_empty() {
        lines.push(Line::entry("", &*delivery.verdict.why, Role::of_level(delivery.verdict.level)));
    }
}

fn workloads(shared: &Shared, cell: &Cell, lines: &mut Vec<Line>) {
    for (nth, object) in cell.workloads.iter().enumerate() {
        let Some(cluster) = shared.world.cluster(object.cluster) else { continue };
        let Some(workload) = cluster.workloads.get(object.uid) else { continue };
        let standing = shared.health.of(object.cluster, workload);
        let words = format!("{} {}/{}", workload.kind.word(), workload.namespace, workload.name);
        let status = super::workloads::status_words(cluster, workload, standing, shared.now);
        lines.push(
            Line::entry(if nth == 0 { "workloads" } else { "" }, words, Role::Text)
                .and(format!("  {}/{} ready  ", workload.ready, workload.desired), Role::Muted)
                .and(status, Role::of_level(standing.level)),
        );
    }
}

fn traffic(shared: &Shared, cell: &Cell, lines: &mut Vec<Line>) {
    let routes = network(&shared.world, &cell.workloads);
    if routes.is_empty() {
        lines.push(Line::entry("traffic", "no Service selects it", Role::Muted));
    }
    for (nth, route) in routes.iter().enumerate() {
        let kind = if route.object.kind == Kind::Ingress { "Ingress" } else { &*route.route_type };
        let (words, level) = endpoints(route);
        let role = if level == Level::Ok { Role::Muted } else { Role::of_level(level) };
        lines.push(
            Line::entry(
                if nth == 0 { "traffic" } else { "" },
                format!("{kind} {}", route.object.name),
                Role::Text,
            )
            .and(format!("  {}  {}", address(route), route.ports), Role::Muted)
            .and(format!("  {words}"), role),
        );
    }
}
