use super::*;
use crate::change::intent::{Intent, With};
use crate::domain::id::EnvId;
use crate::domain::node::Node;
use crate::effect::Question;
use crate::msg::{ClusterMsg, Delta, Facts};
use crate::panes::views::testing::{self, incident, opened, reference, shared};

fn pod() -> Subject {
    Subject::Object(reference(Kind::Pod, "cart-7d9c-x2kfp", 21))
}

fn cart() -> Subject {
    Subject::Object(reference(Kind::Deployment, "cart", 1))
}

fn why(shared: &Shared, subject: &Subject, action: Action) -> String {
    match applies(shared, subject, action) {
        Applies::No(why) => why,
        other => format!("{other:?}"),
    }
}

#[test]
fn what_does_not_apply_says_why() {
    let mut shared = shared();
    incident(&mut shared);
    let environment = Subject::Environment(EnvId(1));
    let node = Subject::Object(reference(Kind::Node, "gke-eu1-pool-2", 70));
    let known = Node { uid: Uid(70), name: "gke-eu1-pool-2".into(), ..Node::default() };
    testing::tell(&mut shared, ClusterMsg::Facts(Facts::Nodes(vec![Delta::Put(known)])));
    let well = Subject::Object(reference(Kind::Pod, "cart-5b66-kk2p9", 24));
    assert_eq!(why(&shared, &environment, Action::Logs), "Logs need a pod or a workload.");
    assert_eq!(why(&shared, &node, Action::Logs), "Logs need a pod or a workload.");
    assert_eq!(why(&shared, &node, Action::ToggleNamespace), "no/gke-eu1-pool-2 is in no namespace.");
    assert_eq!(why(&shared, &cart(), Action::Shell), "A shell needs a pod.");
    assert_eq!(why(&shared, &node, Action::Rollout), "A rollout needs a workload, or one of its pods.");
    assert_eq!(
        why(&shared, &well, Action::PreviousLogs),
        "cart-5b66-kk2p9 has not restarted: there are no logs of before."
    );
    for action in [
        Action::Open,
        Action::Logs,
        Action::PreviousLogs,
        Action::Describe,
        Action::Yaml,
        Action::Events,
        Action::Rollout,
        Action::Shell,
        Action::Copy,
        Action::ToggleNamespace,
    ] {
        assert_eq!(applies(&shared, &pod(), action), Applies::Yes, "{action:?}");
    }
    assert_eq!(applies(&shared, &environment, Action::Open), Applies::Elsewhere, "the pane opens it");

    testing::tell(&mut shared, ClusterMsg::Facts(Facts::Pods(vec![Delta::Gone(Uid(21))])));
    for action in [Action::Open, Action::Logs, Action::Describe, Action::Yaml, Action::Rollout, Action::Shell]
    {
        assert_eq!(why(&shared, &pod(), action), "cart-7d9c-x2kfp is gone.", "{action:?}");
    }
    assert_eq!(applies(&shared, &pod(), Action::Events), Applies::Yes, "they can still be read");

    testing::tell(&mut shared, ClusterMsg::Link(Link::Dim));
    assert_eq!(why(&shared, &pod(), Action::Logs), "gke-eu1 is not connected: c connects it.");
}

#[test]
fn a_shell_is_refused_when_read_only_and_asked_about_where_protected() {
    let mut shared = shared();
    incident(&mut shared);
    let outcome = act(&mut shared, &pod(), Action::Shell);
    assert!(outcome.effects.is_empty(), "nothing is done before the person answered");
    let Some(Turn::Ask(ask)) = outcome.turn else { panic!("{outcome:?}") };
    assert_eq!(&*ask.word, "production");
    assert!(matches!(ask.then.as_slice(), [Effect::Shell(request)] if &*request.container == "app"));

    let mut development = testing::pod(30, "cart-1", (Uid(9), "ReplicaSet", "x"));
    development.namespace = "shop-dev".into();
    testing::put_pods(&mut shared, vec![development]);
    let object = ObjectRef { namespace: "shop-dev".into(), ..reference(Kind::Pod, "cart-1", 30) };
    let outcome = act(&mut shared, &Subject::Object(object.clone()), Action::Shell);
    assert!(matches!(outcome.effects.as_slice(), [Effect::Shell(_)]), "{outcome:?}");

    shared.environments.list[0].read_only = true;
    assert_eq!(why(&shared, &Subject::Object(object), Action::Shell), "development is read-only: no shell.");
    shared.options.read_only = true;
    assert_eq!(why(&shared, &pod(), Action::Shell), "Read-only: no shell.");
}

