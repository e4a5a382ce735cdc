//! The one table of actions: everything a key, the palette, the help and the
//! documentation can name. Keymaps bind names of this table; panes say which of
//! them apply now and, when one does not, why.

/// Everything that a person can ask for on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Cursor one row up.
    Up,
    /// Cursor one row down.
    Down,
    /// One column left: cards, matrix cells, long lines.
    Left,
    /// One column right.
    Right,
    /// Half a page up.
    HalfPageUp,
    /// Half a page down.
    HalfPageDown,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// First row.
    Top,
    /// Last row.
    Bottom,
    /// Zoom or open what the cursor is on.
    Open,
    /// Back out of filter, overlay or zoom.
    Back,
    /// Focus the next pane.
    NextPane,
    /// Focus the previous pane.
    PreviousPane,
    /// Focus the Environments pane; again: the release matrix.
    PaneEnvironments,
    /// Pane 2.
    PaneSync,
    /// Focus the Pods pane; again: Workloads.
    PanePods,
    /// Pane 4.
    PaneMetrics,
    /// Pane 5.
    PaneAlerts,
    /// Pane 6.
    PaneTraffic,
    /// Pane 7.
    PaneBackups,
    /// Pane 8.
    PaneNodes,
    /// Pane 9.
    PaneDelivery,
    /// Pane 0.
    PaneJournal,
    /// What is being changed, and what was.
    Runs,
    /// Make the next environment the current one.
    NextEnvironment,
    /// Make the previous environment the current one.
    PreviousEnvironment,
    /// Rows of all environments, or of the current one.
    ToggleAllEnvironments,
    /// Narrow to one namespace, or widen again.
    ToggleNamespace,
    /// Start typing a filter.
    Filter,
    /// Mark or unmark the row.
    Mark,
    /// Remove all marks.
    ClearMarks,
    /// Show faults only, or everything.
    FaultsOnly,
    /// Sort by the next column.
    SortColumn,
    /// Turn the sort direction.
    SortDirection,
    /// Pods instead of workloads, or the other way round.
    ToggleWorkloads,
    /// Logs of the pod, or of all pods of the workload.
    Logs,
    /// Logs of the previous, ended containers.
    PreviousLogs,
    /// Describe.
    Describe,
    /// The object as YAML.
    Yaml,
    /// Its events.
    Events,
    /// Watch the rollout of the workload.
    Rollout,
    /// Look into an alert: what it is about, and how that is.
    Triage,
    /// A shell in a container.
    Shell,
    /// More or fewer pods.
    Scale,
    /// New pods of the same template.
    Restart,
    /// Back to an earlier release.
    Undo,
    /// The traffic of a blue/green pair to the other colour.
    Switch,
    /// Hold the rollout of a Deployment where it is.
    PauseRollout,
    /// Let what was held go on.
    Resume,
    /// Hold the schedule of a CronJob.
    SuspendSchedule,
    /// Run a CronJob now.
    Trigger,
    /// Delete a pod.
    Delete,
    /// Choose what becomes of a node.
    Node,
    /// No new pods on a node.
    Cordon,
    /// New pods on a node again.
    Uncordon,
    /// Empty a node.
    Drain,
    /// Choose what becomes of an Argo Rollout.
    Promote,
    /// Send an Argo Rollout on from where it waits.
    PromoteStep,
    /// Send an Argo Rollout through at once.
    PromoteFull,
    /// Send an Argo Rollout back.
    Abort,
    /// Begin an aborted Argo Rollout again.
    Retry,
    /// Copy to the clipboard of the terminal (OSC 52).
    Copy,
    /// Connect the cluster of a dim card, or try again now.
    Connect,
    /// Start or stop following the end of a log.
    Follow,
    /// Pause or resume incoming lines.
    Pause,
    /// Wrap long lines or not.
    Wrap,
    /// Show timestamps or not.
    Timestamps,
    /// The next container of the pod, then all.
    NextContainer,
    /// Show JSON lines as fields or as they came.
    JsonFields,
    /// Save to a file.
    Save,
    /// Next match of the search.
    NextMatch,
    /// Previous match of the search.
    PreviousMatch,
    /// Unfold or fold managedFields.
    ManagedFields,
    /// Show the values of a Secret, or mask them again.
    Reveal,
    /// Show a longer time of a graph.
    LongerRange,
    /// Show a shorter time of a graph.
    ShorterRange,
    /// Type a query of one's own.
    Query,
    /// Pick a favourite or an earlier query.
    Favourites,
    /// Command palette.
    Palette,
    /// Help.
    Help,
    /// Draw everything anew.
    Redraw,
    /// Suspend to the shell.
    Suspend,
    /// Quit.
    Quit,
}

