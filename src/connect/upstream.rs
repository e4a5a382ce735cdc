//! Asks a server besides the Kubernetes API ([`Upstream`]) over HTTP: at its URL, or through the service proxy of a
//! cluster's API server with the rights of the kubeconfig.
//!
//! A [`Client`] answers one question at a time and repeats nothing: whoever asks has a plan of its own for failures. A
//! question that is dropped closes its connection. Answers have a time and a size that they may not exceed. What is no
//! answer of the server's own API (a login page, a redirect away, a refusal of the API server) is a [`Fault`] in
//! words; secrets are read at each question, sent nowhere but to the server's own address, and never part of a
//! fault. Knows nothing of what is asked.

mod direct;
mod judge;
mod proxied;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tokio::io::AsyncReadExt;

use super::problem::{Fault, first_line};
use crate::domain::time::Stamp;
use crate::domain::upstream::{Address, Secret, Upstream};

/// How long things may take and how large they may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long a connection may take to stand.
    pub connect: Duration,
    /// How long a whole answer may take.
    pub answer: Duration,
    /// Bytes of a body, unpacked.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { connect: Duration::from_secs(5), answer: Duration::from_secs(30), body: 16 << 20 }
    }
}

/// Gives the cluster's client of the moment; `None` while there is no connection.
pub type Way = Arc<dyn Fn() -> Option<kube::Client> + Send + Sync>;

/// Asks one upstream. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client(Arc<Inside>);

struct Inside {
    upstream: Arc<Upstream>,
    limits: Limits,
    way: Option<Way>,
    direct: direct::Direct,
}

/// An answer of the server's own API, good or bad.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The body, unpacked.
    pub body: Bytes,
    /// The server's clock, where it told it.
    pub date: Option<Stamp>,
}

impl Reply {
    /// Whether the status says success.
    #[must_use]
    pub fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// It is none, or of another shape.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            Fault::Garbled(format!("an answer that is not understood: {} ({place})", kind_of(&error)))
        })
    }
}

/// What is wrong with JSON, without quoting it.
fn kind_of(error: &serde_json::Error) -> &'static str {
    use serde_json::error::Category;
    match error.classify() {
        Category::Eof => "it ends in the middle",
        Category::Syntax => "it is no JSON",
        Category::Data | Category::Io => "it is not of the shape that the API promises",
    }
}

/// What is sent.
struct Question<'a> {
    method: Method,
    /// Begins with a slash.
    path: &'a str,
    /// Encoded; without the question mark, empty when there is none.
    query: String,
    /// An encoded form.
    form: Option<String>,
}

impl Client {
    /// A client of an upstream. `way` leads to the API server behind whose proxy it stands; it is not asked for a
    /// URL. Opens no connection and reads no file.
    #[must_use]
    pub fn new(upstream: Arc<Upstream>, way: Option<Way>, limits: Limits) -> Client {
        Client(Arc::new(Inside { upstream, limits, way, direct: direct::Direct::default() }))
    }

    /// Who is asked.
    #[must_use]
    pub fn upstream(&self) -> &Upstream {
        &self.0.upstream
    }

