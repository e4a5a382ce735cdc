//! Sync windows judged: may Argo CD sync this application now, by itself or by hand, and until when.
//!
//! Auto-sync that a window holds back leaves no trace in the Application, so only this evaluation can explain it. The
//! rules are Argo CD's own: a window is active when `next_tick(now + offset - duration) < now + offset`, the zone's
//! offset taken at now. It reckons on the zone's own clock, so its schedules tick there as if in UTC.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cron::Cron;
use crate::domain::sync_detail::Destination;
use crate::domain::sync_window::SyncWindow;
use crate::domain::time::Stamp;

/// How many ticks of each schedule are looked at for a change.
const TICKS: usize = 100;

/// Who asks for the sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// Auto-sync.
    Automatic,
    /// A person.
    Manual,
}

/// Whether a sync may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No window speaks of this application.
    Free,
    /// An allow window is open, or nothing forbids it.
    Open,
    /// A person may although windows hold auto-sync back.
    ByHand,
    /// A deny window is active.
    Denied,
    /// There are allow windows, and none of them is open.
    Closed,
}

impl Verdict {
    /// Whether the sync may begin.
    pub fn allows(self) -> bool {
        matches!(self, Verdict::Free | Verdict::Open | Verdict::ByHand)
    }
}

/// Whether a glob of Argo CD matches: `*` any text, `?` one character, `[ab]`, `[a-z]`, `[!a]`, `{a,b}`.
pub fn glob(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().take(256).collect();
    let text: Vec<char> = text.chars().take(512).collect();
    alternatives(&pattern).iter().any(|pattern| matches(pattern, &text))
}

/// The pattern with its first `{a,b}` written out, again and again; at most 64 of them.
fn alternatives(pattern: &[char]) -> Vec<Vec<char>> {
    let mut done = Vec::new();
    let mut open = vec![pattern.to_vec()];
    while let Some(next) = open.pop() {
        let begin = next.iter().position(|c| *c == '{');
        let end =
            begin.and_then(|begin| next.iter().skip(begin).position(|c| *c == '}').map(|end| begin + end));
        match begin.zip(end) {
            Some((begin, end)) if done.len() + open.len() < 64 => {
                for choice in next[begin + 1..end].split(|c| *c == ',') {
                    open.push([&next[..begin], choice, &next[end + 1..]].concat());
                }
            }
            _ => done.push(next),
        }
    }
    done
}

fn matches(pattern: &[char], text: &[char]) -> bool {
    // The last star and where its text began, to come back to.
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        let (fits, step) = match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
                continue;
            }
            Some('?') => (true, 1),
            Some('[') => class(&pattern[p..], text[t]),
            Some(c) => (*c == text[t], 1),
            None => (false, 0),
        };
        if fits {
            p += step;
            t += 1;
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            p = at + 1;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Whether `[…]` takes the character, and how long it is.
fn class(pattern: &[char], c: char) -> (bool, usize) {
    let Some(end) = pattern.iter().skip(2).position(|c| *c == ']').map(|at| at + 2) else {
        return (c == '[', 1);
    };
    let inner = &pattern[1..end];
    let (negated, inner) = match inner.first() {
        Some('!' | '^') => (true, &inner[1..]),
        _ => (false, inner),
    };
    let mut found = false;
    let mut at = 0;
    while at < inner.len() {
        match (inner.get(at + 1), inner.get(at + 2)) {
            (Some('-'), Some(to)) => {
                found |= (inner[at]..=*to).contains(&c);
                at += 3;
            }
            _ => {
                found |= inner[at] == c;
                at += 1;
            }
        }
    }
    (found != negated, end + 1)
}

/// Whether a window speaks of an application: by its name, its destination's cluster or its destination's namespace.
pub fn speaks_of(window: &SyncWindow, app: &str, destination: &Destination) -> bool {
    let any = |globs: &[crate::domain::id::Name], texts: &[&str]| {
        globs.iter().any(|pattern| texts.iter().any(|text| !text.is_empty() && glob(pattern, text)))
    };
    let lists = [
        (&window.applications, any(&window.applications, &[app])),
        (&window.clusters, any(&window.clusters, &[&destination.name, &destination.server])),
        (&window.namespaces, any(&window.namespaces, &[&destination.namespace])),
    ];
    let mut set = lists.iter().filter(|(list, _)| !list.is_empty()).peekable();
    if window.and {
        set.peek().is_some() && set.all(|(_, found)| *found)
    } else {
        set.any(|(_, found)| *found)
    }
}

/// A window with its schedule read.
#[derive(Debug)]
pub struct Clockwork<'a> {
    /// The window.
    pub window: &'a SyncWindow,
    cron: Option<Cron>,
    zone: TimeZone,
}

