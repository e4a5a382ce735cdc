//! Which Prometheus, Alertmanager and Argo CD API server each environment has: as configured, else found in its
//! cluster: by the objects of the Prometheus Operator, which know port and prefix of the pods that they run, and by
//! what Services are called and labelled.
//!
//! Pure: settings and world in, [`Assigned`] or the reason why not out. Nothing is asked here; whether the server
//! answers is learnt by whoever asks it. Kept by the state, read by panes, the alerts, `status` and `doctor`.

mod operated;
mod signs;
#[cfg(test)]
mod tests;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::config::{Address as WrittenAddress, Monitoring, Secret as WrittenSecret};
use crate::domain::environment::{Environment, Environments, Group, NO_CLUSTER};
use crate::domain::id::{ClusterId, EnvId, Name};
use crate::domain::link::{Feed, Link};
use crate::domain::network::Service;
use crate::domain::upstream::{Access, Address, Assigned, How, Missing, Secret, Server, Upstream};
use crate::fleet::wanted::{Wanted, WantedEnvironment};
use crate::world::World;
use signs::Sign;

/// What is assigned to each environment, worked out anew only when something that matters changed.
#[derive(Debug, Default)]
pub struct Upstreams {
    of: Vec<[Result<Assigned, Missing>; 3]>,
    seen: Option<u64>,
    version: u64,
}

impl Upstreams {
    /// Brings the assignments up to date; tells whether they may have changed.
    pub fn refresh(&mut self, wanted: &Wanted, environments: &Environments, world: &World) -> bool {
        let now = fingerprint(wanted, environments, world);
        if self.seen == Some(now) {
            return false;
        }
        self.seen = Some(now);
        let all = [Server::Prometheus, Server::Alertmanager, Server::Argocd];
        let of: Vec<_> = environments
            .list
            .iter()
            .map(|env| all.map(|server| assigned(server, env, environments, wanted, world)))
            .collect();
        let changed = of != self.of;
        self.of = of;
        self.version += u64::from(changed);
        changed
    }

    /// The server of an environment.
    ///
    /// # Errors
    /// Why it has none.
    pub fn of(&self, server: Server, env: EnvId) -> Result<&Assigned, &Missing> {
        static NOTHING_KNOWN: Missing = Missing { why: String::new(), mend: String::new(), pending: true };
        let at = match server {
            Server::Prometheus => 0,
            Server::Alertmanager => 1,
            Server::Argocd => 2,
        };
        match self.of.get(usize::from(env.0)) {
            Some(three) => three[at].as_ref(),
            None => Err(&NOTHING_KNOWN),
        }
    }

    /// Rises with every change.
    pub fn version(&self) -> u64 {
        self.version
    }
}

/// All that the assignments follow from, as one number.
fn fingerprint(wanted: &Wanted, environments: &Environments, world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    wanted.hash(&mut hasher);
    for env in &environments.list {
        (env.cluster, env.stage, env.group, &env.name, env.scope.namespaces()).hash(&mut hasher);
    }
    for cluster in &world.clusters {
        (cluster.services.version(), cluster.operated.version()).hash(&mut hasher);
        std::mem::discriminant(&cluster.services.feed).hash(&mut hasher);
        std::mem::discriminant(&cluster.connection.link).hash(&mut hasher);
    }
    hasher.finish()
}

/// The server of an environment.
///
/// # Errors
/// Why it has none, with what helps.
pub fn assigned(
    server: Server,
    env: &Environment,
    environments: &Environments,
    wanted: &Wanted,
    world: &World,
) -> Result<Assigned, Missing> {
    let written = configured(env, environments, wanted);
    if server == Server::Argocd {
        return argocd(env, written);
    }
    let monitoring = written.and_then(|written| match server {
        Server::Prometheus => written.prometheus.as_ref(),
        _ => written.alertmanager.as_ref(),
    });
    let access = monitoring.map(access).unwrap_or_default();
    let matchers = monitoring.map(|m| pairs(&m.matchers)).unwrap_or_default();
    let (address, how) = match monitoring.and_then(|monitoring| monitoring.at.as_ref()) {
        Some(WrittenAddress::Url(url)) => (Address::Url(url.trim_end_matches('/').into()), How::Configured),
        Some(WrittenAddress::Urls(urls)) => {
            let urls = urls.iter().map(|url| url.trim_end_matches('/').into());
            (Address::Members(urls.collect()), How::Configured)
        }
        Some(WrittenAddress::Service { namespace, name, port, prefix }) => {
            if env.cluster == NO_CLUSTER {
                return Err(no_context(env));
            }
            let address = Address::Service {
                cluster: env.cluster,
                namespace: namespace.as_str().into(),
                name: name.as_str().into(),
                port: port.as_str().into(),
                tls: signs::speaks_tls(port, port.parse().unwrap_or(0)),
                prefix: prefix.as_str().into(),
            };
            (address, How::Configured)
        }
        None => find(server, env, world)?,
    };
    Ok(Assigned { upstream: Arc::new(Upstream { server, address, access }), matchers, how })
}

/// What the configuration says of an environment: environments of a stage stand in the order in which they are
/// written.
pub fn configured<'a>(
    env: &Environment,
    environments: &Environments,
    wanted: &'a Wanted,
) -> Option<&'a WantedEnvironment> {
    let stage = env.stage?;
    let place = environments.list.iter().filter(|e| e.stage == Some(stage)).position(|e| e.id == env.id)?;
    wanted.stages.get(usize::from(stage))?.environments.get(place)
}

