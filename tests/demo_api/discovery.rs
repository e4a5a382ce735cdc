//! What is served, who may come in, who may do what.

use serde_json::json;

use crate::client::{Demo, POD, PODS};

#[tokio::test]
async fn it_starts_and_ends_cleanly() {
    let demo = Demo::start().await;
    let folder = demo.server.kubeconfig().parent().unwrap().to_owned();
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(demo.server.kubeconfig()).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    let mut watch =
        demo.watch(&format!("{PODS}?watch=true&resourceVersion={}", demo.store().version())).await;
    let Demo { server, .. } = demo;
    drop(server);
    assert_eq!(watch.line().await, None);
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_token_is_asked_for_and_may_come_in_the_url() {
    let demo = Demo::start().await;
    for wrong in ["", "Bearer nonsense"] {
        let answer = demo.call("GET", "/api", &[("authorization", wrong)], "").await;
        assert_eq!(answer.refused(401, "Unauthorized"), "Unauthorized");
    }
    let door = format!("/demo/{}", demo.token);
    let through = demo.call("GET", &format!("{door}{POD}"), &[("authorization", "")], "").await;
    assert_eq!(through.code, 200);
    // A token that is sent decides, whatever the URL says.
    let wrong = demo.call("GET", &format!("{door}{POD}"), &[("authorization", "Bearer x")], "").await;
    assert_eq!(wrong.code, 401);
    let index = demo.call("GET", &format!("{door}/openapi/v3"), &[("authorization", "")], "").await.json();
    assert!(index["paths"]["apis/apps/v1"]["serverRelativeURL"].as_str().unwrap().starts_with(&door));
}

#[tokio::test]
async fn versions_groups_and_resources() {
    let demo = Demo::start().await;
    let version = demo.get("/version").await.json();
    assert_eq!((&version["gitVersion"], &version["minor"]), (&json!("v1.36.3+k3s1"), &json!("36")));
    assert_eq!(demo.get("/api").await.json()["versions"], json!(["v1"]));
    assert_eq!(demo.get("/readyz").await.body, "ok");
    let groups = demo.get("/apis").await.json();
    let names: Vec<&str> =
        groups["groups"].as_array().unwrap().iter().map(|g| g["name"].as_str().unwrap()).collect();
    for group in
        ["apps", "batch", "autoscaling", "policy", "metrics.k8s.io", "argoproj.io", "authorization.k8s.io"]
    {
        assert!(names.contains(&group), "{names:?}");
    }
    assert_eq!(demo.get("/apis/apps").await.json()["preferredVersion"]["groupVersion"], "apps/v1");
    let core = demo.get("/api/v1").await.json();
    let find = |name: &str| {
        core["resources"].as_array().unwrap().iter().find(|r| r["name"] == name).cloned().unwrap()
    };
    assert_eq!(find("pods")["shortNames"], json!(["po"]));
    assert_eq!(find("pods/eviction")["group"], "policy");
    assert_eq!(find("nodes")["namespaced"], false);
    demo.get("/apis/nothing.example/v1").await.refused(404, "NotFound");
    demo.get("/api/v1/frobs").await.refused(404, "NotFound");
}

#[tokio::test]
async fn aggregated_discovery_by_accept() {
    let demo = Demo::start().await;
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    let answer = demo.call("GET", "/apis", &[("accept", accept)], "").await;
    assert_eq!(
        answer.headers["content-type"],
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    );
    let list = answer.json();
    let apps =
        list["items"].as_array().unwrap().iter().find(|g| g["metadata"]["name"] == "apps").unwrap().clone();
    let deployments = apps["versions"][0]["resources"]
        .as_array()
        .unwrap()
        .iter()
        .find(|r| r["resource"] == "deployments")
        .unwrap()
        .clone();
    assert_eq!(deployments["scope"], "Namespaced");
    let subs: Vec<&str> = deployments["subresources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["subresource"].as_str().unwrap())
        .collect();
    assert_eq!(subs, ["scale", "status"]);
    let core = demo.get_as(accept, "/api").await;
    assert_eq!(core["items"][0]["versions"][0]["version"], "v1");
}

#[tokio::test]
async fn openapi_names_kinds_and_their_parameters() {
    let demo = Demo::start().await;
    let index = demo.get("/openapi/v3").await.json();
    assert!(
        index["paths"]["api/v1"]["serverRelativeURL"]
            .as_str()
            .unwrap()
            .starts_with("/openapi/v3/api/v1?hash=")
    );
    let apps = demo.get("/openapi/v3/apis/apps/v1").await.json();
    let patch = &apps["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
    assert_eq!(
        patch["x-kubernetes-group-version-kind"],
        json!({"group": "apps", "version": "v1", "kind": "Deployment"})
    );
    assert!(patch["parameters"].as_array().unwrap().iter().any(|p| p["name"] == "fieldValidation"));
    assert_eq!(demo.get("/openapi/v2").await.json()["swagger"], "2.0");
    let proto = demo
        .call(
            "GET",
            "/openapi/v2",
            &[("accept", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf")],
            "",
        )
        .await;
    assert!(proto.body.contains("2.0"));
}

#[tokio::test]
async fn reviews_say_what_is_allowed() {
    let demo = Demo::start().await;
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let ask = |ns: &str, verb: &str| {
        json!({"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
        "spec": {"resourceAttributes": {"namespace": ns, "verb": verb, "resource": "pods"}}})
    };
    let answer = demo.post(path, &ask("default", "delete")).await;
    assert_eq!((answer.code, &answer.json()["status"]["allowed"]), (201, &json!(true)));
    let viewer = format!("Bearer {}", demo.viewer);
    for (ns, verb, allowed) in
        [("shop-prod", "list", true), ("shop-prod", "delete", false), ("default", "list", false)]
    {
        let body = ask(ns, verb).to_string();
        let answer = demo.call("POST", path, &[("authorization", &viewer)], &body).await.json();
        assert_eq!(answer["status"]["allowed"], allowed, "{ns} {verb}");
    }
    let who = demo
        .call(
            "POST",
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            &[("authorization", &viewer)],
            "{}",
        )
        .await
        .json();
    assert_eq!(who["status"]["userInfo"]["username"], "demo-viewer");
    let rules = demo
        .post(
            "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
            &json!({"spec": {"namespace": "default"}}),
        )
        .await
        .json();
    assert_eq!(rules["status"]["incomplete"], false);
    demo.post("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", &json!({"spec": {}}))
        .await
        .refused(400, "BadRequest");
}

#[tokio::test]
async fn the_viewer_reads_two_namespaces_only() {
    let demo = Demo::start().await;
    let viewer = format!("Bearer {}", demo.viewer);
    let as_viewer = [("authorization", viewer.as_str())];
    assert_eq!(demo.call("GET", PODS, &as_viewer, "").await.code, 200);
    assert_eq!(demo.call("GET", "/apis", &as_viewer, "").await.code, 200);
    let refused = demo.call("GET", "/api/v1/pods", &as_viewer, "").await.refused(403, "Forbidden");
    assert_eq!(
        refused,
        "pods is forbidden: User \"demo-viewer\" cannot list resource \"pods\" in API group \"\" at the cluster scope"
    );
    for path in [
        "/api/v1/nodes",
        "/api/v1/namespaces/default/pods",
        "/api/v1/namespaces/shop-prod/secrets",
        "/apis/metrics.k8s.io/v1beta1/nodes",
    ] {
        demo.call("GET", path, &as_viewer, "").await.refused(403, "Forbidden");
    }
    demo.call("DELETE", POD, &as_viewer, "").await.refused(403, "Forbidden");
}
