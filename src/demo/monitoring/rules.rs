//! Alerting rules: expressions that are really evaluated, and what became of each alert over time: pending for as long
//! as the rule says, then firing, then over. Evaluated when somebody asks, for all the time since the last time.

use std::collections::HashSet;

use jiff::Timestamp;
use rusty_promql_parser::ast::Expr;
use serde_json::{Map, Value as Json, json};

use super::promql::eval::{Grid, Value, evaluate};
use super::promql::labels::Labels;
use super::promql::parse::parse;
use super::series::{AlertSpan, World};

/// Between two evaluations, milliseconds.
const INTERVAL: i64 = 15_000;
/// How far back the first evaluation goes: six hours by the minute, the last half hour by the interval.
const PAST: i64 = 6 * 3_600_000;
const RECENT: i64 = 1_800_000;

/// A rule as it would stand in a file. In annotations `{{ $labels.NAME }}` and `{{ $value }}` are replaced.
#[derive(Debug)]
pub struct Rule {
    /// The group that it stands in.
    pub group: &'static str,
    /// `alertname`.
    pub name: &'static str,
    /// The expression.
    pub expr: &'static str,
    /// Seconds that it must hold before the alert fires.
    pub pause: i64,
    /// Labels given to its alerts.
    pub labels: &'static [(&'static str, &'static str)],
    /// Words for people.
    pub annotations: &'static [(&'static str, &'static str)],
}

/// The rules of every demo cluster.
pub const RULES: [Rule; 10] = [
    Rule {
        group: "shop",
        name: "CartErrorBudgetBurn",
        expr: "sum by (namespace, app) (rate(app_requests_total{app=\"cart\", namespace=\"shop-prod\", status=~\"5..\"}[5m])) / sum by (namespace, app) (rate(app_requests_total{app=\"cart\", namespace=\"shop-prod\"}[5m])) > 0.02",
        pause: 30,
        labels: &[("severity", "critical"), ("team", "checkout")],
        annotations: &[
            ("summary", "cart fails too many requests"),
            (
                "description",
                "{{ $value }} of the requests to cart in {{ $labels.namespace }} fail; the budget is 0.02.",
            ),
            ("runbook_url", "https://runbooks.example/shop/carterrorbudgetburn"),
            ("dashboard_url", "https://grafana.example/d/cart"),
        ],
    },
    Rule {
        group: "shop",
        name: "CartLatencyHigh",
        expr: "histogram_quantile(0.99, sum by (namespace, app, le) (rate(app_request_latency_seconds_bucket{app=\"cart\", namespace=\"shop-prod\"}[5m]))) > 0.5",
        pause: 60,
        labels: &[("severity", "warning"), ("team", "checkout")],
        annotations: &[
            ("summary", "cart answers slowly"),
            ("description", "The 99th percentile of cart in {{ $labels.namespace }} is {{ $value }} s."),
            ("runbook_url", "https://runbooks.example/shop/cartlatencyhigh"),
        ],
    },
    Rule {
        group: "kubernetes-apps",
        name: "KubePodCrashLooping",
        expr: "max_over_time(kube_pod_container_status_waiting_reason{reason=\"CrashLoopBackOff\", job=\"kube-state-metrics\"}[5m]) >= 1",
        pause: 60,
        labels: &[("severity", "warning")],
        annotations: &[
            ("summary", "Pod is crash looping."),
            (
                "description",
                "Pod {{ $labels.namespace }}/{{ $labels.pod }} ({{ $labels.container }}) is in waiting state (reason: \"CrashLoopBackOff\").",
            ),
            ("runbook_url", "https://runbooks.example/kubernetes/kubepodcrashlooping"),
        ],
    },
    Rule {
        group: "kubernetes-apps",
        name: "KubeDeploymentRolloutStuck",
        expr: "kube_deployment_status_condition{condition=\"Progressing\", status=\"false\", job=\"kube-state-metrics\"} != 0",
        pause: 60,
        labels: &[("severity", "warning")],
        annotations: &[
            ("summary", "Deployment rollout is not progressing."),
            (
                "description",
                "Rollout of deployment {{ $labels.namespace }}/{{ $labels.deployment }} is not progressing.",
            ),
            ("runbook_url", "https://runbooks.example/kubernetes/kubedeploymentrolloutstuck"),
        ],
    },
    Rule {
        group: "kubernetes-system",
        name: "KubeNodeNotReady",
        expr: "kube_node_status_condition{job=\"kube-state-metrics\", condition=\"Ready\", status=\"true\"} == 0",
        pause: 30,
        labels: &[("severity", "warning")],
        annotations: &[
            ("summary", "Node is not ready."),
            ("description", "{{ $labels.node }} has been unready for more than 30 seconds."),
            ("runbook_url", "https://runbooks.example/kubernetes/kubenodenotready"),
        ],
    },
    Rule {
        group: "kubernetes-resources",
        name: "KubeQuotaAlmostFull",
        expr: "max by (namespace, resource) (kube_resourcequota{type=\"used\", resource=\"requests.memory\"} / ignoring (type) (kube_resourcequota{type=\"hard\"} > 0)) > 0.75",
        pause: 900,
        labels: &[("severity", "info")],
        annotations: &[
            ("summary", "Namespace quota is going to be full."),
            (
                "description",
                "Namespace {{ $labels.namespace }} is using {{ $value }} of its {{ $labels.resource }} quota.",
            ),
            ("runbook_url", "https://runbooks.example/kubernetes/kubequotaalmostfull"),
        ],
    },
    Rule {
        group: "backups",
        name: "BackupOlderThanRPO",
        // Velero's own namespace, which is the metric's, says nothing of whose backup it is: the rule names that.
        expr: "time() - max by (schedule) (velero_backup_last_successful_timestamp{schedule=\"shop-half-hourly\"}) > 1800",
        pause: 60,
        labels: &[("severity", "warning"), ("environment", "production")],
        annotations: &[
            ("summary", "The newest usable backup is older than the recovery point objective."),
            (
                "description",
                "The newest backup of {{ $labels.schedule }} is {{ $value }} s old; the target is 1800 s.",
            ),
            ("runbook_url", "https://runbooks.example/backups/backupolderthanrpo"),
        ],
    },
    Rule {
        group: "general",
        name: "TargetDown",
        expr: "sum by (namespace, job) (up == bool 0) / count by (namespace, job) (up) > 0.5",
        pause: 600,
        labels: &[("severity", "warning")],
        annotations: &[
            ("summary", "One or more targets are unreachable."),
            (
                "description",
                "{{ $value }} of the {{ $labels.job }} targets in {{ $labels.namespace }} are down.",
            ),
            ("runbook_url", "https://runbooks.example/general/targetdown"),
        ],
    },
    Rule {
        group: "general",
        name: "LoadFault",
        expr: "load_fault > 0",
        pause: 60,
        labels: &[("severity", "warning")],
        annotations: &[
            ("summary", "A fault of the demo's load, of which there is only for measuring."),
            ("description", "Pod {{ $labels.namespace }}/{{ $labels.pod }} has been given a fault."),
        ],
    },
    Rule {
        group: "general",
        name: "Watchdog",
        expr: "vector(1)",
        pause: 0,
        labels: &[("severity", "none")],
        annotations: &[
            (
                "summary",
                "An alert that should always be firing to certify that Alertmanager is working properly.",
            ),
            ("runbook_url", "https://runbooks.example/general/watchdog"),
        ],
    },
];

