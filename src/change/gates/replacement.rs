//! Who makes a pod again that is deleted.

use serde_json::Value;

use super::{Evidence, Finding, Gate};
use crate::change::gather::controller_of;
use crate::change::pods::{has_ended, is_mirror, is_ready};

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
            Some(owner) => {
                let own = |pod: &Value| controller_of(pod).is_some_and(|other| other.uid == owner.uid);
                let going = evidence.all.iter().filter(|facts| is_ready(&facts.live) && own(&facts.live));
                let going = going.count();
                let pods = evidence.facts.pods.as_deref().unwrap_or_default();
                let ready = pods.iter().filter(|pod| is_ready(pod) && own(pod)).count();
                match going > 1 && going >= ready {
                    true => Finding::warn(format!(
                        "all {ready} ready pods of {} {} end at once: nothing of it serves until the next are ready",
                        owner.kind, owner.name
                    )),
                    false => Finding::pass(format!("{} {} makes another one", owner.kind, owner.name)),
                }
            }
            None => Finding::warn("nothing controls it: nobody makes it again"),
        }
    }
}
