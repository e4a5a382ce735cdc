//! What Prometheus refuses, with its code, its kind and its words: operators read them, with the place in the query.

use super::client::{Servers, encoded};

/// Parameters that are none, and what is said.
const PARAMETERS: [(&str, &str); 27] = [
    (
        "query?query=up&time=abc",
        "invalid parameter \"time\": invalid time value for 'time': cannot parse \"abc\" to a valid timestamp",
    ),
    ("query?query=up&timeout=x", "invalid parameter \"timeout\": cannot parse \"x\" to a valid duration"),
    ("query?query=up&limit=x", "invalid parameter \"limit\": strconv.Atoi: parsing \"x\": invalid syntax"),
    (
        "query?query=1&lookback_delta=x",
        "error parsing lookback delta duration: cannot parse \"x\" to a valid duration",
    ),
    (
        "query_range?query=up&start=1700000000&end=1700100000&step=1",
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
    ),
    (
        "query_range?query=up&start=0&end=11001&step=1",
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
    ),
    (
        "query_range?query=up&start=5&end=1&step=1",
        "invalid parameter \"end\": end timestamp must not be before start time",
    ),
    (
        "query_range?query=up&start=x&end=1&step=1",
        "invalid parameter \"start\": cannot parse \"x\" to a valid timestamp",
    ),
    (
        "query_range?query=up&end=1&step=1",
        "invalid parameter \"start\": cannot parse \"\" to a valid timestamp",
    ),
    (
        "query_range?query=up&start=1&step=1",
        "invalid parameter \"end\": cannot parse \"\" to a valid timestamp",
    ),
    (
        "query_range?query=up&start=1&end=5&step=0",
        "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer",
    ),
    (
        "query_range?query=up&start=1&end=5&step=-1",
        "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer",
    ),
    (
        "query_range?query=up&start=1&end=5&step=x",
        "invalid parameter \"step\": cannot parse \"x\" to a valid duration",
    ),
    (
        "query_range?query=up&start=1&end=5",
        "invalid parameter \"step\": cannot parse \"\" to a valid duration",
    ),
    (
        "query_range?query=up&start=1&end=5&step=1&timeout=x",
        "invalid parameter \"timeout\": cannot parse \"x\" to a valid duration",
    ),
    (
        "query_range?query=up%5B5m%5D&start=1&end=5&step=1",
        "invalid parameter \"query\": invalid expression type \"range vector\" for range query, must be Scalar or instant Vector",
    ),
    (
        "query_range?query=%22a%22&start=1&end=5&step=1",
        "invalid parameter \"query\": invalid expression type \"string\" for range query, must be Scalar or instant Vector",
    ),
    ("series", "no match[] parameter provided"),
    (
        "series?match[]=%7B%7D",
        "invalid parameter \"match[]\": match[] must contain at least one non-empty matcher",
    ),
    (
        "series?match[]=up%7B",
        "invalid parameter \"match[]\": 1:4: parse error: unexpected end of input inside braces",
    ),
    (
        "series?match[]=up&start=x",
        "invalid parameter \"start\": invalid time value for 'start': cannot parse \"x\" to a valid timestamp",
    ),
    (
        "labels?end=x",
        "invalid parameter \"end\": invalid time value for 'end': cannot parse \"x\" to a valid timestamp",
    ),
    (
        "label/status/values?start=x",
        "invalid parameter \"start\": invalid time value for 'start': cannot parse \"x\" to a valid timestamp",
    ),
    ("metadata?limit=x", "limit must be a number"),
    ("rules?type=x", "invalid parameter \"type\": not supported value \"x\""),
    (
        "rules?exclude_alerts=x",
        "invalid parameter \"exclude_alerts\": error converting exclude_alerts: strconv.ParseBool: parsing \"x\": invalid syntax",
    ),
    ("rules?match[]=%7B", "1:2: parse error: unexpected end of input inside braces"),
];

/// Queries that are none, and what is said of them after `parse error: `, at this place.
const QUERIES: [(&str, &str, &str); 23] = [
    ("", "unknown position", "no expression found in input"),
    ("sum(up", "1:7", "unclosed left parenthesis"),
    ("sum(\nrate(up[5m])", "2:13", "unclosed left parenthesis"),
    ("up up", "1:4", "unexpected identifier \"up\""),
    ("up )", "1:5", "unexpected right parenthesis ')'"),
    ("sum(rate(x[5m]))) ", "1:18", "unexpected right parenthesis ')'"),
    ("sum by (app) (rate(app_requests_total[5m])) up", "1:45", "unexpected identifier \"up\""),
    ("foo(up)", "1:1", "unknown function with name \"foo\""),
    ("rate(up)", "1:6", "expected type range vector in call to function \"rate\", got instant vector"),
    ("sum(1)", "1:5", "expected type instant vector in aggregation expression, got scalar"),
    ("1 > 2", "1:3", "comparisons between scalars must use BOOL modifier"),
    ("up and 1", "1:1", "set operator \"and\" not allowed in binary scalar expression"),
    ("sum(up and 1)", "1:5", "set operator \"and\" not allowed in binary scalar expression"),
    ("up[5m] + 1", "1:1", "binary expression must contain only scalar and instant vector types"),
    ("{}", "1:1", "vector selector must contain at least one non-empty matcher"),
    ("up{", "1:4", "unexpected end of input inside braces"),
    ("up[", "1:4", "unexpected end of input in duration expression"),
    ("'a", "1:1", "unterminated quoted string"),
    ("up[0s]", "1:4", "duration must be greater than 0"),
    ("up == bool", "1:11", "unexpected end of input"),
    ("vector()", "1:1", "expected 1 argument(s) in call to \"vector\", got 0"),
    ("label_replace(up)", "1:1", "expected 5 argument(s) in call to \"label_replace\", got 1"),
    ("histogram_quantile(up)", "1:1", "expected 2 argument(s) in call to \"histogram_quantile\", got 1"),
];

async fn parameters(of: &Servers) {
    for (path, words) in PARAMETERS {
        let refused = of.refused(path).await;
        assert_eq!(refused, (400, "bad_data".to_owned(), words.to_owned()), "{path}");
    }
}

async fn queries(of: &Servers) {
    for (query, place, words) in QUERIES {
        let words = format!("invalid parameter \"query\": {place}: parse error: {words}");
        for path in ["query?", "query_range?start=1&end=5&step=1&", "format_query?"] {
            let refused = of.refused(&format!("{path}query={}", encoded(query))).await;
            assert_eq!(refused, (400, "bad_data".to_owned(), words.clone()), "{path} of {query}");
        }
    }
}

/// Only what is found tells that it cannot be done.
async fn execution(of: &Servers) {
    let series = "app_requests_total{app=\"cart\",namespace=\"shop-prod\"}";
    let query = encoded(&format!("{series} * on (app) {series}"));
    for path in ["query?", "query_range?start=1&end=5&step=1&"] {
        if path.starts_with("query_range") {
            // Nothing was there then.
            assert_eq!(of.ask(&format!("{path}query={query}")).await["result"], serde_json::json!([]));
            continue;
        }
        let (code, kind, words) = of.refused(&format!("{path}query={query}")).await;
        assert_eq!((code, kind.as_str()), (422, "execution"), "{words}");
        let told = "found duplicate series for the match group {app=\"cart\"} on the right hand-side of the operation: [";
        assert!(words.starts_with(told), "{words}");
        assert!(
            words
                .ends_with("];many-to-many matching not allowed: matching labels must be unique on one side"),
            "{words}"
        );
    }
}

judged!(parameters, queries, execution);
