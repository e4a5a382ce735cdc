//! A CronJob's schedule in words, and its next run (crate `cronexpr`, which
//! knows cron's rule for days of month and week together).

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::time::Stamp;

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A schedule with its five fields and its time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fields {
    fields: [String; 5],
    zone: String,
}

/// Reads what Kubernetes accepts: five fields or a shorthand such as `@daily`,
/// with or without `TZ=` before it.
fn read(schedule: &str, zone: &str) -> Option<Fields> {
    let mut zone = zone.to_owned();
    let mut rest = schedule.trim();
    for prefix in ["CRON_TZ=", "TZ="] {
        if let Some(after) = rest.strip_prefix(prefix) {
            let (name, fields) = after.split_once(' ')?;
            zone = name.to_owned();
            rest = fields.trim();
        }
    }
    let rest = match rest {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        other => other,
    };
    let fields: Vec<String> = rest.split_whitespace().map(|field| field.replace('?', "*")).collect();
    Some(Fields { fields: fields.try_into().ok()?, zone })
}

/// `every day at 03:00`; what is too odd for words is given as it stands.
pub fn words(schedule: &str, zone: &str) -> String {
    if let Some(every) = schedule.trim().strip_prefix("@every ") {
        return format!("every {every}");
    }
    let Some(Fields { fields, zone }) = read(schedule, zone) else { return schedule.to_owned() };
    let [minute, hour, day, month, weekday] = fields.each_ref().map(String::as_str);
    let Some(time) = time_words(minute, hour) else { return schedule.to_owned() };
    let Some(days) = day_words(day, month, weekday) else { return schedule.to_owned() };
    let mut words = match (days.as_str(), minute.parse::<u8>().is_ok() && hour.parse::<u8>().is_ok()) {
        ("", true) => format!("every day {time}"),
        ("", false) => time,
        (days, _) => format!("{time} {days}"),
    };
    if !zone.is_empty() {
        words.push_str(&format!(" ({zone})"));
    }
    words
}

fn time_words(minute: &str, hour: &str) -> Option<String> {
    let step = |field: &str| field.strip_prefix("*/").and_then(|n| n.parse::<u8>().ok()).filter(|n| *n > 0);
    let number = |field: &str, most: u8| field.parse::<u8>().ok().filter(|n| *n <= most);
    Some(match (minute, hour) {
        ("*", "*") => "every minute".to_owned(),
        (_, "*") if step(minute) == Some(1) => "every minute".to_owned(),
        (_, "*") if step(minute).is_some() => format!("every {} minutes", step(minute)?),
        (_, "*") => match number(minute, 59) {
            Some(0) => "every hour".to_owned(),
            Some(minute) => format!("every hour at minute {minute}"),
            None => return None,
        },
        (_, _) if step(hour).is_some() => {
            let (minute, hours) = (number(minute, 59)?, step(hour)?);
            format!("every {hours} hours at minute {minute}")
        }
        (_, _) => {
            let minute = number(minute, 59)?;
            let hours: Option<Vec<String>> =
                hour.split(',').map(|hour| Some(format!("{:02}:{minute:02}", number(hour, 23)?))).collect();
            format!("at {}", hours?.join(", "))
        }
    })
}

