//! Actions on the object under the cursor, the same in every pane: which of them
//! apply, why not, and which view opens.
//!
//! Nothing here changes a cluster: what does goes through `changes` to a plan. A shell is the one exception in
//! spirit: it is refused by `--read-only`, and asked about in a protected environment.

use crate::action::Action;
use crate::domain::id::{Kind, Name, ObjectRef, Uid};
use crate::domain::link::Link;
use crate::domain::meta::owner_kind;
use crate::domain::pod::{Pod, PodState};
use crate::domain::selector::Selector;
use crate::domain::sync::FLUX;
use crate::domain::workload::Workload;
use crate::effect::{Effect, LogPods, ShellRequest};
use crate::panes::views::choose::ContainerChoice;
use crate::panes::views::document::{DocumentView, What};
use crate::panes::views::events::EventsView;
use crate::panes::views::logs::{LogView, has_logs};
use crate::panes::views::node::NodeView;
use crate::panes::views::pod::PodView;
use crate::panes::views::rollout::RolloutView;
use crate::panes::views::words;
use crate::panes::{Marked, changes};
use crate::shared::{Applies, Ask, Outcome, Shared, Subject, Turn};

/// Whether an action is one of these at all.
pub fn knows(action: Action) -> bool {
    matches!(
        action,
        Action::Open
            | Action::Logs
            | Action::PreviousLogs
            | Action::Describe
            | Action::Yaml
            | Action::Events
            | Action::Rollout
            | Action::Shell
            | Action::Copy
            | Action::ToggleNamespace
    ) || changes::is_change(action)
}

/// Whether an action changes something.
pub fn changes(action: Action) -> bool {
    changes::is_change(action)
}

/// Whether a change applies to everything that is marked.
pub fn marked_applies(shared: &Shared, marked: &Marked, action: Action) -> Applies {
    if marked.gone > 0 {
        let all = marked.subjects.len() + marked.gone;
        let clear = shared.key(Action::ClearMarks);
        return no(format!("{} of {all} marked rows are gone; {clear} clears the marks.", marked.gone));
    }
    let objects = match all_objects(&marked.subjects, action) {
        Ok(objects) => objects,
        Err(why) => return no(why),
    };
    for object in &objects {
        if let Err(why) = reachable(shared, object) {
            return no(why);
        }
    }
    changes::applies_to_all(shared, &objects, action).map_or_else(no, |()| Applies::Yes)
}

/// Begins a change of everything that is marked.
pub fn change_marked(shared: &Shared, marked: &Marked, action: Action) -> Outcome {
    match all_objects(&marked.subjects, action) {
        Ok(objects) => changes::begin_all(shared, &objects, action),
        Err(_) => Outcome::none(),
    }
}

fn all_objects(marked: &[Subject], action: Action) -> Result<Vec<ObjectRef>, String> {
    let object = |subject: &Subject| match subject {
        Subject::Object(object) => Ok(object.clone()),
        _ => Err(needs(action).to_owned()),
    };
    marked.iter().map(object).collect()
}

/// Whether an action applies to what the cursor is on.
pub fn applies(shared: &Shared, subject: &Subject, action: Action) -> Applies {
    let object = match (subject, action) {
        (_, Action::Copy) => return Applies::Yes,
        (_, action) if !knows(action) => return Applies::Elsewhere,
        (Subject::Object(object), _) => object,
        (_, Action::Open) => return Applies::Elsewhere,
        (_, action) => return Applies::No(needs(action).to_owned()),
    };
    match action {
        Action::ToggleNamespace if object.kind.namespaced() => return Applies::Yes,
        Action::ToggleNamespace => return no(format!("{} is in no namespace.", words::object(object))),
        _ => {}
    }
    if let Err(why) = reachable(shared, object) {
        return no(why);
    }
    let verdict = match action {
        Action::Logs => log_pods(shared, object).map(|_| ()),
        Action::PreviousLogs => log_pods(shared, object).and_then(|_| has_restarted(shared, object)),
        Action::Rollout => workload_of(shared, object).map(|_| ()),
        Action::Shell => return shell_applies(shared, object),
        action if changes::is_change(action) => changes::applies(shared, object, action),
        // What happened to an object that is gone can still be read.
        Action::Events => Ok(()),
        _ => there(shared, object),
    };
    verdict.map_or_else(no, |()| Applies::Yes)
}

