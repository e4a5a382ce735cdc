//! Paths below an object: status, scale, and those of pods (log, exec, attach, eviction, binding). Takes a routed
//! call, hands it to the file that answers it.

mod eviction;
mod exec;
mod log;
mod scale;
mod shell;

use std::sync::Arc;

use http::{Method, Request};
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::error::ApiError;
use super::list;
use super::monitoring::proxy;
use super::patch::Format;
use super::respond::{self, Answer};
use super::routes::{Call, parse_object, read_body};
use super::server::Tasks;
use super::write;

/// Answers a call that names a subresource.
pub async fn answer(
    cluster: &Arc<Cluster>,
    call: &Call,
    mut request: Request<Incoming>,
    tasks: &Tasks,
) -> Result<Answer, ApiError> {
    let of_pods = call.resource() == "pods";
    let sub = call.sub.as_deref().unwrap_or_default();
    match (sub, &call.method) {
        ("status", &Method::GET) if call.kind.status => list::get(cluster, call),
        ("status", &(Method::PUT | Method::PATCH)) if call.kind.status => {
            status(cluster, call, &read_body(request.body_mut()).await?)
        }
        ("scale", &Method::GET) if call.kind.scale.is_some() => scale::get(cluster, call),
        ("scale", &(Method::PUT | Method::PATCH)) if call.kind.scale.is_some() => {
            scale::write(cluster, call, &read_body(request.body_mut()).await?)
        }
        ("log", &Method::GET) if of_pods => log::answer(cluster, call),
        ("exec" | "attach", _) if of_pods => exec::answer(cluster, call, request, tasks),
        ("portforward", _) if of_pods => {
            Err(ApiError::new(501, "NotImplemented", "the demo's pods have no ports to forward to"))
        }
        ("eviction", &Method::POST) if of_pods => {
            let body = read_body(request.body_mut()).await?;
            eviction::evict(cluster, call, &parse_object(&body)?)
        }
        ("binding", &Method::POST) if of_pods => {
            let body = read_body(request.body_mut()).await?;
            bind(cluster, call, &parse_object(&body)?)
        }
        ("proxy", _) if call.resource() == "services" => proxy(cluster, call, "", request).await,
        (path, _) if call.resource() == "services" && path.starts_with("proxy/") => {
            let path = path.trim_start_matches("proxy/").to_owned();
            proxy(cluster, call, &path, request).await
        }
        ("proxy", &Method::GET) if of_pods => pods_page(cluster, call, ""),
        (path, &Method::GET) if of_pods && path.starts_with("proxy/") => pods_page(cluster, call, path),
        ("status", _) if call.kind.status => Err(ApiError::method_not_allowed()),
        ("scale", _) if call.kind.scale.is_some() => Err(ApiError::method_not_allowed()),
        ("log" | "eviction" | "binding", _) if of_pods => Err(ApiError::method_not_allowed()),
        _ => Err(ApiError::no_such_path()),
    }
}

/// Hands a request on to the server behind a Service.
async fn proxy(
    cluster: &Cluster,
    call: &Call,
    path: &str,
    mut request: Request<Incoming>,
) -> Result<Answer, ApiError> {
    let server = proxy::find(cluster.store(), call.ns(), call.name())?;
    let Some(monitoring) = cluster.setup.monitoring.clone() else {
        return Err(ApiError::new(
            503,
            "ServiceUnavailable",
            "error trying to reach service: nothing listens there",
        ));
    };
    let asked = proxy::Asked {
        method: call.method.clone(),
        path: path.to_owned(),
        query: call.query.clone(),
        form: call.content_type.starts_with("application/x-www-form-urlencoded"),
        body: read_body(request.body_mut()).await?,
    };
    Ok(proxy::answer(monitoring, server, asked).await)
}

/// What a pod's own server says of itself: well, or nothing at all when the pod is not ready.
fn pods_page(cluster: &Cluster, call: &Call, path: &str) -> Result<Answer, ApiError> {
    // `NAME`, `NAME:PORT`, `SCHEME:NAME:PORT`
    let parts: Vec<&str> = call.name().split(':').collect();
    let name = match parts.as_slice() {
        [name] | [name, _] | [_, name, _] => *name,
        _ => return Err(ApiError::no_such_path()),
    };
    let pod =
        cluster.store().get("pods", call.ns(), name).ok_or_else(|| ApiError::not_found("pods", name))?;
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    if !conditions.clone().any(|one| one["type"] == "Ready" && one["status"] == "True") {
        return Err(ApiError::new(
            503,
            "ServiceUnavailable",
            "error trying to reach service: dial tcp: connect: connection refused",
        ));
    }
    Ok(respond::text(200, format!("{name} is well at /{}\n", path.trim_start_matches("proxy/"))))
}

/// A `metav1.Status` that says yes.
fn success(code: u16) -> Answer {
    let body =
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": code});
    respond::json(code, &body)
}

/// Replaces or patches the status alone.
fn status(cluster: &Cluster, call: &Call, body: &[u8]) -> Result<Answer, ApiError> {
    let builtin = call.kind.builtin;
    let (format, sent) = if call.method == Method::PUT {
        (None, parse_object(body)?)
    } else {
        let format = Format::of(&call.content_type, builtin)?;
        (Some(format), format.read(body)?)
    };
    let resource = call.resource();
    let change = |stored: &mut Value| {
        let mut after = stored.clone();
        match format {
            Some(format) => format.apply(&mut after, &sent, builtin)?,
            None => after = sent,
        }
        write::check_version(&resource, stored, &after)?;
        stored["status"] = after["status"].take();
        Ok(())
    };
    let dry_run = call.dry_run()?;
    let after = cluster.store().try_update(&resource, call.ns(), call.name(), dry_run, change)?;
    write::object_answer(call, 200, &after)
}

/// Puts a pod on a node, as a scheduler does.
fn bind(cluster: &Cluster, call: &Call, binding: &Value) -> Result<Answer, ApiError> {
    let node = binding["target"]["name"].as_str().unwrap_or_default();
    if node.is_empty() {
        return Err(ApiError::invalid("Binding", "", call.name(), "target.name", "Required value"));
    }
    let change = |pod: &mut Value| {
        if let Some(there) = pod["spec"]["nodeName"].as_str().filter(|n| !n.is_empty()) {
            let why = format!("pod {} is already assigned to node \"{there}\"", call.name());
            return Err(ApiError::conflict("pods/binding", call.name(), &why));
        }
        pod["spec"]["nodeName"] = json!(node);
        Ok(())
    };
    cluster.store().try_update("pods", call.ns(), call.name(), call.dry_run()?, change)?;
    Ok(success(201))
}
