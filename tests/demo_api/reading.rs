//! Lists and single objects.

use serde_json::{Value, json};

use crate::client::{Api, PARTIAL, PARTIALS, POD, PODS, names};
use crate::seed::pod;

async fn lists_are_like_those_of_a_real_server(api: &Api) {
    let list = api.get(PODS).await.json();
    assert_eq!((&list["kind"], &list["apiVersion"]), (&json!("PodList"), &json!("v1")));
    let versions = [&list, &api.get(PODS).await.json()].map(|l| l["metadata"]["resourceVersion"].clone());
    assert!(versions[0].as_str().is_some_and(|version| version.parse::<u64>().is_ok()), "{versions:?}");
    assert_eq!(names(&list), ["web-5d8f7c6b9d-aaaaa", "web-5d8f7c6b9d-bbbbb", "web-5d8f7c6b9d-ccccc"]);
    assert!(list["items"][0].get("kind").is_none(), "items of built-in kinds carry no kind");
    assert_eq!(names(&api.get("/api/v1/pods").await.json()).len(), 4);
    let custom = api.get("/apis/argoproj.io/v1alpha1/rollouts").await.json();
    assert_eq!((&custom["kind"], &custom["items"][0]["kind"]), (&json!("RolloutList"), &json!("Rollout")));
    let one = api.get(POD).await.json();
    assert_eq!((&one["kind"], &one["spec"]["nodeName"]), (&json!("Pod"), &json!("node-1")));
    let message = api.get(&format!("{PODS}/none")).await.refused(404, "NotFound");
    assert_eq!(message, "pods \"none\" not found");
    let deployment = api.get("/apis/apps/v1/namespaces/shop-prod/deployments/none").await;
    assert_eq!(deployment.refused(404, "NotFound"), "deployments.apps \"none\" not found");
    assert_eq!(deployment.json()["details"], json!({"name": "none", "group": "apps", "kind": "deployments"}));
}

async fn selectors_narrow_lists(api: &Api) {
    for (query, count) in [
        ("labelSelector=app%3Dweb", 3),
        ("labelSelector=app%20in%20(coredns,x)", 1),
        ("labelSelector=!app", 0),
        ("fieldSelector=metadata.name%3Dcoredns-1", 1),
        ("fieldSelector=metadata.namespace!%3Dshop-prod", 1),
        ("fieldSelector=spec.nodeName%3Dnode-1,status.phase%3DRunning", 4),
        ("fieldSelector=status.phase%3DPending", 0),
    ] {
        let list = api.get(&format!("/api/v1/pods?{query}")).await.json();
        assert_eq!(names(&list).len(), count, "{query}");
    }
    let events = "/api/v1/namespaces/shop-prod/events?fieldSelector=involvedObject.name%3Dweb-5d8f7c6b9d-aaaaa,involvedObject.uid%3Du";
    assert_eq!(names(&api.get(events).await.json()), ["web.1"]);
    api.get("/api/v1/pods?fieldSelector=spec.foo%3D1").await.refused(400, "BadRequest");
    api.get("/api/v1/pods?labelSelector=a%20in%20(").await.refused(400, "BadRequest");
}

