//! `uncordon`: a node takes new pods again.

use super::nodes::{GATES, draft};
use super::{Act, Draft};
use crate::change::gates::{Gate, Weight};
use crate::change::gather::{Facts, Needs};
use crate::change::intent::Intent;
use crate::change::pods::is_cordoned;
use crate::domain::id::Kind;

/// `uncordon`
pub struct Uncordon;

impl Act for Uncordon {
    fn name(&self) -> &'static str {
        "uncordon"
    }

    fn asked_by(&self) -> &'static str {
        "node"
    }

    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Node]
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
        match is_cordoned(&facts.live) {
            true => Ok(draft(facts, false)),
            false => Err(format!("{} is not cordoned.", facts.name())),
        }
    }
}
