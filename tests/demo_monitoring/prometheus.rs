//! What Prometheus answers: the shapes of values, names, rules and what it tells of itself.

use serde_json::{Value, json};

use super::client::{Servers, encoded, has, keys};

/// One series that both have.
const OKAY: &str = "app_requests_total{app=\"cart\",namespace=\"shop-prod\",status=\"200\"}";

async fn values(of: &Servers) {
    let scalar = of.ask("query?query=1%2B1&time=1700000000.5").await;
    assert_eq!(scalar, json!({"resultType": "scalar", "result": [1_700_000_000.5, "2"]}));
    for (query, value) in
        [("1/0", "+Inf"), ("-1/0", "-Inf"), ("0/0", "NaN"), ("1e10", "10000000000"), ("0.1", "0.1")]
    {
        let query = format!("query?query={}&time=2023-11-14T22:13:20Z", encoded(query));
        assert_eq!(of.ask(&query).await["result"], json!([1_700_000_000, value]), "{query}");
    }
    let text = of.ask("query?query=%22hello%22&time=1700000000").await;
    assert_eq!(text, json!({"resultType": "string", "result": [1_700_000_000, "hello"]}));
    let vector = of.ask("query?query=count(up)").await;
    assert_eq!(vector["resultType"], "vector");
    assert_eq!(vector["result"][0]["metric"], json!({}));
    assert!(vector["result"][0]["value"][1].is_string(), "{vector}");
    let series = of.ask(&format!("query?query={}", encoded(OKAY))).await;
    let metric = &series["result"][0]["metric"];
    assert_eq!(
        keys(metric),
        ["__name__", "app", "container", "instance", "job", "namespace", "pod", "status"]
    );
    let samples = of.ask(&format!("query?query={}", encoded(&format!("{OKAY}[5m]")))).await;
    assert_eq!(samples["resultType"], "matrix");
    assert!(samples["result"][0]["values"][0][1].is_string(), "{samples}");
    assert_eq!(of.ask("query?query=nothing").await, json!({"resultType": "vector", "result": []}));
    assert_eq!(of.ask("query?query=app_requests_total&time=1700000000").await["result"], json!([]));
}

async fn ranges(of: &Servers) {
    let form = "query=vector(1)&start=1700000000&end=1700000060&step=30s";
    let answer = of.of_prometheus("POST", "api/v1/query_range", form).await;
    assert_eq!(answer.code, 200, "{}", answer.text);
    let points = json!([[1_700_000_000, "1"], [1_700_000_030, "1"], [1_700_000_060, "1"]]);
    let matrix = json!({"resultType": "matrix", "result": [{"metric": {}, "values": points}]});
    assert_eq!(answer.json()["data"], matrix);
    assert_eq!(of.ask(&format!("query_range?{form}")).await, matrix);
    // A number is a row of its own.
    let two = of.ask("query_range?query=2&start=1700000000&end=1700000030&step=30").await;
    assert_eq!(two["result"][0]["values"], json!([[1_700_000_000, "2"], [1_700_000_030, "2"]]));
    let nothing = of.ask("query_range?query=nothing&start=1700000000&end=1700000060&step=30").await;
    assert_eq!(nothing["result"], json!([]));
    // The end is not a step.
    let short = of.ask("query_range?query=vector(1)&start=1700000000&end=1700000050&step=20").await;
    assert_eq!(short["result"][0]["values"].as_array().unwrap().len(), 3);
    let most = of.ask("query_range?query=vector(1)&start=0&end=11000&step=1").await;
    assert_eq!(most["result"][0]["values"].as_array().unwrap().len(), 11_001);
}

