//! The client of one context: transport, proxies, credentials, limits.
//!
//! Retries of the client library are off: it would repeat every verb many times, and whoever asks here has a plan
//! of its own for failures. Gives a `kube::Client` to the sources, or the [`Link`] that says why there is none.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use http::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER, USER_AGENT};
use jiff::Timestamp;
use kube::client::{Body, ClientBuilder};
use kube::config::{AuthInfo, ExecConfig, KubeConfigOptions};
use kube::{Client, Config};
use tower::util::{MapRequestLayer, MapResponseLayer};

use super::contexts::{ContextInfo, Source};
use super::credentials::{self, Refusal};
use super::problem::{Fault, first_line};
use super::token_file::TokenFile;
use crate::domain::link::Link;

/// How long a TCP and TLS connection may take to stand.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// A client and what must be known to keep it.
#[derive(Clone)]
pub struct Access {
    /// Asks the cluster.
    pub client: Client,
    /// When its credentials end; `None` when they do not say, or renew themselves.
    pub expires: Option<Timestamp>,
    /// What a person runs to log in again.
    pub login: String,
    /// How long the server asked us to hold back.
    pub throttle: Throttle,
}

/// Until when the server asked us to hold back (`Retry-After`), for all requests to it. The client library drops
/// that header before we see it, so a layer of the transport keeps it here.
#[derive(Clone, Debug)]
pub struct Throttle(Arc<(Instant, AtomicU64)>);

impl Default for Throttle {
    fn default() -> Throttle {
        Throttle(Arc::new((Instant::now(), AtomicU64::new(0))))
    }
}

impl Throttle {
    /// The time that is left to wait; zero when there is none.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        let until = Duration::from_millis(self.0.1.load(Ordering::Relaxed));
        until.saturating_sub(self.0.0.elapsed())
    }

    fn note<B>(&self, response: &http::Response<B>) {
        if !matches!(response.status().as_u16(), 429 | 503) {
            return;
        }
        let seconds = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok())
            // A server that asks for more than a minute is looked at again after a minute.
            .map(|seconds| seconds.min(60));
        if let Some(seconds) = seconds {
            let until = self.0.0.elapsed() + Duration::from_secs(seconds);
            let millis = u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
            self.0.1.fetch_max(millis, Ordering::Relaxed);
        }
    }
}

/// Makes the client of a context. Runs the credential plugin, if it has one; opens no connection to the cluster.
///
/// # Errors
/// A [`Link`]: `LoginNeeded` when the plugin needs a person, `Broken` when it cannot work as it is configured.
pub async fn client_for(info: &ContextInfo) -> Result<Access, Link> {
    let mut config = config_for(info).await?;
    let exec = config.auth_info.exec.take();
    let login = credentials::login_command(&info.key, exec.as_ref());
    let expires = match &exec {
        Some(exec) => grant(&mut config.auth_info, exec, &login).await?,
        None => None,
    };
    let file = token_file(&mut config.auth_info);
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT_LIMIT);
    config
        .headers
        .push((USER_AGENT, HeaderValue::from_static(concat!("pilothouse/", env!("CARGO_PKG_VERSION")))));
    let throttle = Throttle::default();
    let noted = throttle.clone();
    // Reading tokens, certificates and the system's trust store blocks.
    let built = tokio::task::spawn_blocking(move || {
        let token = match file.map(TokenFile::open).transpose() {
            Ok(token) => token.map(Arc::new),
            Err(why) => return Ok(Err(why)),
        };
        let bearer = MapRequestLayer::new(move |mut request: http::Request<Body>| {
            if let Some(token) = &token {
                request.headers_mut().insert(AUTHORIZATION, token.header());
            }
            request
        });
        let note = MapResponseLayer::new(move |response: http::Response<_>| {
            noted.note(&response);
            response
        });
        let builder = ClientBuilder::try_from(config)?;
        Ok(Ok(builder.with_layer(&note).with_layer(&bearer).build()))
    })
    .await;
    match built {
        Ok(Ok(Ok(client))) => Ok(Access { client, expires, login, throttle }),
        Ok(Ok(Err(why))) => Err(Link::LoginNeeded { command: login.into(), message: why.into() }),
        Ok(Err(error)) => Err(unusable(&error, &login)),
        Err(_) => Err(broken("the client could not be made")),
    }
}

/// The file to take the token from; it is taken from the library, which cannot read every one. An inline token goes
/// first, as it does with kubectl.
fn token_file(auth: &mut AuthInfo) -> Option<PathBuf> {
    let file = auth.token_file.take()?;
    auth.token.is_none().then(|| file.into())
}

fn unusable(error: &kube::Error, login: &str) -> Link {
    match Fault::of(error) {
        Fault::Unauthorized(message) => Link::LoginNeeded { command: login.into(), message: message.into() },
        fault => broken(fault.words()),
    }
}

fn broken(message: &str) -> Link {
    Link::Broken { message: message.into() }
}

/// Puts what the plugin gave in the place of the plugin, so that the client library never runs it.
async fn grant(auth: &mut AuthInfo, exec: &ExecConfig, login: &str) -> Result<Option<Timestamp>, Link> {
    let granted = credentials::ask(exec, credentials::LIMIT).await.map_err(|refusal| match refusal {
        Refusal::Login(message) => Link::LoginNeeded { command: login.into(), message: message.into() },
        Refusal::Broken(message) => broken(&message),
    })?;
    if let Some(token) = granted.token {
        auth.token = Some(token);
    }
    if let Some((certificate, key)) = granted.certificate {
        auth.client_certificate = None;
        auth.client_key = None;
        auth.client_certificate_data = Some(base64(certificate.as_bytes()));
        let key: &str = secrecy::ExposeSecret::expose_secret(&key);
        auth.client_key_data = Some(base64(key.as_bytes()).into());
    }
    Ok(granted.expires)
}

