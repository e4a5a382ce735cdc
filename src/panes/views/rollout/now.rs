//! What happens to a workload now, in a sentence: what `kubectl rollout status`
//! says, with the reason.

use crate::cron::Cron;
use crate::domain::id::Kind;
use crate::domain::level::Level;
use crate::domain::meta::Condition;
use crate::domain::pod::Pod;
use crate::domain::time::Stamp;
use crate::domain::workload::{DeploymentMore, JobMore, More, RolloutMore, UpdateMore, Workload};
use crate::text;

/// A sentence and how good or bad it is.
pub type Sentence = (Level, String);

/// `1 pod`, `3 pods`.
fn pods(n: u32) -> String {
    if n == 1 { "1 pod".to_owned() } else { format!("{} pods", text::count(n.into())) }
}

fn is(n: u32) -> &'static str {
    if n == 1 { "is" } else { "are" }
}

/// What happens now. `new` are the pods of the newest template.
pub fn sentence(workload: &Workload, new: &[&Pod], now: Stamp) -> Sentence {
    match &workload.more {
        More::Job(job) => of_job(workload, job, now),
        More::CronJob(cron) => {
            let (words, next) = match Cron::read(&cron.schedule, &cron.time_zone) {
                Ok(schedule) => (schedule.words(), schedule.next(now)),
                Err(why) => (format!("by a schedule that says nothing ({why})"), None),
            };
            match (workload.paused, cron.active, next) {
                (true, ..) => (Level::Idle, format!("Suspended: it would run {words}.")),
                (_, 0, Some(next)) => {
                    let wait = text::duration_words(next.since(now));
                    (Level::Idle, format!("Waits: it runs {words}, next in {wait}."))
                }
                (_, 0, None) => (Level::Idle, format!("Waits: it runs {words}.")),
                (_, 1, _) => (Level::Progressing, format!("One run is under way; it runs {words}.")),
                (_, n, _) => (Level::Progressing, format!("{n} runs are under way; it runs {words}.")),
            }
        }
        More::Rollout(rollout) => of_rollout(workload, rollout, new),
        More::Deployment(more) => of_deployment(workload, more, new, now),
        More::Update(more) => of_update(workload, more, new),
        More::Plain => of_update(workload, &UpdateMore::default(), new),
    }
}

/// Why new pods are not there yet, from the worst of them: ` 2 of them: CrashLoopBackOff (OOMKilled).`
fn because(new: &[&Pod]) -> String {
    let count =
        |one: &Pod| new.iter().filter(|pod| pod.status == one.status && pod.level() == one.level()).count();
    // Of the worst ones the state that most are in; one that runs for a moment says least.
    let worst = new
        .iter()
        .filter(|pod| pod.level() != Level::Ok)
        .max_by_key(|pod| (pod.level(), &*pod.status != "Running", count(pod)));
    let Some(worst) = worst else { return String::new() };
    let alike = count(worst);
    let exit = match &worst.last_exit {
        Some(exit) if exit.code != 0 && worst.level().is_fault() => {
            format!(" ({} {})", exit.reason, exit.code)
        }
        _ => String::new(),
    };
    let whose = match (alike, new.len()) {
        (1, 1) => "It is".to_owned(),
        (1, _) => "One is".to_owned(),
        (n, all) if n == all => format!("All {n} are"),
        (n, _) => format!("{n} are"),
    };
    let state = match &*worst.status {
        "Running" => format!("Running, but not ready{exit}"),
        status => format!("{status}{exit}"),
    };
    format!(" {whose} {state}.")
}

fn unobserved(workload: &Workload) -> Option<Sentence> {
    (workload.observed < workload.generation).then(|| {
        let words = format!(
            "The controller has not seen the newest change yet (generation {}, seen {}).",
            workload.generation, workload.observed
        );
        (Level::Progressing, words)
    })
}

fn failing(workload: &Workload) -> Option<Sentence> {
    let failure = workload.condition("ReplicaFailure").filter(|c| c.is_true())?;
    Some((Level::Critical, format!("Pods cannot be created: {}", failure.message)))
}

/// The template that settled, in words: `1.31.0`.
fn release(workload: &Workload) -> &str {
    let image = workload.images.iter().find(|image| !image.init).map_or("", |image| &*image.image);
    let image = image.split_once('@').map_or(image, |(image, _)| image);
    let name = image.rsplit('/').next().unwrap_or(image);
    name.split_once(':').map_or(name, |(_, tag)| tag)
}

