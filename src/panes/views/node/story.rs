//! What goes on at a node, in sentences: since when it fails, what becomes of its pods, where they are made anew.

use std::collections::BTreeMap;

use crate::domain::id::Uid;
use crate::domain::level::Level;
use crate::domain::meta::Condition;
use crate::domain::node::Node;
use crate::domain::pod::Pod;
use crate::domain::time::Stamp;
use crate::panes::views::words::{counted, moment};
use crate::text;
use crate::world::ClusterWorld;

/// A sentence and how bad it is; the first is the one on the node itself.
pub(super) fn story(node: &Node, cluster: &ClusterWorld, now: Stamp) -> Vec<(Level, String)> {
    let pods: Vec<&Pod> =
        cluster.pods_on(&node.name).iter().filter_map(|slot| cluster.pods.at(*slot)).collect();
    let mut lines = Vec::new();
    if !node.is_ready() {
        lines.extend(unready(node, now));
        lines.extend(fate(node, &pods, cluster));
    }
    for fault in node.faults() {
        lines.push((Level::Warning, broken(fault, now)));
        lines.extend(meaning(&fault.kind).map(|words| (Level::Ok, words.to_owned())));
    }
    if node.faults().next().is_some() {
        lines.extend(evicted(&pods));
    }
    if node.cordoned {
        lines.push(cordoned(node, &pods, now));
    }
    if lines.is_empty() {
        let since =
            node.ready_since().map(|since| format!(" for {}", text::duration_words(now.since(since))));
        lines.push((Level::Ok, format!("Ready{}.", since.unwrap_or_default())));
    }
    lines
}

/// `Not ready for 6 m 12 s (since 14:26:10Z): NodeStatusUnknown: Kubelet stopped posting node status.`
fn broken(condition: &Condition, now: Stamp) -> String {
    let mut words = match &*condition.kind {
        "Ready" => "Not ready".to_owned(),
        kind => kind.to_owned(),
    };
    if let Some(since) = condition.since {
        let lasted = text::duration_words(now.since(since));
        words.push_str(&format!(" for {lasted} (since {})", moment(since, now)));
    }
    for part in [&condition.reason, &condition.message] {
        if !part.is_empty() {
            words.push_str(&format!(": {part}"));
        }
    }
    words
}

fn unready(node: &Node, now: Stamp) -> Vec<(Level, String)> {
    let Some(ready) = node.condition("Ready") else {
        return vec![(Level::Critical, "Not ready: its kubelet has not said anything yet.".to_owned())];
    };
    let meaning = match &*node.ready {
        "Unknown" => {
            "Its kubelet is not heard from: the machine is down or cut off, or the kubelet has stopped. What ran here \
             may still run."
        }
        _ => {
            "Its kubelet answers, and says itself that it cannot run pods: that they are ready may be long past."
        }
    };
    vec![(Level::Critical, broken(ready, now)), (Level::Ok, meaning.to_owned())]
}

/// What becomes of the pods of a node that is not ready.
fn fate(node: &Node, pods: &[&Pod], cluster: &ClusterWorld) -> Vec<(Level, String)> {
    let (leaving, staying): (Vec<&Pod>, Vec<&Pod>) =
        pods.iter().copied().filter(|pod| !pod.over).partition(|pod| pod.deleting);
    if leaving.is_empty() && staying.is_empty() {
        return vec![(Level::Ok, "No pod is left here.".to_owned())];
    }
    let mut words = Vec::new();
    if !leaving.is_empty() {
        let verb = if leaving.len() == 1 { "is" } else { "are" };
        words.push(format!("{} {verb} given up", counted(leaving.len(), "pod")));
    }
    let bound = staying.iter().filter(|pod| is_bound(pod)).count();
    let free = staying.len() - bound;
    if free > 0 {
        let verb = if free == 1 { "stays until its" } else { "stay until their" };
        words.push(format!("{} {verb} time to tolerate this is over (5 m by default)", counted(free, "pod")));
    }
    if bound > 0 {
        words.push(format!("{bound} of DaemonSets or the node itself stay"));
    }
    let level = if leaving.is_empty() && free == 0 { Level::Ok } else { Level::Progressing };
    let mut lines = vec![(level, format!("{}.", words.join("; ")))];
    if let Some(since) = node.ready_since() {
        lines.extend(moved(node, &leaving, since, cluster));
    }
    lines
}

