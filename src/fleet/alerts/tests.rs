use super::*;
use crate::domain::alert::{Hush, Kept, Phase, Ruled, Severity, Silence};
use crate::domain::environment::{Environment, Group, Scope};
use crate::domain::id::ClusterId;
use crate::domain::pod::PodState;
use crate::domain::upstream::{Access, Address};
use crate::fleet::testing;

const NOW: Stamp = Stamp(1_000_000);

fn upstream(server: Server, name: &str) -> Arc<Upstream> {
    let address = Address::Url(format!("http://{name}").into());
    Arc::new(Upstream { server, address, access: Access::default() })
}

/// `edge` with shop-dev and shop-staging, `gke` with shop-prod, monitoring and no staging.
fn places() -> (Environments, World) {
    let env = |id: u16, name: &str, cluster: u16, context: &str, namespaces: &[&str]| Environment {
        id: EnvId(id),
        name: name.into(),
        stage: Some(id),
        group: Group::Stage,
        cluster: ClusterId(cluster),
        context: context.into(),
        scope: Scope::Namespaces(namespaces.iter().map(|name| Name::from(*name)).collect()),
        protected: false,
        read_only: false,
        inferred: false,
        targets: None,
    };
    let list = vec![
        env(0, "development", 0, "edge", &["shop-dev"]),
        env(1, "staging", 0, "edge", &["shop-staging"]),
        env(2, "production", 1, "gke", &["shop-prod"]),
        env(3, "platform", 1, "gke", &["monitoring", "velero"]),
    ];
    let stages = ["dev", "staging", "production", "x"].map(Name::from).to_vec();
    let mut world =
        testing::world(&[("edge", &["shop-dev", "shop-staging"]), ("gke", &["shop-prod", "monitoring"])]);
    let cart = testing::deployment("shop-prod", "cart", "cart:1", 3);
    let set = testing::replica_set(&cart, 1, "cart:1", 3, 0);
    let pods = (1..=2).map(|n| testing::pod(&set, n, PodState::Failed)).collect();
    testing::put_workloads(&mut world, ClusterId(1), Kind::Deployment, vec![cart]);
    testing::put_replica_sets(&mut world, ClusterId(1), vec![set]);
    testing::put_pods(&mut world, ClusterId(1), pods);
    (Environments { stages, list }, world)
}

fn ruled(pairs: &[(&str, &str)], phase: Phase) -> Ruled {
    let rule = Rule { expr: "x > 1".into(), hold: 60, ..Rule::default() };
    Ruled {
        rule: Some(Arc::new(rule)),
        labels: testing::labels(pairs),
        annotations: testing::labels(&[]),
        phase,
        active_at: Some(NOW.plus(-600)),
        value: Some(2.0),
    }
}

fn kept(fingerprint: &str, pairs: &[(&str, &str)]) -> Kept {
    Kept {
        fingerprint: fingerprint.into(),
        labels: testing::labels(pairs),
        starts_at: Some(NOW.plus(-500)),
        state: "active".into(),
        receivers: vec!["pager".into()],
        groups: Vec::new(),
        ..Kept::default()
    }
}

