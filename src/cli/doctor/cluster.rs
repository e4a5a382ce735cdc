//! One context: does it answer, who are we there, what may we read, what is
//! installed.

use std::time::Duration;

use futures::StreamExt;
use http::Request;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use crate::config::Config;
use crate::connect::client::{client_for, get};
use crate::connect::contexts::ContextInfo;
use crate::connect::credentials;
use crate::connect::problem::Fault;
use crate::domain::id::Kind;
use crate::domain::link::{Link, WATCHED};
use crate::fleet::provider::major_minor;
use crate::report::Check;
use crate::text::clean;

/// How long one question may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Questions asked at a time.
const AT_ONCE: usize = 6;

/// Looks at one context.
pub async fn look(info: &ContextInfo, config: &Config) -> Vec<Check> {
    let area = &*info.name;
    let access = match tokio::time::timeout(credentials::LIMIT + LIMIT, client_for(info)).await {
        Ok(Ok(access)) => access,
        Ok(Err(link)) => return vec![refused(area, &link)],
        Err(_) => {
            let mend = "run the credential command of the kubeconfig by hand and see what it waits for";
            return vec![Check::fail(area, "credentials", "they could not be had in time", mend)];
        }
    };
    let cluster = Cluster { area, client: access.client };
    let mut checks = match cluster.server(info, &access.login).await {
        Ok(check) => vec![check],
        Err(check) => return vec![check],
    };
    let (who, installed, permissions, streaming) =
        tokio::join!(cluster.who(), cluster.installed(), cluster.permissions(info), cluster.streaming());
    checks.push(who);
    checks.push(cluster.kubelets(checks.first().map(|check| check.words.as_str())).await);
    checks.extend(installed);
    checks.extend(permissions);
    checks.push(streaming);
    checks.extend(super::upstreams::look(info, &cluster.client, config).await);
    checks
}

fn refused(area: &str, link: &Link) -> Check {
    match link {
        Link::LoginNeeded { command, message } => {
            let mend = if command.is_empty() { "log in again".to_owned() } else { format!("run: {command}") };
            Check::fail(area, "credentials", message.to_string(), mend)
        }
        Link::Broken { message } | Link::Forbidden { message } => {
            Check::fail(area, "credentials", message.to_string(), "correct this context in the kubeconfig")
        }
        Link::Unreachable { reason, .. } => {
            Check::fail(area, "api server", reason.to_string(), "is the network (VPN, proxy, tunnel) up?")
        }
        Link::Dim | Link::Connecting | Link::Live => {
            Check::fail(area, "api server", "it cannot be connected", "try again")
        }
    }
}

/// One cluster that can be asked.
struct Cluster<'a> {
    area: &'a str,
    client: Client,
}

