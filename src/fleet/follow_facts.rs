//! What is known now of a revision's way: an Application or Flux object, and the workloads, ReplicaSets, pods and
//! endpoints that live, put together as [`Facts`].

use super::follow::{Delivery, Ends, Facts, Roll, Stuck};
use super::sync_truth::{BLOCKED, Finding};
use super::{network, sync_tree};
use crate::domain::id::{ClusterId, Kind, ObjectRef};
use crate::domain::level::Level;
use crate::domain::meta::Condition;
use crate::domain::pod::Pod;
use crate::domain::sync_detail::{AppDetail, FluxDetail, Lookup, Operation, ResourceId};
use crate::domain::time::Stamp;
use crate::domain::workload::{More, ReplicaSet, Workload};
use crate::world::{ClusterWorld, World};

/// What a revision gave a new template shows it within so many seconds after its application ended: a ReplicaSet at once,
/// the pods of a StatefulSet when those before them have gone.
const SHOWN_WITHIN: i64 = 120;

/// Facts of an Application. `findings` are its own ([`super::sync_truth::findings`]); `cluster` is where its objects
/// are.
pub fn of_app(
    app: &AppDetail,
    world: &World,
    cluster: Option<ClusterId>,
    findings: &[Finding],
    windows_allow: Option<bool>,
    now: Stamp,
) -> Facts {
    let delivery = delivery(app, windows_allow, now);
    let applied = match &delivery {
        Delivery::Done(ended) => app_begun(app).zip(*ended),
        _ => None,
    };
    let resources: Vec<(&ResourceId, bool)> =
        app.resources.iter().map(|resource| (&resource.id, &*resource.status != "OutOfSync")).collect();
    // What was not applied brings nothing, whatever rolls. What differs may have been changed in the cluster: only its
    // time tells who began it.
    let is_done = matches!(delivery, Delivery::Done(_));
    let brought = |came: &Came| {
        let then = |(begun, ended): (Stamp, Stamp)| match came.since.filter(|since| begun <= *since) {
            Some(since) => since <= ended.plus(SHOWN_WITHIN),
            None => came.is_awaited,
        };
        is_done && (came.as_wanted || applied.is_some_and(then))
    };
    let (rolls, ends) = live(world, cluster, &resources, &brought);
    let commit = match &app.server {
        Lookup::Known(server) => server.commit.clone(),
        _ => None,
    };
    let error = |kind: &str| app.conditions.iter().find(|condition| &*condition.kind == kind);
    let unreadable = ["ComparisonError", "InvalidSpecError", "UnknownError"].into_iter().find_map(error);
    Facts {
        revision: app.revisions.clone(),
        commit,
        compared: app.reconciled,
        refreshing: app.refresh.is_some(),
        unreadable: unreadable.map(|condition| {
            let way = "Mend what the message names, in Git or in the application's source.";
            Stuck::new(format!("{}: {}", condition.kind, condition.message), way)
        }),
        synced: match &*app.sync {
            "Synced" => Some(true),
            "OutOfSync" => Some(false),
            _ => None,
        },
        delivery,
        begun: app_begun(app),
        held: held(app, findings),
        nothing_new: is_idle(app) && findings.iter().any(|finding| finding.drift),
        rolls,
        ends,
        health: app.health.clone(),
        health_since: app.health_since,
        suspended: app.skips,
    }
}

/// What holds the sync back, from the findings on an application where nothing runs.
fn held(app: &AppDetail, findings: &[Finding]) -> Option<Stuck> {
    let found = findings.iter().find(|finding| finding.level == Level::Warning).filter(|_| is_idle(app))?;
    Some(Stuck::new(&*found.says, &*found.way))
}

fn is_idle(app: &AppDetail) -> bool {
    app.requested.is_none() && app.operation.as_ref().is_none_or(|operation| !operation.is_running())
}

fn is_for(app: &AppDetail, operation: &Operation) -> bool {
    let tried =
        if operation.revisions.is_empty() { &operation.request.revisions } else { &operation.revisions };
    let newer = app.reconciled.zip(operation.started).is_none_or(|(compared, started)| started >= compared);
    // A running operation that names none takes the newest.
    if tried.is_empty() { operation.is_running() || newer } else { *tried == app.revisions }
}

/// When the newest revision began to be applied: by the running or last operation, else by the history.
fn app_begun(app: &AppDetail) -> Option<Stamp> {
    let operation = app.operation.as_ref().filter(|operation| is_for(app, operation));
    let whole =
        operation.filter(|operation| operation.request.heal_attempts == 0 && !operation.request.dry_run);
    let entry = app.history.iter().rev().find(|entry| entry.revisions == app.revisions);
    whole.and_then(|operation| operation.started).or_else(|| entry.and_then(|entry| entry.started))
}

