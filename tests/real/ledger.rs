//! The judge of "nothing was lost or doubled": what the API server holds, name by name, against what the client
//! believes, once whatever happened is over.

use std::collections::BTreeMap;

use ground::Cluster;
use pilothouse::text;
use pilothouse::world::ClusterWorld;
use serde_json::Value;

use super::common::LOST;
use super::person::Person;

/// Rows of a list asked for at once.
const PAGE: usize = 2000;

/// What one object is known by, and what is shown of it. Sorted; one that is there twice stands there twice.
type Rows = Vec<(String, String)>;

/// Every row that the API server holds, by plural.
type Held = BTreeMap<&'static str, Rows>;

/// The kinds that are compared, with their paths and the columns of the API server's own tables that are shown.
const KINDS: [(&str, &str, &[&str]); 10] = [
    ("namespaces", "/api/v1", &[]),
    ("nodes", "/api/v1", &[]),
    ("pods", "/api/v1", &["Ready", "Status", "Restarts"]),
    ("deployments", "/apis/apps/v1", &["Ready"]),
    ("statefulsets", "/apis/apps/v1", &["Ready"]),
    ("daemonsets", "/apis/apps/v1", &["Ready", "Desired"]),
    ("jobs", "/apis/batch/v1", &["Completions"]),
    ("cronjobs", "/apis/batch/v1", &[]),
    ("replicasets", "/apis/apps/v1", &[]),
    ("services", "/api/v1", &[]),
];

/// Waits until the world of the person's only cluster is the server's, of all namespaces or of the one that the person
/// may see, and until as many pods are on the screen. The server must stand still meanwhile.
pub async fn agrees(person: &mut Person, cluster: &Cluster, namespace: Option<&str>) {
    let pods = agrees_of(person, 0, cluster, namespace).await;
    person.see_title("Pods", &format!(" {} · ", text::count(pods as u64))).await;
}

/// The same of the world alone, for the person's cluster in that place; returns how many pods there are.
pub async fn agrees_of(person: &mut Person, at: usize, cluster: &Cluster, namespace: Option<&str>) -> usize {
    agrees_but(person, at, cluster, namespace, "").await
}

/// The same where one kind is refused: of that the client knows nothing, of everything else all.
pub async fn agrees_but(
    person: &mut Person,
    at: usize,
    cluster: &Cluster,
    namespace: Option<&str>,
    refused: &str,
) -> usize {
    let mut held = held(cluster, namespace).await;
    if let Some(rows) = held.get_mut(refused) {
        rows.clear();
    }
    let same = person.wait_until(|world| known(&world.clusters[at], namespace) == held).await;
    if !same {
        let known = known(&person.driver().state.shared.world.clusters[at], namespace);
        panic!("{}\n{}", differences(&held, &known), person.picture());
    }
    held["pods"].len()
}

/// What the API server holds, as its own tables say it.
async fn held(cluster: &Cluster, namespace: Option<&str>) -> Held {
    let client = cluster.client().await.unwrap();
    let mut held = Held::new();
    for (plural, group, columns) in KINDS {
        let clusterwide = matches!(plural, "namespaces" | "nodes");
        let path = match namespace {
            Some(_) if clusterwide => continue,
            Some(namespace) => format!("{group}/namespaces/{namespace}/{plural}"),
            None => format!("{group}/{plural}"),
        };
        let mut rows = Rows::new();
        let mut more = String::new();
        loop {
            let request = http::Request::get(format!("{path}?limit={PAGE}&continue={more}"))
                .header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
                .body(Vec::new())
                .unwrap();
            let table: Value = client.request(request).await.unwrap();
            let names: Vec<&str> = list(&table["columnDefinitions"]).map(|c| word(&c["name"])).collect();
            for row in list(&table["rows"]) {
                let cell = |column: &&str| {
                    let at = names.iter().position(|name| name == column).unwrap();
                    let cell = &row["cells"][at];
                    let words = cell.as_str().map_or_else(|| cell.to_string(), str::to_owned);
                    // `3 (5m ago)`: the age moves.
                    words.split(" (").next().unwrap_or_default().to_owned()
                };
                let shown: Vec<String> = columns.iter().map(cell).collect();
                let meta = &row["object"]["metadata"];
                rows.push((identity(word(&meta["namespace"]), word(&meta["name"])), shown.join(" ")));
            }
            match table["metadata"]["continue"].as_str() {
                Some(token) if !token.is_empty() => token.clone_into(&mut more),
                _ => break,
            }
        }
        rows.sort_unstable();
        held.insert(plural, rows);
    }
    held
}

/// What the client believes.
fn known(world: &ClusterWorld, namespace: Option<&str>) -> Held {
    let here = |known: &str| namespace.is_none_or(|wanted| wanted == known);
    let mut held: Held = KINDS.iter().map(|(plural, ..)| (*plural, Rows::new())).collect();
    let mut put = |plural, namespace: &str, name: &str, shown: String| {
        held.entry(plural).or_default().push((identity(namespace, name), shown));
    };
    for (_, pod) in world.pods.iter().filter(|(_, pod)| here(&pod.namespace)) {
        let shown = format!("{}/{} {} {}", pod.ready, pod.total, pod.status, pod.restarts);
        put("pods", &pod.namespace, &pod.name, shown);
    }
    for (_, workload) in world.workloads.iter().filter(|(_, workload)| here(&workload.namespace)) {
        let plural = workload.kind.api().2;
        let shown = match plural {
            "deployments" | "statefulsets" | "jobs" => format!("{}/{}", workload.ready, workload.desired),
            "daemonsets" => format!("{} {}", workload.ready, workload.desired),
            "cronjobs" => String::new(),
            // Of definitions that are not part of Kubernetes.
            _ => continue,
        };
        put(plural, &workload.namespace, &workload.name, shown);
    }
    for (_, set) in world.replica_sets.iter().filter(|(_, set)| here(&set.namespace)) {
        put("replicasets", &set.namespace, &set.name, String::new());
    }
    for (_, service) in world.services.iter().filter(|(_, service)| here(&service.namespace)) {
        put("services", &service.namespace, &service.name, String::new());
    }
    for (_, node) in world.nodes.iter() {
        put("nodes", "", &node.name, String::new());
    }
    for (_, known) in world.namespaces.iter() {
        put("namespaces", "", &known.name, String::new());
    }
    if namespace.is_some() {
        held.retain(|plural, _| !matches!(*plural, "namespaces" | "nodes"));
    }
    held.values_mut().for_each(|rows| rows.sort_unstable());
    held
}

/// The first few rows that only one of them has.
fn differences(held: &Held, known: &Held) -> String {
    let mut lines = vec![LOST.to_owned()];
    for (plural, rows) in held {
        let ours = &known[plural];
        lines.push(format!("{plural}: the server holds {}, the client knows {}", rows.len(), ours.len()));
        let only = |these: &Rows, those: &Rows| -> Vec<String> {
            let others: std::collections::BTreeSet<_> = those.iter().collect();
            these.iter().filter(|row| !others.contains(row)).take(5).map(|row| format!("{row:?}")).collect()
        };
        lines.extend(only(rows, ours).iter().map(|row| format!("  only the server: {row}")));
        lines.extend(only(ours, rows).iter().map(|row| format!("  only the client: {row}")));
    }
    lines.join("\n")
}

fn identity(namespace: &str, name: &str) -> String {
    format!("{namespace}/{name}")
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
