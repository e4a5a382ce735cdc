use std::sync::Arc;

use super::now::{bounds, resolved, sentence, time_left};
use super::*;
use crate::domain::level::Level;
use crate::domain::meta::{Condition, Labels, Owner};
use crate::domain::node::Autoscaler;
use crate::domain::pod::Pod;
use crate::domain::workload::{CronJobMore, DeploymentMore, JobMore, More, RolloutMore, UpdateMore};
use crate::msg::{ClusterMsg, Delta, Facts};
use crate::panes::views::testing::{
    self, NOW, answer, cart, condition, pod, put_pods, put_workload, reference, screen, shared,
    survives_all_sizes,
};

fn said(workload: &Workload, new: &[Pod]) -> (Level, String) {
    let new: Vec<&Pod> = new.iter().collect();
    sentence(workload, &new, NOW)
}

fn new_pods(crashing: usize, well: usize) -> Vec<Pod> {
    let owner = (Uid(10), "ReplicaSet", "cart-7d9c");
    let bad = (0..crashing).map(|n| testing::crashing(pod(n as u128 + 20, "cart-7d9c-x", owner)));
    bad.chain((0..well).map(|n| pod(n as u128 + 40, "cart-7d9c-y", owner))).collect()
}

fn with(mut workload: Workload, conditions: &[Condition]) -> Workload {
    workload.conditions = Arc::from(conditions);
    workload
}

#[test]
fn a_deployment_says_what_it_does_and_what_it_waits_for() {
    let done = cart();
    assert_eq!(
        said(&done, &new_pods(0, 3)),
        (Level::Ok, "Rolled out: all 3 pods of 1.31.0 are available, since 5 m 48 s.".into())
    );

    let unseen = Workload { generation: 13, ..cart() };
    assert_eq!(
        said(&unseen, &[]).1,
        "The controller has not seen the newest change yet (generation 13, seen 12)."
    );

    let updated = |conditions: &[Condition], current, updated, available| Workload {
        current,
        updated,
        available,
        ..with(cart(), conditions)
    };
    let moving = [condition("Progressing", "True", "ReplicaSetUpdated", "")];
    assert_eq!(
        said(&updated(&moving, 4, 1, 3), &new_pods(1, 0)),
        (Level::Warning, "1 of 3 new pods are created; 3 pods of before still run. It is CrashLoopBackOff (OOMKilled 137).".into())
    );
    assert_eq!(
        said(&updated(&moving, 4, 3, 2), &new_pods(2, 1)).1,
        "1 of 3 new pods are ready; 1 pod of before is kept until more are. 2 are CrashLoopBackOff (OOMKilled 137)."
    );
    assert_eq!(
        said(&updated(&moving, 4, 3, 4), &new_pods(0, 3)),
        (Level::Progressing, "All 3 new pods are ready; 1 pod of before is being ended.".into())
    );
    assert_eq!(said(&updated(&moving, 3, 3, 2), &new_pods(0, 3)).1, "2 of 3 pods are available; 1 is not.");

    let stuck = [condition("Progressing", "False", "ProgressDeadlineExceeded", "")];
    assert_eq!(
        said(&updated(&stuck, 4, 3, 1), &new_pods(3, 0)),
        (
            Level::Critical,
            "Stuck: no progress for more than 10 m, and it does not go back by itself. All 3 are CrashLoopBackOff (OOMKilled 137).".into()
        )
    );
    let quota = [condition(
        "ReplicaFailure",
        "True",
        "FailedCreate",
        "pods \"cart-\" is forbidden: exceeded quota: team",
    )];
    assert_eq!(
        said(&updated(&quota, 3, 1, 3), &[]).1,
        "Pods cannot be created: pods \"cart-\" is forbidden: exceeded quota: team"
    );
    assert_eq!(said(&Workload { paused: true, ..cart() }, &[]).0, Level::Idle);
    let mut zero = Workload { desired: 0, current: 0, updated: 0, ready: 0, available: 0, ..cart() };
    assert_eq!(said(&zero, &[]).1, "Scaled to zero: nothing runs, by intent.");
    zero.current = 2;
    assert_eq!(said(&zero, &[]).1, "Scaled to zero, by intent: 2 pods are being ended.");
}

