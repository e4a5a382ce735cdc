//! KWOK: nodes without kubelets, whose pods run, crash, log and take commands as stages and annotations say.
//!
//! Which annotation makes a pod do what is written on top of the files in `tests/real/stages`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use eyre::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::ports::Port;
use crate::programs;
use crate::upstreams::all_are;

/// How many pods are planned for a node; it takes a few more.
pub const ON_A_NODE: usize = 100;

/// Pods of one Deployment of a crowd.
const OF_A_DEPLOYMENT: usize = 20;

/// What KWOK answers for besides pods and nodes. Each needs its flag.
const KINDS: [&str; 5] = ["Stage", "Logs", "ClusterLogs", "Exec", "ClusterExec"];

/// Starts it: definitions and stages first, for nodes that are there before the stages fall once more.
pub(crate) async fn start(cluster: &Cluster) -> Result<Port> {
    let built = programs::built("kwok")?;
    cluster.define(&built.join("crds/kwok")).await?;
    cluster.apply_files(&built.join("stages/fast"))?;
    cluster.apply_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../stages"))?;
    // Commands run on this machine, in the folder of the cluster.
    cluster.apply(&json!({
        "apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "ClusterExec", "metadata": {"name": "commands"},
        "spec": {"selector": {}, "execs": [{"local": {"workDir": cluster.folder()}}]},
    }))?;
    let port = Port::take()?;
    let mut command = Command::new(built.join("kwok"));
    command
        .arg(format!("--kubeconfig={}", cluster.admin().display()))
        .arg("--manage-all-nodes")
        .args(KINDS.map(|kind| format!("--enable-crds={kind}")))
        .arg("--node-ip=127.0.0.1")
        .arg(format!("--node-port={}", port.number()))
        .arg(format!("--server-address={}", port.address()))
        // The API server asks kubelets over TLS; who they are it is not told to check.
        .arg(format!("--tls-cert-file={}", cluster.ca_file().display()))
        .arg(format!("--tls-private-key-file={}", cluster.ca_file().with_extension("key").display()));
    let client = kube::Client::try_from(kube::Config::new(port.http().parse()?))?;
    cluster
        .add_server("kwok", command, async || {
            let request = http::Request::get("/healthz").body(Vec::new())?;
            Ok(client.request_text(request).await.is_ok())
        })
        .await?;
    Ok(port)
}

impl Cluster {
    /// Makes nodes `node-0` and up, of 8 CPUs and 32 GiB each, and waits until they are ready.
    ///
    /// # Errors
    /// When the API server refuses, or KWOK does not run.
    pub async fn nodes(&self, count: usize) -> Result<()> {
        // Created, not applied: only then a node's status is taken along.
        (0..count).try_for_each(|at| self.create(&node(&format!("node-{at}"))))?;
        let ready = || self.get("", "v1/nodes").is_ok_and(|nodes| all_are(&nodes, "Ready"));
        self.until("the nodes ready", ready).await
    }

