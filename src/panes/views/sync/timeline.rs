//! A revision on its way, step by step.

use super::lines::{Line, blank, said};
use crate::domain::level::Level;
use crate::domain::sync_detail::short_revision;
use crate::fleet::follow::{Follow, Progress, Step, When};
use crate::panes::views::painted::Painted;
use crate::panes::views::words;
use crate::shared::Shared;
use crate::text;
use crate::theme::Role;

/// Columns of a step's name, and of its time.
const NAME: usize = 17;
const TIME: usize = 21;

pub(super) fn lines(follow: &Follow, shared: &Shared) -> Vec<Line> {
    if follow.revision.is_empty() {
        return vec![said(
            Role::Muted,
            "It has not been compared with a revision yet: there is nothing to follow.",
        )];
    }
    let mut out = vec![Line::text(
        Painted::role(Role::Muted, "revision ").with(Role::Strong, &short_revision(&follow.revision)),
    )];
    if let Some((before, reached)) = &follow.overtaken {
        let words =
            format!("{} got as far as {:?} when this one came.", short_revision(before), reached.word());
        out.push(said(Role::Muted, &words));
    }
    out.push(blank());
    for step in &follow.steps {
        out.extend(self::step(step, shared));
    }
    out.push(blank());
    out.push(match follow.current() {
        _ if follow.arrived() => {
            said(Role::Ok, "Arrived: synced, rolled out, and healthy by every measure.").sign(Level::Ok)
        }
        Some(Step { progress: Progress::Stuck(_), kind, .. }) => {
            said(Role::Warning, &format!("It is stuck at: {}.", kind.word())).sign(Level::Warning)
        }
        Some(step) => {
            said(Role::Progressing, &format!("Under way: {}.", step.kind.word())).sign(Level::Progressing)
        }
        None => said(Role::Muted, "Nothing happens now."),
    });
    let any = |f: fn(&When) -> bool| follow.steps.iter().filter_map(|step| step.at.as_ref()).any(f);
    if any(|at| matches!(at, When::Seen(_))) {
        out.push(said(Role::Muted, "seen: no object tells the time, so it is when Pilothouse saw it first."));
    }
    if any(|at| matches!(at, When::Before(_))) {
        out.push(said(Role::Muted, "≤: it had happened by then; when exactly, no object tells."));
    }
    out
}

fn step(step: &Step, shared: &Shared) -> Vec<Line> {
    let (level, role) = match &step.progress {
        Progress::Waiting => (None, Role::Muted),
        Progress::Now => (Some(Level::Progressing), Role::Progressing),
        Progress::Done => (Some(Level::Ok), Role::Text),
        Progress::Stuck(_) => (Some(Level::Critical), Role::Critical),
        Progress::Skipped(_) => (Some(Level::Idle), Role::Muted),
    };
    let now = shared.now.wall;
    let time = match step.at {
        Some(When::Said(at)) => words::moment(at, now),
        Some(When::Seen(at)) => format!("seen {}", words::moment(at, now)),
        Some(When::Before(at)) => format!("≤ {}", words::moment(at, now)),
        None => String::new(),
    };
    let mut line = Painted::role(role, &text::cell(step.kind.word(), NAME));
    line.push(Role::Muted, &text::cell(&time, TIME));
    match &step.progress {
        Progress::Skipped(why) => line.push(Role::Muted, &format!("not needed: {why}")),
        _ => line.push_plain(&step.note),
    }
    if step.progress == Progress::Now
        && let Some(When::Said(at) | When::Seen(at)) = step.at
    {
        line.push(Role::Muted, &format!("  for {}", text::duration_words(now.since(at))));
    }
    let mut head = Line::text(line).indent(NAME + TIME);
    head.sign = level;
    let mut out = vec![head];
    if let Progress::Stuck(stuck) = &step.progress {
        out.push(Line::text(Painted::plain("  ").with(Role::Critical, &stuck.why)).indent(2));
        if !stuck.way.is_empty() {
            out.push(Line::text(Painted::plain("  ").with(Role::Strong, &stuck.way)).indent(2));
        }
    }
    out
}
