//! The copy of a world: what one API server holds, made anew on a real one, so that the same tests can be played before
//! both.
//!
//! Everything goes through the servers' APIs. What a server or a controller owns is left out (uids, versions, statuses,
//! addresses); pods keep their names and nodes and are adopted by the copied ReplicaSets, and those by the copied
//! Deployments, so that the real controllers find nothing to do. Pods of StatefulSets, DaemonSets and Jobs are made by the
//! real controllers. A pod that is ill gets the annotations that make KWOK's pods ill in the same way, and logs what it
//! logged. CronJobs are suspended: a copied world stands still.

use std::path::Path;
use std::time::Duration;

use eyre::{Result, WrapErr as _, bail};
use futures::{StreamExt as _, TryStreamExt as _};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Map, Value, json};

use crate::cluster::Cluster;

/// Kinds that are copied as they are, before any pod.
const PLAIN: [(&str, &str); 6] = [
    ("/api/v1", "serviceaccounts"),
    ("/api/v1", "configmaps"),
    ("/api/v1", "secrets"),
    ("/api/v1", "services"),
    ("/apis/networking.k8s.io/v1", "ingresses"),
    ("/apis/policy/v1", "poddisruptionbudgets"),
];

/// Owners, each after what it is to adopt.
const OWNERS: [(&str, &str); 6] = [
    ("/apis/apps/v1", "deployments"),
    ("/apis/apps/v1", "statefulsets"),
    ("/apis/apps/v1", "daemonsets"),
    ("/apis/batch/v1", "cronjobs"),
    ("/apis/autoscaling/v2", "horizontalpodautoscalers"),
    // Last: what is there counts, and nothing of it is refused.
    ("/api/v1", "resourcequotas"),
];

/// Argo's Rollouts, of which no controller runs: they are copied with their status, and their ReplicaSets with them.
const ROLLOUTS: &str = "/apis/argoproj.io/v1alpha1";

/// What Argo CD and Flux deliver by, whose controllers do not run either: with their status. What owns comes first.
const DELIVERIES: [&str; 10] = [
    "appprojects.argoproj.io",
    "applicationsets.argoproj.io",
    "applications.argoproj.io",
    "buckets.source.toolkit.fluxcd.io",
    "gitrepositories.source.toolkit.fluxcd.io",
    "helmcharts.source.toolkit.fluxcd.io",
    "helmrepositories.source.toolkit.fluxcd.io",
    "ocirepositories.source.toolkit.fluxcd.io",
    "helmreleases.helm.toolkit.fluxcd.io",
    "kustomizations.kustomize.toolkit.fluxcd.io",
];

/// Objects that every cluster has by itself.
const EVERYWHERE: [&str; 3] = ["default", "kubernetes", "kube-root-ca.crt"];

/// How many requests run at once.
const AT_ONCE: usize = 12;

/// From one server to another.
struct Copy<'a> {
    from: Client,
    to: Client,
    cluster: &'a Cluster,
}

impl Cluster {
    /// Makes here, with KWOK, what a context of a kubeconfig shows, and waits until as many pods are there.
    ///
    /// # Errors
    /// When a server refuses, or the real controllers do not take the copy for their own.
    pub async fn copy(&self, kubeconfig: &Path, context: &str) -> Result<()> {
        let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
        let config = Config::from_custom_kubeconfig(Kubeconfig::read_from(kubeconfig)?, &options).await?;
        let copy = Copy { from: Client::try_from(config)?, to: self.client().await?, cluster: self };
        copy.all().await.wrap_err_with(|| format!("the copy of {context}"))
    }
}

