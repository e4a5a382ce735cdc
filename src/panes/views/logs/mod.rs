//! Logs of a pod or of all pods of a workload: followed, merged by time, in
//! bounded memory.
//!
//! Keys change the state here; `intake` takes lines in, `place` keeps the window
//! where it is, `draw` paints what is visible, `takeaway` copies and saves. Lines come as
//! answers to one request ([`crate::effect::Question::Logs`]); when it is asked
//! anew (previous containers), the old number is forgotten and late answers to
//! it are nobody's.

mod draw;
mod fields;
mod intake;
mod place;
mod sources;
mod store;
mod takeaway;
#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::sources::Sources;
use self::store::{Key, Store};
use super::scroll::Scroll;
use super::search::Search;
use super::words;
use crate::action::{Action, Scope};
use crate::domain::id::{Kind, Name, ObjectRef};
use crate::effect::{Effect, LogPods, LogRequest, Question};
use crate::look::Look;
use crate::msg::{Answer, RequestId};
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
            wrap: false,
            times: false,
            json: true,
            only: None,
            search: Search::default(),
            in_context: false,
            below: 0,
            gone: false,
            scroll: Scroll::at_end(),
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
        self.scroll.follow(true);
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
        self.scroll.resize_above_status(width, height);
    }

    fn applies(&self, shared: &Shared, action: Action) -> Applies {
        let _ = shared;
        match action {
            action if action.moves() => Applies::Yes,
            Action::Filter
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
        let copied = self.copied.take();
        // Lines may have come since the last frame.
        self.find_place();
        match action {
            Action::Bottom => self.follow(true),
            Action::Left => self.scroll.sideways(false),
            Action::Right => self.scroll.sideways(true),
            Action::Follow if self.is_over() => {
                return Outcome { effects: self.ask(shared), ..Outcome::none() };
            }
            Action::Follow => self.follow(!self.scroll.is_following()),
            Action::Pause if self.paused => self.resume(),
            Action::Pause => self.paused = true,
            Action::Wrap => {
                self.wrap = !self.wrap;
                self.scroll.rewrapped();
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
            _ => drop(self.moved(|scroll, len, rows| scroll.act(action, len, rows))),
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
        self.moved(|scroll, len, rows| scroll.mouse(event, len, rows));
        Outcome::none()
    }
}

/// Whether logs of a kind can be read at all.
pub fn has_logs(kind: Kind) -> bool {
    kind == Kind::Pod || kind == Kind::ReplicaSet || kind.is_workload()
}
