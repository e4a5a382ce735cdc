//! An Argo Rollout is sent on, sent through, sent back or begun again: by its status, as its own command does it. Each
//! request carries the version that was read, so that nothing acts on a step that has passed meanwhile.

use serde_json::{Value, json};

use super::{Act, Draft, held, merge};
use crate::change::gates::{self, Gate, Weight};
use crate::change::gather::{Facts, Needs};
use crate::change::intent::{Intent, Way};
use crate::change::json::{at, text};
use crate::change::plan::{Expect, Goal, Touched};
use crate::change::rollouts::{Rollout, Wish};
use crate::domain::id::Kind;

/// Those that judge a step forward. A status is nothing that Git says: ownership has no say.
const FORWARD: &[(&dyn Gate, Weight)] = &[
    (&gates::ReadOnly, Weight::Judges),
    (&gates::Rbac, Weight::Judges),
    (&gates::DryRunGate, Weight::Judges),
    (&gates::Protected, Weight::Informs),
    (&gates::Frozen, Weight::Judges),
    (&gates::Alerts, Weight::Judges),
    (&gates::Backup, Weight::Informs),
];

/// Seconds within which the controller answers; a switch takes it well under one.
const ANSWER: u64 = 60;
/// Seconds within which all pods are of the new template.
const THROUGH: u64 = 600;

/// `promote-step`
pub struct Step;
/// `promote-full`
pub struct Full;
/// `abort`
pub struct Abort;
/// `retry`
pub struct Retry;

/// What is written into the status, and what comes of it.
struct Change {
    title: String,
    words: String,
    values: Vec<(&'static str, &'static str, Value)>,
    then: String,
    back: &'static str,
    /// The action that leads back.
    way: &'static str,
    wish: Wish,
    deadline: u64,
    mitigates: bool,
}

impl Change {
    fn draft(self, facts: &Facts) -> Draft {
        let mut touched: Vec<Touched> = self
            .values
            .into_iter()
            .map(|(what, pointer, after)| Touched {
                object: facts.object.clone(),
                what: what.to_owned(),
                pointer: pointer.to_owned(),
                before: at(&facts.live, pointer),
                after,
            })
            .collect();
        let uid = text(&facts.live, "/metadata/uid");
        let values: Vec<&Touched> = touched.iter().collect();
        let step = merge(&facts.object, uid, self.title.clone(), "status", &values);
        touched.extend(held(&facts.object, &facts.live, HELD, &touched));
        let goal = Goal::Rollout(self.wish);
        Draft {
            title: self.title,
            words: self.words,
            touched,
            steps: vec![step],
            then: self.then,
            back: self.back.to_owned(),
            way: Some(Way::by(self.way)),
            expect: vec![Expect { object: facts.object.clone(), goal, deadline: self.deadline }],
            mitigates: self.mitigates,
            pods: 0,
        }
    }
}

/// What must still be so when it is sent, and is not changed: another template that has come since, an abort or a pause
/// by hand would make something else of the same request.
const HELD: &[(&str, &str)] = &[
    ("template", "/status/currentPodHash"),
    ("stable template", "/status/stableRS"),
    ("pause by hand", "/spec/paused"),
    ("abort", "/status/abort"),
];

/// What can be sent on: a Rollout with another template than the stable one.
fn moving(facts: &Facts) -> Result<Rollout<'_>, String> {
    let rollout = Rollout(&facts.live);
    if rollout.hash().is_empty() {
        return Err(format!("{} has not been seen by its controller yet.", facts.name()));
    }
    match rollout.is_moving() {
        true => Ok(rollout),
        false => Err(format!("{} has nothing on its way: its template is the stable one.", facts.name())),
    }
}

fn not_held(facts: &Facts, rollout: Rollout<'_>) -> Result<(), String> {
    match rollout.is_held() {
        true => Err(format!("{} was paused by hand: resume it first, or this is lost.", facts.name())),
        false => Ok(()),
    }
}

const PAUSES: (&str, &str, Value) = ("pauseConditions", "/status/pauseConditions", Value::Null);

impl Act for Step {
    fn name(&self) -> &'static str {
        "promote-step"
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

impl Act for Full {
    fn name(&self) -> &'static str {
        "promote-full"
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
            return Err(format!(
                "{name} was aborted: in full it would be switched without any analysis. Retry it first."
            ));
        }
        if rollout.is_armed() {
            return Err(format!("{name} goes already, as soon as its pods are ready."));
        }
        Ok(Change {
            title: format!("promote {name} in full"),
            words: "without its further steps, pauses and analyses".to_owned(),
            values: vec![("promoteFull", "/status/promoteFull", json!(true))],
            then: "every pod is of the new template; where they are not ready it goes by itself as soon as they are"
                .to_owned(),
            back: "abort, until it is over; then undo goes to an earlier release",
            way: "abort",
            wish: Wish::Full(rollout.hash().to_owned()),
            deadline: THROUGH,
            mitigates: false,
        }
        .draft(facts))
    }
}

