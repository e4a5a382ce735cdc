use super::testing::{app, condition};
use super::*;
use crate::domain::level::Level;

fn operation(phase: Phase) -> Operation {
    Operation { phase, started: Some(Stamp(10)), ..Operation::default() }
}

fn judged(change: impl FnOnce(&mut SyncApp)) -> (Level, String) {
    let mut app = app(Kind::Application, "cart");
    change(&mut app);
    let verdict = app.verdict();
    (verdict.level, verdict.why)
}

#[test]
fn well_is_synced_and_healthy_with_nothing_under_way() {
    assert_eq!(judged(|_| {}), (Level::Ok, String::new()));
    assert_eq!(judged(|app| app.operation = Some(operation(Phase::Succeeded))).0, Level::Ok);
    // Synced and healthy while a later wave is still to come.
    assert_eq!(judged(|app| app.operation = Some(operation(Phase::Running))).0, Level::Progressing);
}

#[test]
fn succeeded_and_healthy_before_synced_is_not_well() {
    let (level, _) = judged(|app| {
        app.operation = Some(operation(Phase::Succeeded));
        app.sync = Sync::OutOfSync;
    });
    assert_eq!(level, Level::Warning);
}

#[test]
fn healthy_says_nothing_where_nothing_could_be_compared() {
    let (level, why) = judged(|app| app.sync = Sync::Unknown);
    assert_eq!((level, why.as_str()), (Level::Unknown, "could not be compared with its source"));
    let (level, why) = judged(|app| {
        app.sync = Sync::Unknown;
        app.conditions = [condition("ComparisonError", "", "", "Failed to load target state: x")].into();
    });
    assert_eq!((level, why.as_str()), (Level::Critical, "Failed to load target state: x"));
}

#[test]
fn healthy_without_its_deployment_is_out_of_sync_first() {
    let (level, why) = judged(|app| {
        app.sync = Sync::OutOfSync;
        app.drift = 3;
        app.drifted = [Drifted {
            group: "apps".into(),
            kind: "Deployment".into(),
            namespace: "shop".into(),
            name: "cart".into(),
            prune: false,
        }]
        .into();
    });
    assert_eq!((level, why.as_str()), (Level::Warning, "Deployment cart and 2 more are not as wanted"));
}

#[test]
fn operations_by_what_they_mean() {
    let blocked =
        Operation { message: "Sync operation blocked by sync window".into(), ..operation(Phase::Running) };
    let retrying = Operation { finished: Some(Stamp(20)), retries: 2, ..operation(Phase::Running) };
    let failing = Operation { failed: 2, ..operation(Phase::Running) };
    let stopped = Operation { message: "Operation terminated".into(), ..operation(Phase::Failed) };
    let cases = [
        (operation(Phase::Running), Sync::OutOfSync, Level::Progressing),
        (blocked, Sync::OutOfSync, Level::Progressing),
        (retrying, Sync::OutOfSync, Level::Warning),
        (failing, Sync::OutOfSync, Level::Warning),
        (operation(Phase::Terminating), Sync::OutOfSync, Level::Progressing),
        (operation(Phase::LeftOver), Sync::Synced, Level::Warning),
        (operation(Phase::Failed), Sync::OutOfSync, Level::Critical),
        (operation(Phase::Failed), Sync::Synced, Level::Warning),
        (stopped, Sync::OutOfSync, Level::Warning),
        (operation(Phase::Error), Sync::OutOfSync, Level::Critical),
        (operation(Phase::Other("Pondering".into())), Sync::Synced, Level::Unknown),
    ];
    for (operation, sync, level) in cases {
        let shown = format!("{operation:?} {sync:?}");
        let (found, why) = judged(|app| {
            app.operation = Some(operation);
            app.sync = sync;
        });
        assert_eq!(found, level, "{shown}: {why}");
        assert!(!why.is_empty(), "{shown}");
    }
}

