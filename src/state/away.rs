//! What fired when the person, or the servers, went away: to be compared with what fires on the way back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::time::{Now, Stamp};
use crate::domain::upstream::Upstream;
use crate::fleet::alerts::Snapshot;

/// Who is away, since when, and what fired then.
#[derive(Debug, Default)]
pub struct Away {
    /// The present at the last message: a gap behind it is a suspension, a shell, or a machine that slept.
    pub seen: Option<Now>,
    /// The terminal lost its focus.
    pub unfocused: Option<(Stamp, Snapshot)>,
    /// After a gap: what fired before it, and when enough has been heard since to compare.
    pub gap: Option<(Stamp, Snapshot, Duration)>,
    /// Servers of alerts that do not answer, each with since when: what one of them misses is not news of the others.
    pub deaf: BTreeMap<Arc<Upstream>, Stamp>,
}
