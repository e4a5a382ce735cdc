//! `pilothouse journal`: what was changed from here, by whom and with what outcome.

use super::status::Output;
use super::{Exit, Global, print, report};
use crate::config::Folders;
use crate::error::{Problem, Problems};
use crate::journal::Journal;
use crate::report::journal::{json, text};

/// Arguments of `journal`.
#[derive(Clone, Debug, clap::Args)]
pub struct JournalArgs {
    /// Form of the result
    #[arg(long, short, value_enum, default_value_t = Output::Table)]
    pub output: Output,
    /// Only what was begun since: 2026-11-21, 2026-11-21T14:00:00Z, or 2h ago as 2h
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub since: Option<jiff::Timestamp>,
    /// Only what was done in this environment
    #[arg(long, value_name = "NAME")]
    pub env: Option<String>,
}

fn since(text: &str) -> Result<jiff::Timestamp, String> {
    since_at(text, jiff::Timestamp::now())
}

fn since_at(text: &str, now: jiff::Timestamp) -> Result<jiff::Timestamp, String> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(at);
    }
    if let Ok(day) = text.parse::<jiff::civil::Date>() {
        let begun = day.to_zoned(jiff::tz::TimeZone::UTC);
        return begun.map(|at| at.timestamp()).map_err(|error| error.to_string());
    }
    let wrong = || "write a date, a time such as 2026-11-21T14:00:00Z, or a span such as 2h".to_owned();
    let split = text.len().saturating_sub(1);
    let (count, unit) = text.split_at_checked(split).ok_or_else(wrong)?;
    let count: i64 = count.parse().map_err(|_| wrong())?;
    let each = match unit {
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(wrong()),
    };
    let seconds = count.checked_mul(each).filter(|seconds| *seconds >= 0).ok_or_else(wrong)?;
    now.checked_sub(jiff::SignedDuration::from_secs(seconds)).map_err(|_| wrong())
}

/// Runs it.
///
/// # Errors
/// There is no folder for it, or it cannot be read.
pub fn run(_: &Global, args: &JournalArgs) -> Result<Exit, Problems> {
    let folders = Folders::find(|name| std::env::var(name).ok());
    let folder =
        folders.state.ok_or_else(|| Problem::failed("There is no home folder, and so no journal."))?;
    let journal = Journal::within(&folder);
    let mut reading = journal.read(args.since).map_err(|error| {
        Problem::failed(format!("The journal in {} cannot be read.", journal.folder().display()))
            .because(error)
    })?;
    if let Some(env) = &args.env {
        reading.entries.retain(|entry| entry.intent.environment == *env);
    }
    print(&match args.output {
        Output::Table => text(&reading),
        Output::Json => json(&reading)
            .map_err(|error| Problem::failed("The journal could not be written as JSON.").because(error))?,
    })?;
    if !reading.torn.is_empty() {
        report(&format!(
            "pilothouse: not readable, and passed over: {} (a program or a disk ended in the middle of a line)",
            reading.torn.join(", ")
        ));
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_three_ways() {
        let now: jiff::Timestamp = "2026-11-21T14:32:00Z".parse().unwrap();
        let read = |text: &str| since_at(text, now).map(|at| at.to_string());
        assert_eq!(read("2h").unwrap(), "2026-11-21T12:32:00Z");
        assert_eq!(read("2026-11-01").unwrap(), "2026-11-01T00:00:00Z");
        assert_eq!(read("2026-11-21T14:00:00Z").unwrap(), "2026-11-21T14:00:00Z");
        for wrong in ["", "h", "soon", "2y", "-2h", "é"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
