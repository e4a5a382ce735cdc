//! Logs of a pod or of all pods of a workload: followed, merged by time, in
//! bounded memory.
//!
//! Keys change the state here; `draw` paints what is visible. Lines come as
//! answers to one request ([`crate::effect::Question::Logs`]); when it is asked
//! anew (previous containers), the old number is forgotten and late answers to
//! it are nobody's.

mod draw;
mod fields;
mod sources;
mod store;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::sources::Sources;
use self::store::{Incoming, Kept, Key, Store};
use super::painted::Painted;
use super::scroll::Scroll;
use super::search::Search;
use super::words;
use crate::action::{Action, Scope};
use crate::domain::id::{Kind, Name, ObjectRef};
use crate::domain::level::Level;
use crate::effect::{Effect, LogPods, LogRequest, Question};
use crate::look::Look;
use crate::msg::{Answer, LogLine, LogMsg, RequestId};
use crate::panes::{Pane, PaneId, Pointer, Title};
use crate::shared::{Applies, Outcome, Shared, Subject};
use crate::text;

/// Bytes of lines that are kept.
const KEPT_BYTES: usize = 16 << 20;
/// Bytes of lines that are held back while paused.
const HELD_BYTES: usize = 4 << 20;
/// Lines of the past to begin with, of a single pod's containers.
const TAIL_ONE: u32 = 1_000;
/// The same when there may be many pods.
const TAIL_MANY: u32 = 200;

/// How the request stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing has come yet.
    Asked,
    /// Something has.
    Live,
    /// It could not be had.
    Failed(String),
}

/// The log view.
#[derive(Debug)]
pub struct LogView {
    object: ObjectRef,
    pods: LogPods,
    container: Option<Name>,
    previous: bool,
    request: RequestId,
    phase: Phase,
    sources: Sources,
    /// What hinders the search for containers; empty when nothing does.
    hindered: String,
    store: Store,
    held: Store,
    paused: bool,
    follow: bool,
    wrap: bool,
    times: bool,
    json: bool,
    /// Lines of this container only.
    only: Option<Name>,
    search: Search,
    /// All lines are shown around the matches, rather than the matches alone.
    in_context: bool,
    /// Lines that came below while the end was not followed.
    below: usize,
    gone: bool,
    scroll: Scroll,
    /// Identities of the lines at the top and under the cursor: they stay where
    /// they are when others come before them or are let go.
    top_key: Key,
    cursor_key: Key,
    copied: Option<Key>,
}

impl LogView {
    /// Opens the log of a pod or of a workload's pods.
    pub fn open(
        shared: &mut Shared,
        object: ObjectRef,
        pods: LogPods,
        container: Option<Name>,
        previous: bool,
    ) -> Outcome {
        let (view, effects) = LogView::new(shared, object, pods, container, previous);
        Outcome::open(Box::new(view), effects)
    }

    fn new(
        shared: &mut Shared,
        object: ObjectRef,
        pods: LogPods,
        container: Option<Name>,
        previous: bool,
    ) -> (LogView, Vec<Effect>) {
        let mut view = LogView {
            object,
            pods,
            container,
            previous,
            request: RequestId::default(),
            phase: Phase::Asked,
            sources: Sources::default(),
            hindered: String::new(),
            store: Store::new(KEPT_BYTES),
            held: Store::new(HELD_BYTES),
            paused: false,
            follow: true,
            wrap: false,
            times: false,
            json: true,
            only: None,
            search: Search::default(),
            in_context: false,
            below: 0,
            gone: false,
            scroll: Scroll::default(),
            top_key: Key::default(),
            cursor_key: Key::default(),
            copied: None,
        };
        let effects = view.ask(shared);
        (view, effects)
    }

    /// Asks anew, from the start.
    fn ask(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.request != RequestId::default() {
            effects.push(Effect::Cancel(self.request));
        }
        self.request = shared.new_request();
        self.phase = Phase::Asked;
        self.sources.clear();
        self.hindered.clear();
        self.store.clear();
        self.held.clear();
        self.below = 0;
        self.follow = true;
        self.paused = false;
        let request = LogRequest {
            cluster: self.object.cluster,
            namespace: self.object.namespace.clone(),
            pods: self.pods.clone(),
            container: self.container.clone(),
            previous: self.previous,
            tail: if matches!(self.pods, LogPods::One(_)) { TAIL_ONE } else { TAIL_MANY },
            follow: !self.previous,
        };
        effects.push(Effect::Ask(self.request, Question::Logs(request)));
        effects
    }

