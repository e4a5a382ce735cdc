//! An Argo Rollout that a person paused: what leads through that is two requests on one object, and each is held to what
//! the one before has made of it.

use super::others::name;
use super::*;

const NAME: &str = "recommendations";

fn path() -> String {
    format!("/apis/argoproj.io/v1alpha1/namespaces/{NS}/rollouts/{NAME}")
}

impl Bench {
    fn rollout(&self) -> Value {
        let all = self.of("rollouts.argoproj.io", NS);
        all.into_iter().find(|one| name(one) == NAME).unwrap()
    }

    /// Until a value of it is this one.
    async fn becomes(&self, pointer: &str, wanted: Value) {
        let cluster = self.demo.clusters().iter().find(|cluster| cluster.name == "k3s-edge").unwrap();
        let mut changes = cluster.store.subscribe();
        let looked = async {
            while self.rollout().pointer(pointer) != Some(&wanted) {
                let _ = changes.recv().await;
            }
        };
        let came = tokio::time::timeout(Duration::from_secs(60), looked).await;
        assert!(came.is_ok(), "{pointer} never was {wanted}: {}", self.rollout()["status"]);
    }

    /// A new template that waits in its first pause, which a person has paused besides.
    async fn held() -> Bench {
        Bench::held_before(|_, _| Fate::Pass).await
    }

    async fn held_before(script: impl FnMut(&Method, &str) -> Fate + Send + 'static) -> Bench {
        let bench = Bench::new(script).await;
        bench.becomes("/status/phase", json!("Healthy")).await;
        let template = json!({"metadata": {"annotations": {"release": "next"}}});
        bench.merge(&path(), &json!({"spec": {"template": template}})).await;
        bench.becomes("/status/pauseConditions/0/reason", json!("CanaryPauseStep")).await;
        bench.merge(&path(), &json!({"spec": {"paused": true}})).await;
        bench.becomes("/status/message", json!("manually paused")).await;
        bench.sent.lock().unwrap().clear();
        bench
    }

