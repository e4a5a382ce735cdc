//! Which kinds a cluster serves: a table of built-in ones, and those that CustomResourceDefinitions in the store
//! define. Read by routes, discovery, OpenAPI and tables; knows nothing of requests.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde_json::Value;

use super::store::Store;

/// Where definitions of further kinds are stored.
pub const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// Paths of a scale subresource within the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScalePaths {
    /// Where the wanted count is, such as `spec.replicas`.
    pub spec: Vec<String>,
    /// Where the present count is.
    pub status: Vec<String>,
    /// Where the selector is: a string, or a LabelSelector object.
    pub selector: Vec<String>,
}

/// A column that a definition gives for tables.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Heading.
    pub name: String,
    /// `string`, `integer`, `date`...
    pub kind: String,
    /// JSONPath into the object, such as `.status.phase`.
    pub path: String,
    /// 0 always shown, 1 with `-o wide`.
    pub priority: i64,
}

/// A kind as served.
#[derive(Debug, Clone, PartialEq)]
pub struct Kind {
    /// API group, empty for the core group.
    pub group: String,
    /// Version served.
    pub version: String,
    /// Kind, such as `Pod`.
    pub kind: String,
    /// Plural name in paths.
    pub plural: String,
    /// Singular name.
    pub singular: String,
    /// Short names.
    pub short: Vec<String>,
    /// Categories such as `all`.
    pub categories: Vec<String>,
    /// Whether objects are in namespaces.
    pub namespaced: bool,
    /// Whether there is a status subresource.
    pub status: bool,
    /// The scale subresource, if any.
    pub scale: Option<ScalePaths>,
    /// Whether it is defined by the table below and not by a definition in the store.
    pub builtin: bool,
    /// Columns of defined kinds.
    pub columns: Vec<Column>,
}

impl Kind {
    /// The store's key: `pods`, `deployments.apps`.
    pub fn resource(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// `v1`, `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Kind of a list of these.
    pub fn list_kind(&self) -> String {
        format!("{}List", self.kind)
    }
}

/// group/version, kind, plural, flags (n: namespaced, s: status, x: scale, a: category all), short names.
const BUILTIN: &[(&str, &str, &str, &str, &str)] = &[
    ("v1", "ConfigMap", "configmaps", "n", "cm"),
    ("v1", "Endpoints", "endpoints", "n", "ep"),
    ("v1", "Event", "events", "n", "ev"),
    ("v1", "LimitRange", "limitranges", "n", "limits"),
    ("v1", "Namespace", "namespaces", "s", "ns"),
    ("v1", "Node", "nodes", "s", "no"),
    ("v1", "PersistentVolumeClaim", "persistentvolumeclaims", "ns", "pvc"),
    ("v1", "PersistentVolume", "persistentvolumes", "s", "pv"),
    ("v1", "Pod", "pods", "nsa", "po"),
    ("v1", "ReplicationController", "replicationcontrollers", "nsxa", "rc"),
    ("v1", "ResourceQuota", "resourcequotas", "ns", "quota"),
    ("v1", "Secret", "secrets", "n", ""),
    ("v1", "ServiceAccount", "serviceaccounts", "n", "sa"),
    ("v1", "Service", "services", "nsa", "svc"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", "s", "crd,crds"),
    ("apps/v1", "ControllerRevision", "controllerrevisions", "n", ""),
    ("apps/v1", "DaemonSet", "daemonsets", "nsa", "ds"),
    ("apps/v1", "Deployment", "deployments", "nsxa", "deploy"),
    ("apps/v1", "ReplicaSet", "replicasets", "nsxa", "rs"),
    ("apps/v1", "StatefulSet", "statefulsets", "nsxa", "sts"),
    ("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", "nsa", "hpa"),
    ("batch/v1", "CronJob", "cronjobs", "nsa", "cj"),
    ("batch/v1", "Job", "jobs", "nsa", ""),
    ("coordination.k8s.io/v1", "Lease", "leases", "n", ""),
    ("discovery.k8s.io/v1", "EndpointSlice", "endpointslices", "n", ""),
    ("networking.k8s.io/v1", "IngressClass", "ingressclasses", "", ""),
    ("networking.k8s.io/v1", "Ingress", "ingresses", "ns", "ing"),
    ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", "n", "netpol"),
    ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", "ns", "pdb"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings", "", ""),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", "", ""),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings", "n", ""),
    ("rbac.authorization.k8s.io/v1", "Role", "roles", "n", ""),
    ("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", "", "pc"),
    ("storage.k8s.io/v1", "StorageClass", "storageclasses", "", "sc"),
];

static BUILTIN_KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    BUILTIN
        .iter()
        .map(|(api, kind, plural, flags, short)| {
            let (group, version) = api.split_once('/').unwrap_or(("", api));
            let path = |text: &str| text.split('.').map(str::to_owned).collect::<Vec<_>>();
            Kind {
                group: group.into(),
                version: version.into(),
                kind: (*kind).into(),
                plural: (*plural).into(),
                singular: kind.to_lowercase(),
                short: short.split(',').filter(|s| !s.is_empty()).map(str::to_owned).collect(),
                categories: if flags.contains('a') { vec!["all".into()] } else { Vec::new() },
                namespaced: flags.contains('n'),
                status: flags.contains('s'),
                scale: flags.contains('x').then(|| ScalePaths {
                    spec: path("spec.replicas"),
                    status: path("status.replicas"),
                    selector: path("spec.selector"),
                }),
                builtin: true,
                columns: Vec::new(),
            }
        })
        .collect()
});

