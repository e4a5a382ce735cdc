//! The STATUS, READY and RESTARTS columns exactly as kubectl 1.35 and later print them, and the class that our
//! cards count a pod under.

use super::lenient::{Fields, List};
use super::pod::{ContainerStatus, Terminated, WirePod};
use crate::domain::pod::PodState;

/// What the columns show.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) status: String,
    pub(super) ready: u16,
    pub(super) total: u16,
    pub(super) restarts: u32,
    pub(super) state: PodState,
}

/// Reads a pod.
pub(super) fn read(pod: &WirePod) -> Reading {
    let status = &pod.status;
    let mut reason = match status.reason.is_empty() {
        true => status.phase.0.clone(),
        false => status.reason.0.clone(),
    };
    let gated =
        |c: &&Fields<super::pod::PodCondition>| &*c.kind == "PodScheduled" && &*c.reason == "SchedulingGated";
    if status.conditions.iter().find(gated).is_some() {
        reason = "SchedulingGated".to_owned();
    }
    let sidecars = pod.spec.init_containers.iter().filter(|container| container.is_sidecar()).count();
    let total = pod.spec.containers.len() + sidecars;

    let init = read_init(pod);
    let (mut ready, mut restarts) = (init.ready, init.restarts);
    let initializing = init.waits_for.is_some();
    if let Some(waits_for) = init.waits_for {
        reason = waits_for;
    }
    if !initializing || condition_is_true(pod, "Initialized") {
        restarts = init.sidecar_restarts;
        let apps = read_apps(&status.container_statuses, reason);
        restarts = restarts.saturating_add(apps.restarts);
        ready += apps.ready;
        reason = apps.reason;
        if reason == "Completed" && apps.running {
            reason = if condition_is_true(pod, "Ready") {
                "Running".to_owned()
            } else {
                apps.failure.unwrap_or_else(|| "NotReady".to_owned())
            };
        }
    }
    let finished = matches!(&*status.phase, "Succeeded" | "Failed");
    if pod.metadata.deleting {
        if &*status.reason == "NodeLost" {
            reason = "Unknown".to_owned();
        } else if !finished {
            reason = "Terminating".to_owned();
        }
    }
    let count = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
    let state = classify(pod, &reason, ready, total);
    Reading { status: reason, ready: count(ready), total: count(total), restarts, state }
}

struct Init {
    /// What the first unfinished init container waits for.
    waits_for: Option<String>,
    ready: usize,
    restarts: u32,
    sidecar_restarts: u32,
}

fn read_init(pod: &WirePod) -> Init {
    let mut init = Init { waits_for: None, ready: 0, restarts: 0, sidecar_restarts: 0 };
    for (at, container) in pod.status.init_container_statuses.iter().enumerate() {
        let spec = pod.spec.init_containers.iter().find(|spec| *spec.name == *container.name);
        let sidecar = spec.is_some_and(|spec| spec.is_sidecar());
        let restarts = container.restart_count.count();
        init.restarts = init.restarts.saturating_add(restarts);
        if sidecar {
            init.sidecar_restarts = init.sidecar_restarts.saturating_add(restarts);
        }
        let waiting =
            container.state.waiting.as_ref().map(|waiting| waiting.reason.as_str()).unwrap_or_default();
        match container.state.terminated.as_ref() {
            Some(end) if end.exit_code.0 == 0 => continue,
            _ if sidecar && container.started.is_true() => {
                init.ready += usize::from(container.ready.is_true());
                continue;
            }
            Some(end) => init.waits_for = Some(format!("Init:{}", end_word(end))),
            None if !waiting.is_empty() && waiting != "PodInitializing" => {
                init.waits_for = Some(format!("Init:{waiting}"));
            }
            None => init.waits_for = Some(format!("Init:{at}/{}", pod.spec.init_containers.len())),
        }
        break;
    }
    init
}

