//! Faults in words: what a reason means and what the way out is.

use crate::domain::level::Level;

/// What an exit code says, for people: `exit 137 (SIGKILL)`.
pub fn exit(code: i32, signal: i32) -> String {
    let meaning = match code {
        0 => "ended well",
        1 | 2 => "an error of the program",
        125 => "the runtime could not start it",
        126 => "the command is not executable",
        127 => "the command was not found",
        128 => "the runtime could not start it",
        130 => "SIGINT",
        134 => "SIGABRT: the program gave up",
        135 => "SIGBUS",
        136 => "SIGFPE",
        137 => "SIGKILL",
        139 => "SIGSEGV: a memory fault",
        141 => "SIGPIPE",
        143 => "SIGTERM: asked to end",
        129..=192 => "a signal",
        _ => "",
    };
    let mut words = format!("exit {code}");
    if signal > 0 && code == 0 {
        words = format!("signal {signal}");
    }
    if !meaning.is_empty() && code != 0 {
        words.push_str(&format!(" ({meaning})"));
    }
    words
}

/// What a pod's status or a container's reason means, and the way out. `None`
/// for what needs no explanation.
pub fn reason(status: &str) -> Option<&'static str> {
    let status = status.strip_prefix("Init:").unwrap_or(status);
    Some(match status {
        "OOMKilled" => {
            "It used more memory than its limit and was killed. Raise limits.memory, or go back to the release before."
        }
        "CrashLoopBackOff" => {
            "It ends again and again; the kubelet waits longer each time before it starts it anew. Its logs before the last restart say why."
        }
        "ImagePullBackOff" | "ErrImagePull" => {
            "The image cannot be pulled: look at its name and tag, at the pull secret, and at whether the registry answers."
        }
        "InvalidImageName" => "The image's name cannot be read: correct it in the template.",
        "ErrImageNeverPull" => "The image is not on the node and imagePullPolicy is Never.",
        "RegistryUnavailable" => "The registry does not answer.",
        "CreateContainerConfigError" => {
            "A ConfigMap, a Secret or a key that it refers to is not there: the event names it."
        }
        "CreateContainerError" | "RunContainerError" | "ContainerCannotRun" | "StartError" => {
            "The runtime could not start it: the command, a mount or a security setting is wrong."
        }
        "PostStartHookError" => "Its postStart hook failed, so it was killed.",
        "ContainerCreating" => "The image is pulled, or volumes and network are being set up.",
        "PodInitializing" => "Init containers have not ended yet.",
        "Pending" => "It has no node yet, or has not started there: its events say what is missing.",
        "SchedulingGated" => "A scheduling gate holds it back until somebody removes it.",
        "Evicted" => "The node was short of memory, disk or process ids, and ended it.",
        "NodeLost" | "Unknown" => "Its node no longer answers.",
        "NodeAffinity" => "The node no longer fits its node affinity.",
        "UnexpectedAdmissionError" => "The kubelet refused it: the node lacks a device or a resource.",
        "DeadlineExceeded" => "It ran longer than activeDeadlineSeconds.",
        "Preempting" | "Preempted" => "A pod of a higher priority took its place.",
        "Error" => "The program ended with an error: its logs say why.",
        "Terminating" => "It has been asked to end and has its grace period to do so.",
        "NotReady" => "Its containers ended well although they should go on running.",
        _ => return None,
    })
}

/// What a condition that is not as it should be means, and the way out.
pub fn condition(kind: &str, reason: &str) -> Option<&'static str> {
    Some(match (kind, reason) {
        (_, "ProgressDeadlineExceeded") => {
            "No progress for longer than progressDeadlineSeconds. Kubernetes does not go back by itself: mend what stops the new pods, or roll back."
        }
        ("ReplicaFailure", "FailedCreate") => {
            "Pods cannot be created, most often because a quota is used up or an admission rule refuses them."
        }
        ("ReplicaFailure", "FailedDelete") => "Old pods cannot be deleted.",
        ("Available", "MinimumReplicasUnavailable") => {
            "Fewer pods are available than desired less maxUnavailable."
        }
        (_, "BackoffLimitExceeded") => {
            "Its pods failed more often than backoffLimit allows: it will not try again."
        }
        (_, "PodFailurePolicy") => "A pod failed in a way that podFailurePolicy does not forgive.",
        (_, "DeadlineExceeded") => "It ran longer than activeDeadlineSeconds and was ended.",
        ("PodScheduled", "Unschedulable") => {
            "No node fits: too little room, taints that it does not tolerate, an affinity, or a volume in another zone."
        }
        ("PodScheduled", "SchedulingGated") => "A scheduling gate holds it back until somebody removes it.",
        ("Ready" | "ContainersReady", "ContainersNotReady") => {
            "A container does not run, or its readiness probe fails."
        }
        ("Ready", "ReadinessGatesNotReady") => {
            "A readiness gate is not true yet: its controller has to say so."
        }
        ("DisruptionTarget", _) => "It is about to be ended by the cluster, not by its program.",
        (_, "RolloutAborted") => {
            "The new release was given up and the stable one serves. Retry, or go back in Git."
        }
        (_, "InvalidSpec") => "The definition is not valid: nothing happens until it is corrected.",
        _ => return None,
    })
}

/// Whether a condition is a good or a bad sign: most conditions are well when
/// they are true, some are faults.
pub fn condition_level(kind: &str, status: &str, reason: &str) -> Level {
    let fault_when_true = matches!(
        kind,
        "ReplicaFailure"
            | "Failed"
            | "FailureTarget"
            | "DisruptionTarget"
            | "InvalidSpec"
            | "PodResizePending"
    );
    match (kind, status) {
        _ if matches!(reason, "ProgressDeadlineExceeded" | "RolloutAborted") => Level::Critical,
        // A pod that has done its work is not ready any more, as it should be.
        _ if reason == "PodCompleted" => Level::Idle,
        (_, "True") if fault_when_true => Level::Critical,
        (_, "False") if fault_when_true => Level::Ok,
        // These tell what is going on, not how well it is.
        (
            "Progressing"
            | "Complete"
            | "SuccessCriteriaMet"
            | "Suspended"
            | "Paused"
            | "Completed"
            | "Healthy"
            | "PodReadyToStartContainers",
            _,
        ) => Level::Ok,
        (_, "True") => Level::Ok,
        (_, "False") => Level::Warning,
        _ => Level::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_told_in_words() {
        assert_eq!(exit(137, 0), "exit 137 (SIGKILL)");
        assert_eq!(exit(0, 0), "exit 0");
        assert_eq!(exit(0, 9), "signal 9");
        assert_eq!(exit(42, 0), "exit 42");
    }

    #[test]
    fn init_containers_fail_for_the_same_reasons() {
        assert_eq!(reason("Init:CrashLoopBackOff"), reason("CrashLoopBackOff"));
        assert_eq!(reason("Running"), None);
    }

    #[test]
    fn a_condition_is_judged_by_what_it_means() {
        assert_eq!(condition_level("Ready", "False", "ContainersNotReady"), Level::Warning);
        assert_eq!(condition_level("ReplicaFailure", "True", "FailedCreate"), Level::Critical);
        assert_eq!(condition_level("Progressing", "False", "ProgressDeadlineExceeded"), Level::Critical);
        assert_eq!(condition_level("Progressing", "True", "ReplicaSetUpdated"), Level::Ok);
        assert_eq!(condition_level("Ready", "False", "PodCompleted"), Level::Idle);
        assert_eq!(condition_level("Custom", "Maybe", ""), Level::Unknown);
    }
}
