//! The scale subresource: a small object with the wanted and the present count, whatever the kind keeps them in.

use http::Method;
use serde_json::{Map, Value, json};

use crate::demo::cluster::Cluster;
use crate::demo::error::ApiError;
use crate::demo::kinds::ScalePaths;
use crate::demo::patch::Format;
use crate::demo::respond::{self, Answer};
use crate::demo::routes::{Call, parse_object};
use crate::demo::selector::from_label_selector;
use crate::demo::write::check_version;

fn at<'a>(object: &'a Value, path: &[String]) -> &'a Value {
    path.iter().fold(object, |value, key| &value[key.as_str()])
}

fn scale_of(object: &Value, paths: &ScalePaths) -> Value {
    let selector = match at(object, &paths.selector) {
        // A definition need not say where the selector is.
        _ if paths.selector.is_empty() => String::new(),
        Value::String(text) => text.clone(),
        // A ReplicationController's selector is a plain map of labels.
        map if map.get("matchLabels").is_none() && map.get("matchExpressions").is_none() => {
            from_label_selector(&json!({"matchLabels": map}))
        }
        selector => from_label_selector(selector),
    };
    let mut metadata = Map::new();
    for key in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = object["metadata"].get(key) {
            metadata.insert(key.into(), value.clone());
        }
    }
    let mut spec = Map::new();
    if let Some(replicas) = at(object, &paths.spec).as_i64().filter(|n| *n != 0) {
        spec.insert("replicas".into(), json!(replicas));
    }
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec,
        "status": {"replicas": at(object, &paths.status).as_i64().unwrap_or_default(), "selector": selector},
    })
}

fn paths(call: &Call) -> Result<&ScalePaths, ApiError> {
    call.kind.scale.as_ref().ok_or_else(ApiError::no_such_path)
}

/// `GET .../scale`.
pub fn get(cluster: &Cluster, call: &Call) -> Result<Answer, ApiError> {
    let resource = call.resource();
    let object = cluster.store().get(&resource, call.ns(), call.name());
    let object = object.ok_or_else(|| ApiError::not_found(&resource, call.name()))?;
    Ok(respond::json(200, &scale_of(&object, paths(call)?)))
}

/// `PUT` and `PATCH .../scale`.
pub fn write(cluster: &Cluster, call: &Call, body: &[u8]) -> Result<Answer, ApiError> {
    let paths = paths(call)?;
    let (format, sent) = if call.method == Method::PUT {
        (None, parse_object(body)?)
    } else {
        let format = Format::of(&call.content_type, call.kind.builtin)?;
        (Some(format), format.read(body)?)
    };
    let resource = call.resource();
    let change = |stored: &mut Value| {
        let mut scale = scale_of(stored, paths);
        match format {
            Some(format) => format.apply(&mut scale, &sent, false)?,
            None => scale = sent,
        }
        check_version(&resource, stored, &scale)?;
        let replicas = match &scale["spec"]["replicas"] {
            Value::Null => 0,
            value => value.as_i64().ok_or_else(|| {
                ApiError::bad_request(
                    "json: cannot unmarshal into Go struct field ScaleSpec.spec.replicas of type int32",
                )
            })?,
        };
        if replicas < 0 {
            return Err(ApiError::invalid(
                "Scale",
                "autoscaling",
                call.name(),
                "spec.replicas",
                &format!("Invalid value: {replicas}: must be greater than or equal to 0"),
            ));
        }
        let place = paths.spec.iter().fold(stored, |value, key| &mut value[key.as_str()]);
        *place = json!(replicas);
        Ok(())
    };
    let dry_run = call.dry_run()?;
    let after = cluster.store().try_update(&resource, call.ns(), call.name(), dry_run, change)?;
    Ok(respond::json(200, &scale_of(&after, paths)))
}
