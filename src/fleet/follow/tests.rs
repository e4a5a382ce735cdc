use super::*;

const T: i64 = 1_795_271_400; // 2026-11-21T14:30:00Z

fn at(seconds: i64) -> Stamp {
    Stamp(T + seconds)
}

fn names(revision: &str) -> Vec<Name> {
    vec![revision.into()]
}

/// Synced and healthy at a revision that was deployed long ago.
fn settled(revision: &str) -> Facts {
    Facts {
        revision: names(revision),
        compared: Some(at(-100)),
        synced: Some(true),
        delivery: Delivery::Done(Some(at(-3600))),
        health: "Healthy".into(),
        health_since: Some(at(-3500)),
        rolls: vec![roll(3, 3, 0, false)],
        ends: vec![ends(3, 3, 0)],
        ..Facts::default()
    }
}

fn roll(new: u32, ready: u32, old: u32, rolling: bool) -> Roll {
    Roll {
        name: "deploy/cart".into(),
        desired: 3,
        new,
        new_ready: ready,
        old,
        rolling,
        settled: !rolling,
        begun: Some(at(8)),
        over: (!rolling).then(|| at(20)),
        stuck: None,
        brought: false,
    }
}

fn ends(ready: u32, new_ready: u32, old: u32) -> Ends {
    Ends { service: "cart".into(), ready, terminating: 0, new_ready, old }
}

fn states(follow: &Follow) -> Vec<&'static str> {
    let word = |step: &Step| match step.progress {
        Progress::Waiting => "waiting",
        Progress::Now => "now",
        Progress::Done => "done",
        Progress::Stuck(_) => "stuck",
        Progress::Skipped(_) => "skipped",
    };
    follow.steps.iter().map(word).collect()
}

#[test]
fn a_revision_that_arrived_has_arrived_although_the_next_sync_is_asked_for_before_it_is_known() {
    let mut follow = Follow::default();
    follow.observe(&settled("71ab09"), at(0));
    follow.observe(&Facts { delivery: Delivery::Asked, ..settled("71ab09") }, at(1));
    follow.observe(&settled("9f31c2"), at(2));
    assert_eq!(follow.overtaken, Some((names("71ab09"), StepKind::Healthy)));
}

fn why(follow: &Follow) -> (StepKind, String) {
    let step = follow.current().unwrap();
    let Progress::Stuck(stuck) = &step.progress else { panic!("{step:?}") };
    (step.kind, stuck.why.clone())
}

/// What the facts sheet measured on a real controller, step by step.
fn story() -> Vec<(i64, Facts)> {
    let old = settled("71ab09");
    let new = Facts { revision: names("9f31c2"), compared: Some(at(2)), ..old.clone() };
    let old_live = Facts { synced: Some(false), ..new };
    vec![
        (0, old.clone()),
        (1, Facts { refreshing: true, ..old }),
        // Compared: out of sync; the old operation is not this revision's.
        (2, Facts { delivery: Delivery::None, ..old_live.clone() }),
        (3, Facts { delivery: Delivery::Asked, ..old_live.clone() }),
        (
            4,
            Facts {
                delivery: Delivery::Running {
                    since: Some(at(4)),
                    message: "waiting for healthy state of apps/Deployment/cart".into(),
                    done: (1, 2),
                },
                ..old_live.clone()
            },
        ),
        // Succeeded: sync and health are still the old ones.
        (7, Facts { delivery: Delivery::Done(Some(at(7))), ..old_live.clone() }),
        (
            9,
            Facts {
                delivery: Delivery::Done(Some(at(7))),
                synced: Some(true),
                health: "Progressing".into(),
                health_since: Some(at(8)),
                rolls: vec![roll(2, 1, 2, true)],
                ends: vec![ends(3, 1, 2)],
                ..old_live.clone()
            },
        ),
        (
            21,
            Facts {
                delivery: Delivery::Done(Some(at(7))),
                synced: Some(true),
                health: "Progressing".into(),
                health_since: Some(at(8)),
                ends: vec![Ends { terminating: 1, ..ends(3, 3, 0) }],
                ..old_live.clone()
            },
        ),
        (
            23,
            Facts {
                delivery: Delivery::Done(Some(at(7))),
                synced: Some(true),
                health: "Healthy".into(),
                health_since: Some(at(22)),
                ..old_live
            },
        ),
    ]
}

