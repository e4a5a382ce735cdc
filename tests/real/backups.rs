//! Backups, schedules, restores and locations of a real Velero, judged against what the API server has of them.

use std::time::Duration;

use ground::{Cluster, velero};
use pilothouse::report::backups::{BackupReport, EnvironmentBackups, Facts, ObjectStatus};
use serde_json::{Value, json};

use super::common::{command, quick};
use super::person::{Desk, Person};

/// What is kept of production, as the screen's state has it.
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

/// Waits until the report is so.
async fn until(
    person: &mut Person,
    what: &str,
    holds: impl Fn(&EnvironmentBackups) -> bool,
) -> EnvironmentBackups {
    let limit = std::time::Instant::now() + Duration::from_secs(90);
    loop {
        let told = report(person);
        if holds(&told) {
            return told;
        }
        assert!(std::time::Instant::now() < limit, "never: {what}; {told:#?}\n{}", person.picture());
        // Until something happens, or the clock has moved.
        person.driver().run_until(Duration::from_millis(200), |_| false).await;
    }
}

fn object<'a>(told: &'a EnvironmentBackups, kind: &str, name: &str) -> Option<&'a ObjectStatus> {
    told.objects.iter().find(|one| one.kind == kind && one.name == name)
}

/// The status of an object is so, in words.
fn is(told: &EnvironmentBackups, kind: &str, name: &str, status: &str) -> bool {
    object(told, kind, name).is_some_and(|one| one.status == status)
}

/// All objects of one of Velero's kinds, as the API server has them.
fn theirs(cluster: &Cluster, kind: &str) -> Vec<Value> {
    let all = cluster.get(velero::NAMESPACE, &format!("velero.io/v1/{kind}")).unwrap();
    all["items"].as_array().unwrap().clone()
}

fn stamp(value: &Value) -> i64 {
    value.as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok()).map_or(0, |at| at.as_second())
}

/// Every backup that the API server has is told as it is there, and no other; the newest whole one is the recovery point.
fn judge(cluster: &Cluster, told: &EnvironmentBackups) {
    let backups = theirs(cluster, "backups");
    let ours = told.objects.iter().filter(|one| one.kind == "backup").count();
    assert_eq!(ours, backups.len(), "{told:#?}");
    let mut newest: Option<&Value> = None;
    for backup in &backups {
        let name = backup["metadata"]["name"].as_str().unwrap();
        let one = object(told, "backup", name).unwrap_or_else(|| panic!("{name} is missing: {told:#?}"));
        let status = &backup["status"];
        let words = match status["phase"].as_str().unwrap() {
            "Completed" => "completed",
            "PartiallyFailed" => "partially failed",
            "FailedValidation" => "not valid",
            other => panic!("{other} was not made here"),
        };
        assert_eq!(one.status, words, "{backup:#}");
        for (count, noun) in [(&status["errors"], "error"), (&status["warnings"], "warning")] {
            let count = count.as_u64().unwrap_or(0);
            let said = one.detail.contains(&format!("{count} {noun}"));
            assert!(said || count == 0, "{one:?}\n{backup:#}");
            assert!(count > 0 || !one.detail.contains(noun), "{one:?}\n{backup:#}");
        }
        if words == "completed" {
            let items = status["progress"]["totalItems"].as_u64().unwrap();
            assert!(one.detail.contains(&format!("{items} items")), "{one:?}\n{backup:#}");
            assert!(
                one.detail.contains("expires in 29 d") || one.detail.contains("expires in 30 d"),
                "{one:?}"
            );
            if newest.is_none_or(|other| {
                stamp(&other["status"]["startTimestamp"]) < stamp(&status["startTimestamp"])
            }) {
                newest = Some(backup);
            }
        }
    }
    let rpo = told.rpo.as_ref().unwrap();
    let newest = newest.map(|one| {
        (one["metadata"]["name"].as_str().unwrap(), one["status"]["startTimestamp"].as_str().unwrap())
    });
    assert_eq!(rpo.newest.as_deref().zip(rpo.newest_at.as_deref()), newest, "{rpo:#?}");
}