struct Apps {
    reason: String,
    /// The reason of a container that ended badly, if one did.
    failure: Option<String>,
    ready: usize,
    restarts: u32,
    running: bool,
}

/// From the last container to the first, each overwriting: the first one's word stays.
fn read_apps(statuses: &List<Fields<ContainerStatus>>, reason: String) -> Apps {
    let mut apps = Apps { reason, failure: None, ready: 0, restarts: 0, running: false };
    for container in statuses.iter().rev() {
        apps.restarts = apps.restarts.saturating_add(container.restart_count.count());
        let state = &container.state;
        match (state.waiting.as_ref(), state.terminated.as_ref()) {
            (Some(waiting), _) if !waiting.reason.is_empty() => apps.reason = waiting.reason.0.clone(),
            (_, Some(end)) => {
                apps.reason = end_word(end);
                if end.exit_code.0 != 0 {
                    apps.failure = Some(apps.reason.clone());
                }
            }
            _ if container.ready.is_true() && state.running.is_some() => {
                apps.running = true;
                apps.ready += 1;
            }
            _ => {}
        }
    }
    apps
}

fn end_word(end: &Terminated) -> String {
    match (end.reason.is_empty(), end.signal.0) {
        (false, _) => end.reason.0.clone(),
        (true, 0) => format!("ExitCode:{}", end.exit_code.0),
        (true, signal) => format!("Signal:{signal}"),
    }
}

fn condition_is_true(pod: &WirePod, kind: &str) -> bool {
    pod.status.conditions.iter().any(|condition| &*condition.kind == kind && &*condition.status == "True")
}

/// The class of a pod: what kubectl's word and its readiness mean to whoever looks after it.
fn classify(pod: &WirePod, status: &str, ready: usize, total: usize) -> PodState {
    match &*pod.status.phase {
        "Succeeded" => return PodState::Done,
        "Failed" => return PodState::Failed,
        _ => {}
    }
    if status == "Terminating" {
        return PodState::Moving;
    }
    if status == "Unknown" || is_failure(status.strip_prefix("Init:").unwrap_or(status)) {
        return PodState::Failed;
    }
    if status != "Running" {
        let unschedulable =
            pod.status.conditions.iter().any(|c| {
                &*c.kind == "PodScheduled" && &*c.status == "False" && &*c.reason == "Unschedulable"
            });
        return if unschedulable || status == "NotReady" { PodState::Unready } else { PodState::Moving };
    }
    let says_ready = pod.status.conditions.iter().find(|condition| &*condition.kind == "Ready");
    if ready >= total && says_ready.is_none_or(|condition| &*condition.status == "True") {
        return PodState::Ready;
    }
    // Up again after a crash and not ready: the next crash is a moment away.
    let mut unready = pod.status.container_statuses.iter().filter(|container| !container.ready.is_true());
    let crashed =
        |c: &Fields<ContainerStatus>| c.last_state.terminated.as_ref().is_some_and(|e| e.exit_code.0 != 0);
    if unready.clone().any(crashed) {
        return PodState::Failed;
    }
    // A startup probe that has not passed yet.
    if unready.any(|container| container.started.0 == Some(false)) {
        PodState::Moving
    } else {
        PodState::Unready
    }
}

/// Words of waiting or ended containers that mean a fault. Every other word is on its way somewhere.
fn is_failure(word: &str) -> bool {
    word.ends_with("BackOff")
        || word.starts_with("Err")
        || word.ends_with("Error")
        || word.starts_with("Signal:")
        || (word.starts_with("ExitCode:") && word != "ExitCode:0")
        || matches!(
            word,
            "OOMKilled"
                | "InvalidImageName"
                | "ImageInspectError"
                | "RegistryUnavailable"
                | "SignatureValidationFailed"
                | "ContainerCannotRun"
                | "ContainerStatusUnknown"
                | "DeadlineExceeded"
                | "Evicted"
                | "NodeLost"
                | "NodeAffinity"
                | "Shutdown"
                | "Preempting"
        )
}