    fn name(&self) -> String {
        let mut name = words::object(&self.object);
        if let Some(container) = &self.container {
            name.push_str(&format!(" [{container}]"));
        }
        name
    }

    fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Failed(_)) || self.sources.all_ended()
    }

    /// What hinders the log for now.
    fn hindered(&self) -> Option<&str> {
        self.sources.hindered().or_else(|| Some(self.hindered.as_str()).filter(|reason| !reason.is_empty()))
    }

    // -- lines come in --

    fn take(&mut self, msg: LogMsg) {
        if !matches!(msg, LogMsg::Hindered { .. }) {
            self.phase = Phase::Live;
        }
        match msg {
            LogMsg::Hindered { source, reason } => {
                let reason = text::clean(&reason).into_owned();
                match source {
                    Some(source) => self.sources.hinder(source, &reason),
                    None => self.hindered = reason,
                }
            }
            LogMsg::Joined { source, pod, container } => self.sources.join(source, pod, container),
            LogMsg::Lines(lines) => self.add(lines.into_iter().map(incoming).collect()),
            LogMsg::Ended { source, reason } => {
                let reason = text::clean(&reason).into_owned();
                self.sources.end(source, &reason);
                // A remark in the text shows where the one of several streams ended.
                // Where there are no lines the page says it in full.
                if self.store.total() > 0 && (self.sources.len() > 1 || !reason.is_empty()) {
                    let words =
                        if reason.is_empty() { "ended".to_owned() } else { format!("ended: {reason}") };
                    self.add(vec![Incoming { at: 0, source, remark: true, text: words.into() }]);
                }
            }
        }
    }

    fn add(&mut self, lines: Vec<Incoming>) {
        let LogView { sources, only, search, in_context, json, store, held, paused, .. } = self;
        let target = if *paused { held } else { store };
        let shown =
            target.take(lines, &mut |line| passes(sources, only.as_ref(), search, *in_context, *json, line));
        if !self.paused {
            self.came(shown);
        }
    }

    fn came(&mut self, shown: usize) {
        if !self.follow {
            self.below += shown;
        }
    }

    fn resume(&mut self) {
        self.paused = false;
        let LogView { sources, only, search, in_context, json, store, held, .. } = self;
        let shown = store
            .take_all(held, &mut |line| passes(sources, only.as_ref(), search, *in_context, *json, line));
        self.came(shown);
    }

    fn refilter(&mut self) {
        let LogView { sources, only, search, in_context, json, store, .. } = self;
        if only.is_none() && (search.is_empty() || *in_context) {
            store.refilter(None);
        } else {
            store.refilter(Some(&mut |line: &Kept| {
                passes(sources, only.as_ref(), search, *in_context, *json, line)
            }));
        }
        self.below = 0;
        self.find_place();
    }

    // -- where we are --

    /// After lines came or went: puts the window back on the lines it showed.
    fn find_place(&mut self) {
        let len = self.store.len();
        let LogView { store, scroll, .. } = self;
        if self.follow {
            let rows = Measure {
                store,
                sources: &self.sources,
                wrap: self.wrap,
                times: self.times,
                json: self.json,
            };
            let width = scroll.width;
            scroll.to_end(len, &|line| rows.rows(width, line));
        } else {
            let top = store.position(self.top_key);
            // The line at the top was let go: the next one begins with its first row.
            if store.get(top).is_none_or(|line| line.key != self.top_key) {
                scroll.skip = 0;
            }
            scroll.top = top;
            scroll.cursor = store.position(self.cursor_key).min(len.saturating_sub(1));
            let rows = Measure {
                store,
                sources: &self.sources,
                wrap: self.wrap,
                times: self.times,
                json: self.json,
            };
            let width = scroll.width;
            scroll.clamp(len, &|line| rows.rows(width, line));
        }
        self.keep_place();
    }

    fn keep_place(&mut self) {
        let key = |line: usize| self.store.get(line).map(|line| line.key).unwrap_or_default();
        (self.top_key, self.cursor_key) = (key(self.scroll.top), key(self.scroll.cursor));
    }

    fn moved(&mut self, how: impl FnOnce(&mut Scroll, usize, &dyn Fn(usize) -> usize)) {
        let LogView { store, scroll, .. } = self;
        let rows =
            Measure { store, sources: &self.sources, wrap: self.wrap, times: self.times, json: self.json };
        let width = scroll.width;
        how(scroll, store.len(), &|line| rows.rows(width, line));
        self.keep_place();
    }

    /// A key moved up or down: the end is no longer followed.
    fn leave_end(&mut self) {
        if self.follow {
            self.follow = false;
            self.below = 0;
        }
    }

    fn jump(&mut self, forward: bool) -> Outcome {
        if self.search.is_empty() {
            return Outcome::say(Level::Idle, "Nothing is searched for.");
        }
        if !self.in_context {
            // From the matches alone to the matches among their neighbours.
            self.leave_end();
            self.in_context = true;
            self.refilter();
            self.moved(|scroll, len, rows| scroll.reveal(len, rows));
            return Outcome::none();
        }
        let (len, at) = (self.store.len(), self.scroll.cursor);
        let hit = |n: &usize| {
            self.store
                .get(*n)
                .is_some_and(|line| finds(&self.search, self.json, line) != self.search.is_inverse())
        };
        let found = if forward { (at + 1..len).find(hit) } else { (0..at.min(len)).rev().find(hit) };
        match found {
            Some(line) => {
                self.leave_end();
                self.moved(|scroll, len, rows| {
                    scroll.cursor = line;
                    scroll.reveal(len, rows);
                });
                Outcome::none()
            }
            None if forward => Outcome::say(Level::Idle, "No match further down."),
            None => Outcome::say(Level::Idle, "No match further up."),
        }
    }

    fn next_container(&mut self) -> Outcome {
        let names = self.sources.containers();
        let next = match &self.only {
            None => names.first().cloned(),
            Some(only) => {
                names.iter().position(|name| name == only).and_then(|at| names.get(at + 1)).cloned()
            }
        };
        self.only = next;
        self.refilter();
        Outcome::none()
    }

    fn copy(&mut self) -> Outcome {
        let Some(line) = self.store.get(self.scroll.cursor) else { return Outcome::none() };
        if self.copied == Some(line.key) {
            self.copied = None;
            let lines: Vec<String> = self.store.shown().map(|line| self.plain_line(line)).collect();
            let said = format!("Copied {} lines.", text::count(lines.len() as u64));
            return Outcome {
                note: Outcome::say(Level::Ok, said).note,
                ..Outcome::effect(Effect::Copy(lines.join("\n")))
            };
        }
        self.copied = Some(line.key);
        let said =
            format!("Copied this line; once more copies all {}.", text::count(self.store.len() as u64));
        let effect = Effect::Copy(fields::plain(&line.text).into_owned());
        Outcome { note: Outcome::say(Level::Ok, said).note, ..Outcome::effect(effect) }
    }

    /// A line as it is copied and saved: with its time and source.
    fn plain_line(&self, line: &Kept) -> String {
        let mut words = String::new();
        if line.key.at > 0
            && let Ok(at) = jiff::Timestamp::from_nanosecond(i128::from(line.key.at))
        {
            words.push_str(&format!("{at} "));
        }
        if let Some(source) = self.sources.get(line.source).filter(|source| !source.label.is_empty()) {
            words.push_str(&format!("{}/{} ", source.pod, source.container));
        }
        if line.remark {
            words.push_str("-- ");
        }
        words.push_str(&fields::plain(&line.text));
        words
    }

    fn save(&mut self, shared: &Shared) -> Outcome {
        let at = words::file_time(shared.now.wall);
        let name = format!("{}-{at}.log", words::file_name(&self.object.name));
        let lines = self.store.shown().map(|line| self.plain_line(line)).collect();
        Outcome::effect(Effect::Save { name: PathBuf::from(name), lines })
    }
}

