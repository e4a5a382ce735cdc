//! What Alertmanager answers: alerts in their groups, and silences from their making to their end.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::client::{Servers, encoded, has, keys};

/// A UUID that nobody has.
const NOBODY: &str = "0b0c4d6e-2f11-4d3e-9a4c-000000000000";

/// A time so many minutes from now.
fn at(minutes: i64) -> String {
    (Timestamp::now() + SignedDuration::from_mins(minutes)).to_string()
}

/// The wish for a silence of an hour, with this over it; what is null is left out.
fn wish(over: &Value) -> String {
    let mut wish = json!({
        "matchers": [{"name": "alertname", "value": "Watch.*", "isRegex": true, "isEqual": true}],
        "startsAt": at(0), "endsAt": at(60), "createdBy": "alice", "comment": "quiet",
    });
    let fields = wish.as_object_mut().unwrap();
    for (key, value) in over.as_object().unwrap() {
        match value {
            Value::Null => fields.remove(key),
            value => fields.insert(key.clone(), value.clone()),
        };
    }
    wish.to_string()
}

async fn watchdog(of: &Servers) -> Value {
    let found = of.told(&format!("alerts?filter={}", encoded("alertname=\"Watchdog\""))).await;
    assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
    found[0].clone()
}

async fn alerts(of: &Servers) {
    let alert = watchdog(of).await;
    let all = [
        "annotations",
        "endsAt",
        "fingerprint",
        "generatorURL",
        "labels",
        "receivers",
        "startsAt",
        "status",
        "updatedAt",
    ];
    assert_eq!(keys(&alert), all);
    assert_eq!(keys(&alert["status"]), ["inhibitedBy", "mutedBy", "silencedBy", "state"]);
    assert_eq!(alert["status"]["state"], "active");
    assert_eq!(alert["receivers"], json!([{"name": "null"}]), "by its route");
    assert_eq!(alert["fingerprint"].as_str().unwrap().len(), 16);
    let groups = of.told(&format!("alerts/groups?filter={}", encoded("alertname=\"Watchdog\""))).await;
    let [group] = &groups.as_array().unwrap()[..] else { panic!("{groups}") };
    assert_eq!(keys(group), ["alerts", "labels", "receiver"]);
    assert_eq!(
        (&group["labels"], &group["receiver"]),
        (&json!({"alertname": "Watchdog"}), &json!({"name": "null"}))
    );
    assert_eq!(group["alerts"][0]["fingerprint"], alert["fingerprint"]);
    let mut names: Vec<Value> = of.told("receivers").await.as_array().unwrap().clone();
    names.sort_by_key(Value::to_string);
    assert_eq!(
        json!(names),
        json!([{"name": "chat-platform"}, {"name": "chat-shop"}, {"name": "null"}, {"name": "pager-web"}])
    );
    let status = of.told("status").await;
    assert_eq!(keys(&status), ["cluster", "config", "uptime", "versionInfo"]);
    has(&status["versionInfo"], &["version", "revision", "branch", "buildUser", "buildDate", "goVersion"]);
    assert!(status["config"]["original"].as_str().unwrap().contains("inhibit_rules:"), "{status}");
}

async fn filters(of: &Servers) {
    for (filter, there) in [
        ("alertname=Watchdog", true),
        ("alertname=~\"Watch.*\"", true),
        ("alertname!=\"Watchdog\"", false),
        ("alertname!~\"Watch.*\"", false),
        ("alertname=~\"Watch\"", false),
        ("severity=\"none\"", true),
        ("namespace=\"\"", true),
        ("alertname=\"None\"", false),
    ] {
        let found = of.told(&format!("alerts?filter={}", encoded(filter))).await;
        let is_there = found.as_array().unwrap().iter().any(|a| a["labels"]["alertname"] == "Watchdog");
        assert_eq!(is_there, there, "{filter}: {found}");
    }
    let both = format!("alerts?filter={}&filter={}", encoded("severity=none"), encoded("alertname=None"));
    assert_eq!(of.told(&both).await, json!([]), "all of them have to hold");
    let null = of.told("alerts?receiver=nul.").await;
    assert!(null.as_array().unwrap().iter().all(|a| a["receivers"][0]["name"] == "null"), "{null}");
    assert!(!null.as_array().unwrap().is_empty());
    assert_eq!(of.told("alerts?receiver=nul").await, json!([]), "a whole name");
    assert!(!of.told("alerts?active=false").await.to_string().contains("Watchdog"));
    for path in ["alerts?filter=bad", "alerts/groups?filter=bad", "silences?filter=bad"] {
        let answer = of.of_alertmanager("GET", &format!("api/v2/{path}"), "").await;
        assert_eq!((answer.code, answer.json()), (400, json!("bad matcher format: bad")), "{path}");
    }
    let answer = of.of_alertmanager("GET", "api/v2/alerts?receiver=(", "").await;
    assert_eq!(answer.code, 400);
    assert!(
        answer.text.starts_with("\"failed to parse receiver param: error parsing regexp: "),
        "{}",
        answer.text
    );
}

