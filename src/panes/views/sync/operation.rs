//! The last operation, object by object.

use super::Item;
use super::lines::{self, Line, blank, fact, heading, said, with_way};
use crate::domain::level::Level;
use crate::domain::sync_detail::{AppDetail, Operation, Request, ResourceResult, short_revision};
use crate::panes::views::painted::Painted;
use crate::shared::Shared;
use crate::text;
use crate::theme::Role;

pub(super) fn lines(app: &AppDetail, shared: &Shared) -> Vec<Line> {
    let mut out = Vec::new();
    if let Some(request) = &app.requested
        && app.operation.is_none()
    {
        out.extend(with_way(Level::Progressing, "Asked for, and not begun.", ""));
        out.push(fact("what", what(request)));
        return out;
    }
    let Some(operation) = &app.operation else {
        return vec![said(
            Role::Muted,
            "No operation is recorded: it was never synced, or the record was cleared.",
        )];
    };
    let level = lines::phase_level(&operation.phase);
    let phase = match (&*operation.phase, operation.waits_for_retry()) {
        (_, true) => "Running: an attempt failed, and the next one waits",
        (phase, false) => phase,
    };
    out.push(Line::text(Painted::role(Role::of_level(level), phase)).sign(level));
    if !operation.message.is_empty() {
        out.push(Line::text(Painted::plain(operation.message.clone())));
    }
    out.push(blank());
    out.push(fact("what", what(&operation.request)));
    let tried =
        if operation.revisions.is_empty() { &operation.request.revisions } else { &operation.revisions };
    if !tried.is_empty() {
        out.push(fact("revision", Painted::role(Role::Strong, &short_revision(tried))));
    }
    let by = match (operation.request.automated, &*operation.request.by) {
        (true, _) => "auto-sync",
        (false, "") => "somebody who gave no name",
        (false, by) => by,
    };
    out.push(fact("by", Painted::plain(by)));
    out.push(fact("begun", lines::moment(operation.started, shared)));
    if let Some(finished) = operation.finished {
        let mut value = lines::moment(Some(finished), shared);
        if let Some(started) = operation.started {
            value.push(Role::Muted, &format!(", took {}", text::duration_words(finished.since(started))));
        }
        out.push(fact("ended", value));
    }
    if operation.retries > 0 || operation.request.retry_limit != 0 {
        let limit = match operation.request.retry_limit {
            0 => "none allowed".to_owned(),
            limit if limit < 0 => "any number allowed".to_owned(),
            limit => format!("{limit} allowed"),
        };
        out.push(fact(
            "retries",
            Painted::plain(operation.retries.to_string()).with(Role::Muted, &format!(", {limit}")),
        ));
    }
    out.push(blank());
    out.extend(results(operation));
    out
}

fn what(request: &Request) -> Painted {
    let mut words = Vec::new();
    words.push(match request {
        request if request.dry_run => "a dry run: nothing was applied".to_owned(),
        request if request.heal_attempts > 0 => format!("self-heal, attempt {}", request.heal_attempts),
        request if request.selected > 0 => {
            format!("a sync of {} chosen objects: no hooks, not in the history", request.selected)
        }
        _ => "a sync of everything".to_owned(),
    });
    if request.prune {
        words.push("with pruning".to_owned());
    }
    Painted::plain(words.join(", "))
}

/// What a result means: the hook's phase counts for hooks, while the operation runs, and when it failed; on others of
/// an operation that succeeded it is left over.
pub(super) fn result_words(result: &ResourceResult, operation: &Operation) -> (Level, String) {
    let hook = !result.hook_type.is_empty();
    let counts = hook || operation.is_running() || &*result.hook_phase == "Failed";
    match (&*result.status, &*result.hook_phase) {
        ("SyncFailed", _) => (Level::Critical, "failed".to_owned()),
        (_, "Failed" | "Error") => (Level::Critical, "failed".to_owned()),
        (_, "Running") if counts => (Level::Progressing, if hook { "runs" } else { "waited for" }.to_owned()),
        ("PruneSkipped", _) => (Level::Warning, "not pruned".to_owned()),
        ("Pruned", _) => (Level::Ok, "pruned".to_owned()),
        ("Synced", _) => (Level::Ok, "applied".to_owned()),
        ("", "Succeeded") => (Level::Ok, "done".to_owned()),
        ("", phase) => (lines::phase_level(phase), phase.to_lowercase()),
        (status, _) => (Level::Unknown, status.to_owned()),
    }
}

fn results(operation: &Operation) -> Vec<Line> {
    let mut out =
        vec![heading("Objects", &format!("{} of this operation, worst first", operation.results.len()))];
    if operation.results.is_empty() {
        let words = match (operation.is_running(), operation.request.selected) {
            (true, _) => "None named yet: the controller reports every two seconds.",
            (false, 0) => "It names none.",
            (false, _) => "None: nothing in the application fits what was chosen.",
        };
        out.push(said(Role::Muted, words));
    }
    let mut all: Vec<(Level, String, &ResourceResult)> = operation
        .results
        .iter()
        .map(|result| {
            let (level, words) = result_words(result, operation);
            (level, words, result)
        })
        .collect();
    // What went well in the order in which it was done.
    all.sort_by_key(|(level, ..)| std::cmp::Reverse((*level).max(Level::Ok)));
    for (level, words, result) in all {
        let mut line = Painted::role(Role::Text, &text::cell(&result.id.words(), 34));
        line.push(Role::of_level(level), &text::cell(&format!(" {words}"), 12));
        let hook = match (&*result.hook_type, &*result.sync_phase) {
            ("", "Sync" | "") => String::new(),
            ("", phase) => phase.to_owned(),
            (hook, _) => format!("{hook} hook"),
        };
        if !hook.is_empty() {
            line.push(Role::Accent, &format!(" {hook}"));
        }
        line.push(Role::Muted, &format!("  {}", result.message));
        for image in &result.images {
            line.push_plain(&format!("  {image}"));
        }
        let row = Item::Line(format!(
            "{}/{}/{}/{}",
            result.id.kind, result.id.namespace, result.id.name, result.hook_type
        ));
        out.push(Line::row(line, row).indent(4).sign(level));
    }
    out
}