/// Joins with both servers of `gke` speaking for production and platform, those of `edge` for the others.
fn joined(rulers: &[(&str, &[u16], &[Ruled])], managers: &[(&str, &[u16], &[Kept])]) -> Vec<Alert> {
    let (environments, world) = places();
    let wanted = WantedAlerts::default();
    let speaks =
        |envs: &[u16]| envs.iter().map(|env| (EnvId(*env), &[] as &[(Name, Name)])).collect::<Vec<_>>();
    let books: Vec<_> = rulers
        .iter()
        .map(|(name, _, alerts)| {
            let book = Rulebook { alerts: alerts.to_vec(), ..Rulebook::default() };
            (upstream(Server::Prometheus, name), book)
        })
        .collect();
    let told: Vec<_> = managers
        .iter()
        .map(|(name, _, alerts)| {
            let silence = Silence { id: "s1".into(), ends_at: Some(NOW.plus(60)), ..Silence::default() };
            let managed = Managed { alerts: alerts.to_vec(), silences: vec![silence], ..Managed::default() };
            (upstream(Server::Alertmanager, name), managed)
        })
        .collect();
    let input = Input {
        environments: &environments,
        world: &world,
        wanted: &wanted,
        rulers: books
            .iter()
            .zip(rulers)
            .map(|((upstream, told), (_, envs, _))| Voice { upstream, speaks_for: speaks(envs), told })
            .collect(),
        managers: told
            .iter()
            .zip(managers)
            .map(|((upstream, told), (_, envs, _))| Voice { upstream, speaks_for: speaks(envs), told })
            .collect(),
    };
    join(&input).into_iter().map(|joined| joined.alert).collect()
}

fn environments_of(alert: &Alert) -> Vec<u16> {
    alert.environments.iter().map(|env| env.0).collect()
}

#[test]
fn an_alert_that_rules_and_alertmanager_tell_of_is_one() {
    let burn: &[(&str, &str)] =
        &[("alertname", "Burn"), ("namespace", "shop-prod"), ("severity", "critical")];
    let outside = &[burn, &[("cluster", "gke-eu1"), ("prometheus", "monitoring/k8s")]].concat();
    let alerts = joined(
        &[("gke", &[2, 3], &[ruled(burn, Phase::Firing)])],
        &[("am", &[2, 3], &[kept("f1", outside)])],
    );
    let [alert] = &alerts[..] else { panic!("{alerts:?}") };
    assert_eq!((environments_of(alert), alert.severity), (vec![2], Severity::Critical));
    assert_eq!(alert.since, Some(NOW.plus(-500)), "since when it fires, as Alertmanager says");
    assert_eq!((alert.value, &*alert.receivers[0], alert.managed), (Some(2.0), "pager", true));
    assert_eq!(alert.labels.get("cluster").map(|v| &**v), Some("gke-eu1"), "external labels are kept");
    assert_eq!(alert.rule.as_ref().map(|rule| &*rule.expr), Some("x > 1"));
}

#[test]
fn replicas_and_a_second_way_to_the_same_server_tell_nothing_twice() {
    let of = |replica: &'static str| {
        ruled(
            &[("alertname", "A"), ("namespace", "shop-prod"), ("prometheus_replica", replica)],
            Phase::Firing,
        )
    };
    let alerts = joined(
        &[("a", &[2], &[of("a-0"), of("a-1")]), ("b", &[2, 3], &[of("a-0")])],
        &[
            ("am-0", &[2], &[kept("f", &[("alertname", "A"), ("namespace", "shop-prod")])]),
            ("am-1", &[3], &[kept("f", &[("alertname", "A"), ("namespace", "shop-prod")])]),
        ],
    );
    assert_eq!(alerts.len(), 1, "{alerts:?}");
}

#[test]
fn the_same_labels_in_two_clusters_are_two_alerts() {
    let labels: &[(&str, &str)] = &[("alertname", "NodeDown"), ("severity", "warning")];
    let alerts = joined(
        &[
            ("edge", &[0, 1], &[ruled(labels, Phase::Firing)]),
            ("gke", &[2, 3], &[ruled(labels, Phase::Firing)]),
        ],
        // One Alertmanager for both: the label that Prometheus added tells them apart.
        &[(
            "am",
            &[0, 1, 2, 3],
            &[
                kept("f1", &[labels, &[("cluster", "edge")]].concat()),
                Kept {
                    silenced_by: vec!["s1".into()],
                    ..kept("f2", &[labels, &[("cluster", "gke")]].concat())
                },
            ],
        )],
    );
    let told: Vec<_> = alerts.iter().map(|a| (environments_of(a), &*a.fingerprint, a.is_hushed())).collect();
    assert_eq!(told, [(vec![0, 1], "f1", false), (vec![2, 3], "f2", true)]);
}

