//! The Git repository that the clusters are delivered from: its commits, and what its files are.
//!
//! It is kept in memory, so that the demo needs no git. When a folder is given and git is installed, a bare repository
//! on disk has the same commits, and what others push into it is taken over. Nothing here knows what the files mean.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use jiff::Timestamp;

use crate::demo::seed::Seed;

/// Files by path.
pub type Tree = BTreeMap<String, Arc<str>>;
/// A path with its new text, or None: it goes.
pub type Change = (String, Option<Arc<str>>);

/// The only branch.
pub const BRANCH: &str = "main";
/// Where it is said to be while it is on no disk.
const NOWHERE: &str = "https://git.shop.example/platform/deploy.git";
/// A pushed file that is longer is no manifest.
const LONGEST: usize = 1 << 20;

/// One commit.
#[derive(Debug, Clone)]
pub struct Commit {
    /// 40 hexadecimal digits; empty until it is written.
    pub sha: String,
    /// Who made it.
    pub author: String,
    /// When.
    pub at: Timestamp,
    /// Its first line.
    pub message: String,
    /// What it changed.
    changes: Vec<Change>,
}

/// The repository.
#[derive(Debug)]
pub struct Repository {
    seed: Seed,
    url: String,
    commits: Vec<Commit>,
    head: Tree,
    disk: Option<PathBuf>,
    problem: Option<String>,
}

impl Repository {
    /// An empty one; on disk too when a folder is given (which is made) and git can be run.
    pub fn new(seed: Seed, folder: Option<&Path>) -> Self {
        let mut made = Self {
            seed,
            url: NOWHERE.to_owned(),
            commits: Vec::new(),
            head: Tree::new(),
            disk: None,
            problem: None,
        };
        if let Some(folder) = folder {
            match init(folder) {
                Ok(()) => {
                    made.url = format!("file://{}", folder.display());
                    made.disk = Some(folder.to_owned());
                }
                Err(error) => made.problem = Some(words(&error)),
            }
        }
        made
    }

    /// What Applications name it by.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it is on disk.
    pub fn folder(&self) -> Option<&Path> {
        self.disk.as_deref()
    }

    /// Why it is not on disk although it was to be.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// The newest commit's id; empty without commits.
    pub fn head(&self) -> &str {
        self.commits.last().map_or("", |c| &c.sha)
    }

    /// The commit of an id.
    pub fn commit_of(&self, sha: &str) -> Option<&Commit> {
        self.commits.iter().rev().find(|c| c.sha == sha)
    }

    /// The newest commit of that message.
    pub fn commit_named(&self, message: &str) -> Option<&Commit> {
        self.commits.iter().rev().find(|c| c.message == message)
    }

    /// The id of a branch, a commit or the start of one (7 digits or more).
    pub fn resolve(&self, revision: &str) -> Option<&str> {
        match revision {
            "" | "HEAD" | BRANCH => Some(self.head()),
            short if short.len() >= 7 => {
                self.commits.iter().rev().map(|c| c.sha.as_str()).find(|sha| sha.starts_with(short))
            }
            _ => None,
        }
    }

    /// The files of a commit.
    pub fn tree(&self, sha: &str) -> Option<Tree> {
        if sha == self.head() {
            return Some(self.head.clone());
        }
        let last = self.commits.iter().position(|c| c.sha == sha)?;
        let mut tree = Tree::new();
        for commit in &self.commits[..=last] {
            apply(&mut tree, &commit.changes);
        }
        Some(tree)
    }

    /// The text of a file of the newest commit.
    pub fn file(&self, path: &str) -> Option<Arc<str>> {
        self.head.get(path).cloned()
    }

    /// Notes a commit that [`Repository::write`] will write.
    pub fn add(&mut self, author: &str, at: Timestamp, message: &str, changes: Vec<Change>) {
        apply(&mut self.head, &changes);
        self.commits.push(Commit {
            sha: String::new(),
            author: author.to_owned(),
            at,
            message: message.to_owned(),
            changes,
        });
    }

