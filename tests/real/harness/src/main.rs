//! The servers for a person: starts what is wanted, prints a kubeconfig's path once it is ready, and ends everything
//! on ctrl-c, SIGTERM or SIGHUP. `tests/real/up` and `down` keep it in the background.

use clap::{Parser, ValueEnum};
use eyre::Result;
use ground::Cluster;
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
    /// Pods of a busy platform, for --bare
    #[arg(long, requires = "bare")]
    pods: Option<usize>,
    /// Print the names of what `tests/real/build` must have built for this, and end
    #[arg(long)]
    needs: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum With {
    Kwok,
}

impl With {
    /// What `tests/real/build` calls it.
    fn module(self) -> &'static str {
        match self {
            With::Kwok => "kwok",
        }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    if options.needs {
        say("controlplane");
        options.with.iter().for_each(|with| say(with.module()));
        return Ok(());
    }
    // Before anything starts, so that no signal is lost.
    let ended = ended()?;
    tokio::pin!(ended);
    let cluster = tokio::select! {
        cluster = start(&options) => cluster?,
        () = &mut ended => return Ok(()),
    };
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
    let kwok = options.with.contains(&With::Kwok);
    if kwok {
        start = start.with_kwok();
    }
    let cluster = start.await?;
    if kwok {
        cluster.nodes(options.nodes).await?;
    }
    if let Some(pods) = options.pods {
        ground::seed::Seed::of(pods).plant(&cluster).await?;
    }
    Ok(cluster)
}
