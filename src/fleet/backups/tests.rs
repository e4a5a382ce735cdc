//! Tables of cases: which backups count, and what follows for environments.

use std::time::Duration;

use super::testing::*;
use super::words::shown;
use super::*;
use crate::config::InCluster;
use crate::domain::backup::{Backup, Location, Restore, Run, Schedule, Template};
use crate::domain::environment::Targets;
use crate::fleet::environments;
use crate::fleet::testing::{send, world};
use crate::fleet::wanted::{WantedEnvironment, WantedStage};
use crate::msg::{ClusterMsg, Delta, Facts};

/// What a case puts there.
#[derive(Clone, Default)]
struct Case {
    backups: Vec<Backup>,
    schedules: Vec<Schedule>,
    restores: Vec<Restore>,
    locations: Vec<Location>,
    tier: Option<u64>,
    velero: Option<InCluster>,
    feeds: Vec<(Kind, Feed)>,
}

impl Case {
    fn world(&self) -> World {
        let mut world = world(&[("gke", &["shop-prod", "velero"]), ("hub", &["velero"])]);
        let id = ClusterId(0);
        let send = |world: &mut World, facts| send(world, id, ClusterMsg::Facts(facts));
        send(&mut world, Facts::Backups(self.backups.iter().cloned().map(Delta::Put).collect()));
        send(&mut world, Facts::Schedules(self.schedules.iter().cloned().map(Delta::Put).collect()));
        send(&mut world, Facts::Restores(self.restores.iter().cloned().map(Delta::Put).collect()));
        send(&mut world, Facts::Locations(self.locations.iter().cloned().map(Delta::Put).collect()));
        for kind in KINDS {
            super::super::testing::send(&mut world, id, ClusterMsg::Feed(kind, Feed::Live));
        }
        for (kind, feed) in &self.feeds {
            super::super::testing::send(&mut world, id, ClusterMsg::Feed(*kind, feed.clone()));
        }
        world
    }

    fn wanted(&self) -> Wanted {
        let env = WantedEnvironment {
            name: "production".into(),
            context: "gke".into(),
            namespaces: vec!["shop-prod".into()],
            targets: self
                .tier
                .map(|rpo| Targets { rpo: Duration::from_secs(rpo), rto: Duration::from_secs(1_800) }),
            velero: self.velero.clone(),
            ..WantedEnvironment::default()
        };
        let stage = WantedStage { name: "production".into(), environments: vec![env] };
        Wanted { stages: vec![stage], ..Wanted::default() }
    }

    fn kept(&self) -> Kept {
        let (world, wanted) = (self.world(), self.wanted());
        let environments = environments(&wanted, &world);
        let mut backups = Backups::default();
        backups.refresh(&wanted, &environments, &world, NOW);
        backups.get(EnvId(0)).unwrap().clone()
    }

    /// Level, status and detail of every row, the worst first.
    fn rows(&self) -> Vec<(Level, &'static str, String, String)> {
        let (world, kept) = (self.world(), self.kept());
        let cluster = world.cluster(ClusterId(0)).unwrap();
        let mut rows: Vec<_> = kept
            .entries
            .iter()
            .filter_map(|entry| {
                let words = shown(cluster, &"production".into(), &kept, entry, NOW)?;
                Some((entry.level, words.kind, words.status, words.detail))
            })
            .collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.0));
        rows
    }

    fn card(&self) -> (Level, String, String) {
        self.kept().card(NOW).unwrap()
    }
}

fn base() -> Case {
    Case { locations: vec![location("default", "Available")], ..Case::default() }
}

/// An every-half-hour schedule and its backups.
fn half_hourly(backups: Vec<Backup>) -> Case {
    let schedule = Schedule {
        last_backup: backups.iter().filter_map(|one| one.run.started).max(),
        ..schedule("shop", "*/30 * * * *", &["shop-prod"])
    };
    Case { backups, schedules: vec![schedule], ..base() }
}

