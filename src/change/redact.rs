//! Secrets taken out of what is kept or shown: requests and values of objects.

use serde_json::Value;

/// What stands in the place of a secret.
pub const MARK: &str = "••••••";

/// Names of variables and keys whose values are taken for secrets.
const SIGNS: [&str; 9] =
    ["password", "passwd", "secret", "token", "credential", "apikey", "api_key", "api-key", "private"];

/// Annotations that hold a copy of the whole object.
const COPY: &str = "kubectl.kubernetes.io/last-applied-configuration";

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    SIGNS.iter().any(|sign| name.contains(sign))
}

/// A value without the secrets in it: values of variables and fields whose names say that they are secret, and
/// copies of objects within annotations. References to Secrets stay: they name, and do not tell.
#[must_use]
pub fn redacted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            // An element of `env`: `{"name": "DB_PASSWORD", "value": "…"}`.
            let named = map.get("name").and_then(Value::as_str).is_some_and(is_secret);
            let pairs = map.iter().map(|(key, inner)| {
                let secret =
                    (named && key == "value") || key == COPY || (inner.is_string() && is_secret(key));
                // Names of Secrets are no secrets.
                let reference = matches!(key.as_str(), "secretName" | "secretRef" | "secretKeyRef");
                let kept = match secret && !reference && !inner.is_null() {
                    true => Value::String(MARK.to_owned()),
                    false => redacted(inner),
                };
                (key.clone(), kept)
            });
            Value::Object(pairs.collect())
        }
        Value::Array(items) => {
            // `--password VALUE` in two arguments.
            let mut after_secret = false;
            let kept = items.iter().map(|item| match item.as_str() {
                Some(_) if std::mem::take(&mut after_secret) => Value::String(MARK.to_owned()),
                Some(text) => {
                    let flag = text.starts_with('-') && is_secret(text);
                    match text.split_once('=').filter(|(name, _)| is_secret(name)) {
                        Some((name, _)) => Value::String(format!("{name}={MARK}")),
                        None => {
                            after_secret = flag;
                            item.clone()
                        }
                    }
                }
                None => redacted(item),
            });
            Value::Array(kept.collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_of_secrets_go_and_references_stay() {
        let template = json!({"spec": {
            "containers": [{
                "args": ["--db-password=hunter2", "--api-token", "hunter3", "--port=80"],
                "env": [{"name": "DB_PASSWORD", "value": "hunter4"}, {"name": "PORT", "value": "80"},
                    {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "cart-db", "key": "token"}}}]}],
            "volumes": [{"secret": {"secretName": "cart-tls"}}]},
            "metadata": {"annotations": {COPY: "{\"hunter5\":1}"}}});
        let kept = redacted(&template);
        let text = kept.to_string();
        assert!(!text.contains("hunter"), "{text}");
        for stays in ["cart-tls", "cart-db", "--port=80", "DB_PASSWORD", "\"80\"", "--db-password="] {
            assert!(text.contains(stays), "{stays}: {text}");
        }
        assert_eq!(redacted(&kept), kept, "once is enough");
    }
}
