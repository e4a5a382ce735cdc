//! Operations that a person asks for: a sync, a dry run, what a window holds back, what cannot be done.

use serde_json::{Value, json};

use super::place::{Place, delivery, items, out_of_sync, phase, rests, said, sync, text};

/// An Application whose Deployment somebody has scaled, which nobody puts back.
async fn drifted(at: &Place) -> Value {
    at.until("mailer-prod", "at rest", rests).await;
    at.scale("mailer", 2).await;
    at.refresh("mailer-prod").await;
    at.until("mailer-prod", "out of sync", |app| sync(app) == ("OutOfSync", "Healthy")).await
}

/// Waits for the end of the operation that was asked for.
async fn ended(at: &Place) -> Value {
    let is_over =
        |app: &Value| app.get("operation").is_none() && !matches!(phase(app), "" | "Running" | "Terminating");
    at.until("mailer-prod", "through", is_over).await
}

async fn a_sync_that_a_person_asks_for(at: &Place) {
    let before = drifted(at).await;
    let operation = json!({"initiatedBy": {"username": "maria"}, "info": [{"name": "request", "value": "1"}],
                           "sync": {"syncStrategy": {"hook": {}}}});
    at.sync("mailer-prod", &operation).await;
    let done = ended(at).await;
    let state = &done["status"]["operationState"];
    assert_eq!(
        (text(state, "/phase"), text(state, "/message")),
        ("Succeeded", "successfully synced (all tasks run)")
    );
    assert_eq!(text(state, "/operation/initiatedBy/username"), "maria");
    assert_eq!(state["operation"]["info"], operation["info"]);
    assert_eq!(said(&done, "Deployment"), "deployment.apps/mailer configured");
    let revision = text(&before, "/status/sync/revision");
    assert_eq!(text(state, "/syncResult/revision"), revision, "that of its branch, when none is said");
    let last = items(&done, "/status/history").last().unwrap().clone();
    assert_eq!((text(&last, "/revision"), text(&last, "/initiatedBy/username")), (revision, "maria"));
    at.until("mailer-prod", "as Git wants it", rests).await;
    assert_ne!(at.deployment("mailer").await["spec"]["replicas"], 2);
}

async fn a_dry_run_changes_nothing(at: &Place) {
    let before = drifted(at).await;
    at.sync("mailer-prod", &json!({"initiatedBy": {"username": "maria"}, "sync": {"dryRun": true}})).await;
    let done = ended(at).await;
    assert_eq!(phase(&done), "Succeeded");
    assert_eq!(said(&done, "Deployment"), "deployment.apps/mailer configured (dry run)");
    assert_eq!(said(&done, "ConfigMap"), "configmap/mailer-config unchanged (dry run)");
    assert_eq!(at.deployment("mailer").await["spec"]["replicas"], 2);
    assert_eq!((sync(&done).0, out_of_sync(&done)), ("OutOfSync", vec!["Deployment"]));
    assert_eq!(delivery(&done), delivery(&before));
}

/// One resource alone: no history, and the others are not told of.
async fn a_sync_of_one_resource(at: &Place) {
    let before = drifted(at).await;
    let one = json!({"group": "apps", "kind": "Deployment", "name": "mailer", "namespace": "shop-prod"});
    at.sync("mailer-prod", &json!({"initiatedBy": {"username": "maria"}, "sync": {"resources": [one]}}))
        .await;
    let done = ended(at).await;
    assert_eq!(phase(&done), "Succeeded");
    let told: Vec<&str> = items(&done, "/status/operationState/syncResult/resources")
        .iter()
        .map(|one| text(one, "/kind"))
        .collect();
    assert_eq!(told, ["Deployment"]);
    assert_eq!(delivery(&done), delivery(&before));
    at.until("mailer-prod", "as Git wants it", rests).await;
}

async fn a_closed_window_holds_an_operation_which_can_be_ended(at: &Place) {
    let window =
        json!([{"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["mailer-prod"]}]);
    at.windows(&window).await;
    let is_held =
        |app: &Value| text(app, "/status/operationState/message") == "Sync operation blocked by sync window";
    // The controller may learn of the window a moment after the first operation.
    let mut held = Value::Null;
    for _ in 0..5 {
        drifted(at).await;
        at.sync("mailer-prod", &json!({"initiatedBy": {"username": "maria"}, "sync": {}})).await;
        held = at.until("mailer-prod", "held or done", |app| is_held(app) || phase(app) == "Succeeded").await;
        if is_held(&held) {
            break;
        }
        at.until("mailer-prod", "at rest", rests).await;
    }
    assert!(is_held(&held), "{held:#}");
    assert_eq!(phase(&held), "Running");
    assert_eq!(at.deployment("mailer").await["spec"]["replicas"], 2);
    at.patch("mailer-prod", &json!({"status": {"operationState": {"phase": "Terminating"}}})).await;
    let over = ended(at).await;
    let state = &over["status"]["operationState"];
    assert_eq!((text(state, "/phase"), text(state, "/message")), ("Failed", "Operation terminated"));
    assert_eq!(text(state, "/operation/initiatedBy/username"), "maria");
    assert!(!text(state, "/finishedAt").is_empty(), "{state:#}");
}

async fn a_revision_that_is_not_there(at: &Place) {
    at.until("mailer-prod", "at rest", rests).await;
    let from_git = "failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = ";
    for (revision, why) in [
        ("no-such-branch", "unable to resolve 'no-such-branch' to a commit SHA"),
        ("0123456789", "couldn't find remote ref 0123456789"),
    ] {
        let operation = json!({"initiatedBy": {"username": "maria"}, "sync": {"revision": revision}});
        at.sync("mailer-prod", &operation).await;
        let failed = ended(at).await;
        assert_eq!(phase(&failed), "Error");
        let words = text(&failed, "/status/operationState/message");
        assert!(words.contains(from_git) && words.contains(why), "{words}");
        assert_eq!(sync(&failed), ("Synced", "Healthy"), "what is there stays as it is");
    }
}

judged!(
    a_sync_that_a_person_asks_for,
    a_dry_run_changes_nothing,
    a_sync_of_one_resource,
    a_closed_window_holds_an_operation_which_can_be_ended,
    a_revision_that_is_not_there,
);
