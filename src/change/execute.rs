//! The SOLE writer to a cluster. It takes what was confirmed and nothing else, writes down what it is about to do,
//! does it step by step, and looks whether it came true.
//!
//! Nothing is retried blindly. A step looks at its object first and goes on only while the object is the planned one
//! and every value that it touches stands as the plan showed it. A 409 after that (somebody wrote something else in
//! between) is looked at again the same way; an answer that did not come, or that leaves open what was done, is
//! settled by looking.

mod answers;
mod guard;
mod watch;
mod written;

use std::collections::VecDeque;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use kube::Client;
use kube::client::Body;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::ask;
use super::confirm::Confirmed;
use super::gather::uid_of;
pub use super::gauge::Ways;
use super::guard::Guarded;
use super::json::{at, list, same, text};
use super::plan::{Method, Plan, Step, Touched, called};
use super::requests::{Reply, send};
use super::verify::shown;
use crate::connect::paths;
use crate::connect::problem::Fault;
use crate::journal::{Closing, End, Journal, Local, Outcome, Record, StepDone};
use crate::text::clean;

/// How long things may take. Tests use shorter ones.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// One answer.
    pub answer: Duration,
    /// Between two looks.
    pub look: Duration,
    /// How long a request without an answer is looked for.
    pub settle: Duration,
    /// How long a step is tried anew after a 409.
    pub conflicts: Duration,
    /// How long evictions that a disruption budget holds up are asked for.
    pub evictions: Duration,
    /// Within how long endpoints follow a switch.
    pub follow: Duration,
    /// For how long some pods may be unready after a switch.
    pub unready: Duration,
    /// Between two questions to a Prometheus after a switch.
    pub gauge: Duration,
    /// For how long a value has to stand that somebody is known to put back.
    pub stands: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            answer: Duration::from_secs(30),
            look: Duration::from_secs(1),
            settle: Duration::from_secs(15),
            conflicts: Duration::from_secs(15),
            evictions: Duration::from_secs(600),
            follow: Duration::from_secs(30),
            unready: Duration::from_secs(5),
            gauge: Duration::from_secs(5),
            stands: Duration::from_secs(5),
        }
    }
}

/// What happens while something is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A step, from 0, is where these words say.
    Step(usize, StepState, String),
    /// All is sent; so far it has come true.
    Watching(String),
    /// A switch is watched: what is seen.
    Guard(Box<Guarded>),
    /// It is over.
    Ended(End),
}

/// Where a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    /// It is being done.
    Doing,
    /// It is done.
    Done,
    /// It was not done, or that is not known.
    Failed,
}

/// What an execution needs besides what was confirmed.
pub struct Means<'a> {
    /// The way to the cluster that the plan was made on.
    pub client: Client,
    /// Where it is written down; `None` stops everything.
    pub journal: Option<&'a Journal>,
    /// Who sits here.
    pub local: &'a Local,
    /// Stay until it has come true, and not only until it is done.
    pub watch: bool,
    /// How long things may take.
    pub pace: Pace,
    /// Is told what happens.
    pub tell: &'a (dyn Fn(Progress) + Sync),
    /// The ways to clusters, for servers behind them that are asked while something is watched.
    pub ways: Ways,
    /// Rings when a person has a switch led back while it is watched.
    pub turn: Option<&'a Notify>,
}

impl<'a> Means<'a> {
    /// The same for a part of an action that does not tell its own steps.
    fn silent(&self) -> Means<'a> {
        Means {
            client: self.client.clone(),
            tell: &|_| {},
            ways: Ways::clone(&self.ways),
            turn: None,
            ..*self
        }
    }
}

/// Does what was confirmed. The last thing that is told is [`Progress::Ended`], which is returned too.
pub async fn execute(confirmed: &Confirmed, means: Means<'_>) -> End {
    let tell = means.tell;
    let end = Execution { plan: confirmed.plan(), means }.run(confirmed).await;
    tell(Progress::Ended(end.clone()));
    end
}

