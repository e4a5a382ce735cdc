//! An Argo Rollout as its own status tells it, and whether what was asked of it came true. Pure. Checked against Argo
//! Rollouts 1.10: its conditions are no state (`Paused` stays True after an abort, `Healthy` is True while the analysis
//! after a promotion runs), its phase counts only while `observedGeneration` is the present generation.

use serde_json::Value;

use super::json::{at, count, flag, list, text};
use super::plan::Touched;
use super::verify::Standing;
use crate::text::clean;

/// What is asked of a Rollout; the text is the hash of the template that is on its way (`status.currentPodHash`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// That it leaves the pause in which it waits: of a canary the step of this index.
    Promoted(String, Option<u64>),
    /// That the new template runs everywhere.
    Full(String),
    /// That it goes back to what is stable.
    Aborted(String),
    /// That an aborted one begins again.
    Retried(String),
    /// That its pods are made anew since this time; and whether it was degraded before, which is then no failure. Of this no
    /// template is asked.
    Restarted(String, bool),
}

/// The step of a canary.
pub(super) const STEP: &str = "/status/currentStepIndex";
/// The pause of a person.
const PAUSED: &str = "/spec/paused";
/// The generation that its controller saw last. A request that does itself what is to come true takes it away: the controller
/// puts it there again when it acts, also where it has nothing else to say.
pub(super) const SEEN: &str = "/status/observedGeneration";

/// A Rollout.
#[derive(Clone, Copy)]
pub(super) struct Rollout<'a>(pub(super) &'a Value);

impl<'a> Rollout<'a> {
    /// The template that is wanted.
    pub(super) fn hash(self) -> &'a str {
        text(self.0, "/status/currentPodHash")
    }

    /// The template that was promoted last.
    pub(super) fn stable(self) -> &'a str {
        text(self.0, "/status/stableRS")
    }

    /// Whether another template than the stable one is on its way.
    pub(super) fn is_moving(self) -> bool {
        self.hash() != self.stable()
    }

    pub(super) fn is_blue_green(self) -> bool {
        self.0.pointer("/spec/strategy/blueGreen").is_some()
    }

    /// A person paused it (`spec.paused`): then nothing else moves it.
    pub(super) fn is_held(self) -> bool {
        flag(self.0, PAUSED)
    }

    pub(super) fn is_aborted(self) -> bool {
        flag(self.0, "/status/abort")
    }

    /// It was promoted in full while its pods were not ready, and goes as soon as they are.
    pub(super) fn is_armed(self) -> bool {
        flag(self.0, "/status/promoteFull")
    }

    /// Why it waits, as its controller names the reasons.
    pub(super) fn pauses(self) -> impl Iterator<Item = &'a str> {
        list(self.0, "/status/pauseConditions").map(|pause| text(pause, "/reason"))
    }

    /// The analysis that a step of a canary waits for, while it runs.
    pub(super) fn analysis(self) -> Option<&'a str> {
        self.analysis_that(&["Pending", "Running"])
    }

    /// The analysis of a step of a canary, where it is in one of these states.
    fn analysis_that(self, states: &[&str]) -> Option<&'a str> {
        let of = |field: &str| text(self.0, &format!("/status/canary/currentStepAnalysisRunStatus/{field}"));
        states.contains(&of("status")).then(|| of("name"))
    }

    /// The step of a canary.
    pub(super) fn step(self) -> Option<u64> {
        count(self.0, STEP)
    }

    /// How many steps there are.
    pub(super) fn steps(self) -> usize {
        list(self.0, "/spec/strategy/canary/steps").count()
    }

    /// Its template stands in another object (`spec.workloadRef`): that one's kind and name.
    pub(super) fn template_of(self) -> Option<(&'a str, &'a str)> {
        let name = text(self.0, "/spec/workloadRef/name");
        (!name.is_empty()).then(|| (text(self.0, "/spec/workloadRef/kind"), name))
    }

    fn phase(self) -> &'a str {
        text(self.0, "/status/phase")
    }

    /// Its controller has given it up for now: aborted, past its deadline, or not valid.
    pub(super) fn is_degraded(self) -> bool {
        self.phase() == "Degraded"
    }

    /// Its controller has seen what stands now. The generation is written as a text.
    fn is_observed(self) -> bool {
        let seen = text(self.0, SEEN).parse().ok();
        seen.or_else(|| count(self.0, SEEN))
            .is_some_and(|seen: u64| Some(seen) == count(self.0, "/metadata/generation"))
    }

    /// The analysis of a step that was left still stands there: its controller has not seen that it was sent on. A run is
    /// called `<rollout>-<hash>-<revision>-<step>`, and when it was run again so with `.1` behind it.
    fn is_leaving_an_analysis(self, left: u64) -> bool {
        let Some(run) = self.analysis_that(&["Pending", "Running", "Inconclusive"]) else { return false };
        let again = run.rsplit_once('.').filter(|(_, nth)| nth.bytes().all(|byte| byte.is_ascii_digit()));
        again.map_or(run, |(run, _)| run).ends_with(&format!("-{left}"))
    }

    /// Between the end of a pause and what follows from it the phase still says that it waits. Where `controllerPause` was
    /// taken away with the pause, only the phase does.
    pub(super) fn is_leaving_a_pause(self) -> bool {
        let waits = flag(self.0, "/status/controllerPause") || self.phase() == "Paused" && !self.is_held();
        waits && self.pauses().next().is_none()
    }

    /// `Paused: CanaryPauseStep, step 2 of 5`
    pub(super) fn words(self) -> String {
        let mut words = match (self.phase(), text(self.0, "/status/message")) {
            ("", _) => "not seen by its controller yet".to_owned(),
            (phase, "") => phase.to_owned(),
            (phase, message) => format!("{phase}: {}", clean(message)),
        };
        if let (Some(step), 1..) = (self.step(), self.steps()) {
            words.push_str(&format!(", step {} of {}", step.min(self.steps() as u64), self.steps()));
        }
        words
    }
}

