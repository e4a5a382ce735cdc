//! Events of an object, newest first; asked again every ten seconds.

#[cfg(test)]
mod tests;

use std::hash::{DefaultHasher, Hash, Hasher};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::feed::{EVENTS_EVERY, Feed, events_of};
use super::painted::{Painted, Place};
use super::scroll::{Scroll, above_status};
use super::search::Search;
use super::words;
use crate::action::{Action, Scope};
use crate::domain::id::{Kind, ObjectRef};
use crate::domain::level::Level;
use crate::effect::Effect;
use crate::look::Look;
use crate::msg::{Answer, EventFact, RequestId};
use crate::panes::{Pane, PaneId, Pointer, Title};
use crate::shared::{Applies, Outcome, Shared, Subject};
use crate::text;
use crate::theme::Role;

/// The events view.
#[derive(Debug)]
pub struct EventsView {
    object: ObjectRef,
    feed: Feed,
    /// Newest first.
    events: Vec<EventFact>,
    /// Indexes of those that are shown.
    shown: Vec<usize>,
    warnings_only: bool,
    wrap: bool,
    search: Search,
    scroll: Scroll,
    /// Identity of the event under the cursor.
    selected: Option<u64>,
}

/// What makes an event the same one when it is counted up.
fn identity(event: &EventFact) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&event.about, &event.reason, &event.message, event.first).hash(&mut hasher);
    hasher.finish()
}

/// How bad an event is.
pub fn level(event: &EventFact) -> Level {
    match &*event.event_type {
        "Warning" => Level::Warning,
        "Normal" => Level::Ok,
        _ => Level::Unknown,
    }
}

/// Sorts events newest first.
pub fn newest_first(events: &mut [EventFact]) {
    events.sort_by(|a, b| {
        b.last.cmp(&a.last).then_with(|| a.about.cmp(&b.about)).then_with(|| a.reason.cmp(&b.reason))
    });
}

impl EventsView {
    /// Opens the events of an object.
    pub fn open(shared: &mut Shared, object: ObjectRef) -> Outcome {
        let (view, effects) = EventsView::new(shared, object);
        Outcome::open(Box::new(view), effects)
    }

    fn new(shared: &mut Shared, object: ObjectRef) -> (EventsView, Vec<Effect>) {
        let mut view = EventsView {
            feed: Feed::new(EVENTS_EVERY),
            object,
            events: Vec::new(),
            shown: Vec::new(),
            warnings_only: false,
            wrap: true,
            search: Search::default(),
            scroll: Scroll::default(),
            selected: None,
        };
        let question = events_of(&view.object);
        let effects = view.feed.ask(shared, question);
        (view, effects)
    }

    fn filter_events(&mut self) {
        let EventsView { events, shown, search, warnings_only, .. } = self;
        let all = events.iter().enumerate();
        *shown = all
            .filter(|(_, event)| !*warnings_only || level(event) != Level::Ok)
            .filter(|(_, event)| {
                search
                    .hits(&format!("{} {} {} {}", event.event_type, event.reason, event.about, event.message))
            })
            .map(|(at, _)| at)
            .collect();
        // The cursor stays on its event, and on its line of the screen.
        let before = self.scroll.cursor;
        if let Some(selected) = self.selected
            && let Some(at) =
                self.shown.iter().position(|at| self.events.get(*at).map(identity) == Some(selected))
        {
            self.scroll.top = (self.scroll.top + at).saturating_sub(before);
            self.scroll.cursor = at;
        }
        self.moved(|scroll, len, rows| scroll.reveal(len, rows));
    }

    fn moved<T>(&mut self, how: impl FnOnce(&mut Scroll, usize, &dyn Fn(usize) -> usize) -> T) -> T {
        let EventsView { events, shown, scroll, wrap, object, .. } = self;
        let columns = Columns::new(scroll.width, events, object);
        let rows = |at: usize| match shown.get(at).and_then(|at| events.get(*at)) {
            Some(event) if *wrap => columns.message_rows(event).len(),
            _ => 1,
        };
        how(scroll, shown.len(), &rows)
    }

