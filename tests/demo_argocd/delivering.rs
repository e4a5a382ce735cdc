//! From Git to the cluster, and what puts a cluster right that somebody has changed.

use serde_json::{Value, json};

use super::place::{Place, conditions, delivery, items, out_of_sync, phase, rests, said, sync, text};

const MAILER: &str = "environments/production/mailer/kustomization.yaml";

/// Another version than the one that is there.
fn next(kustomization: &str) -> (String, String) {
    let old = kustomization.split("newTag: \"").nth(1).unwrap().split('"').next().unwrap();
    let version = format!("2.0.{}", jiff::Timestamp::now().as_millisecond());
    (kustomization.replace(&format!("newTag: \"{old}\""), &format!("newTag: \"{version}\"")), version)
}

async fn a_push_is_delivered(at: &Place) {
    let before = at.until("mailer-prod", "at rest", rests).await;
    let (changed, version) = next(&at.file(MAILER));
    let pushed = at.push("mailer: another version in production", &[(MAILER, Some(&changed))]);
    at.refresh("mailer-prod").await;

    let on_its_way =
        at.until("mailer-prod", "at the new revision", |app| text(app, "/status/sync/revision") == pushed);
    assert_eq!(
        text(&on_its_way.await, "/status/sync/comparedTo/source/path"),
        "environments/production/mailer"
    );
    let done = at
        .until("mailer-prod", "delivered", |app| {
            rests(app)
                && phase(app) == "Succeeded"
                && text(app, "/status/operationState/syncResult/revision") == pushed
                && items(app, "/status/summary/images")
                    == [json!(format!("registry.example/mailer:{version}"))]
        })
        .await;
    let state = &done["status"]["operationState"];
    assert_eq!(text(state, "/message"), "successfully synced (all tasks run)");
    assert_eq!(state.pointer("/operation/initiatedBy/automated"), Some(&json!(true)), "{state:#}");
    assert_eq!(text(state, "/operation/sync/revision"), pushed);
    assert!(text(state, "/startedAt") <= text(state, "/finishedAt"), "{state:#}");
    assert_eq!(said(&done, "Deployment"), "deployment.apps/mailer configured");
    assert_eq!(said(&done, "ConfigMap"), "configmap/mailer-config unchanged");
    assert_eq!(out_of_sync(&done), Vec::<&str>::new());
    assert_eq!(conditions(&done), Vec::<&str>::new());
    assert_eq!(text(&done, "/status/sourceType"), "Kustomize");

    let history = items(&done, "/status/history");
    assert_eq!(delivery(&done), delivery(&before) + 1, "{history:#?}");
    let last = history.last().unwrap();
    assert_eq!(
        (text(last, "/revision"), text(last, "/source/path")),
        (&*pushed, "environments/production/mailer")
    );
    assert_eq!(last.pointer("/initiatedBy/automated"), Some(&json!(true)), "{last:#}");
    assert!(text(last, "/deployStartedAt") <= text(last, "/deployedAt"), "{last:#}");

    let mailer = at.deployment("mailer").await;
    let image = text(&mailer, "/spec/template/spec/containers/0/image");
    assert_eq!(image, format!("registry.example/mailer:{version}"));
    let label = mailer.pointer("/metadata/labels/app.kubernetes.io~1version");
    assert_eq!(label, Some(&json!(version)), "its kustomization replaces it");
    let by = mailer.pointer("/metadata/annotations/argocd.argoproj.io~1tracking-id");
    assert_eq!(by, Some(&json!("mailer-prod:apps/Deployment:shop-prod/mailer")));
    assert_eq!(mailer.pointer("/status/updatedReplicas"), mailer.pointer("/spec/replicas"), "{mailer:#}");
}

/// A commit that changes nothing of an Application: it is compared to it, and nothing is delivered.
async fn a_push_to_others_is_no_delivery(at: &Place) {
    let before = at.until("mailer-prod", "at rest", rests).await;
    let pushed = at.push("a page", &[("README.md", Some(&format!("{}\n", jiff::Timestamp::now())))]);
    at.refresh("mailer-prod").await;
    let after =
        at.until("mailer-prod", "compared to it", |app| text(app, "/status/sync/revision") == pushed).await;
    assert_eq!(sync(&after), ("Synced", "Healthy"));
    for unchanged in ["/status/history", "/status/operationState"] {
        assert_eq!(after.pointer(unchanged), before.pointer(unchanged), "{unchanged}");
    }
}