/// One that its schedule made, as `velero backup create --from-schedule` makes it.
fn of_schedule(name: &str, schedule: &str, namespace: &str) -> Value {
    let mut backup = velero::backup(name, namespace);
    backup["metadata"]["labels"] = json!({"velero.io/schedule-name": schedule});
    backup
}

fn schedule(name: &str, cron: &str, namespace: &str) -> Value {
    json!({
        "apiVersion": "velero.io/v1", "kind": "Schedule",
        "metadata": {"name": name, "namespace": velero::NAMESPACE},
        "spec": {"schedule": cron, "template": {"includedNamespaces": [namespace], "storageLocation": "default"}},
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn what_velero_keeps_and_what_it_loses() {
    let cluster = Cluster::start().with_velero().await.unwrap();
    cluster.nodes(1).await.unwrap();
    let shop = cluster.namespace("shop").await.unwrap();
    cluster.kubectl(&["-n", &shop, "create", "deployment", "cart", "--image=cart:1"]).unwrap();
    let config = format!("stages:\n- name: production\n  namespaces: [{shop}]\n  tier: standard\n");
    let desk = Desk { size: (200, 50), config: config.clone(), ..quick() };
    let mut person = Person::sits_down(cluster.admin(), &desk);
    person.wait_for_data().await;
    person.keys("7 enter");
    person.see_row("default", "available").await;
    let told = until(&mut person, "nothing is kept yet", |told| told.rpo.is_some()).await;
    let rpo = told.rpo.as_ref().unwrap();
    assert_eq!(
        (rpo.state, rpo.target_seconds, rpo.target_from.as_deref()),
        ("never", Some(1_800), Some("tier"))
    );
    person.see("no usable backup").await;

    // A backup: its age counts from when it began.
    cluster.apply(&velero::backup("nightly", &shop)).unwrap();
    let told =
        until(&mut person, "the backup is whole", |told| is(told, "backup", "nightly", "completed")).await;
    judge(&cluster, &told);
    let rpo = told.rpo.as_ref().unwrap();
    // No schedule makes the next one, so it will be missed.
    assert_eq!((rpo.state, rpo.newest.as_deref()), ("at risk", Some("nightly")), "{rpo:?}");
    person.see_row("nightly", "completed").await;
    person.see("/ 30m").await;

    schedules(&mut person, &cluster, &shop).await;
    failures(&mut person, &cluster, &shop).await;

    // A restore into another namespace measures the recovery time.
    let copy = format!("{shop}-copy");
    cluster
        .apply(&json!({
            "apiVersion": "velero.io/v1", "kind": "Restore",
            "metadata": {"name": "again", "namespace": velero::NAMESPACE},
            "spec": {"backupName": "nightly", "namespaceMapping": {&shop: copy}},
        }))
        .unwrap();
    let told =
        until(&mut person, "the restore is over", |told| is(told, "restore", "again", "completed")).await;
    let restore = theirs(&cluster, "restores").remove(0);
    let took = stamp(&restore["status"]["completionTimestamp"]) - stamp(&restore["status"]["startTimestamp"]);
    assert_eq!((told.rto.state, told.rto.restore.as_deref()), ("kept", Some("again")), "{:?}", told.rto);
    assert_eq!(told.rto.last_seconds, u64::try_from(took).ok(), "{restore:#}");
    assert_eq!(told.rto.target_seconds, Some(7_200));
    let detail = &object(&told, "restore", "again").unwrap().detail;
    assert!(detail.contains(&format!("{shop} into {copy}")) && detail.contains("of nightly"), "{detail}");
    person.see_row("again", "completed").await;

    // The commands say the same.
    judge(&cluster, &report(&mut person));
    let (code, all) = command(&cluster, &config, &["backups", "-o", "json"]);
    assert_eq!((code, &all["health"]), (Some(1), &json!("unhealthy")), "what failed wants a look: {all:#}");
    let names = |list: &Value| -> Vec<String> {
        let list = list.as_array().unwrap();
        let mut names: Vec<String> =
            list.iter().map(|one| format!("{} {}: {}", one["kind"], one["name"], one["status"])).collect();
        names.sort();
        names
    };
    let ours = serde_json::to_value(report(&mut person)).unwrap();
    assert_eq!(names(&all["environments"][0]["objects"]), names(&ours["objects"]));
    let (code, meters) = command(&cluster, &config, &["rpo", "-o", "json"]);
    assert_eq!((code, &meters["health"]), (Some(0), &json!("healthy")), "{meters:#}");
    for (key, told) in [("rpo", &ours["rpo"]), ("rto", &ours["rto"])] {
        for field in ["state", "newest", "newestAt", "targetSeconds", "targetFrom", "restore", "lastSeconds"]
        {
            assert_eq!(meters["environments"][0][key][field], told[field], "{key}.{field}");
        }
    }

    lost_and_found(&mut person, &cluster).await;

    // A backup is deleted by Velero itself, with its files: it is gone here too, and another one counts.
    cluster
        .apply(&json!({
            "apiVersion": "velero.io/v1", "kind": "DeleteBackupRequest",
            "metadata": {"name": "delete-it", "namespace": velero::NAMESPACE},
            "spec": {"backupName": "by-schedule"},
        }))
        .unwrap();
    let gone = |told: &EnvironmentBackups| object(told, "backup", "by-schedule").is_none();
    let told = until(&mut person, "the backup is gone", gone).await;
    judge(&cluster, &told);
    assert_eq!(told.rpo.as_ref().unwrap().newest.as_deref(), Some("nightly"));
    person.see_no_row("by-schedule", "completed").await;
}

/// What we read of a schedule is what Velero reads; it is held against the tier, and may be paused.
async fn schedules(person: &mut Person, cluster: &Cluster, shop: &str) {
    for (name, cron) in [
        ("half-hourly", "*/30 * * * *"),
        ("every", "@every 6h"),
        ("zoned", "CRON_TZ=Europe/Zurich 0 3 * * *"),
        ("daily", "@daily"),
        ("nonsense", "now and then"),
        ("sixth", "0 0 * * * *"),
        ("lost", "CRON_TZ=Nowhere/Land 0 3 * * *"),
    ] {
        cluster.apply(&schedule(name, cron, shop)).unwrap();
    }
    cluster.apply(&of_schedule("by-schedule", "half-hourly", shop)).unwrap();
    cluster
        .until("Velero has looked at all schedules", || {
            theirs(cluster, "schedules").iter().all(|one| one["status"]["phase"].is_string())
        })
        .await
        .unwrap();
    let told = until(person, "the schedule's backup is whole", |told| {
        is(told, "backup", "by-schedule", "completed")
            && told.objects.iter().filter(|one| one.kind == "schedule").all(|one| one.status != "new")
    })
    .await;
    judge(cluster, &told);
    for one in theirs(cluster, "schedules") {
        let name = one["metadata"]["name"].as_str().unwrap();
        let phase = one["status"]["phase"].as_str().unwrap();
        let wanted = if phase == "Enabled" { "enabled" } else { "not valid" };
        assert!(is(&told, "schedule", name, wanted), "{one:#}\n{:?}", object(&told, "schedule", name));
        assert_eq!(phase == "Enabled", !["nonsense", "sixth", "lost"].contains(&name), "{one:#}");
    }
    let detail =
        |told: &EnvironmentBackups, name: &str| object(told, "schedule", name).unwrap().detail.clone();
    let words = detail(&told, "half-hourly");
    assert!(words.starts_with("every 30 minutes · next in "), "{words}");
    assert!(words.contains(" · last success "), "{words}");
    assert!(detail(&told, "every").starts_with("every 6 hours · "), "{}", detail(&told, "every"));
    assert!(detail(&told, "zoned").starts_with("daily at 03:00 (Europe/Zurich) · "));
    assert!(detail(&told, "daily").contains("no success yet"), "{}", detail(&told, "daily"));
    let of = |name: &str| told.schedules.iter().find(|one| one.name == name).unwrap();
    assert_eq!(
        (of("half-hourly").target_from.as_deref(), of("half-hourly").target_seconds),
        (Some("tier"), Some(1_800))
    );
    assert_eq!(of("half-hourly").newest.as_deref(), Some("by-schedule"));
    assert_eq!(of("daily").state, "never");
    // The next run of the half hour comes just in time for the tier, or just too late.
    let rpo = told.rpo.as_ref().unwrap();
    assert!(["kept", "at risk"].contains(&rpo.state) && rpo.next_run.is_some(), "{rpo:?}");

    let pause =
        ["-n", velero::NAMESPACE, "patch", "schedules.velero.io", "half-hourly", "--type=merge", "-p"];
    cluster.kubectl(&[&pause[..], &[r#"{"spec":{"paused":true}}"#]].concat()).unwrap();
    until(person, "the schedule is paused", |told| is(told, "schedule", "half-hourly", "paused")).await;
    person.see_row("half-hourly", "paused").await;
    for name in ["nonsense", "sixth", "lost", "daily"] {
        cluster.kubectl(&["-n", velero::NAMESPACE, "delete", "schedules.velero.io", name]).unwrap();
    }
    until(person, "the schedules are gone", |told| object(told, "schedule", "daily").is_none()).await;
}

/// Backups that really fail: refused for a location that is not there, and cut short by a hook that cannot run.
async fn failures(person: &mut Person, cluster: &Cluster, shop: &str) {
    let mut nowhere = velero::backup("nowhere", shop);
    nowhere["spec"]["storageLocation"] = json!("missing");
    cluster.apply(&nowhere).unwrap();
    let mut cut = velero::backup("cut", shop);
    cut["spec"]["hooks"] = json!({"resources": [{"name": "flush", "includedNamespaces": [shop],
        "pre": [{"exec": {"container": "nobody", "command": ["/bin/flush"], "onError": "Fail"}}]}]});
    // Hooks run in pods that run.
    let phase = ["-n", shop, "get", "pods", "-o", "jsonpath={.items[*].status.phase}"];
    cluster.until("a pod that runs", || cluster.kubectl(&phase).unwrap().contains("Running")).await.unwrap();
    cluster.apply(&cut).unwrap();
    let told = until(person, "both have failed", |told| {
        is(told, "backup", "nowhere", "not valid") && is(told, "backup", "cut", "partially failed")
    })
    .await;
    judge(cluster, &told);
    let detail = |name: &str| object(&told, "backup", name).unwrap().detail.clone();
    assert!(detail("nowhere").contains("missing"), "{}", detail("nowhere"));
    assert!(detail("cut").contains("error"), "{}", detail("cut"));
    let why = |name: &str| told.rejected.iter().find(|one| one.name == name).map(|one| one.reason.clone());
    assert!(why("cut").unwrap().starts_with("partially failed: "), "{:?}", told.rejected);
    assert!(why("nowhere").unwrap().starts_with("not valid: "), "{:?}", told.rejected);
    assert_eq!(told.rpo.as_ref().unwrap().newest.as_deref(), Some("by-schedule"));
    person.see_row("cut", "partially failed").await;
    person.see_row("nowhere", "not valid").await;
}

/// The store cannot be reached for a while: its backups do not count until it can.
async fn lost_and_found(person: &mut Person, cluster: &Cluster) {
    let (store, away) = (cluster.folder().join("velero-store"), cluster.folder().join("velero-store-away"));
    std::fs::rename(&store, &away).unwrap();
    // A folder that is missing would be made anew, and be an empty store.
    std::fs::write(&store, "in the way").unwrap();
    let told =
        until(person, "the location is lost", |told| is(told, "location", "default", "unavailable")).await;
    let location = theirs(cluster, "backupstoragelocations").remove(0);
    assert_eq!(location["status"]["phase"], "Unavailable");
    assert_eq!(object(&told, "location", "default").unwrap().level, "critical");
    let detail = &object(&told, "location", "default").unwrap().detail;
    assert!(detail.contains("not a directory"), "{detail}\n{location:#}");
    assert_eq!(told.rpo.as_ref().unwrap().state, "never", "{told:#?}");
    assert!(told.rejected.iter().any(|one| one.reason == "its location default is unavailable"), "{told:#?}");
    person.see("no usable backup").await;
    person.see_row("default", "unavailable").await;

    std::fs::remove_file(&store).unwrap();
    std::fs::rename(&away, &store).unwrap();
    let told =
        until(person, "the location is found", |told| is(told, "location", "default", "available")).await;
    assert_eq!(told.rpo.as_ref().unwrap().newest.as_deref(), Some("by-schedule"));
    person.see_no("no usable backup").await;
}
