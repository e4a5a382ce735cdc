//! `pilothouse completions` and `pilothouse man`: made from the one description of the command line.

use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Exit, print};
use crate::error::{Problem, Problems};

/// Arguments of `completions`.
#[derive(Clone, Copy, Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Arguments of `man`.
#[derive(Clone, Debug, Args)]
pub struct ManArgs {
    /// Write a page for every command into this folder instead of printing the first
    #[arg(long, value_name = "FOLDER")]
    pub dir: Option<PathBuf>,
}

/// Prints a completion script.
///
/// # Errors
/// When stdout cannot be written to.
pub fn completions(args: CompletionsArgs) -> Result<Exit, Problems> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "pilothouse", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

/// Prints or writes manual pages.
///
/// # Errors
/// When they cannot be written.
pub fn man(args: &ManArgs) -> Result<Exit, Problems> {
    match &args.dir {
        Some(folder) => {
            std::fs::create_dir_all(folder).map_err(|e| failed(folder, e))?;
            clap_mangen::generate_to(Cli::command(), folder).map_err(|e| failed(folder, e))?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command())
                .render(&mut page)
                .map_err(|e| Problem::failed("the page cannot be made").because(e))?;
            print(&String::from_utf8_lossy(&page))?;
        }
    }
    Ok(Exit::Done)
}

fn failed(file: &Path, error: std::io::Error) -> Problem {
    Problem::failed("the manual cannot be written").in_file(file).because(error)
}
