//! What the server says it serves: versions, groups and resources, in the old form and aggregated. Built from the
//! table of kinds at each request; the self-review kinds and metrics are added here since nothing is stored for them.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Value, json};

use super::accept::Accept;
use super::cluster::Cluster;
use super::error::ApiError;
use super::kinds::Kind;
use super::respond::{self, Answer};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Kinds that are only answered: group, version, plural, kind.
const REVIEWS: [(&str, &str, &str, &str); 3] = [
    ("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview"),
    ("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
    ("authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview"),
];

/// The kind of a self-review path.
pub fn review_kind(group: &str, version: &str, plural: &str) -> Option<&'static str> {
    let found = REVIEWS.iter().find(|(g, v, p, _)| (*g, *v, *p) == (group, version, plural));
    found.map(|(.., kind)| *kind)
}

/// `/version`, from a version such as `v1.36.3+k3s1`.
pub fn version(git: &str) -> Value {
    let mut numbers = git.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or("1"), numbers.next().unwrap_or("0"));
    let mut version = json!({
        "major": major, "minor": minor, "gitVersion": git, "gitCommit": "0".repeat(40), "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z", "goVersion": "go1.26.0", "compiler": "gc", "platform": "linux/amd64",
    });
    // What it behaves like, and the oldest that may run beside it: told since 1.34.
    if let Some(number) = minor.parse().ok().filter(|number: &u32| *number >= 34) {
        version["emulationMajor"] = json!(major);
        version["emulationMinor"] = json!(minor);
        version["minCompatibilityMajor"] = json!(major);
        version["minCompatibilityMinor"] = json!((number - 1).to_string());
    }
    version
}

/// One entry of a resource list.
struct Resource {
    name: String,
    singular: String,
    namespaced: bool,
    kind: String,
    /// Group and version of `kind` where they are not those of the list.
    foreign: Option<(&'static str, &'static str)>,
    verbs: Vec<&'static str>,
    short: Vec<String>,
    categories: Vec<String>,
}

impl Resource {
    fn sub(of: &Kind, sub: &str, kind: &str, verbs: &[&'static str]) -> Self {
        Self {
            name: format!("{}/{sub}", of.plural),
            singular: String::new(),
            namespaced: of.namespaced,
            kind: kind.to_owned(),
            foreign: None,
            verbs: verbs.to_vec(),
            short: Vec::new(),
            categories: Vec::new(),
        }
    }

    fn bare(name: &str, singular: &str, kind: &str, namespaced: bool, verbs: &[&'static str]) -> Self {
        Self {
            name: name.to_owned(),
            singular: singular.to_owned(),
            namespaced,
            kind: kind.to_owned(),
            foreign: None,
            verbs: verbs.to_vec(),
            short: Vec::new(),
            categories: Vec::new(),
        }
    }

    fn plain(&self) -> Value {
        let mut value = json!({
            "name": self.name, "singularName": self.singular, "namespaced": self.namespaced,
            "kind": self.kind, "verbs": self.verbs,
        });
        if let Some((group, version)) = self.foreign {
            value["group"] = json!(group);
            value["version"] = json!(version);
        }
        if !self.short.is_empty() {
            value["shortNames"] = json!(self.short);
        }
        if !self.categories.is_empty() {
            value["categories"] = json!(self.categories);
        }
        value
    }
}

const ALL_VERBS: [&str; 8] =
    ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const STATUS_VERBS: [&str; 3] = ["get", "patch", "update"];

fn of_kind(kind: &Kind) -> Vec<Resource> {
    let mut all = vec![Resource {
        name: kind.plural.clone(),
        singular: kind.singular.clone(),
        namespaced: kind.namespaced,
        kind: kind.kind.clone(),
        foreign: None,
        verbs: ALL_VERBS.to_vec(),
        short: kind.short.clone(),
        categories: kind.categories.clone(),
    }];
    if kind.plural == "pods" && kind.group.is_empty() {
        for (sub, sub_kind, verbs) in [
            ("attach", "PodAttachOptions", &["create", "get"][..]),
            ("binding", "Binding", &["create"]),
            ("eviction", "Eviction", &["create"]),
            ("exec", "PodExecOptions", &["create", "get"]),
            ("log", "Pod", &["get"]),
            ("portforward", "PodPortForwardOptions", &["create", "get"]),
        ] {
            let mut resource = Resource::sub(kind, sub, sub_kind, verbs);
            if sub == "eviction" {
                resource.foreign = Some(("policy", "v1"));
            }
            all.push(resource);
        }
    }
    if kind.scale.is_some() {
        let mut scale = Resource::sub(kind, "scale", "Scale", &STATUS_VERBS);
        scale.foreign = Some(("autoscaling", "v1"));
        all.push(scale);
    }
    if kind.status {
        all.push(Resource::sub(kind, "status", &kind.kind, &STATUS_VERBS));
    }
    all
}

/// A version and its resources.
type Served = (String, Vec<Resource>);

/// Groups in order, each with its versions (preferred first) and their resources.
fn served(cluster: &Cluster) -> Vec<(String, Vec<Served>)> {
    let mut order: Vec<String> = Vec::new();
    let mut groups: BTreeMap<String, Vec<Served>> = BTreeMap::new();
    let mut add = |group: &str, version: &str, resources: Vec<Resource>| {
        if !order.iter().any(|g| g == group) {
            order.push(group.to_owned());
        }
        let versions = groups.entry(group.to_owned()).or_default();
        match versions.iter_mut().find(|(v, _)| v == version) {
            Some((_, list)) => list.extend(resources),
            None => versions.push((version.to_owned(), resources)),
        }
    };
    for kind in cluster.kinds.all() {
        add(&kind.group, &kind.version, of_kind(&kind));
    }
    for (group, version, plural, kind) in REVIEWS {
        let resource = Resource::bare(plural, &kind.to_lowercase(), kind, false, &["create"]);
        add(group, version, vec![resource]);
    }
    add(
        "metrics.k8s.io",
        "v1beta1",
        vec![
            Resource::bare("nodes", "", "NodeMetrics", false, &["get", "list"]),
            Resource::bare("pods", "", "PodMetrics", true, &["get", "list"]),
        ],
    );
    order
        .into_iter()
        .map(|group| {
            let versions = groups.remove(&group).unwrap_or_default();
            (group, versions)
        })
        .collect()
}

fn group_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

fn api_group(group: &str, versions: &[Served]) -> Value {
    let versions: Vec<Value> = versions
        .iter()
        .map(|(v, _)| json!({"groupVersion": group_version(group, v), "version": v}))
        .collect();
    json!({"name": group, "preferredVersion": versions.first(), "versions": versions})
}

fn aggregated(group: &str, versions: &[Served]) -> Value {
    let versions: Vec<Value> = versions
        .iter()
        .map(|(version, resources)| {
            let (subs, mains): (Vec<&Resource>, Vec<&Resource>) =
                resources.iter().partition(|r| r.name.contains('/'));
            let kind_of = |r: &Resource| {
                let (g, v) = r.foreign.unwrap_or((group, version));
                json!({"group": g, "version": v, "kind": r.kind})
            };
            let resources: Vec<Value> = mains
                .iter()
                .map(|main| {
                    let prefix = format!("{}/", main.name);
                    let own: Vec<Value> = subs
                        .iter()
                        .filter_map(|sub| {
                            let name = sub.name.strip_prefix(&prefix)?;
                            Some(json!({"subresource": name, "responseKind": kind_of(sub), "verbs": sub.verbs}))
                        })
                        .collect();
                    let mut value = json!({
                        "resource": main.name, "responseKind": kind_of(main), "singularResource": main.singular,
                        "scope": if main.namespaced { "Namespaced" } else { "Cluster" }, "verbs": main.verbs,
                    });
                    for (key, list) in [("shortNames", &main.short), ("categories", &main.categories)] {
                        if !list.is_empty() {
                            value[key] = json!(list);
                        }
                    }
                    if !own.is_empty() {
                        value["subresources"] = json!(own);
                    }
                    value
                })
                .collect();
            json!({"version": version, "resources": resources, "freshness": "Current"})
        })
        .collect();
    let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
    json!({"metadata": metadata, "versions": versions})
}

fn aggregated_answer(items: &[Value]) -> Answer {
    let body = json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items,
    });
    respond::bytes(200, AGGREGATED, Bytes::from(body.to_string()))
}

