//! The client against servers that answer whatever a test writes, byte for byte.

use std::sync::Mutex;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;
use crate::domain::id::ClusterId;
use crate::domain::upstream::{Access, Server};

/// Answers every connection once with these bytes, or with nothing; tells what was asked and when the other side left.
struct Canned {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    left: mpsc::UnboundedReceiver<()>,
    arrived: mpsc::UnboundedReceiver<()>,
}

async fn canned(answer: impl Into<Vec<u8>>) -> Canned {
    let answer: Vec<u8> = answer.into();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (gone, left) = mpsc::unbounded_channel();
    let (came, arrived) = mpsc::unbounded_channel();
    let heard = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (answer, heard, gone, came) = (answer.clone(), heard.clone(), gone.clone(), came.clone());
            tokio::spawn(async move {
                let mut buffer = vec![0; 64 << 10];
                let read = stream.read(&mut buffer).await.unwrap_or(0);
                heard.lock().unwrap().push(String::from_utf8_lossy(&buffer[..read]).into_owned());
                came.send(()).ok();
                if answer.is_empty() {
                    // Says nothing, and notices when the other side gives up.
                    while stream.read(&mut buffer).await.unwrap_or(0) > 0 {}
                    gone.send(()).ok();
                } else {
                    stream.write_all(&answer).await.ok();
                    stream.shutdown().await.ok();
                }
            });
        }
    });
    Canned { url, asked, left, arrived }
}

