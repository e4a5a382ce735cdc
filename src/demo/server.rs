//! Listens, and takes each request past faults and authentication to the routes. One listener for each cluster, on a
//! free loopback port. All tasks belong to the server and end with it.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, HeaderValue, Request, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::Fault;
use super::access::User;
use super::cluster::Cluster;
use super::error::ApiError;
use super::monitoring::{Monitoring, proxy};
use super::query;
use super::respond::{self, Answer};
use super::routes;

/// Before the token in the URLs of the kubeconfigs.
pub const DOOR: &str = "/demo/";

/// Tasks that end when the last holder lets go or `abort_all` is called.
#[derive(Debug, Clone, Default)]
pub struct Tasks(Arc<Mutex<JoinSet<()>>>);

impl Tasks {
    /// Runs a task until it ends or the server does.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut set = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while set.try_join_next().is_some() {}
        set.spawn(task);
    }

    /// Ends all.
    pub fn abort_all(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}

/// Binds a free loopback port and serves the cluster on it.
pub async fn listen(cluster: Arc<Cluster>, tasks: &Tasks) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let all = tasks.clone();
    tasks.spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => all.spawn(connection(cluster.clone(), stream, all.clone())),
                // Out of file descriptors or a connection gone before it was taken: others may still work.
                Err(error) => {
                    tracing::warn!("demo: accept failed: {error}");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            }
        }
    });
    Ok(address)
}

/// Binds a free loopback port and serves Prometheus or Alertmanager alone on it, for everybody who asks.
pub async fn listen_monitoring(
    monitoring: Arc<Monitoring>,
    server: proxy::Server,
    tasks: &Tasks,
) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let all = tasks.clone();
    tasks.spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            };
            let monitoring = monitoring.clone();
            all.spawn(async move {
                let service = service_fn(move |request: Request<Incoming>| {
                    let monitoring = monitoring.clone();
                    async move { Ok::<_, Infallible>(alone(monitoring, server, request).await) }
                });
                let served = hyper::server::conn::http1::Builder::new();
                if let Err(error) = served.serve_connection(TokioIo::new(stream), service).await {
                    tracing::debug!("demo: connection ended: {error}");
                }
            });
        }
    });
    Ok(address)
}

async fn alone(monitoring: Arc<Monitoring>, server: proxy::Server, mut request: Request<Incoming>) -> Answer {
    let body = match routes::read_body(request.body_mut()).await {
        Ok(body) => body,
        Err(error) => return respond::error(&error),
    };
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let asked = proxy::Asked {
        method: request.method().clone(),
        path: query::decode(request.uri().path().trim_start_matches('/'), false),
        query: query::Query::parse(request.uri().query().unwrap_or_default()),
        form: kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")),
        body,
    };
    proxy::answer(monitoring, server, asked).await
}

async fn connection(cluster: Arc<Cluster>, stream: TcpStream, tasks: Tasks) {
    let mut faults = cluster.faults.subscribe();
    if faults.borrow_and_update().present == Some(Fault::Down) {
        return;
    }
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("demo: no TCP_NODELAY: {error}");
    }
    let service = service_fn(|request| answer(cluster.clone(), request, tasks.clone()));
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let down = faults.wait_for(|faults| faults.present == Some(Fault::Down));
    tokio::select! {
        ended = served => {
            if let Err(error) = ended {
                tracing::debug!("demo: connection ended: {error}");
            }
        }
        _ = down => {}
    }
}

async fn answer(
    cluster: Arc<Cluster>,
    request: Request<Incoming>,
    tasks: Tasks,
) -> Result<Answer, Infallible> {
    let mut faults = cluster.faults.subscribe();
    let hung = faults.wait_for(|faults| faults.present != Some(Fault::Hang)).await;
    let present = hung.map(|faults| faults.present.clone()).unwrap_or_default();
    match present {
        Some(Fault::Status(code)) => return Ok(respond::error(&broken(code))),
        Some(Fault::Unauthorized) => return Ok(respond::error(&ApiError::unauthorized())),
        Some(Fault::Slow(delay)) => tokio::time::sleep(delay).await,
        _ => {}
    }
    let token = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
        .unwrap_or_default();
    let path = request.uri().path().to_owned();
    let (door, path) = split_door(&path);
    // Clients built on client-go never send a token over plain HTTP; for them it is in the server's URL.
    let token = if request.headers().contains_key(header::AUTHORIZATION) { token } else { door };
    let Some(user) = cluster.user(token).cloned() else {
        return Ok(respond::error(&ApiError::unauthorized()));
    };
    let user = match impersonated(request.headers(), &user, &cluster) {
        Ok(user) => user,
        Err(error) => return Ok(respond::error(&error)),
    };
    Ok(routes::answer(&cluster, &user, (door, path), request, &tasks)
        .await
        .unwrap_or_else(|error| respond::error(&error)))
}

/// The user, or the one that the headers want to ask as (`kubectl --as`).
fn impersonated(headers: &HeaderMap, user: &User, cluster: &Cluster) -> Result<User, ApiError> {
    let text = |value: &HeaderValue| value.to_str().map(str::to_owned).unwrap_or_default();
    let Some(name) = headers.get("impersonate-user").map(text) else { return Ok(user.clone()) };
    let groups: Vec<String> = headers.get_all("impersonate-group").iter().map(text).collect();
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    user.acting_as(&name, &groups, &cluster.users)
}

/// Splits `/demo/TOKEN/api/v1` into the token and the path of the API; without such a door the token is empty.
fn split_door(path: &str) -> (&str, &str) {
    let Some(rest) = path.strip_prefix(DOOR) else { return ("", path) };
    match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    }
}

/// What a server in trouble says with a code.
fn broken(code: u16) -> ApiError {
    let mut error = match code {
        429 => ApiError::new(429, "TooManyRequests", "Too many requests, please try again later."),
        503 => {
            ApiError::new(503, "ServiceUnavailable", "the server is currently unable to handle the request")
        }
        504 => {
            ApiError::new(504, "Timeout", "the server was unable to return a response in the time allotted")
        }
        401 => ApiError::unauthorized(),
        403 => ApiError::new(403, "Forbidden", "forbidden"),
        500 => ApiError::internal("the demo was told to fail"),
        other => ApiError::new(other, "", format!("the demo was told to answer {other}")),
    };
    if matches!(code, 429 | 503) {
        error.retry_after = Some(1);
    }
    error
}