/// Writes down what was confirmed and cannot be sent at all, with its end: the way to its cluster is no longer the one
/// that it was planned on.
pub fn turned_away(confirmed: &Confirmed, journal: Option<&Journal>, local: &Local, why: &str) -> End {
    let mut end = refused(format!("Nothing was changed: {why}"));
    if !confirmed.take() {
        return refused("This was done already; a plan is done once.");
    }
    let Some(journal) = journal else { return end };
    let now = jiff::Timestamp::now();
    let id = Journal::new_id(now);
    let (plan, how) = (confirmed.plan(), confirmed.how().word());
    let intent = written::intention(plan, local, confirmed.reason(), how, &id, now);
    let closing = Closing { id, at: now.to_string(), outcome: end.outcome, words: end.words.clone() };
    let written = journal
        .append(&Record::Intent(Box::new(intent)), now)
        .and_then(|()| journal.append(&Record::End(closing), now));
    if let Err(error) = written {
        end.words.push_str(&format!(" (the journal could not be written: {})", clean(&error.to_string())));
    }
    end
}

fn refused(words: impl Into<String>) -> End {
    End { outcome: Outcome::Refused, words: words.into() }
}

/// The request of a step, with the version of the object that it is held to.
///
/// # Errors
/// No request can be made of it.
pub(super) fn request(step: &Step, version: &str) -> Result<http::Request<Body>, Fault> {
    let mut body = step.request.body.clone();
    if step.versioned
        && let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut)
    {
        metadata.insert("resourceVersion".to_owned(), Value::String(version.to_owned()));
    }
    match step.request.method {
        Method::Merge | Method::JsonPatch => http::Request::patch(&step.request.path),
        Method::Delete => http::Request::delete(&step.request.path),
        Method::Create | Method::Evict => http::Request::post(&step.request.path),
    }
    .header(CONTENT_TYPE, step.request.method.content_type())
    .body(Body::from(body.to_string().into_bytes()))
    .map_err(|error| Fault::Invalid(clean(&error.to_string()).into_owned()))
}

/// What holds an eviction up, by an answer of 429: the budget's own words, which name it.
pub(super) fn held_up(reply: &Reply) -> String {
    let causes = list(&reply.body, "/details/causes");
    let budget = causes.into_iter().find(|cause| text(cause, "/reason") == "DisruptionBudget");
    match budget.map(|cause| clean(text(cause, "/message")).into_owned()).filter(|words| !words.is_empty()) {
        Some(words) => words,
        None => reply.fault().words().to_owned(),
    }
}

/// How far a step came.
enum Came {
    /// It is done: what to say, and the answer.
    Done(String, Option<Value>),
    /// Not yet, and it may be asked again: what holds it up.
    HeldUp(String),
}

/// How a step ended, when not well.
struct Stopped {
    outcome: Outcome,
    /// For the journal: `refused`, `stale`, `failed`, `unknown`.
    word: &'static str,
    words: String,
    /// Nothing was done, for a reason that may pass: a server that is busy or away.
    passing: bool,
}

impl Stopped {
    fn new(outcome: Outcome, word: &'static str, words: impl Into<String>) -> Stopped {
        Stopped { outcome, word, words: words.into(), passing: false }
    }

    fn stale(words: impl Into<String>) -> Stopped {
        Stopped::new(Outcome::Refused, "stale", words)
    }
}

/// How words begin that say that nothing was done.
const UNCHANGED: &str = "Nothing was changed";

/// A step that something holds up.
fn waits(step: &Step, why: &str) -> String {
    format!("{}: waits: {why}", step.title)
}

struct Execution<'a> {
    plan: &'a Plan,
    means: Means<'a>,
}

