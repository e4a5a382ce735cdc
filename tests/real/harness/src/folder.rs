//! The scratch folder of one harness; what a power cut left behind is removed by the next.

use std::fs::File;
use std::path::{Path, PathBuf};

use eyre::{Result, WrapErr as _};
use rustix::fs::{FlockOperation, flock};

const PREFIX: &str = "pilothouse-real-";
const LOCK: &str = "in-use";

/// A folder that is ours while this lives. The keeper removes it.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes one, and removes those whose owners are gone.
    ///
    /// # Errors
    /// When the folder for temporary files cannot be written.
    pub fn make() -> Result<Folder> {
        let parent = std::env::temp_dir();
        sweep(&parent);
        let path = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempdir_in(&parent)
            .wrap_err("no folder for the servers")?
            .keep();
        let lock = File::create(path.join(LOCK))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Folder { path, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Removes every folder that has a lock which nobody holds. What cannot be removed is somebody else's.
fn sweep(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let Ok(lock) = File::open(entry.path().join(LOCK)) else { continue };
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_left_behind_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let (left, used) = (parent.path().join("pilothouse-real-a"), parent.path().join("pilothouse-real-b"));
        for folder in [&left, &used] {
            std::fs::create_dir(folder).unwrap();
            std::fs::write(folder.join(LOCK), "").unwrap();
        }
        let held = File::open(used.join(LOCK)).unwrap();
        flock(&held, FlockOperation::NonBlockingLockExclusive).unwrap();
        sweep(parent.path());
        assert!(!left.exists());
        assert!(used.exists());
    }
}
