//! The bearer token of a file (`users[].user.tokenFile`, and the service account's when we run in a cluster).
//!
//! The client library would read it too, but takes it as it is written, with the newline that most editors and
//! `echo` leave at its end, and then cannot send it. Read again each minute, as kubectl does, for such files are
//! rewritten while we run. Knows nothing of the cluster; [`super::client`] puts the header on every request.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::HeaderValue;

use super::problem::first_line;

/// How long a token is taken for the one in the file. The library's `TokenFile` and client-go have the same minute.
const GOOD_FOR: Duration = Duration::from_secs(60);

/// A token that follows its file.
#[derive(Debug)]
pub(super) struct TokenFile {
    path: PathBuf,
    last: Mutex<(HeaderValue, Instant)>,
}

impl TokenFile {
    /// Reads the file for the first time.
    ///
    /// # Errors
    /// Why it cannot be used, in words.
    pub(super) fn open(path: PathBuf) -> Result<TokenFile, String> {
        let header = read(&path)?;
        Ok(TokenFile { path, last: Mutex::new((header, Instant::now())) })
    }

    /// The header to send now.
    pub(super) fn header(&self) -> HeaderValue {
        self.header_after(GOOD_FOR)
    }

    fn header_after(&self, good_for: Duration) -> HeaderValue {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.1.elapsed() >= good_for {
            match read(&self.path) {
                Ok(header) => last.0 = header,
                // Some take the file away once it was read; the server says when the old one is over.
                Err(why) => tracing::debug!("the earlier token stays: {why}"),
            }
            last.1 = Instant::now();
        }
        last.0.clone()
    }
}

fn read(path: &Path) -> Result<HeaderValue, String> {
    let unusable = |why: &str| format!("the token file {} {why}", first_line(&path.display().to_string()));
    let token = std::fs::read_to_string(path)
        .map_err(|error| unusable(&format!("cannot be read: {}", first_line(&error.to_string()))))?;
    let token = token.trim();
    if token.is_empty() {
        return Err(unusable("is empty"));
    }
    // What is in the file is never quoted.
    let mut header =
        HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| unusable("holds no token"))?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_editors_end_them_and_the_file_is_followed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "first\n").unwrap();
        let token = TokenFile::open(file.path().to_owned()).unwrap();
        assert_eq!(token.header(), "Bearer first");
        std::fs::write(file.path(), " second\r\n").unwrap();
        assert_eq!(token.header(), "Bearer first", "not read for each request");
        assert_eq!(token.header_after(Duration::ZERO), "Bearer second");
        std::fs::write(file.path(), "").unwrap();
        assert_eq!(token.header_after(Duration::ZERO), "Bearer second");
    }

    #[test]
    fn what_is_no_token_is_said_and_not_quoted() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (text, said) in [("\n", "is empty"), ("geheim\nmehr", "holds no token")] {
            std::fs::write(file.path(), text).unwrap();
            let why = TokenFile::open(file.path().to_owned()).unwrap_err();
            assert!(why.contains(said) && !why.contains("geheim"), "{why}");
        }
        let why = TokenFile::open("/nowhere/token".into()).unwrap_err();
        assert!(why.contains("/nowhere/token cannot be read"), "{why}");
    }
}
