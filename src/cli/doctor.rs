//! `pilothouse doctor`: what works, what does not, and how to mend it.
//!
//! It reads, asks reviews ("who am I", "may I") and changes nothing.

mod cluster;
mod local;
mod upstreams;

use futures::future::join_all;

use super::run::to_end;
use super::status::Output;
use super::{Exit, Global, print, start};
use crate::config::{self, Config, Folders, Remembered};
use crate::connect::contexts::{ContextInfo, Contexts};
use crate::error::{Problem, Problems};
use crate::report::{Check, Checks, Verdict};
use crate::text::clean;

/// Arguments of `doctor`.
#[derive(Clone, Debug, clap::Args)]
pub struct DoctorArgs {
    /// Form of the result
    #[arg(long, short, value_enum, default_value_t = Output::Table)]
    pub output: Output,
    /// Look at every context of the kubeconfig, not only at those that connect
    #[arg(long)]
    pub all_contexts: bool,
}

/// Runs it. Ends with 1 when anything fails.
pub fn run(global: &Global, args: &DoctorArgs) -> Result<Exit, Problems> {
    to_end(async {
        let checks = look(global, args.all_contexts).await;
        print(&match args.output {
            Output::Table => checks.text(),
            Output::Json => checks.json().map_err(|error| {
                Problem::failed("The checks could not be written as JSON.").because(error)
            })?,
        })?;
        Ok(if checks.verdict() == Verdict::Fail { Exit::Failed } else { Exit::Done })
    })
}

/// Looks at everything: files and terminal first, then the clusters side by
/// side, so that a dead one delays no other.
async fn look(global: &Global, all_contexts: bool) -> Checks {
    let folders = Folders::find(|name| std::env::var(name).ok());
    let mut checks = local::terminal(&local::Terminal::of_this_process());
    checks.push(local::git().await);
    let config = match config::load(global.config.as_deref(), &folders) {
        Ok(loaded) => {
            checks.push(Check::ok(FILES, "configuration", told(loaded.file.as_deref())));
            loaded.config
        }
        Err(problems) => {
            checks.extend(failures("configuration", &problems));
            Config::default()
        }
    };
    checks.extend(local::keymaps_and_themes(global, &folders, &config));
    match start::contexts(global) {
        Ok(contexts) => {
            let (chosen, rest) = chosen(&contexts, &config, &folders, all_contexts);
            checks.push(kubeconfig(&contexts, &rest));
            for found in join_all(chosen.into_iter().map(|info| cluster::look(info, &config))).await {
                checks.extend(found);
            }
        }
        Err(problem) => checks.extend(failures("kubeconfig", &problem.into())),
    }
    Checks { checks }
}

/// The area of everything that is read from files of this machine.
const FILES: &str = "files";

fn told(file: Option<&std::path::Path>) -> String {
    match file {
        Some(file) => clean(&file.display().to_string()).into_owned(),
        None => "none: all defaults, environments are inferred".to_owned(),
    }
}

/// One failed check for each problem.
fn failures(what: &str, problems: &Problems) -> Vec<Check> {
    let one = |problem: &Problem| {
        let place = problem.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
        let words = clean(&format!("{place}{}", problem.what)).into_owned();
        Check::fail(FILES, what, words, problem.mend.clone().unwrap_or_default())
    };
    problems.0.iter().map(one).collect()
}

/// The contexts that connect at a start, and the names of the others.
fn chosen<'a>(
    contexts: &'a Contexts,
    config: &Config,
    folders: &Folders,
    all: bool,
) -> (Vec<&'a ContextInfo>, Vec<&'a str>) {
    // A memory that cannot be read is told by the screen; here it only means that nothing is remembered.
    let remembered =
        folders.state.as_deref().and_then(|state| Remembered::load(state).ok()).unwrap_or_default();
    let connects = |at: usize, info: &ContextInfo| {
        all || contexts.current == Some(at)
            || config.connect.iter().any(|name| **name == *info.name)
            || config.environments().any(|env| env.context.as_deref() == Some(&*info.name))
            || remembered.contexts.iter().any(|name| **name == *info.name)
    };
    let mut rest = Vec::new();
    let mut chosen = Vec::new();
    for (at, info) in contexts.list.iter().enumerate() {
        if connects(at, info) {
            chosen.push(info);
        } else {
            rest.push(&*info.name);
        }
    }
    (chosen, rest)
}

