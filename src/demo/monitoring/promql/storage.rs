//! What the evaluator asks for samples: series by matchers, samples by time. Times are milliseconds since the epoch.

use std::sync::Arc;

use super::labels::Labels;
use super::matcher::Matcher;

/// The bits of the sample that says: from here on the series is gone (Prometheus' stale marker, a NaN of its own).
const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;

/// The stale marker.
pub fn stale() -> f64 {
    f64::from_bits(STALE_BITS)
}

/// Whether a value is the stale marker, and not just a NaN.
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_BITS
}

/// A sample: milliseconds and value.
pub type Sample = (i64, f64);

/// One series.
pub trait Series: Send + Sync {
    /// Its labels, the name among them.
    fn labels(&self) -> &Labels;

    /// Samples later than `after` and not later than `until`, oldest first, stale markers among them.
    fn samples(&self, after: i64, until: i64) -> Vec<Sample>;

    /// The last of those.
    fn last(&self, after: i64, until: i64) -> Option<Sample> {
        self.samples(after, until).last().copied()
    }
}

/// Something that has series.
pub trait Storage {
    /// The series that pass all matchers. `after` and `until` bound the time that will be asked for; series without
    /// samples there may be left out.
    fn select(&self, matchers: &[Matcher], after: i64, until: i64) -> Vec<Arc<dyn Series>>;
}
