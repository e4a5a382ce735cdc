//! One server process: started in a group of its own, its output in a file, ended by its id.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use eyre::{Context as _, Report, Result, eyre};

use crate::keeper::Keeper;

/// How long a server may take until it answers, on a machine that compiles besides.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// How long one look at it may take: one that takes connections and does not answer would hold it for ever.
const LOOK: Duration = Duration::from_secs(5);

/// A running server.
#[derive(Debug)]
pub struct Server {
    name: &'static str,
    process: Child,
    log: PathBuf,
    keeper: Arc<Keeper>,
}

impl Server {
    /// Starts it; its output goes to `FOLDER/NAME.log`.
    ///
    /// # Errors
    /// When the program is not there or the log cannot be written.
    pub fn start(
        name: &'static str,
        mut command: Command,
        folder: &Path,
        keeper: &Arc<Keeper>,
    ) -> Result<Server> {
        let log = folder.join(format!("{name}.log"));
        let out = File::options().create(true).append(true).open(&log)?;
        let process = command
            // They live for a minute and have memory enough: clearing it up would be a good part of what they compute.
            .env("GOGC", "400")
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            // Ctrl-c on the tests' terminal is for the tests; the keeper ends the servers.
            .process_group(0)
            .spawn()
            .wrap_err_with(|| format!("cannot start {name}: {}", command.get_program().display()))?;
        keeper.keep(process.id())?;
        Ok(Server { name, process, log, keeper: Arc::clone(keeper) })
    }

    /// What it was started as.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// What it said last.
    pub fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_else(|error| error.to_string());
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// Waits until `ready` says so.
    ///
    /// # Errors
    /// When the server ends before, or the time is over: with what it said last, and with what `ready` last said.
    pub async fn wait_until<F>(&mut self, what: &str, ready: F) -> Result<()>
    where
        F: AsyncFnMut() -> Result<bool>,
    {
        self.wait_for(what, PATIENCE, LOOK, ready).await
    }

    async fn wait_for<F>(
        &mut self,
        what: &str,
        patience: Duration,
        look: Duration,
        mut ready: F,
    ) -> Result<()>
    where
        F: AsyncFnMut() -> Result<bool>,
    {
        let began = Instant::now();
        let mut last = String::new();
        while began.elapsed() < patience {
            self.runs()?;
            match tokio::time::timeout(look, ready()).await {
                Ok(Ok(true)) => return Ok(()),
                Ok(Ok(false)) => {}
                Ok(Err(error)) => last = format!("; last: {error:#}"),
                Err(_) => last = format!("; last: no answer within {look:?}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(self.failed(&format!("is not {what} after {patience:?}{last}")))
    }

    /// That it has not ended by itself.
    ///
    /// # Errors
    /// When it has: with what it said last.
    pub fn runs(&mut self) -> Result<()> {
        match self.process.try_wait()? {
            Some(status) => Err(self.failed(&format!("ended with {status}"))),
            None => Ok(()),
        }
    }

    /// Its part of what is shown when something waited in vain.
    pub fn report(&mut self) -> String {
        let how = match self.process.try_wait() {
            Ok(None) => "runs".to_owned(),
            Ok(Some(status)) => format!("ended with {status}"),
            Err(error) => error.to_string(),
        };
        format!("---- {} {how}; it said last:\n{}\n", self.name, self.last_words())
    }

    fn failed(&self, how: &str) -> Report {
        eyre!("{} {how}; it said:\n{}", self.name, self.last_words())
    }

    /// Ends it at once, as a power cut would.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn kill(mut self) -> Result<()> {
        self.end()?;
        self.keeper.forget(self.pid())
    }

    /// Its whole group, and waited for, so that its port is free.
    fn end(&mut self) -> Result<()> {
        // It may have ended by itself already.
        let _ = rustix::process::kill_process_group(self.id()?, rustix::process::Signal::KILL);
        self.process.wait()?;
        Ok(())
    }

    fn id(&self) -> Result<rustix::process::Pid> {
        let pid = i32::try_from(self.pid()).ok().and_then(rustix::process::Pid::from_raw);
        pid.ok_or_else(|| eyre!("{} has no process id", self.name))
    }

    /// Stops it in its tracks: its connections stay open and nothing answers.
    ///
    /// # Errors
    /// When there is no such process any more.
    pub fn freeze(&self) -> Result<()> {
        self.signal(rustix::process::Signal::STOP)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// When there is no such process any more.
    pub fn thaw(&self) -> Result<()> {
        self.signal(rustix::process::Signal::CONT)
    }

    fn signal(&self, signal: rustix::process::Signal) -> Result<()> {
        Ok(rustix::process::kill_process(self.id()?, signal)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The keeper ends it if this cannot.
        let _ = self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstreams::get;

    /// A server that says something, and then lives so long.
    fn talks_for(seconds: &str, folder: &Path) -> Server {
        let keeper = Arc::new(Keeper::start(folder).unwrap());
        let mut command = Command::new("sh");
        command.args(["-c", "echo warming up; exec sleep \"$0\"", seconds]);
        Server::start("played", command, folder, &keeper).unwrap()
    }

    #[tokio::test]
    async fn one_that_takes_connections_and_never_answers_is_told_with_its_last_words() {
        // Nobody accepts what the system took for it.
        let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", mute.local_addr().unwrap());
        let asks = async || Ok(get(&address, "/healthz").await.is_ok());
        let (patience, look) = (Duration::from_millis(800), Duration::from_millis(200));

        let mut server = talks_for("600", &tempfile::tempdir().unwrap().keep());
        let error = server.wait_for("ready", patience, look, asks).await.unwrap_err().to_string();
        assert!(
            error.starts_with("played is not ready after 800ms; last: no answer within 200ms"),
            "{error}"
        );
        assert!(error.ends_with("it said:\nwarming up"), "{error}");

        // One that ends meanwhile is found out long before the patience is over.
        let mut server = talks_for("0.1", &tempfile::tempdir().unwrap().keep());
        let error = server.wait_for("ready", PATIENCE, look, asks).await.unwrap_err().to_string();
        assert!(error.starts_with("played ended with exit status: 0"), "{error}");
    }
}
