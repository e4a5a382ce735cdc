//! Points in time. Nobody below the runtime reads a clock: the present is an
//! argument ([`Now`]), so that every state can be replayed.

use std::time::Duration;

/// A point in time, whole seconds since the Unix epoch (UTC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(pub i64);

impl Stamp {
    /// Seconds from `earlier` to `self`; never negative (clocks of two machines differ).
    pub fn since(self, earlier: Stamp) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }

    /// This point moved by some seconds.
    pub fn plus(self, seconds: i64) -> Stamp {
        Stamp(self.0.saturating_add(seconds))
    }
}

/// The present, as handed to `update` and `draw`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Wall clock: for ages and times that people read.
    pub wall: Stamp,
    /// Time since the program's start on a clock that never jumps: for
    /// deadlines, toasts and spinners.
    pub mono: Duration,
}
