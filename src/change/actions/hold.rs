//! What goes on by itself is held back, and let go on: the rollout of a Deployment, the schedule of a CronJob.

use serde_json::{Value, json};

use super::{Act, Draft, held, merge, rolled_out};
use crate::change::gates::{self, Gate, Weight};
use crate::change::gather::{Facts, Needs};
use crate::change::intent::{Intent, Way};
use crate::change::json::{at, flag, text};
use crate::change::plan::{Expect, Goal, Touched};
use crate::domain::id::Kind;
use crate::text::clean;

const PAUSED: &str = "/spec/paused";
const SUSPENDED: &str = "/spec/suspend";

/// Those that judge both ways.
const GATES: &[(&dyn Gate, Weight)] = &[
    (&gates::ReadOnly, Weight::Judges),
    (&gates::Rbac, Weight::Judges),
    (&gates::DryRunGate, Weight::Judges),
    (&gates::Ownership, Weight::Judges),
    (&gates::Protected, Weight::Informs),
    (&gates::Frozen, Weight::Judges),
    (&gates::Alerts, Weight::Informs),
];

/// `pause`
pub struct Pause;
/// `suspend`
pub struct Suspend;
/// `resume`
pub struct Resume;

/// How one value of the object is set, and what comes of it.
struct Change {
    title: String,
    words: &'static str,
    what: &'static str,
    pointer: &'static str,
    after: Value,
    then: String,
    back: &'static str,
    /// The action that leads back.
    way: &'static str,
    /// What the plan shows besides.
    held: &'static [(&'static str, &'static str)],
    expect: Expect,
    mitigates: bool,
}

impl Change {
    fn draft(self, facts: &Facts) -> Draft {
        let touched = Touched {
            object: facts.object.clone(),
            what: self.what.to_owned(),
            pointer: self.pointer.to_owned(),
            before: at(&facts.live, self.pointer),
            after: self.after,
        };
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

fn stands(facts: &Facts) -> Expect {
    Expect { object: facts.object.clone(), goal: Goal::Stands, deadline: 10 }
}

impl Act for Pause {
    fn name(&self) -> &'static str {
        "pause"
    }

    fn row(&self) -> &'static str {
        "pause-rollout"
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Deployment, Kind::Rollout]
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
        if flag(&facts.live, PAUSED) {
            return Err(format!("{} is paused already.", facts.name()));
        }
        let change = Change {
            title: format!("pause {}", facts.name()),
            words: "its rollout is held where it is",
            what: "paused",
            pointer: PAUSED,
            after: json!(true),
            then: match facts.object.kind {
                Kind::Rollout => {
                    "no step is taken and no traffic is switched; the pods of a blue/green preview still come up, and an \
                     analysis that runs goes on"
                }
                _ => "no new template comes in, and none goes on coming in; it can still be scaled",
            }
            .to_owned(),
            back: "resume",
            way: "resume",
            held: &[],
            expect: stands(facts),
            // Whoever stops a bad release half way is not to be held up.
            mitigates: true,
        };
        Ok(change.draft(facts))
    }
}

impl Act for Suspend {
    fn name(&self) -> &'static str {
        "suspend"
    }

    fn row(&self) -> &'static str {
        "suspend-schedule"
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::CronJob]
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
        if flag(&facts.live, SUSPENDED) {
            return Err(format!("{} is suspended already.", facts.name()));
        }
        let change = Change {
            title: format!("suspend {}", facts.name()),
            words: "its schedule is held",
            what: "suspend",
            pointer: SUSPENDED,
            after: json!(true),
            then: "no new run begins; one that runs goes on".to_owned(),
            back: "resume",
            way: "resume",
            held: &[],
            expect: stands(facts),
            mitigates: true,
        };
        Ok(change.draft(facts))
    }
}

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
            let expect = rolled_out(facts);
            Change {
                title,
                words: "its rollout goes on",
                what: "paused",
                pointer: PAUSED,
                // The server leaves a value of false out.
                after: Value::Null,
                then: match facts.object.kind {
                    Kind::Rollout => {
                        "its steps go on from where it was; a pause of its own still waits".to_owned()
                    }
                    _ => format!(
                        "what was held back comes in: {} pods of the newest template, within {} s",
                        facts.replicas(),
                        expect.deadline
                    ),
                },
                back: "pause again; an earlier release is gone back to once it is not paused",
                way: "pause",
                // What has been held back comes in with it.
                held: &[("replicas", "/spec/replicas"), ("template", "/spec/template")],
                expect,
                mitigates: false,
            }
        };
        Ok(change.draft(facts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::actions::named;
    use crate::change::intent::With;
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
