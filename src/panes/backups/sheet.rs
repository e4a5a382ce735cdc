//! Everything about one row of the Backups pane: a meter explained, a backup, a schedule, a restore, a location.

use super::{cluster_of, object, role};
use crate::domain::backup::{Backup, Location, Restore, Run, Schedule, Template};
use crate::domain::id::{EnvId, Name, Uid};
use crate::domain::level::Level;
use crate::domain::time::Stamp;
use crate::fleet::backups::words::{expiry, scope, shown};
use crate::fleet::backups::{Aim, Entry, Kept, Plan, What, location_of, meter, phase, silent};
use crate::panes::Title;
use crate::panes::sheet::{Line, Sheet};
use crate::panes::views::words::moment;
use crate::shared::{Shared, Subject};
use crate::text::duration_words;
use crate::theme::Role;
use crate::world::ClusterWorld;

/// Backups of a schedule that its sheet names.
const SHOWN: usize = 12;

/// A sheet on one thing.
#[derive(Debug)]
pub(super) struct BackupSheet {
    env: EnvId,
    what: What,
    uid: Uid,
}

/// What every part of a sheet reads.
struct On<'a> {
    cluster: &'a ClusterWorld,
    environment: &'a Name,
    kept: &'a Kept,
    now: Stamp,
}

impl BackupSheet {
    pub(super) fn new(env: EnvId, what: What, uid: Uid) -> BackupSheet {
        BackupSheet { env, what, uid }
    }

    fn entry(&self, shared: &Shared) -> Option<Entry> {
        let entries = &shared.backups.get(self.env)?.entries;
        entries.iter().find(|entry| entry.what == self.what && entry.uid == self.uid).copied()
    }

    fn on<'a>(&self, shared: &'a Shared) -> Option<On<'a>> {
        Some(On {
            cluster: cluster_of(shared, self.env)?.1,
            environment: &shared.environments.get(self.env)?.name,
            kept: shared.backups.get(self.env)?,
            now: shared.now.wall,
        })
    }
}

impl Sheet for BackupSheet {
    fn title(&self, shared: &Shared) -> Title {
        let words = self
            .on(shared)
            .zip(self.entry(shared))
            .and_then(|(on, entry)| shown(on.cluster, on.environment, on.kept, &entry, on.now));
        let name = words
            .map_or_else(|| self.what.word().to_owned(), |words| format!("{} {}", words.kind, words.name));
        Title { name, note: String::new(), stale: crate::panes::words::stale(shared) }
    }

    fn lines(&self, shared: &Shared) -> Vec<Line> {
        let lines = self.on(shared).zip(self.entry(shared)).and_then(|(on, entry)| match self.what {
            What::Rpo | What::Rto => Some(on.meters()),
            What::Schedule => on.cluster.schedules.get(entry.uid).map(|one| on.schedule(one, &entry)),
            What::Backup => on.cluster.backups.get(entry.uid).map(|one| on.backup(one, &entry)),
            What::Restore => on.cluster.restores.get(entry.uid).map(|one| on.restore(one, &entry)),
            What::Location => on.cluster.locations.get(entry.uid).map(|one| on.location(one, &entry)),
        });
        lines.unwrap_or_else(|| vec![Line::entry("gone", "It is no longer there.", Role::Warning)])
    }

    fn subject(&self, shared: &Shared) -> Option<Subject> {
        let entry = self.entry(shared)?;
        match object(shared, self.env, &entry) {
            Some(object) => Some(Subject::Object(object)),
            None => Some(Subject::Environment(self.env)),
        }
    }
}

