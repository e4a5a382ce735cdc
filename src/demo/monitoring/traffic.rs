//! How many requests an app gets, how many fail and how long they take, as functions of time: rates have closed
//! integrals, so that a counter's value is worked out without any stored sample. What changes the numbers is what has
//! changed in the cluster: how many pods take requests, and how many should.

use super::history::{Picture, Selectors};
use super::life::{Life, Pod};
use crate::demo::seed::Seed;
use crate::demo::world::apps::OUTDATED;
use std::sync::Arc;

/// Requests a second of the shop's apps in production at an average hour.
const RATES: [(&str, f64); 11] = [
    ("storefront", 620.0),
    ("cart", 412.0),
    ("payments", 95.0),
    ("search", 310.0),
    ("media", 540.0),
    ("mailer", 12.0),
    ("catalog", 780.0),
    ("checkout", 60.0),
    ("accounts", 140.0),
    ("recommendations", 260.0),
    ("gateway", 1900.0),
];

/// What a busy time multiplies.
const BUSY: f64 = 1.58;
/// Which share of its pods an app can do without.
const SPARE: f64 = 0.34;
/// Share of failed requests at full stress (every pod but the spare ones gone).
const WORST_ERRORS: f64 = 0.275;
/// Stress at which a third of the pods is left: latency is at its worst.
const HALF_GONE: f64 = 0.3267;

/// The statuses that requests end with, and their share of the successful or of the failed ones.
pub const STATUSES: [(&str, bool, f64); 5] = [
    ("200", true, 0.955),
    ("201", true, 0.028),
    ("404", true, 0.017),
    ("500", false, 0.3),
    ("503", false, 0.7),
];

/// Upper bounds of the latency histogram's buckets, seconds.
pub const BOUNDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, f64::INFINITY];

const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;
/// Waves of demand: period in seconds, height.
const WAVES: [(f64, f64); 4] = [(DAY, 0.3), (7.0 * DAY, 0.06), (37.0 * 60.0, 0.05), (9.0 * 60.0, 0.035)];
/// Where time is counted from, milliseconds: near enough for exact sums.
const EPOCH: i64 = 1_767_225_600_000;

/// A stretch of time in which nothing changed.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stretch {
    from: i64,
    /// Pods that take requests.
    takers: f64,
    /// How far the app is from having enough of them, 0 to 0.66.
    stress: f64,
    busy: f64,
    /// Share of requests that fail because of the release that takes them.
    outdated: f64,
}

/// One app in one namespace.
#[derive(Debug, Clone)]
pub struct Traffic {
    seed: Seed,
    /// Requests a second at an average hour.
    base: f64,
    stretches: Vec<Stretch>,
    /// Share of failed requests on a good day.
    errors: f64,
    /// Median latency on a good day, seconds.
    median: f64,
    busy_latency: bool,
    /// The Service that picks who takes requests, by namespace and name.
    service: (String, String),
    services: Arc<Selectors>,
}

/// What of the requests is counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum What {
    /// Those that end with the n-th of [`STATUSES`].
    Status(usize),
    /// Those that took no longer than this, seconds.
    Within(f64),
    /// All.
    All,
    /// The seconds that they took.
    Seconds,
    /// Nothing of the requests: thousandths of CPU cores, of an app that uses so many for all of its work.
    Work(f64, f64),
}

/// Whether a pod is picked by the Service of its app at a moment. Without such a Service every pod is.
fn picked(picture: &Picture, life: &Life, pod: &Pod, at: i64) -> bool {
    let key = (life.ns.clone(), pod.app().to_owned());
    picks(&picture.services, &key, pod, at)
}

fn picks(services: &Selectors, service: &(String, String), pod: &Pod, at: i64) -> bool {
    let selector = services.get(service).and_then(|steps| steps.at(at));
    selector.is_none_or(|wanted| wanted.iter().all(|(k, v)| pod.labels.get(k) == Some(v)))
}

/// Share of requests that fail because a pod runs a release whose time is over.
fn outdated(ns: &str, pod: &Pod) -> f64 {
    let (app, env, release, thousandths) = OUTDATED;
    let is = ns == env.namespace() && pod.app() == app;
    let version = pod.labels.get("app.kubernetes.io/version").map(String::as_str);
    if is && version == Some(release) { f64::from(thousandths) / 1000.0 } else { 0.0 }
}

