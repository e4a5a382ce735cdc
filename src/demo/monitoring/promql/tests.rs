//! Queries over a handful of samples, against values worked out by hand.

use std::sync::Arc;

use proptest::prelude::*;

use super::Refusal;
use super::eval::{Grid, Value, evaluate};
use super::labels::{Labels, NAME};
use super::matcher::{self, Matcher};
use super::parse::parse;
use super::storage::{Sample, Series, Storage, stale};

struct Stored(Labels, Vec<Sample>);

impl Series for Stored {
    fn labels(&self) -> &Labels {
        &self.0
    }

    fn samples(&self, after: i64, until: i64) -> Vec<Sample> {
        self.1.iter().copied().filter(|s| s.0 > after && s.0 <= until).collect()
    }
}

#[derive(Default)]
struct Shelf(Vec<Arc<Stored>>);

impl Storage for Shelf {
    fn select(&self, matchers: &[Matcher], _: i64, _: i64) -> Vec<Arc<dyn Series>> {
        self.0.iter().filter(|s| matcher::all(matchers, &s.0)).map(|s| s.clone() as Arc<dyn Series>).collect()
    }
}

impl Shelf {
    /// A series with samples given in seconds.
    fn with(mut self, name: &str, labels: &[(&str, &str)], samples: &[(f64, f64)]) -> Self {
        let labels = Labels::new(labels.iter().copied().chain([(NAME, name)]));
        let samples = samples.iter().map(|(t, v)| ((t * 1000.0) as i64, *v)).collect();
        self.0.push(Arc::new(Stored(labels, samples)));
        self
    }

    /// A series with a sample every fifteen seconds from 0, `count` of them.
    fn every15(self, name: &str, labels: &[(&str, &str)], count: usize, value: impl Fn(f64) -> f64) -> Self {
        let samples: Vec<(f64, f64)> =
            (0..count).map(|n| (n as f64 * 15.0, value(n as f64 * 15.0))).collect();
        self.with(name, labels, &samples)
    }

    /// An instant answer: label sets with their values, in text.
    fn at(&self, secs: i64, query: &str) -> Vec<String> {
        match self.try_at(secs, query).unwrap_or_else(|why| panic!("{query}: {why:?}")) {
            Value::Scalar(numbers) => numbers.iter().map(f64::to_string).collect(),
            Value::Text(text) => vec![text],
            Value::Vector(rows) => {
                rows.iter().filter_map(|r| Some(format!("{} {}", r.labels, round(r.points[0]?)))).collect()
            }
        }
    }

    fn try_at(&self, secs: i64, query: &str) -> Result<Value, Refusal> {
        evaluate(self, &parse(query)?, Grid::instant(secs * 1000))
    }

    /// The points of the one series of an answer over a grid, in seconds.
    fn over(&self, start: i64, step: i64, count: usize, query: &str) -> Vec<Option<f64>> {
        let grid = Grid { start: start * 1000, step: step * 1000, count };
        let Ok(Value::Vector(rows)) = evaluate(self, &parse(query).unwrap(), grid) else { panic!("{query}") };
        assert_eq!(rows.len(), 1, "{query}");
        rows[0].points.iter().map(|p| p.map(round)).collect()
    }
}

fn round(value: f64) -> f64 {
    (value * 1e9).round() / 1e9
}

fn requests() -> Shelf {
    // 2 a second and 1 a second; the second one starts anew at 60 s.
    Shelf::default()
        .every15("requests_total", &[("app", "cart"), ("pod", "a")], 41, |t| 1000.0 + 2.0 * t)
        .every15("requests_total", &[("app", "cart"), ("pod", "b")], 41, |t| {
            if t < 60.0 { t + 500.0 } else { t - 60.0 }
        })
        .every15("requests_total", &[("app", "mail"), ("pod", "c")], 41, |_| 7.0)
}

