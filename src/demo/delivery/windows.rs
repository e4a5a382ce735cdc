//! Sync windows of an AppProject: whether an Application may be synced now.

use cronexpr::{FallbackTimezoneOption, MakeTimestamp, ParseOptions};
use jiff::Timestamp;
use serde_json::Value;

use crate::demo::json::{flag, items, text};

/// Whether a sync is held back; `manual`: a person asked for it.
pub fn blocked(project: &Value, app: &str, destination: &Value, manual: bool, now: Timestamp) -> bool {
    let fits = |window: &&Value| {
        let any = |list: &str, word: &str| {
            let globs = items(window, &format!("/{list}"));
            (!globs.is_empty())
                .then(|| globs.iter().filter_map(Value::as_str).any(|glob| matches(glob, word)))
        };
        let clusters = match (
            any("clusters", text(destination, "/server")),
            any("clusters", text(destination, "/name")),
        ) {
            (Some(server), Some(name)) => Some(server || name),
            _ => None,
        };
        let said = [any("applications", app), any("namespaces", text(destination, "/namespace")), clusters];
        let mut said = said.into_iter().flatten().peekable();
        if said.peek().is_none() {
            return false;
        }
        if flag(window, "/andOperator") { said.all(|yes| yes) } else { said.any(|yes| yes) }
    };
    let windows: Vec<&Value> = items(project, "/spec/syncWindows").iter().filter(fits).collect();
    let of = |kind: &str, open: bool| -> Vec<&Value> {
        windows.iter().copied().filter(|w| text(w, "/kind") == kind && active(w, now) == open).collect()
    };
    let excused = |windows: &[&Value]| manual && windows.iter().all(|w| flag(w, "/manualSync"));
    let denied = of("deny", true);
    if !denied.is_empty() {
        return !excused(&denied);
    }
    if !of("allow", true).is_empty() {
        return false;
    }
    let closed = of("allow", false);
    !closed.is_empty() && !excused(&closed)
}

/// Whether a window has begun and not ended. A schedule or a duration that cannot be read opens nothing.
fn active(window: &Value, now: Timestamp) -> bool {
    let mut options = ParseOptions::default();
    options.fallback_timezone_option = FallbackTimezoneOption::UTC;
    let zone = Some(text(window, "/timeZone")).filter(|z| !z.is_empty()).unwrap_or("UTC");
    let zone = if jiff::tz::TimeZone::get(zone).is_ok() { zone } else { "UTC" };
    let line = format!("{} {zone}", text(window, "/schedule"));
    let Ok(schedule) = cronexpr::parse_crontab_with(&line, options) else { return false };
    let Some(length) = duration(text(window, "/duration")) else { return false };
    let from = now.as_millisecond().saturating_sub(length.saturating_mul(1000));
    let Ok(from) = MakeTimestamp::from_millisecond(from) else { return false };
    schedule.find_next(from).is_ok_and(|next| next.timestamp().as_millisecond() <= now.as_millisecond())
}

/// Seconds of a Go duration such as `1h30m`.
pub fn duration(text: &str) -> Option<i64> {
    let (mut total, mut number) = (0, String::new());
    for c in text.chars() {
        match c {
            '0'..='9' => number.push(c),
            'h' | 'm' | 's' => {
                let factor = match c {
                    'h' => 3600,
                    'm' => 60,
                    _ => 1,
                };
                total += number.parse::<i64>().ok()?.checked_mul(factor)?;
                number.clear();
            }
            _ => return None,
        }
    }
    (number.is_empty() && !text.is_empty()).then_some(total)
}

/// Whether a word fits a glob of `*` and `?`.
fn matches(glob: &str, word: &str) -> bool {
    let (glob, word): (Vec<char>, Vec<char>) = (glob.chars().collect(), word.chars().collect());
    let (mut g, mut w, mut star) = (0, 0, None);
    while w < word.len() {
        if g < glob.len() && (glob[g] == '?' || glob[g] == word[w]) && glob[g] != '*' {
            g += 1;
            w += 1;
        } else if g < glob.len() && glob[g] == '*' {
            star = Some((g, w));
            g += 1;
        } else if let Some((at, from)) = star {
            g = at + 1;
            w = from + 1;
            star = Some((at, from + 1));
        } else {
            return false;
        }
    }
    glob[g..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn windows_open_and_close_in_their_time_zone() {
        let window = json!({"kind": "allow", "schedule": "0 9 * * 1-5", "duration": "8h", "timeZone": "Europe/Berlin"});
        assert!(!active(&window, at("2026-11-20T07:59:00Z")));
        assert!(active(&window, at("2026-11-20T08:01:00Z")), "nine o'clock in Berlin in winter");
        assert!(!active(&window, at("2026-11-20T16:01:00Z")));
        assert!(!active(&window, at("2026-11-21T10:00:00Z")), "a Saturday");
        assert!(!active(&json!({"schedule": "nonsense", "duration": "1h"}), at("2026-11-20T08:01:00Z")));
    }

    #[test]
    fn a_denial_goes_before_an_allowance_and_a_person_may_pass_where_said() {
        let now = at("2026-11-20T12:00:00Z");
        let project = |kind: &str, manual: bool, schedule: &str| {
            json!({"spec": {"syncWindows": [{"kind": kind, "schedule": schedule, "duration": "1h", "manualSync": manual,
                                             "applications": ["cart-*"]}]}})
        };
        let to = json!({"name": "k3s-edge", "namespace": "shop"});
        let open = "30 11 * * *";
        let closed = "0 3 * * *";
        assert!(blocked(&project("deny", false, open), "cart-prod", &to, true, now));
        assert!(!blocked(&project("deny", true, open), "cart-prod", &to, true, now));
        assert!(blocked(&project("deny", true, open), "cart-prod", &to, false, now));
        assert!(!blocked(&project("deny", false, closed), "cart-prod", &to, false, now));
        assert!(blocked(&project("allow", false, closed), "cart-prod", &to, false, now));
        assert!(!blocked(&project("allow", false, open), "cart-prod", &to, false, now));
        assert!(!blocked(&project("deny", false, open), "media-prod", &to, false, now), "another app");
    }

    #[test]
    fn globs_and_durations() {
        for (glob, word, fits) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*-prod", "cart-dev", false),
        ] {
            assert_eq!(matches(glob, word), fits, "{glob} {word}");
        }
        assert_eq!(duration("1h30m"), Some(5400));
        assert_eq!(duration("8"), None);
        assert_eq!(duration(""), None);
    }
}
