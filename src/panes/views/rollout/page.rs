//! What the page of a rollout says.

use super::now::{bounds, resolved, sentence, time_left};
use super::{Item, RolloutView};
use crate::cron::Cron;
use crate::domain::id::Kind;
use crate::domain::level::Level;
use crate::domain::link::Feed;
use crate::domain::meta::ContainerImage;
use crate::domain::node::Autoscaler;
use crate::domain::pod::Pod;
use crate::domain::workload::{
    Analysis, DeploymentMore, More, ReplicaSet, RolloutMore, UpdateMore, Workload,
};
use crate::panes::views::events;
use crate::panes::views::explain;
use crate::panes::views::page::{Bar, PageLine};
use crate::panes::views::painted::Painted;
use crate::panes::views::pod::event_line;
use crate::panes::views::words;
use crate::panes::words::short_image;
use crate::shared::Shared;
use crate::text;
use crate::theme::Role;
use crate::world::ClusterWorld;

/// Columns of the names of facts.
const NAMES: usize = 14;
/// Most events that the page shows.
const EVENTS: usize = 8;
/// Most ReplicaSets of before that are counted one by one.
const OLD_SETS: usize = 3;
/// Most finished runs of a CronJob.
const RUNS: usize = 10;

type Line = PageLine<Item>;

fn blank() -> Line {
    Line::text(Painted::default())
}

fn fact(name: &str, value: Painted) -> Line {
    let mut line = Painted::role(Role::Muted, &text::cell(name, NAMES));
    line.append(&value);
    Line::text(line).indent(NAMES)
}

/// Pods of one template.
struct Group<'a> {
    title: Painted,
    bar: Option<Bar>,
    pods: Vec<&'a Pod>,
}

impl RolloutView {
    pub(super) fn lines(&self, shared: &Shared) -> Vec<Line> {
        let cluster = shared.world.cluster(self.object.cluster);
        let (Some(workload), Some(cluster)) = (&self.workload, cluster) else {
            let words = match self.gone {
                true => format!("{} is gone.", words::object(&self.object)),
                false => format!("Nothing is known of {} yet.", words::object(&self.object)),
            };
            return vec![Line::text(Painted::role(Role::Muted, &words))];
        };
        let mut pods: Vec<&Pod> =
            cluster.pods_of(workload).into_iter().filter_map(|slot| cluster.pods.at(slot)).collect();
        pods.sort_by(|a, b| b.level().cmp(&a.level()).then_with(|| a.name.cmp(&b.name)));
        let sets = shared.world.replica_sets_of(&self.object);
        let new = newest_pods(workload, &sets, &pods);

        let mut lines = Vec::new();
        if self.gone {
            let words = format!("{} is gone; this is how it was.", words::object(&self.object));
            lines.push(Line::text(Painted::role(Role::Warning, &words)).sign(Level::Unknown));
        }
        let (level, words) = sentence(workload, &new, shared.now.wall);
        lines.push(Line::text(Painted::role(Role::of_level(level), &words)).sign(level));
        lines.extend(ways_out(workload, &new));
        lines.push(blank());
        lines.extend(facts(workload, &sets, shared));
        match cluster.autoscaler_of(workload) {
            Some(found) => lines.push(autoscaler(found)),
            None if matches!(cluster.feed(Kind::HorizontalPodAutoscaler), Feed::Forbidden(_)) => {
                lines.push(fact("hpa", Painted::role(Role::Warning, "whether there is one may not be read")));
            }
            None => {}
        }
        lines.push(blank());
        if workload.kind == Kind::CronJob {
            lines.extend(runs(workload, cluster, shared));
        } else {
            for group in groups(workload, &sets, &pods, shared) {
                let mut head = Line::text(group.title);
                head.bar = group.bar;
                lines.push(head);
                lines.extend(group.pods.iter().map(|pod| pod_line(pod, self.page.width(), shared)));
            }
        }
        let conditions = conditions(workload, shared);
        if !conditions.is_empty() {
            lines.push(blank());
            lines.extend(conditions);
        }
        lines.extend(self.event_lines(shared));
        lines
    }