#[test]
fn rates_of_steady_counters_are_exact_and_resets_are_added_back() {
    let shelf = requests();
    // Samples at 315, 330 … 600: 19 gaps of 2/s, extrapolated over 15 s at the left edge: 300 s of 2/s.
    assert_eq!(shelf.at(600, "rate(requests_total{pod=\"a\"}[5m])"), ["{app=\"cart\", pod=\"a\"} 2"]);
    assert_eq!(shelf.at(600, "increase(requests_total{pod=\"a\"}[5m])"), ["{app=\"cart\", pod=\"a\"} 600"]);
    // Window (45, 105]: 60, 75, 90, 105 with values 0, 15, 30, 45; the counter was 0 at its first sample, so there is
    // nothing to add at the left: 45 over 60 s.
    assert_eq!(shelf.at(105, "rate(requests_total{pod=\"b\"}[1m])"), ["{app=\"cart\", pod=\"b\"} 0.75"]);
    // Window (30, 90]: 545, 0, 15, 30: the reset adds 545 back: 30 over 45 s, extrapolated by 15 s (545/30*45 > 15): 40/60.
    assert_eq!(
        shelf.at(90, "rate(requests_total{pod=\"b\"}[1m])"),
        ["{app=\"cart\", pod=\"b\"} 0.666666667"]
    );
    assert_eq!(shelf.at(90, "resets(requests_total{pod=\"b\"}[1m])"), ["{app=\"cart\", pod=\"b\"} 1"]);
    assert_eq!(shelf.at(600, "irate(requests_total{pod=\"a\"}[5m])"), ["{app=\"cart\", pod=\"a\"} 2"]);
    assert!(shelf.at(600, "rate(requests_total{pod=\"a\"}[15s])").is_empty(), "one sample is no rate");
}

#[test]
fn sums_by_and_without() {
    let shelf = requests();
    assert_eq!(
        shelf.at(600, "sum by (app) (rate(requests_total[5m]))"),
        ["{app=\"cart\"} 3", "{app=\"mail\"} 0"]
    );
    assert_eq!(
        shelf.at(600, "sum without (pod) (rate(requests_total[5m]))"),
        ["{app=\"cart\"} 3", "{app=\"mail\"} 0"]
    );
    assert_eq!(shelf.at(600, "count(requests_total)"), ["{} 3"]);
    assert_eq!(shelf.at(600, "topk(1, rate(requests_total[5m]))"), ["{app=\"cart\", pod=\"a\"} 2"]);
    assert_eq!(shelf.at(600, "max(requests_total) - min(requests_total)"), ["{} 2193"]);
    assert_eq!(shelf.at(600, "quantile(0.5, rate(requests_total[5m]))"), ["{} 1"]);
    assert_eq!(shelf.at(600, "sum(requests_total{app=~\"mai.|x\"})"), ["{} 7"]);
    assert!(shelf.at(600, "sum(requests_total{app!~\".+\"})").is_empty());
}

#[test]
fn vectors_match_by_their_labels() {
    let shelf = Shelf::default()
        .with("used", &[("pod", "a"), ("node", "n1")], &[(0.0, 30.0)])
        .with("used", &[("pod", "b"), ("node", "n1")], &[(0.0, 10.0)])
        .with("limit", &[("pod", "a")], &[(0.0, 60.0)])
        .with("limit", &[("pod", "c")], &[(0.0, 60.0)])
        .with("info", &[("node", "n1"), ("zone", "z")], &[(0.0, 1.0)]);
    assert_eq!(shelf.at(1, "used / on (pod) limit"), ["{pod=\"a\"} 0.5"]);
    assert_eq!(shelf.at(1, "used / ignoring (node) limit"), ["{pod=\"a\"} 0.5"]);
    assert_eq!(
        shelf.at(1, "used * on (node) group_left (zone) info"),
        ["{node=\"n1\", pod=\"a\", zone=\"z\"} 30", "{node=\"n1\", pod=\"b\", zone=\"z\"} 10"]
    );
    assert_eq!(shelf.at(1, "used > 20"), ["{__name__=\"used\", node=\"n1\", pod=\"a\"} 30"]);
    assert_eq!(shelf.at(1, "used > bool 20"), ["{node=\"n1\", pod=\"a\"} 1", "{node=\"n1\", pod=\"b\"} 0"]);
    assert_eq!(shelf.at(1, "limit and on (pod) used"), ["{__name__=\"limit\", pod=\"a\"} 60"]);
    assert_eq!(shelf.at(1, "limit unless on (pod) used"), ["{__name__=\"limit\", pod=\"c\"} 60"]);
    assert_eq!(shelf.at(1, "sum(nothing) or vector(0)"), ["{} 0"]);
    assert_eq!(shelf.at(1, "-2 ^ 2"), ["-4"]);
    assert_eq!(shelf.at(1, "2 ^ 3 ^ 2"), ["512"]);
    assert_eq!(shelf.at(1, "1 + 2 * 3 - 6 / 4 % 2"), ["5.5"]);
    let many = shelf.try_at(1, "used / on (node) info").unwrap_err();
    assert!(matches!(&many, Refusal::Execution(why) if why.contains("group_left")), "{many:?}");
    let duplicate = shelf.try_at(1, "info / on (node) used").unwrap_err();
    assert!(
        matches!(&duplicate, Refusal::Execution(why) if why.starts_with("found duplicate series for the match group {node=\"n1\"} on the right")),
        "{duplicate:?}"
    );
}

