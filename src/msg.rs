//! Everything that can happen, as one closed enum: what `update` takes.

use std::sync::Arc;

use crate::change::actions::Kept;
use crate::change::execute::Progress;
use crate::change::gather::NoPlan;
use crate::change::plan::Plan;
use crate::change::standing::Stand;
use crate::domain::alert::Told;
use crate::domain::backup::{Backup, Location, Restore, Schedule};
use crate::domain::graph::{Graph, GraphProblem, GraphRequest, Survey, SurveyRequest};
use crate::domain::id::{ClusterId, Kind, Name, Uid};
use crate::domain::link::{Feed, Link};
use crate::domain::meta::Resources;
use crate::domain::network::{EndpointSlice, Ingress, Service};
use crate::domain::node::{Autoscaler, Namespace, Node, Quota};
use crate::domain::pod::Pod;
use crate::domain::sync::SyncApp;
use crate::domain::time::Stamp;
use crate::domain::upstream::{Operated, Upstream};
use crate::domain::workload::{ReplicaSet, Workload};
use crate::journal::Reading;

/// Names a request, so that an answer that comes after its view was closed is
/// dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// Something happened.
#[derive(Debug)]
pub enum Msg {
    /// The terminal: keys, paste, mouse, resize, focus.
    Input(crossterm::event::Event),
    /// The clock moved on; sent about once a second and when a deadline passes.
    Tick,
    /// Something about one cluster.
    Cluster(ClusterId, ClusterMsg),
    /// An answer to a question; streams (logs) answer many times.
    Answer(RequestId, Answer),
    /// A followed graph was asked for at this time, and this came.
    Graph(Arc<GraphRequest>, Stamp, Result<Box<Graph>, GraphProblem>),
    /// What a Prometheus has.
    Survey(Arc<SurveyRequest>, Result<Survey, GraphProblem>),
    /// A server told of alerts, or why it did not.
    Alerts(Arc<Upstream>, Told),
    /// An order was worked out, or why it could not be.
    Planned(RequestId, Result<Box<Plan>, NoPlan>),
    /// The revisions that an order could go back to, newest first, or why they cannot be read.
    Kept(RequestId, Result<Vec<Kept>, NoPlan>),
    /// Something that is being done came further.
    Progress(RequestId, Progress),
    /// The journal, or why it cannot be read.
    Journal(Result<Reading, String>),
    /// How an action that was begun and never ended (by its id in the journal) stands now.
    Stands(String, Stand),
    /// Something the runtime did for us went well or wrong: shown as a toast.
    Note(Note),
}

/// How soon the screen has to show that something happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// With the next frame.
    Next,
    /// It comes in swarms, again and again (polls): one frame for the swarm.
    Swarm,
    /// When time is drawn the next time: it changes ages alone.
    #[default]
    Age,
}

impl Msg {
    /// How soon the screen has to show it, if it changes anything.
    #[must_use]
    pub fn urgency(&self) -> Urgency {
        match self {
            Msg::Graph(..) | Msg::Survey(..) | Msg::Alerts(..) => Urgency::Swarm,
            Msg::Cluster(_, ClusterMsg::Usage(_)) => Urgency::Swarm,
            Msg::Tick => Urgency::Age,
            _ => Urgency::Next,
        }
    }
}

/// News of one cluster.
#[derive(Debug)]
pub enum ClusterMsg {
    /// The connection's state changed.
    Link(Link),
    /// The kubeconfig was read again, and its context says this now; shown without credentials.
    Context {
        /// The name of the cluster entry.
        cluster_name: Name,
        /// The name of the user entry.
        user: Name,
        /// The API server's URL.
        server: Name,
    },
    /// Something of the cluster answered at this time (a heartbeat, a watch event).
    Answered(Stamp),
    /// `/version` and the uid of kube-system arrived; empty when not readable.
    Identity {
        /// `gitVersion`
        version: Name,
        /// uid of the namespace kube-system
        cluster_uid: Name,
    },
    /// The watch of a kind changed its state.
    Feed(Kind, Feed),
    /// Objects arrived, changed or went.
    Facts(Facts),
    /// metrics.k8s.io was asked; `Absent` when it is not served.
    Usage(Usage),
}

/// A step of a watch.
///
/// Between `Begin` and `End` comes a whole list; what was known of that
/// namespace (or, with `None`, of the cluster) and was not put again in between
/// is gone at `End`. So a relist never blanks the screen, and nothing is kept
/// twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delta<T> {
    /// A list begins.
    Begin(Option<Name>),
    /// It is so now.
    Put(T),
    /// It is gone.
    Gone(Uid),
    /// The list is whole.
    End(Option<Name>),
}