    fn event_lines(&self, shared: &Shared) -> Vec<Line> {
        let mut lines = vec![blank()];
        let warnings = self.events.iter().filter(|event| events::level(event) == Level::Warning).count();
        let mut head = Painted::role(Role::Strong, "Events");
        if warnings > 0 {
            head.push(Role::Muted, &format!(", {}", words::counted(warnings, "warning")));
        }
        lines.push(Line::text(head));
        if let Some(why) = &self.events_feed.failed {
            lines.push(Line::text(Painted::role(Role::Critical, &format!("Cannot be read: {why}"))));
        } else if !self.events_feed.answered {
            lines.push(Line::text(Painted::role(Role::Muted, "Asking…")));
        } else if self.events.is_empty() {
            lines.push(Line::text(Painted::role(Role::Muted, "None in the last hour.")));
        }
        // Warnings first: they say what stops it.
        let (bad, good): (Vec<_>, Vec<_>) =
            self.events.iter().partition(|event| events::level(event) == Level::Warning);
        lines.extend(bad.into_iter().chain(good).take(EVENTS).map(|event| event_line(event, shared)));
        lines
    }
}

/// The pods of the newest template.
fn newest_pods<'a>(workload: &Workload, sets: &[&ReplicaSet], pods: &[&'a Pod]) -> Vec<&'a Pod> {
    match workload.kind {
        Kind::Deployment | Kind::Rollout => {
            let Some(newest) = newest_set(workload, sets) else { return pods.to_vec() };
            pods.iter().filter(|pod| owned_by(pod, newest)).copied().collect()
        }
        Kind::StatefulSet | Kind::DaemonSet => match newest_revision(workload, pods) {
            Some(revision) => pods.iter().filter(|pod| revision_of(pod) == revision).copied().collect(),
            None => pods.to_vec(),
        },
        _ => pods.to_vec(),
    }
}

fn owned_by(pod: &Pod, set: &ReplicaSet) -> bool {
    pod.owner.as_ref().is_some_and(|owner| owner.uid == set.uid)
}

/// A Rollout names the hash of its newest template; a Deployment's has the highest revision.
fn newest_set<'a>(workload: &Workload, sets: &[&'a ReplicaSet]) -> Option<&'a ReplicaSet> {
    if let More::Rollout(more) = &workload.more
        && let Some(set) = sets.iter().find(|set| set.hash == more.current_hash)
    {
        return Some(set);
    }
    sets.first().copied()
}

fn revision_of(pod: &Pod) -> &str {
    pod.labels.get("controller-revision-hash").map_or("", |hash| hash)
}

