//! Argo Rollouts as they stand: how far each is, and the releases between which it divides its traffic.

use std::collections::{HashMap, HashSet};

use super::image::{ImageRef, short_digest};
use crate::domain::id::{ClusterId, Kind, Name, ObjectRef, Uid};
use crate::domain::level::Level;
use crate::domain::workload::{More, ReplicaSet, RolloutMore, Workload};
use crate::world::World;

/// A Rollout with its releases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steered {
    /// The Rollout.
    pub rollout: ObjectRef,
    /// `status.phase`, or what a person made of it: `aborted`, `held`.
    pub phase: String,
    /// Strategy, step and what it waits for.
    pub how: String,
    /// The step that it is at, and how many there are.
    pub step: Option<(u32, u32)>,
    /// How well it is.
    pub level: Level,
    /// The stable release, and the new one where there is one.
    pub releases: Vec<Release>,
}

/// One release of a Rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// `stable`, `canary`, `preview`, or `new` where the strategy is not known.
    pub name: &'static str,
    /// Its ReplicaSet.
    pub set: ObjectRef,
    /// Its Service leads to it: of a blue/green Rollout the active one, of a canary both.
    pub live: bool,
    /// Per cent of the traffic, where a router divides it.
    pub share: Option<u32>,
    /// What it runs: a tag, or a short digest.
    pub release: String,
    /// Ready pods.
    pub ready: u32,
    /// Pods wanted.
    pub desired: u32,
}

/// All Rollouts where `shows` wants them, by namespace and name.
pub fn rollouts(world: &World, shows: impl Fn(ClusterId, &str) -> bool) -> Vec<Steered> {
    let mut found: Vec<Steered> = Vec::new();
    for (id, cluster) in world.each() {
        let of_rollouts = cluster.workloads.iter().filter_map(|(_, workload)| match &workload.more {
            More::Rollout(more) if shows(id, &workload.namespace) => Some((workload, more)),
            _ => None,
        });
        let here: Vec<(&Workload, &RolloutMore)> = of_rollouts.map(|(one, more)| (one, &**more)).collect();
        if here.is_empty() {
            continue;
        }
        // Looked up for each of them: there are many more ReplicaSets than Rollouts.
        let uids: HashSet<Uid> = here.iter().map(|(workload, _)| workload.uid).collect();
        let owned = cluster.replica_sets.iter().filter_map(|(_, set)| Some((set.owner.as_ref()?.uid, set)));
        let owned = owned.filter(|(owner, _)| uids.contains(owner));
        let sets: Sets<'_> = owned.map(|(owner, set)| ((owner, &*set.hash), set)).collect();
        found.extend(here.into_iter().map(|(workload, more)| steered(id, &sets, workload, more)));
    }
    let key = |one: &Steered| (one.rollout.namespace.clone(), one.rollout.name.clone(), one.rollout.cluster);
    found.sort_by_key(key);
    found
}

/// ReplicaSets by owner and hash.
type Sets<'a> = HashMap<(Uid, &'a str), &'a ReplicaSet>;

fn steered(id: ClusterId, sets: &Sets<'_>, workload: &Workload, more: &RolloutMore) -> Steered {
    let object = |kind, name: Name, uid| ObjectRef {
        cluster: id,
        kind,
        namespace: workload.namespace.clone(),
        name,
        uid,
    };
    let mut hashes = vec![("stable", &more.stable_hash)];
    if more.current_hash != more.stable_hash {
        hashes.push((of_new(more), &more.current_hash));
    }
    let releases = hashes.into_iter().filter_map(|(name, hash)| {
        let set = sets.get(&(workload.uid, &**hash))?;
        Some(Release {
            name,
            set: object(Kind::ReplicaSet, set.name.as_ref().into(), set.uid),
            live: more.active_hash.is_empty() || more.active_hash == *hash,
            share: more.weights.map(|(canary, stable)| if name == "stable" { stable } else { canary }),
            release: runs(set),
            ready: set.ready,
            desired: set.desired,
        })
    });
    let releases = releases.collect();
    Steered {
        rollout: object(Kind::Rollout, workload.name.clone(), workload.uid),
        phase: match (more.aborted, workload.paused, &*more.phase) {
            (true, ..) => "aborted".to_owned(),
            (_, true, _) => "held".to_owned(),
            (_, _, "") => "?".to_owned(),
            (.., phase) => phase.to_lowercase(),
        },
        how: how(more),
        step: more.step.map(|(at, all)| (at.min(all), all)),
        level: workload.level(),
        releases,
    }
}

