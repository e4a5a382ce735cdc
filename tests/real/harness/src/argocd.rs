//! Argo CD: redis, the repo-server and the application controller; on demand the ApplicationSet controller and the API
//! server with its pages.
//!
//! Applications may be in any namespace, so that each test can have its own. The application controller's metrics
//! are served on all addresses; everything else on loopback.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use eyre::{Result, eyre};
use serde_json::{Value, json};

use crate::cluster::{Cluster, Start};
use crate::git::Repository;
use crate::ports::Port;
use crate::programs;
use crate::upstreams::{answers, listens, running};

/// Where its configuration and its projects are.
pub const NAMESPACE: &str = "argocd";

/// What of it is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    resync: Duration,
    applicationsets: bool,
    server: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { resync: Duration::from_secs(20), applicationsets: false, server: false }
    }
}

impl Start {
    /// With Argo CD, and KWOK for what it deploys.
    pub fn with_argocd(self) -> Start {
        self.argocd(|_| ())
    }

    /// With Argo CD that looks by itself for changes in Git only so often; 20 s when not said. A test of what happens
    /// without a refresh wants an hour.
    pub fn argocd_resync(self, every: Duration) -> Start {
        self.argocd(|options| options.resync = every)
    }

    /// With Argo CD and its ApplicationSet controller.
    pub fn with_applicationsets(self) -> Start {
        self.argocd(|options| options.applicationsets = true)
    }

    /// With Argo CD and its API server, which lets everybody do everything.
    pub fn with_argocd_server(self) -> Start {
        self.argocd(|options| options.server = true)
    }

    fn argocd(mut self, change: impl FnOnce(&mut Options)) -> Start {
        change(self.beside.argocd.get_or_insert_default());
        self.with_kwok()
    }
}

/// A running Argo CD.
#[derive(Debug)]
pub struct ArgoCd {
    server: Option<Port>,
    _ports: Vec<Port>,
}

impl ArgoCd {
    /// `http://127.0.0.1:PORT` of the API server.
    ///
    /// # Errors
    /// When it was not asked for.
    pub fn url(&self) -> Result<String> {
        running(&self.server, "with_argocd_server").map(Port::http)
    }
}

impl Cluster {
    /// Its Argo CD.
    ///
    /// # Errors
    /// When it was started without.
    pub fn argocd(&self) -> Result<&ArgoCd> {
        running(&self.upstreams().argocd, "with_argocd")
    }

    /// Asks Argo CD to look now whether Git or the cluster have changed.
    ///
    /// # Errors
    /// When there is no such Application.
    pub fn refresh(&self, namespace: &str, application: &str) -> Result<()> {
        let refresh = "argocd.argoproj.io/refresh=normal";
        let arguments =
            ["-n", namespace, "annotate", "--overwrite", "applications.argoproj.io", application, refresh];
        self.kubectl(&arguments).map(drop)
    }
}

/// An Application of the project `default`, in a namespace, that deploys the files of a branch into that namespace.
/// Nothing is synced unless the test adds a `syncPolicy` or an operation.
pub fn application(namespace: &str, name: &str, repository: &Repository, branch: &str) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "project": "default",
            "source": {"repoURL": repository.url(), "targetRevision": branch, "path": "."},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": namespace},
        },
    })
}

/// Starts it. What it reads of the cluster is there before the controllers are: an Application that is older than its
/// project is not looked at again when that comes.
pub(crate) async fn start(cluster: &Cluster, options: &Options) -> Result<ArgoCd> {
    let place = Place::make(cluster)?;
    let (redis, repo, repo_metrics, metrics) = (Port::take()?, Port::take()?, Port::take()?, Port::take()?);
    let number = |port: &Port| port.number().to_string();

    let mut redis_server = Command::new("redis-server");
    redis_server.args(["--bind", "127.0.0.1", "--port", &number(&redis), "--save", "", "--appendonly", "no"]);
    redis_server.arg("--dir").arg(&place.scratch);
    let mut repo_server = place.program("repo-server", cluster);
    repo_server
        .args(["--redis", &redis.address(), "--port", &number(&repo), "--address", "127.0.0.1"])
        .args(["--metrics-address", "127.0.0.1", "--metrics-port", &number(&repo_metrics)])
        // Three minutes otherwise, for which a push would not be seen.
        .args(["--revision-cache-expiration", "10s"]);
    let below = async {
        cluster.add_server("redis-server", redis_server, async || listens(&redis).await).await?;
        cluster.add_server("argocd-repo-server", repo_server, async || listens(&repo).await).await
    };
    let ((), ()) = tokio::try_join!(configure(cluster, &place), below)?;

    let mut controller = place.program("application-controller", cluster);
    controller
        .args([
            "--redis",
            &redis.address(),
            "--repo-server",
            &repo.address(),
            "--metrics-port",
            &number(&metrics),
        ])
        .args(["--namespace", NAMESPACE, "--application-namespaces", "*"])
        .args(["--app-resync", &options.resync.as_secs().to_string(), "--app-resync-jitter", "0"]);
    let controller = async {
        let ready = async || answers(&metrics, "/healthz").await;
        cluster.add_server("argocd-application-controller", controller, ready).await
    };
    let sets = async {
        match options.applicationsets {
            true => applicationsets(cluster, &place, &repo).await,
            false => Ok(Vec::new()),
        }
    };
    let server = async {
        match options.server {
            true => server(cluster, &place, &redis, &repo).await.map(Some),
            false => Ok(None),
        }
    };
    let ((), mut ports, server) = tokio::try_join!(controller, sets, server)?;
    ports.extend([redis, repo, repo_metrics, metrics]);
    let (server, more) = server.unzip();
    ports.extend(more);
    Ok(ArgoCd { server, _ports: ports })
}