async fn pages_are_one_picture_until_it_expires(api: &Api) {
    let first = api.get("/api/v1/pods?limit=2").await.json();
    assert_eq!(first["metadata"]["remainingItemCount"], 2);
    assert_eq!(names(&first), ["coredns-1", "web-5d8f7c6b9d-aaaaa"]);
    let token = first["metadata"]["continue"].as_str().unwrap().to_owned();
    // What changes between two pages does not show in the second.
    api.make(PODS, &pod("shop-prod", "web-zzz", "web")).await;
    let failed = json!({"status": {"phase": "Failed"}});
    api.change(&format!("{PODS}/web-5d8f7c6b9d-ccccc/status"), &failed).await;
    let second = api.get(&format!("/api/v1/pods?limit=5&continue={token}")).await.json();
    assert_eq!(names(&second), ["web-5d8f7c6b9d-bbbbb", "web-5d8f7c6b9d-ccccc"]);
    assert_eq!(second["items"][1]["status"]["phase"], "Running");
    assert_eq!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    assert_eq!(second["metadata"].get("continue"), None);
    api.compact().await;
    let gone = api.get(&format!("/api/v1/pods?limit=5&continue={token}")).await;
    gone.refused(410, "Expired");
    let rest = gone.json()["metadata"]["continue"].as_str().unwrap().to_owned();
    let rest = api.get(&format!("/api/v1/pods?continue={rest}")).await.json();
    assert_eq!(names(&rest).last().unwrap(), "web-zzz");
    api.get("/api/v1/pods?continue=zz").await.refused(400, "BadRequest");
}

async fn versions_of_lists(api: &Api) {
    let then = api.version().await;
    api.make(PODS, &pod("shop-prod", "later", "web")).await;
    let cached = api.get("/api/v1/pods?resourceVersion=0&limit=1").await.json();
    assert_eq!(names(&cached).len(), 5, "the watch cache gives all, whatever the limit");
    let exact =
        api.get(&format!("/api/v1/pods?resourceVersion={then}&resourceVersionMatch=Exact")).await.json();
    assert_eq!(
        (names(&exact).len(), exact["metadata"]["resourceVersion"].as_str()),
        (4, Some(then.to_string().as_str()))
    );
    api.compact().await;
    api.get(&format!("/api/v1/pods?resourceVersion={then}&resourceVersionMatch=Exact"))
        .await
        .refused(410, "Expired");
    let future = api.version().await + 1000;
    let early = api.get(&format!("/api/v1/pods?resourceVersion={future}")).await;
    early.refused(504, "Timeout");
    assert_eq!(early.json()["details"]["causes"][0]["reason"], "ResourceVersionTooLarge");
}

async fn metadata_alone(api: &Api) {
    let list = api.get_as(PARTIALS, PODS).await;
    assert_eq!(list["kind"], "PartialObjectMetadataList");
    let item = &list["items"][0];
    assert_eq!(
        (&item["kind"], &item["metadata"]["labels"]["app"]),
        (&json!("PartialObjectMetadata"), &json!("web"))
    );
    assert_eq!(item.get("spec"), None);
    let one = api.get_as(PARTIAL, POD).await;
    assert_eq!((&one["kind"], one.get("status")), (&json!("PartialObjectMetadata"), None));
    for (accept, path) in [("text/html", PODS), (PARTIALS, POD), (PARTIAL, PODS)] {
        assert_eq!(api.call("GET", path, &[("accept", accept)], "").await.code, 406, "{accept} of {path}");
    }
}

#[tokio::test]
async fn metrics_of_nodes_and_pods() {
    let api = &Api::demo().await;
    let nodes = api.get("/apis/metrics.k8s.io/v1beta1/nodes").await.json();
    assert_eq!(nodes["items"][0]["usage"], json!({"cpu": "1500000000n", "memory": "4194304Ki"}));
    let path = "/apis/metrics.k8s.io/v1beta1/namespaces/shop-prod/pods";
    let pods = api.get(&format!("{path}?labelSelector=app%3Dweb")).await.json();
    assert_eq!(names(&pods).len(), 3);
    let container: &Value = &pods["items"][0]["containers"][0];
    assert_eq!((&container["name"], &container["usage"]["cpu"]), (&json!("app"), &json!("12000000n")));
    let message = api.get(&format!("{path}/none")).await.refused(404, "NotFound");
    assert_eq!(message, "pods.metrics.k8s.io \"none\" not found");
}

judged! {
    lists_are_like_those_of_a_real_server,
    selectors_narrow_lists,
    pages_are_one_picture_until_it_expires,
    versions_of_lists,
    metadata_alone,
}
