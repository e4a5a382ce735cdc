//! The door before a server that fails in every way: the demo, with a proxy before it that answers, delays and eats
//! what a test wants. Nothing here sleeps: looks are quick, and what is waited for comes.

mod others;
mod stale;
mod steering;
mod switching;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client as Forward;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::actions::named;
use super::confirm::{Answer, Confirmed, confirm};
use super::execute::{Means, Pace, Progress, execute};
use super::gather::{self, NoPlan};
use super::intent::{Around, Intent, Order, Place, With};
use super::plan::Plan;
use crate::connect::client::client_for;
use crate::connect::contexts::{Contexts, Options, Surroundings};
use crate::demo::{self, DemoOptions, DemoServer};
use crate::domain::id::{ClusterId, Kind, ObjectRef, Uid};
use crate::domain::time::{Now, Stamp};
use crate::journal::{End, Journal, Local, Outcome, Reading};

/// What becomes of a request.
enum Fate {
    /// It goes through.
    Pass,
    /// It is answered here.
    Answer(u16, Value, Option<u64>),
    /// It goes through, and the connection ends before its answer.
    Cut,
    /// It goes nowhere, and the connection ends.
    Lose,
    /// It goes through, and its answer never comes.
    Hang,
}

type Script = Arc<Mutex<dyn FnMut(&Method, &str) -> Fate + Send>>;

