//! Nodes that fall sick and silent, and what becomes of their pods. A cluster of its own: nodes are everybody's.

use std::time::Duration;

use ground::Cluster;
use pilothouse::panes::PaneId;
use serde_json::{Value, json};

use super::{Scene, workload};

/// A Deployment whose pods leave a node two seconds after it fell, a pod a node if there is room.
fn spread(name: &str, annotations: &Value) -> Value {
    let mut object = workload("Deployment", name, "cart:1", annotations, &json!({"replicas": 3}));
    let leave = |key: &str| {
        json!({"key": format!("node.kubernetes.io/{key}"), "operator": "Exists", "effect": "NoExecute",
               "tolerationSeconds": 2})
    };
    let pod = &mut object["spec"]["template"]["spec"];
    // With none a pod is gone at once, and nobody sees it leave.
    pod["terminationGracePeriodSeconds"] = json!(30);
    pod["tolerations"] = json!([leave("not-ready"), leave("unreachable")]);
    pod["topologySpreadConstraints"] = json!([{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {"matchLabels": {"app": name}}}]);
    object
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn nodes_fall_sick_and_silent_and_their_pods_move() {
    let cluster = Cluster::start().with_kwok().node_grace(Duration::from_secs(9)).await.unwrap();
    cluster.nodes(3).await.unwrap();
    let mut scene = Scene::before(&cluster, "fall", (220, 60), true).await;
    // Evicted pods stay: nobody on a dead node says that they have ended.
    let stays = json!({"pilothouse.test/terminate-after": "1h", "pilothouse.test/heal-after": "1s"});
    scene.apply(spread("cart", &stays));
    scene.kubectl(&["rollout", "status", "deployment/cart", "--timeout=60s"]);
    let label = |node: &str, label: &str| cluster.kubectl(&["label", "node", node, label]).unwrap();
    let fallen = |table: &str, node: &str| {
        let on = |line: &&str| line.contains(node);
        let rows = || table.lines().filter(on);
        rows().count() > 0 && rows().all(|line| line.contains("Terminating"))
    };
    let moved = |table: &str| {
        table.lines().filter(|line| line.contains("1/1") && line.contains("Running")).count() == 3
    };
    let wide = ["get", "pods", "-o", "wide", "--no-headers"];

    for (node, how, words) in [("node-1", "sick", "not ready"), ("node-2", "silent", "not heard from")] {
        scene.opens_environment();
        scene.person.see_row("ready", "3 of 3").await;
        label(node, &format!("pilothouse.test/{how}=true"));
        scene.person.see_row(node, words).await;
        scene.person.see_row("ready", "2 of 3").await;
        scene.goes_to(PaneId::Pods);
        // On the whole screen, where nodes have a column beside namespaces.
        scene.person.keys("enter");
        scene.until(&wide, |table| fallen(table, node) && moved(table)).await;
        scene.person.see_row("Terminating", node).await;
        let pods = scene.same_pods_as_kubectl().await;
        assert!(pods.len() >= 4, "{pods:#?}");
        label(node, &format!("pilothouse.test/{how}-"));
        scene.opens_environment();
        scene.person.see_row("ready", "3 of 3").await;
        scene.person.see_no(words).await;
        // What is left of the dead node is put away by hand, as people do.
        let pods = scene.kubectl(&wide);
        for name in
            pods.lines().filter(|line| line.contains("Terminating")).filter_map(|line| line.split(' ').next())
        {
            scene.kubectl(&["delete", "pod", name, "--force", "--grace-period=0"]);
        }
        scene.person.see_no("Terminating").await;
        assert_eq!(scene.same_pods_as_kubectl().await.len(), 3);
    }

    // A drain, by others: cordoned, its pods evicted and made anew elsewhere.
    scene.apply(spread("web", &json!({})));
    scene.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    cluster.kubectl(&["drain", "node-0", "--pod-selector=app=web", "--timeout=60s"]).unwrap();
    scene.opens_environment();
    scene.person.see_row("node-0", "ready, cordoned").await;
    scene.goes_to(PaneId::Pods);
    scene.person.keys("enter");
    scene.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    scene.person.see_no_row("web-", "node-0").await;
    assert_eq!(scene.same_pods_as_kubectl().await.len(), 6);
    cluster.kubectl(&["uncordon", "node-0"]).unwrap();
    scene.opens_environment();
    scene.person.see_no("cordoned").await;
}
