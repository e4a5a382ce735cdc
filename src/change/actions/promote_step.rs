//! `promote-step`: an Argo Rollout goes on from where it waits.

use serde_json::json;

use super::steering::{
    ANSWER, Change, FORWARD, PAUSES, Unpausing, aborted, ended_first, held_again, moving, not_armed,
};
use super::{Act, Draft};
use crate::change::gates::{Gate, Weight};
use crate::change::gather::{Facts, Needs};
use crate::change::intent::{Intent, Way};
use crate::change::json::text;
use crate::change::rollouts::{STEP, Wish};
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
            return Err(format!("{name} was aborted: retry it first."));
        }
        not_armed(facts, rollout)?;
        let reasons: Vec<&str> = rollout.pauses().collect();
        let undecided = reasons.contains(&"InconclusiveAnalysisRun");
        let step = rollout.step().unwrap_or(0);
        let leaves = |step: u64| {
            // Without the index its controller runs the same analysis again, or waits for the same step.
            vec![PAUSES, ("step", STEP, json!(step + 1))]
        };
        let next = || match facts.live.pointer(&format!("/spec/strategy/canary/steps/{}", step + 1)) {
            Some(next) => format!("its next step: {}", crate::text::clean(&next.to_string())),
            None => "no step is left: every pod is of the new template".to_owned(),
        };
        let (values, words, then) = match (reasons.is_empty(), rollout.is_blue_green()) {
            (true, _) if rollout.is_held() => {
                return Err(format!(
                    "{name} waits only because it was paused by hand: resume lets it go on."
                ));
            }
            // The index of the step would skip the next pause with the one that is over.
            (true, _) if rollout.is_leaving_a_pause() => {
                return Err(format!(
                    "The pause of {name} was ended a moment ago, and its controller has not answered."
                ));
            }
            (true, true) => return Err(format!("{name} waits for nobody now ({}).", rollout.words())),
            (true, false) if step >= rollout.steps() as u64 => {
                return Err(format!(
                    "{name} waits for nobody now, and has no step left ({}).",
                    rollout.words()
                ));
            }
            (true, false) => {
                let left = match rollout.analysis() {
                    Some(run) => {
                        format!("the analysis {} is ended, and counts as passed", crate::text::clean(run))
                    }
                    None => "what it waits for there is not waited for".to_owned(),
                };
                let words = format!("past step {step} of {}, which is not over", rollout.steps());
                (leaves(step), words, format!("{left}; {}", next()))
            }
            (false, true) if undecided => {
                return Err(format!(
                    "The analysis of {name} came to no end, and would only be run again: promote it in full, or abort it."
                ));
            }
            (false, true) => (
                vec![PAUSES],
                "the traffic goes to the new pods".to_owned(),
                format!(
                    "{} is switched to {} at once",
                    text(&facts.live, "/spec/strategy/blueGreen/activeService"),
                    rollout.hash()
                ),
            ),
            (false, false) => {
                let mut values = vec![PAUSES];
                if undecided {
                    values = leaves(step);
                    values.push(("controllerPause", "/status/controllerPause", json!(false)));
                }
                (values, format!("on from step {step} of {}", rollout.steps()), next())
            }
        };
        Ok(Change {
            title: format!("promote {name}"),
            words,
            values,
            unpausing: Unpausing::Before,
            then: ended_first(rollout, then),
            back: "abort, until it is over; then undo goes to the release before",
            way: aborted(facts),
            wish: Wish::Promoted(rollout.hash().to_owned(), rollout.step()),
            deadline: ANSWER,
            mitigates: false,
        }
        .draft(facts))
    }
}
