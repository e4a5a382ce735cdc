//! The sources as tokens: rooms, files, and what each file names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of `src`, without what is compiled for tests only.
pub struct Source {
    /// Relative to the root of the repository.
    pub path: PathBuf,
    /// The first part of its module path; `lib` and `main` for those two.
    pub room: String,
    /// How many modules it is below the crate's root.
    pub depth: usize,
    /// Its text.
    pub text: String,
    /// Its tokens, flat: idents, punctuation, and brackets as punctuation.
    pub tokens: Vec<Token>,
}

/// An ident, a literal, or one sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

impl Source {
    /// `src/x.rs:12`
    pub fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }

    /// The lines on which these tokens stand one after another.
    pub fn find(&self, wanted: &[&str]) -> Vec<usize> {
        self.tokens
            .windows(wanted.len())
            .filter(|window| window.iter().zip(wanted).all(|(token, text)| token.text == *text))
            .map(|window| window[0].line)
            .collect()
    }

    /// The rooms that it names through `crate::…`, with lines.
    pub fn imports(&self) -> Vec<(String, usize)> {
        let mut found = Vec::new();
        for at in 0..self.tokens.len() {
            if !self.starts(at, &["crate", ":", ":"]) {
                continue;
            }
            let next = at + 3;
            if self.text_at(next) == "{" {
                self.group(next, &mut found);
            } else if let Some(token) = self.tokens.get(next) {
                found.push((token.text.clone(), token.line));
            }
        }
        found
    }

    /// The lines where a chain of `super::` arrives at the crate's root.
    pub fn climbs_out(&self) -> Vec<usize> {
        let mut lines = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let mut climbed = 0;
            while self.starts(at + climbed * 3, &["super", ":", ":"]) {
                climbed += 1;
            }
            if climbed >= self.depth && climbed > 0 {
                lines.push(self.tokens[at].line);
            }
            at += (climbed * 3).max(1);
        }
        lines
    }

    /// The first names in `{a, b::c, d::{e, f}}`, which opens at `open`.
    fn group(&self, open: usize, found: &mut Vec<(String, usize)>) {
        let mut nested = 0;
        let mut first = true;
        for token in &self.tokens[open..] {
            match token.text.as_str() {
                "{" => nested += 1,
                "}" => nested -= 1,
                "," if nested == 1 => first = true,
                text if first && nested == 1 => {
                    found.push((text.to_owned(), token.line));
                    first = false;
                }
                _ => {}
            }
            if nested == 0 {
                return;
            }
        }
    }

    fn starts(&self, at: usize, wanted: &[&str]) -> bool {
        wanted.iter().enumerate().all(|(n, text)| self.text_at(at + n) == *text)
    }

    fn text_at(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text.as_str())
    }
}

/// Reads a text as if it were a file of `src`.
pub fn source(path: &str, text: &str) -> Source {
    source_and_test_files(Path::new(path), text).0
}

/// All files of `src` that are part of the program.
pub fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    collect(&root().join("src"), &mut files);
    files.sort();
    let mut sources = Vec::new();
    let mut tests = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let path = file.strip_prefix(root()).unwrap();
        let (source, declared) = source_and_test_files(path, &text);
        sources.push(source);
        tests.extend(declared);
    }
    sources.retain(|source| !tests.iter().any(|test| in_module(&source.path, test)));
    assert!(sources.len() > 50, "only {} files were found", sources.len());
    sources
}

/// The rooms: the modules at the crate's root.
pub fn rooms(sources: &[Source]) -> BTreeSet<String> {
    let rooms = sources.iter().map(|source| source.room.clone());
    rooms.filter(|room| room != "lib" && room != "main").collect()
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            files.push(path);
        }
    }
}

/// `module` is a path without an ending: `src/world/tests`.
fn in_module(file: &Path, module: &Path) -> bool {
    file.with_extension("") == module || file.starts_with(module)
}

fn source_and_test_files(path: &Path, text: &str) -> (Source, Vec<PathBuf>) {
    let tokens: TokenStream = match text.parse() {
        Ok(tokens) => tokens,
        Err(error) => panic!("{}: {error}", path.display()),
    };
    // `src/a.rs` and `src/a/mod.rs` are one module below the root; `src/a/b.rs` is two.
    let module = if path.ends_with("mod.rs") { path.parent().unwrap() } else { path };
    let module = module.with_extension("");
    let names: Vec<String> = module.iter().skip(1).map(|part| part.to_string_lossy().into_owned()).collect();
    let room = names[0].clone();
    let depth = if room == "lib" || room == "main" { 0 } else { names.len() };
    let beside = if depth == 0 { PathBuf::from("src") } else { module };
    let mut reading = Reading { beside, tokens: Vec::new(), tests: Vec::new() };
    reading.read(tokens);
    let source = Source { path: path.to_owned(), room, depth, text: text.to_owned(), tokens: reading.tokens };
    (source, reading.tests)
}

