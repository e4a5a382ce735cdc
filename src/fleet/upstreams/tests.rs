//! Assignments, by tables of Services as charts and operators write them.

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::config::{Base, parse};
use crate::domain::id::Kind;
use crate::domain::network::ServicePort;
use crate::domain::selector::Selector;
use crate::domain::time::Stamp;
use crate::domain::upstream::Operated;
use crate::fleet::environments::environments;
use crate::fleet::testing::{labels, send, uid, world};
use crate::msg::{ClusterMsg, Delta, Facts};

fn service(at: &str, pairs: &[(&str, &str)], ports: &[(&str, u16)]) -> Service {
    let (namespace, name) = at.split_once('/').unwrap();
    let port = |(name, port): &(&str, u16)| ServicePort {
        name: (*name).into(),
        port: *port,
        node_port: 0,
        target: "".into(),
        protocol: "TCP".into(),
    };
    Service {
        uid: uid(at),
        namespace: namespace.into(),
        name: name.into(),
        labels: labels(pairs),
        selector: None,
        service_type: "ClusterIP".into(),
        cluster_ip: "10.0.0.1".into(),
        external: Arc::from([]),
        ports: ports.iter().map(port).collect(),
        of_rollouts: false,
        created: Stamp(0),
    }
}

fn with(services: Vec<Service>) -> World {
    let mut world = world(&[("k", &["shop-prod", "monitoring"])]);
    let deltas = services.into_iter().map(Delta::Put).collect();
    send(&mut world, ClusterId(0), ClusterMsg::Facts(Facts::Services(deltas)));
    send(&mut world, ClusterId(0), ClusterMsg::Feed(Kind::Service, Feed::Live));
    world
}

fn told(server: Server, world: &World, wanted: &Wanted) -> String {
    let all = environments(wanted, world);
    match assigned(server, &all.list[0], &all, wanted, world) {
        Ok(assigned) => {
            let how = match &assigned.how {
                How::Configured => "configured".to_owned(),
                How::Found { by, others } => format!("by {by}, not {others:?}"),
            };
            format!("{} {how}", assigned.upstream.address.words())
        }
        Err(missing) => format!("{} {}", missing.why, missing.mend),
    }
}

#[test]
fn servers_are_recognised_as_the_charts_write_them() {
    let name = "app.kubernetes.io/name";
    let component = "app.kubernetes.io/component";
    let cases: [(Service, &str); 10] = [
        (
            service(
                "monitoring/prometheus-k8s",
                &[(name, "prometheus"), (component, "prometheus")],
                &[("web", 9090), ("reloader-web", 8080)],
            ),
            "monitoring/prometheus-k8s:9090",
        ),
        (
            service(
                "monitoring/kps-prometheus",
                &[("app", "kube-prometheus-stack-prometheus")],
                &[("reloader-web", 8080), ("http-web", 9090)],
            ),
            "monitoring/kps-prometheus:9090",
        ),
        (
            service(
                "prom/prometheus-server",
                &[(name, "prometheus"), (component, "server")],
                &[("http", 80)],
            ),
            "prom/prometheus-server:80",
        ),
        (
            service("monitoring/prometheus-operated", &[("operated-prometheus", "true")], &[("web", 9090)]),
            "monitoring/prometheus-operated:9090",
        ),
        (service("vm/vmsingle-main", &[(name, "vmsingle")], &[("http", 8428)]), "vm/vmsingle-main:8428"),
        (
            service("vm/select", &[(name, "vmselect")], &[("http", 8481)]),
            "vm/select:8481/select/0/prometheus",
        ),
        (
            service(
                "thanos/thanos-query",
                &[(name, "thanos"), (component, "query")],
                &[("grpc", 10901), ("http", 9090)],
            ),
            "thanos/thanos-query:9090",
        ),
        (
            service("mimir/mimir-nginx", &[(name, "mimir"), (component, "nginx")], &[("http-metric", 80)]),
            "mimir/mimir-nginx:80/prometheus",
        ),
        (service("monitoring/prometheus", &[], &[("", 9090)]), "monitoring/prometheus:9090"),
        (
            service(
                "monitoring/kps-thanos-discovery",
                &[(name, "prometheus"), (component, "thanos-sidecar")],
                &[("grpc", 10901)],
            ),
            "No Service of k looks like Prometheus.",
        ),
    ];
    for (service, expected) in cases {
        let what = service.name.clone();
        let said = told(Server::Prometheus, &with(vec![service]), &Wanted::default());
        assert!(said.starts_with(expected), "{what}: {said}");
    }
    let alerts =
        service("m/alertmanager-main", &[(name, "alertmanager")], &[("web", 9093), ("reloader", 8080)]);
    let said = told(Server::Alertmanager, &with(vec![alerts]), &Wanted::default());
    assert!(said.starts_with("m/alertmanager-main:9093 by the label"), "{said}");
}

