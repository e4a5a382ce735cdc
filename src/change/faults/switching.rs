//! Switches and their guards on the same bench: `checkout` of development, which leads to green.

use tokio::sync::Notify;

use super::*;
use crate::change::confirm::Refusal;
use crate::change::execute::Ways;
use crate::change::guard::{Guarded, Told};
use crate::change::intent::Switched;
use crate::demo::store::Store;
use crate::domain::traffic::Switching;
use crate::journal::Entry;

/// Where the store is kept for scripts that are written before there is one.
type Later = Arc<Mutex<Option<Store>>>;

fn is_switch(method: &Method, path: &str) -> bool {
    *method == Method::PATCH && path.contains("/services/checkout") && !path.contains("dryRun=All")
}

fn is_pods(method: &Method, path: &str) -> bool {
    *method == Method::GET && path.contains("/pods?labelSelector")
}

fn set_selector(store: &Store, colour: &str) {
    store
        .update("services", NS, "checkout", |service| {
        service["spec"]["selector"]["color"] = json!(colour);
        service["metadata"]["managedFields"] = json!([{"manager": "somebody", "time": "2026-11-21T14:00:00Z",
            "fieldsV1": {"f:spec": {"f:selector": {}}}}]);
    })
    .unwrap();
}

fn window(milliseconds: u64) -> Switching {
    Switching { window: Duration::from_millis(milliseconds), ..Switching::default() }
}

impl Bench {
    fn store(&self) -> Store {
        self.demo.clusters().iter().find(|cluster| cluster.name == "k3s-edge").unwrap().store.clone()
    }

    fn colour(&self) -> String {
        let service = self.store().get("services", NS, "checkout").unwrap();
        service["spec"]["selector"]["color"].as_str().unwrap().to_owned()
    }

    async fn planned(&self, to: Option<&str>, settings: Switching) -> Result<Plan, NoPlan> {
        let object = ObjectRef {
            cluster: ClusterId(0),
            kind: Kind::Service,
            namespace: NS.into(),
            name: "checkout".into(),
            uid: Uid::default(),
        };
        let with = With { to: to.map(str::to_owned), ..With::default() };
        let switched =
            Some(Box::new(Switched { settings, gauges: Err("no Prometheus is asked".to_owned()) }));
        let order = Order {
            intent: Intent { verb: named("switch").unwrap(), objects: vec![object], with },
            place: Place {
                context: "k3s-edge".into(),
                environment: "development".into(),
                ..Place::default()
            },
            around: Around { switched, alerts: Ok(Vec::new()), ..Around::default() },
        };
        let client = self.client.clone();
        gather::plan(&move |_| Some(client.clone()), order, now()).await
    }

    async fn switch_of(&self, milliseconds: u64) -> Confirmed {
        let plan = self.planned(None, window(milliseconds)).await.unwrap();
        let answer = Answer { yes: true, reason: "a test".to_owned(), ..Answer::default() };
        confirm(plan, &answer, now()).unwrap_or_else(|refusal| panic!("{}", refusal.words()))
    }

    /// Does it; what the guard showed last.
    async fn guarded(&self, confirmed: &Confirmed, turn: Option<&Notify>) -> (End, Option<Guarded>) {
        self.guarded_at(confirmed, turn, pace()).await
    }

    async fn guarded_at(
        &self,
        confirmed: &Confirmed,
        turn: Option<&Notify>,
        pace: Pace,
    ) -> (End, Option<Guarded>) {
        let (journal, local) = (self.journal(), Local::default());
        let last: Mutex<Option<Guarded>> = Mutex::new(None);
        let tell = |progress: Progress| {
            if let Progress::Guard(guarded) = progress {
                *last.lock().unwrap() = Some(*guarded);
            }
        };
        let (client, way) = (self.client.clone(), self.client.clone());
        let ways: Ways = Arc::new(move |_| Some(way.clone()));
        let means = Means {
            client,
            journal: Some(&journal),
            local: &local,
            watch: true,
            pace,
            tell: &tell,
            ways,
            turn,
        };
        let end = execute(confirmed, means).await;
        (end, last.into_inner().unwrap())
    }

    /// Requests that changed the Service.
    fn switches(&self) -> usize {
        let sent = self.sent.lock().unwrap();
        sent.iter().filter(|line| is_switch(&Method::PATCH, line)).count()
    }

    fn entries(&self) -> Vec<Entry> {
        self.told().entries
    }

