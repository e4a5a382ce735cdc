//! core/v1 Service, networking.k8s.io/v1 Ingress, discovery.k8s.io/v1 EndpointSlice.

use std::sync::Arc;

use serde::Deserialize;

use super::lenient::{Fields, Flag, Int, List, Maybe, Pairs, Text};
use super::meta::Meta;
use super::{Misfit, Wire, identity, name, resource};
use crate::domain::id::{Kind, Name, Uid};
use crate::domain::meta::Interner;
use crate::domain::network::{EndpointSlice, Ingress, IngressRule, Service, ServicePort, Target};
use crate::domain::selector::Selector;
use crate::msg::{Delta, Facts};

/// A Service as it comes from the wire.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WireService {
    metadata: Meta,
    spec: Fields<ServiceSpec>,
    status: Fields<Balanced>,
}
resource!(WireService, Kind::Service);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ServiceSpec {
    selector: Pairs<Text>,
    #[serde(rename = "type")]
    service_type: Text,
    #[serde(rename = "clusterIP")]
    cluster_ip: Text,
    external_name: Text,
    #[serde(rename = "externalIPs")]
    external_ips: List<Text>,
    ports: List<Fields<Port>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Port {
    name: Text,
    port: Int,
    node_port: Int,
    target_port: Text,
    protocol: Text,
}

/// The status of whatever stands behind a load balancer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Balanced {
    load_balancer: Fields<LoadBalancer>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct LoadBalancer {
    ingress: List<Fields<Entrance>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Entrance {
    ip: Text,
    hostname: Text,
}

impl Balanced {
    fn addresses<'a>(&'a self) -> impl Iterator<Item = &'a str> + 'a {
        self.load_balancer.ingress.iter().map(|entrance| match entrance.hostname.is_empty() {
            true => entrance.ip.as_str(),
            false => entrance.hostname.as_str(),
        })
    }
}

fn names<'a>(texts: impl Iterator<Item = &'a str>, interner: &mut Interner) -> Arc<[Name]> {
    texts.filter(|text| !text.is_empty()).map(|text| name(interner, text)).collect()
}

fn port_number(port: Int) -> u16 {
    u16::try_from(port.0).unwrap_or(0)
}

impl Wire for WireService {
    const KIND: Kind = Kind::Service;
    type Row = Service;

    fn slim_meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, interner: &mut Interner) -> Result<Service, Misfit> {
        let (meta, spec) = (&self.metadata, &self.spec);
        let pairs = spec.selector.0.iter().map(|(key, value)| (name(interner, key), name(interner, value)));
        let pairs: Vec<_> = pairs.collect();
        let external = std::iter::once(spec.external_name.as_str())
            .chain(spec.external_ips.iter().map(Text::as_str))
            .chain(self.status.addresses());
        let ports = spec.ports.iter().map(|port| ServicePort {
            name: name(interner, &port.name),
            port: port_number(port.port),
            node_port: port_number(port.node_port),
            target: name(interner, &port.target_port),
            protocol: name(interner, if port.protocol.is_empty() { "TCP" } else { &port.protocol }),
        });
        let ports = ports.collect();
        Ok(Service {
            uid: identity(Kind::Service, meta)?,
            namespace: meta.namespace(interner),
            name: name(interner, &meta.name),
            labels: meta.labels(interner),
            selector: (!pairs.is_empty()).then(|| Selector::equal(pairs)),
            service_type: name(interner, &spec.service_type),
            cluster_ip: name(interner, &spec.cluster_ip),
            external: names(external, interner),
            ports,
            of_rollouts: meta.is_of_rollouts(),
            created: meta.created,
        })
    }

    fn facts(deltas: Vec<Delta<Service>>) -> Facts {
        Facts::Services(deltas)
    }
}

