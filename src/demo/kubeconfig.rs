//! The kubeconfig files of a demo: one with an administrator for each cluster, one with a viewer. Written with 0600,
//! since they hold tokens.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// A cluster as a kubeconfig sees it.
#[derive(Debug, Clone)]
pub struct Door {
    /// Name of context, cluster and user.
    pub name: String,
    /// `http://127.0.0.1:port/demo/TOKEN`: clients built on client-go send no token over plain HTTP, so it is there too.
    pub url: String,
    /// Bearer token.
    pub token: String,
    /// Namespace of the context, if any.
    pub namespace: Option<String>,
}

/// Writes a kubeconfig with a context for each door.
pub fn write(dir: &Path, file: &str, doors: &[Door], current: &str) -> std::io::Result<PathBuf> {
    let list = |of: fn(&Door) -> Value| -> Value { doors.iter().map(of).collect() };
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": current,
        "preferences": {},
        "clusters": list(|d| json!({"name": d.name, "cluster": {"server": d.url}})),
        "users": list(|d| json!({"name": d.name, "user": {"token": d.token}})),
        "contexts": list(|d| {
            let mut context = json!({"cluster": d.name, "user": d.name});
            if let Some(ns) = &d.namespace {
                context["namespace"] = json!(ns);
            }
            json!({"name": d.name, "context": context})
        }),
    });
    let text = serde_yaml::to_string(&config).map_err(std::io::Error::other)?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let path = dir.join(file);
    options.open(&path)?.write_all(text.as_bytes())?;
    Ok(path)
}
