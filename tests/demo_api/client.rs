//! A bare HTTP client for the tests: requests as text, answers as JSON, bodies line by line. Shares nothing with the
//! program's own client.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use pilothouse::demo::store::Store;
use pilothouse::demo::{DemoServer, Fault};
use serde_json::Value;

use crate::real::{self, Front};
use crate::seed::{self, Logs, setup};

/// Longer than anything a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(20);
pub const POD: &str = "/api/v1/namespaces/shop-prod/pods/web-5d8f7c6b9d-aaaaa";
pub const PODS: &str = "/api/v1/namespaces/shop-prod/pods";
pub const WEB: &str = "/apis/apps/v1/namespaces/shop-prod/deployments/web";
pub const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
pub const PARTIAL: &str = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
pub const PARTIALS: &str = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";

/// An API server and a client of it: the demo's, or a real one.
pub struct Api {
    pub url: String,
    /// Of an administrator.
    pub token: String,
    /// Of one who may read two namespaces, but no Secrets.
    pub viewer: String,
    /// What the server calls that user.
    pub viewer_name: &'static str,
    judge: Judge,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// Who answers.
enum Judge {
    Demo(DemoServer, Logs),
    Real(Front),
}

/// An answer read to its end.
pub struct Answer {
    pub code: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    /// Checks that this is a refusal in the form of a `metav1.Status`, and gives its message.
    pub fn refused(&self, code: u16, reason: &str) -> String {
        let status = self.json();
        assert_eq!(self.code, code, "{}", self.body);
        assert_eq!(status["kind"], "Status", "{}", self.body);
        assert_eq!(status["status"], "Failure", "{}", self.body);
        assert_eq!(status["code"], code, "{}", self.body);
        assert_eq!(status["reason"], reason, "{}", self.body);
        status["message"].as_str().unwrap().to_owned()
    }
}

fn token(kubeconfig: &std::path::Path) -> String {
    let config: Value = serde_yaml::from_str(&std::fs::read_to_string(kubeconfig).unwrap()).unwrap();
    config["users"][0]["user"]["token"].as_str().unwrap().to_owned()
}

impl Api {
    fn new(judge: Judge, url: String, tokens: [String; 2], viewer_name: &'static str) -> Self {
        let [token, viewer] = tokens;
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { url, token, viewer, viewer_name, judge, client }
    }

    /// The demo's server with the objects of `seed`.
    pub async fn demo() -> Self {
        let logs = Logs::default();
        let server = DemoServer::serve(vec![setup("k3s-edge", &logs)], None).await.unwrap();
        let url = server.clusters()[0].url.clone();
        let tokens = [token(server.kubeconfig()), token(server.restricted_kubeconfig())];
        let api = Self::new(Judge::Demo(server, logs), url, tokens, "demo-viewer");
        seed::fill(&api).await;
        api
    }

    /// The real one, emptied and with the same objects. Nobody else has it while this lives.
    pub async fn real() -> Self {
        let (front, tokens) = real::front().await;
        let url = front.url();
        let api = Self::new(Judge::Real(front), url, tokens, real::VIEWER);
        seed::sweep(&api).await;
        seed::fill(&api).await;
        api
    }

    /// Whether this is the demo, for what is known to differ.
    pub fn is_demo(&self) -> bool {
        matches!(self.judge, Judge::Demo(..))
    }

    /// The demo's server, for tests that only it can judge.
    pub fn server(&self) -> &DemoServer {
        match &self.judge {
            Judge::Demo(server, _) => server,
            Judge::Real(_) => panic!("this is not the demo"),
        }
    }

    /// What the demo's containers say.
    pub fn logs(&self) -> &Logs {
        match &self.judge {
            Judge::Demo(_, logs) => logs,
            Judge::Real(_) => panic!("this is not the demo"),
        }
    }

    pub fn store(&self) -> &Store {
        &self.server().clusters()[0].store
    }

    pub fn fault(&self, fault: impl Into<Option<Fault>>) {
        self.server().set_fault("k3s-edge", fault.into());
    }