#[test]
fn a_revision_from_the_push_to_healthy() {
    let mut follow = Follow::default();
    let mut seen = Vec::new();
    for (seconds, facts) in story() {
        follow.observe(&facts, at(seconds));
        seen.push(states(&follow));
    }
    let w = "waiting";
    let expected = [
        ["done", "done", "done", "done", "done", "done", "done"],
        ["done", "done", "done", "done", "done", "done", "done"],
        ["done", "done", "now", w, w, w, w],
        ["done", "done", "done", "now", w, w, w],
        ["done", "done", "done", "now", w, w, w],
        ["done", "done", "done", "done", w, w, w],
        ["done", "done", "done", "done", "now", "now", w],
        ["done", "done", "done", "done", "done", "now", "now"],
        ["done", "done", "done", "done", "done", "done", "done"],
    ];
    for (found, expected) in seen.iter().zip(expected) {
        assert_eq!(found, &expected);
    }
    assert!(follow.arrived());
    assert_eq!(follow.overtaken, Some((names("71ab09"), StepKind::Healthy)));
    let times: Vec<Option<When>> = follow.steps.iter().map(|step| step.at).collect();
    assert_eq!(
        times,
        [
            // Nobody tells when it was pushed; but it was before the comparison, and we saw it come.
            Some(When::Before(at(2))),
            Some(When::Said(at(2))),
            Some(When::Said(at(2))),
            Some(When::Said(at(7))),
            Some(When::Said(at(20))),
            Some(When::Seen(at(23))),
            Some(When::Said(at(22))),
        ]
    );
}

#[test]
fn times_that_no_object_tells_are_marked_as_seen_or_as_before() {
    let (_, middle) = story().swap_remove(6);
    let mut follow = Follow::default();
    follow.observe(&middle, at(9));
    // Opened in the middle: the operation bounds what came before it.
    assert_eq!(follow.steps[1].at, Some(When::Before(at(7))));
    assert_eq!(follow.steps[2].at, Some(When::Before(at(7))));
    assert_eq!(follow.steps[3].at, Some(When::Said(at(7))));
    assert!(follow.overtaken.is_none());
}

#[test]
fn the_api_server_tells_who_pushed_and_when() {
    let commit = Commit {
        revision: "9f31c2".into(),
        author: "maria".into(),
        date: Some(at(-30)),
        message: "cart 1.31.0".into(),
    };
    let mut follow = Follow::default();
    follow.observe(&Facts { commit: Some(commit.clone()), ..settled("9f31c2") }, at(0));
    assert_eq!(follow.steps[0].at, Some(When::Said(at(-30))));
    assert_eq!(follow.steps[0].note, "by maria: cart 1.31.0");
    let mut follow = Follow::default();
    follow.observe(&Facts { commit: Some(commit), ..settled("another") }, at(0));
    assert!(!matches!(follow.steps[0].at, Some(When::Said(_))), "it tells of another revision");
}

#[test]
fn healthy_from_before_the_sync_is_not_healthy() {
    let mut follow = Follow::default();
    let (seconds, facts) = story().swap_remove(5);
    follow.observe(&facts, at(seconds));
    assert!(!follow.arrived());
    assert!(follow.steps[6].note.contains("from before"), "{:?}", follow.steps[6]);
}

#[test]
fn stuck_before_it_is_detected() {
    let facts = Facts {
        unreadable: Some(Stuck::new("ComparisonError: no such path", "mend")),
        synced: None,
        health: "Healthy".into(),
        delivery: Delivery::None,
        ..settled("9f31c2")
    };
    let mut follow = Follow::default();
    follow.observe(&facts, at(0));
    assert_eq!(why(&follow), (StepKind::Detected, "ComparisonError: no such path".to_owned()));
    assert!(!follow.arrived());
}

#[test]
fn stuck_out_of_sync() {
    let base = Facts { synced: Some(false), delivery: Delivery::None, ..settled("9f31c2") };
    let mut follow = Follow::default();
    follow.observe(&Facts { held: Some(Stuck::new("a sync window", "")), ..base.clone() }, at(0));
    assert_eq!(why(&follow), (StepKind::OutOfSync, "a sync window".to_owned()));
    let mut follow = Follow::default();
    follow.observe(&Facts { suspended: true, ..base }, at(0));
    assert_eq!(why(&follow).0, StepKind::OutOfSync);
}

#[test]
fn stuck_while_syncing() {
    for delivery in [
        Delivery::Failed(Some(at(3)), Stuck::new("Deployment cart: invalid", "")),
        Delivery::Hindered(Some(at(3)), Stuck::new("Deployment cart: invalid", "")),
    ] {
        let facts = Facts { synced: Some(false), delivery, ..settled("9f31c2") };
        let mut follow = Follow::default();
        follow.observe(&facts, at(5));
        assert_eq!(why(&follow), (StepKind::Syncing, "Deployment cart: invalid".to_owned()));
        assert_eq!(follow.steps[3].at, Some(When::Said(at(3))));
    }
}

#[test]
fn stuck_while_rolling_out() {
    let stuck = Some(Stuck::new("deploy/cart: 3 of 3 new pods: CrashLoopBackOff (OOMKilled 137)", "logs"));
    let facts = Facts {
        health: "Progressing".into(),
        rolls: vec![Roll { stuck, ..roll(3, 0, 1, true) }],
        ends: vec![ends(1, 0, 1)],
        ..settled("9f31c2")
    };
    let mut follow = Follow::default();
    follow.observe(&facts, at(5));
    assert_eq!(why(&follow).0, StepKind::RollingOut);
    assert_eq!(states(&follow)[4..], ["stuck", "waiting", "waiting"]);
    assert_eq!(follow.steps[4].at, Some(When::Said(at(8))), "its ReplicaSet tells when it was made");
    assert_eq!(follow.steps[4].note, "deploy/cart 0 of 3 new ready, 1 old");
    // It recovers.
    follow.observe(&Facts { health_since: Some(at(30)), ..settled("9f31c2") }, at(31));
    assert!(follow.arrived());
}