async fn config_for(info: &ContextInfo) -> Result<Config, Link> {
    let kubeconfig = match &info.source {
        Source::InCluster => {
            return Config::incluster().map_err(|error| broken(&first_line(&error.to_string())));
        }
        Source::Kubeconfig(kubeconfig, _) => kubeconfig,
    };
    let mut kubeconfig = (**kubeconfig).clone();
    let mut own_proxy = false;
    let cluster_name = kubeconfig
        .contexts
        .iter()
        .find(|named| named.name == info.key)
        .and_then(|named| Some(named.context.as_ref()?.cluster.clone()));
    for named in &mut kubeconfig.clusters {
        if Some(&named.name) == cluster_name.as_ref()
            && let Some(proxy) = named.cluster.as_mut().and_then(|cluster| cluster.proxy_url.as_mut())
            && !proxy.is_empty()
        {
            own_proxy = true;
            // Names are always resolved by the proxy here, which is what the h asks for.
            if let Some(rest) = proxy.strip_prefix("socks5h://") {
                *proxy = format!("socks5://{rest}");
            }
        }
    }
    let options = KubeConfigOptions { context: Some(info.key.clone()), ..KubeConfigOptions::default() };
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| broken(&format!("the kubeconfig: {}", first_line(&error.to_string()))))?;
    if !own_proxy && goes_direct(&config.cluster_url) {
        config.proxy_url = None;
    }
    Ok(config)
}

/// Addresses of this very machine are never reached through a proxy of the environment (Go programs, and so
/// kubectl, have the same rule); and plain http is not what `HTTPS_PROXY` is for.
fn goes_direct(url: &http::Uri) -> bool {
    let host = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    url.scheme_str() == Some("http")
        || host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The form in which a kubeconfig carries PEM.
fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// A request without a body.
///
/// # Errors
/// The path is no URL.
pub fn get(path: &str) -> Result<http::Request<Body>, Fault> {
    http::Request::get(path)
        .body(Body::empty())
        .map_err(|error| Fault::Invalid(format!("no request can be made of this: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::contexts::{Contexts, Options, Surroundings};

    #[test]
    fn this_machine_is_never_reached_through_a_proxy() {
        for (url, direct) in [
            ("https://127.0.0.1:6443", true),
            ("https://[::1]:6443", true),
            ("https://localhost", true),
            ("http://10.0.0.1:8001", true),
            ("https://10.0.0.1:6443", false),
            ("https://api.example", false),
        ] {
            assert_eq!(goes_direct(&url.parse().unwrap()), direct, "{url}");
        }
    }

    #[test]
    fn a_server_that_asks_for_patience_gets_it() {
        let throttle = Throttle::default();
        let answer =
            |status: u16| http::Response::builder().status(status).header(RETRY_AFTER, "7").body(()).unwrap();
        throttle.note(&answer(200));
        assert!(throttle.remaining().is_zero());
        throttle.note(&answer(429));
        assert!(throttle.remaining() > Duration::from_secs(5));
    }

    fn context(user: &str, cluster: &str) -> ContextInfo {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: x\nclusters:\n- name: c\n  cluster: {cluster}\n\
             users:\n- name: u\n  user: {user}\ncontexts:\n- name: x\n  context: {{cluster: c, user: u}}\n"
        );
        std::fs::write(&file, text).unwrap();
        let options = Options { kubeconfig: Some(file), ..Options::default() };
        Contexts::find(&options, &Surroundings::default()).unwrap().list.remove(0)
    }

    async fn link_of(user: &str, cluster: &str) -> Link {
        rustls::crypto::ring::default_provider().install_default().ok();
        match client_for(&context(user, cluster)).await {
            Ok(_) => Link::Live,
            Err(link) => link,
        }
    }

    #[tokio::test]
    async fn a_plugin_that_fails_means_that_a_person_must_log_in() {
        let user = r#"{exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, args: ["-c", "echo sso session expired >&2; exit 2"]}}"#;
        let link = link_of(user, "{server: \"https://127.0.0.1:1\"}").await;
        assert_eq!(
            link,
            Link::LoginNeeded {
                command: "kubectl --context x get ns".into(),
                message: "sso session expired".into()
            }
        );
    }

    #[tokio::test]
    async fn what_can_never_work_is_said_to_be_broken() {
        for (user, cluster) in [
            ("{token: x}", "{server: \"https://127.0.0.1:1\", certificate-authority: /nowhere/ca.crt}"),
            ("{client-certificate: /nowhere/a, client-key: /nowhere/b}", "{server: \"https://127.0.0.1:1\"}"),
            ("{token: x}", "{server: \"https://10.0.0.1:1\", proxy-url: \"gopher://proxy\"}"),
            ("{token: x}", "{}"),
        ] {
            let link = link_of(user, cluster).await;
            assert!(matches!(link, Link::Broken { .. }), "{user} {cluster}: {link:?}");
        }
    }

    #[tokio::test]
    async fn ordinary_contexts_give_a_client_without_any_connection() {
        for cluster in [
            "{server: \"https://127.0.0.1:1\"}",
            "{server: \"http://127.0.0.1:1\"}",
            "{server: \"https://10.0.0.1:1\", proxy-url: \"socks5h://127.0.0.1:1\", tls-server-name: api}",
        ] {
            assert_eq!(link_of("{token: x}", cluster).await, Link::Live, "{cluster}");
        }
    }
}
