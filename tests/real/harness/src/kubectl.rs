//! kubectl 1.36 before any server: asked with a kubeconfig, ended when its time is over, and what it said.
//!
//! It needs no [`crate::Cluster`]: the server may be the demo.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use eyre::{Context as _, Result};
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;

use crate::programs;

/// kubectl for one server.
#[derive(Debug)]
pub struct Kubectl {
    /// The program, and what chooses kubectl in it.
    words: Vec<std::ffi::OsString>,
    kubeconfig: PathBuf,
    /// What it finds out about a server is kept here; two servers on one port, one after the other, would share the
    /// one in the home folder.
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
    /// kubectl for the current context of a kubeconfig.
    ///
    /// # Errors
    /// When it is not built.
    pub fn at(kubeconfig: &Path) -> Result<Kubectl> {
        let command = programs::control_plane("kubectl")?;
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        Ok(Kubectl {
            words: words.map(Into::into).collect(),
            kubeconfig: kubeconfig.to_owned(),
            cache: tempfile::Builder::new().prefix("pilothouse-kubectl-").tempdir()?,
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