#[test]
fn the_newest_usable_backup_counts_against_the_schedules_longest_pause() {
    let good = |minutes| backup("shop", &["shop-prod"], "Completed", minutes);
    assert_eq!(half_hourly(vec![good(12), good(42)]).card(), (Level::Ok, "12m / 30m".into(), "".into()));
    let breached = half_hourly(vec![backup("shop", &["shop-prod"], "PartiallyFailed", 11), good(41)]);
    assert_eq!(breached.card(), (Level::Critical, "41m / 30m".into(), "RPO breached".into()));
    let kept = breached.kept();
    let standing = kept.rpo(NOW).unwrap().rpo.standing(NOW);
    // A minute late, a minute queued, half a minute of run.
    assert_eq!(standing.words(NOW), "breached 8 m 30 s ago");
    assert_eq!(kept.rejected.len(), 1);
    assert_eq!(&*kept.rejected[0].why, "partially failed");
}

#[test]
fn a_tiers_target_is_strict_and_foresees() {
    let good = |minutes| backup("shop", &["shop-prod"], "Completed", minutes);
    let with = |minutes, tier| Case { tier: Some(tier), ..half_hourly(vec![good(minutes)]) }.card();
    assert_eq!(with(12, 7_200), (Level::Ok, "12m / 2h".into(), "".into()));
    assert_eq!(with(1, 300), (Level::Warning, "1m / 5m".into(), "RPO missed in 4m".into()));
    assert_eq!(with(6, 300), (Level::Critical, "6m / 5m".into(), "RPO breached".into()));
    let none = Case { tier: Some(300), ..base() };
    assert_eq!(none.card(), (Level::Critical, "none / 5m".into(), "no usable backup".into()));
    assert_eq!(base().card(), (Level::Idle, "".into(), "not backed up".into()));
}

#[test]
fn a_schedule_that_is_made_now_takes_nothing_from_one_that_fails_for_days() {
    let failing = || half_hourly(vec![backup("shop", &["shop-prod"], "Failed", 12)]);
    let old = failing();
    assert_eq!(old.card().2, "no usable backup");
    let mut both = failing();
    let new = Schedule { created: NOW, last_backup: None, ..schedule("new", "0 * * * *", &["shop-prod"]) };
    both.schedules.push(new);
    assert_eq!(both.card(), old.card());
}

#[test]
fn a_schedule_is_held_against_the_tier_where_one_is_configured() {
    let good = backup("shop", &["shop-prod"], "Completed", 12);
    let of = |case: Case| {
        let kept = case.kept();
        let rpo = &kept.plans[0].rpo;
        let row = case.rows().into_iter().find(|row| row.1 == "schedule").unwrap();
        (rpo.short(NOW), rpo.standing(NOW).word(), rpo.target.as_ref().unwrap().basis.clone(), row.0)
    };
    let plain = half_hourly(vec![good.clone()]);
    assert_eq!(of(plain.clone()), ("12m / 30m".into(), "kept", Aim::Schedule("shop".into()), Level::Ok));
    // 300 s: half an hour is too long a pause however well it runs.
    let strict = Case { tier: Some(300), ..plain.clone() };
    assert_eq!(of(strict.clone()), ("12m / 5m".into(), "breached", Aim::Tier, Level::Warning));
    assert_eq!(strict.kept().plans[0].rpo.standing(NOW).breach_at(), Some(NOW.plus(-7 * MINUTE)));
    // 2 h: runs that were missed are no breach yet.
    let mut loose = Case { tier: Some(7_200), ..half_hourly(vec![good]) };
    loose.backups[0] = backup("shop", &["shop-prod"], "Completed", 50);
    let (short, word, basis, _) = of(loose);
    assert_eq!((&*short, word, basis), ("50m / 2h", "kept", Aim::Tier));
    // A schedule that cannot be read has a target all the same.
    let mut odd = Case { tier: Some(1_800), ..plain };
    odd.schedules[0].cron = "now and then".into();
    assert_eq!(odd.kept().plans[0].rpo.target.as_ref().unwrap().seconds, 1_800);
}