fn settled(workload: &Workload, since: Option<Stamp>, now: Stamp) -> Sentence {
    if workload.desired == 0 && workload.current > 0 {
        let words = format!(
            "Scaled to zero, by intent: {} {} being ended.",
            pods(workload.current),
            is(workload.current)
        );
        return (Level::Progressing, words);
    }
    if workload.desired == 0 {
        return (Level::Idle, "Scaled to zero: nothing runs, by intent.".to_owned());
    }
    let since =
        since.map(|at| format!(", since {}", text::duration_words(now.since(at)))).unwrap_or_default();
    let release = release(workload);
    let what = if release.is_empty() { String::new() } else { format!(" of {release}") };
    (
        Level::Ok,
        format!(
            "Rolled out: all {}{what} {} available{since}.",
            pods(workload.desired),
            is(workload.desired)
        ),
    )
}

fn of_deployment(workload: &Workload, more: &DeploymentMore, new: &[&Pod], now: Stamp) -> Sentence {
    let progressing = workload.condition("Progressing");
    if let Some(waits) = unobserved(workload) {
        return waits;
    }
    if let Some(fails) = failing(workload) {
        return fails;
    }
    if workload.paused {
        let words = "Paused: changes of the template wait until it is resumed; scaling still works.";
        return (Level::Idle, words.to_owned());
    }
    if progressing.is_some_and(|c| &*c.reason == "ProgressDeadlineExceeded") {
        let deadline = text::duration_words(more.deadline_seconds.into());
        let words =
            format!("Stuck: no progress for more than {deadline}, and it does not go back by itself.");
        return (Level::Critical, words + &because(new));
    }
    let (desired, updated, current, available) =
        (workload.desired, workload.updated, workload.current, workload.available);
    let old = current.saturating_sub(updated);
    let level = if new.iter().any(|pod| pod.level() == Level::Critical) {
        Level::Warning
    } else {
        Level::Progressing
    };
    if updated < desired {
        let olds = if old > 0 {
            format!("; {} of before still {}", pods(old), if old == 1 { "runs" } else { "run" })
        } else {
            String::new()
        };
        return (level, format!("{updated} of {desired} new pods are created{olds}.{}", because(new)));
    }
    // Scaled to zero, nobody waits for new ones.
    if old > 0 && desired > 0 {
        let ready =
            u32::try_from(new.iter().filter(|pod| pod.level() == Level::Ok).count()).unwrap_or(u32::MAX);
        let words = if ready >= desired {
            format!("All {} new pods are ready; {} of before {} being ended.", desired, pods(old), is(old))
        } else {
            format!(
                "{ready} of {desired} new pods are ready; {} of before {} kept until more are.{}",
                pods(old),
                is(old),
                because(new)
            )
        };
        return (level, words);
    }
    if available < updated {
        let was_done = progressing.is_some_and(|c| &*c.reason == "NewReplicaSetAvailable");
        let level =
            if was_done { if available == 0 { Level::Critical } else { Level::Warning } } else { level };
        let missing = updated - available;
        let words = format!(
            "{available} of {updated} pods are available; {missing} {} not.{}",
            is(missing),
            because(new)
        );
        return (level, words);
    }
    let since = progressing.filter(|c| &*c.reason == "NewReplicaSetAvailable").and_then(|c| c.updated);
    settled(workload, since, now)
}

fn of_update(workload: &Workload, more: &UpdateMore, new: &[&Pod]) -> Sentence {
    if let Some(waits) = unobserved(workload) {
        return waits;
    }
    let (desired, updated, available) = (workload.desired, workload.updated, workload.available);
    let level = if new.iter().any(|pod| pod.level() == Level::Critical) {
        Level::Warning
    } else {
        Level::Progressing
    };
    let on_delete = &*more.strategy == "OnDelete";
    let wanted = desired.saturating_sub(more.partition);
    if updated < wanted {
        if on_delete {
            let words = format!(
                "{updated} of {desired} pods have the newest template; the others get it when they are deleted (OnDelete)."
            );
            return (Level::Idle, words);
        }
        let kept = match more.partition {
            0 => String::new(),
            n => format!(" (the partition keeps {} on the template before)", pods(n.min(desired))),
        };
        return (level, format!("{updated} of {wanted} pods are updated{kept}.{}", because(new)));
    }
    if available < desired {
        let missing = desired - available;
        let level = if available == 0 { Level::Critical } else { Level::Warning };
        return (
            level,
            format!(
                "{available} of {desired} pods are available; {missing} {} not.{}",
                is(missing),
                because(new)
            ),
        );
    }
    if more.partition > 0 && more.partition < desired && updated < desired {
        let words = format!(
            "Updated as far as the partition allows: {} from ordinal {} up; {} below keep the template before.",
            pods(updated),
            more.partition,
            pods(desired - updated)
        );
        return (Level::Ok, words);
    }
    settled(workload, None, Stamp::default())
}

