//! Secrets taken out of what is kept or shown: requests and values of objects.

use serde_json::Value;

/// What stands in the place of a secret.
pub const MARK: &str = "••••••";

/// Parts of names of variables and keys whose values are taken for secrets.
const SIGNS: [&str; 11] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "apikey",
    "api_key",
    "api-key",
    "private",
    "dsn",
];

/// Names, or words that names end in, of which the same holds: `DB_PWD`, `STRIPE_KEY`.
const ENDS: [&str; 4] = ["pwd", "pass", "key", "auth"];

/// Annotations that hold a copy of the whole object.
const COPY: &str = "kubectl.kubernetes.io/last-applied-configuration";

fn is_secret(name: &str) -> bool {
    let name = name.trim_start_matches('-').to_lowercase();
    let last = name.rsplit(['_', '-', '.']).next().unwrap_or_default();
    SIGNS.iter().any(|sign| name.contains(sign)) || ENDS.contains(&last)
}

/// A field of Kubernetes' own that is called like a secret, and names something: `key: DB_PASSWORD` of a `secretKeyRef`.
fn is_reference(key: &str) -> bool {
    matches!(key, "secretName" | "secretRef" | "secretKeyRef" | "key" | "topologyKey")
}

/// A text without the password of a URL in it: `postgres://user:password@host`.
fn without_password(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#', ' ']).next().unwrap_or_default();
    let (user, host) = authority.rsplit_once('@')?;
    let (user, _) = user.split_once(':')?;
    let behind = rest.get(authority.len()..).unwrap_or_default();
    Some(format!("{scheme}://{user}:{MARK}@{host}{behind}"))
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
                let kept = match secret && !is_reference(key) && !inner.is_null() {
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
                            redacted(item)
                        }
                    }
                }
                None => redacted(item),
            });
            Value::Array(kept.collect())
        }
        Value::String(text) => without_password(text).map_or_else(|| value.clone(), Value::String),
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
                    {"name": "DB_PWD", "value": "hunter6"}, {"name": "SMTP_PASS", "value": "hunter7"},
                    {"name": "STRIPE_KEY", "value": "hunter8"}, {"name": "SENTRY_DSN", "value": "https://hunter9@s.io/1"},
                    {"name": "DATABASE_URL", "value": "postgres://cart:hunter10@db:5432/cart?sslmode=on"},
                    {"name": "BYPASS", "value": "no"}, {"name": "MONKEY", "value": "bar"},
                    {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "cart-db", "key": "token"}}}]}],
            "volumes": [{"secret": {"secretName": "cart-tls"}}]},
            "metadata": {"annotations": {COPY: "{\"hunter5\":1}"}}});
        let kept = redacted(&template);
        let text = kept.to_string();
        assert!(!text.contains("hunter"), "{text}");
        let url = format!("postgres://cart:{MARK}@db:5432/cart?sslmode=on");
        let stay =
            ["cart-tls", "cart-db", "--port=80", "DB_PASSWORD", "\"80\"", "--db-password=", "no", "bar"];
        for stays in stay.into_iter().chain([url.as_str(), "\"key\":\"token\""]) {
            assert!(text.contains(stays), "{stays}: {text}");
        }
        assert_eq!(redacted(&kept), kept, "once is enough");
    }
}