fn incoming(line: LogLine) -> Incoming {
    Incoming { at: line.at_nanos, source: line.source, remark: false, text: line.text }
}

/// Whether a line is shown.
fn passes(
    sources: &Sources,
    only: Option<&Name>,
    search: &Search,
    in_context: bool,
    json: bool,
    line: &Kept,
) -> bool {
    let of_container =
        only.is_none_or(|only| sources.get(line.source).is_some_and(|source| source.container == *only));
    of_container && (in_context || search.is_empty() || (finds(search, json, line) != search.is_inverse()))
}

/// Whether the pattern is in a line, as it came or as it is shown.
fn finds(search: &Search, json: bool, line: &Kept) -> bool {
    search.finds(&fields::plain(&line.text))
        || (json
            && line.text.trim_start().starts_with('{')
            && search.finds(fields::shown(&line.text, true, true).text()))
}

/// Measures lines: what wrapping needs to know.
struct Measure<'a> {
    store: &'a Store,
    sources: &'a Sources,
    wrap: bool,
    times: bool,
    json: bool,
}

impl Measure<'_> {
    fn rows(&self, width: usize, line: usize) -> usize {
        if !self.wrap {
            return 1;
        }
        let Some(kept) = self.store.get(line) else { return 1 };
        let body = width.saturating_sub(self.prefix(width));
        self.body(kept).rows(body, 0).len()
    }

    /// Columns before the text: the source's label, the time; none when they
    /// would take more than half of the width.
    fn prefix(&self, width: usize) -> usize {
        let label = match self.sources.width() {
            0 => 0,
            label => label + 1,
        };
        let time = if self.times { "14:31:59.123 ".len() } else { 0 };
        if label + time > width / 2 { 0 } else { label + time }
    }

    fn body(&self, line: &Kept) -> Painted {
        if line.remark {
            Painted::role(crate::theme::Role::Muted, &format!("-- {}", fields::plain(&line.text)))
        } else {
            fields::shown(&line.text, self.json, !self.times)
        }
    }
}