/// The revision of the newest template: a StatefulSet says it; a DaemonSet does
/// not, so it is that of the pod that was made last.
fn newest_revision<'a>(workload: &'a Workload, pods: &[&'a Pod]) -> Option<&'a str> {
    if let More::Update(UpdateMore { update_revision, .. }) = &workload.more
        && !update_revision.is_empty()
    {
        return Some(update_revision);
    }
    pods.iter().max_by_key(|pod| pod.created).map(|pod| revision_of(pod))
}

/// What the faults mean and what to do: conditions that are broken, and the
/// worst state of the new pods.
fn ways_out(workload: &Workload, new: &[&Pod]) -> Vec<Line> {
    let broken = workload.conditions.iter().filter(|condition| {
        explain::condition_level(&condition.kind, &condition.status, &condition.reason) == Level::Critical
    });
    let conditions = broken.filter_map(|condition| explain::condition(&condition.kind, &condition.reason));
    let worst = new.iter().filter(|pod| pod.level().is_fault()).max_by_key(|pod| pod.level());
    let pods = worst.and_then(|worst| match &worst.last_exit {
        Some(exit) if &*exit.reason == "OOMKilled" => explain::reason("OOMKilled"),
        _ => explain::reason(&worst.status),
    });
    conditions.chain(pods).map(|words| Line::text(Painted::plain(words))).collect()
}

fn facts(workload: &Workload, sets: &[&ReplicaSet], shared: &Shared) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut release = Painted::default();
    let old = newest_set(workload, sets)
        .and_then(|new| sets.iter().find(|set| set.uid != new.uid && set.current > 0).map(|old| (new, *old)));
    match old {
        Some((new, old)) if image(&old.images) != image(&new.images) => {
            release.push(Role::Muted, image(&old.images));
            release.push(Role::Muted, " → ");
            release.push(Role::Strong, image(&new.images));
        }
        _ => release.push(Role::Strong, image(&workload.images)),
    }
    lines.push(fact("image", release));
    match &workload.more {
        More::Deployment(more) => lines.extend(deployment_facts(workload, more, shared)),
        More::Update(more) => lines.extend(update_facts(workload, more)),
        More::Rollout(more) => lines.extend(rollout_facts(workload, more)),
        More::Job(job) => {
            let mut value = Painted::plain(format!("{} of {}", job.succeeded, job.completions));
            value.push(Role::Muted, &format!(", {} at a time", workload.desired));
            if job.failed > 0 {
                value.push(Role::Warning, &format!(", {} failed", job.failed));
            }
            lines.push(fact("completions", value));
        }
        More::CronJob(more) => {
            let cron = Cron::read(&more.schedule, &more.time_zone);
            let mut value = match &cron {
                Ok(cron) => Painted::plain(cron.words()),
                Err(why) => Painted::role(Role::Warning, &format!("no schedule: {why}")),
            };
            value.push(Role::Muted, &format!("  ({})", more.schedule));
            lines.push(fact("schedule", value));
            let now = shared.now.wall;
            let next = cron.ok().and_then(|cron| cron.next(now));
            lines.push(fact(
                "next run",
                match next {
                    _ if workload.paused => Painted::role(Role::Idle, "suspended"),
                    Some(next) => Painted::plain(words::moment(next, now))
                        .with(Role::Muted, &format!("  in {}", text::duration_words(next.since(now)))),
                    None => Painted::role(Role::Muted, "cannot be told from the schedule"),
                },
            ));
            let ago = |at: Option<_>| match at {
                Some(at) => Painted::plain(words::moment(at, now))
                    .with(Role::Muted, &format!("  {} ago", text::duration_words(now.since(at)))),
                None => Painted::role(Role::Muted, "never"),
            };
            lines.push(fact("last run", ago(more.last_schedule)));
            lines.push(fact("last success", ago(more.last_success)));
        }
        More::Plain => {}
    }
    if let Some(by) = &workload.delivered_by {
        lines.push(fact("delivered by", Painted::plain(&**by)));
    }
    lines
}

/// What a HorizontalPodAutoscaler wants: `2-10 pods → 4`.
fn autoscaler(autoscaler: &Autoscaler) -> Line {
    let mut value = Painted::plain(format!("{}-{} pods", autoscaler.min, autoscaler.max));
    value.push(Role::Muted, " → ");
    value.push(Role::Strong, &autoscaler.desired.to_string());
    if autoscaler.desired >= autoscaler.max {
        value.push(Role::Warning, ", as many as it may");
    }
    if *autoscaler.name != *autoscaler.target_name {
        value.push(Role::Muted, &format!("  ({})", autoscaler.name));
    }
    fact("hpa", value)
}

fn image(images: &[ContainerImage]) -> &str {
    images.iter().find(|image| !image.init).map_or("no image", |image| short_image(&image.image))
}

