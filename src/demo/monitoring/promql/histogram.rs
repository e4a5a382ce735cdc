//! `histogram_quantile` of classic histograms: cumulative buckets by their upper bound `le`.

/// The quantile of buckets (upper bound, cumulative count). NaN when there are too few buckets, no `+Inf`, or no
/// observations.
pub fn quantile(q: f64, mut buckets: Vec<(f64, f64)>) -> f64 {
    if q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    buckets.dedup_by(|later, kept| {
        let same = later.0 == kept.0;
        if same {
            kept.1 += later.1;
        }
        same
    });
    let Some((last, _)) = buckets.split_last() else { return f64::NAN };
    if last.0 != f64::INFINITY || buckets.len() < 2 {
        return f64::NAN;
    }
    // Rates of buckets that were scraped a moment apart may run backwards a little.
    let mut highest = f64::NEG_INFINITY;
    for bucket in &mut buckets {
        highest = highest.max(bucket.1);
        bucket.1 = highest;
    }
    let end = buckets.len() - 1;
    let all = buckets[end].1;
    if all == 0.0 || all.is_nan() {
        return f64::NAN;
    }
    let rank = q * all;
    let at = buckets[..end].iter().position(|b| b.1 >= rank).unwrap_or(end);
    if at == end {
        return buckets[end - 1].0;
    }
    let (upper, count) = buckets[at];
    if at == 0 {
        return if upper <= 0.0 { upper } else { upper * rank / count };
    }
    let (lower, below) = buckets[at - 1];
    lower + (upper - lower) * (rank - below) / (count - below)
}

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn quantiles_are_interpolated_within_their_bucket() {
        let inf = f64::INFINITY;
        let buckets = || vec![(0.1, 50.0), (0.5, 90.0), (1.0, 100.0), (inf, 100.0)];
        // The 50th of 100 is the end of the first bucket; the 70th half way through the second.
        assert_eq!(quantile(0.5, buckets()), 0.1);
        assert!((quantile(0.7, buckets()) - 0.3).abs() < 1e-12);
        assert!((quantile(0.25, buckets()) - 0.05).abs() < 1e-12);
        assert_eq!(quantile(0.99, vec![(0.1, 5.0), (inf, 10.0)]), 0.1, "beyond the last bound");
        assert!(quantile(0.5, vec![(0.1, 5.0)]).is_nan(), "no +Inf");
        assert!(quantile(0.5, vec![(0.1, 0.0), (inf, 0.0)]).is_nan(), "no observations");
        assert_eq!(quantile(1.1, buckets()), inf);
    }
}
