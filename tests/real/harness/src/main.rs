//! The servers for a person: starts what is wanted, prints a kubeconfig's path once it is ready, and ends everything
//! on ctrl-c, SIGTERM or SIGHUP. `tests/real/up` and `down` keep it in the background.

use std::collections::BTreeSet;

use clap::{Parser, ValueEnum};
use eyre::Result;
use ground::{Cluster, Start};
use tokio::signal::unix::{SignalKind, signal};

/// Starts real servers and prints a kubeconfig's path once they are ready.
#[derive(Debug, Parser)]
#[command(name = "up")]
struct Options {
    /// What runs beside the control plane
    #[arg(long, value_delimiter = ',')]
    with: Vec<With>,
    /// etcd and the API server alone
    #[arg(long, conflicts_with = "with")]
    bare: bool,
    /// Nodes that KWOK plays
    #[arg(long, default_value_t = 3)]
    nodes: usize,
    /// Pods of a busy platform: with --bare their statuses are written and nothing runs them, else Deployments make
    /// them and KWOK plays them, with as many nodes as they need
    #[arg(long)]
    pods: Option<usize>,
    /// Print the names of what `tests/real/build` must have built for this, and end
    #[arg(long)]
    needs: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum With {
    Kwok,
    Argocd,
    Velero,
    Prometheus,
    Rollouts,
    Flux,
}

impl With {
    /// What `tests/real/build` must have built for it.
    fn modules(self) -> &'static [&'static str] {
        match self {
            With::Kwok => &["kwok"],
            With::Argocd => &["kwok", "kustomize", "argocd"],
            With::Velero => &["kwok", "velero"],
            With::Prometheus => &["prometheus", "alertmanager"],
            With::Rollouts => &["kwok", "rollouts"],
            With::Flux => &["flux"],
        }
    }

    fn add(self, start: Start) -> Start {
        match self {
            With::Kwok => start.with_kwok(),
            With::Argocd => start.with_argocd().with_applicationsets().with_argocd_server(),
            With::Velero => start.with_velero(),
            With::Prometheus => start.with_prometheus(),
            With::Rollouts => start.with_rollouts(),
            With::Flux => start.with_flux_definitions(),
        }
    }
}

impl Options {
    /// As they are meant: pods that live want KWOK.
    fn meant() -> Options {
        let mut options = Options::parse();
        if options.pods.is_some() && !options.bare && !options.wants("kwok") {
            options.with.push(With::Kwok);
        }
        options
    }

    fn wants(&self, module: &str) -> bool {
        self.with.iter().any(|with| with.modules().contains(&module))
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::meant();
    if options.needs {
        say("controlplane");
        let modules: BTreeSet<&str> = options.with.iter().flat_map(|with| with.modules()).copied().collect();
        modules.into_iter().for_each(say);
        return Ok(());
    }
    // Before anything starts, so that no signal is lost.
    let ended = ended()?;
    tokio::pin!(ended);
    let cluster = tokio::select! {
        cluster = start(&options) => cluster?,
        () = &mut ended => return Ok(()),
    };
    // Before the path, for whose sake `up` waits.
    describe(&options.with, &cluster)?;
    say(&cluster.admin().display().to_string());
    ended.await;
    // Everything is ended and removed before this process is gone.
    drop(cluster);
    Ok(())
}

#[allow(clippy::print_stdout, reason = "it is what this program is for")]
fn say(line: &str) {
    println!("{line}");
}

/// Where a person finds what has pages of its own. On stderr: stdout is the path alone.
#[allow(clippy::print_stderr, reason = "it is for the person who started this")]
fn describe(with: &[With], cluster: &Cluster) -> Result<()> {
    if with.contains(&With::Prometheus) {
        let prometheus = cluster.prometheus()?;
        eprintln!("Prometheus: {}\nAlertmanager: {}", prometheus.url(), prometheus.alertmanager_url());
    }
    if with.contains(&With::Argocd) {
        eprintln!("Argo CD: {}", cluster.argocd()?.url()?);
    }
    Ok(())
}

/// Comes when somebody wants this to end.
fn ended() -> Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}

async fn start(options: &Options) -> Result<Cluster> {
    let mut start = Cluster::start();
    if options.bare {
        start = start.bare();
    }
    start = options.with.iter().fold(start, |start, with| with.add(start));
    let cluster = start.await?;
    let pods = options.pods.unwrap_or_default();
    if options.wants("kwok") {
        cluster.nodes(options.nodes.max(pods.div_ceil(ground::kwok::ON_A_NODE))).await?;
    }
    match options.pods {
        Some(pods) if options.bare => ground::seed::Seed::of(pods).plant(&cluster).await?,
        Some(pods) => cluster.crowd(pods).await?,
        None => {}
    }
    Ok(cluster)
}
