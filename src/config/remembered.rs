//! What the program keeps in mind by itself: contexts that a person connected with the key. Never in the
//! configuration, which is the person's own file.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Problem, Result};
use crate::text::clean;
use crate::yaml;

/// More contexts than this are not remembered: the oldest go.
const LIMIT: usize = 200;

/// The content of the state file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// Contexts to connect at the next start, oldest first.
    #[serde(default)]
    pub contexts: Vec<String>,
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
    fn a_broken_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("remembered.yaml"), "contexts: 3").unwrap();
        let told = Remembered::load(folder.path()).unwrap_err().to_string();
        assert!(told.contains("not a state file") && told.contains("mend: remove it"), "{told}");
    }
}