struct Bench {
    demo: DemoServer,
    client: kube::Client,
    state: tempfile::TempDir,
    /// Method and path with query of every request that could change something, those that passed and others.
    sent: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

const NS: &str = "shop-dev";

fn now() -> Now {
    Now { wall: Stamp(jiff::Timestamp::now().as_second()), mono: Duration::from_secs(1) }
}

/// Quick looks, and limits that a busy machine does not reach: a test of a limit sets its own. What is looked for and
/// never comes (`settle`) is looked for shortly.
fn pace() -> Pace {
    Pace {
        answer: Duration::from_secs(30),
        look: Duration::from_millis(10),
        settle: Duration::from_millis(200),
        conflicts: Duration::from_secs(30),
        evictions: Duration::from_secs(120),
        follow: Duration::from_secs(30),
        unready: Duration::from_millis(200),
        gauge: Duration::from_millis(50),
        stands: Duration::from_secs(30),
    }
}

fn deployment(name: &str) -> String {
    format!("/apis/apps/v1/namespaces/{NS}/deployments/{name}")
}

impl Bench {
    async fn new(script: impl FnMut(&Method, &str) -> Fate + Send + 'static) -> Bench {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options = DemoOptions { story: false, ..DemoOptions::default() };
        let demo = demo::start(options).await.unwrap();
        let kubeconfig: Value =
            serde_yaml::from_str(&std::fs::read_to_string(demo.kubeconfig()).unwrap()).unwrap();
        let context = |one: &&Value| one["name"] == "k3s-edge";
        let cluster = kubeconfig["clusters"].as_array().unwrap().iter().find(context).unwrap();
        let server = cluster["cluster"]["server"].as_str().unwrap().to_owned();
        let host = "http://".len();
        let (base, door) = server.split_at(server[host..].find('/').map_or(server.len(), |at| at + host));
        let (base, door) = (base.to_owned(), door.to_owned());
        let script: Script = Arc::new(Mutex::new(script));
        let sent = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::clone(&sent);
        tasks.spawn(async move {
            let forward: Forward<HttpConnector, Full<Bytes>> =
                Forward::builder(TokioExecutor::new()).build_http();
            let mut connections = JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (script, seen, forward, base) =
                    (Arc::clone(&script), Arc::clone(&seen), forward.clone(), base.clone());
                connections.spawn(async move {
                    let answer = service_fn(move |request| {
                        let (script, seen, forward, base) =
                            (Arc::clone(&script), Arc::clone(&seen), forward.clone(), base.clone());
                        async move { pass(request, &script, &seen, &forward, &base).await }
                    });
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), answer)
                        .await;
                });
            }
        });
        let file = demo.kubeconfig().with_file_name("proxied.yaml");
        let text = std::fs::read_to_string(demo.kubeconfig()).unwrap();
        std::fs::write(&file, text.replace(&server, &format!("http://{address}{door}"))).unwrap();
        let client = client(file).await;
        Bench { demo, client, state: tempfile::tempdir().unwrap(), sent, _tasks: tasks }
    }

    fn journal(&self) -> Journal {
        Journal::within(self.state.path())
    }

    fn told(&self) -> Reading {
        self.journal().read(None).unwrap()
    }

    fn live(&self, name: &str) -> Value {
        let store = &self.demo.clusters().iter().find(|cluster| cluster.name == "k3s-edge").unwrap().store;
        store.get("deployments.apps", NS, name).unwrap()
    }

    fn replicas(&self, name: &str) -> u64 {
        self.live(name)["spec"]["replicas"].as_u64().unwrap()
    }

    /// Requests that changed something, or would have: what is tried alone is none.
    fn writes(&self) -> usize {
        self.sent.lock().unwrap().iter().filter(|line| !line.contains("dryRun=All")).count()
    }

    /// Of these, the ones that a conflict refused: the demo's controllers write to the same objects.
    fn refused_for_others(&self) -> usize {
        let entries = self.told().entries;
        entries.iter().flat_map(|one| &one.steps).filter(|step| step.outcome == "again").count()
    }

    async fn try_plan(&self, verb: &str, name: &str, with: With) -> Result<Plan, NoPlan> {
        self.try_plan_of(verb, Kind::Deployment, name, with).await
    }

    async fn try_plan_of(&self, verb: &str, kind: Kind, name: &str, with: With) -> Result<Plan, NoPlan> {
        let object = ObjectRef {
            cluster: ClusterId(0),
            kind,
            namespace: if kind.namespaced() { NS.into() } else { "".into() },
            name: name.into(),
            uid: Uid::default(),
        };
        let order = Order {
            intent: Intent { verb: named(verb).unwrap(), objects: vec![object], with },
            place: Place {
                context: "k3s-edge".into(),
                environment: "development".into(),
                ..Place::default()
            },
            around: Around::default(),
        };
        let client = self.client.clone();
        gather::plan(&move |_| Some(client.clone()), order, now()).await
    }

    async fn confirmed(&self, verb: &str, with: With) -> Confirmed {
        let plan = self.try_plan(verb, "cart", with).await.unwrap();
        let answer = Answer { yes: true, reason: "a test".to_owned(), ..Answer::default() };
        confirm(plan, &answer, now()).unwrap_or_else(|refusal| panic!("{}", refusal.words()))
    }

    async fn execute(&self, confirmed: &Confirmed) -> End {
        self.execute_at(confirmed, pace()).await
    }

    async fn execute_at(&self, confirmed: &Confirmed, pace: Pace) -> End {
        self.executed(confirmed, pace, false, &|_| {}).await
    }

    /// Until it has come true; tells what happens.
    async fn execute_telling(
        &self,
        confirmed: &Confirmed,
        pace: Pace,
        tell: &(dyn Fn(Progress) + Sync),
    ) -> End {
        self.executed(confirmed, pace, true, tell).await
    }

    async fn executed(
        &self,
        confirmed: &Confirmed,
        pace: Pace,
        watch: bool,
        tell: &(dyn Fn(Progress) + Sync),
    ) -> End {
        let (journal, local) = (self.journal(), Local::default());
        let client = self.client.clone();
        let way = self.client.clone();
        let means = Means {
            client,
            journal: Some(&journal),
            local: &local,
            watch,
            pace,
            tell,
            ways: Arc::new(move |_| Some(way.clone())),
            turn: None,
        };
        execute(confirmed, means).await
    }
}

async fn client(kubeconfig: PathBuf) -> kube::Client {
    let options =
        Options { kubeconfig: Some(kubeconfig), context: Some("k3s-edge".to_owned()), ..Options::default() };
    let contexts = Contexts::find(&options, &Surroundings::default()).unwrap();
    let info = contexts.list.iter().find(|info| &*info.name == "k3s-edge").unwrap();
    client_for(info).await.map_err(|link| format!("{link:?}")).unwrap().client
}