    fn select(&mut self) {
        let event = self.shown.get(self.scroll.cursor).and_then(|at| self.events.get(*at));
        self.selected = event.map(identity);
    }

    fn current(&self) -> Option<&EventFact> {
        self.events.get(*self.shown.get(self.scroll.cursor)?)
    }

    fn status(&self, shared: &Shared, look: &Look) -> Painted {
        let mut line = Painted::default();
        if let Some(why) = &self.feed.failed {
            line.push(Role::Critical, &format!("cannot be read now: {why}"));
        } else if let Some(event) = self.current() {
            let first = words::moment(event.first, shared.now.wall);
            let last = words::moment(event.last, shared.now.wall);
            line.push(
                Role::Muted,
                &match event.count {
                    0 | 1 => format!("at {last}"),
                    count => format!("{count} times, first at {first}, last at {last}"),
                },
            );
            line.push(Role::Muted, &format!(" {} {}", look.symbols.dot, event.about));
        }
        line
    }
}

/// Widths of the columns; what is left over is the message's.
struct Columns {
    age: usize,
    count: usize,
    reason: usize,
    about: usize,
    message: usize,
}

impl Columns {
    fn new(width: usize, events: &[EventFact], object: &ObjectRef) -> Columns {
        let widest = |of: &dyn Fn(&EventFact) -> usize| events.iter().map(of).max().unwrap_or(0);
        let count =
            widest(&|event| if event.count > 1 { text::count(event.count.into()).len() + 1 } else { 0 });
        let reason = widest(&|event| text::width(&event.reason)).clamp(6, 22);
        let one = events.iter().all(|event| about_name(event) == &*object.name);
        let about =
            if one || width < 100 { 0 } else { widest(&|event| text::width(&event.about)).min(width / 4) };
        let used = 2 + 5 + count + 1 + reason + 1 + if about > 0 { about + 1 } else { 0 };
        Columns { age: 4, count, reason, about, message: width.saturating_sub(used) }
    }

    fn message_rows(&self, event: &EventFact) -> Vec<std::ops::Range<usize>> {
        super::painted::wrapped(&event.message, self.message.max(1), 0)
    }
}

/// `cart-7d9c-x2kfp` of `pod/cart-7d9c-x2kfp`.
fn about_name(event: &EventFact) -> &str {
    event.about.split_once('/').map_or(event.about.as_str(), |(_, name)| name)
}

impl Pane for EventsView {
    fn id(&self) -> PaneId {
        PaneId::View
    }

