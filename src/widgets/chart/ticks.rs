//! Where the marks of an axis stand: on round numbers, and on round times.

use jiff::Timestamp;

/// The numbers of an axis, from its lower end up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ticks {
    /// The lower end.
    pub low: f64,
    /// From one to the next.
    pub step: f64,
    /// How many steps there are; at least one.
    pub steps: u32,
    /// Decimals that all numbers are written with.
    pub decimals: usize,
}

impl Ticks {
    /// The upper end.
    pub fn high(&self) -> f64 {
        self.low + self.step * f64::from(self.steps)
    }

    /// The numbers, lowest first.
    pub fn numbers(&self) -> impl Iterator<Item = f64> + '_ {
        (0..=self.steps).map(|n| self.low + self.step * f64::from(n))
    }

    /// A number of the axis as it is written: all of them with the same decimals.
    pub fn label(&self, number: f64) -> String {
        // -0 and what is left of 0.1 + 0.2 - 0.3.
        let number = if number.abs() < self.step / 2.0 { 0.0 } else { number };
        if number == 0.0 {
            return "0".to_owned();
        }
        if !(1e-5..1e7).contains(&number.abs()) {
            return format!("{number:.0e}");
        }
        format!("{number:.*}", self.decimals)
    }
}

/// Numbers this large or this small are drawn as if they were smaller or nothing.
const LARGEST: f64 = 1e300;
const SMALLEST: f64 = 1e-290;

/// Round numbers (1, 2 or 5 times a power of ten apart; a single one also 3, 4, 6 or 8) that span an axis: all that is drawn lies between its ends,
/// and so does zero, since only then a height says how much it is. At most so many steps.
pub fn numbers(lowest: f64, highest: f64, most: u32) -> Ticks {
    let lowest = bounded(lowest).min(0.0);
    let highest = bounded(highest).max(0.0);
    let (lowest, highest) = if highest - lowest < SMALLEST { (0.0, 1.0) } else { (lowest, highest) };
    let most = most.max(if lowest < 0.0 && highest > 0.0 { 2 } else { 1 });
    let rough = (highest - lowest) / f64::from(most);
    let power = rough.log10().floor();
    // A sign change takes a step more on each side than the span alone; the next round number always fits.
    // A single step is the axis itself: it need not be as round as one of several.
    let factors: &[f64] = if most == 1 { &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0] } else { &[1.0, 2.0, 5.0] };
    let candidates =
        (0..=2).flat_map(|more| factors.iter().map(move |factor| (*factor, power + f64::from(more))));
    for (factor, power) in candidates {
        let step = factor * 10f64.powf(power);
        let below = (lowest / step + 1e-9).floor();
        let above = (highest / step - 1e-9).ceil();
        let steps = above - below.min(0.0);
        if step > 0.0 && step.is_finite() && steps >= 1.0 && steps <= f64::from(most) {
            let decimals = (-power).clamp(0.0, 9.0) as usize;
            return Ticks { low: below.min(0.0) * step, step, steps: steps as u32, decimals };
        }
    }
    Ticks { low: lowest, step: highest - lowest, steps: 1, decimals: 0 }
}

fn bounded(number: f64) -> f64 {
    if number.is_nan() { 0.0 } else { number.clamp(-LARGEST, LARGEST) }
}

/// Round times of an axis: every so many seconds.
const TIMES: [i64; 24] = [
    1,
    5,
    10,
    30,
    60,
    120,
    300,
    600,
    900,
    1_800,
    3_600,
    7_200,
    10_800,
    21_600,
    43_200,
    86_400,
    172_800,
    345_600,
    604_800,
    1_209_600,
    2_592_000,
    7_776_000,
    31_536_000,
    315_360_000,
];

const DAY: i64 = 86_400;

/// A time of an axis: seconds since the epoch, and how it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Time {
    /// Seconds since the epoch.
    pub at: i64,
    /// `14:20`, `14:20:30`, `12 Mar`.
    pub label: String,
}

/// Round times between two times that have room for their labels on so many cells.
pub fn times(from: i64, to: i64, cells: u16) -> Vec<Time> {
    let span = to.saturating_sub(from);
    if span <= 0 || cells == 0 {
        return Vec::new();
    }
    let fits = |step: i64| {
        // A label, and two cells of air.
        let wide = i64::try_from(format(from, step).len()).unwrap_or(8) + 2;
        i64::from(cells).saturating_mul(step) / span >= wide
    };
    let Some(step) = TIMES.into_iter().find(|step| fits(*step)) else { return Vec::new() };
    let first =
        from.div_euclid(step).saturating_add(i64::from(from.rem_euclid(step) > 0)).saturating_mul(step);
    let count = to.saturating_sub(first) / step;
    (0..=count.min(i64::from(cells)))
        .map(|n| first.saturating_add(n * step))
        .filter(|at| (from..=to).contains(at))
        .map(|at| Time { at, label: format(at, step) })
        .collect()
}

/// How a time is written where times are so many seconds apart: of the day, or the day where midnight is meant.
fn format(at: i64, step: i64) -> String {
    let pattern = match step {
        ..60 => "%H:%M:%S",
        60..DAY if at.rem_euclid(DAY) == 0 => "%-d %b",
        60..DAY => "%H:%M",
        DAY..2_592_000 => "%-d %b",
        _ => "%b %Y",
    };
    written(at, pattern)
}

