//! The only room that spawns. It performs effects, carries messages to
//! `update`, and decides when a frame is due.
//!
//! [`Driver`] is the machine without a terminal: the screen ([`screen`]), the
//! one-frame commands ([`headless`]) and the tests drive the same one.

mod changes;
mod follows;
pub mod headless;
pub mod keys;
mod opened;
pub mod screen;
mod shell;
mod task;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use follows::Follows;
use task::{Ended, Of};

use crate::change::gather::NoPlan;
use crate::config::Memo;
use crate::connect::contexts::Contexts;
use crate::domain::id::ClusterId;
use crate::domain::level::Level;
use crate::domain::link::Link;
use crate::domain::time::{Now, Stamp};
use crate::effect::{Channel, Effect, Question, ShellRequest};
use crate::msg::{Answer, ClusterMsg, Msg, Note, RequestId};
use crate::sources::cluster::{Command, WatchPlan};
use crate::sources::{self, Clock, Line, Timing};
use crate::state::{Settings, State};
use crate::text::clean;
use crate::update;

/// What is said of a part of the program that panicked.
const FELL: &str = "a part of pilothouse itself failed (--log-file keeps what went wrong)";

/// How often the files of the configuration are looked at.
const RELOAD: Duration = Duration::from_secs(2);

/// Room for messages on their way; a full channel holds the sources back.
const CHANNEL: usize = 256;

/// The machine: state, connections and open questions.
pub struct Driver {
    /// What is shown.
    pub state: State,
    /// Limits and intervals of the connections that are made from now on.
    pub timing: Timing,
    contexts: Arc<Contexts>,
    out: mpsc::Sender<Msg>,
    inbox: mpsc::Receiver<Msg>,
    clusters: HashMap<ClusterId, Connected>,
    questions: HashMap<RequestId, AbortHandle>,
    /// What is being executed.
    running: HashSet<RequestId>,
    /// Rung to have a switch that is watched led back.
    turns: HashMap<RequestId, Arc<tokio::sync::Notify>>,
    desk: changes::Desk,
    follows: Follows,
    tasks: JoinSet<Ended>,
    started: Instant,
    keeper: Option<Keeper>,
    reloads: Option<mpsc::Receiver<Result<Settings, String>>>,
}

/// Keeps something in mind, or says why it cannot.
type Keeper = Arc<Mutex<dyn FnMut(&Memo) -> Result<(), String> + Send>>;

/// A connection that is wanted.
struct Connected {
    line: Line,
    commands: mpsc::Sender<Command>,
}

/// What only the owner of the terminal can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TerminalEffect {
    /// Hand the terminal to a shell.
    Shell(ShellRequest),
    /// Ring the bell.
    Bell,
    /// Notify by OSC 9 or 777.
    Notify(Channel, String),
    /// Copy by OSC 52.
    Copy(String),
    /// Draw everything anew.
    Redraw,
    /// Stop as ctrl-z does.
    Suspend,
    /// End.
    Quit,
}

impl Driver {
    /// A machine at rest. Call it inside of a tokio runtime.
    pub fn new(state: State, contexts: Arc<Contexts>) -> Driver {
        let (out, inbox) = mpsc::channel(CHANNEL);
        Driver {
            state,
            timing: Timing::default(),
            contexts,
            out,
            inbox,
            clusters: HashMap::new(),
            questions: HashMap::new(),
            running: HashSet::new(),
            turns: HashMap::new(),
            desk: changes::Desk::default(),
            follows: Follows::default(),
            tasks: JoinSet::new(),
            started: Instant::now(),
            keeper: None,
            reloads: None,
        }
    }

    /// The present.
    pub fn now(&self) -> Now {
        Now { wall: Stamp(jiff::Timestamp::now().as_second()), mono: self.started.elapsed() }
    }

    /// Takes a message; returns what only the owner of the terminal can do.
    pub fn feed(&mut self, msg: Msg) -> Vec<TerminalEffect> {
        let now = self.now();
        let effects = update::update(&mut self.state, msg, now);
        effects.into_iter().filter_map(|effect| self.perform(effect)).collect()
    }

    /// Brings what can be seen up to date before a frame.
    pub fn settle(&mut self) {
        self.state.shared.now = self.now();
        update::settle(&mut self.state);
        self.follow();
    }

    /// Begins to ask what is wanted now, and ends what is wanted no longer.
    fn follow(&mut self) {
        for follow in self.follows.reconcile(update::follows(&self.state)) {
            let means = (Clock::from(self.started), self.timing);
            let work = self.follows.work(&follow, &self.state.shared, means, self.out.clone());
            let task = self.spawn(Of::Follow, work);
            self.follows.began(follow, task);
        }
    }

