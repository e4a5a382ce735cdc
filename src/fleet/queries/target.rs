//! What a chart is about, and by which labels its series are found.

use crate::domain::id::{Kind, Name, ObjectRef};
use crate::fleet::promql::{Matcher, among};
use crate::world::World;

/// What a chart is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// The whole environment.
    Environment,
    /// An app or a workload: these workloads.
    Workloads(Vec<Aim>),
    /// One pod.
    Pod {
        /// Its namespace.
        namespace: Name,
        /// Its name.
        name: Name,
    },
    /// A node.
    Node(Name),
}

/// A workload, by what its series are labelled with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Aim {
    /// Its kind, which tells how its pods are named.
    pub kind: Kind,
    /// Its namespace.
    pub namespace: Name,
    /// Its name.
    pub name: Name,
    /// The autoscaler that scales it.
    pub autoscaler: Option<Name>,
}

/// Workloads with the autoscalers that scale them.
pub fn aims(world: &World, workloads: &[ObjectRef]) -> Vec<Aim> {
    let aim = |object: &ObjectRef| {
        let scalers = world.cluster(object.cluster).map(|cluster| &cluster.autoscalers);
        let scaler = scalers.and_then(|scalers| {
            scalers.iter().map(|(_, scaler)| scaler).find(|scaler| {
                scaler.namespace == object.namespace
                    && scaler.target_name == object.name
                    && &*scaler.target_kind == object.kind.word()
            })
        });
        Aim {
            kind: object.kind,
            namespace: object.namespace.clone(),
            name: object.name.clone(),
            autoscaler: scaler.map(|scaler| scaler.name.clone()),
        }
    };
    workloads.iter().map(aim).collect()
}

/// The namespaces of some workloads.
pub(super) fn namespaces_of(aims: &[Aim]) -> Vec<Name> {
    let mut names: Vec<Name> = aims.iter().map(|aim| aim.namespace.clone()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The first of these labels that a family has; the first of all where its labels are not known.
fn known<'a>(labels: Option<&[Name]>, wanted: &[&'a str]) -> Option<&'a str> {
    match labels {
        None => wanted.first().copied(),
        Some(labels) => wanted.iter().copied().find(|name| labels.iter().any(|label| **label == **name)),
    }
}

/// Labels that name an app or its workload.
const APPS: [&str; 9] = [
    "app",
    "exported_service",
    "service",
    "destination_workload",
    "app_kubernetes_io_name",
    "workload",
    "deployment",
    "ingress",
    "job",
];

/// The same of what stands in front of apps: its own labels are not the app's.
const FRONT_APPS: [&str; 4] = ["exported_service", "destination_workload", "service", "ingress"];

/// Labels with the namespace of the app behind it.
const FRONT_NAMESPACES: [&str; 3] = ["exported_namespace", "destination_workload_namespace", "namespace"];

/// Labels that name the namespace.
const NAMESPACES: [&str; 4] =
    ["exported_namespace", "namespace", "kubernetes_namespace", "destination_workload_namespace"];

/// Labels that name the node of a pod.
pub(super) const NODES: [&str; 3] = ["node", "kubernetes_node", "nodename"];

/// Whether a label names an app or its workload.
pub fn names_app(label: &str) -> bool {
    APPS.contains(&label)
}

/// Whether a label names the namespace.
pub fn names_namespace(label: &str) -> bool {
    NAMESPACES.contains(&label)
}

/// Labels with the namespace. Where labels of the target were not honoured, the exporter's own stands under the plain
/// name, and the real one behind `exported_`.
pub(super) fn namespace_label(labels: Option<&[Name]>) -> &'static str {
    match labels {
        None => "namespace",
        Some(_) => known(labels, &NAMESPACES).unwrap_or("namespace"),
    }
}

pub(super) fn pod_label(labels: Option<&[Name]>) -> Option<&'static str> {
    match labels {
        None => Some("pod"),
        Some(_) => known(labels, &["exported_pod", "pod", "kubernetes_pod_name", "pod_name"]),
    }
}

