//! Whether a critical alert fires in the environment.

use super::{Evidence, Finding, Gate};

/// `alerts`
pub struct Alerts;

impl Gate for Alerts {
    fn name(&self) -> &'static str {
        "alerts"
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Finding {
        let name = evidence.order.place.name();
        match &evidence.order.around.alerts {
            Ok(firing) => match firing.as_slice() {
                [] => Finding::pass(format!("no critical alert fires in {name}")),
                [one] => Finding::fail(format!("critical in {name}: {one}")),
                [first, rest @ ..] => {
                    Finding::fail(format!("critical in {name}: {first} and {} more", rest.len()))
                }
            },
            Err(why) => Finding::unknown(why.clone()),
        }
    }

    fn yields(&self) -> bool {
        true
    }
}
