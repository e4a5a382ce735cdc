//! What is asked again and again for as long as somebody looks: the list of [`Follow`]s that the state wants is held
//! against the tasks that run. New entries get a task, entries that are gone have theirs aborted (which closes their
//! connections), equal entries are one.
//!
//! Questions of one upstream share its client and stand in its queue, so that a slow server is never asked much at once.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::connect::upstream::{Client, Limits, Way};
use crate::domain::graph::GraphRequest;
use crate::domain::id::ClusterId;
use crate::domain::upstream::Upstream;
use crate::effect::Follow;
use crate::msg::Msg;
use crate::shared::Shared;
use crate::sources::graphs::{self, Caller};
use crate::sources::{Clock, Line, Timing, alerts};

/// A graph is asked for once it was looked at for so long: a cursor that only passes by asks for nothing.
const PASSING: Duration = Duration::from_millis(150);
/// Seconds from a question that failed to the next one, where a step is longer.
const AFTER_FAILURE: u32 = 60;
/// How long somebody looks before what is known of a server is asked for anew.
const RESURVEY: Duration = Duration::from_secs(30);

/// The ways to the clusters, as they are now: a connection that is made anew has another line.
#[derive(Clone, Default)]
pub(super) struct Lines(Arc<Mutex<HashMap<ClusterId, Line>>>);

impl Lines {
    pub(super) fn set(&self, cluster: ClusterId, line: Line) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(cluster, line);
    }

    pub(super) fn client(&self, cluster: ClusterId) -> Option<kube::Client> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&cluster)?.client()
    }
}

/// The tasks that run.
#[derive(Default)]
pub(super) struct Follows {
    pub(super) lines: Lines,
    tasks: HashMap<Follow, AbortHandle>,
    callers: HashMap<Arc<Upstream>, Caller>,
}

impl Follows {
    /// Ends what is no longer wanted; gives what has to begin.
    pub(super) fn reconcile(&mut self, wanted: Vec<Follow>) -> Vec<Follow> {
        let wanted: HashSet<Follow> = wanted.into_iter().collect();
        self.tasks.retain(|follow, task| {
            let stays = wanted.contains(follow);
            if !stays {
                task.abort();
            }
            stays
        });
        let used = |upstream: &Arc<Upstream>| wanted.iter().any(|follow| follow.upstream() == Some(upstream));
        self.callers.retain(|upstream, _| used(upstream));
        wanted.into_iter().filter(|follow| !self.tasks.contains_key(follow)).collect()
    }

    /// A task runs now.
    pub(super) fn began(&mut self, follow: Follow, task: AbortHandle) {
        self.tasks.insert(follow, task);
    }

    /// The way to ask an upstream.
    pub(super) fn caller(&mut self, upstream: &Arc<Upstream>) -> Caller {
        let lines = self.lines.clone();
        let new = || {
            let way = upstream.address.cluster().map(|id| Arc::new(move || lines.client(id)) as Way);
            Caller::new(Client::new(Arc::clone(upstream), way, Limits::default()))
        };
        self.callers.entry(Arc::clone(upstream)).or_insert_with(new).clone()
    }

    /// The work of a task.
    pub(super) fn work(
        &mut self,
        follow: &Follow,
        shared: &Shared,
        (clock, timing): (Clock, Timing),
        out: mpsc::Sender<Msg>,
    ) -> futures::future::BoxFuture<'static, ()> {
        match follow {
            Follow::Graph(request) => {
                let caller = self.caller(&request.upstream);
                let wait = first_wait(request, shared);
                Box::pin(graphs::follow(caller, Arc::clone(request), wait, clock, out))
            }
            Follow::Alerts(upstream) => {
                let caller = self.caller(upstream).apart();
                Box::pin(alerts::follow(caller, Arc::clone(upstream), timing, out))
            }
            Follow::Survey(request) => {
                let caller = self.caller(&request.upstream);
                // A survey is a few dozen requests: who only passes by, or was here a moment ago, sends none.
                let known = shared.graphs.survey(request).is_some_and(|known| known.survey.is_some());
                let wait = if known { RESURVEY } else { PASSING };
                Box::pin(graphs::survey(caller, Arc::clone(request), wait, clock, out))
            }
        }
    }
}

/// How long a graph that somebody begins to look at is not asked for yet: who looks away and back again does not ask
/// sooner than one who kept looking. What failed is asked again within a minute, as for one who kept looking.
fn first_wait(request: &Arc<GraphRequest>, shared: &Shared) -> Duration {
    let known = shared.graphs.get(request);
    let asked_at = known.and_then(|graph| graph.asked_at);
    let step = match known.is_some_and(|graph| graph.problem.is_some()) {
        true => request.step.min(AFTER_FAILURE),
        false => request.step,
    };
    let rest = asked_at.map_or(0, |at| u64::from(step).saturating_sub(shared.now.wall.since(at)));
    Duration::from_secs(rest).max(PASSING)
}
