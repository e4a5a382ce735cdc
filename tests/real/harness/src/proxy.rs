//! A man in the middle who is slow, cuts, truncates, goes silent or answers in the server's place.
//!
//! It speaks plain HTTP/1.1 to the client and TLS to the API server, and passes the client's own credentials on. The
//! first rule that matches a request decides about it; without one it goes through.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use eyre::{Result, WrapErr as _};
use futures::StreamExt as _;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::{Client, Config};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::cluster::Cluster;
use crate::ports::Port;

/// What happens to a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// The answer begins later by this, and each piece of it too.
    Slow(Duration),
    /// The request waits until [`Proxy::lets_go`] is called, and goes through then.
    Held,
    /// Nothing comes back, and the connection stays open.
    Silent,
    /// The connection is cut before anything is answered.
    Cut,
    /// The connection is cut after so many bytes of the body.
    CutAfter(usize),
    /// The body ends after so many bytes as if that were all.
    Truncate(usize),
    /// The body stops after so many bytes; the connection stays open.
    Freeze(usize),
    /// The answer is this status instead, with seconds for `Retry-After` when there are some.
    Answer(u16, Option<u32>),
    /// The request goes through and its answer is eaten: the connection is cut after the server answered.
    Eat,
}

/// Which requests a fault is for.
#[derive(Clone, Debug)]
pub struct Rule {
    /// All of them.
    contains: Vec<String>,
    fault: Fault,
    left: usize,
}

impl Rule {
    /// For requests whose path and query contain this; the empty text is in all.
    pub fn on(contains: &str, fault: Fault) -> Rule {
        Rule { contains: vec![contains.to_owned()], fault, left: usize::MAX }
    }

    /// Only those that contain this too.
    pub fn and(mut self, contains: &str) -> Rule {
        self.contains.push(contains.to_owned());
        self
    }

    /// Only the next so many of them.
    pub fn times(mut self, times: usize) -> Rule {
        self.left = times;
        self
    }
}

#[derive(Debug)]
struct Shared {
    rules: Mutex<Vec<Rule>>,
    /// Counted up to cut what is open.
    cuts: watch::Sender<usize>,
    requests: Mutex<Vec<(Instant, String)>>,
    met: AtomicUsize,
    /// Whether what is held may go on.
    released: watch::Sender<bool>,
}

impl Shared {
    fn fault(&self, uri: &str) -> Option<Fault> {
        let request = (Instant::now(), uri.to_owned());
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let rule = rules
            .iter_mut()
            .find(|rule| rule.left > 0 && rule.contains.iter().all(|part| uri.contains(part)))?;
        rule.left -= 1;
        self.met.fetch_add(1, Ordering::Relaxed);
        Some(rule.fault.clone())
    }
}

/// A running proxy; it ends when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    port: Port,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.cut_all();
    }
}

impl Proxy {
    /// Starts it before a cluster's API server.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start(cluster: &Cluster) -> Result<Proxy> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut config = Config::new(cluster.url().parse()?);
        let pem = std::fs::read(cluster.ca_file()).wrap_err("the API server's certificate")?;
        config.root_cert = Some(certificates(&pem)?);
        // What the server answers is the client's to see, refusals too.
        config.default_retry = false;
        let upstream = Client::try_from(config)?;
        let port = Port::take()?;
        let listener = TcpListener::bind(port.address()).await?;
        let shared = Arc::new(Shared {
            rules: Mutex::default(),
            cuts: watch::channel(0).0,
            requests: Mutex::default(),
            met: AtomicUsize::new(0),
            released: watch::channel(false).0,
        });
        let task = tokio::spawn(serve(listener, upstream, Arc::clone(&shared)));
        Ok(Proxy { port, shared, task })
    }

    /// Its address, for a kubeconfig.
    pub fn url(&self) -> String {
        self.port.http()
    }

    /// From now on these rules, the first that matches decides; none lets everything through. Connections that are
    /// open keep what they began with.
    pub fn rules(&self, rules: Vec<Rule>) {
        *self.shared.rules.lock().unwrap_or_else(PoisonError::into_inner) = rules;
    }

    /// Cuts every connection that is open now.
    pub fn cut_all(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// What is held goes through, and what would be held from now on too.
    pub fn lets_go(&self) {
        self.shared.released.send_replace(true);
    }

    /// How many requests met a fault.
    pub fn met(&self) -> usize {
        self.shared.met.load(Ordering::Relaxed)
    }

    /// Path and query of everything that was asked, in order.
    pub fn requests(&self) -> Vec<String> {
        self.timed_requests().into_iter().map(|(_, uri)| uri).collect()
    }

    /// The same, each with the moment in which it came.
    pub fn timed_requests(&self) -> Vec<(Instant, String)> {
        self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The certificates of a PEM file, DER.
fn certificates(pem: &[u8]) -> Result<Vec<Vec<u8>>> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    CertificateDer::pem_slice_iter(pem)
        .map(|certificate| Ok(certificate.wrap_err("the API server's certificate")?.to_vec()))
        .collect()
}

async fn serve(listener: TcpListener, upstream: Client, shared: Arc<Shared>) {
    loop {
        // A connection that failed while it was taken is the client's to try again.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (upstream, shared) = (upstream.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            let mut cuts = shared.cuts.subscribe();
            let service = service_fn(|request| pass(request, upstream.clone(), Arc::clone(&shared)));
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                // Cut or ended by the client: both are what was wanted.
                _ = connection => {}
                _ = cuts.changed() => {}
            }
        });
    }
}

