//! `pilothouse backups` and `pilothouse rpo`: what Velero keeps of each environment, with the answer in the exit code.

use super::run::to_end;
use super::status::{Output, StatusArgs, find, loaded};
use super::{Exit, Global, print, report};
use crate::error::{Problem, Problems};
use crate::report::backups::{BackupReport, Facts};
use crate::report::status::Health;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Everything.
    Backups,
    /// Recovery points and times alone.
    Meters,
}

/// Runs it. Ends with 0 when every recovery point is kept (`backups`: and nothing else wants a look), 1 when one is
/// not, 5 when that is not known.
pub fn run(global: &Global, args: StatusArgs, wanted: Wanted) -> Result<Exit, Problems> {
    to_end(async {
        let (told, complete) = gather(global, &args, wanted).await?;
        print(&match (args.output, wanted) {
            (Output::Table, Wanted::Backups) => told.text(),
            (Output::Table, Wanted::Meters) => told.meters(),
            (Output::Json, _) => told.json().map_err(|error| {
                Problem::failed("The result could not be written as JSON.").because(error)
            })?,
        })?;
        if !complete {
            report(&format!("pilothouse: not all data was in after {} s", args.timeout));
        }
        Ok(match told.health {
            Health::Unhealthy => Exit::Failed,
            Health::Healthy if complete => Exit::Done,
            Health::Healthy | Health::Unknown => Exit::Unknown,
        })
    })
}

async fn gather(
    global: &Global,
    args: &StatusArgs,
    wanted: Wanted,
) -> Result<(BackupReport, bool), Problems> {
    let (driver, complete) = loaded(global, args).await?;
    let only = args.env.as_deref().map(|name| find(&driver, name)).transpose()?;
    let shared = &driver.state.shared;
    let facts = Facts {
        world: &shared.world,
        environments: &shared.environments,
        backups: &shared.backups,
        now: shared.now.wall,
        only,
    };
    let mut told = BackupReport::of(facts, wanted == Wanted::Meters);
    if wanted == Wanted::Meters {
        for env in &mut told.environments {
            env.objects.clear();
        }
    }
    Ok((told, complete))
}

/// Everything, for tests of other commands.
#[cfg(test)]
pub(super) async fn told(global: &Global, args: &StatusArgs) -> BackupReport {
    match gather(global, args, Wanted::Backups).await {
        Ok((told, _)) => told,
        Err(problems) => panic!("{problems}"),
    }
}
