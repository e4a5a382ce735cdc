//! Where the servers' programs are: built by `tests/real/build`, which alone knows how its cache is keyed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use eyre::{Context as _, Result, bail};

/// The folder of one built module, such as `controlplane`.
///
/// # Errors
/// When it is not built yet; the message says what to run.
pub fn built(module: &str) -> Result<PathBuf> {
    // Asked for each kubectl, and always the same.
    static FOUND: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(folder) = found.get(module) {
        return Ok(folder.clone());
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../build");
    let output = Command::new(&script)
        .args(["--where", module])
        .output()
        .wrap_err_with(|| format!("cannot run {}", script.display()))?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let folder = PathBuf::from(String::from_utf8(output.stdout)?.trim());
    found.insert(module.to_owned(), folder.clone());
    Ok(folder)
}

/// What `KUBEBUILDER_ASSETS` may replace. Not kubectl, which is a judge: it is of the version that the tests speak of.
const REPLACED: [&str; 2] = ["etcd", "kube-apiserver"];

/// A program of the control plane, with the arguments that choose it. `KUBEBUILDER_ASSETS` is honoured for the API server
/// and etcd, where it holds them.
///
/// # Errors
/// As [`built`].
pub fn control_plane(program: &str) -> Result<Command> {
    if let Some(assets) = std::env::var_os("KUBEBUILDER_ASSETS").filter(|_| REPLACED.contains(&program)) {
        let path = Path::new(&assets).join(program);
        if path.is_file() {
            return Ok(Command::new(path));
        }
    }
    let mut command = Command::new(built("controlplane")?.join("controlplane"));
    command.arg(program);
    Ok(command)
}
