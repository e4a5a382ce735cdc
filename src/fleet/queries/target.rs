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

/// Labels that name the pod, each with the namespace's that goes with it.
const PODS: [(&str, &str); 4] = [
    ("exported_pod", "exported_namespace"),
    ("pod", "namespace"),
    ("kubernetes_pod_name", "kubernetes_namespace"),
    ("pod_name", "kubernetes_namespace"),
];

/// One of the ways in which the series of a family say whose they are: jobs that are scraped differently have their series
/// under one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Way {
    /// The label with the namespace.
    pub(super) namespace: Option<&'static str>,
    /// The label with the pod.
    pub(super) pod: Option<&'static str>,
    /// Labels of the ways before this one: with one of them a series is theirs.
    without: Vec<&'static str>,
    /// A way after this one has the same namespace: without the pod's label a series is that one's.
    shared: bool,
}

impl Way {
    /// What tells its series from those of the ways before it, and after it.
    fn apart(&self) -> impl Iterator<Item = Matcher> {
        let named = self.pod.filter(|_| self.shared).map(has);
        self.without.iter().map(|label| lacks(label)).chain(named)
    }
}

/// Series of a family that are asked for, and how they say whose they are.
pub(super) struct Selection {
    /// What they are found by.
    pub(super) matchers: Vec<Matcher>,
    /// How they name pod and namespace.
    pub(super) way: Way,
}

/// Without this label.
fn lacks(label: &str) -> Matcher {
    Matcher::Is(label.into(), "".into())
}

/// With something in this label.
fn has(label: &str) -> Matcher {
    Matcher::Pattern(label.into(), ".+".to_owned())
}

fn is_there(labels: Option<&[Name]>, wanted: &str) -> bool {
    labels.is_some_and(|labels| labels.iter().any(|label| **label == *wanted))
}

/// Labels of namespaces by which a family's series are found; of meshes the one of who is asked.
fn namespace_labels(labels: Option<&[Name]>) -> Vec<&'static str> {
    let own = NAMESPACES.into_iter().filter(|label| !label.starts_with("destination_"));
    let own: Vec<&'static str> = own.filter(|label| is_there(labels, label)).collect();
    if own.is_empty() { vec![namespace_label(labels)] } else { own }
}

/// Pairs of the labels of namespace and pod as ways, each without what is another one's.
fn ways(pairs: &[(&'static str, Option<&'static str>)]) -> Vec<Way> {
    let way = |(nth, (namespace, pod)): (usize, &(&'static str, Option<&'static str>))| {
        let earlier = pairs.iter().take(nth).flat_map(|(namespace, pod)| [Some(*namespace), *pod]);
        let mut without: Vec<&'static str> =
            earlier.flatten().filter(|label| label != namespace && Some(*label) != *pod).collect();
        without.sort_unstable();
        without.dedup();
        let shared = pairs.iter().skip(nth + 1).any(|(other, _)| other == namespace);
        Way { namespace: Some(namespace), pod: *pod, without, shared }
    };
    pairs.iter().enumerate().map(way).collect()
}

/// The ways to find series by their namespace, never none.
fn by_namespace(labels: Option<&[Name]>) -> Vec<Way> {
    let mut pairs = pairs(labels);
    for namespace in namespace_labels(labels) {
        if pairs.iter().all(|(known, _)| *known != namespace) {
            pairs.push((namespace, pod_label(labels)));
        }
    }
    ways(&pairs)
}

/// The ways to find series by their pod, never none.
fn by_pod(labels: Option<&[Name]>) -> Vec<Way> {
    let mut pairs = pairs(labels);
    if pairs.is_empty() {
        pairs.push((namespace_label(labels), Some("pod")));
    }
    ways(&pairs)
}

/// The labels of namespace and pod as the series of a family may have them together; none where none has a pod's.
fn pairs(labels: Option<&[Name]>) -> Vec<(&'static str, Option<&'static str>)> {
    let namespaces = namespace_labels(labels);
    let mut pairs = Vec::new();
    for (pod, namespace) in PODS.into_iter().filter(|(pod, _)| is_there(labels, pod)) {
        // Where an exporter tells the namespace and not the pod, the pod's own namespace may stand under either label;
        // another job of the family may tell both.
        let exported = pod == "pod" && is_there(labels, "exported_namespace");
        let own: Vec<&'static str> = match is_there(labels, namespace) {
            true if exported => vec!["exported_namespace", namespace],
            true => vec![namespace],
            false => namespaces.iter().copied().take(1).collect(),
        };
        pairs.extend(own.into_iter().map(|namespace| (namespace, Some(pod))));
    }
    pairs
}

