//! `pause`: the rollout of a Deployment or an Argo Rollout is held where it is.

use serde_json::json;

use super::holding::{Change, GATES, PAUSED, stands};
use super::{Act, Draft};
use crate::change::gates::{Gate, Weight};
use crate::change::gather::{Facts, Needs};
use crate::change::intent::Intent;
use crate::change::json::flag;
use crate::domain::id::Kind;

/// `pause`
pub struct Pause;

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