    async fn steered(&self, verb: &str) -> Confirmed {
        self.confirmed_of(verb, Kind::Rollout, NAME, With::default()).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_ends_the_pause_by_hand_first_and_is_not_lost() {
    let bench = Bench::held().await;
    let step = bench.rollout()["status"]["currentStepIndex"].as_u64().unwrap();
    let confirmed = bench.steered("promote-step").await;
    let end = bench.execute_telling(&confirmed, pace(), &|_| {}).await;
    assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
    assert!(bench.rollout()["status"]["currentStepIndex"].as_u64().unwrap() > step, "{}", end.words);
    assert!(bench.rollout()["spec"].get("paused").is_none());
    let sent: Vec<String> =
        bench.told().entries[0].intent.requests.iter().map(|one| one.path.clone()).collect();
    assert!(sent.len() == 2 && !sent[0].contains("/status") && sent[1].contains("/status"), "{sent:?}");
    assert_eq!(bench.writes(), 2 + bench.refused_for_others());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_of_what_was_paused_by_hand_takes_its_new_pods_away() {
    let bench = Bench::held().await;
    let confirmed = bench.steered("abort").await;
    let end = bench.execute_telling(&confirmed, pace(), &|_| {}).await;
    assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
    assert!(bench.rollout()["spec"].get("paused").is_none());
    bench.becomes("/status/updatedReplicas", json!(0)).await;
    assert_eq!(bench.rollout()["status"]["abort"], true);
    assert_eq!(bench.writes(), 2 + bench.refused_for_others());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stops_half_way_says_how_far_it_came() {
    let bench = Bench::held_before(|method, path| {
        match *method == Method::PATCH && path.contains("/status?") && !path.contains("dryRun=All") {
            true => Fate::Answer(403, status(403, "Forbidden", "says the proxy"), None),
            false => Fate::Pass,
        }
    })
    .await;
    let confirmed = bench.steered("promote-step").await;
    let end = bench.execute(&confirmed).await;
    assert_eq!((end.outcome, bench.writes()), (Outcome::Failed, 2), "{}", end.words);
    assert!(
        end.words.contains("it is forbidden") && end.words.contains("1 of 2 steps were done"),
        "{}",
        end.words
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_template_between_the_two_requests_stops_the_second() {
    let newer = Arc::new(Mutex::new(None::<Value>));
    let (shown, mut sent) = (Arc::clone(&newer), false);
    let bench = Bench::held_before(move |method, path| {
        let newer = shown.lock().unwrap().clone();
        match (newer, method) {
            (Some(_), &Method::PATCH) => sent = true,
            // What the second request would meet.
            (Some(newer), &Method::GET) if sent && path.ends_with(NAME) => {
                return Fate::Answer(200, newer, None);
            }
            _ => {}
        }
        Fate::Pass
    })
    .await;
    let confirmed = bench.steered("promote-step").await;
    let mut live = bench.rollout();
    live["spec"].as_object_mut().unwrap().remove("paused");
    live["status"]["currentPodHash"] = json!("newer");
    *newer.lock().unwrap() = Some(live);
    let end = bench.execute(&confirmed).await;
    assert_eq!((end.outcome, bench.writes()), (Outcome::Failed, 1), "{}", end.words);
    assert!(end.words.contains("template of recommendations is newer now"), "{}", end.words);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_waits_for_pods_is_left_by_its_index() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    bench.becomes("/status/phase", json!("Healthy")).await;
    let nowhere = json!({"spec": {"nodeSelector": {"nobody": "has-this"}}});
    bench.merge(&path(), &json!({"spec": {"template": nowhere}})).await;
    bench.becomes("/status/currentStepIndex", json!(0)).await;
    bench.sent.lock().unwrap().clear();
    let confirmed = bench.steered("promote-step").await;
    assert!(confirmed.plan().lines[0].words.starts_with("past step 0 of "), "{:?}", confirmed.plan().lines);
    let end = bench.execute_telling(&confirmed, pace(), &|_| {}).await;
    assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
    bench.becomes("/status/currentStepIndex", json!(1)).await;
    assert_eq!(bench.writes(), 1 + bench.refused_for_others());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_whose_answer_is_lost_is_done_though_nothing_of_it_stands() {
    let (lost, over) = (Arc::new(Mutex::new(false)), Arc::new(Mutex::new(false)));
    let (was_lost, is_over) = (Arc::clone(&lost), Arc::clone(&over));
    let bench = Bench::new(move |method, path| {
        let mut lost = was_lost.lock().unwrap();
        if *method == Method::PATCH && path.contains("/status?") && !path.contains("dryRun=All") {
            *lost = true;
            return Fate::Cut;
        }
        // It is looked at again only when its controller has taken the wish away.
        match *method == Method::GET && path.ends_with(NAME) && *lost && !*is_over.lock().unwrap() {
            true => Fate::Answer(503, status(503, "ServiceUnavailable", "says the proxy"), None),
            false => Fate::Pass,
        }
    })
    .await;
    bench.becomes("/status/phase", json!("Healthy")).await;
    let template = json!({"metadata": {"annotations": {"release": "next"}}});
    bench.merge(&path(), &json!({"spec": {"template": template}})).await;
    bench.becomes("/status/pauseConditions/0/reason", json!("CanaryPauseStep")).await;
    let confirmed = bench.steered("promote-full").await;
    let pace = Pace { settle: Duration::from_secs(120), ..pace() };
    let through = async {
        bench.becomes("/status/phase", json!("Healthy")).await;
        *over.lock().unwrap() = true;
    };
    let (end, ()) = tokio::join!(bench.execute_telling(&confirmed, pace, &|_| {}), through);
    assert_eq!(bench.rollout()["status"].get("promoteFull"), None);
    assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
    assert!(end.words.contains("runs everywhere"), "{}", end.words);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_is_sent_alone_where_the_pause_by_hand_may_not_be_ended() {
    let bench = Bench::held_before(|method, path| {
        match *method == Method::PATCH && path.contains("dryRun=All") && !path.contains("/status?") {
            true => Fate::Answer(403, status(403, "Forbidden", "says the proxy"), None),
            false => Fate::Pass,
        }
    })
    .await;
    let confirmed = bench.steered("abort").await;
    assert_eq!(confirmed.plan().steps.len(), 1);
    let end = bench.execute_telling(&confirmed, pace(), &|_| {}).await;
    assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
    assert!(end.words.contains("its new pods stay until it is resumed"), "{}", end.words);
    assert_eq!(bench.rollout()["status"]["abort"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flag_that_somebody_leaves_as_false_is_no_other_value() {
    let shown = Arc::new(Mutex::new(None::<Value>));
    let (left, mut resumed) = (Arc::clone(&shown), false);
    let bench = Bench::held_before(move |method, path| {
        let Some(left) = left.lock().unwrap().clone() else { return Fate::Pass };
        let ours = path.split('?').next().is_some_and(|path| path.contains(NAME));
        if *method == Method::PATCH && !resumed {
            resumed = true;
            return Fate::Pass;
        }
        if ours && resumed { Fate::Answer(200, left, None) } else { Fate::Pass }
    })
    .await;
    let confirmed = bench.steered("promote-step").await;
    let mut live = bench.rollout();
    live["spec"]["paused"] = json!(false);
    live["status"]["abort"] = json!(false);
    *shown.lock().unwrap() = Some(live);
    let end = bench.execute(&confirmed).await;
    assert_eq!((end.outcome, bench.writes()), (Outcome::Done, 2), "{}", end.words);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_back_from_a_promotion_that_is_over_is_the_release_before() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    bench.becomes("/status/phase", json!("Healthy")).await;
    let template = json!({"metadata": {"annotations": {"release": "next"}}});
    bench.merge(&path(), &json!({"spec": {"template": template}})).await;
    bench.becomes("/status/pauseConditions/0/reason", json!("CanaryPauseStep")).await;
    let confirmed = bench.steered("promote-full").await;
    let way = confirmed.plan().way.clone().unwrap();
    let back = bench.try_plan_of(&way.action, Kind::Rollout, NAME, way.with.clone()).await.unwrap();
    assert!(back.title.starts_with("abort "), "{}", back.title);
    let end = bench.execute_telling(&confirmed, pace(), &|_| {}).await;
    assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
    let back = bench.try_plan_of(&way.action, Kind::Rollout, NAME, way.with.clone()).await.unwrap();
    let wanted = format!("undo ro/{NAME} to revision {}", way.with.revision.unwrap());
    assert_eq!((back.title.as_str(), back.order.intent.verb.name()), (wanted.as_str(), "undo"));
}