#[test]
fn what_holds_an_alert_back_is_told_with_its_name() {
    let a = kept("fa", &[("alertname", "Root"), ("namespace", "shop-prod"), ("severity", "warning")]);
    let b = Kept {
        inhibited_by: vec!["fa".into(), "other".into()],
        silenced_by: vec!["s1".into(), "s9".into()],
        muted_by: vec!["nights".into()],
        ..kept("fb", &[("alertname", "Leaf"), ("namespace", "shop-prod"), ("severity", "critical")])
    };
    let muted = Kept {
        state: "suppressed".into(),
        ..kept("fc", &[("alertname", "Old"), ("namespace", "shop-prod")])
    };
    let alerts = joined(&[], &[("am", &[2], &[b, a, muted])]);
    assert_eq!(alerts[0].name, "Root".into(), "what is held back stands last, however bad");
    let leaf = alerts.iter().find(|alert| &*alert.name == "Leaf").unwrap();
    let [
        Hush::Silenced { silence: Some(known), .. },
        Hush::Silenced { silence: None, .. },
        inhibited,
        _,
        muted,
    ] = &leaf.hushed[..]
    else {
        panic!("{leaf:?}")
    };
    assert_eq!(known.ends_at, Some(NOW.plus(60)));
    assert_eq!(*inhibited, Hush::Inhibited { fingerprint: "fa".into(), by: Some("Root".into()) });
    assert_eq!(*muted, Hush::Muted { interval: "nights".into() });
    assert!(alerts.iter().any(|alert| &*alert.name == "Old" && alert.is_hushed()));
    assert!(!leaf.fires());
}

#[test]
fn what_one_alertmanager_tells_is_not_silenced_by_another() {
    let labels: &[(&str, &str)] = &[("alertname", "A"), ("namespace", "shop-prod")];
    let silenced = Kept { silenced_by: vec!["s1".into()], ..kept("f", labels) };
    for managers in [[silenced.clone(), kept("f", labels)], [kept("f", labels), silenced.clone()]] {
        let [first, second] = managers;
        let alerts = joined(&[], &[("a", &[2], &[first]), ("b", &[2], &[second])]);
        assert_eq!((alerts.len(), alerts[0].is_hushed()), (1, false));
    }
}

#[test]
fn a_pending_alert_says_when_it_will_fire() {
    let labels: &[(&str, &str)] = &[("alertname", "A"), ("namespace", "shop-prod"), ("severity", "critical")];
    let alerts = joined(&[("gke", &[2], &[ruled(labels, Phase::Pending)])], &[]);
    assert_eq!(alerts[0].fires_at, Some(NOW.plus(-540)));
    assert_eq!(alerts[0].since, Some(NOW.plus(-600)));
    assert_eq!(alerts[0].level(), crate::domain::level::Level::Progressing);
    let alerts = joined(&[("gke", &[2], &[ruled(labels, Phase::Firing)])], &[]);
    assert_eq!(alerts[0].since, Some(NOW.plus(-540)), "it fired once it had held for a minute");
}

#[test]
fn labels_tell_which_environments_an_alert_concerns() {
    for (labels, speaks_for, expected) in [
        (&[("namespace", "shop-dev")] as &[(&str, &str)], &[0u16, 1, 2, 3] as &[u16], &[0u16] as &[u16]),
        // The real namespace is the exported one.
        (&[("namespace", "monitoring"), ("exported_namespace", "shop-prod")], &[2, 3], &[2]),
        // Beside the environments that the server is for, on their cluster.
        (&[("namespace", "monitoring")], &[2], &[3]),
        (&[("namespace", "shop-prod")], &[0, 1], &[]),
        (&[("namespace", "elsewhere")], &[0, 1, 2, 3], &[]),
        // A cluster's alert concerns all that stands on it.
        (&[("node", "n1")], &[2, 3], &[2, 3]),
        (&[("node", "n1"), ("cluster", "edge")], &[0, 1, 2, 3], &[0, 1]),
        (&[("environment", "Staging")], &[0, 1, 2, 3], &[1]),
        (&[("env", "dev")], &[0, 1, 2, 3], &[0]),
        (&[("environment", "unheard of")], &[0, 1], &[0, 1]),
    ] {
        let mut named = vec![("alertname", "A")];
        named.extend_from_slice(labels);
        let alerts = joined(&[("p", speaks_for, &[ruled(&named, Phase::Firing)])], &[]);
        assert_eq!(environments_of(&alerts[0]), expected, "{labels:?} of {speaks_for:?}");
    }
}

