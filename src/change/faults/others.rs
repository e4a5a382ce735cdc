//! The other ways to change something: what deletes, makes and evicts. The same bench, the same faults.

use super::*;
use crate::change::execute::StepState;

impl Bench {
    pub(super) fn of(&self, resource: &str, namespace: &str) -> Vec<Value> {
        let cluster = self.demo.clusters().iter().find(|cluster| cluster.name == "k3s-edge").unwrap();
        cluster.store.list(resource, (!namespace.is_empty()).then_some(namespace))
    }

    pub(super) fn pods_of(&self, app: &str) -> Vec<Value> {
        let begins = format!("{app}-");
        let own =
            |pod: &Value| pod["metadata"]["name"].as_str().is_some_and(|name| name.starts_with(&begins));
        self.of("pods", NS).into_iter().filter(own).collect()
    }

    /// A node with a pod of the app.
    fn node_of(&self, app: &str) -> String {
        self.pods_of(app)[0]["spec"]["nodeName"].as_str().unwrap().to_owned()
    }

    pub(super) async fn confirmed_of(&self, verb: &str, kind: Kind, name: &str, with: With) -> Confirmed {
        let plan = self.try_plan_of(verb, kind, name, with).await.unwrap();
        let answer = Answer { yes: true, reason: "a test".to_owned(), ..Answer::default() };
        confirm(plan, &answer, now()).unwrap_or_else(|refusal| panic!("{}", refusal.words()))
    }

    /// The changes that were sent, without what was only tried.
    fn changes(&self) -> Vec<String> {
        self.sent
            .lock()
            .unwrap()
            .iter()
            .filter(|line| !line.contains("dryRun=All"))
            .map(|line| bare(line))
            .collect()
    }
}

/// Without the door of the demo's cluster, which is part of its path.
fn bare(line: &str) -> String {
    let (method, path) = line.split_once(' ').unwrap();
    let begins = path.find("/api").unwrap();
    format!("{method} {}", &path[begins..])
}

pub(super) fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap()
}

fn is_change(method: &Method, path: &str) -> bool {
    matches!(*method, Method::PATCH | Method::DELETE | Method::POST)
        && !path.contains("dryRun=All")
        && !path.contains("/selfsubject")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_is_held_and_goes_on() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    let pause = bench.confirmed("pause", With::default()).await;
    assert_eq!(bench.execute(&pause).await.outcome, Outcome::Done);
    assert_eq!(bench.live("cart")["spec"]["paused"], true);
    let resume = bench.confirmed("resume", With::default()).await;
    let end = bench.execute(&resume).await;
    assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
    assert!(bench.live("cart")["spec"].get("paused").is_none());
    assert_eq!(bench.writes(), 2 + bench.refused_for_others());
}

