//! Exec and attach over websockets (v5.channel.k8s.io and v4): stdin, stdout, stderr, the exit status on the error
//! channel, resizes taken and ignored. Behind it is the shell that is none.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use http::{HeaderValue, Request, StatusCode, header};
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use super::log::container;
use super::shell::{Outcome, Shell, is_shell};
use crate::demo::cluster::Cluster;
use crate::demo::error::ApiError;
use crate::demo::respond::{self, Answer};
use crate::demo::routes::Call;
use crate::demo::server::Tasks;
use crate::demo::source::LogQuery;

const PROTOCOLS: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const ERROR: u8 = 3;
const RESIZE: u8 = 4;
/// Version 5: the other side will send no more on the channel named by the next byte.
const CLOSE: u8 = 255;
const PROMPT: &str = "/ # ";

type Failed = tokio_tungstenite::tungstenite::Error;

/// `GET .../exec` and `.../attach` with an upgrade to websocket.
pub fn answer(
    cluster: &Arc<Cluster>,
    call: &Call,
    mut request: Request<Incoming>,
    tasks: &Tasks,
) -> Result<Answer, ApiError> {
    let (ns, name) = (call.ns(), call.name());
    let pod = cluster.store().get("pods", ns, name).ok_or_else(|| ApiError::not_found("pods", name))?;
    let (container, status) = container(&pod, call.query.get("container"))?;
    if pod["spec"]["nodeName"].as_str().is_none_or(str::is_empty) {
        return Err(ApiError::bad_request(format!("pod {name} does not have a host assigned")));
    }
    if !status.is_some_and(|s| s["state"]["running"].is_object()) {
        let why = format!("unable to upgrade connection: container not found (\"{container}\")");
        return Err(ApiError::internal(why));
    }
    let command = call.query.all("command");
    let attach = call.sub.as_deref() == Some("attach");
    if command.is_empty() && !attach {
        return Err(ApiError::bad_request("you must specify at least 1 command for the container"));
    }
    let text = |name: header::HeaderName| -> String {
        request.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
    };
    if !text(header::UPGRADE).eq_ignore_ascii_case("websocket") {
        return Err(ApiError::bad_request(
            "Upgrade request required: the demo speaks exec over websockets only",
        ));
    }
    let offered = text(header::SEC_WEBSOCKET_PROTOCOL);
    let protocol = offered
        .split(',')
        .find_map(|offer| PROTOCOLS.into_iter().find(|p| *p == offer.trim()))
        .ok_or_else(|| ApiError::bad_request(format!("no supported subprotocol among \"{offered}\"")))?;
    let key = derive_accept_key(text(header::SEC_WEBSOCKET_KEY).as_bytes());
    let key = HeaderValue::from_str(&key).map_err(ApiError::internal)?;
    let upgrade = hyper::upgrade::on(&mut request);
    let session = Session {
        shell: Shell::new(&pod, &container),
        cluster: cluster.clone(),
        pod,
        container,
        command,
        tty: call.query.flag("tty"),
        stdin: call.query.flag("stdin"),
        line: String::new(),
    };
    tasks.spawn(async move {
        let socket = match upgrade.await {
            Ok(upgraded) => {
                WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await
            }
            Err(error) => return tracing::debug!("demo: no upgrade: {error}"),
        };
        let ended = if attach { session.attach(socket).await } else { session.exec(socket).await };
        if let Err(error) = ended {
            tracing::debug!("demo: session ended: {error}");
        }
    });
    let mut answer = respond::text(101, "");
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    headers.clear();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, key);
    headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    Ok(answer)
}

struct Session {
    cluster: Arc<Cluster>,
    pod: Value,
    container: String,
    shell: Shell,
    command: Vec<String>,
    tty: bool,
    stdin: bool,
    /// What was typed since the last line end.
    line: String,
}

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// What came in.
enum Input {
    Text(String),
    /// No more will come on stdin.
    Closed,
    /// The other side is gone.
    Gone,
}

async fn send(socket: &mut Socket, channel: u8, data: &[u8]) -> Result<(), Failed> {
    if data.is_empty() {
        return Ok(());
    }
    let mut frame = Vec::with_capacity(data.len() + 1);
    frame.push(channel);
    frame.extend_from_slice(data);
    socket.send(Message::Binary(Bytes::from(frame))).await
}

async fn input(socket: &mut Socket) -> Result<Input, Failed> {
    while let Some(message) = socket.next().await {
        let data = match message? {
            Message::Binary(data) => data,
            Message::Text(text) => Bytes::from(text.as_str().to_owned()),
            Message::Close(_) => return Ok(Input::Gone),
            _ => continue,
        };
        match data.split_first() {
            Some((&STDIN, text)) => return Ok(Input::Text(String::from_utf8_lossy(text).into_owned())),
            Some((&CLOSE, [STDIN, ..])) => return Ok(Input::Closed),
            // A resize changes nothing here; other channels are not for us.
            Some((&RESIZE, _)) | Some(_) | None => {}
        }
    }
    Ok(Input::Gone)
}

/// The end of a command as the error channel says it.
fn verdict(code: i32) -> Value {
    if code == 0 {
        return json!({"metadata": {}, "status": "Success"});
    }
    json!({
        "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
        "message": format!("command terminated with non-zero exit code: exit status {code}"),
        "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
    })
}

async fn finish(mut socket: Socket, status: &Value) -> Result<(), Failed> {
    let goodbye = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    send(&mut socket, ERROR, status.to_string().as_bytes()).await?;
    socket.close(Some(goodbye)).await?;
    // The closing handshake is answered by the client; what it still sends is read and dropped.
    let rest = async { while let Some(Ok(_)) = socket.next().await {} };
    drop(tokio::time::timeout(Duration::from_secs(2), rest).await);
    Ok(())
}