async fn configure(cluster: &Cluster, place: &Place) -> Result<()> {
    cluster.define(&place.built.join("crds/argocd")).await?;
    cluster.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}))?;
    let config = place.built.join("base-config");
    let config = config.to_str().ok_or_else(|| eyre!("{} is no UTF-8", config.display()))?;
    cluster.kubectl(&["-n", NAMESPACE, "apply", "--server-side", "-f", config])?;
    cluster.apply(&json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
        "metadata": {"name": "default", "namespace": NAMESPACE},
        "spec": {
            "sourceRepos": ["*"],
            "sourceNamespaces": ["*"],
            "destinations": [{"server": "*", "namespace": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        },
    }))
}

async fn applicationsets(cluster: &Cluster, place: &Place, repo: &Port) -> Result<Vec<Port>> {
    let (metrics, probe, webhook) = (Port::take()?, Port::take()?, Port::take()?);
    let mut command = place.program("applicationset-controller", cluster);
    command
        .args(["--namespace", NAMESPACE, "--argocd-repo-server", &repo.address()])
        .args(["--metrics-addr", &metrics.address(), "--probe-addr", &probe.address()])
        .args(["--webhook-addr", &webhook.address(), "--enable-leader-election=false"]);
    // It has no probes of its own at that address, and answers 404.
    let ready = async || listens(&probe).await;
    cluster.add_server("argocd-applicationset-controller", command, ready).await?;
    Ok(vec![metrics, probe, webhook])
}

/// The ports of its API and of its metrics.
async fn server(cluster: &Cluster, place: &Place, redis: &Port, repo: &Port) -> Result<(Port, Port)> {
    let (port, metrics) = (Port::take()?, Port::take()?);
    let mut command = place.program("server", cluster);
    command
        .args(["--namespace", NAMESPACE, "--application-namespaces", "*", "--insecure", "--disable-auth"])
        .args(["--redis", &redis.address(), "--repo-server", &repo.address(), "--address", "127.0.0.1"])
        .args(["--port", &port.number().to_string(), "--metrics-address", "127.0.0.1"])
        .args(["--metrics-port", &metrics.number().to_string()]);
    cluster.add_server("argocd-server", command, async || answers(&port, "/healthz").await).await?;
    Ok((port, metrics))
}

/// Where its programs are and what they find around them.
struct Place {
    built: PathBuf,
    scratch: PathBuf,
    /// With kustomize and what stands in for the check of signatures.
    path: std::ffi::OsString,
}

impl Place {
    fn make(cluster: &Cluster) -> Result<Place> {
        let built = programs::built("argocd")?;
        let scratch = cluster.folder().join("argocd");
        for folder in FOLDERS {
            std::fs::create_dir_all(scratch.join(folder))?;
        }
        let usual = std::env::var_os("PATH").unwrap_or_default();
        let first = [built.join("bin"), programs::built("kustomize")?];
        let path = std::env::join_paths(first.into_iter().chain(std::env::split_paths(&usual)))?;
        Ok(Place { built, scratch, path })
    }

    fn program(&self, name: &str, cluster: &Cluster) -> Command {
        let mut command = Command::new(self.built.join("argocd"));
        command
            .arg(name)
            .current_dir(&self.scratch)
            .env("KUBECONFIG", cluster.admin())
            .env("PATH", &self.path)
            .env("ARGOCD_GPG_ENABLED", "false")
            .env("ARGOCD_FAKE_IN_CLUSTER", "true")
            .envs(FOLDERS.map(|variable| (variable, self.folder(variable))));
        command
    }

    fn folder(&self, variable: &str) -> PathBuf {
        Path::new(&self.scratch).join(variable)
    }
}

/// The variables that name folders, and each folder's name too.
const FOLDERS: [&str; 7] = [
    "ARGOCD_TLS_DATA_PATH",
    "ARGOCD_SSH_DATA_PATH",
    "ARGOCD_GNUPGHOME",
    "ARGOCD_GPG_DATA_PATH",
    "HOME",
    "XDG_CONFIG_HOME",
    "TMPDIR",
];
