//! What somebody changes by hand: put back by self-heal, and else shown as drift with the field.

use pilothouse::panes::PaneId;
use serde_json::json;

use super::{Play, auto, config_map, deployment, shared};
use crate::changing::command;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn drift_is_shown_with_the_object_and_the_field() {
    let mut play = Play::begin("drift").await;
    let web = deployment("web", "web:1", &json!({}), &json!({"replicas": 2}));
    play.push("web 1", &[("web.json", web), ("map.json", config_map("map", &json!({"colour": "blue"})))]);
    play.deliver("web", &auto());
    play.lists();
    play.see_row("web", "● healthy").await;
    play.see_row("web", "✓ synced").await;

    play.scene.kubectl(&["scale", "deployment/web", "--replicas=4"]);
    play.see_row("web", "≠ 1 drift").await;
    play.see_row("web", "Deployment web is not as wanted").await;
    let patch = json!({"data": {"colour": "red"}}).to_string();
    play.scene.kubectl(&["patch", "configmap", "map", "--type=merge", "-p", &patch]);
    play.see_row("web", "≠ 2 drift").await;

    play.opens("web").await;
    play.turns_to("auto-sync     on, ");
    play.see("without self-heal that stays until the next sync").await;
    play.turns_to("Differences");
    play.see("- last applied  + live, by the Kubernetes API alone: not what Git says now").await;
    play.see_row("Deployment web", "1 field differ").await;
    play.see("spec.replicas").await;
    play.see_row("- 2", "").await;
    play.see_row("+ 4", "").await;
    play.see_row("ConfigMap map", "1 field differ").await;
    play.see("data.colour").await;
    play.see_row("- blue", "").await;
    play.see_row("+ red", "").await;
    // A sync puts it back, and nothing of it stays.
    let sync = json!({"operation": {"initiatedBy": {"username": "maria"}, "sync": {}}}).to_string();
    play.scene.kubectl(&["patch", "applications.argoproj.io", "web", "--type=merge", "-p", &sync]);
    play.see("No object is out of sync.").await;
    play.turns_to("of this operation");
    play.see_row("by", "maria").await;
    play.see_row("Deployment web", "applied").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn self_heal_puts_it_back_and_says_that_it_did() {
    let mut play = Play::begin("heal").await;
    let web = deployment("web", "web:1", &json!({}), &json!({"replicas": 2}));
    let first = play.push("web 1", &[("web.json", web)]);
    play.deliver("web", &json!({"syncPolicy": {"automated": {"selfHeal": true}}}));
    play.lists();
    play.see_row("web", "● healthy").await;
    play.see_row("web", "auto heal").await;
    play.scene.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);

    play.scene.kubectl(&["scale", "deployment/web", "--replicas=4"]);
    play.scene.until(&["get", "deployment", "web", "-o", "jsonpath={.spec.replicas}"], |n| n == "2").await;
    play.see_row("web", "self-healed").await;
    play.see_row("web", "✓ synced").await;
    play.opens("web").await;
    play.turns_to("auto-sync     on, ");
    play.see("The last operation was a self-heal (attempt ").await;
    play.see_row("auto-sync", "self-heal").await;
    play.turns_to("of this operation");
    play.see_row("what", "self-heal, attempt ").await;
    play.see_row("Deployment web", "applied").await;
    // Only full syncs are in the history.
    play.turns_to("full syncs, newest first");
    play.see_row(&first[..7], "auto-sync").await;
    assert_eq!(play.told("web", "/status/history/0/id"), "0");
    assert_eq!(play.told("web", "/status/history/1"), "");
    play.scene.goes_to(PaneId::Workloads);
    play.see_row("web", "2/2").await;

    // One pod fewer is there within a second, and is no success all the same.
    let home = tempfile::tempdir().unwrap();
    let cluster = &shared().await.cluster;
    let namespace = play.scene.namespace.clone();
    let run = |more: &[&str]| {
        let args = ["scale", "deploy/web", "-n", &namespace, "--replicas", "1"];
        let output = command(home.path(), cluster.admin()).args(args).args(more).output().unwrap();
        let (told, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code(), format!("{told}{said}"))
    };
    let (_, plan) = run(&["--plan", "-o", "json"]);
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    let named =
        ["environment", "context"].map(|key| plan["plan"][key].as_str().unwrap_or_default().to_owned());
    let place = named.iter().find(|name| !name.is_empty()).unwrap();
    let (code, told) = run(&["--confirm", place, "--reason", "a test", "--wait"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("superseded: replicas was put back to 2, set by argocd"), "{told}");
}
