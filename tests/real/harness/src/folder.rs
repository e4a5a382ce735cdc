//! The scratch folder of one harness; what a power cut left behind is removed by the next.

use std::fs::{DirEntry, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use eyre::{Result, WrapErr as _, bail};
use rustix::fs::{FlockOperation, flock};

const PREFIX: &str = "pilothouse-real-";
const LOCK: &str = "in-use";
/// How long a folder may be without a lock: the moment between the two takes no time at all.
const LOCKLESS: Duration = Duration::from_secs(3600);

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
        Folder::make_in(&std::env::temp_dir())
    }

    fn make_in(parent: &Path) -> Result<Folder> {
        sweep(parent);
        // Between a folder and its lock another one may sweep, and take it for left behind: then once more.
        let mut failed = None;
        for _ in 0..20 {
            let path = tempfile::Builder::new()
                .prefix(PREFIX)
                .tempdir_in(parent)
                .wrap_err("no folder for the servers")?
                .keep();
            match File::create(path.join(LOCK)) {
                Ok(file) => {
                    if let Some(lock) = locked(file) {
                        return Ok(Folder { path, _lock: lock });
                    }
                }
                Err(error) => failed = Some(error),
            }
        }
        bail!(
            "no folder for the servers: others remove it each time{}",
            failed.map(|e| format!("; {e}")).unwrap_or_default()
        )
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The lock, if it could be had and is still in its folder.
fn locked(lock: File) -> Option<File> {
    let ours = flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok();
    let there = rustix::fs::fstat(&lock).is_ok_and(|status| status.st_nlink > 0);
    (ours && there).then_some(lock)
}

/// Removes every folder that has a lock which nobody holds, and those that lost their lock long ago. What cannot be
/// removed is somebody else's.
fn sweep(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        match File::open(entry.path().join(LOCK)) {
            Ok(lock) if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() => {
                remove(&entry.path());
            }
            // A folder without a lock is one that is just being made, or one whose removal was cut short.
            Err(error) if error.kind() == ErrorKind::NotFound && is_old(&entry) => remove(&entry.path()),
            _ => {}
        }
    }
}

fn is_old(folder: &DirEntry) -> bool {
    let changed = folder.metadata().and_then(|folder| folder.modified());
    changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|age| age > LOCKLESS))
}

/// The lock goes last: while it is there, the next one knows what to do with what is left.
fn remove(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name() != LOCK {
            let path = entry.path();
            let _ = match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                true => std::fs::remove_dir_all(path),
                false => std::fs::remove_file(path),
            };
        }
    }
    let _ = std::fs::remove_dir_all(folder);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_left_behind_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let folder = parent.path().join(name);
            std::fs::create_dir_all(folder.join("etcd/member")).unwrap();
            std::fs::write(folder.join("etcd.log"), "").unwrap();
            folder
        };
        let (left, used) = (folder("pilothouse-real-a"), folder("pilothouse-real-b"));
        for folder in [&left, &used] {
            std::fs::write(folder.join(LOCK), "").unwrap();
        }
        // The removal of one was cut short, and another is just being made.
        let (cut, new) = (folder("pilothouse-real-c"), folder("pilothouse-real-d"));
        let then = std::time::SystemTime::now() - 2 * LOCKLESS;
        File::open(&cut).unwrap().set_modified(then).unwrap();
        let held = File::open(used.join(LOCK)).unwrap();
        flock(&held, FlockOperation::NonBlockingLockExclusive).unwrap();
        sweep(parent.path());
        assert!(!left.exists() && !cut.exists());
        assert!(used.exists() && new.exists());
    }
    #[test]
    fn nobody_sweeps_what_another_is_just_making() {
        let parent = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    for _ in 0..150 {
                        let folder = Folder::make_in(parent.path()).unwrap();
                        assert!(folder.path().join(LOCK).exists());
                    }
                });
            }
        });
    }
}