fn deployment_facts(workload: &Workload, more: &DeploymentMore, shared: &Shared) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut value = Painted::plain(&*more.strategy);
    if &*more.strategy == "Recreate" {
        value.push(Role::Muted, "  all old pods end before new ones start: the app is away meanwhile");
    } else if let Some((surge, unavailable)) = bounds(more, workload.desired) {
        let given = |written: &str, n: u32| {
            if written.ends_with('%') { format!("{written} = {n}") } else { n.to_string() }
        };
        value.push(Role::Muted, ", surge ");
        value.push_plain(&given(&more.max_surge, surge));
        value.push(Role::Muted, ", unavailable ");
        value.push_plain(&given(&more.max_unavailable, unavailable));
        let least = workload.desired.saturating_sub(unavailable);
        let most = workload.desired.saturating_add(surge);
        value.push(Role::Muted, &format!(", {least} to {most} pods"));
    }
    lines.push(fact("strategy", value));
    let now = shared.now.wall;
    let mut value = Painted::plain(text::duration_words(more.deadline_seconds.into()));
    value.push(Role::Muted, " without progress");
    if let Some(left) = time_left(workload, more, now) {
        let role = if left < 60 { Role::Warning } else { Role::Text };
        value.push(role, &format!("; {} left", text::duration_words(left)));
    }
    lines.push(fact("deadline", value));
    lines
}

fn update_facts(workload: &Workload, more: &UpdateMore) -> Vec<Line> {
    let mut value = Painted::plain(if more.strategy.is_empty() { "RollingUpdate" } else { &*more.strategy });
    if &*more.strategy == "OnDelete" {
        value.push(Role::Muted, "  pods get the newest template when they are deleted");
    }
    if more.partition > 0 {
        value.push(Role::Muted, "  partition ");
        value.push_plain(&more.partition.to_string());
        let kept = more.partition.min(workload.desired);
        value.push(Role::Muted, &format!("  (ordinals below it, {kept} pods, keep the template before)"));
    }
    for (name, written, up) in
        [("surge", &more.max_surge, true), ("unavailable", &more.max_unavailable, false)]
    {
        if written.is_empty() {
            continue;
        }
        value.push(Role::Muted, &format!("  {name} "));
        value.push_plain(written);
        if let Some(n) = resolved(written, workload.desired, up).filter(|_| written.ends_with('%')) {
            value.push_plain(&format!(" = {n}"));
        }
    }
    vec![fact("strategy", value)]
}

fn rollout_facts(workload: &Workload, more: &RolloutMore) -> Vec<Line> {
    let strategy = match &*more.strategy {
        "blueGreen" => "blue/green",
        "" => "none",
        other => other,
    };
    let mut value = Painted::plain(strategy);
    let mut bar = None;
    if let Some((at, all)) = more.step {
        value.push(Role::Muted, "  step ");
        value.push_plain(&format!("{} of {all}", at.min(all)));
        bar = Some(Bar { column: NAMES + value.width() + 2, width: 12, part: at.into(), whole: all.into() });
    }
    let traffic = more.weights.map(|(canary, stable)| {
        fact("traffic", Painted::plain(format!("{canary} % to the canary, {stable} % to the stable release")))
    });
    let mut strategy = fact("strategy", value);
    strategy.bar = bar;
    let level = workload.level();
    let mut phase = Painted::role(
        Role::of_level(level),
        if more.phase.is_empty() { "not reported" } else { &more.phase },
    );
    if !more.message.is_empty() {
        phase.push_plain(&format!(": {}", more.message));
    }
    let mut lines = vec![strategy, fact("phase", phase)];
    lines.extend(traffic);
    lines.extend(more.analyses.iter().map(analysis));
    lines
}

/// `analysis  step  Running: …  cart-7d9c-2-1`
fn analysis(run: &Analysis) -> Line {
    let mut value = Painted::default();
    value.push(Role::Muted, &format!("{}  ", run.of));
    value.push(Role::of_level(run.level()), if run.phase.is_empty() { "not reported" } else { &run.phase });
    if !run.message.is_empty() {
        value.push_plain(&format!(": {}", run.message));
    }
    value.push(Role::Muted, &format!("  {}", run.run));
    fact("analysis", value)
}

