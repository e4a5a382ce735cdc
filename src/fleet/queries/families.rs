//! Families of series that apps, frameworks, meshes and ingress controllers count their requests in.

use std::sync::Arc;

use super::target::pod_label;
use super::{Place, Signal};
use crate::domain::graph::Survey;
use crate::domain::id::Name;

/// A family that the configuration names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Family {
    /// The counter of requests; `None` when the latency's histogram counts them.
    pub requests: Option<Name>,
    /// The histogram of latencies, without `_bucket`.
    pub latency: Option<Name>,
    /// The label with the status code; `None` looks for the usual ones.
    pub status: Option<Name>,
    /// The label with the app's or workload's name; `None` goes by the pod.
    pub app: Option<Name>,
}

impl Family {
    /// As the configuration names it.
    pub(in crate::fleet) fn of(written: &crate::config::Family) -> Family {
        let name = |text: &Option<String>| text.as_deref().map(Name::from);
        Family {
            requests: name(&written.requests),
            latency: name(&written.latency),
            status: name(&written.status),
            app: name(&written.app),
        }
    }
}

/// Counter, histogram. The first that a Prometheus has is asked first: what an app says of itself before what others say.
const KNOWN: [(&str, &str); 14] = [
    ("app_requests_total", "app_request_latency_seconds"),
    ("http_requests_total", "http_request_duration_seconds"),
    ("http_server_requests_total", "http_server_request_duration_seconds"),
    ("", "http_server_request_duration_seconds"),
    ("", "http_server_requests_seconds"),
    ("", "http_request_duration_seconds"),
    ("", "http_server_duration_milliseconds"),
    ("http_server_requests_seconds_count", "http_server_requests_seconds"),
    ("request_count_total", "request_duration_seconds"),
    ("", "request_duration_seconds"),
    ("starlette_requests_total", "starlette_request_duration_seconds"),
    ("flask_http_request_total", "flask_http_request_duration_seconds"),
    ("istio_requests_total", "istio_request_duration_milliseconds"),
    ("nginx_ingress_controller_requests", "nginx_ingress_controller_request_duration_seconds"),
];

/// What is asked for besides: the kubelet's and kube-state-metrics' families that the library uses.
const PLATFORM: [&str; 25] = [
    "container_cpu_usage_seconds_total",
    "container_memory_working_set_bytes",
    "container_network_receive_bytes_total",
    "container_network_transmit_bytes_total",
    "kube_daemonset_status_desired_number_scheduled",
    "kube_daemonset_status_number_available",
    "kube_deployment_spec_replicas",
    "kube_deployment_status_replicas_available",
    "kube_horizontalpodautoscaler_spec_max_replicas",
    "kube_horizontalpodautoscaler_spec_min_replicas",
    "kube_horizontalpodautoscaler_status_current_replicas",
    "kube_horizontalpodautoscaler_status_desired_replicas",
    "kube_node_status_allocatable",
    "kube_pod_container_resource_limits",
    "kube_pod_container_resource_requests",
    "kube_pod_container_status_restarts_total",
    "kube_pod_info",
    "kube_pod_status_phase",
    "kube_replicaset_spec_replicas",
    "kube_replicaset_status_ready_replicas",
    "kube_statefulset_replicas",
    "kube_statefulset_status_replicas_ready",
    "rollout_info_replicas_available",
    "rollout_info_replicas_desired",
    "up",
];

/// More families are not asked for one after the other: a query has to stay readable.
pub(super) const MOST: usize = 5;

/// How families begin that something in front of the apps counts: the pod in their labels is its own, or one of two ends.
const FRONTS: [&str; 2] = ["nginx_ingress_controller_", "istio_"];

/// Whether a family is counted in front of the apps.
pub(super) fn is_front(name: &str) -> bool {
    FRONTS.iter().any(|prefix| name.starts_with(prefix))
}

/// A condition for the series of a family that count what an app was asked: a mesh counts each request at both ends, and what
/// an app asks of others is not its own.
pub(super) fn asked_of(name: &str) -> &'static str {
    if name.starts_with("istio_") { "reporter!=\"source\"" } else { "" }
}

/// Labels besides the pod's by which series are a workload's own.
const OWN: [&str; 3] = ["workload", "destination_workload", "deployment"];

/// Labels that hold a status code.
const STATUS: [&str; 6] =
    ["status", "code", "status_code", "http_status", "http_response_status_code", "response_code"];