impl<'a> Clockwork<'a> {
    /// Reads a window's schedule and zone. A zone that is unknown means UTC, as in Argo CD; a schedule that cannot be
    /// read is never active.
    pub fn of(window: &'a SyncWindow) -> Clockwork<'a> {
        let zone = match &*window.time_zone {
            "" => TimeZone::UTC,
            name => TimeZone::get(name).unwrap_or(TimeZone::UTC),
        };
        Clockwork { window, cron: Cron::read(&window.schedule, "UTC").ok(), zone }
    }

    /// Whether the schedule can be read, so that the window is ever active.
    pub fn works(&self) -> bool {
        self.cron.is_some() && self.window.seconds > 0
    }

    fn offset(&self, at: Stamp) -> i64 {
        let Ok(at) = Timestamp::from_second(at.0) else { return 0 };
        i64::from(self.zone.to_offset(at).seconds())
    }

    /// The first tick after a moment of the zone's own clock, on the zone's own clock.
    fn tick_after(&self, local: i64) -> Option<i64> {
        Some(self.cron.as_ref()?.next(Stamp(local))?.0)
    }

    /// Whether the window is active.
    pub fn active(&self, now: Stamp) -> bool {
        let local = now.0 + self.offset(now);
        let duration = i64::from(self.window.seconds);
        duration > 0 && self.tick_after(local - duration).is_some_and(|tick| tick < local)
    }

    /// When it becomes active or ceases to be, after a moment, in no order; and up to when that is all. A window that
    /// begins anew before it ends goes on.
    fn edges(&self, now: Stamp, out: &mut Vec<Stamp>) -> Stamp {
        const ALWAYS: Stamp = Stamp(i64::MAX);
        if !self.works() {
            return ALWAYS;
        }
        let duration = i64::from(self.window.seconds);
        let mut local = now.0 + self.offset(now) - duration;
        let mut end: Option<i64> = None;
        let mut emit = |edge: i64| {
            // The offset then may be another one than now.
            let real = Stamp(edge - self.offset(Stamp(edge - self.offset(now))));
            if real > now {
                out.push(real);
            }
        };
        let mut gaps = 0;
        for _ in 0..TICKS {
            let Some(tick) = self.tick_after(local) else {
                end.map(&mut emit);
                return ALWAYS;
            };
            if end.is_none_or(|end| tick > end) {
                gaps += u32::from(end.is_some());
                end.map(&mut emit);
                emit(tick);
            }
            end = Some(tick + duration);
            local = tick;
        }
        // Without a gap in all these it is taken to be always open.
        if gaps == 0 { ALWAYS } else { Stamp(local - self.offset(now)) }
    }
}

/// Argo CD's decision at a moment, over the windows that speak of the application.
pub fn decide(windows: &[Clockwork<'_>], hand: Hand, now: Stamp) -> Verdict {
    if windows.is_empty() {
        return Verdict::Free;
    }
    let manual = hand == Hand::Manual;
    let all_manual = |list: &[&Clockwork<'_>]| list.iter().all(|w| w.window.manual);
    let (active, inactive): (Vec<&Clockwork<'_>>, Vec<&Clockwork<'_>>) =
        windows.iter().partition(|window| window.active(now));
    let denies: Vec<&Clockwork<'_>> = active.iter().filter(|w| w.window.deny).copied().collect();
    if !denies.is_empty() {
        return if manual && all_manual(&denies) { Verdict::ByHand } else { Verdict::Denied };
    }
    if active.iter().any(|w| !w.window.deny) {
        return Verdict::Open;
    }
    let waiting: Vec<&Clockwork<'_>> = inactive.iter().filter(|w| !w.window.deny).copied().collect();
    if waiting.is_empty() {
        return Verdict::Open;
    }
    if manual && all_manual(&waiting) { Verdict::ByHand } else { Verdict::Closed }
}

/// When the decision next becomes another one; `None` when it does not in the time that is looked at.
pub fn changes(windows: &[Clockwork<'_>], hand: Hand, now: Stamp) -> Option<Stamp> {
    let allowed = decide(windows, hand, now).allows();
    let mut edges = Vec::new();
    let known = windows.iter().map(|window| window.edges(now, &mut edges)).min()?;
    edges.sort_unstable();
    edges.dedup();
    edges.retain(|edge| *edge <= known);
    // A window is not active at the very second at which it begins or ends.
    edges.into_iter().find(|edge| decide(windows, hand, edge.plus(1)).allows() != allowed)
}

/// What the windows of a project mean for an application now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// For auto-sync.
    pub automatic: Verdict,
    /// When that changes.
    pub automatic_changes: Option<Stamp>,
    /// For a person.
    pub manual: Verdict,
    /// When that changes.
    pub manual_changes: Option<Stamp>,
}

/// Judges.
pub fn judge(windows: &[SyncWindow], app: &str, destination: &Destination, now: Stamp) -> Judgement {
    let mine: Vec<Clockwork<'_>> =
        windows.iter().filter(|window| speaks_of(window, app, destination)).map(Clockwork::of).collect();
    Judgement {
        automatic: decide(&mine, Hand::Automatic, now),
        automatic_changes: changes(&mine, Hand::Automatic, now),
        manual: decide(&mine, Hand::Manual, now),
        manual_changes: changes(&mine, Hand::Manual, now),
    }
}

#[cfg(test)]
mod tests;
