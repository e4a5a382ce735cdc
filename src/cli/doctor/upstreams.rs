//! Which Prometheus, Alertmanager and Argo CD API server each environment of a context has, how it is known, and whether
//! it answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kube::Client as ClusterClient;
use serde_json::Value;

use crate::config::Config;
use crate::connect::client::get;
use crate::connect::contexts::ContextInfo;
use crate::connect::problem::Fault;
use crate::connect::upstream::{Client, Limits};
use crate::domain::environment::{Environment, Environments};
use crate::domain::id::ClusterId;
use crate::domain::link::{Feed, Link};
use crate::domain::meta::Interner;
use crate::domain::time::Now;
use crate::domain::upstream::{Assigned, How, Server, Upstream};
use crate::fleet::promql::{confine, matchers};
use crate::fleet::upstreams::assigned;
use crate::fleet::{self, Wanted};
use crate::msg::{ClusterMsg, Delta};
use crate::report::Check;
use crate::wire::Wire;
use crate::wire::network::WireService;
use crate::wire::node::WireNamespace;
use crate::wire::operated::{WireAlertmanager, WirePrometheus};
use crate::world::World;

/// How long one question may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Looks at the upstreams of a context's environments.
pub async fn look(info: &ContextInfo, client: &ClusterClient, config: &Config) -> Vec<Check> {
    let world = world(info, client).await;
    let wanted = wanted(config, &info.name);
    let environments = fleet::environments(&wanted, &world);
    let mut checks = Vec::new();
    for server in [Server::Prometheus, Server::Alertmanager, Server::Argocd] {
        let mut found: BTreeMap<Arc<Upstream>, Vec<(&Environment, Assigned)>> = BTreeMap::new();
        let mut missing: BTreeMap<String, (Vec<&str>, String)> = BTreeMap::new();
        for env in counted(&environments) {
            match assigned(server, env, &environments, &wanted, &world) {
                Ok(one) => found.entry(Arc::clone(&one.upstream)).or_default().push((env, one)),
                // The objects of Argo CD tell enough for most: who has configured no API server lacks nothing.
                Err(_) if server == Server::Argocd => {}
                Err(why) => missing.entry(why.why).or_insert((Vec::new(), why.mend)).0.push(&env.name),
            }
        }
        for (upstream, used) in found {
            for member in upstream.members() {
                checks.push(one(&info.name, client, &Arc::new(member), &used).await);
            }
        }
        for (why, (names, mend)) in missing {
            let words = format!("{why} ({})", names.join(", "));
            checks.push(Check::warn(&info.name, server.key(), words, mend));
        }
    }
    checks
}

fn counted(environments: &Environments) -> impl Iterator<Item = &Environment> {
    environments.counted()
}

/// The settings of the environments that stand on this context.
fn wanted(config: &Config, context: &str) -> Wanted {
    let mut wanted = Wanted::of(config, Some(context));
    for stage in &mut wanted.stages {
        stage.environments.retain(|env| &*env.context == context);
    }
    wanted.stages.retain(|stage| !stage.environments.is_empty());
    wanted
}

/// As much of the cluster as tells its environments and its upstreams.
async fn world(info: &ContextInfo, client: &ClusterClient) -> World {
    let mut world = World::new(vec![info.connection()]);
    let mut tell = |news| {
        world.apply(ClusterId(0), news, Now::default());
    };
    tell(ClusterMsg::Link(Link::Live));
    for news in [
        list::<WireNamespace>(client).await,
        list::<WireService>(client).await,
        list::<WirePrometheus>(client).await,
        list::<WireAlertmanager>(client).await,
    ] {
        news.into_iter().for_each(&mut tell);
    }
    world
}

/// A whole list as the news that a watch would bring.
async fn list<K: Wire>(client: &ClusterClient) -> Vec<ClusterMsg> {
    #[derive(serde::Deserialize)]
    #[serde(bound = "K: serde::de::DeserializeOwned")]
    struct List<K> {
        items: Vec<K>,
    }
    let ask = async {
        let path = match K::KIND.api() {
            ("", version, plural) => format!("/api/{version}/{plural}"),
            (group, version, plural) => format!("/apis/{group}/{version}/{plural}"),
        };
        let mut request = get(&path)?;
        let json = http::HeaderValue::from_static("application/json");
        request.headers_mut().insert(http::header::ACCEPT, json);
        let (parts, body) = request.into_parts();
        drop(body);
        let request = http::Request::from_parts(parts, Vec::new());
        client.request::<List<K>>(request).await.map_err(|error| Fault::of(&error))
    };
    let answer = tokio::time::timeout(LIMIT, ask).await.unwrap_or_else(|_| Err(Fault::timed_out(LIMIT)));
    let feed = match answer {
        Ok(list) => {
            let mut interner = Interner::new();
            let rows = list.items.into_iter().filter_map(|item| item.row(&mut interner).ok());
            let rows = std::iter::once(Delta::Begin(None))
                .chain(rows.map(Delta::Put))
                .chain(std::iter::once(Delta::End(None)));
            let facts = K::facts(rows.collect());
            return vec![ClusterMsg::Facts(facts), ClusterMsg::Feed(K::KIND, Feed::Live)];
        }
        Err(Fault::Forbidden(message)) => Feed::Forbidden(message.into()),
        Err(fault) => Feed::Failed(fault.words().into()),
    };
    vec![ClusterMsg::Feed(K::KIND, feed)]
}

