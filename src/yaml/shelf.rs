//! A shelf of named files: those embedded in the binary and those in the user's folder, which go first.

use std::path::{Path, PathBuf};

use crate::error::{Problem, suggest};
use crate::text::clean;

/// Largest file we read, in bytes. Ours have some kilobytes.
const SIZE_LIMIT: u64 = 1_000_000;

/// Where themes or keymaps are found by name.
#[derive(Debug, Clone)]
pub struct Shelf {
    /// What one of them is called in messages: `theme`, `keymap`.
    pub noun: &'static str,
    /// The embedded ones: name and text.
    pub embedded: &'static [(&'static str, &'static str)],
    /// The user's folder, whose files override embedded ones of the same name.
    pub folder: Option<PathBuf>,
}

/// One file of a shelf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name: the file's name without `.yaml`.
    pub name: String,
    /// The user's file; `None` when it is the embedded one.
    pub file: Option<PathBuf>,
}

impl Shelf {
    /// Everything there is, by name. A folder that is missing is an empty one.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = self
            .user_files()
            .into_iter()
            .filter_map(|file| {
                let name = file.file_stem()?.to_str()?.to_owned();
                Some(Entry { name, file: Some(file) })
            })
            .collect();
        for (name, _) in self.embedded {
            if !entries.iter().any(|e| e.name == *name) {
                entries.push(Entry { name: (*name).to_owned(), file: None });
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        entries
    }

    /// The text of a named one, with the file name to use in messages. A name with a slash or ending in `.yaml` is
    /// a path.
    ///
    /// # Errors
    /// No such name (with the nearest one), or a file that cannot be read.
    pub fn read(&self, name: &str) -> Result<(PathBuf, String), Problem> {
        if name.contains('/') || name.ends_with(".yaml") {
            return read_file(Path::new(name));
        }
        let own = self.user_files().into_iter().find(|f| f.file_stem().is_some_and(|s| s == name));
        if let Some(file) = own {
            return read_file(&file);
        }
        match self.embedded(name) {
            Some(found) => Ok(found),
            None => {
                let entries = self.entries();
                let known = entries.iter().map(|e| e.name.as_str());
                Err(Problem::usage(format!("no {} is called `{}`", self.noun, clean(name)))
                    .mend(suggest(name, known.collect::<Vec<_>>())))
            }
        }
    }

    /// The embedded one of this name, even when the user's folder overrides it.
    #[must_use]
    pub fn embedded(&self, name: &str) -> Option<(PathBuf, String)> {
        let (name, text) = self.embedded.iter().find(|(n, _)| *n == name)?;
        let file = format!("(built-in {} {name})", self.noun);
        Some((file.into(), (*text).to_owned()))
    }

    fn user_files(&self) -> Vec<PathBuf> {
        let Some(folder) = self.folder.as_deref().and_then(|f| std::fs::read_dir(f).ok()) else {
            return Vec::new();
        };
        folder
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|f| f.extension().is_some_and(|e| e == "yaml"))
            .collect()
    }
}

/// Reads a file of ours as text.
///
/// # Errors
/// Not there, not readable, too large or not UTF-8.
pub fn read_file(file: &Path) -> Result<(PathBuf, String), Problem> {
    let size = std::fs::metadata(file).map(|m| m.len());
    if let Ok(size) = size
        && size > SIZE_LIMIT
    {
        return Err(Problem::usage("the file is larger than a megabyte")
            .in_file(file)
            .mend("is it the right file?"));
    }
    match std::fs::read_to_string(file) {
        Ok(text) => Ok((file.to_owned(), text)),
        Err(e) => Err(Problem::usage("the file cannot be read")
            .in_file(file)
            .because(e)
            .mend("check the path and its permissions")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_file_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.yaml"), "mine").unwrap();
        std::fs::write(folder.path().join("notes.txt"), "no").unwrap();
        let shelf = Shelf {
            noun: "theme",
            embedded: &[("a", "theirs"), ("bright", "b")],
            folder: Some(folder.path().to_owned()),
        };
        let names: Vec<_> = shelf.entries().into_iter().map(|e| (e.name, e.file.is_some())).collect();
        assert_eq!(names, [("a".to_owned(), true), ("bright".to_owned(), false)]);
        assert_eq!(shelf.read("a").unwrap().1, "mine");
        assert_eq!(shelf.embedded("a").unwrap().1, "theirs");
        let path = folder.path().join("a.yaml");
        assert_eq!(shelf.read(path.to_str().unwrap()).unwrap().1, "mine");
        let missing = shelf.read("brigth").unwrap_err().to_string();
        assert_eq!(missing, "no theme is called `brigth`\n  mend: did you mean `bright`?");
        assert!(
            shelf
                .read("./none.yaml")
                .unwrap_err()
                .to_string()
                .starts_with("./none.yaml: the file cannot be read")
        );
    }
}
