//! Secrets taken out of what is kept or shown: requests and values of objects.

use serde_json::Value;

/// What stands in the place of a secret.
pub const MARK: &str = "••••••";

/// Parts of names of variables and keys whose values are taken for secrets.
const SIGNS: [&str; 12] = [
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
    "authorization",
    "cookie",
];

/// Names, or words that names end in, of which the same holds: `DB_PWD`, `STRIPE_KEY`.
const ENDS: [&str; 5] = ["pwd", "pass", "key", "auth", "dsn"];

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

/// A text without what URLs in it tell: who they log in as, but for a user's name (`postgres://user:password@host`, or a token
/// alone), and parameters with the name of a secret.
fn without_credentials(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("://") {
        kept.push_str(before);
        kept.push_str("://");
        let url = behind.split([' ', ',', ';', '"', '\'', '\n']).next().unwrap_or_default();
        rest = behind.get(url.len()..).unwrap_or_default();
        let (address, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
        // A password may have a slash in it; a path with an @ names no user.
        let login = address.rsplit_once('@').filter(|(login, _)| {
            !login.contains('/') || login.split('/').next().is_some_and(|user| user.contains(':'))
        });
        match login.map(|(login, place)| (login.split_once(':'), place)) {
            Some((Some((user, _)), place)) => kept.push_str(&format!("{user}:{MARK}@{place}")),
            Some((None, place)) => kept.push_str(&format!("{MARK}@{place}")),
            None => kept.push_str(address),
        }
        for (nth, pair) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
            kept.push(if nth == 0 { '?' } else { '&' });
            match pair.split_once('=') {
                Some((name, _)) if is_secret(name) => kept.push_str(&format!("{name}={MARK}")),
                _ => kept.push_str(pair),
            }
        }
    }
    kept.push_str(rest);
    kept
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
                // Whatever looks like the next argument is none's value.
                Some(text) if std::mem::take(&mut after_secret) && !text.starts_with('-') => {
                    Value::String(MARK.to_owned())
                }
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
        Value::String(text) if text.contains("://") => Value::String(without_credentials(text)),
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
        assert_eq!(
            redacted(&json!(["--no-auth", "--listen=0.0.0.0:80"])),
            json!(["--no-auth", "--listen=0.0.0.0:80"])
        );
        for (text, wanted) in [
            ("amqp://a:p1@h1:5672,amqp://c:p2@h2:5672", "amqp://a:••••••@h1:5672,amqp://c:••••••@h2:5672"),
            ("curl http://x/ && curl http://u:pw@y/", "curl http://x/ && curl http://u:••••••@y/"),
            ("https://ghp_abc@github.com/o/r", "https://••••••@github.com/o/r"),
            ("postgres://u:p/w@db/x", "postgres://u:••••••@db/x"),
            (
                "jdbc:postgresql://db/cart?user=a&password=b",
                "jdbc:postgresql://db/cart?user=a&password=••••••",
            ),
            ("https://registry.example/cart:1.30.4", "https://registry.example/cart:1.30.4"),
            ("oci://registry.example/cart@sha256:1f", "oci://registry.example/cart@sha256:1f"),
            ("https://x.example/?q=a@b", "https://x.example/?q=a@b"),
        ] {
            assert_eq!(redacted(&json!(text)), json!(wanted));
        }
        let header = json!({"httpHeaders": [{"name": "Authorization", "value": "Bearer hunter11"}]});
        assert!(!redacted(&header).to_string().contains("hunter"), "{header}");
        let url = format!("postgres://cart:{MARK}@db:5432/cart?sslmode=on");
        let stay =
            ["cart-tls", "cart-db", "--port=80", "DB_PASSWORD", "\"80\"", "--db-password=", "no", "bar"];
        for stays in stay.into_iter().chain([url.as_str(), "\"key\":\"token\""]) {
            assert!(text.contains(stays), "{stays}: {text}");
        }
        assert_eq!(redacted(&kept), kept, "once is enough");
    }
}