/// Conditions that are not as they should be, explained; the others in one line.
fn conditions(workload: &Workload, shared: &Shared) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut well = Vec::new();
    for condition in workload.conditions.iter() {
        let level = explain::condition_level(&condition.kind, &condition.status, &condition.reason);
        if level == Level::Ok {
            if condition.is_true() {
                well.push(&*condition.kind);
            }
            continue;
        }
        let mut line = Painted::role(Role::of_level(level), &condition.kind);
        let since =
            condition.since.map(|at| format!(" for {}", words::short_age(at, shared))).unwrap_or_default();
        line.push_plain(&format!(" {}{since}", condition.status));
        for part in [&condition.reason, &condition.message] {
            if !part.is_empty() {
                line.push_plain(&format!(": {part}"));
            }
        }
        lines.push(Line::text(line).sign(level));
        // Those of broken ones stand at the top.
        if level != Level::Critical
            && let Some(meaning) = explain::condition(&condition.kind, &condition.reason)
        {
            lines.push(Line::text(Painted::role(Role::Muted, &format!("  {meaning}"))).indent(4));
        }
    }
    if !well.is_empty() {
        lines.push(Line::text(Painted::role(Role::Muted, &well.join(", "))).sign(Level::Ok));
    }
    lines
}

fn groups<'a>(
    workload: &Workload,
    sets: &[&ReplicaSet],
    pods: &[&'a Pod],
    shared: &Shared,
) -> Vec<Group<'a>> {
    match workload.kind {
        Kind::Deployment | Kind::Rollout if !sets.is_empty() => set_groups(workload, sets, pods, shared),
        Kind::StatefulSet | Kind::DaemonSet => revision_groups(workload, pods),
        // Pods of a Job end: how many are ready says nothing.
        Kind::Job if !pods.is_empty() => {
            let title = Painted::role(Role::Strong, &words::counted(pods.len(), "pod"));
            vec![Group { title, bar: None, pods: pods.to_vec() }]
        }
        _ => vec![group(Painted::role(Role::Strong, "Pods"), pods.len() as u64, pods.to_vec())],
    }
}

/// A head with `ready/desired` and its bar, and the pods below it.
fn group<'a>(mut title: Painted, desired: u64, pods: Vec<&'a Pod>) -> Group<'a> {
    if desired == 0 && pods.is_empty() {
        title.push(Role::Muted, "  none");
        return Group { title, bar: None, pods };
    }
    let ready = pods.iter().filter(|pod| pod.level() == Level::Ok).count() as u64;
    title.push_plain(&format!("  {ready}/{desired} ready "));
    let bar = (desired > 0).then(|| Bar { column: title.width(), width: 10, part: ready, whole: desired });
    Group { title, bar, pods }
}

fn set_groups<'a>(
    workload: &Workload,
    sets: &[&ReplicaSet],
    pods: &[&'a Pod],
    shared: &Shared,
) -> Vec<Group<'a>> {
    let newest = newest_set(workload, sets).map(|set| set.uid);
    let stable = match &workload.more {
        More::Rollout(more) => Some(&more.stable_hash),
        _ => None,
    };
    let mut groups = Vec::new();
    let mut rest: Vec<&ReplicaSet> = Vec::new();
    let ordered = sets.iter().filter(|set| Some(set.uid) == newest);
    let ordered = ordered.chain(sets.iter().filter(|set| Some(set.uid) != newest));
    for set in ordered {
        let own: Vec<&Pod> = pods.iter().filter(|pod| owned_by(pod, set)).copied().collect();
        let is_newest = Some(set.uid) == newest;
        if !is_newest && set.desired == 0 && own.is_empty() {
            rest.push(set);
            continue;
        }
        let word = match (is_newest, stable) {
            (true, Some(stable)) if *stable == set.hash => "stable",
            (false, Some(stable)) if *stable == set.hash => "stable",
            (true, _) => "new",
            (false, _) => "old",
        };
        let mut title = Painted::role(Role::Strong, &text::cell(word, 6));
        title.push_plain(&format!(" {}", image(&set.images)));
        if set.revision > 0 {
            title.push(Role::Muted, &format!("  revision {}", set.revision));
        }
        title.push(Role::Muted, &format!("  {}", set.name));
        groups.push(group(title, set.desired.into(), own));
    }
    if !rest.is_empty() {
        let named: Vec<String> = rest
            .iter()
            .take(OLD_SETS)
            .map(|set| {
                format!(
                    "{} ({}, {})",
                    set.revision,
                    image(&set.images),
                    words::short_age(set.created, shared)
                )
            })
            .collect();
        let more = rest.len().saturating_sub(OLD_SETS);
        let mut words = format!("Kept at zero to go back to: revision {}", named.join(", "));
        if more > 0 {
            words.push_str(&format!(" and {more} more"));
        }
        groups.push(Group { title: Painted::role(Role::Muted, &words), bar: None, pods: Vec::new() });
    }
    groups
}

