//! A shell in a container: the terminal is lent to it, in raw mode and on its
//! ordinary screen, and taken back when it ends.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use kube::Client;
use tokio::net::unix::pipe;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::domain::level::Level;
use crate::effect::ShellRequest;
use crate::msg::Note;
use crate::sources;
use crate::terminal::RawMode;

/// The terminal that this process belongs to, whatever its name.
const TERMINAL: &str = "/dev/tty";

/// Runs a shell until it ends and says how it ended. The screen must have been
/// lent before.
pub async fn run(client: Option<Client>, request: ShellRequest) -> Note {
    let place = format!("{}/{}", request.pod, request.container);
    let Some(client) = client else {
        return Note { level: Level::Warning, text: "No shell: this cluster is not connected.".to_owned() };
    };
    match attempt(client, &request).await {
        Ok(how) => Note { level: Level::Ok, text: format!("Shell in {place}: {how}") },
        Err(why) => Note { level: Level::Warning, text: format!("No shell in {place}: {why}") },
    }
}

/// The terminal's own name where it has one: macOS cannot wait for `/dev/tty`.
fn name() -> PathBuf {
    match rustix::termios::ttyname(rustix::stdio::stdin(), Vec::new()) {
        Ok(name) => OsString::from_vec(name.into_bytes()).into(),
        Err(_) => TERMINAL.into(),
    }
}

async fn attempt(client: Client, request: &ShellRequest) -> Result<String, String> {
    let failed = |error: io::Error| format!("the terminal failed: {error}");
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(failed)?;
    let mut resize = signal(SignalKind::window_change()).map_err(failed)?;
    // The terminal is opened anew, so that waiting for a key can be given up without swallowing it,
    // which a blocking read of stdin would do. The pipe types are tokio's way to a file that can wait.
    let mut terminal = pipe::OpenOptions::new();
    terminal.unchecked(true);
    let open = |name: &Path| Ok((terminal.open_receiver(name)?, terminal.open_sender(name)?));
    let (keys, screen) = open(&name()).or_else(|_: io::Error| open(Path::new(TERMINAL))).map_err(failed)?;
    let size = crossterm::terminal::size().map_err(failed)?;
    let (sizes, resized) = mpsc::channel(4);
    let raw = RawMode::on(&format!(
        "shell in {}/{} ({}); exit or ctrl-d comes back to pilothouse",
        request.pod, request.container, request.namespace
    ))
    .map_err(failed)?;
    let shell = sources::shell::open(client, request, keys, screen, size, resized);
    let sizing = async {
        while resize.recv().await.is_some() {
            if let Ok(size) = crossterm::terminal::size() {
                // A shell that is slow to take sizes gets the next one.
                let _ = sizes.try_send(size);
            }
        }
        std::future::pending::<()>().await;
    };
    let ended = tokio::select! {
        ended = shell => ended.map_err(|fault| fault.words().to_owned()),
        _ = terminate.recv() => Ok("ended, since pilothouse was told to end.".to_owned()),
        _ = hangup.recv() => Ok("ended, since the terminal went away.".to_owned()),
        () = sizing => Ok("ended.".to_owned()),
    };
    drop(raw);
    ended
}
