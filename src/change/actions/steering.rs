//! What the actions have in common that steer an Argo Rollout: by its status, as its own command does it. Each request
//! carries the version that was read, so that nothing acts on a step that has passed meanwhile.

use serde_json::Value;

use super::holding::PAUSED;
use super::{Draft, changed, held, merge, put, undo};
use crate::change::gates::{self, Gate, Weight};
use crate::change::gather::Facts;
use crate::change::intent::{Way, With};
use crate::change::json::{nest, text};
use crate::change::plan::{Expect, Goal, Step, Touched};
use crate::change::rollouts::{Rollout, SEEN, STEP, Wish};

/// Those that judge a step forward. Ownership has a say where a pause by hand is ended too: a status is nothing that Git
/// says.
pub(super) const FORWARD: &[(&dyn Gate, Weight)] = &[
    (&gates::ReadOnly, Weight::Judges),
    (&gates::Rbac, Weight::Judges),
    (&gates::DryRunGate, Weight::Judges),
    (&gates::Ownership, Weight::Judges),
    (&gates::Protected, Weight::Informs),
    (&gates::Frozen, Weight::Judges),
    (&gates::Alerts, Weight::Judges),
    (&gates::Backup, Weight::Informs),
];

/// Those that judge the way back: who delivers it from Git has something to say only of the pause that is ended afterwards,
/// and that stops nobody.
pub(super) const OUT: &[(&dyn Gate, Weight)] = &[
    (&gates::ReadOnly, Weight::Judges),
    (&gates::Rbac, Weight::Judges),
    (&gates::DryRunGate, Weight::Judges),
    (&gates::Ownership, Weight::Informs),
    (&gates::Protected, Weight::Informs),
    (&gates::Frozen, Weight::Judges),
    (&gates::Alerts, Weight::Judges),
    (&gates::Backup, Weight::Informs),
];

/// Seconds within which the controller answers; a switch takes it well under one.
pub(super) const ANSWER: u64 = 60;
/// Seconds within which all pods are of the new template.
pub(super) const THROUGH: u64 = 600;

/// When a pause by hand (`spec.paused`) is ended, where there is one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unpausing {
    /// It is left.
    Never,
    /// First: the other way round its controller takes the pause of the step for a new one, and what was asked is lost.
    Before,
    /// Afterwards: until then its controller moves no pods.
    After,
}

/// What is written into the status, and what comes of it.
pub(super) struct Change {
    pub(super) title: String,
    pub(super) words: String,
    pub(super) values: Vec<(&'static str, &'static str, Value)>,
    pub(super) unpausing: Unpausing,
    pub(super) then: String,
    pub(super) back: &'static str,
    /// How that is asked for.
    pub(super) way: Way,
    pub(super) wish: Wish,
    pub(super) deadline: u64,
    pub(super) mitigates: bool,
}

impl Change {
    /// The plan of it.
    pub(super) fn draft(self, facts: &Facts) -> Draft {
        let mut touched: Vec<Touched> = self
            .values
            .into_iter()
            .map(|(what, pointer, after)| changed(facts, what, pointer, after))
            .collect();
        let uid = text(&facts.live, "/metadata/uid");
        let values: Vec<&Touched> = touched.iter().collect();
        let mut status = merge(&facts.object, uid, self.title.clone(), "status", &values);
        if values.iter().any(|value| value.pointer == STEP) {
            // The request does itself what is to come true: by this its controller shows that it has seen it.
            put(&mut status.request.body, nest(SEEN, Value::Null));
        }
        let mut steps = vec![status];
        if Rollout(&facts.live).is_held() && self.unpausing != Unpausing::Never {
            let (paused, resume) = unpaused(facts);
            steps.insert(if self.unpausing == Unpausing::Before { 0 } else { 1 }, resume);
            touched.push(paused);
        }
        // Whoever goes back or through does not care how far it has come meanwhile.
        let held_to = if matches!(self.wish, Wish::Promoted(..)) { HELD_AND_STEP } else { HELD };
        touched.extend(held(&facts.object, &facts.live, held_to, &touched));
        let goal = Goal::Rollout(self.wish);
        Draft {
            title: self.title,
            words: self.words,
            touched,
            steps,
            then: self.then,
            back: self.back.to_owned(),
            way: Some(self.way),
            expect: vec![Expect { object: facts.object.clone(), goal, deadline: self.deadline }],
            mitigates: self.mitigates,
            pods: 0,
        }
    }
}

/// The end of a pause by hand: the value, and the request.
pub(in crate::change) fn unpaused(facts: &Facts) -> (Touched, Step) {
    let paused = changed(facts, "pause by hand", PAUSED, Value::Null);
    let uid = text(&facts.live, "/metadata/uid");
    let resume = merge(&facts.object, uid, format!("resume {}", facts.name()), "", &[&paused]);
    (paused, resume)
}

