//! A switch is watched for a while, and led back when the guard says so or a person asks: by the request that was
//! confirmed with it, as an action of its own in the journal, once.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Came, Execution, Progress, StepState, Stopped};
use crate::change::ask;
use crate::change::gauge::Asker;
use crate::change::guard::{Guard, Guarded, Patience, Sight, Told, Watcher, percent};
use crate::change::intent::{Way, With};
use crate::change::json::at;
use crate::change::plan::{Plan, Touched, called};
use crate::change::traffic::{SELECTOR, by_colour, receiving};
use crate::change::verify::{self, Standing};
use crate::connect::paths;
use crate::connect::problem::Fault;
use crate::journal::{Closing, End, Journal, Outcome, Record, StepDone};
use crate::text::clean;

/// A Prometheus that hangs must not keep the guard from looking at pods: what it does not say in time is not known.
const QUESTION: Duration = Duration::from_secs(5);

/// Takes records of the journal.
type Note<'n> = &'n mut (dyn FnMut(Record) -> bool + Send);

/// Why it is led back.
enum Why {
    /// These breaches.
    Breach(Vec<String>),
    /// A person asked.
    Asked,
}

/// Whether the selector is still the one that was set.
enum Ours {
    Yes,
    /// It is as it was before: what was sent has not arrived.
    NotYet,
    No(String),
    Unknown(String),
}

