//! Blue/green pairs: which labels tell colours apart, pairs that are named, and how a switch is watched.

use std::time::Duration;

use super::metrics::share;
use super::raw::{items, texts};
use crate::domain::traffic::{Limits, Named, Rules, Switching};
use crate::yaml::{Cursor, Fields};

/// `traffic`, as typed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawTraffic {
    /// `keys`
    keys: Vec<String>,
    /// `pairs`
    pairs: Vec<Named>,
    /// `standby`, in millionths.
    standby: Option<u32>,
    /// `soak`
    soak: Option<Duration>,
    /// `smoke`
    smoke: Option<String>,
    /// `guard`
    guard: RawGuard,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct RawGuard {
    window: Option<Duration>,
    errors: Option<u32>,
    times: Option<u32>,
    latency: Option<Duration>,
    requests: Option<u32>,
}

/// Windows that are meant: one without a second look is no guard, and whoever waits longer than a day is wrong.
const WINDOWS: std::ops::RangeInclusive<u64> = 5..=86_400;

impl RawTraffic {
    /// Reads it.
    pub(super) fn read(c: &Cursor<'_>) -> Option<RawTraffic> {
        let f = c.fields()?;
        let traffic = RawTraffic {
            keys: texts(&f, "keys"),
            pairs: items(&f, "pairs").iter().filter_map(named).collect(),
            standby: f.take("standby").and_then(|c| share(&c)),
            soak: f.take("soak").and_then(|c| c.duration()),
            smoke: f.take("smoke").and_then(|c| smoke(&c)),
            guard: f.take("guard").and_then(|c| c.fields()).map(|f| guard(&f)).unwrap_or_default(),
        };
        f.finish();
        Some(traffic)
    }

    /// With what was not written.
    pub(super) fn resolve(self) -> Switching {
        let usual = Switching::default();
        let limits = usual.limits;
        Switching {
            rules: Rules {
                keys: self.keys.iter().map(|key| key.as_str().into()).collect(),
                named: self.pairs,
            },
            standby: self.standby.map_or(usual.standby, |share| share / 10_000),
            soak: self.soak.unwrap_or(usual.soak),
            smoke: self.smoke.map(|path| path.as_str().into()),
            window: self.guard.window.unwrap_or(usual.window),
            limits: Limits {
                errors: self.guard.errors.unwrap_or(limits.errors),
                times: self.guard.times.unwrap_or(limits.times),
                latency: self.guard.latency.unwrap_or(limits.latency),
                requests: self.guard.requests.unwrap_or(limits.requests),
            },
        }
    }
}

fn named(c: &Cursor<'_>) -> Option<Named> {
    let f = c.fields()?;
    let mend =
        "a pair is a Service and the label that tells its colours apart: {service: checkout, key: lane}";
    let service = f.need("service", mend).and_then(|c| c.text());
    let key = f.need("key", mend).and_then(|c| c.text());
    let namespace = f.take("namespace").and_then(|c| c.text()).unwrap_or_default();
    let smoke = f.take("smoke").and_then(|c| smoke(&c)).map(|path| path.as_str().into());
    f.finish();
    Some(Named { service: service?.into(), namespace: namespace.into(), key: key?.into(), smoke })
}

/// A path that a pod is asked for.
fn smoke(c: &Cursor<'_>) -> Option<String> {
    let path = c.text()?;
    if path.starts_with('/') && path.chars().all(|each| each.is_ascii_graphic() && each != '#') {
        return Some(path);
    }
    c.wrong(format!("`{path}` is no path"), "write the path that a pod is to answer, such as /healthz");
    None
}

fn guard(f: &Fields<'_>) -> RawGuard {
    let guard = RawGuard {
        window: f.take("window").and_then(|c| window(&c)),
        errors: f.take("errors").and_then(|c| share(&c)),
        times: f
            .take("times")
            .and_then(|c| number(&c, 1.0, 1_000.0))
            .map(|times| (times * 100.0).round() as u32),
        latency: f.take("latency").and_then(|c| c.duration()),
        requests: f
            .take("requests")
            .and_then(|c| number(&c, 0.0, 1e9))
            .map(|requests| requests.round() as u32),
    };
    f.finish();
    guard
}

fn window(c: &Cursor<'_>) -> Option<Duration> {
    let window = c.duration()?;
    if WINDOWS.contains(&window.as_secs()) {
        return Some(window);
    }
    c.wrong("a guard watches for 5 s to 24 h", "write how long, such as 2m");
    None
}

fn number(c: &Cursor<'_>, least: f64, most: f64) -> Option<f64> {
    let text = c.text()?;
    match text.trim().parse::<f64>() {
        Ok(number) if (least..=most).contains(&number) => Some(number),
        _ => {
            c.wrong(format!("`{text}` is no number from {least} to {most}"), "write a number, such as 2");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::config::{Base, Config, parse};
    use crate::domain::traffic::{Limits, Named, Switching};

    #[test]
    fn what_is_written_goes_before_what_is_usual() {
        assert_eq!(Config::default().traffic, Switching::default());
        let text = "traffic:\n  keys: [lane]\n  pairs:\n  - {service: shop, namespace: prod, key: ring, smoke: /ok}\n  standby: 50%\n  soak: 5m\n  smoke: /healthz\n  \
                    guard: {window: 30s, errors: 2%, times: 1.5, latency: 800ms, requests: 100}\n";
        let traffic = parse("c".as_ref(), text, &Base::default()).unwrap().traffic;
        assert_eq!(traffic.rules.keys, ["lane".into()]);
        let named = Named {
            service: "shop".into(),
            namespace: "prod".into(),
            key: "ring".into(),
            smoke: Some("/ok".into()),
        };
        assert_eq!(traffic.rules.named, [named]);
        assert_eq!(traffic.soak, Duration::from_secs(300));
        assert_eq!(traffic.smoke_of("prod", "shop").map(|path| &**path), Some("/ok"));
        assert_eq!(traffic.smoke_of("dev", "shop").map(|path| &**path), Some("/healthz"));
        assert_eq!((traffic.standby, traffic.window), (50, Duration::from_secs(30)));
        let latency = Duration::from_millis(800);
        assert_eq!(traffic.limits, Limits { errors: 20_000, times: 150, latency, requests: 100 });
    }

    #[test]
    fn what_cannot_be_meant_is_told() {
        let told = |text: &str| {
            let text = format!("traffic: {{{text}}}\n");
            parse("c".as_ref(), &text, &Base::default()).unwrap_err().to_string()
        };
        assert!(told("guard: {window: 1s}").contains("5 s to 24 h"));
        assert!(told("guard: {times: 0.5}").contains("no number from 1"));
        assert!(told("smoke: healthz").contains("is no path"));
        assert!(told("smoke: \"/a b\"").contains("is no path"));
        assert!(
            told("guard: {errors: 120%}").contains("no share")
                || told("guard: {errors: 120%}").contains("not a share")
        );
        assert!(told("pairs: [{service: shop}]").contains("key"));
    }
}
