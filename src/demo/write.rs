//! Writing: create, replace, patch, apply, delete. Each request is checked, completed with defaults and handed to the
//! store, which judges conflicts; with `dryRun=All` it stops there. Subresources are elsewhere.

use http::HeaderValue;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::controllers::{pods, quota};
use super::error::ApiError;
use super::list::{self, render};
use super::patch::Format;
use super::respond::{self, Answer};
use super::routes::Call;
use super::store::{Deleted, Deletion, Propagation, entry};
use super::table::{self, Tabler};
use super::{defaults, validate};

/// What an applied object is told, since fields have no owners here.
const NO_OWNERSHIP: &str = "299 - \"the demo merges what is applied without tracking field ownership: fields left out are kept, conflicts are not found\"";

/// An object in the form that the request wants.
pub fn object_answer(call: &Call, code: u16, object: &Value) -> Result<Answer, ApiError> {
    let shape = list::shape(call)?;
    let version = object["metadata"]["resourceVersion"].as_str().and_then(|v| v.parse().ok());
    let entry = entry::lone(&call.resource(), object, version.unwrap_or_default());
    let tabler = Tabler::new(&call.kind, table::include(&call.query)?, Timestamp::now());
    Ok(respond::bytes(code, "application/json", render(&entry, shape, &tabler, true)))
}

