//! Times at which nothing is to be changed: by days of the week, hours, dates, in a time zone.

use jiff::Timestamp;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;

use super::id::Name;
use super::time::Stamp;

/// A time at which nothing is to be changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Freeze {
    /// What people call it.
    pub name: Name,
    /// Only on these days of the week; empty: on every day. A freeze over midnight belongs to the day it begins on.
    pub days: Vec<Weekday>,
    /// Only within these hours, the second not included; the whole day without. `17:00` to `08:00` goes over midnight.
    pub hours: Option<(Time, Time)>,
    /// Only on these dates, both included; empty: always.
    pub dates: Vec<(Date, Date)>,
    /// The IANA name of the time zone that days, hours and dates are of.
    pub zone: Name,
    /// Only in these environments; empty: in all.
    pub environments: Vec<Name>,
}

impl Freeze {
    /// Whether it holds in an environment at all.
    #[must_use]
    pub fn concerns(&self, environment: &str) -> bool {
        self.environments.is_empty() || self.environments.iter().any(|name| &**name == environment)
    }

    /// Whether it holds now.
    ///
    /// # Errors
    /// The time zone is not known to this machine, or the time is none.
    pub fn holds(&self, now: Stamp) -> Result<bool, String> {
        let zone = TimeZone::get(&self.zone)
            .map_err(|_| format!("the time zone {} is not known here", self.zone))?;
        let now = Timestamp::from_second(now.0).map_err(|error| error.to_string())?.to_zoned(zone).datetime();
        let begins = |date: Date| {
            (self.days.is_empty() || self.days.contains(&date.weekday()))
                && (self.dates.is_empty()
                    || self.dates.iter().any(|(first, last)| (*first..=*last).contains(&date)))
        };
        let Some((from, to)) = self.hours else { return Ok(begins(now.date())) };
        if from < to {
            return Ok(begins(now.date()) && (from..to).contains(&now.time()));
        }
        let since_yesterday = now.time() < to && now.date().yesterday().is_ok_and(begins);
        Ok(since_yesterday || now.time() >= from && begins(now.date()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, time};

    fn at(text: &str) -> Stamp {
        Stamp(text.parse::<Timestamp>().unwrap().as_second())
    }

    #[test]
    fn a_weekend_begins_on_friday_afternoon_where_the_people_are() {
        let weekend = Freeze {
            name: "weekend".into(),
            days: vec![Weekday::Friday],
            hours: Some((time(17, 0, 0, 0), time(8, 0, 0, 0))),
            dates: Vec::new(),
            zone: "Europe/Berlin".into(),
            environments: vec!["production".into()],
        };
        // Berlin is an hour ahead of UTC in winter; 2026-11-27 is a Friday.
        for (moment, holds) in [
            ("2026-11-27T15:59:59Z", false),
            ("2026-11-27T16:00:00Z", true),
            ("2026-11-28T06:59:59Z", true),
            ("2026-11-28T07:00:00Z", false),
            ("2026-11-28T20:00:00Z", false),
        ] {
            assert_eq!(weekend.holds(at(moment)), Ok(holds), "{moment}");
        }
        assert!(weekend.concerns("production") && !weekend.concerns("staging"));
    }

    #[test]
    fn dates_are_whole_days_and_an_unknown_zone_is_no_yes() {
        let mut year_end = Freeze {
            name: "year end".into(),
            days: Vec::new(),
            hours: None,
            dates: vec![(date(2026, 12, 20), date(2027, 1, 3))],
            zone: "UTC".into(),
            environments: Vec::new(),
        };
        for (moment, holds) in [
            ("2026-12-19T23:59:59Z", false),
            ("2026-12-20T00:00:00Z", true),
            ("2027-01-03T23:59:59Z", true),
            ("2027-01-04T00:00:00Z", false),
        ] {
            assert_eq!(year_end.holds(at(moment)), Ok(holds), "{moment}");
        }
        year_end.zone = "Atlantis/Capital".into();
        assert!(year_end.holds(at("2026-12-25T00:00:00Z")).unwrap_err().contains("Atlantis"));
    }
}
