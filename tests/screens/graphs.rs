//! The Prometheus of the hand-made platform: what it has, and graphs that tell of the crashing cart. Whatever the
//! screen asks for is answered, as it would be by the runtime.

use std::collections::HashSet;
use std::sync::Arc;

use pilothouse::domain::graph::{Graph, GraphProblem, GraphRequest, GraphSeries, Survey};
use pilothouse::domain::id::Name;
use pilothouse::domain::time::Stamp;
use pilothouse::effect::Follow;
use pilothouse::msg::Msg;
use pilothouse::state::State;
use pilothouse::update::{follows, settle, update};

use super::stage::NOW;

/// When the new release of cart came.
const INCIDENT: i64 = 360;

/// Answers all that the screen asks for, until it asks for nothing more; with `silent`, the server told that a minute
/// ago and does not answer since.
pub fn answer(state: &mut State, silent: bool) {
    let mut answered: HashSet<Follow> = HashSet::new();
    loop {
        settle(state);
        let wanted: Vec<Follow> =
            follows(state).into_iter().filter(|follow| !answered.contains(follow)).collect();
        let mut news = false;
        for follow in wanted {
            if !answered.insert(follow.clone()) {
                continue;
            }
            match follow {
                Follow::Survey(request) => {
                    news = true;
                    update(state, Msg::Survey(request, Ok(survey())), NOW);
                }
                Follow::Graph(request) => {
                    news = true;
                    let at = if silent { NOW.wall.plus(-72) } else { NOW.wall };
                    let graph = Box::new(graph(&request, at));
                    update(state, Msg::Graph(Arc::clone(&request), at, Ok(graph)), NOW);
                    if silent {
                        let words = "nothing listens there".to_owned();
                        let problem = GraphProblem { words, position: None, lasting: false };
                        update(state, Msg::Graph(request, NOW.wall, Err(problem)), NOW);
                    }
                }
                // Told by their own file.
                Follow::Alerts(_) => {}
            }
        }
        if !news {
            return;
        }
    }
}

/// The families that the library looks for, with their labels.
fn survey() -> Survey {
    let pods: &[&str] = &["container", "namespace", "node", "pod"];
    let mut families: Vec<(Name, Arc<[Name]>)> = [
        ("app_requests_total", &["app", "code", "namespace", "pod"] as &[&str]),
        ("app_request_latency_seconds_bucket", &["app", "le", "namespace", "pod"]),
        ("container_cpu_usage_seconds_total", pods),
        ("container_memory_working_set_bytes", pods),
        ("container_network_receive_bytes_total", pods),
        ("container_network_transmit_bytes_total", pods),
        ("kube_deployment_spec_replicas", &["deployment", "namespace"]),
        ("kube_deployment_status_replicas_available", &["deployment", "namespace"]),
        ("kube_node_status_allocatable", &["node", "resource"]),
        ("kube_pod_container_resource_limits", pods),
        ("kube_pod_container_resource_requests", pods),
        ("kube_pod_container_status_restarts_total", &["container", "namespace", "pod"]),
        ("kube_pod_info", &["namespace", "node", "pod"]),
        ("up", &["job"]),
    ]
    .into_iter()
    .map(|(name, labels)| (name.into(), labels.iter().map(|label| Name::from(*label)).collect()))
    .collect();
    families.sort();
    Survey { families, interval: Some(15) }
}

fn graph(request: &GraphRequest, now: Stamp) -> Graph {
    let step = i64::from(request.step);
    let end = now.0.div_euclid(step) * step;
    let count = i64::from(request.range) / step;
    let query = &*request.query;
    // Lines of pods where they are told apart, else one.
    let lines: &[&str] = if query.starts_with("sum by (pod)") {
        &["cart-7d9c-00001", "cart-7d9c-00002", "cart-7d9c-00003"]
    } else {
        &[""]
    };
    let series = lines.iter().enumerate().map(|(nth, pod)| GraphSeries {
        labels: if pod.is_empty() { Vec::new() } else { vec![("pod".into(), Name::from(*pod))] },
        metric: Name::default(),
        points: (0..=count)
            .map(|at| value(query, end - (count - at) * step - (NOW.wall.0 - INCIDENT), nth))
            .collect(),
    });
    Graph {
        series: series.collect(),
        start: Stamp(end - count * step),
        step: request.step,
        asked_at: Some(now),
        answered_at: Some(now),
        ..Graph::default()
    }
}

/// The value so many seconds after the incident began; of pods that are not there yet none.
fn value(query: &str, since: i64, nth: usize) -> Option<f64> {
    let after = since.max(0) as f64 / INCIDENT as f64;
    let has = |part: &str| query.contains(part);
    let quantile = [
        ("histogram_quantile(0.99", 0.12, 0.78),
        ("histogram_quantile(0.9,", 0.06, 0.3),
        ("histogram_quantile(0.5", 0.02, 0.04),
    ];
    if let Some((_, calm, more)) = quantile.into_iter().find(|(part, ..)| has(part)) {
        return Some(calm + more * after);
    }
    let pod = |value: f64| (since >= 0).then_some(value);
    match () {
        () if has("\"5..\"") => Some(0.001 + 0.09 * after),
        () if has("app_requests_total") => Some(412.0 - 150.0 * after),
        () if has("resource_limits") && has("memory") => Some(f64::from(128 << 20)),
        () if has("resource_requests") && has("memory") => Some(f64::from(64 << 20)),
        () if has("resource_limits") => Some(0.5),
        () if has("resource_requests") => Some(0.1),
        () if has("allocatable") && has("memory") => Some((16_u64 << 30) as f64),
        () if has("allocatable") => Some(4.0),
        // It grows until it is killed, once in two minutes.
        () if has("memory_working_set") => {
            pod(f64::from(30 << 20) + ((since + 40 * nth as i64) % 120) as f64 / 120.0 * f64::from(98 << 20))
        }
        () if has("cpu_usage") => pod(0.08 + 0.03 * nth as f64 + 0.1 * after),
        () if has("restarts_total") => pod(2.0),
        () if has("receive_bytes") => Some(2.6e6),
        () if has("transmit_bytes") => Some(4.1e6),
        () if has("replicas_available") => Some(3.0 - 2.0 * after.ceil()),
        () => Some(3.0),
    }
}
