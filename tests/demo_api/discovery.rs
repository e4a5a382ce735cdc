//! What is served, who may come in, who may do what.

use serde_json::json;

use crate::client::{Api, POD, PODS};

#[tokio::test]
async fn it_starts_and_ends_cleanly() {
    let api = Api::demo().await;
    let folder = api.server().kubeconfig().parent().unwrap().to_owned();
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(api.server().kubeconfig()).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    let mut watch = api.watch(&format!("{PODS}?watch=true&resourceVersion={}", api.version().await)).await;
    drop(api);
    assert_eq!(watch.line().await, None);
    assert!(!folder.exists());
}

async fn a_token_is_asked_for(api: &Api) {
    let answer = api.call("GET", "/api", &[("authorization", "Bearer nonsense")], "").await;
    assert_eq!(answer.refused(401, "Unauthorized"), "Unauthorized");
    // Without any, a real server calls the caller anonymous, and he may do nothing.
    let (code, reason) = if api.is_demo() { (401, "Unauthorized") } else { (403, "Forbidden") };
    api.call("GET", "/api", &[("authorization", "")], "").await.refused(code, reason);
}

#[tokio::test]
async fn a_token_may_come_in_the_url() {
    let api = &Api::demo().await;
    let door = format!("/demo/{}", api.token);
    let through = api.call("GET", &format!("{door}{POD}"), &[("authorization", "")], "").await;
    assert_eq!(through.code, 200);
    // A token that is sent decides, whatever the URL says.
    let wrong = api.call("GET", &format!("{door}{POD}"), &[("authorization", "Bearer x")], "").await;
    assert_eq!(wrong.code, 401);
    let index = api.call("GET", &format!("{door}/openapi/v3"), &[("authorization", "")], "").await.json();
    assert!(index["paths"]["apis/apps/v1"]["serverRelativeURL"].as_str().unwrap().starts_with(&door));
}

async fn versions_groups_and_resources(api: &Api) {
    let version = api.get("/version").await.json();
    assert!(version["gitVersion"].as_str().unwrap().starts_with("v1.36."), "{version}");
    assert_eq!(version["minor"], "36");
    assert_eq!(api.get("/api").await.json()["versions"], json!(["v1"]));
    assert_eq!(api.get("/readyz").await.body, "ok");
    let groups = api.get("/apis").await.json();
    let names: Vec<&str> =
        groups["groups"].as_array().unwrap().iter().map(|g| g["name"].as_str().unwrap()).collect();
    for group in ["apps", "batch", "autoscaling", "policy", "argoproj.io", "authorization.k8s.io"] {
        assert!(names.contains(&group), "{names:?}");
    }
    // Metrics come from a server of their own, which stands beside the demo only.
    assert_eq!(names.contains(&"metrics.k8s.io"), api.is_demo(), "{names:?}");
    assert_eq!(api.get("/apis/apps").await.json()["preferredVersion"]["groupVersion"], "apps/v1");
    let core = api.get("/api/v1").await.json();
    let find = |name: &str| {
        core["resources"].as_array().unwrap().iter().find(|r| r["name"] == name).cloned().unwrap()
    };
    assert_eq!(find("pods")["shortNames"], json!(["po"]));
    assert_eq!(find("pods/eviction")["group"], "policy");
    assert_eq!(find("nodes")["namespaced"], false);
    for path in ["/apis/nothing.example", "/apis/nothing.example/v1", "/apis/nothing.example/v1/things"] {
        let answer = api.get(path).await;
        assert_eq!((answer.code, answer.body.as_str()), (404, "404 page not found\n"), "{path}");
    }
    api.get("/api/v1/frobs").await.refused(404, "NotFound");
}

async fn aggregated_discovery_by_accept(api: &Api) {
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    let answer = api.call("GET", "/apis", &[("accept", accept)], "").await;
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
    let core = api.get_as(accept, "/api").await;
    assert_eq!(core["items"][0]["versions"][0]["version"], "v1");
}

async fn openapi_names_kinds_and_their_parameters(api: &Api) {
    let index = api.get("/openapi/v3").await.json();
    assert!(
        index["paths"]["api/v1"]["serverRelativeURL"]
            .as_str()
            .unwrap()
            .starts_with("/openapi/v3/api/v1?hash=")
    );
    let apps = api.get("/openapi/v3/apis/apps/v1").await.json();
    let patch = &apps["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
    assert_eq!(
        patch["x-kubernetes-group-version-kind"],
        json!({"group": "apps", "version": "v1", "kind": "Deployment"})
    );
    assert!(patch["parameters"].as_array().unwrap().iter().any(|p| p["name"] == "fieldValidation"));
    assert_eq!(api.get("/openapi/v2").await.json()["swagger"], "2.0");
    let proto = api
        .call(
            "GET",
            "/openapi/v2",
            &[("accept", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf")],
            "",
        )
        .await;
    assert!(proto.body.contains("2.0"));
}

async fn reviews_say_what_is_allowed(api: &Api) {
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let ask = |ns: &str, verb: &str| {
        json!({"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
        "spec": {"resourceAttributes": {"namespace": ns, "verb": verb, "resource": "pods"}}})
    };
    let answer = api.post(path, &ask("default", "delete")).await;
    assert_eq!((answer.code, &answer.json()["status"]["allowed"]), (201, &json!(true)));
    let viewer = format!("Bearer {}", api.viewer);
    for (ns, verb, allowed) in
        [("shop-prod", "list", true), ("shop-prod", "delete", false), ("default", "list", false)]
    {
        let body = ask(ns, verb).to_string();
        let answer = api.call("POST", path, &[("authorization", &viewer)], &body).await.json();
        assert_eq!(answer["status"]["allowed"], allowed, "{ns} {verb}");
    }
    let who = api
        .call(
            "POST",
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            &[("authorization", &viewer)],
            "{}",
        )
        .await
        .json();
    assert_eq!(who["status"]["userInfo"]["username"], api.viewer_name);
    let rules = api
        .post(
            "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
            &json!({"spec": {"namespace": "default"}}),
        )
        .await
        .json();
    assert_eq!(rules["status"]["incomplete"], false);
    api.post("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", &json!({"spec": {}}))
        .await
        .refused(400, "BadRequest");
}

async fn the_viewer_reads_two_namespaces_only(api: &Api) {
    let viewer = format!("Bearer {}", api.viewer);
    let as_viewer = [("authorization", viewer.as_str())];
    assert_eq!(api.call("GET", PODS, &as_viewer, "").await.code, 200);
    assert_eq!(api.call("GET", "/apis", &as_viewer, "").await.code, 200);
    let refused = api.call("GET", "/api/v1/pods", &as_viewer, "").await.refused(403, "Forbidden");
    assert_eq!(
        refused,
        format!(
            "pods is forbidden: User \"{}\" cannot list resource \"pods\" in API group \"\" at the cluster scope",
            api.viewer_name
        )
    );
    for path in [
        "/api/v1/nodes",
        "/api/v1/namespaces/default/pods",
        "/api/v1/namespaces/shop-prod/secrets",
        "/apis/metrics.k8s.io/v1beta1/nodes",
    ] {
        api.call("GET", path, &as_viewer, "").await.refused(403, "Forbidden");
    }
    api.call("DELETE", POD, &as_viewer, "").await.refused(403, "Forbidden");
}

judged! {
    a_token_is_asked_for,
    versions_groups_and_resources,
    aggregated_discovery_by_accept,
    openapi_names_kinds_and_their_parameters,
    reviews_say_what_is_allowed,
    the_viewer_reads_two_namespaces_only,
}
