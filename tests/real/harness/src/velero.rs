//! Velero, with a folder for its object store and a file server on that folder, so that downloads really happen.

use std::process::Command;

use eyre::{Result, bail};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::cluster::{Cluster, Start};
use crate::ports::Port;
use crate::programs;
use crate::upstreams::{listens, plain, running};

/// Where it runs, and its objects with it.
pub const NAMESPACE: &str = "velero";

impl Start {
    /// With Velero, and KWOK for what it restores. Its BackupStorageLocation is `default`.
    pub fn with_velero(mut self) -> Start {
        self.beside.velero = true;
        self.with_kwok()
    }
}

/// A running Velero.
#[derive(Debug)]
pub struct Velero {
    files: Port,
    _ports: [Port; 2],
}

impl Velero {
    /// `http://127.0.0.1:PORT` of the object store, as the URLs of DownloadRequests begin.
    pub fn files(&self) -> String {
        self.files.http()
    }
}

impl Cluster {
    /// Its Velero.
    ///
    /// # Errors
    /// When it was started without.
    pub fn velero(&self) -> Result<&Velero> {
        running(&self.upstreams().velero, "with_velero")
    }

    /// Waits until a Velero object has come to its end and returns the phase: `Completed` and its like.
    ///
    /// # Errors
    /// When it is not there, or takes too long.
    pub async fn velero_phase(&self, kind: &str, name: &str) -> Result<String> {
        const ENDS: [&str; 5] = ["Completed", "PartiallyFailed", "Failed", "FailedValidation", "Processed"];
        let object = format!("velero.io/v1/{kind}s/{name}");
        let ask = || self.field(NAMESPACE, &object, "/status/phase");
        let mut phase = ask()?;
        self.until("the end of Velero's work", || {
            phase = ask().unwrap_or_default();
            ENDS.contains(&phase.as_str())
        })
        .await?;
        Ok(phase)
    }

    /// Asks Velero for a file of a backup or restore by a DownloadRequest (`BackupLog`, `RestoreResults` and so on),
    /// fetches it and unpacks it.
    ///
    /// # Errors
    /// When there is no such file, or no `gzip` to unpack it.
    pub async fn velero_download(&self, kind: &str, of: &str) -> Result<String> {
        let name = self.fresh(&of.to_lowercase());
        let name = name.as_str();
        self.apply(&json!({
            "apiVersion": "velero.io/v1", "kind": "DownloadRequest",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"target": {"kind": kind, "name": of}},
        }))?;
        self.velero_phase("downloadrequest", name).await?;
        let request = format!("velero.io/v1/downloadrequests/{name}");
        let url: http::Uri = self.field(NAMESPACE, &request, "/status/downloadURL")?.parse()?;
        let server = self.velero()?.files();
        let request = http::Request::get(url.path()).body(kube::client::Body::empty())?;
        let response = plain(&server)?.send(request).await?;
        if !response.status().is_success() {
            bail!("{url}: {}", response.status());
        }
        let packed = response.into_body().collect().await?.to_bytes();
        let file = self.folder().join(format!("{name}.gz"));
        std::fs::write(&file, packed)?;
        let output = Command::new("gzip").arg("-dc").arg(&file).output()?;
        if !output.status.success() {
            bail!("gzip: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// A Backup of a namespace.
pub fn backup(name: &str, namespace: &str) -> Value {
    json!({
        "apiVersion": "velero.io/v1", "kind": "Backup",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"includedNamespaces": [namespace], "storageLocation": "default"},
    })
}

/// Starts it; ready when its location is Available.
pub(crate) async fn start(cluster: &Cluster) -> Result<Velero> {
    let built = programs::built("velero")?;
    let store = cluster.folder().join("velero-store");
    std::fs::create_dir_all(&store)?;
    let (files, metrics, profiler) = (Port::take()?, Port::take()?, Port::take()?);
    // By its full path: it starts itself once more by the name that it was called.
    let program = built.join("velero");

    cluster.define(&built.join("crds/velero.yaml")).await?;
    let labels = json!({"component": "velero"});
    cluster.apply(&json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        // A restore looks it up, and fails without it.
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "velero", "namespace": NAMESPACE},
         "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": {
             "metadata": {"labels": labels},
             "spec": {"containers": [{"name": "velero", "image": "velero/velero:pretended"}]}}}},
        {"apiVersion": "velero.io/v1", "kind": "BackupStorageLocation",
         "metadata": {"name": "default", "namespace": NAMESPACE},
         "spec": {"provider": "pilothouse.test/dir", "default": true, "objectStorage": {"bucket": "backups"},
                  "config": {"folder": store, "url": files.http()}}},
    ]}))?;

    let mut file_server = Command::new(&program);
    file_server.arg("files").arg(&store).arg(files.address());
    let mut server = Command::new(&program);
    server
        .args(["server", "--store-validation-frequency", "10s"])
        .arg("--plugin-dir")
        .arg(built.join("plugins"))
        .args(["--metrics-address", &metrics.address(), "--profiler-address", &profiler.address()])
        .env("KUBECONFIG", cluster.admin())
        .env("VELERO_NAMESPACE", NAMESPACE)
        .env("HOME", cluster.folder());
    let location = "velero.io/v1/backupstoragelocations/default";
    let available = async || Ok(cluster.field(NAMESPACE, location, "/status/phase")? == "Available");
    tokio::try_join!(
        cluster.add_server("velero-files", file_server, async || listens(&files).await),
        cluster.add_server("velero", server, available),
    )?;
    Ok(Velero { files, _ports: [metrics, profiler] })
}
