//! Durations as Go writes them, and with it Kubernetes and its neighbours.

/// Whole seconds of `1h30m`, `90s`, `1.5h`, rounded down; `None` when it is no duration that Go could read, or negative.
#[must_use]
pub fn go_seconds(text: &str) -> Option<u64> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest.is_empty() {
        return None;
    }
    let mut seconds = 0.0_f64;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(end);
        let number: f64 = number.parse().ok()?;
        let (unit, tail) = UNITS.iter().find_map(|(unit, scale)| Some((scale, tail.strip_prefix(unit)?)))?;
        seconds += number * unit;
        rest = tail;
    }
    // Beyond this Go's own durations overflow.
    (seconds < 9_000_000_000.0).then_some(seconds as u64)
}

/// Longer names first, since `ms` begins as `m` does.
const UNITS: [(&str, f64); 7] =
    [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3_600.0)];

#[cfg(test)]
mod tests {
    use super::go_seconds;

    #[test]
    fn durations_of_go() {
        for (text, expected) in [
            ("6h", Some(21_600)),
            ("1h30m", Some(5_400)),
            ("90s", Some(90)),
            ("1.5h", Some(5_400)),
            ("500ms", Some(0)),
            ("0s", Some(0)),
            ("720h0m0s", Some(2_592_000)),
            ("6", None),
            ("h", None),
            ("6d", None),
            ("-6h", None),
            ("", None),
            ("1..5h", None),
            ("99999999999999h", None),
        ] {
            assert_eq!(go_seconds(text), expected, "{text}");
        }
    }
}
