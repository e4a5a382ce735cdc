//! What the object says, what is so all the same, and its conditions with their way out.

use super::lines::{self, Line, blank, fact, heading, with_way};
use super::{SyncView, explain};
use crate::domain::level::Level;
use crate::domain::meta::Condition;
use crate::domain::sync_detail::{AppDetail, FluxDetail, Lookup, Source, SyncDetail, short_revision};
use crate::fleet::follow::{Follow, Progress, Step};
use crate::panes::views::painted::Painted;
use crate::panes::views::words;
use crate::shared::Shared;
use crate::text;
use crate::theme::Role;

/// One sentence of the timeline: where the newest revision is.
fn way(follow: &Follow) -> Option<Line> {
    let value = match follow.current() {
        Some(Step { kind, progress: Progress::Stuck(stuck), .. }) => {
            Painted::role(Role::Critical, &format!("stuck at {}: ", kind.word())).with(Role::Text, &stuck.why)
        }
        Some(step) => {
            let note = if step.note.is_empty() { String::new() } else { format!(": {}", step.note) };
            Painted::role(Role::Progressing, step.kind.word()).with(Role::Muted, &note)
        }
        None if follow.arrived() => Painted::role(Role::Ok, "arrived: synced, rolled out and healthy"),
        None => return None,
    };
    Some(fact("on its way", value))
}

pub(super) fn of_app(view: &SyncView, detail: &SyncDetail, app: &AppDetail, shared: &Shared) -> Vec<Line> {
    let mut out = Vec::new();
    if detail.deleting {
        out.extend(with_way(Level::Progressing, "It is being deleted.", ""));
    }
    for finding in &view.derived.findings {
        out.extend(with_way(finding.level, &finding.says, &finding.way));
    }
    if !out.is_empty() {
        out.push(blank());
    }
    let mut state = lines::sync(&app.sync);
    state.push(Role::Muted, "  health ");
    state.append(&lines::health(&app.health));
    if let Some(since) = app.health_since {
        state.push(Role::Muted, &format!(" for {}", words::short_age(since, shared)));
    }
    out.push(fact("sync", state));
    out.push(fact("revision", Painted::role(Role::Strong, lines::or_none(&short_revision(&app.revisions)))));
    out.extend(way(&view.follow));
    out.push(fact("compared", lines::moment(app.reconciled, shared)));
    out.push(fact("operation", operation(app, shared)));
    out.push(fact("auto-sync", automated(app)));
    out.extend(app.sources.iter().map(|source| fact("source", self::source(source))));
    out.push(fact("destination", destination(view, app, shared)));
    out.push(fact("project", Painted::plain(&*app.project)));
    if let Some(owner) = &app.owner {
        let value = Painted::plain(&**owner).with(Role::Muted, "  (ApplicationSet; it writes the spec)");
        out.push(fact("made by", value));
    }
    if let Some(parent) = &app.parent {
        out.push(fact("delivered by", Painted::plain(&**parent)));
    }
    if !app.sync_options.is_empty() {
        out.push(fact("options", Painted::plain(app.sync_options.join(", "))));
    }
    if let Some(hydration) = &app.hydration {
        let mut value = Painted::plain(&*hydration.phase);
        value.push(Role::Muted, &format!("  {} → {}", short(&hydration.dry), short(&hydration.hydrated)));
        if !hydration.message.is_empty() {
            value.push(Role::Warning, &format!("  {}", hydration.message));
        }
        out.push(fact("hydration", value));
    }
    out.extend(app.images.iter().map(|image| fact("image", Painted::plain(&**image))));
    out.extend(app.urls.iter().map(|url| fact("address", Painted::plain(&**url))));
    if let Lookup::Refused(why) = &app.server {
        out.push(fact("Argo CD API", Painted::role(Role::Warning, &format!("cannot be asked: {why}"))));
    }
    out.push(blank());
    out.extend(conditions(
        &app.conditions,
        explain::of_app,
        "No conditions: it has nothing to complain of.",
        shared,
    ));
    out
}

fn short(revision: &crate::domain::id::Name) -> String {
    short_revision(std::slice::from_ref(revision))
}