#[test]
fn matchers_that_contradict_exclude_and_those_that_hold_decide() {
    let (environments, world) = places();
    let matchers = |value: &str| vec![(Name::from("site"), Name::from(value))];
    let (eu, us) = (matchers("eu"), matchers("us"));
    let speaks: Vec<(EnvId, &[(Name, Name)])> = vec![(EnvId(0), &[]), (EnvId(1), &eu), (EnvId(2), &us)];
    for (labels, expected) in [
        (&[("site", "eu")] as &[(&str, &str)], &[1u16] as &[u16]),
        (&[("site", "asia")], &[0]),
        (&[], &[0, 1, 2]),
        (&[("site", "us"), ("namespace", "shop-prod")], &[2]),
    ] {
        let told = place::environments(&environments, &world, &speaks, &testing::labels(labels));
        assert_eq!(told.iter().map(|env| env.0).collect::<Vec<_>>(), expected, "{labels:?}");
    }
}

#[test]
fn labels_tell_what_an_alert_is_about() {
    let set = "cart-1";
    for (labels, what, object) in [
        (vec![("pod", "cart-1-1")], "cart", Some((Kind::Deployment, "cart"))),
        // Gone, but its name says whose it was.
        (vec![("pod", "cart-7d9c-x2kfp")], "cart", Some((Kind::Deployment, "cart"))),
        (vec![("pod", "nobody-0")], "nobody-0", None),
        (vec![("deployment", "cart")], "cart", Some((Kind::Deployment, "cart"))),
        (vec![("deployment", "gone")], "gone", None),
        (vec![("app", "cart")], "cart", Some((Kind::Deployment, "cart"))),
        (vec![("app", "search")], "search", None),
        (vec![("service", "cart"), ("job", "x")], "cart", Some((Kind::Deployment, "cart"))),
        // The exporter that tells of it is not what it is about.
        (vec![("service", "kube-state-metrics"), ("job", "kube-state-metrics")], "shop-prod", None),
        (
            vec![("deployment", "cart"), ("pod", "kube-state-metrics-0")],
            "cart",
            Some((Kind::Deployment, "cart")),
        ),
        (vec![("persistentvolumeclaim", "data-0")], "data-0", None),
        (vec![], "shop-prod", None),
    ] {
        let mut named = vec![("alertname", "A"), ("namespace", "shop-prod")];
        named.extend(labels.iter().copied());
        let alerts = joined(&[("p", &[2], &[ruled(&named, Phase::Firing)])], &[]);
        let about = &alerts[0].about;
        let found = about.object.as_ref().map(|object| (object.kind, &*object.name));
        assert_eq!((&*about.what, found), (what, object), "{labels:?} {set}");
    }
    let alerts = joined(
        &[(
            "p",
            &[2],
            &[ruled(&[("alertname", "A"), ("pod", "cart-1-1"), ("namespace", "shop-prod")], Phase::Firing)],
        )],
        &[],
    );
    assert_eq!(alerts[0].about.pod_object.as_ref().map(|pod| &*pod.name), Some("cart-1-1"));
}

mod board {
    use super::*;
    use crate::config::{Address as Written, Monitoring};
    use crate::fleet::environments::environments;
    use crate::fleet::wanted::{Wanted, WantedEnvironment, WantedStage};

