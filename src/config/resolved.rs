//! The configuration as meant: defaults filled in, paths made whole, tiers looked up. What the rest of the program
//! reads; it knows no YAML.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::alerts::{Alerts, Notify};
use super::metrics::{Limits, Metrics};
use super::raw::{GroundChoice, RawApp, RawConfig, RawEnvironment, RawTier, RawUi, SymbolChoice, TIERS};
use super::raw_services::{RawAddress, RawArgocd, RawInCluster, RawMonitoring, RawSecret};
use crate::domain::environment::Targets;
use crate::domain::freeze::Freeze;
use crate::domain::selector::Selector;
use crate::domain::traffic::Switching;
use crate::theme::{self, Depth};

/// Everything that can be configured.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Stages in promotion order; empty when environments are to be inferred.
    pub stages: Vec<Stage>,
    /// Apps named by hand.
    pub apps: Vec<App>,
    /// Contexts that connect at start besides the current one.
    pub connect: Vec<String>,
    /// What severities of alerts mean.
    pub alerts: Alerts,
    /// Recovery targets by tier.
    pub tiers: Vec<(String, Targets)>,
    /// Look and feel.
    pub ui: Ui,
    /// Every change is refused.
    pub read_only: bool,
    /// Queries that the person keeps, families of series, limits.
    pub metrics: Metrics,
    /// What stands in the way of changes.
    pub changes: Changes,
    /// Blue/green pairs, and how a switch of them is watched.
    pub traffic: Switching,
}

/// What stands in the way of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// Whether a typed reason overrides a gate that fails.
    pub overriding: bool,
    /// When nothing is to be changed.
    pub freezes: Vec<Freeze>,
}

/// A stage with its peers.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// At least one.
    pub environments: Vec<Environment>,
}

/// An environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Environment {
    /// Its name, unique in the file.
    pub name: String,
    /// Its kubeconfig context; `None` is the current one.
    pub context: Option<String>,
    /// Its namespaces by name; with none of them and no selector, all but the platform's own.
    pub namespaces: Vec<String>,
    /// Its namespaces by label.
    pub selector: Option<Selector>,
    /// Whether changes want its name typed; `None` leaves it to what the name says.
    pub protected: Option<bool>,
    /// Changes are refused.
    pub read_only: bool,
    /// Name of its tier.
    pub tier: Option<String>,
    /// Its tier's targets.
    pub targets: Option<Targets>,
    /// Prometheus.
    pub prometheus: Option<Monitoring>,
    /// Alertmanager.
    pub alertmanager: Option<Monitoring>,
    /// Argo CD.
    pub argocd: Option<Argocd>,
    /// Flux.
    pub flux: Option<InCluster>,
    /// Velero.
    pub velero: Option<InCluster>,
    /// The repository it is delivered from.
    pub gitops: Option<Gitops>,
    /// Limits that its charts draw.
    pub limits: Limits,
}

impl Environment {
    /// The contexts that it needs: its own, and those that Argo CD, Flux and Velero stand on where they are named.
    pub fn contexts(&self) -> impl Iterator<Item = &str> {
        let argocd = self.argocd.as_ref().and_then(|argocd| argocd.context.as_deref());
        let others =
            [&self.flux, &self.velero].map(|other| other.as_ref().and_then(|one| one.context.as_deref()));
        [self.context.as_deref(), argocd].into_iter().chain(others).flatten()
    }
}

/// An app named by hand.
#[derive(Debug, Clone, PartialEq)]
pub struct App {
    /// Its name in every environment.
    pub name: String,
    /// Its workloads by label.
    pub selector: Option<Selector>,
    /// Its workloads by name; `*` stands for any text.
    pub workloads: Vec<String>,
    /// The image repository that its release is read from, whole or its end.
    pub image: Option<String>,
    /// Limits that its charts draw.
    pub limits: Limits,
}

/// Look and feel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ui {
    /// Name or path of the theme, or `auto`.
    pub theme: String,
    /// How the terminal's ground is learnt, for the theme `auto`.
    pub ground: GroundChoice,
    /// Name or path of the keymap.
    pub keymap: String,
    /// Which signs.
    pub symbols: SymbolChoice,
    /// Whether the mouse is captured (the terminal's own selection then needs shift).
    pub mouse: bool,
    /// How many colours; `None` asks the environment.
    pub colour: Option<Depth>,
    /// Ring the terminal's bell on news that want a person.
    pub bell: bool,
    /// Tell of such news by a notification of the terminal.
    pub notify: Notify,
}