fn no(why: String) -> Applies {
    Applies::No(why)
}

/// What an action is for, when the cursor is on something else.
fn needs(action: Action) -> &'static str {
    match action {
        Action::Logs | Action::PreviousLogs => "Logs need a pod or a workload.",
        Action::Rollout => "A rollout needs a workload, or one of its pods.",
        Action::Shell => "A shell needs a pod.",
        action => match changes::kinds_of(action) {
            [] => "This needs an object of the cluster: a pod, a workload...",
            [Kind::Pod] => "This deletes a pod: put the cursor on one.",
            [Kind::Node] => "This is about a node: put the cursor on one, or on one of its pods.",
            [Kind::Service] => {
                "This switches a blue/green pair: put the cursor on its Service, or on a colour of it."
            }
            _ => "This changes a workload: put the cursor on one, or on its pod.",
        },
    }
}

/// Whether anything can be asked of the object's cluster.
pub(super) fn reachable(shared: &Shared, object: &ObjectRef) -> Result<(), String> {
    let Some(cluster) = shared.world.cluster(object.cluster) else {
        return Err("Its cluster is not known any more.".to_owned());
    };
    let context = &cluster.connection.context;
    match &cluster.connection.link {
        Link::Dim => Err(format!("{context} is not connected: {} connects it.", shared.key(Action::Connect))),
        Link::LoginNeeded { .. } => Err(format!("{context} needs a login first.")),
        _ => Ok(()),
    }
}

pub(super) fn there(shared: &Shared, object: &ObjectRef) -> Result<(), String> {
    match words::is_gone(shared, object) {
        true => Err(format!("{} is gone.", words::object(object))),
        false => Ok(()),
    }
}

/// The pods whose logs are an object's, or why there are none.
fn log_pods(shared: &Shared, object: &ObjectRef) -> Result<LogPods, String> {
    if !has_logs(object.kind) {
        return Err(needs(Action::Logs).to_owned());
    }
    there(shared, object)?;
    if object.kind == Kind::Pod {
        if let Some(pod) = shared.world.find_pod(object)
            && pod.node.is_empty()
        {
            return Err(format!("{} has no node yet, so it has no logs.", object.name));
        }
        return Ok(LogPods::One(object.name.clone()));
    }
    let unknown = || format!("Nothing is known of {} yet.", words::object(object));
    let cluster = shared.world.cluster(object.cluster).ok_or_else(unknown)?;
    if object.kind == Kind::ReplicaSet {
        let set = cluster.replica_sets.get(object.uid).ok_or_else(unknown)?;
        let of_rollout = set.owner.as_ref().is_some_and(|owner| &*owner.kind == "Rollout");
        let key = if of_rollout { "rollouts-pod-template-hash" } else { "pod-template-hash" };
        return Ok(LogPods::Selected(Selector::equal([(key.into(), set.hash.clone())])));
    }
    let workload = cluster.workloads.get(object.uid).ok_or_else(unknown)?;
    if object.kind == Kind::CronJob {
        let newest = cluster.jobs_of(workload.uid).map(|(_, job)| job).max_by_key(|job| job.created);
        let newest =
            newest.ok_or_else(|| format!("{} has no run that the cluster still keeps.", object.name))?;
        return selected(newest);
    }
    selected(workload)
}

fn selected(workload: &Workload) -> Result<LogPods, String> {
    match &workload.selector {
        Some(selector) if !selector.0.is_empty() => Ok(LogPods::Selected(selector.clone())),
        _ => Err(format!("{} does not say which pods are its own.", workload.name)),
    }
}

