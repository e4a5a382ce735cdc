//! How a connection stands, and how fresh what it brought is.

use std::sync::Arc;
use std::time::Duration;

use super::id::{Kind, Name};
use super::time::Stamp;

/// The state of the connection to one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Link {
    /// Known, but not connected until asked for.
    #[default]
    Dim,
    /// The first answer is awaited.
    Connecting,
    /// Answers.
    Live,
    /// Credentials are missing or expired and a person is needed.
    LoginNeeded {
        /// The command to run in another terminal; empty when there is none to name.
        command: Name,
        /// What the server or the credential plugin said.
        message: Name,
    },
    /// Authenticated, but may not even ask for its version or resources.
    Forbidden {
        /// What the server said.
        message: Name,
    },
    /// Does not answer; tried again by itself.
    Unreachable {
        /// Why, in words.
        reason: Name,
        /// When it is tried again, on the clock that never jumps.
        retry_at: Duration,
        /// How many tries have failed in a row.
        attempt: u32,
    },
    /// Can never work as configured (unreadable certificate, unknown context).
    Broken {
        /// What is wrong and how to mend it.
        message: Name,
    },
}

/// How the watch of one kind stands on one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Feed {
    /// The first list has not arrived whole.
    #[default]
    Loading,
    /// The list is complete and followed.
    Live,
    /// Asked for in single namespaces, because the whole cluster is refused: some are followed, these are refused.
    Partly {
        /// The refused namespaces, sorted.
        refused: Arc<[Name]>,
        /// What the server said of one of them.
        message: Name,
    },
    /// The server refuses this kind (403).
    Forbidden(Name),
    /// The server does not serve this kind (its definition is not installed).
    Absent,
    /// Broken for now; tried again by itself.
    Failed(Name),
}

impl Feed {
    /// The feed as far as these namespaces are concerned: what is refused elsewhere does not matter to them, and where
    /// all of them are refused nothing is followed.
    #[must_use]
    pub fn within(self, namespaces: &[Name]) -> Feed {
        let Feed::Partly { refused, message } = self else { return self };
        let here: Arc<[Name]> = refused.iter().filter(|name| namespaces.contains(name)).cloned().collect();
        match here.len() {
            0 => Feed::Live,
            some if some == namespaces.len() => Feed::Forbidden(message),
            _ => Feed::Partly { refused: here, message },
        }
    }
}

/// What is known of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// The kubeconfig context.
    pub context: Name,
    /// The kubeconfig cluster entry's name.
    pub cluster_name: Name,
    /// The user as the kubeconfig names it.
    pub user: Name,
    /// The context's default namespace; empty when it names none.
    pub namespace: Name,
    /// The API server's URL, without credentials.
    pub server: Name,
    /// How it stands.
    pub link: Link,
    /// When something of it last answered; `None` before the first answer.
    pub last_answer: Option<Stamp>,
    /// `gitVersion` of `/version`; empty before the first answer.
    pub version: Name,
    /// uid of the namespace kube-system, which identifies the cluster; empty
    /// when not known (it may not be readable).
    pub cluster_uid: Name,
    /// The first context to the same cluster, when this one is another way to it.
    pub same_as: Option<Name>,
}

/// The kinds that are watched on every connected cluster, in the order in which
/// the watches are opened.
pub const WATCHED: [Kind; 29] = [
    Kind::Namespace,
    Kind::Pod,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::ReplicaSet,
    Kind::Node,
    Kind::Job,
    Kind::CronJob,
    Kind::Rollout,
    Kind::Service,
    Kind::EndpointSlice,
    Kind::Ingress,
    Kind::ResourceQuota,
    Kind::HorizontalPodAutoscaler,
    Kind::Application,
    Kind::Kustomization,
    Kind::HelmRelease,
    Kind::GitRepository,
    Kind::OciRepository,
    Kind::HelmRepository,
    Kind::HelmChart,
    Kind::Bucket,
    Kind::Backup,
    Kind::Schedule,
    Kind::Restore,
    Kind::BackupStorageLocation,
    Kind::Prometheus,
    Kind::Alertmanager,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_counts_where_it_matters() {
        let feed = |names: &[&str]| Feed::Partly {
            refused: names.iter().map(|name| Name::from(*name)).collect(),
            message: "no".into(),
        };
        let names = |names: &[&str]| names.iter().map(|name| Name::from(*name)).collect::<Vec<_>>();
        let all = feed(&["pay", "shop"]);
        assert_eq!(all.clone().within(&names(&["cart"])), Feed::Live);
        assert_eq!(all.clone().within(&names(&["cart", "shop"])), feed(&["shop"]));
        assert_eq!(all.clone().within(&names(&["shop", "pay"])), Feed::Forbidden("no".into()));
        assert_eq!(all.within(&[]), Feed::Live);
        assert_eq!(Feed::Failed("x".into()).within(&names(&["shop"])), Feed::Failed("x".into()));
    }
}
