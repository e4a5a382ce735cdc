//! A revision on its way, from the push to healthy, as one timeline: what has happened, what happens now, and where it
//! is stuck and why.
//!
//! Pure: [`Follow::observe`] takes what is known now ([`Facts`], made by `follow_facts`) and the present. A time is
//! what an object says; where no object says it, it is when we saw the step for the first time, and the step says so.
//! Nothing is counted as healthy by a single field: see `sync_truth` for why.

use crate::domain::id::Name;
use crate::domain::sync_detail::Commit;
use crate::domain::time::Stamp;

/// What is known now of a revision's way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What the application was last compared with: the newest revision. Empty before the first comparison.
    pub revision: Vec<Name>,
    /// Who pushed it and when, where a server tells.
    pub commit: Option<Commit>,
    /// When that comparison was, or when the source fetched it.
    pub compared: Option<Stamp>,
    /// A comparison was asked for and has not come.
    pub refreshing: bool,
    /// Why the newest revision cannot be fetched or rendered.
    pub unreadable: Option<Stuck>,
    /// Whether the objects are as this revision wants them; `None` when nobody can tell.
    pub synced: Option<bool>,
    /// How far applying it is.
    pub delivery: Delivery,
    /// When its application began, also where it is over.
    pub begun: Option<Stamp>,
    /// Why nothing applies it although it differs.
    pub held: Option<Stuck>,
    /// The newest revision brings nothing: it was brought in before, and what differs since, or is done once more, is no
    /// change of it. Rollouts that it began may still be under way ([`Roll::brought`]).
    pub nothing_new: bool,
    /// Its workloads.
    pub rolls: Vec<Roll>,
    /// The Services that lead to its workloads.
    pub ends: Vec<Ends>,
    /// The health that the application tells.
    pub health: Name,
    /// Since when.
    pub health_since: Option<Stamp>,
    /// It is suspended, so that nothing will happen.
    pub suspended: bool,
}

/// How far the application of a revision is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Nobody has begun.
    #[default]
    None,
    /// Asked for, not begun.
    Asked,
    /// Under way.
    Running {
        /// Since when.
        since: Option<Stamp>,
        /// What it waits for, in the controller's words.
        message: String,
        /// Objects that are done, and all that it has named so far.
        done: (usize, usize),
    },
    /// Under way, and cannot go on by itself soon.
    Hindered(Option<Stamp>, Stuck),
    /// Ended well.
    Done(Option<Stamp>),
    /// Ended badly.
    Failed(Option<Stamp>, Stuck),
}

/// Why something does not go on, and what to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stuck {
    /// Why.
    pub why: String,
    /// The way out; may be empty.
    pub way: String,
}

impl Stuck {
    /// Both.
    pub fn new(why: impl Into<String>, way: impl Into<String>) -> Stuck {
        Stuck { why: why.into(), way: way.into() }
    }
}

/// A workload's rollout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roll {
    /// `deploy/cart`
    pub name: String,
    /// Pods wanted.
    pub desired: u32,
    /// Pods of the newest template.
    pub new: u32,
    /// Those that are ready.
    pub new_ready: u32,
    /// Pods of templates before.
    pub old: u32,
    /// It is not over.
    pub rolling: bool,
    /// Its newest template is all that runs, or all that is meant to: what fails from now on is no rollout.
    pub settled: bool,
    /// When its newest template came (its ReplicaSet was made).
    pub begun: Option<Stamp>,
    /// When it was over, as its condition says.
    pub over: Option<Stamp>,
    /// What stops it.
    pub stuck: Option<Stuck>,
    /// Its newest template came with the newest revision, which was applied, as far as that can be told, and not by a change
    /// in the cluster. Flux tells of no such change: there it is always taken for the revision's.
    pub brought: bool,
}

/// Endpoints of a Service that leads to a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// The Service.
    pub service: Name,
    /// Ready endpoints.
    pub ready: u32,
    /// On their way out.
    pub terminating: u32,
    /// Ready pods of the newest template behind it.
    pub new_ready: u32,
    /// Pods of templates before behind it.
    pub old: u32,
}