    /// Gives the commits that were noted their ids, and writes them to disk.
    pub fn write(&mut self) {
        let Some(first) = self.commits.iter().position(|c| c.sha.is_empty()) else { return };
        if let Some(folder) = self.disk.clone() {
            let parent = first.checked_sub(1).map(|n| self.commits[n].sha.clone());
            match import(&folder, parent.as_deref(), &self.commits[first..]) {
                Ok(ids) => {
                    for (commit, sha) in self.commits[first..].iter_mut().zip(ids) {
                        commit.sha = sha;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the demo's Git repository cannot be written any more");
                    self.problem = Some(words(&error));
                    self.disk = None;
                }
            }
        }
        for n in first..self.commits.len() {
            if self.commits[n].sha.is_empty() {
                self.commits[n].sha = self.seed.of("commit").nth(n as u64).hex(40);
            }
        }
    }

    /// Takes over what others pushed. True when there was something.
    pub fn poll(&mut self) -> bool {
        let Some(folder) = self.disk.clone() else { return false };
        match pushed(&folder, self.head()) {
            Ok(None) => false,
            Ok(Some(commit)) => {
                apply(&mut self.head, &commit.changes);
                self.commits.push(commit);
                true
            }
            Err(error) => {
                // What is there may be half written; the next look finds it whole.
                tracing::debug!(%error, "the demo's Git repository could not be read");
                false
            }
        }
    }
}

fn apply(tree: &mut Tree, changes: &[Change]) {
    for (path, text) in changes {
        match text {
            Some(text) => tree.insert(path.clone(), text.clone()),
            None => tree.remove(path),
        };
    }
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "git is not installed".to_owned(),
        _ => error.to_string(),
    }
}

fn init(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    git(folder, &["init", "--quiet", "--bare", &format!("--initial-branch={BRANCH}"), "."], b"")?;
    // Nothing may go on after the demo: git would tidy up in the background.
    for (key, value) in [("gc.auto", "0"), ("maintenance.auto", "false")] {
        git(folder, &["config", key, value], b"")?;
    }
    Ok(())
}

/// Writes commits by git's own stream for imports, which needs no work tree; gives their ids.
fn import(folder: &Path, parent: Option<&str>, commits: &[Commit]) -> io::Result<Vec<String>> {
    let mut stream = Vec::new();
    for (n, commit) in commits.iter().enumerate() {
        let who = format!("{} <{}@shop.example>", commit.author, commit.author.to_lowercase());
        let when = commit.at.as_second();
        write!(stream, "commit refs/heads/{BRANCH}\nmark :{}\n", n + 1)?;
        write!(stream, "author {who} {when} +0000\ncommitter {who} {when} +0000\n")?;
        data(&mut stream, &format!("{}\n", commit.message))?;
        if let (0, Some(parent)) = (n, parent) {
            writeln!(stream, "from {parent}")?;
        }
        for (path, text) in &commit.changes {
            match text {
                Some(text) => {
                    writeln!(stream, "M 100644 inline {path}")?;
                    data(&mut stream, text)?;
                }
                None => writeln!(stream, "D {path}")?,
            }
        }
    }
    let marks = folder.join("demo-marks");
    let export = format!("--export-marks={}", marks.display());
    git(folder, &["fast-import", "--quiet", &export], &stream)?;
    let text = std::fs::read_to_string(&marks)?;
    let mut ids = vec![String::new(); commits.len()];
    for line in text.lines() {
        if let Some((mark, id)) = line.trim_start_matches(':').split_once(' ')
            && let Some(at) = mark.parse::<usize>().ok().and_then(|n| n.checked_sub(1))
            && let Some(place) = ids.get_mut(at)
        {
            *place = id.to_owned();
        }
    }
    Ok(ids)
}

fn data(stream: &mut Vec<u8>, text: &str) -> io::Result<()> {
    write!(stream, "data {}\n{text}\n", text.len())
}

/// What the branch has beyond a commit, as one commit; None when it is that commit.
fn pushed(folder: &Path, known: &str) -> io::Result<Option<Commit>> {
    let reference = folder.join("refs/heads").join(BRANCH);
    let sha = match std::fs::read_to_string(&reference) {
        Ok(text) => text.trim().to_owned(),
        // It may be packed.
        Err(_) => {
            let name = format!("refs/heads/{BRANCH}");
            String::from_utf8_lossy(&git(folder, &["rev-parse", "--verify", &name], b"")?).trim().to_owned()
        }
    };
    if sha == known || sha.is_empty() {
        return Ok(None);
    }
    let names = git(folder, &["diff-tree", "-r", "-z", "--no-renames", "--name-status", known, &sha], b"")?;
    let mut parts = names.split(|b| *b == 0).map(|part| String::from_utf8_lossy(part).into_owned());
    let mut changes: Vec<Change> = Vec::new();
    let mut wanted = Vec::new();
    while let (Some(status), Some(path)) = (parts.next(), parts.next()) {
        if status == "D" {
            changes.push((path, None));
        } else if !path.contains('\n') {
            wanted.push(path);
        }
    }
    let asked: String = wanted.iter().map(|path| format!("{sha}:{path}\n")).collect();
    let answer = git(folder, &["cat-file", "--batch"], asked.as_bytes())?;
    let mut rest = answer.as_slice();
    for path in wanted {
        let Some(end) = rest.iter().position(|b| *b == b'\n') else { break };
        let header = String::from_utf8_lossy(&rest[..end]).into_owned();
        rest = &rest[end + 1..];
        // "<id> blob <size>", or "<name> missing".
        let Some(size) = header.rsplit_once(' ').and_then(|(_, n)| n.parse::<usize>().ok()) else { continue };
        let text = rest.get(..size).unwrap_or_default();
        if size <= LONGEST {
            changes.push((path, Some(String::from_utf8_lossy(text).as_ref().into())));
        }
        rest = rest.get(size + 1..).unwrap_or_default();
    }
    let about = git(folder, &["log", "-1", "--format=%an%x00%ct%x00%s", &sha], b"")?;
    let about = String::from_utf8_lossy(&about).into_owned();
    let mut about = about.trim_end().splitn(3, '\0');
    let mut next = || about.next().unwrap_or_default().to_owned();
    let (author, at, message) = (next(), next(), next());
    let at = at.parse().ok().and_then(|s| Timestamp::from_second(s).ok()).unwrap_or_else(Timestamp::now);
    Ok(Some(Commit { sha, author, at, message, changes }))
}

