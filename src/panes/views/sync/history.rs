//! What was deployed when, newest first.

use super::Item;
use super::lines::{self, Line, blank, heading, said};
use crate::domain::level::Level;
use crate::domain::sync_detail::{AppDetail, FluxDetail, short_revision};
use crate::panes::views::painted::Painted;
use crate::panes::views::words;
use crate::shared::Shared;
use crate::text;
use crate::theme::Role;

pub(super) fn of_app(app: &AppDetail, shared: &Shared) -> Vec<Line> {
    let mut out =
        vec![heading("History", "full syncs, newest first; self-heals and partial syncs are not recorded")];
    if app.history.is_empty() {
        out.push(said(Role::Muted, "Nothing was ever deployed."));
        return out;
    }
    // A commit to something else in the same repository moves the revision too, and puts nothing back.
    let is_before = || app.history.iter().rev().skip(1).any(|before| before.revisions == app.revisions);
    let last =
        app.history.last().is_some_and(|last| last.revisions != app.revisions && &*app.sync == "Synced");
    if last && is_before() {
        let words =
            "The newest entry is not what runs: a self-heal has put another revision back, unrecorded.";
        out.push(said(Role::Warning, words).sign(Level::Warning));
    }
    out.push(blank());
    for entry in app.history.iter().rev() {
        let current = entry.revisions == app.revisions;
        let mut line = Painted::role(Role::Muted, &text::cell(&entry.id.to_string(), 5));
        let role = if current { Role::Strong } else { Role::Text };
        line.push(role, &text::cell(&short_revision(&entry.revisions), 18));
        line.append(&lines::moment(entry.deployed, shared));
        line.pad_to(23 + 32);
        let by = match (entry.automated, &*entry.by) {
            (true, _) => "auto-sync".to_owned(),
            (false, "") => "not told by whom".to_owned(),
            (false, by) => format!("by {by}"),
        };
        line.push_plain(&by);
        if let Some((from, to)) = entry.started.zip(entry.deployed) {
            line.push(Role::Muted, &format!(", took {}", text::duration_words(to.since(from))));
        }
        if current {
            line.push(Role::Accent, "  the newest revision");
        }
        out.push(Line::row(line, Item::Line(format!("history {}", entry.id))));
    }
    out
}

pub(super) fn of_flux(flux: &FluxDetail, shared: &Shared) -> Vec<Line> {
    let mut out = vec![heading("History", "newest first")];
    if flux.history.is_empty() {
        let words = match flux.kind {
            crate::domain::id::Kind::HelmRelease => "No release was ever made.",
            _ => "It keeps none: Kustomizations do so since Flux 2.7.",
        };
        out.push(said(Role::Muted, words));
        return out;
    }
    out.push(blank());
    for (at, release) in flux.history.iter().enumerate() {
        let level = match &*release.status {
            "deployed" | "ReconciliationSucceeded" => Level::Ok,
            "superseded" | "uninstalled" => Level::Idle,
            "failed" => Level::Critical,
            status if status.starts_with("pending") => Level::Progressing,
            status if status.ends_with("Failed") => Level::Critical,
            _ => Level::Unknown,
        };
        let number = if release.number > 0 { release.number.to_string() } else { String::new() };
        let mut line = Painted::role(Role::Muted, &text::cell(&number, 5));
        let what = short_revision(&[release.what.as_str().into()]);
        line.push(if at == 0 { Role::Strong } else { Role::Text }, &text::cell(&what, 28));
        line.push(Role::of_level(level), &text::cell(&format!(" {}", release.status), 26));
        if !release.action.is_empty() {
            line.push_plain(&format!(" {}", release.action));
        }
        if let Some(last) = release.last {
            line.push(
                Role::Muted,
                &format!(
                    "  {}, {} ago",
                    words::moment(last, shared.now.wall),
                    words::short_age(last, shared)
                ),
            );
        }
        if release.times > 1 {
            line.push(Role::Muted, &format!("  ×{}", release.times));
        }
        out.push(Line::row(line, Item::Line(format!("history {at}"))).sign(level));
    }
    out
}