#[test]
fn stuck_at_the_endpoints() {
    let facts = Facts { ends: vec![ends(0, 3, 0)], ..settled("9f31c2") };
    let mut follow = Follow::default();
    follow.observe(&facts, at(5));
    assert_eq!(why(&follow), (StepKind::Endpoints, "Service cart has no ready endpoint.".to_owned()));
}

#[test]
fn stuck_at_the_end() {
    let facts = Facts { health: "Degraded".into(), ..settled("9f31c2") };
    let mut follow = Follow::default();
    follow.observe(&facts, at(5));
    assert_eq!(why(&follow).0, StepKind::Healthy);
}

#[test]
fn steps_that_are_not_needed_say_so() {
    let facts = Facts { rolls: Vec::new(), ends: Vec::new(), delivery: Delivery::None, ..settled("9f31c2") };
    let mut follow = Follow::default();
    follow.observe(&facts, at(5));
    assert_eq!(states(&follow), ["done", "done", "skipped", "waiting", "skipped", "skipped", "done"]);
    assert!(follow.arrived());
}

#[test]
fn a_newer_revision_overtakes() {
    let mut follow = Follow::default();
    let (seconds, facts) = story().swap_remove(4);
    follow.observe(&facts, at(seconds));
    follow.observe(
        &Facts { revision: names("c0ffee"), delivery: Delivery::None, compared: Some(at(6)), ..facts },
        at(7),
    );
    assert_eq!(follow.revision, names("c0ffee"));
    assert_eq!(follow.overtaken, Some((names("9f31c2"), StepKind::OutOfSync)));
    assert_eq!(follow.steps[1].at, Some(When::Said(at(6))));
}

#[test]
fn drift_of_what_was_delivered_is_no_revision_in_flight() {
    let looked = |facts: &Facts| {
        let mut follow = Follow::default();
        follow.observe(facts, at(0));
        follow
    };
    let settled = settled("9f31c2");
    assert!(!looked(&settled).in_flight(), "it has arrived");
    let drift = Facts { synced: Some(false), ..settled.clone() };
    let follow = looked(&drift);
    assert!(!follow.in_flight() && !follow.arrived(), "{follow:?}");
    let broken = Facts { health: "Degraded".into(), ..settled.clone() };
    assert!(!looked(&broken).in_flight(), "delivered, rolled out, and broken later");
    assert!(!looked(&Facts { health: "Degraded".into(), ..drift.clone() }).in_flight());
    // All pods are new, and one of them dies: that is told as what stops it, and brings no revision either.
    let dies =
        Roll { settled: true, stuck: Some(Stuck::new("1 of 3 new pods: Error", "")), ..roll(3, 2, 0, true) };
    let dies = Facts { rolls: vec![dies.clone()], health: "Degraded".into(), ..settled.clone() };
    assert!(!looked(&dies).in_flight(), "{:?}", looked(&dies));
    let new = Facts { rolls: vec![Roll { settled: false, ..dies.rolls[0].clone() }], ..dies };
    assert!(looked(&new).in_flight());
    // The newest commit, which is not in the history, changes nothing of it.
    let nothing_new = Facts { delivery: Delivery::None, nothing_new: true, ..drift.clone() };
    assert!(!looked(&nothing_new).in_flight());
    // What was changed in the cluster rolls out beside it; or what the newest revision brought does, beside that drift.
    let with = |brought: bool, settled: bool| Facts {
        rolls: vec![Roll { brought, settled, ..roll(2, 1, 2, true) }],
        nothing_new: true,
        ..drift.clone()
    };
    assert!(!looked(&with(false, false)).in_flight());
    assert!(looked(&with(true, false)).in_flight());
    assert!(!looked(&with(true, true)).in_flight());
    // A new revision that nobody applies yet, an operation, a rollout.
    for facts in [
        Facts { delivery: Delivery::None, ..drift.clone() },
        Facts { delivery: Delivery::Asked, ..drift.clone() },
        Facts { delivery: Delivery::Failed(None, Stuck::new("it failed", "")), ..drift },
        Facts { rolls: vec![roll(2, 1, 2, true)], health: "Progressing".into(), ..settled },
    ] {
        assert!(looked(&facts).in_flight(), "{facts:?}");
    }
}

#[test]
fn nothing_is_followed_before_the_first_comparison() {
    let mut follow = Follow::default();
    follow.observe(&Facts::default(), at(0));
    assert!(follow.revision.is_empty() && !follow.arrived());
    assert!(follow.current().is_none());
}