pub(super) fn namespace_matcher(labels: Option<&[Name]>, namespaces: Vec<Name>) -> Matcher {
    Matcher::Among(namespace_label(labels).into(), namespaces)
}

/// A regular expression for the names of a workload's pods, those of the past too.
fn pods_of(aim: &Aim) -> String {
    let name = regex::escape(&aim.name);
    match aim.kind {
        Kind::StatefulSet => format!("{name}-[0-9]+"),
        Kind::DaemonSet | Kind::Job | Kind::ReplicaSet => format!("{name}-[a-z0-9]{{5}}"),
        Kind::CronJob => format!("{name}-[0-9]+-[a-z0-9]{{5}}"),
        _ => format!("{name}-[a-z0-9]+-[a-z0-9]{{5}}"),
    }
}

impl Target {
    /// Matchers for a family that the kubelet or kube-state-metrics labels by pod and node.
    pub(super) fn matchers(&self, labels: Option<&[Name]>, namespaces: &[Name]) -> Vec<Matcher> {
        let pod = pod_label(labels).unwrap_or("pod");
        match self {
            Target::Environment => vec![namespace_matcher(labels, namespaces.to_vec())],
            Target::Workloads(aims) => vec![
                namespace_matcher(labels, namespaces_of(aims)),
                Matcher::Pattern(pod.into(), aims.iter().map(pods_of).collect::<Vec<_>>().join("|")),
            ],
            Target::Pod { namespace, name } => vec![
                namespace_matcher(labels, vec![namespace.clone()]),
                Matcher::Is(pod.into(), name.clone()),
            ],
            Target::Node(node) => {
                let names = [NODES.as_slice(), &["instance"]].concat();
                let label = known(labels, &names).unwrap_or("node");
                match label {
                    "instance" => {
                        vec![Matcher::Pattern(label.into(), format!("{}(:[0-9]+)?", regex::escape(node)))]
                    }
                    _ => vec![Matcher::Is(label.into(), node.clone())],
                }
            }
        }
    }

    /// Matchers for a family that apps or what stands before them (`front`) serve: by pod where it is labelled so, else by the
    /// app's name.
    pub(super) fn served(
        &self,
        labels: Option<&[Name]>,
        namespaces: &[Name],
        app: Option<&str>,
        front: bool,
    ) -> Vec<Matcher> {
        let by_pod = app.is_none() && !front && pod_label(labels).is_some();
        let in_namespace = |names| {
            if front {
                let label = known(labels, &FRONT_NAMESPACES)?;
                return Some(Matcher::Among(label.into(), names));
            }
            match labels {
                Some(labels) if !labels.iter().any(|label| **label == *namespace_label(Some(labels))) => None,
                _ => Some(namespace_matcher(labels, names)),
            }
        };
        let aims = match self {
            Target::Environment => return in_namespace(namespaces.to_vec()).into_iter().collect(),
            Target::Workloads(aims) if !by_pod => aims,
            _ => return self.matchers(labels, namespaces),
        };
        let names: Vec<Name> = aims.iter().map(|aim| aim.name.clone()).collect();
        let usual: &[&str] = if front { &FRONT_APPS } else { &APPS };
        let label = app.or_else(|| known(labels, usual)).unwrap_or("app");
        let mut matchers: Vec<Matcher> = in_namespace(namespaces_of(aims)).into_iter().collect();
        matchers.push(Matcher::Pattern(label.into(), among(&names)));
        matchers
    }

    /// By which label lines are told apart.
    pub(super) fn split(&self, labels: Option<&[Name]>) -> Name {
        match self {
            Target::Environment => namespace_label(labels).into(),
            Target::Workloads(_) => pod_label(labels).unwrap_or("pod").into(),
            Target::Pod { .. } => "container".into(),
            Target::Node(_) => {
                known(labels, &["node", "kubernetes_node", "instance"]).unwrap_or("node").into()
            }
        }
    }
}
