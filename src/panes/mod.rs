//! The panes of the Bridge and the views that open on top of it: one trait, one
//! file or folder each, one line each in [`bridge`].
//!
//! A pane keeps its own cursor, filter and order. `refresh` and `act` are the
//! only places where that changes; `draw` takes shared references. A pane never
//! does I/O: it returns [`Outcome`]s.

pub mod alerts;
pub mod app;
pub mod backups;
pub mod changes;
pub mod environments;
pub mod filter;
pub mod list;
pub mod metrics;
pub mod network;
pub mod nodes;
pub mod objects;
pub mod order;
pub mod pods;
pub mod releases;
pub mod sheet;
pub mod sync;
pub mod traffic;
pub mod views;
pub mod words;
pub mod workloads;

use std::fmt::Debug;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::action::{Action, Scope};
use crate::effect::{Effect, Follow};
use crate::look::Look;
use crate::msg::{Answer, RequestId};
use crate::shared::{Applies, Outcome, Shared, Subject};

/// The panes of the Bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PaneId {
    /// A card for each environment.
    Environments,
    /// Apps by environments.
    Releases,
    /// Pods.
    Pods,
    /// Workloads.
    Workloads,
    /// Services and Ingresses of the selected app.
    Network,
    /// Blue/green pairs.
    Traffic,
    /// Argo CD Applications and Flux objects.
    Sync,
    /// Prometheus graphs of what is selected.
    Metrics,
    /// Firing and pending alerts.
    Alerts,
    /// Velero backups, schedules, restores, locations.
    Backups,
    /// The nodes of the clusters.
    Nodes,
    /// A view that opened on top; not part of the Bridge.
    View,
}

/// What stands in a pane's frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Title {
    /// Left: what it is (`Pods production`).
    pub name: String,
    /// Right: how many rows, how sorted and filtered (`58 · faults first`).
    pub note: String,
    /// Set when what is shown is stale: since when and why.
    pub stale: Option<String>,
}

/// The marked rows of a pane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marked {
    /// What they are about, in the order of the rows.
    pub subjects: Vec<Subject>,
    /// Marked rows that are gone, or about nothing that could be changed.
    pub gone: usize,
}

/// One area of the screen with its own keys.
pub trait Pane: Debug + Send {
    /// Which pane it is.
    fn id(&self) -> PaneId;

    /// What stands in its frame.
    fn title(&self, shared: &Shared) -> Title;

    /// What stands at the right end of its frame's lower line, where there is room: where its facts come from.
    fn foot(&self, shared: &Shared) -> Option<String> {
        let _ = shared;
        None
    }

    /// Sections of the keymap that apply, innermost first; `Global` follows by itself.
    fn scopes(&self) -> &'static [Scope];

    /// Brings orders and counts up to date with the world. Called after
    /// messages and before a frame, only for panes that can be seen.
    fn refresh(&mut self, shared: &Shared);

    /// How large the inside of its frame is now (columns, rows).
    fn resize(&mut self, width: u16, height: u16);

    /// Whether an action applies now.
    fn applies(&self, shared: &Shared, action: Action) -> Applies;

    /// Does an action that applies.
    fn act(&mut self, shared: &mut Shared, action: Action) -> Outcome;

    /// While nobody has chosen an app, the one under the cursor is what the other panes are asked about, also when no
    /// key has moved it there.
    fn suggest(&mut self, _shared: &mut Shared) {}

    /// What the cursor is on.
    fn subject(&self, shared: &Shared) -> Option<Subject>;

    /// What is marked, also where a filter hides it.
    fn marked(&self, shared: &Shared) -> Marked {
        let _ = shared;
        Marked::default()
    }

    /// Draws the inside of its frame.
    fn draw(&self, shared: &Shared, look: &Look, focused: bool, area: Rect, buffer: &mut Buffer);

    /// Whether a frame with its title stands around it.
    fn framed(&self) -> bool {
        true
    }

    /// The text of its filter or search, when it has one.
    fn filter(&self) -> Option<&str> {
        None
    }

    /// Sets the filter or search; an empty text clears it.
    ///
    /// # Errors
    /// A sentence on what cannot be read; the old filter stays.
    fn set_filter(&mut self, shared: &Shared, text: &str) -> Result<(), String> {
        let _ = (shared, text);
        Err("This pane has no filter.".to_owned())
    }

    /// What was typed is to be done, where typing is more than a filter.
    fn submit(&mut self, shared: &mut Shared, text: &str) -> Outcome {
        let _ = (shared, text);
        Outcome::none()
    }

    /// What stands so many places before (negative) or after what is being typed, where earlier texts are kept.
    fn recall(&mut self, shared: &Shared, by: isize) -> Option<String> {
        let _ = (shared, by);
        None
    }

    /// Keys with what they do while something is typed, where that is no filter.
    fn typing_keys(&self) -> Option<&'static [(&'static str, &'static str)]> {
        None
    }

    /// Takes an answer; true when it was this pane's.
    fn answer(&mut self, request: RequestId, answer: &mut Option<Answer>) -> bool {
        let _ = (request, answer);
        false
    }

    /// The clock moved on (about once a second): what a view asks again by itself.
    fn tick(&mut self, shared: &mut Shared) -> Vec<Effect> {
        let _ = shared;
        Vec::new()
    }

    /// What it wants to be asked again and again, for as long as it can be seen. Called after [`Pane::refresh`].
    fn follows(&self, shared: &Shared) -> Vec<Follow> {
        let _ = shared;
        Vec::new()
    }

    /// Open requests, to be cancelled when the view closes.
    fn requests(&self) -> Vec<RequestId> {
        Vec::new()
    }

    /// A click at a place of the inside (column, row), or the wheel by so many rows.
    fn mouse(&mut self, shared: &mut Shared, event: Pointer) -> Outcome {
        let _ = (shared, event);
        Outcome::none()
    }
}

/// What the mouse did inside of a pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointer {
    /// A click at (column, row) of the inside.
    Click(u16, u16),
    /// The wheel, rows down (negative: up).
    Wheel(i16),
}

/// The panes of the Bridge, in the order of tab.
pub fn bridge() -> Vec<Box<dyn Pane>> {
    vec![
        Box::new(environments::EnvironmentsPane::default()),
        Box::new(list::ListPane::new(releases::Releases::default())),
        Box::new(list::ListPane::new(sync::Syncing::default())),
        Box::new(list::ListPane::new(workloads::Workloads::default())),
        Box::new(list::ListPane::new(pods::Pods::default())),
        Box::new(list::ListPane::new(network::Network::default())),
        Box::new(list::ListPane::new(traffic::Traffic::default())),
        Box::new(metrics::MetricsPane::default()),
        Box::new(list::ListPane::new(backups::Backups::default())),
        Box::new(list::ListPane::new(alerts::Alerts::default())),
        Box::new(list::ListPane::new(nodes::Nodes::default())),
    ]
}
