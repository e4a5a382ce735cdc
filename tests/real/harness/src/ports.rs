//! Free loopback ports that nobody else takes between the choice and the use.
//!
//! A port asked of the kernel (port 0) and given back is free for anybody until the server that is meant has it:
//! another harness, or any outgoing connection. So ports are taken from below the range that the kernel hands out by
//! itself, and each is held by a lock file for as long as the servers live, which shuts out every other harness.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use eyre::{Context as _, Result, bail};
use rustix::fs::{FlockOperation, flock};

/// Below Linux' range for outgoing connections (32768 and up), above the well-known servers.
const RANGE: std::ops::Range<u16> = 21_000..31_000;

/// A port of 127.0.0.1 that is ours until this is dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    /// The lock is let go when the file is closed, also when the process is killed.
    _lock: File,
}

impl Port {
    /// The number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.number)
    }

    /// `http://127.0.0.1:PORT`.
    pub fn http(&self) -> String {
        format!("http://127.0.0.1:{}", self.number)
    }

    /// Takes the next free port.
    ///
    /// # Errors
    /// When the folder of locks cannot be written, or every port is taken.
    pub fn take() -> Result<Port> {
        Port::take_by(&folder())
    }

    fn take_by(folder: &Path) -> Result<Port> {
        std::fs::create_dir_all(folder).wrap_err_with(|| format!("cannot make {}", folder.display()))?;
        let count = RANGE.end - RANGE.start;
        // Harnesses that start at the same time begin at different places.
        let first = u16::try_from(std::process::id() % u32::from(count)).unwrap_or_default();
        for step in 0..count {
            let number = RANGE.start + (first.wrapping_mul(7) % count + step) % count;
            let lock = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(folder.join(number.to_string()));
            // A lock that we may not open is somebody else's.
            let Ok(lock) = lock else { continue };
            let ours = flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok();
            if ours && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Ok(Port { number, _lock: lock });
            }
        }
        bail!("no free port between {} and {}", RANGE.start, RANGE.end)
    }
}

/// One for each user, and not where `TMPDIR` says: two runs with different ones share the ports all the same.
fn folder() -> PathBuf {
    Path::new("/tmp").join(format!("pilothouse-real-ports-{}", rustix::process::getuid().as_raw()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_twice() {
        let taken: Vec<Port> = (0..50).map(|_| Port::take().unwrap()).collect();
        let mut numbers: Vec<u16> = taken.iter().map(Port::number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), taken.len());
    }

    #[test]
    fn a_port_in_use_is_passed_over() {
        let port = Port::take().unwrap();
        let number = port.number();
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, number)).unwrap();
        drop(port);
        assert!((0..20).all(|_| Port::take().unwrap().number() != number));
        drop(server);
    }
    #[test]
    fn a_lock_that_cannot_be_opened_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let first = Port::take_by(folder.path()).unwrap().number();
        // Not even by root.
        std::fs::remove_file(folder.path().join(first.to_string())).unwrap();
        std::fs::create_dir(folder.path().join(first.to_string())).unwrap();
        assert_ne!(Port::take_by(folder.path()).unwrap().number(), first);
    }
}
