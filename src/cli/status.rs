//! `pilothouse status`: environments and apps as a table or as JSON, with
//! their health in the exit code.

use std::time::Duration;

use clap::ValueEnum;

use super::run::to_end;
use super::{Exit, Global, print, report, start};
use crate::domain::id::EnvId;
use crate::error::{Problem, Problems, suggest};
use crate::report::Status;
use crate::report::alerts::AlertFacts;
use crate::report::status::{Facts, Health};
use crate::runtime::Driver;

/// How long servers of alerts are waited for.
const ALERTS: Duration = Duration::from_secs(5);

/// Arguments of `status`.
#[derive(Clone, Debug, clap::Args)]
pub struct StatusArgs {
    /// Form of the result
    #[arg(long, short, value_enum, default_value_t = Output::Table)]
    pub output: Output,
    /// Only this environment
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
    /// Connect every context of the kubeconfig
    #[arg(long)]
    pub all_contexts: bool,
    /// Give up after so many seconds
    #[arg(long, default_value_t = 20, value_name = "SECONDS")]
    pub timeout: u64,
}

/// Forms of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Tables for people
    Table,
    /// JSON for programs
    Json,
}

/// Runs it. Ends with 0 when all connected environments are healthy, 1 when
/// one is not, 5 when that is not known.
pub fn run(global: &Global, args: StatusArgs) -> Result<Exit, Problems> {
    to_end(async {
        let (status, complete) = gather(global, &args).await?;
        print(&match args.output {
            Output::Table => status.text(),
            Output::Json => status.json().map_err(|error| {
                Problem::failed("The status could not be written as JSON.").because(error)
            })?,
        })?;
        if !complete {
            report(&format!("pilothouse: not all data was in after {} s", args.timeout));
        }
        Ok(exit(status.health, complete))
    })
}

/// What is unhealthy is known however little else is.
fn exit(health: Health, complete: bool) -> Exit {
    match health {
        Health::Unhealthy => Exit::Failed,
        Health::Healthy if complete => Exit::Done,
        Health::Healthy | Health::Unknown => Exit::Unknown,
    }
}

/// Connects, waits until everything is in or the time is over, and reads the
/// result; tells too whether everything is in.
async fn gather(global: &Global, args: &StatusArgs) -> Result<(Status, bool), Problems> {
    let (driver, complete) = loaded(global, args).await?;
    let only = match &args.env {
        Some(name) => Some(find(&driver, name)?),
        None => None,
    };
    let shared = &driver.state.shared;
    let mut status = Status::of(Facts {
        world: &shared.world,
        environments: &shared.environments,
        cards: &shared.cards,
        matrix: &shared.matrix,
        sync: &shared.sync,
        backups: &shared.backups,
        now: shared.now,
        only,
    });
    let (alerts, upstreams, environments) = (&shared.alerts, &shared.upstreams, &shared.environments);
    status.add_alerts(AlertFacts { alerts, upstreams, environments, now: shared.now, only });
    Ok((status, complete))
}

/// Connects, and waits until everything is in or the time is over; tells too whether everything is in.
pub(super) async fn loaded(global: &Global, args: &StatusArgs) -> Result<(Driver, bool), Problems> {
    let connect = if args.all_contexts { start::Connect::All } else { start::Connect::Usual };
    let mut driver = start::driver(global, connect, start::Canvas::Picture)?.machine;
    let limit = Duration::from_secs(args.timeout);
    let complete = driver.run_until(limit, |driver| driver.is_loaded()).await;
    // Alerts are counted where they can be had soon; health does not hang on them.
    driver.run_until(ALERTS.min(limit), |driver| driver.has_heard_of_alerts()).await;
    driver.settle();
    Ok((driver, complete))
}