/// Makes or changes a silence, and gives its id.
async fn put(of: &Servers, over: &Value) -> String {
    let answer = of.of_alertmanager("POST", "api/v2/silences", &wish(over)).await;
    let body = answer.json();
    assert_eq!((answer.code, keys(&body)), (200, vec!["silenceID"]), "{body}");
    body["silenceID"].as_str().unwrap().to_owned()
}

async fn state(of: &Servers, id: &str) -> String {
    of.told(&format!("silence/{id}")).await["status"]["state"].as_str().unwrap().to_owned()
}

async fn ended(of: &Servers, id: &str) {
    let answer = of.of_alertmanager("DELETE", &format!("api/v2/silence/{id}"), "").await;
    assert_eq!((answer.code, answer.text.as_str()), (200, ""));
    assert_eq!(state(of, id).await, "expired");
}

/// Waits until the alert is so: Alertmanager looks at what silences it once in a while.
async fn until_silenced_by(of: &Servers, by: &Value) {
    let so = async {
        while watchdog(of).await["status"]["silencedBy"] != *by {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), so).await.unwrap();
}

async fn silences_come_and_go(of: &Servers) {
    let id = put(of, &json!({})).await;
    let one = of.told(&format!("silence/{id}")).await;
    let all = ["comment", "createdBy", "endsAt", "id", "matchers", "startsAt", "status", "updatedAt"];
    has(&one, &all);
    assert_eq!(one["status"], json!({"state": "active"}));
    assert_eq!((&one["createdBy"], &one["comment"]), (&json!("alice"), &json!("quiet")));
    assert_eq!(
        one["matchers"],
        json!([{"name": "alertname", "value": "Watch.*", "isRegex": true, "isEqual": true}])
    );
    until_silenced_by(of, &json!([id])).await;
    assert_eq!(watchdog(of).await["status"]["state"], "suppressed");
    assert!(!of.told("alerts?silenced=false").await.to_string().contains("Watchdog"));
    assert!(
        of.told("alerts/groups").await.to_string().contains("Watchdog"),
        "suppressed ones are told of too"
    );

    // Longer is the same silence; another beginning or other matchers are another one, and end it.
    let began = &one["startsAt"];
    assert_eq!(
        put(of, &json!({"id": id, "startsAt": began, "endsAt": at(120), "comment": "longer"})).await,
        id
    );
    let moved = put(of, &json!({"id": id, "startsAt": at(-1)})).await;
    assert_ne!(moved, id);
    assert_eq!((state(of, &id).await, state(of, &moved).await), ("expired".to_owned(), "active".to_owned()));
    let id = moved;
    let exact = json!([{"name": "alertname", "value": "Watchdog", "isRegex": false, "isEqual": true}]);
    let other = put(of, &json!({"id": id, "startsAt": began, "matchers": exact})).await;
    assert_ne!(other, id);
    assert_eq!((state(of, &id).await, state(of, &other).await), ("expired".to_owned(), "active".to_owned()));
    until_silenced_by(of, &json!([other])).await;
    ended(of, &other).await;
    until_silenced_by(of, &json!([])).await;
    // Twice is once.
    ended(of, &other).await;
    let again = put(of, &json!({"id": other, "matchers": exact})).await;
    assert_ne!(again, other, "what is over stays over");
    ended(of, &again).await;

    let later = put(of, &json!({"startsAt": at(60), "endsAt": at(120), "matchers": exact})).await;
    assert_eq!(state(of, &later).await, "pending");
    let ours = of.told(&format!("silences?filter={}", encoded("alertname=\"Watchdog\""))).await;
    let states: Vec<(&str, &str)> = ours
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (s["id"].as_str().unwrap(), s["status"]["state"].as_str().unwrap()))
        .collect();
    assert_eq!(
        states,
        [(&*later, "pending"), (&*again, "expired"), (&*other, "expired")],
        "by the values of its matchers"
    );
    ended(of, &later).await;
    let never = of.told(&format!("silence/{later}")).await;
    assert!(never["startsAt"].as_str() <= never["endsAt"].as_str(), "it ends as it begins: {never}");
}