#[test]
fn what_does_not_count_is_said() {
    let limited = |change: fn(&mut Template)| {
        let mut one = backup("shop", &["shop-prod"], "Completed", 5);
        change(&mut one.template);
        one
    };
    for (newer, why) in [
        (backup("shop", &["shop-prod"], "Sublimating", 5), Some("its phase Sublimating is not known here")),
        (backup("shop", &["shop-prod"], "InProgress", 5), Some("it is not over: in progress")),
        (backup("shop", &["shop-prod"], "FailedValidation", 5), Some("not valid")),
        (backup("shop", &["shop-prod"], "Deleting", 5), Some("it is being deleted")),
        (limited(|t| t.selector = "app=cart".into()), Some("only objects with app=cart")),
        (limited(|t| t.resources = names(&["configmaps"])), Some("only configmaps")),
        (limited(|t| t.location = "offsite".into()), Some("its location offsite is unavailable")),
        (limited(|t| t.location = "nowhere".into()), Some("its location nowhere is gone")),
        (limited(|t| t.namespaces = names(&["other"])), None),
        (limited(|t| t.not_namespaces = names(&["shop-*"])), None),
    ] {
        let mut case = half_hourly(vec![newer, backup("shop", &["*"], "Completed", 41)]);
        case.locations.push(location("offsite", "Unavailable"));
        let kept = case.kept();
        assert_eq!(kept.rpo(NOW).unwrap().rpo.age(NOW), Some(41 * 60), "{why:?}");
        assert_eq!(kept.rejected.first().map(|one| &*one.why), why);
    }
    let counts = half_hourly(vec![limited(|t| t.not_resources = names(&["events"]))]);
    assert_eq!(
        counts.kept().rpo(NOW).unwrap().rpo.age(NOW),
        Some(300),
        "what is left out does not make it partial"
    );
}

#[test]
fn where_locations_cannot_be_read_backups_are_believed() {
    let refused = Feed::Forbidden("no".into());
    let case = Case {
        locations: Vec::new(),
        feeds: vec![(Kind::BackupStorageLocation, refused)],
        ..half_hourly(vec![backup("shop", &["shop-prod"], "Completed", 5)])
    };
    assert_eq!(case.card().0, Level::Ok);
    assert_eq!(case.kept().gaps, [(Kind::BackupStorageLocation, "no".into())]);
}

#[test]
fn an_environment_is_as_old_as_its_worst_namespace() {
    let mut case = base();
    case.schedules = vec![schedule("a", "0 * * * *", &["a"]), schedule("b", "@daily", &["b"])];
    case.backups = vec![backup("a", &["a"], "Completed", 100), backup("b", &["b"], "Completed", 900)];
    let world = case.world();
    let mut wanted = case.wanted();
    wanted.stages[0].environments[0].namespaces = vec!["a".into(), "b".into(), "c".into()];
    let environments = environments(&wanted, &world);
    let mut backups = Backups::default();
    backups.refresh(&wanted, &environments, &world, NOW);
    let kept = backups.get(EnvId(0)).unwrap();
    let each: Vec<_> =
        kept.namespaces.iter().map(|one| (&*one.namespace, one.rpo.standing(NOW).word())).collect();
    assert_eq!(each, [("a", "breached"), ("b", "kept"), ("c", "not backed up")]);
    assert_eq!(
        &*kept.rpo(NOW).unwrap().namespace,
        "a",
        "its own schedule's pause is what it is held against"
    );
}