/// Whether a container of the object ended before, so that there are logs of it.
fn has_restarted(shared: &Shared, object: &ObjectRef) -> Result<(), String> {
    let Some(cluster) = shared.world.cluster(object.cluster) else { return Ok(()) };
    let restarted = match object.kind {
        Kind::Pod => shared.world.find_pod(object).is_none_or(|pod| pod.restarts > 0),
        _ => match cluster.workloads.get(object.uid) {
            Some(workload) => {
                let pods = cluster.pods_of(workload);
                pods.into_iter().filter_map(|slot| cluster.pods.at(slot)).any(|pod| pod.restarts > 0)
            }
            None => true,
        },
    };
    match restarted {
        true => Ok(()),
        false => Err(format!("{} has not restarted: there are no logs of before.", words::object(object))),
    }
}

/// The workload that an object is, or belongs to.
pub(super) fn workload_of(shared: &Shared, object: &ObjectRef) -> Result<ObjectRef, String> {
    there(shared, object)?;
    if object.kind.is_workload() {
        return Ok(object.clone());
    }
    let alone = || format!("{} belongs to no workload that is shown.", words::object(object));
    let cluster = shared.world.cluster(object.cluster).ok_or_else(alone)?;
    let mut owner = match object.kind {
        Kind::Pod => cluster.pods.get(object.uid).and_then(|pod| pod.owner.clone()),
        Kind::ReplicaSet => cluster.replica_sets.get(object.uid).and_then(|set| set.owner.clone()),
        _ => return Err(needs(Action::Rollout).to_owned()),
    }
    .ok_or_else(alone)?;
    if owner_kind(&owner) == Some(Kind::ReplicaSet) {
        // Pods are often there first.
        let unread = || format!("ReplicaSet {} is not known here (yet).", owner.name);
        owner = cluster.replica_sets.get(owner.uid).ok_or_else(unread)?.owner.clone().ok_or_else(alone)?;
    }
    let kind = owner_kind(&owner).filter(|kind| kind.is_workload()).ok_or_else(alone)?;
    let workload = cluster.workloads.get(owner.uid).ok_or_else(alone)?;
    Ok(ObjectRef { kind, name: workload.name.clone(), uid: workload.uid, ..object.clone() })
}

/// Whether a shell can be opened in a pod.
pub fn shell_applies(shared: &Shared, object: &ObjectRef) -> Applies {
    if object.kind != Kind::Pod {
        return no(needs(Action::Shell).to_owned());
    }
    let environment = shared.environments.of(object.cluster, &object.namespace);
    if shared.options.read_only {
        return no("Read-only: no shell.".to_owned());
    }
    if let Some(env) = environment.filter(|env| env.read_only) {
        return no(format!("{} is read-only: no shell.", env.name));
    }
    if let Err(why) = reachable(shared, object).and_then(|()| there(shared, object)) {
        return no(why);
    }
    match shared.world.find_pod(object) {
        Some(pod) if pod.state == PodState::Done => no(format!("{} has ended: no shell.", object.name)),
        Some(pod) if pod.node.is_empty() => no(format!("{} does not run yet: no shell.", object.name)),
        Some(_) => Applies::Yes,
        None => no(format!("Nothing is known of {} yet.", object.name)),
    }
}

/// Containers that a shell can be opened in: those that are there to run.
fn containers(pod: &Pod) -> Vec<Name> {
    pod.images.iter().filter(|image| !image.init).map(|image| image.container.clone()).collect()
}

/// Opens a shell in a container, or asks first where the environment is protected.
pub fn shell(shared: &Shared, object: &ObjectRef, container: Name) -> Outcome {
    let effect = Effect::Shell(ShellRequest {
        cluster: object.cluster,
        namespace: object.namespace.clone(),
        pod: object.name.clone(),
        container: container.clone(),
    });
    let what = format!("Open a shell in container {container} of {}/{}.", object.namespace, object.name);
    let (lines, word): (Vec<String>, Name) = match shared.environments.of(object.cluster, &object.namespace) {
        Some(env) if !env.protected => return Outcome::effect(effect),
        Some(env) => {
            let asked = format!("{} is protected. Type its name to go on.", env.name);
            (vec![what, asked], env.name.clone())
        }
        None => (vec![what, "Its namespace belongs to no environment. Go on?".to_owned()], "".into()),
    };
    Outcome { turn: Some(Turn::Ask(Ask { lines, word, then: vec![effect] })), ..Outcome::none() }
}

