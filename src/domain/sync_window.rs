//! Sync windows of an AppProject: when Argo CD may sync, and when not. Facts only; `fleet::windows` judges them.

use super::id::Name;

/// An entry of `spec.syncWindows`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncWindow {
    /// `deny`; anything else allows, as in Argo CD.
    pub deny: bool,
    /// Five fields of cron, or a shorthand such as `@daily`.
    pub schedule: Name,
    /// `duration` as written (`1h30m`).
    pub duration: Name,
    /// `duration` in seconds; 0 when it cannot be read.
    pub seconds: u32,
    /// IANA zone; empty or unknown means UTC.
    pub time_zone: Name,
    /// `applications`: globs of names.
    pub applications: Vec<Name>,
    /// `namespaces`: globs of destination namespaces.
    pub namespaces: Vec<Name>,
    /// `clusters`: globs of destination names or URLs.
    pub clusters: Vec<Name>,
    /// `andOperator`: all lists that are set must match, instead of any.
    pub and: bool,
    /// `manualSync`: a person may sync all the same.
    pub manual: bool,
    /// `syncOverrun`: a sync that began while it was allowed goes on.
    pub overrun: bool,
    /// `description`
    pub description: String,
}
