//! Everything that `update` can ask for, as data. The runtime performs it.

use std::path::PathBuf;
use std::sync::Arc;

use crate::change::confirm::Confirmed;
use crate::change::intent::Order;
use crate::domain::graph::{GraphRequest, SurveyRequest};
use crate::domain::id::{ClusterId, Name, ObjectRef};
use crate::domain::selector::Selector;
use crate::domain::sync_detail::ResourceId;
use crate::domain::upstream::Upstream;
use crate::journal::Intention;
use crate::msg::RequestId;

/// Something to be done outside of the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Connect a cluster: client, heartbeat, watches. Does nothing when it is.
    Connect(ClusterId),
    /// Try again now: cut a back-off short, run the credential plugin again.
    Retry(ClusterId),
    /// Keep in mind that this context is to be connected at the next start.
    Remember(Name),
    /// Keep a query in mind that a person typed.
    RememberQuery(Name),
    /// Ask a cluster something; answers come as `Msg::Answer`.
    Ask(RequestId, Question),
    /// Nobody waits for this answer any more: end the stream or the request.
    Cancel(RequestId),
    /// Work an order out against the present state; answered by [`crate::msg::Msg::Planned`]. Changes nothing.
    Plan(RequestId, Box<Order>),
    /// Read which revisions an order could go back to; answered by [`crate::msg::Msg::Kept`].
    Revisions(RequestId, Box<Order>),
    /// Do what was confirmed; answered by [`crate::msg::Msg::Progress`] until it has ended. The only effect that
    /// changes a cluster.
    Execute(RequestId, Arc<Confirmed>),
    /// Have a switch that is watched led back at once: what was confirmed with it.
    TurnBack(RequestId),
    /// Read the journal; answered by [`crate::msg::Msg::Journal`].
    ReadJournal,
    /// Look how an action that was begun and never ended stands now; answered by [`crate::msg::Msg::Stands`].
    Look(ClusterId, Box<Intention>),
    /// Close such an action in the journal: a person has seen how it stands.
    Close(String, String),
    /// Give the terminal to a shell in a container, and take it back.
    Shell(ShellRequest),
    /// Ring the terminal's bell.
    Bell,
    /// Have the terminal notify of a text; whether it does is its own affair.
    Notify(Channel, String),
    /// Copy a text to the clipboard of the person's terminal (OSC 52).
    Copy(String),
    /// Write lines to a new file in the working folder (never overwrites).
    Save {
        /// File name, free of path separators.
        name: PathBuf,
        /// The lines.
        lines: Vec<String>,
    },
    /// Forget what is on the terminal and draw everything anew.
    Redraw,
    /// Stop the process as ctrl-z does; on return everything is drawn anew.
    Suspend,
    /// End the program.
    Quit,
}

/// By which sequence a terminal is asked to notify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// OSC 9.
    Osc9,
    /// OSC 777.
    Osc777,
}

/// What is asked again and again for as long as it is wanted. The state says what it wants; equal wishes are one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Follow {
    /// A graph, asked once a step; answered by [`crate::msg::Msg::Graph`].
    Graph(Arc<GraphRequest>),
    /// The alerts of a Prometheus or an Alertmanager, asked every 15 seconds; answered by [`crate::msg::Msg::Alerts`].
    Alerts(Arc<Upstream>),
    /// What a Prometheus has, asked every ten minutes; answered by [`crate::msg::Msg::Survey`].
    Survey(Arc<SurveyRequest>),
}

impl Follow {
    /// The one server that is asked, if it is one.
    #[must_use]
    pub fn upstream(&self) -> Option<&Arc<Upstream>> {
        match self {
            Follow::Graph(request) => Some(&request.upstream),
            Follow::Alerts(upstream) => Some(upstream),
            Follow::Survey(request) => Some(&request.upstream),
        }
    }
}

/// A question to a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// The object as YAML.
    Yaml {
        /// Which.
        object: ObjectRef,
        /// Show the values of a Secret.
        reveal: bool,
    },
    /// What only the whole object of a pod tells (its containers one by one);
    /// answered by [`crate::msg::Answer::Pod`].
    Pod(ObjectRef),
    /// The object described, with its events.
    Describe(ObjectRef),
    /// Its events (and for a workload those of its ReplicaSets and pods).
    Events(ObjectRef),
    /// Logs.
    Logs(LogRequest),
    /// An Argo CD Application or Flux object whole, with its project or source; answered by
    /// [`crate::msg::Answer::Sync`].
    Sync {
        /// Which.
        object: ObjectRef,
        /// The Argo CD API server that adds what the object does not tell.
        server: Option<Arc<Upstream>>,
    },
    /// How objects that are delivered differ from what they should be; answered by [`crate::msg::Answer::Drift`].
    Drift(DriftRequest),
    /// How well delivered objects are whose kinds are not watched; answered by [`crate::msg::Answer::Healths`].
    Healths {
        /// The cluster that they are in.
        cluster: ClusterId,
        /// Which.
        objects: Vec<ResourceId>,
    },
}

impl Question {
    /// The cluster that is asked.
    pub fn cluster(&self) -> ClusterId {
        match self {
            Question::Yaml { object, .. }
            | Question::Describe(object)
            | Question::Events(object)
            | Question::Pod(object)
            | Question::Sync { object, .. } => object.cluster,
            Question::Logs(request) => request.cluster,
            Question::Drift(request) => request.cluster.unwrap_or(request.app.cluster),
            Question::Healths { cluster, .. } => *cluster,
        }
    }
}

/// What to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriftRequest {
    /// The cluster that the objects are in, which may not be the one that the application is in; `None` when no
    /// connection leads there, and only the API server can tell.
    pub cluster: Option<ClusterId>,
    /// The application, for the API server.
    pub app: ObjectRef,
    /// The objects, each with its API version (empty: whichever is served).
    pub objects: Vec<(ResourceId, Name)>,
    /// The Argo CD API server, which knows what Git wants.
    pub server: Option<Arc<Upstream>>,
}

/// Which logs to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRequest {
    /// The connection.
    pub cluster: ClusterId,
    /// The namespace.
    pub namespace: Name,
    /// Which pods.
    pub pods: LogPods,
    /// One container, or all.
    pub container: Option<Name>,
    /// Of the previous, ended containers.
    pub previous: bool,
    /// Lines of the past to begin with, a container.
    pub tail: u32,
    /// Go on with new lines.
    pub follow: bool,
}

/// The pods whose logs are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogPods {
    /// This one.
    One(Name),
    /// All that match, those that come later too.
    Selected(Selector),
}

/// A shell in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellRequest {
    /// The connection.
    pub cluster: ClusterId,
    /// The namespace.
    pub namespace: Name,
    /// The pod.
    pub pod: Name,
    /// The container.
    pub container: Name,
}