    /// Production with a Prometheus and an Alertmanager at web addresses.
    struct Room {
        alerts: Alerts,
        environments: Environments,
        world: World,
        upstreams: Upstreams,
    }

    fn monitoring(url: &str) -> Option<Monitoring> {
        Some(Monitoring {
            at: Some(Written::Url(url.to_owned())),
            matchers: Vec::new(),
            headers: Vec::new(),
            bearer_token_file: None,
            basic_auth: None,
            ca_file: None,
            tenant: None,
        })
    }

    impl Room {
        fn new() -> Room {
            let production = WantedEnvironment {
                context: "gke".into(),
                namespaces: vec!["shop-prod".into()],
                prometheus: monitoring("http://prometheus"),
                alertmanager: monitoring("http://alertmanager"),
                ..WantedEnvironment::default()
            };
            let stage = WantedStage { name: "production".into(), environments: vec![production] };
            let wanted = Wanted { stages: vec![stage], ..Wanted::default() };
            let world = testing::world(&[("gke", &["shop-prod"])]);
            let environments = environments(&wanted, &world);
            let mut upstreams = Upstreams::default();
            upstreams.refresh(&wanted, &environments, &world);
            Room { alerts: Alerts::default(), environments, world, upstreams }
        }

        fn upstream(&self, server: Server) -> Arc<Upstream> {
            Arc::clone(&self.upstreams.of(server, EnvId(0)).unwrap().upstream)
        }

        fn rules(&mut self, alerts: &[Ruled]) -> Vec<String> {
            self.rules_at(alerts, NOW)
        }

        fn rules_at(&mut self, alerts: &[Ruled], now: Stamp) -> Vec<String> {
            let book = Rulebook { alerts: alerts.to_vec(), rules: Some(7), ..Rulebook::default() };
            self.hear(Server::Prometheus, Told::Rules(Ok(book)), now)
        }

        fn managed(&mut self, alerts: &[Kept]) -> Vec<String> {
            self.managed_at(alerts, NOW)
        }

        fn managed_at(&mut self, alerts: &[Kept], now: Stamp) -> Vec<String> {
            let managed = Managed { alerts: alerts.to_vec(), ..Managed::default() };
            self.hear(Server::Alertmanager, Told::Managed(Ok(managed)), now)
        }

        /// The names of the alerts that would ring.
        fn hear(&mut self, server: Server, answer: Told, now: Stamp) -> Vec<String> {
            let upstream = self.upstream(server);
            self.alerts.hear(&upstream, answer, now);
            let wanted = WantedAlerts::default();
            assert!(self.alerts.refresh(&self.environments, &self.world, &self.upstreams, &wanted, now));
            assert!(!self.alerts.refresh(&self.environments, &self.world, &self.upstreams, &wanted, now));
            self.alerts.fresh(&self.upstreams, now).iter().map(|alert| alert.name.to_string()).collect()
        }
    }

    fn critical(name: &'static str, phase: Phase) -> Ruled {
        ruled(&[("alertname", name), ("namespace", "shop-prod"), ("severity", "critical")], phase)
    }

    fn kept_critical(name: &'static str) -> Kept {
        kept(
            name,
            &[("alertname", name), ("namespace", "shop-prod"), ("severity", "critical"), ("cluster", "gke")],
        )
    }