impl Ends {
    fn moved(&self) -> bool {
        self.old == 0 && self.terminating == 0 && self.ready > 0 && self.ready >= self.new_ready
    }
}

/// The steps, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepKind {
    /// The commit was made.
    Pushed,
    /// The controller has seen it.
    Detected,
    /// What lives is not what it wants.
    OutOfSync,
    /// It is being applied.
    Syncing,
    /// Pods are replaced.
    RollingOut,
    /// Traffic reaches the new pods only.
    Endpoints,
    /// All is as wanted and works.
    Healthy,
}

impl StepKind {
    /// All, in their order.
    pub const ALL: [StepKind; 7] = [
        StepKind::Pushed,
        StepKind::Detected,
        StepKind::OutOfSync,
        StepKind::Syncing,
        StepKind::RollingOut,
        StepKind::Endpoints,
        StepKind::Healthy,
    ];

    /// Its name on the screen.
    pub fn word(self) -> &'static str {
        match self {
            StepKind::Pushed => "pushed",
            StepKind::Detected => "detected",
            StepKind::OutOfSync => "out of sync",
            StepKind::Syncing => "syncing",
            StepKind::RollingOut => "rolling out",
            StepKind::Endpoints => "endpoints moved",
            StepKind::Healthy => "healthy",
        }
    }
}

/// When a step happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// An object says so.
    Said(Stamp),
    /// No object says; we saw it first then.
    Seen(Stamp),
    /// No object says, and it had happened before we looked, or before something else that has a time.
    Before(Stamp),
}

/// How a step stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// Its turn has not come.
    #[default]
    Waiting,
    /// It happens now.
    Now,
    /// It has happened.
    Done,
    /// It does not go on.
    Stuck(Stuck),
    /// There is nothing to do, for this reason.
    Skipped(&'static str),
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub kind: StepKind,
    /// How it stands.
    pub progress: Progress,
    /// When it happened, or since when it happens.
    pub at: Option<When>,
    /// More on it.
    pub note: String,
}

/// One revision's way, watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follow {
    /// The revision.
    pub revision: Vec<Name>,
    /// Its steps.
    pub steps: [Step; 7],
    /// The revision before, and the last step that it reached, when a newer one came while we watched.
    pub overtaken: Option<(Vec<Name>, StepKind)>,
    /// Since when we watch this revision; `None` before the first look.
    watched: Option<Stamp>,
    /// We saw this revision come.
    saw_it_come: bool,
    was_out: bool,
    nothing_new: bool,
    /// All workloads run what they are meant to.
    settled: bool,
    /// The last step that was ever done: what comes next takes some of them back for a moment.
    furthest: Option<StepKind>,
}

impl Default for Follow {
    fn default() -> Follow {
        Follow {
            revision: Vec::new(),
            steps: fresh(),
            overtaken: None,
            watched: None,
            saw_it_come: false,
            was_out: false,
            nothing_new: false,
            settled: true,
            furthest: None,
        }
    }
}

fn fresh() -> [Step; 7] {
    StepKind::ALL.map(|kind| Step { kind, progress: Progress::Waiting, at: None, note: String::new() })
}

/// A step as this look finds it.
struct Found {
    progress: Progress,
    said: Option<Stamp>,
    /// Something with a time that it must have happened before.
    bound: Option<Stamp>,
    note: String,
}

impl Found {
    fn new(progress: Progress) -> Found {
        Found { progress, said: None, bound: None, note: String::new() }
    }
    fn said(mut self, at: Option<Stamp>) -> Found {
        self.said = at;
        self
    }
    fn bound(mut self, at: Option<Stamp>) -> Found {
        self.bound = at;
        self
    }
    fn note(mut self, note: impl Into<String>) -> Found {
        self.note = note.into();
        self
    }
}