#[test]
fn schedules_tell_what_is_wrong_with_them() {
    let good = backup("shop", &["shop-prod"], "Completed", 2);
    let with = |change: &dyn Fn(&mut Schedule)| {
        let mut case = half_hourly(vec![good.clone()]);
        case.schedules[0].last_backup = Some(NOW.plus(-119)); // 14:30:00
        change(&mut case.schedules[0]);
        case.rows().into_iter().find(|row| row.1 == "schedule").unwrap()
    };
    let (level, _, status, detail) = with(&|_| ());
    assert_eq!((level, &*status), (Level::Ok, "enabled"));
    assert_eq!(detail, "every 30 minutes · next in 28 m 1 s · last success 2 m ago");
    for (change, level, status, told) in [
        (
            &(|s: &mut Schedule| s.paused = true) as &dyn Fn(&mut Schedule),
            Level::Warning,
            "paused",
            "every 30",
        ),
        (
            &|s| s.cron = "every day".into(),
            Level::Critical,
            "not valid",
            "`every day` is no schedule: five fields",
        ),
        (&|s| s.phase = "FailedValidation".into(), Level::Critical, "not valid", "Velero refuses it"),
        (&|s| s.phase = "Hibernating".into(), Level::Unknown, "phase Hibernating", "every 30 minutes"),
        (&|s| s.last_backup = Some(NOW.plus(-5_400)), Level::Warning, "late by 1h", "due now"),
        (&|s| s.cron = "@every 6h".into(), Level::Ok, "enabled", "every 6 hours · next in 5 h 58 m"),
        (
            &|s| s.cron = "CRON_TZ=Europe/Zurich 0 16 * * *".into(),
            Level::Ok,
            "enabled",
            "daily at 16:00 (Europe/Zurich)",
        ),
    ] {
        let row = with(change);
        assert_eq!((row.0, &*row.2), (level, status), "{told}");
        assert!(row.3.contains(told), "{} {told}", row.3);
    }
}

#[test]
fn faults_that_are_history_do_not_cry() {
    let level = |case: Case, status: &str| case.rows().into_iter().find(|row| row.2 == status).unwrap().0;
    let failed = |minutes| backup("shop", &["shop-prod"], "Failed", minutes);
    let good = |minutes| backup("shop", &["shop-prod"], "Completed", minutes);
    assert_eq!(level(half_hourly(vec![failed(5), good(30)]), "failed"), Level::Critical);
    assert_eq!(level(half_hourly(vec![good(5), failed(30)]), "failed"), Level::Idle);
}

#[test]
fn locations_that_cannot_be_used() {
    let level = |one: Location| {
        let case = Case { locations: vec![one], ..half_hourly(Vec::new()) };
        case.rows().into_iter().find(|row| row.1 == "location").map(|row| (row.0, row.2)).unwrap()
    };
    assert_eq!(level(location("default", "Available")), (Level::Ok, "available".into()));
    assert_eq!(level(location("default", "Unavailable")), (Level::Critical, "unavailable".into()));
    assert_eq!(level(location("archive", "Unavailable")), (Level::Warning, "unavailable".into()));
    assert_eq!(level(location("default", "Melted")), (Level::Unknown, "phase Melted".into()));
    let silent = Location { validated: Some(NOW.plus(-7_200)), ..location("default", "Available") };
    assert_eq!(level(silent), (Level::Warning, "silent for 2h".into()));
}

#[test]
fn the_last_restore_that_brought_something_back_measures_the_recovery_time() {
    let empty = Restore {
        run: Run { items: Some((0, 0)), ..restore("r", "shop-41", "Completed", 10, 30).run },
        ..restore("empty", "shop-41", "Completed", 10, 30)
    };
    let case = Case {
        restores: vec![
            restore("old", "shop-41", "Completed", 9_000, 300),
            restore("drill", "shop-41", "Completed", 900, 2_700),
            restore("broken", "shop-41", "PartiallyFailed", 60, 10),
            empty,
        ],
        tier: Some(300),
        ..half_hourly(vec![backup("shop", &["shop-prod"], "Completed", 41)])
    };
    let kept = case.kept();
    assert_eq!((kept.rto.words(), kept.rto.level()), ("45 m of 30 m".into(), Level::Warning));
    assert_eq!(half_hourly(Vec::new()).kept().rto.words(), "not measured");
    let elsewhere = backup("", &["other"], "Completed", 41);
    let case =
        Case { restores: vec![restore("r", "hand-41", "Completed", 5, 60)], ..half_hourly(vec![elsewhere]) };
    assert_eq!(case.kept().rto.last, None, "it brought back other namespaces");
}

