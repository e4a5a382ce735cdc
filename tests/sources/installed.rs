//! What delivers and what is kept is described by definitions that may be there, be old, be refused, or go and come
//! while somebody looks: a person before the screen, and a server whose kinds the test installs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pilothouse::domain::id::Kind;
use pilothouse::panes::PaneId;
use pilothouse::sources::Timing;
use serde_json::{Value, json};

use super::bench::timing;
use super::person::{Desk, Person};
use super::script::{Ending, Reply, Seen, Server, added, bookmark, events, list, status};

const APPLICATIONS: &str = "/apis/argoproj.io/v1alpha1/applications";
const KUSTOMIZATIONS: &str = "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations";
const RELEASES: &str = "/apis/helm.toolkit.fluxcd.io/v2/helmreleases";
const SOURCES: &str = "/apis/source.toolkit.fluxcd.io/v1/gitrepositories";
const BACKUPS: &str = "/apis/velero.io/v1/backups";
const SCHEDULES: &str = "/apis/velero.io/v1/schedules";
const RESTORES: &str = "/apis/velero.io/v1/restores";
const LOCATIONS: &str = "/apis/velero.io/v1/backupstoragelocations";

/// Groups that are not part of Kubernetes: what is not installed of them is not found.
const CUSTOM: [&str; 5] = [
    "argoproj.io",
    "kustomize.toolkit.fluxcd.io",
    "helm.toolkit.fluxcd.io",
    "source.toolkit.fluxcd.io",
    "velero.io",
];

enum Kept {
    Objects(Vec<Value>),
    Refused(&'static str),
}

/// What a path has, and which change of the whole that was.
type Shelf = BTreeMap<String, (u32, Kept)>;

/// A cluster with one namespace, `shop-prod`, and what is installed.
struct Installed {
    server: Server,
    shelf: Arc<Mutex<Shelf>>,
}

impl Installed {
    async fn start() -> Installed {
        let shelf = Arc::new(Mutex::new(Shelf::new()));
        let kept = Arc::clone(&shelf);
        let server = Server::start(move |seen| answer(&kept.lock().unwrap(), seen)).await;
        let installed = Installed { server, shelf };
        let namespace = json!({"metadata": {"name": "shop-prod", "uid": "n1", "resourceVersion": "1"}});
        installed.keep("/api/v1/namespaces", vec![namespace]);
        installed
    }

    /// From now on these are all there are; whoever watches is told by a new list.
    fn keep(&self, path: &str, objects: Vec<Value>) {
        self.put(path, Kept::Objects(objects));
    }

    fn refuse(&self, path: &str, why: &'static str) {
        self.put(path, Kept::Refused(why));
    }

    fn put(&self, path: &str, kept: Kept) {
        let mut shelf = self.shelf.lock().unwrap();
        let change = shelf.values().map(|(change, _)| change + 1).max().unwrap_or(10);
        shelf.insert(path.to_owned(), (change, kept));
        drop(shelf);
        self.server.cut_all();
    }

    /// The definitions behind these paths are deleted.
    fn remove(&self, paths: &[&str]) {
        self.shelf.lock().unwrap().retain(|path, _| !paths.contains(&path.as_str()));
        self.server.cut_all();
    }