/// Batches of watch steps, in the order in which they came.
#[derive(Debug)]
pub enum Facts {
    /// Pods.
    Pods(Vec<Delta<Pod>>),
    /// One kind of workload.
    Workloads(Kind, Vec<Delta<Workload>>),
    /// ReplicaSets.
    ReplicaSets(Vec<Delta<ReplicaSet>>),
    /// Services.
    Services(Vec<Delta<Service>>),
    /// Ingresses.
    Ingresses(Vec<Delta<Ingress>>),
    /// EndpointSlices.
    EndpointSlices(Vec<Delta<EndpointSlice>>),
    /// Nodes.
    Nodes(Vec<Delta<Node>>),
    /// Namespaces.
    Namespaces(Vec<Delta<Namespace>>),
    /// ResourceQuotas.
    Quotas(Vec<Delta<Quota>>),
    /// HorizontalPodAutoscalers.
    Autoscalers(Vec<Delta<Autoscaler>>),
    /// Applications of Argo CD.
    Applications(Vec<Delta<SyncApp>>),
    /// One kind of Flux.
    Flux(Kind, Vec<Delta<SyncApp>>),
    /// Velero's Backups.
    Backups(Vec<Delta<Backup>>),
    /// Velero's Schedules.
    Schedules(Vec<Delta<Schedule>>),
    /// Velero's Restores.
    Restores(Vec<Delta<Restore>>),
    /// Velero's BackupStorageLocations.
    Locations(Vec<Delta<Location>>),
    /// One kind of the Prometheus Operator.
    Operated(Kind, Vec<Delta<Operated>>),
}

/// What pods and nodes use now (metrics.k8s.io).
#[derive(Debug)]
pub struct Usage {
    /// Whether the API serves it, and lets the use of pods be seen.
    pub feed: Feed,
    /// How the list of nodes stands, which may be refused to those who may see pods.
    pub node_feed: Feed,
    /// (namespace, pod, sum over its containers); sorted by namespace and name.
    pub pods: Vec<(Name, Box<str>, Resources)>,
    /// (node, use)
    pub nodes: Vec<(Name, Resources)>,
}

/// An answer to a [`crate::effect::Question`].
#[derive(Debug)]
pub enum Answer {
    /// A text to scroll in: YAML, a description.
    Document(Document),
    /// A pod, container by container.
    Pod(Box<crate::domain::pod_detail::PodDetail>),
    /// Events of an object, newest last.
    Events(Vec<EventFact>),
    /// Lines of a log.
    Log(LogMsg),
    /// An Application or Flux object, whole.
    Sync(Box<crate::domain::sync_detail::SyncDetail>),
    /// How objects differ from what they should be.
    Drift(crate::domain::sync_detail::Differences),
    /// How well objects are that were read for it.
    Healths(
        Vec<(
            crate::domain::sync_detail::ResourceId,
            crate::domain::sync_detail::Lookup<crate::domain::sync_detail::LiveHealth>,
        )>,
    ),
    /// Could not be had, in words that are fit for the screen.
    Failed(String),
}

/// A text to scroll in. Lines are clean and without their ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// The text.
    pub lines: Vec<String>,
    /// The lines of `metadata.managedFields`, folded away: where they would
    /// stand (index into `lines`) and the lines themselves.
    pub folded: Option<(usize, Vec<String>)>,
    /// Values of a Secret were masked.
    pub masked: bool,
}

/// One event (core/v1), counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFact {
    /// `Normal` or `Warning`.
    pub event_type: Name,
    /// CamelCase reason.
    pub reason: Name,
    /// The object it is about, as kubectl writes it: `pod/cart-7d9c-x2kfp`.
    pub about: String,
    /// Clean, one line.
    pub message: String,
    /// How often.
    pub count: u32,
    /// When first.
    pub first: Stamp,
    /// When last.
    pub last: Stamp,
}

/// Something of a log stream. Several pods and containers share one request.
#[derive(Debug)]
pub enum LogMsg {
    /// A pod's container joined; lines name it by `source`.
    Joined {
        /// Its number in this request.
        source: u16,
        /// Pod name.
        pod: Name,
        /// Container name.
        container: Name,
    },
    /// Lines, in the order in which they came.
    Lines(Vec<LogLine>),
    /// Something hinders a container's stream, or (`None`) the search for containers, which goes on when it can.
    Hindered {
        /// Its number in this request.
        source: Option<u16>,
        /// What; empty when it is over.
        reason: String,
    },
    /// A container's stream ended; the reason is empty when it simply ended.
    Ended {
        /// Its number in this request.
        source: u16,
        /// Why.
        reason: String,
    },
}

/// One line of a log, as it came but for its time, not yet cleaned: the view
/// cleans what it shows. `\n` is cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Which stream it came from.
    pub source: u16,
    /// The time the kubelet wrote before it; nanoseconds since the epoch, 0 when none.
    pub at_nanos: i64,
    /// The text.
    pub text: Box<str>,
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// How bad it is.
    pub level: crate::domain::level::Level,
    /// One line, clean.
    pub text: String,
}