impl Traffic {
    /// The traffic of an app. `pods`: the lives of its pods; `wanted`: of what manages them.
    pub fn new(
        seed: Seed,
        ns: &str,
        app: &str,
        picture: &Picture,
        pods: &[Arc<Life>],
        wanted: &[Arc<Life>],
    ) -> Self {
        let seed = seed.of("traffic").of(ns).of(app);
        let known = RATES.iter().find(|(name, _)| *name == app && ns.starts_with("shop-"));
        let production = known.map_or_else(|| seed.of("rate").between(4.0, 60.0), |(_, rate)| *rate);
        let scale = if ns.ends_with("-dev") {
            0.02
        } else if ns.ends_with("-staging") {
            0.06
        } else {
            1.0
        };
        let busy_here = app == "storefront" && ns == "shop-prod";
        let mut moments: Vec<i64> = pods
            .iter()
            .filter_map(|life| life.pod.as_ref())
            .flat_map(|pod| pod.ready.moments())
            .chain(wanted.iter().flat_map(|life| life.facts.iter().flat_map(|(_, _, steps)| steps.moments())))
            .chain(
                picture.services.get(&(ns.to_owned(), app.to_owned())).into_iter().flat_map(|s| s.moments()),
            )
            .chain(picture.busy.moments().filter(|_| busy_here))
            .collect();
        moments.sort_unstable();
        moments.dedup();
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut before: Vec<&str> = Vec::new();
        for at in moments {
            let takers: Vec<&Life> = pods
                .iter()
                .map(|life| &**life)
                .filter(|life| {
                    life.there(at)
                        && life.pod.as_ref().is_some_and(|pod| {
                            pod.ready.at(at) == Some(&true) && picked(picture, life, pod, at)
                        })
                })
                .collect();
            let should: f64 = wanted
                .iter()
                .filter(|owner| serves(owner, picture, pods, at))
                .filter_map(|owner| replicas(owner, at))
                .sum();
            let ready = takers.len() as f64;
            let share = if should > 0.0 { ready / should } else { 1.0 };
            let busy = if busy_here && picture.busy.at(at) == Some(&true) { BUSY } else { 1.0 };
            let bad: f64 =
                takers.iter().filter_map(|life| life.pod.as_ref()).map(|pod| outdated(ns, pod)).sum();
            let stretch = Stretch {
                from: at,
                takers: ready,
                stress: (1.0 - share - SPARE).max(0.0),
                busy,
                outdated: if ready > 0.0 { bad / ready } else { 0.0 },
            };
            let names: Vec<&str> = takers.iter().map(|life| life.name.as_str()).collect();
            if names != before || stretches.last().is_none_or(|last| Stretch { from: at, ..*last } != stretch)
            {
                stretches.push(stretch);
            }
            before = names;
        }
        Self {
            seed,
            base: production * scale,
            stretches,
            errors: seed.of("errors").between(0.001, 0.004),
            median: if known.is_some() && app == "cart" {
                0.035
            } else {
                seed.of("median").between(0.012, 0.07)
            },
            busy_latency: busy_here,
            service: (ns.to_owned(), app.to_owned()),
            services: picture.services.clone(),
        }
    }

    /// Demand between two moments, in requests, were it not for busy times.
    fn demand(&self, from: i64, until: i64) -> f64 {
        let (a, b) = ((from - EPOCH) as f64 / 1000.0, (until - EPOCH) as f64 / 1000.0);
        let mut sum = b - a;
        for (n, (period, height)) in WAVES.iter().enumerate() {
            let turn = std::f64::consts::TAU / period;
            // The day is busiest at 14:30 UTC; the other waves begin anywhere.
            let phase = match n {
                0 => -14.5 * HOUR * turn,
                _ => self.seed.of("wave").nth(n as u64).between(0.0, std::f64::consts::TAU),
            };
            sum += height / turn * ((turn * b + phase).sin() - (turn * a + phase).sin());
        }
        sum * self.base
    }