/// Whoever has the rights of `edit` is refused kinds that no right names, whether they are installed or not.
#[tokio::test]
async fn without_keda_a_refusal_to_list_its_objects_says_nothing() {
    let refused = |path: &str| path.contains("/apis/keda.sh/v1alpha1/") && path.ends_with("/scaledobjects");
    for (installed, known) in [(false, true), (true, false)] {
        let bench = Bench::new(move |_, path| match path {
            path if refused(path) => Fate::Answer(403, status(403, "Forbidden", "says the proxy"), None),
            path if installed && path.ends_with("/apis/keda.sh") => {
                Fate::Answer(200, json!({"kind": "APIGroup", "apiVersion": "v1", "name": "keda.sh"}), None)
            }
            _ => Fate::Pass,
        })
        .await;
        let found = gather::scaled_objects(&bench.client, NS).await;
        assert_eq!(found.is_ok(), known, "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_is_deleted_by_its_uid_and_nothing_is_by_trying() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    let pod = bench.pods_of("cart").remove(0);
    let confirmed = bench.confirmed_of("delete", Kind::Pod, name(&pod), With::default()).await;
    let still = bench.pods_of("cart");
    let tried = still.iter().find(|one| one["metadata"]["uid"] == pod["metadata"]["uid"]).unwrap();
    assert!(tried["metadata"]["deletionTimestamp"].is_null(), "the dry run deleted it");
    let end = bench.execute(&confirmed).await;
    assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
    let gone = |one: &Value| {
        one["metadata"]["uid"] != pod["metadata"]["uid"] || !one["metadata"]["deletionTimestamp"].is_null()
    };
    assert!(bench.pods_of("cart").iter().all(gone));
    assert_eq!(bench.changes(), [format!("DELETE /api/v1/namespaces/{NS}/pods/{}", name(&pod))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_whose_answer_is_lost_is_settled_by_looking() {
    let bench = Bench::new(|method, path| match is_change(method, path) {
        true => Fate::Cut,
        false => Fate::Pass,
    })
    .await;
    let pod = bench.pods_of("cart").remove(0);
    let confirmed = bench.confirmed_of("delete", Kind::Pod, name(&pod), With::default()).await;
    let end = bench.execute(&confirmed).await;
    assert_eq!((end.outcome, bench.changes().len()), (Outcome::Done, 1), "{}", end.words);
    assert!(bench.told().entries[0].steps.last().unwrap().words.contains("though the answer was"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_made_once_even_where_the_answer_is_lost() {
    for eaten in [false, true] {
        let bench = Bench::new(move |method, path| match eaten && is_change(method, path) {
            true => Fate::Cut,
            false => Fate::Pass,
        })
        .await;
        let before = bench.of("jobs.batch", NS).len();
        let cron = name(&bench.of("cronjobs.batch", NS)[0]).to_owned();
        let confirmed = bench.confirmed_of("trigger", Kind::CronJob, &cron, With::default()).await;
        assert_eq!(bench.of("jobs.batch", NS).len(), before, "a plan makes nothing");
        let end = bench.execute(&confirmed).await;
        assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
        let jobs = bench.of("jobs.batch", NS);
        let made: Vec<_> = jobs.iter().filter(|job| name(job).contains("-manual-")).collect();
        let [made] = made.as_slice() else { panic!("{made:?}") };
        assert_eq!(made["metadata"]["annotations"]["cronjob.kubernetes.io/instantiate"], "manual");
        assert_eq!(made["metadata"]["ownerReferences"][0]["name"], cron);
        assert_eq!(
            bench.changes(),
            [format!("POST /apis/batch/v1/namespaces/{NS}/jobs?fieldManager=pilothouse")]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_emptied_of_what_can_be_evicted() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    let node = bench.node_of("cart");
    let confirmed = bench.confirmed_of("drain", Kind::Node, &node, With::default()).await;
    let steps = confirmed.plan().steps.len();
    assert!(steps > 2 && bench.writes() == 0, "{steps}");
    let end = bench.execute(&confirmed).await;
    assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
    let here = |pod: &&Value| pod["spec"]["nodeName"] == node.as_str();
    let pods = bench.of("pods", "");
    for pod in pods.iter().filter(here) {
        let daemon = pod["metadata"]["ownerReferences"][0]["kind"] == "DaemonSet";
        assert!(daemon || !pod["metadata"]["deletionTimestamp"].is_null(), "{} stayed", name(pod));
    }
    assert_eq!(
        bench.of("nodes", "").iter().find(|one| name(one) == node).unwrap()["spec"]["unschedulable"],
        true
    );
    let evictions = bench.changes().iter().filter(|line| line.contains("/eviction?")).count();
    assert!(evictions >= steps - 1, "{:?}", bench.changes());
}

fn budget() -> Value {
    let mut said =
        status(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.");
    said["details"] = json!({"causes": [{"reason": "DisruptionBudget",
        "message": "The disruption budget cart needs 2 healthy pods and has 2 currently"}]});
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn an_eviction_that_a_budget_holds_up_is_asked_for_again_after_the_others() {
    let mut refused = 0;
    let bench = Bench::new(move |method, path| {
        let evicts = *method == Method::POST && path.contains("/pods/cart-") && path.contains("/eviction");
        // Also when it is only tried: what may be asked again is no reason to refuse a plan.
        match evicts && (path.contains("dryRun=All") || refused < 3) {
            true => {
                refused += u32::from(!path.contains("dryRun=All"));
                Fate::Answer(429, budget(), None)
            }
            false => Fate::Pass,
        }
    })
    .await;
    let node = bench.node_of("cart");
    let plan = bench.try_plan_of("drain", Kind::Node, &node, With::default()).await.unwrap();
    let dry_run = plan.gates.iter().find(|judged| judged.gate == "dry run").unwrap();
    assert!(!dry_run.fails && dry_run.why.contains("The disruption budget cart needs 2"), "{dry_run:?}");
    let confirmed = bench.confirmed_of("drain", Kind::Node, &node, With::default()).await;
    let end = bench.execute(&confirmed).await;
    assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
    let told = bench.told();
    let waits: Vec<&str> = told.entries[0]
        .steps
        .iter()
        .filter(|step| step.outcome == "waits")
        .map(|step| step.words.as_str())
        .collect();
    assert!(waits.iter().any(|words| words.contains("The disruption budget cart")), "{waits:?}");
    let changes = bench.changes();
    let asked = |line: &&String| line.contains("/pods/cart-");
    assert!(changes.iter().filter(asked).count() > 3, "{changes:?}");
    let evictions: Vec<&String> = changes.iter().filter(|line| line.contains("/eviction?")).collect();
    let pods: std::collections::HashSet<&&String> = evictions.iter().collect();
    let once: std::collections::HashSet<&&String> = evictions.iter().take(pods.len()).collect();
    assert_eq!(once.len(), pods.len(), "nobody is asked twice before everybody was asked once: {changes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_never_gives_way_ends_the_drain_in_time_and_by_name() {
    let bench = Bench::new(|method, path| {
        match *method == Method::POST && path.contains("/pods/cart-") && path.contains("/eviction") {
            true => Fate::Answer(429, budget(), None),
            false => Fate::Pass,
        }
    })
    .await;
    let node = bench.node_of("cart");
    let confirmed = bench.confirmed_of("drain", Kind::Node, &node, With::default()).await;
    let end = bench.execute_at(&confirmed, Pace { evictions: Duration::from_millis(300), ..pace() }).await;
    assert_eq!(end.outcome, Outcome::TimedOut, "{}", end.words);
    assert!(end.words.contains("cart-") && end.words.contains("The disruption budget cart"), "{}", end.words);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_budget_says_so_and_a_budget_that_gives_way_is_waited_for() {
    // One pod may go after the other, each well within the limit, and all of them not.
    let mut last: Option<std::time::Instant> = None;
    let every = Duration::from_millis(200);
    let bench = Bench::new(move |method, path| {
        let evicts = *method == Method::POST && path.contains("/eviction") && !path.contains("dryRun=All");
        match (evicts, last.is_some_and(|at| at.elapsed() < every)) {
            (false, _) => Fate::Pass,
            (true, true) => Fate::Answer(429, budget(), None),
            // The demo has budgets of its own, which are not this test's.
            (true, false) => {
                last = Some(std::time::Instant::now());
                Fate::Answer(201, json!({"kind": "Status", "apiVersion": "v1", "status": "Success"}), None)
            }
        }
    })
    .await;
    let node = bench.node_of("cart");
    let confirmed = bench.confirmed_of("drain", Kind::Node, &node, With::default()).await;
    let steps = confirmed.plan().steps.len();
    assert!(steps > 5, "{steps} steps are too few for this test");
    let told = Mutex::new(Vec::new());
    let tell = |progress: Progress| {
        if let Progress::Step(at, StepState::Doing, words) = progress {
            told.lock().unwrap().push((at, words));
        }
    };
    let limited = Pace { evictions: 3 * every, ..pace() };
    let end = bench.executed(&confirmed, limited, false, &tell).await;
    assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
    let told = told.into_inner().unwrap();
    let waiting = |(_, words): &&(usize, String)| words.contains("waits: The disruption budget cart");
    let (at, _) = told.iter().find(waiting).unwrap_or_else(|| panic!("{told:?}"));
    // It goes on saying so while it is asked again.
    let own: Vec<&str> =
        told.iter().filter(|(other, _)| other == at).map(|(_, words)| words.as_str()).collect();
    assert!(own[1..].iter().all(|words| words.contains("waits: ")), "{own:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_takes_no_more_stops_a_drain_on_the_way() {
    let full: Arc<Mutex<Option<Journal>>> = Arc::default();
    let (seen, mut evicted) = (Arc::clone(&full), 0);
    let bench = Bench::new(move |method, path| {
        if is_change(method, path) && path.contains("/eviction") {
            evicted += 1;
            if evicted == 2
                && let Some(journal) = seen.lock().unwrap().take()
            {
                fill_the_disk(&journal);
            }
        }
        Fate::Pass
    })
    .await;
    *full.lock().unwrap() = Some(bench.journal());
    let node = bench.node_of("cart");
    let confirmed = bench.confirmed_of("drain", Kind::Node, &node, With::default()).await;
    let end = bench.execute(&confirmed).await;
    assert_eq!(end.outcome, Outcome::Failed, "{}", end.words);
    assert!(end.words.contains("the journal cannot be written any more"), "{}", end.words);
    assert_eq!(bench.changes().len(), 3, "cordoned, two evictions, and nothing that is not written down");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_eviction_that_is_forbidden_stops_the_drain() {
    let bench = Bench::new(|method, path| {
        match *method == Method::POST && path.contains("/eviction") && !path.contains("dryRun=All") {
            true => Fate::Answer(403, status(403, "Forbidden", "says the proxy"), None),
            false => Fate::Pass,
        }
    })
    .await;
    let node = bench.node_of("cart");
    let confirmed = bench.confirmed_of("drain", Kind::Node, &node, With::default()).await;
    let end = bench.execute(&confirmed).await;
    assert_eq!(end.outcome, Outcome::Failed, "{}", end.words);
    assert!(end.words.contains("it is forbidden") && end.words.contains("1 of "), "{}", end.words);
    assert_eq!(bench.changes().len(), 2, "cordoned, and one eviction");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_whose_connection_is_lost_half_way_is_told_and_led_on() {
    // With the second eviction: it arrives, and nothing comes back any more. Or with nothing on its way.
    for arrives in [true, false] {
        let away = Arc::new(Mutex::new(false));
        let (seen, mut evicted) = (Arc::clone(&away), 0);
        let bench = Bench::new(move |method, path| {
            let mut away = seen.lock().unwrap();
            let evicts = is_change(method, path) && path.contains("/eviction");
            evicted += usize::from(evicts && !*away);
            match (*away, evicts && evicted == 2) {
                (true, _) => Fate::Lose,
                (false, true) if arrives => {
                    *away = true;
                    Fate::Cut
                }
                (false, _) => {
                    // Between two evictions.
                    *away = !arrives && evicts && evicted == 1;
                    Fate::Pass
                }
            }
        })
        .await;
        let node = bench.node_of("cart");
        let confirmed = bench.confirmed_of("drain", Kind::Node, &node, With::default()).await;
        let steps = confirmed.plan().steps.len();
        assert!(steps > 3, "{steps}");
        evicted_none(&bench);
        let end = bench.execute(&confirmed).await;
        let (outcome, done) = if arrives { (Outcome::Unknown, 2) } else { (Outcome::Failed, 2) };
        assert_eq!(end.outcome, outcome, "{}", end.words);
        let how_far = format!("{done} of {steps} steps were done before");
        assert!(end.words.contains(&how_far) && end.words.contains("Not done: evict "), "{}", end.words);
        let told = bench.told().entries;
        assert_eq!(told[0].end.as_ref().map(|end| (end.outcome, &end.words)), Some((outcome, &end.words)));
        assert_eq!(told[0].intent.requests.len(), steps);

        *away.lock().unwrap() = false;
        let on = bench.confirmed_of("drain", Kind::Node, &node, With::default()).await;
        assert!(on.plan().steps.len() < steps, "what was done is not done again: {:?}", on.plan().steps);
        let end = bench.execute(&on).await;
        assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
        let left = bench.of("pods", "").into_iter().filter(|pod| {
            let daemon = pod["metadata"]["ownerReferences"][0]["kind"] == "DaemonSet";
            pod["spec"]["nodeName"] == node.as_str()
                && !daemon
                && pod["metadata"]["deletionTimestamp"].is_null()
        });
        assert_eq!(left.count(), 0);
    }
}

fn evicted_none(bench: &Bench) {
    assert!(bench.changes().iter().all(|line| !line.contains("/eviction")), "a plan evicts nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_it_was_for_the_cluster_is_in_the_journal_unless_it_does_not_tell() {
    let review = json!({"kind": "SelfSubjectReview", "status": {"userInfo": {"username": "maria@example"}}});
    for (code, answer, name) in
        [(201, review, "maria@example"), (403, status(403, "Forbidden", "says the proxy"), "")]
    {
        let bench = Bench::new(move |_, path| match path.contains("selfsubjectreviews") {
            true => Fate::Answer(code, answer.clone(), None),
            false => Fate::Pass,
        })
        .await;
        let confirmed = bench.confirmed("scale", five()).await;
        assert_eq!(confirmed.plan().kube_user.as_deref().unwrap_or_default(), name);
        assert_eq!(bench.execute(&confirmed).await.outcome, Outcome::Done, "it is no reason to stop");
        assert_eq!(bench.told().entries[0].intent.who.kube, name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_lost_with_a_node_has_to_be_said() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    let node = bench.node_of("cart");
    let bare = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bare", "namespace": NS},
        "spec": {"nodeName": node, "containers": [{"name": "x", "image": "registry.example/x:1"}]}});
    let request = Request::post(format!("/api/v1/namespaces/{NS}/pods"))
        .header("content-type", "application/json")
        .body(bare.to_string().into_bytes())
        .unwrap();
    bench.client.request::<Value>(request).await.unwrap();
    let losses = async |with| {
        let plan = bench.try_plan_of("drain", Kind::Node, &node, with).await.unwrap();
        plan.gates.iter().find(|judged| judged.gate == "losses").unwrap().clone()
    };
    let judged = losses(With::default()).await;
    assert!(judged.fails && judged.overridable, "{judged:?}");
    assert!(judged.why.contains("nobody makes again shop-dev/bare"), "{}", judged.why);
    let both = With { force: true, empty_dir: true, ..With::default() };
    assert!(!losses(both).await.fails);

    let plan = bench.try_plan_of("delete", Kind::Pod, "bare", With::default()).await.unwrap();
    let judged = plan.gates.iter().find(|judged| judged.gate == "replacement").unwrap();
    assert!(!judged.fails && judged.why.contains("nobody makes it again"), "{judged:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_one_that_has_gone_by_itself_keeps_nobody_from_the_others() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    let pods = bench.pods_of("cart");
    let named = |pod: &Value| {
        let object = ObjectRef {
            cluster: ClusterId(0),
            kind: Kind::Pod,
            namespace: NS.into(),
            name: name(pod).into(),
            uid: Uid::parse(pod["metadata"]["uid"].as_str().unwrap()),
        };
        (object, name(pod).to_owned())
    };
    let (objects, names): (Vec<_>, Vec<_>) = pods.iter().map(named).unzip();
    let intent = Intent { verb: super::named("delete").unwrap(), objects, with: With::default() };
    let place = Place { context: "k3s-edge".into(), environment: "development".into(), ..Place::default() };
    let client = bench.client.clone();
    let order = Order { intent, place, around: Around::default() };
    let plan = gather::plan(&move |_| Some(client.clone()), order, now()).await.unwrap();
    assert_eq!(plan.title, format!("delete {} objects", names.len()));
    // All of its ready pods at once, and a budget that does not allow it: both are said.
    assert!(
        plan.gates.iter().any(|judged| judged.gate == "replacement" && judged.why.contains("end at once"))
    );
    let answer = Answer { yes: true, reason: "a test".to_owned(), ..Answer::default() };
    let confirmed = confirm(plan, &answer, now()).unwrap_or_else(|refusal| panic!("{}", refusal.words()));
    let path = format!("/api/v1/namespaces/{NS}/pods/{}", names[0]);
    let gone = json!({"gracePeriodSeconds": 0}).to_string().into_bytes();
    let request = Request::delete(path).header("content-type", "application/json").body(gone).unwrap();
    bench.client.request::<Value>(request).await.unwrap();
    let before = bench.changes().len();
    let end = bench.execute(&confirmed).await;
    assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
    assert_eq!(bench.changes().len() - before, names.len() - 1);
    let steps = &bench.told().entries[0].steps;
    assert!(steps.iter().any(|step| step.words.contains("it is gone already")), "{steps:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stateful_set_goes_back_to_a_revision_that_its_controller_keeps() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    let set = name(&bench.of("statefulsets.apps", NS)[0]).to_owned();
    let template = |bench: &Bench| {
        let all = bench.of("statefulsets.apps", NS);
        all.iter().find(|one| name(one) == set).unwrap()["spec"]["template"].clone()
    };
    let before = template(&bench);
    let restart = bench.confirmed_of("restart", Kind::StatefulSet, &set, With::default()).await;
    let way = restart.plan().way.clone().unwrap();
    assert_eq!(bench.execute(&restart).await.outcome, Outcome::Done);
    assert_ne!(template(&bench), before);
    assert_eq!(way.action, "undo");
    let undo = bench.confirmed_of("undo", Kind::StatefulSet, &set, way.with).await;
    let end = bench.execute(&undo).await;
    assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
    assert_eq!(template(&bench), before);
}
