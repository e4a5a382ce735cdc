//! How well workloads are, their pods counted in. A Deployment says only
//! whether it has its replicas; that the new pods of a rollout are crashing
//! stands in the pods. This follows the failing pods through the tables' change
//! logs, so that a frame costs what changed and not what is there.

use std::collections::HashMap;

use crate::domain::id::{ClusterId, Kind, Name, Uid};
use crate::domain::level::Level;
use crate::domain::pod::{Pod, PodState};
use crate::domain::workload::{More, Workload};
use crate::world::{ClusterWorld, World};

/// How well all workloads of all clusters are.
#[derive(Debug, Default)]
pub struct Health {
    clusters: Vec<ClusterHealth>,
    version: u64,
    /// Workloads that stand otherwise since the version before this one, their own status apart.
    moved: Vec<(ClusterId, Uid)>,
}

/// How one workload stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Its own level, and worse where its pods say so.
    pub level: Level,
    /// Its failing pods.
    pub failing: u32,
}

#[derive(Debug, Default)]
struct ClusterHealth {
    /// Versions of pods, workloads and ReplicaSets that were looked at.
    seen: Option<[u64; 3]>,
    /// For each slot of a failing pod the controller that owns it directly
    /// (itself when nothing does).
    failing: Vec<Option<Uid>>,
    by_owner: HashMap<Uid, u32>,
    by_workload: HashMap<Uid, u32>,
    /// Failing pods that belong to no workload we know, by namespace.
    strays: HashMap<Name, u32>,
    /// The newest Job of each CronJob that is over or runs: (created, level).
    newest_job: HashMap<Uid, (i64, Level)>,
}

impl Health {
    /// Follows the world. Returns whether anything may have changed.
    pub fn refresh(&mut self, world: &World) -> bool {
        self.clusters.resize_with(world.clusters.len(), ClusterHealth::default);
        let mut moved = None;
        for ((id, cluster), health) in world.each().zip(&mut self.clusters) {
            if let Some(uids) = health.refresh(cluster) {
                moved.get_or_insert_with(Vec::new).extend(uids.into_iter().map(|uid| (id, uid)));
            }
        }
        let changed = moved.is_some();
        if let Some(moved) = moved {
            self.version += 1;
            self.moved = moved;
        }
        changed
    }

    /// The workloads that stand otherwise since then because of their pods or Jobs; what their own status says is told by
    /// their table. `None` when that is too long ago to be known.
    pub fn moved_since(&self, version: u64) -> Option<&[(ClusterId, Uid)]> {
        match self.version.checked_sub(version)? {
            0 => Some(&[]),
            1 => Some(&self.moved),
            _ => None,
        }
    }

    /// Rises when anything may have changed.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How a workload stands.
    pub fn of(&self, cluster: ClusterId, workload: &Workload) -> Standing {
        let Some(health) = self.clusters.get(usize::from(cluster.0)) else {
            return Standing { level: workload.level(), failing: 0 };
        };
        let failing = health.by_workload.get(&workload.uid).copied().unwrap_or_default();
        let own = workload.level();
        let level = match (&workload.more, own) {
            // What runs once and fails leaves everything else working.
            (More::Job(_), Level::Critical) => Level::Warning,
            (More::CronJob(_), _) if !workload.paused => match health.newest_job.get(&workload.uid) {
                Some((_, Level::Critical | Level::Warning)) => Level::Warning,
                _ => own,
            },
            (More::Job(_) | More::CronJob(_), own) => own,
            // A rollout whose new pods fail will not end by itself.
            (_, Level::Progressing) if failing > 0 => Level::Critical,
            (_, own) => own,
        };
        Standing { level, failing }
    }

    /// Failing pods of a namespace that no workload accounts for.
    pub fn strays(&self, cluster: ClusterId, namespace: &str) -> u32 {
        self.clusters
            .get(usize::from(cluster.0))
            .and_then(|health| health.strays.get(namespace))
            .copied()
            .unwrap_or_default()
    }
}