fn of_rollout(workload: &Workload, more: &RolloutMore, new: &[&Pod]) -> Sentence {
    if let Some(waits) = unobserved(workload) {
        return waits;
    }
    let step = match more.step {
        Some((at, all)) if at < all => format!(" Step {} of {all}.", at + 1),
        _ => String::new(),
    };
    let says = if more.message.is_empty() { String::new() } else { format!(": {}", more.message) };
    if more.aborted {
        let words = format!("Aborted{says}. The stable release serves; retry, or go back in Git.");
        return (Level::Critical, words);
    }
    match &*more.phase {
        "Healthy" => settled(workload, None, Stamp::default()),
        "Degraded" => (Level::Critical, format!("Degraded{says}.{}", because(new))),
        "Paused" if workload.paused => {
            (Level::Progressing, format!("Paused by hand; nothing moves until it is resumed.{step}"))
        }
        "Paused" => (Level::Progressing, format!("Paused{says}: it waits to be promoted.{step}")),
        "Progressing" => (Level::Progressing, format!("Progressing{says}.{step}{}", because(new))),
        "" => {
            (Level::Unknown, "The controller of Argo Rollouts has not said anything about it yet.".to_owned())
        }
        other => (Level::Unknown, format!("{other}{says}.{step}")),
    }
}

fn of_job(workload: &Workload, job: &JobMore, now: Stamp) -> Sentence {
    let tally = format!("{} of {} done", job.succeeded, job.completions);
    let failed = workload.condition("Failed").filter(|c| c.is_true());
    if let Some(Condition { reason, message, .. }) = failed {
        return (Level::Critical, format!("Failed ({reason}): {message} {tally}."));
    }
    if let (Some(from), Some(to)) = (job.started, job.completed) {
        return (Level::Idle, format!("Completed in {}: {tally}.", text::duration_words(to.since(from))));
    }
    if workload.condition("Complete").is_some_and(Condition::is_true) {
        return (Level::Idle, format!("Completed: {tally}."));
    }
    if workload.paused {
        return (Level::Idle, format!("Suspended: {tally}."));
    }
    let since =
        job.started.map(|at| format!(" for {}", text::duration_words(now.since(at)))).unwrap_or_default();
    let (level, failures) = match job.failed {
        0 => (Level::Progressing, String::new()),
        1 => (Level::Warning, ", 1 pod failed and was tried again".to_owned()),
        n => (Level::Warning, format!(", {n} pods failed and were tried again")),
    };
    (level, format!("Runs{since}: {tally}, {} {} at work{failures}.", pods(job.active), is(job.active)))
}

/// `maxSurge` or `maxUnavailable` as a number of pods: per cent of surge round
/// up, those of unavailable down. `None` when it cannot be read.
pub fn resolved(written: &str, desired: u32, up: bool) -> Option<u32> {
    let Some(percent) = written.strip_suffix('%') else { return written.parse().ok() };
    let product = u64::from(percent.parse::<u32>().ok()?) * u64::from(desired);
    let pods = if up { product.div_ceil(100) } else { product / 100 };
    u32::try_from(pods).ok()
}

/// Surge and unavailable as numbers: when both come out as none, Kubernetes
/// takes one pod away, since nothing would ever move otherwise.
pub fn bounds(more: &DeploymentMore, desired: u32) -> Option<(u32, u32)> {
    let surge = resolved(&more.max_surge, desired, true)?;
    let unavailable = resolved(&more.max_unavailable, desired, false)?;
    Some(if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) })
}

/// Seconds until a rollout without progress counts as failed; `None` when none
/// is under way or nothing is known of its last progress.
pub fn time_left(workload: &Workload, more: &DeploymentMore, now: Stamp) -> Option<u64> {
    let progressing = workload.condition("Progressing")?;
    if workload.kind != Kind::Deployment
        || workload.paused
        || !workload.is_rolling()
        || matches!(&*progressing.reason, "NewReplicaSetAvailable" | "ProgressDeadlineExceeded")
        || more.deadline_seconds == u32::MAX >> 1
    {
        return None;
    }
    let until = progressing.updated?.plus(more.deadline_seconds.into());
    Some(until.since(now))
}