impl Follow {
    /// Takes what is known now.
    pub fn observe(&mut self, facts: &Facts, now: Stamp) {
        if facts.revision.is_empty() && self.watched.is_none() {
            return;
        }
        if self.watched.is_some() && facts.revision != self.revision && !facts.revision.is_empty() {
            let reached = self.furthest.unwrap_or(StepKind::Pushed);
            let before = std::mem::take(self);
            self.overtaken = Some((before.revision, reached));
            self.saw_it_come = true;
        }
        if self.watched.is_none() {
            self.watched = Some(now);
            self.revision.clone_from(&facts.revision);
        }
        self.was_out |= facts.synced == Some(false);
        self.nothing_new = facts.nothing_new && !facts.rolls.iter().any(|roll| roll.brought && !roll.settled);
        self.settled = facts.rolls.iter().all(|roll| roll.settled);
        let found = [
            pushed(facts),
            self.detected(facts),
            self.out_of_sync(facts),
            syncing(facts),
            rolling_out(facts),
            endpoints(facts),
            healthy(facts),
        ];
        let watched = self.watched.unwrap_or(now);
        for (step, found) in self.steps.iter_mut().zip(found) {
            step.take(found, watched, now);
        }
        self.furthest = self.furthest.max(self.reached());
    }

    /// The last step that is done.
    pub fn reached(&self) -> Option<StepKind> {
        self.steps.iter().rev().find(|step| step.progress == Progress::Done).map(|step| step.kind)
    }

    /// The step that matters now: the first that is stuck, else the last that happens.
    pub fn current(&self) -> Option<&Step> {
        let stuck = self.steps.iter().find(|step| matches!(step.progress, Progress::Stuck(_)));
        stuck.or_else(|| self.steps.iter().rev().find(|step| step.progress == Progress::Now))
    }

    /// Whether the revision has arrived: healthy by every measure.
    pub fn arrived(&self) -> bool {
        self.steps.last().is_some_and(|step| step.progress == Progress::Done)
    }

    /// Whether the revision is on its way: something happens now, or is stuck, before it was delivered and rolled out.
    /// What was delivered and differs since by a change in the cluster is drift, what fails later is broken, what is only
    /// reconciled once more is at rest: none of these brings a revision. Beside them one may be rolling out all the same.
    pub fn in_flight(&self) -> bool {
        let moves = |step: &Step| match step.progress {
            // Pods that die or move once all of them are new.
            _ if self.settled && step.kind == StepKind::RollingOut => false,
            Progress::Now => true,
            Progress::Stuck(_) => step.kind != StepKind::Healthy,
            Progress::Waiting | Progress::Done | Progress::Skipped(_) => false,
        };
        !self.revision.is_empty() && !self.nothing_new && self.steps.iter().any(moves)
    }

    fn detected(&self, facts: &Facts) -> Found {
        if let Some(stuck) = &facts.unreadable {
            return Found::new(Progress::Stuck(stuck.clone())).said(None);
        }
        if facts.revision.is_empty() {
            return Found::new(Progress::Now);
        }
        let found = Found::new(Progress::Done);
        let found = if facts.refreshing { found.note("compared anew just now") } else { found };
        // The time of the newest comparison is that of the detection only when we saw the revision change, and only the
        // first time.
        match self.saw_it_come {
            true => found.said(facts.compared),
            false => found.bound(begun(facts).or(facts.compared)),
        }
    }

    fn out_of_sync(&self, facts: &Facts) -> Found {
        let begun_or_over = !matches!(facts.delivery, Delivery::None);
        if facts.revision.is_empty() || facts.unreadable.is_some() {
            return Found::new(Progress::Waiting);
        }
        if facts.suspended && facts.synced != Some(true) {
            let stuck = Stuck::new("It is suspended: nothing is applied.", "Resume it.");
            return Found::new(Progress::Stuck(stuck));
        }
        if !begun_or_over && facts.synced == Some(false) {
            return match &facts.held {
                Some(stuck) => Found::new(Progress::Stuck(stuck.clone())),
                None => Found::new(Progress::Now).note("it is about to be applied"),
            }
            .said(self.saw_it_come.then_some(facts.compared).flatten());
        }
        if begun_or_over || self.was_out {
            let found = Found::new(Progress::Done).bound(begun(facts));
            return if self.saw_it_come { found.said(facts.compared) } else { found };
        }
        match facts.synced {
            Some(true) => Found::new(Progress::Skipped("this revision changes nothing that lives")),
            _ => Found::new(Progress::Waiting),
        }
    }
}