impl Copy<'_> {
    async fn all(&self) -> Result<()> {
        self.ground().await?;
        for (api, plural) in PLAIN {
            self.kind(api, plural, |_| true, clean).await?;
        }
        let pods = self.list("/api/v1", "pods").await?;
        let ill = self.pods(&pods).await?;
        let rollouts = self.told(ROLLOUTS, "rollouts", &json!({})).await?;
        let sets = self.kind(
            "/apis/apps/v1",
            "replicasets",
            |_| true,
            |set| {
                let owner = owner(set);
                let mut copy = clean(set);
                if owner.0 == "Rollout" {
                    let rollout = format!("{}/{}", namespace(set), owner.1);
                    copy["metadata"]["ownerReferences"] = rollouts[rollout].clone();
                }
                copy
            },
        );
        let sets = sets.await?;
        for (api, plural) in OWNERS {
            self.kind(api, plural, |_| true, clean).await?;
        }
        self.jobs().await?;
        self.deliveries().await?;
        self.settled(&pods, sets).await?;
        self.resting(&ill).await
    }

    /// Namespaces, definitions and nodes.
    async fn ground(&self) -> Result<()> {
        let own = |object: &Value| !name(object).starts_with("kube-") && name(object) != "default";
        let namespaces = self.list("/api/v1", "namespaces").await?;
        self.kind("/api/v1", "namespaces", own, |ns| {
            let mut copy = clean(ns);
            remove(&mut copy, "spec");
            copy
        })
        .await?;
        let definitions = "/apis/apiextensions.k8s.io/v1";
        self.kind(definitions, "customresourcedefinitions", |_| true, clean).await?;
        self.kind("/api/v1", "nodes", |_| true, node).await?;
        // No pod is taken before the controllers made its namespace's account.
        for ns in &namespaces {
            let account = format!("/api/v1/namespaces/{}/serviceaccounts/default", name(ns));
            self.until(&account, async |to| get(to, &account).await.is_ok()).await?;
        }
        Ok(())
    }

    /// Makes the pods that the real controllers would call otherwise; gives the paths of those that crash.
    async fn pods(&self, pods: &[Value]) -> Result<Vec<String>> {
        let mut crashing = Vec::new();
        let mut copies = Vec::new();
        for pod in pods.iter().filter(|pod| matches!(owner(pod).0, "" | "ReplicaSet")) {
            let mut copy = clean(pod);
            if let Some(ill) = illness(pod) {
                let annotations = &mut copy["metadata"]["annotations"];
                if annotations.is_null() {
                    *annotations = json!({});
                }
                for (key, value) in ill {
                    annotations[format!("pilothouse.test/{key}")] = json!(value);
                }
                self.logs(pod).await?;
                if copy["metadata"]["annotations"]["pilothouse.test/behavior"] == "crash" {
                    crashing.push(format!("/api/v1/namespaces/{}/pods/{}", namespace(pod), name(pod)));
                }
            }
            copies.push(copy);
        }
        self.create("/api/v1", "pods", copies).await?;
        Ok(crashing)
    }

    /// Waits until these pods were started anew, as a kubelet does before it backs off, and lets them back off for long.
    async fn resting(&self, crashing: &[String]) -> Result<()> {
        let any = |pod: &Value, is: fn(&Value) -> bool| {
            pod["status"]["containerStatuses"].as_array().is_some_and(|statuses| statuses.iter().any(is))
        };
        for path in crashing {
            let again = async |to: &Client| {
                let pod = get(to, path).await;
                pod.is_ok_and(|pod| any(&pod, |status| status["restartCount"].as_i64() > Some(0)))
            };
            self.until("a pod's restart", again).await?;
            let longer = json!({"metadata": {"annotations": {"pilothouse.test/backoff": "24h"}}});
            let request = http::Request::patch(path).header("content-type", "application/merge-patch+json");
            self.to.request::<Value>(request.body(serde_json::to_vec(&longer)?)?).await?;
            let rests = async |to: &Client| {
                let pod = get(to, path).await;
                pod.is_ok_and(|pod| {
                    any(&pod, |status| status["state"]["waiting"]["reason"] == "CrashLoopBackOff")
                })
            };
            self.until("a pod's back-off", rests).await?;
        }
        Ok(())
    }

    /// Lets the copy of a pod log what it has logged, now and before its last restart.
    async fn logs(&self, pod: &Value) -> Result<()> {
        let (ns, own) = (namespace(pod), name(pod));
        let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
        let containers: Vec<&str> = containers.filter_map(|c| c["name"].as_str()).collect();
        let Some(first) = containers.first() else { return Ok(()) };
        let logs = self.cluster.logs(ns, own, &containers)?;
        for previous in [false, true] {
            let path =
                format!("/api/v1/namespaces/{ns}/pods/{own}/log?container={first}&previous={previous}");
            // A container that was never started anew has no log of before.
            let Ok(text) = self.from.request_text(http::Request::get(path).body(Vec::new())?).await else {
                continue;
            };
            for line in text.lines() {
                if previous { logs.said_before(line)? } else { logs.say(line)? }
            }
        }
        Ok(())
    }

    /// Makes the objects of a definition whose controller does not run, with the status that they have, as owned by who is
    /// among `owners`; gives the references of what they own themselves, by `namespace/name`. (An owner of another namespace is
    /// no owner: the garbage collector removes what names it, half a minute later.)
    async fn told(&self, api: &str, plural: &str, owners: &Value) -> Result<Value> {
        let served = format!("{api}/{plural}");
        self.until(&served, async |to| get(to, &served).await.is_ok()).await?;
        let mut references = json!({});
        for object in self.list(api, plural).await? {
            let (ns, own) = (namespace(&object), name(&object));
            let path = format!("{api}/namespaces/{ns}/{plural}");
            let mut copy = clean(&object);
            copy["status"] = object["status"].clone();
            if let Some(owner) = owners.get(format!("{ns}/{}", owner(&object).1)) {
                copy["metadata"]["ownerReferences"] = owner.clone();
            }
            let mut made = post(&self.to, &path, &copy).await?;
            if made["status"].is_null() && !object["status"].is_null() {
                // It has a path of its own.
                made["status"] = object["status"].clone();
                let request = http::Request::put(format!("{path}/{own}/status"));
                let request =
                    request.header("content-type", "application/json").body(serde_json::to_vec(&made)?)?;
                self.to.request::<Value>(request).await.wrap_err_with(|| format!("the status of {own}"))?;
            }
            references[format!("{ns}/{own}")] = json!([{
                "apiVersion": object["apiVersion"], "kind": object["kind"], "name": own,
                "uid": made["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
            }]);
        }
        Ok(references)
    }

    /// Makes what Argo CD and Flux have; of which kinds there are, the definitions say.
    async fn deliveries(&self) -> Result<()> {
        let definitions = self.list("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions").await?;
        let mut owners = json!({});
        for wanted in DELIVERIES {
            let Some(definition) = definitions.iter().find(|definition| name(definition) == wanted) else {
                continue;
            };
            let spec = &definition["spec"];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let versions = spec["versions"].as_array().into_iter().flatten();
            let version = versions.into_iter().find(|version| version["storage"] == true);
            let version = text(&version.unwrap_or(&Value::Null)["name"]);
            let api = format!("/apis/{}/{version}", text(&spec["group"]));
            let references = self.told(&api, &text(&spec["names"]["plural"]), &owners).await?;
            if wanted.starts_with("applicationsets") {
                owners = references;
            }
        }
        Ok(())
    }

    /// Makes the Jobs, as of their CronJobs: their pods run once more, and are done at once.
    async fn jobs(&self) -> Result<()> {
        let mut copies = Vec::new();
        for job in self.list("/apis/batch/v1", "jobs").await? {
            let mut copy = clean(&job);
            remove(&mut copy["spec"], "selector");
            for labels in ["/metadata/labels", "/spec/template/metadata/labels"] {
                if let Some(labels) = copy.pointer_mut(labels).and_then(Value::as_object_mut) {
                    labels.retain(|key, _| !key.contains("controller-uid") && !key.contains("job-name"));
                }
            }
            if let ("CronJob", own) = owner(&job) {
                let path = format!("/apis/batch/v1/namespaces/{}/cronjobs/{own}", namespace(&job));
                let uid = get(&self.to, &path).await?["metadata"]["uid"].clone();
                copy["metadata"]["ownerReferences"] = json!([{
                    "apiVersion": "batch/v1", "kind": "CronJob", "name": own, "uid": uid, "controller": true,
                }]);
            }
            copies.push(copy);
        }
        self.create("/apis/batch/v1", "jobs", copies).await
    }

    /// Waits until as many pods are there, all of them on their way, and checks that no ReplicaSet came by itself.
    async fn settled(&self, pods: &[Value], sets: usize) -> Result<()> {
        let last = std::cell::RefCell::new(String::new());
        let settled = async |to: &Client| {
            let Ok(list) = get(to, "/api/v1/pods").await else { return false };
            let there = list["items"].as_array().map_or(&[][..], Vec::as_slice);
            let started = |pod: &&Value| pod["status"]["containerStatuses"].is_array();
            *last.borrow_mut() = format!(
                "{} of {} pods, {} started",
                there.len(),
                pods.len(),
                there.iter().filter(started).count()
            );
            there.len() == pods.len() && there.iter().all(|pod| started(&pod))
        };
        let there = self.until("all pods", settled).await;
        there.wrap_err_with(|| last.borrow().clone())?;
        let list = get(&self.to, "/apis/apps/v1/replicasets").await?;
        let there = list["items"].as_array().map_or(0, Vec::len);
        if there != sets {
            bail!("{sets} ReplicaSets were copied and {there} are there: a Deployment did not know its own");
        }
        Ok(())
    }

    /// Copies one kind; gives how many.
    async fn kind(
        &self,
        api: &str,
        plural: &str,
        wanted: impl Fn(&Value) -> bool,
        copy: impl Fn(&Value) -> Value,
    ) -> Result<usize> {
        let all = self.list(api, plural).await?;
        let copies: Vec<Value> = all
            .iter()
            .filter(|object| wanted(object) && !EVERYWHERE.contains(&name(object)))
            .map(copy)
            .collect();
        let count = copies.len();
        self.create(api, plural, copies).await?;
        Ok(count)
    }

    async fn create(&self, api: &str, plural: &str, objects: Vec<Value>) -> Result<()> {
        let paths = objects.iter().map(|object| match namespace(object) {
            "" => format!("{api}/{plural}"),
            ns => format!("{api}/namespaces/{ns}/{plural}"),
        });
        let work: Vec<(String, &Value)> = paths.zip(&objects).collect();
        futures::stream::iter(work)
            .map(Ok)
            .try_for_each_concurrent(AT_ONCE, async |(path, object)| {
                post(&self.to, &path, object).await.map(drop)
            })
            .await
    }

    /// All objects of a kind; with their kind, which lists leave out.
    async fn list(&self, api: &str, plural: &str) -> Result<Vec<Value>> {
        let mut list = get(&self.from, &format!("{api}/{plural}")).await?;
        let kind = list["kind"].as_str().unwrap_or_default().trim_end_matches("List").to_owned();
        let version = list["apiVersion"].clone();
        let Value::Array(mut items) = list["items"].take() else { bail!("{api}/{plural} is no list") };
        for item in &mut items {
            item["kind"] = json!(kind);
            item["apiVersion"] = version.clone();
        }
        Ok(items)
    }

    async fn until(&self, what: &str, mut holds: impl AsyncFnMut(&Client) -> bool) -> Result<()> {
        let began = std::time::Instant::now();
        while !holds(&self.to).await {
            if began.elapsed() > crate::server::PATIENCE {
                bail!("never came: {what}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }
}

async fn get(client: &Client, path: &str) -> Result<Value> {
    let request = http::Request::get(path).body(Vec::new())?;
    client.request(request).await.wrap_err_with(|| path.to_owned())
}

async fn post(client: &Client, path: &str, object: &Value) -> Result<Value> {
    let request = http::Request::post(path).header("content-type", "application/json");
    let request = request.body(serde_json::to_vec(object)?)?;
    client.request(request).await.wrap_err_with(|| format!("{path}: {}", name(object)))
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

fn namespace(object: &Value) -> &str {
    object["metadata"]["namespace"].as_str().unwrap_or_default()
}

/// Kind and name of what controls it; empty when nothing does.
fn owner(object: &Value) -> (&str, &str) {
    let owners = object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    let owner = owners.into_iter().find(|owner| owner["controller"] == true);
    let text = |key: &str| owner.and_then(|owner| owner[key].as_str()).unwrap_or_default();
    (text("kind"), text("name"))
}

fn remove(object: &mut Value, key: &str) {
    if let Some(map) = object.as_object_mut() {
        map.remove(key);
    }
}

/// An object as a person would have written it.
fn clean(object: &Value) -> Value {
    let mut copy = object.clone();
    remove(&mut copy, "status");
    let metadata = object["metadata"].as_object().cloned().unwrap_or_default();
    let kept = ["name", "namespace", "labels", "annotations"];
    copy["metadata"] =
        metadata.into_iter().filter(|(key, _)| kept.contains(&&**key)).collect::<Map<_, _>>().into();
    match copy["kind"].as_str() {
        Some("Service") if copy["spec"]["clusterIP"] != "None" => {
            remove(&mut copy["spec"], "clusterIP");
            remove(&mut copy["spec"], "clusterIPs");
        }
        Some("CronJob") => copy["spec"]["suspend"] = json!(true),
        Some("StatefulSet") => folders(&mut copy["spec"]),
        _ => {}
    }
    copy
}

/// Nobody makes volumes here: what a StatefulSet claims becomes an empty folder.
fn folders(spec: &mut Value) {
    let claims = spec["volumeClaimTemplates"].as_array().cloned().unwrap_or_default();
    remove(spec, "volumeClaimTemplates");
    let volumes = claims.iter().map(|claim| json!({"name": name(claim), "emptyDir": {}}));
    match spec["template"]["spec"]["volumes"].as_array_mut() {
        Some(there) => there.extend(volumes),
        None => spec["template"]["spec"]["volumes"] = volumes.collect(),
    }
}

/// A node that KWOK plays; only one that is created with its addresses is found by the API server.
fn node(node: &Value) -> Value {
    let mut copy = clean(node);
    remove(&mut copy, "spec");
    copy["metadata"]["annotations"] =
        json!({"kwok.x-k8s.io/node": "fake", "node.alpha.kubernetes.io/ttl": "0"});
    let status = &node["status"];
    copy["status"] = json!({
        "capacity": status["capacity"], "allocatable": status["allocatable"], "nodeInfo": status["nodeInfo"],
        "addresses": [
            {"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": name(node)},
        ],
    });
    copy
}

/// What KWOK is to be told so that the pod is ill in the same way; None when it is well.
fn illness(pod: &Value) -> Option<Vec<(&'static str, String)>> {
    let statuses = pod["status"]["containerStatuses"].as_array()?;
    let waiting = |status: &&Value| {
        let reason = status["state"]["waiting"]["reason"].as_str().unwrap_or_default();
        reason == "CrashLoopBackOff"
            || reason.contains("ImagePull")
            || status["lastState"]["terminated"]["reason"] == "OOMKilled"
    };
    let ill = statuses.iter().find(waiting)?;
    let container = ill["name"].as_str().unwrap_or_default().to_owned();
    if ill["state"]["waiting"]["reason"].as_str().is_some_and(|reason| reason.contains("ImagePull")) {
        return Some(vec![("behavior", "pull".to_owned()), ("pull-container", container)]);
    }
    let end = &ill["lastState"]["terminated"];
    Some(vec![
        ("behavior", "crash".to_owned()),
        ("crash-container", container),
        ("crash-after", "1s".to_owned()),
        ("crash-reason", end["reason"].as_str().unwrap_or("Error").to_owned()),
        ("crash-exit-code", end["exitCode"].to_string()),
        ("backoff", "3s".to_owned()),
    ])
}
