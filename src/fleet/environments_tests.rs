use super::super::wanted::{WantedEnvironment, WantedStage};
use super::*;
use crate::domain::selector::Selector;
use crate::fleet::testing::{deployment, dim_world, namespace, put_workloads, send, world};
use crate::msg::{ClusterMsg, Delta, Facts};

/// `production!@gke[shop-prod]`: name, `!` protected, context, namespaces.
fn told(environments: &Environments) -> Vec<String> {
    environments
        .list
        .iter()
        .map(|env| {
            let mark = if env.protected { "!" } else { "" };
            format!("{}{mark}@{}[{}]", env.name, env.context, env.scope.namespaces().join(" "))
        })
        .collect()
}

fn infer(contexts: &[(&str, &[&str])]) -> Environments {
    environments(&Wanted::default(), &world(contexts))
}

#[test]
fn environments_are_inferred_from_names() {
    type Contexts = &'static [(&'static str, &'static [&'static str])];
    let cases: [(Contexts, &[&str]); 7] = [
        (
            &[("k3s-edge", &["default", "kube-system", "shop-dev", "shop-staging", "pic-staging", "argocd"])],
            &[
                "development@k3s-edge[shop-dev]",
                "staging@k3s-edge[pic-staging shop-staging]",
                "platform!@k3s-edge[argocd kube-system]",
                "other!@k3s-edge[default]",
            ],
        ),
        (
            &[("k3s-edge", &["shop-dev", "shop-staging"]), ("gke-eu1", &["shop-prod", "kube-system"])],
            &[
                "development@k3s-edge[shop-dev]",
                "staging@k3s-edge[shop-staging]",
                "production!@gke-eu1[shop-prod]",
                "platform!@gke-eu1[kube-system]",
            ],
        ),
        // Peers gain their context, without the word that the stage says already.
        (
            &[("prod-eu", &["shop"]), ("prod-us", &["shop", "default"]), ("aks", &["shop-prod"])],
            &[
                "production-aks!@aks[shop-prod]",
                "production-eu!@prod-eu[shop]",
                "production-us!@prod-us[default shop]",
            ],
        ),
        // A context's word is contradicted by a namespace: the silent ones say nothing.
        (
            &[("prod-eu", &["shop", "shop-staging", "shop-prod"])],
            &["staging@prod-eu[shop-staging]", "production!@prod-eu[shop-prod]", "other!@prod-eu[shop]"],
        ),
        (
            &[("gke_p_europe-west1_main", &["default"]), ("gke_p_us-east1_main", &["default"])],
            &[
                "other-gke_p_europe-west1_main!@gke_p_europe-west1_main[default]",
                "other-gke_p_us-east1_main!@gke_p_us-east1_main[default]",
            ],
        ),
        (&[("a", &["qa", "dev", "live"])], &["development@a[dev]", "test@a[qa]", "production!@a[live]"]),
        (&[("empty", &[])], &[]),
    ];
    for (contexts, expected) in cases {
        let found = infer(contexts);
        assert_eq!(told(&found), expected, "{contexts:?}");
        for (n, env) in found.list.iter().enumerate() {
            assert_eq!(usize::from(env.id.0), n);
            assert!(env.inferred);
        }
    }
}

#[test]
fn stages_hold_only_those_that_exist() {
    let found = infer(&[("a", &["shop-staging", "shop-prod"])]);
    assert_eq!(found.stages.iter().map(|s| &**s).collect::<Vec<_>>(), ["staging", "production"]);
    assert_eq!(found.list.iter().map(|env| env.stage).collect::<Vec<_>>(), [Some(0), Some(1)]);
}

#[test]
fn contexts_without_data_stay_as_bare_ones() {
    let mut world = dim_world(&["one", "staging-2", "three"]);
    send(&mut world, ClusterId(2), ClusterMsg::Link(Link::Connecting));
    let found = environments(&Wanted::default(), &world);
    assert_eq!(told(&found), ["one!@one[]", "staging-2@staging-2[]", "three!@three[]"]);
    assert!(found.list.iter().all(|env| env.group == Group::Context && env.stage.is_none()));
}

#[test]
fn a_second_way_to_a_cluster_is_not_shown() {
    let mut world = world(&[("one", &["shop-dev"]), ("two", &["shop-dev"])]);
    for n in 0..2 {
        let identity = ClusterMsg::Identity { version: "v1.36.0".into(), cluster_uid: "same".into() };
        send(&mut world, ClusterId(n), identity);
    }
    assert_eq!(told(&environments(&Wanted::default(), &world)), ["development@one[shop-dev]"]);
}

#[test]
fn where_namespaces_may_not_be_listed_objects_and_the_kubeconfig_name_them() {
    let mut world = dim_world(&["one"]);
    world.clusters[0].connection.namespace = "shop-staging".into();
    send(&mut world, ClusterId(0), ClusterMsg::Link(Link::Live));
    let before = fingerprint(&Wanted::default(), &world);
    assert_eq!(environments(&Wanted::default(), &world).list[0].group, Group::Context);
    send(
        &mut world,
        ClusterId(0),
        ClusterMsg::Feed(crate::domain::id::Kind::Namespace, Feed::Forbidden("no".into())),
    );
    assert_eq!(told(&environments(&Wanted::default(), &world)), ["staging@one[shop-staging]"]);
    let between = fingerprint(&Wanted::default(), &world);
    assert_ne!(before, between);
    put_workloads(
        &mut world,
        ClusterId(0),
        crate::domain::id::Kind::Deployment,
        vec![deployment("shop-prod", "cart", "cart:1", 1)],
    );
    assert_ne!(between, fingerprint(&Wanted::default(), &world));
    assert_eq!(
        told(&environments(&Wanted::default(), &world)),
        ["staging@one[shop-staging]", "production!@one[shop-prod]"]
    );
}

