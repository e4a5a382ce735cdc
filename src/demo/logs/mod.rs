//! What containers write. A line is a function of the container, the second and the seed, so the same
//! time always gives the same lines, whoever asks and however often; nothing is kept.
//!
//! `texts` has the words; this file has the times: which run of a container is asked for, when it began
//! and ended, what it says first and last.

mod texts;

use jiff::Timestamp;
use serde_json::Value;

use super::json::{items, name, namespace, text};
use super::seed::Seed;
use super::source::{LogLine, LogQuery, LogSource};
use super::world::apps;

/// The longest past that is told when nobody says how much: two hours.
const LONGEST: i64 = 2 * 3600;

/// The log lines of one cluster's pods.
#[derive(Debug, Clone, Copy)]
pub struct ClusterLogs {
    seed: Seed,
}

impl ClusterLogs {
    /// Lines out of a seed.
    pub fn new(seed: Seed) -> Self {
        Self { seed: seed.of("logs") }
    }
}

/// One run of a container.
struct Run {
    start: Timestamp,
    /// When and with what reason it ended, if it did.
    end: Option<(Timestamp, String)>,
}

impl Run {
    fn of_terminated(state: &Value) -> Option<Self> {
        let start = text(state, "/terminated/startedAt").parse().ok()?;
        let end = text(state, "/terminated/finishedAt").parse().ok()?;
        Some(Self { start, end: Some((end, text(state, "/terminated/reason").to_owned())) })
    }

    /// The run of a container that is asked for.
    fn find(pod: &Value, container: &str, previous: bool) -> Option<Self> {
        let status = ["/status/containerStatuses", "/status/initContainerStatuses"]
            .iter()
            .flat_map(|list| items(pod, list))
            .find(|c| text(c, "/name") == container)?;
        let last = status.get("lastState").and_then(Self::of_terminated);
        if previous {
            return last;
        }
        if let Ok(start) = text(status, "/state/running/startedAt").parse() {
            return Some(Self { start, end: None });
        }
        // A container that waits to be restarted shows the run that died.
        status.get("state").and_then(Self::of_terminated).or(last)
    }
}

impl LogSource for ClusterLogs {
    fn lines(&self, query: &LogQuery<'_>) -> Vec<LogLine> {
        let Some(run) = Run::find(query.pod, query.container, query.previous) else {
            return Vec::new();
        };
        let until = run.end.as_ref().map_or(query.until, |(end, _)| query.until.min(*end));
        let earliest = until.as_second() - LONGEST;
        let from = query.after.map_or(run.start, |a| a.max(run.start));
        let from = from.as_second().max(earliest);
        let voice = self.voice(query.pod, query.container);
        let mut lines: Vec<LogLine> = Vec::new();
        // From the newest second to the oldest, so that a short tail of a long life costs little.
        for second in (from..=until.as_second()).rev() {
            let mut these = voice.second(&run, second);
            these.retain(|l| l.at <= until && query.after.is_none_or(|a| l.at > a));
            lines.extend(these.into_iter().rev());
            if query.tail.is_some_and(|tail| lines.len() >= tail) {
                break;
            }
        }
        lines.reverse();
        if let Some(tail) = query.tail {
            let extra = lines.len().saturating_sub(tail);
            lines.drain(..extra);
        }
        lines
    }
}

impl ClusterLogs {
    fn voice<'a>(&self, pod: &'a Value, container: &'a str) -> Voice<'a> {
        let image = items(pod, "/spec/containers")
            .iter()
            .chain(items(pod, "/spec/initContainers"))
            .find(|c| text(c, "/name") == container)
            .map_or("", |c| text(c, "/image"));
        Voice {
            app: apps::app_of_image(image).map_or(container, |a| a.name),
            release: apps::tag(image),
            pod: name(pod),
            seed: self.seed.of(namespace(pod)).of(name(pod)).of(container),
            sick: apps::tag(image) == apps::BAD_CART
                && items(pod, "/spec/containers").iter().any(super::controllers::kubelet::dies),
        }
    }
}

/// Who speaks.
struct Voice<'a> {
    app: &'a str,
    release: &'a str,
    pod: &'a str,
    seed: Seed,
    /// Runs out of memory.
    sick: bool,
}

