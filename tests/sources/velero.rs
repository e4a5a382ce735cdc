//! Velero's objects as other versions, other people and accidents write them: from the wire to the rows and the report.

use std::collections::HashMap;
use std::time::Duration;

use pilothouse::report::backups::{BackupReport, EnvironmentBackups, Facts, ObjectStatus};
use serde_json::{Value, json};

use super::person::{Desk, Person};
use super::script::{Ending, Server, added, bookmark, events};

/// So many minutes before now, as the API writes it.
fn ago(minutes: i64) -> String {
    let at = jiff::Timestamp::now().as_second() - minutes * 60;
    jiff::Timestamp::from_second(at).unwrap().to_string()
}

fn object(kind: &str, name: &str, spec: Value, status: Value) -> (String, Value) {
    let object = json!({
        "apiVersion": "velero.io/v1", "kind": kind, "spec": spec, "status": status,
        "metadata": {"name": name, "namespace": "velero", "uid": format!("{kind}-{name}"),
            "resourceVersion": "3", "creationTimestamp": ago(600)},
    });
    (format!("/apis/velero.io/v1/{}s", kind.to_lowercase()), object)
}

fn backup(name: &str, phase: &str, minutes: i64) -> (String, Value) {
    let status = json!({"phase": phase, "startTimestamp": ago(minutes), "completionTimestamp": ago(minutes)});
    object("Backup", name, json!({"includedNamespaces": ["shop"], "storageLocation": "default"}), status)
}

fn schedule(name: &str, cron: &str) -> (String, Value) {
    let template = json!({"includedNamespaces": ["shop"]});
    let status = json!({"phase": "Enabled", "lastBackup": ago(10)});
    object("Schedule", name, json!({"schedule": cron, "template": template}), status)
}

fn location(name: &str, phase: &str) -> (String, Value) {
    let status = json!({"phase": phase, "lastValidationTime": ago(0), "message": "bucket\u{1b}[31m is gone"});
    let spec = json!({"provider": "aws", "default": name == "default", "objectStorage": {"bucket": "b"}});
    object("BackupStorageLocation", name, spec, status)
}

/// A person before a cluster with these objects.
async fn person(objects: Vec<(String, Value)>) -> (Server, Person) {
    let mut by_path: HashMap<String, Vec<Value>> = HashMap::new();
    for (path, object) in objects {
        by_path.entry(path).or_default().push(added(object));
    }
    let server = Server::start(move |seen| {
        let mut all = by_path.get(&seen.path).filter(|_| seen.is_streaming_list())?.clone();
        all.push(bookmark("9", true));
        Some(events(&all, Ending::Open))
    })
    .await;
    let config = "stages:\n- name: production\n  context: test\n  namespaces: [shop]\n".to_owned();
    let desk = Desk { size: (200, 50), config, ..Desk::default() };
    let mut person = Person::sits_down(&server.kubeconfig("{token: good}"), &desk);
    person.wait_for_data().await;
    person.driver().settle();
    (server, person)
}

fn report(person: &mut Person) -> EnvironmentBackups {
    let shared = &person.driver().state.shared;
    let facts = Facts {
        world: &shared.world,
        environments: &shared.environments,
        backups: &shared.backups,
        now: shared.now.wall,
        only: None,
    };
    let mut told = BackupReport::of(facts, false);
    told.environments.retain(|env| env.environment == "production");
    told.environments.remove(0)
}

