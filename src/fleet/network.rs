//! How traffic reaches an app in an environment: the Services that select its
//! workloads, the Ingresses that lead to those, and how many endpoints answer.

use crate::domain::id::{Kind, Name, ObjectRef};
use crate::domain::level::Level;
use crate::domain::link::Feed;
use crate::domain::network::{Ingress, IngressRule, Service, ServicePort};
use crate::domain::workload::Workload;
use crate::world::{ClusterWorld, World};

/// One way to an app: a Service, or one rule of an Ingress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The Service or Ingress.
    pub object: ObjectRef,
    /// `ClusterIP`, `LoadBalancer`...; for an Ingress its class.
    pub route_type: Name,
    /// Ingress: the rule's host, `*` for every one. Service: what it is reached
    /// by from outside; empty when from inside only.
    pub host: Name,
    /// Ingress: the rule's path. Service: empty.
    pub path: Name,
    /// Ingress: whether the host is served with TLS.
    pub tls: bool,
    /// `80/TCP`, `443:30443/TCP`; for an Ingress the Service and its port.
    pub ports: String,
    /// The workloads of the app that the Service selects.
    pub workloads: Vec<Name>,
    /// Endpoints that answer; `None` when they cannot be known (an external
    /// name, or EndpointSlices that may not be read).
    pub endpoints: Option<Endpoints>,
    /// How well it is.
    pub level: Level,
    /// Why, when it is not well.
    pub reason: &'static str,
}

/// Counts of endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// Ready.
    pub ready: u32,
    /// Not ready.
    pub unready: u32,
    /// On their way out.
    pub terminating: u32,
}

impl Endpoints {
    /// `3/4`: ready of all.
    pub fn words(self) -> String {
        format!("{}/{}", self.ready, self.ready + self.unready)
    }
}

/// The ways to the workloads of an app ([`super::Cell::workloads`]): Ingresses
/// first, each beside its Service, by name.
pub fn network(world: &World, workloads: &[ObjectRef]) -> Vec<Route> {
    let mut routes = Vec::new();
    let mut clusters: Vec<_> = workloads.iter().map(|workload| workload.cluster).collect();
    clusters.sort_unstable();
    clusters.dedup();
    for id in clusters {
        let Some(cluster) = world.cluster(id) else { continue };
        let app: Vec<&Workload> = workloads
            .iter()
            .filter(|reference| reference.cluster == id)
            .filter_map(|reference| cluster.workloads.get(reference.uid))
            .collect();
        let reference = |kind: Kind, namespace: &Name, name: &Name, uid| ObjectRef {
            cluster: id,
            kind,
            namespace: namespace.clone(),
            name: name.clone(),
            uid,
        };
        for (_, service) in cluster.services.iter() {
            let selected = selected_by(service, &app);
            if selected.is_empty() {
                continue;
            }
            let endpoints = endpoints(cluster, service);
            let (level, reason) = judge(service, endpoints, &selected);
            let names: Vec<Name> = selected.iter().map(|workload| workload.name.clone()).collect();
            for (_, ingress) in cluster.ingresses.iter() {
                for rule in rules_to(ingress, service) {
                    routes.push(Route {
                        object: reference(Kind::Ingress, &ingress.namespace, &ingress.name, ingress.uid),
                        route_type: ingress.class.clone(),
                        host: if rule.host.is_empty() { "*".into() } else { rule.host.clone() },
                        path: rule.path.clone(),
                        tls: ingress.tls_hosts.contains(&rule.host),
                        ports: format!("{}:{}", rule.service, rule.port),
                        workloads: names.clone(),
                        endpoints,
                        level,
                        reason,
                    });
                }
            }
            routes.push(Route {
                object: reference(Kind::Service, &service.namespace, &service.name, service.uid),
                route_type: service.service_type.clone(),
                host: service.external.first().cloned().unwrap_or_default(),
                path: "".into(),
                tls: false,
                ports: ports_words(&service.ports),
                workloads: names,
                endpoints,
                level,
                reason,
            });
        }
    }
    routes.sort_by(|a, b| {
        let key = |route: &Route| {
            (
                route.object.kind == Kind::Service,
                route.object.namespace.clone(),
                route.object.name.clone(),
                route.host.clone(),
                route.path.clone(),
            )
        };
        key(a).cmp(&key(b))
    });
    routes
}

