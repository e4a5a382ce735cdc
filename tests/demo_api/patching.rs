//! The four patch formats.

use serde_json::json;

use crate::client::{Api, WEB};

const MAP: &str = "/api/v1/namespaces/shop-prod/configmaps/settings";

async fn merge_patches(api: &Api) {
    let after = api.patch("merge-patch+json", MAP, &json!({"data": {"a": null, "b": "2"}})).await;
    assert_eq!((after.code, &after.json()["data"]), (200, &json!({"b": "2"})));
    let same = api.patch("merge-patch+json", MAP, &json!({"data": {"b": "2"}})).await.json();
    assert_eq!(
        same["metadata"]["resourceVersion"],
        after.json()["metadata"]["resourceVersion"],
        "nothing changed, no version"
    );
    api.patch("merge-patch+json", MAP, &json!({"metadata": {"resourceVersion": "1"}}))
        .await
        .refused(409, "Conflict");
    api.patch("merge-patch+json", MAP, &json!({"metadata": {"name": "x"}})).await.refused(400, "BadRequest");
    api.patch("merge-patch+json", WEB, &json!({"spec": {"selector": {"matchLabels": {"app": "x"}}}}))
        .await
        .refused(422, "Invalid");
    api.patch("frob", MAP, &json!({})).await.refused(415, "UnsupportedMediaType");
    api.patch("merge-patch+json", "/api/v1/namespaces/shop-prod/configmaps/none", &json!({}))
        .await
        .refused(404, "NotFound");
}

async fn json_patches_with_test(api: &Api) {
    let good = json!([{"op": "test", "path": "/data/a", "value": "1"}, {"op": "replace", "path": "/data/a", "value": "2"}, {"op": "add", "path": "/metadata/annotations", "value": {"x/y": "z"}}]);
    let after = api.patch("json-patch+json", MAP, &good).await.json();
    assert_eq!((&after["data"]["a"], &after["metadata"]["annotations"]["x/y"]), (&json!("2"), &json!("z")));
    api.patch("json-patch+json", MAP, &good).await.refused(422, "Invalid");
    assert_eq!(api.get(MAP).await.json()["data"]["a"], "2");
}

async fn strategic_patches_merge_containers_and_conditions_by_key(api: &Api) {
    let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "registry.example/web:2.0.0", "env": [{"name": "X", "value": "1"}]}]}}}});
    let after = api.patch("strategic-merge-patch+json", WEB, &patch).await.json();
    let container = &after["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], "registry.example/web:2.0.0");
    assert_eq!(container["env"].as_array().unwrap().len(), 2, "the old variable is kept");
    assert_eq!(container["resources"]["limits"]["memory"], "256Mi");
    let status = json!({"status": {"conditions": [{"type": "Available", "status": "False"}]}});
    let after = api.patch("strategic-merge-patch+json", &format!("{WEB}/status"), &status).await.json();
    assert_eq!(after["status"]["conditions"].as_array().unwrap().len(), 2);
    assert_eq!(after["status"]["conditions"][0]["status"], "False");
    let custom = "/apis/argoproj.io/v1alpha1/namespaces/shop-prod/rollouts/pricing";
    api.patch("strategic-merge-patch+json", custom, &json!({})).await.refused(415, "UnsupportedMediaType");
}

#[tokio::test]
async fn apply_merges_creates_and_says_that_fields_have_no_owners() {
    let api = &Api::demo().await;
    let body = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {b: '2'}\n";
    let send = |path: String| async move {
        api.call("PATCH", &path, &[("content-type", "application/apply-patch+yaml")], body).await
    };
    let after = send(format!("{MAP}?fieldManager=t&force=true")).await;
    assert_eq!((after.code, &after.json()["data"]), (200, &json!({"a": "1", "b": "2"})));
    assert!(after.headers["warning"].to_str().unwrap().contains("without tracking field ownership"));
    send(MAP.to_owned()).await.refused(422, "Invalid");
    let fresh = "/api/v1/namespaces/default/configmaps/settings?fieldManager=t".to_owned();
    let made = send(fresh).await;
    assert_eq!(made.code, 201, "{}", made.body);
    assert!(made.headers.contains_key("warning"));
}

judged! {
    merge_patches,
    json_patches_with_test,
    strategic_patches_merge_containers_and_conditions_by_key,
}
