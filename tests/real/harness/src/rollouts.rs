//! Argo Rollouts: its definitions, and a controller for each namespace that wants one.
//!
//! A controller listens at its two ports on all addresses; it has no flag for that.

use std::process::Command;

use eyre::Result;
use serde_json::json;

use crate::cluster::{Cluster, Start};
use crate::ports::Port;
use crate::programs;
use crate::upstreams::answers;

/// The namespace that the controller of [`Start::with_rollouts`] looks after.
pub const NAMESPACE: &str = "rollouts";

impl Start {
    /// With Argo Rollouts in the namespace [`NAMESPACE`], and KWOK for its pods.
    pub fn with_rollouts(mut self) -> Start {
        self.beside.rollouts = true;
        self.with_kwok()
    }
}

impl Cluster {
    /// Starts a controller for another namespace, which ends with the cluster: about 80 MB.
    ///
    /// # Errors
    /// When it does not get ready.
    pub async fn rollouts_in(&self, namespace: &str) -> Result<()> {
        let ports = controller(self, namespace).await?;
        self.hold(ports).await;
        Ok(())
    }
}

/// Starts it; the ports are to be held as long as it runs.
pub(crate) async fn start(cluster: &Cluster) -> Result<Vec<Port>> {
    cluster.define(&programs::built("rollouts")?.join("crds/rollouts")).await?;
    cluster.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}))?;
    controller(cluster, NAMESPACE).await
}

async fn controller(cluster: &Cluster, namespace: &str) -> Result<Vec<Port>> {
    let (health, metrics) = (Port::take()?, Port::take()?);
    let mut command = Command::new(programs::built("rollouts")?.join("rollouts-controller"));
    command
        .arg("--kubeconfig")
        .arg(cluster.admin())
        .args(["--namespaced", "-n", namespace, "--leader-elect=false"])
        .args([
            "--healthzPort",
            &health.number().to_string(),
            "--metricsPort",
            &metrics.number().to_string(),
        ]);
    cluster.add_server("rollouts-controller", command, async || answers(&health, "/healthz").await).await?;
    Ok(vec![health, metrics])
}
