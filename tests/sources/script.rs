//! A small HTTP server whose answers a test writes.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use http_body_util::StreamBody;
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What a request looks like to a script.
pub struct Seen {
    /// Path without the query.
    pub path: String,
    pub query: String,
    /// How many requests with this path came before.
    pub before: usize,
    pub token: String,
}

impl Seen {
    pub fn is_watch(&self) -> bool {
        self.query.contains("watch=true")
    }
    pub fn is_streaming_list(&self) -> bool {
        self.query.contains("sendInitialEvents=true")
    }
    /// The version that a watch goes on from.
    pub fn version(&self) -> Option<&str> {
        self.query.split('&').find_map(|pair| pair.strip_prefix("resourceVersion="))
    }
}

/// What a script answers.
pub enum Reply {
    /// A whole answer.
    Json(u16, Value),
    /// The same with `Retry-After`.
    Busy(u16, u64),
    /// Pieces of a body, and how it ends.
    Body(Vec<Vec<u8>>, Ending),
    /// Whatever else a server may say: status, headers, bytes.
    Raw(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// Nothing, ever.
    Hang,
}

pub enum Ending {
    /// As bodies end.
    Clean,
    /// In the middle.
    Cut,
    /// Not at all: the connection stays and is silent.
    Open,
}

type Script = Box<dyn FnMut(&Seen) -> Option<Reply> + Send>;

struct Inside {
    script: Script,
    seen: Vec<(String, String)>,
    tokens: Vec<String>,
}

pub struct Server {
    pub url: String,
    dir: tempfile::TempDir,
    inside: Arc<Mutex<Inside>>,
    down: Arc<AtomicBool>,
    cut: watch::Sender<u32>,
    _tasks: JoinSet<()>,
}

impl Server {
    /// For the files of a test; it goes with the server.
    pub fn folder(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Serves; what the script leaves unanswered is answered as by an empty, healthy cluster.
    pub async fn start(script: impl FnMut(&Seen) -> Option<Reply> + Send + 'static) -> Server {
        rustls::crypto::ring::default_provider().install_default().ok();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inside =
            Arc::new(Mutex::new(Inside { script: Box::new(script), seen: Vec::new(), tokens: Vec::new() }));
        let down = Arc::new(AtomicBool::new(false));
        let (cut, _) = watch::channel(0);
        let mut tasks = JoinSet::new();
        let (shared, is_down, cuts) = (Arc::clone(&inside), Arc::clone(&down), cut.clone());
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let Ok((socket, _)) = listener.accept().await else { continue };
                if is_down.load(Ordering::SeqCst) {
                    continue; // dropped: the connection closes
                }
                let (shared, mut cuts) = (Arc::clone(&shared), cuts.subscribe());
                connections.spawn(async move {
                    let service = service_fn(move |request| {
                        let reply = answer(&shared, &request);
                        async move { Ok::<_, Infallible>(respond(reply).await) }
                    });
                    let serve = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(socket), service);
                    tokio::select! {
                        _ = serve => {}
                        _ = cuts.changed() => {}
                    }
                });
            }
        });
        Server { url, dir: tempfile::tempdir().unwrap(), inside, down, cut, _tasks: tasks }
    }

    /// A kubeconfig with one context, `test`, whose user is this.
    pub fn kubeconfig(&self, user: &str) -> PathBuf {
        let file = self.dir.path().join("config");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\nclusters:\n- name: c\n  cluster: {{server: \"{}\"}}\n\
             users:\n- name: u\n  user: {user}\ncontexts:\n- name: test\n  context: {{cluster: c, user: u}}\n",
            self.url
        );
        std::fs::write(&file, text).unwrap();
        file
    }

    /// A user whose plugin gives `token1` at its first run, `token2` at its second, and so on.
    pub fn counting_plugin(&self) -> String {
        let script = format!(
            "echo x >> {0}; n=$(wc -l < {0}); echo '{{\\\"status\\\": {{\\\"token\\\": \\\"token'$((n))'\\\"}}}}'",
            self.plugin_runs().display()
        );
        format!(
            "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: [\"-c\", \"{script}\"]}}}}"
        )
    }

    /// A file with a line for each run of the plugin.
    pub fn plugin_runs(&self) -> PathBuf {
        self.dir.path().join("count")
    }

    /// From now on connections are refused, and those that stand are cut.
    pub fn go_down(&self) {
        self.down.store(true, Ordering::SeqCst);
        self.cut_all();
    }

    pub fn come_back(&self) {
        self.down.store(false, Ordering::SeqCst);
    }

    /// Cuts every connection once.
    pub fn cut_all(&self) {
        self.cut.send_modify(|n| *n += 1);
    }

    /// Whether somebody has asked with this token.
    pub fn has_seen_token(&self, token: &str) -> bool {
        self.inside.lock().unwrap().tokens.iter().any(|seen| seen == token)
    }

    /// Queries of all requests to this path so far.
    pub fn queries(&self, path: &str) -> Vec<String> {
        let inside = self.inside.lock().unwrap();
        inside.seen.iter().filter(|(p, _)| p == path).map(|(_, query)| query.clone()).collect()
    }
}

