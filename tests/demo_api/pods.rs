//! What only pods have: logs, exec, attach, eviction.
//!
//! The real API server of these tests has no kubelets. What has no second judge here is asked by kubectl before KWOK's and the
//! demo's (`tests/real/kubectl/commands.txt`: logs with their options, exec, attach), and the program itself before both
//! (`tests/sources/demo.rs`).

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use http::Request;
use serde_json::{Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::client::{Api, PATIENCE, POD, PODS};

#[tokio::test]
async fn logs_once() {
    let api = &Api::demo().await;
    for n in 0..5 {
        api.logs().write(&format!("line {n}"));
    }
    let all = api.get(&format!("{POD}/log")).await;
    assert_eq!(all.headers["content-type"], "text/plain");
    assert_eq!(all.body, "line 0\nline 1\nline 2\nline 3\nline 4\n");
    assert_eq!(api.get(&format!("{POD}/log?tailLines=2&container=app")).await.body, "line 3\nline 4\n");
    assert_eq!(api.get(&format!("{POD}/log?limitBytes=9")).await.body, "line 0\nli");
    assert_eq!(api.get(&format!("{POD}/log?sinceTime=2100-01-01T00:00:00Z")).await.body, "");
    assert_eq!(api.get(&format!("{POD}/log?sinceSeconds=3600")).await.body.lines().count(), 5);
    let stamped = api.get(&format!("{POD}/log?timestamps=true&tailLines=1")).await.body;
    let (time, text) = stamped.trim_end().split_once(' ').unwrap();
    assert_eq!((time.len(), text), (30, "line 4"));
    assert_eq!(api.get(&format!("{POD}/log?previous=true")).await.body, "java.lang.OutOfMemoryError\n");
}

async fn logs_that_cannot_be_had_say_why(api: &Api) {
    api.get(&format!("{PODS}/none/log")).await.refused(404, "NotFound");
    let wrong = api.get(&format!("{POD}/log?container=x")).await.refused(400, "BadRequest");
    assert_eq!(wrong, "container x is not valid for pod web-5d8f7c6b9d-aaaaa");
    let two = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "two"},
        "spec": {"nodeName": "node-1", "containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "x"}]}});
    api.make(PODS, &two).await;
    let which = api.get(&format!("{PODS}/two/log")).await.refused(400, "BadRequest");
    assert_eq!(which, "a container name must be specified for pod two, choose one of: [a b]");
}

#[tokio::test]
async fn logs_of_containers_that_do_not_run() {
    let api = &Api::demo().await;
    api.store()
        .update("pods", "shop-prod", "web-5d8f7c6b9d-aaaaa", |p| {
            let status = &mut p["status"]["containerStatuses"][0];
            status["state"] = json!({"waiting": {"reason": "ContainerCreating"}});
            status["lastState"] = json!({});
        })
        .unwrap();
    let waiting = api.get(&format!("{POD}/log")).await.refused(400, "BadRequest");
    assert_eq!(
        waiting,
        "container \"app\" in pod \"web-5d8f7c6b9d-aaaaa\" is waiting to start: ContainerCreating"
    );
    let previous = api.get(&format!("{POD}/log?previous=true")).await.refused(400, "BadRequest");
    assert_eq!(previous, "previous terminated container \"app\" in pod \"web-5d8f7c6b9d-aaaaa\" not found");
}

#[tokio::test]
async fn logs_followed_until_the_container_ends() {
    let api = &Api::demo().await;
    api.logs().write("before");
    let mut lines = api.open("*/*", &format!("{POD}/log?follow=true")).await;
    assert_eq!(lines.line().await.unwrap(), "before");
    api.logs().write("after");
    assert_eq!(lines.line().await.unwrap(), "after");
    api.store()
        .update("pods", "shop-prod", "web-5d8f7c6b9d-aaaaa", |p| {
            p["status"]["containerStatuses"][0]["state"] =
                json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
        })
        .unwrap();
    assert_eq!(lines.line().await, None);
}

/// A websocket to a subresource of the pod, and the protocol agreed on.
struct Session {
    socket: WebSocketStream<hyper_util::rt::TokioIo<hyper::upgrade::Upgraded>>,
    protocol: String,
}

impl Session {
    async fn open(api: &Api, path: &str, protocols: &str) -> Self {
        let address = api.url.strip_prefix("http://").unwrap();
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(hyper_util::rt::TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection.with_upgrades());
        let request = Request::get(path)
            .header("host", address)
            .header("authorization", format!("Bearer {}", api.token))
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("sec-websocket-protocol", protocols)
            .body(String::new())
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), 101);
        assert_eq!(answer.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let protocol = answer.headers()["sec-websocket-protocol"].to_str().unwrap().to_owned();
        let upgraded = hyper::upgrade::on(answer).await.unwrap();
        let socket =
            WebSocketStream::from_raw_socket(hyper_util::rt::TokioIo::new(upgraded), Role::Client, None)
                .await;
        Self { socket, protocol }
    }

    async fn send(&mut self, channel: u8, text: &[u8]) {
        let frame = [&[channel], text].concat();
        self.socket.send(Message::Binary(Bytes::from(frame))).await.unwrap();
    }

    /// Everything until the end: stdout, stderr, and the Status of the error channel.
    async fn rest(mut self) -> (String, String, Value) {
        let (mut out, mut err, mut status) = (String::new(), String::new(), Value::Null);
        while let Some(message) = tokio::time::timeout(PATIENCE, self.socket.next()).await.unwrap() {
            match message.unwrap() {
                Message::Binary(data) => {
                    let text = std::str::from_utf8(&data[1..]).unwrap();
                    match data[0] {
                        1 => out.push_str(text),
                        2 => err.push_str(text),
                        3 => status = serde_json::from_str(text).unwrap(),
                        other => panic!("channel {other}"),
                    }
                }
                Message::Close(frame) => assert_eq!(u16::from(frame.unwrap().code), 1000),
                _ => {}
            }
        }
        (out, err, status)
    }
}