    fn title(&self, shared: &Shared) -> Title {
        let mut note = Vec::new();
        if self.feed.answered {
            let warnings = self.events.iter().filter(|event| level(event) == Level::Warning).count();
            let count = self.shown.len();
            note.push(match count == self.events.len() {
                true => text::count(count as u64),
                false => {
                    format!("{} of {}", text::count(count as u64), text::count(self.events.len() as u64))
                }
            });
            if warnings > 0 {
                note.push(super::words::counted(warnings, "warning"));
            }
            note.push("newest first".to_owned());
        }
        if self.warnings_only {
            note.push("warnings only".to_owned());
        }
        if !self.search.is_empty() {
            note.push(format!("/{}", self.search.text()));
        }
        if words::is_gone(shared, &self.object) {
            note.push("gone".to_owned());
        }
        Title {
            name: format!("Events {}", words::object(&self.object)),
            note: note.join(" · "),
            stale: words::stale(shared, self.object.cluster),
        }
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Text, Scope::List]
    }

    fn refresh(&mut self, shared: &Shared) {
        let _ = shared;
        self.moved(|scroll, len, rows| scroll.settle(len, rows));
    }

    fn resize(&mut self, width: u16, height: u16) {
        self.scroll.resize_above_status(width, height);
    }

    fn applies(&self, shared: &Shared, action: Action) -> Applies {
        match action {
            action if action.moves() => Applies::Yes,
            Action::Filter | Action::FaultsOnly | Action::Events | Action::Wrap => Applies::Yes,
            Action::NextMatch | Action::PreviousMatch if self.search.is_empty() => {
                Applies::No(format!("Nothing is searched for: {} searches.", shared.key(Action::Filter)))
            }
            Action::NextMatch | Action::PreviousMatch => Applies::Yes,
            Action::Copy if self.current().is_none() => Applies::No("There are no events.".to_owned()),
            Action::Copy => Applies::Yes,
            Action::Save if self.shown.is_empty() => Applies::No("There are no events.".to_owned()),
            Action::Save => Applies::Yes,
            Action::Back if !self.search.is_empty() => Applies::Yes,
            Action::ToggleNamespace
            | Action::Mark
            | Action::SortColumn
            | Action::SortDirection
            | Action::ClearMarks => Applies::No(format!("{} does not apply to events.", action.info().name)),
            _ => Applies::Elsewhere,
        }
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Outcome {
        match action {
            Action::PreviousMatch => drop(self.moved(|scroll, len, rows| scroll.act(Action::Up, len, rows))),
            Action::NextMatch => drop(self.moved(|scroll, len, rows| scroll.act(Action::Down, len, rows))),
            Action::Wrap => {
                self.wrap = !self.wrap;
                self.scroll.rewrapped();
                self.moved(|scroll, len, rows| scroll.reveal(len, rows));
            }
            Action::FaultsOnly => {
                self.warnings_only = !self.warnings_only;
                self.filter_events();
            }
            Action::Events => {
                let question = events_of(&self.object);
                return Outcome { effects: self.feed.ask(shared, question), ..Outcome::none() };
            }
            Action::Copy => {
                let words = self
                    .current()
                    .map(|event| format!("{} {}: {}", event.about, event.reason, event.message));
                return words.map(|words| Outcome::effect(Effect::Copy(words))).unwrap_or_default();
            }
            Action::Save => {
                let name = words::file_name(&self.object.name);
                let name = format!("events-{name}-{}.txt", words::file_time(shared.now.wall));
                let lines = self.shown.iter().filter_map(|at| self.events.get(*at)).map(saved).collect();
                return Outcome::effect(Effect::Save { name: name.into(), lines });
            }
            Action::Back => {
                self.search = Search::default();
                self.filter_events();
            }
            _ => drop(self.moved(|scroll, len, rows| scroll.act(action, len, rows))),
        }
        self.select();
        Outcome::none()
    }

    fn subject(&self, shared: &Shared) -> Option<Subject> {
        // The pod that the event is about, so that its logs are one key away.
        let about = self.current().and_then(|event| event.about.strip_prefix("pod/"));
        let pod = about.and_then(|name| {
            let cluster = shared.world.cluster(self.object.cluster)?;
            let (_, pod) = cluster
                .pods
                .iter()
                .find(|(_, pod)| &*pod.name == name && pod.namespace == self.object.namespace)?;
            Some(ObjectRef {
                cluster: self.object.cluster,
                kind: Kind::Pod,
                namespace: pod.namespace.clone(),
                name: name.into(),
                uid: pod.uid,
            })
        });
        Some(Subject::Object(pod.unwrap_or_else(|| self.object.clone())))
    }

    fn draw(&self, shared: &Shared, look: &Look, focused: bool, area: Rect, buffer: &mut Buffer) {
        if area.is_empty() {
            return;
        }
        if self.shown.is_empty() {
            words::paragraph(&self.nothing(), look, area, buffer);
            return;
        }
        let (body, status) = above_status(area);
        let columns = Columns::new(usize::from(area.width), &self.events, &self.object);
        let event_at = |at: usize| self.shown.get(at).and_then(|at| self.events.get(*at));
        let rows = |at: usize| match event_at(at) {
            Some(event) if self.wrap => columns.message_rows(event).len(),
            _ => 1,
        };
        for (y, place) in (body.y..body.bottom()).zip(self.scroll.shown(self.shown.len(), &rows)) {
            let Some(event) = event_at(place.line) else { break };
            let mut line = Painted::default();
            let level = level(event);
            let role = Role::of_level(level);
            if place.row == 0 {
                line.push(role, look.symbols.level(level));
                line.push_plain(" ");
                line.push(Role::Muted, &text::cell_end(&words::short_age(event.last, shared), columns.age));
                line.push_plain(" ");
                let count = if event.count > 1 {
                    format!("{}{}", look.symbols.times, text::count(event.count.into()))
                } else {
                    String::new()
                };
                line.push_plain(&text::cell_end(&count, columns.count));
                line.push_plain(" ");
                line.push(
                    if level == Level::Ok { Role::Text } else { role },
                    &text::cell(&event.reason, columns.reason),
                );
                line.push_plain(" ");
                if columns.about > 0 {
                    line.push(
                        Role::Muted,
                        &text::cell(&text::fit_middle(&event.about, columns.about), columns.about),
                    );
                    line.push_plain(" ");
                }
            } else {
                line.pad_to(usize::from(area.width).saturating_sub(columns.message));
            }
            let parts = columns.message_rows(event);
            let part = if self.wrap {
                parts.get(place.row).and_then(|part| event.message.get(part.clone())).unwrap_or_default()
            } else {
                &event.message
            };
            line.push_plain(part);
            let hits = self.search.ranges(line.text());
            let at = Place { x: area.x, y, width: area.width, skip: 0 };
            line.draw(0..line.text().len(), &hits, look, look.style(Role::Text), at, buffer);
            if place.line == self.scroll.cursor {
                let role = if focused { Role::Selection } else { Role::SelectionIdle };
                buffer.set_style(Rect { y, height: 1, ..area }, look.style(role));
            }
        }
        if let Some(row) = status {
            let at = Place { x: row.x, y: row.y, width: row.width, skip: 0 };
            self.status(shared, look).draw_row(look, look.style(Role::Muted), at, buffer);
        }
    }

    fn filter(&self) -> Option<&str> {
        Some(self.search.text())
    }

    fn set_filter(&mut self, shared: &Shared, text: &str) -> Result<(), String> {
        let _ = shared;
        self.search = Search::parse(text)?;
        self.filter_events();
        Ok(())
    }

    fn tick(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let question = events_of(&self.object);
        self.feed.tick(shared, question)
    }

    fn answer(&mut self, request: RequestId, answer: &mut Option<Answer>) -> bool {
        if !self.feed.answers(request) {
            return false;
        }
        match answer.take() {
            Some(Answer::Events(mut events)) => {
                newest_first(&mut events);
                self.events = events;
                self.filter_events();
            }
            Some(Answer::Failed(why)) => self.feed.fail(&why),
            other => *answer = other,
        }
        true
    }

    fn requests(&self) -> Vec<RequestId> {
        self.feed.request().into_iter().collect()
    }

    fn mouse(&mut self, shared: &mut Shared, event: Pointer) -> Outcome {
        let _ = shared;
        self.moved(|scroll, len, rows| scroll.mouse(event, len, rows));
        self.select();
        Outcome::none()
    }
}

impl EventsView {
    /// What to say where events would be.
    fn nothing(&self) -> Vec<Painted> {
        let name = words::object(&self.object);
        let muted = |words: &str| Painted::role(Role::Muted, words);
        if let Some(why) = self.feed.failed.as_ref().filter(|_| self.events.is_empty()) {
            return vec![Painted::role(
                Role::Critical,
                &format!("The events of {name} cannot be read: {why}"),
            )];
        }
        if !self.feed.answered {
            return vec![muted(&format!("Asking for the events of {name}…"))];
        }
        if !self.events.is_empty() {
            let total = words::counted(self.events.len(), "event");
            return vec![muted(&format!("{total}, none of them is shown by this filter."))];
        }
        vec![
            muted(&format!("No events of {name}.")),
            muted("Clusters forget events after an hour, unless they are set up otherwise."),
        ]
    }
}

/// An event as a line of a file.
fn saved(event: &EventFact) -> String {
    let time = jiff::Timestamp::from_second(event.last.0).map(|at| at.to_string()).unwrap_or_default();
    format!(
        "{time} {} x{} {} {}: {}",
        event.event_type, event.count, event.about, event.reason, event.message
    )
}