fn http(status: &str, more: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\n{more}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn at(url: &str, access: Access) -> Client {
    rustls::crypto::ring::default_provider().install_default().ok();
    let upstream = Upstream { server: Server::Prometheus, address: Address::Url(url.into()), access };
    let limits = Limits { answer: Duration::from_secs(20), ..Limits::default() };
    Client::new(Arc::new(upstream), None, limits)
}

async fn told(answer: impl Into<Vec<u8>>) -> Result<Reply, Fault> {
    at(&canned(answer).await.url, Access::default()).get("/api/v1/query", &[("query", "up")]).await
}

#[tokio::test]
async fn answers_of_the_api_come_back_good_or_bad() {
    let server = canned(http("200 OK", "", r#"{"status":"success"}"#)).await;
    let client = at(&format!("{}/prom", server.url), Access::default());
    let reply = client.get("/api/v1/query", &[("query", "a{b=~\"c d\"}")]).await.unwrap();
    let value: serde_json::Value = reply.json().unwrap();
    assert_eq!(value["status"], "success");
    let line = server.asked.lock().unwrap()[0].lines().next().unwrap().to_owned();
    assert_eq!(line, "GET /prom/api/v1/query?query=a%7Bb%3D~%22c%20d%22%7D HTTP/1.1");

    let bad = told(http("422 Unprocessable Entity", "", r#"{"status":"error"}"#)).await.unwrap();
    assert_eq!((bad.status, bad.is_good()), (422, false));
    let form = canned(http("200 OK", "", "{}")).await;
    at(&form.url, Access::default()).post_form("/q", &[("query", "a+b")]).await.unwrap();
    let asked = form.asked.lock().unwrap()[0].clone();
    assert!(asked.starts_with("POST /q HTTP/1.1") && asked.ends_with("query=a%2Bb"), "{asked}");
}

#[tokio::test]
async fn what_is_no_answer_of_the_api_is_told_in_words() {
    let page = "<!DOCTYPE html><title>Sign in</title>";
    let cases = [
        (http("200 OK", "", page), "a login page perhaps"),
        (http("502 Bad Gateway", "", page), "502 Bad Gateway (a web page"),
        (
            http("401 Unauthorized", "", "no"),
            "asks for credentials (401): no: see prometheus.bearerTokenFile",
        ),
        (http("403 Forbidden", "", page), "refuses these credentials (403)"),
        (
            http("302 Found", "Location: https://login.example/x?secret=1\r\n", ""),
            "redirects to https://login.example, which is not followed",
        ),
        (http("302 Found", "Location: /again\r\n", ""), "in a circle"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_owned(), "the answer broke off"),
        ("nonsense\r\n\r\n".to_owned(), "HTTP"),
    ];
    for (answer, expected) in cases {
        let fault = told(answer.clone()).await.unwrap_err();
        let words = fault.words();
        assert!(words.contains(expected), "{answer}\n{words}");
        assert!(!words.contains("127.0.0.1"), "{words}");
    }
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let fault = at(&format!("http://{closed}"), Access::default()).get("/", &[]).await.unwrap_err();
    assert_eq!(fault.words(), "connection refused: nothing listens there");
    let garbled = told(http("200 OK", "", r#"{"status":3"#)).await.unwrap().json::<serde_json::Value>();
    assert!(garbled.unwrap_err().words().contains("ends in the middle"));
}

#[tokio::test]
async fn an_answer_without_end_is_not_read() {
    let long = "x".repeat(3000);
    let server = canned(http("200 OK", "", &long)).await;
    let upstream = Upstream {
        server: Server::Prometheus,
        address: Address::Url(server.url.as_str().into()),
        access: Access::default(),
    };
    rustls::crypto::ring::default_provider().install_default().ok();
    let client = Client::new(Arc::new(upstream), None, Limits { body: 2048, ..Limits::default() });
    assert!(client.get("/", &[]).await.unwrap_err().words().contains("larger than"));
}

#[tokio::test]
async fn credentials_go_to_the_server_alone_and_into_no_words() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, "s3cret\n").unwrap();
    let access = Access {
        bearer_token_file: Some(file.clone()),
        headers: vec![
            ("X-Team".into(), Secret::Plain("shop".into())),
            ("X-Key".into(), Secret::File(file.clone())),
        ],
        tenant: Some("anchor".into()),
        ..Access::default()
    };
    let other = canned(http("200 OK", "", "{}")).await;
    let redirect = http("307 Temporary Redirect", &format!("Location: {}/take\r\n", other.url), "");
    let server = canned(redirect).await;
    let fault = at(&server.url, access.clone()).get("/q", &[]).await.unwrap_err();
    assert!(!fault.words().contains("s3cret"), "{fault:?}");
    assert!(other.asked.lock().unwrap().is_empty(), "the other host was asked");
    let asked = server.asked.lock().unwrap()[0].to_ascii_lowercase();
    for header in ["authorization: bearer s3cret", "x-team: shop", "x-key: s3cret", "x-scope-orgid: anchor"] {
        assert!(asked.contains(header), "{header}: {asked}");
    }

    // The file is read at each question.
    std::fs::write(&file, "newer").unwrap();
    at(&server.url, access.clone()).get("/q", &[]).await.unwrap_err();
    assert!(server.asked.lock().unwrap()[1].contains("Bearer newer"));
    std::fs::write(&file, "bad\u{7}").unwrap();
    let fault = at(&server.url, access.clone()).get("/q", &[]).await.unwrap_err();
    assert_eq!(fault.words(), "the header X-Key holds something that cannot be sent");
    std::fs::write(&file, "pass\n").unwrap();
    let basic = Access { basic_auth: Some(("me".into(), file.clone())), ..Access::default() };
    at(&server.url, basic).get("/q", &[]).await.unwrap_err();
    let asked = server.asked.lock().unwrap().last().unwrap().clone();
    assert!(asked.to_ascii_lowercase().contains("authorization: basic bwu6cgfzcw=="), "{asked}");
    std::fs::remove_file(&file).unwrap();
    let basic = Access { basic_auth: Some(("me".into(), file)), ..Access::default() };
    let fault = at(&server.url, basic).get("/q", &[]).await.unwrap_err();
    assert!(
        fault.words().contains("the password: the file") && fault.words().contains("cannot be read"),
        "{fault:?}"
    );
}

#[tokio::test]
async fn a_dropped_question_closes_its_connection() {
    let mut server = canned("").await;
    let client = at(&server.url, Access::default());
    let question = tokio::spawn(async move { client.get("/slow", &[]).await.map(|_| ()) });
    server.arrived.recv().await.unwrap();
    question.abort();
    server.left.recv().await.unwrap();
}

#[tokio::test]
async fn nothing_in_time_is_told() {
    let mut server = canned("").await;
    let upstream = Upstream {
        server: Server::Prometheus,
        address: Address::Url(server.url.as_str().into()),
        access: Access::default(),
    };
    rustls::crypto::ring::default_provider().install_default().ok();
    let limits = Limits { answer: Duration::from_millis(300), ..Limits::default() };
    let fault = Client::new(Arc::new(upstream), None, limits).get("/", &[]).await.unwrap_err();
    assert_eq!(fault.words(), "no answer within 1 s");
    server.left.recv().await.unwrap();
}

/// A cluster's client whose requests all go to this server.
fn cluster(url: &str) -> kube::Client {
    let mut config = kube::Config::new(url.parse().unwrap());
    config.default_retry = false;
    kube::Client::try_from(config).unwrap()
}

async fn through_the_proxy(answer: String, access: Access) -> (Result<Reply, Fault>, String) {
    rustls::crypto::ring::default_provider().install_default().ok();
    let server = canned(answer).await;
    let kube = cluster(&server.url);
    let address = Address::Service {
        cluster: ClusterId(0),
        namespace: "monitoring".into(),
        name: "prom".into(),
        port: "9090".into(),
        tls: true,
        prefix: "/prometheus".into(),
    };
    let upstream = Arc::new(Upstream { server: Server::Prometheus, address, access });
    let client = Client::new(upstream, Some(Arc::new(move || Some(kube.clone()))), Limits::default());
    let reply = client.post_form("/api/v1/query", &[("query", "up")]).await;
    let asked = server.asked.lock().unwrap().first().cloned().unwrap_or_default();
    (reply, asked)
}

#[tokio::test]
async fn the_service_proxy_is_asked_with_the_rights_of_the_kubeconfig() {
    let access = Access { tenant: Some("a".into()), ..Access::default() };
    let (reply, asked) = through_the_proxy(http("200 OK", "", "{}"), access).await;
    assert_eq!(reply.unwrap().status, 200);
    let line = asked.lines().next().unwrap();
    let path =
        "/api/v1/namespaces/monitoring/services/https:prom:9090/proxy/prometheus/api/v1/query?query=up";
    assert_eq!(line, format!("GET {path} HTTP/1.1"));
    assert!(asked.to_ascii_lowercase().contains("x-scope-orgid: a"), "{asked}");

    let status = |code: u16, reason: &str, message: &str| {
        format!(
            r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","message":"{message}","reason":"{reason}","code":{code}}}"#
        )
    };
    let cases = [
        (
            http("403 Forbidden", "", &status(403, "Forbidden", "services is forbidden")),
            "services is forbidden; the right `get` on `services/proxy` is needed",
        ),
        (
            http("503 Service Unavailable", "", &status(503, "ServiceUnavailable", "no endpoints available")),
            "the API server cannot reach the Service monitoring/prom:9090/prometheus: ",
        ),
        (http("401 Unauthorized", "", "Unauthorized"), "asks for credentials of its own (401)"),
        (http("302 Found", "Location: /login\r\n", ""), "redirects, to a login page perhaps"),
        (http("200 OK", "", "<html>"), "a web page came"),
    ];
    for (answer, expected) in cases {
        let fault = through_the_proxy(answer, Access::default()).await.0.unwrap_err();
        assert!(fault.words().contains(expected), "{}", fault.words());
    }
    // The server's own refusal is its answer.
    let own = http("400 Bad Request", "", r#"{"status":"error","errorType":"bad_data"}"#);
    assert_eq!(through_the_proxy(own, Access::default()).await.0.unwrap().status, 400);
}

#[test]
fn queries_are_encoded() {
    assert_eq!(encode(&[("a b", "c&d=é"), ("e", "~-._")]), "a%20b=c%26d%3D%C3%A9&e=~-._");
}
