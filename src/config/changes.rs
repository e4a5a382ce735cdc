//! What stands in the way of changes: times at which nothing is to be changed, and whether a reason overrides.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;

use super::raw::{items, text, texts};
use crate::domain::freeze::Freeze;
use crate::yaml::{Cursor, Fields};

/// `changes`, as typed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawChanges {
    /// `override`
    pub overriding: Option<bool>,
    /// `freezes`
    pub freezes: Vec<Freeze>,
}

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

impl RawChanges {
    /// Reads it.
    pub(super) fn read(c: &Cursor<'_>) -> Option<RawChanges> {
        let f = c.fields()?;
        let changes = RawChanges {
            overriding: f.take("override").and_then(|c| c.boolean()),
            freezes: items(&f, "freezes").iter().filter_map(freeze).collect(),
        };
        f.finish();
        Some(changes)
    }
}

fn freeze(c: &Cursor<'_>) -> Option<Freeze> {
    let f = c.fields()?;
    let name = f.need("name", "a freeze is called what people call it: weekend").and_then(|c| c.text());
    let days: Vec<Weekday> = items(&f, "days").iter().filter_map(|day| day.choice(&DAYS)).collect();
    let dates: Vec<(Date, Date)> = items(&f, "dates").iter().filter_map(dates).collect();
    let hours = hours(c, &f);
    let zone = f.take("timeZone");
    let zone_name = zone.as_ref().and_then(Cursor::text).unwrap_or_else(|| "UTC".to_owned());
    if let Some(zone) = &zone
        && TimeZone::get(&zone_name).is_err()
    {
        zone.wrong(
            format!("no time zone is called `{zone_name}`"),
            "write a name as in Europe/Berlin, America/New_York or UTC",
        );
    }
    let environments = texts(&f, "environments").iter().map(|name| name.as_str().into()).collect();
    f.finish();
    Some(Freeze { name: name?.into(), days, hours, dates, zone: zone_name.into(), environments })
}

fn hours(c: &Cursor<'_>, f: &Fields<'_>) -> Option<(Time, Time)> {
    match (text(f, "from"), text(f, "to")) {
        (None, None) => None,
        (Some(from), Some(to)) => {
            let read = |text: &str| {
                let (hour, minute) = text.split_once(':')?;
                Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
            };
            let both = read(&from).zip(read(&to)).filter(|(from, to)| from != to);
            if both.is_none() {
                c.wrong(
                    format!("`{from}` to `{to}` are no hours"),
                    "write from: \"17:00\" and to: \"08:00\"",
                );
            }
            both
        }
        _ => {
            c.wrong("`from` and `to` go together", "write both, or neither for whole days");
            None
        }
    }
}

/// `2026-12-24`, or `2026-12-20 .. 2027-01-03`.
fn dates(c: &Cursor<'_>) -> Option<(Date, Date)> {
    let text = c.text()?;
    let (first, last) = text.split_once("..").unwrap_or((&text, &text));
    let read = |text: &str| text.trim().parse::<Date>().ok();
    let found = read(first).zip(read(last)).filter(|(first, last)| first <= last);
    if found.is_none() {
        c.wrong(format!("`{text}` is no date"), "write 2026-12-24, or 2026-12-20 .. 2027-01-03");
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::config::{Base, parse};
    use jiff::civil::{Weekday, date, time};

    #[test]
    fn freezes_are_read_as_people_write_them() {
        let text = "changes:\n  override: false\n  freezes:\n  - name: weekend\n    days: [fri]\n    from: \"17:00\"\n    \
                    to: \"08:00\"\n    timeZone: Europe/Berlin\n    environments: [production]\n  - name: year end\n    \
                    dates: [2026-12-20 .. 2027-01-03, \"2026-12-06\"]\n";
        let changes = parse("c".as_ref(), text, &Base::default()).unwrap().changes;
        assert!(!changes.overriding);
        let [weekend, year_end] = changes.freezes.as_slice() else { panic!("{changes:?}") };
        assert_eq!(weekend.days, [Weekday::Friday]);
        assert_eq!(weekend.hours, Some((time(17, 0, 0, 0), time(8, 0, 0, 0))));
        assert_eq!((&*weekend.zone, &*year_end.zone), ("Europe/Berlin", "UTC"));
        assert_eq!(year_end.dates[0], (date(2026, 12, 20), date(2027, 1, 3)));
        assert_eq!(year_end.dates[1].0, year_end.dates[1].1);
    }

    #[test]
    fn what_cannot_be_meant_is_told() {
        let told = |freeze: &str| {
            let text = format!("changes:\n  freezes:\n  - {{name: x, {freeze}}}\n");
            parse("c".as_ref(), &text, &Base::default()).unwrap_err().to_string()
        };
        assert!(told("timeZone: Atlantis").contains("no time zone is called `Atlantis`"));
        assert!(told("from: \"17:00\"").contains("go together"));
        assert!(told("from: \"25:00\", to: \"08:00\"").contains("are no hours"));
        assert!(told("dates: [soon]").contains("is no date"));
        assert!(told("days: [funday]").contains("funday"));
    }
}
