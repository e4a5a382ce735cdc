//! How one connects, and what is said when one cannot.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ground::Cluster;
use ground::people::{self, Authority, Credentials};
use ground::ports::Port;
use pilothouse::domain::id::Kind;
use pilothouse::domain::link::Feed;
use serde_json::{Value, json};

use super::common::{DAY, folder, person, pod, pods, quick, reader, shared, token_of};
use super::ledger::{agrees, agrees_but};
use super::person::Person;
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

/// Every kind of Kubernetes' own that is asked for in a namespace, with its group.
const IN_A_NAMESPACE: [(Kind, &str); 12] = [
    (Kind::Pod, ""),
    (Kind::Service, ""),
    (Kind::ResourceQuota, ""),
    (Kind::Deployment, "apps"),
    (Kind::StatefulSet, "apps"),
    (Kind::DaemonSet, "apps"),
    (Kind::ReplicaSet, "apps"),
    (Kind::Job, "batch"),
    (Kind::CronJob, "batch"),
    (Kind::Ingress, "networking.k8s.io"),
    (Kind::EndpointSlice, "discovery.k8s.io"),
    (Kind::HorizontalPodAutoscaler, "autoscaling"),
];

/// All of them may be read but one.
fn all_but(refused: Kind) -> Value {
    let rest = IN_A_NAMESPACE.iter().filter(|(kind, _)| *kind != refused);
    let rule = |(kind, group): &(Kind, &str)| json!({"apiGroups": [group], "resources": [kind.api().2], "verbs": ["get", "list", "watch"]});
    rest.map(rule).collect()
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
    for (refused, _) in IN_A_NAMESPACE {
        let plural = refused.api().2;
        let kubeconfig = cluster.user(&format!("no-{plural}"), &[&shop], &all_but(refused)).unwrap();
        let mut person = person(&kubeconfig).await;
        agrees_but(&mut person, 0, cluster, Some(&shop), plural).await;
        for (kind, _) in IN_A_NAMESPACE {
            let feed = person.driver().state.shared.world.clusters[0].feed(kind);
            match kind == refused {
                true => assert!(matches!(feed, Feed::Forbidden(_)), "{plural}: {feed:?}"),
                false => assert_eq!(feed, Feed::Live, "{} without {plural}", kind.api().2),
            }
        }
        // What of it is missing is said where it would be, and the rest is there.
        match refused {
            Kind::Pod => person.see("no-pods does not let you list pods").await,
            _ => person.see_row("cart", "Pending").await,
        }
        person.keys("v");
        if matches!(
            refused,
            Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::Job | Kind::CronJob
        ) {
            person.see_title("Workloads", &format!("4 · {plural}: forbidden")).await;
        } else {
            person.see_title("Workloads", "5 · ").await;
        }
    }
    // The right comes, and nobody has to start anew.
    let no_pods = cluster.user("late-pods", &[&shop], &all_but(Kind::Pod)).unwrap();
    let mut person = super::common::person(&no_pods).await;
    person.see("late-pods does not let you list pods").await;
    cluster.grant("late-pods", &[&shop], &reader()).unwrap();
    person.see_row("cart", "Pending").await;
    agrees(&mut person, cluster, Some(&shop)).await;
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