/// A moment as text, with the day where the span is longer than one: `14:26`, `12 Mar 14:26`.
pub fn moment(at: i64, span: i64) -> String {
    written(
        at,
        if span > DAY {
            "%-d %b %H:%M"
        } else if span <= 300 {
            "%H:%M:%S"
        } else {
            "%H:%M"
        },
    )
}

fn written(at: i64, pattern: &str) -> String {
    // Beyond the calendar (year 9999) a number of seconds must do.
    Timestamp::from_second(at).map_or_else(|_| at.to_string(), |time| time.strftime(pattern).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(lowest: f64, highest: f64, most: u32) -> Vec<String> {
        let ticks = numbers(lowest, highest, most);
        ticks.numbers().map(|number| ticks.label(number)).collect()
    }

    #[test]
    fn numbers_are_round() {
        assert_eq!(labels(0.0, 412.0, 2), ["0", "500"]);
        assert_eq!(labels(0.0, 512.0, 1), ["0", "600"]);
        assert_eq!(labels(0.0, 412.0, 5), ["0", "100", "200", "300", "400", "500"]);
        assert_eq!(labels(120.0, 900.0, 3), ["0", "500", "1000"]);
        assert_eq!(labels(0.0, 9.1, 2), ["0", "5", "10"]);
        assert_eq!(labels(0.0, 0.3, 3), ["0", "0.1", "0.2", "0.3"]);
        assert_eq!(labels(0.0, 0.007, 4), ["0", "0.002", "0.004", "0.006", "0.008"]);
        assert_eq!(labels(-3.0, 4.0, 4), ["-4", "-2", "0", "2", "4"]);
        assert_eq!(labels(-0.5, 2.0, 1), ["-2", "0", "2"]);
        assert_eq!(labels(-8.0, -2.0, 2), ["-10", "-5", "0"]);
        assert_eq!(labels(1e9, 1e9, 1), ["0", "1e9"]);
    }

    #[test]
    fn nothing_and_no_number_make_an_axis_too() {
        assert_eq!(labels(0.0, 0.0, 2), ["0", "0.5", "1.0"]);
        assert_eq!(labels(f64::NAN, f64::NAN, 1), ["0", "1"]);
        assert_eq!(labels(f64::MIN_POSITIVE, f64::MIN_POSITIVE, 1), ["0", "1"]);
        let ticks = numbers(f64::NEG_INFINITY, f64::INFINITY, 3);
        assert!(ticks.high().is_finite() && ticks.low.is_finite());
    }

    proptest! {
        #[test]
        fn an_axis_spans_what_is_drawn(a: f64, b: f64, most in 1u32..12) {
            let (low, high) = (bounded(a).min(bounded(b)), bounded(a).max(bounded(b)));
            let ticks = numbers(a.min(b), a.max(b), most);
            let air = (high - low).abs() * 1e-6 + SMALLEST;
            prop_assert!(ticks.low <= low + air && high <= ticks.high() + air, "{:?}", ticks);
            prop_assert!(ticks.low <= 0.0 && ticks.high() >= 0.0);
            prop_assert!(ticks.steps >= 1 && ticks.steps <= most.max(2));
            prop_assert!(ticks.step > 0.0 && ticks.step.is_finite());
        }

        #[test]
        fn times_lie_on_the_axis_and_have_room(from: i64, span: i64, cells: u16) {
            let to = from.saturating_add(span);
            let times = times(from, to, cells);
            prop_assert!(times.iter().all(|time| (from..=to).contains(&time.at)));
            prop_assert!(times.len() <= usize::from(cells) + 1);
        }
    }

    #[test]
    fn times_are_round_and_have_room() {
        // 2026-03-14 14:17:00 UTC
        let from = 1_773_497_820;
        let read = |span: i64, cells: u16| {
            times(from, from + span, cells).into_iter().map(|time| time.label).collect::<Vec<_>>()
        };
        assert_eq!(read(900, 33), ["14:20", "14:25", "14:30"]);
        assert_eq!(read(900, 100), ["14:18", "14:20", "14:22", "14:24", "14:26", "14:28", "14:30", "14:32"]);
        assert_eq!(read(86_400, 40), ["18:00", "15 Mar", "06:00", "12:00"]);
        assert_eq!(read(7 * 86_400, 40), ["16 Mar", "18 Mar", "20 Mar"]);
        assert_eq!(
            read(30 * 86_400, 80),
            ["16 Mar", "20 Mar", "24 Mar", "28 Mar", "1 Apr", "5 Apr", "9 Apr", "13 Apr"]
        );
        assert_eq!(read(30, 40), ["14:17:00", "14:17:10", "14:17:20", "14:17:30"]);
        assert_eq!(read(900, 4), ["14:30"]);
        assert_eq!(read(0, 40), [] as [&str; 0]);
    }

    #[test]
    fn moments() {
        assert_eq!(moment(1_773_498_360, 900), "14:26");
        assert_eq!(moment(1_773_498_360, 60), "14:26:00");
        assert_eq!(moment(1_773_498_360, 2 * DAY), "14 Mar 14:26");
        assert_eq!(moment(i64::MAX, 60), i64::MAX.to_string());
    }
}
