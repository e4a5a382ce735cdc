//! Many pods, as a busy platform has them, on a bare API server: nothing runs them, so their statuses are written here.
//!
//! Everything follows from the numbers alone: the same seed makes the same names, and a larger one begins with those
//! of a smaller one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use eyre::{Result, WrapErr as _};
use futures::{StreamExt as _, TryStreamExt as _};
use http::{Method, Request};
use kube::Client;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::cluster::Cluster;

/// Requests in flight; more make a small machine's API server slower.
const IN_FLIGHT: usize = 24;

/// How much there is to be.
#[derive(Clone, Copy, Debug)]
pub struct Seed {
    /// Pods, in Deployments of 1 to 60.
    pub pods: usize,
    /// Nodes that they are spread over.
    pub nodes: usize,
    /// Namespaces `team-0` and up; the first have the most pods.
    pub namespaces: usize,
}

impl Seed {
    /// So many pods, with nodes and namespaces as such platforms have them.
    pub fn of(pods: usize) -> Seed {
        Seed { pods, nodes: (pods / 100).max(3), namespaces: 20 }
    }

    /// Makes it all; a pod takes two requests.
    ///
    /// # Errors
    /// When the API server refuses something.
    pub async fn plant(&self, cluster: &Cluster) -> Result<()> {
        let client = cluster.client().await?;
        let namespaces = (0..self.namespaces).map(|at| {
            let body = json!({"metadata": {"name": format!("team-{at}")}});
            post(&client, "/api/v1/namespaces".to_owned(), body)
        });
        all(namespaces).await?;
        all((0..self.nodes).map(|at| post(&client, "/api/v1/nodes".to_owned(), node(at)))).await?;
        all(self.workloads().into_iter().map(|workload| plant(&client, workload, self.nodes))).await
    }

    /// The first of an endless list that has enough pods.
    fn workloads(&self) -> Vec<Workload> {
        let (mut workloads, mut pods) = (Vec::new(), 0);
        for at in 0.. {
            if pods >= self.pods {
                break;
            }
            let mut chance = Chance::of(at);
            let namespace = chance.below(self.namespaces).min(chance.below(self.namespaces));
            let size = 1 + chance.below(30).min(chance.below(60));
            let pods_here = size.min(self.pods - pods);
            workloads.push(Workload {
                namespace: format!("team-{namespace}"),
                name: format!("{}-{}-{at}", pick(&mut chance, &WORDS), pick(&mut chance, &KINDS)),
                release: format!("{}.{}.{}", 1 + chance.below(4), chance.below(30), chance.below(9)),
                first: pods,
                pods: pods_here,
            });
            pods += pods_here;
        }
        workloads
    }
}

/// Changes among the pods of a seed, until it is stopped.
#[derive(Debug)]
pub struct Churn {
    over: Arc<AtomicBool>,
    task: JoinHandle<Result<usize>>,
}

impl Churn {
    /// Begins: so many changes a second. Most are a restart more, a pod that turns ready or unready; one of twenty is a
    /// pod that goes and comes anew under another name.
    ///
    /// # Errors
    /// When the kubeconfig is refused.
    pub async fn start(cluster: &Cluster, seed: Seed, rate: u32) -> Result<Churn> {
        let client = cluster.client().await?;
        let over = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(churn(client, seed, rate, Arc::clone(&over)));
        Ok(Churn { over, task })
    }

    /// Ends it and returns how many changes the API server took.
    ///
    /// # Errors
    /// When a change was refused: the first refusal. Those in the time of an outage are not counted and no error.
    pub async fn stop(self) -> Result<usize> {
        self.over.store(true, Ordering::Relaxed);
        self.task.await.wrap_err("the churn")?
    }
}

struct Workload {
    namespace: String,
    name: String,
    release: String,
    /// Number of its first pod among all.
    first: usize,
    pods: usize,
}

impl Workload {
    /// Of its only ReplicaSet.
    fn hash(&self) -> String {
        name_of(&mut Chance::of(self.first + 1_000_003), 10)
    }

    /// The pod of that number among its own, in its so-manyth life.
    fn pod(&self, at: usize, life: usize) -> String {
        let mut chance = Chance::of((self.first + at) * 64 + life + 7);
        format!("{}-{}-{}", self.name, self.hash(), name_of(&mut chance, 5))
    }

