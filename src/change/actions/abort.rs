//! `abort`: an Argo Rollout goes back to what is stable.

use serde_json::json;

use super::steering::{ANSWER, Change, FORWARD, Unpausing, moving};
use super::{Act, Draft};
use crate::change::gates::{Gate, Weight};
use crate::change::gather::{Facts, Needs};
use crate::change::intent::Intent;
use crate::change::rollouts::Wish;
use crate::domain::id::Kind;

/// `abort`
pub struct Abort;

impl Act for Abort {
    fn name(&self) -> &'static str {
        "abort"
    }

    fn asked_by(&self) -> &'static str {
        "promote"
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Rollout]
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn gates(&self) -> &'static [(&'static dyn Gate, Weight)] {
        FORWARD
    }

    fn draft(&self, _: &Intent, facts: &Facts) -> Result<Draft, String> {
        let name = facts.name();
        let rollout = moving(facts)?;
        if rollout.is_aborted() {
            return Err(format!("{name} was aborted already."));
        }
        let mut values = vec![("abort", "/status/abort", json!(true))];
        if rollout.is_armed() {
            // An abort is dropped while it is armed.
            values.push(("promoteFull", "/status/promoteFull", json!(false)));
        }
        let mut then =
            "traffic and pods go back to the stable release; the new template still stands in the spec"
                .to_owned();
        // Of a canary that a person paused the new pods would stay.
        let unpausing = match rollout.is_held() && !rollout.is_blue_green() {
            true => Unpausing::After,
            false => Unpausing::Never,
        };
        if unpausing == Unpausing::After {
            then.push_str(". It was paused by hand: that is ended afterwards, or its new pods would stay");
        }
        Ok(Change {
            title: format!("abort {name}"),
            words: "back to what is stable".to_owned(),
            values,
            unpausing,
            then,
            back: "retry begins it again",
            way: "retry",
            wish: Wish::Aborted(rollout.hash().to_owned()),
            deadline: ANSWER,
            mitigates: true,
        }
        .draft(facts))
    }
}