fn answer(inside: &Mutex<Inside>, request: &http::Request<Incoming>) -> Reply {
    let mut inside = inside.lock().unwrap();
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let before = inside.seen.iter().filter(|(p, _)| *p == path).count();
    inside.seen.push((path.clone(), query.clone()));
    let token = request.headers().get("authorization").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let token = token.trim_start_matches("Bearer ").to_owned();
    inside.tokens.push(token.clone());
    let seen = Seen { path, query, before, token };
    (inside.script)(&seen).unwrap_or_else(|| healthy(&seen))
}

/// An empty cluster that is well.
pub fn healthy(seen: &Seen) -> Reply {
    match &*seen.path {
        "/version" => Reply::Json(200, json!({"gitVersion": "v1.36.3"})),
        "/api/v1/namespaces/kube-system" => Reply::Json(200, json!({"metadata": {"uid": "cluster-uid"}})),
        path if path.starts_with("/apis/metrics.k8s.io") => Reply::Json(404, status(404, "not found")),
        _ if seen.is_streaming_list() => events(&[bookmark("5", true)], Ending::Open),
        _ if seen.is_watch() => events(&[], Ending::Open),
        _ => Reply::Json(200, list(&[], "5", "")),
    }
}

/// Watch events as a body.
pub fn events(events: &[Value], ending: Ending) -> Reply {
    Reply::Body(events.iter().map(|event| format!("{event}\n").into_bytes()).collect(), ending)
}

pub fn added(object: Value) -> Value {
    event("ADDED", object)
}

/// Written by hand, since servers put the type first.
pub fn event(kind: &str, object: Value) -> Value {
    json!({"type": kind, "object": object})
}

pub fn bookmark(version: &str, end: bool) -> Value {
    let notes = if end { json!({"k8s.io/initial-events-end": "true"}) } else { json!({}) };
    event(
        "BOOKMARK",
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"resourceVersion": version, "annotations": notes}}),
    )
}

pub fn list(items: &[Value], version: &str, next: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": version, "continue": next}, "items": items})
}

pub fn status(code: u16, message: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "message": message, "reason": ""})
}

/// A running pod. Its uid is made of its name.
pub fn pod(name: &str, version: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "resourceVersion": version},
        "spec": {"containers": [{"name": "app", "image": "app:1"}], "restartPolicy": "Always"},
        "status": {"phase": "Running", "containerStatuses": [{"name": "app", "ready": true, "state": {"running": {}}}]},
    })
}

type Pieces = std::pin::Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, std::io::Error>> + Send>>;

async fn respond(reply: Reply) -> http::Response<StreamBody<Pieces>> {
    let (code, headers, pieces, ending) = match reply {
        Reply::Json(code, value) => (code, Vec::new(), vec![value.to_string().into_bytes()], Ending::Clean),
        Reply::Busy(code, after) => {
            let after = vec![("retry-after", after.to_string())];
            (code, after, vec![b"too many requests".to_vec()], Ending::Clean)
        }
        Reply::Raw(code, headers, body) => (code, headers, vec![body], Ending::Clean),
        Reply::Body(pieces, ending) => (200, Vec::new(), pieces, ending),
        Reply::Hang => std::future::pending().await,
    };
    let pieces = stream::iter(pieces.into_iter().map(|piece| Ok(Frame::data(Bytes::from(piece)))));
    let body: Pieces = match ending {
        Ending::Clean => Box::pin(pieces),
        Ending::Cut => Box::pin(pieces.chain(stream::once(async {
            // What was written before is on its way first.
            tokio::task::yield_now().await;
            Err(std::io::Error::other("cut by the script"))
        }))),
        Ending::Open => Box::pin(pieces.chain(stream::pending())),
    };
    let mut response = http::Response::builder().status(code);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(StreamBody::new(body)).unwrap()
}
