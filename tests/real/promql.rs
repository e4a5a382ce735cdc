//! The demo's PromQL before Prometheus itself: the same samples, the same questions.
//!
//! Prometheus scrapes an exporter; the samples that it keeps are read back and laid before the demo's evaluator, and
//! what both say of them at one moment is compared.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ground::Cluster;
use ground::exporter::Exporter;
use ground::prometheus::Prometheus;
use pilothouse::demo::monitoring::promql::Refusal;
use pilothouse::demo::monitoring::promql::eval::{Grid, Value as Answer, evaluate};
use pilothouse::demo::monitoring::promql::labels::Labels;
use pilothouse::demo::monitoring::promql::matcher::{self, Matcher};
use pilothouse::demo::monitoring::promql::parse::parse;
use pilothouse::demo::monitoring::promql::storage::{Sample, Series, Storage};
use serde_json::Value;

/// Asked at one moment.
const QUESTIONS: [&str; 46] = [
    "requests_total",
    "requests_total{pod=\"a\"}",
    "requests_total{pod!~\"a|b\"}",
    "rate(requests_total[10s])",
    "rate(requests_total[5s])",
    "rate(requests_total[30s] offset 2s)",
    "increase(requests_total[8s])",
    "irate(requests_total[20s])",
    "delta(queue_length[10s])",
    "resets(requests_total[1m])",
    "changes(queue_length[1m])",
    "sum(rate(requests_total[10s]))",
    "sum by (app) (requests_total)",
    "sum without (pod, instance, job) (requests_total)",
    "count by (job) (requests_total)",
    "avg(requests_total) - min(requests_total) + max(requests_total)",
    "stddev(requests_total)",
    "quantile(0.3, requests_total)",
    "topk(2, requests_total)",
    "bottomk(1, requests_total)",
    "histogram_quantile(0.5, took_seconds_bucket)",
    "histogram_quantile(0.99, sum by (le) (rate(took_seconds_bucket[20s])))",
    "histogram_quantile(0.9, sum by (app) (rate(took_seconds_bucket[20s])))",
    "requests_total / on (pod) group_left (size) limits",
    "requests_total * on (pod) limits",
    "sum(increase(requests_total[10s]) * on (pod) group_left max by (pod) (limits))",
    "requests_total > 40",
    "requests_total > bool 40",
    "40 < requests_total",
    "requests_total and on (pod) limits",
    "requests_total unless on (pod) limits",
    "sum(nothing) or vector(0)",
    "sum(rate(requests_total{pod=\"a\"}[20s]) or on (app, pod) rate(requests_total[20s]))",
    "sum(rate(requests_total{pod=\"a\"}[20s]) or on (pod) rate(requests_total{pod!=\"c\"}[20s]) * 0 or on (pod) rate(requests_total[20s])) / sum(rate(requests_total[20s]))",
    "sum by (le) (rate(took_seconds_bucket[20s]) or on (app) rate(requests_total[20s]))",
    "histogram_quantile(0.9, sum by (le) (rate(took_seconds_bucket[20s]) unless on (app) (rate(nothing[20s])))) and count(rate(requests_total[20s]))",
    "sum by (who) (rate(requests_total{pod=\"a\"}[20s]) or label_replace(rate(requests_total{pod=\"b\"}[20s]), \"who\", \"$1\", \"pod\", \"(.+)\"))",
    "-requests_total ^ 2 % 7",
    "max_over_time(queue_length[20s])",
    "avg_over_time(queue_length[20s])",
    "quantile_over_time(0.4, queue_length[20s])",
    "sum_over_time(queue_length[20s]) / count_over_time(queue_length[20s])",
    "absent(queue_length{app=\"none\", pod=~\"x\"})",
    "clamp_min(requests_total, 40) or clamp_max(queue_length, 2)",
    "label_replace(requests_total, \"who\", \"$1-x\", \"pod\", \"(.*)\")",
    "round(rate(requests_total[10s]), 0.25)",
];

/// Refused, with the same words at the same place.
const REFUSED: [&str; 8] =
    ["sum(up", "up up", "up )", "foo(up)", "rate(up)", "1 > 2", "{a=\"\"}", "sum(rate(x[5m]) by (pod))"];

struct Kept(Labels, Vec<Sample>);

impl Series for Kept {
    fn labels(&self) -> &Labels {
        &self.0
    }

    fn samples(&self, after: i64, until: i64) -> Vec<Sample> {
        self.1.iter().copied().filter(|s| s.0 > after && s.0 <= until).collect()
    }
}

struct Shelf(Vec<Arc<Kept>>);

impl Storage for Shelf {
    fn select(&self, matchers: &[Matcher], _: i64, _: i64) -> Vec<Arc<dyn Series>> {
        let fits = self.0.iter().filter(|s| matcher::all(matchers, &s.0));
        fits.map(|s| Arc::clone(s) as Arc<dyn Series>).collect()
    }
}

