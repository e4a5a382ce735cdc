//! What happened, and when: rollouts, scalings and restarts, as the cluster's objects remember them, for the time axis
//! of graphs.
//!
//! Pure. Only what an object dates itself is told: a ReplicaSet's creation is a rollout, an autoscaler's last change of
//! size a scaling, a container's last end a restart. What nothing dates (a scaling by hand, a rollback to a ReplicaSet
//! that was there already, the restarts before the last one) is not guessed.

use crate::domain::environment::Environment;
use crate::domain::id::{ClusterId, Kind, Name, ObjectRef, Uid};
use crate::domain::level::Level;
use crate::domain::pod::Pod;
use crate::domain::time::Stamp;
use crate::domain::workload::{ReplicaSet, Workload};
use crate::fleet::image::ImageRef;
use crate::world::{ClusterWorld, World};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: Stamp,
    /// What.
    pub what: What,
    /// To what: the name of a workload or of a pod.
    pub about: Name,
    /// More: the release (`1.31.0`), the size (`4 pods`), how a container ended (`OOMKilled 137`). May be empty.
    pub detail: String,
}

/// Sorts of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// A new pod template came.
    Rollout,
    /// An autoscaler changed the number of pods.
    Scaling,
    /// A container ended and was started again, or waits for it.
    Restart,
}

impl What {
    /// Its word on the time axis.
    pub fn word(self) -> &'static str {
        match self {
            What::Rollout => "deploy",
            What::Scaling => "scale",
            What::Restart => "restart",
        }
    }

    /// How much it wants a look.
    pub fn level(self) -> Level {
        match self {
            What::Rollout | What::Scaling => Level::Idle,
            What::Restart => Level::Warning,
        }
    }
}

