//! `abort`: an Argo Rollout goes back to what is stable.

use serde_json::json;

use super::steering::{ANSWER, Change, OUT, Unpausing, moving};
use super::undo::stable_revision;
use super::{Act, Draft};
use crate::change::gates::{Gate, Weight};
use crate::change::gather::{Facts, Needs};
use crate::change::intent::{Intent, Way};
use crate::change::rollouts::{Rollout, Wish};
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
        Needs { unpausing: true, revisions: true, ..Needs::default() }
    }

    fn gates(&self) -> &'static [(&'static dyn Gate, Weight)] {
        OUT
    }

    fn instead(&self, intent: &Intent, facts: &Facts) -> Option<Way> {
        // What was promoted from here is over by now: back is the release that was stable before. One that is on its way after
        // that is somebody else's.
        let before = intent.with.revision?;
        let another = stable_revision(facts).is_some_and(|stable| stable != before);
        let over = another || !Rollout(&facts.live).is_moving();
        over.then(|| Way::by_with("undo", intent.with.clone()))
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
        let held = rollout.is_held() && !rollout.is_blue_green();
        let (unpausing, back) = match (held, &facts.unpausing) {
            (true, Ok(())) => {
                then.push_str(
                    ". It was paused by hand: that is ended afterwards, or its new pods would stay",
                );
                (Unpausing::After, "retry begins it again; the pause by hand is not restored")
            }
            // The way out is not to wait for a right that only the pods need.
            (true, Err(why)) => {
                then.push_str(&format!(
                    ". It was paused by hand: its new pods stay until it is resumed, which is not to be done from here \
                     ({why})"
                ));
                (Unpausing::Never, "retry begins it again")
            }
            (false, _) => (Unpausing::Never, "retry begins it again"),
        };
        Ok(Change {
            title: format!("abort {name}"),
            words: "back to what is stable".to_owned(),
            values,
            unpausing,
            then,
            back,
            way: Way::by("retry"),
            wish: Wish::Aborted(rollout.hash().to_owned()),
            deadline: ANSWER,
            mitigates: true,
        }
        .draft(facts))
    }
}
