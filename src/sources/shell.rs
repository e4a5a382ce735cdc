//! A shell in a container, over a websocket.
//!
//! Knows nothing of the terminal: it is given ends to read from and to write to, and the sizes as they change. That
//! a shell was confirmed, and the environment is not read-only, is seen to by whoever opens it.

use std::time::Duration;

use futures::channel::mpsc as sizes;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::api::{AttachParams, TerminalSize};
use kube::{Api, Client};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, copy};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::connect::problem::{Fault, first_line};
use crate::effect::ShellRequest;
use crate::wire::pod::WirePod;

/// How long opening may take.
const LIMIT: Duration = Duration::from_secs(30);
/// How long what was written before the end may take to arrive after it.
const DRAIN: Duration = Duration::from_secs(2);
/// bash where there is one. `exec`, so that the shell's own exit status is what comes back.
const COMMAND: [&str; 3] = ["sh", "-c", "command -v bash >/dev/null 2>&1 && exec bash || exec sh"];

/// Opens a shell, copies both ways until it ends, and says in words how it ended. `size` is (columns, rows) at first,
/// `resized` every later size.
///
/// # Errors
/// It cannot be opened: refused, no such container, no shell in the image.
pub async fn open(
    client: Client,
    request: &ShellRequest,
    input: impl AsyncRead + Send + Unpin,
    mut output: impl AsyncWrite + Send + Unpin,
    size: (u16, u16),
    mut resized: mpsc::Receiver<(u16, u16)>,
) -> Result<String, Fault> {
    let pods: Api<WirePod> = Api::namespaced(client, &request.namespace);
    let params = AttachParams::interactive_tty().container(&*request.container);
    let opening = pods.exec(&request.pod, COMMAND, &params);
    let mut shell = match timeout(LIMIT, opening).await {
        Ok(opened) => opened.map_err(|error| Fault::of(&error))?,
        Err(_) => return Err(Fault::timed_out(LIMIT)),
    };
    let (Some(mut to_shell), Some(mut from_shell), Some(status)) =
        (shell.stdin(), shell.stdout(), shell.take_status())
    else {
        return Err(Fault::Garbled("the server opened no terminal".to_owned()));
    };
    let mut size_sender = shell.terminal_size();
    tell_size(&mut size_sender, size).await;
    let mut input = input;
    let typing = async {
        // When our side has nothing more to say, the shell is told so and may still speak.
        let _ = copy(&mut input, &mut to_shell).await;
        let _ = to_shell.shutdown().await;
        std::future::pending::<()>().await;
    };
    let sizing = async {
        while let Some(size) = resized.recv().await {
            tell_size(&mut size_sender, size).await;
        }
        std::future::pending::<()>().await;
    };
    let showing = async {
        let shown = copy(&mut from_shell, &mut output).await;
        let _ = output.flush().await;
        shown
    };
    let ended = {
        let (mut showing, mut status) = (std::pin::pin!(showing), std::pin::pin!(status));
        tokio::select! {
            ended = &mut status => {
                let _ = timeout(DRAIN, &mut showing).await;
                ended
            }
            _ = &mut showing => timeout(DRAIN, &mut status).await.ok().flatten(),
            () = typing => None,
            () = sizing => None,
        }
    };
    shell.abort();
    Ok(words(ended.as_ref()))
}

async fn tell_size(sender: &mut Option<sizes::Sender<TerminalSize>>, (width, height): (u16, u16)) {
    use futures::SinkExt;
    if let Some(sender) = sender {
        // A size that cannot be told belongs to a shell that is gone.
        let _ = sender.send(TerminalSize { width, height }).await;
    }
}

/// How a shell ended, for people.
fn words(status: Option<&Status>) -> String {
    let Some(status) = status else {
        return "the connection to the shell was cut".to_owned();
    };
    if status.status.as_deref() == Some("Success") {
        return "the shell ended".to_owned();
    }
    let causes = status.details.iter().flat_map(|details| details.causes.iter().flatten());
    let code =
        causes.filter(|cause| cause.reason.as_deref() == Some("ExitCode")).find_map(|c| c.message.as_deref());
    match code {
        Some("126" | "127") => "there is no shell in this container".to_owned(),
        Some(code) => format!("the shell ended with exit code {}", first_line(code)),
        None => format!("the shell ended: {}", first_line(status.message.as_deref().unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_in_words() {
        let status = |code: &str| -> Status {
            serde_json::from_value(serde_json::json!({
                "status": "Failure", "reason": "NonZeroExitCode", "message": "command terminated", "code": 0,
                "details": {"causes": [{"reason": "ExitCode", "message": code}]}}))
            .unwrap()
        };
        assert_eq!(words(Some(&status("3"))), "the shell ended with exit code 3");
        assert_eq!(words(Some(&status("127"))), "there is no shell in this container");
        let success = Status { status: Some("Success".to_owned()), ..Status::default() };
        assert_eq!(words(Some(&success)), "the shell ended");
        assert_eq!(words(None), "the connection to the shell was cut");
    }
}
