//! The arithmetic of a rollout: how far the new ReplicaSet may grow and the old ones must shrink now.

use super::{DESIRED, MAX, Part, View, scale};
use crate::demo::controllers::Cluster;
use crate::demo::json::{entry, int, name, namespace, text};

/// How many pods a new ReplicaSet starts with.
pub fn first_size(view: &View) -> i64 {
    if text(&view.deployment, "/spec/strategy/type") == "Recreate" {
        let busy = view.old.iter().any(|p| p.counts.present + p.counts.terminating > 0);
        return if busy { 0 } else { view.wanted() };
    }
    let (surge, _) = view.bounds();
    let room = view.wanted() + surge - view.total();
    room.clamp(0, view.wanted())
}

/// One step: grow the new one if there is room, else shrink the old ones.
pub fn step(cx: &mut Cluster, view: &View) {
    let Some(new) = &view.new else { return };
    if text(&view.deployment, "/spec/strategy/type") == "Recreate" {
        for old in view.old.iter().filter(|p| p.replicas() > 0) {
            scale(cx, view, old, 0);
        }
        if first_size(view) == view.wanted() && new.replicas() != view.wanted() {
            scale(cx, view, new, view.wanted());
        }
        return;
    }
    let size = new.replicas();
    let goal = if size > view.wanted() {
        view.wanted()
    } else {
        let (surge, _) = view.bounds();
        let room = (view.wanted() + surge - view.total()).max(0);
        size + room.min(view.wanted() - size)
    };
    if goal != size {
        return scale(cx, view, new, goal);
    }
    shrink_old(cx, view, new);
}

/// Old pods that are not well go first, then as many of the others as may be missing.
fn shrink_old(cx: &mut Cluster, view: &View, new: &Part) {
    if view.old.iter().all(|p| p.replicas() == 0) {
        return;
    }
    let (_, unavailable) = view.bounds();
    let least = view.wanted() - unavailable;
    let new_unavailable = (new.replicas() - new.counts.available).max(0);
    let mut may_go = view.total() - least - new_unavailable;
    if may_go <= 0 {
        return;
    }
    let mut sizes: Vec<i64> = view.old.iter().map(Part::replicas).collect();
    for (part, size) in view.old.iter().zip(&mut sizes) {
        let unwell = (*size - part.counts.available).max(0).min(may_go);
        *size -= unwell;
        may_go -= unwell;
    }
    let available: i64 = view.all().map(|p| p.counts.available).sum();
    let mut spare = (available - least).max(0);
    for size in &mut sizes {
        let go = (*size).min(spare).min(may_go);
        *size -= go;
        spare -= go;
        may_go -= go;
    }
    for (part, size) in view.old.iter().zip(sizes) {
        if size != part.replicas() {
            scale(cx, view, part, size);
        }
    }
}

/// The wanted number changed: one ReplicaSet alone takes it all, several share it in proportion.
pub fn rescale(cx: &mut Cluster, view: &View) {
    let busy: Vec<&Part> = view.all().filter(|p| p.replicas() > 0).collect();
    if busy.len() <= 1 {
        let only = busy.first().copied().or(view.new.as_ref()).or(view.old.last());
        if let Some(part) = only {
            let noted = entry(&part.set, "/metadata/annotations", DESIRED).parse() == Ok(view.wanted());
            if part.replicas() != view.wanted() || !noted {
                scale(cx, view, part, view.wanted());
            }
        }
        return;
    }
    if let Some(new) = &view.new
        && new.replicas() == view.wanted()
        && new.counts.available == view.wanted()
    {
        for old in view.old.iter().filter(|p| p.replicas() > 0) {
            scale(cx, view, old, 0);
        }
        return;
    }
    let (surge, _) = view.bounds();
    let allowed = if view.wanted() > 0 { view.wanted() + surge } else { 0 };
    let mut left = allowed - view.total();
    let mut order = busy;
    order.sort_by_key(|p| -p.replicas());
    let mut sizes: Vec<i64> = Vec::new();
    for part in &order {
        let size = part.replicas();
        let was: i64 = entry(&part.set, "/metadata/annotations", MAX).parse().unwrap_or(0);
        let goal = if was > 0 { (size as f64 * allowed as f64 / was as f64).round() as i64 } else { size };
        let change = if left > 0 { (goal - size).clamp(0, left) } else { (goal - size).clamp(left, 0) };
        left -= change;
        sizes.push(size + change);
    }
    if let Some(first) = sizes.first_mut() {
        *first = (*first + left).max(0);
    }
    for (part, size) in order.into_iter().zip(sizes) {
        scale(cx, view, part, size);
    }
}

/// Old ReplicaSets without pods are kept up to the limit.
pub fn clean_up(cx: &mut Cluster, view: &View) {
    let done = view.new.as_ref().is_some_and(|n| {
        n.counts.available == view.wanted() && n.replicas() == view.wanted() && view.total() == n.replicas()
    });
    let limit = view
        .deployment
        .pointer("/spec/revisionHistoryLimit")
        .map_or(10, |_| int(&view.deployment, "/spec/revisionHistoryLimit"));
    if !done || view.old.len() as i64 <= limit {
        return;
    }
    let extra = view.old.len() - limit.max(0) as usize;
    for part in view.old.iter().take(extra) {
        if part.replicas() == 0 && part.counts.present == 0 {
            cx.delete("replicasets.apps", namespace(&part.set), name(&part.set));
        }
    }
}
