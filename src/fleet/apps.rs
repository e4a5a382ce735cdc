//! Which app a workload belongs to, the same in every environment, and which
//! of its images is the app's own.

use std::collections::{BTreeMap, BTreeSet};

use super::image::ImageRef;
use super::wanted::{Wanted, WantedApp};
use super::words::{Says, StageWord, namespace_says, stage_of_context};
use crate::domain::environment::{Environment, Environments};
use crate::domain::id::{Kind, Name};
use crate::domain::meta::ContainerImage;
use crate::domain::workload::Workload;
use crate::world::ClusterWorld;

/// The workloads of one environment by app, each app's sorted by kind and name.
///
/// Jobs are runs of something, not something that is deployed: they count only
/// where the configuration names them.
pub fn apps<'a>(
    wanted: &Wanted,
    environments: &Environments,
    env: &Environment,
    cluster: &'a ClusterWorld,
) -> BTreeMap<Name, Vec<&'a Workload>> {
    let here: Vec<&Workload> = cluster
        .workloads
        .iter()
        .map(|(_, workload)| workload)
        .filter(|workload| env.scope.contains(&workload.namespace))
        .collect();
    let affixes = Affixes::of(environments, env);
    let umbrellas = umbrellas(&here, &affixes);
    let mut apps: BTreeMap<Name, Vec<&Workload>> = BTreeMap::new();
    for workload in here {
        let name = match wanted.apps.iter().find(|app| app.is_of(workload)) {
            Some(app) => app.name.clone(),
            None if workload.kind == Kind::Job => continue,
            None => {
                let delivered = workload.delivered_by.as_ref().filter(|by| !umbrellas.contains(*by));
                let own = delivered.map_or_else(|| own_name(workload), |by| application(by).to_owned());
                affixes.strip(&own, &workload.namespace).into()
            }
        };
        apps.entry(name).or_default().push(workload);
    }
    for workloads in apps.values_mut() {
        workloads.sort_by(|a, b| (a.kind, &a.name, &a.namespace).cmp(&(b.kind, &b.name, &b.namespace)));
    }
    apps
}

impl WantedApp {
    /// Whether a workload is named by this rule.
    pub fn is_of(&self, workload: &Workload) -> bool {
        self.workloads.iter().any(|pattern| matches(pattern, &workload.name))
            || self.selector.as_ref().is_some_and(|selector| selector.matches(&workload.labels))
    }
}

/// Whether a name fits a pattern in which `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// The name in a mark of what delivers: Argo CD writes `NAMESPACE_NAME` for Applications outside of its own namespace, and
/// no name has an underscore.
fn application(mark: &str) -> &str {
    mark.split_once('_').map_or(mark, |(_, name)| name)
}

/// What the workload calls itself: `app.kubernetes.io/instance`, with its
/// component when the instance does not say it already, else its own name.
fn own_name(workload: &Workload) -> String {
    let label = |key: &str| workload.labels.get(key).filter(|value| !value.is_empty());
    match (label("app.kubernetes.io/instance"), label("app.kubernetes.io/component")) {
        (Some(instance), Some(component)) if !instance.ends_with(&**component) => {
            format!("{instance}-{component}")
        }
        (Some(instance), _) => instance.to_string(),
        (None, _) => workload.name.to_string(),
    }
}

/// Applications and Flux objects that deliver several apps at once (an app of
/// apps' leaf, a Kustomization of a whole environment): they deliver workloads
/// of different names, and none bears their own. They name no app.
fn umbrellas(workloads: &[&Workload], affixes: &Affixes) -> BTreeSet<Name> {
    let mut delivered: BTreeMap<&Name, BTreeSet<String>> = BTreeMap::new();
    for workload in workloads.iter().filter(|w| w.kind != Kind::Job) {
        if let Some(by) = &workload.delivered_by {
            let instance = workload.labels.get("app.kubernetes.io/instance");
            let own = instance.unwrap_or(&workload.name);
            delivered.entry(by).or_default().insert(affixes.strip(own, &workload.namespace).to_owned());
        }
    }
    delivered
        .into_iter()
        .filter(|(by, names)| {
            let bare = workloads
                .iter()
                .find(|w| w.delivered_by.as_ref() == Some(*by))
                .map_or(application(by), |w| affixes.strip(application(by), &w.namespace));
            names.len() > 1 && !names.contains(bare)
        })
        .map(|(by, _)| by.clone())
        .collect()
}