fn operation(app: &AppDetail, shared: &Shared) -> Painted {
    let Some(operation) = &app.operation else {
        let words = if app.requested.is_some() {
            "asked for, not begun"
        } else {
            "none since it was cleared, or never"
        };
        return Painted::role(Role::Muted, words);
    };
    let request = &operation.request;
    let level = lines::phase_level(&operation.phase);
    let mut value = Painted::role(Role::of_level(level), &operation.phase);
    let what = match request {
        request if request.dry_run => "dry run",
        request if request.heal_attempts > 0 => "self-heal",
        request if request.selected > 0 => "partial sync",
        _ => "",
    };
    if !what.is_empty() {
        value.push(Role::Text, &format!("  {what}"));
    }
    let by = match (request.automated, &*request.by) {
        (true, _) => "by auto-sync".to_owned(),
        (false, "") => "by hand".to_owned(),
        (false, by) => format!("by {by}"),
    };
    value.push(Role::Muted, &format!("  {by}"));
    if let Some(at) = operation.finished.or(operation.started) {
        value.push(Role::Muted, &format!(", {} ago", words::short_age(at, shared)));
    }
    value
}

fn automated(app: &AppDetail) -> Painted {
    let Some(auto) = app.automated else { return Painted::role(Role::Muted, "off: a person syncs") };
    let mut words = vec!["on"];
    words.push(if auto.self_heal { "self-heal" } else { "no self-heal: drift stays" });
    words.push(if auto.prune { "prune" } else { "no prune: what left Git stays" });
    if auto.allow_empty {
        words.push("may delete everything");
    }
    Painted::plain(words.join(", "))
}

fn source(source: &Source) -> Painted {
    let mut value = Painted::plain(&*source.repo);
    for (word, text) in [("path", &source.path), ("chart", &source.chart), ("ref", &source.reference)] {
        if !text.is_empty() {
            value.push(Role::Muted, &format!("  {word} "));
            value.push_plain(text);
        }
    }
    value.push(Role::Muted, "  at ");
    value.push_plain(if source.target.is_empty() { "HEAD" } else { &source.target });
    value
}

fn destination(view: &SyncView, app: &AppDetail, shared: &Shared) -> Painted {
    let destination = &app.destination;
    let place = if destination.name.is_empty() { &destination.server } else { &destination.name };
    let mut value = Painted::plain(format!("{place}  namespace {}", destination.namespace));
    match view.derived.cluster.and_then(|id| shared.world.cluster(id)) {
        Some(cluster) => value.push(Role::Muted, &format!("  (context {})", cluster.connection.context)),
        None => value.push(
            Role::Warning,
            "  no context of the kubeconfig leads there: its live objects cannot be seen from here",
        ),
    }
    value
}

pub(super) fn of_flux(view: &SyncView, detail: &SyncDetail, flux: &FluxDetail, shared: &Shared) -> Vec<Line> {
    let mut out = Vec::new();
    if detail.deleting {
        out.extend(with_way(Level::Progressing, "It is being deleted.", ""));
    }
    if flux.suspended {
        let says = "It is suspended: nothing is reconciled, and what it says below may be old.";
        out.extend(with_way(Level::Idle, says, "Resume it (spec.suspend: false)."));
    }
    if flux.observed != flux.generation && !flux.suspended {
        let (says, way) = match flux.observed {
            // The definitions write -1 into every new object.
            ..=0 => (
                "No controller has looked at it yet.".to_owned(),
                "If it stays so, Flux's controller for its kind is down or does not watch this namespace.",
            ),
            seen => {
                let generations = format!("(generation {}, seen {seen})", flux.generation);
                (format!("The controller has not seen the newest change yet {generations}."), "")
            }
        };
        out.extend(with_way(Level::Progressing, &says, way));
    }
    if !flux.applied.is_empty() && !flux.attempted.is_empty() && flux.applied != flux.attempted {
        let says =
            format!("The newest revision ({}) was tried and is not what runs.", short(&flux.attempted));
        out.extend(with_way(Level::Warning, &says, "The condition Ready says why."));
    }
    if flux.requested.is_some() && !flux.suspended {
        out.extend(with_way(Level::Progressing, "A reconcile was asked for and is not answered yet.", ""));
    }
    if !out.is_empty() {
        out.push(blank());
    }
    for (name, revision) in
        [("applied", &flux.applied), ("attempted", &flux.attempted), ("commit", &flux.origin)]
    {
        if !revision.is_empty() {
            out.push(fact(name, Painted::role(Role::Strong, &short(revision))));
        }
    }
    out.extend(view.tabs.contains(&super::Tab::Follow).then(|| way(&view.follow)).flatten());
    if let Some(artifact) = &flux.artifact {
        let mut value = Painted::role(Role::Strong, &short(&artifact.revision));
        value.push_plain("  ");
        value.append(&lines::moment(artifact.updated, shared));
        out.push(fact("artifact", value));
    }
    if !flux.source.kind.is_empty() {
        out.push(fact("source", source_chain(flux, shared)));
    }
    for (name, text) in [
        ("address", &flux.source.url),
        ("wants", &flux.source.wants),
        ("path", &flux.path),
        ("every", &flux.interval),
        ("into", &flux.target_namespace),
        ("drift", &flux.drift_detection),
    ] {
        let shown = name != "into" || view.tabs.contains(&super::Tab::Resources);
        if !text.is_empty() && shown {
            out.push(fact(name, Painted::plain(&**text)));
        }
    }
    if flux.remote {
        out.push(fact(
            "cluster",
            Painted::role(Role::Muted, "another one (spec.kubeConfig): its objects are not seen from here"),
        ));
    }
    if !flux.depends_on.is_empty() {
        out.push(fact("depends on", Painted::plain(flux.depends_on.join(", "))));
    }
    let [failures, installs, upgrades] = flux.failures;
    if failures + installs + upgrades > 0 {
        let words = format!("{failures} in a row ({installs} installs, {upgrades} upgrades)");
        out.push(fact("failures", Painted::role(Role::Warning, &words)));
    }
    out.push(blank());
    out.extend(conditions(&flux.conditions, explain::of_flux, "No conditions yet.", shared));
    out
}