/// The Services of a cluster that select a workload's pods.
pub fn services_of<'a>(cluster: &'a ClusterWorld, workload: &Workload) -> Vec<&'a Service> {
    cluster
        .services
        .iter()
        .map(|(_, service)| service)
        .filter(|service| !selected_by(service, &[workload]).is_empty())
        .collect()
}

fn selected_by<'a>(service: &Service, workloads: &[&'a Workload]) -> Vec<&'a Workload> {
    let Some(selector) = &service.selector else { return Vec::new() };
    workloads
        .iter()
        .copied()
        .filter(|workload| workload.namespace == service.namespace && selector.matches(&workload.pod_labels))
        .collect()
}

fn rules_to<'a>(ingress: &'a Ingress, service: &Service) -> impl Iterator<Item = &'a IngressRule> {
    let here = ingress.namespace == service.namespace;
    let name = service.name.clone();
    ingress.rules.iter().filter(move |rule| here && rule.service == name)
}

/// The endpoints of a Service over all its slices; `None` when they are not
/// known.
fn endpoints(cluster: &ClusterWorld, service: &Service) -> Option<Endpoints> {
    let here = || cluster.feed(Kind::EndpointSlice).within(std::slice::from_ref(&service.namespace));
    if &*service.service_type == "ExternalName" || here() != Feed::Live {
        return None;
    }
    let mut sum = Endpoints::default();
    for (_, slice) in cluster.endpoint_slices.iter() {
        if slice.namespace == service.namespace && slice.service == service.name {
            sum.ready += slice.ready;
            sum.unready += slice.unready;
            sum.terminating += slice.terminating;
        }
    }
    Some(sum)
}

fn judge(service: &Service, endpoints: Option<Endpoints>, selected: &[&Workload]) -> (Level, &'static str) {
    let Some(endpoints) = endpoints else {
        return match &*service.service_type {
            "ExternalName" => (Level::Ok, ""),
            _ => (Level::Unknown, "endpoints are not known"),
        };
    };
    if endpoints.ready == 0 {
        return match selected.iter().all(|workload| workload.desired == 0) {
            true => (Level::Idle, "scaled to zero"),
            false => (Level::Critical, "no endpoint is ready"),
        };
    }
    match endpoints.unready.saturating_sub(endpoints.terminating) {
        0 => (Level::Ok, ""),
        _ => (Level::Warning, "some endpoints are not ready"),
    }
}

