//! Five fields in words. What has no short words has none: the fields say it better.

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

/// `every 6 h`, `every 1 h 30 m`.
pub(super) fn every(seconds: u64) -> String {
    match seconds {
        1 => "every second".to_owned(),
        60 => "every minute".to_owned(),
        3_600 => "every hour".to_owned(),
        _ if seconds.is_multiple_of(3_600) => format!("every {} hours", seconds / 3_600),
        _ if seconds.is_multiple_of(60) && seconds < 7_200 => format!("every {} minutes", seconds / 60),
        _ => format!("every {}", crate::text::duration_words(seconds)),
    }
}

/// Five fields, upper case, `*` for any.
pub(super) fn of(fields: [&str; 5]) -> Option<String> {
    let [minute, hour, day, month, weekday] = fields;
    let days = days(day, month, weekday)?;
    Some(match (time(minute, hour)?, days.is_empty()) {
        (Time::At(at), true) => format!("daily at {at}"),
        (Time::At(at), false) => format!("{days} at {at}"),
        (Time::Every(every), true) => every,
        (Time::Every(every), false) => format!("{every}, {days}"),
    })
}

enum Time {
    At(String),
    Every(String),
}

fn time(minute: &str, hour: &str) -> Option<Time> {
    let number = |field: &str, most: u8| field.parse::<u8>().ok().filter(|n| *n <= most);
    let at = |hours: &mut dyn Iterator<Item = Option<u8>>| {
        let minute = number(minute, 59)?;
        let hours: Option<Vec<String>> =
            hours.map(|hour| Some(format!("{:02}:{minute:02}", hour?))).collect();
        hours.map(|hours| Time::At(list(hours)))
    };
    match (step(minute, 60), step(hour, 24)) {
        (Some(1), Some(1)) => Some(Time::Every("every minute".to_owned())),
        (Some(step), Some(1)) if 60 % step == 0 => Some(Time::Every(format!("every {step} minutes"))),
        (Some(step), Some(1)) => Some(Time::Every(format!("every {step} minutes of each hour"))),
        (None, Some(1)) => Some(Time::Every(match number(minute, 59)? {
            0 => "every hour".to_owned(),
            minute => format!("every hour at minute {minute}"),
        })),
        (None, Some(step)) if 24 % step == 0 => Some(Time::Every(match number(minute, 59)? {
            0 => format!("every {step} hours"),
            minute => format!("every {step} hours at minute {minute}"),
        })),
        // Steps that do not divide the day begin anew at midnight: only the times say so.
        (None, Some(step)) => at(&mut (0..24).step_by(usize::from(step)).map(Some)),
        (None, None) => at(&mut hour.split(',').map(|hour| number(hour, 23))),
        (Some(_), _) => None,
    }
}

/// The step of `*` and `*/n`.
fn step(field: &str, whole: u8) -> Option<u8> {
    if field == "*" {
        return Some(1);
    }
    field.strip_prefix("*/").and_then(|n| n.parse::<u8>().ok()).filter(|n| (1..whole).contains(n))
}

/// `Mondays`, `Monday to Friday`, `day 1 of the month`; empty for every day.
fn days(day: &str, month: &str, weekday: &str) -> Option<String> {
    let of_month = |day: &str| -> Option<String> {
        let days: Option<Vec<String>> =
            day.split(',').map(|d| Some(d.parse::<u8>().ok()?.to_string())).collect();
        days.map(|days| {
            format!("{} {} of the month", if days.len() == 1 { "day" } else { "days" }, list(days))
        })
    };
    let mut words = match (day, weekday) {
        ("*", "*") => String::new(),
        ("*", weekday) => weekdays(weekday)?,
        (day, "*") => of_month(day)?,
        // Cron's rule: either is enough.
        (day, weekday) => format!("{} and {}", of_month(day)?, weekdays(weekday)?),
    };
    if month != "*" {
        if words.is_empty() {
            words.push_str("daily");
        }
        words.push_str(&format!(" in {}", names(month, &MONTHS, 1, "")?));
    }
    Some(words)
}

fn weekdays(field: &str) -> Option<String> {
    names(field, &DAYS, 0, "s")
}

/// Names of a list or range: `1-5`, `MON,WED`, `7`; single ones in the plural.
fn names(field: &str, all: &[&'static str], first: usize, plural: &str) -> Option<String> {
    let name = |word: &str| {
        let by_number = word.parse::<usize>().ok().and_then(|n| n.checked_sub(first));
        let by_number = by_number.map(|n| if all.len() == 7 { n % 7 } else { n });
        let by_name = || {
            let short = |name: &&str| name.get(..3).is_some_and(|short| short.eq_ignore_ascii_case(word));
            all.iter().position(short)
        };
        by_number.or_else(by_name).and_then(|n| all.get(n)).copied()
    };
    let parts: Option<Vec<String>> = field
        .split(',')
        .map(|part| match part.split_once('-') {
            Some((from, to)) => Some(format!("{} to {}", name(from)?, name(to)?)),
            None => Some(format!("{}{plural}", name(part)?)),
        })
        .collect();
    Some(list(parts?))
}

/// `a`, `a and b`, `a, b and c`.
fn list(mut parts: Vec<String>) -> String {
    match parts.pop() {
        Some(last) if parts.is_empty() => last,
        Some(last) => format!("{} and {last}", parts.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use crate::cron::Cron;

    #[test]
    fn schedules_in_words() {
        for (schedule, expected) in [
            ("* * * * *", "every minute"),
            ("*/1 * * * *", "every minute"),
            ("*/5 * * * *", "every 5 minutes"),
            ("*/7 * * * *", "every 7 minutes of each hour"),
            ("0 * * * *", "every hour"),
            ("15 * * * *", "every hour at minute 15"),
            ("0 */6 * * *", "every 6 hours"),
            ("20 */6 * * *", "every 6 hours at minute 20"),
            ("0 */7 * * *", "daily at 00:00, 07:00, 14:00 and 21:00"),
            ("30 2 * * *", "daily at 02:30"),
            ("30 2,14 * * *", "daily at 02:30 and 14:30"),
            ("0 3 * * 1", "Mondays at 03:00"),
            ("30 2 * * mon-fri", "Monday to Friday at 02:30"),
            ("30 2 * * MON,wed", "Mondays and Wednesdays at 02:30"),
            ("0 0 * * 7", "Sundays at 00:00"),
            ("*/15 * * * 6", "every 15 minutes, Saturdays"),
            ("0 4 1 * *", "day 1 of the month at 04:00"),
            ("0 4 1,15 * *", "days 1 and 15 of the month at 04:00"),
            ("0 4 1 1 *", "day 1 of the month in January at 04:00"),
            ("0 4 * DEC *", "daily in December at 04:00"),
            ("0 4 13 * 5", "day 13 of the month and Fridays at 04:00"),
            ("@daily", "daily at 00:00"),
            ("@weekly", "Sundays at 00:00"),
            ("@every 6h", "every 6 hours"),
            ("@every 90s", "every 90 s"),
            ("@every 1h30m", "every 90 minutes"),
            ("CRON_TZ=Europe/Berlin 0 3 * * 1", "Mondays at 03:00 (Europe/Berlin)"),
            ("5-10 3 * * *", "cron 5-10 3 * * *"),
        ] {
            assert_eq!(Cron::read(schedule, "").unwrap().words(), expected, "{schedule}");
        }
    }
}