type Answer = Response<UnsyncBoxBody<Bytes, Broken>>;

/// What a service says to have its connection cut.
#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut by the proxy")
    }
}

impl std::error::Error for Broken {}

impl From<Infallible> for Broken {
    fn from(never: Infallible) -> Broken {
        match never {}
    }
}

async fn pass(request: Request<Incoming>, upstream: Client, shared: Arc<Shared>) -> Result<Answer, Broken> {
    let uri = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let fault = shared.fault(&uri);
    match fault {
        Some(Fault::Silent) => futures::future::pending().await,
        Some(Fault::Cut) => return Err(Broken),
        Some(Fault::Answer(status, after)) => return answer(status, after),
        Some(Fault::Slow(time)) => tokio::time::sleep(time).await,
        Some(Fault::Held) => {
            shared.released.subscribe().wait_for(|released| *released).await.map_err(|_| Broken)?;
        }
        _ => {}
    }
    let (mut parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
    parts.headers.remove(http::header::HOST);
    let forwarded = Request::from_parts(parts, kube::client::Body::from(body.to_vec()));
    let response = upstream.send(forwarded).await.map_err(|_| Broken)?;
    if fault == Some(Fault::Eat) {
        return Err(Broken);
    }
    let (mut parts, body) = response.into_parts();
    // Lengths are no longer true when something is taken away.
    parts.headers.remove(http::header::CONTENT_LENGTH);
    parts.headers.remove(http::header::TRANSFER_ENCODING);
    Ok(Response::from_parts(parts, tampered(body, fault).boxed_unsync()))
}

fn answer(status: u16, after: Option<u32>) -> Result<Answer, Broken> {
    let reason = http::StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason());
    let text = format!(
        r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","message":"{}","code":{status}}}"#,
        reason.unwrap_or("made up by the proxy")
    );
    let mut response = Response::builder().status(status).header("content-type", "application/json");
    if let Some(seconds) = after {
        response = response.header("retry-after", seconds);
    }
    let body = Full::new(Bytes::from(text)).map_err(Broken::from).boxed_unsync();
    response.body(body).map_err(|_| Broken)
}

/// The server's body with the fault in it.
fn tampered(
    body: kube::client::Body,
    fault: Option<Fault>,
) -> impl hyper::body::Body<Data = Bytes, Error = Broken> {
    let pieces = body.into_data_stream();
    let state = (pieces, fault, 0_usize);
    let stream = futures::stream::unfold(Some(state), |state| async {
        let (mut pieces, fault, sent) = state?;
        if let Some(Fault::Slow(time)) = fault {
            tokio::time::sleep(time).await;
        }
        let limit = match fault {
            Some(Fault::CutAfter(limit) | Fault::Truncate(limit) | Fault::Freeze(limit)) => limit,
            _ => usize::MAX,
        };
        if sent >= limit {
            return match fault {
                Some(Fault::CutAfter(_)) => Some((Err(Broken), None)),
                Some(Fault::Freeze(_)) => futures::future::pending().await,
                _ => None,
            };
        }
        match pieces.next().await? {
            Err(_) => Some((Err(Broken), None)),
            Ok(piece) => {
                let piece = piece.slice(..piece.len().min(limit - sent));
                let sent = sent + piece.len();
                Some((Ok(Frame::data(piece)), Some((pieces, fault, sent))))
            }
        }
    });
    StreamBody::new(stream)
}
