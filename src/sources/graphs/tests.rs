//! Answers of a Prometheus, good and bad, as graphs; and a server that answers what a test writes.

use std::sync::Mutex;
use std::time::Instant;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::decode;
use super::*;
use crate::connect::upstream::Limits;
use crate::domain::graph::{GraphProblem, MOST_SERIES};
use crate::domain::upstream::{Access, Address, Server, Upstream};

fn reply(status: u16, body: impl Into<String>) -> Reply {
    Reply { status, body: body.into().into(), date: None }
}

fn matrix(series: &str) -> Reply {
    reply(200, format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}"#))
}

#[test]
fn values_stand_on_the_grid_and_gaps_stay_gaps() {
    let body = r#"{"metric":{"__name__":"up","job":"a"},"values":[[100,"1"],[110.2,"NaN"],[130,"+Inf"],[140,"-Inf"],[999,"7"],[0,"7"]]}"#;
    let graph = decode::graph(&matrix(body), 100, 10, 6).unwrap();
    let points = &graph.series[0].points;
    assert_eq!(points.len(), 6);
    assert_eq!(points[0], Some(1.0));
    assert!(points[1].unwrap().is_nan());
    assert_eq!(points[2..], [None, Some(f64::INFINITY), Some(f64::NEG_INFINITY), None]);
    let series = &graph.series[0];
    assert_eq!((&*series.metric, series.labels.clone()), ("up", vec![("job".into(), "a".into())]));
    assert!(graph.warnings.is_empty() && graph.left_out == 0);
}

#[test]
fn warnings_and_infos_are_kept_and_histograms_are_told() {
    let body = r#"{"status":"success","warnings":["partial \u001b[31mdata"],"infos":["metric might not be a counter"],
        "data":{"resultType":"matrix","result":[{"metric":{},"histograms":[[100,{"count":"3","sum":"4","buckets":[]}]]},
        {"metric":{"a":"b"},"values":[[100,"2"]]}]}}"#;
    let graph = decode::graph(&reply(200, body), 100, 10, 1).unwrap();
    assert_eq!(graph.series.len(), 1);
    assert_eq!(graph.warnings.len(), 3);
    assert_eq!(&*graph.warnings[0], "partial data");
    assert!(graph.warnings[2].starts_with("1 of 2 series hold native histograms"), "{:?}", graph.warnings);
}