/// Checks that the body is an object of the kind and place that the path names, and completes it.
fn fit(call: &Call, object: &mut Value) -> Result<(), ApiError> {
    let kind = &call.kind;
    let (wanted, given) = (kind.api_version(), object["apiVersion"].as_str().unwrap_or_default());
    let given_kind = object["kind"].as_str().unwrap_or_default();
    if given_kind != kind.kind || given != wanted {
        if !given_kind.is_empty() || !given.is_empty() {
            return Err(ApiError::bad_request(format!(
                "{given_kind} in version \"{given}\" cannot be handled as a {}: converting ({given}.{given_kind}) to ({}.{}): unknown conversion",
                kind.kind,
                kind.group.split('.').next().filter(|g| !g.is_empty()).unwrap_or("core"),
                kind.kind
            )));
        }
        object["kind"] = json!(kind.kind);
        object["apiVersion"] = json!(wanted);
    }
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    let metadata = &mut object["metadata"];
    if let Some(ns) = &call.ns {
        match metadata["namespace"].as_str().unwrap_or_default() {
            "" => metadata["namespace"] = json!(ns),
            given if given != ns => {
                return Err(ApiError::bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request",
                ));
            }
            _ => {}
        }
    }
    if let Some(name) = &call.name {
        match metadata["name"].as_str().unwrap_or_default() {
            "" => metadata["name"] = json!(name),
            given if given != name => {
                return Err(ApiError::bad_request(format!(
                    "the name of the object ({given}) does not match the name on the URL ({name})"
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

fn namespace_open(cluster: &Cluster, call: &Call) -> Result<(), ApiError> {
    let Some(ns) = &call.ns else {
        return if call.kind.namespaced { Err(ApiError::method_not_allowed()) } else { Ok(()) };
    };
    let namespace =
        cluster.store().get("namespaces", "", ns).ok_or_else(|| ApiError::not_found("namespaces", ns))?;
    if namespace["metadata"]["deletionTimestamp"].is_null() {
        return Ok(());
    }
    let message = format!(
        "{} is forbidden: unable to create new content in namespace {ns} because it is being terminated",
        call.resource()
    );
    Err(ApiError::new(403, "Forbidden", message).with_details(
        json!({"kind": call.kind.plural, "causes": [{"reason": "NamespaceTerminating", "message": format!("namespace {ns} is being terminated"), "field": "metadata.namespace"}]}),
    ))
}

/// `POST` to a collection.
pub fn create(cluster: &Cluster, call: &Call, mut object: Value) -> Result<Answer, ApiError> {
    namespace_open(cluster, call)?;
    fit(call, &mut object)?;
    let made = make(cluster, call, object)?;
    object_answer(call, 201, &made)
}

fn make(cluster: &Cluster, call: &Call, mut object: Value) -> Result<Value, ApiError> {
    let resource = call.resource();
    if object["metadata"]["resourceVersion"].as_str().is_some_and(|v| !v.is_empty()) {
        return Err(ApiError::bad_request("resourceVersion should not be set on objects to be created"));
    }
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for key in [
            "uid",
            "creationTimestamp",
            "generation",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "selfLink",
            "resourceVersion",
            "managedFields",
        ] {
            metadata.remove(key);
        }
        metadata.insert("uid".into(), json!(cluster.store().fresh_uid()));
    }
    // A new object has no status yet, but for kinds whose status comes from who creates them.
    if call.kind.status
        && !matches!(resource.as_str(), "nodes" | "namespaces")
        && let Some(map) = object.as_object_mut()
    {
        if call.kind.builtin {
            map.insert("status".into(), json!({}));
        } else {
            map.remove("status");
        }
    }
    let own = object["metadata"]["name"].as_str().is_none_or(str::is_empty);
    let wanted = object["metadata"]["generateName"].as_str().unwrap_or_default().to_owned();
    if own && !wanted.is_empty() {
        object["metadata"]["name"] = json!(cluster.store().fresh_name(&resource, call.ns(), &wanted));
    }
    defaults::apply(&resource, &mut object);
    validate::check(&call.kind, &object)?;
    if resource == "pods" {
        admit_pod(cluster, &mut object)?;
    }
    cluster.store().create_with(&resource, object, call.dry_run()?)
}

/// What admission adds to a pod that a client makes, and what it refuses.
fn admit_pod(cluster: &Cluster, pod: &mut Value) -> Result<(), ApiError> {
    let token = pod["spec"]["volumes"].as_array().into_iter().flatten();
    let has_token =
        token.into_iter().any(|v| v["name"].as_str().is_some_and(|n| n.starts_with("kube-api-access-")));
    if !has_token && pod["spec"]["automountServiceAccountToken"] != false {
        let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
        let suffix = uid.get(uid.len().saturating_sub(5)..).unwrap_or_default().to_owned();
        pods::complete(pod, &suffix);
    }
    let Some(message) = quota::refusal_of_client(cluster.store(), pod) else { return Ok(()) };
    let details = json!({"name": pod["metadata"]["name"], "kind": "pods"});
    Err(ApiError::new(403, "Forbidden", message).with_details(details))
}

/// 409 when the object changed since the writer read it, or is another one by now.
pub fn check_version(resource: &str, before: &Value, after: &Value) -> Result<(), ApiError> {
    let name = before["metadata"]["name"].as_str().unwrap_or_default();
    let given = |key: &str| after["metadata"][key].as_str().filter(|v| !v.is_empty()).map(str::to_owned);
    if let Some(uid) = given("uid").filter(|uid| before["metadata"]["uid"] != *uid) {
        let why = format!(
            "Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
            before["metadata"]["uid"].as_str().unwrap_or_default()
        );
        return Err(ApiError::conflict(resource, name, &why));
    }
    if given("resourceVersion").is_some_and(|v| v != "0" && before["metadata"]["resourceVersion"] != v) {
        return Err(ApiError::modified(resource, name));
    }
    Ok(())
}

/// Keeps what only the status subresource may change.
fn keep_status(call: &Call, before: &Value, after: &mut Value) {
    if !call.kind.status {
        return;
    }
    match before.get("status") {
        Some(status) => after["status"] = status.clone(),
        None => {
            if let Some(map) = after.as_object_mut() {
                map.remove("status");
            }
        }
    }
}

/// `PUT` of an object.
pub fn replace(cluster: &Cluster, call: &Call, mut object: Value) -> Result<Answer, ApiError> {
    fit(call, &mut object)?;
    let resource = call.resource();
    let change = |stored: &mut Value| {
        check_version(&resource, stored, &object)?;
        let mut after = object;
        if let Some(metadata) = after["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
        keep_status(call, stored, &mut after);
        for key in ["deletionGracePeriodSeconds", "generation"] {
            if !stored["metadata"][key].is_null() {
                after["metadata"][key] = stored["metadata"][key].clone();
            }
        }
        defaults::apply(&resource, &mut after);
        validate::check_change(&call.kind, stored, &after)?;
        *stored = after;
        Ok(())
    };
    let dry_run = call.dry_run()?;
    let after = cluster.store().try_update(&resource, call.ns(), call.name(), dry_run, change)?;
    object_answer(call, 200, &after)
}

/// `PATCH` of an object.
pub fn patch(cluster: &Cluster, call: &Call, body: &[u8]) -> Result<Answer, ApiError> {
    let builtin = call.kind.builtin;
    let format = Format::of(&call.content_type, builtin)?;
    let patch = format.read(body)?;
    let resource = call.resource();
    if format == Format::Apply {
        if call.query.get("fieldManager").is_empty() {
            return Err(ApiError::invalid(
                "PatchOptions",
                "meta.k8s.io",
                "",
                "fieldManager",
                "Required value: is required for apply patch",
            ));
        }
        if cluster.store().entry(&resource, call.ns(), call.name()).is_none() {
            namespace_open(cluster, call)?;
            let mut object = patch;
            fit(call, &mut object)?;
            let made = make(cluster, call, object)?;
            return Ok(warned(object_answer(call, 201, &made)?));
        }
    }
    let change = |stored: &mut Value| {
        let mut after = stored.clone();
        // The version in the object is the stored one unless the patch says otherwise.
        format.apply(&mut after, &patch, builtin)?;
        if !after.is_object() || !after["metadata"].is_object() {
            return Err(ApiError::bad_request("the patch leaves no object"));
        }
        if after["metadata"]["name"] != stored["metadata"]["name"] {
            return Err(ApiError::bad_request(format!(
                "the name of the object ({}) does not match the name on the URL ({})",
                after["metadata"]["name"].as_str().unwrap_or_default(),
                call.name()
            )));
        }
        check_version(&resource, stored, &after)?;
        keep_status(call, stored, &mut after);
        defaults::apply(&resource, &mut after);
        validate::check_change(&call.kind, stored, &after)?;
        *stored = after;
        Ok(())
    };
    let dry_run = call.dry_run()?;
    let after = cluster.store().try_update(&resource, call.ns(), call.name(), dry_run, change)?;
    let answer = object_answer(call, 200, &after)?;
    Ok(if format == Format::Apply { warned(answer) } else { answer })
}

fn warned(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(http::header::WARNING, HeaderValue::from_static(NO_OWNERSHIP));
    answer
}

/// How to delete, from a DeleteOptions body and the parameters.
pub fn deletion(call: &Call, options: &Value) -> Result<Deletion, ApiError> {
    let text = |value: &Value| value.as_str().filter(|t| !t.is_empty()).map(str::to_owned);
    let policy = match options["propagationPolicy"].as_str() {
        Some(policy) => policy,
        None => call.query.get("propagationPolicy"),
    };
    let orphan = options["orphanDependents"] == true || call.query.flag("orphanDependents");
    let propagation = match policy {
        "" if orphan => Propagation::Orphan,
        "" | "Background" => Propagation::Background,
        "Foreground" => Propagation::Foreground,
        "Orphan" => Propagation::Orphan,
        other => {
            return Err(ApiError::invalid(
                "DeleteOptions",
                "meta.k8s.io",
                "",
                "propagationPolicy",
                &format!(
                    "Unsupported value: \"{other}\": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""
                ),
            ));
        }
    };
    let dry = options["dryRun"].as_array().is_some_and(|list| list.iter().any(|v| v == "All"));
    Ok(Deletion {
        grace: options["gracePeriodSeconds"].as_i64().or_else(|| call.query.number("gracePeriodSeconds")),
        propagation,
        uid: text(&options["preconditions"]["uid"]),
        version: text(&options["preconditions"]["resourceVersion"]),
        dry_run: dry || call.dry_run()?,
    })
}

/// `DELETE` of an object or of what a selector finds in a collection.
pub fn delete(cluster: &Cluster, call: &Call, options: &Value) -> Result<Answer, ApiError> {
    let how = deletion(call, options)?;
    let resource = call.resource();
    if call.name.is_none() {
        return delete_collection(cluster, call, &how);
    }
    if resource == "namespaces" && !how.dry_run {
        empty_namespace(cluster, call.name());
    }
    let deleted = cluster.store().delete_with(&resource, call.ns(), call.name(), &how)?;
    match deleted {
        // Pods and services are answered with the object, other kinds with a Status.
        Deleted::Gone(object) if !matches!(resource.as_str(), "pods" | "services") => {
            let mut details =
                json!({"name": call.name(), "kind": call.kind.plural, "uid": object["metadata"]["uid"]});
            if !call.kind.group.is_empty() {
                details["group"] = json!(call.kind.group);
            }
            Ok(respond::json(
                200,
                &json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}),
            ))
        }
        Deleted::Gone(object) | Deleted::Terminating(object) => object_answer(call, 200, &object),
    }
}

fn delete_collection(cluster: &Cluster, call: &Call, how: &Deletion) -> Result<Answer, ApiError> {
    let selector = list::selector(call)?;
    let resource = call.resource();
    if call.kind.namespaced && call.ns.is_none() {
        return Err(ApiError::method_not_allowed());
    }
    let (version, entries) = cluster.store().entries(&resource, call.ns.as_deref());
    let mut items = Vec::new();
    for entry in entries.iter().filter(|entry| selector.matches(entry)) {
        if resource == "namespaces" && !how.dry_run {
            empty_namespace(cluster, &entry.name);
        }
        match cluster.store().delete_with(&resource, &entry.ns, &entry.name, how) {
            Ok(Deleted::Gone(object) | Deleted::Terminating(object)) => items.push(object),
            // Somebody else was faster: it is gone, as wanted.
            Err(error) if error.code == 404 => {}
            Err(error) => return Err(error),
        }
    }
    Ok(respond::json(
        200,
        &json!({
            "kind": call.kind.list_kind(), "apiVersion": call.kind.api_version(),
            "metadata": {"resourceVersion": version.to_string()}, "items": items,
        }),
    ))
}

/// What is in a namespace goes with it, at once and without grace (a real server takes a while).
fn empty_namespace(cluster: &Cluster, ns: &str) {
    let how = Deletion { grace: Some(0), ..Deletion::default() };
    for resource in cluster.store().resources() {
        for entry in cluster.store().entries(&resource, Some(ns)).1 {
            if let Err(error) = cluster.store().delete_with(&resource, ns, &entry.name, &how) {
                tracing::debug!("demo: {resource} {ns}/{} was gone already: {error}", entry.name);
            }
        }
    }
}
