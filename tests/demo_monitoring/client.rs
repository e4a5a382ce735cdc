//! Two servers behind a test: a Prometheus and the Alertmanager that it tells, spoken to in plain HTTP.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use pilothouse::demo::{self, DemoOptions, DemoServer};
use serde_json::{Value, json};

use super::real::{self, Turn};

/// Who keeps them running.
enum Judge {
    Demo { _server: DemoServer },
    Real { _turn: Turn },
}

pub struct Servers {
    prometheus: String,
    alertmanager: String,
    client: Client<HttpConnector, Full<Bytes>>,
    _judge: Judge,
}

/// An answer: its code, its `allow` header, its body.
pub struct Answer {
    pub code: u16,
    pub allow: String,
    pub text: String,
}

impl Answer {
    /// The body as JSON; as a string where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| Value::String(self.text.clone()))
    }
}

impl Servers {
    /// The demo's of production, where the world stands still.
    pub async fn demo() -> Servers {
        let server = demo::start(DemoOptions { speed: 0.0, ..DemoOptions::default() }).await.unwrap();
        let (_, prometheus, alertmanager) = server.monitoring()[1].clone();
        Servers::at(prometheus, alertmanager, Judge::Demo { _server: server })
    }

    pub async fn real() -> Servers {
        let turn = real::turn().await;
        let (prometheus, alertmanager) = turn.urls();
        Servers::at(prometheus, alertmanager, Judge::Real { _turn: turn })
    }

    fn at(prometheus: String, alertmanager: String, judge: Judge) -> Servers {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Servers { prometheus, alertmanager, client, _judge: judge }
    }

    async fn send(&self, method: &str, url: String, kind: &str, body: &str) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(url)
            .header("content-type", kind)
            .body(Full::new(Bytes::from(body.to_owned())))
            .unwrap();
        let answer = self.client.request(request);
        let answer = tokio::time::timeout(Duration::from_secs(30), answer).await.unwrap().unwrap();
        let (code, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        Answer {
            code,
            allow: headers.get("allow").map(|h| h.to_str().unwrap().to_owned()).unwrap_or_default(),
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// Of the Prometheus, by the path below its root.
    pub async fn of_prometheus(&self, method: &str, path: &str, form: &str) -> Answer {
        let url = format!("{}/{path}", self.prometheus);
        self.send(method, url, "application/x-www-form-urlencoded", form).await
    }

    /// The data of an answer of Prometheus to a GET.
    pub async fn ask(&self, path: &str) -> Value {
        let whole = self.ask_whole(path).await;
        assert_eq!(whole["warnings"], Value::Null, "{path}");
        whole["data"].clone()
    }

    /// The same with what stands around it.
    pub async fn ask_whole(&self, path: &str) -> Value {
        let answer = self.of_prometheus("GET", &format!("api/v1/{path}"), "").await;
        let body = answer.json();
        assert_eq!((answer.code, &body["status"]), (200, &json!("success")), "{path}: {body}");
        body
    }

    /// What a question that is refused is told: code, kind, words.
    pub async fn refused(&self, path: &str) -> (u16, String, String) {
        let answer = self.of_prometheus("GET", &format!("api/v1/{path}"), "").await;
        let body = answer.json();
        assert_eq!(body["status"], "error", "{path}: {body}");
        let text = |key: &str| body[key].as_str().unwrap().to_owned();
        (answer.code, text("errorType"), text("error"))
    }

    /// Of the Alertmanager, by the path below its root.
    pub async fn of_alertmanager(&self, method: &str, path: &str, body: &str) -> Answer {
        self.send(method, format!("{}/{path}", self.alertmanager), "application/json", body).await
    }

    /// What Alertmanager's API answers to a GET.
    pub async fn told(&self, path: &str) -> Value {
        let answer = self.of_alertmanager("GET", &format!("api/v2/{path}"), "").await;
        assert_eq!(answer.code, 200, "{path}: {}", answer.text);
        answer.json()
    }
}

/// For the query of a URL.
pub fn encoded(text: &str) -> String {
    text.bytes().map(|b| format!("%{b:02X}")).collect()
}

/// The keys of an object.
pub fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// That all of these keys are there.
pub fn has(object: &Value, wanted: &[&str]) {
    let keys = keys(object);
    for key in wanted {
        assert!(keys.contains(key), "no {key}: {object}");
    }
}