/// Labels by which the series of several ways, or of several families, are brought together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Key {
    namespace: Option<&'static str>,
    pod: Option<&'static str>,
}

impl Key {
    /// What all of these can be brought to: the first of the labels that they use, for a series of another way has
    /// nothing there that could be lost.
    pub(super) fn of<'a>(ways: impl Iterator<Item = &'a Way> + Clone) -> Key {
        let rank = |label: &str| NAMESPACES.iter().position(|known| *known == label);
        let namespaces: Option<Vec<_>> = ways.clone().map(|way| way.namespace).collect();
        let namespace = namespaces.and_then(|all| all.into_iter().min_by_key(|label| rank(label)));
        let rank = |label: &str| PODS.iter().position(|(known, _)| *known == label);
        let pods: Option<Vec<_>> = ways.map(|way| way.pod).collect();
        Key { namespace, pod: pods.and_then(|all| all.into_iter().min_by_key(|label| rank(label))) }
    }

    /// Only the label of lines that are told apart.
    pub(super) fn split(self, target: &Target) -> Key {
        match target {
            Target::Environment => Key { pod: None, ..self },
            Target::Workloads(_) => Key { namespace: None, ..self },
            Target::Pod { .. } | Target::Node(_) => Key::default(),
        }
    }

    /// These labels, and those of another one where it has none.
    pub(super) fn or(self, other: Key) -> Key {
        Key { namespace: self.namespace.or(other.namespace), pod: self.pod.or(other.pod) }
    }

    /// A vector of series that are found in this way, with the labels of this key.
    pub(super) fn named(self, way: &Way, vector: String) -> String {
        [(way.pod, self.pod), (way.namespace, self.namespace)].into_iter().fold(vector, |vector, pair| {
            match pair {
                (Some(has), Some(wants)) if has != wants => {
                    format!("label_replace({vector}, \"{wants}\", \"$1\", \"{has}\", \"(.+)\")")
                }
                _ => vector,
            }
        })
    }

    /// `namespace, pod`; empty where nothing tells pods apart.
    pub(super) fn labels(self) -> String {
        let Some(pod) = self.pod else { return String::new() };
        self.namespace.map_or_else(|| pod.to_owned(), |namespace| format!("{namespace}, {pod}"))
    }
}

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

/// All series of a family of pods, each in the way in which it names its pod.
pub(super) fn selections_of_all(labels: Option<&[Name]>) -> Vec<Selection> {
    let ways = by_pod(labels);
    let several = ways.len() > 1;
    let selection = |(nth, way): (usize, &Way)| {
        let without = way.without.iter().map(|label| lacks(label));
        // No namespace is asked for: without its label a series is that of a later way with the same label of the pod.
        let namespace = way.namespace.filter(|_| ways.iter().skip(nth + 1).any(|later| later.pod == way.pod));
        let named = namespace.into_iter().chain(way.pod.filter(|_| several)).map(has);
        Selection { matchers: without.chain(named).collect(), way: way.clone() }
    };
    ways.iter().enumerate().map(selection).collect()
}

impl Target {
    /// Series of a family that the kubelet or kube-state-metrics labels by pod and node.
    pub(super) fn selections(&self, labels: Option<&[Name]>, namespaces: &[Name]) -> Vec<Selection> {
        let ways = match self {
            Target::Environment => by_namespace(labels),
            Target::Workloads(_) | Target::Pod { .. } => by_pod(labels),
            Target::Node(_) => vec![Way::default()],
        };
        ways.into_iter().map(|way| self.selection(labels, namespaces, way)).collect()
    }

    /// The same, where each says which pod it is of: a node's are found by another label than the pod's.
    pub(super) fn selections_of_pods(&self, labels: Option<&[Name]>, namespaces: &[Name]) -> Vec<Selection> {
        let Target::Node(_) = self else { return self.selections(labels, namespaces) };
        let of_node = self.selection(labels, namespaces, Way::default()).matchers;
        let mut selections = selections_of_all(labels);
        for one in &mut selections {
            one.matchers = of_node.iter().cloned().chain(std::mem::take(&mut one.matchers)).collect();
        }
        selections
    }

