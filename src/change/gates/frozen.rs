//! Whether this is a time at which nothing is to be changed.

use super::{Evidence, Finding, Gate};
use crate::domain::freeze::Freeze;

/// `freeze`
pub struct Frozen;

impl Gate for Frozen {
    fn name(&self) -> &'static str {
        "freeze"
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Finding {
        let order = evidence.order;
        // A node is of every environment that has pods on its cluster.
        let concerns = |freeze: &&Freeze| order.place.names().iter().any(|name| freeze.concerns(name));
        let here = order.around.freezes.iter().filter(concerns);
        let mut unknown = None;
        for freeze in here {
            match freeze.holds(evidence.facts.now.wall) {
                Ok(true) => {
                    return Finding::fail(format!("the freeze `{}` holds now", freeze.name))
                        .mend("wait until it is over");
                }
                Ok(false) => {}
                Err(why) => unknown = Some(format!("the freeze `{}` cannot be told: {why}", freeze.name)),
            }
        }
        match unknown {
            Some(why) => Finding::unknown(why),
            None => Finding::pass("no freeze holds now"),
        }
    }

    fn yields(&self) -> bool {
        true
    }
}
