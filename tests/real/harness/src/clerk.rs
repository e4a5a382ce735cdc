//! The administrator's requests, sent by this process: what tests ask again and again until it comes. A kubectl for each
//! would be a quarter of a second of a core, which made up a good part of what the tests computed.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use eyre::{Context as _, Result, eyre};
use http::Request;
use kube::Client;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::cluster::client;

/// Where requests run: tests ask and wait, in whatever runtime they are.
#[allow(clippy::expect_used, reason = "without a thread there is no harness")]
static DESK: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread().worker_threads(1).thread_name("clerk").enable_all().build().expect("a thread")
});

/// How often a kind is asked for that is not known: its definition may be a moment old.
const LOOKS: usize = 50;

/// How long the API server may take for an answer; the client of its own would wait for ever.
const LIMIT: Duration = Duration::from_secs(30);

/// Sends requests as the administrator.
pub(crate) struct Clerk {
    kubeconfig: PathBuf,
    limit: Duration,
    client: OnceLock<Client>,
    /// By group and version, then by kind.
    kinds: Mutex<HashMap<String, Arc<HashMap<String, Plural>>>>,
}

impl fmt::Debug for Clerk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clerk").field("kubeconfig", &self.kubeconfig).finish_non_exhaustive()
    }
}

/// How a kind is called in a path.
#[derive(Clone, Debug)]
struct Plural {
    name: String,
    namespaced: bool,
}

/// Does it in the clerk's own runtime, and waits for so long.
fn wait<T: Send + 'static>(
    limit: Duration,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let (done, result) = std::sync::mpsc::sync_channel(1);
    DESK.spawn(async move {
        let answer = tokio::time::timeout(limit, work).await;
        let answer = answer.unwrap_or_else(|_| Err(eyre!("no answer within {limit:?}")));
        // Nobody waits any more only when the test has panicked.
        let _ = done.send(answer);
    });
    result.recv().map_err(|_| eyre!("the request was given up"))?
}

impl Clerk {
    /// The kubeconfig is read with the first request.
    pub(crate) fn of(kubeconfig: &Path) -> Clerk {
        Clerk {
            kubeconfig: kubeconfig.to_owned(),
            limit: LIMIT,
            client: OnceLock::new(),
            kinds: Mutex::default(),
        }
    }

    fn client(&self) -> Result<Client> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        let kubeconfig = self.kubeconfig.clone();
        let made = wait(self.limit, async move { client(&kubeconfig).await })?;
        Ok(self.client.get_or_init(|| made).clone())
    }

    fn ask(&self, request: Request<Vec<u8>>) -> Result<Value> {
        let client = self.client()?;
        let what = format!("{} {}", request.method(), request.uri());
        wait(self.limit, async move { Ok(client.request::<Value>(request).await?) }).wrap_err(what)
    }

    /// What is at a path.
    ///
    /// # Errors
    /// When the API server refuses, or has no such thing.
    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        self.ask(Request::get(path).body(Vec::new())?)
    }

    /// Creates an object.
    ///
    /// # Errors
    /// When the API server refuses.
    pub(crate) fn create(&self, object: &Value) -> Result<()> {
        let (collection, _) = self.place(object)?;
        let request = Request::post(collection).header("content-type", "application/json");
        self.ask(request.body(object.to_string().into_bytes())?).map(drop)
    }

    /// Applies an object, or each of a List, as `kubectl apply --server-side --force-conflicts` does.
    ///
    /// # Errors
    /// When the API server refuses.
    pub(crate) fn apply(&self, object: &Value) -> Result<()> {
        if object["kind"] == "List" {
            return object["items"].as_array().into_iter().flatten().try_for_each(|one| self.apply(one));
        }
        let (collection, name) = self.place(object)?;
        let path = format!("{collection}/{name}?fieldManager=kubectl&force=true&fieldValidation=Strict");
        // JSON is YAML.
        let request = Request::patch(path).header("content-type", "application/apply-patch+yaml");
        self.ask(request.body(object.to_string().into_bytes())?).map(drop)
    }

    /// The path of an object's collection, and its name.
    fn place(&self, object: &Value) -> Result<(String, String)> {
        let word = |value: &Value| value.as_str().map(str::to_owned);
        let version = word(&object["apiVersion"]).ok_or_else(|| eyre!("no apiVersion: {object}"))?;
        let kind = word(&object["kind"]).ok_or_else(|| eyre!("no kind: {object}"))?;
        let name = word(&object["metadata"]["name"]).ok_or_else(|| eyre!("no name: {object}"))?;
        let namespace = object["metadata"]["namespace"].as_str();
        let plural = self.plural(&version, &kind)?;
        let namespace = plural.namespaced.then_some(namespace.unwrap_or("default"));
        Ok((collection(namespace, &format!("{version}/{}", plural.name)), name))
    }

    fn plural(&self, version: &str, kind: &str) -> Result<Plural> {
        let mut problem = None;
        let began = Instant::now();
        // One that is silent takes the whole limit for each look.
        for look in (0..LOOKS).take_while(|_| began.elapsed() < self.limit) {
            let known = self.kinds.lock().unwrap_or_else(PoisonError::into_inner).get(version).cloned();
            if let Some(plural) = known.and_then(|kinds| kinds.get(kind).cloned()) {
                return Ok(plural);
            }
            if look > 0 {
                std::thread::sleep(Duration::from_millis(100));
            }
            match self.get(&collection(None, version)) {
                Ok(list) => {
                    let kinds = Arc::new(kinds(&list));
                    self.kinds
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .insert(version.to_owned(), kinds);
                }
                Err(error) => problem = Some(error),
            }
        }
        Err(problem.unwrap_or_else(|| eyre!("no kind is named {kind} in {version}")))
    }
}

