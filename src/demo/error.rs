//! What a request is refused with: an HTTP code and a reason, rendered as `metav1.Status`. Knows nothing of HTTP
//! connections nor of the store; every part of the demo server returns it, `respond` writes it to the wire.

use serde_json::{Map, Value, json};

/// A refusal as a Kubernetes API server words it.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    /// HTTP status code, repeated in the body.
    pub code: u16,
    /// Machine-readable reason (`NotFound`, `Conflict`, `Expired`...); empty when the real server gives none.
    pub reason: &'static str,
    /// The sentence for people.
    pub message: String,
    /// `details` of the Status: name, group, kind, causes, retryAfterSeconds.
    pub details: Option<Value>,
    /// Seconds for a `Retry-After` header.
    pub retry_after: Option<u32>,
    /// With 410 on a page of a list: where the rest may be read, not consistent with the pages before.
    pub continue_token: Option<String>,
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.code, self.reason, self.message)
    }
}

impl std::error::Error for ApiError {}

/// `deployments.apps "web"` as the messages of the API server spell an object.
fn quoted(resource: &str, name: &str) -> String {
    format!("{resource} \"{name}\"")
}

/// The machine-readable reason of a cause, by the words it begins with.
fn cause(why: &str) -> &'static str {
    let reasons = [
        ("Required value", "FieldValueRequired"),
        ("Unsupported value", "FieldValueNotSupported"),
        ("Forbidden", "FieldValueForbidden"),
    ];
    let found = reasons.iter().find(|(words, _)| why.starts_with(words));
    found.map_or("FieldValueInvalid", |(_, reason)| reason)
}

/// The plural and the group of a resource key such as `deployments.apps`.
pub fn split_resource(resource: &str) -> (&str, &str) {
    resource.split_once('.').unwrap_or((resource, ""))
}

fn details(resource: &str, name: &str) -> Map<String, Value> {
    let (plural, group) = split_resource(resource);
    let mut map = Map::new();
    if !name.is_empty() {
        map.insert("name".into(), json!(name));
    }
    if !group.is_empty() {
        map.insert("group".into(), json!(group));
    }
    if !plural.is_empty() {
        map.insert("kind".into(), json!(plural));
    }
    map
}

impl ApiError {
    /// An error with a code, a reason and a message, and nothing else.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None, retry_after: None, continue_token: None }
    }

    /// 404 for an object.
    pub fn not_found(resource: &str, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} not found", quoted(resource, name)))
            .with_details(Value::Object(details(resource, name)))
    }

    /// 404 for a path that names nothing served.
    pub fn no_such_path() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource").with_details(json!({}))
    }

    /// 409: the name is taken.
    pub fn already_exists(resource: &str, name: &str) -> Self {
        Self::new(409, "AlreadyExists", format!("{} already exists", quoted(resource, name)))
            .with_details(Value::Object(details(resource, name)))
    }

    /// 409: the object is not what the request supposed.
    pub fn conflict(resource: &str, name: &str, why: &str) -> Self {
        Self::new(
            409,
            "Conflict",
            format!("Operation cannot be fulfilled on {}: {why}", quoted(resource, name)),
        )
        .with_details(Value::Object(details(resource, name)))
    }

    /// 409: the resourceVersion sent is not the present one.
    pub fn modified(resource: &str, name: &str) -> Self {
        Self::conflict(
            resource,
            name,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    /// 422 with one cause, whose reason follows from how `why` begins (`Invalid value: ...`, `Required value...`).
    pub fn invalid(kind: &str, group: &str, name: &str, field: &str, why: &str) -> Self {
        let qualified = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let mut map = Map::new();
        if !name.is_empty() {
            map.insert("name".into(), json!(name));
        }
        if !group.is_empty() {
            map.insert("group".into(), json!(group));
        }
        map.insert("kind".into(), json!(kind));
        map.insert("causes".into(), json!([{ "reason": cause(why), "message": why, "field": field }]));
        Self::new(422, "Invalid", format!("{} is invalid: {field}: {why}", quoted(&qualified, name)))
            .with_details(Value::Object(map))
    }

    /// 422 with all that is wrong: fields and why.
    pub fn invalid_all(kind: &str, group: &str, name: &str, wrong: &[(String, String)]) -> Self {
        if let [(field, why)] = wrong {
            return Self::invalid(kind, group, name, field, why);
        }
        let all: Vec<String> = wrong.iter().map(|(field, why)| format!("{field}: {why}")).collect();
        let mut error = Self::invalid(kind, group, name, "", "");
        let qualified = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        error.message = format!("{} is invalid: [{}]", quoted(&qualified, name), all.join(", "));
        let causes: Vec<Value> = wrong
            .iter()
            .map(|(field, why)| json!({"reason": cause(why), "message": why, "field": field}))
            .collect();
        if let Some(details) = &mut error.details {
            details["causes"] = json!(causes);
        }
        error
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 410: the version asked for is no longer kept.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 401.
    pub fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// 405.
    pub fn method_not_allowed() -> Self {
        Self::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
            .with_details(json!({}))
    }

    /// 500 with the words of what failed.
    pub fn internal(message: impl std::fmt::Display) -> Self {
        Self::new(500, "InternalError", format!("Internal error occurred: {message}"))
            .with_details(json!({ "causes": [{ "message": message.to_string() }] }))
    }

    /// The same error with details.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// The body: a `metav1.Status`.
    pub fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.code,
        });
        if let Some(map) = status.as_object_mut() {
            if !self.reason.is_empty() {
                map.insert("reason".into(), json!(self.reason));
            }
            if let Some(token) = &self.continue_token {
                map.insert("metadata".into(), json!({ "continue": token }));
            }
            if let Some(details) = &self.details {
                map.insert("details".into(), details.clone());
            }
        }
        status
    }
}
