//! A supervisor on the bench, and what it has told so far.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pilothouse::connect::contexts::{ContextInfo, Contexts, Options};
use pilothouse::domain::id::{ClusterId, Kind, Name, Uid};
use pilothouse::domain::link::{Feed, Link};
use pilothouse::msg::{ClusterMsg, Delta, Facts, Msg, Usage};
use pilothouse::sources::cluster::{Command, WatchPlan, run};
use pilothouse::sources::{Clock, Line, Timing};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Everything as usual, but soon.
pub fn timing() -> Timing {
    Timing {
        heartbeat: Duration::from_millis(30),
        heartbeat_limit: Duration::from_millis(500),
        answer_limit: Duration::from_millis(1000),
        backoff_first: Duration::from_millis(10),
        backoff_last: Duration::from_millis(40),
        silence: Duration::from_millis(400),
        batch: Duration::from_millis(2),
        absent: Duration::from_millis(20),
        forbidden: Duration::from_millis(20),
        usage: Duration::from_millis(20),
        alerts: Duration::from_millis(20),
        stagger: Duration::ZERO,
    }
}

/// What the supervisor told, as the state would hold it.
#[derive(Default)]
pub struct Told {
    pub links: Vec<Link>,
    pub feeds: HashMap<Kind, Vec<Feed>>,
    /// Pods by uid: their names.
    pub pods: BTreeMap<Uid, String>,
    /// Their namespaces.
    homes: HashMap<Uid, String>,
    pub namespaces: HashSet<String>,
    /// Lists of pods that were begun.
    pub pod_lists: usize,
    pub workloads: usize,
    pub usage: Option<Usage>,
    pub version: String,
    pub uid: String,
    /// As a kubeconfig that was read again names it.
    pub server: String,
    /// Pods of the list that is being taken.
    fresh: HashSet<Uid>,
}

impl Told {
    pub fn pod_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.pods.values().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    pub fn feed(&self, kind: Kind) -> Option<&Feed> {
        self.feeds.get(&kind)?.last()
    }

    pub fn is_live(&self, kind: Kind) -> bool {
        self.feed(kind) == Some(&Feed::Live)
    }

    /// Live, or known not to be installed.
    pub fn is_settled(&self, kind: Kind) -> bool {
        self.is_live(kind) || kind.is_custom() && self.feed(kind) == Some(&Feed::Absent)
    }

    fn take(&mut self, message: ClusterMsg) {
        match message {
            ClusterMsg::Link(link) => self.links.push(link),
            ClusterMsg::Feed(kind, feed) => self.feeds.entry(kind).or_default().push(feed),
            ClusterMsg::Identity { version, cluster_uid } => {
                (self.version, self.uid) = (version.to_string(), cluster_uid.to_string());
            }
            ClusterMsg::Usage(usage) => self.usage = Some(usage),
            ClusterMsg::Context { server, .. } => self.server = server.to_string(),
            ClusterMsg::Answered(_) => {}
            ClusterMsg::Facts(Facts::Pods(deltas)) => deltas.into_iter().for_each(|delta| self.pod(delta)),
            ClusterMsg::Facts(Facts::Workloads(_, deltas)) => {
                self.workloads += deltas.iter().filter(|delta| matches!(delta, Delta::Put(_))).count();
            }
            ClusterMsg::Facts(_) => {}
        }
    }

    fn pod(&mut self, delta: Delta<pilothouse::domain::pod::Pod>) {
        match delta {
            Delta::Begin(scope) => {
                self.pod_lists += 1;
                let homes = &self.homes;
                self.fresh.retain(|uid| scope.as_deref().is_some_and(|scope| homes[uid] != scope));
            }
            Delta::Put(pod) => {
                self.fresh.insert(pod.uid);
                self.namespaces.insert(pod.namespace.to_string());
                self.homes.insert(pod.uid, pod.namespace.to_string());
                self.pods.insert(pod.uid, pod.name.to_string());
            }
            Delta::Gone(uid) => drop(self.pods.remove(&uid)),
            Delta::End(scope) => self.pods.retain(|uid, _| {
                self.fresh.contains(uid) || scope.as_deref().is_some_and(|scope| self.homes[uid] != scope)
            }),
        }
    }
}

pub struct Bench {
    pub told: Told,
    pub line: Line,
    messages: mpsc::Receiver<Msg>,
    commands: mpsc::Sender<Command>,
    task: JoinHandle<()>,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub fn context(kubeconfig: PathBuf) -> ContextInfo {
    let options = Options { kubeconfig: Some(kubeconfig), ..Options::default() };
    let contexts = Contexts::load(&options).unwrap();
    contexts.list[contexts.current.unwrap()].clone()
}

impl Bench {
    pub fn start(kubeconfig: PathBuf) -> Bench {
        Bench::with(kubeconfig, &[], timing())
    }

    pub fn with(kubeconfig: PathBuf, namespaces: &[&str], timing: Timing) -> Bench {
        Bench::planned(kubeconfig, namespaces, Vec::new(), timing)
    }

    /// The same, with namespaces where objects of some kinds are kept.
    pub fn planned(
        kubeconfig: PathBuf,
        namespaces: &[&str],
        kept: Vec<(Name, &'static [Kind])>,
        timing: Timing,
    ) -> Bench {
        let (out, messages) = mpsc::channel(16);
        let (commands, orders) = mpsc::channel(4);
        let line = Line::new();
        let namespaces = namespaces.iter().map(|n| (*n).into()).collect();
        let plan = WatchPlan { namespaces, kept, timing };
        let clock = Clock::from(Instant::now());
        let task =
            tokio::spawn(run(ClusterId(3), context(kubeconfig), plan, clock, line.clone(), orders, out));
        Bench { told: Told::default(), line, messages, commands, task }
    }

    /// Takes messages until this holds.
    pub async fn until(&mut self, what: &str, holds: impl Fn(&Told) -> bool) {
        let waited = async {
            while !holds(&self.told) {
                match self.messages.recv().await {
                    Some(Msg::Cluster(ClusterId(3), message)) => self.told.take(message),
                    other => panic!("unexpected {other:?}"),
                }
            }
        };
        if tokio::time::timeout(Duration::from_secs(30), waited).await.is_err() {
            panic!(
                "never: {what}; links {:?}, feeds {:?}, pods {:?}",
                self.told.links,
                self.told.feeds,
                self.told.pod_names()
            );
        }
    }

    pub async fn retry(&self) {
        self.commands.send(Command::Retry).await.unwrap();
    }

    /// Ends it; the line leads nowhere afterwards.
    pub async fn stop(mut self) {
        self.commands.send(Command::Stop).await.unwrap();
        self.messages.close();
        (&mut self.task).await.unwrap();
        assert!(self.line.client().is_none());
    }
}
