//! How one connects, and what is said when one cannot.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ground::Cluster;
use ground::people::{self, Authority, Credentials};
use ground::ports::Port;
use pilothouse::domain::id::Kind;
use pilothouse::domain::link::{Feed, WATCHED};
use serde_json::{Value, json};

use super::common::{DAY, folder, person, pod, pods, quick, reader, shared, token_of};
use super::ledger::{agrees, agrees_but};
use super::person::{Desk, Person};
use super::wire::Wire;

/// A credential plugin that may be rewritten.
struct Plugin {
    file: PathBuf,
}

impl Plugin {
    fn new(folder: &Path, script: &str) -> Plugin {
        use std::os::unix::fs::PermissionsExt as _;
        let plugin = Plugin { file: folder.join("login-plugin") };
        plugin.rewrite(script);
        std::fs::set_permissions(&plugin.file, std::fs::Permissions::from_mode(0o755)).unwrap();
        plugin
    }

    fn rewrite(&self, script: &str) {
        // Renamed into place by nobody: a file that is written while it runs is "busy", so the script only reads.
        std::fs::write(&self.file, format!("#!/bin/sh\n{script}\n")).unwrap();
    }

    fn credentials(&self) -> Credentials {
        Credentials::Exec(vec![self.file.display().to_string()])
    }
}

fn credential(token: &str) -> String {
    json!({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
           "status": {"token": token}})
    .to_string()
}

