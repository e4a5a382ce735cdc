use proptest::prelude::*;

use super::*;
use crate::domain::time::Stamp;

fn read(body: &str) -> Rulebook {
    rules(body.as_bytes(), &mut Interner::new()).unwrap()
}

const PROMETHEUS: &str = r#"{"status":"success","warnings":["one store is down"],"data":{"groups":[
  {"name":"shop","file":"/etc/rules.yml","interval":30,"rules":[
    {"state":"firing","name":"CartErrorBudgetBurn","query":"errors / requests > 0.02","duration":120,"keepFiringFor":0,
     "labels":{"severity":"critical"},"annotations":{"summary":"{{ $value }}"},"health":"ok","evaluationTime":0.1,
     "lastEvaluation":"2026-03-14T14:31:55.1Z","type":"alerting","alerts":[
       {"labels":{"severity":"critical","alertname":"CartErrorBudgetBurn","app":"cart"},
        "annotations":{"summary":"9.1 % of requests fail\nlook now","runbook_url":"https://runbooks.example/burn"},
        "state":"firing","activeAt":"2026-03-14T14:24:10.123Z","value":"9.1e-02"},
       {"labels":{"alertname":"CartErrorBudgetBurn","app":"media"},"annotations":{},"state":"pending",
        "activeAt":"2026-03-14T14:31:10Z","value":"NaN"}]},
    {"state":"inactive","name":"Quiet","query":"up == 0","duration":60,"health":"ok","type":"alerting","alerts":[]},
    {"state":"unknown","name":"Broken","query":"a + b","health":"err","lastError":"many-to-many","type":"alerting"},
    {"name":"job:up:sum","query":"sum(up)","health":"ok","type":"recording"}]}]}}"#;

#[test]
fn rules_with_their_alerts_are_read_and_quiet_ones_only_counted() {
    let book = read(PROMETHEUS);
    assert_eq!(book.rules, Some(3));
    assert_eq!(book.warnings, ["one store is down".into()]);
    let [burn, media] = &book.alerts[..] else { panic!("{book:?}") };
    assert_eq!(
        (&burn.phase, burn.active_at, burn.value),
        (&Phase::Firing, Some(Stamp(1_773_498_250)), Some(0.091))
    );
    let rule = burn.rule.as_ref().unwrap();
    assert_eq!((&*rule.expr, rule.hold, &*rule.group), ("errors / requests > 0.02", 120, "shop"));
    assert_eq!(&**burn.annotations.get("summary").unwrap(), "9.1 % of requests fail↵look now");
    assert_eq!((&media.phase, media.value.is_some_and(f64::is_nan)), (&Phase::Pending, true));
    assert!(Arc::ptr_eq(rule, media.rule.as_ref().unwrap()), "alerts of a rule share it");
    let failing: Vec<_> = book.failing.iter().map(|rule| (&*rule.name, &*rule.error)).collect();
    assert_eq!(failing, [("Broken", "many-to-many")]);
}