async fn a_refresh_is_honoured_and_taken_away(at: &Place) {
    let before = at.until("mailer-prod", "at rest", rests).await;
    let compared = text(&before, "/status/reconciledAt");
    // Times have whole seconds.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    at.refresh("mailer-prod").await;
    let after =
        at.until("mailer-prod", "compared anew", |app| text(app, "/status/reconciledAt") > compared).await;
    let asked = |app: &Value| app.pointer("/metadata/annotations/argocd.argoproj.io~1refresh").is_some();
    if asked(&after) {
        at.until("mailer-prod", "without the wish", |app| !asked(app)).await;
    }
    assert_eq!(sync(&after), ("Synced", "Healthy"));
}

async fn what_is_changed_by_hand_is_put_back_where_that_is_wanted(at: &Place) {
    let before = at.until("accounts-prod", "at rest", rests).await;
    let wanted = at.deployment("accounts").await["spec"]["replicas"].clone();
    at.scale("accounts", 1).await;
    at.refresh("accounts-prod").await;
    let healed = at
        .until("accounts-prod", "healed", |app| {
            rests(app)
                && phase(app) == "Succeeded"
                && app.pointer("/status/operationState/operation/sync/autoHealAttemptsCount").is_some()
        })
        .await;
    assert_eq!(at.deployment("accounts").await["spec"]["replicas"], wanted);
    let state = &healed["status"]["operationState"];
    assert!(state["operation"]["sync"]["autoHealAttemptsCount"].as_i64().unwrap() >= 1, "{state:#}");
    assert_eq!(text(state, "/operation/sync/resources/0/name"), "accounts");
    assert_eq!(
        items(state, "/operation/sync/resources").len(),
        1,
        "what was not changed is let alone: {state:#}"
    );
    assert_eq!(delivery(&healed), delivery(&before), "a partial sync is no history");
}

async fn where_that_is_not_wanted_the_difference_stays(at: &Place) {
    at.until("mailer-prod", "at rest", rests).await;
    at.scale("mailer", 2).await;
    at.refresh("mailer-prod").await;
    at.until("mailer-prod", "out of sync", |app| sync(app).0 == "OutOfSync").await;
    let drifted = at.until("mailer-prod", "healthy again", |app| sync(app) == ("OutOfSync", "Healthy")).await;
    assert_eq!(out_of_sync(&drifted), ["Deployment"]);
    assert_eq!(drifted.get("operation"), None, "automated, and yet nothing is done: its revision was tried");
    at.refresh("mailer-prod").await;
    at.until("mailer-prod", "compared", |app| {
        app.pointer("/metadata/annotations/argocd.argoproj.io~1refresh").is_none()
    })
    .await;
    assert_eq!(sync(&at.app("mailer-prod").await).0, "OutOfSync");
    assert_eq!(at.deployment("mailer").await["spec"]["replicas"], 2);
}

const FOLDER: &str = "environments/production/visitor";
const LIST: &str = "environments/production/visitor/kustomization.yaml";

fn config(name: &str) -> String {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "b"}})
        .to_string()
}

fn list(files: &[&str]) -> String {
    json!({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "namespace": "shop-prod", "resources": files})
        .to_string()
}

fn visitor(at: &Place) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "visitor", "namespace": "argocd", "finalizers": ["resources-finalizer.argocd.argoproj.io"]},
        "spec": {
            "project": "shop", "syncPolicy": {"automated": {"prune": true}},
            "source": {"repoURL": at.url, "targetRevision": "main", "path": FOLDER},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop-prod"},
        },
    })
}

