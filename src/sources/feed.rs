//! The way out of a watch: changes gathered into batches, the state of the feed, freshness.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::Clock;
use crate::domain::id::{ClusterId, Kind, Name};
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

    /// Waits while the update is behind, and gives the place in the queue; `None` when nobody listens.
    ///
    /// Whoever may be dropped while waiting (a watch that is begun anew) takes its place first and only then parts with
    /// what is to be said: so nothing is lost that was not said.
    async fn place(&self) -> Option<Place<'_>> {
        // Nobody listens when the program ends; the tasks are ended a moment later.
        let permit = self.out.reserve().await.ok()?;
        Some(Place { cluster: self.cluster, permit })
    }

    /// Sends; waits while the update is behind.
    pub(super) async fn say(&self, message: ClusterMsg) {
        if let Some(place) = self.place().await {
            place.say(message);
        }
    }

    /// The cluster has just answered: told at most once a second.
    pub(super) async fn heard(&self) {
        let now = self.clock.wall();
        if self.last_heard() != now.0
            && let Some(place) = self.place().await
            && self.answered.swap(now.0, Ordering::Relaxed) != now.0
        {
            place.say(ClusterMsg::Answered(now));
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

/// A place in the queue to the update.
struct Place<'a> {
    cluster: ClusterId,
    permit: mpsc::Permit<'a, Msg>,
}

impl Place<'_> {
    fn say(self, message: ClusterMsg) {
        self.permit.send(Msg::Cluster(self.cluster, message));
    }
}

/// The states of a kind's scopes (one for the whole cluster, or one for each namespace) seen as one.
pub(super) struct Board {
    kind: Kind,
    states: Mutex<States>,
}

struct States {
    /// The namespace of each scope (`None`: the whole cluster) and how it stands.
    scopes: Vec<(Option<Name>, Feed)>,
    /// What was told last.
    said: Option<Feed>,
}

impl Board {
    /// For the whole cluster.
    pub(super) fn whole(kind: Kind) -> Arc<Board> {
        Board::new(kind, vec![None])
    }

    /// For each of these namespaces.
    pub(super) fn namespaces(kind: Kind, names: &[Name]) -> Arc<Board> {
        Board::new(kind, names.iter().cloned().map(Some).collect())
    }

    fn new(kind: Kind, scopes: Vec<Option<Name>>) -> Arc<Board> {
        let scopes = scopes.into_iter().map(|scope| (scope, Feed::Loading)).collect();
        Arc::new(Board { kind, states: Mutex::new(States { scopes, said: None }) })
    }

    /// Changes the state of one scope; gives the state of all when that has changed.
    fn set(&self, scope: usize, feed: Feed) -> Option<Feed> {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = states.scopes.get_mut(scope) {
            place.1 = feed;
        }
        let all = together(&states.scopes);
        if states.said.as_ref() == Some(&all) {
            return None;
        }
        states.said = Some(all.clone());
        Some(all)
    }
}

