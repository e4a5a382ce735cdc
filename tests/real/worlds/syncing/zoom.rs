//! The page of one Application: its tree, its conditions with the way out, a hook that fails, who made it.

use ground::argocd::{NAMESPACE, application};
use serde_json::json;

use super::super::Desk;
use super::{Play, SIZE, auto, config_map, deployment, service, shared};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn the_tree_shows_waves_children_and_what_left_git() {
    let mut play = Play::begin("tree").await;
    let mut web = deployment("web", "web:1", &json!({}), &json!({"replicas": 2}));
    web["metadata"]["annotations"] = json!({"argocd.argoproj.io/sync-wave": "1"});
    play.push(
        "web",
        &[
            ("web.json", web),
            ("svc.json", service("web")),
            ("old.json", config_map("old", &json!({"a": "1"}))),
        ],
    );
    play.deliver("web", &auto());
    play.opens("web").await;
    play.turns_to("worst first");
    play.see("3 objects").await;
    play.see("health here is ours, from the live objects").await;
    play.see_row("deploy web", "Healthy").await;
    play.see_row("deploy web", "wave 1").await;
    play.see_row("rs web-", "2/2 ready").await;
    play.see_row("po web-", "Running").await;
    play.see_row("svc web", "2/2 endpoints ready").await;
    play.see_row("cm old", "✓ Synced").await;
    // What left Git stays without pruning, and is marked.
    play.world.repository.remove(play.namespace(), "old goes", &["old.json"]).unwrap();
    play.refresh("web");
    play.see_row("cm old", "left Git: to be pruned").await;
    play.see("1 to be pruned").await;
    play.lists();
    play.see_row("web", "≠ 1 drift").await;
    play.see_row("web", "ConfigMap old is no longer wanted").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn conditions_have_their_way_out() {
    let mut play = Play::begin("words").await;
    play.push("config", &[("config.json", config_map("config", &json!({"a": "1"})))]);
    // A folder that is not there; a project that is not there; a project that does not permit the namespace.
    let mut astray = application(play.namespace(), "astray", &play.world.repository, play.namespace());
    astray["spec"]["source"]["path"] = json!("no/such/folder");
    play.world.cluster.apply(&astray).unwrap();
    play.deliver("orphaned", &json!({"project": "no-such-project"}));
    let strict = format!("strict-{}", play.namespace());
    play.world
        .cluster
        .apply(&json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
            "metadata": {"name": strict, "namespace": NAMESPACE},
            "spec": {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]},
        }))
        .unwrap();
    play.deliver("stranger", &json!({"project": strict}));
    play.lists();
    play.see_row("astray", "✖ failed").await;
    // Argo CD calls it healthy: nothing was compared, so nothing is known.
    play.see_row("astray", "not known").await;
    play.see_row("orphaned", "✖ failed").await;
    play.see_row("stranger", "✖ failed").await;

    play.opens("astray").await;
    play.turns_to("Conditions");
    play.see("Healthy says nothing here").await;
    play.see("ComparisonError").await;
    play.see("The revision, the path or the chart does not exist in the repository.").await;
    play.see("Correct targetRevision, path or chart in the source").await;
    play.see("no/such/folder").await;
    play.turns_to("endpoints moved");
    play.see("It is stuck at: detected.").await;
    play.opens("orphaned").await;
    play.turns_to("Conditions");
    play.see("InvalidSpecError").await;
    play.see("Its project does not exist, or does not permit this source, destination or kind.").await;
    play.turns_to("Cannot be read");
    play.opens("stranger").await;
    play.turns_to("Conditions");
    play.see("UnknownError").await;
    play.see("List the namespace under sourceNamespaces of the AppProject.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_hook_that_fails_is_named_and_nothing_after_it_is_touched() {
    let mut play = Play::begin("hook").await;
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "migrate", "annotations": {"argocd.argoproj.io/hook": "PreSync"}},
        "spec": {"backoffLimit": 0, "template": {
            "metadata": {"annotations": {"pilothouse.test/behavior": "crash", "pilothouse.test/crash-after": "1s",
                "pilothouse.test/crash-reason": "Error", "pilothouse.test/crash-exit-code": "3"}},
            "spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "migrate:1"}]}}},
    });
    let config = config_map("config", &json!({"a": "1"}));
    let first = play.push("with a migration", &[("migrate.json", job), ("config.json", config)]);
    // Else it is tried again five times, for minutes.
    play.deliver("shop", &json!({"syncPolicy": {"automated": {}, "retry": {"limit": 0}}}));
    play.lists();
    play.see_row("shop", "✖ failed").await;
    play.opens("shop").await;
    play.see("It is stuck at: syncing.").await;
    play.see("Job migrate").await;
    play.turns_to("of this operation");
    play.see_row("Job migrate", "failed").await;
    play.see_row("Job migrate", "PreSync hook").await;
    play.see_row("revision", &first[..7]).await;
    play.see_row("by", "auto-sync").await;
    play.turns_to("Conditions");
    play.see("auto-sync does not try a revision twice").await;
    play.turns_to("full syncs, newest first");
    play.see("Nothing was ever deployed.").await;
    let maps = play.scene.kubectl(&["get", "configmaps", "-o", "name"]);
    assert!(!maps.contains("config\n"), "it comes after the hook: {maps}");

    // Mended in Git: the hook is done, and gone.
    play.world.repository.remove(play.namespace(), "no migration", &["migrate.json"]).unwrap();
    play.refresh("shop");
    play.turns_to("endpoints moved");
    play.see("Arrived: ").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn who_made_an_application_is_named() {
    let desk = |_: &str, _: &std::path::Path| Desk { size: SIZE, ..Desk::default() };
    let mut play = Play::at("set", true, desk).await;
    play.scene.chooses_other();
    play.push("config", &[("config.json", config_map("config", &json!({"a": "1"})))]);
    let name = format!("made-{}", play.namespace());
    let set = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet",
        "metadata": {"name": format!("set-{}", play.namespace()), "namespace": NAMESPACE},
        "spec": {
            "generators": [{"list": {"elements": [{"place": play.namespace()}]}}],
            "template": {
                "metadata": {"name": "made-{{place}}"},
                "spec": {
                    "project": "default",
                    "source": {"repoURL": shared().await.repository.url(), "targetRevision": "{{place}}", "path": "."},
                    "destination": {"server": "https://kubernetes.default.svc", "namespace": "{{place}}"},
                    "syncPolicy": {"automated": {}},
                },
            },
        },
    });
    play.world.cluster.apply(&set).unwrap();
    play.lists();
    play.see_row(&name, "✓ synced").await;
    play.opens(&name).await;
    play.turns_to("Conditions");
    let set = format!("set-{}", play.namespace());
    play.see_row("made by", &set).await;
    play.scene.person.keys("esc");
    // Zoomed there is room for a column of it.
    play.see_row(&name, &set).await;
}
