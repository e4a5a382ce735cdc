//! Environments and the stages they stand in.

use std::time::Duration;

use super::id::{ClusterId, EnvId, Name};
use super::selector::Selector;

/// The cluster of an environment whose context the kubeconfig does not have:
/// no world holds it.
pub const NO_CLUSTER: ClusterId = ClusterId(u16::MAX);

/// A kube context plus namespaces that stand in a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Its place in [`Environments::list`].
    pub id: EnvId,
    /// `production`, `shop-staging`...
    pub name: Name,
    /// Which stage it stands in; `None` for platform and other.
    pub stage: Option<u16>,
    /// Its group when it stands in no stage.
    pub group: Group,
    /// The connection that it is seen through; [`NO_CLUSTER`] when the
    /// kubeconfig has no such context.
    pub cluster: ClusterId,
    /// The kubeconfig context.
    pub context: Name,
    /// Its namespaces.
    pub scope: Scope,
    /// Changes need the environment's name typed.
    pub protected: bool,
    /// Changes are refused.
    pub read_only: bool,
    /// Worked out from names rather than read from the configuration.
    pub inferred: bool,
    /// Recovery targets, when a tier is configured.
    pub targets: Option<Targets>,
}

/// What an environment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Stands in the promotion order.
    Stage,
    /// The platform's own namespaces (argocd, monitoring, kube-system...).
    Platform,
    /// Whatever matches nothing.
    Other,
    /// A context of which nothing more is known: not connected, or its first
    /// answer has not come. Its scope is empty.
    Context,
}

/// Which namespaces belong to an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// These; sorted.
    Namespaces(Vec<Name>),
    /// Those whose labels match; `resolved` are the ones that do now, sorted.
    Selector {
        /// The namespace selector.
        selector: Selector,
        /// Namespaces that match at present.
        resolved: Vec<Name>,
    },
}

impl Scope {
    /// The namespaces that belong to it now, sorted.
    pub fn namespaces(&self) -> &[Name] {
        match self {
            Scope::Namespaces(names) => names,
            Scope::Selector { resolved, .. } => resolved,
        }
    }

    /// Whether a namespace belongs to it now.
    pub fn contains(&self, namespace: &str) -> bool {
        self.namespaces().binary_search_by(|name| (**name).cmp(namespace)).is_ok()
    }
}

/// Recovery targets of a tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Targets {
    /// Recovery point objective: the oldest that the newest backup may be.
    pub rpo: Duration,
    /// Recovery time objective: the longest that a restore may take.
    pub rto: Duration,
}

/// All environments, in the order in which they are shown: stages in promotion
/// order with their peers, then platform, then other, then bare contexts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environments {
    /// Names of the stages in promotion order.
    pub stages: Vec<Name>,
    /// Every environment; `list[n].id.0 == n`.
    pub list: Vec<Environment>,
}

impl Environments {
    /// One environment.
    pub fn get(&self, id: EnvId) -> Option<&Environment> {
        self.list.get(usize::from(id.0))
    }

    /// The environment that a namespace of a cluster belongs to.
    pub fn of(&self, cluster: ClusterId, namespace: &str) -> Option<&Environment> {
        self.list.iter().find(|env| env.cluster == cluster && env.scope.contains(namespace))
    }

    /// Those that people call an environment: not the groups of what is left over in clusters with stages, such as the
    /// platform's own namespaces.
    pub fn counted(&self) -> impl Iterator<Item = &Environment> {
        let staged = self.staged().next().is_some();
        self.list.iter().filter(move |env| match env.group {
            Group::Stage | Group::Context => true,
            Group::Platform => false,
            Group::Other => !staged,
        })
    }

    /// Environments of the promotion order.
    pub fn staged(&self) -> impl Iterator<Item = &Environment> {
        self.list.iter().filter(|env| env.group == Group::Stage)
    }
}