    async fn person(&self) -> Person {
        let timing = Timing { silence: Duration::from_secs(30), ..timing() };
        let desk = Desk { size: (200, 50), timing, ..Desk::default() };
        let mut person = Person::sits_down(&self.server.kubeconfig("{token: good}"), &desk);
        person.wait_for_data().await;
        person
    }
}

fn answer(shelf: &Shelf, seen: &Seen) -> Option<Reply> {
    let path = seen.path.as_str();
    // One namespace has what the whole cluster has, and the other one nothing.
    let whole = path.replace("/namespaces/shop-prod/", "/").replace("/namespaces/default/", "/");
    let within =
        path.split_once("/namespaces/").and_then(|(_, rest)| rest.split_once('/')).map(|(name, _)| name);
    let of = |objects: &[Value]| -> Vec<Value> {
        let is_here = |object: &&Value| within.is_none_or(|name| object["metadata"]["namespace"] == name);
        objects.iter().filter(is_here).cloned().collect()
    };
    if let Some((change, kept)) = shelf.get(&whole) {
        let version = change.to_string();
        return Some(match kept {
            Kept::Refused(why) => Reply::Json(403, status(403, why)),
            Kept::Objects(objects) if seen.is_streaming_list() => {
                let all: Vec<Value> = of(objects).into_iter().map(added).collect();
                events(&[all, vec![bookmark(&version, true)]].concat(), Ending::Open)
            }
            Kept::Objects(_) if seen.is_watch() && seen.version() == Some(&version) => {
                events(&[], Ending::Open)
            }
            Kept::Objects(_) if seen.is_watch() => Reply::Json(410, status(410, "too old resource version")),
            Kept::Objects(objects) => Reply::Json(200, list(&of(objects), &version, "")),
        });
    }
    let rest = path.strip_prefix("/apis/")?;
    let mut parts = rest.split('/');
    let group = parts.next().filter(|group| CUSTOM.contains(group))?;
    let served: Vec<(&str, &str)> = shelf
        .keys()
        .filter_map(|path| path.strip_prefix(&format!("/apis/{group}/"))?.split_once('/'))
        .filter(|(version, _)| parts.clone().next().is_none_or(|asked| asked == *version))
        .collect();
    let depth = parts.count();
    Some(match (depth, served.as_slice()) {
        (0, [_, ..]) => {
            let versions: Vec<Value> =
                served.iter().map(|(version, _)| json!({"version": version})).collect();
            Reply::Json(200, json!({"versions": versions}))
        }
        (1, [_, ..]) => {
            let kinds: Vec<Value> = served.iter().map(|(_, plural)| json!({"name": plural})).collect();
            Reply::Json(200, json!({"resources": kinds}))
        }
        _ => Reply::Json(404, status(404, "the server could not find the requested resource")),
    })
}

fn meta(name: &str) -> Value {
    json!({"name": name, "namespace": "shop-prod", "uid": format!("uid-{name}"), "resourceVersion": "3",
           "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z"})
}

/// An Application that is well.
fn application(name: &str) -> Value {
    json!({"metadata": meta(name),
        "spec": {"project": "default", "source": {"repoURL": "https://git.example/shop", "path": name},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop-prod"},
            "syncPolicy": {"automated": {}}},
        "status": {"sync": {"status": "Synced", "revision": "9f31c29f31c29f31c29f31c29f31c29f31c29f31"},
            "health": {"status": "Healthy"}, "reconciledAt": "2026-01-01T00:00:00Z",
            "operationState": {"phase": "Succeeded", "startedAt": "2026-01-01T00:00:00Z",
                "finishedAt": "2026-01-01T00:00:05Z"},
            "resources": [{"kind": "ConfigMap", "namespace": "shop-prod", "name": name, "status": "Synced"}]}})
}

fn ready() -> Value {
    json!([{"type": "Ready", "status": "True", "reason": "ReconciliationSucceeded", "message": "Applied",
            "lastTransitionTime": "2026-01-01T00:00:00Z"}])
}

fn kustomization(name: &str) -> Value {
    let revision = "main@sha1:71ab0971ab0971ab0971ab0971ab0971ab0971ab";
    json!({"metadata": meta(name), "spec": {"path": "./shop", "sourceRef": {"kind": "GitRepository", "name": "fleet"}},
        "status": {"observedGeneration": 1, "lastAppliedRevision": revision, "lastAttemptedRevision": revision,
            "conditions": ready()}})
}

fn release(name: &str) -> Value {
    json!({"metadata": meta(name), "spec": {"chart": {"spec": {"chart": name}}},
        "status": {"observedGeneration": 1, "lastAttemptedRevision": "1.30.4", "conditions": ready(),
            "history": [{"version": 1, "status": "deployed", "chartVersion": "1.30.4"}]}})
}

fn source(name: &str) -> Value {
    json!({"metadata": meta(name), "spec": {"url": "https://git.example/fleet"},
        "status": {"observedGeneration": 1, "conditions": ready(),
            "artifact": {"revision": "main@sha1:71ab0971ab0971ab0971ab0971ab0971ab0971ab"}}})
}

fn backup(name: &str) -> Value {
    json!({"metadata": meta(name), "spec": {"includedNamespaces": ["shop-prod"], "storageLocation": "main"},
        "status": {"phase": "Completed", "startTimestamp": "2026-01-01T00:00:00Z",
            "completionTimestamp": "2026-01-01T00:01:00Z"}})
}

fn goes_to(person: &mut Person, pane: PaneId) {
    for _ in 0..20 {
        if person.driver().state.front().is_some_and(|front| front.id() == pane) {
            if !person.driver().state.zoomed {
                person.keys("enter");
            }
            return;
        }
        let zoomed = person.driver().state.zoomed;
        person.keys(if zoomed { "esc" } else { "tab" });
    }
    panic!("no way to {pane:?}:\n{}", person.picture());
}

#[tokio::test]
async fn a_kind_that_is_refused_costs_that_kind_only_and_is_said() {
    let cluster = Installed::start().await;
    cluster.keep(APPLICATIONS, vec![application("cart")]);
    cluster.keep(SOURCES, vec![source("fleet")]);
    cluster.refuse(KUSTOMIZATIONS, "kustomizations is forbidden: User maria");
    let mut person = cluster.person().await;
    goes_to(&mut person, PaneId::Sync);
    person.see_row("cart", "✓ synced").await;
    person.see_row("gitrepo/fleet", "✓ synced").await;
    person.see_title("Sync production", "kustomizations: forbidden").await;
    // Rights that come are noticed.
    cluster.keep(KUSTOMIZATIONS, vec![kustomization("shop")]);
    person.see_row("ks/shop", "✓ synced").await;
    person.see_no("kustomizations: forbidden").await;
    // And one that alone is refused says so where its rows would be.
    cluster.remove(&[KUSTOMIZATIONS, SOURCES]);
    cluster.refuse(APPLICATIONS, "applications is forbidden: User maria");
    person.see("does not let you list applications: applications is forbidden: User maria").await;
    person.see_no_row("cart", "synced").await;
}

#[tokio::test]
async fn where_nothing_is_installed_it_is_said_with_what_helps() {
    let cluster = Installed::start().await;
    let mut person = cluster.person().await;
    person.see("no Argo CD, no Flux").await;
    goes_to(&mut person, PaneId::Sync);
    person.see("No Argo CD and no Flux here: their definitions are not installed").await;
    person.see("`argocd: {context: ...}` of the environment").await;
    person.see_no("removed").await;
    goes_to(&mut person, PaneId::Backups);
    person.see("No Velero on test: its definitions (velero.io) are not installed.").await;
    // Installed while we look.
    cluster.keep(APPLICATIONS, vec![application("cart")]);
    goes_to(&mut person, PaneId::Sync);
    person.see_row("cart", "✓ synced").await;
}

#[tokio::test]
async fn definitions_of_some_years_ago_are_read_too() {
    let cluster = Installed::start().await;
    cluster.keep("/apis/kustomize.toolkit.fluxcd.io/v1beta2/kustomizations", vec![kustomization("shop")]);
    cluster.keep("/apis/helm.toolkit.fluxcd.io/v2beta1/helmreleases", vec![release("cart")]);
    cluster.keep("/apis/source.toolkit.fluxcd.io/v1beta2/gitrepositories", vec![source("fleet")]);
    let mut person = cluster.person().await;
    goes_to(&mut person, PaneId::Sync);
    for (row, revision) in [("ks/shop", "71ab097"), ("hr/cart", "1.30.4"), ("gitrepo/fleet", "71ab097")] {
        person.see_row(row, "✓ synced").await;
        person.see_row(row, revision).await;
    }
    // Upgraded while we look: the old version is not served any more.
    cluster.remove(&["/apis/kustomize.toolkit.fluxcd.io/v1beta2/kustomizations"]);
    cluster.keep(KUSTOMIZATIONS, vec![kustomization("shop"), kustomization("more")]);
    person.see_row("ks/more", "✓ synced").await;
    person.see_row("ks/shop", "✓ synced").await;
}

#[tokio::test]
async fn definitions_that_are_removed_take_their_rows_along_and_bring_them_back() {
    let cluster = Installed::start().await;
    let install_flux = || {
        cluster.keep(KUSTOMIZATIONS, vec![kustomization("shop")]);
        cluster.keep(RELEASES, vec![release("redis")]);
        cluster.keep(SOURCES, vec![source("fleet")]);
    };
    let install_velero = || {
        cluster.keep(SCHEDULES, vec![]);
        cluster.keep(RESTORES, vec![]);
        let location = json!({"metadata": meta("main"), "spec": {"provider": "aws", "default": true},
            "status": {"phase": "Available"}});
        cluster.keep(LOCATIONS, vec![location]);
        cluster.keep(BACKUPS, vec![backup("nightly-1")]);
    };
    cluster.keep(APPLICATIONS, vec![application("cart")]);
    install_flux();
    install_velero();
    let mut person = cluster.person().await;
    goes_to(&mut person, PaneId::Sync);
    person.see_row("cart", "✓ synced").await;
    person.see_row("ks/shop", "✓ synced").await;

    cluster.remove(&[APPLICATIONS]);
    person.see_no_row("cart", "synced").await;
    person.see_title("Sync production", "applications: definition removed").await;
    person.see_row("ks/shop", "✓ synced").await;
    cluster.remove(&[KUSTOMIZATIONS, RELEASES, SOURCES]);
    person.see_no_row("ks/shop", "synced").await;
    person.see_no_row("gitrepo/fleet", "synced").await;
    person.see("test serves applications, kustomizations, helmreleases, gitrepositories no longer").await;
    person.see("No Argo CD and no Flux here: their definitions are not installed").await;
    cluster.keep(APPLICATIONS, vec![application("cart"), application("media")]);
    install_flux();
    for row in ["cart", "media", "ks/shop", "hr/redis", "gitrepo/fleet"] {
        person.see_row(row, "✓ synced").await;
    }
    person.see_no("removed").await;

    goes_to(&mut person, PaneId::Backups);
    person.see_row("nightly-1", "completed").await;
    cluster.remove(&[BACKUPS, SCHEDULES, RESTORES, LOCATIONS]);
    person.see_no_row("nightly-1", "completed").await;
    person.see("No Velero on test: its definitions (velero.io) are not installed.").await;
    install_velero();
    person.see_row("nightly-1", "completed").await;
    person.see_no("No Velero on test").await;
}

#[tokio::test]
async fn words_that_nobody_knows_stay_words() {
    let cluster = Installed::start().await;
    let mut strange = application("strange");
    strange["status"]["sync"]["status"] = json!("Sideways");
    strange["status"]["health"]["status"] = json!("Feverish");
    strange["status"]["operationState"]["phase"] = json!("Pondering");
    strange["status"]["conditions"] = json!([{"type": "LunarWarning", "message": "the moon is full"}]);
    let mut hostile = application("hostile");
    hostile["status"]["health"]["status"] = json!("Well\u{1b}[31m\u{202e}");
    let mut flux = kustomization("odd");
    flux["status"]["conditions"][0]["status"] = json!("Perhaps");
    cluster.keep(APPLICATIONS, vec![application("cart"), strange, hostile]);
    cluster.keep(KUSTOMIZATIONS, vec![flux]);
    let mut odd = backup("odd-1");
    odd["status"]["phase"] = json!("Levitating");
    cluster.keep(BACKUPS, vec![odd, backup("nightly-1")]);
    let mut person = cluster.person().await;
    goes_to(&mut person, PaneId::Sync);
    person.see_row("strange", "Sideways").await;
    person.see_row("strange", "? Feverish").await;
    person.see_row("strange", "Pondering").await;
    person.see_row("strange", "the moon is full").await;
    person.see_row("ks/odd", "? unknown").await;
    person.see_row("cart", "✓ synced").await;
    let picture = person.picture();
    assert!(!picture.contains(['\u{1b}', '\u{202e}']), "{picture}");
    goes_to(&mut person, PaneId::Backups);
    person.see_row("odd-1", "Levitating").await;
    person.see_row("nightly-1", "completed").await;
}

/// Twenty ways in which an Application may be other than its definition says.
fn broken(at: usize) -> Value {
    let mut app = application(&format!("broken-{at:02}"));
    let (spec, status) = ("spec", "status");
    match at {
        0 => app[status] = json!("none"),
        1 => app[status] = json!([1, 2]),
        2 => app[status] = Value::Null,
        3 => app[status]["sync"] = json!(7),
        4 => app[status]["sync"]["status"] = json!({"word": "Synced"}),
        5 => app[status]["health"] = json!(null),
        6 => app[status]["health"]["status"] = json!(["Healthy"]),
        7 => app[status]["resources"] = json!({"kind": "ConfigMap"}),
        8 => app[status]["resources"] = json!([null, 1, "x", {"kind": 3}]),
        9 => app[status]["operationState"] = json!("Succeeded"),
        10 => {
            app[status]["operationState"] =
                json!({"phase": 4, "startedAt": "yesterday", "retryCount": "many"})
        }
        11 => app[status]["reconciledAt"] = json!("not a time"),
        12 => app[status]["history"] = json!([{"id": "first", "revision": {}}]),
        13 => app[status]["conditions"] = json!({"type": "SyncError"}),
        14 => app[spec] = json!("default"),
        15 => app[spec] = Value::Null,
        16 => app[spec]["source"] = json!([]),
        17 => app[spec]["syncPolicy"] = json!(true),
        18 => app["metadata"]["labels"] = json!(["a", "b"]),
        _ => app["metadata"]["ownerReferences"] = json!("an ApplicationSet"),
    }
    app
}

#[tokio::test]
async fn of_three_hundred_the_twenty_broken_ones_cost_nothing_but_what_is_broken() {
    let cluster = Installed::start().await;
    let well = (0..280).map(|at| application(&format!("well-{at:03}")));
    cluster.keep(APPLICATIONS, well.chain((0..20).map(broken)).collect());
    let mut person = cluster.person().await;
    let all = |world: &pilothouse::world::World| world.clusters[0].applications.len() == 300;
    assert!(person.wait_until(all).await, "{}", person.picture());
    // Every one of them has a row, and the well ones are as they are.
    person.keys("a");
    goes_to(&mut person, PaneId::Sync);
    person.see_title("Sync", "300").await;
    let synced = |person: &mut Person| {
        let shared = &person.driver().state.shared;
        let apps = shared.world.clusters[0].applications.iter();
        apps.filter(|(_, app)| app.name.starts_with("well-") && app.sync.word() == "synced").count()
    };
    assert_eq!(synced(&mut person), 280);
    let counts = {
        let shared = &person.driver().state.shared;
        let environment = shared.environments.list.iter().find(|env| &*env.name == "production").unwrap();
        shared.sync.counts(environment.id)
    };
    let parts =
        counts.synced + counts.drift + counts.syncing + counts.failed + counts.unknown + counts.suspended;
    assert_eq!((counts.total, parts), (300, 300), "{counts:?}");
    // Five of them do not say whether they are synced.
    assert_eq!((counts.unknown, counts.synced, counts.failed), (5, 295, 0), "{counts:?}");
    person.see_row("broken-00", "? unknown").await;
    person.see_row("broken-03", "? unknown").await;
    // One that changes is still one that changes.
    let feed = person.driver().state.shared.world.clusters[0].feed(Kind::Application);
    assert_eq!(feed, pilothouse::domain::link::Feed::Live);
}

#[tokio::test]
async fn a_cluster_whose_clock_is_ahead_or_behind_tells_no_nonsense() {
    let cluster = Installed::start().await;
    let at = |seconds: i64| {
        let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
        at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    };
    let app = |name: &str, skew: i64| {
        let mut app = application(name);
        app["status"]["reconciledAt"] = json!(at(skew));
        app["status"]["sync"]["status"] = json!("OutOfSync");
        app["operation"] = json!({"sync": {}});
        app["status"]["operationState"] = json!({"phase": "Running", "startedAt": at(skew),
            "message": "Sync operation blocked by sync window", "operation": {"sync": {}}});
        app
    };
    cluster.keep(APPLICATIONS, vec![app("ahead", 600), app("behind", -600)]);
    let mut person = cluster.person().await;
    goes_to(&mut person, PaneId::Sync);
    person.see_row("behind", "window closed").await;
    person.see_row("behind", "10m").await;
    // What is said to happen in ten minutes happens now, and no age is negative or huge.
    person.see_row("ahead", "0s").await;
    let picture = person.picture();
    let row = picture.lines().find(|line| line.contains("ahead")).unwrap();
    assert!(row.split_whitespace().all(|word| !word.starts_with('-')), "{row}");
    assert!(row.contains("syncing"), "{row}");
}