/// Flattens tokens and leaves out items behind `#[cfg(test)]`.
struct Reading {
    /// Where the files of the modules that this one declares stand.
    beside: PathBuf,
    tokens: Vec<Token>,
    tests: Vec<PathBuf>,
}

impl Reading {
    fn read(&mut self, stream: TokenStream) {
        let trees: Vec<TokenTree> = stream.into_iter().collect();
        let mut at = 0;
        while at < trees.len() {
            if is_sign(&trees[at], '#') && trees.get(at + 1).is_some_and(is_cfg_test) {
                at = self.skip_item(&trees, at + 2);
                continue;
            }
            self.keep(&trees[at]);
            at += 1;
        }
    }

    fn keep(&mut self, tree: &TokenTree) {
        let line = tree.span().start().line;
        if let TokenTree::Group(group) = tree {
            let (open, close) = match group.delimiter() {
                Delimiter::Parenthesis => ("(", ")"),
                Delimiter::Brace => ("{", "}"),
                Delimiter::Bracket => ("[", "]"),
                Delimiter::None => ("", ""),
            };
            self.tokens.push(Token { text: open.to_owned(), line });
            self.read(group.stream());
            let line = group.span_close().start().line;
            self.tokens.push(Token { text: close.to_owned(), line });
        } else {
            self.tokens.push(Token { text: tree.to_string(), line });
        }
    }

    /// The place behind the item that begins at `from`: it ends with `;` or with a block.
    fn skip_item(&mut self, trees: &[TokenTree], from: usize) -> usize {
        let mut at = from;
        let mut name = None;
        let mut file = None;
        while at < trees.len() {
            match &trees[at] {
                TokenTree::Ident(ident) if ident == "mod" => {
                    name = trees.get(at + 1).map(ToString::to_string);
                }
                TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => {
                    file = file.or(path_attribute(group.stream()));
                }
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return at + 1,
                tree if is_sign(tree, ';') => {
                    let file = file.map(|file| self.beside.parent().unwrap().join(file).with_extension(""));
                    self.tests.extend(file.or(name.map(|name| self.beside.join(name))));
                    return at + 1;
                }
                _ => {}
            }
            at += 1;
        }
        at
    }
}

fn is_sign(tree: &TokenTree, sign: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == sign)
}

/// `[cfg(test)]`, also `[cfg(all(test, …))]`.
fn is_cfg_test(tree: &TokenTree) -> bool {
    let TokenTree::Group(group) = tree else { return false };
    let text: String = group.stream().to_string().split_whitespace().collect();
    text == "cfg(test)" || text.starts_with("cfg(all(test,")
}

/// The file of `path = "file"`.
fn path_attribute(stream: TokenStream) -> Option<String> {
    let text = stream.to_string();
    let file = text.strip_prefix("path")?.trim_start().strip_prefix('=')?;
    Some(file.trim().trim_matches('"').to_owned())
}

#[test]
fn imports_are_read_in_every_form() {
    let text = r##"
        //! crate::comment is none.
        use crate::one::Thing;
        use crate::{two, three::{four, five}, six as seven};
        pub(crate) fn f() -> &'static str { crate::eight::f(); "crate::text" }
        #[cfg(test)]
        mod tests { use crate::hidden; }
        #[cfg(test)]
        use crate::hidden_too;
        macro_rules! m { () => { $crate::nine } }
        fn g() { println!("{}", crate::ten::g()) }
    "##;
    let imports = source("src/room/file.rs", text).imports();
    let names: Vec<&str> = imports.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["one", "two", "three", "six", "eight", "nine", "ten"]);
    assert_eq!(imports[0].1, 3);
}

#[test]
fn climbing_to_the_root_is_seen() {
    let out = source("src/room/file.rs", "use super::super::other;\nuse super::sister;");
    assert_eq!(out.climbs_out(), [1]);
    assert_eq!(source("src/room/mod.rs", "use super::other;").climbs_out(), [1]);
    assert_eq!(source("src/room.rs", "use super::other;").climbs_out(), [1]);
    assert_eq!(source("src/room/a/b.rs", "use super::super::c;").climbs_out(), [] as [usize; 0]);
}

#[test]
fn files_of_tests_are_left_out() {
    let (_, tests) = source_and_test_files(Path::new("src/a/mod.rs"), "#[cfg(test)]\nmod tests;\nmod b;");
    assert_eq!(tests, [PathBuf::from("src/a/tests")]);
    let (_, tests) =
        source_and_test_files(Path::new("src/a/b.rs"), "#[cfg(test)] #[path = \"b_tests.rs\"] mod tests;");
    assert_eq!(tests, [PathBuf::from("src/a/b_tests")]);
    assert!(in_module(Path::new("src/a/tests.rs"), Path::new("src/a/tests")));
    assert!(in_module(Path::new("src/a/tests/mod.rs"), Path::new("src/a/tests")));
    assert!(!in_module(Path::new("src/a/tests_of.rs"), Path::new("src/a/tests")));
}
