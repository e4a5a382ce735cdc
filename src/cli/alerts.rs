//! `pilothouse alerts`: what fires, is pending or is held back, as a table or as JSON, with the worst of it in the exit
//! code.

use std::time::Duration;

use super::run::to_end;
use super::status::{Output, find};
use super::{Exit, Global, print, report, start};
use crate::error::{Problem, Problems};
use crate::report::alerts::{AlertFacts, AlertsReport, Verdict};

/// Arguments of `alerts`.
#[derive(Clone, Debug, clap::Args)]
pub struct AlertsArgs {
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

/// Runs it. Ends with 0 when no critical alert fires, 1 when one does, 5 when that is not known.
pub fn run(global: &Global, args: AlertsArgs) -> Result<Exit, Problems> {
    to_end(async {
        let (told, complete) = gather(global, &args).await?;
        print(&match args.output {
            Output::Table => told.text(),
            Output::Json => told.json().map_err(|error| {
                Problem::failed("The alerts could not be written as JSON.").because(error)
            })?,
        })?;
        if !complete {
            report(&format!("pilothouse: not all data was in after {} s", args.timeout));
        }
        Ok(match told.verdict {
            Verdict::Critical => Exit::Failed,
            Verdict::Quiet if complete => Exit::Done,
            Verdict::Quiet | Verdict::Unknown => Exit::Unknown,
        })
    })
}

async fn gather(global: &Global, args: &AlertsArgs) -> Result<(AlertsReport, bool), Problems> {
    let connect = if args.all_contexts { start::Connect::All } else { start::Connect::Usual };
    let mut driver = start::driver(global, connect, start::Canvas::Picture)?.machine;
    let limit = Duration::from_secs(args.timeout);
    let complete = driver.run_until(limit, |driver| driver.is_loaded() && driver.has_heard_of_alerts()).await;
    driver.settle();
    let only = match &args.env {
        Some(name) => Some(find(&driver, name)?),
        None => None,
    };
    let shared = &driver.state.shared;
    let told = AlertsReport::of(AlertFacts {
        alerts: &shared.alerts,
        upstreams: &shared.upstreams,
        environments: &shared.environments,
        now: shared.now,
        only,
    });
    Ok((told, complete))
}

#[cfg(test)]
mod tests {
    use super::super::status::StatusArgs;
    use super::*;
    use crate::demo::{self, DemoOptions};

    /// The demo so many seconds into its story, standing still, and how to reach it with this configuration.
    async fn story_at(seconds: u64, config: &tempfile::NamedTempFile) -> (demo::DemoServer, Global) {
        rustls::crypto::ring::default_provider().install_default().ok();
        let options =
            DemoOptions { start_at: Duration::from_secs(seconds), speed: 0.0, ..DemoOptions::default() };
        let server = demo::start(options).await.unwrap();
        let global = Global {
            kubeconfig: Some(server.kubeconfig().to_owned()),
            config: Some(config.path().to_owned()),
            ..Global::default()
        };
        (server, global)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_alert_of_the_recovery_point_fires_as_long_as_the_meter_says_that_it_is_missed() {
        let config = tempfile::NamedTempFile::new().unwrap();
        // Half past the story's beginning the next backup is in.
        for (seconds, missed) in [(360, true), (1_860, false)] {
            let (_server, global) = story_at(seconds, &config).await;
            let args = AlertsArgs { output: Output::Table, env: None, all_contexts: true, timeout: 30 };
            let (told, _) = gather(&global, &args).await.unwrap();
            let alert = told.alerts.iter().find(|alert| alert.name == "BackupOlderThanRPO");
            assert_eq!(alert.is_some(), missed, "{seconds}: {}", told.text());
            if let Some(alert) = alert {
                assert_eq!(
                    (alert.state.as_str(), alert.severity),
                    ("firing", "warning"),
                    "{seconds}: {alert:?}"
                );
                assert_eq!(alert.environments, ["production"], "{seconds}");
                assert_eq!(alert.about, "shop-half-hourly");
            }
            let args = StatusArgs { output: Output::Table, env: None, all_contexts: true, timeout: 30 };
            let told = super::super::backups::told(&global, &args).await;
            let production = told.environments.iter().find(|env| env.environment == "production").unwrap();
            let rpo = production.rpo.as_ref().unwrap();
            assert_eq!(rpo.state, if missed { "breached" } else { "kept" }, "{seconds}: {rpo:?}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_demos_incident_fires_in_production() {
        let config = tempfile::NamedTempFile::new().unwrap();
        let (_server, global) = story_at(900, &config).await;
        let mut args = AlertsArgs { output: Output::Table, env: None, all_contexts: true, timeout: 30 };
        let (told, complete) = gather(&global, &args).await.unwrap();
        assert!(complete, "{}", told.text());
        assert_eq!(told.verdict, Verdict::Critical, "{}", told.text());
        let critical = told.alerts.iter().find(|alert| alert.severity == "critical").unwrap();
        assert_eq!(critical.environments, ["production"], "{}", told.text());
        assert!(told.json().unwrap().contains("\"verdict\": \"critical\""));
        args.env = Some("development".to_owned());
        let (quiet, _) = gather(&global, &args).await.unwrap();
        assert_eq!(quiet.verdict, Verdict::Quiet, "{}", quiet.text());
    }
}
