//! `suspend`: the schedule of a CronJob is held.

use serde_json::json;

use super::holding::{Change, GATES, SUSPENDED, stands};
use super::{Act, Draft};
use crate::change::gates::{Gate, Weight};
use crate::change::gather::{Facts, Needs};
use crate::change::intent::Intent;
use crate::change::json::flag;
use crate::domain::id::Kind;

/// `suspend`
pub struct Suspend;

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