pub(super) fn find(driver: &Driver, name: &str) -> Result<EnvId, Problem> {
    let list = &driver.state.shared.environments.list;
    list.iter().find(|env| &*env.name == name).map(|env| env.id).ok_or_else(|| {
        Problem::usage(format!("There is no environment `{}`.", crate::text::clean(name)))
            .mend(suggest(name, list.iter().map(|env| &*env.name)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::{self, DemoOptions, DemoServer, Fault};
    use crate::error::Kind;

    async fn demo(at: u64) -> DemoServer {
        rustls::crypto::ring::default_provider().install_default().ok();
        let options = DemoOptions { start_at: Duration::from_secs(at), ..DemoOptions::default() };
        demo::start(options).await.unwrap()
    }

    /// The files of a person who has configured nothing.
    fn global(server: &DemoServer, config: &tempfile::NamedTempFile) -> Global {
        Global {
            kubeconfig: Some(server.kubeconfig().to_owned()),
            config: Some(config.path().to_owned()),
            ..Global::default()
        }
    }

    fn args(env: Option<&str>) -> StatusArgs {
        StatusArgs { output: Output::Table, env: env.map(str::to_owned), all_contexts: true, timeout: 20 }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_demo_begins_well_with_a_release_that_waits() {
        let server = demo(0).await;
        let config = tempfile::NamedTempFile::new().unwrap();
        let (status, complete) = gather(&global(&server, &config), &args(None)).await.unwrap();
        assert!(complete, "{}", status.text());
        let names: Vec<&str> = status.environments.iter().map(|env| env.name.as_str()).collect();
        assert_eq!(&names[..3], ["development", "staging", "production"]);
        let platforms: Vec<_> =
            status.environments[..3].iter().filter_map(|e| e.platform.as_deref()).collect();
        assert_eq!(platforms, ["k3s 1.36", "k3s 1.36", "GKE 1.35"]);
        let storefront = status.apps.iter().find(|app| app.name == "storefront").unwrap();
        let releases: Vec<_> =
            storefront.environments.iter().map(|r| (r.release.as_str(), r.relation)).collect();
        assert_eq!(releases, [("2.9.0", "first"), ("2.8.3", "behind"), ("2.7.1", "behind")]);
        assert_eq!(status.apps.len(), 12, "{}", status.text());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_environment_is_asked_for_by_name() {
        let server = demo(0).await;
        let config = tempfile::NamedTempFile::new().unwrap();
        let (status, _) = gather(&global(&server, &config), &args(Some("staging"))).await.unwrap();
        assert_eq!(status.environments.len(), 1);
        let problems = gather(&global(&server, &config), &args(Some("stagign"))).await.unwrap_err();
        assert_eq!(problems.exit_code(), Kind::Usage.exit_code());
        assert!(problems.to_string().contains("did you mean `staging`?"), "{problems}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_dead_cluster_is_unknown_and_blocks_nothing() {
        let server = demo(0).await;
        server.set_fault("gke-eu1", Some(Fault::Down));
        let config = tempfile::NamedTempFile::new().unwrap();
        let (status, _) = gather(&global(&server, &config), &args(None)).await.unwrap();
        let lost = status.environments.iter().find(|env| env.context == "gke-eu1").unwrap();
        assert_eq!(lost.level, "unknown");
        assert!(lost.freshness.starts_with("unreachable"), "{}", lost.freshness);
        assert!(status.environments.iter().any(|env| env.name == "staging"), "{}", status.text());
        assert_ne!(exit(status.health, true), Exit::Done);
    }

    #[test]
    fn the_exit_code_is_the_health() {
        for (health, complete, code) in [
            (Health::Healthy, true, Exit::Done),
            (Health::Healthy, false, Exit::Unknown),
            (Health::Unknown, true, Exit::Unknown),
            (Health::Unhealthy, true, Exit::Failed),
            (Health::Unhealthy, false, Exit::Failed),
        ] {
            assert_eq!(exit(health, complete), code, "{health:?} {complete}");
        }
    }
}