/// A family as a Prometheus has it.
pub(super) struct Found<'a> {
    /// The name to select.
    pub(super) name: String,
    /// It holds native histograms.
    pub(super) native: bool,
    /// It counts milliseconds.
    pub(super) milliseconds: bool,
    own: Option<&'a Family>,
    survey: &'a Survey,
}

impl Found<'_> {
    /// The labels with the status code: the configuration's, else all known ones that some series has, for two jobs may
    /// call it differently.
    pub(super) fn status(&self) -> Vec<&str> {
        let own = self.own.and_then(|family| family.status.as_deref());
        let labels = self.survey.labels(&self.name).unwrap_or_default();
        let known = |name: &&str| labels.iter().any(|label| **label == **name);
        own.map_or_else(|| STATUS.into_iter().filter(known).collect(), |own| vec![own])
    }

    /// Whether its series are told apart by pod, workload, or the app's label that the configuration names.
    pub(super) fn tells_apart(&self) -> bool {
        let labels = self.survey.labels(&self.name).unwrap_or_default();
        self.app().is_some()
            || !is_front(&self.name) && pod_label(Some(labels)).is_some()
            || labels.iter().any(|label| OWN.contains(&&**label))
    }

    /// Whether the configuration names it.
    pub(super) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// The label with the app's name, where the configuration names one.
    pub(super) fn app(&self) -> Option<&str> {
        self.own?.app.as_deref()
    }
}

/// The families of a signal in what the Prometheus of a place has, the one to ask first first: the configuration's before
/// the known ones. None while it is not known what it has.
pub(super) fn find<'a>(place: &Place<'a>, signal: Signal) -> Vec<Found<'a>> {
    let Some(survey) = place.survey else { return Vec::new() };
    let own = place.own.iter().map(|family| {
        let name = |name: &'a Option<Name>| name.as_deref().unwrap_or_default();
        (name(&family.requests), name(&family.latency), Some(family))
    });
    let known = KNOWN.into_iter().map(|(requests, latency)| (requests, latency, None));
    let found = own.chain(known).flat_map(|(requests, latency, own)| {
        let names = match signal {
            Signal::Latency => histograms(survey, latency, "_bucket"),
            _ if requests.is_empty() => histograms(survey, latency, "_count"),
            _ if survey.has(requests) => vec![(requests.to_owned(), false)],
            _ => Vec::new(),
        };
        let milliseconds = latency.ends_with("_milliseconds");
        names.into_iter().map(move |(name, native)| Found { milliseconds, name, native, own, survey })
    });
    let mut families: Vec<Found<'a>> = Vec::new();
    for family in found {
        if families.len() < MOST && families.iter().all(|known| known.name != family.name) {
            families.push(family);
        }
    }
    families
}

/// A classic histogram by one of its series, and a native one by its own name. Jobs may expose the one or the other, and a
/// target both. (A summary has its own name too, but quantiles among its labels, and a count without buckets.)
fn histograms(survey: &Survey, base: &str, part: &str) -> Vec<(String, bool)> {
    let has = |part: &str| !base.is_empty() && survey.has(&format!("{base}{part}"));
    let classic = format!("{base}{part}");
    let is_summary =
        || survey.labels(base).is_some_and(|labels| labels.iter().any(|label| &**label == "quantile"));
    let mut found = Vec::new();
    if has("_bucket") && has(part) {
        found.push((classic, false));
    }
    if has("") && (!has("_count") || has("_bucket")) && !is_summary() {
        found.push((base.to_owned(), true));
    }
    found
}

/// All names that a survey looks for, sorted.
pub(super) fn names(own: &[Family]) -> Arc<[Name]> {
    let mut names: Vec<Name> = PLATFORM.iter().map(|name| Name::from(*name)).collect();
    let mut family = |requests: &str, latency: &str| {
        if !requests.is_empty() {
            names.push(requests.into());
        }
        if !latency.is_empty() {
            names.extend(["", "_bucket", "_count"].map(|part| Name::from(format!("{latency}{part}"))));
        }
    };
    for (requests, latency) in KNOWN {
        family(requests, latency);
    }
    for Family { requests, latency, .. } in own {
        family(requests.as_deref().unwrap_or_default(), latency.as_deref().unwrap_or_default());
    }
    names.sort_unstable();
    names.dedup();
    names.into()
}