/// Who asked the API server for something since the beginning.
fn asked(cluster: &Cluster, name: &str) -> bool {
    let requests = cluster.audit().since(ground::audit::Mark::default()).unwrap();
    requests.iter().any(|request| request.user.ends_with(name) && request.code < 300)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn token_certificate_token_file_and_plugin() {
    let cluster = shared().await;
    let shop = cluster.namespace("shop").await.unwrap();
    pod(cluster, &shop, "cart");
    let folder = folder(cluster, "ways");
    let token = token_of(cluster, "anna", &[&shop], DAY);
    let (certificate, key) = cluster.authority().certificate("carol", &[]).unwrap();
    cluster.kubectl(&["-n", &shop, "create", "rolebinding", "carol", "--role=anna", "--user=carol"]).unwrap();
    std::fs::write(folder.join("token"), format!("{token}\n")).unwrap();
    // What a plugin says on its way is no harm as long as its stdout is for us.
    let script = format!("echo 'opening https://sso.example' >&2\necho '{}'", credential(&token));
    let plugin = Plugin::new(&folder, &script);
    for credentials in [
        Credentials::Token(token),
        Credentials::Certificate(certificate, key),
        Credentials::TokenFile(folder.join("token")),
        plugin.credentials(),
    ] {
        let kubeconfig = cluster.kubeconfig("way", Some(&shop), &credentials).unwrap();
        let mut person = person(&kubeconfig).await;
        person.see_row("cart", "Pending").await;
        person.see("fresh").await;
        agrees(&mut person, cluster, Some(&shop)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_plugin_that_wants_a_person_is_mended_and_tried_again() {
    let cluster = shared().await;
    let shop = cluster.namespace("shop").await.unwrap();
    pod(cluster, &shop, "cart");
    let token = token_of(cluster, "emil", &[&shop], DAY);
    // It prints where it should not, moves the cursor, and asks. One that goes to the terminal itself is in tests/pty,
    // where there is one.
    let script = r"printf '\033[2J\033[31mDevice code: 1234\n'
echo 'Password for sso.example:' >&2
read -r password && exit 9
echo 'sso session expired, run: sso login' >&2
exit 1";
    let plugin = Plugin::new(&folder(cluster, "plugin"), script);
    let kubeconfig = cluster.kubeconfig("sso", Some(&shop), &plugin.credentials()).unwrap();
    let mut person = person(&kubeconfig).await;
    person.see("sso needs a login. sso session expired, run: sso login").await;
    person.see("Run in another terminal: kubectl --context sso get ns").await;
    person.see("login expired").await;
    assert!(!person.picture().contains("1234"), "{}", person.picture());

    // Still wrong, but in another way: more than the credential on its stdout.
    plugin.rewrite(&format!("echo 'Device code: 1234'\necho '{}'", credential(&token)));
    person.keys("c");
    person.see("something that is no ExecCredential").await;
    assert!(!person.picture().contains("1234"), "{}", person.picture());

    plugin.rewrite(&format!("echo '{}'", credential(&token)));
    person.keys("c");
    person.see_row("cart", "Pending").await;
    person.see_no("login").await;
    agrees(&mut person, cluster, Some(&shop)).await;
}

/// All of it in one test, since an API server remembers for ten seconds that a token was good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn tokens_end_while_the_screen_runs() {
    let cluster = shared().await;
    let shop = cluster.namespace("shop").await.unwrap();
    let short = Duration::from_secs(5);
    pod(cluster, &shop, "before");
    let folder = folder(cluster, "ends");
    let (next, file) = (folder.join("next.json"), folder.join("token"));
    let [first, second] = ["filip", "greta"].map(|name| token_of(cluster, name, &[&shop], DAY));
    let later = token_of(cluster, "later", &[&shop], DAY);
    let token = token_of(cluster, "soon", &[&shop], short);
    std::fs::write(&file, &token).unwrap();
    std::fs::write(&next, credential(&token)).unwrap();
    let plugin = Plugin::new(&folder, &format!("cat '{}'", next.display()));

    let fixed = cluster.kubeconfig("fixed", Some(&shop), &Credentials::Token(token)).unwrap();
    let by_file = cluster.kubeconfig("by-file", Some(&shop), &Credentials::TokenFile(file.clone())).unwrap();
    let by_plugin = cluster.kubeconfig("by-plugin", Some(&shop), &plugin.credentials()).unwrap();
    let mut people: Vec<Person> = Vec::new();
    for kubeconfig in [&fixed, &by_file, &by_plugin] {
        let mut person = person(kubeconfig).await;
        person.see_row("before", "Pending").await;
        people.push(person);
    }
    // Whoever logs in writes them anew.
    std::fs::write(&file, &first).unwrap();
    std::fs::write(&next, credential(&second)).unwrap();
    let refused = || cluster.kubectl_with(&fixed, &["-n", &shop, "get", "pods"], None).is_err();
    cluster.until("the end of the token", refused).await.unwrap();
    pod(cluster, &shop, "after");

    // The first person is told, and what was there stays and says how old it is.
    let fixed_person = &mut people[0];
    fixed_person.see_title("Pods", "login needed").await;
    fixed_person.see_title("Pods", "old").await;
    fixed_person.see("login expired").await;
    fixed_person.see_row("before", "Pending").await;
    people::write(&fixed, &cluster.kubeconfig_with("fixed", Some(&shop), &Credentials::Token(later)))
        .unwrap();
    fixed_person.keys("c");
    fixed_person.see_row("after", "Pending").await;
    // Its watches never stopped, so the rows alone tell nothing.
    fixed_person.see("fresh").await;
    fixed_person.see_no("login").await;
    agrees(fixed_person, cluster, Some(&shop)).await;
    assert!(fixed_person.wait_until(|_| asked(cluster, ":later")).await, "the new token was never used");

    // The others need nobody.
    for (person, name) in people[1..].iter_mut().zip([":filip", ":greta"]) {
        person.see_row("after", "Pending").await;
        let renewed = || asked(cluster, name);
        assert!(person.wait_until(|_| renewed()).await, "{name} never asked\n{}", person.picture());
        person.see("fresh").await;
        assert!(!person.picture().contains("login"), "{}", person.picture());
        agrees(person, cluster, Some(&shop)).await;
    }
}

/// Every kind of Kubernetes' own that is followed in a namespace.
fn in_a_namespace() -> impl Iterator<Item = Kind> {
    WATCHED.into_iter().filter(|kind| kind.namespaced() && !kind.is_custom())
}

/// All of these may be read but one.
fn all_but(kinds: impl Iterator<Item = Kind>, refused: Kind) -> Value {
    let rule = |kind: Kind| {
        let (group, _, plural) = kind.api();
        json!({"apiGroups": [group], "resources": [plural], "verbs": ["get", "list", "watch"]})
    };
    kinds.filter(|kind| *kind != refused).map(rule).collect()
}

/// Where one who is refused a kind is told so, beside the page of the environment, which names all of them.
enum Told {
    /// In place of the rows.
    Instead,
    /// In the title of this pane, which shows what else there is.
    InTitle(&'static str),
    /// Below this heading of the environment's page, where it would be.
    Below(&'static str),
    /// On no other place: what is not known is left out where it would be shown.
    Nowhere,
}

/// A kind that is followed from now on fails here until somebody has looked at what the screen says without it.
fn told(refused: Kind) -> Told {
    match refused {
        Kind::Pod | Kind::Backup => Told::Instead,
        Kind::Deployment
        | Kind::StatefulSet
        | Kind::DaemonSet
        | Kind::Job
        | Kind::CronJob
        | Kind::Rollout => Told::InTitle("Workloads"),
        Kind::Service | Kind::Ingress | Kind::EndpointSlice => Told::InTitle("Network"),
        Kind::Application
        | Kind::Kustomization
        | Kind::HelmRelease
        | Kind::GitRepository
        | Kind::OciRepository
        | Kind::HelmRepository
        | Kind::HelmChart
        | Kind::Bucket => Told::InTitle("Sync"),
        Kind::Schedule | Kind::Restore | Kind::BackupStorageLocation => Told::InTitle("Backups"),
        Kind::ResourceQuota => Told::Below("Quotas"),
        Kind::Node => Told::Below("Nodes of the cluster"),
        // The page of a Deployment has one group of pods for all its revisions; it and the question how many say that an
        // autoscaler may not be read (tests/screens/plans.rs).
        Kind::ReplicaSet | Kind::HorizontalPodAutoscaler => Told::Nowhere,
        other => panic!("nobody has said yet what is told without {}", other.api().2),
    }
}

/// Sits down before room for every title, and for the whole page of an environment.
async fn roomy(kubeconfig: &Path) -> Person {
    let mut person = Person::sits_down(kubeconfig, &Desk { size: (320, 90), ..quick() });
    person.wait_for_data().await;
    person
}

/// Who is refused a kind is told so where it is missed, and on the page of the only environment.
async fn sees_what_is_refused(person: &mut Person, context: &str, refused: Kind) {
    let plural = refused.api().2;
    match told(refused) {
        Told::Instead => person.see(&format!("{context} does not let you list {plural}")).await,
        Told::InTitle("Backups") => person.see_title("Backups", &format!("{plural}: not readable")).await,
        Told::InTitle(pane) => {
            // It shares its place with others.
            let mut tabs = 0;
            let shown =
                |picture: &str| ["─", "━"].iter().any(|edge| picture.contains(&format!("{edge} {pane} ")));
            while !shown(&person.picture()) && tabs < 12 {
                person.keys("tab");
                tabs += 1;
            }
            person.see_title(pane, &format!("{plural}: forbidden")).await;
        }
        Told::Below(_) | Told::Nowhere => {}
    }
    person.keys("1");
    person.see("not readable").await;
    person.keys("enter");
    person.see("Not readable").await;
    // What is longer is cut there.
    person.see_row(plural.get(..15).unwrap_or(plural), "forbidden: ").await;
    if let Told::Below(heading) = told(refused) {
        let below = |picture: &str| {
            let mut lines = picture.lines().skip_while(|line| !line.contains(&format!("┃ {heading}")));
            lines.nth(1).is_some_and(|line| line.contains(&format!("  forbidden: {plural} is forbidden")))
        };
        person.see_that(&format!("that {plural} are forbidden below {heading}"), below).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_kind_that_is_refused_costs_that_kind_alone() {
    let cluster = shared().await;
    let shop = cluster.namespace("shop").await.unwrap();
    pod(cluster, &shop, "cart");
    // One of each workload, so that what is known of a kind can be lost; nobody acts on them here.
    let template = json!({"metadata": {"labels": {"app": "web"}}, "spec": {
        "restartPolicy": "Never", "containers": [{"name": "main", "image": "web:1.0.0"}]}});
    let mut lasting = template.clone();
    lasting["spec"]["restartPolicy"] = json!("Always");
    let lasting =
        json!({"selector": {"matchLabels": {"app": "web"}}, "template": lasting, "serviceName": "web"});
    let job = json!({"template": template});
    for (version, kind, spec) in [
        ("apps/v1", "Deployment", without(&lasting, "serviceName")),
        ("apps/v1", "ReplicaSet", without(&lasting, "serviceName")),
        ("apps/v1", "DaemonSet", without(&lasting, "serviceName")),
        ("apps/v1", "StatefulSet", lasting.clone()),
        ("batch/v1", "Job", job.clone()),
        ("batch/v1", "CronJob", json!({"schedule": "0 3 * * *", "jobTemplate": {"spec": job}})),
        ("v1", "Service", json!({"selector": {"app": "web"}, "ports": [{"port": 80}]})),
    ] {
        let meta = json!({"name": "web", "namespace": shop});
        cluster.apply(&json!({"apiVersion": version, "kind": kind, "metadata": meta, "spec": spec})).unwrap();
    }
    for refused in in_a_namespace() {
        let plural = refused.api().2;
        let rules = all_but(in_a_namespace(), refused);
        let kubeconfig = cluster.user(&format!("no-{plural}"), &[&shop], &rules).unwrap();
        let mut person = roomy(&kubeconfig).await;
        agrees_but(&mut person, 0, cluster, Some(&shop), plural).await;
        for kind in in_a_namespace() {
            let feed = person.driver().state.shared.world.clusters[0].feed(kind);
            match kind == refused {
                true => assert!(matches!(feed, Feed::Forbidden(_)), "{plural}: {feed:?}"),
                false => assert_eq!(feed, Feed::Live, "{} without {plural}", kind.api().2),
            }
        }
        // What of it is missing is said where it would be, and the rest is there.
        if refused != Kind::Pod {
            person.see_row("cart", "Pending").await;
        }
        let workloads = if matches!(told(refused), Told::InTitle("Workloads")) { "4 · " } else { "5 · " };
        person.see_title("Workloads", workloads).await;
        sees_what_is_refused(&mut person, &format!("no-{plural}"), refused).await;
    }
    // The right comes, and nobody has to start anew.
    let no_pods = cluster.user("late-pods", &[&shop], &all_but(in_a_namespace(), Kind::Pod)).unwrap();
    let mut person = super::common::person(&no_pods).await;
    person.see("late-pods does not let you list pods").await;
    cluster.grant("late-pods", &[&shop], &reader()).unwrap();
    person.see_row("cart", "Pending").await;
    agrees(&mut person, cluster, Some(&shop)).await;
}

/// What is followed beside Kubernetes' own, and that it may be refused to one who may read everything else. The
/// definitions are those of the servers' own releases; Prometheus' operator is not among them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn a_definitions_kind_or_nodes_that_are_refused_cost_that_kind_alone() {
    let cluster = Cluster::start().bare().await.unwrap();
    for (server, definitions) in [
        ("argocd", "crds/argocd"),
        ("flux", "crds/flux"),
        ("velero", "crds/velero.yaml"),
        ("rollouts", "crds/rollouts"),
    ] {
        cluster.define(&ground::built(server).unwrap().join(definitions)).await.unwrap();
    }
    let absent = |kind: &Kind| matches!(kind, Kind::Prometheus | Kind::Alertmanager);
    let shop = cluster.namespace("shop").await.unwrap();
    pod(&cluster, &shop, "cart");
    for refused in WATCHED.into_iter().filter(|kind| *kind == Kind::Node || kind.is_custom() && !absent(kind))
    {
        let plural = refused.api().2;
        let who = format!("no-{plural}");
        let uid = cluster.person(&who).unwrap();
        cluster.grant(&who, &[], &all_but(WATCHED.into_iter(), refused)).unwrap();
        let token = cluster.authority().token("people", &who, &uid, DAY).unwrap();
        let kubeconfig = cluster.kubeconfig(&who, Some(&shop), &Credentials::Token(token)).unwrap();
        let mut person = roomy(&kubeconfig).await;
        for kind in WATCHED {
            let feed = person.driver().state.shared.world.clusters[0].feed(kind);
            match kind {
                _ if kind == refused => assert!(matches!(feed, Feed::Forbidden(_)), "{plural}: {feed:?}"),
                _ if absent(&kind) => assert_eq!(feed, Feed::Absent, "{} without {plural}", kind.api().2),
                _ => assert_eq!(feed, Feed::Live, "{} without {plural}", kind.api().2),
            }
        }
        person.see_row("cart", "Pending").await;
        person.see(&format!("{plural} not readable")).await;
        sees_what_is_refused(&mut person, &who, refused).await;
    }
}

/// A spec without one of its fields.
fn without(spec: &Value, field: &str) -> Value {
    let mut spec = spec.clone();
    if let Some(fields) = spec.as_object_mut() {
        fields.remove(field);
    }
    spec
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn one_namespace_is_all_that_one_may_see() {
    let cluster = shared().await;
    let (shop, other) = (cluster.namespace("shop").await.unwrap(), cluster.namespace("other").await.unwrap());
    pod(cluster, &shop, "ours");
    pod(cluster, &other, "theirs");
    let kubeconfig = cluster.user("hanna", &[&shop], &reader()).unwrap();
    let mut person = person(&kubeconfig).await;
    person.see_row("ours", "Pending").await;
    pod(cluster, &other, "theirs-too");
    pod(cluster, &shop, "ours-too");
    person.see_row("ours-too", "Pending").await;
    person.keys("a");
    person.see_row("ours-too", "Pending").await;
    assert!(!person.picture().contains("theirs"), "{}", person.picture());
    agrees(&mut person, cluster, Some(&shop)).await;

    // Without a name in the kubeconfig nobody can know which namespace it is.
    let token = Credentials::Token(token_of(cluster, "hanna", &[&shop], DAY));
    let nameless = cluster.kubeconfig("nameless", None, &token).unwrap();
    let mut person = super::common::person(&nameless).await;
    person.see("nameless does not let you list namespaces: only default is asked for.").await;
    person.see("nameless does not let you list pods").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn strangers_are_told_to_log_in() {
    let cluster = shared().await;
    let stranger = Authority::found(&folder(cluster, "strangers")).unwrap();
    let (certificate, key) = stranger.certificate("mallory", &["system:masters"]).unwrap();
    for credentials in [Credentials::Token("guessed".to_owned()), Credentials::Certificate(certificate, key)]
    {
        let kubeconfig = cluster.kubeconfig("stranger", None, &credentials).unwrap();
        let mut person = person(&kubeconfig).await;
        person.see("stranger needs a login. the server does not accept these").await;
        person.see("(401)").await;
        person.see("Run in another terminal: kubectl --context stranger get ns").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn rights_that_are_taken_away_and_given_back() {
    let cluster = shared().await;
    let shop = cluster.namespace("shop").await.unwrap();
    pods(cluster, &shop, 5);
    let wire = Wire::before(cluster, "ruth", &shop).await;
    let mut person = wire.person(&quick()).await;
    person.see_row("cart-4", "Pending").await;
    cluster.kubectl(&["-n", &shop, "delete", "rolebinding", "ruth"]).unwrap();
    // A watch that runs goes on, whatever becomes of the rights; the next one is refused.
    wire.proxy.cut_all();
    person.see("ruth does not let you list pods").await;
    person.see_no("cart-4").await;
    cluster.grant("ruth", &[&shop], &reader()).unwrap();
    pod(cluster, &shop, "after");
    person.see_row("after", "Pending").await;
    agrees(&mut person, cluster, Some(&shop)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs tests/real/build"]
async fn wrong_authority_unknown_name_refused_port() {
    let cluster = shared().await;
    let folder = folder(cluster, "nowhere");
    Authority::found(&folder).unwrap();
    let port = Port::take().unwrap();
    let token = Credentials::Token("x".to_owned());
    let right = cluster.ca_file();
    for (server, authority, said) in [
        (cluster.url(), folder.join("ca.crt"), "signed by an authority that the kubeconfig does not trust"),
        // By RFC 6761 no such name is ever given.
        ("https://nowhere.invalid:6443".to_owned(), right.clone(), "the server's name is not known (DNS)"),
        (format!("https://{}", port.address()), right, "connection refused: nothing listens there"),
    ] {
        let file = folder.join("kubeconfig");
        people::write(&file, &people::kubeconfig("lost", &server, Some(&authority), None, &token)).unwrap();
        let mut person = Person::sits_down(&file, &quick());
        person.see(said).await;
        person.see("unreachable").await;
    }
}