    #[test]
    fn a_new_critical_alert_rings_once_however_many_tell_of_it() {
        let mut room = Room::new();
        assert_eq!(room.rules(&[critical("Old", Phase::Firing)]), Vec::<String>::new(), "not at the start");
        assert_eq!(room.managed(&[kept_critical("Old"), kept_critical("Older")]), Vec::<String>::new());
        let both = [critical("Old", Phase::Firing), critical("New", Phase::Pending)];
        assert!(room.rules(&both).is_empty(), "pending is no news");
        let both = [critical("Old", Phase::Firing), critical("New", Phase::Firing)];
        assert!(room.rules(&both).is_empty(), "its Alertmanager may hold it back");
        let told = [kept_critical("Old"), kept_critical("Older"), kept_critical("New")];
        assert_eq!(room.managed(&told), ["New"]);
        assert!(room.managed_at(&told[1..], NOW.plus(20)).is_empty(), "once");
        // Alertmanager may be the first to tell of it, too.
        let told = [kept_critical("Old"), kept_critical("New"), kept_critical("Newest")];
        assert_eq!(room.managed(&told), ["Newest"]);
        assert!(room.rules(&[critical("New", Phase::Firing), critical("Newest", Phase::Firing)]).is_empty());
        let warning =
            ruled(&[("alertname", "W"), ("namespace", "shop-prod"), ("severity", "warning")], Phase::Firing);
        assert!(room.rules(&[warning]).is_empty());
    }

    #[test]
    fn an_alert_that_flaps_rings_once_and_one_that_comes_back_later_again() {
        let mut room = Room::new();
        room.rules(&[]);
        assert_eq!(room.rules(&[critical("A", Phase::Firing)]), ["A"]);
        assert!(room.rules_at(&[], NOW.plus(30)).is_empty());
        assert!(room.rules_at(&[critical("A", Phase::Firing)], NOW.plus(60)).is_empty());
        assert!(room.rules_at(&[], NOW.plus(1_000)).is_empty());
        assert_eq!(room.rules_at(&[critical("A", Phase::Firing)], NOW.plus(1_015)), ["A"]);
    }

    #[test]
    fn silences_that_could_not_be_read_are_said_until_they_can_be() {
        let mut room = Room::new();
        room.managed(&[kept_critical("A")]);
        assert_eq!(room.alerts.silences_unknown(&room.upstreams, EnvId(0)), None);
        let refused = Managed {
            alerts: vec![kept_critical("A")],
            silences_unknown: "403 Forbidden".into(),
            ..Managed::default()
        };
        room.hear(Server::Alertmanager, Told::Managed(Ok(refused)), NOW);
        assert_eq!(room.alerts.silences_unknown(&room.upstreams, EnvId(0)), Some("403 Forbidden"));
        room.managed(&[kept_critical("A")]);
        assert_eq!(room.alerts.silences_unknown(&room.upstreams, EnvId(0)), None);
    }

    #[test]
    fn the_same_answer_again_is_no_work_and_keeps_what_fires_in_mind() {
        let mut room = Room::new();
        room.rules(&[]);
        assert_eq!(room.rules(&[critical("A", Phase::Firing)]), ["A"]);
        let version = room.alerts.version();
        for minutes in 1..20 {
            let book = Rulebook {
                alerts: vec![critical("A", Phase::Firing)],
                rules: Some(7),
                ..Rulebook::default()
            };
            let prometheus = room.upstream(Server::Prometheus);
            room.alerts.hear(&prometheus, Told::Rules(Ok(book)), NOW.plus(60 * minutes));
        }
        assert_eq!(room.alerts.version(), version);
        assert!(room.rules_at(&[], NOW.plus(1_200)).is_empty());
        assert!(room.rules_at(&[critical("A", Phase::Firing)], NOW.plus(1_215)).is_empty(), "it flaps");
    }

    #[test]
    fn what_is_silenced_does_not_ring_until_its_silence_is_over() {
        let mut room = Room::new();
        room.managed(&[]);
        let silenced = Kept { silenced_by: vec!["s".into()], ..kept_critical("A") };
        assert!(room.managed(&[silenced]).is_empty());
        assert_eq!(room.managed(&[kept_critical("A")]), ["A"]);
    }

