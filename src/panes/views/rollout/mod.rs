//! A workload's rollout as it happens: what goes on in a sentence, how far the
//! new pods are, what stops them and what the way out is.
//!
//! Everything comes from the world, live; only events are asked for. The cursor
//! goes over the pods, so that their logs are one key away.

mod now;
mod page;
#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::events::newest_first;
use super::feed::{EVENTS_EVERY, Feed, events_of};
use super::page::Page;
use super::words;
use crate::action::{Action, Scope};
use crate::domain::id::{Kind, Name, ObjectRef, Uid};
use crate::domain::time::Stamp;
use crate::domain::workload::Workload;
use crate::effect::Effect;
use crate::look::Look;
use crate::msg::{Answer, EventFact, RequestId};
use crate::panes::{Pane, PaneId, Pointer, Title};
use crate::shared::{Applies, Outcome, Shared, Subject};

/// What the cursor stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A pod.
    Pod(Uid, Name),
    /// A run of a CronJob.
    Job(Uid, Name),
}

/// What the page was made from; it is made anew when this changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    pods: u64,
    workloads: u64,
    sets: u64,
    autoscalers: u64,
    usage: u64,
    events: u64,
    now: Stamp,
    width: usize,
}

/// The rollout view.
#[derive(Debug)]
pub struct RolloutView {
    object: ObjectRef,
    /// The workload as the world last knew it; kept when it goes.
    workload: Option<Workload>,
    gone: bool,
    events_feed: Feed,
    events: Vec<EventFact>,
    answers: u64,
    page: Page<Item>,
    seen: Option<Seen>,
}

impl RolloutView {
    /// Opens a workload.
    pub fn open(shared: &mut Shared, object: ObjectRef) -> Outcome {
        let (view, effects) = RolloutView::new(shared, object);
        Outcome::open(Box::new(view), effects)
    }

    fn new(shared: &mut Shared, object: ObjectRef) -> (RolloutView, Vec<Effect>) {
        let mut view = RolloutView {
            workload: shared.world.find_workload(&object).cloned(),
            gone: false,
            events_feed: Feed::new(EVENTS_EVERY),
            events: Vec::new(),
            answers: 0,
            page: Page::default(),
            seen: None,
            object,
        };
        let question = events_of(&view.object);
        let effects = view.events_feed.ask(shared, question);
        (view, effects)
    }

    fn changed(&mut self, shared: &Shared) -> bool {
        let Some(cluster) = shared.world.cluster(self.object.cluster) else { return self.seen.is_none() };
        let seen = Seen {
            pods: cluster.pods.version(),
            workloads: cluster.workloads.version(),
            sets: cluster.replica_sets.version(),
            autoscalers: cluster.autoscalers.version(),
            usage: cluster.usage_version(),
            events: self.answers,
            now: shared.now.wall,
            width: self.page.width(),
        };
        self.seen.replace(seen) != Some(seen)
    }
}

impl Pane for RolloutView {
    fn id(&self) -> PaneId {
        PaneId::View
    }

    fn title(&self, shared: &Shared) -> Title {
        let place = shared.environments.of(self.object.cluster, &self.object.namespace);
        let place = place.map(|env| format!(" in {}", env.name)).unwrap_or_default();
        let mut note = String::new();
        if self.gone {
            note = "gone".to_owned();
        } else if let Some(workload) = &self.workload
            && !matches!(workload.kind, Kind::Job | Kind::CronJob)
        {
            note = format!("{}/{} ready", workload.ready, workload.desired);
        }
        Title {
            name: format!("{} {}{place}", self.object.kind.word(), self.object.name),
            note,
            stale: words::stale(shared, self.object.cluster),
        }
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Text, Scope::List]
    }

    fn refresh(&mut self, shared: &Shared) {
        if !self.changed(shared) {
            return;
        }
        self.gone = words::is_gone(shared, &self.object);
        if let Some(workload) = shared.world.find_workload(&self.object) {
            self.workload = Some(workload.clone());
        }
        let lines = self.lines(shared);
        self.page.set(lines);
    }

    fn resize(&mut self, width: u16, height: u16) {
        self.page.resize(width, height);
    }

    fn applies(&self, shared: &Shared, action: Action) -> Applies {
        let _ = shared;
        match action {
            action if action.moves() => Applies::Yes,
            Action::Save => Applies::Yes,
            Action::Filter => Applies::No("This page has nothing to filter.".to_owned()),
            Action::Rollout if !matches!(self.page.selected(), Some(Item::Job(..))) => {
                Applies::No("This is the rollout.".to_owned())
            }
            Action::ToggleNamespace
            | Action::Mark
            | Action::FaultsOnly
            | Action::SortColumn
            | Action::SortDirection
            | Action::ClearMarks
            | Action::Wrap => {
                Applies::No(format!("{} does not apply to a rollout's page.", action.info().name))
            }
            _ => Applies::Elsewhere,
        }
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Outcome {
        if self.page.act(action) {
            return Outcome::none();
        }
        if action == Action::Save {
            let name = words::file_name(&self.object.name);
            let name = format!("rollout-{name}-{}.txt", words::file_time(shared.now.wall));
            return Outcome::effect(Effect::Save { name: name.into(), lines: self.page.plain() });
        }
        Outcome::none()
    }

    fn subject(&self, shared: &Shared) -> Option<Subject> {
        let _ = shared;
        let (kind, uid, name) = match self.page.selected() {
            Some(Item::Pod(uid, name)) => (Kind::Pod, *uid, name.clone()),
            Some(Item::Job(uid, name)) => (Kind::Job, *uid, name.clone()),
            None => return Some(Subject::Object(self.object.clone())),
        };
        Some(Subject::Object(ObjectRef { kind, uid, name, ..self.object.clone() }))
    }

    fn draw(&self, shared: &Shared, look: &Look, focused: bool, area: Rect, buffer: &mut Buffer) {
        let _ = shared;
        self.page.draw(look, focused, area, buffer);
    }

    fn tick(&mut self, shared: &mut Shared) -> Vec<Effect> {
        if self.gone {
            return Vec::new();
        }
        let question = events_of(&self.object);
        self.events_feed.tick(shared, question)
    }

    fn answer(&mut self, request: RequestId, answer: &mut Option<Answer>) -> bool {
        if !self.events_feed.answers(request) {
            return false;
        }
        self.answers += 1;
        match answer.take() {
            Some(Answer::Events(mut events)) => {
                newest_first(&mut events);
                self.events = events;
            }
            Some(Answer::Failed(why)) => self.events_feed.fail(&why),
            other => *answer = other,
        }
        true
    }

    fn requests(&self) -> Vec<RequestId> {
        self.events_feed.request().into_iter().collect()
    }

    fn mouse(&mut self, shared: &mut Shared, event: Pointer) -> Outcome {
        let _ = shared;
        self.page.mouse(event);
        Outcome::none()
    }
}