fn stage(name: &str, environments: Vec<WantedEnvironment>) -> WantedStage {
    WantedStage { name: name.into(), environments }
}

fn wanted(name: &str, context: &str, namespaces: &[&str]) -> WantedEnvironment {
    WantedEnvironment {
        name: name.into(),
        context: context.into(),
        namespaces: namespaces.iter().map(|n| Name::from(*n)).collect(),
        ..WantedEnvironment::default()
    }
}

#[test]
fn configured_environments_keep_their_order_names_and_peers() {
    let mut labelled = wanted("", "edge", &[]);
    labelled.selector = Some(Selector::parse("stage=dev").unwrap());
    let mut open = wanted("prod-gke", "gke", &["shop"]);
    open.protected = Some(false);
    let wanted = Wanted {
        stages: vec![
            stage("development", vec![labelled]),
            stage(
                "production",
                vec![open, wanted("prod-aks", "aks", &["b", "a", "b"]), wanted("", "eks", &[])],
            ),
        ],
        ..Wanted::default()
    };
    let mut world = world(&[("edge", &["default"]), ("gke", &["shop", "argocd", "more"]), ("aks", &["a"])]);
    let team = namespace("team", &[("stage", "dev")]);
    send(&mut world, ClusterId(0), ClusterMsg::Facts(Facts::Namespaces(vec![Delta::Put(team)])));
    let found = environments(&wanted, &world);
    assert_eq!(
        told(&found),
        [
            "development@edge[team]",
            "prod-gke@gke[shop]",
            "prod-aks!@aks[a b]",
            "production!@eks[]",
            "platform!@gke[argocd]",
            "other-edge!@edge[default]",
            "other-gke!@gke[more]",
        ]
    );
    assert_eq!(found.list[3].cluster, NO_CLUSTER);
    assert_eq!(found.stages.len(), 2);
    assert!(!found.list[0].inferred && found.list[4].inferred);
}

#[test]
fn a_configured_context_that_is_not_connected_is_no_bare_one() {
    let wanted =
        Wanted { stages: vec![stage("production", vec![wanted("", "gke", &["shop"])])], ..Wanted::default() };
    let found = environments(&wanted, &dim_world(&["gke", "other"]));
    assert_eq!(told(&found), ["production!@gke[shop]", "other!@other[]"]);
}

#[test]
fn without_namespaces_an_environment_takes_all_that_are_not_the_platforms() {
    let wanted = Wanted { stages: vec![stage("production", vec![wanted("", "", &[])])], ..Wanted::default() };
    let found = environments(&wanted, &world(&[("gke", &["shop", "kube-system", "default"])]));
    assert_eq!(told(&found), ["production!@gke[default shop]", "platform!@gke[kube-system]"]);
}

#[test]
fn names_stay_unique_whatever_contexts_are_called() {
    let found = infer(&[("production", &["default"]), ("staging@production", &["shop-prod"])]);
    let mut names: Vec<_> = found.list.iter().map(|env| env.name.clone()).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), found.list.len(), "{:?}", told(&found));
}

#[test]
fn the_fingerprint_ignores_what_does_not_matter() {
    let wanted = Wanted::default();
    let mut world = world(&[("a", &["shop-dev"])]);
    let before = fingerprint(&wanted, &world);
    put_workloads(
        &mut world,
        ClusterId(0),
        crate::domain::id::Kind::Deployment,
        vec![deployment("shop-dev", "cart", "cart:1", 1)],
    );
    assert_eq!(before, fingerprint(&wanted, &world));
    let more = Delta::Put(namespace("shop-prod", &[]));
    send(&mut world, ClusterId(0), ClusterMsg::Facts(Facts::Namespaces(vec![more])));
    assert_ne!(before, fingerprint(&wanted, &world));
}

#[test]
fn a_person_stays_where_they_stood() {
    let before = infer(&[("edge", &["shop-dev", "shop-prod"])]);
    let after = infer(&[("edge", &["shop-dev", "shop-qa", "shop-prod"]), ("gke", &["prod"])]);
    let production = before.list[1].id;
    let there = follow(&before, production, &after).and_then(|id| after.get(id)).unwrap();
    assert_eq!(&*there.name, "production-edge");

    let dim = environments(&Wanted::default(), &dim_world(&["edge"]));
    assert_eq!(follow(&dim, EnvId(0), &after), Some(EnvId(0)));
    assert_eq!(follow(&before, production, &environments(&Wanted::default(), &dim_world(&[]))), None);
}

#[test]
fn contexts_are_shortened_to_what_people_say() {
    for (context, short) in [
        ("gke_proj_europe-west1_main", "main"),
        ("arn:aws:eks:eu-west-1:123:cluster/shop", "shop"),
        ("kubernetes-admin@kubernetes", "kubernetes"),
        ("default/api-shop-example:6443/kube:admin", "api-shop-example"),
        ("k3s-edge", "k3s-edge"),
        ("odd@", "odd@"),
    ] {
        assert_eq!(short_context(context), short);
    }
}
