//! The way out of a watch: changes gathered into batches, the state of the feed, freshness.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::Clock;
use crate::domain::id::{ClusterId, Kind};
use crate::domain::link::Feed;
use crate::msg::{ClusterMsg, Delta, Msg};
use crate::wire::Wire;

/// Changes of one batch at most.
const BATCH: usize = 512;

/// The way to the update for everything that belongs to one cluster.
#[derive(Clone)]
pub(super) struct Mouth {
    pub(super) cluster: ClusterId,
    pub(super) clock: Clock,
    out: mpsc::Sender<Msg>,
    /// The wall clock's second of the last answer that was reported.
    answered: Arc<AtomicI64>,
}

impl Mouth {
    pub(super) fn new(cluster: ClusterId, clock: Clock, out: mpsc::Sender<Msg>) -> Mouth {
        Mouth { cluster, clock, out, answered: Arc::new(AtomicI64::new(i64::MIN)) }
    }

    /// Sends; waits while the update is behind.
    pub(super) async fn say(&self, message: ClusterMsg) {
        // Nobody listens when the program ends; the tasks are ended a moment later.
        let _ = self.out.send(Msg::Cluster(self.cluster, message)).await;
    }

    /// The cluster has just answered: told at most once a second.
    pub(super) async fn heard(&self) {
        let now = self.clock.wall();
        if self.answered.swap(now.0, Ordering::Relaxed) != now.0 {
            self.say(ClusterMsg::Answered(now)).await;
        }
    }

    /// The second of the wall clock in which the cluster last answered.
    pub(super) fn last_heard(&self) -> i64 {
        self.answered.load(Ordering::Relaxed)
    }

    fn deserted(&self) -> bool {
        self.out.is_closed()
    }
}

/// The states of a kind's scopes (one for the whole cluster, or one for each namespace) seen as one.
pub(super) struct Board {
    kind: Kind,
    scopes: Mutex<(Vec<Feed>, Option<Feed>)>,
}

impl Board {
    pub(super) fn new(kind: Kind, scopes: usize) -> Arc<Board> {
        Arc::new(Board { kind, scopes: Mutex::new((vec![Feed::Loading; scopes], None)) })
    }

    /// Changes the state of one scope; gives the state of all when that has changed.
    fn set(&self, scope: usize, feed: Feed) -> Option<Feed> {
        let mut guard = self.scopes.lock().unwrap_or_else(PoisonError::into_inner);
        let (scopes, said) = &mut *guard;
        if let Some(place) = scopes.get_mut(scope) {
            *place = feed;
        }
        let all = together(scopes);
        if said.as_ref() == Some(&all) {
            return None;
        }
        *said = Some(all.clone());
        Some(all)
    }
}

/// The worst that can be waited out goes first; refused scopes count only when there is nothing else.
fn together(scopes: &[Feed]) -> Feed {
    let failed = scopes.iter().find(|feed| matches!(feed, Feed::Failed(_)));
    let loading = scopes.iter().find(|feed| matches!(feed, Feed::Loading));
    let live = scopes.iter().find(|feed| matches!(feed, Feed::Live));
    failed.or(loading).or(live).or(scopes.first()).cloned().unwrap_or_default()
}

/// The way out for one scope of one kind.
pub(super) struct Outlet<K: Wire> {
    mouth: Mouth,
    board: Arc<Board>,
    scope: usize,
    wait: Duration,
    buffer: Vec<Delta<K::Row>>,
    /// When the buffer must be sent; `None` while it is empty.
    due: Option<Instant>,
}

impl<K: Wire> Outlet<K> {
    pub(super) fn new(mouth: Mouth, board: Arc<Board>, scope: usize, wait: Duration) -> Outlet<K> {
        Outlet { mouth, board, scope, wait, buffer: Vec::new(), due: None }
    }

    /// Adds a change; sends when there are many, or the first has waited long enough.
    pub(super) async fn push(&mut self, delta: Delta<K::Row>) {
        self.buffer.push(delta);
        let now = Instant::now();
        let due = *self.due.get_or_insert(now + self.wait);
        if self.buffer.len() >= BATCH || now >= due {
            self.flush().await;
        }
    }

    /// Ends when the buffer must be sent; never while it is empty.
    pub(super) async fn due(&self) {
        match self.due {
            Some(due) => sleep_until(due).await,
            None => std::future::pending().await,
        }
    }

    /// Sends what is there.
    pub(super) async fn flush(&mut self) {
        self.due = None;
        if self.buffer.is_empty() {
            return;
        }
        let deltas = std::mem::take(&mut self.buffer);
        self.mouth.say(ClusterMsg::Facts(K::facts(deltas))).await;
        self.mouth.heard().await;
    }

    /// The cluster answered, though nothing changed.
    pub(super) async fn heard(&self) {
        self.mouth.heard().await;
    }

    /// Changes the state of this scope, behind everything that was pushed before.
    pub(super) async fn state(&mut self, feed: Feed) {
        self.flush().await;
        if let Some(all) = self.board.set(self.scope, feed) {
            self.mouth.say(ClusterMsg::Feed(self.board.kind, all)).await;
        }
    }

    /// Nobody listens any more.
    pub(super) fn deserted(&self) -> bool {
        self.mouth.deserted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_one_to_whoever_looks() {
        let (live, refused) = (Feed::Live, Feed::Forbidden("no".into()));
        assert_eq!(together(&[live.clone(), refused.clone()]), Feed::Live);
        assert_eq!(together(&[Feed::Loading, live.clone()]), Feed::Loading);
        assert_eq!(together(&[live, Feed::Failed("x".into())]), Feed::Failed("x".into()));
        assert_eq!(together(&[refused.clone(), refused.clone()]), refused);
    }

    #[test]
    fn only_changes_are_told() {
        let board = Board::new(Kind::Pod, 2);
        assert_eq!(board.set(0, Feed::Live), Some(Feed::Loading));
        assert_eq!(board.set(0, Feed::Live), None);
        assert_eq!(board.set(1, Feed::Live), Some(Feed::Live));
        assert_eq!(board.set(0, Feed::Failed("x".into())), Some(Feed::Failed("x".into())));
    }
}
