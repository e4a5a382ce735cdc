//! What ends the servers, whatever ends the test.
//!
//! A test that panics unwinds, one that is interrupted or killed does not. So a small shell process of its own group
//! holds the reading end of a pipe whose writing end is ours: when the pipe closes, for whatever reason, it kills the
//! process groups that it was told of, and whatever else works in their folder, and removes that. Nothing it ends holds
//! data that anybody wants, so it kills at once.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use eyre::{Context as _, Result, eyre};

/// `+PID` puts a group under its care, `-PID` takes it out again.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
groups=
while read -r line; do
    pid=${line#?}
    case $line in
        +*) groups="$groups $pid" ;;
        -*) kept=; for group in $groups; do [ "$group" = "$pid" ] || kept="$kept $group"; done; groups=$kept ;;
    esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
# What a server started with a terminal, as a shell in a pod, has a group of its own.
for cwd in $(find /proc/[0-9]* -maxdepth 1 -name cwd \( -lname "$0" -o -lname "$0/*" \) 2>/dev/null); do
    pid=${cwd#/proc/}
    kill -s KILL "${pid%/cwd}" 2>/dev/null
done
# A server may be writing still while it ends.
for try in 1 2 3 4 5 6 7 8 9 10; do
    # The lock last: the next start sweeps a folder that has one.
    find "$0" -mindepth 1 -maxdepth 1 ! -name in-use -exec rm -rf {} + 2>/dev/null && rm -rf "$0" 2>/dev/null && break
    sleep 0.1
done
"#;

/// The one that ends what was started, also when we cannot.
#[derive(Debug)]
pub struct Keeper {
    process: Child,
    pipe: Mutex<Option<ChildStdin>>,
}

impl Keeper {
    /// Starts it for the servers whose files are in this folder.
    ///
    /// # Errors
    /// When there is no `sh`.
    pub fn start(folder: &Path) -> Result<Keeper> {
        // As /proc names it: the folder for temporary files may be a link.
        let folder = folder.canonicalize().wrap_err("the servers' folder")?;
        let mut process = Command::new("sh")
            .args(["-c", SCRIPT])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .wrap_err("cannot start sh")?;
        let pipe = process.stdin.take().ok_or_else(|| eyre!("sh has no stdin"))?;
        Ok(Keeper { process, pipe: Mutex::new(Some(pipe)) })
    }

    /// Puts a process group under its care.
    ///
    /// # Errors
    /// When the keeper is gone.
    pub fn keep(&self, group: u32) -> Result<()> {
        self.say('+', group)
    }

    /// The group was ended by ourselves: its number may be somebody else's soon.
    ///
    /// # Errors
    /// When the keeper is gone.
    pub fn forget(&self, group: u32) -> Result<()> {
        self.say('-', group)
    }

    fn say(&self, sign: char, group: u32) -> Result<()> {
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        let pipe = pipe.as_mut().ok_or_else(|| eyre!("the keeper has ended"))?;
        writeln!(pipe, "{sign}{group}").wrap_err("the keeper is gone")
    }
}

impl Drop for Keeper {
    /// Everything is ended and removed when this returns.
    fn drop(&mut self) {
        drop(self.pipe.lock().unwrap_or_else(PoisonError::into_inner).take());
        // It ends by itself now; that it ended badly helps nobody here.
        let _ = self.process.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_keeps_ends_with_it() {
        let folder = tempfile::tempdir().unwrap().keep();
        let keeper = Keeper::start(&folder).unwrap();
        let sleep = || Command::new("sleep").arg("600").process_group(0).spawn().unwrap();
        let (mut kept, mut forgotten) = (sleep(), sleep());
        keeper.keep(kept.id()).unwrap();
        keeper.keep(forgotten.id()).unwrap();
        keeper.forget(forgotten.id()).unwrap();
        drop(keeper);
        assert!(!kept.wait().unwrap().success());
        assert!(!folder.exists());
        assert!(forgotten.try_wait().unwrap().is_none(), "it was told to forget this one");
        forgotten.kill().unwrap();
        forgotten.wait().unwrap();
    }

    #[test]
    fn whoever_works_in_the_folder_ends_with_it_too() {
        let folder = tempfile::tempdir().unwrap().keep();
        let beside = tempfile::tempdir().unwrap();
        // It is known by another name, as where /tmp is a link.
        let link = beside.path().join("link");
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        let keeper = Keeper::start(&link).unwrap();
        let sleep = |place: &Path| {
            Command::new("sleep").arg("600").current_dir(place).process_group(0).spawn().unwrap()
        };
        let (mut within, mut elsewhere) = (sleep(&folder), sleep(beside.path()));
        drop(keeper);
        assert!(!within.wait().unwrap().success());
        assert!(!folder.exists());
        assert!(elsewhere.try_wait().unwrap().is_none());
        elsewhere.kill().unwrap();
        elsewhere.wait().unwrap();
    }
}
