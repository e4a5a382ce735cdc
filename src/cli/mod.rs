//! The command line: what can be asked for, a file a command, and the exit
//! codes.
//!
//! Exit codes: 0 done (healthy), 1 failed (unhealthy), 2 usage or configuration, 3 a gate failed,
//! 4 refused, 5 timed out or unknown.

mod alerts;
mod backups;
mod change;
mod completions;
mod config;
mod demo;
mod doctor;
mod files;
mod journal;
mod keys;
mod log;
pub mod run;
mod screen;
mod settings;
mod snapshot;
pub mod start;
mod status;
mod themes;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::error::Problems;

/// One terminal screen from which operators watch and steer Kubernetes releases.
#[derive(Debug, Parser)]
#[command(name = "pilothouse", version, about, long_about = None, max_term_width = 100)]
pub struct Cli {
    /// Without a command: the screen.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What every command understands.
    #[command(flatten)]
    pub global: Global,
}

/// What every command understands.
#[derive(Clone, Debug, Default, Args)]
pub struct Global {
    /// Read this kubeconfig instead of $KUBECONFIG or ~/.kube/config
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Use this kubeconfig context as the current one
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Begin in this namespace, and ask for it alone where the whole cluster may not be listed
    #[arg(long, short, global = true, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Read this configuration instead of ~/.config/pilothouse/config.yaml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Refuse everything that changes a cluster, shells included
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Write a log of the program itself to this file; $PILOTHOUSE_LOG filters it: warn,pilothouse=debug
    #[arg(long, global = true, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
    /// Theme: auto, dark, light, high-contrast, colour-blind, ansi16, mono or one of yours
    #[arg(long, global = true, value_name = "NAME")]
    pub theme: Option<String>,
    /// Keymap: default, vim, k9s or one of yours
    #[arg(long, global = true, value_name = "NAME")]
    pub keymap: Option<String>,
    /// Draw with ASCII signs only
    #[arg(long, global = true)]
    pub ascii: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Try everything on a simulated platform; needs no cluster
    Demo(demo::DemoArgs),
    /// Print one frame of the screen once data is in
    Snapshot(snapshot::SnapshotArgs),
    /// Show what each key does, list and check keymaps
    Keys(keys::KeysArgs),
    /// List, show and check themes
    Themes(themes::ThemesArgs),
    /// Write or check the configuration
    Config(config::ConfigArgs),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
    /// Print the manual page
    Man(completions::ManArgs),
    /// Print environments and apps; the exit code tells their health
    Status(status::StatusArgs),
    /// Print what Velero keeps; the exit code tells whether anything wants a look
    Backups(status::StatusArgs),
    /// Print recovery points and times; the exit code tells whether they are kept
    Rpo(status::StatusArgs),
    /// Print alerts; the exit code tells whether a critical one fires
    Alerts(alerts::AlertsArgs),
    /// The actions of the registry
    #[command(flatten)]
    Change(change::ChangeCommand),
    /// Print what was changed from here, by whom and with what outcome
    Journal(journal::JournalArgs),
    /// Check what works, what does not, and how to mend it
    Doctor(doctor::DoctorArgs),
}

/// The exit codes that commands give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done; healthy.
    Done = 0,
    /// Failed; unhealthy.
    Failed = 1,
    /// A gate of a plan failed.
    Gate = 3,
    /// Refused: read-only, forbidden, stale or not confirmed.
    Refused = 4,
    /// Timed out, or not known.
    Unknown = 5,
}

/// Runs the command line.
pub fn main() -> ExitCode {
    // kube, reqwest and rustls share one provider; it has to be there before the first client is built. A second
    // installation in the same process (tests) is no error.
    let _ = rustls::crypto::ring::default_provider().install_default();
    if let Err(error) = color_eyre::install() {
        report(&format!("pilothouse: {error}"));
    }
    let cli = match parse(std::env::args_os().collect()) {
        Ok(cli) => cli,
        Err(error) => {
            // clap prints help and version to stdout and errors to stderr, and knows the code.
            let code = error.exit_code();
            let _ = error.print();
            return ExitCode::from(u8::try_from(code).unwrap_or(2));
        }
    };
    let _log = match log::start(cli.global.log_file.as_deref()) {
        Ok(guard) => guard,
        Err(problem) => return refuse(&problem.into()),
    };
    match command(cli) {
        Ok(exit) => ExitCode::from(exit as u8),
        Err(problems) => refuse(&problems),
    }
}

fn command(cli: Cli) -> Result<Exit, Problems> {
    match cli.command {
        None => screen::run(&cli.global),
        Some(Command::Demo(args)) => demo::run(&cli.global, args),
        Some(Command::Snapshot(args)) => snapshot::run(&cli.global, args),
        Some(Command::Keys(args)) => keys::run(&cli.global, &args),
        Some(Command::Themes(args)) => themes::run(&cli.global, &args),
        Some(Command::Config(args)) => config::run(&cli.global, &args),
        Some(Command::Completions(args)) => completions::completions(args),
        Some(Command::Man(args)) => completions::man(&args),
        Some(Command::Status(args)) => status::run(&cli.global, args),
        Some(Command::Backups(args)) => backups::run(&cli.global, args, backups::Wanted::Backups),
        Some(Command::Rpo(args)) => backups::run(&cli.global, args, backups::Wanted::Meters),
        Some(Command::Alerts(args)) => alerts::run(&cli.global, args),
        Some(Command::Change(command)) => change::run(&cli.global, command),
        Some(Command::Journal(args)) => journal::run(&cli.global, &args),
        Some(Command::Doctor(args)) => doctor::run(&cli.global, &args),
    }
}

/// Reads the arguments; called as `kubectl-pilothouse` it names itself as kubectl shows it.
fn parse(args: Vec<std::ffi::OsString>) -> Result<Cli, clap::Error> {
    let called = args.first().map(PathBuf::from);
    let stem =
        called.as_deref().and_then(|path| path.file_stem()).map(|stem| stem.to_string_lossy().into_owned());
    let mut command = Cli::command();
    if stem.as_deref() == Some("kubectl-pilothouse") {
        command = command.name("kubectl pilothouse").bin_name("kubectl pilothouse");
    }
    let matches = command.try_get_matches_from(args)?;
    Cli::from_arg_matches(&matches)
}

fn refuse(problems: &Problems) -> ExitCode {
    report(&format!("{problems}"));
    ExitCode::from(problems.exit_code())
}

/// Says something on stderr; the screen is not up.
#[allow(clippy::print_stderr)] // the command line is the one place that prints
fn report(text: &str) {
    eprintln!("{}", text.trim_end());
}

/// Says something on stderr if it is still there: a terminal may have gone.
fn report_quietly(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{}", text.trim_end());
}

/// Prints a result on stdout. A closed pipe (`| head`) is no error.
///
/// # Errors
/// When stdout cannot be written to.
fn print(text: &str) -> Result<(), Problems> {
    use std::io::Write;
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(crate::error::Problem::failed("The result could not be written to stdout.")
                .because(error)
                .into())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_are_understood_before_and_after_a_command() {
        for args in [["pilothouse", "--read-only", "snapshot"], ["pilothouse", "snapshot", "--read-only"]] {
            let cli = parse(args.iter().map(Into::into).collect()).unwrap();
            assert!(cli.global.read_only);
        }
    }
}
