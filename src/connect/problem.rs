//! What went wrong with a request, in words that a tired person understands.
//!
//! The layers below us (kube, hyper, rustls, the operating system) nest their errors; [`Fault::of`] walks down to
//! the one that tells, classifies it by what the caller can do about it, and writes one clean sentence. It decides
//! nothing: the supervisor of a cluster turns a fault into a `Link`, a watch into a `Feed`, a question into an answer.

use std::error::Error as StdError;
use std::io::ErrorKind;
use std::time::Duration;

use kube::core::Status;

use crate::text::clean;

/// A failed request, by what can be done about it. The text is clean and fit for the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 401: the credentials are missing, wrong or expired.
    Unauthorized(String),
    /// 403: known to the server, and refused.
    Forbidden(String),
    /// 404: not there, or the kind is not served.
    NotFound(String),
    /// 410, or a version from the future (504): start over with a list.
    Expired(String),
    /// 400 or 422: the request is not understood; asking in the same way again is useless.
    Invalid(String),
    /// 429: asked too often.
    Throttled {
        /// How long to wait, when the server said so.
        after: Option<Duration>,
        /// What it said.
        message: String,
    },
    /// Any other answer that is no success: 5xx, or a proxy's page.
    Server(String),
    /// The connection could not be made, broke, or nothing came in time.
    Unreachable(String),
    /// An answer came that is not what the API promises.
    Garbled(String),
    /// An answer that is longer than what is read of one.
    TooLarge(String),
    /// Our side cannot make such requests at all: an unreadable certificate, a proxy of an unknown kind.
    Broken(String),
}

impl Fault {
    /// The sentence.
    #[must_use]
    pub fn words(&self) -> &str {
        match self {
            Fault::Unauthorized(text)
            | Fault::Forbidden(text)
            | Fault::NotFound(text)
            | Fault::Expired(text)
            | Fault::Invalid(text)
            | Fault::Throttled { message: text, .. }
            | Fault::Server(text)
            | Fault::Unreachable(text)
            | Fault::Garbled(text)
            | Fault::TooLarge(text)
            | Fault::Broken(text) => text,
        }
    }

    /// Nothing came within this time.
    #[must_use]
    pub fn timed_out(limit: Duration) -> Fault {
        Fault::Unreachable(format!("no answer within {} s", limit.as_secs().max(1)))
    }

    /// Whether the server answered at all.
    #[must_use]
    pub fn answered(&self) -> bool {
        !matches!(self, Fault::Unreachable(_) | Fault::Broken(_))
    }

    /// Classifies an error of the client.
    #[must_use]
    pub fn of(error: &kube::Error) -> Fault {
        match error {
            kube::Error::Api(status) => Fault::of_status(status),
            kube::Error::SerdeError(cause) => {
                Fault::Garbled(format!("the answer is no valid JSON of this kind ({})", place_of(cause)))
            }
            kube::Error::FromUtf8(_) => Fault::Garbled("the answer is not UTF-8".to_owned()),
            kube::Error::ProxyProtocolUnsupported { proxy_url }
            | kube::Error::ProxyProtocolDisabled { proxy_url, .. } => Fault::Broken(format!(
                "the proxy {} is of a kind that is not supported: use http, https or socks5",
                clean(&super::contexts::without_credentials(&proxy_url.to_string()))
            )),
            kube::Error::RustlsTls(cause) => {
                Fault::Broken(sentence("the certificates of this context", cause))
            }
            kube::Error::InferKubeconfig(cause) => Fault::Broken(sentence("the kubeconfig", cause)),
            kube::Error::Auth(cause) => Fault::Unauthorized(sentence("the credentials", cause)),
            kube::Error::UpgradeConnection(cause) => {
                Fault::Server(sentence("the server refused to open a stream", cause))
            }
            other => Fault::of_transport(other),
        }
    }

    /// Classifies what the API server said.
    #[must_use]
    pub fn of_status(status: &Status) -> Fault {
        let message = said(status);
        let details = status.details.as_ref();
        let too_large = details.is_some_and(|details| {
            details.causes.iter().any(|cause| cause.reason == "ResourceVersionTooLarge")
        });
        match status.code {
            401 if message == "Unauthorized" => {
                Fault::Unauthorized("the server does not accept these credentials (401)".to_owned())
            }
            401 => Fault::Unauthorized(message),
            403 => Fault::Forbidden(message),
            404 => Fault::NotFound(message),
            410 => Fault::Expired(message),
            504 if too_large => Fault::Expired(message),
            400 | 422 => Fault::Invalid(message),
            429 => Fault::Throttled {
                after: details
                    .map(|details| Duration::from_secs(u64::from(details.retry_after_seconds)))
                    .filter(|wait| !wait.is_zero()),
                message,
            },
            _ => Fault::Server(message),
        }
    }