#[test]
fn of_thousands_of_series_the_largest_are_kept_and_long_labels_are_cut() {
    let one = |n: u32| {
        format!(r#"{{"metric":{{"n":"{n}","long":"{}"}},"values":[[100,"{n}"]]}}"#, "é".repeat(5_000))
    };
    let many: Vec<String> =
        (0..5_000)
            .map(|n| {
                if n < 4_000 {
                    format!(r#"{{"metric":{{"n":"{n}"}},"values":[[100,"{n}"]]}}"#)
                } else {
                    one(n)
                }
            })
            .collect();
    let graph = decode::graph(&matrix(&many.join(",")), 100, 10, 1).unwrap();
    assert_eq!((graph.series.len(), graph.left_out), (MOST_SERIES, 4_900));
    assert_eq!((&*graph.series[0].labels[1].1, graph.series[0].labels[0].1.chars().count()), ("4999", 120));
    assert_eq!(&*graph.warnings[0], "5000 series; the 100 with the largest last values are kept");
}

#[test]
fn refusals_are_told_apart() {
    let error =
        |sort: &str, text: &str| format!(r#"{{"status":"error","errorType":"{sort}","error":"{text}"}}"#);
    let cases = [
        (
            400,
            error(
                "bad_data",
                r#"invalid parameter \"query\": 1:5: parse error: unexpected identifier \"b\""#,
            ),
            Sort::Query,
            Some((1, 5)),
            "1:5: parse error: unexpected",
        ),
        (
            400,
            error("bad_data", "exceeded maximum resolution of 11,000 points per timeseries"),
            Sort::Query,
            None,
            "exceeded",
        ),
        (
            422,
            error("execution", "query processing would load too many samples"),
            Sort::Evaluation,
            None,
            "the query cannot be evaluated: query processing",
        ),
        (
            503,
            error("timeout", "query timed out in expression evaluation"),
            Sort::Slow,
            None,
            "gave the query up",
        ),
        (429, error("too_many_requests", "slow down"), Sort::Slow, None, "overloaded or not ready: slow"),
        (500, error("internal", "boom"), Sort::Garbled, None, "the server failed (500): boom"),
        (404, "404 page not found".to_owned(), Sort::Garbled, None, "a path such as /prometheus"),
        (503, "Service Unavailable".to_owned(), Sort::Slow, None, "overloaded (503: Service"),
        (200, r#"{"hello":1}"#.to_owned(), Sort::Garbled, None, "none of a Prometheus"),
        (200, "[]".to_owned(), Sort::Garbled, None, "none of a Prometheus"),
        (200, "up 1".to_owned(), Sort::Garbled, None, "not understood"),
        (200, error("bad_data", "odd"), Sort::Query, None, "odd"),
    ];
    for (status, body, sort, at, text) in cases {
        let trouble = decode::graph(&reply(status, body.clone()), 0, 10, 1).unwrap_err();
        assert_eq!((trouble.sort, trouble.at), (sort, at), "{body}");
        assert!(trouble.text.contains(text), "{body}: {}", trouble.text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn whatever_comes_is_taken_or_refused(
        status in prop_oneof![Just(200u16), Just(400), Just(503)],
        body in prop_oneof![
            ".{0,200}",
            r#"\{"status":"(success|error)","data":\{"result":\[\{"metric":\{"a":".{0,9}"\},"values":\[\[-?[0-9]{1,12},"(NaN|[+-]?Inf|1e400|-?[0-9.]{1,5})"\]\]\}\]\}\}"#,
            r#"\{"status":"error","errorType":".{0,9}","error":"[0-9:]{0,9}: parse error: .{0,20}"\}"#,
        ],
        start in any::<i32>(), step in 1u32..100_000, count in 0usize..500,
    ) {
        if let Ok(graph) = decode::graph(&reply(status, body), i64::from(start), step, count) {
            prop_assert!(graph.series.iter().all(|series| series.points.len() == count));
        }
    }
}

/// Answers the first requests with these bodies, one each, then with the last one for ever.
async fn scripted(answers: Vec<(u16, String, String)>) -> (Caller, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    tokio::spawn(async move {
        for n in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = vec![0; 64 << 10];
            let read = stream.read(&mut buffer).await.unwrap();
            let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
            heard.lock().unwrap().push(text.lines().next().unwrap_or_default().to_owned());
            let (status, more, body) = answers.get(n).or(answers.last()).unwrap();
            let head = format!(
                "HTTP/1.1 {status} x\r\n{more}Connection: close\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            // Who has read enough of it hangs up.
            stream.write_all(format!("{head}{body}").as_bytes()).await.ok();
            stream.shutdown().await.ok();
        }
    });
    rustls::crypto::ring::default_provider().install_default().ok();
    let upstream =
        Upstream { server: Server::Prometheus, address: Address::Url(url.into()), access: Access::default() };
    (Caller::new(Client::new(Arc::new(upstream), None, Limits::default())), asked)
}

fn request(caller: &Caller, query: &str) -> GraphRequest {
    let upstream = Arc::new(caller.client.upstream().clone());
    GraphRequest::new(upstream, query, 60, 12)
}

async fn told(
    caller: Caller,
    request: GraphRequest,
    answers: usize,
) -> Vec<Result<Box<Graph>, GraphProblem>> {
    let (out, mut inbox) = mpsc::channel(8);
    let clock = Clock::from(Instant::now());
    let task = tokio::spawn(follow(caller, Arc::new(request), Duration::ZERO, clock, out));
    let mut all = Vec::new();
    while all.len() < answers {
        let Some(msg) = inbox.recv().await else { break };
        let Msg::Graph(_, _, answer) = msg else { panic!("{msg:?}") };
        all.push(answer);
    }
    task.abort();
    all
}

const EMPTY: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;

#[tokio::test]
async fn a_graph_is_asked_for_on_the_grid_and_again_after_a_failure() {
    let busy = (503, String::new(), r#"{"status":"error","errorType":"timeout","error":"late"}"#.to_owned());
    let (caller, asked) = scripted(vec![busy, (200, String::new(), EMPTY.to_owned())]).await;
    let request = request(&caller, "up");
    assert_eq!((request.step, request.range), (5, 60));
    let answers = told(caller, request, 2).await;
    assert!(!answers[0].as_ref().unwrap_err().lasting);
    let graph = answers[1].as_ref().unwrap();
    assert_eq!((graph.start.0 % 5, graph.step), (0, 5));
    let line = asked.lock().unwrap()[1].clone();
    let (start, end) = (graph.start.0, graph.start.0 + 60);
    let expected = format!("GET /api/v1/query_range?query=up&start={start}&end={end}&step=5&");
    assert!(line.starts_with(&expected), "{line}");
}

#[tokio::test]
async fn another_clock_is_told_and_followed() {
    let date = "Date: Fri, 01 Jan 2100 00:00:00 GMT\r\n".to_owned();
    let (caller, asked) = scripted(vec![(200, date, EMPTY.to_owned())]).await;
    let answers = told(caller.clone(), request(&caller, "up"), 2).await;
    for graph in answers.iter().map(|answer| answer.as_ref().unwrap()) {
        assert!(graph.warnings[0].contains("ahead of ours"), "{:?}", graph.warnings);
        // Its points are of its own clock, from the first answer on.
        assert!(
            graph.start.0 > 4_102_444_000 && graph.skew > 2_000_000_000,
            "{:?} {}",
            graph.start,
            graph.skew
        );
    }
    let asked = asked.lock().unwrap();
    assert!(!asked[0].contains("&end=41024448") && asked[1].contains("&end=41024448"), "{asked:?}");
    assert!(asked.len() < 4, "it is asked twice only once: {asked:?}");
}

#[tokio::test]
async fn a_mistake_in_what_was_typed_is_shown_there() {
    let wrong = |at: &str| {
        let body = r#"{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": PLACE: parse error: expected type range vector"}"#;
        (400, String::new(), body.replace("PLACE", at))
    };
    let (caller, asked) =
        scripted(vec![wrong("1:30"), wrong("1:6"), (404, String::new(), String::new())]).await;
    let confined =
        GraphRequest { typed: Some("rate(up)".into()), ..request(&caller, "rate(up{cluster=\"eu\"})") };
    let answers = told(caller.clone(), confined.clone(), 1).await;
    assert_eq!(answers[0].as_ref().unwrap_err().position, Some((1, 6)));
    assert!(
        asked.lock().unwrap()[1].starts_with("GET /api/v1/format_query?query=rate%28up%29 "),
        "{asked:?}"
    );
    // A server that does not format queries: the place would be a wrong one.
    let (caller, _) = scripted(vec![wrong("1:30"), (404, String::new(), String::new())]).await;
    let problem = told(caller, confined, 1).await.remove(0).unwrap_err();
    assert_eq!(problem.position, None);
    assert!(problem.words.contains("expected type range vector"), "{problem:?}");
}

#[tokio::test]
async fn what_is_none_of_prometheus_is_told_and_asked_again() {
    let page =
        (200, "Content-Type: text/html\r\n".to_owned(), "<!DOCTYPE html><title>Sign in</title>".to_owned());
    let away = (302, "Location: http://127.0.0.2:1/login\r\n".to_owned(), String::new());
    let broken = (500, String::new(), "upstream gone".to_owned());
    for (reply, words) in [(page, "a login page perhaps"), (away, "redirects"), (broken, "500")] {
        let (caller, asked) = scripted(vec![reply, (200, String::new(), EMPTY.to_owned())]).await;
        let answers = told(caller.clone(), request(&caller, "up"), 2).await;
        let problem = answers[0].as_ref().unwrap_err();
        assert!(problem.words.contains(words) && !problem.lasting, "{words}: {problem:?}");
        assert!(answers[1].is_ok() && asked.lock().unwrap().len() == 2, "{words}: {answers:?}");
    }
}

#[tokio::test]
async fn more_than_is_read_of_an_answer_names_the_way_out_and_is_not_asked_for_again_and_again() {
    let body = |series: usize, value: &str| {
        let values: Vec<String> =
            (0..181).map(|n| format!(r#"[{},"{value}"]"#, 1_796_000_000 + n * 5)).collect();
        let (values, long) = (values.join(","), "x".repeat(400));
        let one = |n: usize| format!(r#"{{"metric":{{"n":"{n}","long":"{long}"}},"values":[{values}]}}"#);
        let all: Vec<String> = (0..series).map(one).collect();
        format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{}]}}}}"#, all.join(","))
    };
    // Numbers as rates have them, behind long labels: 33 MB.
    let large = body(5_000, "0.01666685185390946");
    assert!(large.len() > 30 << 20);
    let (caller, asked) = scripted(vec![(200, String::new(), large)]).await;
    let typed = GraphRequest { typed: Some("up".into()), range: 900, ..request(&caller, "up{a=\"b\"}") };
    let problem = told(caller, typed, 1).await.remove(0).unwrap_err();
    for words in ["too many series", "16 MiB", "181 points", "topk(20, …)", "sum by (…)", "a shorter range"]
    {
        assert!(problem.words.contains(words), "{words}: {problem:?}");
    }
    assert!(problem.lasting && problem.position.is_none(), "{problem:?}");
    assert_eq!(asked.lock().unwrap().len(), 1, "it is no mistake to look for");
    // What is just within it is drawn: the largest of them.
    let (caller, _) = scripted(vec![(200, String::new(), body(2_500, "7"))]).await;
    let graph = told(caller.clone(), request(&caller, "up"), 1).await.remove(0).unwrap();
    assert_eq!((graph.series.len(), graph.left_out), (MOST_SERIES, 2_400));
}

#[tokio::test]
async fn what_could_not_be_read_here_is_only_explained() {
    let wrong = r#"{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:4: parse error: no"}"#;
    let (caller, asked) = scripted(vec![(400, String::new(), wrong.to_owned())]).await;
    let unread = GraphRequest { unread: Some("ours".into()), ..request(&caller, "up{") };
    let answers = told(caller, unread, 1).await;
    assert_eq!(answers[0].as_ref().unwrap_err().position, Some((1, 4)));
    assert!(asked.lock().unwrap()[0].starts_with("GET /api/v1/format_query?query=up%7B "), "{asked:?}");
}

#[tokio::test]
async fn a_survey_learns_names_labels_and_the_interval() {
    let names = r#"{"status":"success","data":["http_requests_total","other"]}"#;
    let labels = r#"{"status":"success","data":["code","namespace","pod"]}"#;
    let ok = |body: &str| (200, String::new(), body.to_owned());
    let scrapes = |counts: &[u32]| {
        let one = |(nth, count)| format!(r#"{{"metric":{{"job":"{nth}"}},"value":[1,"{count}"]}}"#);
        let found: Vec<String> = counts.iter().enumerate().map(one).collect();
        let found = found.join(",");
        ok(&format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{found}]}}}}"#))
    };
    // How often the targets of each job were scraped in the last ten seconds, minute and ten minutes; and every how many
    // seconds all of them are at least.
    let servers: [([&[u32]; 3], Option<u32>); 7] = [
        ([&[1], &[4], &[40]], Some(15)),
        ([&[5], &[8], &[8]], Some(2)),
        ([&[1], &[1], &[10]], Some(60)),
        ([&[0], &[1], &[1]], None),
        ([&[], &[], &[]], None),
        // The node exporter every 15 s, the apps every minute: a rate of theirs wants four minutes.
        ([&[1, 0], &[4, 1], &[40, 10]], Some(60)),
        // One that comes every five minutes is looked at by hand.
        ([&[1, 0], &[4, 0], &[40, 2]], Some(75)),
    ];
    for (seen, interval) in servers {
        let answers =
            [ok(names), ok(labels)].into_iter().chain(seen.iter().map(|counts| scrapes(counts))).collect();
        let (caller, asked) = scripted(answers).await;
        let request = SurveyRequest {
            upstream: Arc::new(caller.client.upstream().clone()),
            selector: "{cluster=\"eu\"}".into(),
            names: Arc::from(["app_requests_total".into(), "http_requests_total".into()]),
        };
        let survey = survey_once(&caller, &request, Stamp(10_000)).await.unwrap();
        assert!(survey.has("http_requests_total") && !survey.has("app_requests_total"));
        assert_eq!(survey.labels("http_requests_total").unwrap().len(), 3);
        assert_eq!(survey.interval, interval, "{seen:?}");
        let asked = asked.lock().unwrap().clone();
        assert!(asked[0].contains("match%5B%5D=%7B__name__%3D~%22app_requests_total%7Chttp_requests_total%22%2Ccluster%3D%22eu%22%7D"), "{asked:?}");
    }
}
