//! Measured amounts as people read them: `412 req/s`, `250 mCPU`, `1.5 GiB`, `90 ms`, `9.1 %`.
//!
//! A graph has one scale: it follows from the unit and from the largest amount, so that all numbers of an axis and
//! of its legend stand in the same unit and can be compared at sight.

/// What an amount counts. Values come in the base unit: cores, bytes, seconds, parts of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Processor time: cores.
    Cores,
    /// Bytes.
    Bytes,
    /// Bytes a second.
    ByteRate,
    /// Requests a second.
    Requests,
    /// Seconds.
    Seconds,
    /// A part of a whole, 1 is all of it; shown in per cent.
    Ratio,
    /// Things: pods, restarts.
    Count,
    /// Not known: whatever a person asked for.
    #[default]
    Plain,
}

/// The unit in which the amounts of one graph are shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Amounts are divided by this.
    pub divisor: f64,
    /// The unit's word (`MiB`), empty where there is none.
    pub word: &'static str,
}

const fn scale(divisor: f64, word: &'static str) -> Scale {
    Scale { divisor, word }
}

const KI: f64 = 1_024.0;
const BYTES: [Scale; 6] = [
    scale(1.0, "B"),
    scale(KI, "KiB"),
    scale(KI * KI, "MiB"),
    scale(KI * KI * KI, "GiB"),
    scale(KI * KI * KI * KI, "TiB"),
    scale(KI * KI * KI * KI * KI, "PiB"),
];
const BYTE_RATES: [Scale; 6] = [
    scale(1.0, "B/s"),
    scale(KI, "KiB/s"),
    scale(KI * KI, "MiB/s"),
    scale(KI * KI * KI, "GiB/s"),
    scale(KI * KI * KI * KI, "TiB/s"),
    scale(KI * KI * KI * KI * KI, "PiB/s"),
];

impl Unit {
    /// The scale of a graph whose largest amount, by size, is this.
    #[must_use]
    pub fn scale(self, largest: f64) -> Scale {
        let largest = if largest.is_finite() { largest.abs() } else { 0.0 };
        match self {
            Unit::Cores if largest < 2.0 => scale(0.001, "mCPU"),
            Unit::Cores => scale(1.0, "cores"),
            Unit::Bytes => of(&BYTES, largest),
            Unit::ByteRate => of(&BYTE_RATES, largest),
            Unit::Requests if largest >= 10_000.0 => scale(1_000.0, "k req/s"),
            Unit::Requests => scale(1.0, "req/s"),
            Unit::Seconds => match largest {
                ..0.001 if largest > 0.0 => scale(0.000_001, "us"),
                ..2.0 => scale(0.001, "ms"),
                ..120.0 => scale(1.0, "s"),
                ..7_200.0 => scale(60.0, "min"),
                ..172_800.0 => scale(3_600.0, "h"),
                _ => scale(86_400.0, "d"),
            },
            Unit::Ratio => scale(0.01, "%"),
            Unit::Count | Unit::Plain => match largest {
                1e13.. | ..1e4 => scale(1.0, ""),
                ..1e7 => scale(1e3, "k"),
                ..1e10 => scale(1e6, "M"),
                _ => scale(1e9, "G"),
            },
        }
    }
}

/// The largest scale of which there is at least one.
fn of(scales: &[Scale], largest: f64) -> Scale {
    scales
        .iter()
        .rev()
        .find(|scale| largest >= scale.divisor)
        .or(scales.first())
        .copied()
        .unwrap_or(scale(1.0, ""))
}

impl Scale {
    /// The amount without its unit, in three figures: `412`, `1.5`, `NaN`, `+Inf`.
    #[must_use]
    pub fn number(self, amount: f64) -> String {
        figures(amount / self.divisor)
    }

    /// The amount with its unit: `412 req/s`.
    #[must_use]
    pub fn words(self, amount: f64) -> String {
        let number = self.number(amount);
        if self.word.is_empty() || !amount.is_finite() { number } else { format!("{number} {}", self.word) }
    }
}

/// Three figures; what is tiny or huge with an exponent. Infinity and what is no number as Prometheus writes them.
fn figures(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let size = value.abs();
    if size == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e15).contains(&size) {
        return format!("{value:.1e}");
    }
    let decimals = match size {
        ..0.001 => 6,
        ..0.01 => 5,
        ..0.1 => 4,
        ..0.9995 => 3,
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    if decimals == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_in_units_that_people_read() {
        let words = |unit: Unit, amount: f64| unit.scale(amount).words(amount);
        let mega = 1_048_576.0;
        for (unit, amount, text) in [
            (Unit::Cores, 0.25, "250 mCPU"),
            (Unit::Cores, 1.5, "1500 mCPU"),
            (Unit::Cores, 2.5, "2.5 cores"),
            (Unit::Bytes, 512.0, "512 B"),
            (Unit::Bytes, 128.0 * mega, "128 MiB"),
            (Unit::Bytes, 1_536.0 * mega, "1.5 GiB"),
            (Unit::ByteRate, 3.25 * mega, "3.25 MiB/s"),
            (Unit::Requests, 412.3, "412 req/s"),
            (Unit::Requests, 12_345.0, "12.3 k req/s"),
            (Unit::Seconds, 0.000_02, "20 us"),
            (Unit::Seconds, 0.09, "90 ms"),
            (Unit::Seconds, 1.25, "1250 ms"),
            (Unit::Seconds, 42.0, "42 s"),
            (Unit::Seconds, 600.0, "10 min"),
            (Unit::Seconds, 14_400.0, "4 h"),
            (Unit::Seconds, 259_200.0, "3 d"),
            (Unit::Ratio, 0.091, "9.1 %"),
            (Unit::Ratio, 1.0, "100 %"),
            (Unit::Count, 3.0, "3"),
            (Unit::Count, 12_345.0, "12.3 k"),
            (Unit::Plain, 0.000_000_12, "1.2e-7"),
            (Unit::Plain, -0.05, "-0.05"),
            (Unit::Plain, 1e300, "1.0e300"),
            (Unit::Seconds, 0.0, "0 ms"),
        ] {
            assert_eq!(words(unit, amount), text, "{unit:?} {amount}");
        }
    }

    #[test]
    fn what_is_no_number_is_said_and_never_zero() {
        let scale = Unit::Requests.scale(f64::NAN);
        assert_eq!(
            [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0].map(|amount| scale.words(amount)),
            ["NaN", "+Inf", "-Inf", "0 req/s"]
        );
    }

    #[test]
    fn small_amounts_stand_in_the_unit_of_the_largest() {
        let scale = Unit::Bytes.scale(3.0 * 1_073_741_824.0);
        assert_eq!(scale.words(10.0 * 1_048_576.0), "0.00977 GiB");
    }
}
