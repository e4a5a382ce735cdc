//! Members of an Alertmanager's cluster. They tell each other of silences, and every Prometheus tells all of them, so
//! that any one answers for all: one that does is asked, the others are only looked at, so that a dead one is known
//! before the last one dies too.
//!
//! Where the configuration names one URL, or a Service leads to them, there is one way in and nothing to choose. Behind
//! a Service it is the API server that chooses: a question that fails is asked once more, and that one was needed is
//! remembered for some rounds, as the next choice may well be a good one.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::timeout;

use super::{Asked, good, managed};
use crate::connect::upstream::{Client, Limits};
use crate::domain::alert::Managed;
use crate::domain::id::Name;
use crate::domain::meta::Interner;
use crate::domain::upstream::Upstream;
use crate::sources::graphs::Caller;

/// How long one of several may take to answer: another one can.
const LIMIT: Duration = Duration::from_secs(10);
/// How long those that are only looked at may take: an answer waits for that.
const GLANCE: Duration = Duration::from_secs(2);
/// Rounds for which it is remembered that somebody behind a Service did not answer.
const REMEMBERED: u32 = 8;

/// Members that do not answer, by their places, each with why.
type Silent = Vec<(usize, String)>;

/// What one of them told.
struct Answer {
    /// Its place.
    at: usize,
    /// Those that were asked before it.
    failed: Silent,
    told: Managed,
    asked: Asked,
}

/// The ways to an Alertmanager.
pub(super) struct Members {
    /// Where each answers, in words, and how it is asked.
    ways: Vec<(String, Caller)>,
    /// The one that answered last.
    at: usize,
    /// Why somebody behind the one way did not answer, and for how many rounds that is still told.
    chance: Option<(String, u32)>,
}

impl Members {
    /// The ways to an upstream; where there is one alone it is the caller's.
    pub(super) fn of(caller: Caller, upstream: &Upstream) -> Members {
        let members = upstream.members();
        let limits = Limits { answer: LIMIT, ..Limits::default() };
        let ways = match members.len() {
            0 | 1 => vec![(upstream.address.words(), caller)],
            _ => members
                .into_iter()
                .map(|one| (one.address.words(), Caller::new(Client::new(Arc::new(one), None, limits))))
                .collect(),
        };
        Members { ways, at: 0, chance: None }
    }

    /// Asks once: the one that answered last, else the first other one that does.
    pub(super) async fn managed(&mut self, interner: &mut Interner) -> Result<Managed, String> {
        let (told, glanced) = futures::join!(self.first(interner), self.glance());
        match told {
            Ok(Answer { at, failed, mut told, asked }) => {
                self.at = at;
                // Whoever was asked in full is known better than by a glance.
                let seen =
                    glanced.into_iter().filter(|(n, _)| *n != at && failed.iter().all(|(f, _)| f != n));
                let mut silent: Silent = seen.chain(failed.iter().cloned()).collect();
                silent.sort();
                let chance = self.by_chance(asked);
                let words = silent.iter().map(|(n, why)| format!("{}: {why}", self.ways[*n].0).into());
                told.silent_members = words.chain(chance).collect();
                Ok(told)
            }
            Err(failed) if failed.len() > 1 => {
                let each = failed.iter().map(|(n, why)| format!("{}: {why}", self.ways[*n].0));
                Err(format!(
                    "none of {} members answers ({})",
                    failed.len(),
                    each.collect::<Vec<_>>().join("; ")
                ))
            }
            Err(failed) => Err(failed.into_iter().map(|(_, why)| why).collect()),
        }
    }

    /// The first that answers, beginning with the one that did last, and those that did not before it.
    async fn first(&self, interner: &mut Interner) -> Result<Answer, Silent> {
        let mut failed = Vec::new();
        for n in 0..self.ways.len() {
            let at = (self.at + n) % self.ways.len();
            let mut asked = Asked::default();
            match managed(&self.ways[at].1, interner, &mut asked).await {
                Ok(told) => return Ok(Answer { at, failed, told, asked }),
                Err(why) => failed.push((at, why)),
            }
        }
        Err(failed)
    }

    /// Those of the others that do not answer.
    async fn glance(&self) -> Silent {
        let others = self.ways.iter().enumerate().filter(|(n, _)| *n != self.at);
        let looks = others.map(|(n, (_, caller))| async move {
            let answer = timeout(GLANCE, caller.get("/api/v2/status", &[])).await;
            let why = match answer.map(good) {
                Ok(Ok(reply)) if reply.is_good() => return None,
                Ok(Ok(reply)) => format!("it answers with an error ({})", reply.status),
                Ok(Err(refused)) => refused.words(),
                Err(_) => format!("no answer within {} s", GLANCE.as_secs()),
            };
            Some((n, why))
        });
        join_all(looks).await.into_iter().flatten().collect()
    }

    /// What to say of somebody behind a Service.
    fn by_chance(&mut self, asked: Asked) -> Option<Name> {
        self.chance = match asked.twice {
            Some(why) => Some((why, REMEMBERED)),
            None => self.chance.take().filter(|(_, left)| *left > 1).map(|(why, left)| (why, left - 1)),
        };
        let (why, _) = self.chance.as_ref()?;
        let at = self.ways.first().map(|(words, _)| words.as_str()).unwrap_or_default();
        Some(format!("one behind {at}: {why}").into())
    }
}