/// Where a monitoring service is and how to be let in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Monitoring {
    /// Its address; `None`: look for it in the cluster.
    pub at: Option<RawAddress>,
    /// Labels that tell this environment's series from others'; added to every query.
    pub matchers: Vec<(String, String)>,
    /// Headers to send.
    pub headers: Vec<(String, Secret)>,
    /// File with a bearer token, read anew when it changes.
    pub bearer_token_file: Option<PathBuf>,
    /// User name and password file.
    pub basic_auth: Option<(String, PathBuf)>,
    /// Certificate authority to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Tenant of a shared store, sent as X-Scope-OrgID.
    pub tenant: Option<String>,
}

/// Where a value comes from that may be secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Secret {
    /// Here; it is none.
    Plain(String),
    /// The content of a file.
    File(PathBuf),
    /// The value of an environment variable.
    Env(String),
}

/// Argo CD.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Argocd {
    /// Its context; `None` is the environment's own.
    pub context: Option<String>,
    /// Namespace of its Applications.
    pub namespace: String,
    /// Its API server, for what the objects alone do not tell.
    pub url: Option<String>,
    /// File with its token.
    pub token_file: Option<PathBuf>,
    /// Headers to send to it.
    pub headers: Vec<(String, Secret)>,
    /// Certificate authority to trust besides the system's.
    pub ca_file: Option<PathBuf>,
}

/// Something that lives in a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InCluster {
    /// Its context; `None` is the environment's own.
    pub context: Option<String>,
    /// Its namespace.
    pub namespace: String,
}

/// A Git repository of manifests.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Gitops {
    /// What `git clone` takes.
    pub url: String,
    /// The branch that is delivered; `None` is the repository's default.
    pub branch: Option<String>,
    /// The environment's folder in it; empty is the whole repository.
    pub path: String,
}

/// What relative paths and `~` mean.
#[derive(Debug, Clone, Default)]
pub struct Base {
    /// The folder of the configuration file.
    pub folder: PathBuf,
    /// The person's home.
    pub home: Option<PathBuf>,
}

impl Base {
    fn path(&self, text: &str) -> PathBuf {
        match (text.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => self.folder.join(Path::new(text)),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Config::resolve(RawConfig::default(), &Base::default())
    }
}

impl Config {
    /// Fills in what was not written.
    #[must_use]
    pub fn resolve(raw: RawConfig, base: &Base) -> Config {
        let tiers = resolve_tiers(&raw.tiers);
        let stages = raw.stages.into_iter().map(|stage| Stage {
            environments: stage
                .environments
                .into_iter()
                .map(|env| resolve_environment(env, &stage.name, &tiers, base))
                .collect(),
            name: stage.name,
        });
        Config {
            stages: stages.collect(),
            apps: raw.apps.into_iter().map(App::from).collect(),
            connect: raw.connect,
            alerts: Alerts::from(raw.alerts),
            ui: Ui::from(raw.ui),
            read_only: raw.read_only.unwrap_or(false),
            metrics: raw.metrics,
            changes: Changes {
                overriding: raw.changes.overriding.unwrap_or(true),
                freezes: raw.changes.freezes,
            },
            traffic: raw.traffic.resolve(),
            tiers,
        }
    }

