//! The demo's Prometheus and Alertmanager behind the API server's service proxy: graphs and alerts tell the same story as
//! pods do.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use pilothouse::demo::world::crowd::Crowd;
use pilothouse::demo::{self, DemoOptions, DemoServer};
use serde_json::{Value, json};

use super::client::encoded;

const PROMETHEUS: &str = "/api/v1/namespaces/monitoring/services/http:prometheus-operated:9090/proxy";
const ALERTMANAGER: &str = "/api/v1/namespaces/monitoring/services/alertmanager-operated:web/proxy/api/v2";

struct Demo {
    server: DemoServer,
    client: Client<HttpConnector, Full<Bytes>>,
    token: String,
    cluster: usize,
}

impl Demo {
    /// So many seconds into the story, and standing still from there.
    async fn at(seconds: u64) -> Self {
        let options =
            DemoOptions { speed: 0.0, start_at: Duration::from_secs(seconds), ..DemoOptions::default() };
        Self::start(options, 1).await
    }

    /// With these options; asks the cluster of that place.
    async fn start(options: DemoOptions, cluster: usize) -> Self {
        let server = demo::start(options).await.unwrap();
        let config: Value =
            serde_yaml::from_str(&std::fs::read_to_string(server.kubeconfig()).unwrap()).unwrap();
        let user = config["users"]
            .as_array()
            .unwrap()
            .iter()
            .find(|u| u["name"].as_str().unwrap().contains(&server.clusters()[cluster].name));
        let token = user.unwrap()["user"]["token"].as_str().unwrap().to_owned();
        Self { server, client: Client::builder(TokioExecutor::new()).build_http(), token, cluster }
    }

