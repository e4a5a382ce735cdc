//! What an Application says when it misleads, said straight: each finding with how bad it is and the way out.
//!
//! Sync, health and operation of an Application are written at different moments by different parts of its controller.
//! Read one by one they call things green that are not, and are silent about what holds a sync back. The findings here
//! put them beside each other, beside the sync windows of the project, and beside what lives in the cluster.

use super::sync_tree::{Node, Teller};
use super::windows::{Judgement, Verdict};
use crate::domain::level::Level;
use crate::domain::sync_detail::{AppDetail, Operation};
use crate::domain::time::Stamp;
use crate::text::duration_words;

/// Something to know that the fields alone do not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What is so.
    pub says: String,
    /// The way out; empty when there is nothing to do but wait.
    pub way: String,
    /// It differs by a change in the cluster alone: no revision is on its way.
    pub drift: bool,
}

/// Within so many seconds a comparison is followed by the sync that it calls for: it is the same pass of the controller.
const AT_ONCE: u64 = 10;

fn finding(level: Level, says: impl Into<String>, way: impl Into<String>) -> Finding {
    Finding { level, says: says.into(), way: way.into(), drift: false }
}

/// The message of an operation that a sync window holds back, exactly.
pub const BLOCKED: &str = "Sync operation blocked by sync window";

/// The findings on an application, worst first. `nodes` are its tree, `judgement` that of its project's windows (`None`
/// when the project cannot be read).
pub fn findings(app: &AppDetail, nodes: &[Node], judgement: Option<&Judgement>, now: Stamp) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(frozen(app));
    found.extend(rendering(app));
    found.extend(absent(app, nodes));
    found.extend(worse_live(app, nodes));
    found.extend(operation(app, judgement, now));
    found.extend(held_back(app, judgement, now));
    found.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    found
}

fn frozen(app: &AppDetail) -> Option<Finding> {
    app.skips.then(|| {
        finding(
            Level::Warning,
            "Its reconciliation is switched off: sync and health are frozen at what they were.",
            "Remove the annotation argocd.argoproj.io/skip-reconcile.",
        )
    })
}

/// Unknown and Healthy: nothing could be rendered.
fn rendering(app: &AppDetail) -> Option<Finding> {
    (&*app.sync == "Unknown" && &*app.health == "Healthy").then(|| {
        finding(
            Level::Critical,
            "Healthy says nothing here: the manifests could not be compared, so nothing was judged.",
            "The condition below says what could not be rendered or read.",
        )
    })
}

