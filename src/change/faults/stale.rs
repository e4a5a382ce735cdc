//! A plan is stale when anything that it shows, or is judged by, is another thing when it is sent: also what it does not
//! change itself. And what somebody puts back is not called done.

use super::others::name;
use super::*;
use crate::change::gates::{Judged, Verdict, Weight};

impl Bench {
    pub(super) async fn merge(&self, path: &str, body: &Value) {
        let request = Request::patch(path)
            .header("content-type", "application/merge-patch+json")
            .body(serde_json::to_vec(body).unwrap())
            .unwrap();
        self.client.request::<Value>(request).await.unwrap();
    }

    async fn make(&self, collection: &str, object: &Value) {
        let request = Request::post(collection)
            .header("content-type", "application/json")
            .body(object.to_string().into_bytes())
            .unwrap();
        self.client.request::<Value>(request).await.unwrap();
    }
}

/// Somebody changes something between plan and confirmation: what is said of it, and that nothing was sent.
async fn stale(verb: &str, kind: Kind, object: &str, with: With, changed: (&str, Value), words: &str) {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    if verb == "resume" {
        bench.merge(changed.0, &json!({"spec": {"paused": true, "suspend": true}})).await;
    }
    if kind == Kind::Deployment && with.max.is_some() {
        let scaler = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "cart", "namespace": NS},
            "spec": {"minReplicas": 1, "maxReplicas": 4,
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"}}});
        let all = format!("/apis/autoscaling/v2/namespaces/{NS}/horizontalpodautoscalers");
        bench.make(&all, &scaler).await;
    }
    let confirmed = bench.confirmed_of(verb, kind, object, with).await;
    bench.merge(changed.0, &changed.1).await;
    let before = bench.writes();
    let end = bench.execute(&confirmed).await;
    assert_eq!(end.outcome, Outcome::Refused, "{verb}: {}", end.words);
    assert!(end.words.contains(words) && end.words.ends_with("Plan it anew."), "{verb}: {}", end.words);
    assert_eq!(bench.writes(), before, "{verb}: something was sent");
}

