//! What the configuration says about environments and apps, in the form in
//! which this room reads it: a part of [`Config`], cheap to compare.
//! [`Wanted::default`] means "nothing is configured, infer".

use super::alerts::WantedAlerts;
use super::queries::Family;
use crate::config::{Argocd, Config, Favourite, InCluster, Limits, Monitoring};
use crate::domain::environment::{Environments, Targets};
use crate::domain::freeze::Freeze;
use crate::domain::id::{EnvId, Name};
use crate::domain::selector::Selector;
use crate::domain::traffic::Switching;

/// Stages, environments and apps as configured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// In promotion order; empty means that environments are inferred.
    pub stages: Vec<WantedStage>,
    /// Apps that are named by hand.
    pub apps: Vec<WantedApp>,
    /// Queries that the person keeps.
    pub favourites: Vec<Favourite>,
    /// Families of series to look for before the known ones.
    pub families: Vec<Family>,
    /// Limits of charts, where environment and app have none of their own.
    pub limits: Limits,
    /// What severity labels mean.
    pub alerts: WantedAlerts,
    /// When nothing is to be changed.
    pub freezes: Vec<Freeze>,
    /// No reason overrides a gate that fails.
    pub never_override: bool,
    /// Blue/green pairs, and how a switch of them is watched.
    pub traffic: Switching,
}

impl Wanted {
    /// The part of the settings that this room reads. `current` is the
    /// kubeconfig's current context, which environments without one mean.
    pub fn of(config: &Config, current: Option<&str>) -> Wanted {
        let names = |texts: &[String]| texts.iter().map(|text| Name::from(text.as_str())).collect();
        let environment = |env: &crate::config::Environment| WantedEnvironment {
            name: env.name.as_str().into(),
            context: env.context.as_deref().or(current).unwrap_or_default().into(),
            namespaces: names(&env.namespaces),
            selector: env.selector.clone(),
            protected: env.protected,
            read_only: env.read_only || config.read_only,
            targets: env.targets,
            prometheus: env.prometheus.clone(),
            alertmanager: env.alertmanager.clone(),
            argocd: env.argocd.clone(),
            velero: env.velero.clone(),
            flux: env.flux.clone(),
            limits: env.limits,
        };
        Wanted {
            stages: config
                .stages
                .iter()
                .map(|stage| WantedStage {
                    name: stage.name.as_str().into(),
                    environments: stage.environments.iter().map(environment).collect(),
                })
                .collect(),
            apps: config
                .apps
                .iter()
                .map(|app| WantedApp {
                    name: app.name.as_str().into(),
                    selector: app.selector.clone(),
                    workloads: names(&app.workloads),
                    image: app.image.as_deref().map(Name::from),
                    limits: app.limits,
                })
                .collect(),
            favourites: config.metrics.favourites.clone(),
            families: config.metrics.families.iter().map(Family::of).collect(),
            limits: config.metrics.limits,
            alerts: WantedAlerts::of(config),
            freezes: config.changes.freezes.clone(),
            never_override: !config.changes.overriding,
            traffic: config.traffic.clone(),
        }
    }
}

/// The limits of charts of an app in an environment: its own, else the environment's, else those of all.
pub fn limits(wanted: &Wanted, environments: &Environments, env: EnvId, app: Option<&str>) -> Limits {
    let of_env =
        environments.get(env).and_then(|env| super::upstreams::configured(env, environments, wanted));
    let of_env = of_env.map(|env| env.limits).unwrap_or_default();
    let of_app = app.and_then(|app| wanted.apps.iter().find(|one| *one.name == *app));
    let of_app = of_app.map(|app| app.limits).unwrap_or_default();
    of_app.or(of_env).or(wanted.limits)
}

/// One stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct WantedStage {
    /// `development`, `production`...
    pub name: Name,
    /// Its environments; more than one are peers.
    pub environments: Vec<WantedEnvironment>,
}

/// One environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct WantedEnvironment {
    /// Empty: the stage's name.
    pub name: Name,
    /// The kubeconfig context; empty: the current one (the first of the world).
    pub context: Name,
    /// Namespaces by name.
    pub namespaces: Vec<Name>,
    /// Namespaces by label. With neither names nor a selector, every namespace
    /// of the context that is not the platform's own.
    pub selector: Option<Selector>,
    /// `None`: protected unless it is recognised as development or staging.
    pub protected: Option<bool>,
    /// Changes are refused.
    pub read_only: bool,
    /// The tier's recovery targets.
    pub targets: Option<Targets>,
    /// Prometheus.
    pub prometheus: Option<Monitoring>,
    /// Alertmanager.
    pub alertmanager: Option<Monitoring>,
    /// Argo CD.
    pub argocd: Option<Argocd>,
    /// Velero; `None`: in its own cluster, in whatever namespace.
    pub velero: Option<InCluster>,
    /// Flux.
    pub flux: Option<InCluster>,
    /// Limits that its charts draw.
    pub limits: Limits,
}

/// One app that is named by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct WantedApp {
    /// Its name in every environment.
    pub name: Name,
    /// Workloads that belong to it, by label.
    pub selector: Option<Selector>,
    /// Workloads that belong to it, by name; `*` stands for any text.
    pub workloads: Vec<Name>,
    /// The image that its release is read from: the repository as written or
    /// its end (`shop/cart`).
    pub image: Option<Name>,
    /// Limits that its charts draw.
    pub limits: Limits,
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Base, parse};

    #[test]
    fn the_settings_are_read_as_they_are_meant() {
        let text = "stages:\n- name: production\n  environments:\n  - name: de\n    context: gke\n    namespaces: [shop]\n  \
                    - name: eu\n    protected: false\napps:\n- name: cart\n  workloads: [cart-*]\n  image: shop/cart\n";
        let config = parse(Path::new("config.yaml"), text, &Base::default()).unwrap();
        let wanted = Wanted::of(&config, Some("here"));
        let environments = &wanted.stages[0].environments;
        let told: Vec<_> = environments.iter().map(|e| (&*e.name, &*e.context, e.protected)).collect();
        assert_eq!(told, [("de", "gke", None), ("eu", "here", Some(false))]);
        assert_eq!(environments[0].namespaces, ["shop".into()]);
        assert_eq!((&*wanted.apps[0].name, wanted.apps[0].image.as_deref()), ("cart", Some("shop/cart")));
        assert_eq!(Wanted::of(&Config::default(), Some("here")), Wanted::default());
    }
}
