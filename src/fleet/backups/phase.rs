//! What a phase means, and how well a run is. A phase that we do not know is shown as it is written and never
//! counts as good.

use crate::domain::backup::{Backup, Run};
use crate::domain::level::Level;
use crate::domain::time::Stamp;
use crate::text::duration_words;

/// Seconds after which a run is no longer believed to get on by itself: Velero's own limit for data that is moved.
const ENDLESS: u64 = 4 * 3_600;
/// Seconds after which one that waits is worth a look; behind another one a minute or more is ordinary.
const WAITS_LONG: u64 = 600;

/// What a phase means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not begun.
    Waiting,
    /// Under way.
    Running,
    /// Over, and whole.
    Completed,
    /// Over, with errors.
    Partial,
    /// Over, and worth nothing.
    Failed,
    /// Is being removed.
    Deleting,
    /// A word that we do not know.
    Unknown,
}

impl Phase {
    /// Reads one.
    pub fn of(word: &str) -> Phase {
        match word {
            "" | "New" | "Queued" | "ReadyToStart" => Phase::Waiting,
            "InProgress"
            | "WaitingForPluginOperations"
            | "WaitingForPluginOperationsPartiallyFailed"
            | "Finalizing"
            | "FinalizingPartiallyFailed"
            | "Uploading"
            | "UploadingPartialFailure" => Phase::Running,
            "Completed" => Phase::Completed,
            "PartiallyFailed" => Phase::Partial,
            "Failed" | "FailedValidation" => Phase::Failed,
            "Deleting" => Phase::Deleting,
            _ => Phase::Unknown,
        }
    }

    /// Whether it is on its way to an end.
    pub fn is_on_its_way(self) -> bool {
        matches!(self, Phase::Waiting | Phase::Running)
    }
}

/// How well a run is. `superseded`: a newer good one makes its faults history.
pub fn level(run: &Run, created: Stamp, superseded: bool, now: Stamp) -> Level {
    match Phase::of(&run.phase) {
        Phase::Waiting if now.since(created) > WAITS_LONG => Level::Warning,
        Phase::Running if now.since(run.started.unwrap_or(created)) > ENDLESS => Level::Warning,
        Phase::Waiting | Phase::Running | Phase::Deleting => Level::Progressing,
        Phase::Completed => Level::Ok,
        Phase::Partial | Phase::Failed | Phase::Unknown if superseded => Level::Idle,
        Phase::Partial => Level::Warning,
        Phase::Failed => Level::Critical,
        Phase::Unknown => Level::Unknown,
    }
}

/// The phase for people: `queued (#2)`, `in progress 12/40`, `PartiallyFailed`.
pub fn words(run: &Run, queue_position: u32) -> String {
    let counted = |word: &str| match run.items {
        Some((done, all)) if all > 0 => format!("{word} {done}/{all}"),
        _ => word.to_owned(),
    };
    match &*run.phase {
        "" | "New" => "new".to_owned(),
        "Queued" if queue_position > 0 => format!("queued (#{queue_position})"),
        "Queued" => "queued".to_owned(),
        "ReadyToStart" => "ready to start".to_owned(),
        "InProgress" => counted("in progress"),
        "WaitingForPluginOperations" => "moving data".to_owned(),
        "WaitingForPluginOperationsPartiallyFailed" => "moving data, with errors".to_owned(),
        "Finalizing" => "finalizing".to_owned(),
        "FinalizingPartiallyFailed" => "finalizing, with errors".to_owned(),
        "Completed" => "completed".to_owned(),
        "PartiallyFailed" => "partially failed".to_owned(),
        "Failed" => "failed".to_owned(),
        "FailedValidation" => "not valid".to_owned(),
        "Deleting" => "deleting".to_owned(),
        other => format!("phase {other}"),
    }
}

