//! What graphs are of: an environment, an app, a workload, a pod or a node, as the cursor says. Pure.

use crate::domain::environment::Environment;
use crate::domain::id::{EnvId, Kind, Name, ObjectRef};
use crate::domain::time::Stamp;
use crate::fleet::marks::{Known, Mark, Scope, marks};
use crate::shared::{Shared, Subject};

/// What graphs are of. The environment says which Prometheus is asked and with which matchers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// All of an environment.
    Environment(EnvId),
    /// An app in an environment.
    App(EnvId, Name),
    /// A workload.
    Workload(EnvId, ObjectRef),
    /// A pod.
    Pod(EnvId, ObjectRef),
    /// A node, seen from an environment.
    Node(EnvId, ObjectRef),
}

impl Target {
    /// What the cursor of the Bridge says: the object it is on, else the selected app, else the current environment.
    pub fn of(shared: &Shared) -> Target {
        match &shared.looked_at {
            Some(subject) => Target::of_subject(shared, subject),
            None => Target::fallback(shared),
        }
    }

    /// What a subject says.
    pub fn of_subject(shared: &Shared, subject: &Subject) -> Target {
        match subject {
            Subject::Environment(env) => Target::Environment(*env),
            Subject::App(app, env) => Target::App(env.unwrap_or(shared.current), app.clone()),
            Subject::Object(object) => {
                let env = shared.environments.of(object.cluster, &object.namespace).map(|env| env.id);
                let env = env.unwrap_or(shared.current);
                match object.kind {
                    Kind::Pod => Target::Pod(env, object.clone()),
                    Kind::Node => Target::Node(shared.current, object.clone()),
                    Kind::Deployment
                    | Kind::StatefulSet
                    | Kind::DaemonSet
                    | Kind::ReplicaSet
                    | Kind::Job
                    | Kind::CronJob
                    | Kind::Rollout => Target::Workload(env, object.clone()),
                    Kind::Application | Kind::Kustomization | Kind::HelmRelease
                        if shared.matrix.row(&object.name).is_some() =>
                    {
                        // Its object may stand elsewhere than what it delivers.
                        let delivery = shared.sync.list.iter().find(|one| one.object == *object);
                        let there = delivery.and_then(|one| one.environments.first().copied());
                        Target::App(there.unwrap_or(shared.current), object.name.clone())
                    }
                    _ => Target::fallback(shared),
                }
            }
        }
    }

    fn fallback(shared: &Shared) -> Target {
        match &shared.app {
            Some(app) => Target::App(shared.current, app.clone()),
            None => Target::Environment(shared.current),
        }
    }

    /// The environment that is asked.
    pub fn env(&self) -> EnvId {
        match self {
            Target::Environment(env)
            | Target::App(env, _)
            | Target::Workload(env, _)
            | Target::Pod(env, _)
            | Target::Node(env, _) => *env,
        }
    }

    /// The app that it is, or is a part of.
    pub fn app(&self, shared: &Shared) -> Option<Name> {
        match self.serving(shared) {
            Target::App(_, app) => Some(app),
            Target::Workload(_, object) => shared.app_of(object.cluster, object.uid),
            _ => None,
        }
    }

    /// Its name in titles.
    pub fn name(&self, shared: &Shared) -> String {
        match self {
            Target::Environment(env) => {
                shared.environments.get(*env).map_or_else(String::new, |env| env.name.to_string())
            }
            Target::App(_, app) => app.to_string(),
            Target::Workload(_, object) | Target::Pod(_, object) | Target::Node(_, object) => {
                object.name.to_string()
            }
        }
    }

    /// What serves requests where it stands: a pod's workload, since its requests are judged together and a pod that
    /// crashes serves none. Everything else is itself.
    pub fn serving(&self, shared: &Shared) -> Target {
        let Target::Pod(env, object) = self else { return self.clone() };
        let workload = || {
            let cluster = shared.world.cluster(object.cluster)?;
            let owner = shared.world.find_pod(object)?.owner.as_ref()?.uid;
            let through =
                cluster.replica_sets.get(owner).and_then(|set| set.owner.as_ref()).map(|owner| owner.uid);
            let workload = cluster.workloads.get(through.unwrap_or(owner))?;
            Some(ObjectRef {
                cluster: object.cluster,
                kind: workload.kind,
                namespace: workload.namespace.clone(),
                name: workload.name.clone(),
                uid: workload.uid,
            })
        };
        workload().map_or_else(|| self.clone(), |workload| Target::Workload(*env, workload))
    }

    /// What happened to it since then, newest first.
    pub fn marks(&self, shared: &Shared, since: Stamp) -> Vec<Mark> {
        let environment = |env: &EnvId| -> Option<&Environment> { shared.environments.get(*env) };
        let kept = shared.backups.get(self.env());
        let known = Known { world: &shared.world, syncs: &shared.sync, kept };
        match self {
            Target::Environment(env) => match environment(env) {
                Some(env) => marks(&known, Scope::Environment(env), since),
                None => Vec::new(),
            },
            Target::App(env, app) => {
                let cell = shared
                    .matrix
                    .columns
                    .iter()
                    .position(|column| column == env)
                    .and_then(|at| shared.matrix.row(app)?.cells.get(at)?.as_ref());
                cell.map_or_else(Vec::new, |cell| marks(&known, Scope::Workloads(&cell.workloads), since))
            }
            Target::Workload(_, object) => {
                marks(&known, Scope::Workloads(std::slice::from_ref(object)), since)
            }
            Target::Pod(_, object) => marks(&known, Scope::Pod(object), since),
            Target::Node(_, object) => marks(&known, Scope::Node(object.cluster, &object.name), since),
        }
    }
}