/// The way back from a step forward: an abort; and once it is over, which is then found, the revision that was stable.
pub(super) fn aborted(facts: &Facts) -> Way {
    Way::by_with("abort", With { revision: undo::stable_revision(facts), ..With::default() })
}

/// The way back where only a pause by hand was ended, and nothing was sent on.
pub(super) fn held_again() -> Option<Way> {
    Some(Way::by("pause"))
}

/// That it was not promoted in full: such a one does not stop at any step.
pub(super) fn not_armed(facts: &Facts, rollout: Rollout<'_>) -> Result<(), String> {
    let name = facts.name();
    match (rollout.is_armed(), rollout.is_held()) {
        (false, _) => Ok(()),
        (true, true) => {
            Err(format!("{name} was promoted in full already, and goes as soon as it is resumed."))
        }
        (true, false) => Err(format!("{name} goes already, as soon as its pods are ready.")),
    }
}

/// What must still be so when it is sent, and is not changed: another template that has come since, an abort or a pause
/// by hand would make something else of the same request.
const HELD: &[(&str, &str)] = &[
    ("template", "/status/currentPodHash"),
    ("stable template", "/status/stableRS"),
    ("pause by hand", PAUSED),
    ("abort", "/status/abort"),
    ("promotion in full", "/status/promoteFull"),
];

/// The same, and where it waits.
const HELD_AND_STEP: &[(&str, &str)] = &[
    HELD[0],
    HELD[1],
    HELD[2],
    HELD[3],
    HELD[4],
    ("step", STEP),
    ("pause of its own", "/status/controllerPause"),
];

/// What can be sent on: a Rollout with another template than the stable one.
pub(super) fn moving(facts: &Facts) -> Result<Rollout<'_>, String> {
    let rollout = Rollout(&facts.live);
    if rollout.hash().is_empty() {
        return Err(format!("{} has not been seen by its controller yet.", facts.name()));
    }
    match rollout.is_moving() {
        true => Ok(rollout),
        false => Err(format!("{} has nothing on its way: its template is the stable one.", facts.name())),
    }
}

/// What follows, where a pause by hand is ended before it.
pub(super) fn ended_first(rollout: Rollout<'_>, then: impl Into<String>) -> String {
    let mut then = then.into();
    if rollout.is_held() {
        then.push_str(". It was paused by hand: that is ended first");
    }
    then
}

