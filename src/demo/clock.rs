//! The demo's two times: story time, which the controllers live by, and the stamps they write.
//!
//! Story time starts at zero and may be jumped forward. Stamps are wall-clock time, so that any client
//! shows sensible ages; while the world is made and its past is played, they lie in the past.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// The time of one instant of the demo.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// Story time.
    pub now: Duration,
    /// When story time zero was, while the past is played; None: stamps are the wall clock's.
    origin: Option<Timestamp>,
    /// Things happen at once: the past is being made, not played.
    pub instant: bool,
}

impl Clock {
    /// Story time zero, with stamps of the wall clock.
    pub fn new() -> Self {
        Self { now: Duration::ZERO, origin: None, instant: false }
    }

    /// A moment in the past at which things happen at once.
    pub fn past(at: Timestamp) -> Self {
        Self { now: Duration::ZERO, origin: Some(at), instant: true }
    }

    /// Story time `now`, with stamps counted from `origin`.
    pub fn replay(now: Duration, origin: Timestamp) -> Self {
        Self { now, origin: Some(origin), instant: false }
    }

    /// From here on stamps are the wall clock's.
    pub fn go_live(&mut self) {
        self.origin = None;
        self.instant = false;
    }

    /// The present as an instant of wall time.
    pub fn timestamp(&self) -> Timestamp {
        match self.origin {
            Some(origin) => shift(origin, self.now.as_secs_f64()),
            None => Timestamp::now(),
        }
    }

    /// The present as Kubernetes writes it.
    pub fn stamp(&self) -> String {
        seconds(self.timestamp())
    }

    /// A time so many seconds after the present (before it when negative) as Kubernetes writes it.
    pub fn stamp_in(&self, secs: f64) -> String {
        seconds(shift(self.timestamp(), secs))
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// A time so many seconds later.
pub fn shift(at: Timestamp, secs: f64) -> Timestamp {
    let millis = SignedDuration::from_millis((secs * 1000.0) as i64);
    at.saturating_add(millis).unwrap_or(at)
}

/// A time as Kubernetes writes it: UTC, whole seconds.
pub fn seconds(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

/// A duration from seconds; what is negative or no number is zero.
pub fn secs(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO)
}