impl Step {
    fn take(&mut self, found: Found, watched: Stamp, now: Stamp) {
        let passed = self.progress != found.progress;
        let first = self.at.is_none() && self.progress == Progress::Waiting;
        match found.progress {
            Progress::Waiting | Progress::Skipped(_) => self.at = None,
            // What has a time keeps it: a later look says less about when.
            Progress::Done | Progress::Now | Progress::Stuck(_) => {
                let happened = found.progress == Progress::Done;
                let new_phase = passed && (happened || self.progress != Progress::Now);
                if self.at.is_none() || new_phase {
                    self.at = Some(match (found.said, found.bound) {
                        (Some(at), _) => When::Said(at),
                        // It stood so when we looked for the first time.
                        (None, bound) if first && now == watched => When::Before(bound.unwrap_or(now)),
                        (None, _) => When::Seen(now),
                    });
                } else if let (Some(When::Seen(_) | When::Before(_)), Some(at)) = (self.at, found.said) {
                    self.at = Some(When::Said(at));
                }
            }
        }
        self.progress = found.progress;
        self.note = found.note;
    }
}

/// When its application began, or a moment after that.
fn begun(facts: &Facts) -> Option<Stamp> {
    facts.begun.or(match &facts.delivery {
        Delivery::Running { since, .. } => *since,
        Delivery::Hindered(at, _) | Delivery::Failed(at, _) | Delivery::Done(at) => *at,
        Delivery::None | Delivery::Asked => None,
    })
}

fn pushed(facts: &Facts) -> Found {
    if facts.revision.is_empty() {
        return Found::new(Progress::Waiting);
    }
    match facts.commit.as_ref().filter(|commit| facts.revision.contains(&commit.revision)) {
        Some(commit) => {
            let by = if commit.author.is_empty() { String::new() } else { format!("by {}: ", commit.author) };
            Found::new(Progress::Done).said(commit.date).note(format!("{by}{}", commit.message))
        }
        None => Found::new(Progress::Done)
            .bound(begun(facts).or(facts.compared))
            .note("no object of the cluster tells when, or by whom"),
    }
}

fn syncing(facts: &Facts) -> Found {
    match &facts.delivery {
        Delivery::None => Found::new(Progress::Waiting),
        Delivery::Asked => Found::new(Progress::Now).note("asked for, not begun"),
        Delivery::Running { since, message, done } => {
            let mut note = match done {
                (_, 0) => String::new(),
                (done, all) => format!("{done} of {all} objects"),
            };
            if !message.is_empty() {
                if !note.is_empty() {
                    note.push_str(", ");
                }
                note.push_str(message);
            }
            Found::new(Progress::Now).said(*since).note(note)
        }
        Delivery::Hindered(at, stuck) | Delivery::Failed(at, stuck) => {
            Found::new(Progress::Stuck(stuck.clone())).said(*at)
        }
        Delivery::Done(at) => Found::new(Progress::Done).said(*at),
    }
}

/// Whether the revision is applied, as far as objects say.
fn applied(facts: &Facts) -> bool {
    matches!(facts.delivery, Delivery::Done(_))
        || (facts.synced == Some(true) && matches!(facts.delivery, Delivery::None))
}

/// The workloads that this revision gave a new template.
fn concerned(facts: &Facts) -> Vec<&Roll> {
    let since = match &facts.delivery {
        Delivery::Running { since, .. } => *since,
        _ => None,
    };
    let begun = |roll: &&Roll| match (since, roll.begun) {
        (Some(since), Some(begun)) => begun >= since,
        _ => true,
    };
    let rolling = facts.rolls.iter().filter(|roll| roll.rolling || roll.stuck.is_some()).collect::<Vec<_>>();
    if rolling.is_empty() { facts.rolls.iter().filter(begun).collect() } else { rolling }
}