/// The scopes as one, which is as well as its worst: first what fails (its rows are old), then what is awaited, then
/// what is refused beside what is followed. Namespaces are named, for the rows of one say nothing of another.
fn together(scopes: &[(Option<Name>, Feed)]) -> Feed {
    let [_, _, ..] = scopes else {
        return scopes.first().map(|(_, feed)| feed.clone()).unwrap_or_default();
    };
    let mut refused: Vec<Name> = Vec::new();
    let mut message = None;
    let mut live = false;
    for (namespace, feed) in scopes {
        match feed {
            Feed::Forbidden(words) => {
                refused.extend(namespace.clone());
                message = message.or(Some(words));
            }
            Feed::Live => live = true,
            Feed::Failed(_) | Feed::Loading | Feed::Absent | Feed::Partly { .. } => {}
        }
    }
    refused.sort_unstable();
    if let Some((namespace, words)) = scopes.iter().find_map(|(namespace, feed)| match feed {
        Feed::Failed(words) => Some((namespace.as_deref().unwrap_or_default(), words)),
        _ => None,
    }) {
        let beside =
            if refused.is_empty() { String::new() } else { format!("; forbidden in {}", refused.join(", ")) };
        return Feed::Failed(format!("in {namespace}: {words}{beside}").into());
    }
    if scopes.iter().any(|(_, feed)| *feed == Feed::Loading) {
        return Feed::Loading;
    }
    match message {
        Some(message) if live => Feed::Partly { refused: refused.into(), message: message.clone() },
        Some(message) => Feed::Forbidden(message.clone()),
        None if live => Feed::Live,
        None => Feed::Absent,
    }
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

    /// Sends what is there. Dropped while it waits, it leaves everything for the next time.
    pub(super) async fn flush(&mut self) {
        if self.buffer.is_empty() {
            self.due = None;
            return;
        }
        let Some(place) = self.mouth.place().await else {
            self.buffer.clear();
            self.due = None;
            return;
        };
        self.due = None;
        place.say(ClusterMsg::Facts(K::facts(std::mem::take(&mut self.buffer))));
        self.mouth.heard().await;
    }

    /// The cluster answered, though nothing changed.
    pub(super) async fn heard(&self) {
        self.mouth.heard().await;
    }

    /// Changes the state of this scope, behind everything that was pushed before.
    pub(super) async fn state(&mut self, feed: Feed) {
        self.flush().await;
        // Taken first: what the board gives must be said.
        let Some(place) = self.mouth.place().await else { return };
        if let Some(all) = self.board.set(self.scope, feed) {
            place.say(ClusterMsg::Feed(self.board.kind, all));
        }
    }

    /// Nobody listens any more.
    pub(super) fn deserted(&self) -> bool {
        self.mouth.deserted()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant as Start;

    use futures::FutureExt;

    use super::*;
    use crate::domain::id::Uid;
    use crate::msg::Facts;
    use crate::wire::pod::WirePod;

    fn scopes(feeds: &[(&str, Feed)]) -> Vec<(Option<Name>, Feed)> {
        feeds.iter().map(|(name, feed)| (Some(Name::from(*name)), feed.clone())).collect()
    }

    #[test]
    fn scopes_are_as_well_as_their_worst() {
        let (live, refused) = (Feed::Live, Feed::Forbidden("no".into()));
        let partly = |names: &[&str]| Feed::Partly {
            refused: names.iter().map(|name| Name::from(*name)).collect(),
            message: "no".into(),
        };
        for (feeds, wanted) in [
            (vec![("a", live.clone()), ("b", live.clone())], Feed::Live),
            (vec![("a", live.clone()), ("b", refused.clone())], partly(&["b"])),
            (vec![("c", refused.clone()), ("a", live.clone()), ("b", refused.clone())], partly(&["b", "c"])),
            (vec![("a", Feed::Loading), ("b", live.clone())], Feed::Loading),
            (vec![("a", Feed::Loading), ("b", refused.clone())], Feed::Loading),
            (vec![("a", live.clone()), ("b", Feed::Failed("503".into()))], Feed::Failed("in b: 503".into())),
            (
                vec![("a", refused.clone()), ("b", Feed::Failed("503".into()))],
                Feed::Failed("in b: 503; forbidden in a".into()),
            ),
            (vec![("a", refused.clone()), ("b", refused.clone())], refused.clone()),
            (vec![("a", Feed::Absent), ("b", Feed::Absent)], Feed::Absent),
            (vec![("a", refused.clone())], refused.clone()),
        ] {
            assert_eq!(together(&scopes(&feeds)), wanted, "{feeds:?}");
        }
        assert_eq!(together(&[(None, Feed::Failed("503".into()))]), Feed::Failed("503".into()));
    }

    #[test]
    fn only_changes_are_told() {
        let board = Board::namespaces(Kind::Pod, &["a".into(), "b".into()]);
        assert_eq!(board.set(0, Feed::Live), Some(Feed::Loading));
        assert_eq!(board.set(0, Feed::Live), None);
        assert_eq!(board.set(1, Feed::Live), Some(Feed::Live));
        assert_eq!(board.set(0, Feed::Failed("x".into())), Some(Feed::Failed("in a: x".into())));
    }

    /// A full queue with room for one, and the way out into it.
    fn full_queue() -> (mpsc::Receiver<Msg>, Outlet<WirePod>) {
        let (out, queue) = mpsc::channel(1);
        out.try_send(Msg::Tick).unwrap();
        let mouth = Mouth::new(ClusterId(0), Clock::from(Start::now()), out);
        (queue, Outlet::new(mouth, Board::whole(Kind::Pod), 0, Duration::from_secs(3600)))
    }

    /// The next message but those that only tell that the cluster answered.
    async fn next(queue: &mut mpsc::Receiver<Msg>) -> ClusterMsg {
        loop {
            match queue.recv().await {
                Some(Msg::Cluster(_, ClusterMsg::Answered(_))) | Some(Msg::Tick) => {}
                Some(Msg::Cluster(_, message)) => return message,
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_batch_outlives_a_flush_that_is_dropped_while_the_update_is_behind() {
        let (mut queue, mut outlet) = full_queue();
        outlet.push(Delta::Gone(Uid(7))).await;
        assert!(outlet.flush().now_or_never().is_none(), "the queue is full");
        assert!(outlet.due.is_some(), "it is still to be sent");
        let (_, message) = tokio::join!(outlet.flush(), next(&mut queue));
        let ClusterMsg::Facts(Facts::Pods(deltas)) = message else { panic!("{message:?}") };
        assert_eq!(deltas, [Delta::Gone(Uid(7))]);
    }

    #[tokio::test]
    async fn a_state_that_was_dropped_while_the_update_is_behind_is_told_the_next_time() {
        let (mut queue, mut outlet) = full_queue();
        assert!(outlet.state(Feed::Live).now_or_never().is_none(), "the queue is full");
        // Dropped when done, so that a state that is not told ends the queue.
        let again = async move { outlet.state(Feed::Live).await };
        let ((), message) = tokio::join!(again, next(&mut queue));
        assert!(matches!(message, ClusterMsg::Feed(Kind::Pod, Feed::Live)), "{message:?}");
    }
}