    fn labels(&self) -> Value {
        json!({
            "app.kubernetes.io/name": self.name, "app.kubernetes.io/instance": self.name,
            "app.kubernetes.io/version": self.release, "app.kubernetes.io/part-of": self.namespace,
            "app.kubernetes.io/managed-by": "Helm", "pod-template-hash": self.hash(),
        })
    }

    fn path(&self, group: &str, resource: &str) -> String {
        format!("/{group}/namespaces/{}/{resource}", self.namespace)
    }
}

async fn plant(client: &Client, workload: Workload, nodes: usize) -> Result<()> {
    let (labels, size) = (workload.labels(), workload.pods);
    let selector = json!({"matchLabels": {"app.kubernetes.io/name": workload.name}});
    let template = json!({"metadata": {"labels": labels}, "spec": pod_spec(&workload, None)});
    let spec = json!({"replicas": size, "selector": selector, "template": template});
    let counts =
        json!({"observedGeneration": 1, "replicas": size, "readyReplicas": size, "availableReplicas": size});
    let meta = |name: &str, kind: &str, owner: &str, uid: &Value| {
        let owners =
            json!([{"apiVersion": "apps/v1", "kind": kind, "name": owner, "uid": uid, "controller": true}]);
        json!({"name": name, "labels": labels, "ownerReferences": if uid.is_null() { Value::Null } else { owners }})
    };
    let revision = json!({"deployment.kubernetes.io/revision": "1"});

    let mut deployment = json!({"metadata": meta(&workload.name, "", "", &Value::Null), "spec": spec});
    deployment["metadata"]["annotations"] = revision.clone();
    let path = workload.path("apis/apps/v1", "deployments");
    let made = post(client, path.clone(), deployment).await?;
    status(client, &format!("{path}/{}", workload.name), counts.clone()).await?;

    let name = format!("{}-{}", workload.name, workload.hash());
    let owned = meta(&name, "Deployment", &workload.name, &made["metadata"]["uid"]);
    let mut replicas = json!({"metadata": owned, "spec": spec});
    replicas["metadata"]["annotations"] = revision;
    let path = workload.path("apis/apps/v1", "replicasets");
    let made = post(client, path.clone(), replicas).await?;
    status(client, &format!("{path}/{name}"), counts).await?;

    for at in 0..size {
        let node = format!("node-{}", Chance::of(workload.first + at).below(nodes));
        let pod = workload.pod(at, 0);
        let owned = meta(&pod, "ReplicaSet", &name, &made["metadata"]["uid"]);
        let body = json!({"metadata": owned, "spec": pod_spec(&workload, Some(&node))});
        put_pod(client, &workload, &pod, body, Mood::of(workload.first + at), 0).await?;
    }
    Ok(())
}

async fn put_pod(
    client: &Client,
    workload: &Workload,
    name: &str,
    body: Value,
    mood: Mood,
    restarts: usize,
) -> Result<()> {
    let path = workload.path("api/v1", "pods");
    post(client, path.clone(), body).await?;
    status(client, &format!("{path}/{name}"), mood.status(workload, restarts)).await
}

/// How a pod is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Ready,
    Unready,
    Crashing,
    Pending,
}

impl Mood {
    /// Of a hundred pods one crashes, one waits and one is not ready.
    fn of(pod: usize) -> Mood {
        match Chance::of(pod + 17).below(100) {
            0 => Mood::Crashing,
            1 => Mood::Pending,
            2 => Mood::Unready,
            _ => Mood::Ready,
        }
    }