    /// Pods of both colours, those of one with another readiness.
    async fn pods(&self, colour: &str, ready: bool) -> Value {
        let path = format!("/api/v1/namespaces/{NS}/pods?labelSelector=app.kubernetes.io/name%3Dcheckout");
        let request = Request::get(path).body(Vec::new()).unwrap();
        let mut list: Value = self.client.request(request).await.unwrap();
        for pod in list["items"].as_array_mut().unwrap() {
            if pod["metadata"]["labels"]["color"] == colour {
                for condition in pod["status"]["conditions"].as_array_mut().unwrap() {
                    if condition["type"] == "Ready" {
                        condition["status"] = json!(if ready { "True" } else { "False" });
                    }
                }
            }
        }
        list
    }
}

fn outcomes(entries: &[Entry]) -> Vec<(String, Option<Outcome>)> {
    entries.iter().map(|one| (one.intent.title.clone(), one.end.as_ref().map(|end| end.outcome))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_is_one_patch_and_the_endpoints_follow() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    let confirmed = bench.switch_of(1_000).await;
    assert_eq!((bench.switches(), bench.colour().as_str()), (0, "green"), "a plan changes nothing");
    let (end, last) = bench.guarded(&confirmed, None).await;
    assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
    assert_eq!((bench.switches(), bench.writes(), bench.colour().as_str()), (1, 1, "blue"));
    let last = last.unwrap();
    assert!(last.followed.is_some() && last.receiving == Told::Is((2, 0)), "{last:?}");
    assert!(
        end.words.contains("blue is live") && end.words.contains("no Prometheus is asked"),
        "{}",
        end.words
    );
    let steps: Vec<String> = bench.entries()[0].steps.iter().map(|step| step.outcome.clone()).collect();
    assert_eq!(steps[..2], ["sent", "done"]);
    assert!(bench.entries()[0].steps.iter().any(|step| step.words.contains("all are of blue")), "{steps:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selector_that_matches_nothing_is_never_set() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    let plan = bench.planned(Some("red"), window(1_000)).await.unwrap();
    let refused: Vec<&str> = plan.refused_by().map(|judged| judged.gate).collect();
    assert_eq!(refused, ["endpoints"]);
    let answer = Answer { yes: true, reason: "I want it".to_owned(), ..Answer::default() };
    assert!(matches!(confirm(plan, &answer, now()), Err(Refusal::Final(_))));
    assert_eq!((bench.switches(), bench.colour().as_str()), (0, "green"));
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_ready_pods_than_serve_want_a_reason() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    bench
        .store()
        .update("deployments.apps", NS, "checkout-blue", |one| one["spec"]["replicas"] = json!(1))
        .unwrap();
    let one_left = async {
        loop {
            let plan = bench.planned(None, window(1_000)).await.unwrap();
            if plan.lines[0].words.contains("1 of 1 pods ready") {
                return plan;
            }
        }
    };
    let plan = tokio::time::timeout(Duration::from_secs(60), one_left).await.unwrap();
    let standby = |plan: &Plan| plan.overridden().any(|judged| judged.gate == "standby");
    assert!(standby(&plan));
    assert!(matches!(
        confirm(plan, &Answer { yes: true, ..Answer::default() }, now()),
        Err(Refusal::Reason(_))
    ));
    let half = bench.planned(None, Switching { standby: 50, ..window(1_000) }).await.unwrap();
    assert!(!standby(&half), "half is enough where that is configured");
}

/// The pods of blue crash once the traffic is theirs: the proxy tells so.
async fn crashing(also: Option<&'static str>) -> (Bench, Arc<Mutex<Option<Value>>>) {
    let crashed: Arc<Mutex<Option<Value>>> = Arc::default();
    let (told, mut switched) = (Arc::clone(&crashed), false);
    let bench = Bench::new(move |method, path| {
        switched |= is_switch(method, path);
        match (switched && is_pods(method, path), told.lock().unwrap().clone()) {
            (true, Some(list)) => Fate::Answer(200, list, None),
            _ => Fate::Pass,
        }
    })
    .await;
    let mut list = bench.pods("blue", false).await;
    if let Some(also) = also {
        for pod in list["items"].as_array_mut().unwrap() {
            if pod["metadata"]["labels"]["color"] == also {
                pod["status"]["conditions"] = json!([]);
            }
        }
    }
    *crashed.lock().unwrap() = Some(list);
    (bench, crashed)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_colour_that_crashes_is_left_by_itself_once_and_the_journal_tells_both() {
    let (bench, _crashed) = crashing(None).await;
    let confirmed = bench.switch_of(60_000).await;
    let (end, last) = bench.guarded(&confirmed, None).await;
    assert_eq!(end.outcome, Outcome::Failed, "{}", end.words);
    assert!(end.words.contains("0 of 2 pods of blue are ready"), "{}", end.words);
    assert!(end.words.contains("Led back to green"), "{}", end.words);
    assert_eq!((bench.switches(), bench.colour().as_str()), (2, "green"));
    assert!(last.unwrap().turning.contains("leading back to green"));
    let told = outcomes(&bench.entries());
    let wanted = [
        ("switch svc/checkout green → blue".to_owned(), Some(Outcome::Failed)),
        ("switch svc/checkout blue → green".to_owned(), Some(Outcome::Done)),
    ];
    assert!(told.len() == 2 && wanted.iter().all(|one| told.contains(one)), "{told:?}");
    let entries = bench.entries();
    let back = entries.iter().find(|one| one.intent.title.ends_with("green")).unwrap();
    assert_eq!(back.intent.confirmed, "guard");
    assert!(back.intent.reason.contains("breach after"), "{}", back.intent.reason);
    assert_eq!(back.intent.requests.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_led_back_onto_ready_pods_alone() {
    let (bench, _crashed) = crashing(Some("green")).await;
    let confirmed = bench.switch_of(60_000).await;
    let (end, _) = bench.guarded(&confirmed, None).await;
    assert_eq!(end.outcome, Outcome::Failed, "{}", end.words);
    assert!(end.words.contains("Not led back: no pod of green is ready"), "{}", end.words);
    assert_eq!((bench.switches(), bench.colour().as_str()), (1, "blue"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_switches_at_once_do_not_cross() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    let (one, other) = (bench.switch_of(500).await, bench.switch_of(500).await);
    let ((first, _), (second, _)) = futures::join!(bench.guarded(&one, None), bench.guarded(&other, None));
    let mut outcomes = [first.outcome, second.outcome];
    outcomes.sort_by_key(|outcome| *outcome != Outcome::Done);
    assert_eq!(outcomes, [Outcome::Done, Outcome::Refused], "{} / {}", first.words, second.words);
    assert_eq!(bench.colour(), "blue", "it was switched once, and not back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selector_that_changes_between_the_look_and_the_patch_fails_its_test() {
    let later: Later = Arc::default();
    let (store, mut once) = (Arc::clone(&later), true);
    let bench = Bench::new(move |method, path| {
        if is_switch(method, path) && std::mem::take(&mut once) {
            set_selector(store.lock().unwrap().as_ref().unwrap(), "violet");
        }
        Fate::Pass
    })
    .await;
    *later.lock().unwrap() = Some(bench.store());
    let confirmed = bench.switch_of(1_000).await;
    let (end, last) = bench.guarded(&confirmed, None).await;
    assert_eq!(end.outcome, Outcome::Refused, "{}", end.words);
    assert!(
        end.words.contains("selector of checkout has changed since the plan (by somebody)"),
        "{}",
        end.words
    );
    assert_eq!((bench.switches(), bench.colour().as_str()), (1, "violet"), "422, and not tried again");
    assert!(last.is_none(), "there is nothing to guard");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_whose_answer_is_lost_is_settled_by_looking_and_guarded() {
    let bench = Bench::new(|method, path| if is_switch(method, path) { Fate::Cut } else { Fate::Pass }).await;
    let confirmed = bench.switch_of(2_000).await;
    let (end, last) = bench.guarded(&confirmed, None).await;
    assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
    assert_eq!((bench.switches(), bench.colour().as_str()), (1, "blue"));
    assert!(last.unwrap().followed.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_sets_in_the_window_is_left_alone() {
    let later: Later = Arc::default();
    let (store, mut switched) = (Arc::clone(&later), false);
    let bench = Bench::new(move |method, path| {
        if std::mem::take(&mut switched) {
            set_selector(store.lock().unwrap().as_ref().unwrap(), "violet");
        }
        switched = is_switch(method, path);
        Fate::Pass
    })
    .await;
    *later.lock().unwrap() = Some(bench.store());
    let confirmed = bench.switch_of(60_000).await;
    let (end, _) = bench.guarded(&confirmed, None).await;
    assert_eq!(end.outcome, Outcome::Superseded, "{}", end.words);
    assert!(
        end.words.contains("set by somebody") && end.words.contains("leads nothing back"),
        "{}",
        end.words
    );
    assert_eq!((bench.switches(), bench.colour().as_str()), (1, "violet"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_has_it_led_back_at_once() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    let confirmed = bench.switch_of(60_000).await;
    let turn = Notify::new();
    turn.notify_one();
    let (end, _) = bench.guarded(&confirmed, Some(&turn)).await;
    assert_eq!(end.outcome, Outcome::Superseded, "{}", end.words);
    assert!(end.words.contains("asked for") && end.words.contains("Led back to green"), "{}", end.words);
    assert_eq!((bench.switches(), bench.colour().as_str()), (2, "green"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_seen_is_said_and_is_no_breach() {
    let mut switched = false;
    let bench = Bench::new(move |method, path| {
        switched |= is_switch(method, path);
        match switched && (is_pods(method, path) || path.contains("/endpointslices")) {
            true => Fate::Answer(403, status(403, "Forbidden", "not for you"), None),
            false => Fate::Pass,
        }
    })
    .await;
    let confirmed = bench.switch_of(500).await;
    let (end, _) = bench.guarded(&confirmed, None).await;
    assert_eq!(end.outcome, Outcome::Unknown, "{}", end.words);
    assert!(end.words.contains("ready pods not known"), "{}", end.words);
    assert_eq!((bench.switches(), bench.colour().as_str()), (1, "blue"), "it stays where it was led");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_crashes_between_the_plan_and_the_switch_gets_no_traffic() {
    let crashed: Arc<Mutex<Option<Value>>> = Arc::default();
    let told = Arc::clone(&crashed);
    let bench = Bench::new(move |method, path| match (is_pods(method, path), told.lock().unwrap().clone()) {
        (true, Some(list)) => Fate::Answer(200, list, None),
        _ => Fate::Pass,
    })
    .await;
    let confirmed = bench.switch_of(60_000).await;
    let list = bench.pods("blue", false).await;
    *crashed.lock().unwrap() = Some(list);
    let (end, _) = bench.guarded(&confirmed, None).await;
    assert_eq!(end.outcome, Outcome::Refused, "{}", end.words);
    assert!(end.words.contains("0 of 2 pods of blue are ready now"), "{}", end.words);
    assert_eq!((bench.switches(), bench.colour().as_str()), (0, "green"));
    assert_eq!(outcomes(&bench.entries())[0].1, Some(Outcome::Refused), "and the journal tells it");
}

/// The first switch is not answered, and arrives when the Service has been looked at for a while.
async fn arriving_late() -> Bench {
    let later: Later = Arc::default();
    let (store, mut sent, mut looks) = (Arc::clone(&later), false, 0);
    let bench = Bench::new(move |method, path| {
        // It lies in some queue, and the connection is gone.
        if is_switch(method, path) && !std::mem::replace(&mut sent, true) {
            return Fate::Lose;
        }
        if sent && *method == Method::GET && path.contains("/services/checkout") {
            looks += 1;
            if looks == 60 {
                set_selector(store.lock().unwrap().as_ref().unwrap(), "blue");
            }
        }
        Fate::Pass
    })
    .await;
    *later.lock().unwrap() = Some(bench.store());
    bench
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_is_not_answered_and_arrives_late_is_guarded_all_the_same() {
    let bench = arriving_late().await;
    let confirmed = bench.switch_of(10_000).await;
    let (end, last) = bench.guarded(&confirmed, None).await;
    assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
    assert!(last.unwrap().followed.is_some(), "it was watched from its arrival on");
    assert!(bench.entries()[0].steps.iter().any(|step| step.words.contains("it arrived")));
    assert_eq!((bench.switches(), bench.colour().as_str()), (1, "blue"), "and not sent again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_to_lead_back_waits_for_a_switch_that_arrives_late() {
    let bench = arriving_late().await;
    let confirmed = bench.switch_of(60_000).await;
    let turn = Notify::new();
    turn.notify_one();
    let (end, _) = bench.guarded(&confirmed, Some(&turn)).await;
    assert_eq!(end.outcome, Outcome::Superseded, "{}", end.words);
    assert!(end.words.contains("Led back to green"), "{}", end.words);
    assert_eq!((bench.switches(), bench.colour().as_str()), (2, "green"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_is_not_answered_and_never_arrives_is_not_known() {
    let bench =
        Bench::new(|method, path| if is_switch(method, path) { Fate::Lose } else { Fate::Pass }).await;
    let confirmed = bench.switch_of(1_500).await;
    let (end, last) = bench.guarded(&confirmed, None).await;
    assert_eq!(end.outcome, Outcome::Unknown, "{}", end.words);
    assert!(end.words.contains("green still has the traffic"), "{}", end.words);
    assert!(last.is_none(), "what has not arrived is not judged");
    assert_eq!((bench.switches(), bench.colour().as_str()), (1, "green"), "and not sent again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_busy_when_it_is_led_back_is_asked_again() {
    let crashed: Arc<Mutex<Option<Value>>> = Arc::default();
    let (list, mut switches, mut busy) = (Arc::clone(&crashed), 0, 0);
    let bench = Bench::new(move |method, path| {
        if is_switch(method, path) {
            switches += 1;
            if switches == 2 {
                return Fate::Answer(429, status(429, "TooManyRequests", "too many requests"), Some(1));
            }
        }
        if switches == 2 && busy < 2 && *method == Method::GET && path.contains("/services/checkout") {
            busy += 1;
            return Fate::Answer(503, status(503, "ServiceUnavailable", "etcd has no leader"), None);
        }
        match (switches == 1 && is_pods(method, path), list.lock().unwrap().clone()) {
            (true, Some(list)) => Fate::Answer(200, list, None),
            _ => Fate::Pass,
        }
    })
    .await;
    *crashed.lock().unwrap() = Some(bench.pods("blue", false).await);
    let confirmed = bench.switch_of(60_000).await;
    let (end, _) =
        bench.guarded_at(&confirmed, None, Pace { settle: Duration::from_secs(60), ..pace() }).await;
    assert_eq!(end.outcome, Outcome::Failed, "{}", end.words);
    assert!(end.words.contains("Led back to green"), "{}", end.words);
    assert_eq!((bench.switches(), bench.colour().as_str()), (3, "green"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_that_cannot_be_met_does_not_end_the_watching() {
    let mut switched = false;
    let crashed: Arc<Mutex<Option<Value>>> = Arc::default();
    let list = Arc::clone(&crashed);
    let bench = Bench::new(move |method, path| {
        switched |= is_switch(method, path);
        match (switched && is_pods(method, path), list.lock().unwrap().clone()) {
            (true, Some(list)) => Fate::Answer(200, list, None),
            _ => Fate::Pass,
        }
    })
    .await;
    // Blue is well; of green nothing is ready.
    *crashed.lock().unwrap() = Some(bench.pods("green", false).await);
    let confirmed = bench.switch_of(2_000).await;
    let turn = Notify::new();
    turn.notify_one();
    let (end, last) = bench.guarded(&confirmed, Some(&turn)).await;
    assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
    assert!(last.unwrap().stays.contains("no pod of green is ready"));
    assert_eq!((bench.switches(), bench.colour().as_str()), (1, "blue"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_colour_has_to_answer_where_a_request_is_configured() {
    let forbidden = status(403, "Forbidden", "pods/proxy is forbidden");
    for (answer, verdict, words) in [
        (None, "pass", "GET /healthz: 2 pods answer"),
        (Some((500, json!({"oops": true}))), "fail", "answers 500"),
        (Some((403, forbidden)), "unknown", "pods/proxy is forbidden"),
    ] {
        let bench = Bench::new(move |_, path| match (&answer, path.contains("/proxy/healthz")) {
            (Some((code, body)), true) => Fate::Answer(*code, body.clone(), None),
            _ => Fate::Pass,
        })
        .await;
        let settings = Switching { smoke: Some("/healthz".into()), ..window(1_000) };
        let plan = bench.planned(None, settings).await.unwrap();
        let judged = plan.gates.iter().find(|judged| judged.gate == "smoke").unwrap();
        assert_eq!(judged.verdict.word(), verdict, "{judged:?}");
        assert!(judged.why.contains(words), "{judged:?}");
        assert_eq!(bench.writes(), 0, "pods are only asked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_colour_has_to_have_been_ready_for_as_long_as_is_configured() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    let soak = async |seconds: u64| {
        let settings = Switching { soak: Duration::from_secs(seconds), ..window(1_000) };
        let plan = bench.planned(None, settings).await.unwrap();
        plan.gates.into_iter().find(|judged| judged.gate == "soak").unwrap()
    };
    assert_eq!(soak(0).await.verdict.word(), "pass");
    assert_eq!(soak(60).await.verdict.word(), "pass");
    let young = soak(86_400 * 3_650).await;
    assert_eq!(young.verdict.word(), "fail");
    assert!(young.way_out.unwrap().starts_with("wait "), "{}", young.why);
}