/// An alert of a rule, now or in the past.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// The rule's place in [`RULES`].
    pub rule: usize,
    /// Labels and times.
    pub span: AlertSpan,
    /// The expression's last value.
    pub value: f64,
}

impl Alert {
    /// Whether it is pending or firing.
    pub fn active(&self) -> bool {
        self.span.over.is_none()
    }

    /// The rule's annotations with this alert's labels and value filled in.
    pub fn annotations(&self) -> Map<String, Json> {
        let value = format!("{}", (self.value * 1e4).round() / 1e4);
        let fill = |words: &str| {
            let mut words = words.replace("{{ $value }}", &value);
            for (name, label) in self.span.labels.iter() {
                words = words.replace(&format!("{{{{ $labels.{name} }}}}"), label);
            }
            words
        };
        RULES[self.rule]
            .annotations
            .iter()
            .map(|(name, words)| ((*name).to_owned(), fill(words).into()))
            .collect()
    }
}

/// The rules and what has become of their alerts.
#[derive(Debug)]
pub struct Rules {
    exprs: Vec<Option<Expr>>,
    alerts: Vec<Alert>,
    /// The last evaluation, milliseconds.
    seen: Option<i64>,
}

impl Default for Rules {
    fn default() -> Self {
        let exprs = RULES.iter().map(|rule| parse(rule.expr).ok()).collect();
        Self { exprs, alerts: Vec::new(), seen: None }
    }
}

impl Rules {
    /// Whether an evaluation is due.
    pub fn due(&self, now: i64) -> bool {
        self.seen.is_none_or(|seen| seen + INTERVAL <= now)
    }