#[test]
fn quantiles_of_classic_histograms() {
    // 50 of 100 within 0.1 s, 90 within 0.5 s, all within 1 s, per second.
    let bucket = |shelf: Shelf, le: &str, share: f64| {
        shelf.every15("latency_bucket", &[("app", "cart"), ("le", le)], 41, move |t| t * share)
    };
    let shelf = [("0.1", 50.0), ("0.5", 90.0), ("1.0", 100.0), ("+Inf", 100.0)]
        .into_iter()
        .fold(Shelf::default(), |shelf, (le, share)| bucket(shelf, le, share));
    let ask = |q: &str| {
        shelf.at(600, &format!("histogram_quantile({q}, sum by (app, le) (rate(latency_bucket[5m])))"))
    };
    assert_eq!(ask("0.5"), ["{app=\"cart\"} 0.1"]);
    assert_eq!(ask("0.7"), ["{app=\"cart\"} 0.3"]);
    assert_eq!(ask("0.95"), ["{app=\"cart\"} 0.75"]);
    assert!(shelf.at(600, "histogram_quantile(0.9, sum by (app) (rate(latency_bucket[5m])))").is_empty());
}

#[test]
fn an_instant_looks_back_five_minutes_and_not_past_a_stale_marker() {
    let shelf =
        Shelf::default().with("old", &[], &[(0.0, 1.0)]).with("gone", &[], &[(0.0, 1.0), (15.0, stale())]);
    assert_eq!(shelf.at(299, "old"), ["{__name__=\"old\"} 1"]);
    assert!(shelf.at(300, "old").is_empty(), "the left edge is left out");
    assert!(shelf.at(20, "gone").is_empty());
    assert_eq!(shelf.at(14, "gone"), ["{__name__=\"gone\"} 1"]);
    assert_eq!(shelf.at(20, "absent(gone{pod=\"x\"})"), ["{pod=\"x\"} 1"]);
    assert_eq!(shelf.at(20, "count_over_time(gone[1m])"), ["{} 1"], "the marker is no sample");
    assert_eq!(shelf.at(60, "old offset 1m"), ["{__name__=\"old\"} 1"]);
    assert!(shelf.at(30, "old offset 1m").is_empty());
}

#[test]
fn steps_gaps_and_windows() {
    let shelf = Shelf::default().with("x", &[], &[(0.0, 1.0), (15.0, 3.0), (900.0, 5.0)]);
    assert_eq!(shelf.over(0, 300, 5, "x"), [Some(1.0), Some(3.0), None, Some(5.0), None]);
    assert_eq!(shelf.over(0, 300, 4, "max_over_time(x[5m])"), [Some(1.0), Some(3.0), None, Some(5.0)]);
    assert_eq!(shelf.over(15, 15, 2, "avg_over_time(x[1m])"), [Some(2.0), Some(2.0)]);
    assert_eq!(shelf.over(0, 60, 3, "time() * x"), [Some(0.0), Some(180.0), Some(360.0)]);
    assert_eq!(shelf.over(900, 60, 1, "max_over_time(x[15m:5m])"), [Some(5.0)]);
    assert_eq!(shelf.over(0, 15, 2, "clamp_min(x, 2)"), [Some(2.0), Some(3.0)]);
    assert_eq!(shelf.over(0, 15, 2, "x / 0"), [Some(f64::INFINITY), Some(f64::INFINITY)]);
    assert!(shelf.over(0, 15, 1, "0 * x / 0")[0].is_some_and(f64::is_nan));
}

