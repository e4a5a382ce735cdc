//! Creating, replacing, deleting; scale and status; dry runs.

use serde_json::{Value, json};

use crate::client::{Api, POD, PODS, WEB};

fn settings(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "1"}})
}

const MAPS: &str = "/api/v1/namespaces/shop-prod/configmaps";

async fn create_completes_and_refuses(api: &Api) {
    let made = api.post(&format!("{MAPS}?fieldValidation=Strict&fieldManager=x"), &settings("new")).await;
    assert_eq!(made.code, 201, "{}", made.body);
    let made = made.json();
    assert_eq!(made["metadata"]["namespace"], "shop-prod");
    for key in ["uid", "creationTimestamp", "resourceVersion"] {
        assert!(made["metadata"][key].is_string(), "{key}");
    }
    let taken = api.post(MAPS, &settings("new")).await.refused(409, "AlreadyExists");
    assert_eq!(taken, "configmaps \"new\" already exists");
    api.post("/api/v1/namespaces/nowhere/configmaps", &settings("x")).await.refused(404, "NotFound");
    api.post(MAPS, &settings("Bad_Name")).await.refused(422, "Invalid");
    api.post(PODS, &settings("x")).await.refused(400, "BadRequest");
    api.post("/api/v1/configmaps", &settings("x")).await.refused(405, "MethodNotAllowed");
    api.call("POST", MAPS, &[("content-type", "application/json")], "{oops").await.refused(400, "BadRequest");
    let generated = api
        .post(MAPS, &json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"generateName": "g-"}}))
        .await
        .json();
    assert!(generated["metadata"]["name"].as_str().unwrap().starts_with("g-"));
    let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-yaml}\n";
    assert_eq!(api.call("POST", MAPS, &[("content-type", "application/yaml")], yaml).await.code, 201);
}

async fn pods_and_deployments_get_their_defaults(api: &Api) {
    let body = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "image": "x:1"}]}, "status": {"phase": "Running"}});
    let pod = api.post(PODS, &body).await.json();
    assert_eq!(
        (&pod["status"]["phase"], &pod["status"]["qosClass"]),
        (&json!("Pending"), &json!("BestEffort"))
    );
    assert_eq!(
        (&pod["spec"]["restartPolicy"], &pod["spec"]["containers"][0]["imagePullPolicy"]),
        (&json!("Always"), &json!("IfNotPresent"))
    );
    let deployment = |labels: Value| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
        "spec": {"selector": {"matchLabels": {"app": "d"}}, "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": "x"}]}}}})
    };
    let path = "/apis/apps/v1/namespaces/shop-prod/deployments";
    let made = api.post(path, &deployment(json!({"app": "d"}))).await.json();
    assert_eq!((&made["spec"]["replicas"], &made["metadata"]["generation"]), (&json!(1), &json!(1)));
    let refused = api.post(path, &deployment(json!({"app": "other"}))).await.refused(422, "Invalid");
    assert!(refused.contains("`selector` does not match template `labels`"), "{refused}");
}

async fn replace_conflicts_with_what_changed_since(api: &Api) {
    let path = format!("{MAPS}/settings");
    let mut read = api.get(&path).await.json();
    read["data"]["a"] = json!("2");
    let first = api.put(&path, &read).await;
    assert_eq!((first.code, &first.json()["data"]["a"]), (200, &json!("2")));
    read["data"]["a"] = json!("3");
    let message = api.put(&path, &read).await.refused(409, "Conflict");
    assert_eq!(
        message,
        "Operation cannot be fulfilled on configmaps \"settings\": the object has been modified; please apply your changes to the latest version and try again"
    );
    read["metadata"]["resourceVersion"] = json!("");
    assert_eq!(api.put(&path, &read).await.code, 200, "without a version the last one wins");
    api.put(&path, &settings("other")).await.refused(400, "BadRequest");
    api.put(&format!("{MAPS}/none"), &settings("none")).await.refused(404, "NotFound");
}

