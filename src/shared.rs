//! What every pane may read, and the few things that a pane may ask for.
//!
//! Panes keep their own cursors and orders; what more than one of them needs to
//! know (the world, the environments, which one is current, which app is
//! selected, the present) stands here.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::action::Action;
use crate::change::intent::Order;
use crate::config::Notify;
use crate::domain::environment::{Environment, Environments, Group};
use crate::domain::id::{ClusterId, EnvId, Kind, Name, ObjectRef, Uid};
use crate::domain::level::Level;
use crate::domain::link::Link;
use crate::domain::sync::FLUX;
use crate::domain::time::Now;
use crate::domain::upstream::Upstream;
use crate::effect::{Channel, Effect};
use crate::fleet;
use crate::fleet::backups::KINDS as VELERO;
use crate::fleet::wanted::Wanted;
use crate::journal::Reading;
use crate::msg::{Note, RequestId};
use crate::panes::Pane;
use crate::world::World;

/// The kinds of Argo CD that are followed.
static ARGOCD: [Kind; 1] = [Kind::Application];

/// What every pane may read.
#[derive(Debug, Default)]
pub struct Shared {
    /// All facts.
    pub world: World,
    /// Graphs that were answered.
    pub graphs: fleet::Graphs,
    /// The environments, configured or inferred.
    pub environments: Environments,
    /// The current one; panes follow it.
    pub current: EnvId,
    /// Rows of all environments, not only of the current one.
    pub all_environments: bool,
    /// Rows of this namespace only.
    pub namespace: Option<Name>,
    /// The selected app; its network and its graphs are shown.
    pub app: Option<Name>,
    /// A person chose the app. Until then it is the one under the cursor of the pane in front, wherever news put it.
    pub app_chosen: bool,
    /// How well all workloads are.
    pub health: fleet::Health,
    /// The card of each environment, in their order.
    pub cards: fleet::Cards,
    /// Apps by environments.
    pub matrix: fleet::Matrix,
    /// Rises whenever the matrix may have changed.
    pub matrix_version: u64,
    /// Which Prometheus, Alertmanager and Argo CD API server each environment has.
    pub upstreams: fleet::Upstreams,
    /// Queries that the person typed, in this session and in earlier ones, oldest first.
    pub queries: Vec<Name>,
    /// What the cursor of the pane of the Bridge that has, or had, the focus is on: graphs are of it.
    pub looked_at: Option<Subject>,
    /// Alerts of all environments.
    pub alerts: fleet::alerts::Alerts,
    /// What Velero keeps of each environment.
    pub backups: fleet::Backups,
    /// What Argo CD and Flux deliver.
    pub sync: fleet::Syncs,
    /// What the settings say of environments.
    pub wanted: Wanted,
    /// What the program was started with.
    pub options: Options,
    /// The key of an action as the keymap writes it, for sentences on the screen.
    pub keys: HashMap<Action, Arc<str>>,
    /// The journal as it was read last, or why it cannot be read.
    pub journal: Option<Result<Reading, String>>,
    /// Services whose switch is watched from here, each with the colour that it is led back to where somebody asks.
    pub watched: Vec<(ObjectRef, Name)>,
    /// The present, as of the last message.
    pub now: Now,
    next_request: u64,
    /// The person chose the current environment.
    chosen: bool,
    /// What the environments were worked out from.
    derived: Option<u64>,
}

/// What the program was started with and what does not change while it runs.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `--read-only` or `readOnly: true`: nothing that changes anything, no shell.
    pub read_only: bool,
    /// The local user, for the header.
    pub user: Arc<str>,
}

impl Shared {
    /// What is known at the start.
    pub fn new(world: World, wanted: Wanted, options: Options) -> Shared {
        Shared { world, wanted, options, ..Shared::default() }
    }

    /// A number for a new question.
    pub fn new_request(&mut self) -> RequestId {
        self.next_request += 1;
        RequestId(self.next_request)
    }

    /// How to ask for an action: its key, or its name in the palette where no
    /// key is bound.
    pub fn key(&self, action: Action) -> String {
        match self.keys.get(&action) {
            Some(key) => key.to_string(),
            None => format!(":{}", action.info().name),
        }
    }

    /// Namespaces of a cluster that are known without asking it: from the
    /// configuration and from the context.
    ///
    /// Where nobody names one it is `default` alone, as for kubectl: the API tells nobody in which namespaces he has
    /// rights (a SelfSubjectRulesReview answers for one that is named).
    pub fn known_namespaces(&self, cluster: ClusterId) -> Vec<Name> {
        let mut names = self.named_namespaces(cluster);
        if names.is_empty() {
            names.push("default".into());
        }
        names
    }