/// Whose events.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// All of an environment's workloads.
    Environment(&'a Environment),
    /// These workloads: an app's, or one.
    Workloads(&'a [ObjectRef]),
    /// One pod, with the rollouts of its workload.
    Pod(&'a ObjectRef),
    /// The pods of a node.
    Node(ClusterId, &'a str),
}

/// More than so many are not told: the newest ones are.
const MOST: usize = 200;

/// What happened since then, newest first.
pub fn marks(world: &World, scope: Scope<'_>, since: Stamp) -> Vec<Mark> {
    let mut marks = Vec::new();
    match scope {
        Scope::Environment(env) => {
            if let Some(cluster) = world.cluster(env.cluster) {
                let here = |namespace: &str| env.scope.contains(namespace);
                rollouts(cluster, since, |set| here(&set.namespace), &mut marks);
                restarts(
                    cluster.pods.iter().map(|(_, pod)| pod).filter(|pod| here(&pod.namespace)),
                    since,
                    &mut marks,
                );
                for (_, workload) in
                    cluster.workloads.iter().filter(|(_, workload)| here(&workload.namespace))
                {
                    scalings(cluster, workload, since, &mut marks);
                }
            }
        }
        Scope::Workloads(objects) => {
            for object in objects {
                if let Some((cluster, workload)) =
                    world.cluster(object.cluster).zip(world.find_workload(object))
                {
                    of_workload(cluster, workload, since, &mut marks);
                    let slots = cluster.pods_of(workload);
                    restarts(slots.iter().filter_map(|slot| cluster.pods.at(*slot)), since, &mut marks);
                }
            }
        }
        Scope::Pod(object) => {
            if let Some((cluster, pod)) = world.cluster(object.cluster).zip(world.find_pod(object)) {
                restarts(std::iter::once(pod), since, &mut marks);
                let workload = owner(pod).and_then(|set| workload_of(cluster, set));
                if let Some(workload) = workload {
                    of_workload(cluster, workload, since, &mut marks);
                }
            }
        }
        Scope::Node(id, node) => {
            if let Some(cluster) = world.cluster(id) {
                restarts(
                    cluster.pods.iter().map(|(_, pod)| pod).filter(|pod| *pod.node == *node),
                    since,
                    &mut marks,
                );
            }
        }
    }
    marks.sort_by(|a, b| {
        b.at.cmp(&a.at).then_with(|| a.what.cmp(&b.what)).then_with(|| a.about.cmp(&b.about))
    });
    marks.truncate(MOST);
    marks
}

fn of_workload(cluster: &ClusterWorld, workload: &Workload, since: Stamp, marks: &mut Vec<Mark>) {
    rollouts(cluster, since, |set| owned_by(set, workload.uid), marks);
    scalings(cluster, workload, since, marks);
}

fn owner(pod: &Pod) -> Option<Uid> {
    pod.owner.as_ref().map(|owner| owner.uid)
}

fn owned_by(set: &ReplicaSet, workload: Uid) -> bool {
    set.owner.as_ref().is_some_and(|owner| owner.uid == workload)
}

/// The workload that owns a pod's controller, or is it.
fn workload_of(cluster: &ClusterWorld, controller: Uid) -> Option<&Workload> {
    let through =
        cluster.replica_sets.get(controller).and_then(|set| set.owner.as_ref()).map(|owner| owner.uid);
    cluster.workloads.get(through.unwrap_or(controller))
}

fn rollouts(
    cluster: &ClusterWorld,
    since: Stamp,
    wanted: impl Fn(&ReplicaSet) -> bool,
    marks: &mut Vec<Mark>,
) {
    for (_, set) in cluster.replica_sets.iter().filter(|(_, set)| set.created >= since && wanted(set)) {
        // A ReplicaSet that somebody made by hand rolls nothing out.
        let Some(owner) = &set.owner else { continue };
        let image = set.images.iter().find(|image| !image.init).map(|image| ImageRef::parse(&image.image));
        let detail = image.map(|image| image.tag).unwrap_or_default();
        marks.push(Mark { at: set.created, what: What::Rollout, about: owner.name.clone(), detail });
    }
}

fn scalings(cluster: &ClusterWorld, workload: &Workload, since: Stamp, marks: &mut Vec<Mark>) {
    let scales =
        matches!(workload.kind, Kind::Deployment | Kind::StatefulSet | Kind::Rollout | Kind::ReplicaSet);
    let Some(autoscaler) = scales.then(|| cluster.autoscaler_of(workload)).flatten() else { return };
    if let Some(at) = autoscaler.scaled.filter(|at| *at >= since) {
        let detail = match autoscaler.desired {
            1 => "1 pod".to_owned(),
            pods => format!("{pods} pods"),
        };
        marks.push(Mark { at, what: What::Scaling, about: workload.name.clone(), detail });
    }
}

fn restarts<'a>(pods: impl Iterator<Item = &'a Pod>, since: Stamp, marks: &mut Vec<Mark>) {
    for pod in pods {
        // One that has ended for good (a Job's) was not started again.
        let Some(end) = pod.last_exit.as_ref().filter(|_| pod.restarts > 0) else { continue };
        if let Some(at) = end.at.filter(|at| *at >= since) {
            let detail = format!("{} {}", end.reason, end.code);
            marks.push(Mark { at, what: What::Restart, about: pod.name.as_ref().into(), detail });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::node::Autoscaler;
    use crate::domain::pod::{LastExit, PodState};
    use crate::fleet::environments;
    use crate::fleet::testing::{
        deployment, pod, put_pods, put_replica_sets, put_workloads, replica_set, send, uid, world,
    };
    use crate::fleet::wanted::Wanted;
    use crate::msg::{ClusterMsg, Delta, Facts};

    const ID: ClusterId = ClusterId(0);

    /// cart of shop-prod: a rollout at 1000, a crash at 1100, scaled at 1200; mailer beside it, older.
    fn story() -> (World, ObjectRef, ObjectRef) {
        let mut world = world(&[("admin", &["shop-prod"])]);
        let cart = deployment("shop-prod", "cart", "shop/cart:1.31.0", 2);
        let mailer = deployment("shop-prod", "mailer", "shop/mailer:1.9.9", 1);
        let old = replica_set(&cart, 1, "shop/cart:1.30.4", 0, 100);
        let new = replica_set(&cart, 2, "host:5000/shop/cart:1.31.0", 2, 1_000);
        let other = replica_set(&mailer, 1, "shop/mailer:1.9.9", 1, 900);
        let mut crashing = pod(&new, 1, PodState::Failed);
        crashing.restarts = 3;
        crashing.last_exit =
            Some(Box::new(LastExit { reason: "OOMKilled".into(), code: 137, at: Some(Stamp(1_100)) }));
        crashing.node = "node-7".into();
        let mut done = pod(&other, 1, PodState::Done);
        done.last_exit =
            Some(Box::new(LastExit { reason: "Completed".into(), code: 0, at: Some(Stamp(1_150)) }));
        let object = |kind, name: &str, uid| ObjectRef {
            cluster: ID,
            kind,
            namespace: "shop-prod".into(),
            name: name.into(),
            uid,
        };
        let refs =
            (object(Kind::Deployment, "cart", cart.uid), object(Kind::Pod, &crashing.name, crashing.uid));
        put_pods(&mut world, ID, vec![crashing, pod(&new, 2, PodState::Ready), done]);
        put_replica_sets(&mut world, ID, vec![old, new, other]);
        put_workloads(&mut world, ID, Kind::Deployment, vec![cart, mailer]);
        let scaler = Autoscaler {
            uid: uid("hpa"),
            namespace: "shop-prod".into(),
            name: "cart".into(),
            target_kind: "Deployment".into(),
            target_name: "cart".into(),
            min: 1,
            max: 9,
            current: 2,
            desired: 2,
            scaled: Some(Stamp(1_200)),
        };
        send(&mut world, ID, ClusterMsg::Facts(Facts::Autoscalers(vec![Delta::Put(scaler)])));
        (world, refs.0, refs.1)
    }

    fn told(world: &World, scope: Scope<'_>, since: i64) -> Vec<String> {
        marks(world, scope, Stamp(since))
            .into_iter()
            .map(|mark| format!("{} {} {} {}", mark.at.0, mark.what.word(), mark.about, mark.detail))
            .collect()
    }

    #[test]
    fn an_apps_events_newest_first() {
        let (world, cart, pod) = story();
        let all =
            ["1200 scale cart 2 pods", "1100 restart cart-2-1 OOMKilled 137", "1000 deploy cart 1.31.0"];
        assert_eq!(told(&world, Scope::Workloads(std::slice::from_ref(&cart)), 500), all);
        assert_eq!(told(&world, Scope::Pod(&pod), 500), all);
        assert_eq!(
            told(&world, Scope::Workloads(std::slice::from_ref(&cart)), 0).last().map(String::as_str),
            Some("100 deploy cart 1.30.4")
        );
        assert_eq!(told(&world, Scope::Node(ID, "node-7"), 0), ["1100 restart cart-2-1 OOMKilled 137"]);
        assert_eq!(told(&world, Scope::Node(ID, "node-8"), 0), [] as [&str; 0]);
    }

    #[test]
    fn an_environments_events_are_those_of_its_namespaces() {
        let (world, ..) = story();
        let environments = environments(&Wanted::default(), &world);
        let env = environments.list.iter().find(|env| env.scope.contains("shop-prod")).unwrap();
        assert_eq!(
            told(&world, Scope::Environment(env), 500),
            [
                "1200 scale cart 2 pods",
                "1100 restart cart-2-1 OOMKilled 137",
                "1000 deploy cart 1.31.0",
                "900 deploy mailer 1.9.9"
            ],
            "a pod that is done has not restarted"
        );
        let mut elsewhere = env.clone();
        elsewhere.scope = crate::domain::environment::Scope::Namespaces(vec!["shop-dev".into()]);
        assert_eq!(told(&world, Scope::Environment(&elsewhere), 0), [] as [&str; 0]);
    }

    #[test]
    fn what_is_gone_has_no_events() {
        let (world, mut cart, _) = story();
        cart.uid = uid("another");
        assert_eq!(told(&world, Scope::Workloads(&[cart]), 0), [] as [&str; 0]);
        assert_eq!(told(&world, Scope::Node(ClusterId(9), "node-7"), 0), [] as [&str; 0]);
    }
}