/// An Ingress as it comes from the wire.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WireIngress {
    metadata: Meta,
    spec: Fields<IngressSpec>,
    status: Fields<Balanced>,
}
resource!(WireIngress, Kind::Ingress);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct IngressSpec {
    ingress_class_name: Text,
    default_backend: Maybe<Backend>,
    rules: List<Fields<Rule>>,
    tls: List<Fields<Tls>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Rule {
    host: Text,
    http: Fields<Http>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Http {
    paths: List<Fields<Path>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Path {
    path: Text,
    backend: Fields<Backend>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Backend {
    service: Fields<BackendService>,
    resource: Fields<BackendResource>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct BackendService {
    name: Text,
    port: Fields<BackendPort>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct BackendPort {
    name: Text,
    number: Int,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct BackendResource {
    kind: Text,
    name: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Tls {
    hosts: List<Text>,
}

fn rule(host: &str, path: &str, backend: &Backend, interner: &mut Interner) -> IngressRule {
    let service = &backend.service;
    let behind = match service.name.is_empty() {
        // Something else than a Service stands behind it (a bucket, say).
        true if !backend.resource.name.is_empty() => {
            format!("{}/{}", &*backend.resource.kind, &*backend.resource.name)
        }
        _ => service.name.0.clone(),
    };
    let port = match (service.port.name.is_empty(), service.port.number.0) {
        (false, _) => service.port.name.0.clone(),
        (true, 0) => String::new(),
        (true, number) => number.to_string(),
    };
    IngressRule {
        host: name(interner, host),
        path: name(interner, path),
        service: name(interner, &behind),
        port: name(interner, &port),
    }
}

impl Wire for WireIngress {
    const KIND: Kind = Kind::Ingress;
    type Row = Ingress;

    fn slim_meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, interner: &mut Interner) -> Result<Ingress, Misfit> {
        let (meta, spec) = (&self.metadata, &self.spec);
        let mut rules = Vec::new();
        if let Some(backend) = spec.default_backend.as_ref() {
            rules.push(rule("", "", backend, interner));
        }
        for host in spec.rules.iter() {
            for path in host.http.paths.iter() {
                rules.push(rule(&host.host, &path.path, &path.backend, interner));
            }
        }
        let tls = spec.tls.iter().flat_map(|tls| tls.hosts.iter().map(Text::as_str));
        Ok(Ingress {
            uid: identity(Kind::Ingress, meta)?,
            namespace: meta.namespace(interner),
            name: name(interner, &meta.name),
            class: name(interner, &spec.ingress_class_name),
            rules: rules.into(),
            tls_hosts: names(tls, interner),
            addresses: names(self.status.addresses(), interner),
            created: meta.created,
        })
    }

    fn facts(deltas: Vec<Delta<Ingress>>) -> Facts {
        Facts::Ingresses(deltas)
    }
}

/// An EndpointSlice as it comes from the wire.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WireEndpointSlice {
    metadata: Meta,
    endpoints: List<Fields<Endpoint>>,
}
resource!(WireEndpointSlice, Kind::EndpointSlice);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Endpoint {
    conditions: Fields<EndpointConditions>,
    target_ref: Fields<TargetRef>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct TargetRef {
    kind: Text,
    uid: Text,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct EndpointConditions {
    ready: Flag,
    serving: Flag,
    terminating: Flag,
}

impl Wire for WireEndpointSlice {
    const KIND: Kind = Kind::EndpointSlice;
    type Row = EndpointSlice;

    fn slim_meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, interner: &mut Interner) -> Result<EndpointSlice, Misfit> {
        let meta = &self.metadata;
        let count = |wanted: &dyn Fn(&Endpoint) -> bool| {
            u32::try_from(self.endpoints.iter().filter(|endpoint| wanted(endpoint)).count())
                .unwrap_or(u32::MAX)
        };
        // Unknown readiness counts as ready, as the API says.
        let ready = |endpoint: &Endpoint| endpoint.conditions.ready.0 != Some(false);
        let pods = self.endpoints.iter().filter(|endpoint| {
            endpoint.target_ref.kind.as_str() == "Pod" && !endpoint.target_ref.uid.is_empty()
        });
        let targets = pods.map(|endpoint| Target {
            pod: Uid::parse(&endpoint.target_ref.uid),
            ready: ready(endpoint),
            serving: endpoint.conditions.serving.0 != Some(false),
            terminating: endpoint.conditions.terminating.is_true(),
        });
        Ok(EndpointSlice {
            uid: identity(Kind::EndpointSlice, meta)?,
            namespace: meta.namespace(interner),
            service: name(interner, meta.label("kubernetes.io/service-name").unwrap_or_default()),
            ready: count(&ready),
            unready: count(&|endpoint| !ready(endpoint)),
            terminating: count(&|endpoint| endpoint.conditions.terminating.is_true()),
            targets: targets.collect(),
        })
    }

    fn facts(deltas: Vec<Delta<EndpointSlice>>) -> Facts {
        Facts::EndpointSlices(deltas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::testing::row;
    use serde_json::json;

    #[test]
    fn a_service() {
        let row = row::<WireService>(json!({
            "metadata": {"name": "cart", "namespace": "shop", "uid": "1", "labels": {"app": "cart"}},
            "spec": {"type": "LoadBalancer", "clusterIP": "10.96.0.9", "selector": {"app": "cart", "colour": "green"},
                "ports": [{"name": "http", "port": 80, "targetPort": "web", "nodePort": 30080, "protocol": "TCP"}, {"port": 53, "targetPort": 5353}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}, {"hostname": "lb.example", "ip": "5.6.7.8"}]}},
        }));
        assert_eq!((&*row.service_type, &*row.cluster_ip), ("LoadBalancer", "10.96.0.9"));
        assert_eq!(row.selector.unwrap().0.len(), 2);
        assert_eq!(row.external.iter().map(|e| &**e).collect::<Vec<_>>(), ["1.2.3.4", "lb.example"]);
        assert_eq!((row.ports[0].port, row.ports[0].node_port, &*row.ports[0].target), (80, 30080, "web"));
        assert_eq!(
            (&*row.ports[1].target, &*row.ports[1].protocol, row.ports[1].node_port),
            ("5353", "TCP", 0)
        );
    }

    #[test]
    fn a_service_of_argo_rollouts_says_so() {
        let row = row::<WireService>(json!({
            "metadata": {"name": "cart", "uid": "1", "annotations": {"argo-rollouts.argoproj.io/managed-by-rollouts": "cart"}},
            "spec": {"selector": {"app": "cart"}}}));
        assert!(row.of_rollouts);
    }

    #[test]
    fn a_service_without_a_selector() {
        let row = row::<WireService>(json!({
            "metadata": {"name": "db", "uid": "1"}, "spec": {"type": "ExternalName", "externalName": "db.example", "selector": {}}}));
        assert_eq!(row.selector, None);
        assert_eq!(row.external.iter().map(|e| &**e).collect::<Vec<_>>(), ["db.example"]);
    }

    #[test]
    fn an_ingress() {
        let row = row::<WireIngress>(json!({
            "metadata": {"name": "shop", "namespace": "shop", "uid": "1"},
            "spec": {"ingressClassName": "nginx", "defaultBackend": {"service": {"name": "front", "port": {"name": "http"}}},
                "tls": [{"hosts": ["shop.example"]}],
                "rules": [{"host": "shop.example", "http": {"paths": [
                    {"path": "/cart", "pathType": "Prefix", "backend": {"service": {"name": "cart", "port": {"number": 80}}}},
                    {"path": "/static", "backend": {"resource": {"apiGroup": "x", "kind": "Bucket", "name": "files"}}}]}}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}},
        }));
        let rules: Vec<_> = row.rules.iter().map(|r| (&*r.host, &*r.path, &*r.service, &*r.port)).collect();
        assert_eq!(
            rules,
            [
                ("", "", "front", "http"),
                ("shop.example", "/cart", "cart", "80"),
                ("shop.example", "/static", "Bucket/files", "")
            ]
        );
        assert_eq!(
            (&*row.class, &*row.tls_hosts[0], &*row.addresses[0]),
            ("nginx", "shop.example", "1.2.3.4")
        );
    }

    #[test]
    fn endpoints_are_counted() {
        let row = row::<WireEndpointSlice>(json!({
            "metadata": {"name": "cart-x", "namespace": "shop", "uid": "1", "labels": {"kubernetes.io/service-name": "cart"}},
            "endpoints": [{"conditions": {"ready": true}, "targetRef": {"kind": "Pod", "uid": "p1"}}, {"conditions": {}}, {},
                {"conditions": {"ready": false, "terminating": true}}, {"conditions": {"ready": false}}],
        }));
        assert_eq!((&*row.service, row.ready, row.unready, row.terminating), ("cart", 3, 2, 1));
        let own = Target { pod: Uid::parse("p1"), ready: true, serving: true, terminating: false };
        assert_eq!(&*row.targets, [own]);
    }
}
