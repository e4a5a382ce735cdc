//! Git repositories without a server: bare ones in a folder, read as `file:///...`.
//!
//! A branch for each test: Argo CD compares every Application of a branch anew when it moves.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use eyre::{Context as _, Result, bail};

use crate::cluster::Cluster;

/// A bare repository.
#[derive(Clone, Debug)]
pub struct Repository {
    folder: PathBuf,
}

impl Cluster {
    /// Makes an empty repository of that name; removed with the cluster.
    ///
    /// # Errors
    /// When there is no git, or already such a repository.
    pub fn repository(&self, name: &str) -> Result<Repository> {
        Repository::make(&self.folder().join("git").join(format!("{name}.git")))
    }
}

impl Repository {
    /// Makes an empty one in this folder, which must not be there yet.
    ///
    /// # Errors
    /// When there is no git, or the folder is there.
    pub fn make(folder: &Path) -> Result<Repository> {
        if folder.exists() {
            bail!("{} is there already", folder.display());
        }
        std::fs::create_dir_all(folder)?;
        let repository = Repository { folder: folder.to_owned() };
        repository.git(&["init", "--quiet", "--bare", "--initial-branch=main", "."], &[])?;
        Ok(repository)
    }

    /// `file:///...`.
    pub fn url(&self) -> String {
        format!("file://{}", self.folder.display())
    }

    /// Commits these files (path and text) onto a branch, which is made when it is not there, and returns the commit's
    /// id. Files of the branch that are not named stay.
    ///
    /// # Errors
    /// With what git said.
    pub fn commit(&self, branch: &str, message: &str, files: &[(&str, &str)]) -> Result<String> {
        let changes = files.iter().map(|(path, text)| put(path, text)).collect::<String>();
        self.import(branch, message, &changes)
    }

    /// Commits that these files go.
    ///
    /// # Errors
    /// With what git said, also when the branch is not there.
    pub fn remove(&self, branch: &str, message: &str, paths: &[&str]) -> Result<String> {
        self.head(branch)?;
        let changes = paths.iter().map(|path| format!("D {path}\n")).collect::<String>();
        self.import(branch, message, &changes)
    }

    /// The id of a branch's last commit.
    ///
    /// # Errors
    /// When there is no such branch.
    pub fn head(&self, branch: &str) -> Result<String> {
        let name = format!("refs/heads/{branch}");
        Ok(self.git(&["rev-parse", "--verify", &name], &[])?.trim().to_owned())
    }

    /// One commit in git's own stream for imports, which needs no work tree.
    fn import(&self, branch: &str, message: &str, changes: &str) -> Result<String> {
        let parent = match self.head(branch) {
            Ok(id) => format!("from {id}\n"),
            Err(_) => String::new(),
        };
        let stream = format!(
            "commit refs/heads/{branch}\ncommitter Pilothouse <pilothouse@pilothouse.test> now\n{}{parent}{changes}",
            data(message)
        );
        self.git(&["fast-import", "--quiet", "--date-format=now"], stream.as_bytes())?;
        self.head(branch)
    }

    fn git(&self, arguments: &[&str], stdin: &[u8]) -> Result<String> {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(&self.folder).env("GIT_DIR", &self.folder);
        // What its user or this machine is used to must not change what is committed.
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        let Output { status, stdout, stderr } = run(command, stdin)?;
        if !status.success() {
            bail!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&stderr).trim());
        }
        Ok(String::from_utf8_lossy(&stdout).into_owned())
    }
}

fn put(path: &str, text: &str) -> String {
    format!("M 100644 inline {path}\n{}", data(text))
}

fn data(text: &str) -> String {
    format!("data {}\n{text}\n", text.len())
}

/// Runs a command to its end. What it reads must fit into what the system holds for it, or it must read all before it
/// answers; git does.
fn run(mut command: Command, stdin: &[u8]) -> Result<Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .wrap_err_with(|| format!("cannot start {}", command.get_program().display()))?;
    if let Some(mut pipe) = child.stdin.take() {
        // One that ended early says why in its status.
        let _ = pipe.write_all(stdin);
    }
    Ok(child.wait_with_output()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_grow_by_commits_and_know_nothing_of_each_other() {
        let scratch = tempfile::tempdir().unwrap();
        let repository = Repository::make(&scratch.path().join("shop.git")).unwrap();
        let show = |what: &str| repository.git(&["show", what], &[]);
        let first = repository.commit("one", "first", &[("a/b.yaml", "b: 1\n"), ("c.yaml", "c: ä")]).unwrap();
        let second = repository.commit("one", "second", &[("a/b.yaml", "b: 2\n")]).unwrap();
        repository.commit("two", "other", &[("d.yaml", "d: 1\n")]).unwrap();
        assert_eq!(repository.head("one").unwrap(), second);
        assert_eq!(show(&format!("{first}:a/b.yaml")).unwrap(), "b: 1\n");
        assert_eq!(show("one:a/b.yaml").unwrap(), "b: 2\n");
        assert_eq!(show("one:c.yaml").unwrap(), "c: ä");
        assert!(show("two:c.yaml").is_err());
        repository.remove("one", "third", &["c.yaml"]).unwrap();
        assert!(show("one:c.yaml").is_err());
        assert_eq!(show("one:a/b.yaml").unwrap(), "b: 2\n");
        assert!(repository.remove("none", "of nothing", &["c.yaml"]).is_err());
    }
}