    fn status(self, workload: &Workload, restarts: usize) -> Value {
        let ready = self == Mood::Ready;
        let says = if ready { "True" } else { "False" };
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "lastProbeTime": null, "lastTransitionTime": now});
        if self == Mood::Pending {
            return json!({"phase": "Pending", "qosClass": "Burstable", "conditions": [condition("PodScheduled", "True")]});
        }
        let (state, last) = match self {
            Mood::Crashing => (
                json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}}),
                json!({"terminated": {"reason": "OOMKilled", "exitCode": 137, "startedAt": now, "finishedAt": now}}),
            ),
            _ => (json!({"running": {"startedAt": now}}), json!({})),
        };
        json!({
            "phase": "Running", "qosClass": "Burstable", "startTime": now,
            "hostIP": "10.0.0.1", "podIP": "10.1.2.3", "podIPs": [{"ip": "10.1.2.3"}],
            "conditions": [
                condition("PodReadyToStartContainers", "True"), condition("Initialized", "True"),
                condition("Ready", says), condition("ContainersReady", says), condition("PodScheduled", "True"),
            ],
            "containerStatuses": [{
                "name": "main", "image": image(workload), "imageID": image(workload),
                "containerID": "containerd://5f0c7d3e9a1b", "ready": ready, "started": ready,
                "restartCount": restarts, "state": state, "lastState": last,
            }],
        })
    }
}

async fn churn(client: Client, seed: Seed, rate: u32, over: Arc<AtomicBool>) -> Result<usize> {
    let workloads = seed.workloads();
    // Every pod: its workload, its number in it, its life.
    let mut pods: Vec<(usize, usize, usize)> = Vec::with_capacity(seed.pods);
    for (index, workload) in workloads.iter().enumerate() {
        pods.extend((0..workload.pods).map(|at| (index, at, 0)));
    }
    let mut tick = tokio::time::interval(Duration::from_secs(1) / rate.max(1));
    let (mut taken, mut running) = (0, tokio::task::JoinSet::new());
    let workloads: Arc<[Workload]> = workloads.into();
    for turn in 0_usize.. {
        if over.load(Ordering::Relaxed) || pods.is_empty() {
            break;
        }
        tick.tick().await;
        let mut chance = Chance::of(turn + 90_000_001);
        let which = chance.below(pods.len());
        let (index, at, life) = pods[which];
        // Of one pod everything happens in order, and nothing runs away from a slow server.
        if running.len() >= IN_FLIGHT || turn % 20 == 19 {
            while let Some(done) = running.join_next().await {
                taken += usize::from(done.wrap_err("a change")??);
            }
        }
        let (client, workloads) = (client.clone(), Arc::clone(&workloads));
        if turn % 20 == 19 {
            // Awaited: a pod that comes anew must not be changed before it is there.
            if replace(&client, &workloads[index], (at, life), seed.nodes).await? {
                pods[which].2 += 1;
                taken += 1;
            }
            continue;
        }
        running.spawn(async move {
            let workload = &workloads[index];
            let mood = if turn % 3 == 0 { Mood::Unready } else { Mood::Ready };
            let path = format!("{}/{}", workload.path("api/v1", "pods"), workload.pod(at, life));
            unless_away(status(&client, &path, mood.status(workload, turn / 50)).await)
        });
    }
    while let Some(done) = running.join_next().await {
        taken += usize::from(done.wrap_err("a change")??);
    }
    Ok(taken)
}

/// A pod goes and another one comes in its place; false when the server was away.
async fn replace(
    client: &Client,
    workload: &Workload,
    (at, life): (usize, usize),
    nodes: usize,
) -> Result<bool> {
    let old = format!("{}/{}", workload.path("api/v1", "pods"), workload.pod(at, life));
    let now = json!({"gracePeriodSeconds": 0});
    if !unless_away(send(client, Method::DELETE, &old, "application/json", &now).await.map(drop))? {
        return Ok(false);
    }
    let node = format!("node-{}", Chance::of(workload.first + at + life).below(nodes));
    let name = workload.pod(at, life + 1);
    let body = json!({
        "metadata": {"name": name, "labels": workload.labels()}, "spec": pod_spec(workload, Some(&node)),
    });
    // The server may go away in between; then the new one never comes, and no later change asks for it by name.
    let mood = Mood::of(workload.first + at);
    unless_away(put_pod(client, workload, &name, body, mood, 0).await)
}

/// Whether the server took it; an outage is no error.
fn unless_away(result: Result<()>) -> Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(error) => match error.downcast_ref::<kube::Error>() {
            // What an outage left out is not there to be changed later.
            Some(kube::Error::Api(status)) if status.code != 404 => Err(error),
            _ => Ok(false),
        },
    }
}

