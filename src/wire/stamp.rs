//! Times as the API writes them (RFC 3339).

use crate::domain::time::Stamp;

/// Whole seconds of an RFC 3339 time; `None` when it is none.
pub fn parse(text: &str) -> Option<Stamp> {
    if text.is_empty() {
        return None;
    }
    // Nearly all times have exactly this form, and there are several for each pod.
    if let Some(stamp) = plain_utc(text.as_bytes()) {
        return Some(stamp);
    }
    text.parse::<jiff::Timestamp>().ok().map(|time| Stamp(time.as_second()))
}

/// `2026-01-02T03:04:05Z` and nothing else.
fn plain_utc(text: &[u8]) -> Option<Stamp> {
    let shape = b"dddd-dd-ddTdd:dd:ddZ";
    if text.len() != shape.len() {
        return None;
    }
    for (byte, form) in text.iter().zip(shape) {
        let fits = if *form == b'd' { byte.is_ascii_digit() } else { byte == form };
        if !fits {
            return None;
        }
    }
    let number = |range: std::ops::Range<usize>| {
        text[range].iter().fold(0i64, |value, digit| value * 10 + i64::from(digit - b'0'))
    };
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    let (hour, minute, second) = (number(11..13), number(14..16), number(17..19));
    if !(1..=12).contains(&month) || !(1..=28).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None; // rare days and leap seconds are left to the careful parser
    }
    // Days from the civil calendar, counted in years that begin in March.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(Stamp(days * 86_400 + hour * 3_600 + minute * 60 + second))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms_that_occur_are_read() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-11-21T04:53:18Z", Some(1_795_236_798)),
            ("2026-11-21T04:53:18.123456789Z", Some(1_795_236_798)),
            ("2026-11-21T05:53:18+01:00", Some(1_795_236_798)),
            ("2024-02-29T12:00:00Z", Some(1_709_208_000)),
            ("", None),
            ("yesterday", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-02-30T00:00:00Z", None),
        ] {
            assert_eq!(parse(text), seconds.map(Stamp), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_short_way_agrees_with_the_careful_one(second in 0i64..4_000_000_000) {
            let text = jiff::Timestamp::from_second(second).unwrap().to_string();
            prop_assert_eq!(parse(&text), Some(Stamp(second)));
        }
    }
}