#[test]
fn a_dry_run_that_stalls_auto_sync_is_told() {
    let stalled = |self_heal| {
        judged(|app| {
            app.operation = Some(Operation { dry_run: true, ..operation(Phase::Succeeded) });
            app.sync = Sync::OutOfSync;
            app.auto.self_heal = self_heal;
        })
    };
    assert!(stalled(false).1.contains("dry run"));
    assert!(!stalled(true).1.contains("dry run"));
}

#[test]
fn what_is_missing_depends_on_whether_it_was_there() {
    let missing = |change: fn(&mut SyncApp)| {
        judged(|app| {
            app.sync = Sync::OutOfSync;
            app.health = Health::Missing;
            change(app);
        })
        .0
    };
    assert_eq!(missing(|_| {}), Level::Critical);
    assert_eq!(missing(|app| app.deployed = None), Level::Warning);
    assert_eq!(missing(|app| app.operation = Some(operation(Phase::Running))), Level::Progressing);
}

#[test]
fn words_that_nobody_knows_are_not_well_and_are_shown() {
    let (level, why) = judged(|app| app.health = Health::parse(&"Bewitched".into()));
    assert_eq!((level, why.as_str()), (Level::Unknown, "health Bewitched"));
    let (level, why) = judged(|app| app.sync = Sync::parse(&"Almost".into()));
    assert_eq!((level, why.as_str()), (Level::Unknown, "sync Almost"));
    assert_eq!(Health::parse(&"Bewitched".into()).word(), "Bewitched");
}

#[test]
fn warnings_warn_and_news_of_orphans_do_not() {
    let with = |kind: &str| judged(|app| app.conditions = [condition(kind, "", "", "m")].into()).0;
    assert_eq!(with("SyncError"), Level::Critical);
    assert_eq!(with("SharedResourceWarning"), Level::Warning);
    assert_eq!(with("OrphanedResourceWarning"), Level::Ok);
    assert_eq!(with("SomethingNew"), Level::Warning);
}

#[test]
fn what_is_suspended_rests_and_what_was_asked_for_waits() {
    assert_eq!(judged(|app| app.auto.suspended = true).0, Level::Idle);
    assert_eq!(judged(|app| app.health = Health::Suspended), (Level::Idle, "paused".to_owned()));
    assert_eq!(judged(|app| app.requested = true).0, Level::Progressing);
}

#[test]
fn revisions_are_short_as_people_write_them() {
    for (long, short) in [
        ("9f31c2aa00112233445566778899aabbccddeeff", "9f31c2a"),
        ("main@sha1:9f31c2aa00112233445566778899aabbccddeeff", "9f31c2a"),
        ("v1.2@sha1:9f31c2aa00112233445566778899aabbccddeeff", "9f31c2a"),
        ("sha1:9f31c2aa00112233445566778899aabbccddeeff", "9f31c2a"),
        ("6.5.4@sha256:9f31c2aa00112233445566778899aabbccddeeff00", "6.5.4"),
        (
            "@sha256:9f31c2aa00112233445566778899aabbccddeeff00",
            "@sha256:9f31c2aa00112233445566778899aabbccddeeff00",
        ),
        ("1.10.3", "1.10.3"),
        ("deadbeef", "deadbeef"),
        ("", ""),
        ("ünïcödé-branch", "ünïcödé-branch"),
    ] {
        assert_eq!(short_revision(long), short);
    }
}

mod flux_states {
    use super::super::flux::{Said, states};
    use super::*;

    struct Case {
        applied: &'static str,
        attempted: &'static str,
        observed: i64,
        suspended: bool,
        conditions: Vec<Condition>,
    }

    fn case(conditions: Vec<Condition>) -> Case {
        Case { applied: "a", attempted: "a", observed: 1, suspended: false, conditions }
    }

    fn of(case: &Case) -> (Sync, Health, Option<Operation>) {
        states(&Said {
            kind: Kind::Kustomization,
            generation: 1,
            observed: case.observed,
            applied: case.applied,
            attempted: case.attempted,
            conditions: &case.conditions,
            suspended: case.suspended,
            is_static: false,
        })
    }

