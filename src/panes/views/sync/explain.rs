//! Conditions of Argo CD and Flux in words: what each means and the way out.

use crate::domain::level::Level;
use crate::domain::meta::Condition;

/// What a condition of an Application means, and the way out. All of them are there only while they hold.
pub fn of_app(condition: &Condition) -> (Level, &'static str, &'static str) {
    let message = &*condition.message;
    match &*condition.kind {
        "ComparisonError" if message.contains("authentication") || message.contains("permission denied") => (
            Level::Critical,
            "The repository cannot be read: its credentials are refused.",
            "Renew the repository's credentials in Argo CD (a Secret labelled argocd.argoproj.io/secret-type).",
        ),
        "ComparisonError"
            if ["unable to resolve", "couldn't find remote ref", "not found", "path does not exist"]
                .iter()
                .any(|no| message.contains(no)) =>
        {
            (
                Level::Critical,
                "The revision, the path or the chart does not exist in the repository.",
                "Correct targetRevision, path or chart in the source; or push what is missing.",
            )
        }
        "ComparisonError" if message.contains("connection refused") || message.contains("i/o timeout") => (
            Level::Critical,
            "The repository, the repo server or the destination cluster does not answer.",
            "Look at argocd-repo-server and at the network; it compares again by itself.",
        ),
        "ComparisonError" => (
            Level::Critical,
            "What Git wants cannot be compared with what lives: manifests do not render, or the cluster cannot be read.",
            "Mend what the message names. Until then sync is Unknown and Healthy says nothing.",
        ),
        "InvalidSpecError" if message.contains("project") => (
            Level::Critical,
            "Its project does not exist, or does not permit this source, destination or kind.",
            "Correct the project, or the limits in the AppProject; then refresh: it is not looked at again by itself.",
        ),
        "InvalidSpecError" => (
            Level::Critical,
            "Its own definition is not valid: nothing happens until it is corrected.",
            "Correct what the message names in the Application.",
        ),
        "UnknownError" if message.contains("not permitted") => (
            Level::Critical,
            "Its namespace may not use this project.",
            "List the namespace under sourceNamespaces of the AppProject.",
        ),
        "UnknownError" => (
            Level::Critical,
            "The controller met an error that it has no name for.",
            "The message says what; the log of argocd-application-controller says more.",
        ),
        "SyncError" if message.contains("allowEmpty") || message.contains("delete all") => (
            Level::Critical,
            "Auto-sync stopped, since it would delete every object.",
            "If that is meant, set allowEmpty, or sync by hand with pruning; else look for what left Git.",
        ),
        "SyncError" => (
            Level::Critical,
            "Auto-sync gave up on this revision: it does not try one twice.",
            "Mend it in Git with a new commit; or mend the cause in the cluster and sync by hand.",
        ),
        "DeletionError" => (
            Level::Critical,
            "It is being deleted and cannot be: its objects or its finalizer hold it.",
            "The message names what remains; a cluster that is gone needs its finalizer removed by hand.",
        ),
        "SharedResourceWarning" => (
            Level::Warning,
            "Another application manages the same object: the two overwrite each other.",
            "Take the object out of one of them.",
        ),
        "RepeatedResourceWarning" => (
            Level::Warning,
            "The same object is rendered more than once: the last one wins.",
            "Remove the repetition from the source.",
        ),
        "ExcludedResourceWarning" => (
            Level::Warning,
            "An object is of a kind that Argo CD is set to leave alone: it is not delivered.",
            "Take it out of the source, or change resource.exclusions in argocd-cm.",
        ),
        "OrphanedResourceWarning" => (
            Level::Warning,
            "Objects in its namespace belong to no application.",
            "Bring them into Git, delete them, or ignore them in the project (orphanedResources.ignore).",
        ),
        kind if kind.ends_with("Error") => (Level::Critical, "", ""),
        _ => (Level::Warning, "", ""),
    }
}

/// How good or bad a condition of a Flux object is, what it means and the way out.
pub fn of_flux(condition: &Condition) -> (Level, &'static str, &'static str) {
    let level = match (&*condition.kind, &*condition.status) {
        (
            "Ready" | "Healthy" | "Released" | "TestSuccess" | "ArtifactInStorage" | "SourceVerified",
            "True",
        ) => Level::Ok,
        ("Reconciling", "True") => Level::Progressing,
        ("Remediated" | "Drifted" | "ArtifactOutdated", "True") => Level::Warning,
        (
            "Stalled" | "FetchFailed" | "StorageOperationFailed" | "IncludeUnavailable" | "BuildFailed",
            "True",
        ) => Level::Critical,
        (_, "False")
            if matches!(
                &*condition.kind,
                "Stalled" | "Reconciling" | "Drifted" | "FetchFailed" | "Remediated"
            ) =>
        {
            Level::Ok
        }
        (_, "False") if matches!(&*condition.reason, "DependencyNotReady" | "Progressing") => {
            Level::Progressing
        }
        (_, "False") => Level::Critical,
        (_, "Unknown") => Level::Progressing,
        _ => Level::Unknown,
    };
    let (means, way) = flux_reason(&condition.reason);
    (level, means, way)
}

