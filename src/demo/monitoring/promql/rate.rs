//! `rate`, `increase` and `delta` as Prometheus computes them: counter resets added back, the result extrapolated to the
//! ends of the window, but not below a counter's zero.

use super::storage::Sample;

/// The change over a window that ends at `end` and is `range` long (milliseconds). `counter`: resets are added back.
/// None with fewer than two samples.
pub fn extrapolated(samples: &[Sample], end: i64, range: i64, counter: bool) -> Option<f64> {
    let (first, last) = (samples.first()?, samples.last()?);
    if samples.len() < 2 {
        return None;
    }
    let mut change = last.1 - first.1;
    if counter {
        change += samples.windows(2).filter(|w| w[1].1 < w[0].1).map(|w| w[0].1).sum::<f64>();
    }
    let secs = |millis: i64| millis as f64 / 1000.0;
    let sampled = secs(last.0 - first.0);
    let between = sampled / (samples.len() - 1) as f64;
    let threshold = between * 1.1;
    let near = |gap: f64| if gap >= threshold { between / 2.0 } else { gap };
    let mut to_start = near(secs(first.0 - (end - range)));
    if counter && change > 0.0 && first.1 >= 0.0 {
        // A counter cannot have been below zero: do not go back further than to where it was zero.
        to_start = to_start.min(sampled * (first.1 / change));
    }
    let to_end = near(secs(end - last.0));
    Some(change * (sampled + to_start + to_end) / sampled)
}

/// The change between the last two samples, by second when `rate`.
pub fn instant(samples: &[Sample], rate: bool, counter: bool) -> Option<f64> {
    let [.., before, last] = samples else { return None };
    let change = if counter && last.1 < before.1 { last.1 } else { last.1 - before.1 };
    let secs = (last.0 - before.0) as f64 / 1000.0;
    if rate { (secs > 0.0).then(|| change / secs) } else { Some(change) }
}