    /// Reads. `path` is of the server's own API and begins with a slash.
    ///
    /// # Errors
    /// Everything but an answer of the server's own API; answers that are no success are no error here.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Reply, Fault> {
        let question = Question { method: Method::GET, path, query: encode(query), form: None };
        self.ask(question).await
    }

    /// Asks with a form in the body, for what may be too long for a URL. The service proxy wants other rights for it
    /// (`create services/proxy`), so there it is sent as [`Client::get`].
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn post_form(&self, path: &str, form: &[(&str, &str)]) -> Result<Reply, Fault> {
        if self.0.upstream.address.cluster().is_some() {
            return self.get(path, form).await;
        }
        let form = Some(encode(form));
        self.ask(Question { method: Method::POST, path, query: String::new(), form }).await
    }

    async fn ask(&self, question: Question<'_>) -> Result<Reply, Fault> {
        let Inside { upstream, limits, way, direct } = &*self.0;
        let server = upstream.server;
        let answer = async {
            let headers = self.headers().await?;
            match &upstream.address {
                Address::Url(url) => direct.ask(url, upstream, limits, headers, question).await,
                // Whoever knows of members asks each by itself.
                Address::Members(urls) => {
                    let first = urls.first().map(|url| &**url).unwrap_or_default();
                    direct.ask(first, upstream, limits, headers, question).await
                }
                Address::Service { .. } => {
                    let client = way.as_ref().and_then(|way| way());
                    let client = client.ok_or_else(|| {
                        Fault::Unreachable(format!(
                            "the cluster that leads to {} is not connected",
                            server.word()
                        ))
                    })?;
                    proxied::ask(&client, upstream, limits, headers, question).await
                }
            }
        };
        let late = || Fault::Unreachable(format!("no answer within {} s", limits.answer.as_secs().max(1)));
        tokio::time::timeout(limits.answer, answer).await.unwrap_or_else(|_| Err(late()))
    }

    /// The headers that let us in.
    async fn headers(&self) -> Result<HeaderMap, Fault> {
        use http::header::{ACCEPT, AUTHORIZATION, USER_AGENT};
        let access = &self.0.upstream.access;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers
            .insert(USER_AGENT, HeaderValue::from_static(concat!("pilothouse/", env!("CARGO_PKG_VERSION"))));
        if let Some(tenant) = &access.tenant {
            headers.insert(HeaderName::from_static("x-scope-orgid"), value(tenant, "the tenant", false)?);
        }
        for (name, secret) in &access.headers {
            let about = format!("the header {name}");
            let (text, secret) = match secret {
                Secret::Plain(text) => (text.to_string(), false),
                Secret::File(path) => (read(path, &about).await?, true),
                Secret::Env(variable) => {
                    let found = std::env::var(&**variable);
                    (found.map_err(|_| broken(format!("{about}: ${variable} is not set")))?, true)
                }
            };
            let key = HeaderName::try_from(&**name)
                .map_err(|_| broken(format!("{about} has a name that cannot be sent")))?;
            headers.insert(key, value(&text, &about, secret)?);
        }
        if let Some(file) = &access.bearer_token_file {
            let token = read(file, "the bearer token").await?;
            headers.insert(AUTHORIZATION, value(&format!("Bearer {token}"), "the bearer token", true)?);
        }
        if let Some((user, file)) = &access.basic_auth {
            use base64::Engine;
            let password = read(file, "the password").await?;
            let both = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
            headers.insert(AUTHORIZATION, value(&format!("Basic {both}"), "the password", true)?);
        }
        Ok(headers)
    }
}

fn broken(why: String) -> Fault {
    Fault::Broken(why)
}

/// What is sent is never quoted when it cannot be.
fn value(text: &str, about: &str, secret: bool) -> Result<HeaderValue, Fault> {
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| broken(format!("{about} holds something that cannot be sent")))?;
    value.set_sensitive(secret);
    Ok(value)
}

/// The content of a file that holds a secret, without the newline that editors leave.
async fn read(path: &Path, about: &str) -> Result<String, Fault> {
    const MOST: u64 = 64 << 10;
    let shown = first_line(&path.display().to_string());
    let mut text = String::new();
    let read = async { tokio::fs::File::open(path).await?.take(MOST).read_to_string(&mut text).await };
    match read.await {
        Ok(_) if text.trim().is_empty() => Err(broken(format!("{about}: the file {shown} is empty"))),
        Ok(_) => Ok(text.trim().to_owned()),
        Err(error) => {
            let why = first_line(&error.to_string());
            Err(broken(format!("{about}: the file {shown} cannot be read: {why}")))
        }
    }
}

/// The time of the header `Date`.
fn date_of(headers: &HeaderMap) -> Option<Stamp> {
    let text = headers.get(http::header::DATE)?.to_str().ok()?;
    let at = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Stamp(at.timestamp().as_second()))
}

/// `a=b&c=d` with everything but the unreserved characters of RFC 3986 as `%XX`.
#[must_use]
pub fn encode(pairs: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (key, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        encode_into(&mut out, key);
        out.push('=');
        encode_into(&mut out, value);
    }
    out
}

fn encode_into(out: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}