/// Healthy without what it should consist of.
fn absent(app: &AppDetail, nodes: &[Node]) -> Option<Finding> {
    let missing: Vec<&Node> = nodes.iter().filter(|node| node.missing).collect();
    let first = missing.first()?;
    let more = match missing.len() {
        1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    let said = match &*app.health {
        "Healthy" | "Progressing" => format!("Argo CD says {}, but ", app.health),
        _ => String::new(),
    };
    let verb = if missing.len() == 1 { "does" } else { "do" };
    Some(finding(
        Level::Critical,
        format!("{said}{}{more} {verb} not exist in the cluster.", first.id.words()),
        "The operation's details say why it could not be made; an application counts as Missing only when all is gone.",
    ))
}

/// The live objects are worse than the application says.
fn worse_live(app: &AppDetail, nodes: &[Node]) -> Option<Finding> {
    if &*app.health != "Healthy" {
        return None;
    }
    let worst = nodes
        .iter()
        .filter(|node| node.depth == 0 && node.teller == Teller::Live && !node.missing)
        .filter(|node| matches!(&*node.health, "Degraded" | "Progressing"))
        .max_by_key(|node| node.level)?;
    let what = if &*worst.health == "Degraded" { "broken" } else { "not ready yet" };
    let level = if &*worst.health == "Degraded" { Level::Critical } else { Level::Progressing };
    Some(finding(
        level,
        format!("Argo CD still says Healthy; live, {} is {what}: {}.", worst.id.words(), worst.note),
        "",
    ))
}

fn operation(app: &AppDetail, judgement: Option<&Judgement>, now: Stamp) -> Option<Finding> {
    let Some(operation) = &app.operation else {
        return app.requested.as_ref().map(|_| {
            finding(
                Level::Progressing,
                "A sync was asked for and has not begun.",
                "If it does not begin within seconds, the controller is down or does not watch this namespace.",
            )
        });
    };
    match &*operation.phase {
        "Terminating" if app.requested.is_none() => Some(finding(
            Level::Warning,
            "Terminating, but nothing runs: the phase is left over and stays until the next sync.",
            "Sync again.",
        )),
        "Running" if operation.message == BLOCKED => blocked(operation, judgement, now),
        "Running" if operation.waits_for_retry() => Some(finding(
            Level::Warning,
            format!(
                "Attempt {} failed; it waits to try again{}. {}",
                operation.retries + 1,
                retry_words(operation),
                operation.message
            ),
            "Mend the cause, or end the operation.",
        )),
        "Running" if &*app.sync == "Synced" && &*app.health == "Healthy" => Some(finding(
            Level::Progressing,
            "Synced and Healthy, but the operation still runs: later waves have not begun.",
            "",
        )),
        "Succeeded" if operation.request.dry_run => dry_run(app),
        "Succeeded" if operation.request.selected > 0 && operation.results.is_empty() => Some(finding(
            Level::Warning,
            "The last sync succeeded without doing anything: none of the objects it was for exists in this application.",
            "Sync everything, or name them as they are.",
        )),
        "Succeeded" if behind(app, operation) => Some(finding(
            Level::Progressing,
            "The sync succeeded, but sync and health are still those from before it.",
            "",
        )),
        "Succeeded" if operation.request.heal_attempts > 0 => Some(finding(
            Level::Ok,
            format!(
                "The last operation was a self-heal (attempt {}), a part of the whole: it is not in the history.",
                operation.request.heal_attempts
            ),
            "",
        )),
        "Failed" | "Error" => failed(app, operation),
        _ => rolled_back(app),
    }
}

fn retry_words(operation: &Operation) -> String {
    match operation.request.retry_limit {
        limit if limit < 0 => ", for ever".to_owned(),
        0 => String::new(),
        limit => format!(" ({} of {limit})", operation.retries + 1),
    }
}

/// Its own message says blocked also for a moment of every permitted sync.
fn blocked(operation: &Operation, judgement: Option<&Judgement>, now: Stamp) -> Option<Finding> {
    let automatic = operation.request.automated;
    let age = operation.started.map_or(0, |at| now.since(at));
    let verdict = judgement
        .map(|j| if automatic { (j.automatic, j.automatic_changes) } else { (j.manual, j.manual_changes) });
    match verdict {
        Some((verdict, _)) if verdict.allows() && age < 5 => None,
        Some((verdict, changes)) if !verdict.allows() => Some(finding(
            Level::Warning,
            format!(
                "The sync stands at a closed sync window; it goes on by itself {}, and holds up every other sync until then.",
                changes.map_or("when a window opens".to_owned(), |at| format!(
                    "in {}",
                    duration_words(at.since(now))
                ))
            ),
            "End the operation, or wait; after the opening a refresh starts it at once.",
        )),
        _ => Some(finding(
            Level::Warning,
            "The controller says that a sync window holds the sync back.",
            "By our own reading the windows allow it now: it goes on at the next comparison, which a refresh brings.",
        )),
    }
}

fn dry_run(app: &AppDetail) -> Option<Finding> {
    let stalls = app.automated.is_some_and(|auto| !auto.self_heal) && &*app.sync == "OutOfSync";
    stalls.then(|| {
        finding(
            Level::Warning,
            "The last operation was a dry run, which counts as an attempt at this revision: auto-sync will not try it again.",
            "Sync by hand, or commit anew.",
        )
    })
}

/// The compare result is older than the end of the operation.
fn behind(app: &AppDetail, operation: &Operation) -> bool {
    &*app.sync == "OutOfSync"
        && operation.request.selected == 0
        && operation.finished.zip(app.reconciled).is_some_and(|(finished, compared)| compared < finished)
}

fn failed(app: &AppDetail, operation: &Operation) -> Option<Finding> {
    let tried: &[_] =
        if operation.revisions.is_empty() { &operation.request.revisions } else { &operation.revisions };
    let same = !tried.is_empty() && tried == app.revisions;
    let automatic = app.automated.is_some() && same;
    let says = match automatic {
        true => "The last sync of this revision failed, and auto-sync does not try a revision twice.",
        false => "The last sync failed.",
    };
    let way = match (&*operation.phase, automatic) {
        ("Error", _) => "The revision does not exist or does not render: mend it in Git.",
        (_, true) => "Mend it in Git; or mend the cause in the cluster and sync by hand.",
        (_, false) => "The operation's details name the objects. Valid ones of the same wave were applied.",
    };
    // What runs is as wanted and works all the same.
    let level = if app.is_well() { Level::Warning } else { Level::Critical };
    Some(finding(level, format!("{says} {}", operation.message), way))
}

/// OutOfSync by design: an older revision was deployed by hand.
fn rolled_back(app: &AppDetail) -> Option<Finding> {
    let last = app.history.last()?;
    let before = app.history.iter().rev().skip(1).any(|entry| entry.revisions == app.revisions);
    let back =
        &*app.sync == "OutOfSync" && app.automated.is_none() && last.revisions != app.revisions && before;
    back.then(|| {
        finding(
            Level::Warning,
            format!(
                "An earlier revision ({}) was deployed after the newest one: it is out of sync by design.",
                crate::domain::sync_detail::short_revision(&last.revisions)
            ),
            "Revert it in Git too before auto-sync is switched on again.",
        )
    })
}

/// OutOfSync with auto-sync, and nothing happens: only the windows explain it.
fn held_back(app: &AppDetail, judgement: Option<&Judgement>, now: Stamp) -> Option<Finding> {
    let idle =
        app.requested.is_none() && app.operation.as_ref().is_none_or(|operation| !operation.is_running());
    if &*app.sync != "OutOfSync" || !idle {
        return None;
    }
    let Some(auto) = app.automated else {
        return Some(finding(
            Level::Warning,
            "Out of sync, and auto-sync is off: nothing happens by itself.",
            "Sync it by hand.",
        ));
    };
    if let Some(judgement) = judgement.filter(|j| !j.automatic.allows()) {
        let why = match judgement.automatic {
            Verdict::Denied => "a deny window is active",
            _ => "no allow window is open",
        };
        let until = match judgement.automatic_changes {
            Some(at) => format!(" It opens in {}.", duration_words(at.since(now))),
            None => String::new(),
        };
        let way = match judgement.manual.allows() {
            true => "A person may sync now all the same.",
            false => "Nobody may sync before that.",
        };
        return Some(finding(
            Level::Warning,
            format!(
                "Auto-sync is held back by a sync window ({why}); the application itself says nothing of it.{until}"
            ),
            way,
        ));
    }
    let only_prune = !app.resources.is_empty()
        && app
            .resources
            .iter()
            .filter(|resource| &*resource.status == "OutOfSync")
            .all(|resource| resource.prune)
        && app.resources.iter().any(|resource| resource.prune);
    if only_prune && !auto.prune {
        return Some(finding(
            Level::Warning,
            "Out of sync only by objects that left Git: auto-sync does not delete here.",
            "Sync with pruning, or switch prune on.",
        ));
    }
    // What it says of sync is from before the operation that ended; a dry run changed nothing of it.
    let before = |last: &Operation| &*last.phase == "Succeeded" && !last.request.dry_run && behind(app, last);
    if auto.self_heal || app.operation.as_ref().is_some_and(before) {
        return None;
    }
    let way = "The differences name the fields.";
    if app.history.last().is_some_and(|last| last.revisions == app.revisions) {
        let says = "This revision is deployed and something was changed live since: without self-heal that stays until the next sync.";
        return Some(Finding { drift: true, ..finding(Level::Warning, says, way) });
    }
    // A sync that is to come begins with the comparison that finds it needed. Where it did not, the newest commit is none
    // that touches this application (annotation manifest-generate-paths).
    let well =
        app.operation.as_ref().is_some_and(|last| &*last.phase == "Succeeded" && !last.request.dry_run);
    let decided = app.reconciled.is_some_and(|at| now.since(at) > AT_ONCE);
    (well && decided).then(|| {
        let says = "No sync followed the last comparison: the newest commit changes nothing of it, and something was changed live. Without self-heal that stays until the next sync.";
        Finding { drift: true, ..finding(Level::Warning, says, way) }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::sync_detail::About;
    use crate::wire::argocd_detail::WholeApp;

    const NOW: Stamp = Stamp(1_790_000_000);

    /// Out of sync by one Deployment, at a commit that is not the deployed one.
    fn drifted(compared: i64, change: impl FnOnce(&mut serde_json::Value)) -> Vec<String> {
        found(compared, change).into_iter().map(|finding| finding.says).collect()
    }

    fn found(compared: i64, change: impl FnOnce(&mut serde_json::Value)) -> Vec<Finding> {
        let app = read(compared, change);
        findings(&app, &[], None, NOW)
    }

    fn read(compared: i64, change: impl FnOnce(&mut serde_json::Value)) -> AppDetail {
        let time = |at: Stamp| jiff::Timestamp::from_second(at.0).unwrap().to_string();
        let mut app = json!({"metadata": {"name": "media", "namespace": "argocd", "uid": "u"},
            "spec": {"syncPolicy": {"automated": {}}},
            "status": {"sync": {"status": "OutOfSync", "revision": "head"}, "health": {"status": "Healthy"},
                "reconciledAt": time(NOW.plus(-compared)), "history": [{"id": 1, "revision": "before"}],
                "operationState": {"phase": "Succeeded", "startedAt": time(NOW.plus(-900)),
                    "finishedAt": time(NOW.plus(-890)), "syncResult": {"revision": "before"}},
                "resources": [{"group": "apps", "kind": "Deployment", "name": "media", "status": "OutOfSync"}]}});
        change(&mut app);
        let detail = serde_json::from_value::<WholeApp>(app).unwrap().detail();
        let About::Argo(app) = detail.about else { panic!() };
        *app
    }

    #[test]
    fn a_later_try_that_failed_takes_nothing_from_what_is_well() {
        let tried = |sync: &'static str| {
            move |app: &mut serde_json::Value| {
                app["status"]["sync"] = json!({"status": sync, "revision": "head"});
                app["status"]["history"][0]["revision"] = "head".into();
                app["status"]["operationState"]["phase"] = "Failed".into();
                app["status"]["operationState"]["message"] = "Operation terminated".into();
                app["status"]["operationState"]["syncResult"]["revision"] = "head".into();
            }
        };
        let level = |sync| found(60, tried(sync)).iter().map(|finding| finding.level).max();
        assert_eq!(level("Synced"), Some(Level::Warning));
        assert_eq!(level("OutOfSync"), Some(Level::Critical));
        let world = crate::fleet::testing::world(&[("gke", &["shop"])]);
        let delivery = |sync| {
            super::super::follow_facts::of_app(&read(60, tried(sync)), &world, None, &[], None, NOW).delivery
        };
        assert!(matches!(delivery("Synced"), crate::fleet::follow::Delivery::Done(_)));
        assert!(matches!(delivery("OutOfSync"), crate::fleet::follow::Delivery::Failed(..)));
    }

    #[test]
    fn drift_at_a_commit_that_is_nothing_to_it_is_not_about_to_be_synced() {
        let says = drifted(60, |_| ());
        assert!(says.iter().any(|says| says.starts_with("No sync followed the last comparison")), "{says:?}");
        assert_eq!(drifted(2, |_| ()), [] as [&str; 0], "auto-sync may be about to begin");
        assert_eq!(
            drifted(60, |app| app["spec"]["syncPolicy"]["automated"]["selfHeal"] = true.into()),
            [] as [&str; 0]
        );
        let same = drifted(60, |app| app["status"]["history"][0]["revision"] = "head".into());
        assert!(same[0].starts_with("This revision is deployed"), "{same:?}");
    }

    #[test]
    fn a_dry_run_takes_nothing_from_what_is_said_of_drift() {
        let drift = |dry: bool| {
            let ended = |app: &mut serde_json::Value| {
                app["status"]["history"][0]["revision"] = "head".into();
                app["status"]["operationState"]["syncResult"]["revision"] = "head".into();
                app["status"]["operationState"]["operation"] = json!({"sync": {"dryRun": dry}});
            };
            // Compared before it ended.
            found(1_000, ended).iter().any(|finding| finding.drift)
        };
        assert!(drift(true));
        assert!(!drift(false), "what is said of sync is from before it");
    }
}