fn delivery(app: &AppDetail, windows_allow: Option<bool>, now: Stamp) -> Delivery {
    let recorded = || {
        let entry = app
            .history
            .iter()
            .rev()
            .find(|entry| entry.revisions == app.revisions && !app.revisions.is_empty());
        // Out of sync by a change in the cluster: this revision was delivered once.
        entry.map_or(Delivery::None, |entry| Delivery::Done(entry.deployed))
    };
    let Some(operation) = app.operation.as_ref().filter(|operation| is_for(app, operation)) else {
        return if app.requested.is_some() { Delivery::Asked } else { recorded() };
    };
    match &*operation.phase {
        "Succeeded" if operation.request.dry_run => recorded(),
        "Succeeded" if operation.request.heal_attempts > 0 => match recorded() {
            Delivery::None => Delivery::Done(operation.finished),
            done => done,
        },
        "Succeeded" => Delivery::Done(operation.finished),
        // It was brought in before, and is in place: a later try that failed or was stopped took nothing away.
        "Failed" | "Error" if app.is_well() && recorded() != Delivery::None => recorded(),
        "Failed" | "Error" => {
            let way = if app.automated.is_some() {
                "Auto-sync does not try this revision again: mend it in Git, or the cause, and sync."
            } else {
                "Mend it in Git, or the cause in the cluster, and sync again."
            };
            Delivery::Failed(operation.finished.or(operation.started), Stuck::new(failure(operation), way))
        }
        "Running" if operation.message == BLOCKED => {
            let fresh = operation.started.is_some_and(|at| now.since(at) < 5);
            if windows_allow != Some(false) && fresh {
                return running(operation);
            }
            let stuck = Stuck::new(
                "A sync window holds it back.",
                "It goes on by itself after the window opens; see the project.",
            );
            Delivery::Hindered(operation.started, stuck)
        }
        "Running" if operation.waits_for_retry() => {
            let why = format!(
                "Attempt {} failed, the next one waits: {}",
                operation.retries + 1,
                failure(operation)
            );
            Delivery::Hindered(
                operation.started,
                Stuck::new(why, "Mend the cause; it tries again by itself."),
            )
        }
        "Terminating" => Delivery::Hindered(operation.started, Stuck::new("It is being ended.", "")),
        _ => running(operation),
    }
}

fn failure(operation: &Operation) -> String {
    let failed = operation.results.iter().find(|result| {
        &*result.status == "SyncFailed"
            || (!result.hook_type.is_empty() && matches!(&*result.hook_phase, "Failed" | "Error"))
    });
    match failed {
        Some(result) => format!("{}: {}", result.id.words(), result.message),
        None => operation.message.clone(),
    }
}

fn running(operation: &Operation) -> Delivery {
    let all = operation.results.len();
    let done = operation.results.iter().filter(|result| &*result.hook_phase != "Running").count();
    Delivery::Running { since: operation.started, message: operation.message.clone(), done: (done, all) }
}

