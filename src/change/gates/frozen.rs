//! Whether this is a time at which nothing is to be changed.

use super::{Evidence, Finding, Gate};

/// `freeze`
pub struct Frozen;

impl Gate for Frozen {
    fn name(&self) -> &'static str {
        "freeze"
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Finding {
        let order = evidence.order;
        let here = order.around.freezes.iter().filter(|freeze| freeze.concerns(order.place.name()));
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
