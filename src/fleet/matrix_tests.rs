use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::domain::pod::{Pod, PodState};
use crate::fleet::environments;
use crate::fleet::testing::{deployment, images, labels, pod, replica_set, send, world};
use crate::msg::{ClusterMsg, Delta, Facts};

const ID: ClusterId = ClusterId(0);
const STAGES: [&str; 3] = ["shop-dev", "shop-staging", "shop-prod"];
const APPS: [&str; 3] = ["cart", "media", "cart-worker"];

/// What may happen to one workload of the shop.
#[derive(Clone, Debug)]
enum Event {
    /// It is written with this image, these replicas of two available, under this instance.
    Put {
        image: usize,
        available: u32,
        updated: u32,
        instance: Option<usize>,
        delivered: bool,
    },
    Gone,
    /// A ReplicaSet of it is written, or goes.
    Set {
        revision: u64,
        image: usize,
        there: bool,
    },
    /// A pod of a ReplicaSet is written, or goes.
    Pod {
        revision: u64,
        n: u32,
        failed: bool,
        digest: bool,
        there: bool,
    },
    /// A Job comes or goes.
    Job {
        there: bool,
    },
}

fn event() -> impl Strategy<Value = Event> {
    let put = (0..3usize, 0..=2u32, 0..=2u32, proptest::option::of(0..APPS.len()), any::<bool>());
    prop_oneof![
        4 => put.prop_map(|(image, available, updated, instance, delivered)| Event::Put { image, available, updated, instance, delivered }),
        1 => Just(Event::Gone),
        3 => (1..4u64, 0..3usize, any::<bool>()).prop_map(|(revision, image, there)| Event::Set { revision, image, there }),
        3 => (1..4u64, 0..2u32, any::<bool>(), any::<bool>(), any::<bool>())
            .prop_map(|(revision, n, failed, digest, there)| Event::Pod { revision, n, failed, digest, there }),
        1 => any::<bool>().prop_map(|there| Event::Job { there }),
    ]
}

fn facts(stage: usize, app: usize, event: &Event) -> Facts {
    let (namespace, app) = (STAGES[stage], APPS[app]);
    let image = |n: usize| format!("registry.example/{app}:1.{n}.0");
    let base = deployment(namespace, app, &image(0), 2);
    let set = |revision: u64, n: usize| replica_set(&base, revision, &image(n), 1, 100 * revision as i64);
    match *event {
        Event::Put { image: n, available, updated, instance, delivered } => {
            let mut workload = base.clone();
            workload.images = images(&[&image(n)]);
            (workload.available, workload.ready, workload.updated) = (available, available, updated);
            if let Some(instance) = instance {
                workload.labels = labels(&[("app.kubernetes.io/instance", APPS[instance])]);
            }
            workload.delivered_by = delivered.then(|| "everything".into());
            Facts::Workloads(Kind::Deployment, vec![Delta::Put(workload)])
        }
        Event::Gone => Facts::Workloads(Kind::Deployment, vec![Delta::Gone(base.uid)]),
        Event::Set { revision, image, there: true } => {
            Facts::ReplicaSets(vec![Delta::Put(set(revision, image))])
        }
        Event::Set { revision, .. } => Facts::ReplicaSets(vec![Delta::Gone(set(revision, 0).uid)]),
        Event::Pod { revision, n, failed, digest, there } => {
            let state = if failed { PodState::Failed } else { PodState::Ready };
            let mut pod = pod(&set(revision, 0), n, state);
            if !digest {
                pod.digest = "".into();
            }
            Facts::Pods(vec![if there { Delta::Put(pod) } else { Delta::Gone(pod.uid) }])
        }
        Event::Job { there } => {
            let mut job = base.clone();
            job.kind = Kind::Job;
            job.uid = crate::fleet::testing::uid(&format!("{namespace}/{app} job"));
            job.name = format!("{app}-job").into();
            Facts::Workloads(Kind::Job, vec![if there { Delta::Put(job) } else { Delta::Gone(job.uid) }])
        }
    }
}

/// The world, and what follows it.
struct Scenery {
    world: World,
    health: Health,
    matrix: Matrix,
}

impl Scenery {
    fn new() -> Scenery {
        Scenery { world: world(&[("k3s", &STAGES)]), health: Health::default(), matrix: Matrix::default() }
    }

    fn tell(&mut self, facts: Facts) {
        send(&mut self.world, ID, ClusterMsg::Facts(facts));
    }

    fn refresh(&mut self) -> bool {
        self.health.refresh(&self.world);
        let environments = environments(&Wanted::default(), &self.world);
        self.matrix.refresh(&Wanted::default(), &environments, &self.world, &self.health)
    }

    /// What somebody sees who begins now.
    fn anew(&self) -> Matrix {
        let mut health = Health::default();
        health.refresh(&self.world);
        let mut matrix = Matrix::default();
        let environments = environments(&Wanted::default(), &self.world);
        matrix.refresh(&Wanted::default(), &environments, &self.world, &health);
        matrix
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn following_the_changes_shows_what_looking_at_everything_shows(
        frames in proptest::collection::vec(
            proptest::collection::vec((0..STAGES.len(), 0..APPS.len(), event()), 1..4),
            1..40,
        )
    ) {
        let mut scenery = Scenery::new();
        for frame in &frames {
            for (stage, app, event) in frame {
                scenery.tell(facts(*stage, *app, event));
            }
            let before = scenery.matrix.rows.clone();
            let otherwise = scenery.refresh();
            let anew = scenery.anew();
            prop_assert_eq!(&scenery.matrix.rows, &anew.rows);
            prop_assert_eq!(&scenery.matrix.columns, &anew.columns);
            for row in &anew.rows {
                prop_assert_eq!(scenery.matrix.row(&row.app), Some(row));
            }
            prop_assert!(otherwise || before == scenery.matrix.rows, "a change was not told");
        }
    }
}

#[test]
fn what_the_matrix_does_not_tell_is_no_change_of_it() {
    let mut scenery = Scenery::new();
    let cart = deployment("shop-prod", "cart", "cart:1.0.0", 2);
    let set = replica_set(&cart, 1, "cart:1.0.0", 2, 100);
    let running: Pod = pod(&set, 0, PodState::Ready);
    scenery.tell(Facts::Workloads(Kind::Deployment, vec![Delta::Put(cart.clone())]));
    scenery.tell(Facts::ReplicaSets(vec![Delta::Put(set)]));
    scenery.tell(Facts::Pods(vec![Delta::Put(running.clone())]));
    assert!(scenery.refresh());
    let mut restarted = running.clone();
    restarted.restarts = 3;
    scenery.tell(Facts::Pods(vec![Delta::Put(restarted)]));
    let mut looked_at = cart.clone();
    looked_at.conditions = Arc::from([]);
    scenery.tell(Facts::Workloads(Kind::Deployment, vec![Delta::Put(looked_at)]));
    assert!(!scenery.refresh(), "a restart and a condition stand in no cell");
    let mut relabelled = cart.clone();
    relabelled.pod_labels = labels(&[("app", "cart"), ("color", "blue")]);
    scenery.tell(Facts::Workloads(Kind::Deployment, vec![Delta::Put(relabelled)]));
    assert!(scenery.refresh(), "other Services may lead to its pods");
    let mut broken = cart;
    broken.available = 0;
    scenery.tell(Facts::Workloads(Kind::Deployment, vec![Delta::Put(broken)]));
    assert!(scenery.refresh());
    assert_eq!(scenery.matrix.rows[0].level, Level::Critical);
}