fn source_chain(flux: &FluxDetail, shared: &Shared) -> Painted {
    let source = &flux.source;
    let mut value = Painted::plain(format!("{} {}/{}", source.kind, source.namespace, source.name));
    match &flux.source_facts {
        Lookup::Known(known) => {
            if let Some(artifact) = &known.artifact {
                value.push(Role::Muted, "  has ");
                value.push_plain(&short(&artifact.revision));
                if let Some(at) = artifact.updated {
                    value.push(Role::Muted, &format!(", {} ago", words::short_age(at, shared)));
                }
            }
            if known.suspended {
                value.push(Role::Warning, "  suspended");
            }
            let failed = known.conditions.iter().find(|c| &*c.kind == "Ready" && &*c.status == "False");
            if let Some(failed) = failed {
                value.push(Role::Critical, &format!("  {}: {}", failed.reason, failed.message));
            }
        }
        Lookup::Refused(why) => value.push(Role::Warning, &format!("  cannot be read: {why}")),
        Lookup::None => {}
    }
    value
}

type Explained = (Level, &'static str, &'static str);

fn conditions(
    all: &[Condition],
    explain: fn(&Condition) -> Explained,
    none: &str,
    shared: &Shared,
) -> Vec<Line> {
    let mut out = vec![heading("Conditions", "")];
    if all.is_empty() {
        out.push(lines::said(Role::Muted, none));
        return out;
    }
    let mut sorted: Vec<(&Condition, Explained)> = all.iter().map(|c| (c, explain(c))).collect();
    sorted.sort_by_key(|(_, (level, ..))| std::cmp::Reverse(*level));
    let mut explained = Vec::new();
    for (condition, (level, means, way)) in sorted {
        let mut line = Painted::role(Role::of_level(level), &condition.kind);
        if !condition.status.is_empty() {
            line.push(Role::Muted, &format!(" {}", condition.status));
        }
        if !condition.reason.is_empty() {
            line.push_plain(&format!("  {}", condition.reason));
        }
        if let Some(since) = condition.since {
            line.push(Role::Muted, &format!("  for {}", words::short_age(since, shared)));
        }
        out.push(Line::text(line).sign(level));
        if !means.is_empty() && level != Level::Ok && !explained.contains(&means) {
            explained.push(means);
            out.push(
                Line::text(
                    Painted::plain(text::pad("", 2) + means)
                        .with(Role::Text, if way.is_empty() { "" } else { " " })
                        .with(Role::Strong, way),
                )
                .indent(2),
            );
        }
        if !condition.message.is_empty() {
            out.push(Line::text(Painted::plain("  ").with(Role::Muted, &condition.message)).indent(2));
        }
    }
    out
}
