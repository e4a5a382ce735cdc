//! Errors that a person reads: what is wrong, where, and how to mend it.
//!
//! A [`Problem`] is made where something fails and travels up unchanged: the command line prints it and turns its
//! kind into the exit code, the screen shows it as a toast or in place of rows. It knows no other room. Whatever
//! text goes in that came from outside must have been cleaned before (see `text::clean`).

use std::error::Error as StdError;
use std::fmt;
use std::path::{Path, PathBuf};

/// What sort of failure this is; decides the exit code of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It was tried and failed, or something is unhealthy.
    Failed,
    /// Wrong arguments, or a configuration, keymap or theme file that cannot be used.
    Usage,
    /// A gate of a plan failed.
    Gate,
    /// Refused: read-only, forbidden, stale or not confirmed.
    Refused,
    /// Timed out, or the outcome is unknown.
    TimedOut,
}

impl Kind {
    /// The exit code a command ends with. 0 is success.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Failed => 1,
            Kind::Usage => 2,
            Kind::Gate => 3,
            Kind::Refused => 4,
            Kind::TimedOut => 5,
        }
    }
}

/// A place in a file that a person can open. Lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The file, as it was named or found.
    pub file: PathBuf,
    /// Line, when known.
    pub line: Option<usize>,
    /// Column, when known.
    pub column: Option<usize>,
    /// Path of the key inside the file: `stages[1].environments[0].context`.
    pub key: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
            if let Some(column) = self.column {
                write!(f, ":{column}")?;
            }
        }
        Ok(())
    }
}

/// One thing that is wrong. Built with the functions named after its kind, then `at`, `mend` and `because`.
#[derive(Debug)]
pub struct Problem {
    /// What sort of failure.
    pub kind: Kind,
    /// What is wrong, one sentence without a full stop.
    pub what: String,
    /// Where, when it has a place in a file. Boxed, for results carry problems around.
    pub place: Option<Box<Place>>,
    /// What to do about it.
    pub mend: Option<String>,
    /// The error underneath.
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The usual result of work that can fail in a way a person should read.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

impl Problem {
    /// A problem of this kind.
    #[must_use]
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Problem { kind, what: what.into(), place: None, mend: None, source: None }
    }

    /// Something was tried and failed (exit code 1).
    #[must_use]
    pub fn failed(what: impl Into<String>) -> Self {
        Self::new(Kind::Failed, what)
    }

    /// Wrong arguments or a file of ours that cannot be used (exit code 2).
    #[must_use]
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Kind::Usage, what)
    }

    /// Refused (exit code 4).
    #[must_use]
    pub fn refused(what: impl Into<String>) -> Self {
        Self::new(Kind::Refused, what)
    }

    /// Timed out or unknown (exit code 5).
    #[must_use]
    pub fn timed_out(what: impl Into<String>) -> Self {
        Self::new(Kind::TimedOut, what)
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(Box::new(place));
        self
    }

    /// Says in which file, when no closer place is known.
    #[must_use]
    pub fn in_file(self, file: &Path) -> Self {
        self.at(Place { file: file.to_owned(), ..Place::default() })
    }

    /// Says how to mend it.
    #[must_use]
    pub fn mend(mut self, how: impl Into<String>) -> Self {
        self.mend = Some(how.into());
        self
    }

    /// Says what lies underneath.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The exit code a command ends with because of this.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.kind.exit_code()
    }
}

/// `config.yaml:7:5: unknown field "contxt" (stages[0])`, then the cause and the mend on lines of their own.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.what)?;
        if let Some(key) = self.place.as_ref().and_then(|p| p.key.as_ref()) {
            write!(f, " (in {key})")?;
        }
        let mut cause = self.source.as_deref().map(|s| s as &dyn StdError);
        while let Some(error) = cause {
            write!(f, "\n  because: {error}")?;
            cause = error.source();
        }
        if let Some(mend) = &self.mend {
            write!(f, "\n  mend: {mend}")?;
        }
        Ok(())
    }
}

/// The causes are part of the message, so they are not handed out a second time.
impl StdError for Problem {}

/// Several problems found in one go, in the order of their places. Never empty when used as an error.
#[derive(Debug, Default)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// The gravest exit code among them.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.0.iter().map(Problem::exit_code).max().unwrap_or(0)
    }

    /// `Ok` when nothing was found.
    ///
    /// # Errors
    /// Itself, when it holds at least one problem.
    pub fn or_ok(self) -> Result<(), Problems> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Problems(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl StdError for Problems {}

/// The known name nearest to what was typed, when one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&typed, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= (name.chars().count().max(3) / 3).min(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// A mend for an unknown name: `did you mean "context"?`, else the list of what is known.
#[must_use]
pub fn suggest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(typed, known.clone()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => {
            let names: Vec<_> = known.into_iter().collect();
            format!("known are: {}", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_like_a_compiler_message() {
        let place = Place {
            file: "config.yaml".into(),
            line: Some(7),
            column: Some(5),
            key: Some("stages[0]".into()),
        };
        let problem = Problem::usage("unknown key `contxt`")
            .at(place)
            .because(std::io::Error::other("disk says no"))
            .mend(suggest("contxt", ["name", "context"]));
        assert_eq!(
            problem.to_string(),
            "config.yaml:7:5: unknown key `contxt` (in stages[0])\n  because: disk says no\n  mend: did you mean `context`?"
        );
        assert_eq!(problem.exit_code(), 2);
    }

    #[test]
    fn several_problems_end_with_the_gravest_code() {
        let both = Problems(vec![Problem::failed("a"), Problem::refused("b")]);
        assert_eq!(both.exit_code(), 4);
        assert_eq!(both.to_string(), "a\nb");
        assert!(Problems::default().or_ok().is_ok());
    }

    #[test]
    fn near_names_only() {
        let known = ["context", "namespaces", "protected"];
        assert_eq!(nearest("contxt", known), Some("context"));
        assert_eq!(nearest("namespace", known), Some("namespaces"));
        assert_eq!(nearest("ProTected", known), Some("protected"));
        assert_eq!(nearest("banana", known), None);
        assert_eq!(suggest("banana", known), "known are: context, namespaces, protected");
        assert_eq!(nearest("ac", ["at"]), Some("at"));
    }
}