impl On<'_> {
    fn at(&self, at: Option<Stamp>, otherwise: &str) -> String {
        match at {
            Some(at) if at > self.now => {
                format!("{}, in {}", moment(at, self.now), duration_words(at.since(self.now)))
            }
            Some(at) => format!("{}, {} ago", moment(at, self.now), duration_words(self.now.since(at))),
            None => otherwise.to_owned(),
        }
    }

    fn meters(&self) -> Vec<Line> {
        let now = self.now;
        let mut lines = vec![Line::heading(format!("Recovery point of {}", self.environment))];
        if let Some(worst) = self.kept.rpo(now) {
            let standing = worst.rpo.standing(now);
            let words = format!("{}: {}", worst.rpo.short(now), standing.words(now));
            lines.push(Line::entry("stands", words, role(standing.level())));
            lines.push(Line::entry("target", target_words(worst.rpo.target.as_ref()), Role::Text));
            lines.push(match &worst.rpo.newest {
                Some(good) => {
                    let words = format!("{}, begun {}", good.name, self.at(Some(good.started), ""));
                    Line::entry("newest usable", words, Role::Text)
                }
                None => Line::entry("newest usable", "none", role(standing.level())),
            });
            let next = if worst.rpo.running {
                "one is on its way".to_owned()
            } else {
                self.at(worst.rpo.due, "none by itself: no schedule that runs takes it")
            };
            lines.push(Line::entry("next run", next, Role::Text));
            if let Some(at) = standing.breach_at() {
                let name = if at > now { "missed at" } else { "missed since" };
                lines.push(Line::entry(name, self.at(Some(at), ""), role(standing.level())));
            }
        }
        if self.kept.namespaces.len() > 1 {
            lines.push(Line::blank());
            lines.push(Line::heading("Namespaces"));
            for one in &self.kept.namespaces {
                let standing = one.rpo.standing(now);
                let mut words = format!("{}: {}", one.rpo.short(now), standing.words(now));
                if let Some(partial) = &one.partial {
                    words.push_str(&format!("; backups take {partial}"));
                }
                lines.push(Line::entry(&one.namespace, words, role(standing.level())));
            }
        }
        if !self.kept.rejected.is_empty() {
            lines.push(Line::blank());
            lines.push(Line::heading("Newer, and not usable"));
            for one in &self.kept.rejected {
                lines.push(Line(vec![
                    (format!("  {} ", one.name), Role::Text),
                    (format!(" {} ago ", duration_words(now.since(one.at))), Role::Muted),
                    (format!(" {}", one.why), Role::Warning),
                ]));
            }
        }
        lines.push(Line::blank());
        lines.push(Line::heading("Schedules"));
        if self.kept.plans.is_empty() {
            lines.push(Line::entry("none", "no schedule takes anything of this environment", Role::Warning));
        }
        for plan in &self.kept.plans {
            lines.push(Line::entry(&plan.name, self.plan_words(plan), role(plan.rpo.standing(now).level())));
            let pause = plan.read.pause.unwrap_or(0);
            if let Some(tier) = self.kept.tier.filter(|tier| pause > *tier) {
                let words = format!(
                    "pauses for {} at times: alone it can never keep {}",
                    duration_words(pause),
                    duration_words(tier)
                );
                lines.push(Line::entry("", words, Role::Warning));
            }
        }
        lines.push(Line::blank());
        lines.push(Line::heading("Recovery time"));
        lines.push(Line::entry("last restore", self.kept.rto.words(), role(self.kept.rto.level())));
        if let Some((name, over, _)) = &self.kept.rto.last {
            lines.push(Line::entry(
                "measured by",
                format!("{name}, over {}", self.at(Some(*over), "")),
                Role::Text,
            ));
        } else {
            lines.push(Line::entry("", "A restore that completes measures it: rehearse one.", Role::Muted));
        }
        if !self.kept.gaps.is_empty() {
            lines.push(Line::blank());
            lines.push(Line::heading("Not readable"));
            for (kind, why) in &self.kept.gaps {
                lines.push(Line::entry(kind.api().2, why.to_string(), Role::Warning));
            }
        }
        lines
    }

    /// `every 30 minutes, next in 4 m; 41m / 30m: breached 9 m ago`.
    fn plan_words(&self, plan: &Plan) -> String {
        let mut words = match (&plan.invalid, &plan.read.cron) {
            (Some(why), _) => why.clone(),
            (None, Ok(cron)) => cron.words(),
            (None, Err(why)) => why.clone(),
        };
        if plan.paused {
            words.push_str(", paused");
        } else if let Some(due) = plan.due {
            words.push_str(&match due > self.now {
                true => format!(", next in {}", duration_words(due.since(self.now))),
                false => ", due now".to_owned(),
            });
        }
        let standing = plan.rpo.standing(self.now);
        format!("{words}; {}: {}", plan.rpo.short(self.now), standing.words(self.now))
    }

    fn run(&self, run: &Run, queue: u32, level: Level, lines: &mut Vec<Line>) {
        lines.push(Line::entry("phase", phase::words(run, queue), role(level)));
        for why in run.validation.iter() {
            lines.push(Line::entry("not valid", why.to_string(), Role::Critical));
        }
        if !run.failure.is_empty() {
            lines.push(Line::entry("failure", run.failure.to_string(), Role::Critical));
        }
        lines.push(Line::entry("begun", self.at(run.started, "not yet"), Role::Text));
        let over = match run.took() {
            Some(took) => format!("{}, took {}", self.at(run.completed, ""), duration_words(took)),
            None => self.at(run.completed, "it does not say"),
        };
        lines.push(Line::entry("over", over, Role::Text));
        if let Some((done, all)) = run.items {
            lines.push(Line::entry("items", format!("{done} of {all}"), Role::Text));
        }
        for (name, n, bad) in
            [("warnings", run.warnings, Role::Warning), ("errors", run.errors, Role::Critical)]
        {
            lines.push(Line::entry(name, n.to_string(), if n > 0 { bad } else { Role::Text }));
        }
    }

    fn backup(&self, backup: &Backup, entry: &Entry) -> Vec<Line> {
        let mut lines = vec![Line::heading(format!("Backup {}", backup.name))];
        self.run(&backup.run, backup.queue_position, entry.level, &mut lines);
        let rejected = self.kept.rejected.iter().find(|one| one.name == backup.name);
        let good = phase::good(backup);
        lines.push(match (rejected, &good) {
            (Some(one), _) => Line::entry("counts", format!("no: {}", one.why), Role::Warning),
            (None, Err(why)) => Line::entry("counts", format!("no: {why}"), Role::Warning),
            (None, Ok(_)) => match backup.template.partial() {
                Some(partial) => {
                    Line::entry("counts", format!("not for whole namespaces: {partial}"), Role::Warning)
                }
                None => Line::entry("counts", "yes, while its location is available", Role::Text),
            },
        });
        let volumes = &backup.volumes;
        lines.push(Line::entry(
            "snapshots",
            format!("{} of {}", volumes.completed, volumes.attempted),
            Role::Text,
        ));
        if volumes.operations > 0 {
            let mut words = format!("{} of {} volumes moved", volumes.operations_done, volumes.operations);
            if volumes.operations_failed > 0 {
                words.push_str(&format!(", {} failed", volumes.operations_failed));
            }
            lines.push(Line::entry("data", words, Role::Text));
        }
        if backup.hooks.0 > 0 {
            let (all, failed) = backup.hooks;
            let bad = if failed > 0 { Role::Critical } else { Role::Text };
            lines.push(Line::entry("hooks run", format!("{all}, {failed} failed"), bad));
        }
        let expires = match backup.expires {
            Some(at) => format!("{}; {}", moment(at, self.now), expiry(backup, self.now)),
            None => "it does not say".to_owned(),
        };
        lines.push(Line::entry("expires", expires, Role::Text));
        let schedule = if backup.schedule.is_empty() { "none: made by hand" } else { &backup.schedule };
        lines.push(Line::entry("schedule", schedule, Role::Text));
        self.template(&backup.namespace, &backup.template, &mut lines);
        lines
    }

    fn template(&self, velero: &Name, template: &Template, lines: &mut Vec<Line>) {
        lines.push(Line::blank());
        lines.push(Line::heading("Takes"));
        lines.push(Line::entry("namespaces", scope(template), Role::Text));
        let list = |names: &[Name]| names.iter().map(|name| &**name).collect::<Vec<_>>().join(", ");
        let or = |text: String, otherwise: &str| if text.is_empty() { otherwise.to_owned() } else { text };
        lines.push(Line::entry("kinds", or(list(&template.resources), "all"), Role::Text));
        if !template.not_resources.is_empty() {
            lines.push(Line::entry("but not", list(&template.not_resources), Role::Text));
        }
        if !template.selector.is_empty() {
            lines.push(Line::entry("labels", template.selector.to_string(), Role::Text));
        }
        let cluster = match template.cluster_resources {
            Some(true) => "yes",
            Some(false) => "no",
            None => "those that belong to what it takes",
        };
        lines.push(Line::entry("of the cluster", cluster, Role::Text));
        let volumes = match (template.file_system, template.move_data, template.snapshot_volumes) {
            (true, ..) => "file by file",
            (_, true, _) => "as snapshots whose data is moved to the location",
            (_, _, Some(false)) => "not taken",
            _ => "as snapshots, where the storage can",
        };
        lines.push(Line::entry("volumes", volumes, Role::Text));
        let location = location_of(self.cluster, velero, &template.location);
        let words = match location {
            Some(location) => format!("{} ({})", location.name, location.phase.to_lowercase()),
            None if template.location.is_empty() => "the default one".to_owned(),
            None => format!("{}, which is not known", template.location),
        };
        let bad = location.is_some_and(|location| !location.is_available());
        lines.push(Line::entry("location", words, if bad { Role::Critical } else { Role::Text }));
        lines.push(Line::entry("kept for", or(template.ttl.to_string(), "720h, Velero's own"), Role::Text));
        if !template.policy.is_empty() {
            lines.push(Line::entry("policy", template.policy.to_string(), Role::Text));
        }
        for hook in template.hooks.iter() {
            lines.push(Line::entry("hook", hook.to_string(), Role::Text));
        }
    }

    fn schedule(&self, schedule: &Schedule, entry: &Entry) -> Vec<Line> {
        let mut lines = vec![Line::heading(format!("Schedule {}", schedule.name))];
        let Some(plan) = self.kept.plan(schedule.uid) else { return lines };
        let runs = match &plan.read.cron {
            Ok(cron) => format!("{}  ({})", cron.words(), schedule.cron),
            Err(why) => format!("`{}` is no schedule: {why}", schedule.cron),
        };
        let bad = if plan.read.cron.is_err() { Role::Critical } else { Role::Text };
        lines.push(Line::entry("runs", runs, bad));
        let phase = match (&*schedule.phase, schedule.paused) {
            ("", true) => "paused since it was made",
            (phase, true) => &format!("{phase}, paused"),
            ("", false) => "not looked at yet",
            (phase, false) => phase,
        };
        lines.push(Line::entry("phase", phase, role(entry.level)));
        for why in schedule.validation.iter() {
            lines.push(Line::entry("not valid", why.to_string(), Role::Critical));
        }
        let next = match plan.due {
            Some(due) if due > self.now => self.at(Some(due), ""),
            Some(due) => format!("due since {}; Velero looks once a minute", moment(due, self.now)),
            None => "none".to_owned(),
        };
        lines.push(Line::entry("next run", next, Role::Text));
        if let Some(late) = plan.late(self.now) {
            let words = format!("by {}: does Velero run?", duration_words(late));
            lines.push(Line::entry("late", words, Role::Warning));
        }
        lines.push(Line::entry("last run", self.at(schedule.last_backup, "never"), Role::Text));
        if schedule.last_skipped.is_some() {
            lines.push(Line::entry("last skipped", self.at(schedule.last_skipped, ""), Role::Text));
        }
        let success = match &plan.rpo.newest {
            Some(good) => format!("{}, {}", good.name, self.at(Some(good.started), "")),
            None => "never".to_owned(),
        };
        lines.push(Line::entry("last success", success, Role::Text));
        if let Some(why) = &plan.failed {
            lines.push(Line::entry("last result", why.clone(), Role::Warning));
        }
        let pause = plan.read.pause.map_or_else(|| "not known".to_owned(), duration_words);
        lines.push(Line::entry("longest pause", pause, Role::Text));
        let standing = plan.rpo.standing(self.now);
        let words = format!("{}: {}", plan.rpo.short(self.now), standing.words(self.now));
        lines.push(Line::entry("its meter", words, role(standing.level())));
        self.template(&schedule.namespace, &schedule.template, &mut lines);
        lines.push(Line::blank());
        lines.push(Line::heading("Its backups"));
        let backups = self.cluster.backups.iter().map(|(_, backup)| backup);
        let mut mine: Vec<&Backup> = backups
            .filter(|one| one.schedule == schedule.name && one.namespace == schedule.namespace)
            .collect();
        mine.sort_by_key(|one| std::cmp::Reverse(one.run.started.unwrap_or(one.created)));
        for one in mine.iter().take(SHOWN) {
            let ago = duration_words(self.now.since(one.run.started.unwrap_or(one.created)));
            let good = phase::good(one).is_ok();
            let line = Line(vec![
                (format!("  {} ", one.name), Role::Text),
                (format!(" {ago} ago ",), Role::Muted),
                (
                    format!(" {}", phase::words(&one.run, one.queue_position)),
                    if good { Role::Text } else { Role::Warning },
                ),
            ]);
            lines.push(line.and(format!("  {}", phase::trouble(&one.run)), Role::Muted));
        }
        if mine.is_empty() {
            lines.push(Line::entry("none", "it has made none that is still there", Role::Muted));
        }
        lines
    }

    fn restore(&self, restore: &Restore, entry: &Entry) -> Vec<Line> {
        let mut lines = vec![Line::heading(format!("Restore {}", restore.name))];
        self.run(&restore.run, 0, entry.level, &mut lines);
        let of = match restore.backup.is_empty() {
            true => format!("the newest good one of schedule {}", restore.schedule),
            false => restore.backup.to_string(),
        };
        lines.push(Line::entry("of backup", of, Role::Text));
        let filter = Template {
            namespaces: restore.namespaces.clone(),
            not_namespaces: restore.not_namespaces.clone(),
            ..Template::default()
        };
        lines.push(Line::entry("namespaces", scope(&filter), Role::Text));
        for (from, into) in restore.mapping.iter() {
            lines.push(Line::entry("", format!("{from} into {into}"), Role::Text));
        }
        let existing = match &*restore.existing {
            "" | "none" => "stays as it is",
            "update" => "is changed to what the backup has, where it can be",
            other => other,
        };
        lines.push(Line::entry("what is there", existing, Role::Text));
        if restore.run.items.is_some_and(|(done, _)| done == 0) {
            lines.push(Line::entry(
                "note",
                "it brought nothing back, whatever its phase says",
                Role::Warning,
            ));
        }
        lines.push(Line::entry("allowed", self.kept.rto.words(), role(self.kept.rto.level())));
        lines
    }

    fn location(&self, location: &Location, entry: &Entry) -> Vec<Line> {
        let mut lines = vec![Line::heading(format!("Storage location {}", location.name))];
        let phase = if location.phase.is_empty() { "not looked at yet" } else { &location.phase };
        lines.push(Line::entry("phase", phase, role(entry.level)));
        if !location.message.is_empty() {
            lines.push(Line::entry("message", location.message.to_string(), Role::Critical));
        }
        lines.push(Line::entry("store", format!("{} {}", location.provider, location.store), Role::Text));
        lines.push(Line::entry("default", if location.default { "yes" } else { "no" }, Role::Text));
        let access =
            if location.read_only { "read-only: nothing is written or deleted" } else { "read and write" };
        lines.push(Line::entry("access", access, Role::Text));
        lines.push(Line::entry("looked at", self.at(location.validated, "never"), Role::Text));
        if let Some(silent) = silent(location, self.now) {
            let words = format!("nobody looked for {}: does Velero run?", duration_words(silent));
            lines.push(Line::entry("silent", words, Role::Warning));
        }
        lines.push(Line::entry("synced", self.at(location.synced, "never"), Role::Text));
        let backups = self.cluster.backups.iter().map(|(_, backup)| backup);
        let here = backups.filter(|one| {
            let of = location_of(self.cluster, &one.namespace, &one.template.location);
            of.is_some_and(|of| of.uid == location.uid)
        });
        lines.push(Line::entry("backups in it", here.count().to_string(), Role::Text));
        if !location.is_available() {
            let words = "its backups do not count while it is not available";
            lines.push(Line::entry("note", words, Role::Warning));
        } else {
            let words = "available means that it can be listed, not that writing works";
            lines.push(Line::entry("note", words, Role::Muted));
        }
        lines
    }
}

/// `30 m: the longest pause of schedule shop`.
fn target_words(target: Option<&meter::Target>) -> String {
    match target {
        None => "none: no tier is configured and no schedule takes it".to_owned(),
        Some(target) => {
            let long = duration_words(target.seconds);
            match &target.basis {
                Aim::Tier => format!("{long}: the tier of the configuration"),
                Aim::Schedule(name) => format!(
                    "{long}: the longest pause of schedule {name}, and {} for a run that goes well",
                    duration_words(target.grace)
                ),
            }
        }
    }
}
