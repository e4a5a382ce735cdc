//! Definitions that are deleted while somebody looks, by an API server that deletes their objects first.

use std::time::Duration;

use ground::Cluster;
use pilothouse::panes::PaneId;
use pilothouse::sources::Timing;
use serde_json::{Value, json};

use super::super::{Desk, Scene};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn rows_go_with_their_definition_and_come_back_with_it() {
    const KUSTOMIZATIONS: &str = "kustomizations.kustomize.toolkit.fluxcd.io";
    let cluster = Cluster::start().bare().with_flux_definitions().await.unwrap();
    let desk = |_: &str, _: &std::path::Path| {
        // By itself it looks once a minute whether what was not there is there now.
        let timing = Timing { absent: Duration::from_secs(1), ..Timing::default() };
        Desk { size: (160, 50), timing, ..Desk::default() }
    };
    let mut scene = Scene::at(&cluster, "shop", false, desk).await;
    let kustomization = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": {"name": "shop"},
        "spec": {"interval": "10m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "fleet"}},
    });
    let source = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": "fleet"},
        "spec": {"interval": "1m", "url": "https://git.example/fleet"},
    });
    scene.apply(kustomization.clone());
    scene.apply(source);
    // Nobody looks at them here, so they stay on their way.
    scene.goes_to(PaneId::Sync);
    scene.person.keys("enter");
    scene.person.see_row("ks/shop", "↻ syncing").await;
    scene.person.see_row("gitrepo/fleet", "↻ syncing").await;

    let mut definition: Value =
        serde_json::from_str(&cluster.kubectl(&["get", "crd", KUSTOMIZATIONS, "-o", "json"]).unwrap())
            .unwrap();
    cluster.kubectl(&["delete", "crd", KUSTOMIZATIONS]).unwrap();
    scene.person.see_no_row("ks/shop", "↻ syncing").await;
    scene.person.see_title("Sync", "kustomizations: definition removed").await;
    scene.person.see_row("gitrepo/fleet", "↻ syncing").await;

    definition["status"].take();
    definition["metadata"] =
        json!({"name": KUSTOMIZATIONS, "annotations": definition["metadata"]["annotations"]});
    cluster.apply(&definition).unwrap();
    let established = ["wait", "--for=condition=Established", "crd", KUSTOMIZATIONS, "--timeout=30s"];
    cluster.until("the definition established", || cluster.kubectl(&established).is_ok()).await.unwrap();
    scene.apply(kustomization);
    scene.person.see_row("ks/shop", "↻ syncing").await;
    scene.person.see_no("definition removed").await;
}
