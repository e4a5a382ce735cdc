//! The alerts of the hand-made platform: production's Prometheus and Alertmanager tell of the crashing cart.

use std::sync::Arc;

use pilothouse::domain::alert::{Kept, Managed, Phase, Rule, Rulebook, Ruled, Silence, Told};
use pilothouse::domain::id::{ClusterId, Name, Uid};
use pilothouse::domain::meta::Labels;
use pilothouse::domain::network::{Service, ServicePort};
use pilothouse::domain::time::{Now, Stamp};
use pilothouse::domain::upstream::{Server, Upstream};
use pilothouse::msg::{ClusterMsg, Delta, Facts, Msg};
use pilothouse::state::State;
use pilothouse::update::{settle, update};

use super::stage::NOW;

/// Puts the two Services of production into the world, by which they are found.
pub fn serve(cluster: ClusterId, send: &mut dyn FnMut(ClusterId, ClusterMsg)) {
    let service = |name: &str, port: u16| Service {
        uid: Uid::parse(&format!("service {name}")),
        namespace: "monitoring".into(),
        name: name.into(),
        labels: Labels::new(vec![("app.kubernetes.io/name".into(), name.into())]),
        selector: None,
        service_type: "ClusterIP".into(),
        cluster_ip: "10.0.9.9".into(),
        external: Arc::from([]),
        ports: Arc::from([ServicePort {
            name: "http-web".into(),
            port,
            node_port: 0,
            target: "web".into(),
            protocol: "TCP".into(),
        }]),
        of_rollouts: false,
        created: NOW.wall.plus(-90 * 86_400),
    };
    let services = [service("prometheus", 9090), service("alertmanager", 9093)];
    send(cluster, ClusterMsg::Facts(Facts::Services(services.into_iter().map(Delta::Put).collect())));
}

/// Both tell of the incident; with `silent`, Prometheus does not answer any more.
pub fn tell(state: &mut State, silent: bool) {
    settle(state);
    let now = if silent { NOW.wall.plus(-72) } else { NOW.wall };
    let at = Now { wall: now, ..NOW };
    for (server, told) in [(Server::Prometheus, rules()), (Server::Alertmanager, managed())] {
        let upstream = upstream(state, server);
        update(state, Msg::Alerts(upstream, told), at);
    }
    if silent {
        let upstream = upstream(state, Server::Prometheus);
        update(state, Msg::Alerts(upstream, Told::Rules(Err("connection refused".to_owned()))), NOW);
    }
    state.shared.now = NOW;
}

fn upstream(state: &State, server: Server) -> Arc<Upstream> {
    let env = state.shared.environments.list.iter().find(|env| &*env.name == "production").unwrap();
    Arc::clone(&state.shared.upstreams.of(server, env.id).unwrap().upstream)
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::new(pairs.iter().map(|(key, value)| (Name::from(*key), Name::from(*value))).collect())
}

const PRODUCTION: (&str, &str) = ("namespace", "shop-prod");

fn rules() -> Told {
    let ruled = |pairs: &[(&str, &str)], phase: Phase, since: i64| Ruled {
        rule: Some(Arc::new(Rule { expr: "x > 1".into(), hold: 0, ..Rule::default() })),
        labels: labels(pairs),
        annotations: Labels::default(),
        phase,
        active_at: Some(ago(since)),
        value: Some(2.0),
    };
    let looping = |n: u32| {
        let pod = format!("cart-7d9c-{n:05}");
        let pairs = [
            ("alertname", "KubePodCrashLooping"),
            PRODUCTION,
            ("severity", "warning"),
            ("pod", pod.as_str()),
        ];
        ruled(&pairs, Phase::Firing, 300)
    };
    let mut alerts = vec![
        ruled(
            &[("alertname", "CartErrorBudgetBurn"), PRODUCTION, ("severity", "critical"), ("app", "cart")],
            Phase::Firing,
            360,
        ),
        ruled(
            &[("alertname", "BackupOlderThanRPO"), PRODUCTION, ("severity", "warning"), ("app", "velero")],
            Phase::Firing,
            660,
        ),
        ruled(
            &[
                ("alertname", "QuotaAlmostFull"),
                PRODUCTION,
                ("severity", "warning"),
                ("resourcequota", "shop"),
            ],
            Phase::Pending,
            40,
        ),
        ruled(&[("alertname", "Watchdog"), ("severity", "none")], Phase::Firing, 90_000),
    ];
    alerts.extend((1..=3).map(looping));
    Told::Rules(Ok(Rulebook { alerts, rules: Some(142), ..Rulebook::default() }))
}

fn managed() -> Told {
    let silenced = Kept {
        fingerprint: "f1".into(),
        labels: labels(&[
            ("alertname", "MediaQueueLong"),
            PRODUCTION,
            ("severity", "critical"),
            ("deployment", "media"),
        ]),
        starts_at: Some(ago(7_200)),
        state: "suppressed".into(),
        silenced_by: vec!["s1".into()],
        receivers: vec!["pager".into()],
        ..Kept::default()
    };
    let silence = Silence {
        id: "s1".into(),
        ends_at: Some(NOW.wall.plus(88 * 60)),
        created_by: "ann".into(),
        comment: "known".into(),
        ..Silence::default()
    };
    Told::Managed(Ok(Managed { alerts: vec![silenced], silences: vec![silence], ..Managed::default() }))
}

fn ago(seconds: i64) -> Stamp {
    NOW.wall.plus(-seconds)
}
