//! Servers that the Prometheus Operator runs: an object says by which port and prefix its pods are reached, and the
//! Service is one that selects them.
//!
//! The operator makes a governing Service for all of its objects in a namespace (`prometheus-operated`), charts add one
//! for each; which of them leads to which object follows from the labels that the operator gives its pods.

use super::{Candidate, signs};
use crate::domain::id::{ClusterId, Kind, Name};
use crate::domain::meta::Labels;
use crate::domain::network::{Service, ServicePort};
use crate::domain::upstream::{Address, Operated, Server};
use crate::world::ClusterWorld;

/// Ranks that the Services of the operator's objects have.
pub(super) const RANKS: u8 = 2;

fn objects(server: Server, cluster: &ClusterWorld) -> impl Iterator<Item = &Operated> {
    let kind = match server {
        Server::Prometheus => Some(Kind::Prometheus),
        Server::Alertmanager => Some(Kind::Alertmanager),
        Server::Argocd => None,
    };
    cluster.operated.iter().map(|(_, object)| object).filter(move |object| Some(object.kind) == kind)
}

/// The labels that the operator gives an object's pods, as versions of all ages write them.
fn pod_labels(object: &Operated) -> Labels {
    let word = if object.kind == Kind::Prometheus { "prometheus" } else { "alertmanager" };
    let mut pairs = vec![
        ("app", word),
        ("app.kubernetes.io/name", word),
        ("app.kubernetes.io/instance", &object.name),
        ("app.kubernetes.io/managed-by", "prometheus-operator"),
        (word, &object.name),
    ];
    if object.kind == Kind::Prometheus {
        pairs.extend([
            ("operator.prometheus.io/name", &*object.name),
            ("operator.prometheus.io/mode", "server"),
            ("operator.prometheus.io/shard", "0"),
        ]);
    }
    Labels::new(pairs.into_iter().map(|(label, value)| (Name::from(label), Name::from(value))).collect())
}

/// Whether a Service leads to the pods of an object.
fn selects(service: &Service, object: &Operated) -> bool {
    service.namespace == object.namespace
        && service.selector.as_ref().is_some_and(|selector| selector.matches(&pod_labels(object)))
}

/// Whether a Service leads to the pods of any of them.
pub(super) fn leads(server: Server, cluster: &ClusterWorld, service: &Service) -> bool {
    objects(server, cluster).any(|object| selects(service, object))
}

/// The best Service of each object.
pub(super) fn candidates(server: Server, id: ClusterId, cluster: &ClusterWorld) -> Vec<Candidate<'_>> {
    let of = |object: &Operated| {
        // One that leads to others too is one of them by chance.
        let alone = |service: &Service| {
            objects(server, cluster).all(|other| other.uid == object.uid || !selects(service, other))
        };
        let services = cluster.services.iter().map(|(_, service)| service);
        let (service, port) = services
            .filter(|service| selects(service, object) && alone(service))
            .filter_map(|service| Some((service, port(service, object)?)))
            .min_by_key(|(service, _)| (&*service.cluster_ip == "None", service.name.clone()))?;
        let word = object.kind.word();
        Some(Candidate {
            service,
            rank: u8::from(&*service.cluster_ip == "None"),
            by: format!("the {word} object {}/{} of the Prometheus Operator", object.namespace, object.name)
                .into(),
            address: Address::Service {
                cluster: id,
                namespace: service.namespace.clone(),
                name: service.name.clone(),
                port: port.port.to_string().into(),
                tls: object.tls || signs::speaks_tls(&port.name, port.port),
                prefix: object.prefix.clone(),
            },
        })
    };
    objects(server, cluster).filter(|object| !object.local).filter_map(of).collect()
}

/// The port of a Service behind which the object's is: by the name that it targets, by its own name, or by number.
fn port<'a>(service: &'a Service, object: &Operated) -> Option<&'a ServicePort> {
    let number: u16 = if object.kind == Kind::Prometheus { 9090 } else { 9093 };
    let tcp = || service.ports.iter().filter(|port| &*port.protocol == "TCP");
    tcp()
        .find(|port| port.target == object.port)
        .or_else(|| tcp().find(|port| port.name == object.port))
        .or_else(|| tcp().find(|port| *port.target == *number.to_string() || port.port == number))
}
