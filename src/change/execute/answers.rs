//! What an answer means that is not simply yes: a no in words, and one that leaves open whether it was done, which is
//! settled by looking.

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{Came, Execution, Stopped};
use crate::change::ask;
use crate::change::json::{at, same, text};
use crate::change::plan::{BEING, Goal, Method, Step};
use crate::change::pods::is_ending;
use crate::change::requests::Reply;
use crate::change::rollouts;
use crate::connect::problem::Fault;
use crate::journal::Outcome;

impl Execution<'_> {
    /// An answer that says no, in words.
    pub(super) async fn why_not(&self, step: &Step, reply: &Reply) -> Stopped {
        let fault = reply.fault();
        let said = fault.words();
        match reply.code {
            403 => Stopped::new(
                Outcome::Refused,
                "refused",
                format!("Nothing was changed, it is forbidden: {said}"),
            ),
            401 => Stopped::new(
                Outcome::Refused,
                "refused",
                format!("Nothing was changed, the credentials are not accepted: {said}"),
            ),
            404 => Stopped::stale(format!("Nothing was changed, it is gone: {said}")),
            409 => Stopped::new(
                Outcome::Failed,
                "failed",
                format!("Nothing was changed: others kept writing to it ({said})"),
            ),
            422 => match self.look(step).await {
                Ok(live) => match self.difference(step, &live) {
                    Some(words) => Stopped::stale(format!("Nothing was changed: {words}. Plan it anew.")),
                    None => Stopped::new(
                        Outcome::Failed,
                        "failed",
                        format!("Nothing was changed, the server does not accept it: {said}"),
                    ),
                },
                Err(stopped) => stopped,
            },
            429 => {
                let wait = reply.retry_after.map_or_else(String::new, |s| format!(" and asks to wait {s} s"));
                let words = format!("Nothing was changed: the server is busy{wait} ({said})");
                Stopped { passing: true, ..Stopped::new(Outcome::Failed, "failed", words) }
            }
            _ => Stopped::new(Outcome::Failed, "failed", format!("The server refused: {said}")),
        }
    }

    /// No answer, or one that leaves open whether it was done: looked at until it shows, or for a while.
    pub(super) async fn settle(&self, step: &Step, said: &str, otherwise: Outcome) -> Result<Came, Stopped> {
        let deadline = Instant::now() + self.means.pace.settle;
        let mut seen = "it could not be looked at".to_owned();
        loop {
            let done =
                |live| Ok(Came::Done(format!("{}: done, though the answer was: {said}", step.title), live));
            let looked = match step.request.method {
                Method::Create => self.made(step).await,
                _ => self.look(step).await,
            };
            match (step.request.method, looked) {
                (Method::Merge | Method::JsonPatch, Ok(live))
                    if self.set_by(step).all(|value| same(&at(&live, &value.pointer), &value.after))
                        || self.has_arrived(step, &live) =>
                {
                    return done(Some(live));
                }
                (Method::Create, Ok(made)) => return done(Some(made)),
                (Method::Delete | Method::Evict, Ok(live)) if is_ending(&live) => return done(None),
                (Method::Delete | Method::Evict, Err(stopped)) if stopped.word == "stale" => {
                    return done(None);
                }
                (Method::Create, Err(stopped)) if stopped.word == "stale" => {
                    seen = "so far it was not done".to_owned();
                }
                (_, Ok(live)) => {
                    seen = match self.difference(step, &live) {
                        None => "so far it was not done".to_owned(),
                        Some(words) => words,
                    };
                }
                (_, Err(stopped)) if stopped.word == "stale" => {
                    let words = format!("{} was not answered ({said}). {}", step.title, stopped.words);
                    return Err(Stopped::new(Outcome::Unknown, "unknown", words));
                }
                (_, Err(_)) => {}
            }
            if Instant::now() >= deadline {
                let word = if otherwise == Outcome::Failed { "failed" } else { "unknown" };
                let words = format!("{}: {said}. Looked again: {seen}.", step.title);
                // A request that was answered is over; one that was not may still arrive.
                let outcome = if seen == "it could not be looked at" { Outcome::Unknown } else { otherwise };
                return Err(Stopped::new(outcome, word, words));
            }
            sleep(self.means.pace.look).await;
        }
    }

    /// Whether the status of an Argo Rollout tells that a step has arrived, of which nothing may stand there any more.
    fn has_arrived(&self, step: &Step, live: &Value) -> bool {
        let own = self.plan.expects.iter().filter(|expect| expect.object == step.object);
        step.request.right.subresource == "status"
            && own.into_iter().any(|expect| match &expect.goal {
                Goal::Rollout(wish) => rollouts::has_arrived(wish, live, &self.plan.touched),
                _ => false,
            })
    }

    /// Looks at what a step was to make; stale when it is not there.
    async fn made(&self, step: &Step) -> Result<Value, Stopped> {
        let collection = step.request.path.split('?').next().unwrap_or_default();
        let path = format!("{collection}/{}", text(&step.request.body, BEING));
        match ask::read(&self.means.client, &path, self.means.pace.answer).await {
            Ok(made) => Ok(made),
            Err(Fault::NotFound(_)) => Err(Stopped::stale("it is not there")),
            Err(fault) => Err(Stopped::new(Outcome::Unknown, "unknown", fault.words())),
        }
    }
}