    /// How much of something one taker gets for each unit of demand in a stretch.
    fn share(&self, stretch: &Stretch, what: What) -> f64 {
        if stretch.takers == 0.0 {
            return 0.0;
        }
        let each = stretch.busy * (1.0 - 0.25 * stretch.stress) / stretch.takers;
        let errors = (self.errors + WORST_ERRORS * stretch.stress + stretch.outdated).min(1.0);
        match what {
            What::All => each,
            What::Status(n) => {
                let (_, well, share) = STATUSES[n];
                each * share * if well { 1.0 - errors } else { errors }
            }
            What::Within(bound) => {
                let (median, spread) = self.latency(stretch);
                each * normal((bound / median).ln() / spread)
            }
            What::Seconds => {
                let (median, spread) = self.latency(stretch);
                each * median * (spread * spread / 2.0).exp()
            }
            What::Work(calm, busy) => (if stretch.busy > 1.0 { busy } else { calm }) / stretch.takers,
        }
    }

    /// Median and spread (of the logarithm) of the latency.
    fn latency(&self, stretch: &Stretch) -> (f64, f64) {
        let worst = (stretch.stress / HALF_GONE).min(1.5);
        let hurry = if self.busy_latency && stretch.busy > 1.0 && stretch.takers < 4.0 { 1.9 } else { 1.0 };
        (self.median * hurry * (1.0 + worst * 4.2), 0.53 + 0.16 * worst)
    }

    /// What one pod has counted between two moments of its life, being ready as its life says.
    pub fn counted(&self, pod: &Pod, from: i64, until: i64, what: What) -> f64 {
        let mut sum = 0.0;
        for (n, stretch) in self.stretches.iter().enumerate() {
            let end = self.stretches.get(n + 1).map_or(i64::MAX, |next| next.from);
            let (a, b) = (stretch.from.max(from), end.min(until));
            if a >= b || pod.ready.at(a) != Some(&true) {
                continue;
            }
            // Who is ready and stands by gets no request.
            if !matches!(what, What::Work(..)) && !picks(&self.services, &self.service, pod, a) {
                continue;
            }
            let amount = match what {
                What::Work(..) => (b - a) as f64 / 1000.0,
                _ => self.demand(a, b),
            };
            sum += amount * self.share(stretch, what);
        }
        sum
    }
}

/// What manages pods says how many there should be.
fn replicas(owner: &Life, at: i64) -> Option<f64> {
    let metric = match owner.resource {
        "deployments.apps" => "kube_deployment_spec_replicas",
        "statefulsets.apps" => "kube_statefulset_replicas",
        _ => "kube_daemonset_status_desired_number_scheduled",
    };
    owner
        .facts
        .iter()
        .find(|(m, _, _)| *m == metric)
        .and_then(|(_, _, steps)| steps.at(at).copied().flatten())
}

/// Whether pods of an owner take the app's traffic at a moment: of a blue/green pair only one does.
fn serves(owner: &Life, picture: &Picture, pods: &[Arc<Life>], at: i64) -> bool {
    pods.iter().any(|life| {
        life.there(at)
            && life.pod.as_ref().is_some_and(|pod| {
                let own = &pod.owner.1;
                let of_owner = *own == owner.name
                    || own.rsplit_once('-').is_some_and(|(deployment, _)| deployment == owner.name);
                of_owner && picked(picture, life, pod, at)
            })
    })
}

/// The normal distribution function, to seven digits (Abramowitz and Stegun 26.2.17).
fn normal(x: f64) -> f64 {
    if x == f64::INFINITY {
        return 1.0;
    }
    let t = 1.0 / (1.0 + 0.231_641_9 * x.abs());
    let tail = t
        * (0.319_381_530
            + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let below = 1.0 - (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt() * tail;
    if x >= 0.0 { below } else { 1.0 - below }
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn the_normal_distribution() {
        for (x, p) in [(0.0, 0.5), (1.0, 0.841_344_7), (-1.0, 0.158_655_3), (2.326_347_9, 0.99)] {
            assert!((normal(x) - p).abs() < 1e-6, "{x}");
        }
    }
}