    async fn send(&self, method: &str, path: &str, kind: &str, body: &str) -> (u16, String) {
        let url = format!("{}{path}", self.server.clusters()[self.cluster].url);
        let request = Request::builder()
            .method(method)
            .uri(url)
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", kind)
            .body(Full::new(Bytes::from(body.to_owned())))
            .unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(30), self.client.request(request))
            .await
            .unwrap()
            .unwrap();
        let code = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (code, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let (code, body) = self.send("GET", path, "", "").await;
        (code, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }

    /// Data of an answer of Prometheus.
    async fn ask(&self, path: &str) -> Value {
        let (code, body) = self.get(&format!("{PROMETHEUS}/api/v1/{path}")).await;
        assert_eq!((code, &body["status"]), (200, &json!("success")), "{path}: {body}");
        body["data"].clone()
    }

    /// The value of a query that has one.
    async fn number(&self, query: &str) -> f64 {
        let data = self.ask(&format!("query?query={}", encoded(query))).await;
        let rows = data["result"].as_array().unwrap();
        assert_eq!(rows.len(), 1, "{query}: {data}");
        rows[0]["value"][1].as_str().unwrap().parse().unwrap()
    }

    async fn alerts(&self) -> Vec<Value> {
        self.get(&format!("{ALERTMANAGER}/alerts")).await.1.as_array().unwrap().clone()
    }
}

fn names(alerts: &[Value], state: &str) -> Vec<String> {
    let mut names: Vec<String> = alerts
        .iter()
        .filter(|a| a["status"]["state"] == state)
        .map(|a| a["labels"]["alertname"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names.dedup();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn both_answer_behind_the_api_server() {
    let demo = Demo::at(0).await;
    assert_eq!(demo.ask("query?query=1%2B1&time=5").await["result"], json!([5, "2"]));
    assert_eq!(demo.get(&format!("{PROMETHEUS}/-/ready")).await.0, 200);
    assert_eq!(demo.get(&format!("{ALERTMANAGER}/status")).await.1["cluster"]["status"], "ready");
    let matrix = demo.ask("query?query=up%7Bnamespace%3D%22shop-prod%22%2Capp%3D%22cart%22%7D%5B1m%5D").await;
    assert_eq!(matrix["result"][0]["values"].as_array().unwrap().len(), 4, "one each quarter of a minute");
    let (code, body) =
        demo.get(&format!("{PROMETHEUS}/api/v1/query?query=predict_linear(up%5B5m%5D%2C60)")).await;
    assert_eq!(
        (code, &body["errorType"]),
        (422, &json!("execution")),
        "what it does not know it says: {body}"
    );
    assert!(body["error"].as_str().unwrap().contains("predict_linear"), "{body}");
    // The API server's own refusals are Statuses.
    let at = |service: &str| {
        format!("/api/v1/namespaces/monitoring/services/{service}/proxy/api/v1/query?query=1")
    };
    let (code, body) = demo.get(&at("http:prometheus-operated:9091")).await;
    assert_eq!((code, &body["kind"]), (503, &json!("Status")), "{body}");
    assert_eq!(body["message"], "no service port \"9091\" found for service \"prometheus-operated\"");
    let (code, body) = demo.get(&at("none:9090")).await;
    assert_eq!((code, &body["reason"]), (404, &json!("NotFound")));
    let (code, body) = demo.get(&at("https:prometheus-operated:web")).await;
    assert_eq!(code, 503, "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn graphs_alerts_and_pods_tell_one_story() {
    let calm = Demo::at(60).await;
    let errors = "sum(rate(app_requests_total{app=\"cart\",namespace=\"shop-prod\",status=~\"5..\"}[5m])) / sum(rate(app_requests_total{app=\"cart\",namespace=\"shop-prod\"}[5m]))";
    let p99 = "histogram_quantile(0.99, sum by (le) (rate(app_request_latency_seconds_bucket{app=\"cart\",namespace=\"shop-prod\"}[5m])))";
    let (few, quick) = (calm.number(errors).await, calm.number(p99).await);
    assert!(few < 0.01 && quick < 0.2, "{few} {quick}");
    let requests =
        calm.number("sum(rate(app_requests_total{app=\"cart\",namespace=\"shop-prod\"}[5m]))").await;
    assert!((200.0..650.0).contains(&requests), "{requests}");
    let calm_alerts = calm.alerts().await;
    assert_eq!(names(&calm_alerts, "active").iter().filter(|n| n.starts_with("Cart")).count(), 0);
    // Production's newest backup was cut short before the story begins.
    assert!(names(&calm_alerts, "active").iter().any(|n| n == "BackupOlderThanRPO"), "{calm_alerts:?}");

    let bad = Demo::at(520).await;
    let (many, slow) = (bad.number(errors).await, bad.number(p99).await);
    assert!((0.07..0.11).contains(&many) && (0.6..1.3).contains(&slow), "{many} {slow}");
    let waiting = bad.number("count(kube_pod_container_status_waiting_reason{reason=\"CrashLoopBackOff\",namespace=\"shop-prod\"} == 1 or vector(0) > 0)").await;
    let restarts = bad
        .number("sum(kube_pod_container_status_restarts_total{namespace=\"shop-prod\",container=\"cart\"})")
        .await;
    let pods = bad.server.clusters()[1].store.list("pods", Some("shop-prod"));
    let carts = || {
        pods.iter()
            .flat_map(|p| p["status"]["containerStatuses"].as_array().unwrap())
            .filter(|c| c["name"] == "cart")
    };
    let truly: i64 = carts().map(|c| c["restartCount"].as_i64().unwrap()).sum();
    // The last scrape was up to a quarter of a minute ago.
    assert!((truly as f64 - restarts).abs() <= 3.0, "{truly} {restarts}");
    let looping = carts().filter(|c| c["state"]["waiting"]["reason"] == "CrashLoopBackOff").count();
    assert!(waiting <= 3.0 && looping <= 3 && truly > 6, "{waiting} {looping} {truly}");
    let full = bad.number("max(container_memory_working_set_bytes{namespace=\"shop-prod\",container=\"cart\"}) / max(kube_pod_container_resource_limits{namespace=\"shop-prod\",container=\"cart\",resource=\"memory\"})").await;
    assert!(full <= 1.01, "{full}");

    let alerts = bad.alerts().await;
    let active = names(&alerts, "active");
    for name in ["BackupOlderThanRPO", "CartErrorBudgetBurn", "KubePodCrashLooping", "Watchdog"] {
        assert!(active.iter().any(|n| n == name), "{name}: {active:?}");
    }
    assert_eq!(names(&alerts, "suppressed"), ["CartLatencyHigh", "KubeQuotaAlmostFull"]);
    let of = |name: &str| alerts.iter().find(|a| a["labels"]["alertname"] == name).unwrap();
    assert_eq!(of("CartErrorBudgetBurn")["receivers"], json!([{"name": "pager-web"}]));
    assert_eq!(
        of("CartLatencyHigh")["status"]["inhibitedBy"],
        json!([of("CartErrorBudgetBurn")["fingerprint"]])
    );
    let crashing = alerts.iter().filter(|a| a["labels"]["alertname"] == "KubePodCrashLooping").count();
    assert_eq!(crashing, 3);
    // Both servers say the same of when it began.
    let rules = bad.ask("rules?type=alert").await;
    let rule = rules["groups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|g| g["rules"].as_array().unwrap())
        .find(|r| r["name"] == "CartErrorBudgetBurn")
        .unwrap();
    assert_eq!(rule["state"], "firing");
    let active_at = rule["alerts"][0]["activeAt"].as_str().unwrap();
    let since = bad.number("ALERTS_FOR_STATE{alertname=\"CartErrorBudgetBurn\"}").await;
    let active_at: jiff::Timestamp = active_at.parse().unwrap();
    assert_eq!(active_at.as_second() as f64, since);
    assert_eq!(
        bad.number("count(ALERTS{alertname=\"CartErrorBudgetBurn\",alertstate=\"firing\"})").await,
        1.0
    );
}

/// What containers write, what killed them, and what the graphs show of it are one story at every moment of it.
#[tokio::test(flavor = "multi_thread")]
async fn logs_tell_the_story_of_the_graphs() {
    let share = "sum(rate(app_requests_total{app=\"cart\",namespace=\"shop-prod\",status=~\"5..\"}[1m])) / sum(rate(app_requests_total{app=\"cart\",namespace=\"shop-prod\"}[1m]))";
    // Well, just rolled out, hung, long in trouble.
    for (moment, trouble) in [(60, false), (115, false), (330, true), (520, true)] {
        let demo = Demo::at(moment).await;
        let pods = demo.server.clusters()[1].store.list("pods", Some("shop-prod"));
        let (mut killed, mut complaints) = (0, 0);
        for pod in pods.iter().filter(|pod| pod["metadata"]["labels"]["app.kubernetes.io/name"] == "cart") {
            let name = pod["metadata"]["name"].as_str().unwrap();
            let log = format!("/api/v1/namespaces/shop-prod/pods/{name}/log?container=cart&timestamps=true");
            let status = &pod["status"]["containerStatuses"][0];
            let (code, now) = demo.send("GET", &log, "", "").await;
            assert_eq!(code, 200, "{moment}: {name}: {now}");
            complaints += now.matches("OutOfMemoryError:").count();
            let before = &status["lastState"]["terminated"];
            let (code, previous) = demo.send("GET", &format!("{log}&previous=true"), "", "").await;
            if before.is_null() {
                assert_eq!((code, status["restartCount"].as_i64()), (400, Some(0)), "{moment}: {previous}");
                continue;
            }
            // It ends with what the status says of it, in the second in which it says so.
            assert_eq!(
                (code, &before["reason"], &before["exitCode"]),
                (200, &json!("OOMKilled"), &json!(137))
            );
            let (at, last) = previous.trim_end().lines().next_back().unwrap().split_once(' ').unwrap();
            assert!(last.starts_with("Terminating due to java.lang.OutOfMemoryError"), "{moment}: {last}");
            let (at, end): (jiff::Timestamp, jiff::Timestamp) =
                (at.parse().unwrap(), before["finishedAt"].as_str().unwrap().parse().unwrap());
            assert!(at <= end && end.duration_since(at).as_secs() <= 1, "{moment}: {at} {end}");
            killed += 1;
        }
        let share = demo.number(share).await;
        assert_eq!(
            (killed > 0, complaints > 0, share > 0.04),
            (trouble, trouble, trouble),
            "{moment}: {killed} killed, {complaints} complaints, {share} of requests fail"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn series_reach_thirty_days_back_with_their_gaps() {
    let demo = Demo::at(0).await;
    let now = jiff::Timestamp::now().as_second();
    let query = encoded("sum(rate(app_requests_total{app=\"storefront\",namespace=\"shop-prod\"}[5m]))");
    let month = demo
        .ask(&format!("query_range?query={query}&start={}&end={now}&step=10800", now - 30 * 86_400))
        .await;
    let values = month["result"][0]["values"].as_array().unwrap();
    assert!(values.len() >= 238, "{}", values.len());
    let numbers: Vec<f64> = values.iter().map(|v| v[1].as_str().unwrap().parse().unwrap()).collect();
    let (least, most) = numbers.iter().fold((f64::MAX, 0.0_f64), |(a, b), v| (a.min(*v), b.max(*v)));
    assert!(least > 200.0 && most < 1200.0 && most / least > 1.3, "{least} {most}");
    let future =
        demo.ask(&format!("query_range?query=up&start={}&end={}&step=60", now + 600, now + 1200)).await;
    assert_eq!(future["result"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_alerts_applications_and_backups_for_measuring() {
    let crowd = Crowd { applications: 30, backups: 40 };
    let options = DemoOptions {
        speed: 0.0,
        story: false,
        pods: Some(400),
        crowd,
        alerts: 20,
        ..DemoOptions::default()
    };
    let demo = Demo::start(options, 0).await;
    let store = &demo.server.clusters()[0].store;
    assert!(store.count("applications.argoproj.io") >= 30 && store.count("backups.velero.io") >= 40);
    let alerts = demo.alerts().await;
    let faults = alerts.iter().filter(|a| a["labels"]["alertname"] == "LoadFault");
    let real = |a: &Value| {
        let label = |name: &str| a["labels"][name].as_str().unwrap().to_owned();
        store.entry("pods", &label("namespace"), &label("pod")).is_some()
    };
    assert_eq!(faults.filter(|a| real(a)).count(), 20);
    // The pods of the load have series like others, from what they are now.
    assert!(
        demo.number("count(container_memory_working_set_bytes{namespace=\"orders-prod\",container!=\"\"})")
            .await
            > 10.0
    );
    // Beside the proxy both have URLs of their own.
    let (_, prometheus, alertmanager) = &demo.server.monitoring()[0];
    for (url, path) in [(prometheus, "/api/v1/query?query=1"), (alertmanager, "/api/v2/status")] {
        let request = Request::get(format!("{url}{path}")).body(Full::new(Bytes::new())).unwrap();
        assert_eq!(demo.client.request(request).await.unwrap().status(), 200, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_slices_follow_the_selector_of_a_pair() {
    let demo = Demo::start(
        DemoOptions { speed: 0.0, start_at: Duration::from_secs(60), ..DemoOptions::default() },
        0,
    )
    .await;
    let service = "/api/v1/namespaces/shop-staging/services/checkout";
    let rate = |colour: &str, more: &str| {
        format!(
            "sum(rate(app_requests_total{{namespace=\"shop-staging\",pod=~\"checkout-{colour}-.+\"{more}}}[1m])) or vector(0)"
        )
    };
    let bad = ",status=~\"5..\"";
    assert!(demo.number(&rate("green", "")).await > 1.0, "green is live");
    assert_eq!(demo.number(&rate("blue", "")).await, 0.0, "who stands by gets nothing, however ready");
    assert!(demo.number(&rate("green", bad)).await < 0.1);

    let patch = |from: &str, to: &str| {
        let selector = |colour: &str| json!({"app.kubernetes.io/name": "checkout", "app.kubernetes.io/instance": "checkout", "color": colour});
        json!([
            {"op": "test", "path": "/spec/selector", "value": selector(from)},
            {"op": "replace", "path": "/spec/selector", "value": selector(to)},
        ])
        .to_string()
    };
    let kind = "application/json-patch+json";
    let (code, answer) = demo.send("PATCH", service, kind, &patch("blue", "green")).await;
    assert_eq!(code, 422, "a test that fails is no conflict: {answer}");
    let (code, answer) = demo.send("PATCH", service, kind, &patch("green", "blue")).await;
    assert_eq!(code, 200, "{answer}");
    demo.server.story().advance(Duration::from_secs(1));
    // Its counters grow with the clock on the wall, and are scraped every 15 seconds.
    let fails = async {
        let mut again = tokio::time::interval(Duration::from_millis(500));
        loop {
            again.tick().await;
            let (total, failed) =
                (demo.number(&rate("blue", "")).await, demo.number(&rate("blue", bad)).await);
            if total > 1.0 {
                return failed / total;
            }
        }
    };
    let share = tokio::time::timeout(Duration::from_secs(100), fails).await.unwrap();
    assert!((0.15..0.3).contains(&share), "its time is over: {share}");
    let slices = "/apis/discovery.k8s.io/v1/namespaces/shop-staging/endpointslices?labelSelector=kubernetes.io/service-name%3Dcheckout";
    let (_, slices) = demo.get(slices).await;
    let endpoints = slices["items"][0]["endpoints"].as_array().unwrap();
    let of_blue = |one: &Value| one["targetRef"]["name"].as_str().unwrap().starts_with("checkout-blue-");
    assert!(endpoints.len() == 2 && endpoints.iter().all(of_blue), "{endpoints:?}");
}