fn flux_reason(reason: &str) -> (&'static str, &'static str) {
    match reason {
        "DependencyNotReady" => (
            "It waits for another object that is not ready.",
            "Mend that one first: it is named in the message and under depends on.",
        ),
        "ArtifactFailed" => (
            "Its source has no artifact, or it cannot be fetched from the source controller.",
            "Look at the source.",
        ),
        "BuildFailed" => ("Kustomize cannot build the manifests.", "Mend what the message names in Git."),
        "InvalidPath" => ("The path does not exist in the source.", "Correct spec.path, or push the folder."),
        "InvalidURL" => ("The source's address cannot be read.", "Correct spec.url."),
        "InvalidCELExpression" => {
            ("An expression of its health checks is not valid.", "Correct it in the object.")
        }
        "ReconciliationFailed" => (
            "Objects could not be applied: the API server refused one of them.",
            "The message names it: a field that is not valid, a missing definition, or missing rights.",
        ),
        "PruneFailed" => ("Objects that left Git could not be deleted.", "The message names them."),
        "HealthCheckFailed" => (
            "It was applied, but its objects did not become ready in time.",
            "Look at the resources: pods that crash or cannot be scheduled. It tries again at each interval.",
        ),
        "HealthCheckCanceled" => ("Its health check was ended, since a newer revision came.", ""),
        "InstallFailed" | "UpgradeFailed" => (
            "Helm could not bring the release in, or its objects did not become ready in time.",
            "The message and the resources say why; after the last retry it stalls.",
        ),
        "TestFailed" => ("The chart's tests failed.", "Their pods' logs say why."),
        "RollbackSucceeded" => (
            "The new release failed and was rolled back: what runs is the version before, and works.",
            "Not ready until a new version comes or the failure is mended.",
        ),
        "UninstallSucceeded" => {
            ("The failed release was uninstalled: nothing of it runs.", "Mend it, then reconcile.")
        }
        "RollbackFailed" | "UninstallFailed" => {
            ("Even the way back failed.", "Look at the Helm release by hand.")
        }
        "RetriesExceeded" => (
            "All retries are used up: it does nothing any more.",
            "Mend the cause and push, or reset it (reconcile.fluxcd.io/resetAt with requestedAt).",
        ),
        "MissingRollbackTarget" => ("There is no release to go back to.", "Mend the new one, or uninstall."),
        "DriftDetected" => (
            "Objects were changed by somebody else.",
            "With driftDetection.mode: enabled they are put back; with warn it is only told.",
        ),
        "AuthenticationFailed" => {
            ("The source refuses the credentials.", "Renew the Secret that secretRef names.")
        }
        "GitOperationFailed" => (
            "The Git server cannot be reached, or the branch, tag or commit does not exist.",
            "Look at the message: address, credentials or reference.",
        ),
        "OCIArtifactPullFailed" => {
            ("The OCI artifact cannot be pulled.", "Look at its address, tag and credentials.")
        }
        "IndexationFailed" => {
            ("The Helm repository's index cannot be read.", "Look at its address and credentials.")
        }
        "VerificationError" => {
            ("The signature is missing or not trusted.", "Sign it, or correct spec.verify.")
        }
        "ProgressingWithRetry" => {
            ("The last attempt failed; it tries again.", "The condition Ready says why.")
        }
        "Suspended" => ("It is suspended: nothing is reconciled.", "Resume it (spec.suspend: false)."),
        _ => ("", ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Condition {
        crate::panes::views::testing::condition(kind, status, reason, message)
    }

    #[test]
    fn every_condition_of_an_application_has_a_way_out() {
        for kind in [
            "DeletionError",
            "InvalidSpecError",
            "ComparisonError",
            "SyncError",
            "UnknownError",
            "SharedResourceWarning",
            "RepeatedResourceWarning",
            "ExcludedResourceWarning",
            "OrphanedResourceWarning",
        ] {
            let (level, means, way) = of_app(&condition(kind, "", "", "x"));
            assert!(level.is_fault() && means.ends_with('.') && way.ends_with('.'), "{kind}");
        }
        assert_eq!(of_app(&condition("NewWarning", "", "", "x")), (Level::Warning, "", ""));
    }

    #[test]
    fn a_folder_that_is_not_there_is_not_called_a_failure_to_render() {
        let message = "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: \
                       code = Unknown desc = no/such/folder: app path does not exist";
        let (_, means, way) = of_app(&condition("ComparisonError", "", "", message));
        assert_eq!(means, "The revision, the path or the chart does not exist in the repository.");
        assert!(way.contains("path"), "{way}");
        // As Argo CD 3 says it of what may be the beginning of a commit's id.
        let message = "rpc error: code = Internal desc = Failed to checkout revision 0123456789: `git fetch origin \
                       0123456789 --tags --force --prune` failed exit status 128: fatal: couldn't find remote ref \
                       0123456789";
        assert_eq!(of_app(&condition("ComparisonError", "", "", message)).1, means);
    }

    #[test]
    fn flux_reasons_are_judged_by_what_they_mean() {
        let level = |kind, status, reason| of_flux(&condition(kind, status, reason, "")).0;
        assert_eq!(level("Ready", "True", "ReconciliationSucceeded"), Level::Ok);
        assert_eq!(level("Ready", "False", "RollbackSucceeded"), Level::Critical);
        assert_eq!(level("Ready", "False", "DependencyNotReady"), Level::Progressing);
        assert_eq!(level("Reconciling", "True", "Progressing"), Level::Progressing);
        assert_eq!(level("Stalled", "True", "RetriesExceeded"), Level::Critical);
        assert_eq!(level("Something", "Maybe", "New"), Level::Unknown);
    }
}