async fn the_object_and_its_status_are_written_apart(api: &Api) {
    let mut web = api.get(WEB).await.json();
    web["spec"]["replicas"] = json!(5);
    web["status"]["replicas"] = json!(77);
    let after = api.put(WEB, &web).await.json();
    assert_eq!(
        (&after["spec"]["replicas"], &after["status"]["replicas"], &after["metadata"]["generation"]),
        (&json!(5), &json!(3), &json!(2))
    );
    let status = api
        .patch(
            "merge-patch+json",
            &format!("{WEB}/status"),
            &json!({"status": {"replicas": 5}, "spec": {"replicas": 9}}),
        )
        .await
        .json();
    assert_eq!(
        (&status["spec"]["replicas"], &status["status"]["replicas"], &status["metadata"]["generation"]),
        (&json!(5), &json!(5), &json!(2))
    );
    assert_eq!(api.get(&format!("{WEB}/status")).await.json()["kind"], "Deployment");
}

async fn scale_is_a_small_object_of_its_own(api: &Api) {
    let path = format!("{WEB}/scale");
    let scale = api.get(&path).await.json();
    assert_eq!(
        (&scale["kind"], &scale["spec"]["replicas"], &scale["status"]["selector"]),
        (&json!("Scale"), &json!(3), &json!("app=web"))
    );
    let after = api.patch("merge-patch+json", &path, &json!({"spec": {"replicas": 6}})).await.json();
    assert_eq!(after["spec"]["replicas"], 6);
    assert_eq!(api.get(WEB).await.json()["spec"]["replicas"], 6);
    api.put(&path, &scale).await.refused(409, "Conflict");
    api.patch("merge-patch+json", &path, &json!({"spec": {"replicas": -1}})).await.refused(422, "Invalid");
    api.patch(
        "merge-patch+json",
        &path,
        &json!({"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 1}}),
    )
    .await
    .refused(409, "Conflict");
    let zero = api.patch("merge-patch+json", &path, &json!({"spec": {"replicas": 0}})).await.json();
    assert_eq!(zero["spec"].get("replicas"), None, "zero is left out, as on a real server");
    let custom = "/apis/argoproj.io/v1alpha1/namespaces/shop-prod/rollouts/pricing/scale";
    assert_eq!(api.get(custom).await.json()["status"], json!({"replicas": 2, "selector": "app=pricing"}));
    api.patch("merge-patch+json", custom, &json!({"spec": {"replicas": 4}})).await;
    assert_eq!(api.get(custom.strip_suffix("/scale").unwrap()).await.json()["spec"]["replicas"], 4);
    api.get(&format!("{POD}/scale")).await.refused(404, "NotFound");
}

/// Everything that the dry runs pretend to change.
async fn objects(api: &Api) -> Vec<Value> {
    let mut all = Vec::new();
    for path in [MAPS, PODS, WEB] {
        let mut read = api.get(path).await.json();
        if read.get("items").is_some() {
            // Of a list the objects alone: its version is that of the whole server.
            read = read["items"].take();
        }
        all.push(read);
    }
    all
}

async fn dry_runs_store_nothing(api: &Api) {
    let before = objects(api).await;
    let made = api.post(&format!("{MAPS}?dryRun=All"), &settings("dry")).await;
    assert_eq!((made.code, &made.json()["metadata"]["name"]), (201, &json!("dry")));
    let scaled = api
        .patch("merge-patch+json", &format!("{WEB}?dryRun=All"), &json!({"spec": {"replicas": 9}}))
        .await
        .json();
    assert_eq!((&scaled["spec"]["replicas"], &scaled["metadata"]["generation"]), (&json!(9), &json!(2)));
    assert_eq!(
        api.patch("merge-patch+json", &format!("{WEB}/scale?dryRun=All"), &json!({"spec": {"replicas": 9}}))
            .await
            .code,
        200
    );
    assert_eq!(api.delete(&format!("{POD}?dryRun=All")).await.code, 200);
    let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "web-5d8f7c6b9d-aaaaa", "namespace": "shop-prod"}});
    assert_eq!(api.post(&format!("{POD}/eviction?dryRun=All"), &eviction).await.code, 201);
    api.post(&format!("{MAPS}?dryRun=Some"), &settings("dry")).await.refused(422, "Invalid");
    assert_eq!(objects(api).await, before);
}