/// Asks one upstream, with everything that it is asked with later.
async fn one(
    area: &str,
    cluster: &ClusterClient,
    upstream: &Arc<Upstream>,
    used: &[(&Environment, Assigned)],
) -> Check {
    let server = upstream.server;
    let names: Vec<&str> = used.iter().map(|(env, _)| &*env.name).collect();
    let how = used.first().map(|(_, assigned)| &assigned.how);
    let (how, others) = match how {
        Some(How::Found { by, others }) => (format!("found by {by}"), others.as_slice()),
        _ => ("configured".to_owned(), &[][..]),
    };
    let mut words = format!("{}, {how}, for {}", upstream.address.words(), names.join(", "));
    if !others.is_empty() {
        words.push_str(&format!("; not used: {}", others.join(", ")));
    }
    let way = cluster.clone();
    let limits = Limits { answer: LIMIT, ..Limits::default() };
    let client = Client::new(Arc::clone(upstream), Some(Arc::new(move || Some(way.clone()))), limits);
    if let Err(fault) = answers(&client).await {
        let mend = mend(server, &fault);
        return Check::fail(area, server.key(), format!("{words}: {}", fault.words()), mend);
    }
    if server == Server::Prometheus {
        for (env, assigned) in used.iter().filter(|(_, assigned)| !assigned.matchers.is_empty()) {
            if nothing_matches(&client, assigned).await {
                let labels: Vec<String> =
                    assigned.matchers.iter().map(|(label, value)| format!("{label}={value:?}")).collect();
                return Check::warn(
                    area,
                    server.key(),
                    format!("{words}; but no series `up` has {} of {}", labels.join(", "), env.name),
                    "correct prometheus.matchers, or give the series these labels (external_labels)",
                );
            }
        }
    }
    Check::ok(area, server.key(), words)
}

/// Whether the server's own API answers.
async fn answers(client: &Client) -> Result<(), Fault> {
    let reply = match client.upstream().server {
        Server::Alertmanager => client.get("/api/v2/status", &[]).await?,
        Server::Prometheus => client.get("/api/v1/query", &[("query", "vector(1)")]).await?,
        // Wants the token, as all that is asked later does, and answers little.
        Server::Argocd => {
            client.get("/api/v1/applications", &[("fields", "metadata.resourceVersion")]).await?
        }
    };
    let body: Value = reply.json().unwrap_or_default();
    let its_own = match client.upstream().server {
        Server::Alertmanager => body.get("versionInfo").is_some() || body.get("cluster").is_some(),
        Server::Prometheus => body.get("status").is_some_and(|status| status == "success"),
        Server::Argocd => body.get("metadata").is_some() || body.get("items").is_some(),
    };
    match (reply.is_good(), its_own) {
        (true, true) => Ok(()),
        (true, false) => Err(Fault::Garbled("it answers, but not as this kind of server does".to_owned())),
        (false, _) => Err(Fault::Garbled(format!("it answers {}", reply.status))),
    }
}

/// Whether the environment's matchers leave nothing of what is scraped.
async fn nothing_matches(client: &Client, assigned: &Assigned) -> bool {
    let Ok(query) = confine("count(up)", &matchers(&assigned.matchers)) else { return false };
    let Ok(reply) = client.get("/api/v1/query", &[("query", &query)]).await else { return false };
    let body: Value = reply.json().unwrap_or_default();
    body.pointer("/data/result").and_then(Value::as_array).is_some_and(Vec::is_empty)
}

fn mend(server: Server, fault: &Fault) -> String {
    let key = server.key();
    let (argo, address) = match server {
        Server::Argocd => (true, format!("{key}.url")),
        _ => (false, format!("{key}.url or {key}.service")),
    };
    match fault {
        Fault::Unauthorized(_) if argo => {
            format!("write a token of this Argo CD that is not over yet to {key}.tokenFile")
        }
        Fault::Unauthorized(_) => format!("write {key}.bearerTokenFile, {key}.basicAuth or {key}.headers"),
        Fault::Forbidden(_) if argo => {
            format!("let the account of {key}.tokenFile `get` applications (argocd-rbac-cm)")
        }
        Fault::Forbidden(_) => format!("ask for `get` on `services/proxy`, or write {key}.url"),
        Fault::Broken(_) => "correct what is named in the configuration".to_owned(),
        // It was reached: nothing is wrong with the address.
        Fault::TooLarge(_) => "the answer is too large to be read".to_owned(),
        Fault::Garbled(_) => {
            let prefix = if argo { "" } else { " (/prometheus)" };
            format!("is the address right, with its path prefix{prefix}? write {address}")
        }
        _ => format!("does it run, and is it reachable from here? write {address}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_too_large_says_nothing_against_the_address() {
        let server = Server::Prometheus;
        assert_eq!(mend(server, &Fault::TooLarge(String::new())), "the answer is too large to be read");
        assert!(mend(server, &Fault::Garbled(String::new())).starts_with("is the address right"));
    }
}