/// Pods that belong to this very node: none are made elsewhere in their place.
fn is_bound(pod: &Pod) -> bool {
    pod.owner.as_ref().is_some_and(|owner| matches!(&*owner.kind, "DaemonSet" | "Node"))
}

/// Where the controllers of pods that are given up made others since the node fell.
fn moved(node: &Node, leaving: &[&Pod], since: Stamp, cluster: &ClusterWorld) -> Option<(Level, String)> {
    let mut owners: Vec<Uid> =
        leaving.iter().filter(|pod| !is_bound(pod)).filter_map(|pod| Some(pod.owner.as_ref()?.uid)).collect();
    owners.sort_unstable();
    owners.dedup();
    let slots = owners.iter().flat_map(|owner| cluster.pods_owned_by(*owner));
    let anew: Vec<&Pod> = slots
        .filter_map(|slot| cluster.pods.at(*slot))
        .filter(|pod| pod.created >= since && pod.node != node.name && !pod.over && !pod.deleting)
        .collect();
    if anew.is_empty() {
        let words = "None of them has been made anew elsewhere yet.".to_owned();
        return (!owners.is_empty()).then_some((Level::Progressing, words));
    }
    let mut places: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for pod in &anew {
        let place = places.entry(&*pod.node).or_default();
        place.0 += 1;
        place.1 += usize::from(pod.level() == Level::Ok);
    }
    let waiting = places.remove("").map_or(0, |(all, _)| all);
    let mut words: Vec<String> = places
        .iter()
        .map(|(place, (all, ready))| match all == ready {
            true => format!("{all} on {place}"),
            false => format!("{all} on {place} ({ready} ready)"),
        })
        .collect();
    if waiting > 0 {
        let verb = if waiting == 1 { "waits" } else { "wait" };
        words.push(format!("{waiting} {verb} for a node"));
    }
    let well = waiting == 0 && anew.iter().all(|pod| pod.level() == Level::Ok);
    let level = if well { Level::Ok } else { Level::Progressing };
    Some((level, format!("Made anew since: {}.", words.join(", "))))
}

/// What the kubelet and the scheduler do under a pressure.
fn meaning(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "MemoryPressure" => {
            "The kubelet ends pods until memory is free, those first that use more than they ask for; no pod that asks \
             for nothing comes here."
        }
        "DiskPressure" => {
            "The kubelet clears away images and ended containers, then ends pods; no new pod comes here."
        }
        "PIDPressure" => "The kubelet ends pods with many processes; no new pod comes here.",
        "NetworkUnavailable" => {
            "Its network is not set up: pods here cannot be reached, and no new ones come."
        }
        "ReadonlyFilesystem" => {
            "A file system can only be read: the machine needs to be looked at, or replaced."
        }
        _ => return None,
    })
}

/// Which pods the kubelet ended because of a pressure, as far as they are kept.
fn evicted(pods: &[&Pod]) -> Option<(Level, String)> {
    const NAMED: usize = 3;
    let mut names: Vec<&str> =
        pods.iter().filter(|pod| &*pod.status == "Evicted").map(|pod| &*pod.name).collect();
    if names.is_empty() {
        return None;
    }
    names.sort_unstable();
    let more = names.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let count = counted(names.len(), "pod");
    let verb = if names.len() == 1 { "was" } else { "were" };
    names.truncate(NAMED);
    Some((Level::Warning, format!("{count} {verb} evicted here: {}{more}.", names.join(", "))))
}

fn cordoned(node: &Node, pods: &[&Pod], now: Stamp) -> (Level, String) {
    let mut words = "SchedulingDisabled".to_owned();
    if let Some(since) = node.cordoned_since() {
        words.push_str(&format!(" for {}", text::duration_words(now.since(since))));
    }
    words.push_str(": no new pods come. ");
    let left = pods.iter().filter(|pod| !pod.over && !is_bound(pod)).count();
    match left {
        0 => words.push_str("It is empty but for what belongs to the node: drained."),
        1 => words.push_str("1 pod is still here."),
        left => words.push_str(&format!("{left} pods are still here.")),
    }
    (Level::Progressing, words)
}