/// Ends the pauses that the controller made.
pub(super) const PAUSES: (&str, &str, Value) = ("pauseConditions", "/status/pauseConditions", Value::Null);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::change::actions::named;
    use crate::change::intent::{Intent, With};
    use crate::change::rollouts::tests::{blue_green, canary};
    use crate::change::testing::facts_of;
    use crate::domain::id::Kind;

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
        let shown = [
            "/status/currentPodHash",
            "/status/stableRS",
            "/spec/paused",
            "/status/abort",
            "/status/promoteFull",
            "/status/currentStepIndex",
            "/status/controllerPause",
        ];
        assert_eq!(held, shown);
        assert!(draft.then.contains(r#""setWeight":50"#), "{}", draft.then);
        assert_eq!(draft.expect[0].goal, Goal::Rollout(Wish::Promoted("new".to_owned(), Some(1))));
    }

    #[test]
    fn what_would_go_unattended_is_refused_with_the_way_out() {
        let mut live = canary();
        live["status"]["pauseConditions"] = json!([]);
        live["status"]["abort"] = json!(true);
        assert!(draft("promote-step", &live).unwrap_err().contains("retry it first"));
        assert!(draft("promote-full", &live).unwrap_err().contains("Retry it first"));
        assert!(draft("abort", &live).unwrap_err().contains("already"));
        assert_eq!(draft("retry", &live).unwrap().steps[0].request.body["status"], json!({"abort": false}));
        assert!(draft("retry", &canary()).unwrap_err().contains("not aborted"));
        live["status"]["stableRS"] = json!("new");
        assert!(draft("abort", &live).unwrap_err().contains("nothing on its way"));
        let mut live = blue_green();
        live["status"]["pauseConditions"] = json!([]);
        assert!(draft("promote-step", &live).unwrap_err().contains("has not answered"));
        live["status"]["controllerPause"] = json!(false);
        live["status"]["phase"] = json!("Progressing");
        assert!(draft("promote-step", &live).unwrap_err().contains("waits for nobody"));
    }

    #[test]
    fn what_goes_in_full_takes_no_step_and_says_so_when_it_is_resumed() {
        let mut live = canary();
        live["status"]["promoteFull"] = json!(true);
        assert!(draft("promote-step", &live).unwrap_err().contains("goes already"));
        live["spec"]["paused"] = json!(true);
        assert!(draft("promote-step", &live).unwrap_err().contains("as soon as it is resumed"));
        let resumed = draft("resume", &live).unwrap();
        assert!(resumed.then.contains("without its further steps"), "{}", resumed.then);
        let armed = resumed.touched.iter().find(|value| value.pointer == "/status/promoteFull");
        assert!(armed.is_some_and(|value| !value.is_changed()), "held to what the plan says");
    }

    #[test]
    fn a_step_whose_pause_was_just_ended_is_not_left_a_second_time() {
        let mut live = canary();
        live["status"]["pauseConditions"] = json!(null);
        let why = draft("promote-step", &live).unwrap_err();
        assert!(why.contains("its controller has not answered"), "{why}");
        // After an analysis without a verdict the index and the pause are gone, and the phase alone still says that it waits.
        live["status"]["controllerPause"] = json!(false);
        assert!(draft("promote-step", &live).unwrap_err().contains("has not answered"));
    }

    #[test]
    fn an_aborted_one_stays_so_when_it_is_resumed() {
        let mut live = canary();
        live["spec"]["paused"] = json!(true);
        live["status"]["abort"] = json!(true);
        live["status"]["phase"] = json!("Degraded");
        let resumed = draft("resume", &live).unwrap();
        assert!(resumed.then.contains("it stays aborted"), "{}", resumed.then);
        assert_eq!(resumed.expect[0].goal, Goal::Stands);
        live["status"]["abort"] = json!(null);
        assert_eq!(
            draft("resume", &live).unwrap().expect[0].goal,
            Goal::Stands,
            "late before, and late after"
        );
    }

    #[test]
    fn an_abort_goes_without_its_second_request_where_that_is_refused() {
        let mut live = canary();
        live["spec"]["paused"] = json!(true);
        let mut facts = facts_of(Kind::Rollout, live);
        let verb = named("abort").unwrap();
        let wish = Intent { verb, objects: Vec::new(), with: With::default() };
        let both = verb.draft(&wish, &facts).unwrap();
        assert!(both.steps.len() == 2 && both.back.contains("not restored"), "{}", both.back);
        facts.unpausing = Err("rollouts is forbidden".to_owned());
        let alone = verb.draft(&wish, &facts).unwrap();
        assert_eq!(bodies(&alone), [("status", json!({"status": {"abort": true}}))]);
        assert!(alone.then.contains("stay until it is resumed"), "{}", alone.then);
        assert!(alone.then.contains("rollouts is forbidden"), "{}", alone.then);
        let ownership = verb.gates().iter().find(|(gate, _)| gate.name() == "ownership");
        assert!(ownership.is_some_and(|(_, weight)| *weight == Weight::Informs));
    }

    #[test]
    fn the_way_back_is_an_abort_until_it_is_over_and_then_the_release_that_was_stable() {
        let mut facts = facts_of(Kind::Rollout, canary());
        let set = |revision: u64, hash: &str| {
            let mut set = crate::change::testing::replica_set(revision, "1.30.4");
            set["metadata"]["labels"] = json!({"rollouts-pod-template-hash": hash});
            set
        };
        // The one between was aborted.
        facts.replica_sets = Ok(vec![set(7, "old"), set(8, "bad"), set(9, "new")]);
        for name in ["promote-step", "promote-full"] {
            let verb = named(name).unwrap();
            assert!(verb.needs().revisions, "{name}");
            let wish = Intent { verb, objects: Vec::new(), with: With::default() };
            let way = verb.draft(&wish, &facts).unwrap().way.unwrap();
            let back = verb.back_by(&way).unwrap();
            assert_eq!((back.name(), way.with.revision), ("abort", Some(7)), "{name}");
            let wish = Intent { verb: back, objects: Vec::new(), with: way.with };
            assert_eq!(back.instead(&wish, &facts), None, "on its way still");
            let mut over = facts.clone();
            over.live["status"]["stableRS"] = json!("new");
            let way = back.instead(&wish, &over).unwrap();
            assert_eq!((way.action.as_str(), way.with.revision), ("undo", Some(7)), "{name}");
            // Somebody else's release is on its way by now: that one is not aborted.
            let mut another = over.clone();
            another.replica_sets = Ok(vec![set(7, "old"), set(9, "new"), set(10, "theirs")]);
            another.live["status"]["currentPodHash"] = json!("theirs");
            assert!(Rollout(&another.live).is_moving(), "{name}");
            let way = back.instead(&wish, &another).unwrap();
            assert_eq!((way.action.as_str(), way.with.revision), ("undo", Some(7)), "{name}");
            assert_eq!(verb.way_from_first().unwrap().action, "pause", "{name}");
        }
        assert_eq!(named("retry").unwrap().way_from_first().unwrap().action, "pause");
        assert_eq!(named("abort").unwrap().way_from_first(), None);
    }

    /// Subresource and body of each request, without what it is held to.
    fn bodies(draft: &Draft) -> Vec<(&str, Value)> {
        let of = |step: &crate::change::plan::Step| {
            let mut body = step.request.body.clone();
            body.as_object_mut().unwrap().remove("metadata");
            (step.request.right.subresource, body)
        };
        draft.steps.iter().map(of).collect()
    }

    #[test]
    fn a_pause_by_hand_is_ended_before_a_promotion_and_after_an_abort() {
        let mut live = canary();
        live["spec"]["paused"] = json!(true);
        let resumed = ("", json!({"spec": {"paused": null}}));
        let step = draft("promote-step", &live).unwrap();
        let on = ("status", json!({"status": {"pauseConditions": null}}));
        assert_eq!(bodies(&step), [resumed.clone(), on]);
        assert!(step.steps.iter().all(|step| step.versioned), "each held to the version that was read");
        assert_eq!(step.steps[0].title, "resume ro/cart");
        assert!(step.then.contains("that is ended first"), "{}", step.then);
        let full = draft("promote-full", &live).unwrap();
        assert_eq!(bodies(&full), [resumed.clone(), ("status", json!({"status": {"promoteFull": true}}))]);
        let abort = draft("abort", &live).unwrap();
        assert_eq!(bodies(&abort), [("status", json!({"status": {"abort": true}})), resumed.clone()]);
        assert!(abort.mitigates && abort.then.contains("that is ended afterwards"), "{}", abort.then);
        let mut aborted = live.clone();
        aborted["status"]["abort"] = json!(true);
        let retry = draft("retry", &aborted).unwrap();
        assert_eq!(bodies(&retry), [resumed.clone(), ("status", json!({"status": {"abort": false}}))]);
        // A pair gives its traffic back whoever paused it.
        let mut pair = blue_green();
        pair["spec"]["paused"] = json!(true);
        assert_eq!(draft("abort", &pair).unwrap().steps.len(), 1);
        assert_eq!(draft("promote-step", &pair).unwrap().steps.len(), 2);
        live["status"]["promoteFull"] = json!(true);
        assert!(draft("promote-full", &live).unwrap_err().contains("as soon as it is resumed"));
        // Nothing else holds it: then only that is to be ended.
        live["status"]["promoteFull"] = json!(null);
        live["status"]["pauseConditions"] = json!(null);
        assert!(draft("promote-step", &live).unwrap_err().contains("resume lets it go on"));
    }

    #[test]
    fn a_step_that_is_not_over_is_left_by_its_index() {
        let mut live = canary();
        live["status"]["pauseConditions"] = json!(null);
        live["status"]["controllerPause"] = json!(null);
        live["status"]["phase"] = json!("Progressing");
        live["status"]["currentStepIndex"] = json!(0);
        let skipped = draft("promote-step", &live).unwrap();
        let body =
            json!({"status": {"pauseConditions": null, "currentStepIndex": 1, "observedGeneration": null}});
        assert_eq!(bodies(&skipped), [("status", body)]);
        assert_eq!(skipped.words, "past step 0 of 3, which is not over");
        assert!(skipped.then.contains(r#"its next step: {"pause":{}}"#), "{}", skipped.then);
        assert_eq!(skipped.expect[0].goal, Goal::Rollout(Wish::Promoted("new".to_owned(), Some(0))));
        live["status"]["canary"] =
            json!({"currentStepAnalysisRunStatus": {"name": "cart-new-2-0", "status": "Running"}});
        let skipped = draft("promote-step", &live).unwrap();
        assert!(skipped.then.contains("cart-new-2-0 is ended, and counts as passed"), "{}", skipped.then);
        live["status"]["currentStepIndex"] = json!(3);
        assert!(draft("promote-step", &live).unwrap_err().contains("no step left"));
    }

    #[test]
    fn an_undecided_analysis_is_stepped_over_and_not_run_again() {
        let mut live = canary();
        live["status"]["pauseConditions"][0]["reason"] = json!("InconclusiveAnalysisRun");
        let body = &draft("promote-step", &live).unwrap().steps[0].request.body;
        let wanted = json!({"pauseConditions": null, "controllerPause": false, "currentStepIndex": 2,
            "observedGeneration": null});
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
