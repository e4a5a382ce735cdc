//! Looks whether what was done comes true.

use std::time::Duration;

use futures::future::join_all;
use tokio::time::{Instant, sleep};

use super::{Execution, Progress};
use crate::change::ask;
use crate::change::gates::{Judged, Verdict};
use crate::change::plan::{Expect, Goal, Touched, called};
use crate::change::verify::{self, Standing};
use crate::connect::paths;
use crate::connect::problem::Fault;
use crate::journal::{End, Outcome};

impl Execution<'_> {
    /// Looks until everything has come true, or will not.
    pub(super) async fn watch(&self, stands: &[Touched]) -> End {
        let began = Instant::now();
        let expects: Vec<Expect> = match self.means.watch {
            true => self.plan.expects.clone(),
            false => {
                let standing =
                    |expect: &Expect| Expect { goal: Goal::Stands, deadline: 10, ..expect.clone() };
                // That something is gone has to be waited for.
                let standing_ones = self.plan.expects.iter().filter(|expect| expect.goal.is_of_what_stands());
                standing_ones.map(standing).collect()
            }
        };
        let looks = join_all(expects.iter().map(|expect| self.watch_one(expect, stands, began)));
        let ends = looks.await;
        let ended = expects.iter().zip(&ends).filter(|(_, end)| end.outcome != Outcome::Done);
        let worst = ended.min_by_key(|(_, end)| match end.outcome {
            Outcome::Failed => 0,
            Outcome::Superseded => 1,
            Outcome::TimedOut => 2,
            _ => 3,
        });
        let mut end = match (worst, ends.as_slice()) {
            (_, [one]) => one.clone(),
            (Some((expect, worst)), several) => {
                let well = several.iter().filter(|end| end.outcome == Outcome::Done).count();
                let words = format!(
                    "{}: {} ({well} of {} are as wanted)",
                    called(&expect.object),
                    worst.words,
                    several.len()
                );
                End { outcome: worst.outcome, words }
            }
            (None, several) => {
                End { outcome: Outcome::Done, words: format!("all {} are as wanted", several.len()) }
            }
        };
        if !self.means.watch && end.outcome == Outcome::Done {
            end.words = "it was sent and taken; what follows was not waited for".to_owned();
        }
        end
    }

    /// For how long something has to stand. What somebody is known to put back is not done because it stood at the first
    /// look: fewer pods are there within a second, and an autoscaler looks every 15 s.
    fn holds_for(&self, expect: &Expect) -> Duration {
        let owned = |judged: &&Judged| judged.gate == "ownership" && judged.verdict != Verdict::Pass;
        let Some(judged) = self.plan.gates.iter().find(owned).filter(|_| self.means.watch) else {
            return Duration::ZERO;
        };
        match expect.goal {
            Goal::Stands => self.means.pace.stands,
            Goal::Scaled(_) if judged.fails => self.means.pace.stands * 4,
            Goal::Scaled(_) => self.means.pace.stands,
            _ => Duration::ZERO,
        }
    }

    async fn watch_one(&self, expect: &Expect, stands: &[Touched], began: Instant) -> End {
        let deadline = began + Duration::from_secs(expect.deadline);
        let path = paths::path(&expect.object);
        let hold = self.holds_for(expect);
        // What says that it will not come true may be of before: it has to say so at several looks.
        let doubt = self.means.pace.look * 2;
        let mut failing: Option<Instant> = None;
        let beside = self
            .plan
            .beside
            .iter()
            .find(|(object, _)| *object == expect.object)
            .map(|(_, path)| path.as_str());
        loop {
            let live = match ask::read(&self.means.client, &path, self.means.pace.answer).await {
                Ok(live) => Ok(Some(live)),
                Err(Fault::NotFound(_)) => Ok(None),
                Err(fault) => Err(fault),
            };
            let pods = match (&live, beside) {
                (Ok(_), Some(path)) => ask::items(&self.means.client, path, self.means.pace.answer).await,
                _ => Ok(Vec::new()),
            };
            let last = match (live, pods) {
                (Ok(live), Ok(pods)) => verify::judge(expect, stands, live.as_ref(), &pods),
                (Err(fault), _) | (_, Err(fault)) => {
                    Standing::Pending(format!("it cannot be looked at: {}", fault.words()))
                }
            };
            let pending = match last {
                Standing::Done(words) if began.elapsed() < hold => {
                    format!("{words}; watched for {} s, since it may be put back", hold.as_secs())
                }
                Standing::Done(words) => return End { outcome: Outcome::Done, words },
                Standing::Failed(words) => {
                    if failing.get_or_insert_with(Instant::now).elapsed() >= doubt {
                        return End { outcome: Outcome::Failed, words };
                    }
                    (self.means.tell)(Progress::Watching(words));
                    sleep(self.means.pace.look).await;
                    continue;
                }
                Standing::Superseded(words) => return End { outcome: Outcome::Superseded, words },
                Standing::Pending(words) => words,
            };
            failing = None;
            if Instant::now() >= deadline && began.elapsed() >= hold {
                let words = format!("not within {} s: {pending}", expect.deadline);
                return End { outcome: Outcome::TimedOut, words };
            }
            (self.means.tell)(Progress::Watching(pending));
            sleep(self.means.pace.look).await;
        }
    }
}