fn template(image: &str) -> Value {
    json!({"metadata": {"annotations": {"changed-by": image}}})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_is_held_to_the_template_and_the_pods_that_it_showed() {
    let cart = deployment("cart");
    let restart = |changed: Value, words: &'static str| {
        let cart = cart.clone();
        async move { stale("restart", Kind::Deployment, "cart", With::default(), (&cart, changed), words).await }
    };
    restart(json!({"spec": {"template": template("somebody")}}), "template of cart has changed").await;
    restart(json!({"spec": {"replicas": 1}}), "replicas of cart is 1 now").await;
    restart(json!({"spec": {"paused": true}}), "pause of cart is true now and was not set").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_back_is_let_go_only_as_it_was_shown() {
    let cart = deployment("cart");
    let changed = json!({"spec": {"template": template("somebody")}});
    let words = "template of cart has changed";
    stale("resume", Kind::Deployment, "cart", With::default(), (&cart, changed), words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_made_only_of_the_template_that_was_planned() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    let cron = name(&bench.of("cronjobs.batch", NS)[0]).to_owned();
    drop(bench);
    let path = format!("/apis/batch/v1/namespaces/{NS}/cronjobs/{cron}");
    let changed = json!({"spec": {"jobTemplate": {"metadata": {"labels": {"changed": "since"}}}}});
    let words = "template of ";
    stale("trigger", Kind::CronJob, &cron, With::default(), (&path, changed), words).await;
    let held = json!({"spec": {"suspend": true}});
    stale("trigger", Kind::CronJob, &cron, With::default(), (&path, held), "suspend of ").await;
    let sooner = json!({"spec": {"schedule": "* * * * *"}});
    stale("resume", Kind::CronJob, &cron, With::default(), (&path, sooner), "schedule of ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_limits_of_an_autoscaler_are_held_where_one_is_changed() {
    let path = format!("/apis/autoscaling/v2/namespaces/{NS}/horizontalpodautoscalers/cart");
    let most = With { max: Some(6), ..With::default() };
    let changed = json!({"spec": {"minReplicas": 2}});
    let words = "fewest of cart is 2 now and was 1";
    stale("scale", Kind::Deployment, "cart", most, (&path, changed), words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_has_another_controller_by_then_is_left_alone() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    let pod = name(&bench.pods_of("cart")[0]).to_owned();
    let confirmed = bench.confirmed_of("delete", Kind::Pod, &pod, With::default()).await;
    // Not none: its ReplicaSet would take it back.
    let uid = bench.live("cart")["metadata"]["uid"].clone();
    let owner = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart", "uid": uid, "controller": true});
    let path = format!("/api/v1/namespaces/{NS}/pods/{pod}");
    bench.merge(&path, &json!({"metadata": {"ownerReferences": [owner]}})).await;
    let before = bench.writes();
    let end = bench.execute(&confirmed).await;
    assert_eq!((end.outcome, bench.writes()), (Outcome::Refused, before), "{}", end.words);
    assert!(end.words.contains("controller of "), "{}", end.words);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_is_held_to_what_it_showed_and_not_to_a_number_of_pods() {
    let undo_after = async |changed: Value| {
        let bench = Bench::new(|_, _| Fate::Pass).await;
        let restart = bench.confirmed("restart", With::default()).await;
        assert_eq!(bench.execute(&restart).await.outcome, Outcome::Done);
        let undo = bench.confirmed("undo", With::default()).await;
        patch(&bench.client, changed).await;
        let before = bench.writes();
        let end = bench.execute(&undo).await;
        (end, bench.writes() - before)
    };
    let (end, sent) = undo_after(json!({"spec": {"paused": true}})).await;
    assert_eq!((end.outcome, sent), (Outcome::Refused, 0), "{}", end.words);
    assert!(end.words.contains("pause of cart is true now"), "{}", end.words);
    // What an autoscaler does in the middle of an incident holds up nobody's way out.
    let (end, _) = undo_after(json!({"spec": {"replicas": 3}})).await;
    assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
}

/// A pause that somebody is known to put back.
async fn warned_of(bench: &Bench) -> Confirmed {
    let mut plan = bench.try_plan("pause", "cart", With::default()).await.unwrap();
    plan.gates.retain(|judged| judged.gate != "ownership");
    plan.gates.push(Judged {
        gate: "ownership",
        verdict: Verdict::Warn,
        why: "Argo CD application cart heals itself: it puts paused back soon".to_owned(),
        way_out: None,
        weight: Weight::Judges,
        fails: false,
        overridable: true,
    });
    let answer = Answer { yes: true, ..Answer::default() };
    confirm(plan, &answer, now()).unwrap_or_else(|refusal| panic!("{}", refusal.words()))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_back_a_moment_later_is_not_called_done() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    let confirmed = warned_of(&bench).await;
    let (seen, mut stands) = tokio::sync::mpsc::unbounded_channel();
    let tell = |progress: Progress| {
        if matches!(&progress, Progress::Watching(words) if words.contains("may be put back")) {
            let _ = seen.send(());
        }
    };
    let pace = Pace { stands: Duration::from_secs(60), ..pace() };
    let doing = bench.execute_telling(&confirmed, pace, &tell);
    let healing = async {
        // Once it has been seen to stand.
        stands.recv().await.unwrap();
        patch(&bench.client, json!({"spec": {"paused": null}})).await;
    };
    let (end, ()) = futures::join!(doing, healing);
    assert_eq!(end.outcome, Outcome::Superseded, "{}", end.words);
    assert!(end.words.starts_with("paused was put back"), "{}", end.words);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_for_as_long_as_that_is_done() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    let confirmed = warned_of(&bench).await;
    let pace = Pace { stands: Duration::from_millis(100), ..pace() };
    let end = bench.execute_telling(&confirmed, pace, &|_| {}).await;
    assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_program_began_is_closed_by_what_is_planned_on_it() {
    use crate::journal::{Intention, Record};
    let bench = Bench::new(|_, _| Fate::Pass).await;
    let at = jiff::Timestamp::now();
    let old = Intention {
        id: "old".to_owned(),
        at: at.to_string(),
        action: "scale".to_owned(),
        ..Intention::default()
    };
    bench.journal().append(&Record::Intent(Box::new(old)), at).unwrap();
    let mut plan = bench.try_plan("scale", "cart", five()).await.unwrap();
    plan.order.around.instead_of = Some("old".to_owned());
    let end_of = |bench: &Bench| {
        let told = bench.told().entries;
        told.into_iter().find(|entry| entry.intent.id == "old").unwrap().end
    };
    assert_eq!(end_of(&bench), None, "a plan alone closes nothing");
    let answer = Answer { yes: true, reason: "a test".to_owned(), ..Answer::default() };
    let confirmed =
        |plan| confirm(plan, &answer, now()).unwrap_or_else(|refusal| panic!("{}", refusal.words()));
    let stale = confirmed(plan.clone());
    patch(&bench.client, json!({"spec": {"replicas": 3}})).await;
    assert_eq!(bench.execute(&stale).await.outcome, Outcome::Refused);
    assert_eq!(end_of(&bench), None, "nothing was done, so it is as open as before");
    let again = bench.try_plan("scale", "cart", five()).await.unwrap();
    plan = Plan { order: plan.order, ..again };
    bench.execute(&confirmed(plan)).await;
    let told = bench.told().entries;
    let successor = told.iter().rfind(|entry| entry.intent.id != "old").unwrap();
    let end = end_of(&bench).unwrap();
    assert!(
        end.words.contains(&successor.intent.title) && end.words.contains(&successor.intent.id),
        "{}",
        end.words
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_turned_away_at_the_door_is_in_the_journal_too() {
    use crate::change::execute::turned_away;
    let bench = Bench::new(|_, _| Fate::Pass).await;
    let confirmed = bench.confirmed("scale", five()).await;
    let why = "k3s-edge leads to another server now than when this was planned.";
    let end = turned_away(&confirmed, Some(&bench.journal()), &Local::default(), why);
    assert_eq!((end.outcome, bench.writes()), (Outcome::Refused, 0));
    let [entry] = bench.told().entries.try_into().unwrap();
    assert_eq!(entry.intent.title, "scale deploy/cart 2 → 5");
    let closed = entry.end.unwrap();
    assert_eq!(closed.outcome, Outcome::Refused);
    assert!(closed.words.contains("another server"), "{}", closed.words);
    assert_eq!(
        bench.execute(&confirmed).await.outcome,
        Outcome::Refused,
        "what was confirmed once is used up"
    );
}
