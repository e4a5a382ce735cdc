//! Schedules of Kubernetes: read, said in words, asked for their next run and their longest pause. CronJobs, Velero's
//! Schedules and Argo CD's sync windows all speak this dialect: five fields, `@daily` and its like, `@every 6h`, and
//! `CRON_TZ=` or `TZ=` before them.
//!
//! The crate `cronexpr` knows cron's rules, that for days of month and week together among them; it refuses the
//! names, `@every`, the prefixes and `?`, so these are expanded here. Knows nothing of who runs by a schedule.

mod words;

use cronexpr::{Crontab, FallbackTimezoneOption, MakeTimestamp, ParseOptions};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::time::Stamp;
use crate::text;

const DAY: i64 = 86_400;
/// Times that are reckoned with, in seconds: 1970 to 2199. Beyond, calendars overflow.
const RECKONED: std::ops::Range<i64> = 0..7_258_118_400;

/// A schedule that could be read.
#[derive(Clone, Debug)]
pub struct Cron {
    when: When,
    /// The zone that it names; empty when it means the server's.
    zone: String,
}

#[derive(Clone, Debug)]
enum When {
    /// At times of the calendar: as the zone has them, and the five fields.
    Table(Box<Crontab>, [String; 5]),
    /// So many seconds after it ran last.
    Every(u64),
}

impl Cron {
    /// Reads a schedule. The zone is the one that stands beside it (`timeZone`), empty when none does; one that is
    /// written before the fields wins. Without any, the server's is meant: UTC on every hosted control plane.
    ///
    /// # Errors
    /// What is wrong with it, for people: one line.
    pub fn read(schedule: &str, zone: &str) -> Result<Cron, String> {
        let (zone, rest) = zone_before(schedule.trim(), zone.trim())?;
        if !zone.is_empty() {
            TimeZone::get(&zone).map_err(|_| format!("there is no time zone `{zone}`"))?;
        }
        if let Some(every) = rest.strip_prefix("@every") {
            let seconds = text::go_seconds(every.trim())
                .ok_or_else(|| format!("`{}` is not a duration such as 6h or 1h30m", every.trim()))?;
            // Shorter ones the servers round up.
            return Ok(Cron { when: When::Every(seconds.max(1)), zone });
        }
        let fields = fields(rest)?;
        let table = table(&fields, &zone).ok_or_else(|| culprit(&fields))?;
        Ok(Cron { when: When::Table(Box::new(table), fields), zone })
    }

    /// When it runs next after a time. `@every` counts from the time that is given, which therefore should be its last
    /// run. `None` when it never comes: 30 February, or beyond what is reckoned with.
    pub fn next(&self, after: Stamp) -> Option<Stamp> {
        if !RECKONED.contains(&after.0) {
            return None;
        }
        match &self.when {
            When::Every(seconds) => Some(after.plus(i64::try_from(*seconds).ok()?)),
            When::Table(table, _) => next(table, after),
        }
    }

    /// Whether it runs so many seconds after its last run, rather than by the calendar.
    pub fn is_every(&self) -> bool {
        matches!(self.when, When::Every(_))
    }

    /// The longest pause between two runs, in seconds: what data may be lost between two backups that go well. By the
    /// calendar: the one night a year whose clock is turned back is not counted. `None` when it never runs twice.
    pub fn longest_pause(&self, from: Stamp) -> Option<u64> {
        match &self.when {
            When::Every(seconds) => Some(*seconds),
            When::Table(_, fields) => {
                // Every matching day has the same times, so one day is looked at tick by tick, the others by their first.
                let table = table(fields, "")?;
                // Far from the end of the calendar, and before the first tick of a day.
                let from =
                    from.0.rem_euclid(RECKONED.end - 20 * 366 * DAY).max(DAY).div_euclid(DAY) * DAY - 60;
                let first = next(&table, Stamp(from))?;
                let (mut within, mut last, midnight) = (0, first, (first.0.div_euclid(DAY) + 1) * DAY);
                while let Some(tick) = next(&table, last).filter(|tick| tick.0 < midnight) {
                    within = within.max(tick.0 - last.0);
                    last = tick;
                }
                let night = DAY - (last.0 - first.0);
                let mut longest = within;
                let mut day = first;
                for _ in 0..LOOKED_AT {
                    let end = (day.0.div_euclid(DAY) + 1) * DAY;
                    let Some(tick) = next(&table, Stamp(end - 60)) else { break };
                    longest = longest.max(tick.0 - day.0 - DAY + night);
                    day = tick;
                }
                u64::try_from(longest).ok().filter(|seconds| *seconds > 0)
            }
        }
    }