/// Runs git in a bare repository, untouched by what its user or this machine is used to; gives what it printed.
fn git(folder: &Path, arguments: &[&str], stdin: &[u8]) -> io::Result<Vec<u8>> {
    let mut child = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env("GIT_DIR", folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let pipe = child.stdin.take();
    // What git answers may be longer than the system holds for it: it is read while git is told.
    let (told, output) = std::thread::scope(|scope| {
        let teller = scope.spawn(move || match pipe {
            Some(mut pipe) => pipe.write_all(stdin),
            None => Ok(()),
        });
        let output = child.wait_with_output();
        (teller.join().unwrap_or(Ok(())), output)
    });
    let output = output?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(io::Error::other(format!("git {}: {said}", arguments.first().unwrap_or(&""))));
    }
    told?;
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Option<Arc<str>> {
        Some(text.into())
    }

    fn two(folder: Option<&Path>) -> Repository {
        let mut repository = Repository::new(Seed::new(1), folder);
        let at = Timestamp::from_second(1_760_000_000).unwrap();
        repository.add(
            "Maria",
            at,
            "first",
            vec![("a/b.yaml".into(), text("b: 1\n")), ("c".into(), text("c"))],
        );
        repository.add("Jonas", at, "second", vec![("a/b.yaml".into(), text("b: ä\n")), ("c".into(), None)]);
        repository.write();
        repository
    }

    #[test]
    fn without_a_disk_it_has_ids_and_a_past() {
        let repository = two(None);
        let first = repository.commit_named("first").unwrap().sha.clone();
        assert_eq!(first.len(), 40);
        assert_ne!(first, repository.head());
        assert_eq!(&*repository.tree(&first).unwrap()["c"], "c");
        assert_eq!(repository.tree(repository.head()).unwrap().len(), 1);
        assert_eq!(repository.resolve("main"), Some(repository.head()));
        assert_eq!(repository.resolve(&first[..8]), Some(first.as_str()));
        assert_eq!(repository.resolve("v1.0"), None);
    }

    #[test]
    fn on_disk_git_sees_the_same_and_a_push_is_taken_over() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("shop.git");
        let mut repository = two(Some(&folder));
        assert_eq!(repository.problem(), None);
        let said = |arguments: &[&str]| {
            String::from_utf8(git(&folder, arguments, b"").unwrap()).unwrap().trim().to_owned()
        };
        assert_eq!(said(&["rev-parse", "main"]), repository.head());
        assert_eq!(said(&["log", "--format=%an %s"]), "Jonas second\nMaria first");
        assert_eq!(said(&["show", "main:a/b.yaml"]), "b: ä");
        assert!(!repository.poll(), "nothing new");

        let other = Commit {
            sha: String::new(),
            author: "Aisha".into(),
            at: Timestamp::from_second(1_760_000_100).unwrap(),
            message: "third".into(),
            changes: vec![("d/e.yaml".into(), text("e: 1\n")), ("a/b.yaml".into(), None)],
        };
        let ids = import(&folder, Some(repository.head()), &[other]).unwrap();
        assert!(repository.poll());
        assert_eq!(repository.head(), ids[0]);
        let newest = repository.commit_of(&ids[0]).unwrap();
        assert_eq!((newest.author.as_str(), newest.message.as_str()), ("Aisha", "third"));
        assert_eq!(repository.file("d/e.yaml").as_deref(), Some("e: 1\n"));
        assert_eq!(repository.file("a/b.yaml"), None);
        assert!(!repository.poll());
        repository.add("Maria", Timestamp::now(), "fourth", vec![("f".into(), text("f"))]);
        repository.write();
        assert_eq!(said(&["rev-parse", "main"]), repository.head());
        assert_eq!(said(&["rev-list", "--count", "main"]), "4");
    }
}