fn pod_spec(workload: &Workload, node: Option<&str>) -> Value {
    let probe = |path: &str| json!({"httpGet": {"path": path, "port": "http"}, "periodSeconds": 10});
    let variables: Vec<Value> = (0..12)
        .map(|at| json!({"name": format!("SETTING_{at}"), "value": format!("value of the setting {at}")}))
        .collect();
    json!({
        "nodeName": node, "serviceAccountName": "default", "enableServiceLinks": false,
        "terminationGracePeriodSeconds": 30,
        "tolerations": [
            {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
            {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
        ],
        "volumes": [{"name": "settings", "configMap": {"name": workload.name}}, {"name": "scratch", "emptyDir": {}}],
        "containers": [{
            "name": "main", "image": image(workload), "ports": [{"name": "http", "containerPort": 8080}],
            "env": variables, "readinessProbe": probe("/ready"), "livenessProbe": probe("/live"),
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
            "volumeMounts": [
                {"name": "settings", "mountPath": "/etc/settings"}, {"name": "scratch", "mountPath": "/tmp"},
            ],
        }],
    })
}

fn image(workload: &Workload) -> String {
    format!("registry.example/shop/{}:{}", workload.name, workload.release)
}

fn node(at: usize) -> Value {
    let name = format!("node-{at}");
    let room = json!({"cpu": "32", "memory": "128Gi", "pods": "250"});
    json!({
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}},
        "status": {
            "allocatable": room, "capacity": room,
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
            "addresses": [{"type": "Hostname", "address": name}],
            "nodeInfo": {"kubeletVersion": "v1.36.3", "osImage": "pretended", "kernelVersion": "6.1.0",
                "containerRuntimeVersion": "none", "architecture": "amd64", "operatingSystem": "linux",
                "bootID": "", "kubeProxyVersion": "", "machineID": "", "systemUUID": ""},
        },
    })
}

async fn post(client: &Client, path: String, body: Value) -> Result<Value> {
    send(client, Method::POST, &path, "application/json", &body).await
}

async fn status(client: &Client, path: &str, status: Value) -> Result<()> {
    let body = json!({"status": status});
    let path = format!("{path}/status");
    send(client, Method::PATCH, &path, "application/merge-patch+json", &body).await.map(drop)
}

async fn send(client: &Client, method: Method, path: &str, kind: &str, body: &Value) -> Result<Value> {
    let request = Request::builder().method(method).uri(path).header("content-type", kind);
    let request = request.body(body.to_string().into_bytes())?;
    client.request(request).await.wrap_err_with(|| path.to_owned())
}

async fn all<T>(requests: impl Iterator<Item = impl Future<Output = Result<T>>>) -> Result<()> {
    futures::stream::iter(requests).buffer_unordered(IN_FLIGHT).try_for_each(|_| async { Ok(()) }).await
}

const WORDS: [&str; 12] = [
    "cart", "orders", "search", "media", "payments", "profile", "stock", "mail", "reports", "auth", "prices",
    "maps",
];
const KINDS: [&str; 6] = ["api", "worker", "web", "cron", "sync", "cache"];

fn pick(chance: &mut Chance, words: &[&'static str]) -> &'static str {
    words[chance.below(words.len())]
}

/// A name's random end, of the letters that Kubernetes uses there.
fn name_of(chance: &mut Chance, letters: usize) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    (0..letters).map(|_| char::from(LETTERS[chance.below(LETTERS.len())])).collect()
}

/// Numbers that look random and are always the same: splitmix64.
struct Chance(u64);

impl Chance {
    fn of(number: usize) -> Chance {
        Chance(number as u64)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^= word >> 31;
        usize::try_from(word % (limit.max(1) as u64)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pod_has_a_name_of_its_own() {
        let seed = Seed::of(50_000);
        let mut names: Vec<String> = Vec::new();
        for workload in seed.workloads() {
            names.extend(
                (0..workload.pods).map(|at| format!("{}/{}", workload.namespace, workload.pod(at, 0))),
            );
        }
        assert_eq!(names.len(), 50_000);
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 50_000);
    }

    #[test]
    fn a_larger_seed_begins_with_a_smaller_one() {
        let names = |pods: usize| -> Vec<String> {
            Seed::of(pods).workloads().into_iter().map(|workload| workload.name).collect()
        };
        let (small, large) = (names(1_000), names(5_000));
        assert_eq!(small[..], large[..small.len()]);
    }
}