/// Defined kinds, and the number and newest version of the definitions they were read from.
type Defined = ((usize, u64), Arc<Vec<Kind>>);

/// The kinds of one cluster.
#[derive(Debug)]
pub struct Kinds {
    store: Store,
    defined: Mutex<Defined>,
}

impl Kinds {
    /// The kinds served from a store: the built-in ones, and those it has definitions for at the time of asking.
    pub fn new(store: Store) -> Self {
        Self { store, defined: Mutex::new(((0, 0), Arc::new(Vec::new()))) }
    }

    fn defined(&self) -> Arc<Vec<Kind>> {
        let (_, definitions) = self.store.entries(DEFINITIONS, None);
        let newest = definitions.iter().map(|d| d.version).max().unwrap_or_default();
        let mark = (definitions.len(), newest);
        let mut cache = self.defined.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.0 != mark {
            let kinds = definitions.iter().flat_map(|d| from_definition(&d.value())).collect();
            *cache = (mark, Arc::new(kinds));
        }
        cache.1.clone()
    }

    /// All kinds, built-in ones first.
    pub fn all(&self) -> Vec<Kind> {
        BUILTIN_KINDS.iter().chain(self.defined().iter()).cloned().collect()
    }

    /// The kind at `/apis/{group}/{version}/{plural}` (the core group is empty).
    pub fn find(&self, group: &str, version: &str, plural: &str) -> Option<Kind> {
        let fits = |k: &&Kind| k.group == group && k.version == version && k.plural == plural;
        BUILTIN_KINDS.iter().find(fits).cloned().or_else(|| self.defined().iter().find(fits).cloned())
    }
}

fn strings(value: &Value) -> Vec<String> {
    let list = value.as_array();
    list.map(|l| l.iter().filter_map(|s| s.as_str().map(str::to_owned)).collect()).unwrap_or_default()
}

/// The kinds that a CustomResourceDefinition defines, one for each served version.
fn from_definition(definition: &Value) -> Vec<Kind> {
    let spec = &definition["spec"];
    let names = &spec["names"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let path = |value: &Value| -> Vec<String> {
        value
            .as_str()
            .map(|p| p.trim_start_matches('.').split('.').map(str::to_owned).collect())
            .unwrap_or_default()
    };
    let versions = spec["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    versions
        .iter()
        .filter(|version| version["served"] == true)
        .map(|version| {
            let scale = &version["subresources"]["scale"];
            let columns = version["additionalPrinterColumns"].as_array();
            Kind {
                group: text(&spec["group"]),
                version: text(&version["name"]),
                kind: text(&names["kind"]),
                plural: text(&names["plural"]),
                singular: names["singular"]
                    .as_str()
                    .map_or_else(|| text(&names["kind"]).to_lowercase(), str::to_owned),
                short: strings(&names["shortNames"]),
                categories: strings(&names["categories"]),
                namespaced: spec["scope"] == "Namespaced",
                status: version["subresources"]["status"].is_object(),
                scale: scale.is_object().then(|| ScalePaths {
                    spec: path(&scale["specReplicasPath"]),
                    status: path(&scale["statusReplicasPath"]),
                    selector: path(&scale["labelSelectorPath"]),
                }),
                builtin: false,
                columns: columns
                    .map(|columns| {
                        columns
                            .iter()
                            .map(|column| Column {
                                name: text(&column["name"]),
                                kind: text(&column["type"]),
                                path: text(&column["jsonPath"]),
                                priority: column["priority"].as_i64().unwrap_or_default(),
                            })
                            .collect()
                    })
                    .unwrap_or_default(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_definition_in_the_store_serves_its_kind_until_it_is_deleted() {
        let store = Store::new(1);
        let kinds = Kinds::new(store.clone());
        assert!(kinds.find("argoproj.io", "v1alpha1", "rollouts").is_none());
        store.create(DEFINITIONS, json!({"kind":"CustomResourceDefinition","metadata":{"name":"rollouts.argoproj.io"},
            "spec":{"group":"argoproj.io","scope":"Namespaced","names":{"kind":"Rollout","plural":"rollouts","shortNames":["ro"]},
                    "versions":[{"name":"v1alpha1","served":true,"storage":true,"subresources":{"status":{},"scale":{"specReplicasPath":".spec.replicas"}}}]}})).unwrap();
        let kind = kinds.find("argoproj.io", "v1alpha1", "rollouts").unwrap();
        assert_eq!((kind.resource().as_str(), kind.singular.as_str()), ("rollouts.argoproj.io", "rollout"));
        assert!(kind.status && kind.namespaced && !kind.builtin);
        assert_eq!(kind.scale.unwrap().spec, ["spec", "replicas"]);
        store.delete(DEFINITIONS, "", "rollouts.argoproj.io").unwrap();
        assert!(kinds.find("argoproj.io", "v1alpha1", "rollouts").is_none());
    }
}
