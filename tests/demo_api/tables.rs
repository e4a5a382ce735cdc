//! Tables, as `kubectl get` asks for them.

use serde_json::{Value, json};

use crate::client::{Api, POD, PODS, TABLE};

fn headings(table: &Value, wide: bool) -> Vec<String> {
    let columns = table["columnDefinitions"].as_array().unwrap();
    columns
        .iter()
        .filter(|c| wide || c["priority"] == 0)
        .map(|c| c["name"].as_str().unwrap().to_owned())
        .collect()
}

async fn pods_in_columns_with_their_metadata(api: &Api) {
    let table = api.get_as(TABLE, PODS).await;
    assert_eq!((&table["kind"], &table["apiVersion"]), (&json!("Table"), &json!("meta.k8s.io/v1")));
    assert_eq!(headings(&table, false), ["Name", "Ready", "Status", "Restarts", "Age"]);
    assert_eq!(headings(&table, true)[5..], ["IP", "Node", "Nominated Node", "Readiness Gates"]);
    let row = &table["rows"][0];
    assert_eq!(
        row["cells"].as_array().unwrap()[..3],
        [json!("web-5d8f7c6b9d-aaaaa"), json!("1/1"), json!("Running")]
    );
    assert_eq!(row["cells"][6], "node-1");
    assert_eq!(
        (&row["object"]["kind"], &row["object"]["metadata"]["namespace"]),
        (&json!("PartialObjectMetadata"), &json!("shop-prod"))
    );
    let full = api.get_as(TABLE, &format!("{PODS}?includeObject=Object")).await;
    assert_eq!(full["rows"][0]["object"]["spec"]["nodeName"], "node-1");
    let none = api.get_as(TABLE, &format!("{PODS}?includeObject=None")).await;
    assert_eq!(none["rows"][0]["object"], Value::Null);
    assert_eq!(api.get_as(TABLE, POD).await["rows"].as_array().unwrap().len(), 1);
    let page = api.get_as(TABLE, &format!("{PODS}?limit=2")).await;
    assert_eq!(
        (page["rows"].as_array().unwrap().len(), &page["metadata"]["remainingItemCount"]),
        (2, &json!(1))
    );
}

async fn every_kind_prints_as_many_cells_as_columns(api: &Api) {
    let resources = [
        api.get("/api/v1").await.json(),
        api.get("/apis/apps/v1").await.json(),
        api.get("/apis/policy/v1").await.json(),
        api.get("/apis/argoproj.io/v1alpha1").await.json(),
        api.get("/apis/apiextensions.k8s.io/v1").await.json(),
    ];
    let mut rows = 0;
    for list in &resources {
        let version = list["groupVersion"].as_str().unwrap();
        let root = if version == "v1" { "/api" } else { "/apis" };
        for resource in list["resources"].as_array().unwrap() {
            let name = resource["name"].as_str().unwrap();
            let listed = resource["verbs"].as_array().unwrap().iter().any(|verb| verb == "list");
            if name.contains('/') || !listed {
                continue;
            }
            let table = api.get_as(TABLE, &format!("{root}/{version}/{name}")).await;
            let columns = headings(&table, true).len();
            assert!(columns >= 2, "{name}");
            // Some kinds of a real server have null for no rows.
            for row in table["rows"].as_array().into_iter().flatten() {
                assert_eq!(row["cells"].as_array().unwrap().len(), columns, "{name}");
                rows += 1;
            }
        }
    }
    assert!(rows > 12, "only {rows} rows were looked at");
}

async fn cells_of_some_kinds(api: &Api) {
    for (path, cells) in [
        ("/apis/apps/v1/deployments", json!(["web", "3/3", 3, 3])),
        ("/apis/apps/v1/replicasets", json!(["web-5d8f7c6b9d", 3, 3, 3])),
        (
            "/api/v1/namespaces/shop-prod/services",
            json!(["web", "ClusterIP", "10.96.0.10", "<none>", "80/TCP"]),
        ),
        ("/api/v1/nodes", json!(["node-1", "Ready", "worker"])),
        ("/api/v1/namespaces/shop-prod/configmaps", json!(["settings", 1])),
        ("/api/v1/namespaces/shop-prod/secrets", json!(["key", "Opaque", 1])),
        ("/apis/policy/v1/poddisruptionbudgets", json!(["web", "2", "N/A", 1])),
        ("/apis/argoproj.io/v1alpha1/rollouts", json!(["pricing", 2])),
    ] {
        let table = api.get_as(TABLE, path).await;
        let row = table["rows"][0]["cells"].as_array().unwrap();
        let wanted = cells.as_array().unwrap();
        assert_eq!(&row[..wanted.len()], wanted.as_slice(), "{path}");
    }
    let events = api.get_as(TABLE, "/api/v1/events").await;
    assert_eq!(headings(&events, false), ["Last Seen", "Type", "Reason", "Object", "Message"]);
    assert_eq!(events["rows"][0]["cells"][3], "pod/web-5d8f7c6b9d-aaaaa");
}

async fn only_the_first_event_of_a_watch_has_column_definitions(api: &Api) {
    let mut watch = api.open(TABLE, &format!("{PODS}?watch=true")).await;
    let (kind, first) = watch.event().await;
    assert_eq!((kind.as_str(), &first["kind"]), ("ADDED", &json!("Table")));
    assert_eq!(headings(&first, false).len(), 5);
    let (_, second) = watch.event().await;
    assert_eq!(second["columnDefinitions"], Value::Null);
    assert_eq!(second["rows"][0]["object"]["kind"], "PartialObjectMetadata");
}

judged! {
    pods_in_columns_with_their_metadata,
    every_kind_prints_as_many_cells_as_columns,
    cells_of_some_kinds,
    only_the_first_event_of_a_watch_has_column_definitions,
}