#[tokio::test]
async fn exec_of_a_command() {
    let api = &Api::demo().await;
    for (protocols, agreed) in
        [("v5.channel.k8s.io", "v5.channel.k8s.io"), ("x, v4.channel.k8s.io", "v4.channel.k8s.io")]
    {
        let session = Session::open(
            api,
            &format!("{POD}/exec?command=echo&command=a%20b&stdout=true&stderr=true"),
            protocols,
        )
        .await;
        assert_eq!(session.protocol, agreed);
        let (out, err, status) = session.rest().await;
        assert_eq!((out.as_str(), err.as_str(), &status["status"]), ("a b\n", "", &json!("Success")));
    }
    let session = Session::open(
        api,
        &format!("{POD}/exec?command=sh&command=-c&command=env;%20frob;%20exit%203"),
        "v5.channel.k8s.io",
    )
    .await;
    let (out, err, status) = session.rest().await;
    assert!(out.contains("MODE=live\n"), "{out}");
    assert_eq!(err, "sh: frob: not found\n");
    assert_eq!(
        (&status["reason"], &status["details"]["causes"]),
        (&json!("NonZeroExitCode"), &json!([{"reason": "ExitCode", "message": "3"}]))
    );
    let session =
        Session::open(api, &format!("{POD}/exec?command=cat&command=/etc/hostname"), "v5.channel.k8s.io")
            .await;
    assert_eq!(session.rest().await.0, "web-5d8f7c6b9d-aaaaa\n");
    let session = Session::open(api, &format!("{POD}/exec?command=frob"), "v5.channel.k8s.io").await;
    assert_eq!(session.rest().await.2["reason"], "InternalError");
}