    /// Connects the contexts that connect at the start.
    pub fn connect_first(&mut self, contexts: &[ClusterId]) {
        for cluster in contexts {
            self.perform(Effect::Connect(*cluster));
        }
    }

    /// Waits for something to happen and gives all that has happened by then,
    /// at most `most` messages.
    pub async fn wait(&mut self, into: &mut Vec<Msg>, most: usize) {
        tokio::select! {
            _ = self.inbox.recv_many(into, most) => {}
            Some(read) = reload(&mut self.reloads) => {
                let note = self.reloaded(read);
                into.push(Msg::Note(note));
            }
            Some(ended) = self.tasks.join_next() => match ended {
                Ok(ended) => self.ended(ended, into),
                // A chore on a thread of its own, which nothing could catch.
                Err(error) if error.is_panic() => into.push(fell(&error.to_string())),
                // Cancelled, since nobody wants it any more.
                Err(_) => {}
            }
        }
    }

    /// A task ended. Whoever waits for one that fell over is told, behind all that it said before.
    fn ended(&mut self, ended: Ended, into: &mut Vec<Msg>) {
        let Ended { of, fell: why } = ended;
        if why.is_some() {
            let said = self.inbox.len();
            into.extend((0..said).map_while(|_| self.inbox.try_recv().ok()));
        }
        match of {
            Of::Cluster(cluster) => {
                // The retry key may have made another one in the meantime.
                if self.clusters.get(&cluster).is_some_and(|known| !known.commands.is_closed()) {
                    return;
                }
                self.clusters.remove(&cluster);
                if why.is_some() {
                    let message = format!("{FELL}; trying again begins it anew").into();
                    into.push(Msg::Cluster(cluster, ClusterMsg::Link(Link::Broken { message })));
                }
            }
            Of::Question(request) => {
                self.questions.remove(&request);
                if why.is_some() {
                    into.push(Msg::Answer(request, Answer::Failed(FELL.to_owned())));
                    // Whoever waits under this number waits for one of the two.
                    into.push(Msg::Planned(request, Err(NoPlan::Unread(FELL.to_owned()))));
                }
            }
            Of::Change(request) => self.executed(request, why.is_some(), into),
            // Its place stays taken, so that it is not begun again and again.
            Of::Chore | Of::Follow => into.extend(why.as_deref().map(fell)),
        }
    }

    /// Who keeps in mind what a person connected and asked.
    pub fn remember_with(&mut self, keeper: impl FnMut(&Memo) -> Result<(), String> + Send + 'static) {
        self.keeper = Some(Arc::new(Mutex::new(keeper)));
    }

    /// What looks for settings that have changed, off the loop.
    pub fn reload_with(
        &mut self,
        mut look: impl FnMut() -> Option<Result<Settings, String>> + Send + 'static,
    ) {
        let (out, news) = mpsc::channel(1);
        self.reloads = Some(news);
        self.spawn(Of::Chore, async move {
            loop {
                tokio::time::sleep(RELOAD).await;
                let looked = tokio::task::spawn_blocking(move || {
                    let read = look();
                    (look, read)
                });
                let Ok((same, read)) = looked.await else { return };
                look = same;
                if let Some(read) = read
                    && out.send(read).await.is_err()
                {
                    return;
                }
            }
        });
    }

    fn remember(&mut self, memo: Memo) {
        let Some(keeper) = self.keeper.clone() else { return };
        let out = self.out.clone();
        self.tasks.spawn_blocking(move || {
            let kept = keeper
                .lock()
                .map_err(|_| "an earlier try failed".to_owned())
                .and_then(|mut keep| keep(&memo));
            if let Err(why) = kept {
                let text = match &memo {
                    Memo::Context(context) => {
                        format!("{context} is connected, but will not be remembered: {why}")
                    }
                    Memo::Query(_) => format!("The query will not be remembered: {why}"),
                };
                // Nobody left to tell means that the program ends.
                let _ = out.blocking_send(Msg::Note(Note { level: Level::Warning, text }));
            }
            Ended { of: Of::Chore, fell: None }
        });
    }

    fn reloaded(&mut self, read: Result<Settings, String>) -> Note {
        match read {
            Ok(settings) => {
                self.state.set(settings);
                Note { level: Level::Ok, text: "The configuration was read anew.".to_owned() }
            }
            Err(problems) => {
                let first = problems.lines().next().unwrap_or_default();
                let text = format!("The configuration has a fault; the old one stays: {}", clean(first));
                Note { level: Level::Warning, text }
            }
        }
    }

    fn spawn(&mut self, of: Of, work: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        self.tasks.spawn(task::run(of, work))
    }