#[test]
fn stateful_sets_daemon_sets_and_rollouts_say_it_in_their_words() {
    let update = |more: UpdateMore, updated, available| Workload {
        kind: Kind::StatefulSet,
        desired: 5,
        updated,
        available,
        conditions: Arc::from([]),
        more: More::Update(more),
        ..cart()
    };
    let partition = UpdateMore { partition: 3, ..UpdateMore::default() };
    assert_eq!(
        said(&update(partition.clone(), 1, 5), &[]).1,
        "1 of 2 pods are updated (the partition keeps 3 pods on the template before)."
    );
    assert_eq!(
        said(&update(partition, 2, 5), &[]),
        (Level::Ok, "Updated as far as the partition allows: 2 pods from ordinal 3 up; 3 pods below keep the template before.".into())
    );
    let on_delete = UpdateMore { strategy: "OnDelete".into(), ..UpdateMore::default() };
    assert!(said(&update(on_delete, 1, 5), &[]).1.contains("when they are deleted"));
    assert_eq!(
        said(&update(UpdateMore::default(), 5, 4), &[]),
        (Level::Warning, "4 of 5 pods are available; 1 is not.".into())
    );

    let rollout = |phase: &str, message: &str, aborted| Workload {
        kind: Kind::Rollout,
        more: More::Rollout(Box::new(RolloutMore {
            strategy: "canary".into(),
            phase: phase.into(),
            message: message.into(),
            step: Some((1, 6)),
            stable_hash: "5b66".into(),
            current_hash: "7d9c".into(),
            active_hash: "".into(),
            aborted,
            weights: None,
            analyses: Vec::new(),
        })),
        ..cart()
    };
    assert_eq!(
        said(&rollout("Paused", "CanaryPauseStep", false), &[]).1,
        "Paused: CanaryPauseStep: it waits to be promoted. Step 2 of 6."
    );
    assert_eq!(said(&rollout("Degraded", "RolloutAborted: aborted", true), &[]).0, Level::Critical);
    assert_eq!(said(&rollout("NewWord", "", false), &[]).0, Level::Unknown);
}

#[test]
fn jobs_and_cron_jobs_say_when() {
    let job = |more: JobMore| Workload {
        kind: Kind::Job,
        conditions: Arc::from([]),
        more: More::Job(more),
        ..cart()
    };
    let base = JobMore {
        completions: 3,
        succeeded: 1,
        failed: 0,
        active: 2,
        started: Some(NOW.plus(-130)),
        completed: None,
    };
    assert_eq!(said(&job(base.clone()), &[]).1, "Runs for 2 m 10 s: 1 of 3 done, 2 pods are at work.");
    let retried = JobMore { failed: 1, active: 1, ..base.clone() };
    assert_eq!(
        said(&job(retried), &[]),
        (
            Level::Warning,
            "Runs for 2 m 10 s: 1 of 3 done, 1 pod is at work, 1 pod failed and was tried again.".into()
        )
    );
    let done = JobMore { succeeded: 3, active: 0, completed: Some(NOW.plus(-10)), ..base };
    assert_eq!(said(&job(done), &[]).1, "Completed in 2 m: 3 of 3 done.");

    let cron = CronJobMore {
        schedule: "0 3 * * *".into(),
        time_zone: "".into(),
        active: 0,
        last_schedule: None,
        last_success: None,
    };
    let cron = Workload { kind: Kind::CronJob, more: More::CronJob(cron), ..cart() };
    assert_eq!(said(&cron, &[]).1, "Waits: it runs daily at 03:00, next in 12 h 28 m.");
    assert!(said(&Workload { paused: true, ..cron }, &[]).1.starts_with("Suspended"));
}

#[test]
fn surge_rounds_up_unavailable_rounds_down_and_never_both_are_none() {
    assert_eq!(
        [resolved("25%", 3, true), resolved("25%", 3, false), resolved("2", 3, true)],
        [Some(1), Some(0), Some(2)]
    );
    assert_eq!(resolved("many", 3, true), None);
    let more = |surge: &str, unavailable: &str| DeploymentMore {
        strategy: "RollingUpdate".into(),
        max_surge: surge.into(),
        max_unavailable: unavailable.into(),
        deadline_seconds: 600,
        revision: 1,
    };
    assert_eq!(bounds(&more("0", "10%"), 3), Some((0, 1)));
    assert_eq!(bounds(&more("25%", "25%"), 4), Some((1, 1)));
}

#[test]
fn the_deadline_counts_from_the_last_progress_of_a_rollout_under_way() {
    let More::Deployment(more) = cart().more else { panic!("a Deployment") };
    assert_eq!(time_left(&cart(), &more, NOW), None, "nothing is under way");
    let moving =
        Workload { updated: 1, ..with(cart(), &[condition("Progressing", "True", "ReplicaSetUpdated", "")]) };
    assert_eq!(time_left(&moving, &more, NOW), Some(252));
    assert_eq!(time_left(&Workload { paused: true, ..moving }, &more, NOW), None);
}

