//! Nodes that fall sick and silent, and what becomes of their pods. A cluster of its own: nodes are everybody's.

use std::time::Duration;

use ground::Cluster;
use pilothouse::panes::PaneId;
use pilothouse::text;
use pilothouse::wire::quantity::resources;
use pilothouse::world::{NodeLoad, World};
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

/// The list has the fallen node first; its page says what becomes of its pods and where they are made anew.
async fn tells_its_story(scene: &mut Scene<'_>, node: &str, how: &str) {
    scene.goes_to(PaneId::Nodes);
    scene.person.keys("enter");
    scene.person.see_title("Nodes", "1 not ready").await;
    scene.person.see_row(node, "NotReady").await;
    scene.person.keys("g");
    scene.person.wait_for_cursor(node).await.unwrap();
    scene.person.keys("enter");
    scene.person.see_title(&format!("Node {node}"), "NotReady").await;
    scene.person.see("Not ready for").await;
    let why = if how == "sick" { "container runtime is down" } else { "Its kubelet is not heard from" };
    scene.person.see(why).await;
    scene.person.see("given up").await;
    scene.person.see_row("Made anew since", " on node-").await;
    scene.person.see_row("cart-", "Terminating").await;
    // What the controllers said of it: that it is not ready only where it is they who found out.
    scene.person.see_row(if how == "sick" { "RegisteredNode" } else { "NodeNotReady" }, node).await;
    scene.person.keys("esc");
}

/// Requests and limits of a Deployment's pods, in each way that counts: containers, init containers, sidecars.
fn asking(name: &str) -> Value {
    let mut object = workload("Deployment", name, "cart:1", &json!({}), &json!({"replicas": 5}));
    let ask = |cpu: &str, memory: &str| json!({"requests": {"cpu": cpu, "memory": memory}});
    let pod = &mut object["spec"]["template"]["spec"];
    pod["containers"][0]["resources"] =
        json!({"requests": {"cpu": "250m", "memory": "100Mi"}, "limits": {"cpu": "1", "memory": "300M"}});
    pod["initContainers"] = json!([
        {"name": "first", "image": "cart:1", "resources": ask("700m", "10Mi")},
        {"name": "beside", "image": "cart:1", "restartPolicy": "Always", "resources": ask("50m", "20Mi")},
    ]);
    object
}

/// What `kubectl describe node` says: pods that have not ended, requests and limits of CPU and memory.
fn described(cluster: &Cluster, node: &str) -> NodeLoad {
    let said = cluster.kubectl(&["describe", "node", node]).unwrap();
    let pods = said.split("Non-terminated Pods:").nth(1).and_then(|rest| rest.split_whitespace().next());
    let pods = pods.and_then(|count| count.strip_prefix('(')?.parse().ok());
    let allocated = said.split("Allocated resources:").nth(1).unwrap_or_else(|| panic!("{said}"));
    let row = |resource: &str| {
        let line = allocated.lines().find(|line| line.trim_start().starts_with(resource));
        let words: Vec<&str> = line.unwrap_or_else(|| panic!("{said}")).split_whitespace().collect();
        (words[1].to_owned(), words[3].to_owned())
    };
    let (cpu, memory) = (row("cpu"), row("memory"));
    NodeLoad {
        pods: pods.unwrap_or_else(|| panic!("{said}")),
        requests: resources(Some(&cpu.0), Some(&memory.0)),
        limits: resources(Some(&cpu.1), Some(&memory.1)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn what_is_asked_of_a_node_is_what_kubectl_describes() {
    let cluster = Cluster::start().with_kwok().await.unwrap();
    cluster.nodes(2).await.unwrap();
    let mut scene = Scene::before(&cluster, "asking", (200, 60), true).await;
    scene.apply(asking("cart"));
    scene.kubectl(&["rollout", "status", "deployment/cart", "--timeout=60s"]);
    let mut job = workload("Job", "done", "cart:1", &json!({}), &json!({"completions": 3, "parallelism": 3}));
    job["apiVersion"] = json!("batch/v1");
    job["spec"].as_object_mut().unwrap().remove("selector");
    let pod = &mut job["spec"]["template"]["spec"];
    pod["restartPolicy"] = json!("Never");
    pod["containers"][0]["resources"] = json!({"requests": {"cpu": "500m", "memory": "1Gi"}});
    scene.apply(job);
    scene.kubectl(&["wait", "--for=condition=Complete", "job/done", "--timeout=60s"]);

    let nodes = ["node-0", "node-1"];
    for replicas in [5, 2, 7] {
        scene.kubectl(&["scale", "deployment/cart", &format!("--replicas={replicas}")]);
        scene.kubectl(&["rollout", "status", "deployment/cart", "--timeout=60s"]);
        let theirs = || nodes.map(|node| described(&cluster, node));
        let ours = |world: &World| nodes.map(|node| world.clusters[0].node_load(node));
        let settled = |loads: [NodeLoad; 2]| loads.iter().map(|load| load.pods).sum::<u32>() == replicas;
        let agreed = scene.person.wait_until(|world| settled(ours(world)) && ours(world) == theirs()).await;
        let ours = ours(&scene.person.driver().state.shared.world);
        assert!(agreed, "{replicas}: ours {ours:#?}, kubectl {:#?}", theirs());
    }
    let world = &scene.person.driver().state.shared.world.clusters[0];
    let there: usize = nodes.iter().map(|node| world.pods_on(node).len()).sum();
    assert_eq!(there, 7 + 3, "the Job's pods are there, and none of them counts");

    scene.goes_to(PaneId::Nodes);
    scene.person.keys("enter");
    for node in nodes {
        let load = described(&cluster, node);
        let percent = text::percent(load.requests.cpu_milli, 8_000).unwrap();
        scene.person.see_row(node, &percent).await;
        scene.person.see_row(node, &format!("{}/110", load.pods)).await;
    }
    // No metrics-server stands beside it.
    scene.person.see_title("Nodes", "use: not served").await;
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
        tells_its_story(&mut scene, node, how).await;
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
