//! Where an environment's services are, as typed: Prometheus, Alertmanager, Argo CD, Flux, Velero, Git.
//!
//! No secret stands in the configuration: only names of files and of environment variables that hold one. A value
//! that looks like a secret is refused here.

use super::raw::text;
use crate::yaml::{Cursor, Fields};

/// A monitoring service: Prometheus or Alertmanager.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawMonitoring {
    /// `url` (of an Alertmanager perhaps several) or `service`; absent when only labels and headers are given, and the service is to be found.
    pub at: Option<RawAddress>,
    /// `matchers`: labels that tell this environment's series from others'.
    pub matchers: Vec<(String, String)>,
    /// `headers`
    pub headers: Vec<(String, RawSecret)>,
    /// `bearerTokenFile`
    pub bearer_token_file: Option<String>,
    /// `basicAuth`: user name and password file.
    pub basic_auth: Option<(String, String)>,
    /// `caFile`
    pub ca_file: Option<String>,
    /// `tenant`, sent as X-Scope-OrgID.
    pub tenant: Option<String>,
}

/// Where a service answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RawAddress {
    /// At a URL.
    Url(String),
    /// At several: members of one cluster.
    Urls(Vec<String>),
    /// Behind the API server's service proxy.
    Service {
        /// Namespace of the Service.
        namespace: String,
        /// Its name.
        name: String,
        /// Port number or name.
        port: String,
        /// Before every path: empty, or `/prometheus`.
        prefix: String,
    },
}

/// A value that may be secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RawSecret {
    /// Written out, since it is none.
    Plain(String),
    /// The content of a file.
    File(String),
    /// The value of an environment variable.
    Env(String),
}

/// Argo CD.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawArgocd {
    /// `context`, when it is not the environment's own.
    pub context: Option<String>,
    /// `namespace` of its Applications.
    pub namespace: Option<String>,
    /// `url` of its API server.
    pub url: Option<String>,
    /// `tokenFile`
    pub token_file: Option<String>,
    /// `headers`
    pub headers: Vec<(String, RawSecret)>,
    /// `caFile`
    pub ca_file: Option<String>,
}

/// Something that lives in a cluster: Flux, Velero.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawInCluster {
    /// `context`, when it is not the environment's own.
    pub context: Option<String>,
    /// `namespace`
    pub namespace: Option<String>,
}

/// The repository that an environment is delivered from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawGitops {
    /// `url`: anything that git understands.
    pub url: Option<String>,
    /// `branch`
    pub branch: Option<String>,
    /// `path` of this environment inside the repository.
    pub path: Option<String>,
}

impl RawMonitoring {
    /// Reads one. Of `several` members each has a URL of its own.
    pub(super) fn read(c: &Cursor<'_>, several: bool) -> Option<RawMonitoring> {
        let f = c.fields()?;
        let (url, service) = (f.take("url"), f.take("service"));
        if let (Some(_), Some(c)) = (&url, &service) {
            c.wrong("both `url` and `service`", "keep one of them");
        }
        let at = url
            .and_then(|c| if several { read_urls(&c) } else { read_url(&c).map(RawAddress::Url) })
            .or_else(|| service.and_then(|c| read_service(&c)));
        let map = |name| f.take(name).and_then(|c| c.fields());
        let matchers = map("matchers")
            .map(|f| f.all().filter_map(|(key, c)| Some((key.name.clone(), c.text()?))).collect());
        let basic_auth = map("basicAuth").and_then(|f| {
            let user = f.need("username", "write the user's name").and_then(|c| c.text());
            let file = f.need("passwordFile", "write the path of a file that holds the password");
            let both = user.zip(file.and_then(|c| c.text()));
            f.finish();
            both
        });
        let monitoring = RawMonitoring {
            at,
            matchers: matchers.unwrap_or_default(),
            headers: map("headers").map(|f| read_headers(&f)).unwrap_or_default(),
            bearer_token_file: text(&f, "bearerTokenFile"),
            basic_auth,
            ca_file: text(&f, "caFile"),
            tenant: text(&f, "tenant"),
        };
        f.finish();
        Some(monitoring)
    }
}

impl RawArgocd {
    /// Reads one.
    pub(super) fn read(c: &Cursor<'_>) -> Option<RawArgocd> {
        let f = c.fields()?;
        let argocd = RawArgocd {
            context: text(&f, "context"),
            namespace: text(&f, "namespace"),
            url: f.take("url").and_then(|c| read_url(&c)),
            token_file: text(&f, "tokenFile"),
            headers: f.take("headers").and_then(|c| c.fields()).map(|f| read_headers(&f)).unwrap_or_default(),
            ca_file: text(&f, "caFile"),
        };
        f.finish();
        Some(argocd)
    }
}

impl RawInCluster {
    /// Reads one.
    pub(super) fn read(c: &Cursor<'_>) -> Option<RawInCluster> {
        let f = c.fields()?;
        let place = RawInCluster { context: text(&f, "context"), namespace: text(&f, "namespace") };
        f.finish();
        Some(place)
    }
}

impl RawGitops {
    /// Reads one.
    pub(super) fn read(c: &Cursor<'_>) -> Option<RawGitops> {
        let f = c.fields()?;
        let url = f.need("url", "write what `git clone` takes").and_then(|c| {
            let url = c.text()?;
            refuse_password(&c, &url).then_some(url)
        });
        let gitops = RawGitops { url, branch: text(&f, "branch"), path: text(&f, "path") };
        f.finish();
        Some(gitops)
    }
}