/// Judges what was asked, by the values that were set for it.
pub(super) fn judge(wish: &Wish, live: &Value, touched: &[Touched]) -> Standing {
    let now = Rollout(live);
    let hash = match wish {
        Wish::Restarted(at, ill) => return restarted(now, at, *ill),
        Wish::Promoted(hash, _) | Wish::Full(hash) | Wish::Aborted(hash) | Wish::Retried(hash) => hash,
    };
    if now.hash() != hash {
        return Standing::Superseded("another template has come since".to_owned());
    }
    let failed = || Standing::Failed(now.words());
    let pending = || Standing::Pending(now.words());
    let over = now.stable() == hash;
    match wish {
        Wish::Promoted(..) if now.is_aborted() => failed(),
        Wish::Promoted(_, step) => {
            let went = match now.is_blue_green() {
                true => text(live, "/status/blueGreen/activeSelector") == hash,
                false => {
                    let left = step.is_some_and(|step| now.is_leaving_an_analysis(step));
                    over || now.step() > *step && !left && !at(live, SEEN).is_null()
                }
            };
            match (went && !now.is_leaving_a_pause(), now.is_blue_green()) {
                (false, _) => pending(),
                (true, true) => Standing::Done(format!("the new pods have the traffic; {}", now.words())),
                (true, false) => Standing::Done(format!("it went on; {}", now.words())),
            }
        }
        Wish::Full(_) if now.is_aborted() => failed(),
        Wish::Full(_) if over && !now.is_armed() && now.phase() == "Healthy" => {
            Standing::Done("the new template runs everywhere".to_owned())
        }
        Wish::Full(_) if now.is_armed() => {
            Standing::Pending(format!("it goes as soon as its pods are ready; {}", now.words()))
        }
        Wish::Full(_) => pending(),
        Wish::Aborted(_) if now.is_aborted() && !text(live, "/status/abortedAt").is_empty() => {
            let stays = now.is_held() && !now.is_blue_green();
            let ended = touched.iter().any(|value| value.pointer == PAUSED && value.is_changed());
            let back = match now.is_blue_green() {
                true => text(live, "/status/blueGreen/activeSelector") == now.stable(),
                false => true,
            };
            let words = "it is aborted, but was paused by hand: its new pods stay until it is resumed";
            match (stays, back) {
                // Somebody has paused it again; or it was never said that they would go.
                (true, _) if ended => Standing::Failed(words.to_owned()),
                (true, _) => Standing::Done(words.to_owned()),
                (false, true) => {
                    Standing::Done("it is back on what was stable; the new template still stands".to_owned())
                }
                (false, false) => pending(),
            }
        }
        Wish::Aborted(_) if over => {
            Standing::Failed("it was over before: nothing was left to abort".to_owned())
        }
        Wish::Aborted(_) => pending(),
        Wish::Retried(_) if now.is_aborted() || now.is_degraded() => pending(),
        Wish::Retried(_) | Wish::Restarted(..) => {
            Standing::Done(format!("it has begun again; {}", now.words()))
        }
    }
}