#[test]
fn what_cannot_be_read_is_told_from_what_is_not_there() {
    let reading = |feed: Feed| Case { feeds: vec![(Kind::Backup, feed)], ..Case::default() }.kept().reading;
    assert_eq!(reading(Feed::Live), Reading::Here);
    assert_eq!(reading(Feed::Loading), Reading::Loading);
    assert_eq!(reading(Feed::Absent), Reading::Absent);
    assert_eq!(reading(Feed::Forbidden("no".into())), Reading::Refused("no".into()));
    let card = |feed: Feed, tier| {
        Case { feeds: vec![(Kind::Backup, feed)], tier, ..Case::default() }.kept().card(NOW)
    };
    assert_eq!(
        card(Feed::Absent, None),
        Some((Level::Idle, "".into(), "no Velero here".into())),
        "its absence is said, and is no fault"
    );
    assert_eq!(
        card(Feed::Absent, Some(1_800)),
        Some((Level::Unknown, "? / 30m".into(), "no Velero here".into()))
    );
    assert_eq!(
        card(Feed::Forbidden("no".into()), None),
        Some((Level::Unknown, "?".into(), "may not be read".into()))
    );
}

#[test]
fn velero_may_be_elsewhere_and_in_one_of_several_namespaces() {
    let mut case = half_hourly(vec![backup("shop", &["shop-prod"], "Completed", 5)]);
    case.velero = Some(InCluster { context: None, namespace: "velero-two".into() });
    assert_eq!(case.kept().rpo(NOW).unwrap().rpo.newest, None);
    case.velero = Some(InCluster { context: None, namespace: "velero".into() });
    assert!(case.kept().rpo(NOW).unwrap().rpo.newest.is_some());
    case.velero = Some(InCluster { context: Some("hub".into()), namespace: "velero".into() });
    assert_eq!(case.kept().place.unwrap().cluster, Some(ClusterId(1)));
    case.velero = Some(InCluster { context: Some("gone".into()), namespace: "velero".into() });
    assert_eq!(case.kept().reading, Reading::Away("the kubeconfig has no context gone".into()));
}

#[test]
fn the_clock_alone_changes_what_is_worth_telling() {
    let case = half_hourly(vec![backup("shop", &["shop-prod"], "Completed", 29)]);
    let (world, wanted) = (case.world(), case.wanted());
    let environments = environments(&wanted, &world);
    let mut backups = Backups::default();
    assert!(backups.refresh(&wanted, &environments, &world, NOW));
    let version = backups.version();
    assert!(!backups.refresh(&wanted, &environments, &world, NOW.plus(30)), "nothing is otherwise");
    assert_eq!(backups.version(), version);
    assert!(backups.refresh(&wanted, &environments, &world, NOW.plus(600)));
    assert!(backups.version() > version);
    let rpo = backups.get(EnvId(0)).unwrap().entries[0];
    assert_eq!((rpo.what, rpo.level), (What::Rpo, Level::Critical));
}

#[test]
fn a_backup_of_the_future_is_no_older_than_now() {
    let case = half_hourly(vec![backup("shop", &["shop-prod"], "Completed", -3)]);
    assert_eq!(case.card(), (Level::Ok, "0s / 30m".into(), "".into()));
}

#[test]
fn a_thousand_backups_are_sorted_out() {
    let mut backups: Vec<Backup> =
        (1..=1_000).map(|n| backup("shop", &["shop-prod"], "Completed", n * 30)).collect();
    backups.push(backup("shop", &["shop-prod"], "PartiallyFailed", 5));
    let kept = half_hourly(backups).kept();
    assert_eq!(kept.entries.iter().filter(|entry| entry.what == What::Backup).count(), 1_001);
    assert_eq!(kept.rpo(NOW).unwrap().rpo.age(NOW), Some(1_800));
    assert_eq!(kept.rejected.len(), 1);
}