impl Act for Abort {
    fn name(&self) -> &'static str {
        "abort"
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
        if rollout.is_held() && !rollout.is_blue_green() {
            then.push_str(". It was paused by hand: its new pods stay until it is resumed");
        }
        Ok(Change {
            title: format!("abort {name}"),
            words: "back to what is stable".to_owned(),
            values,
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

impl Act for Retry {
    fn name(&self) -> &'static str {
        "retry"
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
        let rollout = Rollout(&facts.live);
        if !rollout.is_aborted() {
            return Err(format!("{name} was not aborted."));
        }
        not_held(facts, rollout)?;
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
            then: then.to_owned(),
            back: "abort again",
            way: "abort",
            wish: Wish::Retried(rollout.hash().to_owned()),
            deadline: ANSWER,
            mitigates: false,
        }
        .draft(facts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::actions::named;
    use crate::change::intent::With;
    use crate::change::rollouts::tests::{blue_green, canary};
    use crate::change::testing::facts_of;

    fn draft(name: &str, live: &Value) -> Result<Draft, String> {
        let verb = named(name).unwrap();
        let wish = Intent { verb, objects: Vec::new(), with: With::default() };
        verb.draft(&wish, &facts_of(Kind::Rollout, live.clone()))
    }

    #[test]
    fn a_step_is_promoted_by_the_status_and_never_by_the_spec() {
        let draft = draft("promote-step", &canary()).unwrap();
        let request = &draft.steps[0].request;
        let path = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/cart/status?fieldManager=pilothouse";
        assert_eq!(request.path, path);
        assert_eq!(request.body["status"], json!({"pauseConditions": null}));
        assert_eq!(request.right.subresource, "status");
        assert!(draft.steps[0].versioned, "held to the version that was read");
        assert_eq!(draft.words, "on from step 1 of 3");
        // Another template, an abort or a pause by hand until then makes the plan stale.
        let held: Vec<&str> =
            draft.touched.iter().filter(|v| v.before == v.after).map(|v| v.pointer.as_str()).collect();
        assert_eq!(held, ["/status/currentPodHash", "/status/stableRS", "/spec/paused", "/status/abort"]);
        assert!(draft.then.contains(r#""setWeight":50"#), "{}", draft.then);
        assert_eq!(draft.expect[0].goal, Goal::Rollout(Wish::Promoted("new".to_owned(), Some(1))));
    }

    #[test]
    fn what_would_be_lost_or_go_unattended_is_refused_with_the_way_out() {
        let mut live = canary();
        live["spec"]["paused"] = json!(true);
        assert!(draft("promote-step", &live).unwrap_err().contains("resume it first"));
        assert!(draft("promote-full", &live).unwrap_err().contains("resume it first"));
        assert!(draft("abort", &live).unwrap().then.contains("until it is resumed"));
        let mut live = canary();
        live["status"]["pauseConditions"] = json!([]);
        assert!(draft("promote-step", &live).unwrap_err().contains("waits for nobody"));
        live["status"]["abort"] = json!(true);
        assert!(draft("promote-full", &live).unwrap_err().contains("Retry it first"));
        assert!(draft("abort", &live).unwrap_err().contains("already"));
        assert_eq!(draft("retry", &live).unwrap().steps[0].request.body["status"], json!({"abort": false}));
        assert!(draft("retry", &canary()).unwrap_err().contains("not aborted"));
        live["status"]["stableRS"] = json!("new");
        assert!(draft("abort", &live).unwrap_err().contains("nothing on its way"));
    }

    #[test]
    fn an_undecided_analysis_is_stepped_over_and_not_run_again() {
        let mut live = canary();
        live["status"]["pauseConditions"][0]["reason"] = json!("InconclusiveAnalysisRun");
        let body = &draft("promote-step", &live).unwrap().steps[0].request.body;
        let wanted = json!({"pauseConditions": null, "controllerPause": false, "currentStepIndex": 2});
        assert_eq!(body["status"], wanted);
        let mut live = blue_green();
        live["status"]["pauseConditions"][0]["reason"] = json!("InconclusiveAnalysisRun");
        assert!(draft("promote-step", &live).unwrap_err().contains("in full"));
    }

    #[test]
    fn an_armed_one_is_disarmed_with_its_abort() {
        let mut live = blue_green();
        live["status"]["promoteFull"] = json!(true);
        assert!(draft("promote-full", &live).unwrap_err().contains("already"));
        let body = &draft("abort", &live).unwrap().steps[0].request.body;
        assert_eq!(body["status"], json!({"abort": true, "promoteFull": false}));
        assert!(draft("abort", &live).unwrap().mitigates);
    }
}
