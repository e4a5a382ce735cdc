//! By what a Service is recognised as a Prometheus or an Alertmanager: the labels and names that the charts,
//! operators and manifests in common use give theirs.

use crate::domain::network::{Service, ServicePort};
use crate::domain::upstream::Server;

/// One way to recognise a server.
pub(super) struct Sign {
    /// Better ones are lower.
    pub(super) rank: u8,
    /// What was recognised, for sentences: "found by ...".
    pub(super) by: &'static str,
    /// Its usual port.
    pub(super) number: u16,
    /// Before the paths of its API.
    pub(super) prefix: &'static str,
    holds: fn(&Service) -> bool,
}

const NAME: &str = "app.kubernetes.io/name";
const COMPONENT: &str = "app.kubernetes.io/component";

fn is(service: &Service, label: &str, values: &[&str]) -> bool {
    service.labels.get(label).is_some_and(|value| values.contains(&&**value))
}

/// Services of helpers carry their master's name too.
fn is_helper(service: &Service) -> bool {
    const HELPERS: [&str; 7] =
        ["sidecar", "exporter", "gateway", "operator", "adapter", "alertmanager", "discovery"];
    let component = service.labels.get(COMPONENT).or_else(|| service.labels.get("component"));
    let says = |text: &str| HELPERS.iter().any(|word| text.contains(word));
    component.is_some_and(|component| says(component)) || says(&service.name)
}

/// `prometheus`, `prometheus-server`, `prometheus-k8s`, `prometheus-main`, `something-prometheus`.
fn is_named(service: &Service, base: &str) -> bool {
    let name = &*service.name;
    let usual = ["", "-server", "-k8s", "-main", "-operated", "-service", "-svc", "-web"];
    name.ends_with(&format!("-{base}")) || name.strip_prefix(base).is_some_and(|rest| usual.contains(&rest))
}

/// Of Prometheus, the plainest first: it holds the series of this cluster and no other's.
const PROMETHEUS: [Sign; 10] = [
    Sign {
        rank: 0,
        by: "the label app.kubernetes.io/name=prometheus",
        number: 9090,
        prefix: "",
        holds: |s| is(s, NAME, &["prometheus"]) && !is_helper(s),
    },
    Sign {
        rank: 1,
        by: "the label app=kube-prometheus-stack-prometheus",
        number: 9090,
        prefix: "",
        holds: |s| is(s, "app", &["kube-prometheus-stack-prometheus", "prometheus-operator-prometheus"]),
    },
    Sign {
        rank: 2,
        by: "the labels app=prometheus, component=server",
        number: 9090,
        prefix: "",
        holds: |s| is(s, "app", &["prometheus"]) && is(s, "component", &["server"]),
    },
    Sign {
        rank: 3,
        by: "the label operated-prometheus of the Prometheus Operator",
        number: 9090,
        prefix: "",
        holds: |s| is(s, "operated-prometheus", &["true"]),
    },
    Sign {
        rank: 4,
        by: "the label of VictoriaMetrics (single)",
        number: 8428,
        prefix: "",
        holds: |s| is(s, NAME, &["vmsingle", "victoria-metrics-single"]) || is(s, "app", &["vmsingle"]),
    },
    Sign {
        rank: 5,
        by: "the label of VictoriaMetrics (vmselect)",
        number: 8481,
        prefix: "/select/0/prometheus",
        holds: |s| is(s, NAME, &["vmselect"]) || is(s, "app", &["vmselect"]),
    },
    Sign {
        rank: 6,
        by: "the label of Thanos Query",
        number: 9090,
        prefix: "",
        holds: |s| {
            is(s, NAME, &["thanos-query", "thanos-query-frontend"])
                || is(s, NAME, &["thanos"]) && is(s, COMPONENT, &["query", "query-frontend", "query-layer"])
        },
    },
    Sign {
        rank: 7,
        by: "the label of Mimir",
        number: 8080,
        prefix: "/prometheus",
        holds: |s| {
            is(s, NAME, &["mimir"]) && is(s, COMPONENT, &["gateway", "nginx", "query-frontend", "mimir"])
        },
    },
    Sign {
        rank: 8,
        by: "the label of Cortex",
        number: 8080,
        prefix: "/prometheus",
        holds: |s| is(s, NAME, &["cortex"]) && is(s, COMPONENT, &["nginx", "query-frontend"]),
    },
    Sign {
        rank: 9,
        by: "its name",
        number: 9090,
        prefix: "",
        holds: |s| is_named(s, "prometheus") && !is_helper(s),
    },
];

const ALERTMANAGER: [Sign; 4] = [
    Sign {
        rank: 0,
        by: "the label app.kubernetes.io/name=alertmanager",
        number: 9093,
        prefix: "",
        holds: |s| is(s, NAME, &["alertmanager", "vmalertmanager"]),
    },
    Sign {
        rank: 1,
        by: "the label app=kube-prometheus-stack-alertmanager",
        number: 9093,
        prefix: "",
        holds: |s| {
            is(s, "app", &["kube-prometheus-stack-alertmanager", "prometheus-operator-alertmanager"])
                || is(s, "app", &["prometheus"]) && is(s, "component", &["alertmanager"])
        },
    },
    Sign {
        rank: 2,
        by: "the label operated-alertmanager of the Prometheus Operator",
        number: 9093,
        prefix: "",
        holds: |s| is(s, "operated-alertmanager", &["true"]),
    },
    Sign { rank: 3, by: "its name", number: 9093, prefix: "", holds: |s| is_named(s, "alertmanager") },
];

/// The best sign that a Service bears.
pub(super) fn sign_of(server: Server, service: &Service) -> Option<&'static Sign> {
    if &*service.service_type == "ExternalName" || service.ports.iter().all(|port| &*port.protocol != "TCP") {
        return None;
    }
    let signs: &'static [Sign] = match server {
        Server::Prometheus => &PROMETHEUS,
        Server::Alertmanager => &ALERTMANAGER,
        // Its token would not pass the service proxy: it is used where it is configured.
        Server::Argocd => &[],
    };
    signs.iter().find(|sign| (sign.holds)(service))
}

/// The port of its API: the usual number, else a usual name, else the first that is not for something else.
pub(super) fn port_of<'a>(service: &'a Service, sign: &Sign) -> Option<&'a ServicePort> {
    const NAMES: [&str; 9] = [
        "web",
        "http-web",
        "http",
        "https",
        "http-metrics",
        "http-api",
        "prometheus",
        "alertmanager",
        "http-alertmanager",
    ];
    let tcp = || service.ports.iter().filter(|port| &*port.protocol == "TCP");
    tcp()
        .find(|port| port.port == sign.number)
        .or_else(|| NAMES.iter().find_map(|name| tcp().find(|port| &*port.name == *name)))
        .or_else(|| {
            tcp().find(|port| !["reloader", "grpc", "mesh"].iter().any(|word| port.name.contains(word)))
        })
}

/// Whether the API server has to speak TLS to a port.
pub(super) fn speaks_tls(name: &str, number: u16) -> bool {
    name == "https" || name.starts_with("https-") || matches!(number, 443 | 8443)
}