    /// Evaluates everything that is due up to a moment.
    pub fn advance(&mut self, world: &World, now: i64) {
        let now = now.div_euclid(INTERVAL) * INTERVAL;
        let mut grids = Vec::new();
        match self.seen {
            Some(seen) => grids.push((seen + INTERVAL, INTERVAL)),
            None => {
                let minute = 60_000;
                let from = (now - PAST).div_euclid(minute) * minute;
                grids.push((from, minute));
                grids.push(((now - RECENT).div_euclid(minute) * minute + INTERVAL, INTERVAL));
            }
        }
        for (n, (start, step)) in grids.iter().enumerate() {
            let end = grids.get(n + 1).map_or(now, |next| next.0 - 1);
            if end < *start {
                continue;
            }
            let count = usize::try_from((end - start) / step + 1).unwrap_or(0);
            self.evaluate(world, Grid { start: *start, step: *step, count });
        }
        self.seen = Some(self.seen.unwrap_or(now).max(now));
    }

    fn evaluate(&mut self, world: &World, grid: Grid) {
        for (n, rule) in RULES.iter().enumerate() {
            let Some(expr) = &self.exprs[n] else { continue };
            let rows = match evaluate(world, expr, grid) {
                Ok(Value::Vector(rows)) => rows,
                // A rule of ours that cannot be evaluated is found by the tests.
                Ok(_) => continue,
                Err(error) => {
                    tracing::warn!("demo: rule {}: {error:?}", rule.name);
                    continue;
                }
            };
            let mut met: HashSet<Labels> = HashSet::new();
            for row in rows {
                let own: Vec<(String, String)> =
                    row.labels.nameless().iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
                let given = rule.labels.iter().copied().chain([("alertname", rule.name)]);
                let labels = Labels::new(own.iter().map(|(n, v)| (n.as_str(), v.as_str())).chain(given));
                let known = |a: &Alert| a.rule == n && a.active() && a.span.labels == labels;
                let mut open = self.alerts.iter().rposition(known);
                for (step, point) in row.points.iter().enumerate() {
                    open = self.step(open, n, &labels, grid.at(step), *point);
                }
                met.insert(labels);
            }
            // What is not among the rows at all is over since the first step.
            for alert in self.alerts.iter_mut().filter(|a| a.rule == n && a.active()) {
                if !met.contains(&alert.span.labels) {
                    alert.span.over = Some(grid.start);
                }
            }
        }
    }

    /// One step of one alert. `open`: its place, if it is active; gives that for the next step.
    fn step(
        &mut self,
        open: Option<usize>,
        rule: usize,
        labels: &Labels,
        at: i64,
        point: Option<f64>,
    ) -> Option<usize> {
        let pause = RULES[rule].pause * 1000;
        match (open, point) {
            (Some(place), None) => {
                self.alerts[place].span.over = Some(at);
                None
            }
            (None, None) => None,
            (Some(place), Some(value)) => {
                let alert = &mut self.alerts[place];
                alert.value = value;
                if at - alert.span.active >= pause {
                    alert.span.firing.get_or_insert(at);
                }
                Some(place)
            }
            (None, Some(value)) => {
                let firing = (pause == 0).then_some(at);
                let span = AlertSpan { labels: labels.clone(), active: at, firing, over: None };
                self.alerts.push(Alert { rule, span, value });
                Some(self.alerts.len() - 1)
            }
        }
    }

    /// All alerts, the past ones too.
    pub fn alerts(&self) -> &[Alert] {
        &self.alerts
    }

    /// The time of the last evaluation, milliseconds.
    pub fn seen(&self) -> i64 {
        self.seen.unwrap_or(0)
    }
}

/// A moment as the APIs write it.
pub fn stamp(millis: i64) -> String {
    Timestamp::from_millisecond(millis).unwrap_or_default().to_string()
}

/// An alert as Prometheus shows it.
pub fn shown(alert: &Alert) -> Json {
    json!({
        "labels": alert.span.labels.json(), "annotations": alert.annotations(),
        "state": if alert.span.firing.is_some() { "firing" } else { "pending" },
        "activeAt": stamp(alert.span.active), "value": scientific(alert.value),
    })
}

/// A number as rules tell it: `7.5e-01`, `1e+00`.
fn scientific(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        }
        .to_owned();
    }
    let text = format!("{value:e}");
    let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, power) = power.strip_prefix('-').map_or(('+', power), |power| ('-', power));
    format!("{digits}e{sign}{power:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_parses() {
        for rule in &RULES {
            assert!(parse(rule.expr).is_ok(), "{}: {:?}", rule.name, parse(rule.expr));
        }
    }
}