impl Execution<'_> {
    async fn run(&self, confirmed: &Confirmed) -> End {
        if !confirmed.take() {
            return refused("This was done already; a plan is done once.");
        }
        let Some(journal) = self.means.journal else {
            return refused("There is no folder for the journal, and nothing is changed without one.");
        };
        let now = jiff::Timestamp::now();
        let id = Journal::new_id(now);
        // Writing waits for the disk on this very task: it is a few milliseconds, and nothing may overtake it.
        let begun = journal.hold(&id).and_then(|held| {
            let intent = self.intention(confirmed.reason(), confirmed.how().word(), &id, now);
            journal.append(&Record::Intent(Box::new(intent)), now)?;
            Ok(held)
        });
        let _held = match begun {
            Ok(held) => held,
            Err(error) => {
                return refused(format!(
                    "The journal cannot be written ({}): nothing was changed.",
                    clean(&error.to_string())
                ));
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
        let mut end = self.steps_and_watch(&id, &mut note).await;
        // What this goes on with is closed by it, unless nothing was done: then it is as open as before.
        if let Some(old) =
            self.plan.order.around.instead_of.as_ref().filter(|_| end.outcome != Outcome::Refused)
        {
            let words = format!("planned on from here: {} ({id})", self.plan.title);
            let at = jiff::Timestamp::now().to_string();
            note(Record::End(Closing { id: old.clone(), at, outcome: Outcome::Unknown, words }));
        }
        note(Record::End(Closing {
            id,
            at: jiff::Timestamp::now().to_string(),
            outcome: end.outcome,
            words: end.words.clone(),
        }));
        if let Some(why) = unwritten {
            end.words.push_str(&format!(" (the journal could not be written to its end: {why})"));
        }
        end
    }

    async fn steps_and_watch(&self, id: &str, note: &mut (dyn FnMut(Record) -> bool + Send)) -> End {
        if let Some(end) = self.no_longer_ready().await {
            return end;
        }
        let mut stands: Vec<Touched> = self.plan.touched.clone();
        let mut left: VecDeque<(usize, &Step)> = self.plan.steps.iter().enumerate().collect();
        // Steps that were held up since one was last done, and until when they are asked for again.
        let mut held_up: Vec<(usize, String)> = Vec::new();
        let mut until: Option<Instant> = None;
        while let Some((at, step)) = left.pop_front() {
            // What waits is asked again and again, and goes on saying what it waits for.
            let doing = match held_up.iter().find(|(other, _)| *other == at) {
                Some((_, why)) => waits(step, why),
                None => step.title.clone(),
            };
            (self.means.tell)(Progress::Step(at, StepState::Doing, doing));
            let mut tell = |outcome: &str, words: &str| {
                note(Record::Step(StepDone {
                    id: id.to_owned(),
                    at: jiff::Timestamp::now().to_string(),
                    step: at + 1,
                    outcome: outcome.to_owned(),
                    words: words.to_owned(),
                }))
            };
            match self.step(step, &mut tell).await {
                Ok(Came::Done(words, answered)) => {
                    tell("done", &words);
                    (self.means.tell)(Progress::Step(at, StepState::Done, words));
                    as_taken(&mut stands, step, answered.as_ref());
                    held_up.retain(|(other, _)| *other != at);
                    // A budget that lets one go after the other is not in the way.
                    until = None;
                }
                Ok(Came::HeldUp(why)) => {
                    // Said once for each reason, not at each time of asking.
                    if !held_up.iter().any(|(other, said)| *other == at && *said == why) {
                        held_up.retain(|(other, _)| *other != at);
                        tell("waits", &why);
                        held_up.push((at, why.clone()));
                    }
                    (self.means.tell)(Progress::Step(at, StepState::Doing, waits(step, &why)));
                    let until = *until.get_or_insert_with(|| Instant::now() + self.means.pace.evictions);
                    left.push_back((at, step));
                    // The others are asked for first.
                    if left.iter().all(|(other, _)| held_up.iter().any(|(held, _)| held == other)) {
                        if Instant::now() >= until {
                            return self.gave_up(&left, &held_up, &mut tell);
                        }
                        sleep(self.means.pace.look).await;
                    }
                }
                Err(stopped) => {
                    tell(stopped.word, &stopped.words);
                    // What was sent and not answered may arrive still, and traffic is not left unwatched.
                    if let (Outcome::Unknown, Some(guard)) = (stopped.outcome, &self.plan.guard) {
                        return self.guard(guard, &stands, Some(stopped.words), id, note).await;
                    }
                    (self.means.tell)(Progress::Step(at, StepState::Failed, stopped.words.clone()));
                    // Those that waited are asked for no more.
                    for (other, one) in
                        left.iter().filter(|(other, _)| held_up.iter().any(|(at, _)| at == other))
                    {
                        (self.means.tell)(Progress::Step(
                            *other,
                            StepState::Failed,
                            format!("{}: not done", one.title),
                        ));
                    }
                    let done = self.plan.steps.len() - left.len() - 1;
                    if done > 0 {
                        return self.stopped_half_way(step, &stopped, done, &left);
                    }
                    return End { outcome: stopped.outcome, words: stopped.words };
                }
            }
        }
        match &self.plan.guard {
            Some(guard) => self.guard(guard, &stands, None, id, note).await,
            None => self.watch(&stands).await,
        }
    }

    /// A step stopped it after others had been done.
    fn stopped_half_way(
        &self,
        step: &Step,
        stopped: &Stopped,
        done: usize,
        left: &VecDeque<(usize, &Step)>,
    ) -> End {
        let outcome = match stopped.outcome {
            // Something was changed, so it is no longer true that nothing was.
            Outcome::Refused => Outcome::Failed,
            outcome => outcome,
        };
        // By this step; the ones before it changed something.
        let lead = stopped.words.strip_prefix(UNCHANGED);
        let why = lead.map_or(stopped.words.as_str(), |rest| rest.trim_start_matches([':', ',', ' ']));
        let mut undone: Vec<&str> = left.iter().take(3).map(|(_, step)| step.title.as_str()).collect();
        let more = format!("{} more", left.len().saturating_sub(undone.len()));
        if left.len() > undone.len() {
            undone.push(&more);
        }
        let undone = match undone.is_empty() {
            true => String::new(),
            false => format!(" Not done: {}.", undone.join(", ")),
        };
        let words = format!(
            "{}: {why} {done} of {} steps were done before, and are not watched.{undone}",
            step.title,
            self.plan.steps.len()
        );
        End { outcome, words }
    }

    /// What was held up until its time ran out.
    fn gave_up(
        &self,
        left: &VecDeque<(usize, &Step)>,
        held_up: &[(usize, String)],
        tell: &mut dyn FnMut(&str, &str) -> bool,
    ) -> End {
        let done = self.plan.steps.len() - left.len();
        let named = left.iter().take(3).map(|(at, step)| {
            let why = held_up.iter().find(|(held, _)| held == at).map_or("", |(_, why)| why.as_str());
            format!("{}/{} ({why})", step.object.namespace, step.object.name)
        });
        let names: Vec<String> = named.collect();
        let more = match left.len().saturating_sub(names.len()) {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        let words = format!(
            "{}{more} still wait, and none went for {} s. {done} of {} steps were done.",
            names.join(", "),
            self.means.pace.evictions.as_secs(),
            self.plan.steps.len()
        );
        tell("failed", &words);
        for (at, step) in left {
            let words = format!("{}: not done", step.title);
            (self.means.tell)(Progress::Step(*at, StepState::Failed, words));
        }
        End { outcome: Outcome::TimedOut, words }
    }

    /// One step: looked at, sent, answered or settled. `note` writes it down, and says whether it could: nothing is sent that
    /// is not in the journal.
    async fn step(
        &self,
        step: &Step,
        note: &mut (dyn FnMut(&str, &str) -> bool + Send),
    ) -> Result<Came, Stopped> {
        let deadline = Instant::now() + self.means.pace.conflicts;
        let evicts = step.request.method == Method::Evict;
        // One of several that was to leave and has left by itself keeps nobody from the others.
        let several = self.plan.steps.len() > 1;
        let leaves = evicts || several && step.request.method == Method::Delete;
        let gone_already = || Came::Done(format!("{}: it is gone already", step.title), None);
        loop {
            let live = match self.look(step).await {
                Err(stopped) if leaves && stopped.word == "stale" => return Ok(gone_already()),
                looked => looked?,
            };
            self.holds(step, &live)?;
            let request = request(step, text(&live, "/metadata/resourceVersion"))
                .map_err(|fault| Stopped::new(Outcome::Failed, "failed", fault.words()))?;
            if !note("sent", &step.title) {
                let words = format!("{UNCHANGED}: the journal cannot be written any more.");
                return Err(Stopped::new(Outcome::Refused, "refused", words));
            }
            let reply = match send(&self.means.client, request, self.means.pace.answer).await {
                Ok(reply) => reply,
                Err(fault) => return self.settle(step, fault.words(), Outcome::Unknown).await,
            };
            match reply.code {
                200..=299 => return Ok(Came::Done(format!("{}: done", step.title), Some(reply.body))),
                404 if leaves => return Ok(gone_already()),
                429 if evicts => return Ok(Came::HeldUp(held_up(&reply))),
                409 if step.request.method == Method::Create => {
                    return Err(Stopped::stale(format!(
                        "Nothing was changed: there is one of that name already ({}).",
                        reply.fault().words()
                    )));
                }
                // The server has an answer to more than one budget, and it is no.
                500 if evicts => return Err(self.why_not(step, &reply).await),
                409 if Instant::now() < deadline => {
                    note("again", reply.fault().words());
                    sleep(self.means.pace.look / 5).await;
                }
                // Who says so does not know whether it was done, and it may still be.
                408 | 502 | 504 => return self.settle(step, reply.fault().words(), Outcome::Unknown).await,
                500.. => return self.settle(step, reply.fault().words(), Outcome::Failed).await,
                _ => return Err(self.why_not(step, &reply).await),
            }
        }
    }

    async fn look(&self, step: &Step) -> Result<Value, Stopped> {
        let name = called(&step.object);
        match ask::read(&self.means.client, &paths::path(&step.object), self.means.pace.answer).await {
            Ok(live) if uid_of(&live) == step.object.uid => Ok(live),
            Ok(_) => Err(Stopped::stale(format!(
                "Nothing was changed: {name} is gone, and another one has its name."
            ))),
            Err(Fault::NotFound(_)) => Err(Stopped::stale(format!("Nothing was changed: {name} is gone."))),
            Err(fault) => Err(Stopped {
                passing: matches!(fault, Fault::Throttled { .. } | Fault::Server(_) | Fault::Unreachable(_)),
                ..Stopped::new(
                    Outcome::Refused,
                    "refused",
                    format!("Nothing was changed: {name} could not be looked at ({}).", fault.words()),
                )
            }),
        }
    }

    /// The values of a step's object that are to be changed.
    fn touched<'a>(&'a self, step: &'a Step) -> impl Iterator<Item = &'a Touched> {
        self.plan.touched.iter().filter(|value| value.object == step.object)
    }

    fn holds(&self, step: &Step, live: &Value) -> Result<(), Stopped> {
        match self.difference(step, live) {
            None => Ok(()),
            Some(words) => Err(Stopped::stale(format!("Nothing was changed: {words}. Plan it anew."))),
        }
    }

    /// The steps of the plan before this one, and those after it. One that leads back is none of them.
    fn around(&self, step: &Step) -> (&[Step], &[Step]) {
        match self.plan.steps.iter().position(|one| std::ptr::eq(one, step)) {
            Some(at) => (&self.plan.steps[..at], &self.plan.steps[at + 1..]),
            None => (&[], &[]),
        }
    }

    /// How a value has to be just before a step: as the plan showed it, or as a step before has set it.
    fn wanted<'a>(&self, step: &Step, value: &'a Touched) -> &'a Value {
        let (before, _) = self.around(step);
        if before.iter().any(|one| one.sets(value)) { &value.after } else { &value.before }
    }

    /// The values that a step sets, and no other one.
    fn set_by<'a>(&'a self, step: &'a Step) -> impl Iterator<Item = &'a Touched> {
        let (before, after) = self.around(step);
        let others = move |value: &Touched| before.iter().chain(after).any(|one| one.sets(value));
        self.touched(step).filter(move |value| value.is_changed() && !others(value))
    }

    /// What is no longer as the plan showed it.
    fn difference(&self, step: &Step, live: &Value) -> Option<String> {
        let other = |value: &&Touched| !same(&at(live, &value.pointer), self.wanted(step, value));
        let changed = self.touched(step).find(other)?;
        let now = at(live, &changed.pointer);
        let by = super::owners::writer_of(live, &changed.pointer)
            .map_or_else(String::new, |by| format!(" (by {by})"));
        Some(match now {
            Value::Object(_) | Value::Array(_) => {
                format!("{} of {} has changed since the plan{by}", changed.what, step.object.name)
            }
            now => format!(
                "{} of {} is {} now and was {} in the plan{by}",
                changed.what,
                step.object.name,
                shown(&now),
                shown(self.wanted(step, changed))
            ),
        })
    }
}

/// From now on the values count as the server took them: it may have filled in what was left out.
fn as_taken(stands: &mut [Touched], step: &Step, answered: Option<&Value>) {
    let Some(answered) = answered.filter(|object| uid_of(object) == step.object.uid) else { return };
    for value in stands.iter_mut().filter(|value| value.is_changed() && value.object == step.object) {
        if let Some(taken) = answered.pointer(&value.pointer)
            && (taken.is_object() || taken.is_array())
        {
            value.after = taken.clone();
        }
    }
}