/// Why a run is no good, or what is remarkable about it; empty when nothing is.
pub fn trouble(run: &Run) -> String {
    let mut parts = Vec::new();
    if let Some(first) = run.validation.first() {
        parts.push(first.to_string());
    }
    if !run.failure.is_empty() {
        parts.push(run.failure.to_string());
    }
    for (n, noun) in [(run.errors, "error"), (run.warnings, "warning")] {
        if n > 0 {
            parts.push(format!("{n} {noun}{}", if n == 1 { "" } else { "s" }));
        }
    }
    parts.join(", ")
}

/// Whether a backup can be restored from, as far as itself is concerned; else why not.
///
/// # Errors
/// What is wrong with it, for people.
pub fn good(backup: &Backup) -> Result<Stamp, String> {
    let run = &backup.run;
    match (Phase::of(&run.phase), run.started) {
        (Phase::Completed, Some(started)) => Ok(started),
        (Phase::Completed, None) => Err("it does not say when it began".to_owned()),
        (Phase::Waiting | Phase::Running, _) => {
            Err(format!("it is not over: {}", words(run, backup.queue_position)))
        }
        (Phase::Unknown, _) => Err(format!("its phase {} is not known here", run.phase)),
        (Phase::Deleting, _) => Err("it is being deleted".to_owned()),
        (Phase::Partial | Phase::Failed, _) => match trouble(run) {
            trouble if trouble.is_empty() => Err(words(run, 0)),
            trouble => Err(format!("{}: {trouble}", words(run, 0))),
        },
    }
}

/// How long it took or takes: `took 12 m`, `for 3 m`; empty when it has not begun.
pub fn duration(run: &Run, now: Stamp) -> String {
    match (run.started, run.took()) {
        (_, Some(took)) => format!("took {}", duration_words(took)),
        (Some(started), None) if Phase::of(&run.phase).is_on_its_way() => {
            format!("for {}", duration_words(now.since(started)))
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(phase: &str) -> Run {
        Run { phase: phase.into(), started: Some(Stamp(1_000)), ..Run::default() }
    }

    #[test]
    fn phases_have_levels() {
        let now = Stamp(1_100);
        for (phase, level, superseded) in [
            ("", Level::Progressing, Level::Progressing),
            ("Queued", Level::Progressing, Level::Progressing),
            ("InProgress", Level::Progressing, Level::Progressing),
            ("Completed", Level::Ok, Level::Ok),
            ("PartiallyFailed", Level::Warning, Level::Idle),
            ("Failed", Level::Critical, Level::Idle),
            ("FailedValidation", Level::Critical, Level::Idle),
            ("Sublimating", Level::Unknown, Level::Idle),
        ] {
            assert_eq!(super::level(&run(phase), Stamp(1_000), false, now), level, "{phase}");
            assert_eq!(super::level(&run(phase), Stamp(1_000), true, now), superseded, "{phase}");
        }
        assert_eq!(super::level(&run("InProgress"), Stamp(1_000), false, Stamp(20_000)), Level::Warning);
        assert_eq!(super::level(&run("Queued"), Stamp(1_000), false, Stamp(2_000)), Level::Warning);
    }

    #[test]
    fn phases_in_words() {
        let progress = Run { items: Some((12, 40)), ..run("InProgress") };
        assert_eq!(words(&progress, 0), "in progress 12/40");
        assert_eq!(words(&run("Queued"), 2), "queued (#2)");
        assert_eq!(words(&run("Sublimating"), 0), "phase Sublimating");
        let failed = Run { errors: 1, warnings: 3, failure: "no space".into(), ..run("Failed") };
        assert_eq!(trouble(&failed), "no space, 1 error, 3 warnings");
        assert_eq!(
            duration(&Run { completed: Some(Stamp(1_720)), ..run("Completed") }, Stamp(0)),
            "took 12 m"
        );
        assert_eq!(duration(&run("InProgress"), Stamp(1_060)), "for 60 s");
    }
}
