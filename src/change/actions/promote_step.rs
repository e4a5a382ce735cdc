//! `promote-step`: an Argo Rollout goes on from where it waits.

use serde_json::json;

use super::steering::{FORWARD, ANSWER, Change, PAUSES, moving, not_held};
use super::{Act, Draft};
use crate::change::gates::{Gate, Weight};
use crate::change::gather::{Facts, Needs};
use crate::change::intent::Intent;
use crate::change::json::text;
use crate::change::rollouts::Wish;
use crate::domain::id::Kind;

/// `promote-step`
pub struct PromoteStep;

impl Act for PromoteStep {
    fn name(&self) -> &'static str {
        "promote-step"
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
        not_held(facts, rollout)?;
        if rollout.is_aborted() {
            return Err(format!("{name} was aborted: retry it first."));
        }
        let reasons: Vec<&str> = rollout.pauses().collect();
        if reasons.is_empty() {
            return Err(format!("{name} waits for nobody now ({}).", rollout.words()));
        }
        let undecided = reasons.contains(&"InconclusiveAnalysisRun");
        let mut values = vec![PAUSES];
        let (words, then) = match (rollout.is_blue_green(), undecided) {
            (true, true) => {
                return Err(format!(
                    "The analysis of {name} came to no end, and would only be run again: promote it in full, or abort it."
                ));
            }
            (true, false) => (
                "the traffic goes to the new pods".to_owned(),
                format!(
                    "{} is switched to {} at once",
                    text(&facts.live, "/spec/strategy/blueGreen/activeService"),
                    rollout.hash()
                ),
            ),
            (false, undecided) => {
                let step = rollout.step().unwrap_or(0);
                if undecided {
                    // Without this its controller runs the same analysis again.
                    values.push(("controllerPause", "/status/controllerPause", json!(false)));
                    values.push(("step", "/status/currentStepIndex", json!(step + 1)));
                }
                let next = match facts.live.pointer(&format!("/spec/strategy/canary/steps/{}", step + 1)) {
                    Some(next) => format!("its next step: {}", crate::text::clean(&next.to_string())),
                    None => "no step is left: every pod is of the new template".to_owned(),
                };
                (format!("on from step {step} of {}", rollout.steps()), next)
            }
        };
        Ok(Change {
            title: format!("promote {name}"),
            words,
            values,
            then,
            back: "abort, until it is over; then undo goes to an earlier release",
            way: "abort",
            wish: Wish::Promoted(rollout.hash().to_owned(), rollout.step()),
            deadline: ANSWER,
            mitigates: false,
        }
        .draft(facts))
    }
}