/// What an environment adds to the names of its apps: `-prod`, `stg-`.
struct Affixes {
    /// Longest first.
    suffixes: Vec<String>,
    prefixes: Vec<String>,
}

/// Words that begin the names of real things (`live-chat`, `test-runner`).
const AMBIGUOUS: [&str; 6] = ["live", "test", "testing", "stage", "stag", "develop"];

impl Affixes {
    fn of(environments: &Environments, env: &Environment) -> Affixes {
        let stage = env.stage.and_then(|stage| environments.stages.get(usize::from(stage)));
        let Some(stage) = stage else { return Affixes { suffixes: Vec::new(), prefixes: Vec::new() } };
        let mut suffixes: Vec<String> = vec![stage.to_string(), env.name.to_string()];
        let meant: Option<StageWord> = [stage, &env.name].into_iter().find_map(|name| stage_of_context(name));
        suffixes.extend(meant.into_iter().flat_map(|word| word.words()).map(|word| (*word).to_owned()));
        suffixes.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        suffixes.dedup();
        let prefixes = suffixes.iter().filter(|word| !AMBIGUOUS.contains(&word.as_str())).cloned().collect();
        Affixes { suffixes, prefixes }
    }

    /// The name without the environment's affix; never empty.
    fn strip<'n>(&self, name: &'n str, namespace: &str) -> &'n str {
        let of_namespace = matches!(namespace_says(namespace), Says::Stage(_)).then_some(namespace);
        let joined = |c: char| matches!(c, '-' | '_' | '.');
        let suffixes = of_namespace.into_iter().chain(self.suffixes.iter().map(String::as_str));
        let bare = suffixes
            .filter_map(|affix| name.strip_suffix(affix)?.strip_suffix(joined))
            .find(|bare| !bare.is_empty())
            .unwrap_or(name);
        let prefix = of_namespace.filter(|namespace| !AMBIGUOUS.contains(namespace));
        let prefixes = prefix.into_iter().chain(self.prefixes.iter().map(String::as_str));
        prefixes
            .filter_map(|affix| bare.strip_prefix(affix)?.strip_prefix(joined))
            .find(|stripped| !stripped.is_empty())
            .unwrap_or(bare)
    }
}

/// Containers that meshes, agents and operators put into other people's pods.
const SIDECARS: [&str; 31] = [
    "aws-otel-collector",
    "azure-workload-identity-proxy",
    "cloud-sql-proxy",
    "cloudsql-proxy",
    "consul-connect-envoy-sidecar",
    "consul-dataplane",
    "daprd",
    "datadog-agent",
    "envoy",
    "envoy-sidecar",
    "filebeat",
    "fluent-bit",
    "fluentd",
    "istio-init",
    "istio-proxy",
    "istio-validation",
    "jaeger-agent",
    "kuma-init",
    "kuma-sidecar",
    "linkerd-init",
    "linkerd-proxy",
    "oauth2-proxy",
    "opentelemetry-auto-instrumentation",
    "osm-envoy",
    "otc-container",
    "otel-agent",
    "otel-collector",
    "proxyv2",
    "vault-agent",
    "vault-agent-init",
    "xray-daemon",
];

fn is_sidecar(container: &ContainerImage) -> bool {
    let known = |name: &str| SIDECARS.binary_search(&name).is_ok();
    known(&container.container) || known(ImageRef::parse(&container.image).short())
}

/// How sure it is that an image is the app's own, surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Own {
    /// The configuration names its repository.
    Configured,
    /// Its repository ends in the app's name.
    Named,
    /// It is the first container's of the workload that bears the app's name.
    Namesake,
    /// It is the first container's.
    First,
}

/// The app's own image in a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnImage {
    /// The image.
    pub image: ImageRef,
    /// How sure.
    pub own: Own,
    /// The container that runs it.
    pub container: Name,
    /// Whether it is the first of the containers that are not init containers,
    /// whose digest the pods tell.
    pub first: bool,
}