    /// `daily at 02:30`, `Mondays at 03:00 (Europe/Berlin)`; what is too odd for words is given as it stands.
    pub fn words(&self) -> String {
        let mut words = match &self.when {
            When::Every(seconds) => words::every(*seconds),
            When::Table(_, fields) => words::of(fields.each_ref().map(String::as_str))
                .unwrap_or_else(|| format!("cron {}", fields.join(" "))),
        };
        if !self.zone.is_empty() {
            words.push_str(&format!(" ({})", self.zone));
        }
        words
    }
}

/// Days that a longest pause is looked for in: a year and its leap day, or as many runs of what is rarer.
const LOOKED_AT: usize = 367;

/// The zone that counts and what stands behind it.
fn zone_before<'a>(schedule: &'a str, beside: &str) -> Result<(String, &'a str), String> {
    for prefix in ["CRON_TZ=", "TZ="] {
        if let Some(after) = schedule.strip_prefix(prefix) {
            let (zone, rest) =
                after.split_once(' ').ok_or_else(|| format!("nothing stands behind the zone `{after}`"))?;
            return Ok((zone.to_owned(), rest.trim()));
        }
    }
    Ok((beside.to_owned(), schedule))
}

/// The five fields.
fn fields(schedule: &str) -> Result<[String; 5], String> {
    let schedule = match schedule {
        "" => return Err("it is empty".to_owned()),
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        name if name.starts_with('@') => return Err(format!("`{name}` is no name of a schedule")),
        fields => fields,
    };
    let fields: Vec<String> =
        schedule.split_whitespace().map(|field| field.replace('?', "*").to_uppercase()).collect();
    let count = fields.len();
    fields.try_into().map_err(|_| format!("five fields are needed, it has {count}"))
}

/// The table of five fields in a zone, UTC when it is empty.
fn table(fields: &[String; 5], zone: &str) -> Option<Crontab> {
    // The crate knows more than the servers do: last days, nearest weekdays, hashes.
    let [_, _, day, _, weekday] = fields;
    if [day, weekday].into_iter().any(|field| field.contains('#'))
        || extended(day)
        || extended_weekday(weekday)
    {
        return None;
    }
    let mut options = ParseOptions::default();
    options.fallback_timezone_option = FallbackTimezoneOption::UTC;
    let text = fields.join(" ");
    let text = if zone.is_empty() { text } else { format!("{text} {zone}") };
    cronexpr::parse_crontab_with(&text, options).ok()
}

fn extended(day: &str) -> bool {
    day.contains(['L', 'W'])
}

/// `L` and `W` stand in names of days too, so only a lone or trailing `L` counts.
fn extended_weekday(weekday: &str) -> bool {
    weekday.split(',').any(|part| part.ends_with('L'))
}

/// Which field is wrong.
fn culprit(fields: &[String; 5]) -> String {
    const NAMES: [&str; 5] = ["minute", "hour", "day of the month", "month", "day of the week"];
    for (at, (field, name)) in fields.iter().zip(NAMES).enumerate() {
        let mut alone = ["*", "*", "*", "*", "*"].map(str::to_owned);
        if let Some(place) = alone.get_mut(at) {
            *place = field.clone();
        }
        if table(&alone, "").is_none() {
            return format!("the {name} `{field}` cannot be read");
        }
    }
    "it cannot be read".to_owned()
}

