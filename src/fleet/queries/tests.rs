//! The library's queries, word for word, and that each of them stays within its environment.

use proptest::prelude::*;

use super::*;
use crate::domain::id::Kind;

fn survey(families: &[(&str, &[&str])]) -> Survey {
    let mut families: Vec<(Name, Arc<[Name]>)> = families
        .iter()
        .map(|(name, labels)| (Name::from(*name), labels.iter().map(|label| Name::from(*label)).collect()))
        .collect();
    families.sort();
    Survey { families, interval: Some(15) }
}

fn cart() -> Target {
    Target::Workloads(vec![Aim {
        kind: Kind::Deployment,
        namespace: "shop".into(),
        name: "cart".into(),
        autoscaler: None,
    }])
}

fn told(signal: Signal, target: &Target, survey: Option<&Survey>) -> Vec<String> {
    let (matchers, namespaces) = ([("cluster".into(), "eu".into())], ["shop".into()]);
    let place = Place { matchers: &matchers, namespaces: &namespaces, survey, own: &[] };
    match plan(signal, target, &place, 15) {
        Ok(plan) => plan.curves.iter().map(|curve| curve.query.to_string()).collect(),
        Err(why) => vec![why],
    }
}

#[test]
fn cpu_and_memory_stand_against_requests_and_limits() {
    assert_eq!(
        told(Signal::Cpu, &cart(), None),
        [
            r#"sum by (pod) (rate(container_cpu_usage_seconds_total{namespace="shop",pod=~"cart-[a-z0-9]+-[a-z0-9]{5}",container!="",cluster="eu"}[5m]))"#,
            r#"max(sum by (pod) (kube_pod_container_resource_requests{namespace="shop",pod=~"cart-[a-z0-9]+-[a-z0-9]{5}",resource="cpu",cluster="eu"}))"#,
            r#"max(sum by (pod) (kube_pod_container_resource_limits{namespace="shop",pod=~"cart-[a-z0-9]+-[a-z0-9]{5}",resource="cpu",cluster="eu"}))"#,
        ]
    );
    // Labels that were not honoured; requests that nobody exports.
    let known = survey(&[
        ("container_memory_working_set_bytes", &["namespace", "pod"]),
        ("kube_pod_container_resource_limits", &["exported_namespace", "exported_pod", "namespace", "pod"]),
    ]);
    assert_eq!(
        told(Signal::Memory, &Target::Pod { namespace: "shop".into(), name: "cart-1".into() }, Some(&known)),
        [
            r#"sum by (container) (container_memory_working_set_bytes{namespace="shop",pod="cart-1",container!="",cluster="eu"})"#,
            r#"sum(kube_pod_container_resource_limits{exported_namespace="shop",exported_pod="cart-1",resource="memory",cluster="eu"} or on () kube_pod_container_resource_limits{exported_pod="",exported_namespace="shop",pod="cart-1",resource="memory",cluster="eu"} or on () kube_pod_container_resource_limits{exported_namespace="",exported_pod="",namespace="shop",pod="cart-1",resource="memory",cluster="eu"})"#,
        ]
    );
    let nodes = survey(&[
        ("container_cpu_usage_seconds_total", &["instance"]),
        ("kube_node_status_allocatable", &["node"]),
    ]);
    assert_eq!(
        told(Signal::Cpu, &Target::Node("n1".into()), Some(&nodes)),
        [
            r#"sum by (instance) (rate(container_cpu_usage_seconds_total{instance=~"n1(:[0-9]+)?",container!="",cluster="eu"}[1m]))"#,
            r#"sum(kube_node_status_allocatable{node="n1",resource="cpu",cluster="eu"})"#,
        ]
    );
}