impl Cluster<'_> {
    async fn ask(&self, request: Request<Vec<u8>>) -> Result<Value, Fault> {
        match tokio::time::timeout(LIMIT, self.client.request::<Value>(request)).await {
            Ok(answer) => answer.map_err(|error| Fault::of(&error)),
            Err(_) => Err(Fault::timed_out(LIMIT)),
        }
    }

    async fn get(&self, path: &str) -> Result<Value, Fault> {
        let request = Request::get(path).body(Vec::new());
        self.ask(request.map_err(|error| Fault::Invalid(clean(&error.to_string()).into_owned()))?).await
    }

    /// Reviews are answered and not stored: asking one changes nothing.
    async fn review(&self, path: &str, review: Value) -> Result<Value, Fault> {
        let request = Request::post(path)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(review.to_string().into_bytes());
        self.ask(request.map_err(|error| Fault::Invalid(clean(&error.to_string()).into_owned()))?).await
    }

    /// The version, or why nothing more can be asked.
    async fn server(&self, info: &ContextInfo, login: &str) -> Result<Check, Check> {
        let what = "api server";
        match self.get("/version").await {
            Ok(answer) => {
                let version = text(&answer, "/gitVersion");
                let words = format!("{version} at {}", info.server);
                Ok(match major_minor(&version) {
                    Some((1, minor)) if minor < 27 => Check::warn(
                        self.area,
                        what,
                        format!("{words}: older than 1.27, which is not tried"),
                        "upgrade the cluster",
                    ),
                    _ => Check::ok(self.area, what, words),
                })
            }
            Err(Fault::Unauthorized(message)) => {
                Err(Check::fail(self.area, what, message, format!("run: {login}")))
            }
            // Some servers show their version to nobody; the rest may still work.
            Err(Fault::Forbidden(message)) => Ok(Check::warn(
                self.area,
                what,
                format!("it answers at {}; {message}", info.server),
                "none is needed",
            )),
            Err(fault) => Err(Check::fail(
                self.area,
                what,
                format!("{} ({})", fault.words(), info.server),
                "is the network (VPN, proxy, tunnel) up, and the server's address right?",
            )),
        }
    }

    async fn who(&self) -> Check {
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
        let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
        match self.review(path, review).await {
            Ok(answer) => {
                let name = text(&answer, "/status/userInfo/username");
                Check::ok(
                    self.area,
                    "who am I",
                    if name.is_empty() { "nobody says".to_owned() } else { name },
                )
            }
            Err(fault) => Check::warn(
                self.area,
                "who am I",
                fault.words(),
                "servers before 1.28 do not tell; nothing depends on it",
            ),
        }
    }

    /// Kubelets may be up to three minor versions older than the API server and
    /// never newer (kubernetes.io, version skew policy).
    async fn kubelets(&self, server: Option<&str>) -> Check {
        let nodes = match self.get("/api/v1/nodes?limit=500").await {
            Ok(nodes) => nodes,
            Err(fault) => {
                return Check::warn(self.area, "nodes", fault.words(), "ask for get, list, watch on nodes");
            }
        };
        let items = nodes["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let server = server.and_then(major_minor).map(|(_, minor)| minor);
        let odd: Vec<String> = items
            .iter()
            .filter(|node| {
                let kubelet =
                    major_minor(&text(node, "/status/nodeInfo/kubeletVersion")).map(|(_, minor)| minor);
                matches!((kubelet, server), (Some(k), Some(s)) if k > s || k + 3 < s)
            })
            .map(|node| {
                format!("{} {}", text(node, "/metadata/name"), text(node, "/status/nodeInfo/kubeletVersion"))
            })
            .collect();
        if odd.is_empty() {
            return Check::ok(self.area, "nodes", format!("{}, versions fit the server's", items.len()));
        }
        let shown = odd.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
        Check::warn(
            self.area,
            "nodes",
            format!("{} of {} do not fit the server's version: {shown}", odd.len(), items.len()),
            "upgrade the kubelets: at most three minor versions behind, never ahead",
        )
    }

    /// Which definitions are installed, and whether metrics are served.
    async fn installed(&self) -> Vec<Check> {
        let groups = match self.get("/apis").await {
            Ok(groups) => groups,
            Err(fault) => {
                let mend = "the group system:discovery lets every user read /apis";
                return vec![Check::warn(self.area, "definitions", fault.words(), mend)];
            }
        };
        let names: Vec<String> = groups["groups"]
            .as_array()
            .map(|groups| groups.iter().map(|group| text(group, "/name")).collect())
            .unwrap_or_default();
        let has = |name: &str| names.iter().any(|known| known == name);
        // Argo CD and Argo Rollouts share a group: its resources tell them apart.
        let argo = match has("argoproj.io") {
            true => self.get("/apis/argoproj.io/v1alpha1").await.unwrap_or_default(),
            false => Value::Null,
        };
        let serves = |plural: &str| {
            let resources = argo["resources"].as_array();
            resources.is_some_and(|all| all.iter().any(|resource| text(resource, "/name") == plural))
        };
        let flux = has("kustomize.toolkit.fluxcd.io") || has("helm.toolkit.fluxcd.io");
        let (there, absent): (Vec<_>, Vec<_>) = [
            ("Argo CD", serves("applications")),
            ("Flux", flux),
            ("Argo Rollouts", serves("rollouts")),
            ("Velero", has("velero.io")),
            ("Prometheus Operator", has("monitoring.coreos.com")),
        ]
        .into_iter()
        .partition(|(_, there)| *there);
        let list = |of: &[(&str, bool)]| of.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let words = match (there.is_empty(), absent.is_empty()) {
            (true, _) => format!("none of {}", list(&absent)),
            (false, true) => list(&there),
            (false, false) => format!("{}; not installed: {}", list(&there), list(&absent)),
        };
        vec![Check::ok(self.area, "definitions", words), self.metrics(has("metrics.k8s.io")).await]
    }

    async fn metrics(&self, served: bool) -> Check {
        let mend = "install metrics-server, or see why its APIService is not available";
        if !served {
            let words = "metrics.k8s.io is not served: the CPU and memory columns stay empty";
            return Check::warn(self.area, "metrics", words, mend);
        }
        match self.get("/apis/metrics.k8s.io/v1beta1/pods?limit=1").await {
            Ok(_) => Check::ok(self.area, "metrics", "metrics.k8s.io answers"),
            Err(Fault::Forbidden(message)) => {
                Check::warn(self.area, "metrics", message, "ask for get, list on pods.metrics.k8s.io")
            }
            Err(fault) => Check::warn(self.area, "metrics", fault.words(), mend),
        }
    }

    /// What may be read in the whole cluster, else in the context's namespace,
    /// and whether logs and shells are allowed.
    async fn permissions(&self, info: &ContextInfo) -> Vec<Check> {
        let namespace = if info.namespace.is_empty() { "default" } else { &info.namespace };
        let questions = WATCHED.into_iter().flat_map(|kind| {
            let (group, _, plural) = kind.api();
            ["list", "watch"].map(|verb| (kind, verb, group, plural))
        });
        let answers: Vec<(Kind, Result<Reach, Fault>)> = futures::stream::iter(questions)
            .map(|(kind, verb, group, plural)| async move {
                (kind, self.reach(kind.namespaced().then_some(namespace), verb, group, plural, "").await)
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut checks = vec![judge(self.area, namespace, &answers)];
        for (what, verb, subresource, cost) in [
            ("logs", "get", "log", "logs cannot be read"),
            ("shell", "create", "exec", "no shell can be opened"),
        ] {
            checks.push(match self.reach(Some(namespace), verb, "", "pods", subresource).await {
                Ok(Reach::Cluster) => Check::ok(self.area, what, "allowed in every namespace"),
                Ok(Reach::Namespace) => {
                    Check::ok(self.area, what, format!("allowed in namespace {namespace}"))
                }
                Ok(Reach::Nowhere) => {
                    let mend = format!("ask for {verb} on pods/{subresource}");
                    Check::warn(self.area, what, format!("not allowed: {cost}"), mend)
                }
                Err(fault) => Check::warn(self.area, what, fault.words(), "could not be asked; try again"),
            });
        }
        checks
    }

    async fn reach(
        &self,
        namespace: Option<&str>,
        verb: &str,
        group: &str,
        plural: &str,
        subresource: &str,
    ) -> Result<Reach, Fault> {
        if self.may("", verb, group, plural, subresource).await? {
            return Ok(Reach::Cluster);
        }
        match namespace {
            Some(namespace) if self.may(namespace, verb, group, plural, subresource).await? => {
                Ok(Reach::Namespace)
            }
            _ => Ok(Reach::Nowhere),
        }
    }

    async fn may(
        &self,
        namespace: &str,
        verb: &str,
        group: &str,
        plural: &str,
        subresource: &str,
    ) -> Result<bool, Fault> {
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "namespace": namespace, "verb": verb, "group": group,
                "resource": plural, "subresource": subresource,
            }},
        });
        let answer = self.review("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review).await?;
        Ok(answer["status"]["allowed"].as_bool().unwrap_or(false))
    }

    /// Whether lists can be streamed (`sendInitialEvents`), which costs server
    /// and client less than whole lists.
    async fn streaming(&self) -> Check {
        let what = "streaming lists";
        let path = "/api/v1/namespaces?watch=true&sendInitialEvents=true\
                    &resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=1";
        let asked = async { self.status(path).await };
        match asked.await {
            Ok(200..=299) => Check::ok(self.area, what, "served"),
            Ok(401 | 403) => {
                Check::ok(self.area, what, "not tried: namespaces may not be watched in the whole cluster")
            }
            Ok(code) => Check::ok(
                self.area,
                what,
                format!("not served ({code}): whole lists are read instead, in pages"),
            ),
            Err(fault) => {
                Check::warn(self.area, what, fault.words(), "could not be tried; whole lists are read")
            }
        }
    }

    /// The code of the answer to a GET; its body is not read.
    async fn status(&self, path: &str) -> Result<u16, Fault> {
        let request: Request<Body> = get(path)?;
        match tokio::time::timeout(LIMIT, self.client.send(request)).await {
            Ok(Ok(response)) => Ok(response.status().as_u16()),
            Ok(Err(error)) => Err(Fault::of(&error)),
            Err(_) => Err(Fault::timed_out(LIMIT)),
        }
    }
}

