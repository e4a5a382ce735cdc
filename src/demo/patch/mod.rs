//! The patch formats of the Kubernetes API, each a pure function from an object and a patch to an object. Called by
//! writes; knows nothing of the store.

mod json;
mod strategic;

use serde_json::Value;

use super::error::ApiError;

/// A patch format, told by the request's content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 7386, `application/merge-patch+json`.
    Merge,
    /// RFC 6902, `application/json-patch+json`.
    Json,
    /// `application/strategic-merge-patch+json`: lists of objects merge by key.
    Strategic,
    /// `application/apply-patch+yaml`: the wanted fields of the object, in JSON or YAML.
    Apply,
}

impl Format {
    /// The format of a content type; 415 for others, and for strategic patches of defined kinds.
    pub fn of(content_type: &str, builtin: bool) -> Result<Self, ApiError> {
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        match kind {
            "application/merge-patch+json" => Ok(Self::Merge),
            "application/json-patch+json" => Ok(Self::Json),
            "application/strategic-merge-patch+json" if builtin => Ok(Self::Strategic),
            "application/apply-patch+yaml" => Ok(Self::Apply),
            "application/strategic-merge-patch+json" => Err(ApiError::new(
                415,
                "UnsupportedMediaType",
                "the body of the request was in an unknown format - accepted media types include: \
                 application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
            )),
            _ => Err(ApiError::new(415, "UnsupportedMediaType", "415: Unsupported Media Type")
                .with_details(serde_json::json!({}))),
        }
    }

    /// Reads the body of a request.
    pub fn read(self, body: &[u8]) -> Result<Value, ApiError> {
        match self {
            Self::Apply => serde_yaml::from_slice(body)
                .map_err(|e| ApiError::bad_request(format!("error decoding YAML: {e}"))),
            _ => serde_json::from_slice(body)
                .map_err(|e| ApiError::bad_request(format!("error decoding patch: {e}"))),
        }
    }

    /// The object after the patch.
    pub fn apply(self, object: &mut Value, patch: &Value, builtin: bool) -> Result<(), ApiError> {
        match self {
            Self::Json => json::apply(object, patch).map_err(|why| {
                // A real server does not say which operation failed either; the log of the demo's user is this message.
                tracing::debug!("JSON patch refused: {why}");
                ApiError::new(
                    422,
                    "Invalid",
                    "the server rejected our request due to an error in our request",
                )
                .with_details(serde_json::json!({}))
            }),
            Self::Strategic => {
                strategic::merge(object, patch);
                Ok(())
            }
            Self::Apply if builtin => {
                strategic::merge(object, patch);
                Ok(())
            }
            Self::Merge | Self::Apply => {
                merge(object, patch);
                Ok(())
            }
        }
    }
}

/// RFC 7386: maps merge, null removes, all else replaces.
fn merge(object: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = Value::Object(serde_json::Map::new());
    }
    if let Value::Object(map) = object {
        for (key, change) in changes {
            if change.is_null() {
                map.remove(key);
            } else {
                merge(map.entry(key.clone()).or_insert(Value::Null), change);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn merge_patch_replaces_lists_and_removes_nulls() {
        let mut object = json!({"a":{"b":1,"c":2},"l":[1,2]});
        merge(&mut object, &json!({"a":{"b":null,"d":{"e":null,"f":3}},"l":[3]}));
        assert_eq!(object, json!({"a":{"c":2,"d":{"f":3}},"l":[3]}));
    }

    #[test]
    fn formats_by_content_type() {
        assert_eq!(Format::of("application/merge-patch+json; charset=utf-8", false), Ok(Format::Merge));
        assert_eq!(Format::of("application/strategic-merge-patch+json", false).unwrap_err().code, 415);
        assert_eq!(Format::of("application/apply-patch+yaml", true), Ok(Format::Apply));
        assert_eq!(Format::Apply.read(b"a: 1\nb: [x]\n").unwrap(), json!({"a":1,"b":["x"]}));
    }
}