fn row<'a>(told: &'a EnvironmentBackups, name: &str) -> &'a ObjectStatus {
    told.objects.iter().find(|one| one.name == name).unwrap_or_else(|| panic!("no {name}: {told:#?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_in_every_dialect_and_in_none() {
    // Far from now, so that it is not late.
    let zurich = jiff::Zoned::now().in_tz("Europe/Zurich").unwrap();
    let hour = (zurich.hour() + 12) % 24;
    let (_server, mut person) = person(vec![
        location("default", "Available"),
        backup("by-hand", "Completed", 10),
        schedule("every", "@every 6h"),
        schedule("zoned", &format!("CRON_TZ=Europe/Zurich 0 {hour} * * *")),
        schedule("lost", "CRON_TZ=Nowhere/Land 0 3 * * *"),
        schedule("nonsense", "now\u{1b}[2J and then"),
        object("Schedule", "bare", json!(null), json!(null)),
        object("Schedule", "wrong", json!({"schedule": 7, "template": "all", "paused": "maybe"}), json!([])),
    ])
    .await;
    let told = report(&mut person);
    let every = row(&told, "every");
    assert_eq!(every.status, "enabled");
    assert!(every.detail.starts_with("every 6 hours · next in 5 h "), "{}", every.detail);
    let zoned = row(&told, "zoned");
    assert_eq!(zoned.status, "enabled");
    assert!(
        zoned.detail.starts_with(&format!("daily at {hour:02}:00 (Europe/Zurich) · next in ")),
        "{}",
        zoned.detail
    );
    for (name, why) in [
        ("lost", "there is no time zone `Nowhere/Land`"),
        ("nonsense", "five fields are needed"),
        ("bare", "it is empty"),
        ("wrong", "five fields are needed"),
    ] {
        let one = row(&told, name);
        assert_eq!((one.status.as_str(), one.level), ("not valid", "critical"), "{one:?}");
        assert!(one.detail.contains(why) && !one.detail.contains('\u{1b}'), "{one:?}");
    }
    // The recovery point is that of what can be read: the shortest longest pause.
    let rpo = told.rpo.as_ref().unwrap();
    assert_eq!((rpo.state, rpo.target_seconds), ("kept", Some(6 * 3_600)), "{rpo:?}");
    assert_eq!(rpo.target_from.as_deref(), Some("schedule every"));
    person.keys("7 enter");
    person.see_row("nonsense", "not valid").await;
    person.see_row("every", "every 6 hours").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_of_phases_that_nobody_knows_and_with_nothing_in_them() {
    let nothing = |name: &str| object("Backup", name, json!({"includedNamespaces": ["shop"]}), json!(null));
    let (_server, mut person) = person(vec![
        location("default", "Available"),
        location("offsite", "Unavailable"),
        backup("whole", "Completed", 50),
        backup("odd", "Sub\u{7}limating", 5),
        nothing("bare"),
        object("Backup", "wrong", json!({"includedNamespaces": "shop"}), json!({"phase": 3, "progress": []})),
        object(
            "Backup",
            "timeless",
            json!({"includedNamespaces": ["shop"]}),
            json!({"phase": "Completed", "startTimestamp": "yesterday", "expiration": {}}),
        ),
        object(
            "Backup",
            "away",
            json!({"includedNamespaces": ["shop"], "storageLocation": "offsite"}),
            json!({"phase": "Completed", "startTimestamp": ago(3), "completionTimestamp": ago(2)}),
        ),
        object("Restore", "bare-restore", json!({"backupName": "whole"}), json!(null)),
        object(
            "Restore",
            "instant",
            json!({"backupName": "whole"}),
            json!({"phase": "Completed", "startTimestamp": "soon", "completionTimestamp": ago(1)}),
        ),
        object("BackupStorageLocation", "unseen", json!(null), json!(null)),
    ])
    .await;
    let told = report(&mut person);
    assert_eq!(told.velero, "here");
    let rpo = told.rpo.as_ref().unwrap();
    assert_eq!(rpo.newest.as_deref(), Some("whole"), "{told:#?}");
    let why = |name: &str| {
        told.rejected.iter().find(|one| one.name == name).map(|one| one.reason.as_str()).unwrap_or_default()
    };
    assert!(why("odd").starts_with("its phase Sub") && why("odd").ends_with("limating is not known here"));
    assert_eq!(why("away"), "its location offsite is unavailable");
    for (name, status) in [("bare", "new"), ("timeless", "completed"), ("bare-restore", "new")] {
        assert_eq!(row(&told, name).status, status, "{name}");
    }
    let offsite = row(&told, "offsite");
    assert_eq!(offsite.status, "unavailable");
    assert!(offsite.detail.contains("is gone") && !offsite.detail.contains('\u{1b}'), "{offsite:?}");
    assert_eq!(told.rto.state, "not measured", "a restore without a beginning measures nothing");
    person.keys("7 enter");
    person.see_row("offsite", "unavailable").await;
    person.see_row("whole", "completed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_location_that_cannot_be_reached_takes_its_backups_with_it() {
    let (_server, mut person) = person(vec![
        location("default", "Unavailable"),
        backup("a", "Completed", 5),
        schedule("s", "@hourly"),
    ])
    .await;
    let told = report(&mut person);
    assert_eq!(told.rpo.as_ref().unwrap().state, "never", "{told:#?}");
    assert_eq!(told.rejected[0].reason, "its location default is unavailable");
    assert_eq!(
        (row(&told, "default").level, row(&told, "default").status.as_str()),
        ("critical", "unavailable")
    );
    person.see("no usable backup").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_backups_come_and_the_newest_whole_one_counts() {
    let mut all = vec![location("default", "Available"), schedule("shop", "@every 30m")];
    all.extend((0..999).map(|n| backup(&format!("shop-{n:03}"), "Completed", 5 + 30 * n)));
    all.push(backup("shop-newest", "PartiallyFailed", 2));
    let (_server, mut person) = person(all).await;
    let told = report(&mut person);
    assert_eq!(told.objects.iter().filter(|one| one.kind == "backup").count(), 1_000);
    let rpo = told.rpo.as_ref().unwrap();
    assert_eq!((rpo.newest.as_deref(), rpo.state), (Some("shop-000"), "kept"), "{rpo:?}");
    assert_eq!(told.rejected.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["shop-newest"]);
    person.keys("7 enter");
    person.see_title("Backups", "004").await;
    person.see_row("shop-newest", "partially failed").await;
    let limit = Duration::from_secs(5);
    assert!(person.driver().run_until(limit, |driver| driver.is_loaded()).await);
}
