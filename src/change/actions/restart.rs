//! New pods of the same template, one after another: as `kubectl rollout restart` does it, by an annotation of the
//! template.

use serde_json::json;

use super::{Act, Draft, changed, merge, rolled_out, undo};
use crate::change::gates::{self, Gate, Weight};
use crate::change::gather::{Facts, Needs};
use crate::change::intent::Intent;
use crate::change::json::{flag, text};
use crate::change::plan::{Expect, Goal};
use crate::change::rollouts::{Rollout, Wish};
use crate::domain::id::Kind;

/// Where kubectl puts it too.
const POINTER: &str = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt";

/// What the plan shows, and what it is judged by, besides: another template would come in with the restart.
const HELD: &[(&str, &str)] = &[
    ("replicas", "/spec/replicas"),
    ("pause", "/spec/paused"),
    ("template", "/spec/template"),
    ("update strategy", "/spec/updateStrategy"),
];

/// `restart`
pub struct Restart;

impl Act for Restart {
    fn name(&self) -> &'static str {
        "restart"
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::Rollout]
    }

    fn several(&self) -> bool {
        true
    }

    fn needs(&self) -> Needs {
        // The revision that it has is the way back.
        Needs { revisions: true, ..Needs::default() }
    }

    fn gates(&self) -> &'static [(&'static dyn Gate, Weight)] {
        // Whoever restarts often does so because an alert fires: that informs.
        &[
            (&gates::ReadOnly, Weight::Judges),
            (&gates::Rbac, Weight::Judges),
            (&gates::DryRunGate, Weight::Judges),
            (&gates::Ownership, Weight::Judges),
            (&gates::Protected, Weight::Informs),
            (&gates::Frozen, Weight::Judges),
            (&gates::Alerts, Weight::Informs),
        ]
    }

    fn draft(&self, _: &Intent, facts: &Facts) -> Result<Draft, String> {
        // The pause of a Rollout does not hold its restart.
        if facts.object.kind == Kind::Deployment && flag(&facts.live, "/spec/paused") {
            return Err(format!("{} is paused: it would not restart until it is resumed.", facts.name()));
        }
        let now = jiff::Timestamp::from_second(facts.now.wall.0).map_err(|error| error.to_string())?;
        let (what, pointer) = match facts.object.kind {
            // Its controller has a field for it, and makes no new revision of it.
            Kind::Rollout => ("restartAt", "/spec/restartAt"),
            _ => ("restartedAt", POINTER),
        };
        let at = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let touched = changed(facts, what, pointer, json!(at));
        let title = format!("restart {}", facts.name());
        let uid = text(&facts.live, "/metadata/uid");
        let step = merge(&facts.object, uid, title.clone(), "", &[&touched]);
        let mut held = vec![touched];
        held.extend(super::held(&facts.object, &facts.live, HELD, &held));
        let mut expect = rolled_out(facts);
        if facts.object.kind == Kind::Rollout {
            let ill = Rollout(&facts.live).is_degraded();
            expect = Expect { goal: Goal::Rollout(Wish::Restarted(at, ill)), ..expect };
        }
        let pods = match facts.object.kind {
            Kind::DaemonSet => "its pod on every node".to_owned(),
            _ => match facts.replicas() {
                1 => "its pod".to_owned(),
                n => format!("its {n} pods"),
            },
        };
        let way = match facts.object.kind {
            // Its controller makes no revision of a restart.
            Kind::Rollout => None,
            _ => undo::back_to(facts),
        };
        let back = match (&way, facts.object.kind) {
            (Some(_), _) => {
                "pods that ended do not come back; undo takes the restart out again, by one more rollout"
            }
            (None, Kind::Rollout) => {
                "there is none, and no key for it: a restart makes no revision, so there is none to go back to"
            }
            (None, _) => "there is none, and no key for it: pods that ended do not come back",
        };
        Ok(Draft {
            words: format!("{pods} made anew, template unchanged"),
            then: match expect.goal {
                Goal::Stands => super::ON_DELETE.to_owned(),
                _ => format!("{pods} replaced and ready, within {} s", expect.deadline),
            },
            back: back.to_owned(),
            way,
            touched: held,
            steps: vec![step],
            expect: vec![expect],
            mitigates: false,
            pods: 0,
            title,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::actions::named;
    use crate::change::intent::With;
    use crate::change::testing::facts;

    #[test]
    fn the_annotation_is_kubectls_and_a_paused_one_is_refused() {
        let wish = Intent { verb: named("restart").unwrap(), objects: Vec::new(), with: With::default() };
        let mut facts = facts();
        let draft = Restart.draft(&wish, &facts).unwrap();
        let at = &draft.touched[0].after;
        assert_eq!(at, &json!("2026-11-21T14:32:00Z"));
        assert_eq!(
            draft.steps[0].request.body["spec"],
            json!({"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": at}}}})
        );
        assert_eq!(draft.expect[0].goal, Goal::RolledOut);
        facts.live["spec"]["paused"] = json!(true);
        assert!(Restart.draft(&wish, &facts).unwrap_err().contains("paused"));
    }

    #[test]
    fn the_pause_of_a_rollout_does_not_hold_its_restart() {
        use crate::change::rollouts::tests::canary;
        use crate::change::testing::facts_of;
        let wish = Intent { verb: named("restart").unwrap(), objects: Vec::new(), with: With::default() };
        let mut facts = facts_of(Kind::Rollout, canary());
        facts.live["spec"]["paused"] = json!(true);
        let goal = |facts: &Facts| Restart.draft(&wish, facts).unwrap().expect[0].goal.clone();
        let restarted = |ill| Goal::Rollout(Wish::Restarted("2026-11-21T14:32:00Z".to_owned(), ill));
        assert_eq!(goal(&facts), restarted(false));
        facts.live["status"]["phase"] = json!("Degraded");
        assert_eq!(goal(&facts), restarted(true), "it was so before");
    }
}
