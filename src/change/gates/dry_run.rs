//! Whether the server would take these requests: validation, quotas, admission.

use super::{Evidence, Finding, Gate};
use crate::change::ask::DryRun;

/// `dry run`
pub struct DryRunGate;

impl Gate for DryRunGate {
    fn name(&self) -> &'static str {
        "dry run"
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Finding {
        if evidence.dry_runs.is_empty() {
            return Finding::unknown("nothing was tried");
        }
        let mut waits = Vec::new();
        for tried in evidence.dry_runs {
            match tried {
                DryRun::Passed => {}
                DryRun::Waits(what) => waits.push(what.as_str()),
                DryRun::Refused(why) => return Finding::fail(format!("the server would refuse: {why}")),
                DryRun::Unknown(why) => {
                    return Finding::unknown(format!("the server could not try it: {why}"));
                }
            }
        }
        match waits.as_slice() {
            [] => Finding::pass("the server would take it"),
            [first] => Finding::warn(*first),
            [first, others @ ..] => Finding::warn(format!("{first}; and {} more wait", others.len())),
        }
    }

    fn is_final(&self) -> bool {
        true
    }

    fn unknown_fails(&self) -> bool {
        true
    }
}
