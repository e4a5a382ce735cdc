//! `promote-full`: an Argo Rollout goes through at once.

use serde_json::json;

use super::steering::{
    Change, FORWARD, THROUGH, Unpausing, aborted, ended_first, held_again, moving, not_armed,
};
use super::{Act, Draft};
use crate::change::gates::{Gate, Weight};
use crate::change::gather::{Facts, Needs};
use crate::change::intent::{Intent, Way};
use crate::change::rollouts::Wish;
use crate::domain::id::Kind;

/// `promote-full`
pub struct PromoteFull;

impl Act for PromoteFull {
    fn name(&self) -> &'static str {
        "promote-full"
    }

    fn asked_by(&self) -> &'static str {
        "promote"
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Rollout]
    }

    fn needs(&self) -> Needs {
        // The revision that is stable is the way back, once it is over.
        Needs { revisions: true, ..Needs::default() }
    }

    fn gates(&self) -> &'static [(&'static dyn Gate, Weight)] {
        FORWARD
    }

    fn way_from_first(&self) -> Option<Way> {
        held_again()
    }

    fn draft(&self, _: &Intent, facts: &Facts) -> Result<Draft, String> {
        let name = facts.name();
        let rollout = moving(facts)?;
        if rollout.is_aborted() {
            return Err(format!(
                "{name} was aborted: in full it would be switched without any analysis. Retry it first."
            ));
        }
        not_armed(facts, rollout)?;
        let then = "every pod is of the new template; where they are not ready it goes by itself as soon as they are";
        Ok(Change {
            title: format!("promote {name} in full"),
            words: "without its further steps, pauses and analyses".to_owned(),
            values: vec![("promoteFull", "/status/promoteFull", json!(true))],
            unpausing: Unpausing::Before,
            then: ended_first(rollout, then),
            back: "abort, until it is over; then undo goes to the release before",
            way: aborted(facts),
            wish: Wish::Full(rollout.hash().to_owned()),
            deadline: THROUGH,
            mitigates: false,
        }
        .draft(facts))
    }
}
