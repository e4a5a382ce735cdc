//! Changes, performed: plans are made, what was confirmed is executed, the journal is read. What is being executed is
//! never given up with its view, and outlives the screen ([`Driver::finish`]).

use std::collections::HashMap;
use std::sync::Arc;

use kube::Client;
use tokio::sync::Notify;

use super::task::Of;
use super::{Driver, FELL};
use crate::change::confirm::Confirmed;
use crate::change::execute::{Means, Pace, Progress, execute, turned_away};
use crate::change::gather;
use crate::change::intent::Order;
use crate::change::standing;
use crate::domain::id::ClusterId;
use crate::domain::level::Level;
use crate::journal::{Closing, End, Intention, Journal, Local, Outcome, Record};
use crate::msg::{Msg, Note, RequestId};
use crate::text::clean;

/// What changes need.
#[derive(Clone, Debug, Default)]
pub(super) struct Desk {
    pub(super) journal: Option<Arc<Journal>>,
    pub(super) local: Local,
    pub(super) pace: Pace,
}

impl Driver {
    /// Where changes are written down, and by whom they are made. Without it nothing is changed.
    pub fn journal_with(&mut self, journal: Journal, local: Local) {
        self.desk.journal = Some(Arc::new(journal));
        self.desk.local = local;
    }

    /// How long the parts of an execution may take; for tests.
    pub fn pace(&mut self, pace: Pace) {
        self.desk.pace = pace;
    }

    /// The journal and who sits here, for commands that execute by themselves.
    pub fn desk(&self) -> (Option<&Journal>, &Local) {
        (self.desk.journal.as_deref(), &self.desk.local)
    }

    /// Looks for what an earlier program began and left without an outcome.
    pub fn look_back(&mut self) {
        if self.desk.journal.is_some() {
            self.read_journal();
        }
    }

    /// The connection of the kubeconfig's current context.
    pub fn current(&self) -> Option<ClusterId> {
        Some(ClusterId(u16::try_from(self.contexts.current?).ok()?))
    }

    /// The ways to the clusters as they are now.
    pub fn clients(&self) -> HashMap<ClusterId, Client> {
        let found = self.clusters.iter().filter_map(|(id, known)| Some((*id, known.line.client()?)));
        found.collect()
    }

    pub(super) fn plan(&mut self, request: RequestId, order: Order) {
        let (out, clients, now) = (self.out.clone(), self.clients(), self.now());
        let work = async move {
            let planned = gather::plan(&|cluster| clients.get(&cluster).cloned(), order, now).await;
            let _ = out.send(Msg::Planned(request, planned.map(Box::new))).await;
        };
        let handle = self.spawn(Of::Question(request), work);
        self.questions.insert(request, handle);
    }

    pub(super) fn revisions(&mut self, request: RequestId, order: Order) {
        let (out, clients, now) = (self.out.clone(), self.clients(), self.now());
        let work = async move {
            let kept = gather::kept(&|cluster| clients.get(&cluster).cloned(), &order, now).await;
            let _ = out.send(Msg::Kept(request, kept)).await;
        };
        let handle = self.spawn(Of::Question(request), work);
        self.questions.insert(request, handle);
    }

    pub(super) fn execute(&mut self, request: RequestId, confirmed: Arc<Confirmed>) {
        let place = &confirmed.plan().order.place;
        let now_leads_to =
            self.state.shared.world.cluster(place.cluster).map(|known| &known.connection.server);
        let same = now_leads_to == Some(&place.server);
        let client = self.clusters.get(&place.cluster).and_then(|known| known.line.client());
        let (out, desk) = (self.out.clone(), self.desk.clone());
        let why_not = match (&client, same) {
            (_, false) => {
                Some(format!("{} leads to another server now than when this was planned.", place.context))
            }
            (None, true) => Some(format!("{} is not connected any more.", place.context)),
            (Some(_), true) => None,
        };
        self.running.insert(request);
        let turn = Arc::new(Notify::new());
        self.turns.insert(request, Arc::clone(&turn));
        let ways = self.ways();
        self.spawn(Of::Change(request), async move {
            let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
            let doing = async move {
                let tell = move |progress| {
                    // Whoever would have listened is below, and stays to the end.
                    let _ = tell.send(progress);
                };
                match (client, why_not) {
                    (Some(client), None) => {
                        let journal = desk.journal.as_deref();
                        let local = &desk.local;
                        let (watch, pace, turn) = (true, desk.pace, Some(&*turn));
                        let means = Means { client, journal, local, watch, pace, tell: &tell, ways, turn };
                        execute(&confirmed, means).await;
                    }
                    (_, why) => {
                        let (journal, why) = (desk.journal.as_deref(), why.unwrap_or_default());
                        tell(Progress::Ended(turned_away(&confirmed, journal, &desk.local, &why)));
                    }
                }
            };
            let telling = async {
                while let Some(progress) = told.recv().await {
                    let _ = out.send(Msg::Progress(request, progress)).await;
                }
            };
            futures::join!(doing, telling);
        });
    }

    /// Has a switch that is watched led back.
    pub(super) fn turn_back(&self, request: RequestId) {
        if let Some(turn) = self.turns.get(&request) {
            turn.notify_one();
        }
    }

    /// An execution's task ended; whoever waits for one that fell over is told.
    pub(super) fn executed(&mut self, request: RequestId, fell: bool, into: &mut Vec<Msg>) {
        self.running.remove(&request);
        self.turns.remove(&request);
        if fell {
            let words = format!("{FELL}; the journal tells what was begun");
            into.push(Msg::Progress(request, Progress::Ended(End { outcome: Outcome::Unknown, words })));
        }
        if self.desk.journal.is_some() {
            self.read_journal();
        }
    }

    pub(super) fn read_journal(&mut self) {
        let (out, journal) = (self.out.clone(), self.desk.journal.clone());
        self.tasks.spawn_blocking(move || {
            let read = match journal {
                Some(journal) => journal.read(None).map_err(|error| clean(&error.to_string()).into_owned()),
                None => Err("there is no folder to keep it in".to_owned()),
            };
            let _ = out.blocking_send(Msg::Journal(read));
            super::task::Ended { of: Of::Chore, fell: None }
        });
    }

    pub(super) fn look(&mut self, cluster: ClusterId, intent: Intention) {
        let out = self.out.clone();
        let client = self.clusters.get(&cluster).and_then(|known| known.line.client());
        self.spawn(Of::Chore, async move {
            let stand = match client {
                Some(client) => standing::look(&client, cluster, &intent).await,
                None => standing::Stand::Unknown("its cluster is not connected".to_owned()),
            };
            let _ = out.send(Msg::Stands(intent.id, stand)).await;
        });
    }

    pub(super) fn close(&mut self, id: String, words: String) {
        let Some(journal) = self.desk.journal.clone() else { return };
        let now = jiff::Timestamp::now();
        let end = Closing { id, at: now.to_string(), outcome: Outcome::Unknown, words };
        if let Err(error) = journal.append(&Record::End(end), now) {
            let text = format!("The journal cannot be written: {}", clean(&error.to_string()));
            self.state.toast(Note { level: Level::Warning, text });
        }
        self.read_journal();
    }

    /// Whether something is being executed.
    pub fn is_executing(&self) -> bool {
        !self.running.is_empty()
    }

    /// Goes on without a screen until what is being executed has ended.
    pub async fn finish(&mut self) {
        let mut messages = Vec::new();
        while self.is_executing() {
            self.wait(&mut messages, 256).await;
            for msg in messages.drain(..) {
                self.feed(msg);
            }
        }
    }
}