fn kubeconfig(contexts: &Contexts, rest: &[&str]) -> Check {
    let files: Vec<String> =
        contexts.files.iter().map(|file| clean(&file.display().to_string()).into_owned()).collect();
    let from = if files.is_empty() { "the pod's service account".to_owned() } else { files.join(", ") };
    let mut words = format!("{} contexts from {from}", contexts.list.len());
    if !rest.is_empty() {
        words.push_str(&format!("; not looked at: {}", rest.join(", ")));
    }
    if contexts.current.is_none() && rest.len() == contexts.list.len() {
        return Check::warn(
            FILES,
            "kubeconfig",
            format!("{words}; no current context, so none connects"),
            "`kubectl config use-context NAME`, or --context NAME",
        );
    }
    Check::ok(FILES, "kubeconfig", words)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::demo::{self, DemoOptions, DemoServer, Fault};

    async fn demo() -> DemoServer {
        rustls::crypto::ring::default_provider().install_default().ok();
        let options = DemoOptions { story: false, start_at: Duration::ZERO, ..DemoOptions::default() };
        demo::start(options).await.unwrap()
    }

    async fn checks(kubeconfig: &Path) -> Checks {
        let config = tempfile::NamedTempFile::new().unwrap();
        let global = Global {
            kubeconfig: Some(kubeconfig.to_owned()),
            config: Some(config.path().to_owned()),
            ..Global::default()
        };
        look(&global, true).await
    }

    fn find<'a>(checks: &'a Checks, area: &str, what: &str) -> &'a Check {
        let found = checks.checks.iter().find(|check| check.area == area && check.what == what);
        found.unwrap_or_else(|| panic!("no {area}/{what} in\n{}", checks.text()))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_demo_is_well() {
        let server = demo().await;
        let checks = checks(server.kubeconfig()).await;
        for context in ["k3s-edge", "gke-eu1"] {
            for what in ["api server", "permissions", "metrics", "streaming lists"] {
                let check = find(&checks, context, what);
                assert_eq!(check.verdict, Verdict::Ok, "{}", checks.text());
            }
        }
        assert!(find(&checks, "gke-eu1", "api server").words.contains("v1.35"), "{}", checks.text());
        assert!(find(&checks, "gke-eu1", "definitions").words.contains("Argo Rollouts"), "{}", checks.text());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_servers_of_graphs_and_alerts_are_found_and_asked() {
        let server = demo().await;
        let checks = checks(server.kubeconfig()).await;
        for what in ["prometheus", "alertmanager"] {
            let check = find(&checks, "gke-eu1", what);
            assert_eq!(check.verdict, Verdict::Ok, "{}", checks.text());
            assert!(check.words.contains("found by"), "{}", checks.text());
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_server_that_is_configured_wrongly_says_how_to_mend_it() {
        let server = demo().await;
        let config = tempfile::NamedTempFile::new().unwrap();
        let text = "stages:\n- name: production\n  environments:\n  - context: gke-eu1\n    prometheus: {service: \"nowhere/none:1\"}\n    alertmanager: {url: \"http://127.0.0.1:1\"}\n";
        std::fs::write(config.path(), text).unwrap();
        let global = Global {
            kubeconfig: Some(server.kubeconfig().to_owned()),
            config: Some(config.path().to_owned()),
            ..Global::default()
        };
        let checks = look(&global, true).await;
        let prometheus = find(&checks, "gke-eu1", "prometheus");
        assert_eq!(prometheus.verdict, Verdict::Fail, "{}", checks.text());
        assert!(
            prometheus.words.starts_with("nowhere/none:1, configured, for production: "),
            "{}",
            checks.text()
        );
        let alertmanager = find(&checks, "gke-eu1", "alertmanager");
        assert!(alertmanager.words.ends_with("nothing listens there"), "{}", checks.text());
        assert!(alertmanager.mend.contains("alertmanager.url"), "{}", checks.text());
    }

    /// A server that answers every question the same.
    async fn answering(status: &str, body: &str) -> String {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let reply = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut seen = vec![0; 4096];
                let _ = stream.read(&mut seen).await;
                let _ = stream.write_all(reply.as_bytes()).await;
            }
        });
        url
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_argo_cd_server_that_is_configured_is_asked_and_one_that_is_not_is_not_missed() {
        let server = demo().await;
        let without = checks(server.kubeconfig()).await;
        assert!(!without.checks.iter().any(|check| check.what == "argocd"), "{}", without.text());
        let dir = tempfile::tempdir().unwrap();
        let token = dir.path().join("token");
        std::fs::write(&token, "t").unwrap();
        for (status, body, token, verdict, words, mend) in [
            (
                "200 OK",
                "{\"metadata\":{\"resourceVersion\":\"7\"}}",
                &token,
                Verdict::Ok,
                "configured, for production",
                "",
            ),
            ("200 OK", "{}", &token, Verdict::Fail, "not as this kind of server does", "argocd.url"),
            (
                "401 Unauthorized",
                "{\"message\":\"no session\"}",
                &token,
                Verdict::Fail,
                "401",
                "argocd.tokenFile",
            ),
            (
                "200 OK",
                "{}",
                &dir.path().join("none"),
                Verdict::Fail,
                "cannot be read",
                "correct what is named",
            ),
        ] {
            let url = answering(status, body).await;
            let config = dir.path().join("config.yaml");
            let text = format!(
                "stages:\n- name: production\n  environments:\n  - context: gke-eu1\n    argocd: {{url: \"{url}\", tokenFile: {}}}\n",
                token.display()
            );
            std::fs::write(&config, text).unwrap();
            let global = Global {
                kubeconfig: Some(server.kubeconfig().to_owned()),
                config: Some(config),
                ..Global::default()
            };
            let checks = look(&global, true).await;
            let check = find(&checks, "gke-eu1", "argocd");
            assert_eq!(check.verdict, verdict, "{}", checks.text());
            assert!(check.words.contains(words) && check.mend.contains(mend), "{}", checks.text());
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_may_not_be_read_is_named_with_what_to_ask_for() {
        let server = demo().await;
        let checks = checks(server.restricted_kubeconfig()).await;
        let permissions = find(&checks, "gke-eu1", "permissions");
        assert_ne!(permissions.verdict, Verdict::Ok, "{}", checks.text());
        assert!(permissions.words.contains("nodes") && !permissions.mend.is_empty(), "{}", checks.text());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_dead_cluster_fails_and_the_other_is_still_looked_at() {
        let server = demo().await;
        server.set_fault("gke-eu1", Some(Fault::Down));
        let checks = checks(server.kubeconfig()).await;
        assert_eq!(find(&checks, "gke-eu1", "api server").verdict, Verdict::Fail);
        assert_eq!(find(&checks, "k3s-edge", "api server").verdict, Verdict::Ok);
        assert_eq!(checks.verdict(), Verdict::Fail);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn refused_credentials_say_how_to_log_in() {
        let server = demo().await;
        server.set_fault("gke-eu1", Some(Fault::Unauthorized));
        let checks = checks(server.kubeconfig()).await;
        let check = find(&checks, "gke-eu1", "api server");
        assert_eq!(check.verdict, Verdict::Fail);
        assert!(check.mend.contains("run:"), "{}", checks.text());
    }

    #[tokio::test]
    async fn files_that_are_missing_or_wrong_fail_with_their_mend() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("config.yaml");
        std::fs::write(&config, "stagess: []\n").unwrap();
        let global =
            Global { kubeconfig: Some(dir.path().join("none")), config: Some(config), ..Global::default() };
        let checks = look(&global, false).await;
        let told = find(&checks, FILES, "configuration");
        assert!(told.verdict == Verdict::Fail && told.mend.contains("stages"), "{}", checks.text());
        assert_eq!(find(&checks, FILES, "kubeconfig").verdict, Verdict::Fail);
    }
}