/// Silences that are none: what is wrong, the code, the code in the body (0: a text alone), the words.
async fn silences_are_judged(of: &Servers) {
    let matcher = |matcher: Value| json!({"matchers": [matcher]});
    for (over, code, form, words) in [
        (
            json!({"startsAt": "2019-01-01T00:00:00Z", "endsAt": "2020-01-01T00:00:00Z"}),
            400,
            0,
            "Failed to create silence: end time can't be in the past",
        ),
        (
            json!({"startsAt": at(60), "endsAt": at(-60)}),
            400,
            0,
            "Failed to create silence: start time must be before end time",
        ),
        (json!({"matchers": []}), 422, 612, "matchers in body should have at least 1 items"),
        (json!({"matchers": null}), 422, 602, "matchers in body is required"),
        (json!({"comment": null}), 422, 602, "comment in body is required"),
        (json!({"createdBy": null}), 422, 602, "createdBy in body is required"),
        (json!({"startsAt": null}), 422, 602, "startsAt in body is required"),
        (json!({"endsAt": null}), 422, 602, "endsAt in body is required"),
        (matcher(json!({"name": "a", "value": "b"})), 422, 602, "matchers.0.isRegex in body is required"),
        (matcher(json!({"name": "a", "isRegex": false})), 422, 602, "matchers.0.value in body is required"),
        (matcher(json!({"value": "b", "isRegex": false})), 422, 602, "matchers.0.name in body is required"),
        (
            matcher(json!({"name": "a", "value": ".*", "isRegex": true})),
            400,
            0,
            "invalid silence: at least one matcher must not match the empty string",
        ),
        (json!({"id": NOBODY}), 404, 0, "silence not found"),
        (json!({"id": "none"}), 404, 0, "silence not found"),
    ] {
        let answer = of.of_alertmanager("POST", "api/v2/silences", &wish(&over)).await;
        let body = if form == 0 { json!(words) } else { json!({"code": form, "message": words}) };
        assert_eq!((answer.code, answer.json()), (code, body), "{over}");
    }
    // The rest of these words is of the language that each is written in.
    let regex = wish(&matcher(json!({"name": "a", "value": "(", "isRegex": true})));
    for (sent, code, words) in [
        (regex.as_str(), 400, "\"invalid silence: invalid label matcher 0: "),
        ("{", 400, "{\"code\":400,\"message\":\"parsing silence body from \\\"\\\" failed, because "),
        ("[]", 400, "{\"code\":400,\"message\":\"parsing silence body from \\\"\\\" failed, because "),
        (
            "{\"endsAt\":\"x\"}",
            400,
            "{\"code\":400,\"message\":\"parsing silence body from \\\"\\\" failed, because ",
        ),
        ("", 422, "{\"code\":602,\"message\":\"silence in body is required\"}"),
    ] {
        let answer = of.of_alertmanager("POST", "api/v2/silences", sent).await;
        assert_eq!(answer.code, code, "{sent}: {}", answer.text);
        assert!(answer.text.starts_with(words), "{sent}: {}", answer.text);
    }
}

async fn what_is_not_there(of: &Servers) {
    for method in ["GET", "DELETE"] {
        let answer = of.of_alertmanager(method, &format!("api/v2/silence/{NOBODY}"), "").await;
        assert_eq!((answer.code, answer.text.as_str()), (404, ""), "{method}");
        let answer = of.of_alertmanager(method, "api/v2/silence/none", "").await;
        let words = "silenceID in path must be of type uuid: \"none\"";
        assert_eq!((answer.code, answer.json()), (422, json!({"code": 601, "message": words})), "{method}");
    }
    for (path, may) in [
        ("status", "GET"),
        ("receivers", "GET"),
        ("alerts/groups", "GET"),
        (&*format!("silence/{NOBODY}"), "DELETE,GET"),
    ] {
        let answer = of.of_alertmanager("POST", &format!("api/v2/{path}"), "").await;
        let body = answer.json();
        assert_eq!((answer.code, &body["code"]), (405, &json!(405)), "{path}: {body}");
        // In any order.
        let said = body["message"].as_str().unwrap();
        let but = said
            .strip_prefix("method POST is not allowed, but [")
            .and_then(|rest| rest.strip_suffix("] are"));
        let mut methods: Vec<&str> = but.unwrap_or(said).split(',').collect();
        methods.sort_unstable();
        assert_eq!(methods.join(","), may, "{path}: {said}");
    }
    let answer = of.of_alertmanager("GET", "api/v2/nothing", "").await;
    assert_eq!(
        (answer.code, answer.json()),
        (404, json!({"code": 404, "message": "path /api/v2/nothing was not found"}))
    );
    assert_eq!(of.of_alertmanager("GET", "nothing", "").await.text, "404 page not found\n");
    assert_eq!(of.of_alertmanager("GET", "api/v1/alerts", "").await.code, 410);
    for path in ["-/ready", "-/healthy"] {
        let answer = of.of_alertmanager("GET", path, "").await;
        assert_eq!((answer.code, answer.text.as_str()), (200, "OK"), "{path}");
    }
}

judged!(alerts, filters, silences_come_and_go, silences_are_judged, what_is_not_there);
