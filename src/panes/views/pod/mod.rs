//! One pod on one screen: why it does not run, container by container.
//!
//! What the list knows of the pod is shown at once; the containers one by one
//! ([`crate::domain::pod_detail`]) and the events are asked for, and asked again
//! when the pod changes.

mod page;
#[cfg(test)]
mod tests;

pub use page::event_line;

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::events::newest_first;
use super::feed::{EVENTS_EVERY, Feed, events_of};
use super::page::Page;
use super::words;
use crate::action::{Action, Scope};
use crate::domain::id::{Name, ObjectRef};
use crate::domain::level::Level;
use crate::domain::pod::Pod;
use crate::domain::pod_detail::PodDetail;
use crate::effect::{Effect, LogPods, Question};
use crate::look::Look;
use crate::msg::{Answer, EventFact, RequestId};
use crate::panes::{Pane, PaneId, Pointer, Title, objects};
use crate::shared::{Applies, Outcome, Shared, Subject};

/// Containers are asked again this often even when the list tells of no change:
/// for their use of memory and their words.
const DETAIL_EVERY: Duration = Duration::from_secs(15);

/// The pod view.
#[derive(Debug)]
pub struct PodView {
    object: ObjectRef,
    /// The pod as the list last knew it; kept when it goes.
    pod: Option<Pod>,
    gone: bool,
    detail_feed: Feed,
    detail: Option<PodDetail>,
    /// The pod as it was when the containers were asked for.
    asked_for: Option<Pod>,
    events_feed: Feed,
    events: Vec<EventFact>,
    page: Page<Name>,
}

impl PodView {
    /// Opens a pod.
    pub fn open(shared: &mut Shared, object: ObjectRef) -> Outcome {
        let (view, effects) = PodView::new(shared, object);
        Outcome::open(Box::new(view), effects)
    }

    fn new(shared: &mut Shared, object: ObjectRef) -> (PodView, Vec<Effect>) {
        let mut view = PodView {
            pod: shared.world.find_pod(&object).cloned(),
            gone: false,
            detail_feed: Feed::new(DETAIL_EVERY),
            detail: None,
            asked_for: None,
            events_feed: Feed::new(EVENTS_EVERY),
            events: Vec::new(),
            page: Page::default(),
            object,
        };
        let mut effects = view.ask_detail(shared);
        let question = events_of(&view.object);
        effects.extend(view.events_feed.ask(shared, question));
        (view, effects)
    }

    fn ask_detail(&mut self, shared: &mut Shared) -> Vec<Effect> {
        self.asked_for = self.pod.clone();
        self.detail_feed.ask(shared, Question::Pod(self.object.clone()))
    }

    fn follow(&mut self, shared: &Shared) {
        self.gone = words::is_gone(shared, &self.object);
        if let Some(pod) = shared.world.find_pod(&self.object)
            && self.pod.as_ref() != Some(pod)
        {
            self.pod = Some(pod.clone());
        }
    }

    /// The container under the cursor.
    fn container(&self) -> Option<&Name> {
        self.page.selected()
    }
}

impl Pane for PodView {
    fn id(&self) -> PaneId {
        PaneId::View
    }

    fn title(&self, shared: &Shared) -> Title {
        let mut note = String::new();
        if self.gone {
            note = "gone".to_owned();
        } else if let Some(why) = &self.detail_feed.failed {
            note = format!("containers: {why}");
        } else if !self.detail_feed.answered {
            note = "asking for its containers".to_owned();
        }
        Title {
            name: format!("Pod {}", self.object.name),
            note,
            stale: words::stale(shared, self.object.cluster),
        }
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Text, Scope::List]
    }

    fn refresh(&mut self, shared: &Shared) {
        self.follow(shared);
        let lines = self.lines(shared);
        self.page.set(lines);
    }

    fn resize(&mut self, width: u16, height: u16) {
        self.page.resize(width, height);
    }

    fn applies(&self, shared: &Shared, action: Action) -> Applies {
        match action {
            action if action.moves() => Applies::Yes,
            Action::Filter => Applies::No("This page has nothing to filter.".to_owned()),
            Action::Open | Action::Logs | Action::PreviousLogs if self.container().is_some() => {
                let action = if action == Action::Open { Action::Logs } else { action };
                objects::applies(shared, &Subject::Object(self.object.clone()), action)
            }
            Action::Shell if self.container().is_some() => objects::shell_applies(shared, &self.object),
            Action::Save => Applies::Yes,
            Action::ToggleNamespace
            | Action::Mark
            | Action::FaultsOnly
            | Action::SortColumn
            | Action::SortDirection
            | Action::ClearMarks
            | Action::Wrap => Applies::No(format!("{} does not apply to a pod's page.", action.info().name)),
            _ => Applies::Elsewhere,
        }
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Outcome {
        if self.page.act(action) {
            return Outcome::none();
        }
        let container = self.container().cloned();
        match (action, container) {
            (Action::Open | Action::Logs | Action::PreviousLogs, Some(container)) => {
                let pods = LogPods::One(self.object.name.clone());
                let previous = action == Action::PreviousLogs;
                super::logs::LogView::open(shared, self.object.clone(), pods, Some(container), previous)
            }
            (Action::Shell, Some(container)) => objects::shell(shared, &self.object, container),
            (Action::Save, _) => {
                let name = words::file_name(&self.object.name);
                let name = format!("pod-{name}-{}.txt", words::file_time(shared.now.wall));
                Outcome::effect(Effect::Save { name: name.into(), lines: self.page.plain() })
            }
            _ => Outcome::say(Level::Idle, "No container is selected."),
        }
    }

    fn subject(&self, shared: &Shared) -> Option<Subject> {
        let _ = shared;
        Some(Subject::Object(self.object.clone()))
    }

    fn draw(&self, shared: &Shared, look: &Look, focused: bool, area: Rect, buffer: &mut Buffer) {
        let _ = shared;
        self.page.draw(look, focused, area, buffer);
    }

    fn tick(&mut self, shared: &mut Shared) -> Vec<Effect> {
        self.follow(shared);
        if self.gone {
            return Vec::new();
        }
        let mut effects = if self.pod != self.asked_for && self.detail_feed.request().is_none() {
            self.ask_detail(shared)
        } else {
            self.detail_feed.tick(shared, Question::Pod(self.object.clone()))
        };
        let question = events_of(&self.object);
        effects.extend(self.events_feed.tick(shared, question));
        effects
    }

    fn answer(&mut self, request: RequestId, answer: &mut Option<Answer>) -> bool {
        if self.detail_feed.answers(request) {
            match answer.take() {
                Some(Answer::Pod(detail)) => self.detail = Some(*detail),
                Some(Answer::Failed(why)) => self.detail_feed.fail(&why),
                other => *answer = other,
            }
            return true;
        }
        if self.events_feed.answers(request) {
            match answer.take() {
                Some(Answer::Events(mut events)) => {
                    newest_first(&mut events);
                    self.events = events;
                }
                Some(Answer::Failed(why)) => self.events_feed.fail(&why),
                other => *answer = other,
            }
            return true;
        }
        false
    }

    fn requests(&self) -> Vec<RequestId> {
        self.detail_feed.request().into_iter().chain(self.events_feed.request()).collect()
    }

    fn mouse(&mut self, shared: &mut Shared, event: Pointer) -> Outcome {
        let _ = shared;
        self.page.mouse(event);
        Outcome::none()
    }
}
