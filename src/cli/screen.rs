//! `pilothouse` alone: the screen.

use std::io::IsTerminal;

use super::run::to_end;
use super::{Exit, Global, report_quietly, start};
use crate::error::{Problem, Problems};
use crate::runtime;

/// Runs it on the kubeconfig.
pub fn run(global: &Global) -> Result<Exit, Problems> {
    to_end(show(global, start::Connect::Usual))
}

/// Shows the screen until it is quit.
pub async fn show(global: &Global, connect: start::Connect) -> Result<Exit, Problems> {
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Err(Problem::usage("The screen needs a terminal on stdin and stdout.")
            .mend("run it in a terminal, or use `pilothouse snapshot` or `pilothouse status` in scripts")
            .into());
    }
    let mut driver = start::driver(global, connect, start::Canvas::Terminal)?;
    let mouse = driver.mouse;
    let shown = runtime::screen::run(&mut driver.machine, mouse, &driver.first).await;
    // The terminal is given back, or gone. What was begun is brought to its end all the same, and its outcome is in
    // the journal; a second signal gives it up.
    if driver.machine.is_executing() {
        report_quietly("pilothouse: what was begun is being finished; the journal tells how it ends");
        tokio::select! {
            () = driver.machine.finish() => {}
            told = start::told_to_end_now() => told?,
        }
    }
    shown.map_err(|error| Problem::failed("The terminal failed.").because(error))?;
    Ok(Exit::Done)
}