#[test]
fn the_best_of_several_is_taken_and_the_others_are_told() {
    let named = ("app.kubernetes.io/name", "prometheus");
    let mut operated =
        service("monitoring/prometheus-operated", &[("operated-prometheus", "true")], &[("web", 9090)]);
    operated.cluster_ip = "None".into();
    let plain = service("monitoring/prometheus-k8s", &[named], &[("web", 9090)]);
    let both = with(vec![operated.clone(), plain.clone()]);
    assert_eq!(
        told(Server::Prometheus, &both, &Wanted::default()),
        "monitoring/prometheus-k8s:9090 by the label app.kubernetes.io/name=prometheus, not [\"monitoring/prometheus-operated\"]"
    );
    // A team's own one, which stands in the environment, knows it best.
    let own = service("shop-prod/prometheus", &[], &[("web", 9090)]);
    let all = with(vec![operated, plain, own]);
    assert!(told(Server::Prometheus, &all, &Wanted::default()).starts_with("shop-prod/prometheus:9090"));
}

#[test]
fn what_is_written_goes_before_what_is_found() {
    let text = "stages:\n- name: production\n  environments:\n  - name: de\n    context: k\n    namespaces: [shop-prod]\n    prometheus:\n      url: https://metrics.example/prom/\n      tenant: shop\n      bearerTokenFile: token\n      matchers: {cluster: de}\n    alertmanager:\n      service: m/am:web\n  - name: eu\n    context: k\n    namespaces: [shop-eu]\n    prometheus:\n      matchers: {cluster: eu}\n    alertmanager:\n      url: [http://am-0/, http://am-1/am]\n      tenant: shop\n    argocd: {url: \"https://argo.example\", tokenFile: t, caFile: ca.pem, headers: {X-Team: shop, X-Key: {file: k}}}\n";
    let base = Base { folder: "/etc/ph".into(), home: None };
    let wanted = Wanted::of(&parse(Path::new("config.yaml"), text, &base).unwrap(), None);
    let world = with(vec![service("monitoring/prometheus", &[], &[("", 9090)])]);
    let all = environments(&wanted, &world);
    let of = |env: usize, server| assigned(server, &all.list[env], &all, &wanted, &world);

    let de = of(0, Server::Prometheus).unwrap();
    assert_eq!(de.upstream.address, Address::Url("https://metrics.example/prom".into()));
    assert_eq!(de.upstream.access.tenant.as_deref(), Some("shop"));
    assert_eq!(de.upstream.access.bearer_token_file.as_deref(), Some(Path::new("/etc/ph/token")));
    assert_eq!(de.matchers, [("cluster".into(), "de".into())]);
    let am = of(0, Server::Alertmanager).unwrap();
    assert_eq!(
        (am.upstream.address.words(), am.upstream.address.cluster()),
        ("m/am:web".into(), Some(ClusterId(0)))
    );
    assert!(of(0, Server::Argocd).unwrap_err().why.contains("No Argo CD API server is configured for de"));

    let eu = of(1, Server::Prometheus).unwrap();
    assert_eq!(
        (eu.upstream.address.words(), eu.matchers),
        ("monitoring/prometheus:9090".into(), vec![("cluster".into(), "eu".into())])
    );
    let members = of(1, Server::Alertmanager).unwrap().upstream.members();
    let urls: Vec<String> = members.iter().map(|one| one.address.words()).collect();
    assert_eq!(urls, ["http://am-0", "http://am-1/am"]);
    assert!(members.iter().all(|one| one.access.tenant.as_deref() == Some("shop")), "{members:?}");
    assert_eq!(am.upstream.members(), [(*am.upstream).clone()]);
    let argo = of(1, Server::Argocd).unwrap();
    assert_eq!(argo.upstream.address, Address::Url("https://argo.example".into()));
    let access = Access {
        headers: vec![
            ("X-Team".into(), Secret::Plain("shop".into())),
            ("X-Key".into(), Secret::File("/etc/ph/k".into())),
        ],
        bearer_token_file: Some("/etc/ph/t".into()),
        ca_file: Some("/etc/ph/ca.pem".into()),
        ..Access::default()
    };
    assert_eq!(argo.upstream.access, access);
}

#[test]
fn the_reason_for_none_is_told() {
    let none = with(vec![]);
    assert_eq!(
        told(Server::Prometheus, &none, &Wanted::default()),
        "No Service of k looks like Prometheus. Write prometheus.url or prometheus.service for production."
    );
    let mut refused = with(vec![]);
    send(&mut refused, ClusterId(0), ClusterMsg::Feed(Kind::Service, Feed::Forbidden("no".into())));
    assert!(
        told(Server::Alertmanager, &refused, &Wanted::default())
            .starts_with("The Services of k may not be read")
    );
    let mut away = with(vec![]);
    let link = Link::Unreachable { reason: "".into(), retry_at: std::time::Duration::ZERO, attempt: 1 };
    send(&mut away, ClusterId(0), ClusterMsg::Link(link));
    assert_eq!(told(Server::Prometheus, &away, &Wanted::default()), "k does not answer. ");
}

