//! OpenAPI, thin: enough for kubectl to know the kinds, and which parameters their writes take. The schemas name the
//! top-level fields and leave their insides open. The strategic merge format is left out on purpose: with it kubectl
//! would look for merge keys in these schemas instead of using those of its own types.

use bytes::Bytes;
use http::{HeaderMap, header};
use serde_json::{Map, Value, json};

use super::cluster::Cluster;
use super::error::ApiError;
use super::kinds::Kind;
use super::respond::{self, Answer};
use super::server::DOOR;

const PROTO_V2: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// `/openapi/v2`, `/openapi/v3`, `/openapi/v3/{path}`.
pub fn answer(cluster: &Cluster, door: &str, path: &[&str], headers: &HeaderMap) -> Result<Answer, ApiError> {
    match path {
        ["v2"] => {
            let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok());
            if accept.is_some_and(|accept| accept.contains("proto-openapi")) {
                return Ok(respond::bytes(200, PROTO_V2, Bytes::from_static(EMPTY_V2)));
            }
            Ok(respond::json(200, &version_2(cluster)))
        }
        ["v3"] => Ok(respond::json(200, &index(cluster, door))),
        ["v3", "api", version] => document(cluster, "", version),
        ["v3", "apis", group, version] => document(cluster, group, version),
        _ => Err(ApiError::no_such_path()),
    }
}

/// An OpenAPI v2 document as protobuf: swagger "2.0" (field 1), info (field 2) with title and version, no paths.
const EMPTY_V2: &[u8] = b"\x0a\x032.0\x12\x12\x0a\x0aKubernetes\x12\x04demo";

fn info() -> Value {
    json!({"title": "Kubernetes", "version": "demo"})
}

fn schema_name(kind: &Kind) -> String {
    if kind.builtin {
        let group = kind.group.split('.').next().filter(|g| !g.is_empty()).unwrap_or("core");
        return format!("io.k8s.api.{group}.{}.{}", kind.version, kind.kind);
    }
    let reversed: Vec<&str> = kind.group.rsplit('.').collect();
    format!("{}.{}.{}", reversed.join("."), kind.version, kind.kind)
}

fn gvk(kind: &Kind) -> Value {
    json!({"group": kind.group, "version": kind.version, "kind": kind.kind})
}

fn schema(kind: &Kind) -> Value {
    let open = |text: &str| json!({"type": "object", "description": text, "x-kubernetes-preserve-unknown-fields": true});
    json!({
        "description": format!("{}, as the demo stores it. Its fields are not described.", kind.kind),
        "type": "object",
        "properties": {
            "apiVersion": {"type": "string", "description": "The versioned schema of this representation of an object."},
            "kind": {"type": "string", "description": "The kind of the object."},
            "metadata": open("Standard object's metadata."),
            "spec": open("What is wanted."),
            "status": open("What is."),
        },
        "x-kubernetes-preserve-unknown-fields": true,
        "x-kubernetes-group-version-kind": [gvk(kind)],
    })
}

fn version_2(cluster: &Cluster) -> Value {
    let definitions: Map<String, Value> =
        cluster.kinds.all().iter().map(|kind| (schema_name(kind), schema(kind))).collect();
    json!({"swagger": "2.0", "info": info(), "paths": {}, "definitions": definitions})
}

fn index(cluster: &Cluster, door: &str) -> Value {
    let before = if door.is_empty() { String::new() } else { format!("{DOOR}{door}") };
    let mut paths = Map::new();
    for kind in cluster.kinds.all() {
        let root = if kind.group.is_empty() { "api" } else { "apis" };
        let path = format!("{root}/{}", kind.api_version());
        // The hash only says when a client's copy is stale: definitions come and go, so it is their newest version.
        let url = format!("{before}/openapi/v3/{path}?hash={}", cluster.store().version());
        paths.insert(path, json!({"serverRelativeURL": url}));
    }
    json!({"paths": paths})
}

fn document(cluster: &Cluster, group: &str, version: &str) -> Result<Answer, ApiError> {
    let kinds = cluster.kinds.all();
    let kinds: Vec<&Kind> =
        kinds.iter().filter(|kind| kind.group == group && kind.version == version).collect();
    if kinds.is_empty() {
        return Err(ApiError::no_such_path());
    }
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for kind in kinds {
        let name = schema_name(kind);
        let root = if group.is_empty() { "/api" } else { "/apis" };
        let scope = if kind.namespaced { "namespaces/{namespace}/" } else { "" };
        let collection = format!("{root}/{}/{scope}{}", kind.api_version(), kind.plural);
        paths.insert(
            format!("{collection}/{{name}}"),
            json!({
                "get": operation(kind, &name, "get", &[], None),
                "put": operation(kind, &name, "put", &["dryRun", "fieldManager", "fieldValidation"], Some("application/json")),
                "patch": operation(kind, &name, "patch", &["dryRun", "fieldManager", "fieldValidation", "force"], Some("application/merge-patch+json")),
                "delete": operation(kind, &name, "delete", &["dryRun", "gracePeriodSeconds", "propagationPolicy"], None),
            }),
        );
        paths.insert(
            collection,
            json!({
                "get": operation(kind, &name, "list", &["labelSelector", "fieldSelector", "limit", "continue", "resourceVersion", "watch"], None),
                "post": operation(kind, &name, "post", &["dryRun", "fieldManager", "fieldValidation"], Some("application/json")),
            }),
        );
        schemas.insert(name, schema(kind));
    }
    Ok(respond::json(
        200,
        &json!({"openapi": "3.0.0", "info": info(), "paths": paths, "components": {"schemas": schemas}}),
    ))
}

fn operation(kind: &Kind, schema: &str, action: &str, parameters: &[&str], body: Option<&str>) -> Value {
    let reference = json!({"$ref": format!("#/components/schemas/{schema}")});
    let parameters: Vec<Value> = parameters
        .iter()
        .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string"}}))
        .collect();
    let mut operation = json!({
        "x-kubernetes-action": action, "x-kubernetes-group-version-kind": gvk(kind), "parameters": parameters,
        "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": reference}}}},
    });
    if let Some(body) = body {
        operation["requestBody"] = json!({"content": {body: {"schema": {"type": "object"}}}});
    }
    operation
}