fn argocd(env: &Environment, written: Option<&WantedEnvironment>) -> Result<Assigned, Missing> {
    let settings = written.and_then(|written| written.argocd.as_ref());
    let Some((settings, url)) = settings.and_then(|argocd| Some((argocd, argocd.url.as_deref()?))) else {
        return Err(Missing {
            why: format!("No Argo CD API server is configured for {}.", env.name),
            mend: "Write argocd.url and argocd.tokenFile to have what the objects alone do not tell."
                .to_owned(),
            pending: false,
        });
    };
    let access = Access {
        headers: headers(&settings.headers),
        bearer_token_file: settings.token_file.clone(),
        ca_file: settings.ca_file.clone(),
        ..Access::default()
    };
    let address = Address::Url(url.trim_end_matches('/').into());
    let upstream = Arc::new(Upstream { server: Server::Argocd, address, access });
    Ok(Assigned { upstream, matchers: Vec::new(), how: How::Configured })
}

fn access(monitoring: &Monitoring) -> Access {
    Access {
        headers: headers(&monitoring.headers),
        bearer_token_file: monitoring.bearer_token_file.clone(),
        basic_auth: monitoring.basic_auth.as_ref().map(|(user, file)| (user.as_str().into(), file.clone())),
        ca_file: monitoring.ca_file.clone(),
        tenant: monitoring.tenant.as_deref().map(Name::from),
    }
}

fn headers(written: &[(String, WrittenSecret)]) -> Vec<(Name, Secret)> {
    let secret = |secret: &WrittenSecret| match secret {
        WrittenSecret::Plain(text) => Secret::Plain(text.as_str().into()),
        WrittenSecret::File(file) => Secret::File(file.clone()),
        WrittenSecret::Env(name) => Secret::Env(name.as_str().into()),
    };
    written.iter().map(|(name, value)| (name.as_str().into(), secret(value))).collect()
}

fn pairs(matchers: &[(String, String)]) -> Vec<(Name, Name)> {
    matchers.iter().map(|(label, value)| (label.as_str().into(), value.as_str().into())).collect()
}

fn no_context(env: &Environment) -> Missing {
    Missing {
        why: format!("The kubeconfig has no context {}.", env.context),
        mend: format!("Correct the context of {} in the configuration.", env.name),
        pending: false,
    }
}

/// A Service that leads to a server.
struct Candidate<'a> {
    service: &'a Service,
    /// Better ones are lower.
    rank: u8,
    by: Name,
    address: Address,
}

/// Looks for the server in the environment's cluster.
fn find(server: Server, env: &Environment, world: &World) -> Result<(Address, How), Missing> {
    let word = server.word();
    let Some(cluster) = world.cluster(env.cluster).filter(|_| env.cluster != NO_CLUSTER) else {
        return Err(no_context(env));
    };
    let mut found = operated::candidates(server, env.cluster, cluster);
    let known: Vec<_> = found.iter().map(|one| one.service.uid).collect();
    // Other ways to the same pods; where none is certain they are judged by what they are called.
    let led = |service: &Service| {
        known.contains(&service.uid) || !known.is_empty() && operated::leads(server, cluster, service)
    };
    found.extend(cluster.services.iter().filter(|(_, service)| !led(service)).filter_map(|(_, service)| {
        let sign = signs::sign_of(server, service)?;
        let address = address(env.cluster, service, sign);
        // Behind those of the operator, which are certain.
        Some(Candidate { service, rank: sign.rank + operated::RANKS, by: sign.by.into(), address })
    }));
    let own = |service: &Service| env.group == Group::Stage && env.scope.contains(&service.namespace);
    found.sort_by_cached_key(|Candidate { service, rank, .. }| {
        let headless = &*service.cluster_ip == "None";
        (!own(service), *rank, headless, service.namespace.clone(), service.name.clone())
    });
    let mut found = found.into_iter();
    if let Some(best) = found.next() {
        let others = found.map(|one| format!("{}/{}", one.service.namespace, one.service.name).into());
        return Ok((best.address, How::Found { by: best.by, others: others.collect() }));
    }
    let name_it = format!("Write {}.url or {}.service for {}.", server.key(), server.key(), env.name);
    let missing = |why: String, mend: String, pending| Err(Missing { why, mend, pending });
    match (&cluster.connection.link, &cluster.services.feed) {
        (Link::Dim, _) => missing(format!("{} is not connected.", env.context), String::new(), true),
        (Link::Live, Feed::Loading) | (Link::Connecting, _) => {
            missing(format!("Looking for {word} among the Services."), String::new(), true)
        }
        (Link::Live, Feed::Forbidden(_)) => missing(
            format!("The Services of {} may not be read to find {word}.", env.context),
            name_it,
            false,
        ),
        (Link::Live, Feed::Partly { .. }) => missing(
            format!("No {word} is among the Services that may be read in {}.", env.context),
            name_it,
            false,
        ),
        (Link::Live, Feed::Live) => {
            missing(format!("No Service of {} looks like {word}.", env.context), name_it, false)
        }
        (Link::Live, _) => missing(
            format!("The Services of {} cannot be read now to find {word}.", env.context),
            name_it,
            true,
        ),
        (_, _) => missing(format!("{} does not answer.", env.context), String::new(), true),
    }
}

fn address(cluster: ClusterId, service: &Service, sign: &Sign) -> Address {
    let port = signs::port_of(service, sign);
    Address::Service {
        cluster,
        namespace: service.namespace.clone(),
        name: service.name.clone(),
        port: port.map_or(sign.number, |port| port.port).to_string().into(),
        tls: port.is_some_and(|port| signs::speaks_tls(&port.name, port.port)),
        prefix: sign.prefix.into(),
    }
}
