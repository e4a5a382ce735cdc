//! Who makes a pod again that is deleted.

use super::{Evidence, Finding, Gate};
use crate::change::gather::controller_of;
use crate::change::pods::{has_ended, is_mirror};

/// `replacement`
pub struct Replacement;

impl Gate for Replacement {
    fn name(&self) -> &'static str {
        "replacement"
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Finding {
        let pod = &evidence.facts.live;
        if is_mirror(pod) {
            return Finding::fail(
                "the kubelet runs it from a file on the node, and only its mirror would go",
            )
            .mend("change the file on the node");
        }
        match controller_of(pod) {
            _ if has_ended(pod) => Finding::pass("it has ended already"),
            Some(owner) => Finding::pass(format!("{} {} makes another one", owner.kind, owner.name)),
            None => Finding::warn("nothing controls it: nobody makes it again"),
        }
    }
}
