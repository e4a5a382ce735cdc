//! Walking a located tree towards typed values, collecting every problem on the way.
//!
//! A decoder takes the fields it knows; what nobody took is an unknown key. A wrong value is recorded and reads as
//! absent, so that one run reports everything; the caller asks [`Found::problems`] before it trusts the result.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{Span, SpanRelativeTo, Unit};

use super::tree::{At, Node, Value};
use crate::error::{Place, Problem, Problems, suggest};
use crate::text::clean;

/// What was found wrong in one file.
#[derive(Debug)]
pub struct Found {
    file: PathBuf,
    problems: RefCell<Vec<Problem>>,
    known: RefCell<BTreeSet<&'static str>>,
}

impl Found {
    /// Nothing yet, in this file.
    #[must_use]
    pub fn new(file: &Path) -> Self {
        Found { file: file.to_owned(), problems: RefCell::default(), known: RefCell::default() }
    }

    /// A cursor on the whole file.
    #[must_use]
    pub fn root<'a>(&'a self, node: &'a Node) -> Cursor<'a> {
        Cursor { found: self, node, path: String::new() }
    }

    /// Every name of a field that a decoder asked for: what the documentation must name.
    #[must_use]
    pub fn known_keys(&self) -> BTreeSet<&'static str> {
        self.known.borrow().clone()
    }

    /// Records a problem that has no place of its own in the tree.
    pub fn add(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// All problems, in the order of their lines.
    #[must_use]
    pub fn problems(self) -> Problems {
        let mut all = self.problems.into_inner();
        all.sort_by_key(|p| p.place.as_ref().map(|p| (p.line, p.column)));
        Problems(all)
    }

    fn record(&self, at: At, path: &str, what: String, mend: String) {
        let place = Place {
            file: self.file.clone(),
            line: Some(at.line),
            column: Some(at.column),
            key: (!path.is_empty()).then(|| clean(path).into_owned()),
        };
        self.add(Problem::usage(what).at(place).mend(mend));
    }
}

/// A place in the tree, with the path that led to it.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    found: &'a Found,
    node: &'a Node,
    path: String,
}

impl<'a> Cursor<'a> {
    /// Where it stands.
    #[must_use]
    pub fn at(&self) -> At {
        self.node.at
    }

    /// The path of the key: `stages[0].name`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Records that this value is wrong.
    pub fn wrong(&self, what: impl Into<String>, mend: impl Into<String>) {
        self.found.record(self.node.at, &self.path, what.into(), mend.into());
    }

