//! What speaks for and against a change: small pure judgements, one a file. A gate whose source is not there says
//! unknown, never pass.

mod alerts;
mod backup;
mod budget;
mod capacity;
mod dry_run;
mod frozen;
mod losses;
mod ownership;
mod protected;
mod quota;
mod rbac;
mod read_only;
mod replacement;
mod smoke;
mod soak;
mod standby;

pub use alerts::Alerts;
pub use backup::Backup;
pub use budget::Budget;
pub use capacity::Capacity;
pub use dry_run::DryRunGate;
pub use frozen::Frozen;
pub use losses::Losses;
pub use ownership::Ownership;
pub use protected::Protected;
pub use quota::Quota;
pub use rbac::Rbac;
pub use read_only::ReadOnly;
pub use replacement::Replacement;
pub use smoke::Smoke;
pub use soak::Soak;
pub use standby::{Endpoints, Standby};

use super::Known;
use super::actions::Draft;
use super::ask::DryRun;
use super::gather::Facts;
use super::intent::Order;
use super::plan::Right;

/// How a gate judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing speaks against it.
    Pass,
    /// Go on with care.
    Warn,
    /// It cannot be told. Counts as a warning, and for some gates as a failure.
    Unknown,
    /// It should not be done.
    Fail,
}

impl Verdict {
    /// Its word in reports and in the journal.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Warn => "warn",
            Verdict::Unknown => "unknown",
            Verdict::Fail => "fail",
        }
    }
}

/// How a gate counts for an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// A failure has to be overridden, or ends it.
    Judges,
    /// It is said and stops nobody.
    Informs,
}

/// What a gate found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How it judges.
    pub verdict: Verdict,
    /// Why: a sentence without a full stop.
    pub why: String,
    /// What would help, where there is something.
    pub way_out: Option<String>,
}

impl Finding {
    fn new(verdict: Verdict, why: impl Into<String>) -> Finding {
        Finding { verdict, why: why.into(), way_out: None }
    }

    fn pass(why: impl Into<String>) -> Finding {
        Finding::new(Verdict::Pass, why)
    }

    fn warn(why: impl Into<String>) -> Finding {
        Finding::new(Verdict::Warn, why)
    }

    fn fail(why: impl Into<String>) -> Finding {
        Finding::new(Verdict::Fail, why)
    }

    fn unknown(why: impl Into<String>) -> Finding {
        Finding::new(Verdict::Unknown, why)
    }

    fn mend(mut self, way_out: impl Into<String>) -> Finding {
        self.way_out = Some(way_out.into());
        self
    }
}

/// What a gate of a plan says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Its name.
    pub gate: &'static str,
    /// How it judges.
    pub verdict: Verdict,
    /// Why.
    pub why: String,
    /// What would help.
    pub way_out: Option<String>,
    /// How it counts.
    pub weight: Weight,
    /// Whether its verdict is, or counts as, a failure.
    pub fails: bool,
    /// Whether a reason overrides it.
    pub overridable: bool,
}

/// What a gate judges by: one object of an order.
pub struct Evidence<'a> {
    /// The order.
    pub order: &'a Order,
    /// What was read.
    pub facts: &'a Facts,
    /// What was read of all objects of the order, this one among them.
    pub all: &'a [Facts],
    /// What would be done.
    pub draft: &'a Draft,
    /// The rights that the steps need, and whether we have them.
    pub rights: &'a [(Right, Known<bool>)],
    /// How the server would answer the steps.
    pub dry_runs: &'a [DryRun],
}

/// One judgement.
pub trait Gate: Sync {
    /// Its name, in reports and in the journal.
    fn name(&self) -> &'static str;

    /// Judges one object.
    fn judge(&self, evidence: &Evidence<'_>) -> Finding;

    /// Whether no reason overrides it.
    fn is_final(&self) -> bool {
        false
    }

    /// Whether what it cannot tell counts as a failure.
    fn unknown_fails(&self) -> bool {
        false
    }

    /// Whether it only informs where the action is a way out of trouble.
    fn yields(&self) -> bool {
        false
    }
}

/// Judges an order by the gates of its action, over all its objects: the worst finding of each gate stands.
pub(super) fn judge(order: &Order, evidence: &[Evidence<'_>]) -> Vec<Judged> {
    let mitigates = evidence.iter().all(|one| one.draft.mitigates);
    let gates = order.intent.verb.gates().iter();
    gates
        .map(|(gate, weight)| {
            let weight = if mitigates && gate.yields() { Weight::Informs } else { *weight };
            let mut found: Vec<(String, Finding)> =
                evidence.iter().map(|one| (one.facts.name(), gate.judge(one))).collect();
            found.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.verdict));
            let (verdict, way_out) = found
                .first()
                .map_or((Verdict::Unknown, None), |(_, finding)| (finding.verdict, finding.way_out.clone()));
            let same = found.iter().all(|(_, finding)| found.first().is_some_and(|(_, one)| one == finding));
            let worst = found.iter().filter(|(_, finding)| finding.verdict == verdict);
            let why = match same {
                true => found.first().map(|(_, finding)| finding.why.clone()).unwrap_or_default(),
                false => {
                    worst.map(|(name, one)| format!("{name}: {}", one.why)).collect::<Vec<_>>().join("; ")
                }
            };
            Judged {
                gate: gate.name(),
                verdict,
                why,
                way_out,
                weight,
                fails: verdict == Verdict::Fail || verdict == Verdict::Unknown && gate.unknown_fails(),
                overridable: order.around.overriding && !gate.is_final(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