fn revision_groups<'a>(workload: &Workload, pods: &[&'a Pod]) -> Vec<Group<'a>> {
    let newest = newest_revision(workload, pods).unwrap_or_default().to_owned();
    let mut revisions: Vec<&str> = pods.iter().map(|pod| revision_of(pod)).collect();
    revisions.sort_unstable();
    revisions.dedup();
    revisions.sort_by_key(|revision| *revision != newest);
    if revisions.len() < 2 {
        return vec![group(Painted::role(Role::Strong, "Pods"), workload.desired.into(), pods.to_vec())];
    }
    revisions
        .into_iter()
        .map(|revision| {
            let own: Vec<&Pod> = pods.iter().filter(|pod| revision_of(pod) == revision).copied().collect();
            let mut title = Painted::role(Role::Strong, if revision == newest { "new" } else { "old" });
            title.push(Role::Muted, &format!("  revision {revision}"));
            group(title, own.len() as u64, own)
        })
        .collect()
}

fn pod_line(pod: &Pod, width: usize, shared: &Shared) -> Line {
    let name = (width / 3).clamp(16, 48);
    let level = pod.level();
    let mut line = Painted::plain(text::cell(&text::fit_middle(&pod.name, name), name).into_owned());
    line.push_plain(&format!("  {}  ", text::cell(&format!("{}/{}", pod.ready, pod.total), 5)));
    line.push(Role::of_level(level), &text::cell(&pod.status, 18));
    let mut restarts = String::new();
    if pod.restarts > 0 {
        restarts = format!("{}", pod.restarts);
        if let Some(exit) = pod.last_exit.as_ref().filter(|exit| exit.code != 0) {
            let reason = if &*exit.reason == "OOMKilled" { "OOM" } else { &*exit.reason };
            restarts.push_str(&format!(" ({reason} {})", exit.code));
        }
    }
    line.push(Role::Warning, &text::cell(&restarts, 14));
    line.push(Role::Muted, &text::cell_end(&words::short_age(pod.created, shared), 5));
    if width >= 100 {
        line.push(Role::Muted, &format!("  {}", pod.node));
    }
    PageLine::row(line, Item::Pod(pod.uid, pod.name.as_ref().into())).sign(level)
}

/// The runs of a CronJob, newest first.
fn runs(workload: &Workload, cluster: &ClusterWorld, shared: &Shared) -> Vec<Line> {
    let mut jobs: Vec<&Workload> = cluster.jobs_of(workload.uid).map(|(_, job)| job).collect();
    jobs.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.name.cmp(&b.name)));
    let mut lines = vec![Line::text(Painted::role(Role::Strong, "Runs, newest first"))];
    if jobs.is_empty() {
        lines.push(Line::text(Painted::role(Role::Muted, "None that the cluster still keeps.")));
    }
    for job in jobs.into_iter().take(RUNS) {
        let (level, words) = sentence(job, &[], shared.now.wall);
        let mut line = Painted::plain(text::cell(&job.name, 30).into_owned());
        line.push(Role::Muted, &text::cell_end(&words::short_age(job.created, shared), 5));
        line.push_plain("  ");
        line.push(Role::of_level(level), &words);
        lines.push(PageLine::row(line, Item::Job(job.uid, job.name.clone())).indent(4).sign(level));
    }
    lines
}
