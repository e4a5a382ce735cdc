//! How live objects differ from what they should be, and by whose word.

use super::lines::{Line, blank, heading, said};
use super::{Item, SyncView};
use crate::domain::level::Level;
use crate::domain::sync_detail::{About, Differences, FieldChange, Found, ObjectDiff};
use crate::panes::views::painted::Painted;
use crate::panes::views::words;
use crate::shared::Shared;
use crate::theme::Role;

pub(super) fn lines(view: &SyncView, about: &About, shared: &Shared) -> Vec<Line> {
    let mut out = Vec::new();
    let argo = matches!(about, About::Argo(_));
    let by_git = view.drift.objects.iter().any(|diff| matches!(diff.found, Found::Git(_)));
    // Where no context leads to the objects only the API server of Argo CD can tell.
    let by = match by_git || argo && view.derived.cluster.is_none() {
        true => "- Git  + live, by the Argo CD API",
        false if argo => "- last applied  + live, by the Kubernetes API alone: not what Git says now",
        false => "- last applied  + live: not what Git says now",
    };
    out.push(heading("Differences", by));
    out.push(blank());
    let nothing = match about {
        About::Argo(app) => app.resources.iter().all(|resource| &*resource.status != "OutOfSync"),
        About::Flux(flux) => flux.inventory.is_empty(),
    };
    if nothing {
        out.push(said(Role::Muted, if argo { "No object is out of sync." } else { "It has no objects." }));
        return out;
    }
    if view.derived.cluster.is_none() && view.server(shared).is_none() {
        out.push(said(
            Role::Warning,
            "No context of the kubeconfig leads to the destination: its objects cannot be read from here.",
        ));
        return out;
    }
    if let Some(why) = &view.drift_feed.failed {
        out.push(said(Role::Critical, &format!("Cannot be read: {why}")));
    } else if !view.drift_feed.answered {
        out.push(said(Role::Muted, "Asking…"));
    }
    let Differences { objects, of, without_server } = &view.drift;
    if let Some(why) = without_server {
        out.push(said(
            Role::Warning,
            &format!("Live against what was last applied, since the Argo CD API does not tell: {why}"),
        ));
    }
    if objects.len() < *of {
        let words = format!("The first {} of {of} objects; the others were not compared.", objects.len());
        out.push(said(Role::Warning, &words));
    }
    for diff in objects {
        out.extend(object(diff, argo, shared));
    }
    out
}

fn object(diff: &ObjectDiff, argo: bool, shared: &Shared) -> Vec<Line> {
    let place = if diff.id.namespace.is_empty() { String::new() } else { format!("  {}", diff.id.namespace) };
    let (level, words) = verdict(&diff.found, argo);
    // What is well needs no more than its line.
    let mut head = Painted::role(Role::Strong, &diff.id.words()).with(Role::Muted, &place);
    head.push(if level == Level::Ok { Role::Muted } else { Role::of_level(level) }, &format!("  {words}"));
    let row =
        Item::Line(format!("{}/{}/{}/{}", diff.id.group, diff.id.kind, diff.id.namespace, diff.id.name));
    let mut out = vec![Line::row(head, row).sign(level)];
    match &diff.found {
        Found::Git(changes) | Found::LastApplied(changes) => out.extend(changes.iter().flat_map(change)),
        Found::Owners(owners) => {
            for owner in owners {
                let at =
                    owner.at.map(|at| format!(", {} ago", words::short_age(at, shared))).unwrap_or_default();
                let line = Painted::plain("  by ").with(Role::Warning, &owner.manager);
                out.push(Line::text(line.with(Role::Muted, &format!(" ({}{at})", owner.operation))));
                for field in &owner.fields {
                    out.push(Line::text(Painted::plain(format!("    {field}"))).indent(6));
                }
            }
        }
        Found::Missing | Found::Extra | Found::Untold | Found::Unlisted | Found::Refused(_) => {}
    }
    out
}

fn verdict(found: &Found, argo: bool) -> (Level, String) {
    let fields = |n: usize| words::counted(n, "field");
    match found {
        Found::Git(changes) if changes.is_empty() => (Level::Ok, "as Git wants it".to_owned()),
        Found::Git(changes) => (Level::Warning, format!("{} differ from Git", fields(changes.len()))),
        Found::LastApplied(changes) if changes.is_empty() && argo => (
            Level::Unknown,
            "as it was last applied; it is Git that has changed since, which only the Argo CD API shows"
                .to_owned(),
        ),
        Found::LastApplied(changes) if changes.is_empty() => (Level::Ok, "as it was last applied".to_owned()),
        Found::LastApplied(changes) => {
            (Level::Warning, format!("{} differ from what was last applied", fields(changes.len())))
        }
        Found::Owners(owners) if owners.is_empty() => {
            (Level::Ok, "applied by the server: no field was written by anybody else".to_owned())
        }
        Found::Owners(_) => (
            Level::Warning,
            "applied by the server, so no copy of what was wanted: fields that others wrote".to_owned(),
        ),
        Found::Missing => (Level::Critical, "does not exist".to_owned()),
        Found::Extra => (Level::Warning, "is not in Git any more".to_owned()),
        Found::Untold => (Level::Unknown, "it does not say what was applied".to_owned()),
        Found::Unlisted => (
            Level::Unknown,
            "the Argo CD API does not list it among what it compares: refresh asks it to".to_owned(),
        ),
        Found::Refused(why) => (Level::Unknown, format!("cannot be read: {why}")),
    }
}

fn change(change: &FieldChange) -> Vec<Line> {
    let mut out = vec![Line::text(Painted::plain(format!("  {}", change.path))).indent(4)];
    if let Some(wanted) = &change.wanted {
        out.push(Line::text(Painted::role(Role::Removed, &format!("    - {wanted}"))).indent(6));
    }
    match &change.live {
        Some(live) => out.push(Line::text(Painted::role(Role::Added, &format!("    + {live}"))).indent(6)),
        None => out.push(Line::text(Painted::role(Role::Added, "    + (not there)")).indent(6)),
    }
    out
}
