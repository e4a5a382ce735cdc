//! Whether the environment wants its name typed.

use super::{Evidence, Finding, Gate};

/// `protected`
pub struct Protected;

impl Gate for Protected {
    fn name(&self) -> &'static str {
        "protected"
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Finding {
        let place = &evidence.order.place;
        match place.protected {
            true => Finding::warn(format!("{} is protected: its name has to be typed", place.name())),
            false => Finding::pass(format!("{} is not protected", place.name())),
        }
    }
}