/// Facts of a Flux object.
pub fn of_flux(flux: &FluxDetail, world: &World, cluster: Option<ClusterId>) -> Facts {
    let resources: Vec<(&ResourceId, bool)> = flux.inventory.iter().map(|id| (id, true)).collect();
    let (rolls, ends) = live(world, cluster, &resources, &|_| true);
    let condition = |kind: &str| flux.conditions.iter().find(|condition| &*condition.kind == kind);
    let ready = condition("Ready");
    let source = flux.source_facts.known();
    let artifact = source.and_then(|source| source.artifact.as_ref()).or(flux.artifact.as_ref());
    // A chart's version is compared with a chart's version, a commit with a commit.
    let wanted = match (artifact, flux.kind) {
        (Some(artifact), kind) if kind != Kind::HelmRelease => artifact.revision.clone(),
        _ if !flux.attempted.is_empty() => flux.attempted.clone(),
        _ => flux.applied.clone(),
    };
    let source_failed = source
        .and_then(|source| source.conditions.iter().find(|c| &*c.kind == "Ready" && &*c.status == "False"));
    let is_source = !matches!(flux.kind, Kind::Kustomization | Kind::HelmRelease);
    let behind = flux.generation != flux.observed && flux.observed != 0;
    let applied = is_source || (wanted == flux.applied && !behind);
    let reconciling = condition("Reconciling").filter(|c| c.is_true());
    let stalled = condition("Stalled").filter(|c| c.is_true());
    // Something newer may be there that nobody can read.
    let readable = source_failed.is_none();
    let failed = ready.filter(|c| &*c.status == "False");
    let tried = flux.attempted == wanted || is_source;
    let delivery = match (stalled, failed, reconciling) {
        (Some(stalled), ..) => Delivery::Failed(stalled.since, told(stalled)),
        (None, Some(failed), Some(_)) if tried => Delivery::Hindered(failed.since, told(failed)),
        (None, Some(failed), None) if tried => Delivery::Failed(failed.since, told(failed)),
        (_, _, Some(reconciling)) => Delivery::Running {
            since: reconciling.since,
            message: reconciling.message.to_string(),
            done: (0, 0),
        },
        _ if flux.requested.is_some() || behind => Delivery::Asked,
        _ if applied => {
            let released = flux.history.first().and_then(|release| release.first);
            Delivery::Done(released.or_else(|| ready.and_then(|ready| ready.since)))
        }
        _ => Delivery::None,
    };
    // What is applied and tried already is reconciled every few minutes: that brings nothing. A chart of the same version may
    // bring other values, which is told only while it does.
    let acts =
        reconciling.is_some_and(|c| flux.kind == Kind::HelmRelease && c.message.starts_with("Running '"));
    let again = matches!(delivery, Delivery::Running { .. } | Delivery::Asked) && !acts;
    let health = match (ready.map_or("", |c| &*c.status), failed) {
        ("True", _) if flux.suspended => "Suspended",
        ("True", _) => "Healthy",
        (_, Some(_)) => "Degraded",
        _ => "Progressing",
    };
    Facts {
        revision: if wanted.is_empty() { Vec::new() } else { vec![wanted] },
        commit: None,
        compared: artifact.and_then(|artifact| artifact.updated),
        refreshing: flux.requested.is_some(),
        unreadable: source_failed.map(told),
        synced: Some(applied),
        delivery,
        begun: None,
        held: None,
        nothing_new: again && applied && tried && readable && !is_source,
        rolls,
        ends,
        health: health.into(),
        health_since: ready.and_then(|ready| ready.since),
        suspended: flux.suspended,
    }
}

fn told(condition: &Condition) -> Stuck {
    let why = match (condition.reason.is_empty(), condition.message.is_empty()) {
        (true, _) => condition.message.to_string(),
        (false, true) => condition.reason.to_string(),
        (false, false) => format!("{}: {}", condition.reason, condition.message),
    };
    Stuck::new(why, "The conditions say what it means and what to do.")
}

/// What tells who brought a workload's newest template.
struct Came {
    /// The object is as the newest revision wants it.
    as_wanted: bool,
    /// When the template came: its ReplicaSet, or the first pod of it that we saw.
    since: Option<Stamp>,
    /// Pods of a template before are still to go, and only a pod can tell when the newest one came: it may have none yet,
    /// while the first pod before it takes its time to end. An older change by hand that still rolls out looks the same,
    /// and is taken for the revision's.
    is_awaited: bool,
}

/// The rollouts and endpoints of what is delivered: each object with whether it is as wanted. `brought` tells whether the
/// newest revision brought its template.
fn live(
    world: &World,
    cluster: Option<ClusterId>,
    resources: &[(&ResourceId, bool)],
    brought: &dyn Fn(&Came) -> bool,
) -> (Vec<Roll>, Vec<Ends>) {
    let (mut rolls, mut ends) = (Vec::new(), Vec::new());
    let Some((id, cluster)) = cluster.and_then(|id| Some((id, world.cluster(id)?))) else {
        return (rolls, ends);
    };
    for (_, workload) in cluster.workloads.iter() {
        let kinds =
            matches!(workload.kind, Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::Rollout);
        let delivered = resources.iter().filter(|_| kinds).find(|(id, _)| {
            *id.kind == *workload.kind.word()
                && id.namespace == workload.namespace
                && id.name == workload.name
        });
        let Some((_, as_wanted)) = delivered else { continue };
        // What is scaled to zero rolls nothing out.
        if workload.desired == 0 && workload.current == 0 {
            continue;
        }
        let object = ObjectRef {
            cluster: id,
            kind: workload.kind,
            namespace: workload.namespace.clone(),
            name: workload.name.clone(),
            uid: workload.uid,
        };
        let mut roll = roll(world, cluster, workload, &object);
        let of_pods = || cluster.revisions_of(workload.uid).iter().map(|revision| revision.since).max();
        let by_pods = matches!(workload.kind, Kind::StatefulSet | Kind::DaemonSet);
        roll.brought = brought(&Came {
            as_wanted: *as_wanted,
            since: roll.begun.or_else(of_pods),
            // More pods of one template are no rollout.
            is_awaited: by_pods && !roll.settled && roll.old > 0,
        });
        for service in network::services_of(cluster, workload) {
            let Some(found) = sync_tree::endpoints(cluster, &service.namespace, &service.name) else {
                continue;
            };
            ends.push(Ends {
                service: service.name.clone(),
                ready: found.ready,
                terminating: found.terminating,
                new_ready: roll.new_ready,
                old: roll.old,
            });
        }
        rolls.push(roll);
    }
    rolls.sort_by(|a, b| a.name.cmp(&b.name));
    ends.sort_by(|a, b| a.service.cmp(&b.service));
    (rolls, ends)
}