async fn a_new_application_is_delivered_pruned_and_goes(at: &Place) {
    let (first, second) = (format!("{FOLDER}/first.yaml"), format!("{FOLDER}/second.yaml"));
    let both = list(&["first.yaml", "second.yaml"]);
    let pushed = at.push(
        "a visitor",
        &[(LIST, Some(&both)), (&first, Some(&config("first"))), (&second, Some(&config("second")))],
    );
    at.create(&visitor(at)).await;
    let there = at.until("visitor", "delivered", |app| rests(app) && phase(app) == "Succeeded").await;
    assert_eq!(text(&there, "/status/sync/revision"), pushed);
    assert_eq!(items(&there, "/status/history").len(), 1);
    let mut told: Vec<&str> = items(&there, "/status/operationState/syncResult/resources")
        .iter()
        .map(|one| text(one, "/message"))
        .collect();
    // In any order.
    told.sort_unstable();
    assert_eq!(told, ["configmap/first created", "configmap/second created"]);
    assert!(!at.config_map("first").await.is_null() && !at.config_map("second").await.is_null());

    // What Git no longer has goes, since that is wanted.
    let one = list(&["first.yaml"]);
    let pushed = at.push("less of it", &[(LIST, Some(&one)), (&second, None)]);
    at.refresh("visitor").await;
    let pruned = at
        .until("visitor", "pruned", |app| {
            rests(app)
                && phase(app) == "Succeeded"
                && text(app, "/status/operationState/syncResult/revision") == pushed
        })
        .await;
    let results = items(&pruned, "/status/operationState/syncResult/resources");
    let gone = results.iter().find(|one| text(one, "/name") == "second").unwrap();
    assert_eq!((text(gone, "/status"), text(gone, "/message")), ("Pruned", "pruned"), "{gone:#}");
    assert!(at.config_map("second").await.is_null() && !at.config_map("first").await.is_null());

    at.gone("visitor").await;
    assert!(at.config_map("first").await.is_null(), "its finalizer takes with it what it brought");
}

async fn a_folder_that_does_not_render(at: &Place) {
    let file = format!("{FOLDER}/first.yaml");
    at.push("a visitor", &[(LIST, Some(&list(&["first.yaml"]))), (&file, Some(&config("first")))]);
    at.create(&visitor(at)).await;
    at.until("visitor", "delivered", |app| rests(app) && phase(app) == "Succeeded").await;
    at.push("a mistake", &[(LIST, Some(&list(&["first.yaml", "none.yaml"])))]);
    at.refresh("visitor").await;
    let broken = at.until("visitor", "unknown", |app| sync(app).0 == "Unknown").await;
    assert_eq!(conditions(&broken), ["ComparisonError"]);
    let words = text(&broken, "/status/conditions/0/message");
    assert!(
        words.starts_with("Failed to load target state: failed to generate manifest for source 1 of 1: "),
        "{words}"
    );
    assert!(words.contains("none.yaml"), "{words}");
    assert!(!at.config_map("first").await.is_null(), "what runs stays");
    at.push("mended", &[(LIST, Some(&list(&["first.yaml"])))]);
    at.refresh("visitor").await;
    let mended = at.until("visitor", "synced", rests).await;
    assert_eq!(conditions(&mended), Vec::<&str>::new());
    at.gone("visitor").await;
}

async fn a_destination_that_nobody_knows(at: &Place) {
    let mut nowhere = visitor(at);
    nowhere["metadata"] = json!({"name": "nowhere", "namespace": "argocd"});
    nowhere["spec"]["destination"] = json!({"name": "atlantis", "namespace": "shop-prod"});
    at.create(&nowhere).await;
    // Its condition may come a moment before.
    let lost = at.until("nowhere", "judged", |app| sync(app) == ("Unknown", "Unknown")).await;
    assert_eq!(conditions(&lost), ["InvalidSpecError"]);
    let words = text(&lost, "/status/conditions/0/message");
    assert!(words.contains("there are no clusters with this name: atlantis"), "{words}");
    at.gone("nowhere").await;
}

judged!(
    a_push_is_delivered,
    a_push_to_others_is_no_delivery,
    a_refresh_is_honoured_and_taken_away,
    what_is_changed_by_hand_is_put_back_where_that_is_wanted,
    where_that_is_not_wanted_the_difference_stays,
    a_new_application_is_delivered_pruned_and_goes,
    a_folder_that_does_not_render,
    a_destination_that_nobody_knows,
);
