//! What the API server refuses: bad names, changed identities, counts below zero, selectors that do not fit. Far from
//! complete; the cases are those that people meet. Pure.

use serde_json::Value;

use super::error::ApiError;
use super::kinds::Kind;
use super::selector::{Selector, from_label_selector};
use super::store::entry::lone;

/// 422 unless the object can be stored.
pub fn check(kind: &Kind, object: &Value) -> Result<(), ApiError> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let invalid =
        |field: &str, why: String| Err(ApiError::invalid(&kind.kind, &kind.group, name, field, &why));
    if kind.resource() == "namespaces" && (name.contains('.') || name.len() > 63 || !good_name(kind, name)) {
        return invalid(
            "metadata.name",
            format!(
                "Invalid value: \"{name}\": a lowercase RFC 1123 label must consist of lower case alphanumeric \
                 characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name', or \
                 '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
            ),
        );
    }
    if let Some(replicas) = object["spec"]["replicas"].as_str().filter(|_| kind.builtin) {
        // Before it looks at anything else, a real server fails to read it.
        let why = format!("{replicas:?} is not of the type integer");
        return invalid("spec.replicas", format!("Invalid value: {why}"));
    }
    if !name.is_empty() && !good_name(kind, name) {
        return invalid(
            "metadata.name",
            format!(
                "Invalid value: \"{name}\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric \
                 characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', \
                 regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
            ),
        );
    }
    if let Some(replicas) = object["spec"]["replicas"].as_i64().filter(|n| *n < 0) {
        return invalid(
            "spec.replicas",
            format!("Invalid value: {replicas}: must be greater than or equal to 0"),
        );
    }
    let resource = kind.resource();
    if matches!(
        resource.as_str(),
        "deployments.apps" | "replicasets.apps" | "statefulsets.apps" | "daemonsets.apps"
    ) {
        selector_fits(object).or_else(|(field, why)| invalid(field, why))?;
    }
    if matches!(resource.as_str(), "pods" | "deployments.apps") {
        let spec = if resource == "pods" { &object["spec"] } else { &object["spec"]["template"]["spec"] };
        let field = if resource == "pods" { "spec.containers" } else { "spec.template.spec.containers" };
        if spec["containers"].as_array().is_none_or(Vec::is_empty) {
            return invalid(field, "Required value".to_owned());
        }
    }
    if resource == "horizontalpodautoscalers.autoscaling" {
        let (min, max) = (object["spec"]["minReplicas"].as_i64(), object["spec"]["maxReplicas"].as_i64());
        let (min, max) = (min.unwrap_or(1), max.unwrap_or_default());
        if min < 1 {
            let why = format!("Invalid value: {min}: must be greater than or equal to 1");
            return invalid("spec.minReplicas", why);
        }
        if max < min {
            let why = format!("Invalid value: {max}: must be greater than or equal to `minReplicas`");
            return invalid("spec.maxReplicas", why);
        }
    }
    Ok(())
}

fn good_name(kind: &Kind, name: &str) -> bool {
    if kind.group == "rbac.authorization.k8s.io" {
        return !name.contains('/') && name != "." && name != "..";
    }
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    name.len() <= 253 && name.split('.').all(part)
}

fn selector_fits(object: &Value) -> Result<(), (&'static str, String)> {
    let selector = &object["spec"]["selector"];
    let text = from_label_selector(selector);
    if text.is_empty() {
        return Err(("spec.selector", "Required value".to_owned()));
    }
    let fits = Selector::labels(&text).map_err(|e| ("spec.selector", e.message))?;
    let template = &object["spec"]["template"];
    let template = serde_json::json!({"metadata": {"labels": template["metadata"]["labels"]}});
    if !fits.matches(&lone("", &template, 0)) {
        let labels = &template["metadata"]["labels"];
        let why = format!("Invalid value: {labels}: `selector` does not match template `labels`");
        return Err(("spec.template.metadata.labels", why));
    }
    Ok(())
}

/// 422 when a change touches what cannot change.
pub fn check_change(kind: &Kind, before: &Value, after: &Value) -> Result<(), ApiError> {
    let name = before["metadata"]["name"].as_str().unwrap_or_default();
    let fixed: &[&str] = match kind.resource().as_str() {
        "deployments.apps" | "replicasets.apps" | "daemonsets.apps" | "statefulsets.apps" => {
            &["/spec/selector"]
        }
        "jobs.batch" => &["/spec/selector", "/spec/template", "/spec/completions"],
        _ => &[],
    };
    let mut wrong: Vec<(String, String)> = Vec::new();
    for path in fixed {
        if before.pointer(path) != after.pointer(path) {
            let field = path.trim_start_matches('/').replace('/', ".");
            let value = after.pointer(path).unwrap_or(&Value::Null);
            wrong.push((field, format!("Invalid value: {value}: field is immutable")));
        }
    }
    if kind.resource() == "pods" && lasting(before) != lasting(after) {
        wrong.push(("spec".to_owned(), POD_IS_FIXED.to_owned()));
    }
    if wrong.is_empty() {
        return check(kind, after);
    }
    // A selector that may not change may also fit no more, and both are told.
    if fixed.contains(&"/spec/selector")
        && let Err((field, why)) = selector_fits(after)
    {
        wrong.insert(0, (field.to_owned(), why));
    }
    Err(ApiError::invalid_all(&kind.kind, &kind.group, name, &wrong))
}

/// What a real server says to a change of a pod; after it comes a comparison of its own Go structs, which is left out.
const POD_IS_FIXED: &str = "Forbidden: pod updates may not change fields other than \
    `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,\
    `spec.tolerations` (only additions to existing tolerations),\
    `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// The spec of a pod without what may change.
fn lasting(pod: &Value) -> Value {
    let mut spec = pod["spec"].clone();
    if let Some(map) = spec.as_object_mut() {
        for key in ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"] {
            map.remove(key);
        }
        for list in ["containers", "initContainers"] {
            for container in map.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                container["image"] = Value::Null;
            }
        }
    }
    spec
}
