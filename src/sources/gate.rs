//! The gate between a cluster's supervisor and its tasks: whether asking makes sense now, with which client, and when
//! to ask anew. Also the handle through which questions reach the same client.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use crate::connect::client::Access;

/// What the tasks may know of the connection.
#[derive(Clone, Default)]
pub(super) struct Gate {
    /// The client, while there is one.
    pub(super) access: Option<Access>,
    /// How many clients there have been: the number of this one.
    number: u64,
    /// Whether the cluster answers. While it does not, nobody asks.
    pub(super) open: bool,
    /// Changes when running streams are to be begun anew: the connection was lost and came back, or a person asked.
    pub(super) generation: u64,
}

/// The way to a cluster for those who ask it something. The runtime makes one for each cluster, hands it to
/// [`super::cluster::run`], and asks through it. Whoever asks for long takes the client from it each time anew, since
/// credentials end and clients with them.
#[derive(Clone, Default)]
pub struct Line {
    gate: Arc<watch::Sender<Gate>>,
    /// Rung by whoever was told 401.
    unauthorized: Arc<Notify>,
}

/// A line without a supervisor: it leads to this client for good.
impl From<Access> for Line {
    fn from(access: Access) -> Line {
        let line = Line::new();
        line.gate.send_replace(Gate { access: Some(access), open: true, ..Gate::default() });
        line
    }
}

impl Line {
    /// A line that leads nowhere yet.
    #[must_use]
    pub fn new() -> Line {
        Line::default()
    }

    /// The client; `None` while there is no connection.
    #[must_use]
    pub fn client(&self) -> Option<kube::Client> {
        self.numbered().map(|(client, _)| client)
    }

    /// The client with its number, for [`Line::refused`].
    pub(super) fn numbered(&self) -> Option<(kube::Client, u64)> {
        let gate = self.gate.borrow();
        gate.access.as_ref().map(|access| (access.client.clone(), gate.number))
    }

    /// After a 401 to the client of this number: tells the supervisor, gives it so long to bring another client, and
    /// waits for as long as the cluster is known not to answer (it may be a person who must log in). Ends at once
    /// when the connection is given up.
    pub(super) async fn refused(&self, number: u64, patience: Duration) {
        self.unauthorized.notify_one();
        let mut gate = self.gate.subscribe();
        let other = gate.wait_for(|gate| gate.number != number || gate.access.is_none());
        // That none came in time is no reason not to ask again; and the sender is ours, so it cannot be gone.
        let _ = timeout(patience, other).await;
        let _ = gate.wait_for(|gate| gate.open || gate.access.is_none()).await;
    }
}

/// The supervisor's end: opens and closes.
#[derive(Clone)]
pub(super) struct Keeper {
    gate: Arc<watch::Sender<Gate>>,
    unauthorized: Arc<Notify>,
}

/// The tasks' end.
#[derive(Clone)]
pub(super) struct Guest {
    gate: watch::Receiver<Gate>,
    unauthorized: Arc<Notify>,
}

impl Keeper {
    pub(super) fn new(line: &Line) -> Keeper {
        Keeper { gate: Arc::clone(&line.gate), unauthorized: Arc::clone(&line.unauthorized) }
    }

    pub(super) fn guest(&self) -> Guest {
        Guest { gate: self.gate.subscribe(), unauthorized: Arc::clone(&self.unauthorized) }
    }

    /// From now on this client is used. Streams that run go on.
    pub(super) fn admit(&self, access: Access) {
        self.gate.send_modify(|gate| {
            gate.access = Some(access);
            gate.number = gate.number.wrapping_add(1);
        });
    }

    /// The cluster answers.
    pub(super) fn open(&self) {
        self.gate.send_if_modified(|gate| !std::mem::replace(&mut gate.open, true));
    }

    /// The cluster does not answer: nothing new is begun. Streams that still run are left alone.
    pub(super) fn close(&self) {
        self.gate.send_if_modified(|gate| std::mem::replace(&mut gate.open, false));
    }

    /// There is no client any more.
    pub(super) fn leave(&self) {
        self.gate.send_modify(|gate| {
            *gate = Gate { generation: gate.generation, number: gate.number, ..Gate::default() }
        });
    }

    /// Ends when somebody was told 401.
    pub(super) async fn told_unauthorized(&self) {
        self.unauthorized.notified().await;
    }

    /// Streams are begun anew, and those who wait after a failure wait no longer.
    pub(super) fn renew(&self) {
        self.gate.send_modify(|gate| gate.generation = gate.generation.wrapping_add(1));
    }
}

impl Guest {
    /// Waits until asking makes sense, and gives the client with the generation that it is asked in.
    /// `None` when the supervisor is gone.
    pub(super) async fn enter(&mut self) -> Option<(Access, u64)> {
        let gate = self.gate.wait_for(|gate| gate.open && gate.access.is_some()).await.ok()?;
        gate.access.clone().map(|access| (access, gate.generation))
    }

    /// Ends when the generation is no longer this one.
    pub(super) async fn renewed(&mut self, generation: u64) {
        // A supervisor that is gone takes its tasks with it.
        if self.gate.wait_for(|gate| gate.generation != generation).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits so long, or until the supervisor says that asking anew makes sense. `None` when it is gone.
    pub(super) async fn pause(&mut self, wait: Duration) -> Option<()> {
        let (_, generation) = self.enter().await?;
        tokio::select! {
            () = sleep(wait) => {}
            () = self.renewed(generation) => {}
        }
        Some(())
    }

    /// Tells the supervisor that the credentials are not accepted.
    pub(super) fn ring_unauthorized(&self) {
        self.unauthorized.notify_one();
    }
}