/// One URL, or a list of them.
fn read_urls(c: &Cursor<'_>) -> Option<RawAddress> {
    if !c.is_list() {
        return read_url(c).map(RawAddress::Url);
    }
    let items = c.items();
    if items.is_empty() {
        c.wrong("no address", "write at least one: [https://host[:port][/path]]");
    }
    let mut urls: Vec<String> = items.iter().filter_map(read_url).collect();
    match urls.len() {
        0 => None,
        1 => urls.pop().map(RawAddress::Url),
        _ => Some(RawAddress::Urls(urls)),
    }
}

fn read_url(c: &Cursor<'_>) -> Option<String> {
    let url = c.text()?;
    let parsed = url.parse::<http::Uri>().ok();
    let good = parsed.is_some_and(|u| {
        matches!(u.scheme_str(), Some("http" | "https")) && u.host().is_some_and(|h| !h.is_empty())
    });
    if !good {
        c.wrong(format!("`{url}` is not a web address"), "write https://host[:port][/path]");
        return None;
    }
    refuse_password(c, &url).then_some(url)
}

/// Refuses `https://user:password@host`; a user alone (`ssh://git@host`) is fine.
fn refuse_password(c: &Cursor<'_>, url: &str) -> bool {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or(""));
    let secret = authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
    if secret {
        c.wrong(
            "an address with a password in it",
            "use a password file, a token file or git's credential helper",
        );
    }
    !secret
}

/// `namespace/name:port`, and a path behind it where the server is not at the root.
fn read_service(c: &Cursor<'_>) -> Option<RawAddress> {
    let text = c.text()?;
    let parts = text.split_once('/').and_then(|(namespace, rest)| {
        let (name, port) = rest.split_once(':')?;
        let (port, prefix) = port.split_once('/').map_or((port, None), |(port, path)| (port, Some(path)));
        let prefix = prefix.map(|path| path.trim_end_matches('/')).filter(|path| !path.is_empty());
        let plain = |path: &str| path.chars().all(|c| c.is_ascii_alphanumeric() || "-._~/".contains(c));
        if prefix
            .is_some_and(|path| !plain(path) || path.split('/').any(|part| matches!(part, "" | "." | "..")))
        {
            return None;
        }
        let prefix = prefix.map(|path| format!("/{path}")).unwrap_or_default();
        let all = [namespace, name, port];
        let named =
            |p: &&str| !p.is_empty() && p.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c));
        all.iter().all(named).then_some((all, prefix))
    });
    match parts {
        Some(([namespace, name, port], prefix)) => {
            let (namespace, name, port) = (namespace.into(), name.into(), port.into());
            Some(RawAddress::Service { namespace, name, port, prefix })
        }
        None => {
            c.wrong(
                format!("`{text}` does not name a Service's port"),
                "write namespace/name:port[/path], such as monitoring/prometheus:9090",
            );
            None
        }
    }
}

fn read_headers(f: &Fields<'_>) -> Vec<(String, RawSecret)> {
    let mut headers = Vec::new();
    for (key, c) in f.all() {
        if key.name.parse::<http::HeaderName>().is_err() {
            f.wrong_key(key, "not the name of a header", "write a name such as X-Scope-OrgID");
            continue;
        }
        if let Some(value) = read_header(&key.name, &c) {
            headers.push((key.name.clone(), value));
        }
    }
    headers
}

fn read_header(name: &str, c: &Cursor<'_>) -> Option<RawSecret> {
    const SECRET: [&str; 7] = ["auth", "token", "secret", "key", "cookie", "password", "session"];
    if c.is_map() {
        let f = c.fields()?;
        let (file, env) = (text(&f, "file"), text(&f, "env"));
        f.finish();
        return match (file, env) {
            (Some(file), None) => Some(RawSecret::File(file)),
            (None, Some(env)) => Some(RawSecret::Env(env)),
            _ => {
                c.wrong("a header needs one source", "write {file: PATH} or {env: NAME}");
                None
            }
        };
    }
    let value = c.text()?;
    if SECRET.iter().any(|word| name.to_ascii_lowercase().contains(word)) {
        c.wrong(
            format!("the value of `{name}` looks like a secret"),
            "no secret stands in this file: write {file: PATH} or {env: NAME}",
        );
        return None;
    }
    Some(RawSecret::Plain(value))
}

#[cfg(test)]
mod tests {
    use crate::config::{Address, Base, parse};

    #[test]
    fn a_service_may_have_a_path() {
        let prefix = |service: &str| {
            let text = format!(
                "stages:\n- name: production\n  environments:\n  - name: production\n    prometheus: {{service: \"{service}\"}}\n"
            );
            let config = parse(std::path::Path::new("config.yaml"), &text, &Base::default()).ok()?;
            let env = config.environments().next()?;
            match env.prometheus.as_ref()?.at.as_ref()? {
                Address::Service { name, port, prefix, .. } => Some(format!("{name}:{port}{prefix}")),
                _ => None,
            }
        };
        assert_eq!(prefix("mon/mimir:8080").as_deref(), Some("mimir:8080"));
        assert_eq!(prefix("mon/mimir:8080/prometheus").as_deref(), Some("mimir:8080/prometheus"));
        assert_eq!(
            prefix("mon/vmselect:http/select/0/prometheus/").as_deref(),
            Some("vmselect:http/select/0/prometheus")
        );
        for wrong in
            ["mon/mimir:8080/../secrets", "mon/mimir:8080/a//b", "mon/mimir:8080/a?b", "mimir:8080/a"]
        {
            assert_eq!(prefix(wrong), None, "{wrong}");
        }
    }
}
