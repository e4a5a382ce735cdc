//! Flux by its real definitions: the status that its controllers would write is written here, and the API server holds it
//! to its schema.

use serde_json::{Value, json};

use super::{Play, deployment};

const OLD: &str = "main@sha1:71ab0971ab0971ab0971ab0971ab0971ab0971ab";
const NEW: &str = "main@sha1:9f31c29f31c29f31c29f31c29f31c29f31c29f31";

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": now(),
           "observedGeneration": 1})
}

fn object(group: &str, kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": format!("{group}.toolkit.fluxcd.io/{}", if group == "helm" { "v2" } else { "v1" }),
           "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// A Kustomization of the source `fleet`, with this laid over its spec.
fn kustomization(name: &str, more: &Value) -> Value {
    let mut spec = json!({"interval": "10m", "prune": true, "path": "./shop",
                          "sourceRef": {"kind": "GitRepository", "name": "fleet"}});
    for (key, value) in more.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    object("kustomize", "Kustomization", name, &spec)
}

fn release(name: &str) -> Value {
    let chart =
        json!({"chart": name, "version": "1.x", "sourceRef": {"kind": "HelmRepository", "name": "charts"}});
    object("helm", "HelmRelease", name, &json!({"interval": "10m", "chart": {"spec": chart}}))
}

fn artifact(revision: &str) -> Value {
    json!({"digest": format!("sha256:{}", "ab".repeat(32)), "lastUpdateTime": now(), "path": "a.tar.gz",
           "revision": revision, "url": "http://source-controller/a.tar.gz", "size": 1024})
}

fn history(version: i64, chart: &str, status: &str) -> Value {
    json!({"version": version, "status": status, "chartName": "cart", "chartVersion": chart, "name": "cart",
           "namespace": "shop", "digest": "sha256:1", "configDigest": "sha256:2", "firstDeployed": now(),
           "lastDeployed": now()})
}

const KUSTOMIZATION: &str = "kustomizations.kustomize.toolkit.fluxcd.io";
const RELEASE: &str = "helmreleases.helm.toolkit.fluxcd.io";
const SOURCE: &str = "gitrepositories.source.toolkit.fluxcd.io";

fn write(play: &Play, kind: &str, name: &str, status: &Value) {
    let patch = json!({"status": status}).to_string();
    play.scene.kubectl(&["patch", kind, name, "--subresource=status", "--type=merge", "-p", &patch]);
}

fn ready(revision: &str) -> Value {
    json!({"observedGeneration": 1, "lastAppliedRevision": revision, "lastAttemptedRevision": revision,
           "conditions": [condition("Ready", "True", "ReconciliationSucceeded", &format!("Applied revision: {revision}"))]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn every_standing_of_flux_is_told_by_its_word() {
    let mut play = Play::begin("words-of").await;
    let git = json!({"interval": "1m", "url": "https://git.example/fleet", "ref": {"branch": "main"}});
    play.scene.apply(object("source", "GitRepository", "fleet", &git));
    for name in ["well", "broken", "retries", "moves", "waits"] {
        play.scene.apply(kustomization(name, &json!({})));
    }
    play.scene.apply(kustomization("sleeps", &json!({"suspend": true})));
    for name in ["stalls", "returned"] {
        play.scene.apply(release(name));
    }
    play.lists();
    play.scene.person.see_title("Sync", "Flux").await;
    // Nobody has acted on them: nothing is called well.
    play.see_row("ks/well", "↻ syncing").await;
    play.see_row("ks/well", "◐ progress").await;
    play.opens("well").await;
    play.turns_to("Conditions");
    play.see("No controller has looked at it yet.").await;
    play.lists();
    let fetched = json!({"observedGeneration": 1, "artifact": artifact(OLD), "conditions": [
        condition("Ready", "True", "Succeeded", "stored artifact"),
        condition("ArtifactInStorage", "True", "Succeeded", "stored artifact")]});
    write(&play, SOURCE, "fleet", &fetched);
    write(&play, KUSTOMIZATION, "well", &ready(OLD));
    write(&play, KUSTOMIZATION, "sleeps", &ready(OLD));
    let mut broken = ready(OLD);
    broken["lastAttemptedRevision"] = json!(NEW);
    broken["conditions"] =
        json!([condition("Ready", "False", "BuildFailed", "kustomize build failed: no such file")]);
    write(&play, KUSTOMIZATION, "broken", &broken);
    let mut retries = broken.clone();
    retries["conditions"] = json!([
        condition("Ready", "False", "HealthCheckFailed", "timeout waiting for Deployment/shop/api"),
        condition("Reconciling", "True", "ProgressingWithRetry", "Detecting drift")
    ]);
    write(&play, KUSTOMIZATION, "retries", &retries);
    let mut moves = ready(OLD);
    moves["conditions"] = json!([
        condition("Ready", "Unknown", "Progressing", "Reconciliation in progress"),
        condition("Reconciling", "True", "Progressing", "Running health checks for revision main")
    ]);
    write(&play, KUSTOMIZATION, "moves", &moves);
    let waits = json!({"observedGeneration": 1, "conditions": [
        condition("Ready", "False", "DependencyNotReady", "dependency 'shop/broken' is not ready"),
        condition("Reconciling", "True", "ProgressingWithRetry", "waits")]});
    write(&play, KUSTOMIZATION, "waits", &waits);
    let stalls = json!({"observedGeneration": 1, "lastAttemptedRevision": "1.31.0", "failures": 3, "upgradeFailures": 3,
        "history": [history(7, "1.30.4", "deployed")], "conditions": [
            condition("Ready", "False", "UpgradeFailed", "Helm upgrade failed: timed out"),
            condition("Stalled", "True", "RetriesExceeded", "Failed to upgrade after 3 attempt(s)")]});
    write(&play, RELEASE, "stalls", &stalls);
    let returned = json!({"observedGeneration": 1, "lastAttemptedRevision": "1.31.0", "failures": 1, "upgradeFailures": 1,
        "history": [history(9, "1.30.4", "deployed"), history(8, "1.31.0", "failed")], "conditions": [
            condition("Ready", "False", "RollbackSucceeded", "Helm rollback to previous release succeeded"),
            condition("Remediated", "True", "RollbackSucceeded", "Helm rollback to previous release succeeded")]});
    write(&play, RELEASE, "returned", &returned);

    for (name, sync, more) in [
        ("gitrepo/fleet", "✓ synced", "● healthy"),
        ("ks/well", "✓ synced", "71ab097"),
        ("ks/sleeps", "suspended", "suspended: nothing is reconciled"),
        ("ks/broken", "✖ failed", "BuildFailed: kustomize build failed"),
        ("ks/retries", "✖ failed", "HealthCheckFailed: timeout"),
        ("ks/moves", "↻ syncing", "progress"),
        ("ks/waits", "↻ syncing", "dependency 'shop/broken' is not ready"),
        ("hr/stalls", "✖ failed", "RetriesExceeded"),
        // What runs is the version before, and works.
        ("hr/returned", "≠ differs", "● healthy"),
    ] {
        play.see_row(name, sync).await;
        play.see_row(name, more).await;
    }
    play.opens("stalls").await;
    play.turns_to("Conditions");
    play.see("All retries are used up: it does nothing any more.").await;
    play.see_row("failures", "3 in a row").await;
    play.turns_to("newest first");
    play.see_row("1.30.4", "deployed").await;
    play.opens("sleeps").await;
    play.turns_to("Conditions");
    play.see("It is suspended: nothing is reconciled, and what it says below may be old.").await;
    play.opens("waits").await;
    play.turns_to("Conditions");
    play.see("It waits for another object that is not ready.").await;

    // Resumed, it is as it was; and what broke is mended.
    let resumed = json!({"spec": {"suspend": false}}).to_string();
    play.scene.kubectl(&["patch", KUSTOMIZATION, "sleeps", "--type=merge", "-p", &resumed]);
    play.lists();
    // The controller has not seen the change yet.
    play.see_row("ks/sleeps", "↻ syncing").await;
    let mut seen = ready(NEW);
    seen["observedGeneration"] = json!(2);
    write(&play, KUSTOMIZATION, "sleeps", &seen);
    play.see_row("ks/sleeps", "✓ synced").await;
    play.see_row("ks/sleeps", "9f31c29").await;
    write(&play, KUSTOMIZATION, "broken", &ready(NEW));
    play.see_row("ks/broken", "✓ synced").await;
    play.see_no_row("ks/broken", "BuildFailed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_revision_of_flux_is_followed_from_its_source_to_its_pods() {
    let mut play = Play::begin("fleet").await;
    let git = json!({"interval": "1m", "url": "https://git.example/fleet", "ref": {"branch": "main"}});
    play.scene.apply(object("source", "GitRepository", "fleet", &git));
    play.scene.apply(kustomization("shop", &json!({})));
    let slow = json!({"pilothouse.test/ready-after": "2s"});
    let api = |image: &str| deployment("api", image, &slow, &json!({"replicas": 2}));
    play.scene.apply(api("api:1"));
    let fetched = |revision: &str| {
        json!({"observedGeneration": 1, "artifact": artifact(revision),
               "conditions": [condition("Ready", "True", "Succeeded", "stored artifact")]})
    };
    let inventory =
        json!({"entries": [{"id": format!("{}_api_apps_Deployment", play.namespace()), "v": "v1"}]});
    let applied = |revision: &str| {
        let mut status = ready(revision);
        status["inventory"] = inventory.clone();
        status
    };
    write(&play, SOURCE, "fleet", &fetched(OLD));
    write(&play, KUSTOMIZATION, "shop", &applied(OLD));
    play.scene.kubectl(&["rollout", "status", "deployment/api", "--timeout=60s"]);
    play.opens("shop").await;
    play.turns_to("endpoints moved");
    play.see("Arrived: ").await;
    // A new commit is fetched, and applied a moment later.
    write(&play, SOURCE, "fleet", &fetched(NEW));
    play.see("revision main@9f31c29").await;
    play.see("main@71ab097 got as far as \"healthy\" when this one came").await;
    let mut moving = applied(OLD);
    moving["lastAttemptedRevision"] = json!(NEW);
    moving["conditions"] = json!([
        condition("Ready", "Unknown", "Progressing", "Reconciliation in progress"),
        condition("Reconciling", "True", "Progressing", "Building manifests for revision main")
    ]);
    write(&play, KUSTOMIZATION, "shop", &moving);
    play.see("Under way: ").await;
    play.see_row("syncing", "Building manifests").await;
    play.scene.apply(api("api:2"));
    play.see_row("rolling out", "deploy/api 0 of 2 new ready").await;
    write(&play, KUSTOMIZATION, "shop", &applied(NEW));
    play.see("Arrived: ").await;
    play.see_row("rolling out", "deploy/api 2 of 2 new ready").await;
    play.turns_to("worst first");
    play.see_row("deploy api", "Healthy").await;
    play.turns_to("Conditions");
    play.see_row("source", "GitRepository").await;
    play.see_row("source", "has main@9f31c29").await;

    // The source fails: the Kustomization stays what it is, and says why nothing new comes.
    let mut refused = fetched(NEW);
    refused["conditions"] = json!([
        condition("Ready", "False", "GitOperationFailed", "failed to checkout: couldn't find remote ref"),
        condition(
            "FetchFailed",
            "True",
            "GitOperationFailed",
            "failed to checkout: couldn't find remote ref"
        )
    ]);
    write(&play, SOURCE, "fleet", &refused);
    play.see_row("source", "GitOperationFailed: failed to checkout").await;
    play.lists();
    play.see_row("gitrepo/fleet", "✖ ").await;
    play.see_row("gitrepo/fleet", "couldn't find remote ref").await;
    play.see_row("ks/shop", "✓ synced").await;
}