    /// Classifies an error below HTTP.
    pub(super) fn of_transport(error: &(dyn StdError + 'static)) -> Fault {
        let mut deepest = error;
        let mut next = Some(error);
        // A chain that bites its own tail must not hang us.
        for _ in 0..24 {
            let Some(current) = next else { break };
            deepest = current;
            if let Some(words) = tls_words(current) {
                return Fault::Unreachable(words);
            }
            next = match current.downcast_ref::<std::io::Error>() {
                Some(io) => match io_words(io) {
                    Some(words) => return Fault::Unreachable(words.to_owned()),
                    // `source` of an io::Error skips the error that it wraps.
                    None => io.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
                },
                None => current.source(),
            };
            let text = current.to_string();
            if text.contains("dns error") || text.contains("failed to lookup address") {
                return Fault::Unreachable("the server's name is not known (DNS)".to_owned());
            }
        }
        Fault::Unreachable(first_line(&deepest.to_string()))
    }
}

/// What a Status says, in one clean line; the code when it says nothing.
fn said(status: &Status) -> String {
    let message = first_line(&status.message);
    // A proxy's error page is no sentence.
    if message.is_empty() || message.starts_with('<') {
        return format!("the server answered {}", code_words(status.code));
    }
    match status.code {
        429 => format!("too many requests: {message}"),
        500.. => format!("the server answered {}: {message}", code_words(status.code)),
        _ => message,
    }
}

fn code_words(code: u16) -> String {
    match http::StatusCode::from_u16(code).ok().and_then(|code| code.canonical_reason()) {
        Some(reason) => format!("{code} {reason}"),
        None => format!("{code}"),
    }
}

fn place_of(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
}

fn sentence(about: &str, error: &(dyn StdError + 'static)) -> String {
    format!("{about}: {}", first_line(&error.to_string()))
}

/// The first line, cleaned, of a length that fits a screen.
#[must_use]
pub fn first_line(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    let clean = clean(line);
    if clean.chars().count() <= 300 {
        return clean.into_owned();
    }
    clean.chars().take(299).chain(['…']).collect()
}

fn io_words(error: &std::io::Error) -> Option<&'static str> {
    Some(match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused: nothing listens there",
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => {
            "the connection was cut"
        }
        ErrorKind::UnexpectedEof => "the connection was closed in the middle of an answer",
        ErrorKind::TimedOut => "no answer (timed out)",
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "no route to the server",
        ErrorKind::NetworkDown => "the network is down",
        ErrorKind::PermissionDenied => "the operating system forbids the connection",
        _ => return None,
    })
}

/// rustls is asked by type; its variants say more than its sentences.
fn tls_words(error: &(dyn StdError + 'static)) -> Option<String> {
    use rustls::CertificateError as Bad;
    let words = match error.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(bad) => match bad {
            Bad::Expired | Bad::ExpiredContext { .. } => {
                "the server's certificate has expired (or a clock is wrong)".to_owned()
            }
            Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
                "the server's certificate is not valid yet (or a clock is wrong)".to_owned()
            }
            Bad::UnknownIssuer => "the server's certificate is signed by an authority that the kubeconfig does not \
                 trust; if its certificate-authority is the server's own certificate (some Rancher and RKE2 files), \
                 put the authority that issued it there instead"
                .to_owned(),
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
                "the server's certificate is for another name; see tls-server-name of the kubeconfig".to_owned()
            }
            Bad::Revoked => "the server's certificate has been revoked".to_owned(),
            other => format!("the server's certificate is not accepted: {}", first_line(&format!("{other}"))),
        },
        rustls::Error::AlertReceived(alert) => {
            format!("the server ended the TLS handshake ({alert:?}); it may not accept the client certificate")
        }
        other => format!("TLS: {}", first_line(&other.to_string())),
    };
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    fn status(code: u16, message: &str) -> Fault {
        Fault::of_status(&Status::failure(message, "").with_code(code))
    }

    #[test]
    fn answers_are_classified_by_what_can_be_done() {
        assert!(matches!(status(401, "Unauthorized"), Fault::Unauthorized(_)));
        assert!(matches!(status(403, "pods is forbidden"), Fault::Forbidden(m) if m == "pods is forbidden"));
        assert!(matches!(status(410, "too old"), Fault::Expired(_)));
        assert!(matches!(status(422, "sendInitialEvents"), Fault::Invalid(_)));
        assert!(matches!(status(429, ""), Fault::Throttled { after: None, .. }));
        assert_eq!(status(503, "<html>x").words(), "the server answered 503 Service Unavailable");
        assert_eq!(status(503, "busy\nmore").words(), "the server answered 503 Service Unavailable: busy");
    }

    #[test]
    fn foreign_control_characters_do_not_pass() {
        assert_eq!(status(403, "no \u{1b}[31mred\u{1b}[0m").words(), "no red");
    }

    #[test]
    fn the_deepest_cause_is_found() {
        let io = std::io::Error::from(ErrorKind::ConnectionRefused);
        let wrapped = std::io::Error::other(std::io::Error::other(io));
        let fault = Fault::of(&kube::Error::Service(Box::new(wrapped)));
        assert_eq!(fault.words(), "connection refused: nothing listens there");
        let tls = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let fault = Fault::of(&kube::Error::Service(Box::new(std::io::Error::other(tls))));
        assert!(fault.words().contains("authority"), "{fault:?}");
    }
}
