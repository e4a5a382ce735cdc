//! Servers besides the Kubernetes API that facts come from: Prometheus, Alertmanager, Argo CD's API server.
//!
//! An [`Upstream`] is data: where a server answers and how to be let in. It holds no secret, only where one is kept.
//! Two environments whose upstreams are equal share one client and every equal question; what tells one
//! environment's series from another's (the matchers) is therefore no part of it. `fleet::upstreams` works out which
//! environment has which, `connect::upstream` asks it.

use std::path::PathBuf;

use super::id::{ClusterId, Kind, Name, Uid};

/// Whose API a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Server {
    /// Prometheus, or Thanos, Mimir, VictoriaMetrics in its place.
    Prometheus,
    /// Alertmanager.
    Alertmanager,
    /// Argo CD's API server.
    Argocd,
}

impl Server {
    /// Its name in sentences.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Server::Prometheus => "Prometheus",
            Server::Alertmanager => "Alertmanager",
            Server::Argocd => "Argo CD",
        }
    }

    /// Its key in an environment's configuration.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Server::Prometheus => "prometheus",
            Server::Alertmanager => "alertmanager",
            Server::Argocd => "argocd",
        }
    }
}

/// A server and the way in. Equal upstreams are one server, asked by the same means.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Upstream {
    /// Whose API it speaks.
    pub server: Server,
    /// Where it answers.
    pub address: Address,
    /// How to be let in.
    pub access: Access,
}

impl Upstream {
    /// Each member of a cluster of servers by itself; a server that stands alone is its only member.
    #[must_use]
    pub fn members(&self) -> Vec<Upstream> {
        match &self.address {
            Address::Members(urls) => {
                let one = |url: &Name| Upstream { address: Address::Url(url.clone()), ..self.clone() };
                urls.iter().map(one).collect()
            }
            _ => vec![self.clone()],
        }
    }
}

/// Where a server answers. Paths of its API are appended to this.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// `https://host[:port][/prefix]`, without a slash at its end.
    Url(Name),
    /// Several such URLs: members of one cluster, any of which answers for all. A member is asked by
    /// [`Upstream::members`].
    Members(Vec<Name>),
    /// Behind the service proxy of a cluster's API server, with the rights of the kubeconfig.
    Service {
        /// The connection.
        cluster: ClusterId,
        /// Namespace of the Service.
        namespace: Name,
        /// Its name.
        name: Name,
        /// Number or name of its port.
        port: Name,
        /// The API server speaks TLS to it.
        tls: bool,
        /// Before every path, such as `/prometheus`; empty, or with a slash at its begin and none at its end.
        prefix: Name,
    },
}

impl Address {
    /// The connection that is asked; `None` for a URL.
    #[must_use]
    pub fn cluster(&self) -> Option<ClusterId> {
        match self {
            Address::Url(_) | Address::Members(_) => None,
            Address::Service { cluster, .. } => Some(*cluster),
        }
    }

    /// As people write it: the URL, or `namespace/name:port`.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Address::Url(url) => url.to_string(),
            Address::Members(urls) => urls.join(", "),
            Address::Service { namespace, name, port, prefix, .. } => {
                format!("{namespace}/{name}:{port}{prefix}")
            }
        }
    }
}

/// How to be let in.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Access {
    /// Headers to send.
    pub headers: Vec<(Name, Secret)>,
    /// File with a bearer token, read at each question.
    pub bearer_token_file: Option<PathBuf>,
    /// User name and password file.
    pub basic_auth: Option<(Name, PathBuf)>,
    /// Certificate authority (PEM) to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Sent as `X-Scope-OrgID`.
    pub tenant: Option<Name>,
}

impl Access {
    /// Whether something is sent in the header `Authorization`, which the service proxy does not pass on.
    #[must_use]
    pub fn wants_authorization(&self) -> bool {
        self.bearer_token_file.is_some()
            || self.basic_auth.is_some()
            || self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"))
    }
}

/// A Prometheus or an Alertmanager that the Prometheus Operator runs (monitoring.coreos.com/v1): the way in to its pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operated {
    /// `metadata.uid`
    pub uid: Uid,
    /// [`Kind::Prometheus`] or [`Kind::Alertmanager`].
    pub kind: Kind,
    /// `metadata.namespace`
    pub namespace: Name,
    /// `metadata.name`
    pub name: Name,
    /// `spec.portName`: the name of its pods' port.
    pub port: Name,
    /// `spec.routePrefix`: before every path of its API; empty, or with a slash at its begin and none at its end.
    pub prefix: Name,
    /// `spec.web.tlsConfig` is there.
    pub tls: bool,
    /// `spec.listenLocal`: only its pods themselves can reach it.
    pub local: bool,
}

/// Where the value of a header comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Secret {
    /// Here; it is none.
    Plain(Name),
    /// The content of a file.
    File(PathBuf),
    /// The value of an environment variable.
    Env(Name),
}

/// The upstream of an environment, and why this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// The server.
    pub upstream: std::sync::Arc<Upstream>,
    /// Labels that tell this environment's series from others': added to every selector of every query.
    pub matchers: Vec<(Name, Name)>,
    /// How it is known.
    pub how: How,
}

/// How an upstream is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// The configuration names its address.
    Configured,
    /// A Service of the cluster looks like one.
    Found {
        /// By what: `the label app.kubernetes.io/name=prometheus`.
        by: Name,
        /// Other Services that look like one too, as `namespace/name`.
        others: Vec<Name>,
    },
}

/// Why an environment has no upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// One sentence.
    pub why: String,
    /// What helps: one sentence; empty when waiting does.
    pub mend: String,
    /// It may yet turn up by itself: the Services are still being read, or the cluster does not answer.
    pub pending: bool,
}