/// Whether what was sent has arrived, though what follows from it may not be over: some of it is taken away again by the
/// controller as soon as it acts.
pub(super) fn has_arrived(wish: &Wish, live: &Value, touched: &[Touched]) -> bool {
    match wish {
        Wish::Full(hash) if Rollout(live).hash() == hash && Rollout(live).stable() == hash => true,
        _ => matches!(judge(wish, live, touched), Standing::Done(_)),
    }
}

/// Whether all pods are newer than a time. That is noted when the last old one is sent away, before its successor is there;
/// where it goes on waiting, or was ill before, the phase does not tell of that one, and the pods are counted.
fn restarted(now: Rollout<'_>, at: &str, ill: bool) -> Standing {
    if text(now.0, "/spec/restartAt") != at {
        return Standing::Superseded("another restart was asked for since".to_owned());
    }
    let of = |field: &str| count(now.0, &format!("/status/{field}")).unwrap_or(0);
    let came = now.is_observed() && text(now.0, "/status/restartedAt") == at;
    match now.phase() {
        "Degraded" if now.is_observed() && !ill => Standing::Failed(now.words()),
        "Healthy" if came => Standing::Done(now.words()),
        // A step's analysis that runs keeps it progressing.
        "Progressing" if now.analysis().is_none() => Standing::Pending(now.words()),
        "Paused" | "Degraded" | "Progressing" if came && of("readyReplicas") >= of("HPAReplicas") => {
            Standing::Done(format!("its pods were made anew; {}", now.words()))
        }
        _ => Standing::Pending(now.words()),
    }
}

/// Whether a template or the end of a pause has come through; a pause on the way is where it was to go.
pub(super) fn rolled_out(live: &Value) -> Standing {
    let now = Rollout(live);
    if !now.is_observed() || now.is_leaving_a_pause() {
        return Standing::Pending("not seen by its controller yet".to_owned());
    }
    let restart = text(live, "/spec/restartAt");
    match now.phase() {
        // One that somebody asked for goes on.
        "Healthy" | "Paused" if restart != text(live, "/status/restartedAt") => {
            Standing::Pending(now.words())
        }
        "Healthy" => Standing::Done(now.words()),
        "Paused" => Standing::Done(format!("it waits: {}", now.words())),
        "Degraded" => Standing::Failed(now.words()),
        _ => Standing::Pending(now.words()),
    }
}