fn roll(world: &World, cluster: &ClusterWorld, workload: &Workload, object: &ObjectRef) -> Roll {
    let sets = world.replica_sets_of(object);
    let newest: Option<&ReplicaSet> = match &workload.more {
        More::Rollout(more) => sets.iter().find(|set| set.hash == more.current_hash).copied(),
        _ => sets.first().copied(),
    };
    let (new, new_ready) = match newest {
        Some(set) => (set.current, set.ready),
        None => (workload.updated, workload.ready.min(workload.updated)),
    };
    let old = match newest {
        Some(newest) => sets.iter().filter(|set| set.uid != newest.uid).map(|set| set.current).sum(),
        None => workload.current.saturating_sub(workload.updated),
    };
    let pods = cluster.pods_of(workload).into_iter().filter_map(|slot| cluster.pods.at(slot));
    let fresh =
        |pod: &&Pod| newest.is_none_or(|set| pod.owner.as_ref().is_some_and(|owner| owner.uid == set.uid));
    let fresh: Vec<&Pod> = pods.filter(fresh).collect();
    let progressing = workload.condition("Progressing");
    let over =
        progressing.filter(|c| &*c.reason == "NewReplicaSetAvailable").and_then(|c| c.updated.or(c.since));
    let rolling = workload.is_rolling() && !sync_tree::rests_by_strategy(workload);
    let seen = workload.observed >= workload.generation && workload.observed > 0;
    let replaced = match workload.kind {
        Kind::Deployment => over.is_some() && old == 0,
        Kind::StatefulSet | Kind::DaemonSet => workload.current <= workload.updated,
        _ => false,
    };
    Roll {
        name: format!("{}/{}", workload.kind.short(), workload.name),
        desired: workload.desired,
        new,
        new_ready,
        old,
        rolling,
        settled: !rolling || seen && replaced && workload.updated >= workload.desired,
        begun: newest.map(|set| set.created),
        over,
        stuck: stuck(workload, rolling, &fresh),
        brought: false,
    }
}

/// What stops a rollout: its own conditions, else the worst of its new pods.
fn stuck(workload: &Workload, rolling: bool, fresh: &[&Pod]) -> Option<Stuck> {
    let worst = fresh.iter().filter(|pod| pod.level() == Level::Critical).max_by_key(|pod| pod.restarts);
    let pod_words = worst.map(|pod| {
        let exit = match &pod.last_exit {
            Some(exit) if exit.code != 0 => format!(" ({} {})", exit.reason, exit.code),
            _ => String::new(),
        };
        let alike = fresh.iter().filter(|other| other.level() == Level::Critical).count();
        format!("{alike} of {} new pods: {}{exit}", fresh.len(), pod.status)
    });
    let name = format!("{}/{}", workload.kind.short(), workload.name);
    if let Some(condition) = workload.condition("ReplicaFailure").filter(|c| c.is_true()) {
        let way = "A quota is used up, or an admission rule refuses the pods.";
        return Some(Stuck::new(format!("{name}: pods cannot be created: {}", condition.message), way));
    }
    if workload.condition("Progressing").is_some_and(|c| &*c.reason == "ProgressDeadlineExceeded") {
        let why = pod_words.map_or_else(String::new, |words| format!(": {words}"));
        let way = "It does not go back by itself: revert in Git, or mend what stops the new pods (their logs say why).";
        return Some(Stuck::new(format!("{name} made no progress within its deadline{why}"), way));
    }
    if let More::Rollout(more) = &workload.more
        && (more.aborted || &*more.phase == "Paused")
    {
        let word = if more.aborted { "was given up" } else { "is paused" };
        let message = if more.message.is_empty() { String::new() } else { format!(": {}", more.message) };
        return Some(Stuck::new(format!("{name} {word}{message}"), "Promote it, or go back."));
    }
    if workload.paused && rolling {
        return Some(Stuck::new(format!("{name} is paused"), "Resume it."));
    }
    let words = pod_words.filter(|_| rolling || workload.available < workload.desired)?;
    Some(Stuck::new(format!("{name}: {words}"), "Its logs of before the restart, and its events, say why."))
}

#[cfg(test)]
mod tests;
