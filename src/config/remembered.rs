//! What the program keeps in mind by itself: contexts that a person connected with the key, queries that he typed.
//! Never in the configuration, which is the person's own file.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Problem, Result};
use crate::text::clean;
use crate::yaml;

/// More contexts or queries than this are not remembered: the oldest go.
const LIMIT: usize = 200;

/// Something to keep in mind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Memo {
    /// A context to connect at the next start.
    Context(String),
    /// A query that was asked.
    Query(String),
}

/// The content of the state file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// Contexts to connect at the next start, oldest first.
    #[serde(default)]
    pub contexts: Vec<String>,
    /// Queries that were typed, oldest first; none twice.
    #[serde(default)]
    pub queries: Vec<String>,
}

impl Remembered {
    /// Reads the state folder. No file means that nothing is remembered.
    ///
    /// # Errors
    /// A file that cannot be read or understood.
    pub fn load(state: &Path) -> Result<Remembered> {
        let file = path(state);
        if !file.exists() {
            return Ok(Remembered::default());
        }
        let (file, text) = yaml::read_file(&file)?;
        serde_yaml::from_str(&text).map_err(|e| {
            Problem::usage(format!("not a state file: {}", clean(&e.to_string())))
                .in_file(&file)
                .mend("remove it; connect the contexts again")
        })
    }

    /// Keeps something in mind; tells whether that changes anything.
    pub fn keep(&mut self, memo: &Memo) -> bool {
        match memo {
            Memo::Context(context) => self.add(context),
            Memo::Query(query) => self.add_query(query),
        }
    }

    /// Adds a query as the newest one.
    fn add_query(&mut self, query: &str) -> bool {
        if self.queries.last().is_some_and(|last| last == query) {
            return false;
        }
        self.queries.retain(|known| known != query);
        self.queries.push(query.to_owned());
        let surplus = self.queries.len().saturating_sub(LIMIT);
        self.queries.drain(..surplus);
        true
    }

    /// Adds a context; tells whether it is new.
    pub fn add(&mut self, context: &str) -> bool {
        if self.contexts.iter().any(|c| c == context) {
            return false;
        }
        self.contexts.push(context.to_owned());
        let surplus = self.contexts.len().saturating_sub(LIMIT);
        self.contexts.drain(..surplus);
        true
    }

    /// Writes the state file whole or not at all: a new file takes the old one's place.
    ///
    /// # Errors
    /// The folder or file cannot be written.
    pub fn save(&self, state: &Path) -> Result<()> {
        let failed = |e: std::io::Error| {
            Problem::failed("the state file cannot be written").in_file(&path(state)).because(e)
        };
        let text = serde_yaml::to_string(self)
            .map_err(|e| Problem::failed("the state cannot be written as YAML").because(e))?;
        std::fs::create_dir_all(state).map_err(failed)?;
        let mut file = tempfile::NamedTempFile::new_in(state).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path(state)).map_err(|e| failed(e.error))?;
        Ok(())
    }
}

fn path(state: &Path) -> PathBuf {
    state.join("remembered.yaml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_are_remembered_once() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("new");
        let mut kept = Remembered::load(&state).unwrap();
        assert!(kept.add("gke_p_eu_main") && kept.add("no") && !kept.add("no"));
        kept.save(&state).unwrap();
        assert_eq!(Remembered::load(&state).unwrap(), kept);
        assert_eq!(std::fs::read_dir(&state).unwrap().count(), 1, "no temporary file stays");
        for i in 0..300 {
            kept.add(&i.to_string());
        }
        assert_eq!((kept.contexts.len(), kept.contexts[0].as_str()), (LIMIT, "100"));
    }

    #[test]
    fn a_query_that_is_asked_again_is_the_newest_once() {
        let mut kept = Remembered::default();
        let mut ask = |query: &str| kept.keep(&Memo::Query(query.to_owned()));
        assert_eq!(["up", "go_info", "up", "up"].map(&mut ask), [true, true, true, false]);
        assert_eq!(kept.queries, ["go_info", "up"]);
        let folder = tempfile::tempdir().unwrap();
        kept.save(folder.path()).unwrap();
        assert_eq!(Remembered::load(folder.path()).unwrap(), kept);
    }

    #[test]
    fn a_file_of_before_there_were_queries_is_read() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("remembered.yaml"), "contexts: [gke]").unwrap();
        let kept = Remembered::load(folder.path()).unwrap();
        assert_eq!((kept.contexts.len(), kept.queries.len()), (1, 0));
    }

    #[test]
    fn a_broken_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("remembered.yaml"), "contexts: 3").unwrap();
        let told = Remembered::load(folder.path()).unwrap_err().to_string();
        assert!(told.contains("not a state file") && told.contains("mend: remove it"), "{told}");
    }
}
