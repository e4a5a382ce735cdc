//! What the actions have in common that hold back what goes on by itself, and let it go on: one value of the object.

use serde_json::Value;

use super::{Draft, changed, held, merge};
use crate::change::gates::{self, Gate, Weight};
use crate::change::gather::Facts;
use crate::change::intent::Way;
use crate::change::json::text;
use crate::change::plan::{Expect, Goal};

/// Holds the rollout of a Deployment or a Rollout.
pub(super) const PAUSED: &str = "/spec/paused";
/// Holds the schedule of a CronJob.
pub(super) const SUSPENDED: &str = "/spec/suspend";

/// Those that judge both ways.
pub(super) const GATES: &[(&dyn Gate, Weight)] = &[
    (&gates::ReadOnly, Weight::Judges),
    (&gates::Rbac, Weight::Judges),
    (&gates::DryRunGate, Weight::Judges),
    (&gates::Ownership, Weight::Judges),
    (&gates::Protected, Weight::Informs),
    (&gates::Frozen, Weight::Judges),
    (&gates::Alerts, Weight::Informs),
];

/// How one value of the object is set, and what comes of it.
pub(super) struct Change {
    pub(super) title: String,
    pub(super) words: &'static str,
    pub(super) what: &'static str,
    pub(super) pointer: &'static str,
    pub(super) after: Value,
    pub(super) then: String,
    pub(super) back: &'static str,
    /// The action that leads back.
    pub(super) way: &'static str,
    /// What the plan shows besides.
    pub(super) held: &'static [(&'static str, &'static str)],
    pub(super) expect: Expect,
    pub(super) mitigates: bool,
}

impl Change {
    pub(super) fn draft(self, facts: &Facts) -> Draft {
        let touched = changed(facts, self.what, self.pointer, self.after);
        let uid = text(&facts.live, "/metadata/uid");
        let step = merge(&facts.object, uid, self.title.clone(), "", &[&touched]);
        let mut touched = vec![touched];
        touched.extend(held(&facts.object, &facts.live, self.held, &touched));
        Draft {
            title: self.title,
            words: self.words.to_owned(),
            touched,
            steps: vec![step],
            then: self.then,
            back: self.back.to_owned(),
            way: Some(Way::by(self.way)),
            expect: vec![self.expect],
            mitigates: self.mitigates,
            pods: 0,
        }
    }
}

/// That it stands as it was set.
pub(super) fn stands(facts: &Facts) -> Expect {
    Expect { object: facts.object.clone(), goal: Goal::Stands, deadline: 10 }
}