/// Finds the app's own image among a workload's containers; injected sidecars
/// never count. `None` when the template has no containers.
pub fn own_image(wanted: &Wanted, app: &str, workload: &Workload) -> Option<OwnImage> {
    let containers: Vec<&ContainerImage> = workload.images.iter().filter(|c| !c.init).collect();
    let mut counting: Vec<&ContainerImage> = containers.iter().copied().filter(|c| !is_sidecar(c)).collect();
    if counting.is_empty() {
        counting.clone_from(&containers);
    }
    let configured = wanted.apps.iter().find(|rule| &*rule.name == app).and_then(|rule| rule.image.as_ref());
    let found = |own: Own, container: &ContainerImage| OwnImage {
        image: ImageRef::parse(&container.image),
        own,
        container: container.container.clone(),
        first: containers.first().is_some_and(|first| first.container == container.container),
    };
    let by_config = configured.and_then(|written| {
        containers.iter().find(|container| ImageRef::parse(&container.image).is_named(written))
    });
    if let Some(container) = by_config {
        return Some(found(Own::Configured, container));
    }
    let by_name = counting.iter().find(|c| ends_in(&ImageRef::parse(&c.image).repository, app));
    if let Some(container) = by_name {
        return Some(found(Own::Named, container));
    }
    let own = if &*workload.name == app { Own::Namesake } else { Own::First };
    counting.first().map(|container| found(own, container))
}