impl Session {
    /// Text for a terminal needs carriage returns.
    fn dress(&self, text: &str) -> Vec<u8> {
        if self.tty { text.replace('\n', "\r\n").into_bytes() } else { text.as_bytes().to_vec() }
    }

    async fn show(&self, socket: &mut Socket, outcome: &Outcome) -> Result<(), Failed> {
        send(socket, STDOUT, &self.dress(&outcome.out)).await?;
        let errors = if self.tty { STDOUT } else { STDERR };
        send(socket, errors, &self.dress(&outcome.err)).await
    }

    async fn exec(mut self, mut socket: Socket) -> Result<(), Failed> {
        let command = self.command.clone();
        let first = command.first().map(String::as_str).unwrap_or_default();
        // `sh -c "… exec sh"` is how clients ask for the best shell there is: it becomes that shell.
        let becomes_shell = command.last().is_some_and(|script| script.trim_end().ends_with("exec sh"));
        let interactive = is_shell(first) && (becomes_shell || !command.iter().any(|w| w == "-c"));
        if interactive && self.stdin {
            return self.interact(socket).await;
        }
        if first == "cat" && command.len() == 1 && self.stdin {
            return self.copy(socket).await;
        }
        if !Shell::knows(first) {
            let message = format!(
                "Internal error occurred: error executing command in container: failed to exec in container: OCI runtime exec failed: exec failed: unable to start container process: exec: \"{first}\": executable file not found in $PATH: unknown"
            );
            let status = json!({
                "metadata": {}, "status": "Failure", "message": message, "reason": "InternalError", "code": 500,
                "details": {"causes": [{"message": message}]},
            });
            return finish(socket, &status).await;
        }
        let outcome = self.shell.run(&command);
        self.show(&mut socket, &outcome).await?;
        finish(socket, &verdict(outcome.code)).await
    }

    /// `cat` without a file: what comes in goes out.
    async fn copy(self, mut socket: Socket) -> Result<(), Failed> {
        loop {
            match input(&mut socket).await? {
                Input::Text(text) if self.tty && text.contains('\u{4}') => break,
                Input::Text(text) => send(&mut socket, STDOUT, text.as_bytes()).await?,
                Input::Closed => break,
                Input::Gone => return Ok(()),
            }
        }
        finish(socket, &verdict(0)).await
    }

    async fn interact(mut self, mut socket: Socket) -> Result<(), Failed> {
        let mut code = 0;
        if self.tty {
            send(&mut socket, STDOUT, PROMPT.as_bytes()).await?;
        }
        'session: loop {
            let text = match input(&mut socket).await? {
                Input::Text(text) => text,
                Input::Closed => {
                    let rest = std::mem::take(&mut self.line);
                    let outcome = self.shell.script(&rest);
                    self.show(&mut socket, &outcome).await?;
                    if !rest.trim().is_empty() {
                        code = outcome.code;
                    }
                    break;
                }
                Input::Gone => return Ok(()),
            };
            for typed in text.chars() {
                match typed {
                    '\r' | '\n' => {
                        let line = std::mem::take(&mut self.line);
                        if self.tty {
                            send(&mut socket, STDOUT, b"\r\n").await?;
                        }
                        let outcome = self.shell.script(&line);
                        self.show(&mut socket, &outcome).await?;
                        if !line.trim().is_empty() {
                            code = outcome.code;
                        }
                        if outcome.exit {
                            break 'session;
                        }
                        if self.tty {
                            send(&mut socket, STDOUT, PROMPT.as_bytes()).await?;
                        }
                    }
                    '\u{4}' if self.tty && self.line.is_empty() => break 'session,
                    '\u{3}' if self.tty => {
                        self.line.clear();
                        send(&mut socket, STDOUT, format!("^C\r\n{PROMPT}").as_bytes()).await?;
                    }
                    '\u{7f}' | '\u{8}' if self.tty => {
                        if self.line.pop().is_some() {
                            send(&mut socket, STDOUT, b"\x08 \x08").await?;
                        }
                    }
                    typed => {
                        self.line.push(typed);
                        if self.tty && !typed.is_control() {
                            send(&mut socket, STDOUT, typed.to_string().as_bytes()).await?;
                        }
                    }
                }
            }
        }
        finish(socket, &verdict(code)).await
    }

    /// Shows what the container writes from now on, until the client leaves or the pod goes.
    async fn attach(self, mut socket: Socket) -> Result<(), Failed> {
        let uid = self.pod["metadata"]["uid"].clone();
        let text = |key: &str| self.pod["metadata"][key].as_str().unwrap_or_default();
        let mut last = Timestamp::now();
        loop {
            tokio::select! {
                came = input(&mut socket) => if matches!(came?, Input::Gone) { return Ok(()) },
                () = tokio::time::sleep(Duration::from_millis(150)) => {
                    let pod = self.cluster.store().get("pods", text("namespace"), text("name"));
                    let Some(pod) = pod.filter(|pod| pod["metadata"]["uid"] == uid) else { break };
                    let lines = self.cluster.setup.logs.lines(&LogQuery {
                        pod: &pod,
                        container: &self.container,
                        previous: false,
                        after: Some(last),
                        until: Timestamp::now(),
                        tail: None,
                    });
                    for line in lines {
                        last = line.at;
                        send(&mut socket, STDOUT, &self.dress(&format!("{}\n", line.text))).await?;
                    }
                }
            }
        }
        finish(socket, &verdict(0)).await
    }
}
