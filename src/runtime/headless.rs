//! The machine without a terminal: runs until something holds, then the state
//! can be drawn or reported.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Driver;
use crate::domain::alert::Hearing;
use crate::domain::link::{Feed, Link, WATCHED};
use crate::effect::Follow;
use crate::msg::Msg;
use crate::update;
use crate::view;
use crate::world::ClusterWorld;

impl Driver {
    /// Takes messages until `done` holds or the time is over; tells which.
    pub async fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&mut Driver) -> bool) -> bool {
        let deadline = tokio::time::Instant::now() + limit;
        let mut messages = Vec::new();
        loop {
            self.settle();
            if done(self) {
                return true;
            }
            let waited = tokio::time::timeout_at(deadline, async {
                // Deadlines inside of the state (a retry's countdown) need the clock too.
                let tick = tokio::time::sleep(Duration::from_millis(250));
                tokio::select! {
                    () = self.wait(&mut messages, 1024) => {}
                    () = tick => {}
                }
            });
            if waited.await.is_err() {
                self.settle();
                return done(self);
            }
            for msg in messages.drain(..) {
                self.feed(msg);
            }
            self.feed(Msg::Tick);
        }
    }

    /// Whether every connected cluster has brought all it will bring: each
    /// feed is live, refused, absent or failed.
    pub fn is_loaded(&self) -> bool {
        self.state.shared.world.clusters.iter().all(is_loaded)
    }

    /// Whether every server of alerts has answered or failed once.
    pub fn has_heard_of_alerts(&self) -> bool {
        let shared = &self.state.shared;
        shared.environments.list.iter().all(|env| {
            let standings = shared.alerts.standing(&shared.upstreams, env.id);
            standings.iter().all(|standing| standing.assigned.is_err() || standing.hearing != Hearing::Asking)
        })
    }

    /// Whether it is known what every Prometheus has whose graphs can be seen.
    pub fn has_surveys(&self) -> bool {
        let graphs = &self.state.shared.graphs;
        update::follows(&self.state).iter().all(|follow| match follow {
            Follow::Survey(request) => {
                graphs.survey(request).is_some_and(|known| known.survey.is_some() || known.problem.is_some())
            }
            Follow::Graph(_) | Follow::Alerts(_) => true,
        })
    }

    /// Whether every graph that can be seen has been answered or failed once.
    pub fn has_graphs(&self) -> bool {
        let graphs = &self.state.shared.graphs;
        update::follows(&self.state).iter().all(|follow| match follow {
            Follow::Graph(request) => graphs.get(request).is_some(),
            Follow::Survey(request) => graphs
                .survey(request)
                .is_some_and(|surveyed| surveyed.survey.is_some() || surveyed.problem.is_some()),
            Follow::Alerts(_) => true,
        })
    }

    /// The ways to all clusters, as they are at the moment of asking.
    pub fn ways(&self) -> crate::change::execute::Ways {
        let lines = self.follows.lines.clone();
        std::sync::Arc::new(move |cluster| lines.client(cluster))
    }

    /// Whether no question is open and every answer has been taken.
    pub fn is_quiet(&self) -> bool {
        self.questions.is_empty() && self.inbox.is_empty()
    }

    /// One frame.
    pub fn frame(&mut self) -> Buffer {
        self.settle();
        let (columns, rows) = self.state.size;
        let area = Rect::new(0, 0, columns, rows);
        let mut buffer = Buffer::empty(area);
        view::draw(&self.state, area, &mut buffer);
        buffer
    }
}

fn is_loaded(cluster: &ClusterWorld) -> bool {
    match cluster.connection.link {
        Link::Connecting => false,
        Link::Live => WATCHED.iter().all(|kind| cluster.feed(*kind) != Feed::Loading),
        _ => true,
    }
}
