//! kubectl 1.36 before any server: asked with a kubeconfig, ended when its time is over, and what it said.
//!
//! It needs no [`crate::Cluster`]: the server may be the demo.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use eyre::{Context as _, Result, ensure};
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;

use crate::programs;

/// What one kubectl may take that nobody gave a limit of its own; none of them waits for more than a minute.
const LIMIT: Duration = Duration::from_secs(180);

/// kubectl for one server.
#[derive(Debug)]
pub struct Kubectl {
    /// The program, and what chooses kubectl in it.
    words: Vec<std::ffi::OsString>,
    kubeconfig: PathBuf,
    /// What it finds out about a server is kept here; two servers on one port, one after the other, would share the
    /// one in the home folder. Below a folder that is swept, should this never be dropped.
    cache: TempDir,
}

/// What it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// On stdout.
    pub out: String,
    /// On stderr.
    pub err: String,
    /// None: it was ended, since its time was over.
    pub code: Option<i32>,
}

impl Kubectl {
    /// kubectl for the current context of a kubeconfig, with what it remembers below a folder, as that of a cluster.
    ///
    /// # Errors
    /// When it is not built.
    pub fn at(kubeconfig: &Path, below: &Path) -> Result<Kubectl> {
        let command = programs::control_plane("kubectl")?;
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        Ok(Kubectl {
            words: words.map(Into::into).collect(),
            kubeconfig: kubeconfig.to_owned(),
            cache: tempfile::Builder::new().prefix("kubectl-").tempdir_in(below)?,
        })
    }

    /// Asks, in this folder, for as long as `limit`; its stdin is empty.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn ask(&self, folder: &Path, arguments: &[String], limit: Duration) -> Result<Said> {
        let (program, chosen) = self.words.split_first().ok_or_else(|| eyre::eyre!("no kubectl"))?;
        let mut child = tokio::process::Command::new(program)
            .args(chosen)
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(arguments)
            .current_dir(folder)
            .env("KUBECACHEDIR", self.cache.path())
            .env("GOGC", "off")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .wrap_err_with(|| format!("cannot start {}", program.display()))?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let (mut said, mut complained) = (Vec::new(), Vec::new());
        let read = async |pipe: Option<&mut (dyn tokio::io::AsyncRead + Unpin + Send)>,
                          into: &mut Vec<u8>| match pipe {
            Some(pipe) => pipe.read_to_end(into).await.map(drop),
            None => Ok(()),
        };
        let (mut out, mut err) = (out, err);
        let all = async {
            let (out, err) = (out.as_mut().map(|p| p as _), err.as_mut().map(|p| p as _));
            let (out, err, status) =
                tokio::join!(read(out, &mut said), read(err, &mut complained), child.wait());
            out.and(err)?;
            status
        };
        let code = match tokio::time::timeout(limit, all).await {
            Ok(status) => Some(status?.code().unwrap_or(-1)),
            Err(_) => None,
        };
        if code.is_none() {
            child.kill().await?;
        }
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Said { out: text(said), err: text(complained), code })
    }
}

/// Runs a command to its end with this on its stdin.
///
/// # Errors
/// When it cannot be started, or is not over in time: then it is ended.
pub(crate) fn run(command: Command, stdin: Option<&str>) -> Result<Output> {
    run_for(command, stdin, LIMIT)
}

fn run_for(mut command: Command, stdin: Option<&str>, limit: Duration) -> Result<Output> {
    use std::io::Write as _;
    let mut child = command
        .stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .wrap_err_with(|| format!("cannot start {}", command.get_program().display()))?;
    let (pipe, text) = (child.stdin.take(), stdin.unwrap_or_default().to_owned());
    // In a thread of its own: it may answer before it has read everything.
    let writer = std::thread::spawn(move || pipe.map(|mut pipe| pipe.write_all(text.as_bytes())));
    let (over, waits) = channel::<()>();
    let process = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    let clock = std::thread::spawn(move || {
        let late = waits.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
        if let Some(process) = process.filter(|_| late) {
            // It may have ended in this moment.
            let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
        }
        late
    });
    let output = child.wait_with_output()?;
    drop(over);
    // One that ended early read no further, and its status says why.
    drop(writer.join());
    let late = clock.join().unwrap_or_default();
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!late, "{command:?} is not over after {limit:?}, and was ended; it said: {}", said.trim());
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_too_long_is_ended_and_says_so() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo waiting >&2; exec sleep 600"]);
        let error = run_for(command, None, Duration::from_millis(300)).unwrap_err().to_string();
        assert!(error.contains("is not over after 300ms") && error.contains("waiting"), "{error}");
    }

    #[test]
    fn what_is_over_in_time_is_handed_back() {
        let output = run_for(Command::new("cat"), Some("hello"), Duration::from_secs(60)).unwrap();
        assert_eq!((output.status.success(), output.stdout), (true, b"hello".to_vec()));
    }
}
