//! Asks a server at its URL.

use std::error::Error as _;
use std::sync::Mutex;

use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Url};

use super::{Limits, Question, Reply, judge};
use crate::connect::problem::{Fault, first_line};
use crate::domain::upstream::Upstream;
use crate::text::clean;

/// Redirects that are followed within the server's own address.
const HOPS: usize = 5;

/// The HTTP client, made at the first question: reading certificates blocks.
#[derive(Default)]
pub(super) struct Direct(Mutex<Option<reqwest::Client>>);

impl Direct {
    pub(super) async fn ask(
        &self,
        url: &str,
        upstream: &Upstream,
        limits: &Limits,
        headers: HeaderMap,
        question: Question<'_>,
    ) -> Result<Reply, Fault> {
        let mut at = Url::parse(&format!("{url}{}", question.path))
            .map_err(|error| Fault::Broken(format!("the address is no URL: {error}")))?;
        if !question.query.is_empty() {
            at.set_query(Some(&question.query));
        }
        let client = self.client(upstream, limits, &at).await?;
        for _ in 0..=HOPS {
            let mut request = client.request(question.method.clone(), at.clone()).headers(headers.clone());
            if let Some(form) = &question.form {
                let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
                request = request.header(CONTENT_TYPE, form_type).body(form.clone());
            }
            let mut response = request.send().await.map_err(|error| fault(&error))?;
            if response.status().is_redirection() {
                at = next(&at, response.headers().get(LOCATION))?;
                continue;
            }
            let (status, date) = (response.status().as_u16(), super::date_of(response.headers()));
            let mut body = Vec::new();
            while let Some(piece) = response.chunk().await.map_err(|error| fault(&error))? {
                if body.len() + piece.len() > limits.body {
                    return Err(judge::too_large(limits.body));
                }
                body.extend_from_slice(&piece);
            }
            return judge::direct(upstream.server, Reply { status, body: body.into(), date });
        }
        Err(Fault::Server(format!("it redirects in a circle (more than {HOPS} times)")))
    }

    async fn client(&self, upstream: &Upstream, limits: &Limits, at: &Url) -> Result<reqwest::Client, Fault> {
        if let Some(client) = self.known() {
            return Ok(client);
        }
        let (file, connect, own) = (upstream.access.ca_file.clone(), limits.connect, is_this_machine(at));
        let made = tokio::task::spawn_blocking(move || {
            let mut builder = reqwest::Client::builder()
                .redirect(Policy::none())
                .referer(false)
                .connect_timeout(connect)
                .pool_max_idle_per_host(4);
            if own {
                builder = builder.no_proxy();
            }
            if let Some(file) = file {
                let shown = first_line(&file.display().to_string());
                let pem = std::fs::read(&file).map_err(|error| {
                    let why = first_line(&error.to_string());
                    Fault::Broken(format!("the caFile {shown} cannot be read: {why}"))
                })?;
                let bundle = Certificate::from_pem_bundle(&pem).unwrap_or_default();
                if bundle.is_empty() {
                    return Err(Fault::Broken(format!("the caFile {shown} holds no certificate (PEM)")));
                }
                builder = builder.tls_certs_merge(bundle);
            }
            builder.build().map_err(|error| Fault::Broken(deepest(&error)))
        });
        let client = made.await.map_err(|_| Fault::Broken("the client could not be made".to_owned()))??;
        if let Ok(mut kept) = self.0.lock() {
            *kept = Some(client.clone());
        }
        Ok(client)
    }

    fn known(&self) -> Option<reqwest::Client> {
        self.0.lock().ok()?.clone()
    }
}

/// As for the API server: addresses of this very machine are never reached through a proxy of the environment.
fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Where a redirect leads, as long as it stays with the same scheme, host and port: nobody else gets our question,
/// much less our credentials.
fn next(at: &Url, location: Option<&HeaderValue>) -> Result<Url, Fault> {
    let to = location
        .and_then(|location| location.to_str().ok())
        .and_then(|location| at.join(location).ok())
        .ok_or_else(|| Fault::Server("it redirects to nowhere".to_owned()))?;
    if to.origin() != at.origin() {
        let host = clean(to.host_str().unwrap_or_default()).into_owned();
        let port = to.port().map(|port| format!(":{port}")).unwrap_or_default();
        return Err(Fault::Unauthorized(format!(
            "it redirects to {}://{host}{port}, which is not followed so that nothing secret is sent there; a login \
             page perhaps: write bearerTokenFile, basicAuth or headers, or the final URL",
            clean(to.scheme())
        )));
    }
    Ok(to)
}

fn fault(error: &reqwest::Error) -> Fault {
    if error.is_builder() {
        return Fault::Broken(deepest(error));
    }
    if error.is_timeout() {
        return Fault::Unreachable("no connection in time".to_owned());
    }
    if error.is_decode() {
        return Fault::Unreachable(format!("the answer broke off: {}", deepest(error)));
    }
    // The error of reqwest itself names the whole URL; what it is caused by does not.
    match error.source() {
        Some(cause) => certificate(cause).unwrap_or_else(|| Fault::of_transport(cause)),
        None => Fault::Unreachable("the connection was cut".to_owned()),
    }
}

/// What is wrong with a certificate, where the way out is another one than for a kubeconfig.
fn certificate(error: &(dyn std::error::Error + 'static)) -> Option<Fault> {
    use rustls::CertificateError as Bad;
    let mut next = Some(error);
    for _ in 0..24 {
        let error = next?;
        if let Some(rustls::Error::InvalidCertificate(bad)) = error.downcast_ref::<rustls::Error>() {
            let words = match bad {
                Bad::UnknownIssuer => {
                    "its certificate is signed by an authority that is not trusted here: write the authority's \
                     certificate as caFile"
                }
                Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
                    "its certificate is for another name: write the URL with the name that it has"
                }
                _ => return None,
            };
            return Some(Fault::Unreachable(words.to_owned()));
        }
        // `source` of an io::Error skips the error that it wraps.
        next = match error.downcast_ref::<std::io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as &(dyn std::error::Error + 'static)),
            None => error.source(),
        };
    }
    None
}

fn deepest(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    first_line(&cause.to_string())
}