#[test]
fn requests_errors_and_latency_come_from_the_family_that_is_there() {
    let app = survey(&[
        ("app_requests_total", &["app", "code", "namespace", "pod"]),
        ("app_request_latency_seconds_bucket", &["le", "namespace", "pod"]),
    ]);
    let all = r#"sum(rate(app_requests_total{namespace="shop",cluster="eu"}[1m]))"#;
    let coded = r#"sum(rate(app_requests_total{namespace="shop",code!="",cluster="eu"}[1m]))"#;
    assert_eq!(told(Signal::Requests, &Target::Environment, Some(&app)), [all]);
    assert_eq!(
        told(Signal::Errors, &Target::Environment, Some(&app)),
        [format!(
            r#"(sum(rate(app_requests_total{{namespace="shop",code=~"5..",cluster="eu"}}[1m])) or {coded} * 0) / {coded}"#
        )]
    );
    assert_eq!(
        told(Signal::Latency, &cart(), Some(&app))[0],
        r#"histogram_quantile(0.99, sum by (le) (rate(app_request_latency_seconds_bucket{namespace="shop",pod=~"cart-[a-z0-9]+-[a-z0-9]{5}",cluster="eu"}[1m])))"#
    );

    let native = survey(&[(
        "http_server_request_duration_seconds",
        &["http_response_status_code", "namespace", "pod"],
    )]);
    assert_eq!(
        told(Signal::Latency, &Target::Environment, Some(&native))[2],
        r#"histogram_quantile(0.5, sum(rate(http_server_request_duration_seconds{namespace="shop",cluster="eu"}[1m])))"#
    );
    assert_eq!(
        told(Signal::Requests, &Target::Environment, Some(&native)),
        [
            r#"sum(histogram_count(rate(http_server_request_duration_seconds{namespace="shop",cluster="eu"}[1m])))"#
        ]
    );
    assert!(
        told(Signal::Errors, &Target::Environment, Some(&native))[0]
            .contains(r#"http_response_status_code=~"5..""#)
    );

    let nginx = survey(&[(
        "nginx_ingress_controller_requests",
        // The pod, the namespace and the service are those of the controller, as it is scraped.
        &[
            "app",
            "controller_pod",
            "exported_namespace",
            "exported_service",
            "namespace",
            "pod",
            "service",
            "status",
        ],
    )]);
    let pod = Target::Pod { namespace: "shop".into(), name: "cart-1".into() };
    assert!(told(Signal::Requests, &pod, Some(&nginx))[0].contains("does not tell which pod"));
    assert_eq!(
        told(Signal::Requests, &cart(), Some(&nginx)),
        [
            r#"sum(rate(nginx_ingress_controller_requests{exported_namespace="shop",exported_service=~"cart",cluster="eu"}[1m]))"#
        ]
    );
    let mesh = survey(&[(
        "istio_request_duration_milliseconds_bucket",
        // Each request is counted by the pod that asks and by the one that is asked.
        &["destination_workload", "destination_workload_namespace", "le", "namespace", "pod", "reporter"],
    )]);
    assert_eq!(
        told(Signal::Latency, &cart(), Some(&mesh))[1],
        r#"histogram_quantile(0.9, sum by (le) (rate(istio_request_duration_milliseconds_bucket{destination_workload_namespace="shop",destination_workload=~"cart",reporter!="source",cluster="eu"}[1m]))) / 1000"#
    );
    let none = survey(&[("up", &[])]);
    assert!(told(Signal::Requests, &cart(), Some(&none))[0].contains("metrics.families"));
    assert!(told(Signal::Cpu, &cart(), Some(&none))[0].contains("has no container_cpu_usage_seconds_total"));
    assert_eq!(told(Signal::Latency, &cart(), None), ["Looking for what this Prometheus has."]);
}

#[test]
fn what_one_job_counts_otherwise_than_another_is_asked_after_it() {
    let two = survey(&[
        ("http_requests_total", &["code", "namespace", "pod", "status"]),
        (
            "http_server_request_duration_seconds_bucket",
            &["http_response_status_code", "le", "namespace", "pod"],
        ),
        ("http_server_request_duration_seconds_count", &["http_response_status_code", "namespace", "pod"]),
        ("istio_request_duration_milliseconds_bucket", &["destination_workload", "le"]),
    ]);
    let first = r#"rate(http_requests_total{namespace="shop",cluster="eu"}[1m])"#;
    let then = r#"rate(http_server_request_duration_seconds_count{namespace="shop",cluster="eu"}[1m])"#;
    assert_eq!(
        told(Signal::Requests, &Target::Environment, Some(&two)),
        [format!("sum({first} or on (namespace, pod) {then})")]
    );
    // Of one job the code is `status`, of another `code`; what has neither is no success.
    let rates = |means: &str| {
        ["status", "code"]
            .map(|label| {
                format!(r#"rate(http_requests_total{{namespace="shop",{label}{means},cluster="eu"}}[1m])"#)
            })
            .join(" or ")
    };
    let (bad, all) = (rates("=~\"5..\""), rates("!=\"\""));
    let errors = &told(Signal::Errors, &Target::Environment, Some(&two))[0];
    let on = "or on (namespace, pod)";
    assert!(errors.starts_with(&format!("sum(({bad}) {on} ({all}) * 0 {on} rate(")), "{errors}");
    assert!(errors.contains(&format!(" * 0) / sum(({all}) {on} rate(")), "{errors}");
    let latency = &told(Signal::Latency, &Target::Environment, Some(&two))[0];
    let parts: Vec<&str> = latency.split(" or ").collect();
    assert!(!parts[0].ends_with(" / 1000") && parts[1].ends_with(" / 1000"), "{latency}");
    // Who tells colours apart does not ask what cannot.
    let (matchers, namespaces) = ([], ["shop".into()]);
    let mixed = survey(&[
        ("http_requests_total", &["code", "namespace"]),
        ("http_server_requests_total", &["namespace", "pod", "status"]),
    ]);
    let place = Place { matchers: &matchers, namespaces: &namespaces, survey: Some(&mixed), own: &[] };
    let apart = gauges(&cart(), &place).unwrap();
    assert!(apart.requests.starts_with("sum(rate(http_server_requests_total{"), "{}", apart.requests);
}

#[test]
fn what_cannot_be_joined_is_asked_after_what_can() {
    let on = |families: &[(&str, &[&str])]| {
        told(Signal::Requests, &Target::Environment, Some(&survey(families))).remove(0)
    };
    let rate = |name: &str| format!(r#"rate({name}{{namespace="shop",cluster="eu"}}[1m])"#);
    let (own, framework) = (rate("app_requests_total"), rate("http_requests_total"));
    // What stands in front counts only where the apps say nothing.
    let pod: &[&str] = &["namespace", "pod"];
    let fronted = on(&[
        ("app_requests_total", pod),
        ("http_requests_total", pod),
        ("nginx_ingress_controller_requests", &["ingress", "namespace", "pod"]),
    ]);
    let front = rate("nginx_ingress_controller_requests");
    assert_eq!(fronted, format!("sum({own} or on (namespace, pod) {framework}) or sum({front})"));
    // Without a pod nothing says what counted: two ports of a pod are two targets, and pushed metrics have none.
    let scraped: &[&str] = &["instance", "job", "namespace"];
    let both = on(&[
        ("app_requests_total", &["instance", "job", "namespace", "pod"]),
        ("http_requests_total", scraped),
    ]);
    assert_eq!(both, format!("sum({own}) or sum({framework})"));
    let blind = on(&[("app_requests_total", pod), ("http_requests_total", &["namespace"])]);
    assert_eq!(blind, format!("sum({own}) or sum({framework})"));
    // Nor is what has no namespace, as that of machines, added to every environment.
    let everybodys = on(&[("app_requests_total", pod), ("http_requests_total", &["instance", "job", "pod"])]);
    assert!(everybodys.starts_with(&format!("sum({own}) or sum(rate(http_requests_total")), "{everybodys}");
}

#[test]
fn classic_and_native_histograms_of_one_name_are_both_asked_for() {
    const NAME: &str = "http_request_duration_seconds";
    let labels: &[&str] = &["namespace", "pod"];
    let with = |own: &[&str]| {
        let name = |part: &str| format!("{NAME}{part}");
        survey(&[(NAME, own), (&name("_bucket"), &["le", "namespace", "pod"]), (&name("_count"), labels)])
    };
    let rate = |part: &str| format!(r#"rate({NAME}{part}{{namespace="shop",cluster="eu"}}[1m])"#);
    let mixed = with(labels);
    assert_eq!(
        told(Signal::Requests, &Target::Environment, Some(&mixed)),
        [format!("sum({} or on (namespace, pod) histogram_count({}))", rate("_count"), rate(""))]
    );
    let latency = told(Signal::Latency, &Target::Environment, Some(&mixed));
    let (classic, native) = (rate("_bucket"), rate(""));
    assert_eq!(
        latency[0],
        format!(
            "histogram_quantile(0.99, sum by (le) ({classic})) or histogram_quantile(0.99, sum({native}))"
        )
    );
    // Both cannot be added up: those that have native ones alone have a line of their own.
    assert_eq!(
        latency[3..],
        [format!(
            "histogram_quantile(0.99, sum({native} unless on (namespace, pod) ({classic}))) and count({classic})"
        )]
    );
    // A summary of another job is none.
    let summary = with(&["namespace", "pod", "quantile"]);
    assert_eq!(
        told(Signal::Requests, &Target::Environment, Some(&summary)),
        [format!("sum({})", rate("_count"))]
    );
    assert_eq!(told(Signal::Latency, &Target::Environment, Some(&summary)).len(), 3);
}

#[test]
fn jobs_that_name_their_pods_differently_are_all_found() {
    let known = survey(&[
        ("container_cpu_usage_seconds_total", &["namespace", "pod"]),
        ("http_requests_total", &["exported_namespace", "exported_pod", "namespace", "pod"]),
        ("app_requests_total", &["namespace", "pod"]),
        (
            "kube_pod_container_status_restarts_total",
            &["exported_namespace", "exported_pod", "namespace", "pod"],
        ),
    ]);
    let pods = r#"pod=~"cart-[a-z0-9]+-[a-z0-9]{5}""#;
    let exported = format!(r#"{{exported_namespace="shop",exported_{pods},cluster="eu"}}"#);
    let half = format!(r#"{{exported_pod="",exported_namespace="shop",{pods},cluster="eu"}}"#);
    let plain = format!(r#"{{exported_namespace="",exported_pod="",namespace="shop",{pods},cluster="eu"}}"#);
    let family = "kube_pod_container_status_restarts_total";
    assert_eq!(
        told(Signal::Restarts, &cart(), Some(&known)),
        [format!(
            r#"sum by (exported_pod) (increase({family}{exported}[5m]) or on (exported_pod) label_replace(increase({family}{half}[5m]), "exported_pod", "$1", "pod", "(.+)") or on (exported_pod) label_replace(increase({family}{plain}[5m]), "exported_pod", "$1", "pod", "(.+)"))"#
        )]
    );
    // Families that name pods differently are joined by the names of one of them.
    let requests = &told(Signal::Requests, &cart(), Some(&known))[0];
    let own = format!(r#"rate(app_requests_total{{namespace="shop",{pods},cluster="eu"}}[1m])"#);
    let named = format!(
        r#"label_replace(label_replace({own}, "exported_pod", "$1", "pod", "(.+)"), "exported_namespace", "$1", "namespace", "(.+)")"#
    );
    let first = format!(
        "sum({named} or on (exported_namespace, exported_pod) (rate(http_requests_total{exported}[1m]) or "
    );
    assert!(requests.starts_with(&first), "{requests}");
    // An environment by its namespaces.
    let old = survey(&[(
        "container_memory_working_set_bytes",
        &["kubernetes_namespace", "kubernetes_pod_name", "namespace", "pod"],
    )]);
    assert_eq!(
        told(Signal::Memory, &Target::Environment, Some(&old)),
        [
            r#"sum by (namespace) (container_memory_working_set_bytes{namespace="shop",container!="",cluster="eu"} or on (pod) label_replace(label_replace(container_memory_working_set_bytes{namespace="",pod="",kubernetes_namespace="shop",container!="",cluster="eu"}, "pod", "$1", "kubernetes_pod_name", "(.+)"), "namespace", "$1", "kubernetes_namespace", "(.+)"))"#
        ]
    );
}

#[test]
fn families_of_the_configuration_go_first() {
    let own = [Family {
        requests: Some("hits".into()),
        latency: Some("wait_seconds".into()),
        status: Some("outcome".into()),
        app: Some("svc".into()),
    }];
    let known = survey(&[("app_requests_total", &["code"]), ("hits", &["svc", "namespace"])]);
    let place = Place { matchers: &[], namespaces: &["shop".into()], survey: Some(&known), own: &own };
    let chart = plan(Signal::Requests, &cart(), &place, 15).unwrap();
    assert!(
        chart.curves[0].query.starts_with(r#"sum(rate(hits{namespace="shop",svc=~"cart"}[1m])) or sum("#)
    );
    assert!(plan(Signal::Errors, &cart(), &place, 15).unwrap().curves[0].query.contains(r#"outcome=~"5..""#));
    let names = families::names(&own);
    assert!(
        ["hits", "wait_seconds", "wait_seconds_bucket", "up"]
            .iter()
            .all(|name| names.iter().any(|known| **known == **name))
    );
    assert!(names.is_sorted());
}

#[test]
fn families_that_a_query_has_no_room_for_are_left_out() {
    let pods = ["code", "exported_namespace", "exported_pod", "namespace", "pod"];
    let names = [
        "app_requests_total",
        "http_requests_total",
        "http_server_requests_total",
        "http_request_duration_seconds_count",
        "request_count_total",
    ];
    let latencies = [
        "app_request_latency_seconds_bucket",
        "app_request_latency_seconds_count",
        "http_request_duration_seconds_bucket",
    ];
    let all = names.iter().chain(&latencies);
    let known = survey(&all.map(|name| (*name, &pods[..])).collect::<Vec<_>>());
    let of = |namespaces: usize, signal: Signal| {
        let namespaces: Vec<Name> =
            (0..namespaces).map(|n| format!("team-{n:03}-with-a-long-name").into()).collect();
        let matchers = [("cluster".into(), "eu".into())];
        let place = Place { matchers: &matchers, namespaces: &namespaces, survey: Some(&known), own: &[] };
        plan(signal, &Target::Environment, &place, 15).map(|plan| plan.curves)
    };
    let asked = |query: &str| names.iter().filter(|name| query.contains(**name)).count();
    for signal in [Signal::Requests, Signal::Errors] {
        let of = |namespaces| of(namespaces, signal).map(|curves| asked(&curves[0].query));
        assert_eq!(of(1), Ok(5), "{signal:?}");
        assert_eq!(of(1_000), Err(promql::too_long()), "{signal:?}");
    }
    let asked = |namespaces, signal| of(namespaces, signal).map(|curves| asked(&curves[0].query));
    assert_eq!(asked(12, Signal::Errors), Ok(2));
    assert_eq!(asked(40, Signal::Errors), Ok(1));
    assert_eq!(asked(40, Signal::Requests), Ok(3));
    // What is told of others goes with them.
    assert_eq!(of(1, Signal::Latency).map(|curves| curves.len()), Ok(4));
    assert_eq!(of(80, Signal::Latency).map(|curves| curves.len()), Ok(3));
}

#[test]
fn replicas_stand_between_their_bounds() {
    let Target::Workloads(mut aims) = cart() else { unreachable!() };
    aims[0].autoscaler = Some("cart-hpa".into());
    let scaled = told(Signal::Replicas, &Target::Workloads(aims), None);
    assert_eq!(scaled.len(), 4);
    assert_eq!(
        scaled[0],
        r#"sum(kube_horizontalpodautoscaler_status_current_replicas{namespace="shop",horizontalpodautoscaler="cart-hpa",cluster="eu"})"#
    );
    assert!(
        told(Signal::Replicas, &cart(), None)[0]
            .starts_with("sum(kube_deployment_status_replicas_available{")
    );
    assert_eq!(told(Signal::Replicas, &Target::Environment, None).len(), 1);
}

#[test]
fn replicas_of_what_no_autoscaler_scales_stand_beside_those_of_the_autoscaler() {
    let scaled = Aim { autoscaler: Some("web-hpa".into()), ..aim(Kind::Deployment, "web") };
    let both = Target::Workloads(vec![scaled.clone(), aim(Kind::StatefulSet, "db")]);
    let legends = |survey: Option<&Survey>| {
        let place = Place { matchers: &[], namespaces: &["shop".into()], survey, own: &[] };
        let chart = plan(Signal::Replicas, &both, &place, 15).unwrap();
        chart.curves.iter().map(|curve| curve.legend.clone()).collect::<Vec<_>>()
    };
    let fixed = |words: &[&'static str]| words.iter().copied().map(Legend::Fixed).collect::<Vec<_>>();
    assert_eq!(legends(None), fixed(&["current", "target", "min", "max", "sts ready", "sts wanted"]));
    // Where autoscalers are not counted, what they scale is all the same.
    let without = survey(&[
        ("kube_deployment_status_replicas_available", &["deployment", "namespace"]),
        ("kube_statefulset_status_replicas_ready", &["statefulset", "namespace"]),
    ]);
    assert_eq!(
        legends(Some(&without)),
        fixed(&["deploy available", "deploy wanted", "sts ready", "sts wanted"])
    );
}

fn aim(kind: Kind, name: &str) -> Aim {
    Aim { kind, namespace: "shop".into(), name: name.into(), autoscaler: None }
}

#[test]
fn replicas_are_counted_as_their_kind_is() {
    let of = |kind| told(Signal::Replicas, &Target::Workloads(vec![aim(kind, "db")]), None);
    assert_eq!(
        of(Kind::StatefulSet),
        [
            r#"sum(kube_statefulset_status_replicas_ready{namespace="shop",statefulset="db",cluster="eu"})"#,
            r#"sum(kube_statefulset_replicas{namespace="shop",statefulset="db",cluster="eu"})"#,
        ]
    );
    assert_eq!(
        of(Kind::DaemonSet),
        [
            r#"sum(kube_daemonset_status_number_available{namespace="shop",daemonset="db",cluster="eu"})"#,
            r#"sum(kube_daemonset_status_desired_number_scheduled{namespace="shop",daemonset="db",cluster="eu"})"#,
        ]
    );
    assert_eq!(of(Kind::CronJob), ["A CronJob keeps no number of replicas."]);
    // An app of two kinds: what each has is told apart.
    let both = Target::Workloads(vec![aim(Kind::Deployment, "web"), aim(Kind::StatefulSet, "db")]);
    let place = Place { matchers: &[], namespaces: &["shop".into()], survey: None, own: &[] };
    let chart = plan(Signal::Replicas, &both, &place, 15).unwrap();
    let words: Vec<&Legend> = chart.curves.iter().map(|curve| &curve.legend).collect();
    assert_eq!(
        words,
        ["deploy available", "deploy wanted", "sts ready", "sts wanted"]
            .map(Legend::Fixed)
            .iter()
            .collect::<Vec<_>>()
    );
}

#[test]
fn replicas_of_a_rollout_are_its_controllers_or_said_to_be_missing() {
    let rollout = Target::Workloads(vec![aim(Kind::Rollout, "cart")]);
    let without = survey(&[("kube_deployment_status_replicas_available", &["deployment", "namespace"])]);
    let why = told(Signal::Replicas, &rollout, Some(&without));
    assert!(why[0].starts_with("kube-state-metrics counts no Rollouts, and the metrics of"), "{why:?}");
    let with = survey(&[("rollout_info_replicas_available", &["exported_namespace", "name", "namespace"])]);
    assert_eq!(
        told(Signal::Replicas, &rollout, Some(&with))[0],
        r#"sum(rollout_info_replicas_available{exported_namespace="shop",name="cart",cluster="eu"})"#
    );
}

#[test]
fn a_node_has_the_restarts_and_the_requests_of_the_pods_that_are_on_it() {
    let node = Target::Node("n1".into());
    let known = survey(&[
        ("container_memory_working_set_bytes", &["node", "pod"]),
        ("kube_node_status_allocatable", &["node"]),
        ("kube_pod_container_resource_requests", &["namespace", "node", "pod"]),
        ("kube_pod_container_status_restarts_total", &["instance", "namespace", "pod"]),
        ("kube_pod_info", &["namespace", "node", "pod"]),
    ]);
    assert_eq!(
        told(Signal::Restarts, &node, Some(&known)),
        [
            r#"sum(increase(kube_pod_container_status_restarts_total{cluster="eu"}[5m]) * on (namespace, pod) group_left max by (namespace, pod) (kube_pod_info{node="n1",cluster="eu"}))"#
        ]
    );
    assert_eq!(told(Signal::Restarts, &node, Some(&known)), told(Signal::Restarts, &node, None));
    assert_eq!(
        told(Signal::Memory, &node, Some(&known))[1..],
        [
            r#"sum(kube_pod_container_resource_requests{node="n1",resource="memory",cluster="eu"})"#,
            r#"sum(kube_node_status_allocatable{node="n1",resource="memory",cluster="eu"})"#,
        ]
    );
    let phases = survey(&[
        ("container_memory_working_set_bytes", &["namespace", "node", "pod"]),
        ("kube_pod_container_resource_requests", &["namespace", "node", "pod"]),
        ("kube_pod_status_phase", &["namespace", "pod", "phase"]),
    ]);
    let running = |phases: &str| {
        format!(
            r#" * on (namespace, pod) group_left max by (namespace, pod) (kube_pod_status_phase{{{phases}cluster="eu"}})"#
        )
    };
    let of_node = running(r#"phase=~"Pending|Running","#);
    assert_eq!(
        told(Signal::Memory, &node, Some(&phases))[1],
        format!(
            r#"sum(kube_pod_container_resource_requests{{node="n1",resource="memory",cluster="eu"}}{of_node})"#
        )
    );
    let of_env = running(r#"namespace="shop",phase=~"Pending|Running","#);
    assert_eq!(
        told(Signal::Memory, &Target::Environment, Some(&phases))[1],
        format!(
            r#"sum(kube_pod_container_resource_requests{{namespace="shop",resource="memory",cluster="eu"}}{of_env})"#
        )
    );
    // `instance` is that of kube-state-metrics, and no node.
    let blind = survey(&[("kube_pod_container_status_restarts_total", &["instance", "namespace", "pod"])]);
    assert!(
        told(Signal::Restarts, &node, Some(&blind))[0].starts_with("Restarts are counted without their node")
    );
    let labelled = survey(&[("kube_pod_container_status_restarts_total", &["node", "pod"])]);
    assert_eq!(
        told(Signal::Restarts, &node, Some(&labelled)),
        [r#"sum(increase(kube_pod_container_status_restarts_total{node="n1",cluster="eu"}[5m]))"#]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_things_are_called_every_query_holds_to_its_environment(
        value in ".{1,12}", namespaces in proptest::collection::vec("[a-z0-9.-]{1,9}", 1..3), name in "[a-z0-9.-]{1,12}",
    ) {
        let all = survey(&[
            ("app_request_latency_seconds_bucket", &["le", "namespace", "pod"]), ("app_requests_total", &["code", "namespace", "pod"]),
            ("container_cpu_usage_seconds_total", &["namespace", "node", "pod"]), ("container_memory_working_set_bytes", &["namespace", "node", "pod"]),
            ("container_network_receive_bytes_total", &["namespace", "pod"]), ("kube_pod_container_status_restarts_total", &["namespace", "pod"]),
            ("kube_deployment_status_replicas_available", &["deployment", "namespace"]),
        ]);
        let namespaces: Vec<Name> = namespaces.into_iter().map(Name::from).collect();
        let matchers = [("environment".into(), Name::from(value.as_str()))];
        let place = Place { matchers: &matchers, namespaces: &namespaces, survey: Some(&all), own: &[] };
        let aim = Aim { kind: Kind::Deployment, namespace: namespaces[0].clone(), name: name.as_str().into(), autoscaler: None };
        let targets = [Target::Environment, Target::Workloads(vec![aim]), Target::Pod { namespace: namespaces[0].clone(), name: name.as_str().into() }, Target::Node(name.as_str().into())];
        let own = promql::matchers(&matchers);
        for signal in Signal::ALL {
            for target in &targets {
                let Ok(chart) = plan(signal, target, &place, 30) else { continue };
                for curve in chart.curves {
                    // Nothing is left to be added.
                    prop_assert_eq!(confine(&curve.query, &own).unwrap(), curve.query.clone());
                    let selectors = curve.query.matches("environment=").count();
                    prop_assert!(selectors >= 1);
                }
            }
        }
    }
}

#[test]
fn what_tells_two_colours_apart_is_of_their_own_pods() {
    let of = |survey: &Survey| {
        let (matchers, namespaces) = ([("cluster".into(), "eu".into())], ["shop".into()]);
        let place = Place { matchers: &matchers, namespaces: &namespaces, survey: Some(survey), own: &[] };
        gauges(&cart(), &place)
    };
    let both = survey(&[
        ("http_requests_total", &["namespace", "pod", "code"]),
        ("http_request_duration_seconds_bucket", &["le", "namespace", "pod"]),
    ]);
    let found = of(&both).unwrap();
    let pods = r#"namespace="shop",pod=~"cart-[a-z0-9]+-[a-z0-9]{5}""#;
    assert_eq!(&*found.requests, format!(r#"sum(rate(http_requests_total{{{pods},cluster="eu"}}[1m]))"#));
    assert!(found.errors.unwrap().contains(r#"code=~"5..""#));
    assert!(found.latency.unwrap().starts_with("histogram_quantile(0.99, "));
    assert_eq!(found.window, 60);
    let alone = of(&survey(&[("http_requests_total", &["namespace", "pod"])])).unwrap();
    assert!(alone.errors.unwrap_err().contains("no label that tells errors"));
    assert!(alone.latency.is_err());
    let by_service = of(&survey(&[("http_requests_total", &["namespace", "service", "code"])]));
    assert!(by_service.unwrap_err().contains("does not tell colours apart"));
    assert!(of(&survey(&[])).unwrap_err().contains("No family of requests"));
}