    #[test]
    fn in_the_order_of_flux() {
        let ready = |status: &str, reason: &str| condition("Ready", status, reason, "words");
        let well = case(vec![ready("True", "ReconciliationSucceeded")]);
        assert_eq!(of(&well).0, Sync::Synced);
        assert_eq!(of(&well).1, Health::Healthy);
        assert_eq!(of(&well).2.unwrap().phase, Phase::Succeeded);

        // Ready is old while suspended, and while the controller has not seen the newest spec.
        assert_eq!(of(&Case { suspended: true, ..well }).1, Health::Suspended);
        let behind = Case { observed: 0, ..case(vec![ready("True", "ReconciliationSucceeded")]) };
        assert_eq!((of(&behind).0, of(&behind).1), (Sync::OutOfSync, Health::Progressing));

        let stalled = case(vec![
            ready("False", "InstallFailed"),
            condition("Stalled", "True", "RetriesExceeded", "gave up"),
        ]);
        let (_, health, operation) = of(&stalled);
        assert_eq!(
            (health, operation.unwrap().message.as_ref()),
            (Health::Degraded, "RetriesExceeded: gave up")
        );

        let retrying = case(vec![
            ready("False", "BuildFailed"),
            condition("Reconciling", "True", "ProgressingWithRetry", "again"),
        ]);
        let (_, health, operation) = of(&retrying);
        assert_eq!(health, Health::Degraded);
        let operation = operation.unwrap();
        assert!(operation.is_retrying());
        assert_eq!(&*operation.message, "BuildFailed: words");

        let moving = case(vec![
            ready("Unknown", "Progressing"),
            condition("Reconciling", "True", "Progressing", "applying"),
        ]);
        assert_eq!(of(&moving).1, Health::Progressing);
        assert_eq!(of(&moving).2.unwrap().phase, Phase::Running);

        let waits = case(vec![ready("False", "DependencyNotReady")]);
        assert_eq!(of(&waits).1, Health::Progressing);

        // The newest revision failed: the old one stands.
        let failed = Case { attempted: "b", ..case(vec![ready("False", "HealthCheckFailed")]) };
        assert_eq!((of(&failed).0, of(&failed).1), (Sync::OutOfSync, Health::Degraded));

        assert_eq!(of(&case(vec![])), (Sync::Unknown, Health::Unknown, None));
    }

    #[test]
    fn a_release_that_was_rolled_back_works_and_its_delivery_failed() {
        let mut app = app(Kind::HelmRelease, "cart");
        let conditions = vec![condition("Ready", "False", "RollbackSucceeded", "rolled back to v3")];
        let (sync, health, operation) = of(&Case { attempted: "b", ..case(conditions) });
        (app.sync, app.health, app.operation) = (sync, health, operation);
        let verdict = app.verdict();
        assert_eq!(verdict.level, Level::Warning);
        assert!(verdict.why.contains("rolled back to v3"), "{}", verdict.why);
    }

    #[test]
    fn what_waits_for_another_before_its_first_time_says_for_which() {
        let mut app = app(Kind::Kustomization, "shop");
        let message = "dependency 'shop/base' is not ready";
        let conditions = vec![condition("Ready", "False", "DependencyNotReady", message)];
        let never = Case { applied: "", attempted: "", ..case(conditions) };
        (app.sync, app.health, app.operation) = of(&never);
        let verdict = app.verdict();
        assert_eq!(verdict.level, Level::Progressing);
        assert!(verdict.why.contains(message), "{}", verdict.why);
    }

    #[test]
    fn drift_that_helm_reports_is_drift() {
        let conditions = vec![
            condition("Ready", "True", "UpgradeSucceeded", "ok"),
            condition("Drifted", "True", "DriftDetected", "1 changed"),
        ];
        assert_eq!(of(&case(conditions)).0, Sync::OutOfSync);
    }
}