    /// The namespaces of a cluster that the configuration, the context or the command line name, sorted.
    pub fn named_namespaces(&self, cluster: ClusterId) -> Vec<Name> {
        let Some(connection) = self.world.cluster(cluster).map(|c| &c.connection) else { return Vec::new() };
        let configured = self.wanted.stages.iter().flat_map(|stage| &stage.environments);
        // An environment without a context stands in the first cluster.
        let mut names: Vec<Name> = configured
            .filter(|env| env.context == connection.context || env.context.is_empty() && cluster.0 == 0)
            .flat_map(|env| env.namespaces.iter().cloned())
            .chain(std::iter::once(connection.namespace.clone()).filter(|name| !name.is_empty()))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The namespaces of a cluster in which the configuration says that Argo CD, Flux and Velero keep their objects, with
    /// the kinds of these.
    pub fn kept_in(&self, cluster: ClusterId) -> Vec<(Name, &'static [Kind])> {
        let Some(connection) = self.world.cluster(cluster).map(|c| &c.connection) else { return Vec::new() };
        let mut kept = Vec::new();
        for env in self.wanted.stages.iter().flat_map(|stage| &stage.environments) {
            let argocd = env.argocd.as_ref().map(|argocd| (&argocd.context, &argocd.namespace, &ARGOCD[..]));
            let flux = env.flux.as_ref().map(|flux| (&flux.context, &flux.namespace, &FLUX[..]));
            let velero = env.velero.as_ref().map(|velero| (&velero.context, &velero.namespace, &VELERO[..]));
            for (context, namespace, kinds) in [argocd, flux, velero].into_iter().flatten() {
                let context = context.as_deref().unwrap_or(&env.context);
                if context == &*connection.context || context.is_empty() && cluster.0 == 0 {
                    kept.push((Name::from(namespace.as_str()), kinds));
                }
            }
        }
        kept
    }

    /// The current environment.
    pub fn environment(&self) -> Option<&Environment> {
        self.environments.get(self.current)
    }

    /// Brings what follows from the world up to date: environments, cards, the
    /// release matrix. Called once before a frame.
    pub fn derive(&mut self) {
        let fingerprint = fleet::environments::fingerprint(&self.wanted, &self.world);
        if self.derived != Some(fingerprint) {
            self.derived = Some(fingerprint);
            self.derive_environments();
        }
        self.upstreams.refresh(&self.wanted, &self.environments, &self.world);
        self.derive_alerts();
        self.health.refresh(&self.world);
        self.sync.refresh(&self.wanted, &self.environments, &self.world);
        self.cards.refresh(&self.environments, &self.world, &self.health);
        if self.matrix.refresh(&self.wanted, &self.environments, &self.world, &self.health) {
            self.matrix_version += 1;
        }
        self.backups.refresh(&self.wanted, &self.environments, &self.world, self.now.wall);
    }

    /// Brings alerts up to date with what servers told; tells whether they may have changed.
    pub fn derive_alerts(&mut self) -> bool {
        let Shared { alerts, environments, world, upstreams, wanted, now, .. } = self;
        alerts.refresh(environments, world, upstreams, &wanted.alerts, now.wall)
    }

    /// What delivers the release of an app in an environment.
    pub fn delivery_of(&self, cell: &fleet::Cell) -> Option<&fleet::Delivery> {
        let object = cell.workloads.first()?;
        self.sync.of_workload(object.cluster, self.world.find_workload(object)?)
    }

    /// The servers that are asked for alerts: those of all environments whose clusters are connected or meant to be.
    pub fn alert_servers(&self) -> BTreeSet<Arc<Upstream>> {
        let pairs = self
            .environments
            .list
            .iter()
            .flat_map(|env| fleet::alerts::SERVERS.map(|server| self.upstreams.of(server, env.id).ok()));
        pairs.flatten().map(|assigned| Arc::clone(&assigned.upstream)).collect()
    }

    /// What makes the terminal tell of news, as the settings want it.
    pub fn tell(&self, text: &str) -> Vec<Effect> {
        let notify = match self.wanted.alerts.notify {
            Notify::Osc9 => Some(Channel::Osc9),
            Notify::Osc777 => Some(Channel::Osc777),
            Notify::None | Notify::Bell => None,
        };
        let bell = self.wanted.alerts.bell.then_some(Effect::Bell);
        bell.into_iter().chain(notify.map(|channel| Effect::Notify(channel, text.to_owned()))).collect()
    }

    /// The app that a workload belongs to, where the release matrix has it.
    pub fn app_of(&self, cluster: ClusterId, workload: Uid) -> Option<Name> {
        let of_it = |object: &ObjectRef| object.cluster == cluster && object.uid == workload;
        let has = |cell: &fleet::Cell| cell.workloads.iter().any(of_it);
        self.matrix.rows.iter().find(|row| row.cells.iter().flatten().any(has)).map(|row| row.app.clone())
    }

    /// Another number whenever settings or environments are others than before.
    pub fn settings_version(&self) -> u64 {
        self.derived.unwrap_or_default()
    }

    fn derive_environments(&mut self) {
        let after = fleet::environments::environments(&self.wanted, &self.world);
        let kept = self.chosen.then(|| fleet::environments::follow(&self.environments, self.current, &after));
        self.current = kept.flatten().unwrap_or_else(|| self.first_environment(&after));
        self.environments = after;
    }

    /// Makes an environment the current one.
    pub fn choose(&mut self, id: EnvId) {
        self.current = id;
        self.chosen = true;
        self.all_environments = false;
        self.namespace = None;
    }

    /// The first environment that a person would look at: the last connected
    /// one of the promotion order, since that is where it hurts most; else the
    /// namespaces that no word places before those of the platform itself, where
    /// on a new cluster nothing runs yet.
    fn first_environment(&self, environments: &Environments) -> EnvId {
        let connected = |env: &&Environment| {
            self.world.cluster(env.cluster).is_some_and(|c| c.connection.link != Link::Dim)
        };
        let list = &environments.list;
        list.iter()
            .filter(|env| env.group == Group::Stage)
            .rfind(connected)
            .or_else(|| list.iter().filter(connected).find(|env| env.group == Group::Other))
            .or_else(|| list.iter().find(connected))
            .map_or(EnvId(0), |env| env.id)
    }

    /// Whether rows of this namespace of this cluster are shown: the current
    /// environment or all, narrowed to one namespace where asked for.
    pub fn shows(&self, cluster: ClusterId, namespace: &str) -> bool {
        if self.namespace.as_deref().is_some_and(|wanted| wanted != namespace) {
            return false;
        }
        self.all_environments
            || self.environment().is_some_and(|env| env.cluster == cluster && env.scope.contains(namespace))
    }
}

/// What the cursor is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An object of a cluster.
    Object(ObjectRef),
    /// An environment's card.
    Environment(EnvId),
    /// An app, in one environment or as a whole.
    App(Name, Option<EnvId>),
}