impl ClusterHealth {
    /// Follows a cluster. The workloads that stand otherwise since, their own status apart; `None` when nothing changed
    /// that standings follow from.
    fn refresh(&mut self, cluster: &ClusterWorld) -> Option<Vec<Uid>> {
        let now = [cluster.pods.version(), cluster.workloads.version(), cluster.replica_sets.version()];
        if self.seen == Some(now) {
            return None;
        }
        let turns = self.follow_pods(cluster);
        let others_changed = self.seen.is_none_or(|seen| seen[1..] != now[1..]);
        self.seen = Some(now);
        let mut moved = Vec::new();
        if others_changed {
            let before = std::mem::take(&mut self.newest_job);
            self.find_newest_jobs(cluster);
            moved.extend(different(&before, &self.newest_job));
        } else if turns.as_ref().is_some_and(Vec::is_empty) {
            return None;
        } else if let Some(turned) = turns.and_then(|turns| self.turn(cluster, &turns)) {
            return Some(turned);
        }
        let before = std::mem::take(&mut self.by_workload);
        self.attribute(cluster);
        moved.extend(different(&before, &self.by_workload));
        Some(moved)
    }

    /// Takes what pods are now: for each that began or ceased to fail its owner. `None` when all were looked at, since
    /// what changed is not known any more.
    fn follow_pods(&mut self, cluster: &ClusterWorld) -> Option<Vec<Turn>> {
        let before = self.seen.map(|seen| seen[0]);
        let mut turns = Vec::new();
        match before.and_then(|version| cluster.pods.changed_since(version)) {
            Some(slots) => {
                slots.iter().for_each(|slot| self.note(*slot, cluster.pods.at(*slot), &mut turns));
                Some(turns)
            }
            None => {
                self.failing.clear();
                self.by_owner.clear();
                cluster.pods.iter().for_each(|(slot, pod)| self.note(slot, Some(pod), &mut turns));
                None
            }
        }
    }

    /// Counts single pods up to their workloads: the workloads that have more or fewer that fail. `None` when one is a
    /// stray, or the counts do not hold: all are to be summed up anew.
    fn turn(&mut self, cluster: &ClusterWorld, turns: &[Turn]) -> Option<Vec<Uid>> {
        // Nothing is changed before all of it is known to hold: who sums up anew compares with what was.
        let mut counts: HashMap<Uid, u32> = HashMap::new();
        for Turn { owner, fails } in turns {
            let workload = workload_above(cluster, *owner)?.uid;
            let known = || self.by_workload.get(&workload).copied().unwrap_or_default();
            let count = counts.entry(workload).or_insert_with(known);
            *count = if *fails { *count + 1 } else { count.checked_sub(1)? };
        }
        let moved = counts.keys().copied().collect();
        for (workload, count) in counts {
            match count {
                0 => self.by_workload.remove(&workload),
                count => self.by_workload.insert(workload, count),
            };
        }
        Some(moved)
    }

    /// Takes the pod that is in a slot now, and tells when it began or ceased to fail.
    fn note(&mut self, slot: u32, pod: Option<&Pod>, turns: &mut Vec<Turn>) {
        let at = slot as usize;
        let owner = pod
            .filter(|pod| pod.state == PodState::Failed)
            .map(|pod| pod.owner.as_ref().map_or(pod.uid, |owner| owner.uid));
        let before = self.failing.get(at).copied().flatten();
        if before == owner {
            return;
        }
        turns.extend(before.map(|owner| Turn { owner, fails: false }));
        turns.extend(owner.map(|owner| Turn { owner, fails: true }));
        if let Some(old) = before
            && let Some(count) = self.by_owner.get_mut(&old)
        {
            *count -= 1;
            if *count == 0 {
                self.by_owner.remove(&old);
            }
        }
        if let Some(new) = owner {
            *self.by_owner.entry(new).or_default() += 1;
        }
        if self.failing.len() <= at {
            self.failing.resize(at + 1, None);
        }
        self.failing[at] = owner;
    }