/// Where an action makes sense; keymaps have a section for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Everywhere but in text input.
    Global,
    /// Panes with rows.
    List,
    /// Scrolled text: logs, YAML, describe, events.
    Text,
    /// Log view.
    Logs,
    /// YAML view.
    Yaml,
    /// Graphs.
    Graph,
}

impl Scope {
    /// All scopes, outermost first.
    pub const ALL: [Scope; 6] =
        [Scope::Global, Scope::List, Scope::Text, Scope::Logs, Scope::Yaml, Scope::Graph];

    /// The section's name in a keymap file.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Global => "global",
            Scope::List => "list",
            Scope::Text => "text",
            Scope::Logs => "logs",
            Scope::Yaml => "yaml",
            Scope::Graph => "graph",
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionInfo {
    /// The action.
    pub action: Action,
    /// Its name in keymaps and in the palette, kebab-case.
    pub name: &'static str,
    /// One or two words for the footer.
    pub title: &'static str,
    /// One sentence for help and palette.
    pub doc: &'static str,
    /// Where it makes sense.
    pub scope: Scope,
}

const fn row(
    action: Action,
    name: &'static str,
    title: &'static str,
    doc: &'static str,
    scope: Scope,
) -> ActionInfo {
    ActionInfo { action, name, title, doc, scope }
}

/// The table, in the order in which help and palette list it.
#[rustfmt::skip]
pub static TABLE: &[ActionInfo] = &[
    row(Action::Up, "up", "up", "Move the cursor up.", Scope::Global),
    row(Action::Down, "down", "down", "Move the cursor down.", Scope::Global),
    row(Action::Left, "left", "left", "Move left: cards, cells, long lines.", Scope::Global),
    row(Action::Right, "right", "right", "Move right: cards, cells, long lines.", Scope::Global),
    row(Action::HalfPageUp, "half-page-up", "½ up", "Move half a page up.", Scope::Global),
    row(Action::HalfPageDown, "half-page-down", "½ down", "Move half a page down.", Scope::Global),
    row(Action::PageUp, "page-up", "page up", "Move a page up.", Scope::Global),
    row(Action::PageDown, "page-down", "page down", "Move a page down.", Scope::Global),
    row(Action::Top, "top", "top", "Go to the first row.", Scope::Global),
    row(Action::Bottom, "bottom", "bottom", "Go to the last row.", Scope::Global),
    row(Action::Open, "open", "open", "Zoom or open what the cursor is on.", Scope::Global),
    row(Action::Back, "back", "back", "Leave the filter, the overlay or the zoom.", Scope::Global),
    row(Action::NextPane, "next-pane", "next pane", "Focus the next pane.", Scope::Global),
    row(Action::PreviousPane, "previous-pane", "previous pane", "Focus the previous pane.", Scope::Global),
    row(Action::PaneEnvironments, "environments", "envs", "Go to Environments; again: the release matrix.", Scope::Global),
    row(Action::PaneSync, "sync-pane", "sync", "Go to Sync.", Scope::Global),
    row(Action::PanePods, "pods", "pods", "Go to Pods; again: Workloads.", Scope::Global),
    row(Action::PaneMetrics, "metrics", "metrics", "Go to Metrics.", Scope::Global),
    row(Action::PaneAlerts, "alerts", "alerts", "Go to Alerts.", Scope::Global),
    row(Action::PaneTraffic, "traffic", "traffic", "Go to Traffic.", Scope::Global),
    row(Action::PaneBackups, "backups", "backups", "Go to Backups.", Scope::Global),
    row(Action::PaneNodes, "nodes", "nodes", "Go to Nodes.", Scope::Global),
    row(Action::PaneDelivery, "delivery", "delivery", "Go to Delivery.", Scope::Global),
    row(Action::PaneJournal, "journal", "journal", "Go to the Journal.", Scope::Global),
    row(Action::Runs, "runs", "runs", "Show what is being changed from here, and what was: its steps, its end, the way back.", Scope::Global),
    row(Action::NextEnvironment, "next-environment", "next env", "Make the next environment the current one.", Scope::Global),
    row(Action::PreviousEnvironment, "previous-environment", "previous env", "Make the previous environment the current one.", Scope::Global),
    row(Action::ToggleAllEnvironments, "all-environments", "all envs", "Show rows of all environments, or of the current one.", Scope::Global),
    row(Action::ToggleNamespace, "namespace", "one ns", "Narrow to the namespace of the row, or widen again.", Scope::List),
    row(Action::Filter, "filter", "filter", "Filter rows: text or regex, ! inverse, -l labels, -f fuzzy; in text views: search.", Scope::Global),
    row(Action::Mark, "mark", "mark", "Mark or unmark the row.", Scope::List),
    row(Action::ClearMarks, "clear-marks", "unmark", "Remove all marks.", Scope::List),
    row(Action::FaultsOnly, "faults", "faults", "Show faults only, or everything.", Scope::List),
    row(Action::SortColumn, "sort", "sort", "Sort by the next column.", Scope::List),
    row(Action::SortDirection, "sort-direction", "turn sort", "Turn the sort direction.", Scope::List),
    row(Action::ToggleWorkloads, "workloads", "workloads", "Show workloads instead of pods, or pods again.", Scope::Global),
    row(Action::Logs, "logs", "logs", "Logs of the pod, or of all pods of the workload.", Scope::List),
    row(Action::PreviousLogs, "previous-logs", "prev. logs", "Logs of the containers that ended before.", Scope::List),
    row(Action::Describe, "describe", "describe", "Describe the object, with its events.", Scope::List),
    row(Action::Yaml, "yaml", "yaml", "Show the object as YAML.", Scope::List),
    row(Action::Events, "events", "events", "Show the object's events.", Scope::List),
    row(Action::Rollout, "rollout", "rollout", "Watch the workload's rollout.", Scope::List),
    row(Action::Triage, "triage", "triage", "Look into the alert: what it is about, and how that is.", Scope::List),
    row(Action::Shell, "shell", "shell", "Open a shell in a container.", Scope::List),
    row(Action::Scale, "scale", "scale", "Plan more or fewer pods; where an autoscaler rules, its limits.", Scope::List),
    row(Action::Restart, "restart", "restart", "Plan new pods of the same template, one after another.", Scope::List),
    row(Action::Undo, "undo", "way back", "Plan the way back to an earlier release.", Scope::List),
    row(Action::Switch, "switch", "switch", "Plan to lead the traffic of a blue/green pair to the other colour.", Scope::List),
    row(Action::PauseRollout, "pause-rollout", "hold", "Plan to hold the rollout of a Deployment or a Rollout.", Scope::List),
    row(Action::Resume, "resume", "resume", "Plan to let a paused rollout or a suspended schedule go on.", Scope::List),
    row(Action::SuspendSchedule, "suspend-schedule", "hold", "Plan to hold the schedule of the CronJob.", Scope::List),
    row(Action::Trigger, "trigger", "run now", "Plan a run of the CronJob now.", Scope::List),
    row(Action::Delete, "delete", "delete", "Plan to delete the pod: its controller makes another one.", Scope::List),
    row(Action::Node, "node", "node", "Cordon, uncordon or drain the node, or the pod's node.", Scope::List),
    row(Action::Cordon, "cordon", "cordon", "Plan that no new pods come to the node.", Scope::List),
    row(Action::Uncordon, "uncordon", "uncordon", "Plan that new pods come to the node again.", Scope::List),
    row(Action::Drain, "drain", "drain", "Plan to cordon the node and to evict its pods.", Scope::List),
    row(Action::Promote, "promote", "promote", "Promote the Argo Rollout, in full or by a step, abort it or try it again.", Scope::List),
    row(Action::PromoteStep, "promote-step", "go on", "Plan that the Argo Rollout goes on from where it waits.", Scope::List),
    row(Action::PromoteFull, "promote-full", "in full", "Plan that the Argo Rollout goes through at once.", Scope::List),
    row(Action::Abort, "abort", "abort", "Plan that the Argo Rollout goes back to what is stable.", Scope::List),
    row(Action::Retry, "retry", "retry", "Plan that an aborted Argo Rollout begins again.", Scope::List),
    row(Action::Copy, "copy", "copy", "Copy the name or the text to the terminal's clipboard.", Scope::Global),
    row(Action::Connect, "connect", "connect", "Connect a dim card's cluster, or try again now.", Scope::Global),
    row(Action::Follow, "follow", "follow", "Follow the end of the log or the graph, or stop.", Scope::Logs),
    row(Action::Pause, "pause", "pause", "Hold incoming lines back, or let them come.", Scope::Logs),
    row(Action::Wrap, "wrap", "wrap", "Wrap long lines, or cut them.", Scope::Text),
    row(Action::Timestamps, "timestamps", "times", "Show timestamps, or hide them.", Scope::Logs),
    row(Action::NextContainer, "next-container", "container", "Show the next container only, then all again.", Scope::Logs),
    row(Action::JsonFields, "json-fields", "json", "Show JSON lines as fields, or as they came.", Scope::Logs),
    row(Action::Save, "save", "save", "Save the text to a file.", Scope::Text),
    row(Action::NextMatch, "next-match", "next", "Go to the next match.", Scope::Text),
    row(Action::PreviousMatch, "previous-match", "previous", "Go to the previous match.", Scope::Text),
    row(Action::ManagedFields, "managed-fields", "managed", "Unfold or fold managedFields.", Scope::Yaml),
    row(Action::Reveal, "reveal", "reveal", "Show the values of a Secret, or mask them again.", Scope::Yaml),
    row(Action::LongerRange, "longer-range", "longer", "Show a longer time of the graph.", Scope::Graph),
    row(Action::ShorterRange, "shorter-range", "shorter", "Show a shorter time of the graph.", Scope::Graph),
    row(Action::Query, "query", "query", "Ask Prometheus a query of your own (PromQL).", Scope::Graph),
    row(Action::Favourites, "favourites", "favourites", "Pick a favourite or an earlier query.", Scope::Graph),
    row(Action::Palette, "palette", "palette", "Run any action by its name.", Scope::Global),
    row(Action::Help, "help", "help", "Show the keys that apply here.", Scope::Global),
    row(Action::Redraw, "redraw", "redraw", "Draw everything anew.", Scope::Global),
    row(Action::Suspend, "suspend", "suspend", "Suspend to the shell; fg comes back.", Scope::Global),
    row(Action::Quit, "quit", "quit", "Quit.", Scope::Global),
];

impl Action {
    /// Its row of the table.
    pub fn info(self) -> &'static ActionInfo {
        // The table lists the actions in the order of the enum (tested below).
        &TABLE[self as usize]
    }

    /// Whether it moves the cursor or the window up or down, in whatever is in front.
    pub fn moves(self) -> bool {
        matches!(
            self,
            Action::Up
                | Action::Down
                | Action::HalfPageUp
                | Action::HalfPageDown
                | Action::PageUp
                | Action::PageDown
                | Action::Top
                | Action::Bottom
        )
    }

    /// The action of a name.
    pub fn from_name(name: &str) -> Option<Action> {
        TABLE.iter().find(|info| info.name == name).map(|info| info.action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (at, info) in TABLE.iter().enumerate() {
            assert_eq!(info.action as usize, at, "{}", info.name);
        }
        assert_eq!(TABLE.last().map(|info| info.action), Some(Action::Quit));
    }

    #[test]
    fn names_are_unique_and_found_again() {
        for info in TABLE {
            assert_eq!(Action::from_name(info.name), Some(info.action), "{}", info.name);
            assert!(info.doc.ends_with('.'), "{}", info.doc);
        }
    }
}