fn rolling_out(facts: &Facts) -> Found {
    let started = !matches!(facts.delivery, Delivery::None | Delivery::Asked) || applied(facts);
    if !started {
        return Found::new(Progress::Waiting);
    }
    if facts.rolls.is_empty() {
        return match applied(facts) {
            true => Found::new(Progress::Skipped("it has no workload that is seen here")),
            false => Found::new(Progress::Waiting),
        };
    }
    let rolls = concerned(facts);
    let note = rolls.iter().map(|roll| roll_words(roll)).collect::<Vec<_>>().join("; ");
    let first = rolls.iter().filter_map(|roll| roll.begun).min();
    if let Some(stuck) = rolls.iter().find_map(|roll| roll.stuck.as_ref()) {
        return Found::new(Progress::Stuck(stuck.clone())).said(first).note(note);
    }
    if rolls.iter().any(|roll| roll.rolling) {
        return Found::new(Progress::Now).said(first).note(note);
    }
    // Before the objects are as wanted nobody knows whether they will be replaced.
    if !applied(facts) || facts.synced == Some(false) {
        return Found::new(Progress::Waiting);
    }
    Found::new(Progress::Done).said(rolls.iter().filter_map(|roll| roll.over).max()).note(note)
}

fn roll_words(roll: &Roll) -> String {
    let old = if roll.old > 0 { format!(", {} old", roll.old) } else { String::new() };
    format!("{} {} of {} new ready{old}", roll.name, roll.new_ready, roll.desired)
}

fn endpoints(facts: &Facts) -> Found {
    let over = rolling_out(facts);
    match over.progress {
        Progress::Waiting => return Found::new(Progress::Waiting),
        Progress::Skipped(_) => return Found::new(Progress::Skipped("no pods were replaced")),
        _ => {}
    }
    if facts.ends.is_empty() {
        return Found::new(Progress::Skipped("no Service leads to its pods"));
    }
    let words = |ends: &Ends| {
        let leaving =
            if ends.terminating > 0 { format!(", {} leaving", ends.terminating) } else { String::new() };
        let old = if ends.old > 0 { format!(", {} old pods behind it", ends.old) } else { String::new() };
        format!("svc/{} {} ready{leaving}{old}", ends.service, ends.ready)
    };
    let note = facts.ends.iter().map(words).collect::<Vec<_>>().join("; ");
    if facts.ends.iter().all(Ends::moved) {
        return Found::new(Progress::Done).note(note);
    }
    match over.progress {
        // The pods say why.
        Progress::Stuck(_) => Found::new(Progress::Waiting).note(note),
        Progress::Done if facts.ends.iter().any(|ends| ends.ready == 0) => {
            let empty = facts.ends.iter().find(|ends| ends.ready == 0).map(|ends| ends.service.clone());
            let why = format!("Service {} has no ready endpoint.", empty.unwrap_or_default());
            let way = "Its selector or its port does not fit the new pods, or their readiness probes fail.";
            Found::new(Progress::Stuck(Stuck::new(why, way))).note(note)
        }
        _ => Found::new(Progress::Now).note(note),
    }
}

fn healthy(facts: &Facts) -> Found {
    let rollout = rolling_out(facts).progress;
    let over = matches!(rollout, Progress::Done | Progress::Skipped(_));
    let all = applied(facts) && facts.synced == Some(true) && over;
    if all && &*facts.health == "Healthy" {
        return Found::new(Progress::Done)
            .said(facts.health_since.filter(|at| begun(facts).is_none_or(|b| *at >= b)));
    }
    let before = &*facts.health == "Healthy" && !matches!(facts.delivery, Delivery::None);
    if before && !matches!(rollout, Progress::Stuck(_)) {
        return Found::new(Progress::Waiting).note("it says Healthy, which is from before");
    }
    match &*facts.health {
        "Degraded" if matches!(rollout, Progress::Stuck(_)) => Found::new(Progress::Waiting).note("Degraded"),
        "Degraded" if applied(facts) => {
            let stuck =
                Stuck::new("The application is Degraded.", "The resources say which object, and why.");
            Found::new(Progress::Stuck(stuck)).said(facts.health_since)
        }
        "Missing" if all => {
            Found::new(Progress::Stuck(Stuck::new("Its objects are missing.", "Sync it again.")))
        }
        "Progressing" if applied(facts) && over => {
            Found::new(Progress::Now).said(facts.health_since).note("Progressing")
        }
        _ => Found::new(Progress::Waiting),
    }
}

#[cfg(test)]
mod tests;
