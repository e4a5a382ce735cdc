//! `retry`: an aborted Argo Rollout begins again.

use serde_json::json;

use super::steering::{ANSWER, Change, FORWARD, Unpausing, aborted, ended_first, held_again, not_armed};
use super::{Act, Draft};
use crate::change::gates::{Gate, Weight};
use crate::change::gather::{Facts, Needs};
use crate::change::intent::{Intent, Way};
use crate::change::rollouts::{Rollout, Wish};
use crate::domain::id::Kind;

/// `retry`
pub struct Retry;

impl Act for Retry {
    fn name(&self) -> &'static str {
        "retry"
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
        let rollout = Rollout(&facts.live);
        if !rollout.is_aborted() {
            return Err(format!("{name} was not aborted."));
        }
        not_armed(facts, rollout)?;
        let then = match rollout.is_blue_green() {
            true => {
                "its new pods are made again; it waits again before the traffic goes to them, where it did before"
            }
            false => "it goes through its steps from the first",
        };
        Ok(Change {
            title: format!("retry {name}"),
            words: "begun again".to_owned(),
            values: vec![("abort", "/status/abort", json!(false))],
            unpausing: Unpausing::Before,
            then: ended_first(rollout, then),
            back: "abort again, until it is over; then undo goes to the release before",
            way: aborted(facts),
            wish: Wish::Retried(rollout.hash().to_owned()),
            deadline: ANSWER,
            mitigates: false,
        }
        .draft(facts))
    }
}