/// Whether so many pods are ready. Those of a preview count nowhere but in `replicas`, so that `HPAReplicas` is asked.
pub(super) fn scaled(live: &Value, wanted: u64) -> Standing {
    let of = |field: &str| count(live, &format!("/status/{field}")).unwrap_or(0);
    let (there, ready) = (of("HPAReplicas"), of("readyReplicas"));
    let words = format!("{ready} of {wanted} pods ready");
    match Rollout(live).is_observed() && there == wanted && ready == wanted {
        true => Standing::Done(words),
        false => Standing::Pending(words),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    /// A canary of four pods that waits at its second step.
    pub(in crate::change) fn canary() -> Value {
        json!({
            "kind": "Rollout", "apiVersion": "argoproj.io/v1alpha1",
            "metadata": {"name": "cart", "namespace": "shop", "uid": "5d3f8a52-19c4-4e58-9f0a-7c1de2b3a405", "generation": 3,
                "resourceVersion": "9", "annotations": {"rollout.argoproj.io/revision": "2"}},
            "spec": {"replicas": 4, "template": crate::change::testing::template("1.31.0"),
                "strategy": {"canary": {"steps": [{"setWeight": 25}, {"pause": {}}, {"setWeight": 50}]}}},
            "status": {"observedGeneration": "3", "phase": "Paused", "message": "CanaryPauseStep", "currentPodHash": "new",
                "stableRS": "old", "currentStepIndex": 1, "controllerPause": true, "HPAReplicas": 4, "readyReplicas": 4,
                "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-11-21T14:30:00Z"}]},
        })
    }

    /// A blue/green pair whose preview waits for its promotion.
    pub(in crate::change) fn blue_green() -> Value {
        let mut live = canary();
        live["spec"]["strategy"] =
            json!({"blueGreen": {"activeService": "cart", "autoPromotionEnabled": false}});
        let status = live["status"].as_object_mut().unwrap();
        status.remove("currentStepIndex");
        status.insert("message".to_owned(), json!("BlueGreenPause"));
        status.insert(
            "pauseConditions".to_owned(),
            json!([{"reason": "BlueGreenPause", "startTime": "2026-11-21T14:30:00Z"}]),
        );
        status.insert("blueGreen".to_owned(), json!({"activeSelector": "old", "previewSelector": "new"}));
        live
    }

    fn new() -> String {
        "new".to_owned()
    }

    fn judge(wish: &Wish, live: &Value) -> Standing {
        super::judge(wish, live, &[])
    }

    fn set(pointer: &str, before: Value, after: Value) -> Touched {
        Touched {
            object: crate::change::testing::facts().object,
            what: pointer.to_owned(),
            pointer: pointer.to_owned(),
            before,
            after,
        }
    }

    #[test]
    fn a_canary_went_on_when_its_step_did() {
        let wish = Wish::Promoted(new(), Some(1));
        let mut live = canary();
        assert_eq!(judge(&wish, &live), Standing::Pending("Paused: CanaryPauseStep, step 1 of 3".to_owned()));
        live["status"]["pauseConditions"] = json!(null);
        live["status"]["currentStepIndex"] = json!(2);
        assert!(
            matches!(judge(&wish, &live), Standing::Pending(_)),
            "the controller still says that it waits"
        );
        live["status"]["controllerPause"] = json!(false);
        live["status"]["phase"] = json!("Progressing");
        assert!(matches!(judge(&wish, &live), Standing::Done(words) if words.contains("step 2 of 3")));
        // Sent past an analysis: it stands there until its controller has seen that.
        live["status"]["canary"] =
            json!({"currentStepAnalysisRunStatus": {"name": "cart.v2-new-2-1.1", "status": "Running"}});
        assert!(matches!(judge(&wish, &live), Standing::Pending(_)));
        for (name, status) in [("cart.v2-new-2-1", "Pending"), ("cart.v2-new-2-1", "Inconclusive")] {
            live["status"]["canary"]["currentStepAnalysisRunStatus"] =
                json!({"name": name, "status": status});
            assert!(matches!(judge(&wish, &live), Standing::Pending(_)), "{name} {status}");
        }
        live["status"]["canary"]["currentStepAnalysisRunStatus"]["name"] = json!("cart-new-2-2");
        assert!(matches!(judge(&wish, &live), Standing::Done(_)));
        live["status"]["abort"] = json!(true);
        assert!(matches!(judge(&wish, &live), Standing::Failed(_)));
        live["status"]["currentPodHash"] = json!("newer");
        assert!(matches!(judge(&wish, &live), Standing::Superseded(_)));
    }

    #[test]
    fn a_step_that_was_set_from_here_is_the_controllers_once_it_has_written_too() {
        let wish = Wish::Promoted(new(), Some(0));
        let mut live = canary();
        live["status"]["pauseConditions"] = json!(null);
        live["status"]["controllerPause"] = json!(false);
        live["status"]["phase"] = json!("Progressing");
        live["status"]["observedGeneration"] = json!(null);
        assert!(matches!(judge(&wish, &live), Standing::Pending(_)), "it is as our request left it");
        live["status"]["observedGeneration"] = json!("3");
        assert!(matches!(judge(&wish, &live), Standing::Done(_)));
        // What had no verdict: the phase still says that it waits, and why.
        live["status"]["phase"] = json!("Paused");
        live["status"]["message"] = json!("InconclusiveAnalysisRun");
        assert!(matches!(judge(&wish, &live), Standing::Pending(_)));
        live["status"]["message"] = json!("CanaryPauseStep");
        live["status"]["pauseConditions"] = json!([{"reason": "CanaryPauseStep"}]);
        assert!(matches!(judge(&wish, &live), Standing::Done(_)));
    }

    #[test]
    fn a_restart_is_told_by_its_time_and_not_by_what_was_ill_before() {
        let at = "2026-11-21T14:32:00Z";
        let judge = |live: &Value, ill: bool| judge(&Wish::Restarted(at.to_owned(), ill), live);
        let mut live = canary();
        assert!(matches!(judge(&live, false), Standing::Superseded(_)));
        live["spec"]["restartAt"] = json!(at);
        assert!(matches!(judge(&live, false), Standing::Pending(_)));
        live["status"]["restartedAt"] = json!(at);
        live["status"]["readyReplicas"] = json!(3);
        assert!(matches!(judge(&live, false), Standing::Pending(_)), "the last one is not there yet");
        live["status"]["readyReplicas"] = json!(4);
        assert!(matches!(judge(&live, false), Standing::Done(_)));
        live["status"]["phase"] = json!("Degraded");
        assert!(matches!(judge(&live, false), Standing::Failed(_)));
        assert!(matches!(judge(&live, true), Standing::Done(_)));
        live["metadata"]["generation"] = json!(4);
        assert!(matches!(judge(&live, false), Standing::Pending(_)), "that is of before");
        live["metadata"]["generation"] = json!(3);
        live["status"]["phase"] = json!("Healthy");
        assert!(matches!(judge(&live, false), Standing::Done(_)));
    }

    #[test]
    fn what_came_through_has_arrived_though_nothing_of_it_stands() {
        let wish = Wish::Full(new());
        let mut live = canary();
        assert!(!has_arrived(&wish, &live, &[]));
        live["status"]["stableRS"] = json!("new");
        live["status"]["phase"] = json!("Progressing");
        assert!(has_arrived(&wish, &live, &[]), "the last of the old pods are still ending");
    }

    #[test]
    fn a_pair_went_on_when_the_new_pods_have_the_traffic() {
        let wish = Wish::Promoted(new(), None);
        let mut live = blue_green();
        assert!(matches!(judge(&wish, &live), Standing::Pending(_)));
        live["status"] = json!({"phase": "Healthy", "currentPodHash": "new", "stableRS": "new", "blueGreen": {"activeSelector": "new"}});
        assert!(matches!(judge(&wish, &live), Standing::Done(_)));
    }

    #[test]
    fn an_abort_that_came_too_late_is_said_to_be_one() {
        let wish = Wish::Aborted(new());
        let mut live = blue_green();
        live["status"]["abort"] = json!(true);
        assert!(matches!(judge(&wish, &live), Standing::Pending(_)), "its controller has not answered");
        live["status"]["abortedAt"] = json!("2026-11-21T14:32:00Z");
        assert!(matches!(judge(&wish, &live), Standing::Done(_)));
        live["status"]["blueGreen"]["activeSelector"] = json!("new");
        assert!(matches!(judge(&wish, &live), Standing::Pending(_)), "the traffic is not back");
        let mut held = canary();
        held["spec"]["paused"] = json!(true);
        held["status"]["abort"] = json!(true);
        held["status"]["abortedAt"] = json!("2026-11-21T14:32:00Z");
        let ended = [set(PAUSED, json!(true), json!(null))];
        let again = super::judge(&wish, &held, &ended);
        assert!(matches!(again, Standing::Failed(words) if words.contains("resumed")));
        assert!(
            matches!(judge(&wish, &held), Standing::Done(words) if words.contains("stay until it is resumed"))
        );
        live["status"]["abort"] = json!(null);
        live["status"]["stableRS"] = json!("new");
        assert!(matches!(judge(&wish, &live), Standing::Failed(_)));
    }

    #[test]
    fn in_full_means_everywhere_and_armed_is_not_yet() {
        let wish = Wish::Full(new());
        let mut live = canary();
        live["status"]["promoteFull"] = json!(true);
        assert!(matches!(judge(&wish, &live), Standing::Pending(words) if words.contains("as soon as")));
        live["status"] = json!({"phase": "Healthy", "currentPodHash": "new", "stableRS": "new"});
        assert!(matches!(judge(&wish, &live), Standing::Done(_)));
    }

    #[test]
    fn what_the_controller_has_not_seen_proves_nothing() {
        let mut live = canary();
        assert!(matches!(rolled_out(&live), Standing::Done(words) if words.contains("waits")));
        live["metadata"]["generation"] = json!(4);
        assert!(matches!(rolled_out(&live), Standing::Pending(_)));
        assert!(matches!(scaled(&live, 4), Standing::Pending(_)));
        live["metadata"]["generation"] = json!(3);
        assert!(matches!(scaled(&live, 4), Standing::Done(_)));
        live["spec"]["restartAt"] = json!("2026-11-21T14:32:00Z");
        assert!(matches!(rolled_out(&live), Standing::Pending(_)), "it waits, and no pod was made anew");
        live["status"]["phase"] = json!("Healthy");
        assert!(matches!(rolled_out(&live), Standing::Pending(_)));
        live["status"]["phase"] = json!("Degraded");
        assert!(matches!(rolled_out(&live), Standing::Failed(_)));
    }
}
