//! Rows that follow what changed.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::domain::meta::Owner;
use crate::domain::pod::{Pod, PodState};
use crate::domain::time::Stamp;
use crate::domain::workload::{CronJobMore, JobMore};
use crate::fleet::testing::{deployment, pod, put_pods, put_replica_sets, put_workloads, replica_set, send};
use crate::msg::{ClusterMsg, Delta, Facts};
use crate::panes::list::ListPane;
use crate::panes::views::testing::{screen, shared};

const ID: ClusterId = ClusterId(0);

/// One step of a small story.
#[derive(Clone, Debug)]
enum Step {
    /// A Deployment has so many of its two pods.
    Scale(u32, u32),
    /// A Deployment goes.
    Drop(u32),
    /// A pod of a Deployment fails, or runs.
    Pod(u32, u32, bool),
    /// The CronJob comes or goes.
    Cron(bool),
    /// A Job of it runs, fails or goes.
    Job(u32, Option<bool>),
    /// A frame is drawn.
    Frame,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..4u32, 0..3u32).prop_map(|(n, ready)| Step::Scale(n, ready)),
        (0..4u32).prop_map(Step::Drop),
        (0..4u32, 0..2u32, any::<bool>()).prop_map(|(n, pod, fails)| Step::Pod(n, pod, fails)),
        any::<bool>().prop_map(Step::Cron),
        (0..3u32, proptest::option::of(any::<bool>())).prop_map(|(n, fails)| Step::Job(n, fails)),
        Just(Step::Frame),
    ]
}

fn app(n: u32) -> Workload {
    deployment("shop-prod", &format!("app-{n}"), "app:1", 2)
}

fn cron() -> Workload {
    let mut cron = deployment("shop-prod", "report", "job:1", 0);
    cron.kind = Kind::CronJob;
    cron.more = More::CronJob(CronJobMore {
        schedule: "*/5 * * * *".into(),
        time_zone: "".into(),
        active: 0,
        last_schedule: None,
        last_success: None,
    });
    cron
}

fn job(n: u32, fails: bool) -> Workload {
    let mut job = deployment("shop-prod", &format!("report-{n}"), "job:1", 1);
    let owner = cron();
    job.kind = Kind::Job;
    job.created = Stamp(i64::from(n));
    job.owner = Some(Arc::new(Owner { uid: owner.uid, kind: "CronJob".into(), name: owner.name }));
    job.more = More::Job(JobMore {
        completions: 1,
        succeeded: 0,
        failed: u32::from(fails),
        active: u32::from(!fails),
        started: None,
        completed: None,
    });
    if fails {
        job.conditions =
            Arc::from([crate::fleet::testing::condition("Failed", "True", "BackoffLimitExceeded")]);
    }
    job
}

fn take(shared: &mut Shared, step: &Step) {
    let world = &mut shared.world;
    let gone = |world: &mut crate::world::World, kind, uid| {
        send(world, ID, ClusterMsg::Facts(Facts::Workloads(kind, vec![Delta::Gone(uid)])));
    };
    match step {
        Step::Scale(n, ready) => {
            let workload = Workload { ready: *ready, available: *ready, ..app(*n) };
            put_replica_sets(world, ID, vec![replica_set(&workload, 1, "app:1", 2, 0)]);
            put_workloads(world, ID, Kind::Deployment, vec![workload]);
        }
        Step::Drop(n) => gone(world, Kind::Deployment, app(*n).uid),
        Step::Pod(n, which, fails) => {
            let state = if *fails { PodState::Failed } else { PodState::Ready };
            let one: Pod = pod(&replica_set(&app(*n), 1, "app:1", 2, 0), *which, state);
            put_pods(world, ID, vec![one]);
        }
        Step::Cron(true) => put_workloads(world, ID, Kind::CronJob, vec![cron()]),
        Step::Cron(false) => gone(world, Kind::CronJob, cron().uid),
        Step::Job(n, Some(fails)) => put_workloads(world, ID, Kind::Job, vec![job(*n, *fails)]),
        Step::Job(n, None) => gone(world, Kind::Job, job(*n, false).uid),
        Step::Frame => {}
    }
}

/// The rows as they are drawn, with their signs, and without the cursor.
fn rows(list: &mut ListPane<Workloads>, shared: &Shared) -> Vec<String> {
    let picture = screen(list, shared, 100, 14);
    let row = |line: &str| line.trim_matches(['▸', '│', ' ']).to_owned();
    picture.lines().skip(2).map(row).filter(|line| !line.is_empty()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn following_what_changed_shows_what_looking_at_everything_shows(steps in proptest::collection::vec(step(), 1..40)) {
        let mut shared = shared();
        let mut following = ListPane::new(Workloads::default());
        for step in steps.iter().chain([&Step::Frame]) {
            take(&mut shared, step);
            if matches!(step, Step::Frame) {
                shared.health.refresh(&shared.world);
                let anew = rows(&mut ListPane::new(Workloads::default()), &shared);
                prop_assert_eq!(rows(&mut following, &shared), anew);
            }
        }
    }
}
