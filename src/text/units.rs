//! How times and amounts are written: as kubectl and Kubernetes quantities write them, with units always.

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// An age in seconds as kubectl prints it in its AGE column: `41s`, `6m12s`, `3h5m`, `2d4h`, `400d`, `3y35d`.
/// Kubectl allows clocks to differ by up to two seconds; what lies further in the future is `<invalid>`.
#[must_use]
pub fn age(seconds: i64) -> String {
    match seconds {
        ..=-2 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => two(seconds / MINUTE, "m", seconds % MINUTE, "s"),
        600..10_800 => format!("{}m", seconds / MINUTE),
        10_800..28_800 => two(seconds / HOUR, "h", seconds % HOUR / MINUTE, "m"),
        28_800..172_800 => format!("{}h", seconds / HOUR),
        172_800..691_200 => two(seconds / DAY, "d", seconds % DAY / HOUR, "h"),
        691_200..63_072_000 => format!("{}d", seconds / DAY),
        63_072_000..252_288_000 => two(seconds / YEAR, "y", seconds % YEAR / DAY, "d"),
        _ => format!("{}y", seconds / YEAR),
    }
}

/// An age in seconds in one unit: `41s`, `6m`, `3h`, `2d`, `3y`. For narrow columns; the future counts as `0s`.
#[must_use]
pub fn age_short(seconds: i64) -> String {
    match seconds {
        ..0 => "0s".to_owned(),
        0..MINUTE => format!("{seconds}s"),
        MINUTE..HOUR => format!("{}m", seconds / MINUTE),
        HOUR..DAY => format!("{}h", seconds / HOUR),
        DAY..YEAR => format!("{}d", seconds / DAY),
        _ => format!("{}y", seconds / YEAR),
    }
}

/// A duration in seconds for sentences, in its two largest units: `52 s`, `2 h 10 m`, `3 d`.
#[must_use]
pub fn duration_words(seconds: u64) -> String {
    let (minute, hour, day) = (60, 3_600, 86_400);
    let (large, large_unit, small, small_unit) = match seconds {
        0..120 => return format!("{seconds} s"),
        120..3_600 => (seconds / minute, "m", seconds % minute, "s"),
        3_600..86_400 => (seconds / hour, "h", seconds % hour / minute, "m"),
        _ => (seconds / day, "d", seconds % day / hour, "h"),
    };
    if small == 0 {
        format!("{large} {large_unit}")
    } else {
        format!("{large} {large_unit} {small} {small_unit}")
    }
}

/// `3h5m`, or `3h` when the smaller part is nothing.
fn two(large: i64, large_unit: &str, small: i64, small_unit: &str) -> String {
    if small == 0 {
        format!("{large}{large_unit}")
    } else {
        format!("{large}{large_unit}{small}{small_unit}")
    }
}

/// Processor time in thousandths of a core: `250m`, `1.5`, `12`. Three figures at most.
#[must_use]
pub fn cpu_milli(milli: u64) -> String {
    match milli {
        0..1_000 => format!("{milli}m"),
        _ => three_figures(milli as f64 / 1_000.0),
    }
}

/// Bytes in the binary units of Kubernetes quantities: `512`, `128Mi`, `1.5Gi`. Four figures at most.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    let mut value = bytes as f64;
    let mut unit = 0;
    // 1023.5 would be printed as 1024 of the smaller unit.
    while value >= 1_023.5 && unit + 1 < UNITS.len() {
        value /= 1_024.0;
        unit += 1;
    }
    format!("{}{}", three_figures(value), UNITS[unit])
}

/// A positive number with as many decimals as leave three figures, without trailing zeros: `1.5`, `12.3`, `1000`.
fn three_figures(value: f64) -> String {
    let decimals = if value < 9.995 {
        2
    } else if value < 99.95 {
        1
    } else {
        0
    };
    let text = format!("{value:.decimals$}");
    if decimals == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

/// A count with thousands set apart: `10,000`.
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A part of a whole in per cent, rounded down so that `100%` means all of it; `None` when there is no whole.
#[must_use]
pub fn percent(part: u64, whole: u64) -> Option<String> {
    (whole > 0).then(|| format!("{}%", u128::from(part) * 100 / u128::from(whole)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of k8s.io/apimachinery/pkg/util/duration, its borders and both sides of them.
    #[test]
    fn ages_as_kubectl_prints_them() {
        for (seconds, text) in [
            (-2, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (41, "41s"),
            (119, "119s"),
            (120, "2m"),
            (121, "2m1s"),
            (599, "9m59s"),
            (600, "10m"),
            (10_799, "179m"),
            (10_800, "3h"),
            (10_860, "3h1m"),
            (28_799, "7h59m"),
            (28_800, "8h"),
            (172_799, "47h"),
            (172_800, "2d"),
            (176_400, "2d1h"),
            (691_199, "7d23h"),
            (691_200, "8d"),
            (63_071_999, "729d"),
            (63_072_000, "2y"),
            (63_158_400, "2y1d"),
            (252_287_999, "7y364d"),
            (252_288_000, "8y"),
        ] {
            assert_eq!(age(seconds), text, "{seconds} s");
        }
    }

    #[test]
    fn short_ages() {
        let texts = [-5, 0, 59, 60, 3_599, 3_600, 86_399, 86_400, YEAR].map(age_short);
        assert_eq!(texts, ["0s", "0s", "59s", "1m", "59m", "1h", "23h", "1d", "1y"]);
    }

    #[test]
    fn words() {
        let texts = [0, 52, 119, 120, 130, 7_800, 86_400, 90_000].map(duration_words);
        assert_eq!(texts, ["0 s", "52 s", "119 s", "2 m", "2 m 10 s", "2 h 10 m", "1 d", "1 d 1 h"]);
    }

    #[test]
    fn amounts() {
        let cpu = [0, 250, 999, 1_000, 1_500, 12_340, 128_000].map(cpu_milli);
        assert_eq!(cpu, ["0m", "250m", "999m", "1", "1.5", "12.3", "128"]);
        let memory = [0, 512, 1_023, 1_024, 134_217_728, 1_610_612_736, 1_072_693_248].map(bytes);
        assert_eq!(memory, ["0", "512", "1023", "1Ki", "128Mi", "1.5Gi", "1023Mi"]);
        assert_eq!(bytes(1_073_741_823), "1Gi");
        assert_eq!(bytes(u64::MAX), "16Ei");
        assert_eq!(
            [0, 999, 1_000, 10_000, 1_234_567].map(count),
            ["0", "999", "1,000", "10,000", "1,234,567"]
        );
        assert_eq!(percent(1, 3).as_deref(), Some("33%"));
        assert_eq!(percent(199, 200).as_deref(), Some("99%"));
        assert_eq!(percent(1, 0), None);
    }
}