impl Pane for LogView {
    fn id(&self) -> PaneId {
        PaneId::View
    }

    fn title(&self, shared: &Shared) -> Title {
        let what = if self.previous { "Logs before the last restart" } else { "Logs" };
        let mut note = Vec::new();
        if let Some(only) = &self.only {
            note.push(format!("container {only}"));
        }
        if !self.search.is_empty() {
            let how = if self.in_context { "in context" } else { "matches only" };
            note.push(format!("/{} {how}", self.search.text()));
        }
        let total = words::counted(self.store.total(), "line");
        note.push(match self.store.len() == self.store.total() {
            true => total,
            false => format!("{} of {total}", text::count(self.store.len() as u64)),
        });
        Title {
            name: format!("{what} {}", self.name()),
            note: note.join(" · "),
            stale: words::stale(shared, self.object.cluster),
        }
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Logs, Scope::Text, Scope::List]
    }

    fn refresh(&mut self, shared: &Shared) {
        self.gone = words::is_gone(shared, &self.object);
        self.find_place();
    }

    fn resize(&mut self, width: u16, height: u16) {
        // The last row says how the stream stands.
        self.scroll.resize(width, if height > 2 { height - 1 } else { height });
    }

    fn applies(&self, shared: &Shared, action: Action) -> Applies {
        let _ = shared;
        match action {
            Action::Up
            | Action::Down
            | Action::HalfPageUp
            | Action::HalfPageDown
            | Action::PageUp
            | Action::PageDown
            | Action::Top
            | Action::Bottom
            | Action::Filter
            | Action::Follow
            | Action::Pause
            | Action::Wrap
            | Action::Timestamps
            | Action::JsonFields => Applies::Yes,
            Action::Left | Action::Right if self.wrap => {
                Applies::No("Lines are wrapped: there is nothing at their sides.".to_owned())
            }
            Action::Left | Action::Right => Applies::Yes,
            Action::NextMatch | Action::PreviousMatch if self.search.is_empty() => {
                Applies::No(format!("Nothing is searched for: {} searches.", shared.key(Action::Filter)))
            }
            Action::NextMatch | Action::PreviousMatch => Applies::Yes,
            Action::NextContainer if self.sources.containers().len() < 2 && self.only.is_none() => {
                Applies::No("There is one container only.".to_owned())
            }
            Action::NextContainer => Applies::Yes,
            Action::Copy | Action::Save if self.store.len() == 0 => {
                Applies::No("There are no lines.".to_owned())
            }
            Action::Copy | Action::Save => Applies::Yes,
            Action::Logs if !self.previous => Applies::No("These are the logs.".to_owned()),
            Action::Logs | Action::PreviousLogs => Applies::Yes,
            Action::Back if !self.search.is_empty() => Applies::Yes,
            Action::ToggleNamespace
            | Action::Mark
            | Action::FaultsOnly
            | Action::SortColumn
            | Action::SortDirection
            | Action::ClearMarks
            | Action::Open => Applies::No(format!("{} does not apply to logs.", action.info().name)),
            _ => Applies::Elsewhere,
        }
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Outcome {
        let page = isize::try_from(self.scroll.height.max(1)).unwrap_or(isize::MAX);
        let copied = self.copied.take();
        // Lines may have come since the last frame.
        self.find_place();
        match action {
            Action::Up => self.leave_end(),
            Action::HalfPageUp | Action::PageUp | Action::Top if self.store.len() > 0 => self.leave_end(),
            _ => {}
        }
        match action {
            Action::Up => self.moved(|scroll, len, rows| scroll.step(-1, len, rows)),
            Action::Down => self.moved(|scroll, len, rows| scroll.step(1, len, rows)),
            Action::HalfPageUp => self.moved(|scroll, len, rows| scroll.shift(-(page / 2).max(1), len, rows)),
            Action::HalfPageDown => {
                self.moved(|scroll, len, rows| scroll.shift((page / 2).max(1), len, rows))
            }
            Action::PageUp => self.moved(|scroll, len, rows| scroll.shift(-page, len, rows)),
            Action::PageDown => self.moved(|scroll, len, rows| scroll.shift(page, len, rows)),
            Action::Top => self.moved(|scroll, len, rows| scroll.step(isize::MIN / 2, len, rows)),
            Action::Bottom => {
                self.follow = true;
                self.below = 0;
                self.find_place();
            }
            Action::Left => self.scroll.sideways(false),
            Action::Right => self.scroll.sideways(true),
            Action::Follow if self.is_over() => {
                return Outcome { effects: self.ask(shared), ..Outcome::none() };
            }
            Action::Follow => {
                self.follow = !self.follow;
                self.below = 0;
                self.find_place();
            }
            Action::Pause if self.paused => self.resume(),
            Action::Pause => self.paused = true,
            Action::Wrap => {
                self.wrap = !self.wrap;
                self.scroll.x = 0;
                self.scroll.skip = 0;
                self.find_place();
            }
            Action::Timestamps => self.times = !self.times,
            Action::JsonFields => {
                self.json = !self.json;
                if !self.search.is_empty() {
                    self.refilter();
                }
            }
            Action::NextContainer => return self.next_container(),
            Action::NextMatch => return self.jump(true),
            Action::PreviousMatch => return self.jump(false),
            Action::Copy => {
                self.copied = copied;
                return self.copy();
            }
            Action::Save => return self.save(shared),
            Action::Logs | Action::PreviousLogs => {
                self.previous = !self.previous;
                return Outcome { effects: self.ask(shared), ..Outcome::none() };
            }
            Action::Back => {
                self.search = Search::default();
                self.in_context = false;
                self.refilter();
            }
            _ => {}
        }
        Outcome::none()
    }

    fn subject(&self, shared: &Shared) -> Option<Subject> {
        let _ = shared;
        Some(Subject::Object(self.object.clone()))
    }

    fn draw(&self, shared: &Shared, look: &Look, focused: bool, area: Rect, buffer: &mut Buffer) {
        self.paint(shared, look, focused, area, buffer);
    }

    fn filter(&self) -> Option<&str> {
        Some(self.search.text())
    }

    fn set_filter(&mut self, shared: &Shared, text: &str) -> Result<(), String> {
        let _ = shared;
        self.search = Search::parse(text)?;
        self.in_context = false;
        self.refilter();
        Ok(())
    }

    fn answer(&mut self, request: RequestId, answer: &mut Option<Answer>) -> bool {
        if request != self.request {
            return false;
        }
        match answer.take() {
            Some(Answer::Log(msg)) => self.take(msg),
            Some(Answer::Failed(why)) => self.phase = Phase::Failed(text::clean(&why).into_owned()),
            other => *answer = other,
        }
        true
    }

    fn requests(&self) -> Vec<RequestId> {
        vec![self.request]
    }

    fn mouse(&mut self, shared: &mut Shared, event: Pointer) -> Outcome {
        let _ = shared;
        match event {
            Pointer::Wheel(by) => {
                if by < 0 {
                    self.leave_end();
                }
                self.moved(|scroll, len, rows| scroll.shift(isize::from(by), len, rows));
            }
            Pointer::Click(_, row) => {
                self.leave_end();
                self.moved(|scroll, len, rows| {
                    if let Some(shown) = scroll.shown(len, rows).get(usize::from(row)) {
                        scroll.cursor = shown.line;
                    }
                });
            }
        }
        Outcome::none()
    }
}

/// Whether logs of a kind can be read at all.
pub fn has_logs(kind: Kind) -> bool {
    kind == Kind::Pod || kind == Kind::ReplicaSet || kind.is_workload()
}