/// The path of what is written `apps/v1/deployments` or `v1/pods`, with or without a name behind.
pub(crate) fn collection(namespace: Option<&str>, written: &str) -> String {
    let (group, rest) = match written.split_once('/') {
        Some(("v1", rest)) => ("/api/v1".to_owned(), rest),
        Some((group, rest)) => {
            let (version, rest) = rest.split_once('/').unwrap_or((rest, ""));
            (format!("/apis/{group}/{version}"), rest)
        }
        None => (format!("/api/{written}"), ""),
    };
    let namespace = namespace.map(|name| format!("/namespaces/{name}")).unwrap_or_default();
    let rest = if rest.is_empty() { String::new() } else { format!("/{rest}") };
    format!("{group}{namespace}{rest}")
}

/// The kinds of a group and version, without subresources.
fn kinds(list: &Value) -> HashMap<String, Plural> {
    let resources = list["resources"].as_array().into_iter().flatten();
    let plural = |resource: &Value| {
        let name = resource["name"].as_str().filter(|name| !name.contains('/'))?;
        let namespaced = resource["namespaced"].as_bool()?;
        Some((resource["kind"].as_str()?.to_owned(), Plural { name: name.to_owned(), namespaced }))
    };
    resources.filter_map(plural).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::people::{self, Credentials};

    #[test]
    fn who_never_answers_is_given_up() {
        // Nobody accepts what the system took for it.
        let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", mute.local_addr().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        let token = Credentials::Token("played".to_owned());
        people::write(&kubeconfig, &people::kubeconfig("mute", &address, None, None, &token)).unwrap();
        let clerk = Clerk { limit: Duration::from_millis(300), ..Clerk::of(&kubeconfig) };
        let error = format!("{:#}", clerk.get("/api/v1/nodes").unwrap_err());
        assert_eq!(error, "GET /api/v1/nodes: no answer within 300ms");
        // Also where it would look again and again.
        let began = Instant::now();
        let object = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "desk"}});
        let error = format!("{:#}", clerk.create(&object).unwrap_err());
        assert_eq!(error, "GET /api/v1: no answer within 300ms");
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }

    #[test]
    fn paths_are_those_of_the_api() {
        for (namespace, written, path) in [
            (None, "v1", "/api/v1"),
            (None, "apps/v1", "/apis/apps/v1"),
            (None, "v1/nodes", "/api/v1/nodes"),
            (Some("shop"), "v1/pods/cart-0", "/api/v1/namespaces/shop/pods/cart-0"),
            (Some("shop"), "apps/v1/deployments", "/apis/apps/v1/namespaces/shop/deployments"),
        ] {
            assert_eq!(collection(namespace, written), path);
        }
    }
}