fn view(shared: &mut Shared) -> RolloutView {
    let (mut view, effects) = RolloutView::new(shared, reference(Kind::Deployment, "cart", 1));
    assert_eq!(effects.len(), 1);
    view.resize(78, 18);
    view
}

#[test]
fn the_cursor_stays_on_its_pod_while_the_rollout_goes_on() {
    let mut shared = shared();
    testing::incident(&mut shared);
    let mut view = view(&mut shared);
    view.refresh(&shared);
    for _ in 0..4 {
        view.act(&mut shared, Action::Down);
    }
    let subject = view.subject(&shared);
    let Some(Subject::Object(object)) = &subject else { panic!("{subject:?}") };
    assert_eq!(object.kind, Kind::Pod);
    let owner = (Uid(10), "ReplicaSet", "cart-7d9c");
    put_pods(&mut shared, vec![testing::crashing(pod(9, "cart-7d9c-aaaaa", owner))]);
    view.refresh(&shared);
    assert_eq!(view.subject(&shared), subject);
    testing::tell(&mut shared, ClusterMsg::Facts(Facts::Pods(vec![Delta::Gone(object.uid)])));
    view.refresh(&shared);
    assert_eq!(
        view.subject(&shared),
        Some(Subject::Object(view.object.clone())),
        "its pod is gone: the workload itself"
    );
}

#[test]
fn an_autoscaler_says_what_it_wants() {
    let mut shared = shared();
    testing::incident(&mut shared);
    let mut view = view(&mut shared);
    let of = |uid: u128, namespace: &str, kind: &str, name: &str, desired| Autoscaler {
        uid: Uid(uid),
        namespace: namespace.into(),
        name: "cart".into(),
        target_kind: kind.into(),
        target_name: name.into(),
        min: 2,
        max: 10,
        current: 3,
        desired,
        scaled: None,
    };
    let put = |shared: &mut Shared, autoscaler| {
        testing::tell(shared, ClusterMsg::Facts(Facts::Autoscalers(vec![Delta::Put(autoscaler)])));
    };
    put(&mut shared, of(1, "shop-prod", "StatefulSet", "cart", 7));
    put(&mut shared, of(2, "shop-dev", "Deployment", "cart", 7));
    put(&mut shared, of(3, "shop-prod", "Deployment", "search", 7));
    let text = screen(&mut view, &shared, 100, 30);
    assert!(!text.contains("hpa"), "{text}");
    put(&mut shared, of(4, "shop-prod", "Deployment", "cart", 4));
    let text = screen(&mut view, &shared, 100, 30);
    assert!(text.contains("hpa           2-10 pods → 4\n"), "{text}");
    put(&mut shared, of(4, "shop-prod", "Deployment", "cart", 10));
    let text = screen(&mut view, &shared, 100, 30);
    assert!(text.contains("2-10 pods → 10, as many as it may"), "{text}");
}

#[test]
fn late_answers_are_ignored_and_a_workload_that_went_is_kept_as_it_was() {
    let mut shared = shared();
    testing::incident(&mut shared);
    let mut view = view(&mut shared);
    let first = view.requests()[0];
    assert!(answer(&mut view, first, Answer::Events(Vec::new())));
    assert!(!answer(&mut view, first, Answer::Failed("late".into())));
    testing::tell(
        &mut shared,
        ClusterMsg::Facts(Facts::Workloads(Kind::Deployment, vec![Delta::Gone(Uid(1))])),
    );
    let text = screen(&mut view, &shared, 100, 30);
    assert!(text.contains("deploy/cart is gone; this is how it was."), "{text}");
    shared.now.mono += std::time::Duration::from_secs(60);
    assert!(view.tick(&mut shared).is_empty());
}

fn snapshots(name: &str, view: &mut RolloutView, shared: &Shared) {
    for (width, height) in [(80, 24), (120, 40), (200, 50)] {
        let text = screen(view, shared, width - 2, height - 6);
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), text);
    }
    survives_all_sizes(view, shared);
}

fn warning(reason: &str, message: &str) -> EventFact {
    EventFact {
        event_type: "Warning".into(),
        reason: reason.into(),
        about: "pod/cart-7d9c-x2kfp".into(),
        message: message.into(),
        count: 18,
        first: NOW.plus(-300),
        last: NOW.plus(-5),
    }
}