impl Execution<'_> {
    /// Watches until the window is over, something is wrong, or a person has it led back. `doubt`: why it is not known
    /// whether the switch arrived; until it shows, nothing is judged.
    pub(super) async fn guard(
        &self,
        guard: &Guard,
        stands: &[Touched],
        mut doubt: Option<String>,
        id: &str,
        note: Note<'_>,
    ) -> End {
        let pace = self.means.pace;
        let mut began = Instant::now();
        let mut watcher = Watcher::new(guard, Patience { follow: pace.follow, unready: pace.unready });
        let asker = guard
            .gauges
            .as_ref()
            .map_err(Clone::clone)
            .map(|gauges| Asker::new(gauges, &self.means.ways, pace.answer.min(QUESTION)));
        let mut asked: Option<Instant> = None;
        let mut said = Said::default();
        // A person wants it led back.
        let mut wanted = false;
        loop {
            let ours = self.ours(guard, stands, doubt.is_some()).await;
            if let Ours::No(words) = ours {
                let words = format!("{words}: the guard has ended and leads nothing back");
                return End { outcome: Outcome::Superseded, words };
            }
            if let Some(why) = &doubt {
                if !matches!(ours, Ours::Yes) {
                    match self.arrived_not(guard, why, &ours, began, &mut wanted).await {
                        Some(end) => return end,
                        None => continue,
                    }
                }
                let words = format!("{}: it arrived, though the answer did not", self.plan.title);
                self.note(note, id, "done", &words);
                let last = self.plan.steps.len().saturating_sub(1);
                (self.means.tell)(Progress::Step(last, StepState::Done, words));
                doubt = None;
                began = Instant::now();
            }
            // What is seen is as old as the beginning of the look, however long the answers take.
            let at = began.elapsed();
            let mut sight = self.sight(guard).await;
            if asked.is_none_or(|at| at.elapsed() >= pace.gauge) {
                asked = Some(Instant::now());
                match &asker {
                    Ok(asker) => tokio::select! {
                        reading = asker.ask(&guard.to, &guard.from) => sight.reading = Some(reading),
                        () = self.asked_back() => wanted = true,
                    },
                    Err(why) => sight.reading = Some(Err(why.clone())),
                }
            }
            watcher.look(at, &sight);
            let shown = watcher.shown();
            said.say(shown, &mut |words| {
                self.note(note, id, "watches", words);
            });
            (self.means.tell)(Progress::Watching(shown.words()));
            (self.means.tell)(Progress::Guard(Box::new(shown.clone())));
            if !shown.breach.is_empty() {
                let why = Why::Breach(shown.breach.clone());
                return self.turn(guard, shown, &why, id, note).await.unwrap_or_else(|end| end);
            }
            if !wanted && watcher.is_over() {
                return over(guard, shown, &ours);
            }
            if !wanted {
                tokio::select! {
                    () = sleep(pace.look) => {}
                    () = self.asked_back() => wanted = true,
                }
            }
            if std::mem::take(&mut wanted) {
                match self.turn(guard, watcher.shown(), &Why::Asked, id, note).await {
                    Ok(end) => return end,
                    // A wish that cannot be met is no reason to look away.
                    Err(stays) => {
                        self.note(note, id, "watches", &stays.words);
                        watcher.stays(stays.words);
                    }
                }
            }
        }
    }

    /// One look at a switch that has not arrived so far: how it ends, or `None` when it may still arrive. That it be led
    /// back is `wanted` then as well: it is once there is something to lead back.
    async fn arrived_not(
        &self,
        guard: &Guard,
        why: &str,
        ours: &Ours,
        began: Instant,
        wanted: &mut bool,
    ) -> Option<End> {
        let seen = match ours {
            Ours::Unknown(why) => format!("the Service cannot be looked at ({why})"),
            _ => format!("{} still has the traffic", guard.from),
        };
        let then = if *wanted { ", and is led back if it arrives" } else { "" };
        (self.means.tell)(Progress::Watching(format!("the switch was not answered: {seen}{then}")));
        if began.elapsed() >= guard.window {
            let words = format!("{why} {} s later {seen}.", began.elapsed().as_secs());
            return Some(End { outcome: Outcome::Unknown, words });
        }
        tokio::select! {
            () = sleep(self.means.pace.look) => {}
            () = self.asked_back() => *wanted = true,
        }
        None
    }

    /// Why what a switch leads to cannot take the traffic any more, which the plan had seen ready: it may be a minute
    /// old. `None` for whatever is no switch.
    pub(super) async fn no_longer_ready(&self) -> Option<End> {
        let guard = self.plan.guard.as_ref()?;
        let why = match self.sight(guard).await.ready? {
            Ok((ready, _)) if ready >= guard.needed => return None,
            Ok((ready, _)) => format!("{ready} of {} pods of {} are ready now", guard.needed, guard.to),
            Err(why) => format!("whether {} is ready could not be read ({why})", guard.to),
        };
        let words = format!("Nothing was changed: {why}. Plan it anew.");
        Some(End { outcome: Outcome::Refused, words })
    }

    /// A person wants it led back; a wish that came in between is kept.
    async fn asked_back(&self) {
        match self.means.turn {
            Some(turn) => turn.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Writes it down; says whether it could.
    fn note(&self, note: Note<'_>, id: &str, outcome: &str, words: &str) -> bool {
        note(Record::Step(StepDone {
            id: id.to_owned(),
            at: jiff::Timestamp::now().to_string(),
            step: self.plan.steps.len(),
            outcome: outcome.to_owned(),
            words: words.to_owned(),
        }))
    }

    async fn ours(&self, guard: &Guard, stands: &[Touched], doubt: bool) -> Ours {
        let Some(expect) = self.plan.expects.first() else { return Ours::Yes };
        let path = paths::path(&guard.service);
        let live = match ask::read(&self.means.client, &path, self.means.pace.answer).await {
            Ok(live) => Some(live),
            Err(Fault::NotFound(_)) => None,
            Err(fault) => return Ours::Unknown(fault.words().to_owned()),
        };
        let selector = stands.iter().find(|value| value.pointer == SELECTOR);
        if let (true, Some(live), Some(selector)) = (doubt, &live, selector)
            && at(live, SELECTOR) == selector.before
        {
            return Ours::NotYet;
        }
        match verify::judge(expect, stands, live.as_ref(), &[]) {
            Standing::Superseded(words) | Standing::Failed(words) => Ours::No(words),
            Standing::Done(_) | Standing::Pending(_) => Ours::Yes,
        }
    }

    /// Looks at pods and slices.
    async fn sight(&self, guard: &Guard) -> Sight {
        let limit = self.means.pace.answer;
        let (pods, slices) = futures::join!(
            ask::items(&self.means.client, &guard.pods, limit),
            ask::items(&self.means.client, &guard.slices, limit)
        );
        let counts = |items: &[serde_json::Value]| {
            let colours = by_colour(&guard.key, &guard.live, items);
            let of = |name: &str| colours.get(name).map_or(0, |(ready, _)| *ready);
            (of(&guard.to), of(&guard.from))
        };
        let ready = pods.as_ref().map(|pods| counts(pods)).map_err(|fault| fault.words().to_owned());
        let receiving = match (&pods, &slices) {
            (Ok(pods), Ok(slices)) => {
                let found = receiving(&guard.key, slices, pods);
                let new = found.get(&*guard.to).copied().unwrap_or_default();
                Ok((new, found.values().sum::<u32>() - new))
            }
            (Err(fault), _) | (_, Err(fault)) => Err(fault.words().to_owned()),
        };
        Sight { ready: Some(ready), receiving: Some(receiving), reading: None }
    }

    /// Leads back: only onto ready pods, only while the selector is the one that was set. `Err` where it did not come to
    /// that: how it ends unless it is watched on.
    async fn turn(
        &self,
        guard: &Guard,
        shown: &Guarded,
        why: &Why,
        id: &str,
        note: Note<'_>,
    ) -> Result<End, End> {
        let after = shown.at.as_secs();
        let (outcome, reason) = match why {
            Why::Breach(breach) => {
                (Outcome::Failed, format!("breach after {after} s: {}", breach.join("; ")))
            }
            Why::Asked => (Outcome::Superseded, format!("asked for after {after} s")),
        };
        self.note(note, id, if outcome == Outcome::Failed { "breach" } else { "asked" }, &reason);
        let tell = |words: String| {
            (self.means.tell)(Progress::Watching(words.clone()));
            (self.means.tell)(Progress::Guard(Box::new(Guarded { turning: words, ..shown.clone() })));
        };
        tell(format!("{reason}: leading back to {}", guard.from));
        let left = |why: String| End {
            outcome: Outcome::Failed,
            words: format!("{reason}. Not led back: {why}. {} still has the traffic.", guard.to),
        };
        let until = Instant::now() + self.means.pace.settle;
        let ready = loop {
            match self.sight(guard).await.ready {
                Some(Ok((_, old))) => break old,
                Some(Err(why)) if Instant::now() >= until => {
                    return Err(left(format!("whether {} is ready could not be read ({why})", guard.from)));
                }
                // Reading is no change: it is tried again for a while.
                Some(Err(_)) | None => sleep(self.means.pace.look).await,
            }
        };
        if ready == 0 {
            return Err(left(format!("no pod of {} is ready", guard.from)));
        }
        let ended = self.lead_back(guard, &reason).await;
        if matches!((why, ended.outcome), (Why::Asked, Outcome::Refused | Outcome::Failed)) {
            return Err(left(ended.words));
        }
        Ok(match ended.outcome {
            Outcome::Done => {
                End { outcome, words: format!("{reason}. Led back to {}: {}", guard.from, ended.words) }
            }
            Outcome::Superseded => {
                End { outcome: Outcome::Superseded, words: format!("{reason}. {}", ended.words) }
            }
            Outcome::Unknown => End {
                outcome: Outcome::Unknown,
                words: format!(
                    "{reason}. It is not known whether it was led back to {}: {}",
                    guard.from, ended.words
                ),
            },
            _ => left(ended.words),
        })
    }

    /// The way back as an action of its own: its intent on the disk before anything is sent.
    async fn lead_back(&self, guard: &Guard, reason: &str) -> End {
        let refused = |words: String| End { outcome: Outcome::Refused, words };
        let Some(journal) = self.means.journal else { return refused("there is no journal".to_owned()) };
        let plan = back_of(self.plan, guard);
        let back = Execution { plan: &plan, means: self.means.silent() };
        let now = jiff::Timestamp::now();
        let id = Journal::new_id(now);
        let begun = journal.hold(&id).and_then(|held| {
            let intent = back.intention(reason, "guard", &id, now);
            journal.append(&Record::Intent(Box::new(intent)), now).map(|()| held)
        });
        let _held = match begun {
            Ok(held) => held,
            Err(error) => {
                return refused(format!("the journal cannot be written ({})", clean(&error.to_string())));
            }
        };
        let mut unwritten = None;
        let mut note = |record: Record| match journal.append(&record, jiff::Timestamp::now()) {
            Ok(()) => true,
            Err(error) => {
                unwritten = Some(clean(&error.to_string()).into_owned());
                false
            }
        };
        let until = Instant::now() + self.means.pace.settle;
        let sent = loop {
            let mut tell = |outcome: &str, words: &str| back.note(&mut note, &id, outcome, words);
            match back.step(&guard.back, &mut tell).await {
                // Nothing was done so far, and the server may answer the next time.
                Err(stopped) if stopped.passing && Instant::now() < until => {
                    tell("again", &stopped.words);
                    sleep(self.means.pace.look).await;
                    if let Some(Ok((_, 0))) = self.sight(guard).await.ready {
                        let words = format!("no pod of {} is ready any more", guard.from);
                        break Err(Stopped::new(Outcome::Refused, "refused", words));
                    }
                }
                sent => break sent,
            }
        };
        let mut end = match sent {
            Ok(Came::Done(words, _)) => {
                back.note(&mut note, &id, "done", &words);
                back.arrives(guard).await
            }
            Ok(Came::HeldUp(why)) => End { outcome: Outcome::Failed, words: why },
            Err(Stopped { outcome, word, words, .. }) => {
                back.note(&mut note, &id, word, &words);
                // Somebody else has set another one meanwhile: his is left alone.
                let outcome = if word == "stale" { Outcome::Superseded } else { outcome };
                End { outcome, words }
            }
        };
        let at = jiff::Timestamp::now().to_string();
        note(Record::End(Closing { id, at, outcome: end.outcome, words: end.words.clone() }));
        if let Some(why) = unwritten {
            end.words.push_str(&format!(" (the journal could not be written to its end: {why})"));
        }
        end
    }

    /// Looks until the old colour has the traffic again.
    async fn arrives(&self, guard: &Guard) -> End {
        let began = Instant::now();
        loop {
            let sight = self.sight(guard).await;
            let pending = match &sight.receiving {
                Some(Ok((0, old))) if *old > 0 => {
                    let words = format!("{old} pods of it receive traffic");
                    return End { outcome: Outcome::Done, words };
                }
                Some(Ok((new, old))) => {
                    format!("{old} pods of it receive traffic, {new} of {} still", guard.to)
                }
                Some(Err(why)) => format!("endpoints cannot be looked at: {why}"),
                None => String::new(),
            };
            if began.elapsed() >= self.means.pace.follow {
                // The selector stands: what is missing is the sight of it.
                let words = format!("its selector is set, but {pending}");
                return End { outcome: Outcome::Done, words };
            }
            sleep(self.means.pace.look).await;
        }
    }
}

/// How a window that is over ends.
fn over(guard: &Guard, shown: &Guarded, ours: &Ours) -> End {
    let seconds = guard.window.as_secs();
    let unknown = shown.unknown();
    let also = if unknown.is_empty() { String::new() } else { format!("; {}", unknown.join("; ")) };
    if let Ours::Unknown(why) = ours {
        let words = format!("the {seconds} s are over, and the Service cannot be looked at: {why}");
        return End { outcome: Outcome::Unknown, words };
    }
    let Told::Is(ready) = shown.ready else {
        return End { outcome: Outcome::Unknown, words: format!("the {seconds} s are over{also}") };
    };
    let mut words = format!("{} is live: no breach in {seconds} s, {ready} pods ready", guard.to);
    if let Told::Is(errors) = shown.errors.now {
        words.push_str(&format!(", errors {}", percent(errors)));
    }
    if let Told::Is(latency) = shown.latency.now {
        words.push_str(&format!(", p99 {latency} ms"));
    }
    End { outcome: Outcome::Done, words: format!("{words}{also}") }
}

/// The plan of the way back.
fn back_of(plan: &Plan, guard: &Guard) -> Plan {
    let turned = plan.touched.iter().filter(|value| value.pointer == SELECTOR);
    let touched: Vec<Touched> = turned
        .map(|value| Touched { before: value.after.clone(), after: value.before.clone(), ..value.clone() })
        .collect();
    let mut order = plan.order.clone();
    order.intent.with.to = Some(guard.from.to_string());
    order.intent.with.back = true;
    Plan {
        title: format!("switch {} {} → {}", called(&guard.service), guard.to, guard.from),
        order,
        lines: plan
            .lines
            .iter()
            .map(|line| crate::change::plan::Line {
                words: format!("{} {} → {}", guard.key, guard.to, guard.from),
                ..line.clone()
            })
            .collect(),
        touched,
        steps: vec![guard.back.clone()],
        gates: Vec::new(),
        way: Some(Way::same(With { to: Some(guard.to.to_string()), ..With::default() })),
        guard: None,
        ..plan.clone()
    }
}

/// What has been written down already.
#[derive(Default)]
struct Said {
    followed: bool,
    unknown: Vec<String>,
}

impl Said {
    /// Writes down what is new: each thing once.
    fn say(&mut self, shown: &Guarded, note: &mut dyn FnMut(&str)) {
        if let (Some(after), false) = (shown.followed, self.followed) {
            self.followed = true;
            let seconds = after.as_secs_f64();
            note(&format!("endpoints follow: all are of {} after {seconds:.1} s", shown.to));
        }
        for words in shown.unknown() {
            // Numbers that grow are no news.
            let kind = words.split(':').next().unwrap_or_default().to_owned();
            if !self.unknown.contains(&kind) {
                note(&words);
                self.unknown.push(kind);
            }
        }
    }
}
