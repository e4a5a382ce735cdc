//! The located tree: YAML as maps, lists and scalars, each with its line and column.

use std::path::Path;

use serde_saphyr::granit_parser::{Event, Marker, Parser, ScalarStyle};

use crate::error::{Place, Problem};
use crate::text::clean;

/// Nodes a file may have, aliases counted as often as they are used. Our largest file has some hundreds; the limit
/// stops alias bombs.
const NODE_LIMIT: usize = 100_000;
/// How deep maps and lists may nest.
const DEPTH_LIMIT: usize = 32;

/// Where something stands; both count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct At {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it begins.
    pub at: At,
    /// What it is.
    pub value: Value,
}

/// The shapes of YAML.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Keys with their values, in the order of the file. No key comes twice.
    Map(Vec<(Key, Node)>),
    /// A list.
    List(Vec<Node>),
    /// Text; `plain` when it stood without quotes and so may mean a number, a boolean or nothing.
    Scalar {
        /// The text after YAML's own escapes.
        text: String,
        /// Whether it stood without quotes.
        plain: bool,
    },
}

/// A key of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its text.
    pub name: String,
    /// Where it stands.
    pub at: At,
}

/// Reads one YAML document. An empty file is an empty map.
///
/// # Errors
/// Broken syntax, duplicate keys, keys that are no strings, more than one document, too many nodes.
pub fn parse(file: &Path, text: &str) -> Result<Node, Problem> {
    Builder { file, open: Vec::new(), anchors: Vec::new(), nodes: 0, root: None }.run(text)
}

/// A map or list whose end has not been seen yet.
struct Open {
    at: At,
    anchor: usize,
    map: bool,
    entries: Vec<(Key, Node)>,
    items: Vec<Node>,
    key: Option<Key>,
}

struct Builder<'a> {
    file: &'a Path,
    open: Vec<Open>,
    anchors: Vec<(usize, Node)>,
    nodes: usize,
    root: Option<Node>,
}