#[test]
fn what_a_rollout_looks_like() {
    let mut loading = testing::loading();
    let mut unknown = view(&mut loading);
    snapshots("loading", &mut unknown, &loading);
    let mut shared = shared();
    put_workload(
        &mut shared,
        Workload { desired: 0, current: 0, updated: 0, ready: 0, available: 0, ..cart() },
    );
    let mut empty = view(&mut shared);
    let request = empty.requests()[0];
    answer(&mut empty, request, Answer::Events(Vec::new()));
    snapshots("empty", &mut empty, &shared);
    testing::incident(&mut shared);
    let mut full = view(&mut shared);
    let request = full.requests()[0];
    answer(
        &mut full,
        request,
        Answer::Events(vec![
            warning("BackOff", "Back-off restarting failed container app in pod cart-7d9c-x2kfp_shop-prod"),
            EventFact {
                event_type: "Normal".into(),
                ..warning("ScalingReplicaSet", "Scaled up replica set cart-7d9c from 2 to 3")
            },
        ]),
    );
    snapshots("full", &mut full, &shared);
    let mut failed = shared.world.find_workload(&full.object).unwrap().clone();
    failed.conditions = Arc::from([
        condition(
            "Available",
            "False",
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
        ),
        condition(
            "ReplicaFailure",
            "True",
            "FailedCreate",
            "pods \"cart-7d9c-\" is forbidden: exceeded quota: team, requested: memory=128Mi",
        ),
        condition(
            "Progressing",
            "False",
            "ProgressDeadlineExceeded",
            "ReplicaSet \"cart-7d9c\" has timed out progressing.",
        ),
    ]);
    put_workload(&mut shared, failed);
    let mut failing = view(&mut shared);
    let request = failing.requests()[0];
    answer(&mut failing, request, Answer::Failed("events is forbidden".into()));
    snapshots("failing", &mut failing, &shared);
}

#[test]
fn what_other_kinds_look_like() {
    let mut shared = shared();
    let object = |kind, name: &str, uid| reference(kind, name, uid);
    let labelled = |uid, name: &str, hash: &str| Pod {
        labels: Labels::new(vec![("controller-revision-hash".into(), hash.into())]),
        ..pod(uid, name, (Uid(2), "StatefulSet", "db"))
    };
    put_workload(
        &mut shared,
        Workload {
            uid: Uid(2),
            kind: Kind::StatefulSet,
            name: "db".into(),
            desired: 3,
            updated: 1,
            conditions: Arc::from([]),
            more: More::Update(UpdateMore {
                partition: 2,
                update_revision: "db-6f".into(),
                ..UpdateMore::default()
            }),
            ..cart()
        },
    );
    put_pods(
        &mut shared,
        vec![labelled(50, "db-0", "db-5d"), labelled(51, "db-1", "db-5d"), labelled(52, "db-2", "db-6f")],
    );
    put_workload(
        &mut shared,
        Workload {
            uid: Uid(3),
            kind: Kind::CronJob,
            name: "reindex".into(),
            conditions: Arc::from([]),
            more: More::CronJob(CronJobMore {
                schedule: "*/15 * * * *".into(),
                time_zone: "Europe/Zurich".into(),
                active: 1,
                last_schedule: Some(NOW.plus(-119)),
                last_success: Some(NOW.plus(-1_100)),
            }),
            ..cart()
        },
    );
    for (uid, name, completed) in [(60, "reindex-29100", Some(NOW.plus(-900))), (61, "reindex-29115", None)] {
        put_workload(
            &mut shared,
            Workload {
                uid: Uid(uid),
                kind: Kind::Job,
                name: name.into(),
                created: NOW.plus(if completed.is_some() { -1_019 } else { -119 }),
                conditions: Arc::from([]),
                owner: Some(Arc::new(Owner { uid: Uid(3), kind: "CronJob".into(), name: "reindex".into() })),
                more: More::Job(JobMore {
                    completions: 1,
                    succeeded: u32::from(completed.is_some()),
                    failed: 0,
                    active: u32::from(completed.is_none()),
                    started: Some(NOW.plus(if completed.is_some() { -1_019 } else { -119 })),
                    completed,
                }),
                ..cart()
            },
        );
    }
    for (name, object) in [
        ("stateful_set", object(Kind::StatefulSet, "db", 2)),
        ("cron_job", object(Kind::CronJob, "reindex", 3)),
        ("job", object(Kind::Job, "reindex-29115", 61)),
    ] {
        let (mut view, _) = RolloutView::new(&mut shared, object);
        let request = view.requests()[0];
        answer(&mut view, request, Answer::Events(Vec::new()));
        insta::assert_snapshot!(name, screen(&mut view, &shared, 98, 24));
    }
}