    #[test]
    fn what_rules_tell_first_rings_only_when_its_alertmanager_does_not_hold_it_back() {
        let fires = |name| [critical(name, Phase::Firing)];
        let silenced = |name| Kept { silenced_by: vec!["s".into()], ..kept_critical(name) };
        let mut room = Room::new();
        room.rules(&[]);
        room.managed(&[]);
        // Silenced: it never rings.
        assert!(room.rules_at(&fires("A"), NOW.plus(10)).is_empty());
        assert!(room.managed_at(&[silenced("A")], NOW.plus(20)).is_empty());
        assert!(
            room.rules_at(&[critical("A", Phase::Firing), critical("A2", Phase::Pending)], NOW.plus(30))
                .is_empty()
        );
        // Its next answer does not know it: it rings all the same.
        let both = [critical("A", Phase::Firing), critical("B", Phase::Firing)];
        assert!(room.rules_at(&both, NOW.plus(40)).is_empty());
        assert_eq!(room.managed_at(&[silenced("A"), kept_critical("Other")], NOW.plus(50)), ["Other", "B"]);
        // It does not answer any more.
        let down = Told::Managed(Err("connection refused".into()));
        assert!(room.hear(Server::Alertmanager, down, NOW.plus(60)).is_empty());
        assert_eq!(room.rules_at(&fires("C"), NOW.plus(70)), ["C"]);
        // It answers, but not within a look and a half.
        room.managed_at(&[], NOW.plus(80));
        assert!(room.rules_at(&fires("D"), NOW.plus(90)).is_empty());
        assert_eq!(
            room.rules_at(&[critical("D", Phase::Firing), critical("D2", Phase::Pending)], NOW.plus(121)),
            ["D"]
        );
    }

    #[test]
    fn a_server_that_falls_silent_keeps_what_it_told() {
        let mut room = Room::new();
        room.rules(&[critical("A", Phase::Firing)]);
        let before = room.alerts.snapshot();
        room.hear(Server::Prometheus, Told::Rules(Err("connection refused".into())), NOW.plus(30));
        assert_eq!(room.alerts.tally(EnvId(0)).critical, 1);
        assert!(room.alerts.has_heard(&room.upstream(Server::Prometheus)));
        assert!(!room.alerts.has_heard(&room.upstream(Server::Alertmanager)));
        let [prometheus, alertmanager] = room.alerts.standing(&room.upstreams, EnvId(0));
        assert_eq!(
            (prometheus.at, &prometheus.hearing),
            (Some(NOW), &Hearing::Failing("connection refused".into()))
        );
        assert_eq!(alertmanager.hearing, Hearing::Asking);
        // And again, with the same alert and another one: one is news to who was away.
        room.rules_at(&[critical("B", Phase::Firing)], NOW.plus(240));
        let change = before.until(&room.alerts.snapshot());
        assert_eq!(
            change.words("While Prometheus did not answer", 210),
            "While Prometheus did not answer (3 m 30 s): B fires; A is over."
        );
        assert_eq!(room.alerts.rules(&room.upstreams, EnvId(0)), Some(7));
    }

    #[test]
    fn many_changes_are_counted() {
        let mut room = Room::new();
        let before = room.alerts.snapshot();
        let many: Vec<Ruled> = ["a", "b", "c", "d", "e"]
            .iter()
            .flat_map(|name| {
                ["1", "2"].map(|pod| {
                    let pairs = [
                        ("alertname", *name),
                        ("namespace", "shop-prod"),
                        ("severity", "page"),
                        ("pod", pod),
                    ];
                    ruled(&pairs, Phase::Firing)
                })
            })
            .collect();
        room.rules(&many);
        let words = before.until(&room.alerts.snapshot()).words("While you were away", 60);
        assert_eq!(words, "While you were away (60 s): a ×2, b ×2, c ×2 and 2 more fire.");
        assert!(room.alerts.snapshot().until(&room.alerts.snapshot()).is_empty());
    }

    #[test]
    fn always_firing_alerts_count_for_nothing() {
        let mut room = Room::new();
        let dog = ruled(&[("alertname", "Watchdog"), ("severity", "none")], Phase::Firing);
        room.rules(&[dog, critical("A", Phase::Pending)]);
        let total = room.alerts.total();
        assert_eq!((total.always, total.pending, total.firing()), (1, 1, 0));
    }
}
