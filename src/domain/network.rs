//! How traffic reaches pods: Services, Ingresses and the endpoints behind them.

use std::sync::Arc;

use super::id::{Name, Uid};
use super::meta::Labels;
use super::selector::Selector;
use super::time::Stamp;

/// core/v1 Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// `metadata.uid`
    pub uid: Uid,
    /// `metadata.namespace`
    pub namespace: Name,
    /// `metadata.name`
    pub name: Name,
    /// `metadata.labels`
    pub labels: Labels,
    /// `spec.selector`; `None` when empty (endpoints are kept by hand).
    pub selector: Option<Selector>,
    /// `spec.type`: `ClusterIP`, `NodePort`, `LoadBalancer`, `ExternalName`.
    pub service_type: Name,
    /// `spec.clusterIP`; `None` as text for headless services.
    pub cluster_ip: Name,
    /// Host names and addresses of the load balancer, or `spec.externalName`.
    pub external: Arc<[Name]>,
    /// Ports as `port[:nodePort]/PROTOCOL`, in order, with the port's name.
    pub ports: Arc<[ServicePort]>,
    /// Argo Rollouts writes its selector ([`super::traffic::MANAGED_BY_ROLLOUTS`]).
    pub of_rollouts: bool,
    /// `metadata.creationTimestamp`
    pub created: Stamp,
}

/// An entry of `spec.ports`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePort {
    /// May be empty.
    pub name: Name,
    /// The Service's port.
    pub port: u16,
    /// 0 when there is none.
    pub node_port: u16,
    /// `targetPort` as written.
    pub target: Name,
    /// `TCP`, `UDP`, `SCTP`.
    pub protocol: Name,
}

/// networking.k8s.io/v1 Ingress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ingress {
    /// `metadata.uid`
    pub uid: Uid,
    /// `metadata.namespace`
    pub namespace: Name,
    /// `metadata.name`
    pub name: Name,
    /// `spec.ingressClassName`
    pub class: Name,
    /// Every rule's path; a default backend has an empty host and path.
    pub rules: Arc<[IngressRule]>,
    /// Hosts named under `spec.tls`.
    pub tls_hosts: Arc<[Name]>,
    /// `status.loadBalancer` addresses.
    pub addresses: Arc<[Name]>,
    /// `metadata.creationTimestamp`
    pub created: Stamp,
}

/// One host and path of an Ingress and the Service behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngressRule {
    /// Empty means every host.
    pub host: Name,
    /// Empty means every path.
    pub path: Name,
    /// Name of the Service.
    pub service: Name,
    /// Its port, number or name.
    pub port: Name,
}

/// discovery.k8s.io/v1 EndpointSlice, as counts and by pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointSlice {
    /// `metadata.uid`
    pub uid: Uid,
    /// `metadata.namespace`
    pub namespace: Name,
    /// The Service it belongs to (label `kubernetes.io/service-name`).
    pub service: Name,
    /// Endpoints with `conditions.ready` true or absent.
    pub ready: u32,
    /// Endpoints that are not ready.
    pub unready: u32,
    /// Endpoints with `conditions.terminating`.
    pub terminating: u32,
    /// Those that are pods.
    pub targets: Arc<[Target]>,
}

/// An endpoint that is a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// `targetRef.uid`
    pub pod: Uid,
    /// `conditions.ready`, true when absent.
    pub ready: bool,
    /// `conditions.serving`, true when absent: it answers, though it may be on its way out.
    pub serving: bool,
    /// `conditions.terminating`
    pub terminating: bool,
}