async fn deleting(api: &Api) {
    let gone = api.delete(&format!("{MAPS}/settings")).await.json();
    assert_eq!(
        (&gone["kind"], &gone["status"], &gone["details"]["name"]),
        (&json!("Status"), &json!("Success"), &json!("settings"))
    );
    api.delete(&format!("{MAPS}/settings")).await.refused(404, "NotFound");
    let wrong = json!({"preconditions": {"uid": "other"}}).to_string();
    let message = api.call("DELETE", POD, &[], &wrong).await.refused(409, "Conflict");
    assert!(message.contains("the UID in the precondition (other) does not match"), "{message}");
    let pod = api.delete(POD).await.json();
    assert_eq!((&pod["kind"], &pod["metadata"]["deletionGracePeriodSeconds"]), (&json!("Pod"), &json!(30)));
    assert_eq!(api.get(POD).await.code, 200, "the pod terminates first");
    api.call("DELETE", POD, &[], &json!({"gracePeriodSeconds": 0}).to_string()).await;
    assert_eq!(api.get(POD).await.code, 404);
    let foreground =
        api.call("DELETE", WEB, &[], &json!({"propagationPolicy": "Foreground"}).to_string()).await.json();
    assert_eq!(foreground["metadata"]["finalizers"], json!(["foregroundDeletion"]));
    api.call("DELETE", WEB, &[], &json!({"propagationPolicy": "Sometimes"}).to_string())
        .await
        .refused(422, "Invalid");
    let set = "/apis/apps/v1/namespaces/shop-prod/replicasets/web-5d8f7c6b9d";
    api.delete(&format!("{set}?propagationPolicy=Orphan")).await;
    if api.is_demo() {
        let left = api.get(&format!("{PODS}/web-5d8f7c6b9d-bbbbb")).await.json();
        assert_eq!(left["metadata"].get("ownerReferences"), None);
    } else {
        // There the controllers set the pods free, and then let the set go.
        assert_eq!(api.get(set).await.json()["metadata"]["finalizers"], json!(["orphan"]));
    }
}

async fn deleting_collections(api: &Api) {
    api.post(MAPS, &settings("other")).await;
    let list = api.delete(&format!("{MAPS}?fieldSelector=metadata.name%3Dother")).await.json();
    assert_eq!((&list["kind"], list["items"].as_array().unwrap().len()), (&json!("ConfigMapList"), 1));
    assert_eq!(api.get(MAPS).await.json()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_deleted_namespace_is_gone_at_once() {
    let api = &Api::demo().await;
    api.delete("/api/v1/namespaces/shop-prod").await;
    assert_eq!(api.get("/api/v1/namespaces/shop-prod").await.code, 404);
    assert_eq!(api.store().list("pods", Some("shop-prod")).len(), 0);
    assert_eq!(api.store().list("pods", None).len(), 1);
}

async fn a_definition_is_served_as_soon_as_it_is_created(api: &Api) {
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "frobs.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": {"kind": "Frob", "plural": "frobs"},
                 "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}]}});
    let made = api.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &definition).await.json();
    assert_eq!(made["spec"]["names"]["listKind"], "FrobList");
    let own = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/frobs.example.com";
    api.until("the definition is established", async || {
        let conditions = api.get(own).await.json()["status"]["conditions"].take();
        let mut conditions = conditions.as_array().into_iter().flatten();
        conditions.any(|c| c["type"] == "Established" && c["status"] == "True")
    })
    .await;
    let frob = json!({"apiVersion": "example.com/v1", "kind": "Frob", "metadata": {"name": "f"}});
    let frobs = "/apis/example.com/v1/namespaces/default/frobs";
    api.until("it is served", async || api.get(frobs).await.code == 200).await;
    let made = api.post(frobs, &frob).await;
    assert_eq!(made.code, 201, "{}", made.body);
    assert_eq!(api.get("/apis/example.com/v1").await.json()["resources"][0]["kind"], "Frob");
}

async fn binding_puts_a_pod_on_a_node_once(api: &Api) {
    let body = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "image": "x:1"}]}});
    api.post(PODS, &body).await;
    let binding = json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"}, "target": {"kind": "Node", "name": "node-1"}});
    assert_eq!(api.post(&format!("{PODS}/p/binding"), &binding).await.code, 201);
    assert_eq!(api.get(&format!("{PODS}/p")).await.json()["spec"]["nodeName"], "node-1");
    api.post(&format!("{PODS}/p/binding"), &binding).await.refused(409, "Conflict");
}

judged! {
    create_completes_and_refuses,
    pods_and_deployments_get_their_defaults,
    replace_conflicts_with_what_changed_since,
    the_object_and_its_status_are_written_apart,
    scale_is_a_small_object_of_its_own,
    dry_runs_store_nothing,
    deleting,
    deleting_collections,
    a_definition_is_served_as_soon_as_it_is_created,
    binding_puts_a_pod_on_a_node_once,
}