async fn names(of: &Servers) {
    let values = of.ask("label/status/values?match[]=app_requests_total").await;
    assert_eq!(values, json!(["200", "201", "404", "500", "503"]));
    assert_eq!(
        of.ask("label/__name__/values?match[]=app_requests_total").await,
        json!(["app_requests_total"])
    );
    assert_eq!(of.ask("label/none/values").await, json!([]));
    assert_eq!(of.ask("label/not-one/values").await, json!([]), "any name is one");
    let labels = of.ask("labels?match[]=app_requests_total").await;
    assert_eq!(
        labels,
        json!(["__name__", "app", "container", "instance", "job", "namespace", "pod", "status"])
    );
    let both = of.ask("labels?match[]=nothing&match[]=app_requests_total").await;
    assert_eq!(both, labels);
    assert_eq!(of.ask("labels?match[]=nothing").await, json!([]));
    let series = of.ask(&format!("series?match[]={}", encoded(OKAY))).await;
    let pods = series.as_array().unwrap();
    assert!(
        !pods.is_empty() && pods.iter().all(|one| one["status"] == "200" && one["app"] == "cart"),
        "{series}"
    );
    assert_eq!(of.ask("series?match[]=nothing").await, json!([]));
    // What was cut is said.
    for path in ["series?match[]=app_requests_total&limit=2", "query?query=app_requests_total&limit=2"] {
        let whole = of.ask_whole(path).await;
        let rows = if path.starts_with("query") { &whole["data"]["result"] } else { &whole["data"] };
        assert_eq!(rows.as_array().unwrap().len(), 2, "{path}: {whole}");
        assert_eq!(whole["warnings"], json!(["results truncated due to limit"]), "{path}");
    }
    let cut = of.ask_whole("label/status/values?match[]=app_requests_total&limit=2").await;
    assert_eq!(
        (&cut["data"], &cut["warnings"][0]),
        (&json!(["200", "201"]), &json!("results truncated due to limit"))
    );
    let all = of.ask("series?match[]=app_requests_total&limit=0").await;
    assert!(all.as_array().unwrap().len() >= 5, "no limit: {all}");
}

async fn metadata(of: &Servers) {
    let counter = of.ask("metadata?metric=app_requests_total").await;
    let told = &counter["app_requests_total"][0];
    assert_eq!((keys(told), &told["type"]), (vec!["help", "type", "unit"], &json!("counter")));
    assert_eq!(of.ask("metadata?metric=nothing").await, json!({}));
    assert_eq!(of.ask("metadata?limit=1").await.as_object().unwrap().len(), 1);
    assert!(!of.ask("metadata?limit=-1").await.as_object().unwrap().is_empty());
}

fn rules_of(groups: &Value) -> Vec<&Value> {
    groups["groups"].as_array().unwrap().iter().flat_map(|g| g["rules"].as_array().unwrap()).collect()
}

