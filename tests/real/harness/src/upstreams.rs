//! What runs beside the control plane, in the form that `Start` and `Cluster` carry: which parts are wanted, which run.
//!
//! Every part has a file of its own and knows nothing of the others, except that most want KWOK. They start side by
//! side, since what takes their time is mostly waiting for each other's definitions.

use std::path::Path;

use eyre::{Result, eyre};
use serde_json::Value;

use crate::argocd::{self, ArgoCd};
use crate::cluster::{Cluster, Start};
use crate::kwok;
use crate::ports::Port;
use crate::programs;
use crate::prometheus::{self, Prometheus};
use crate::rollouts;
use crate::velero::{self, Velero};

/// What is wanted beside the control plane.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) kwok: bool,
    pub(crate) argocd: Option<argocd::Options>,
    pub(crate) velero: bool,
    pub(crate) prometheus: bool,
    pub(crate) rollouts: bool,
    pub(crate) flux: bool,
}

/// What runs beside the control plane.
#[derive(Debug, Default)]
pub(crate) struct Running {
    pub(crate) argocd: Option<ArgoCd>,
    pub(crate) velero: Option<Velero>,
    pub(crate) prometheus: Option<Prometheus>,
    /// Of the servers that nobody asks for by number.
    _ports: Vec<Port>,
}

/// Starts what is wanted; each part is ready when this returns.
pub(crate) async fn start(cluster: &Cluster, wanted: &Wanted) -> Result<Running> {
    let kwok = async {
        Ok(match wanted.kwok {
            true => vec![kwok::start(cluster).await?],
            false => Vec::new(),
        })
    };
    let argocd = async {
        Ok(match &wanted.argocd {
            Some(options) => Some(argocd::start(cluster, options).await?),
            None => None,
        })
    };
    let velero = async {
        Ok(match wanted.velero {
            true => Some(velero::start(cluster).await?),
            false => None,
        })
    };
    let prometheus = async {
        Ok(match wanted.prometheus {
            true => Some(prometheus::start(cluster).await?),
            false => None,
        })
    };
    let rollouts = async {
        Ok(match wanted.rollouts {
            true => rollouts::start(cluster).await?,
            false => Vec::new(),
        })
    };
    let flux = async {
        match wanted.flux {
            true => cluster.define(&programs::built("flux")?.join("crds/flux")).await,
            false => Ok(()),
        }
    };
    let (mut ports, argocd, velero, prometheus, more, ()) =
        tokio::try_join!(kwok, argocd, velero, prometheus, rollouts, flux)?;
    ports.extend(more);
    Ok(Running { argocd, velero, prometheus, _ports: ports })
}

impl Start {
    /// With Flux's definitions, and nobody who acts on them: its controllers do not build from modules alone. What
    /// their status would say is written by the test.
    pub fn with_flux_definitions(mut self) -> Start {
        self.beside.flux = true;
        self
    }
}

impl Cluster {
    /// Applies the definitions in a file or folder and waits until they are established.
    ///
    /// # Errors
    /// When the API server refuses, or takes too long.
    pub async fn define(&self, path: &Path) -> Result<()> {
        self.apply_files(path)?;
        let definitions = "apiextensions.k8s.io/v1/customresourcedefinitions";
        let established = || self.get("", definitions).is_ok_and(|all| all_are(&all, "Established"));
        self.until("the definitions established", established).await
    }
}

/// Whether every object of a list has this condition, as True.
pub(crate) fn all_are(list: &Value, condition: &str) -> bool {
    let has = |object: &Value| {
        let conditions = object["status"]["conditions"].as_array();
        conditions.into_iter().flatten().any(|one| one["type"] == condition && one["status"] == "True")
    };
    list["items"].as_array().is_some_and(|items| items.iter().all(has))
}

/// That a part runs, or who forgot to ask for it.
pub(crate) fn running<'a, T>(part: &'a Option<T>, method: &str) -> Result<&'a T> {
    part.as_ref().ok_or_else(|| eyre!("not started: the cluster was made without .{method}()"))
}

/// Whether something at a port answers a GET of this path with success.
pub(crate) async fn answers(port: &Port, path: &str) -> Result<bool> {
    Ok(get(&port.http(), path).await.is_ok())
}

/// What a plain HTTP server answers to a GET.
pub(crate) async fn get(server: &str, path: &str) -> Result<String> {
    let request = http::Request::get(path).body(Vec::new())?;
    Ok(plain(server)?.request_text(request).await?)
}

/// A client for a plain HTTP server, `http://ADDRESS`.
pub(crate) fn plain(server: &str) -> Result<kube::Client> {
    let mut config = kube::Config::new(server.parse()?);
    // What a server says is wanted as it is said: a 503 would be asked again for minutes.
    config.default_retry = false;
    Ok(kube::Client::try_from(config)?)
}

/// Whether somebody listens at a port.
pub(crate) async fn listens(port: &Port) -> Result<bool> {
    Ok(tokio::net::TcpStream::connect(port.address()).await.is_ok())
}
