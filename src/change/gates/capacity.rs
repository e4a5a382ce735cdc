//! Whether the nodes have room for the pods that would come, by their requests: a scale is answered 200 even where no
//! pod finds a node. What is known of the nodes is the screen's; taints that a pod might tolerate, affinities and nodes
//! that an autoscaler would add are not reckoned with.

use serde_json::Value;

use super::quota::requested;
use super::{Evidence, Finding, Gate};
use crate::change::intent::Free;
use crate::change::json::list;
use crate::change::pods::{Fate, fate, has_ended, is_ending};
use crate::domain::id::Kind;

/// `capacity`
pub struct Capacity;

impl Gate for Capacity {
    fn name(&self) -> &'static str {
        "capacity"
    }

    fn judge(&self, evidence: &Evidence<'_>) -> Finding {
        let facts = evidence.facts;
        let coming: Vec<Asked> = match facts.object.kind {
            // Those that are evicted come again on other nodes.
            Kind::Node => {
                let pods = facts.pods.as_deref().unwrap_or_default();
                let leave = pods.iter().filter(|pod| {
                    !has_ended(pod) && !is_ending(pod) && matches!(fate(pod), Fate::Goes | Fate::Empties)
                });
                leave.map(|pod| asked(pod, "/spec/containers")).collect()
            }
            _ => {
                let more = usize::try_from(evidence.draft.pods).unwrap_or(0);
                vec![asked(&facts.live, "/spec/template/spec/containers"); more]
            }
        };
        if coming.is_empty() {
            return Finding::pass("no pod is added");
        }
        let room = match &evidence.order.around.room {
            Ok(room) => room,
            Err(why) => return Finding::unknown(format!("what the nodes have room for is not known: {why}")),
        };
        let elsewhere =
            room.iter().filter(|free| facts.object.kind != Kind::Node || free.node != facts.object.name);
        let all = coming.len();
        match fitting(elsewhere.cloned().collect(), coming) {
            fit if fit == all => Finding::pass(format!("nodes have room for {all} more by their requests")),
            fit => Finding::warn(format!(
                "nodes without taints have room for {fit} of {all} pods by their requests; others wait"
            ))
            .mend("fewer pods, or more nodes"),
        }
    }
}

/// What a pod asks for: millicores, bytes.
type Asked = (u64, u64);

fn asked(live: &Value, containers: &str) -> Asked {
    let sum =
        |resource: &str| -> u128 { list(live, containers).filter_map(|one| requested(one, resource)).sum() };
    let whole = |amount: u128| u64::try_from(amount).unwrap_or(u64::MAX);
    (whole(sum("cpu")), whole(sum("memory") / 1000))
}

/// How many of these find a node: the largest first, each on the first that has room.
fn fitting(mut nodes: Vec<Free>, mut coming: Vec<Asked>) -> usize {
    coming.sort_unstable_by(|a, b| b.cmp(a));
    let mut fit = 0;
    for (cpu, memory) in coming {
        let node = nodes.iter_mut().find(|node| node.pods > 0 && node.cpu >= cpu && node.memory >= memory);
        if let Some(node) = node {
            node.pods -= 1;
            node.cpu -= cpu;
            node.memory -= memory;
            fit += 1;
        }
    }
    fit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pod_needs_a_node_of_its_size() {
        let node = |cpu, memory, pods| Free { node: "n".into(), cpu, memory, pods };
        let nodes = vec![node(1_000, 4_000, 10), node(600, 4_000, 10)];
        assert_eq!(fitting(nodes.clone(), vec![(500, 100); 3]), 3);
        assert_eq!(
            fitting(nodes.clone(), vec![(500, 100); 4]),
            3,
            "what is left on two nodes is no room on one"
        );
        assert_eq!(fitting(nodes.clone(), vec![(0, 3_000); 3]), 2);
        assert_eq!(fitting(vec![node(1_000, 1_000, 1)], vec![(0, 0); 2]), 1, "a node takes so many pods");
        assert_eq!(fitting(Vec::new(), vec![(0, 0)]), 0);
    }
}