#[test]
fn a_read_only_environment_refuses_every_action_of_the_registry_and_another_one_none() {
    let mut shared = shared();
    incident(&mut shared);
    shared.environments.list[0].read_only = true;
    for act in crate::change::actions::ALL {
        let kind = act.kinds()[0];
        let refused = |namespace: &str| {
            let namespace = if kind.namespaced() { namespace.into() } else { "".into() };
            let object = ObjectRef { namespace, ..reference(kind, "x", 1) };
            let verb = crate::change::actions::named(act.name()).unwrap();
            let intent = Intent { verb, objects: vec![object], with: With::default() };
            changes::order(&shared, intent).place.read_only
        };
        let why = Some("development is read-only".to_owned());
        assert_eq!(refused("shop-dev"), why, "{}", act.name());
        // A node matters to all environments of its cluster.
        let other = if kind.namespaced() { None } else { why };
        assert_eq!(refused("shop-prod"), other, "{}", act.name());
    }
}

#[test]
fn several_containers_are_chosen_from_first() {
    let mut shared = shared();
    incident(&mut shared);
    let mut two = shared.world.find_pod(&reference(Kind::Pod, "", 21)).unwrap().clone();
    let mut images = two.images.to_vec();
    images.push(crate::domain::meta::ContainerImage {
        container: "proxy".into(),
        image: "mesh:2".into(),
        init: false,
    });
    images.push(crate::domain::meta::ContainerImage {
        container: "migrate".into(),
        image: "m:1".into(),
        init: true,
    });
    two.images = images.into();
    testing::put_pods(&mut shared, vec![two]);
    let (mut list, _) = opened(act(&mut shared, &pod(), Action::Shell));
    insta::assert_snapshot!(testing::screen(list.as_mut(), &shared, 60, 5));
    testing::survives_all_sizes(list.as_mut(), &shared);
    list.act(&mut shared, Action::Bottom);
    let outcome = list.act(&mut shared, Action::Open);
    let Some(Turn::CloseAndAsk(ask)) = outcome.turn else { panic!("{outcome:?}") };
    assert!(matches!(ask.then.as_slice(), [Effect::Shell(request)] if &*request.container == "proxy"));
}

#[test]
fn logs_of_a_workload_are_those_of_its_selector_and_a_pod_leads_to_its_rollout() {
    let mut shared = shared();
    incident(&mut shared);
    let outcome = act(&mut shared, &cart(), Action::Logs);
    let Effect::Ask(_, Question::Logs(request)) = &outcome.effects[0] else { panic!("{outcome:?}") };
    assert_eq!(request.pods, LogPods::Selected(Selector::parse("app=cart").unwrap()));
    let (view, _) = opened(act(&mut shared, &pod(), Action::Rollout));
    assert_eq!(view.title(&shared).name, "Deployment cart in production");
}

#[test]
fn answers_reach_only_the_view_that_asked() {
    let mut shared = shared();
    incident(&mut shared);
    let (mut closed, old) = opened(act(&mut shared, &pod(), Action::Events));
    drop(std::mem::replace(&mut closed, opened(act(&mut shared, &pod(), Action::Yaml)).0));
    let answer = crate::msg::Answer::Events(Vec::new());
    assert!(!testing::answer(closed.as_mut(), old[0], answer));
}

#[test]
fn what_no_pane_lists_is_named() {
    let mut shared = shared();
    incident(&mut shared);
    let near = named(&shared, Some(&pod()), "secret/cart-db").unwrap();
    assert_eq!((near.kind, &*near.namespace, &*near.name), (Kind::Secret, "shop-prod", "cart-db"));
    let far = named(&shared, None, " kube-system/cm/coredns ").unwrap();
    assert_eq!((far.kind, &*far.namespace, &*far.name), (Kind::ConfigMap, "kube-system", "coredns"));
    let node = named(&shared, Some(&pod()), "Node/a").unwrap();
    assert_eq!((node.kind, &*node.namespace), (Kind::Node, ""));
    for typed in ["logs", "secret/", "nothing/x", "a/b/c/d", ""] {
        assert_eq!(named(&shared, Some(&pod()), typed), None, "{typed}");
    }
}