/// `/api`, asked for at this address.
pub fn core(cluster: &Cluster, accept: &Accept, address: &str) -> Answer {
    if accept.aggregated_discovery() {
        let all = served(cluster);
        let core: Vec<Value> = all
            .iter()
            .filter(|(group, _)| group.is_empty())
            .map(|(group, versions)| aggregated(group, versions))
            .collect();
        return aggregated_answer(&core);
    }
    let address = json!([{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]);
    respond::json(
        200,
        &json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": address}),
    )
}

/// `/apis`.
pub fn groups(cluster: &Cluster, accept: &Accept) -> Answer {
    let all = served(cluster);
    let named = all.iter().filter(|(group, _)| !group.is_empty());
    if accept.aggregated_discovery() {
        let items: Vec<Value> = named.map(|(g, versions)| aggregated(g, versions)).collect();
        return aggregated_answer(&items);
    }
    let groups: Vec<Value> = named.map(|(group, versions)| api_group(group, versions)).collect();
    respond::json(200, &json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
}

/// `/apis/{group}`.
pub fn group(cluster: &Cluster, name: &str) -> Result<Answer, ApiError> {
    let all = served(cluster);
    let (group, versions) = all.iter().find(|(group, _)| group == name).ok_or_else(ApiError::no_such_path)?;
    let mut body = api_group(group, versions);
    body["kind"] = json!("APIGroup");
    body["apiVersion"] = json!("v1");
    Ok(respond::json(200, &body))
}

/// `/api/v1`, `/apis/{group}/{version}`.
pub fn resources(cluster: &Cluster, group: &str, version: &str) -> Result<Answer, ApiError> {
    let all = served(cluster);
    let found = all
        .iter()
        .find(|(g, _)| g == group)
        .and_then(|(_, versions)| versions.iter().find(|(v, _)| v == version));
    let (_, resources) = found.ok_or_else(ApiError::no_such_path)?;
    let list: Vec<Value> = resources.iter().map(Resource::plain).collect();
    Ok(respond::json(
        200,
        &json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version(group, version), "resources": list}),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_distributions() {
        let k3s = version("v1.36.3+k3s1");
        assert_eq!((&k3s["major"], &k3s["minor"]), (&json!("1"), &json!("36")));
        assert_eq!((&k3s["emulationMinor"], &k3s["minCompatibilityMinor"]), (&json!("36"), &json!("35")));
        assert_eq!(version("v1.35.4-gke.1250000")["minor"], "35");
        assert_eq!(version("v1.33.1")["emulationMajor"], Value::Null);
    }
}
