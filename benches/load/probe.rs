//! A change in the cluster, on its way to the screen.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::server::Server;
use super::tty::Program;

/// One API server over plain HTTP, one connection a request; HTTP/1.0, whose answers come in one piece.
pub struct Api {
    /// `127.0.0.1:port`
    address: String,
    /// What stands before `/api`.
    prefix: String,
}

impl Api {
    /// The first cluster of the demo's kubeconfig.
    pub fn of(server: &Server) -> Api {
        let text = std::fs::read_to_string(server.kubeconfig()).unwrap();
        let config: Value = serde_yaml::from_str(&text).unwrap();
        let url = config["clusters"][0]["cluster"]["server"].as_str().unwrap().to_owned();
        let rest = url.strip_prefix("http://").unwrap();
        let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
        Api { address: address.to_owned(), prefix: format!("/{path}") }
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Value {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!(
            "{method} {}{path} HTTP/1.0\r\nHost: {}\r\nAccept: application/json\r\n\
             Content-Type: application/merge-patch+json\r\nContent-Length: {}\r\n\r\n{body}",
            self.prefix,
            self.address,
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (begin, end) = (answer.find('{').unwrap_or(0), answer.rfind('}').unwrap_or(0));
        assert!(answer.split(' ').nth(1) == Some("200"), "{method} {path}: {answer}");
        serde_json::from_str(&answer[begin..=end]).unwrap_or(Value::Null)
    }

    /// Namespaces and names of the pods of one app.
    pub fn pods(&self) -> Vec<(String, String)> {
        let list = self.ask("GET", "/api/v1/namespaces/orders-prod/pods?limit=12", "");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let items = list["items"].as_array().cloned().unwrap_or_default();
        items
            .iter()
            .map(|pod| (text(&pod["metadata"]["namespace"]), text(&pod["metadata"]["name"])))
            .collect()
    }

    /// Gives a pod a status that is shown as it is; the time just before the request is sent.
    pub fn mark(&self, (namespace, name): &(String, String), status: &str) -> Instant {
        let body = format!("{{\"status\":{{\"reason\":\"{status}\"}}}}");
        let sent = Instant::now();
        self.ask("PATCH", &format!("/api/v1/namespaces/{namespace}/pods/{name}/status"), &body);
        sent
    }
}

/// Changes the pods of one app in turn, with only that app on the screen.
pub fn changes_to_screen(server: &Server, program: &Program, count: usize) -> Vec<Duration> {
    let api = Api::of(server);
    let pods = api.pods();
    let app: Vec<&str> = pods[0].1.split('-').take(2).collect();
    program.press(&format!("/{}\r", app.join("-")));
    let pods: Vec<_> = pods.iter().filter(|(_, name)| name.starts_with(&app.join("-"))).collect();
    program.when("filtered pods", |screen| screen.contents().contains(pods[0].1.as_str()));
    let change = |at: usize| {
        let status = format!("Probe{at}");
        let sent = api.mark(pods[at % pods.len()], &status);
        program.when("changed pod", |screen| screen.contents().contains(&status)) - sent
    };
    (0..count).map(change).collect()
}
