//! One node on one screen: how it is and since when, what becomes of its pods, how full it is, and what runs there.
//!
//! Everything comes from the world, live; only events are asked for. The cursor begins on the node itself, so that its
//! own keys (cordon, drain, describe) are at hand, and goes on over its pods.

mod page;
mod story;
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
use crate::domain::node::Node;
use crate::domain::time::Stamp;
use crate::effect::Effect;
use crate::look::Look;
use crate::msg::{Answer, EventFact, RequestId};
use crate::panes::{Pane, PaneId, Pointer, Title};
use crate::shared::{Applies, Outcome, Shared, Subject};

/// What the cursor stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// The node itself.
    Node,
    /// A pod: uid, namespace, name.
    Pod(Uid, Name, Name),
}

/// What the page was made from; it is made anew when this changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    nodes: u64,
    pods: u64,
    usage: u64,
    events: u64,
    now: Stamp,
    width: usize,
}

/// The node view.
#[derive(Debug)]
pub struct NodeView {
    object: ObjectRef,
    /// The node as the world last knew it; kept when it goes.
    node: Option<Node>,
    gone: bool,
    events_feed: Feed,
    events: Vec<EventFact>,
    answers: u64,
    page: Page<Item>,
    seen: Option<Seen>,
}

impl NodeView {
    /// Opens a node.
    pub fn open(shared: &mut Shared, object: ObjectRef) -> Outcome {
        let mut view = NodeView {
            node: None,
            gone: false,
            events_feed: Feed::new(EVENTS_EVERY),
            events: Vec::new(),
            answers: 0,
            page: Page::default(),
            seen: None,
            object,
        };
        view.follow(shared);
        let question = events_of(&view.object);
        let effects = view.events_feed.ask(shared, question);
        Outcome::open(Box::new(view), effects)
    }

    fn follow(&mut self, shared: &Shared) {
        self.gone = words::is_gone(shared, &self.object);
        if let Some(node) = shared.world.find_node(&self.object) {
            self.node = Some(node.clone());
        }
    }

    fn changed(&mut self, shared: &Shared) -> bool {
        let Some(cluster) = shared.world.cluster(self.object.cluster) else { return self.seen.is_none() };
        let seen = Seen {
            nodes: cluster.nodes.version(),
            pods: cluster.pods.version(),
            usage: cluster.usage_version(),
            events: self.answers,
            now: shared.now.wall,
            width: self.page.width(),
        };
        self.seen.replace(seen) != Some(seen)
    }
}

impl Pane for NodeView {
    fn id(&self) -> PaneId {
        PaneId::View
    }

    fn title(&self, shared: &Shared) -> Title {
        let context = shared.world.cluster(self.object.cluster).map_or("", |c| &*c.connection.context);
        let note = match &self.node {
            _ if self.gone => "gone".to_owned(),
            Some(node) => crate::panes::nodes::words::state(node, shared.now),
            None => String::new(),
        };
        Title {
            name: format!("Node {} ({context})", self.object.name),
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
        self.follow(shared);
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
            Action::Open if !matches!(self.page.selected(), Some(Item::Pod(..))) => {
                Applies::No("This is the node's page; its pods stand below.".to_owned())
            }
            Action::ToggleNamespace
            | Action::Mark
            | Action::FaultsOnly
            | Action::SortColumn
            | Action::SortDirection
            | Action::ClearMarks
            | Action::Wrap => Applies::No(format!("{} does not apply to a node's page.", action.info().name)),
            _ => Applies::Elsewhere,
        }
    }

    fn act(&mut self, shared: &mut Shared, action: Action) -> Outcome {
        if self.page.act(action) {
            return Outcome::none();
        }
        if action == Action::Save {
            let name = words::file_name(&self.object.name);
            let name = format!("node-{name}-{}.txt", words::file_time(shared.now.wall));
            return Outcome::effect(Effect::Save { name: name.into(), lines: self.page.plain() });
        }
        Outcome::none()
    }

    fn subject(&self, shared: &Shared) -> Option<Subject> {
        let _ = shared;
        Some(Subject::Object(match self.page.selected() {
            Some(Item::Pod(uid, namespace, name)) => ObjectRef {
                cluster: self.object.cluster,
                kind: Kind::Pod,
                namespace: namespace.clone(),
                name: name.clone(),
                uid: *uid,
            },
            Some(Item::Node) | None => self.object.clone(),
        }))
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