/// The ports of a Service as kubectl writes them: `80/TCP`, `443:30443/TCP`.
pub fn ports_words(ports: &[ServicePort]) -> String {
    let words: Vec<String> = ports
        .iter()
        .map(|port| match port.node_port {
            0 => format!("{}/{}", port.port, port.protocol),
            node => format!("{}:{node}/{}", port.port, port.protocol),
        })
        .collect();
    words.join(",")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::id::ClusterId;
    use crate::domain::network::EndpointSlice;
    use crate::domain::selector::Selector;
    use crate::domain::time::Stamp;
    use crate::fleet::testing::{deployment, labels, put_workloads, send, uid, world};
    use crate::msg::{ClusterMsg, Delta, Facts};

    const ID: ClusterId = ClusterId(0);

    fn service(name: &str, selector: Option<&str>, kind: &str) -> Service {
        Service {
            uid: uid(&format!("svc {name}")),
            namespace: "prod".into(),
            name: name.into(),
            labels: labels(&[]),
            selector: selector.map(|text| Selector::parse(text).unwrap()),
            service_type: kind.into(),
            cluster_ip: "10.0.0.1".into(),
            external: Arc::from([]),
            ports: Arc::from([
                ServicePort {
                    name: "http".into(),
                    port: 80,
                    node_port: 0,
                    target: "8080".into(),
                    protocol: "TCP".into(),
                },
                ServicePort {
                    name: "tls".into(),
                    port: 443,
                    node_port: 30443,
                    target: "8443".into(),
                    protocol: "TCP".into(),
                },
            ]),
            of_rollouts: false,
            created: Stamp(0),
        }
    }

    fn slice(name: &str, service: &str, ready: u32, unready: u32, terminating: u32) -> EndpointSlice {
        EndpointSlice {
            uid: uid(name),
            namespace: "prod".into(),
            service: service.into(),
            ready,
            unready,
            terminating,
            targets: Arc::from([]),
        }
    }

    fn routes(desired: u32, slices: Vec<EndpointSlice>, feed: Feed) -> Vec<Route> {
        let mut world = world(&[("gke", &["prod"])]);
        let cart = deployment("prod", "cart", "cart:1", desired);
        let references = vec![ObjectRef {
            cluster: ID,
            kind: Kind::Deployment,
            namespace: "prod".into(),
            name: "cart".into(),
            uid: cart.uid,
        }];
        put_workloads(&mut world, ID, Kind::Deployment, vec![cart, deployment("prod", "media", "m:1", 1)]);
        let services = vec![
            service("cart", Some("app=cart"), "ClusterIP"),
            service("media", Some("app=media"), "ClusterIP"),
            service("manual", None, "ClusterIP"),
        ];
        send(
            &mut world,
            ID,
            ClusterMsg::Facts(Facts::Services(services.into_iter().map(Delta::Put).collect())),
        );
        let rule = |host: &str, path: &str, service: &str| IngressRule {
            host: host.into(),
            path: path.into(),
            service: service.into(),
            port: "http".into(),
        };
        let ingress = Ingress {
            uid: uid("ing"),
            namespace: "prod".into(),
            name: "web".into(),
            class: "nginx".into(),
            rules: Arc::from([
                rule("shop.example", "/cart", "cart"),
                rule("shop.example", "/media", "media"),
                rule("", "/", "cart"),
            ]),
            tls_hosts: Arc::from(["shop.example".into()]),
            addresses: Arc::from([]),
            created: Stamp(0),
        };
        send(&mut world, ID, ClusterMsg::Facts(Facts::Ingresses(vec![Delta::Put(ingress)])));
        let slices = slices.into_iter().map(Delta::Put).collect();
        send(&mut world, ID, ClusterMsg::Facts(Facts::EndpointSlices(slices)));
        send(&mut world, ID, ClusterMsg::Feed(Kind::EndpointSlice, feed));
        network(&world, &references)
    }

    #[test]
    fn an_app_is_reached_by_its_services_and_their_ingresses() {
        let slices =
            vec![slice("a", "cart", 2, 0, 0), slice("b", "cart", 1, 0, 0), slice("c", "media", 0, 9, 0)];
        let routes = routes(3, slices, Feed::Live);
        let told: Vec<String> = routes
            .iter()
            .map(|r| {
                let tls = if r.tls { "https " } else { "" };
                let ready = r.endpoints.map(Endpoints::words).unwrap_or_default();
                format!("{} {} {tls}{}{} {} {ready}", r.object.name, r.route_type, r.host, r.path, r.ports)
            })
            .collect();
        assert_eq!(
            told,
            [
                "web nginx */ cart:http 3/3",
                "web nginx https shop.example/cart cart:http 3/3",
                "cart ClusterIP  80/TCP,443:30443/TCP 3/3",
            ]
        );
        assert!(routes.iter().all(|r| r.level == Level::Ok && r.workloads == ["cart".into()]));
    }

    #[test]
    fn levels_follow_the_endpoints() {
        for (desired, slices, feed, level, reason) in [
            (3, vec![], Feed::Live, Level::Critical, "no endpoint is ready"),
            (0, vec![], Feed::Live, Level::Idle, "scaled to zero"),
            (3, vec![slice("a", "cart", 0, 3, 0)], Feed::Live, Level::Critical, "no endpoint is ready"),
            (
                3,
                vec![slice("a", "cart", 2, 1, 0)],
                Feed::Live,
                Level::Warning,
                "some endpoints are not ready",
            ),
            (3, vec![slice("a", "cart", 3, 1, 1)], Feed::Live, Level::Ok, ""),
            (3, vec![], Feed::Forbidden("no".into()), Level::Unknown, "endpoints are not known"),
        ] {
            let routes = routes(desired, slices, feed);
            let service = routes.last().unwrap();
            assert_eq!((service.level, service.reason), (level, reason));
        }
    }
}
