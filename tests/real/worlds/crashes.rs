//! Pods that crash and pods whose image is not there.

use pilothouse::panes::PaneId;
use serde_json::json;

use super::{Scene, pod, workload};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_crash_loop_tells_why_and_how_often() {
    let mut scene = Scene::set("crash").await;
    let crash = json!({"pilothouse.test/behavior": "crash", "pilothouse.test/crash-after": "1s",
        "pilothouse.test/backoff": "3s"});
    let alone = json!({"pilothouse.test/behavior": "crash", "pilothouse.test/crash-after": "1s",
        "pilothouse.test/backoff": "1h", "pilothouse.test/crash-container": "mesh",
        "pilothouse.test/crash-reason": "Error", "pilothouse.test/crash-exit-code": "2"});
    scene.apply(workload("Deployment", "well", "well:1", &json!({}), &json!({"replicas": 2})));
    scene.apply(workload("Deployment", "cart", "cart:1.31.0", &crash, &json!({"replicas": 2})));
    let mut sides = pod("sides", &alone);
    sides["spec"]["containers"] =
        json!([{"name": "main", "image": "a:1"}, {"name": "mesh", "image": "mesh:1"}]);
    scene.apply(sides);
    scene.apply(pod("absent", &json!({"pilothouse.test/behavior": "pull"})));
    scene.person.see_row("cart-", "CrashLoopBackOff").await;
    // Also while the container runs again: how it ended before is what matters.
    scene.person.see_row("cart-", "2 (OOM 137)").await;
    scene.person.see_row("sides", "1/2").await;
    scene.person.see_row("sides", "0 (exit 2)").await;
    scene.person.see_row("absent", "ImagePullBackOff").await;
    scene.goes_to(PaneId::Workloads);
    scene.person.see_row("cart", "0/2").await;
    scene.person.see_row("cart", "(OOMK").await;
    scene.goes_to(PaneId::Pods);
    scene.person.keys("F");
    scene.person.see_title("Pods", "4 of 6").await;
    scene.person.see_no_row("well-", "Running").await;
    scene.person.keys("F");
    scene.person.see_row("well-", "Running").await;

    scene.opens_pod("sides", "enter enter").await;
    scene.person.see("mesh ended with exit 2 (an error of the program)").await;
    scene.person.see("Back-off restarting failed container").await;
    scene.opens_pod("absent", "enter enter").await;
    scene.person.see("Back-off pulling image").await;
    scene.opens_pod("cart-", "enter enter").await;
    scene.person.see("main was killed for memory (it has no limit of its own)").await;
    scene.goes_to(PaneId::Pods);
    // Mended: what crashed is gone, and nothing of it stays.
    scene.apply(workload("Deployment", "cart", "cart:1.31.1", &json!({}), &json!({"replicas": 2})));
    scene
        .until(&["get", "pods", "--no-headers"], |table| {
            let carts: Vec<&str> = table.lines().filter(|line| line.starts_with("cart-")).collect();
            carts.len() == 2 && carts.iter().all(|line| line.contains("1/1"))
        })
        .await;
    assert_eq!(scene.same_pods_as_kubectl().await.len(), 6);
    scene.person.see_no_row("cart-", "CrashLoopBackOff").await;
}