impl Builder<'_> {
    fn run(mut self, text: &str) -> Result<Node, Problem> {
        let mut documents = 0;
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|e| {
                let info = e.info();
                let mend = if info.contains("anchor") {
                    "define the anchor (&name) above its first use (*name); quote text that begins with *"
                } else {
                    "check the indentation, and quote text that holds `: `, `#`, `*`, `&` or `@`"
                };
                self.problem(at(e.marker()), format!("not YAML: {}", clean(&info))).mend(mend)
            })?;
            let here = at(&span.start);
            match event {
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        return Err(self
                            .problem(here, "a second document begins here")
                            .mend("remove the `---`; this file holds one document"));
                    }
                }
                Event::Scalar(text, style, anchor, _) => {
                    let value = Value::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain };
                    self.add(Node { at: here, value }, anchor)?;
                }
                Event::MappingStart(_, anchor, _) => self.begin(here, anchor, true)?,
                Event::SequenceStart(_, anchor, _) => self.begin(here, anchor, false)?,
                Event::MappingEnd | Event::SequenceEnd => self.end()?,
                Event::Alias(anchor) => {
                    let known = self.anchors.iter().rev().find(|(id, _)| *id == anchor);
                    match known.map(|(_, node)| node.clone()) {
                        Some(mut node) => {
                            self.nodes += size(&node);
                            node.at = here;
                            self.add(node, 0)?;
                        }
                        None => {
                            return Err(self
                                .problem(here, "an alias that stands for nothing whole")
                                .mend("define the anchor before the alias"));
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(self.root.unwrap_or(Node { at: At { line: 1, column: 1 }, value: Value::Map(Vec::new()) }))
    }

    fn begin(&mut self, at: At, anchor: usize, map: bool) -> Result<(), Problem> {
        if self.open.len() >= DEPTH_LIMIT {
            return Err(self.problem(at, "nested too deep").mend(format!("at most {DEPTH_LIMIT} levels")));
        }
        self.open.push(Open { at, anchor, map, entries: Vec::new(), items: Vec::new(), key: None });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Problem> {
        let Some(done) = self.open.pop() else {
            return Ok(());
        };
        let value = if done.map { Value::Map(done.entries) } else { Value::List(done.items) };
        self.add(Node { at: done.at, value }, done.anchor)
    }

    /// Puts a whole node where it belongs: as the root, into the open list, as a key or as the value of one.
    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Problem> {
        self.nodes += 1;
        if self.nodes > NODE_LIMIT {
            return Err(self.problem(node.at, "too large, counting every use of an alias"));
        }
        if anchor > 0 {
            self.anchors.push((anchor, node.clone()));
        }
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        if !parent.map {
            parent.items.push(node);
            return Ok(());
        }
        match parent.key.take() {
            Some(key) => parent.entries.push((key, node)),
            None => match node.value {
                Value::Scalar { text, .. } => {
                    if let Some((first, _)) = parent.entries.iter().find(|(k, _)| k.name == text) {
                        let line = first.at.line;
                        return Err(self
                            .problem(node.at, format!("the key `{}` comes twice", clean(&text)))
                            .mend(format!("it stands in line {line} already; keep one")));
                    }
                    parent.key = Some(Key { name: text, at: node.at });
                }
                _ => return Err(self.problem(node.at, "a key that is a list or a map")),
            },
        }
        Ok(())
    }

    fn problem(&self, at: At, what: impl Into<String>) -> Problem {
        Problem::usage(what).at(Place {
            file: self.file.to_owned(),
            line: Some(at.line),
            column: Some(at.column),
            key: None,
        })
    }
}

fn at(marker: &Marker) -> At {
    At { line: marker.line().max(1), column: marker.col() + 1 }
}

fn size(node: &Node) -> usize {
    match &node.value {
        Value::Scalar { .. } => 1,
        Value::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|(_, n)| 1 + size(n)).sum::<usize>(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(text: &str) -> String {
        parse("f.yaml".as_ref(), text).unwrap_err().to_string()
    }

    #[test]
    fn every_node_knows_its_place() {
        let node = parse("f".as_ref(), "# c\na:\n  - x\n  - \"1.10\"\nb: 1.10\n").unwrap();
        let Value::Map(entries) = node.value else { panic!() };
        let (a, list) = &entries[0];
        assert_eq!((a.name.as_str(), a.at), ("a", At { line: 2, column: 1 }));
        let Value::List(items) = &list.value else { panic!() };
        assert_eq!(items[1].at, At { line: 4, column: 5 });
        assert_eq!(items[1].value, Value::Scalar { text: "1.10".into(), plain: false });
        assert_eq!(entries[1].1.value, Value::Scalar { text: "1.10".into(), plain: true });
    }

    #[test]
    fn an_empty_file_is_an_empty_map() {
        for text in ["", "# only a comment\n", "---\n"] {
            let node = parse("f".as_ref(), text).unwrap();
            let found = crate::yaml::Found::new("f".as_ref());
            found.root(&node).fields().unwrap().finish();
            assert_eq!(found.problems().to_string(), "", "{text:?}");
        }
    }

    #[test]
    fn aliases_stand_for_their_anchors() {
        let node = parse("f".as_ref(), "a: &p {url: x}\nb: *p\n").unwrap();
        let Value::Map(entries) = node.value else { panic!() };
        assert_eq!(entries[1].1.at.line, 2);
        assert!(matches!(&entries[1].1.value, Value::Map(m) if m[0].0.name == "url"));
    }

    #[test]
    fn broken_files_say_where() {
        assert!(
            fails("a: 1\na: 2\n")
                .starts_with("f.yaml:2:1: the key `a` comes twice\n  mend: it stands in line 1")
        );
        assert!(fails("a: [1, 2\nb: 3\n").starts_with("f.yaml:"), "{}", fails("a: [1, 2\nb: 3\n"));
        assert!(fails("a: 1\n---\nb: 2\n").starts_with("f.yaml:2:1: a second document"));
        assert!(fails("? [a]\n: b\n").contains("a key that is a list"));
        assert!(fails("a: *nothing\n").starts_with("f.yaml:1:"));
    }

    #[test]
    fn alias_bombs_are_stopped() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for i in 1..9 {
            let uses = vec![format!("*a{}", i - 1); 10].join(", ");
            text.push_str(&format!("a{i}: &a{i} [{uses}]\n"));
        }
        assert!(fails(&text).contains("too large"));
    }

    #[test]
    fn deep_nesting_is_stopped() {
        assert!(fails(&"[".repeat(5_000)).contains("f.yaml:1:"));
    }
}