fn labels(metric: &Value) -> Labels {
    let pairs = metric.as_object().unwrap().iter();
    Labels::new(pairs.map(|(name, value)| (name.as_str(), value.as_str().unwrap())))
}

#[allow(clippy::cast_possible_truncation, reason = "milliseconds of this century")]
fn millis(seconds: &Value) -> i64 {
    (seconds.as_f64().unwrap() * 1000.0).round() as i64
}

fn number(text: &Value) -> f64 {
    text.as_str().unwrap().replace("Inf", "inf").parse().unwrap()
}

fn encoded(text: &str) -> String {
    text.bytes().map(|b| format!("%{b:02X}")).collect()
}

/// Waits until Prometheus keeps so many samples of the first counter.
async fn kept(prometheus: &Prometheus, count: f64) {
    let all = async {
        loop {
            let found = prometheus.query("count_over_time(requests_total{pod=\"a\"}[10m])").await.unwrap();
            if found[0]["value"].get(1).is_some_and(|n| number(n) >= count) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), all).await.unwrap();
}

#[tokio::test]
#[ignore = "needs tests/real/build"]
async fn the_demos_promql_says_what_prometheus_says() {
    let cluster = Cluster::start().bare().with_prometheus().await.unwrap();
    let prometheus = cluster.prometheus().unwrap();
    let exporter = Exporter::start().await.unwrap();
    for (pod, size) in [("a", "small"), ("b", "large")] {
        exporter.gauge("limits", &[("pod", pod), ("size", size)], 60.0);
    }
    // Counters that grow, one that starts anew, one that stands still; a gauge that goes up and down.
    for round in 0..4_u32 {
        let way = f64::from(round);
        exporter.counter("requests_total", &[("app", "cart"), ("pod", "a")], 30.0 + 7.0 * way);
        let second = if round < 2 { 500.0 + way } else { 3.0 * way };
        exporter.counter("requests_total", &[("app", "cart"), ("pod", "b")], second);
        exporter.counter("requests_total", &[("app", "mail"), ("pod", "c")], 41.0);
        exporter.gauge("queue_length", &[("app", "cart")], [3.0, 9.5, -1.0, 4.0][round as usize]);
        let seen = u64::from(round) * 10;
        let buckets = [(0.1, seen), (0.5, seen * 3), (1.0, seen * 4)];
        exporter.histogram(
            "took_seconds",
            &[("app", "cart")],
            &buckets,
            way * 9.0,
            seen * 4 + u64::from(round),
        );
        if round == 0 {
            prometheus.scrape("shop", &exporter.address(), &serde_json::json!({})).await.unwrap();
        }
        kept(prometheus, way * 4.0 + 4.0).await;
    }
    let now = prometheus.query("time()").await.unwrap();
    let at = millis(&now[0]);
    let everything = encoded("{job=\"shop\"}[10m]");
    let stored = prometheus.get(&format!("/api/v1/query?query={everything}&time={}", now[0])).await.unwrap();
    let series = stored["data"]["result"].as_array().unwrap().iter().map(|series| {
        let samples = series["values"].as_array().unwrap().iter();
        let samples = samples.map(|pair| (millis(&pair[0]), number(&pair[1]))).collect();
        Arc::new(Kept(labels(&series["metric"]), samples))
    });
    let shelf = Shelf(series.collect());
    assert!(shelf.0.len() > 10, "{stored}");

    let mut different = Vec::new();
    for question in QUESTIONS {
        let path = format!("/api/v1/query?query={}&time={}", encoded(question), now[0]);
        let theirs = prometheus.get(&path).await.unwrap();
        let theirs: BTreeMap<Labels, f64> = theirs["data"]["result"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| (labels(&row["metric"]), number(&row["value"][1])))
            .collect();
        let ours: BTreeMap<Labels, f64> = match evaluate(&shelf, &parse(question).unwrap(), Grid::instant(at))
        {
            Ok(Answer::Vector(rows)) => {
                rows.into_iter().filter_map(|row| Some((row.labels, row.points[0]?))).collect()
            }
            other => panic!("{question}: {other:?}"),
        };
        let near =
            |a: f64, b: f64| (a.is_nan() && b.is_nan()) || a == b || (a - b).abs() <= 1e-9 * a.abs().max(1.0);
        let same =
            ours.keys().eq(theirs.keys()) && ours.values().zip(theirs.values()).all(|(a, b)| near(*a, *b));
        if !same {
            different.push(format!("{question}\n  ours   {ours:?}\n  theirs {theirs:?}"));
        }
    }
    for query in REFUSED {
        let path = format!("/api/v1/query?query={}", encoded(query));
        let theirs = prometheus.get(&path).await.unwrap_err().to_string();
        let Err(Refusal::BadData(ours)) = parse(query) else { panic!("{query} is taken") };
        let quoted = serde_json::to_string(&ours).unwrap();
        if !theirs.replace("\\u003c", "<").replace("\\u003e", ">").contains(quoted.trim_matches('"')) {
            different.push(format!("{query}\n  ours   {ours}\n  theirs {theirs}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
