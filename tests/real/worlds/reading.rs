//! What is read beside the lists: quotas, autoscalers, traffic, events, YAML, descriptions.

use pilothouse::panes::PaneId;
use serde_json::json;

use super::{Scene, pod, workload};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_quota_fills_on_the_card_and_an_autoscaler_is_told_of() {
    let mut scene = Scene::set("quota").await;
    let hard = json!({"requests.cpu": "2", "requests.memory": "1Gi", "pods": "10"});
    scene.apply(json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"}, "spec": {"hard": hard}}));
    let mut cart = workload("Deployment", "cart", "cart:1", &json!({}), &json!({"replicas": 2}));
    cart["spec"]["template"]["spec"]["containers"][0]["resources"] =
        json!({"requests": {"cpu": "250m", "memory": "128Mi"}});
    scene.apply(cart.clone());
    scene.person.see_row("cpu", "25%").await;
    scene.person.see_row("mem", "25%").await;
    scene.kubectl(&["scale", "deployment/cart", "--replicas=4"]);
    scene.person.see_row("cpu", "50%").await;
    scene.opens_environment();
    scene.person.see_row("pods", "4 of 10").await;

    // The controller takes away what is more than the autoscaler allows, also where nothing is measured.
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"});
    let hpa = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "cart"},
        "spec": {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 3, "metrics": [{"type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]}});
    scene.apply(hpa);
    scene.opens_rollout("cart").await;
    scene.person.see("1-3 pods → 3, as many as it may").await;
    scene.person.see("Rolled out: all 3 pods").await;
    assert_eq!(scene.same_pods_as_kubectl().await.len(), 3);
    scene.goes_to(PaneId::Pods);
    scene.kubectl(&["delete", "deployment", "cart"]);
    scene.person.see_row("cpu", "0%").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn traffic_is_told_with_the_endpoints_of_the_real_controller() {
    let mut scene = Scene::set_at("traffic", (220, 60)).await;
    scene.apply(workload("Deployment", "web", "web:1", &json!({}), &json!({"replicas": 2})));
    let ports = json!([{"port": 80, "targetPort": 8080}]);
    scene.apply(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": ports}}));
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    scene.apply(
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "shop"},
        "spec": {"rules": [{"host": "shop.example", "http": {"paths": [
            {"path": "/web", "pathType": "Prefix", "backend": backend}]}}]}}),
    );
    scene.goes_to(PaneId::Workloads);
    scene.person.wait_for_cursor("\"web\"").await.unwrap();
    scene.person.keys("j k");
    scene.goes_to(PaneId::Network);
    scene.person.see_row("web", "2/2 ready").await;
    scene.person.keys("enter");
    scene.person.see("http://shop.example/web").await;
    let mut late = pod("late", &json!({"pilothouse.test/ready-after": "1h"}));
    late["metadata"]["labels"] = json!({"app": "web"});
    scene.apply(late);
    scene.person.see_row("web", "2/3 ready").await;
    scene.kubectl(&["scale", "deployment/web", "--replicas=0"]);
    scene.person.see_row("web", "0/1 ready").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn yaml_events_and_description_say_what_kubectl_says() {
    let mut scene = Scene::set_at("pages", (160, 90)).await;
    let mut one = pod("one", &json!({}));
    one["metadata"]["labels"] = json!({"app": "one", "tier": "front"});
    one["spec"]["containers"][0]["resources"] =
        json!({"requests": {"cpu": "100m"}, "limits": {"memory": "64Mi"}});
    one["spec"]["containers"][0]["env"] = json!([{"name": "MODE", "value": "fast"}]);
    scene.apply(one);
    scene.apply(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "creds"},
        "stringData": {"password": "open sesame"}}));
    scene.kubectl(&["wait", "--for=condition=Ready", "pod/one", "--timeout=60s"]);

    scene.opens_pod("one", "d").await;
    let described = scene.kubectl(&["describe", "pod", "one"]);
    scene.person.see("tier=front").await;
    for fact in ["Node:", "Service Account:", "IP:", "QoS Class:", "Image:", "MODE:"] {
        let line = described.lines().map(str::trim).find_map(|line| line.strip_prefix(fact)).unwrap().trim();
        for word in line.split('/') {
            assert!(scene.person.picture().contains(word), "{fact} {word}\n{}", scene.person.picture());
        }
    }
    scene.person.see("Successfully assigned").await;

    scene.opens_pod("one", "y").await;
    scene.person.see("apiVersion: v1").await;
    scene.person.see("tier: front").await;
    scene.person.see_no("f:metadata").await;
    scene.person.keys("m");
    scene.person.see("f:metadata").await;
    scene.opens_pod("one", "e").await;
    scene.person.see_row("Scheduled", "Successfully assigned").await;

    scene.goes_to(PaneId::Pods);
    scene.person.keys(":");
    scene.person.types("secret/creds");
    scene.person.keys("enter");
    scene.person.see("password: ••").await;
    assert!(!scene.person.picture().contains("b3Bl"));
    // What was applied is written once more in an annotation or a managed field: nothing of it shows either.
    scene.person.keys("m");
    assert!(!scene.person.picture().contains("b3Bl"));
    scene.person.keys("V");
    scene.person.see("password: b3BlbiBzZXNhbWU=").await;
    scene.person.keys("V");
    scene.person.see("password: ••").await;
}
