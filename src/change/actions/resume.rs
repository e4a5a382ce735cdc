//! `resume`: the rollout that was paused, or the schedule that was suspended, goes on.

use serde_json::{Value, json};

use super::holding::{Change, GATES, PAUSED, SUSPENDED, stands};
use super::{Act, Draft, rolled_out};
use crate::change::gates::{Gate, Weight};
use crate::change::gather::{Facts, Needs};
use crate::change::intent::Intent;
use crate::change::json::{flag, text};
use crate::change::plan::Expect;
use crate::change::rollouts::Rollout;
use crate::domain::id::Kind;
use crate::text::clean;

/// `resume`
pub struct Resume;

impl Act for Resume {
    fn name(&self) -> &'static str {
        "resume"
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Deployment, Kind::CronJob, Kind::Rollout]
    }

    fn several(&self) -> bool {
        true
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn gates(&self) -> &'static [(&'static dyn Gate, Weight)] {
        GATES
    }

    fn draft(&self, _: &Intent, facts: &Facts) -> Result<Draft, String> {
        let title = format!("resume {}", facts.name());
        let change = if facts.object.kind == Kind::CronJob {
            if !flag(&facts.live, SUSPENDED) {
                return Err(format!("{} is not suspended.", facts.name()));
            }
            Change {
                title,
                words: "its schedule goes on",
                what: "suspend",
                pointer: SUSPENDED,
                after: json!(false),
                then: format!(
                    "it runs at its next time ({}), and at once where the last one was missed and its starting deadline allows it",
                    clean(text(&facts.live, "/spec/schedule"))
                ),
                back: "suspend again",
                way: "suspend",
                held: &[("schedule", "/spec/schedule")],
                expect: stands(facts),
                mitigates: false,
            }
        } else {
            if !flag(&facts.live, PAUSED) {
                return Err(format!("{} is not paused.", facts.name()));
            }
            let (expect, then, held) = goes_on(facts);
            Change {
                title,
                words: "its rollout goes on",
                what: "paused",
                pointer: PAUSED,
                // The server leaves a value of false out.
                after: Value::Null,
                then,
                back: "pause again; an earlier release is gone back to once it is not paused",
                way: "pause",
                held,
                expect,
                mitigates: false,
            }
        };
        Ok(change.draft(facts))
    }
}

/// What has been held back comes in with it.
const HELD: &[(&str, &str)] = &[("replicas", "/spec/replicas"), ("template", "/spec/template")];
/// And of a Rollout how far it goes.
const HELD_AT: &[(&str, &str)] =
    &[HELD[0], HELD[1], ("promotion in full", "/status/promoteFull"), ("abort", "/status/abort")];

/// What is waited for when a rollout goes on, what follows in words, and what both are told by.
fn goes_on(facts: &Facts) -> (Expect, String, &'static [(&'static str, &'static str)]) {
    let expect = rolled_out(facts);
    if facts.object.kind != Kind::Rollout {
        let then = format!(
            "what was held back comes in: {} pods of the newest template, within {} s",
            facts.replicas(),
            expect.deadline
        );
        return (expect, then, HELD);
    }
    let rollout = Rollout(&facts.live);
    let then = match (rollout.is_armed(), rollout.is_aborted()) {
        (true, _) => {
            "it was promoted in full meanwhile: without its further steps, pauses and analyses it goes through as soon as \
             its pods are ready"
        }
        (false, true) => "it stays aborted: what is left of its new pods goes; retry begins it again",
        (false, false) => "its steps go on from where it was; a pause of its own still waits",
    };
    // What was ill before does not get well by that.
    let expect = if rollout.is_degraded() || rollout.is_aborted() { stands(facts) } else { expect };
    (expect, then.to_owned(), HELD_AT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::actions::named;
    use crate::change::actions::pause::Pause;
    use crate::change::actions::suspend::Suspend;
    use crate::change::intent::With;
    use crate::change::plan::Goal;
    use crate::change::testing::{cron_job, facts};

    fn wish(name: &str) -> Intent {
        Intent { verb: named(name).unwrap(), objects: Vec::new(), with: With::default() }
    }

    #[test]
    fn a_rollout_is_held_and_let_go_by_one_value() {
        let mut facts = facts();
        let draft = Pause.draft(&wish("pause"), &facts).unwrap();
        assert_eq!(draft.steps[0].request.body["spec"], json!({"paused": true}));
        assert!(draft.mitigates && draft.expect[0].goal == Goal::Stands);
        assert!(Resume.draft(&wish("resume"), &facts).unwrap_err().contains("not paused"));
        facts.live["spec"]["paused"] = json!(true);
        assert!(Pause.draft(&wish("pause"), &facts).unwrap_err().contains("already"));
        let draft = Resume.draft(&wish("resume"), &facts).unwrap();
        assert_eq!(draft.steps[0].request.body["spec"], json!({"paused": null}));
        assert_eq!(draft.expect[0].goal, Goal::RolledOut);
    }

    #[test]
    fn a_schedule_is_held_and_let_go_by_another() {
        let mut facts = facts();
        facts.live = cron_job();
        facts.object.kind = Kind::CronJob;
        let draft = Suspend.draft(&wish("suspend"), &facts).unwrap();
        assert_eq!(draft.steps[0].request.body["spec"], json!({"suspend": true}));
        assert!(draft.steps[0].request.path.starts_with("/apis/batch/v1/namespaces/shop/cronjobs/cart?"));
        assert!(Resume.draft(&wish("resume"), &facts).unwrap_err().contains("not suspended"));
        facts.live["spec"]["suspend"] = json!(true);
        let draft = Resume.draft(&wish("resume"), &facts).unwrap();
        assert_eq!(draft.steps[0].request.body["spec"], json!({"suspend": false}));
        assert!(draft.then.contains("*/5 * * * *"), "{}", draft.then);
    }
}
