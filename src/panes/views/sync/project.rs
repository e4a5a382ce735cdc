//! The AppProject: its sync windows with what they mean now, and its limits.

use super::Item;
use super::lines::{Line, blank, fact, heading, said};
use crate::cron::Cron;
use crate::domain::id::{Name, ObjectRef};
use crate::domain::level::Level;
use crate::domain::sync_detail::{AppDetail, Destination, Lookup, Project};
use crate::domain::sync_window::SyncWindow;
use crate::domain::time::Stamp;
use crate::fleet::windows::{Clockwork, Judgement, Verdict, speaks_of};
use crate::panes::views::painted::Painted;
use crate::panes::views::words;
use crate::shared::Shared;
use crate::text;
use crate::theme::Role;

pub(super) fn lines(
    object: &ObjectRef,
    app: &AppDetail,
    judgement: Option<&Judgement>,
    shared: &Shared,
) -> Vec<Line> {
    let project = match &app.project_facts {
        Lookup::Known(project) => project,
        Lookup::Refused(why) => {
            return vec![
                heading("Project", &app.project),
                said(Role::Warning, &format!("Cannot be read: {why}")).sign(Level::Unknown),
                said(
                    Role::Muted,
                    "Its sync windows and limits are not known, so what they hold back is not either.",
                ),
            ];
        }
        Lookup::None => return vec![heading("Project", &app.project)],
    };
    let mut out = vec![heading("Project", &project.name)];
    if !project.description.is_empty() {
        out.push(said(Role::Muted, &project.description));
    }
    out.push(blank());
    out.extend(windows(object, app, project, judgement, shared));
    out.push(blank());
    out.extend(limits(app, project));
    out
}

fn verdict(name: &str, verdict: Verdict, changes: Option<Stamp>, shared: &Shared) -> Line {
    let now = shared.now.wall;
    let at = |at: Stamp| format!("{} (in {})", words::moment(at, now), text::duration_words(at.since(now)));
    let (role, words) = match (verdict, changes) {
        (Verdict::Free, _) => (Role::Ok, "open: no window speaks of this application".to_owned()),
        (Verdict::ByHand, Some(until)) => {
            (Role::Ok, format!("open to persons (manualSync), for all from {}", at(until)))
        }
        (Verdict::ByHand, None) => (Role::Ok, "open to persons (manualSync)".to_owned()),
        (Verdict::Open, Some(until)) => (Role::Ok, format!("open until {}", at(until))),
        (Verdict::Open, None) => (Role::Ok, "open, for as long as can be told".to_owned()),
        (Verdict::Denied, Some(opens)) => {
            (Role::Warning, format!("closed by a deny window, opens at {}", at(opens)))
        }
        (Verdict::Closed, Some(opens)) => (Role::Warning, format!("closed, opens at {}", at(opens))),
        (Verdict::Denied | Verdict::Closed, None) => {
            (Role::Critical, "closed, and as far as can be told it does not open".to_owned())
        }
    };
    fact(name, Painted::role(role, &words))
}

fn windows(
    object: &ObjectRef,
    app: &AppDetail,
    project: &Project,
    judgement: Option<&Judgement>,
    shared: &Shared,
) -> Vec<Line> {
    let mine: Vec<&SyncWindow> =
        project.windows.iter().filter(|window| speaks_of(window, &object.name, &app.destination)).collect();
    let mut out = vec![heading(
        "Sync windows",
        &format!("{} of {} speak of this application", mine.len(), project.windows.len()),
    )];
    if let Some(judged) = judgement {
        out.push(verdict("auto-sync", judged.automatic, judged.automatic_changes, shared));
        out.push(verdict("by hand", judged.manual, judged.manual_changes, shared));
        out.push(said(
            Role::Muted,
            "Judged by Pilothouse: what a window holds back leaves no trace in the Application.",
        ));
    }
    out.push(blank());
    for window in mine {
        out.push(self::window(window, shared));
    }
    out
}

fn window(window: &SyncWindow, shared: &Shared) -> Line {
    let clockwork = Clockwork::of(window);
    let active = clockwork.active(shared.now.wall);
    let schedule = match Cron::read(&window.schedule, &window.time_zone) {
        Ok(cron) => cron.words(),
        Err(_) => window.schedule.to_string(),
    };
    let mut line = Painted::role(
        if window.deny { Role::Warning } else { Role::Ok },
        if window.deny { "deny  " } else { "allow " },
    );
    line.push(Role::Strong, &schedule);
    line.push_plain(&format!(" for {}", window.duration));
    let state = match (clockwork.works(), active) {
        (false, _) => (Role::Critical, "  never: its schedule or duration cannot be read"),
        (true, true) => (Role::Accent, "  active now"),
        (true, false) => (Role::Muted, "  not active"),
    };
    line.push(state.0, state.1);
    if window.manual {
        line.push(Role::Muted, ", persons may sync");
    }
    if window.overrun {
        line.push(Role::Muted, ", what has begun goes on");
    }
    if !window.description.is_empty() {
        line.push(Role::Muted, &format!("  {}", window.description));
    }
    let level = match (window.deny, active) {
        (true, true) => Level::Warning,
        (false, true) => Level::Ok,
        _ => Level::Idle,
    };
    let row = Item::Line(format!("{}|{}|{}", window.schedule, window.duration, window.deny));
    Line::row(line, row).indent(6).sign(level)
}

fn limits(app: &AppDetail, project: &Project) -> Vec<Line> {
    let list = |names: &[Name]| match names {
        [] => Painted::role(Role::Warning, "none: nothing is permitted"),
        names => Painted::plain(
            names.iter().map(|name| if &**name == "*" { "any" } else { name }).collect::<Vec<_>>().join(", "),
        ),
    };
    let place = |place: &Destination| {
        let cluster = if place.name.is_empty() { &place.server } else { &place.name };
        let any = |text: &str| if text == "*" { "any".to_owned() } else { text.to_owned() };
        format!("{} in {}", any(&place.namespace), any(cluster))
    };
    let texts = |texts: &[String]| texts.join(", ");
    let mut out = vec![heading("Limits", "")];
    out.push(fact("repositories", list(&project.source_repos)));
    out.push(fact(
        "destinations",
        match project.destinations.as_slice() {
            [] => Painted::role(Role::Warning, "none: nothing is permitted"),
            places => Painted::plain(places.iter().map(place).collect::<Vec<_>>().join("; ")),
        },
    ));
    if !project.source_namespaces.is_empty() {
        out.push(fact("app namespaces", list(&project.source_namespaces)));
    }
    let denied =
        |list: &[String]| if list.is_empty() { String::new() } else { format!("; never {}", texts(list)) };
    let cluster =
        if project.cluster_allowed.is_empty() { "none".to_owned() } else { texts(&project.cluster_allowed) };
    out.push(fact("cluster kinds", Painted::plain(cluster + &denied(&project.cluster_denied))));
    let namespaced = match &project.namespace_allowed {
        None => "any".to_owned(),
        Some(list) if list.is_empty() => "none".to_owned(),
        Some(list) => texts(list),
    };
    out.push(fact("kinds", Painted::plain(namespaced + &denied(&project.namespace_denied))));
    let orphans = if project.watches_orphans { "watched for" } else { "not watched for" };
    out.push(fact("orphans", Painted::role(Role::Muted, orphans)));
    let _ = app;
    out
}