fn of_new(more: &RolloutMore) -> &'static str {
    match &*more.strategy {
        "canary" => "canary",
        "blueGreen" => "preview",
        _ => "new",
    }
}

fn how(more: &RolloutMore) -> String {
    let mut words: Vec<String> = Vec::new();
    match &*more.strategy {
        "" => {}
        "blueGreen" => words.push("blue/green".to_owned()),
        other => words.push(other.to_owned()),
    }
    if let Some((at, all)) = more.step {
        words.push(format!("step {} of {all}", at.min(all)));
    }
    // One that went well is no news.
    let running = more.analyses.iter().filter(|run| run.level() != Level::Ok);
    words.extend(running.map(|run| format!("analysis ({}) {}", run.of, run.phase)));
    if !more.message.is_empty() {
        words.push(more.message.to_string());
    }
    words.join(", ")
}

fn runs(set: &ReplicaSet) -> String {
    let Some(own) = set.images.iter().find(|image| !image.init) else { return String::new() };
    let image = ImageRef::parse(&own.image);
    if image.tag.is_empty() { short_digest(&image.digest).to_owned() } else { image.tag.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::workload::Analysis;
    use crate::fleet::testing::{deployment, put_replica_sets, put_workloads, replica_set, world};

    fn more(strategy: &str, current: &str) -> RolloutMore {
        RolloutMore {
            strategy: strategy.into(),
            phase: "Paused".into(),
            message: "CanaryPauseStep".into(),
            step: (strategy == "canary").then_some((1, 6)),
            stable_hash: "aaa".into(),
            current_hash: current.into(),
            active_hash: if strategy == "blueGreen" { "aaa".into() } else { "".into() },
            aborted: false,
            weights: (strategy == "canary").then_some((20, 80)),
            analyses: Vec::new(),
        }
    }

    fn looked_at(more: RolloutMore) -> Steered {
        let id = ClusterId(0);
        let mut world = world(&[("gke", &["shop"])]);
        let mut workload = deployment("shop", "cart", "r.example/cart:1.1", 5);
        workload.kind = Kind::Rollout;
        let sets = [("aaa", "r.example/cart:1.0", 1), ("bbb", "r.example/cart:1.1", 2)];
        let sets = sets.map(|(hash, image, revision)| ReplicaSet {
            hash: hash.into(),
            ..replica_set(&workload, revision, image, 3, 0)
        });
        workload.more = More::Rollout(Box::new(more));
        put_workloads(&mut world, id, Kind::Rollout, vec![workload]);
        put_replica_sets(&mut world, id, sets.into());
        assert!(rollouts(&world, |_, _| false).is_empty());
        let mut found = rollouts(&world, |_, namespace| namespace == "shop");
        assert_eq!(found.len(), 1);
        found.remove(0)
    }

    #[test]
    fn a_canary_has_two_releases_while_it_goes() {
        let seen = looked_at(more("canary", "bbb"));
        assert_eq!(
            (seen.phase.as_str(), seen.how.as_str()),
            ("paused", "canary, step 1 of 6, CanaryPauseStep")
        );
        let told: Vec<_> =
            seen.releases.iter().map(|one| (one.name, one.live, one.share, &*one.release)).collect();
        assert_eq!(told, [("stable", true, Some(80), "1.0"), ("canary", true, Some(20), "1.1")]);
        assert_eq!(looked_at(more("canary", "aaa")).releases.len(), 1, "when it is through there is one");
    }

    #[test]
    fn of_a_pair_the_active_one_is_live() {
        let mut running = more("blueGreen", "bbb");
        running.analyses = vec![Analysis {
            of: "before",
            run: "cart-bbb-2-pre".into(),
            phase: "Running".into(),
            message: "".into(),
        }];
        let seen = looked_at(running);
        assert!(seen.how.contains("blue/green, analysis (before) Running"), "{}", seen.how);
        let told: Vec<_> = seen.releases.iter().map(|one| (one.name, one.live)).collect();
        assert_eq!(told, [("stable", true), ("preview", false)]);
    }
}
