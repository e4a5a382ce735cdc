//! Appending: one line, one write, under a lock, on the disk before it returns.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;

use super::record::Record;

/// Where the journal of this user is.
#[derive(Clone, Debug)]
pub struct Journal {
    folder: PathBuf,
}

/// As long as it lives, others see that an action is being done. The lock ends with the process, however that ends.
#[derive(Debug)]
pub struct Held {
    file: PathBuf,
    lock: File,
}

impl Drop for Held {
    fn drop(&mut self) {
        // The other way round, somebody could find it unlocked in between.
        let _ = std::fs::remove_file(&self.file);
        let _ = self.lock.unlock();
    }
}

impl Journal {
    /// The journal within a state folder. Nothing is made before something is written.
    #[must_use]
    pub fn within(state: &Path) -> Journal {
        Journal { folder: state.join("journal") }
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A name for a new action, which no other program gives.
    #[must_use]
    pub fn new_id(now: Timestamp) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        format!("{:x}-{:x}-{count:x}", now.as_millisecond(), std::process::id())
    }

    fn prepare(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let mode = self.folder.metadata()?.permissions().mode();
        if mode & 0o077 != 0 {
            std::fs::set_permissions(&self.folder, std::fs::Permissions::from_mode(0o700))?;
        }
        Ok(())
    }

    /// Appends a record to the file of this moment's month and waits until it is on the disk.
    ///
    /// # Errors
    /// It is not there for good: whoever was about to change something must not.
    pub fn append(&self, record: &Record, now: Timestamp) -> io::Result<()> {
        self.prepare()?;
        let file = self.folder.join(now.strftime("%Y-%m.jsonl").to_string());
        let made = !file.exists();
        let mut file = OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(&file)?;
        file.lock()?;
        let written = write_line(&mut file, record);
        file.unlock()?;
        written?;
        if made {
            // A new file is not there for good before its folder is.
            File::open(&self.folder)?.sync_all()?;
        }
        Ok(())
    }

    /// Says that an action is being done, to whoever looks from now on.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn hold(&self, id: &str) -> io::Result<Held> {
        self.prepare()?;
        let file = self.running(id);
        let lock = OpenOptions::new().create(true).write(true).truncate(false).mode(0o600).open(&file)?;
        lock.lock()?;
        Ok(Held { file, lock })
    }

    /// Whether some living program does an action.
    #[must_use]
    pub fn is_held(&self, id: &str) -> bool {
        // Whatever stands in a journal is no path.
        if !id.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
            return false;
        }
        match File::open(self.running(id)) {
            Ok(file) => matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)),
            Err(_) => false,
        }
    }

    fn running(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.running"))
    }
}

fn write_line(file: &mut File, record: &Record) -> io::Result<()> {
    let mut line = Vec::new();
    // A program that was killed, or a disk that was full, in the middle of a line: it stays what it is, and ours
    // begins anew.
    if !ends_well(file)? {
        line.push(b'\n');
    }
    serde_json::to_writer(&mut line, record)?;
    line.push(b'\n');
    file.write_all(&line)?;
    file.sync_data()
}

fn ends_well(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}