async fn pass(
    request: Request<Incoming>,
    script: &Script,
    seen: &Mutex<Vec<String>>,
    forward: &Forward<HttpConnector, Full<Bytes>>,
    base: &str,
) -> Result<Response<Full<Bytes>>, Lost> {
    let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let fate = (script.lock().unwrap())(request.method(), &path);
    let asks = path.contains("/selfsubject");
    if matches!(*request.method(), Method::PATCH | Method::PUT | Method::DELETE | Method::POST) && !asks {
        seen.lock().unwrap().push(format!("{} {path}", request.method()));
    }
    if let Fate::Answer(code, body, retry_after) = fate {
        let mut answer = Response::builder().status(code).header("content-type", "application/json");
        if let Some(seconds) = retry_after {
            answer = answer.header("retry-after", seconds);
        }
        return Ok(answer.body(Full::from(body.to_string())).unwrap());
    }
    if matches!(fate, Fate::Lose) {
        return Err(Lost);
    }
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let mut onward = Request::builder().method(parts.method).uri(format!("{base}{path}"));
    for (name, value) in parts.headers.iter().filter(|(name, _)| *name != "host") {
        onward = onward.header(name, value);
    }
    let answer = forward.request(onward.body(Full::from(body)).unwrap()).await.unwrap();
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    match fate {
        Fate::Cut | Fate::Lose => Err(Lost),
        Fate::Hang => std::future::pending().await,
        Fate::Pass | Fate::Answer(..) => Ok(Response::from_parts(parts, Full::from(body))),
    }
}

/// What ends a connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the answer is lost")]
struct Lost;

fn status(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code, "reason": reason, "message": message})
}

/// Answers every change of something with this, and lets what is only tried pass.
fn answers(
    code: u16,
    reason: &'static str,
    after: Option<u64>,
) -> impl FnMut(&Method, &str) -> Fate + Send + 'static {
    move |method, path| match *method == Method::PATCH && !path.contains("dryRun=All") {
        true => Fate::Answer(code, status(code, reason, "says the proxy"), after),
        false => Fate::Pass,
    }
}

fn five() -> With {
    With { replicas: Some(5), ..With::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_one_request_changes_something() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    let confirmed = bench.confirmed("scale", five()).await;
    assert_eq!(bench.writes(), 0, "a plan changes nothing");
    let end = bench.execute(&confirmed).await;
    assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
    assert_eq!((bench.replicas("cart"), bench.writes()), (5, 1));
    let again = bench.execute(&confirmed).await;
    assert_eq!((again.outcome, bench.writes()), (Outcome::Refused, 1), "a plan is done once");
}

#[tokio::test(flavor = "multi_thread")]
async fn restart_and_undo_come_through_too() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    let restart = bench.confirmed("restart", With::default()).await;
    assert_eq!(bench.execute(&restart).await.outcome, Outcome::Done);
    let at = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt";
    assert_eq!(bench.live("cart").pointer(at), Some(&restart.plan().touched[0].after));
    let undo = bench.confirmed("undo", With::default()).await;
    let end = bench.execute(&undo).await;
    assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
    assert_eq!(bench.live("cart")["spec"]["template"], undo.plan().touched[0].after);
    assert_eq!(bench.writes(), 2 + bench.refused_for_others());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_is_not_changed() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    let confirmed = bench.confirmed("scale", five()).await;
    let request = Request::delete(deployment("cart")).body(Vec::new()).unwrap();
    bench.client.request::<Value>(request).await.unwrap();
    let end = bench.execute(&confirmed).await;
    assert_eq!(end.outcome, Outcome::Refused);
    assert!(end.words.starts_with("Nothing was changed: deploy/cart is gone"), "{}", end.words);
    assert_eq!(bench.writes(), 1, "the deletion alone");
    assert!(matches!(bench.try_plan("scale", "cart", five()).await, Err(NoPlan::Refused(_))));
}