#[test]
fn assignments_are_kept_until_something_changes() {
    let mut world = with(vec![]);
    let wanted = Wanted::default();
    let all = environments(&wanted, &world);
    let mut kept = Upstreams::default();
    assert!(kept.of(Server::Prometheus, EnvId(0)).unwrap_err().pending);
    assert!(kept.refresh(&wanted, &all, &world));
    assert!(!kept.refresh(&wanted, &all, &world));
    assert!(!kept.of(Server::Prometheus, EnvId(0)).unwrap_err().pending);
    let put = Delta::Put(service("monitoring/prometheus", &[], &[("", 9090)]));
    send(&mut world, ClusterId(0), ClusterMsg::Facts(Facts::Services(vec![put])));
    assert!(kept.refresh(&wanted, &all, &world));
    assert!(kept.of(Server::Prometheus, EnvId(0)).is_ok());
    assert_eq!(kept.version(), 2);
}

/// An object of the Prometheus Operator with a prefix.
fn operated(kind: Kind, name: &str, prefix: &str) -> Delta<Operated> {
    Delta::Put(Operated {
        uid: uid(&format!("{} {name}", kind.word())),
        kind,
        namespace: "monitoring".into(),
        name: name.into(),
        port: "web".into(),
        prefix: prefix.into(),
        tls: false,
        local: false,
    })
}

#[test]
fn objects_of_the_operator_tell_the_prefix_and_the_service_that_leads_to_them() {
    let governing = || {
        let mut service =
            service("monitoring/prometheus-operated", &[("operated-prometheus", "true")], &[("web", 9090)]);
        service.cluster_ip = "None".into();
        let labels = [
            ("app.kubernetes.io/name", "prometheus"),
            ("app.kubernetes.io/managed-by", "prometheus-operator"),
        ];
        service.selector = Some(Selector::equal(labels.map(|(l, v)| (Name::from(l), Name::from(v)))));
        service
    };
    let own = |name: &str| {
        // As a chart writes it: named by the release, with another port beside.
        let mut service = service(
            &format!("monitoring/{name}-prom"),
            &[("app", "kube-prometheus-stack-prometheus")],
            &[("reloader-web", 8080), ("http-web", 9091)],
        );
        let mut ports = service.ports.to_vec();
        ports[1].target = "web".into();
        service.ports = ports.into();
        let label = ("operator.prometheus.io/name".into(), name.into());
        service.selector =
            Some(Selector::equal([("app.kubernetes.io/name".into(), "prometheus".into()), label]));
        service
    };
    let place = |services, objects: Vec<Delta<Operated>>| {
        let mut world = with(services);
        send(&mut world, ClusterId(0), ClusterMsg::Facts(Facts::Operated(Kind::Prometheus, objects)));
        told(Server::Prometheus, &world, &Wanted::default())
    };
    let k8s = || operated(Kind::Prometheus, "k8s", "/prom");
    assert_eq!(
        place(vec![governing()], vec![k8s()]),
        "monitoring/prometheus-operated:9090/prom by the Prometheus object monitoring/k8s of the Prometheus Operator, not []"
    );
    assert_eq!(
        place(vec![governing(), own("k8s")], vec![k8s()]),
        "monitoring/k8s-prom:9091/prom by the Prometheus object monitoring/k8s of the Prometheus Operator, not []",
        "one that has an address of its own, and the other way to the same pods is no other server"
    );
    // Two objects share the governing Service: only their own ones lead to each for certain.
    let two = || vec![k8s(), operated(Kind::Prometheus, "main", "")];
    assert_eq!(
        place(vec![governing(), own("k8s"), own("main")], two()),
        "monitoring/k8s-prom:9091/prom by the Prometheus object monitoring/k8s of the Prometheus Operator, not [\"monitoring/main-prom\"]"
    );
    assert!(
        place(vec![governing()], two())
            .starts_with("monitoring/prometheus-operated:9090 by the label operated"),
        "without a certain one it is judged by its label"
    );
    // What only its own pods reach, an Alertmanager's object, and an object without Services.
    let Delta::Put(local) = k8s() else { panic!("no object") };
    let local = Delta::Put(Operated { local: true, ..local });
    assert!(
        place(vec![governing()], vec![local]).starts_with("monitoring/prometheus-operated:9090 by the label")
    );
    assert!(place(vec![], vec![k8s()]).starts_with("No Service of k looks like Prometheus."));
    let mut world = with(vec![governing()]);
    let facts = Facts::Operated(Kind::Alertmanager, vec![operated(Kind::Alertmanager, "k8s", "/am")]);
    send(&mut world, ClusterId(0), ClusterMsg::Facts(facts));
    assert!(
        told(Server::Prometheus, &world, &Wanted::default()).contains("by the label operated-prometheus")
    );
}
