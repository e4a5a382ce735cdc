//! How old the newest good backup is.

use super::{Evidence, Finding, Gate};
use crate::text::duration_words;

/// `backup`
pub struct Backup;

impl Gate for Backup {
    fn name(&self) -> &'static str {
        "backup"
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Finding {
        match &evidence.order.around.backup {
            Ok((age, target)) if age <= target => {
                Finding::pass(format!("backed up {} ago", duration_words(*age)))
            }
            Ok((age, target)) => Finding::fail(format!(
                "the last backup is {} old, {} are allowed",
                duration_words(*age),
                duration_words(*target)
            ))
            .mend("back up first"),
            Err(why) => Finding::unknown(format!("backups: {why}")),
        }
    }

    fn yields(&self) -> bool {
        true
    }
}