    fn selection(&self, labels: Option<&[Name]>, namespaces: &[Name], way: Way) -> Selection {
        let (pod, namespace) = (way.pod.unwrap_or("pod"), way.namespace.unwrap_or("namespace"));
        let among = |names: Vec<Name>| Matcher::Among(namespace.into(), names);
        let mut matchers: Vec<Matcher> = way.without.iter().map(|label| lacks(label)).collect();
        match self {
            Target::Environment => matchers = way.apart().chain([among(namespaces.to_vec())]).collect(),
            Target::Workloads(aims) => {
                let pods = aims.iter().map(pods_of).collect::<Vec<_>>().join("|");
                matchers.extend([among(namespaces_of(aims)), Matcher::Pattern(pod.into(), pods)]);
            }
            Target::Pod { namespace, name } => {
                matchers.extend([among(vec![namespace.clone()]), Matcher::Is(pod.into(), name.clone())]);
            }
            Target::Node(node) => {
                let names = [NODES.as_slice(), &["instance"]].concat();
                let label = known(labels, &names).unwrap_or("node");
                matchers.push(match label {
                    "instance" => {
                        Matcher::Pattern(label.into(), format!("{}(:[0-9]+)?", regex::escape(node)))
                    }
                    _ => Matcher::Is(label.into(), node.clone()),
                });
            }
        }
        Selection { matchers, way }
    }

    /// Series of a family that apps or what stands before them (`front`) serve: by pod where it is labelled so, else by the
    /// app's name.
    pub(super) fn served(
        &self,
        labels: Option<&[Name]>,
        namespaces: &[Name],
        app: Option<&str>,
        front: bool,
    ) -> Vec<Selection> {
        let by_pod = app.is_none() && !front && pod_label(labels).is_some();
        let aims = match self {
            Target::Environment => None,
            Target::Workloads(aims) if !by_pod => Some(aims),
            _ => return self.selections(labels, namespaces),
        };
        let names = aims.map_or_else(|| namespaces.to_vec(), |aims| namespaces_of(aims));
        let in_namespace = |label: &str| Matcher::Among(label.into(), names.clone());
        let mut selections = match labels {
            _ if front => {
                let namespace = known(labels, &FRONT_NAMESPACES).map(in_namespace);
                vec![Selection { matchers: namespace.into_iter().collect(), way: Way::default() }]
            }
            // Nothing tells the namespace.
            Some(_) if !is_there(labels, namespace_label(labels)) => {
                let way = Way { pod: pod_label(labels), ..Way::default() };
                vec![Selection { matchers: Vec::new(), way }]
            }
            _ => {
                // Of an app by a label of its own no pod counts all: one may count for several apps.
                let selection = |way: Way| {
                    let matchers = way.apart().chain(way.namespace.map(in_namespace)).collect();
                    Selection { matchers, way: Way { pod: way.pod.filter(|_| app.is_none()), ..way } }
                };
                by_namespace(labels).into_iter().map(selection).collect()
            }
        };
        if let Some(aims) = aims {
            let names: Vec<Name> = aims.iter().map(|aim| aim.name.clone()).collect();
            let usual: &[&str] = if front { &FRONT_APPS } else { &APPS };
            let label = app.or_else(|| known(labels, usual)).unwrap_or("app");
            for selection in &mut selections {
                selection.matchers.push(Matcher::Pattern(label.into(), among(&names)));
            }
        }
        selections
    }

    /// The labels of a key that pods of this target differ in: none of a single one, and not the namespace where there is
    /// one alone.
    pub(super) fn differing(&self, key: Key, namespaces: &[Name]) -> Key {
        let of_one = match self {
            Target::Environment => namespaces.len() < 2,
            Target::Workloads(aims) => namespaces_of(aims).len() < 2,
            Target::Pod { .. } => return Key::default(),
            Target::Node(_) => false,
        };
        if of_one && key.pod.is_some() { Key { namespace: None, ..key } } else { key }
    }

    /// By which label lines are told apart, of series with the labels of this key.
    pub(super) fn split(&self, labels: Option<&[Name]>, key: Key) -> Name {
        match self {
            Target::Environment => key.namespace.unwrap_or("namespace").into(),
            Target::Workloads(_) => key.pod.unwrap_or("pod").into(),
            Target::Pod { .. } => "container".into(),
            Target::Node(_) => {
                known(labels, &["node", "kubernetes_node", "instance"]).unwrap_or("node").into()
            }
        }
    }
}