    fn perform(&mut self, effect: Effect) -> Option<TerminalEffect> {
        match effect {
            Effect::Connect(cluster) => self.connect(cluster),
            Effect::Retry(cluster) => {
                // A supervisor that is gone (it panicked) is made anew; a full queue holds a retry already.
                self.clusters.retain(|id, connected| *id != cluster || !connected.commands.is_closed());
                match self.clusters.get(&cluster) {
                    Some(connected) => drop(connected.commands.try_send(Command::Retry)),
                    None => self.connect(cluster),
                }
            }
            Effect::Remember(context) => self.remember(Memo::Context(context.to_string())),
            Effect::RememberQuery(query) => self.remember(Memo::Query(query.to_string())),
            Effect::Ask(request, question) => self.ask(request, question),
            Effect::Cancel(request) => {
                if let Some(question) = self.questions.remove(&request) {
                    question.abort();
                }
            }
            Effect::Plan(request, order) => self.plan(request, *order),
            Effect::Revisions(request, order) => self.revisions(request, *order),
            Effect::Execute(request, confirmed) => self.execute(request, confirmed),
            Effect::TurnBack(request) => self.turn_back(request),
            Effect::ReadJournal => self.read_journal(),
            Effect::Look(cluster, intent) => self.look(cluster, *intent),
            Effect::Close(id, words) => self.close(id, words),
            Effect::Save { name, lines } => {
                let out = self.out.clone();
                self.spawn(Of::Chore, async move {
                    let note = save(name, lines).await;
                    let _ = out.send(Msg::Note(note)).await;
                });
            }
            Effect::Shell(request) => return Some(TerminalEffect::Shell(request)),
            Effect::Bell => return Some(TerminalEffect::Bell),
            Effect::Notify(channel, text) => return Some(TerminalEffect::Notify(channel, text)),
            Effect::Copy(text) => return Some(TerminalEffect::Copy(text)),
            Effect::Redraw => return Some(TerminalEffect::Redraw),
            Effect::Suspend => return Some(TerminalEffect::Suspend),
            Effect::Quit => return Some(TerminalEffect::Quit),
        }
        None
    }

    fn connect(&mut self, cluster: ClusterId) {
        if self.clusters.contains_key(&cluster) {
            return;
        }
        let Some(info) = self.contexts.list.get(usize::from(cluster.0)).cloned() else { return };
        let (commands, orders) = mpsc::channel(4);
        let line = Line::new();
        let shared = &self.state.shared;
        let namespaces = shared.known_namespaces(cluster);
        let plan = WatchPlan { namespaces, kept: shared.kept_in(cluster), timing: self.timing };
        let clock = Clock::from(self.started);
        let work = sources::cluster::run(cluster, info, plan, clock, line.clone(), orders, self.out.clone());
        self.follows.lines.set(cluster, line.clone());
        self.clusters.insert(cluster, Connected { line, commands });
        let now = self.now();
        self.state.shared.world.apply(cluster, ClusterMsg::Link(Link::Connecting), now);
        self.spawn(Of::Cluster(cluster), work);
    }

    fn ask(&mut self, request: RequestId, question: Question) {
        let out = self.out.clone();
        // A line that leads nowhere is told like any other failure, behind a queue that may be full.
        let connected = self.clusters.get(&question.cluster());
        let line = connected.map(|connected| connected.line.clone()).unwrap_or_default();
        let work = sources::question::answer(line, request, question, Clock::from(self.started), out);
        let handle = self.spawn(Of::Question(request), work);
        self.questions.insert(request, handle);
    }

    /// The client of a cluster, for a shell.
    pub fn client(&self, cluster: ClusterId) -> Option<kube::Client> {
        self.clusters.get(&cluster)?.line.client()
    }

    /// Time since the start, for deadlines of the loop.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A chore panicked: nothing on the screen waits for it.
fn fell(why: &str) -> Msg {
    tracing::error!("a task panicked: {why}");
    Msg::Note(Note {
        level: Level::Critical,
        text: format!("Sorry: {FELL}; what it showed stays as it was."),
    })
}

async fn reload(
    news: &mut Option<mpsc::Receiver<Result<Settings, String>>>,
) -> Option<Result<Settings, String>> {
    match news {
        Some(news) => news.recv().await,
        None => std::future::pending().await,
    }
}

/// Writes lines to a new file; an existing one is never overwritten.
async fn save(name: std::path::PathBuf, lines: Vec<String>) -> Note {
    use tokio::io::AsyncWriteExt;
    let count = lines.len();
    let mut text = lines.join("\n");
    text.push('\n');
    let written = async {
        let mut file = tokio::fs::OpenOptions::new().write(true).create_new(true).open(&name).await?;
        file.write_all(text.as_bytes()).await?;
        file.sync_all().await
    };
    match written.await {
        Ok(()) => Note { level: Level::Ok, text: format!("Saved {count} lines to {}.", name.display()) },
        Err(error) => {
            Note { level: Level::Warning, text: format!("Could not save to {}: {error}", name.display()) }
        }
    }
}