/// Where something is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Nowhere,
    Namespace,
    Cluster,
}

/// Sums up what may be listed and watched.
fn judge(area: &str, namespace: &str, answers: &[(Kind, Result<Reach, Fault>)]) -> Check {
    let what = "permissions";
    if let Some(fault) = answers.iter().find_map(|(_, answer)| answer.as_ref().err()) {
        return Check::warn(
            area,
            what,
            fault.words(),
            "could not be asked; the screen will show what it may",
        );
    }
    let least = |kind: Kind| {
        let of_kind = answers.iter().filter(|(asked, _)| *asked == kind);
        of_kind.filter_map(|(_, answer)| answer.as_ref().ok().copied()).min().unwrap_or(Reach::Nowhere)
    };
    let kinds = |reach: Reach| -> Vec<&str> {
        WATCHED.into_iter().filter(|kind| least(*kind) == reach).map(|kind| kind.api().2).collect()
    };
    let (nowhere, narrow) = (kinds(Reach::Nowhere), kinds(Reach::Namespace));
    if nowhere.is_empty() && narrow.is_empty() {
        return Check::ok(area, what, format!("all {} kinds may be listed and watched", WATCHED.len()));
    }
    let mut words = Vec::new();
    if !narrow.is_empty() {
        words.push(format!("only in namespace {namespace}: {}", narrow.join(", ")));
    }
    if !nowhere.is_empty() {
        words.push(format!("not at all: {}", nowhere.join(", ")));
    }
    let words = format!("may be listed and watched {}", words.join("; "));
    let mend =
        "ask for a ClusterRole with get, list, watch on these; or name the namespaces in the configuration";
    if least(Kind::Pod) == Reach::Nowhere {
        return Check::fail(area, what, words, mend);
    }
    Check::warn(area, what, words, mend)
}