    /// Sums the failing pods up to the workloads they belong to.
    fn attribute(&mut self, cluster: &ClusterWorld) {
        self.by_workload.clear();
        self.strays.clear();
        for (owner, count) in &self.by_owner {
            match workload_above(cluster, *owner) {
                Some(workload) => *self.by_workload.entry(workload.uid).or_default() += count,
                None => {
                    if let Some(namespace) = namespace_of(cluster, *owner) {
                        *self.strays.entry(namespace).or_default() += count;
                    }
                }
            }
        }
    }

    fn find_newest_jobs(&mut self, cluster: &ClusterWorld) {
        self.newest_job.clear();
        for (_, job) in cluster.workloads.iter().filter(|(_, w)| w.kind == Kind::Job) {
            let Some(owner) = &job.owner else { continue };
            let newest = (job.created.0, job.level());
            let known = self.newest_job.entry(owner.uid).or_insert(newest);
            if newest.0 >= known.0 {
                *known = newest;
            }
        }
    }
}

/// A pod of an owner that began to fail, or ceased to.
#[derive(Clone, Copy, Debug)]
struct Turn {
    owner: Uid,
    fails: bool,
}

/// The keys under which two maps do not hold the same.
fn different<V: PartialEq>(before: &HashMap<Uid, V>, after: &HashMap<Uid, V>) -> Vec<Uid> {
    let other = |(uid, value): &(&Uid, &V)| after.get(*uid) != Some(*value);
    let gone_or_other = before.iter().filter(other).map(|(uid, _)| *uid);
    gone_or_other.chain(after.keys().filter(|uid| !before.contains_key(*uid)).copied()).collect()
}

/// The workload that a pod's direct owner is or belongs to.
pub fn workload_above(cluster: &ClusterWorld, owner: Uid) -> Option<&Workload> {
    cluster.workloads.get(owner).or_else(|| {
        let set = cluster.replica_sets.get(owner)?;
        cluster.workloads.get(set.owner.as_ref()?.uid)
    })
}

/// The namespace of the pods of an owner of which nothing else is known.
fn namespace_of(cluster: &ClusterWorld, owner: Uid) -> Option<Name> {
    let slot = cluster.pods_owned_by(owner).first().copied().or_else(|| cluster.pods.slot(owner))?;
    cluster.pods.at(slot).map(|pod| pod.namespace.clone())
}

/// Why a workload stands as it does, in a few words that begin with its name:
/// `cart: 3 pods CrashLoopBackOff (OOMKilled)`. Empty when it is well.
pub fn why(cluster: &ClusterWorld, workload: &Workload, standing: Standing) -> String {
    let what = match standing.level {
        Level::Ok => return String::new(),
        Level::Idle => match workload.paused {
            true => "suspended".to_owned(),
            false => "at rest".to_owned(),
        },
        _ => trouble(cluster, workload, standing),
    };
    format!("{}: {what}", workload.name)
}

fn trouble(cluster: &ClusterWorld, workload: &Workload, standing: Standing) -> String {
    match &workload.more {
        More::CronJob(_) if standing.level == Level::Warning => return "its last job failed".to_owned(),
        More::CronJob(_) => return "job running".to_owned(),
        More::Job(job) if standing.level == Level::Warning => {
            return format!("{} of its pods failed", job.failed);
        }
        More::Job(job) => return format!("{}/{} done", job.succeeded, job.completions),
        _ => {}
    }
    let failing = failing_words(cluster, workload, standing.failing);
    if !failing.is_empty() {
        return failing;
    }
    let reason = |kind: &str| workload.condition(kind).map(|condition| &*condition.reason);
    if reason("Progressing") == Some("ProgressDeadlineExceeded") {
        "rollout is past its deadline".to_owned()
    } else if workload.condition("ReplicaFailure").is_some_and(|condition| condition.is_true()) {
        "pods cannot be created".to_owned()
    } else if let More::Rollout(rollout) = &workload.more
        && !rollout.message.is_empty()
    {
        rollout.message.to_string()
    } else if standing.level == Level::Progressing && workload.updated < workload.desired {
        format!("{}/{} pods updated", workload.updated, workload.desired)
    } else {
        format!("{}/{} pods available", workload.available, workload.desired)
    }
}