#[tokio::test]
async fn exec_of_a_shell_on_a_terminal() {
    let api = &Api::demo().await;
    let path = format!("{POD}/exec?command=sh&stdin=true&stdout=true&tty=true");
    let mut session = Session::open(api, &path, "v5.channel.k8s.io").await;
    session.send(4, br#"{"Width":80,"Height":24}"#).await;
    session.send(0, b"hostnamX\x7fe\r").await;
    session.send(0, b"exit 4\r").await;
    let (out, _, status) = session.rest().await;
    assert_eq!(out, "/ # hostnamX\x08 \x08e\r\nweb-5d8f7c6b9d-aaaaa\r\n/ # exit 4\r\n");
    assert_eq!(status["details"]["causes"][0]["message"], "4");
}

#[tokio::test]
async fn exec_with_stdin_that_ends() {
    let api = &Api::demo().await;
    let mut session =
        Session::open(api, &format!("{POD}/exec?command=cat&stdin=true&stdout=true"), "v5.channel.k8s.io")
            .await;
    session.send(0, b"piped\n").await;
    session.send(255, &[0]).await;
    let (out, _, status) = session.rest().await;
    assert_eq!((out.as_str(), &status["status"]), ("piped\n", &json!("Success")));
}

#[tokio::test]
async fn attach_shows_what_is_written_from_now_on() {
    let api = &Api::demo().await;
    api.logs().write("before");
    let mut session = Session::open(api, &format!("{POD}/attach?stdout=true"), "v5.channel.k8s.io").await;
    api.logs().write("after");
    let message = tokio::time::timeout(PATIENCE, session.socket.next()).await.unwrap().unwrap().unwrap();
    let text = message.into_data();
    assert!(text.ends_with(b"after\n"), "{text:?}");
}

async fn exec_refused(api: &Api) {
    api.get(&format!("{POD}/exec?command=ls")).await.refused(400, "BadRequest");
    api.get(&format!("{POD}/exec")).await.refused(400, "BadRequest");
    api.get(&format!("{PODS}/none/exec?command=ls")).await.refused(404, "NotFound");
    // Pods of the demo have no ports; a real server wants another protocol first.
    let (code, reason) = if api.is_demo() { (501, "NotImplemented") } else { (400, "BadRequest") };
    api.call("POST", &format!("{POD}/portforward"), &[], "").await.refused(code, reason);
}

async fn eviction_honours_the_budget(api: &Api) {
    let evict = async |name: &str| {
        let body = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": "shop-prod"}});
        api.post(&format!("{PODS}/{name}/eviction"), &body).await
    };
    let first = evict("web-5d8f7c6b9d-aaaaa").await;
    assert_eq!((first.code, &first.json()["status"]), (201, &json!("Success")));
    let pod = api.get(POD).await.json();
    assert!(pod["metadata"]["deletionTimestamp"].is_string());
    assert!(
        pod["status"]["conditions"]
            .as_array()
            .unwrap()
            .iter()
            .any(|c| c["reason"] == "EvictionByEvictionAPI")
    );
    // The controller of budgets counts anew; it runs before neither judge.
    let budget = "/apis/policy/v1/namespaces/shop-prod/poddisruptionbudgets/web/status";
    api.change(budget, &json!({"status": {"currentHealthy": 2}})).await;
    let second = evict("web-5d8f7c6b9d-bbbbb").await;
    let message = second.refused(429, "TooManyRequests");
    assert_eq!(message, "Cannot evict pod as it would violate the pod's disruption budget.");
    let cause = &second.json()["details"]["causes"][0];
    assert_eq!(
        cause,
        &json!({"reason": "DisruptionBudget", "message": "The disruption budget web needs 2 healthy pods and has 2 currently"})
    );
    let budgets = "/apis/policy/v1/namespaces/shop-prod/poddisruptionbudgets";
    let mut other = api.get(&format!("{budgets}/web")).await.json();
    other["metadata"] = json!({"name": "second", "namespace": "shop-prod"});
    api.make(budgets, &other).await;
    let ambiguous = evict("web-5d8f7c6b9d-bbbbb").await;
    assert_eq!((ambiguous.code, ambiguous.json().get("reason")), (500, None));
    evict("none").await.refused(404, "NotFound");
}

judged! {
    logs_that_cannot_be_had_say_why,
    exec_refused,
    eviction_honours_the_budget,
}