fn text(value: &Value, pointer: &str) -> String {
    clean(value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Verdict;

    #[test]
    fn permissions_are_summed_up() {
        let all = |reach: Reach| -> Vec<(Kind, Result<Reach, Fault>)> {
            WATCHED.into_iter().flat_map(|kind| [(kind, Ok(reach)), (kind, Ok(reach))]).collect()
        };
        let with = |kind: Kind, reach: Reach| {
            let mut answers = all(Reach::Cluster);
            let answer = answers.iter_mut().rfind(|(asked, _)| *asked == kind).unwrap();
            answer.1 = Ok(reach);
            answers
        };
        let mut broken = all(Reach::Cluster);
        broken[3].1 = Err(Fault::Server("500".to_owned()));
        for (answers, verdict, words) in [
            (all(Reach::Cluster), Verdict::Ok, "kinds may be listed and watched"),
            (with(Kind::Node, Reach::Nowhere), Verdict::Warn, "not at all: nodes"),
            (with(Kind::Service, Reach::Namespace), Verdict::Warn, "only in namespace shop: services"),
            (with(Kind::Pod, Reach::Nowhere), Verdict::Fail, "not at all: pods"),
            (broken, Verdict::Warn, "500"),
        ] {
            let check = judge("gke", "shop", &answers);
            assert_eq!(check.verdict, verdict, "{}", check.words);
            assert!(check.words.contains(words), "{}", check.words);
        }
    }
}
