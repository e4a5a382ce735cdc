//! How a log bears credentials that are refused (401): it says so, rings for others, waits for them and asks again,
//! and gives up when that goes on. Knows neither pods nor lines; what it says goes to the log's pane.

use std::time::Duration;

use super::logs::Answers;
use super::{Line, Timing};
use crate::connect::problem::Fault;
use crate::msg::LogMsg;

/// How often in a row the credentials may be refused. Only a cluster that answers others is asked so often: as soon as
/// the heartbeat is refused too, the line is closed until there are credentials that work.
const REFUSALS: u32 = 8;

/// The patience of one stream, or of the search for containers.
pub(super) struct Patience {
    line: Line,
    answer: Answers,
    /// Whose it is: the number of a stream, `None` for the search.
    source: Option<u16>,
    timing: Timing,
    waits: Box<dyn Iterator<Item = Duration> + Send + Sync>,
    /// In a row.
    refusals: u32,
    /// The pane was told of something that is not over.
    said: bool,
}

impl Patience {
    pub(super) fn new(line: Line, answer: Answers, source: Option<u16>, timing: Timing) -> Patience {
        let waits = Box::new(timing.backoff());
        Patience { line, answer, source, timing, waits, refusals: 0, said: false }
    }

    /// The client of this number was told 401: waits until asking again makes sense. False when it makes none any more.
    pub(super) async fn wait(&mut self, client: u64, fault: &Fault) -> bool {
        self.refusals += 1;
        if self.refusals > REFUSALS {
            return false;
        }
        self.say(format!("waiting for renewed credentials: {}", fault.words())).await;
        let wait = self.waits.next().unwrap_or(self.timing.backoff_last);
        self.line.refused(client, wait).await;
        true
    }

    /// The credentials were taken.
    pub(super) async fn taken(&mut self) {
        if self.refusals > 0 {
            self.refusals = 0;
            self.waits = Box::new(self.timing.backoff());
        }
        if self.said {
            self.say(String::new()).await;
        }
    }

    /// Tells the pane what hinders; nothing does when it is empty.
    pub(super) async fn say(&mut self, reason: String) {
        self.said = !reason.is_empty();
        self.answer.log(LogMsg::Hindered { source: self.source, reason }).await;
    }
}