fn next(table: &Crontab, after: Stamp) -> Option<Stamp> {
    if !RECKONED.contains(&after.0) {
        return None;
    }
    let after = Timestamp::from_second(after.0).ok()?;
    let next = table.find_next(MakeTimestamp(after)).ok()?;
    Some(Stamp(next.timestamp().as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Stamp = Stamp(1_795_271_519); // Saturday 2026-11-21T14:31:59Z

    fn next_of(schedule: &str, zone: &str) -> Option<Stamp> {
        Cron::read(schedule, zone).ok()?.next(NOW)
    }

    #[test]
    fn the_next_run_minds_the_zone() {
        let three = Some(Stamp(1_795_273_200)); // 15:00Z
        assert_eq!(next_of("0 15 * * *", ""), three);
        assert_eq!(next_of("0 16 * * *", "Europe/Zurich"), three);
        assert_eq!(next_of("CRON_TZ=Europe/Zurich 0 16 * * *", ""), three);
        assert_eq!(next_of("TZ=Europe/Zurich 0 16 ? * ?", "Asia/Tokyo"), three);
        assert_eq!(next_of("@hourly", ""), three);
        assert_eq!(next_of("0 15 * nov sat", ""), three);
        assert_eq!(next_of("@every 6h", ""), Some(NOW.plus(21_600)));
        assert_eq!(next_of("0 0 30 2 *", ""), None, "that day never comes");
    }

    #[test]
    fn nonsense_is_told_as_such() {
        for (schedule, zone, told) in [
            ("nonsense", "", "five fields are needed, it has 1"),
            ("0 0 * * * *", "", "five fields are needed, it has 6"),
            ("", "", "it is empty"),
            ("99 * * * *", "", "the minute `99` cannot be read"),
            ("0 0 * * L", "", "the day of the week `L` cannot be read"),
            ("0 0 15W * *", "", "the day of the month `15W` cannot be read"),
            ("0 H * * *", "", "the hour `H` cannot be read"),
            ("@fortnightly", "", "`@fortnightly` is no name of a schedule"),
            ("@every soon", "", "`soon` is not a duration such as 6h or 1h30m"),
            ("0 0 * * *", "Nowhere/Land", "there is no time zone `Nowhere/Land`"),
            ("CRON_TZ=Europe/Zurich", "", "nothing stands behind the zone `Europe/Zurich`"),
        ] {
            assert_eq!(
                Cron::read(schedule, zone).map(|cron| cron.words()),
                Err(told.to_owned()),
                "{schedule}"
            );
        }
    }

    #[test]
    fn the_longest_pause() {
        for (schedule, seconds) in [
            ("* * * * *", Some(60)),
            ("*/5 * * * *", Some(300)),
            ("*/7 * * * *", Some(420)),
            ("0 */6 * * *", Some(21_600)),
            ("0 */7 * * *", Some(25_200)),
            ("@daily", Some(86_400)),
            ("0 3,4 * * *", Some(82_800)),
            ("30 2 * * 1", Some(7 * 86_400)),
            ("30 2 * * MON-FRI", Some(3 * 86_400)),
            ("* 9-16 * * 1-5", Some(2 * 86_400 + 16 * 3_600 + 60)),
            ("0 0 1 * *", Some(31 * 86_400)),
            ("@every 90m", Some(5_400)),
            ("0 0 30 2 *", None),
        ] {
            assert_eq!(Cron::read(schedule, "").unwrap().longest_pause(NOW), seconds, "{schedule}");
        }
        assert_eq!(Cron::read("0 3 * * *", "Europe/Zurich").unwrap().longest_pause(NOW), Some(86_400));
    }

    proptest! {
        // Each case walks a year of days.
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn whatever_is_written_nothing_breaks(schedule in "(CRON_TZ=[A-Z/a-z]{0,8} )?[@*/0-9,a-zA-Z?# -]{0,24}", zone in "[A-Za-z/]{0,6}", now in any::<i64>()) {
            if let Ok(cron) = Cron::read(&schedule, &zone) {
                prop_assert!(!cron.words().is_empty());
                cron.longest_pause(Stamp(now));
                if let Some(next) = cron.next(Stamp(now)) {
                    prop_assert!(next.0 > now);
                }
            }
        }

        #[test]
        fn five_fields_run_within_their_longest_pause(
            minute in 0u8..60, step in 1u8..30, hour in 0u8..24, to in 0u8..24, day in 0u8..7, after in 0i64..4_000_000_000,
        ) {
            let (hour, to) = (hour.min(to), hour.max(to));
            for schedule in [
                format!("{minute} {hour}-{to} * * {day}"),
                format!("*/{step} {hour} * * *"),
                format!("{minute} */{} * * {day}-6", step.min(23)),
            ] {
                let cron = Cron::read(&schedule, "").unwrap();
                let pause = i64::try_from(cron.longest_pause(Stamp(after)).unwrap()).unwrap();
                let next = cron.next(Stamp(after)).unwrap();
                prop_assert!(next.0 > after && next.0 - after <= pause, "{schedule}");
                let then = cron.next(next).unwrap();
                prop_assert!(then.0 > next.0 && then.0 - next.0 <= pause, "{schedule}");
            }
        }
    }
}
