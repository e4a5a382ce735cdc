//! Series that are worked out when asked: a value as a function of time, sampled on the grid of a scraping server.

use std::sync::Arc;

use super::promql::labels::Labels;
use super::promql::storage::{Sample, Series, stale};

/// Between two scrapes, milliseconds.
pub const INTERVAL: i64 = 15_000;

/// The value at a moment (milliseconds); None: the target does not have the series then.
pub type Value = Arc<dyn Fn(i64) -> Option<f64> + Send + Sync>;

/// A value under labels, as scraped.
pub struct Scraped {
    labels: Labels,
    value: Value,
    /// Scrapes happen at multiples of the interval and this.
    phase: i64,
    /// Nothing is known before and after: how long samples are kept, and the present.
    known: (i64, i64),
}

impl Scraped {
    /// A series. `target` decides when within the interval it is scraped.
    pub fn new(labels: Labels, target: &str, known: (i64, i64), value: Value) -> Self {
        let hash = target.bytes().fold(7_i64, |h, b| (h * 31 + i64::from(b)) % INTERVAL);
        Self { labels, value, phase: hash, known }
    }

    /// The first scrape after a moment.
    fn next(&self, after: i64) -> i64 {
        (after - self.phase).div_euclid(INTERVAL) * INTERVAL + INTERVAL + self.phase
    }
}

impl Series for Scraped {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn samples(&self, after: i64, until: i64) -> Vec<Sample> {
        let (after, until) = (after.max(self.known.0), until.min(self.known.1));
        let mut at = self.next(after);
        let mut there = (self.value)(at - INTERVAL).is_some();
        let mut samples = Vec::new();
        while at <= until {
            match (self.value)(at) {
                Some(value) => samples.push((at, value)),
                None if there => samples.push((at, stale())),
                None => {}
            }
            there = samples.last().is_some_and(|s| s.0 == at && !super::promql::storage::is_stale(s.1));
            at += INTERVAL;
        }
        samples
    }

    fn last(&self, after: i64, until: i64) -> Option<Sample> {
        let until = until.min(self.known.1);
        let at = self.next(until) - INTERVAL;
        // Whatever came before is ended by a marker if this scrape has nothing.
        if at <= after || at <= self.known.0 {
            return None;
        }
        (self.value)(at).map(|value| (at, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::monitoring::promql::storage::is_stale;

    #[test]
    fn samples_stand_on_the_grid_and_end_with_a_marker() {
        let value: Value = Arc::new(|at| (at < 40_000).then_some(at as f64));
        let series = Scraped { labels: Labels::default(), value, phase: 5_000, known: (0, 100_000) };
        let samples = series.samples(0, 70_000);
        let times: Vec<i64> = samples.iter().map(|s| s.0).collect();
        assert_eq!(times, [5_000, 20_000, 35_000, 50_000]);
        assert!(is_stale(samples[3].1) && !is_stale(samples[2].1));
        assert_eq!(series.last(0, 49_999), Some((35_000, 35_000.0)));
        assert_eq!(series.last(0, 50_000), None);
        assert!(series.samples(90_000, 200_000).is_empty(), "nothing is known of the future");
    }
}