/// Whether a repository ends in a name, at the border of a word.
fn ends_in(repository: &str, name: &str) -> bool {
    repository
        .strip_suffix(name)
        .is_some_and(|before| before.is_empty() || before.ends_with(|c: char| !c.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::ClusterId;
    use crate::domain::selector::Selector;
    use crate::fleet::environments;
    use crate::fleet::testing::{deployment, images, labels, put_workloads, world};

    fn workload(namespace: &str, name: &str, delivered: &str, pairs: &[(&str, &str)]) -> Workload {
        let mut workload = deployment(namespace, name, "registry.example/x:1", 1);
        workload.labels = labels(pairs);
        workload.delivered_by = (!delivered.is_empty()).then(|| delivered.into());
        workload
    }

    fn found(wanted: &Wanted, namespace: &str, workloads: Vec<Workload>) -> Vec<String> {
        let mut world = world(&[("gke", &[namespace])]);
        put_workloads(&mut world, ClusterId(0), Kind::Deployment, workloads);
        let environments = environments(&Wanted::default(), &world);
        let env = &environments.list[0];
        apps(wanted, &environments, env, &world.clusters[0])
            .into_iter()
            .map(|(app, workloads)| {
                let names: Vec<&str> = workloads.iter().map(|w| &*w.name).collect();
                format!("{app}: {}", names.join(" "))
            })
            .collect()
    }

    #[test]
    fn an_app_is_named_by_what_delivers_it_then_by_labels_then_by_itself() {
        const INSTANCE: &str = "app.kubernetes.io/instance";
        const COMPONENT: &str = "app.kubernetes.io/component";
        let cases = [
            ("shop-prod", workload("shop-prod", "web", "cart-prod", &[]), "cart: web"),
            // An Application in another namespace than Argo CD's.
            ("shop-prod", workload("shop-prod", "web", "teams_cart-prod", &[]), "cart: web"),
            ("shop-prod", workload("shop-prod", "web", "", &[(INSTANCE, "cart-production")]), "cart: web"),
            (
                "shop-prod",
                workload("shop-prod", "web", "", &[(INSTANCE, "shop"), (COMPONENT, "cart")]),
                "shop-cart: web",
            ),
            (
                "shop-prod",
                workload("shop-prod", "web", "", &[(INSTANCE, "shop-cart"), (COMPONENT, "cart")]),
                "shop-cart: web",
            ),
            ("shop-prod", workload("shop-prod", "cart", "", &[]), "cart: cart"),
            ("shop-prod", workload("shop-prod", "shop-prod-cart", "", &[]), "cart: shop-prod-cart"),
            ("shop-staging", workload("shop-staging", "stg-cart", "", &[]), "cart: stg-cart"),
            ("shop-staging", workload("shop-staging", "cart-prod", "", &[]), "cart-prod: cart-prod"),
            ("live", workload("live", "live-chat", "", &[]), "live-chat: live-chat"),
            ("default", workload("default", "cart-prod", "", &[]), "cart-prod: cart-prod"),
        ];
        for (namespace, workload, expected) in cases {
            assert_eq!(found(&Wanted::default(), namespace, vec![workload]), [expected]);
        }
    }

    #[test]
    fn an_object_that_delivers_several_apps_names_none() {
        let all = vec![
            workload("shop-prod", "cart", "shop", &[]),
            workload("shop-prod", "media", "shop", &[]),
            workload("shop-prod", "search", "search-prod", &[]),
            workload("shop-prod", "search-redis", "search-prod", &[]),
        ];
        assert_eq!(
            found(&Wanted::default(), "shop-prod", all),
            ["cart: cart", "media: media", "search: search search-redis"]
        );
    }

    #[test]
    fn the_configuration_has_the_first_word() {
        let wanted = Wanted {
            apps: vec![
                WantedApp {
                    name: "basket".into(),
                    workloads: vec!["ca*t-*".into(), "cart".into()],
                    ..WantedApp::default()
                },
                WantedApp {
                    name: "shelf".into(),
                    selector: Some(Selector::parse("team=shelf").unwrap()),
                    ..WantedApp::default()
                },
            ],
            ..Wanted::default()
        };
        let all = vec![
            workload("shop-prod", "cart", "cart-prod", &[]),
            workload("shop-prod", "cart-worker", "", &[]),
            workload("shop-prod", "media", "", &[("team", "shelf")]),
            workload("shop-prod", "carton", "", &[]),
        ];
        assert_eq!(
            found(&wanted, "shop-prod", all),
            ["basket: cart cart-worker", "carton: carton", "shelf: media"]
        );
    }

    #[test]
    fn patterns() {
        for (pattern, name, fits) in [
            ("cart", "cart", true),
            ("cart", "carts", false),
            ("cart*", "cart", true),
            ("*cart", "my-cart", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("*", "", true),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn the_apps_own_image_is_never_a_sidecar() {
        let configured = Wanted {
            apps: vec![WantedApp {
                name: "cart".into(),
                image: Some("shop/engine".into()),
                ..WantedApp::default()
            }],
            ..Wanted::default()
        };
        let plain = Wanted::default();
        let cases: [(&Wanted, &[&str], &str, Own, bool); 6] = [
            (&plain, &["r.example/shop/cart:1"], "r.example/shop/cart:1", Own::Named, true),
            (
                &plain,
                &["r.example/helper:3", "r.example/shop-cart:1"],
                "r.example/shop-cart:1",
                Own::Named,
                false,
            ),
            (&plain, &["istio/proxyv2:1.20", "r.example/x:2"], "r.example/x:2", Own::Namesake, false),
            (&plain, &["envoyproxy/envoy:1.30"], "envoyproxy/envoy:1.30", Own::Namesake, true),
            (
                &configured,
                &["r.example/shop/cart:1", "r.example/shop/engine:7"],
                "r.example/shop/engine:7",
                Own::Configured,
                false,
            ),
            (&plain, &["r.example/smart:1", "r.example/other:1"], "r.example/smart:1", Own::Namesake, true),
        ];
        for (wanted, containers, image, own, first) in cases {
            let mut workload = deployment("shop-prod", "cart", "", 1);
            workload.images = images(containers);
            let found = own_image(wanted, "cart", &workload).unwrap();
            assert_eq!((found.image.to_string().as_str(), found.own, found.first), (image, own, first));
        }
        let mut empty = deployment("shop-prod", "cart", "", 1);
        empty.images = images(&[]);
        assert_eq!(own_image(&plain, "cart", &empty), None);
        let mut other = deployment("shop-prod", "redis", "redis:7", 1);
        assert_eq!(own_image(&plain, "cart", &other).unwrap().own, Own::First);
        let mut with_init = images(&["cart:1", "cart:2"]).to_vec();
        with_init[0].init = true;
        other.images = with_init.into();
        assert_eq!(own_image(&plain, "cart", &other).unwrap().image.tag, "2");
    }

    #[test]
    fn the_list_of_sidecars_is_sorted() {
        assert!(SIDECARS.is_sorted());
    }
}