    /// The newest version that there is.
    pub async fn version(&self) -> u64 {
        let list = self.get("/api/v1/namespaces/default/serviceaccounts").await.json();
        list["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
    }

    /// Forgets the past.
    pub async fn compact(&self) {
        match &self.judge {
            Judge::Demo(server, _) => server.clusters()[0].store.compact(),
            Judge::Real(front) => {
                front.compact().await;
                let rollouts = "/apis/argoproj.io/v1alpha1/rollouts";
                self.until("definitions are served again", async || self.get(rollouts).await.code == 200)
                    .await;
                self.until("pods are served again", async || self.get(PODS).await.code == 200).await;
            }
        }
    }

    /// A version that was, and that the server has forgotten.
    pub async fn forgotten_version(&self) -> u64 {
        let version = self.version().await;
        for n in 0..3 {
            self.change(POD, &serde_json::json!({"metadata": {"annotations": {"n": n.to_string()}}})).await;
        }
        self.compact().await;
        version
    }

    /// Makes an object with its status, and gives it as it was stored.
    pub async fn make(&self, path: &str, object: &Value) -> Value {
        let made = self.post(path, object).await;
        assert_eq!(made.code, 201, "{path}: {}", made.body);
        let mut made = made.json();
        let Some(status) = object.get("status") else { return made };
        made["status"] = status.clone();
        let name = made["metadata"]["name"].as_str().unwrap().to_owned();
        let done = self.put(&format!("{path}/{name}/status"), &made).await;
        assert_eq!(done.code, 200, "{path}: {}", done.body);
        done.json()
    }

    /// Changes an object, or a part of it that is written apart (`.../status`), by a merge patch.
    pub async fn change(&self, path: &str, patch: &Value) -> Value {
        let done = self.patch("merge-patch+json", path, patch).await;
        assert_eq!(done.code, 200, "{path}: {}", done.body);
        done.json()
    }

    /// Waits until this holds.
    pub async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let waited = async {
            while !holds().await {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waited).await.unwrap_or_else(|_| panic!("never came: {what}"));
    }

    /// Removes an object at once.
    pub async fn remove(&self, path: &str) {
        let gone = self.delete(&format!("{path}?gracePeriodSeconds=0")).await;
        assert_eq!(gone.code, 200, "{path}: {}", gone.body);
    }

    /// Sends a request; headers as pairs, the token of the administrator unless another is given.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Response<Incoming>, hyper_util::client::legacy::Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
        tokio::time::timeout(PATIENCE, self.client.request(request)).await.expect("an answer in time")
    }

    pub async fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let response = self.send(method, path, headers, body).await.unwrap();
        let (code, headers) = (response.status().as_u16(), response.headers().clone());
        let read = tokio::time::timeout(PATIENCE, response.into_body().collect()).await;
        let body = read.expect("a body in time").unwrap().to_bytes();
        Answer { code, headers, body: String::from_utf8_lossy(&body).into_owned() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], "").await
    }

    pub async fn get_as(&self, accept: &str, path: &str) -> Value {
        let answer = self.call("GET", path, &[("accept", accept)], "").await;
        assert_eq!(answer.code, 200, "{}", answer.body);
        answer.json()
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, &[("content-type", "application/json")], &body.to_string()).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.call("PUT", path, &[("content-type", "application/json")], &body.to_string()).await
    }

    pub async fn patch(&self, kind: &str, path: &str, body: &Value) -> Answer {
        let kind = format!("application/{kind}");
        self.call("PATCH", path, &[("content-type", kind.as_str())], &body.to_string()).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, &[], "").await
    }

    /// Opens a body that goes on.
    pub async fn open(&self, accept: &str, path: &str) -> Lines {
        let response = self.send("GET", path, &[("accept", accept)], "").await.unwrap();
        assert_eq!(response.status(), 200);
        Lines { body: response.into_body(), buffer: Vec::new() }
    }

    pub async fn watch(&self, path: &str) -> Lines {
        self.open("application/json", path).await
    }
}

/// A body read line by line.
pub struct Lines {
    body: Incoming,
    buffer: Vec<u8>,
}

impl Lines {
    /// The next line; None at the end (or when the connection is cut).
    pub async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.buffer.iter().position(|b| *b == b'\n') {
                let rest = self.buffer.split_off(end + 1);
                let line = std::mem::replace(&mut self.buffer, rest);
                return Some(String::from_utf8(line).unwrap().trim_end().to_owned());
            }
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("more in time")?;
            match frame {
                Ok(frame) => self.buffer.extend_from_slice(frame.data_ref().unwrap()),
                Err(_) => return None,
            }
        }
    }

    /// The next watch event, as type and object.
    pub async fn event(&mut self) -> (String, Value) {
        let line = self.line().await.expect("an event before the end");
        let mut event: Value = serde_json::from_str(&line).unwrap();
        (event["type"].as_str().unwrap().to_owned(), event["object"].take())
    }

    /// The next watch event, as type and name.
    pub async fn named(&mut self) -> (String, String) {
        let (kind, object) = self.event().await;
        (kind, object["metadata"]["name"].as_str().unwrap_or_default().to_owned())
    }
}

pub fn names(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    items.iter().map(|i| i["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}
