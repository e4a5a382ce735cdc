//! The monitoring of a demo cluster: a Prometheus whose series are worked out from the cluster's past (`history`,
//! `traffic`, `series`) when somebody asks, with a small PromQL (`promql`), rules whose alerts follow from it (`rules`),
//! and an Alertmanager that is told of them. Both speak HTTP through `proxy`, as Services do behind an API server.
//! Times are wall-clock milliseconds: when the story runs faster than the clock, so do the graphs.

pub mod alertmanager;
mod facts;
pub mod history;
mod life;
pub mod prometheus;
pub mod promql;
pub mod proxy;
pub mod rules;
mod scrape;
mod series;
mod silences;
mod steps;
mod traffic;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusty_promql_parser::ast::Expr;

use self::history::History;
use self::promql::eval::matchers;
use self::promql::matcher::Matcher;
use self::rules::Rules;
use self::series::World;
use self::silences::Silences;
use super::store::Store;
use super::usage::Load;

/// Pods with made-up faults: namespace and name.
pub type Faults = Arc<[(String, String)]>;

/// An hour in milliseconds.
const HOUR: i64 = 3_600_000;

/// Prometheus and Alertmanager of one cluster.
#[derive(Debug)]
pub struct Monitoring {
    history: History,
    load: Load,
    store: Store,
    rules: Mutex<Rules>,
    silences: Mutex<Silences>,
    cluster: &'static str,
    since: i64,
    faults: Faults,
}

impl Monitoring {
    /// Monitoring of the cluster whose objects are in `store` and whose past is `history`, from a moment on
    /// (milliseconds). Somebody has silenced an alert until a full hour, and another one long ago.
    pub fn new(cluster: &'static str, store: Store, history: History, load: Load, now: i64) -> Self {
        let mut silences = Silences::default();
        let until = (now + 2 * HOUR).div_euclid(HOUR) * HOUR;
        silences.preset(
            "KubeQuotaAlmostFull",
            (now - 2 * HOUR, until),
            "maria",
            "the larger quota is ordered",
        );
        silences.preset("KubeNodeNotReady", (now - 50 * HOUR, now - 48 * HOUR), "jonas", "new disks");
        let (rules, silences) = (Mutex::default(), Mutex::new(silences));
        Self { history, load, store, rules, silences, cluster, since: now, faults: Faults::default() }
    }

    /// With made-up faults of pods, each of which fires an alert: load.
    pub fn with_faults(self, faults: Faults) -> Self {
        Self { faults, ..self }
    }

    /// The cluster's name.
    pub fn cluster(&self) -> &'static str {
        self.cluster
    }

    /// When it began, milliseconds.
    pub fn since(&self) -> i64 {
        self.since
    }

    /// The silences.
    fn silences(&self) -> MutexGuard<'_, Silences> {
        self.silences.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bare(&self, now: i64, wanted: impl Fn(&str) -> bool) -> World {
        World::new(self.history.picture(wanted), self.load.clone(), self.store.clone(), Vec::new(), now)
            .with_faults(self.faults.clone())
    }

    /// What a query may ask for.
    pub fn world(&self, now: i64, expr: &Expr) -> World {
        let mut asked: Vec<Vec<Matcher>> = Vec::new();
        selectors(expr, &mut asked);
        let wanted = |ns: &str| {
            asked
                .iter()
                .any(|matchers| matchers.iter().filter(|m| m.name == "namespace").all(|m| m.accepts(ns)))
        };
        self.with_alerts(now, self.history.picture(wanted))
    }

    /// What names are asked of: everything, but of the load's namespaces only those that a selector names. Its pods
    /// are read one by one for each question.
    pub fn named_world(&self, now: i64, chosen: &[Vec<Matcher>]) -> World {
        let wanted = |ns: &str| {
            chosen.iter().any(|matchers| {
                let mut named = matchers.iter().filter(|m| m.name == "namespace").peekable();
                named.peek().is_some() && named.all(|m| m.accepts(ns))
            })
        };
        self.with_alerts(now, self.history.picture(wanted))
    }

    fn with_alerts(&self, now: i64, picture: history::Picture) -> World {
        let spans = self.rules(now).alerts().iter().map(|a| a.span.clone()).collect();
        World::new(picture, self.load.clone(), self.store.clone(), spans, now)
            .with_faults(self.faults.clone())
    }

    /// The rules, evaluated up to now.
    pub fn rules(&self, now: i64) -> MutexGuard<'_, Rules> {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        if rules.due(now) {
            // The pods of the load are nobody's alarm.
            rules.advance(&self.bare(now, |_| false), now);
        }
        rules
    }
}

/// The matchers of every selector of a query.
fn selectors(expr: &Expr, out: &mut Vec<Vec<Matcher>>) {
    match expr {
        Expr::VectorSelector(selector) => out.extend(matchers(selector)),
        Expr::MatrixSelector(matrix) => out.extend(matchers(&matrix.selector)),
        Expr::Call(call) => call.args.iter().for_each(|arg| selectors(arg, out)),
        Expr::Aggregation(aggregation) => {
            selectors(&aggregation.expr, out);
            aggregation.param.iter().for_each(|param| selectors(param, out));
        }
        Expr::Binary(binary) => {
            selectors(&binary.lhs, out);
            selectors(&binary.rhs, out);
        }
        Expr::Unary(unary) => selectors(&unary.expr, out),
        Expr::Paren(inner) => selectors(inner, out),
        Expr::Subquery(sub) => selectors(&sub.expr, out),
        Expr::Number(_) | Expr::String(_) => {}
    }
}