/// The kind of a word: `Deployment`, `deploy`, `deployments`.
pub fn kind_named(word: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|known| {
        [known.word(), known.short(), known.api().2].iter().any(|name| name.eq_ignore_ascii_case(word))
    })
}

/// The object that a person names as `KIND/NAME`, or `NAMESPACE/KIND/NAME`:
/// the way to what no pane lists, such as Secrets and ConfigMaps. Without a
/// namespace it is the one of the row under the cursor, else the one that rows
/// are narrowed to, else the environment's first.
pub fn named(shared: &Shared, subject: Option<&Subject>, typed: &str) -> Option<ObjectRef> {
    let parts: Vec<&str> = typed.trim().split('/').collect();
    let (namespace, kind, name) = match parts.as_slice() {
        [kind, name] => (None, *kind, *name),
        [namespace, kind, name] => (Some(Name::from(*namespace)), *kind, *name),
        _ => return None,
    };
    let kind = kind_named(kind)?;
    let environment = shared.environment()?;
    let (cluster, under_cursor) = match subject {
        Some(Subject::Object(object)) => (object.cluster, Some(object.namespace.clone())),
        _ => (environment.cluster, None),
    };
    let namespace = namespace
        .or(under_cursor)
        .or_else(|| shared.namespace.clone())
        .or_else(|| environment.scope.namespaces().first().cloned())
        .filter(|_| kind.namespaced())
        .unwrap_or_default();
    (!name.is_empty()).then(|| ObjectRef { cluster, kind, namespace, name: name.into(), uid: Uid::default() })
}

/// Opens the YAML of an object.
pub fn yaml(shared: &mut Shared, object: ObjectRef) -> Outcome {
    DocumentView::open(shared, object, What::Yaml)
}

/// Does an action that applies.
pub fn act(shared: &mut Shared, subject: &Subject, action: Action) -> Outcome {
    let Subject::Object(object) = subject else {
        return match action {
            Action::Copy => Outcome::effect(Effect::Copy(name(shared, subject))),
            _ => Outcome::none(),
        };
    };
    let object = object.clone();
    match action {
        Action::Copy => Outcome::effect(Effect::Copy(object.name.to_string())),
        Action::ToggleNamespace => {
            shared.namespace = Some(object.namespace.clone());
            Outcome::none()
        }
        Action::Open if object.kind == Kind::Pod => PodView::open(shared, object),
        Action::Open if object.kind.is_workload() => RolloutView::open(shared, object),
        Action::Open if object.kind == Kind::Node => NodeView::open(shared, object),
        Action::Open if object.kind == Kind::Application || FLUX.contains(&object.kind) => {
            crate::panes::views::sync::open(shared, &object)
        }
        Action::Open | Action::Describe => DocumentView::open(shared, object, What::Describe),
        Action::Yaml => DocumentView::open(shared, object, What::Yaml),
        Action::Events => EventsView::open(shared, object),
        Action::Logs | Action::PreviousLogs => match log_pods(shared, &object) {
            Ok(pods) => LogView::open(shared, object, pods, None, action == Action::PreviousLogs),
            Err(_) => Outcome::none(),
        },
        Action::Rollout => match workload_of(shared, &object) {
            Ok(workload) => RolloutView::open(shared, workload),
            Err(_) => Outcome::none(),
        },
        action if changes::is_change(action) => changes::begin(shared, object, action),
        Action::Shell => {
            let containers = shared.world.find_pod(&object).map(containers).unwrap_or_default();
            match <[Name; 1]>::try_from(containers) {
                Ok([container]) => shell(shared, &object, container),
                Err(containers) => ContainerChoice::open(object, containers),
            }
        }
        _ => Outcome::none(),
    }
}

fn name(shared: &Shared, subject: &Subject) -> String {
    match subject {
        Subject::Object(object) => object.name.to_string(),
        Subject::App(name, _) => name.to_string(),
        Subject::Environment(id) => {
            shared.environments.get(*id).map(|env| env.name.to_string()).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests;
