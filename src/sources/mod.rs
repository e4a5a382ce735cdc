//! What comes from the clusters: one supervisor a cluster with a task for each watched kind, and the questions that
//! are asked one at a time.
//!
//! Sources read and never change anything (a shell is opened here too; whoever asks for one has it confirmed
//! first). They speak in [`crate::msg`] alone and know neither panes nor state. Decoding happens here, in the task
//! that receives, so that the update never sees bytes. Time is read here, because freshness is a fact of the wire.

pub mod alerts;
mod argocd_server;
pub mod cluster;
mod describe;
mod drift;
mod events;
mod feed;
mod fetch;
mod gate;
pub mod graphs;
mod heartbeat;
mod live_health;
mod log_lines;
mod log_patience;
mod logs;
mod object;
mod pod_detail;
pub mod question;
mod served;
pub mod shell;
mod sync_detail;
mod usage;
mod watch;

pub use gate::Line;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::domain::time::Stamp;

/// The clocks that the sources read. The runtime makes one at its start and hands it to everybody, so that
/// `Link::Unreachable::retry_at` and the runtime's `Now::mono` count from the same moment.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// A clock that counts from this moment (the program's start).
    #[must_use]
    pub fn from(start: Instant) -> Clock {
        Clock(start)
    }

    /// Time since the start, on the clock that never jumps.
    #[must_use]
    pub fn mono(self) -> Duration {
        self.0.elapsed()
    }

    /// The wall clock.
    #[must_use]
    pub fn wall(self) -> Stamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Stamp(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }
}

/// How long things may take and how often they are done. Tests use shorter ones.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Between two heartbeats.
    pub heartbeat: Duration,
    /// How long a heartbeat may take.
    pub heartbeat_limit: Duration,
    /// How long the head of any other answer may take, and a list may pause half way.
    pub answer_limit: Duration,
    /// The first wait after a failure; it doubles with each further one.
    pub backoff_first: Duration,
    /// The longest wait.
    pub backoff_last: Duration,
    /// A watch that is silent for so long, bookmarks included, is taken for dead.
    pub silence: Duration,
    /// How long the first change waits for others before they are sent together.
    pub batch: Duration,
    /// Between two looks at a kind that is not served.
    pub absent: Duration,
    /// Between two looks at a kind that is refused.
    pub forbidden: Duration,
    /// Between two polls of metrics.k8s.io.
    pub usage: Duration,
    /// Between two questions to a server for its alerts.
    pub alerts: Duration,
    /// Between the starts of two watches.
    pub stagger: Duration,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing {
            heartbeat: Duration::from_secs(10),
            heartbeat_limit: Duration::from_secs(5),
            answer_limit: Duration::from_secs(30),
            backoff_first: Duration::from_secs(1),
            backoff_last: Duration::from_secs(30),
            silence: Duration::from_secs(150),
            batch: Duration::from_millis(15),
            absent: Duration::from_secs(60),
            forbidden: Duration::from_secs(300),
            usage: Duration::from_secs(15),
            alerts: Duration::from_secs(20),
            stagger: Duration::from_millis(20),
        }
    }
}

impl Timing {
    /// The waits between tries: doubling, with jitter, for ever. (`backon`, which the client library brings along,
    /// adds up to the whole of each wait to it; so half of it is asked for.)
    fn backoff(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        use backon::BackoffBuilder;
        backon::ExponentialBuilder::default()
            .with_min_delay(self.backoff_first / 2)
            .with_max_delay(self.backoff_last / 2)
            .with_factor(2.0)
            .with_jitter()
            .without_max_times()
            .build()
    }
}

/// About so long, three quarters to five quarters of it: what is asked again now and then, by many tasks on many
/// screens, is not asked by all at once.
fn jittered(wait: Duration) -> Duration {
    use backon::BackoffBuilder;
    let half = wait / 2;
    let upper = backon::ConstantBuilder::default().with_delay(half).with_jitter().build().next();
    wait / 4 + upper.unwrap_or(half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_questions_are_spread() {
        let waits: Vec<Duration> = (0..50).map(|_| jittered(Duration::from_secs(400))).collect();
        assert!(waits.iter().all(|wait| (300..=500).contains(&wait.as_secs())), "{waits:?}");
        assert!(waits.iter().any(|wait| *wait != waits[0]), "{waits:?}");
    }

    #[test]
    fn waits_grow_to_their_limit_and_never_end() {
        let timing = Timing::default();
        let waits: Vec<Duration> = timing.backoff().take(40).collect();
        assert_eq!(waits.len(), 40);
        assert!(waits[0] >= timing.backoff_first / 2 && waits[0] <= timing.backoff_first, "{waits:?}");
        assert!(waits[1..].iter().all(|wait| *wait <= timing.backoff_last), "{waits:?}");
        assert!(waits[39] >= timing.backoff_last / 2, "{waits:?}");
    }
}
