//! How requests to some workloads fare now, a number each: what tells the colours of a pair apart.

use super::{Asker, Draft, Place, Target};
use crate::domain::id::Name;
use crate::fleet::promql::{confine, matchers};

/// Seconds from look to look: the range of a rate is no shorter.
const STEP: u32 = 15;

/// Three questions of one number each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gauges {
    /// Requests a second.
    pub requests: Name,
    /// The share that fails, or why it cannot be asked for.
    pub errors: Result<Name, String>,
    /// The 99th percentile of the latency, in seconds.
    pub latency: Result<Name, String>,
    /// Seconds that the rates look back.
    pub window: u32,
}

/// What to ask about some workloads.
///
/// # Errors
/// Why there is nothing to ask: no family of requests, or none that tells these workloads from others.
pub fn gauges(target: &Target, place: &Place<'_>) -> Result<Gauges, String> {
    let asker = Asker { apart: true, ..Asker::new(target, place, STEP) };
    let own = matchers(place.matchers);
    let first = |drafts: Vec<Draft>| {
        let (query, ..) = drafts.into_iter().next().ok_or_else(String::new)?;
        confine(&query, &own)
    };
    Ok(Gauges {
        requests: asker.fitting(|asker| asker.requests().and_then(first))?,
        errors: asker.fitting(|asker| asker.errors().and_then(first)),
        latency: asker.fitting(|asker| asker.latency().and_then(first)),
        window: asker.window,
    })
}