impl Voice<'_> {
    /// The lines of one second of a run.
    fn second(&self, run: &Run, second: i64) -> Vec<LogLine> {
        let mut lines = Vec::new();
        let Ok(whole) = Timestamp::from_second(second) else { return lines };
        let seed = self.seed.nth(second.unsigned_abs());
        let mut say = |millis: i64, text: String| {
            let at = whole.saturating_add(jiff::SignedDuration::from_millis(millis)).unwrap_or(whole);
            lines.push(LogLine { at, text });
        };
        let age = second - run.start.as_second();
        if age == 0 {
            for (i, text) in texts::start(self.app, self.release, self.pod, whole).into_iter().enumerate() {
                say(40 + 60 * i as i64, text);
            }
            return lines;
        }
        if let Some((end, reason)) = &run.end
            && second == end.as_second() - 1
        {
            for (i, text) in texts::end(self.app, reason, whole).into_iter().enumerate() {
                say(300 + 15 * i as i64, text);
            }
            return lines;
        }
        // Mostly one line, sometimes none or two.
        let count = match seed.of("count").below(10) {
            0 => 0,
            1 | 2 => 2,
            _ => 1,
        };
        for i in 0..count {
            let seed = seed.nth(i);
            let millis = (i as i64) * 500 + seed.of("ms").below(480) as i64;
            let at = whole.saturating_add(jiff::SignedDuration::from_millis(millis)).unwrap_or(whole);
            let text = if self.sick && seed.of("sick").below(3) == 0 {
                texts::sick(seed, at, age)
            } else {
                texts::line(self.app, seed, at)
            };
            say(millis, text);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(state: Value, last: Value) -> Value {
        json!({"metadata": {"name": "cart-1-abc", "namespace": "shop-prod"},
            "spec": {"containers": [{"name": "cart", "image": "registry.example/cart:1.31.0",
                                     "resources": {"limits": {"memory": "128Mi"}}}]},
            "status": {"containerStatuses": [{"name": "cart", "state": state, "lastState": last}]}})
    }

    fn query(pod: &Value, previous: bool, after: Option<&str>, tail: Option<usize>) -> Vec<LogLine> {
        let logs = ClusterLogs::new(Seed::new(1));
        logs.lines(&LogQuery {
            pod,
            container: "cart",
            previous,
            after: after.map(|a| a.parse().unwrap()),
            until: "2026-11-21T10:05:00Z".parse().unwrap(),
            tail,
        })
    }

    #[test]
    fn lines_are_the_same_whenever_they_are_asked_for() {
        let pod = pod(json!({"running": {"startedAt": "2026-11-21T10:00:00Z"}}), json!({}));
        let all = query(&pod, false, None, None);
        assert!(all.len() > 200, "{}", all.len());
        assert!(all.windows(2).all(|w| w[0].at <= w[1].at));
        let later = query(&pod, false, Some("2026-11-21T10:03:00Z"), None);
        assert!(all.ends_with(&later));
        assert_eq!(query(&pod, false, None, Some(7)), all[all.len() - 7..]);
    }

    #[test]
    fn a_killed_cart_ends_with_the_stack_of_its_error_and_has_previous_lines() {
        let dead = json!({"terminated": {"reason": "OOMKilled", "exitCode": 137,
            "startedAt": "2026-11-21T10:00:00Z", "finishedAt": "2026-11-21T10:00:36Z"}});
        let waiting = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        let pod = pod(waiting, dead);
        for previous in [true, false] {
            let text: Vec<_> = query(&pod, previous, None, None).into_iter().map(|l| l.text).collect();
            assert!(text.iter().any(|l| l.contains("java.lang.OutOfMemoryError: Java heap space")));
            assert!(text.last().unwrap().contains("\tat ") || text.last().unwrap().contains("Terminating"));
        }
    }

    #[test]
    fn a_container_that_never_ran_says_nothing() {
        let pod = pod(json!({"waiting": {"reason": "ContainerCreating"}}), json!({}));
        assert!(query(&pod, false, None, None).is_empty());
        assert!(query(&pod, true, None, None).is_empty());
    }
}
