//! What the pods of each node ask for, kept as pods come, change and go: one sum a node, never counted anew.

use std::collections::HashMap;

use crate::domain::id::Name;
use crate::domain::meta::Resources;
use crate::domain::pod::Pod;

/// What the pods of one node ask for: as `kubectl describe node` sums it, of those that have not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeLoad {
    /// Pods that have not ended.
    pub pods: u32,
    /// Sum of their requests.
    pub requests: Resources,
    /// Sum of their limits; pods without one count nothing.
    pub limits: Resources,
}

impl NodeLoad {
    /// Counts a pod in.
    pub fn add(&mut self, pod: &Pod) {
        if !pod.over {
            self.pods += 1;
            self.requests = self.requests + pod.requests;
            self.limits = self.limits + pod.limits;
        }
    }

    fn remove(&mut self, pod: &Pod) {
        if !pod.over {
            self.pods = self.pods.saturating_sub(1);
            self.requests = self.requests - pod.requests;
            self.limits = self.limits - pod.limits;
        }
    }
}

/// Pods by node.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    by_name: HashMap<Name, (NodeLoad, Vec<u32>)>,
    version: u64,
}

impl Nodes {
    /// A pod's slot holds something else now.
    pub(super) fn take(&mut self, slot: u32, old: Option<&Pod>, new: Option<&Pod>) {
        // Most news of a pod are about its containers: it stays where it is and asks for what it asked for.
        if let (Some(old), Some(new)) = (old, new)
            && (&old.node, old.over, old.requests, old.limits)
                == (&new.node, new.over, new.requests, new.limits)
        {
            return;
        }
        if let Some(old) = old.filter(|pod| !pod.node.is_empty())
            && let Some((load, slots)) = self.by_name.get_mut(&old.node)
        {
            load.remove(old);
            if let Some(at) = slots.iter().position(|known| *known == slot) {
                slots.swap_remove(at);
            }
            if slots.is_empty() {
                self.by_name.remove(&old.node);
            }
            self.version += 1;
        }
        if let Some(new) = new.filter(|pod| !pod.node.is_empty()) {
            if !self.by_name.contains_key(&new.node) {
                self.by_name.insert(new.node.clone(), Default::default());
            }
            if let Some((load, slots)) = self.by_name.get_mut(&new.node) {
                load.add(new);
                slots.push(slot);
            }
            self.version += 1;
        }
    }

    pub(super) fn load(&self, node: &str) -> NodeLoad {
        self.by_name.get(node).map(|(load, _)| *load).unwrap_or_default()
    }

    pub(super) fn slots(&self, node: &str) -> &[u32] {
        self.by_name.get(node).map_or(&[], |(_, slots)| slots)
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::id::{ClusterId, Uid};
    use crate::domain::pod::PodState;
    use crate::domain::time::Now;
    use crate::msg::{ClusterMsg, Delta, Facts};
    use crate::world::World;

    const NODES: [&str; 4] = ["", "a", "b", "c"];

    /// (uid, node, over, cpu, memory), or gone.
    type Step = (u8, Option<(usize, bool, u64, u64)>);

    fn step() -> impl Strategy<Value = Step> {
        let put = (0..NODES.len(), any::<bool>(), 0..5_000_u64, 0..1_u64 << 40);
        (0..24_u8, proptest::option::weighted(0.8, put))
    }

    fn delta((uid, put): &Step) -> Delta<Pod> {
        let uid = Uid(u128::from(*uid));
        let Some((node, over, cpu_milli, memory)) = *put else { return Delta::Gone(uid) };
        let mut pod = crate::world::tests::pod(uid.0, "shop", PodState::Ready);
        pod.node = NODES[node].into();
        pod.over = over;
        pod.requests = Resources { cpu_milli, memory };
        pod.limits = Resources { cpu_milli: cpu_milli * 2, memory: memory / 2 };
        Delta::Put(pod)
    }

    proptest! {
        #[test]
        fn the_kept_sums_are_those_of_a_recount(
            steps in proptest::collection::vec(step(), 0..120),
            relist in proptest::collection::vec(step(), 0..12),
        ) {
            let mut world = World::new(vec![Default::default()]);
            let mut send = |deltas| {
                world.apply(ClusterId(0), ClusterMsg::Facts(Facts::Pods(deltas)), Now::default());
                let cluster = &world.clusters[0];
                for node in ["a", "b", "c"] {
                    let mut wanted = NodeLoad::default();
                    let mut slots = Vec::new();
                    for (slot, pod) in cluster.pods.iter().filter(|(_, pod)| &*pod.node == node) {
                        wanted.add(pod);
                        slots.push(slot);
                    }
                    assert_eq!(cluster.node_load(node), wanted, "{node}");
                    let mut kept = cluster.pods_on(node).to_vec();
                    kept.sort_unstable();
                    assert_eq!(kept, slots, "{node}");
                }
            };
            for step in &steps {
                send(vec![delta(step)]);
            }
            // What a new list no longer names goes from the sums too.
            let mut list = vec![Delta::Begin(None)];
            list.extend(relist.iter().map(delta));
            list.push(Delta::End(None));
            send(list);
        }
    }
}
