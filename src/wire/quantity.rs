//! Quantities as the API writes them: `250m`, `1.5`, `128Mi`, `1e3`, `12E`, `100n`.
//!
//! Kept in thousandths of the unit, rounded up as the API does, so that CPU (thousandths of a core) and bytes both
//! come out exact.

use crate::domain::meta::Resources;

/// Thousandths of the unit that a quantity means; `None` when it is no quantity. Negative ones count as 0.
pub fn milli(text: &str) -> Option<u128> {
    let text = text.trim();
    let (negative, text) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let scale = scale(suffix)?;
    if negative {
        return Some(0);
    }
    // Digits beyond what any unit can express only decide the rounding.
    let kept = &fraction[..fraction.len().min(18)];
    let digits: u128 = digits(whole)?.checked_mul(10u128.checked_pow(u32::try_from(kept.len()).ok()?)?)?;
    let value = digits.checked_add(self::digits(kept)?)?;
    let power = i32::try_from(kept.len()).ok()?;
    Some(match scale {
        Scale::Binary(factor) => divide_up(value.checked_mul(factor)?.checked_mul(1000)?, power)?,
        Scale::Decimal(exponent) => {
            let exponent = exponent.checked_add(3)?.checked_sub(power)?;
            if exponent >= 0 {
                value.checked_mul(10u128.checked_pow(u32::try_from(exponent).ok()?)?)?
            } else {
                divide_up(value, exponent.checked_neg()?)?
            }
        }
    })
}

/// CPU and memory of a pair of quantities; what is absent or unreadable is 0.
pub fn resources(cpu: Option<&str>, memory: Option<&str>) -> Resources {
    Resources {
        cpu_milli: saturate(cpu.and_then(milli).unwrap_or(0)),
        memory: saturate(memory.and_then(milli).unwrap_or(0).div_ceil(1000)),
    }
}

fn saturate(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

enum Scale {
    /// Times this.
    Binary(u128),
    /// Times ten to this.
    Decimal(i32),
}

fn scale(suffix: &str) -> Option<Scale> {
    Some(match suffix {
        "" => Scale::Decimal(0),
        "n" => Scale::Decimal(-9),
        "u" => Scale::Decimal(-6),
        "m" => Scale::Decimal(-3),
        "k" => Scale::Decimal(3),
        "M" => Scale::Decimal(6),
        "G" => Scale::Decimal(9),
        "T" => Scale::Decimal(12),
        "P" => Scale::Decimal(15),
        "E" => Scale::Decimal(18),
        "Ki" => Scale::Binary(1 << 10),
        "Mi" => Scale::Binary(1 << 20),
        "Gi" => Scale::Binary(1 << 30),
        "Ti" => Scale::Binary(1 << 40),
        "Pi" => Scale::Binary(1 << 50),
        "Ei" => Scale::Binary(1 << 60),
        _ => {
            let exponent = suffix.strip_prefix(['e', 'E'])?;
            let exponent: i32 = exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?;
            if !(-30..=24).contains(&exponent) {
                return None;
            }
            Scale::Decimal(exponent)
        }
    })
}

fn digits(text: &str) -> Option<u128> {
    if text.is_empty() { Some(0) } else { text.parse().ok() }
}

/// Division by a power of ten, rounded up.
fn divide_up(value: u128, power: i32) -> Option<u128> {
    match 10u128.checked_pow(u32::try_from(power).ok()?) {
        Some(divisor) => Some(value.div_ceil(divisor)),
        None => Some(u128::from(value > 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_form_is_read() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1", Some(1_000)),
            ("250m", Some(250)),
            ("1.5", Some(1_500)),
            (".5", Some(500)),
            ("1.", Some(1_000)),
            ("100n", Some(1)),
            ("1500000n", Some(2)),
            ("3u", Some(1)),
            ("128Mi", Some(134_217_728_000)),
            ("1.5Gi", Some(1_610_612_736_000)),
            ("1e3", Some(1_000_000)),
            ("1E3", Some(1_000_000)),
            ("12E", Some(12_000_000_000_000_000_000_000)),
            ("5e-3", Some(5)),
            ("1e-12", Some(1)),
            ("2k", Some(2_000_000)),
            ("+1", Some(1_000)),
            ("-1", Some(0)),
            ("1Ei", Some(1_152_921_504_606_846_976_000)),
            ("", None),
            ("m", None),
            ("1Kb", None),
            ("1.2.3", None),
            ("1e999", None),
            ("ten", None),
        ] {
            assert_eq!(milli(text), expected, "{text}");
        }
    }

    #[test]
    fn memory_is_in_whole_bytes() {
        assert_eq!(resources(Some("1500m"), Some("64Mi")), Resources { cpu_milli: 1500, memory: 67_108_864 });
        assert_eq!(resources(None, Some("100m")), Resources { cpu_milli: 0, memory: 1 });
        assert_eq!(resources(Some("nonsense"), Some("9e24")), Resources { cpu_milli: 0, memory: u64::MAX });
    }

    proptest! {
            #[test]
            fn no_text_breaks_it(text in "[-+]?[0-9.]{0,40}[a-zA-Z0-9+-]{0,5}") {
                milli(&text);
            }

            #[test]
            fn units_agree_with_each_other(n in 0u32..1_000_000) {
                prop_assert_eq!(milli(&format!("{n}")), milli(&format!("{n}000m")));
                prop_assert_eq!(milli(&format!("{n}k")), milli(&format!("{n}e3")));
                prop_assert_eq!(milli(&format!("{n}Ki")), Some(u128::from(n) * 1_024_000));
                prop_assert_eq!(milli(&format!("{}.{:03}", n / 1000, n % 1000)), Some(u128::from(n)));
            }

            #[test]
            fn more_is_never_less(a in 0u64..1_000_000_000, b in 0u64..1_000_000_000) {
    let (less, more) = (a.min(b), a.max(b));
                let (less, more) = (milli(&format!("{less}n")), milli(&format!("{more}n")));
                prop_assert!(less <= more);
            }
        }
}