async fn patch(client: &kube::Client, body: Value) {
    let request = Request::patch(deployment("cart"))
        .header("content-type", "application/merge-patch+json")
        .body(serde_json::to_vec(&body).unwrap())
        .unwrap();
    client.request::<Value>(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_by_somebody_else_counts_only_where_it_matters() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    let confirmed = bench.confirmed("scale", five()).await;
    patch(&bench.client, json!({"metadata": {"annotations": {"who": "knows"}}})).await;
    assert_eq!(bench.execute(&confirmed).await.outcome, Outcome::Done, "another annotation does not matter");

    let confirmed = bench.confirmed("scale", With { replicas: Some(7), ..With::default() }).await;
    patch(&bench.client, json!({"spec": {"replicas": 2}})).await;
    let end = bench.execute(&confirmed).await;
    assert_eq!(end.outcome, Outcome::Refused);
    assert!(end.words.contains("replicas of cart is 2 now and was 5 in the plan"), "{}", end.words);
    assert_eq!(bench.replicas("cart"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_told_apart_in_words() {
    for (code, reason, outcome, words) in [
        (403, "Forbidden", Outcome::Refused, "it is forbidden"),
        (401, "Unauthorized", Outcome::Refused, "the credentials are not accepted"),
        (404, "NotFound", Outcome::Refused, "it is gone"),
        (422, "Invalid", Outcome::Failed, "the server does not accept it"),
        (429, "TooManyRequests", Outcome::Failed, "the server is busy and asks to wait 7 s"),
        (500, "InternalError", Outcome::Failed, "so far it was not done"),
    ] {
        let bench = Bench::new(answers(code, reason, (code == 429).then_some(7))).await;
        let before = bench.replicas("cart");
        let confirmed = bench.confirmed("scale", five()).await;
        let end = bench.execute(&confirmed).await;
        assert_eq!(end.outcome, outcome, "{code}: {}", end.words);
        assert!(end.words.contains(words), "{code}: {}", end.words);
        assert_eq!((bench.writes(), bench.replicas("cart")), (1, before), "{code}: nothing is tried twice");
        let told = bench.told();
        assert_eq!(told.entries[0].end.as_ref().map(|end| end.outcome), Some(outcome), "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_is_looked_at_and_tried_again() {
    let mut left = 2;
    let bench = Bench::new(move |method, path| {
        let write = *method == Method::PATCH && !path.contains("dryRun=All");
        if write && left > 0 {
            left -= 1;
            return Fate::Answer(409, status(409, "Conflict", "the object has been modified"), None);
        }
        Fate::Pass
    })
    .await;
    let confirmed = bench.confirmed("scale", five()).await;
    let end = bench.execute(&confirmed).await;
    assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
    assert_eq!((bench.replicas("cart"), bench.writes()), (5, 3));
    let told = bench.told();
    let steps: Vec<&str> = told.entries[0].steps.iter().map(|step| step.outcome.as_str()).collect();
    assert_eq!(steps, ["sent", "again", "sent", "again", "sent", "done"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_is_settled_by_looking() {
    let bench = Bench::new(|method, path| match *method == Method::PATCH && !path.contains("dryRun=All") {
        true => Fate::Hang,
        false => Fate::Pass,
    })
    .await;
    let confirmed = bench.confirmed("scale", five()).await;
    let end = bench.execute_at(&confirmed, Pace { answer: Duration::from_secs(2), ..pace() }).await;
    assert_eq!(end.outcome, Outcome::Done, "{}", end.words);
    assert_eq!((bench.replicas("cart"), bench.writes()), (5, 1), "done once, and not sent again");
    let told = bench.told();
    let last = &told.entries[0].steps.last().unwrap().words;
    assert!(last.contains("done, though the answer was: no answer within"), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_rbac_or_the_server_would_refuse_is_never_sent() {
    let denied = json!({"kind": "SelfSubjectAccessReview", "status": {"allowed": false}});
    let bench =
        Bench::new(move |method, path| match *method == Method::POST && path.contains("selfsubjectaccess") {
            true => Fate::Answer(201, denied.clone(), None),
            false => Fate::Pass,
        })
        .await;
    let plan = bench.try_plan("scale", "cart", five()).await.unwrap();
    assert_eq!(plan.refused_by().map(|judged| judged.gate).collect::<Vec<_>>(), ["rbac"]);

    let bench = Bench::new(|_, path| match path.contains("dryRun=All") {
        true => Fate::Answer(403, status(403, "Forbidden", "admission webhook denied the request"), None),
        false => Fate::Pass,
    })
    .await;
    let plan = bench.try_plan("scale", "cart", five()).await.unwrap();
    let refused: Vec<_> = plan.refused_by().collect();
    assert!(refused.len() == 1 && refused[0].why.contains("admission webhook denied"), "{refused:?}");
    let answer = Answer { yes: true, reason: "please".to_owned(), ..Answer::default() };
    assert!(confirm(plan, &answer, now()).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_cannot_be_written_stops_it() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    std::fs::write(bench.state.path().join("journal"), "a file").unwrap();
    let confirmed = bench.confirmed("scale", five()).await;
    let end = bench.execute(&confirmed).await;
    assert!(
        end.outcome == Outcome::Refused && end.words.contains("journal cannot be written"),
        "{}",
        end.words
    );
    assert_eq!(bench.writes(), 0);
}

/// The file that the journal writes to this month, on a disk that takes nothing more.
#[cfg(target_os = "linux")]
fn fill_the_disk(journal: &Journal) {
    std::fs::create_dir_all(journal.folder()).unwrap();
    let month = journal.folder().join(jiff::Timestamp::now().strftime("%Y-%m.jsonl").to_string());
    let _ = std::fs::remove_file(&month);
    std::os::unix::fs::symlink("/dev/full", month).unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_it_before_anything_is_sent() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    fill_the_disk(&bench.journal());
    let before = bench.replicas("cart");
    let confirmed = bench.confirmed("scale", five()).await;
    let end = bench.execute(&confirmed).await;
    assert_eq!(end.outcome, Outcome::Refused, "{}", end.words);
    assert!(end.words.contains("journal cannot be written") && end.words.contains("space"), "{}", end.words);
    assert_eq!((bench.writes(), bench.replicas("cart")), (0, before));
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_on_the_way_is_said_with_the_outcome() {
    let journal = Arc::new(Mutex::new(None::<Journal>));
    let seen = Arc::clone(&journal);
    let bench = Bench::new(move |method, path| {
        if *method == Method::PATCH
            && !path.contains("dryRun")
            && let Some(journal) = seen.lock().unwrap().take()
        {
            fill_the_disk(&journal);
        }
        Fate::Pass
    })
    .await;
    let confirmed = bench.confirmed("scale", five()).await;
    *journal.lock().unwrap() = Some(bench.journal());
    let end = bench.execute(&confirmed).await;
    assert_eq!((end.outcome, bench.replicas("cart")), (Outcome::Done, 5), "{}", end.words);
    assert!(end.words.contains("the journal could not be written to its end"), "{}", end.words);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_read_only_stops_it() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    // Nobody makes a file there, whoever he is.
    std::os::unix::fs::symlink("/proc/self", bench.state.path().join("journal")).unwrap();
    let confirmed = bench.confirmed("scale", five()).await;
    let end = bench.execute(&confirmed).await;
    assert_eq!(end.outcome, Outcome::Refused, "{}", end.words);
    assert!(end.words.contains("journal cannot be written"), "{}", end.words);
    assert_eq!(bench.writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_neither_ages_a_plan_nor_keeps_it_young() {
    let bench = Bench::new(|_, _| Fate::Pass).await;
    let plan = bench.try_plan("scale", "cart", five()).await.unwrap();
    let answer = Answer { yes: true, reason: "a test".to_owned(), ..Answer::default() };
    let at = |wall: i64, mono: u64| Now {
        wall: now().wall.plus(wall),
        mono: plan.made.mono + Duration::from_secs(mono),
    };
    assert!(
        confirm(plan.clone(), &answer, at(-86_400, 61)).is_err(),
        "a minute has passed, whatever the clock says"
    );
    assert!(confirm(plan.clone(), &answer, at(86_400, 61)).is_err());
    let confirmed =
        confirm(plan.clone(), &answer, at(86_400, 5)).unwrap_or_else(|no| panic!("{}", no.words()));
    assert_eq!(bench.execute(&confirmed).await.outcome, Outcome::Done);
}