    /// Whether nothing is written here: `key:` or `key: null`.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        matches!(&self.node.value, Value::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null"))
    }

    /// Whether this is a map.
    #[must_use]
    pub fn is_map(&self) -> bool {
        matches!(self.node.value, Value::Map(_))
    }

    /// Whether this is a list.
    #[must_use]
    pub fn is_list(&self) -> bool {
        matches!(self.node.value, Value::List(_))
    }

    /// The fields of a map; nothing written counts as an empty map.
    #[must_use]
    pub fn fields(&self) -> Option<Fields<'a>> {
        let entries: &'a [(super::Key, Node)] = match &self.node.value {
            Value::Map(entries) => entries,
            _ if self.is_nothing() => &[],
            _ => {
                self.wrong(
                    format!("{} where keys and values are wanted", self.kind()),
                    "write `key: value` lines, indented under this key",
                );
                return None;
            }
        };
        Some(Fields {
            found: self.found,
            at: self.node.at,
            path: self.path.clone(),
            entries,
            known: RefCell::default(),
        })
    }

    /// The items of a list; nothing written counts as an empty list.
    #[must_use]
    pub fn items(&self) -> Vec<Cursor<'a>> {
        match &self.node.value {
            Value::List(items) => items
                .iter()
                .enumerate()
                .map(|(i, node)| Cursor { found: self.found, node, path: format!("{}[{i}]", self.path) })
                .collect(),
            _ if self.is_nothing() => Vec::new(),
            _ => {
                self.wrong(
                    format!("{} where a list is wanted", self.kind()),
                    "write `- item` lines, or [item, item]",
                );
                Vec::new()
            }
        }
    }

    /// A string. Text with characters that a terminal cannot show is refused, so what comes out is safe to draw.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match &self.node.value {
            Value::Scalar { text, .. } if !self.is_nothing() => {
                let shown = clean(text);
                if shown == text.as_str() {
                    return Some(text.clone());
                }
                self.wrong(
                    format!("text with hidden or control characters: {shown}"),
                    "write it without them",
                );
                None
            }
            _ => {
                self.wrong(format!("{} where text is wanted", self.kind()), "write a string");
                None
            }
        }
    }

    /// `true` or `false`, unquoted.
    #[must_use]
    pub fn boolean(&self) -> Option<bool> {
        match &self.node.value {
            Value::Scalar { text, plain: true } if text == "true" => Some(true),
            Value::Scalar { text, plain: true } if text == "false" => Some(false),
            _ => {
                self.wrong(
                    format!("{} where true or false is wanted", self.kind()),
                    "write `true` or `false`",
                );
                None
            }
        }
    }

    /// A duration such as `90s`, `5m`, `1h30m` or `2d`; a day has 24 hours.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        let text = self.text()?;
        let seconds = text
            .parse::<Span>()
            .ok()
            .and_then(|span| span.total((Unit::Second, SpanRelativeTo::days_are_24_hours())).ok());
        match seconds {
            Some(s) if s > 0.0 => Duration::try_from_secs_f64(s).ok(),
            _ => {
                self.wrong(
                    format!("`{text}` is not a duration"),
                    "write a number and a unit: 90s, 5m, 1h30m, 2d",
                );
                None
            }
        }
    }

    /// One of some names.
    #[must_use]
    pub fn choice<T: Copy>(&self, names: &[(&'static str, T)]) -> Option<T> {
        let text = self.text()?;
        let hit = names.iter().find(|(name, _)| *name == text);
        if hit.is_none() {
            self.wrong(
                format!("`{text}` is not known here"),
                suggest(&text, names.iter().map(|(name, _)| *name)),
            );
        }
        hit.map(|(_, value)| *value)
    }

    fn kind(&self) -> String {
        match &self.node.value {
            Value::Map(_) => "a map".to_owned(),
            Value::List(_) => "a list".to_owned(),
            _ if self.is_nothing() => "nothing".to_owned(),
            Value::Scalar { text, plain: true } => format!("`{}`", clean(text)),
            Value::Scalar { text, plain: false } => format!("the text \"{}\"", clean(text)),
        }
    }
}

/// The fields of one map, and which of them are known.
#[derive(Debug)]
pub struct Fields<'a> {
    found: &'a Found,
    at: At,
    path: String,
    entries: &'a [(super::Key, Node)],
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Fields<'a> {
    /// The value of a field, when it is written; makes the name known.
    #[must_use]
    pub fn take(&self, name: &'static str) -> Option<Cursor<'a>> {
        self.known.borrow_mut().push(name);
        self.found.known.borrow_mut().insert(name);
        let (_, node) = self.entries.iter().find(|(key, _)| key.name == name)?;
        Some(Cursor { found: self.found, node, path: self.join(name) })
    }

    /// The value of a field that must be there.
    #[must_use]
    pub fn need(&self, name: &'static str, mend: &str) -> Option<Cursor<'a>> {
        let value = self.take(name);
        if value.is_none() {
            self.found.record(self.at, &self.path, format!("`{name}` is missing"), mend.to_owned());
        }
        value
    }

    /// Every field, whatever its name, with the place of its key: for maps whose keys are data.
    pub fn all(&self) -> impl Iterator<Item = (&'a super::Key, Cursor<'a>)> + '_ {
        self.entries.iter().map(|(key, node)| {
            let cursor = Cursor { found: self.found, node, path: self.join(&key.name) };
            (key, cursor)
        })
    }

    /// Records that a key (not its value) is wrong.
    pub fn wrong_key(&self, key: &super::Key, what: impl Into<String>, mend: impl Into<String>) {
        self.found.record(key.at, &self.path, what.into(), mend.into());
    }

    /// Records every field that nobody took as unknown. Call it last.
    pub fn finish(&self) {
        let known = self.known.borrow();
        for (key, _) in self.entries {
            if !known.contains(&key.name.as_str()) {
                let mend = suggest(&key.name, known.iter().copied());
                self.wrong_key(key, format!("unknown key `{}`", clean(&key.name)), mend);
            }
        }
    }

    fn join(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse;

    #[test]
    fn all_problems_are_told_at_once_with_place_and_mend() {
        let text =
            "name: [x]\nforce: yes\nevery: 5 parsecs\ncolor: rde\nextra: 1\nlist: 3\nhidden: \"a\\u202Eb\"\n";
        let node = parse("f.yaml".as_ref(), text).unwrap();
        let found = Found::new("f.yaml".as_ref());
        {
            let fields = found.root(&node).fields().unwrap();
            assert_eq!(fields.take("name").unwrap().text(), None);
            assert_eq!(fields.take("force").unwrap().boolean(), None);
            assert_eq!(fields.take("every").unwrap().duration(), None);
            let colours = [("red", 1), ("green", 2)];
            assert_eq!(fields.take("color").unwrap().choice(&colours), None);
            assert!(fields.take("list").unwrap().items().is_empty());
            assert_eq!(fields.take("hidden").unwrap().text(), None);
            assert!(fields.need("context", "name a context").is_none());
            assert!(fields.take("extras").is_none());
            fields.finish();
        }
        insta::assert_snapshot!(found.problems());
    }

    #[test]
    fn durations() {
        let read = |text: &str| {
            let node = parse("f".as_ref(), text).unwrap();
            Found::new("f".as_ref()).root(&node).duration().map(|d| d.as_secs())
        };
        assert_eq!(read("90s"), Some(90));
        assert_eq!(read("1h30m"), Some(5_400));
        assert_eq!(read("2d"), Some(172_800));
        assert_eq!(read("-5m"), None);
        assert_eq!(read("5"), None);
        assert_eq!(read("0s"), None);
    }
}