#[test]
fn labels_are_replaced() {
    let shelf = Shelf::default().with("x", &[("pod", "cart-7d9c-x2kfp")], &[(0.0, 1.0)]);
    assert_eq!(
        shelf.at(1, "label_replace(x, \"app\", \"$1\", \"pod\", \"(.*)-[^-]+-[^-]+\")"),
        ["{__name__=\"x\", app=\"cart\", pod=\"cart-7d9c-x2kfp\"} 1"]
    );
    assert_eq!(
        shelf.at(1, "label_join(x, \"both\", \"/\", \"pod\", \"pod\")"),
        ["{__name__=\"x\", both=\"cart-7d9c-x2kfp/cart-7d9c-x2kfp\", pod=\"cart-7d9c-x2kfp\"} 1"]
    );
}

#[test]
fn refusals_have_positions_and_prometheus_words() {
    let refused = |query: &str| match parse(query) {
        Err(Refusal::BadData(words)) => words,
        other => panic!("{query}: {other:?}"),
    };
    assert_eq!(refused("up{"), "1:4: parse error: unexpected end of input inside braces");
    assert_eq!(refused("sum(up"), "1:7: parse error: unclosed left parenthesis");
    assert_eq!(refused("up up"), "1:4: parse error: unexpected identifier \"up\"");
    assert_eq!(refused("sum(rate(x[5m]) by (pod))"), "1:17: parse error: unexpected <by>");
    assert_eq!(refused("up\n  )"), "2:4: parse error: unexpected right parenthesis ')'");
    assert_eq!(refused("1 +"), "1:4: parse error: unexpected end of input");
    assert_eq!(refused(""), "unknown position: parse error: no expression found in input");
    assert_eq!(refused("a{b=\"c}"), "1:5: parse error: unterminated quoted string");
    assert_eq!(refused("foo(up)"), "1:1: parse error: unknown function with name \"foo\"");
    assert_eq!(
        refused("rate(up)"),
        "1:6: parse error: expected type range vector in call to function \"rate\", got instant vector"
    );
    assert_eq!(refused("1 > 2"), "1:3: parse error: comparisons between scalars must use BOOL modifier");
    assert_eq!(
        refused("{a=\"\"}"),
        "1:1: parse error: vector selector must contain at least one non-empty matcher"
    );
    assert!(matches!(parse(&"(".repeat(200)), Err(Refusal::Execution(_))));
    assert!(matches!(parse(&"-".repeat(200)), Err(Refusal::Execution(_))));
}

#[test]
fn what_the_demo_cannot_is_said() {
    let shelf = requests();
    for query in [
        "predict_linear(requests_total[5m], 60)",
        "count_values(\"v\", requests_total)",
        "requests_total @ 5",
    ] {
        let refused = shelf.try_at(60, query).unwrap_err();
        assert!(
            matches!(&refused, Refusal::Execution(why) if why.ends_with("is not supported by the demo's PromQL")),
            "{refused:?}"
        );
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_stumble(query in "[a-z0-9 (){}\\[\\]=~!\"'<>+*/%^,.:$#\n-]{0,60}") {
        if let Ok(expr) = parse(&query) {
            let _answer = evaluate(&requests(), &expr, Grid { start: 0, step: 60_000, count: 3 });
        }
    }

    #[test]
    fn no_query_of_known_parts_makes_it_stumble(parts in proptest::collection::vec(
        prop::sample::select(vec!["sum", "rate", "by", "(", ")", "requests_total", "[5m]", "{pod=~\"a|b\"}", "+", ">", "bool",
            "on", "group_left", "topk", "2", ",", "and", "offset", "1m", "histogram_quantile", "0.9", "le", "[1h:5m]", "-", "vector"]), 0..12)) {
        let query = parts.join(" ");
        if let Ok(expr) = parse(&query) {
            let _answer = evaluate(&requests(), &expr, Grid { start: 0, step: 60_000, count: 3 });
        }
    }
}