    /// Every environment of every stage.
    pub fn environments(&self) -> impl Iterator<Item = &Environment> {
        self.stages.iter().flat_map(|stage| &stage.environments)
    }
}

/// The built-in tiers with what the file changes, then the file's own.
fn resolve_tiers(raw: &[(String, RawTier)]) -> Vec<(String, Targets)> {
    let mut tiers: Vec<(String, Targets)> = TIERS
        .iter()
        .map(|(name, rpo, rto)| {
            ((*name).to_owned(), Targets { rpo: Duration::from_secs(*rpo), rto: Duration::from_secs(*rto) })
        })
        .collect();
    for (name, tier) in raw {
        match (tiers.iter_mut().find(|(n, _)| n == name), tier) {
            (Some((_, targets)), tier) => {
                targets.rpo = tier.rpo.unwrap_or(targets.rpo);
                targets.rto = tier.rto.unwrap_or(targets.rto);
            }
            (None, RawTier { rpo: Some(rpo), rto: Some(rto) }) => {
                tiers.push((name.clone(), Targets { rpo: *rpo, rto: *rto }));
            }
            // The reader has recorded that one of them is missing.
            (None, _) => {}
        }
    }
    tiers
}

fn resolve_environment(
    raw: RawEnvironment,
    stage: &str,
    tiers: &[(String, Targets)],
    base: &Base,
) -> Environment {
    let targets = raw.tier.as_ref().and_then(|tier| tiers.iter().find(|(name, _)| name == tier));
    Environment {
        name: raw.name.unwrap_or_else(|| stage.to_owned()),
        context: raw.context,
        namespaces: raw.namespaces,
        selector: raw.selector,
        protected: raw.protected,
        read_only: raw.read_only.unwrap_or(false),
        targets: targets.map(|(_, targets)| *targets),
        tier: raw.tier,
        prometheus: raw.prometheus.map(|m| resolve_monitoring(m, base)),
        alertmanager: raw.alertmanager.map(|m| resolve_monitoring(m, base)),
        argocd: raw.argocd.map(|a| resolve_argocd(a, base)),
        flux: raw.flux.map(|i| resolve_in_cluster(i, "flux-system")),
        velero: raw.velero.map(|i| resolve_in_cluster(i, "velero")),
        gitops: raw
            .gitops
            .and_then(|g| Some(Gitops { url: g.url?, branch: g.branch, path: g.path.unwrap_or_default() })),
        limits: raw.limits,
    }
}

fn resolve_monitoring(raw: RawMonitoring, base: &Base) -> Monitoring {
    Monitoring {
        at: raw.at,
        matchers: raw.matchers,
        headers: resolve_headers(raw.headers, base),
        bearer_token_file: raw.bearer_token_file.map(|f| base.path(&f)),
        basic_auth: raw.basic_auth.map(|(user, file)| (user, base.path(&file))),
        ca_file: raw.ca_file.map(|f| base.path(&f)),
        tenant: raw.tenant,
    }
}

fn resolve_argocd(raw: RawArgocd, base: &Base) -> Argocd {
    Argocd {
        context: raw.context,
        namespace: raw.namespace.unwrap_or_else(|| "argocd".to_owned()),
        url: raw.url,
        token_file: raw.token_file.map(|f| base.path(&f)),
        headers: resolve_headers(raw.headers, base),
        ca_file: raw.ca_file.map(|f| base.path(&f)),
    }
}

fn resolve_headers(raw: Vec<(String, RawSecret)>, base: &Base) -> Vec<(String, Secret)> {
    let secret = |value| match value {
        RawSecret::Plain(text) => Secret::Plain(text),
        RawSecret::File(file) => Secret::File(base.path(&file)),
        RawSecret::Env(name) => Secret::Env(name),
    };
    raw.into_iter().map(|(name, value)| (name, secret(value))).collect()
}

fn resolve_in_cluster(raw: RawInCluster, namespace: &str) -> InCluster {
    InCluster { context: raw.context, namespace: raw.namespace.unwrap_or_else(|| namespace.to_owned()) }
}

impl From<RawApp> for App {
    fn from(raw: RawApp) -> App {
        let RawApp { name, selector, workloads, image, limits } = raw;
        App { name, selector, workloads, image, limits }
    }
}

impl From<RawUi> for Ui {
    fn from(raw: RawUi) -> Ui {
        Ui {
            theme: raw.theme.unwrap_or_else(|| theme::AUTO.to_owned()),
            ground: raw.ground.unwrap_or_default(),
            keymap: raw.keymap.unwrap_or_else(|| "default".to_owned()),
            symbols: raw.symbols.unwrap_or_default(),
            mouse: raw.mouse.unwrap_or(false),
            colour: raw.colour.unwrap_or(None),
            bell: raw.bell.unwrap_or(false),
            notify: raw.notify.unwrap_or_default(),
        }
    }
}