/// Names of a list or range: `1-5`, `MON,WED`, `7`.
fn names(field: &str, all: &[&'static str], first: usize) -> Option<String> {
    let name = |word: &str| {
        let by_number = word.parse::<usize>().ok().and_then(|n| n.checked_sub(first));
        let by_number = by_number.map(|n| if all.len() == 7 { n % 7 } else { n });
        let by_name = (word.len() == 3)
            .then(|| {
                all.iter()
                    .position(|name| name.get(..3).is_some_and(|short| short.eq_ignore_ascii_case(word)))
            })
            .flatten();
        by_number.or(by_name).and_then(|n| all.get(n)).map(|name| (*name).to_owned())
    };
    let parts: Option<Vec<String>> = field
        .split(',')
        .map(|part| match part.split_once('-') {
            Some((from, to)) => Some(format!("{} to {}", name(from)?, name(to)?)),
            None => name(part),
        })
        .collect();
    Some(parts?.join(", "))
}

fn day_words(day: &str, month: &str, weekday: &str) -> Option<String> {
    let mut words = match (day, weekday) {
        ("*", "*") => String::new(),
        ("*", weekday) => format!("on {}", names(weekday, &DAYS, 0)?),
        (day, "*") if day.split(',').all(|day| day.parse::<u8>().is_ok()) => {
            format!("on day {} of the month", day.replace(',', ", "))
        }
        (day, weekday) if day.parse::<u8>().is_ok() => {
            format!("on day {day} of the month and every {}", names(weekday, &DAYS, 0)?)
        }
        _ => return None,
    };
    if month != "*" {
        if words.is_empty() {
            words.push_str("every day");
        }
        words.push_str(&format!(" in {}", names(month, &MONTHS, 1)?));
    }
    Some(words)
}

/// When it runs next, as far as the schedule says; `None` when it cannot be read
/// or never comes (30 February).
pub fn next(schedule: &str, zone: &str, now: Stamp) -> Option<Stamp> {
    let Fields { fields, zone } = read(schedule, zone)?;
    // The crate takes the zone as a sixth field; Kubernetes without one means
    // the controller's, which is UTC on every hosted control plane.
    let zone = if zone.is_empty() { "UTC" } else { &zone };
    TimeZone::get(zone).ok()?;
    let cron = cronexpr::parse_crontab(&format!("{} {zone}", fields.join(" "))).ok()?;
    let now = Timestamp::from_second(now.0).ok()?;
    let next = cron.find_next(cronexpr::MakeTimestamp(now)).ok()?;
    Some(Stamp(next.timestamp().as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_in_words() {
        for (schedule, expected) in [
            ("* * * * *", "every minute"),
            ("*/5 * * * *", "every 5 minutes"),
            ("0 * * * *", "every hour"),
            ("15 * * * *", "every hour at minute 15"),
            ("0 */6 * * *", "every 6 hours at minute 0"),
            ("0 3 * * *", "every day at 03:00"),
            ("30 2,14 * * *", "at 02:30, 14:30"),
            ("30 2 * * 1", "at 02:30 on Monday"),
            ("30 2 * * MON-FRI", "at 02:30 on Monday to Friday"),
            ("0 0 * * 7", "at 00:00 on Sunday"),
            ("0 4 1 * *", "at 04:00 on day 1 of the month"),
            ("0 4 1 1 *", "at 04:00 on day 1 of the month in January"),
            ("0 4 13 * 5", "at 04:00 on day 13 of the month and every Friday"),
            ("@daily", "every day at 00:00"),
            ("@weekly", "at 00:00 on Sunday"),
            ("@every 90s", "every 90s"),
            ("TZ=Europe/Zurich 0 3 * * *", "every day at 03:00 (Europe/Zurich)"),
            ("5-10 3 * * *", "5-10 3 * * *"),
            ("nonsense", "nonsense"),
            ("99 99 * * *", "99 99 * * *"),
        ] {
            assert_eq!(words(schedule, ""), expected, "{schedule}");
        }
    }

    #[test]
    fn the_next_run_minds_the_zone() {
        let now = Stamp(1_795_271_519); // 2026-11-21T14:31:59Z
        assert_eq!(next("0 15 * * *", "", now), Some(Stamp(1_795_273_200)));
        assert_eq!(next("0 16 * * *", "Europe/Zurich", now), Some(Stamp(1_795_273_200)));
        assert_eq!(next("@hourly", "", now), Some(Stamp(1_795_273_200)));
        assert_eq!(next("nonsense", "", now), None);
        assert_eq!(next("0 0 * * *", "Nowhere/Land", now), None);
    }
}
