//! The journal: what was changed from here, newest first, by whom, why and with what outcome.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::page::{Page, PageLine};
use super::painted::Painted;
use super::words;
use crate::action::{Action, Scope};
use crate::domain::level::Level;
use crate::domain::meta::Labels;
use crate::domain::time::Stamp;
use crate::journal::{Entry, Outcome};
use crate::look::Look;
use crate::panes::filter::{Filter, Haystack};
use crate::panes::{Pane, PaneId, Pointer, Title};
use crate::shared::{Applies, Outcome as Then, Shared, Subject};
use crate::text::clean;
use crate::theme::Role;

/// The view.
#[derive(Debug, Default)]
pub struct JournalView {
    page: Page<String>,
    /// The action whose steps are shown.
    open: Option<String>,
    filter: Filter,
    count: usize,
    /// How many of them are shown.
    shown: usize,
    torn: usize,
}

/// What is searched of an action.
struct Texts<'a>(&'a Entry);

impl Haystack for Texts<'_> {
    fn any_text(&self, found: &mut dyn FnMut(&str) -> bool) -> bool {
        let intent = &self.0.intent;
        let texts = [
            &intent.title,
            &intent.action,
            &intent.environment,
            &intent.context,
            &intent.reason,
            &intent.who.local.user,
            &intent.who.local.host,
            &intent.who.kube,
            &intent.at,
        ];
        let end = self.0.end.as_ref();
        texts.into_iter().any(|text| found(text))
            || found(standing(self.0).1)
            || end.is_some_and(|end| found(&end.words))
            || intent.objects.iter().any(|object| found(&object.namespace) || found(&object.name))
    }
    fn labels(&self) -> &Labels {
        static NONE: std::sync::LazyLock<Labels> = std::sync::LazyLock::new(Labels::default);
        &NONE
    }
}

/// How an action ended, as a level and a word.
fn standing(entry: &Entry) -> (Level, &'static str) {
    match &entry.end {
        Some(end) => {
            let level = match end.outcome {
                Outcome::Done => Level::Ok,
                Outcome::Failed => Level::Critical,
                Outcome::TimedOut | Outcome::Superseded => Level::Warning,
                Outcome::Refused => Level::Idle,
                Outcome::Unknown => Level::Unknown,
            };
            (level, end.outcome.word())
        }
        None if entry.running => (Level::Progressing, "running"),
        None => (Level::Unknown, "begun, no outcome"),
    }
}

/// A moment of the journal as the other views write it.
fn moment(text: &str, shared: &Shared) -> String {
    match text.parse::<jiff::Timestamp>() {
        Ok(at) => words::moment(Stamp(at.as_second()), shared.now.wall),
        Err(_) => clean(text).into_owned(),
    }
}

fn lines_of(entry: &Entry, open: bool, shared: &Shared) -> Vec<PageLine<String>> {
    let intent = &entry.intent;
    let (level, word) = standing(entry);
    let place = if intent.environment.is_empty() { &intent.context } else { &intent.environment };
    let mut line = Painted::role(Role::Muted, &format!("{}  ", moment(&intent.at, shared)));
    line.push(Role::Strong, &clean(&intent.title));
    line.push_plain(&format!(" in {}  ", clean(place)));
    line.push(Role::of_level(level), word);
    line.push(Role::Muted, &format!("  {}", clean(&intent.who.local.user)));
    if !intent.reason.is_empty() {
        line.push_plain(&format!("  \u{201c}{}\u{201d}", clean(&intent.reason)));
    }
    let mut lines = vec![PageLine::row(line, intent.id.clone()).sign(level)];
    if let Some(end) = &entry.end {
        lines.push(PageLine::text(Painted::role(Role::Muted, &format!("  {}", clean(&end.words)))));
    }
    if !open {
        return lines;
    }
    let mut add = |text: String| lines.push(PageLine::text(Painted::plain(format!("  {}", clean(&text)))));
    let who = &intent.who;
    let ssh = if who.local.ssh.is_empty() { String::new() } else { format!(" from {}", who.local.ssh) };
    add(format!("by {}@{}{ssh}, in the cluster {}", who.local.user, who.local.host, who.in_the_cluster()));
    add(format!("at {} ({}), confirmed by {}", intent.context, intent.server, intent.confirmed));
    for gate in &intent.gates {
        let overridden = if gate.overridden { " (overridden)" } else { "" };
        add(format!("gate {} {}: {}{overridden}", gate.gate, gate.verdict, gate.why));
    }
    for request in &intent.requests {
        add(format!("request {} {} {}", request.method, request.path, request.body));
    }
    for step in &entry.steps {
        add(format!("{} step {} {}: {}", moment(&step.at, shared), step.step, step.outcome, step.words));
    }
    lines
}

