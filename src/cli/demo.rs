//! `pilothouse demo`: the screen on a simulated platform, or the platform alone.

use std::path::PathBuf;
use std::time::Duration;

use super::run::to_end;
use super::{Exit, Global, print, screen, start};
use crate::demo::world::crowd::Crowd;
use crate::demo::{self, DemoOptions};
use crate::error::{Problem, Problems};

/// Arguments of `demo`.
#[derive(Clone, Debug, clap::Args)]
pub struct DemoArgs {
    /// How many times faster than the clock the story runs
    #[arg(long, default_value_t = 1.0)]
    pub speed: f64,
    /// Names, ages and numbers follow from it; the same seed gives the same platform
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Only serve the clusters: print the path of a kubeconfig and go on until ctrl-c
    #[arg(long)]
    pub serve: bool,
    /// More pods, for measuring
    #[arg(long, value_name = "N")]
    pub pods: Option<usize>,
    /// Changes of such pods a second
    #[arg(long, value_name = "RATE", default_value_t = 0.0)]
    pub churn: f64,
    /// More Argo CD Applications, for measuring
    #[arg(long, value_name = "N", default_value_t = 0, hide = true)]
    pub applications: usize,
    /// More Velero Backups, for measuring
    #[arg(long, value_name = "N", default_value_t = 0, hide = true)]
    pub backups: usize,
    /// More firing alerts, for measuring
    #[arg(long, value_name = "N", default_value_t = 0, hide = true)]
    pub alerts: usize,
    /// Let the platform rest: no story
    #[arg(long)]
    pub still: bool,
    /// Begin so many seconds into the story
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub at: u64,
    /// Keep the kubeconfig in this folder instead of a temporary one
    #[arg(long, value_name = "FOLDER")]
    pub dir: Option<PathBuf>,
}

impl DemoArgs {
    /// What the demo is started with.
    pub fn options(&self) -> DemoOptions {
        DemoOptions {
            seed: self.seed,
            speed: self.speed,
            pods: self.pods,
            churn: self.churn,
            crowd: Crowd { applications: self.applications, backups: self.backups },
            alerts: self.alerts,
            story: !self.still,
            start_at: Duration::from_secs(self.at),
            dir: self.dir.clone(),
            repository: None,
        }
    }
}

/// Runs it.
pub fn run(global: &Global, args: DemoArgs) -> Result<Exit, Problems> {
    if !args.speed.is_finite() || args.speed <= 0.0 || !args.churn.is_finite() || args.churn < 0.0 {
        return Err(Problem::usage("--speed must be above 0 and --churn not below 0.").into());
    }
    to_end(async {
        // It goes with the demo.
        let git = tempfile::Builder::new().prefix("pilothouse-git-").tempdir().map_err(|error| {
            Problem::failed("A folder for the Git repository could not be made.").because(error)
        })?;
        let options = DemoOptions { repository: Some(git.path().join("shop.git")), ..args.options() };
        let server = demo::start(options)
            .await
            .map_err(|error| Problem::failed("The demo could not be started.").because(error))?;
        tell_of_git(&server);
        if args.serve {
            return serve(&server).await;
        }
        let global =
            Global { kubeconfig: Some(server.kubeconfig().to_owned()), context: None, ..global.clone() };
        screen::show(&global, start::Connect::All).await
    })
}

/// Says where a person can push to, and watch.
fn tell_of_git(server: &demo::DemoServer) {
    match server.story().repository() {
        Some(Ok(folder)) => super::report(&format!(
            "delivered from {}: git clone it, change environments/production/cart/kustomization.yaml, push, and watch",
            folder.display()
        )),
        Some(Err(why)) => {
            super::report(&format!("nobody can push to this demo: {why}; the story goes on without"))
        }
        None => {}
    }
}

async fn serve(server: &demo::DemoServer) -> Result<Exit, Problems> {
    print(&format!("{}\n", server.kubeconfig().display()))?;
    for (cluster, prometheus, alertmanager) in server.monitoring() {
        super::report(&format!("{cluster}: Prometheus at {prometheus}, Alertmanager at {alertmanager}"));
    }
    super::report(&format!(
        "serving {} clusters; in another terminal: kubectl --kubeconfig {} get pods -A   (ctrl-c ends it)",
        server.clusters().len(),
        server.kubeconfig().display()
    ));
    start::told_to_end().await?;
    Ok(Exit::Done)
}
