//! Syncs that a window of the project holds back.

use ground::argocd::NAMESPACE;
use serde_json::{Value, json};

use super::{Play, auto, config_map};

/// A whole minute as the page writes it: with the date when that is not today's.
fn moment(at: jiff::Timestamp) -> String {
    let today = at.strftime("%F").to_string() == jiff::Timestamp::now().strftime("%F").to_string();
    at.strftime(if today { "%H:%M:00Z" } else { "%F %H:%MZ" }).to_string()
}

/// A project of the test's own with these windows.
fn project(play: &Play, windows: &Value) {
    play.world
        .cluster
        .apply(&json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
            "metadata": {"name": play.namespace(), "namespace": NAMESPACE},
            "spec": {
                "description": "What the shop may do", "sourceRepos": ["*"],
                "sourceNamespaces": [play.namespace()],
                "destinations": [{"server": "*", "namespace": play.namespace()}],
                "namespaceResourceBlacklist": [{"group": "", "kind": "LimitRange"}],
                "syncWindows": windows,
            },
        }))
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_window_says_until_when_and_lifted_lets_it_sync() {
    let mut play = Play::begin("held").await;
    // Closed since ten minutes, for half an hour.
    let ago = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(10);
    let opens = ago + jiff::SignedDuration::from_mins(30);
    let window = json!([{"kind": "deny", "schedule": ago.strftime("%-M %-H * * *").to_string(), "duration": "30m",
                         "applications": ["*"], "description": "while we count"}]);
    project(&play, &window);
    let first = play.push("config", &[("config.json", config_map("config", &json!({"a": "1"})))]);
    let mut spec = auto();
    spec["project"] = json!(play.namespace());
    play.deliver("config", &spec);
    play.lists();
    // The Application itself only says that it differs.
    play.see_row("config", "≠ ").await;
    play.opens("config").await;
    play.see("It is stuck at: out of sync.").await;
    play.see("Auto-sync is held back by a sync window (a deny window is active)").await;
    play.see("It opens in ").await;
    play.turns_to("Sync windows");
    let opens = moment(opens);
    play.see_row("auto-sync", "closed by a deny window, opens at").await;
    play.see_row("auto-sync", &opens).await;
    play.see_row("by hand", &opens).await;
    play.see_row("deny", "active now").await;
    play.see_row("deny", "while we count").await;
    play.see("What the shop may do").await;
    play.see_row("kinds", "never LimitRange").await;

    // By hand it is no better: the operation stands at the window, and says so.
    let sync = json!({"operation": {"initiatedBy": {"username": "maria"}, "sync": {}}}).to_string();
    play.scene.kubectl(&["patch", "applications.argoproj.io", "config", "--type=merge", "-p", &sync]);
    play.turns_to("auto-sync     on, ");
    play.see("The sync stands at a closed sync window; it goes on by itself in ").await;
    play.turns_to("of this operation");
    play.see("Sync operation blocked by sync window").await;
    play.see_row("by", "maria").await;
    play.lists();
    play.see_row("config", "window closed").await;
    assert_eq!(play.told("config", "/status/operationState/phase"), "Running");

    project(&play, &json!([]));
    play.refresh("config");
    play.see_row("config", "✓ synced").await;
    play.see_row("config", "● healthy").await;
    play.see_no_row("config", "window closed").await;
    play.see_row("config", &first[..7]).await;
    play.opens("config").await;
    play.turns_to("Sync windows");
    play.see_row("auto-sync", "open: no window speaks of this application").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn an_allow_window_that_is_open_says_until_when_and_holds_nothing() {
    let mut play = Play::begin("open").await;
    let ago = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(10);
    let closes = ago + jiff::SignedDuration::from_mins(30);
    let window = json!([{"kind": "allow", "schedule": ago.strftime("%-M %-H * * *").to_string(), "duration": "30m",
                         "namespaces": [play.namespace()]}]);
    project(&play, &window);
    play.push("config", &[("config.json", config_map("config", &json!({"a": "1"})))]);
    let mut spec = auto();
    spec["project"] = json!(play.namespace());
    play.deliver("config", &spec);
    play.lists();
    play.see_row("config", "✓ synced").await;
    play.opens("config").await;
    play.turns_to("Sync windows");
    play.see_row("auto-sync", "open until").await;
    play.see_row("auto-sync", &moment(closes)).await;
    play.see_row("allow", "active now").await;
}
