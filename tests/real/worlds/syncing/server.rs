//! With Argo CD's API server configured the page says so, and tells what the object alone does not.

use ground::argocd::NAMESPACE;
use serde_json::json;

use super::super::Desk;
use super::{Play, SIZE, auto, config_map, deployment, shared};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn the_api_server_tells_who_pushed_what_git_wants_and_what_belongs_to_nobody() {
    let url = shared().await.cluster.argocd().unwrap().url().unwrap();
    let desk = |namespace: &str, kubeconfig: &std::path::Path| {
        // It asks nobody who he is here; elsewhere a token is needed.
        let token = kubeconfig.with_extension("argo-token");
        std::fs::write(&token, "anybody").unwrap();
        let config = format!(
            "stages:\n  - name: production\n    namespaces: [{namespace}]\n    argocd: {{namespace: {NAMESPACE}, url: {url}, tokenFile: {}}}\n",
            token.display()
        );
        Desk { size: SIZE, config, ..Desk::default() }
    };
    let mut play = Play::at("api", false, desk).await;
    let web = deployment("web", "web:1", &json!({}), &json!({"replicas": 1}));
    play.push("web 1.0.0 for everybody", &[("web.json", web)]);
    play.deliver("web", &auto());
    play.lists();
    play.see_row("web", "● healthy").await;
    play.opens("web").await;
    play.scene.person.see_title("Application web", "by the Argo CD API").await;
    play.turns_to("endpoints moved");
    play.see_row("pushed", "by Pilothouse").await;
    play.see_row("pushed", "web 1.0.0 for everybody").await;
    play.turns_to("worst first");
    play.see("Health by the Argo CD API").await;
    play.see_row("po web-", "Running").await;

    // Git goes on while auto-sync is off: what it wants is no last applied state.
    let off = json!({"spec": {"syncPolicy": null}}).to_string();
    play.scene.kubectl(&["patch", "applications.argoproj.io", "web", "--type=merge", "-p", &off]);
    let web = deployment("web", "web:2", &json!({}), &json!({"replicas": 1}));
    play.push("web 2.0.0", &[("web.json", web), ("new.json", config_map("new", &json!({"a": "1"})))]);
    play.refresh("web");
    play.turns_to("Differences");
    play.see("- Git  + live, by the Argo CD API").await;
    play.see_row("Deployment web", "differ from Git").await;
    play.see_row("- ", "web:2").await;
    play.see_row("+ ", "web:1").await;
    play.see_row("ConfigMap new", "does not exist").await;
}