    /// Makes so many pods by Deployments in the namespaces `team-0` and up, and waits until they are ready. There must be
    /// a node for each [`ON_A_NODE`] of them.
    ///
    /// # Errors
    /// When the API server refuses, or for two minutes no more of them get ready.
    pub async fn crowd(&self, pods: usize) -> Result<()> {
        let (mut left, mut at) = (pods, 0);
        while left > 0 {
            let (namespace, name, replicas) =
                (format!("team-{}", at % 10), format!("crowd-{at}"), left.min(OF_A_DEPLOYMENT));
            let labels = json!({"app.kubernetes.io/name": name});
            self.apply(&json!({"apiVersion": "v1", "kind": "List", "items": [
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
                {"apiVersion": "apps/v1", "kind": "Deployment",
                 "metadata": {"name": name, "namespace": namespace, "labels": labels},
                 "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": {
                     "metadata": {"labels": labels},
                     "spec": {"containers": [{"name": "main", "image": format!("{name}:1.0.0")}]}}}},
            ]}))?;
            (left, at) = (left - replicas, at + 1);
        }
        let ready = || -> Result<usize> {
            let deployments = self.get("", "apps/v1/deployments?labelSelector=app.kubernetes.io/name")?;
            let crowd = deployments["items"].as_array().into_iter().flatten();
            let crowd = crowd
                .filter(|one| one["metadata"]["namespace"].as_str().is_some_and(|n| n.starts_with("team-")));
            let ready = crowd.filter_map(|one| one["status"]["readyReplicas"].as_u64()).sum::<u64>();
            Ok(usize::try_from(ready)?)
        };
        let mut known = ready()?;
        while known < pods {
            let before = known;
            self.until("more of the pods ready", || {
                known = ready().unwrap_or(before);
                known > before
            })
            .await?;
        }
        Ok(())
    }

    /// Lets the pod's containers log what is in a file, and follow it; previous containers log another one. Returns
    /// the writer of both.
    ///
    /// # Errors
    /// When the API server refuses, or the files cannot be written.
    pub fn logs(&self, namespace: &str, pod: &str, containers: &[&str]) -> Result<Logs> {
        let name = self.fresh(pod);
        let logs = Logs {
            file: self.folder().join(format!("{name}.log")),
            previous: self.folder().join(format!("{name}.previous.log")),
        };
        std::fs::write(&logs.file, "")?;
        std::fs::write(&logs.previous, "")?;
        self.apply(&json!({
            "apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Logs",
            "metadata": {"name": pod, "namespace": namespace},
            "spec": {"logs": [{
                "containers": containers, "logsFile": logs.file, "previousLogsFile": logs.previous, "follow": true,
            }]},
        }))?;
        // KWOK hears of it a moment later; until then it says that there are none.
        let ask = |container: &&str| self.kubectl(&["-n", namespace, "logs", pod, "-c", *container]);
        let unheard = |error: &eyre::Report| error.to_string().contains("no logs found");
        let began = Instant::now();
        while containers.iter().any(|container| ask(container).as_ref().is_err_and(unheard)) {
            ensure!(began.elapsed() < Duration::from_secs(30), "KWOK does not take the logs of {pod}");
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(logs)
    }
}

/// The log of a pod's containers.
#[derive(Debug)]
pub struct Logs {
    file: PathBuf,
    previous: PathBuf,
}

impl Logs {
    /// The containers say this now, a line.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn say(&self, line: &str) -> Result<()> {
        append(&self.file, line)
    }

    /// Their predecessors had said this, a line.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn said_before(&self, line: &str) -> Result<()> {
        append(&self.previous, line)
    }
}

/// In the form of the container runtimes: time, stream, whole line or part of one, text.
fn append(file: &Path, line: &str) -> Result<()> {
    let mut file = std::fs::File::options().append(true).open(file).wrap_err("the log of a pod")?;
    let now = jiff::Timestamp::now();
    Ok(file.write_all(format!("{now:.9} stdout F {line}\n").as_bytes())?)
}

fn node(name: &str) -> Value {
    let room = json!({"cpu": "8", "memory": "32Gi", "pods": "110", "ephemeral-storage": "100Gi"});
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake", "node.alpha.kubernetes.io/ttl": "0"},
            "labels": {
                "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
                "type": "kwok",
            },
        },
        "status": {
            "allocatable": room, "capacity": room,
            // Both, or the API server finds no way to the node once KWOK has seen it twice.
            "addresses": [
                {"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": name},
            ],
            // KWOK writes them into YAML without quotes: none may look like a number.
            "nodeInfo": {"kubeletVersion": "v1.36.3", "osImage": "pretended", "kernelVersion": "6.1.0-pretended",
                "containerRuntimeVersion": "kwok", "architecture": "amd64", "operatingSystem": "linux",
                "bootID": "", "kubeProxyVersion": "", "machineID": "", "systemUUID": ""},
        },
    })
}