#[test]
fn vmalert_and_grafana_say_the_same_in_their_words() {
    let book = read(
        r#"{"status":"success","data":{"groups":[{"name":"g","id":"1","rules":[
            {"type":"alerting","name":"Down","query":"up == 0","duration":10.5,"state":"firing","health":"no match","alerts":[
              {"state":"firing","name":"Down","value":"0","labels":{"job":"x"},"activeAt":"2026-03-14T14:00:00Z","expression":"up == 0"},
              {"state":"inactive","name":"Down","labels":{"job":"y"}},
              {"state":"Alerting","labels":{"job":"z"}},
              {"state":"Recovering","labels":{"job":"r"}}]}]}]}}"#,
    );
    let told: Vec<_> =
        book.alerts.iter().map(|a| (a.phase.word(), &**a.labels.get("job").unwrap())).collect();
    assert_eq!(told, [("firing", "x"), ("firing", "z"), ("Recovering", "r")]);
    assert_eq!(book.alerts[0].labels.get("alertname").map(|name| &**name), Some("Down"));
    assert_eq!(book.alerts[0].rule.as_ref().unwrap().hold, 11);

    let alone = read(
        r#"{"status":"success","data":{"alerts":[{"state":"firing","name":"Down","expression":"up == 0","labels":{}}]}}"#,
    );
    assert_eq!((alone.rules, alone.alerts.len()), (None, 1));
    assert_eq!(&*alone.alerts[0].rule.as_ref().unwrap().expr, "up == 0");
    assert_eq!(read(r#"{"status":"success","data":{"alerts":[]}}"#).rules, Some(0));
}

#[test]
fn what_is_no_answer_is_told_in_its_words() {
    let refused = |body: &str| rules(body.as_bytes(), &mut Interner::new()).unwrap_err();
    assert_eq!(
        refused(r#"{"status":"error","errorType":"unavailable","error":"rule manager not ready\u001b[2J"}"#),
        "The server says: rule manager not ready (unavailable)."
    );
    assert!(refused("<html>login</html>").contains("no JSON"));
    assert_eq!(refused("{}"), "The answer is none of an alerts API.");
    let list = |body: &str| groups(body.as_bytes(), &mut Interner::new()).unwrap_err();
    assert_eq!(list(r#"{"status":"error","error":"tenant unknown"}"#), "The server says: tenant unknown");
    assert_eq!(list("null"), "The answer is no list of alerts.");
    assert!(list("").contains("no JSON"));
}

const GROUPS: &str = r#"[
  {"labels":{"alertname":"A"},"receiver":{"name":"pager"},"alerts":[
    {"annotations":{"x":"\u001b]0;owned\u0007y"},"endsAt":"2026-03-14T14:40:00Z","fingerprint":"f1","receivers":[{"name":"pager"},{"name":"mail"}],
     "startsAt":"2026-03-14T14:26:10.000Z","status":{"inhibitedBy":[],"mutedBy":["nights"],"silencedBy":["s1"],"state":"suppressed"},
     "generatorURL":"http://prometheus/graph?g0.expr=up","labels":{"alertname":"A","cluster":"gke"}}]},
  {"labels":{},"receiver":{"name":"mail"},"alerts":[
    {"fingerprint":"f1","labels":{"alertname":"A","cluster":"gke"},"status":{"state":"suppressed","silencedBy":["s1"]}},
    {"fingerprint":"f2","labels":{"alertname":"B"},"startsAt":"0001-01-01T00:00:00Z","status":{"state":"active","inhibitedBy":["f1"]}}]}]"#;

#[test]
fn an_alert_in_two_groups_is_one() {
    let alerts = groups(GROUPS.as_bytes(), &mut Interner::new()).unwrap();
    let told: Vec<_> = alerts.iter().map(|a| (&*a.fingerprint, &*a.state, a.starts_at)).collect();
    assert_eq!(told, [("f1", "suppressed", Some(Stamp(1_773_498_370))), ("f2", "active", None)]);
    assert_eq!(alerts[0].receivers, ["pager".into(), "mail".into()]);
    let told: Vec<_> = alerts[0].groups.iter().map(|group| (&*group.receiver, group.alerts)).collect();
    assert_eq!(told, [("pager", 1), ("mail", 2)]);
    assert_eq!(alerts[0].groups[0].labels.get("alertname").map(|name| &**name), Some("A"));
    assert_eq!(alerts[1].groups, [alerts[0].groups[1].clone()]);
    assert_eq!(alerts[0].muted_by, ["nights".into()]);
    assert_eq!(&**alerts[0].annotations.get("x").unwrap(), "y", "escape sequences are gone");
    assert_eq!(silences_of(&alerts), HashSet::from(["s1".into()]));
}

#[test]
fn only_silences_that_are_asked_for_are_kept() {
    let body = r#"[
      {"id":"s1","status":{"state":"active"},"matchers":[{"name":"alertname","value":"A","isRegex":false,"isEqual":true},
        {"name":"pod","value":"cart-.*","isRegex":true},{"name":"x","value":"y","isEqual":false}],
       "startsAt":"2026-03-14T14:00:00Z","endsAt":"2026-03-14T16:00:00Z","createdBy":"ann","comment":"known\nbug"},
      {"id":"s2","status":{"state":"active"},"matchers":[]},
      {"id":"s1","status":{"state":"expired"},"matchers":[]}]"#;
    let wanted = HashSet::from(["s1".into()]);
    let told = silences(body.as_bytes(), &wanted, &mut Interner::new()).unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].matchers, [r#"alertname="A""#.into(), r#"pod=~"cart-.*""#.into(), r#"x!="y""#.into()]);
    assert_eq!((&*told[0].created_by, &*told[0].comment), ("ann", "known↵bug"));
    assert_eq!(told[0].ends_at, Some(Stamp(1_773_504_000)));
}

#[test]
fn texts_without_end_are_cut() {
    let huge = "ä".repeat(200_000);
    let body = format!(
        r#"{{"status":"success","data":{{"groups":[{{"name":"g","rules":[{{"type":"alerting","name":"A","query":"{huge}",
        "alerts":[{{"state":"firing","labels":{{"l":"{huge}"}},"annotations":{{"a":"{huge}"}}}}]}}]}}]}}}}"#
    );
    let book = read(&body);
    let alert = &book.alerts[0];
    assert!(alert.labels.get("l").unwrap().len() <= LABEL);
    assert!(alert.annotations.get("a").unwrap().len() <= PROSE);
    assert!(alert.rule.as_ref().unwrap().expr.len() <= PROSE);
}

/// Anything that JSON can say, with the words of these APIs among its keys.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "\\PC{0,8}|success|firing|pending|alerting|err|NaN|[\\x00-\\x1f]{0,4}".prop_map(Into::into),
    ];
    let key = prop_oneof![
        "status|data|groups|rules|alerts|labels|annotations|state|type|name|query|duration|health|activeAt|value",
        "fingerprint|silencedBy|receivers|matchers|id|isEqual|startsAt|endsAt|[a-z]{1,3}",
    ];
    leaf.prop_recursive(6, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::vec((key.clone(), inner), 0..8)
                .prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn nothing_that_is_json_breaks_the_readers(value in json(), bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let text = value.to_string();
        let envelope = serde_json::json!({"status": "success", "data": value}).to_string();
        let group = serde_json::json!({"status": "success", "data": {"groups": [{"rules": [{"alerts": [value]}]}]}}).to_string();
        for body in [text.as_bytes(), envelope.as_bytes(), group.as_bytes(), &bytes] {
            let mut interner = Interner::new();
            if let Ok(book) = rules(body, &mut interner) {
                for alert in &book.alerts {
                    for (key, value) in alert.labels.0.iter().chain(alert.annotations.0.iter()) {
                        prop_assert!(!key.chars().chain(value.chars()).any(char::is_control));
                    }
                }
            }
            let _ = groups(body, &mut interner);
            if let Ok(list) = alerts(body, &mut interner) {
                let _ = silences(body, &silences_of(&list), &mut interner);
            }
        }
    }

    #[test]
    fn no_number_breaks_a_duration(text in "\\PC{0,12}|-?[0-9]{1,30}(\\.[0-9]{1,5})?(e[0-9]{1,4})?") {
        prop_assert!(seconds(&text) <= 31_536_000);
    }
}