impl Pane for JournalView {
    fn id(&self) -> PaneId {
        PaneId::View
    }

    fn title(&self, shared: &Shared) -> Title {
        let note = match &shared.journal {
            None => "being read".to_owned(),
            Some(Err(_)) => "cannot be read".to_owned(),
            Some(Ok(_)) if self.torn > 0 => {
                format!("{} · newest first · not readable: {}", self.count, words::counted(self.torn, "line"))
            }
            Some(Ok(_)) if !self.filter.is_empty() => {
                format!("{} of {} · newest first", self.shown, self.count)
            }
            Some(Ok(_)) => format!("{} · newest first", self.count),
        };
        Title { name: "Journal".to_owned(), note, stale: None }
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::List]
    }

    fn refresh(&mut self, shared: &Shared) {
        let mut lines = Vec::new();
        match &shared.journal {
            None => lines.push(PageLine::text(Painted::role(Role::Muted, "The journal is being read …"))),
            Some(Err(why)) => {
                let words = format!("The journal cannot be read: {why}. Nothing can be changed without it.");
                lines.push(PageLine::text(Painted::role(Role::Warning, &words)));
            }
            Some(Ok(reading)) => {
                self.count = reading.entries.len();
                self.torn = reading.torn.len();
                let mut pass = self.filter.pass();
                self.shown = 0;
                for entry in reading.entries.iter().rev() {
                    if !pass.shows(&Texts(entry)) {
                        continue;
                    }
                    self.shown += 1;
                    let open = self.open.as_ref() == Some(&entry.intent.id);
                    lines.extend(lines_of(entry, open, shared));
                }
                if self.shown == 0 && self.count > 0 {
                    let words = format!("Nothing of {} matches {}.", self.count, self.filter.text());
                    lines.push(PageLine::text(Painted::role(Role::Muted, &words)));
                }
                if reading.entries.is_empty() {
                    let keys =
                        [Action::Scale, Action::Restart, Action::Undo].map(|action| shared.key(action));
                    let words = format!(
                        "Nothing was changed from here yet. {} scales a workload, {} restarts it, {} goes back.",
                        keys[0], keys[1], keys[2]
                    );
                    lines.push(PageLine::text(Painted::role(Role::Muted, &words)));
                }
            }
        }
        self.page.set(lines);
    }

    fn resize(&mut self, width: u16, height: u16) {
        self.page.resize(width, height);
    }

    fn applies(&self, _: &Shared, action: Action) -> Applies {
        match action {
            action if action.moves() => Applies::Yes,
            Action::Open if self.page.selected().is_none() => Applies::No("Nothing is selected.".to_owned()),
            Action::Open | Action::Filter => Applies::Yes,
            Action::Back if !self.filter.is_empty() => Applies::Yes,
            _ => Applies::Elsewhere,
        }
    }

    fn filter(&self) -> Option<&str> {
        Some(self.filter.text())
    }

    fn set_filter(&mut self, _: &Shared, text: &str) -> Result<(), String> {
        self.filter = Filter::parse(text)?;
        Ok(())
    }

    fn act(&mut self, _: &mut Shared, action: Action) -> Then {
        if action == Action::Back {
            self.filter = Filter::default();
        } else if !self.page.act(action) {
            let chosen = self.page.selected().cloned();
            self.open = if self.open == chosen { None } else { chosen };
        }
        Then::none()
    }

    fn subject(&self, _: &Shared) -> Option<Subject> {
        None
    }

    fn draw(&self, _: &Shared, look: &Look, focused: bool, area: Rect, buffer: &mut Buffer) {
        self.page.draw(look, focused, area, buffer);
    }

    fn mouse(&mut self, _: &mut Shared, event: Pointer) -> Then {
        self.page.mouse(event);
        Then::none()
    }
}
