//! A program in a process group of its own: run to its end, or ended together with all that it started.
//!
//! In a group of its own it is in the background of the terminal. Reading from `/dev/tty` stops it, and so does writing
//! while the screen has the terminal (see `terminal`). It is told from a program that is slow, since nothing but a
//! person could make it go on.

use std::io;
use std::pin::pin;
use std::process::Output;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

/// How it went.
#[derive(Debug)]
pub(super) enum Ran {
    /// It ended.
    Ended(Output),
    /// It was stopped, since it wanted the terminal.
    WantsTerminal,
    /// The time was over.
    TookTooLong,
}

/// Runs a program. Unless it ends by itself it is killed with its whole group, also when this is dropped.
///
/// # Errors
/// It cannot be started or waited for.
pub(super) async fn run(command: &mut Command, limit: Duration) -> io::Result<Ran> {
    // Before the program is there, so that no stop is missed.
    let mut children = signal(SignalKind::child())?;
    let child = command.process_group(0).kill_on_drop(true).spawn()?;
    let id = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let output = pin!(child.wait_with_output());
    // Below the output, so that the group is killed before its first process, whose id is the group's, is let go.
    let mut group = Group(id);
    let stopped = async {
        loop {
            if id.is_some_and(wants_terminal) {
                return;
            }
            if children.recv().await.is_none() {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        biased;
        output = output => {
            let output = output?;
            // What it left behind goes on: a browser, an agent.
            group.0 = None;
            Ok(Ran::Ended(output))
        }
        () = stopped => Ok(Ran::WantsTerminal),
        () = tokio::time::sleep(limit) => Ok(Ran::TookTooLong),
    }
}

/// Whether a child was stopped for wanting the terminal. Takes no news away from whoever waits for the child.
fn wants_terminal(child: Pid) -> bool {
    let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    // A child that has ended in the meantime is no child any more.
    let stopped_by =
        waitid(WaitId::Pid(child), options).ok().flatten().and_then(|status| status.stopping_signal());
    stopped_by.is_some_and(|signal| [Signal::TTIN.as_raw(), Signal::TTOU.as_raw()].contains(&signal))
}

/// A process group that goes with its owner.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // All of them may have ended by themselves.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::path::Path;
    use std::process::Stdio;
    use std::sync::mpsc;

    use super::*;

    /// Far longer than anything here takes.
    const PATIENCE: Duration = Duration::from_secs(60);

    fn script(text: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", text]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// A pipe by name. Tells when it was opened for writing, and when the last of those who did has gone.
    fn pipe(folder: &Path) -> (String, tokio::sync::oneshot::Receiver<()>, mpsc::Receiver<()>) {
        let name = folder.join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &name, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)
            .unwrap();
        let shown = name.display().to_string();
        let (opened, is_opened) = tokio::sync::oneshot::channel();
        let (closed, is_closed) = mpsc::channel();
        std::thread::spawn(move || {
            let mut file = std::fs::File::open(name).unwrap();
            let _ = opened.send(());
            file.read_to_end(&mut Vec::new()).unwrap();
            let _ = closed.send(());
        });
        (shown, is_opened, is_closed)
    }

    #[tokio::test]
    async fn one_that_wants_the_terminal_is_ended_with_all_that_it_started() {
        for stop in ["TTIN", "TTOU"] {
            let folder = tempfile::tempdir().unwrap();
            let (name, _, closed) = pipe(folder.path());
            let text = format!("exec 3>{name}; tail -f /dev/null & kill -{stop} 0; wait");
            let ran = run(&mut script(&text), PATIENCE).await.unwrap();
            assert!(matches!(ran, Ran::WantsTerminal), "{ran:?}");
            closed.recv_timeout(PATIENCE).expect("all of them are gone");
        }
    }

    #[tokio::test]
    async fn nobody_who_waits_any_more_ends_it_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let (name, opened, closed) = pipe(folder.path());
        let mut script = script(&format!("exec 3>{name}; tail -f /dev/null & wait"));
        tokio::select! {
            ran = run(&mut script, PATIENCE) => panic!("it ended: {ran:?}"),
            opened = opened => opened.unwrap(),
        }
        closed.recv_timeout(PATIENCE).expect("all of them are gone");
    }

    #[tokio::test]
    async fn one_that_ends_leaves_what_it_started() {
        let text = "tail -f /dev/null >/dev/null 2>&1 & echo $!";
        let ran = run(&mut script(text), PATIENCE).await.unwrap();
        let Ran::Ended(output) = ran else { panic!("{ran:?}") };
        let left = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
        rustix::process::kill_process(Pid::from_raw(left).unwrap(), Signal::KILL).expect("it is still there");
    }
}
