//! Whether anything may be changed from here at all.

use super::{Evidence, Finding, Gate};

/// `read-only`
pub struct ReadOnly;

impl Gate for ReadOnly {
    fn name(&self) -> &'static str {
        "read-only"
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Finding {
        match &evidence.order.place.read_only {
            Some(why) => Finding::fail(why.clone()),
            None => Finding::pass("changes are allowed here"),
        }
    }

    fn is_final(&self) -> bool {
        true
    }
}