/// Whether an action applies to what a pane shows now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applies {
    /// It does.
    Yes,
    /// It does not, for this reason: a sentence for the screen.
    No(String),
    /// The pane has nothing to do with it: somebody else may.
    Elsewhere,
}

/// What follows from an action.
#[derive(Debug, Default)]
pub struct Outcome {
    /// To be done by the runtime.
    pub effects: Vec<Effect>,
    /// Views to change.
    pub turn: Option<Turn>,
    /// To be said in a toast.
    pub note: Option<Note>,
}

/// A change of view.
#[derive(Debug)]
pub enum Turn {
    /// Open a view on top of what is shown.
    Open(Box<dyn Pane>),
    /// Open a view in the place of the topmost one, which is closed.
    Replace(Box<dyn Pane>),
    /// Close the topmost view.
    Close,
    /// Show the focused pane of the Bridge on the whole screen.
    Zoom,
    /// Focus a pane of the Bridge.
    Focus(crate::panes::PaneId),
    /// Ask for one word or a yes before going on.
    Ask(Ask),
    /// Close the topmost view, then ask.
    CloseAndAsk(Ask),
    /// Begin to change something: ask how, or plan it.
    Change(Box<Begin>),
}

/// A change that a person has begun to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// All is said: plan it.
    Plan(Order),
    /// How many.
    Number {
        /// The order without the number.
        order: Order,
        /// So many are wanted now.
        replicas: u32,
        /// The autoscaler that rules the number, with its limits.
        ruled_by: Option<(Name, u32, u32)>,
    },
    /// Which revision.
    Revision {
        /// The order without the revision.
        order: Order,
        /// Revisions to go back to, newest first, with what each runs.
        revisions: Vec<(u64, String)>,
    },
    /// Which revision, of those that a controller keeps and nobody watches: they are read first. The order without it.
    Kept(Order),
    /// Which of several changes.
    Which {
        /// An order each.
        orders: Vec<Order>,
    },
}

/// A question to the person before a shell is opened in a protected environment.
#[derive(Debug)]
pub struct Ask {
    /// What is asked, one line each.
    pub lines: Vec<String>,
    /// What must be typed; empty means `y`.
    pub word: Name,
    /// What is done then.
    pub then: Vec<Effect>,
}

impl Outcome {
    /// Nothing follows.
    pub fn none() -> Outcome {
        Outcome::default()
    }

    /// One effect follows.
    pub fn effect(effect: Effect) -> Outcome {
        Outcome { effects: vec![effect], ..Outcome::default() }
    }

    /// A view opens, with the effects that feed it.
    pub fn open(view: Box<dyn Pane>, effects: Vec<Effect>) -> Outcome {
        Outcome { effects, turn: Some(Turn::Open(view)), note: None }
    }

    /// Only something to say.
    pub fn say(level: Level, text: impl Into<String>) -> Outcome {
        Outcome { note: Some(Note { level, text: text.into() }), ..Outcome::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::testing::world;

    #[test]
    fn what_runs_is_looked_at_before_the_platform_and_production_before_both() {
        let first = |namespaces: &[&str]| {
            let world = world(&[("admin", namespaces)]);
            let mut shared = Shared::new(world, Wanted::default(), Options::default());
            shared.derive();
            shared.environment().map(|env| env.name.to_string()).unwrap_or_default()
        };
        assert_eq!(first(&["kube-system", "shop"]), "other");
        assert_eq!(first(&["kube-system"]), "platform");
        assert!(first(&["kube-system", "shop", "shop-staging", "shop-prod"]).contains("prod"));
    }
}