fn failing_words(cluster: &ClusterWorld, workload: &Workload, failing: u32) -> String {
    if failing == 0 {
        return String::new();
    }
    let pods: Vec<&Pod> = cluster
        .pods_of(workload)
        .into_iter()
        .filter_map(|slot| cluster.pods.at(slot))
        .filter(|pod| pod.state == PodState::Failed)
        .collect();
    // The state that most are in; one that runs again for a moment says least.
    let alike = |sample: &Pod| pods.iter().filter(|pod| pod.status == sample.status).count();
    let sample = pods.iter().max_by_key(|pod| (&*pod.status != RUNNING, alike(pod), &pod.status));
    let Some(sample) = sample else { return format!("{failing} pods fail") };
    let plural = if failing == 1 { "" } else { "s" };
    let exit = match &sample.last_exit {
        Some(exit) if exit.reason != sample.status && &*exit.reason == "OOMKilled" => {
            format!(" ({})", exit.reason)
        }
        _ => String::new(),
    };
    let state = if &*sample.status == RUNNING { "crashing" } else { &sample.status };
    format!("{failing} pod{plural} {state}{exit}")
}

/// STATUS of a pod that runs, and of one that crashes between two crashes.
const RUNNING: &str = "Running";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::pod::LastExit;
    use crate::domain::time::Stamp;
    use crate::domain::workload::{CronJobMore, JobMore};
    use crate::fleet::testing::{
        condition, deployment, pod, put_pods, put_replica_sets, put_workloads, send, world,
    };
    use crate::msg::{ClusterMsg, Delta, Facts};

    const ID: ClusterId = ClusterId(0);

    fn standing(world: &World, health: &Health, name: &str) -> Standing {
        let (_, workload) = world.clusters[0].workloads.iter().find(|(_, w)| &*w.name == name).unwrap();
        health.of(ID, workload)
    }

    fn words(world: &World, health: &Health, name: &str) -> String {
        let (_, workload) = world.clusters[0].workloads.iter().find(|(_, w)| &*w.name == name).unwrap();
        why(&world.clusters[0], workload, health.of(ID, workload))
    }

    #[test]
    fn a_rollout_whose_new_pods_fail_is_critical_until_they_recover() {
        let mut world = world(&[("gke", &["prod"])]);
        let mut cart = deployment("prod", "cart", "cart:2", 4);
        cart.updated = 3;
        cart.current = 4;
        cart.available = 1;
        let new = crate::fleet::testing::replica_set(&cart, 2, "cart:2", 3, 100);
        put_workloads(&mut world, ID, Kind::Deployment, vec![cart]);
        put_replica_sets(&mut world, ID, vec![new.clone()]);
        let pods: Vec<Pod> = (0..3).map(|n| pod(&new, n, PodState::Moving)).collect();
        put_pods(&mut world, ID, pods.clone());
        let mut health = Health::default();
        assert!(health.refresh(&world));
        assert_eq!(standing(&world, &health, "cart"), Standing { level: Level::Progressing, failing: 0 });
        assert_eq!(words(&world, &health, "cart"), "cart: 3/4 pods updated");
        assert!(!health.refresh(&world), "nothing changed");

        let mut crashing = pods.clone();
        for pod in &mut crashing {
            pod.state = PodState::Failed;
            pod.status = "CrashLoopBackOff".into();
            pod.last_exit = Some(Box::new(LastExit { reason: "OOMKilled".into(), code: 137, at: None }));
        }
        put_pods(&mut world, ID, crashing.clone());
        assert!(health.refresh(&world));
        assert_eq!(standing(&world, &health, "cart"), Standing { level: Level::Critical, failing: 3 });
        assert_eq!(words(&world, &health, "cart"), "cart: 3 pods CrashLoopBackOff (OOMKilled)");
        // Between two crashes a pod runs: that is not what is wrong with it.
        for (running, wanted) in [(1, "CrashLoopBackOff"), (2, "CrashLoopBackOff"), (3, "crashing")] {
            crashing.iter_mut().take(running).for_each(|pod| pod.status = "Running".into());
            put_pods(&mut world, ID, crashing.clone());
            health.refresh(&world);
            assert_eq!(words(&world, &health, "cart"), format!("cart: 3 pods {wanted} (OOMKilled)"));
        }

        put_pods(&mut world, ID, pods);
        send(
            &mut world,
            ID,
            ClusterMsg::Facts(Facts::Pods(vec![Delta::Gone(crate::fleet::testing::uid("x"))])),
        );
        assert!(health.refresh(&world));
        assert_eq!(standing(&world, &health, "cart").failing, 0);
    }

    #[test]
    fn a_stray_beside_it_hides_no_workload_that_recovers() {
        let mut world = world(&[("gke", &["prod"])]);
        let cart = deployment("prod", "cart", "cart:1", 2);
        let set = crate::fleet::testing::replica_set(&cart, 1, "cart:1", 2, 0);
        let gone = crate::fleet::testing::replica_set(&deployment("prod", "gone", "x", 1), 1, "x", 1, 0);
        put_workloads(&mut world, ID, Kind::Deployment, vec![cart.clone()]);
        put_replica_sets(&mut world, ID, vec![set.clone()]);
        put_pods(&mut world, ID, vec![pod(&set, 0, PodState::Failed)]);
        let mut health = Health::default();
        health.refresh(&world);
        let before = health.version();
        put_pods(&mut world, ID, vec![pod(&set, 0, PodState::Ready), pod(&gone, 0, PodState::Failed)]);
        assert!(health.refresh(&world));
        let moved: &[(ClusterId, Uid)] = &[(ID, cart.uid)];
        assert_eq!((health.moved_since(before), health.strays(ID, "prod")), (Some(moved), 1));
    }

    #[test]
    fn changes_of_well_pods_change_nothing() {
        let mut world = world(&[("gke", &["prod"])]);
        let cart = deployment("prod", "cart", "cart:1", 2);
        let set = crate::fleet::testing::replica_set(&cart, 1, "cart:1", 2, 0);
        put_workloads(&mut world, ID, Kind::Deployment, vec![cart]);
        put_replica_sets(&mut world, ID, vec![set.clone()]);
        put_pods(&mut world, ID, vec![pod(&set, 0, PodState::Ready)]);
        let mut health = Health::default();
        health.refresh(&world);
        let version = health.version();
        put_pods(&mut world, ID, vec![pod(&set, 1, PodState::Moving)]);
        assert!(!health.refresh(&world));
        assert_eq!(health.version(), version);
    }

    #[test]
    fn it_is_told_which_workloads_stand_otherwise() {
        let mut world = world(&[("gke", &["prod"])]);
        let [cart, shop] = ["cart", "shop"].map(|name| deployment("prod", name, "x:1", 2));
        let [of_cart, of_shop] =
            [&cart, &shop].map(|one| crate::fleet::testing::replica_set(one, 1, "x:1", 2, 0));
        put_workloads(&mut world, ID, Kind::Deployment, vec![cart.clone(), shop]);
        put_replica_sets(&mut world, ID, vec![of_cart.clone(), of_shop]);
        put_pods(&mut world, ID, vec![pod(&of_cart, 0, PodState::Ready)]);
        let mut health = Health::default();
        health.refresh(&world);
        let first = health.version();
        put_pods(&mut world, ID, vec![pod(&of_cart, 0, PodState::Failed)]);
        health.refresh(&world);
        let moved: &[(ClusterId, Uid)] = &[(ID, cart.uid)];
        assert_eq!(
            (health.moved_since(first), health.moved_since(health.version())),
            (Some(moved), Some(&[][..]))
        );
        // Its own status is told by its table.
        put_workloads(&mut world, ID, Kind::Deployment, vec![Workload { ready: 1, ..cart }]);
        health.refresh(&world);
        assert_eq!(health.moved_since(health.version() - 1), Some(&[][..]));
        assert_eq!(health.moved_since(first), None, "too long ago");
        assert_eq!(health.moved_since(health.version() + 1), None);
    }

    #[test]
    fn the_count_is_the_same_when_the_log_was_lost() {
        let mut world = world(&[("gke", &["prod"])]);
        let cart = deployment("prod", "cart", "cart:1", 2);
        let set = crate::fleet::testing::replica_set(&cart, 1, "cart:1", 2, 0);
        put_workloads(&mut world, ID, Kind::Deployment, vec![cart]);
        put_replica_sets(&mut world, ID, vec![set.clone()]);
        let mut health = Health::default();
        put_pods(&mut world, ID, (0..5).map(|n| pod(&set, n, PodState::Failed)).collect());
        health.refresh(&world);
        for _ in 0..1_200 {
            put_pods(&mut world, ID, vec![pod(&set, 0, PodState::Ready), pod(&set, 1, PodState::Failed)]);
        }
        health.refresh(&world);
        assert_eq!(standing(&world, &health, "cart").failing, 4);
    }

    #[test]
    fn pods_without_a_workload_are_strays_of_their_namespace() {
        let mut world = world(&[("gke", &["prod"])]);
        let set = crate::fleet::testing::replica_set(&deployment("prod", "gone", "x", 1), 1, "x", 1, 0);
        let mut bare = pod(&set, 7, PodState::Failed);
        bare.owner = None;
        put_pods(&mut world, ID, vec![bare, pod(&set, 1, PodState::Failed)]);
        let mut health = Health::default();
        health.refresh(&world);
        assert_eq!(health.strays(ID, "prod"), 2);
        assert_eq!(health.strays(ID, "other"), 0);
    }

    fn job(name: &str, owner: Option<&Workload>, created: i64, failed: bool) -> Workload {
        let mut job = deployment("prod", name, "job:1", 1);
        job.kind = Kind::Job;
        job.created = Stamp(created);
        job.owner = owner.map(|owner| {
            Arc::new(crate::domain::meta::Owner {
                uid: owner.uid,
                kind: "CronJob".into(),
                name: owner.name.clone(),
            })
        });
        job.more = More::Job(JobMore {
            completions: 1,
            succeeded: u32::from(!failed),
            failed: u32::from(failed),
            active: 0,
            started: None,
            completed: (!failed).then_some(Stamp(created + 5)),
        });
        if failed {
            job.conditions = Arc::from([condition("Failed", "True", "BackoffLimitExceeded")]);
        }
        job
    }

    #[test]
    fn a_cron_job_stands_as_its_newest_job_ended() {
        let mut cron = deployment("prod", "report", "job:1", 0);
        cron.kind = Kind::CronJob;
        cron.more = More::CronJob(CronJobMore {
            schedule: "*/5 * * * *".into(),
            time_zone: "".into(),
            active: 0,
            last_schedule: None,
            last_success: None,
        });
        for (jobs, level, reason) in [
            (vec![job("r-1", Some(&cron), 1, false)], Level::Idle, "report: at rest"),
            (
                vec![job("r-1", Some(&cron), 1, true), job("r-2", Some(&cron), 2, false)],
                Level::Idle,
                "report: at rest",
            ),
            (
                vec![job("r-2", Some(&cron), 2, true), job("r-1", Some(&cron), 1, false)],
                Level::Warning,
                "report: its last job failed",
            ),
        ] {
            let mut world = world(&[("gke", &["prod"])]);
            put_workloads(&mut world, ID, Kind::CronJob, vec![cron.clone()]);
            put_workloads(&mut world, ID, Kind::Job, jobs);
            let mut health = Health::default();
            health.refresh(&world);
            assert_eq!(standing(&world, &health, "report").level, level);
            assert_eq!(words(&world, &health, "report"), reason);
        }
    }
}