async fn rules(of: &Servers) {
    let all = of.ask("rules").await;
    for group in all["groups"].as_array().unwrap() {
        has(group, &["name", "file", "interval", "limit", "rules", "evaluationTime", "lastEvaluation"]);
    }
    let rules = rules_of(&all);
    for rule in &rules {
        has(
            rule,
            &[
                "state",
                "name",
                "query",
                "duration",
                "keepFiringFor",
                "labels",
                "annotations",
                "alerts",
                "health",
                "evaluationTime",
                "lastEvaluation",
                "type",
            ],
        );
        assert_eq!((&rule["type"], &rule["health"]), (&json!("alerting"), &json!("ok")), "{rule}");
        assert!(rule["alerts"].is_array() && rule["duration"].is_number(), "{rule}");
    }
    let names: Vec<&str> = rules.iter().map(|rule| rule["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"CartErrorBudgetBurn") && names.contains(&"Watchdog"), "{names:?}");

    let one = of.ask("rules?rule_name[]=Watchdog").await;
    let [watchdog] = rules_of(&one)[..] else { panic!("{one}") };
    assert_eq!((&watchdog["state"], &watchdog["query"]), (&json!("firing"), &json!("vector(1)")));
    let alert = &watchdog["alerts"][0];
    assert_eq!(keys(alert), ["activeAt", "annotations", "labels", "state", "value"]);
    assert_eq!(alert["labels"], json!({"alertname": "Watchdog", "severity": "none"}));
    assert_eq!((&alert["state"], &alert["value"]), (&json!("firing"), &json!("1e+00")));

    let bare = of.ask("rules?rule_name[]=Watchdog&exclude_alerts=true").await;
    assert_eq!(rules_of(&bare)[0]["alerts"], Value::Null);
    assert_eq!(rules_of(&bare)[0]["state"], "firing");
    assert_eq!(of.ask("rules?type=record").await, json!({"groups": []}));
    assert_eq!(rules_of(&of.ask("rules?type=alert").await).len(), rules.len());
    assert_eq!(of.ask("rules?rule_group[]=none").await, json!({"groups": []}));
    assert_eq!(rules_of(&of.ask("rules?rule_name[]=Watchdog&rule_name[]=None").await).len(), 1);
    let general = of.ask("rules?rule_group[]=general").await;
    assert!(rules_of(&general).iter().any(|rule| rule["name"] == "Watchdog"), "{general}");
    let chosen = of.ask(&format!("rules?match[]={}", encoded("{severity=\"none\"}"))).await;
    assert_eq!(rules_of(&chosen).len(), 1, "{chosen}");
}

async fn alerts(of: &Servers) {
    let all = of.ask("alerts").await;
    let all = all["alerts"].as_array().unwrap();
    for alert in all {
        assert_eq!(keys(alert), ["activeAt", "annotations", "labels", "state", "value"], "{alert}");
    }
    assert!(all.iter().any(|alert| alert["labels"]["alertname"] == "Watchdog"), "{all:?}");
    let own = of.ask(&format!("query?query={}", encoded("ALERTS{alertname=\"Watchdog\"}"))).await;
    let metric = &own["result"][0]["metric"];
    assert_eq!((&metric["alertstate"], &metric["severity"]), (&json!("firing"), &json!("none")), "{own}");
}

async fn itself(of: &Servers) {
    let ready = of.of_prometheus("GET", "-/ready", "").await;
    assert_eq!((ready.code, ready.text.as_str()), (200, "Prometheus Server is Ready.\n"));
    let healthy = of.of_prometheus("GET", "-/healthy", "").await;
    assert_eq!((healthy.code, healthy.text.as_str()), (200, "Prometheus Server is Healthy.\n"));
    let build = of.ask("status/buildinfo").await;
    has(&build, &["version", "revision", "branch", "buildUser", "buildDate", "goVersion"]);
    assert!(build["version"].as_str().unwrap().starts_with("3."), "{build}");
    let running = of.ask("status/runtimeinfo").await;
    has(&running, &["serverTime", "storageRetention", "reloadConfigSuccess"]);
    let told = of.ask("alertmanagers").await;
    assert_eq!(keys(&told), ["activeAlertmanagers", "droppedAlertmanagers"]);
    assert!(told["activeAlertmanagers"][0]["url"].as_str().unwrap().ends_with("/api/v2/alerts"), "{told}");
    let targets = of.ask("targets").await;
    assert_eq!(keys(&targets), ["activeTargets", "droppedTargetCounts", "droppedTargets"]);
    let target = &targets["activeTargets"][0];
    has(
        target,
        &[
            "discoveredLabels",
            "globalUrl",
            "health",
            "labels",
            "lastError",
            "lastScrape",
            "lastScrapeDuration",
            "scrapeInterval",
            "scrapePool",
            "scrapeTimeout",
            "scrapeUrl",
        ],
    );
    assert_eq!(of.ask("targets?state=dropped").await["activeTargets"], json!([]));
    for path in ["nothing", "api/v1/nothing", "api/v1/status/nothing"] {
        let answer = of.of_prometheus("GET", path, "").await;
        assert_eq!((answer.code, answer.text.as_str()), (404, "404 page not found\n"), "{path}");
    }
    let other = of.of_prometheus("PUT", "api/v1/query", "").await;
    assert_eq!((other.code, other.allow.as_str()), (405, "GET, OPTIONS, POST"), "{}", other.text);
}

/// Queries as they are typed, and as Prometheus writes them.
async fn formats(of: &Servers) {
    for (typed, written) in [
        ("up", "up"),
        ("sum(up)  by(job)", "sum by (job) (up)"),
        (
            "sum without(pod)(rate(app_requests_total{app='cart'}[5m]))",
            "sum without (pod) (rate(app_requests_total{app=\"cart\"}[5m]))",
        ),
        ("1+2*3", "1 + 2 * 3"),
        ("up  ==bool 1", "up == bool 1"),
        ("a/on(pod) group_left(size) b", "a / on (pod) group_left (size) b"),
        ("topk(3,up)", "topk(3, up)"),
        ("max_over_time(up[1h:5m])", "max_over_time(up[1h:5m])"),
        ("histogram_quantile(.99,x)", "histogram_quantile(0.99, x)"),
        ("-(up)", "-(up)"),
        ("up offset 5m", "up offset 5m"),
    ] {
        let found = of.ask(&format!("format_query?query={}", encoded(typed))).await;
        assert_eq!(found, json!(written), "{typed}");
    }
}

judged!(values, ranges, names, metadata, rules, alerts, itself, formats);
